//! Members of groups that take part from this connection: believed when the broker has answered without an error.

use std::cell::RefCell;
use std::sync::Arc;

use crate::net::context::ListenerContext;
use crate::net::members::{LONGEST, Members};
use crate::protocol::access::{Access, Members as Seen};
use crate::protocol::api::{Answer, AnswerWatch, Membership, Row};
use crate::protocol::wire::Fault;

/// The longest answer that is looked at: those of leaders of large groups are longer, and a heartbeat follows.
const WHOLE: usize = 64 * 1024;

/// The member in whose name a request comes.
pub(super) struct ClaimedMember {
    group: Box<str>,
    member: Box<str>,
    membership: Membership,
}

/// What is known of members, while a request is decided that may be one's.
pub(super) struct MemberObserver<'a> {
    members: &'a Members,
    membership: Option<Membership>,
    seen: RefCell<Option<Box<ClaimedMember>>>,
}

impl<'a> MemberObserver<'a> {
    /// For a request of this row; without one nothing is decided.
    pub(super) fn new(members: &'a Members, row: Option<&'static Row>) -> Self {
        Self { members, membership: row.and_then(|row| row.membership), seen: RefCell::new(None) }
    }

    /// Who was seen.
    pub(super) fn into_seen(self) -> Option<Box<ClaimedMember>> {
        self.seen.into_inner()
    }
}

impl Seen for MemberObserver<'_> {
    fn saw(&self, group: &str, member: &str, host: &Arc<str>) {
        let Some(membership) = self.membership else { return };
        if group.len() + member.len() > LONGEST {
            return;
        }
        let known = self.members.host(group, member);
        if known.is_some_and(|known| !membership.moves || known == *host) {
            return;
        }
        let claimed_member = ClaimedMember { group: group.into(), member: member.into(), membership };
        *self.seen.borrow_mut() = Some(Box::new(claimed_member));
    }

    fn host(&self, group: &str, member: &str) -> Option<Arc<str>> {
        self.members.host(group, member)
    }
}

impl ClaimedMember {
    /// Records the membership, if the answer confirms it. One that cannot be read says nothing.
    fn settle(&self, body: &[u8], members: &Members, access: &Access<'_>) {
        let Ok(Some(named)) = (self.membership.accepted)(body, access.version) else { return };
        let member = if named.is_empty() { &*self.member } else { &*named };
        if self.membership.moves || members.host(&self.group, member).is_none() {
            members.saw(&self.group, member, access.host);
        }
    }
}

/// An answer that says whether the sender is a member, with that looked at.
pub(super) fn watched(
    answer: Answer,
    claimed_member: Box<ClaimedMember>,
    context: &Arc<ListenerContext>,
) -> Answer {
    let look = Look { claimed_member, context: context.clone() };
    match answer {
        Answer::Untouched => Answer::Watched { whole: WHOLE, watch: Box::new(look) },
        Answer::Rewritten(rewrite) => Answer::Rewritten(Box::new(move |body, access| {
            look.claimed_member.settle(body, &look.context.upstream.cluster.load().members, access);
            rewrite(body, access)
        })),
        other @ (Answer::None { .. } | Answer::Watched { .. }) => other,
    }
}

/// Looks at an answer that passes as it is.
struct Look {
    claimed_member: Box<ClaimedMember>,
    context: Arc<ListenerContext>,
}

impl AnswerWatch for Look {
    fn whole(self: Box<Self>, body: &[u8], access: &mut Access<'_>) -> Result<Option<Vec<u8>>, Fault> {
        self.claimed_member.settle(body, &self.context.upstream.cluster.load().members, access);
        Ok(None)
    }

    fn piece(&mut self, _: &mut [u8], _: usize, _: &mut Access<'_>) -> Result<Option<usize>, Fault> {
        Ok(None)
    }

    fn end(&mut self, _: &mut [u8], _: &mut Access<'_>) -> Result<(), Fault> {
        Ok(())
    }
}
