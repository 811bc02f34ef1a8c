//! What OffsetCommit, TxnOffsetCommit and OffsetDelete share: a request names partitions by topic, and its answer has an
//! error code for each of them.

use std::collections::{HashMap, HashSet};

use crate::model::acl::{Operation, ResourceType};
use crate::protocol::access::Access;
use crate::protocol::error_code::*;
use crate::protocol::messages::{
    offset_commit_request, offset_commit_response, offset_delete_request, offset_delete_response,
    txn_offset_commit_request, txn_offset_commit_response,
};
use crate::protocol::wire::{Str, Uuid};

/// What tells a topic from others: its name, or its id in the versions that have only that on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum TopicKey {
    Name(Str),
    Id(Uuid),
}

/// A partition's index and its error code.
type Outcome = (i32, i16);

/// A topic of a request.
pub(super) trait AskedTopic {
    /// The name, which is empty for an id that is not known.
    fn name(&self) -> &Str;
    fn key(&self, by_id: bool) -> TopicKey;
    fn partitions(&self) -> Vec<i32>;
}

/// A topic of an answer.
pub(super) trait AnsweredTopic: Sized {
    fn new(key: TopicKey, outcomes: Vec<Outcome>) -> Self;
    fn into_parts(self, by_id: bool) -> (TopicKey, Vec<Outcome>);
}

macro_rules! topics {
    ($($asked:path => $answered:path, $partition:path $(, $id:ident)?;)*) => {$(
        impl AskedTopic for $asked {
            fn name(&self) -> &Str {
                &self.name
            }

            fn key(&self, by_id: bool) -> TopicKey {
                match by_id {
                    $(true => TopicKey::Id(self.$id),)?
                    _ => TopicKey::Name(self.name.clone()),
                }
            }

            fn partitions(&self) -> Vec<i32> {
                self.partitions.iter().map(|partition| partition.partition_index).collect()
            }
        }

        impl AnsweredTopic for $answered {
            fn new(key: TopicKey, outcomes: Vec<Outcome>) -> Self {
                let partitions = outcomes.into_iter().map(|(partition_index, error_code)| {
                    $partition { partition_index, error_code, ..Default::default() }
                });
                let partitions = partitions.collect();
                match key {
                    $(TopicKey::Id($id) => Self { $id, partitions, ..Default::default() },)?
                    TopicKey::Name(name) => Self { name, partitions, ..Default::default() },
                    #[allow(unreachable_patterns, reason = "OffsetDelete has no ids")]
                    TopicKey::Id(_) => Self { partitions, ..Default::default() },
                }
            }

            fn into_parts(self, by_id: bool) -> (TopicKey, Vec<Outcome>) {
                let key = match by_id {
                    $(true => TopicKey::Id(self.$id),)?
                    _ => TopicKey::Name(self.name),
                };
                let outcomes = self.partitions.iter();
                (key, outcomes.map(|partition| (partition.partition_index, partition.error_code)).collect())
            }
        }
    )*};
}

topics! {
    offset_commit_request::OffsetCommitRequestTopic
        => offset_commit_response::OffsetCommitResponseTopic, offset_commit_response::OffsetCommitResponsePartition, topic_id;
    txn_offset_commit_request::TxnOffsetCommitRequestTopic
        => txn_offset_commit_response::TxnOffsetCommitResponseTopic, txn_offset_commit_response::TxnOffsetCommitResponsePartition, topic_id;
    offset_delete_request::OffsetDeleteRequestTopic
        => offset_delete_response::OffsetDeleteResponseTopic, offset_delete_response::OffsetDeleteResponsePartition;
}

/// The answer to a request of which nothing is allowed: the same code for every partition.
pub(super) fn refuse_all<Q: AskedTopic, R: AnsweredTopic>(topics: &[Q], code: i16, by_id: bool) -> Vec<R> {
    let refuse = |topic: &Q| {
        let outcomes = topic.partitions().into_iter().map(|partition| (partition, code));
        R::new(topic.key(by_id), outcomes.collect())
    };
    topics.iter().map(refuse).collect()
}

/// What is decided on the topics of a request, each name once.
pub(super) struct Decided {
    denied: HashSet<Str>,
    by_id: bool,
}

impl Decided {
    /// Decides on all names but those of unknown ids, which are empty.
    pub(super) fn new<'a>(
        names: impl Iterator<Item = &'a Str>,
        by_id: bool,
        operation: Operation,
        access: &mut Access<'_>,
    ) -> Self {
        let mut counts: HashMap<&Str, usize> = HashMap::new();
        for name in names.filter(|name| !(by_id && name.is_empty())) {
            *counts.entry(name).or_default() += 1;
        }
        let denied = counts
            .into_iter()
            .filter(|(name, count)| !access.allows_all(operation, ResourceType::Topic, name, *count))
            .map(|(name, _)| name.clone());
        Self { denied: denied.collect(), by_id }
    }

    /// The error code of a topic that must not reach the broker. An id is never passed on without a decision on its name.
    pub(super) fn refusal(&self, name: &Str) -> Option<i16> {
        match self.by_id && name.is_empty() {
            true => Some(UNKNOWN_TOPIC_ID),
            false => self.denied.contains(name).then_some(TOPIC_AUTHORIZATION_FAILED),
        }
    }
}

/// Takes out the topics that the client may not read, and those whose id is unknown.
pub(super) fn take_unreadable<Q: AskedTopic>(
    topics: &mut Vec<Q>,
    by_id: bool,
    access: &mut Access<'_>,
) -> Option<Refusals> {
    let decided = Decided::new(topics.iter().map(Q::name), by_id, Operation::Read, access);
    let refusal = |topic: &Q| decided.refusal(topic.name());
    if topics.iter().all(|topic| refusal(topic).is_none()) {
        return None;
    }
    let asked = topics.iter().map(|topic| Asked {
        key: topic.key(by_id),
        partitions: topic.partitions(),
        refusal: refusal(topic),
    });
    let refusals = Refusals { asked: asked.collect(), by_id };
    topics.retain(|topic| refusal(topic).is_none());
    Some(refusals)
}

/// What the client asked for, with the topics that it was refused.
pub(super) struct Refusals {
    asked: Vec<Asked>,
    by_id: bool,
}

struct Asked {
    key: TopicKey,
    partitions: Vec<i32>,
    refusal: Option<i16>,
}

impl Refusals {
    /// The broker's outcomes with the refusals among them, as Kafka's response builders have it
    /// (`OffsetCommitResponse.Builder`): what was refused or does not exist comes first, in the order of the request; then
    /// the coordinator's outcomes. A topic has one entry.
    pub(super) fn merge<R: AnsweredTopic>(self, answered: Vec<R>) -> Vec<R> {
        let answered: Vec<_> = answered.into_iter().map(|topic| topic.into_parts(self.by_id)).collect();
        let is_missing = |(_, code): &Outcome| *code == UNKNOWN_TOPIC_OR_PARTITION;
        let mut missing: HashSet<(&TopicKey, i32)> = HashSet::new();
        for (key, outcomes) in &answered {
            missing.extend(
                outcomes.iter().filter(|outcome| is_missing(outcome)).map(|outcome| (key, outcome.0)),
            );
        }
        let mut merged = Merged::default();
        for Asked { key, mut partitions, refusal } in self.asked {
            if refusal.is_none() {
                partitions.retain(|partition| missing.contains(&(&key, *partition)));
                if partitions.is_empty() {
                    continue;
                }
            }
            let code = refusal.unwrap_or(UNKNOWN_TOPIC_OR_PARTITION);
            merged.add(key, partitions.into_iter().map(|partition| (partition, code)).collect());
        }
        for (key, mut outcomes) in answered.iter().cloned() {
            outcomes.retain(|outcome| !is_missing(outcome));
            merged.add(key, outcomes);
        }
        merged.topics.into_iter().map(|(key, outcomes)| R::new(key, outcomes)).collect()
    }
}

/// Topics in the order in which they came up first.
#[derive(Default)]
struct Merged {
    topics: Vec<(TopicKey, Vec<Outcome>)>,
    places: HashMap<TopicKey, usize>,
}

impl Merged {
    fn add(&mut self, key: TopicKey, outcomes: Vec<Outcome>) {
        match self.places.get(&key).and_then(|place| self.topics.get_mut(*place)) {
            Some((_, known)) => known.extend(outcomes),
            None => {
                self.places.insert(key.clone(), self.topics.len());
                self.topics.push((key, outcomes));
            }
        }
    }
}
