//! What a client without rights can reach, and what is asked of the ACLs.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use doorkeeper::protocol::api::Row;
use doorkeeper::protocol::messages::MetadataRequest;
use doorkeeper::protocol::wire::Message;
use doorkeeper::words::acl::{Operation, ResourceType};

use crate::filled::{Filling, filled};
use crate::layouts::{Field, Layout};
use crate::played::{Played, each_decided_version, holds, play, response};
use crate::samples::{Random, Style, sample};
use crate::support_rules::{Door, allow, id};

/// What every text of a filled request begins with.
const MARK: &str = "marked-";

/// A request whose texts name the fields that they stand in. Topic ids are `id(7)`.
fn marked(layout: &Layout, version: i16, key_type: i64, shape: Filling<'_>) -> Bytes {
    let text = |path: &str, _: &Field| {
        // A page begins at one of the topics, or it is refused.
        let path = if path == "Cursor.TopicName" { "Topics.Name" } else { path };
        Some(format!("{MARK}{path}"))
    };
    let number = |path: &str, _: &Field| match path {
        // Of Produce: a producer that wants an answer.
        "Acks" => Some(1),
        "KeyType" => Some(key_type),
        // Of configurations: those of topics.
        "Resources.ResourceType" => Some(2),
        _ => None,
    };
    filled(layout, version, &Filling { text: &text, number: &number, uuid: id(7).0, ..shape })
}

fn knowing_ids(door: Door) -> Door {
    door.knowing(&[(id(7), "marked-by-id")])
}

/// The APIs of which a client without any right may have its own words passed on, and which words.
const OPEN: &[(&str, &str)] = &[
    ("Produce", "the transactional id of a request without records"),
    ("Fetch", "what is no longer wanted, which counts for nothing without a session"),
    ("Metadata", "ids in versions 10 and 11: the broker refuses them itself"),
    ("FindCoordinator", "share groups before version 6: the broker refuses them itself"),
    ("ListGroups", "the states and types that are wanted: of these it gets what it may see"),
    ("ApiVersions", "its software: it must learn what is served"),
    ("ListTransactions", "the states and the pattern that are wanted: of these it gets what it may see"),
];

/// The APIs of which a client without any right may have a request passed on that names nothing.
const HOLLOW: &[&str] = &[
    "Produce",
    "Fetch",
    "ListOffsets",
    "Metadata",
    "OffsetFetch",
    "FindCoordinator",
    "DescribeGroups",
    "ListGroups",
    "ApiVersions",
    "DeleteRecords",
    "OffsetForLeaderEpoch",
    "DeleteGroups",
    "DescribeCluster",
    "DescribeProducers",
    "DescribeTransactions",
    "ListTransactions",
    "ConsumerGroupDescribe",
];

#[test]
fn without_any_right_nothing_reaches_the_broker_but_what_is_open() {
    let random = RefCell::new(Random(31));
    let below = |limit| random.borrow_mut().below(limit);
    let (mut open, mut hollow) = (BTreeSet::new(), BTreeSet::new());
    each_decided_version(|row, layout, version| {
        let mut requests = vec![(layout.entry().request.default)(version).unwrap().into()];
        requests.extend([0, 1, 2].map(|key_type| marked(layout, version, key_type, Filling::default())));
        requests.extend((0..30).map(|_| {
            let count = |_: &str| below(3) as u32;
            let null = |_: &str| below(4) == 0;
            let shape = Filling { count: &count, null: &null, ..Filling::default() };
            marked(layout, version, below(3) as i64, shape)
        }));
        for request in requests {
            let mut broker =
                |key, version| sample(response(key, version), version, &mut random.borrow_mut(), Style::Rich);
            let mut door = knowing_ids(Door::new([]));
            let played = play(&mut door, row, version, &request, false, &mut broker);
            for (key, _, body) in &played.asked {
                assert_eq!(*key, MetadataRequest::KEY, "{} asks for another API", row.name);
                assert!(!names_something(body), "{} version {version} asks by name", row.name);
            }
            if let Some(body) = &played.forwarded {
                match names_something(body) {
                    true => open.insert(row.name),
                    false => hollow.insert(row.name),
                };
            }
        }
    });
    assert_eq!(open, OPEN.iter().map(|(name, _)| *name).collect());
    assert_eq!(hollow, HOLLOW.iter().copied().collect());
}

fn names_something(body: &[u8]) -> bool {
    holds(body, MARK.as_bytes()) || holds(body, &id(7).0)
}

/// One right on the cluster decides all of these, whatever topics they name.
const DECIDED_BY_CLUSTER: &[&str] = &[
    "AlterReplicaLogDirs",
    "DescribeLogDirs",
    "ElectLeaders",
    "AlterPartitionReassignments",
    "ListPartitionReassignments",
    "DescribeQuorum",
    "WriteTxnMarkers",
];

/// Names that Kafka does not ask its ACLs about.
const NOT_ASKED_ABOUT: &[(&str, &str, &str)] = &[
    ("Produce", "TransactionalId", "counts only with transactional records"),
    ("Fetch", "ForgottenTopicsData.Topic", "what is no longer wanted"),
    ("DescribeTopicPartitions", "Cursor.TopicName", "is one of the topics, or refused before"),
    ("AddPartitionsToTxn", "Transactions.TransactionalId", "brokers: with CLUSTER_ACTION"),
    ("AddPartitionsToTxn", "Transactions.Topics.Name", "brokers: with CLUSTER_ACTION"),
];

/// Topic ids that nobody is asked about.
const IDS_NOT_ASKED_ABOUT: &[(&str, &str, &str)] = &[
    ("Metadata", "Topics.TopicId", "before version 12: the broker refuses them itself"),
    ("DeleteTopics", "Topics.TopicId", "a name beside it is refused before"),
    ("ConsumerGroupHeartbeat", "TopicPartitions.TopicId", "what a member says that it owns"),
];

/// Every field that Kafka marks as the name of a topic, a group or a transactional id is asked about.
#[test]
fn every_name_is_asked_about() {
    let (mut unasked, mut unasked_ids) = (BTreeSet::new(), BTreeSet::new());
    let mut names = BTreeMap::<_, usize>::new();
    each_decided_version(|row, layout, version| {
        let request = marked(layout, version, 0, Filling::default());
        let any = [ResourceType::Topic, ResourceType::Group, ResourceType::TransactionalId];
        let mut door =
            knowing_ids(Door::new(any.map(|resource_type| allow(Operation::All, resource_type, "*"))));
        let mut answers = Random(9);
        let mut broker = |key, version| sample(response(key, version), version, &mut answers, Style::Sparse);
        play(&mut door, row, version, &request, false, &mut broker);
        for (path, entity) in marked_fields(layout, version) {
            let resource_type = match entity {
                "topicName" => ResourceType::Topic,
                "groupId" => ResourceType::Group,
                _ => ResourceType::TransactionalId,
            };
            let name = format!("{MARK}{path}");
            let asked =
                door.heard.iter().any(|heard| heard.resource_type == resource_type && heard.name == name);
            *names.entry(entity).or_default() += 1;
            if !asked && !is_pointless(row, version, &path) {
                unasked.insert((row.name, path));
            }
        }
        walk("", &layout.fields, version, &mut |path, field| {
            let heard = door.heard.iter().any(|heard| heard.name == "marked-by-id");
            if field.name == "TopicId" && !heard {
                unasked_ids.insert((row.name, path.to_owned()));
            }
        });
    });
    let (by_cluster, others): (BTreeSet<_>, BTreeSet<_>) =
        unasked.iter().partition(|(api, _)| DECIDED_BY_CLUSTER.contains(api));
    assert_eq!(
        pairs(others.iter().map(|(api, path)| (api, path))),
        pairs(NOT_ASKED_ABOUT.iter().map(|(api, path, _)| (*api, *path)))
    );
    assert_eq!(pairs(unasked_ids), pairs(IDS_NOT_ASKED_ABOUT.iter().map(|(api, path, _)| (*api, *path))));
    let by_cluster: BTreeSet<_> = by_cluster.iter().map(|(api, _)| *api).collect();
    assert_eq!(by_cluster, DECIDED_BY_CLUSTER.iter().copied().collect());
    assert_eq!(names.len(), 3, "{names:?}");
}

fn pairs<A: AsRef<str>, B: AsRef<str>>(
    pairs: impl IntoIterator<Item = (A, B)>,
) -> BTreeSet<(String, String)> {
    pairs.into_iter().map(|(api, path)| (api.as_ref().to_owned(), path.as_ref().to_owned())).collect()
}

/// Where a name counts for nothing because something else in the same request does.
fn is_pointless(row: &Row, version: i16, path: &str) -> bool {
    match (row.name, path) {
        // A name beside an id: names are ignored, or both at once is refused.
        ("Metadata", "Topics.Name") => version >= 10,
        ("DeleteTopics", "Topics.Name") => true,
        _ => false,
    }
}

fn marked_fields(layout: &Layout, version: i16) -> Vec<(String, &'static str)> {
    let mut found = Vec::new();
    walk("", &layout.fields, version, &mut |path, field| {
        if let Some(entity @ ("topicName" | "groupId" | "transactionalId")) = field.entity {
            found.push((path.to_owned(), entity));
        }
    });
    found
}

fn walk(path: &str, fields: &[Field], version: i16, f: &mut impl FnMut(&str, &Field)) {
    for field in fields.iter().filter(|field| field.versions.contains(&version)) {
        let path = if path.is_empty() { field.name.to_owned() } else { format!("{path}.{}", field.name) };
        f(&path, field);
        walk(&path, &field.fields, version, f);
    }
}

/// A client that is closed out has done something that no client does.
#[test]
fn nobody_is_closed_out_for_asking() {
    each_decided_version(|row, layout, version| {
        for mut door in crate::complete::doors() {
            let mut answers = Random(9);
            let mut broker =
                |key, version| sample(response(key, version), version, &mut answers, Style::Sparse);
            let request = marked(layout, version, 0, Filling::default());
            let Played { closed, .. } = play(&mut door, row, version, &request, false, &mut broker);
            assert_eq!(closed, None, "{} version {version}", row.name);
        }
    });
}
