//! What Kafka says in a field and what doorkeeper says there, exactly.

use crate::equivalence::differences::{Difference, identity};
use serde_json::Value;

/// Two values of one field.
#[derive(Debug)]
pub struct Pair {
    /// The names of the fields that lead to it, as in `/responses/partitions/errorCode`.
    pub path: &'static str,
    pub kafka: Said,
    pub here: Said,
    /// The error code that both have beside it. None: whatever stands there.
    pub beside: Option<i64>,
}

/// A value.
#[derive(Clone, Copy, Debug)]
pub enum Said {
    /// No such field or element.
    Nothing,
    Null,
    Number(i64),
    /// `$u` stands for what is unique to the run of the case.
    Text(&'static str),
    /// A sentence that begins so, and goes on with what the request says.
    Begins(&'static str),
    NoElements,
    /// This, as JSON.
    Json(&'static str),
    /// An element of a list, or a whole answer, whose error codes are all this one.
    Codes(i64),
    /// An element of a list that is about something whose name begins so.
    About(&'static str),
    /// Instead of an answer.
    Closed,
}

/// The pair of a field.
pub const fn pair(path: &'static str, kafka: Said, here: Said) -> Pair {
    Pair { path, kafka, here, beside: None }
}

/// The pair of an error code.
pub const fn code(path: &'static str, kafka: i64, here: i64) -> Pair {
    pair(path, Said::Number(kafka), Said::Number(here))
}

impl Pair {
    /// The same, where both have this error code.
    pub const fn beside(self, code: i64) -> Pair {
        Pair { beside: Some(code), ..self }
    }

    /// Whether a difference is this one.
    pub fn fits(&self, found: &Difference, unique: &str) -> bool {
        self.path == found.path
            && (self.beside.is_none() || self.beside == found.code)
            && self.kafka.is(found.kafka.as_ref(), unique)
            && self.here.is(found.here.as_ref(), unique)
    }
}

impl Said {
    fn is(self, value: Option<&Value>, unique: &str) -> bool {
        let Some(value) = value else { return matches!(self, Said::Nothing) };
        let text = || value.as_str().map(|text| text.replace(unique, "$u"));
        match self {
            Said::Nothing => false,
            Said::Null => value.is_null(),
            Said::Number(number) => *value == number,
            Said::Text(said) => text().is_some_and(|text| text == said),
            Said::Begins(said) => text().is_some_and(|text| text.starts_with(said)),
            Said::NoElements => value.as_array().is_some_and(Vec::is_empty),
            Said::Json(json) => {
                let text = value.to_string();
                text == json
            }
            Said::Codes(code) => {
                let mut codes = Vec::new();
                error_codes(value, &mut codes);
                !codes.is_empty() && codes.iter().all(|one| *one == code)
            }
            Said::About(name) => value.is_object() && identity(value).starts_with(name),
            Said::Closed => *value == "closed",
        }
    }
}

/// All error codes in a value.
fn error_codes(value: &Value, codes: &mut Vec<i64>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_i64() {
                    Some(code) if ["errorCode", "partitionErrorCode"].contains(&name.as_str()) => {
                        codes.push(code);
                    }
                    _ => error_codes(value, codes),
                }
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| error_codes(element, codes)),
        _ => {}
    }
}
