//! Streams groups (KIP-1071).

use super::super::{Case, Step};
use super::{each, groups};
use serde_json::{Value, json};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for group in groups() {
        cases.push(Case::new(
            "StreamsGroupHeartbeat",
            format!("stranger in {group}"),
            heartbeat(&group, 3, Value::Null),
        ));
        cases.push(Case::new("StreamsGroupDescribe", group.clone(), describe(&[&group])));
        let update = json!({"groupId": group, "memberId": "stranger"});
        cases.push(Case::new("StreamsGroupTopologyDescriptionUpdate", group, update));
    }
    cases.push(Case::new("StreamsGroupDescribe", "twice", describe(&["g-all", "g-none", "g-all", "g-none"])));
    cases.push(Case::new("StreamsGroupDescribe", "none", describe(&[])));
    for (shape, sources, changelogs) in [
        ("reads t-read", json!(["t-read"]), json!([])),
        ("reads t-none", json!(["t-none"]), json!([])),
        ("reads t-open and t-none", json!(["t-open", "t-none"]), json!([])),
        ("reads an internal topic", json!(["__consumer_offsets"]), json!([])),
        ("reads a topic of no valid name", json!(["p-bad name"]), json!([])),
        ("keeps a changelog that may be seen", json!(["t-open"]), json!([{"name": "t-open"}])),
        ("keeps a changelog that may not be seen", json!(["t-open"]), json!([{"name": "t-none"}])),
    ] {
        cases.push(membership(shape, topology(sources, changelogs)));
    }
    for (shape, sources, changelogs) in [
        ("keeps a changelog that is missing", json!(["t-open"]), json!([{"name": "t-gone-$u"}])),
        ("reads what is missing", json!(["t-lost-$u"]), json!([{"name": "t-gone-$u"}])),
        (
            "keeps many that are missing",
            json!(["t-open"]),
            each(&["t-a", "t-b", "t-c", "t-d"], |name| json!({"name": format!("{name}-$u")})),
        ),
    ] {
        // In the end there are the group and its topics, whoever could make them.
        let topology = topology(sources, changelogs);
        let join = heartbeat("gp-$u", 0, topology.clone());
        let mut case = membership(shape, topology);
        case.steps
            .extend([Step::Given { api: "StreamsGroupHeartbeat", version: 0, body: join }, Step::Settle]);
        cases.push(case);
    }
    cases
}

/// A life in a group: join, be described, leave.
fn membership(shape: &str, topology: Value) -> Case {
    Case::after("StreamsGroupHeartbeat", format!("a member that {shape}"), vec![])
        .then("StreamsGroupHeartbeat", heartbeat("gp-$u", 0, topology))
        .then("StreamsGroupDescribe", describe(&["gp-$u"]))
        .then("StreamsGroupHeartbeat", heartbeat("gp-$u", -1, Value::Null))
}

fn topology(sources: Value, changelogs: Value) -> Value {
    json!({
        "epoch": 0,
        "subtopologies": [{"subtopologyId": "0", "sourceTopics": sources, "stateChangelogTopics": changelogs}],
    })
}

fn heartbeat(group: &str, epoch: i32, topology: Value) -> Value {
    let tasks = if epoch == 0 { json!([]) } else { Value::Null };
    json!({
        "groupId": group,
        "memberId": "AAAAAAAAAAAAAAAAAAAAAg",
        "memberEpoch": epoch,
        "rebalanceTimeoutMs": if epoch == 0 { 30_000 } else { -1 },
        "topology": topology,
        "activeTasks": tasks,
        "standbyTasks": tasks,
        "warmupTasks": tasks,
        "processId": if epoch == 0 { json!("process") } else { Value::Null },
    })
}

fn describe(groups: &[&str]) -> Value {
    json!({"groupIds": groups, "includeAuthorizedOperations": true, "includeTopologyDescription": true})
}
