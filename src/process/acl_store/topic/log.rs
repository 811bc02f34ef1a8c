//! The topic as it lies on the cluster: found, created, held to what it must be, and reached.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::process::config::AclTopic;
use crate::process::kafka_client::{Connection, Failure, Found, FoundTopic, NewTopic, Node, Reader, Start};
use crate::protocol::error_code::{
    INVALID_REPLICATION_FACTOR, NOT_CONTROLLER, NOT_LEADER_OR_FOLLOWER, TOPIC_AUTHORIZATION_FAILED,
    UNKNOWN_TOPIC_OR_PARTITION,
};
use crate::protocol::wire::Uuid;

/// The most copies that are made when nobody says how many.
const MOST_REPLICAS: i16 = 3;
/// What a change of 10,000 bindings takes, several times over.
const MAX_MESSAGE_BYTES: usize = 16 * 1024 * 1024;
/// The setting by which operators say how many copies Kafka's own topics have.
const COPIES: &str = "offsets.topic.replication.factor";

/// Why the topic cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// A broker is away, or busy: it will come back by itself.
    Away(String),
    /// Somebody must mend something.
    Wrong(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Away(text) | Trouble::Wrong(text) => f.write_str(text),
        }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Trouble {
        match failure.code() {
            Some(TOPIC_AUTHORIZATION_FAILED) => Trouble::Wrong(format!(
                "{failure}: the broker has ACLs of its own, let User:ANONYMOUS read, write, create and describe the topic"
            )),
            _ => Trouble::Away(failure.to_string()),
        }
    }
}

/// A connection to a broker that answers for the topic's one partition.
#[derive(Debug)]
pub(super) struct Reached {
    pub(super) connection: Connection,
    /// The leader, or a broker with a copy, when the leader is out of reach.
    pub(super) reader: Reader,
    /// Where the log begins.
    pub(super) start: i64,
    /// Where it ended at least, for a reader that wants to have seen all of it. A new leader says so only when it knows
    /// (KIP-207), while its answers to Fetch end where it knows that the others are, which may be earlier.
    pub(super) end: i64,
    /// The topic's id; zero from brokers before 2.8.
    pub(super) id: Uuid,
    /// The most bytes of one batch.
    pub(super) max_message_bytes: usize,
}

/// Whether a topic that is missing is to be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Create,
    /// It was there before: an empty one in its place would take all rights away.
    Report,
}

/// The topic, and where to ask for it.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) topic: AclTopic,
    /// The brokers that the cluster named last, for when those of the configuration are away.
    nodes: Mutex<Vec<Node>>,
}

impl Log {
    pub(super) fn new(topic: AclTopic) -> Log {
        Log { topic, nodes: Mutex::default() }
    }

    /// Finds the topic through one of the brokers, and reaches a broker to read it from.
    pub(super) async fn reach(&self, missing: Missing) -> Result<Reached, Trouble> {
        let mut first = None;
        for server in self.servers() {
            match self.reach_through(&server, missing).await {
                Ok(reached) => return Ok(reached),
                wrong @ Err(Trouble::Wrong(_)) => return wrong,
                Err(away) => first = first.or(Some(away)),
            }
        }
        Err(first.unwrap_or_else(|| Trouble::Away("there is no broker to ask".to_owned())))
    }

    /// As [`reach`](Self::reach), but only the leader will do, which alone knows the end of the log and takes records.
    pub(super) async fn reach_leader(&self) -> Result<Reached, Trouble> {
        match self.reach(Missing::Report).await? {
            leader @ Reached { reader: Reader::Leader, .. } => Ok(leader),
            Reached { .. } => {
                Err(Trouble::Away(format!("the leader of the topic {} is out of reach", self.topic.name)))
            }
        }
    }

    fn servers(&self) -> Vec<String> {
        let mut servers: Vec<_> = self.topic.bootstrap_servers.iter().map(ToString::to_string).collect();
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let others: Vec<_> = nodes
            .iter()
            .map(|node| node.address.clone())
            .filter(|address| !servers.contains(address))
            .collect();
        servers.extend(others);
        servers
    }

    async fn reach_through(&self, server: &str, missing: Missing) -> Result<Reached, Trouble> {
        let topic = &self.topic;
        let mut connection = Connection::open(server).await?;
        let mut found = connection.find(&topic.name).await?;
        if found.topic.is_none() && missing == Missing::Create {
            create(topic, &mut connection, &found).await?;
            found = connection.find(&topic.name).await?;
        }
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&found.nodes);
        let Some(on_cluster) = &found.topic else {
            return Err(match missing {
                Missing::Create => Trouble::Away(format!("the topic {} is being created", topic.name)),
                Missing::Report => Trouble::Wrong(format!(
                    "the topic {} does not exist: a doorkeeper that starts creates it, one that has read it before does not",
                    topic.name
                )),
            });
        };
        let max_message_bytes = hold_to_its_settings(topic, &mut connection, on_cluster).await?;
        let mut reached = connect_reader(topic, connection, &found, on_cluster.leader).await?;
        (reached.id, reached.max_message_bytes) = (on_cluster.id, max_message_bytes);
        Ok(reached)
    }
}

/// Looks at the topic again through the same broker.
pub(super) async fn look_again(topic: &AclTopic, reached: &mut Reached) -> Result<(), Trouble> {
    let found = reached.connection.find(&topic.name).await?;
    let Some(on_cluster) = &found.topic else {
        return Err(Trouble::Away(format!("the topic {} is not found", topic.name)));
    };
    if on_cluster.id != reached.id {
        return Err(Trouble::Away(format!("the topic {} is another one now", topic.name)));
    }
    hold_to_its_settings(topic, &mut reached.connection, on_cluster).await.map(drop)
}

/// The broker that was asked, if it leads; else the leader; if that is out of reach, the one that was asked all the same.
async fn connect_reader(
    topic: &AclTopic,
    asked: Connection,
    found: &Found,
    leader: i32,
) -> Result<Reached, Trouble> {
    // Which of the nodes it is, the broker does not say. Only the leader knows the offsets.
    let mut asked = match ask_leader(topic, asked).await {
        Ok(reached) => return Ok(reached),
        Err((refused, asked)) if is_not_leader(&refused) => asked,
        Err((failure, _)) => return Err(failure.into()),
    };
    let Some(Node { address, .. }) = found.nodes.iter().find(|node| node.id == leader) else {
        return Err(Trouble::Away(format!("the topic {} has no leader now", topic.name)));
    };
    let failure = match Connection::open(address).await {
        Ok(connection) => match ask_leader(topic, connection).await {
            Ok(reached) => return Ok(reached),
            Err((failure, _)) => failure,
        },
        Err(failure) => failure,
    };
    if !matches!(failure, Failure::Connection(_)) {
        return Err(failure.into());
    }
    // Brokers that bind their plaintext listener to loopback cannot be reached from beside another one. A copy is nearly
    // as good for reading; the log of a compacted topic begins at 0.
    match asked.fetch(&topic.name, 0, Duration::ZERO, Reader::Replica).await {
        Ok(_) => Ok(Reached::new(asked, Reader::Replica, 0, 0)),
        Err(_) => Err(failure.into()),
    }
}

/// Asks where the log begins and ends, which only the leader says.
async fn ask_leader(topic: &AclTopic, mut connection: Connection) -> Result<Reached, (Failure, Connection)> {
    let start = match connection.offset(&topic.name, Start::Earliest).await {
        Ok(start) => start,
        Err(failure) => return Err((failure, connection)),
    };
    match connection.offset(&topic.name, Start::Latest).await {
        Ok(end) => Ok(Reached::new(connection, Reader::Leader, start, end)),
        Err(failure) => Err((failure, connection)),
    }
}

impl Reached {
    fn new(connection: Connection, reader: Reader, start: i64, end: i64) -> Reached {
        Reached { connection, reader, start, end, id: Uuid::ZERO, max_message_bytes: MAX_MESSAGE_BYTES }
    }
}

fn is_not_leader(failure: &Failure) -> bool {
    // A broker without any copy knows of no such partition.
    matches!(failure.code(), Some(NOT_LEADER_OR_FOLLOWER | UNKNOWN_TOPIC_OR_PARTITION))
}

/// Creates the topic; one of several doorkeepers that start at one time does.
async fn create(topic: &AclTopic, connection: &mut Connection, found: &Found) -> Result<(), Trouble> {
    let replication_factor = match topic.replication_factor {
        Some(number) => number,
        None => default_copies(topic, connection, &found.nodes).await?,
    };
    let in_sync = if replication_factor >= 3 { "2" } else { "1" };
    let max_message_bytes = MAX_MESSAGE_BYTES.to_string();
    let configs = [
        ("cleanup.policy", "compact"),
        ("min.insync.replicas", in_sync),
        ("unclean.leader.election.enable", "false"),
        ("max.message.bytes", max_message_bytes.as_str()),
        ("compression.type", "producer"),
        // A new segment makes the older ones fit for compaction: what is read at start stays short.
        ("segment.bytes", "104857600"),
    ];
    let wanted = NewTopic { name: &topic.name, replication_factor, configs: &configs };
    let mut created = connection.create(&wanted).await;
    if created.as_ref().is_err_and(|failure| failure.code() == Some(NOT_CONTROLLER))
        && let Some(controller) = found.nodes.iter().find(|node| node.id == found.controller)
    {
        // Brokers before 2.8 do not hand it on.
        created = Connection::open(&controller.address).await?.create(&wanted).await;
    }
    match created {
        Ok(true) => {
            tracing::info!(
                topic = topic.name,
                replication_factor,
                min_insync_replicas = in_sync,
                "the ACL topic was missing and is created"
            );
            Ok(())
        }
        Ok(false) => Ok(()),
        Err(failure) if failure.code() == Some(INVALID_REPLICATION_FACTOR) => Err(Trouble::Away(format!(
            "{failure}; set authorization.acls.replication_factor to less than {replication_factor} if no more brokers are to come"
        ))),
        Err(failure) => Err(failure.into()),
    }
}

/// As many copies as there are brokers, at most 3. A cluster that is starting shows fewer brokers than it has, and the topic
/// would stay without copies for ever: so it has to show as many as Kafka's own topics have copies.
async fn default_copies(
    topic: &AclTopic,
    connection: &mut Connection,
    nodes: &[Node],
) -> Result<i16, Trouble> {
    let there = i16::try_from(nodes.len()).unwrap_or(i16::MAX).min(MOST_REPLICAS);
    if there == MOST_REPLICAS {
        return Ok(there);
    }
    let expected = connection.broker_config(nodes, COPIES).await?;
    let expected = expected.and_then(|text| text.parse().ok()).unwrap_or(there).min(MOST_REPLICAS);
    if there < expected {
        return Err(Trouble::Away(format!(
            "the topic {} is missing, and of the {expected} brokers that {COPIES} asks for only {there} can be seen: waiting for the others to create it, or set authorization.acls.replication_factor",
            topic.name
        )));
    }
    Ok(there)
}

/// Refuses a topic in which records would get lost or out of order; returns its `max.message.bytes`.
async fn hold_to_its_settings(
    topic: &AclTopic,
    connection: &mut Connection,
    found: &FoundTopic,
) -> Result<usize, Trouble> {
    let name = &topic.name;
    if found.partitions != 1 {
        return Err(Trouble::Wrong(format!(
            "the topic {name} has {} partitions, and changes are in order in one only: name another topic, or delete this one and have it created anew",
            found.partitions
        )));
    }
    let configs = connection.topic_configs(name, &["cleanup.policy", "max.message.bytes"]).await?;
    let value = |wanted: &str| {
        configs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    match value("cleanup.policy") {
        "compact" => Ok(value("max.message.bytes").parse().unwrap_or(MAX_MESSAGE_BYTES)),
        policy => Err(Trouble::Wrong(format!(
            "the topic {name} has cleanup.policy={policy}, by which Kafka deletes ACLs: set it to compact"
        ))),
    }
}
