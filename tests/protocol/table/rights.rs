//! What a client without rights can reach, and what is asked of the ACLs.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use doorkeeper::model::acl::{Operation, ResourceType};
use doorkeeper::protocol::api::Row;
use doorkeeper::protocol::messages::{ListGroupsRequest, ListTransactionsRequest, MetadataRequest};
use doorkeeper::protocol::wire::{Message, Uuid};

use crate::support::door::{Door, allow, id};
use crate::support::filled::{Filling, filled};
use crate::support::layouts::{Field, Layout};
use crate::support::samples::{Random, Style, sample};
use crate::table::played::{Played, each_decided_version, holds, play, response};

/// What every text of a filled request begins with.
const MARK: &str = "marked-";

/// The name of the topic that a filled request names by id.
const BY_ID: &str = "marked-by-id";

/// The id that stands in a field.
fn topic_id(path: &str) -> Uuid {
    if path.starts_with("Forgotten") { id(8) } else { id(7) }
}

/// A request whose texts name the fields that they stand in.
pub(crate) fn marked(layout: &Layout, version: i16, key_type: i64, shape: Filling<'_>) -> Bytes {
    let text = |path: &str, _: &Field| {
        // A page begins at one of the topics, or it is refused.
        let path = if path == "Cursor.TopicName" { "Topics.Name" } else { path };
        Some(format!("{MARK}{path}_"))
    };
    let number = |path: &str, _: &Field| match path {
        // Of Produce: a producer that wants an answer.
        "Acks" => Some(1),
        "KeyType" => Some(key_type),
        // Of configurations: those of topics.
        "Resources.ResourceType" => Some(2),
        // Of ACLs: with a code of 0 they are not parsed.
        _ if layout.api.ends_with("Acls") => Some(3),
        _ => None,
    };
    // A share session does not begin with acknowledgements.
    let count = |path: &str| match path.ends_with("AcknowledgementBatches") {
        true => 0,
        false => (shape.count)(path),
    };
    filled(
        layout,
        version,
        &Filling { text: &text, number: &number, uuid: &topic_id, count: &count, ..shape },
    )
}

pub(crate) fn knowing_ids(door: Door) -> Door {
    door.knowing(&[(id(7), BY_ID), (id(8), "marked-forgotten-id")])
}

/// The words of its own that a client without any right may have passed on: API, where they stand, why.
const OPEN: &[(&str, &str, &str)] = &[
    ("Produce", "TransactionalId", "of a request without records"),
    ("Fetch", "ForgottenTopicsData.Topic", "what is no longer wanted; without a session it never was"),
    ("Fetch", "ForgottenTopicsData.TopicId", "as well"),
    ("Fetch", "ClusterId", "where it means to be"),
    ("Fetch", "RackId", "where it is"),
    ("ListGroups", "StatesFilter", "of the groups it gets what it may see"),
    ("ListGroups", "TypesFilter", "of the groups it gets what it may see"),
    ("ApiVersions", "ClientSoftwareName", "it must learn what is served"),
    ("ApiVersions", "ClientSoftwareVersion", "it must learn what is served"),
    ("ApiVersions", "ClusterId", "it must learn what is served"),
    ("ListTransactions", "StateFilters", "of the transactions it gets what it may see"),
    ("ListTransactions", "TransactionalIdPattern", "of the transactions it gets what it may see"),
    ("GetTelemetrySubscriptions", "ClientInstanceId", "its metrics are the administrators' wish"),
    ("PushTelemetry", "ClientInstanceId", "its metrics are the administrators' wish"),
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
    "GetTelemetrySubscriptions",
    "PushTelemetry",
    "ShareGroupDescribe",
    "StreamsGroupDescribe",
    "DescribeShareGroupOffsets",
];

#[test]
fn without_any_right_nothing_reaches_the_broker_but_what_is_open() {
    let random = RefCell::new(Random(31));
    let below = |limit| random.borrow_mut().below(limit);
    let (mut open, mut hollow) = (BTreeSet::new(), BTreeSet::new());
    each_decided_version(|row, layout, version| {
        let default = (layout.entry().request.default)(version).unwrap().into();
        let mut requests = vec![default];
        requests.extend([0, 1, 2].map(|kind| marked(layout, version, kind, Filling::default())));
        requests.extend((0..30).map(|_| {
            let count = |_: &str| below(3) as u32;
            let null = |_: &str| below(4) == 0;
            let shape = Filling { count: &count, null: &null, ..Filling::default() };
            let kind = below(3) as i64;
            marked(layout, version, kind, shape)
        }));
        for request in requests {
            let mut broker = |key, version, _: &Bytes| {
                sample(response(key, version), version, &mut random.borrow_mut(), Style::Rich)
            };
            let mut door = knowing_ids(Door::new([]));
            let played = play(&mut door, row, version, &request, false, &mut broker);
            for (key, _, body) in &played.asked {
                assert_eq!(*key, MetadataRequest::KEY, "{} asks for another API", row.name);
                assert!(!names_something(body), "{} version {version} asks by name", row.name);
            }
            if let Some(body) = &played.forwarded {
                let words = words(layout, version, body);
                if words.is_empty() {
                    assert!(!names_something(body), "{} version {version}", row.name);
                    hollow.insert(row.name);
                }
                open.extend(words.into_iter().map(|path| (row.name, path)));
            }
        }
    });
    assert_eq!(pairs(open), pairs(OPEN.iter().map(|(api, path, _)| (*api, *path))));
    assert_eq!(hollow, HOLLOW.iter().copied().collect());
}

/// Where the words stand that a message has of a marked request.
fn words(layout: &Layout, version: i16, body: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    walk("", &layout.fields, version, &mut |path, field| {
        let word = format!("{MARK}{path}_");
        if holds(body, word.as_bytes()) || field.kind == "uuid" && holds(body, &topic_id(path).0) {
            found.push(path.to_owned());
        }
    });
    found
}

fn names_something(body: &[u8]) -> bool {
    holds(body, MARK.as_bytes()) || holds(body, &id(7).0) || holds(body, &id(8).0)
}

/// What stands in a broker's answer wherever it names a topic, a group or a transactional id.
const SECRET: &str = "secret-";

#[test]
fn without_any_right_no_name_comes_back_from_the_broker() {
    let random = RefCell::new(Random(77));
    let below = |limit| random.borrow_mut().below(limit);
    let mut listed = BTreeSet::new();
    each_decided_version(|row, layout, version| {
        for _ in 0..20 {
            let count = |_: &str| below(3) as u32;
            let null = |_: &str| below(3) == 0;
            let shape = Filling { count: &count, null: &null, ..Filling::default() };
            let request = marked(layout, version, below(3) as i64, shape);
            let text = |path: &str, field: &Field| {
                matches!(field.entity, Some("topicName" | "groupId" | "transactionalId"))
                    .then(|| format!("{SECRET}{path}"))
            };
            let mut broker = |key, version, body: &Bytes| {
                let lists = lists_everything(key, version, body);
                if lists && key == row.key {
                    listed.insert(row.name);
                }
                let asks = names_something(body)
                    && words(layout, version, body).iter().any(|path| {
                        !OPEN.iter().any(|(api, open, _)| (row.name, path.as_str()) == (*api, *open))
                    });
                let tells = u32::from(lists || asks);
                let secrets = Filling { text: &text, count: &|_| tells, ..Filling::default() };
                filled(response(key, version), version, &secrets)
            };
            let mut door = knowing_ids(Door::new([]));
            let played = play(&mut door, row, version, &request, false, &mut broker);
            let Some(answer) = played.answer else { continue };
            assert!(!holds(&answer, SECRET.as_bytes()), "{} version {version}: {request:?}", row.name);
        }
    });
    assert_eq!(listed, ["ListGroups", "ListTransactions", "Metadata"].into());
}

/// Whether a broker answers the request with everything that it has.
fn lists_everything(key: i16, version: i16, body: &Bytes) -> bool {
    match key {
        MetadataRequest::KEY => {
            let topics = MetadataRequest::decode(body, version).unwrap().topics;
            topics.is_none_or(|topics| version == 0 && topics.is_empty())
        }
        ListGroupsRequest::KEY | ListTransactionsRequest::KEY => true,
        _ => false,
    }
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
    (
        "StreamsGroupTopologyDescriptionUpdate",
        "TopologyDescription.GlobalStores.Processor.SinkTopic",
        DESCRIBES,
    ),
    (
        "StreamsGroupTopologyDescriptionUpdate",
        "TopologyDescription.GlobalStores.Processor.SourceTopics",
        DESCRIBES,
    ),
    ("StreamsGroupTopologyDescriptionUpdate", "TopologyDescription.GlobalStores.Source.SinkTopic", DESCRIBES),
    (
        "StreamsGroupTopologyDescriptionUpdate",
        "TopologyDescription.GlobalStores.Source.SourceTopics",
        DESCRIBES,
    ),
    ("StreamsGroupTopologyDescriptionUpdate", "TopologyDescription.Subtopologies.Nodes.SinkTopic", DESCRIBES),
    (
        "StreamsGroupTopologyDescriptionUpdate",
        "TopologyDescription.Subtopologies.Nodes.SourceTopics",
        DESCRIBES,
    ),
];

const DESCRIBES: &str = "words for a plugin, by a member of the group";

/// Topic ids that nobody is asked about.
const IDS_NOT_ASKED_ABOUT: &[(&str, &str, &str)] = &[
    ("Metadata", "Topics.TopicId", "is refused before version 12"),
    ("DeleteTopics", "Topics.TopicId", "a name beside it is refused before"),
    ("ConsumerGroupHeartbeat", "TopicPartitions.TopicId", "what a member says that it owns"),
    ("ShareAcknowledge", "Topics.TopicId", "without a session it is refused before"),
    ("InitializeShareGroupState", "Topics.TopicId", "brokers: with CLUSTER_ACTION"),
    ("ReadShareGroupState", "Topics.TopicId", "brokers: with CLUSTER_ACTION"),
    ("WriteShareGroupState", "Topics.TopicId", "brokers: with CLUSTER_ACTION"),
    ("DeleteShareGroupState", "Topics.TopicId", "brokers: with CLUSTER_ACTION"),
    ("ReadShareGroupStateSummary", "Topics.TopicId", "brokers: with CLUSTER_ACTION"),
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
        let mut broker =
            |key, version, _: &Bytes| sample(response(key, version), version, &mut answers, Style::Sparse);
        play(&mut door, row, version, &request, false, &mut broker);
        for (path, entity) in marked_fields(layout, version) {
            let resource_type = match entity {
                "topicName" => ResourceType::Topic,
                "groupId" => ResourceType::Group,
                _ => ResourceType::TransactionalId,
            };
            let name = format!("{MARK}{path}_");
            let asked =
                door.heard.iter().any(|heard| heard.resource_type == resource_type && heard.name == name);
            *names.entry(entity).or_default() += 1;
            if !asked && !is_pointless(row, version, &path) {
                unasked.insert((row.name, path));
            }
        }
        walk("", &layout.fields, version, &mut |path, field| {
            let heard = door.heard.iter().any(|heard| heard.name == BY_ID);
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
        for mut door in crate::table::complete::doors() {
            let mut answers = Random(9);
            let mut broker = |key, version, _: &Bytes| {
                sample(response(key, version), version, &mut answers, Style::Sparse)
            };
            let request = marked(layout, version, 0, Filling::default());
            let Played { closed, .. } = play(&mut door, row, version, &request, false, &mut broker);
            assert_eq!(closed, None, "{} version {version}", row.name);
        }
    });
}
