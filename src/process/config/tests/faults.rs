//! Each fault of a file, with its place, its cause and its remedy.

use super::*;

#[test]
fn a_wrong_file_is_refused_with_place_cause_and_remedy() {
    let mut differences = Vec::new();
    for (old, new, expected) in [
        // Not YAML at all.
        (
            "listeners:",
            "listeners: [",
            "3:3: not YAML: did not find expected node content: see how this line and the one before it are indented, and whether a quote or bracket is not closed",
        ),
        (
            "version: 1",
            "\tversion: 1",
            "1:1: not YAML: found character that cannot start any token, while scanning for the next token: indent with \
             spaces, and put a value with a special character in quotes",
        ),
        (
            "admin:",
            "---\nadmin:",
            " the file has several YAML documents: keep one, without '---' between parts",
        ),
        (
            "0.0.0.0:9901",
            "*nowhere",
            "17:16: not YAML: unknown anchor: a star that stands for all goes in quotes, '*'",
        ),
        (
            "    upstream: 127.0.0.1:9092",
            "   upstream: 127.0.0.1:9092",
            "5:4: not YAML: did not find expected '-' indicator: see how this line and the one before it are indented, and whether a quote or bracket is not closed",
        ),
        (
            "    upstream: 127.0.0.1:9092",
            "    upstream 127.0.0.1:9092",
            "5:5: not YAML: could not find expected ':': write 'key: value', with a space after the colon",
        ),
        (
            "127.0.0.1:9092",
            "PLAINTEXT://a:9092",
            "5:15: 'PLAINTEXT://a:9092' is more than a host and a port: leave 'PLAINTEXT://' out; write it like \
             '127.0.0.1:9092'",
        ),
        (
            "127.0.0.1:9092",
            "a:9092,b:9092",
            "5:15: 'a:9092,b:9092' is several addresses: name one; write it like '127.0.0.1:9092'",
        ),
        // Keys.
        (
            "client_auth:",
            "client_auht:",
            "10:7: the key 'client_auht' is not known here; did you mean 'client_auth'?",
        ),
        (
            "admin:",
            "monitoring:",
            "17:1: the key 'monitoring' is not known here: admin, audit, authorization, limits, listeners, log, metrics, reload_interval, shutdown, version are",
        ),
        (
            "name: clients",
            "name: clients\n    name: others",
            "4:5: the key 'name' is written twice: keep one",
        ),
        ("9092: 9093", "9092: 9093, 9092: 9094", "12:66: the key '9092' is written twice: keep one"),
        (
            "    upstream: 127.0.0.1:9092\n",
            "",
            "3:5: the key 'upstream' is missing: add it, such as 'upstream: 127.0.0.1:9092'",
        ),
        ("version: 1\n", "", "1:1: the key 'version' is missing: add it, such as 'version: 1'"),
        (
            "      client_ca: tls/ca.crt\n",
            "",
            "7:7: the key 'client_ca' is missing: name the file with the certificates of the issuers whose clients are trusted, or write 'client_auth: none'",
        ),
        (
            "private_key: tls/tls.key",
            "private_key:",
            "8:19: the key 'private_key' has no value: give it one or leave it out",
        ),
        (
            "private_key: tls/tls.key",
            "private_key: !env KEY",
            "8:20: a value with the tag !env is not read here: leave the tag out",
        ),
        // Values.
        ("version: 1", "version: 2", "1:10: '2' is not known here: the only value is 1"),
        (
            "bind: 0.0.0.0:9093",
            "bind: localhost:9093",
            "4:11: 'localhost:9093' is not an IP address and a port; write it like '0.0.0.0:9443'",
        ),
        (
            "bind: 0.0.0.0:9093",
            "bind: 9093",
            "4:11: '9093' is not an IP address and a port; write it like '0.0.0.0:9443'",
        ),
        ("127.0.0.1:9092", "localhost", "5:15: 'localhost' names no port; write it like '127.0.0.1:9092'"),
        (
            "127.0.0.1:9092",
            "'::1:9092'",
            "5:15: an IPv6 address needs brackets, as in [::1]:9092; write it like '127.0.0.1:9092'",
        ),
        (
            "name: clients",
            "name: two words",
            "3:11: 'two words' is not 1 to 64 of letters, digits, '_', '-' and '.'; write it like 'clients'",
        ),
        (
            "client_auth: required",
            "client_auth: requird",
            "10:20: 'requird' is not known here: it is one of required, requested, none; did you mean 'required'?",
        ),
        (
            "keep_host,",
            "host,",
            "12:34: 'host' is not known here: it is one of none, keep_host, table, port_per_broker, sni",
        ),
        (
            "strategy: keep_host,",
            "",
            "12:22: the key 'strategy' is missing: it is one of none, keep_host, table, port_per_broker, sni",
        ),
        (
            "ports: { 9092: 9093 }",
            "ports: { 9092: 99093 }",
            "12:60: 99093 is out of range: from 1 to 65535 is right",
        ),
        ("ports: { 9092: 9093 }", "ports: { a: 9093 }", "12:54: 'a' is not a port (1 to 65535)"),
        ("ports: { 9092: 9093 }", "ports: { '+1': 9093 }", "12:54: '+1' is not a port (1 to 65535)"),
        (
            "ports: { 9092: 9093 }",
            "ports: { 9092: '9093' }",
            "12:60: '9093' is text: write the number without quotes",
        ),
        (
            "ports: { 9092: 9093 }",
            "ports: { 9092: 9093, '9092': 9094 }",
            "12:66: the key '9092' is written twice: keep one",
        ),
        (
            "ports: { 9092: 9093 }",
            "ports: {}",
            "12:52: the mapping is empty: write at least one 'key: value'",
        ),
        (
            "keep_host, ports: { 9092: 9093 }",
            "table, brokers: { -1: a:1 }",
            "12:52: '-1' is not the id of a broker (0 to 2147483647)",
        ),
        (
            "keep_host, ports: { 9092: 9093 }",
            "table, brokers: { 0: 'a:1', 1: 'a:1' }",
            "12:65: brokers 0 and 1 have the same address a:1: clients could not reach one of them, give each its own",
        ),
        (
            "keep_host, ports: { 9092: 9093 }",
            "table, ports: { 9092: 9093 }",
            "12:22: the key 'brokers' is missing: add it, such as 'brokers: {\"0\":\"kafka-0:9443\"}'\n12:41: the key 'ports' is not known here: brokers, strategy are",
        ),
        (
            "address_mapping: {",
            "address_mapping: keep_host # {",
            "12:22: 'keep_host' is not a mapping: write { strategy: … } with one of none, keep_host, table, port_per_broker, sni",
        ),
        (
            "[\"User:admin\"]",
            "[\"admin\"]",
            "14:17: 'admin' is not a principal with its type; write it like 'User:alice'",
        ),
        ("[\"User:admin\"]", "\"User:admin\"", "14:16: 'User:admin' is not a list: write ['User:admin']"),
        (
            "[\"User:admin\"]",
            "\"User:admin;User:ops\"",
            "14:16: 'User:admin;User:ops' is not a list: write ['User:admin', 'User:ops']",
        ),
        (
            "[\"User:admin\"]",
            "\"User:CN=admin,O=rig\"",
            "14:16: 'User:CN=admin,O=rig' is not a list: write ['User:CN=admin,O=rig']",
        ),
        ("version: 1", "version: \"1\"", "1:10: '1' is text: write the number without quotes"),
        (
            "client_auth:",
            "ssl.client.auth:",
            "10:7: the key 'ssl.client.auth' is not known here; did you mean 'client_auth'?",
        ),
        (
            "ports: { 9092: 9093 }",
            "ports: { 9092:9093 }",
            "12:54: '9092:9093' is one word: write '9092: 9093', with a space",
        ),
        (
            "ports: { 9092: 9093 }",
            "ports: [9092, 9093]",
            "12:52: a list is not a mapping: write { 9092: 9443 }",
        ),
        (
            "admin:",
            "limits: { buffered_bytes: 64MB }\nadmin:",
            "17:27: '64MB' is not a whole number: write its digits alone, without a unit",
        ),
        (
            "upstream: 127.0.0.1:9092",
            "upstream: [a:1, b:2]",
            "5:15: a list is not text: write one alone, like '127.0.0.1:9092'",
        ),
        (
            "[\"User:admin\"]",
            "[\"User:admin]",
            "14:17: not YAML: found unexpected end of stream: the quotation mark here has no other one that closes it",
        ),
        ("found: false", "found: no", "15:35: 'no' is neither true nor false here: write false"),
        ("found: false", "found: 'false'", "15:35: 'false' is text: write false without quotes"),
        ("found: false", "found: maybe", "15:35: 'maybe' is neither true nor false: write one of them"),
        ("found: false", "found: 0", "15:35: the number 0 is neither true nor false: write one of them"),
        (
            "acls.yaml }",
            "acls.yaml, reload_interval: 5 }",
            "16:45: '5' is not a whole number followed by its unit (ms, s, m, h or d); write it like '10s'",
        ),
        (
            "acls.yaml }",
            "acls.yaml, reload_interval: 5 sec }",
            "16:45: '5 sec' is not a whole number followed by its unit (ms, s, m, h or d); write it like '10s'",
        ),
        (
            "{ file: acls.yaml }",
            "{}",
            "16:9: the place of the bindings is missing: add 'file: acls.yaml' or 'topic: __doorkeeper_acls'",
        ),
        (
            "file: acls.yaml }",
            "file: acls.yaml, topic: t }",
            "16:35: the bindings are in a file already: keep one of 'file' and 'topic'",
        ),
        (
            "file: acls.yaml }",
            "file: acls.yaml, replication_factor: 1 }",
            "16:48: 'replication_factor' means nothing beside 'file': leave it out",
        ),
        (
            "file: acls.yaml }",
            "topic: t, reload_interval: 1s }",
            "16:38: 'reload_interval' means nothing beside 'topic': leave it out",
        ),
        (
            "file: acls.yaml }",
            "topic: t/u }",
            "16:18: 't/u' is not a topic's name (1 to 249 of letters, digits, '_', '-' and '.'); write it like '__doorkeeper_acls'",
        ),
        ("file: acls.yaml }", "topic: t, bootstrap_servers: [] }", "16:40: the list needs at least 1 entry"),
        (
            "file: acls.yaml }",
            "topic: t, tls: { certificate_chain: a, private_key: b, server_ca: c } }",
            "16:26: with 'tls' the key 'bootstrap_servers' is needed: name doorkeepers as clients do, such as [kafka-0.example.com:9443]",
        ),
        (
            "file: acls.yaml }",
            "topic: t, bootstrap_servers: ['a:1'], tls: { certificate_chain: a, private_key: b } }",
            "16:54: the key 'server_ca' is missing: add it, such as 'server_ca: tls/tls.crt'",
        ),
        (
            "file: acls.yaml }",
            "file: a, tls: { certificate_chain: a, private_key: b, server_ca: c } }",
            "16:25: 'tls' means nothing beside 'file': leave it out",
        ),
        (
            "admin:",
            "limits: { max_connections: 0 }\nadmin:",
            "17:28: 0 is out of range: from 1 to 4294967295 is right",
        ),
        (
            "admin:",
            "limits: { buffered_bytes: 1024 }\nadmin:",
            "17:27: buffered_bytes is 1024, less than one request of max_frame_bytes (104857600): make it at least as large",
        ),
        (
            "client_auth: required",
            "cipher_suites: [TLS_AES_128_GCM_SHA256, RC4]",
            "10:47: 'RC4' is not a cipher suite that is served here: TLS_AES_256_GCM_SHA384, TLS_AES_128_GCM_SHA256, TLS_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        ),
        (
            "client_auth: required",
            "min_version: TLSv1.3\n      cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]",
            "11:22: none of the cipher suites is of TLSv1.3, the oldest version that is spoken: add TLS_AES_128_GCM_SHA256 or leave the key out",
        ),
        // What must be distinct.
        (
            "admin: { bind: 0.0.0.0:9901 }",
            "admin: { bind: 127.0.0.1:9093 }",
            "17:16: the listener 'clients' has 0.0.0.0:9093 already: choose another port",
        ),
        (
            "upstream: 127.0.0.1:9092",
            "upstream: localhost:9092\n    tls: *t\n  - &t { }",
            "6:10: not YAML: unknown anchor: a star that stands for all goes in quotes, '*'",
        ),
        (
            "127.0.0.1:9092",
            "127.0.0.1:9093",
            "5:15: 127.0.0.1:9093 is this listener itself: name the broker's plaintext listener",
        ),
    ] {
        let faults = faults_with(old, new);
        if faults != expected {
            differences.push(format!("{new}\n  has      {faults}\n  expected {expected}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn an_empty_or_foreign_file_is_refused() {
    for (text, expected) in [
        ("", "etc/doorkeeper.yaml: the file is empty: 'doorkeeper config example' prints one to begin with"),
        (
            "# nothing\n",
            "etc/doorkeeper.yaml: the file is empty: 'doorkeeper config example' prints one to begin with",
        ),
        (
            "- 1",
            "etc/doorkeeper.yaml:1:1: this is a list, as an ACL file is, and no configuration: name the configuration file, and in it this one as 'authorization: { acls: { file: acls.yaml } }'",
        ),
        (
            "version: 1\nlisteners: []\nauthorization: {}",
            "etc/doorkeeper.yaml:2:12: the list needs at least 1 entry",
        ),
    ] {
        assert_eq!(parse(text).unwrap_err(), expected);
    }
}

#[test]
fn all_faults_come_at_once_in_reading_order() {
    let text = DESIGNED
        .replace("name: clients", "name: ''")
        .replace("127.0.0.1:9092", "127.0.0.1")
        .replace("client_auth:", "client_auht:")
        .replace("RULE:^CN", "RULE^CN")
        .replace("User:admin", "admin")
        .replace("9901", "99011")
        .replace("acls: {", "acls: { fiel: x,");
    let faults = parse(&text).unwrap_err();
    let places: Vec<&str> = faults.lines().filter_map(|line| line.split(": ").next()).collect();
    let expected = ["3:11", "5:15", "10:7", "11:30", "14:17", "16:11", "17:16"];
    assert_eq!(places, expected.map(|place| format!("etc/doorkeeper.yaml:{place}")), "{faults}");
}
