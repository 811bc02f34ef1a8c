//! The broker's sessions: what it fetches is what is in them, whatever the request at hand names (KIP-227, KIP-932).

use std::collections::HashMap;

use crate::never_through::tree::Node;
use crate::never_through::world::World;

/// How a request or a session means a topic.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Key {
    Name(String),
    Id([u8; 16]),
}

impl Key {
    /// The name, if the topic is there or was asked for by it.
    pub(crate) fn name(&self, world: &World) -> Option<String> {
        match self {
            Key::Name(name) => Some(name.clone()),
            Key::Id(id) => world.by_id(id).map(|topic| topic.name.clone()),
        }
    }
}

type Partitions = Vec<(Key, i64)>;

#[derive(Default)]
pub(crate) struct Sessions {
    fetch: HashMap<i64, Session>,
    last: i64,
    share: HashMap<(usize, String, String), Session>,
}

struct Session {
    next_epoch: i64,
    by_id: bool,
    partitions: Partitions,
}

/// What comes of a request that has, or wants, a session.
#[derive(Default)]
pub(crate) struct Fetched {
    pub(crate) error: i64,
    pub(crate) session_id: i64,
    /// All that is fetched.
    pub(crate) partitions: Partitions,
    /// Only what is new is answered.
    pub(crate) is_incremental: bool,
}

impl Fetched {
    /// The topics that are fetched.
    pub(crate) fn topics(&self, world: &World) -> Vec<String> {
        let mut names: Vec<_> = self.partitions.iter().filter_map(|(key, _)| key.name(world)).collect();
        names.dedup();
        names
    }
}

/// What the request names: of topics, or of what is no longer wanted.
fn named(body: &Node, list: &str) -> Partitions {
    let topics = body.list(list).iter();
    topics
        .flat_map(|topic| {
            let key = match topic.get("TopicId") {
                Node::Uuid(id) => Key::Id(*id),
                _ => Key::Name(topic.text("Topic").to_owned()),
            };
            topic.list("Partitions").iter().map(move |partition| (key.clone(), partition.partition()))
        })
        .collect()
}

fn update(partitions: &mut Partitions, body: &Node) {
    let forgotten = named(body, "ForgottenTopicsData");
    for partition in named(body, "Topics") {
        if !partitions.contains(&partition) {
            partitions.push(partition);
        }
    }
    partitions.retain(|partition| !forgotten.contains(partition));
}

impl Sessions {
    /// `FetchManager.newContext`
    pub(crate) fn fetch(&mut self, version: i16, body: &Node, makes_sessions: bool) -> Fetched {
        let (id, epoch) = (body.number("SessionId"), body.number("SessionEpoch"));
        let by_id = version >= 13;
        if version < 7 || epoch <= 0 {
            self.fetch.remove(&id);
            let partitions = named(body, "Topics");
            let mut session_id = 0;
            if version >= 7 && epoch == 0 && makes_sessions && !partitions.is_empty() {
                self.last += 1;
                session_id = self.last;
                let session = Session { next_epoch: 1, by_id, partitions: partitions.clone() };
                self.fetch.insert(session_id, session);
            }
            return Fetched { session_id, partitions, ..Fetched::default() };
        }
        let Some(session) = self.fetch.get_mut(&id) else {
            return Fetched { error: 70, ..Fetched::default() };
        };
        if session.next_epoch != epoch {
            return Fetched { error: 71, ..Fetched::default() };
        }
        if session.by_id != by_id {
            return Fetched { error: 106, ..Fetched::default() };
        }
        update(&mut session.partitions, body);
        session.next_epoch += 1;
        let partitions = session.partitions.clone();
        let session_id = if partitions.is_empty() { 0 } else { id };
        if partitions.is_empty() {
            self.fetch.remove(&id);
        }
        Fetched { session_id, partitions, is_incremental: true, error: 0 }
    }

    /// `SharePartitionManager.newContext`
    pub(crate) fn share_fetch(&mut self, connection: usize, body: &Node) -> Fetched {
        let key = (connection, body.text("GroupId").to_owned(), body.text("MemberId").to_owned());
        match body.number("ShareSessionEpoch") {
            0 => {
                let mut partitions = Vec::new();
                update(&mut partitions, body);
                let session = Session { next_epoch: 1, by_id: true, partitions: partitions.clone() };
                self.share.insert(key, session);
                Fetched { partitions, ..Fetched::default() }
            }
            // The last acknowledgements; nothing is fetched.
            -1 => match self.share.remove(&key) {
                Some(_) => Fetched { partitions: named(body, "Topics"), ..Fetched::default() },
                None => Fetched { error: 122, ..Fetched::default() },
            },
            epoch => {
                let Some(session) = self.share.get_mut(&key) else {
                    return Fetched { error: 122, ..Fetched::default() };
                };
                if session.next_epoch != epoch {
                    return Fetched { error: 123, ..Fetched::default() };
                }
                update(&mut session.partitions, body);
                session.next_epoch += 1;
                Fetched { partitions: session.partitions.clone(), is_incremental: true, ..Fetched::default() }
            }
        }
    }

    /// An acknowledgement counts in the session's epochs, too.
    pub(crate) fn acknowledge(&mut self, connection: usize, body: &Node) {
        let key = (connection, body.text("GroupId").to_owned(), body.text("MemberId").to_owned());
        match body.number("ShareSessionEpoch") {
            -1 => drop(self.share.remove(&key)),
            epoch => {
                if let Some(session) = self.share.get_mut(&key).filter(|session| session.next_epoch == epoch)
                {
                    session.next_epoch += 1;
                }
            }
        }
    }

    /// Share sessions end with their connection; fetch sessions do not.
    pub(crate) fn disconnected(&mut self, connection: usize) {
        self.share.retain(|(owner, ..), _| *owner != connection);
    }
}
