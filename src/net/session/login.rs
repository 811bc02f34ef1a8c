//! Logins that count for a time, or for as long as there is the user (KIP-368): logging in again on the same connection.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::memory::Reservation;
use super::pending::{PendingResponse, ResponseKind};
use super::work::Waiting;
use super::{Close, RequestId, Row, Session};
use crate::net::client::Login;
use crate::net::sasl::{SaslContext, nonce, unix_ms};
use crate::observability::metrics::{CloseReason, RequestResult};
use crate::protocol::messages::{SaslAuthenticateRequest, SaslHandshakeRequest};
use crate::protocol::sasl::{Authenticated, Before, Reaction, SaslServer, Surroundings, Verified};
use crate::protocol::wire::Message;

/// How soon a client may log in again (`KafkaChannel.MIN_REAUTH_INTERVAL_ONE_SECOND_NANOS`).
const SOONEST: Duration = Duration::from_secs(1);
/// For how long a connection that says nothing is left open when its login counts no longer: Kafka closes it at its next request,
/// and whoever only waits for answers would have them for ever.
const GRACE: Duration = Duration::from_secs(5);

/// The login of a connection.
pub(super) struct LoginState {
    login: Login,
    sasl: Arc<SaslContext>,
    /// The client logs in again.
    again: Option<Box<SaslServer>>,
    /// When it began to, last.
    begun: Option<Instant>,
}

impl LoginState {
    pub(super) fn new(login: Login, sasl: Arc<SaslContext>) -> Self {
        Self { login, sasl, again: None, begun: None }
    }

    /// Whether what comes now belongs to a login: it need not be a request.
    pub(super) fn is_logging_in(&self) -> bool {
        self.again.as_ref().is_some_and(|server| server.is_begun())
    }

    fn is_expired(&self, now: Instant) -> bool {
        self.again.is_none() && self.login.expires.is_some_and(|expires| expires < now)
    }

    /// `KafkaChannel.maybeBeginServerReauthentication`
    fn may_begin(&self, now: Instant) -> bool {
        self.login.expires.is_some()
            && self.begun.is_none_or(|begun| now.saturating_duration_since(begun) >= SOONEST)
    }
}

impl Session {
    /// When the connection ends if the client does not log in again.
    pub fn ends_at(&self) -> Option<Instant> {
        Some(self.login.as_ref()?.login.expires? + GRACE)
    }

    /// Who is to be asked whether there is the user still, and to be told that somebody wants to know of changes.
    pub fn sasl(&self) -> Option<&Arc<SaslContext>> {
        self.login.as_ref().map(|state| &state.sasl)
    }

    /// Whether a request of this API comes too late.
    pub(super) fn is_too_late(&self, key: Option<i16>, now: Instant) -> bool {
        key != Some(SaslHandshakeRequest::KEY)
            && self.login.as_ref().is_some_and(|state| state.is_expired(now))
    }

    /// Why such a session ends.
    pub fn expired(&self) -> Close {
        Close::new(
            CloseReason::SessionExpired,
            "the login counts no longer, and the client has not logged in again (sasl.max_reauth, or its token's end)",
        )
    }

    /// Whether the users have changed, and the client's is still one of them.
    ///
    /// # Errors
    /// When it is not.
    pub(super) fn look_after_user(&mut self) -> Result<(), Close> {
        let Some(LoginState { login, sasl, .. }) = self.login.as_deref_mut() else { return Ok(()) };
        let generation = sasl.credentials.generation();
        if login.generation == generation {
            return Ok(());
        }
        login.generation = generation;
        match sasl.credentials.users().may_log_in(&login.user, login.mechanism) {
            true => Ok(()),
            false => Err(Close::new(
                CloseReason::UserRemoved,
                format!("there is no user '{}' any more who could log in by {}", login.user, login.mechanism),
            )),
        }
    }

    /// Takes a frame that belongs to a login, if it does.
    pub(super) fn log_in_again(&mut self, frame: &Bytes, now: Instant) -> Option<Result<(), Close>> {
        let state = self.login.as_deref_mut()?;
        if state.again.is_none() {
            let is_handshake = frame.get(4..)?.starts_with(&SaslHandshakeRequest::KEY.to_be_bytes());
            if !is_handshake || !state.may_begin(now) {
                return None;
            }
            let before = Before { user: state.login.user.clone(), mechanism: state.login.mechanism };
            state.again = Some(Box::new(SaslServer::again(state.sasl.offer.clone(), before)));
            state.begun = Some(now);
        }
        let server = state.again.as_mut()?;
        let users = state.sasl.credentials.users();
        let around = Surroundings { users: &users, now_ms: unix_ms(), nonce };
        let reaction = server.step(&frame.slice(4..), &around);
        Some(self.react(reaction, now))
    }

    /// Goes on with what has come of verifying.
    pub(super) fn verified(&mut self, verified: Verified, now: Instant) -> Result<(), Close> {
        let server = self.login.as_deref_mut().and_then(|state| state.again.as_mut());
        let Some(server) = server else { return Err(Close::internal("nobody logs in")) };
        let reaction = server.verified(verified, unix_ms());
        self.react(reaction, now)
    }

    fn react(&mut self, reaction: Reaction, now: Instant) -> Result<(), Close> {
        let metrics = &self.access.context.process.metrics;
        match reaction {
            Reaction::Answer(answer) => self.add_login_answer(answer, now),
            Reaction::Verify(credentials) => {
                self.waiting = Waiting::Login(Some(credentials));
                Ok(())
            }
            Reaction::Authenticated(Authenticated { answer, user, mechanism, lifetime_ms }) => {
                metrics.authentication(mechanism.into(), true);
                if let Some(state) = self.login.as_deref_mut() {
                    state.again = None;
                    state.login =
                        Login::new(user, mechanism, lifetime_ms, Instant::now(), state.login.generation);
                }
                self.add_login_answer(answer, now)
            }
            Reaction::Refused(refused) => {
                if let Some(mechanism) = refused.mechanism {
                    metrics.authentication(mechanism.into(), false);
                }
                self.add_login_answer(refused.answer, now)?;
                let why = format!("the client has not logged in again: {}", refused.why);
                Err(Close::new(CloseReason::AuthenticationFailed, why))
            }
            Reaction::AskVersions(_) => {
                Err(Close::internal("versions were asked for in the middle of a session"))
            }
        }
    }

    fn add_login_answer(&mut self, answer: Option<Vec<u8>>, now: Instant) -> Result<(), Close> {
        let Some(answer) = answer else { return Ok(()) };
        let row =
            Row::find(SaslAuthenticateRequest::KEY).ok_or_else(|| Close::internal("a row is missing"))?;
        self.access.context.process.metrics.request(row.key, RequestResult::AnsweredLocally);
        // The frame is whole; of this nothing is read.
        let id = RequestId { row, version: 0, correlation_id: 0 };
        let kind = ResponseKind::Reply(answer);
        let kept = Reservation::default();
        self.pending.push(PendingResponse { id, since: now, number: 0, kind, kept, _under_way: None });
        Ok(())
    }
}
