use std::collections::HashMap;

use super::*;
use crate::protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use crate::protocol::messages::{CATALOGUE, ProduceRequest};

fn encoded<M: Message>(message: &M, version: i16) -> Bytes {
    let mut out = Vec::new();
    message.encode(version, &mut out).unwrap();
    out.into()
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
        assert_eq!(ProduceRequest::decode(&encoded(&request, version), version), Ok(request));
    }
}

#[test]
fn every_default_that_a_version_carries_comes_back() {
    for entry in CATALOGUE {
        for codec in [&entry.request, &entry.response] {
            for version in entry.versions.clone() {
                let body = Bytes::from((codec.default)(version).unwrap());
                assert_eq!((codec.recode)(&body, version, version).as_deref(), Ok(&*body));
            }
        }
    }
}

#[test]
fn the_catalogue_is_sorted_and_names_no_api_twice() {
    assert!(CATALOGUE.is_sorted_by(|a, b| a.key < b.key));
    let names: HashMap<_, _> = CATALOGUE.iter().map(|entry| (entry.name, entry.key)).collect();
    assert_eq!(names.len(), CATALOGUE.len());
}

#[test]
fn the_bytes_are_those_of_the_protocol() {
    let request = produce("orders");
    let old = b"\xff\xff\0\0\0\0\0\0\0\x01\0\x06orders\0\0\0\x01\0\0\0\x07\0\0\0\x05batch";
    assert_eq!(&*encoded(&request, 2), old);
    let compact = b"\0\xff\xff\0\0\0\0\x02\x07orders\x02\0\0\0\x07\x06batch\0\0\0";
    assert_eq!(&*encoded(&request, 9), compact);
}
