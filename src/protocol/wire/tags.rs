//! Tagged fields (KIP-482): those that nobody declared, and how all of them are written.

use std::fmt;

use bytes::Bytes;

use super::writer::put_varint;
use super::{At, Fault, FaultKind, Wire};

/// The tagged fields of a struct that its declaration does not know, carried along as they are.
///
/// Nearly always empty, and then as small as a pointer.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tags(
    #[allow(clippy::box_collection, reason = "every struct has one: 8 bytes, not 24")]
    Option<Box<Vec<(u32, Bytes)>>>,
);

impl Tags {
    /// What one field takes in memory.
    pub(super) const SIZE: usize = size_of::<(u32, Bytes)>();

    /// Adds a field. It is written in the order of the tags, whenever it was added.
    pub fn push(&mut self, tag: u32, value: Bytes) {
        self.0.get_or_insert_default().push((tag, value));
    }

    /// The fields in the order in which they were read or added.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Bytes)> {
        self.0.iter().flat_map(|fields| fields.iter()).map(|(tag, value)| (*tag, value))
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Forgets all fields.
    pub fn clear(&mut self) {
        self.0 = None;
    }
}

impl fmt::Debug for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Collects the tagged fields of a struct that are to be written.
#[derive(Default)]
pub struct TagWriter(Vec<(u32, Vec<u8>)>);

impl TagWriter {
    pub(in crate::protocol) fn known<T: Wire>(&mut self, tag: u32, value: &T, at: At) -> Result<(), Fault> {
        let mut bytes = Vec::new();
        value.write(&mut bytes, at)?;
        self.0.push((tag, bytes));
        Ok(())
    }

    /// Writes the fields, `unknown` ones among them, in the order of their tags. In a version without tagged
    /// fields an unknown one is lost, which is a fault as with any other value.
    #[inline]
    pub(in crate::protocol) fn finish(self, unknown: &Tags, out: &mut Vec<u8>, at: At) -> Result<(), Fault> {
        match (at.flexible, self.0.is_empty() && unknown.is_empty()) {
            (true, true) => out.push(0),
            (true, false) => self.merge(unknown, out)?,
            (false, true) => {}
            (false, false) => return Err(Fault::new(FaultKind::Lost)),
        }
        Ok(())
    }

    fn merge(self, unknown: &Tags, out: &mut Vec<u8>) -> Result<(), Fault> {
        let mut fields: Vec<(u32, &[u8])> = self.0.iter().map(|(tag, value)| (*tag, &**value)).collect();
        fields.extend(unknown.iter().map(|(tag, value)| (tag, &**value)));
        fields.sort_by_key(|(tag, _)| *tag);
        if !fields.is_sorted_by(|(before, _), (after, _)| before < after) {
            return Err(Fault::new(FaultKind::Tag));
        }
        put_varint(out, size(fields.len())?);
        for (tag, value) in fields {
            put_varint(out, tag);
            put_varint(out, size(value.len())?);
            out.extend_from_slice(value);
        }
        Ok(())
    }
}

fn size(length: usize) -> Result<u32, Fault> {
    u32::try_from(length).map_err(|_| Fault::new(FaultKind::Length))
}
