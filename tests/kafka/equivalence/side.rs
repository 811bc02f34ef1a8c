//! One of the two sides that are compared: a broker, and whoever its clients talk to.

use super::normalise::{self, Context};
use super::{Case, Request, records, world};
use crate::support::client::{Answer, Client};
use crate::support::cluster::Cluster;
use crate::support::pki::{Identity, Pki};
use crate::support::process::wait_for;
use crate::support::schema::{Schemas, hex};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

mod changes;

const LIMIT: Duration = Duration::from_secs(30);

/// A broker and the address of its mutual TLS door.
pub struct Side {
    schemas: Arc<Schemas>,
    door: SocketAddr,
    admin: Client,
    /// The versions that the broker serves, by API.
    versions: BTreeMap<i16, (i16, i16)>,
    names: world::Names,
    identities: BTreeMap<&'static str, Identity>,
    clients: BTreeMap<&'static str, Client>,
    /// Names by id, of every topic ever seen here.
    topics: BTreeMap<String, String>,
    unique: String,
    shape: String,
    principal: &'static str,
    kept: BTreeMap<&'static str, Value>,
    fences: usize,
    /// Rights that were given name by name.
    granted: BTreeSet<String>,
}

impl Side {
    /// The clients of `cluster` come in at `door`.
    pub fn new(cluster: &Cluster, door: SocketAddr, pki: &Pki, names: world::Names) -> Side {
        let mut admin = cluster.client();
        let versions = ranges(&admin.call("ApiVersions", 0, &json!({})).body());
        Side {
            schemas: Arc::clone(&cluster.schemas),
            door,
            admin,
            versions,
            names,
            identities: world::PRINCIPALS.iter().map(|name| (*name, pki.client(name))).collect(),
            clients: BTreeMap::new(),
            topics: BTreeMap::new(),
            unique: String::new(),
            shape: String::new(),
            principal: "",
            kept: BTreeMap::new(),
            fences: 0,
            granted: BTreeSet::new(),
        }
    }

    pub fn schemas(&self) -> Arc<Schemas> {
        Arc::clone(&self.schemas)
    }

    /// Creates topics with some records in them, and groups with some offsets.
    pub fn populate(&mut self) {
        self.prepare_topics(&world::TOPICS.map(str::to_owned));
        for topic in world::TOPICS {
            let partition = |index| json!({"index": index, "records": records::plain()});
            let topic = json!({"name": topic, "partitionData": [partition(0), partition(1)]});
            let produced =
                self.prepare("Produce", 9, &json!({"acks": -1, "timeoutMs": 30_000, "topicData": [topic]}));
            assert_eq!(produced["responses"][0]["partitionResponses"][0]["errorCode"], 0, "{produced}");
        }
        for group in world::GROUPS {
            self.commit_offsets(group);
        }
        wait_for("producer ids", LIMIT, || {
            let body = json!({"transactionalId": null, "transactionTimeoutMs": 1000});
            (self.prepare("InitProducerId", 4, &body)["errorCode"] == 0).then_some(())
        });
        self.wait_for_share_coordinator();
        let body = json!({"key": "x-all", "keyType": 1});
        wait_for("the transaction coordinator", LIMIT, || {
            (self.prepare("FindCoordinator", 3, &body)["errorCode"] == 0).then_some(())
        });
    }

    /// Begins a run of a case.
    pub fn begin(&mut self, unique: &str, principal: &'static str, case: &Case) {
        unique.clone_into(&mut self.unique);
        case.shape.clone_into(&mut self.shape);
        self.principal = principal;
        self.kept.clear();
        self.grant_what_begins_so(&case.steps);
    }

    /// The versions that this side's door says it serves, by key, as the super user sees them.
    pub fn served(&mut self) -> BTreeMap<i16, (i16, i16)> {
        let version = self.version_for("ApiVersions", 3);
        ranges(&self.call("admin", "ApiVersions", version, &software()).body())
    }

    /// Whether this side's door serves an API at all.
    pub fn serves(&mut self, api: &str) -> bool {
        let key = self.schemas.find(api).map(|api| api.key);
        key.is_some_and(|key| self.served().contains_key(&key))
    }

    /// Sends a request as the super user, past any doorkeeper.
    pub fn prepare(&mut self, api: &str, version: i16, body: &Value) -> Value {
        let body = self.filled(body);
        let version = self.version_for(api, version);
        self.admin.call(api, version, &body).body()
    }

    /// That version, or the newest that the broker has.
    pub fn version_for(&self, api: &str, wanted: i16) -> i16 {
        let served = self.schemas.find(api).and_then(|api| self.versions.get(&api.key));
        served.map_or(wanted, |(_, highest)| wanted.min(*highest))
    }

    /// Creates topics of two partitions each and waits for their leaders.
    pub fn prepare_topics(&mut self, names: &[String]) {
        let topic = |name: &String| json!({"name": name, "numPartitions": 2, "replicationFactor": 1});
        let topics: Vec<Value> = names.iter().map(topic).collect();
        let created = self.prepare("CreateTopics", 7, &json!({"topics": topics, "timeoutMs": 30_000}));
        for topic in created["topics"].as_array().unwrap() {
            assert_eq!(topic["errorCode"], 0, "{topic}");
            self.remember(topic);
        }
        // The metadata know the leaders a moment before these know it themselves; only the latter counts.
        let partition = |index: i32| json!({"partitionIndex": index, "timestamp": -1});
        let topic = |name: &String| json!({"name": name, "partitions": [partition(0), partition(1)]});
        let request = json!({"replicaId": -1, "topics": names.iter().map(topic).collect::<Vec<_>>()});
        wait_for("the new topics' leaders", LIMIT, || {
            let answer = self.prepare("ListOffsets", 5, &request);
            let leads = |topic: &Value| {
                topic["partitions"].as_array().unwrap().iter().all(|one| one["errorCode"] == 0)
            };
            answer["topics"].as_array().unwrap().iter().all(leads).then_some(())
        });
    }

    /// The name as it is in the case that runs.
    pub fn unique(&self, name: &str) -> String {
        name.replace("$u", &self.unique).replace("$p", &self.names.of(self.principal))
    }

    /// The comparable answer to a request of this principal.
    pub fn answer(&mut self, principal: &'static str, version: i16, request: &Request) -> Answer {
        let body = self.filled(&request.body);
        let answer = self.call(principal, request.api, version, &body);
        let Answer::Body(body) = answer else {
            self.clients.remove(principal);
            return answer;
        };
        for (name, pointer) in &request.keep {
            self.kept.insert(name, body.pointer(pointer).cloned().unwrap_or(Value::Null));
        }
        if has_unknown_id(&body, &self.topics) {
            self.look_up_topics();
        }
        let context = Context {
            api: request.api,
            shape: &self.shape,
            port: self.door.port(),
            topics: &self.topics,
            has_zookeeper: self.names.have_zookeeper(),
        };
        Answer::Body(normalise::body(body, &context))
    }

    /// Sends a request that has no answer, and tells whether the connection still answers after it.
    pub fn aftermath(&mut self, principal: &'static str, version: i16, request: &Request) -> Answer {
        let body = self.filled(&request.body);
        let client = self.client(principal);
        let told = client.tell(request.api, version, &body);
        let answer = match told {
            Ok(()) => client.call("Metadata", 1, &json!({"topics": []})),
            Err(_) => Answer::Closed,
        };
        match answer {
            Answer::Body(_) => Answer::Body(json!("lives on")),
            other => {
                self.clients.remove(principal);
                other
            }
        }
    }

    /// What comes back for a frame that may be none: the bytes of an answer, or the end of the connection.
    pub fn answer_to_frame(&mut self, principal: &'static str, frame: &[u8]) -> Answer {
        let answer = self.client(principal).exchange(frame);
        self.clients.remove(principal);
        match answer {
            Ok(bytes) => {
                // Addresses differ, and are compared where answers are decoded.
                let own = self.door.port().to_be_bytes();
                let same = |pair: &[u8]| if *pair == own { [0, 0] } else { [pair[0], pair[1]] };
                let mut bytes = bytes;
                for at in 1..bytes.len() {
                    let pair = same(&bytes[at - 1..=at]);
                    bytes[at - 1..=at].copy_from_slice(&pair);
                }
                Answer::Body(json!(hex(&bytes)))
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Answer::Silence
            }
            Err(_) => Answer::Closed,
        }
    }

    /// All topics with their sizes and settings, all groups with their offsets, as the broker itself knows them.
    pub fn state(&mut self) -> Value {
        let metadata = self.prepare("Metadata", 8, &json!({"topics": null, "allowAutoTopicCreation": false}));
        let mut state = serde_json::Map::new();
        for topic in metadata["topics"].as_array().unwrap() {
            let name = topic["name"].as_str().unwrap();
            let count = topic["partitions"].as_array().unwrap().len();
            // The coordinators' own logs tell of members and transactions, whose number is not the clients' doing alone.
            if name.starts_with("__") {
                state.insert(name.to_owned(), json!({"partitions": count}));
                continue;
            }
            let ends = |timestamp: i64| {
                let partitions: Vec<_> = (0..count)
                    .map(|index| json!({"partitionIndex": index, "timestamp": timestamp}))
                    .collect();
                json!({"replicaId": -1, "topics": [{"name": name, "partitions": partitions}]})
            };
            let offsets = |answer: Value| -> Vec<Value> {
                let partitions = answer["topics"][0]["partitions"].as_array().unwrap().clone();
                let mut offsets: Vec<_> = partitions
                    .iter()
                    .map(|one| json!([one["partitionIndex"], one["offset"], one["errorCode"]]))
                    .collect();
                offsets.sort_by_key(Value::to_string);
                offsets
            };
            let (first, last) =
                (self.prepare("ListOffsets", 5, &ends(-2)), self.prepare("ListOffsets", 5, &ends(-1)));
            let resource = json!({"resourceType": 2, "resourceName": name, "configurationKeys": null});
            let configs = self.prepare("DescribeConfigs", 3, &json!({"resources": [resource]}));
            let own: Vec<_> = configs["results"][0]["configs"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|config| config["configSource"] == 1)
                .map(|config| json!([config["name"], config["value"]]))
                .collect();
            state.insert(
                name.to_owned(),
                json!({"first": offsets(first), "last": offsets(last), "configs": own}),
            );
        }
        let groups = self.prepare("ListGroups", 3, &json!({}));
        for group in groups["groups"].as_array().unwrap() {
            let id = group["groupId"].as_str().unwrap();
            let mut offsets = self.prepare("OffsetFetch", 7, &json!({"groupId": id, "topics": null}));
            let context = Context {
                api: "",
                shape: "",
                port: 0,
                topics: &self.topics,
                has_zookeeper: self.names.have_zookeeper(),
            };
            offsets = normalise::body(offsets, &context);
            state.insert(format!("group {id}"), offsets["topics"].take());
        }
        Value::Object(state)
    }

    /// Its topic is made by whoever asks first, which must not be a request that is compared.
    fn wait_for_share_coordinator(&mut self) {
        const SHARE_GROUP_HEARTBEAT: i16 = 76;
        if !self.versions.contains_key(&SHARE_GROUP_HEARTBEAT) {
            return;
        }
        let body = json!({"keyType": 2, "coordinatorKeys": ["gp-s:AAAAAAAAAAAAAAAAAAAAAQ:0"]});
        wait_for("the share coordinator", LIMIT, || {
            let found = self.prepare("FindCoordinator", 6, &body);
            (found["coordinators"][0]["errorCode"] == 0).then_some(())
        });
    }

    fn commit_offsets(&mut self, group: &str) {
        let partitions = json!([{"partitionIndex": 0, "committedOffset": 1, "committedMetadata": "kept"}]);
        let topics = json!([{"name": "t-all", "partitions": partitions}, {"name": "t-none", "partitions": partitions}]);
        let body = json!({"groupId": group, "topics": topics});
        // The coordinator makes its topic first, which takes a moment.
        wait_for("the group coordinator", LIMIT, || {
            self.prepare("FindCoordinator", 3, &json!({"key": group, "keyType": 0}));
            let committed = self.prepare("OffsetCommit", 8, &body);
            (committed["topics"][0]["partitions"][0]["errorCode"] == 0).then_some(())
        });
    }

    fn call(&mut self, principal: &'static str, api: &str, version: i16, body: &Value) -> Answer {
        self.client(principal).call(api, version, body)
    }

    fn client(&mut self, principal: &'static str) -> &mut Client {
        let (schemas, door, identity) = (&self.schemas, self.door, &self.identities[principal]);
        self.clients.entry(principal).or_insert_with(|| {
            Client::tls(schemas, door, identity)
                .unwrap_or_else(|error| panic!("{principal} cannot connect: {error}"))
        })
    }

    /// The body with its placeholders replaced.
    fn filled(&mut self, body: &Value) -> Value {
        match body {
            Value::Object(fields) => {
                fields.iter().map(|(name, value)| (name.clone(), self.filled(value))).collect()
            }
            Value::Array(elements) => elements.iter().map(|element| self.filled(element)).collect(),
            Value::String(text) => self.filled_text(text),
            other => other.clone(),
        }
    }

    fn filled_text(&mut self, text: &str) -> Value {
        if let Some(name) = text.strip_prefix("$=") {
            return self.kept.get(name).cloned().unwrap_or(Value::Null);
        }
        let text = self.unique(text);
        match text.strip_prefix("$id:") {
            Some(topic) => Value::String(self.topic_id(topic)),
            None => Value::String(text),
        }
    }

    /// A topic that does not exist has an id that no topic has, the same on both sides.
    fn topic_id(&mut self, name: &str) -> String {
        let known = |topics: &BTreeMap<String, String>| {
            topics.iter().find(|(_, known)| *known == name).map(|(id, _)| id.clone())
        };
        if name == "zero" {
            return "0".repeat(32);
        }
        if let Some(id) = known(&self.topics) {
            return id;
        }
        self.look_up_topics();
        known(&self.topics).unwrap_or_else(|| {
            let sum = name.bytes().fold(0u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
            format!("dead{sum:028x}")
        })
    }

    fn look_up_topics(&mut self) {
        let request = json!({"topics": null, "allowAutoTopicCreation": false});
        let version = self.version_for("Metadata", 10);
        let metadata = self.admin.call("Metadata", version, &request).body();
        for topic in metadata["topics"].as_array().unwrap() {
            self.remember(topic);
        }
    }

    fn remember(&mut self, topic: &Value) {
        // Topics have ids since 2.8.
        let Some(id) = topic["topicId"].as_str() else { return };
        self.topics.insert(id.to_owned(), topic["name"].as_str().unwrap().to_owned());
    }
}

/// What an answer to ApiVersions says is served.
fn ranges(answer: &Value) -> BTreeMap<i16, (i16, i16)> {
    let number = |value: &Value| value.as_i64().unwrap() as i16;
    let range =
        |one: &Value| (number(&one["apiKey"]), (number(&one["minVersion"]), number(&one["maxVersion"])));
    answer["apiKeys"].as_array().unwrap().iter().map(range).collect()
}

fn software() -> Value {
    json!({"clientSoftwareName": "rig", "clientSoftwareVersion": "1"})
}

fn has_unknown_id(value: &Value, topics: &BTreeMap<String, String>) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(name, value)| match (name.as_str(), value) {
            ("topicId", Value::String(id)) => {
                !topics.contains_key(id) && !id.starts_with("dead") && id.bytes().any(|digit| digit != b'0')
            }
            _ => has_unknown_id(value, topics),
        }),
        Value::Array(elements) => elements.iter().any(|element| has_unknown_id(element, topics)),
        _ => false,
    }
}
