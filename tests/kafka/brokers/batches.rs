//! Record batches that a broker could append.

use crate::support::schema::hex;
use bytes::BytesMut;
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Record,
    RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};

/// What a batch of one record is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Plain,
    /// In the format of Kafka 0.10.
    Old,
    OfTransaction,
    /// What ends a transaction: brokers alone write it.
    Control,
    ControlOfTransaction,
}

/// The records of one partition, in hexadecimal digits: one batch of each kind, with a value of so many bytes.
pub fn batches(kinds: &[(Kind, usize)]) -> String {
    let mut bytes = BytesMut::new();
    for (kind, size) in kinds {
        if *kind == Kind::Old {
            bytes.extend_from_slice(&old(*size));
            continue;
        }
        let transactional = matches!(kind, Kind::OfTransaction | Kind::ControlOfTransaction);
        let control = matches!(kind, Kind::Control | Kind::ControlOfTransaction);
        let numbered = transactional || control;
        // ABORT, version 0.
        let key: &[u8] = if control { &[0, 0, 0, 0] } else { b"key" };
        let value = if control { vec![0; 6] } else { vec![b'v'; *size] };
        let record = Record {
            transactional,
            control,
            partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
            producer_id: if numbered { 4711 } else { NO_PRODUCER_ID },
            producer_epoch: if numbered { 0 } else { NO_PRODUCER_EPOCH },
            timestamp_type: TimestampType::Creation,
            offset: 0,
            sequence: if numbered { 0 } else { NO_SEQUENCE },
            timestamp: 1_700_000_000_000,
            key: Some(bytes::Bytes::copy_from_slice(key)),
            value: Some(value.into()),
            headers: Default::default(),
            delete_horizon: false,
        };
        let options = RecordEncodeOptions { version: 2, compression: Compression::None };
        RecordBatchEncoder::encode(&mut bytes, &[record], &options).unwrap();
    }
    hex(&bytes)
}

/// A message of the format before there were batches, with a value of so many bytes.
fn old(size: usize) -> Vec<u8> {
    const MAGIC_AND_ATTRIBUTES: [u8; 2] = [1, 0];
    let mut summed = MAGIC_AND_ATTRIBUTES.to_vec();
    summed.extend(1_700_000_000_000i64.to_be_bytes());
    // No key.
    summed.extend((-1i32).to_be_bytes());
    summed.extend(i32::try_from(size).unwrap().to_be_bytes());
    summed.resize(summed.len() + size, b'v');
    let mut message = 0i64.to_be_bytes().to_vec();
    message.extend(i32::try_from(4 + summed.len()).unwrap().to_be_bytes());
    message.extend(crc32(&summed).to_be_bytes());
    message.extend(summed);
    message
}

/// The checksum of gzip and PNG.
fn crc32(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0xedb8_8320;
    !bytes.iter().fold(!0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ if sum & 1 == 1 { POLYNOMIAL } else { 0 })
    })
}
