//! Ports that stay free until the process that is told about them binds them.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Above the well-known services, and below the range from which the kernel takes the local ports of outgoing connections: a port of
/// that range could be taken by some client between the look here and the broker's bind.
const FIRST: u16 = 10_000;
const LAST: u16 = 30_000;

/// The first of so many ports in a row of 127.0.0.1 that nobody listens on.
pub fn free_ports(count: u16) -> u16 {
    let mut first = free_port();
    let mut last = first;
    while last - first + 1 < count {
        let next = free_port();
        if next != last + 1 {
            first = next;
        }
        last = next;
    }
    first
}

/// A port of 127.0.0.1 that nobody listens on and that this process has not given out before.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let span = LAST - FIRST;
    // Test processes that run side by side start at different places.
    let start = (std::process::id().wrapping_mul(241) % u32::from(span)) as u16;
    for _ in 0..span {
        let port = FIRST + (start + NEXT.fetch_add(1, Ordering::Relaxed) % span) % span;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port between {FIRST} and {LAST} on 127.0.0.1");
}
