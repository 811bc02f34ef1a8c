//! What a member gets of what it asks for.

use doorkeeper::model::acl::Operation;
use doorkeeper::model::acl::ResourceType::Group;
use doorkeeper::model::advertise::{Advertised, Mapping};
use doorkeeper::protocol::messages::share_fetch_response::NodeEndpoint;
use doorkeeper::protocol::messages::*;
use doorkeeper::protocol::wire::Str;

use super::*;
use crate::support::door::*;

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
        let node = acknowledge_response::NodeEndpoint {
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

/// An answer for topic 1 that is too long to be taken whole, and names one broker.
fn long_answer(host: &str) -> ShareFetchResponse {
    let mut answer = answer_with(&[(1, 0)]);
    answer.responses[0].partitions[0].records = Bytes::from(vec![0xee; 100_000]);
    answer.node_endpoints =
        vec![NodeEndpoint { node_id: 1, host: host.into(), port: 9092, ..Default::default() }];
    answer
}

#[test]
fn a_long_answer_passes_and_the_addresses_at_its_end_are_rewritten_if_they_fit() {
    for version in versions() {
        for (host, told) in [("broker", Some(("door", 9093))), ("b", None)] {
            let (mut door, mut broker) = (reader(&[1]), Broker::default());
            door.advertised =
                Advertised::new(Mapping::Table { brokers: [(1, ("door".to_owned(), 9093))].into() });
            exchange(&mut door, &mut broker, version, &share_fetch(0, &[(1, 0)], &[]));
            let forwarded = door.send(version, &share_fetch(1, &[], &[])).forwarded();
            let answer = long_answer(host);
            let seen = forwarded.answered(&mut door, &answer);
            let node = seen.node_endpoints.first().map(|node| (&*node.host, node.port));
            assert_eq!(node, told, "{host}");
            assert_eq!(seen.responses, answer.responses);
            door.send(version, &share_fetch(2, &[], &[])).forwarded();
        }
    }
}

#[test]
#[should_panic(expected = "Foreign")]
fn a_long_answer_from_the_session_of_another_connection_does_not_pass() {
    let (mut door, mut broker) = (reader(&[2]), Broker::default());
    exchange(&mut door, &mut broker, 2, &share_fetch(0, &[(2, 0)], &[]));
    door.send(2, &share_fetch(1, &[], &[])).forwarded().answered(&mut door, &long_answer("broker"));
}

#[test]
fn a_long_answer_with_an_error_ends_the_session_too() {
    for version in versions() {
        let (mut door, mut broker) = (reader(&[1]), Broker::default());
        exchange(&mut door, &mut broker, version, &share_fetch(0, &[(1, 0)], &[]));
        let forwarded = door.send(version, &share_fetch(1, &[], &[])).forwarded();
        let answer = ShareFetchResponse { error_code: WRONG_EPOCH, ..long_answer("broker") };
        assert_eq!(forwarded.answered(&mut door, &answer), answer);
        assert_eq!(door.send(version, &share_fetch(2, &[], &[])).reply().error_code, NO_SESSION);
    }
}
