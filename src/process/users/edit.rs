//! Changes the text of the file, and leaves alone what is not meant.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::UserFile;
use crate::model::sasl::scram::Hash;
use crate::model::sasl::users::User;
use crate::process::list_file::{Layout, comments};

/// What a file begins with that is made here.
const HEAD: &str =
    "# Users of doorkeeper. Written by `doorkeeper users` and by kafka-configs; may be edited by hand.\n";

/// An entry, on one line, without its dash.
pub fn entry_text(name: &str, user: &User) -> String {
    let mut text = format!("{{ user: {}", quoted(name));
    for (key, hash) in [("scram_sha_256", Hash::Sha256), ("scram_sha_512", Hash::Sha512)] {
        if let Some(credential) = user.scram(hash) {
            // Writing to a text does not fail.
            let _ = write!(text, ", {key}: {}", quoted(&credential.to_string()));
        }
    }
    if let Some(password) = &user.password {
        let _ = write!(text, ", password_hash: {}", quoted(&password.to_string()));
    }
    text.push_str(" }");
    text
}

fn quoted(text: &str) -> String {
    // A text of JSON is one of YAML.
    serde_json::Value::from(text).to_string()
}

/// The text of the file in which these users are as they are here; one that is known by nothing is left out. `None`: it is
/// written in a way that is not known here. Whoever puts the result in the place of the text reads it first.
pub fn edited(text: &str, file: &UserFile, changed: &BTreeMap<String, User>) -> Option<String> {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut new = String::new();
    if !file.has_secret {
        let mut secret = [0; 32];
        rand::fill(&mut secret).ok()?;
        let _ = write!(new, "- {{ challenge_secret: \"{}\" }}{newline}", BASE64.encode(secret));
    }
    let is_there = |name: &str| file.names.iter().flatten().any(|there| there == name);
    for (name, user) in changed.iter().filter(|(name, user)| !user.is_empty() && !is_there(name)) {
        let _ = write!(new, "- {}{newline}", entry_text(name, user));
    }
    let (indent, entries, end) = match Layout::of(text) {
        Some(Layout::Dashes { indent, entries, end }) if entries.len() == file.names.len() => {
            (indent, entries, end)
        }
        // No entry: a list without any, or comments alone.
        Some(Layout::Brackets { list, entries, .. }) if entries.is_empty() => {
            return Some(format!("{}{}{}", &text[..list.start], new.trim_end(), &text[list.end..]));
        }
        None if file.names.is_empty() => {
            let head = if text.is_empty() { HEAD } else { text };
            let gap = if head.ends_with('\n') { "" } else { newline };
            return Some(format!("{head}{gap}{new}"));
        }
        _ => return None,
    };
    let indent = " ".repeat(indent);
    let mut result = String::with_capacity(text.len() + new.len());
    let mut at = 0;
    for (range, name) in entries.iter().zip(&file.names) {
        let Some(user) = name.as_ref().and_then(|name| changed.get(name)) else { continue };
        result.push_str(&text[at..range.start]);
        at = range.end;
        if user.is_empty() {
            continue;
        }
        let old = &text[range.clone()];
        let _ = write!(result, "{indent}- {}", entry_text(name.as_deref()?, user));
        for comment in comments(old) {
            let _ = write!(result, " {}", comment.trim_start());
        }
        if old.ends_with('\n') {
            result.push_str(newline);
        }
    }
    result.push_str(&text[at..end]);
    if !new.is_empty() && !result.is_empty() && !result.ends_with('\n') {
        result.push_str(newline);
    }
    for line in new.split_inclusive('\n') {
        result.push_str(&indent);
        result.push_str(line);
    }
    result.push_str(&text[end..]);
    Some(result)
}
