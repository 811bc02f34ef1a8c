//! Members of groups and their patterns, bounded for each principal.

use std::collections::HashMap;
use std::sync::Arc;

use super::Member;
use crate::protocol::wire::Str;

/// What may be remembered of all members, in bytes.
const MOST: usize = 32 * 1024 * 1024;
/// What may be remembered of the members of one principal.
const MOST_OF_ONE: usize = MOST / 4;
/// What a member takes besides its words, in bytes, roughly.
const ENTRY: usize = 256;

/// What a member has subscribed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Who said so; others cannot go on in its name.
    pub principal: Arc<str>,
    /// The pattern; without one, whatever it named is the broker's business alone.
    pub pattern: Option<Str>,
    /// The names that it gave beside the pattern.
    pub names: Arc<[Str]>,
    /// The [`super::digest`] of what the broker was told and took.
    pub told: Option<u64>,
}

/// What was found for a pattern of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// For which member, and so by whose rights.
    pub member_id: Str,
    /// Its principal.
    pub principal: Arc<str>,
    /// What the broker is told in the pattern's place.
    pub telling: Telling,
    /// The [`super::Topics::number`] of the topics that it was chosen from, if anybody has looked at them since.
    pub topics: Option<u64>,
    /// The generation of the ACLs by which it was chosen.
    pub generation: u64,
    /// Whether a member has it who may not describe every topic.
    pub is_shared: bool,
}

/// What the broker is told.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Telling {
    /// A pattern: the member's own, or one that covers certain names and no others.
    Pattern(Str),
    /// Names, where no pattern could hold them.
    Names(Arc<[Str]>),
}

/// All groups of which something is remembered.
#[derive(Default)]
pub(super) struct Groups {
    groups: HashMap<Str, Group>,
    /// What is remembered of each principal's members, and of all.
    held_of: HashMap<Arc<str>, usize>,
    held: usize,
}

#[derive(Default)]
struct Group {
    members: HashMap<Str, Held>,
    patterns: HashMap<Str, Followed>,
}

struct Held {
    subscription: Subscription,
    heard: u64,
}

/// A pattern that so many members have.
#[derive(Default)]
struct Followed {
    members: usize,
    found: Option<Found>,
}

impl Subscription {
    /// What somebody has subscribed to, without names, of which the broker was told nothing.
    pub fn new(principal: &str, pattern: Option<Str>) -> Self {
        Self { principal: principal.into(), pattern, names: Arc::new([]), told: None }
    }

    fn size(&self, member: &Member) -> usize {
        let names = self.names.iter().map(|name| size_of::<Str>() + name.len());
        let pattern = self.pattern.as_ref().map_or(0, |pattern| pattern.len());
        ENTRY + member.group_id.len() + member.member_id.len() + pattern + names.sum::<usize>()
    }
}

impl Found {
    /// Nothing yet, for a member of this principal.
    pub fn by(principal: &str) -> Self {
        Self {
            member_id: Str::EMPTY,
            principal: principal.into(),
            telling: Telling::Names(Arc::new([])),
            topics: None,
            generation: 0,
            is_shared: false,
        }
    }

    fn size(&self) -> usize {
        match &self.telling {
            Telling::Pattern(pattern) => pattern.len(),
            // The names are those of the topics, which are there anyway.
            Telling::Names(names) => size_of_val(&**names),
        }
    }
}

impl Groups {
    pub(super) fn look_up(&self, group_id: &str, member_id: &str) -> Option<&Subscription> {
        Some(&self.groups.get(group_id)?.members.get(member_id)?.subscription)
    }

    /// What the member of this principal has subscribed to, who is heard of with this.
    pub(super) fn find(
        &mut self,
        group_id: &str,
        member_id: &str,
        principal: &str,
        now: u64,
    ) -> Option<&Subscription> {
        let held = self.groups.get_mut(group_id)?.members.get_mut(member_id)?;
        if *held.subscription.principal != *principal {
            return None;
        }
        held.heard = now;
        Some(&held.subscription)
    }

    /// Remembers what the member has subscribed to. Where there is no room for more of its principal, its other members go,
    /// those first of which nothing was heard for longest; another principal's never do.
    pub(super) fn keep(&mut self, member: &Member, subscription: Subscription, now: u64) {
        self.drop(member);
        let size = subscription.size(member);
        let principal = subscription.principal.clone();
        let of_one = self.held_of.get(&principal).copied().unwrap_or_default();
        if of_one + size > MOST_OF_ONE || self.held + size > MOST {
            self.make_room(&principal, size);
        }
        let of_one = self.held_of.get(&principal).copied().unwrap_or_default();
        if of_one + size > MOST_OF_ONE || self.held + size > MOST {
            return;
        }
        self.count(&principal, size);
        let group = self.groups.entry(member.group_id.clone()).or_default();
        if let Some(pattern) = &subscription.pattern {
            group.patterns.entry(pattern.clone()).or_default().members += 1;
        }
        group.members.insert(member.member_id.clone(), Held { subscription, heard: now });
    }

    pub(super) fn drop(&mut self, member: &Member) {
        let Some(group) = self.groups.get_mut(&member.group_id) else { return };
        let Some(Held { subscription, .. }) = group.members.remove(&member.member_id) else { return };
        let mut freed = vec![(subscription.principal.clone(), subscription.size(member))];
        if let Some(pattern) = &subscription.pattern
            && let Some(followed) = group.patterns.get_mut(pattern)
        {
            followed.members -= 1;
            if followed.members == 0 {
                freed.extend(followed.found.take().map(|found| (found.principal.clone(), found.size())));
                group.patterns.remove(pattern);
            }
        }
        if group.members.is_empty() {
            self.groups.remove(&member.group_id);
        }
        freed.iter().for_each(|(principal, size)| self.discount(principal, *size));
    }

    /// What was found for a pattern, and whether the member for whom it was has it and was heard of since then.
    pub(super) fn found(&self, group_id: &str, pattern: &str, since: u64) -> Option<(Found, bool)> {
        let group = self.groups.get(group_id)?;
        let found = group.patterns.get(pattern)?.found.clone()?;
        let is_there = group.members.get(&found.member_id).is_some_and(|held| {
            held.heard >= since
                && held.subscription.principal == found.principal
                && held.subscription.pattern.as_deref() == Some(pattern)
        });
        Some((found, is_there))
    }

    pub(super) fn share(&mut self, group_id: &str, pattern: &str, found: Found) {
        let followed = self.groups.get_mut(group_id).and_then(|group| group.patterns.get_mut(pattern));
        let Some(followed) = followed else { return };
        let (principal, size) = (found.principal.clone(), found.size());
        if let Some(before) = followed.found.replace(found) {
            self.discount(&before.principal, before.size());
        }
        self.count(&principal, size);
    }

    /// Forgets members of which nothing was heard since then.
    pub(super) fn drop_silent(&mut self, since: u64) {
        self.drop_those(|held| held.heard < since);
    }

    /// Forgets members of the principal, a quarter of what one may have and at least so much, if it has so much: so that
    /// the way through all members is worth it.
    fn make_room(&mut self, principal: &str, size: usize) {
        let mut own: Vec<(u64, usize, Member)> = Vec::new();
        for (group_id, group) in &self.groups {
            let members = group.members.iter().filter(|(_, held)| *held.subscription.principal == *principal);
            own.extend(members.map(|(member_id, held)| {
                let member = Member { group_id: group_id.clone(), member_id: member_id.clone() };
                (held.heard, held.subscription.size(&member), member)
            }));
        }
        own.sort_unstable_by_key(|(heard, ..)| *heard);
        let wanted = size.max(MOST_OF_ONE / 4);
        let mut freed = 0;
        for (_, size, member) in own {
            if freed >= wanted {
                break;
            }
            freed += size;
            self.drop(&member);
        }
    }

    fn drop_those(&mut self, is_gone: impl Fn(&Held) -> bool) {
        let mut gone = Vec::new();
        for (group_id, group) in &self.groups {
            let members = group.members.iter().filter(|(_, held)| is_gone(held));
            gone.extend(
                members.map(|(member_id, _)| Member {
                    group_id: group_id.clone(),
                    member_id: member_id.clone(),
                }),
            );
        }
        gone.iter().for_each(|member| self.drop(member));
    }

    fn count(&mut self, principal: &Arc<str>, size: usize) {
        self.held += size;
        *self.held_of.entry(principal.clone()).or_default() += size;
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

    fn keep(groups: &mut Groups, principal: &str, member_id: &str, pattern: &str, now: u64) {
        let member = Member::new(principal, member_id);
        groups.keep(&member, Subscription::new(principal, Some(pattern.into())), now);
    }

    fn is_kept(groups: &Groups, principal: &str, member_id: &str) -> bool {
        groups.look_up(principal, member_id).is_some()
    }

    #[test]
    fn a_principal_pushes_out_its_own_members_only() {
        let mut groups = Groups::default();
        keep(&mut groups, "User:alice", "m", "a", 0);
        let text = "a".repeat(16_000);
        for n in 0..3000 {
            keep(&mut groups, "User:mallory", &n.to_string(), &text, n);
            assert!(groups.held_of["User:mallory"] <= MOST_OF_ONE);
        }
        assert!(is_kept(&groups, "User:alice", "m"));
        assert!(is_kept(&groups, "User:mallory", "2999") && !is_kept(&groups, "User:mallory", "0"));
        // Not even by many, who together leave no room.
        for name in ["a", "b", "c", "d", "e"] {
            (0..1000).for_each(|n| keep(&mut groups, name, &n.to_string(), &text, n));
            assert!(groups.held <= MOST);
        }
        assert!(is_kept(&groups, "User:alice", "m"));
        let others: Vec<String> = (0..1000).map(|n| format!("User:other-{n}")).collect();
        others.iter().for_each(|name| keep(&mut groups, name, "m", &text, 0));
        assert!(is_kept(&groups, &others[0], "m") && !is_kept(&groups, &others[999], "m"));
        assert!(is_kept(&groups, "User:alice", "m"));
    }

    #[test]
    fn the_largest_of_all_is_not_kept_and_pushes_out_what_it_can() {
        let mut groups = Groups::default();
        keep(&mut groups, "User:alice", "m", &"a".repeat(MOST_OF_ONE), 0);
        assert!(!is_kept(&groups, "User:alice", "m"));
        assert_eq!(groups.held, 0);
    }

    #[test]
    fn whatever_goes_is_counted_back() {
        let mut groups = Groups::default();
        let found = |principal: &str, text: &str| Found {
            member_id: "m".into(),
            telling: Telling::Pattern(text.into()),
            ..Found::by(principal)
        };
        groups.share("g", "a", found("User:alice", "nobody has it"));
        for round in 0..3 {
            for (principal, member_id, pattern) in
                [("User:alice", "m", "a"), ("User:bob", "n", "a"), ("User:bob", "m", "b")]
            {
                let member = Member::new("g", member_id);
                groups.keep(&member, Subscription::new(principal, Some(pattern.into())), round);
                groups.share("g", pattern, found(principal, "x|y"));
                groups.share("g", pattern, found("User:carol", "x|y|z"));
            }
            assert_eq!(groups.found("g", "a", 0).map(|(_, is_there)| is_there), Some(false));
            groups.drop(&Member::new("g", "m"));
            assert_eq!(groups.found("g", "b", 0), None);
            groups.drop_silent(round + 1);
            assert_eq!((groups.held, groups.held_of.len(), groups.groups.len()), (0, 0, 0));
        }
    }
}
