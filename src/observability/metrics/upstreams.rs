//! Whether brokers can be reached.

use std::time::Duration;

use prometheus::{Histogram, IntCounter, IntGaugeVec, Result};

use super::families::{Each, Families};
use super::labels::ConnectResult;

/// Bounds of the time to connect to the broker, in seconds.
const CONNECT: &[f64] = &[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

#[derive(Debug)]
pub(super) struct Upstreams {
    connects: Each<ConnectResult, IntCounter>,
    connect_duration: Histogram,
    up: IntGaugeVec,
}

impl Upstreams {
    pub(super) fn new(families: &Families<'_>) -> Result<Self> {
        let connects = families.counters(
            "upstream_connect_total",
            "Attempts to connect to the broker, by how they ended.",
            &["result"],
        )?;
        Ok(Self {
            connects: Each::new(|result| connects.with_label_values(&[result])),
            connect_duration: families.durations(
                "upstream_connect_duration_seconds",
                "Time of successful connects to the broker.",
                CONNECT,
            )?,
            up: families.gauges("upstream_up", "Whether the broker answers.", &["upstream"])?,
        })
    }

    pub(super) fn connected(&self, result: ConnectResult, elapsed: Duration) {
        self.connects[result].inc();
        if result == ConnectResult::Ok {
            self.connect_duration.observe(elapsed.as_secs_f64());
        }
    }

    pub(super) fn set_up(&self, upstream: &str, up: bool) {
        self.up.with_label_values(&[upstream]).set(i64::from(up));
    }
}
