mod forms;
mod losses;

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use super::*;
use crate::observability::metrics::Build;

pub(super) fn request() -> Request {
    Request {
        principal: "User:bob".into(),
        host: "127.0.0.1".into(),
        listener: "clients".into(),
        client_id: Some("app-1".into()),
        api: "Metadata",
        api_version: 12,
        correlation_id: 7,
    }
}

fn event() -> Event {
    Event {
        request: Arc::new(request()),
        allowed: false,
        operation: Operation::Describe,
        resource_type: ResourceType::Topic,
        resource_name: "t1".to_owned(),
        rule: "DefaultDeny".to_owned(),
        count: 1,
        known: Known::Nothing,
    }
}

/// A record of decisions alike, on these resources.
fn record(request: Request, allowed: bool, known: Known, names: &[&str]) -> Record {
    let mut record = Record::new(request);
    for name in names {
        record.add(&Decided {
            allowed,
            operation: Operation::Describe,
            resource_type: ResourceType::Topic,
            resource_name: name,
            rule: &"DefaultDeny",
            count: 1,
            known,
        });
    }
    record
}

fn denial(name: &str) -> Record {
    record(request(), false, Known::Nothing, &[name])
}

fn kafka_line(event: &Event) -> String {
    let mut line = Vec::new();
    event.write_kafka_line(&mut line).unwrap();
    String::from_utf8(line).unwrap()
}

fn metrics() -> Arc<Metrics> {
    let build = Build { version: "1", revision: "r", rustc: "c", tls_provider: "p" };
    Arc::new(Metrics::new(build, UNIX_EPOCH, &[]).unwrap())
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
fn denials_are_written_in_their_order_and_counted() {
    let metrics = metrics();
    let (log, writer) = AuditLog::new(4, false, Arc::clone(&metrics), nine);
    assert!(log.wants(false) && !log.wants(true));
    assert!(log.is_idle());
    for name in ["a", "b", "c"] {
        log.clone().record(denial(name));
    }
    assert_eq!((log.is_idle(), log.pending()), (false, 3));

    let of = |name: &str| kafka_line(&Event { resource_name: name.to_owned(), ..event() });
    assert_eq!(
        written(log, writer, Format::Kafka),
        ["a", "b", "c"].map(|name| format!("{NINE}  INFO audit: {}", of(name)))
    );
    assert_eq!(counted(&metrics), ("3".to_owned(), "0".to_owned()));
}

#[test]
fn allowed_events_are_written_when_asked_for() {
    let (log, writer) = AuditLog::new(1, true, metrics(), nine);
    assert!(log.wants(true));
    log.record(record(request(), true, Known::Nothing, &["t1"]));
    let expected = format!("{NINE} DEBUG audit: {}", kafka_line(&Event { allowed: true, ..event() }));
    assert_eq!(written(log, writer, Format::Kafka), [expected]);
}

/// A request that names so much that most of it is summed up.
fn large() -> Record {
    let names: Vec<String> = (0..FIRST + 30).map(|n| format!("a\"{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    record(request(), false, Known::Nothing, &names)
}

#[test]
fn what_is_summed_up_has_one_line_that_names_who_what_and_how_many() {
    let metrics = metrics();
    let (log, writer) = AuditLog::new(100, false, Arc::clone(&metrics), nine);
    log.record(large());
    let lines = written(log, writer, Format::Kafka);
    assert_eq!(lines.len(), FIRST + 1);
    assert_eq!(
        lines[FIRST],
        format!(
            "{NINE}  INFO audit: Principal = User:bob is Denied operation = DESCRIBE from host = 127.0.0.1 on 30 more \
             resources = Topic:LITERAL for request = Metadata with correlationId = 7 and resourceRefCount = 30 based on \
             rule DefaultDeny; known are 0 of them; the first: \"a\\\"64\", \"a\\\"65\", \"a\\\"66\", \"a\\\"67\", \
             \"a\\\"68\", \"a\\\"69\", \"a\\\"70\", \"a\\\"71\"; the last: \"a\\\"86\", \"a\\\"87\", \"a\\\"88\", \
             \"a\\\"89\", \"a\\\"90\", \"a\\\"91\", \"a\\\"92\", \"a\\\"93\""
        )
    );
    assert_eq!(counted(&metrics), ((FIRST + 30).to_string(), "0".to_owned()), "every decision is in a line");

    let (log, writer) = AuditLog::new(100, false, metrics, nine);
    log.record(large());
    let lines = written(log, writer, Format::Ecs);
    let sum: Value = serde_json::from_str(&lines[FIRST]).unwrap();
    let further = &sum["kafka"]["resource"]["further"];
    assert_eq!(sum["kafka"]["resource"].get("name"), None);
    assert_eq!(
        (&further["count"], &further["known"], &further["first"][0]),
        (&json!(30), &json!(0), &json!("a\"64"))
    );
    assert_eq!(further["last"][7], "a\"93");
    assert_eq!((&sum["event"]["outcome"], &sum["event"]["sequence"]), (&json!("failure"), &json!(65)));
    assert_eq!((&sum["kafka"]["principal"], &sum["kafka"]["api"]), (&json!("User:bob"), &json!("Metadata")));
}

#[test]
fn ecs_lines_are_numbered() {
    let (log, writer) = AuditLog::new(2, false, metrics(), nine);
    log.record(denial("a"));
    log.record(denial("b"));
    let lines = written(log, writer, Format::Ecs);
    let lines: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["event"]["sequence"], &lines[1]["event"]["sequence"]), (&json!(1), &json!(2)));
    assert!(lines.iter().all(|line| line["@timestamp"] == NINE && line["log"]["logger"] == "audit"));
}

#[test]
fn it_is_idle_only_when_the_last_record_was_dealt_with() {
    let (queue, mut records) = queue::queue(1 << 20);
    queue.give(Recorded { time: nine(), record: denial("a") });
    assert!(records.next(nine).is_some());
    assert!(!queue.is_idle(), "still in hand");
    let other = queue.clone();
    let taker = std::thread::spawn(move || records.next(nine).is_none());
    while !other.is_idle() {
        std::thread::yield_now();
    }
    drop((queue, other));
    assert!(taker.join().unwrap());
}
