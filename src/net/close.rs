//! Why a connection ends, and whose fault it is.

use std::borrow::Cow;

use crate::observability::metrics::{CloseReason, HandshakeResult};
use crate::protocol::wire::Fault;

/// Why a connection ends: the metric's label, and what the log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// The metric's label; it names whose fault it is.
    pub reason: CloseReason,
    /// What happened, for the log.
    pub detail: Cow<'static, str>,
    /// What became of the handshake, if it failed.
    pub handshake: Option<HandshakeResult>,
}

impl Close {
    /// A connection that ends for `reason`.
    pub fn new(reason: CloseReason, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, detail: detail.into(), handshake: None }
    }

    /// A TLS handshake that failed.
    pub fn handshake(result: HandshakeResult, detail: String) -> Self {
        Self { handshake: Some(result), ..Self::new(CloseReason::HandshakeFailed, detail) }
    }

    /// The client sent what cannot be read or is not served.
    pub fn protocol(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(CloseReason::ProtocolError, detail)
    }

    /// The broker sent what cannot be read or was not asked for.
    pub fn upstream(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(CloseReason::UpstreamProtocolError, detail)
    }

    /// A fault of doorkeeper's own.
    pub fn internal(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(CloseReason::InternalError, detail)
    }

    /// An answer of the broker that cannot be read.
    pub fn answer(fault: Fault) -> Self {
        Self::upstream(format!("an answer cannot be read: {fault}"))
    }
}

impl std::fmt::Display for Close {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.reason, self.detail)
    }
}
