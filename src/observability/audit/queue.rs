//! The way from the connections to the writer: a queue that is bounded in bytes and fair to principals.
//!
//! It never waits for room. When there is none something is lost, and that is never somebody else's: first what was
//! allowed, then what the principal denied that takes the most room, the newest first, and of that what nothing is known
//! of before what something is. What was lost is kept as an account for each principal ([`Losses`]).

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::losses::Losses;
use super::record::{Record, Recorded};
use crate::model::acl::Known;

/// How long an account of losses is kept open while there are records to write: so often it is told of at most.
const ACCOUNT: Duration = Duration::from_secs(1);

/// What the writer is to write next.
#[derive(Debug)]
pub(super) enum Next {
    Record(Recorded),
    Losses(Losses),
}

/// A queue of at most `capacity` bytes.
pub(super) fn queue(capacity: usize) -> (Giving, Taking) {
    let shared = Arc::new(Shared {
        state: Mutex::new(State { capacity, ..State::default() }),
        ready: Condvar::new(),
        pending: AtomicUsize::new(0),
    });
    (Giving(Arc::clone(&shared)), Taking { shared, in_hand: 0 })
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    ready: Condvar,
    /// How many decisions have not been dealt with: queued, or in the taker's hand.
    pending: AtomicUsize,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a record is worth when there is no room for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Worth {
    Allowed = 0,
    Denied = 1,
    Telling = 2,
}

impl Worth {
    fn of(record: &Record) -> Self {
        match record.most_known() {
            None => Self::Allowed,
            Some(Known::Nothing) => Self::Denied,
            Some(_) => Self::Telling,
        }
    }
}

#[derive(Debug, Default)]
struct State {
    capacity: usize,
    bytes: usize,
    next_number: u64,
    /// All records, the oldest first.
    records: BTreeMap<u64, Entry>,
    lanes: HashMap<Arc<str>, Lane>,
    /// The principals by the bytes of their records: those with denials, and the others.
    by_denied: BTreeSet<(usize, Arc<str>)>,
    by_allowed: BTreeSet<(usize, Arc<str>)>,
    losses: Losses,
    /// How many there are beside the first.
    givers: usize,
    last_giver_is_gone: bool,
    taker_is_gone: bool,
}

#[derive(Debug)]
struct Entry {
    recorded: Recorded,
    worth: Worth,
    bytes: usize,
    decisions: usize,
}

/// The records of one principal.
#[derive(Debug, Default)]
struct Lane {
    /// Their numbers by their worth, the oldest first.
    numbers: [VecDeque<u64>; 3],
    /// Their bytes: of those that were allowed, of the others.
    allowed: usize,
    denied: usize,
}

impl State {
    /// Queues the record; gives how many decisions of which records had to make room.
    fn push(&mut self, recorded: Recorded) -> (usize, usize) {
        let (denied, allowed) = recorded.record.decisions();
        let decisions = usize::try_from(denied + allowed).unwrap_or(usize::MAX);
        let (bytes, worth) = (recorded.record.bytes(), Worth::of(&recorded.record));
        let principal = Arc::clone(&recorded.record.request().principal);
        let number = self.next_number;
        self.next_number += 1;
        self.bytes += bytes;
        self.change(&principal, worth, |lane, room| {
            lane.numbers[worth as usize].push_back(number);
            *room += bytes;
        });
        self.records.insert(number, Entry { recorded, worth, bytes, decisions });
        let mut lost = 0;
        while self.bytes > self.capacity {
            let Some(entry) = self.give_way() else { break };
            lost += entry.decisions;
            self.losses.add(&entry.recorded);
        }
        (decisions, lost)
    }

    /// Takes out what is lost first.
    fn give_way(&mut self) -> Option<Entry> {
        let (_, principal) = self.by_allowed.last().or(self.by_denied.last())?;
        let principal = Arc::clone(principal);
        let lane = self.lanes.get(&principal)?;
        let number = lane.numbers.iter().find_map(VecDeque::back).copied()?;
        self.take_out(number)
    }

    fn pop(&mut self) -> Option<Entry> {
        let number = *self.records.first_key_value()?.0;
        self.take_out(number)
    }

    fn take_out(&mut self, number: u64) -> Option<Entry> {
        let entry = self.records.remove(&number)?;
        self.bytes -= entry.bytes;
        let principal = Arc::clone(&entry.recorded.record.request().principal);
        self.change(&principal, entry.worth, |lane, room| {
            let numbers = &mut lane.numbers[entry.worth as usize];
            // It is at one of the ends.
            if numbers.front() == Some(&number) {
                numbers.pop_front();
            } else {
                numbers.pop_back();
            }
            *room -= entry.bytes;
        });
        Some(entry)
    }

    /// Changes a lane, and keeps the lanes sorted by what is in them.
    fn change(&mut self, principal: &Arc<str>, worth: Worth, f: impl FnOnce(&mut Lane, &mut usize)) {
        let lane = self.lanes.entry(Arc::clone(principal)).or_default();
        let (mut bytes, by_size) = match worth {
            Worth::Allowed => (lane.allowed, &mut self.by_allowed),
            Worth::Denied | Worth::Telling => (lane.denied, &mut self.by_denied),
        };
        by_size.remove(&(bytes, Arc::clone(principal)));
        f(lane, &mut bytes);
        if bytes > 0 {
            by_size.insert((bytes, Arc::clone(principal)));
        }
        match worth {
            Worth::Allowed => lane.allowed = bytes,
            Worth::Denied | Worth::Telling => lane.denied = bytes,
        }
        if lane.numbers.iter().all(VecDeque::is_empty) {
            self.lanes.remove(principal);
        }
    }
}

/// The end where records come in.
#[derive(Debug)]
pub(super) struct Giving(Arc<Shared>);

impl Giving {
    /// Queues the record; gives how many decisions were lost for it. Never waits for room.
    pub(super) fn give(&self, recorded: Recorded) -> usize {
        let mut state = self.0.state();
        let (decisions, lost) = if state.taker_is_gone {
            let (denied, allowed) = recorded.record.decisions();
            let decisions = usize::try_from(denied + allowed).unwrap_or(usize::MAX);
            (decisions, decisions)
        } else {
            state.push(recorded)
        };
        self.0.pending.fetch_add(decisions, Ordering::AcqRel);
        self.0.pending.fetch_sub(lost, Ordering::AcqRel);
        drop(state);
        self.0.ready.notify_one();
        lost
    }

    /// How many decisions have not been dealt with.
    pub(super) fn pending(&self) -> usize {
        self.0.pending.load(Ordering::Acquire)
    }

    /// Whether all has been dealt with, and losses told of.
    pub(super) fn is_idle(&self) -> bool {
        self.pending() == 0 && {
            let state = self.0.state();
            state.taker_is_gone || state.losses.is_empty()
        }
    }
}

impl Clone for Giving {
    fn clone(&self) -> Self {
        self.0.state().givers += 1;
        Self(Arc::clone(&self.0))
    }
}

impl Drop for Giving {
    fn drop(&mut self) {
        let mut state = self.0.state();
        match state.givers.checked_sub(1) {
            Some(left) => state.givers = left,
            None => state.last_giver_is_gone = true,
        }
        drop(state);
        self.0.ready.notify_one();
    }
}

/// The end where the writer takes them.
#[derive(Debug)]
pub(super) struct Taking {
    shared: Arc<Shared>,
    in_hand: usize,
}

impl Taking {
    /// Waits for the next thing to write; asking for it means that the one before is dealt with. `None` when nobody is
    /// left to give any.
    pub(super) fn next(&mut self, clock: fn() -> SystemTime) -> Option<Next> {
        self.shared.pending.fetch_sub(std::mem::take(&mut self.in_hand), Ordering::AcqRel);
        let mut state = self.shared.state();
        loop {
            if state.records.is_empty() || state.losses.are_older_than(ACCOUNT, clock()) {
                let losses = std::mem::take(&mut state.losses);
                if !losses.is_empty() {
                    self.in_hand = 1;
                    self.shared.pending.fetch_add(1, Ordering::AcqRel);
                    return Some(Next::Losses(losses));
                }
            }
            if let Some(entry) = state.pop() {
                self.in_hand = entry.decisions;
                return Some(Next::Record(entry.recorded));
            }
            if state.last_giver_is_gone {
                return None;
            }
            state = self.shared.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.taker_is_gone = true;
        state.records.clear();
        state.lanes.clear();
        state.by_allowed.clear();
        state.by_denied.clear();
        state.bytes = 0;
        self.shared.pending.store(0, Ordering::Release);
    }
}
