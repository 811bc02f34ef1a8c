//! Holds a document against a JSON schema: keys, types, words, numbers and formats, every fault with its place.
//!
//! It understands the part of JSON Schema that our own types produce. What is wrong is reported and taken out of
//! the tree, so that the rest can be read on. A key that may be missing goes; one that may not be missing gets a
//! stand-in, so that one wrong word does not hide what else is wrong around it. The document knows which keys
//! these are ([`Document::is_wrong`]), and nobody reports a fault at them again.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

use super::document::{Document, Node, Value, quoted};
use super::fault::Fault;
use super::formats::{FORMATS, Format};
use crate::model::text::nearest;

mod messages;

use messages::{in_brackets, in_our_words, no_boolean, other_file, unknown_key};

const NUMBER_WITHOUT_QUOTES: &str = "write the number without quotes";

/// The most faults that are listed of one file: each costs a reading of the text.
pub(crate) const MAX_FAULTS: usize = 100;

/// Reports what in the document does not fit the schema, and takes it out.
pub(crate) fn check(document: &mut Document, schema: &Json) -> Vec<Fault> {
    match take_out(document, schema) {
        Ok(found) => report(document, found, MAX_FAULTS),
        Err(fault) => vec![fault],
    }
}

/// As [`check`], without looking for the places of what it finds.
///
/// # Errors
/// When there is nothing in the document.
pub(crate) fn take_out(document: &mut Document, schema: &Json) -> Result<Vec<(u32, String)>, Fault> {
    let is_list_of_entries = schema.get("type").and_then(Json::as_str) == Some("array");
    let mut found = Found {
        definitions: schema.get("$defs"),
        is_list_of_entries,
        faults: Vec::new(),
        taken_out: Vec::new(),
    };
    if matches!(document.root.value, Value::Null) {
        let message = match is_list_of_entries {
            true => "the file is empty: write [] for an empty list".to_owned(),
            false => "the file is empty: 'doorkeeper config example' prints one to begin with".to_owned(),
        };
        return Err(Fault { file: document.path().into(), place: None, message });
    }
    if let Some(message) = other_file(&document.root.value, is_list_of_entries) {
        let found = vec![(document.root.id, message.to_owned())];
        document.root.value = Value::Null;
        return Ok(found);
    }
    let usable = found.check(&mut document.root, schema);
    if !usable {
        document.root.value = Value::Null;
    }
    document.taken_out.extend(found.taken_out);
    Ok(found.faults)
}

/// The document as `T`, after [`check`]; `None` when the faults left nothing to read.
pub(crate) fn typed<T: DeserializeOwned>(document: &Document, faults: &mut Vec<Fault>) -> Option<T> {
    if matches!(document.root.value, Value::Null) {
        return None;
    }
    match serde_yaml::from_value(document.root.to_yaml()) {
        Ok(value) => Some(value),
        Err(error) => {
            // The schema is made from T, so that this says something only if the two disagree.
            faults.push(document.fault_at(0, error.to_string()));
            None
        }
    }
}

/// Faults by the number of their value, with their places, in reading order, the first `most` of them.
pub(crate) fn report(document: &Document, mut found: Vec<(u32, String)>, most: usize) -> Vec<Fault> {
    found.sort();
    if found.len() > most {
        let left_out = found.len() - most;
        found.truncate(most + 1);
        found[most].1 = format!("{left_out} more from here on are not listed");
    }
    found.into_iter().map(|(id, message)| document.fault_at(id, message)).collect()
}

struct Found<'a> {
    definitions: Option<&'a Json>,
    /// Whether the whole file is a list, of which each entry is about one thing.
    is_list_of_entries: bool,
    faults: Vec<(u32, String)>,
    taken_out: Vec<(u32, String)>,
}

impl<'a> Found<'a> {
    fn fault(&mut self, node: &Node, message: String) -> bool {
        self.faults.push((node.id, message));
        false
    }

    /// Whether the value is usable, perhaps after parts were taken out of it.
    fn check(&mut self, node: &mut Node, schema: &'a Json) -> bool {
        let schema = self.resolved(schema);
        if let Some(choices) = schema.get("oneOf").and_then(Json::as_array) {
            return match tag_of(choices) {
                Some(tag) => self.check_variant(node, choices, tag),
                None => self.check_words(node, choices.iter().filter_map(|choice| choice.get("const"))),
            };
        }
        if let Some(words) = schema.get("enum").and_then(Json::as_array) {
            return self.check_words(node, words.iter());
        }
        if let Some(word) = schema.get("const") {
            return self.check_words(node, std::iter::once(word));
        }
        match schema.get("type").and_then(Json::as_str) {
            Some("object") => self.check_map(node, schema),
            Some("array") => self.check_list(node, schema),
            Some("string") => self.check_text(node, schema),
            Some("integer") => self.check_integer(node, schema),
            Some("boolean") => match node.value {
                Value::Bool(_) => true,
                _ => self.fault(node, format!("{} is {}", node.describe(), no_boolean(&node.value))),
            },
            _ => true,
        }
    }

    fn resolved(&self, schema: &'a Json) -> &'a Json {
        let name = schema.get("$ref").and_then(Json::as_str).and_then(|path| path.strip_prefix("#/$defs/"));
        name.and_then(|name| self.definitions?.get(name)).unwrap_or(schema)
    }

    fn check_map(&mut self, node: &mut Node, schema: &'a Json) -> bool {
        let id = node.id;
        let none = Map::new();
        let properties = schema.get("properties").and_then(Json::as_object);
        let known = || properties.unwrap_or(&none).keys().map(String::as_str);
        let Value::Map(entries) = &mut node.value else {
            let keys = known().collect::<Vec<_>>().join(", ");
            let what = if keys.is_empty() { String::new() } else { format!(" of {keys}") };
            let right = match schema.get("examples").and_then(|examples| examples.get(0)) {
                Some(Json::Object(example)) => {
                    let entries = example.iter().map(|(key, value)| format!("{key}: {value}"));
                    format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
                }
                _ => "'key: value'".to_owned(),
            };
            return self.fault(node, format!("{} is not a mapping{what}: write {right}", node.describe()));
        };
        let mut given: BTreeSet<String> = BTreeSet::new();
        let mut meant: Vec<&str> = Vec::new();
        let mut kept = Vec::new();
        for (mut key, mut value) in std::mem::take(entries) {
            let name = key.key_text();
            if let (Value::Null, Some((glued, rest))) = (&value.value, name.split_once(':')) {
                let right = quoted(&format!("{glued}: {rest}"));
                self.fault(&key, format!("{} is one word: write {right}, with a space", quoted(&name)));
                given.insert(glued.to_owned());
                continue;
            }
            if !given.insert(name.clone()) {
                self.fault(&key, format!("the key {} is written twice: keep one", quoted(&name)));
                continue;
            }
            let usable = match properties.and_then(|properties| properties.get(&name)) {
                Some(schema) => self.check_value(&name, &mut value, schema),
                None => match schema.get("additionalProperties") {
                    Some(other @ Json::Object(_)) => {
                        self.check_key(&mut key, schema) & self.check_value(&name, &mut value, other)
                    }
                    _ => {
                        let near = nearest(&in_our_words(&name), known().filter(|known| *known != name));
                        meant.extend(near);
                        self.fault(&key, unknown_key(&name, near, &known().collect::<Vec<_>>()))
                    }
                },
            };
            match usable {
                true => kept.push((key, value)),
                false => self.taken_out.push((id, name)),
            }
        }
        let required =
            || schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
        let mut usable = true;
        for name in required() {
            if kept.iter().any(|(key, _)| key.key_text() == name) {
                continue;
            }
            let schema = properties.and_then(|properties| properties.get(name));
            if !given.contains(name) && !meant.contains(&name) {
                let example = schema.and_then(|schema| self.example(schema));
                let example =
                    example.map(|example| format!(", such as '{name}: {example}'")).unwrap_or_default();
                self.faults.push((id, format!("the key '{name}' is missing: add it{example}")));
            }
            self.taken_out.push((id, name.to_owned()));
            match schema.and_then(|schema| self.stand_in(schema)) {
                Some(value) => kept.push((Node { id, value: Value::Text(name.into()) }, Node { id, value })),
                None => usable = false,
            }
        }
        if given.is_empty() && schema.get("minProperties").is_some() {
            usable = self.fault(node, "the mapping is empty: write at least one 'key: value'".into());
        }
        node.value = Value::Map(kept);
        usable
    }

    fn check_value(&mut self, name: &str, value: &mut Node, schema: &'a Json) -> bool {
        match value.value {
            Value::Null => self
                .fault(value, format!("the key {} has no value: give it one or leave it out", quoted(name))),
            Value::Tagged(_) => {
                self.fault(value, format!("{} is not read here: leave the tag out", value.describe()))
            }
            _ => self.check(value, schema),
        }
    }

    /// Keys with a grammar are numbers, of ports and brokers. JSON, and with it Helm, has them in quotes: that is the same.
    fn check_key(&mut self, key: &mut Node, schema: &Json) -> bool {
        let Some(format) = schema.get("propertyNames").and_then(format_of) else { return true };
        let text = key.key_text();
        if let Err(reason) = (format.check)(&text) {
            return self.fault(key, reason);
        }
        if let Ok(number) = text.parse() {
            key.value = Value::Integer(number);
        }
        true
    }

    fn check_list(&mut self, node: &mut Node, schema: &'a Json) -> bool {
        let Value::List(items) = &mut node.value else {
            let right = match &node.value {
                Value::Text(text) => format!("write [{}]", in_brackets(text)),
                _ => "write '- …' for each entry, or [ … ]".to_owned(),
            };
            return self.fault(node, format!("{} is not a list: {right}", node.describe()));
        };
        let least = schema.get("minItems").and_then(Json::as_u64).unwrap_or(0);
        let mut items = std::mem::take(items);
        if (items.len() as u64) < least {
            self.fault(node, format!("the list needs at least {least} entry"));
        }
        if let Some(item_schema) = schema.get("items") {
            items.retain_mut(|item| self.check_value("-", item, item_schema));
        }
        node.value = Value::List(items);
        true
    }

    fn check_text(&mut self, node: &Node, schema: &Json) -> bool {
        let format = format_of(schema);
        let Value::Text(text) = &node.value else {
            if let (Some(format), Value::Integer(number)) = (format, &node.value)
                && let Err(reason) = (format.check)(&number.to_string())
            {
                return self.fault(node, format!("{reason}; write it like {}", quoted(format.example)));
            }
            let right = match (&node.value, format) {
                (Value::List(_), _) if self.is_list_of_entries => {
                    "write one here, and an entry of its own for each of the others".into()
                }
                (Value::List(_), Some(format)) => format!("write one alone, like {}", quoted(format.example)),
                (Value::List(_), None) => "write one alone".into(),
                (Value::Map(_), None) => "write it alone, in quotes where it has braces".into(),
                (_, Some(format)) => format!("it is written as text, like {}", quoted(format.example)),
                (_, None) => "put it in quotes".into(),
            };
            return self.fault(node, format!("{} is not text: {right}", node.describe()));
        };
        match format.map(|format| (format, (format.check)(text))) {
            Some((format, Err(reason))) if format.closed => self.fault(node, reason),
            Some((format, Err(reason))) => {
                self.fault(node, format!("{reason}; write it like {}", quoted(format.example)))
            }
            _ => true,
        }
    }

    fn check_integer(&mut self, node: &Node, schema: &Json) -> bool {
        let bound = |word: &str| schema.get(word).and_then(Json::as_i64).map(i128::from);
        let least = bound("minimum").unwrap_or(0);
        let most = bound("maximum").unwrap_or(match schema.get("format").and_then(Json::as_str) {
            Some("uint32") => u32::MAX.into(),
            _ => i64::MAX.into(),
        });
        match node.value {
            Value::Integer(number) if (least..=most).contains(&number) => true,
            Value::Integer(number) => {
                self.fault(node, format!("{number} is out of range: from {least} to {most} is right"))
            }
            Value::Text(ref text) if text.parse::<i64>().is_ok() => {
                self.fault(node, format!("{} is text: {NUMBER_WITHOUT_QUOTES}", quoted(text)))
            }
            Value::Text(ref text) if text.starts_with(|c: char| c.is_ascii_digit()) => self.fault(
                node,
                format!("{} is not a whole number: write its digits alone, without a unit", quoted(text)),
            ),
            _ => self.fault(
                node,
                format!("{} is not a whole number: write one, such as {}", node.describe(), least.max(1)),
            ),
        }
    }

    fn check_words(&mut self, node: &Node, words: impl Iterator<Item = &'a Json>) -> bool {
        let given = node.key_text();
        let words: Vec<&Json> = words.collect();
        let is_text = matches!(node.value, Value::Text(_));
        let numbers = words.iter().all(|word| word.is_number());
        let words: Vec<String> =
            words.iter().map(|word| word.as_str().map_or_else(|| word.to_string(), Into::into)).collect();
        if words.contains(&given) {
            return match is_text && numbers {
                true => self.fault(node, format!("{} is text: {NUMBER_WITHOUT_QUOTES}", quoted(&given))),
                false => true,
            };
        }
        let near = nearest(&given, words.iter().map(String::as_str));
        let hint = match near {
            Some(near) if words.len() > 1 => format!("; did you mean '{near}'?"),
            _ => String::new(),
        };
        let right = match words.as_slice() {
            [word] => format!("the only value is {word}"),
            _ => format!("it is one of {}", words.join(", ")),
        };
        self.fault(node, format!("{} is not known here: {right}{hint}", quoted(&given)))
    }

    /// A mapping whose key `tag` says which of the choices it is.
    fn check_variant(&mut self, node: &mut Node, choices: &'a [Json], tag: &str) -> bool {
        let word = |choice: &'a Json| choice.get("properties")?.get(tag)?.get("const")?.as_str();
        let words = choices.iter().filter_map(word).collect::<Vec<_>>().join(", ");
        let Value::Map(entries) = &node.value else {
            let message =
                format!("{} is not a mapping: write {{ {tag}: … }} with one of {words}", node.describe());
            return self.fault(node, message);
        };
        let Some((_, given)) = entries.iter().find(|(key, _)| key.key_text() == tag) else {
            return self.fault(node, format!("the key '{tag}' is missing: it is one of {words}"));
        };
        match choices.iter().find(|choice| word(choice) == Some(&given.key_text())) {
            Some(choice) => self.check_map(node, choice),
            None => {
                let given = given.clone();
                self.check_words(
                    &given,
                    choices.iter().filter_map(|choice| choice.get("properties")?.get(tag)?.get("const")),
                )
            }
        }
    }

    /// A value that can be read in the place of a wrong or missing one.
    fn stand_in(&self, schema: &'a Json) -> Option<Value> {
        let schema = self.resolved(schema);
        match schema.get("type").and_then(Json::as_str)? {
            "array" => Some(Value::List(Vec::new())),
            "object" if schema.get("required").is_none() => Some(Value::Map(Vec::new())),
            "string" => self.example(schema).map(Value::Text),
            "integer" => {
                schema.get("const").and_then(Json::as_i64).map(|number| Value::Integer(number.into()))
            }
            _ => None,
        }
    }

    /// A value that would be right.
    fn example(&self, schema: &'a Json) -> Option<String> {
        let schema = self.resolved(schema);
        if let Some(item) = schema.get("items") {
            return Some(format!("[{}]", self.example(item)?));
        }
        let example =
            schema.get("examples").and_then(|examples| examples.get(0)).or_else(|| schema.get("const"))?;
        Some(example.as_str().map_or_else(|| example.to_string(), Into::into))
    }
}

/// The key by which tagged choices are told apart: the one with a fixed word in each.
fn tag_of(choices: &[Json]) -> Option<&str> {
    let properties = choices.first()?.get("properties")?.as_object()?;
    properties.iter().find(|(_, schema)| schema.get("const").is_some()).map(|(name, _)| name.as_str())
}

fn format_of(schema: &Json) -> Option<&'static Format> {
    let name = schema.get("format")?.as_str()?;
    FORMATS.iter().find(|format| format.name == name)
}
