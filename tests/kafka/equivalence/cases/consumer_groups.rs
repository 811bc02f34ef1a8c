//! The consumer protocol of KIP-848.

use super::super::{Case, Step};
use super::groups;
use serde_json::{Value, json};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for group in groups() {
        cases.push(Case::new(
            "ConsumerGroupHeartbeat",
            format!("stranger in {group}"),
            heartbeat(&group, json!("stranger"), 3, Value::Null),
        ));
        cases.push(Case::new("ConsumerGroupDescribe", group.clone(), describe(&[&group])));
    }
    let all = groups();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    cases.push(Case::new("ConsumerGroupDescribe", "all", describe(&all)));
    cases.push(Case::new(
        "ConsumerGroupDescribe",
        "twice",
        describe(&["g-all", "g-none", "g-all", "g-none"]),
    ));
    cases.push(Case::new("ConsumerGroupDescribe", "none", describe(&[])));
    for (shape, topics) in [
        ("t-read", json!(["t-read"])),
        ("t-none", json!(["t-none"])),
        ("t-open and t-none", json!(["t-open", "t-none"])),
        ("what is missing", json!(["p-missing-$u"])),
        ("nothing", json!([])),
    ] {
        cases.push(membership(shape, topics));
    }
    cases.push(hidden_topic());
    cases.push(hidden_pattern());
    for wrong in ["(", "a)(b", r"(a)\1", "a**", "[z-a]", r"\p{Vowel}", "a{2,1}", "(?=a)", "\\"] {
        cases.push(no_pattern(format!("no pattern: {wrong}"), wrong));
    }
    // The longest texts that can be read: what is said of one of them is longer than can be written.
    for length in [32_650, 32_700, 32_760, 32_767, 32_768, 40_000] {
        let wrong = format!("({}", "a".repeat(length - 1));
        cases.push(no_pattern(format!("no pattern of {length} bytes"), &wrong));
    }
    cases.push(first_heartbeat());
    cases
}

fn no_pattern(shape: String, wrong: &str) -> Case {
    Case::new("ConsumerGroupHeartbeat", shape, subscribed("gp-$u", 0, wrong)).once().since(4, 0)
}

/// What a pattern covers is looked after beside the heartbeat: the answer to the first has nothing of it, whatever the
/// member may see.
fn first_heartbeat() -> Case {
    Case::after("ConsumerGroupHeartbeat", "the first with a pattern", vec![])
        .then("ConsumerGroupHeartbeat", subscribed("gp-$u", 0, "t-(read|open|none)"))
        .then("ConsumerGroupHeartbeat", heartbeat("gp-$u", json!(MEMBER), -1, Value::Null))
        .once()
        .since(4, 0)
}

/// A member by pattern that finds nothing: Kafka finds what there is a moment later, which nobody can compare.
fn hidden_pattern() -> Case {
    let partial = heartbeat("gp-$u", json!(MEMBER), 1, Value::Null);
    Case::after("ConsumerGroupHeartbeat", "a pattern of hidden topics", vec![])
        .then("ConsumerGroupHeartbeat", subscribed("gp-$u", 0, "(t-non.|missing)"))
        .then("ConsumerGroupHeartbeat", partial.clone())
        .then("ConsumerGroupDescribe", describe(&["gp-$u"]))
        .then("ConsumerGroupHeartbeat", subscribed("gp-$u", 1, "[t]-none"))
        .then("ConsumerGroupHeartbeat", partial)
        .then("ConsumerGroupDescribe", describe(&["gp-$u"]))
        .then("ConsumerGroupHeartbeat", heartbeat("gp-$u", json!(MEMBER), -1, Value::Null))
        .then("ConsumerGroupDescribe", describe(&["gp-$u"]))
        .by(&["alice", "nobody"])
        .once()
        .since(4, 0)
}

const MEMBER: &str = "AAAAAAAAAAAAAAAAAAAAAg";

fn subscribed(group: &str, epoch: i32, pattern: &str) -> Value {
    let names = if epoch == 0 { json!([]) } else { Value::Null };
    let mut body = heartbeat(group, json!(MEMBER), epoch, names);
    body["subscribedTopicRegex"] = json!(pattern);
    body
}

/// A life in a group: join, be described, leave.
fn membership(shape: &str, topics: Value) -> Case {
    let member = || json!("$=member");
    Case::after("ConsumerGroupHeartbeat", format!("a member that reads {shape}"), vec![])
        .then_keep(
            "ConsumerGroupHeartbeat",
            heartbeat("gp-$u", json!("AAAAAAAAAAAAAAAAAAAAAg"), 0, topics),
            &[("member", "/memberId")],
        )
        .then("ConsumerGroupDescribe", describe(&["gp-$u"]))
        .then("ConsumerGroupHeartbeat", heartbeat("gp-$u", member(), -1, Value::Null))
        .then("ConsumerGroupDescribe", describe(&["gp-$u"]))
}

/// The super user reads what others may not see, in a group that they may.
fn hidden_topic() -> Case {
    let join = heartbeat("gp-$u", json!("AAAAAAAAAAAAAAAAAAAAAg"), 0, json!(["t-read", "t-none"]));
    let given = Step::Given { api: "ConsumerGroupHeartbeat", version: 0, body: join };
    Case::after("ConsumerGroupDescribe", "a group that reads t-read and t-none", vec![given])
        .then("ConsumerGroupDescribe", describe(&["gp-$u"]))
}

pub(super) fn heartbeat(group: &str, member: Value, epoch: i32, topics: Value) -> Value {
    let owned = if epoch == 0 { json!([]) } else { Value::Null };
    json!({
        "groupId": group,
        "memberId": member,
        "memberEpoch": epoch,
        "rebalanceTimeoutMs": if epoch == 0 { 30_000 } else { -1 },
        "subscribedTopicNames": topics,
        "topicPartitions": owned,
    })
}

fn describe(groups: &[&str]) -> Value {
    json!({"groupIds": groups, "includeAuthorizedOperations": true})
}
