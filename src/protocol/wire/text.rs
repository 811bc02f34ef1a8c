//! Strings that share the memory of their frame.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use bytes::Bytes;

use super::comparisons;
use super::reader::Reader;
use super::values::{Nullable, Wire};
use super::writer::put_short_length;
use super::{At, Fault, FaultKind};

/// UTF-8 text, which shares the memory of the frame it was read from: cloning is cheap, but what keeps a
/// `Str` keeps its whole frame. [`detached`](Self::detached) makes a copy to keep.
#[derive(Clone, Default)]
pub struct Str(Bytes);

impl Str {
    /// No text.
    pub const EMPTY: Self = Self(Bytes::new());

    /// The text.
    #[inline]
    pub fn as_str(&self) -> &str {
        // Every way to make a `Str` has checked this; the check is cheap, a few nanoseconds for a name.
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// A copy with memory of its own, for whatever outlives the frame.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self(Bytes::copy_from_slice(&self.0))
    }
}

impl Deref for Str {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Str {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Str {
    fn eq(&self, other: &Self) -> bool {
        comparisons::count();
        self.0 == other.0
    }
}

impl Eq for Str {}

/// Hash and order are those of the text, so that maps keyed by `Str` can be asked for a `&str`.
impl Borrow<str> for Str {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl Hash for Str {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Ord for Str {
    /// By bytes, which for UTF-8 is the order of the characters.
    fn cmp(&self, other: &Self) -> Ordering {
        comparisons::count();
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Str {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq<str> for Str {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Str {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Str {
    fn from(text: String) -> Self {
        Self(Bytes::from(text))
    }
}

impl fmt::Display for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl Wire for Str {
    #[inline]
    fn read(reader: &mut Reader<'_>, at: At) -> Result<Self, Fault> {
        Self::read_nullable(reader, at)?.ok_or_else(|| Fault::new(FaultKind::Null))
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>, at: At) -> Result<(), Fault> {
        put_short_length(out, at, Some(self.0.len()))?;
        out.extend_from_slice(&self.0);
        Ok(())
    }
}

impl Nullable for Str {
    #[inline]
    fn read_nullable(reader: &mut Reader<'_>, at: At) -> Result<Option<Self>, Fault> {
        let Some(length) = reader.short_length(at.flexible)? else { return Ok(None) };
        let bytes = reader.slice(length)?;
        match str::from_utf8(bytes) {
            Ok(_) => Ok(Some(Self(reader.share(bytes)))),
            Err(_) => Err(Fault::new(FaultKind::Utf8)),
        }
    }

    fn write_null(out: &mut Vec<u8>, at: At) -> Result<(), Fault> {
        put_short_length(out, at, None)
    }
}
