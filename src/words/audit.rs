//! The audit trail: one [`Event`] for each decision that somebody may have to answer for, and the [`AuditLog`]
//! that takes it off the data path.
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

use crate::words::acl::{Operation, ResourceType};
use crate::words::lossy::{self, Offering, Taking};
use crate::words::metrics::{Metrics, labels};

mod ecs;
#[cfg(test)]
mod tests;
mod text;

pub use text::{Rfc3339, printable};

/// Longest text of a field that is kept, in bytes. Kafka's own names end at 249; what is longer is an attack,
/// and its length is all that matters of the rest.
pub const MAX_FIELD: usize = 1024;

/// One decision (or several alike, see `count`) over a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Whether it was allowed.
    pub allowed: bool,
    /// Who asked, as `User:alice`.
    pub principal: Arc<str>,
    /// The client's address as Kafka prints it.
    pub host: Arc<str>,
    /// The configured name of the listener that the client came through.
    pub listener: Arc<str>,
    /// What the client calls itself, if anything.
    pub client_id: Option<Arc<str>>,
    /// What the client wanted to do.
    pub operation: Operation,
    /// To what kind of resource.
    pub resource_type: ResourceType,
    /// To which one. Always a literal name: a request names resources, never patterns.
    pub resource_name: String,
    /// The API's name in Kafka's words, as `Produce`.
    pub api: &'static str,
    /// The request's version of that API.
    pub api_version: i16,
    /// The request's correlation id.
    pub correlation_id: i32,
    /// What decided, as Kafka prints it: `DefaultDeny`, `SuperUser` or a binding.
    pub rule: String,
    /// How many entries of the request the decision stands for (Kafka's `resourceRefCount`).
    pub count: u32,
}

impl Event {
    /// Writes the event as Kafka's `StandardAuthorizerData.buildAuditMessage` words it, without a line end.
    /// Control characters are escaped, nothing else: a name with spaces can imitate the rest of the line, here
    /// as in Kafka. Whatever has to be certain reads the other form.
    ///
    /// # Errors
    /// When `out` does.
    pub fn write_kafka_line(&self, out: &mut dyn Write) -> io::Result<()> {
        write!(
            out,
            "Principal = {} is {} operation = {} from host = {} on resource = {}:LITERAL:{} for request = {} \
             with resourceRefCount = {} based on rule {}",
            printable(&self.principal),
            if self.allowed { "Allowed" } else { "Denied" },
            labels::operation(self.operation).to_ascii_uppercase(),
            printable(&self.host),
            resource_type_name(self.resource_type),
            printable(&self.resource_name),
            self.api,
            self.count,
            printable(&self.rule),
        )
    }

    /// Writes the event as a JSON object of the Elastic Common Schema, without a line end. `time` is when it
    /// happened, `sequence` its number in this process.
    ///
    /// # Errors
    /// When `out` does.
    pub fn write_ecs(&self, time: SystemTime, sequence: u64, out: &mut dyn Write) -> io::Result<()> {
        ecs::write(self, time, sequence, out)
    }

    /// Cuts every text that a peer chose to [`MAX_FIELD`], so that a full queue of events is of a known size.
    fn clip(mut self) -> Self {
        for shared in [&mut self.principal, &mut self.host, &mut self.listener] {
            clip_shared(shared);
        }
        if let Some(client_id) = &mut self.client_id {
            clip_shared(client_id);
        }
        for owned in [&mut self.resource_name, &mut self.rule] {
            if let Some(clipped) = text::clipped(owned, MAX_FIELD) {
                *owned = clipped;
            }
        }
        self
    }
}

fn clip_shared(text: &mut Arc<str>) {
    if let Some(clipped) = text::clipped(text, MAX_FIELD) {
        *text = clipped.into();
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

/// The address in the event, when it is one: Java writes IPv6 without `::` but readably.
fn address(host: &str) -> Option<IpAddr> {
    host.parse().ok()
}

/// An event with the time at which it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Recorded {
    time: SystemTime,
    event: Event,
}

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A time, a level and Kafka's own line.
    Kafka,
    /// An object of the Elastic Common Schema.
    Ecs,
}

/// Takes events from connections and hands them to whoever writes them; cheap to clone. Never waits: when the
/// queue is full the event is lost, and counted.
#[derive(Debug, Clone)]
pub struct AuditLog {
    queue: Offering<Recorded>,
    metrics: Arc<Metrics>,
    allowed_too: Arc<AtomicBool>,
    clock: fn() -> SystemTime,
}

impl AuditLog {
    /// The log, and the other end of its queue of `capacity` events. `allowed_too` asks for what was allowed
    /// besides what was denied; `clock` stamps the events.
    pub fn new(
        capacity: usize,
        allowed_too: bool,
        metrics: Arc<Metrics>,
        clock: fn() -> SystemTime,
    ) -> (Self, AuditWriter) {
        let (queue, events) = lossy::queue(capacity);
        let writer = AuditWriter { events, metrics: Arc::clone(&metrics), clock };
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

    /// Hands the event on if it is wanted. What cannot be handed on is counted as lost.
    pub fn record(&self, event: Event) {
        if self.wants(event.allowed) {
            let recorded = Recorded { time: (self.clock)(), event: event.clip() };
            if !self.queue.offer(recorded) {
                self.metrics.audit_dropped();
            }
        }
    }

    /// How many events have not been written yet.
    pub fn pending(&self) -> usize {
        self.queue.pending()
    }

    /// Whether all that was recorded has been written.
    pub fn is_idle(&self) -> bool {
        self.queue.is_idle()
    }
}

/// Writes what an [`AuditLog`] takes.
#[derive(Debug)]
pub struct AuditWriter {
    events: Taking<Recorded>,
    metrics: Arc<Metrics>,
    clock: fn() -> SystemTime,
}

impl AuditWriter {
    /// Writes one line for each event until no [`AuditLog`] is left, and one that tells of losses before the
    /// first event after them. Waits for events: this wants a thread of its own. An event that `out` does not
    /// take is counted as lost.
    pub fn run(self, format: Format, out: &mut dyn Write) {
        let mut sequence = 0;
        let mut line = Vec::with_capacity(1024);
        while let Some(Recorded { time, event }) = self.events.next() {
            let lost = self.events.lost();
            if lost > 0 {
                line.clear();
                let told =
                    write_loss(lost, (self.clock)(), format, &mut line).and_then(|()| out.write_all(&line));
                // The counter has them already; a line that cannot be written has nobody to read it.
                drop(told);
            }
            sequence += 1;
            line.clear();
            let written = write_line(&event, time, sequence, format, &mut line)
                .and_then(|()| out.write_all(&line))
                .and_then(|()| out.flush());
            match written {
                Ok(()) => self.metrics.audit_event(),
                Err(_) => self.metrics.audit_dropped(),
            }
        }
    }
}

/// The name under which the lines stand in the log.
const TARGET: &str = "audit";

fn write_line(
    event: &Event,
    time: SystemTime,
    sequence: u64,
    format: Format,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    match format {
        Format::Kafka => {
            write!(out, "{} {} {TARGET}: ", Rfc3339(time), if event.allowed { "DEBUG" } else { " INFO" })?;
            event.write_kafka_line(out)?;
        }
        Format::Ecs => event.write_ecs(time, sequence, out)?,
    }
    out.push(b'\n');
    Ok(())
}

fn write_loss(lost: u64, time: SystemTime, format: Format, out: &mut Vec<u8>) -> io::Result<()> {
    let message =
        format!("{lost} audit events were lost: the queue was full because the output does not keep up");
    match format {
        Format::Kafka => write!(out, "{}  WARN {TARGET}: {message}", Rfc3339(time))?,
        Format::Ecs => ecs::write_loss(&message, time, out)?,
    }
    out.push(b'\n');
    Ok(())
}
