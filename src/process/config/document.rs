//! A YAML file as a tree that remembers where each value stood.
//!
//! serde tells nobody where a value was, but the reader puts the place of the current value on every error that
//! is raised there. So each value gets its number in reading order, and when a fault is to be reported the text
//! is read once more, up to that number, to raise an error at it. Good files pay nothing for this.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IgnoredAny, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

use super::fault::{Fault, Place};

/// The most values of one file: far above any real file, and what bounds aliases that multiply themselves.
pub(crate) const MAX_NODES: u32 = 1_000_000;

/// One value of the file.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// The value's number in reading order, from which its place is found again.
    pub(crate) id: u32,
    pub(crate) value: Value,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    /// In the file's order; a key that was written twice is here twice.
    Map(Vec<(Node, Node)>),
    /// A value with a YAML tag such as `!secret`, which nothing here has a use for.
    Tagged(String),
}

/// A file that was read, with the tree of its values.
#[derive(Clone)]
pub struct Document {
    path: PathBuf,
    text: String,
    /// How many values are in it.
    pub(crate) values: u32,
    pub(crate) root: Node,
    /// Keys that were taken out of the tree because they are wrong: the number of their mapping, and their name.
    pub(crate) taken_out: BTreeSet<(u32, String)>,
}

impl Document {
    /// Reads the file, which may have at most `max_bytes` bytes.
    ///
    /// # Errors
    /// The one fault that keeps the text from being a YAML document.
    pub fn read(path: &Path, max_bytes: u64) -> Result<Document, Fault> {
        Document::parse(path, read_text(path, max_bytes)?)
    }

    /// Takes `text` for what stands in the file `path`.
    ///
    /// # Errors
    /// The one fault that keeps the text from being a YAML document.
    pub fn parse(path: &Path, text: String) -> Result<Document, Fault> {
        match read_tree(&text, None) {
            Ok((root, values)) => {
                Ok(Document { path: path.into(), text, values, root, taken_out: BTreeSet::new() })
            }
            Err(error) => {
                let (place, message) = syntax_fault(&error, &text);
                Err(Fault { file: path.into(), place, message })
            }
        }
    }

    /// The file as it was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The text, without a byte order mark.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A path that stands in this file: relative ones start at the file's own folder.
    pub fn resolve(&self, named: &str) -> PathBuf {
        match self.path.parent() {
            Some(folder) => folder.join(named),
            None => named.into(),
        }
    }

    /// A fault at the value that `keys` leads to, such as `listeners.0.tls.private_key`. Where the path ends
    /// early, the fault is at the last value on it.
    pub fn fault(&self, keys: &str, message: impl Into<String>) -> Fault {
        self.fault_at(self.id_at(keys), message.into())
    }

    /// The number of the value that `keys` leads to, or of the last value on the path.
    pub(crate) fn id_at(&self, keys: &str) -> u32 {
        self.find(keys).id
    }

    pub(crate) fn fault_at(&self, id: u32, message: String) -> Fault {
        let place = read_tree(&self.text, Some(id)).err().and_then(|error| place_of(&error));
        Fault { file: self.path.clone(), place, message }
    }

    /// Whether the key at the end of `keys` was written, and is not wrong.
    pub(crate) fn has(&self, keys: &str) -> bool {
        let (parent, key) = keys.rsplit_once('.').unwrap_or(("", keys));
        match &self.find(parent).value {
            Value::Map(entries) => entries.iter().any(|(written, _)| written.key_text() == key),
            _ => false,
        }
    }

    /// Whether the key at the end of `keys` was written but is wrong, which has been reported.
    pub(crate) fn is_wrong(&self, keys: &str) -> bool {
        let (parent, key) = keys.rsplit_once('.').unwrap_or(("", keys));
        self.taken_out.contains(&(self.find(parent).id, key.to_owned()))
    }

    /// The keys of the mapping that `keys` leads to which are wrong or unknown, which has been reported.
    pub(crate) fn wrong_keys(&self, keys: &str) -> impl Iterator<Item = &str> {
        let mapping = self.id_at(keys);
        self.taken_out.iter().filter(move |(id, _)| *id == mapping).map(|(_, key)| key.as_str())
    }

    fn find(&self, keys: &str) -> &Node {
        let mut node = &self.root;
        for key in keys.split('.') {
            let next = match &node.value {
                Value::List(items) => key.parse().ok().and_then(|i: usize| items.get(i)),
                Value::Map(entries) => {
                    entries.iter().find(|(k, _)| k.key_text() == key).map(|(_, value)| value)
                }
                _ => None,
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Document").field(&self.path).finish()
    }
}

impl Node {
    /// The value as a key reads.
    pub(crate) fn key_text(&self) -> String {
        match &self.value {
            Value::Text(text) => text.clone(),
            Value::Integer(number) => number.to_string(),
            Value::Bool(value) => value.to_string(),
            _ => self.describe(),
        }
    }

    /// The value as a message speaks of it.
    pub(crate) fn describe(&self) -> String {
        match &self.value {
            Value::Null => "nothing".into(),
            Value::Bool(value) => value.to_string(),
            Value::Integer(number) => format!("the number {number}"),
            Value::Float(number) => format!("the number {number}"),
            Value::Text(text) => quoted(text),
            Value::List(_) => "a list".into(),
            Value::Map(_) => "a mapping".into(),
            Value::Tagged(tag) => format!("a value with the tag !{tag}"),
        }
    }

    /// The same value for serde's typed reading.
    pub(crate) fn to_yaml(&self) -> serde_yaml::Value {
        use serde_yaml::Value as Yaml;
        match &self.value {
            Value::Null | Value::Tagged(_) => Yaml::Null,
            Value::Bool(value) => Yaml::Bool(*value),
            Value::Integer(number) => match (u64::try_from(*number), i64::try_from(*number)) {
                (Ok(number), _) => Yaml::Number(number.into()),
                (_, Ok(number)) => Yaml::Number(number.into()),
                _ => Yaml::Null,
            },
            Value::Float(number) => Yaml::Number((*number).into()),
            Value::Text(text) => Yaml::String(text.clone()),
            Value::List(items) => Yaml::Sequence(items.iter().map(Node::to_yaml).collect()),
            Value::Map(entries) => {
                Yaml::Mapping(entries.iter().map(|(key, value)| (key.to_yaml(), value.to_yaml())).collect())
            }
        }
    }
}

/// Text as a message shows it: one line, at most 60 characters, nothing that a terminal acts upon.
pub(crate) fn quoted(text: &str) -> String {
    let shown: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    let more = if text.chars().nth(60).is_some() { "…" } else { "" };
    format!("'{}{more}'", shown.replace("\\'", "'").replace("\\\"", "\""))
}

/// The file's text without a byte order mark.
pub(crate) fn read_text(path: &Path, max_bytes: u64) -> Result<String, Fault> {
    let fault = |message: String| Fault { file: path.into(), place: None, message };
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(max_bytes + 1).read_to_end(&mut bytes))
        .map_err(|error| fault(read_failure(path, &error)))?;
    if bytes.len() as u64 > max_bytes {
        return Err(fault(format!(
            "the file is larger than {} KiB, which is the most that is read",
            max_bytes / 1024
        )));
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        fault(format!("byte {} is not UTF-8: save the file as UTF-8 text", at + 1))
    })
}

/// Why a file could not be read, in words that do not depend on the system.
pub(crate) fn read_failure(path: &Path, error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => format!("there is no such file{}", unexpanded(path)),
        std::io::ErrorKind::PermissionDenied => {
            "the file may not be read by this user: give it the right to, as by the file's group".into()
        }
        std::io::ErrorKind::IsADirectory => "this is a folder: name a file in it".into(),
        _ => format!("the file cannot be read: {error}"),
    }
}

/// What in a path a shell would have replaced, and nobody does here.
fn unexpanded(path: &Path) -> &'static str {
    if path == Path::new("-") {
        return ": standard input is not read, since the file is read again later: write it to a file and name that";
    }
    let mut parts = path.iter().filter_map(|part| part.to_str());
    let is_variable = |part: &str| part.contains("${") || part.starts_with('$') || part.contains("{{");
    if path.iter().any(|part| part.to_str().is_some_and(|part| part == "~" || part.starts_with('~'))) {
        ": a tilde is not replaced here, write the whole path"
    } else if parts.any(is_variable) {
        ": variables are not replaced here, write the path that is meant"
    } else {
        ""
    }
}

/// The tree, and how many values are in it.
fn read_tree(text: &str, stop_at: Option<u32>) -> Result<(Node, u32), serde_yaml::Error> {
    let count = Cell::new(0);
    let root =
        DocumentReader { count: &count, stop_at }.deserialize(serde_yaml::Deserializer::from_str(text))?;
    Ok((root, count.get()))
}

fn place_of(error: &serde_yaml::Error) -> Option<Place> {
    error.location().map(|at| Place { line: at.line().max(1), column: at.column().max(1) })
}

/// The reader's own message and place, and what it mostly means.
fn syntax_fault(error: &serde_yaml::Error, file: &str) -> (Option<Place>, String) {
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
