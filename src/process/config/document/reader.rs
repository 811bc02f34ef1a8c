//! From the text of a YAML file to a tree of values with numbers, or to the fault in its syntax.

use std::cell::Cell;
use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IgnoredAny, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

use super::{MAX_NODES, Node, Value};
use crate::process::config::fault::Place;

/// The tree, and how many values are in it.
pub(super) fn read_tree(text: &str, stop_at: Option<u32>) -> Result<(Node, u32), serde_yaml::Error> {
    let count = Cell::new(0);
    let root =
        DocumentReader { count: &count, stop_at }.deserialize(serde_yaml::Deserializer::from_str(text))?;
    Ok((root, count.get()))
}

pub(super) fn place_of(error: &serde_yaml::Error) -> Option<Place> {
    error.location().map(|at| Place { line: at.line().max(1), column: at.column().max(1) })
}

/// The reader's own message and place, and what it mostly means.
pub(super) fn syntax_fault(error: &serde_yaml::Error, file: &str) -> (Option<Place>, String) {
    let (text, place) = (error.to_string(), place_of(error));
    let whole = match text.as_str() {
        "EOF while parsing a value" => "the file is empty",
        "deserializing from YAML containing more than one document is not supported" => {
            "the file has several YAML documents: keep one, without '---' between parts"
        }
        "repetition limit exceeded" => "aliases (*name) multiply the file beyond what is read",
        _ => "",
    };
    if !whole.is_empty() {
        return (place, whole.into());
    }
    let (message, context) = text.split_once(" at line ").unwrap_or((&text, ""));
    let is = |part: &str| message.contains(part);
    if is("unexpected end of stream") {
        // It is missed only at the end of the file.
        let begins = context.split_once(" scalar at line ").and_then(|(_, at)| place_in(at));
        let hint = "the quotation mark here has no other one that closes it";
        return (begins.or(place), format!("not YAML: {message}: {hint}"));
    }
    let hint = if is("expected alphabetic or numeric character") || is("unknown anchor") {
        ": a star that stands for all goes in quotes, '*'"
    } else if is("could not find expected ':'") {
        // It is missed only where the next line begins.
        let begins = context.split_once(" simple key at line ").and_then(|(_, at)| place_in(at));
        let hint = "write 'key: value', with a space after the colon";
        return (begins.or(place), format!("not YAML: {message}: {hint}"));
    } else if is("tab character") || is("cannot start any token") {
        ": indent with spaces, and put a value with a special character in quotes"
    } else if place.is_some_and(|place| is_colon_in_value(file, place)) {
        ": a value that has a colon with a space behind it goes in quotes, as in 'key: \"a: b\"'"
    } else if is("mapping values are not allowed") || is("did not find expected") {
        ": see how this line and the one before it are indented, and whether a quote or bracket is not closed"
    } else {
        ""
    };
    (place, format!("not YAML: {message}{hint}"))
}

/// Whether a colon that would end a key stands there, behind a value that another one has begun on that line.
fn is_colon_in_value(text: &str, at: Place) -> bool {
    let line = text.lines().nth(at.line - 1).unwrap_or_default();
    let before: String = line.chars().take(at.column - 1).collect();
    let mut here = line.chars().skip(at.column - 1);
    let value = before.rsplit_once(": ").map_or("", |(_, value)| value.trim());
    let is_one_value = !value.is_empty() && !value.contains([',', '{', '}', '[', ']', '"', '\'', '#']);
    here.next() == Some(':') && matches!(here.next(), None | Some(' ')) && is_one_value
}

/// `5 column 7`
fn place_in(text: &str) -> Option<Place> {
    let (line, column) = text.split_once(" column ")?;
    Some(Place { line: line.parse().ok()?, column: column.parse().ok()? })
}

/// Reads one value and all below it; with `stop_at`, fails at the value of that number.
#[derive(Clone, Copy)]
struct DocumentReader<'a> {
    count: &'a Cell<u32>,
    stop_at: Option<u32>,
}

impl DocumentReader<'_> {
    /// The value's number. Called from within a visit, so that an error gets this value's place.
    fn number<E: serde::de::Error>(&self) -> Result<u32, E> {
        let id = self.count.get();
        if self.stop_at == Some(id) {
            return Err(E::custom("here"));
        }
        if id >= MAX_NODES {
            return Err(E::custom(format!("more than {MAX_NODES} values")));
        }
        self.count.set(id + 1);
        Ok(id)
    }

    fn node<E: serde::de::Error>(&self, value: Value) -> Result<Node, E> {
        Ok(Node { id: self.number()?, value })
    }
}

impl<'de> DeserializeSeed<'de> for DocumentReader<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for DocumentReader<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Node, E> {
        self.node(Value::Null)
    }

    /// What an empty file is.
    fn visit_none<E: serde::de::Error>(self) -> Result<Node, E> {
        self.node(Value::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Node, E> {
        self.node(Value::Bool(value))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Node, E> {
        self.node(Value::Integer(number.into()))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Node, E> {
        self.node(Value::Integer(number.into()))
    }

    fn visit_u128<E: serde::de::Error>(self, number: u128) -> Result<Node, E> {
        self.node(i128::try_from(number).map_or(Value::Float(number as f64), Value::Integer))
    }

    fn visit_i128<E: serde::de::Error>(self, number: i128) -> Result<Node, E> {
        self.node(Value::Integer(number))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Node, E> {
        self.node(Value::Float(number))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Node, E> {
        self.node(Value::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let id = self.number()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Node { id, value: Value::List(items) })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let id = self.number()?;
        let mut entries = Vec::new();
        while let Some(key) = map.next_key_seed(self)? {
            entries.push((key, map.next_value_seed(self)?));
        }
        Ok(Node { id, value: Value::Map(entries) })
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Node, A::Error> {
        let id = self.number::<A::Error>()?;
        let (tag, inside) = data.variant::<String>()?;
        inside.newtype_variant::<IgnoredAny>().map_err(A::Error::custom)?;
        Ok(Node { id, value: Value::Tagged(tag) })
    }
}
