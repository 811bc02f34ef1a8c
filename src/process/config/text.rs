//! Scalars with a grammar of their own, and how they are read.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;
use std::time::Duration;

use rustls::SupportedCipherSuite;
use rustls::crypto::aws_lc_rs::ALL_CIPHER_SUITES;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::document::quoted;
use crate::model::acl::{Network, Operation};
use crate::model::principal::MappingRules;
use crate::model::text::nearest;

/// A host and a port; the host is a name or an IP address, IPv6 without its brackets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPort {
    /// A name, an IPv4 address, or an IPv6 address without brackets.
    pub host: String,
    /// Never 0.
    pub port: u16,
}

impl FromStr for HostPort {
    type Err = String;

    fn from_str(text: &str) -> Result<HostPort, String> {
        if let Some((scheme, _)) = text.split_once("://") {
            return Err(format!(
                "{} is more than a host and a port: leave {} out",
                quoted(text),
                quoted(&format!("{scheme}://"))
            ));
        }
        if text.contains(',') {
            return Err(format!("{} is several addresses: name one", quoted(text)));
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(|| format!("{} names no port", quoted(text)))?;
        let port = match port.parse::<u16>() {
            Ok(number) if number != 0 && number.to_string() == port => number,
            _ => return Err(format!("{} is not a port (1 to 65535)", quoted(port))),
        };
        let host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(inside) if inside.parse::<std::net::Ipv6Addr>().is_ok() => inside,
            Some(inside) => return Err(format!("{} is not an IPv6 address", quoted(inside))),
            None if host.contains(':') => {
                return Err("an IPv6 address needs brackets, as in [::1]:9092".into());
            }
            None => host,
        };
        check_host(host)?;
        Ok(HostPort { host: host.into(), port })
    }
}

impl TryFrom<String> for HostPort {
    type Error = String;

    fn try_from(text: String) -> Result<HostPort, String> {
        text.parse()
    }
}

impl From<HostPort> for String {
    fn from(address: HostPort) -> String {
        address.to_string()
    }
}

impl Display for HostPort {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl JsonSchema for HostPort {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "HostPort".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "host-port" })
    }
}

/// The schema of a type whose text has a format of the table.
macro_rules! text_schema {
    ($($(#[$doc:meta])* $name:ident = $schema:tt;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

text_schema! {
    /// `0.0.0.0:9443`
    SocketAddress = { "type": "string", "format": "socket-address" };
    /// `10s`
    DurationText = { "type": "string", "format": "time-span" };
    /// `tls/clients.crl`
    FileName = { "type": "string", "format": "path" };
    /// `kafka.example.com`
    Host = { "type": "string", "format": "host" };
    /// `10.0.0.0/8`
    NetworkText = { "type": "string", "format": "network" };
    /// `TLS_AES_128_GCM_SHA256`
    CipherSuite = { "type": "string", "format": "cipher-suite" };
    /// `User:alice`
    Principal = { "type": "string", "format": "principal" };
    /// `Read`
    AclOperation = { "type": "string", "format": "acl-operation" };
    /// `{ 9092: 9443 }`
    Ports = {
        "type": "object",
        "propertyNames": { "format": "port" },
        "additionalProperties": { "type": "integer", "minimum": 1, "maximum": 65535 },
        "minProperties": 1,
        "examples": [{ "9092": 9443 }]
    };
    /// `{ 0: "a:9443" }`
    Brokers = {
        "type": "object",
        "propertyNames": { "format": "broker-id" },
        "additionalProperties": { "type": "string", "format": "host-port" },
        "minProperties": 1,
        "examples": [{ "0": "kafka-0:9443" }]
    };
}

/// Durations as `500ms`, `10s`, `10m`, `1h`, `1d`.
pub(crate) mod duration {
    use super::{Deserialize, Duration};
    use serde::{Deserializer, Serializer, de::Error as _};

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        super::parse_duration(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }

    pub(crate) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::duration_text(*duration))
    }
}

/// The same, for keys that may be left out.
pub(crate) mod optional_duration {
    use super::{Duration, duration};
    use serde::{Deserializer, Serializer};

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        duration::deserialize(deserializer).map(Some)
    }

    pub(crate) fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => duration::serialize(duration, serializer),
            None => serializer.serialize_none(),
        }
    }
}

/// The units of a duration, the largest first, in milliseconds.
const UNITS: &[(&str, u64)] = &[("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// The longest duration, so that adding one to a clock never overflows.
const MAX_DURATION: Duration = Duration::from_secs(365 * 86_400);

/// Reads `10s`, `500ms`; never zero, at most [`MAX_DURATION`].
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let wrong = || not_a("a whole number followed by its unit (ms, s, m, h or d)", text);
    let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    match number.checked_mul(*millis).map(Duration::from_millis) {
        Some(Duration::ZERO) => Err(format!("{} is no time at all", quoted(text))),
        Some(duration) if duration <= MAX_DURATION => Ok(duration),
        _ => Err(format!("{} is longer than 365d", quoted(text))),
    }
}

pub(crate) fn duration_text(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let (unit, size) = UNITS.iter().find(|(_, size)| millis.is_multiple_of(*size)).unwrap_or(&("ms", 1));
    format!("{}{unit}", millis / size)
}

/// The cipher suite of an IANA name. rustls' own names differ from IANA's for TLS 1.3 only, by `TLS13_`.
pub(crate) fn cipher_suite(name: &str) -> Result<SupportedCipherSuite, String> {
    let iana = |suite: &SupportedCipherSuite| format!("{:?}", suite.suite()).replacen("TLS13_", "TLS_", 1);
    ALL_CIPHER_SUITES.iter().find(|suite| iana(suite) == name).copied().ok_or_else(|| {
        let known: Vec<String> = ALL_CIPHER_SUITES.iter().map(iana).collect();
        format!("{} is not a cipher suite that is served here: {}", quoted(name), known.join(", "))
    })
}

pub(crate) fn mapping_rules(text: &str) -> Result<MappingRules, String> {
    MappingRules::parse(text).map_err(|error| {
        format!("the mapping rules are wrong from byte {} on: {}", error.offset + 1, error.reason)
    })
}

pub(super) fn check_name(text: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    match !text.is_empty() && text.len() <= 64 && text.chars().all(allowed) {
        true => Ok(()),
        false => Err(not_a("1 to 64 of letters, digits, '_', '-' and '.'", text)),
    }
}

/// `Topic.validate`
pub(crate) fn check_topic_name(text: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let sound = (1..=249).contains(&text.len()) && text.chars().all(allowed) && text != "." && text != "..";
    match sound {
        true => Ok(()),
        false => Err(not_a("a topic's name (1 to 249 of letters, digits, '_', '-' and '.')", text)),
    }
}

/// A name that a shell can give a value.
pub(super) fn check_variable(text: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    match begins && text.chars().all(allowed) {
        true => Ok(()),
        false => Err(not_a("the name of an environment variable", text)),
    }
}

pub(super) fn check_not_empty(text: &str) -> Result<(), String> {
    match text.is_empty() || text.contains('\0') {
        true => Err(not_a("the name of a file", text)),
        false => Ok(()),
    }
}

/// A name or an IP address, IPv6 without brackets.
pub(crate) fn check_host(text: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    match !text.is_empty() && text.len() <= 253 && text.chars().all(allowed) {
        true => Ok(()),
        false => Err(format!("{} is not a host", quoted(text))),
    }
}

/// What [`Network::of`] reads, in the spelling that everybody knows.
pub(super) fn check_network(text: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '.' | '/');
    match Network::of(text) {
        Ok(_) if text.chars().all(plain) => Ok(()),
        Ok(_) => Err(not_a("an IP address or a network", text)),
        Err(reason) => Err(format!("{}: {reason}", not_a("an IP address or a network", text))),
    }
}

pub(super) fn check_port(text: &str) -> Result<(), String> {
    match text.parse::<u16>() {
        Ok(port) if port != 0 && port.to_string() == text => Ok(()),
        _ => Err(format!("{} is not a port (1 to 65535)", quoted(text))),
    }
}

pub(super) fn check_broker_id(text: &str) -> Result<(), String> {
    match text.parse::<i32>() {
        Ok(id) if id >= 0 && id.to_string() == text => Ok(()),
        _ => Err(format!("{} is not the id of a broker (0 to 2147483647)", quoted(text))),
    }
}

/// `Type:name` as Kafka's `SecurityUtils.parseKafkaPrincipal` reads it.
pub(super) fn check_principal(text: &str) -> Result<(), String> {
    match text.split_once(':') {
        Some((kind, name)) if !kind.is_empty() && !name.is_empty() => Ok(()),
        _ => Err(not_a("a principal with its type", text)),
    }
}

/// What Kafka takes for the principal of a binding, though nobody may be it.
pub(super) fn check_acl_principal(text: &str) -> Result<(), String> {
    if text.contains(':') { Ok(()) } else { check_principal(text) }
}

/// In Kafka's spelling of the command line or of the audit log, in any case.
pub(super) fn check_operation(text: &str) -> Result<(), String> {
    if text.parse::<Operation>().is_ok() {
        return Ok(());
    }
    let names = || Operation::ALL.iter().map(|operation| operation.name());
    let hint = nearest(text, names()).map(|near| format!("; did you mean '{near}'?")).unwrap_or_default();
    let names = names().collect::<Vec<_>>().join(", ");
    Err(format!("{} is not an operation: it is one of {names}{hint}", quoted(text)))
}

pub(super) fn not_a(what: &str, text: &str) -> String {
    format!("{} is not {what}", quoted(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written() {
        for (text, millis, again) in [
            ("500ms", 500, "500ms"),
            ("10s", 10_000, "10s"),
            ("10m", 600_000, "10m"),
            ("60m", 3_600_000, "1h"),
            ("1d", 86_400_000, "1d"),
            ("1500ms", 1500, "1500ms"),
        ] {
            let duration = parse_duration(text).unwrap();
            assert_eq!(duration, Duration::from_millis(millis));
            assert_eq!(duration_text(duration), again);
        }
        for text in ["", "10", "s", "-1s", "1.5s", "10 s", "10S", "0s", "366d", "99999999999999999999s"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn hosts_and_ports_are_read_and_written() {
        for (text, host, port) in [
            ("localhost:9092", "localhost", 9092),
            ("[::1]:1", "::1", 1),
            ("kafka-0.kafka_headless:65535", "kafka-0.kafka_headless", 65535),
        ] {
            let address: HostPort = text.parse().unwrap();
            assert_eq!((address.host.as_str(), address.port), (host, port));
            assert_eq!(address.to_string(), text);
        }
        for text in [
            "",
            "a",
            "a:",
            ":1",
            "a:0",
            "a:65536",
            "a:+1",
            "a:01",
            "::1:9092",
            "[a]:1",
            "a b:1",
            "http://a:1",
            "a:1,b:1",
        ] {
            assert!(text.parse::<HostPort>().is_err(), "{text}");
        }
    }
}
