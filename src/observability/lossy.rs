//! A bounded queue that loses what does not fit, for records that must never hold up the work they tell of.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// A queue of at most `capacity` items.
pub fn queue<T>(capacity: usize) -> (Offering<T>, Taking<T>) {
    let (sender, receiver) = sync_channel(capacity);
    let state = Arc::new(State::default());
    (Offering { sender, state: Arc::clone(&state) }, Taking { receiver, state, in_hand: Cell::new(false) })
}

#[derive(Debug, Default)]
struct State {
    /// Offered and not yet done with: queued, or in the taker's hand.
    pending: AtomicUsize,
    /// Lost since the taker last asked.
    lost: AtomicU64,
}

/// The end where items come in.
#[derive(Debug)]
pub struct Offering<T> {
    sender: SyncSender<T>,
    state: Arc<State>,
}

impl<T> Clone for Offering<T> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone(), state: Arc::clone(&self.state) }
    }
}

impl<T> Offering<T> {
    /// Queues the item and says whether there was room; never waits.
    pub fn offer(&self, item: T) -> bool {
        self.state.pending.fetch_add(1, Ordering::AcqRel);
        let taken = self.sender.try_send(item).is_ok();
        if !taken {
            self.state.pending.fetch_sub(1, Ordering::AcqRel);
            self.state.lost.fetch_add(1, Ordering::AcqRel);
        }
        taken
    }

    /// How many items have not been dealt with.
    pub fn pending(&self) -> usize {
        self.state.pending.load(Ordering::Acquire)
    }

    /// Whether all that was offered has been dealt with.
    pub fn is_idle(&self) -> bool {
        self.pending() == 0
    }
}

/// The end where one taker deals with the items.
#[derive(Debug)]
pub struct Taking<T> {
    receiver: Receiver<T>,
    state: Arc<State>,
    in_hand: Cell<bool>,
}

impl<T> Taking<T> {
    /// Waits for the next item; asking for it means that the one before is dealt with. `None` when nobody is
    /// left to offer any.
    pub fn next(&self) -> Option<T> {
        if self.in_hand.take() {
            self.state.pending.fetch_sub(1, Ordering::AcqRel);
        }
        let item = self.receiver.recv().ok();
        self.in_hand.set(item.is_some());
        item
    }

    /// How many items were lost since this was last asked.
    pub fn lost(&self) -> u64 {
        self.state.lost.swap(0, Ordering::AcqRel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_lost_and_told() {
        let (offering, taking) = queue(2);
        assert_eq!([1, 2, 3, 4].map(|item| offering.offer(item)), [true, true, false, false]);
        assert_eq!(taking.next(), Some(1));
        assert_eq!((taking.lost(), taking.lost()), (2, 0));
        assert!(offering.offer(5));
        drop(offering);
        assert_eq!([taking.next(), taking.next(), taking.next()], [Some(2), Some(5), None]);
    }

    #[test]
    fn it_is_idle_only_when_the_last_item_was_dealt_with() {
        let (offering, taking) = queue(4);
        assert!(offering.is_idle());
        offering.offer("a");
        let other = offering.clone();
        assert!(!other.is_idle());
        assert_eq!(taking.next(), Some("a"));
        assert!(!other.is_idle(), "still in hand");
        let taker = std::thread::spawn(move || taking.next());
        while !other.is_idle() {
            std::thread::yield_now();
        }
        drop((offering, other));
        assert_eq!(taker.join().unwrap(), None);
    }

    #[test]
    fn a_taker_that_is_gone_makes_everything_lost_and_nothing_pending() {
        let (offering, taking) = queue(4);
        drop(taking);
        assert!(!offering.offer(1));
        assert!(offering.is_idle());
    }
}
