//! What is lost when the output does not keep up, and how that is told.

use super::*;

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
