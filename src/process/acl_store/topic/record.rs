//! A binding as a record of the topic.
//!
//! The key is the binding itself, as JSON: the same binding has always the same bytes, so that Kafka's compaction keeps one
//! record of each. The value says who wrote it and when; a record without value is the binding's end. Both say of which
//! format they are. What is not exactly as this module writes it is refused: a field that is not understood could be what
//! narrows a permission.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::model::acl::Binding;
use crate::model::text::Rfc3339;

/// The format that is written, and the only one that is read.
const VERSION: u64 = 1;

/// A record's key and value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) key: Vec<u8>,
    pub(super) value: Option<Vec<u8>>,
}

/// Why a record cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Corrupt {
    /// It is of a format that only a newer doorkeeper knows.
    Newer(u64),
    /// It is not what any doorkeeper writes.
    Damaged(String),
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Corrupt::Newer(version) => write!(
                f,
                "it is of format {version}, which this doorkeeper does not read: a newer doorkeeper wrote it, update this one"
            ),
            Corrupt::Damaged(why) => f.write_str(why),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    version: u64,
    resource_type: String,
    resource_name: String,
    pattern_type: String,
    principal: String,
    host: String,
    operation: String,
    permission: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Value {
    version: u64,
    written_by: String,
    written_at: String,
}

/// What every format has.
#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

/// The format that a record's key says it is of.
pub(super) fn version(key: &[u8]) -> Option<u64> {
    serde_json::from_slice::<Versioned>(key).ok().map(|key| key.version)
}

/// The record that puts a binding into the set.
///
/// # Errors
/// When JSON cannot be written, which it can.
pub(super) fn addition(binding: &Binding, by: &str, at: SystemTime) -> Result<Pair, serde_json::Error> {
    let written_at = Rfc3339(at).to_string();
    let value = Value { version: VERSION, written_by: by.to_owned(), written_at };
    Ok(Pair { key: key(binding)?, value: Some(serde_json::to_vec(&value)?) })
}

/// The record that takes a binding out of the set.
///
/// # Errors
/// When JSON cannot be written, which it can.
pub(super) fn removal(binding: &Binding) -> Result<Pair, serde_json::Error> {
    Ok(Pair { key: key(binding)?, value: None })
}

/// The binding that a record's key names.
pub(super) fn read_key(bytes: &[u8]) -> Result<Binding, Corrupt> {
    fn word<T: FromStr<Err: fmt::Display>>(text: &str) -> Result<T, Corrupt> {
        text.parse().map_err(|error: T::Err| Corrupt::Damaged(format!("in its key: {error}")))
    }
    let key: Key = read(bytes, "key")?;
    let binding = Binding {
        resource_type: word(&key.resource_type)?,
        resource_name: key.resource_name,
        pattern_type: word(&key.pattern_type)?,
        principal: key.principal,
        host: key.host,
        operation: word(&key.operation)?,
        permission: word(&key.permission)?,
    };
    binding.check().map_err(|error| Corrupt::Damaged(format!("its key is no binding: {error}")))?;
    // Of two spellings of one binding, the end of one would leave the other.
    match self::key(&binding) {
        Ok(canonical) if canonical == bytes => Ok(binding),
        _ => {
            Err(Corrupt::Damaged("its key is a binding, but not spelled as doorkeeper spells it".to_owned()))
        }
    }
}

/// Whether a record's value is one.
pub(super) fn read_value(bytes: &[u8]) -> Result<(), Corrupt> {
    read::<Value>(bytes, "value").map(drop)
}

fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8], what: &str) -> Result<T, Corrupt> {
    let damaged = |error: serde_json::Error| Corrupt::Damaged(format!("its {what} cannot be read: {error}"));
    match serde_json::from_slice::<Versioned>(bytes).map_err(damaged)?.version {
        VERSION => serde_json::from_slice(bytes).map_err(damaged),
        newer if newer > VERSION => Err(Corrupt::Newer(newer)),
        other => Err(Corrupt::Damaged(format!("its {what} is of format {other}, which there never was"))),
    }
}

fn key(binding: &Binding) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Key {
        version: VERSION,
        resource_type: binding.resource_type.constant().to_owned(),
        resource_name: binding.resource_name.clone(),
        pattern_type: binding.pattern_type.constant().to_owned(),
        principal: binding.principal.clone(),
        host: binding.host.clone(),
        operation: binding.operation.constant().to_owned(),
        permission: binding.permission.constant().to_owned(),
    })
}

#[cfg(test)]
pub(super) mod tests;
