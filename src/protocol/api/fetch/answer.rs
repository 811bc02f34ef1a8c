//! What becomes of the broker's answer to a Fetch.

use super::super::{Answer, AnswerWatch, Api, RuleOutcome, encoded};
use super::{FetchedBy, SESSIONS, TOPIC_IDS, leave};
use crate::protocol::access::Access;
use crate::protocol::answer_end;
use crate::protocol::answer_walk::{FETCH, Walk};
use crate::protocol::error_code::{NONE, TOPIC_AUTHORIZATION_FAILED, UNKNOWN_TOPIC_ID};
use crate::protocol::fetch_answer::{FetchAnswerHead, HEAD, NODE_ENDPOINTS};
use crate::protocol::fetch_sessions::{Session, Topic, refused_partition};
use crate::protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use crate::protocol::messages::{FetchRequest, FetchResponse};
use crate::protocol::wire::{Bytes, Fault, Message};

/// Answers up to this many bytes are taken whole, so that addresses of new leaders in them can be rewritten. Longer ones,
/// full of records, pass; the addresses at their end are rewritten where the new ones are no longer than the old, and
/// erased where they are.
const WHOLE: usize = 64 * 1024;

/// What the answer means for the shadow of the session.
pub(super) enum SessionChange {
    Nothing,
    /// A session may have been made; the client's number for it, if it has one.
    Made(Box<Session>, Option<i32>),
    /// This session was used; an error ends it. Its numbers.
    Used {
        id: i32,
        at_broker: i32,
    },
}

impl SessionChange {
    fn settle(self, head: FetchAnswerHead, access: &mut Access<'_>) {
        let lives = head.error_code == NONE && head.session_id != 0;
        match self {
            Self::Made(mut session, id) if lives => {
                session.made(head.session_id);
                let lost = access.fetch_sessions.insert(id.unwrap_or(head.session_id), *session);
                leave(lost.as_ref(), access);
            }
            Self::Used { id, .. } if !lives => {
                let lost = access.fetch_sessions.remove(id);
                leave(lost.as_ref(), access);
            }
            Self::Nothing | Self::Made(..) | Self::Used { .. } => {}
        }
    }

    /// The client's number for the session, where it is not the broker's.
    fn renamed(&self) -> Option<i32> {
        match *self {
            Self::Made(_, id) => id,
            Self::Used { id, at_broker } => (id != at_broker).then_some(id),
            Self::Nothing => None,
        }
    }
}

/// Sends a request on, and has its answer watched.
pub(super) fn finish(
    request: &FetchRequest,
    edited: bool,
    refused: Vec<FetchableTopicResponse>,
    change: SessionChange,
    access: &mut Access<'_>,
) -> Result<RuleOutcome<FetchResponse>, Fault> {
    let version = access.version;
    let partitions = refused.iter().map(|topic| topic.partitions.len() * size_of::<PartitionData>());
    access.observer.keeps(refused.len() * size_of::<FetchableTopicResponse>() + partitions.sum::<usize>());
    let has_addresses = version >= NODE_ENDPOINTS && access.advertised.rewrites();
    let body = edited.then(|| encoded(request, version)).transpose()?;
    let watches = has_addresses || !matches!(change, SessionChange::Nothing);
    let renamed = change.renamed();
    let whole = match change {
        _ if !refused.is_empty() => usize::MAX,
        SessionChange::Made(..) if renamed.is_some() => usize::MAX,
        _ if has_addresses || renamed.is_some() => WHOLE,
        _ => 0,
    };
    let (head, walk) = ([0; HEAD], Walk::new(FETCH));
    let watch = Watch { change, renamed, refused, has_addresses, head, have: 0, walk, is_at_end: false };
    let answer = match watches || whole > 0 {
        true => Answer::Watched { whole, watch: Box::new(watch) },
        false => Answer::Untouched,
    };
    Ok(RuleOutcome::Raw(body, answer))
}

/// Looks at the broker's answer: whether the session lives, and whether there are addresses in it.
struct Watch {
    change: SessionChange,
    /// The client's number for the session, where it is not the broker's.
    renamed: Option<i32>,
    refused: Vec<FetchableTopicResponse>,
    has_addresses: bool,
    head: [u8; HEAD],
    have: usize,
    walk: Walk,
    /// Whether the walk has come to the answer's tagged fields.
    is_at_end: bool,
}

impl Watch {
    fn settle(&mut self, access: &mut Access<'_>) {
        if access.version >= SESSIONS && self.have == HEAD {
            std::mem::replace(&mut self.change, SessionChange::Nothing)
                .settle(FetchAnswerHead::read(&self.head), access);
        }
    }

    fn erase(&mut self, piece: &mut [u8]) -> Result<(), Fault> {
        if self.has_addresses { self.walk.erase(piece) } else { Ok(()) }
    }

    fn take_head(&mut self, piece: &[u8]) -> bool {
        let n = piece.len().min(HEAD - self.have);
        for (to, from) in self.head.iter_mut().skip(self.have).zip(piece) {
            *to = *from;
        }
        self.have += n;
        n > 0 && self.have == HEAD
    }
}

impl AnswerWatch for Watch {
    fn whole(mut self: Box<Self>, body: &[u8], access: &mut Access<'_>) -> Result<Option<Vec<u8>>, Fault> {
        self.take_head(body);
        self.settle(access);
        if self.refused.is_empty()
            && self.renamed.is_none()
            && !(self.has_addresses && Walk::search(FETCH, body)?)
        {
            return Ok(None);
        }
        let mut answer = FetchResponse::decode(&Bytes::copy_from_slice(body), access.version)?;
        if let Some(id) = self.renamed.filter(|_| answer.session_id != 0) {
            answer.session_id = id;
        }
        // A session that has ended has nothing more to say than that.
        if answer.error_code == NONE {
            answer.responses.append(&mut self.refused);
        }
        if let Some((_, readdress)) = FetchRequest::READDRESS.filter(|_| self.has_addresses) {
            readdress(&mut answer, access);
        }
        encoded(&answer, access.version).map(Some)
    }

    fn piece(
        &mut self,
        piece: &mut [u8],
        after: usize,
        access: &mut Access<'_>,
    ) -> Result<Option<usize>, Fault> {
        let read = self.have;
        if self.take_head(piece) {
            self.settle(access);
        }
        if let Some(id) = self.renamed {
            rename(piece, read, id);
        }
        if !self.has_addresses || self.is_at_end {
            return self.erase(piece).map(|()| None);
        }
        let Some(at) = self.walk.find_end(piece, |_| Ok(()))? else { return Ok(None) };
        self.is_at_end = true;
        let (_, here) = piece.split_at_mut(at);
        match here.len() + after {
            0..=WHOLE if after > 0 => return Ok(Some(at)),
            0..=WHOLE => self.end(here, access)?,
            _ => self.erase(here)?,
        }
        Ok(None)
    }

    fn end(&mut self, end: &mut [u8], access: &mut Access<'_>) -> Result<(), Fault> {
        let Some((_, readdress)) = FetchRequest::READDRESS else { return Ok(()) };
        let version = access.version;
        match answer_end::change(end, version, |answer| readdress(answer, access))? {
            true => Ok(()),
            // They do not fit. The client asks for metadata, as it did before there were addresses in answers.
            false => self.erase(end),
        }
    }
}

/// Judges the answer to a consumer's request once more: what the client may not read any more is refused as it would be if
/// it were asked for now.
pub(in crate::protocol::api) fn judge_again(
    body: &[u8],
    access: &mut Access<'_>,
) -> Result<Option<Vec<u8>>, Fault> {
    let mut answer = FetchResponse::decode(&Bytes::copy_from_slice(body), access.version)?;
    let is_refused = |partition: &PartitionData| {
        matches!(partition.error_code, TOPIC_AUTHORIZATION_FAILED | UNKNOWN_TOPIC_ID)
    };
    let mut is_other = false;
    for topic in &mut answer.responses {
        let key = Topic::new(&topic.topic, topic.topic_id, access.version >= TOPIC_IDS);
        let told = topic.partitions.iter().filter(|partition| !is_refused(partition)).count();
        if told == 0 {
            continue;
        }
        let Some(refusal) = FetchedBy::Consumer.judge(&key, told, access) else { continue };
        for partition in topic.partitions.iter_mut().filter(|partition| !is_refused(partition)) {
            *partition = refused_partition(partition.partition_index, refusal.error_code);
        }
        is_other = true;
    }
    is_other.then(|| encoded(&answer, access.version)).transpose()
}

/// Puts the client's number for the session into an answer that passes and of which so much has been read.
fn rename(piece: &mut [u8], read: usize, id: i32) {
    let number = id.to_be_bytes();
    for (byte, at) in piece.iter_mut().zip(read..HEAD) {
        if let Some(digit) = at.checked_sub(HEAD - number.len()).and_then(|at| number.get(at)) {
            *byte = *digit;
        }
    }
}
