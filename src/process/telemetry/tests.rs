use std::sync::mpsc;
use std::time::UNIX_EPOCH;

use serde_json::Value;
use tracing::{debug, info, warn};

use super::*;
use crate::model::acl::{Known, Operation, ResourceType};
use crate::observability::metrics::Build;

fn metrics() -> Arc<Metrics> {
    let build = Build { version: "1", revision: "r", rustc: "c", tls_provider: "p" };
    Arc::new(Metrics::new(build, UNIX_EPOCH, &[]).unwrap())
}

/// What is written when `work` logs, with a queue of `capacity`.
fn logged(
    format: LogFormat,
    level: &str,
    capacity: usize,
    work: impl FnOnce(),
) -> (Vec<String>, Arc<Metrics>) {
    let metrics = metrics();
    let (queue, taking) = lossy::queue(capacity);
    let lines = Lines { queue, metrics: Arc::clone(&metrics) };
    let (subscriber, _) = subscriber(format, filter(Some(level), |_| None).unwrap(), false, lines);
    tracing::subscriber::with_default(subscriber, work);
    let mut out = Vec::new();
    write_lines(&taking, format, &metrics, &mut out);
    (String::from_utf8(out).unwrap().lines().map(str::to_owned).collect(), metrics)
}

#[test]
fn text_lines_are_for_people() {
    let (lines, _) = logged(LogFormat::Text, "info", 8, || {
        info!(target: "doorkeeper::test", listener = "clients", "listening");
        debug!(target: "doorkeeper::test", "left out");
    });
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    let (time, rest) = line.split_once(' ').unwrap();
    assert_eq!(rest, r#" INFO doorkeeper::test: listening listener="clients""#);
    assert_eq!((time.len(), time.ends_with('Z')), ("2026-11-25T08:30:00.000001Z".len(), true), "{time}");
}

#[test]
fn json_lines_are_objects_with_the_usual_names() {
    let (lines, _) = logged(LogFormat::Json, "warn,doorkeeper::test=debug", 8, || {
        debug!(target: "doorkeeper::test", peer = "10.0.0.1", bytes = 7, "odd \"frame\"\n");
        info!(target: "elsewhere", "left out");
    });
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["level"], "DEBUG");
    assert_eq!(line["target"], "doorkeeper::test");
    assert_eq!(line["message"], "odd \"frame\"\n");
    assert_eq!((&line["peer"], &line["bytes"]), (&"10.0.0.1".into(), &7.into()));
    assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
}

/// What a stranger says, as a library repeats it for each connection.
const STRANGER: &str = "xn--\u{202e}\u{9b}31m\u{e0041}";

#[test]
fn a_librarys_line_about_a_stranger_is_written_once_in_a_while_printable_and_cut() {
    for format in [LogFormat::Text, LogFormat::Json] {
        let (lines, _) = logged(format, "info", 64, || {
            for number in 0..400 {
                let name = format!("{STRANGER}{number}{}", "y".repeat(5000));
                warn!(target: "rustls::msgs::handshake", "Illegal SNI extension: ignoring host_name {name}");
            }
            warn!(target: "rustls::common_state", code = 7, "Sending warning alert");
            warn!(target: "doorkeeper::test", "our own");
            warn!(target: "doorkeeper::test", "our own");
        });
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert!(lines[0].contains("Illegal SNI extension: ignoring host_name xn--"), "{lines:?}");
        assert!(lines[0].len() < 800 && lines[0].contains("..."), "{lines:?}");
        assert!(!lines[0].chars().any(|c| c.is_control() || c == '\u{202e}'), "{lines:?}");
        assert!(lines[1].contains("Sending warning alert code=7"), "{lines:?}");
        if format == LogFormat::Json {
            let line: Value = serde_json::from_str(&lines[0]).unwrap();
            assert_eq!(
                (&line["level"], &line["target"]),
                (&"WARN".into(), &"rustls::msgs::handshake".into())
            );
        } else {
            let (_, line) = lines[1].split_once(' ').unwrap();
            assert_eq!(line, " WARN rustls::common_state: Sending warning alert code=7");
        }
    }
}

#[test]
fn what_somebody_asked_for_passes_whole() {
    let (lines, _) = logged(LogFormat::Text, "info,rustls=debug", 64, || {
        for number in 0..10 {
            debug!(target: "rustls::server::hs", number, "we got a clienthello");
            debug!(target: "hyper::proto", number, "not asked for");
        }
    });
    assert_eq!(lines.len(), 10, "{lines:?}");
}

#[test]
fn lines_that_do_not_fit_are_told_and_counted_in_either_form() {
    for format in [LogFormat::Text, LogFormat::Json] {
        let (lines, metrics) = logged(format, "info", 2, || {
            for number in 0..5 {
                warn!(target: "doorkeeper::test", number, "busy");
            }
        });
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines[0].contains("3 log lines were lost"), "{lines:?}");
        if format == LogFormat::Json {
            assert!(lines.iter().all(|line| serde_json::from_str::<Value>(line).unwrap()["level"] == "WARN"));
        }
        assert!(metrics.encode().unwrap().contains("\ndoorkeeper_log_lines_dropped_total 3\n"));
    }
}

#[test]
fn an_output_that_stands_still_holds_nobody_up() {
    /// Takes nothing until it is told to.
    struct Stuck(mpsc::Receiver<()>);
    impl Write for Stuck {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(io::Error::other)?;
            Ok(line.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let metrics = metrics();
    let (release, stuck) = mpsc::channel();
    let (queue, taking) = lossy::queue(4);
    let counted = Arc::clone(&metrics);
    let writer = thread::spawn(move || write_lines(&taking, LogFormat::Text, &counted, &mut Stuck(stuck)));
    let lines = Lines { queue, metrics: Arc::clone(&metrics) };
    let (subscriber, _) = subscriber(LogFormat::Text, filter(None, |_| None).unwrap(), false, lines);
    tracing::subscriber::with_default(subscriber, || {
        // If this waited for the output it would never end: nothing has released that yet.
        for number in 0..1000 {
            info!(target: "doorkeeper::test", number, "a line");
        }
    });
    assert!(metrics.log_lines_dropped().get() >= 1000 - 5);
    drop(release);
    writer.join().unwrap();
    assert_eq!(metrics.log_lines_dropped().get(), 1000, "and what the output refused in the end is lost too");
}

#[test]
fn the_first_variable_wins_then_the_configuration_then_info() {
    let chosen = |configured: Option<&str>, set: &[(&str, &str)]| {
        let variable =
            |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, v)| (*v).to_owned());
        filter(configured, variable).unwrap().to_string()
    };
    assert_eq!(chosen(None, &[]), "info");
    assert_eq!(chosen(Some("debug"), &[]), "debug");
    assert_eq!(chosen(Some("debug"), &[("RUST_LOG", "warn")]), "warn");
    assert_eq!(chosen(Some("debug"), &[("RUST_LOG", "warn"), ("DOORKEEPER_LOG", "trace")]), "trace");
    assert_eq!(chosen(Some("debug"), &[("DOORKEEPER_LOG", " ")]), "debug", "set to nothing is not set");
    assert_eq!(chosen(None, &[("RUST_LOG", "doorkeeper")]), "doorkeeper=trace");
    assert_eq!(chosen(Some("WARN, doorkeeper::net=debug"), &[]), "doorkeeper::net=debug,warn");
}

#[test]
fn levels_that_mean_nothing_are_refused_with_their_place() {
    let refused = |configured: &str, variable: Option<&str>| {
        filter(Some(configured), |name| variable.filter(|_| name == "DOORKEEPER_LOG").map(str::to_owned))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refused("info,verbose", None),
        "log level in the configuration: 'info,verbose' is no log level: 'verbose' is not known; give error, warn, \
         info, debug, trace or off, or levels by module such as 'info,doorkeeper::net=debug'"
    );
    assert!(refused("info", Some("loud")).starts_with("DOORKEEPER_LOG: 'loud' is no log level:"));
    assert!(
        refused("doorkeeper=loud", None).contains("'doorkeeper=loud' is no log level: 'loud' is not known;")
    );
    assert!(refused("doorkeeper::net", None).contains("'doorkeeper::net' is not known;"));
    assert!(refused("[span{=}]=info]", None).contains("is no log level"));
}

/// Logs are set up once in a process, so this test runs itself in one of its own.
#[test]
fn the_end_of_the_process_waits_for_the_last_lines() {
    const INSIDE: &str = "DOORKEEPER_TEST_INSIDE";
    const NAME: &str = "process::telemetry::tests::the_end_of_the_process_waits_for_the_last_lines";
    if std::env::var_os(INSIDE).is_some() {
        let options = Options {
            format: LogFormat::Json,
            level: None,
            audit_format: audit::Format::Kafka,
            audit_allowed: false,
        };
        let telemetry = start(&options, &metrics()).unwrap();
        assert!(matches!(start(&options, &metrics()), Err(TelemetryError::AlreadySet)));
        for number in 0..500 {
            info!(number, "a line");
            telemetry.audit().record(denial());
        }
        drop(telemetry);
        std::process::exit(7);
    }

    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(INSIDE, "1")
        .env_remove("DOORKEEPER_LOG")
        .env_remove("RUST_LOG")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(7), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let count = |needle: &str| text.lines().filter(|line| line.contains(needle)).count();
    assert_eq!(count(r#","message":"a line","number":"#), 500, "{text}");
    assert_eq!(count(" INFO audit: Principal = User:bob is Denied operation = READ"), 500, "{text}");
}

fn denial() -> audit::Record {
    let mut record = audit::Record::new(audit::Request {
        principal: "User:bob".into(),
        host: "127.0.0.1".into(),
        listener: "clients".into(),
        client_id: None,
        api: "Fetch",
        api_version: 12,
        correlation_id: 7,
    });
    record.add(&audit::Decided {
        allowed: false,
        operation: Operation::Read,
        resource_type: ResourceType::Topic,
        resource_name: "t1",
        rule: &"DefaultDeny",
        count: 1,
        known: Known::Nothing,
    });
    record
}
