//! What becomes of a request once it is ruled on: what the broker gets, and what the client is owed.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use super::frames::{CLIENT_ID, answer_frame, frame, holding};
use super::requests::COPIED;
use super::{Close, Owed, Request, Session, UnderWay, What, keep};
use crate::link::buffer::READ;
use crate::protocol::access::Access;
use crate::protocol::api::{AclChange, Answer, Row, Ruling};
use crate::protocol::header::{self, RequestHeader};
use crate::words::metrics::{CloseReason, RequestResult};

impl Session {
    /// Does with a request what was ruled.
    pub(super) fn rule(
        &mut self,
        ruling: Ruling,
        mut request: Request,
        denied: bool,
        up: &mut VecDeque<Bytes>,
        now: Instant,
    ) -> Result<(), Close> {
        let result = match &ruling {
            Ruling::Ask(_) | Ruling::Change(_) => None,
            Ruling::Forward(_) | Ruling::Replace(..) => Some(RequestResult::Forwarded),
            Ruling::Reply(_) | Ruling::Close(_) if denied => Some(RequestResult::Denied),
            Ruling::Reply(_) | Ruling::Close(_) => Some(RequestResult::AnsweredLocally),
        };
        if let Some(result) = result {
            self.gate.metrics.request(request.row.key, result);
        }
        match ruling {
            Ruling::Forward(answer) => {
                up.push_back(request.frame.clone());
                // The refusals wait for the broker's answer.
                let refusals = request.deciding.take().filter(|_| denied);
                self.owe(&request, answer, refusals, now);
            }
            Ruling::Replace(body, answer) => {
                let head = &request.frame[4..request.body];
                up.push_back(holding(frame(&[head, &body])?, request.memory.as_ref()));
                let refusals = request.deciding.take().filter(|_| denied);
                self.owe(&request, answer, refusals, now);
            }
            Ruling::Reply(body) => {
                let memory = request.deciding.take().map(|memory| keep(memory, body.len()));
                self.owe_reply(&request, &body, memory, now);
            }
            Ruling::Ask(ask) => {
                let mut head = Vec::with_capacity(32);
                header::write_request(
                    ask.key,
                    ask.version,
                    request.correlation_id,
                    CLIENT_ID,
                    ask.flexible,
                    &mut head,
                );
                up.push_back(frame(&[&head, &ask.body])?);
                let row = Row::find(ask.key).ok_or_else(|| Close::internal("a question without a row"))?;
                self.owed.push_back(Owed {
                    row,
                    version: ask.version,
                    correlation_id: request.correlation_id,
                    since: now,
                    pins: 0,
                    what: What::Own(ask),
                    memory: None,
                    _under_way: Some(UnderWay::new(&self.gate)),
                });
                self.held = Some(request);
            }
            Ruling::Change(AclChange { change, then }) => {
                (self.change, self.after_change) = (Some(change), Some(then));
                self.held = Some(request);
            }
            Ruling::Close(reason) => return Err(Close::protocol(reason)),
        }
        Ok(())
    }

    /// With the view of the client on a request that has waited.
    pub(super) fn with_held<T>(
        &mut self,
        request: &Request,
        denied: &mut bool,
        f: impl FnOnce(&mut Access<'_>) -> T,
    ) -> T {
        let frame = request.frame.clone();
        let client_id = RequestHeader::read(frame.get(4..).unwrap_or_default())
            .map(|header| header.client_id)
            .unwrap_or_default();
        self.with_access(request.version, client_id, request.correlation_id, Some((request.row, denied)), f)
    }

    pub(super) fn owe(
        &mut self,
        request: &Request,
        answer: Answer,
        memory: Option<OwnedSemaphorePermit>,
        now: Instant,
    ) {
        if let Answer::None { close } = answer {
            if close {
                self.end(Close::new(
                    CloseReason::Denied,
                    "a part of a Produce request without acknowledgement was refused",
                ));
            }
            return;
        }
        let pins = match answer {
            Answer::Untouched | Answer::None { .. } => 0,
            Answer::Rewritten(_) | Answer::Watched { .. } if request.frame.len() <= COPIED => {
                request.frame.len()
            }
            // All that was read with it is kept.
            Answer::Rewritten(_) | Answer::Watched { .. } => request.frame.len().max(READ),
        };
        self.pinned += pins;
        self.owed.push_back(Owed {
            row: request.row,
            version: request.version,
            correlation_id: request.correlation_id,
            since: now,
            pins,
            what: What::Answer(answer),
            memory,
            _under_way: Some(UnderWay::new(&self.gate)),
        });
    }

    pub(super) fn owe_reply(
        &mut self,
        request: &Request,
        body: &[u8],
        memory: Option<OwnedSemaphorePermit>,
        now: Instant,
    ) {
        let reply = answer_frame(request.row, request.version, request.correlation_id, body);
        self.owed_bytes += reply.len();
        self.owed.push_back(Owed {
            row: request.row,
            version: request.version,
            correlation_id: request.correlation_id,
            since: now,
            pins: 0,
            what: What::Reply(reply),
            memory,
            _under_way: None,
        });
    }
}
