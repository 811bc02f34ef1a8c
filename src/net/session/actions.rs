//! What becomes of a request once it is ruled on: what the broker gets, and which response is pending.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use super::frames::{answer_frame, holding};
use super::group_members::watched;
use super::memory::{Reservation, deciding, kept_of};
use super::pending::{PendingResponse, ResponseKind, UnderWay};
use super::revocation::remedy;
use super::work::{AfterWork, Waiting, Work};
use super::{Close, MemoryPermit, Observed, ReceivedRequest, RequestId, SMALL, Session};
use crate::net::budget::keep;
use crate::net::frame::{CLIENT_ID, frame};
use crate::observability::metrics::{CloseReason, RequestResult};
use crate::protocol::api::{AclChange, Action, Answer, PatternMatch, Row, UserChange};
use crate::protocol::header::{self, RequestHeader};
use crate::protocol::messages::{ApiVersionsRequest, SaslAuthenticateRequest, SaslHandshakeRequest};
use crate::protocol::wire::{Fault, Message};

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
            Action::Ask(_) | Action::Change(_) | Action::ChangeUsers(_) | Action::Match(_) => None,
            Action::Forward(_) | Action::Replace(..) => Some(RequestResult::Forwarded),
            Action::Reply(_) | Action::Close(_) if observed.denied => Some(RequestResult::Denied),
            Action::Reply(_) | Action::Close(_) => Some(RequestResult::AnsweredLocally),
        };
        if let Some(result) = result {
            self.access.context.process.metrics.request(request.id.row.key, result);
        }
        match action {
            Action::Forward(answer) => {
                let kept = self.keep_of(&mut request, &answer, observed, observed.denied)?;
                to_broker.push_back(request.frame.clone());
                self.add_pending(request.id, answer, kept, now);
            }
            Action::Replace(body, answer) => {
                // What was taken out may be unknown only, which is no denial.
                let kept = self.keep_of(&mut request, &answer, observed, true)?;
                let head = &request.frame[4..request.body];
                to_broker.push_back(holding(frame(&[head, &body])?, request.memory.as_ref()));
                self.add_pending(request.id, answer, kept, now);
            }
            Action::Reply(body) => {
                self.wants_sasl |= SASL.contains(&request.id.row.key) && self.login.is_none();
                self.add_pending_reply(request.id, request.deciding.take(), &body, now)?;
            }
            Action::Ask(ask) => {
                self.keep_deciding(&mut request)?;
                let mut head = Vec::with_capacity(32);
                header::write_request(
                    ask.key,
                    ask.version,
                    request.id.correlation_id,
                    CLIENT_ID,
                    ask.flexible,
                    &mut head,
                );
                to_broker.push_back(frame(&[&head, &ask.body])?);
                let row = Row::find(ask.key).ok_or_else(|| Close::internal("a question without a row"))?;
                let number = self.access.grounds.sent_own();
                self.pending.push(PendingResponse {
                    id: RequestId { row, version: ask.version, ..request.id },
                    since: now,
                    number,
                    kind: ResponseKind::Own(ask),
                    kept: Reservation::default(),
                    _under_way: Some(UnderWay::new(&self.access.context.process)),
                });
                self.waiting = Waiting::Answer(request);
            }
            Action::Change(AclChange { change, then }) => {
                self.keep_deciding(&mut request)?;
                let after = AfterWork::Change(change.clone(), then);
                self.waiting = Waiting::Work(request, Some(Work::Change(change)), after);
            }
            Action::ChangeUsers(UserChange { change, then }) => {
                self.keep_deciding(&mut request)?;
                let after = AfterWork::ChangeUsers(change.clone(), then);
                self.waiting = Waiting::Work(request, Some(Work::ChangeUsers(change)), after);
            }
            Action::Match(PatternMatch { matching, then }) => {
                self.keep_deciding(&mut request)?;
                let after = AfterWork::Match(then);
                self.waiting = Waiting::Work(request, Some(Work::Match(matching)), after);
            }
            Action::Close(reason) => return Err(Close::protocol(reason)),
        }
        Ok(())
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
            let bytes = deciding(Some(request.id.row.key), request.frame.len());
            request.deciding = self.keep(bytes, None)?.memory;
        }
        Ok(())
    }

    /// A request has gone to the broker: its response is pending, if there will be one.
    pub(super) fn add_pending(&mut self, id: RequestId, answer: Answer, kept: Reservation, now: Instant) {
        let number = self.access.grounds.sent(remedy(id.row));
        let answer = match self.access.take_claimed_member() {
            Some(claimed_member) => watched(answer, claimed_member, &self.access.context),
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
        let under_way = Some(UnderWay::new(&self.access.context.process));
        let kind = ResponseKind::Answer(answer);
        self.pending.push(PendingResponse { id, since: now, number, kind, kept, _under_way: under_way });
    }

    /// Tells the broker what the client said of its software before it was anybody. It has been answered: what the broker says
    /// to it goes nowhere. A frame without its length.
    ///
    /// # Errors
    /// When it cannot be written again, which is a fault of ours: it has been read.
    pub fn introduce(
        &mut self,
        introduction: &Bytes,
        to_broker: &mut VecDeque<Bytes>,
        now: Instant,
    ) -> Result<(), Close> {
        let fault = |fault: Fault| Close::internal(format!("the client's introduction: {fault}"));
        let header = RequestHeader::read(introduction).map_err(fault)?;
        let Some(row) = Row::find(header.key) else { return Err(Close::internal("a row is missing")) };
        if !self.is_served(row, header.version) {
            return Ok(());
        }
        let tags = header::tagged_fields(&introduction[header.end..]).map_err(fault)?;
        // What nobody has read is not passed on.
        let (request, _) =
            ApiVersionsRequest::decode_declared(&introduction.slice(header.end + tags..), header.version)
                .map_err(fault)?;
        let mut body = vec![0];
        request.encode(header.version, &mut body).map_err(fault)?;
        to_broker.push_back(frame(&[&introduction[..header.end], &body])?);
        let number = self.access.grounds.sent_own();
        let id = RequestId { row, version: header.version, correlation_id: header.correlation_id };
        let (kind, kept) = (ResponseKind::Unheard, Reservation::default());
        let under_way = Some(UnderWay::new(&self.access.context.process));
        self.pending.push(PendingResponse { id, since: now, number, kind, kept, _under_way: under_way });
        Ok(())
    }

    /// A response of ours is pending. `deciding` is the memory that deciding on the request took.
    pub(super) fn add_pending_reply(
        &mut self,
        id: RequestId,
        deciding: Option<MemoryPermit>,
        body: &[u8],
        now: Instant,
    ) -> Result<(), Close> {
        let kept = self.keep(body.len(), deciding.map(|memory| keep(memory, body.len())))?;
        let kind = ResponseKind::Reply(answer_frame(id, body));
        self.pending.push(PendingResponse { id, since: now, number: 0, kind, kept, _under_way: None });
        Ok(())
    }
}
