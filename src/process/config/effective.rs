//! The settings that a configuration file comes to, with every default filled in: to be shown, and to tell two files
//! apart by what they mean.

use std::fmt::{self, Display, Formatter};

use serde::Serialize;
use serde_yaml::Value;

/// The settings that take effect while doorkeeper runs, when the file is read again. `*` stands for any number in a list.
/// Every other setting waits for a restart.
pub const LIVE: &[&str] = &[
    "listeners.*.tls.certificate_chain",
    "listeners.*.tls.private_key",
    "listeners.*.tls.private_key_password_file",
    "listeners.*.tls.private_key_password_env",
    "listeners.*.tls.keystore",
    "listeners.*.tls.additional_certificates",
    "listeners.*.tls.client_ca",
    "listeners.*.tls.truststore",
    "listeners.*.tls.client_auth",
    "listeners.*.tls.revocation",
    "listeners.*.tls.allow_x509_v1",
    "listeners.*.tls.min_version",
    "listeners.*.tls.cipher_suites",
    "listeners.*.tls.reload_interval",
    "listeners.*.principal_mapping_rules",
    "listeners.*.principal_from",
    "authorization.super_users",
    "authorization.allow_everyone_if_no_acl_found",
    "limits.max_connections",
    "limits.max_connections_per_ip",
    "log.level",
    "audit.allowed",
];

/// Every setting of a configuration. There is no secret among them: keys are named by their files.
#[derive(Debug, Clone, PartialEq)]
pub struct Effective(Value);

impl Effective {
    pub(super) fn of(settings: &impl Serialize) -> Self {
        let mut value = serde_yaml::to_value(settings).unwrap_or_default();
        drop_nulls(&mut value);
        Self(value)
    }

    /// The settings in which the two differ, such as `listeners.0.tls.min_version`, in the order of the file. Where one
    /// has something that the other lacks, that is named as a whole.
    pub fn changes(&self, other: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        differ("", &self.0, &other.0, &mut changes);
        changes
    }
}

impl Display for Effective {
    /// As a YAML file.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_yaml::to_string(&self.0).unwrap_or_default())
    }
}

/// Whether a setting takes effect while doorkeeper runs.
pub fn is_live(setting: &str) -> bool {
    let matches = |pattern: &&str| {
        let mut keys = setting.split('.');
        pattern.split('.').all(|part| keys.next().is_some_and(|key| part == "*" || part == key))
    };
    LIVE.iter().any(matches)
}

/// A key without a value is the same as none.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Mapping(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Sequence(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn differ(at: &str, old: &Value, new: &Value, changes: &mut Vec<String>) {
    let below = |key: &str| if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") };
    match (old, new) {
        _ if old == new => {}
        (Value::Mapping(old), Value::Mapping(new)) => {
            for (key, value) in old {
                let place = below(&text(key));
                match new.get(key) {
                    Some(other) => differ(&place, value, other, changes),
                    None => changes.push(place),
                }
            }
            let added = new.keys().filter(|key| !old.contains_key(key));
            changes.extend(added.map(|key| below(&text(key))));
        }
        (Value::Sequence(old), Value::Sequence(new))
            if old.len() == new.len() && old.iter().chain(new).all(Value::is_mapping) =>
        {
            for (i, (old, new)) in old.iter().zip(new).enumerate() {
                differ(&below(&i.to_string()), old, new, changes);
            }
        }
        _ => changes.push(at.to_owned()),
    }
}

fn text(key: &Value) -> String {
    match key {
        Value::String(text) => text.clone(),
        other => serde_yaml::to_string(other).unwrap_or_default().trim_end().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::process::config::Config;
    use crate::process::config::reference::markdown;
    use crate::process::config::schema::config_schema;

    const FILE: &str = "version: 1
listeners:
  - name: clients
    bind: 127.0.0.1:9093
    upstream: localhost:9092
    tls: { certificate_chain: a.crt, private_key: a.key, client_ca: ca.crt }
authorization: { super_users: ['User:admin'] }
";

    fn effective(text: &str) -> Effective {
        Config::parse(Path::new("doorkeeper.yaml"), text).unwrap().effective
    }

    fn changes(from: &str, to: &str) -> Vec<String> {
        assert!(FILE.contains(from), "{from}");
        effective(FILE).changes(&effective(&FILE.replace(from, to)))
    }

    #[test]
    fn what_is_said_anew_in_other_words_is_no_change() {
        assert!(
            changes("version: 1\n", "version: 1\nlog: { level: info }\nlimits: { idle_timeout: 600s }\n")
                .is_empty()
        );
        assert!(
            changes("client_ca: ca.crt", "client_ca: 'ca.crt', client_auth: required, cipher_suites: []")
                .is_empty()
        );
    }

    #[test]
    fn changes_are_named_by_their_place() {
        assert_eq!(changes("a.key", "b.key"), ["listeners.0.tls.private_key"]);
        assert_eq!(
            changes("client_ca: ca.crt", "client_auth: none"),
            ["listeners.0.tls.client_ca", "listeners.0.tls.client_auth"]
        );
        assert_eq!(
            changes("super_users: ['User:admin']", "acls: { file: a }"),
            ["authorization.super_users", "authorization.acls"]
        );
        assert_eq!(
            changes("9093", "9094\n    address_mapping: { strategy: none }"),
            ["listeners.0.bind", "listeners.0.address_mapping"]
        );
        let second = FILE.split_once("listeners:\n").unwrap().1.split_once("authorization").unwrap().0;
        let second = second.replace("clients", "others").replace("9093", "9094");
        assert_eq!(changes("authorization", &format!("{second}authorization")), ["listeners"]);
    }

    #[test]
    fn written_out_it_is_a_file_that_means_the_same() {
        let config = effective(FILE);
        let written = config.to_string();
        assert!(written.contains("idle_timeout: 10m\n"), "{written}");
        assert!(!written.contains("null"), "{written}");
        assert_eq!(effective(&written), config);
    }

    #[test]
    fn live_settings_are_settings() {
        let reference = markdown(config_schema().as_value());
        for setting in LIVE {
            let key = setting.replace(".*", "[]");
            assert!(reference.contains(&format!("| `{key}` |")), "{key}");
        }
        assert!(is_live("listeners.12.tls.cipher_suites"));
        assert!(!is_live("listeners.0.tls.handshake_timeout"));
        assert!(!is_live("authorization.acls.file") && !is_live("limits.buffered_bytes"));
        assert!(!is_live("listeners") && !is_live("log"));
    }
}
