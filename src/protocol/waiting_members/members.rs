//! The members that wait, by their groups, bounded for each principal.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{AtBroker, Joined, Told, Unable, Waiting, WaitingGroup};
use crate::protocol::wire::Str;

/// What may be remembered of all members, in bytes.
const MOST: usize = 32 * 1024 * 1024;
/// What may be remembered of the members of one principal.
const MOST_OF_ONE: usize = MOST / 8;
/// What a member takes besides its words, in bytes, roughly: the group that it may be alone in too.
const ENTRY: usize = 1024;
/// How often [`Groups::tick`] is told that time has passed.
const TICK_MS: u64 = 1000;
/// A member of which nothing was heard for so many ticks has gone without a word: longer than Kafka waits at most
/// (`group.streams.max.session.timeout.ms`). Every few it is looked who has.
const SILENT_TICKS: u64 = 60;
const LOOK_TICKS: u64 = 10;
/// The epochs of a group before its first member (`StreamsGroup`).
const FIRST_EPOCH: i32 = 1;

#[derive(Default)]
pub(super) struct Groups {
    groups: HashMap<Str, Group>,
    /// What is remembered of each principal's members, and of all.
    held_of: HashMap<Arc<str>, usize>,
    held: usize,
    tick: u64,
}

struct Group {
    members: BTreeMap<Str, Held>,
    /// Who has brought the topology.
    first: Arc<Joined>,
    epoch: i32,
    assignment_epoch: i32,
    /// Until then the first members wait for others.
    delayed_until: Option<u64>,
    endpoint_epoch: i32,
    shutdown: Option<Str>,
}

struct Held {
    waiting: Waiting,
    size: usize,
    heard: u64,
}

fn size(group_id: &str, member_id: &str, joined: &Joined) -> usize {
    let endpoint = joined.endpoint.as_ref().map_or(0, |(host, _)| host.len());
    let instance_id = joined.instance_id.as_ref().map_or(0, |id| id.len());
    // The names of the group and the member stand in the request once more.
    let names = 2 * (group_id.len() + member_id.len()) + joined.client_id.len() + joined.principal.len();
    ENTRY + names + endpoint + instance_id + joined.body.len()
}

impl Group {
    fn new(first: Arc<Joined>, at_broker: AtBroker, now: u64) -> Self {
        let delay_ms = u64::try_from(first.settings.initial_rebalance_delay_ms).unwrap_or_default();
        let is_delayed = delay_ms > 0 && !at_broker.has_members;
        Self {
            members: BTreeMap::new(),
            first,
            epoch: at_broker.epoch.max(FIRST_EPOCH),
            assignment_epoch: at_broker.assignment_epoch.max(FIRST_EPOCH),
            // The second that has begun does not count.
            delayed_until: is_delayed.then(|| now + 1 + delay_ms.div_ceil(TICK_MS)),
            endpoint_epoch: 0,
            shutdown: None,
        }
    }

    /// Something has changed about the members.
    fn bump(&mut self, now: u64) {
        self.epoch = self.epoch.saturating_add(1);
        self.assign(now);
    }

    fn assign(&mut self, now: u64) {
        self.delayed_until = self.delayed_until.filter(|until| now < *until);
        if self.delayed_until.is_none() {
            self.assignment_epoch = self.epoch;
        }
    }

    fn ask_to_shut_down(&mut self, member_id: &str) {
        self.shutdown.get_or_insert_with(|| member_id.into());
    }

    /// Whoever has the newest topology of those who are left has brought it.
    fn choose_first(&mut self) {
        let newest = self.members.values().max_by_key(|held| held.waiting.joined.topology_epoch);
        if let Some(held) = newest {
            self.first = held.waiting.joined.clone();
        }
    }

    fn told(&self, epoch: i32) -> Told {
        Told {
            epoch,
            is_delayed: self.delayed_until.is_some(),
            shutdown: self.shutdown.clone(),
            endpoint_epoch: self.endpoint_epoch,
        }
    }
}

impl Groups {
    pub(super) fn join(
        &mut self,
        (group_id, member_id): (&str, &str),
        joined: Joined,
        at_broker: AtBroker,
        shutdown: bool,
    ) -> Result<Told, Unable> {
        let known = self.groups.get(group_id);
        let others = known.iter().flat_map(|group| &group.members).filter(|(id, _)| ***id != *member_id);
        let mut same = others.filter(|(_, held)| held.waiting.joined.instance_id == joined.instance_id);
        if let Some((id, _)) = same.next().filter(|_| joined.instance_id.is_some()) {
            return Err(Unable::InstanceInUse(id.clone()));
        }
        let before = known.and_then(|group| group.members.get(member_id));
        let (size, principal) = (size(group_id, member_id, &joined), joined.principal.clone());
        let freed = before.map_or(0, |held| held.size);
        let freed_of_one =
            before.filter(|held| held.waiting.joined.principal == principal).map_or(0, |_| freed);
        let of_one = self.held_of.get(&principal).copied().unwrap_or_default();
        if of_one - freed_of_one + size > MOST_OF_ONE || self.held - freed + size > MOST {
            return Err(Unable::NoRoom);
        }
        let is_changed = before.is_none_or(|held| *held.waiting.joined != joined);
        let has_moved = before.map_or(&None, |held| &held.waiting.joined.endpoint) != &joined.endpoint;
        let before_was_first =
            before.zip(known).is_some_and(|(held, group)| Arc::ptr_eq(&held.waiting.joined, &group.first));
        if let Some(held) = before {
            let gone = held.waiting.joined.principal.clone();
            self.discount(&gone, freed);
        }
        self.held += size;
        *self.held_of.entry(principal).or_default() += size;

        let (joined, now) = (Arc::new(joined), self.tick);
        let is_new = !self.groups.contains_key(group_id);
        let group =
            self.groups.entry(group_id.into()).or_insert_with(|| Group::new(joined.clone(), at_broker, now));
        match is_changed {
            true => group.bump(now),
            false => group.assign(now),
        }
        if has_moved && !is_new {
            group.endpoint_epoch = group.endpoint_epoch.saturating_add(1);
        }
        if shutdown {
            group.ask_to_shut_down(member_id);
        }
        let epoch = group.assignment_epoch;
        let waiting = Waiting { joined, epochs: (epoch, epoch) };
        let is_first = before_was_first || group.first.topology_epoch < waiting.joined.topology_epoch;
        group.members.insert(member_id.into(), Held { waiting, size, heard: now });
        if is_first {
            group.choose_first();
        }
        Ok(group.told(epoch))
    }

    pub(super) fn beat(&mut self, (group_id, member_id): (&str, &str), shutdown: bool) -> Option<Told> {
        let now = self.tick;
        let group = self.groups.get_mut(group_id)?;
        group.assign(now);
        let held = group.members.get_mut(member_id)?;
        held.heard = now;
        let (epoch, _) = held.waiting.epochs;
        if epoch != group.assignment_epoch {
            held.waiting.epochs = (group.assignment_epoch, epoch);
        }
        if shutdown {
            group.ask_to_shut_down(member_id);
        }
        Some(group.told(group.assignment_epoch))
    }

    pub(super) fn find(&self, group_id: &str, member_id: &str) -> Option<Waiting> {
        Some(self.groups.get(group_id)?.members.get(member_id)?.waiting.clone())
    }

    pub(super) fn first(&self, group_id: &str) -> Option<Arc<Joined>> {
        Some(self.groups.get(group_id)?.first.clone())
    }

    pub(super) fn describe(&mut self, group_id: &str) -> Option<WaitingGroup> {
        let group = self.groups.get_mut(group_id)?;
        group.assign(self.tick);
        let members = group.members.iter().map(|(id, held)| (id.clone(), held.waiting.clone()));
        let epochs = (group.epoch, group.assignment_epoch);
        Some(WaitingGroup { epochs, first: group.first.clone(), members: members.collect() })
    }

    pub(super) fn ids(&self) -> Vec<Str> {
        self.groups.keys().cloned().collect()
    }

    pub(super) fn forget(&mut self, group_id: &str, member_id: &str, joined: &Arc<Joined>) {
        let held = self.groups.get(group_id).and_then(|group| group.members.get(member_id));
        if held.is_some_and(|held| Arc::ptr_eq(&held.waiting.joined, joined)) {
            self.drop(group_id, member_id);
        }
    }

    fn drop(&mut self, group_id: &str, member_id: &str) {
        let Some(group) = self.groups.get_mut(group_id) else { return };
        let Some(held) = group.members.remove(member_id) else { return };
        if group.members.is_empty() {
            self.groups.remove(group_id);
        } else {
            group.bump(self.tick);
            if Arc::ptr_eq(&group.first, &held.waiting.joined) {
                group.choose_first();
            }
        }
        self.discount(&held.waiting.joined.principal, held.size);
    }

    pub(super) fn tick(&mut self) {
        self.tick += 1;
        if !self.tick.is_multiple_of(LOOK_TICKS) {
            return;
        }
        let since = self.tick.saturating_sub(SILENT_TICKS);
        let mut gone: Vec<(Str, Str)> = Vec::new();
        for (group_id, group) in &self.groups {
            let silent = group.members.iter().filter(|(_, held)| held.heard < since);
            gone.extend(silent.map(|(member_id, _)| (group_id.clone(), member_id.clone())));
        }
        gone.iter().for_each(|(group_id, member_id)| self.drop(group_id, member_id));
    }

    fn discount(&mut self, principal: &str, size: usize) {
        self.held = self.held.saturating_sub(size);
        if let Some(held) = self.held_of.get_mut(principal) {
            *held = held.saturating_sub(size);
            if *held == 0 {
                self.held_of.remove(principal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::messages::StreamsGroupHeartbeatRequest;
    use crate::protocol::streams_settings::StreamsSettings;

    fn joined(principal: &str, process_id: &str) -> Joined {
        let request =
            StreamsGroupHeartbeatRequest { process_id: Some(process_id.into()), ..Default::default() };
        let who = (principal, &Arc::from("10.0.0.7"), "client");
        Joined::new(&request, 0, who, StreamsSettings::default()).unwrap()
    }

    fn join(groups: &mut Groups, principal: &str, member_id: &str, process_id: &str) -> Result<Told, Unable> {
        groups.join(("g", member_id), joined(principal, process_id), AtBroker::default(), false)
    }

    #[test]
    fn whatever_goes_is_counted_back() {
        let mut groups = Groups::default();
        for round in 0..3 {
            for (principal, member_id) in [("User:alice", "m"), ("User:bob", "n"), ("User:bob", "m")] {
                join(&mut groups, principal, member_id, &round.to_string()).unwrap();
            }
            assert_eq!(groups.held_of.len(), 1, "bob has taken the other's place");
            let of_old = Arc::new(joined("User:bob", "0"));
            groups.forget("g", "m", &of_old);
            assert!(groups.find("g", "m").is_some(), "it has joined again since");
            let now = groups.find("g", "m").unwrap().joined;
            groups.forget("g", "m", &now);
            (0..SILENT_TICKS + LOOK_TICKS).for_each(|_| groups.tick());
            assert_eq!((groups.held, groups.held_of.len(), groups.groups.len()), (0, 0, 0));
        }
    }

    #[test]
    fn a_principal_takes_its_own_room_only() {
        let mut groups = Groups::default();
        let long = "p".repeat(16_000);
        let until_full = |groups: &mut Groups, principal: &str| {
            let mut members = (0..).map(|n| format!("{principal}-{n}"));
            members
                .find(|member_id| join(groups, principal, member_id, &long) == Err(Unable::NoRoom))
                .unwrap()
        };
        until_full(&mut groups, "User:mallory");
        assert!(groups.held <= MOST_OF_ONE);
        join(&mut groups, "User:alice", "a", "p").unwrap();
        (0..10).for_each(|n| drop(until_full(&mut groups, &format!("User:{n}"))));
        assert!(groups.held <= MOST);
        join(&mut groups, "User:alice", "a", "q").unwrap();
        assert!(groups.find("g", "a").is_some());
    }

    #[test]
    fn the_topology_is_that_of_somebody_who_is_there() {
        let mut groups = Groups::default();
        let of_epoch = |topology_epoch: i32| Joined { topology_epoch, ..joined("User:alice", "p") };
        for (member_id, epoch) in [("a", 1), ("b", 0), ("c", 0)] {
            groups.join(("g", member_id), of_epoch(epoch), AtBroker::default(), false).unwrap();
        }
        assert_eq!(groups.first("g").unwrap().topology_epoch, 1);
        let first = groups.find("g", "a").unwrap().joined;
        groups.forget("g", "a", &first);
        assert_eq!(groups.first("g").unwrap().topology_epoch, 0);
        groups.join(("g", "b"), of_epoch(2), AtBroker::default(), false).unwrap();
        assert_eq!(groups.first("g").unwrap().topology_epoch, 2);
        groups.join(("g", "b"), of_epoch(0), AtBroker::default(), false).unwrap();
        assert_eq!(groups.first("g").unwrap().topology_epoch, 0);
    }

    #[test]
    fn the_first_members_wait_for_others() {
        let mut groups = Groups::default();
        let told = |told: Option<Told>| told.map(|told| (told.epoch, told.is_delayed)).unwrap();
        assert_eq!(told(join(&mut groups, "User:alice", "a", "p").ok()), (1, true));
        assert_eq!(told(join(&mut groups, "User:alice", "b", "p").ok()), (1, true));
        assert_eq!(told(groups.beat(("g", "a"), false)), (1, true));
        assert_eq!(groups.describe("g").unwrap().epochs, (3, 1));
        (0..4).for_each(|_| groups.tick());
        assert_eq!(groups.describe("g").unwrap().epochs, (3, 3));
        assert_eq!(told(groups.beat(("g", "a"), false)), (3, false));
        assert_eq!(told(join(&mut groups, "User:alice", "c", "p").ok()), (4, false));
        assert_eq!(told(join(&mut groups, "User:alice", "c", "p").ok()), (4, false), "nothing has changed");
        assert_eq!(groups.find("g", "b").unwrap().epochs.0, 1);
    }
}
