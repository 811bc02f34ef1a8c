use super::*;

/// The configuration that the product was designed around.
const DESIGNED: &str = r#"version: 1
listeners:
  - name: clients
    bind: 0.0.0.0:9093
    upstream: 127.0.0.1:9092
    tls:
      certificate_chain: tls/tls.crt
      private_key: tls/tls.key
      client_ca: tls/ca.crt
      client_auth: required                       # required | requested | none
    principal_mapping_rules: "RULE:^CN=([^,]+).*$/$1/, DEFAULT"
    address_mapping: { strategy: keep_host, ports: { 9092: 9093 } }   # or { strategy: table, brokers: { 0: "a:9093" } }, or { strategy: none }
authorization:
  super_users: ["User:admin"]
  allow_everyone_if_no_acl_found: false
  acls: { file: acls.yaml }
admin: { bind: 0.0.0.0:9901 }                     # /metrics /livez /readyz
"#;

pub(super) fn parse(text: &str) -> Result<Config, String> {
    Config::parse(Path::new("etc/doorkeeper.yaml"), text).map_err(|faults| faults.to_string())
}

/// The faults of the designed configuration with one part replaced, without the name of the file.
pub(super) fn faults_with(old: &str, new: &str) -> String {
    assert!(DESIGNED.contains(old), "{old}");
    let faults = parse(&DESIGNED.replacen(old, new, 1)).expect_err(new);
    faults.replace("etc/doorkeeper.yaml:", "")
}

pub(super) fn warnings_with(old: &str, new: &str) -> Vec<String> {
    assert!(DESIGNED.contains(old), "{old}");
    let config = parse(&DESIGNED.replacen(old, new, 1)).unwrap();
    config.warnings.iter().map(|fault| fault.to_string().replace("etc/doorkeeper.yaml:", "")).collect()
}

/// The designed configuration with another address mapping.
pub(super) fn with_mapping(mapping: &str) -> String {
    let keep_host = "{ strategy: keep_host, ports: { 9092: 9093 } }";
    assert!(DESIGNED.contains(keep_host));
    DESIGNED.replacen(keep_host, mapping, 1)
}

#[test]
fn the_designed_configuration_loads() {
    let config = parse(DESIGNED).unwrap();
    let [listener] = config.listeners.as_slice() else { panic!("one listener") };
    assert_eq!(listener.name, "clients");
    assert_eq!(listener.bind, "0.0.0.0:9093".parse().unwrap());
    assert_eq!(listener.upstream, HostPort { host: "127.0.0.1".into(), port: 9092 });
    assert_eq!(listener.tls.certificate_chain, Path::new("etc/tls/tls.crt"));
    assert_eq!(listener.tls.private_key, Path::new("etc/tls/tls.key"));
    assert_eq!(listener.tls.client_auth, ClientAuth::Required { client_ca: "etc/tls/ca.crt".into() });
    assert_eq!(listener.tls.handshake_timeout, Duration::from_secs(10));
    assert_eq!(listener.principal_mapping_rules.apply("CN=alice,O=x").unwrap(), "alice");
    assert_eq!(listener.address_mapping, AddressMapping::KeepHost { ports: BTreeMap::from([(9092, 9093)]) });
    assert_eq!(config.authorization.super_users, ["User:admin"]);
    assert!(!config.authorization.allow_everyone_if_no_acl_found);
    let acls = AclFile { file: "etc/acls.yaml".into(), reload_interval: Duration::from_secs(5) };
    assert_eq!(config.authorization.acls, Some(Acls::File(acls)));
    assert_eq!(
        config.admin,
        Some(Admin { bind: "0.0.0.0:9901".parse().unwrap(), pages: Audience::Loopback })
    );
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.warnings, []);
}

#[test]
fn the_bindings_can_be_in_a_topic() {
    let topic = |text: &str| parse(&DESIGNED.replacen("{ file: acls.yaml }", text, 1)).unwrap();
    let address = |host: &str| HostPort { host: host.into(), port: 9092 };
    let expected = |bootstrap_servers, replication_factor| {
        let name = "__doorkeeper_acls".to_owned();
        Some(Acls::Topic(AclTopic { name, bootstrap_servers, doorkeepers: None, replication_factor }))
    };
    let config = topic("{ topic: __doorkeeper_acls }");
    assert_eq!(config.authorization.acls, expected(vec![address("127.0.0.1")], None));
    assert_eq!(config.warnings, []);
    let config = topic(
        "{ topic: __doorkeeper_acls, bootstrap_servers: ['localhost:9092', 'a:9092'], replication_factor: 2 }",
    );
    assert_eq!(config.authorization.acls, expected(vec![address("localhost"), address("a")], Some(2)));
    let warnings: Vec<_> = config.warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(warnings, ["plaintext to a:9092 leaves this host: anybody on the way can read and change it"]);
}

/// Then the brokers to ask first are doorkeepers, and plaintext goes to the broker beside alone.
#[test]
fn the_topic_can_be_reached_through_doorkeepers() {
    let acls = "{ topic: t, bootstrap_servers: ['kafka-0:9093'], tls: { certificate_chain: a.crt, private_key: /b.key, server_ca: ca.crt, reload_interval: 1m } }";
    let config = parse(&DESIGNED.replacen("{ file: acls.yaml }", acls, 1)).unwrap();
    let Some(Acls::Topic(topic)) = config.authorization.acls else { panic!("a topic") };
    assert_eq!(topic.bootstrap_servers, [HostPort { host: "127.0.0.1".into(), port: 9092 }]);
    let doorkeepers = topic.doorkeepers.unwrap();
    assert_eq!(doorkeepers.bootstrap_servers, [HostPort { host: "kafka-0".into(), port: 9093 }]);
    let tls = ClientTls {
        certificate_chain: "etc/a.crt".into(),
        private_key: "/b.key".into(),
        server_ca: "etc/ca.crt".into(),
        reload_interval: Duration::from_secs(60),
    };
    assert_eq!(doorkeepers.tls, tls);
    assert_eq!(config.warnings, []);
}

#[test]
fn the_other_strategies_load() {
    let keep_host = "{ strategy: keep_host, ports: { 9092: 9093 } }";
    let mapping = |text: &str| {
        parse(&DESIGNED.replacen(keep_host, text, 1)).unwrap().listeners.remove(0).address_mapping
    };
    assert_eq!(mapping("{ strategy: none }"), AddressMapping::None);
    let brokers = BTreeMap::from([(0, ("a".to_owned(), 9093)), (7, ("::1".to_owned(), 1))]);
    assert_eq!(
        mapping("{ strategy: table, brokers: { 0: \"a:9093\", 7: '[::1]:1' } }"),
        AddressMapping::Table { brokers: brokers.clone() }
    );
    // JSON has no keys but texts, and neither have Helm's values.
    assert_eq!(
        mapping("{ strategy: table, brokers: { '0': \"a:9093\", \"7\": '[::1]:1' } }"),
        AddressMapping::Table { brokers }
    );
    assert_eq!(
        mapping("{ strategy: keep_host, ports: { \"9092\": 9093 } }"),
        AddressMapping::KeepHost { ports: BTreeMap::from([(9092, 9093)]) }
    );
    let own_ports = AddressMapping::KeepHost { ports: BTreeMap::from([(9092, 9093)]) };
    assert_eq!(mapping("{ strategy: keep_host }"), own_ports);
    let without = DESIGNED.replacen("    address_mapping: ", "    # ", 1);
    assert_eq!(parse(&without).unwrap().listeners[0].address_mapping, own_ports);
}

#[test]
fn with_a_port_of_the_systems_choice_the_ports_must_be_written() {
    let any_port = DESIGNED.replacen("0.0.0.0:9093", "0.0.0.0:0", 1);
    assert!(parse(&any_port).is_ok());
    let without = any_port.replacen("keep_host, ports: { 9092: 9093 }", "keep_host", 1);
    assert_eq!(
        parse(&without).unwrap_err(),
        "etc/doorkeeper.yaml:12:22: with port 0 in bind the port that clients use is not known: write the ports, such as '{ strategy: keep_host, ports: { 9092: 9443 } }'"
    );
}

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

#[test]
fn a_fault_in_one_listener_does_not_hide_those_in_the_next() {
    let second = "  - { name: clients, bind: '127.0.0.1:9093', upstream: 'localhost:1', tls: { certificate_chain: a, private_key: b } }\nauthorization:";
    let text = DESIGNED.replacen("authorization:", second, 1).replacen("127.0.0.1:9092", "x", 1);
    assert_eq!(
        parse(&text).unwrap_err().replace("etc/doorkeeper.yaml:", ""),
        "5:15: 'x' names no port; write it like '127.0.0.1:9092'\n\
         13:13: another listener is called 'clients' already: give each its own name\n\
         13:28: the listener 'clients' has 0.0.0.0:9093 already: choose another port\n\
         13:76: the key 'client_ca' is missing: name the file with the certificates of the issuers whose clients are trusted, or write 'client_auth: none'"
    );
    // What stands in for a wrong name and address is no other listener's.
    let text = text.replacen("0.0.0.0:9093", "everywhere", 1).replacen("name: clients", "name: a b", 1);
    let places: Vec<String> = parse(&text)
        .unwrap_err()
        .lines()
        .map(|line| line.split(": ").next().unwrap().replace("etc/doorkeeper.yaml:", ""))
        .collect();
    assert_eq!(places, ["3:11", "4:11", "5:15", "13:76"]);
    let text = DESIGNED.replacen("authorization:", second, 1);
    assert_eq!(
        parse(&text).unwrap_err().replace("etc/doorkeeper.yaml:", ""),
        "13:13: another listener is called 'clients' already: give each its own name\n\
         13:28: the listener 'clients' has 0.0.0.0:9093 already: choose another port\n\
         13:76: the key 'client_ca' is missing: name the file with the certificates of the issuers whose clients are trusted, or write 'client_auth: none'"
    );
}

#[test]
fn what_is_risky_is_warned_of() {
    for (old, new, expected) in [
        (
            "127.0.0.1:9092",
            "kafka:9092",
            "5:15: plaintext to kafka:9092 leaves this host: anybody on the way can read and change it",
        ),
        (
            "client_auth: required",
            "client_auth: none",
            "9:18: client_ca is not used with 'client_auth: none'",
        ),
        (
            "User:admin",
            "Group:admin",
            "14:17: 'Group:admin' is nobody: the type of a principal from a certificate is 'User'",
        ),
        (
            "User:admin",
            "User:admin;User:ops",
            "14:17: 'User:admin;User:ops' is nobody: in this list each super user has an entry of its own",
        ),
        ("User:admin", "User: admin", "14:17: 'User: admin' is nobody: it has blanks around its name"),
        (
            "  acls: { file: acls.yaml }\n",
            "",
            "14:3: without 'acls' nobody but the super users may do anything",
        ),
    ] {
        assert_eq!(warnings_with(old, new)[0], expected);
    }
    for fine in ["localhost:9092", "'[::1]:9092'", "127.8.9.1:9092"] {
        assert_eq!(warnings_with("127.0.0.1:9092", fine), [""; 0]);
    }
}

#[test]
fn a_key_written_twice_in_flow_or_block_is_found_everywhere() {
    let text = format!("{DESIGNED}admin: {{ bind: 0.0.0.0:9902 }}\nlog: {{ level: info, level: debug }}\n");
    let faults = parse(&text).unwrap_err().replace("etc/doorkeeper.yaml:", "");
    assert_eq!(
        faults,
        "18:1: the key 'admin' is written twice: keep one\n19:21: the key 'level' is written twice: keep one"
    );
}

#[test]
fn multiplying_aliases_and_deep_nesting_are_refused() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for i in 1..10 {
        let previous = i - 1;
        let list = vec![format!("*a{previous}"); 10].join(", ");
        bomb.push_str(&format!("a{i}: &a{i} [{list}]\n"));
    }
    let faults = parse(&bomb).unwrap_err();
    assert!(faults.contains("multiply") || faults.contains("more than"), "{faults}");
    let deep = format!("version: {}", "[".repeat(1000));
    assert!(parse(&deep).unwrap_err().starts_with("etc/doorkeeper.yaml:1:"), "deep");
}

#[test]
fn a_long_list_of_faults_is_cut() {
    let keys: String = (0..150).map(|i| format!("unknown_{i}: 1\n")).collect();
    let faults = parse(&format!("{DESIGNED}{keys}")).unwrap_err();
    assert_eq!(faults.lines().count(), 101);
    assert!(faults.ends_with("etc/doorkeeper.yaml:118:1: 50 more from here on are not listed"), "{faults}");
}

/// Every cut and a change at every place: a fault or a configuration, and each fault with one place at most.
#[test]
fn damaged_text_never_does_worse_than_fail() {
    let ends = DESIGNED.char_indices().map(|(i, _)| i);
    for end in ends {
        drop(parse(&DESIGNED[..end]));
        let other = [":", "{", "]", "*a", "&", "\0", "!x ", "-\n", "\u{2028}", "|", "\"", "<<: "][end % 12];
        let text = format!("{}{other}{}", &DESIGNED[..end], &DESIGNED[end..]);
        if let Err(faults) = parse(&text) {
            assert!(faults.lines().all(|line| line.starts_with("etc/doorkeeper.yaml:")), "{end}: {faults}");
        }
    }
}

#[test]
fn hostile_text_in_a_value_is_shown_harmless() {
    let faults = faults_with("client_auth: required", "client_auth: \"\\e[31mred\\nline\"");
    assert_eq!(
        faults,
        "10:20: '\\u{1b}[31mred\\nline' is not known here: it is one of required, requested, none"
    );
}

#[test]
fn the_reference_has_a_row_for_every_key_of_the_designed_configuration() {
    let table = reference::markdown(schema::config_schema().as_value());
    for key in [
        "version",
        "listeners",
        "listeners[].tls.client_auth",
        "listeners[].address_mapping.ports",
        "authorization.acls.file",
        "admin.bind",
        "limits.max_frame_bytes",
    ] {
        let row = table.lines().find(|line| line.starts_with(&format!("| `{key}` |"))).expect(key);
        assert!(!row.trim_end_matches(" |").ends_with('|'), "no meaning: {row}");
    }
    for key in ["first_broker_port", "advertised_pattern", "unnamed_clients"] {
        assert!(table.contains(&format!("| `listeners[].address_mapping.{key}` |")), "{key}");
    }
    assert!(table.contains("| `limits.idle_timeout` | duration | `10m` |"), "{table}");
}

#[test]
fn every_key_has_a_meaning_and_every_default_is_what_the_code_has() {
    let table = reference::markdown(schema::config_schema().as_value());
    for row in table.lines().skip(2) {
        let cells: Vec<&str> = row.split(" | ").collect();
        assert!(cells.len() >= 4 && cells[3].len() > 3, "{row}");
    }
    let minimal = "version: 1\nlisteners: [{ name: a, bind: '127.0.0.1:1', upstream: 'localhost:2', tls: { certificate_chain: c, private_key: k, client_auth: none } }]\nauthorization: {}\n";
    let spelled = minimal.replace(
        "client_auth: none",
        "client_auth: none, handshake_timeout: 10s, min_version: TLSv1.2, cipher_suites: []",
    );
    let (a, b) = (parse(minimal).unwrap(), parse(&spelled).unwrap());
    assert_eq!(format!("{:?}", a.listeners), format!("{:?}", b.listeners));
}

#[test]
fn a_map_of_ports_that_is_turned_round_is_a_fault() {
    let with = |ports: &str| {
        let text = EXAMPLE_FOR_PORTS.replace("PORTS", ports);
        let read = Config::parse(Path::new("doorkeeper.yaml"), &text);
        read.map(|config| config.warnings.iter().map(ToString::to_string).collect::<String>())
            .map_err(|faults| faults.to_string())
    };
    let warned =
        |ports: &str| with(ports).unwrap().contains("there is no entry for 9092, the port of upstream");
    assert!(!warned("9092: 9443") && !warned("9092: 9443, 29092: 9443"));
    let turned = with("9443: 9092").unwrap_err();
    assert!(
        turned.ends_with(
            "there is no entry for 9092, the port of upstream: the broker's port comes first, and then the one that \
             clients use; write '9092: 9443'"
        ),
        "{turned}"
    );
    // A broker may advertise another port than it listens on; where brokers share a map, each does.
    assert!(warned("29092: 9443") && !warned("19092: 19443, 29092: 29443"));
}

const EXAMPLE_FOR_PORTS: &str = "\
version: 1
listeners:
  - name: clients
    bind: 0.0.0.0:9443
    upstream: 127.0.0.1:9092
    tls: { certificate_chain: c, private_key: k, client_ca: a }
    address_mapping: { strategy: keep_host, ports: { PORTS } }
    self_check: fail
authorization: { super_users: [] }
";

#[test]
fn balancers_are_addresses_and_networks() {
    let with = |from: &str| format!("bind: 0.0.0.0:9093\n    proxy_protocol: {{ from: {from} }}");
    let bind = "bind: 0.0.0.0:9093";
    let listener = |from: &str| parse(&DESIGNED.replacen(bind, &with(from), 1)).unwrap().listeners.remove(0);
    assert!(parse(DESIGNED).unwrap().listeners[0].balancers.is_empty());
    let balancers = listener("[10.0.0.0/8, 192.0.2.7, '2001:db8::/32']").balancers;
    let lies = |address: &str| balancers.iter().any(|network| network.contains(address.parse().unwrap()));
    assert!(lies("10.9.9.9") && lies("192.0.2.7") && lies("2001:db8::7") && lies("::ffff:10.0.0.1"));
    assert!(!lies("192.0.2.8") && !lies("127.0.0.1") && !lies("::1"));
    for (from, why) in [
        ("[]", "the list needs at least 1 entry"),
        ("[balancer.example.com]", "'balancer.example.com' is not an IP address or a network"),
        ("[10.0.0.0/33]", "the length of the prefix must be 0 to 32"),
        ("['fe80::1%2/64']", "is not an IP address or a network"),
    ] {
        let faults = faults_with(bind, &with(from));
        assert!(faults.contains(why), "{faults}");
    }
    for everywhere in ["0.0.0.0/0", "'::/0'"] {
        let warnings = warnings_with(bind, &with(&format!("[192.0.2.7, {everywhere}]")));
        assert!(warnings.iter().any(|warning| warning.contains("name the balancers alone")), "{warnings:?}");
    }
}
