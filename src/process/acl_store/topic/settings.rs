//! What the topic must be: created so where it is missing, and held to it where it is there.

use super::trouble::Trouble;
use crate::process::config::AclTopic;
use crate::process::kafka_client::{Connection, Found, FoundTopic, NewTopic, Node};
use crate::protocol::error_code::{INVALID_REPLICATION_FACTOR, NOT_CONTROLLER};

/// The most copies that are made when nobody says how many.
const MOST_REPLICAS: i16 = 3;
/// What a change of 10,000 bindings takes, several times over.
pub(super) const MAX_MESSAGE_BYTES: usize = 16 * 1024 * 1024;
/// The setting by which operators say how many copies Kafka's own topics have.
pub(super) const COPIES: &str = "offsets.topic.replication.factor";

/// Creates the topic; one of several doorkeepers that start at one time does. Whoever cannot reach the controller leaves it to
/// the one beside that.
pub(super) async fn create(
    topic: &AclTopic,
    connection: &mut Connection,
    found: &Found,
    reaches_controller: bool,
) -> Result<(), Trouble> {
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
        && reaches_controller
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
    let expected = connection.own_config(nodes, COPIES).await?.and_then(|(_, value)| value);
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
pub(super) async fn hold_to_its_settings(
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
