//! What members of consumer groups have subscribed to by pattern (KIP-848).
//!
//! A broker that knows no ACLs would match a pattern against topics that the client may not see. So a pattern is matched
//! here, and the broker gets another that covers what was found; when topics or ACLs change, a member's next heartbeat
//! brings it anew. As with Kafka, all members of a group that have the same pattern share what was found for one of them.
//! The client says its pattern once, so it is remembered, for all connections to a cluster: a client may come back on
//! another. What is forgotten is asked for again.

mod groups;
mod matches;
mod pattern;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::wire::Str;
use groups::Groups;
use matches::Matches;

pub use groups::{Found, Subscription, Telling};
pub use matches::Covered;
pub use pattern::Pattern;

/// A member of which nothing was heard for so many [`Subscriptions::tick`]s is forgotten.
const IDLE_TICKS: u64 = 30;
/// One of which nothing was heard for so many has left its group without a word: longer than Kafka waits at most
/// (`group.consumer.max.session.timeout.ms`).
const SILENT_TICKS: u64 = 7;

/// What is remembered of members, and which topics there are.
#[derive(Default)]
pub struct Subscriptions(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    topics: Option<Arc<Topics>>,
    is_stale: bool,
    groups: Groups,
    matches: Matches,
    tick: u64,
}

/// All topics of the cluster at some time.
#[derive(Debug, PartialEq, Eq)]
pub struct Topics {
    /// Another number means other names.
    pub number: u64,
    /// Sorted.
    pub names: Vec<Str>,
}

/// A pattern that is to be matched against topics, which may take long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matching {
    /// The pattern.
    pub pattern: Str,
    /// The topics.
    pub topics: Arc<Topics>,
}

impl Matching {
    /// Works out what it covers.
    pub fn work(&self) -> Covered {
        let covered = Pattern::new(&self.pattern).and_then(|pattern| pattern.covered(&self.topics.names));
        covered.map(Arc::from)
    }

    /// How many bytes that may take meanwhile, at most.
    pub fn memory(&self) -> usize {
        pattern::MOST_MEMORY + self.topics.names.len() * size_of::<u32>()
    }
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its group.
    pub group_id: Str,
    /// Its own id.
    pub member_id: Str,
}

impl Member {
    /// The member; the names are copied, so that no frame is kept for them.
    pub fn new(group_id: &str, member_id: &str) -> Self {
        Self { group_id: group_id.into(), member_id: member_id.into() }
    }
}

/// Tells apart what the broker may be told.
pub fn digest(telling: &Telling, names: &[Str]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (telling, names).hash(&mut hasher);
    hasher.finish()
}

impl Subscriptions {
    /// The topics, if they are known well enough. Whoever gets none is to ask the broker and to tell
    /// [`Subscriptions::learn`]; others get the old ones meanwhile.
    pub fn topics(&self) -> Option<Arc<Topics>> {
        let mut inner = self.inner();
        let topics = inner.topics.clone()?;
        (!std::mem::take(&mut inner.is_stale)).then_some(topics)
    }

    /// Learns all topics.
    pub fn learn<'a>(&self, names: impl Iterator<Item = &'a str>) -> Arc<Topics> {
        // Copies: a slice would keep the whole answer that it came in.
        let mut names: Vec<Str> = names.map(Str::from).collect();
        names.sort_unstable();
        names.dedup();
        let mut inner = self.inner();
        inner.is_stale = false;
        if let Some(known) = inner.topics.as_ref().filter(|known| known.names == names) {
            return known.clone();
        }
        let number = inner.topics.as_ref().map_or(0, |known| known.number + 1);
        let topics = Arc::new(Topics { number, names });
        inner.topics = Some(topics.clone());
        topics
    }

    /// What a pattern covers, if that was worked out lately for anybody who has it.
    pub fn covered(&self, pattern: &str, topics: &Topics) -> Option<Covered> {
        self.inner().matches.find(pattern, topics.number)
    }

    /// Remembers what a pattern covers.
    pub fn keep_covered(&self, matching: &Matching, covered: Covered) {
        self.inner().matches.keep(matching.pattern.detached(), matching.topics.number, covered);
    }

    /// What the member of this principal has subscribed to, who is heard of with this.
    pub fn find(&self, group_id: &str, member_id: &str, principal: &str) -> Option<Subscription> {
        let mut inner = self.inner();
        let now = inner.tick;
        inner.groups.find(group_id, member_id, principal, now).cloned()
    }

    /// What the member has subscribed to; it is not heard of with this.
    pub fn look_up(&self, group_id: &str, member_id: &str) -> Option<Subscription> {
        self.inner().groups.look_up(group_id, member_id).cloned()
    }

    /// Remembers what the member has subscribed to, as far as there is room for its principal.
    pub fn remember(&self, member: &Member, subscription: Subscription) {
        let mut inner = self.inner();
        let now = inner.tick;
        inner.groups.keep(member, subscription, now);
    }

    /// Forgets a member that has left.
    pub fn forget(&self, member: &Member) {
        self.inner().groups.drop(member);
    }

    /// What was found for a pattern of a group, and whether the member for whom it was found still has the pattern.
    pub fn found(&self, group_id: &str, pattern: &str) -> Option<(Found, bool)> {
        let inner = self.inner();
        let heard = inner.tick.saturating_sub(SILENT_TICKS);
        inner.groups.found(group_id, pattern, heard)
    }

    /// Remembers what was found for a pattern of a group, as long as one of its members has the pattern.
    pub fn share(&self, group_id: &str, pattern: &str, found: Found) {
        self.inner().groups.share(group_id, pattern, found);
    }

    /// Time has passed: the topics are to be asked for again, and members may have gone without a word.
    pub fn tick(&self) {
        let mut inner = self.inner();
        inner.is_stale = true;
        inner.tick += 1;
        let heard = inner.tick.saturating_sub(IDLE_TICKS);
        inner.groups.drop_silent(heard);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_asked_for_once_a_tick_and_numbered_by_their_names() {
        let subscriptions = Subscriptions::default();
        assert_eq!(subscriptions.topics(), None);
        let first = subscriptions.learn(["b", "a", "b"].into_iter());
        assert_eq!(first.names, ["a", "b"].map(Str::from));
        assert_eq!(subscriptions.topics().as_ref(), Some(&first));
        subscriptions.tick();
        assert_eq!(subscriptions.topics(), None, "whoever comes first asks");
        assert_eq!(subscriptions.topics().as_ref(), Some(&first), "others need not wait");
        assert_eq!(subscriptions.learn(["a", "b"].into_iter()).number, first.number);
        assert_ne!(subscriptions.learn(["a"].into_iter()).number, first.number);
    }

    #[test]
    fn silent_members_are_forgotten() {
        let subscriptions = Subscriptions::default();
        let (silent, heard) = (Member::new("g", "silent"), Member::new("g", "heard"));
        let to_a = Subscription::new("User:alice", Some("a".into()));
        subscriptions.remember(&silent, to_a.clone());
        subscriptions.remember(&heard, to_a);
        let found = Found { member_id: "silent".into(), ..Found::by("User:alice") };
        subscriptions.share("g", "a", found);
        for tick in 0..=IDLE_TICKS {
            let (_, is_there) = subscriptions.found("g", "a").unwrap();
            assert_eq!(is_there, tick <= SILENT_TICKS, "{tick}");
            subscriptions.tick();
            assert!(subscriptions.find("g", "heard", "User:alice").is_some());
            assert_eq!(subscriptions.find("g", "silent", "User:mallory"), None, "it is not heard of by that");
        }
        assert_eq!(subscriptions.look_up("g", "silent"), None);
        assert!(subscriptions.found("g", "a").is_some());
        subscriptions.forget(&heard);
        assert_eq!(subscriptions.find("g", "heard", "User:alice"), None);
        assert_eq!(subscriptions.found("g", "a"), None);
    }

    #[test]
    fn what_a_pattern_covers_is_worked_out_once() {
        let subscriptions = Subscriptions::default();
        let topics = subscriptions.learn(["a", "b", "c"].into_iter());
        let of = |pattern: &str, topics: &Arc<Topics>| Matching {
            pattern: pattern.into(),
            topics: topics.clone(),
        };
        let covered = of("[ac]", &topics).work();
        assert_eq!(covered.as_deref(), Ok(&[0, 2][..]));
        assert_eq!(subscriptions.covered("[ac]", &topics), None);
        subscriptions.keep_covered(&of("[ac]", &topics), covered.clone());
        assert_eq!(subscriptions.covered("[ac]", &topics), Some(covered));
        let fewer = subscriptions.learn(["b", "c"].into_iter());
        assert_eq!(subscriptions.covered("[ac]", &fewer), None);
        assert_eq!(of("[ac]", &fewer).work().as_deref(), Ok(&[1][..]));
        assert_eq!(of("(", &fewer).work(), Err("missing closing )"));
    }
}
