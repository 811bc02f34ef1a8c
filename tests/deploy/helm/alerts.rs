//! The alerts and the dashboard: their expressions are right, they ask for metrics that there are, and the chart hands them
//! on unchanged.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::render::{CHART, Objects, documents, list, scenario};
use super::scenarios::scratch;
use crate::support::tools::{Tools, said, skipped};

#[test]
fn the_chart_hands_alerts_and_dashboards_on_as_they_are() {
    let Some(tools) = Tools::find("alerts in the chart") else { return };
    let objects = Objects::of(tools, &scenario("08"));
    let groups: Vec<Value> =
        files("alerts").iter().flat_map(|file| list(&read(file)["groups"]).to_vec()).collect();
    assert!(!groups.is_empty());
    assert_eq!(objects.one("PrometheusRule", "doorkeeper")["spec"]["groups"], json!(groups));
    let map = objects.one("ConfigMap", "dashboards");
    for file in files("dashboards") {
        let name = file.file_name().unwrap().to_str().unwrap();
        let text: Value = serde_json::from_str(map["data"][name].as_str().unwrap()).unwrap();
        assert!(text == read(&file), "{name}");
    }
}

#[test]
fn every_metric_that_is_asked_for_exists() {
    let source = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/observability/metrics"))
        + &std::fs::read_to_string(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("src/observability/metrics.rs"),
        )
        .unwrap();
    let mut asked = BTreeSet::new();
    for expression in alert_expressions().into_iter().chain(dashboard_expressions()) {
        let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        asked.extend(words.filter_map(|word| word.strip_prefix("doorkeeper_").map(str::to_owned)));
    }
    assert!(asked.len() > 15, "{asked:?}");
    for metric in asked {
        let family = metric.strip_suffix("_bucket").unwrap_or(&metric);
        assert!(source.contains(&format!("\"{family}\"")), "there is no metric doorkeeper_{metric}");
    }
}

#[test]
fn each_alert_says_what_to_do_and_is_tested() {
    let tests: String =
        files("alerts/tests").iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    for rule in rules() {
        let name = rule["alert"].as_str().unwrap();
        for annotation in ["summary", "description"] {
            assert!(rule["annotations"][annotation].as_str().is_some_and(|text| !text.is_empty()), "{name}");
        }
        assert!(matches!(rule["labels"]["severity"].as_str(), Some("warning" | "critical")), "{name}");
        assert!(tests.contains(&format!("\"{name}\"")), "alerts/tests does not test {name}");
    }
}

#[test]
fn promtool_accepts_alerts_and_dashboards_where_there_is_one() {
    let promtool = |arguments: &[&Path], how: &str| -> Option<Output> {
        let program = std::env::var("PROMTOOL").unwrap_or_else(|_| "promtool".to_owned());
        Command::new(program).args([how, "rules"]).args(arguments).output().ok()
    };
    // Rules for expressions that nobody has written as rules: a dashboard's.
    let folder = scratch("promtool");
    let board = folder.join("board.yaml");
    let records: Vec<Value> = dashboard_expressions()
        .iter()
        .enumerate()
        .map(|(i, expression)| json!({"record": format!("panel:{i}"), "expr": expression}))
        .collect();
    std::fs::write(&board, json!({"groups": [{"name": "board", "rules": records}]}).to_string()).unwrap();
    let alerts = files("alerts");
    let mut all: Vec<&Path> = alerts.iter().map(PathBuf::as_path).collect();
    all.push(&board);
    let Some(checked) = promtool(&all, "check") else {
        skipped("promtool", "it is not installed (Debian package `prometheus`)");
        return;
    };
    assert!(checked.status.success(), "{}", said(&checked));
    let tests = files("alerts/tests");
    let tested = promtool(&tests.iter().map(PathBuf::as_path).collect::<Vec<_>>(), "test").unwrap();
    assert!(tested.status.success(), "{}", said(&tested));
    std::fs::remove_dir_all(folder).unwrap();
}

fn rules() -> Vec<Value> {
    let groups: Vec<Value> =
        files("alerts").iter().flat_map(|file| list(&read(file)["groups"]).to_vec()).collect();
    groups.iter().flat_map(|group| list(&group["rules"]).to_vec()).collect()
}

fn alert_expressions() -> Vec<String> {
    rules().iter().map(|rule| rule["expr"].as_str().unwrap().to_owned()).collect()
}

/// The expressions of all panels, with the dashboard's variables replaced as Grafana would.
fn dashboard_expressions() -> Vec<String> {
    let boards: Vec<Value> = files("dashboards").iter().map(|file| read(file)).collect();
    let panels = boards.iter().flat_map(|board| list(&board["panels"]));
    let targets = panels.flat_map(|panel| list(&panel["targets"]));
    let expressions =
        targets.map(|target| target["expr"].as_str().unwrap().replace("$__rate_interval", "5m"));
    expressions.map(|text| text.replace("$namespace", ".*").replace("$pod", ".*")).collect()
}

/// The files in a folder of the chart.
fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(CHART).join(folder);
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.is_file()).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn read(file: &Path) -> Value {
    documents(&std::fs::read_to_string(file).unwrap()).remove(0)
}

/// The text of all files in a folder.
fn sources(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).map(|path| std::fs::read_to_string(path).unwrap()).collect()
}
