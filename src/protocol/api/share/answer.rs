//! What becomes of the broker's answer to a ShareFetch.

use std::collections::HashSet;

use super::super::{Answer, AnswerWatch, Api, encoded};
use crate::protocol::access::Access;
use crate::protocol::answer_end;
use crate::protocol::answer_walk::{SHARE_FETCH, Walk};
use crate::protocol::error_code::{NONE, SHARE_SESSION_NOT_FOUND};
use crate::protocol::messages::share_fetch_response::ShareFetchableTopicResponse;
use crate::protocol::messages::{ShareFetchRequest, ShareFetchResponse};
use crate::protocol::share_sessions::Member;
use crate::protocol::wire::{Bytes, Fault, FaultKind, Message, Uuid};

/// Where in an answer its error stands, behind the throttle time.
const ERROR: std::ops::Range<usize> = 4..6;

/// Answers up to this many bytes are taken whole. Longer ones, full of records, pass if nothing has to be added.
const WHOLE: usize = 64 * 1024;

/// Makes of the broker's answer the client's. A topic that is not in the session shows that somebody else has begun a
/// session for the same member, which the broker then answers from.
pub(super) struct Look {
    member: Member,
    known: HashSet<Uuid>,
    refused: Vec<ShareFetchableTopicResponse>,
    walk: Walk,
    /// How much of an answer that passes has been read, as far as its error, and that.
    read: usize,
    error: [u8; 2],
    is_at_end: bool,
}

impl Look {
    pub(super) fn new(
        member: Member,
        known: HashSet<Uuid>,
        refused: Vec<ShareFetchableTopicResponse>,
    ) -> Self {
        Self {
            member,
            known,
            refused,
            walk: Walk::new(SHARE_FETCH),
            read: 0,
            error: [0; 2],
            is_at_end: false,
        }
    }

    pub(super) fn answer(self) -> Answer {
        let whole = if self.refused.is_empty() { WHOLE } else { usize::MAX };
        Answer::Watched { whole, watch: Box::new(self) }
    }

    /// The session has ended with an error.
    fn take_error(&mut self, piece: &[u8], access: &mut Access<'_>) {
        for byte in piece.iter().take(ERROR.end.saturating_sub(self.read)) {
            if let Some(place) = self.read.checked_sub(ERROR.start).and_then(|at| self.error.get_mut(at)) {
                *place = *byte;
            }
            self.read += 1;
            if self.read == ERROR.end && i16::from_be_bytes(self.error) != NONE {
                access.share_sessions.remove(&self.member);
            }
        }
    }
}

impl AnswerWatch for Look {
    fn whole(mut self: Box<Self>, body: &[u8], access: &mut Access<'_>) -> Result<Option<Vec<u8>>, Fault> {
        let version = access.version;
        let mut answer = ShareFetchResponse::decode(&Bytes::copy_from_slice(body), version)?;
        let is_strange = answer.responses.iter().any(|topic| !self.known.contains(&topic.topic_id));
        if is_strange {
            answer = ShareFetchResponse {
                throttle_time_ms: answer.throttle_time_ms,
                error_code: SHARE_SESSION_NOT_FOUND,
                ..Default::default()
            };
        }
        let mut changed = is_strange;
        if answer.error_code == NONE {
            changed |= !self.refused.is_empty();
            answer.responses.append(&mut self.refused);
        } else {
            access.share_sessions.remove(&self.member);
        }
        if let Some((_, readdress)) = ShareFetchRequest::READDRESS
            && access.advertised.rewrites()
        {
            changed |= !answer.node_endpoints.is_empty();
            readdress(&mut answer, access);
        }
        changed.then(|| encoded(&answer, version)).transpose()
    }

    /// Nothing of a topic that is not in the session passes: it is too late for another answer, and the connection closes.
    fn piece(
        &mut self,
        piece: &mut [u8],
        after: usize,
        access: &mut Access<'_>,
    ) -> Result<Option<usize>, Fault> {
        self.take_error(piece, access);
        if self.is_at_end {
            return Ok(None);
        }
        let known = &self.known;
        let end = self.walk.find_end(piece, |topic| match known.contains(&topic) {
            true => Ok(()),
            false => Err(Fault { field: "ShareFetchResponse.topic_id", kind: FaultKind::Foreign }),
        })?;
        let Some(at) = end.filter(|_| access.advertised.rewrites()) else {
            self.is_at_end = end.is_some();
            return Ok(None);
        };
        self.is_at_end = true;
        let (_, here) = piece.split_at_mut(at);
        match here.len() + after {
            0..=WHOLE if after > 0 => Ok(Some(at)),
            0..=WHOLE => self.end(here, access).map(|()| None),
            _ => Err(Fault { field: "ShareFetchResponse.node_endpoints", kind: FaultKind::Budget }),
        }
    }

    fn end(&mut self, end: &mut [u8], access: &mut Access<'_>) -> Result<(), Fault> {
        let Some((_, readdress)) = ShareFetchRequest::READDRESS else { return Ok(()) };
        let version = access.version;
        if !answer_end::change::<ShareFetchResponse>(end, version, |answer| readdress(answer, access))? {
            // They do not fit, and the client asks for metadata.
            answer_end::change::<ShareFetchResponse>(end, version, |answer| answer.node_endpoints.clear())?;
        }
        Ok(())
    }
}
