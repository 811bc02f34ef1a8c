//! The addresses of new leaders in answers of any length, which stand behind all records.

use std::collections::BTreeMap;

use doorkeeper::model::advertise::{Advertised, Mapping};
use doorkeeper::protocol::messages::fetch_response::{NodeEndpoint, PartitionData};
use doorkeeper::protocol::messages::{FetchRequest, FetchResponse};
use doorkeeper::protocol::wire::Bytes;

use super::*;
use crate::support::door::Door;

const LONG: usize = 100_000;

/// An answer with so many bytes of records, and the addresses of brokers from 1 on.
fn answer(records: usize, session_id: i32, hosts: &[&str]) -> FetchResponse {
    let mut answer = respond(17, session_id, &[((1, 0), 5), ((1, 1), 6)].into());
    answer.responses[0].partitions[0] =
        PartitionData { records: Some(Bytes::from(vec![0xee; records])), ..Default::default() };
    let node = |(node_id, host): (i32, &&str)| NodeEndpoint {
        node_id,
        host: (*host).into(),
        port: 9092,
        rack: Some("rack".into()),
        ..Default::default()
    };
    answer.node_endpoints = (1..).zip(hosts).map(node).collect();
    answer
}

fn door_as(hosts: &[(i32, &str)]) -> Door {
    let mut door = door(vec![read(1)]);
    let brokers: BTreeMap<_, _> = hosts.iter().map(|(id, host)| (*id, ((*host).to_owned(), 19092))).collect();
    door.advertised = Advertised::new(Mapping::Table { brokers: brokers.into_iter().collect() });
    door
}

/// What a client of `door` gets for this answer of the broker.
fn seen(door: &mut Door, version: i16, answer: &FetchResponse) -> FetchResponse {
    let wanted = [((1, 0), 5), ((1, 1), 6)].into();
    door.send(version, &request(version, (0, -1), &wanted, &[])).forwarded().answered(door, answer)
}

fn with_addresses() -> impl Iterator<Item = i16> {
    Door::versions::<FetchRequest>().filter(|version| *version >= 16)
}

#[test]
fn addresses_become_those_of_the_door_in_short_answers_and_in_long_ones() {
    for version in with_addresses() {
        for records in [0, LONG] {
            for new in ["kafka-1.internal", "door.internal", "a"] {
                let mut door = door_as(&[(1, new), (3, new)]);
                let plain = answer(records, 0, &["kafka-1.internal", "kafka-2.internal", "kafka-3.internal"]);
                let mut seen = seen(&mut door, version, &plain);
                let told: Vec<_> = seen
                    .node_endpoints
                    .iter()
                    .map(|node| (node.node_id, &*node.host, node.port, node.rack.as_deref()))
                    .collect();
                assert_eq!(told, [(1, new, 19092, Some("rack")), (3, new, 19092, Some("rack"))]);
                assert_eq!(door.unmapped, [2], "a broker that is not mapped is withheld");
                assert!(seen.unknown_tags.iter().all(|(_, padding)| padding.iter().all(|byte| *byte == 0)));
                seen.unknown_tags.clear();
                seen.node_endpoints = plain.node_endpoints.clone();
                assert_eq!(seen, plain, "the rest is as it was");
            }
        }
    }
}

#[test]
fn addresses_that_do_not_fit_into_a_long_answer_are_not_told() {
    for version in with_addresses() {
        for (records, told) in [(0, 1), (LONG, 0)] {
            let mut door = door_as(&[(1, "door.of.a.long.name")]);
            let plain = answer(records, 0, &["kafka"]);
            let mut seen = seen(&mut door, version, &plain);
            assert_eq!(seen.node_endpoints.len(), told);
            let rest = format!("{:?}", seen.unknown_tags);
            assert!(!rest.contains("kafka"), "{rest}");
            seen.unknown_tags.clear();
            assert_eq!(seen.responses, plain.responses);
        }
    }
}

#[test]
fn more_addresses_than_are_taken_whole_are_not_told() {
    let host = "kafka".repeat(20);
    let hosts = vec![&*host; 700];
    let mut door = door_as(&[(1, "door")]);
    let seen = seen(&mut door, 17, &answer(LONG, 0, &hosts));
    assert!(seen.node_endpoints.is_empty());
    assert!(!format!("{:?}", seen.unknown_tags).contains("kafka"));
}

#[test]
fn a_long_answer_of_a_session_that_was_made_anew_has_the_number_of_the_old() {
    for (version, mapped) in
        Door::versions::<FetchRequest>().filter(|version| *version >= 7).zip([true, false].iter().cycle())
    {
        let (mut door, mut broker) = (door(vec![]), FakeBroker::default());
        let (one, nothing) = (Wanted::from([((1, 0), 5)]), Wanted::new());
        let session = fetch(&mut door, &mut broker, version, &request(version, (0, 0), &one, &[])).session_id;
        door.change([read(1)]);
        if *mapped {
            door.advertised = Advertised::new(Mapping::Table { brokers: [].into() });
        }
        fetch(&mut door, &mut broker, version, &request(version, (session, 1), &nothing, &[]));
        let forwarded = door.send(version, &request(version, (session, 2), &nothing, &[])).forwarded();
        assert_ne!(forwarded.request.session_id, session);
        let mut answer = respond(version, forwarded.request.session_id, &one);
        answer.responses[0].partitions[0].records = Some(Bytes::from(vec![0xee; LONG]));
        let seen = forwarded.answered(&mut door, &answer);
        assert_eq!(seen, FetchResponse { session_id: session, ..answer }, "v{version}");
        door.send(version, &request(version, (session, 3), &nothing, &[])).forwarded();
    }
}
