//! What members of consumer groups have subscribed to by pattern (KIP-848).
//!
//! A broker that knows no ACLs would match a pattern against topics that the client may not see. So a pattern is matched
//! here, and the broker gets the names instead; when topics or ACLs change, the member's next heartbeat brings the names
//! anew. The client says its pattern once, so it is remembered, for all connections of a listener: a client may come back
//! on another. What is forgotten is asked for again.

mod pattern;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::wire::Str;

pub use pattern::Pattern;

/// What all remembered members may take, in bytes. Beyond, all are forgotten.
const MOST_HELD: usize = 32 * 1024 * 1024;
/// What a member takes besides its words, in bytes, roughly.
const ENTRY: usize = 256;
/// A member of which nothing was heard for so many [`Subscriptions::tick`]s is forgotten.
const IDLE_TICKS: u64 = 30;

/// What is remembered of members, and which topics there are.
#[derive(Default)]
pub struct Subscriptions(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    topics: Option<Arc<Topics>>,
    is_stale: bool,
    members: HashMap<Member, (Subscription, u64)>,
    held: usize,
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

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Member {
    group_id: Str,
    member_id: Str,
}

/// What a member has subscribed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Who said so; others cannot go on in its name.
    pub principal: Arc<str>,
    /// The pattern; without one, whatever it named is the broker's business alone.
    pub pattern: Option<Str>,
    /// The names that it gave beside the pattern.
    pub names: Arc<[Str]>,
    /// What the broker was told.
    pub told: Told,
}

/// What the broker was told of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Nothing, or it did not take it.
    Nothing,
    /// The pattern itself.
    Pattern,
    /// Names, which this is the digest of.
    Names {
        /// [`digest`] of the names.
        digest: u64,
        /// The [`Topics::number`] of the topics that they were chosen from.
        topics: u64,
        /// The generation of the ACLs by which they were chosen.
        generation: u64,
    },
}

impl Member {
    /// The member; the names are copied, so that no frame is kept for them.
    pub fn new(group_id: &str, member_id: &str) -> Self {
        Self { group_id: group_id.into(), member_id: member_id.into() }
    }
}

impl Subscription {
    fn size(&self) -> usize {
        let names = self.names.iter().map(|name| size_of::<Str>() + name.len());
        ENTRY + self.pattern.as_ref().map_or(0, |pattern| pattern.len()) + names.sum::<usize>()
    }
}

/// Tells sets of names apart.
pub fn digest(names: &[Str]) -> u64 {
    let mut hasher = DefaultHasher::new();
    names.hash(&mut hasher);
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

    /// What the member has subscribed to.
    pub fn find(&self, member: &Member) -> Option<Subscription> {
        let mut inner = self.inner();
        let now = inner.tick;
        let (subscription, heard) = inner.members.get_mut(member)?;
        *heard = now;
        Some(subscription.clone())
    }

    /// Remembers what the member has subscribed to.
    pub fn remember(&self, member: Member, subscription: Subscription) {
        let mut inner = self.inner();
        let size = subscription.size();
        if inner.held + size > MOST_HELD {
            inner.members.clear();
            inner.held = 0;
        }
        let now = inner.tick;
        let before = inner.members.insert(member, (subscription, now));
        inner.held = (inner.held + size).saturating_sub(before.map_or(0, |(before, _)| before.size()));
    }

    /// Forgets a member that has left.
    pub fn forget(&self, member: &Member) {
        let mut inner = self.inner();
        if let Some((subscription, _)) = inner.members.remove(member) {
            inner.held = inner.held.saturating_sub(subscription.size());
        }
    }

    /// Time has passed: the topics are to be asked for again, and members may have gone without a word.
    pub fn tick(&self) {
        let mut inner = self.inner();
        inner.is_stale = true;
        inner.tick += 1;
        let now = inner.tick;
        inner.members.retain(|_, (_, heard)| now - *heard <= IDLE_TICKS);
        inner.held = inner.members.values().map(|(subscription, _)| subscription.size()).sum();
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to_pattern(text: &str) -> Subscription {
        let names = Arc::new([]);
        Subscription {
            principal: "User:alice".into(),
            pattern: Some(text.into()),
            names,
            told: Told::Nothing,
        }
    }

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
        subscriptions.remember(silent.clone(), to_pattern("a"));
        subscriptions.remember(heard.clone(), to_pattern("a"));
        for _ in 0..=IDLE_TICKS {
            subscriptions.tick();
            assert!(subscriptions.find(&heard).is_some());
        }
        assert_eq!(subscriptions.find(&silent), None);
        subscriptions.forget(&heard);
        assert_eq!(subscriptions.find(&heard), None);
        assert_eq!(subscriptions.inner().held, 0);
    }

    #[test]
    fn memory_is_bounded() {
        let subscriptions = Subscriptions::default();
        let text = "a".repeat(60_000);
        for n in 0..2000 {
            subscriptions.remember(Member::new("g", &n.to_string()), to_pattern(&text));
            assert!(subscriptions.inner().held <= MOST_HELD);
        }
        assert!(subscriptions.find(&Member::new("g", "1999")).is_some());
        assert!(subscriptions.find(&Member::new("g", "0")).is_none());
    }
}
