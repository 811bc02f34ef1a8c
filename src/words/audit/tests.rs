use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use super::*;
use crate::words::metrics::Build;

fn event() -> Event {
    Event {
        allowed: false,
        principal: "User:bob".into(),
        host: "127.0.0.1".into(),
        listener: "clients".into(),
        client_id: Some("app-1".into()),
        operation: Operation::Describe,
        resource_type: ResourceType::Topic,
        resource_name: "t1".to_owned(),
        api: "Metadata",
        api_version: 12,
        correlation_id: 7,
        rule: "DefaultDeny".to_owned(),
        count: 1,
    }
}

fn kafka_line(event: &Event) -> String {
    let mut line = Vec::new();
    event.write_kafka_line(&mut line).unwrap();
    String::from_utf8(line).unwrap()
}

fn ecs_text(event: &Event) -> String {
    let mut line = Vec::new();
    event.write_ecs(UNIX_EPOCH + Duration::from_micros(1_732_500_000_000_001), 42, &mut line).unwrap();
    String::from_utf8(line).unwrap()
}

fn ecs(event: &Event) -> Value {
    serde_json::from_str(&ecs_text(event)).unwrap()
}

fn metrics() -> Arc<Metrics> {
    let build = Build { version: "1", revision: "r", rustc: "c", tls_provider: "p" };
    Arc::new(Metrics::new(build, UNIX_EPOCH, &[]).unwrap())
}

#[test]
fn a_denial_reads_as_in_kafkas_own_log() {
    assert_eq!(
        kafka_line(&event()),
        "Principal = User:bob is Denied operation = DESCRIBE from host = 127.0.0.1 on resource = \
         Topic:LITERAL:t1 for request = Metadata with resourceRefCount = 1 based on rule DefaultDeny"
    );
}

#[test]
fn an_allowed_event_reads_as_in_kafkas_own_log() {
    let allowed = Event {
        allowed: true,
        operation: Operation::TwoPhaseCommit,
        resource_type: ResourceType::TransactionalId,
        resource_name: "payments".to_owned(),
        api: "InitProducerId",
        rule: "SuperUser".to_owned(),
        count: 3,
        ..event()
    };
    assert_eq!(
        kafka_line(&allowed),
        "Principal = User:bob is Allowed operation = TWO_PHASE_COMMIT from host = 127.0.0.1 on resource = \
         TransactionalId:LITERAL:payments for request = InitProducerId with resourceRefCount = 3 based on rule \
         SuperUser"
    );
}

#[test]
fn a_denial_in_the_elastic_common_schema() {
    assert_eq!(
        ecs(&event()),
        json!({
            "@timestamp": "2024-11-25T02:00:00.000001Z",
            "ecs": { "version": "8.17.0" },
            "log": { "level": "info", "logger": "audit" },
            "message": kafka_line(&event()),
            "event": {
                "kind": "event",
                "category": ["api"],
                "type": ["access", "denied"],
                "outcome": "failure",
                "action": "topic:describe",
                "module": "doorkeeper",
                "dataset": "doorkeeper.audit",
                "sequence": 42
            },
            "user": { "name": "bob" },
            "source": { "address": "127.0.0.1", "ip": "127.0.0.1" },
            "network": { "protocol": "kafka" },
            "observer": { "type": "proxy", "product": "doorkeeper", "version": env!("CARGO_PKG_VERSION") },
            "rule": { "name": "DefaultDeny" },
            "kafka": {
                "principal": "User:bob",
                "listener": "clients",
                "api": "Metadata",
                "api_version": 12,
                "correlation_id": 7,
                "client_id": "app-1",
                "operation": "describe",
                "resource": { "type": "Topic", "pattern": "LITERAL", "name": "t1" },
                "resource_reference_count": 1
            }
        })
    );
}

#[test]
fn what_is_unknown_is_left_out() {
    let odd = Event { allowed: true, client_id: None, host: "fe80:0:0:0:0:0:0:1%eth0".into(), ..event() };
    let document = ecs(&odd);
    assert_eq!(document["event"]["type"], json!(["access", "allowed"]));
    assert_eq!(document["event"]["outcome"], "success");
    assert_eq!(document["kafka"].get("client_id"), None);
    assert_eq!(document["source"], json!({ "address": "fe80:0:0:0:0:0:0:1%eth0" }));
    let six = ecs(&Event { host: "0:0:0:0:0:0:0:1".into(), ..event() });
    assert_eq!(six["source"], json!({ "address": "0:0:0:0:0:0:0:1", "ip": "::1" }));
}

/// What terminals, log viewers and line readers can be harmed with.
const HOSTILE: &str =
    "t\r\nPrincipal = User:admin is Allowed\u{1b}[2J\u{9b}31m\u{85}\u{2028}\u{202e}\u{7f}\0\u{e0041}\"\\end";

#[test]
fn hostile_names_break_no_line_and_reach_no_terminal() {
    let hostile = Event {
        principal: format!("User:{HOSTILE}").into(),
        host: HOSTILE.into(),
        listener: HOSTILE.into(),
        client_id: Some(HOSTILE.into()),
        resource_name: HOSTILE.to_owned(),
        rule: HOSTILE.to_owned(),
        ..event()
    };
    for text in [kafka_line(&hostile), ecs_text(&hostile)] {
        let bad: Vec<char> = text.chars().filter(|&c| text::is_unsafe(c)).collect();
        assert!(bad.is_empty(), "{bad:?} in {text}");
    }
    let document = ecs(&hostile);
    assert_eq!(document["kafka"]["resource"]["name"], HOSTILE, "escaped, not changed");
    assert_eq!(document["kafka"]["client_id"], HOSTILE);
    assert_eq!(document["kafka"]["principal"], format!("User:{HOSTILE}"));
    assert_eq!(document["rule"]["name"], HOSTILE);
}

#[test]
fn only_what_is_unsafe_is_escaped() {
    let shown = |text: &str| printable(text).to_string();
    assert_eq!(
        shown("CN=M\u{fc}ller\\, A,O=\u{65e5}\u{672c} \u{1f600}"),
        "CN=M\u{fc}ller\\, A,O=\u{65e5}\u{672c} \u{1f600}"
    );
    assert_eq!(shown("a\nb\u{1b}[0m\u{202e}"), r"a\u{a}b\u{1b}[0m\u{202e}");
    assert_eq!(shown(""), "");
}

proptest::proptest! {
    #[test]
    fn any_name_survives_the_json_and_stays_on_its_line(name in "(?s).*", client in "(?s).*") {
        let any = Event { resource_name: name.clone(), client_id: Some(client.as_str().into()), ..event() };
        let text = ecs_text(&any);
        proptest::prop_assert!(!text.chars().any(text::is_unsafe));
        let document: Value = serde_json::from_str(&text).unwrap();
        proptest::prop_assert_eq!(document["kafka"]["resource"]["name"].as_str(), Some(name.as_str()));
        proptest::prop_assert_eq!(document["kafka"]["client_id"].as_str(), Some(client.as_str()));
        proptest::prop_assert!(!kafka_line(&any).chars().any(text::is_unsafe));
    }
}

#[test]
fn times_are_rfc_3339() {
    let shown = |seconds: u64, micros: u64| {
        Rfc3339(UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(micros)).to_string()
    };
    assert_eq!(shown(0, 0), "1970-01-01T00:00:00.000000Z");
    assert_eq!(shown(951_782_399, 999_999), "2000-02-28T23:59:59.999999Z");
    assert_eq!(shown(951_782_400, 0), "2000-02-29T00:00:00.000000Z");
    assert_eq!(shown(1_709_251_199, 0), "2024-02-29T23:59:59.000000Z");
    assert_eq!(shown(1_709_251_200, 5), "2024-03-01T00:00:00.000005Z");
    assert_eq!(shown(4_107_542_400, 0), "2100-03-01T00:00:00.000000Z");
    assert_eq!(Rfc3339(UNIX_EPOCH - Duration::from_secs(9)).to_string(), "1970-01-01T00:00:00.000000Z");
}

/// What the log has written once nobody can add to it.
fn written(log: AuditLog, writer: AuditWriter, format: Format) -> Vec<String> {
    drop(log);
    let mut out = Vec::new();
    writer.run(format, &mut out);
    String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
}

fn counted(metrics: &Metrics) -> (String, String) {
    let text = metrics.encode().unwrap();
    let value = |name: &str| {
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap().to_owned()
    };
    (value("doorkeeper_audit_events_total"), value("doorkeeper_audit_dropped_total"))
}

const NINE: &str = "1970-01-01T00:00:09.000000Z";

fn nine() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(9)
}

#[test]
fn denials_are_written_and_losses_are_told_and_counted() {
    let metrics = metrics();
    let (log, writer) = AuditLog::new(2, false, Arc::clone(&metrics), nine);
    assert!(log.wants(false) && !log.wants(true));
    log.record(Event { allowed: true, ..event() });
    assert!(log.is_idle());
    for name in ["a", "b", "c", "d", "e"] {
        log.clone().record(Event { resource_name: name.to_owned(), ..event() });
    }
    assert!(!log.is_idle());

    let of = |name: &str| kafka_line(&Event { resource_name: name.to_owned(), ..event() });
    assert_eq!(
        written(log, writer, Format::Kafka),
        [
            format!(
                "{NINE}  WARN audit: 3 audit events were lost: the queue was full because the output does not keep up"
            ),
            format!("{NINE}  INFO audit: {}", of("a")),
            format!("{NINE}  INFO audit: {}", of("b")),
        ]
    );
    assert_eq!(counted(&metrics), ("2".to_owned(), "3".to_owned()));
}

#[test]
fn allowed_events_are_written_when_asked_for() {
    let (log, writer) = AuditLog::new(1, true, metrics(), nine);
    let allowed = Event { allowed: true, ..event() };
    log.record(allowed.clone());
    let expected = format!("{NINE} DEBUG audit: {}", kafka_line(&allowed));
    assert_eq!(written(log, writer, Format::Kafka), [expected]);
}

#[test]
fn ecs_lines_are_numbered_and_losses_are_a_pipeline_error() {
    let (log, writer) = AuditLog::new(2, false, metrics(), nine);
    for _ in 0..3 {
        log.record(event());
    }
    let lines = written(log, writer, Format::Ecs);
    let lines: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["event"]["kind"], "pipeline_error");
    assert!(lines[0]["message"].as_str().unwrap().starts_with("1 audit events were lost"));
    assert_eq!((&lines[1]["event"]["sequence"], &lines[2]["event"]["sequence"]), (&json!(1), &json!(2)));
    assert!(lines.iter().all(|line| line["@timestamp"] == NINE && line["log"]["logger"] == "audit"));
}

#[test]
fn events_that_the_output_refuses_are_lost() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let metrics = metrics();
    let (log, writer) = AuditLog::new(4, false, Arc::clone(&metrics), nine);
    log.record(event());
    log.record(event());
    drop(log);
    writer.run(Format::Ecs, &mut Full);
    assert_eq!(counted(&metrics), ("0".to_owned(), "2".to_owned()));
}

#[test]
fn a_queued_event_is_of_a_bounded_size() {
    let huge = "\u{e9}".repeat(MAX_FIELD * 20);
    let clipped = Event {
        resource_name: huge.clone(),
        rule: huge.clone(),
        client_id: Some(huge.as_str().into()),
        principal: huge.into(),
        ..event()
    }
    .clip();
    let expected = format!("{}... ({} more bytes)", "\u{e9}".repeat(MAX_FIELD / 2), MAX_FIELD * 39);
    assert_eq!(clipped.resource_name, expected);
    assert_eq!(clipped.rule, expected);
    assert_eq!(clipped.client_id.as_deref(), Some(expected.as_str()));
    assert_eq!(&*clipped.principal, expected);
    assert_eq!(event().clip(), event());
}
