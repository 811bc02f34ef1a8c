//! Delegation tokens and SCRAM credentials.

use super::super::Case;
use serde_json::{Value, json};

pub fn cases() -> Vec<Case> {
    let mut cases = tokens();
    cases.extend(scram());
    cases
}

fn tokens() -> Vec<Case> {
    let create = |owner: Value, renewer: &str| {
        let kind = if owner.is_null() { Value::Null } else { json!("User") };
        json!({
            "ownerPrincipalType": kind,
            "ownerPrincipalName": owner,
            "renewers": [{"principalType": renewer, "principalName": "bob"}],
            "maxLifetimeMs": 3_600_000,
        })
    };
    vec![
        Case::new("CreateDelegationToken", "for oneself", create(Value::Null, "User")),
        Case::new("CreateDelegationToken", "for alice", create(json!("alice"), "User")),
        Case::new("CreateDelegationToken", "renewed by no user", create(Value::Null, "Group")),
        Case::new(
            "RenewDelegationToken",
            "a token that nobody made",
            json!({"hmac": "abcd", "renewPeriodMs": 1000}),
        ),
        Case::new(
            "ExpireDelegationToken",
            "a token that nobody made",
            json!({"hmac": "abcd", "expiryTimePeriodMs": -1}),
        ),
        Case::new("DescribeDelegationToken", "all", json!({"owners": null})),
        Case::new("DescribeDelegationToken", "none", json!({"owners": []})),
        Case::new(
            "DescribeDelegationToken",
            "alice's",
            json!({"owners": [{"principalType": "User", "principalName": "alice"}]}),
        ),
    ]
}

fn scram() -> Vec<Case> {
    let described = |names: &[&str]| json!({"users": super::each(names, |name| json!({"name": name}))});
    let deletion = |name: &str| json!({"name": name, "mechanism": 1});
    let upsertion = |name: &str, mechanism: i8, iterations: i32| json!({"name": name, "mechanism": mechanism, "iterations": iterations, "salt": "0102", "saltedPassword": "0304"});
    let altered =
        |deletions: Value, upsertions: Value| json!({"deletions": deletions, "upsertions": upsertions});
    let none = || json!([]);
    vec![
        // Not by others: Kafka stumbles over its own refusal of such a request, and never answers.
        Case::new("DescribeUserScramCredentials", "all", json!({"users": null})).by(&["admin", "ops"]),
        Case::new("DescribeUserScramCredentials", "none", described(&[])),
        Case::new("DescribeUserScramCredentials", "some", described(&["alice", "bob"])),
        Case::new("DescribeUserScramCredentials", "twice", described(&["alice", "alice"])),
        Case::new(
            "AlterUserScramCredentials",
            "what is not there",
            altered(json!([deletion("a-$u"), deletion("b-$u")]), none()),
        ),
        Case::new(
            "AlterUserScramCredentials",
            "few iterations",
            altered(none(), json!([upsertion("a-$u", 1, 1)])),
        ),
        Case::new(
            "AlterUserScramCredentials",
            "an unknown mechanism",
            altered(none(), json!([upsertion("a-$u", 9, 4096)])),
        ),
        Case::new(
            "AlterUserScramCredentials",
            "a user twice",
            altered(json!([deletion("a-$u")]), json!([upsertion("a-$u", 1, 4096)])),
        ),
        Case::new("AlterUserScramCredentials", "no name", altered(none(), json!([upsertion("", 1, 4096)]))),
        Case::new("AlterUserScramCredentials", "nothing", altered(none(), none())),
    ]
}
