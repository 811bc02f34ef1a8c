use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;

use super::*;
use crate::model::acl::{Operation, PatternType, Permission, ResourceType};

fn orders() -> Binding {
    Binding {
        resource_type: ResourceType::Topic,
        resource_name: "orders".to_owned(),
        pattern_type: PatternType::Literal,
        principal: "User:alice".to_owned(),
        host: "*".to_owned(),
        operation: Operation::DescribeConfigs,
        permission: Permission::Allow,
    }
}

const KEY: &str = r#"{"version":1,"resource_type":"TOPIC","resource_name":"orders","pattern_type":"LITERAL","principal":"User:alice","host":"*","operation":"DESCRIBE_CONFIGS","permission":"ALLOW"}"#;

/// What is written once must be read for ever.
#[test]
fn the_format_is_this() {
    let at = UNIX_EPOCH + Duration::from_secs(1_795_000_000);
    let pair = addition(&orders(), "broker-1", at).unwrap();
    assert_eq!(String::from_utf8(pair.key).unwrap(), KEY);
    assert_eq!(
        String::from_utf8(pair.value.unwrap()).unwrap(),
        r#"{"version":1,"written_by":"broker-1","written_at":"2026-11-18T11:06:40.000000Z"}"#
    );
    let end = removal(&orders()).unwrap();
    assert_eq!((end.key.as_slice(), end.value), (KEY.as_bytes(), None));
    assert_eq!(read_key(KEY.as_bytes()), Ok(orders()));
}

#[test]
fn what_is_not_exactly_a_binding_is_refused() {
    for (old, new, expected) in [
        (
            r#""version":1"#,
            r#""version":2"#,
            "it is of format 2, which this doorkeeper does not read: a newer doorkeeper wrote it, update this one",
        ),
        (
            r#""version":1"#,
            r#""version":2,"only_on":"mondays""#,
            "it is of format 2, which this doorkeeper does not read: a newer doorkeeper wrote it, update this one",
        ),
        (r#""version":1"#, r#""version":0"#, "its key is of format 0, which there never was"),
        (r#""version":1,"#, "", "its key cannot be read: missing field `version`"),
        (r#""host""#, r#""only_on":"mondays","host""#, "its key cannot be read: unknown field `only_on`"),
        (r#","host":"*""#, "", "its key cannot be read: missing field `host`"),
        (r#""host":"*""#, r#""host":"*","host":"*""#, "its key cannot be read: duplicate field `host`"),
        (r#""DESCRIBE_CONFIGS""#, r#""FLY""#, "in its key: unknown operation \"FLY\""),
        (
            r#""DESCRIBE_CONFIGS""#,
            r#""DescribeConfigs""#,
            "its key is a binding, but not spelled as doorkeeper spells it",
        ),
        (
            r#""version":1"#,
            r#" "version":1"#,
            "its key is a binding, but not spelled as doorkeeper spells it",
        ),
        ("orders", r"or\u0064ers", "its key is a binding, but not spelled as doorkeeper spells it"),
        ("User:alice", "alice", "its key is no binding: Could not parse principal from `alice`"),
        ("orders", "", "its key is no binding: Invalid empty resource name"),
        ("}", "", "its key cannot be read: EOF"),
        ("}", "}}", "its key cannot be read: trailing characters"),
        (KEY, "", "its key cannot be read: EOF"),
        (KEY, "[]", "its key cannot be read"),
        (KEY, "\u{0}", "its key cannot be read"),
    ] {
        let key = KEY.replacen(old, new, 1);
        assert_ne!(key, KEY);
        let said = read_key(key.as_bytes()).unwrap_err().to_string();
        assert!(said.starts_with(expected), "{key}: {said}");
    }
    assert!(read_value(br#"{"version":1,"written_by":"a","written_at":"b"}"#).is_ok());
    for value in [
        r#"{"version":1}"#,
        r#"{"version":1,"written_by":"a","written_at":"b","until":"c"}"#,
        "",
        "null",
        "1",
    ] {
        let said = read_value(value.as_bytes()).unwrap_err().to_string();
        assert!(said.starts_with("its value cannot be read"), "{value}: {said}");
    }
    assert_eq!(read_value(br#"{"version":3}"#), Err(Corrupt::Newer(3)));
}

pub(in crate::process::acl_store::topic) fn binding() -> impl Strategy<Value = Binding> {
    let text = || {
        prop_oneof![Just("a".to_owned()), Just("*".to_owned()), "[a-c\"\\\\\u{1}é€😀]{1,3}", any::<String>()]
    };
    let name = text().prop_filter("not empty", |name| !name.is_empty());
    (
        prop::sample::select(&[ResourceType::Topic, ResourceType::Group, ResourceType::User][..]),
        name,
        prop::sample::select(PatternType::ALL),
        text().prop_map(|name| format!("User:{name}")),
        prop::sample::select(&["*", "10.0.0.1", "10.0.0.0/8", "0:0:0:0:0:0:0:1"][..]),
        prop::sample::select(Operation::ALL),
        prop::sample::select(Permission::ALL),
    )
        .prop_map(
            |(resource_type, resource_name, pattern_type, principal, host, operation, permission)| {
                let host = host.to_owned();
                Binding { resource_type, resource_name, pattern_type, principal, host, operation, permission }
            },
        )
}

proptest! {
    #[test]
    fn every_binding_comes_back(binding in binding()) {
        let pair = addition(&binding, "x", UNIX_EPOCH).unwrap();
        prop_assert_eq!(read_key(&pair.key), Ok(binding.clone()));
        prop_assert_eq!(read_value(&pair.value.unwrap()), Ok(()));
        prop_assert_eq!(removal(&binding).unwrap().key, pair.key);
    }

    #[test]
    fn two_bindings_have_two_keys(a in binding(), b in binding()) {
        prop_assert_eq!(a == b, key(&a).unwrap() == key(&b).unwrap());
    }

    /// Whatever is read is a binding that is written with the same bytes.
    #[test]
    fn damage_is_refused_or_another_binding(at in 0..KEY.len(), byte: u8) {
        let mut bytes = KEY.as_bytes().to_vec();
        bytes[at] = byte;
        if let Ok(binding) = read_key(&bytes) {
            prop_assert_eq!(key(&binding).unwrap(), bytes);
        }
    }
}
