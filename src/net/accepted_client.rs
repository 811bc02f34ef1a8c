//! A client that has been accepted, before its broker is connected.

use bytes::BytesMut;

use super::transport::Transport;
use crate::model::advertise::Destination;

/// A client with whom TLS is established (or was tried), before its broker is connected.
pub struct AcceptedClient {
    /// Its bytes.
    pub transport: Transport,
    /// What it said, and nobody has taken yet.
    pub plain: BytesMut,
    /// Which broker it has come for.
    pub destination: Destination,
}
