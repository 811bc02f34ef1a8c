//! The audit trail's writer.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::SystemTime;

use super::losses::Losses;
use super::queue::{Next, Taking};
use super::record::Recorded;
use super::{Format, TARGET, ecs, kafka};
use crate::model::text::Rfc3339;
use crate::observability::metrics::Metrics;

/// Writes what an [`super::AuditLog`] takes.
#[derive(Debug)]
pub struct AuditWriter {
    records: Taking,
    metrics: Arc<Metrics>,
    clock: fn() -> SystemTime,
    /// How many events have been written.
    sequence: u64,
}

impl AuditWriter {
    pub(super) fn new(records: Taking, metrics: Arc<Metrics>, clock: fn() -> SystemTime) -> Self {
        Self { records, metrics, clock, sequence: 0 }
    }

    /// Writes one line for each event until no [`super::AuditLog`] is left, and tells of losses from time to time and when
    /// there is nothing else to write. Waits for events: this wants a thread of its own. What `out` does not take is
    /// counted as lost.
    pub fn run(mut self, format: Format, out: &mut dyn Write) {
        let mut lines = Vec::with_capacity(1024);
        while let Some(next) = self.records.next(self.clock) {
            lines.clear();
            match next {
                Next::Losses(losses) => {
                    let told = write_losses(losses, (self.clock)(), format, &mut lines)
                        .and_then(|()| out.write_all(&lines))
                        .and_then(|()| out.flush());
                    // The counter has them already; a line that cannot be written has nobody to read it.
                    drop(told);
                }
                Next::Record(recorded) => {
                    let (denied, allowed) = recorded.record.decisions();
                    let written = self
                        .write(&recorded, format, &mut lines)
                        .and_then(|()| out.write_all(&lines))
                        .and_then(|()| out.flush());
                    match written {
                        Ok(()) => self.metrics.audit_events(denied + allowed),
                        Err(_) => self.metrics.audit_dropped(denied + allowed),
                    }
                }
            }
            // One request that named much is no reason to keep the room for another.
            lines.shrink_to(64 * 1024);
        }
    }

    fn write(
        &mut self,
        Recorded { time, record }: &Recorded,
        format: Format,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let time = *time;
        for event in &record.events {
            self.sequence += 1;
            match format {
                Format::Kafka => {
                    write_head(time, event.allowed, out)?;
                    event.write_kafka_line(out)?;
                }
                Format::Ecs => event.write_ecs(time, self.sequence, out)?,
            }
            out.push(b'\n');
        }
        for sum in &record.sums {
            self.sequence += 1;
            match format {
                Format::Kafka => {
                    write_head(time, sum.allowed, out)?;
                    kafka::write_sum(sum, out)?;
                }
                Format::Ecs => ecs::write_sum(sum, time, self.sequence, out)?,
            }
            out.push(b'\n');
        }
        Ok(())
    }
}

fn write_head(time: SystemTime, allowed: bool, out: &mut Vec<u8>) -> io::Result<()> {
    write!(out, "{} {} {TARGET}: ", Rfc3339(time), if allowed { "DEBUG" } else { " INFO" })
}

fn write_losses(losses: Losses, time: SystemTime, format: Format, out: &mut Vec<u8>) -> io::Result<()> {
    for (principal, account) in losses.accounts() {
        let message = kafka::loss(principal.as_ref(), &account);
        match format {
            Format::Kafka => write!(out, "{}  WARN {TARGET}: {message}", Rfc3339(time))?,
            Format::Ecs => ecs::write_loss(&message, principal.as_deref(), &account, time, out)?,
        }
        out.push(b'\n');
    }
    Ok(())
}
