//! What the requests are about, what nobody is to hear of it, and what must be in the broker afterwards as it was before.

use crate::support::acls::Operation::{Describe, Read, Write};
use crate::support::acls::Resource::{Group, Topic, TransactionalId};
use crate::support::acls::{Acl, allow};
use crate::support::bare::Bare;
use crate::support::client::{Answer, Client};
use crate::support::process::wait_for;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// Alice may write to one topic of two, and has a group and a transactional id. Mallory may do nothing at all.
pub const ACLS: &[Acl] = &[
    allow("User:alice", Topic("open"), &[Read, Write, Describe]),
    allow("User:alice", Group("g-own"), &[Read, Describe]),
    allow("User:alice", TransactionalId("x-own"), &[Write, Describe]),
];
/// A number of partitions that nothing else has.
const PARTITIONS_OF_HIDDEN: usize = 3;
const NO_ID: &str = "00000000000000000000000000000000";
const LIMIT: Duration = Duration::from_secs(30);

/// A broker's topics and groups.
pub struct World {
    /// The ids of topics by their names, zero where the broker has none.
    ids: BTreeMap<String, String>,
    /// Where clients of the broker itself would go.
    port: u16,
    versions: BTreeMap<i64, (i64, i64)>,
}

impl World {
    /// Makes the topics, with a record in each, and the offsets of a group in both.
    pub fn make(bare: &Bare) -> World {
        bare.create_topics(&["open"], 1);
        bare.create_topics(&["hidden"], PARTITIONS_OF_HIDDEN);
        let mut client = bare.client();
        let answer = client.call("ApiVersions", 0, &json!({})).body();
        let range = |one: &Value| {
            let number = |name: &str| one[name].as_i64().unwrap();
            (number("apiKey"), (number("minVersion"), number("maxVersion")))
        };
        let versions = answer["apiKeys"].as_array().unwrap().iter().map(range).collect();
        let port = bare.cluster().brokers[0].plaintext.port();
        let mut world = World { ids: BTreeMap::new(), port, versions };
        let highest = world.highest(3).min(12);
        let names = json!([{"name": "open"}, {"name": "hidden"}]);
        let metadata = client.call("Metadata", highest, &json!({"topics": names})).body();
        for topic in metadata["topics"].as_array().unwrap() {
            let id = topic["topicId"].as_str().unwrap_or(NO_ID);
            world.ids.insert(topic["name"].as_str().unwrap().to_owned(), id.to_owned());
        }
        world.commit(&mut client);
        world
    }

    /// The id of a topic.
    pub fn id(&self, name: &str) -> &str {
        &self.ids[name]
    }

    fn commit(&self, client: &mut Client) {
        let partitions = json!([{"partitionIndex": 0, "committedOffset": 0, "committedMetadata": "kept"}]);
        let topics =
            json!([{"name": "open", "partitions": partitions}, {"name": "hidden", "partitions": partitions}]);
        let body = json!({"groupId": "g-own", "generationIdOrMemberEpoch": -1, "topics": topics});
        wait_for("the group coordinator", LIMIT, || {
            client.call("FindCoordinator", 0, &json!({"key": "g-own"}));
            let committed = client.call("OffsetCommit", 2, &body).body();
            (committed["topics"][0]["partitions"][0]["errorCode"] == 0).then_some(())
        });
        // Coordinators make their topics when they are first asked for, which must not be by what is tried.
        if self.serves(22) {
            wait_for("the transaction coordinator", LIMIT, || {
                let found = client.call("FindCoordinator", 1, &json!({"key": "x-own", "keyType": 1}));
                (found.body()["errorCode"] == 0).then_some(())
            });
        }
    }

    fn serves(&self, key: i64) -> bool {
        self.versions.contains_key(&key)
    }

    fn highest(&self, key: i64) -> i16 {
        self.versions[&key].1 as i16
    }

    /// Topics with their ends, as far as all readers and as far as those of transactions go, their settings, and groups with their
    /// offsets.
    pub fn state(&self, client: &mut Client) -> BTreeMap<String, Value> {
        let mut state = BTreeMap::new();
        let metadata = client.call("Metadata", 1, &json!({"topics": null})).body();
        for topic in metadata["topics"].as_array().unwrap() {
            let name = topic["name"].as_str().unwrap();
            let count = topic["partitions"].as_array().unwrap().len();
            state.insert(format!("the number of {name}'s partitions"), json!(count));
            // The coordinators' own logs.
            if name.starts_with("__") {
                continue;
            }
            for isolation in [0, 1] {
                let version = if self.highest(2) >= 2 { 2 } else { 1 };
                let partitions: Vec<Value> =
                    (0..count).map(|index| json!({"partitionIndex": index, "timestamp": -1})).collect();
                let body = json!({"replicaId": -1, "isolationLevel": isolation,
                    "topics": [{"name": name, "partitions": partitions}]});
                let mut answer = client.call("ListOffsets", version, &body).body();
                let mut ends: Vec<Value> =
                    answer["topics"][0]["partitions"].as_array_mut().unwrap().drain(..).collect();
                ends.sort_by_key(|end| end["partitionIndex"].as_i64());
                state.insert(format!("the ends of {name}, isolation {isolation}"), json!(ends));
            }
            if self.serves(32) {
                let version = self.highest(32).min(1);
                let resource = json!({"resourceType": 2, "resourceName": name, "configurationKeys": null});
                let described =
                    client.call("DescribeConfigs", version, &json!({"resources": [resource]})).body();
                state.insert(format!("the settings of {name}"), described["results"][0]["configs"].clone());
            }
        }
        let groups = client.call("ListGroups", 0, &json!({})).body();
        state.insert("groups".to_owned(), groups["groups"].clone());
        let body = json!({"groupId": "g-own", "topics": null});
        state.insert("offsets".to_owned(), client.call("OffsetFetch", 2, &body).body()["topics"].clone());
        state
    }

    /// What an answer tells that somebody who may not see the hidden topic must not hear, if the request has not said it.
    pub fn told_by(&self, answer: &Answer, request: &Value, who: &str) -> Option<String> {
        let Answer::Body(answer) = answer else { return None };
        if who == "admin" {
            return None;
        }
        let (said, asked) = (answer.to_string(), request.to_string());
        let secrets =
            [format!("\"{}\"", self.id("hidden")), "\"hidden\"".to_owned(), format!(":{}", self.port)];
        let told = secrets.into_iter().find(|secret| {
            !secret.contains(NO_ID) && said.contains(secret.as_str()) && !asked.contains(secret.as_str())
        });
        told.or_else(|| partitions_of_hidden(answer).then(|| "how many partitions a topic has".to_owned()))
    }
}

/// Whether some part of an answer lists as many partitions as the hidden topic has, with leaders.
fn partitions_of_hidden(answer: &Value) -> bool {
    match answer {
        Value::Object(fields) => fields.values().any(partitions_of_hidden),
        Value::Array(elements) => {
            let led = elements.iter().filter(|element| element.get("leaderId").is_some()).count();
            led == PARTITIONS_OF_HIDDEN || elements.iter().any(partitions_of_hidden)
        }
        _ => false,
    }
}

/// What is different.
pub fn difference(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> String {
    let nothing = Value::Null;
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    let changed = names.filter_map(|name| {
        let (was, is) = (before.get(name).unwrap_or(&nothing), after.get(name).unwrap_or(&nothing));
        (was != is).then(|| format!("{name}: {was} became {is}"))
    });
    changed.collect::<Vec<_>>().join("; ")
}
