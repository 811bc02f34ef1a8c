//! Events in the Elastic Common Schema.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::IpAddr;
use std::time::SystemTime;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::losses::{Account, Lost};
use super::{Event, Request, Sum, TARGET, address, kafka, resource_type_name};
use crate::model::acl::{Operation, ResourceType};
use crate::model::text::{Rfc3339, is_unsafe};
use crate::observability::metrics::authorizations::{operation_label, resource_type_label};

/// The version of the schema whose fields are used.
const ECS_VERSION: &str = "8.17.0";

/// Writes `event` as one JSON object.
pub(super) fn write(event: &Event, time: SystemTime, sequence: u64, out: &mut dyn Write) -> io::Result<()> {
    let mut message = Vec::with_capacity(256);
    event.write_kafka_line(&mut message)?;
    let kind =
        Kind { allowed: event.allowed, operation: event.operation, resource_type: event.resource_type };
    let resource = Resource {
        r#type: resource_type_name(event.resource_type),
        pattern: "LITERAL",
        name: Some(&event.resource_name),
        further: None,
    };
    let document = document(
        &event.request,
        &kind,
        (&message, &event.rule),
        (resource, u64::from(event.count)),
        time,
        sequence,
    );
    line(&document, out)
}

/// Writes decisions that have no objects of their own as one.
pub(super) fn write_sum(sum: &Sum, time: SystemTime, sequence: u64, out: &mut dyn Write) -> io::Result<()> {
    let mut message = Vec::with_capacity(1024);
    kafka::write_sum(sum, &mut message)?;
    let kind = Kind { allowed: sum.allowed, operation: sum.operation, resource_type: sum.resource_type };
    let resource = Resource {
        r#type: resource_type_name(sum.resource_type),
        pattern: "LITERAL",
        name: None,
        further: Some(Further {
            count: sum.decisions,
            known: (!sum.allowed).then_some(sum.known),
            first: &sum.first,
            last: &sum.last,
        }),
    };
    line(&document(&sum.request, &kind, (&message, &sum.rule), (resource, sum.count), time, sequence), out)
}

/// What was decided of what.
struct Kind {
    allowed: bool,
    operation: Operation,
    resource_type: ResourceType,
}

fn document<'a>(
    request: &'a Request,
    kind: &Kind,
    (message, rule): (&'a [u8], &'a str),
    (resource, count): (Resource<'a>, u64),
    time: SystemTime,
    sequence: u64,
) -> Document<'a> {
    let operation = operation_label(kind.operation);
    let allowed = kind.allowed;
    Document {
        timestamp: Rfc3339(time).to_string(),
        ecs: Ecs { version: ECS_VERSION },
        log: Log { level: if allowed { "debug" } else { "info" }, logger: TARGET },
        message: String::from_utf8_lossy(message),
        event: EventFields {
            kind: "event",
            category: ["api"],
            r#type: ["access", if allowed { "allowed" } else { "denied" }],
            outcome: if allowed { "success" } else { "failure" },
            action: format!("{}:{operation}", resource_type_label(kind.resource_type)),
            module: "doorkeeper",
            dataset: "doorkeeper.audit",
            sequence,
        },
        user: User { name: user_name(&request.principal) },
        source: Source { address: &request.host, ip: address(&request.host) },
        network: Network { protocol: "kafka" },
        observer: Observer { r#type: "proxy", product: "doorkeeper", version: env!("CARGO_PKG_VERSION") },
        rule: Rule { name: rule },
        kafka: Kafka {
            principal: &request.principal,
            listener: &request.listener,
            api: request.api,
            api_version: request.api_version,
            correlation_id: request.correlation_id,
            client_id: request.client_id.as_deref(),
            operation,
            resource,
            resource_reference_count: count,
        },
    }
}

/// The principal's name without its type.
fn user_name(principal: &str) -> &str {
    principal.split_once(':').map_or(principal, |(_, name)| name)
}

fn line(document: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    document.serialize(&mut Serializer::with_formatter(out, OneSafeLine))?;
    Ok(())
}

/// Writes that events were lost, as `event.kind: pipeline_error` says it.
pub(super) fn write_loss(
    message: &str,
    principal: Option<&str>,
    account: &Account,
    time: SystemTime,
    out: &mut dyn Write,
) -> io::Result<()> {
    let resources = |lost: &'_ [Lost]| -> Vec<LostResource> {
        let of = |lost: &Lost| LostResource {
            api: lost.api,
            operation: operation_label(lost.operation),
            resource: LostName {
                r#type: resource_type_name(lost.resource_type),
                pattern: "LITERAL",
                name: lost.name.clone(),
            },
        };
        lost.iter().map(of).collect()
    };
    let document = LossDocument {
        timestamp: Rfc3339(time).to_string(),
        ecs: Ecs { version: ECS_VERSION },
        log: Log { level: "warn", logger: TARGET },
        message,
        event: LossFields {
            kind: "pipeline_error",
            module: "doorkeeper",
            dataset: "doorkeeper.audit",
            start: Rfc3339(account.from).to_string(),
            end: Rfc3339(account.to).to_string(),
        },
        user: principal.map(|principal| User { name: user_name(principal) }),
        kafka: LossKafka {
            principal,
            lost: LostFields {
                denied: account.denied,
                allowed: account.allowed,
                known: resources(&account.telling),
                first: resources(&account.first),
            },
        },
    };
    line(&document, out)
}

#[derive(Serialize)]
struct LossDocument<'a> {
    #[serde(rename = "@timestamp")]
    timestamp: String,
    ecs: Ecs,
    log: Log,
    message: &'a str,
    event: LossFields,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<User<'a>>,
    kafka: LossKafka<'a>,
}

#[derive(Serialize)]
struct LossFields {
    kind: &'static str,
    module: &'static str,
    dataset: &'static str,
    start: String,
    end: String,
}

#[derive(Serialize)]
struct LossKafka<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<&'a str>,
    lost: LostFields,
}

#[derive(Serialize)]
struct LostFields {
    denied: u64,
    allowed: u64,
    known: Vec<LostResource>,
    first: Vec<LostResource>,
}

#[derive(Serialize)]
struct LostResource {
    api: &'static str,
    operation: &'static str,
    resource: LostName,
}

#[derive(Serialize)]
struct LostName {
    r#type: &'static str,
    pattern: &'static str,
    name: String,
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "@timestamp")]
    timestamp: String,
    ecs: Ecs,
    log: Log,
    message: Cow<'a, str>,
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
    resource_reference_count: u64,
}

#[derive(Serialize)]
struct Resource<'a> {
    r#type: &'static str,
    pattern: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    further: Option<Further<'a>>,
}

/// Resources that have no events of their own.
#[derive(Serialize)]
struct Further<'a> {
    count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<u64>,
    first: &'a [String],
    last: &'a VecDeque<String>,
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
