//! The account of decisions that could not be written: for each principal how many, and of what.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::Event;
use super::record::{NAMES, Recorded};
use crate::model::acl::{Known, Operation, ResourceType};
use crate::model::text;

/// Most principals that are told apart.
const PRINCIPALS: usize = 256;
/// Most resources of which something is known that are named for each.
const TELLING: usize = 32;
/// Longest name that is kept of one, in bytes: as long as a topic's may be.
const MAX_NAME: usize = 249;

/// What was lost, and whose.
#[derive(Debug, Default)]
pub(super) struct Losses {
    accounts: BTreeMap<Arc<str>, Account>,
    /// Of those for whom there was no account left.
    others: Option<Account>,
    since: Option<SystemTime>,
}

/// What one principal's lost decisions were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) from: SystemTime,
    pub(super) to: SystemTime,
    pub(super) denied: u64,
    pub(super) allowed: u64,
    /// Denied ones on resources of which something is known, each once.
    pub(super) telling: Vec<Lost>,
    /// The first denied ones of the others.
    pub(super) first: Vec<Lost>,
}

/// A denial that could not be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) api: &'static str,
    pub(super) operation: Operation,
    pub(super) resource_type: ResourceType,
    pub(super) name: String,
    known: Known,
}

impl Losses {
    pub(super) fn is_empty(&self) -> bool {
        self.since.is_none()
    }

    pub(super) fn are_older_than(&self, age: Duration, now: SystemTime) -> bool {
        self.since.is_some_and(|since| now.duration_since(since).is_ok_and(|so_far| so_far >= age))
    }

    pub(super) fn add(&mut self, Recorded { time, record }: &Recorded) {
        self.since.get_or_insert(*time);
        let principal = &record.request().principal;
        let has_own = self.accounts.len() < PRINCIPALS || self.accounts.contains_key(principal);
        let account = match has_own {
            true => self.accounts.entry(Arc::clone(principal)).or_insert_with(|| Account::new(*time)),
            false => self.others.get_or_insert_with(|| Account::new(*time)),
        };
        (account.from, account.to) = (account.from.min(*time), account.to.max(*time));
        let (denied, allowed) = record.decisions();
        account.denied += denied;
        account.allowed += allowed;
        for event in record.events.iter().filter(|event| !event.allowed) {
            account.name(event);
        }
    }

    /// The accounts, with the principals whose they are.
    pub(super) fn accounts(self) -> impl Iterator<Item = (Option<Arc<str>>, Account)> {
        let own = self.accounts.into_iter().map(|(principal, account)| (Some(principal), account));
        own.chain(self.others.map(|account| (None, account)))
    }
}

impl Account {
    fn new(time: SystemTime) -> Self {
        Self { from: time, to: time, denied: 0, allowed: 0, telling: Vec::new(), first: Vec::new() }
    }

    fn name(&mut self, event: &Event) {
        let lost = || Lost {
            api: event.request.api,
            operation: event.operation,
            resource_type: event.resource_type,
            name: text::clipped(&event.resource_name, MAX_NAME)
                .unwrap_or_else(|| event.resource_name.clone()),
            known: event.known,
        };
        if event.known == Known::Nothing {
            if self.first.len() < NAMES {
                self.first.push(lost());
            }
            return;
        }
        let is_full = self.telling.len() >= TELLING;
        let lesser = self.telling.iter().position(|other| other.known < event.known);
        if is_full && lesser.is_none() {
            return;
        }
        let lost = lost();
        if self.telling.contains(&lost) {
            return;
        }
        match lesser {
            Some(place) if is_full => self.telling[place] = lost,
            _ => self.telling.push(lost),
        }
    }
}
