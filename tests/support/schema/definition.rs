//! One message as Kafka's JSON files define it.

use serde_json::Value;
use std::collections::BTreeMap;

/// Versions from first to last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub first: i16,
    pub last: i16,
}

/// A message, or a struct in it.
#[derive(Clone, Debug)]
pub struct Definition {
    pub name: String,
    pub versions: Range,
    pub flexible: Range,
    pub fields: Vec<Field>,
}

/// A field of a message.
#[derive(Clone, Debug)]
pub struct Field {
    /// In lower camel case.
    pub name: String,
    pub kind: Kind,
    pub versions: Range,
    pub nullable: Range,
    /// The tag and the versions in which the field is a tagged one.
    pub tag: Option<(u32, Range)>,
    pub default: Value,
}

/// What a field holds.
#[derive(Clone, Debug)]
pub enum Kind {
    Bool,
    Int8,
    Int16,
    Uint16,
    Int32,
    Uint32,
    Int64,
    Float64,
    /// As 32 hexadecimal digits.
    Uuid,
    String,
    /// Bytes and records, as hexadecimal digits.
    Bytes,
    Array(Box<Kind>),
    Struct(Vec<Field>),
}

impl Range {
    pub const NONE: Range = Range { first: 1, last: 0 };

    /// "0+", "2-5", "7" or "none"; nothing given is none.
    pub fn parse(text: &Value) -> Range {
        let number = |text: &str| text.parse::<i16>().unwrap_or_else(|_| panic!("not a version: {text}"));
        match text.as_str() {
            None | Some("none") => Range::NONE,
            Some(text) => match (text.strip_suffix('+'), text.split_once('-')) {
                (Some(first), _) => Range { first: number(first), last: i16::MAX },
                (None, Some((first, last))) => Range { first: number(first), last: number(last) },
                (None, None) => Range { first: number(text), last: number(text) },
            },
        }
    }

    pub fn contains(self, version: i16) -> bool {
        self.first <= version && version <= self.last
    }
}

impl Definition {
    /// None for a message without valid versions.
    pub fn parse(json: &Value) -> Option<Definition> {
        let versions = Range::parse(&json["validVersions"]);
        if versions == Range::NONE {
            return None;
        }
        let mut shared = BTreeMap::new();
        for common in json["commonStructs"].as_array().into_iter().flatten() {
            shared.insert(common["name"].as_str().unwrap(), &common["fields"]);
        }
        let name = json["name"].as_str().unwrap().to_owned();
        let fields = fields(&json["fields"], &shared);
        Some(Definition { name, versions, flexible: Range::parse(&json["flexibleVersions"]), fields })
    }
}

fn fields(json: &Value, shared: &BTreeMap<&str, &Value>) -> Vec<Field> {
    json.as_array().into_iter().flatten().map(|field| parse_field(field, shared)).collect()
}

fn parse_field(json: &Value, shared: &BTreeMap<&str, &Value>) -> Field {
    let kind = kind(json["type"].as_str().unwrap(), json, shared);
    let versions = Range::parse(&json["versions"]);
    let nullable = Range::parse(&json["nullableVersions"]);
    let tag =
        json["tag"].as_u64().map(|tag| (u32::try_from(tag).unwrap(), Range::parse(&json["taggedVersions"])));
    let default = default(&kind, &json["default"]);
    Field { name: lower_camel(json["name"].as_str().unwrap()), kind, versions, nullable, tag, default }
}

fn kind(text: &str, json: &Value, shared: &BTreeMap<&str, &Value>) -> Kind {
    match text {
        "bool" => Kind::Bool,
        "int8" => Kind::Int8,
        "int16" => Kind::Int16,
        "uint16" => Kind::Uint16,
        "int32" => Kind::Int32,
        "uint32" => Kind::Uint32,
        "int64" => Kind::Int64,
        "float64" => Kind::Float64,
        "uuid" => Kind::Uuid,
        "string" => Kind::String,
        "bytes" | "records" => Kind::Bytes,
        _ => match text.strip_prefix("[]") {
            Some(element) => Kind::Array(Box::new(kind(element, json, shared))),
            None if json["fields"].is_array() => Kind::Struct(fields(&json["fields"], shared)),
            None => Kind::Struct(fields(shared[text], shared)),
        },
    }
}

fn default(kind: &Kind, given: &Value) -> Value {
    let text = match given {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    match kind {
        _ if text == "null" => Value::Null,
        Kind::Bool => Value::Bool(text == "true"),
        Kind::Float64 => Value::from(text.parse().unwrap_or(0.0)),
        Kind::Uuid => Value::String("0".repeat(32)),
        Kind::String | Kind::Bytes => Value::String(text),
        Kind::Array(_) => Value::Array(Vec::new()),
        Kind::Struct(_) => Value::Object(serde_json::Map::new()),
        _ => Value::from(integer(&text)),
    }
}

fn integer(text: &str) -> i64 {
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).unwrap(),
        None if text.is_empty() => 0,
        None => text.parse().unwrap_or_else(|_| panic!("not a number: {text}")),
    }
}

fn lower_camel(name: &str) -> String {
    let mut characters = name.chars();
    let first = characters.next().unwrap().to_ascii_lowercase();
    std::iter::once(first).chain(characters).collect()
}
