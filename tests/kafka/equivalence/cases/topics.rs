//! CreateTopics, CreatePartitions, DeleteTopics.

use super::super::{Case, Step};
use super::{each, topic_id};
use serde_json::{Value, json};

pub fn cases() -> Vec<Case> {
    let mut cases = creations();
    cases.extend(partitions());
    cases.extend(deletions());
    cases
}

fn creations() -> Vec<Case> {
    let topic = |name: &str| json!({"name": name, "numPartitions": 2, "replicationFactor": 1});
    let with = |name: &str, field: &str, value: Value| {
        let mut topic = topic(name);
        topic[field] = value;
        topic
    };
    let configs = json!([{"name": "max.message.bytes", "value": "1000"}]);
    let assignments = json!([{"partitionIndex": 0, "brokerIds": [1]}]);
    let mut assigned = with("p-$u", "assignments", assignments);
    (assigned["numPartitions"], assigned["replicationFactor"]) = (json!(-1), json!(-1));
    let shapes: Vec<(&str, Value)> = vec![
        ("allowed", json!([topic("p-$u")])),
        ("denied", json!([topic("m-$u")])),
        ("some of each", json!([topic("p-1-$u"), topic("m-1-$u"), topic("p-2-$u"), topic("m-2-$u")])),
        ("twice", json!([topic("p-$u"), topic("m-$u"), topic("p-$u"), topic("m-$u")])),
        ("existing", json!([topic("t-all"), topic("t-none"), topic("t-configs"), topic("t-describe")])),
        ("invalid names", each(&["p-bad name", "bad name", "", ".", ".."], topic)),
        ("Kafka's own log", json!([topic("__cluster_metadata"), topic("p-$u")])),
        ("internal topics", json!([topic("__consumer_offsets")])),
        (
            "with settings",
            json!([with("p-$u", "configs", configs.clone()), with("m-$u", "configs", configs)]),
        ),
        (
            "with an unknown setting",
            json!([with("p-$u", "configs", json!([{"name": "nonsense", "value": "1"}]))]),
        ),
        (
            "with a null setting",
            json!([with("p-$u", "configs", json!([{"name": "max.message.bytes", "value": null}]))]),
        ),
        ("with assignments", json!([assigned])),
        ("with defaults", json!([{"name": "p-$u", "numPartitions": -1, "replicationFactor": -1}])),
        (
            "no partitions",
            json!([with("p-$u", "numPartitions", json!(0)), with("m-$u", "numPartitions", json!(0))]),
        ),
        ("too many replicas", json!([with("p-$u", "replicationFactor", json!(9))])),
        ("none", json!([])),
    ];
    let mut cases = Vec::new();
    for (shape, topics) in shapes {
        for validate in [true, false] {
            let shape = if validate { format!("{shape}, validated only") } else { shape.to_owned() };
            let body = json!({"topics": topics, "timeoutMs": 30_000, "validateOnly": validate});
            cases.push(Case::new("CreateTopics", shape, body));
        }
    }
    cases
}

fn partitions() -> Vec<Case> {
    let grown = |name: &str, count: i32| json!({"name": name, "count": count, "assignments": null});
    let request = |topics: Value, validate: bool| json!({"topics": topics, "timeoutMs": 30_000, "validateOnly": validate});
    let mut cases = Vec::new();
    for (shape, names) in super::topic_shapes() {
        cases.push(Case::new("CreatePartitions", shape, request(each(&names, |name| grown(name, 3)), true)));
    }
    let given = || vec![Step::GivenTopics(&["p-$u", "m-$u"])];
    let both = json!([grown("p-$u", 3), grown("m-$u", 3)]);
    cases.push(
        Case::after("CreatePartitions", "really", given()).then("CreatePartitions", request(both, false)),
    );
    let fewer = json!([grown("t-all", 1), grown("t-none", 1)]);
    cases.push(Case::new("CreatePartitions", "fewer than there are", request(fewer, false)));
    let assigned = json!([{"name": "t-all", "count": 3, "assignments": [{"brokerIds": [1]}]}]);
    cases.push(Case::new("CreatePartitions", "with assignments", request(assigned, true)));
    cases
}

fn deletions() -> Vec<Case> {
    const DOOMED: &[&str] = &["p-1-$u", "p-2-$u", "m-1-$u"];
    let given = || vec![Step::GivenTopics(DOOMED)];
    // Versions to 5 know topics by name alone.
    let by_name = |names: &[&str]| json!({"topicNames": names, "topics": each(names, |name| json!({"name": name})), "timeoutMs": 30_000});
    let by_id = |names: &[&str]| {
        let topics = each(names, |name| json!({"name": null, "topicId": topic_id(name)}));
        json!({"topicNames": names, "topics": topics, "timeoutMs": 30_000})
    };
    let describe = |mut case: Case| {
        case.steps.push(Step::Settle);
        case.then(
            "Metadata",
            json!({"topics": each(DOOMED, |name| json!({"name": name})), "allowAutoTopicCreation": false}),
        )
    };
    let mut cases = vec![
        describe(Case::after("DeleteTopics", "some of each", given()).then("DeleteTopics", by_name(DOOMED))),
        describe(
            Case::after("DeleteTopics", "some of each, by id", given()).then("DeleteTopics", by_id(DOOMED)),
        ),
    ];
    let undeletable: &[(&str, &[&str])] = &[
        ("denied", &["t-none"]),
        ("described at most", &["t-describe", "t-read", "t-write", "t-denied", "t-hosted", "t-open"]),
        ("unknown", &["p-missing-$u"]),
        ("unknown and denied", &["m-missing-$u"]),
        ("invalid names", &["p-bad name", "bad name", ""]),
        ("none", &[]),
    ];
    for (shape, names) in undeletable {
        // Whoever may delete would delete what other cases need: these names are not handed to the super users.
        if names.iter().any(|name| name.starts_with("t-")) {
            continue;
        }
        cases.push(Case::new("DeleteTopics", *shape, by_name(names)));
        cases.push(Case::new("DeleteTopics", format!("{shape}, by id"), by_id(names)));
    }
    let mut both = by_name(&["p-1-$u"]);
    both["topics"] = json!([{"name": "p-1-$u", "topicId": topic_id("p-1-$u")}, {"name": null, "topicId": topic_id("zero")}]);
    cases.push(
        Case::after("DeleteTopics", "by name and id, and by neither", given()).then("DeleteTopics", both),
    );
    let twice = ["p-1-$u", "m-1-$u", "p-1-$u", "m-1-$u"];
    cases.push(Case::after("DeleteTopics", "twice", given()).then("DeleteTopics", by_name(&twice)));
    cases.push(Case::after("DeleteTopics", "twice, by id", given()).then("DeleteTopics", by_id(&twice)));
    let mut mixed = by_name(&["p-1-$u"]);
    mixed["topics"] =
        json!([{"name": "p-1-$u"}, {"name": null, "topicId": topic_id("p-1-$u")}, {"name": "m-1-$u"}]);
    cases.push(Case::after("DeleteTopics", "one by name and by id", given()).then("DeleteTopics", mixed));
    // Where only one of the two sides deletes a topic, they go on with the same topics all the same.
    let away = || Step::Given { api: "DeleteTopics", version: 5, body: by_name(DOOMED) };
    cases.into_iter().map(|case| if case.steps.len() > 1 { case.with(away()) } else { case }).collect()
}
