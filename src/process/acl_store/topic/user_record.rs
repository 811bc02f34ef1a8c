//! What users are known by, as records of the topic.
//!
//! Each credential has a record of its own, as Kafka's `UserScramCredentialRecord`: so two doorkeepers that change different
//! credentials of one user at once lose neither, and of the same credential the later record counts. The key names the user and
//! the kind of credential, or the challenge secret; the value is the credential, who wrote it and when; a record without value
//! is its end. Keys are JSON of format 2, which a doorkeeper that knows bindings alone refuses as a newer one's: it keeps what
//! it has read and takes no change.

use std::collections::BTreeMap;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::record::{Corrupt, Pair};
use crate::model::sasl::password::PasswordHash;
use crate::model::sasl::scram::{Hash, ScramCredential};
use crate::model::sasl::users::{CredentialChange, CredentialKind, LEAST_SECRET, User, Users, check_name};
use crate::model::text::Rfc3339;

/// The format that is written, and the only one of these records that is read.
pub(super) const VERSION: u64 = 2;
/// The most bytes of a challenge secret.
const MOST_SECRET: usize = 1024;

/// What has more in it is not spelled as it is here, and refused for that.
#[derive(Serialize, Deserialize)]
struct Key {
    version: u64,
    #[serde(flatten)]
    what: What,
}

/// What a record is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum What {
    Credential { user: String, credential: CredentialKind },
    ChallengeSecret,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Value {
    version: u64,
    secret: String,
    written_by: String,
    written_at: String,
}

/// The record that makes a change of a credential.
///
/// # Errors
/// When it would not be read again: one such record would be the end of the whole set, at every doorkeeper.
pub(super) fn change(change: &CredentialChange, by: &str, at: SystemTime) -> Result<Pair, String> {
    let what = What::Credential { user: change.user.clone(), credential: change.kind };
    let value = change.text.as_ref().map(|text| value(text, by, at)).transpose();
    let pair =
        key(&what).and_then(|key| Ok(Pair { key, value: value? })).map_err(|error| error.to_string())?;
    let read = UserSet::default().apply(&pair.key, pair.value.as_deref());
    read.map_err(|why| format!("a credential of {:?} would not be read again: {why}", change.user))?;
    Ok(pair)
}

/// The record with the challenge secret.
///
/// # Errors
/// When JSON cannot be written, which it can.
pub(super) fn challenge_secret(secret: &[u8], by: &str, at: SystemTime) -> Result<Pair, serde_json::Error> {
    Ok(Pair { key: key(&What::ChallengeSecret)?, value: Some(value(&BASE64.encode(secret), by, at)?) })
}

fn key(what: &What) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Key { version: VERSION, what: what.clone() })
}

fn value(secret: &str, by: &str, at: SystemTime) -> Result<Vec<u8>, serde_json::Error> {
    let (secret, written_by) = (secret.to_owned(), by.to_owned());
    serde_json::to_vec(&Value { version: VERSION, secret, written_by, written_at: Rfc3339(at).to_string() })
}

/// The users that records make.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct UserSet {
    by_name: BTreeMap<String, User>,
    secret: Option<Vec<u8>>,
}

impl UserSet {
    /// As logins see them.
    pub(super) fn users(&self) -> Users {
        Users::new(self.by_name.clone(), self.secret.clone())
    }

    /// Whether there is a challenge secret.
    pub(super) fn has_secret(&self) -> bool {
        self.secret.is_some()
    }

    /// How many users there are.
    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Adds what a record says, or takes out what it ends. What is told of a value that cannot be read has nothing of it.
    ///
    /// # Errors
    /// A record that cannot be understood; it changes nothing.
    pub(super) fn apply(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), Corrupt> {
        let what = read_key(key)?;
        let text = value.map(read_value).transpose()?;
        // Why it is none may have a part of it.
        let damaged = |_: String| Corrupt::Damaged("its value is no credential of this kind".to_owned());
        match what {
            What::ChallengeSecret => self.secret = text.map(|text| read_secret(&text)).transpose()?,
            What::Credential { user, credential } => {
                let mut known = self.by_name.remove(&user).unwrap_or_default();
                let before = known.clone();
                let set = set(&mut known, credential, text.as_deref());
                let known = if set.is_ok() { known } else { before };
                if !known.is_empty() {
                    self.by_name.insert(user, known);
                }
                set.map_err(damaged)?;
            }
        }
        Ok(())
    }
}

fn set(user: &mut User, kind: CredentialKind, text: Option<&str>) -> Result<(), String> {
    let scram = |hash| text.map(|text| ScramCredential::parse(hash, text)).transpose();
    match kind {
        CredentialKind::ScramSha256 => user.scram_sha_256 = scram(Hash::Sha256)?,
        CredentialKind::ScramSha512 => user.scram_sha_512 = scram(Hash::Sha512)?,
        CredentialKind::PasswordHash => user.password = text.map(PasswordHash::parse).transpose()?,
    }
    Ok(())
}

fn read_key(bytes: &[u8]) -> Result<What, Corrupt> {
    let damaged = |why: String| Corrupt::Damaged(format!("its key cannot be read: {why}"));
    let Key { what, .. } = serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
    if let What::Credential { user, .. } = &what {
        check_name(user).map_err(damaged)?;
    }
    // Of two spellings of one key, the end of one would leave the other.
    match key(&what) {
        Ok(canonical) if canonical == bytes => Ok(what),
        _ => Err(damaged("it is not spelled as doorkeeper spells it".to_owned())),
    }
}

fn read_value(bytes: &[u8]) -> Result<String, Corrupt> {
    // What serde says of a fault may have the credential in it.
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| Corrupt::Damaged(format!("its value is damaged at its byte {}", error.column())))?;
    match value.version {
        VERSION => Ok(value.secret),
        newer if newer > VERSION => Err(Corrupt::Newer(newer)),
        other => Err(Corrupt::Damaged(format!("its value is of format {other}, which there never was"))),
    }
}

fn read_secret(text: &str) -> Result<Vec<u8>, Corrupt> {
    let secret = BASE64.decode(text).unwrap_or_default();
    match (LEAST_SECRET..=MOST_SECRET).contains(&secret.len()) {
        true => Ok(secret),
        false => Err(Corrupt::Damaged(format!(
            "its value is no challenge secret, which is {LEAST_SECRET} to {MOST_SECRET} bytes in base64"
        ))),
    }
}

#[cfg(test)]
mod tests;
