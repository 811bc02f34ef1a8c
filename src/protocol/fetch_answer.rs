//! Reading a Fetch answer while it passes, without keeping its records: its head, which names the session, and its very
//! end, where from version 16 on the addresses of new leaders stand, behind all records (KIP-951).

use super::answer_end::UNKNOWN_TAG;
use super::wire::{Fault, FaultKind};

/// The part of a Fetch answer that says what became of the session, from version 7 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchAnswerHead {
    /// The top-level error.
    pub error_code: i16,
    /// The session; 0 is none.
    pub session_id: i32,
}

/// Length of the head: throttle time, error, session.
pub const HEAD: usize = 10;

impl FetchAnswerHead {
    /// Reads the head.
    pub fn read(head: &[u8; HEAD]) -> Self {
        let [_, _, _, _, e0, e1, s0, s1, s2, s3] = *head;
        Self { error_code: i16::from_be_bytes([e0, e1]), session_id: i32::from_be_bytes([s0, s1, s2, s3]) }
    }
}

/// The first version whose answers name brokers' addresses.
pub const NODE_ENDPOINTS: i16 = 16;

/// Walks an answer of version 16 or later as it comes in pieces.
pub struct Walk {
    step: Step,
    /// Bytes to step over before the next field.
    skip: usize,
    varint: u32,
    shift: u32,
    topics: u32,
    partitions: u32,
    aborted: u32,
    tags: u32,
    found: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Topics,
    Partitions,
    Aborted,
    AbortedTags,
    Records,
    PartitionTags,
    TopicTags,
    /// A tag's number, its size; then back to the tags of the step.
    Tag(After),
    Size(After),
    AnswerTags,
    AnswerTag,
    AnswerSize {
        endpoints: bool,
    },
    Addresses,
    End,
}

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// The tag's number in front of addresses.
    Tag,
    Addresses,
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Aborted,
    Partition,
    Topic,
}

const TOPIC_ID: usize = 16;
/// Index, error, high watermark, last stable offset, log start offset.
const PARTITION: usize = 4 + 2 + 3 * 8;
/// Producer id, first offset.
const ABORTED: usize = 16;
const PREFERRED_READ_REPLICA: usize = 4;

impl Default for Walk {
    fn default() -> Self {
        Self::new()
    }
}

impl Walk {
    /// A walk at the beginning of an answer's body.
    pub fn new() -> Self {
        Self {
            step: Step::Topics,
            skip: HEAD,
            varint: 0,
            shift: 0,
            topics: 0,
            partitions: 0,
            aborted: 0,
            tags: 0,
            found: false,
        }
    }

    /// Whether the answer has been read to its end.
    pub fn is_complete(&self) -> bool {
        self.step == Step::End && self.skip == 0
    }

    /// Whether the answer, which is whole, names addresses.
    pub fn search(answer: &[u8]) -> Result<bool, Fault> {
        let mut walk = Self::new();
        let mut at = 0;
        while let Some(rest) = answer.get(at..).filter(|rest| !rest.is_empty()) {
            at += walk.next(rest)?.0;
        }
        match walk.is_complete() {
            true => Ok(walk.found),
            false => Err(fault(FaultKind::Short)),
        }
    }

    /// Reads the next piece, up to the tagged fields at the answer's end: where in the piece those begin, if they do. They
    /// may begin behind it.
    pub fn find_end(&mut self, piece: &[u8]) -> Result<Option<usize>, Fault> {
        let mut at = 0;
        while let Some(rest) = piece.get(at..).filter(|rest| !rest.is_empty() && !self.is_at_end()) {
            at += self.next(rest)?.0;
        }
        Ok(self.is_at_end().then_some(at))
    }

    /// Whether what comes next are the tagged fields at the answer's end.
    fn is_at_end(&self) -> bool {
        self.step == Step::AnswerTags && self.skip == 0 && self.shift == 0
    }

    /// Reads the next piece and overwrites the addresses in it: the tag gets a number that clients step over, its content
    /// becomes zeros. The length stays, and a client asks for metadata, as it did before there were addresses in answers.
    pub fn erase(&mut self, piece: &mut [u8]) -> Result<(), Fault> {
        let mut at = 0;
        while let Some(rest) = piece.get_mut(at..).filter(|rest| !rest.is_empty()) {
            let (n, what) = self.next(rest)?;
            match (what, rest.get_mut(..n)) {
                (What::Tag, Some(tag)) => tag.fill(UNKNOWN_TAG),
                (What::Addresses, Some(content)) => content.fill(0),
                _ => {}
            }
            at += n;
        }
        Ok(())
    }

    /// Reads a little of `rest`, which is not empty: how much, and what it was.
    fn next(&mut self, rest: &[u8]) -> Result<(usize, What), Fault> {
        if self.skip > 0 {
            let n = self.skip.min(rest.len());
            self.skip -= n;
            let what = if self.step == Step::Addresses { What::Addresses } else { What::Other };
            if self.skip == 0 && self.step == Step::Addresses {
                self.next_answer_tag();
            }
            return Ok((n, what));
        }
        let byte = *rest.first().ok_or(fault(FaultKind::Short))?;
        if self.step == Step::End {
            return Err(fault(FaultKind::Trailing));
        }
        if self.shift == 28 && byte > 0x0f {
            return Err(fault(FaultKind::Varint));
        }
        self.varint |= u32::from(byte & 0x7f) << self.shift;
        if byte >= 0x80 {
            self.shift += 7;
            return Ok((1, What::Other));
        }
        let is_tag = self.step == Step::AnswerTag && self.varint == 0 && self.shift == 0;
        let value = std::mem::take(&mut self.varint);
        self.shift = 0;
        self.field(value);
        Ok((1, if is_tag { What::Tag } else { What::Other }))
    }

    fn field(&mut self, value: u32) {
        let count = value.saturating_sub(1);
        match self.step {
            Step::Topics => {
                self.topics = count;
                self.next_topic();
            }
            Step::Partitions => {
                self.partitions = count;
                self.next_partition();
            }
            Step::Aborted => {
                self.aborted = count;
                self.next_aborted();
            }
            Step::AbortedTags => self.begin_tags(value, After::Aborted),
            Step::Records => {
                self.skip = count as usize;
                self.step = Step::PartitionTags;
            }
            Step::PartitionTags => self.begin_tags(value, After::Partition),
            Step::TopicTags => self.begin_tags(value, After::Topic),
            Step::Tag(after) => self.step = Step::Size(after),
            Step::Size(after) => {
                self.skip = value as usize;
                self.tags -= 1;
                self.after_tag(after);
            }
            Step::AnswerTags => {
                self.tags = value;
                self.next_answer_tag();
            }
            Step::AnswerTag => self.step = Step::AnswerSize { endpoints: value == 0 },
            Step::AnswerSize { endpoints } => {
                self.tags -= 1;
                self.found |= endpoints;
                self.skip = value as usize;
                if endpoints && value > 0 {
                    self.step = Step::Addresses;
                } else {
                    self.next_answer_tag();
                }
            }
            Step::Addresses | Step::End => {}
        }
    }

    fn begin_tags(&mut self, count: u32, after: After) {
        self.tags = count;
        self.after_tag(after);
    }

    fn after_tag(&mut self, after: After) {
        if self.tags > 0 {
            self.step = Step::Tag(after);
            return;
        }
        match after {
            After::Aborted => {
                self.aborted -= 1;
                self.next_aborted();
            }
            After::Partition => {
                self.partitions -= 1;
                self.next_partition();
            }
            After::Topic => {
                self.topics -= 1;
                self.next_topic();
            }
        }
    }

    // Each of these may add to a skip that a tag's content still needs.
    fn next_topic(&mut self) {
        if self.topics == 0 {
            self.step = Step::AnswerTags;
        } else {
            self.skip += TOPIC_ID;
            self.step = Step::Partitions;
        }
    }

    fn next_partition(&mut self) {
        if self.partitions == 0 {
            self.step = Step::TopicTags;
        } else {
            self.skip += PARTITION;
            self.step = Step::Aborted;
        }
    }

    fn next_aborted(&mut self) {
        if self.aborted == 0 {
            self.skip += PREFERRED_READ_REPLICA;
            self.step = Step::Records;
        } else {
            self.skip += ABORTED;
            self.step = Step::AbortedTags;
        }
    }

    fn next_answer_tag(&mut self) {
        self.step = if self.tags > 0 { Step::AnswerTag } else { Step::End };
    }
}

fn fault(kind: FaultKind) -> Fault {
    Fault { field: "FetchResponse", kind }
}

#[cfg(test)]
mod tests;
