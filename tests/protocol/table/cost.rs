//! What one request may cost: as much in proportion to its length, however long it is.
//!
//! Sixteen times the length may take sixteen times the work, and a little more where something is sorted; by the square it would
//! be 256 times as much. No clock is asked: what is counted is how often and how much memory is asked for, how often texts and
//! identifiers are compared (`doorkeeper::protocol::wire::comparisons`), and how many decisions are made.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use allocation_counter::measure;
use bytes::Bytes;
use doorkeeper::model::acl::{Binding, CLUSTER_NAME, Operation, PatternType, ResourceType};
use doorkeeper::protocol::api::Row;
use doorkeeper::protocol::wire::{Uuid, comparisons};

use super::played::{decided, play, response};
use crate::support::door::{Door, allow, deny};
use crate::support::filled::{Filling, filled};
use crate::support::layouts::{Field, Layout};

/// How many times longer the long request is, and how many times the work it may be.
const LONGER: u32 = 16;
const MOST: u64 = 40;

/// What is long about a request.
#[derive(Clone)]
enum Long {
    /// The array at this path.
    Array(String),
    /// The array at this path and the one in whose elements it is, both, as the numbers of parents and of all.
    Both(String),
    /// Every text at this path.
    Text(String),
    /// The tagged fields that nobody declared, of the message itself.
    Tags,
}

impl Long {
    /// How long it is in the long request.
    fn length(&self) -> u32 {
        match self {
            Self::Array(_) | Self::Both(_) => 512,
            // Texts have 32,767 bytes at most, and a message 10,000 tags.
            Self::Text(_) => 8_000,
            Self::Tags => 4_800,
        }
    }

    /// Whether there are many of something, which may be different or the same.
    fn is_of_many(&self) -> bool {
        matches!(self, Self::Array(_) | Self::Both(_))
    }

    fn count(&self, at: &str, length: u32) -> u32 {
        const PARENTS: u32 = 8;
        match self {
            Self::Array(path) if at == path => length,
            Self::Both(path) if at == path => PARENTS,
            Self::Both(path) if path.rsplit_once('.').is_some_and(|(parent, _)| parent == at) => {
                length / PARENTS
            }
            _ => 1,
        }
    }

    fn text(&self, at: &str, length: u32) -> u32 {
        match self {
            Self::Text(path) if at == path => length,
            _ => 0,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Array(path) => format!("elements of {path}"),
            Self::Both(path) => format!("elements of {path} and of what they are in"),
            Self::Text(path) => format!("bytes of {path}"),
            Self::Tags => "unknown tagged fields".to_owned(),
        }
    }
}

/// The work that was done.
#[derive(Debug, Clone, Copy)]
struct Work {
    allocations: u64,
    bytes: u64,
    comparisons: u64,
    decisions: u64,
}

impl Work {
    /// What `f` does, which says how many decisions it has made.
    fn of(f: impl FnOnce() -> usize) -> Self {
        let (mut decisions, before) = (0, comparisons());
        let memory = measure(|| decisions = f() as u64);
        Self {
            allocations: memory.count_total,
            bytes: memory.bytes_total,
            comparisons: comparisons() - before,
            decisions,
        }
    }

    /// Whether it is out of proportion to this, of a request that is shorter by [`LONGER`].
    fn is_too_much(&self, short: &Self) -> bool {
        // Where next to nothing is done for the short one, an element more may be looked at now and then, and a list that is sorted
        // may get memory of its own only when it is long.
        let quantities = [
            (self.allocations, short.allocations, 32),
            (self.bytes, short.bytes, 4096),
            (self.comparisons, short.comparisons, 32),
            (self.decisions, short.decisions, 32),
        ];
        quantities.iter().any(|&(long, short, least)| long > MOST * short.max(least))
    }
}

#[test]
fn no_request_costs_more_than_in_proportion_to_its_length() {
    check(Client { make: || Door::new(some()), alike: false, is_for_all: true });
}

#[test]
fn no_request_costs_more_whose_names_are_all_the_same() {
    check(Client { make: || Door::new(some()), alike: true, is_for_all: false });
}

#[test]
fn no_request_costs_more_of_who_may_do_nearly_everything() {
    let make = || {
        let types = [ResourceType::Topic, ResourceType::Group, ResourceType::TransactionalId];
        let every = types.map(|one| allow(Operation::All, one, "*"));
        let one = deny(Operation::All, ResourceType::Topic, "a-0");
        let cluster = allow(Operation::All, ResourceType::Cluster, CLUSTER_NAME);
        Door::new([&every[..], &[one, cluster]].concat())
    };
    check(Client { make, alike: false, is_for_all: false });
}

/// Who sends the requests.
struct Client {
    make: fn() -> Door,
    /// Whether all names in the requests are the same.
    alike: bool,
    /// Whether it sends what is long in another way than by many elements, too.
    is_for_all: bool,
}

/// Holds every request against one that is shorter by [`LONGER`].
fn check(client: Client) {
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for (row, layout) in decided() {
        let served = |version: &i16| row.versions.contains(version);
        let Some(newest) = layout.versions.clone().rev().find(served) else { continue };
        for long in everything_long(layout, newest) {
            if !client.is_for_all && !long.is_of_many() {
                continue;
            }
            let sample = Sample { client: &client, row, layout, version: newest, long: &long };
            let length = long.length();
            let (short, whole) = (sample.work(length / LONGER), sample.work(length));
            if whole.is_too_much(&short) {
                wrong.push(format!(
                    "{} version {newest}, {length} {}: {whole:?}, and with {}: {short:?}",
                    row.name,
                    long.name(),
                    length / LONGER
                ));
            }
            seen.insert((row.key, layout.kafka, long.name()));
        }
    }
    assert!(seen.len() > 150, "{}", seen.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// That the measure would find one.
#[test]
fn work_by_the_square_is_found() {
    use doorkeeper::protocol::wire::Str;

    let names = |count: u32| (0..count).map(|n| Str::from(n.to_string())).collect::<Vec<Str>>();
    let compared = |count: u32| {
        let names = names(count);
        Work::of(|| {
            let mut seen: Vec<&Str> = Vec::new();
            for name in &names {
                if !seen.contains(&name) {
                    seen.push(name);
                }
            }
            seen.len()
        })
    };
    let copied = |count: u32| {
        let names = names(count);
        Work::of(|| {
            let copies = names.iter().map(|_| names.clone().len());
            copies.max().unwrap_or_default()
        })
    };
    let sorted = |count: u32| {
        let mut names = names(count);
        Work::of(|| {
            names.sort();
            names.len()
        })
    };
    for (work, is_square) in [(&compared as &dyn Fn(u32) -> Work, true), (&copied, true), (&sorted, false)] {
        assert_eq!(work(1024).is_too_much(&work(64)), is_square, "{:?} {:?}", work(64), work(1024));
    }
}

/// Rights on every other name.
fn some() -> Vec<Binding> {
    let types = [ResourceType::Topic, ResourceType::Group, ResourceType::TransactionalId];
    let prefixed = |one| Binding { pattern_type: PatternType::Prefixed, ..allow(Operation::All, one, "a") };
    types.map(prefixed).to_vec()
}

/// All that may be long in a version.
fn everything_long(layout: &Layout, version: i16) -> Vec<Long> {
    fn of_fields(path: &str, in_array: bool, fields: &[Field], version: i16, found: &mut Vec<Long>) {
        for field in fields.iter().filter(|field| field.versions.contains(&version)) {
            let path = if path.is_empty() { field.name.to_owned() } else { format!("{path}.{}", field.name) };
            of_fields(&path, field.is_array, &field.fields, version, found);
            if field.is_array {
                found.push(Long::Array(path.clone()));
            }
            if field.is_array && in_array {
                found.push(Long::Both(path.clone()));
            }
            if field.kind == "string" {
                found.push(Long::Text(path));
            }
        }
    }
    let mut found = Vec::new();
    of_fields("", false, &layout.fields, version, &mut found);
    if version >= layout.flexible {
        found.push(Long::Tags);
    }
    found
}

/// A request of an API, and what is long about it.
struct Sample<'a> {
    client: &'a Client,
    row: &'static Row,
    layout: &'a Layout,
    version: i16,
    long: &'a Long,
}

impl Sample<'_> {
    /// What it takes to decide a request in which something has this length, and to look at the answers.
    fn work(&self, length: u32) -> Work {
        let talk = self.talk(length);
        self.play(&talk, &mut |key, version| talk.answers[&(key, version)].clone())
    }

    /// A request in which something has this length, and the answers of a broker that says as much.
    fn talk(&self, length: u32) -> Talk {
        let request = numbered(self.layout, self.version, self.long, length, self.client.alike);
        // Two of three ids are known.
        let known = if has_ids(&self.layout.fields, self.version) { 2 * length } else { 0 };
        let names = (0..known).filter(|n| n % 3 > 0).map(|n| (id(n), name(n, 0))).collect();
        let mut talk = Talk { request, names, answers: BTreeMap::new() };
        let mut answers = BTreeMap::new();
        self.play(&talk, &mut |key, version| {
            let answer = response(key, version);
            let everything = everything_long(answer, version);
            // The answer's arrays are called as the request's, or what they hold is.
            let same = everything.iter().find(|one| one.name() == self.long.name());
            let first = everything.iter().find(|one| matches!(one, Long::Array(path) if !path.contains('.')));
            let body = match same.or(first) {
                Some(long) => numbered(answer, version, long, length, self.client.alike),
                None => filled(answer, version, &Filling::default()),
            };
            answers.insert((key, version), body.clone());
            body
        });
        talk.answers = answers;
        talk
    }

    fn play(&self, talk: &Talk, broker: &mut dyn FnMut(i16, i16) -> Bytes) -> Work {
        let names: Vec<_> = talk.names.iter().map(|(id, name)| (*id, &**name)).collect();
        let mut door = (self.client.make)().knowing(&names);
        Work::of(|| {
            play(&mut door, self.row, self.version, &talk.request, false, &mut |key, version, _: &Bytes| {
                broker(key, version)
            });
            door.heard.len()
        })
    }
}

/// What is said for a measurement.
struct Talk {
    request: Bytes,
    /// The topic ids that the door knows.
    names: Vec<(Uuid, String)>,
    /// What the broker answers, by key and version.
    answers: BTreeMap<(i16, i16), Bytes>,
}

fn has_ids(fields: &[Field], version: i16) -> bool {
    let mut present = fields.iter().filter(|field| field.versions.contains(&version));
    present.any(|field| field.kind == "uuid" || has_ids(&field.fields, version))
}

fn id(n: u32) -> Uuid {
    Uuid((u128::from(n) + 1).to_be_bytes())
}

/// The name with this number, made as long as that.
fn name(n: u32, length: u32) -> String {
    let prefix = if n.is_multiple_of(2) { 'a' } else { 'b' };
    format!("{prefix}-{n}{}", ".".repeat((length as usize).saturating_sub(8)))
}

/// A message in which something has this length. Names, ids and partitions are numbered, or all the same.
fn numbered(layout: &Layout, version: i16, long: &Long, length: u32, alike: bool) -> Bytes {
    let number = Cell::new(0_u32);
    let next = || match alike {
        true => 1,
        false => number.replace(number.get() + 1),
    };
    let text = |path: &str, _: &Field| Some(name(next(), long.text(path, length)));
    let numbers = |path: &str, field: &Field| match field.kind {
        "int32" if field.default.is_none() && field.name.contains("Partition") => Some(i64::from(next())),
        // Of configurations and ACLs: what is a topic's.
        "int8" if path.ends_with("ResourceType") || path.ends_with("ResourceTypeFilter") => Some(2),
        "int8" if path.contains("Operation") || path.contains("Pattern") || path.contains("Permission") => {
            Some(3)
        }
        // Of Produce: a producer that wants an answer.
        "int16" if path == "Acks" => Some(1),
        _ => None,
    };
    let count = |path: &str| long.count(path, length);
    let filling = Filling {
        text: &text,
        number: &numbers,
        uuid: &|_| id(next()),
        count: &count,
        unknown_tags: if matches!(long, Long::Tags) { length } else { 0 },
        ..Filling::default()
    };
    filled(layout, version, &filling)
}
