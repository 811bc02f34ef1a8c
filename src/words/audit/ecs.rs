//! Events in the Elastic Common Schema.

use std::io::{self, Write};
use std::net::IpAddr;
use std::time::SystemTime;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::text::is_unsafe;
use super::{Event, Rfc3339, TARGET, address, resource_type_name};
use crate::words::metrics::labels;

/// The version of the schema whose fields are used.
const ECS_VERSION: &str = "8.17.0";

/// Writes `event` as one JSON object.
pub(super) fn write(event: &Event, time: SystemTime, sequence: u64, out: &mut dyn Write) -> io::Result<()> {
    let operation = labels::operation(event.operation);
    let resource_type = labels::resource_type(event.resource_type);
    let mut message = Vec::with_capacity(256);
    event.write_kafka_line(&mut message)?;
    let document = Document {
        timestamp: Rfc3339(time).to_string(),
        ecs: Ecs { version: ECS_VERSION },
        log: Log { level: if event.allowed { "debug" } else { "info" }, logger: TARGET },
        message: &String::from_utf8_lossy(&message),
        event: EventFields {
            kind: "event",
            category: ["api"],
            r#type: ["access", if event.allowed { "allowed" } else { "denied" }],
            outcome: if event.allowed { "success" } else { "failure" },
            action: format!("{resource_type}:{operation}"),
            module: "doorkeeper",
            dataset: "doorkeeper.audit",
            sequence,
        },
        user: User { name: event.principal.split_once(':').map_or(&*event.principal, |(_, name)| name) },
        source: Source { address: &event.host, ip: address(&event.host) },
        network: Network { protocol: "kafka" },
        observer: Observer { r#type: "proxy", product: "doorkeeper", version: env!("CARGO_PKG_VERSION") },
        rule: Rule { name: &event.rule },
        kafka: Kafka {
            principal: &event.principal,
            listener: &event.listener,
            api: event.api,
            api_version: event.api_version,
            correlation_id: event.correlation_id,
            client_id: event.client_id.as_deref(),
            operation,
            resource: Resource {
                r#type: resource_type_name(event.resource_type),
                pattern: "LITERAL",
                name: &event.resource_name,
            },
            resource_reference_count: event.count,
        },
    };
    document.serialize(&mut Serializer::with_formatter(out, OneSafeLine))?;
    Ok(())
}

/// Writes that events were lost, as `event.kind: pipeline_error` says it.
pub(super) fn write_loss(message: &str, time: SystemTime, out: &mut dyn Write) -> io::Result<()> {
    let document = LossDocument {
        timestamp: Rfc3339(time).to_string(),
        ecs: Ecs { version: ECS_VERSION },
        log: Log { level: "warn", logger: TARGET },
        message,
        event: LossFields { kind: "pipeline_error", module: "doorkeeper", dataset: "doorkeeper.audit" },
    };
    document.serialize(&mut Serializer::with_formatter(out, OneSafeLine))?;
    Ok(())
}

#[derive(Serialize)]
struct LossDocument<'a> {
    #[serde(rename = "@timestamp")]
    timestamp: String,
    ecs: Ecs,
    log: Log,
    message: &'a str,
    event: LossFields,
}

#[derive(Serialize)]
struct LossFields {
    kind: &'static str,
    module: &'static str,
    dataset: &'static str,
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "@timestamp")]
    timestamp: String,
    ecs: Ecs,
    log: Log,
    message: &'a str,
    event: EventFields,
    user: User<'a>,
    source: Source<'a>,
    network: Network,
    observer: Observer,
    rule: Rule<'a>,
    kafka: Kafka<'a>,
}

#[derive(Serialize)]
struct Ecs {
    version: &'static str,
}

#[derive(Serialize)]
struct Log {
    level: &'static str,
    logger: &'static str,
}

#[derive(Serialize)]
struct EventFields {
    kind: &'static str,
    category: [&'static str; 1],
    r#type: [&'static str; 2],
    outcome: &'static str,
    action: String,
    module: &'static str,
    dataset: &'static str,
    sequence: u64,
}

#[derive(Serialize)]
struct User<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Source<'a> {
    address: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<IpAddr>,
}

#[derive(Serialize)]
struct Network {
    protocol: &'static str,
}

#[derive(Serialize)]
struct Observer {
    r#type: &'static str,
    product: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Rule<'a> {
    name: &'a str,
}

/// What the schema has no place for; custom fields stand under a name of their own.
#[derive(Serialize)]
struct Kafka<'a> {
    principal: &'a str,
    listener: &'a str,
    api: &'static str,
    api_version: i16,
    correlation_id: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    operation: &'static str,
    resource: Resource<'a>,
    resource_reference_count: u32,
}

#[derive(Serialize)]
struct Resource<'a> {
    r#type: &'static str,
    pattern: &'static str,
    name: &'a str,
}

/// Compact JSON in which every character is escaped that is not safe to print. JSON itself asks for the C0
/// controls only.
struct OneSafeLine;

impl Formatter for OneSafeLine {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, unsafe_char)) = rest.char_indices().find(|&(_, c)| is_unsafe(c)) {
            writer.write_all(&rest.as_bytes()[..at])?;
            for unit in unsafe_char.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[at + unsafe_char.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }
}
