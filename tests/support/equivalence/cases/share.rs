//! Share groups (KIP-932): members, records, offsets, and what brokers say to each other about them.

use super::super::{Case, Step};
use super::{each, groups, topic_id, topic_shapes};
use serde_json::{Value, json};

const MEMBER: &str = "AAAAAAAAAAAAAAAAAAAAAg";

pub fn cases() -> Vec<Case> {
    let mut cases = between_brokers();
    cases.extend(members());
    cases.extend(records());
    cases.extend(offsets());
    cases
}

fn between_brokers() -> Vec<Case> {
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
        cases.push(Case::new(api, "no topics", state(&[], fields.clone())));
        cases.push(
            Case::new(api, "two topics", state(&["t-all", "t-none"], fields)).by(&["alice", "bob", "nobody"]),
        );
    }
    cases
}

fn heartbeat(group: &str, epoch: i32, topics: Value) -> Value {
    json!({"groupId": group, "memberId": MEMBER, "memberEpoch": epoch, "subscribedTopicNames": topics})
}

fn describe(groups: &[&str]) -> Value {
    json!({"groupIds": groups, "includeAuthorizedOperations": true})
}

fn members() -> Vec<Case> {
    let mut cases = Vec::new();
    for group in groups() {
        cases.push(Case::new(
            "ShareGroupHeartbeat",
            format!("stranger in {group}"),
            heartbeat(&group, 3, Value::Null),
        ));
        cases.push(Case::new("ShareGroupDescribe", group.clone(), describe(&[&group])));
    }
    cases.push(Case::new("ShareGroupDescribe", "twice", describe(&["g-all", "g-none", "g-all", "g-none"])));
    cases.push(Case::new("ShareGroupDescribe", "none", describe(&[])));
    for (shape, topics) in [
        ("t-read", json!(["t-read"])),
        ("t-none", json!(["t-none"])),
        ("t-open and t-none", json!(["t-open", "t-none"])),
        ("nothing", json!([])),
    ] {
        let case = Case::after("ShareGroupHeartbeat", format!("a member that reads {shape}"), vec![])
            .then("ShareGroupHeartbeat", heartbeat("gp-$u", 0, topics))
            .then("ShareGroupDescribe", describe(&["gp-$u"]))
            .then("ShareGroupHeartbeat", heartbeat("gp-$u", -1, Value::Null));
        cases.push(case);
    }
    let given = Step::Given {
        api: "ShareGroupHeartbeat",
        version: 1,
        body: heartbeat("gp-$u", 0, json!(["t-read", "t-none"])),
    };
    let hidden = Case::after("ShareGroupDescribe", "a group that reads t-read and t-none", vec![given]);
    cases.push(hidden.then("ShareGroupDescribe", describe(&["gp-$u"])));
    cases
}

fn fetch(group: Value, member: &str, epoch: i32, names: &[String]) -> Value {
    let topics =
        each(names, |name| json!({"topicId": topic_id(name), "partitions": [{"partitionIndex": 0}]}));
    json!({
        "groupId": group, "memberId": member, "shareSessionEpoch": epoch,
        "maxWaitMs": 0, "minBytes": 0, "maxBytes": 1_000_000, "maxRecords": 10, "batchSize": 10,
        "topics": topics,
    })
}

fn acknowledge(group: Value, member: &str, epoch: i32, names: &[String]) -> Value {
    let batch = json!({"firstOffset": 0, "lastOffset": 0, "acknowledgeTypes": [1]});
    let partition = json!({"partitionIndex": 0, "acknowledgementBatches": [batch]});
    let topics = each(names, |name| json!({"topicId": topic_id(name), "partitions": [partition]}));
    json!({"groupId": group, "memberId": member, "shareSessionEpoch": epoch, "topics": topics})
}

fn records() -> Vec<Case> {
    let names = ["t-all", "t-read", "t-none"].map(str::to_owned);
    let mut cases = Vec::new();
    // A session that is opened closes with its connection, and its number of places is small: what opens none is compared.
    for group in groups() {
        let shape = format!("a session that nobody opened, {group}");
        cases.push(Case::new("ShareFetch", shape.clone(), fetch(json!(group), MEMBER, 5, &names)));
        cases.push(Case::new("ShareAcknowledge", shape, acknowledge(json!(group), MEMBER, 5, &names)));
    }
    for (shape, group, member, epoch) in [
        ("no group", Value::Null, MEMBER, 1),
        ("no member", json!("g-all"), "", 1),
        ("a member of too many letters", json!("g-all"), "0123456789012345678901234567890123456789", 1),
        ("a first acknowledgement", json!("g-all"), MEMBER, 0),
    ] {
        cases.push(Case::new("ShareAcknowledge", shape, acknowledge(group.clone(), member, epoch, &names)));
        if epoch != 0 {
            cases.push(Case::new("ShareFetch", shape, fetch(group, member, epoch, &names)));
        }
    }
    cases
}

/// Of partitions that exist: Kafka 4.4 never answers who asks for the share offsets of one that does not.
fn offsets() -> Vec<Case> {
    let mut cases = Vec::new();
    for group in groups() {
        let topics = each(&["t-all", "t-none"], |name| json!({"topicName": name, "partitions": [0]}));
        let described = |topics: Value| json!({"groups": [{"groupId": group, "topics": topics}]});
        cases.push(Case::new(
            "DescribeShareGroupOffsets",
            format!("something of {group}"),
            described(topics),
        ));
        cases.push(Case::new(
            "DescribeShareGroupOffsets",
            format!("everything of {group}"),
            described(Value::Null),
        ));
        let topics = each(&["t-all", "t-none"], |name| json!({"topicName": name}));
        let deleted = json!({"groupId": group, "topics": topics});
        cases.push(Case::new("DeleteShareGroupOffsets", format!("of {group}"), deleted));
        let topics = each(
            &["t-all", "t-none"],
            |name| json!({"topicName": name, "partitions": [{"partitionIndex": 0, "startOffset": 1}]}),
        );
        // Who may do all of it makes a share group of it, which other cases would meet.
        let altered = json!({"groupId": format!("{group}-$u"), "topics": topics});
        cases.push(
            Case::new("AlterShareGroupOffsets", format!("of {group}, new"), altered)
                .by(&["bob", "ops", "nobody"]),
        );
    }
    for (shape, names) in topic_shapes() {
        let topics = each(&names, |name| json!({"topicName": name, "partitions": [0]}));
        let described = json!({"groups": [{"groupId": "gp-$u", "topics": topics}]});
        cases.push(Case::new("DescribeShareGroupOffsets", shape, described));
        let topics = each(&names, |name| json!({"topicName": name}));
        cases.push(Case::new(
            "DeleteShareGroupOffsets",
            shape,
            json!({"groupId": "gp-$u", "topics": topics}),
        ));
    }
    cases
}
