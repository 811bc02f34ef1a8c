use super::super::*;
use crate::protocol::answer_end::WithAddresses;
use crate::protocol::messages::ShareFetchResponse;
use crate::protocol::messages::share_fetch_response::*;
use crate::protocol::wire::{Bytes, Message};

fn answer(topics: u8) -> ShareFetchResponse {
    let mut tagged = LeaderIdAndEpoch { leader_id: 3, ..Default::default() };
    tagged.unknown_tags.push(5, Bytes::from(vec![0xee; 200]));
    tagged.unknown_tags.push(9, Bytes::new());
    let partition = |index: i32| PartitionData {
        partition_index: index,
        error_message: (index % 2 > 0).then(|| "a sentence".into()),
        acknowledge_error_message: (index % 3 > 0).then(|| "another".into()),
        current_leader: if index == 2 { tagged.clone() } else { Default::default() },
        records: Bytes::from(vec![0xee; 100 * index as usize]),
        acquired_records: vec![AcquiredRecords::default(); index as usize],
        ..Default::default()
    };
    let topic = |n: u8| ShareFetchableTopicResponse {
        topic_id: Uuid([n; 16]),
        partitions: (0..i32::from(n)).map(partition).collect(),
        ..Default::default()
    };
    ShareFetchResponse { responses: (0..topics).map(topic).collect(), ..Default::default() }
}

#[test]
fn topics_are_heard_of_and_the_end_is_found_wherever_a_piece_begins() {
    for version in ShareFetchResponse::VERSIONS {
        for topics in [0, 1, 2, 5] {
            let mut body = Vec::new();
            answer(topics).encode(version, &mut body).unwrap();
            let begin = body.len() - ShareFetchResponse::PLAIN_END.len();
            for cut in 0..=body.len() {
                let (mut walk, mut heard) = (Walk::new(SHARE_FETCH), Vec::new());
                let mut hear = |topic: Uuid| {
                    heard.push(topic.0[0]);
                    Ok(())
                };
                let found = match walk.find_end(&body[..cut], &mut hear).unwrap() {
                    Some(at) => at,
                    None => cut + walk.find_end(&body[cut..], &mut hear).unwrap().unwrap(),
                };
                assert_eq!((found, heard), (begin, (0..topics).collect()), "cut at {cut}");
            }
        }
    }
}

#[test]
fn a_topic_is_heard_of_before_its_records_and_may_end_the_walk() {
    let mut body = Vec::new();
    answer(3).encode(2, &mut body).unwrap();
    let stop = Fault { field: "topic", kind: FaultKind::Foreign };
    let refused = |topic: Uuid| if topic.0[0] == 2 { Err(stop) } else { Ok(()) };
    let second = body.windows(16).position(|bytes| bytes == [2; 16]).unwrap();
    assert_eq!(Walk::new(SHARE_FETCH).find_end(&body[..second + 15], refused), Ok(None));
    assert_eq!(Walk::new(SHARE_FETCH).find_end(&body[..second + 16], refused), Err(stop));
}

#[test]
fn no_bytes_make_it_panic_or_stand_still() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..20_000 {
        let mut bytes = [0u8; 96];
        for byte in &mut bytes {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            *byte = [0, 1, 2, 0x7f, 0xff, (seed >> 8) as u8][(seed % 6) as usize];
        }
        let _ = Walk::new(SHARE_FETCH).find_end(&bytes, |_| Ok(()));
    }
}
