//! Where chance comes from: a seed, or bytes that a fuzzer chooses.

use crate::support::samples::Random;

pub(crate) enum Dice {
    Seeded(Random),
    /// What is left of the bytes. When nothing is left, every choice is the first.
    Given(Vec<u8>, usize),
}

impl Dice {
    pub(crate) fn seeded(seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..8 {
            random.next();
        }
        Self::Seeded(random)
    }

    pub(crate) fn given(bytes: &[u8]) -> Self {
        Self::Given(bytes.to_vec(), 0)
    }

    pub(crate) fn next(&mut self) -> u64 {
        match self {
            Self::Seeded(random) => random.next(),
            Self::Given(..) => (0..8).fold(0, |value, _| value << 8 | self.byte()),
        }
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        match self {
            Self::Seeded(random) => random.below(limit),
            Self::Given(..) if limit <= 256 => self.byte() as usize % limit,
            Self::Given(..) => (self.byte() << 16 | self.byte() << 8 | self.byte()) as usize % limit,
        }
    }

    /// Whether nothing is left to choose by.
    pub(crate) fn is_spent(&self) -> bool {
        matches!(self, Self::Given(bytes, at) if *at >= bytes.len())
    }

    fn byte(&mut self) -> u64 {
        let Self::Given(bytes, at) = self else { return 0 };
        let byte = bytes.get(*at).copied().unwrap_or_default();
        *at += 1;
        byte.into()
    }
}
