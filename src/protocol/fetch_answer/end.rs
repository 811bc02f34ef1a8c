//! The end of a Fetch answer, behind all records, changed without changing its length: the length of the whole has been
//! sent by then.

use super::{HEAD, UNKNOWN_TAG};
use crate::protocol::messages::FetchResponse;
use crate::protocol::wire::{Bytes, Fault, Message};

/// Has the tagged fields at an answer's end changed. What is shorter then is filled up with a field that clients step over;
/// false, and nothing changed, if it is longer.
pub fn change(end: &mut [u8], version: i16, change: impl FnOnce(&mut FetchResponse)) -> Result<bool, Fault> {
    if end == [0] {
        return Ok(true);
    }
    // What stands before the tagged fields of an answer without topics.
    let mut alone = vec![0; HEAD];
    alone.push(1);
    let before = alone.len();
    alone.extend_from_slice(end);
    let mut answer = FetchResponse::decode(&alone.into(), version)?;
    if answer.node_endpoints.is_empty() {
        return Ok(true);
    }
    change(&mut answer);
    let written = |padding: Option<usize>| {
        let mut answer = answer.clone();
        if let Some(length) = padding {
            answer.unknown_tags.push(UNKNOWN_TAG.into(), Bytes::from(vec![0; length]));
        }
        let mut bytes = Vec::new();
        answer.encode(version, &mut bytes).ok()?;
        Some(bytes.split_off(before))
    };
    let Some(gap) = written(None).and_then(|bytes| end.len().checked_sub(bytes.len())) else {
        return Ok(false);
    };
    // The field's number takes a byte, its length up to three.
    let paddings = (2..=4).filter_map(|taken| gap.checked_sub(taken)).map(Some);
    for padding in std::iter::once(None).chain(paddings) {
        let Some(mut bytes) = written(padding) else { continue };
        let lacks_one = bytes.len() + 1 == end.len();
        if let Some(count @ ..0x80) = bytes.first_mut().filter(|_| lacks_one) {
            // One byte is too little for a field: the number of fields takes two.
            *count |= 0x80;
            bytes.insert(1, 0);
        }
        if bytes.len() == end.len() {
            end.copy_from_slice(&bytes);
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::messages::fetch_response::NodeEndpoint;

    fn end_of(answer: &FetchResponse, version: i16) -> Vec<u8> {
        let mut bytes = Vec::new();
        answer.encode(version, &mut bytes).unwrap();
        bytes.split_off(HEAD + 1)
    }

    fn read(end: &[u8], version: i16) -> FetchResponse {
        let mut bytes = vec![0; HEAD];
        bytes.push(1);
        bytes.extend_from_slice(end);
        FetchResponse::decode(&bytes.into(), version).unwrap()
    }

    fn naming(hosts: &[&str]) -> FetchResponse {
        let node = |(node_id, host): (usize, &&str)| NodeEndpoint {
            node_id: node_id as i32,
            host: (*host).into(),
            port: 9092,
            rack: Some("rack".into()),
            ..Default::default()
        };
        FetchResponse { node_endpoints: hosts.iter().enumerate().map(node).collect(), ..Default::default() }
    }

    #[test]
    fn an_address_that_is_no_longer_takes_the_place_of_the_other() {
        let long = "b".repeat(400);
        for version in 16..=*FetchResponse::VERSIONS.end() {
            for shorter in 0..=long.len() {
                let host = &long[shorter..];
                let mut end = end_of(&naming(&["first", &long]), version);
                let before = end.len();
                let changed = change(&mut end, version, |answer| {
                    let node = &mut answer.node_endpoints[1];
                    (node.host, node.port) = (host.into(), 19092);
                });
                assert_eq!((changed, end.len()), (Ok(true), before), "{shorter} bytes less");
                let mut seen = read(&end, version);
                let padding: Vec<u32> = seen.unknown_tags.iter().map(|(tag, _)| tag).collect();
                assert!(padding.is_empty() || padding == [u32::from(UNKNOWN_TAG)]);
                seen.unknown_tags.clear();
                let mut expected = naming(&["first", host]);
                expected.node_endpoints[1].port = 19092;
                assert_eq!(seen, expected, "{shorter} bytes less");
            }
        }
    }

    #[test]
    fn withheld_addresses_leave_a_field_that_nobody_knows() {
        let mut end = end_of(&naming(&["broker"]), 17);
        assert_eq!(change(&mut end, 17, |answer| answer.node_endpoints.clear()), Ok(true));
        assert!(!end.windows(6).any(|bytes| bytes == b"broker"));
        assert!(read(&end, 17).node_endpoints.is_empty());
    }

    #[test]
    fn a_longer_address_leaves_the_end_as_it_was() {
        let mut end = end_of(&naming(&["broker"]), 17);
        let before = end.clone();
        let longer = change(&mut end, 17, |answer| answer.node_endpoints[0].host = "broker1".into());
        assert_eq!((longer, &end), (Ok(false), &before));
        assert!(change(&mut before.clone()[..7], 17, |_| {}).is_err());
        let (mut none, mut unknown) = (end_of(&naming(&[]), 17), naming(&[]));
        assert_eq!(change(&mut none, 17, |_| panic!("there is no address")), Ok(true));
        unknown.unknown_tags.push(9, Bytes::from_static(b"unknown"));
        let mut end = end_of(&unknown, 17);
        assert_eq!(change(&mut end, 17, |_| panic!("there is no address")), Ok(true));
        assert_eq!(read(&end, 17), unknown);
    }
}
