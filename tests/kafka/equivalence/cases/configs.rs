//! DescribeConfigs, AlterConfigs, IncrementalAlterConfigs.

use super::super::{Case, Step};
use super::{each, topic_shapes};
use serde_json::{Value, json};

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const BROKER_LOGGER: i8 = 8;
const CLIENT_METRICS: i8 = 16;
const GROUP: i8 = 32;
const UNKNOWN: i8 = 99;

/// One resource of each kind, and some that cannot be.
const RESOURCES: &[(i8, &str, &str)] = &[
    (BROKER, "1", "log.cleaner.threads"),
    (BROKER, "", "log.cleaner.threads"),
    (BROKER, "9", "log.cleaner.threads"),
    (BROKER, "nonsense", "log.cleaner.threads"),
    (BROKER_LOGGER, "1", "kafka.server.KafkaApis"),
    (BROKER_LOGGER, "9", "kafka.server.KafkaApis"),
    (CLIENT_METRICS, "metrics-$u", "interval.ms"),
    (GROUP, "g-all", "consumer.session.timeout.ms"),
    (GROUP, "g-none", "consumer.session.timeout.ms"),
    (UNKNOWN, "thing", "key"),
];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (shape, names) in topic_shapes() {
        let named = |keys: Value| {
            each(
                &names,
                |name| json!({"resourceType": TOPIC, "resourceName": name, "configurationKeys": keys}),
            )
        };
        let describe = |resources: Value, all: bool| json!({"resources": resources, "includeSynonyms": all, "includeDocumentation": all});
        cases.push(Case::new(
            "DescribeConfigs",
            shape,
            describe(named(json!(["max.message.bytes", "cleanup.policy"])), true),
        ));
        cases.push(Case::new(
            "DescribeConfigs",
            format!("{shape}, all keys"),
            describe(named(Value::Null), false),
        ));
        cases.push(Case::new(
            "DescribeConfigs",
            format!("{shape}, no keys"),
            describe(named(json!([])), false),
        ));
        // A topic twice is no case: Kafka 4.4 stumbles over its own answer, and never gives one.
        for validate in [true, false].into_iter().filter(|_| shape != "twice") {
            let shape = if validate { format!("{shape}, validated only") } else { shape.to_owned() };
            let resources: Vec<_> =
                names.iter().map(|name| (TOPIC, name.as_str(), "max.message.bytes")).collect();
            cases.push(Case::new("AlterConfigs", shape.clone(), alter(&resources, "60000", validate)));
            cases.push(Case::new(
                "IncrementalAlterConfigs",
                shape,
                increment(&resources, 0, json!("70000"), validate),
            ));
        }
    }
    for &(kind, name, key) in RESOURCES {
        let shape = format!("resource {kind} {name:?}");
        let resources = json!([
            {"resourceType": kind, "resourceName": name, "configurationKeys": [key]},
            {"resourceType": TOPIC, "resourceName": "t-configs", "configurationKeys": ["max.message.bytes"]},
        ]);
        cases.push(Case::new("DescribeConfigs", shape.clone(), json!({"resources": resources})));
        let resources = [(kind, name, key), (TOPIC, "t-configs", "max.message.bytes")];
        let value = if kind == BROKER_LOGGER { "INFO" } else { "1" };
        cases.push(Case::new("AlterConfigs", shape.clone(), alter(&resources, value, true)));
        cases.push(Case::new("IncrementalAlterConfigs", shape, increment(&resources, 0, json!(value), true)));
    }
    cases.push(Case::new("DescribeConfigs", "all kinds", json!({"resources": kinds()})));
    cases.extend(faulty());
    cases.push(changed("AlterConfigs", alter(&[(TOPIC, "p-$u", "max.message.bytes")], "80000", false)));
    cases.push(changed(
        "IncrementalAlterConfigs",
        increment(&[(TOPIC, "p-$u", "max.message.bytes")], 0, json!("90000"), false),
    ));
    // What is described must not be about to change: the metadata come to the broker a moment after the answer.
    cases.sort_by_key(|case| case.api != "DescribeConfigs");
    cases
}

/// Values and operations that Kafka refuses for itself, some before it looks at permissions.
fn faulty() -> Vec<Case> {
    let one = [(TOPIC, "t-configs", "max.message.bytes")];
    let denied = [(TOPIC, "t-none", "max.message.bytes")];
    let twice = [
        (TOPIC, "t-configs", "max.message.bytes"),
        (TOPIC, "t-none", "max.message.bytes"),
        (TOPIC, "t-configs", "max.message.bytes"),
    ];
    let mut cases = Vec::new();
    for (shape, resources) in [("", &one), (" where denied", &denied)] {
        cases.push(Case::new(
            "AlterConfigs",
            format!("bad value{shape}"),
            alter(resources, "nonsense", true),
        ));
        cases.push(Case::new(
            "IncrementalAlterConfigs",
            format!("bad value{shape}"),
            increment(resources, 0, json!("nonsense"), true),
        ));
        cases.push(Case::new(
            "IncrementalAlterConfigs",
            format!("null value{shape}"),
            increment(resources, 0, Value::Null, true),
        ));
        cases.push(Case::new(
            "IncrementalAlterConfigs",
            format!("deleted{shape}"),
            increment(resources, 1, Value::Null, true),
        ));
        cases.push(Case::new(
            "IncrementalAlterConfigs",
            format!("appended{shape}"),
            increment(resources, 2, json!("1"), true),
        ));
        cases.push(Case::new(
            "IncrementalAlterConfigs",
            format!("unknown operation{shape}"),
            increment(resources, 9, json!("1"), true),
        ));
        let mut null = alter(resources, "1", true);
        null["resources"][0]["configs"][0]["value"] = Value::Null;
        cases.push(Case::new("AlterConfigs", format!("null value{shape}"), null));
        for (api, mut body) in [
            ("AlterConfigs", alter(resources, "1", true)),
            ("IncrementalAlterConfigs", increment(resources, 0, json!("1"), true)),
        ] {
            let config = body["resources"][0]["configs"][0].clone();
            body["resources"][0]["configs"].as_array_mut().unwrap().push(config);
            cases.push(Case::new(api, format!("a key twice{shape}"), body));
        }
    }
    cases.push(Case::new(
        "IncrementalAlterConfigs",
        "a resource twice",
        increment(&twice, 0, json!("1"), true),
    ));
    cases
}

fn kinds() -> Value {
    RESOURCES
        .iter()
        .filter(|(kind, _, _)| *kind != UNKNOWN)
        .map(|(kind, name, key)| json!({"resourceType": kind, "resourceName": name, "configurationKeys": [key]}))
        .collect()
}

fn changed(api: &'static str, body: Value) -> Case {
    let described =
        json!([{"resourceType": TOPIC, "resourceName": "p-$u", "configurationKeys": ["max.message.bytes"]}]);
    let mut case =
        Case::after(api, "a topic's setting, read back", vec![Step::GivenTopics(&["p-$u"])]).then(api, body);
    case.steps.push(Step::Settle);
    case.then("DescribeConfigs", json!({"resources": described}))
}

fn alter(resources: &[(i8, &str, &str)], value: &str, validate: bool) -> Value {
    let resource = |(kind, name, key): &(i8, &str, &str)| json!({"resourceType": kind, "resourceName": name, "configs": [{"name": key, "value": value}]});
    json!({"resources": resources.iter().map(resource).collect::<Vec<_>>(), "validateOnly": validate})
}

fn increment(resources: &[(i8, &str, &str)], operation: i8, value: Value, validate: bool) -> Value {
    let resource = |(kind, name, key): &(i8, &str, &str)| {
        let config = json!({"name": key, "configOperation": operation, "value": value});
        json!({"resourceType": kind, "resourceName": name, "configs": [config]})
    };
    json!({"resources": resources.iter().map(resource).collect::<Vec<_>>(), "validateOnly": validate})
}
