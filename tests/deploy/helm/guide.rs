//! The README's way from a broker's chart to secured brokers, word by word as far as it goes without nodes.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::cluster::Cluster;
use super::render::{documents, list};
use super::scenarios::scratch;
use crate::support::tools::{Tools, said};

const README: &str = include_str!("../../../helm/doorkeeper/README.md");

/// The blocks of the guide, without the indentation that they have as parts of a list.
fn blocks() -> Vec<String> {
    let (_, rest) = README.split_once("\n## Ten minutes").unwrap();
    let (guide, _) = rest.split_once("\n## ").unwrap();
    let mut blocks = Vec::new();
    let mut block: Option<String> = None;
    for line in guide.lines() {
        let line = line.strip_prefix("   ").unwrap_or(line);
        block = match (block, line.starts_with("```")) {
            (None, true) => Some(String::new()),
            (None, false) => None,
            (Some(text), false) => Some(text + line + "\n"),
            (Some(text), true) => {
                blocks.push(text);
                None
            }
        };
    }
    blocks
}

/// The block that is a file: its first line is a comment with its name.
fn file(name: &str) -> String {
    let start = format!("# {name}\n");
    blocks().into_iter().find(|block| block.starts_with(&start)).unwrap_or_else(|| panic!("no file {name}"))
}

/// The lines of commands that have all these words.
fn command(words: &[&str]) -> String {
    let fits = |block: &String| !block.starts_with('#') && words.iter().all(|word| block.contains(word));
    blocks().into_iter().find(fits).unwrap_or_else(|| panic!("no commands with {words:?}"))
}

#[test]
fn the_guide_s_values_make_a_sidecar_for_the_brokers_chart() {
    let Some(tools) = Tools::find("the guide") else { return };
    let folder = scratch("guide");
    let values = folder.join("doorkeeper-values.yaml");
    std::fs::write(&values, file("doorkeeper-values.yaml")).unwrap();
    let values = values.to_str().unwrap();
    let install =
        ["install", "kafka-doorkeeper", super::render::CHART, "--namespace", "kafka", "--values", values];
    let output = tools.helm(&[&install[..], &["--dry-run=client"]].concat());
    assert!(output.status.success(), "{}", said(&output));
    let closed =
        tools.helm(&[&install[..], &["--dry-run=client", "--set", "networkPolicy.enabled=true"]].concat());
    assert!(said(&closed).contains("kind: NetworkPolicy"), "{}", said(&closed));

    // The pipeline that cuts the snippet out of the notes, with notes that did not come from a cluster.
    std::fs::write(folder.join("notes"), &output.stdout).unwrap();
    let cut = command(&["helm get notes", "sidecar-values.yaml"]);
    let (cut, upgrade) = cut.split_once("helm upgrade kafka ").unwrap();
    assert!(upgrade.contains("--values sidecar-values.yaml"), "{upgrade}");
    sh(&folder, &cut.replace("helm get notes kafka-doorkeeper --namespace kafka", "cat notes"), None);
    are_for_bitnami(&documents(&std::fs::read_to_string(folder.join("sidecar-values.yaml")).unwrap())[0]);

    let kafka = &documents(&file("closed-values.yaml"))[0];
    assert!(
        kafka["listeners"]["overrideListeners"].as_str().unwrap().starts_with("CLIENT://127.0.0.1:9092,")
    );
    std::fs::remove_dir_all(folder).unwrap();
}

/// The keys of Bitnami's chart that are lists of init containers and of volumes.
fn are_for_bitnami(values: &Value) {
    let controller = &values["controller"];
    assert_eq!(controller.as_object().unwrap().len(), 3, "{controller}");
    assert_eq!(controller["terminationGracePeriodSeconds"], 120);
    assert_eq!(controller["initContainers"][0]["name"], "doorkeeper");
    assert_eq!(controller["extraVolumes"][0]["name"], "doorkeeper");
    assert_eq!(list(&controller["extraVolumes"][0]["projected"]["sources"]).len(), 4);
}

#[test]
fn the_guide_s_commands_work_in_a_real_kube_apiserver() {
    let Some(cluster) = Cluster::start("the guide's commands") else { return };
    let Some(definitions) = cluster.custom_resources() else { return };
    cluster.done(&["create", "-f", definitions.to_str().unwrap()], "");
    cluster.established(&["certificates.cert-manager.io", "issuers.cert-manager.io"]);
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kafka"}});
    cluster.done(&["create", "-f", "-"], &namespace.to_string());

    let folder = scratch("guide");
    std::os::unix::fs::symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join("helm"), folder.join("helm"))
        .unwrap();
    for name in ["certificates.yaml", "doorkeeper-values.yaml", "alice.yaml", "closed-values.yaml"] {
        std::fs::write(folder.join(name), file(name)).unwrap();
    }
    sh(&folder, &command(&["--filename certificates.yaml"]), Some(&cluster));
    let install = command(&["helm install kafka-doorkeeper"]);
    let (install, test) = install.split_once("helm test").unwrap();
    assert!(test.contains("kafka-doorkeeper --namespace kafka"), "{test}");
    sh(&folder, install, Some(&cluster));
    let cut = command(&["helm get notes", "sidecar-values.yaml"]);
    sh(&folder, cut.split_once("helm upgrade kafka ").unwrap().0, Some(&cluster));
    are_for_bitnami(&documents(&std::fs::read_to_string(folder.join("sidecar-values.yaml")).unwrap())[0]);
    let client = command(&["alice.yaml"]);
    sh(&folder, client.lines().next().unwrap(), Some(&cluster));
    let close = command(&["networkPolicy.enabled=true"]);
    sh(&folder, close.split_once("helm upgrade kafka ").unwrap().0, Some(&cluster));
    let policy = cluster.done(&["get", "networkpolicy", "-n", "kafka", "-o", "name"], "");
    assert!(policy.contains("kafka-doorkeeper"), "{policy}");
    std::fs::remove_dir_all(folder).unwrap();
}

/// Runs commands as the guide's reader does, in this folder.
fn sh(folder: &Path, commands: &str, cluster: Option<&Cluster>) {
    let mut shell = Command::new("sh");
    shell.args(["-euc", commands]).current_dir(folder);
    if let Some(cluster) = cluster {
        cluster.environment(&mut shell);
    }
    let output = shell.output().unwrap();
    assert!(output.status.success(), "{commands}: {}", said(&output));
}
