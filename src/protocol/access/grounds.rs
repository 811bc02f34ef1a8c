//! What requests were allowed by: every permission that was needed, remembered until the broker has answered, so that all
//! that is under way can be judged again when the ACLs change.
//!
//! Kafka answers the requests of a connection in order. So it is enough to remember of each permission the last request
//! that needed it: if that has been answered, so have all the others. What is remembered does not grow with the number of
//! requests, and serves at once as a cache of decisions.

use std::collections::HashMap;

use crate::model::acl::{ClientView, Decision, Operation, ResourceType};

/// How many permissions are told apart, and how many bytes their names may have together. A request that needs more counts
/// as one that may need anything.
const MOST: usize = 4096;
const MOST_NAMED: usize = 256 * 1024;
/// What one takes in memory beside its name, in bytes, roughly.
const SIZE: usize = 128;
/// The end of a chain of entries.
const END: u32 = u32::MAX;

/// An operation on a kind of resource.
pub type Right = (Operation, ResourceType);

/// A right that is enough where another one is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instead {
    /// What is asked for.
    pub of: Right,
    /// What is enough: on the cluster where it is on a name, for that has one alone.
    pub enough: Ground,
}

/// What a request was allowed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// The client may do this to the resource that is named beside it.
    Named(Operation, ResourceType),
    /// The client may do this to at least one resource of the type.
    Any(Operation, ResourceType),
    /// The client may do this to every resource of the type.
    Every(Operation, ResourceType),
    /// The client is a super user.
    SuperUser,
}

impl Ground {
    /// Whether it is given by this view.
    fn holds(self, name: &str, view: &ClientView) -> bool {
        match self {
            Self::Named(operation, resource_type) => view.allows(operation, resource_type, name),
            Self::Any(operation, resource_type) => {
                view.decide_by_resource_type(operation, resource_type).allowed
            }
            Self::Every(operation, resource_type) => view.allows_every(operation, resource_type),
            Self::SuperUser => view.is_super_user(),
        }
    }
}

/// What can be done about a request under way that would be refused now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// It only reads, and its answer can be judged again.
    JudgeAnswer,
    /// Nothing: it must not be carried out.
    Nothing,
}

/// A request's place in the order in which a connection's requests went to the broker; 0 is none.
pub type Number = u64;

/// The last request of each kind that needed something: those whose answers can be judged again, and the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Last {
    /// Of those whose answers can be judged again.
    pub judged_again: Number,
    /// Of the others.
    pub others: Number,
}

impl Last {
    fn note(&mut self, remedy: Remedy, number: Number) {
        match remedy {
            Remedy::JudgeAnswer => self.judged_again = self.judged_again.max(number),
            Remedy::Nothing => self.others = self.others.max(number),
        }
    }

    /// The later ones of both.
    pub fn merge(&mut self, other: Last) {
        self.judged_again = self.judged_again.max(other.judged_again);
        self.others = self.others.max(other.others);
    }

    /// Less those that have been answered.
    fn after(self, answered: Number) -> Last {
        let under_way = |number| if number > answered { number } else { 0 };
        Last { judged_again: under_way(self.judged_again), others: under_way(self.others) }
    }

    fn is_none(self) -> bool {
        self == Last::default()
    }
}

#[derive(Debug)]
struct Entry {
    ground: Ground,
    /// What was decided by the ACLs of [`Grounds::generation`].
    decision: Option<Decision>,
    last: Last,
    /// The request that is being decided needs it.
    is_noted: bool,
    /// The next entry of the same name.
    next: u32,
}

/// What the requests of a connection were allowed by.
#[derive(Debug, Default)]
pub struct Grounds {
    names: HashMap<Box<str>, u32>,
    entries: Vec<Entry>,
    named: usize,
    /// Whose decisions the entries keep.
    generation: u64,
    /// A request is being decided.
    is_deciding: bool,
    /// What it needs, so far.
    noted: Vec<u32>,
    /// It needs more than can be remembered.
    needs_more: bool,
    /// It reads what its fetch session holds.
    needs_session: bool,
    /// The last requests that needed more than can be remembered.
    more: Last,
    /// The last request that read what its fetch session holds.
    session: Number,
    /// The last request that went to the broker, and the last one that has been answered.
    sent: Number,
    answered: Number,
}

impl Grounds {
    /// A request is about to be decided.
    pub fn begin(&mut self) {
        for place in self.noted.drain(..) {
            if let Some(entry) = self.entries.get_mut(place as usize) {
                entry.is_noted = false;
            }
        }
        (self.needs_more, self.needs_session) = (false, false);
        if self.is_full() {
            self.sweep();
        }
    }

    /// Whether what is allowed from now on is needed by the request that is being decided. It is not where an answer is
    /// looked at.
    pub fn set_deciding(&mut self, is_deciding: bool) {
        self.is_deciding = is_deciding;
    }

    /// The request that was decided last goes to the broker.
    pub fn sent(&mut self, remedy: Remedy) -> Number {
        let number = self.sent_own();
        for place in self.noted.drain(..) {
            if let Some(entry) = self.entries.get_mut(place as usize) {
                entry.is_noted = false;
                entry.last.note(remedy, number);
            }
        }
        if std::mem::take(&mut self.needs_more) {
            self.more.note(remedy, number);
        }
        if std::mem::take(&mut self.needs_session) {
            self.session = number;
        }
        number
    }

    /// A request of our own goes to the broker.
    pub fn sent_own(&mut self) -> Number {
        self.sent += 1;
        self.sent
    }

    /// Whether anything went to the broker that may not have been answered.
    pub fn is_under_way(&self) -> bool {
        self.sent > self.answered
    }

    /// The last request that went to the broker.
    pub fn last_sent(&self) -> Number {
        self.sent
    }

    /// The client has, or is getting, the answer to this request: nothing can be done about it any more.
    pub fn answered(&mut self, number: Number) {
        self.answered = self.answered.max(number);
    }

    /// The last request that reads what its fetch session holds, if it is under way.
    pub fn session_under_way(&self) -> Last {
        Last { judged_again: self.session, others: 0 }.after(self.answered)
    }

    /// The last requests that are under way and needed more than can be remembered.
    pub fn more_under_way(&self) -> Last {
        self.more.after(self.answered)
    }

    /// What is needed by something under way and not given by `view`.
    pub fn lost(&self, view: &ClientView) -> Vec<(Ground, &str, Last)> {
        let mut lost = Vec::new();
        for (name, &first) in &self.names {
            for entry in self.chain(first) {
                let last = entry.last.after(self.answered);
                if !last.is_none() && !entry.ground.holds(name, view) {
                    lost.push((entry.ground, &**name, last));
                }
            }
        }
        lost
    }

    /// Whether the request that was decided last, and waits, needs something that `view` does not give.
    pub fn has_lost_noted(&self, view: &ClientView) -> bool {
        if self.needs_more {
            return true;
        }
        !self.noted.is_empty()
            && self.names.iter().any(|(name, &first)| {
                self.chain(first).any(|entry| entry.is_noted && !entry.ground.holds(name, view))
            })
    }

    /// How many bytes it takes, roughly.
    pub fn size(&self) -> usize {
        self.entries.len() * SIZE + self.named
    }

    /// What `view` says of this, which is needed by the request that is being decided if it is allowed.
    pub(super) fn decide(
        &mut self,
        (view, generation): (&ClientView, u64),
        operation: Operation,
        resource_type: ResourceType,
        name: &str,
    ) -> Decision {
        if self.generation != generation {
            self.entries.iter_mut().for_each(|entry| entry.decision = None);
            self.generation = generation;
        }
        let ground = Ground::Named(operation, resource_type);
        let place = self.place(ground, name);
        if let Some(place) = place
            && let Some(Entry { decision: Some(decision), .. }) = self.entries.get(place as usize)
        {
            let decision = decision.clone();
            self.note(place);
            return decision;
        }
        let decision = view.decide(operation, resource_type, name);
        if decision.allowed
            && let Some(place) = place.or_else(|| self.add(ground, name))
        {
            if let Some(entry) = self.entries.get_mut(place as usize) {
                entry.decision = Some(decision.clone());
            }
            self.note(place);
        }
        decision
    }

    /// The request that is being decided needs this.
    pub(super) fn need(&mut self, ground: Ground, name: &str) {
        if let Some(place) = self.place(ground, name).or_else(|| self.add(ground, name)) {
            self.note(place);
        }
    }

    /// The request that is being decided reads what its fetch session holds.
    pub(super) fn need_session(&mut self) {
        self.needs_session |= self.is_deciding;
    }

    /// A fetch session holds something no longer that requests under way may read.
    pub(super) fn leave_session(&mut self, ground: Ground, name: &str) {
        let last = self.session_under_way();
        if last.is_none() {
            return;
        }
        let (was_deciding, needs_more) = (self.is_deciding, self.needs_more);
        self.is_deciding = true;
        match self.place(ground, name).or_else(|| self.add(ground, name)) {
            Some(place) => {
                if let Some(entry) = self.entries.get_mut(place as usize) {
                    entry.last.merge(last);
                }
            }
            None => self.more.merge(last),
        }
        (self.is_deciding, self.needs_more) = (was_deciding, needs_more);
    }

    fn note(&mut self, place: u32) {
        if let Some(entry) = self.entries.get_mut(place as usize)
            && self.is_deciding
            && !entry.is_noted
        {
            entry.is_noted = true;
            self.noted.push(place);
        }
    }

    fn chain(&self, first: u32) -> impl Iterator<Item = &Entry> {
        std::iter::successors(self.entries.get(first as usize), |entry| self.entries.get(entry.next as usize))
    }

    fn place(&self, ground: Ground, name: &str) -> Option<u32> {
        let mut place = *self.names.get(name)?;
        loop {
            let entry = self.entries.get(place as usize)?;
            if entry.ground == ground {
                return Some(place);
            }
            place = entry.next;
        }
    }

    /// Makes an entry, unless nothing is to be remembered or there is no room: then it is said that something is missing.
    fn add(&mut self, ground: Ground, name: &str) -> Option<u32> {
        if !self.is_deciding {
            return None;
        }
        if self.is_full() || self.named + name.len() > MOST_NAMED {
            self.needs_more = true;
            return None;
        }
        let place = u32::try_from(self.entries.len()).ok()?;
        let next = match self.names.get_mut(name) {
            Some(first) => std::mem::replace(first, place),
            None => {
                self.names.insert(name.into(), place);
                self.named += name.len();
                END
            }
        };
        self.entries.push(Entry { ground, decision: None, last: Last::default(), is_noted: false, next });
        Some(place)
    }

    fn is_full(&self) -> bool {
        self.entries.len() >= MOST || self.named >= MOST_NAMED
    }

    /// Forgets what nothing under way needs. Nothing is noted meanwhile.
    fn sweep(&mut self) {
        let (names, entries) = (std::mem::take(&mut self.names), std::mem::take(&mut self.entries));
        let mut entries: Vec<Option<Entry>> = entries.into_iter().map(Some).collect();
        self.named = 0;
        for (name, first) in names {
            let (mut place, mut chain) = (first, END);
            while let Some(entry) = entries.get_mut(place as usize).and_then(Option::take) {
                place = entry.next;
                if !entry.last.after(self.answered).is_none() {
                    let new = u32::try_from(self.entries.len()).unwrap_or(END);
                    self.entries.push(Entry { next: chain, ..entry });
                    chain = new;
                }
            }
            if chain != END {
                self.named += name.len();
                self.names.insert(name, chain);
            }
        }
    }
}

#[cfg(test)]
mod tests;
