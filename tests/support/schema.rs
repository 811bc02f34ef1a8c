//! Kafka's messages as JSON, after Kafka's own definitions inside the kafka-clients jar.
//!
//! A codec that shares nothing with doorkeeper's: an answer that doorkeeper built is read here by what Kafka says it must look like,
//! and the definitions are those of the version under test. Requests are `serde_json` values, with the field names in lower camel
//! case; fields left out take the definition's default, and fields that a version lacks are left out on the wire.

mod definition;
mod reader;
mod writer;

pub use definition::{Definition, Field, Kind};
pub use reader::hex;

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Request and response of one API.
pub struct Api {
    /// Its number on the wire.
    pub key: i16,
    /// Without "Request": "Metadata".
    pub name: String,
    /// Whether a broker's listener serves it.
    pub on_broker: bool,
    pub request: Definition,
    pub response: Definition,
}

/// The messages of one Kafka version.
pub struct Schemas {
    apis: BTreeMap<i16, Api>,
}

impl Schemas {
    /// Reads every definition in `folder`.
    pub fn load(folder: &Path) -> Schemas {
        let mut requests = BTreeMap::new();
        let mut responses = BTreeMap::new();
        for file in std::fs::read_dir(folder).unwrap().flatten() {
            if file.path().extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let text = std::fs::read_to_string(file.path()).unwrap();
            let json: Value = serde_json::from_str(&without_comments(&text))
                .unwrap_or_else(|error| panic!("{}: {error}", file.path().display()));
            let Some(key) = json["apiKey"].as_i64() else { continue };
            match json["type"].as_str() {
                Some("request") => requests.insert(key, json),
                Some("response") => responses.insert(key, json),
                _ => None,
            };
        }
        let mut apis = BTreeMap::new();
        for (key, request) in requests {
            // An API that this Kafka has dropped keeps its file, with no valid versions.
            let Some(request_definition) = Definition::parse(&request) else { continue };
            let Some(response_definition) = Definition::parse(&responses[&key]) else { continue };
            let key = i16::try_from(key).unwrap();
            let listeners = request["listeners"].as_array().cloned().unwrap_or_default();
            let name = request_definition.name.trim_end_matches("Request").to_owned();
            let on_broker = listeners.iter().any(|listener| listener == "broker");
            apis.insert(
                key,
                Api { key, name, on_broker, request: request_definition, response: response_definition },
            );
        }
        Schemas { apis }
    }

    /// The API with this name ("Metadata").
    pub fn api(&self, name: &str) -> &Api {
        self.apis
            .values()
            .find(|api| api.name == name)
            .unwrap_or_else(|| panic!("Kafka's jar defines no {name}Request"))
    }

    /// The same, unless this Kafka does not know it.
    pub fn find(&self, name: &str) -> Option<&Api> {
        self.apis.values().find(|api| api.name == name)
    }

    /// All APIs, by key.
    pub fn apis(&self) -> impl Iterator<Item = &Api> {
        self.apis.values()
    }
}

impl Api {
    /// A request frame without its length: header and body.
    pub fn encode_request(&self, version: i16, correlation: i32, client_id: &str, body: &Value) -> Vec<u8> {
        let mut frame = Vec::new();
        frame.extend(self.key.to_be_bytes());
        frame.extend(version.to_be_bytes());
        frame.extend(correlation.to_be_bytes());
        frame.extend(i16::try_from(client_id.len()).unwrap().to_be_bytes());
        frame.extend(client_id.as_bytes());
        if self.request.flexible.contains(version) {
            frame.push(0);
        }
        writer::write(&self.request, version, body, &mut frame);
        frame
    }

    /// The names in a request's body that its definition lacks.
    pub fn unknown_fields(&self, body: &Value) -> Vec<String> {
        let mut unknown = Vec::new();
        collect_unknown(&self.request.fields, body, &mut unknown);
        unknown
    }

    /// A response frame without its length: the correlation id and the body, or what is wrong with it.
    pub fn decode_response(&self, version: i16, frame: &[u8]) -> Result<(i32, Value), String> {
        const API_VERSIONS: i16 = 18;
        let header_is_flexible = self.response.flexible.contains(version) && self.key != API_VERSIONS;
        reader::response(&self.response, version, header_is_flexible, frame)
    }
}

fn collect_unknown(fields: &[Field], body: &Value, unknown: &mut Vec<String>) {
    for (name, value) in body.as_object().into_iter().flatten() {
        let Some(field) = fields.iter().find(|field| &field.name == name) else {
            unknown.push(name.clone());
            continue;
        };
        match &field.kind {
            Kind::Struct(fields) => collect_unknown(fields, value, unknown),
            Kind::Array(element) => {
                if let Kind::Struct(fields) = element.as_ref() {
                    value
                        .as_array()
                        .into_iter()
                        .flatten()
                        .for_each(|value| collect_unknown(fields, value, unknown));
                }
            }
            _ => {}
        }
    }
}

/// Kafka's definitions are JSON with `//` comments, which never stand inside a string there.
fn without_comments(text: &str) -> String {
    let kept: Vec<&str> = text
        .lines()
        .map(|line| match line.find("//") {
            Some(at) if line[..at].matches('"').count().is_multiple_of(2) => &line[..at],
            _ => line,
        })
        .collect();
    kept.join("\n")
}
