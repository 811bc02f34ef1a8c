//! Rights that are revoked while requests wait at a real Kafka: what Kafka's own authorizer refuses when it is that request's
//! turn is not carried out behind doorkeeper either.

use crate::support::acls::Operation::{Read, Write};
use crate::support::acls::Resource::Topic;
use crate::support::acls::{self, Acl, allow};
use crate::support::client::Client;
use crate::support::cluster::{Cluster, Settings};
use crate::support::doorkeeper::{self, Doorkeeper};
use crate::support::kafka::{Kafka, scratch};
use crate::support::pki::Pki;
use crate::support::process::wait_for;
use crate::support::schema::hex;
use bytes::BytesMut;
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Record,
    RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};
use serde_json::{Value, json};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

const KEPT: Acl = allow("User:alice", Topic("kept"), &[Read, Write]);
const SECRET: Acl = allow("User:alice", Topic("secret"), &[Read, Write]);

const FETCH: i16 = 11;
const PRODUCE: i16 = 8;

/// A broker, and where clients come in.
struct Side {
    cluster: Cluster,
    address: SocketAddr,
    doorkeeper: Option<Doorkeeper>,
}

impl Side {
    /// Kafka with its own authorizer.
    fn oracle(kafka: &'static Kafka, pki: &Pki) -> Side {
        let cluster = Cluster::start(kafka, &Settings::oracle(pki));
        acls::create(&mut cluster.client(), &[KEPT, SECRET]);
        let address = cluster.brokers[0].tls.unwrap();
        Side { cluster, address, doorkeeper: None }
    }

    /// A bare Kafka behind doorkeeper.
    fn behind(kafka: &'static Kafka, pki: &Pki) -> Side {
        let cluster = Cluster::start(kafka, &Settings::plaintext(1));
        let acls = acls::yaml(&[KEPT, SECRET]);
        let settings =
            doorkeeper::Settings { identity: &pki.server("doorkeeper"), acls: &acls, authorization: "" };
        let doorkeeper = Doorkeeper::in_front_of(&cluster, &settings).remove(0);
        Side { address: doorkeeper.address, cluster, doorkeeper: Some(doorkeeper) }
    }

    fn client(&self, pki: &Pki, name: &str) -> Client {
        Client::tls(&self.cluster.schemas, self.address, &pki.client(name)).unwrap()
    }

    /// The administrator, as any client of the cluster, takes the right on `secret` away.
    fn revoke(&self, pki: &Pki) {
        let filters = acls::filters(&SECRET);
        let mut admin = self.client(pki, "admin");
        let deleted = admin.call("DeleteAcls", 2, &json!({"filters": filters})).body();
        for result in deleted["filterResults"].as_array().unwrap() {
            assert_eq!(result["matchingAcls"].as_array().unwrap().len(), 1, "{result}");
        }
    }

    /// Waits until the change has come to whoever judges: a broker hears of it from the controller.
    fn is_refused(&self, pki: &Pki) {
        let mut other = self.client(pki, "alice");
        wait_for("the revocation", Duration::from_secs(30), || {
            let answer = other.call("Fetch", FETCH, &fetch("secret", 0, false)).body();
            (answer["responses"][0]["partitions"][0]["errorCode"] == 29).then_some(())
        });
    }

    /// Waits until so many connections have been ended by doorkeeper.
    fn has_ended(&self, count: usize) {
        let Some(doorkeeper) = &self.doorkeeper else { return };
        let end = format!("reason=\"rights_revoked\"}} {count}\n");
        wait_for("the end of the connection", Duration::from_secs(30), || {
            doorkeeper.metrics().contains(&end).then_some(())
        });
    }

    fn grant(&self, pki: &Pki) {
        acls::create(&mut self.client(pki, "admin"), &[SECRET]);
        let mut other = self.client(pki, "alice");
        wait_for("the grant", Duration::from_secs(30), || {
            let answer = other.call("Fetch", FETCH, &fetch("secret", 0, false)).body();
            (answer["responses"][0]["partitions"][0]["errorCode"] == 0).then_some(())
        });
    }

    /// Waits until so many requests that will be answered are at the broker. Kafka's own are judged when it is their turn,
    /// whenever they come.
    fn sees(&self, count: usize) {
        let Some(doorkeeper) = &self.doorkeeper else { return };
        let line = format!("\ndoorkeeper_inflight_requests {count}\n");
        wait_for("the requests at the broker", Duration::from_secs(30), || {
            doorkeeper.metrics().contains(&line).then_some(())
        });
    }

    /// How far the topic is written.
    fn end(&self, topic: &str) -> i64 {
        let asked = json!({"replicaId": -1, "isolationLevel": 0, "topics":
            [{"name": topic, "partitions": [{"partitionIndex": 0, "timestamp": -1}]}]});
        let told = self.cluster.client().call("ListOffsets", 3, &asked).body();
        told["topics"][0]["partitions"][0]["offset"].as_i64().unwrap()
    }

    /// Writes a record without asking anybody. A topic that has just been made may not be led yet.
    fn write(&self, topic: &str) {
        let mut client = self.cluster.client();
        wait_for("a record to be written", Duration::from_secs(30), || {
            let written = client.call("Produce", PRODUCE, &produce(topic, 1)).body();
            (written["responses"][0]["partitionResponses"][0]["errorCode"] == 0).then_some(())
        });
    }

    /// Lets the fetches that wait for `kept` go on, and whatever comes of that happen: the broker has one network thread and
    /// two that carry out requests, all of which have other connections' requests behind those.
    fn go_on(&self) {
        self.write("kept");
        for _ in 0..50 {
            self.end("kept");
        }
    }
}

fn record() -> String {
    let record = Record {
        transactional: false,
        control: false,
        partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
        producer_id: NO_PRODUCER_ID,
        producer_epoch: NO_PRODUCER_EPOCH,
        timestamp_type: TimestampType::Creation,
        offset: 0,
        sequence: NO_SEQUENCE,
        timestamp: 1_700_000_000_000,
        key: None,
        value: Some("a secret".into()),
        headers: Default::default(),
        delete_horizon: false,
    };
    let mut bytes = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut bytes, &[record], &options).unwrap();
    hex(&bytes)
}

fn produce(topic: &str, acks: i16) -> Value {
    json!({"transactionalId": null, "acks": acks, "timeoutMs": 10_000, "topicData":
        [{"name": topic, "partitionData": [{"index": 0, "records": record()}]}]})
}

/// Reads what comes after `offset`; waits for it if `waits`.
fn fetch(topic: &str, offset: i64, waits: bool) -> Value {
    json!({"replicaId": -1, "maxWaitMs": if waits { 120_000 } else { 0 }, "minBytes": 1, "maxBytes": 1_000_000,
        "isolationLevel": 0, "sessionId": 0, "sessionEpoch": -1, "topics": [{"topic": topic, "partitions":
            [{"partition": 0, "currentLeaderEpoch": -1, "fetchOffset": offset, "logStartOffset": -1,
              "partitionMaxBytes": 100_000}]}], "forgottenTopicsData": [], "rackId": ""})
}

/// The error of the only partition of the answer that comes next, and whether there are records.
fn told(client: &mut Client, side: &Side, api: &str) -> io::Result<(i64, bool)> {
    let frame = client.receive()?;
    let version = if api == "Fetch" { FETCH } else { PRODUCE };
    let (_, answer) = side.cluster.schemas.api(api).decode_response(version, &frame).unwrap();
    let topic = &answer["responses"][0];
    let (partition, records) = match api {
        "Fetch" => (&topic["partitions"][0], topic["partitions"][0]["records"].as_str()),
        _ => (&topic["partitionResponses"][0], None),
    };
    Ok((partition["errorCode"].as_i64().unwrap(), records.is_some_and(|records| !records.is_empty())))
}

#[test]
fn what_waits_at_kafka_is_judged_by_the_rights_of_its_turn() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    let pki = Pki::new(&scratch("pki"));
    let (oracle, behind) = std::thread::scope(|scope| {
        let oracle = scope.spawn(|| Side::oracle(kafka, &pki));
        (oracle.join().unwrap(), Side::behind(kafka, &pki))
    });
    for side in [&oracle, &behind] {
        side.cluster.create_topics(&["kept", "secret"], 1);
        side.write("secret");
        assert_eq!(side.end("secret"), 1);
    }
    // What only reads gets the same answers on both sides, and the connections live on.
    let reads = |side: &Side| {
        let mut alice = side.client(&pki, "alice");
        alice.tell("Fetch", FETCH, &fetch("kept", side.end("kept"), true)).unwrap();
        alice.tell("Fetch", FETCH, &fetch("secret", 0, false)).unwrap();
        alice.tell("Fetch", FETCH, &fetch("kept", 0, false)).unwrap();
        side.sees(3);
        side.revoke(&pki);
        side.is_refused(&pki);
        side.go_on();
        let answers: Vec<_> = (0..3).map(|_| told(&mut alice, side, "Fetch").unwrap()).collect();
        side.grant(&pki);
        alice.tell("Fetch", FETCH, &fetch("secret", 0, false)).unwrap();
        (answers, told(&mut alice, side, "Fetch").unwrap())
    };
    let expected = (vec![(0, true), (29, false), (0, true)], (0, true));
    assert_eq!(reads(&oracle), expected);
    assert_eq!(reads(&behind), expected);
    // What writes is not carried out on either.
    for (round, (acks, chain)) in [(1, 1), (-1, 60), (0, 60)].into_iter().enumerate() {
        for (name, side) in [("Kafka", &oracle), ("doorkeeper", &behind)] {
            let mut alice = side.client(&pki, "alice");
            alice.tell("Fetch", FETCH, &fetch("kept", side.end("kept"), true)).unwrap();
            for _ in 0..chain {
                alice.tell("Produce", PRODUCE, &produce("secret", acks)).unwrap();
                alice.tell("Fetch", FETCH, &fetch("secret", 0, false)).unwrap();
            }
            side.sees(if acks == 0 { 1 + chain } else { 1 + 2 * chain });
            side.revoke(&pki);
            side.is_refused(&pki);
            side.has_ended(round + 1);
            side.go_on();
            assert_eq!(side.end("secret"), 1, "{name}, acks {acks}, a chain of {chain}");
            if std::ptr::eq(side, &oracle) {
                assert_eq!(told(&mut alice, side, "Fetch").unwrap(), (0, true));
                // All of them: what is left would be carried out by the right that is given back.
                for _ in 0..chain {
                    if acks == 0 {
                        assert!(told(&mut alice, side, "Fetch").is_err());
                        break;
                    }
                    assert_eq!(told(&mut alice, side, "Produce").unwrap(), (29, false));
                    assert_eq!(told(&mut alice, side, "Fetch").unwrap(), (29, false));
                }
            } else {
                // A connection that ends is what every client knows to deal with; then it is refused.
                assert!(told(&mut alice, side, "Fetch").is_err());
                let mut again = side.client(&pki, "alice");
                let refused = again.call("Produce", PRODUCE, &produce("secret", 1)).body();
                assert_eq!(refused["responses"][0]["partitionResponses"][0]["errorCode"], 29);
            }
            side.grant(&pki);
        }
    }
    // Whoever leaves does not leave behind what nobody judges any more.
    let mut alice = behind.client(&pki, "alice");
    alice.tell("Fetch", FETCH, &fetch("kept", behind.end("kept"), true)).unwrap();
    alice.tell("Produce", PRODUCE, &produce("secret", 1)).unwrap();
    behind.sees(2);
    drop(alice);
    behind.revoke(&pki);
    behind.has_ended(4);
    behind.go_on();
    assert_eq!(behind.end("secret"), 1);
}
