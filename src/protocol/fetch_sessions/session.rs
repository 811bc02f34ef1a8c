//! A client's session, divided into what the broker's session holds and what is refused.

use super::{Refusal, Topic, refused_partition};
use crate::protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use crate::protocol::messages::fetch_response::FetchableTopicResponse;
use crate::protocol::sessions::{self, Division, Kind, Partitions, next_epoch};
use crate::protocol::wire::Uuid;

/// Topics are named as requests do. What was asked of a partition is kept, since a session may have to be made anew.
#[derive(Debug)]
pub(super) enum Fetched {}

impl Kind for Fetched {
    type Topic = Topic;
    type Name = ();
    type Asked = Asked;
    type Refusal = Refusal;
    const COSTS: (usize, usize) = (640, 64);

    fn kept_topic(topic: &Topic) -> Topic {
        topic.clone().detached()
    }

    fn kept_name((): &()) {}
}

/// A client's session, divided.
#[derive(Debug)]
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
    topics: Division<Fetched>,
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
pub(super) struct Asked {
    current_leader_epoch: i32,
    fetch_offset: i64,
    last_fetched_epoch: i32,
    log_start_offset: i64,
    partition_max_bytes: i32,
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
        Self { epoch: 1, at_broker, by_id, generation, for_follower: false, topics: Division::default() }
    }

    /// The broker has made it.
    pub fn made(&mut self, id: i32) {
        self.at_broker = AtBroker { id, epoch: 1, is_stale: self.holds_nothing() };
    }

    /// Whether anything is refused.
    pub fn has_refusals(&self) -> bool {
        self.topics.has_refusals()
    }

    /// The topic ids that had no name when they were last judged.
    pub(super) fn unresolved(&self) -> impl Iterator<Item = Uuid> {
        let unresolved = self.topics.refused().filter(|(_, refusal, _)| refusal.is_unresolved);
        unresolved.filter_map(|(topic, ..)| topic.id())
    }

    /// Whether the broker's session holds nothing.
    pub fn holds_nothing(&self) -> bool {
        self.topics.holds_nothing()
    }

    /// The topics that the broker's session holds.
    pub fn held(&self) -> impl Iterator<Item = &Topic> {
        self.topics.held().map(|(topic, ..)| topic)
    }

    /// Whether the broker's session holds this topic.
    pub fn holds(&self, topic: &Topic) -> bool {
        self.topics.held_of(topic).is_some()
    }

    /// Whether the client believes that there is nothing in its session.
    pub fn is_empty(&self) -> bool {
        self.topics.holds_nothing() && !self.topics.has_refusals()
    }

    /// Whether it has more partitions than one may have.
    pub fn is_too_large(&self) -> bool {
        self.topics.is_too_large()
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
        self.topics.held().map(|(topic, (), partitions)| asking(topic, partitions)).collect()
    }

    /// Adds a topic's partitions, or updates what was asked of them. A refused topic stays refused until
    /// [`Session::divide`] finds otherwise.
    pub fn ask(&mut self, topic: &Topic, partitions: &[FetchPartition], refusal: Option<Refusal>) {
        if refusal.is_none() {
            self.topics.ask_anew(topic, partitions.iter().map(|partition| partition.partition));
        }
        let asked = partitions.iter().map(|partition| (partition.partition, Asked::of(partition)));
        self.topics.add(topic, refusal.map_or(Ok(&()), Err), asked);
    }

    /// Removes partitions that the client forgets.
    pub fn forget(&mut self, topic: &Topic, partitions: &[i32]) {
        self.topics.forget(topic, partitions);
    }

    /// Divides the session anew by what `judge` says of each topic: all of them when `all` is set, else those that were
    /// refused. Returns what the broker has to be told.
    pub fn divide(&mut self, all: bool, mut judge: impl FnMut(&Topic) -> Option<Refusal>) -> Changes {
        let moved = self.topics.divide(all, |topic, _, _| judge(topic).map_or(Ok(()), Err));
        let again = moved.again.iter().filter_map(|(topic, indexes)| {
            let held = self.topics.held_of(topic)?;
            let asked = indexes.iter().filter_map(|index| Some(held.get(index)?.partition(*index)));
            Some(naming(topic, asked.collect()))
        });
        let denied = moved.denied.iter().map(|(topic, indexes)| {
            let (name, topic_id) = topic.name_and_id();
            ForgottenTopic { topic: name, topic_id, partitions: indexes.clone(), ..Default::default() }
        });
        Changes { add: again.collect(), forget: denied.collect() }
    }

    /// The errors that every answer of the session carries: first those of unknown ids, then those of denied topics.
    pub fn refusals(&self) -> Vec<FetchableTopicResponse> {
        let entry = |(topic, refusal, partitions): (&Topic, &Refusal, &Partitions<Fetched>)| {
            let (topic, topic_id) = topic.name_and_id();
            let partitions = partitions.keys();
            FetchableTopicResponse {
                topic,
                topic_id,
                partitions: partitions.map(|index| refused_partition(*index, refusal.error_code)).collect(),
                ..Default::default()
            }
        };
        let unresolved = self.topics.refused().filter(|(_, refusal, _)| refusal.is_unresolved);
        let denied = self.topics.refused().filter(|(_, refusal, _)| !refusal.is_unresolved);
        unresolved.chain(denied).map(entry).collect()
    }
}

impl sessions::Session for Session {
    fn size(&self) -> usize {
        self.topics.size()
    }
}

/// What was asked of a topic's partitions, as it stands in a request.
fn asking(topic: &Topic, partitions: &Partitions<Fetched>) -> FetchTopic {
    naming(topic, partitions.iter().map(|(index, asked)| asked.partition(*index)).collect())
}

fn naming(topic: &Topic, partitions: Vec<FetchPartition>) -> FetchTopic {
    let (name, topic_id) = topic.name_and_id();
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
