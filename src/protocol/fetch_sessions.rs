//! Fetch sessions (KIP-227), as a broker keeps them and a client believes them to be.
//!
//! A session's membership is access to data: an incremental request names no topic and gets the records of all that the
//! session holds. The broker behind knows no ACLs and hands a session to whoever knows its number. So each connection
//! keeps a shadow of the sessions that were made on it: what the client asked for, divided into what the broker's session
//! holds and what was refused, and the ACLs that this division was made by.

use super::messages::fetch_response::PartitionData;
use super::sessions::Sessions;
use super::wire::{Str, Uuid};

mod session;

pub use session::{AtBroker, Changes, Session};

/// How many sessions a connection may have. A client has one with each broker.
const MOST: usize = 8;

/// The sessions that were made on a connection.
pub struct FetchSessions(Sessions<i32, Session>);

impl Default for FetchSessions {
    fn default() -> Self {
        Self(Sessions::of_at_most(MOST))
    }
}

impl FetchSessions {
    /// The topic ids in the session that had no name when it was last looked at.
    pub fn unresolved(&self, id: i32) -> Vec<Uuid> {
        self.0.get(&id).into_iter().flat_map(Session::unresolved).collect()
    }

    /// Keeps a session that the broker made. A connection that has too many loses one, as at a broker whose cache is
    /// full: that is returned.
    pub fn insert(&mut self, id: i32, session: Session) -> Option<Session> {
        self.0.insert(id, session)
    }

    /// Takes a session out, if it was made on this connection.
    pub fn remove(&mut self, id: i32) -> Option<Session> {
        self.0.remove(&id)
    }

    /// What the broker's sessions hold, which every request in them may read.
    pub fn held(&self) -> impl Iterator<Item = &Topic> {
        self.0.iter().flat_map(Session::held)
    }

    /// How many bytes they take, roughly.
    pub fn size(&self) -> usize {
        self.0.size()
    }
}

/// A topic as a Fetch request names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// By name, up to version 12.
    Named(Str),
    /// By id, from version 13 on.
    Id(Uuid),
}

impl Topic {
    /// The topic of a request's entry.
    pub fn new(name: &Str, id: Uuid, by_id: bool) -> Self {
        if by_id { Self::Id(id) } else { Self::Named(name.clone()) }
    }

    fn id(&self) -> Option<Uuid> {
        match self {
            Self::Named(_) => None,
            Self::Id(id) => Some(*id),
        }
    }

    fn detached(self) -> Self {
        match self {
            Self::Named(name) => Self::Named(name.detached()),
            id @ Self::Id(_) => id,
        }
    }

    fn name_and_id(&self) -> (Str, Uuid) {
        match self {
            Self::Named(name) => (name.clone(), Uuid::ZERO),
            Self::Id(id) => (Str::EMPTY, *id),
        }
    }
}

/// Why a topic's partitions are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The error of each partition.
    pub error_code: i16,
    /// The topic id has no name (yet).
    pub is_unresolved: bool,
}

/// A partition's error in a Fetch answer (`FetchResponse.partitionResponse`).
pub fn refused_partition(partition_index: i32, error_code: i16) -> PartitionData {
    PartitionData { partition_index, error_code, high_watermark: -1, ..Default::default() }
}
