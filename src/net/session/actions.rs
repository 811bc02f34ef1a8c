//! What becomes of a request once it is ruled on: what the broker gets, and what the client is owed.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use super::frames::{CLIENT_ID, answer_frame, frame, holding};
use super::group_members::watched;
use super::memory::{Reservation, deciding, kept_of};
use super::revocation::remedy;
use super::work::{AfterWork, Work};
use super::{Close, Observed, PendingResponse, ReceivedRequest, ResponseKind, SMALL, Session, UnderWay};
use crate::net::budget::keep;
use crate::observability::metrics::{CloseReason, RequestResult};
use crate::protocol::access::Access;
use crate::protocol::api::{AclChange, Action, Answer, PatternMatch, Row};
use crate::protocol::header::{self, RequestHeader};
use crate::protocol::messages::{SaslAuthenticateRequest, SaslHandshakeRequest};
use crate::protocol::wire::Message;

/// The APIs by which a client says who it is where no certificate does.
const SASL: [i16; 2] = [SaslHandshakeRequest::KEY, SaslAuthenticateRequest::KEY];

impl Session {
    /// Does with a request what was ruled.
    pub(super) fn apply(
        &mut self,
        action: Action,
        mut request: ReceivedRequest,
        observed: Observed,
        to_broker: &mut VecDeque<Bytes>,
        now: Instant,
    ) -> Result<(), Close> {
        let result = match &action {
            Action::Ask(_) | Action::Change(_) | Action::Match(_) => None,
            Action::Forward(_) | Action::Replace(..) => Some(RequestResult::Forwarded),
            Action::Reply(_) | Action::Close(_) if observed.denied => Some(RequestResult::Denied),
            Action::Reply(_) | Action::Close(_) => Some(RequestResult::AnsweredLocally),
        };
        if let Some(result) = result {
            self.context.process.metrics.request(request.row.key, result);
        }
        match action {
            Action::Forward(answer) => {
                let kept = self.keep_of(&mut request, &answer, observed, observed.denied)?;
                to_broker.push_back(request.frame.clone());
                self.owe(&request, answer, kept, now);
            }
            Action::Replace(body, answer) => {
                // What was taken out may be unknown only, which is no denial.
                let kept = self.keep_of(&mut request, &answer, observed, true)?;
                let head = &request.frame[4..request.body];
                to_broker.push_back(holding(frame(&[head, &body])?, request.memory.as_ref()));
                self.owe(&request, answer, kept, now);
            }
            Action::Reply(body) => {
                self.wants_sasl |= SASL.contains(&request.row.key);
                self.owe_reply(&mut request, &body, now)?;
            }
            Action::Ask(ask) => {
                self.keep_deciding(&mut request)?;
                let mut head = Vec::with_capacity(32);
                header::write_request(
                    ask.key,
                    ask.version,
                    request.correlation_id,
                    CLIENT_ID,
                    ask.flexible,
                    &mut head,
                );
                to_broker.push_back(frame(&[&head, &ask.body])?);
                let row = Row::find(ask.key).ok_or_else(|| Close::internal("a question without a row"))?;
                let number = self.grounds.sent_own();
                self.push_pending(PendingResponse {
                    row,
                    version: ask.version,
                    correlation_id: request.correlation_id,
                    since: now,
                    number,
                    kind: ResponseKind::Own(ask),
                    kept: Reservation::default(),
                    _under_way: Some(UnderWay::new(&self.context.process)),
                });
                self.held = Some(request);
            }
            Action::Change(AclChange { change, then }) => {
                self.keep_deciding(&mut request)?;
                self.after_work = Some(AfterWork::Change(change.clone(), then));
                self.work = Some(Work::Change(change));
                self.held = Some(request);
            }
            Action::Match(PatternMatch { matching, then }) => {
                self.keep_deciding(&mut request)?;
                self.after_work = Some(AfterWork::Match(then));
                self.work = Some(Work::Match(matching));
                self.held = Some(request);
            }
            Action::Close(reason) => return Err(Close::protocol(reason)),
        }
        Ok(())
    }

    /// With the view of the client on a request that has waited.
    pub(super) fn with_held<T>(
        &mut self,
        request: &ReceivedRequest,
        observed: &mut Observed,
        f: impl FnOnce(&mut Access<'_>) -> T,
    ) -> T {
        let frame = request.frame.clone();
        let client_id = RequestHeader::read(frame.get(4..).unwrap_or_default())
            .map(|header| header.client_id)
            .unwrap_or_default();
        self.deciding(request.version, client_id, request.correlation_id, (request.row, observed), f)
    }

    /// What stands for what is kept of a request until the broker has answered it.
    fn keep_of(
        &self,
        request: &mut ReceivedRequest,
        answer: &Answer,
        observed: Observed,
        is_refused: bool,
    ) -> Result<Reservation, Close> {
        let memory = request.deciding.take().filter(|_| is_refused && observed.keeps <= SMALL);
        self.keep(kept_of(request, answer, is_refused).saturating_add(observed.keeps), memory)
    }

    /// A request is kept as it was read while something else is waited for.
    fn keep_deciding(&self, request: &mut ReceivedRequest) -> Result<(), Close> {
        if request.deciding.is_none() {
            let bytes = deciding(Some(request.row.key), request.frame.len());
            request.deciding = self.keep(bytes, None)?.memory;
        }
        Ok(())
    }

    /// A request has gone to the broker: its answer is owed, if there will be one.
    pub(super) fn owe(&mut self, request: &ReceivedRequest, answer: Answer, kept: Reservation, now: Instant) {
        let number = self.grounds.sent(remedy(request.row));
        let answer = match self.claimed_member.take() {
            Some(claimed_member) => watched(answer, claimed_member, &self.context),
            None => answer,
        };
        if let Answer::None { close } = answer {
            if close {
                self.end(Close::new(
                    CloseReason::Denied,
                    "a part of a Produce request without acknowledgement was refused",
                ));
            }
            return;
        }
        self.pinned += kept.bytes;
        self.push_pending(PendingResponse {
            row: request.row,
            version: request.version,
            correlation_id: request.correlation_id,
            since: now,
            number,
            kind: ResponseKind::Answer(answer),
            kept,
            _under_way: Some(UnderWay::new(&self.context.process)),
        });
    }

    pub(super) fn owe_reply(
        &mut self,
        request: &mut ReceivedRequest,
        body: &[u8],
        now: Instant,
    ) -> Result<(), Close> {
        let memory = request.deciding.take().map(|memory| keep(memory, body.len()));
        let kept = self.keep(body.len(), memory)?;
        let reply = answer_frame(request.row, request.version, request.correlation_id, body);
        self.pending_bytes += reply.len();
        self.push_pending(PendingResponse {
            row: request.row,
            version: request.version,
            correlation_id: request.correlation_id,
            since: now,
            number: 0,
            kind: ResponseKind::Reply(reply),
            kept,
            _under_way: None,
        });
        Ok(())
    }
}
