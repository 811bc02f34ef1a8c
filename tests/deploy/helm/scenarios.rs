//! Every scenario, through helm, Kubernetes' schemas and doorkeeper.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::render::{CHART, Objects, documents, scenario, scenarios, template};
use crate::support::tools::{Tools, said};

/// Kinds that Kubernetes does not know by itself.
const CUSTOM: &[&str] = &["Certificate", "PodMonitor", "ServiceMonitor", "PrometheusRule"];

#[test]
fn helm_finds_nothing_wrong_with_any_scenario() {
    let Some(tools) = Tools::find("helm lint") else { return };
    let mut arguments = vec!["lint", "--strict", "helm/doorkeeper-lib"];
    let library = tools.helm(&arguments);
    assert!(library.status.success(), "{}", said(&library));
    for values in scenarios() {
        arguments = vec!["lint", "--strict", CHART, "--values", values.to_str().unwrap()];
        let output = tools.helm(&arguments);
        assert!(output.status.success(), "{}: {}", values.display(), said(&output));
    }
}

#[test]
fn kubernetes_schemas_accept_every_object() {
    let Some(tools) = Tools::find("kubernetes-validate") else { return };
    let folder = scratch("manifests");
    let mut files = Vec::new();
    let mut kinds = Vec::new();
    for values in scenarios() {
        let objects = Objects::of(tools, &values);
        for object in objects.0.iter().filter(|object| !CUSTOM.contains(&object["kind"].as_str().unwrap())) {
            kinds.push(object["kind"].as_str().unwrap().to_owned());
            let file = folder.join(format!("{}.yaml", files.len()));
            std::fs::write(&file, object.to_string()).unwrap();
            files.push(file);
        }
    }
    for kind in ["Deployment", "MutatingAdmissionPolicy", "NetworkPolicy", "PodDisruptionBudget", "Service"] {
        assert!(kinds.iter().any(|known| known == kind), "no scenario has a {kind}");
    }
    let output = validate(tools, &files);
    assert!(output.status.success(), "{}", said(&output));
    // The tool does look: a misspelt field is found.
    let wrong = folder.join("wrong.yaml");
    std::fs::write(&wrong, "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {prots: []}}")
        .unwrap();
    assert!(!validate(tools, &[wrong]).status.success());
    std::fs::remove_dir_all(folder).unwrap();
}

fn validate(tools: &Tools, files: &[PathBuf]) -> std::process::Output {
    Command::new("python3")
        .args(["-m", "kubernetes_validate", "--strict", "--quiet"])
        .args(files)
        .env("PYTHONPATH", tools.path("python"))
        .output()
        .unwrap()
}

#[test]
fn doorkeeper_accepts_what_every_scenario_configures() {
    let Some(tools) = Tools::find("doorkeeper check") else { return };
    for values in scenarios() {
        let objects = Objects::of(tools, &values);
        let folder = scratch("check");
        certificates(&folder);
        std::fs::write(folder.join("doorkeeper.yaml"), objects.config_map_text("doorkeeper.yaml")).unwrap();
        let bindings = objects
            .of_kind("ConfigMap")
            .find_map(|map| ["acls.yaml", "bindings.yaml"].iter().find_map(|key| map["data"][key].as_str()));
        std::fs::write(folder.join("acls.yaml"), bindings.unwrap_or("[]")).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_doorkeeper"))
            .args(["check", "--config"])
            .arg(folder.join("doorkeeper.yaml"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}: {}", values.display(), said(&output));
        assert!(!said(&output).contains("is nobody"), "{}: {}", values.display(), said(&output));
        std::fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn numbers_of_the_values_reach_doorkeeper_whole() {
    let Some(tools) = Tools::find("numbers") else { return };
    let objects = Objects::of(tools, &scenario("09"));
    let config = &documents(objects.config_map_text("doorkeeper.yaml"))[0];
    assert_eq!(config["limits"]["buffered_bytes"], 1_073_741_824);
    assert_eq!(config["authorization"]["allow_everyone_if_no_acl_found"], true);
    assert_eq!(config["listeners"][1]["tls"]["client_ca"], serde_json::Value::Null);
    let with = ["--set", "config.audit.allowed=false,config.log.level=warn"];
    let objects = Objects::with(tools, &scenario("09"), &with);
    let config = &documents(objects.config_map_text("doorkeeper.yaml"))[0];
    assert_eq!((&config["audit"]["allowed"], &config["log"]["level"]), (&false.into(), &"warn".into()));
}

#[test]
fn the_chart_installs_from_a_package_too() {
    let Some(tools) = Tools::find("helm package") else { return };
    let folder = scratch("package");
    let to = folder.to_str().unwrap();
    let packed = tools.helm(&["package", CHART, "--destination", to]);
    assert!(packed.status.success(), "{}", said(&packed));
    let package = folder.join(format!("doorkeeper-{}.tgz", env!("CARGO_PKG_VERSION")));
    let values = scenario("08");
    let render = |chart: &str| {
        let output = tools.helm(&["template", "kafka", chart, "--values", values.to_str().unwrap()]);
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    // Alerts and dashboards are in it, the scenarios are not needed.
    assert!(render(package.to_str().unwrap()) == render(CHART));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn older_clusters_get_what_they_know() {
    let Some(tools) = Tools::find("kube versions") else { return };
    let gateway = Objects::with(tools, &scenario("05"), &["--kube-version", "1.29.0"]);
    let container = &gateway.one("Deployment", "doorkeeper")["spec"]["template"]["spec"]["containers"][0];
    assert!(container["lifecycle"].is_null(), "1.29 refuses a preStop hook that sleeps: {container}");
    let values = scenario("03");
    let policy = Objects::with(
        tools,
        &values,
        &[
            "--kube-version",
            "1.34.0",
            "--api-versions",
            "admissionregistration.k8s.io/v1beta1/MutatingAdmissionPolicy",
        ],
    );
    assert_eq!(
        policy.one("MutatingAdmissionPolicy", "streaming")["apiVersion"],
        "admissionregistration.k8s.io/v1beta1"
    );
    let refused = template(tools, values.to_str().unwrap(), &["--kube-version", "1.28.0"]);
    assert!(!refused.status.success() && said(&refused).contains("1.29"), "{}", said(&refused));
}

/// A folder of this run.
pub(crate) fn scratch(name: &str) -> PathBuf {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("helm-{}-{count}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The files of the volume's folder `tls`.
fn certificates(folder: &Path) {
    std::fs::create_dir_all(folder.join("tls")).unwrap();
    let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority =
        rcgen::CertifiedIssuer::self_signed(parameters, rcgen::KeyPair::generate().unwrap()).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let server = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let server = server.signed_by(&key, &authority).unwrap();
    std::fs::write(folder.join("tls/tls.crt"), server.pem()).unwrap();
    std::fs::write(folder.join("tls/tls.key"), key.serialize_pem()).unwrap();
    std::fs::write(folder.join("tls/ca.crt"), authority.pem()).unwrap();
}
