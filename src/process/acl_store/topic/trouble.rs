//! What is in the way of the topic.

use std::fmt;

use crate::process::kafka_client::Failure;
use crate::protocol::error_code::TOPIC_AUTHORIZATION_FAILED;

/// Why the topic cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// A broker is away, or busy: it will come back by itself.
    Away(String),
    /// Somebody must mend something.
    Wrong(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Away(text) | Trouble::Wrong(text) => f.write_str(text),
        }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Trouble {
        match &failure {
            Failure::Refused { code: TOPIC_AUTHORIZATION_FAILED, shown: None, .. } => {
                Trouble::Wrong(format!(
                    "{failure}: the broker has ACLs of its own, let User:ANONYMOUS read, write, create and describe the topic"
                ))
            }
            Failure::Refused { code: TOPIC_AUTHORIZATION_FAILED, shown: Some(subject), .. } => {
                Trouble::Wrong(format!(
                    "{failure}: the principal that {subject} maps to must be one of authorization.super_users there"
                ))
            }
            Failure::Certificate(_) => Trouble::Wrong(format!("{failure}; see authorization.acls.tls")),
            _ => Trouble::Away(failure.to_string()),
        }
    }
}
