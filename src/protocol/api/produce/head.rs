//! The head of a large Produce request: what comes before its records.

use super::passing::Passing;
use super::{NO_ANSWER, TOPIC_IDS, TRANSACTIONAL_ID, looking};
use crate::model::acl::{Operation, ResourceType};
use crate::protocol::access::Access;
use crate::protocol::api::{Answer, Passage, answer};
use crate::protocol::header::varint;
use crate::protocol::messages::ProduceRequest;
use crate::protocol::wire::{Message, Str, Uuid};

/// Decides a large Produce request before its records have come: it names one topic that the client may write to, and
/// no transaction that it may not. Whether records belong to a transaction that it does not name is seen while they pass.
pub(in crate::protocol::api) fn judge_head(
    body: &[u8],
    length: usize,
    access: &mut Access<'_>,
) -> Option<Passage> {
    let head = ProduceHead::read(body, access.version)?;
    let name = match head.topic {
        TopicName::Name(name) => Str::from(name),
        TopicName::Id(id) => access.topic_name(&id)?,
    };
    // Decided without a word: if this does not settle it, the whole request will be decided, and heard.
    let mut allows = |operation, resource_type, name: &str| {
        access.unobserved(|access| access.allows(operation, resource_type, name))
    };
    let id = head.transactional_id;
    if !id.is_none_or(|id| allows(Operation::Write, ResourceType::TransactionalId, id))
        || !allows(Operation::Write, ResourceType::Topic, &name)
    {
        return None;
    }
    let is_flexible = access.version >= ProduceRequest::FLEXIBLE;
    let left = length.checked_sub(head.end)?;
    let mut passing = Passing::new(is_flexible, looking(id.is_some(), access.version), left);
    // What cannot pass is answered when it is whole. Clients send one partition, or the first tells of all.
    passing.take(body.get(head.end..)?).ok()?;
    if !passing.has_judged_a_batch() {
        return None;
    }
    access.allows(Operation::Write, ResourceType::Topic, &name);
    let answer = match head.acks {
        NO_ANSWER => Answer::None { close: false },
        _ => answer::<ProduceRequest>(None, access),
    };
    Some(Passage { answer, watch: Box::new(passing) })
}

struct ProduceHead<'a> {
    transactional_id: Option<&'a str>,
    acks: i16,
    topic: TopicName<'a>,
    /// Where the topic's partitions begin.
    end: usize,
}

enum TopicName<'a> {
    Name(&'a str),
    Id(Uuid),
}

impl<'a> ProduceHead<'a> {
    /// The head of a request with exactly one topic; `None` for any other, and for one that has not come far enough.
    fn read(body: &'a [u8], version: i16) -> Option<Self> {
        let flexible = version >= ProduceRequest::FLEXIBLE;
        let mut at = 0;
        let transactional_id = match version {
            TRANSACTIONAL_ID.. => string(body, &mut at, flexible)?,
            _ => None,
        };
        let acks = i16::from_be_bytes(array(body, &mut at)?);
        let _timeout_ms: [u8; 4] = array(body, &mut at)?;
        let topics = match flexible {
            true => varint(body, &mut at)?.checked_sub(1)?,
            false => u32::from_be_bytes(array(body, &mut at)?),
        };
        if topics != 1 {
            return None;
        }
        let topic = match version {
            TOPIC_IDS.. => TopicName::Id(Uuid(array(body, &mut at)?)),
            _ => TopicName::Name(string(body, &mut at, flexible)??),
        };
        Some(Self { transactional_id, acks, topic, end: at })
    }
}

fn array<const N: usize>(body: &[u8], at: &mut usize) -> Option<[u8; N]> {
    let found = *body.get(*at..)?.first_chunk()?;
    *at += N;
    Some(found)
}

/// A nullable string; the outer `None` is a string that cannot be read.
fn string<'a>(body: &'a [u8], at: &mut usize, flexible: bool) -> Option<Option<&'a str>> {
    let length = match flexible {
        true => (varint(body, at)? as usize).checked_sub(1),
        false => match i16::from_be_bytes(array(body, at)?) {
            -1 => None,
            length => Some(usize::try_from(length).ok()?),
        },
    };
    let Some(length) = length else { return Some(None) };
    let text = body.get(*at..at.checked_add(length)?)?;
    *at += length;
    std::str::from_utf8(text).ok().map(Some)
}
