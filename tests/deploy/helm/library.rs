//! The library chart, used by a chart that is not ours: the one of its README.

use std::path::Path;

use serde_json::{Value, json};

use super::render::{CHART, documents, list, name};
use super::scenarios::scratch;
use crate::support::tools::{Tools, said};

const README: &str = include_str!("../../../helm/doorkeeper-lib/README.md");

/// The block of the README that begins with this comment.
fn block(start: &str) -> &'static str {
    let blocks = README.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.into_iter().find(|block| block.starts_with(start)).unwrap_or_else(|| panic!("no block {start}"))
}

#[test]
fn the_readme_s_chart_puts_the_sidecar_into_its_own_stateful_set() {
    let Some(tools) = Tools::find("the library") else { return };
    let folder = scratch("library");
    let chart = folder.join("kafka");
    std::fs::create_dir_all(chart.join("templates")).unwrap();
    let head = "apiVersion: v2\nname: kafka\nversion: 0.1.0\n";
    std::fs::write(chart.join("Chart.yaml"), format!("{head}{}", block("# Chart.yaml"))).unwrap();
    std::fs::write(chart.join("templates/kafka.yaml"), block("# templates/kafka.yaml")).unwrap();
    let values = json!({"doorkeeper": {
        "image": {"repository": "registry.example.com/doorkeeper"},
        "config": {
            "listeners": [{"name": "clients", "bind": "0.0.0.0:9443", "upstream": "127.0.0.1:9092"}],
            "admin": {"bind": "0.0.0.0:9901"},
        },
        "tls": {"existingSecret": "kafka-tls"},
        // What is given wins over the defaults, also where it is false.
        "securityContext": {"readOnlyRootFilesystem": false},
    }});
    std::fs::write(chart.join("values.yaml"), values.to_string()).unwrap();
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("helm/doorkeeper-lib");
    std::os::unix::fs::symlink(library, folder.join("doorkeeper-lib")).unwrap();
    let fetched = tools.helm(&["dependency", "build", chart.to_str().unwrap()]);
    assert!(fetched.status.success(), "{}", said(&fetched));

    let output = tools.helm(&["template", "kafka", chart.to_str().unwrap()]);
    assert!(output.status.success(), "{}", said(&output));
    let objects = documents(std::str::from_utf8(&output.stdout).unwrap());
    let map = objects.iter().find(|object| object["kind"] == "ConfigMap").unwrap();
    let config = &documents(map["data"]["doorkeeper.yaml"].as_str().unwrap())[0];
    assert_eq!(config["listeners"][0]["tls"]["client_ca"], "tls/ca.crt");
    let pod =
        &objects.iter().find(|object| object["kind"] == "StatefulSet").unwrap()["spec"]["template"]["spec"];
    let sidecar = &pod["initContainers"][0];
    assert_eq!(sidecar["image"], "registry.example.com/doorkeeper:0.1.0");
    assert_eq!(sidecar["restartPolicy"], "Always");
    assert_eq!(sidecar["securityContext"]["readOnlyRootFilesystem"], false);
    assert_eq!(sidecar["securityContext"]["runAsNonRoot"], true);
    let sources = list(&pod["volumes"][0]["projected"]["sources"]);
    assert_eq!(sources[0]["configMap"]["name"], name(map));
    assert_eq!(sources.last().unwrap()["secret"]["name"], "kafka-tls");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn both_charts_have_the_same_defaults() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("helm");
    let text = std::fs::read_to_string(folder.join("doorkeeper-lib/templates/_container.tpl")).unwrap();
    let (_, rest) = text.split_once("define \"doorkeeper-lib.defaults\" -}}\n").unwrap();
    let defaults = documents(rest.split_once("{{- end }}").unwrap().0).remove(0);
    let text = std::fs::read_to_string(folder.join("doorkeeper/values.yaml")).unwrap();
    let values: Value = documents(&text).remove(0);
    super::generated::leaves(&defaults, "", &mut |path| {
        let value = |root: &Value| path.split('.').fold(root.clone(), |value, key| value[key].clone());
        // The configuration's default is the application's own.
        assert!(
            path == "config" || value(&defaults) == value(&values),
            "{path} differs in {CHART}/values.yaml"
        );
    });
}
