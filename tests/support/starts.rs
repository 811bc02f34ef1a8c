//! How many clusters may start at a time.

use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::available_parallelism;

static STARTING: Mutex<usize> = Mutex::new(0);
static ENDED: Condvar = Condvar::new();

/// The right to start brokers, given back when dropped.
pub struct Start(());

impl Start {
    /// Waits for it. A starting JVM keeps two processors busy, and clusters that start in a crowd only wait for each other until one
    /// of them runs out of its time. What has started idles, so running clusters are not counted; there are no more of them than
    /// tests at a time, and those that tests share.
    pub fn wait() -> Start {
        let limit = (available_parallelism().map_or(1, usize::from) / 2).max(1);
        let starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        let mut starting =
            ENDED.wait_while(starting, |starting| *starting >= limit).unwrap_or_else(PoisonError::into_inner);
        *starting += 1;
        Start(())
    }
}

impl Drop for Start {
    fn drop(&mut self) {
        *STARTING.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        ENDED.notify_one();
    }
}
