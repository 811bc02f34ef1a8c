//! The two forms of an event, and that no name breaks either.

use super::*;
use crate::model::text;

fn ecs_text(event: &Event) -> String {
    let mut line = Vec::new();
    event.write_ecs(UNIX_EPOCH + Duration::from_micros(1_732_500_000_000_001), 42, &mut line).unwrap();
    String::from_utf8(line).unwrap()
}

fn ecs(event: &Event) -> Value {
    serde_json::from_str(&ecs_text(event)).unwrap()
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
