//! What a connection holds while it is idle, and what is reserved for it in the shared budget. A connection that moves holds
//! more, but only for as long as one of the few threads is busy with it.

use super::Relay;
use crate::net::budget::{MemoryBudget, MemoryPermit};
use crate::net::buffer::{READ, RECORD, shrink_plain};
use crate::net::close::Close;
use crate::observability::metrics::CloseReason;

/// What a connection may hold without a share, in bytes: a part of a record.
const FREE: usize = 16 * 1024;
/// The steps in which the share follows what is held, in bytes: less is not worth the work.
const STEP: usize = 16 * 1024;

/// A connection's share of the budget for what it holds while it waits: the share itself, and one of the reserve.
#[derive(Default)]
pub(super) struct IdleReservation(Option<MemoryPermit>, Option<MemoryPermit>);

/// How a share fits.
#[derive(Debug, PartialEq, Eq)]
enum Fit {
    Whole,
    /// A part of it is of the reserve.
    Short,
    /// There is not even a reserve.
    Nothing,
}

impl IdleReservation {
    pub(super) fn is_held(&self) -> bool {
        self.0.is_some() || self.1.is_some()
    }

    /// Makes the share fit what is held. Who waits for memory has all of it from the reserve: what it waits for may be
    /// the whole of the rest.
    fn fit(&mut self, held: usize, waits: bool, memory: &MemoryBudget) -> Fit {
        let wanted = held.saturating_sub(FREE).next_multiple_of(STEP);
        if waits {
            self.0 = None;
            less(&mut self.1, wanted);
            let more = wanted - size(self.1.as_ref());
            return match memory.take_reserve(more) {
                Some(share) => {
                    add(&mut self.1, share);
                    Fit::Short
                }
                None => Fit::Nothing,
            };
        }
        let share = size(self.0.as_ref());
        // What is not needed goes back, the reserve first; and there may be room again.
        less(&mut self.1, wanted.saturating_sub(share));
        if let Some(room) = self.1.as_ref().and_then(|reserve| memory.take(size(Some(reserve)))) {
            self.1 = None;
            add(&mut self.0, room);
        }
        let (share, reserve) = (size(self.0.as_ref()), size(self.1.as_ref()));
        less(&mut self.0, wanted);
        let has = wanted.min(share + reserve);
        if has < wanted {
            if let Some(more) = memory.take(wanted - has) {
                add(&mut self.0, more);
            } else if let Some(more) = memory.take_reserve(wanted - has) {
                add(&mut self.1, more);
            } else {
                return Fit::Nothing;
            }
        }
        if self.1.is_some() { Fit::Short } else { Fit::Whole }
    }
}

fn size(share: Option<&MemoryPermit>) -> usize {
    share.map_or(0, |share| share.num_permits() * 1024)
}

fn add(share: &mut Option<MemoryPermit>, more: MemoryPermit) {
    match share {
        Some(share) => share.merge(more),
        None => *share = Some(more),
    }
}

/// Gives back what a share has beyond so many bytes.
fn less(share: &mut Option<MemoryPermit>, most: usize) {
    let beyond = size(share.as_ref()).saturating_sub(most) / 1024;
    if let Some(share) = share.as_mut().filter(|_| beyond > 0) {
        drop(share.split(beyond));
    }
    share.take_if(|share| share.num_permits() == 0);
}

impl Relay {
    /// How many bytes are asked of a socket at once: little, while the budget has no room for what may stay of it.
    pub(super) fn most(&self) -> usize {
        if self.is_scarce() { RECORD } else { READ }
    }

    fn is_scarce(&self) -> bool {
        self.memory.is_scarce(2 * READ)
    }

    /// Before nothing moves: gives back what is not needed meanwhile, and has the budget stand for the rest.
    pub(super) fn stand(&mut self) -> Result<(), Close> {
        self.shrink();
        let fit = self.reservation.fit(self.holds(), self.wants != (None, None), &self.memory);
        self.session.set_short(fit != Fit::Whole);
        match fit {
            Fit::Whole | Fit::Short => Ok(()),
            Fit::Nothing => Err(Close::new(
                CloseReason::Limit,
                "limits.buffered_bytes left no room for what the connection holds while it waits",
            )),
        }
    }

    /// How many bytes are held that the budget does not stand for otherwise.
    fn holds(&self) -> usize {
        // A large request that arrives has its own share, and so has what is on its way to the broker of one.
        let plain = if self.session.has_request_memory() { 0 } else { self.plain.capacity() };
        let to_broker: usize = self.to_broker.iter().map(bytes::Bytes::len).sum();
        // As has a large answer on its way.
        let (incoming, outgoing) = self.client.memory();
        let outgoing = if self.session.has_handed_on() { 0 } else { outgoing };
        let (of_broker, for_broker) = self.broker.memory();
        incoming
            + plain
            + to_broker.min(READ)
            + of_broker
            + for_broker
            + self.answers.memory()
            + outgoing
            + self.session.unreserved_bytes()
    }

    /// Gives back the memory around a few bytes that may wait for long: half a record, half a request.
    fn shrink(&mut self) {
        let most = if self.is_scarce() { usize::MAX } else { RECORD };
        self.client.shrink(most);
        self.broker.shrink(most);
        self.answers.shrink_up_to(most);
        if self.plain.len() <= most {
            shrink_plain(&mut self.plain);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1024;

    #[test]
    fn a_share_follows_what_is_held_and_the_reserve_goes_back_first() {
        let memory = MemoryBudget::new(64 * KIB, 0);
        let mut reservation = IdleReservation::default();
        assert_eq!(reservation.fit(FREE, false, &memory), Fit::Whole);
        assert!(!reservation.is_held());
        assert_eq!(reservation.fit(FREE + 40 * KIB, false, &memory), Fit::Whole);
        assert_eq!(memory.in_use(), 48 * KIB);
        // There is room for 16 KiB more, not for 32; the reserve has just those.
        assert_eq!(reservation.fit(FREE + 64 * KIB, false, &memory), Fit::Whole);
        assert_eq!(reservation.fit(FREE + 80 * KIB, false, &memory), Fit::Short);
        assert_eq!(reservation.fit(FREE + 81 * KIB, false, &memory), Fit::Nothing);
        assert_eq!(reservation.fit(FREE + 64 * KIB, false, &memory), Fit::Whole);
        assert_eq!(memory.in_use(), 64 * KIB);
        assert!(memory.is_scarce(1));
        assert_eq!(reservation.fit(FREE + 16 * KIB, true, &memory), Fit::Short);
        assert!(!memory.is_scarce(64 * KIB), "what it waits for is there");
        assert_eq!(reservation.fit(FREE + 32 * KIB, true, &memory), Fit::Nothing);
        assert_eq!(reservation.fit(0, false, &memory), Fit::Whole);
        assert!(!reservation.is_held());
        assert_eq!(memory.in_use(), 0);
    }
}
