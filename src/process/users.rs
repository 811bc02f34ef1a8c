//! The file with the users of SCRAM and PLAIN: a YAML list with an entry for each.
//!
//! ```yaml
//! - { user: alice, scram_sha_512: "iterations=8192,salt=…,stored_key=…,server_key=…" }
//! - { user: bob, password_hash: "$argon2id$…" }
//! ```

mod edit;
mod store;

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

pub use edit::{edited, entry_text};
pub use store::UserStore;

use super::config::document::Document;
use super::config::schema::schema_of;
use super::config::schema_check;
use super::config::{Fault, Faults};
use crate::model::sasl::password::PasswordHash;
use crate::model::sasl::scram::{Hash, ScramCredential};
pub use crate::model::sasl::users::check_name;
use crate::model::sasl::users::{LEAST_SECRET, User, Users};

/// The most bytes of such a file: some ten thousand users.
pub const MAX_BYTES: u64 = super::list_file::MAX_BYTES;

/// The JSON schema of the file.
pub fn users_schema() -> Schema {
    schema_of::<Vec<Entry>>("Users of doorkeeper")
}

/// A user, and by what it is known. `doorkeeper users set` and `kafka-configs --alter --entity-type users` write it.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// The user's name: the principal is `User:` and this.
    user: Option<String>,
    /// For SCRAM-SHA-256: iterations, salt, stored key and server key, as `kafka-configs` and ZooKeeper have them.
    scram_sha_256: Option<String>,
    /// For SCRAM-SHA-512, likewise.
    scram_sha_512: Option<String>,
    /// For PLAIN alone: the password's hash by argon2 or bcrypt. Without it PLAIN goes by what SCRAM has.
    password_hash: Option<String>,
    /// In an entry of its own, once: at least 16 bytes in base64 that nobody can foresee. What SCRAM asks of names that are no
    /// user's is made of it, so that all doorkeepers with this file ask the same.
    challenge_secret: Option<String>,
}

/// A right file.
#[derive(Debug, Default)]
pub struct UserFile {
    /// The users.
    pub users: Users,
    /// Whose each entry is; `None` for that with the secret.
    pub names: Vec<Option<String>>,
    /// Whether there is a secret.
    pub has_secret: bool,
}

/// Reads the users from `text`, which stands in the file `path`.
///
/// # Errors
/// Every fault in it.
pub fn parse(path: &Path, text: &str) -> Result<UserFile, Faults> {
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(UserFile::default());
    }
    let mut document = Document::parse(path, text.to_owned())?;
    let found = schema_check::take_out(&mut document, users_schema().as_value())?;
    let mut faults: Vec<Fault> =
        found.into_iter().map(|(at, message)| document.fault_at(at, message)).collect();
    let entries: Vec<Entry> = schema_check::typed(&document, &mut faults).unwrap_or_default();
    let mut reading =
        Reading { document: &document, faults, users: BTreeMap::new(), first: BTreeMap::new(), secret: None };
    let names = entries.iter().enumerate().map(|(i, entry)| reading.entry(i, entry)).collect();
    let Reading { faults, users, secret, .. } = reading;
    match faults.is_empty() {
        true => Ok(UserFile { has_secret: secret.is_some(), users: Users::new(users, secret), names }),
        false => Err(Faults::sorted(faults)),
    }
}

struct Reading<'a> {
    document: &'a Document,
    faults: Vec<Fault>,
    users: BTreeMap<String, User>,
    /// In which entry each was first.
    first: BTreeMap<String, usize>,
    secret: Option<Vec<u8>>,
}

impl Reading<'_> {
    fn fault(&mut self, at: &str, message: impl Into<String>) {
        self.faults.push(self.document.fault(at, message));
    }

    fn entry(&mut self, i: usize, entry: &Entry) -> Option<String> {
        let mut user = User::default();
        for (key, hash, text) in [
            ("scram_sha_256", Hash::Sha256, &entry.scram_sha_256),
            ("scram_sha_512", Hash::Sha512, &entry.scram_sha_512),
        ] {
            match text.as_ref().map(|text| ScramCredential::parse(hash, text)).transpose() {
                Ok(credential) => *user.scram_mut(hash) = credential,
                Err(message) => self.fault(&format!("{i}.{key}"), message),
            }
        }
        match entry.password_hash.as_ref().map(|text| PasswordHash::parse(text)).transpose() {
            Ok(password) => user.password = password,
            Err(message) => self.fault(&format!("{i}.password_hash"), message),
        }
        let is_known =
            entry.scram_sha_256.is_some() || entry.scram_sha_512.is_some() || entry.password_hash.is_some();
        match (&entry.user, &entry.challenge_secret) {
            (Some(name), None) => {
                if let Err(message) = check_name(name) {
                    self.fault(&format!("{i}.user"), message);
                } else if !is_known {
                    let message = "the user is known by nothing: add 'scram_sha_512' or 'password_hash', which \
                                   'doorkeeper users set' writes";
                    self.fault(&i.to_string(), message);
                } else if let Some(first) = self.first.get(name) {
                    let message =
                        format!("this user is in entry {} already: one entry says all of it", first + 1);
                    self.fault(&format!("{i}.user"), message);
                }
                self.first.entry(name.clone()).or_insert(i);
                self.users.entry(name.clone()).or_insert(user);
                Some(name.clone())
            }
            (None, Some(secret)) if !is_known => {
                match BASE64.decode(secret) {
                    Ok(bytes) if bytes.len() < LEAST_SECRET => {
                        self.fault(
                            &format!("{i}.challenge_secret"),
                            format!("it has {} bytes, and needs {LEAST_SECRET}", bytes.len()),
                        );
                    }
                    Ok(_) if self.secret.is_some() => {
                        self.fault(
                            &format!("{i}.challenge_secret"),
                            "there is one already: keep one of them",
                        );
                    }
                    Ok(bytes) => self.secret = Some(bytes),
                    Err(_) => self.fault(&format!("{i}.challenge_secret"), "it is no base64"),
                }
                None
            }
            (_, Some(_)) => {
                self.fault(&format!("{i}.challenge_secret"), "it is nobody's: give it an entry of its own");
                None
            }
            (None, None) => {
                if !self.document.is_wrong(&format!("{i}.user")) {
                    self.fault(&i.to_string(), "the name is missing: add 'user: NAME'");
                }
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
