#![allow(clippy::indexing_slicing, reason = "a test may panic")]

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;

use super::*;
use crate::protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use crate::protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use crate::protocol::messages::{CATALOGUE, FetchRequest, MetadataRequest, ProduceRequest, ProduceResponse};

fn encoded<M: Message>(message: &M, version: i16) -> Result<Bytes, Fault> {
    let mut out = Vec::new();
    message.encode(version, &mut out)?;
    Ok(out.into())
}

fn produce(name: &str) -> ProduceRequest {
    ProduceRequest {
        acks: -1,
        topic_data: vec![TopicProduceData {
            name: name.into(),
            partition_data: vec![PartitionProduceData {
                index: 7,
                records: Some(Bytes::from_static(b"batch")),
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

#[test]
fn a_message_comes_back_in_every_version() {
    for version in 0..=12 {
        let request = produce("orders");
        let body = encoded(&request, version).unwrap();
        assert_eq!(ProduceRequest::decode(&body, version), Ok(request));
    }
}

#[test]
fn a_long_request_with_records_is_read_however_small_its_batches() {
    // A batch of one empty record.
    let batch = || Some(Bytes::from_static(&[0; 68]));
    let partitions =
        |of: i32| (0..of).map(|index| PartitionProduceData { index, records: batch(), ..Default::default() });
    let mut request = produce("orders");
    request.topic_data = vec![request.topic_data.remove(0); 5_000];
    request.topic_data.iter_mut().for_each(|topic| topic.partition_data = partitions(40).collect());
    let body = encoded(&request, 12).unwrap();
    assert!(body.len() > 14 << 20);
    assert_eq!(ProduceRequest::decode(&body, 12), Ok(request));
}

#[test]
fn every_default_comes_back_in_every_version() {
    for entry in CATALOGUE {
        for codec in [&entry.request, &entry.response] {
            for version in entry.versions.clone() {
                let body = Bytes::from((codec.default)(version).unwrap());
                assert_eq!((codec.recode)(&body, version, version).as_deref(), Ok(&*body), "{}", entry.name);
            }
        }
    }
}

#[test]
fn the_catalogue_is_sorted_and_names_no_api_twice() {
    assert!(CATALOGUE.is_sorted_by(|a, b| a.key < b.key));
    let names: HashSet<_> = CATALOGUE.iter().map(|entry| entry.name).collect();
    assert_eq!(names.len(), CATALOGUE.len());
}

#[test]
fn the_bytes_are_those_of_the_protocol() {
    let request = produce("orders");
    let old = b"\xff\xff\0\0\0\0\0\0\0\x01\0\x06orders\0\0\0\x01\0\0\0\x07\0\0\0\x05batch";
    assert_eq!(encoded(&request, 2).as_deref(), Ok(&old[..]));
    let compact = b"\0\xff\xff\0\0\0\0\x02\x07orders\x02\0\0\0\x07\x06batch\0\0\0";
    assert_eq!(encoded(&request, 9).as_deref(), Ok(&compact[..]));
}

#[test]
fn request_and_response_know_each_other() {
    assert_eq!((ProduceRequest::KEY, ProduceRequest::NAME), (0, "Produce"));
    assert_eq!(ProduceRequest::DIRECTION, Direction::Request);
    assert_eq!(<ProduceRequest as Request>::Response::NAME, "Produce");
    assert_eq!(<ProduceRequest as Request>::Response::DIRECTION, Direction::Response);
}

#[test]
fn a_version_that_an_api_lacks_is_a_fault() {
    let fault = Fault { field: "Produce", kind: FaultKind::Version };
    for version in [-1, 14, i16::MAX] {
        assert_eq!(ProduceRequest::decode(&Bytes::new(), version), Err(fault));
        assert_eq!(encoded(&ProduceRequest::default(), version), Err(fault));
    }
}

mod values_that_a_version_lacks {
    use super::*;

    #[test]
    fn are_refused() {
        let request = ProduceRequest { transactional_id: Some("payments".into()), ..Default::default() };
        let fault = Fault { field: "ProduceRequest.transactional_id", kind: FaultKind::Lost };
        assert_eq!(encoded(&request, 2), Err(fault));
        assert!(encoded(&request, 3).is_ok());
    }

    #[test]
    fn are_left_out_where_kafka_ignores_them() {
        let response = ProduceResponse { throttle_time_ms: 9, ..Default::default() };
        assert_eq!(encoded(&response, 0), encoded(&ProduceResponse::default(), 0));
        assert_ne!(encoded(&response, 1), encoded(&ProduceResponse::default(), 1));
    }

    #[test]
    fn are_refused_deep_inside_and_nothing_is_written() {
        let mut partition = PartitionProduceResponse::default();
        partition.current_leader.leader_id = 3;
        let topic = TopicProduceResponse { partition_responses: vec![partition], ..Default::default() };
        let response = ProduceResponse { responses: vec![topic], ..Default::default() };
        let mut out = b"before".to_vec();
        let fault = Fault { field: "PartitionProduceResponse.current_leader", kind: FaultKind::Lost };
        assert_eq!(response.encode(9, &mut out), Err(fault));
        assert_eq!(out, b"before");
    }

    #[test]
    fn are_not_taken_for_null() {
        let request = MetadataRequest { topics: None, ..Default::default() };
        let fault = Fault { field: "MetadataRequest.topics", kind: FaultKind::Null };
        assert_eq!(encoded(&request, 0), Err(fault));
        assert_eq!(encoded(&request, 1).as_deref(), Ok(&[0xff, 0xff, 0xff, 0xff][..]));
    }

    #[test]
    fn are_defaults_when_read() {
        let request = MetadataRequest::decode(&Bytes::from_static(&[0; 4]), 0).unwrap();
        assert!(request.allow_auto_topic_creation);
        let body = encoded(&FetchRequest::default(), 0).unwrap();
        assert_eq!(FetchRequest::decode(&body, 0).unwrap().max_bytes, i32::MAX);
    }
}

mod tags {
    use super::*;

    #[test]
    fn known_and_unknown_ones_are_written_in_order() {
        let mut request = FetchRequest { cluster_id: Some("x".into()), ..Default::default() };
        request.replica_state.replica_id = 5;
        request.unknown_tags.push(9, Bytes::from_static(b"nine"));
        request.unknown_tags.push(2, Bytes::from_static(b"two"));
        let body = encoded(&request, 15).unwrap();
        let state = b"\x01\x0d\0\0\0\x05\xff\xff\xff\xff\xff\xff\xff\xff\0";
        let tags = [&b"\x04\0\x02\x02x"[..], state, b"\x02\x03two", b"\x09\x04nine"].concat();
        assert!(body.ends_with(&tags), "{body:?}");
        let again = FetchRequest::decode(&body, 15).unwrap();
        assert_eq!(again.unknown_tags.iter().map(|(tag, _)| tag).collect::<Vec<_>>(), [2, 9]);
    }

    #[test]
    fn one_is_not_written_twice() {
        let mut request = FetchRequest { cluster_id: Some("x".into()), ..Default::default() };
        request.unknown_tags.push(0, Bytes::new());
        let fault = Fault { field: "FetchRequest.unknown_tags", kind: FaultKind::Tag };
        assert_eq!(encoded(&request, 12), Err(fault));
        request.unknown_tags.clear();
        assert!(encoded(&request, 12).is_ok());
    }

    #[test]
    fn unknown_ones_are_not_lost_silently() {
        let mut request = produce("orders");
        request.topic_data[0].unknown_tags.push(7, Bytes::new());
        let fault = Fault { field: "TopicProduceData.unknown_tags", kind: FaultKind::Lost };
        assert_eq!(encoded(&request, 8), Err(fault));
        assert!(encoded(&request, 9).is_ok());
    }
}

mod text {
    use super::*;

    #[test]
    fn a_string_is_used_like_any_other() {
        let name = Str::from("orders");
        assert_eq!(name, *"orders");
        assert_eq!(name, Str::from("orders".to_owned()));
        assert!(name.starts_with("ord") && *name < *"payments");
        assert_eq!(
            (format!("{name:>8}"), format!("{name:?}")),
            ("  orders".to_owned(), "\"orders\"".to_owned())
        );
        assert_eq!(HashMap::from([(name, 1)]).get("orders"), Some(&1));
    }

    #[test]
    fn its_hash_is_that_of_the_text() {
        let state = std::hash::RandomState::new();
        assert_eq!(state.hash_one(Str::from("naïve")), state.hash_one("naïve"));
    }

    /// A name of a few bytes must not keep a frame of a hundred megabytes.
    #[test]
    fn a_detached_string_does_not_keep_its_frame() {
        let frame = encoded(&produce("orders"), 9).unwrap();
        let request = ProduceRequest::decode(&frame, 9).unwrap();
        let name = request.topic_data[0].name.detached();
        assert_eq!(name, request.topic_data[0].name);
        assert!(!frame.is_unique());
        drop(request);
        assert!(frame.is_unique(), "only the detached name is left");
    }

    #[test]
    fn one_that_is_too_long_is_not_written() {
        let fault = Fault { field: "TopicProduceData.name", kind: FaultKind::Length };
        for version in [2, 9] {
            assert_eq!(encoded(&produce(&"x".repeat(32_768)), version), Err(fault));
            assert!(encoded(&produce(&"x".repeat(32_767)), version).is_ok());
        }
    }
}

mod uuid {
    use super::*;

    /// As Kafka's `Uuid` class prints them.
    const KNOWN: [(&str, [u8; 16]); 4] = [
        ("AAAAAAAAAAAAAAAAAAAAAA", [0; 16]),
        ("AAAAAAAAAAAAAAAAAAAAAQ", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        ("_____________________w", [0xff; 16]),
        ("AAECAwQFBgcICQoLDA0ODw", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]),
    ];

    #[test]
    fn its_text_is_that_of_kafka() {
        for (text, bytes) in KNOWN {
            assert_eq!(Uuid(bytes).to_string(), text);
            assert_eq!(text.parse(), Ok(Uuid(bytes)));
        }
        assert!(Uuid::ZERO.is_zero() && !Uuid([1; 16]).is_zero());
    }

    #[test]
    fn other_text_is_refused() {
        let long = format!("{}A", KNOWN[0].0);
        for text in [
            "",
            "=",
            "A",
            "AAAAAAAAAAAAAAAAAAAAA",
            &long,
            "AAAAAAAAAAAAAAAAAAAAAB",
            "AAAAAAAAAAAAAAAAAAAA+A",
            "ÄÄÄÄÄÄÄÄÄÄÄ",
        ] {
            assert_eq!(text.parse::<Uuid>(), Err(ParseUuidError), "{text}");
        }
    }
}

#[test]
fn a_fault_is_a_clear_sentence() {
    let fault = ProduceRequest::decode(&Bytes::from_static(&[0]), 0).unwrap_err();
    assert_eq!(fault.to_string(), "ProduceRequest.acks: the message ends before the value does");
    let keyword = Fault { field: "ComponentData.r#match", kind: FaultKind::Null };
    assert_eq!(
        keyword.to_string(),
        "ComponentData.match: the value is null, which this version does not allow"
    );
    assert!(size_of::<Fault>() <= 24);
}

#[test]
fn what_nobody_declared_is_dropped_on_request() {
    use crate::protocol::messages::MetadataRequest;
    use crate::protocol::messages::metadata_request::MetadataRequestTopic;

    let mut topic = MetadataRequestTopic { name: Some("orders".into()), ..Default::default() };
    let plain = MetadataRequest { topics: Some(vec![topic.clone()]), ..Default::default() };
    topic.unknown_tags.push(7, Bytes::from_static(b"who may read"));
    let tagged = MetadataRequest { topics: Some(vec![topic]), ..Default::default() };
    for (sent, has_dropped) in [(&plain, false), (&tagged, true)] {
        let mut body = Vec::new();
        sent.encode(12, &mut body).unwrap();
        let body = Bytes::from(body);
        assert_eq!(MetadataRequest::decode(&body, 12).as_ref(), Ok(sent));
        assert_eq!(MetadataRequest::decode_declared(&body, 12), Ok((plain.clone(), has_dropped)));
    }
}
