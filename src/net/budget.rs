//! The memory that all connections of the process share.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A part of the budget; it is given back when dropped.
pub type MemoryPermit = OwnedSemaphorePermit;

/// Memory for what connections hold, in KiB.
///
/// A quarter of it comes on top and is never waited for: it stands for what somebody holds already when the rest is used
/// up. So what all connections hold is bounded, and one of them has to end only when many hold on to what they have.
#[derive(Debug, Clone)]
pub struct MemoryBudget {
    shared: Arc<Semaphore>,
    reserve: Arc<Semaphore>,
    sizes: (usize, usize),
}

impl MemoryBudget {
    /// A budget of so many bytes, or of `largest` if that is more: a frame that is larger than all of it would wait for
    /// ever.
    pub fn new(bytes: usize, largest: usize) -> Self {
        let shared = bytes.div_ceil(1024).max(largest / 1024 + 1).min(Semaphore::MAX_PERMITS);
        let reserve = shared.div_ceil(4);
        let semaphore = |size| Arc::new(Semaphore::new(size));
        Self { shared: semaphore(shared), reserve: semaphore(reserve), sizes: (shared, reserve) }
    }

    /// Waits for room for so many bytes. Those who came first are served first.
    pub async fn acquire(&self, bytes: usize) -> Option<MemoryPermit> {
        self.shared.clone().acquire_many_owned(permits(bytes)?).await.ok()
    }

    /// A share for so many bytes, if there is room for them now.
    pub fn take(&self, bytes: usize) -> Option<MemoryPermit> {
        self.shared.clone().try_acquire_many_owned(permits(bytes)?).ok()
    }

    /// A share of the reserve for so many bytes that are held already.
    pub fn take_reserve(&self, bytes: usize) -> Option<MemoryPermit> {
        self.reserve.clone().try_acquire_many_owned(permits(bytes)?).ok()
    }

    /// Whether there may soon be no room for so many bytes: then connections read in small pieces.
    pub fn is_scarce(&self, much: usize) -> bool {
        self.shared.available_permits() < much.div_ceil(1024)
    }

    /// Whether somebody waits for room, or had to take of the reserve.
    pub fn is_wanted(&self) -> bool {
        self.shared.available_permits() == 0 || self.reserve.available_permits() < self.sizes.1
    }

    /// How many bytes are in use.
    pub fn in_use(&self) -> usize {
        let free = self.shared.available_permits() + self.reserve.available_permits();
        (self.sizes.0 + self.sizes.1).saturating_sub(free).saturating_mul(1024)
    }
}

/// Keeps so many bytes of a share, and gives the rest back.
pub fn keep(mut share: MemoryPermit, bytes: usize) -> MemoryPermit {
    permits(bytes).and_then(|permits| share.split(permits as usize)).unwrap_or(share)
}

/// The permits for so many bytes.
pub fn permits(bytes: usize) -> Option<u32> {
    u32::try_from(bytes.div_ceil(1024)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_already_may_take_of_the_reserve_and_no_more() {
        let budget = MemoryBudget::new(100 * 1024, 0);
        let all = budget.take(100 * 1024).unwrap();
        assert!(budget.is_wanted() && budget.take(1).is_none());
        let reserve = budget.take_reserve(25 * 1024).unwrap();
        assert!(budget.take_reserve(1).is_none());
        assert_eq!(budget.in_use(), 125 * 1024);
        let rest = keep(all, 60 * 1024);
        assert!(budget.is_wanted() && budget.is_scarce(41 * 1024) && !budget.is_scarce(40 * 1024));
        drop(reserve);
        assert!(!budget.is_wanted());
        drop(rest);
        assert_eq!(budget.in_use(), 0);
    }

    #[test]
    fn the_largest_frame_always_fits() {
        let budget = MemoryBudget::new(1024, 10_000);
        assert!(budget.take(10_000).is_some());
        // More than can be counted is not there, either.
        assert!(budget.take(usize::MAX).is_none());
    }
}
