//! Frames that nobody honest writes.

use bytes::Bytes;
use doorkeeper::protocol::messages::{
    CATALOGUE, DescribeConfigsRequest, DescribeTopicPartitionsRequest, FetchRequest, MetadataRequest,
    MetadataResponse, ProduceRequest,
};
use doorkeeper::protocol::wire::{Fault, FaultKind, Message};
use proptest::prelude::*;

use crate::support::samples::varint;

fn fault<M: Message + std::fmt::Debug>(version: i16, body: &[u8]) -> (&'static str, FaultKind) {
    let Fault { field, kind } = M::decode(&Bytes::copy_from_slice(body), version).unwrap_err();
    (field, kind)
}

#[test]
fn a_count_beyond_the_frame_is_refused_before_anything_is_allocated() {
    let topics = ("MetadataRequest.topics", FaultKind::Short);
    assert_eq!(fault::<MetadataRequest>(1, &[0x7f, 0xff, 0xff, 0xff]), topics);
    assert_eq!(fault::<MetadataRequest>(1, &[0, 0, 0, 2, 0]), topics);
    // 2^32 - 2 of them.
    assert_eq!(fault::<MetadataRequest>(9, &[0xff, 0xff, 0xff, 0xff, 0x0f, 0]), topics);
}

#[test]
fn names_of_nothing_are_refused_once_they_would_swell() {
    // Each is two bytes of the frame and more than 50 of memory.
    let body = |count: usize| {
        let mut body = i32::try_from(count).unwrap().to_be_bytes().to_vec();
        body.resize(4 + 2 * count, 0);
        body
    };
    let topics = |kind| ("MetadataRequest.topics", kind);
    let eight_mebibytes = body(4 * 1024 * 1024 - 2);
    assert_eq!(fault::<MetadataRequest>(1, &eight_mebibytes), topics(FaultKind::Length));
    assert_eq!(fault::<MetadataRequest>(1, &body(1_000_000)), topics(FaultKind::Budget));
    assert_eq!(fault::<MetadataRequest>(1, &body(1_000_001)), topics(FaultKind::Length));
    // Few of them do no harm.
    assert!(MetadataRequest::decode(&body(1_000).into(), 1).is_ok());
}

#[test]
fn the_budget_is_one_for_the_whole_message() {
    // A resource without a name, and 100,000 empty keys: a byte of the frame each, and 32 of memory.
    let mut resource = vec![0, 1];
    varint(&mut resource, 100_001);
    resource.resize(resource.len() + 100_000, 1);
    resource.push(0);
    let end = [0, 0, 0];
    // Two frames of one size, whose budget has room for the keys of one resource but not of two.
    let one = [&[2], &resource[..], &end, &resource].concat();
    let two = [&[3], &resource[..], &resource, &end].concat();
    assert_eq!(fault::<DescribeConfigsRequest>(4, &one), ("DescribeConfigs", FaultKind::Trailing));
    let keys = "DescribeConfigsResource.configuration_keys";
    assert_eq!(fault::<DescribeConfigsRequest>(4, &two), (keys, FaultKind::Budget));
}

#[test]
fn honest_messages_stay_within_the_budget() {
    let mut body = i32::to_be_bytes(100_000).to_vec();
    (0..100_000).for_each(|_| body.extend([0, 3, b'a', b'b', b'c']));
    assert!(MetadataRequest::decode(&body.into(), 1).is_ok());
}

#[test]
fn lengths_below_null_are_refused() {
    let acks_and_timeout = [0, 1, 0, 0, 0, 1];
    let topic_data = |length: i32| [&acks_and_timeout[..], &length.to_be_bytes()].concat();
    let name = |length: i16| [&topic_data(1)[..], &length.to_be_bytes(), &[0; 8]].concat();
    assert_eq!(fault::<ProduceRequest>(0, &topic_data(-1)), ("ProduceRequest.topic_data", FaultKind::Null));
    assert_eq!(fault::<ProduceRequest>(0, &topic_data(-2)), ("ProduceRequest.topic_data", FaultKind::Length));
    assert_eq!(
        fault::<ProduceRequest>(0, &topic_data(i32::MIN)),
        ("ProduceRequest.topic_data", FaultKind::Length)
    );
    assert_eq!(fault::<ProduceRequest>(0, &name(-1)), ("TopicProduceData.name", FaultKind::Null));
    assert_eq!(fault::<ProduceRequest>(0, &name(i16::MIN)), ("TopicProduceData.name", FaultKind::Length));
    assert_eq!(fault::<ProduceRequest>(0, &name(9)), ("TopicProduceData.name", FaultKind::Short));
    let records = [&name(0)[..12], &[0, 0, 0, 1, 0, 0, 0, 7], &(-2_i32).to_be_bytes()].concat();
    assert_eq!(fault::<ProduceRequest>(0, &records), ("PartitionProduceData.records", FaultKind::Length));
}

#[test]
fn a_compact_string_is_no_longer_than_a_string_can_be() {
    let body = |length: usize| {
        // One topic, its name, no tags, and the three flags.
        let mut body = vec![2];
        varint(&mut body, u32::try_from(length).unwrap() + 1);
        body.resize(body.len() + length, b'x');
        body.extend([0, 1, 0, 0, 0]);
        body
    };
    assert!(MetadataRequest::decode(&body(32_767).into(), 9).is_ok());
    assert_eq!(fault::<MetadataRequest>(9, &body(32_768)), ("MetadataRequestTopic.name", FaultKind::Length));
}

#[test]
fn numbers_of_variable_length_end_after_five_bytes() {
    let topics = |kind| ("MetadataRequest.topics", kind);
    assert_eq!(fault::<MetadataRequest>(9, &[0x80; 5]), topics(FaultKind::Varint));
    assert_eq!(fault::<MetadataRequest>(9, &[0x80, 0x80, 0x80, 0x80, 0x80, 0]), topics(FaultKind::Varint));
    // The fifth byte has four bits.
    assert_eq!(fault::<MetadataRequest>(9, &[0xff, 0xff, 0xff, 0xff, 0x1f]), topics(FaultKind::Varint));
    assert_eq!(fault::<MetadataRequest>(9, &[0x80; 4]), topics(FaultKind::Short));
    // A longer form than needed is still the number: no topics, three flags, no tags.
    let long = [0x81, 0x80, 0, 1, 0, 0, 0];
    assert_eq!(MetadataRequest::decode(&long[..].to_vec().into(), 9), Ok(MetadataRequest::default()));
}

#[test]
fn text_is_utf8() {
    let body = b"\0\0\0\x01\0\x02\xc3\x28";
    assert_eq!(fault::<MetadataRequest>(1, body), ("MetadataRequestTopic.name", FaultKind::Utf8));
}

#[test]
fn nothing_follows_a_request() {
    assert_eq!(fault::<MetadataRequest>(1, &[0, 0, 0, 0, 0]), ("Metadata", FaultKind::Trailing));
}

#[test]
fn what_follows_a_response_is_ignored() {
    let mut body = Vec::new();
    MetadataResponse::default().encode(9, &mut body).unwrap();
    body.push(0);
    assert_eq!(MetadataResponse::decode(&body.into(), 9), Ok(MetadataResponse::default()));
}

#[test]
fn a_struct_is_there_or_not() {
    // No topics, a limit of zero, and the byte that tells whether a cursor follows.
    let body = |presence| [1, 0, 0, 0, 0, presence, 0];
    let cursor = |presence| DescribeTopicPartitionsRequest::decode(&body(presence).to_vec().into(), 0);
    assert_eq!(cursor(0xff).unwrap().cursor, None);
    let length = ("DescribeTopicPartitionsRequest.cursor", FaultKind::Length);
    assert_eq!(fault::<DescribeTopicPartitionsRequest>(0, &body(2)), length);
    assert_eq!(fault::<DescribeTopicPartitionsRequest>(0, &body(0xfe)), length);
}

mod tags {
    use super::*;

    /// A Fetch request without topics that ends in these tagged fields.
    fn fetch(version: i16, tags: &[u8]) -> Result<FetchRequest, Fault> {
        let mut body = Vec::new();
        FetchRequest { cluster_id: None, ..Default::default() }.encode(version, &mut body).unwrap();
        assert_eq!(body.pop(), Some(0));
        body.extend(tags);
        FetchRequest::decode(&body.into(), version)
    }

    const UNKNOWN: Result<(), Fault> =
        Err(Fault { field: "FetchRequest.unknown_tags", kind: FaultKind::Tag });

    #[test]
    fn known_and_unknown_ones_are_told_apart() {
        let request = fetch(12, &[2, 0, 2, 2, b'x', 7, 3, 1, 2, 3]).unwrap();
        assert_eq!(request.cluster_id.as_deref(), Some("x"));
        assert_eq!(request.unknown_tags.iter().collect::<Vec<_>>(), [(7, &Bytes::from_static(&[1, 2, 3]))]);
    }

    #[test]
    fn they_ascend() {
        assert_eq!(fetch(12, &[2, 7, 0, 7, 0]).map(drop), UNKNOWN);
        assert_eq!(fetch(12, &[2, 8, 0, 7, 0]).map(drop), UNKNOWN);
        assert_eq!(fetch(12, &[2, 0, 1, 0, 0, 1, 0]).map(drop), UNKNOWN);
        assert_eq!(fetch(12, &[2, 7, 0, 0, 1, 0]).map(drop), UNKNOWN);
        assert!(fetch(12, &[2, 7, 0, 8, 0]).is_ok());
    }

    #[test]
    fn the_size_of_a_known_one_is_its_size() {
        // One byte too many, one too few, more than there are, and more than the frame has.
        assert_eq!(fetch(12, &[1, 0, 3, 2, b'x', 0]).map(drop), UNKNOWN);
        let cluster_id = |kind| Err(Fault { field: "FetchRequest.cluster_id", kind });
        assert_eq!(fetch(12, &[1, 0, 1, 2, b'x']).map(drop), cluster_id(FaultKind::Tag));
        assert_eq!(fetch(12, &[1, 0, 0]).map(drop), cluster_id(FaultKind::Tag));
        let short = Err(Fault { field: "FetchRequest.unknown_tags", kind: FaultKind::Short });
        assert_eq!(fetch(12, &[1, 0, 9, 2, b'x']).map(drop), short);
        assert_eq!(fetch(12, &[1, 7, 0xff, 0xff, 0xff, 0xff, 0x0f]).map(drop), short);
    }

    #[test]
    fn one_of_another_version_is_refused() {
        let replica_state = Err(Fault { field: "FetchRequest.replica_state", kind: FaultKind::Tag });
        let state = [&[1, 1, 13][..], &[0; 13]].concat();
        assert_eq!(fetch(14, &state).map(drop), replica_state);
        assert!(fetch(15, &state).is_ok());
    }

    #[test]
    fn there_are_not_too_many() {
        let tags = |count: u32| {
            let mut tags = Vec::new();
            varint(&mut tags, count);
            (0..count).for_each(|tag| {
                varint(&mut tags, 100 + tag);
                tags.push(0);
            });
            tags
        };
        assert_eq!(fetch(12, &tags(10_001)).map(drop), UNKNOWN);
        assert_eq!(fetch(12, &tags(10_000)).unwrap().unknown_tags.iter().count(), 10_000);
        // A count is not believed before the fields have come.
        assert!(fetch(12, &[0x90, 0x4e]).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Bytes without any sense: no message panics, and what one makes of them is settled at once.
    #[test]
    fn noise_is_refused_or_settles(api in 0..CATALOGUE.len(), is_request: bool, version in 0_i16..20, body in noise()) {
        let entry = &CATALOGUE[api];
        let codec = if is_request { &entry.request } else { &entry.response };
        let version = version % (entry.versions.end() + 1);
        if let Ok(once) = (codec.recode)(&body.into(), version, version) {
            let twice = (codec.recode)(&once.clone().into(), version, version);
            prop_assert_eq!(twice, Ok(once));
        }
    }
}

/// Small numbers for the most part, which are the counts and lengths that lead somewhere.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => 0_u8..4, 1 => any::<u8>(), 1 => Just(0xff)];
    prop::collection::vec(byte, 0..200)
}
