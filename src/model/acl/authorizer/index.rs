//! The index over one generation of bindings: which of them are for a principal at an address, and on which resources.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::super::host::{Network, host_text};
use super::super::patterns::{Patterns, Place};
use super::super::{Binding, EVERYBODY, ResourceType, WILDCARD};
use super::{Decision, Rule, Settings};

/// The bindings of one generation, by principal and host.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) bindings: Vec<Arc<Binding>>,
    pub(super) super_users: HashSet<String>,
    pub(super) allow_everyone_if_no_acl_found: bool,
    pub(super) reserved_topic: Option<String>,
    hosts: HashMap<Box<str>, Hosts>,
    pub(super) tables: Vec<Table>,
    /// Every pattern, whoever it is for.
    pub(super) all: Table,
}

/// The bindings of one principal and host.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) by_type: Box<[(ResourceType, Patterns)]>,
}

/// The tables of one principal, by host. Nearly all have one, for any host.
#[derive(Debug, Default)]
struct Hosts {
    any: Option<usize>,
    others: Option<Box<OtherHosts>>,
}

#[derive(Debug, Default)]
struct OtherHosts {
    exact: HashMap<Box<str>, usize>,
    networks: HashMap<Network, usize>,
    /// The prefix lengths that occur in `networks`, IPv4 and IPv6.
    lengths: [BTreeSet<u8>; 2],
}

impl Index {
    pub(super) fn new(bindings: Vec<Arc<Binding>>, settings: Settings) -> Index {
        let bindings = in_kafkas_order(bindings);
        let mut hosts: HashMap<Box<str>, Hosts> = HashMap::new();
        let mut tables: Vec<Vec<Place>> = Vec::new();
        for (place, binding) in bindings.iter().enumerate() {
            let of_principal = match hosts.get_mut(binding.principal.as_str()) {
                Some(found) => found,
                None => hosts.entry(binding.principal.as_str().into()).or_default(),
            };
            let table = of_principal.table(&binding.host, settings.cidr_hosts, tables.len());
            if table == tables.len() {
                tables.push(Vec::new());
            }
            tables[table].push(place);
        }
        // In Kafka's order those of one type are neighbours.
        let kind = |place: Place| bindings[place].resource_type;
        let indexed = |places: Vec<Place>| Table {
            by_type: places
                .chunk_by(|&a, &b| kind(a) == kind(b))
                .map(|places| (kind(places[0]), Patterns::new(&bindings, places)))
                .collect(),
        };
        hosts.shrink_to_fit();
        Index {
            super_users: settings.super_users.into_iter().collect(),
            allow_everyone_if_no_acl_found: settings.allow_everyone_if_no_acl_found,
            reserved_topic: settings.reserved_topic,
            hosts,
            tables: tables.into_iter().map(indexed).collect(),
            all: indexed((0..bindings.len()).collect()),
            bindings,
        }
    }

    /// Whether it is the topic that doorkeeper keeps for itself.
    pub(super) fn is_reserved(&self, resource_type: ResourceType, name: &str) -> bool {
        resource_type == ResourceType::Topic && self.reserved_topic.as_deref() == Some(name)
    }

    /// The places in `tables` of what can apply to the principal at the address.
    pub(super) fn tables_for(&self, principal: &str, address: IpAddr) -> Box<[usize]> {
        let address = address.to_canonical();
        let text = host_text(address);
        let everybody = (principal != EVERYBODY).then_some(EVERYBODY);
        std::iter::once(principal)
            .chain(everybody)
            .filter_map(|principal| self.hosts.get(principal))
            .flat_map(|hosts| hosts.matching(address, &text))
            .collect()
    }

    /// Decides where nothing applies.
    pub(super) fn default_decision(&self, resource_type: ResourceType, name: &str) -> Decision {
        match self.all.of(resource_type).is_some_and(|patterns| !patterns.matching(name).is_empty()) {
            true => Decision { allowed: false, rule: Rule::DefaultDeny },
            false => {
                let allowed = self.allow_everyone_if_no_acl_found;
                Decision { allowed, rule: Rule::NoAclFound(allowed) }
            }
        }
    }
}

impl Table {
    pub(super) fn of(&self, resource_type: ResourceType) -> Option<&Patterns> {
        self.by_type.iter().find(|(kind, _)| *kind == resource_type).map(|(_, patterns)| patterns)
    }
}

impl Hosts {
    /// The table of the host, which is `new` if there was none.
    fn table(&mut self, host: &str, cidr_hosts: bool, new: usize) -> usize {
        if host == WILDCARD {
            return *self.any.get_or_insert(new);
        }
        let others = self.others.get_or_insert_default();
        // A text that is no network is kept as a text, which no client's address equals.
        match Network::parse(host) {
            Ok(network) if cidr_hosts => {
                others.lengths[usize::from(!network.is_ipv4())].insert(network.prefix_length());
                *others.networks.entry(network).or_insert(new)
            }
            _ => *others.exact.entry(host.into()).or_insert(new),
        }
    }

    fn matching(&self, address: IpAddr, text: &str) -> impl Iterator<Item = usize> {
        let others = self.others.iter().flat_map(move |others| others.matching(address, text));
        self.any.into_iter().chain(others)
    }
}

impl OtherHosts {
    fn matching(&self, address: IpAddr, text: &str) -> impl Iterator<Item = usize> {
        // Apache Commons Net, and so Kafka, finds 0.0.0.0 in no network.
        let lengths = match address {
            IpAddr::V4(address) => (!address.is_unspecified()).then_some(&self.lengths[0]),
            IpAddr::V6(_) => Some(&self.lengths[1]),
        };
        let networks = lengths
            .into_iter()
            .flatten()
            .filter_map(move |&length| self.networks.get(&Network::around(address, length)));
        self.exact.get(text).into_iter().chain(networks).copied()
    }
}

/// Sorted as `StandardAcl.compareTo` sorts, without duplicates.
fn in_kafkas_order(mut bindings: Vec<Arc<Binding>>) -> Vec<Arc<Binding>> {
    bindings.sort_by(|a, b| in_turn(a, b));
    bindings.dedup();
    bindings.shrink_to_fit();
    bindings
}

fn in_turn(a: &Binding, b: &Binding) -> Ordering {
    a.resource_type
        .cmp(&b.resource_type)
        .then_with(|| in_java(&b.resource_name, &a.resource_name))
        .then_with(|| a.pattern_type.cmp(&b.pattern_type))
        .then_with(|| a.operation.cmp(&b.operation))
        .then_with(|| in_java(&a.principal, &b.principal))
        .then_with(|| in_java(&a.host, &b.host))
        .then_with(|| a.permission.cmp(&b.permission))
}

/// As `String.compareTo`, which compares UTF-16. Without what takes two places there the order is that of UTF-8.
fn in_java(a: &str, b: &str) -> Ordering {
    match a.is_ascii() && b.is_ascii() {
        true => a.cmp(b),
        false => a.encode_utf16().cmp(b.encode_utf16()),
    }
}
