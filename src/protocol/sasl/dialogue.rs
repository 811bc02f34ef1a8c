//! What is said between the handshake and the end of a login.

use bytes::Bytes;

use super::frames::{Framed, encoded};
use crate::model::sasl::Mechanism;
use crate::model::sasl::scram::Exchange;
use crate::protocol::api::Row;
use crate::protocol::messages::{SaslAuthenticateRequest, SaslAuthenticateResponse};
use crate::protocol::wire::Message as _;

#[derive(Debug)]
pub(super) struct Dialogue {
    pub(super) mechanism: Mechanism,
    /// Whether tokens come in SaslAuthenticate requests; they come as they are after a handshake of version 0.
    pub(super) framed: Option<Framed>,
    pub(super) exchange: MechanismState,
}

#[derive(Debug)]
pub(super) enum MechanismState {
    Plain,
    Scram(Exchange),
    /// Why the client has been told that its token is wrong, if it has.
    Bearer(Option<String>),
    /// What was said is being verified: whose rights are wanted, and the user's name where that was said.
    Verifying(String, Option<String>),
}

impl Dialogue {
    /// In the form that the client expects.
    pub(super) fn answer(&self, answer: &SaslAuthenticateResponse) -> Option<Vec<u8>> {
        match self.framed {
            Some(Framed { version, correlation_id }) => {
                encoded(Row::find(SaslAuthenticateRequest::KEY)?, (version, correlation_id), answer)
            }
            None => {
                let length = i32::try_from(answer.auth_bytes.len()).ok()?;
                Some([&length.to_be_bytes()[..], &answer.auth_bytes].concat())
            }
        }
    }
}

pub(super) fn accepted(token: &[u8], session_lifetime_ms: i64) -> SaslAuthenticateResponse {
    SaslAuthenticateResponse {
        auth_bytes: Bytes::copy_from_slice(token),
        session_lifetime_ms,
        ..Default::default()
    }
}
