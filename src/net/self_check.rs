//! A ClientHello of our own on its way through the network, to find out whether an address leads back here.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::advertise::Destination;

/// How the token of such a ClientHello begins. It is in the place of a protocol's name (ALPN, RFC 7301): servers that know
/// nothing of it pass over it, and the host's name stays where whoever directs connections by it looks for it.
pub const TOKEN: &[u8] = b"doorkeeper-self-check/";

/// What a listener knows of its own ClientHello; one at a time.
#[derive(Debug)]
pub struct SelfCheck {
    enabled: bool,
    under_way: AtomicBool,
    sent: Mutex<Option<Sent>>,
}

#[derive(Debug)]
struct Sent {
    token: Vec<u8>,
    arrived: Option<Destination>,
}

impl SelfCheck {
    /// Whether the listener sends such ClientHellos.
    pub fn new(enabled: bool) -> Self {
        Self { enabled, under_way: AtomicBool::new(false), sent: Mutex::new(None) }
    }

    /// Whether the listener sends such ClientHellos.
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// A ClientHello with this token is about to be sent.
    pub fn begin(&self, token: Vec<u8>) {
        *self.lock() = Some(Sent { token, arrived: None });
        self.under_way.store(true, Ordering::Release);
    }

    /// Nothing is awaited any more; which broker the ClientHello has come for, if it has come.
    pub fn end(&self) -> Option<Destination> {
        self.under_way.store(false, Ordering::Release);
        self.lock().take()?.arrived
    }

    /// Whether to listen for a ClientHello of our own.
    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.load(Ordering::Acquire)
    }

    /// A ClientHello has come; whether it is our own.
    pub(super) fn received(&self, token: &[u8], destination: Destination) -> bool {
        match &mut *self.lock() {
            Some(sent) if sent.token == token => {
                sent.arrived = Some(destination);
                true
            }
            _ => false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Sent>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_client_hello_that_is_under_way_is_our_own() {
        let check = SelfCheck::new(true);
        assert!(!check.is_under_way() && !check.received(b"a", Destination::Any));
        check.begin(b"a".to_vec());
        assert!(check.is_under_way() && !check.received(b"b", Destination::Any));
        assert!(check.received(b"a", Destination::Node(1)));
        assert_eq!(check.end(), Some(Destination::Node(1)));
        assert!(!check.is_under_way() && !check.received(b"a", Destination::Any));
        check.begin(b"c".to_vec());
        assert_eq!(check.end(), None);
    }
}
