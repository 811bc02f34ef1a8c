//! Whose doing the end of a connection was.

use super::labels::{CloseReason, Fault};

impl CloseReason {
    /// Whose doing it was.
    pub const fn fault(self) -> Fault {
        match self {
            Self::ClientClosed
            | Self::SessionExpired
            | Self::UserRemoved
            | Self::RightsRevoked
            | Self::MaxAge
            | Self::Idle
            | Self::UpstreamClosed
            | Self::Drain => Fault::None,
            Self::ClientError
            | Self::ClientTimeout
            | Self::HandshakeFailed
            | Self::NoPrincipal
            | Self::ProtocolError
            | Self::Sasl
            | Self::NoLongerTrusted
            | Self::AuthenticationFailed
            | Self::Denied => Fault::Client,
            Self::UpstreamUnreachable
            | Self::UpstreamError
            | Self::UpstreamTimeout
            | Self::UpstreamProtocolError => Fault::Broker,
            Self::Limit | Self::InternalError => Fault::Doorkeeper,
        }
    }
}
