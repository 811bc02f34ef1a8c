//! The table of formats: texts with a grammar of their own, by the names that the schema has for them.

use std::net::SocketAddr;

use super::nodes;
use super::text::{
    HostPort, check_acl_principal, check_broker_id, check_host, check_name, check_network, check_not_empty,
    check_operation, check_port, check_principal, check_topic_name, check_variable, cipher_suite,
    mapping_rules, not_a, parse_duration,
};

/// What a text of the schema's `format` must be.
pub(crate) struct Format {
    /// The schema's word.
    pub(crate) name: &'static str,
    /// What it is, for messages and for the reference.
    pub(crate) what: &'static str,
    /// One that is right.
    pub(crate) example: &'static str,
    /// A regular expression, of the part that RE2 and ECMAScript share, that every right text matches: what an editor or
    /// Helm sees of the grammar. Where they say yes, `check` may still say no.
    pub(crate) pattern: Option<&'static str>,
    /// Whether there is a closed list of them, so that the reason says it all.
    pub(crate) closed: bool,
    /// Why a text is not one, as a sentence about the text.
    pub(crate) check: fn(&str) -> Result<(), String>,
}

/// All formats of the configuration file and the ACL file.
pub(crate) const FORMATS: &[Format] = &[
    Format {
        name: "socket-address",
        what: "IP address and port",
        example: "0.0.0.0:9443",
        pattern: Some(r"^([0-9.]+|\[[0-9A-Fa-f:.%]+\]):[0-9]+$"),
        closed: false,
        check: |text| {
            text.parse::<SocketAddr>().map(drop).map_err(|_| not_a("an IP address and a port", text))
        },
    },
    Format {
        name: "host-port",
        what: "host and port",
        example: "127.0.0.1:9092",
        pattern: Some(r"^([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]):[1-9][0-9]{0,4}$"),
        closed: false,
        check: |text| text.parse::<HostPort>().map(drop),
    },
    Format {
        name: "host",
        what: "host",
        example: "kafka.example.com",
        pattern: Some(r"^[A-Za-z0-9_.:-]{1,253}$"),
        closed: false,
        check: check_host,
    },
    Format {
        name: "network",
        what: "IP address or network",
        example: "10.0.0.0/8",
        pattern: Some(r"^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$"),
        closed: false,
        check: check_network,
    },
    Format {
        name: "node-ids",
        what: "broker ids and ranges",
        example: "0-2, 100-102",
        pattern: Some(r"^[0-9,\s-]+$"),
        closed: false,
        check: |text| nodes::node_ids(text).map(drop),
    },
    Format {
        name: "node-pattern",
        what: "host with `{node_id}`, and port",
        example: "broker-{node_id}.kafka.example.com:9443",
        pattern: Some(r"^[A-Za-z0-9_.-]*\{node_id\}[A-Za-z0-9_.-]*:[1-9][0-9]{0,4}$"),
        closed: false,
        check: |text| nodes::Pattern::parse(text).map(drop),
    },
    Format {
        name: "time-span",
        what: "duration",
        example: "10s",
        pattern: Some(r"^[0-9]+(ms|s|m|h|d)$"),
        closed: false,
        check: |text| parse_duration(text).map(drop),
    },
    Format {
        name: "name",
        what: "name",
        example: "clients",
        pattern: Some(r"^[A-Za-z0-9_.-]{1,64}$"),
        closed: false,
        check: check_name,
    },
    Format {
        name: "path",
        what: "file name",
        example: "tls/tls.crt",
        pattern: None,
        closed: false,
        check: check_not_empty,
    },
    Format {
        name: "variable",
        what: "environment variable",
        example: "STORE_PASSWORD",
        pattern: Some(r"^[A-Za-z_][A-Za-z0-9_]*$"),
        closed: false,
        check: check_variable,
    },
    Format {
        name: "topic-name",
        what: "topic",
        example: "__doorkeeper_acls",
        pattern: Some(r"^[A-Za-z0-9_.-]{1,249}$"),
        closed: false,
        check: check_topic_name,
    },
    Format {
        name: "port",
        what: "port",
        example: "9092",
        pattern: Some(r"^[1-9][0-9]{0,4}$"),
        closed: false,
        check: check_port,
    },
    Format {
        name: "broker-id",
        what: "broker id",
        example: "0",
        pattern: Some(r"^(0|[1-9][0-9]{0,9})$"),
        closed: false,
        check: check_broker_id,
    },
    Format {
        name: "cipher-suite",
        what: "cipher suite",
        example: "TLS_AES_128_GCM_SHA256",
        pattern: Some(r"^TLS_[A-Z0-9_]+$"),
        closed: true,
        check: |text| cipher_suite(text).map(drop),
    },
    Format {
        name: "acl-operation",
        what: "operation",
        example: "Read",
        pattern: Some(r"^[A-Za-z_]+$"),
        closed: true,
        check: check_operation,
    },
    Format {
        name: "principal",
        what: "principal",
        example: "User:alice",
        pattern: Some(r"^[^:]+:(.|\n)+$"),
        closed: false,
        check: check_principal,
    },
    Format {
        name: "acl-principal",
        what: "principal",
        example: "User:alice",
        pattern: Some(r":"),
        closed: false,
        check: check_acl_principal,
    },
    Format {
        name: "principal-mapping-rules",
        what: "mapping rules",
        example: "RULE:^CN=([^,]+).*$/$1/, DEFAULT",
        pattern: None,
        closed: false,
        check: |text| mapping_rules(text).map(drop),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_accepts_its_own_example() {
        for format in FORMATS {
            assert_eq!((format.check)(format.example), Ok(()), "{}", format.name);
        }
    }

    #[test]
    fn a_pattern_never_refuses_what_is_right() {
        let texts = [
            "0.0.0.0:9093",
            "[::]:0",
            "10.0.0.0/8",
            "2001:db8::/32",
            "::ffff:10.0.0.1",
            "[fe80::1%2]:9093",
            "[::ffff:10.0.0.1]:65535",
            "localhost:9092",
            "kafka_0.a-b:1",
            "::1",
            "a",
            "0",
            "0 - 2,\t100-102 , 7",
            "2147483647",
            "{node_id}:1",
            "a_{node_id}-b.c:65535",
            "500ms",
            "365d",
            "1h",
            "10m",
            "0010s",
            "clients.a_b-C",
            "1",
            "65535",
            "TLS13_AES_128_GCM_SHA256",
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
            "describe_configs",
            "DescribeConfigs",
            "All",
            "TWO_PHASE_COMMIT",
            "User:CN=a:b,O=c",
            "User:a\nb",
            "Group:a",
            "User:*",
            ":",
            "User:",
            "RULE:^CN=([^,]+).*$/$1/L, DEFAULT",
            "DEFAULT",
        ];
        let mut accepted = 0;
        for format in FORMATS {
            let Some(pattern) = format.pattern else { continue };
            let pattern = fancy_regex::Regex::new(pattern).unwrap();
            for text in texts.iter().filter(|text| (format.check)(text).is_ok()) {
                accepted += 1;
                assert!(pattern.is_match(text).unwrap(), "{}: {text}", format.name);
            }
        }
        assert!(accepted > 40, "{accepted}");
        // And what people write by mistake is seen without doorkeeper.
        for (name, text) in [
            ("socket-address", "9093"),
            ("host-port", "localhost"),
            ("host-port", "http://a:1"),
            ("time-span", "10"),
            ("time-span", "10 s"),
            ("principal", "alice"),
            ("acl-principal", "alice"),
            ("node-pattern", "kafka:9092"),
            ("node-ids", "a"),
            ("port", "09"),
            ("broker-id", "-1"),
            ("name", "a b"),
            ("topic-name", "a/b"),
            ("host", "a/b"),
        ] {
            let format = FORMATS.iter().find(|format| format.name == name).unwrap();
            let pattern = fancy_regex::Regex::new(format.pattern.unwrap()).unwrap();
            assert!(!pattern.is_match(text).unwrap(), "{name}: {text}");
            assert!((format.check)(text).is_err(), "{name}: {text}");
        }
    }
}
