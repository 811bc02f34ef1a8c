//! The Kafka frames that go over the wires, made once with kafka-protocol, which is not doorkeeper's own codec.

use crate::Failure;
use bytes::BytesMut;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, ApiVersionsResponse, BrokerId, FetchRequest, FetchResponse, MetadataResponse,
    ProduceRequest, ProduceResponse, RequestHeader, ResponseHeader, TopicName,
};
use kafka_protocol::protocol::{Encodable, HeaderVersion, StrBytes};
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Record,
    RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};
use std::io;

/// The API key of Produce.
pub(crate) const PRODUCE: i16 = ApiKey::Produce as i16;
/// The API key of Fetch.
pub(crate) const FETCH: i16 = ApiKey::Fetch as i16;
/// The topic that everything is about.
pub(crate) const TOPIC: &str = "bench";

/// Flexible, with topic names: what most clients of today speak to most brokers of today.
const PRODUCE_VERSION: i16 = 9;
const FETCH_VERSION: i16 = 12;
const API_VERSIONS_VERSION: i16 = 3;

/// What the sink answers with: whole frames, correlation id zero.
pub(crate) struct Answers {
    /// To Produce: offset 0, no error.
    pub(crate) produce: Vec<u8>,
    /// To Fetch: the wanted number of record bytes.
    pub(crate) fetch: Vec<u8>,
}

impl Answers {
    /// Answers whose Fetch holds about `fetch_bytes` of records.
    pub(crate) fn new(fetch_bytes: usize) -> Result<Self, Failure> {
        let partition = PartitionProduceResponse::default();
        let produced =
            TopicProduceResponse::default().with_name(topic()).with_partition_responses(vec![partition]);
        let produce = response(&ProduceResponse::default().with_responses(vec![produced]), PRODUCE_VERSION)?;

        let batch = records(64 * 1024)?;
        let partition = PartitionData::default()
            .with_high_watermark(1 << 40)
            .with_last_stable_offset(1 << 40)
            .with_records(Some(batch.repeat(fetch_bytes.div_ceil(batch.len())).into()));
        let fetched = FetchableTopicResponse::default().with_topic(topic()).with_partitions(vec![partition]);
        let fetch = response(&FetchResponse::default().with_responses(vec![fetched]), FETCH_VERSION)?;
        Ok(Self { produce, fetch })
    }

    /// The answer to ApiVersions: what the sink serves.
    pub(crate) fn api_versions(&self, version: i16) -> io::Result<Vec<u8>> {
        let keys =
            [(ApiKey::Produce, 13), (ApiKey::Fetch, 17), (ApiKey::Metadata, 13), (ApiKey::ApiVersions, 4)];
        let keys =
            keys.map(|(key, newest)| ApiVersion::default().with_api_key(key as i16).with_max_version(newest));
        let answer = ApiVersionsResponse::default().with_api_keys(keys.to_vec());
        response(&answer, version.min(4)).map_err(io::Error::other)
    }

    /// The answer to Metadata: one broker, one topic of one partition.
    pub(crate) fn metadata(&self, version: i16) -> io::Result<Vec<u8>> {
        let node = BrokerId(1);
        let broker = MetadataResponseBroker::default()
            .with_node_id(node)
            .with_host(StrBytes::from_static_str("127.0.0.1"))
            .with_port(9092);
        let partition = MetadataResponsePartition::default()
            .with_leader_id(node)
            .with_replica_nodes(vec![node])
            .with_isr_nodes(vec![node]);
        let topic =
            MetadataResponseTopic::default().with_name(Some(topic())).with_partitions(vec![partition]);
        let answer = MetadataResponse::default()
            .with_brokers(vec![broker])
            .with_controller_id(node)
            .with_topics(vec![topic]);
        response(&answer, version).map_err(io::Error::other)
    }
}

/// A Produce request whose frame is about `bytes` long, with acks from all.
pub(crate) fn produce(bytes: usize) -> Result<Vec<u8>, Failure> {
    let partition = PartitionProduceData::default().with_records(Some(records(bytes)?.into()));
    let topic = TopicProduceData::default().with_name(topic()).with_partition_data(vec![partition]);
    let body = ProduceRequest::default().with_acks(-1).with_timeout_ms(30_000).with_topic_data(vec![topic]);
    request(ApiKey::Produce, PRODUCE_VERSION, &body)
}

/// A Fetch request outside of any session.
pub(crate) fn fetch() -> Result<Vec<u8>, Failure> {
    let partition = FetchPartition::default().with_partition_max_bytes(1 << 20);
    let wanted = FetchTopic::default().with_topic(topic()).with_partitions(vec![partition]);
    let body = FetchRequest::default()
        .with_max_wait_ms(500)
        .with_min_bytes(1)
        .with_max_bytes(50 << 20)
        .with_session_epoch(-1)
        .with_topics(vec![wanted]);
    request(ApiKey::Fetch, FETCH_VERSION, &body)
}

/// An ApiVersions request: the first that every client sends.
pub(crate) fn api_versions() -> Result<Vec<u8>, Failure> {
    let body = ApiVersionsRequest::default()
        .with_client_software_name(StrBytes::from_static_str("bench"))
        .with_client_software_version(StrBytes::from_static_str("1"));
    request(ApiKey::ApiVersions, API_VERSIONS_VERSION, &body)
}

/// Appends a frame with the correlation id that it answers, or asks, with.
pub(crate) fn append(out: &mut Vec<u8>, frame: &[u8], correlation: [u8; 4]) {
    let at = out.len() + 4;
    out.extend_from_slice(frame);
    out[at..at + 4].copy_from_slice(&correlation);
}

fn topic() -> TopicName {
    TopicName(StrBytes::from_static_str(TOPIC))
}

fn request(key: ApiKey, version: i16, body: &impl Encodable) -> Result<Vec<u8>, Failure> {
    let header = RequestHeader::default()
        .with_request_api_key(key as i16)
        .with_request_api_version(version)
        .with_client_id(Some(StrBytes::from_static_str("bench")));
    let mut frame = BytesMut::zeroed(4);
    header.encode(&mut frame, key.request_header_version(version))?;
    body.encode(&mut frame, version)?;
    Ok(with_length(frame))
}

fn response<R: Encodable + HeaderVersion>(body: &R, version: i16) -> Result<Vec<u8>, Failure> {
    let mut frame = BytesMut::zeroed(4);
    ResponseHeader::default().encode(&mut frame, R::header_version(version))?;
    body.encode(&mut frame, version)?;
    Ok(with_length(frame))
}

fn with_length(mut frame: BytesMut) -> Vec<u8> {
    let length = (frame.len() - 4) as u32;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    frame.into()
}

/// One uncompressed batch of about `bytes`, in records of up to 1000 bytes that do not compress.
fn records(bytes: usize) -> Result<Vec<u8>, Failure> {
    const OVERHEAD: usize = 130; // of request, batch and the first record
    let values = bytes.saturating_sub(OVERHEAD).max(1);
    let mut state = 1_u64;
    let mut noise = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let mut records = Vec::new();
    let mut left = values;
    while left > 0 {
        let length = left.min(1000);
        let value: Vec<u8> = (0..length).map(|_| noise()).collect();
        // kafka-protocol begins another batch where offset and sequence do not rise together.
        let number = records.len() as i32;
        records.push(Record {
            transactional: false,
            control: false,
            delete_horizon: false,
            partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
            producer_id: NO_PRODUCER_ID,
            producer_epoch: NO_PRODUCER_EPOCH,
            timestamp_type: TimestampType::Creation,
            offset: number.into(),
            sequence: NO_SEQUENCE + number,
            timestamp: 1_700_000_000_000 + i64::from(number),
            key: None,
            value: Some(value.into()),
            headers: Default::default(),
        });
        left = left.saturating_sub(length + 10);
    }
    let mut batch = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut batch, &records, &options)?;
    Ok(batch.into())
}
