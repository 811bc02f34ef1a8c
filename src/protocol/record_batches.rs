//! Record batches as they lie in a Produce request, one behind the other: whether one of them belongs to a transaction.
//! Nothing else of them is read.

/// So many bytes of a batch tell.
const HEADER: usize = 23;
/// Where the count of a batch's bytes stands that follow this field (`Records.SIZE_OFFSET`), and how many come before those.
const SIZE: usize = 8;
const BEFORE_SIZED: usize = 12;
/// The least that this count may be (`LegacyRecord.RECORD_OVERHEAD_V0`).
const LEAST_SIZE: usize = 14;
const MAGIC: usize = 16;
const ATTRIBUTES_LOW_BYTE: usize = 22;
const TRANSACTIONAL: u8 = 0x10;

/// Which of a partition's batches are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looking {
    /// None: it does not matter what they belong to.
    AtNone,
    /// The first, where every broker refuses a second.
    AtFirst,
    /// All of them.
    AtAll,
}

/// A batch that belongs to a transaction: bit 4 of the attributes of a batch of version 2 (`DefaultRecordBatch`). Older
/// formats know no transactions.
#[derive(Debug, PartialEq, Eq)]
pub struct Transactional;

/// The batches of one partition, as they come.
#[derive(Debug)]
pub struct Batches {
    looking: Looking,
    /// How many bytes of them are still to come.
    left: usize,
    /// How many of these are not looked at.
    skip: usize,
    header: [u8; HEADER],
    have: usize,
}

impl Batches {
    /// Batches of so many bytes together.
    pub fn new(length: usize, looking: Looking) -> Self {
        let skip = if looking == Looking::AtNone { length } else { 0 };
        Self { looking, left: length, skip, header: [0; HEADER], have: 0 }
    }

    /// Whether they are whole and one that is looked at belongs to a transaction.
    pub fn are_transactional(records: &[u8], looking: Looking) -> bool {
        Self::new(records.len(), looking).take(records).is_err()
    }

    /// Whether all of them have come.
    pub fn is_done(&self) -> bool {
        self.left == 0
    }

    /// Whether what has come of them is judged: none of it is the beginning of a batch that does not tell yet.
    pub fn is_judged(&self) -> bool {
        self.left == 0 || self.skip > 0
    }

    /// Looks at the next bytes, which may go on beyond the batches; returns how many belong to them.
    ///
    /// # Errors
    /// When a batch belongs to a transaction.
    pub fn take(&mut self, bytes: &[u8]) -> Result<usize, Transactional> {
        let mut rest = bytes.get(..self.left).unwrap_or(bytes);
        let taken = rest.len();
        while !rest.is_empty() {
            if self.skip == 0 && self.have == 0 && self.left < HEADER {
                // Too short for a batch that could.
                self.skip = self.left;
            }
            let count = match self.skip {
                0 => HEADER - self.have,
                skip => skip,
            };
            let (now, later) = rest.split_at(count.min(rest.len()));
            rest = later;
            self.left -= now.len();
            if self.skip > 0 {
                self.skip -= now.len();
                continue;
            }
            for (to, from) in self.header.iter_mut().skip(self.have).zip(now) {
                *to = *from;
            }
            self.have += now.len();
            if self.have == HEADER {
                self.have = 0;
                self.skip = self.judge()?;
            }
        }
        Ok(taken)
    }

    /// Looks at a header; how many bytes come before the next.
    fn judge(&self) -> Result<usize, Transactional> {
        let until_end = HEADER + self.left;
        let size = self.header[SIZE..].first_chunk().map(|size| i32::from_be_bytes(*size));
        let length = size
            .and_then(|size| usize::try_from(size).ok())
            .filter(|size| *size >= LEAST_SIZE)
            .map(|size| BEFORE_SIZED + size)
            .filter(|length| *length <= until_end);
        // What is no batch a broker refuses, and what is not whole it leaves unread (`ByteBufferLogInputStream`).
        let Some(length) = length else { return Ok(self.left) };
        if self.header[MAGIC] == 2 && self.header[ATTRIBUTES_LOW_BYTE] & TRANSACTIONAL != 0 {
            return Err(Transactional);
        }
        Ok(match self.looking {
            Looking::AtAll => length - HEADER,
            Looking::AtNone | Looking::AtFirst => self.left,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A batch of so many bytes after its size.
    fn batch(size: usize, magic: u8, attributes: u8) -> Vec<u8> {
        let mut batch = vec![0xaa; BEFORE_SIZED + size];
        batch[SIZE..BEFORE_SIZED].copy_from_slice(&i32::try_from(size).unwrap().to_be_bytes());
        (batch[MAGIC], batch[ATTRIBUTES_LOW_BYTE]) = (magic, attributes);
        batch
    }

    /// In one piece, and cut at every byte: the same.
    fn tells(records: &[u8], looking: Looking) -> bool {
        let whole = Batches::are_transactional(records, looking);
        for cut in 0..records.len() {
            let mut batches = Batches::new(records.len(), looking);
            let pieces = [&records[..cut], &records[cut..]];
            let found = pieces.iter().any(|piece| batches.take(piece).is_err());
            assert_eq!(found, whole, "cut at {cut}");
            assert!(found || batches.is_done());
        }
        let mut batches = Batches::new(records.len(), looking);
        assert_eq!(records.iter().any(|byte| batches.take(&[*byte]).is_err()), whole, "byte by byte");
        whole
    }

    #[test]
    fn a_batch_of_a_transaction_is_found_where_it_is_looked_for() {
        let (plain, of_transaction, old) =
            (batch(61, 2, 0x0f), batch(70, 2, 0x10), batch(LEAST_SIZE, 1, 0xff));
        for (records, first, any) in [
            (vec![], false, false),
            (plain.clone(), false, false),
            (of_transaction.clone(), true, true),
            ([&*plain, &plain].concat(), false, false),
            ([&*plain, &of_transaction].concat(), false, true),
            ([&*old, &old, &of_transaction, &old].concat(), false, true),
            ([&*of_transaction, &plain].concat(), true, true),
        ] {
            assert_eq!(tells(&records, Looking::AtFirst), first);
            assert_eq!(tells(&records, Looking::AtAll), any);
            assert!(!tells(&records, Looking::AtNone));
        }
    }

    #[test]
    fn what_is_cut_short_or_no_batch_is_none() {
        let of_transaction = batch(70, 2, 0x10);
        for length in 0..of_transaction.len() {
            assert!(!tells(&of_transaction[..length], Looking::AtAll), "{length}");
        }
        for size in [0, 13, -1, i32::MIN, i32::MAX] {
            let mut wrong = of_transaction.clone();
            wrong[SIZE..BEFORE_SIZED].copy_from_slice(&size.to_be_bytes());
            assert!(!tells(&[&*wrong, &of_transaction].concat(), Looking::AtAll), "{size}");
        }
    }

    #[test]
    fn what_comes_behind_the_batches_is_left_alone() {
        let records = batch(30, 2, 0);
        let mut batches = Batches::new(records.len(), Looking::AtAll);
        assert_eq!(batches.take(&records[..40]), Ok(40));
        assert!(batches.is_judged() && !batches.is_done());
        assert_eq!(batches.take(&[0; 10]), Ok(2));
        assert!(batches.is_done());
        assert_eq!(batches.take(&[0; 10]), Ok(0));
    }
}
