//! Messages in which a test says what stands in each field. If it does not say, every field is there: arrays have one
//! element, nothing is null, every tagged field is set.

use bytes::Bytes;
use doorkeeper::protocol::wire::Uuid;

use crate::support::layouts::{Field, Layout};
use crate::support::samples::varint;

/// The first of the tags that nobody declared.
const UNKNOWN: u32 = 1000;

/// What stands in the fields that a test cares for; all others have their defaults, or an `x`.
pub(crate) struct Filling<'a> {
    /// The text of a field, which stands at this path: `Topics.Partitions.Name`.
    pub(crate) text: &'a dyn Fn(&str, &Field) -> Option<String>,
    /// The number of a field.
    pub(crate) number: &'a dyn Fn(&str, &Field) -> Option<i64>,
    /// An identifier.
    pub(crate) uuid: &'a dyn Fn(&str) -> Uuid,
    /// How many elements an array has.
    pub(crate) count: &'a dyn Fn(&str) -> u32,
    /// Whether a field is null, if it may be.
    pub(crate) null: &'a dyn Fn(&str) -> bool,
    /// How many tagged fields that nobody declared the message itself has, where a version can have any.
    pub(crate) unknown_tags: u32,
}

impl Default for Filling<'_> {
    fn default() -> Self {
        Self {
            text: &|_, _| None,
            number: &|_, _| None,
            uuid: &|_| Uuid([7; 16]),
            count: &|_| 1,
            null: &|_| false,
            unknown_tags: 0,
        }
    }
}

/// Writes the message.
pub(crate) fn filled(layout: &Layout, version: i16, filling: &Filling<'_>) -> Bytes {
    let flexible = version >= layout.flexible;
    let mut out = Vec::new();
    Writer { version, flexible, filling }.fields("", &layout.fields, &mut out);
    out.into()
}

struct Writer<'a> {
    version: i16,
    flexible: bool,
    filling: &'a Filling<'a>,
}

impl Writer<'_> {
    fn fields(&self, path: &str, fields: &[Field], out: &mut Vec<u8>) {
        let (mut tagged, plain): (Vec<_>, Vec<_>) = fields
            .iter()
            .filter(|field| field.versions.contains(&self.version))
            .partition(|field| field.tag.is_some());
        plain.iter().for_each(|field| self.field(path, field, out));
        if self.flexible {
            tagged.sort_by_key(|field| field.tag);
            let unknown = if path.is_empty() { self.filling.unknown_tags } else { 0 };
            varint(out, tagged.len() as u32 + unknown);
            for field in tagged {
                let mut value = Vec::new();
                self.field(path, field, &mut value);
                varint(out, field.tag.unwrap());
                varint(out, value.len() as u32);
                out.extend(value);
            }
            for tag in UNKNOWN..UNKNOWN + unknown {
                varint(out, tag);
                varint(out, 1);
                out.push(7);
            }
        }
    }

    fn field(&self, path: &str, field: &Field, out: &mut Vec<u8>) {
        let path = if path.is_empty() { field.name.to_owned() } else { format!("{path}.{}", field.name) };
        let nullable = field.null.as_ref().is_some_and(|null| null.contains(&self.version));
        let null = nullable && (self.filling.null)(&path);
        let mut count = 1;
        match field.kind {
            _ if field.is_array => {
                count = if null { 0 } else { (self.filling.count)(&path) };
                self.length((!null).then_some(count), out);
            }
            "string" | "bytes" | "records" => {}
            _ if field.is_struct() && nullable => {
                out.push(if null { 0xff } else { 1 });
                count = u32::from(!null);
            }
            _ => {}
        }
        for _ in 0..count {
            self.element(&path, field, null, out);
        }
    }

    fn element(&self, path: &str, field: &Field, null: bool, out: &mut Vec<u8>) {
        match field.kind {
            "bool" => out.push(u8::from(field.default == Some("true"))),
            "string" => {
                let text = (self.filling.text)(path, field).unwrap_or_else(|| "x".to_owned());
                let length = (!null).then_some(text.len());
                match self.flexible {
                    true => varint(out, length.map_or(0, |length| length as u32 + 1)),
                    false => out.extend(length.map_or(-1, |length| length as i16).to_be_bytes()),
                }
                out.extend(text.as_bytes().iter().take(length.unwrap_or_default()));
            }
            "bytes" | "records" => self.length((!null).then_some(0), out),
            "uuid" => out.extend((self.filling.uuid)(path).0),
            "float64" => out.extend([0; 8]),
            "int8" => out.extend((self.number(path, field) as i8).to_be_bytes()),
            "int16" => out.extend((self.number(path, field) as i16).to_be_bytes()),
            "uint16" => out.extend((self.number(path, field) as u16).to_be_bytes()),
            "int32" => out.extend((self.number(path, field) as i32).to_be_bytes()),
            "int64" => out.extend(self.number(path, field).to_be_bytes()),
            _ => self.fields(path, &field.fields, out),
        }
    }

    fn number(&self, path: &str, field: &Field) -> i64 {
        (self.filling.number)(path, field)
            .or_else(|| field.default.and_then(|word| word.parse().ok()))
            .unwrap_or_default()
    }

    fn length(&self, length: Option<u32>, out: &mut Vec<u8>) {
        match self.flexible {
            true => varint(out, length.map_or(0, |length| length + 1)),
            false => out.extend(length.map_or(-1, |length| length as i32).to_be_bytes()),
        }
    }
}
