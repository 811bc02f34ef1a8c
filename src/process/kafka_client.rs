//! A small client of the protected cluster, for what doorkeeper keeps there itself.
//!
//! [`Connection`] asks one broker one question at a time, in plaintext or through the doorkeeper before it; [`requests`] are the questions. Which broker to ask, and what to do
//! when it does not answer, is the caller's business: after a failure other than [`Failure::Refused`] the connection is of no
//! further use.

mod connection;
mod requests;

use std::fmt;

use crate::protocol::error_code;

pub use connection::Connection;
pub use requests::{Fetched, Found, FoundTopic, NewTopic, Node, Reader, Start};

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The broker cannot be reached, or the connection broke before the answer was there.
    Connection(String),
    /// The broker took too long.
    Timeout(String),
    /// A doorkeeper shows a certificate that is not trusted, or does not trust ours.
    Certificate(String),
    /// The broker does not serve what is asked for, or its answer cannot be read.
    Protocol(String),
    /// The broker says no.
    Refused {
        /// What was asked for, with the broker's address.
        what: String,
        /// The code (`org.apache.kafka.common.protocol.Errors`).
        code: i16,
        /// What the broker says of it, if it says anything.
        message: Option<String>,
        /// The subject of the certificate that was shown, if a doorkeeper was asked.
        shown: Option<String>,
    },
}

impl Failure {
    /// The broker's code, if it said no.
    pub fn code(&self) -> Option<i16> {
        match self {
            Failure::Refused { code, .. } => Some(*code),
            Failure::Connection(_) | Failure::Timeout(_) | Failure::Certificate(_) | Failure::Protocol(_) => {
                None
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Connection(text)
            | Failure::Timeout(text)
            | Failure::Certificate(text)
            | Failure::Protocol(text) => f.write_str(text),
            Failure::Refused { what, code, message, .. } => {
                write!(f, "{what} is refused with {}", error_code::name(*code))?;
                message.as_ref().map_or(Ok(()), |message| write!(f, ": {message}"))
            }
        }
    }
}

impl std::error::Error for Failure {}
