//! Committed offsets: OffsetCommit, OffsetFetch, OffsetDelete.

use super::super::{Case, Step};
use super::{each, groups, topic_id, topic_shapes};
use serde_json::{Value, json};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for group in groups() {
        cases.push(fetch(format!("everything of {group}"), &[(&group, Value::Null)]));
        cases
            .push(fetch(format!("something of {group}"), &[(&group, named(&["t-all", "t-none", "t-open"]))]));
    }
    for (shape, names) in topic_shapes() {
        let topics = each(&names, fetched);
        cases.push(fetch(shape.to_owned(), &[("g-all", topics.clone())]));
        cases.push(commit(shape.to_owned(), "gp-$u", &names));
        cases.push(commit(format!("{shape}, of a group that alice may read"), "g-read", &names));
        cases.push(delete(shape, &names));
    }
    let all: Vec<(String, Value)> =
        groups().into_iter().map(|group| (group, named(&["t-all", "t-none"]))).collect();
    let all: Vec<(&str, Value)> =
        all.iter().map(|(group, topics)| (group.as_str(), topics.clone())).collect();
    cases.push(fetch("all groups".to_owned(), &all));
    cases.push(fetch(
        "groups twice".to_owned(),
        &[all[0].clone(), all[6].clone(), all[0].clone(), all[6].clone()],
    ));
    cases.push(
        Case::new("OffsetFetch", "no groups", json!({"groupId": "g-all", "topics": null, "groups": []}))
            .since(4, 0),
    );
    for group in groups() {
        let names = ["t-all", "t-none"].map(str::to_owned);
        cases.push(commit(format!("to {group}"), &group, &names));
        let topics = each(&names, deleted);
        cases.push(Case::new(
            "OffsetDelete",
            format!("from {group}"),
            json!({"groupId": group, "topics": topics}),
        ));
    }
    let stranger = json!({
        "groupId": "gp-$u", "memberId": "nobody", "generationIdOrMemberEpoch": 3,
        "topics": each(&["t-all", "t-none"], committed),
    });
    cases.push(Case::new("OffsetCommit", "as a member that is none", stranger));
    cases
}

fn named(names: &[&str]) -> Value {
    each(names, fetched)
}

fn fetched(name: &str) -> Value {
    json!({"name": name, "topicId": topic_id(name), "partitionIndexes": [0, 7]})
}

/// Versions to 7 take the first group only, and know topics by name.
fn fetch(shape: String, groups: &[(&str, Value)]) -> Case {
    let (group, topics) = &groups[0];
    let without_ids = |topics: &Value| match topics {
        Value::Null => Value::Null,
        topics => topics
            .as_array()
            .unwrap()
            .iter()
            .map(|one| json!({"name": one["name"], "partitionIndexes": [0, 7]}))
            .collect(),
    };
    let groups: Vec<Value> = groups
        .iter()
        .map(|(group, topics)| json!({"groupId": group, "memberId": null, "topics": topics}))
        .collect();
    Case::new(
        "OffsetFetch",
        shape,
        json!({"groupId": group, "topics": without_ids(topics), "groups": groups}),
    )
}

fn commit(shape: String, group: &str, names: &[String]) -> Case {
    Case::new("OffsetCommit", shape, json!({"groupId": group, "topics": each(names, committed)}))
}

fn committed(name: &str) -> Value {
    let partition =
        |index: i32| json!({"partitionIndex": index, "committedOffset": 2, "committedMetadata": "kept"});
    json!({"name": name, "topicId": topic_id(name), "partitions": [partition(0), partition(7)]})
}

fn delete(shape: &str, names: &[String]) -> Case {
    let partitions = json!([{"partitionIndex": 0, "committedOffset": 1}]);
    let topics =
        json!([{"name": "t-all", "partitions": partitions}, {"name": "t-none", "partitions": partitions}]);
    let given =
        Step::Given { api: "OffsetCommit", version: 8, body: json!({"groupId": "gp-$u", "topics": topics}) };
    Case::after("OffsetDelete", shape, vec![given])
        .then("OffsetDelete", json!({"groupId": "gp-$u", "topics": each(names, deleted)}))
}

fn deleted(name: &str) -> Value {
    json!({"name": name, "partitions": [{"partitionIndex": 0}, {"partitionIndex": 7}]})
}
