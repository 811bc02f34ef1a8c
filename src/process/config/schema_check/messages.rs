//! What is said of values that do not fit the schema.

use super::{Value, quoted};

/// What is to be said of a value that is neither true nor false.
pub(super) fn no_boolean(value: &Value) -> String {
    let word = match value {
        Value::Text(text) => text.to_lowercase(),
        _ => String::new(),
    };
    match word.as_str() {
        "true" | "false" => format!("text: write {word} without quotes"),
        "yes" | "on" | "y" => "neither true nor false here: write true".to_owned(),
        "no" | "off" | "n" => "neither true nor false here: write false".to_owned(),
        _ => "neither true nor false: write one of them".to_owned(),
    }
}

/// What is to be said of an ACL file that was given for a configuration, and the other way round.
pub(super) fn other_file(root: &Value, is_list_of_entries: bool) -> Option<&'static str> {
    match root {
        Value::List(_) if !is_list_of_entries => Some(
            "this is a list, as an ACL file is, and no configuration: name the configuration file, and in it this one as \
             'authorization: { acls: { file: acls.yaml } }'",
        ),
        Value::Map(entries) if is_list_of_entries => {
            let has = |name: &str| entries.iter().any(|(key, _)| key.key_text() == name);
            if has("listeners") || has("authorization") {
                return Some(
                    "this is a configuration file and no ACL file: name a file with a list of entries, such as \
                     '- { principal: \"User:alice\", topic: orders, operations: [Read] }'",
                );
            }
            has("principal")
                .then_some("the file is a list of entries: write '- ' before each, as in '- principal: …'")
        }
        _ => None,
    }
}

/// A setting of Kafka as a key here would be called: `ssl.client.auth` is `client_auth`.
pub(super) fn in_our_words(name: &str) -> String {
    name.strip_prefix("ssl.").unwrap_or(name).replace('.', "_")
}

/// Texts that Kafka's settings part by commas or semicolons, as entries of a list.
pub(super) fn in_brackets(text: &str) -> String {
    let shown = quoted(text);
    let inside = shown.trim_matches('\'');
    let parts = inside.split([';', ',']).map(str::trim).filter(|part| !part.is_empty());
    // A name may have a comma, as in User:CN=alice,OU=x.
    let parts: Vec<&str> = if inside.contains('=') { vec![inside] } else { parts.collect() };
    parts.iter().map(|part| format!("'{part}'")).collect::<Vec<_>>().join(", ")
}

/// What is to be said of a key that the schema does not have.
pub(super) fn unknown_key(name: &str, near: Option<&str>, known: &[&str]) -> String {
    match near {
        Some(near) => format!("the key {} is not known here; did you mean '{near}'?", quoted(name)),
        None => format!("the key {} is not known here: {} are", quoted(name), known.join(", ")),
    }
}
