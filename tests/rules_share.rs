//! Share groups: being a member, reading with sessions while ACLs change or somebody else uses them, acknowledging,
//! describing, and the offsets that administrators see.

mod support_rules;

use std::collections::{BTreeMap, BTreeSet};

use doorkeeper::protocol::messages::share_acknowledge_request as acknowledging;
use doorkeeper::protocol::messages::share_acknowledge_response as acknowledged;
use doorkeeper::protocol::messages::share_fetch_request::{
    AcknowledgementBatch, FetchPartition, FetchTopic, ForgottenTopic,
};
use doorkeeper::protocol::messages::share_fetch_response::{
    NodeEndpoint, PartitionData, ShareFetchableTopicResponse,
};
use doorkeeper::protocol::messages::share_group_describe_response::{
    Assignment, DescribedGroup, Member, TopicPartitions,
};
use doorkeeper::protocol::messages::*;
use doorkeeper::protocol::wire::{Bytes, Str};
use doorkeeper::words::acl::ResourceType::{Group, Topic};
use doorkeeper::words::acl::{Binding, Operation};
use doorkeeper::words::advertise::{Advertised, Mapping};

use support_rules::*;

const INVALID_REQUEST: i16 = 42;
const DENIED: i16 = 29;
const GROUP_DENIED: i16 = 30;
const UNKNOWN_ID: i16 = 100;
const NO_SESSION: i16 = 122;
const WRONG_EPOCH: i16 = 123;

/// Topic `n` is called `topic-n` and has the id `n`.
fn name(topic: u8) -> String {
    format!("topic-{topic}")
}

fn read(topic: u8) -> Binding {
    allow(Operation::Read, Topic, &name(topic))
}

fn read_group() -> Binding {
    allow(Operation::Read, Group, "g")
}

/// Alice, who may read the group and these topics, and knows the names of topics 1 to 9.
fn reader(topics: &[u8]) -> Door {
    let names: Vec<String> = (1..10).map(name).collect();
    let known: Vec<_> = (1..10).zip(&names).map(|(topic, name)| (id(topic), name.as_str())).collect();
    Door::new(topics.iter().map(|topic| read(*topic)).chain([read_group()])).knowing(&known)
}

fn change(door: &mut Door, topics: &[u8]) {
    door.change(topics.iter().map(|topic| read(*topic)).chain([read_group()]));
}

fn share_fetch(epoch: i32, wanted: &[(u8, i32)], forgotten: &[(u8, i32)]) -> ShareFetchRequest {
    let mut topics: BTreeMap<u8, Vec<FetchPartition>> = BTreeMap::new();
    for (topic, partition_index) in wanted {
        let partition = FetchPartition { partition_index: *partition_index, ..Default::default() };
        topics.entry(*topic).or_default().push(partition);
    }
    let topic = |(topic, partitions)| FetchTopic { topic_id: id(topic), partitions, ..Default::default() };
    let forget = |(topic, partition): &(u8, i32)| ForgottenTopic {
        topic_id: id(*topic),
        partitions: vec![*partition],
        ..Default::default()
    };
    ShareFetchRequest {
        group_id: Some("g".into()),
        member_id: Some("member".into()),
        share_session_epoch: epoch,
        max_wait_ms: 500,
        max_records: 10,
        batch_size: 10,
        topics: topics.into_iter().map(topic).collect(),
        forgotten_topics_data: forgotten.iter().map(forget).collect(),
        ..Default::default()
    }
}

fn batch(first_offset: i64, last_offset: i64, types: &[i8]) -> AcknowledgementBatch {
    AcknowledgementBatch {
        first_offset,
        last_offset,
        acknowledge_types: types.to_vec(),
        ..Default::default()
    }
}

/// The same request, which acknowledges record 0 of its partitions.
fn with_acknowledgements(mut request: ShareFetchRequest) -> ShareFetchRequest {
    for partition in request.topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
        partition.acknowledgement_batches = vec![batch(0, 0, &[1])];
    }
    request
}

/// What a client sees of an answer: of each partition the error, that of acknowledgements, and whether there are records.
type Seen = BTreeMap<(u8, i32), (i16, i16, bool)>;

fn seen(answer: &ShareFetchResponse) -> Seen {
    assert_eq!(answer.error_code, 0);
    let mut seen = Seen::new();
    for topic in &answer.responses {
        for partition in &topic.partitions {
            let what =
                (partition.error_code, partition.acknowledge_error_code, !partition.records.is_empty());
            assert_eq!((&partition.error_message, &partition.acknowledge_error_message), (&None, &None));
            assert!(seen.insert((topic.topic_id.0[0], partition.partition_index), what).is_none());
        }
    }
    let topics: BTreeSet<_> = answer.responses.iter().map(|topic| topic.topic_id).collect();
    assert_eq!(topics.len(), answer.responses.len(), "a topic has one entry");
    seen
}

/// A broker without an authorizer. Of whatever its session holds it has records.
#[derive(Default)]
struct Broker {
    session: Option<(i32, BTreeSet<(u8, i32)>)>,
}

impl Broker {
    fn answer(&mut self, request: &ShareFetchRequest) -> ShareFetchResponse {
        let failed = |error_code| ShareFetchResponse { error_code, ..Default::default() };
        let named = |topics: &[FetchTopic]| {
            let pairs = topics.iter().flat_map(|topic| {
                topic.partitions.iter().map(|partition| (topic.topic_id.0[0], partition.partition_index))
            });
            pairs.collect::<Vec<_>>()
        };
        match request.share_session_epoch {
            0 => self.session = Some((1, named(&request.topics).into_iter().collect())),
            -1 if self.session.is_none() => return failed(NO_SESSION),
            -1 => self.session = None,
            epoch => {
                let Some((expected, held)) = &mut self.session else { return failed(NO_SESSION) };
                if *expected != epoch {
                    return failed(WRONG_EPOCH);
                }
                *expected += 1;
                held.extend(named(&request.topics));
                for forgotten in &request.forgotten_topics_data {
                    for partition in &forgotten.partitions {
                        held.remove(&(forgotten.topic_id.0[0], *partition));
                    }
                }
            }
        }
        let held = self.session.iter().flat_map(|(_, held)| held);
        answer_with(&held.copied().collect::<Vec<_>>())
    }
}

fn answer_with(partitions: &[(u8, i32)]) -> ShareFetchResponse {
    let mut topics: BTreeMap<u8, Vec<PartitionData>> = BTreeMap::new();
    for (topic, partition_index) in partitions {
        topics.entry(*topic).or_default().push(PartitionData {
            partition_index: *partition_index,
            records: Bytes::from_static(b"records"),
            ..Default::default()
        });
    }
    let topic = |(topic, partitions)| ShareFetchableTopicResponse {
        topic_id: id(topic),
        partitions,
        ..Default::default()
    };
    ShareFetchResponse {
        acquisition_lock_timeout_ms: 30_000,
        responses: topics.into_iter().map(topic).collect(),
        ..Default::default()
    }
}

/// Sends a request and plays the broker. Unknown ids are unknown to the broker too.
fn exchange(
    door: &mut Door,
    broker: &mut Broker,
    version: i16,
    request: &ShareFetchRequest,
) -> ShareFetchResponse {
    let mut outcome = door.send(version, request);
    if let Outcome::Asked(asked) = outcome {
        outcome = asked.answered_from(door, &[]);
    }
    match outcome {
        Outcome::Answered(answer) => answer,
        other => {
            let forwarded = other.forwarded();
            let answer = broker.answer(&forwarded.request);
            forwarded.answered(door, &answer)
        }
    }
}

fn versions() -> std::ops::RangeInclusive<i16> {
    Door::versions::<ShareFetchRequest>()
}

#[test]
fn what_may_be_read_passes_untouched() {
    for version in versions() {
        let (mut door, mut broker) = (reader(&[1, 2]), Broker::default());
        for request in [
            share_fetch(0, &[(1, 0), (1, 1), (2, 0)], &[]),
            share_fetch(1, &[], &[]),
            share_fetch(2, &[(2, 5)], &[(1, 0)]),
            with_acknowledgements(share_fetch(3, &[(1, 1)], &[])),
            with_acknowledgements(share_fetch(-1, &[(1, 1)], &[])),
        ] {
            let forwarded = door.send(version, &request).forwarded();
            assert!(!forwarded.edited);
            let answer = broker.answer(&request);
            assert_eq!(forwarded.answered(&mut door, &answer), answer);
        }
        assert_eq!(door.denials(), []);
    }
}

#[test]
fn what_may_not_be_read_stays_in_the_session_as_an_error() {
    for version in versions() {
        let (mut door, mut broker) = (reader(&[1]), Broker::default());
        let request = share_fetch(0, &[(1, 0), (2, 0), (2, 1), (77, 0)], &[]);
        let asked = door.send(version, &request).asked();
        let ids: Vec<_> = asked.question::<MetadataRequest>().topics.unwrap();
        assert_eq!(ids.iter().map(|topic| topic.topic_id).collect::<Vec<_>>(), [id(77)]);
        let forwarded = asked.answered_from(&mut door, &[]).forwarded();
        assert_eq!(forwarded.request, share_fetch(0, &[(1, 0)], &[]));
        assert_eq!(door.denials(), [(Operation::Read, "topic-2")]);
        assert_eq!(door.heard.iter().find(|heard| heard.name == "topic-2").unwrap().count, 2);
        let answer = broker.answer(&forwarded.request);
        let first = forwarded.answered(&mut door, &answer);
        assert_eq!(first.acquisition_lock_timeout_ms, 30_000);
        let errors =
            [((2, 0), (DENIED, 0, false)), ((2, 1), (DENIED, 0, false)), ((77, 0), (UNKNOWN_ID, 0, false))];
        let expected: Seen = errors.into_iter().chain([((1, 0), (0, 0, true))]).collect();
        assert_eq!(seen(&first), expected);
        // On and on.
        let next = exchange(&mut door, &mut broker, version, &share_fetch(1, &[], &[]));
        assert_eq!(seen(&next), expected);
        let next = exchange(&mut door, &mut broker, version, &share_fetch(2, &[], &[(2, 0), (77, 0)]));
        assert_eq!(seen(&next), [((2, 1), (DENIED, 0, false)), ((1, 0), (0, 0, true))].into());
    }
}

/// A broker ends a session, and counts on, even if nothing can be read.
#[test]
fn a_request_of_which_nothing_is_left_reaches_the_broker() {
    for version in versions() {
        let (mut door, mut broker) = (reader(&[]), Broker::default());
        for (epoch, edited) in [(0, true), (1, false), (-1, false)] {
            let wanted = if epoch == 0 { &[(2, 0)][..] } else { &[] };
            let forwarded = door.send(version, &share_fetch(epoch, wanted, &[])).forwarded();
            assert_eq!(forwarded.request, share_fetch(epoch, &[], &[]));
            assert_eq!(forwarded.edited, edited);
            let answer = broker.answer(&forwarded.request);
            assert_eq!(answer.error_code, 0);
            let expected = if epoch == -1 { vec![] } else { vec![((2, 0), (DENIED, 0, false))] };
            assert_eq!(seen(&forwarded.answered(&mut door, &answer)), expected.into_iter().collect());
        }
        assert!(broker.session.is_none());
        let answer = door.send(version, &share_fetch(2, &[], &[])).reply();
        assert_eq!(answer, ShareFetchResponse { error_code: NO_SESSION, ..Default::default() });
    }
}

#[test]
fn whoever_loses_a_right_gets_no_more_records_and_whoever_gets_one_does() {
    for version in versions() {
        let (mut door, mut broker) = (reader(&[1, 2]), Broker::default());
        exchange(&mut door, &mut broker, version, &share_fetch(0, &[(1, 0), (2, 0), (2, 1)], &[]));
        change(&mut door, &[1]);
        // The member names nothing.
        let forwarded = door.send(version, &share_fetch(1, &[], &[])).forwarded();
        let mut told = share_fetch(1, &[], &[(2, 0)]);
        told.forgotten_topics_data[0].partitions.push(1);
        assert_eq!(forwarded.request, told);
        let answer = broker.answer(&forwarded.request);
        let without = [((1, 0), (0, 0, true)), ((2, 0), (DENIED, 0, false)), ((2, 1), (DENIED, 0, false))];
        assert_eq!(seen(&forwarded.answered(&mut door, &answer)), without.into());
        let answer = exchange(&mut door, &mut broker, version, &share_fetch(2, &[(2, 0), (2, 2)], &[(2, 1)]));
        let without = [((1, 0), (0, 0, true)), ((2, 0), (DENIED, 0, false)), ((2, 2), (DENIED, 0, false))];
        assert_eq!(seen(&answer), without.into());

        change(&mut door, &[1, 2]);
        let forwarded = door.send(version, &share_fetch(3, &[(2, 0)], &[])).forwarded();
        assert_eq!(forwarded.request, share_fetch(3, &[(2, 0), (2, 2)], &[]));
        let answer = broker.answer(&forwarded.request);
        let all = [((1, 0), (0, 0, true)), ((2, 0), (0, 0, true)), ((2, 2), (0, 0, true))];
        assert_eq!(seen(&forwarded.answered(&mut door, &answer)), all.into());
        assert!(!door.send(version, &share_fetch(4, &[], &[])).forwarded().edited);
    }
}

#[test]
fn the_right_on_the_group_is_looked_at_on_every_request() {
    for version in versions() {
        let (mut door, mut broker) = (reader(&[1]), Broker::default());
        exchange(&mut door, &mut broker, version, &share_fetch(0, &[(1, 0)], &[]));
        door.change([read(1), allow(Operation::Describe, Group, "g")]);
        for epoch in [0, 1, -1] {
            let answer = door.send(version, &share_fetch(epoch, &[(1, 0)], &[])).reply();
            assert_eq!(answer, ShareFetchResponse { error_code: GROUP_DENIED, ..Default::default() });
            let request = share_acknowledge(epoch, &[(1, 0)]);
            let answer = door.send(version, &request).reply();
            assert_eq!(answer, ShareAcknowledgeResponse { error_code: GROUP_DENIED, ..Default::default() });
        }
        change(&mut door, &[1]);
        assert_eq!(
            exchange(&mut door, &mut broker, version, &share_fetch(1, &[], &[])).error_code,
            0,
            "the session lives"
        );
    }
}

#[test]
fn names_and_limits_are_looked_at_around_the_right_on_the_group() {
    let failed = |error_code| ShareFetchResponse { error_code, ..Default::default() };
    let not_acknowledged = |error_code| ShareAcknowledgeResponse { error_code, ..Default::default() };
    for version in versions() {
        for (group, member, may, cannot) in [
            (None, Some("m"), INVALID_REQUEST, INVALID_REQUEST),
            (Some("g"), None, INVALID_REQUEST, GROUP_DENIED),
            (Some("g"), Some(""), INVALID_REQUEST, GROUP_DENIED),
            (Some("g"), Some("1234567890123456789012345678901234567"), INVALID_REQUEST, GROUP_DENIED),
            (Some("g"), Some("123456789012345678901234567890123456"), NO_SESSION, GROUP_DENIED),
            // Two of Java's characters each.
            (Some("g"), Some("𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞"), NO_SESSION, GROUP_DENIED),
            (Some("g"), Some("𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞"), INVALID_REQUEST, GROUP_DENIED),
        ] {
            for (mut door, code) in [(reader(&[1]), may), (Door::new([read(1)]), cannot)] {
                let request = ShareFetchRequest {
                    group_id: group.map(Str::from),
                    member_id: member.map(Str::from),
                    ..share_fetch(7, &[], &[])
                };
                assert_eq!(door.send(version, &request).reply(), failed(code), "{group:?} {member:?}");
                let request = ShareAcknowledgeRequest {
                    group_id: group.map(Str::from),
                    member_id: member.map(Str::from),
                    ..share_acknowledge(7, &[])
                };
                assert_eq!(door.send(version, &request).reply(), not_acknowledged(code));
            }
        }
        let first = with_acknowledgements(share_fetch(0, &[(1, 0)], &[]));
        assert_eq!(reader(&[1]).send(version, &first).reply(), failed(INVALID_REQUEST));
        assert_eq!(reader(&[]).send(version, &first).reply(), failed(INVALID_REQUEST));
        let mut twice = share_fetch(0, &[(1, 0), (2, 0)], &[]);
        let again = twice.topics[1].clone();
        twice.topics.push(again);
        assert_eq!(reader(&[1]).send(version, &twice).reply(), failed(-1));
    }
    let renewal = ShareFetchRequest {
        is_renew_ack: true,
        max_wait_ms: 0,
        max_records: 0,
        max_bytes: 0,
        ..with_acknowledgements(share_fetch(1, &[(1, 0), (2, 0)], &[]))
    };
    let (mut door, mut broker) = (reader(&[1]), Broker::default());
    exchange(&mut door, &mut broker, 2, &share_fetch(0, &[(1, 0), (2, 0)], &[]));
    for wrong in [
        ShareFetchRequest { max_wait_ms: 1, ..renewal.clone() },
        ShareFetchRequest { min_bytes: 1, ..renewal.clone() },
        ShareFetchRequest { max_bytes: 1, ..renewal.clone() },
        ShareFetchRequest { max_records: 1, ..renewal.clone() },
    ] {
        assert_eq!(door.send(2, &wrong).reply(), failed(INVALID_REQUEST));
    }
    // It fetches nothing: there is only what becomes of the acknowledgements.
    let forwarded = door.send(2, &renewal).forwarded();
    assert_eq!(forwarded.request.topics, renewal.topics[..1]);
    let answer = forwarded.answered(&mut door, &ShareFetchResponse::default());
    assert_eq!(seen(&answer), [((2, 0), (0, DENIED, false))].into());
}

#[test]
fn epochs_are_those_of_the_session() {
    for version in versions() {
        let (mut door, mut broker) = (reader(&[1]), Broker::default());
        let code = |door: &mut Door, broker: &mut Broker, epoch| {
            exchange(door, broker, version, &share_fetch(epoch, &[], &[(1, 0)])).error_code
        };
        assert_eq!(code(&mut door, &mut broker, 1), NO_SESSION);
        assert_eq!(code(&mut door, &mut broker, -1), NO_SESSION);
        assert_eq!(code(&mut door, &mut broker, -2), NO_SESSION);
        exchange(&mut door, &mut broker, version, &share_fetch(0, &[(1, 0)], &[]));
        for wrong in [2, 0x7fff_ffff, -2, i32::MIN] {
            assert_eq!(code(&mut door, &mut broker, wrong), WRONG_EPOCH);
            // What it forgets is not forgotten.
            change(&mut door, &[]);
            let forwarded = door.send(version, &share_fetch(1, &[], &[])).forwarded();
            assert_eq!(forwarded.request.forgotten_topics_data.len(), 1);
            (door, broker) = (reader(&[1]), Broker::default());
            exchange(&mut door, &mut broker, version, &share_fetch(0, &[(1, 0)], &[]));
        }
        assert_eq!(code(&mut door, &mut broker, 1), 0);
        assert_eq!(code(&mut door, &mut broker, 1), WRONG_EPOCH);
        assert_eq!(code(&mut door, &mut broker, 2), 0);
        assert_eq!(code(&mut door, &mut broker, -1), 0);
        assert_eq!(code(&mut door, &mut broker, 3), NO_SESSION);
    }
}

/// The broker knows a session by the names of group and member alone.
#[test]
fn nobody_reads_from_the_session_of_another_connection() {
    for version in versions() {
        let (mut victim, mut broker) = (reader(&[1, 2]), Broker::default());
        exchange(&mut victim, &mut broker, version, &share_fetch(0, &[(1, 0), (2, 0)], &[]));
        let mut thief = reader(&[1]);
        for epoch in [1, -1] {
            let answer = thief.send(version, &share_fetch(epoch, &[], &[])).reply();
            assert_eq!(answer, ShareFetchResponse { error_code: NO_SESSION, ..Default::default() });
            let answer = thief.send(version, &share_acknowledge(epoch, &[(1, 0)])).reply();
            assert_eq!(answer, ShareAcknowledgeResponse { error_code: NO_SESSION, ..Default::default() });
        }
        // With a session of its own it waits for the victim to begin anew.
        exchange(&mut thief, &mut broker, version, &share_fetch(0, &[(1, 0)], &[]));
        exchange(&mut victim, &mut broker, version, &share_fetch(0, &[(1, 0), (2, 0)], &[]));
        let forwarded = thief.send(version, &share_fetch(1, &[], &[])).forwarded();
        let answer = broker.answer(&forwarded.request);
        assert_eq!(seen(&answer).len(), 2, "the broker does not mind");
        let answer = forwarded.answered(&mut thief, &answer);
        assert_eq!(answer, ShareFetchResponse { error_code: NO_SESSION, ..Default::default() });
        assert_eq!(thief.send(version, &share_fetch(2, &[], &[])).reply().error_code, NO_SESSION);
    }
}

#[test]
fn an_error_of_the_broker_ends_the_session() {
    for version in versions() {
        for error_code in [-1, NO_SESSION, WRONG_EPOCH, 133] {
            let failed = ShareFetchResponse { error_code, ..Default::default() };
            let (mut door, mut broker) = (reader(&[1]), Broker::default());
            exchange(&mut door, &mut broker, version, &share_fetch(0, &[(1, 0), (2, 0)], &[]));
            let forwarded = door.send(version, &share_fetch(1, &[], &[])).forwarded();
            assert_eq!(forwarded.answered(&mut door, &failed), failed, "without other errors");
            assert_eq!(door.send(version, &share_fetch(2, &[], &[])).reply().error_code, NO_SESSION);

            exchange(&mut door, &mut broker, version, &share_fetch(0, &[(1, 0)], &[]));
            let forwarded = door.send(version, &share_acknowledge(1, &[(1, 0), (2, 0)])).forwarded();
            let failed = ShareAcknowledgeResponse { error_code, ..Default::default() };
            assert_eq!(forwarded.answered(&mut door, &failed), failed);
            assert_eq!(door.send(version, &share_fetch(2, &[], &[])).reply().error_code, NO_SESSION);
        }
    }
}

#[test]
fn an_id_that_gets_a_name_is_read_from_then_on() {
    for version in versions() {
        let (mut door, mut broker) = (reader(&[1, 50]), Broker::default());
        let answer =
            exchange(&mut door, &mut broker, version, &share_fetch(0, &[(1, 0), (50, 0), (0, 0)], &[]));
        let expected =
            [((0, 0), (UNKNOWN_ID, 0, false)), ((1, 0), (0, 0, true)), ((50, 0), (UNKNOWN_ID, 0, false))];
        assert_eq!(seen(&answer), expected.into());
        let asked = door.send(version, &share_fetch(1, &[], &[])).asked();
        let forwarded = asked.answered_from(&mut door, &[("topic-50", id(50), 1)]).forwarded();
        assert_eq!(forwarded.request, share_fetch(1, &[(50, 0)], &[]));
        let answer = broker.answer(&forwarded.request);
        assert_eq!(seen(&forwarded.answered(&mut door, &answer))[&(50, 0)], (0, 0, true));
    }
}

#[test]
fn acknowledgements_of_what_may_not_be_read_do_not_reach_the_broker() {
    for version in versions() {
        let (mut door, mut broker) = (reader(&[1]), Broker::default());
        exchange(&mut door, &mut broker, version, &share_fetch(0, &[(1, 0), (2, 0)], &[]));
        let request = with_acknowledgements(share_fetch(1, &[(1, 0), (2, 0), (2, 1), (77, 0)], &[(2, 1)]));
        let asked = door.send(version, &request).asked();
        let forwarded = asked.answered_from(&mut door, &[]).forwarded();
        assert_eq!(forwarded.request.topics, request.topics[..1]);
        let answer = broker.answer(&forwarded.request);
        let expected = [
            ((1, 0), (0, 0, true)),
            ((2, 0), (DENIED, DENIED, false)),
            ((2, 1), (0, DENIED, false)),
            ((77, 0), (UNKNOWN_ID, UNKNOWN_ID, false)),
        ];
        assert_eq!(seen(&forwarded.answered(&mut door, &answer)), expected.into());
        // Those of the last request: nothing is fetched any more.
        let request = with_acknowledgements(share_fetch(-1, &[(1, 0), (2, 0)], &[]));
        let forwarded = door.send(version, &request).forwarded();
        assert_eq!(forwarded.request.topics, request.topics[..1]);
        let answer = forwarded.answered(&mut door, &ShareFetchResponse::default());
        assert_eq!(seen(&answer), [((2, 0), (0, DENIED, false))].into());
    }
}

fn share_acknowledge(epoch: i32, partitions: &[(u8, i32)]) -> ShareAcknowledgeRequest {
    let topic = |(topic, partition_index): &(u8, i32)| acknowledging::AcknowledgeTopic {
        topic_id: id(*topic),
        partitions: vec![acknowledging::AcknowledgePartition {
            partition_index: *partition_index,
            acknowledgement_batches: vec![range(0, 0, &[1])],
            ..Default::default()
        }],
        ..Default::default()
    };
    ShareAcknowledgeRequest {
        group_id: Some("g".into()),
        member_id: Some("member".into()),
        share_session_epoch: epoch,
        topics: partitions.iter().map(topic).collect(),
        ..Default::default()
    }
}

fn range(first_offset: i64, last_offset: i64, types: &[i8]) -> acknowledging::AcknowledgementBatch {
    acknowledging::AcknowledgementBatch {
        first_offset,
        last_offset,
        acknowledge_types: types.to_vec(),
        ..Default::default()
    }
}

fn told(topic: u8, partitions: &[(i32, i16)]) -> acknowledged::ShareAcknowledgeTopicResponse {
    let partition = |(partition_index, error_code): &(i32, i16)| acknowledged::PartitionData {
        partition_index: *partition_index,
        error_code: *error_code,
        ..Default::default()
    };
    acknowledged::ShareAcknowledgeTopicResponse {
        topic_id: id(topic),
        partitions: partitions.iter().map(partition).collect(),
        ..Default::default()
    }
}

#[test]
fn records_are_acknowledged_by_those_who_may_read_them() {
    for version in Door::versions::<ShareAcknowledgeRequest>() {
        let (mut door, mut broker) = (reader(&[1]), Broker::default());
        assert_eq!(door.send(version, &share_acknowledge(0, &[])).reply().error_code, WRONG_EPOCH);
        exchange(&mut door, &mut broker, version, &share_fetch(0, &[(1, 0)], &[]));
        assert_eq!(door.send(version, &share_acknowledge(0, &[])).reply().error_code, WRONG_EPOCH);
        assert_eq!(door.send(version, &share_acknowledge(2, &[])).reply().error_code, WRONG_EPOCH);

        let answer = ShareAcknowledgeResponse {
            throttle_time_ms: 5,
            acquisition_lock_timeout_ms: if version >= 2 { 30_000 } else { 0 },
            responses: vec![told(1, &[(0, 0)])],
            ..Default::default()
        };
        let forwarded = door.send(version, &share_acknowledge(1, &[(1, 0)])).forwarded();
        assert!(!forwarded.edited);
        assert_eq!(forwarded.answered(&mut door, &answer), answer);

        let request = share_acknowledge(2, &[(2, 1), (1, 0), (2, 0), (77, 3)]);
        let asked = door.send(version, &request).asked();
        let forwarded = asked.answered_from(&mut door, &[]).forwarded();
        assert_eq!(forwarded.request, share_acknowledge(2, &[(1, 0)]));
        let mut expected = answer.clone();
        expected.responses.extend([told(2, &[(0, DENIED), (1, DENIED)]), told(77, &[(3, UNKNOWN_ID)])]);
        assert_eq!(forwarded.answered(&mut door, &answer), expected);

        // The session ends at the broker even if nothing of it is left.
        let forwarded = door.send(version, &share_acknowledge(-1, &[(2, 1)])).forwarded();
        assert_eq!(forwarded.request, share_acknowledge(-1, &[]));
        let answer = forwarded.answered(&mut door, &ShareAcknowledgeResponse::default());
        assert_eq!(answer.responses, [told(2, &[(1, DENIED)])]);
        assert_eq!(door.send(version, &share_acknowledge(3, &[])).reply().error_code, NO_SESSION);
    }
}

#[test]
fn whether_an_acknowledgement_makes_sense_is_looked_at_before_the_right() {
    let cases: [(&[(i64, i64, &[i8])], i16); 14] = [
        (&[], DENIED),
        (&[(0, 0, &[1])], DENIED),
        (&[(0, 9, &[0])], DENIED),
        (&[(0, 2, &[1, 2, 3])], DENIED),
        (&[(0, 4, &[1]), (4, 6, &[1])], DENIED),
        (&[(1, 0, &[1])], INVALID_REQUEST),
        (&[(0, 4, &[1]), (3, 6, &[1])], INVALID_REQUEST),
        (&[(0, 2, &[1, 2])], INVALID_REQUEST),
        (&[(0, 1, &[1, 2, 3])], INVALID_REQUEST),
        (&[(i64::MIN, i64::MAX, &[1, 2])], INVALID_REQUEST),
        (&[(0, 0, &[])], INVALID_REQUEST),
        (&[(0, 0, &[-1])], INVALID_REQUEST),
        (&[(0, 0, &[5])], INVALID_REQUEST),
        (&[(0, 0, &[4])], INVALID_REQUEST),
    ];
    for version in Door::versions::<ShareAcknowledgeRequest>() {
        for (ranges, code) in cases {
            let (mut door, mut broker) = (reader(&[]), Broker::default());
            exchange(&mut door, &mut broker, version, &share_fetch(0, &[], &[]));
            let mut request = share_acknowledge(1, &[(2, 0)]);
            request.topics[0].partitions[0].acknowledgement_batches =
                ranges.iter().map(|(first, last, types)| range(*first, *last, types)).collect();
            let forwarded = door.send(version, &request).forwarded();
            let answer = forwarded.answered(&mut door, &ShareAcknowledgeResponse::default());
            assert_eq!(answer.responses, [told(2, &[(0, code)])], "version {version} {ranges:?}");
        }
    }
    // A record may be kept for longer only by a request that says so.
    let (mut door, mut broker) = (reader(&[]), Broker::default());
    exchange(&mut door, &mut broker, 2, &share_fetch(0, &[], &[]));
    let mut request = ShareAcknowledgeRequest { is_renew_ack: true, ..share_acknowledge(1, &[(2, 0)]) };
    request.topics[0].partitions[0].acknowledgement_batches = vec![range(0, 0, &[4])];
    let forwarded = door.send(2, &request).forwarded();
    let answer = forwarded.answered(&mut door, &ShareAcknowledgeResponse::default());
    assert_eq!(answer.responses, [told(2, &[(0, DENIED)])]);
}

#[test]
fn addresses_of_new_leaders_are_rewritten() {
    let node =
        |node_id, host: &str, port| NodeEndpoint { node_id, host: host.into(), port, ..Default::default() };
    for version in versions() {
        let (mut door, mut broker) = (reader(&[1]), Broker::default());
        door.advertised =
            Advertised::new(Mapping::Table { brokers: [(1, ("door".to_owned(), 9093))].into() });
        exchange(&mut door, &mut broker, version, &share_fetch(0, &[(1, 0)], &[]));
        let forwarded = door.send(version, &share_fetch(1, &[], &[])).forwarded();
        let mut answer = answer_with(&[(1, 0)]);
        answer.node_endpoints = vec![node(1, "broker", 9092), node(2, "broker", 9092)];
        let seen = forwarded.answered(&mut door, &answer);
        assert_eq!(seen.node_endpoints, [node(1, "door", 9093)]);
        assert_eq!(seen.responses, answer.responses);
        assert_eq!(door.unmapped, [2]);

        let forwarded = door.send(version, &share_acknowledge(2, &[(1, 0)])).forwarded();
        let node = acknowledged::NodeEndpoint {
            node_id: 1,
            host: "broker".into(),
            port: 9092,
            ..Default::default()
        };
        let answer = ShareAcknowledgeResponse { node_endpoints: vec![node], ..Default::default() };
        let seen = forwarded.answered(&mut door, &answer);
        assert_eq!((&*seen.node_endpoints[0].host, seen.node_endpoints[0].port), ("door", 9093));
    }
}

#[test]
fn a_connection_keeps_a_bounded_number_of_sessions_of_bounded_size() {
    let mut door = reader(&[1]);
    let of = |member: usize, epoch| ShareFetchRequest {
        member_id: Some(member.to_string().into()),
        ..share_fetch(epoch, &[(1, 0)], &[])
    };
    for member in 0..100 {
        door.send(2, &of(member, 0)).forwarded();
    }
    let alive = (0..100).filter(|member| matches!(door.send(2, &of(*member, 1)), Outcome::Forwarded(_)));
    assert_eq!(alive.count(), 8);

    let partitions: Vec<_> = (0..100_001).map(|partition| (2, partition)).collect();
    let answer = door.send(2, &share_fetch(0, &partitions, &[])).reply();
    assert_eq!(answer, ShareFetchResponse { error_code: 133, ..Default::default() });
    door.send(2, &share_fetch(0, &partitions[1..], &[])).forwarded();
    let answer = door.send(2, &share_fetch(1, &partitions[..1], &[])).reply();
    assert_eq!(answer.error_code, 133);
    assert_eq!(door.send(2, &share_fetch(2, &[], &[])).reply().error_code, NO_SESSION);
}

/// A client in the dark: whatever it does while ACLs change, it sees what Kafka would show, and the broker's session
/// holds exactly what the client may read.
#[test]
fn sessions_are_kafkas_whatever_happens() {
    let mut state = 88_172_645_463_325_252_u64;
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let mut compared = 0;
    for round in 0..300 {
        let version = 1 + (round % 2) as i16;
        let mut may: BTreeSet<u8> = (1..6).filter(|_| random(2) == 0).collect();
        let topics: Vec<u8> = may.iter().copied().collect();
        let (mut door, mut broker) = (reader(&topics), Broker::default());
        // The session as the client believes it to be: epoch and partitions.
        let mut believed: Option<(i32, BTreeSet<(u8, i32)>)> = None;
        for _ in 0..20 {
            if random(4) == 0 {
                let topic = 1 + random(5) as u8;
                if !may.remove(&topic) {
                    may.insert(topic);
                }
                change(&mut door, &may.iter().copied().collect::<Vec<_>>());
            }
            let mut some = |most: u64| {
                let pairs = (0..random(most)).map(|_| (1 + random(6) as u8, random(3) as i32));
                pairs.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
            };
            let (wanted, forgotten) = (some(5), some(4));
            let epoch = match (random(8), &believed) {
                (0, _) | (_, None) => 0,
                (1, _) => -1,
                (2, Some((epoch, _))) => *epoch + 1,
                (_, Some((epoch, _))) => *epoch,
            };
            let request = share_fetch(epoch, &wanted, &forgotten);
            let answer = exchange(&mut door, &mut broker, version, &request);
            let expected_code = match &believed {
                _ if epoch == 0 => 0,
                None => NO_SESSION,
                Some((expected, _)) if epoch != -1 && epoch != *expected => WRONG_EPOCH,
                Some(_) => 0,
            };
            assert_eq!(answer.error_code, expected_code, "round {round}");
            if expected_code != 0 {
                continue;
            }
            match epoch {
                0 => believed = Some((1, wanted.into_iter().collect())),
                -1 => believed = None,
                _ => {
                    let (epoch, held) = believed.as_mut().unwrap();
                    *epoch += 1;
                    held.extend(wanted);
                    held.retain(|partition| !forgotten.contains(partition));
                }
            }
            let none = BTreeSet::new();
            let held = believed.as_ref().map_or(&none, |(_, held)| held);
            let what = |partition: &(u8, i32)| match may.contains(&partition.0) {
                true => (*partition, (0, 0, true)),
                false => (*partition, (DENIED, 0, false)),
            };
            assert_eq!(seen(&answer), held.iter().map(what).collect(), "round {round}");
            let readable: BTreeSet<_> =
                held.iter().copied().filter(|(topic, _)| may.contains(topic)).collect();
            let at_broker = broker.session.as_ref().map_or(&none, |(_, held)| held);
            assert_eq!(at_broker, &readable, "round {round}");
            compared += 1;
        }
    }
    assert!(compared > 3000, "{compared}");
}

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

        // Kafka 4.4 looks at the member's id first, older ones do not.
        for member_id in ["", "1234567890123456789012345678901234567"] {
            may().send(version, &heartbeat(member_id, Some(&["a"]))).untouched();
            let mut door = may();
            let answer = door.send(version, &heartbeat(member_id, Some(&["a", "x"]))).reply();
            assert_eq!(answer, failed(INVALID_REQUEST));
            assert_eq!(door.denials(), []);
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

mod offsets {
    use super::*;
    use doorkeeper::protocol::messages::alter_share_group_offsets_request as altering;
    use doorkeeper::protocol::messages::alter_share_group_offsets_response as altered;
    use doorkeeper::protocol::messages::delete_share_group_offsets_request as deleting;
    use doorkeeper::protocol::messages::delete_share_group_offsets_response as deleted;
    use doorkeeper::protocol::messages::describe_share_group_offsets_request as describing;
    use doorkeeper::protocol::messages::describe_share_group_offsets_response as described;

    fn topic_text() -> Option<Str> {
        Some("Topic authorization failed.".into())
    }

    fn group(
        name: &str,
        topics: Option<&[(&str, &[i32])]>,
    ) -> describing::DescribeShareGroupOffsetsRequestGroup {
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

            let mixed =
                alter(&[("no", &[0, 1]), ("topic-1", &[0]), ("nor", &[]), ("no", &[4]), ("gone", &[0])]);
            let mut door = reader(&[1]);
            let forwarded = door.send(version, &mixed).forwarded();
            assert_eq!(forwarded.request, alter(&[("topic-1", &[0])]));
            let answer = AlterShareGroupOffsetsResponse {
                responses: vec![altered("topic-1", &[(0, 0, None)])],
                ..Default::default()
            };
            let expected = [
                altered("no", &[(0, DENIED, denied), (1, DENIED, denied), (4, DENIED, denied)]),
                altered("gone", &[(0, DENIED, denied)]),
                altered("topic-1", &[(0, 0, None)]),
            ];
            assert_eq!(forwarded.answered(&mut door, &answer).responses, expected);

            // An error of the group comes alone.
            let forwarded = door.send(version, &alter(&[("no", &[0])])).forwarded();
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

    fn deleted(
        name: &str,
        error_code: i16,
        text: Option<Str>,
    ) -> deleted::DeleteShareGroupOffsetsResponseTopic {
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
}
