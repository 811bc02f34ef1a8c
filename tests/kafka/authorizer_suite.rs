//! Kafka's own tests of its authorizer, run through doorkeeper: the brokers that they start have no authorizer, and the principals
//! that these would give to connections come from certificates instead. The tests are Kafka's published classes, unchanged; what
//! stands beside this file takes the authorizer out of the brokers' properties, puts doorkeeper in front of them, and changes
//! ACLs as an admin client would.

use crate::support;
use crate::support::kafka::{jars_of, scratch};
use crate::support::pki::Pki;
use crate::support::process::Process;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The newest version whose test classes were published. 4.1.2 is the other one that is known to work.
const DEFAULT_VERSION: &str = "4.3.1";
/// The whole takes a quarter of an hour on two cores; five times that on a machine that is busy with something else.
const LIMIT: Duration = Duration::from_secs(75 * 60);
/// All methods.
const WHOLE: &str = ".*";
/// What runs by itself, a minute of it: each API with all, some and no rights, and one or two of each kind of the rest.
const BOUNDED: [&str; 12] = [
    "testAuthorizationWithTopic(Not)?Existing",
    "testFetch(Consumer|Follower)Request",
    "testTopicIdAuthorization",
    "testHostAddressBasedAcls",
    "testOffsetFetchMultipleGroupsAuthorization",
    "testPatternSubscription(Not)?MatchingInternalTopic",
    "testShareGroupHeartbeatWithoutTopicDescribeAcl",
    "testListTransactionsAuthorization",
    "shouldSuccessfullyAbortTransactionAfterTopicAuthorizationException",
    "testDescribeGroupCliWithGroupDescribe",
    "testNoGroupAcl",
    "testStreamsGroupHeartbeatWith(out)?InternalTopicCreateAcl",
];

/// What does not pass, and why not: `docs/compatibility.md` is to tell of it.
const DEVIATIONS: [(&str, &str); 0] = [];

/// By itself a part of each; everything with DOORKEEPER_AUTHORIZER_SUITE=whole, or the methods that match a regular expression that is
/// given in its place. DOORKEEPER_AUTHORIZER_SUITE_KAFKA chooses another version.
#[test]
fn kafkas_authorizer_tests_pass() {
    let version = std::env::var("DOORKEEPER_AUTHORIZER_SUITE_KAFKA");
    let version = version.as_deref().unwrap_or(DEFAULT_VERSION);
    let jars = match jars_of(&beside("pom.xml"), "authorizer-suite", version) {
        Ok(jars) => jars,
        Err(why) => return support::skipped(&support::test_name(), &why),
    };
    let choice = match std::env::var("DOORKEEPER_AUTHORIZER_SUITE").unwrap_or_default().as_str() {
        "" => BOUNDED.join("|"),
        "whole" => WHOLE.to_owned(),
        methods => methods.to_owned(),
    };
    let folder = scratch("authorizer-suite");
    let pki = Pki::new(&folder.join("pki"));
    for principal in ["client", "broker", "server"] {
        pki.client(principal);
    }
    pki.server("doorkeeper");

    let said = run(&jars, &folder, &choice);
    let count = |what: &str| count(&said, what).unwrap_or_else(|| panic!("no summary in {said}"));
    let (found, passed) = (count("tests found"), count("tests successful"));
    println!("{passed} of {found} tests of Kafka {version} passed");
    assert!(found > 0 && count("containers failed") == 0, "{}", failures(&said));
    assert_eq!(found, passed + count("tests failed"), "not all of them ran");
    let expected: BTreeSet<&str> = DEVIATIONS.iter().map(|(method, _)| *method).collect();
    let failed = failed(&said);
    assert!(failed.is_subset(&expected), "{}", failures(&said));
    if choice == WHOLE {
        assert_eq!(failed, expected, "what is listed as a deviation passes: take it off the list");
    }
    // What somebody chooses may be a test without a refusal.
    if choice == WHOLE || choice == BOUNDED.join("|") {
        assert!(denials(&folder) > 0, "doorkeeper has refused nothing: the tests went past it");
    }
}

/// Compiles what stands beside this file, runs the methods that match, and gives back what the console launcher said.
fn run(jars: &Path, folder: &Path, methods: &str) -> String {
    let classes = folder.join("classes");
    let mut sources: Vec<PathBuf> =
        std::fs::read_dir(beside("java")).unwrap().map(|entry| entry.unwrap().path()).collect();
    sources.sort();
    let mut javac = Command::new("javac");
    javac.arg("-d").arg(&classes).arg("-cp").arg(jars.join("*")).args(&sources);
    let compiled = javac.output().unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));

    let runs = folder.join("runs");
    std::fs::create_dir_all(&runs).unwrap();
    let property = |name: &str, value: &Path| format!("-D{name}={}", value.display());
    let arguments = [
        // Brokers that live for a second or two are not worth the optimising compiler.
        "-XX:TieredStopAtLevel=1".to_owned(),
        "-XX:+UseSerialGC".to_owned(),
        "-Xmx1g".to_owned(),
        property("doorkeeper.binary", Path::new(env!("CARGO_BIN_EXE_doorkeeper"))),
        property("doorkeeper.pki", &folder.join("pki")),
        property("doorkeeper.runs", &runs),
        property("java.io.tmpdir", &runs),
        property("log4j2.configurationFile", &beside("log4j2.xml")),
        "-cp".to_owned(),
        format!("{}:{}", classes.display(), jars.join("*").display()),
        "org.junit.platform.console.ConsoleLauncher".to_owned(),
        "execute".to_owned(),
        "--disable-banner".to_owned(),
        "--disable-ansi-colors".to_owned(),
        "--details=summary".to_owned(),
        format!("--reports-dir={}", folder.join("reports").display()),
        format!("--scan-classpath={}", classes.display()),
        "--include-classname=.*".to_owned(),
        format!("--include-methodname=.*#({methods})"),
    ];
    let mut java = Process::start("Kafka's tests", Path::new("java"), &arguments, &folder.join("log"));
    java.wait(LIMIT);
    java.output()
}

/// What the launcher says of failures, without what the brokers say before.
fn failures(said: &str) -> &str {
    said.find("\nFailures (").map_or(said, |start| &said[start..])
}

/// The methods that failed: a line names the engine, the class, the method, and what it was called with.
fn failed(said: &str) -> BTreeSet<&str> {
    let lines = failures(said).lines().filter_map(|line| line.trim().strip_prefix("JUnit Jupiter:"));
    lines.filter_map(|line| line.split(':').nth(1)?.split('(').next()).collect()
}

/// The number in a line like `[       253 tests found           ]`.
fn count(said: &str, what: &str) -> Option<u32> {
    let lines = said.lines().filter_map(|line| line.strip_prefix('[')?.strip_suffix(']'));
    lines.filter_map(|line| line.trim().strip_suffix(what)?.trim().parse().ok()).next_back()
}

/// How many refusals are in the audit lines of all doorkeepers of this run.
fn denials(folder: &Path) -> usize {
    let runs = std::fs::read_dir(folder.join("runs")).unwrap().flatten();
    let logs = runs.filter_map(|run| std::fs::read_to_string(run.path().join("doorkeeper.log")).ok());
    logs.map(|log| log.matches(" is Denied operation").count()).sum()
}

fn beside(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kafka/authorizer_suite").join(file)
}
