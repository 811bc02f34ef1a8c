//! SASL as Kafka's brokers speak it: the mechanisms, what a client says in each, and the users that it is compared with.
//!
//! Bytes in, values out; what takes time (hashing a password, asking for a key) is left to whoever calls.

pub mod bearer;
pub mod password;
pub mod plain;
pub mod scram;
pub mod token;
pub mod users;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use scram::Hash;

/// A way to prove who one is (`sasl.mechanism`), by its name in IANA's registry.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[allow(missing_docs)]
pub enum Mechanism {
    // Salted challenge and response with SHA-512 (RFC 5802, RFC 7677).
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
    // The same with SHA-256.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    // Name and password (RFC 4616).
    #[serde(rename = "PLAIN")]
    Plain,
    // A token of an identity provider (RFC 7628, KIP-255, KIP-768).
    #[serde(rename = "OAUTHBEARER")]
    OAuthBearer,
}

impl Mechanism {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ScramSha512, Self::ScramSha256, Self::Plain, Self::OAuthBearer];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::Plain => "PLAIN",
            Self::OAuthBearer => "OAUTHBEARER",
        }
    }

    /// The one of this name, which is compared letter by letter, as Kafka does.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.name() == name)
    }

    /// The hash function of SCRAM.
    pub const fn hash(self) -> Option<Hash> {
        match self {
            Self::ScramSha512 => Some(Hash::Sha512),
            Self::ScramSha256 => Some(Hash::Sha256),
            Self::Plain | Self::OAuthBearer => None,
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a client is not who it says. What it is told of that is another matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// The client is told this (`SaslAuthenticationException` in Kafka).
    Told(String),
    /// The client is told that its credentials are invalid, and no more; this is for the log (`SaslException`).
    Untold(String),
    /// The connection ends without a word; this is for the log (any other exception).
    Silent(String),
}

impl Rejection {
    /// For the log.
    pub fn why(&self) -> &str {
        match self {
            Self::Told(why) | Self::Untold(why) | Self::Silent(why) => why,
        }
    }
}
