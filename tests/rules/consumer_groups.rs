//! The rules of the consumer groups of KIP-848.

use doorkeeper::model::acl::Operation::*;
use doorkeeper::model::acl::ResourceType::{Group, Topic};
use doorkeeper::protocol::messages::consumer_group_describe_response::{
    Assignment, DescribedGroup, Member, TopicPartitions,
};
use doorkeeper::protocol::messages::*;
use doorkeeper::protocol::wire::Str;

use crate::support::door::*;

fn heartbeat(topics: Option<&[&str]>) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        group_id: "g".into(),
        subscribed_topic_names: topics.map(|topics| topics.iter().copied().map(Str::from).collect()),
        ..Default::default()
    }
}

#[test]
fn a_heartbeat_needs_the_group_and_every_subscribed_topic() {
    let refused = |error_code| ConsumerGroupHeartbeatResponse { error_code, ..Default::default() };
    for version in Door::versions::<ConsumerGroupHeartbeatRequest>() {
        let member =
            || Door::new([allow(Read, Group, "g"), allow(Describe, Topic, "a"), allow(Read, Topic, "b")]);
        for topics in [None, Some(&[][..]), Some(&["a", "b", "a"])] {
            let mut door = member();
            let forwarded = door.send(version, &heartbeat(topics)).forwarded();
            assert!(!forwarded.edited);
            let answer = ConsumerGroupHeartbeatResponse { member_epoch: 1, ..Default::default() };
            assert_eq!(forwarded.answered(&mut door, &answer), answer);
            let mut door = Door::new([allow(Describe, Group, "g"), allow(All, Topic, "*")]);
            assert_eq!(door.send(version, &heartbeat(topics)).reply(), refused(30));
            assert_eq!(door.denials(), [(Read, "g")]);
        }
        let mut door = member();
        assert_eq!(door.send(version, &heartbeat(Some(&["x", "a", "y", "x"]))).reply(), refused(29));
        assert_eq!(door.denials(), [(Describe, "x"), (Describe, "y")]);
    }
}

fn describe(groups: &[&str], include_authorized_operations: bool) -> ConsumerGroupDescribeRequest {
    ConsumerGroupDescribeRequest {
        group_ids: groups.iter().copied().map(Str::from).collect(),
        include_authorized_operations,
        ..Default::default()
    }
}

fn failed(group_id: &str, error_code: i16) -> DescribedGroup {
    DescribedGroup { group_id: group_id.into(), error_code, ..Default::default() }
}

/// A group with one member, who has the one topic and shall have the other.
fn group(group_id: &str, has: &str, shall_have: &str) -> DescribedGroup {
    let assignment = |topic_name: &str| Assignment {
        topic_partitions: vec![TopicPartitions {
            topic_id: id(1),
            topic_name: topic_name.into(),
            partitions: vec![0],
            ..Default::default()
        }],
        ..Default::default()
    };
    let member = Member {
        member_id: "m".into(),
        subscribed_topic_names: vec![has.into()],
        assignment: assignment(has),
        target_assignment: assignment(shall_have),
        ..Default::default()
    };
    DescribedGroup { group_state: "Stable".into(), members: vec![member], ..failed(group_id, 0) }
}

#[test]
fn groups_are_described_unless_a_topic_in_them_is_hidden() {
    let may = || {
        let groups = ["g", "h", "i"].map(|name| allow(Describe, Group, name));
        Door::new(groups.into_iter().chain([allow(Describe, Topic, "a"), allow(Read, Topic, "b")]))
    };
    let hidden = |group_id: &str| DescribedGroup {
        error_message: Some(
            "The group has described topic(s) that the client is not authorized to describe.".into(),
        ),
        ..failed(group_id, 29)
    };
    for version in Door::versions::<ConsumerGroupDescribeRequest>() {
        let answer = may().send(version, &describe(&["x", "y", "x"], true)).reply();
        assert_eq!(answer.groups, ["x", "y", "x"].map(|group| failed(group, 30)));

        let answered = |groups: &[DescribedGroup]| ConsumerGroupDescribeResponse {
            groups: groups.to_vec(),
            ..Default::default()
        };
        for (asked, forwarded, refused) in [
            (&["g", "x", "h", "i", "g"][..], &["g", "h", "i", "g"][..], vec![failed("x", 30)]),
            (&["g", "h", "i", "g"], &["g", "h", "i", "g"], vec![]),
        ] {
            let mut door = may();
            let reached = door.send(version, &describe(asked, false)).forwarded();
            assert_eq!(reached.request, describe(forwarded, false));
            let answer = answered(&[
                group("g", "a", "b"),
                group("h", "a", "z"),
                group("i", "z", "a"),
                failed("g", 69),
            ]);
            let seen = reached.answered(&mut door, &answer);
            let found = [group("g", "a", "b"), hidden("h"), hidden("i"), failed("g", 69)];
            assert_eq!(seen.groups, [refused, found.to_vec()].concat(), "version {version}");
            assert!(door.denials().contains(&(Describe, "z")));
        }

        let mut door = may();
        let reached = door.send(version, &describe(&[], false)).forwarded();
        assert_eq!(reached.answered(&mut door, &answered(&[])), answered(&[]));
    }
}

#[test]
fn operations_are_told_of_groups_that_are_shown() {
    const ALL_OF_THEM: i32 = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11;
    for version in Door::versions::<ConsumerGroupDescribeRequest>() {
        let mut door = Door::new([allow(Read, Group, "*"), allow(Read, Topic, "a")]);
        let reached = door.send(version, &describe(&["g", "h", "i"], true)).forwarded();
        let told = |group| DescribedGroup { authorized_operations: ALL_OF_THEM, ..group };
        let groups = vec![told(group("g", "a", "a")), told(group("h", "a", "z")), failed("i", 69)];
        let seen =
            reached.answered(&mut door, &ConsumerGroupDescribeResponse { groups, ..Default::default() });
        let operations: Vec<_> = seen.groups.iter().map(|group| group.authorized_operations).collect();
        assert_eq!(operations, [1 << 3 | 1 << 8, i32::MIN, i32::MIN]);
        let codes: Vec<_> = seen.groups.iter().map(|group| group.error_code).collect();
        assert_eq!(codes, [0, 29, 69]);
    }
}
