//! CreateTopics, DeleteTopics and CreatePartitions: what reaches the broker, and what the client is told.

use doorkeeper::model::acl::Operation::*;
use doorkeeper::model::acl::ResourceType::Topic;
use doorkeeper::protocol::access::BrokerSettings;
use doorkeeper::protocol::error_code::*;
use doorkeeper::protocol::messages::create_partitions_request::CreatePartitionsTopic;
use doorkeeper::protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use doorkeeper::protocol::messages::create_topics_request::CreatableTopic;
use doorkeeper::protocol::messages::create_topics_response::{CreatableTopicConfigs, CreatableTopicResult};
use doorkeeper::protocol::messages::delete_topics_request::DeleteTopicState;
use doorkeeper::protocol::messages::delete_topics_response::DeletableTopicResult;
use doorkeeper::protocol::messages::*;
use doorkeeper::protocol::wire::{Message, Str, Uuid};

use crate::support::door::*;

fn create(names: &[&str]) -> CreateTopicsRequest {
    let topic = |name: &&str| CreatableTopic {
        name: Str::from(*name),
        num_partitions: 1,
        replication_factor: 1,
        ..Default::default()
    };
    CreateTopicsRequest { topics: names.iter().map(topic).collect(), ..Default::default() }
}

/// What a broker answers that creates everything.
fn created(request: &CreateTopicsRequest, version: i16) -> CreateTopicsResponse {
    let config =
        CreatableTopicConfigs { name: "retention.ms".into(), value: Some("1".into()), ..Default::default() };
    let topic = |topic: &CreatableTopic| {
        let mut result =
            CreatableTopicResult { name: topic.name.clone(), error_message: None, ..Default::default() };
        if version >= 5 {
            (result.num_partitions, result.replication_factor) = (1, 1);
            result.configs = Some(vec![config.clone()]);
        }
        if version >= 7 {
            result.topic_id = id(9);
        }
        result
    };
    CreateTopicsResponse { topics: request.topics.iter().map(topic).collect(), ..Default::default() }
}

fn created_names(request: &CreateTopicsRequest) -> Vec<&str> {
    request.topics.iter().map(|topic| topic.name.as_str()).collect()
}

fn creations(answer: &CreateTopicsResponse) -> Vec<(&str, i16, Option<&str>)> {
    answer
        .topics
        .iter()
        .map(|topic| (topic.name.as_str(), topic.error_code, topic.error_message.as_deref()))
        .collect()
}

#[test]
fn create_topics_asks_for_what_is_allowed_and_appends_duplicates_and_denials() {
    let bindings =
        [allow(Create, Topic, "a"), allow(Create, Topic, "d"), allow(Create, Topic, "__cluster_metadata")];
    for version in Door::versions::<CreateTopicsRequest>() {
        let mut door = Door::new(bindings.clone());
        let request = create(&["d", "b", "a", "d", "__cluster_metadata", "d"]);
        let forwarded = door.send(version, &request).forwarded();
        assert_eq!(created_names(&forwarded.request), ["a"]);
        assert_eq!(forwarded.request.timeout_ms, request.timeout_ms);
        let response = created(&forwarded.request, version);
        let answer = forwarded.answered(&mut door, &response);
        let text = |text: &'static str| if version >= 1 { Some(text) } else { Some("") };
        assert_eq!(
            creations(&answer),
            [
                ("a", NONE, if version >= 1 { None } else { Some("") }),
                ("d", INVALID_REQUEST, text("Duplicate topic name.")),
                (
                    "__cluster_metadata",
                    INVALID_REQUEST,
                    text("Creation of internal topic __cluster_metadata is prohibited.")
                ),
                ("b", TOPIC_AUTHORIZATION_FAILED, text("Authorization failed.")),
            ],
            "version {version}"
        );
        assert_eq!(door.denials(), [(Create, "b")], "the cluster is asked for silently");
    }
}

#[test]
fn create_topics_hides_configurations_that_may_not_be_described() {
    for version in Door::versions::<CreateTopicsRequest>() {
        let mut door = Door::new([allow_cluster(Create), allow(DescribeConfigs, Topic, "open")]);
        let forwarded = door.send(version, &create(&["open", "secret", "failed"])).forwarded();
        assert!(!forwarded.edited);
        let mut response = created(&forwarded.request, version);
        response.topics[2] = CreatableTopicResult {
            name: "failed".into(),
            error_code: 36,
            error_message: Some(if version >= 1 { "exists" } else { "" }.into()),
            ..Default::default()
        };
        let answer = forwarded.answered(&mut door, &response);
        let mut expected = response.clone();
        if version >= 5 {
            expected.topics[1].topic_config_error_code = TOPIC_AUTHORIZATION_FAILED;
            (expected.topics[1].num_partitions, expected.topics[1].replication_factor) = (-1, -1);
            expected.topics[1].configs = Some(Vec::new());
        }
        let encoded = |answer: &CreateTopicsResponse| {
            let mut body = Vec::new();
            answer.encode(version, &mut body).unwrap();
            body
        };
        assert_eq!(encoded(&answer), encoded(&expected), "version {version}");
        assert!(door.denials().is_empty());
    }
}

#[test]
fn create_topics_passes_untouched_when_all_is_allowed_and_stops_when_nothing_is() {
    for version in Door::versions::<CreateTopicsRequest>() {
        Door::for_super_user().send(version, &create(&["a", "b"])).untouched();
        let mut door = Door::new([]);
        let answer = door.send(version, &create(&["a", "b"])).reply();
        let codes: Vec<_> = answer.topics.iter().map(|topic| topic.error_code).collect();
        assert_eq!(codes, [TOPIC_AUTHORIZATION_FAILED; 2]);
        assert!(door.send(version, &create(&[])).reply().topics.is_empty());
    }
}

fn delete(version: i16, topics: &[(Option<&str>, Uuid)]) -> DeleteTopicsRequest {
    if version < 6 {
        let topic_names = topics.iter().filter_map(|(name, _)| name.map(Str::from)).collect();
        return DeleteTopicsRequest { topic_names, timeout_ms: 7, ..Default::default() };
    }
    let topics = topics.iter().map(|(name, topic_id)| DeleteTopicState {
        name: name.map(Str::from),
        topic_id: *topic_id,
        ..Default::default()
    });
    DeleteTopicsRequest { topics: topics.collect(), timeout_ms: 7, ..Default::default() }
}

fn named<'a>(names: &[&'a str]) -> Vec<(Option<&'a str>, Uuid)> {
    names.iter().map(|name| (Some(*name), Uuid::ZERO)).collect()
}

fn deleted(version: i16, request: &DeleteTopicsRequest) -> DeleteTopicsResponse {
    assert_eq!(request.timeout_ms, 7);
    let by_name = request.topic_names.iter().map(|name| (Some(name.clone()), Uuid::ZERO));
    let by_state = request.topics.iter().map(|topic| (topic.name.clone(), topic.topic_id));
    let responses = by_name.chain(by_state).map(|(name, topic_id)| DeletableTopicResult {
        name: name.or_else(|| Some("found".into())),
        topic_id: if version < 6 { Uuid::ZERO } else { topic_id },
        ..Default::default()
    });
    DeleteTopicsResponse { responses: responses.collect(), ..Default::default() }
}

type Deletion<'a> = (Option<&'a str>, Uuid, i16, Option<&'a str>);

fn deletions(answer: &DeleteTopicsResponse) -> Vec<Deletion<'_>> {
    answer
        .responses
        .iter()
        .map(|topic| {
            (topic.name.as_deref(), topic.topic_id, topic.error_code, topic.error_message.as_deref())
        })
        .collect()
}

const DENIED: &str = "Topic authorization failed.";

#[test]
fn delete_topics_by_name_tells_what_exists_only_to_who_may_describe_it() {
    let bindings = [
        allow(Delete, Topic, "mine"),
        allow(Describe, Topic, "seen"),
        allow(Describe, Topic, "gone"),
        allow(Delete, Topic, "unseen"),
        deny(Describe, Topic, "unseen"),
    ];
    let names = ["mine", "hidden", "seen", "gone", "unseen", "twice", "twice"];
    for version in Door::versions::<DeleteTopicsRequest>() {
        let mut door = Door::new(bindings.clone());
        let asked = door.send(version, &delete(version, &named(&names))).asked();
        let question: MetadataRequest = asked.question();
        let wanted: Vec<_> =
            question.topics.iter().flatten().filter_map(|topic| topic.name.as_deref()).collect();
        assert_eq!(wanted, ["seen", "gone"]);
        let forwarded = asked.answered_from(&mut door, &[("seen", id(1), 1)]).forwarded();
        assert_eq!(forwarded.request, delete(version, &named(&["mine"])));
        let response = deleted(version, &forwarded.request);
        let answer = forwarded.answered(&mut door, &response);
        let text = |text: &'static str| (version >= 5).then_some(text);
        let denied = text(DENIED);
        assert_eq!(
            deletions(&answer),
            [
                (Some("mine"), Uuid::ZERO, NONE, None),
                (Some("twice"), Uuid::ZERO, INVALID_REQUEST, text("Duplicate topic name.")),
                (Some("hidden"), Uuid::ZERO, TOPIC_AUTHORIZATION_FAILED, denied),
                (Some("unseen"), Uuid::ZERO, TOPIC_AUTHORIZATION_FAILED, denied),
                (Some("seen"), Uuid::ZERO, TOPIC_AUTHORIZATION_FAILED, denied),
                (
                    Some("gone"),
                    Uuid::ZERO,
                    UNKNOWN_TOPIC_OR_PARTITION,
                    text("This server does not host this topic-partition.")
                ),
            ],
            "version {version}"
        );
    }
}

#[test]
fn delete_topics_asks_an_old_broker_for_existence_without_creating_anything() {
    let mut door = Door::new([allow(Describe, Topic, "seen"), allow(Describe, Topic, "gone")]);
    door.broker = broker(
        |key, versions| Some(if key == MetadataRequest::KEY { 0..=2 } else { versions }),
        BrokerSettings::default(),
    );
    let asked = door.send(1, &delete(1, &named(&["seen", "gone"]))).asked();
    assert_eq!(asked.version(), 2);
    assert_eq!(asked.question::<MetadataRequest>().topics, None);
    let response = MetadataResponse {
        topics: vec![metadata_response::MetadataResponseTopic {
            name: Some("seen".into()),
            ..Default::default()
        }],
        ..Default::default()
    };
    let answer = asked.answered(&mut door, &response).reply();
    let codes: Vec<_> = answer.responses.iter().map(|topic| topic.error_code).collect();
    assert_eq!(codes, [TOPIC_AUTHORIZATION_FAILED, UNKNOWN_TOPIC_OR_PARTITION]);
}

#[test]
fn delete_topics_by_id_names_only_what_may_be_described() {
    let bindings = [
        allow(Delete, Topic, "mine"),
        allow(Describe, Topic, "seen"),
        allow(Delete, Topic, "unseen"),
        deny(Describe, Topic, "unseen"),
    ];
    let wanted = [(None, id(1)), (None, id(2)), (None, id(3)), (None, id(4)), (None, id(5))];
    let hosted = [("mine", id(1), 1), ("seen", id(2), 1), ("hidden", id(3), 1), ("unseen", id(4), 1)];
    let mut door = Door::new(bindings);
    let asked = door.send(6, &delete(6, &wanted)).asked();
    let question: MetadataRequest = asked.question();
    assert_eq!(question.topics.map(|topics| topics.len()), Some(5));
    let forwarded = asked.answered_from(&mut door, &hosted).forwarded();
    assert_eq!(forwarded.request, delete(6, &[(None, id(1)), (None, id(4))]));
    let response = deleted(6, &forwarded.request);
    let answer = forwarded.answered(&mut door, &response);
    assert_eq!(
        deletions(&answer),
        [
            (Some("found"), id(1), NONE, None),
            (Some("found"), id(4), NONE, None),
            (Some("seen"), id(2), TOPIC_AUTHORIZATION_FAILED, Some(DENIED)),
            (None, id(3), TOPIC_AUTHORIZATION_FAILED, Some(DENIED)),
            (None, id(5), UNKNOWN_TOPIC_ID, Some("This server does not host this topic ID.")),
        ]
    );
}

/// Kafka 2.8 deletes topics by their ids, but its metadata can be asked for names alone.
#[test]
fn delete_topics_by_id_finds_the_names_where_metadata_tells_all_ids_but_looks_for_none() {
    for newest in [10, 11] {
        let mut door = Door::new([allow(Delete, Topic, "mine"), allow(Describe, Topic, "seen")]);
        let only_old = |key, versions: std::ops::RangeInclusive<i16>| match key {
            MetadataRequest::KEY => Some(*versions.start()..=newest),
            _ => Some(versions),
        };
        door.broker = broker(only_old, BrokerSettings::default());
        let wanted = [(None, id(1)), (None, id(2)), (None, id(3)), (None, id(4))];
        let asked = door.send(6, &delete(6, &wanted)).asked();
        assert_eq!(asked.version(), newest);
        assert_eq!(asked.question::<MetadataRequest>().topics, None);
        let hosted = [("mine", id(1), 1), ("seen", id(2), 1), ("hidden", id(3), 1)];
        let forwarded = asked.answered_from(&mut door, &hosted).forwarded();
        assert_eq!(forwarded.request, delete(6, &[(None, id(1))]));
        let response = deleted(6, &forwarded.request);
        let answer = forwarded.answered(&mut door, &response);
        assert_eq!(
            deletions(&answer)[1..],
            [
                (Some("seen"), id(2), TOPIC_AUTHORIZATION_FAILED, Some(DENIED)),
                (None, id(3), TOPIC_AUTHORIZATION_FAILED, Some(DENIED)),
                (None, id(4), UNKNOWN_TOPIC_ID, Some("This server does not host this topic ID.")),
            ]
        );
    }
}

#[test]
fn delete_topics_refuses_entries_that_make_no_sense_before_it_asks_for_rights() {
    let wanted = [
        (None, Uuid::ZERO),
        (Some("both"), id(1)),
        (None, id(2)),
        (None, id(2)),
        (Some("second"), Uuid::ZERO),
        (Some("other"), Uuid::ZERO),
    ];
    let bindings =
        [allow(Delete, Topic, "second"), allow(Delete, Topic, "other"), allow(Delete, Topic, "both")];
    let mut door = Door::new(bindings).knowing(&[(id(1), "both"), (id(2), "second")]);
    let forwarded = door.send(6, &delete(6, &wanted)).forwarded();
    assert_eq!(forwarded.request, delete(6, &named(&["other"])));
    let response = deleted(6, &forwarded.request);
    let answer = forwarded.answered(&mut door, &response);
    assert_eq!(
        deletions(&answer),
        [
            (Some("other"), Uuid::ZERO, NONE, None),
            (None, Uuid::ZERO, INVALID_REQUEST, Some("Neither topic name nor id were specified.")),
            (Some("both"), id(1), INVALID_REQUEST, Some("You may not specify both topic name and topic id.")),
            (None, id(2), INVALID_REQUEST, Some("Duplicate topic id.")),
            (
                Some("second"),
                Uuid::ZERO,
                INVALID_REQUEST,
                Some("The provided topic name maps to an ID that was already supplied.")
            ),
        ]
    );
}

#[test]
fn delete_topics_is_all_refused_where_the_broker_deletes_none() {
    for version in Door::versions::<DeleteTopicsRequest>() {
        let settings = BrokerSettings { delete_topics: Some(false), ..Default::default() };
        let mut door = Door::for_super_user().before(settings);
        let answer = door.send(version, &delete(version, &named(&["a", "b"]))).reply();
        let code = if version < 3 { INVALID_REQUEST } else { TOPIC_DELETION_DISABLED };
        assert_eq!(
            deletions(&answer),
            [(Some("a"), Uuid::ZERO, code, None), (Some("b"), Uuid::ZERO, code, None)]
        );
    }
}

#[test]
fn delete_topics_passes_untouched_with_delete_on_the_cluster() {
    for version in Door::versions::<DeleteTopicsRequest>() {
        let mut door = Door::new([allow_cluster(Delete)]).knowing(&[(id(1), "b")]);
        door.send(version, &delete(version, &[(Some("a"), Uuid::ZERO), (None, id(1))])).untouched();
        let mut door = Door::new([allow(Delete, Topic, "a")]);
        door.send(version, &delete(version, &named(&["a"]))).untouched();
        assert!(door.denials().is_empty());
    }
}

/// An id that the broker cannot name yet could be that of the topic with the ACLs.
#[test]
fn delete_topics_by_an_unknown_id_does_not_reach_the_broker() {
    for version in 6..=*Door::versions::<DeleteTopicsRequest>().end() {
        let wanted = [(None, id(1)), (None, id(2)), (None, id(3)), (None, id(3))];
        let mut door = Door::new([allow_cluster(Delete)]).knowing(&[(id(1), "b")]);
        let asked = door.send(version, &delete(version, &wanted)).asked();
        let forwarded = asked.answered_from(&mut door, &[("b", id(1), 1)]).forwarded();
        assert_eq!(forwarded.request, delete(version, &[(None, id(1)), (None, id(3)), (None, id(3))]));
        let response = deleted(version, &forwarded.request);
        let answer = forwarded.answered(&mut door, &response);
        let last = answer.responses.last().unwrap();
        assert_eq!((last.topic_id, last.error_code), (id(2), UNKNOWN_TOPIC_ID));
    }
}

#[test]
fn create_partitions_puts_duplicates_and_denials_first() {
    let topic = |name: &str| CreatePartitionsTopic { name: name.into(), count: 3, ..Default::default() };
    for version in Door::versions::<CreatePartitionsRequest>() {
        let mut door = Door::new([allow(Alter, Topic, "a"), allow(Alter, Topic, "d"), allow_cluster(Alter)]);
        let names = ["d", "b", "a", "d"];
        let request = CreatePartitionsRequest {
            topics: names.iter().map(|name| topic(name)).collect(),
            validate_only: true,
            ..Default::default()
        };
        let forwarded = door.send(version, &request).forwarded();
        assert_eq!(
            forwarded.request,
            CreatePartitionsRequest { topics: vec![topic("a")], validate_only: true, ..Default::default() }
        );
        let result = |name: &str, error_code, message: Option<&str>| CreatePartitionsTopicResult {
            name: name.into(),
            error_code,
            error_message: message.map(Str::from),
            ..Default::default()
        };
        let response =
            CreatePartitionsResponse { results: vec![result("a", NONE, None)], ..Default::default() };
        let answer = forwarded.answered(&mut door, &response);
        assert_eq!(
            answer.results,
            [
                result("d", INVALID_REQUEST, Some("Duplicate topic name.")),
                result("b", TOPIC_AUTHORIZATION_FAILED, None),
                result("a", NONE, None),
            ]
        );
        assert_eq!(door.denials(), [(Alter, "b")]);

        let request = CreatePartitionsRequest { topics: vec![topic("b")], ..Default::default() };
        let answer = door.send(version, &request).reply();
        assert_eq!(answer.results, [result("b", TOPIC_AUTHORIZATION_FAILED, None)]);
        let request = CreatePartitionsRequest { topics: vec![topic("a")], ..Default::default() };
        door.send(version, &request).untouched();
    }
}
