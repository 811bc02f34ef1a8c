//! What a client must be allowed so that a request may reach the broker, by API: written down from Kafka's rules, and of
//! nothing that doorkeeper decides by.
//!
//! It is a judge of what the broker carries out, not of how doorkeeper answers: what reaches the broker must be allowed,
//! wherever the broker itself would have refused it for another reason.

use doorkeeper::model::acl::Operation::{
    self, Alter, AlterConfigs, ClusterAction, Create, Delete, Describe, DescribeConfigs, IdempotentWrite,
    Read, TwoPhaseCommit, Write,
};

use crate::never_through::records;
use crate::never_through::tree::Node;
use crate::never_through::world::{Rights, World};

/// A request that has reached the broker.
pub(crate) struct Case<'a> {
    pub(crate) world: &'a World,
    /// What its sender may do now.
    pub(crate) rights: &'a Rights,
    pub(crate) version: i16,
    pub(crate) body: &'a Node,
    /// The topics that the broker has in the request's session, this request included.
    pub(crate) session: &'a [String],
    /// Whether the broker creates topics that are asked for.
    pub(crate) auto_create: bool,
}

/// What must hold. Paths lead to names, or to topic ids.
enum Need {
    /// Nothing.
    Open,
    /// It never reaches the broker.
    Never,
    Cluster(Operation),
    Topics(Operation, &'static [&'static str]),
    Groups(Operation, &'static [&'static str]),
    Transactions(Operation, &'static [&'static str]),
    All(&'static [Need]),
    Either(&'static [Need]),
    By(fn(&Case<'_>) -> Result<(), String>),
}

use Need::{All, By, Cluster, Either, Groups, Never, Open, Topics, Transactions};

const GROUP_AND_READ: &[&str] = &["GroupId"];

/// What a client's own request needs.
static NEEDS: &[(&str, Need)] = &[
    ("Produce", All(&[Topics(Write, &["TopicData.Name", "TopicData.TopicId"]), By(transactional_records)])),
    ("Fetch", By(fetch)),
    ("ListOffsets", Topics(Describe, &["Topics.Name"])),
    ("Metadata", All(&[By(metadata), By(creation)])),
    ("OffsetCommit", All(&[Groups(Read, GROUP_AND_READ), Topics(Read, &["Topics.Name", "Topics.TopicId"])])),
    (
        "OffsetFetch",
        All(&[
            Groups(Describe, &["GroupId", "Groups.GroupId"]),
            Topics(Describe, &["Topics.Name", "Groups.Topics.Name", "Groups.Topics.TopicId"]),
        ]),
    ),
    ("FindCoordinator", By(find_coordinator)),
    ("JoinGroup", Groups(Read, GROUP_AND_READ)),
    ("Heartbeat", Groups(Read, GROUP_AND_READ)),
    ("LeaveGroup", Groups(Read, GROUP_AND_READ)),
    ("SyncGroup", Groups(Read, GROUP_AND_READ)),
    ("DescribeGroups", Groups(Describe, &["Groups"])),
    ("ListGroups", Open),
    ("SaslHandshake", Never),
    ("ApiVersions", Open),
    ("CreateTopics", Either(&[Cluster(Create), Topics(Create, &["Topics.Name"])])),
    (
        "DeleteTopics",
        Either(&[
            Cluster(Delete),
            All(&[
                Topics(Describe, &["TopicNames", "Topics.Name", "Topics.TopicId"]),
                Topics(Delete, &["TopicNames", "Topics.Name", "Topics.TopicId"]),
            ]),
        ]),
    ),
    ("DeleteRecords", Topics(Delete, &["Topics.Name"])),
    ("InitProducerId", By(init_producer_id)),
    ("OffsetForLeaderEpoch", Either(&[Cluster(ClusterAction), Topics(Describe, &["Topics.Topic"])])),
    (
        "AddPartitionsToTxn",
        Either(&[
            All(&[By(is_for_clients), Transactions(Write, &["V3AndBelowTransactionalId"]), By(added_topics)]),
            Cluster(ClusterAction),
        ]),
    ),
    ("AddOffsetsToTxn", All(&[Transactions(Write, &["TransactionalId"]), Groups(Read, GROUP_AND_READ)])),
    ("EndTxn", Transactions(Write, &["TransactionalId"])),
    ("WriteTxnMarkers", Either(&[Cluster(Alter), Cluster(ClusterAction)])),
    (
        "TxnOffsetCommit",
        All(&[
            Transactions(Write, &["TransactionalId"]),
            Groups(Read, GROUP_AND_READ),
            Topics(Read, &["Topics.Name", "Topics.TopicId"]),
        ]),
    ),
    ("DescribeAcls", Never),
    ("CreateAcls", Never),
    ("DeleteAcls", Never),
    ("DescribeConfigs", By(|case| configurations(case, DescribeConfigs))),
    ("AlterConfigs", By(|case| configurations(case, AlterConfigs))),
    ("IncrementalAlterConfigs", By(|case| configurations(case, AlterConfigs))),
    ("AlterReplicaLogDirs", Cluster(Alter)),
    ("DescribeLogDirs", Cluster(Describe)),
    ("SaslAuthenticate", Never),
    ("CreatePartitions", Topics(Alter, &["Topics.Name"])),
    ("CreateDelegationToken", Never),
    ("RenewDelegationToken", Never),
    ("ExpireDelegationToken", Never),
    ("DescribeDelegationToken", Never),
    ("DeleteGroups", Groups(Delete, &["GroupsNames"])),
    ("ElectLeaders", Cluster(Alter)),
    ("AlterPartitionReassignments", Cluster(Alter)),
    ("ListPartitionReassignments", Cluster(Describe)),
    ("OffsetDelete", All(&[Groups(Delete, GROUP_AND_READ), Topics(Read, &["Topics.Name"])])),
    ("DescribeClientQuotas", Cluster(DescribeConfigs)),
    ("AlterClientQuotas", Cluster(AlterConfigs)),
    ("DescribeUserScramCredentials", Cluster(Describe)),
    ("AlterUserScramCredentials", Cluster(Alter)),
    ("DescribeQuorum", Cluster(Describe)),
    ("UpdateFeatures", Cluster(Alter)),
    ("DescribeCluster", Open),
    ("DescribeProducers", By(producers)),
    ("UnregisterBroker", Cluster(Alter)),
    ("DescribeTransactions", Transactions(Describe, &["TransactionalIds"])),
    ("ListTransactions", Open),
    (
        "ConsumerGroupHeartbeat",
        All(&[Groups(Read, GROUP_AND_READ), Topics(Describe, &["SubscribedTopicNames"]), By(pattern)]),
    ),
    ("ConsumerGroupDescribe", Groups(Describe, &["GroupIds"])),
    ("GetTelemetrySubscriptions", Open),
    ("PushTelemetry", Open),
    ("ListConfigResources", Cluster(DescribeConfigs)),
    ("DescribeTopicPartitions", Topics(Describe, &["Topics.Name", "Cursor.TopicName"])),
    (
        "ShareGroupHeartbeat",
        All(&[Groups(Read, GROUP_AND_READ), Topics(Describe, &["SubscribedTopicNames"])]),
    ),
    ("ShareGroupDescribe", Groups(Describe, &["GroupIds"])),
    ("ShareFetch", All(&[Groups(Read, GROUP_AND_READ), By(session)])),
    ("ShareAcknowledge", All(&[Groups(Read, GROUP_AND_READ), Topics(Read, &["Topics.TopicId"])])),
    ("AddRaftVoter", Cluster(Alter)),
    ("RemoveRaftVoter", Cluster(Alter)),
    ("InitializeShareGroupState", Cluster(ClusterAction)),
    ("ReadShareGroupState", Cluster(ClusterAction)),
    ("WriteShareGroupState", Cluster(ClusterAction)),
    ("DeleteShareGroupState", Cluster(ClusterAction)),
    ("ReadShareGroupStateSummary", Cluster(ClusterAction)),
    (
        "StreamsGroupHeartbeat",
        All(&[
            Groups(Read, GROUP_AND_READ),
            Topics(
                Describe,
                &[
                    "Topology.Subtopologies.SourceTopics",
                    "Topology.Subtopologies.RepartitionSinkTopics",
                    "Topology.Subtopologies.StateChangelogTopics.Name",
                    "Topology.Subtopologies.RepartitionSourceTopics.Name",
                ],
            ),
            By(topics_of_a_topology),
        ]),
    ),
    ("StreamsGroupDescribe", Groups(Describe, &["GroupIds"])),
    (
        "DescribeShareGroupOffsets",
        All(&[Groups(Describe, &["Groups.GroupId"]), Topics(Describe, &["Groups.Topics.TopicName"])]),
    ),
    ("AlterShareGroupOffsets", All(&[Groups(Read, GROUP_AND_READ), By(altered_topics)])),
    ("DeleteShareGroupOffsets", All(&[Groups(Delete, GROUP_AND_READ), Topics(Read, &["Topics.TopicName"])])),
    ("StreamsGroupTopologyDescriptionUpdate", Groups(Read, GROUP_AND_READ)),
    ("UnregisterController", Cluster(Alter)),
];

/// What a question of doorkeeper's own needs, where that is not what the same request of the client would. Doorkeeper may
/// learn what the client may not, as long as it changes nothing.
static OWN_NEEDS: &[(&str, Need)] = &[
    ("Metadata", By(creation)),
    // What a member of the group wants to know before it joins.
    ("StreamsGroupDescribe", Groups(Read, &["GroupIds"])),
];

/// Whether a request may be carried out; what is missing, if not.
pub(crate) fn judge(api: &str, is_own: bool, case: &Case<'_>) -> Result<(), String> {
    let find =
        |table: &'static [(&str, Need)]| table.iter().find(|(name, _)| *name == api).map(|(_, need)| need);
    let need = Some(OWN_NEEDS).filter(|_| is_own).and_then(find).or_else(|| find(NEEDS));
    need.ok_or("it has no rule, and must not reach the broker")?.check(case)
}

impl Need {
    fn check(&self, case: &Case<'_>) -> Result<(), String> {
        let missing = |what: &str, operation: Operation| format!("{} on {what}", operation.name());
        match self {
            Open => Ok(()),
            Never => Err("it must never reach the broker".to_owned()),
            Cluster(operation) => match case.rights.cluster(*operation) {
                true => Ok(()),
                false => Err(missing("the cluster", *operation)),
            },
            Topics(operation, paths) => each(case.topics(paths), |name| {
                case.rights.topic(*operation, name).then_some(()).ok_or_else(|| missing(name, *operation))
            }),
            Groups(operation, paths) => each(case.names(paths), |name| {
                case.rights.group(*operation, name).then_some(()).ok_or_else(|| missing(name, *operation))
            }),
            Transactions(operation, paths) => each(case.names(paths), |name| {
                case.rights
                    .transaction(*operation, name)
                    .then_some(())
                    .ok_or_else(|| missing(name, *operation))
            }),
            All(needs) => needs.iter().try_for_each(|need| need.check(case)),
            Either(needs) => {
                let outcomes: Vec<_> = needs.iter().map(|need| need.check(case)).collect();
                match outcomes.iter().any(Result::is_ok) {
                    true => Ok(()),
                    false => {
                        Err(outcomes.into_iter().filter_map(Result::err).collect::<Vec<_>>().join(", nor "))
                    }
                }
            }
            By(check) => check(case),
        }
    }
}

fn each(names: Vec<String>, check: impl Fn(&str) -> Result<(), String>) -> Result<(), String> {
    names.iter().try_for_each(|name| check(name))
}

impl Case<'_> {
    /// The names that stand at these paths.
    fn names(&self, paths: &[&str]) -> Vec<String> {
        let mut leaves = Vec::new();
        paths.iter().for_each(|path| collect(self.body, path, &mut leaves));
        leaves
            .into_iter()
            .filter(|leaf| matches!(leaf, Node::Text(_)))
            .map(|leaf| leaf.as_text().to_owned())
            .collect()
    }

    /// The topics that are meant there, by name or by id. An id that the broker does not know means none.
    fn topics(&self, paths: &[&str]) -> Vec<String> {
        let mut leaves = Vec::new();
        paths.iter().for_each(|path| collect(self.body, path, &mut leaves));
        let name = |leaf: &Node| match leaf {
            Node::Text(name) => Some(name.clone()),
            Node::Uuid(id) => self.world.by_id(id).map(|topic| topic.name.clone()),
            _ => None,
        };
        leaves.into_iter().filter_map(name).collect()
    }

    fn wants(&self, holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
        if holds { Ok(()) } else { Err(what()) }
    }

    /// Whether a Metadata request asks for topics by their ids: then names count for nothing.
    fn asks_by_id(&self) -> bool {
        let has_id = |topic: &Node| topic.uuid("TopicId") != [0; 16];
        self.version >= 12 && self.body.list("Topics").iter().any(has_id)
    }

    /// Whether it may bring a topic into being, unless it is there.
    fn may_create(&self, name: &str) -> bool {
        let is_there = self.world.by_name(name).is_some_and(|topic| topic.exists);
        is_there || self.rights.cluster(Create) || self.rights.topic(Create, name)
    }
}

fn collect<'a>(node: &'a Node, path: &str, leaves: &mut Vec<&'a Node>) {
    match (node, path.split_once('.')) {
        (Node::List(elements), _) => elements.iter().for_each(|element| collect(element, path, leaves)),
        (Node::Struct(_), Some((field, rest))) => collect(node.get(field), rest, leaves),
        (Node::Struct(_), None) if !path.is_empty() => collect(node.get(path), "", leaves),
        (leaf, _) => leaves.push(leaf),
    }
}

/// No batch may be transactional but with the right to the transactional id. From version 3 on every broker refuses more than
/// one batch of a partition, as soon as it reads the request.
fn transactional_records(case: &Case<'_>) -> Result<(), String> {
    let partitions = case.body.list("TopicData").iter().flat_map(|topic| topic.list("PartitionData"));
    let batches = if case.version >= 3 { 1 } else { usize::MAX };
    let is_transactional = partitions
        .filter_map(|partition| match partition.get("Records") {
            Node::Bytes(bytes) => Some(bytes),
            _ => None,
        })
        .any(|records| records::is_transactional(records, batches));
    let id = case.body.get("TransactionalId");
    let may = matches!(id, Node::Text(id) if case.rights.transaction(Write, id));
    case.wants(!is_transactional || may, || format!("transactional records with the transactional id {id:?}"))
}

fn fetch(case: &Case<'_>) -> Result<(), String> {
    // From version 15 on in a tagged field, which a consumer leaves out.
    let replica = match (case.body.get("ReplicaId"), case.body.get("ReplicaState")) {
        (Node::Number(replica), _) => *replica,
        (_, state @ Node::Struct(_)) => state.number("ReplicaId"),
        _ => -1,
    };
    // Of nothing, a follower may fetch.
    if replica < 0 || case.session.is_empty() { session(case) } else { Cluster(ClusterAction).check(case) }
}

/// All that the broker has in the session is fetched, whether or not the request names it.
fn session(case: &Case<'_>) -> Result<(), String> {
    each(case.session.to_vec(), |name| {
        case.wants(case.rights.topic(Read, name), || format!("Read on {name}, which is in the session"))
    })
}

/// Names and ids. Where ids can be asked for, names beside them count for nothing; before that, a broker may look at both.
fn metadata(case: &Case<'_>) -> Result<(), String> {
    let names = if case.asks_by_id() { Ok(()) } else { Topics(Describe, &["Topics.Name"]).check(case) };
    names.and_then(|()| Topics(Describe, &["Topics.TopicId"]).check(case))
}

/// What no topic can be called is refused as such, whoever asks.
fn producers(case: &Case<'_>) -> Result<(), String> {
    let can_be = |name: &String| !name.is_empty() && !name.contains(' ');
    each(case.names(&["Topics.Name"]).into_iter().filter(can_be).collect(), |name| {
        case.wants(case.rights.topic(Read, name), || format!("Read on {name}"))
    })
}

/// A topic that is not there may come into being.
fn creation(case: &Case<'_>) -> Result<(), String> {
    if !case.auto_create || !case.body.flag("AllowAutoTopicCreation") || case.asks_by_id() {
        return Ok(());
    }
    each(case.names(&["Topics.Name"]), |name| {
        case.wants(case.may_create(name), || format!("Create on {name}, which is not there"))?;
        case.wants(case.rights.topic(Describe, name), || format!("Describe on {name}, which may be created"))
    })
}

fn find_coordinator(case: &Case<'_>) -> Result<(), String> {
    let keys = case.names(&["Key", "CoordinatorKeys"]);
    match case.body.number("KeyType") {
        0 => each(keys, |key| {
            case.wants(case.rights.group(Describe, key), || format!("Describe on group {key}"))
        }),
        1 => each(keys, |key| {
            case.wants(case.rights.transaction(Describe, key), || {
                format!("Describe on transactional id {key}")
            })
        }),
        2 => Cluster(ClusterAction).check(case),
        kind => Err(format!("there are no coordinators of kind {kind}")),
    }
}

fn init_producer_id(case: &Case<'_>) -> Result<(), String> {
    match case.body.get("TransactionalId") {
        Node::Text(id) => {
            let two_phases = !case.body.flag("Enable2Pc") || case.rights.transaction(TwoPhaseCommit, id);
            case.wants(case.rights.transaction(Write, id) && two_phases, || format!("Write on {id}"))
        }
        _ => {
            let may = case.rights.cluster(IdempotentWrite) || case.rights.any_topic(Write);
            case.wants(may, || "Write on any topic".to_owned())
        }
    }
}

fn is_for_clients(case: &Case<'_>) -> Result<(), String> {
    case.wants(case.version < 4, || "brokers send it".to_owned())
}

/// Nobody adds partitions of the topics that are Kafka's own; a topic without partitions adds nothing.
fn added_topics(case: &Case<'_>) -> Result<(), String> {
    let added =
        case.body.list("V3AndBelowTopics").iter().filter(|topic| !topic.list("Partitions").is_empty());
    added
        .map(|topic| topic.text("Name"))
        .try_for_each(|name| case.wants(case.rights.topic(Write, name), || format!("Write on {name}")))
}

fn configurations(case: &Case<'_>, operation: Operation) -> Result<(), String> {
    case.body.list("Resources").iter().try_for_each(|resource| {
        let name = resource.text("ResourceName");
        let may = match resource.number("ResourceType") {
            2 => case.rights.topic(operation, name),
            4 | 8 | 16 => case.rights.cluster(operation),
            32 => case.rights.group(operation, name),
            kind => return Err(format!("nothing that has settings is of kind {kind}")),
        };
        case.wants(may, || format!("{} on {name}", operation.name()))
    })
}

/// Of a topic without partitions nothing is altered.
fn altered_topics(case: &Case<'_>) -> Result<(), String> {
    let altered = case.body.list("Topics").iter().filter(|topic| !topic.list("Partitions").is_empty());
    altered
        .map(|topic| topic.text("TopicName"))
        .try_for_each(|name| case.wants(case.rights.topic(Read, name), || format!("Read on {name}")))
}

/// A broker matches a pattern against all topics, those to come included. One that lists names covers just those.
fn pattern(case: &Case<'_>) -> Result<(), String> {
    let pattern = case.body.text("SubscribedTopicRegex");
    // What is no pattern matches nothing, and whoever leaves subscribes to nothing.
    if pattern.is_empty() || pattern == "(" || case.body.number("MemberEpoch") < 0 {
        return Ok(());
    }
    let lists_names = pattern.chars().all(|letter| letter.is_ascii_alphanumeric() || "|/".contains(letter));
    let topics: Vec<&str> = match lists_names {
        // No topic has a name with a slash.
        true => pattern.split('|').filter(|name| !name.contains('/')).collect(),
        false => case.world.topics.iter().map(|topic| &*topic.name).chain(["a-topic-to-come"]).collect(),
    };
    each(topics.into_iter().map(str::to_owned).collect(), |name| {
        case.wants(case.rights.topic(Describe, name), || {
            format!("Describe on {name}, for the pattern {pattern}")
        })
    })
}

/// The coordinator creates what a topology lacks, when a member joins or stays.
fn topics_of_a_topology(case: &Case<'_>) -> Result<(), String> {
    if case.body.number("MemberEpoch") < 0 {
        return Ok(());
    }
    let made = &[
        "Topology.Subtopologies.StateChangelogTopics.Name",
        "Topology.Subtopologies.RepartitionSourceTopics.Name",
    ];
    each(case.names(made), |name| {
        case.wants(case.may_create(name), || format!("Create on {name}, which the topology lacks"))
    })
}
