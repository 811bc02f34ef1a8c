//! Wrong values: each is refused before anything is rendered, by one message that names the key.

use super::render::{CHART, scenario, template};
use crate::support::tools::{Tools, said};

/// What the message must have: the key, and what to do about it.
type Case<'a> = (&'a str, &'a str, &'a [&'a str]);

#[test]
fn the_schema_names_the_wrong_value() {
    let Some(tools) = Tools::find("schema errors") else { return };
    let digest = format!("image.digest=sha256:{}", "0".repeat(63));
    let cases: &[(&str, &[&str])] = &[
        (&digest, &["/image/digest", "pattern"]),
        ("image.repository=doorkeeper:1.0", &["/image/repository"]),
        ("image.pullpolicy=Always", &["/image", "pullpolicy"]),
        ("image.pullPolicy=Sometimes", &["/image/pullPolicy", "Always"]),
        ("mode=proxy", &["/mode", "gateway"]),
        ("repicas=2", &["repicas"]),
        ("config.lissteners[0].name=a", &["/config", "lissteners"]),
        ("config.listeners[0].name=a", &["/config/listeners/0", "bind"]),
        ("config.limits.max_connections=0", &["/config/limits/max_connections"]),
        ("config.log.level=loud", &["/config/log/level"]),
        ("config.listeners=null", &["/config", "listeners"]),
        ("acls.bindings[0].operation=Read", &["/acls/bindings/0", "operation"]),
        ("tls.certManager.duration=90d", &["/tls/certManager/duration"]),
        ("tls.existingSecret=Kafka_TLS", &["/tls/existingSecret"]),
        ("broker.ports[0]=99999", &["/broker/ports/0", "65,535"]),
        ("injector.failurePolicy=fail", &["/injector/failurePolicy"]),
        ("gateway.replicas=two", &["/gateway/replicas"]),
        ("gateway.podDisruptionBudget.maxUnavailable=half", &["/gateway/podDisruptionBudget/maxUnavailable"]),
        ("services.bootstrap.type=Ingress", &["/services/bootstrap/type"]),
        ("monitoring.podMonitor.enabeld=true", &["/monitoring/podMonitor", "enabeld"]),
        ("probes.readiness.httpGet.path=/", &["/probes/readiness", "httpGet"]),
        ("resources.limit.memory=1Gi", &["/resources", "limit"]),
        ("resources.limits.memory=true", &["/resources/limits/memory"]),
        ("resources.limits.memory=512MB", &["/resources/limits/memory", "512MB"]),
        ("resources=null", &["missing property 'resources'"]),
        ("acls=null", &["missing property 'acls'"]),
        ("services.bootstrap=null", &["/services", "missing property 'bootstrap'"]),
        ("config.limits.idle_timeout=10", &["/config/limits/idle_timeout", "string"]),
        ("config.shutdown.drain_timeout=ten", &["/config/shutdown/drain_timeout", "ten"]),
        ("config.admin.bind=:9901", &["/config/admin/bind", ":9901"]),
        ("config.listeners[0].upstream=kafka", &["/config/listeners/0/upstream", "kafka"]),
        ("config.authorization.super_users={admin}", &["/config/authorization/super_users/0", "admin"]),
        ("acls.bindings[0].principal=alice", &["/acls/bindings/0/principal", "alice"]),
        (
            "config.listeners[0].address_mapping.strategy=keep_host,config.listeners[0].address_mapping.ports.a=1",
            &["/config/listeners/0/address_mapping/ports", "'a'"],
        ),
        ("services.bootstrap.nodePorts.clients=30443", &["/services/bootstrap/nodePorts", "clients"]),
        ("networkPolicy.clients[0]=10.0.0.0/8", &["/networkPolicy/clients/0"]),
    ];
    let values = scenario("01");
    for (set, expected) in cases {
        let output = template(tools, values.to_str().unwrap(), &["--set", set]);
        let message = said(&output);
        assert!(!output.status.success(), "{set} is accepted");
        for part in *expected {
            assert!(message.contains(part), "{set}: no '{part}' in: {message}");
        }
        assert!(!message.contains("kind:"), "{set}: half of it is rendered: {message}");
    }
}

#[test]
fn values_that_contradict_each_other_are_refused() {
    let Some(tools) = Tools::find("contradictions") else { return };
    let cases: &[Case] = &[
        ("01", "image.repository=", &["image.repository is not set", "make image"]),
        ("01", "tls.existingSecret=", &["tls: there is no certificate", "tls.certManager.enabled"]),
        ("02", "tls.existingSecret=a", &["tls: existingSecret and certManager.enabled exclude each other"]),
        ("02", "tls.certManager.issuerRef.name=", &["tls.certManager.issuerRef.name is not set"]),
        ("01", "config.admin.bind=0.0.0.0:9443", &["port 9443 is used twice"]),
        ("01", "config.admin=null", &["config.admin.bind is not set"]),
        (
            "01",
            "broker.ports={9092,9443}",
            &["port 9443 is one of broker.ports", "give doorkeeper another one, such as 9543"],
        ),
        (
            "08",
            "monitoring.serviceMonitor.enabled=true",
            &["podMonitor and serviceMonitor exclude each other"],
        ),
        (
            "01",
            "monitoring.podMonitor.enabled=true",
            &["broker.matchLabels is not set: monitoring.podMonitor"],
        ),
        (
            "01",
            "services.bootstrap.enabled=true,networkPolicy.enabled=true",
            &["broker.matchLabels is not set: services.bootstrap, networkPolicy"],
        ),
        ("01", "injector.enabled=true", &["injector.matchLabels is not set", "doorkeeper/inject: kafka"]),
        ("05", "injector.enabled=true", &["injector.enabled: a gateway is injected into no pod"]),
        (
            "01",
            "mode=gateway",
            &["127.0.0.1:9092, is the gateway's own pod", "use the strategy port_per_broker, sni or table"],
        ),
        (
            "05",
            "config.shutdown.drain_timeout=40s",
            &["gateway.terminationGracePeriodSeconds: 45 s", "45 s, are over"],
        ),
        (
            "05",
            "config.shutdown.hold_until_upstream_closed=true",
            &["config.shutdown.hold_until_upstream_closed: the brokers of a gateway do not end"],
        ),
        (
            "01",
            "resources.limits.memory=128Mi",
            &["config.limits.buffered_bytes: 134217728 is more than half of resources.limits.memory, 128Mi"],
        ),
        (
            "01",
            "resources.limits.memory=200M",
            &["134217728 is more than half of resources.limits.memory, 200M"],
        ),
        (
            "01",
            "acls.bindings[0].operations={Reed}",
            &["acls.bindings[0].operations: 'Reed' is not an operation"],
        ),
        ("01", "acls.bindings[0].group=g", &["acls.bindings[0] names topic and group: exactly one"]),
        (
            "01",
            "acls.bindings[3].principal=User:a,acls.bindings[3].operations={All}",
            &["acls.bindings[3] names no resource: exactly one"],
        ),
        (
            "09",
            "services.bootstrap.nodePorts.9442=30442",
            &["services.bootstrap.nodePorts: 9442 is no port that clients connect to"],
        ),
        (
            "09",
            "services.perBroker.nodePorts.kafka-7=30447",
            &["services.perBroker.nodePorts: 'kafka-7' is not one of services.perBroker.names"],
        ),
        ("01", "config.limits=null", &["config.limits.buffered_bytes: 536870912 is more than half"]),
        ("05", "config.admin.bind=0.0.0.0:9101", &["port 9101 is used twice"]),
        (
            "06",
            "config.listeners[0].address_mapping.node_ids=0-300",
            &["node_ids of 'clients' is '0-300', which names no brokers"],
        ),
        (
            "08",
            "config.admin.bind=127.0.0.1:9901",
            &["config.admin.bind: Prometheus does not reach 127.0.0.1:9901"],
        ),
        ("01", "services.perBroker.enabled=true", &["services.perBroker.names is empty"]),
        ("01", "acls.existingConfigMap=own", &["acls: bindings and existingConfigMap exclude each other"]),
        (
            "01",
            "config.authorization.acls.file=/own/acls.yaml",
            &["acls: config.authorization.acls says where the bindings are"],
        ),
        (
            "04",
            "tls.clientCa.existingConfigMap=own",
            &["tls.clientCa: existingSecret and existingConfigMap exclude"],
        ),
    ];
    for (values, set, expected) in cases {
        let output = template(tools, scenario(values).to_str().unwrap(), &["--set", set]);
        let message = said(&output);
        assert!(!output.status.success(), "{set} is accepted");
        for part in *expected {
            assert!(message.contains(part), "{set}: no '{part}' in: {message}");
        }
        assert!(!message.contains("kind:"), "{set}: half of it is rendered: {message}");
    }
    let old = ["--kube-version", "1.35.0"];
    let message = said(&template(tools, scenario("03").to_str().unwrap(), &old));
    assert!(message.contains("no MutatingAdmissionPolicy"), "{message}");
}

#[test]
fn a_value_that_is_taken_away_breaks_no_template() {
    let Some(tools) = Tools::find("null values") else { return };
    let text = std::fs::read_to_string(std::path::Path::new(CHART).join("values.yaml")).unwrap();
    let values: serde_json::Value = serde_yaml::from_str(&text).unwrap();
    let mut paths = Vec::new();
    every(&values, "", &mut paths);
    // By twos: the machine may have no more processors, and helm is not quick.
    std::thread::scope(|scope| {
        for half in paths.chunks(paths.len().div_ceil(2)) {
            scope.spawn(move || {
                for path in half {
                    let scenario = scenario(if path.starts_with("gateway") { "07" } else { "09" });
                    let message = said(&template(
                        tools,
                        scenario.to_str().unwrap(),
                        &["--set", &format!("{path}=null")],
                    ));
                    for part in ["nil pointer", "<nil>", "wrong type", "executing"] {
                        assert!(!message.contains(part), "{path}: {message}");
                    }
                }
            });
        }
    });
}

/// The paths of all values.
fn every(values: &serde_json::Value, above: &str, paths: &mut Vec<String>) {
    for (key, value) in values.as_object().unwrap() {
        let path = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
        paths.push(path.clone());
        if value.is_object() {
            every(value, &path, paths);
        }
    }
}

#[test]
fn all_contradictions_are_said_at_once() {
    let Some(tools) = Tools::find("several contradictions") else { return };
    let output =
        tools.helm(&["template", "kafka", CHART, "--set", "injector.enabled=true,broker.ports={9901}"]);
    let message = said(&output);
    let faults = message.lines().filter(|line| line.starts_with("  - ")).count();
    assert_eq!(faults, 4, "{message}");
}
