//! Being a member, and describing a group.

use doorkeeper::model::acl::Operation;
use doorkeeper::model::acl::ResourceType::{Group, Topic};
use doorkeeper::protocol::access::BrokerSettings;
use doorkeeper::protocol::messages::share_group_describe_response::{
    Assignment, DescribedGroup, Member, TopicPartitions,
};
use doorkeeper::protocol::messages::*;
use doorkeeper::protocol::wire::{Message, Str};

use super::*;
use crate::support::door::*;

fn heartbeat(member_id: &str, topics: Option<&[&str]>) -> ShareGroupHeartbeatRequest {
    ShareGroupHeartbeatRequest {
        group_id: "g".into(),
        member_id: member_id.into(),
        subscribed_topic_names: topics.map(|topics| topics.iter().copied().map(Str::from).collect()),
        ..Default::default()
    }
}

#[test]
fn a_member_may_read_the_group_and_describe_all_of_its_topics() {
    let may = || Door::new([read_group(), allow(Operation::Describe, Topic, "a"), read(1)]);
    let failed = |error_code| ShareGroupHeartbeatResponse { error_code, ..Default::default() };
    for version in Door::versions::<ShareGroupHeartbeatRequest>() {
        for topics in [None, Some(&[][..]), Some(&["a", "topic-1", "a"])] {
            may().send(version, &heartbeat("m", topics)).untouched();
            let mut door = Door::new([allow(Operation::Describe, Group, "g"), read(1)]);
            assert_eq!(door.send(version, &heartbeat("m", topics)).reply(), failed(GROUP_DENIED));
            assert_eq!(door.denials(), [(Operation::Read, "g")]);
        }
        let mut door = may();
        let request = heartbeat("m", Some(&["a", "x", "y", "x"]));
        assert_eq!(door.send(version, &request).reply(), failed(DENIED));
        let mut denials = door.denials();
        denials.sort_unstable();
        assert_eq!(denials, [(Operation::Describe, "x"), (Operation::Describe, "y")], "each is reported");

        // Kafka 4.4 looks at the member's id first, older ones do not mind it.
        for member_id in ["", "1234567890123456789012345678901234567"] {
            for topics in [&["a"][..], &["a", "x"]] {
                let mut door = may();
                let answer = door.send(version, &heartbeat(member_id, Some(topics))).reply();
                assert_eq!(answer, failed(INVALID_REQUEST));
                assert_eq!(door.denials(), []);
            }
            let before_4_4 = || {
                let versions = |key, all| Some(if key == ApiVersionsRequest::KEY { 0..=4 } else { all });
                Door { broker: broker(versions, BrokerSettings::default()), ..may() }
            };
            before_4_4().send(version, &heartbeat(member_id, Some(&["a"]))).untouched();
            let mut door = before_4_4();
            let answer = door.send(version, &heartbeat(member_id, Some(&["a", "x"]))).reply();
            assert_eq!(answer, failed(DENIED));
            assert_eq!(door.denials(), [(Operation::Describe, "x")]);
            let answer = Door::new([]).send(version, &heartbeat(member_id, None)).reply();
            assert_eq!(answer, failed(GROUP_DENIED));
        }
    }
}

fn described(group_id: &str, topics: &[&str]) -> DescribedGroup {
    let topic = |name: &&str| TopicPartitions {
        topic_name: (*name).into(),
        partitions: vec![0],
        ..Default::default()
    };
    let member = |topics: &[&str]| Member {
        member_id: "m".into(),
        subscribed_topic_names: vec!["subscribed".into()],
        assignment: Assignment { topic_partitions: topics.iter().map(topic).collect(), ..Default::default() },
        ..Default::default()
    };
    DescribedGroup {
        group_id: group_id.into(),
        group_state: "Stable".into(),
        members: topics.chunks(1).map(member).collect(),
        ..Default::default()
    }
}

fn describe(groups: &[&str], include_authorized_operations: bool) -> ShareGroupDescribeRequest {
    ShareGroupDescribeRequest {
        group_ids: groups.iter().copied().map(Str::from).collect(),
        include_authorized_operations,
        ..Default::default()
    }
}

#[test]
fn groups_are_described_unless_they_use_hidden_topics() {
    const ALL: i32 = 1 << 3 | 1 << 6 | 1 << 8;
    let refused = |group: &str| DescribedGroup {
        group_id: group.into(),
        error_code: GROUP_DENIED,
        ..Default::default()
    };
    let withheld = |group: &str| DescribedGroup {
        group_id: group.into(),
        error_code: DENIED,
        error_message: Some(
            "The group has described topic(s) that the client is not authorized to describe.".into(),
        ),
        ..Default::default()
    };
    let may = || {
        Door::new([
            allow(Operation::Describe, Group, "a"),
            allow(Operation::Read, Group, "b"),
            allow(Operation::Describe, Topic, "seen"),
        ])
    };
    for version in Door::versions::<ShareGroupDescribeRequest>() {
        let mut door = may();
        let answer = door.send(version, &describe(&["x", "y", "x"], true)).reply();
        assert_eq!(answer.groups, ["x", "y", "x"].map(refused));
        assert!(!door.send(version, &describe(&[], false)).forwarded().edited);

        for operations in [false, true] {
            let request = describe(&["a", "x", "b", "a"], operations);
            let forwarded = door.send(version, &request).forwarded();
            assert_eq!(forwarded.request, describe(&["a", "b", "a"], operations));
            let told = if operations { ALL } else { i32::MIN };
            let group = |name, topics: &[&str]| DescribedGroup {
                authorized_operations: told,
                ..described(name, topics)
            };
            let absent = DescribedGroup {
                error_code: 69,
                error_message: Some("no such group".into()),
                authorized_operations: told,
                ..described("a", &[])
            };
            let answer = ShareGroupDescribeResponse {
                throttle_time_ms: 3,
                groups: vec![group("a", &["seen"]), group("b", &["seen", "hidden"]), absent.clone()],
                ..Default::default()
            };
            let seen = forwarded.answered(&mut door, &answer);
            let mine = DescribedGroup {
                authorized_operations: if operations { 1 << 8 } else { i32::MIN },
                ..described("a", &["seen"])
            };
            assert_eq!(seen.groups, [refused("x"), mine, withheld("b"), absent]);
            assert_eq!(seen.throttle_time_ms, 3);
        }
        let hidden = door.denials().into_iter().filter(|denial| *denial == (Operation::Describe, "hidden"));
        assert_eq!(hidden.count(), 2);
    }
}
