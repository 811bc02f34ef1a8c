//! Parts of the configuration file that serde reads straight into their final form.
//!
//! The comments on the fields are what users read: they become the descriptions in the JSON schema and the rows
//! of the reference table. The `Default` impls are the one place of the defaults.

use std::net::SocketAddr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text;
use crate::observability::audit::Format;

/// The endpoint for Prometheus and the kubelet: `/metrics`, `/livez`, `/readyz`, over plain HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    /// The address and port of the endpoint. Probes and metrics are for whoever reaches it.
    #[schemars(with = "text::SocketAddress")]
    pub bind: SocketAddr,
    /// Who may see the pages that name principals, ACLs, certificates and addresses: those who ask from this host, over
    /// loopback, or everyone who reaches the endpoint.
    #[serde(default)]
    pub pages: Audience,
}

/// Who may see something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Audience {
    #[default]
    Loopback,
    Everyone,
}

/// What is counted beside what is always counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Counted {
    /// For how many principals denials are counted by name, in the order in which they are first denied; all others are
    /// `__other__`. With 0 none are: every name is a series.
    #[schemars(range(min = 0, max = 1000))]
    pub denials_by_principal: u32,
}

/// What to do when a check finds something wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Reaction {
    #[default]
    Warn,
    Fail,
    Ignore,
}

/// What peers may use up before they are refused or slowed down.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Client connections at one time, over all listeners; more are closed as they arrive.
    #[schemars(range(min = 1))]
    pub max_connections: u32,
    /// Client connections at one time from one IP address; without the key only `max_connections` counts.
    #[schemars(range(min = 1))]
    pub max_connections_per_ip: Option<u32>,
    /// TLS handshakes at one time; further connections wait for theirs, within its deadline.
    #[schemars(range(min = 1))]
    pub max_handshakes: u32,
    /// The largest request, in bytes, as Kafka's `socket.request.max.bytes`.
    #[schemars(range(min = 1024, max = 2147483647))]
    pub max_frame_bytes: u32,
    /// What all connections together may hold in buffers, in bytes; at the bound, reading waits. A quarter of it on top is
    /// for bringing what was begun to its end.
    #[schemars(range(min = 1024))]
    pub buffered_bytes: u64,
    /// A connection on which nothing moves for this long is closed, as by Kafka's `connections.max.idle.ms`.
    #[serde(with = "text::duration")]
    #[schemars(with = "text::DurationText")]
    pub idle_timeout: Duration,
    /// A connection that stands still for this long while it holds memory that others wait for is closed.
    #[serde(with = "text::duration")]
    #[schemars(with = "text::DurationText")]
    pub stall_timeout: Duration,
    /// How long the broker may take to accept a connection.
    #[serde(with = "text::duration")]
    #[schemars(with = "text::DurationText")]
    pub upstream_connect_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_connections: 10_000,
            max_connections_per_ip: None,
            max_handshakes: 256,
            max_frame_bytes: 100 * 1024 * 1024,
            buffered_bytes: 512 * 1024 * 1024,
            idle_timeout: Duration::from_secs(600),
            stall_timeout: Duration::from_secs(30),
            upstream_connect_timeout: Duration::from_secs(10),
        }
    }
}

/// How the process ends after SIGTERM or SIGINT.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Shutdown {
    /// How long answers that are under way may take to get out. Keep it below Kubernetes'
    /// `terminationGracePeriodSeconds`, which is 30 by default.
    #[serde(with = "text::duration")]
    #[schemars(with = "text::DurationText")]
    pub drain_timeout: Duration,
    /// After the signal serve on, new connections too, until the broker's port is closed: for a container beside the
    /// broker's that is told to stop at the same moment. A native sidecar is told after the broker has gone and needs
    /// no such thing.
    pub hold_until_upstream_closed: bool,
    /// The most that `hold_until_upstream_closed` waits. Together with `drain_timeout`, keep it below
    /// `terminationGracePeriodSeconds`.
    #[serde(with = "text::duration")]
    #[schemars(with = "text::DurationText")]
    pub hold_timeout: Duration,
}

impl Default for Shutdown {
    fn default() -> Shutdown {
        Shutdown {
            drain_timeout: Duration::from_secs(20),
            hold_until_upstream_closed: false,
            hold_timeout: Duration::from_secs(90),
        }
    }
}

/// What becomes of a client of whom something is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Verdict {
    Allow,
    #[default]
    Deny,
}

/// The log of the process, on standard output.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// Lines for people, or one JSON object a line.
    pub format: LogFormat,
    /// The least important lines that are written.
    pub level: LogLevel,
}

/// How a log line is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// How important a log line is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum LogLevel {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    /// The word in the configuration, which is the logger's own.
    pub fn as_str(self) -> &'static str {
        match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }
}

/// The audit log: who was refused what, and by which binding.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// Write a line for what was allowed too. Refusals always have one.
    pub allowed: bool,
    /// Kafka's own line (`kafka`), or an object of the Elastic Common Schema (`ecs`).
    pub format: Format,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[allow(missing_docs)]
pub enum TlsVersion {
    #[default]
    #[serde(rename = "TLSv1.2")]
    Tls12,
    #[serde(rename = "TLSv1.3")]
    Tls13,
}
