//! The server's side of SASL on a connection (`SaslServerAuthenticator`): frames in, reactions out.
//!
//! What takes time, or asks somebody else, is asked of the caller: which versions the broker serves, and whether a password or a
//! token is right.

mod dialogue;
mod frames;
mod reaction;

use std::sync::Arc;

use bytes::Bytes;

use super::access::Broker;
use super::api::{Row, unsupported_version};
use super::error_code::{INVALID_REQUEST, SASL_AUTHENTICATION_FAILED, UNSUPPORTED_SASL_MECHANISM};
use super::header::RequestHeader;
use super::messages::{
    ApiVersionsRequest, ApiVersionsResponse, SaslAuthenticateResponse, SaslHandshakeRequest,
    SaslHandshakeResponse,
};
use super::wire::{Message, Str};
use crate::model::sasl::bearer::{self, BearerResponse};
use crate::model::sasl::plain::Login as PlainLogin;
use crate::model::sasl::scram::{Exchange, Progress};
use crate::model::sasl::{Mechanism, Rejection};
use dialogue::{Dialogue, MechanismState, accepted};
use frames::{Framed, answer_frame, body, encoded, is_software, unwrap};
pub use reaction::{Authenticated, Before, Credentials, Offer, Reaction, Refused, Surroundings, Verified};

/// The longest frame of a client that is nobody yet, in bytes. Kafka takes 512 KiB (`sasl.server.max.receive.size`); whoever
/// sends so much without being anybody takes memory from those who are.
pub const LONGEST_FRAME: usize = 64 * 1024;

/// One login on one connection.
#[derive(Debug)]
pub struct SaslServer {
    offer: Arc<Offer>,
    before: Option<Before>,
    state: State,
    /// What the client has said of itself.
    introduction: Option<Bytes>,
}

#[derive(Debug)]
enum State {
    /// `HANDSHAKE_OR_VERSIONS_REQUEST`
    HandshakeOrVersions,
    /// `HANDSHAKE_REQUEST`
    Handshake,
    /// An answer to the ApiVersions request with this correlation id is being found.
    Versions(i32),
    /// `AUTHENTICATE`
    Authenticate(Dialogue),
    /// `REAUTH_BAD_MECHANISM`
    BadMechanism(String),
    /// `COMPLETE` or `FAILED`
    Over,
}

impl SaslServer {
    /// For a client that is nobody yet.
    pub fn new(offer: Arc<Offer>) -> Self {
        Self { offer, before: None, state: State::HandshakeOrVersions, introduction: None }
    }

    /// For one that is to be who it was; its handshake comes first.
    pub fn again(offer: Arc<Offer>, before: Before) -> Self {
        Self { before: Some(before), state: State::Handshake, ..Self::new(offer) }
    }

    /// The client's own ApiVersions request, without its length, if it has said by it what software it is.
    pub fn introduction(&self) -> Option<&Bytes> {
        self.introduction.as_ref()
    }

    /// Whether the client has been told which versions are served.
    pub fn has_asked_versions(&self) -> bool {
        matches!(self.state, State::Handshake)
    }

    /// Whether there was a handshake: what comes now need not be a request.
    pub fn is_begun(&self) -> bool {
        matches!(self.state, State::Authenticate(_) | State::BadMechanism(_) | State::Over)
    }

    /// Takes the client's next frame, without its length.
    pub fn step(&mut self, frame: &Bytes, around: &Surroundings<'_>) -> Reaction {
        match std::mem::replace(&mut self.state, State::Over) {
            State::HandshakeOrVersions => self.request(frame, true),
            State::Handshake => self.request(frame, false),
            State::Authenticate(dialogue) => self.token(dialogue, frame, around),
            State::BadMechanism(why) => silent(why),
            State::Versions(_) | State::Over => silent("a frame came out of turn".to_owned()),
        }
    }

    /// `handleKafkaRequest`
    fn request(&mut self, frame: &Bytes, may_ask_versions: bool) -> Reaction {
        let Ok(header) = RequestHeader::read(frame) else {
            return silent("what the client sends is no request of Kafka's".to_owned());
        };
        let Some(row) = Row::find(header.key) else {
            return silent(format!("API key {} is unknown", header.key));
        };
        let unexpected = || {
            let name = row.name;
            let remedy = "its security.protocol must be SASL_SSL";
            silent(format!("the client sent {name} and has not said by SASL who it is: {remedy}"))
        };
        match header.key {
            ApiVersionsRequest::KEY if may_ask_versions => self.ask_versions(row, &header, frame),
            SaslHandshakeRequest::KEY if row.versions.contains(&header.version) => {
                match SaslHandshakeRequest::decode(&frame.slice(header.end..), header.version) {
                    Ok(request) => self.handshake(row, &header, &request),
                    Err(fault) => silent(format!("SaslHandshake cannot be read: {fault}")),
                }
            }
            _ => unexpected(),
        }
    }

    /// `handleApiVersionsRequest`
    fn ask_versions(&mut self, row: &Row, header: &RequestHeader<'_>, frame: &Bytes) -> Reaction {
        self.state = State::Versions(header.correlation_id);
        if !row.versions.contains(&header.version) {
            return Reaction::AskVersions(header.version);
        }
        let Some((request, _)) = body(row, header, frame)
            .and_then(|body| ApiVersionsRequest::decode_declared(&body, header.version).ok())
        else {
            self.state = State::Over;
            return silent("ApiVersions cannot be read".to_owned());
        };
        let names = [&request.client_software_name, &request.client_software_version];
        if header.version >= 3 && !names.into_iter().all(|name| is_software(name)) {
            self.state = State::HandshakeOrVersions;
            let answer = ApiVersionsResponse { error_code: INVALID_REQUEST, ..Default::default() };
            return self.reply(row, (header.version, header.correlation_id), &answer);
        }
        self.introduction = (header.version >= 3).then(|| Bytes::copy_from_slice(frame));
        Reaction::AskVersions(header.version)
    }

    /// What the broker serves, for the client that has asked: its answer in the version asked for, if both sides serve that.
    pub fn versions(
        &mut self,
        broker: &Broker,
        version: i16,
        answer: Option<ApiVersionsResponse>,
    ) -> Reaction {
        let State::Versions(correlation_id) = std::mem::replace(&mut self.state, State::Over) else {
            return silent("nobody has asked for versions".to_owned());
        };
        let Some(row) = Row::find(ApiVersionsRequest::KEY) else {
            return silent("a row is missing".to_owned());
        };
        match answer {
            Some(mut answer) => {
                super::api::reduce_versions(&mut answer);
                self.state = State::Handshake;
                self.reply(row, (version, correlation_id), &answer)
            }
            None => {
                self.introduction = None;
                self.state = State::HandshakeOrVersions;
                match unsupported_version(broker) {
                    Ok(body) => Reaction::Answer(Some(answer_frame(row, (0, correlation_id), &body))),
                    Err(fault) => silent(fault.to_string()),
                }
            }
        }
    }

    /// `handleHandshakeRequest`
    fn handshake(
        &mut self,
        row: &Row,
        header: &RequestHeader<'_>,
        request: &SaslHandshakeRequest,
    ) -> Reaction {
        let id = (header.version, header.correlation_id);
        let mechanisms: Vec<Str> =
            self.offer.mechanisms.iter().map(|mechanism| mechanism.name().into()).collect();
        let wanted =
            Mechanism::of(&request.mechanism).filter(|wanted| self.offer.mechanisms.contains(wanted));
        let Some(mechanism) = wanted else {
            let answer = SaslHandshakeResponse {
                error_code: UNSUPPORTED_SASL_MECHANISM,
                mechanisms,
                ..Default::default()
            };
            let enabled = self.offer.mechanisms.iter().map(|mechanism| mechanism.name());
            let enabled = enabled.collect::<Vec<_>>().join(", ");
            let why = format!(
                "the client wants to log in by {:.40}, and enabled are {enabled}",
                &*request.mechanism
            );
            // Kafka does not send the answer where somebody logs in again.
            let answer = self.before.is_none().then(|| encoded(row, id, &answer)).flatten();
            return refused(answer, why, None);
        };
        self.state = match &self.before {
            Some(before) if before.mechanism != mechanism => State::BadMechanism(format!(
                "the client authenticates again by {mechanism}, and did by {} before",
                before.mechanism
            )),
            _ => State::Authenticate(Dialogue {
                mechanism,
                framed: (header.version >= 1).then(Framed::default),
                exchange: match mechanism.hash() {
                    Some(hash) => MechanismState::Scram(Exchange::new(hash)),
                    None if mechanism == Mechanism::Plain => MechanismState::Plain,
                    None => MechanismState::Bearer(None),
                },
            }),
        };
        self.reply(row, id, &SaslHandshakeResponse { mechanisms, ..Default::default() })
    }

    /// `handleSaslToken`
    fn token(&mut self, mut dialogue: Dialogue, frame: &Bytes, around: &Surroundings<'_>) -> Reaction {
        let token = match &mut dialogue.framed {
            None => frame.clone(),
            Some(framed) => match unwrap(frame, framed) {
                Ok(token) => token,
                Err(reaction) => return reaction,
            },
        };
        let mechanism = dialogue.mechanism;
        match dialogue.exchange {
            MechanismState::Plain => match PlainLogin::read(&token) {
                Ok(PlainLogin { authorization, user, password }) => {
                    dialogue.exchange = MechanismState::Verifying(authorization, Some(user.clone()));
                    self.state = State::Authenticate(dialogue);
                    Reaction::Verify(Credentials::Password(user, password))
                }
                Err(rejection) => self.reject(&dialogue, rejection),
            },
            MechanismState::Scram(mut exchange) => {
                let Some(hash) = mechanism.hash() else { return silent("a mechanism is none".to_owned()) };
                let progress = exchange.step(&token, |user| around.users.candidate(user, hash), around.nonce);
                dialogue.exchange = MechanismState::Scram(exchange);
                match progress {
                    Ok(Progress::Challenge(challenge)) => self.challenge(dialogue, &challenge),
                    Ok(Progress::Done(user, last)) => self.done(&dialogue, user, &last, None, around.now_ms),
                    Err(rejection) => self.reject(&dialogue, rejection),
                }
            }
            MechanismState::Bearer(Some(why)) if bearer::is_acknowledgement(&token) => {
                dialogue.exchange = MechanismState::Bearer(None);
                self.reject_for(&dialogue, Rejection::Told(bearer::INVALID_TOKEN.to_owned()), why)
            }
            MechanismState::Bearer(_) => match BearerResponse::read(&token) {
                Ok(BearerResponse { authorization, token }) => {
                    dialogue.exchange = MechanismState::Verifying(authorization, None);
                    self.state = State::Authenticate(dialogue);
                    Reaction::Verify(Credentials::Token(token))
                }
                Err(rejection) => self.reject(&dialogue, rejection),
            },
            MechanismState::Verifying(..) => silent("a token came out of turn".to_owned()),
        }
    }

    /// What has come of verifying the client's credentials.
    pub fn verified(&mut self, verified: Verified, now_ms: i64) -> Reaction {
        let State::Authenticate(mut dialogue) = std::mem::replace(&mut self.state, State::Over) else {
            return silent("nobody has asked".to_owned());
        };
        let MechanismState::Verifying(authorization, user) =
            std::mem::replace(&mut dialogue.exchange, MechanismState::Bearer(None))
        else {
            return silent("nobody has asked".to_owned());
        };
        match (user, verified) {
            (Some(user), Verified::Password) => match PlainLogin::judge(&authorization, user, true) {
                Ok(user) => self.done(&dialogue, user, &[], None, now_ms),
                Err(rejection) => self.reject(&dialogue, rejection),
            },
            (None, Verified::Token(principal, expires_ms)) => {
                match BearerResponse::judge(&authorization, principal) {
                    Ok(user) => self.done(&dialogue, user, &[], Some(expires_ms), now_ms),
                    Err(rejection) => self.reject(&dialogue, rejection),
                }
            }
            (Some(user), Verified::Wrong(why)) => {
                let told = PlainLogin::judge(&authorization, user, false).err();
                self.reject_for(&dialogue, told.unwrap_or(Rejection::Untold(why.clone())), why)
            }
            (Some(_), Verified::Unknown(why)) => {
                // `PlainSaslServer` where its callback throws.
                let told = "Authentication failed: credentials for user could not be verified".to_owned();
                self.reject_for(&dialogue, Rejection::Told(told), why)
            }
            // The client is to take note of it before the login has failed. Why, it is not told.
            (None, Verified::Wrong(why) | Verified::Unknown(why)) => {
                dialogue.exchange = MechanismState::Bearer(Some(why));
                self.challenge(dialogue, bearer::INVALID_TOKEN.as_bytes())
            }
            (Some(_), Verified::Token(..)) | (None, Verified::Password) => {
                silent("something else was asked".to_owned())
            }
        }
    }

    fn challenge(&mut self, dialogue: Dialogue, challenge: &[u8]) -> Reaction {
        let answer = dialogue.answer(&accepted(challenge, 0));
        self.state = State::Authenticate(dialogue);
        Reaction::Answer(answer)
    }

    fn done(
        &mut self,
        dialogue: &Dialogue,
        user: String,
        last: &[u8],
        expires_ms: Option<i64>,
        now_ms: i64,
    ) -> Reaction {
        if let Some(before) = self.before.as_ref().filter(|before| before.user != user) {
            // `ReauthInfo.ensurePrincipalUnchanged`
            let told = format!(
                "Cannot change principals during re-authentication from User.{}: User.{user}",
                before.user
            );
            return self.reject(dialogue, Rejection::Told(told));
        }
        // `ReauthInfo.calcCompletionTimesAndReturnSessionLifetimeMs`
        let left = expires_ms.map(|expires| expires.saturating_sub(now_ms));
        let lifetime_ms = match (left, self.offer.max_reauth_ms) {
            (Some(left), Some(most)) => Some(left.min(most).max(0)),
            (left, most) => left.or(most).map(|lifetime| lifetime.max(0)),
        };
        let answer = dialogue.answer(&accepted(last, lifetime_ms.unwrap_or(0)));
        // A last token that says nothing is not sent where tokens are sent as they are, unless the mechanism has one.
        Reaction::Authenticated(Authenticated { answer, user, mechanism: dialogue.mechanism, lifetime_ms })
    }

    fn reject(&self, dialogue: &Dialogue, rejection: Rejection) -> Reaction {
        let why = rejection.why().to_owned();
        self.reject_for(dialogue, rejection, why)
    }

    fn reject_for(&self, dialogue: &Dialogue, rejection: Rejection, why: String) -> Reaction {
        let mechanism = dialogue.mechanism;
        let told = match rejection {
            Rejection::Told(told) => told,
            Rejection::Untold(_) => {
                let what = if self.before.is_some() { "re-authentication" } else { "authentication" };
                format!(
                    "Authentication failed during {what} due to invalid credentials with SASL mechanism {mechanism}"
                )
            }
            Rejection::Silent(_) => return refused(None, why, Some(mechanism)),
        };
        let failed = SaslAuthenticateResponse {
            error_code: SASL_AUTHENTICATION_FAILED,
            error_message: Some(told.into()),
            ..Default::default()
        };
        // Without SaslAuthenticate there is no way to say so.
        let answer = dialogue.framed.and_then(|_| dialogue.answer(&failed));
        refused(answer, why, Some(mechanism))
    }

    fn reply(&self, row: &Row, id: (i16, i32), answer: &impl Message) -> Reaction {
        match encoded(row, id, answer) {
            Some(frame) => Reaction::Answer(Some(frame)),
            None => silent(format!("the answer to {} cannot be written", row.name)),
        }
    }
}

fn silent(why: String) -> Reaction {
    Reaction::Refused(Refused { answer: None, why, mechanism: None })
}

fn refused(answer: Option<Vec<u8>>, why: String, mechanism: Option<Mechanism>) -> Reaction {
    Reaction::Refused(Refused { answer, why, mechanism })
}

#[cfg(test)]
mod tests;
