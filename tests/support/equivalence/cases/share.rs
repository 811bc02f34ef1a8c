//! Share groups: the part of brokers among themselves, which a client's listener serves too.

use super::super::Case;
use super::{each, topic_id};
use serde_json::{Value, json};

pub fn cases() -> Vec<Case> {
    let state = |names: &[&str], fields: Value| {
        let topics = each(names, |name| {
            let mut partition = fields.clone();
            partition["partition"] = json!(0);
            json!({"topicId": topic_id(name), "partitions": [partition]})
        });
        json!({"groupId": "gp-$u", "topics": topics})
    };
    let requests = [
        ("InitializeShareGroupState", json!({"stateEpoch": 0, "startOffset": 0})),
        ("ReadShareGroupState", json!({"leaderEpoch": 0})),
        ("WriteShareGroupState", json!({"stateEpoch": 0, "leaderEpoch": 0, "startOffset": 0})),
        ("DeleteShareGroupState", json!({})),
        ("ReadShareGroupStateSummary", json!({"leaderEpoch": 0})),
    ];
    let mut cases = Vec::new();
    for (api, fields) in requests {
        // With a topic, whoever is allowed makes the coordinator's own topic, and the answer depends on when it is there.
        cases.push(Case::new(api, "no topics", state(&[], fields.clone())));
        cases.push(
            Case::new(api, "two topics", state(&["t-all", "t-none"], fields)).by(&["alice", "bob", "nobody"]),
        );
    }
    cases
}
