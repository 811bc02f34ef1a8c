//! What descriptions of groups with topics in them have in common: a group is described to those who may describe it, and
//! withheld as a whole if it uses a topic that they may not describe.

use std::collections::HashSet;

use super::{RuleOutcome, take_denied};
use crate::model::acl::{Operation, ResourceType};
use crate::protocol::access::{Access, NOT_ASKED_FOR};
use crate::protocol::error_code::*;
use crate::protocol::wire::Str;

/// A group in an answer.
pub(super) trait Described: Send + 'static {
    /// The text with which it is withheld.
    const USES_HIDDEN_TOPICS: &'static str;

    /// A group of which nothing but an error is told.
    fn failed(group_id: Str, error_code: i16, error_message: Option<Str>) -> Self;
    fn group_id(&self) -> &Str;
    fn error_code(&self) -> i16;
    fn authorized_operations(&mut self) -> &mut i32;
    /// Its members: their ids and hosts.
    fn members(&mut self) -> (&Str, impl Iterator<Item = (&Str, &mut Str)>);
    /// The topics that it uses.
    fn topics(&self) -> impl Iterator<Item = &Str>;
    /// Shows what clients said in the place of what the broker was told, or was not told.
    /// `room` is how many bytes may still be made of what is remembered, in the whole answer.
    fn restore(&mut self, _access: &Access<'_>, _room: &mut usize) {}
}

/// How much of what is remembered of groups one answer may show, in bytes.
const MOST_RESTORED: usize = 256 * 1024;

/// Takes the groups out of a request that the client may not describe, and makes of the broker's answer the client's.
pub(super) fn describe<R: Default + 'static, G: Described>(
    group_ids: &mut Vec<Str>,
    wants_operations: bool,
    access: &mut Access<'_>,
    place: fn(&mut R) -> &mut Vec<G>,
) -> RuleOutcome<R> {
    let denied = take_denied(group_ids, Operation::Describe, ResourceType::Group, access, |group| group);
    let refuse = |group_id| G::failed(group_id, GROUP_AUTHORIZATION_FAILED, None);
    let refused: Vec<_> = denied.into_iter().map(refuse).collect();
    if group_ids.is_empty() && !refused.is_empty() {
        let mut answer = R::default();
        *place(&mut answer) = refused;
        return RuleOutcome::Answer(answer);
    }
    let is_trimmed = !refused.is_empty();
    let amend = Box::new(move |answer: &mut R, access: &mut Access<'_>| {
        let groups = place(answer);
        // A group may be named any number of times.
        let mut room = MOST_RESTORED;
        groups.iter_mut().for_each(|group| group.restore(access, &mut room));
        for group in groups.iter_mut().filter(|group| group.error_code() == NONE) {
            let name = group.group_id().clone();
            let operations = group.authorized_operations();
            *operations = match wants_operations {
                true => access.authorized_operations(*operations, ResourceType::Group, &name),
                false => NOT_ASKED_FOR,
            };
        }
        for group in groups.iter_mut() {
            let (group_id, members) = group.members();
            members.for_each(|(member_id, host)| access.rehost(group_id, member_id, host));
        }
        withhold(groups, access);
        groups.splice(0..0, refused);
    });
    if is_trimmed { RuleOutcome::Trim(amend) } else { RuleOutcome::Amend(amend) }
}

/// The same error for each of the groups.
pub(super) fn all_failed<G: Described>(group_ids: &[Str], error_code: i16) -> Vec<G> {
    group_ids.iter().map(|group_id| G::failed(group_id.clone(), error_code, None)).collect()
}

fn withhold<G: Described>(groups: &mut [G], access: &mut Access<'_>) {
    let names: HashSet<Str> = groups.iter().flat_map(Described::topics).cloned().collect();
    let hidden: HashSet<Str> = names
        .into_iter()
        .filter(|name| !access.allows(Operation::Describe, ResourceType::Topic, name))
        .collect();
    for group in groups {
        if group.topics().any(|topic| hidden.contains(topic)) {
            let text = Some(Str::from(G::USES_HIDDEN_TOPICS));
            *group = G::failed(group.group_id().clone(), TOPIC_AUTHORIZATION_FAILED, text);
        }
    }
}
