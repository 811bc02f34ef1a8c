//! A client's session, divided into what the broker's session holds and what is refused.

use std::collections::{BTreeMap, HashMap};

use super::{Refusal, Topic, refused_partition};
use crate::protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use crate::protocol::messages::fetch_response::FetchableTopicResponse;
use crate::protocol::sessions;
use crate::protocol::wire::Uuid;

/// How many partitions a session may have. A broker leads some thousands; and a broker too may decline to make a session.
const MOST_PARTITIONS: usize = 100_000;
/// What a topic takes in memory, and each of its partitions, in bytes, roughly; and the most that a session may take.
const TOPIC: usize = 640;
const PARTITION: usize = 64;
const MOST_HELD: usize = 16 * 1024 * 1024;

/// A client's session, divided.
#[derive(Debug, Clone)]
pub struct Session {
    /// The epoch of the client's next request.
    pub epoch: i32,
    /// Where it is at the broker.
    pub at_broker: AtBroker,
    /// Whether it names topics by id.
    pub by_id: bool,
    /// The ACLs that it was divided by.
    pub generation: u64,
    /// Whether it was divided by a follower's right, on the cluster, and not by a consumer's on each topic.
    pub for_follower: bool,
    /// What the broker's session holds.
    held: HashMap<Topic, Partitions>,
    /// What the client believes to be in its session, and gets an error for.
    refused: BTreeMap<Topic, Refused>,
    /// How many partitions are in both: counted along, since it is asked for with every request.
    partitions: usize,
}

/// Where a session is at the broker, which may number it and count its requests otherwise than the client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AtBroker {
    /// The broker's number for it.
    pub id: i32,
    /// The epoch of the next request.
    pub epoch: i32,
    /// It holds what it should not, or nothing at all, which a broker takes for the end of a session: it is made anew
    /// before it is used.
    pub is_stale: bool,
}

/// What a client last asked of a partition; all but what only followers send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asked {
    current_leader_epoch: i32,
    fetch_offset: i64,
    last_fetched_epoch: i32,
    log_start_offset: i64,
    partition_max_bytes: i32,
}

type Partitions = BTreeMap<i32, Asked>;

#[derive(Debug, Clone)]
struct Refused {
    error_code: i16,
    is_unresolved: bool,
    partitions: Partitions,
}

/// What has to be told to the broker so that its session holds what it should.
#[derive(Debug, Default, PartialEq)]
pub struct Changes {
    /// Partitions that it must add.
    pub add: Vec<FetchTopic>,
    /// Partitions that it must forget.
    pub forget: Vec<ForgottenTopic>,
}

impl Changes {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.add.is_empty() && self.forget.is_empty()
    }
}

impl Session {
    /// A session that is being made by a full request.
    pub fn new(by_id: bool, generation: u64) -> Self {
        let at_broker = AtBroker { id: 0, epoch: 1, is_stale: true };
        Self {
            epoch: 1,
            at_broker,
            by_id,
            generation,
            for_follower: false,
            held: HashMap::new(),
            refused: BTreeMap::new(),
            partitions: 0,
        }
    }

    /// The broker has made it.
    pub fn made(&mut self, id: i32) {
        self.at_broker = AtBroker { id, epoch: 1, is_stale: self.holds_nothing() };
    }

    /// Whether anything is refused.
    pub fn has_refusals(&self) -> bool {
        !self.refused.is_empty()
    }

    /// The topic ids that had no name when they were last judged.
    pub(super) fn unresolved(&self) -> impl Iterator<Item = Uuid> {
        let unresolved = self.refused.iter().filter(|(_, refused)| refused.is_unresolved);
        unresolved.filter_map(|(topic, _)| topic.id())
    }

    /// Whether the broker's session holds nothing.
    pub fn holds_nothing(&self) -> bool {
        self.held.is_empty()
    }

    /// The topics that the broker's session holds.
    pub fn held(&self) -> impl Iterator<Item = &Topic> {
        self.held.keys()
    }

    /// Whether the broker's session holds this topic.
    pub fn holds(&self, topic: &Topic) -> bool {
        self.held.contains_key(topic)
    }

    /// Whether the client believes that there is nothing in its session.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty() && self.refused.is_empty()
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
        let held = self.held.values().map(BTreeMap::len);
        held.chain(self.refused.values().map(|refused| refused.partitions.len())).sum()
    }

    /// Counts a request of the client.
    pub fn advance(&mut self) {
        self.epoch = next_epoch(self.epoch);
    }

    /// The epoch of a request to the broker, which is counted.
    pub fn advance_at_broker(&mut self) -> i32 {
        let epoch = self.at_broker.epoch;
        self.at_broker.epoch = next_epoch(epoch);
        epoch
    }

    /// All that the broker's session should hold, as a request that makes it.
    pub fn wanted(&self) -> Vec<FetchTopic> {
        self.held.iter().map(|(topic, partitions)| asking(topic, partitions)).collect()
    }

    /// Adds a topic's partitions, or updates what was asked of them. A refused topic stays refused until
    /// [`Session::divide`] finds otherwise.
    pub fn ask(&mut self, topic: Topic, partitions: &[FetchPartition], refusal: Option<Refusal>) {
        let asked = partitions.iter().map(|partition| (partition.partition, Asked::of(partition)));
        match refusal {
            None => {
                if let Some(refused) = self.refused.get_mut(&topic) {
                    for partition in partitions {
                        let removed = refused.partitions.remove(&partition.partition);
                        self.partitions -= usize::from(removed.is_some());
                    }
                }
                match self.held.get_mut(&topic) {
                    Some(held) => self.partitions += added(held, asked),
                    None => {
                        let held: Partitions = asked.collect();
                        self.partitions += held.len();
                        self.held.insert(topic.detached(), held);
                    }
                }
            }
            Some(Refusal { error_code, is_unresolved }) => match self.refused.get_mut(&topic) {
                Some(refused) => {
                    (refused.error_code, refused.is_unresolved) = (error_code, is_unresolved);
                    self.partitions += added(&mut refused.partitions, asked);
                }
                None => {
                    let refused = Refused { error_code, is_unresolved, partitions: asked.collect() };
                    self.partitions += refused.partitions.len();
                    self.refused.insert(topic.detached(), refused);
                }
            },
        }
    }

    /// Removes partitions that the client forgets.
    pub fn forget(&mut self, topic: &Topic, partitions: &[i32]) {
        let mut removed = 0;
        let mut gone = |left: &mut Partitions| {
            removed += partitions.iter().filter(|partition| left.remove(partition).is_some()).count();
            left.is_empty()
        };
        let (held, refused) = (self.held.get_mut(topic), self.refused.get_mut(topic));
        let held_gone = held.is_some_and(&mut gone);
        let refused_gone = refused.is_some_and(|refused| gone(&mut refused.partitions));
        self.partitions -= removed;
        if held_gone {
            self.held.remove(topic);
        }
        if refused_gone {
            self.refused.remove(topic);
        }
    }

    /// Divides the session anew by what `judge` says of each topic: all of them when `all` is set, else those that were
    /// refused. Returns what the broker has to be told.
    pub fn divide(&mut self, all: bool, mut judge: impl FnMut(&Topic) -> Option<Refusal>) -> Changes {
        let mut changes = Changes::default();
        if all {
            let denied: Vec<(Topic, Refusal)> = self
                .held
                .keys()
                .filter_map(|topic| judge(topic).map(|refusal| (topic.clone(), refusal)))
                .collect();
            for (topic, Refusal { error_code, is_unresolved }) in denied {
                let held = self.held.remove(&topic).unwrap_or_default();
                let (name, topic_id) = topic.name_and_id();
                changes.forget.push(ForgottenTopic {
                    topic: name,
                    topic_id,
                    partitions: held.keys().copied().collect(),
                    ..Default::default()
                });
                let none = || Refused { error_code, is_unresolved, partitions: Partitions::new() };
                let refused = self.refused.entry(topic).or_insert_with(none);
                // What the client asked for in this request is newer.
                held.into_iter().for_each(|(index, asked)| {
                    refused.partitions.entry(index).or_insert(asked);
                });
            }
        }
        for (topic, mut was) in std::mem::take(&mut self.refused) {
            match judge(&topic) {
                Some(Refusal { error_code, is_unresolved }) => {
                    (was.error_code, was.is_unresolved) = (error_code, is_unresolved);
                    self.refused.insert(topic, was);
                }
                None if was.partitions.is_empty() => {}
                None => {
                    changes.add.push(asking(&topic, &was.partitions));
                    self.held.entry(topic).or_default().extend(was.partitions);
                }
            }
        }
        // A partition of both is one now.
        if !changes.is_empty() {
            self.partitions = self.count();
        }
        changes
    }

    /// The errors that every answer of the session carries: first those of unknown ids, then those of denied topics.
    pub fn refusals(&self) -> Vec<FetchableTopicResponse> {
        let entry = |(topic, refused): (&Topic, &Refused)| {
            let (topic, topic_id) = topic.name_and_id();
            let partitions = refused.partitions.keys();
            FetchableTopicResponse {
                topic,
                topic_id,
                partitions: partitions.map(|index| refused_partition(*index, refused.error_code)).collect(),
                ..Default::default()
            }
        };
        let unresolved = self.refused.iter().filter(|(_, refused)| refused.is_unresolved);
        let denied = self.refused.iter().filter(|(_, refused)| !refused.is_unresolved);
        unresolved.chain(denied).map(entry).collect()
    }
}

impl sessions::Session for Session {
    fn size(&self) -> usize {
        Session::size(self)
    }
}

/// Adds partitions, or updates what was asked of them; how many are new.
fn added(partitions: &mut Partitions, asked: impl Iterator<Item = (i32, Asked)>) -> usize {
    let before = partitions.len();
    partitions.extend(asked);
    partitions.len() - before
}

/// `FetchMetadata.nextEpoch`: after the highest epoch comes 1.
fn next_epoch(epoch: i32) -> i32 {
    if epoch == i32::MAX { 1 } else { epoch + 1 }
}

/// What was asked of a topic's partitions, as it stands in a request.
fn asking(topic: &Topic, partitions: &Partitions) -> FetchTopic {
    let (name, topic_id) = topic.name_and_id();
    let partitions = partitions.iter().map(|(index, asked)| asked.partition(*index)).collect();
    FetchTopic { topic: name, topic_id, partitions, ..Default::default() }
}

impl Asked {
    fn of(partition: &FetchPartition) -> Self {
        Self {
            current_leader_epoch: partition.current_leader_epoch,
            fetch_offset: partition.fetch_offset,
            last_fetched_epoch: partition.last_fetched_epoch,
            log_start_offset: partition.log_start_offset,
            partition_max_bytes: partition.partition_max_bytes,
        }
    }

    fn partition(self, partition: i32) -> FetchPartition {
        FetchPartition {
            partition,
            current_leader_epoch: self.current_leader_epoch,
            fetch_offset: self.fetch_offset,
            last_fetched_epoch: self.last_fetched_epoch,
            log_start_offset: self.log_start_offset,
            partition_max_bytes: self.partition_max_bytes,
            ..Default::default()
        }
    }
}
