//! The topic that doorkeeper keeps for itself: what somebody is answered who may do everything but is no super user, beside other
//! topics of the same request.

use doorkeeper::model::acl::Operation::{Alter, Create, Delete, Describe, Read, Write};
use doorkeeper::model::acl::{CLUSTER_NAME, Operation, ResourceType, Rule, Settings};
use doorkeeper::protocol::error_code::*;
use doorkeeper::protocol::messages::alter_partition_reassignments_request::ReassignableTopic;
use doorkeeper::protocol::messages::create_topics_request::CreatableTopic;
use doorkeeper::protocol::messages::create_topics_response::CreatableTopicResult;
use doorkeeper::protocol::messages::delete_topics_request::DeleteTopicState;
use doorkeeper::protocol::messages::delete_topics_response::DeletableTopicResult;
use doorkeeper::protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use doorkeeper::protocol::messages::metadata_request::MetadataRequestTopic;
use doorkeeper::protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use doorkeeper::protocol::messages::write_txn_markers_request::{WritableTxnMarker, WritableTxnMarkerTopic};
use doorkeeper::protocol::messages::*;
use doorkeeper::protocol::wire::{Str, Uuid};

use crate::support::door::*;

const RESERVED: &str = "__doorkeeper_acls";

fn settings() -> Settings {
    Settings {
        reserved_topic: Some(RESERVED.to_owned()),
        allow_everyone_if_no_acl_found: true,
        ..Settings::default()
    }
}

/// Alice may do everything, the cluster included.
fn door() -> Door {
    let all = [(ResourceType::Topic, "*"), (ResourceType::Cluster, CLUSTER_NAME)];
    let bindings = all.map(|(resource_type, name)| allow(Operation::All, resource_type, name));
    Door::with_settings(bindings, settings()).knowing(&[(id(1), RESERVED), (id(2), "other")])
}

#[test]
fn no_right_is_one_to_it_and_the_rule_has_a_name() {
    let door = door();
    for operation in ResourceType::Topic.operations() {
        let decision = door.view.decide(*operation, ResourceType::Topic, RESERVED);
        assert_eq!((decision.allowed, &decision.rule), (false, &Rule::ReservedTopic), "{operation}");
        assert_eq!(decision.rule.to_string(), "ReservedTopic");
        assert!(door.view.allows(*operation, ResourceType::Topic, "other"));
    }
    assert_eq!(door.view.allowed_operations(ResourceType::Topic, RESERVED), 0);
    // It is the topic alone: a group of the same name is a group.
    assert!(door.view.allows(Read, ResourceType::Group, RESERVED));
}

#[test]
fn it_is_neither_created_nor_deleted_by_a_right_on_the_cluster() {
    let topic = |name: &str| CreatableTopic { name: name.into(), num_partitions: 1, ..Default::default() };
    for version in Door::versions::<CreateTopicsRequest>() {
        let mut door = door();
        let request =
            CreateTopicsRequest { topics: vec![topic(RESERVED), topic("other")], ..Default::default() };
        let forwarded = door.send(version, &request).forwarded();
        let names: Vec<_> = forwarded.request.topics.iter().map(|topic| topic.name.as_str()).collect();
        assert_eq!(names, ["other"]);
        let text = |text: &str| Some(Str::from(if version >= 1 { text } else { "" }));
        let created =
            CreatableTopicResult { name: "other".into(), error_message: text(""), ..Default::default() };
        let response = CreateTopicsResponse { topics: vec![created], ..Default::default() };
        let answer = forwarded.answered(&mut door, &response);
        let codes: Vec<_> =
            answer.topics.iter().map(|topic| (topic.name.as_str(), topic.error_code)).collect();
        assert_eq!(codes, [("other", NONE), (RESERVED, TOPIC_AUTHORIZATION_FAILED)]);
        assert_eq!(door.denials(), [(Create, RESERVED)]);
    }
    for version in Door::versions::<DeleteTopicsRequest>() {
        let mut door = door();
        let named = |name: &str| DeleteTopicState { name: Some(name.into()), ..Default::default() };
        let by_id = |topic_id: Uuid| DeleteTopicState { topic_id, ..Default::default() };
        let request = match version {
            ..6 => DeleteTopicsRequest {
                topic_names: vec![RESERVED.into(), "other".into()],
                ..Default::default()
            },
            _ => DeleteTopicsRequest {
                topics: vec![by_id(id(1)), by_id(id(2)), named(RESERVED)],
                ..Default::default()
            },
        };
        let forwarded = door.send(version, &request).forwarded();
        match version {
            ..6 => assert_eq!(forwarded.request.topic_names, [Str::from("other")]),
            _ => assert_eq!(forwarded.request.topics, [by_id(id(2))]),
        }
        let deleted = DeletableTopicResult { name: Some("other".into()), ..Default::default() };
        let response = DeleteTopicsResponse { responses: vec![deleted], ..Default::default() };
        let answer = forwarded.answered(&mut door, &response);
        let codes: Vec<_> = answer.responses.iter().map(|topic| topic.error_code).collect();
        assert_eq!(codes[0], NONE);
        assert!(
            codes[1..].iter().all(|code| *code == TOPIC_AUTHORIZATION_FAILED) && codes.len() > 1,
            "{codes:?}"
        );
        assert!(door.denials().contains(&(Delete, RESERVED)));
        let only = match version {
            ..6 => DeleteTopicsRequest { topic_names: vec![RESERVED.into()], ..Default::default() },
            _ => DeleteTopicsRequest { topics: vec![by_id(id(1))], ..Default::default() },
        };
        assert_eq!(door.send(version, &only).reply().responses[0].error_code, TOPIC_AUTHORIZATION_FAILED);
    }
}

#[test]
fn it_is_not_read_by_somebody_who_says_that_he_is_a_follower() {
    for version in Door::versions::<FetchRequest>() {
        let mut door = door();
        let partition = FetchPartition { partition: 0, partition_max_bytes: 1, ..Default::default() };
        let topic = FetchTopic {
            topic: if version <= 12 { RESERVED.into() } else { Str::default() },
            topic_id: if version > 12 { id(1) } else { Uuid::ZERO },
            partitions: vec![partition],
            ..Default::default()
        };
        let mut request = FetchRequest { topics: vec![topic], ..Default::default() };
        match version {
            ..15 => request.replica_id = 3,
            _ => request.replica_state.replica_id = 3,
        }
        let answer = door.send(version, &request).reply();
        let codes: Vec<_> =
            answer.responses.iter().flat_map(|topic| &topic.partitions).map(|one| one.error_code).collect();
        assert_eq!(codes, [TOPIC_AUTHORIZATION_FAILED], "version {version}");
    }
    for version in Door::versions::<OffsetForLeaderEpochRequest>() {
        let mut door = door();
        let partitions = vec![OffsetForLeaderPartition::default()];
        let topic = OffsetForLeaderTopic { topic: RESERVED.into(), partitions, ..Default::default() };
        let request = OffsetForLeaderEpochRequest { topics: vec![topic], ..Default::default() };
        let forwarded = door.send(version, &request).forwarded();
        assert!(forwarded.request.topics.is_empty());
        assert_eq!(door.denials(), [(Describe, RESERVED)]);
    }
}

#[test]
fn it_is_not_moved_nor_written_to_by_a_right_on_the_cluster() {
    let reassign = |name: &str| {
        let topic = ReassignableTopic { name: name.into(), ..Default::default() };
        AlterPartitionReassignmentsRequest { topics: vec![topic], ..Default::default() }
    };
    for version in Door::versions::<AlterPartitionReassignmentsRequest>() {
        let mut door = door();
        assert_eq!(door.send(version, &reassign(RESERVED)).reply().error_code, CLUSTER_AUTHORIZATION_FAILED);
        assert_eq!(door.denials(), [(Alter, RESERVED)]);
        door.send(version, &reassign("other")).untouched();
    }
    let mark = |name: &str| {
        let topic =
            WritableTxnMarkerTopic { name: name.into(), partition_indexes: vec![0], ..Default::default() };
        let marker = WritableTxnMarker { topics: vec![topic], ..Default::default() };
        WriteTxnMarkersRequest { markers: vec![marker], ..Default::default() }
    };
    for version in Door::versions::<WriteTxnMarkersRequest>() {
        let mut door = door();
        let answer = door.send(version, &mark(RESERVED)).reply();
        assert_eq!(answer.markers[0].topics[0].partitions[0].error_code, CLUSTER_AUTHORIZATION_FAILED);
        assert_eq!(door.denials(), [(Write, RESERVED)]);
        door.send(version, &mark("other")).untouched();
    }
}

#[test]
fn it_does_not_exist_for_those_who_list_topics_and_does_for_super_users() {
    let super_users = vec![ALICE.to_owned()];
    for version in Door::versions::<MetadataRequest>().filter(|version| *version >= 4) {
        let named = MetadataRequestTopic { name: Some(RESERVED.into()), ..Default::default() };
        let request = MetadataRequest {
            topics: Some(vec![named]),
            allow_auto_topic_creation: true,
            ..Default::default()
        };
        let mut door = door();
        let forwarded = door.send(version, &request).forwarded();
        assert_eq!(forwarded.request.topics, Some(Vec::new()), "nothing is created by being asked for");
        let answer = forwarded.answered(&mut door, &MetadataResponse::default());
        assert_eq!(answer.topics[0].error_code, TOPIC_AUTHORIZATION_FAILED, "version {version}");
        let settings = Settings { super_users: super_users.clone(), ..settings() };
        let request = MetadataRequest { allow_auto_topic_creation: false, ..request };
        let forwarded = Door::with_settings([], settings).send(version, &request).forwarded();
        assert_eq!(forwarded.request.topics, request.topics);
    }
}
