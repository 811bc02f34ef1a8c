//! Kafka's own classes, where Java and the jars can be had.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

pub(crate) use crate::support::layouts::NEWEST;

/// The last release that still had the versions which Kafka 4 dropped.
pub(crate) const OLDEST: &str = "3.9.2";

/// The folder with a release's jars: in `DOORKEEPER_KAFKA_JARS`, which has a folder for each release; or among
/// those of the tests with whole brokers; or fetched with Maven for this. None, after saying so loudly, if they
/// cannot be had; under `CI` that is a failure.
pub(crate) fn kafka_jars(version: &str) -> Option<PathBuf> {
    static FETCHING: Mutex<()> = Mutex::new(());
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let homes = [
        std::env::var_os("DOORKEEPER_KAFKA_JARS").map(PathBuf::from),
        Some(target.join("kafka")),
        Some(target.join("kafka-clients")),
    ];
    let _one_at_a_time = FETCHING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let clients = format!("kafka-clients-{version}.jar");
    let found =
        homes.into_iter().flatten().map(|home| home.join(version)).find(|jars| jars.join(&clients).exists());
    let jars = found.map_or_else(|| fetch(version, &target.join("kafka-clients")), Ok);
    match jars.and_then(|jars| java().map(|()| jars)) {
        Ok(jars) => Some(jars),
        Err(why) => {
            let test = std::thread::current().name().unwrap_or("a test").to_owned();
            assert!(std::env::var_os("CI").is_none(), "{test} cannot run, and under CI it must: {why}");
            // Not through println: the harness would keep it for itself.
            let _ = writeln!(std::io::stderr(), "\nSKIPPED: {test}: {why}");
            None
        }
    }
}

/// Runs a program of `tests/tools`, and returns what it says.
pub(crate) fn run(jars: &Path, program: &str, arguments: &[&Path]) -> String {
    let mut java = Command::new("java");
    java.args(["-XX:+UseSerialGC", "-Xmx512m", "-cp"]).arg(jars.join("*"));
    java.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools").join(program)).args(arguments);
    let output = java.output().expect("java starts");
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn java() -> Result<(), String> {
    let version = Command::new("java").arg("-version").output();
    version.map(drop).map_err(|error| format!("Java cannot run: {error}"))
}

fn fetch(version: &str, home: &Path) -> Result<PathBuf, String> {
    let jars = home.join(version);
    let partial = home.join(format!("{version}.{}", std::process::id()));
    std::fs::create_dir_all(&partial).map_err(|error| error.to_string())?;
    let mut maven = Command::new("mvn");
    maven.args(["-B", "-q", "-f"]).arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/pom.xml"));
    maven.arg(format!("-Dkafka={version}"));
    maven.arg("org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies");
    maven.arg("-DincludeScope=runtime").arg(format!("-DoutputDirectory={}", partial.display()));
    let result = match maven.output() {
        Err(error) => {
            Err(format!("kafka-clients {version} is not in target/kafka and Maven cannot run: {error}"))
        }
        Ok(output) if !output.status.success() => {
            let said = String::from_utf8_lossy(&output.stdout);
            Err(format!(
                "kafka-clients {version} cannot be fetched: {}",
                said.lines().next().unwrap_or_default()
            ))
        }
        // Only a whole folder gets the name by which it is found.
        Ok(_) => std::fs::rename(&partial, &jars).map_err(|error| error.to_string()),
    };
    let _ = std::fs::remove_dir_all(&partial);
    result.map(|()| jars)
}
