//! A YAML file as a tree that remembers where each value stood.
//!
//! serde tells nobody where a value was, but the reader puts the place of the current value on every error that
//! is raised there. So each value gets its number in reading order, and when a fault is to be reported the text
//! is read once more, up to that number, to raise an error at it. Good files pay nothing for this.

use std::collections::BTreeSet;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::fault::Fault;

mod reader;

use reader::{place_of, read_tree, syntax_fault};

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
