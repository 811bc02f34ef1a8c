//! Where two answers differ, field by field: elements of lists are told apart by what they are about, not by their place.

use crate::support::client::Answer;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fmt;

/// How the id of a topic reads that the side knows.
pub const KNOWN_ID: &str = "the id of ";

/// Fields that say what an element of a list is about.
const IDENTITY: &[&str] = &[
    "name",
    "topic",
    "topicName",
    "topicId",
    "resourceType",
    "resourceName",
    "groupId",
    "group",
    "transactionalId",
    "key",
    "partitionIndex",
    "partition",
    "partitionId",
    "index",
    "producerId",
    "user",
    "memberId",
    "brokerId",
    "nodeId",
    "apiKey",
    "feature",
    "principalType",
    "principalName",
    "configName",
    "mechanism",
];

/// One place in which the two differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The names of the fields that lead to it, `/responses/partitions/errorCode`; empty for the answer as a whole.
    pub path: String,
    /// The elements of lists on the way to it.
    pub place: String,
    /// What stands there in Kafka's answer. None: nothing does.
    pub kafka: Option<Value>,
    /// What stands there in doorkeeper's.
    pub here: Option<Value>,
    /// The error code beside it in both answers, where they agree on one.
    pub code: Option<i64>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |value: &Option<Value>| {
            value.as_ref().map_or("nothing".to_owned(), |value| short(&value.to_string()))
        };
        write!(f, "{}: Kafka {}, here {}", self.path, said(&self.kafka), said(&self.here))?;
        if let Some(code) = self.code {
            write!(f, " (beside error {code})")?;
        }
        if !self.place.is_empty() {
            write!(f, " at {}", self.place)?;
        }
        Ok(())
    }
}

/// All of them.
pub fn between(kafka: &Answer, here: &Answer) -> Vec<Difference> {
    let mut found = Vec::new();
    let place = Place { path: String::new(), elements: String::new(), code: None };
    match (kafka, here) {
        (Answer::Body(kafka), Answer::Body(here)) => place.compare(kafka, here, &mut found),
        (kafka, here) if kafka == here => {}
        (kafka, here) => place.differs(Some(whole(kafka)), Some(whole(here)), &mut found),
    }
    found
}

/// An answer as one value.
fn whole(answer: &Answer) -> Value {
    match answer {
        Answer::Body(body) => body.clone(),
        other => Value::from(format!("{other:?}").to_lowercase()),
    }
}

#[derive(Clone)]
struct Place {
    path: String,
    elements: String,
    code: Option<i64>,
}

impl Place {
    fn field(&self, name: &str) -> Place {
        Place { path: format!("{}/{name}", self.path), ..self.clone() }
    }

    fn differs(&self, kafka: Option<Value>, here: Option<Value>, found: &mut Vec<Difference>) {
        let (path, place) = (self.path.clone(), self.elements.clone());
        found.push(Difference { path, place, kafka, here, code: self.code });
    }

    fn compare(&self, kafka: &Value, here: &Value, found: &mut Vec<Difference>) {
        match (kafka, here) {
            (left, right) if left == right => {}
            (Value::Object(left), Value::Object(right)) => {
                let code = |fields: &Map<String, Value>| fields.get("errorCode").and_then(Value::as_i64);
                let code = code(left).filter(|one| code(right) == Some(*one));
                let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
                for name in names {
                    let place = Place { code, ..self.field(name) };
                    match (left.get(name), right.get(name)) {
                        (Some(left), Some(right)) => place.compare(left, right, found),
                        (left, right) => place.differs(left.cloned(), right.cloned(), found),
                    }
                }
            }
            (Value::Array(left), Value::Array(right)) => self.compare_elements(left, right, found),
            _ => self.differs(Some(kafka.clone()), Some(here.clone()), found),
        }
    }

    fn compare_elements(&self, kafka: &[Value], here: &[Value], found: &mut Vec<Difference>) {
        let before = found.len();
        let mut rest: Vec<&Value> = here.iter().collect();
        let mut alone = Vec::new();
        // Equal ones first, so that of two about the same thing the right ones are compared.
        let unequal: Vec<&Value> = kafka
            .iter()
            .filter(|one| match rest.iter().position(|other| other == one) {
                Some(at) => {
                    rest.remove(at);
                    false
                }
                None => true,
            })
            .collect();
        for one in unequal {
            let about = identity(one);
            match rest.iter().position(|other| identity(other) == about) {
                Some(at) => {
                    let other = rest.remove(at);
                    let elements = format!("{}[{about}]", self.elements);
                    Place { elements, ..self.clone() }.compare(one, other, found);
                }
                None => alone.push(one),
            }
        }
        alone.iter().for_each(|one| self.differs(Some((*one).clone()), None, found));
        rest.iter().for_each(|one| self.differs(None, Some((*one).clone()), found));
        let order = |elements: &[Value]| elements.iter().map(identity).collect::<Vec<_>>();
        let same_length = kafka.len() == here.len();
        if same_length && alone.is_empty() && (order(kafka) != order(here) || found.len() == before) {
            let in_order = |elements: &[Value]| Some(Value::from(order(elements)));
            self.differs(in_order(kafka), in_order(here), found);
        }
    }
}

/// What an element is about.
pub fn identity(element: &Value) -> String {
    match element {
        Value::Object(fields) => {
            let id = fields.get("topicId").and_then(Value::as_str).unwrap_or_default();
            if id.starts_with(KNOWN_ID) {
                return id.to_owned();
            }
            // An id that was made up a moment ago is told of the topic that has the name.
            let is_named = fields.get("name").is_some_and(Value::is_string);
            let names = IDENTITY.iter().filter(|name| !(is_named && **name == "topicId"));
            let own = names.filter_map(|name| fields.get(*name));
            own.map(|value| value.as_str().map_or(value.to_string(), str::to_owned))
                .collect::<Vec<_>>()
                .join(" ")
        }
        other => other.to_string(),
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(300) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
