//! What must be true of every scenario, whatever its values.

use serde_json::Value;

use super::render::{Objects, RELEASE, documents, list, name, scenario, scenarios};
use crate::support::tools::{Tools, said};

/// The containers of doorkeeper in a render: of pods and Deployments, and of the notes.
fn containers(objects: &Objects) -> Vec<Value> {
    let pods = objects.0.iter().filter_map(|object| match object["kind"].as_str()? {
        "Pod" => Some(&object["spec"]),
        "Deployment" => Some(&object["spec"]["template"]["spec"]),
        _ => None,
    });
    pods.flat_map(|pod| list(&pod["containers"])).cloned().collect()
}

/// What the notes say to put into the broker's chart.
fn snippet(tools: &Tools, values: &std::path::Path) -> Value {
    let notes = notes(tools, values.to_str().unwrap(), &[]);
    let (_, rest) = notes.split_once("--- 8< ---\n").unwrap_or_else(|| panic!("no snippet in {notes}"));
    let (snippet, _) = rest.split_once("--- >8 ---").unwrap();
    documents(snippet).remove(0)
}

fn notes(tools: &Tools, values: &str, more: &[&str]) -> String {
    let chart = super::render::CHART;
    let install =
        ["install", RELEASE, chart, "--namespace", "streaming", "--values", values, "--dry-run=client"];
    let output = tools.helm(&[&install, more].concat());
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_once("\nNOTES:\n").unwrap_or_else(|| panic!("no notes in {text}")).1.to_owned()
}

#[test]
fn every_container_is_fit_for_the_restricted_profile() {
    let Some(tools) = Tools::find("restricted containers") else { return };
    let mut seen = 0;
    for values in scenarios() {
        let objects = Objects::of(tools, &values);
        let mut all = containers(&objects);
        if objects.of_kind("Deployment").next().is_none()
            && objects.of_kind("MutatingAdmissionPolicy").next().is_none()
        {
            all.extend(list(&snippet(tools, &values)["initContainers"]).iter().cloned());
        }
        for container in all {
            seen += 1;
            let security = &container["securityContext"];
            let what = format!("{}: {security}", values.display());
            assert_eq!(security["runAsNonRoot"], true, "{what}");
            assert_eq!(security["allowPrivilegeEscalation"], false, "{what}");
            assert_eq!(security["readOnlyRootFilesystem"], true, "{what}");
            assert_eq!(security["capabilities"]["drop"][0], "ALL", "{what}");
            assert!(security["capabilities"]["add"].is_null(), "{what}");
            assert_eq!(security["seccompProfile"]["type"], "RuntimeDefault", "{what}");
            assert!(container["resources"]["requests"]["memory"].is_string(), "{}", values.display());
            assert!(container["resources"]["limits"]["cpu"].is_null(), "{}", values.display());
        }
        for pod in objects.0.iter().filter(|object| object["kind"] == "Deployment") {
            assert_eq!(pod["spec"]["template"]["spec"]["automountServiceAccountToken"], false);
        }
    }
    assert!(seen > 8, "{seen}");
}

#[test]
fn nothing_is_mounted_that_never_changes() {
    let Some(tools) = Tools::find("mounts") else { return };
    for values in scenarios() {
        let objects = Objects::of(tools, &values);
        for object in &objects.0 {
            assert!(!object.to_string().contains("subPath"), "{}: {object}", values.display());
        }
    }
}

#[test]
fn the_sidecar_is_native_and_starts_before_the_broker() {
    let Some(tools) = Tools::find("the sidecar") else { return };
    let snippet = snippet(tools, &scenario("01"));
    let sidecar = &snippet["initContainers"][0];
    assert_eq!(sidecar["name"], "doorkeeper");
    assert_eq!(sidecar["restartPolicy"], "Always", "{sidecar}");
    // The broker starts after the startup probe is passed: a probe that asks for the broker would never be.
    assert_eq!(sidecar["startupProbe"]["httpGet"]["path"], "/startupz");
    assert_eq!(sidecar["readinessProbe"]["httpGet"]["path"], "/readyz");
    assert_eq!(sidecar["livenessProbe"]["httpGet"]["path"], "/livez");
    assert!(sidecar["lifecycle"].is_null(), "a native sidecar ends after the broker by itself");
    assert_eq!(snippet["extraVolumes"][0]["name"], sidecar["volumeMounts"][0]["name"]);

    // Where the kubelet does not get an answer, doorkeeper asks itself.
    let own = Objects::with(tools, &scenario("05"), &["--set", "config.admin.bind=127.0.0.1:9901"]);
    let gateway = &own.one("Deployment", "doorkeeper")["spec"]["template"]["spec"]["containers"][0];
    for (probe, check) in
        [("startupProbe", "startup"), ("livenessProbe", "live"), ("readinessProbe", "ready")]
    {
        let command = &gateway[probe]["exec"]["command"];
        assert_eq!((&command[1], &command[3]), (&"healthcheck".into(), &check.into()), "{command}");
        assert!(gateway[probe]["httpGet"].is_null());
    }

    // What the policy injects is the same container and the same volume, first in the list.
    let policies = Objects::of(tools, &scenario("03"));
    let policy = policies.one("MutatingAdmissionPolicy", "streaming");
    let patch = policy["spec"]["mutations"][0]["jsonPatch"]["expression"].as_str().unwrap();
    let at = |path: &str| patch.find(path).unwrap_or_else(|| panic!("no {path} in {patch}"));
    assert!(at(r#"path: "/spec/initContainers", value: []"#) < at(r#"path: "/spec/initContainers/0""#));
    assert!(at(r#"path: "/spec/volumes", value: []"#) < at(r#"path: "/spec/volumes/-""#));
    for part in
        [r#""restartPolicy": dyn("Always")"#, r#""path": dyn("/startupz")"#, r#""containerPort": dyn(9443)"#]
    {
        at(part);
    }
    let condition = policy["spec"]["matchConditions"][0]["expression"].as_str().unwrap();
    assert!(condition.contains("!(") && condition.contains("initContainers"), "{condition}");
}

#[test]
fn ports_agree_with_the_configuration() {
    let Some(tools) = Tools::find("ports") else { return };
    for values in scenarios() {
        let objects = Objects::of(tools, &values);
        let config = &documents(objects.config_map_text("doorkeeper.yaml"))[0];
        let port = |address: &Value| -> u64 {
            address.as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap()
        };
        let admin = port(&config["admin"]["bind"]);
        let mut listeners: Vec<u64> =
            list(&config["listeners"]).iter().map(|one| port(&one["bind"])).collect();
        match values.file_name().unwrap().to_str().unwrap() {
            name if name.starts_with("05") => listeners.extend([9100, 9101, 9102]),
            name if name.starts_with("07") => listeners.extend([9100, 9101, 9102, 9110]),
            _ => {}
        }
        for container in
            objects.of_kind("Deployment").flat_map(|d| list(&d["spec"]["template"]["spec"]["containers"]))
        {
            let ports: Vec<u64> = list(&container["ports"])
                .iter()
                .map(|port| port["containerPort"].as_u64().unwrap())
                .collect();
            assert!(listeners.iter().all(|port| ports.contains(port)) && ports.contains(&admin), "{ports:?}");
            assert_eq!(container["livenessProbe"]["httpGet"]["port"], admin);
        }
        for service in objects.of_kind("Service").filter(|service| !name(service).ends_with("-metrics")) {
            let ports: Vec<u64> = list(&service["spec"]["ports"])
                .iter()
                .map(|port| port["targetPort"].as_u64().unwrap())
                .collect();
            assert!(
                listeners.iter().all(|port| ports.contains(port)) && !ports.contains(&admin),
                "{ports:?}"
            );
        }
        for monitor in objects.of_kind("PodMonitor") {
            assert_eq!(monitor["spec"]["podMetricsEndpoints"][0]["port"], "dk-admin");
        }
    }
}

#[test]
fn node_ports_are_those_that_are_asked_for() {
    let Some(tools) = Tools::find("node ports") else { return };
    let objects = Objects::of(tools, &scenario("09"));
    let ports = |end: &str| -> Vec<(u64, Option<u64>)> {
        let ports = list(&objects.one("Service", end)["spec"]["ports"]);
        ports.iter().map(|port| (port["port"].as_u64().unwrap(), port["nodePort"].as_u64())).collect()
    };
    assert_eq!(ports("-bootstrap"), [(9443, Some(30443)), (9444, None)]);
    assert_eq!(ports("-kafka-1"), [(9443, Some(30441)), (9444, None)]);
    let scaled = Objects::with(tools, &scenario("07"), &["--set", "gateway.replicas=null"]);
    assert!(scaled.one("Deployment", "doorkeeper")["spec"]["replicas"].is_null(), "an autoscaler's number");
    let none = Objects::with(tools, &scenario("07"), &["--set", "gateway.replicas=0"]);
    assert_eq!(none.one("Deployment", "doorkeeper")["spec"]["replicas"], 0);
}

#[test]
fn a_gateway_can_be_rolled_and_drained_while_the_brokers_are_away() {
    let Some(tools) = Tools::find("the gateway") else { return };
    let gateway = Objects::of(tools, &scenario("05"));
    let spread =
        &gateway.one("Deployment", "doorkeeper")["spec"]["template"]["spec"]["topologySpreadConstraints"][0];
    assert_eq!(spread["matchLabelKeys"][0], "pod-template-hash");
    let budget = &gateway.one("PodDisruptionBudget", "doorkeeper")["spec"];
    assert_eq!(
        (&budget["maxUnavailable"], &budget["unhealthyPodEvictionPolicy"]),
        (&1.into(), &"AlwaysAllow".into())
    );
}

#[test]
fn a_network_policy_leaves_the_plaintext_port_to_the_brokers() {
    let Some(tools) = Tools::find("the network policy") else { return };
    let sidecar = Objects::of(tools, &scenario("02"));
    let rules = list(&sidecar.one("NetworkPolicy", "doorkeeper")["spec"]["ingress"]);
    for rule in rules {
        let brokers_only =
            rule["from"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/instance"] == "kafka";
        let ports: Vec<u64> =
            list(&rule["ports"]).iter().map(|port| port["port"].as_u64().unwrap()).collect();
        let ours = !ports.is_empty() && ports.iter().all(|port| [9443, 9901].contains(port));
        assert!(brokers_only || ours, "{rule}");
    }
    let gateway = Objects::of(tools, &scenario("07"));
    let brokers = list(&gateway.one("NetworkPolicy", "-brokers")["spec"]["ingress"]);
    let labels = &brokers[0]["from"][0]["podSelector"]["matchLabels"];
    assert_eq!(
        (&brokers[0]["ports"][0]["port"], &labels["app.kubernetes.io/component"]),
        (&9092.into(), &"gateway".into())
    );
}

#[test]
fn a_certificate_has_the_names_that_clients_verify() {
    let Some(tools) = Tools::find("the certificate") else { return };
    let names = |values: &str| -> Vec<String> {
        let objects = Objects::of(tools, &scenario(values));
        let certificate = objects.of_kind("Certificate").next().unwrap();
        list(&certificate["spec"]["dnsNames"]).iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    };
    let bitnami = names("02");
    for name in [
        "*.kafka-controller-headless.streaming.svc",
        "*.kafka-controller-headless.streaming.svc.cluster.local",
        "kafka-doorkeeper-bootstrap",
        "kafka-doorkeeper-bootstrap.streaming.svc.cluster.local",
    ] {
        assert!(bitnami.iter().any(|known| known == name), "{name}: {bitnami:?}");
    }
    let strimzi = names("04");
    assert!(strimzi.iter().any(|name| name == "*.my-cluster-kafka-brokers.streaming.svc"), "{strimzi:?}");
    assert!(names("07").iter().any(|name| name == "kafka.example.com"));
    // What a gateway tells for the brokers, the Services that stand for them have.
    let sni = names("06");
    let gateway = Objects::of(tools, &scenario("06"));
    for node in 0..3 {
        let service = format!("kafka-broker-{node}");
        assert!(sni.contains(&format!("{service}.streaming.svc.cluster.local")), "{sni:?}");
        assert_eq!(gateway.one("Service", &service)["spec"]["ports"][0]["port"], 9093);
    }
}

#[test]
fn bindings_in_a_topic_need_no_config_map() {
    let Some(tools) = Tools::find("bindings in a topic") else { return };
    let objects = Objects::of(tools, &scenario("10"));
    let maps: Vec<&str> = objects.of_kind("ConfigMap").map(name).collect();
    assert_eq!(maps, ["kafka-doorkeeper-config"]);
    let config = &documents(objects.config_map_text("doorkeeper.yaml"))[0];
    assert_eq!(config["authorization"]["acls"], serde_json::json!({"topic": "__doorkeeper_acls"}));
    let sources = snippet(tools, &scenario("10"))["extraVolumes"][0]["projected"]["sources"].clone();
    assert!(!sources.to_string().contains("acls.yaml"), "{sources}");
}

#[test]
fn doorkeepers_that_ask_each_other_for_bindings_show_their_own_certificate() {
    let Some(tools) = Tools::find("bindings in a topic, by TLS") else { return };
    let values = scenario("11");
    let objects = Objects::of(tools, &values);
    let config = &documents(objects.config_map_text("doorkeeper.yaml"))[0];
    let files = |more: &str| serde_json::json!({"certificate_chain": "tls/tls.crt", "private_key": "tls/tls.key", "server_ca": more});
    assert_eq!(config["authorization"]["acls"]["tls"], files("tls/ca.crt"));
    let usages = |values: &str| {
        let objects = Objects::of(tools, &scenario(values));
        objects.of_kind("Certificate").next().unwrap()["spec"]["usages"].clone()
    };
    assert!(list(&usages("11")).contains(&"client auth".into()));
    assert!(!list(&usages("02")).contains(&"client auth".into()));
    let other =
        Objects::with(tools, &values, &["--set", "config.authorization.acls.tls.server_ca=other/ca.crt"]);
    let config = &documents(other.config_map_text("doorkeeper.yaml"))[0];
    assert_eq!(config["authorization"]["acls"]["tls"], files("other/ca.crt"));
}

#[test]
fn bindings_and_certificates_restart_nothing_but_settings_do() {
    let Some(tools) = Tools::find("restarts") else { return };
    let pod = |set: &str| {
        let objects = Objects::with(tools, &scenario("05"), &["--set", set]);
        objects.one("Deployment", "doorkeeper")["spec"]["template"].clone()
    };
    let before = pod("nameOverride=");
    assert!(
        pod("acls.bindings[0].principal=User:a,acls.bindings[0].operations={Read},acls.bindings[0].topic=t")
            == before
    );
    assert!(pod("config.limits.max_connections=5") != before);
}

#[test]
fn the_notes_say_the_next_step_and_what_is_still_plaintext() {
    let Some(tools) = Tools::find("the notes") else { return };
    let said = |values: &str, more: &[&str]| notes(tools, scenario(values).to_str().unwrap(), more);
    let sidecar = said("01", &[]);
    for part in
        ["initContainers:", "still plaintext", "127.0.0.1:9092", "helm test kafka --namespace streaming"]
    {
        assert!(sidecar.contains(part), "no '{part}' in {sidecar}");
    }
    assert!(said("02", &[]).contains("kafka-doorkeeper-bootstrap.streaming.svc.cluster.local:9443"));
    assert!(said("03", &[]).contains("doorkeeper/inject: kafka"));
    assert!(said("09", &[]).contains("WARNING: everybody may use what has no binding"));
    let anonymous = "config.listeners[0].tls.client_auth=none";
    assert!(
        said("05", &["--set", anonymous])
            .contains("WARNING: clients of the listener 'clients' are not asked")
    );
    assert!(said("01", &["--set", "acls.bindings=null"]).contains("WARNING: there are no bindings"));
    assert!(said("05", &[]).contains("in plaintext to kafka.kafka.svc:9092"));
    let covered = said("02", &[]);
    assert!(covered.contains("network policy"), "{covered}");
}

#[test]
fn every_value_is_used_by_a_template() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("helm");
    let mut templates = String::new();
    for folder in ["doorkeeper/templates", "doorkeeper/templates/tests", "doorkeeper-lib/templates"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                templates.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let text = std::fs::read_to_string(root.join("doorkeeper/values.yaml")).unwrap();
    for entry in super::generated::entries(&text) {
        // The configuration is handed on whole.
        if entry.key.starts_with("config.") {
            continue;
        }
        let mut names = entry.key.rsplit('.');
        let (last, parent) = (names.next().unwrap(), names.next().unwrap_or(".Values"));
        let used = [format!(".{last}"), format!("\"{last}\""), format!("toYaml .{parent}")];
        assert!(used.iter().any(|word| templates.contains(word.as_str())), "no template uses {}", entry.key);
    }
}
