//! Who a client is by SASL.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf as _, Bytes, BytesMut};

use super::{Authentication, Close, Found, Identity, Refusal, Step};
use crate::model::advertise::Destination;
use crate::net::client::Login;
use crate::net::context::ListenerContext;
use crate::net::sasl::{SaslContext, nonce, unix_ms};
use crate::net::tls::not_kafka;
use crate::net::upstream;
use crate::observability::metrics::CloseReason;
use crate::protocol::access::Broker;
use crate::protocol::header::RequestHeader;
use crate::protocol::messages::{ApiVersionsRequest, ApiVersionsResponse, SaslHandshakeRequest};
use crate::protocol::sasl::{Authenticated, LONGEST_FRAME, Reaction, SaslServer, Surroundings};
use crate::protocol::wire::Message;

/// The client logs in, or is who its certificate says where that is enough.
pub struct SaslAuthentication {
    context: Arc<ListenerContext>,
    sasl: Arc<SaslContext>,
    /// Where the client connects from, and which broker it means.
    from: (IpAddr, Destination),
    /// Who the client is if it does not log in.
    otherwise: Option<Identity>,
    server: SaslServer,
    /// Which version of ApiVersions is being asked for.
    asked: i16,
    is_begun: bool,
    /// Which users there were before the client said anything. Whoever it is compared with may be removed before its login is
    /// whole, which is noticed by this being an older generation.
    generation: u64,
}

impl SaslAuthentication {
    /// Of a client that connects from there and means this broker. `otherwise` is who it is by its certificate, if it need not
    /// log in.
    pub fn new(
        context: &Arc<ListenerContext>,
        sasl: &Arc<SaslContext>,
        from: (IpAddr, Destination),
        otherwise: Option<Identity>,
    ) -> Self {
        let server = SaslServer::new(sasl.offer.clone());
        Self {
            context: context.clone(),
            sasl: sasl.clone(),
            from,
            otherwise,
            server,
            asked: 0,
            is_begun: false,
            generation: sasl.credentials.generation(),
        }
    }

    /// Whether the client does not log in: what it says next is for its session. `None`: that does not show yet.
    fn goes_on_without(&self, plain: &BytesMut) -> Option<bool> {
        if self.otherwise.is_none() || self.is_begun {
            return Some(false);
        }
        let key = i16::from_be_bytes(*plain.get(4..)?.first_chunk()?);
        let has_asked = self.server.has_asked_versions();
        Some(key != SaslHandshakeRequest::KEY && (key != ApiVersionsRequest::KEY || has_asked))
    }

    fn react(&mut self, reaction: Reaction) -> Step {
        match reaction {
            Reaction::Answer(Some(answer)) => Step::Send(answer),
            Reaction::Answer(None) => Step::NeedMore,
            Reaction::AskVersions(version) => {
                self.asked = version;
                let (context, destination) = (self.context.clone(), self.from.1);
                Step::Wait(Box::pin(async move {
                    Found::Versions(upstream::versions(&context.upstream, destination, version).await)
                }))
            }
            Reaction::Verify(credentials) => {
                let verifying = self.sasl.credentials.verify(credentials);
                Step::Wait(Box::pin(async move { Found::Verified(verifying.await) }))
            }
            Reaction::Authenticated(Authenticated { answer, user, mechanism, lifetime_ms }) => {
                self.context.process.metrics.authentication(mechanism.into(), true);
                let generation = self.generation;
                let login = Login::new(user, mechanism, lifetime_ms, Instant::now(), generation);
                let identity = Identity {
                    principal: login.principal(),
                    login: Some(login),
                    introduction: self.server.introduction().cloned(),
                };
                Step::SendLast(answer.unwrap_or_default(), identity)
            }
            Reaction::Refused(refused) => {
                if let Some(mechanism) = refused.mechanism {
                    self.context.process.metrics.authentication(mechanism.into(), false);
                }
                let by = refused.mechanism.map(|mechanism| format!(" by {mechanism}")).unwrap_or_default();
                let close = Close::new(
                    CloseReason::AuthenticationFailed,
                    format!("the client has not logged in{by}: {}", refused.why),
                );
                let delay = match refused.answer.is_some() || refused.mechanism.is_some() {
                    true => self.sasl.failures.failed(self.from.0, Instant::now()),
                    false => Duration::ZERO,
                };
                Step::Refused(Refusal { close, answer: refused.answer, delay })
            }
        }
    }
}

impl Authentication for SaslAuthentication {
    fn step(&mut self, plain: &mut BytesMut) -> Step {
        match self.goes_on_without(plain) {
            None => return Step::NeedMore,
            Some(true) => {
                let mut identity = self.otherwise.take().unwrap_or_default();
                identity.introduction = self.server.introduction().cloned();
                return Step::Authenticated(identity);
            }
            Some(false) => {}
        }
        let Some(length) = plain.first_chunk::<4>().map(|length| i32::from_be_bytes(*length)) else {
            return Step::NeedMore;
        };
        let least = if self.server.is_begun() { 0 } else { RequestHeader::SHORTEST };
        let length = match usize::try_from(length) {
            Ok(length) if (least..=LONGEST_FRAME).contains(&length) => length,
            _ => {
                let why = match not_kafka(plain) {
                    Some(why) => why.to_owned(),
                    None => format!("a request of {length} bytes came before the client was anybody"),
                };
                return Step::Refused(Close::protocol(why).into());
            }
        };
        if plain.len() < 4 + length {
            return Step::NeedMore;
        }
        plain.advance(4);
        let frame: Bytes = plain.split_to(length).freeze();
        self.is_begun |= frame.starts_with(&SaslHandshakeRequest::KEY.to_be_bytes());
        let users = self.sasl.credentials.users();
        let reaction = self.server.step(&frame, &Surroundings { users: &users, now_ms: unix_ms(), nonce });
        self.react(reaction)
    }

    fn found(&mut self, found: Found) -> Step {
        let reaction = match found {
            Found::Versions(Ok((broker, answer))) => self.versions(&broker, answer),
            Found::Versions(Err(close)) => return Step::Refused(close.into()),
            Found::Verified(verified) => self.server.verified(verified, unix_ms()),
        };
        self.react(reaction)
    }

    fn is_hasty(&self) -> bool {
        self.otherwise.is_none() || self.is_begun
    }

    fn abandoned(&self) -> Close {
        match self.is_begun {
            true => {
                Close::new(CloseReason::AuthenticationFailed, "the client left in the middle of its login")
            }
            false => Close::new(CloseReason::ClientClosed, "the client left without a login"),
        }
    }
}

impl SaslAuthentication {
    fn versions(&mut self, broker: &Broker, answer: Option<ApiVersionsResponse>) -> Reaction {
        self.server.versions(broker, self.asked, answer)
    }
}
