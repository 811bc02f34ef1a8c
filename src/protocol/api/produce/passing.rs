//! The rest of a large Produce request, which is read while it passes: everything but the records themselves.

use super::Looking;
use crate::protocol::api::RequestWatch;
use crate::protocol::header::varint;
use crate::protocol::record_batches::{Batches, Transactional};

const MALFORMED: &str = "a Produce request is not put together as its version says";
const UNNAMED_TRANSACTION: &str = "a Produce request has records of a transaction and no transactional id, which showed \
                                   when the broker had a part of it";

/// The most bytes of a number.
const LONGEST_NUMBER: usize = 5;
/// A partition's index.
const INDEX: usize = 4;

/// The partitions of the only topic of a request, and the end of the request.
pub(super) struct Passing {
    is_flexible: bool,
    looking: Looking,
    /// How many bytes of the request are still to come.
    left: usize,
    /// How many partitions have not begun.
    partitions: usize,
    has_judged: bool,
    place: Place,
    /// What has come of a number.
    number: [u8; LONGEST_NUMBER],
    have: usize,
}

enum Place {
    /// In the count of the partitions.
    Partitions,
    /// In a partition's index: so many bytes are to come.
    Index(usize),
    /// In the length of a partition's records.
    Length,
    Records(Batches),
    /// Before the tagged fields of partition.
    Tags,
    /// Behind the last partition: the tagged fields of so many structs are to come.
    End(usize),
}

impl Passing {
    /// What comes behind a topic's name, in so many bytes.
    pub(super) fn new(is_flexible: bool, looking: Looking, left: usize) -> Self {
        Self {
            is_flexible,
            looking,
            left,
            partitions: 0,
            has_judged: false,
            place: Place::Partitions,
            number: [0; LONGEST_NUMBER],
            have: 0,
        }
    }

    /// Whether it is known of the first batch, if there is any, whether it belongs to a transaction.
    pub(super) fn has_judged_a_batch(&self) -> bool {
        self.has_judged || matches!(&self.place, Place::Records(batches) if batches.is_judged())
    }

    /// Reads the next bytes.
    pub(super) fn take(&mut self, mut bytes: &[u8]) -> Result<(), &'static str> {
        self.left = self.left.checked_sub(bytes.len()).ok_or(MALFORMED)?;
        while let Some((first, rest)) = bytes.split_first() {
            match &mut self.place {
                Place::Records(batches) => {
                    let taken = batches.take(bytes).map_err(|Transactional| UNNAMED_TRANSACTION)?;
                    bytes = bytes.get(taken..).unwrap_or_default();
                    if batches.is_done() {
                        self.after_records();
                    }
                    continue;
                }
                Place::Index(left) => {
                    *left -= 1;
                    if *left == 0 {
                        self.place = Place::Length;
                    }
                }
                Place::Partitions => {
                    if let Some(count) = self.number(*first)? {
                        self.partitions = count.ok_or(MALFORMED)?;
                        self.next_partition();
                    }
                }
                Place::Length => {
                    if let Some(length) = self.number(*first)? {
                        let length = length.unwrap_or_default();
                        if length > rest.len() + self.left {
                            return Err(MALFORMED);
                        }
                        match length {
                            0 => self.after_records(),
                            _ => self.place = Place::Records(Batches::new(length, self.looking)),
                        }
                    }
                }
                // No tagged fields, as with every client there is.
                Place::Tags if *first == 0 => self.next_partition(),
                Place::End(structs) if *first == 0 && *structs > 0 => *structs -= 1,
                Place::Tags | Place::End(_) => return Err(MALFORMED),
            }
            bytes = rest;
        }
        match self.left == 0 && !matches!(self.place, Place::End(0)) {
            true => Err(MALFORMED),
            false => Ok(()),
        }
    }

    fn after_records(&mut self) {
        self.has_judged = true;
        match self.is_flexible {
            true => self.place = Place::Tags,
            false => self.next_partition(),
        }
    }

    fn next_partition(&mut self) {
        self.place = match self.partitions.checked_sub(1) {
            Some(left) => {
                self.partitions = left;
                Place::Index(INDEX)
            }
            // Those of the topic, and those of the request.
            None => Place::End(if self.is_flexible { 2 } else { 0 }),
        };
    }

    /// The next byte of a count or a length, and the number when it was the last: nothing for null.
    fn number(&mut self, byte: u8) -> Result<Option<Option<usize>>, &'static str> {
        *self.number.get_mut(self.have).ok_or(MALFORMED)? = byte;
        self.have += 1;
        let is_whole = if self.is_flexible { byte < 0x80 } else { self.have == 4 };
        if !is_whole {
            return Ok(None);
        }
        self.have = 0;
        let number = match self.is_flexible {
            true => (varint(&self.number, &mut 0).ok_or(MALFORMED)? as usize).checked_sub(1),
            false => match self.number.first_chunk().map(|number| i32::from_be_bytes(*number)) {
                None | Some(-1) => None,
                Some(number) => Some(usize::try_from(number).map_err(|_| MALFORMED)?),
            },
        };
        Ok(Some(number))
    }
}

impl RequestWatch for Passing {
    fn piece(&mut self, piece: &[u8]) -> Result<(), &'static str> {
        self.take(piece)
    }
}
