//! Metadata, FindCoordinator and DescribeCluster: what reaches the broker, and what the client is told.

use doorkeeper::model::acl::Operation::*;
use doorkeeper::model::acl::ResourceType::{Group, Topic, TransactionalId};
use doorkeeper::model::acl::{Binding, CLUSTER_NAME};
use doorkeeper::model::advertise::{Advertised, Mapping};
use doorkeeper::protocol::access::BrokerSettings;
use doorkeeper::protocol::error_code::*;
use doorkeeper::protocol::messages::describe_cluster_response::DescribeClusterBroker;
use doorkeeper::protocol::messages::find_coordinator_response::Coordinator;
use doorkeeper::protocol::messages::metadata_request::MetadataRequestTopic;
use doorkeeper::protocol::messages::metadata_response::{MetadataResponseBroker, MetadataResponseTopic};
use doorkeeper::protocol::messages::*;
use doorkeeper::protocol::wire::{Message, Str, Uuid};

use crate::support::door::*;

/// What a broker without an authorizer reports, and what DESCRIBE alone leaves of it.
const ALL_ON_TOPIC: i32 = 3576;
const ALL_ON_CLUSTER: i32 = 8096;
const ONLY_DESCRIBE: i32 = 1 << 8;
const NOT_ASKED: i32 = i32::MIN;

const DENIED: i16 = TOPIC_AUTHORIZATION_FAILED;

/// The versions in which a request may forbid to create topics.
const WITH_FLAG: std::ops::RangeInclusive<i16> = 4..=13;

fn entry(name: Option<&str>, topic_id: Uuid) -> MetadataRequestTopic {
    MetadataRequestTopic { name: name.map(Str::from), topic_id, ..Default::default() }
}

fn by_name(names: &[&str]) -> MetadataRequest {
    let topics = names.iter().map(|name| entry(Some(name), Uuid::ZERO));
    MetadataRequest { topics: Some(topics.collect()), ..Default::default() }
}

fn without_creation(names: &[&str]) -> MetadataRequest {
    MetadataRequest { allow_auto_topic_creation: false, ..by_name(names) }
}

/// All topics, as the version asks for them.
fn all(version: i16) -> MetadataRequest {
    MetadataRequest { topics: (version == 0).then(Vec::new), ..Default::default() }
}

fn names(request: &MetadataRequest) -> Vec<&str> {
    request.topics.iter().flatten().map(|topic| topic.name.as_deref().unwrap_or("-")).collect()
}

fn topic(name: &str, error_code: i16) -> MetadataResponseTopic {
    MetadataResponseTopic { name: Some(name.into()), error_code, ..Default::default() }
}

fn found(topics: &[(&str, i16)]) -> MetadataResponse {
    MetadataResponse {
        topics: topics.iter().map(|(name, error_code)| topic(name, *error_code)).collect(),
        ..Default::default()
    }
}

fn outline(answer: &MetadataResponse) -> Vec<(&str, i16)> {
    answer.topics.iter().map(|topic| (topic.name.as_deref().unwrap_or("-"), topic.error_code)).collect()
}

fn describes(names: &[&str]) -> Vec<Binding> {
    names.iter().map(|name| allow(Describe, Topic, name)).collect()
}

#[test]
fn all_topics_are_those_that_may_be_described_and_nobody_hears_of_the_others() {
    for version in Door::versions::<MetadataRequest>() {
        let mut door = Door::new(describes(&["b", "d"]));
        let forwarded = door.send(version, &all(version)).forwarded();
        assert!(!forwarded.edited);
        let answer =
            forwarded.answered(&mut door, &found(&[("a", NONE), ("b", NONE), ("c", NONE), ("d", 5)]));
        assert_eq!(outline(&answer), [("b", NONE), ("d", 5)]);
        assert!(door.denials().is_empty());
    }
}

/// In version 0 a request that names nothing asks for everything.
#[test]
fn a_request_of_version_0_whose_topics_are_all_denied_does_not_become_one_for_all_topics() {
    for (served, asked_in) in [(13, 7), (5, 5), (0, 0)] {
        let settings = BrokerSettings { auto_create_topics: Some(false), ..Default::default() };
        let mut door = Door::new([]);
        door.broker = broker(
            |key, versions| Some(if key == MetadataRequest::KEY { 0..=served } else { versions }),
            settings,
        );
        let asked = door.send(0, &by_name(&["x"])).asked();
        assert_eq!(asked.version(), asked_in);
        assert_eq!(names(&asked.question()), [""; 0]);
        let answer = asked.answered(&mut door, &found(&[("secret", NONE)])).reply();
        assert_eq!(outline(&answer), [("x", DENIED)]);
    }
}

#[test]
fn no_topics_at_all_are_asked_for_from_version_1_on() {
    for version in 1..=13 {
        let mut door = Door::new([]);
        let forwarded = door.send(version, &by_name(&[])).forwarded();
        assert_eq!(names(&forwarded.request), [""; 0]);
        assert!(forwarded.answered(&mut door, &found(&[])).topics.is_empty());
    }
}

#[test]
fn denied_names_do_not_reach_the_broker_and_come_last_once() {
    for version in WITH_FLAG {
        let mut door = Door::new(describes(&["b", "d"]));
        let request = without_creation(&["x", "b", "__consumer_offsets", "x", "d"]);
        let forwarded = door.send(version, &request).forwarded();
        assert_eq!(names(&forwarded.request), ["b", "d"]);
        assert!(!forwarded.request.allow_auto_topic_creation);
        let answer = forwarded.answered(&mut door, &found(&[("b", NONE), ("d", UNKNOWN_TOPIC_OR_PARTITION)]));
        assert_eq!(
            outline(&answer),
            [("b", NONE), ("d", UNKNOWN_TOPIC_OR_PARTITION), ("x", DENIED), ("__consumer_offsets", DENIED)]
        );
        let refused = &answer.topics[3];
        assert!(refused.topic_id.is_zero() && !refused.is_internal && refused.partitions.is_empty());
        let mut denials = door.denials();
        denials.sort_unstable();
        assert_eq!(denials, [(Describe, "__consumer_offsets"), (Describe, "x")]);
    }
}

/// In version 0 a request that names nothing asks for everything: what is left of a denied one must not become that.
#[test]
fn a_denied_request_of_version_0_does_not_become_one_for_everything() {
    let mut door = Door::new([]);
    let asked = door.send(0, &by_name(&["x", "y"])).asked();
    assert_eq!(asked.question::<MetadataRequest>().topics, Some(Vec::new()));
    assert!(asked.version() >= 1, "where it asks for no topic");
    let everything = found(&[("secret", NONE)]);
    let answer = asked.answered(&mut door, &everything).reply();
    assert_eq!(outline(&answer), [("x", DENIED), ("y", DENIED)]);
}

/// The versions before 4 say nothing of creation and mean it.
#[test]
fn what_may_not_be_created_never_reaches_a_broker_that_would_create_it() {
    for version in Door::versions::<MetadataRequest>() {
        let mut door = Door::new(
            describes(&["there", "gone", "__transaction_state"])
                .into_iter()
                .chain([allow(Create, Topic, "new"), allow(Describe, Topic, "new")]),
        );
        let request = by_name(&["gone", "there", "new", "hidden", "__transaction_state"]);
        let asked = door.send(version, &request).asked();
        assert_eq!(asked.version(), version.max(4));
        let question: MetadataRequest = asked.question();
        assert_eq!(names(&question), ["gone", "there", "new", "__transaction_state"]);
        let asked = asked.answered_from(&mut door, &[("there", id(1), 1)]).asked();
        let question: MetadataRequest = asked.question();
        assert!(question.allow_auto_topic_creation);
        assert_eq!(names(&question), ["new"]);
        let answer = asked.answered(&mut door, &found(&[("new", 5)])).reply();
        assert_eq!(
            outline(&answer),
            [
                ("there", NONE),
                ("new", 5),
                ("gone", DENIED),
                ("__transaction_state", DENIED),
                ("hidden", DENIED)
            ],
            "version {version}"
        );
        let internal: Vec<_> = answer.topics.iter().map(|topic| topic.is_internal).collect();
        assert_eq!(internal, [false, false, false, version >= 1, false]);
        assert_eq!(door.denials(), [(Describe, "hidden"), (Create, "gone"), (Create, "__transaction_state")],);
    }
}

#[test]
fn nothing_is_asked_twice_when_nothing_is_missing() {
    let mut door = Door::new(describes(&["there"]));
    let asked = door.send(12, &by_name(&["there"])).asked();
    let answer = asked.answered_from(&mut door, &[("there", id(1), 1)]).reply();
    assert_eq!(outline(&answer), [("there", NONE)]);
    assert_eq!(door.access(12, |access| access.topic_name(&id(1))).as_deref(), Some("there"));
}

#[test]
fn who_may_create_all_of_it_has_it_created_at_once() {
    let on_topics = [allow(Create, Topic, "a"), allow(Create, Topic, "b")];
    for creating in [vec![allow_cluster(Create)], on_topics.to_vec()] {
        let mut door = Door::new(describes(&["a", "b"]).into_iter().chain(creating));
        let forwarded = door.send(12, &by_name(&["a", "b", "x"])).forwarded();
        assert_eq!(names(&forwarded.request), ["a", "b"]);
        assert!(forwarded.request.allow_auto_topic_creation);
        assert_eq!(door.denials(), [(Describe, "x")]);
    }
}

/// What is known of a broker may be old by a moment.
#[test]
fn a_broker_that_creates_nothing_is_asked_at_once_and_told_to_create_nothing() {
    let settings = BrokerSettings { auto_create_topics: Some(false), ..Default::default() };
    let missing = found(&[("gone", UNKNOWN_TOPIC_OR_PARTITION)]);
    for version in Door::versions::<MetadataRequest>() {
        let mut door = Door::new(describes(&["gone"])).before(settings);
        let outcome = door.send(version, &by_name(&["gone"]));
        let answer = if WITH_FLAG.contains(&version) {
            let forwarded = outcome.forwarded();
            assert!(!forwarded.request.allow_auto_topic_creation);
            forwarded.answered(&mut door, &missing)
        } else {
            let asked = outcome.asked();
            assert!(!asked.question::<MetadataRequest>().allow_auto_topic_creation);
            asked.answered(&mut door, &missing).reply()
        };
        assert_eq!(outline(&answer), [("gone", UNKNOWN_TOPIC_OR_PARTITION)]);
    }
}

#[test]
fn a_broker_without_the_flag_is_asked_for_all_topics_first() {
    for served in [0, 1, 3] {
        let mut door = Door::new(
            describes(&["there", "gone"])
                .into_iter()
                .chain([allow(Create, Topic, "new"), allow(Describe, Topic, "new")]),
        );
        door.broker = broker(
            |key, versions| Some(if key == MetadataRequest::KEY { 0..=served } else { versions }),
            BrokerSettings::default(),
        );
        let asked = door.send(0, &by_name(&["new", "gone", "there", "hidden"])).asked();
        assert_eq!(asked.version(), served);
        assert_eq!(asked.question::<MetadataRequest>(), all(served));
        let asked = asked.answered(&mut door, &found(&[("there", NONE), ("secret", NONE)])).asked();
        assert_eq!(names(&asked.question()), ["new"]);
        let answer = asked.answered(&mut door, &found(&[("new", 5)])).reply();
        assert_eq!(outline(&answer), [("there", NONE), ("new", 5), ("gone", DENIED), ("hidden", DENIED)]);
    }
}

#[test]
fn ids_are_resolved_before_they_are_decided_and_names_beside_them_ignored() {
    for version in [12, 13] {
        let mut door = Door::new(describes(&["b", "name"])).knowing(&[(id(3), "c")]);
        let topics = vec![
            entry(None, id(1)),
            entry(Some("name"), Uuid::ZERO),
            entry(None, id(2)),
            entry(None, id(3)),
            entry(None, id(2)),
        ];
        let request = MetadataRequest { topics: Some(topics), ..Default::default() };
        let asked = door.send(version, &request).asked();
        assert_eq!(asked.question::<MetadataRequest>().topics.map(|topics| topics.len()), Some(3));
        let forwarded = asked.answered_from(&mut door, &[("b", id(2), 1)]).forwarded();
        assert_eq!(forwarded.request.topics, Some(vec![entry(None, id(2))]));
        let response = MetadataResponse {
            topics: vec![MetadataResponseTopic { topic_id: id(2), ..topic("b", NONE) }],
            ..Default::default()
        };
        let answer = forwarded.answered(&mut door, &response);
        let entries: Vec<_> = answer
            .topics
            .iter()
            .map(|topic| (topic.topic_id, topic.name.as_deref(), topic.error_code))
            .collect();
        assert_eq!(
            entries,
            [(id(1), None, UNKNOWN_TOPIC_ID), (id(2), Some("b"), NONE), (id(3), None, DENIED)]
        );
        assert_eq!(door.denials(), [(Describe, "c")]);
    }
}

#[test]
fn ids_in_versions_that_do_not_take_them_are_refused_with_all_that_is_beside_them() {
    let described = entry(Some("a"), Uuid::ZERO);
    for version in [10, 11] {
        for wrong in [
            entry(Some("a"), id(1)),
            entry(Some("hidden"), id(2)),
            entry(None, id(1)),
            entry(None, Uuid::ZERO),
        ] {
            for mut door in [Door::new(describes(&["a"])), Door::for_super_user()] {
                let topics = Some(vec![described.clone(), wrong.clone(), described.clone()]);
                let request = MetadataRequest { topics, ..Default::default() };
                let answer = door.send(version, &request).reply();
                let refused = |entry: &MetadataRequestTopic| MetadataResponseTopic {
                    topic_id: entry.topic_id,
                    ..topic(entry.name.as_deref().unwrap_or_default(), INVALID_REQUEST)
                };
                let topics = [&described, &wrong, &described].map(refused).to_vec();
                assert_eq!(answer, MetadataResponse { topics, ..Default::default() });
                assert_eq!(door.heard, []);
            }
        }
    }
}

#[test]
fn operations_are_what_the_client_may_do_and_only_where_asked_for() {
    for version in 8..=13 {
        let mut door = Door::new(describes(&["a", "gone"]));
        let request = MetadataRequest {
            include_topic_authorized_operations: true,
            include_cluster_authorized_operations: version <= 10,
            ..without_creation(&["a", "x", "gone"])
        };
        let mut response = found(&[("a", NONE), ("gone", UNKNOWN_TOPIC_OR_PARTITION)]);
        for topic in &mut response.topics {
            topic.topic_authorized_operations = ALL_ON_TOPIC;
        }
        if version <= 10 {
            response.cluster_authorized_operations = ALL_ON_CLUSTER;
        }
        let answer = door.send(version, &request).forwarded().answered(&mut door, &response);
        let operations: Vec<_> =
            answer.topics.iter().map(|topic| topic.topic_authorized_operations).collect();
        assert_eq!(operations, [ONLY_DESCRIBE, ONLY_DESCRIBE, NOT_ASKED]);
        let without_describe = if version <= 10 { 0 } else { NOT_ASKED };
        assert_eq!(answer.cluster_authorized_operations, without_describe);

        door.change(describes(&["a", "gone"]).into_iter().chain([allow_cluster(Describe)]));
        let answer = door.send(version, &request).forwarded().answered(&mut door, &response);
        let with_describe = if version <= 10 { ONLY_DESCRIBE } else { NOT_ASKED };
        assert_eq!(answer.cluster_authorized_operations, with_describe);

        let request = without_creation(&["a"]);
        let answer = door.send(version, &request).forwarded().answered(&mut door, &found(&[("a", NONE)]));
        assert_eq!(answer.topics[0].topic_authorized_operations, NOT_ASKED);
        assert_eq!(answer.cluster_authorized_operations, NOT_ASKED);
    }
}

fn table() -> Advertised {
    Advertised::new(Mapping::Table { brokers: [(1, ("sidecar".to_owned(), 9093))].into() })
}

#[test]
fn brokers_are_where_their_sidecars_are_and_those_without_are_left_out() {
    let broker = |node_id, host: &str, port| MetadataResponseBroker {
        node_id,
        host: host.into(),
        port,
        ..Default::default()
    };
    for version in Door::versions::<MetadataRequest>() {
        let mut door = Door::new([]);
        door.advertised = table();
        let response = MetadataResponse {
            brokers: vec![broker(1, "b1", 9092), broker(2, "b2", 9092)],
            ..Default::default()
        };
        let answer = door.send(version, &all(version)).forwarded().answered(&mut door, &response);
        assert_eq!(answer.brokers, [broker(1, "sidecar", 9093)]);
        assert_eq!(door.unmapped, [2]);
    }
}

fn find(version: i16, key_type: i8, keys: &[&str]) -> FindCoordinatorRequest {
    match version {
        ..4 => FindCoordinatorRequest { key: keys[0].into(), key_type, ..Default::default() },
        _ => FindCoordinatorRequest {
            key_type,
            coordinator_keys: keys.iter().map(|key| Str::from(*key)).collect(),
            ..Default::default()
        },
    }
}

fn coordinator(key: &str, error_code: i16, message: &str) -> Coordinator {
    Coordinator {
        key: key.into(),
        node_id: -1,
        port: -1,
        error_code,
        error_message: Some(message.into()),
        ..Default::default()
    }
}

fn located(key: &str, host: &str, port: i32) -> Coordinator {
    Coordinator { key: key.into(), node_id: 1, host: host.into(), port, ..Default::default() }
}

#[test]
fn a_denied_key_is_never_looked_up() {
    for version in Door::versions::<FindCoordinatorRequest>() {
        for (key_type, resource_type, code, text) in [
            (0, Group, GROUP_AUTHORIZATION_FAILED, "Group authorization failed."),
            (
                1,
                TransactionalId,
                TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
                "Transactional Id authorization failed.",
            ),
        ] {
            if version == 0 && key_type != 0 {
                continue;
            }
            let mut door = Door::new([allow(Describe, resource_type, "mine")]);
            door.send(version, &find(version, key_type, &["mine"])).untouched();
            let answer = door.send(version, &find(version, key_type, &["other"])).reply();
            let expected = match version {
                ..4 => FindCoordinatorResponse {
                    error_code: code,
                    error_message: Some(if version >= 1 { text } else { "" }.into()),
                    node_id: -1,
                    port: -1,
                    ..Default::default()
                },
                _ => FindCoordinatorResponse {
                    coordinators: vec![coordinator("other", code, "")],
                    ..Default::default()
                },
            };
            assert_eq!(answer, expected, "version {version}");
            assert_eq!(door.denials(), [(Describe, "other")]);
        }
    }
}

#[test]
fn coordinators_keep_the_order_of_the_keys() {
    for version in 4..=6 {
        let mut door = Door::new([allow(Describe, Group, "b"), allow(Describe, Group, "d")]);
        let forwarded = door.send(version, &find(version, 0, &["a", "b", "c", "d"])).forwarded();
        assert_eq!(forwarded.request, find(version, 0, &["b", "d"]));
        let response = FindCoordinatorResponse {
            coordinators: vec![located("b", "h", 9092), located("d", "h", 9092)],
            ..Default::default()
        };
        let answer = forwarded.answered(&mut door, &response);
        let code = GROUP_AUTHORIZATION_FAILED;
        assert_eq!(
            answer.coordinators,
            [
                coordinator("a", code, ""),
                located("b", "h", 9092),
                coordinator("c", code, ""),
                located("d", "h", 9092)
            ]
        );
    }
}

#[test]
fn share_coordinators_are_for_brokers() {
    for version in 1..=6 {
        let outcome = Door::new([allow_cluster(Describe)]).send(version, &find(version, 2, &["g:id:0"]));
        if version < 6 {
            // The type is too new for the version.
            let answer = outcome.reply();
            let code = if version < 4 { answer.error_code } else { answer.coordinators[0].error_code };
            assert_eq!(code, INVALID_REQUEST);
            continue;
        }
        let text = "Cluster authorization failed.";
        assert_eq!(outcome.reply().coordinators, [coordinator("g:id:0", CLUSTER_AUTHORIZATION_FAILED, text)]);
        let mut door = Door::new([allow_cluster(ClusterAction)]);
        door.send(version, &find(version, 2, &["g:id:0"])).untouched();
    }
    for version in 1..=6 {
        let answer = Door::for_super_user().send(version, &find(version, 9, &["k"])).reply();
        let code = if version < 4 { answer.error_code } else { answer.coordinators[0].error_code };
        assert_eq!(code, INVALID_REQUEST);
    }
}

#[test]
fn a_coordinator_without_a_sidecar_is_not_available() {
    for version in Door::versions::<FindCoordinatorRequest>() {
        let mut door = Door::for_super_user();
        door.advertised = table();
        let response = match version {
            ..4 => FindCoordinatorResponse { node_id: 1, host: "h".into(), port: 9092, ..Default::default() },
            _ => FindCoordinatorResponse {
                coordinators: vec![
                    located("k", "h", 9092),
                    coordinator("e", COORDINATOR_NOT_AVAILABLE, "text"),
                ],
                ..Default::default()
            },
        };
        let request = find(version, 0, &["k", "e"]);
        let answer = door.send(version, &request).forwarded().answered(&mut door, &response);
        match version {
            ..4 => assert_eq!((answer.node_id, &*answer.host, answer.port), (1, "sidecar", 9093)),
            _ => assert_eq!(
                answer.coordinators,
                [located("k", "sidecar", 9093), coordinator("e", COORDINATOR_NOT_AVAILABLE, "text")]
            ),
        }
        door.advertised = Advertised::new(Mapping::Table { brokers: [].into() });
        let answer = door.send(version, &request).forwarded().answered(&mut door, &response);
        match version {
            ..4 => assert_eq!(
                (answer.error_code, answer.node_id, &*answer.host, answer.port),
                (COORDINATOR_NOT_AVAILABLE, -1, "", -1)
            ),
            _ => assert_eq!(answer.coordinators[0], coordinator("k", COORDINATOR_NOT_AVAILABLE, "")),
        }
    }
}

#[test]
fn describe_cluster_needs_no_right_and_tells_only_what_the_client_may_do() {
    let broker = |broker_id, host: &str, port| DescribeClusterBroker {
        broker_id,
        host: host.into(),
        port,
        ..Default::default()
    };
    for version in Door::versions::<DescribeClusterRequest>() {
        Door::new([]).send(version, &DescribeClusterRequest::default()).untouched();
        let request =
            DescribeClusterRequest { include_cluster_authorized_operations: true, ..Default::default() };
        for (bindings, operations) in [
            (vec![], 0),
            (vec![allow_cluster(Describe)], ONLY_DESCRIBE),
            (vec![allow_cluster(All)], ALL_ON_CLUSTER),
        ] {
            let mut door = Door::new(bindings);
            door.advertised = table();
            let response = DescribeClusterResponse {
                brokers: vec![broker(1, "b1", 9092), broker(2, "b2", 9092)],
                cluster_authorized_operations: ALL_ON_CLUSTER,
                ..Default::default()
            };
            let forwarded = door.send(version, &request).forwarded();
            assert!(!forwarded.edited);
            let answer = forwarded.answered(&mut door, &response);
            assert_eq!(answer.brokers, [broker(1, "sidecar", 9093)]);
            assert_eq!(answer.cluster_authorized_operations, operations);
            let denied = door.denials();
            assert!(denied.iter().all(|denial| *denial == (Describe, CLUSTER_NAME)));
            assert_eq!(denied.len(), usize::from(operations == 0));
        }
    }
}

#[test]
fn controllers_are_not_told() {
    let mut door = Door::new([]);
    door.advertised = Advertised::new(Mapping::KeepHost { ports: [(9093, 19093)].into() });
    for version in 1..=2 {
        let request = DescribeClusterRequest { endpoint_type: 2, ..Default::default() };
        let controller = DescribeClusterBroker { host: "c".into(), port: 9093, ..Default::default() };
        let response =
            DescribeClusterResponse { endpoint_type: 2, brokers: vec![controller], ..Default::default() };
        let answer = door.send(version, &request).forwarded().answered(&mut door, &response);
        assert!(answer.brokers.is_empty());
    }
}
