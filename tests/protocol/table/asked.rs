//! What each API asks of the ACLs is what the table of rights says, for whoever explains a denial by it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use doorkeeper::model::acl::{Binding, Operation, ResourceType};
use doorkeeper::protocol::access::Ground;
use doorkeeper::protocol::api::Row;
use doorkeeper::protocol::api::rights::{ASKED, Right, asking};

use crate::support::door::{Door, Heard, allow, allow_cluster};
use crate::support::filled::Filling;
use crate::support::samples::{Random, Style, sample};
use crate::table::complete::doors;
use crate::table::played::{each_decided_version, play, response};
use crate::table::rights::{knowing_ids, marked};

/// Every version of every API, before doors of all kinds: the name of the API, and what was heard at the door.
fn each_request(mut f: impl FnMut(&'static Row, &[Heard])) {
    let random = RefCell::new(Random(31));
    each_decided_version(|row, layout, version| {
        let mut requests: Vec<Bytes> = vec![(layout.entry().request.default)(version).unwrap().into()];
        requests.extend([0, 1, 2].map(|kind| marked(layout, version, kind, Filling::default())));
        requests.extend((0..20).map(|_| sample(layout, version, &mut random.borrow_mut(), Style::Rich)));
        for request in requests {
            for door in doors() {
                let mut door = knowing_ids(door);
                let mut broker = |key, version, _: &Bytes| {
                    sample(response(key, version), version, &mut random.borrow_mut(), Style::Rich)
                };
                play(&mut door, row, version, &request, false, &mut broker);
                f(row, &door.heard);
            }
        }
    });
}

/// Rights that are asked for only where a request, or what came before it, fits better than by chance: why.
const UNHEARD: &[(&str, Right, &str)] = &[
    ("Produce", (Operation::Write, ResourceType::TransactionalId), "its records are transactional"),
    ("ShareAcknowledge", (Operation::Read, ResourceType::Topic), "there is a session"),
    ("StreamsGroupHeartbeat", (Operation::Create, ResourceType::Topic), "the group lacks a topic"),
    ("DescribeConfigs", (Operation::DescribeConfigs, ResourceType::Cluster), OF_BROKERS),
    ("DescribeConfigs", (Operation::DescribeConfigs, ResourceType::Group), OF_BROKERS),
    ("AlterConfigs", (Operation::AlterConfigs, ResourceType::Cluster), OF_BROKERS),
    ("AlterConfigs", (Operation::AlterConfigs, ResourceType::Group), OF_BROKERS),
    ("IncrementalAlterConfigs", (Operation::AlterConfigs, ResourceType::Cluster), OF_BROKERS),
    ("IncrementalAlterConfigs", (Operation::AlterConfigs, ResourceType::Group), OF_BROKERS),
];

const OF_BROKERS: &str = "it is about a broker or a group";

fn pairs<'a, 'b>(
    rights: &'b BTreeMap<&'a str, BTreeSet<Right>>,
) -> impl Iterator<Item = (&'a str, Right)> + use<'a, 'b> {
    rights.iter().flat_map(|(api, rights)| rights.iter().map(move |right| (*api, *right)))
}

#[test]
fn the_table_of_rights_has_what_every_api_asks_for() {
    let mut heard: BTreeMap<&str, BTreeSet<Right>> = BTreeMap::new();
    each_request(|row, at_the_door| {
        let rights = at_the_door.iter().map(|heard| (heard.operation, heard.resource_type));
        heard.entry(row.name).or_default().extend(rights);
    });
    heard.retain(|_, rights| !rights.is_empty());
    let mut said: BTreeMap<&str, BTreeSet<Right>> = BTreeMap::new();
    for asked in ASKED {
        let rights = said.entry(Row::find(asked.key).unwrap().name).or_default();
        rights.extend(asked.rights);
        if let Some(instead) = asked.instead {
            assert!(asked.rights.contains(&instead.of), "{asked:?}");
            if let Ground::Named(operation, resource_type) = instead.enough {
                rights.insert((operation, resource_type));
            }
        }
    }
    let unsaid: Vec<_> = pairs(&heard)
        .filter(|(api, right)| !said.get(api).is_some_and(|rights| rights.contains(right)))
        .collect();
    assert!(unsaid.is_empty(), "asked for, and not in the table: {unsaid:?}");
    let unobserved: BTreeSet<_> = pairs(&said)
        .filter(|(api, right)| !heard.get(api).is_some_and(|rights| rights.contains(right)))
        .collect();
    let expected: BTreeSet<_> = UNHEARD.iter().map(|(api, right, _)| (*api, *right)).collect();
    assert_eq!(unobserved, expected, "in the table, and not asked for");
    assert!(ASKED.iter().map(|asked| asked.key).is_sorted(), "the table is in the order of keys");
}

/// A right that is looked at in silence is a step on the way to another: what is enough instead, or what is left out of an
/// answer without a word.
#[test]
fn what_is_asked_for_in_silence_is_in_the_table_or_leaves_something_out() {
    let mut silent: BTreeSet<(&str, Right)> = BTreeSet::new();
    each_request(|row, at_the_door| {
        let rights = at_the_door.iter().filter(|heard| heard.silent);
        silent.extend(rights.map(|heard| (row.name, (heard.operation, heard.resource_type))));
    });
    for asked in ASKED {
        let Some(Ground::Named(operation, resource_type)) = asked.instead.map(|instead| instead.enough)
        else {
            continue;
        };
        let name = Row::find(asked.key).unwrap().name;
        assert!(silent.remove(&(name, (operation, resource_type))), "{name}");
    }
    let (topic, group) = (ResourceType::Topic, ResourceType::Group);
    let left_out = [
        ("CreateTopics", (Operation::DescribeConfigs, topic)),
        ("InitProducerId", (Operation::IdempotentWrite, ResourceType::Cluster)),
        ("ListGroups", (Operation::Describe, group)),
        ("Metadata", (Operation::Describe, topic)),
        ("Metadata", (Operation::Create, topic)),
    ];
    let more: Vec<_> = silent.iter().filter(|one| !left_out.contains(one)).collect();
    assert!(more.is_empty(), "{more:?}");
}

/// Where the table says that another right is enough, a client with that alone is let through.
#[test]
fn what_is_enough_in_the_table_is_enough() {
    let random = RefCell::new(Random(31));
    let mut let_through: BTreeSet<i16> = BTreeSet::new();
    each_decided_version(|row, layout, version| {
        let Some(instead) = ASKED.iter().find(|asked| asked.key == row.key).and_then(|asked| asked.instead)
        else {
            return;
        };
        let (operation, resource_type) = instead.of;
        let enough = match instead.enough {
            Ground::Named(operation, _) => allow_cluster(operation),
            Ground::Any(operation, resource_type) => allow(operation, resource_type, "elsewhere"),
            other => panic!("{other:?}"),
        };
        let others = asking_others(row.key, instead.of);
        let request = |bindings: Vec<_>| {
            let mut door = knowing_ids(Door::new(bindings));
            let mut broker = |key, version, _: &Bytes| {
                sample(response(key, version), version, &mut random.borrow_mut(), Style::Sparse)
            };
            let request = marked(
                layout,
                version,
                0,
                Filling { null: &|path| path == "TransactionalId", ..Filling::default() },
            );
            play(&mut door, row, version, &request, false, &mut broker);
            let denied = |heard: &&Heard| !heard.allowed && !heard.silent;
            let denied = door.heard.iter().filter(denied);
            denied
                .filter(|heard| (heard.operation, heard.resource_type) == (operation, resource_type))
                .count()
        };
        let without = request(others.clone());
        let with = request(others.into_iter().chain([enough]).collect());
        if without > 0 {
            assert_eq!(with, 0, "{} version {version}", row.name);
            let_through.insert(row.key);
        }
    });
    let all = ASKED.iter().filter(|asked| asked.instead.is_some()).map(|asked| asked.key);
    // Of ListGroups a client without rights is told nothing, which is no denial; the others need a broker's answer first.
    let needs_more = |key: &i16| matches!(key, 3 | 16 | 88);
    let all: BTreeSet<i16> = all.filter(|key| !needs_more(key)).collect();
    let_through.retain(|key| !needs_more(key));
    assert_eq!(let_through, all);
    assert_eq!(asking((Operation::IdempotentWrite, ResourceType::Cluster)).count(), 1);
}

/// Everything else that the API asks for, but on the cluster.
fn asking_others(key: i16, but: Right) -> Vec<Binding> {
    let rights = ASKED.iter().filter(|asked| asked.key == key).flat_map(|asked| asked.rights);
    let others = rights.filter(|right| **right != but && right.1 != ResourceType::Cluster);
    others.map(|(operation, resource_type)| allow(*operation, *resource_type, "*")).collect()
}
