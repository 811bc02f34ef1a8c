//! Produce, Fetch, ListOffsets, OffsetForLeaderEpoch, DeleteRecords.

use super::super::normalise::REPLICA;
use super::super::{Case, records};
use super::{each, topic_id, topic_shapes};
use serde_json::{Value, json};

pub fn cases() -> Vec<Case> {
    let mut cases = fetches();
    cases.extend(fetch_sessions());
    cases.extend(positions());
    cases.extend(produces());
    cases
}

pub(super) fn fetch(session: Value, epoch: i32, topics: Value, forgotten: Value) -> Value {
    json!({
        "replicaId": -1,
        "maxWaitMs": 0,
        "minBytes": 0,
        "maxBytes": 1_000_000,
        "sessionId": session,
        "sessionEpoch": epoch,
        "topics": topics,
        "forgottenTopicsData": forgotten,
    })
}

pub(super) fn fetched(name: &str) -> Value {
    fetched_from(name, &[0, 1])
}

fn fetched_from(name: &str, partitions: &[i32]) -> Value {
    let partition = |index: &i32| json!({"partition": index, "fetchOffset": 0, "partitionMaxBytes": 100_000});
    let partitions: Vec<Value> = partitions.iter().map(partition).collect();
    json!({"topic": name, "topicId": topic_id(name), "partitions": partitions})
}

fn fetches() -> Vec<Case> {
    let mut cases = Vec::new();
    for (shape, names) in topic_shapes() {
        cases.push(Case::new("Fetch", shape, fetch(json!(0), -1, each(&names, fetched), json!([]))));
    }
    let lost = json!([fetched_from("t-all", &[0, 7, -1]), fetched_from("t-none", &[7])]);
    cases.push(Case::new("Fetch", "partitions that are missing", fetch(json!(0), -1, lost, json!([]))));
    cases.push(Case::new(
        "Fetch",
        "no partitions",
        fetch(json!(0), -1, json!([fetched_from("t-all", &[])]), json!([])),
    ));
    let mut follower = fetch(json!(0), -1, each(&["t-all", "t-none"], fetched), json!([]));
    follower["replicaId"] = json!(9);
    follower["replicaState"] = json!({"replicaId": 9, "replicaEpoch": 1});
    cases.push(Case::new("Fetch", "as a follower", follower));
    let mixed = ["t-all", "p-missing-$u", "t-none", "t-read", "m-missing-$u", "t-open"];
    let mut follower = fetch(json!(0), 0, each(&mixed, fetched), json!([]));
    follower["replicaId"] = json!(9);
    follower["replicaState"] = json!({"replicaId": 9, "replicaEpoch": 1});
    cases.push(Case::new("Fetch", REPLICA, follower));
    let mut committed = fetch(json!(0), -1, each(&["t-all", "t-none"], fetched), json!([]));
    committed["isolationLevel"] = json!(1);
    cases.push(Case::new("Fetch", "committed records", committed));
    let far = json!([{"topic": "t-all", "topicId": topic_id("t-all"), "partitions": [
        {"partition": 0, "fetchOffset": 1_000_000, "partitionMaxBytes": 100_000}]}]);
    cases.push(Case::new("Fetch", "beyond the end", fetch(json!(0), -1, far, json!([]))));
    cases
}

fn fetch_sessions() -> Vec<Case> {
    let names = ["t-all", "t-read", "t-none", "t-open", "p-missing-$u"];
    let opened = |shape: &str| {
        Case::after("Fetch", shape, vec![]).then_keep(
            "Fetch",
            fetch(json!(0), 0, each(&names, fetched), json!([])),
            &[("session", "/sessionId")],
        )
    };
    // Nobody but the super user and bob may read any of it.
    let refused = ["t-none", "m-missing-$u"];
    let opened_in_vain = |shape: &str| {
        Case::after("Fetch", shape, vec![]).then_keep(
            "Fetch",
            fetch(json!(0), 0, each(&refused, fetched), json!([])),
            &[("session", "/sessionId")],
        )
    };
    let forgotten = |name: &str| json!({"topic": name, "topicId": topic_id(name), "partitions": [0, 1]});
    let next = |epoch: i32, topics: Value, gone: Value| fetch(json!("$=session"), epoch, topics, gone);
    let none = || json!([]);
    vec![
        opened("a session: idle")
            .then("Fetch", next(1, none(), none()))
            .then("Fetch", next(2, none(), none())),
        opened("a session: one more topic")
            .then("Fetch", next(1, each(&["t-write", "t-hosted"], fetched), none()))
            .then("Fetch", next(2, none(), none())),
        opened("a session: fewer topics")
            .then("Fetch", next(1, none(), each(&["t-none", "t-read"], forgotten)))
            .then("Fetch", next(2, none(), none())),
        opened("a session: everything forgotten").then("Fetch", next(1, none(), each(&names, forgotten))),
        opened("a session: wrong epoch")
            .then("Fetch", next(5, none(), none()))
            .then("Fetch", next(1, none(), none())),
        opened("a session: closed")
            .then("Fetch", next(-1, each(&["t-all", "t-none"], fetched), none()))
            .then("Fetch", next(1, none(), none())),
        opened("a session: opened anew").then_keep(
            "Fetch",
            next(0, each(&["t-all", "t-none"], fetched), none()),
            &[("session", "/sessionId")],
        ),
        opened_in_vain("a session of errors: idle")
            .then("Fetch", next(1, none(), none()))
            .then("Fetch", next(2, none(), none())),
        opened_in_vain("a session of errors: topics that can be read")
            .then("Fetch", next(1, each(&["t-open", "t-write"], fetched), none()))
            .then("Fetch", next(2, none(), each(&refused, forgotten)))
            .then("Fetch", next(3, none(), each(&["t-open"], forgotten)))
            .then("Fetch", next(4, none(), none())),
        opened_in_vain("a session of errors: everything forgotten")
            .then("Fetch", next(1, none(), each(&refused, forgotten)))
            .then("Fetch", next(2, none(), none())),
        opened_in_vain("a session of errors: wrong epoch")
            .then("Fetch", next(2, none(), none()))
            .then("Fetch", next(1, none(), none())),
        opened_in_vain("a session of errors: closed")
            .then("Fetch", next(-1, each(&["t-none"], fetched), none()))
            .then("Fetch", next(1, none(), none())),
        Case::new("Fetch", "a session that nobody opened", fetch(json!(123_456_789), 1, none(), none())),
        Case::new("Fetch", "a session of nothing", fetch(json!(0), 0, none(), none())),
    ]
}

fn positions() -> Vec<Case> {
    let mut cases = Vec::new();
    for (shape, names) in topic_shapes() {
        let topics = each(&names, |name| {
            let partition =
                |index: i32, timestamp: i64| json!({"partitionIndex": index, "timestamp": timestamp});
            json!({"name": name, "partitions": [partition(0, -1), partition(1, -2), partition(7, -1)]})
        });
        cases.push(Case::new(
            "ListOffsets",
            shape,
            json!({"replicaId": -1, "topics": topics, "timeoutMs": 1000}),
        ));
        let topics = each(&names, |name| {
            let partition = |index: i32| json!({"partition": index, "leaderEpoch": 0});
            json!({"topic": name, "partitions": [partition(0), partition(7)]})
        });
        cases.push(Case::new("OffsetForLeaderEpoch", shape, json!({"replicaId": -1, "topics": topics})));
        let topics = each(&names, |name| {
            let partition = |index: i32| json!({"partitionIndex": index, "offset": 0});
            json!({"name": name, "partitions": [partition(0), partition(7)]})
        });
        cases.push(Case::new("DeleteRecords", shape, json!({"topics": topics, "timeoutMs": 10_000})));
    }
    for timestamp in [-1i64, -2, -3, -4, -5, -6, -7, 0, 1_800_000_000_000] {
        let topics = each(
            &["t-all", "t-none"],
            |name| json!({"name": name, "partitions": [{"partitionIndex": 0, "timestamp": timestamp}]}),
        );
        let body = json!({"replicaId": -1, "topics": topics, "timeoutMs": 1000});
        cases.push(Case::new("ListOffsets", format!("timestamp {timestamp}"), body));
    }
    let twice = json!({"partitionIndex": 0, "timestamp": -1});
    let topics = each(&["t-all", "t-none"], |name| json!({"name": name, "partitions": [twice, twice]}));
    cases.push(Case::new(
        "ListOffsets",
        "a partition twice",
        json!({"replicaId": -1, "topics": topics, "timeoutMs": 1000}),
    ));
    let topics = each(
        &["t-all", "t-none"],
        |name| json!({"name": name, "partitions": [{"partitionIndex": 0, "timestamp": -1}]}),
    );
    cases.push(Case::new(
        "ListOffsets",
        "as a follower",
        json!({"replicaId": 9, "topics": topics, "timeoutMs": 1000}),
    ));
    let topics = each(
        &["t-all", "t-none"],
        |name| json!({"topic": name, "partitions": [{"partition": 0, "currentLeaderEpoch": 9, "leaderEpoch": 0}]}),
    );
    cases.push(Case::new(
        "OffsetForLeaderEpoch",
        "an epoch to come",
        json!({"replicaId": 9, "topics": topics}),
    ));
    let topics = each(
        &["t-all", "t-none"],
        |name| json!({"name": name, "partitions": [{"partitionIndex": 0, "offset": 1_000_000}]}),
    );
    cases.push(Case::new("DeleteRecords", "beyond the end", json!({"topics": topics, "timeoutMs": 10_000})));
    cases
}

pub(super) fn produced(name: &str, partitions: &[i32], bytes: &Value) -> Value {
    let partitions: Vec<Value> =
        partitions.iter().map(|index| json!({"index": index, "records": bytes})).collect();
    json!({"name": name, "topicId": topic_id(name), "partitionData": partitions})
}

fn produces() -> Vec<Case> {
    let (plain, transactional) = (json!(records::plain()), json!(records::transactional()));
    let produce = |acks: i16, id: Value, topics: Value| json!({"transactionalId": id, "acks": acks, "timeoutMs": 10_000, "topicData": topics});
    let topics = |names: &[String], bytes: &Value| each(names, |name| produced(name, &[0, 1], bytes));
    let mut cases = Vec::new();
    for (shape, names) in topic_shapes() {
        cases.push(Case::new("Produce", shape, produce(-1, Value::Null, topics(&names, &plain))));
        let silent = produce(0, Value::Null, topics(&names, &plain));
        cases.push(
            Case::after("Produce", format!("{shape}, without an answer"), vec![])
                .then_silent("Produce", silent),
        );
    }
    let both = ["t-all", "t-none"].map(str::to_owned);
    let mut more = |shape: &str, acks: i16, id: Value, topics: Value| {
        cases.push(Case::new("Produce", shape, produce(acks, id, topics)));
    };
    more("leader's acknowledgement", 1, Value::Null, topics(&both, &plain));
    more("impossible acknowledgements", 5, Value::Null, topics(&both, &plain));
    more(
        "partitions that are missing",
        -1,
        Value::Null,
        each(&both, |name| produced(name, &[1, 7, -1], &plain)),
    );
    more("no partitions", -1, Value::Null, each(&both, |name| produced(name, &[], &plain)));
    more("a partition twice", -1, Value::Null, each(&both, |name| produced(name, &[0, 0], &plain)));
    // Null records are no case: Kafka 4.4 fails to describe such a request in its own log, and never answers.
    more("no records", -1, Value::Null, topics(&both, &json!("")));
    more("records cut short", -1, Value::Null, topics(&both, &json!(&records::plain()[..40])));
    more("records of a transaction without its id", -1, Value::Null, topics(&both, &transactional));
    more("plain records with a transactional id", -1, json!("x-none"), topics(&both, &plain));
    for id in ["x-all", "x-write", "x-describe", "x-denied", "x-none"] {
        more(
            &format!("records of a transaction nobody began, {id}"),
            -1,
            json!(id),
            topics(&both, &transactional),
        );
    }
    more("internal topics", -1, Value::Null, json!([produced("__consumer_offsets", &[0], &plain)]));
    // Kafka 1 appends them, which leaves the two sides with different records; `brokers` holds that nobody may here.
    let is_appended = |case: &Case| case.shape.starts_with("records of a transaction");
    cases.into_iter().map(|case| if is_appended(&case) { case.since(2, 0) } else { case }).collect()
}
