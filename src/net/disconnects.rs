//! Which lines about the ends of connections are written, since whoever can connect could flood the log with them.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::model::origin::Origin;
use crate::observability::metrics::{CloseReason, HandshakeResult};
use crate::observability::repeats::{Rate, Repeats};

/// How often the same is said in the log.
pub const SAID_AGAIN: Duration = Duration::from_secs(10);
/// Of how many addresses the same is said in that time.
const SAID_OF: u32 = 64;

/// Holds back repeated lines about the ends of connections: of one address, and of all of them, since some can have as
/// many addresses as they like.
#[derive(Debug)]
pub struct Disconnects {
    of_one: Repeats<(CloseReason, Option<HandshakeResult>, Origin)>,
    of_all: Rate<(CloseReason, Option<HandshakeResult>)>,
}

impl Default for Disconnects {
    fn default() -> Self {
        Self { of_one: Repeats::new(SAID_AGAIN), of_all: Rate::new(SAID_AGAIN, SAID_OF) }
    }
}

impl Disconnects {
    /// Whether a line about such an end may be written, and if so how many like it, of this address and of others, were
    /// not since the last.
    pub fn admit(
        &self,
        kind: (CloseReason, Option<HandshakeResult>),
        peer: IpAddr,
        now: Instant,
    ) -> Option<(u64, u64)> {
        // Addresses are remembered only as long as their lines may pass: those of one kind must not take the room of others.
        self.of_all.admit_if(kind, now, || self.of_one.admit((kind.0, kind.1, peer.into()), now))
    }
}
