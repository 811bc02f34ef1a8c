//! Where the tools are.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The tools that the tests run; what is missing is fetched once.
pub(crate) struct Tools {
    folder: PathBuf,
}

impl Tools {
    /// None, said aloud, where they cannot be had. Under CI that is a failure.
    pub(crate) fn find(test: &str) -> Option<&'static Tools> {
        static FOUND: OnceLock<Result<Tools, String>> = OnceLock::new();
        match FOUND.get_or_init(fetch) {
            Ok(tools) => Some(tools),
            Err(why) => {
                assert!(
                    std::env::var("CI").as_deref() != Ok("true"),
                    "{test} cannot run, and under CI it must: {why}"
                );
                skipped(test, why);
                None
            }
        }
    }

    /// The path of one of them.
    pub(crate) fn path(&self, tool: &str) -> PathBuf {
        self.folder.join(tool)
    }

    /// Runs helm; its caches are this run's own.
    pub(crate) fn helm(&self, arguments: &[&str]) -> Output {
        let own = Path::new(env!("CARGO_TARGET_TMPDIR")).join("helm");
        Command::new(self.path("helm"))
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("HELM_CACHE_HOME", own.join("cache"))
            .env("HELM_CONFIG_HOME", own.join("config"))
            .env("HELM_DATA_HOME", own.join("data"))
            .output()
            .unwrap()
    }
}

/// Says in a line that the test harness does not capture, and that `make test` counts, that a test did not run.
pub(crate) fn skipped(test: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "\nSKIPPED {test}: {why}");
}

/// The text of a program's output, for messages.
pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn fetch() -> Result<Tools, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let script = root.join("tests/tools/kubernetes-tools.sh");
    let output = Command::new(&script).output().map_err(|error| format!("{}: {error}", script.display()))?;
    if output.status.success() {
        Ok(Tools { folder: root.join("target/tools") })
    } else {
        Err(format!("tests/tools/kubernetes-tools.sh failed: {}", said(&output).trim()))
    }
}
