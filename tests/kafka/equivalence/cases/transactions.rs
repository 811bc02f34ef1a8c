//! Producer ids and transactions.

use super::super::Case;
use super::{each, topic_id, topic_shapes, transactional_ids};
use serde_json::{Value, json};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let keep: &[(&str, &str)] = &[("producer", "/producerId"), ("epoch", "/producerEpoch")];
    cases.push(Case::new("InitProducerId", "without a transactional id", init(Value::Null)));
    let mut again = init(Value::Null);
    (again["producerId"], again["producerEpoch"]) = (json!("$=producer"), json!("$=epoch"));
    cases.push(
        Case::after("InitProducerId", "without a transactional id, once more", vec![])
            .then_keep("InitProducerId", init(Value::Null), keep)
            .then("InitProducerId", again),
    );
    for id in transactional_ids() {
        cases.push(Case::new("InitProducerId", format!("as {id}"), init(json!(id))));
    }
    cases.push(Case::new("InitProducerId", "an empty transactional id", init(json!(""))));

    for (shape, names) in topic_shapes() {
        let begun = Case::after("AddPartitionsToTxn", shape, vec![]).then_keep(
            "InitProducerId",
            init(json!("xp-$u")),
            keep,
        );
        cases.push(
            begun.then("AddPartitionsToTxn", add("xp-$u", json!("$=producer"), json!("$=epoch"), &names)),
        );
        let begun = Case::after("TxnOffsetCommit", shape, vec![]).then_keep(
            "InitProducerId",
            init(json!("xp-$u")),
            keep,
        );
        cases.push(begun.then(
            "TxnOffsetCommit",
            commit_offsets("xp-$u", "gp-$u", json!("$=producer"), json!("$=epoch"), &names),
        ));
    }
    for id in transactional_ids() {
        let names = ["t-all", "t-write", "t-none"].map(str::to_owned);
        let (producer, epoch) = (json!(4711), json!(0));
        cases.push(Case::new(
            "AddPartitionsToTxn",
            format!("nobody's {id}"),
            add(&id, producer.clone(), epoch.clone(), &names),
        ));
        cases.push(Case::new(
            "EndTxn",
            format!("nobody's {id}"),
            end(&id, producer.clone(), epoch.clone(), true),
        ));
        for group in ["g-all", "g-none", "gp-$u"] {
            let shape = format!("nobody's {id} for {group}");
            let body = json!({"transactionalId": id, "producerId": producer, "producerEpoch": epoch, "groupId": group});
            cases.push(Case::new("AddOffsetsToTxn", shape.clone(), body));
            cases.push(Case::new(
                "TxnOffsetCommit",
                shape,
                commit_offsets(&id, group, producer.clone(), epoch.clone(), &names),
            ));
        }
    }
    cases.push(Case::new(
        "AddPartitionsToTxn",
        "internal topics",
        add("x-all", json!(4711), json!(0), &["__consumer_offsets".to_owned()]),
    ));
    // No transactions at all is no case: from version 4 on Kafka never answers it.
    for api in ["AddOffsetsToTxn", "EndTxn"] {
        for committed in [true, false] {
            cases.push(transaction(api, committed, keep));
        }
    }
    cases
}

/// A whole transaction, with all versions of `api`.
fn transaction(api: &'static str, committed: bool, keep: &[(&'static str, &'static str)]) -> Case {
    let (producer, epoch) = (json!("$=producer"), json!("$=epoch"));
    let shape = if committed { "a committed transaction" } else { "an aborted transaction" };
    let names = ["t-write".to_owned()];
    let offsets = json!({"transactionalId": "xp-$u", "producerId": producer, "producerEpoch": epoch, "groupId": "gp-$u"});
    let mut case = Case::after(api, shape, vec![]).then_keep("InitProducerId", init(json!("xp-$u")), keep);
    case.steps.push(at_version(
        "AddPartitionsToTxn",
        3,
        add("xp-$u", producer.clone(), epoch.clone(), &names),
    ));
    case = case.then("AddOffsetsToTxn", offsets);
    case.steps.push(at_version(
        "TxnOffsetCommit",
        3,
        commit_offsets("xp-$u", "gp-$u", producer.clone(), epoch.clone(), &names),
    ));
    case.then("EndTxn", end("xp-$u", producer, epoch, committed))
}

pub(super) fn at_version(api: &'static str, version: i16, body: Value) -> super::super::Step {
    super::super::Step::Compare(super::super::Request { api, version: Some(version), body, keep: Vec::new() })
}

pub(super) fn init(id: Value) -> Value {
    json!({"transactionalId": id, "transactionTimeoutMs": 900_000})
}

/// Versions to 3 are for clients, later ones for brokers; each takes its own fields.
pub(super) fn add(id: &str, producer: Value, epoch: Value, names: &[String]) -> Value {
    let topics = each(names, |name| json!({"name": name, "partitions": [0, 1]}));
    json!({
        "v3AndBelowTransactionalId": id,
        "v3AndBelowProducerId": producer,
        "v3AndBelowProducerEpoch": epoch,
        "v3AndBelowTopics": topics,
        "transactions": [{
            "transactionalId": id, "producerId": producer, "producerEpoch": epoch, "verifyOnly": false, "topics": topics,
        }],
    })
}

fn commit_offsets(id: &str, group: &str, producer: Value, epoch: Value, names: &[String]) -> Value {
    let topics = each(names, |name| {
        let partition =
            |index: i32| json!({"partitionIndex": index, "committedOffset": 1, "committedMetadata": ""});
        json!({"name": name, "topicId": topic_id(name), "partitions": [partition(0), partition(7)]})
    });
    json!({"transactionalId": id, "groupId": group, "producerId": producer, "producerEpoch": epoch, "topics": topics})
}

pub(super) fn end(id: &str, producer: Value, epoch: Value, committed: bool) -> Value {
    json!({"transactionalId": id, "producerId": producer, "producerEpoch": epoch, "committed": committed})
}
