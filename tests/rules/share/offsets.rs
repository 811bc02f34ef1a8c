//! The offsets of share groups, as administrators see and change them.

use doorkeeper::model::acl::Operation;
use doorkeeper::model::acl::ResourceType::{Group, Topic};
use doorkeeper::protocol::messages::alter_share_group_offsets_request as altering;
use doorkeeper::protocol::messages::alter_share_group_offsets_response as altered;
use doorkeeper::protocol::messages::delete_share_group_offsets_request as deleting;
use doorkeeper::protocol::messages::delete_share_group_offsets_response as deleted;
use doorkeeper::protocol::messages::describe_share_group_offsets_request as describing;
use doorkeeper::protocol::messages::describe_share_group_offsets_response as described;
use doorkeeper::protocol::messages::*;
use doorkeeper::protocol::wire::Str;

use super::*;
use crate::support::door::*;

fn topic_text() -> Option<Str> {
    Some("Topic authorization failed.".into())
}

fn group(name: &str, topics: Option<&[(&str, &[i32])]>) -> describing::DescribeShareGroupOffsetsRequestGroup {
    let topic = |(name, partitions): &(&str, &[i32])| describing::DescribeShareGroupOffsetsRequestTopic {
        topic_name: (*name).into(),
        partitions: partitions.to_vec(),
        ..Default::default()
    };
    describing::DescribeShareGroupOffsetsRequestGroup {
        group_id: name.into(),
        topics: topics.map(|topics| topics.iter().map(topic).collect()),
        ..Default::default()
    }
}

fn request(
    groups: Vec<describing::DescribeShareGroupOffsetsRequestGroup>,
) -> DescribeShareGroupOffsetsRequest {
    DescribeShareGroupOffsetsRequest { groups, ..Default::default() }
}

fn found(name: &str, n: u8) -> described::DescribeShareGroupOffsetsResponseTopic {
    described::DescribeShareGroupOffsetsResponseTopic {
        topic_name: name.into(),
        topic_id: id(n),
        partitions: vec![described::DescribeShareGroupOffsetsResponsePartition {
            start_offset: 5,
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn refused(name: &str, partitions: &[i32]) -> described::DescribeShareGroupOffsetsResponseTopic {
    let partition = |partition_index: &i32| described::DescribeShareGroupOffsetsResponsePartition {
        partition_index: *partition_index,
        start_offset: -1,
        leader_epoch: 0,
        lag: -1,
        error_code: DENIED,
        error_message: topic_text(),
        ..Default::default()
    };
    described::DescribeShareGroupOffsetsResponseTopic {
        topic_name: name.into(),
        partitions: partitions.iter().map(partition).collect(),
        ..Default::default()
    }
}

fn answered(
    name: &str,
    error_code: i16,
    topics: Vec<described::DescribeShareGroupOffsetsResponseTopic>,
) -> described::DescribeShareGroupOffsetsResponseGroup {
    described::DescribeShareGroupOffsetsResponseGroup {
        group_id: name.into(),
        error_code,
        topics,
        ..Default::default()
    }
}

#[test]
fn offsets_are_described_of_what_may_be_described() {
    let may = || {
        let groups = ["g", "h", "i"].map(|name| allow(Operation::Describe, Group, name));
        Door::new(groups.into_iter().chain([allow(Operation::Describe, Topic, "a")]))
    };
    for version in Door::versions::<DescribeShareGroupOffsetsRequest>() {
        let allowed = request(vec![group("g", Some(&[("a", &[0, 1])])), group("h", Some(&[]))]);
        may().send(version, &allowed).untouched();
        may().send(version, &request(Vec::new())).untouched();

        let answer = may().send(version, &request(vec![group("x", None), group("y", Some(&[]))])).reply();
        assert_eq!(
            answer.groups,
            [answered("x", GROUP_DENIED, Vec::new()), answered("y", GROUP_DENIED, Vec::new())]
        );

        let mixed = request(vec![
            group("x", None),
            group("h", None),
            group("g", Some(&[("no", &[0, 3]), ("a", &[0]), ("nor", &[]), ("no", &[1])])),
            group("i", Some(&[("no", &[0])])),
        ]);
        let mut door = may();
        let forwarded = door.send(version, &mixed).forwarded();
        let left = [group("h", None), group("g", Some(&[("a", &[0])])), group("i", Some(&[]))];
        assert_eq!(forwarded.request, request(left.to_vec()));
        let answer = DescribeShareGroupOffsetsResponse {
            groups: vec![
                answered("h", 0, vec![found("hidden", 8), found("a", 7)]),
                answered("g", 0, vec![found("a", 7)]),
                answered("i", 15, Vec::new()),
            ],
            ..Default::default()
        };
        let seen = forwarded.answered(&mut door, &answer);
        let expected = [
            answered("x", GROUP_DENIED, Vec::new()),
            answered("h", 0, vec![found("a", 7)]),
            answered(
                "g",
                0,
                vec![found("a", 7), refused("no", &[0, 3]), refused("nor", &[]), refused("no", &[1])],
            ),
            answered("i", 15, Vec::new()),
        ];
        assert_eq!(seen.groups, expected, "version {version}");
        assert!(door.denials().contains(&(Operation::Describe, "hidden")));
    }
}

fn alter(topics: &[(&str, &[i32])]) -> AlterShareGroupOffsetsRequest {
    let partition = |partition_index: &i32| altering::AlterShareGroupOffsetsRequestPartition {
        partition_index: *partition_index,
        start_offset: 3,
        ..Default::default()
    };
    let topic = |(name, partitions): &(&str, &[i32])| altering::AlterShareGroupOffsetsRequestTopic {
        topic_name: (*name).into(),
        partitions: partitions.iter().map(partition).collect(),
        ..Default::default()
    };
    AlterShareGroupOffsetsRequest {
        group_id: "g".into(),
        topics: topics.iter().map(topic).collect(),
        ..Default::default()
    }
}

fn altered(
    name: &str,
    partitions: &[(i32, i16, Option<&str>)],
) -> altered::AlterShareGroupOffsetsResponseTopic {
    let partition = |(partition_index, error_code, text): &(i32, i16, Option<&str>)| {
        altered::AlterShareGroupOffsetsResponsePartition {
            partition_index: *partition_index,
            error_code: *error_code,
            error_message: text.map(Str::from),
            ..Default::default()
        }
    };
    altered::AlterShareGroupOffsetsResponseTopic {
        topic_name: name.into(),
        partitions: partitions.iter().map(partition).collect(),
        ..Default::default()
    }
}

#[test]
fn offsets_are_altered_where_group_and_topic_may_be_read() {
    let denied = Some("Topic authorization failed.");
    for version in Door::versions::<AlterShareGroupOffsetsRequest>() {
        reader(&[1]).send(version, &alter(&[("topic-1", &[0, 1])])).untouched();
        reader(&[1]).send(version, &alter(&[])).untouched();

        let mut door = Door::new([read(1), allow(Operation::Delete, Group, "g")]);
        let answer = door.send(version, &alter(&[("topic-1", &[0])])).reply();
        let expected = AlterShareGroupOffsetsResponse {
            error_code: GROUP_DENIED,
            error_message: Some("Group authorization failed.".into()),
            ..Default::default()
        };
        assert_eq!(answer, expected);

        let mixed = alter(&[("no", &[0, 1]), ("topic-1", &[0]), ("nor", &[]), ("no", &[4]), ("gone", &[0])]);
        let mut door = reader(&[1]);
        let asked = door.send(version, &mixed).asked();
        let names = asked.question::<MetadataRequest>().topics.unwrap().into_iter().map(|topic| topic.name);
        assert_eq!(names.collect::<Vec<_>>(), ["no", "gone"].map(|name| Some(Str::from(name))));
        let forwarded = asked.answered_from(&mut door, &[("no", id(3), 5)]).forwarded();
        assert_eq!(forwarded.request, alter(&[("topic-1", &[0])]));
        let answer = AlterShareGroupOffsetsResponse {
            responses: vec![altered("topic-1", &[(0, 0, None)])],
            ..Default::default()
        };
        let mut no = altered("no", &[(0, DENIED, denied), (1, DENIED, denied), (4, DENIED, denied)]);
        no.topic_id = id(3);
        let expected = [no, altered("gone", &[(0, DENIED, denied)]), altered("topic-1", &[(0, 0, None)])];
        assert_eq!(forwarded.answered(&mut door, &answer).responses, expected);

        // Of a topic without partitions nothing is told, and the broker does not hear of it.
        let forwarded = door.send(version, &alter(&[("nor", &[]), ("topic-1", &[0])])).forwarded();
        assert_eq!(forwarded.request, alter(&[("topic-1", &[0])]));
        assert_eq!(forwarded.answered(&mut door, &answer).responses, answer.responses);

        // An error of the group comes alone.
        let asked = door.send(version, &alter(&[("no", &[0])])).asked();
        let forwarded = asked.answered_from(&mut door, &[("no", id(3), 5)]).forwarded();
        assert_eq!(forwarded.request, alter(&[]));
        let answer = AlterShareGroupOffsetsResponse {
            error_code: 68,
            error_message: Some("not empty".into()),
            ..Default::default()
        };
        assert_eq!(forwarded.answered(&mut door, &answer), answer);
    }
}

fn delete(topics: &[&str]) -> DeleteShareGroupOffsetsRequest {
    let topic = |name: &&str| deleting::DeleteShareGroupOffsetsRequestTopic {
        topic_name: (*name).into(),
        ..Default::default()
    };
    DeleteShareGroupOffsetsRequest {
        group_id: "g".into(),
        topics: topics.iter().map(topic).collect(),
        ..Default::default()
    }
}

fn deleted(name: &str, error_code: i16, text: Option<Str>) -> deleted::DeleteShareGroupOffsetsResponseTopic {
    deleted::DeleteShareGroupOffsetsResponseTopic {
        topic_name: name.into(),
        error_code,
        error_message: text,
        ..Default::default()
    }
}

#[test]
fn offsets_are_deleted_where_the_group_may_be_deleted_and_the_topic_read() {
    let may = || Door::new([read(1), allow(Operation::Delete, Group, "g")]);
    for version in Door::versions::<DeleteShareGroupOffsetsRequest>() {
        may().send(version, &delete(&["topic-1", "topic-1"])).untouched();
        may().send(version, &delete(&[])).untouched();

        let mut door = reader(&[1]);
        let answer = door.send(version, &delete(&["topic-1"])).reply();
        let expected = DeleteShareGroupOffsetsResponse {
            error_code: GROUP_DENIED,
            error_message: Some("Group authorization failed.".into()),
            ..Default::default()
        };
        assert_eq!(answer, expected);
        assert_eq!(door.denials(), [(Operation::Delete, "g")]);

        let mut door = may();
        let forwarded = door.send(version, &delete(&["no", "topic-1", "no", ""])).forwarded();
        assert_eq!(forwarded.request, delete(&["topic-1"]));
        let answer = DeleteShareGroupOffsetsResponse {
            responses: vec![deleted("topic-1", 0, None)],
            ..Default::default()
        };
        let expected = [
            deleted("no", DENIED, topic_text()),
            deleted("no", DENIED, topic_text()),
            deleted("", DENIED, topic_text()),
            deleted("topic-1", 0, None),
        ];
        assert_eq!(forwarded.answered(&mut door, &answer).responses, expected);

        let forwarded = door.send(version, &delete(&["no"])).forwarded();
        assert_eq!(forwarded.request, delete(&[]));
        let answer = DeleteShareGroupOffsetsResponse {
            error_code: 69,
            error_message: Some("no such group".into()),
            ..Default::default()
        };
        assert_eq!(forwarded.answered(&mut door, &answer), answer, "the group's error comes alone");
    }
}
