//! The classic group protocol, and what administrators do with groups.

use super::super::{Case, Step};
use super::groups;
use serde_json::{Value, json};

/// How a consumer subscribes to `t-all`: version 0, one topic, no user data.
const SUBSCRIPTION: &str = "0000000000010005742d616c6c00000000";

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for group in groups() {
        cases.push(Case::new(
            "Heartbeat",
            format!("stranger in {group}"),
            heartbeat(&group, json!("stranger"), json!(1)),
        ));
        cases.push(Case::new("LeaveGroup", format!("stranger in {group}"), leave(&group, json!("stranger"))));
        cases.push(Case::new(
            "SyncGroup",
            format!("stranger in {group}"),
            sync(&group, json!("stranger"), json!(1), json!("consumer")),
        ));
        cases.push(Case::new("JoinGroup", format!("stranger in {group}"), join(&group, json!("stranger"))));
        cases.push(Case::new("DescribeGroups", group.clone(), describe(&[&group])));
        cases.push(Case::new(
            "DeleteGroups",
            format!("occupied or missing: {group}"),
            json!({"groupsNames": [format!("{group}-$u")]}),
        ));
    }
    cases.push(Case::new(
        "SyncGroup",
        "without a protocol",
        sync("g-all", json!("stranger"), json!(1), Value::Null),
    ));
    cases.push(Case::new(
        "SyncGroup",
        "without a protocol in g-none",
        sync("g-none", json!("stranger"), json!(1), Value::Null),
    ));
    cases.push(Case::new("LeaveGroup", "nobody", json!({"groupId": "g-all", "memberId": "", "members": []})));

    let all = groups();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    cases.push(Case::new("DescribeGroups", "all", describe(&all)));
    cases.push(Case::new("DescribeGroups", "twice", describe(&["g-all", "g-none", "g-all", "g-none"])));
    cases.push(Case::new("DescribeGroups", "none", describe(&[])));
    cases.push(Case::new("DescribeGroups", "without operations", json!({"groups": ["g-all", "g-none"]})));

    cases.push(membership("gp-$u"));
    cases.push(membership("g-none-$u"));
    cases.push(deletion());
    cases.push(Case::new("DeleteGroups", "none", json!({"groupsNames": []})));

    for (shape, states, types) in [
        ("all", json!([]), json!([])),
        ("the stable", json!(["Stable"]), json!([])),
        ("the empty classic", json!(["Empty"]), json!(["classic"])),
        ("of no known state", json!(["Nonsense"]), json!([])),
        ("of no known type", json!([]), json!(["nonsense"])),
    ] {
        cases.push(Case::new("ListGroups", shape, json!({"statesFilter": states, "typesFilter": types})));
    }
    cases
}

/// A whole life in a group: join, perhaps a second time with the name that was given, sync, beat, be described, leave.
fn membership(group: &str) -> Case {
    let member = || json!("$=member");
    Case::after("JoinGroup", format!("a member's life in {group}"), vec![])
        .then_keep("JoinGroup", join(group, json!("")), &[("member", "/memberId")])
        .then_keep(
            "JoinGroup",
            join(group, member()),
            &[("generation", "/generationId"), ("member", "/memberId")],
        )
        .then("SyncGroup", sync(group, member(), json!("$=generation"), json!("consumer")))
        .then("Heartbeat", heartbeat(group, member(), json!("$=generation")))
        .then("DescribeGroups", describe(&[group]))
        .then("DeleteGroups", json!({"groupsNames": [group]}))
        .then("LeaveGroup", leave(group, member()))
        .then("Heartbeat", heartbeat(group, member(), json!("$=generation")))
}

fn deletion() -> Case {
    let partitions = json!([{"partitionIndex": 0, "committedOffset": 1}]);
    let commit = |group: &str| Step::Given {
        api: "OffsetCommit",
        version: 8,
        body: json!({"groupId": group, "topics": [{"name": "t-all", "partitions": partitions}]}),
    };
    let doomed = json!(["gp-a-$u", "m-a-$u", "gp-a-$u", "gp-missing-$u", "m-missing-$u"]);
    Case::after("DeleteGroups", "some of each", vec![commit("gp-a-$u"), commit("m-a-$u")])
        .then("DeleteGroups", json!({"groupsNames": doomed}))
        .then("DescribeGroups", describe(&["gp-a-$u", "m-a-$u"]))
}

pub(super) fn join(group: &str, member: Value) -> Value {
    json!({
        "groupId": group,
        "sessionTimeoutMs": 30_000,
        "rebalanceTimeoutMs": 30_000,
        "memberId": member,
        "protocolType": "consumer",
        "protocols": [{"name": "range", "metadata": SUBSCRIPTION}],
        "reason": "a test",
    })
}

pub(super) fn sync(group: &str, member: Value, generation: Value, kind: Value) -> Value {
    let name = if kind.is_null() { Value::Null } else { json!("range") };
    json!({
        "groupId": group,
        "generationId": generation,
        "memberId": member,
        "protocolType": kind,
        "protocolName": name,
        "assignments": [{"memberId": member, "assignment": "00000000000000000000"}],
    })
}

pub(super) fn heartbeat(group: &str, member: Value, generation: Value) -> Value {
    json!({"groupId": group, "generationId": generation, "memberId": member})
}

pub(super) fn leave(group: &str, member: Value) -> Value {
    json!({"groupId": group, "memberId": member, "members": [{"memberId": member}]})
}

fn describe(groups: &[&str]) -> Value {
    json!({"groups": groups, "includeAuthorizedOperations": true})
}
