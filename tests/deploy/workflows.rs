//! The workflows of `.github`, as far as a machine can tell without running them.

use crate::support::kafka::scratch;
use serde_yaml::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Each workflow with its text, and as it is read.
fn workflows() -> Vec<(PathBuf, String, Value)> {
    let folder = std::fs::read_dir(root().join(".github/workflows")).unwrap();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let workflow =
            serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path, text, workflow)
    };
    let found: Vec<_> = folder.map(|entry| read(entry.unwrap().path())).collect();
    assert!(found.len() >= 2, "{found:?}");
    found
}

/// All steps of a workflow, with the job that they belong to.
fn steps(workflow: &Value) -> Vec<(&str, &Value)> {
    let jobs = workflow["jobs"].as_mapping().unwrap();
    jobs.iter()
        .flat_map(|(name, job)| {
            let steps = job["steps"].as_sequence().map_or(&[][..], Vec::as_slice);
            steps.iter().map(move |step| (name.as_str().unwrap(), step))
        })
        .collect()
}

#[test]
fn every_action_is_a_commit_whose_version_is_beside_it() {
    let mut seen = 0;
    for (path, text, _) in workflows() {
        for line in
            text.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("uses: "))
        {
            // What is in this repository is of the same commit.
            if line.starts_with("./") {
                assert!(root().join(line).exists(), "{}: {line}", path.display());
                continue;
            }
            let (action, version) =
                line.split_once(" # ").unwrap_or_else(|| panic!("{}: {line}", path.display()));
            let (_, commit) = action.split_once('@').unwrap();
            let whole = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(whole && version.starts_with('v'), "{}: {line}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 5, "{seen}");
}

#[test]
fn nobody_has_more_rights_than_the_job_needs() {
    for (path, _, workflow) in workflows() {
        let path = path.display();
        let rights: Vec<_> = workflow["permissions"].as_mapping().unwrap().iter().collect();
        assert_eq!(rights, [(&Value::from("contents"), &Value::from("read"))], "{path}");
        for (name, job) in workflow["jobs"].as_mapping().unwrap() {
            let may_write = job["permissions"]
                .as_mapping()
                .is_some_and(|rights| rights.values().any(|right| right.as_str() == Some("write")));
            // Code of the repository and of its dependencies never runs beside the right to publish.
            let steps = job["steps"].as_sequence().map_or(&[][..], Vec::as_slice);
            let uses = |action: &str| {
                steps.iter().any(|step| step["uses"].as_str().is_some_and(|uses| uses.starts_with(action)))
            };
            assert!(
                !(may_write && uses("actions/checkout@")),
                "{path}: {name:?} may write and has the sources"
            );
        }
    }
}

#[test]
fn what_strangers_write_is_no_part_of_a_script() {
    for (path, text, workflow) in workflows() {
        assert!(!text.contains("pull_request_target"), "{}", path.display());
        for (job, step) in steps(&workflow) {
            let script = step["run"].as_str().unwrap_or_default();
            assert!(!script.contains("${{"), "{}: {job}: pass it by `env`: {script}", path.display());
        }
    }
}

#[test]
fn what_the_workflows_run_is_there() {
    let mut programs = Vec::new();
    for (_, _, workflow) in workflows() {
        for (_, step) in steps(&workflow) {
            let script = step["run"].as_str().unwrap_or_default();
            let words = script.split_whitespace().map(str::to_owned);
            programs.extend(words.filter(|word| word.starts_with("deploy/") || word.starts_with(".ci/")));
        }
    }
    for needed in [".ci/run", "deploy/dist.sh", "deploy/published-at.sh"] {
        assert!(programs.iter().any(|program| program == needed), "{programs:?}");
    }
    for program in programs {
        assert!(root().join(&program).is_file(), "{program}");
    }
}

#[test]
fn where_it_is_published_is_written_into_all_that_names_it() {
    let copy = scratch("sources");
    let files = [
        "Cargo.toml",
        "helm/doorkeeper/Chart.yaml",
        "helm/doorkeeper/values.yaml",
        "helm/doorkeeper-lib/Chart.yaml",
    ];
    for file in files {
        std::fs::create_dir_all(copy.join(file).parent().unwrap()).unwrap();
        std::fs::copy(root().join(file), copy.join(file)).unwrap();
    }
    let published = |arguments: &[&str]| {
        let mut script = Command::new(root().join("deploy/published-at.sh"));
        script.args(arguments).env("DOORKEEPER_SOURCES", &copy).output().unwrap()
    };
    assert_eq!(published(&[]).status.code(), Some(2));
    assert_eq!(published(&["https://git.example.com/a|b", "registry.example.com"]).status.code(), Some(2));
    // The second time replaces what the first one wrote.
    for url in ["https://git.example.com/first/doorkeeper", "https://git.example.com/a/doorkeeper"] {
        let ran = published(&[url, "registry.example.com/a"]);
        assert!(ran.status.success(), "{ran:?}");
    }
    let text = |file: &str| std::fs::read_to_string(copy.join(file)).unwrap();
    let manifest = text("Cargo.toml");
    assert_eq!(
        manifest.matches("\nrepository = \"https://git.example.com/a/doorkeeper\"\n").count(),
        1,
        "{manifest}"
    );
    assert_eq!(
        manifest.matches("\nhomepage = \"https://git.example.com/a/doorkeeper\"\n").count(),
        1,
        "{manifest}"
    );
    for chart in ["doorkeeper", "doorkeeper-lib"] {
        let chart: Value = serde_yaml::from_str(&text(&format!("helm/{chart}/Chart.yaml"))).unwrap();
        assert_eq!(chart["home"], "https://git.example.com/a/doorkeeper");
        assert_eq!(chart["sources"][0], "https://git.example.com/a/doorkeeper");
        let icon = chart["icon"].as_str().unwrap();
        let (_, path) = icon.split_once(concat!("/raw/v", env!("CARGO_PKG_VERSION"), "/")).expect(icon);
        assert!(root().join(path).exists(), "{icon}");
    }
    let values: Value = serde_yaml::from_str(&text("helm/doorkeeper/values.yaml")).unwrap();
    assert_eq!(values["image"]["repository"], "registry.example.com/a/doorkeeper");
}
