//! A bounded reader over the bytes of one frame.

use bytes::Bytes;

use super::{Direction, Fault, FaultKind, Message, Tags};

/// A message may take this many times the memory of its frame, and a little more. Kafka's densest honest
/// messages, arrays of short names, stay below 10; an array of empty names would reach 30.
const AMPLIFICATION: usize = 16;
const ALLOWANCE: usize = 64 * 1024;
/// A long request with records may take this much and a part of its length: it is long for its records, of which each
/// partition has a batch of 61 bytes at least.
const BESIDE_RECORDS: usize = 8 * 1024 * 1024;
const PART_BESIDE_RECORDS: usize = 8;
/// The key of Produce.
const PRODUCE: i16 = 0;

/// The most elements of an array that Kafka 4.4 reads.
const MAX_ELEMENTS: usize = 1_000_000;
/// The most tagged fields of a struct that Kafka 4.4 reads.
const MAX_TAGS: u32 = 10_000;

/// What is left of a message to read, and of the memory to read it into.
pub struct Reader<'a> {
    frame: &'a Bytes,
    rest: &'a [u8],
    /// Bytes that may still be allocated.
    budget: usize,
    unknown: Unknown,
}

/// How much memory a message may take whose body has this length, in bytes.
pub(super) fn memory<M: Message>(length: usize) -> usize {
    let most = length.saturating_mul(AMPLIFICATION).saturating_add(ALLOWANCE);
    match (M::KEY, M::DIRECTION) {
        (PRODUCE, Direction::Request) => {
            most.min(BESIDE_RECORDS.saturating_add(length / PART_BESIDE_RECORDS))
        }
        _ => most,
    }
}

/// What becomes of tagged fields that nobody declared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unknown {
    Kept,
    Dropped,
    /// As `Dropped`, and there were some.
    Missed,
}

impl<'a> Reader<'a> {
    /// `budget`: the bytes that may be allocated.
    pub(super) fn new(frame: &'a Bytes, budget: usize) -> Self {
        Self { frame, rest: frame, budget, unknown: Unknown::Kept }
    }

    /// The same reader, which drops tagged fields that nobody declared.
    pub(super) fn dropping_unknown(self) -> Self {
        Self { unknown: Unknown::Dropped, ..self }
    }

    /// Whether tagged fields were dropped.
    pub(super) fn has_dropped(&self) -> bool {
        self.unknown == Unknown::Missed
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let Some((head, rest)) = self.rest.split_first_chunk() else {
            return Err(Fault::new(FaultKind::Short));
        };
        self.rest = rest;
        Ok(*head)
    }

    #[inline]
    pub(super) fn slice(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let Some((head, rest)) = self.rest.split_at_checked(length) else {
            return Err(Fault::new(FaultKind::Short));
        };
        self.rest = rest;
        Ok(head)
    }

    /// `bytes` of the frame, sharing its memory. Nothing is shared for nothing: an empty value does not keep
    /// the frame.
    #[inline]
    pub(super) fn share(&self, bytes: &'a [u8]) -> Bytes {
        if bytes.is_empty() { Bytes::new() } else { self.frame.slice_ref(bytes) }
    }

    /// The length of a string, null being -1.
    #[inline]
    pub(super) fn short_length(&mut self, flexible: bool) -> Result<Option<usize>, Fault> {
        let length = if flexible {
            self.compact_length()?
        } else {
            nullable(i16::from_be_bytes(self.array()?).into())?
        };
        match length {
            Some(length) if length > i16::MAX as usize => Err(Fault::new(FaultKind::Length)),
            length => Ok(length),
        }
    }

    /// The length of a byte field, or an array's count; null being -1.
    #[inline]
    pub(super) fn long_length(&mut self, flexible: bool) -> Result<Option<usize>, Fault> {
        if flexible { self.compact_length() } else { nullable(i32::from_be_bytes(self.array()?)) }
    }

    /// The count of an array whose elements take `size` bytes of memory each, paid for out of the budget.
    #[inline]
    pub(super) fn count(&mut self, flexible: bool, size: usize) -> Result<Option<usize>, Fault> {
        let Some(count) = self.long_length(flexible)? else { return Ok(None) };
        // No element takes less than a byte: a count beyond the bytes left is a lie.
        if count > self.rest.len() {
            return Err(Fault::new(FaultKind::Short));
        }
        if count > MAX_ELEMENTS {
            return Err(Fault::new(FaultKind::Length));
        }
        self.charge(count.saturating_mul(size))?;
        Ok(Some(count))
    }

    /// The byte in front of a struct that may be null (KIP-893).
    pub(in crate::protocol) fn presence(&mut self) -> Result<bool, Fault> {
        match i8::from_be_bytes(self.array()?) {
            1 => Ok(true),
            -1 => Ok(false),
            _ => Err(Fault::new(FaultKind::Length)),
        }
    }

    /// Steps over the count of tagged fields if it is zero, as it almost always is.
    #[inline]
    pub(in crate::protocol) fn skip_no_tags(&mut self) -> bool {
        match self.rest.split_first() {
            Some((0, rest)) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Reads the tagged fields at the end of a struct. `known` reads a declared one and says so; any other is
    /// kept in `unknown`.
    pub(in crate::protocol) fn tags(
        &mut self,
        unknown: &mut Tags,
        known: &mut dyn FnMut(u32, &mut Reader<'a>) -> Result<bool, Fault>,
    ) -> Result<(), Fault> {
        let count = self.varint()?;
        if count > MAX_TAGS {
            return Err(Fault::new(FaultKind::Tag));
        }
        let mut last = None;
        for _ in 0..count {
            let tag = self.varint()?;
            if last >= Some(tag) {
                return Err(Fault::new(FaultKind::Tag));
            }
            last = Some(tag);
            let size = self.varint()?;
            let value = self.slice(size as usize)?;
            let mut inner =
                Reader { rest: value, frame: self.frame, budget: self.budget, unknown: self.unknown };
            let is_known = known(tag, &mut inner).map_err(|fault| match fault.kind {
                // It is the size of the field that is too small.
                FaultKind::Short => Fault { kind: FaultKind::Tag, ..fault },
                _ => fault,
            })?;
            (self.budget, self.unknown) = (inner.budget, inner.unknown);
            if !is_known && self.unknown == Unknown::Kept {
                self.charge(Tags::SIZE)?;
                unknown.push(tag, self.share(value));
            } else if !is_known {
                self.unknown = Unknown::Missed;
            } else if !inner.rest.is_empty() {
                return Err(Fault::new(FaultKind::Tag));
            }
        }
        Ok(())
    }

    #[inline]
    fn charge(&mut self, bytes: usize) -> Result<(), Fault> {
        match self.budget.checked_sub(bytes) {
            Some(left) => {
                self.budget = left;
                Ok(())
            }
            None => Err(Fault::new(FaultKind::Budget)),
        }
    }

    /// A length in a flexible version: one more than it is, so that zero is null.
    #[inline]
    fn compact_length(&mut self) -> Result<Option<usize>, Fault> {
        Ok((self.varint()? as usize).checked_sub(1))
    }

    #[inline]
    fn varint(&mut self) -> Result<u32, Fault> {
        match self.rest.split_first() {
            Some((&byte, rest)) if byte < 0x80 => {
                self.rest = rest;
                Ok(byte.into())
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u32, Fault> {
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.array()?;
            let bits = u32::from(byte & 0x7f);
            // The fifth byte has room for four bits.
            if shift == 28 && bits > 0x0f {
                return Err(Fault::new(FaultKind::Varint));
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Fault::new(FaultKind::Varint))
    }
}

#[inline]
fn nullable(length: i32) -> Result<Option<usize>, Fault> {
    match length {
        -1 => Ok(None),
        length => usize::try_from(length).map(Some).map_err(|_| Fault::new(FaultKind::Length)),
    }
}
