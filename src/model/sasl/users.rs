//! Who logs in by SCRAM and by PLAIN.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Mechanism;
use super::password::PasswordHash;
use super::scram::{Candidate, FEWEST_ITERATIONS, Hash, ScramCredential};

/// How many letters a salt of Kafka's has (`ScramFormatter.secureRandomBytes`), nearly always.
const SALT_LETTERS: usize = 26;
/// The longest name of a user.
const LONGEST_NAME: usize = 255;
/// The least bytes of the secret that challenges of names are made of which are no user's.
pub const LEAST_SECRET: usize = 16;
const LETTERS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// By what a user is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// For SCRAM-SHA-256.
    pub scram_sha_256: Option<ScramCredential>,
    /// For SCRAM-SHA-512.
    pub scram_sha_512: Option<ScramCredential>,
    /// For PLAIN alone.
    pub password: Option<PasswordHash>,
}

impl User {
    /// What it has for SCRAM.
    pub fn scram(&self, hash: Hash) -> Option<&ScramCredential> {
        match hash {
            Hash::Sha256 => self.scram_sha_256.as_ref(),
            Hash::Sha512 => self.scram_sha_512.as_ref(),
        }
    }

    /// What it has for SCRAM, to be changed.
    pub fn scram_mut(&mut self, hash: Hash) -> &mut Option<ScramCredential> {
        match hash {
            Hash::Sha256 => &mut self.scram_sha_256,
            Hash::Sha512 => &mut self.scram_sha_512,
        }
    }

    /// Whether nobody can log in with it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it is of this password: by its hash, or by what there is for SCRAM. Takes as long as hashing.
    pub fn has_password(&self, password: &str) -> bool {
        if let Some(hash) = &self.password {
            return hash.is_of(password);
        }
        let scram = Hash::ALL.into_iter().rev().find_map(|hash| Some((hash, self.scram(hash)?)));
        scram.is_some_and(|(hash, credential)| credential.is_of(hash, password))
    }
}

/// A change of the users.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsersChange {
    /// What users are known by from now on.
    pub set: Vec<(String, Hash, ScramCredential)>,
    /// By what they are known no longer.
    pub remove: Vec<(String, Hash)>,
}

/// Whether somebody may be called so.
///
/// # Errors
/// Why not.
pub fn check_name(name: &str) -> Result<(), String> {
    match name {
        "" => Err("a user has a name".to_owned()),
        _ if name.len() > LONGEST_NAME => Err(format!("a name has at most {LONGEST_NAME} bytes")),
        _ if name.chars().any(char::is_control) => Err("a name has no control characters".to_owned()),
        _ if name.trim() != name => Err("a name has no blanks around it".to_owned()),
        _ if name.starts_with("User:") => {
            Err("the name is what follows 'User:', which the principal begins with".to_owned())
        }
        _ => Ok(()),
    }
}

/// A kind of what users are known by; each user has at most one of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CredentialKind {
    /// For SCRAM-SHA-256.
    #[serde(rename = "scram_sha_256")]
    ScramSha256,
    /// For SCRAM-SHA-512.
    #[serde(rename = "scram_sha_512")]
    ScramSha512,
    /// For PLAIN alone.
    #[serde(rename = "password_hash")]
    PasswordHash,
}

impl CredentialKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ScramSha256, Self::ScramSha512, Self::PasswordHash];

    /// That of SCRAM by this hash function.
    pub fn scram(hash: Hash) -> Self {
        match hash {
            Hash::Sha256 => Self::ScramSha256,
            Hash::Sha512 => Self::ScramSha512,
        }
    }

    /// What a user has of this kind, as text.
    pub fn text(self, user: &User) -> Option<String> {
        match self {
            Self::ScramSha256 => user.scram_sha_256.as_ref().map(ToString::to_string),
            Self::ScramSha512 => user.scram_sha_512.as_ref().map(ToString::to_string),
            Self::PasswordHash => user.password.as_ref().map(ToString::to_string),
        }
    }
}

/// A change of one credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialChange {
    /// Whose.
    pub user: String,
    /// Of which kind.
    pub kind: CredentialKind,
    /// What it is from now on, as text; `None`: the user has none any more.
    pub text: Option<String>,
}

impl CredentialChange {
    /// Those that a change is made of.
    pub fn of(change: &UsersChange) -> Vec<Self> {
        let remove = change.remove.iter().map(|(user, hash)| (user, hash, None));
        let set =
            change.set.iter().map(|(user, hash, credential)| (user, hash, Some(credential.to_string())));
        let all = remove.chain(set);
        all.map(|(user, hash, text)| Self { user: user.clone(), kind: CredentialKind::scram(*hash), text })
            .collect()
    }

    /// Those that make these users, by their names, into what they shall be.
    pub fn between(users: &Users, wanted: &BTreeMap<String, User>) -> Vec<Self> {
        let nobody = User::default();
        let mut changes = Vec::new();
        for (name, user) in wanted {
            let before = users.get(name).unwrap_or(&nobody);
            for kind in CredentialKind::ALL {
                let text = kind.text(user);
                if text != kind.text(before) {
                    changes.push(Self { user: name.clone(), kind, text });
                }
            }
        }
        changes
    }
}

/// Why no user was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsersChangeError {
    /// They cannot be changed by clients: why, and what to do.
    ReadOnly(String),
    /// They cannot be changed now: why.
    Unavailable(String),
}

impl std::fmt::Display for UsersChangeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ReadOnly(why) | Self::Unavailable(why) => f.write_str(why),
        }
    }
}

/// All users of a listener.
#[derive(Debug, Clone, Default)]
pub struct Users {
    by_name: BTreeMap<String, User>,
    /// What those are told by who are none: nobody can foresee it, and doorkeepers with the same users have the same.
    secret: Vec<u8>,
}

impl Users {
    /// These users. Without a `secret` it is made of what is known of them.
    pub fn new(by_name: BTreeMap<String, User>, secret: Option<Vec<u8>>) -> Self {
        let secret = secret.unwrap_or_else(|| {
            // The first of them: so it changes least.
            let first = by_name.iter().next().map(|(name, user)| {
                let credential =
                    Hash::ALL.into_iter().find_map(|hash| user.scram(hash)).map(ToString::to_string);
                format!(
                    "{name} {}",
                    credential
                        .or_else(|| user.password.as_ref().map(ToString::to_string))
                        .unwrap_or_default()
                )
            });
            Hash::Sha256
                .hmac(b"users that are none", &[first.unwrap_or_default().as_bytes()])
                .as_ref()
                .to_vec()
        });
        Self { by_name, secret }
    }

    /// The users, by their names.
    pub fn by_name(&self) -> &BTreeMap<String, User> {
        &self.by_name
    }

    /// The user of this name.
    pub fn get(&self, name: &str) -> Option<&User> {
        self.by_name.get(name)
    }

    /// Whether there is such a user who can log in by this mechanism. Nobody here knows of tokens.
    pub fn may_log_in(&self, name: &str, mechanism: Mechanism) -> bool {
        match (mechanism.hash(), self.get(name)) {
            (Some(hash), user) => user.is_some_and(|user| user.scram(hash).is_some()),
            (None, user) if mechanism == Mechanism::Plain => user.is_some_and(|user| !user.is_empty()),
            (None, _) => true,
        }
    }

    /// What a proof of this name is compared with. For a name that is none it looks like the credential of one that is: the
    /// same each time, at every doorkeeper with these users.
    pub fn candidate(&self, name: &str, hash: Hash) -> Candidate {
        let kind = [hash.length() as u8];
        let bytes = |purpose: &[u8]| {
            Hash::Sha512.hmac(&self.secret, &[purpose, &kind, name.as_bytes()]).as_ref().to_vec()
        };
        let all = self.by_name.values().filter_map(|user| user.scram(hash));
        let model = pick(&bytes(b"like"), all, |credential| &credential.salt);
        let mut salt = bytes(b"salt");
        let (length, is_letters) = match model {
            Some(like) => (like.salt.len(), like.salt.iter().all(|byte| LETTERS.contains(byte))),
            None => (SALT_LETTERS, true),
        };
        while salt.len() < length {
            let more = Hash::Sha512.hmac(&self.secret, &[&salt]);
            salt.extend_from_slice(more.as_ref());
        }
        salt.truncate(length);
        if is_letters {
            salt.iter_mut().for_each(|byte| *byte = LETTERS[usize::from(*byte) % LETTERS.len()]);
        }
        let iterations = model.map_or(FEWEST_ITERATIONS, |like| like.iterations);
        let mut keys = bytes(b"keys");
        keys.truncate(hash.length());
        let nobodys = ScramCredential::of_nobody(iterations, salt, keys);
        // Both are made in any case, so that the time tells nothing.
        match self.get(name).and_then(|user| user.scram(hash)) {
            Some(credential) => Candidate { credential: credential.clone(), is_real: true },
            None => Candidate { credential: nobodys, is_real: false },
        }
    }

    /// Whether this is a user's name and password. A name that is none costs as much as one that is. Takes as long as hashing.
    pub fn is_password(&self, name: &str, password: &str) -> bool {
        if let Some(user) = self.get(name).filter(|user| !user.is_empty()) {
            return user.has_password(password);
        }
        let name = Hash::Sha512.hmac(&self.secret, &[name.as_bytes()]);
        let users = self.by_name.iter().filter(|(_, user)| !user.is_empty());
        if let Some((_, user)) = pick(name.as_ref(), users, |(name, _)| name.as_bytes()) {
            user.has_password(password);
        }
        false
    }
}

/// One of them, always the same for the same `seed` while that one is there: others that come and go change it rarely
/// (rendezvous hashing).
fn pick<T>(seed: &[u8], all: impl Iterator<Item = T>, name: impl Fn(&T) -> &[u8]) -> Option<T> {
    let start = seed.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let weight = |one: &T| {
        // FNV-1a: nothing secret hangs on it.
        let mut hash = start ^ 0xcbf2_9ce4_8422_2325;
        for byte in name(one) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        hash ^ (hash >> 29)
    };
    all.max_by_key(weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users() -> Users {
        let credential = |hash, salt: &[u8], iterations| {
            Some(ScramCredential::from_password(hash, "pencil", salt.to_vec(), iterations))
        };
        let alice = User {
            scram_sha_512: credential(Hash::Sha512, b"1kqz7c8cr5rxxpvbm0kyhgxh3e", 8192),
            ..User::default()
        };
        let carol = User { scram_sha_512: credential(Hash::Sha512, &[200; 24], 4096), ..User::default() };
        let bob = User { password: Some(PasswordHash::of("s3cret", &[7; 16]).unwrap()), ..User::default() };
        let all = [("alice", alice), ("bob", bob), ("carol", carol)];
        Users::new(all.map(|(name, user)| (name.to_owned(), user)).into(), None)
    }

    #[test]
    fn a_name_that_is_none_is_like_one_that_is() {
        let (users, elsewhere) = (users(), users());
        let real = users.candidate("alice", Hash::Sha512);
        assert!(real.is_real && real.credential.iterations == 8192);
        let (mut letters, mut bytes) = (0, 0);
        for number in 0..200 {
            let name = format!("nobody{number}");
            let (here, there) =
                (users.candidate(&name, Hash::Sha512), elsewhere.candidate(&name, Hash::Sha512));
            assert!(!here.is_real && here.credential == there.credential);
            let ScramCredential { iterations, salt, .. } = here.credential;
            match (iterations, salt.len(), salt.iter().all(|byte| LETTERS.contains(byte))) {
                (8192, 26, true) => letters += 1,
                (4096, 24, false) => bytes += 1,
                other => panic!("{other:?}"),
            }
            assert_ne!(users.candidate(&format!("{name}x"), Hash::Sha512).credential.salt, salt);
        }
        // As many are like the one as like the other.
        assert!(letters > 50 && bytes > 50, "{letters} {bytes}");
        // Alice has nothing for the other mechanism, and is nobody there, like everybody.
        let other = users.candidate("alice", Hash::Sha256);
        assert!(!other.is_real && other.credential.iterations == 4096 && other.credential.salt.len() == 26);
    }

    #[test]
    fn a_user_more_changes_what_few_are_told_that_are_none() {
        let before = users();
        let mut more = before.by_name.clone();
        let dave = ScramCredential::from_password(Hash::Sha512, "x", vec![9; 24], 4096);
        more.insert("dave".to_owned(), User { scram_sha_512: Some(dave), ..User::default() });
        let after = Users::new(more, None);
        let same = (0..300)
            .map(|number| format!("nobody{number}"))
            .filter(|name| {
                let of = |users: &Users| users.candidate(name, Hash::Sha512).credential;
                of(&before) == of(&after)
            })
            .count();
        assert!(same > 150, "{same}");
        let other = Users::new(before.by_name.clone(), Some(b"other".to_vec()));
        let of = |users: &Users| users.candidate("nobody", Hash::Sha512).credential.salt;
        assert_ne!(of(&before), of(&other));
    }

    #[test]
    fn a_password_is_known_by_its_hash_or_by_what_scram_has_of_it() {
        let users = users();
        assert!(users.is_password("bob", "s3cret") && users.is_password("alice", "pencil"));
        for (name, password) in [("bob", "pencil"), ("alice", "s3cret"), ("nobody", "pencil"), ("", "")] {
            assert!(!users.is_password(name, password), "{name}");
        }
        assert!(!Users::default().is_password("bob", "s3cret"));
    }
}
