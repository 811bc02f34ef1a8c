//! What the demo asks of Kafka: topics, metadata, produce, fetch; in versions that old and new brokers speak.

use crate::client::Connection;
use bytes::{Bytes, BytesMut};
use doorkeeper::protocol::messages::{
    CreateTopicsRequest, FetchRequest, MetadataRequest, MetadataResponse, ProduceRequest,
    create_topics_request, fetch_request, produce_request,
};
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Record,
    RecordBatchDecoder, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};
use std::error::Error;

/// What a broker answered about one partition: Kafka's error code, zero when there was none, and an offset.
pub(crate) struct Produced {
    /// Kafka's error code.
    pub(crate) error: i16,
    /// The offset of the first record.
    pub(crate) offset: i64,
}

/// Asks for all topics that one may see.
pub(crate) async fn metadata(connection: &mut Connection) -> Result<MetadataResponse, Box<dyn Error>> {
    let request =
        MetadataRequest { topics: None, allow_auto_topic_creation: false, ..MetadataRequest::default() };
    connection.call(&request, 9).await
}

/// Makes a topic, and returns Kafka's error code.
pub(crate) async fn create_topic(
    connection: &mut Connection,
    name: &str,
    partitions: i32,
) -> Result<i16, Box<dyn Error>> {
    let topic = create_topics_request::CreatableTopic {
        name: name.into(),
        num_partitions: partitions,
        replication_factor: 1,
        ..Default::default()
    };
    let request = CreateTopicsRequest { topics: vec![topic], timeout_ms: 10_000, ..Default::default() };
    let response = connection.call(&request, 5).await?;
    Ok(response.topics.first().ok_or("the answer to CreateTopics names no topic")?.error_code)
}

/// Appends values to a partition and waits for the acknowledgement of all replicas.
pub(crate) async fn produce(
    connection: &mut Connection,
    topic: &str,
    partition: i32,
    values: &[String],
) -> Result<Produced, Box<dyn Error>> {
    let partition_data = vec![produce_request::PartitionProduceData {
        index: partition,
        records: Some(batch(values)?),
        ..Default::default()
    }];
    let topic =
        produce_request::TopicProduceData { name: topic.into(), partition_data, ..Default::default() };
    let request =
        ProduceRequest { acks: -1, timeout_ms: 10_000, topic_data: vec![topic], ..Default::default() };
    let response = connection.call(&request, 9).await?;
    let answer = response
        .responses
        .first()
        .and_then(|topic| topic.partition_responses.first())
        .ok_or("the answer to Produce names no partition")?;
    Ok(Produced { error: answer.error_code, offset: answer.base_offset })
}

/// Reads all values of a partition.
pub(crate) async fn fetch(
    connection: &mut Connection,
    topic: &str,
    partition: i32,
) -> Result<Vec<String>, Box<dyn Error>> {
    let partitions =
        vec![fetch_request::FetchPartition { partition, partition_max_bytes: 1 << 20, ..Default::default() }];
    let topic = fetch_request::FetchTopic { topic: topic.into(), partitions, ..Default::default() };
    let request = FetchRequest {
        max_wait_ms: 1000,
        min_bytes: 1,
        max_bytes: 1 << 20,
        topics: vec![topic],
        ..Default::default()
    };
    let response = connection.call(&request, 12).await?;
    let answer = response
        .responses
        .into_iter()
        .next()
        .and_then(|topic| topic.partitions.into_iter().next())
        .ok_or("the answer to Fetch names no partition")?;
    if answer.error_code != 0 {
        return Err(format!("Fetch failed with error code {}", answer.error_code).into());
    }
    let mut records = answer.records.unwrap_or_default();
    let sets = RecordBatchDecoder::decode_all(&mut records)?;
    let values = sets.into_iter().flat_map(|set| set.records).filter_map(|record| record.value);
    Ok(values.map(|value| String::from_utf8_lossy(&value).into_owned()).collect())
}

fn batch(values: &[String]) -> Result<Bytes, Box<dyn Error>> {
    // kafka-protocol begins another batch where offset and sequence do not rise together.
    let record = |(number, value): (i32, &String)| Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
        producer_id: NO_PRODUCER_ID,
        producer_epoch: NO_PRODUCER_EPOCH,
        timestamp_type: TimestampType::Creation,
        offset: number.into(),
        sequence: NO_SEQUENCE + number,
        timestamp: 0,
        key: None,
        value: Some(value.clone().into()),
        headers: Default::default(),
    };
    let records: Vec<Record> = (0..).zip(values).map(record).collect();
    let mut out = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut out, &records, &options)?;
    Ok(out.freeze())
}
