//! Reading an answer with records while it passes, without keeping them: which topics it holds, each before its records, and its
//! end, where the addresses of new leaders stand behind all records (KIP-951).

use super::answer_end::UNKNOWN_TAG;
use super::wire::{Fault, FaultKind, Uuid};

/// How an answer is laid out.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    name: &'static str,
    steps: &'static [Step],
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// So many bytes.
    Bytes(usize),
    /// A length, one too high or 0 for null, and so many bytes.
    Sized,
    /// The id of a topic.
    Topic,
    /// The count of an array, one too high or 0 for null. It ends before this step.
    Array(usize),
    /// The end of an array's element; the next begins at this step.
    Again(usize),
    /// Tagged fields.
    Tags,
    /// The tagged fields at the answer's end, of which the one with the number 0 has the addresses.
    LastTags,
    /// Nothing that is looked at here.
    End,
}

/// `FetchResponse.json`, versions 16 and later.
pub const FETCH: Layout = Layout {
    name: "FetchResponse",
    steps: &[
        // Throttle time, error, session.
        Step::Bytes(4 + 2 + 4),
        Step::Array(15),
        Step::Topic,
        Step::Array(13),
        // Index, error, high watermark, last stable offset, log start offset.
        Step::Bytes(4 + 2 + 3 * 8),
        // Aborted transactions: producer id, first offset.
        Step::Array(9),
        Step::Bytes(8 + 8),
        Step::Tags,
        Step::Again(6),
        // Preferred read replica.
        Step::Bytes(4),
        // Records.
        Step::Sized,
        Step::Tags,
        Step::Again(4),
        Step::Tags,
        Step::Again(2),
        Step::LastTags,
        Step::End,
    ],
};

/// `ShareFetchResponse.json`, all versions, up to the addresses.
pub const SHARE_FETCH: Layout = Layout {
    name: "ShareFetchResponse",
    steps: &[
        // Throttle time, error.
        Step::Bytes(4 + 2),
        Step::Sized,
        // The time that an acquisition lasts.
        Step::Bytes(4),
        Step::Array(21),
        Step::Topic,
        Step::Array(19),
        // Index, error.
        Step::Bytes(4 + 2),
        Step::Sized,
        // Acknowledgement's error.
        Step::Bytes(2),
        Step::Sized,
        // The leader and its epoch.
        Step::Bytes(4 + 4),
        Step::Tags,
        // Records.
        Step::Sized,
        Step::Array(17),
        // First and last offset, deliveries.
        Step::Bytes(8 + 8 + 2),
        Step::Tags,
        Step::Again(14),
        Step::Tags,
        Step::Again(6),
        Step::Tags,
        Step::Again(4),
        Step::End,
    ],
};

/// Topics, partitions, and what partitions have beside records.
const DEPTH: usize = 3;

/// Walks an answer's body as it comes in pieces.
#[derive(Debug)]
pub struct Walk {
    layout: Layout,
    /// The step that comes next.
    at: usize,
    /// Bytes to step over before it.
    skip: usize,
    varint: u32,
    shift: u32,
    /// How many elements are left of each array that the walk is in.
    left: [u32; DEPTH],
    depth: usize,
    tags: TaggedFields,
    topic: [u8; 16],
    /// How much of a topic's id has been read.
    have: usize,
    /// Whether there are addresses.
    found: bool,
}

/// Where in tagged fields the walk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TaggedFields {
    /// Before their count.
    Count,
    /// Before the number of one, with so many to come.
    Number(u32),
    /// Before the size of one, with so many to come; whether it is the field with the addresses.
    Size(u32, bool),
    /// In the content of the one with the addresses, with so many to come behind it.
    Addresses(u32),
}

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// The id of a topic, to its end.
    Topic,
    /// The number of the field with the addresses.
    Tag,
    /// Of the addresses.
    Addresses,
    Other,
}

impl Walk {
    /// A walk at the beginning of an answer's body.
    pub fn new(layout: Layout) -> Self {
        let mut walk = Self {
            layout,
            at: 0,
            skip: 0,
            varint: 0,
            shift: 0,
            left: [0; DEPTH],
            depth: 0,
            tags: TaggedFields::Count,
            topic: [0; 16],
            have: 0,
            found: false,
        };
        walk.settle();
        walk
    }

    /// Whether the answer has been read to its end.
    pub fn is_complete(&self) -> bool {
        self.skip == 0 && matches!(self.step(), Step::End)
    }

    /// Whether the answer, which is whole, names addresses in its last tagged fields.
    pub fn search(layout: Layout, answer: &[u8]) -> Result<bool, Fault> {
        let mut walk = Self::new(layout);
        let mut at = 0;
        while let Some(rest) = answer.get(at..).filter(|rest| !rest.is_empty()) {
            at += walk.next(rest)?.0;
        }
        match walk.is_complete() {
            true => Ok(walk.found),
            false => Err(walk.fault(FaultKind::Short)),
        }
    }

    /// Reads the next piece, up to where the addresses may begin: where in the piece that is, if it is there; they may begin behind
    /// it. `topic` hears of each topic before its partitions are read.
    pub fn find_end(
        &mut self,
        piece: &[u8],
        mut topic: impl FnMut(Uuid) -> Result<(), Fault>,
    ) -> Result<Option<usize>, Fault> {
        let mut at = 0;
        while let Some(rest) = piece.get(at..).filter(|rest| !rest.is_empty() && !self.is_at_end()) {
            let (n, what) = self.next(rest)?;
            at += n;
            if what == What::Topic {
                topic(Uuid(self.topic))?;
            }
        }
        Ok(self.is_at_end().then_some(at))
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

    fn step(&self) -> Step {
        self.layout.steps.get(self.at).copied().unwrap_or(Step::End)
    }

    fn fault(&self, kind: FaultKind) -> Fault {
        Fault { field: self.layout.name, kind }
    }

    /// Whether what comes next is the answer's end.
    fn is_at_end(&self) -> bool {
        let is_before_tags = self.tags == TaggedFields::Count && self.shift == 0;
        matches!(self.step(), Step::LastTags | Step::End) && self.skip == 0 && is_before_tags
    }

    /// Reads a little of `rest`, which is not empty: how much, and what it was.
    fn next(&mut self, rest: &[u8]) -> Result<(usize, What), Fault> {
        if self.skip > 0 {
            let n = self.skip.min(rest.len());
            self.skip -= n;
            let what = match self.tags {
                TaggedFields::Addresses(_) => What::Addresses,
                _ => What::Other,
            };
            self.settle();
            return Ok((n, what));
        }
        match self.step() {
            Step::Topic => Ok(self.read_topic(rest)),
            Step::End => Err(self.fault(FaultKind::Trailing)),
            step => {
                let byte = *rest.first().ok_or(self.fault(FaultKind::Short))?;
                let is_first = self.shift == 0;
                if let Some(value) = self.number(byte)? {
                    let is_number = matches!(self.tags, TaggedFields::Number(_));
                    let is_tag = matches!(step, Step::LastTags) && is_number && is_first && value == 0;
                    self.field(step, value);
                    self.settle();
                    return Ok((1, if is_tag { What::Tag } else { What::Other }));
                }
                Ok((1, What::Other))
            }
        }
    }

    fn read_topic(&mut self, rest: &[u8]) -> (usize, What) {
        for (to, from) in self.topic.iter_mut().skip(self.have).zip(rest) {
            *to = *from;
        }
        let n = rest.len().min(self.topic.len() - self.have);
        self.have += n;
        if self.have < self.topic.len() {
            return (n, What::Other);
        }
        self.have = 0;
        self.at += 1;
        self.settle();
        (n, What::Topic)
    }

    /// Takes the steps for which nothing has to be read.
    fn settle(&mut self) {
        while self.skip == 0 {
            if let TaggedFields::Addresses(left) = self.tags {
                self.next_tag(left);
            }
            match self.step() {
                Step::Bytes(n) => {
                    self.skip = n;
                    self.at += 1;
                }
                Step::Again(first) => self.next_element(first),
                _ => return,
            }
        }
    }

    /// Reads a byte of a variable-length number, which may be its last.
    fn number(&mut self, byte: u8) -> Result<Option<u32>, Fault> {
        if self.shift == 28 && byte > 0x0f {
            return Err(self.fault(FaultKind::Varint));
        }
        self.varint |= u32::from(byte & 0x7f) << self.shift;
        if byte >= 0x80 {
            self.shift += 7;
            return Ok(None);
        }
        self.shift = 0;
        Ok(Some(std::mem::take(&mut self.varint)))
    }

    fn field(&mut self, step: Step, value: u32) {
        match (step, self.tags) {
            (Step::Array(after), _) => match (value.saturating_sub(1), self.left.get_mut(self.depth)) {
                (count @ 1.., Some(left)) => {
                    *left = count;
                    self.depth += 1;
                    self.at += 1;
                }
                _ => self.at = after,
            },
            (Step::Tags | Step::LastTags, TaggedFields::Count) => self.next_tag(value),
            (Step::Tags | Step::LastTags, TaggedFields::Number(left)) => {
                self.tags = TaggedFields::Size(left, matches!(step, Step::LastTags) && value == 0);
            }
            (Step::Tags | Step::LastTags, TaggedFields::Size(left, is_addresses)) => {
                self.skip = value as usize;
                self.found |= is_addresses;
                match is_addresses && value > 0 {
                    true => self.tags = TaggedFields::Addresses(left - 1),
                    false => self.next_tag(left - 1),
                }
            }
            _ => {
                self.skip = value.saturating_sub(1) as usize;
                self.at += 1;
            }
        }
    }

    /// Goes on to the next of so many tagged fields, or to what is behind them.
    fn next_tag(&mut self, left: u32) {
        match left {
            0 => {
                self.tags = TaggedFields::Count;
                self.at += 1;
            }
            left => self.tags = TaggedFields::Number(left),
        }
    }

    fn next_element(&mut self, first: usize) {
        let left = self.depth.checked_sub(1).and_then(|depth| self.left.get_mut(depth));
        match left {
            Some(left @ 2..) => {
                *left -= 1;
                self.at = first;
            }
            _ => {
                self.depth = self.depth.saturating_sub(1);
                self.at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests;
