//! What a request waits for: the broker's answer to a question of ours, or work that is done beside the session, begun by
//! somebody else and told of here.

use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

use bytes::Bytes;

use super::{Close, Observed, ReceivedRequest, Session};
use crate::model::acl::{Change, ChangeError, ChangeOutcome};
use crate::model::sasl::users::{UsersChange, UsersChangeError};
use crate::model::text::printable;
use crate::protocol::api::{Action, AfterChange, AfterMatch, AfterUsersChange};
use crate::protocol::sasl::{Credentials, Verified};
use crate::protocol::subscriptions::{Covered, Matching};
use crate::protocol::wire::Fault;

/// The most doubts that are logged of one change.
const DOUBTS: usize = 5;

/// Work that a request waits for.
pub enum Work {
    /// The ACLs are to be changed.
    Change(Change),
    /// The users are to be changed.
    ChangeUsers(UsersChange),
    /// A pattern is to be matched.
    Match(Matching),
    /// The credentials of a client that logs in again are to be verified.
    Verify(Credentials),
}

/// The outcome of such work.
pub enum Done {
    /// Of a change of the ACLs.
    Changed(Result<ChangeOutcome, ChangeError>),
    /// Of a change of the users.
    UsersChanged(Result<(), UsersChangeError>),
    /// Of matching a pattern; `None`: there was no memory for it.
    Matched(Option<Covered>),
    /// Of verifying credentials.
    Verified(Verified),
}

/// What is to be done with the outcome.
pub(super) enum AfterWork {
    /// Of this change of the ACLs.
    Change(Change, AfterChange<Result<Action, Fault>>),
    /// Of this change of the users.
    ChangeUsers(UsersChange, AfterUsersChange<Result<Action, Fault>>),
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
    /// For a login: credentials are verified, which are here until somebody takes them to do it.
    Login(Option<Credentials>),
}

impl Waiting {
    /// Whether the next request can be read.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    /// The request that waits.
    pub(super) fn request(&self) -> Option<&ReceivedRequest> {
        match self {
            Self::Nothing | Self::Login(_) => None,
            Self::Answer(request) | Self::Work(request, ..) => Some(request),
        }
    }
}

impl Session {
    /// The work that a request waits for, if there is some that has not been begun.
    pub fn take_work(&mut self) -> Option<Work> {
        match &mut self.waiting {
            Waiting::Work(_, work, _) => work.take(),
            Waiting::Login(credentials) => credentials.take().map(Work::Verify),
            _ => None,
        }
    }

    /// Whether work has not been begun.
    pub fn waits_for_work(&self) -> bool {
        matches!(&self.waiting, Waiting::Work(_, Some(_), _) | Waiting::Login(Some(_)))
    }

    /// The work that was taken has come to this.
    pub fn done(&mut self, done: Done, to_broker: &mut VecDeque<Bytes>, now: Instant) -> Result<(), Close> {
        let (request, after) = match (std::mem::replace(&mut self.waiting, Waiting::Nothing), done) {
            (Waiting::Login(_), Done::Verified(verified)) => return self.verified(verified, now),
            (Waiting::Work(request, _, after), done) => (request, (after, done)),
            _ => return Err(Close::internal("nobody waits for what has been done")),
        };
        let mut observed = Observed::default();
        let action = match after {
            (AfterWork::Change(change, then), Done::Changed(outcome)) => {
                self.tell(&change, &outcome);
                self.access.decide_waiting(&request, &mut observed, |access| then(outcome, access))
            }
            (AfterWork::ChangeUsers(change, then), Done::UsersChanged(outcome)) => {
                self.tell_of_users(&change, &outcome);
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

    /// Logs who changed which users.
    fn tell_of_users(&self, change: &UsersChange, outcome: &Result<(), UsersChangeError>) {
        let (listener, principal, host) =
            (&*self.access.context.name, &*self.access.client.principal, &*self.access.client.host);
        let names = |all: &mut dyn Iterator<Item = &String>| {
            let names: BTreeSet<&String> = all.collect();
            let first: Vec<&str> = names.iter().take(DOUBTS).map(|name| name.as_str()).collect();
            let more = names.len().saturating_sub(DOUBTS);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            printable(&format!("{}{more}", first.join(", "))).to_string()
        };
        let set = names(&mut change.set.iter().map(|(name, ..)| name));
        let removed = names(&mut change.remove.iter().map(|(name, _)| name));
        match outcome {
            Ok(()) => {
                tracing::info!(listener, principal, host, set, removed, "credentials of users changed");
            }
            Err(why) => {
                let why = why.to_string();
                tracing::warn!(
                    listener,
                    principal,
                    host,
                    set,
                    removed,
                    "no user was changed: {}",
                    printable(&why)
                );
            }
        }
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
