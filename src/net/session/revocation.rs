//! The ACLs have changed: what is under way is judged again.
//!
//! A request is decided when it is read, and then it may wait: here for the answer to a question of ours, or at the broker
//! for its turn, since Kafka carries out one request of a connection after the other. Kafka judges when it carries out. So a
//! request that would be refused by now must not be carried out, and an answer that would be another must not be delivered.

use super::access::AccessState;
use super::pending::ResponseKind;
use super::{Close, Observed, ReceivedRequest, RequestId, Row, Session};
use crate::model::acl::{ClientView, Operation, ResourceType};
use crate::observability::metrics::CloseReason;
use crate::protocol::access::{Ground, Last, Remedy, TopicNames};
use crate::protocol::api::{Action, Answer, JudgeAgain, Rule};
use crate::protocol::fetch_sessions::Topic;
use crate::protocol::messages::ProduceRequest;
use crate::protocol::wire::Message;

/// What can be done when a request of this API that is under way would be refused.
pub(super) fn remedy(row: &Row) -> Remedy {
    match row.again {
        Some(_) => Remedy::JudgeAnswer,
        None => Remedy::Nothing,
    }
}

impl Session {
    /// Judges all that is under way again if the ACLs have changed. Called before anything else is looked at.
    ///
    /// # Errors
    /// When something under way would be refused by now that only the end of the connection to the broker stops: its other
    /// end must not go on with what it has been sent.
    pub fn renew(&mut self) -> Result<(), Close> {
        self.look_after_user()?;
        if !self.is_outdated() {
            return Ok(());
        }
        let before = self.access.renew();
        let (lost, first) = self.access.lost(&before);
        if lost.others > 0 {
            return Err(Close::new(CloseReason::RightsRevoked, self.report(first)));
        }
        if lost.judged_again > 0 {
            self.judge_answers_again(lost.judged_again);
        }
        Ok(())
    }

    /// Whether the ACLs have changed since what is under way was judged.
    pub fn is_outdated(&self) -> bool {
        self.access.generation != self.access.context.process.acls.generation()
    }

    /// Whether anything is under way that a change of the ACLs can concern.
    pub fn is_under_way(&self) -> bool {
        self.waiting.request().is_some() || self.access.grounds.is_under_way()
    }

    /// Reports what is denied from now on to metrics and audit trail, each once; returns what the log says of it.
    fn report(&mut self, lost: Vec<(Ground, String, Last)>) -> String {
        let principal = self.access.client.principal.clone();
        let mut what = format!("{principal} has lost a right that a request under way needs");
        for (place, (ground, name, last)) in lost.into_iter().enumerate() {
            let Ground::Named(operation, resource_type) = ground else { continue };
            let pending = self.pending.iter().find(|pending| pending.number == last.others);
            // Where no response is pending, it is a producer that wants none.
            let id = match pending {
                Some(pending) => pending.id,
                None => {
                    let Some(row) = Row::find(ProduceRequest::KEY) else { continue };
                    RequestId { row, version: 0, correlation_id: 0 }
                }
            };
            if place == 0 {
                what = format!(
                    "{principal} may no longer {operation} {resource_type} {name}, which {} needs",
                    id.row.name
                );
            }
            let mut observed = Observed::default();
            self.access
                .with(id, b"", Some(&mut observed), |access| access.allows(operation, resource_type, &name));
        }
        what
    }

    /// Has the answers to what was asked up to the request of this number judged again, before the client gets them.
    fn judge_answers_again(&mut self, last: u64) {
        // Nothing of an answer that is taken whole has gone to the client.
        let taken = self.answers.pending_mut();
        for pending in taken.into_iter().chain(self.pending.iter_mut()) {
            if let Some(again) = pending.id.row.again
                && pending.number <= last
                && let ResponseKind::Answer(answer) = &mut pending.kind
            {
                let then = std::mem::replace(answer, Answer::Untouched);
                *answer = judged_again(then, again);
            }
        }
    }

    /// Decides a request that has waited as if it came now.
    pub(super) fn decide_anew(
        &mut self,
        request: &ReceivedRequest,
        observed: &mut Observed,
    ) -> Result<Action, Close> {
        let Rule::Decided(decide) = request.id.row.rule else {
            return Err(Close::internal("a rule is missing"));
        };
        self.access.begin();
        let body = request.frame.slice(request.body..);
        self.access
            .decide_waiting(request, observed, |access| decide(&body, access))
            .map_err(|fault| Close::protocol(format!("{} cannot be read: {fault}", request.id.row.name)))
    }
}

impl AccessState {
    /// Has the ACLs that are in force now; returns those from before.
    fn renew(&mut self) -> ClientView {
        let (view, generation) = self.context.view(&self.client);
        self.generation = generation;
        std::mem::replace(&mut self.view, view)
    }

    /// The last requests under way that would be refused by now, and what they have lost.
    fn lost(&self, before: &ClientView) -> (Last, Vec<(Ground, String, Last)>) {
        let mut last = Last::default();
        let mut others = Vec::new();
        for (ground, name, of) in self.grounds.lost(&self.view) {
            last.merge(of);
            if of.others > 0 {
                others.push((ground, name.to_owned(), of));
            }
        }
        let sessions = self.grounds.session_under_way();
        if sessions.judged_again > last.judged_again
            && self.fetch_sessions.held().any(|topic| self.hides(topic))
        {
            last.merge(sessions);
        }
        let more = self.grounds.more_under_way();
        if more != Last::default() && before.may_lose(&self.view) {
            last.merge(more);
        }
        (last, others)
    }

    fn hides(&self, topic: &Topic) -> bool {
        let may_read = |name: &str| self.view.allows(Operation::Read, ResourceType::Topic, name);
        !match topic {
            Topic::Named(name) => may_read(name),
            Topic::Id(id) => {
                self.context.upstream.cluster.load().topics.name(id).is_some_and(|name| may_read(&name))
            }
        }
    }
}

/// What was to be done with an answer, and then another look at it.
fn judged_again(answer: Answer, again: JudgeAgain) -> Answer {
    Answer::Rewritten(Box::new(move |body, access| {
        let first = match answer {
            Answer::Untouched | Answer::None { .. } => None,
            Answer::Rewritten(rewrite) => rewrite(body, access)?,
            Answer::Watched { watch, .. } => watch.whole(body, access)?,
        };
        let second = again(first.as_deref().unwrap_or(body), access)?;
        Ok(second.or(first))
    }))
}
