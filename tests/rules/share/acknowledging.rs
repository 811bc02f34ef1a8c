//! Acknowledging records, beside fetching and alone.

use doorkeeper::protocol::messages::*;

use super::*;
use crate::support::door::*;

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

/// Kafka has nothing to say of a topic without partitions, and the broker is not to hear of a hidden one.
#[test]
fn a_hidden_topic_without_partitions_does_not_reach_the_broker() {
    for version in Door::versions::<ShareAcknowledgeRequest>() {
        let (mut door, mut broker) = (reader(&[1]), Broker::default());
        exchange(&mut door, &mut broker, version, &share_fetch(0, &[(1, 0)], &[]));
        let mut request = share_acknowledge(1, &[(1, 0), (2, 0)]);
        request.topics[1].partitions.clear();
        let forwarded = door.send(version, &request).forwarded();
        assert_eq!(forwarded.request.topics, request.topics[..1]);
        let answer = forwarded.answered(&mut door, &ShareAcknowledgeResponse::default());
        assert_eq!(answer, ShareAcknowledgeResponse::default());
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
    type Ranges<'a> = &'a [(i64, i64, &'a [i8])];
    let cases: [(Ranges<'_>, i16); 14] = [
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
