//! How busy the threads are that serve connections.

use std::time::Duration;

use prometheus::{Counter, IntGauge, Result};

use super::families::Families;

/// What tokio says of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Runtime {
    /// Threads that serve connections.
    pub workers: usize,
    /// Tasks that have not ended; each connection is one.
    pub alive_tasks: usize,
    /// Tasks that wait for a thread in the queue of all.
    pub queued_tasks: usize,
    /// How long all threads together were at work since the start.
    pub busy: Duration,
}

#[derive(Debug)]
pub(super) struct RuntimeFamilies {
    workers: IntGauge,
    alive_tasks: IntGauge,
    queued_tasks: IntGauge,
    busy: Counter,
}

impl RuntimeFamilies {
    pub(super) fn new(families: &Families<'_>) -> Result<Self> {
        Ok(Self {
            workers: families.gauge("tokio_workers", "Threads that serve connections.")?,
            alive_tasks: families.gauge("tokio_alive_tasks", "Tasks that have not ended.")?,
            queued_tasks: families
                .gauge("tokio_queued_tasks", "Tasks that wait for a thread in the queue that all share.")?,
            busy: families.seconds(
                "tokio_busy_seconds_total",
                "Time that the threads which serve connections were at work, all together.",
            )?,
        })
    }

    pub(super) fn set(&self, now: &Runtime) {
        let gauge = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.workers.set(gauge(now.workers));
        self.alive_tasks.set(gauge(now.alive_tasks));
        self.queued_tasks.set(gauge(now.queued_tasks));
        self.busy.inc_by((now.busy.as_secs_f64() - self.busy.get()).max(0.0));
    }
}
