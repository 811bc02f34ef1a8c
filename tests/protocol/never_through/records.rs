//! Batches of records, as far as it matters here.

use crate::never_through::dice::Dice;
use crate::never_through::world::one_in;

/// The bit of a batch's attributes that makes it a part of a transaction (KIP-98).
const TRANSACTIONAL: u8 = 0x10;

/// The only format with transactions. What says that it is newer is no batch to any broker.
const MAGIC: u8 = 2;

/// Whether one of the first so many batches is transactional.
pub(crate) fn is_transactional(records: &[u8], batches: usize) -> bool {
    let mut rest = records;
    for _ in 0..batches {
        if rest.len() < 23 {
            break;
        }
        let length = i32::from_be_bytes(rest[8..12].try_into().unwrap());
        // What is cut short is no batch: a broker passes over it.
        let Some(next) = usize::try_from(length).ok().and_then(|length| rest.get(12 + length..)) else {
            break;
        };
        if rest[16] == MAGIC && rest[22] & TRANSACTIONAL != 0 {
            return true;
        }
        rest = next;
    }
    false
}

/// Records as a producer may send them: one batch for the most part, of any format.
pub(crate) fn some(random: &mut Dice, size: usize) -> Vec<u8> {
    let mut records = Vec::new();
    let batches = match random.below(12) {
        0 => 0,
        1 => 2,
        2 => 3,
        _ => 1,
    };
    for _ in 0..batches {
        let magic = *crate::never_through::world::one_of(random, &[0, 1, 2, 2, 2, 2, 2, 2]);
        let attributes = if one_in(random, 4) { TRANSACTIONAL } else { 0 } | random.below(2) as u8;
        let body = 49 + size + random.below(16);
        records.extend(random.next().to_be_bytes());
        records.extend((body as i32).to_be_bytes());
        records.extend([0; 4]);
        records.push(magic);
        records.extend([0; 4]);
        records.extend([0, attributes]);
        records.resize(records.len() + body - 11, 0);
    }
    if one_in(random, 20) {
        records.truncate(random.below(records.len() + 1));
    }
    records
}
