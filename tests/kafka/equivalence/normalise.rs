//! Takes out of an answer what differs between two clusters whoever stands in front of them, and nothing else.

use super::differences::{KNOWN_ID, identity};
use serde_json::Value;
use std::collections::BTreeMap;

/// Arrays whose order Kafka does give: (API, field). All others are compared as bags.
const IN_ORDER: &[(&str, &str)] = &[
    ("AlterConfigs", "responses"),
    ("CreateAcls", "results"),
    ("DeleteAcls", "filterResults"),
    ("DescribeProducers", "topics"),
    ("Fetch", "partitions"),
    ("FindCoordinator", "coordinators"),
    ("IncrementalAlterConfigs", "responses"),
    ("OffsetFetch", "groups"),
];

/// The same, where it depends on the case: (API, field, shape).
const IN_ORDER_HERE: &[(&str, &str, &str)] = &[("Fetch", "responses", REPLICA)];
/// A replica without its right gets everything in the order in which it asks.
pub const REPLICA: &str = "as a follower, of what can be read, is denied and is unknown";

/// Numbers that each cluster makes up for itself: whether there is one is all that can be equal.
const MADE_UP: &[&str] = &[
    "finalizedFeaturesEpoch",
    "lastCaughtUpTimestamp",
    "lastFetchTimestamp",
    "lastTimestamp",
    "logAppendTimeMs",
    "logEndOffset",
    "producerId",
    "sessionId",
    "timestamp",
    "totalBytes",
    "transactionStartTimeMs",
    "usableBytes",
];

/// What a side knows of itself.
pub struct Context<'a> {
    pub api: &'a str,
    pub shape: &'a str,
    /// The port at which its clients are to find it.
    pub port: u16,
    /// The names of its topics by their ids.
    pub topics: &'a BTreeMap<String, String>,
    /// Whether its brokers keep their state in ZooKeeper.
    pub has_zookeeper: bool,
}

/// The comparable form of an answer's body.
pub fn body(mut body: Value, context: &Context) -> Value {
    walk(&mut body, context);
    body
}

fn walk(value: &mut Value, context: &Context) {
    match value {
        Value::Object(fields) => {
            let refused_by_cluster = fields.get("errorCode").is_some_and(|code| code == 31);
            for (name, value) in fields.iter_mut() {
                field(name, value, refused_by_cluster, context);
                walk(value, context);
                let keeps_order = IN_ORDER.contains(&(context.api, name.as_str()))
                    && !(context.has_zookeeper && context.api.ends_with("Configs"))
                    || IN_ORDER_HERE.contains(&(context.api, name.as_str(), context.shape));
                if let (Value::Array(elements), false) = (value, keeps_order) {
                    elements.sort_by_cached_key(|one| (identity(one), one.to_string()));
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| walk(element, context)),
        Value::String(text) => *text = without_member_uuid(text),
        _ => {}
    }
}

fn field(name: &str, value: &mut Value, refused_by_cluster: bool, context: &Context) {
    match name {
        "throttleTimeMs" => *value = Value::from(0),
        "port" if *value == context.port => *value = Value::from("its own port"),
        "topicId" => {
            let id = value.as_str().unwrap_or_default();
            match context.topics.get(id) {
                // A new topic's id may or may not have come into the metadata, from which they are known here.
                _ if context.api == "CreateTopics" && !is_zero(id) => *value = Value::from("a new id"),
                Some(topic) => *value = Value::from(format!("{KNOWN_ID}{topic}")),
                None => {}
            }
        }
        // With ZooKeeper it is the cluster that makes it up, without it is who formats the disk.
        "clusterId" if context.has_zookeeper && value.is_string() => *value = Value::from("some id"),
        "logDir" => *value = Value::from("its folder"),
        "port" if context.api == "DescribeQuorum" => *value = Value::from("a controller's port"),
        "highWatermark" | "leaderEpoch" if context.api == "DescribeQuorum" => {
            *value = Value::from("some number");
        }
        // The text of a Java object that holds the request: nobody can reproduce it, and nobody can depend on it.
        "errorMessage" if refused_by_cluster && is_verbose(value) => *value = Value::from("a sentence"),
        _ if MADE_UP.contains(&name) && value.as_i64().is_some_and(|number| number > 0) => {
            *value = Value::from("some number");
        }
        _ => {}
    }
}

fn is_verbose(message: &Value) -> bool {
    message.as_str().is_some_and(|text| !text.is_empty() && text != "Cluster authorization failed.")
}

fn is_zero(id: &str) -> bool {
    id.bytes().all(|digit| digit == b'0')
}

/// The coordinator names members after the client's id and a random UUID.
fn without_member_uuid(text: &str) -> String {
    const PREFIX: &str = "rig-";
    let is_uuid = |rest: &str| {
        rest.len() == 36
            && rest.bytes().enumerate().all(|(at, byte)| match at {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            })
    };
    match text.strip_prefix(PREFIX) {
        Some(rest) if is_uuid(rest) => format!("{PREFIX}and a UUID"),
        _ => text.to_owned(),
    }
}
