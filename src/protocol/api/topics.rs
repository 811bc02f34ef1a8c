//! Creating, deleting and growing topics. In KRaft the controller decides these, whichever broker is asked.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::Hash;

use super::rights::{CREATES_ALL, DELETES_ALL};
use super::{Api, Question, RuleOutcome, Step, append, prepend, take_denied, take_reserved, trimmed};
use crate::model::acl::{Operation, ResourceType};
use crate::protocol::access::Access;
use crate::protocol::error_code::*;
use crate::protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use crate::protocol::messages::create_topics_response::CreatableTopicResult;
use crate::protocol::messages::delete_topics_request::DeleteTopicState;
use crate::protocol::messages::delete_topics_response::DeletableTopicResult;
use crate::protocol::messages::metadata_request::MetadataRequestTopic;
use crate::protocol::messages::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest, CreateTopicsResponse,
    DeleteTopicsRequest, DeleteTopicsResponse, MetadataRequest, MetadataResponse,
};
use crate::protocol::wire::{Fault, Str, Uuid};

/// `Topic.CLUSTER_METADATA_TOPIC_NAME`
const CLUSTER_METADATA: &str = "__cluster_metadata";

/// `ControllerApis.createTopics`
impl Api for CreateTopicsRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<CreateTopicsResponse>, Fault> {
        let mut refused: Vec<_> = take_repeated(&mut self.topics, |topic| topic.name.clone())
            .into_iter()
            .map(|name| not_created(name, INVALID_REQUEST, "Duplicate topic name."))
            .collect();
        refused.extend(self.topics.extract_if(.., |topic| topic.name == CLUSTER_METADATA).map(|topic| {
            let message = "Creation of internal topic __cluster_metadata is prohibited.";
            not_created(topic.name, INVALID_REQUEST, message)
        }));
        let denied = match access.has_instead(CREATES_ALL) {
            true => take_reserved(&mut self.topics, Operation::Create, access, |topic| &topic.name),
            false => take_denied(&mut self.topics, Operation::Create, ResourceType::Topic, access, |topic| {
                &topic.name
            }),
        };
        refused.extend(
            denied
                .into_iter()
                .map(|topic| not_created(topic.name, TOPIC_AUTHORIZATION_FAILED, "Authorization failed.")),
        );
        if self.topics.is_empty() {
            return Ok(RuleOutcome::Answer(CreateTopicsResponse { topics: refused, ..Default::default() }));
        }
        let secret: HashSet<Str> = match access.version {
            ..5 => HashSet::new(),
            _ => self
                .topics
                .iter()
                .map(|topic| &topic.name)
                .filter(|name| !access.allows_silently(Operation::DescribeConfigs, ResourceType::Topic, name))
                .cloned()
                .collect(),
        };
        if secret.is_empty() {
            return Ok(append(refused, |answer: &mut CreateTopicsResponse| &mut answer.topics));
        }
        let edited = !refused.is_empty();
        let amend = Box::new(move |answer: &mut CreateTopicsResponse, _: &mut Access<'_>| {
            for topic in &mut answer.topics {
                if topic.error_code == NONE && secret.contains(&topic.name) {
                    hide_configs(topic);
                }
            }
            answer.topics.extend(refused);
        });
        Ok(if edited { RuleOutcome::Trim(amend) } else { RuleOutcome::Amend(amend) })
    }
}

fn not_created(name: Str, error_code: i16, message: &str) -> CreatableTopicResult {
    CreatableTopicResult { name, error_code, error_message: Some(message.into()), ..Default::default() }
}

/// The topic was created, and how it is configured is nobody's business
/// (`ReplicationControlManager.createTopic` without `authorizedToReturnConfigs`).
fn hide_configs(topic: &mut CreatableTopicResult) {
    topic.topic_config_error_code = TOPIC_AUTHORIZATION_FAILED;
    topic.num_partitions = -1;
    topic.replication_factor = -1;
    topic.configs = Some(Vec::new());
}

/// `ControllerApis.deleteTopics`. Kafka shuffles the results lest their order tell absent topics from hidden ones; here
/// it tells which of them were refused, and so do their codes.
impl Api for DeleteTopicsRequest {
    fn topic_ids(&self, _access: &Access<'_>) -> Vec<Uuid> {
        self.topics.iter().map(|topic| topic.topic_id).collect()
    }

    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<DeleteTopicsResponse>, Fault> {
        if access.broker.settings.delete_topics == Some(false) {
            let error_code = if access.version < 3 { INVALID_REQUEST } else { TOPIC_DELETION_DISABLED };
            let refused =
                self.take_wanted().into_iter().map(|DeleteTopicState { name, topic_id, .. }| {
                    DeletableTopicResult { name, topic_id, error_code, ..Default::default() }
                });
            let responses = refused.collect();
            return Ok(RuleOutcome::Answer(DeleteTopicsResponse { responses, ..Default::default() }));
        }
        if access.has_instead(DELETES_ALL) {
            return Ok(self.delete_all_but_reserved(access));
        }
        let Sorted { refused, deletable, only_describable } = sort(self.take_wanted(), access);
        self.put_wanted(deletable, access.version);
        if !only_describable.is_empty() {
            return ask_for_existence(std::mem::take(self), refused, only_describable, access)
                .map(RuleOutcome::Ask);
        }
        if self.is_empty() {
            return Ok(RuleOutcome::Answer(DeleteTopicsResponse {
                responses: refused,
                ..Default::default()
            }));
        }
        Ok(append(refused, |answer: &mut DeleteTopicsResponse| &mut answer.responses))
    }
}

impl DeleteTopicsRequest {
    /// The wanted topics, in the shape that they have from version 6 on.
    fn take_wanted(&mut self) -> Vec<DeleteTopicState> {
        let by_name = std::mem::take(&mut self.topic_names)
            .into_iter()
            .map(|name| DeleteTopicState { name: Some(name), ..Default::default() });
        std::mem::take(&mut self.topics).into_iter().chain(by_name).collect()
    }

    /// For somebody who may delete every topic but the one that nobody except super users may touch. An id without a name
    /// could be that topic's, which the broker hears of a moment later.
    fn delete_all_but_reserved(&mut self, access: &mut Access<'_>) -> RuleOutcome<DeleteTopicsResponse> {
        let mut wanted = self.take_wanted();
        let denied = |name: &Str, access: &mut Access<'_>| {
            access.is_reserved(name) && !access.allows(Operation::Delete, ResourceType::Topic, name)
        };
        let mut refused: Vec<_> = wanted
            .extract_if(.., |topic| {
                let by_id = access.topic_name(&topic.topic_id);
                topic.name.iter().chain(&by_id).any(|name| denied(name, access))
            })
            .map(|topic| {
                let text = message(TOPIC_AUTHORIZATION_FAILED);
                not_deleted(topic.name, topic.topic_id, TOPIC_AUTHORIZATION_FAILED, text)
            })
            .collect();
        if !access.is_super_user() {
            let mut named: HashMap<Uuid, usize> = HashMap::new();
            wanted.iter().for_each(|topic| *named.entry(topic.topic_id).or_default() += 1);
            // What is wrong besides, such as an id that comes twice, the broker does not delete.
            let nameless = wanted.extract_if(.., |topic| {
                let id = &topic.topic_id;
                let is_well_put = topic.name.is_none() && !id.is_zero() && named.get(id) == Some(&1);
                is_well_put && access.topic_name(id).is_none()
            });
            refused.extend(
                nameless.map(|topic| {
                    not_deleted(None, topic.topic_id, UNKNOWN_TOPIC_ID, message(UNKNOWN_TOPIC_ID))
                }),
            );
        }
        self.put_wanted(wanted, access.version);
        match self.is_empty() && !refused.is_empty() {
            true => RuleOutcome::Answer(DeleteTopicsResponse { responses: refused, ..Default::default() }),
            false => append(refused, |answer: &mut DeleteTopicsResponse| &mut answer.responses),
        }
    }

    fn put_wanted(&mut self, wanted: Vec<DeleteTopicState>, version: i16) {
        match version {
            ..6 => self.topic_names = wanted.into_iter().filter_map(|topic| topic.name).collect(),
            _ => self.topics = wanted,
        }
    }

    fn is_empty(&self) -> bool {
        self.topics.is_empty() && self.topic_names.is_empty()
    }
}

/// What becomes of the topics that a client wants deleted.
struct Sorted {
    refused: Vec<DeletableTopicResult>,
    deletable: Vec<DeleteTopicState>,
    /// Names that the client may not delete but may see: it learns whether they exist.
    only_describable: Vec<Str>,
}

fn sort(mut wanted: Vec<DeleteTopicState>, access: &mut Access<'_>) -> Sorted {
    let mut refused = Vec::new();
    for topic in wanted.extract_if(.., |topic| topic.name.is_none() == topic.topic_id.is_zero()) {
        let message = match topic.name {
            None => "Neither topic name nor id were specified.",
            Some(_) => "You may not specify both topic name and topic id.",
        };
        refused.push(not_deleted(topic.name, topic.topic_id, INVALID_REQUEST, message));
    }
    let mut names_of_repeated_ids = HashSet::new();
    for (name, id) in take_repeated(&mut wanted, |topic| (topic.name.clone(), topic.topic_id)) {
        names_of_repeated_ids.extend(access.topic_name(&id));
        let what = if name.is_some() { "Duplicate topic name." } else { "Duplicate topic id." };
        refused.push(not_deleted(name, id, INVALID_REQUEST, what));
    }
    let names: BTreeSet<Str> = wanted
        .iter()
        .filter_map(|topic| topic.name.clone().or_else(|| access.topic_name(&topic.topic_id)))
        .collect();
    let allowed = |operation, access: &mut Access<'_>| -> HashSet<Str> {
        let is_allowed = |name: &&Str| access.allows(operation, ResourceType::Topic, name);
        names.iter().filter(is_allowed).cloned().collect()
    };
    let describable = allowed(Operation::Describe, access);
    let may_be_deleted = allowed(Operation::Delete, access);

    let mut sorted = Sorted { refused, deletable: Vec::new(), only_describable: Vec::new() };
    for topic in wanted {
        let denied = |name| {
            not_deleted(name, topic.topic_id, TOPIC_AUTHORIZATION_FAILED, message(TOPIC_AUTHORIZATION_FAILED))
        };
        match &topic.name {
            Some(name) if !describable.contains(name) => sorted.refused.push(denied(Some(name.clone()))),
            Some(name) if !may_be_deleted.contains(name) => sorted.only_describable.push(name.clone()),
            Some(name) if names_of_repeated_ids.contains(name) => {
                let what = "The provided topic name maps to an ID that was already supplied.";
                sorted.refused.push(not_deleted(topic.name, topic.topic_id, INVALID_REQUEST, what));
            }
            Some(_) => sorted.deletable.push(topic),
            None => match access.topic_name(&topic.topic_id) {
                None => sorted.refused.push(not_deleted(
                    None,
                    topic.topic_id,
                    UNKNOWN_TOPIC_ID,
                    message(UNKNOWN_TOPIC_ID),
                )),
                Some(name) if may_be_deleted.contains(&name) => sorted.deletable.push(topic),
                Some(name) => {
                    sorted.refused.push(denied(Some(name).filter(|name| describable.contains(name))));
                }
            },
        }
    }
    sorted
}

fn not_deleted(name: Option<Str>, topic_id: Uuid, error_code: i16, message: &str) -> DeletableTopicResult {
    let error_message = Some(message.into());
    DeletableTopicResult { name, topic_id, error_code, error_message, ..Default::default() }
}

/// Asks which of the names exist, then has the rest of the request done.
fn ask_for_existence(
    request: DeleteTopicsRequest,
    mut refused: Vec<DeletableTopicResult>,
    names: Vec<Str>,
    access: &Access<'_>,
) -> Result<Question<DeleteTopicsResponse>, Fault> {
    let (question, version) = existence_of(&names, access);
    Question::new(&question, version, move |answer: MetadataResponse, access| {
        let existing: HashSet<Str> = answer
            .topics
            .into_iter()
            .filter(|topic| !matches!(topic.error_code, UNKNOWN_TOPIC_OR_PARTITION | INVALID_TOPIC_EXCEPTION))
            .filter_map(|topic| topic.name)
            .collect();
        refused.extend(names.into_iter().map(|name| {
            let code = match existing.contains(&name) {
                true => TOPIC_AUTHORIZATION_FAILED,
                false => UNKNOWN_TOPIC_OR_PARTITION,
            };
            not_deleted(Some(name), Uuid::ZERO, code, message(code))
        }));
        if request.is_empty() {
            return Step::Answer(DeleteTopicsResponse { responses: refused, ..Default::default() });
        }
        trimmed(&request, access, |answer, _| answer.responses.extend(refused))
    })
}

/// A question that creates nothing. Brokers before 0.11 create whatever is asked for by name.
fn existence_of(names: &[Str], access: &Access<'_>) -> (MetadataRequest, i16) {
    let named = |name: &Str| MetadataRequestTopic { name: Some(name.clone()), ..Default::default() };
    let (topics, version) = match access.broker.newest::<MetadataRequest>(4..=13) {
        Some(version) => (Some(names.iter().map(named).collect()), version),
        None => (None, access.broker.newest::<MetadataRequest>(1..=3).unwrap_or(1)),
    };
    let allow_auto_topic_creation = version < 4;
    (MetadataRequest { topics, allow_auto_topic_creation, ..Default::default() }, version)
}

/// `ControllerApis.createPartitions`
impl Api for CreatePartitionsRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<CreatePartitionsResponse>, Fault> {
        let mut refused: Vec<_> = take_repeated(&mut self.topics, |topic| topic.name.clone())
            .into_iter()
            .map(|name| not_grown(name, INVALID_REQUEST, Some("Duplicate topic name.")))
            .collect();
        let denied =
            take_denied(&mut self.topics, Operation::Alter, ResourceType::Topic, access, |topic| &topic.name);
        refused
            .extend(denied.into_iter().map(|topic| not_grown(topic.name, TOPIC_AUTHORIZATION_FAILED, None)));
        if self.topics.is_empty() {
            return Ok(RuleOutcome::Answer(CreatePartitionsResponse {
                results: refused,
                ..Default::default()
            }));
        }
        Ok(prepend(refused, |answer: &mut CreatePartitionsResponse| &mut answer.results))
    }
}

fn not_grown(name: Str, error_code: i16, message: Option<&str>) -> CreatePartitionsTopicResult {
    let error_message = message.map(Str::from);
    CreatePartitionsTopicResult { name, error_code, error_message, ..Default::default() }
}

/// Takes out whatever has the same key as another entry, and tells these keys, each once.
fn take_repeated<T, K: Clone + Eq + Hash>(entries: &mut Vec<T>, key: impl Fn(&T) -> K) -> Vec<K> {
    let mut counts: HashMap<K, usize> = HashMap::with_capacity(entries.len());
    for entry in entries.iter() {
        *counts.entry(key(entry)).or_default() += 1;
    }
    if counts.len() == entries.len() {
        return Vec::new();
    }
    counts.retain(|_, count| *count > 1);
    let mut repeated = Vec::with_capacity(counts.len());
    entries.retain(|entry| {
        let key = key(entry);
        match counts.get_mut(&key) {
            None => true,
            Some(0) => false,
            Some(first) => {
                *first = 0;
                repeated.push(key);
                false
            }
        }
    });
    repeated
}
