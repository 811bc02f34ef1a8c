//! Connections and handshakes by listener.

use std::sync::Arc;
use std::time::Duration;

use prometheus::{Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Result};

use super::families::{Each, Families};
use super::labels::{Cipher, CloseReason, HandshakeResult, RejectReason, TlsVersion};

/// Bounds of a connection's duration, in seconds.
const CONNECTION: &[f64] = &[0.1, 1.0, 10.0, 60.0, 300.0, 1800.0, 3600.0, 14_400.0, 86_400.0];
/// Bounds of the handshake's duration, in seconds.
const HANDSHAKE: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

/// The families from which a listener's handles are made.
#[derive(Debug)]
pub(super) struct ListenerFamilies {
    opened: IntCounterVec,
    active: IntGaugeVec,
    closed: IntCounterVec,
    rejected: IntCounterVec,
    durations: Histogram,
    handshakes: IntCounterVec,
    handshake_duration: Histogram,
    sessions: IntCounterVec,
    plaintext_exposed: IntGaugeVec,
}

/// The handles of one listener: made once by [`super::Metrics::listener`], cheap to clone.
#[derive(Debug, Clone)]
pub struct ListenerMetrics(Arc<Handles>);

#[derive(Debug)]
struct Handles {
    opened: IntCounter,
    active: IntGauge,
    closed: Each<CloseReason, IntCounter>,
    rejected: Each<RejectReason, IntCounter>,
    durations: Histogram,
    handshakes: Each<HandshakeResult, IntCounter>,
    handshake_duration: Histogram,
    /// The series of a cipher are made when it is first spoken: few of them ever are.
    sessions: IntCounterVec,
    listener: String,
    /// There is no series while it is not known.
    plaintext_exposed: IntGaugeVec,
}

impl ListenerMetrics {
    /// Counts an accepted connection, active until the value returned is closed or dropped.
    pub fn open(&self) -> OpenConnection {
        self.0.opened.inc();
        self.0.active.inc();
        OpenConnection { handles: Arc::clone(&self.0), reason: CloseReason::InternalError }
    }

    /// Counts a connection that was turned away; it is no opened one.
    pub fn reject(&self, reason: RejectReason) {
        self.0.rejected[reason].inc();
    }

    /// Counts a handshake, and its time when it completed: the time of failures is the peer's to choose.
    pub fn handshake(&self, result: HandshakeResult, elapsed: Duration) {
        self.0.handshakes[result].inc();
        if result == HandshakeResult::Ok {
            self.0.handshake_duration.observe(elapsed.as_secs_f64());
        }
    }

    /// Counts what a completed handshake came to.
    pub fn session(&self, version: TlsVersion, cipher: Cipher, resumed: bool) {
        let resumed = if resumed { "true" } else { "false" };
        let labels = [&self.0.listener, version.as_str(), cipher.as_str(), resumed];
        self.0.sessions.with_label_values(&labels).inc();
    }

    /// Says whether the broker's plaintext listeners are reachable from elsewhere; `None`: that is not known.
    pub fn plaintext_exposed(&self, exposed: Option<bool>) {
        let labels = [self.0.listener.as_str()];
        match exposed {
            Some(exposed) => self.0.plaintext_exposed.with_label_values(&labels).set(i64::from(exposed)),
            // That there was none is as good.
            None => drop(self.0.plaintext_exposed.remove_label_values(&labels)),
        }
    }
}

/// A connection that is counted as active. Opened and closed always add up: dropped without a word, as by a
/// panic, it counts as closed by an internal error.
#[derive(Debug)]
#[must_use = "the connection counts as closed when this is dropped"]
pub struct OpenConnection {
    handles: Arc<Handles>,
    reason: CloseReason,
}

impl OpenConnection {
    /// Counts the end of the connection, which has lasted so long.
    pub fn close(mut self, reason: CloseReason, lasted: Duration) {
        self.reason = reason;
        self.handles.durations.observe(lasted.as_secs_f64());
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.handles.active.dec();
        self.handles.closed[self.reason].inc();
    }
}

impl ListenerFamilies {
    pub(super) fn new(families: &Families<'_>) -> Result<Self> {
        Ok(Self {
            opened: families.counters("connections_total", "Connections accepted.", &["listener"])?,
            active: families.gauges("connections_active", "Connections open now.", &["listener"])?,
            closed: families.counters(
                "connections_closed_total",
                "Connections ended, by reason.",
                &["listener", "reason"],
            )?,
            rejected: families.counters(
                "connections_rejected_total",
                "Connections turned away before anything was read from them.",
                &["listener", "reason"],
            )?,
            durations: families.durations(
                "connection_duration_seconds",
                "Time from accepting a connection to its end.",
                CONNECTION,
            )?,
            handshakes: families.counters(
                "tls_handshakes_total",
                "TLS handshakes with clients, by how they ended.",
                &["listener", "result"],
            )?,
            handshake_duration: families.durations(
                "tls_handshake_duration_seconds",
                "Time of completed TLS handshakes with clients.",
                HANDSHAKE,
            )?,
            sessions: families.counters(
                "tls_sessions_total",
                "Completed TLS handshakes, by what was agreed on.",
                &["listener", "version", "cipher", "resumed"],
            )?,
            plaintext_exposed: families.gauges(
                "plaintext_exposed",
                "Whether a plaintext listener of the broker answers at an address that others can reach.",
                &["listener"],
            )?,
        })
    }

    pub(super) fn resolve(&self, listener: &str) -> ListenerMetrics {
        ListenerMetrics(Arc::new(Handles {
            opened: self.opened.with_label_values(&[listener]),
            active: self.active.with_label_values(&[listener]),
            closed: Each::new(|reason| self.closed.with_label_values(&[listener, reason])),
            rejected: Each::new(|reason| self.rejected.with_label_values(&[listener, reason])),
            handshakes: Each::new(|result| self.handshakes.with_label_values(&[listener, result])),
            handshake_duration: self.handshake_duration.clone(),
            durations: self.durations.clone(),
            sessions: self.sessions.clone(),
            listener: listener.to_owned(),
            plaintext_exposed: self.plaintext_exposed.clone(),
        }))
    }
}
