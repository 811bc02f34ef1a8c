//! Reading a ShareFetch answer while it passes, without keeping its records: which topics it holds, each before its
//! records, and its end, where the addresses of new leaders stand.

use super::wire::{Fault, FaultKind, Uuid};

/// Walks an answer as it comes in pieces. All versions have the same layout.
pub struct Walk {
    /// The step that comes next.
    at: usize,
    /// Bytes to step over before it.
    skip: usize,
    varint: u32,
    shift: u32,
    /// How many elements are left of each array that the walk is in.
    left: [u32; DEPTH],
    depth: usize,
    /// How many tagged fields are left, and whether the next number is the size of one.
    tags: u32,
    tag_size: bool,
    topic: [u8; 16],
    /// How much of a topic's id has been read.
    have: usize,
}

#[derive(Clone, Copy)]
enum Step {
    /// So many bytes.
    Bytes(usize),
    /// A length, one too high or 0 for null, and so many bytes.
    Sized,
    Topic,
    /// The count of an array, one too high or 0 for null. It ends before this step.
    Array(usize),
    /// The end of an array's element; the next begins at this step.
    Again(usize),
    Tags,
    End,
}

/// Topics, partitions, acquired records.
const DEPTH: usize = 3;

/// `ShareFetchResponse.json`, up to the addresses.
const ANSWER: [Step; 22] = [
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
];

/// Where in an answer its error stands.
pub const ERROR: std::ops::Range<usize> = 4..6;

impl Default for Walk {
    fn default() -> Self {
        Self::new()
    }
}

impl Walk {
    /// A walk at the beginning of an answer's body.
    pub fn new() -> Self {
        Self {
            at: 0,
            skip: 0,
            varint: 0,
            shift: 0,
            left: [0; DEPTH],
            depth: 0,
            tags: 0,
            tag_size: false,
            topic: [0; 16],
            have: 0,
        }
    }

    /// Reads the next piece, up to where the addresses begin: where in the piece that is, if it is there. `topic` hears of
    /// each topic before its partitions are read.
    pub fn find_end(
        &mut self,
        piece: &[u8],
        mut topic: impl FnMut(Uuid) -> Result<(), Fault>,
    ) -> Result<Option<usize>, Fault> {
        let mut at = 0;
        loop {
            let rest = piece.get(at..).unwrap_or_default();
            if self.skip > 0 {
                let n = self.skip.min(rest.len());
                self.skip -= n;
                at += n;
                if self.skip > 0 {
                    return Ok(None);
                }
                continue;
            }
            match ANSWER.get(self.at) {
                None | Some(Step::End) => return Ok(Some(at)),
                Some(Step::Bytes(n)) => {
                    self.skip = *n;
                    self.at += 1;
                }
                Some(Step::Again(first)) => self.next_element(*first),
                Some(Step::Topic) => {
                    for (to, from) in self.topic.iter_mut().skip(self.have).zip(rest) {
                        *to = *from;
                    }
                    let n = rest.len().min(self.topic.len() - self.have);
                    (self.have, at) = (self.have + n, at + n);
                    if self.have < self.topic.len() {
                        return Ok(None);
                    }
                    self.have = 0;
                    self.at += 1;
                    topic(Uuid(self.topic))?;
                }
                Some(step @ (Step::Sized | Step::Array(_) | Step::Tags)) => {
                    let Some(byte) = rest.first() else { return Ok(None) };
                    at += 1;
                    if let Some(value) = self.number(*byte)? {
                        self.field(*step, value);
                    }
                }
            }
        }
    }

    /// Reads a byte of a variable-length number, which may be its last.
    fn number(&mut self, byte: u8) -> Result<Option<u32>, Fault> {
        if self.shift == 28 && byte > 0x0f {
            return Err(Fault { field: "ShareFetchResponse", kind: FaultKind::Varint });
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
        match step {
            Step::Array(after) => match (value.saturating_sub(1), self.left.get_mut(self.depth)) {
                (count @ 1.., Some(left)) => {
                    *left = count;
                    self.depth += 1;
                    self.at += 1;
                }
                _ => self.at = after,
            },
            // Of a field: its number, then its size.
            Step::Tags if self.tags > 0 && self.tag_size => {
                self.skip = value as usize;
                (self.tags, self.tag_size) = (self.tags - 1, false);
                self.at += usize::from(self.tags == 0);
            }
            Step::Tags if self.tags > 0 => self.tag_size = true,
            Step::Tags => {
                self.tags = value;
                self.at += usize::from(value == 0);
            }
            _ => {
                self.skip = value.saturating_sub(1) as usize;
                self.at += 1;
            }
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
mod tests {
    use super::super::answer_end::WithAddresses;
    use super::super::messages::ShareFetchResponse;
    use super::super::messages::share_fetch_response::*;
    use super::super::wire::{Bytes, Message};
    use super::*;

    fn answer(topics: u8) -> ShareFetchResponse {
        let mut tagged = LeaderIdAndEpoch { leader_id: 3, ..Default::default() };
        tagged.unknown_tags.push(5, Bytes::from(vec![0xee; 200]));
        tagged.unknown_tags.push(9, Bytes::new());
        let partition = |index: i32| PartitionData {
            partition_index: index,
            error_message: (index % 2 > 0).then(|| "a sentence".into()),
            acknowledge_error_message: (index % 3 > 0).then(|| "another".into()),
            current_leader: if index == 2 { tagged.clone() } else { Default::default() },
            records: Bytes::from(vec![0xee; 100 * index as usize]),
            acquired_records: vec![AcquiredRecords::default(); index as usize],
            ..Default::default()
        };
        let topic = |n: u8| ShareFetchableTopicResponse {
            topic_id: Uuid([n; 16]),
            partitions: (0..i32::from(n)).map(partition).collect(),
            ..Default::default()
        };
        ShareFetchResponse { responses: (0..topics).map(topic).collect(), ..Default::default() }
    }

    #[test]
    fn topics_are_heard_of_and_the_end_is_found_wherever_a_piece_begins() {
        for version in ShareFetchResponse::VERSIONS {
            for topics in [0, 1, 2, 5] {
                let mut body = Vec::new();
                answer(topics).encode(version, &mut body).unwrap();
                let begin = body.len() - ShareFetchResponse::PLAIN_END.len();
                for cut in 0..=body.len() {
                    let (mut walk, mut heard) = (Walk::new(), Vec::new());
                    let mut hear = |topic: Uuid| {
                        heard.push(topic.0[0]);
                        Ok(())
                    };
                    let found = match walk.find_end(&body[..cut], &mut hear).unwrap() {
                        Some(at) => at,
                        None => cut + walk.find_end(&body[cut..], &mut hear).unwrap().unwrap(),
                    };
                    assert_eq!((found, heard), (begin, (0..topics).collect()), "cut at {cut}");
                }
            }
        }
    }

    #[test]
    fn a_topic_is_heard_of_before_its_records_and_may_end_the_walk() {
        let mut body = Vec::new();
        answer(3).encode(2, &mut body).unwrap();
        let stop = Fault { field: "topic", kind: FaultKind::Foreign };
        let refused = |topic: Uuid| if topic.0[0] == 2 { Err(stop) } else { Ok(()) };
        let second = body.windows(16).position(|bytes| bytes == [2; 16]).unwrap();
        assert_eq!(Walk::new().find_end(&body[..second + 15], refused), Ok(None));
        assert_eq!(Walk::new().find_end(&body[..second + 16], refused), Err(stop));
    }

    #[test]
    fn no_bytes_make_it_panic_or_stand_still() {
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..20_000 {
            let mut bytes = [0u8; 96];
            for byte in &mut bytes {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                *byte = [0, 1, 2, 0x7f, 0xff, (seed >> 8) as u8][(seed % 6) as usize];
            }
            let _ = Walk::new().find_end(&bytes, |_| Ok(()));
        }
    }
}
