//! Record batches as the bodies of Produce requests hold them, with fixed times so that both sides store the same bytes.

use crate::support::schema::hex;
use bytes::BytesMut;
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Record,
    RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};

/// When all records were made, in milliseconds.
const TIME: i64 = 1_700_000_000_000;

/// Two plain records, in hexadecimal digits.
pub fn plain() -> String {
    batch(false)
}

/// The same, marked as part of a transaction.
pub fn transactional() -> String {
    batch(true)
}

fn batch(transactional: bool) -> String {
    let record = |offset: i64| Record {
        transactional,
        control: false,
        partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
        producer_id: if transactional { 4711 } else { NO_PRODUCER_ID },
        producer_epoch: if transactional { 0 } else { NO_PRODUCER_EPOCH },
        timestamp_type: TimestampType::Creation,
        offset,
        // The encoder begins a new batch where sequences do not follow each other.
        sequence: if transactional { 0 } else { NO_SEQUENCE } + offset as i32,
        timestamp: TIME,
        key: Some("key".into()),
        value: Some(format!("value {offset}").into()),
        headers: Default::default(),
        delete_horizon: false,
    };
    let mut bytes = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut bytes, &[record(0), record(1)], &options).unwrap();
    hex(&bytes)
}
