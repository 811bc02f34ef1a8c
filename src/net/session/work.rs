//! What a request waits for: the broker's answer to a question of ours, or work that is done beside the session, begun by
//! somebody else and told of here.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use super::{Close, Observed, ReceivedRequest, Session};
use crate::model::acl::{Change, ChangeError, ChangeOutcome};
use crate::model::text::printable;
use crate::protocol::api::{Action, AfterChange, AfterMatch};
use crate::protocol::subscriptions::{Covered, Matching};
use crate::protocol::wire::Fault;

/// The most doubts that are logged of one change.
const DOUBTS: usize = 5;

/// Work that a request waits for.
pub enum Work {
    /// The ACLs are to be changed.
    Change(Change),
    /// A pattern is to be matched.
    Match(Matching),
}

/// The outcome of such work.
pub enum Done {
    /// Of a change of the ACLs.
    Changed(Result<ChangeOutcome, ChangeError>),
    /// Of matching a pattern; `None`: there was no memory for it.
    Matched(Option<Covered>),
}

/// What is to be done with the outcome.
pub(super) enum AfterWork {
    /// Of this change of the ACLs.
    Change(Change, AfterChange<Result<Action, Fault>>),
    /// Of matching a pattern.
    Match(AfterMatch<Result<Action, Fault>>),
}

/// What the request that was read last waits for. No other is read before it goes on.
pub(super) enum Waiting {
    /// For nothing: there is none.
    Nothing,
    /// For the broker's answer to a question of ours.
    Answer(ReceivedRequest),
    /// For work beside the session, which is here until somebody takes it to do it; and what its outcome leads to.
    Work(ReceivedRequest, Option<Work>, AfterWork),
}

impl Waiting {
    /// The request that waits.
    pub(super) fn request(&self) -> Option<&ReceivedRequest> {
        match self {
            Self::Nothing => None,
            Self::Answer(request) | Self::Work(request, ..) => Some(request),
        }
    }
}

impl Session {
    /// The work that a request waits for, if there is some that has not been begun.
    pub fn take_work(&mut self) -> Option<Work> {
        match &mut self.waiting {
            Waiting::Work(_, work, _) => work.take(),
            _ => None,
        }
    }

    /// Whether work has not been begun.
    pub fn waits_for_work(&self) -> bool {
        matches!(&self.waiting, Waiting::Work(_, Some(_), _))
    }

    /// The work that was taken has come to this.
    pub fn done(&mut self, done: Done, to_broker: &mut VecDeque<Bytes>, now: Instant) -> Result<(), Close> {
        let Waiting::Work(request, _, after) = std::mem::replace(&mut self.waiting, Waiting::Nothing) else {
            return Err(Close::internal("nobody waits for what has been done"));
        };
        let mut observed = Observed::default();
        let action = match (after, done) {
            (AfterWork::Change(change, then), Done::Changed(outcome)) => {
                self.tell(&change, &outcome);
                self.access.decide_waiting(&request, &mut observed, |access| then(outcome, access))
            }
            // What it was allowed before the work it may not be now.
            (AfterWork::Match(_), Done::Matched(_)) if self.access.has_lost_noted() => {
                Ok(self.decide_anew(&request, &mut observed)?)
            }
            (AfterWork::Match(then), Done::Matched(covered)) => {
                self.access.decide_waiting(&request, &mut observed, |access| then(covered, access))
            }
            _ => return Err(Close::internal("something else has been done than was waited for")),
        };
        let action = action
            .map_err(|fault| Close::internal(format!("the answer to {}: {fault}", request.id.row.name)))?;
        self.apply(action, request, observed, to_broker, now)
    }

    /// Logs who changed what.
    fn tell(&self, change: &Change, outcome: &Result<ChangeOutcome, ChangeError>) {
        let (listener, principal, host) =
            (&*self.access.context.name, &*self.access.client.principal, &*self.access.client.host);
        match outcome {
            Ok(changed) => {
                if let Some(done) = change.done(changed) {
                    tracing::info!(listener, principal, host, "ACLs {}", printable(&done));
                }
                for doubt in change.doubts().take(DOUBTS) {
                    tracing::warn!(listener, principal, host, "an ACL without effect: {}", printable(&doubt));
                }
            }
            Err(unchanged) => {
                tracing::warn!(
                    listener,
                    principal,
                    host,
                    "ACLs were not changed: {}",
                    printable(&unchanged.to_string())
                );
            }
        }
    }
}
