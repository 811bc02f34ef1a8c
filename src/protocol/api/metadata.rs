//! The cluster as a client may see it: Metadata, DescribeCluster.
//!
//! A broker without an authorizer creates a topic for whoever asks about it, so a request that allows creation is never
//! passed on together with a name that the client may not create.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;

use super::rights::CREATES_ALL;
use super::{Action, Api, Ask, Question, Readdress, RuleOutcome, Step, encoded, take_denied};
use crate::model::acl::{CLUSTER_NAME, Operation, ResourceType};
use crate::protocol::access::Access;
use crate::protocol::error_code::*;
use crate::protocol::messages::metadata_request::MetadataRequestTopic;
use crate::protocol::messages::metadata_response::MetadataResponseTopic;
use crate::protocol::messages::{
    DescribeClusterRequest, DescribeClusterResponse, MetadataRequest, MetadataResponse,
};
use crate::protocol::wire::{Fault, Message, Str, Uuid};

/// The first version that asks for topics by id. Two before it have the field all the same.
const TOPIC_IDS: i16 = 12;
/// The first version whose answer tells topics' ids.
const IDS_IN_ANSWERS: i16 = 10;
/// The first version with a word on whether topics may be created.
const CREATION_FLAG: i16 = 4;

/// `KafkaApis.handleTopicMetadataRequest`
impl Api for MetadataRequest {
    fn topic_ids(&self, access: &Access<'_>) -> Vec<Uuid> {
        match access.version {
            TOPIC_IDS.. => self.topics.iter().flatten().map(|topic| topic.topic_id).collect(),
            _ => Vec::new(),
        }
    }

    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<MetadataResponse>, Fault> {
        let flags = Flags {
            cluster_operations: self.include_cluster_authorized_operations,
            topic_operations: self.include_topic_authorized_operations,
        };
        let version = access.version;
        let Some(topics) = self.topics.as_mut().filter(|topics| version > 0 || !topics.is_empty()) else {
            return Ok(RuleOutcome::Amend(Box::new(move |answer, access| {
                learn_topic_names(answer, access);
                answer.topics.retain(|topic| {
                    let name = topic.name.as_deref().unwrap_or_default();
                    access.allows_silently(Operation::Describe, ResourceType::Topic, name)
                });
                flags.fill(answer, access);
            })));
        };
        if version < TOPIC_IDS && topics.iter().any(|topic| topic.name.is_none() || !topic.topic_id.is_zero())
        {
            // Kafka refuses all of it before it looks at any topic, but 2.8.0 does not and answers for what is named.
            let refused = topics.drain(..).map(|topic| MetadataResponseTopic {
                error_code: INVALID_REQUEST,
                name: Some(topic.name.unwrap_or_default()),
                topic_id: topic.topic_id,
                ..Default::default()
            });
            return Ok(RuleOutcome::Answer(MetadataResponse {
                topics: refused.collect(),
                ..Default::default()
            }));
        }
        if topics.iter().any(|topic| !topic.topic_id.is_zero()) {
            let refused = take_hidden_ids(topics, access);
            return Ok(RuleOutcome::Trim(Box::new(move |answer, access| {
                learn_topic_names(answer, access);
                flags.fill(answer, access);
                let known = std::mem::replace(&mut answer.topics, refused.unknown);
                answer.topics.extend(known.into_iter().chain(refused.denied));
            })));
        }
        let denied = take_denied(topics, Operation::Describe, ResourceType::Topic, access, topic_name);
        // A name is answered once, however often it was asked for.
        let mut seen = HashSet::new();
        let denied: Vec<_> = denied
            .into_iter()
            .filter(|topic| seen.insert(topic.name.clone()))
            .map(|topic| refused(topic.name, false))
            .collect();
        if self.allow_auto_topic_creation && !all_creatable(topics, access) {
            if creates_topics(access) || version < CREATION_FLAG {
                return ask_before_creating(self, flags, denied, access).map(RuleOutcome::Ask);
            }
            // It makes no difference to a broker that creates none, unless it has been told otherwise a moment ago.
            self.allow_auto_topic_creation = false;
        }
        if version == 0 && topics.is_empty() {
            return ask_for_no_topics(denied, access).map(RuleOutcome::Ask);
        }
        let amend = Box::new(move |answer: &mut MetadataResponse, access: &mut Access<'_>| {
            learn_topic_names(answer, access);
            flags.fill(answer, access);
            answer.topics.extend(denied);
        });
        Ok(RuleOutcome::Trim(amend))
    }

    const READDRESS: Option<(i16, Readdress<MetadataResponse>)> = Some((0, |answer, access| {
        answer.brokers.retain_mut(|broker| {
            readdress(broker.node_id, &mut broker.host, &mut broker.port, access).is_some()
        });
    }));
}

/// In version 0 a request that names nothing asks for everything. A later version asks for the brokers alone.
fn ask_for_no_topics(
    denied: Vec<MetadataResponseTopic>,
    access: &Access<'_>,
) -> Result<Question<MetadataResponse>, Fault> {
    // Whatever version 7 answers can be said in version 0. A broker that has version 0 only tells everything, of which
    // nothing goes on.
    let version = access.broker.newest::<MetadataRequest>(1..=7).unwrap_or(0);
    let request = MetadataRequest { topics: Some(Vec::new()), ..Default::default() };
    Question::new(&request, version, move |mut answer: MetadataResponse, _| {
        answer.topics = denied;
        Step::Answer(answer)
    })
}

/// Which authorized-operations fields a Metadata request asks for (KIP-430).
#[derive(Clone, Copy)]
struct Flags {
    cluster_operations: bool,
    topic_operations: bool,
}

impl Flags {
    /// A broker without an authorizer reports every operation: only what the client may do stays.
    fn fill(self, answer: &mut MetadataResponse, access: &mut Access<'_>) {
        if self.cluster_operations && access.version <= 10 {
            answer.cluster_authorized_operations =
                cluster_operations(answer.cluster_authorized_operations, access);
        }
        if self.topic_operations {
            for topic in answer.topics.iter_mut().filter(|topic| topic.error_code != UNKNOWN_TOPIC_ID) {
                let name = topic.name.as_deref().unwrap_or_default();
                topic.topic_authorized_operations = access.authorized_operations(
                    topic.topic_authorized_operations,
                    ResourceType::Topic,
                    name,
                );
            }
        }
    }
}

/// The operations on the cluster that the client may do; none at all without DESCRIBE.
fn cluster_operations(upstream: i32, access: &mut Access<'_>) -> i32 {
    match access.allows_cluster(Operation::Describe) {
        true => access.authorized_operations(upstream, ResourceType::Cluster, CLUSTER_NAME),
        false => 0,
    }
}

struct HiddenIds {
    unknown: Vec<MetadataResponseTopic>,
    denied: Vec<MetadataResponseTopic>,
}

/// Takes out the ids that are unknown and those whose topic the client may not see. As soon as one entry has an id, those
/// that only have a name are nobody's business.
fn take_hidden_ids(topics: &mut Vec<MetadataRequestTopic>, access: &mut Access<'_>) -> HiddenIds {
    topics.retain(|topic| !topic.topic_id.is_zero());
    let nameless = |error_code, topic_id| MetadataResponseTopic {
        error_code,
        topic_id,
        name: None,
        ..Default::default()
    };
    let mut hidden = HiddenIds { unknown: Vec::new(), denied: Vec::new() };
    let mut seen = HashSet::new();
    topics.retain(|topic| {
        let id = topic.topic_id;
        if !seen.insert(id) {
            return false;
        }
        match access.topic_name(&id) {
            None => hidden.unknown.push(nameless(UNKNOWN_TOPIC_ID, id)),
            Some(name) if access.allows(Operation::Describe, ResourceType::Topic, &name) => return true,
            Some(_) => hidden.denied.push(nameless(TOPIC_AUTHORIZATION_FAILED, id)),
        }
        false
    });
    hidden
}

/// Whether the broker creates topics for whoever asks for them, as far as is known.
fn creates_topics(access: &Access<'_>) -> bool {
    access.broker.settings.auto_create_topics != Some(false)
}

/// Whether every named topic could be created by the client: then it does not matter which of them exist.
fn all_creatable(topics: &[MetadataRequestTopic], access: &mut Access<'_>) -> bool {
    topics.is_empty()
        || access.has_instead(CREATES_ALL)
        || topics
            .iter()
            .all(|topic| access.allows_silently(Operation::Create, ResourceType::Topic, topic_name(topic)))
}

/// Asks for the topics without creating any; creates what is missing and may be created with a second question.
fn ask_before_creating(
    request: &MetadataRequest,
    flags: Flags,
    denied: Vec<MetadataResponseTopic>,
    access: &Access<'_>,
) -> Result<Question<MetadataResponse>, Fault> {
    let mut request = request.clone();
    let versions = CREATION_FLAG..=access.version.max(CREATION_FLAG);
    let Some(version) = access.broker.newest::<MetadataRequest>(versions) else {
        return ask_an_old_broker(request, denied, access);
    };
    request.allow_auto_topic_creation = false;
    Question::new(&request.clone(), version, move |mut answer: MetadataResponse, access| {
        let missing = |topic: &MetadataResponseTopic| {
            matches!(topic.error_code, UNKNOWN_TOPIC_OR_PARTITION | INVALID_TOPIC_EXCEPTION)
        };
        let (mut creatable, mut create_denied) = (Vec::new(), Vec::new());
        let may_be_created = creates_topics(access);
        let missing = answer.topics.extract_if(.., |topic| may_be_created && missing(topic));
        for topic in missing.collect::<Vec<_>>() {
            match access.allows(
                Operation::Create,
                ResourceType::Topic,
                topic.name.as_deref().unwrap_or_default(),
            ) {
                true => creatable.push(topic.name),
                false => create_denied.push(refused(topic.name, true)),
            }
        }
        let finish = move |mut answer: MetadataResponse, access: &mut Access<'_>| {
            learn_topic_names(&answer, access);
            flags.fill(&mut answer, access);
            answer.topics.extend(create_denied.into_iter().chain(denied));
            Step::Answer(answer)
        };
        if creatable.is_empty() {
            return finish(answer, access);
        }
        request.allow_auto_topic_creation = true;
        request.topics = Some(
            creatable.into_iter().map(|name| MetadataRequestTopic { name, ..Default::default() }).collect(),
        );
        let existing = std::mem::take(&mut answer.topics);
        let question = Question::new(&request, version, move |mut answer: MetadataResponse, access| {
            answer.topics.splice(0..0, existing);
            finish(answer, access)
        });
        // The request was written a moment ago, with more topics.
        question.map_or_else(|_| Step::Answer(MetadataResponse::default()), Step::Ask)
    })
}

/// Brokers before 0.11 create whatever a request names. What exists is known from a request that names nothing.
fn ask_an_old_broker(
    mut request: MetadataRequest,
    denied: Vec<MetadataResponseTopic>,
    access: &Access<'_>,
) -> Result<Question<MetadataResponse>, Fault> {
    let version = access.broker.newest::<MetadataRequest>(0..=3).unwrap_or(0);
    let everything = MetadataRequest { topics: (version == 0).then(Vec::new), ..Default::default() };
    Question::new(&everything, version, move |mut answer: MetadataResponse, access| {
        let mut existing: HashMap<Option<Str>, MetadataResponseTopic> =
            answer.topics.drain(..).map(|topic| (topic.name.clone(), topic)).collect();
        let (mut creatable, mut create_denied) = (Vec::new(), Vec::new());
        for topic in request.topics.take().unwrap_or_default() {
            if let Some(found) = existing.remove(&topic.name) {
                answer.topics.push(found);
            } else if access.allows(Operation::Create, ResourceType::Topic, topic_name(&topic)) {
                creatable.push(topic);
            } else {
                create_denied.push(refused(topic.name, true));
            }
        }
        let finish = move |mut answer: MetadataResponse, _: &mut Access<'_>| {
            answer.topics.extend(create_denied.into_iter().chain(denied));
            Step::Answer(answer)
        };
        if creatable.is_empty() {
            return finish(answer, access);
        }
        let existing = std::mem::take(&mut answer.topics);
        let create = MetadataRequest { topics: Some(creatable), ..Default::default() };
        let question = Question::new(&create, version, move |mut answer: MetadataResponse, access| {
            answer.topics.splice(0..0, existing);
            finish(answer, access)
        });
        question.map_or_else(|_| Step::Answer(MetadataResponse::default()), Step::Ask)
    })
}

fn topic_name(topic: &MetadataRequestTopic) -> &Str {
    static NAMELESS: Str = Str::EMPTY;
    topic.name.as_ref().unwrap_or(&NAMELESS)
}

/// A topic that the client may not see, or may not create.
fn refused(name: Option<Str>, may_be_internal: bool) -> MetadataResponseTopic {
    let is_internal = may_be_internal && name.as_deref().is_some_and(is_internal);
    MetadataResponseTopic { error_code: TOPIC_AUTHORIZATION_FAILED, name, is_internal, ..Default::default() }
}

/// `org.apache.kafka.common.internals.Topic.isInternal`
pub(super) fn is_internal(name: &str) -> bool {
    matches!(name, "__consumer_offsets" | "__transaction_state" | "__share_group_state")
}

/// A question for the names of these topic ids, if the broker can tell any. Kafka 2.8 tells ids but looks for none: it is
/// asked for all topics.
pub(super) fn resolve(ids: Vec<Uuid>, access: &Access<'_>) -> Result<Option<Ask>, Fault> {
    let by_id = |topic_id| MetadataRequestTopic { topic_id, name: None, ..Default::default() };
    let (version, topics) = match access.broker.newest::<MetadataRequest>(TOPIC_IDS..=13) {
        Some(version) => (version, Some(ids.into_iter().map(by_id).collect())),
        None => match access.broker.newest::<MetadataRequest>(IDS_IN_ANSWERS..=TOPIC_IDS - 1) {
            Some(version) => (version, None),
            None => return Ok(None),
        },
    };
    let request = MetadataRequest { topics, allow_auto_topic_creation: false, ..Default::default() };
    Ok(Some(Ask {
        key: MetadataRequest::KEY,
        version,
        flexible: true,
        body: encoded(&request, version)?,
        then: Box::new(|_, _| Ok(Action::Close("a question without a purpose"))),
    }))
}

/// Remembers the names in an answer to [`resolve`].
pub(super) fn learn(answer: &Bytes, version: i16, access: &Access<'_>) -> Result<(), Fault> {
    learn_topic_names(&MetadataResponse::decode(answer, version)?, access);
    Ok(())
}

/// Remembers the names of the topics in an answer.
pub(super) fn learn_topic_names(answer: &MetadataResponse, access: &Access<'_>) {
    for topic in answer.topics.iter().filter(|topic| topic.error_code == NONE) {
        if let Some(name) = &topic.name {
            access.topics.learn(topic.topic_id, name);
        }
    }
}

/// Replaces a broker's address; `None`, and a report, when there is none to tell.
pub(super) fn readdress(node: i32, host: &mut Str, port: &mut i32, access: &mut Access<'_>) -> Option<()> {
    match access.advertised.address(node, host, *port) {
        Ok((mapped_host, mapped_port)) => {
            if mapped_host != &**host {
                *host = Str::from(mapped_host);
            }
            *port = mapped_port;
            Some(())
        }
        Err(unmapped) => {
            access.observer.unmapped(node, &unmapped);
            None
        }
    }
}

/// `KafkaApis.handleDescribeCluster`
impl Api for DescribeClusterRequest {
    fn decide(&mut self, _: &mut Access<'_>) -> Result<RuleOutcome<DescribeClusterResponse>, Fault> {
        if !self.include_cluster_authorized_operations {
            return Ok(RuleOutcome::Forward);
        }
        Ok(RuleOutcome::Amend(Box::new(|answer: &mut DescribeClusterResponse, access| {
            if answer.error_code == NONE {
                answer.cluster_authorized_operations =
                    cluster_operations(answer.cluster_authorized_operations, access);
            }
        })))
    }

    const READDRESS: Option<(i16, Readdress<DescribeClusterResponse>)> = Some((0, |answer, access| {
        const CONTROLLERS: i8 = 2;
        if answer.endpoint_type == CONTROLLERS {
            // Nothing stands in front of a controller.
            answer.brokers.clear();
        }
        answer.brokers.retain_mut(|broker| {
            readdress(broker.broker_id, &mut broker.host, &mut broker.port, access).is_some()
        });
    }));
}
