//! Messages as trees, read and written after Kafka's definitions: a third codec, which shares nothing with doorkeeper's own
//! and knows every version that a Kafka ever had.

use crate::support::layouts::{Field, Layout};
use crate::support::samples::varint;

/// One value of a message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    /// Not in this version, or a tagged field that is not there.
    Absent,
    Null,
    Number(i64),
    Float([u8; 8]),
    Text(String),
    Bytes(Vec<u8>),
    Uuid([u8; 16]),
    List(Vec<Node>),
    Struct(Struct),
}

/// The values of a struct, one for each of its fields.
#[derive(Clone, PartialEq)]
pub(crate) struct Struct {
    pub(crate) fields: &'static [Field],
    pub(crate) values: Vec<Node>,
    /// Tagged fields that no definition has.
    pub(crate) unknown: Vec<(u32, Vec<u8>)>,
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl std::fmt::Debug for Struct {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_map();
        for (field, value) in
            self.fields.iter().zip(&self.values).filter(|(_, value)| **value != Node::Absent)
        {
            shown.entry(&format_args!("{}", field.name), value);
        }
        if !self.unknown.is_empty() {
            shown.entry(&format_args!("unknown tags"), &self.unknown);
        }
        shown.finish()
    }
}

static ABSENT: Node = Node::Absent;

impl Node {
    /// The field of a struct; absent where there is none of this name.
    pub(crate) fn get(&self, name: &str) -> &Node {
        let Node::Struct(inner) = self else { return &ABSENT };
        inner.fields.iter().position(|field| field.name == name).map_or(&ABSENT, |at| &inner.values[at])
    }

    /// A number, or the definition's default where the version lacks it.
    pub(crate) fn number(&self, name: &str) -> i64 {
        match self.get(name) {
            Node::Number(number) => *number,
            _ => self.default_of(name).and_then(|word| word.parse().ok()).unwrap_or_default(),
        }
    }

    /// The number of a partition, whatever the field is called; a partition may stand alone as well.
    pub(crate) fn partition(&self) -> i64 {
        let fields = ["PartitionIndex", "Partition", "Index"].map(|name| self.get(name));
        let found = fields.into_iter().chain([self]).find_map(|node| match node {
            Node::Number(index) => Some(*index),
            _ => None,
        });
        found.unwrap_or_default()
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        match self.get(name) {
            Node::Number(number) => *number != 0,
            _ => self.default_of(name) == Some("true"),
        }
    }

    fn default_of(&self, name: &str) -> Option<&'static str> {
        let Node::Struct(inner) = self else { return None };
        inner.fields.iter().find(|field| field.name == name)?.default
    }

    /// A text; empty where it is null or absent.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).as_text()
    }

    pub(crate) fn as_text(&self) -> &str {
        match self {
            Node::Text(text) => text,
            _ => "",
        }
    }

    /// An identifier; zero where there is none.
    pub(crate) fn uuid(&self, name: &str) -> [u8; 16] {
        match self.get(name) {
            Node::Uuid(id) => *id,
            _ => [0; 16],
        }
    }

    /// The elements of an array; none where it is null or absent.
    pub(crate) fn list(&self, name: &str) -> &[Node] {
        match self.get(name) {
            Node::List(elements) => elements,
            _ => &[],
        }
    }

    /// Whether a tagged field is here, or in a part, that no definition has.
    pub(crate) fn has_unknown(&self) -> bool {
        match self {
            Node::List(elements) => elements.iter().any(Node::has_unknown),
            Node::Struct(inner) => !inner.unknown.is_empty() || inner.values.iter().any(Node::has_unknown),
            _ => false,
        }
    }
}

/// Reads a whole body; nothing may follow.
pub(crate) fn read(layout: &'static Layout, version: i16, body: &[u8]) -> Result<Node, String> {
    let mut reader = Reader { rest: body, version, flexible: version >= layout.flexible };
    let node = reader.fields(&layout.fields)?;
    match reader.rest.len() {
        0 => Ok(node),
        left => Err(format!("{left} bytes follow")),
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    version: i16,
    flexible: bool,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or("cut short")?;
        self.rest = rest;
        Ok(taken)
    }

    fn integer(&mut self, width: usize) -> Result<i64, String> {
        let bytes = self.take(width)?;
        let sign = if bytes[0] & 0x80 == 0 { 0 } else { -1 };
        Ok(bytes.iter().fold(sign, |value: i64, byte| value << 8 | i64::from(*byte)))
    }

    fn varint(&mut self) -> Result<usize, String> {
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.take(1)?[0];
            value |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("a varint of more than five bytes".to_owned())
    }

    /// The length of what may be null; strings have two bytes for it where it is not compact, all others four.
    fn length(&mut self, width: usize) -> Result<Option<usize>, String> {
        match self.flexible {
            true => Ok(self.varint()?.checked_sub(1)),
            false => Ok(usize::try_from(self.integer(width)?).ok()),
        }
    }

    fn fields(&mut self, fields: &'static [Field]) -> Result<Node, String> {
        let mut values = vec![Node::Absent; fields.len()];
        let version = self.version;
        let here = |field: &Field| field.versions.contains(&version);
        for (value, field) in
            values.iter_mut().zip(fields).filter(|(_, field)| here(field) && field.tag.is_none())
        {
            *value = self.field(field).map_err(|why| format!("{}: {why}", field.name))?;
        }
        let mut unknown = Vec::new();
        if self.flexible {
            for _ in 0..self.varint()? {
                let tag = self.varint()? as u32;
                let size = self.varint()?;
                let bytes = self.take(size)?;
                match fields.iter().position(|field| field.tag == Some(tag) && here(field)) {
                    Some(at) => {
                        let mut inner = Reader { rest: bytes, ..*self };
                        values[at] = inner.field(&fields[at])?;
                        if !inner.rest.is_empty() {
                            return Err(format!("{}: its tag is longer than it", fields[at].name));
                        }
                    }
                    None => unknown.push((tag, bytes.to_vec())),
                }
            }
        }
        Ok(Node::Struct(Struct { fields, values, unknown }))
    }

    fn field(&mut self, field: &'static Field) -> Result<Node, String> {
        let nullable = field.null.as_ref().is_some_and(|null| null.contains(&self.version));
        let node = match field.is_array {
            true => match self.length(4)? {
                None => Node::Null,
                Some(count) if count > self.rest.len() => return Err("too many elements".to_owned()),
                Some(count) => {
                    let elements: Result<_, _> = (0..count).map(|_| self.element(field, false)).collect();
                    Node::List(elements?)
                }
            },
            false => self.element(field, nullable)?,
        };
        match node {
            Node::Null if !nullable => Err("null where it must not be".to_owned()),
            node => Ok(node),
        }
    }

    fn element(&mut self, field: &'static Field, nullable: bool) -> Result<Node, String> {
        Ok(match field.kind {
            "bool" | "int8" => Node::Number(self.integer(1)?),
            "int16" => Node::Number(self.integer(2)?),
            "uint16" => Node::Number(self.integer(2)? & 0xffff),
            "int32" => Node::Number(self.integer(4)?),
            "int64" => Node::Number(self.integer(8)?),
            "float64" => Node::Float(self.take(8)?.try_into().unwrap()),
            "uuid" => Node::Uuid(self.take(16)?.try_into().unwrap()),
            "string" => match self.length(2)? {
                None => Node::Null,
                Some(length) => {
                    let text = std::str::from_utf8(self.take(length)?).map_err(|error| error.to_string())?;
                    Node::Text(text.to_owned())
                }
            },
            "bytes" | "records" => match self.length(4)? {
                None => Node::Null,
                Some(length) => Node::Bytes(self.take(length)?.to_vec()),
            },
            _ if nullable && self.integer(1)? < 0 => Node::Null,
            _ => self.fields(&field.fields)?,
        })
    }
}

/// Writes a message.
pub(crate) fn write(layout: &Layout, version: i16, message: &Node) -> Vec<u8> {
    let mut out = Vec::new();
    Writer { version, flexible: version >= layout.flexible }.fields(message, &mut out);
    out
}

struct Writer {
    version: i16,
    flexible: bool,
}

impl Writer {
    fn fields(&self, node: &Node, out: &mut Vec<u8>) {
        let Node::Struct(inner) = node else { panic!("{node:?} is no struct") };
        let here = |field: &Field| field.versions.contains(&self.version);
        let present = || inner.fields.iter().zip(&inner.values).filter(|(field, _)| here(field));
        present()
            .filter(|(field, _)| field.tag.is_none())
            .for_each(|(field, value)| self.field(field, value, out));
        if self.flexible {
            let mut tags = inner.unknown.clone();
            for (field, value) in present().filter(|(_, value)| **value != Node::Absent) {
                if let Some(tag) = field.tag {
                    let mut bytes = Vec::new();
                    self.field(field, value, &mut bytes);
                    tags.push((tag, bytes));
                }
            }
            tags.sort();
            varint(out, tags.len() as u32);
            for (tag, bytes) in tags {
                varint(out, tag);
                varint(out, bytes.len() as u32);
                out.extend(bytes);
            }
        }
    }

    fn field(&self, field: &Field, value: &Node, out: &mut Vec<u8>) {
        let nullable = field.null.as_ref().is_some_and(|null| null.contains(&self.version));
        match value {
            Node::List(elements) => {
                self.length(4, Some(elements.len()), out);
                elements.iter().for_each(|element| self.element(field, false, element, out));
            }
            _ if field.is_array => self.length(4, (!nullable).then_some(0), out),
            value => self.element(field, nullable, value, out),
        }
    }

    fn element(&self, field: &Field, nullable: bool, value: &Node, out: &mut Vec<u8>) {
        let number = || match value {
            Node::Number(number) => *number,
            _ => field.default.and_then(|word| word.parse().ok()).unwrap_or_default(),
        };
        match (field.kind, value) {
            ("bool" | "int8", _) => out.push(number() as u8),
            ("int16" | "uint16", _) => out.extend((number() as u16).to_be_bytes()),
            ("int32", _) => out.extend((number() as i32).to_be_bytes()),
            ("int64", _) => out.extend(number().to_be_bytes()),
            ("float64", Node::Float(bytes)) => out.extend(bytes),
            ("float64", _) => out.extend([0; 8]),
            ("uuid", Node::Uuid(bytes)) => out.extend(bytes),
            ("uuid", _) => out.extend([0; 16]),
            ("string", Node::Text(text)) => {
                self.length(2, Some(text.len()), out);
                out.extend(text.as_bytes());
            }
            ("string", _) => self.length(2, (!nullable).then_some(0), out),
            ("bytes" | "records", Node::Bytes(bytes)) => {
                self.length(4, Some(bytes.len()), out);
                out.extend(bytes);
            }
            ("bytes" | "records", _) => self.length(4, (!nullable).then_some(0), out),
            (_, Node::Struct(_)) => {
                if nullable {
                    out.push(1);
                }
                self.fields(value, out);
            }
            (_, _) if nullable => out.push(0xff),
            (kind, value) => panic!("{value:?} is no {kind}"),
        }
    }

    fn length(&self, width: usize, length: Option<usize>, out: &mut Vec<u8>) {
        match (self.flexible, width) {
            (true, _) => varint(out, length.map_or(0, |length| length as u32 + 1)),
            (false, 2) => out.extend(length.map_or(-1, |length| length as i16).to_be_bytes()),
            (false, _) => out.extend(length.map_or(-1, |length| length as i32).to_be_bytes()),
        }
    }
}

/// Makes a message. `choose` says what a field holds, by the path that it stands at; the others it leaves to `default`.
pub(crate) fn make(
    layout: &'static Layout,
    version: i16,
    choose: &mut dyn FnMut(&str, &'static Field) -> Choice,
) -> Node {
    let mut maker = Maker { version, path: String::new(), choose };
    maker.fields(&layout.fields)
}

/// What a field holds.
pub(crate) enum Choice {
    /// This.
    Is(Node),
    /// An array of so many elements, each chosen for itself; a struct that is there.
    Some(usize),
}

struct Maker<'a> {
    version: i16,
    path: String,
    choose: &'a mut dyn FnMut(&str, &'static Field) -> Choice,
}

impl Maker<'_> {
    fn fields(&mut self, fields: &'static [Field]) -> Node {
        let mut values = Vec::with_capacity(fields.len());
        for field in fields {
            let length = self.path.len();
            if length > 0 {
                self.path.push('.');
            }
            self.path.push_str(field.name);
            values.push(match field.versions.contains(&self.version) {
                true => self.field(field),
                false => Node::Absent,
            });
            self.path.truncate(length);
        }
        Node::Struct(Struct { fields, values, unknown: Vec::new() })
    }

    fn field(&mut self, field: &'static Field) -> Node {
        match (self.choose)(&self.path, field) {
            Choice::Is(node) => node,
            Choice::Some(count) if field.is_array => {
                Node::List((0..count).map(|_| self.element(field)).collect())
            }
            Choice::Some(_) => self.element(field),
        }
    }

    fn element(&mut self, field: &'static Field) -> Node {
        if field.is_struct() {
            return self.fields(&field.fields);
        }
        // An element that is no struct is chosen as a field of its own, once more.
        self.path.push_str("[]");
        let chosen = (self.choose)(&self.path, field);
        self.path.truncate(self.path.len() - 2);
        match chosen {
            Choice::Is(node) => node,
            Choice::Some(_) => Node::Absent,
        }
    }
}
