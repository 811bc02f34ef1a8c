//! Batches of records, as they lie in the topic.
//!
//! One change is one batch, which a broker appends and a reader sees as a whole. The kafka-protocol crate writes and reads
//! them; before it reads, [`Head`] and [`sound`] look at what it takes on trust, since it would reserve room for as many
//! records and headers as a batch claims to have, and adds numbers without a bound.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::time::{SystemTime, UNIX_EPOCH};

use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, Record, RecordBatchDecoder,
    RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};

use super::record::Pair;
use crate::protocol::wire::Bytes;

/// The only format of batches that holds what is atomic (Kafka 0.11, KIP-98).
const FORMAT: u8 = 2;
/// The bytes of a batch before its first record.
const HEAD: usize = 61;
/// The bytes before those that a batch's length counts.
const BEFORE_LENGTH: usize = 12;
/// No record is shorter: length, attributes, two deltas, two lengths and the number of headers.
const SHORTEST_RECORD: usize = 7;

/// A batch that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Batch {
    /// The offset after the batch, whatever compaction left of it.
    pub(super) next: i64,
    pub(super) records: Vec<Read>,
}

/// One record of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) offset: i64,
    pub(super) key: Option<Bytes>,
    pub(super) value: Option<Bytes>,
}

/// A batch that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadBatch {
    /// Where it begins.
    pub(super) offset: i64,
    /// Why.
    pub(super) why: String,
}

/// One batch of these records, in their order.
///
/// # Errors
/// When it cannot be written: it would be over 2 GiB.
pub(super) fn write(pairs: Vec<Pair>, at: SystemTime) -> Result<Bytes, String> {
    let millis = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let timestamp = i64::try_from(millis).unwrap_or_default();
    let records: Vec<Record> = (0..)
        .zip(pairs)
        .map(|(offset, pair): (i32, Pair)| Record {
            transactional: false,
            control: false,
            delete_horizon: false,
            partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
            producer_id: NO_PRODUCER_ID,
            producer_epoch: NO_PRODUCER_EPOCH,
            timestamp_type: TimestampType::Creation,
            offset: offset.into(),
            // The crate begins another batch wherever this does not rise with the offset; the batch's own is that of its
            // first record, and -1 is none.
            sequence: offset.saturating_sub(1),
            timestamp,
            key: Some(pair.key.into()),
            value: pair.value.map(Bytes::from),
            headers: kafka_protocol::indexmap::IndexMap::new(),
        })
        .collect();
    let mut bytes = bytes::BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut bytes, &records, &options).map_err(|error| error.to_string())?;
    Ok(bytes.freeze())
}

/// The batches in `bytes`, up to the first that is cut off or refused.
pub(super) fn read(mut bytes: Bytes) -> impl Iterator<Item = Result<Batch, BadBatch>> {
    let mut refused = false;
    std::iter::from_fn(move || {
        let head = Head::of(&bytes).filter(|_| !refused)?;
        let bad = |why: String| BadBatch { offset: head.offset, why };
        let length = match head.length.checked_add(BEFORE_LENGTH) {
            // The broker fills its answer up with the beginning of the next batch.
            Some(length) if length > bytes.len() => return None,
            Some(length) if head.format < FORMAT || length >= HEAD => length,
            _ => {
                refused = true;
                return Some(Err(bad(format!("its length is {}", head.length))));
            }
        };
        let batch = bytes.split_to(length);
        let decoded = decode(&head, batch);
        refused = decoded.is_err();
        Some(decoded.map_err(bad))
    })
}

/// What stands at fixed places at the beginning of a batch.
#[derive(Debug, Clone, Copy)]
struct Head {
    offset: i64,
    length: usize,
    format: u8,
    attributes: i16,
    last_delta: i32,
    timestamp: i64,
    records: usize,
}

impl Head {
    /// None when it has not come as a whole.
    fn of(bytes: &[u8]) -> Option<Head> {
        let mut rest = bytes;
        let offset = i64::from_be_bytes(*take(&mut rest)?);
        let length = i32::from_be_bytes(*take(&mut rest)?);
        let _leader_epoch: &[u8; 4] = take(&mut rest)?;
        let [format] = *take(&mut rest)?;
        // What is negative is larger than any answer.
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if format < FORMAT {
            let (attributes, last_delta, timestamp, records) = (0, 0, 0, 0);
            return Some(Head { offset, length, format, attributes, last_delta, timestamp, records });
        }
        let _crc: &[u8; 4] = take(&mut rest)?;
        let attributes = i16::from_be_bytes(*take(&mut rest)?);
        let last_delta = i32::from_be_bytes(*take(&mut rest)?);
        let timestamp = i64::from_be_bytes(*take(&mut rest)?);
        let _last_timestamp_and_producer: &[u8; 22] = take(&mut rest)?;
        let records = usize::try_from(i32::from_be_bytes(*take(&mut rest)?)).unwrap_or(usize::MAX);
        Some(Head { offset, length, format, attributes, last_delta, timestamp, records })
    }
}

fn decode(head: &Head, mut batch: Bytes) -> Result<Batch, String> {
    if head.format < FORMAT {
        return Err(format!(
            "it is in Kafka's message format {}, and {FORMAT} is needed: set message.format.version of the topic to 0.11.0 or newer",
            head.format
        ));
    }
    let flag = |bit: i16| head.attributes & bit != 0;
    if flag(0b111) {
        return Err("it is compressed, which no doorkeeper does: keep compression.type of the topic at producer or uncompressed".to_owned());
    }
    if flag(0b1_0000) || flag(0b10_0000) {
        return Err("it is part of a transaction, which no doorkeeper writes".to_owned());
    }
    let next = head.offset.checked_add(head.last_delta.into()).and_then(|last| last.checked_add(1));
    let next = next.filter(|_| head.last_delta >= 0).ok_or("its last offset makes no sense")?;
    sound(head, batch.get(HEAD..).unwrap_or_default()).ok_or("its records cannot be read")?;
    let decoded = RecordBatchDecoder::decode(&mut batch).map_err(|error| error.to_string())?;
    let records = decoded.records.into_iter();
    let records = records.map(|record| Read { offset: record.offset, key: record.key, value: record.value });
    Ok(Batch { next, records: records.collect() })
}

/// Whether the records are as many as the batch says, have no headers, and no number that cannot be added up.
fn sound(head: &Head, mut bytes: &[u8]) -> Option<()> {
    if head.records > bytes.len().checked_div(SHORTEST_RECORD)? {
        return None;
    }
    for _ in 0..head.records {
        let length = varint(&mut bytes)?;
        let (mut record, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
        bytes = rest;
        let _attributes: &[u8; 1] = take(&mut record)?;
        head.timestamp.checked_add(varint(&mut record)?)?;
        let delta = varint(&mut record)?;
        if !(0..=i64::from(head.last_delta)).contains(&delta) {
            return None;
        }
        for _key_and_value in 0..2 {
            let length = varint(&mut record)?;
            if length != -1 {
                record = record.split_at_checked(usize::try_from(length).ok()?)?.1;
            }
        }
        let headers = varint(&mut record)?;
        if headers != 0 || !record.is_empty() {
            return None;
        }
    }
    bytes.is_empty().then_some(())
}

fn take<'a, const N: usize>(bytes: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(taken)
}

/// A number in the zigzag code of Protocol Buffers.
fn varint(bytes: &mut &[u8]) -> Option<i64> {
    let mut number: u64 = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = *take(bytes)?;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some((number >> 1).cast_signed() ^ (number & 1).cast_signed().checked_neg()?);
        }
    }
    None
}

#[cfg(test)]
mod tests;
