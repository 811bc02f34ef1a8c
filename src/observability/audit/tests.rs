use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use super::*;
use crate::model::text;
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
        request: Arc::new(Request { api: "InitProducerId", ..request() }),
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
    let by = |request| Event { request: Arc::new(request), ..event() };
    let odd = Request { client_id: None, host: "fe80:0:0:0:0:0:0:1%eth0".into(), ..request() };
    let odd = Event { allowed: true, ..by(odd) };
    let document = ecs(&odd);
    assert_eq!(document["event"]["type"], json!(["access", "allowed"]));
    assert_eq!(document["event"]["outcome"], "success");
    assert_eq!(document["kafka"].get("client_id"), None);
    assert_eq!(document["source"], json!({ "address": "fe80:0:0:0:0:0:0:1%eth0" }));
    let six = ecs(&by(Request { host: "0:0:0:0:0:0:0:1".into(), ..request() }));
    assert_eq!(six["source"], json!({ "address": "0:0:0:0:0:0:0:1", "ip": "::1" }));
}

/// What terminals, log viewers and line readers can be harmed with.
const HOSTILE: &str =
    "t\r\nPrincipal = User:admin is Allowed\u{1b}[2J\u{9b}31m\u{85}\u{2028}\u{202e}\u{7f}\0\u{e0041}\"\\end";

#[test]
fn hostile_names_break_no_line_and_reach_no_terminal() {
    let by = Request {
        principal: format!("User:{HOSTILE}").into(),
        host: HOSTILE.into(),
        listener: HOSTILE.into(),
        client_id: Some(HOSTILE.into()),
        ..request()
    };
    let hostile = Event {
        request: Arc::new(by.clone()),
        resource_name: HOSTILE.to_owned(),
        rule: HOSTILE.to_owned(),
        ..event()
    };
    let many = record(by, false, Known::Nothing, &[HOSTILE; FIRST + 20]);
    let mut texts = vec![kafka_line(&hostile), ecs_text(&hostile)];
    for format in [Format::Kafka, Format::Ecs] {
        for capacity in [0, 1000] {
            let (log, writer) = AuditLog::new(capacity, false, metrics(), nine);
            log.record(record(many.request().clone(), false, Known::ByName, &[HOSTILE]));
            log.record(record(many.request().clone(), false, Known::Nothing, &[HOSTILE; FIRST + 20]));
            texts.extend(written(log, writer, format));
        }
    }
    assert_eq!(texts.len(), 2 + 2 * (1 + FIRST + 2));
    for text in texts {
        let bad: Vec<char> = text.chars().filter(|&c| text::is_unsafe(c)).collect();
        assert!(bad.is_empty(), "{bad:?} in {text}");
    }
    let document = ecs(&hostile);
    assert_eq!(document["kafka"]["resource"]["name"], HOSTILE, "escaped, not changed");
    assert_eq!(document["kafka"]["client_id"], HOSTILE);
    assert_eq!(document["kafka"]["principal"], format!("User:{HOSTILE}"));
    assert_eq!(document["rule"]["name"], HOSTILE);
}

proptest::proptest! {
    #[test]
    fn any_name_survives_the_json_and_stays_on_its_line(name in "(?s).*", client in "(?s).*") {
        let request = Request { client_id: Some(client.as_str().into()), ..request() };
        let any = Event { request: Arc::new(request), resource_name: name.clone(), ..event() };
        let text = ecs_text(&any);
        proptest::prop_assert!(!text.chars().any(text::is_unsafe));
        let document: Value = serde_json::from_str(&text).unwrap();
        proptest::prop_assert_eq!(document["kafka"]["resource"]["name"].as_str(), Some(name.as_str()));
        proptest::prop_assert_eq!(document["kafka"]["client_id"].as_str(), Some(client.as_str()));
        proptest::prop_assert!(!kafka_line(&any).chars().any(text::is_unsafe));
    }
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

fn by(principal: &str) -> Request {
    Request { principal: principal.into(), ..request() }
}

#[test]
fn a_flood_takes_nobody_elses_room_and_what_it_names_is_told() {
    let metrics = metrics();
    let (log, writer) = AuditLog::new(16, false, Arc::clone(&metrics), nine);
    let invented: Vec<String> = (0..60).map(|n| format!("invented-{n}")).collect();
    let invented: Vec<&str> = invented.iter().map(String::as_str).collect();
    log.record(record(by("User:carol"), false, Known::Nothing, &["carols"]));
    for _ in 0..1000 {
        log.record(record(by("User:mallory"), false, Known::Nothing, &invented));
    }
    // What is known is the last of the flooder's to go.
    log.record(record(by("User:mallory"), false, Known::ByName, &["payroll"]));
    for name in ["one", "two", "three"] {
        log.record(record(by("User:dave"), false, Known::Nothing, &[name]));
    }
    assert!(log.pending() < 1000, "{} wait", log.pending());
    let lines = written(log, writer, Format::Kafka);
    for name in ["carols", "payroll", "one", "two", "three"] {
        let needle = format!("on resource = Topic:LITERAL:{name} for");
        assert_eq!(lines.iter().filter(|line| line.contains(&needle)).count(), 1, "{name}");
    }
    let written = lines.iter().filter(|line| line.contains("User:mallory is Denied")).count();
    let [loss] = lines.iter().filter(|line| line.contains("were lost")).collect::<Vec<_>>()[..] else {
        panic!("{lines:?}")
    };
    let lost = 60_001 - written;
    let expected = format!(
        "{NINE}  WARN audit: {lost} audit events were lost: the queue was full because the output does not keep up: \
         {lost} denials and 0 permissions of principal User:mallory between {NINE} and {NINE}; the first denied on others: \
         DESCRIBE Topic:LITERAL:\"invented-0\" (Metadata), "
    );
    assert!(loss.starts_with(&expected), "{loss}");
    assert_eq!(counted(&metrics), ((written + 4).to_string(), lost.to_string()));
}

#[test]
fn the_known_is_named_even_if_the_queue_is_full_of_it() {
    let metrics = metrics();
    let (log, writer) = AuditLog::new(16, false, Arc::clone(&metrics), nine);
    for number in 0..10_000 {
        let name = ["orders", "payments", "users"][number % 3];
        log.record(record(by("User:mallory"), false, Known::ByName, &[name]));
    }
    log.record(record(by("User:mallory"), false, Known::ByName, &["payroll"]));
    let lines = written(log, writer, Format::Ecs);
    let loss: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
    assert_eq!((&loss["event"]["kind"], &loss["log"]["level"]), (&json!("pipeline_error"), &json!("warn")));
    assert_eq!((&loss["event"]["start"], &loss["event"]["end"]), (&json!(NINE), &json!(NINE)));
    assert_eq!(
        (&loss["user"]["name"], &loss["kafka"]["principal"]),
        (&json!("mallory"), &json!("User:mallory"))
    );
    let lost = &loss["kafka"]["lost"];
    assert_eq!(lost["denied"], json!(10_001 - (lines.len() - 1)));
    let names: Vec<&str> = lost["known"]
        .as_array()
        .unwrap()
        .iter()
        .map(|lost| lost["resource"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), 4);
    assert!(names.contains(&"payroll"), "{names:?}");
}

#[test]
fn what_was_allowed_is_lost_before_any_denial() {
    let metrics = metrics();
    let (log, writer) = AuditLog::new(16, true, Arc::clone(&metrics), nine);
    for _ in 0..1000 {
        log.record(record(by("User:busy"), true, Known::Nothing, &["t1"]));
    }
    let some: Vec<String> = (0..100).map(|n| format!("d{n}")).collect();
    for name in &some {
        log.record(record(by("User:busy"), false, Known::Nothing, &[name]));
        log.record(record(by("User:busy"), true, Known::Nothing, &["t1"]));
    }
    let lines = written(log, writer, Format::Kafka);
    assert_eq!(lines.iter().filter(|line| line.contains(" is Denied ")).count(), 100);
    let loss = lines.iter().find(|line| line.contains("were lost")).unwrap();
    assert!(loss.contains(": 0 denials and "), "{loss}");
}

#[test]
fn ever_new_principals_take_no_more_memory() {
    let (log, writer) = AuditLog::new(1, false, metrics(), nine);
    for number in 0..10_000 {
        log.record(record(by(&format!("User:{number}")), false, Known::Nothing, &["t1"]));
    }
    let lines = written(log, writer, Format::Kafka);
    let losses: Vec<_> = lines.iter().filter(|line| line.contains("were lost")).collect();
    assert_eq!(losses.len(), 257);
    assert!(losses[256].contains("of further principals between"), "{}", losses[256]);
}

#[test]
fn losses_are_told_while_the_flood_goes_on() {
    /// A clock of which each look is a second later than the one before.
    fn later() -> SystemTime {
        use std::sync::atomic::AtomicU64;
        static SECONDS: AtomicU64 = AtomicU64::new(0);
        UNIX_EPOCH + Duration::from_secs(SECONDS.fetch_add(1, Ordering::Relaxed))
    }
    let (log, writer) = AuditLog::new(1, false, metrics(), later);
    for number in 0..100 {
        log.record(denial(&format!("t{number}")));
    }
    let lines = written(log, writer, Format::Kafka);
    assert!(lines.len() > 3, "{lines:?}");
    assert!(lines[0].contains("were lost"), "before the records that still wait: {lines:?}");
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
    log.record(denial("a"));
    log.record(denial("b"));
    drop(log);
    writer.run(Format::Ecs, &mut Full);
    assert_eq!(counted(&metrics), ("0".to_owned(), "2".to_owned()));
}

#[test]
fn an_output_that_stands_still_holds_nobody_up_and_a_writer_that_is_gone_neither() {
    let metrics = metrics();
    let (log, writer) = AuditLog::new(1, false, Arc::clone(&metrics), nine);
    // Nobody writes: if this waited it would never end.
    for _ in 0..1000 {
        log.record(denial("a"));
    }
    drop(writer);
    log.record(denial("a"));
    assert_eq!((log.pending(), log.is_idle()), (0, true));
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
