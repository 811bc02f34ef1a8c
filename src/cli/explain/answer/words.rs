//! Rights and lists of words, for people.

use crate::protocol::access::Ground;
use crate::protocol::api::rights::Right;

pub(super) fn in_words(ground: Ground) -> String {
    match ground {
        Ground::Named(operation, resource_type) => said((operation, resource_type)),
        Ground::Any(operation, resource_type) => format!("{operation} on any {resource_type}"),
        Ground::Every(operation, resource_type) => format!("{operation} on every {resource_type}"),
        Ground::SuperUser => "being a super user".to_owned(),
    }
}

pub(super) fn said((operation, resource_type): Right) -> String {
    format!("{operation} on the {resource_type}")
}

pub(super) fn listed(words: &[&str]) -> String {
    joined(words, "and")
}

pub(super) fn either(words: &[&str]) -> String {
    joined(words, "or")
}

/// `a`, `a and b`, `a, b and c`.
fn joined(words: &[&str], word: &str) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} {word} {last}", first.join(", ")),
    }
}
