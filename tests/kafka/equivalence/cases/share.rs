//! Share groups (KIP-932): members, records, offsets, and what brokers say to each other about them.

use super::super::{Case, Request, Step};
use super::{each, groups, topic_id, topic_shapes};
use serde_json::{Value, json};

pub(super) const MEMBER: &str = "AAAAAAAAAAAAAAAAAAAAAg";

pub fn cases() -> Vec<Case> {
    let mut cases = between_brokers();
    cases.extend(members());
    cases.extend(records());
    cases.extend(sessions());
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

pub(super) fn heartbeat(group: &str, epoch: i32, topics: Value) -> Value {
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
    for member in ["", "1234567890123456789012345678901234567"] {
        for topics in [json!(["t-read"]), json!(["t-read", "t-none"])] {
            let mut body = heartbeat("gp-$u", 0, topics.clone());
            body["memberId"] = json!(member);
            cases.push(Case::new("ShareGroupHeartbeat", format!("member id {member:?} and {topics}"), body));
        }
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

pub(super) fn fetch(group: Value, member: &str, epoch: i32, names: &[String]) -> Value {
    let topics =
        each(names, |name| json!({"topicId": topic_id(name), "partitions": [{"partitionIndex": 0}]}));
    json!({
        "groupId": group, "memberId": member, "shareSessionEpoch": epoch,
        "maxWaitMs": 0, "minBytes": 0, "maxBytes": 1_000_000, "maxRecords": 10, "batchSize": 10,
        "topics": topics,
    })
}

pub(super) fn acknowledge(group: Value, member: &str, epoch: i32, names: &[String]) -> Value {
    let batch = json!({"firstOffset": 0, "lastOffset": 0, "acknowledgeTypes": [1]});
    let partition = json!({"partitionIndex": 0, "acknowledgementBatches": [batch]});
    let topics = each(names, |name| json!({"topicId": topic_id(name), "partitions": [partition]}));
    json!({"groupId": group, "memberId": member, "shareSessionEpoch": epoch, "topics": topics})
}

fn records() -> Vec<Case> {
    let names = ["t-all", "t-read", "t-none"].map(str::to_owned);
    let mut cases = Vec::new();
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

/// New topics with two batches of two records in their first partitions, and a group that reads these topics from the
/// beginning.
pub(super) fn written(topics: &'static [&'static str], read: &'static [&'static str]) -> Vec<Step> {
    const GROUP: i8 = 32;
    let config = json!({"name": "share.auto.offset.reset", "configOperation": 0, "value": "earliest"});
    let resource = json!({"resourceType": GROUP, "resourceName": "gp-$u", "configs": [config]});
    let bytes = json!(super::super::records::plain());
    let data = each(topics, |name| super::records::produced(name, &[0], &bytes));
    let body = json!({"acks": -1, "timeoutMs": 10_000, "topicData": data});
    let produced = Step::Given { api: "Produce", version: 9, body };
    vec![
        Step::Given { api: "IncrementalAlterConfigs", version: 1, body: json!({"resources": [resource]}) },
        // Whoever has heard of the topics has heard of the setting.
        Step::GivenTopics(topics),
        produced.clone(),
        produced,
        Step::GivenShareGroup(read),
    ]
}

/// Waits for records: a partition is loaded when it is read for the first time.
pub(super) fn waiting(mut fetch: Value) -> Value {
    (fetch["maxWaitMs"], fetch["minBytes"]) = (json!(20_000), json!(1));
    fetch
}

/// What is acknowledged how, in the first partitions of these topics.
pub(super) fn acknowledging(mut request: Value, names: &[&str], ranges: &[(i64, i64, i8)]) -> Value {
    let range = |(first, last, kind): &(i64, i64, i8)| json!({"firstOffset": first, "lastOffset": last, "acknowledgeTypes": [kind]});
    let ranges: Vec<Value> = ranges.iter().map(range).collect();
    let partition = json!({"partitionIndex": 0, "acknowledgementBatches": ranges});
    request["topics"] = each(names, |name| json!({"topicId": topic_id(name), "partitions": [partition]}));
    request
}

/// Each principal may read at most one of the topics: which of several partitions a broker answers with is its own choice.
fn sessions() -> Vec<Case> {
    const ACCEPT: i8 = 1;
    const RELEASE: i8 = 2;
    const NONSENSE: i8 = 9;
    let all = ["p-$u", "t-none", "t-write"];
    let first = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        waiting(fetch(json!("gp-$u"), MEMBER, 0, &names))
    };
    let next = |epoch: i32, names: &[&str]| {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        fetch(json!("gp-$u"), MEMBER, epoch, &names)
    };
    let answered = |epoch: i32, names: &[&str], ranges: &[(i64, i64, i8)]| {
        acknowledging(acknowledge(json!("gp-$u"), MEMBER, epoch, &[]), names, ranges)
    };
    let forgetting = |epoch: i32, names: &[&str]| {
        let mut body = next(epoch, &[]);
        body["forgottenTopicsData"] =
            each(names, |name| json!({"topicId": topic_id(name), "partitions": [0, 1]}));
        body
    };
    let opened_with = |shape: &str, names: &[&str]| {
        let given = written(&["p-$u"], &["p-$u", "t-none"]);
        Case::after("ShareFetch", format!("a share session: {shape}"), given)
            .then("ShareFetch", first(names))
            .by(&["alice", "bob", "nobody"])
    };
    let opened = |shape: &str| opened_with(shape, &all);
    let mut cases = vec![
        opened("idle").then("ShareFetch", next(1, &[])).then("ShareFetch", next(2, &[])),
        opened("acknowledged")
            .then("ShareAcknowledge", answered(1, &all, &[(0, 0, ACCEPT)]))
            .then("ShareAcknowledge", answered(2, &all, &[(0, 0, ACCEPT)]))
            .then("ShareAcknowledge", answered(3, &["t-write", "p-$u"], &[(1, 0, ACCEPT)]))
            .then("ShareAcknowledge", answered(4, &all, &[(1, 1, NONSENSE)]))
            // What is released can be had again when that has been written down: an acknowledgement is answered then, while a Fetch
            // that acknowledges does not wait for it.
            .then("ShareAcknowledge", answered(5, &all, &[(1, 1, RELEASE)]))
            .then("ShareFetch", waiting(next(6, &[])))
            .then("ShareFetch", acknowledging(next(7, &[]), &all, &[(1, 1, ACCEPT)])),
        opened("wrong epochs")
            .then("ShareFetch", next(5, &[]))
            .then("ShareFetch", next(1, &[]))
            .then("ShareAcknowledge", answered(1, &all, &[(0, 1, ACCEPT)]))
            .then("ShareAcknowledge", answered(0, &all, &[(0, 1, ACCEPT)]))
            .then("ShareFetch", acknowledging(next(0, &[]), &all, &[(0, 1, ACCEPT)]))
            .then("ShareAcknowledge", answered(2, &all, &[(0, 1, ACCEPT)])),
        opened("more topics and fewer")
            .then("ShareFetch", forgetting(1, &["t-write", "p-$u"]))
            .then("ShareFetch", next(2, &["t-configs", "t-write", "p-$u"]))
            .then("ShareFetch", next(3, &[]))
            .then("ShareFetch", forgetting(4, &["p-$u", "t-none", "t-write", "t-configs"]))
            .then("ShareFetch", next(5, &[])),
        opened("opened anew")
            .then("ShareFetch", next(0, &["t-write", "t-none"]))
            .then("ShareFetch", next(1, &[]))
            .then("ShareFetch", next(2, &["t-configs"])),
    ];
    for case in &mut cases {
        let epoch = if case.shape.ends_with("acknowledged") { 8 } else { 7 };
        let wrong = Step::Compare(Request {
            api: "ShareFetch",
            version: None,
            body: next(epoch, &["t-write"]),
            keep: Vec::new(),
        });
        let last = acknowledging(next(-1, &[]), &all, &[(0, 0, RELEASE)]);
        let steps = [last.clone(), next(1, &[]), last]
            .map(|body| Step::Compare(Request { api: "ShareFetch", version: None, body, keep: Vec::new() }));
        case.steps.push(wrong);
        case.steps.extend(steps);
    }
    let last = acknowledge(json!("gp-$u"), MEMBER, -1, &[]);
    cases.push(
        opened("ended by an acknowledgement")
            .then("ShareAcknowledge", acknowledging(last.clone(), &all, &[(0, 1, ACCEPT)]))
            .then("ShareAcknowledge", last)
            .then("ShareFetch", next(1, &[])),
    );
    let names = ["p-$u", "t-none", "m-missing-$u"];
    cases.push(
        opened_with("an id that nobody knows", &names)
            .then("ShareFetch", next(1, &[]))
            .then("ShareAcknowledge", answered(2, &names, &[(0, 0, ACCEPT)]))
            .then("ShareFetch", next(-1, &[])),
    );
    cases.into_iter().map(|case| case.once().since(4, 2)).collect()
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
