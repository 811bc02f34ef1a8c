//! Produce: what reaches the broker, whole or while it arrives, and what the client is told.

use doorkeeper::model::acl::Operation::*;
use doorkeeper::model::acl::ResourceType::{Topic, TransactionalId};
use doorkeeper::protocol::api::{Answer, Passage, Row, encoded};
use doorkeeper::protocol::error_code::*;
use doorkeeper::protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use doorkeeper::protocol::messages::{ProduceRequest, ProduceResponse};
use doorkeeper::protocol::wire::{Bytes, Message, Str};

use crate::support::door::*;

/// The first version with transactional ids, and the first with topic ids.
const TRANSACTIONS: i16 = 3;
const TOPIC_IDS: i16 = 13;

/// A batch in a format of records, with attributes.
fn batch(magic: u8, attributes: u8) -> Vec<u8> {
    let mut batch = vec![0x55; 90];
    batch[8..12].copy_from_slice(&78i32.to_be_bytes());
    (batch[16], batch[22]) = (magic, attributes);
    batch
}

fn plain() -> Vec<u8> {
    batch(2, 0)
}

fn of_transaction() -> Vec<u8> {
    batch(2, 0x10)
}

fn produce(id: Option<&str>, topics: &[(&str, Vec<Option<Vec<u8>>>)]) -> ProduceRequest {
    let partition = |(index, records): (usize, &Option<Vec<u8>>)| PartitionProduceData {
        index: i32::try_from(index).unwrap(),
        records: records.clone().map(Bytes::from),
        ..Default::default()
    };
    let topic = |(name, partitions): &(&str, Vec<Option<Vec<u8>>>)| TopicProduceData {
        name: (*name).into(),
        topic_id: id_of(name),
        partition_data: partitions.iter().enumerate().map(partition).collect(),
        ..Default::default()
    };
    ProduceRequest {
        transactional_id: id.map(Str::from),
        acks: -1,
        timeout_ms: 1000,
        topic_data: topics.iter().map(topic).collect(),
        ..Default::default()
    }
}

fn id_of(name: &str) -> doorkeeper::protocol::wire::Uuid {
    id(name.as_bytes()[0])
}

fn door() -> Door {
    let bindings = [allow(Write, Topic, "a"), allow(Write, Topic, "b"), allow(Write, TransactionalId, "x")];
    Door::new(bindings).knowing(&[(id_of("a"), "a"), (id_of("b"), "b"), (id_of("z"), "z")])
}

fn codes(answer: &ProduceResponse) -> Vec<(i32, i16)> {
    let partitions = answer.responses.iter().flat_map(|topic| &topic.partition_responses);
    partitions.map(|partition| (partition.index, partition.error_code)).collect()
}

/// What becomes of a request that arrives in two pieces: it passes, it is cut off behind the first, or it must be whole.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Passed {
    Whole,
    CutOff,
    Not,
}

fn pass(door: &mut Door, version: i16, body: &[u8], first: usize) -> Passed {
    let judge = Row::find(ProduceRequest::KEY).unwrap().head.unwrap();
    let passage = door.access(version, |access| judge(&body[..first], body.len(), access));
    let Some(Passage { answer, mut watch }) = passage else { return Passed::Not };
    assert!(matches!(answer, Answer::Untouched));
    match watch.piece(&body[first..]) {
        Ok(()) => Passed::Whole,
        Err(_) => Passed::CutOff,
    }
}

#[test]
fn records_of_a_transaction_need_its_id_and_a_right_on_it() {
    let both =
        |first: Vec<u8>, second: Vec<u8>| vec![("a", vec![Some(first)]), ("b", vec![None, Some(second)])];
    for version in Door::versions::<ProduceRequest>() {
        door().send(version, &produce(None, &both(plain(), plain()))).untouched();
        for topics in [both(of_transaction(), plain()), both(plain(), of_transaction())] {
            let refused = [(0, 53), (0, 53), (1, 53)];
            let answer = door().send(version, &produce(None, &topics)).reply();
            assert_eq!(codes(&answer), refused, "version {version}");
            if version >= TRANSACTIONS {
                door().send(version, &produce(Some("x"), &topics)).untouched();
                let answer = door().send(version, &produce(Some("other"), &topics)).reply();
                assert_eq!(codes(&answer), refused);
            }
        }
        // Older formats know no transactions, and what is cut short is no batch.
        let old = both(batch(1, 0xff), batch(0, 0xff));
        door().send(version, &produce(None, &old)).untouched();
        let cut = both(of_transaction()[..89].to_vec(), plain());
        door().send(version, &produce(None, &cut)).untouched();
    }
}

/// From version 3 on all brokers refuse a second batch; before, they append it.
#[test]
fn a_transaction_does_not_hide_behind_another_batch() {
    for version in Door::versions::<ProduceRequest>() {
        let records = [plain(), batch(1, 0), of_transaction()].concat();
        let outcome = door().send(version, &produce(None, &[("a", vec![Some(records)])]));
        match version < TRANSACTIONS {
            true => assert_eq!(codes(&outcome.reply()), [(0, TRANSACTIONAL_ID_AUTHORIZATION_FAILED)]),
            false => outcome.untouched(),
        }
    }
}

/// Wherever it is cut: nothing passes of which the broker is not to have the whole, and what may pass does.
#[test]
fn what_passes_while_it_arrives_is_what_may_pass_when_it_is_whole() {
    let one = |name, partitions: &[Vec<u8>]| vec![(name, partitions.iter().cloned().map(Some).collect())];
    let requests = [
        (produce(None, &one("a", &[plain()])), true),
        (produce(None, &one("a", &[plain(), plain(), vec![]])), true),
        (produce(None, &one("a", &[of_transaction()])), false),
        (produce(None, &one("a", &[plain(), of_transaction(), plain()])), false),
        (produce(None, &one("a", &[[plain(), of_transaction()].concat(), plain()])), false),
        (produce(Some("x"), &one("a", &[of_transaction(), plain()])), true),
        (produce(Some("x"), &one("a", &[plain()])), true),
        (produce(None, &one("z", &[plain()])), false),
        (produce(Some("other"), &one("a", &[of_transaction()])), false),
        (produce(None, &[("a", vec![None, Some(plain())])]), true),
    ];
    for version in Door::versions::<ProduceRequest>() {
        for (request, may_pass) in &requests {
            if request.transactional_id.is_some() && version < TRANSACTIONS {
                continue;
            }
            let body = encoded(request, version).unwrap();
            // A second batch is the broker's to refuse where each of them does.
            let has_second =
                request.topic_data[0].partition_data[0].records.as_ref().is_some_and(|it| it.len() > 90);
            let may_pass = *may_pass || has_second && version >= TRANSACTIONS;
            let (mut alice, mut passes) = (door(), 0);
            for first in 0..body.len() {
                match pass(&mut alice, version, &body, first) {
                    Passed::Whole => {
                        assert!(may_pass, "version {version}, {first} bytes of {request:?}");
                        passes += 1;
                    }
                    Passed::CutOff => assert!(!may_pass, "version {version}, {first} bytes of {request:?}"),
                    Passed::Not => {}
                }
            }
            assert_eq!(passes > 0, may_pass, "version {version}, {request:?}");
            // When the whole is there, it is decided as a whole: nobody is cut off without an answer.
            assert_ne!(pass(&mut door(), version, &body, body.len()), Passed::CutOff);
        }
    }
}

/// The first batch is known before anything goes on: with one partition, as librdkafka sends, there is always an answer.
#[test]
fn a_transaction_without_id_in_the_first_partition_is_never_cut_off() {
    for version in Door::versions::<ProduceRequest>() {
        let body = encoded(&produce(None, &[("a", vec![Some(of_transaction())])]), version).unwrap();
        for first in 0..body.len() {
            assert_eq!(pass(&mut door(), version, &body, first), Passed::Not);
        }
    }
}

#[test]
fn what_is_not_put_together_as_its_version_says_does_not_pass_whole() {
    for version in Door::versions::<ProduceRequest>() {
        let request = produce(None, &[("a", vec![Some(plain()), Some(plain())])]);
        let body = encoded(&request, version).unwrap();
        let head = if version >= TOPIC_IDS { 50 } else { 40 };
        let mut wrong = vec![body[..body.len() - 1].to_vec(), [&*body, &[0]].concat()];
        if version >= ProduceRequest::FLEXIBLE {
            // Tagged fields that nobody knows: of the partition, of the topic, of the request.
            for back in [1, 2, 3] {
                let mut tagged = body.clone();
                let at = tagged.len() - back;
                tagged.splice(at..=at, [1, 9, 1, 7]);
                wrong.push(tagged);
            }
        }
        for body in wrong {
            for first in head..body.len() {
                assert_ne!(
                    pass(&mut door(), version, &body, first),
                    Passed::Whole,
                    "version {version}, {first}"
                );
            }
        }
    }
}
