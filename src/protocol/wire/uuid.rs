//! Kafka's identifiers of topics, directories and members.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use super::values::Wire;
use super::{At, Fault, Reader, comparisons};

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// 128 bits. Its text is that of Kafka's `Uuid` class: base64url without padding, 22 digits.
#[derive(Clone, Copy, Default, Eq, PartialOrd, Ord)]
pub struct Uuid(
    /// The bytes as they stand on the wire.
    pub [u8; 16],
);

impl PartialEq for Uuid {
    fn eq(&self, other: &Self) -> bool {
        comparisons::count();
        self.0 == other.0
    }
}

impl Hash for Uuid {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl Uuid {
    /// The identifier that means none.
    pub const ZERO: Self = Self([0; 16]);

    /// Whether this is [`ZERO`](Self::ZERO).
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = u128::from_be_bytes(self.0);
        // 22 digits of 6 bits hold 132: the last one ends in four that are zero.
        let digits = (2..=122).rev().step_by(6).map(|shift| bits >> shift).chain([bits << 4]);
        let text: String = digits
            .filter_map(|digit| DIGITS.get((digit & 0x3f) as usize))
            .map(|digit| char::from(*digit))
            .collect();
        f.pad(&text)
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Uuid {
    type Err = ParseUuidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (last, whole) = text.trim_end_matches('=').as_bytes().split_last().ok_or(ParseUuidError)?;
        let bits = whole.iter().try_fold(0, |bits, digit| Ok(bits << 6 | value(*digit)?))?;
        let last = value(*last)?;
        if whole.len() != 21 || last & 0x0f != 0 {
            return Err(ParseUuidError);
        }
        Ok(Self((bits << 2 | last >> 4).to_be_bytes()))
    }
}

fn value(digit: u8) -> Result<u128, ParseUuidError> {
    DIGITS.iter().position(|known| *known == digit).map(|at| at as u128).ok_or(ParseUuidError)
}

/// The text is not a [`Uuid`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseUuidError;

impl fmt::Display for ParseUuidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Kafka identifier is 22 digits of base64url, such as q39nwPdFSvSnQ6BPRXgGNA")
    }
}

impl std::error::Error for ParseUuidError {}

impl Wire for Uuid {
    #[inline]
    fn read(reader: &mut Reader<'_>, _: At) -> Result<Self, Fault> {
        reader.array().map(Self)
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>, _: At) -> Result<(), Fault> {
        out.extend_from_slice(&self.0);
        Ok(())
    }
}
