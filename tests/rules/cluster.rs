//! What administrators do to the cluster as a whole, and topics by the page.

use std::fmt::Debug;

use doorkeeper::model::acl::CLUSTER_NAME;
use doorkeeper::model::acl::Operation::{self, *};
use doorkeeper::model::acl::ResourceType::Topic;
use doorkeeper::model::advertise::{Advertised, Mapping};
use doorkeeper::protocol::access::BrokerSettings;
use doorkeeper::protocol::error_code::*;
use doorkeeper::protocol::messages::*;
use doorkeeper::protocol::wire::{Message, Str};

use crate::support::door::*;

const DENIED: i16 = CLUSTER_AUTHORIZATION_FAILED;

fn text(text: &str) -> Option<Str> {
    Some(text.into())
}

/// In every version: `operation` on the cluster lets the request pass as it is, anything else on it does not, and the
/// refusal is what `refusal` says.
#[track_caller]
fn guarded<Q: Sendable>(
    operation: Operation,
    request: impl Fn(i16) -> Q,
    refusal: impl Fn(i16) -> Q::Response,
) where
    Q::Response: PartialEq + Debug,
{
    let others = [Create, ClusterAction, Alter, Describe, DescribeConfigs, AlterConfigs]
        .into_iter()
        .filter(|other| !implies(*other, operation))
        .map(allow_cluster);
    let mut denied = Door::new(others);
    for version in Door::versions::<Q>() {
        let request = request(version);
        Door::new([allow_cluster(operation)]).send(version, &request).untouched();
        denied.heard.clear();
        assert_eq!(denied.send(version, &request).reply(), refusal(version), "version {version}");
        assert_eq!(denied.denials(), [(operation, CLUSTER_NAME)]);
    }
}

fn implies(held: Operation, wanted: Operation) -> bool {
    held == wanted || (held, wanted) == (Alter, Describe) || (held, wanted) == (AlterConfigs, DescribeConfigs)
}

#[test]
fn alter_replica_log_dirs() {
    use alter_replica_log_dirs_request::{AlterReplicaLogDir, AlterReplicaLogDirTopic};
    use alter_replica_log_dirs_response::{AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult};
    let topic = |name: &str, partitions: &[i32]| AlterReplicaLogDirTopic {
        name: name.into(),
        partitions: partitions.to_vec(),
        ..Default::default()
    };
    let dir = |path: &str, topics| AlterReplicaLogDir { path: path.into(), topics, ..Default::default() };
    let result = |name: &str, partitions: &[i32]| AlterReplicaLogDirTopicResult {
        topic_name: name.into(),
        partitions: partitions
            .iter()
            .map(|index| AlterReplicaLogDirPartitionResult {
                partition_index: *index,
                error_code: DENIED,
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    };
    guarded(
        Alter,
        |_| AlterReplicaLogDirsRequest {
            dirs: vec![
                dir("/a", vec![topic("t", &[0, 1]), topic("u", &[])]),
                dir("/b", vec![topic("t", &[2])]),
            ],
            ..Default::default()
        },
        |_| AlterReplicaLogDirsResponse {
            results: vec![result("t", &[0, 1]), result("u", &[]), result("t", &[2])],
            ..Default::default()
        },
    );
}

#[test]
fn describe_log_dirs() {
    guarded(
        Describe,
        |_| DescribeLogDirsRequest { topics: None, ..Default::default() },
        |version| DescribeLogDirsResponse {
            error_code: if version >= 3 { DENIED } else { NONE },
            ..Default::default()
        },
    );
}

#[test]
fn elect_leaders() {
    use elect_leaders_request::TopicPartitions;
    use elect_leaders_response::{PartitionResult, ReplicaElectionResult};
    let code = |version| if version >= 1 { DENIED } else { NONE };
    guarded(
        Alter,
        |_| ElectLeadersRequest {
            topic_partitions: Some(vec![TopicPartitions {
                topic: "t".into(),
                partitions: vec![3],
                ..Default::default()
            }]),
            ..Default::default()
        },
        |version| ElectLeadersResponse {
            error_code: code(version),
            replica_election_results: vec![ReplicaElectionResult {
                topic: "t".into(),
                partition_result: vec![PartitionResult {
                    partition_id: 3,
                    error_code: DENIED,
                    error_message: text("Request needs ALTER permission."),
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        },
    );
    guarded(
        Alter,
        |_| ElectLeadersRequest { topic_partitions: None, ..Default::default() },
        |version| ElectLeadersResponse { error_code: code(version), ..Default::default() },
    );
}

#[test]
fn alter_partition_reassignments() {
    use alter_partition_reassignments_request::{ReassignablePartition, ReassignableTopic};
    use alter_partition_reassignments_response::{ReassignablePartitionResponse, ReassignableTopicResponse};
    let needs = text("Request needs ALTER permission.");
    guarded(
        Alter,
        |_| AlterPartitionReassignmentsRequest {
            topics: vec![ReassignableTopic {
                name: "t".into(),
                partitions: vec![ReassignablePartition {
                    partition_index: 3,
                    replicas: None,
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        },
        |_| AlterPartitionReassignmentsResponse {
            error_code: DENIED,
            error_message: needs.clone(),
            responses: vec![ReassignableTopicResponse {
                name: "t".into(),
                partitions: vec![ReassignablePartitionResponse {
                    partition_index: 3,
                    error_code: DENIED,
                    error_message: needs.clone(),
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        },
    );
}

#[test]
fn list_partition_reassignments() {
    use list_partition_reassignments_request::ListPartitionReassignmentsTopics;
    use list_partition_reassignments_response::{OngoingPartitionReassignment, OngoingTopicReassignment};
    let refusal = |topics| ListPartitionReassignmentsResponse {
        error_code: DENIED,
        error_message: text("Request needs DESCRIBE permission."),
        topics,
        ..Default::default()
    };
    guarded(
        Describe,
        |_| ListPartitionReassignmentsRequest {
            topics: Some(vec![ListPartitionReassignmentsTopics {
                name: "t".into(),
                partition_indexes: vec![3],
                ..Default::default()
            }]),
            ..Default::default()
        },
        |_| {
            refusal(vec![OngoingTopicReassignment {
                name: "t".into(),
                partitions: vec![OngoingPartitionReassignment { partition_index: 3, ..Default::default() }],
                ..Default::default()
            }])
        },
    );
    guarded(
        Describe,
        |_| ListPartitionReassignmentsRequest { topics: None, ..Default::default() },
        |_| refusal(Vec::new()),
    );
}

#[test]
fn describe_client_quotas() {
    guarded(
        DescribeConfigs,
        |_| DescribeClientQuotasRequest::default(),
        |_| DescribeClientQuotasResponse {
            error_code: DENIED,
            error_message: None,
            entries: None,
            ..Default::default()
        },
    );
}

#[test]
fn alter_client_quotas() {
    use alter_client_quotas_request as request;
    use alter_client_quotas_response::{EntityData, EntryData};
    guarded(
        AlterConfigs,
        |_| AlterClientQuotasRequest {
            entries: vec![request::EntryData {
                entity: vec![request::EntityData {
                    entity_type: "user".into(),
                    entity_name: None,
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        },
        |_| AlterClientQuotasResponse {
            entries: vec![EntryData {
                error_code: DENIED,
                error_message: text("Cluster authorization failed."),
                entity: vec![EntityData {
                    entity_type: "user".into(),
                    entity_name: None,
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        },
    );
}

#[test]
fn describe_quorum() {
    guarded(
        Describe,
        |_| DescribeQuorumRequest::default(),
        |version| DescribeQuorumResponse {
            error_code: DENIED,
            error_message: text(if version >= 2 { "Cluster authorization failed." } else { "" }),
            ..Default::default()
        },
    );
}

#[test]
fn describe_quorum_tells_the_nodes_but_not_where_they_are() {
    use describe_quorum_response::{Listener, Node};
    let node = |listeners| Node { node_id: 1, listeners, ..Default::default() };
    let listener = Listener { name: "CONTROLLER".into(), host: "c".into(), port: 9093, ..Default::default() };
    let response = DescribeQuorumResponse { nodes: vec![node(vec![listener])], ..Default::default() };
    let mut door = Door::new([allow_cluster(Describe)]);
    door.advertised = Advertised::new(Mapping::KeepHost { ports: [(9093, 19093)].into() });
    let forwarded = door.send(2, &DescribeQuorumRequest::default()).forwarded();
    assert_eq!(forwarded.answered(&mut door, &response).nodes, [node(Vec::new())]);
}

#[test]
fn update_features() {
    guarded(
        Alter,
        |_| UpdateFeaturesRequest::default(),
        |_| UpdateFeaturesResponse {
            error_code: DENIED,
            error_message: text("Request needs ALTER permission."),
            ..Default::default()
        },
    );
}

#[test]
fn unregister_broker() {
    guarded(
        Alter,
        |_| UnregisterBrokerRequest::default(),
        |_| UnregisterBrokerResponse {
            error_code: DENIED,
            error_message: text("Request needs ALTER permission."),
            ..Default::default()
        },
    );
}

#[test]
fn unregister_controller() {
    guarded(
        Alter,
        |_| UnregisterControllerRequest::default(),
        |_| UnregisterControllerResponse {
            error_code: DENIED,
            error_message: text("Request needs ALTER permission."),
            ..Default::default()
        },
    );
}

#[test]
fn voters_of_the_quorum() {
    guarded(
        Alter,
        |_| AddRaftVoterRequest::default(),
        |_| AddRaftVoterResponse {
            error_code: DENIED,
            error_message: text("Cluster authorization failed."),
            ..Default::default()
        },
    );
    guarded(
        Alter,
        |_| RemoveRaftVoterRequest::default(),
        |_| RemoveRaftVoterResponse {
            error_code: DENIED,
            error_message: text("Cluster authorization failed."),
            ..Default::default()
        },
    );
}

#[test]
fn list_config_resources() {
    guarded(
        DescribeConfigs,
        |_| ListConfigResourcesRequest::default(),
        |_| ListConfigResourcesResponse { error_code: DENIED, ..Default::default() },
    );
}

mod described_topics {
    use super::*;
    use describe_topic_partitions_request::{Cursor, TopicRequest};
    use describe_topic_partitions_response as response;
    use describe_topic_partitions_response::DescribeTopicPartitionsResponseTopic;

    /// Everything that a broker without an authorizer reports of a topic.
    const ALL_OPERATIONS: i32 = 3576;
    const ONLY_DESCRIBE: i32 = 1 << 8;
    const NOT_ASKED: i32 = i32::MIN;

    fn describe(names: &[&str], cursor: Option<(&str, i32)>) -> DescribeTopicPartitionsRequest {
        let topic = |name: &&str| TopicRequest { name: Str::from(*name), ..Default::default() };
        DescribeTopicPartitionsRequest {
            topics: names.iter().map(topic).collect(),
            response_partition_limit: 3,
            cursor: cursor.map(|(name, index)| Cursor {
                topic_name: name.into(),
                partition_index: index,
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    fn page(topics: &[(&str, i16)], next: Option<&str>) -> DescribeTopicPartitionsResponse {
        let topic = |(name, error_code): &(&str, i16)| DescribeTopicPartitionsResponseTopic {
            error_code: *error_code,
            name: Some(Str::from(*name)),
            topic_id: id(7),
            topic_authorized_operations: ALL_OPERATIONS,
            ..Default::default()
        };
        DescribeTopicPartitionsResponse {
            topics: topics.iter().map(topic).collect(),
            next_cursor: next.map(|name| response::Cursor { topic_name: name.into(), ..Default::default() }),
            ..Default::default()
        }
    }

    fn topics(answer: &DescribeTopicPartitionsResponse) -> Vec<(&str, i16, i32)> {
        let topics = answer.topics.iter();
        topics
            .map(|topic| {
                assert!(topic.error_code != TOPIC_AUTHORIZATION_FAILED || topic.topic_id.is_zero());
                let name = topic.name.as_deref().unwrap_or_default();
                (name, topic.error_code, topic.topic_authorized_operations)
            })
            .collect()
    }

    fn door() -> Door {
        Door::new(["b", "d", "f"].map(|name| allow(Describe, Topic, name)))
    }

    #[test]
    fn denied_names_follow_the_topics_of_the_page_that_would_have_met_them() {
        let names = ["f", "e", "b", "c", "a", "d", "b", "g"];
        let refused = |name| (name, TOPIC_AUTHORIZATION_FAILED, NOT_ASKED);
        let all = vec!["a", "c", "e", "g"];
        for (api_versions, next, denied) in [
            (4, None, all.clone()),
            (4, Some("d"), vec!["a", "c"]),
            (4, Some("f"), vec!["a", "c", "e"]),
            // Kafka 4.4 looks at all of them on every page.
            (5, Some("d"), all),
        ] {
            let mut door = door();
            door.broker = broker(
                |key, versions| {
                    Some(if key == ApiVersionsRequest::KEY { 0..=api_versions } else { versions })
                },
                BrokerSettings::default(),
            );
            let forwarded = door.send(0, &describe(&names, None)).forwarded();
            assert_eq!(forwarded.request, describe(&["b", "d", "f"], None));
            let found = page(&[("b", NONE), ("d", UNKNOWN_TOPIC_OR_PARTITION)], next);
            let answer = forwarded.answered(&mut door, &found);
            let shown = [("b", NONE, ONLY_DESCRIBE), ("d", UNKNOWN_TOPIC_OR_PARTITION, ONLY_DESCRIBE)];
            let expected: Vec<_> = shown.into_iter().chain(denied.into_iter().map(refused)).collect();
            assert_eq!(topics(&answer), expected);
            assert_eq!(answer.next_cursor, found.next_cursor);
        }
    }

    #[test]
    fn the_cursor_leaves_out_what_lies_before_it() {
        let forwarded = door().send(0, &describe(&["a", "b", "c", "d", "f"], Some(("d", 2)))).forwarded();
        assert_eq!(forwarded.request, describe(&["d", "f"], Some(("d", 2))));
        // On a topic that is hidden it begins with the next one.
        let mut door = door();
        let forwarded = door.send(0, &describe(&["a", "b", "c", "d"], Some(("c", 2)))).forwarded();
        assert_eq!(forwarded.request, describe(&["d"], None));
        let answer = forwarded.answered(&mut door, &page(&[("d", NONE)], None));
        assert_eq!(
            topics(&answer),
            [("d", NONE, ONLY_DESCRIBE), ("c", TOPIC_AUTHORIZATION_FAILED, NOT_ASKED)]
        );
    }

    #[test]
    fn a_wrong_cursor_fails_all_of_the_request_before_any_check() {
        for cursor in [("x", 0), ("b", -1)] {
            let mut door = door();
            let answer = door.send(0, &describe(&["b", "a"], Some(cursor))).reply();
            assert_eq!(
                topics(&answer),
                [("b", INVALID_REQUEST, NOT_ASKED), ("a", INVALID_REQUEST, NOT_ASKED)]
            );
            assert!(door.heard.is_empty());
        }
        assert!(door().send(0, &describe(&[], Some(("b", -1)))).reply().topics.is_empty());
    }

    #[test]
    fn nothing_left_is_not_everything() {
        let answer = door().send(0, &describe(&["c", "a"], None)).reply();
        let refused = |name| (name, TOPIC_AUTHORIZATION_FAILED, NOT_ASKED);
        assert_eq!(topics(&answer), [refused("a"), refused("c")]);
        assert_eq!(answer.next_cursor, None);
    }

    #[test]
    fn all_topics_are_those_that_may_be_described() {
        let hosted = [("a", id(1), 1), ("b", id(2), 1), ("c", id(3), 1), ("d", id(4), 1), ("f", id(5), 1)];
        for (cursor, asked_for) in [
            (None, describe(&["b", "d", "f"], None)),
            (Some(("d", 1)), describe(&["d", "f"], Some(("d", 1)))),
            (Some(("c", 1)), describe(&["d", "f"], None)),
        ] {
            let mut door = door();
            let asked = door.send(0, &describe(&[], cursor)).asked();
            assert_eq!(asked.question::<MetadataRequest>().topics, None);
            let forwarded = asked.answered_from(&mut door, &hosted).forwarded();
            assert_eq!(forwarded.request, asked_for);
            let found = page(&[("d", UNKNOWN_TOPIC_OR_PARTITION), ("f", NONE)], Some("f"));
            let answer = forwarded.answered(&mut door, &found);
            // What was deleted in between is not there.
            assert_eq!(topics(&answer), [("f", NONE, ONLY_DESCRIBE)]);
            assert_eq!(answer.next_cursor, found.next_cursor);
        }
    }

    #[test]
    fn whoever_may_describe_nothing_sees_no_topic_at_all() {
        let mut door = Door::new([]);
        let asked = door.send(0, &describe(&[], None)).asked();
        let answer = asked.answered_from(&mut door, &[("a", id(1), 1)]).reply();
        assert_eq!(answer, DescribeTopicPartitionsResponse::default());
    }
}
