//! SASL at a listener, as it is to be.

use std::path::PathBuf;
use std::time::Duration;

use crate::model::sasl::Mechanism;
use crate::model::sasl::token::TokenRules;

/// How clients log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sasl {
    /// By what, at least one.
    pub mechanisms: Vec<Mechanism>,
    /// Whether somebody with a certificate must log in as well.
    pub is_required_with_certificate: bool,
    /// Where the users of SCRAM and PLAIN are.
    pub users: Option<UserPlace>,
    /// Whose tokens are taken.
    pub bearer: Option<Bearer>,
    /// How long a login counts.
    pub max_reauth: Option<Duration>,
}

/// Where users are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserPlace {
    /// In a file.
    File(UserFile),
    /// In the topic with the bindings.
    Topic,
}

impl UserPlace {
    /// The file, where they are in one.
    pub fn file(&self) -> Option<&UserFile> {
        match self {
            Self::File(file) => Some(file),
            Self::Topic => None,
        }
    }
}

/// A file with users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserFile {
    /// Where it is.
    pub file: PathBuf,
    /// How often it is looked at.
    pub reload_interval: Duration,
}

/// Whose tokens are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// Where the keys are.
    pub keys: KeySource,
    /// How often they are looked at.
    pub refresh_interval: Duration,
    /// What tokens must say.
    pub rules: TokenRules,
}

/// Where keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// In a file.
    File(PathBuf),
    /// At a server.
    Url {
        /// The server's name or address.
        host: String,
        /// Its port.
        port: u16,
        /// What is asked for there.
        path: String,
        /// PEM: whose certificates the server may have; `None` without TLS.
        ca: Option<PathBuf>,
    },
}
