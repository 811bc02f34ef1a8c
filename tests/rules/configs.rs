//! DescribeConfigs, AlterConfigs and IncrementalAlterConfigs: what reaches the broker, and what the client is told.

use doorkeeper::model::acl::Operation::*;
use doorkeeper::model::acl::ResourceType::{Group, Topic};
use doorkeeper::model::acl::{Binding, CLUSTER_NAME};
use doorkeeper::model::advertise::{Advertised, Mapping};
use doorkeeper::protocol::access::BrokerSettings;
use doorkeeper::protocol::error_code::*;
use doorkeeper::protocol::messages::describe_configs_request::DescribeConfigsResource;
use doorkeeper::protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use doorkeeper::protocol::messages::*;
use doorkeeper::protocol::wire::{Message, Str};

use crate::support::door::*;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const BROKER_LOGGER: i8 = 8;
const CLIENT_METRICS: i8 = 16;
const GROUP: i8 = 32;

/// A door before a Kafka 4 whose ApiVersions go up to `api_versions`.
fn door_before_4(bindings: impl IntoIterator<Item = Binding>, api_versions: i16) -> Door {
    let mut door = Door::new(bindings);
    door.broker = broker(
        |key, versions| {
            Some(match key {
                ApiVersionsRequest::KEY => 0..=api_versions,
                FetchRequest::KEY => 4..=18,
                _ => versions,
            })
        },
        BrokerSettings::default(),
    );
    door
}

fn door(bindings: impl IntoIterator<Item = Binding>) -> Door {
    door_before_4(bindings, 5)
}

fn describe(resources: &[(i8, &str)]) -> DescribeConfigsRequest {
    let resource = |(resource_type, name): &(i8, &str)| DescribeConfigsResource {
        resource_type: *resource_type,
        resource_name: Str::from(*name),
        configuration_keys: None,
        ..Default::default()
    };
    DescribeConfigsRequest { resources: resources.iter().map(resource).collect(), ..Default::default() }
}

fn wanted(request: &DescribeConfigsRequest) -> Vec<(i8, &str)> {
    request
        .resources
        .iter()
        .map(|resource| (resource.resource_type, resource.resource_name.as_str()))
        .collect()
}

fn described(resources: &[(i8, &str)]) -> DescribeConfigsResponse {
    let result = |(resource_type, name): &(i8, &str)| DescribeConfigsResult {
        resource_type: *resource_type,
        resource_name: Str::from(*name),
        error_message: None,
        configs: vec![config("retention.ms", Some("1"), &[])],
        ..Default::default()
    };
    DescribeConfigsResponse { results: resources.iter().map(result).collect(), ..Default::default() }
}

fn config(name: &str, value: Option<&str>, synonyms: &[(&str, &str)]) -> DescribeConfigsResourceResult {
    let synonym = |(name, value): &(&str, &str)| DescribeConfigsSynonym {
        name: Str::from(*name),
        value: Some(Str::from(*value)),
        source: 4,
        ..Default::default()
    };
    DescribeConfigsResourceResult {
        name: name.into(),
        value: value.map(Str::from),
        synonyms: synonyms.iter().map(synonym).collect(),
        ..Default::default()
    }
}

type Outline<'a> = (i8, &'a str, i16, Option<&'a str>, usize);

fn outline(answer: &DescribeConfigsResponse) -> Vec<Outline<'_>> {
    let results = answer.results.iter();
    results
        .map(|result| {
            let text = result.error_message.as_deref();
            (result.resource_type, &*result.resource_name, result.error_code, text, result.configs.len())
        })
        .collect()
}

const EVERY_TYPE: [(i8, &str); 7] = [
    (GROUP, "denied-group"),
    (TOPIC, "denied"),
    (TOPIC, "open"),
    (BROKER, "1"),
    (BROKER_LOGGER, "1"),
    (GROUP, "group"),
    (CLIENT_METRICS, "metrics"),
];

#[test]
fn describe_configs_appends_denials_behind_what_the_broker_tells() {
    for version in Door::versions::<DescribeConfigsRequest>() {
        let mut door = door([allow(AlterConfigs, Topic, "open"), allow(DescribeConfigs, Group, "group")]);
        let forwarded = door.send(version, &describe(&EVERY_TYPE)).forwarded();
        let allowed = [(TOPIC, "open"), (GROUP, "group")];
        assert_eq!(wanted(&forwarded.request), allowed);
        let answer = forwarded.answered(&mut door, &described(&allowed));
        let cluster = Some("Cluster authorization failed.");
        assert_eq!(
            outline(&answer),
            [
                (TOPIC, "open", NONE, None, 1),
                (GROUP, "group", NONE, None, 1),
                (GROUP, "denied-group", GROUP_AUTHORIZATION_FAILED, Some("Group authorization failed."), 0),
                (TOPIC, "denied", TOPIC_AUTHORIZATION_FAILED, Some("Topic authorization failed."), 0),
                (BROKER, "1", CLUSTER_AUTHORIZATION_FAILED, cluster, 0),
                (BROKER_LOGGER, "1", CLUSTER_AUTHORIZATION_FAILED, cluster, 0),
                (CLIENT_METRICS, "metrics", CLUSTER_AUTHORIZATION_FAILED, cluster, 0),
            ]
        );
        assert_eq!(
            door.denials(),
            [
                (DescribeConfigs, "denied-group"),
                (DescribeConfigs, "denied"),
                (DescribeConfigs, CLUSTER_NAME),
                (DescribeConfigs, CLUSTER_NAME),
                (DescribeConfigs, CLUSTER_NAME),
            ]
        );
    }
}

#[test]
fn describe_configs_is_answered_without_the_broker_when_all_is_denied_and_passes_when_nothing_is() {
    for version in Door::versions::<DescribeConfigsRequest>() {
        assert_eq!(door([]).send(version, &describe(&EVERY_TYPE)).reply().results.len(), EVERY_TYPE.len());
        let mut door = door([allow(DescribeConfigs, Topic, "open")]);
        door.send(version, &describe(&[(TOPIC, "open")])).untouched();
    }
}

#[test]
fn one_unknown_type_fails_all_of_describe_configs() {
    for version in Door::versions::<DescribeConfigsRequest>() {
        for unknown in [0, 1, 3, 64, -1] {
            let mut door = door([allow(DescribeConfigs, Topic, "open")]);
            let answer = door.send(version, &describe(&[(TOPIC, "open"), (unknown, "x")])).reply();
            let text = Some(message(INVALID_REQUEST));
            assert!(text.is_some_and(|text| text.contains("malformed")));
            let refused =
                [(TOPIC, "open", INVALID_REQUEST, text, 0), (unknown, "x", INVALID_REQUEST, text, 0)];
            assert_eq!(outline(&answer), refused);
        }
    }
}

#[test]
fn groups_have_configurations_since_kafka_4_and_client_metrics_since_3_7() {
    let mut door = Door::new([allow(All, Group, "g"), allow_cluster(All)]);
    door.broker = broker(
        |key, versions| (key != ListConfigResourcesRequest::KEY).then_some(versions),
        BrokerSettings::default(),
    );
    for resource in [(GROUP, "g"), (CLIENT_METRICS, "m")] {
        let answer = door.send(1, &describe(&[resource])).reply();
        assert_eq!(answer.results[0].error_code, INVALID_REQUEST);
        let answer = door.send(1, &incremental(&[(resource.0, resource.1, &[("a", 0, Some("b"))])])).reply();
        assert_eq!(answer.responses[0].error_code, INVALID_REQUEST);
    }
}

/// What a broker behind doorkeeper tells of itself, with addresses that lead past it.
fn own_settings() -> Vec<DescribeConfigsResourceResult> {
    vec![
        config(
            "listeners",
            Some("PLAINTEXT://broker:9092,INTERNAL://broker:9094,CONTROLLER://:9095"),
            &[("listeners", "PLAINTEXT://broker:9092"), ("listeners", "PLAINTEXT://:9094")],
        ),
        config("advertised.listeners", Some("PLAINTEXT://[fe80::1]:9092"), &[]),
        config("listener.security.protocol.map", Some("PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"), &[]),
        config(
            "controller.quorum.voters",
            Some("1@broker:9095"),
            &[("controller.quorum.voters", "1@b:9095")],
        ),
        config("controller.quorum.bootstrap.servers", Some(""), &[]),
        config("zookeeper.connect", None, &[]),
        config("host.name", Some("broker"), &[]),
        config("log.retention.ms", Some("9092"), &[("log.retention.hours", "9")]),
    ]
}

/// A setting's name and value, whether it is sensitive, and the values of its synonyms.
type Told<T> = (T, Option<T>, bool, Vec<Option<T>>);

fn told(mapping: Mapping, name: &str) -> Vec<Told<String>> {
    let mut door = door([allow_cluster(DescribeConfigs)]);
    door.advertised = Advertised::new(mapping);
    let forwarded = door.send(4, &describe(&[(BROKER, name)])).forwarded();
    assert!(!forwarded.edited);
    let mut response = described(&[(BROKER, name)]);
    response.results[0].configs = own_settings();
    let answer = forwarded.answered(&mut door, &response);
    let text = |text: &Option<Str>| text.as_ref().map(|text| text.as_str().to_owned());
    let configs = answer.results[0].configs.iter();
    configs
        .map(|config| {
            let synonyms = config.synonyms.iter().map(|synonym| text(&synonym.value)).collect();
            (config.name.as_str().to_owned(), text(&config.value), config.is_sensitive, synonyms)
        })
        .collect()
}

fn expected<const N: usize>(rows: [Told<&str>; N]) -> Vec<Told<String>> {
    let text = |text: &Option<&str>| text.map(str::to_owned);
    let row = |(name, value, sensitive, synonyms): &Told<&str>| {
        ((*name).to_owned(), text(value), *sensitive, synonyms.iter().map(text).collect())
    };
    rows.iter().map(row).collect()
}

#[test]
fn a_brokers_listeners_are_told_as_its_sidecars() {
    let keep_host = Mapping::KeepHost { ports: [(9092, 19092)].into() };
    assert_eq!(
        told(keep_host, "1"),
        expected([
            ("listeners", Some("SSL://broker:19092"), false, vec![Some("SSL://broker:19092"), None]),
            ("advertised.listeners", Some("SSL://[fe80::1]:19092"), false, vec![]),
            ("listener.security.protocol.map", Some("SSL:SSL"), false, vec![]),
            ("controller.quorum.voters", None, true, vec![None]),
            ("controller.quorum.bootstrap.servers", Some(""), false, vec![]),
            ("zookeeper.connect", None, false, vec![]),
            ("host.name", None, true, vec![]),
            ("log.retention.ms", Some("9092"), false, vec![Some("9")]),
        ])
    );
    let table = || Mapping::Table { brokers: [(1, ("sidecar".to_owned(), 9093))].into() };
    let own = Some("SSL://sidecar:9093");
    assert_eq!(
        told(table(), "1")[..2],
        expected([("listeners", own, false, vec![own, own]), ("advertised.listeners", own, false, vec![]),])
    );
    for (mapping, name) in [(table(), "2"), (table(), ""), (Mapping::None, "1")] {
        assert_eq!(
            told(mapping, name)[..2],
            expected([
                ("listeners", None, true, vec![None, None]),
                ("advertised.listeners", None, true, vec![]),
            ])
        );
    }
}

#[test]
fn settings_of_topics_are_told_as_they_are() {
    let mut door = door([allow(DescribeConfigs, Topic, "open")]);
    let forwarded = door.send(4, &describe(&[(TOPIC, "open"), (TOPIC, "denied")])).forwarded();
    let mut response = described(&[(TOPIC, "open")]);
    response.results[0].configs = own_settings();
    let answer = forwarded.answered(&mut door, &response);
    assert_eq!(answer.results[0], response.results[0]);
}

type Entry<'a> = (&'a str, i8, Option<&'a str>);
type Changed<'a> = (i8, &'a str, &'a [Entry<'a>]);

fn incremental(resources: &[Changed<'_>]) -> IncrementalAlterConfigsRequest {
    use incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
    let config = |(name, operation, value): &Entry<'_>| AlterableConfig {
        name: Str::from(*name),
        config_operation: *operation,
        value: value.map(Str::from),
        ..Default::default()
    };
    let resource = |(resource_type, name, configs): &Changed<'_>| AlterConfigsResource {
        resource_type: *resource_type,
        resource_name: Str::from(*name),
        configs: configs.iter().map(config).collect(),
        ..Default::default()
    };
    IncrementalAlterConfigsRequest {
        resources: resources.iter().map(resource).collect(),
        validate_only: true,
        ..Default::default()
    }
}

fn legacy(resources: &[Changed<'_>]) -> AlterConfigsRequest {
    use alter_configs_request::{AlterConfigsResource, AlterableConfig};
    let config = |(name, _, value): &Entry<'_>| AlterableConfig {
        name: Str::from(*name),
        value: value.map(Str::from),
        ..Default::default()
    };
    let resource = |(resource_type, name, configs): &Changed<'_>| AlterConfigsResource {
        resource_type: *resource_type,
        resource_name: Str::from(*name),
        configs: configs.iter().map(config).collect(),
        ..Default::default()
    };
    AlterConfigsRequest {
        resources: resources.iter().map(resource).collect(),
        validate_only: true,
        ..Default::default()
    }
}

type Result<'a> = (i8, &'a str, i16, Option<&'a str>);

/// Sends the changes through both APIs in all versions. The broker must hear of `left` and gives each of these resources
/// error 77; the answer must be `expected`.
#[track_caller]
fn both(
    bindings: &[Binding],
    api_versions: i16,
    changes: &[Changed<'_>],
    left: &[&str],
    expected: &[Result<'_>],
) {
    use alter_configs_response::AlterConfigsResourceResponse as LegacyResult;
    use incremental_alter_configs_response::AlterConfigsResourceResponse as IncrementalResult;
    macro_rules! through {
        ($request:ident, $response:ident, $result:ident, $changes:expr) => {
            for version in Door::versions::<$request>() {
                let mut door = door_before_4(bindings.iter().cloned(), api_versions);
                let outcome = door.send(version, &$changes);
                let answer = if left.is_empty() {
                    outcome.reply()
                } else {
                    let forwarded = outcome.forwarded();
                    let resources = forwarded.request.resources.iter();
                    let names: Vec<_> =
                        resources.clone().map(|resource| resource.resource_name.as_str()).collect();
                    assert_eq!(names, left);
                    assert!(forwarded.request.validate_only);
                    // A broker with ZooKeeper answers in any order.
                    let responses = resources.rev().map(|resource| $result {
                        error_code: 77,
                        error_message: None,
                        resource_type: resource.resource_type,
                        resource_name: resource.resource_name.clone(),
                        ..Default::default()
                    });
                    let responses = responses.collect();
                    forwarded.answered(&mut door, &$response { responses, ..Default::default() })
                };
                let results: Vec<Result<'_>> = answer
                    .responses
                    .iter()
                    .map(|result| {
                        let text = result.error_message.as_deref();
                        (result.resource_type, &*result.resource_name, result.error_code, text)
                    })
                    .collect();
                assert_eq!(results, expected, "{} version {version}", $request::NAME);
            }
        };
    }
    through!(AlterConfigsRequest, AlterConfigsResponse, LegacyResult, legacy(changes));
    through!(
        IncrementalAlterConfigsRequest,
        IncrementalAlterConfigsResponse,
        IncrementalResult,
        incremental(changes)
    );
}

const SET: &[Entry<'static>] = &[("some.key", 0, Some("value"))];

#[test]
fn changes_are_answered_in_the_order_of_the_request() {
    both(
        &[
            allow(AlterConfigs, Topic, "t2"),
            allow(AlterConfigs, Group, "g2"),
            allow(AlterConfigs, Topic, "t3"),
        ],
        5,
        &[
            (TOPIC, "t1", SET),
            (TOPIC, "t2", SET),
            (GROUP, "g1", SET),
            (GROUP, "g2", SET),
            (CLIENT_METRICS, "m", SET),
            (TOPIC, "t3", SET),
        ],
        &["t2", "g2", "t3"],
        &[
            (TOPIC, "t1", TOPIC_AUTHORIZATION_FAILED, Some("Topic authorization failed.")),
            (TOPIC, "t2", 77, None),
            (GROUP, "g1", GROUP_AUTHORIZATION_FAILED, Some("Group authorization failed.")),
            (GROUP, "g2", 77, None),
            (CLIENT_METRICS, "m", CLUSTER_AUTHORIZATION_FAILED, Some("Cluster authorization failed.")),
            (TOPIC, "t3", 77, None),
        ],
    );
}

#[test]
fn what_is_wrong_with_a_change_comes_before_what_is_not_allowed() {
    let twice: &[Entry<'static>] = &[("k", 0, Some("1")), ("k", 0, Some("2"))];
    let nulls: &[Entry<'static>] = &[("a", 0, None), ("b", 0, Some("1")), ("c", 0, None)];
    let once = Some("Each resource must appear at most once.");
    both(
        &[],
        5,
        &[
            (TOPIC, "same", SET),
            (TOPIC, "keys", twice),
            (TOPIC, "nulls", nulls),
            (3, "unknown", SET),
            (TOPIC, "same", twice),
            (GROUP, "same", SET),
            (BROKER, "nulls", nulls),
        ],
        &[],
        &[
            (TOPIC, "same", INVALID_REQUEST, once),
            (TOPIC, "keys", INVALID_REQUEST, Some("Error due to duplicate config keys")),
            (TOPIC, "nulls", INVALID_REQUEST, Some("Null value not supported for : a, c")),
            (3, "unknown", INVALID_REQUEST, Some("Unknown resource type 3")),
            (TOPIC, "same", INVALID_REQUEST, once),
            (GROUP, "same", GROUP_AUTHORIZATION_FAILED, Some("Group authorization failed.")),
            (BROKER, "nulls", INVALID_REQUEST, Some("Null value not supported for : a, c")),
        ],
    );
}

#[test]
fn a_broker_refuses_its_own_change_without_a_word_since_4_4() {
    let broker: &[Changed<'_>] = &[(BROKER, "1", SET), (BROKER, "", &[("listeners", 0, Some("x"))])];
    let denied = |text| {
        [(BROKER, "1", CLUSTER_AUTHORIZATION_FAILED, text), (BROKER, "", CLUSTER_AUTHORIZATION_FAILED, text)]
    };
    both(&[], 5, broker, &[], &denied(None));
    both(&[], 4, broker, &[], &denied(Some("Cluster authorization failed.")));
}

#[test]
fn nobody_changes_the_listeners_of_a_broker() {
    let entries = |keys: &'static [&'static str]| -> Vec<Entry<'static>> {
        keys.iter().map(|key| (*key, 0, Some("x"))).collect()
    };
    let refused = entries(&[
        "listeners",
        "log.retention.ms",
        "advertised.listeners",
        "listener.name.internal.ssl.keystore.location",
        "ssl.keystore.location",
        "listener.security.protocol.map",
        "sasl.enabled.mechanisms",
        "principal.builder.class",
    ]);
    let names = "listeners, advertised.listeners, listener.name.internal.ssl.keystore.location, \
                 ssl.keystore.location, listener.security.protocol.map, sasl.enabled.mechanisms, \
                 principal.builder.class";
    let text = format!("Cannot update these configs dynamically: [{names}]");
    let allowed = entries(&["log.retention.ms", "max.connections", "num.network.threads"]);
    both(
        &[allow_cluster(AlterConfigs), allow(AlterConfigs, Topic, "t")],
        5,
        &[(BROKER, "1", &refused), (BROKER, "2", &allowed), (TOPIC, "t", &entries(&["listeners"]))],
        &["2", "t"],
        &[(BROKER, "1", INVALID_REQUEST, Some(&text)), (BROKER, "2", 77, None), (TOPIC, "t", 77, None)],
    );
}

#[test]
fn levels_of_loggers_are_changed_incrementally_only() {
    let change: &[Changed<'_>] = &[(BROKER_LOGGER, "1", SET)];
    for version in Door::versions::<IncrementalAlterConfigsRequest>() {
        let answer = door([]).send(version, &incremental(change)).reply();
        assert_eq!(answer.responses[0].error_code, CLUSTER_AUTHORIZATION_FAILED);
        assert_eq!(answer.responses[0].error_message, None);
        door([allow_cluster(AlterConfigs)]).send(version, &incremental(change)).untouched();
    }
    for version in Door::versions::<AlterConfigsRequest>() {
        let answer = door([allow_cluster(AlterConfigs)]).send(version, &legacy(change)).reply();
        assert_eq!(answer.responses[0].error_code, INVALID_REQUEST);
        assert_eq!(answer.responses[0].error_message.as_deref(), Some("Unknown resource type 8"));
    }
}

#[test]
fn a_deletion_needs_no_value() {
    let deletion: &[Changed<'_>] = &[(TOPIC, "t", &[("k", 1, None)])];
    for version in Door::versions::<IncrementalAlterConfigsRequest>() {
        door([allow(AlterConfigs, Topic, "t")]).send(version, &incremental(deletion)).untouched();
    }
    let answer = door([allow(AlterConfigs, Topic, "t")]).send(0, &legacy(deletion)).reply();
    assert_eq!(answer.responses[0].error_code, INVALID_REQUEST);
}

#[test]
fn a_broker_that_forgets_a_resource_has_failed_it() {
    let changes: &[Changed<'_>] = &[(TOPIC, "t", SET), (TOPIC, "denied", SET)];
    let mut door = door([allow(AlterConfigs, Topic, "t")]);
    let forwarded = door.send(1, &incremental(changes)).forwarded();
    let answer = forwarded.answered(&mut door, &IncrementalAlterConfigsResponse::default());
    let codes: Vec<_> = answer.responses.iter().map(|result| result.error_code).collect();
    assert_eq!(codes, [UNKNOWN_SERVER_ERROR, TOPIC_AUTHORIZATION_FAILED]);
}
