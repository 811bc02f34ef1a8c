//! The audit trail and the log, which lose what their output does not take.

use prometheus::{IntCounter, IntGauge, Result};

use super::families::Families;

#[derive(Debug)]
pub(super) struct Outputs {
    pub(super) audit_events: IntCounter,
    pub(super) audit_dropped: IntCounter,
    audit_queue_length: IntGauge,
    pub(super) log_lines_dropped: IntCounter,
}

impl Outputs {
    pub(super) fn new(families: &Families<'_>) -> Result<Self> {
        Ok(Self {
            audit_events: families.counter("audit_events_total", "Audit events written.")?,
            audit_dropped: families
                .counter("audit_dropped_total", "Audit events lost because the output did not take them.")?,
            audit_queue_length: families
                .gauge("audit_queue_length", "Audit events that wait for the output.")?,
            log_lines_dropped: families
                .counter("log_lines_dropped_total", "Log lines lost because the output did not take them.")?,
        })
    }

    pub(super) fn set_audit_queue_length(&self, length: usize) {
        self.audit_queue_length.set(i64::try_from(length).unwrap_or(i64::MAX));
    }
}
