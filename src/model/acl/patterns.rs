//! The patterns that bindings of one resource type are on, found by the resource's name.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::{Binding, Known, Operation, PatternType, Permission, WILDCARD};

/// A binding's place in the authorizer's list, which is in the order of Kafka's scan.
pub(super) type Place = usize;

/// Bindings of one resource type (and, but for the index of all patterns, of one principal and host).
#[derive(Debug)]
pub(super) struct Patterns {
    /// Ascending; bindings that share a pattern are neighbours.
    places: Box<[Place]>,
    literals: Literals,
    any_name: Option<RuleOutcome>,
    /// Ascending by text.
    prefixes: Box<[Prefix]>,
}

/// What the bindings on each literal name say. There are as many of these as there are principals, and most have few names:
/// those are found faster without a hash, and take a fifth of the memory.
#[derive(Debug)]
enum Literals {
    Few(Box<[(Box<str>, RuleOutcome)]>),
    Many(HashMap<Box<str>, RuleOutcome>),
}

/// How many names are few.
const FEW: usize = 4;

/// What the bindings on one pattern say, as bit sets over operations.
#[derive(Debug)]
struct RuleOutcome {
    denied: u32,
    allowed: u32,
    /// Where in [`Patterns::places`] they are.
    range: Range<usize>,
}

#[derive(Debug)]
struct Prefix {
    text: Box<str>,
    verdict: RuleOutcome,
    /// The longest other prefix that this one begins with.
    shorter: Option<usize>,
    /// What this prefix and all shorter ones deny and allow.
    denied: u32,
    allowed: u32,
}

/// The patterns that cover one name.
pub(super) struct Matches<'a> {
    patterns: &'a Patterns,
    literal: Option<&'a RuleOutcome>,
    longest_prefix: Option<&'a Prefix>,
    any_name: Option<&'a RuleOutcome>,
}

/// Where in Kafka's scan a binding is met: bindings on any name come last, in a pass of their own.
pub(super) type Turn = (bool, Place);

impl Patterns {
    /// `places` must ascend, and be of bindings of one resource type, which `bindings` holds in Kafka's order.
    pub(super) fn new(bindings: &[Arc<Binding>], places: &[Place]) -> Patterns {
        let (mut literals, mut any_name, mut prefixes) = (Vec::new(), None, Vec::new());
        let mut start = 0;
        for chunk in places.chunk_by(|&a, &b| same_pattern(&bindings[a], &bindings[b])) {
            let range = start..start + chunk.len();
            start = range.end;
            let verdict = RuleOutcome::new(chunk.iter().map(|&place| &*bindings[place]), range);
            let Binding { resource_name, pattern_type, .. } = &*bindings[chunk[0]];
            match pattern_type {
                PatternType::Literal if resource_name == WILDCARD => any_name = Some(verdict),
                PatternType::Literal => literals.push((resource_name.as_str().into(), verdict)),
                PatternType::Prefixed => prefixes.push(Prefix::new(resource_name, verdict)),
            }
        }
        let mut patterns = Patterns {
            places: places.into(),
            literals: Literals::new(literals),
            any_name,
            prefixes: prefixes.into(),
        };
        patterns.link_prefixes();
        patterns
    }

    pub(super) fn matching(&self, name: &str) -> Matches<'_> {
        // Kafka meets `*` as an ordinary literal name when the resource is called so, and steps over it when the
        // name only begins with an asterisk.
        let any_name = self.any_name.as_ref();
        let (literal, any_name) = match name.strip_prefix(WILDCARD) {
            None => (self.literals.get(name), any_name),
            Some("") => (any_name, None),
            Some(_) => (self.literals.get(name), None),
        };
        Matches { patterns: self, literal, longest_prefix: self.longest_prefix(name), any_name }
    }

    /// The bindings, in Kafka's order.
    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }

    /// The first binding on `*` that has this permission for this very operation, or for `All`.
    pub(super) fn on_any_name(
        &self,
        bindings: &[Arc<Binding>],
        permission: Permission,
        operation: Operation,
    ) -> Option<Place> {
        let places = &self.places[self.any_name.as_ref()?.range.clone()];
        places.iter().copied().find(|&place| bindings[place].names(permission, operation))
    }

    fn longest_prefix(&self, name: &str) -> Option<&Prefix> {
        // Whatever begins `name` sorts at or before it, and all that sorts between the two begins with it too. So
        // the last prefix at or before `name` is the one sought or descends from it.
        let mut at = self.prefixes.partition_point(|prefix| *prefix.text <= *name).checked_sub(1)?;
        let common = common_length(&self.prefixes[at].text, name);
        loop {
            let prefix = &self.prefixes[at];
            if prefix.text.len() <= common {
                return Some(prefix);
            }
            at = prefix.shorter?;
        }
    }

    fn link_prefixes(&mut self) {
        self.prefixes.sort_unstable_by(|a, b| a.text.cmp(&b.text));
        let mut open: Vec<usize> = Vec::new();
        for at in 0..self.prefixes.len() {
            while open
                .pop_if(|&mut shorter| !self.prefixes[at].text.starts_with(&*self.prefixes[shorter].text))
                .is_some()
            {}
            if let Some(&shorter) = open.last() {
                let (denied, allowed) = (self.prefixes[shorter].denied, self.prefixes[shorter].allowed);
                let prefix = &mut self.prefixes[at];
                prefix.shorter = Some(shorter);
                prefix.denied |= denied;
                prefix.allowed |= allowed;
            }
            open.push(at);
        }
    }
}

impl Literals {
    fn new(literals: Vec<(Box<str>, RuleOutcome)>) -> Literals {
        match literals.len() <= FEW {
            true => Literals::Few(literals.into()),
            false => Literals::Many(literals.into_iter().collect()),
        }
    }

    fn get(&self, name: &str) -> Option<&RuleOutcome> {
        match self {
            Literals::Few(few) => {
                few.iter().find(|(literal, _)| **literal == *name).map(|(_, verdict)| verdict)
            }
            Literals::Many(many) => many.get(name),
        }
    }
}

impl Matches<'_> {
    /// Whether any pattern covers the name.
    pub(super) fn is_empty(&self) -> bool {
        self.literal.is_none() && self.longest_prefix.is_none() && self.any_name.is_none()
    }

    /// How closely they name it. A binding on any name says nothing of this one.
    pub(super) fn known(&self) -> Known {
        match (self.literal, self.longest_prefix) {
            (Some(_), _) => Known::ByName,
            (None, Some(_)) => Known::ByPrefix,
            (None, None) => Known::Nothing,
        }
    }

    /// The denied and the allowed operations.
    pub(super) fn operations(&self) -> (u32, u32) {
        let prefix = self.longest_prefix.map_or((0, 0), |prefix| (prefix.denied, prefix.allowed));
        [self.literal, self.any_name]
            .into_iter()
            .flatten()
            .fold(prefix, |(denied, allowed), verdict| (denied | verdict.denied, allowed | verdict.allowed))
    }

    pub(super) fn is_denied_by_literal(&self, operation: Operation) -> bool {
        self.literal.is_some_and(|verdict| verdict.denied & operation.bit() != 0)
    }

    pub(super) fn is_denied_by_prefix(&self, operation: Operation) -> bool {
        self.longest_prefix.is_some_and(|prefix| prefix.denied & operation.bit() != 0)
    }

    /// The denial that Kafka meets first, which is the one it reports.
    pub(super) fn first_denial(&self, bindings: &[Arc<Binding>], operation: Operation) -> Option<Turn> {
        self.turns(bindings, Permission::Deny, operation).min()
    }

    /// The permission that Kafka meets last, which is the one it reports.
    pub(super) fn last_permission(&self, bindings: &[Arc<Binding>], operation: Operation) -> Option<Turn> {
        self.turns(bindings, Permission::Allow, operation).max()
    }

    fn turns(
        &self,
        bindings: &[Arc<Binding>],
        permission: Permission,
        operation: Operation,
    ) -> impl Iterator<Item = Turn> {
        let shorter = |prefix: &&Prefix| prefix.shorter.map(|at| &self.patterns.prefixes[at]);
        let prefixes = std::iter::successors(self.longest_prefix, shorter).map(|prefix| &prefix.verdict);
        let by_name = self.literal.into_iter().chain(prefixes).map(|verdict| (false, verdict));
        by_name
            .chain(self.any_name.map(|verdict| (true, verdict)))
            .flat_map(|(any_name, verdict)| {
                self.patterns.places[verdict.range.clone()].iter().map(move |&place| (any_name, place))
            })
            .filter(move |&(_, place)| {
                let binding = &bindings[place];
                binding.permission == permission && binding.operations() & operation.bit() != 0
            })
    }
}

impl RuleOutcome {
    fn new<'a>(bindings: impl Iterator<Item = &'a Binding>, range: Range<usize>) -> RuleOutcome {
        let mut verdict = RuleOutcome { denied: 0, allowed: 0, range };
        for binding in bindings {
            match binding.permission {
                Permission::Deny => verdict.denied |= binding.operations(),
                Permission::Allow => verdict.allowed |= binding.operations(),
            }
        }
        verdict
    }
}

impl Prefix {
    fn new(text: &str, verdict: RuleOutcome) -> Prefix {
        Prefix { text: text.into(), shorter: None, denied: verdict.denied, allowed: verdict.allowed, verdict }
    }
}

impl Binding {
    /// The operations that it denies or allows; only permissions imply others.
    pub(super) fn operations(&self) -> u32 {
        match self.permission {
            Permission::Deny => self.operation.named_by(),
            Permission::Allow => self.operation.allowed_by(),
        }
    }

    /// Whether it has this permission for this very operation, or for `All`.
    pub(super) fn names(&self, permission: Permission, operation: Operation) -> bool {
        self.permission == permission && self.operation.named_by() & operation.bit() != 0
    }
}

fn same_pattern(a: &Binding, b: &Binding) -> bool {
    a.pattern_type == b.pattern_type && a.resource_name == b.resource_name
}

fn common_length(a: &str, b: &str) -> usize {
    a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count()
}
