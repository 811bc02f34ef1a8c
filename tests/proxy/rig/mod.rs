//! A client, a proxy and a broker to do wrong with.

#![allow(unreachable_pub, reason = "public for the tests beside this folder")]

pub mod broker;
pub mod client;
pub mod door;
pub mod pki;
pub mod relay;
pub mod requests;

use std::time::{Duration, Instant};

/// How long a test waits for what has to come, before it fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for what has to come.
#[track_caller]
pub fn soon<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let place = std::panic::Location::caller();
    async move {
        match tokio::time::timeout(PATIENCE, future).await {
            Ok(output) => output,
            Err(_) => panic!("{place}: it did not come"),
        }
    }
}

/// Waits until something has become true.
#[track_caller]
pub fn until(mut condition: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let place = std::panic::Location::caller();
    async move {
        let deadline = Instant::now() + PATIENCE;
        while !condition() {
            assert!(Instant::now() < deadline, "{place}: it did not become true");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Bytes that tell where they belong.
pub fn pattern(partition: i32, length: usize) -> Vec<u8> {
    let seed = u8::try_from(partition.rem_euclid(200)).unwrap();
    (0..length).map(|i| (i as u8) ^ ((i >> 8) as u8).wrapping_mul(31) ^ ((i >> 16) as u8) ^ seed).collect()
}

/// A small generator of random numbers: xorshift.
pub struct Random(u64);

impl Random {
    /// From a seed, which is not 0 after this.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }
}
