//! Share sessions (KIP-932): what a member of a share group fetches, as the broker keeps it and as the member believes.
//!
//! As with [fetch sessions](super::fetch_sessions), the broker behind knows no ACLs; it finds a session by nothing but the names of
//! group and member, which an administrator can read. So each connection keeps a shadow of the sessions that were begun on it, and
//! the ACLs that they were divided by.
//!
//! A shadow may hold more than the broker's session, which does no harm, and never less. Whenever the broker reports an
//! error the shadow is thrown away, and the member has to begin anew.

use super::sessions::{Division, Kind, Moved, Sessions, next_epoch};
use super::wire::{Str, Uuid};

/// How many sessions a connection may have. A member has one with each broker.
const MOST: usize = 8;

/// The sessions that were begun on a connection.
pub struct ShareSessions(Sessions<Member, Session>);

impl Default for ShareSessions {
    fn default() -> Self {
        Self(Sessions::of_at_most(MOST))
    }
}

impl ShareSessions {
    /// The topic ids in a member's session that had no name when it was last looked at.
    pub fn unresolved(&self, member: &Member) -> Vec<Uuid> {
        let refused = self.0.get(member).into_iter().flat_map(Session::refused);
        let ids = refused.filter(|(_, refusal, _)| *refusal == Refusal::Unresolved);
        ids.map(|(topic, ..)| topic).collect()
    }

    /// Keeps a session. A connection that has too many loses one, whose member has to begin anew.
    pub fn insert(&mut self, member: Member, session: Session) {
        drop(self.0.insert(member, session));
    }

    /// Takes a session out, if it was begun on this connection.
    pub fn remove(&mut self, member: &Member) -> Option<Session> {
        self.0.remove(member)
    }

    /// How many bytes they take, roughly.
    pub fn size(&self) -> usize {
        self.0.size()
    }
}

/// A member of a share group, and so a session (`ShareSessionKey`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Member {
    group_id: Str,
    member_id: Str,
}

impl Member {
    /// The member of these names.
    pub fn new(group_id: &Str, member_id: &Str) -> Self {
        Self { group_id: group_id.detached(), member_id: member_id.detached() }
    }
}

/// Why a topic's partitions are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The topic id has no name (yet).
    Unresolved,
    /// The client may not read the topic.
    Denied,
}

/// Topics are named by their ids. Their names never change, and are kept here since nobody else must.
#[derive(Debug)]
pub enum Shared {}

impl Kind for Shared {
    type Topic = Uuid;
    type Name = Str;
    type Asked = ();
    type Refusal = Refusal;
    const COSTS: (usize, usize) = (256, 16);

    fn kept_topic(topic: &Uuid) -> Uuid {
        *topic
    }

    fn kept_name(name: &Str) -> Str {
        name.detached()
    }
}

/// A member's session, divided.
#[derive(Debug)]
pub struct Session {
    /// The epoch of the next request.
    pub epoch: i32,
    /// The ACLs that it was divided by.
    pub generation: u64,
    topics: Division<Shared>,
}

impl super::sessions::Session for Session {
    fn size(&self) -> usize {
        self.topics.size()
    }
}

impl Session {
    /// A session that begins, without partitions.
    pub fn new(generation: u64) -> Self {
        Self { epoch: 1, generation, topics: Division::default() }
    }

    /// Counts a request.
    pub fn advance(&mut self) {
        self.epoch = next_epoch(self.epoch);
    }

    /// Whether it has more partitions than one may have.
    pub fn is_too_large(&self) -> bool {
        self.topics.is_too_large()
    }

    /// Adds partitions of a topic, by what is said of it: its name if the client may read it. Whether none of them was
    /// there before.
    pub fn add(
        &mut self,
        topic: Uuid,
        judged: &Result<Str, Refusal>,
        partitions: impl Iterator<Item = i32>,
    ) -> bool {
        let judged = judged.as_ref().map_err(|refusal| *refusal);
        self.topics.add(&topic, judged, partitions.map(|index| (index, ())))
    }

    /// Removes partitions that the member forgets.
    pub fn forget(&mut self, topic: Uuid, partitions: &[i32]) {
        self.topics.forget(&topic, partitions);
    }

    /// Divides the session anew by what `judge` says of each topic, whose name it gets if it is known: of all topics when
    /// `all` is set, else of those that were refused. Returns what the broker has to be told.
    pub fn divide(
        &mut self,
        all: bool,
        mut judge: impl FnMut(Uuid, Option<&Str>, usize) -> Result<Str, Refusal>,
    ) -> Moved<Shared> {
        self.topics.divide(all, |topic, name, partitions| judge(*topic, name, partitions))
    }

    /// What is refused of it: topic, why, partitions.
    pub fn refused(&self) -> impl Iterator<Item = (Uuid, Refusal, impl Iterator<Item = i32>)> {
        let refused = self.topics.refused();
        refused.map(|(topic, refusal, partitions)| (*topic, *refusal, partitions.keys().copied()))
    }

    /// The names of the topics that the broker's session may hold.
    pub fn held_names(&self) -> impl Iterator<Item = &Str> {
        self.topics.held().map(|(_, name, _)| name)
    }

    /// The topics that the broker's session may hold.
    pub fn held(&self) -> impl Iterator<Item = Uuid> {
        self.topics.held().map(|(topic, ..)| *topic)
    }
}
