//! What a login looks at, and what comes of its steps.

use zeroize::Zeroizing;

use crate::model::sasl::Mechanism;
use crate::model::sasl::users::Users;

/// What a client is to be told, and what comes next.
#[derive(Debug)]
pub enum Reaction {
    /// It is sent this frame, or nothing, and goes on.
    Answer(Option<Vec<u8>>),
    /// It wants to know which versions are served: [`SaslServer::versions`] is to be told.
    AskVersions(i16),
    /// Its credentials are to be verified: [`SaslServer::verified`] is to be told.
    Verify(Credentials),
    /// It is somebody, and is sent this frame, or nothing.
    Authenticated(Authenticated),
    /// It is nobody: it is sent this frame, or nothing, and its connection ends.
    Refused(Refused),
}

/// What is to be verified.
#[derive(Debug)]
pub enum Credentials {
    /// A password of this user's.
    Password(String, Zeroizing<String>),
    /// A token.
    Token(Zeroizing<String>),
}

/// What has come of verifying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// The password is right.
    Password,
    /// The token is right, names this principal and counts until then, in milliseconds since 1970.
    Token(String, i64),
    /// They are wrong; this is for the log.
    Wrong(String),
    /// Nobody knows, since whoever must be asked does not answer; this is for the log.
    Unknown(String),
}

/// What comes of a login.
#[derive(Debug, PartialEq, Eq)]
pub struct Authenticated {
    /// What the client is sent.
    pub answer: Option<Vec<u8>>,
    /// The user's name.
    pub user: String,
    /// How it showed that.
    pub mechanism: Mechanism,
    /// How long that counts, in milliseconds; without an end where there is none (KIP-368).
    pub lifetime_ms: Option<i64>,
}

/// A login that has failed.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// What the client is sent.
    pub answer: Option<Vec<u8>>,
    /// What happened, for the log.
    pub why: String,
    /// By which mechanism, if that is known.
    pub mechanism: Option<Mechanism>,
}

/// What a step looks at.
pub struct Surroundings<'a> {
    /// Who there is.
    pub users: &'a Users,
    /// The time, in milliseconds since 1970.
    pub now_ms: i64,
    /// Makes what nobody can foresee, of printable characters without a comma.
    pub nonce: fn() -> String,
}

/// What a listener offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The mechanisms that are enabled.
    pub mechanisms: Vec<Mechanism>,
    /// How long a login counts at most, in milliseconds (`connections.max.reauth.ms`).
    pub max_reauth_ms: Option<i64>,
}

/// Who is to be the same when a client authenticates again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// The user's name.
    pub user: String,
    /// By which mechanism.
    pub mechanism: Mechanism,
}
