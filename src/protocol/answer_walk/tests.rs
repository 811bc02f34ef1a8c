//! Walks through answers of every shape, cut anywhere.

mod share;

use super::*;
use crate::protocol::fetch_answer::HEAD;
use crate::protocol::messages::FetchResponse;
use crate::protocol::messages::fetch_response::{
    AbortedTransaction, FetchableTopicResponse, LeaderIdAndEpoch, NodeEndpoint, PartitionData,
};
use crate::protocol::wire::{Bytes, Message};

fn answer(topics: u8, endpoints: usize) -> FetchResponse {
    let partition = |index: i32| PartitionData {
        partition_index: index,
        error_code: 6 * (index % 2) as i16,
        current_leader: LeaderIdAndEpoch { leader_id: index % 2 * 3 - 1, ..Default::default() },
        aborted_transactions: (index % 3 > 0)
            .then(|| vec![AbortedTransaction { producer_id: 7, ..Default::default() }; index as usize]),
        records: (index % 4 > 0).then(|| Bytes::from(vec![0xee; 300 * index as usize])),
        ..Default::default()
    };
    let topic = |n: u8| FetchableTopicResponse {
        topic_id: Uuid([n; 16]),
        partitions: (0..i32::from(n)).map(partition).collect(),
        ..Default::default()
    };
    let endpoint = |n: usize| NodeEndpoint {
        node_id: n as i32,
        host: "plaintext.broker.internal".into(),
        port: 9092,
        ..Default::default()
    };
    FetchResponse {
        session_id: 77,
        responses: (0..topics).map(topic).collect(),
        node_endpoints: (0..endpoints).map(endpoint).collect(),
        ..Default::default()
    }
}

#[test]
fn addresses_are_found_and_a_cut_answer_is_a_fault() {
    for (topics, endpoints) in [(0, 0), (0, 1), (1, 0), (5, 0), (5, 1), (5, 3)] {
        for version in 16..=*FetchResponse::VERSIONS.end() {
            let mut body = Vec::new();
            answer(topics, endpoints).encode(version, &mut body).unwrap();
            assert_eq!(
                Walk::search(FETCH, &body),
                Ok(endpoints > 0),
                "{topics} topics, {endpoints} endpoints"
            );
            for cut in 0..body.len() {
                assert!(Walk::search(FETCH, &body[..cut]).is_err());
            }
        }
    }
}

#[test]
fn erased_addresses_leave_the_rest_as_it_was() {
    let mut body = Vec::new();
    answer(5, 3).encode(17, &mut body).unwrap();
    for piece in [1, 5, 64, body.len()] {
        let mut erased = body.clone();
        let mut walk = Walk::new(FETCH);
        erased.chunks_mut(piece).for_each(|piece| walk.erase(piece).unwrap());
        assert!(walk.is_complete());
        assert!(!erased.windows(9).any(|bytes| bytes == b"plaintext"));
        let mut read = FetchResponse::decode(&erased.into(), 17).unwrap();
        read.unknown_tags = Default::default();
        assert_eq!(read, answer(5, 0));
    }
}

#[test]
fn the_end_is_found_wherever_a_piece_begins() {
    for (topics, endpoints) in [(0, 0), (0, 1), (1, 0), (5, 0), (5, 3)] {
        let (mut body, mut end) = (Vec::new(), Vec::new());
        answer(topics, endpoints).encode(17, &mut body).unwrap();
        answer(0, endpoints).encode(17, &mut end).unwrap();
        let begin = body.len() - (end.len() - HEAD - 1);
        for cut in 0..=body.len() {
            let mut walk = Walk::new(FETCH);
            let found = match walk.find_end(&body[..cut], |_| Ok(())).unwrap() {
                Some(at) => at,
                None => cut + walk.find_end(&body[cut..], |_| Ok(())).unwrap().unwrap(),
            };
            assert_eq!(found, begin, "{topics} topics, {endpoints} endpoints, cut at {cut}");
            walk.erase(&mut body.clone()[begin..]).unwrap();
            assert!(walk.is_complete());
        }
    }
}

#[test]
fn an_answer_that_goes_on_behind_its_end_is_a_fault() {
    let mut body = Vec::new();
    answer(2, 1).encode(16, &mut body).unwrap();
    body.push(0);
    assert_eq!(Walk::search(FETCH, &body).map_err(|f| f.kind), Err(FaultKind::Trailing));
    assert_eq!(Walk::new(FETCH).erase(&mut body).map_err(|f| f.kind), Err(FaultKind::Trailing));
}

#[test]
fn no_bytes_make_it_panic() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..20_000 {
        let mut bytes = [0u8; 96];
        for byte in &mut bytes {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            *byte = [0, 1, 2, 0x7f, 0xff, (seed >> 8) as u8][(seed % 6) as usize];
        }
        let _ = Walk::search(FETCH, &bytes);
        let _ = Walk::new(FETCH).erase(&mut bytes);
    }
}
