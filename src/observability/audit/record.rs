//! What is kept of the decisions on one request: the first ones and the telling ones each for a line of its own, of the
//! rest how many they were.
//!
//! A request may name tens of thousands of resources, nearly all of them invented so that the one that matters is not
//! seen. So what is kept is bounded, and what goes first is what nothing is known of.

use std::collections::VecDeque;
use std::fmt::Display;
use std::sync::Arc;
use std::time::SystemTime;

use super::{Event, MAX_FIELD};
use crate::model::acl::{Known, Operation, ResourceType};
use crate::model::text;

/// How many decisions of one request have lines of their own whatever they are on: real clients name fewer resources.
pub const FIRST: usize = 64;
/// How many more have, if something is known of what they are on.
pub const TELLING: usize = 256;
/// How many names of the others are told, from the beginning and from the end.
pub(super) const NAMES: usize = 8;
/// Longest of those names, in bytes: as long as a topic's may be.
const MAX_NAME: usize = 249;

/// Who asked for what: that which the decisions on one request have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who asked, as `User:alice`.
    pub principal: Arc<str>,
    /// The client's address as Kafka prints it.
    pub host: Arc<str>,
    /// The configured name of the listener that the client came through.
    pub listener: Arc<str>,
    /// What the client calls itself, if anything.
    pub client_id: Option<Arc<str>>,
    /// The API's name in Kafka's words, as `Produce`.
    pub api: &'static str,
    /// The request's version of that API.
    pub api_version: i16,
    /// The request's correlation id.
    pub correlation_id: i32,
}

impl Request {
    /// Cuts every text that a peer chose to [`MAX_FIELD`].
    fn clip(mut self) -> Self {
        for shared in [&mut self.principal, &mut self.host, &mut self.listener] {
            clip_shared(shared);
        }
        if let Some(client_id) = &mut self.client_id {
            clip_shared(client_id);
        }
        self
    }

    fn bytes(&self) -> usize {
        let texts = [&self.principal, &self.host, &self.listener].map(|text| text.len());
        size_of::<Self>()
            + texts.iter().sum::<usize>()
            + self.client_id.as_ref().map_or(0, |client_id| client_id.len())
    }
}

fn clip_shared(text: &mut Arc<str>) {
    if let Some(clipped) = text::clipped(text, MAX_FIELD) {
        *text = clipped.into();
    }
}

fn clip(text: &str, limit: usize) -> String {
    text::clipped(text, limit).unwrap_or_else(|| text.to_owned())
}

/// One decision, while it is made.
pub struct Decided<'a> {
    /// Whether it was allowed.
    pub allowed: bool,
    /// What the client wanted to do.
    pub operation: Operation,
    /// To what kind of resource.
    pub resource_type: ResourceType,
    /// To which one.
    pub resource_name: &'a str,
    /// What decided.
    pub rule: &'a dyn Display,
    /// How many entries of the request the decision stands for.
    pub count: u32,
    /// What is known of the resource; of what is allowed, nothing is asked.
    pub known: Known,
}

/// The decisions on one request that are to be written.
#[derive(Debug, PartialEq, Eq)]
pub struct Record {
    request: Arc<Request>,
    pub(super) events: Vec<Event>,
    pub(super) sums: Vec<Sum>,
    /// How many of `events` are there for being the first, denied and allowed.
    first: [usize; 2],
    /// Where in `events` those are that are there for what is known of them, denied ones.
    telling: Vec<usize>,
}

/// Decisions of one kind that have no lines of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    /// The request that they were made on.
    pub request: Arc<Request>,
    /// Whether they were allowed.
    pub allowed: bool,
    /// What the client wanted to do.
    pub operation: Operation,
    /// To what kind of resources.
    pub resource_type: ResourceType,
    /// How many decisions they were.
    pub decisions: u64,
    /// How many entries of the request they stand for.
    pub count: u64,
    /// On how many of the resources something is known.
    pub known: u64,
    /// What decided the first of them.
    pub rule: String,
    /// The names of the first ones.
    pub first: Vec<String>,
    /// The names of the last ones that are not among the first.
    pub last: VecDeque<String>,
}

impl Record {
    /// Nothing yet of this request.
    pub fn new(request: Request) -> Self {
        Self {
            request: Arc::new(request.clip()),
            events: Vec::new(),
            sums: Vec::new(),
            first: [0; 2],
            telling: Vec::new(),
        }
    }

    /// The request.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Keeps a decision, or as much of it as there is room for.
    pub fn add(&mut self, decided: &Decided<'_>) {
        let first = &mut self.first[usize::from(decided.allowed)];
        if *first < FIRST {
            *first += 1;
            self.events.push(self.event(decided));
        } else if let Some(place) = self.telling_place(decided) {
            let event = self.event(decided);
            if place == self.events.len() {
                self.telling.push(place);
                self.events.push(event);
            } else {
                // In its turn, since lines are in the order of the request.
                let given_way = self.events.remove(place);
                self.telling.retain(|&other| other != place);
                for later in self.telling.iter_mut().filter(|other| **other > place) {
                    *later -= 1;
                }
                self.telling.push(self.events.len());
                self.events.push(event);
                self.sum_up(&Decided {
                    resource_name: &given_way.resource_name,
                    operation: given_way.operation,
                    resource_type: given_way.resource_type,
                    allowed: given_way.allowed,
                    rule: &given_way.rule,
                    count: given_way.count,
                    known: given_way.known,
                });
            }
        } else {
            self.sum_up(decided);
        }
    }

    /// Where a denial stands that gets a line for what is known of its resource: behind all others, or in the place of
    /// one of whose resource less is known.
    fn telling_place(&self, decided: &Decided<'_>) -> Option<usize> {
        if decided.allowed || decided.known == Known::Nothing {
            return None;
        }
        let place = if self.telling.len() < TELLING {
            self.events.len()
        } else {
            self.telling.iter().copied().rev().find(|&place| self.events[place].known < decided.known)?
        };
        // Naming one resource over and over must not take the place of others.
        let again = self.telling.iter().map(|&place| &self.events[place]).any(|event| {
            event.operation == decided.operation
                && event.resource_type == decided.resource_type
                && event.resource_name == decided.resource_name
        });
        (!again).then_some(place)
    }

    fn event(&self, decided: &Decided<'_>) -> Event {
        Event {
            request: Arc::clone(&self.request),
            allowed: decided.allowed,
            operation: decided.operation,
            resource_type: decided.resource_type,
            resource_name: clip(decided.resource_name, MAX_FIELD),
            rule: clip(&decided.rule.to_string(), MAX_FIELD),
            count: decided.count,
            known: decided.known,
        }
    }

    fn sum_up(&mut self, decided: &Decided<'_>) {
        let alike = |sum: &Sum| {
            sum.allowed == decided.allowed
                && sum.operation == decided.operation
                && sum.resource_type == decided.resource_type
        };
        let place = self.sums.iter().position(alike).unwrap_or_else(|| {
            self.sums.push(Sum {
                request: Arc::clone(&self.request),
                allowed: decided.allowed,
                operation: decided.operation,
                resource_type: decided.resource_type,
                decisions: 0,
                count: 0,
                known: 0,
                rule: clip(&decided.rule.to_string(), MAX_FIELD),
                first: Vec::new(),
                last: VecDeque::new(),
            });
            self.sums.len() - 1
        });
        let sum = &mut self.sums[place];
        sum.decisions += 1;
        sum.count += u64::from(decided.count);
        sum.known += u64::from(decided.known > Known::Nothing);
        let name = clip(decided.resource_name, MAX_NAME);
        if sum.first.len() < NAMES {
            sum.first.push(name);
        } else {
            if sum.last.len() == NAMES {
                sum.last.pop_front();
            }
            sum.last.push_back(name);
        }
    }

    /// How many decisions it tells of: denied and allowed.
    pub(super) fn decisions(&self) -> (u64, u64) {
        let own = self.events.iter().map(|event| (event.allowed, 1));
        let summed = self.sums.iter().map(|sum| (sum.allowed, sum.decisions));
        own.chain(summed).fold((0, 0), |(denied, allowed), (is_allowed, more)| match is_allowed {
            false => (denied + more, allowed),
            true => (denied, allowed + more),
        })
    }

    /// The most that is known of what was denied; `None` when nothing was.
    pub(super) fn most_known(&self) -> Option<Known> {
        let own = self.events.iter().filter(|event| !event.allowed).map(|event| event.known);
        own.max()
    }

    /// What it takes in memory, roughly.
    pub(super) fn bytes(&self) -> usize {
        let event = |event: &Event| size_of::<Event>() + event.resource_name.len() + event.rule.len();
        let name = |name: &String| size_of::<String>() + name.len();
        let sum = |sum: &Sum| {
            size_of::<Sum>() + sum.rule.len() + sum.first.iter().chain(&sum.last).map(name).sum::<usize>()
        };
        size_of::<Self>()
            + self.request.bytes()
            + self.events.iter().map(event).sum::<usize>()
            + self.sums.iter().map(sum).sum::<usize>()
            + self.telling.capacity() * size_of::<usize>()
    }
}

/// A record with the time at which it was made.
#[derive(Debug)]
pub(super) struct Recorded {
    pub(super) time: SystemTime,
    pub(super) record: Record,
}

#[cfg(test)]
mod tests;
