//! The audit trail: one [`Event`] for each decision that somebody may have to answer for, and the [`AuditLog`]
//! that takes it off the data path, request by request ([`Record`]).
//!
//! Nobody can hide a decision among others. Of a request that names more than anybody reads, the resources that are
//! known have their own events and the rest is summed up; and when the output does not keep up, what is lost is the
//! events of whoever makes too many, and the resources that are known are named all the same.
//!
//! An event is written in one of two forms: Kafka's own line ([`Event::write_kafka_line`]), which tools that
//! read `kafka-authorizer.log` know, or an object of the Elastic Common Schema ([`Event::write_ecs`]), which log
//! stores know. Names in it are the peer's to choose: whatever they hold, an event stays one line and moves no
//! terminal's cursor ([`printable`]).

use std::io::{self, Write};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::acl::{Known, Operation, ResourceType};
use crate::observability::metrics::{Metrics, authorizations};

mod ecs;
mod kafka;
mod losses;
mod queue;
mod record;
#[cfg(test)]
mod tests;
mod writer;

use queue::Giving;
use record::Recorded;
pub use record::{Decided, FIRST, Record, Request, Sum, TELLING};
pub use writer::AuditWriter;

/// Longest text of a field that is kept, in bytes. Kafka's own names end at 249; what is longer is an attack,
/// and its length is all that matters of the rest.
pub const MAX_FIELD: usize = 1024;
/// What an event with such texts takes in the queue, in bytes, roughly.
const LARGEST_EVENT: usize = 4 * MAX_FIELD;

/// One decision (or several alike, see `count`) over a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The request that it was made on.
    pub request: Arc<Request>,
    /// Whether it was allowed.
    pub allowed: bool,
    /// What the client wanted to do.
    pub operation: Operation,
    /// To what kind of resource.
    pub resource_type: ResourceType,
    /// To which one. Always a literal name: a request names resources, never patterns.
    pub resource_name: String,
    /// What decided, as Kafka prints it: `DefaultDeny`, `SuperUser` or a binding.
    pub rule: String,
    /// How many entries of the request the decision stands for (Kafka's `resourceRefCount`).
    pub count: u32,
    /// What is known of the resource, if it was denied.
    pub known: Known,
}

impl Event {
    /// Writes the event as Kafka's `StandardAuthorizerData.buildAuditMessage` words it, without a line end.
    /// Control characters are escaped, nothing else: a name with spaces can imitate the rest of the line, here
    /// as in Kafka. Whatever has to be certain reads the other form.
    ///
    /// # Errors
    /// When `out` does.
    pub fn write_kafka_line(&self, out: &mut dyn Write) -> io::Result<()> {
        kafka::write(self, out)
    }

    /// Writes the event as a JSON object of the Elastic Common Schema, without a line end. `time` is when it
    /// happened, `sequence` its number in this process.
    ///
    /// # Errors
    /// When `out` does.
    pub fn write_ecs(&self, time: SystemTime, sequence: u64, out: &mut dyn Write) -> io::Result<()> {
        ecs::write(self, time, sequence, out)
    }
}

/// The type's name as `org.apache.kafka.common.utils.SecurityUtils.resourceTypeName` has it.
fn resource_type_name(resource_type: ResourceType) -> &'static str {
    match resource_type {
        ResourceType::Topic => "Topic",
        ResourceType::Group => "Group",
        ResourceType::Cluster => "Cluster",
        ResourceType::TransactionalId => "TransactionalId",
        ResourceType::DelegationToken => "DelegationToken",
        ResourceType::User => "User",
    }
}

/// The operation's name in Kafka's capitals.
fn operation_name(operation: Operation) -> String {
    authorizations::operation_label(operation).to_ascii_uppercase()
}

/// The address in the event, when it is one: Java writes IPv6 without `::` but readably.
fn address(host: &str) -> Option<IpAddr> {
    host.parse().ok()
}

/// How an audit line is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "AuditFormat")]
#[allow(missing_docs)]
pub enum Format {
    #[default]
    Kafka,
    Ecs,
}

/// Takes the decisions on requests from connections and hands them to whoever writes them; cheap to clone. Never waits:
/// when the queue is full something is lost, counted and told of.
#[derive(Debug, Clone)]
pub struct AuditLog {
    queue: Giving,
    metrics: Arc<Metrics>,
    allowed_too: Arc<AtomicBool>,
    clock: fn() -> SystemTime,
}

impl AuditLog {
    /// The log, and the other end of its queue, which has room for `capacity` events however long they are.
    /// `allowed_too` asks for what was allowed besides what was denied; `clock` stamps the records.
    pub fn new(
        capacity: usize,
        allowed_too: bool,
        metrics: Arc<Metrics>,
        clock: fn() -> SystemTime,
    ) -> (Self, AuditWriter) {
        let (queue, records) = queue::queue(capacity.saturating_mul(LARGEST_EVENT));
        let writer = AuditWriter::new(records, Arc::clone(&metrics), clock);
        (Self { queue, metrics, allowed_too: Arc::new(AtomicBool::new(allowed_too)), clock }, writer)
    }

    /// Whether an event with this decision would be written: ask before making one.
    pub fn wants(&self, allowed: bool) -> bool {
        !allowed || self.allowed_too.load(Ordering::Relaxed)
    }

    /// Whether what was allowed is wanted too, from now on and for every clone.
    pub fn want_allowed(&self, allowed_too: bool) {
        self.allowed_too.store(allowed_too, Ordering::Relaxed);
    }

    /// Hands on what was decided on a request. What is lost for it is counted.
    pub fn record(&self, record: Record) {
        let lost = self.queue.give(Recorded { time: (self.clock)(), record });
        self.metrics.audit_dropped(lost as u64);
    }

    /// How many decisions have not been written yet.
    pub fn pending(&self) -> usize {
        self.queue.pending()
    }

    /// Whether all that was recorded has been written.
    pub fn is_idle(&self) -> bool {
        self.queue.is_idle()
    }
}

/// The name under which the lines stand in the log.
const TARGET: &str = "audit";
