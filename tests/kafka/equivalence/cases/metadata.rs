//! Metadata and FindCoordinator.

use super::super::{Case, Step};
use super::{each, groups, topic_id, topic_shapes, transactional_ids};
use serde_json::{Value, json};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let request = |topics: Value, create: bool| {
        json!({
            "topics": topics,
            "allowAutoTopicCreation": create,
            "includeClusterAuthorizedOperations": true,
            "includeTopicAuthorizedOperations": true,
        })
    };
    for (shape, names) in topic_shapes() {
        cases.push(Case::new("Metadata", shape, request(each(&names, |name| json!({"name": name})), false)));
        let by_id = each(&names, |name| json!({"name": null, "topicId": topic_id(name)}));
        cases.push(Case::new("Metadata", format!("{shape}, by id"), request(by_id, false)));
    }
    let creating = each(&["p-auto-$u", "m-auto-$u", "t-all", "p-bad name"], |name| json!({"name": name}));
    cases.push(Case::new("Metadata", "creating what is missing", request(creating, true)));
    cases.push(Case::new(
        "Metadata",
        "name and id",
        request(json!([{"name": "t-all", "topicId": topic_id("t-read")}]), false),
    ));
    let some_by_id =
        json!([{"name": "t-all"}, {"name": null, "topicId": topic_id("t-read")}, {"name": "t-none"}]);
    cases.push(Case::new("Metadata", "some by name, some by id", request(some_by_id, false)));
    cases.push(Case::new(
        "Metadata",
        "zero id",
        request(json!([{"name": null, "topicId": topic_id("zero")}]), false),
    ));
    cases.push(Case::new(
        "Metadata",
        "without operations",
        json!({"topics": [{"name": "t-all"}], "allowAutoTopicCreation": false}),
    ));
    cases.push(
        Case::after("Metadata", "all", vec![Step::Settle]).then("Metadata", request(Value::Null, true)),
    );
    let internal = each(&["__consumer_offsets", "__transaction_state"], |name| json!({"name": name}));
    cases.push(Case::new("Metadata", "internal topics", request(internal, false)));

    let find =
        |kind: i8, keys: &[String]| json!({"key": keys.first(), "keyType": kind, "coordinatorKeys": keys});
    for group in groups() {
        cases.push(Case::new("FindCoordinator", format!("group {group}"), find(0, &[group])));
    }
    for id in transactional_ids() {
        cases.push(Case::new("FindCoordinator", format!("transactional id {id}"), find(1, &[id])));
    }
    cases.push(Case::new("FindCoordinator", "all groups", find(0, &groups())));
    cases.push(Case::new("FindCoordinator", "all transactional ids", find(1, &transactional_ids())));
    let twice = ["g-all", "g-none", "g-all", "g-none"].map(str::to_owned);
    cases.push(Case::new("FindCoordinator", "twice", find(0, &twice)));
    cases.push(Case::new("FindCoordinator", "none", json!({"key": "", "keyType": 0, "coordinatorKeys": []})));
    cases.push(Case::new(
        "FindCoordinator",
        "a share group",
        find(2, &["gp-s:AAAAAAAAAAAAAAAAAAAAAQ:0".to_owned()]),
    ));
    cases.push(Case::new("FindCoordinator", "a malformed share key", find(2, &["nonsense".to_owned()])));
    cases.push(Case::new("FindCoordinator", "an unknown type", find(9, &["g-all".to_owned()])));
    cases
}
