//! Random messages of a layout, as a well-behaved peer writes them.

use std::collections::BTreeSet;
use std::ops::Range;

use bytes::Bytes;

use crate::support::layouts::{Field, Layout};

/// Xorshift: the same messages in every run.
pub(crate) struct Random(pub u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        ((self.next() >> 11) % limit as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// What the values are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Anything, tagged fields that nobody declared included.
    Rich,
    /// Defaults for the most part, so that other versions can often carry the message.
    Sparse,
}

pub(crate) struct Sample {
    pub(crate) body: Bytes,
    /// Where the fields outside of tagged fields stand, inner ones before outer ones.
    pub(crate) spans: Vec<(Range<usize>, String)>,
}

pub(crate) fn sample(layout: &Layout, version: i16, random: &mut Random, style: Style) -> Bytes {
    sample_with_spans(layout, version, random, style).body
}

pub(crate) fn sample_with_spans(layout: &Layout, version: i16, random: &mut Random, style: Style) -> Sample {
    let mut sampler = Sampler::new(layout, version, random, style);
    let mut body = Vec::new();
    sampler.fields(&layout.name(), &layout.fields, &mut body);
    Sample { spans: sampler.spans, body: body.into() }
}

/// What is wrong with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// A tagged field of no bytes.
    EmptyTag,
    /// A tagged field that only other versions have.
    OtherTag,
    /// Null where only other versions have it, or none.
    Null,
}

/// A message with one flaw, and which field will be blamed: one that is not in `done`, which then is. None if the
/// message happened to have no place for it.
pub(crate) fn flawed_sample(
    layout: &Layout,
    version: i16,
    random: &mut Random,
    flaw: Flaw,
    done: &mut BTreeSet<String>,
) -> Option<(Bytes, String)> {
    let mut sampler =
        Sampler { flaw: Some((flaw, done)), ..Sampler::new(layout, version, random, Style::Rich) };
    let mut body = Vec::new();
    sampler.fields(&layout.name(), &layout.fields, &mut body);
    sampler.flawed.map(|field| (body.into(), field))
}

struct Sampler<'r> {
    random: &'r mut Random,
    version: i16,
    flexible: bool,
    style: Style,
    in_tag: bool,
    spans: Vec<(Range<usize>, String)>,
    flaw: Option<(Flaw, &'r mut BTreeSet<String>)>,
    flawed: Option<String>,
}

impl<'r> Sampler<'r> {
    fn new(layout: &Layout, version: i16, random: &'r mut Random, style: Style) -> Self {
        let flexible = version >= layout.flexible;
        Self { random, version, flexible, style, in_tag: false, spans: Vec::new(), flaw: None, flawed: None }
    }

    /// Whether this is the place for the flaw.
    fn is_flawed(&mut self, flaw: Flaw, owner: &str, field: &Field) -> bool {
        let Some((_, done)) = self.flaw.as_mut().filter(|(wanted, _)| *wanted == flaw) else { return false };
        // Of a struct without bytes, the first field is missed.
        let blamed = if flaw == Flaw::EmptyTag && field.is_struct() && !field.is_array {
            format!("{}.{}", field.kind, field.fields[0].snake_name())
        } else {
            format!("{owner}.{}", field.snake_name())
        };
        if self.flawed.is_some() || !done.insert(blamed.clone()) {
            return false;
        }
        self.flawed = Some(blamed);
        true
    }

    fn fields(&mut self, owner: &str, fields: &[Field], out: &mut Vec<u8>) {
        let (tagged, plain): (Vec<_>, Vec<_>) = fields.iter().partition(|field| field.tag.is_some());
        let version = self.version;
        for field in plain.into_iter().filter(|field| field.versions.contains(&version)) {
            let start = out.len();
            if self.style == Style::Sparse && !self.random.one_in(4) {
                self.default(field, out);
            } else {
                self.value(owner, field, out);
            }
            // A struct is at fault only if it may be null; or else what it holds is.
            if !self.in_tag && (!field.is_struct() || field.is_array || self.is_nullable(field)) {
                self.spans.push((start..out.len(), format!("{owner}.{}", field.snake_name())));
            }
        }
        if self.flexible {
            let start = out.len();
            self.tags(owner, tagged, out);
            if !self.in_tag {
                self.spans.push((start..out.len(), format!("{owner}.unknown_tags")));
            }
        }
    }

    fn tags(&mut self, owner: &str, known: Vec<&Field>, out: &mut Vec<u8>) {
        let outer = std::mem::replace(&mut self.in_tag, true);
        let odds = if self.style == Style::Rich { 2 } else { 8 };
        let mut tags = Vec::new();
        for field in known {
            let (mut value, mut default) = (Vec::new(), Vec::new());
            let tag = field.tag.unwrap();
            if !field.versions.contains(&self.version) {
                if self.is_flawed(Flaw::OtherTag, owner, field) {
                    // Nothing wrong with the value, so far as this version knows its parts.
                    self.value(owner, field, &mut value);
                    tags.push((tag, value));
                }
            } else if self.is_flawed(Flaw::EmptyTag, owner, field) {
                tags.push((tag, value));
            } else if self.random.one_in(odds) {
                self.default(field, &mut default);
                let flawed = self.flawed.is_some();
                self.value(owner, field, &mut value);
                // Nobody writes a default.
                if value != default || flawed != self.flawed.is_some() {
                    tags.push((tag, value));
                }
            }
        }
        if self.style == Style::Rich && self.random.one_in(6) {
            let size = self.random.below(5);
            tags.push((100 + self.random.below(900) as u32, vec![7; size]));
        }
        tags.sort();
        self.in_tag = outer;
        varint(out, tags.len() as u32);
        for (tag, value) in tags {
            varint(out, tag);
            varint(out, value.len() as u32);
            out.extend(value);
        }
    }

    fn value(&mut self, owner: &str, field: &Field, out: &mut Vec<u8>) {
        let nullable = self.is_nullable(field);
        let could_be_null = field.is_array || ["string", "bytes", "records"].contains(&field.kind);
        let is_null = if nullable {
            self.random.one_in(5)
        } else {
            could_be_null && self.is_flawed(Flaw::Null, owner, field)
        };
        if !field.is_array {
            return self.single(field, nullable, is_null, out);
        }
        if is_null {
            return self.length(None, out);
        }
        let count = self.random.below(4);
        self.length(Some(count), out);
        (0..count).for_each(|_| self.single(field, false, false, out));
    }

    fn single(&mut self, field: &Field, nullable: bool, is_null: bool, out: &mut Vec<u8>) {
        match field.kind {
            "bool" => out.push(self.random.below(2) as u8),
            "string" => {
                let text: String = (0..self.random.below(9))
                    .map(|_| ['a', 'Z', '.', '-', '7', 'é', '漢'][self.random.below(7)])
                    .collect();
                self.string((!is_null).then_some(&text), out);
            }
            "bytes" | "records" if is_null => self.length(None, out),
            "bytes" | "records" => {
                let size = self.random.below(20);
                self.length(Some(size), out);
                out.extend((0..size).map(|_| self.random.next() as u8));
            }
            kind => match width(kind) {
                Some(width) => self.number(width, out),
                None => {
                    if nullable {
                        out.push(if is_null { 0xff } else { 1 });
                    }
                    if !is_null {
                        self.fields(kind, &field.fields, out);
                    }
                }
            },
        }
    }

    fn number(&mut self, width: usize, out: &mut Vec<u8>) {
        match self.random.below(6) {
            0 => out.extend(std::iter::repeat_n(0, width)),
            1 => out.extend(std::iter::repeat_n(0xff, width)),
            2 => out.extend(std::iter::once(0x7f).chain(std::iter::repeat_n(0xff, width - 1))),
            _ => out.extend((0..width).map(|_| 1 + self.random.below(120) as u8)),
        }
    }

    fn is_nullable(&self, field: &Field) -> bool {
        field.null.as_ref().is_some_and(|null| null.contains(&self.version))
    }

    /// What the field holds when nobody sets it.
    fn default(&mut self, field: &Field, out: &mut Vec<u8>) {
        let nullable = self.is_nullable(field);
        let is_null = nullable && field.default == Some("null");
        match field.kind {
            _ if field.is_array => self.length((!is_null).then_some(0), out),
            "bytes" | "records" => self.length((!is_null).then_some(0), out),
            "string" => self.string((!is_null).then_some(""), out),
            "bool" => out.push(u8::from(field.default == Some("true"))),
            kind => match width(kind) {
                Some(width) => {
                    let number: i64 = field.default.map_or(0, |word| word.parse().unwrap());
                    let bytes = i128::from(number).to_be_bytes();
                    out.extend(&bytes[16 - width..]);
                }
                None => {
                    if nullable {
                        out.push(if is_null { 0xff } else { 1 });
                    }
                    if !is_null {
                        self.default_struct(field, out);
                    }
                }
            },
        }
    }

    fn default_struct(&mut self, field: &Field, out: &mut Vec<u8>) {
        for inner in &field.fields {
            if inner.versions.contains(&self.version) && inner.tag.is_none() {
                self.default(inner, out);
            }
        }
        if self.flexible {
            out.push(0);
        }
    }

    fn string(&self, text: Option<&str>, out: &mut Vec<u8>) {
        if self.flexible {
            self.length(text.map(str::len), out);
        } else {
            out.extend(text.map_or(-1, |text| text.len() as i16).to_be_bytes());
        }
        out.extend(text.unwrap_or_default().as_bytes());
    }

    fn length(&self, length: Option<usize>, out: &mut Vec<u8>) {
        if self.flexible {
            varint(out, length.map_or(0, |length| length as u32 + 1));
        } else {
            out.extend(length.map_or(-1, |length| length as i32).to_be_bytes());
        }
    }
}

/// The size of a number; none of what is no number.
fn width(kind: &str) -> Option<usize> {
    Some(match kind {
        "int8" => 1,
        "int16" | "uint16" => 2,
        "int32" => 4,
        "int64" | "float64" => 8,
        "uuid" => 16,
        _ => return None,
    })
}

pub(crate) fn varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
