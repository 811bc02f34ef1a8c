//! Topics and their partitions by the page (DescribeTopicPartitions, KIP-966).

use std::collections::BTreeSet;

use super::versions::is_4_4;
use super::{Api, Question, RuleOutcome, Step, metadata, trimmed};
use crate::model::acl::{Operation, ResourceType};
use crate::protocol::access::Access;
use crate::protocol::error_code::*;
use crate::protocol::messages::describe_topic_partitions_request::{Cursor, TopicRequest};
use crate::protocol::messages::describe_topic_partitions_response::DescribeTopicPartitionsResponseTopic;
use crate::protocol::messages::{
    DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, MetadataRequest, MetadataResponse,
};
use crate::protocol::wire::{Fault, Str};

/// `DescribeTopicPartitionsRequestHandler`: topics are visited by name, from the cursor on, until the page is full.
impl Api for DescribeTopicPartitionsRequest {
    fn decide(
        &mut self,
        access: &mut Access<'_>,
    ) -> Result<RuleOutcome<DescribeTopicPartitionsResponse>, Fault> {
        if !self.has_valid_cursor() {
            let refused = self.topics.drain(..).map(|topic| described(topic.name, INVALID_REQUEST));
            return Ok(RuleOutcome::Answer(answer_of(refused.collect())));
        }
        if self.topics.is_empty() {
            return self.ask_for_all(access).map(RuleOutcome::Ask);
        }
        let names = self.topics.drain(..).map(|topic| topic.name).collect();
        let denied = self.narrow(names, access);
        if self.topics.is_empty() {
            return Ok(RuleOutcome::Answer(answer_of(denied.into_iter().map(refused).collect())));
        }
        Ok(RuleOutcome::Trim(Box::new(move |answer, access| {
            fill_operations(answer, access);
            // Until Kafka 4.4, which looks at all names first, what lies behind the page was not looked at.
            let next = answer.next_cursor.as_ref().filter(|_| !is_4_4(access.broker));
            let page_end = next.map(|cursor| cursor.topic_name.clone());
            let visited = |name: &Str| page_end.as_ref().is_none_or(|end| name < end);
            answer.topics.extend(denied.into_iter().filter(visited).map(refused));
        })))
    }
}

trait Paged: Sized {
    /// Whether the cursor is on one of the topics, or on any if all are asked for.
    fn has_valid_cursor(&self) -> bool;
    /// Asks for those of the names that the client may describe, from the cursor on; tells the others.
    fn narrow(&mut self, names: BTreeSet<Str>, access: &mut Access<'_>) -> Vec<Str>;
    /// All topics are those that the client may describe. A broker that was asked for all would let its cursor, which
    /// the client gets, rest on one that is hidden.
    fn ask_for_all(
        &mut self,
        access: &mut Access<'_>,
    ) -> Result<Question<DescribeTopicPartitionsResponse>, Fault>;
}

impl Paged for DescribeTopicPartitionsRequest {
    fn has_valid_cursor(&self) -> bool {
        self.cursor.as_ref().is_none_or(|Cursor { topic_name, partition_index, .. }| {
            let is_wanted =
                self.topics.is_empty() || self.topics.iter().any(|topic| topic.name == *topic_name);
            is_wanted && *partition_index >= 0
        })
    }

    fn narrow(&mut self, names: BTreeSet<Str>, access: &mut Access<'_>) -> Vec<Str> {
        let start = self.cursor.as_ref().map_or(Str::EMPTY, |cursor| cursor.topic_name.clone());
        let (allowed, denied): (Vec<_>, Vec<_>) = names
            .into_iter()
            .filter(|name| *name >= start)
            .partition(|name| access.allows(Operation::Describe, ResourceType::Topic, name));
        // A broker wants the cursor's topic in the list.
        self.cursor.take_if(|cursor| !allowed.contains(&cursor.topic_name));
        self.topics = allowed.into_iter().map(|name| TopicRequest { name, ..Default::default() }).collect();
        denied
    }

    fn ask_for_all(
        &mut self,
        access: &mut Access<'_>,
    ) -> Result<Question<DescribeTopicPartitionsResponse>, Fault> {
        let mut request = self.clone();
        let everything =
            MetadataRequest { topics: None, allow_auto_topic_creation: false, ..Default::default() };
        // Whoever serves this API serves Metadata 12.
        let version = access.broker.newest::<MetadataRequest>(4..=13).unwrap_or(12);
        Question::new(&everything, version, move |answer: MetadataResponse, access| {
            metadata::learn_topic_names(&answer, access);
            let names = answer.topics.into_iter().filter_map(|topic| topic.name).collect();
            request.narrow(names, access);
            if request.topics.is_empty() {
                return Step::Answer(DescribeTopicPartitionsResponse::default());
            }
            trimmed(&request, access, |answer, access| {
                // Deleted in between.
                answer.topics.retain(|topic| topic.error_code != UNKNOWN_TOPIC_OR_PARTITION);
                fill_operations(answer, access);
            })
        })
    }
}

fn fill_operations(answer: &mut DescribeTopicPartitionsResponse, access: &mut Access<'_>) {
    for topic in &mut answer.topics {
        topic.topic_authorized_operations = access.authorized_operations(
            topic.topic_authorized_operations,
            ResourceType::Topic,
            topic.name.as_deref().unwrap_or_default(),
        );
    }
}

fn answer_of(topics: Vec<DescribeTopicPartitionsResponseTopic>) -> DescribeTopicPartitionsResponse {
    DescribeTopicPartitionsResponse { topics, ..Default::default() }
}

fn refused(name: Str) -> DescribeTopicPartitionsResponseTopic {
    described(name, TOPIC_AUTHORIZATION_FAILED)
}

fn described(name: Str, error_code: i16) -> DescribeTopicPartitionsResponseTopic {
    DescribeTopicPartitionsResponseTopic { error_code, name: Some(name), ..Default::default() }
}
