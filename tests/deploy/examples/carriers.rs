//! The sidecar in other people's pods: kustomize, Strimzi, Confluent for Kubernetes.

use super::{assert_sound, deploy, documents, of_kind, read, scratch};
use crate::support::tools::{Tools, said};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// What an object has at `/etc/doorkeeper`, by path.
fn mounted(volume: &Value) -> Vec<&str> {
    let sources = volume["projected"]["sources"].as_array().unwrap().iter();
    let items = sources.flat_map(|source| source.as_object().unwrap().values());
    items
        .flat_map(|source| source["items"].as_array().unwrap())
        .map(|item| item["path"].as_str().unwrap())
        .collect()
}

/// What the chart's notes print to be pasted: the container and the volume.
fn pasted(tools: &Tools, values: &Path, namespace: &str) -> Value {
    let values = values.to_str().unwrap();
    let arguments =
        ["install", "kafka-doorkeeper", "helm/doorkeeper", "--dry-run=client", "-n", namespace, "-f", values];
    let output = tools.helm(&arguments);
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    let (_, rest) = text.split_once("--- 8< ---").expect("the notes have something to paste");
    documents(rest.split("--- >8 ---").next().unwrap()).remove(0)
}

/// The objects that the chart renders.
fn rendered(tools: &Tools, values: &Path, namespace: &str) -> Vec<Value> {
    let values = values.to_str().unwrap();
    let arguments = [
        "template",
        "kafka-doorkeeper",
        "helm/doorkeeper",
        "-n",
        namespace,
        "-f",
        values,
        "--kube-version",
        "1.36",
    ];
    let output = tools.helm(&arguments);
    assert!(output.status.success(), "{}", said(&output));
    documents(std::str::from_utf8(&output.stdout).unwrap())
}

fn text<'a>(objects: &'a [Value], key: &str) -> &'a str {
    let maps = objects.iter().filter(|object| object["kind"] == "ConfigMap");
    maps.filter_map(|map| map["data"][key].as_str())
        .next()
        .unwrap_or_else(|| panic!("no ConfigMap with {key}"))
}

fn kustomized(tools: &Tools, folder: &str) -> Vec<Value> {
    let output = Command::new(tools.path("kubectl")).arg("kustomize").arg(deploy(folder)).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    documents(std::str::from_utf8(&output.stdout).unwrap())
}

fn validate(tools: &Tools, objects: &[Value]) {
    let folder = scratch("manifests");
    let files: Vec<_> = objects
        .iter()
        .enumerate()
        .map(|(index, object)| {
            let file = folder.join(format!("{index}.yaml"));
            std::fs::write(&file, object.to_string()).unwrap();
            file
        })
        .collect();
    let output = Command::new("python3")
        .args(["-m", "kubernetes_validate", "--strict", "--quiet"])
        .args(files)
        .env("PYTHONPATH", tools.path("python"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn kustomize_puts_the_sidecar_first_into_a_stateful_set() {
    let Some(tools) = Tools::find("kubectl kustomize") else { return };
    let objects = kustomized(tools, "kustomize/example");
    validate(tools, &objects);
    let pod = &of_kind(&objects, "StatefulSet")["spec"]["template"]["spec"];
    let sidecar = &pod["initContainers"][0];
    // The chart's container, word for word: nobody keeps two in step by hand.
    let theirs = pasted(tools, &deploy("confluent/values.yaml"), "kafka");
    assert_eq!(*sidecar, theirs["initContainers"][0]);
    let volumes = pod["volumes"].as_array().unwrap();
    let volume = volumes.iter().find(|volume| volume["name"] == "doorkeeper").expect("the sidecar's volume");
    assert_eq!(mounted(volume), mounted(&theirs["extraVolumes"][0]));
    let names: Vec<_> = volume["projected"]["sources"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|source| source["configMap"]["name"].as_str())
        .collect();
    for name in names {
        let there = |object: &Value| object["kind"] == "ConfigMap" && object["metadata"]["name"] == name;
        assert!(objects.iter().any(there), "no ConfigMap {name}");
    }
    assert_sound(text(&objects, "doorkeeper.yaml"), text(&objects, "acls.yaml"));

    // What clients may reach is what doorkeeper listens on; the broker's listener for doorkeeper is on loopback.
    let config = &documents(text(&objects, "doorkeeper.yaml"))[0];
    assert_eq!(config["listeners"][0]["bind"], "0.0.0.0:9443");
    let ingress = &of_kind(&objects, "NetworkPolicy")["spec"]["ingress"];
    assert_eq!(ingress[0], json!({"ports": [{"port": 9443}]}));
    let environment = pod["containers"][0]["env"].as_array().unwrap();
    let listeners = environment.iter().find(|one| one["name"] == "KAFKA_LISTENERS").unwrap();
    assert!(listeners["value"].as_str().unwrap().starts_with("CLIENTS://127.0.0.1:9092,"));
    assert_eq!(config["listeners"][0]["upstream"], "127.0.0.1:9092");
}

#[test]
fn confluent_s_operator_gets_the_sidecar_as_an_overlay() {
    let Some(tools) = Tools::find("the overlay for Confluent's operator") else { return };
    let theirs = pasted(tools, &deploy("confluent/values.yaml"), "confluent");
    let overlay = read("confluent/pod-template.yaml").remove(0);
    let pod = &overlay["spec"]["template"]["spec"];
    assert_eq!(
        (&pod["initContainers"], &pod["volumes"]),
        (&theirs["initContainers"], &theirs["extraVolumes"])
    );
    assert_eq!(overlay.as_object().unwrap().keys().collect::<Vec<_>>(), ["spec"], "nothing else is allowed");

    let objects = kustomized(tools, "confluent");
    let kafka = of_kind(&objects, "Kafka");
    let map = of_kind(&objects, "ConfigMap");
    let named = &kafka["metadata"]["annotations"]["platform.confluent.io/pod-overlay-configmap-name"];
    assert_eq!(*named, map["metadata"]["name"]);
    assert_eq!(documents(map["data"]["pod-template.yaml"].as_str().unwrap())[0], overlay);
    validate(tools, std::slice::from_ref(map));

    let chart = rendered(tools, &deploy("confluent/values.yaml"), "confluent");
    assert_sound(text(&chart, "doorkeeper.yaml"), text(&chart, "acls.yaml"));
    let port = &kafka["spec"]["listeners"]["custom"][0]["port"];
    let config = &documents(text(&chart, "doorkeeper.yaml"))[0];
    assert_eq!(config["listeners"][0]["upstream"], format!("127.0.0.1:{port}"));
}

#[test]
fn strimzi_s_brokers_are_injected_by_their_own_labels() {
    let Some(tools) = Tools::find("the chart for Strimzi") else { return };
    let objects = read("strimzi/kafka.yaml");
    let kafka = of_kind(&objects, "Kafka");
    let listener = &kafka["spec"]["kafka"]["listeners"][0];
    assert_eq!((&listener["type"], &listener["tls"]), (&json!("internal"), &json!(false)));

    let chart = rendered(tools, &deploy("strimzi/values.yaml"), "kafka");
    assert_sound(text(&chart, "doorkeeper.yaml"), text(&chart, "acls.yaml"));
    let config = &documents(text(&chart, "doorkeeper.yaml"))[0];
    assert_eq!(config["listeners"][0]["upstream"], format!("127.0.0.1:{}", listener["port"]));
    // The labels are those of Strimzi's pods for this cluster, and only brokers reach the plaintext listener.
    let name = kafka["metadata"]["name"].as_str().unwrap();
    let labels = json!({"strimzi.io/cluster": name, "strimzi.io/broker-role": "true"});
    assert_eq!(listener["networkPolicyPeers"], json!([{"podSelector": {"matchLabels": labels}}]));
    assert_eq!(of_kind(&chart, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"], labels);
    let values = &read("strimzi/values.yaml")[0];
    assert_eq!(values["injector"]["matchLabels"], labels);
    assert_eq!(values["tls"]["clientCa"]["existingSecret"], format!("{name}-clients-ca-cert"));
    of_kind(&chart, "MutatingAdmissionPolicy");
}
