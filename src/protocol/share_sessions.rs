//! Share sessions (KIP-932): what a member of a share group fetches, as the broker keeps it and as the member believes.
//!
//! As with [fetch sessions](super::fetch_sessions), membership is access to data: a request that names no topic gets the
//! records of all that the session holds. The broker behind knows no ACLs and finds a session by nothing but the names of
//! group and member, which an administrator can read. So each connection keeps a shadow of the sessions that were begun
//! on it: what the broker's session holds, what was refused, and the ACLs that this division was made by.
//!
//! A shadow may hold more than the broker's session, which does no harm, and never less. Whenever the broker reports an
//! error the shadow is thrown away, and the member has to begin anew.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::sessions::Sessions;
use super::wire::{Str, Uuid};

/// How many sessions a connection may have. A member has one with each broker.
const MOST: usize = 8;
/// How many partitions a session may have.
const MOST_PARTITIONS: usize = 100_000;
/// What a topic takes in memory, and each of its partitions, in bytes, roughly; and the most that a session may take.
const TOPIC: usize = 256;
const PARTITION: usize = 16;
const MOST_HELD: usize = 16 * 1024 * 1024;

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
        let refused = self.0.get(member).map(|session| &session.refused);
        let ids = refused.into_iter().flatten().filter(|(_, refused)| refused.refusal == Refusal::Unresolved);
        ids.map(|(topic, _)| *topic).collect()
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

impl super::sessions::Session for Session {
    fn size(&self) -> usize {
        Session::size(self)
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

type Partitions = BTreeSet<i32>;

#[derive(Debug)]
struct Held {
    /// It never changes, and is kept here since nobody else must.
    name: Str,
    partitions: Partitions,
}

#[derive(Debug)]
struct Refused {
    refusal: Refusal,
    partitions: Partitions,
}

/// A member's session, divided.
#[derive(Debug)]
pub struct Session {
    /// The epoch of the next request.
    pub epoch: i32,
    /// The ACLs that it was divided by.
    pub generation: u64,
    /// What the broker's session holds.
    held: HashMap<Uuid, Held>,
    /// What the member believes to be in its session, and gets an error for.
    refused: BTreeMap<Uuid, Refused>,
    /// How many partitions are in both: counted along, since it is asked for with every request.
    partitions: usize,
}

/// What has to be told to the broker so that its session holds what it should.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Partitions that it must add.
    pub add: Vec<(Uuid, Vec<i32>)>,
    /// Partitions that it must forget.
    pub forget: Vec<(Uuid, Vec<i32>)>,
}

impl Session {
    /// A session that begins, without partitions.
    pub fn new(generation: u64) -> Self {
        Self { epoch: 1, generation, held: HashMap::new(), refused: BTreeMap::new(), partitions: 0 }
    }

    /// Counts a request (`ShareRequestMetadata.nextEpoch`): after the highest epoch comes 1.
    pub fn advance(&mut self) {
        self.epoch = if self.epoch == i32::MAX { 1 } else { self.epoch + 1 };
    }

    /// Whether it has more partitions than one may have.
    pub fn is_too_large(&self) -> bool {
        self.partitions > MOST_PARTITIONS || self.size() > MOST_HELD
    }

    /// How many bytes it takes, roughly.
    fn size(&self) -> usize {
        debug_assert_eq!(self.partitions, self.count());
        (self.held.len() + self.refused.len()) * TOPIC + self.partitions * PARTITION
    }

    fn count(&self) -> usize {
        let held = self.held.values().map(|held| held.partitions.len());
        held.chain(self.refused.values().map(|refused| refused.partitions.len())).sum()
    }

    /// Adds partitions of a topic, by what is said of it: its name if the client may read it. Whether none of them was
    /// there before.
    pub fn add(
        &mut self,
        topic: Uuid,
        judged: &Result<Str, Refusal>,
        partitions: impl Iterator<Item = i32>,
    ) -> bool {
        let there = match judged {
            Ok(name) => {
                let none = || Held { name: name.detached(), partitions: Partitions::new() };
                &mut self.held.entry(topic).or_insert_with(none).partitions
            }
            Err(refusal) => {
                let none = || Refused { refusal: *refusal, partitions: Partitions::new() };
                &mut self.refused.entry(topic).or_insert_with(none).partitions
            }
        };
        let before = there.len();
        let mut all_new = true;
        for partition in partitions {
            all_new &= there.insert(partition);
        }
        self.partitions += there.len() - before;
        all_new
    }

    /// Removes partitions that the member forgets.
    pub fn forget(&mut self, topic: Uuid, partitions: &[i32]) {
        let mut removed = 0;
        let mut gone = |left: &mut Partitions| {
            removed += partitions.iter().filter(|partition| left.remove(partition)).count();
            left.is_empty()
        };
        let held_gone = self.held.get_mut(&topic).is_some_and(|held| gone(&mut held.partitions));
        let refused_gone = self.refused.get_mut(&topic).is_some_and(|refused| gone(&mut refused.partitions));
        self.partitions -= removed;
        if held_gone {
            self.held.remove(&topic);
        }
        if refused_gone {
            self.refused.remove(&topic);
        }
    }

    /// Divides the session anew by what `judge` says of each topic, whose name it gets if it is known: of all topics when
    /// `all` is set, else of those that were refused. Returns what the broker has to be told.
    pub fn divide(
        &mut self,
        all: bool,
        mut judge: impl FnMut(Uuid, Option<&Str>, usize) -> Result<Str, Refusal>,
    ) -> Changes {
        let mut changes = Changes::default();
        if all {
            let no_more = |(topic, held): (&Uuid, &Held)| {
                let refusal = judge(*topic, Some(&held.name), held.partitions.len()).err()?;
                Some((*topic, refusal))
            };
            let no_more: Vec<_> = self.held.iter().filter_map(no_more).collect();
            for (topic, refusal) in no_more {
                let partitions = self.held.remove(&topic).map(|held| held.partitions).unwrap_or_default();
                changes.forget.push((topic, partitions.iter().copied().collect()));
                let none = || Refused { refusal, partitions: Partitions::new() };
                self.refused.entry(topic).or_insert_with(none).partitions.extend(partitions);
            }
        }
        for (topic, mut refused) in std::mem::take(&mut self.refused) {
            match judge(topic, None, refused.partitions.len()) {
                Err(refusal) => {
                    refused.refusal = refusal;
                    self.refused.insert(topic, refused);
                }
                Ok(name) => {
                    let again = refused.partitions.iter().copied();
                    changes.add.push((topic, again.clone().collect()));
                    self.add(topic, &Ok(name), again);
                }
            }
        }
        // A partition of both is one now.
        if !changes.add.is_empty() || !changes.forget.is_empty() {
            self.partitions = self.count();
        }
        changes
    }

    /// What is refused of it: topic, why, partitions.
    pub fn refused(&self) -> impl Iterator<Item = (Uuid, Refusal, &BTreeSet<i32>)> {
        self.refused.iter().map(|(topic, refused)| (*topic, refused.refusal, &refused.partitions))
    }

    /// The names of the topics that the broker's session may hold.
    pub fn held_names(&self) -> impl Iterator<Item = &Str> {
        self.held.values().map(|held| &held.name)
    }

    /// The topics that the broker's session may hold.
    pub fn held(&self) -> impl Iterator<Item = Uuid> {
        self.held.keys().copied()
    }
}
