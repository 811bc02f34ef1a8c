//! The rules of committed offsets: what reaches the broker, and what the client is answered.

use doorkeeper::model::acl::Operation::{All, Delete, Describe, Read, Write};
use doorkeeper::model::acl::ResourceType::{Group, Topic};
use doorkeeper::protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use doorkeeper::protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use doorkeeper::protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use doorkeeper::protocol::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use doorkeeper::protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use doorkeeper::protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use doorkeeper::protocol::messages::*;
use doorkeeper::protocol::wire::Uuid;

use crate::support::door::commits::{Outcomes, Partitions, reader, run, topic_id};
use crate::support::door::*;

fn commit(topics: Partitions<'_>, by_id: bool) -> OffsetCommitRequest {
    let partition = |&partition_index: &i32| OffsetCommitRequestPartition {
        partition_index,
        committed_offset: 42,
        ..Default::default()
    };
    let topic = |(name, partitions): &(&str, &[i32])| OffsetCommitRequestTopic {
        name: if by_id { "" } else { name }.into(),
        topic_id: if by_id { topic_id(name) } else { Uuid::ZERO },
        partitions: partitions.iter().map(partition).collect(),
        ..Default::default()
    };
    let topics = topics.iter().map(topic).collect();
    OffsetCommitRequest { group_id: "g".into(), topics, ..Default::default() }
}

fn committed(topics: Outcomes<'_>, by_id: bool) -> OffsetCommitResponse {
    let partition = |&(partition_index, error_code): &(i32, i16)| OffsetCommitResponsePartition {
        partition_index,
        error_code,
        ..Default::default()
    };
    let topic = |(name, outcomes): &(&str, &[(i32, i16)])| OffsetCommitResponseTopic {
        name: if by_id { "" } else { name }.into(),
        topic_id: if by_id { topic_id(name) } else { Uuid::ZERO },
        partitions: outcomes.iter().map(partition).collect(),
        ..Default::default()
    };
    OffsetCommitResponse { topics: topics.iter().map(topic).collect(), ..Default::default() }
}

#[test]
fn offsets_are_committed_for_topics_that_the_client_may_read() {
    run(|| reader([allow(Read, Group, "g")]), 10, false, commit, committed);
}

#[test]
fn without_the_group_nothing_is_committed() {
    for version in Door::versions::<OffsetCommitRequest>() {
        let by_id = version >= 10;
        let mut door = reader([allow(Describe, Group, "g"), allow(Delete, Group, "g")]);
        let topics: Partitions<'_> = &[("a", &[0, 1]), ("x", &[]), ("a", &[0])];
        let answer = door.send(version, &commit(topics, by_id)).reply();
        let seen: Outcomes<'_> = &[("a", &[(0, 30), (1, 30)]), ("x", &[]), ("a", &[(0, 30)])];
        assert_eq!(answer, committed(seen, by_id));
        assert_eq!(door.denials(), [(Read, "g")]);
        assert_eq!(door.send(version, &commit(&[], by_id)).reply(), committed(&[], by_id));
    }
}

#[test]
fn the_zero_id_is_unknown_without_a_question() {
    let mut request = commit(&[("a", &[0])], true);
    request.topics[0].topic_id = Uuid::ZERO;
    let mut expected = committed(&[("a", &[(0, 100)])], true);
    expected.topics[0].topic_id = Uuid::ZERO;
    let mut door = reader([allow(Read, Group, "g"), allow(All, Topic, "*")]);
    assert_eq!(door.send(10, &request).reply(), expected);
}

fn delete(topics: Partitions<'_>, _: bool) -> OffsetDeleteRequest {
    let partition =
        |&partition_index: &i32| OffsetDeleteRequestPartition { partition_index, ..Default::default() };
    let topic = |(name, partitions): &(&str, &[i32])| OffsetDeleteRequestTopic {
        name: (*name).into(),
        partitions: partitions.iter().map(partition).collect(),
        ..Default::default()
    };
    let topics = topics.iter().map(topic).collect();
    OffsetDeleteRequest { group_id: "g".into(), topics, ..Default::default() }
}

fn deleted(topics: Outcomes<'_>, _: bool) -> OffsetDeleteResponse {
    let partition = |&(partition_index, error_code): &(i32, i16)| OffsetDeleteResponsePartition {
        partition_index,
        error_code,
        ..Default::default()
    };
    let topic = |(name, outcomes): &(&str, &[(i32, i16)])| OffsetDeleteResponseTopic {
        name: (*name).into(),
        partitions: outcomes.iter().map(partition).collect(),
        ..Default::default()
    };
    OffsetDeleteResponse { topics: topics.iter().map(topic).collect(), ..Default::default() }
}

#[test]
fn offsets_are_deleted_of_topics_that_the_client_may_read() {
    run(|| reader([allow(Delete, Group, "g")]), i16::MAX, true, delete, deleted);
}

#[test]
fn a_group_that_fails_as_a_whole_hides_the_refused_deletions() {
    let mut door = reader([allow(Delete, Group, "g")]);
    let failed = OffsetDeleteResponse { error_code: 69, ..Default::default() };
    for topics in [&[("x", &[0][..])][..], &[("x", &[0]), ("a", &[0])]] {
        let reached = door.send(0, &delete(topics, false)).forwarded();
        assert_eq!(reached.answered(&mut door, &failed), failed);
    }
}

#[test]
fn without_the_group_nothing_is_deleted() {
    let mut door = reader([allow(Read, Group, "g")]);
    let answer = door.send(0, &delete(&[("a", &[0])], false)).reply();
    assert_eq!(answer, OffsetDeleteResponse { error_code: 30, ..Default::default() });
    assert_eq!(door.denials(), [(Delete, "g")]);
}

// OffsetFetch up to version 7: one group.

fn fetch_one(topics: Option<Partitions<'_>>) -> OffsetFetchRequest {
    let topic = |(name, partitions): &(&str, &[i32])| OffsetFetchRequestTopic {
        name: (*name).into(),
        partition_indexes: partitions.to_vec(),
        ..Default::default()
    };
    let topics = topics.map(|topics| topics.iter().map(topic).collect());
    OffsetFetchRequest { group_id: "g".into(), topics, ..Default::default() }
}

/// Offset 42 where there is no error; nothing where there is one.
fn fetched_one(error_code: i16, topics: Outcomes<'_>) -> OffsetFetchResponse {
    let partition = |&(partition_index, error_code): &(i32, i16)| OffsetFetchResponsePartition {
        partition_index,
        committed_offset: if error_code == 0 { 42 } else { -1 },
        committed_leader_epoch: -1,
        metadata: Some("".into()),
        error_code,
        ..Default::default()
    };
    let topic = |(name, outcomes): &(&str, &[(i32, i16)])| OffsetFetchResponseTopic {
        name: (*name).into(),
        partitions: outcomes.iter().map(partition).collect(),
        ..Default::default()
    };
    OffsetFetchResponse { error_code, topics: topics.iter().map(topic).collect(), ..Default::default() }
}

/// Alice may describe the group `g`, and of the topics `a`, and `b` because she may write to it.
fn describer() -> Door {
    let known = ["a", "b", "x"].map(|name| (topic_id(name), name));
    Door::new([
        allow(Describe, Group, "g"),
        allow(Read, Group, "h"),
        allow(Describe, Topic, "a"),
        allow(Write, Topic, "b"),
    ])
    .knowing(&known)
}

#[test]
fn offsets_are_fetched_of_topics_that_the_client_may_describe() {
    for version in 0..=7 {
        for topics in [&[("a", &[0, 1][..]), ("b", &[0]), ("a", &[0])][..], &[("a", &[])]] {
            describer().send(version, &fetch_one(Some(topics))).untouched();
        }
        // A broker may take no topics for all.
        let reached = describer().send(version, &fetch_one(Some(&[]))).forwarded();
        let all = fetched_one(0, &[("a", &[(0, 0)]), ("x", &[(0, 7)])]);
        assert_eq!(reached.answered(&mut describer(), &all), fetched_one(0, &[("a", &[(0, 0)])]));
        let mut door = describer();
        let asked: Partitions<'_> = &[("x", &[0, 1]), ("a", &[0]), ("y", &[]), ("x", &[0])];
        let reached = door.send(version, &fetch_one(Some(asked))).forwarded();
        assert_eq!(reached.request, fetch_one(Some(&[("a", &[0])])));
        let seen = reached.answered(&mut door, &fetched_one(0, &[("a", &[(0, 0)])]));
        let refused: Outcomes<'_> =
            &[("a", &[(0, 0)]), ("x", &[(0, 29), (1, 29)]), ("y", &[]), ("x", &[(0, 29)])];
        assert_eq!(seen, fetched_one(0, refused), "version {version}");

        // Even if nothing is left: the group may fail as a whole, and then that is all there is to say.
        let reached = door.send(version, &fetch_one(Some(&[("x", &[0])]))).forwarded();
        assert_eq!(reached.request, fetch_one(Some(&[])));
        let all = fetched_one(0, &[("x", &[(0, 7)]), ("a", &[(0, 0)])]);
        let again = door.send(version, &fetch_one(Some(&[("x", &[0])]))).forwarded();
        assert_eq!(again.answered(&mut door, &all), fetched_one(0, &[("x", &[(0, 29)])]));
        if version >= 2 {
            assert_eq!(reached.answered(&mut door, &fetched_one(16, &[])), fetched_one(16, &[]));
        } else {
            let seen = reached.answered(&mut door, &fetched_one(0, &[]));
            assert_eq!(seen, fetched_one(0, &[("x", &[(0, 29)])]));
        }
    }
}

#[test]
fn of_all_offsets_of_a_group_those_of_hidden_topics_are_left_out() {
    for version in 2..=7 {
        let mut door = describer();
        let reached = door.send(version, &fetch_one(None)).forwarded();
        assert_eq!((reached.edited, &reached.request.topics), (false, &None));
        let answer =
            fetched_one(0, &[("x", &[(0, 0)]), ("b", &[(1, 0)]), ("y", &[(0, 0)]), ("a", &[(0, 0)])]);
        let seen = reached.answered(&mut door, &answer);
        assert_eq!(seen, fetched_one(0, &[("b", &[(1, 0)]), ("a", &[(0, 0)])]));
    }
}

#[test]
fn without_the_group_no_offset_is_fetched() {
    let asked: Partitions<'_> = &[("a", &[0, 1]), ("x", &[0])];
    for version in 0..=7 {
        let mut door = Door::new([allow(All, Topic, "*"), allow(All, Group, "other")]);
        let answer = door.send(version, &fetch_one(Some(asked))).reply();
        let per_partition: Outcomes<'_> = &[("a", &[(0, 30), (1, 30)]), ("x", &[(0, 30)])];
        let expected = if version < 2 { fetched_one(0, per_partition) } else { fetched_one(30, &[]) };
        assert_eq!(answer, expected, "version {version}");
        assert_eq!(door.denials(), [(Describe, "g")]);
        if version >= 2 {
            assert_eq!(door.send(version, &fetch_one(None)).reply(), fetched_one(30, &[]));
        }
    }
}

// OffsetFetch from version 8 on: many groups.

type Groups<'a> = &'a [(&'a str, Option<Partitions<'a>>)];

fn fetch_many(version: i16, groups: Groups<'_>) -> OffsetFetchRequest {
    let by_id = version >= 10;
    let topic = |(name, partitions): &(&str, &[i32])| OffsetFetchRequestTopics {
        name: if by_id { "" } else { name }.into(),
        topic_id: if by_id { topic_id(name) } else { Uuid::ZERO },
        partition_indexes: partitions.to_vec(),
        ..Default::default()
    };
    let group = |(group_id, topics): &(&str, Option<Partitions<'_>>)| OffsetFetchRequestGroup {
        group_id: (*group_id).into(),
        topics: topics.map(|topics| topics.iter().map(topic).collect()),
        member_id: (version >= 9).then(|| "m".into()),
        member_epoch: if version >= 9 { 3 } else { -1 },
        ..Default::default()
    };
    OffsetFetchRequest {
        groups: groups.iter().map(group).collect(),
        require_stable: true,
        ..Default::default()
    }
}

fn fetched_many(version: i16, groups: &[(&str, i16, Outcomes<'_>)]) -> OffsetFetchResponse {
    let by_id = version >= 10;
    let partition = |&(partition_index, error_code): &(i32, i16)| OffsetFetchResponsePartitions {
        partition_index,
        committed_offset: if error_code == 0 { 42 } else { -1 },
        committed_leader_epoch: -1,
        metadata: Some("".into()),
        error_code,
        ..Default::default()
    };
    let topic = |(name, outcomes): &(&str, &[(i32, i16)])| OffsetFetchResponseTopics {
        name: if by_id { "" } else { name }.into(),
        topic_id: if by_id { topic_id(name) } else { Uuid::ZERO },
        partitions: outcomes.iter().map(partition).collect(),
        ..Default::default()
    };
    let group = |(group_id, error_code, topics): &(&str, i16, Outcomes<'_>)| OffsetFetchResponseGroup {
        group_id: (*group_id).into(),
        error_code: *error_code,
        topics: topics.iter().map(topic).collect(),
        ..Default::default()
    };
    OffsetFetchResponse { groups: groups.iter().map(group).collect(), ..Default::default() }
}

#[test]
fn each_group_stands_for_itself_and_keeps_its_place() {
    for version in 8..=10 {
        let fetch = |groups: Groups<'_>| fetch_many(version, groups);
        let fetched = |groups: &[(&str, i16, Outcomes<'_>)]| fetched_many(version, groups);
        for groups in [&[("g", Some(&[("a", &[0][..])][..])), ("h", Some(&[]))][..], &[]] {
            describer().send(version, &fetch(groups)).untouched();
        }

        let mut door = describer();
        let answer = door.send(version, &fetch(&[("no", Some(&[("a", &[0])])), ("nor", None)])).reply();
        assert_eq!(answer, fetched(&[("no", 30, &[]), ("nor", 30, &[])]));

        let reached = door.send(
            version,
            &fetch(&[
                ("no", Some(&[("a", &[0])])),
                ("h", Some(&[("x", &[0]), ("a", &[0, 1])])),
                ("g", Some(&[("x", &[0])])),
                ("no", Some(&[])),
                ("h", Some(&[("b", &[2])])),
            ]),
        );
        let reached = reached.forwarded();
        let expected =
            fetch(&[("h", Some(&[("a", &[0, 1])])), ("g", Some(&[])), ("h", Some(&[("b", &[2])]))]);
        assert_eq!(reached.request, expected, "version {version}");
        // Brokers of 3.0 to 3.3 keep no order among different groups.
        let answer =
            fetched(&[("g", 0, &[]), ("h", 0, &[("a", &[(0, 0), (1, 0)])]), ("h", 0, &[("b", &[(2, 0)])])]);
        let seen = reached.answered(&mut door, &answer);
        let expected = fetched(&[
            ("no", 30, &[]),
            ("h", 0, &[("a", &[(0, 0), (1, 0)]), ("x", &[(0, 29)])]),
            ("g", 0, &[("x", &[(0, 29)])]),
            ("no", 30, &[]),
            ("h", 0, &[("b", &[(2, 0)])]),
        ]);
        assert_eq!(seen, expected, "version {version}");
    }
}

#[test]
fn a_group_that_fails_as_a_whole_hides_its_refusals() {
    for version in 8..=10 {
        let mut door = describer();
        let asked = fetch_many(version, &[("g", Some(&[("x", &[0]), ("a", &[0])])), ("no", None)]);
        let reached = door.send(version, &asked).forwarded();
        let seen = reached.answered(&mut door, &fetched_many(version, &[("g", 16, &[])]));
        assert_eq!(seen, fetched_many(version, &[("g", 16, &[]), ("no", 30, &[])]));
    }
}

#[test]
fn of_all_offsets_of_many_groups_those_of_hidden_topics_are_left_out() {
    for version in 8..=9 {
        let mut door = describer();
        let asked = fetch_many(version, &[("g", None), ("no", None), ("h", Some(&[("x", &[0])]))]);
        let reached = door.send(version, &asked).forwarded();
        assert_eq!(reached.request, fetch_many(version, &[("g", None), ("h", Some(&[]))]));
        let answer = fetched_many(version, &[("g", 0, &[("x", &[(0, 0)]), ("a", &[(0, 0)])]), ("h", 0, &[])]);
        let seen = reached.answered(&mut door, &answer);
        let expected =
            [("g", 0, &[("a", &[(0, 0)][..])][..]), ("no", 30, &[]), ("h", 0, &[("x", &[(0, 29)])])];
        assert_eq!(seen, fetched_many(version, &expected));

        // With nothing denied, too.
        let reached = door.send(version, &fetch_many(version, &[("h", None)])).forwarded();
        let seen = reached.answered(&mut door, &fetched_many(version, &[("h", 0, &[("x", &[(0, 0)])])]));
        assert_eq!(seen, fetched_many(version, &[("h", 0, &[])]));
    }
}

/// In version 10 the answer has ids alone, and what has no known name cannot be decided on.
#[test]
fn of_all_offsets_by_id_those_are_shown_whose_name_is_known_and_may_be_described() {
    let asked = fetch_many(10, &[("g", None), ("no", None), ("h", Some(&[("x", &[0])]))]);
    let all: Outcomes<'_> = &[("x", &[(0, 0)]), ("a", &[(0, 0)]), ("b", &[(0, 0)]), ("nowhere", &[(0, 0)])];
    let answer = fetched_many(10, &[("g", 0, all), ("h", 0, &[])]);
    let expected =
        |topics| fetched_many(10, &[("g", 0, topics), ("no", 30, &[]), ("h", 0, &[("x", &[(0, 29)])])]);

    let mut door = describer();
    let names = door.send(10, &asked).asked();
    assert_eq!(names.question::<OffsetFetchRequest>(), fetch_many(10, &[("g", None), ("h", Some(&[]))]));
    let names = names.answered(&mut door, &answer).asked();
    let question: MetadataRequest = names.question();
    assert!(!question.allow_auto_topic_creation);
    let ids: Vec<_> = question.topics.iter().flatten().map(|topic| topic.topic_id).collect();
    assert_eq!(ids, [topic_id("nowhere")]);
    // The broker knows that id as a topic that alice may describe, as one that she may not, or not at all.
    let seen = names.answered_from(&mut door, &[("b", topic_id("nowhere"), 1)]).reply();
    assert_eq!(seen, expected(&all[1..]));
    let mut door = describer();
    let names = door.send(10, &asked).asked().answered(&mut door, &answer).asked();
    let seen = names.answered_from(&mut door, &[("y", topic_id("nowhere"), 1)]).reply();
    assert_eq!(seen, expected(&all[1..3]));
    let mut door = describer();
    let names = door.send(10, &asked).asked().answered(&mut door, &answer).asked();
    assert_eq!(names.answered_from(&mut door, &[]).reply(), expected(&all[1..3]));

    // Nothing more is asked when all names are known, or when nobody could tell them.
    let mut door = describer();
    let answer_of_known = fetched_many(10, &[("g", 0, &all[..3]), ("h", 0, &[])]);
    let seen = door.send(10, &asked).asked().answered(&mut door, &answer_of_known).reply();
    assert_eq!(seen, expected(&all[1..3]));
    let mut door = describer();
    door.broker = broker(|key, versions| (key != 3).then_some(versions), Default::default());
    let seen = door.send(10, &asked).asked().answered(&mut door, &answer).reply();
    assert_eq!(seen, expected(&all[1..3]));

    // A group that fails as a whole stays as it is.
    let mut door = describer();
    let answer = fetched_many(10, &[("g", 14, &[])]);
    let seen = door.send(10, &fetch_many(10, &[("g", None)])).asked().answered(&mut door, &answer).reply();
    assert_eq!(seen, answer);
}

#[test]
fn an_unknown_id_is_not_fetched() {
    let mut door =
        Door::new([allow(All, Group, "*"), allow(All, Topic, "*")]).knowing(&[(topic_id("a"), "a")]);
    let asked = fetch_many(10, &[("g", Some(&[("nowhere", &[0]), ("a", &[1]), ("x", &[0])]))]);
    let reached =
        door.send(10, &asked).asked().answered_from(&mut door, &[("x", topic_id("x"), 1)]).forwarded();
    assert_eq!(reached.request, fetch_many(10, &[("g", Some(&[("a", &[1]), ("x", &[0])]))]));
    let answer = fetched_many(10, &[("g", 0, &[("a", &[(1, 0)]), ("x", &[(0, 0)])])]);
    let seen = reached.answered(&mut door, &answer);
    let expected: Outcomes<'_> = &[("a", &[(1, 0)]), ("x", &[(0, 0)]), ("nowhere", &[(0, 100)])];
    assert_eq!(seen, fetched_many(10, &[("g", 0, expected)]));
}
