#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use kafka_protocol::records::{
    Compression, Record, RecordBatchDecoder, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};
use proptest::prelude::*;

use super::*;

fn pair() -> impl Strategy<Value = Pair> {
    (prop::collection::vec(any::<u8>(), 0..40), prop::option::of(prop::collection::vec(any::<u8>(), 0..40)))
        .prop_map(|(key, value)| Pair { key, value })
}

/// As a broker appends it: the offset is the log's.
fn at_offset(batch: &Bytes, offset: i64) -> Vec<u8> {
    let mut bytes = batch.to_vec();
    bytes[..8].copy_from_slice(&offset.to_be_bytes());
    bytes
}

fn one(bytes: Vec<u8>) -> Result<Batch, BadBatch> {
    read(bytes.into()).next().unwrap()
}

fn pairs(count: usize) -> Vec<Pair> {
    (0..count).map(|i| Pair { key: i.to_string().into_bytes(), value: None }).collect()
}

/// With the sum over everything behind it, as whoever forges a batch would make it.
fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = crc32c(&bytes[21..]);
    bytes[17..21].copy_from_slice(&sum.to_be_bytes());
    bytes
}

/// What another implementation writes.
fn foreign(pairs: &[Pair], at: SystemTime) -> Vec<u8> {
    let timestamp = at.duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    let record = |(offset, pair): (i64, &Pair)| Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: -1,
        producer_id: -1,
        producer_epoch: -1,
        timestamp_type: TimestampType::Creation,
        offset,
        // It begins another batch wherever this does not rise with the offset.
        sequence: offset as i32 - 1,
        timestamp,
        key: Some(pair.key.clone().into()),
        value: pair.value.clone().map(Bytes::from),
        headers: kafka_protocol::indexmap::IndexMap::new(),
    };
    let records: Vec<_> = (0..).zip(pairs).map(record).collect();
    let mut bytes = bytes::BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut bytes, &records, &options).unwrap();
    bytes.to_vec()
}

proptest! {
    /// One change is one batch, and comes back record by record.
    #[test]
    fn what_is_written_is_read(given in prop::collection::vec(pair(), 1..50), offset in 0..i64::MAX / 2) {
        let bytes = at_offset(&write(&given, SystemTime::now()).unwrap(), offset);
        let batches: Vec<_> = read(bytes.into()).collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(batches.len(), 1);
        prop_assert_eq!(batches[0].next, offset + given.len() as i64);
        for (i, (pair, record)) in given.iter().zip(&batches[0].records).enumerate() {
            prop_assert_eq!(record.offset, offset + i as i64);
            prop_assert_eq!(record.key.as_deref(), Some(pair.key.as_slice()));
            prop_assert_eq!(record.value.as_deref(), pair.value.as_deref());
        }
    }

    /// Byte for byte what the kafka-protocol crate writes, and it reads it.
    #[test]
    fn others_write_and_read_the_same(given in prop::collection::vec(pair(), 0..50)) {
        let at = SystemTime::now();
        let ours = write(&given, at).unwrap();
        prop_assert_eq!(&*ours, foreign(&given, at));
        if !given.is_empty() {
            let theirs = RecordBatchDecoder::decode(&mut ours.clone()).unwrap().records;
            let batch = one(ours.to_vec()).unwrap();
            prop_assert_eq!(batch.records.len(), theirs.len());
            for (ours, theirs) in batch.records.into_iter().zip(theirs) {
                prop_assert_eq!((ours.offset, ours.key, ours.value), (theirs.offset, theirs.key, theirs.value));
            }
        }
    }

    /// However long the broker's answer is cut: whole batches, then nothing.
    #[test]
    fn a_cut_is_no_fault(sizes in prop::collection::vec(1usize..4, 1..5), cut in 0.0..1.0f64) {
        let mut log = Vec::new();
        let mut ends = Vec::new();
        let mut offset = 0;
        for size in &sizes {
            log.extend(at_offset(&write(&pairs(*size), SystemTime::now()).unwrap(), offset));
            offset += *size as i64;
            ends.push((log.len(), offset));
        }
        log.truncate((log.len() as f64 * cut) as usize);
        let whole: Vec<_> = ends.iter().filter(|(end, _)| *end <= log.len()).map(|(_, next)| *next).collect();
        let read: Vec<_> = read(log.into()).map(|batch| batch.unwrap().next).collect();
        prop_assert_eq!(read, whole);
    }

    /// A forged batch with a right sum: refused or read, in bounded memory, without a panic.
    #[test]
    fn no_batch_is_dangerous(count in 1usize..4, at in 12..120usize, bytes in prop::collection::vec(any::<u8>(), 1..9)) {
        let mut forged = write(&pairs(count), SystemTime::now()).unwrap().to_vec();
        for (place, byte) in forged.iter_mut().skip(at).zip(&bytes) {
            *place = *byte;
        }
        let forged = resealed(forged);
        let whole = forged.len();
        for batch in read(forged.into()).flatten() {
            prop_assert!(batch.records.len() <= whole / SHORTEST_RECORD);
        }
    }

    #[test]
    fn nothing_is_dangerous(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read(bytes.into()).for_each(drop);
    }
}

/// Compaction takes records out of a batch, at last all of them, and leaves its last offset.
#[test]
fn what_compaction_left_moves_on() {
    let mut bytes = write(&pairs(1), SystemTime::now()).unwrap().to_vec();
    bytes[23..27].copy_from_slice(&9i32.to_be_bytes());
    let batch = one(resealed(bytes.clone())).unwrap();
    assert_eq!((batch.next, batch.records.len()), (10, 1));
    bytes.truncate(HEAD);
    bytes[8..12].copy_from_slice(&(HEAD as i32 - 12).to_be_bytes());
    bytes[57..61].copy_from_slice(&0i32.to_be_bytes());
    assert_eq!(one(resealed(bytes)), Ok(Batch { next: 10, records: Vec::new() }));
}

#[test]
fn what_no_doorkeeper_writes_is_refused() {
    let good = write(&pairs(2), SystemTime::now()).unwrap().to_vec();
    let refusal = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = at_offset(&good.clone().into(), 7);
        change(&mut bytes);
        let bad = one(bytes).unwrap_err();
        assert_eq!(bad.offset, 7);
        bad.why
    };
    assert!(
        refusal(&|bytes| bytes[16] = 1).starts_with("it is in Kafka's message format 1, and 2 is needed")
    );
    assert!(refusal(&|bytes| bytes[22] = 4).starts_with("it is compressed"));
    assert!(refusal(&|bytes| bytes[22] = 0x10).starts_with("it is part of a transaction"));
    assert!(refusal(&|bytes| bytes[22] = 0x20).starts_with("it is part of a transaction"));
    assert!(refusal(&|bytes| bytes[23] = 0x80).starts_with("its last offset makes no sense"));
    assert!(refusal(&|bytes| bytes[57] = 0x7f).starts_with("its records cannot be read"));
    assert!(refusal(&|bytes| bytes[60] = 1).starts_with("its records cannot be read"));
    assert!(refusal(&|bytes| bytes[17] ^= 1) == "its checksum is wrong");
    assert!(refusal(&|bytes| bytes[70] ^= 1) == "its checksum is wrong");
    assert_eq!(refusal(&|bytes| bytes[8..12].fill(0)), "its length is 0");
    let mut with_header = good.clone();
    *with_header.last_mut().unwrap() = 2;
    assert_eq!(one(with_header).unwrap_err().why, "its records cannot be read");
    // Nothing that follows is read either.
    let mut log = good.clone();
    log[70] ^= 1;
    log.extend(&good);
    assert_eq!(read(log.into()).count(), 1);
}

#[test]
fn numbers_are_as_specified() {
    for (number, bytes) in
        [(0, &[0][..]), (-1, &[1]), (1, &[2]), (-64, &[0x7f]), (64, &[0x80, 1]), (300, &[0xd8, 4])]
    {
        let mut written = Vec::new();
        put_varint(&mut written, number);
        assert_eq!(written, bytes, "{number}");
        assert_eq!(varint(&mut &*written), Some(number));
    }
    for number in [i64::MIN, i64::MAX] {
        let mut written = Vec::new();
        put_varint(&mut written, number);
        assert_eq!((written.len(), varint(&mut &*written)), (10, Some(number)));
    }
}
