//! Batches of records, as they lie in the topic.
//!
//! One change is one batch, which a broker appends and a reader sees as a whole. What is read is of the second format (Kafka
//! 0.11, KIP-98), without compression, transactions and headers, as doorkeepers write it; everything else is refused.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::BufMut;

use super::record::Pair;
use crate::model::crc32c::crc32c;
use crate::protocol::wire::Bytes;

/// The only format of batches that holds what is atomic.
const FORMAT: u8 = 2;
/// The bytes of a batch before its first record.
const HEAD: usize = 61;
/// The bytes before those that a batch's length counts.
const BEFORE_LENGTH: usize = 12;
/// The bytes before those that its checksum is of.
const SUMMED: usize = 21;
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
pub(super) fn write(pairs: &[Pair], at: SystemTime) -> Result<Bytes, String> {
    let too_long = |_| "it would be over 2 GiB".to_owned();
    let Some(last) = pairs.len().checked_sub(1) else { return Ok(Bytes::new()) };
    let millis = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let timestamp = i64::try_from(millis).unwrap_or_default();

    // What the checksum is of.
    let mut summed = Vec::new();
    summed.put_i16(0); // attributes
    summed.put_i32(i32::try_from(last).map_err(too_long)?);
    summed.put_i64(timestamp); // of the first record
    summed.put_i64(timestamp); // of the last one
    summed.put_i64(-1); // no idempotent producer: neither id,
    summed.put_i16(-1); // nor epoch,
    summed.put_i32(-1); // nor sequence
    summed.put_i32(i32::try_from(pairs.len()).map_err(too_long)?);
    let mut record = Vec::new();
    for (delta, pair) in (0..).zip(pairs) {
        record.clear();
        record.put_u8(0); // attributes
        put_varint(&mut record, 0); // of the timestamp
        put_varint(&mut record, delta);
        put_field(&mut record, Some(&pair.key))?;
        put_field(&mut record, pair.value.as_deref())?;
        put_varint(&mut record, 0); // headers
        put_field(&mut summed, Some(&record))?;
    }

    let mut batch = Vec::with_capacity(summed.len().saturating_add(SUMMED));
    batch.put_i64(0); // the broker puts the offset here
    let length = summed.len().saturating_add(SUMMED).saturating_sub(BEFORE_LENGTH);
    batch.put_i32(i32::try_from(length).map_err(too_long)?);
    batch.put_i32(-1); // the broker's epoch
    batch.put_u8(FORMAT);
    batch.put_u32(crc32c(&summed));
    batch.extend(summed);
    Ok(batch.into())
}

/// The batches in `bytes`, up to the first that is cut off or refused.
pub(super) fn read(mut bytes: Bytes) -> impl Iterator<Item = Result<Batch, BadBatch>> {
    let mut refused = false;
    std::iter::from_fn(move || {
        let head = BatchHead::of(&bytes).filter(|_| !refused)?;
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
        let decoded = decode(&head, &batch);
        refused = decoded.is_err();
        Some(decoded.map_err(bad))
    })
}

/// What stands at fixed places at the beginning of a batch.
#[derive(Debug, Clone, Copy)]
struct BatchHead {
    offset: i64,
    length: usize,
    format: u8,
    checksum: u32,
    attributes: i16,
    last_delta: i32,
    records: usize,
}

impl BatchHead {
    /// None when it has not come as a whole.
    fn of(bytes: &[u8]) -> Option<BatchHead> {
        let mut rest = bytes;
        let offset = i64::from_be_bytes(*take(&mut rest)?);
        let length = i32::from_be_bytes(*take(&mut rest)?);
        let _leader_epoch: &[u8; 4] = take(&mut rest)?;
        let [format] = *take(&mut rest)?;
        // What is negative is larger than any answer.
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if format < FORMAT {
            let (checksum, attributes, last_delta, records) = (0, 0, 0, 0);
            return Some(BatchHead { offset, length, format, checksum, attributes, last_delta, records });
        }
        let checksum = u32::from_be_bytes(*take(&mut rest)?);
        let attributes = i16::from_be_bytes(*take(&mut rest)?);
        let last_delta = i32::from_be_bytes(*take(&mut rest)?);
        let _timestamps_and_producer: &[u8; 30] = take(&mut rest)?;
        let records = usize::try_from(i32::from_be_bytes(*take(&mut rest)?)).unwrap_or(usize::MAX);
        Some(BatchHead { offset, length, format, checksum, attributes, last_delta, records })
    }
}

fn decode(head: &BatchHead, batch: &Bytes) -> Result<Batch, String> {
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
    let records = records(head, batch).ok_or("its records cannot be read")?;
    if batch.get(SUMMED..).map(crc32c) != Some(head.checksum) {
        return Err("its checksum is wrong".to_owned());
    }
    Ok(Batch { next, records })
}

/// The records, when they are as many as the batch says, have no headers, and lie within its offsets.
fn records(head: &BatchHead, batch: &Bytes) -> Option<Vec<Read>> {
    let mut bytes = batch.get(HEAD..)?;
    // Room is reserved for what can be there, whatever the batch claims.
    if head.records > bytes.len().checked_div(SHORTEST_RECORD)? {
        return None;
    }
    let mut records = Vec::with_capacity(head.records);
    for _ in 0..head.records {
        let mut record = field(&mut bytes)??;
        let _attributes: &[u8; 1] = take(&mut record)?;
        let _timestamp = varint(&mut record)?;
        let delta = varint(&mut record)?;
        if !(0..=i64::from(head.last_delta)).contains(&delta) {
            return None;
        }
        let key = field(&mut record)?.map(|key| batch.slice_ref(key));
        let value = field(&mut record)?.map(|value| batch.slice_ref(value));
        let headers = varint(&mut record)?;
        if headers != 0 || !record.is_empty() {
            return None;
        }
        records.push(Read { offset: head.offset.checked_add(delta)?, key, value });
    }
    bytes.is_empty().then_some(records)
}

/// What has its length before it; -1 is that of nothing.
fn field<'a>(bytes: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let length = varint(bytes)?;
    if length == -1 {
        return Some(None);
    }
    let (field, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
    *bytes = rest;
    Some(Some(field))
}

fn put_field(bytes: &mut Vec<u8>, field: Option<&[u8]>) -> Result<(), String> {
    let Some(field) = field else {
        put_varint(bytes, -1);
        return Ok(());
    };
    put_varint(bytes, i32::try_from(field.len()).map_err(|_| "it would be over 2 GiB")?.into());
    bytes.extend(field);
    Ok(())
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

fn put_varint(bytes: &mut Vec<u8>, number: i64) {
    let mut rest = (number << 1 ^ number >> 63).cast_unsigned();
    while rest > 0x7f {
        bytes.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
}

#[cfg(test)]
mod tests;
