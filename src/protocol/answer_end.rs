//! The end of an answer, behind all records, changed without changing its length: the length of the whole has been sent by
//! then.

use super::messages::{FetchResponse, ShareFetchResponse};
use super::wire::{Bytes, Fault, Message, Tags};

/// The tag of what fills up an end that has become shorter: a number that nobody knows, in one byte.
pub const UNKNOWN_TAG: u8 = 0x7f;

/// An answer with the addresses of new leaders at its end (KIP-951).
pub trait WithAddresses: Message + Clone {
    /// What stands before its end when there are no topics.
    const BEFORE_END: &'static [u8];
    /// The end of an answer without addresses, as brokers write it.
    const PLAIN_END: &'static [u8];

    /// Whether there are any.
    fn has_addresses(&self) -> bool;

    /// The tagged fields at the very end.
    fn last_tags(&mut self) -> &mut Tags;
}

/// The addresses are themselves one of the tagged fields.
impl WithAddresses for FetchResponse {
    const BEFORE_END: &'static [u8] = &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    const PLAIN_END: &'static [u8] = &[0];

    fn has_addresses(&self) -> bool {
        !self.node_endpoints.is_empty()
    }

    fn last_tags(&mut self) -> &mut Tags {
        &mut self.unknown_tags
    }
}

impl WithAddresses for ShareFetchResponse {
    const BEFORE_END: &'static [u8] = &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    const PLAIN_END: &'static [u8] = &[1, 0];

    fn has_addresses(&self) -> bool {
        !self.node_endpoints.is_empty()
    }

    fn last_tags(&mut self) -> &mut Tags {
        &mut self.unknown_tags
    }
}

/// Has an answer's end changed. What is shorter then is filled up with a tagged field that clients step over; false, and
/// nothing changed, if it is longer.
pub fn change<M: WithAddresses>(
    end: &mut [u8],
    version: i16,
    change: impl FnOnce(&mut M),
) -> Result<bool, Fault> {
    if end == M::PLAIN_END {
        return Ok(true);
    }
    let mut answer = M::decode(&[M::BEFORE_END, end].concat().into(), version)?;
    if !answer.has_addresses() {
        return Ok(true);
    }
    change(&mut answer);
    let written = |padding: Option<usize>| {
        let mut answer = answer.clone();
        if let Some(length) = padding {
            answer.last_tags().push(UNKNOWN_TAG.into(), Bytes::from(vec![0; length]));
        }
        let mut bytes = Vec::new();
        answer.encode(version, &mut bytes).ok()?;
        Some(bytes.split_off(M::BEFORE_END.len()))
    };
    let Some(gap) = written(None).and_then(|bytes| end.len().checked_sub(bytes.len())) else {
        return Ok(false);
    };
    // The field's number takes a byte, its length up to three.
    let paddings = (2..=4).filter_map(|taken| gap.checked_sub(taken)).map(Some);
    for padding in std::iter::once(None).chain(paddings) {
        let Some(mut bytes) = written(padding) else { continue };
        let lacks_one = bytes.len() + 1 == end.len();
        if let Some(count @ ..0x80) = bytes.first_mut().filter(|_| lacks_one) {
            // One byte is too little for a field: the count in front takes two.
            *count |= 0x80;
            bytes.insert(1, 0);
        }
        if bytes.len() == end.len() {
            end.copy_from_slice(&bytes);
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests;
