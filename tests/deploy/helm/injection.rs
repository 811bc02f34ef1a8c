//! The admission policies in a real kube-apiserver.

use std::time::Duration;

use serde_json::{Value, json};

use super::cluster::Cluster;
use super::render::{CHART, list, scenario, scenarios, template};
use crate::support::process::wait_for;
use crate::support::tools::{Tools, said};

const SOON: Duration = Duration::from_secs(30);
const NAMESPACE: &str = "kafka";

/// A pod as a StatefulSet makes it.
fn broker(name: &str, labels: &Value) -> Value {
    let security = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": NAMESPACE, "labels": labels,
            "annotations": {"checksum/config": "0"},
        },
        "spec": {
            "securityContext": {"runAsNonRoot": true, "runAsUser": 1001, "fsGroup": 1001, "seccompProfile": {"type": "RuntimeDefault"}},
            "hostname": name, "subdomain": "kafka-headless",
            "initContainers": [{"name": "prepare-config", "image": "kafka", "securityContext": security}],
            "containers": [{
                "name": "kafka", "image": "kafka", "securityContext": security,
                "ports": [{"name": "client", "containerPort": 9092}, {"name": "controller", "containerPort": 9093}],
                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
            }],
            "volumes": [{"name": "data", "emptyDir": {}}],
        },
    })
}

fn asking() -> Value {
    json!({"doorkeeper/inject": "kafka"})
}

/// A pod as Strimzi's operator makes it: many volumes, no init container, no annotation of ours.
fn strimzi_broker() -> Value {
    let mut pod = broker(
        "my-cluster-dual-role-0",
        &json!({
            "strimzi.io/cluster": "my-cluster", "strimzi.io/kind": "Kafka", "strimzi.io/broker-role": "true",
            "strimzi.io/pod-name": "my-cluster-dual-role-0", "app.kubernetes.io/managed-by": "strimzi-cluster-operator",
        }),
    );
    let spec = pod["spec"].as_object_mut().unwrap();
    spec.remove("initContainers");
    spec.insert("automountServiceAccountToken".into(), json!(false));
    spec.insert("terminationGracePeriodSeconds".into(), json!(30));
    spec.insert(
        "volumes".into(),
        json!([
            {"name": "data", "persistentVolumeClaim": {"claimName": "data-my-cluster-dual-role-0"}},
            {"name": "strimzi-tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "5Mi"}},
            {"name": "cluster-ca-certs", "secret": {"secretName": "my-cluster-cluster-ca-cert", "defaultMode": 292}},
            {"name": "kafka-metrics-and-logging", "configMap": {"name": "my-cluster-dual-role-0"}},
        ]),
    );
    pod
}

fn names<'a>(pod: &'a Value, of: &str) -> Vec<&'a str> {
    list(&pod["spec"][of]).iter().map(|one| one["name"].as_str().unwrap()).collect()
}

fn install(cluster: &Cluster, how: &str, release: &str, more: &[&str]) -> std::process::Output {
    let values = scenario("03");
    let arguments = [how, release, CHART, "--namespace", NAMESPACE, "--values", values.to_str().unwrap()];
    cluster.helm(&[&arguments[..], more].concat())
}

fn installed(cluster: &Cluster, how: &str, release: &str, more: &[&str]) {
    let output = install(cluster, how, release, more);
    assert!(output.status.success(), "{}", said(&output));
}

/// The API server reads policies a moment after they are made.
fn eventually(
    cluster: &Cluster,
    what: &str,
    pod: &Value,
    is: impl Fn(&Result<Value, String>) -> bool,
) -> Result<Value, String> {
    wait_for(what, SOON, || Some(cluster.try_to_make(pod)).filter(|result| is(result)))
}

fn injected(result: &Result<Value, String>) -> bool {
    result.as_ref().is_ok_and(|pod| names(pod, "initContainers").contains(&"doorkeeper"))
}

#[test]
fn a_real_kube_apiserver_accepts_the_scenarios_and_carries_out_the_policies() {
    let Some(cluster) = Cluster::start("injection") else { return };
    every_scenario_is_accepted(&cluster);
    let namespace = json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": NAMESPACE, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
    });
    cluster.done(&["create", "-f", "-"], &namespace.to_string());

    a_secret_without_the_keys_is_refused_before_anything_is_there(&cluster);
    installed(&cluster, "install", "first", &["--set", "image.pullSecrets[0].name=registry"]);
    the_sidecar_comes_first_and_once(&cluster);
    pods_that_do_not_ask_stay_as_they_are(&cluster);
    it_is_not_injected_again_when_the_policy_is_asked_twice(&cluster);
    what_cannot_be_together_is_refused(&cluster);
    a_second_release_is_refused(&cluster);
    it_goes_into_strimzi_s_pods(&cluster);
    an_upgrade_changes_new_pods_and_a_removal_ends_it(&cluster);
}

fn every_scenario_is_accepted(cluster: &Cluster) {
    let Some(tools) = Tools::find("every scenario") else { return };
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": super::render::NAMESPACE,
        "labels": {"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted"},
    }});
    cluster.done(&["create", "-f", "-"], &namespace.to_string());
    let Some(definitions) = cluster.custom_resources() else { return };
    cluster.done(&["create", "-f", definitions.to_str().unwrap()], "");
    cluster.established(&["podmonitors.monitoring.coreos.com", "certificates.cert-manager.io"]);
    for values in scenarios() {
        let rendered = template(tools, values.to_str().unwrap(), &[]);
        let objects = String::from_utf8(rendered.stdout).unwrap();
        let arguments =
            ["apply", "--dry-run=server", "--validate=strict", "-n", super::render::NAMESPACE, "-f", "-"];
        let output = cluster.kubectl(&arguments, &objects);
        let answer = said(&output);
        assert!(
            output.status.success() && !answer.contains("would violate"),
            "{}: {answer}",
            values.display()
        );
    }
    // The server does look.
    let wrong = json!({
        "apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor", "metadata": {"name": "wrong"},
        "spec": {"selector": {}, "podMetricsEndpoint": []},
    });
    let output =
        cluster.kubectl(&["apply", "--dry-run=server", "--validate=strict", "-f", "-"], &wrong.to_string());
    assert!(!output.status.success() && said(&output).contains("podMetricsEndpoint"), "{}", said(&output));
}

fn a_secret_without_the_keys_is_refused_before_anything_is_there(cluster: &Cluster) {
    let secret = |keys: &Value| {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "kafka-tls", "namespace": NAMESPACE}, "stringData": keys});
        cluster.done(&["apply", "-f", "-"], &secret.to_string());
    };
    secret(&json!({"tls.crt": "-", "tls.key": "-"}));
    let refused = install(cluster, "install", "first", &[]);
    let message = said(&refused);
    assert!(!refused.status.success());
    assert!(message.contains("Secret kafka/kafka-tls has no key 'ca.crt' but tls.crt, tls.key"), "{message}");
    // Bindings of the operator's own are looked at as well, and all that is wrong is said at once.
    let bindings = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "own", "namespace": NAMESPACE}, "data": {"acls.yml": "[]"}});
    cluster.done(&["apply", "-f", "-"], &bindings.to_string());
    let message = said(&install(cluster, "install", "first", &["--set", "acls.existingConfigMap=own"]));
    for part in ["has no key 'ca.crt'", "ConfigMap kafka/own has no key 'acls.yaml' but acls.yml", "acls.key"]
    {
        assert!(message.contains(part), "no '{part}' in {message}");
    }
    let left =
        cluster.done(&["get", "configmaps,mutatingadmissionpolicies", "-n", NAMESPACE, "-o", "name"], "");
    assert!(!left.contains("first"), "{left}");
    secret(&json!({"tls.crt": "-", "tls.key": "-", "ca.crt": "-"}));
}

fn the_sidecar_comes_first_and_once(cluster: &Cluster) {
    let result = eventually(cluster, "the sidecar", &broker("kafka-0", &asking()), injected);
    let pod = result.unwrap();
    // That it is admitted at all says that the restricted profile has nothing against it.
    assert_eq!(names(&pod, "initContainers"), ["doorkeeper", "prepare-config"]);
    assert_eq!(names(&pod, "volumes"), ["data", "doorkeeper"]);
    assert_eq!(pod["metadata"]["annotations"]["doorkeeper/injected-by"], "first");
    assert_eq!(pod["metadata"]["annotations"]["checksum/config"], "0");
    assert_eq!(names(&pod, "imagePullSecrets"), ["registry"]);
    let mut with_secrets = broker("kafka-0", &asking());
    with_secrets["spec"]["imagePullSecrets"] = json!([{"name": "own"}, {"name": "registry"}]);
    assert_eq!(names(&cluster.try_to_make(&with_secrets).unwrap(), "imagePullSecrets"), ["own", "registry"]);
    let sidecar = &pod["spec"]["initContainers"][0];
    assert_eq!(sidecar["restartPolicy"], "Always");
    assert_eq!(sidecar["startupProbe"]["httpGet"]["port"], 9901);
    assert_eq!(sidecar["resources"]["limits"]["memory"], "512Mi");

    let mut privileged = broker("kafka-0", &asking());
    privileged["spec"]["containers"][0]["securityContext"]["capabilities"] = json!({"add": ["NET_ADMIN"]});
    let refused = cluster.try_to_make(&privileged).unwrap_err();
    assert!(refused.contains("restricted"), "the namespace is not restricted after all: {refused}");
}

fn pods_that_do_not_ask_stay_as_they_are(cluster: &Cluster) {
    for labels in [json!({}), json!({"doorkeeper/inject": "other"})] {
        let pod = cluster.try_to_make(&broker("kafka-0", &labels)).unwrap();
        assert_eq!(names(&pod, "initContainers"), ["prepare-config"], "{labels}");
    }
    let elsewhere = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "elsewhere"}});
    cluster.done(&["create", "-f", "-"], &elsewhere.to_string());
    let mut pod = broker("kafka-0", &asking());
    pod["metadata"]["namespace"] = json!("elsewhere");
    assert_eq!(names(&cluster.try_to_make(&pod).unwrap(), "initContainers"), ["prepare-config"]);
}

/// Another policy that changes the pod after ours makes the API server ask ours again.
fn it_is_not_injected_again_when_the_policy_is_asked_twice(cluster: &Cluster) {
    let expression = r#"object.spec.initContainers.exists(c, c.name == "other") ? [] :
        [JSONPatch{op: "add", path: "/spec/initContainers/0", value: {
            "name": dyn("other"), "image": dyn("other"),
            "securityContext": dyn({"allowPrivilegeEscalation": dyn(false), "capabilities": dyn({"drop": ["ALL"]})})
        }}]"#;
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy", "metadata": {"name": "zz-other"},
        "spec": {
            "reinvocationPolicy": "IfNeeded",
            "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}]},
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}],
        },
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicyBinding", "metadata": {"name": "zz-other"},
        "spec": {"policyName": "zz-other"},
    });
    cluster.done(&["create", "-f", "-"], &policy.to_string());
    cluster.done(&["create", "-f", "-"], &binding.to_string());
    let pod = eventually(cluster, "the other policy", &broker("kafka-0", &asking()), |result| {
        result.is_err() || result.as_ref().is_ok_and(|pod| names(pod, "initContainers").contains(&"other"))
    });
    let pod = pod.unwrap();
    let doorkeepers = names(&pod, "initContainers").iter().filter(|name| **name == "doorkeeper").count();
    assert_eq!(doorkeepers, 1, "{pod}");

    // It is the condition that does it: without, the second time is one too many.
    let ours = ["mutatingadmissionpolicy", "inject.first-doorkeeper.kafka"];
    let patch = |patch: &Value| {
        cluster.done(&["patch", ours[0], ours[1], "--type=json", "-p", &patch.to_string()], "")
    };
    let policy: Value =
        serde_json::from_str(&cluster.done(&["get", ours[0], ours[1], "-o", "json"], "")).unwrap();
    patch(&json!([{"op": "remove", "path": "/spec/matchConditions"}]));
    let twice = eventually(cluster, "a second sidecar", &broker("kafka-0", &asking()), Result::is_err);
    assert!(twice.unwrap_err().contains(r#"Duplicate value: "doorkeeper""#));
    patch(
        &json!([{"op": "add", "path": "/spec/matchConditions", "value": policy["spec"]["matchConditions"]}]),
    );
    cluster.done(&["delete", "mutatingadmissionpolicy,mutatingadmissionpolicybinding", "zz-other"], "");
    eventually(cluster, "the other policy to go", &broker("kafka-0", &asking()), |result| {
        result.as_ref().is_ok_and(|pod| !names(pod, "initContainers").contains(&"other"))
    })
    .unwrap();
}

fn what_cannot_be_together_is_refused(cluster: &Cluster) {
    let mut clash = broker("kafka-0", &asking());
    clash["spec"]["containers"][0]["ports"][1]["containerPort"] = json!(9443);
    let message = cluster.try_to_make(&clash).unwrap_err();
    assert!(
        message.contains("doorkeeper: port 9443 is used by a container of the pod and by the sidecar"),
        "{message}"
    );

    let mut own = broker("kafka-0", &asking());
    own["spec"]["containers"][0]["name"] = json!("doorkeeper");
    let message = cluster.try_to_make(&own).unwrap_err();
    assert!(
        message.contains("it has a container named doorkeeper already that no release has injected"),
        "{message}"
    );
}

fn a_second_release_is_refused(cluster: &Cluster) {
    let refused = install(cluster, "install", "second", &[]);
    let message = said(&refused);
    assert!(
        !refused.status.success() && message.contains("the release first injects into the same pods already"),
        "{message}"
    );
    // Labels that do not contain each other can still be on one pod.
    let labels = ["--set-json", r#"injector.matchLabels={"app": "kafka"}"#];
    installed(cluster, "install", "second", &labels);
    let both = broker("kafka-0", &json!({"doorkeeper/inject": "kafka", "app": "kafka"}));
    let message = eventually(cluster, "a refusal", &both, Result::is_err).unwrap_err();
    // Which of the two comes first is the API server's business.
    let orders = ["first and second", "second and first"]
        .map(|both| format!("ask the releases {both} for the sidecar"));
    assert!(orders.iter().any(|order| message.contains(order)), "{message}");
    let one =
        eventually(cluster, "the second's", &broker("kafka-0", &json!({"app": "kafka"})), injected).unwrap();
    assert_eq!(one["metadata"]["annotations"]["doorkeeper/injected-by"], "second");
    assert!(cluster.helm(&["uninstall", "second", "--namespace", NAMESPACE, "--wait"]).status.success());
}

fn it_goes_into_strimzi_s_pods(cluster: &Cluster) {
    let labels =
        r#"injector.matchLabels={"strimzi.io/cluster": "my-cluster", "strimzi.io/broker-role": "true"}"#;
    let ports = "broker.ports={8443,9090,9091,9092}";
    installed(cluster, "install", "strimzi", &["--set-json", labels, "--set", ports]);
    let pod = eventually(cluster, "the sidecar in Strimzi's pod", &strimzi_broker(), injected).unwrap();
    assert_eq!(names(&pod, "initContainers"), ["doorkeeper"]);
    assert_eq!(names(&pod, "volumes").last(), Some(&"doorkeeper"));
    assert_eq!(pod["metadata"]["annotations"]["doorkeeper/injected-by"], "strimzi");
    assert!(cluster.helm(&["uninstall", "strimzi", "--namespace", NAMESPACE, "--wait"]).status.success());
}

fn an_upgrade_changes_new_pods_and_a_removal_ends_it(cluster: &Cluster) {
    let image = |pod: &Value| pod["spec"]["initContainers"][0]["image"].as_str().unwrap().to_owned();
    let before = cluster.make(&broker("kafka-0", &asking())).unwrap();
    let binding =
        "acls.bindings[0].principal=User:a,acls.bindings[0].operations={Read},acls.bindings[0].topic=t";
    installed(cluster, "upgrade", "first", &["--set", "image.tag=next", "--set", binding]);
    let after = eventually(cluster, "the new image", &broker("kafka-1", &asking()), |result| {
        result.as_ref().is_ok_and(|pod| image(pod).ends_with(":next"))
    });
    assert!(after.is_ok());
    let bindings =
        cluster.done(&["get", "configmap", "first-doorkeeper-acls", "-n", NAMESPACE, "-o", "yaml"], "");
    assert!(bindings.contains("User:a"), "{bindings}");
    let running = cluster.done(&["get", "pod", "kafka-0", "-n", NAMESPACE, "-o", "json"], "");
    assert_eq!(image(&serde_json::from_str(&running).unwrap()), image(&before), "a running pod was changed");

    assert!(cluster.helm(&["uninstall", "first", "--namespace", NAMESPACE, "--wait"]).status.success());
    let left = cluster.done(
        &[
            "get",
            "configmaps,mutatingadmissionpolicies,validatingadmissionpolicies",
            "-n",
            NAMESPACE,
            "-o",
            "name",
        ],
        "",
    );
    assert!(!left.contains("doorkeeper"), "{left}");
    eventually(cluster, "the policy to go", &broker("kafka-1", &asking()), |result| {
        result.as_ref().is_ok_and(|pod| names(pod, "initContainers") == ["prepare-config"])
    })
    .unwrap();
}
