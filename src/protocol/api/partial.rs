//! Refusing a part of a request: taking out what is denied, and putting the refusals into the broker's answer.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hash;

use super::RuleOutcome;
use crate::model::acl::{Operation, ResourceType};
use crate::protocol::access::Access;
use crate::protocol::wire::{Str, Uuid};

/// Takes out of `entries` those whose resource the client may not do `operation` on. A resource that is named many
/// times is decided once.
pub(super) fn take_denied<T>(
    entries: &mut Vec<T>,
    operation: Operation,
    resource_type: ResourceType,
    access: &mut Access<'_>,
    name: impl Fn(&T) -> &Str,
) -> Vec<T> {
    match entries.as_slice() {
        [] => return Vec::new(),
        [only] => {
            let allowed = access.allows(operation, resource_type, name(only));
            return if allowed { Vec::new() } else { std::mem::take(entries) };
        }
        _ => {}
    }
    let mut decided: HashMap<Str, (usize, bool)> = HashMap::with_capacity(entries.len());
    for entry in entries.iter() {
        decided.entry(name(entry).clone()).or_default().0 += 1;
    }
    for (name, (count, allowed)) in &mut decided {
        *allowed = access.allows_all(operation, resource_type, name, *count);
    }
    if decided.values().all(|(_, allowed)| *allowed) {
        return Vec::new();
    }
    entries.extract_if(.., |entry| !decided.get(name(entry)).is_some_and(|(_, allowed)| *allowed)).collect()
}

/// Takes out of `entries` those of the topic that nobody but super users may touch, where a right on the cluster stands for
/// that on every topic.
pub(super) fn take_reserved<T>(
    entries: &mut Vec<T>,
    operation: Operation,
    access: &mut Access<'_>,
    name: impl Fn(&T) -> &Str,
) -> Vec<T> {
    match entries.iter().any(|entry| access.is_reserved(name(entry))) {
        true => entries
            .extract_if(.., |entry| {
                access.is_reserved(name(entry)) && !access.allows(operation, ResourceType::Topic, name(entry))
            })
            .collect(),
        false => Vec::new(),
    }
}

/// Whether one of the topics is one that nobody but super users may touch; then the denial is reported.
pub(super) fn names_reserved<'a>(
    mut topics: impl Iterator<Item = &'a Str>,
    operation: Operation,
    access: &mut Access<'_>,
) -> bool {
    match topics.find(|name| access.is_reserved(name)) {
        Some(name) => !access.allows(operation, ResourceType::Topic, name),
        None => false,
    }
}

/// Partitions by topic, each once, in the order in which they were named first: what Kafka keeps in a map has no
/// duplicates, and no topic without partitions.
pub(super) fn merged(
    named: impl Iterator<Item = (Str, Uuid, i32)>,
) -> impl Iterator<Item = (Str, Uuid, Vec<i32>)> {
    let mut places: HashMap<(Str, Uuid), usize> = HashMap::new();
    let mut topics: Vec<(Str, Uuid, Vec<i32>)> = Vec::new();
    let mut seen = HashSet::new();
    for (name, id, partition) in named {
        let place = *places.entry((name.clone(), id)).or_insert_with(|| {
            topics.push((name, id, Vec::new()));
            topics.len() - 1
        });
        if seen.insert((place, partition))
            && let Some((.., partitions)) = topics.get_mut(place)
        {
            partitions.push(partition);
        }
    }
    topics.into_iter()
}

/// The broker's answer with these refusals behind its own entries, or no change at all if nothing was refused.
pub(super) fn append<R: 'static, E: Send + 'static>(
    refusals: Vec<E>,
    place: fn(&mut R) -> &mut Vec<E>,
) -> RuleOutcome<R> {
    match refusals.is_empty() {
        true => RuleOutcome::Forward,
        false => append_all(refusals, place),
    }
}

/// As [`append`], when something was refused for certain: there is nothing to say of a topic without partitions.
pub(super) fn append_all<R: 'static, E: Send + 'static>(
    refusals: Vec<E>,
    place: fn(&mut R) -> &mut Vec<E>,
) -> RuleOutcome<R> {
    RuleOutcome::Trim(Box::new(move |answer, _| place(answer).extend(refusals)))
}

/// As [`append`], with the refusals in front.
pub(super) fn prepend<R: 'static, E: Send + 'static>(
    mut refusals: Vec<E>,
    place: fn(&mut R) -> &mut Vec<E>,
) -> RuleOutcome<R> {
    match refusals.is_empty() {
        true => RuleOutcome::Forward,
        false => RuleOutcome::Trim(Box::new(move |answer, _| {
            let entries = place(answer);
            refusals.append(entries);
            *entries = refusals;
        })),
    }
}

/// The entries of a broker's answer, to be taken out by key: not every broker keeps the order of the request, and what
/// nobody asked for stays behind.
pub(super) struct Found<K, T>(HashMap<K, VecDeque<T>>);

impl<K: Eq + Hash, T> Found<K, T> {
    pub(super) fn new(entries: Vec<T>, key: impl Fn(&T) -> K) -> Self {
        let mut by_key: HashMap<K, VecDeque<T>> = HashMap::with_capacity(entries.len());
        for entry in entries {
            by_key.entry(key(&entry)).or_default().push_back(entry);
        }
        Self(by_key)
    }

    /// The first entry of this key that is still there.
    pub(super) fn take(&mut self, key: &K) -> Option<T> {
        self.0.get_mut(key)?.pop_front()
    }
}
