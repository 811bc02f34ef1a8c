use super::*;
use crate::model::advertise::Mapping;
use crate::model::principal::NameKind;

mod faults;
mod principal;
mod sasl;
mod tls;

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
    let certificate = OwnCertificate::Pem {
        certificate_chain: "etc/tls/tls.crt".into(),
        private_key: "etc/tls/tls.key".into(),
        password: None,
    };
    assert_eq!(listener.tls.certificate, certificate);
    let client_ca = TrustedCertificates::Pem("etc/tls/ca.crt".into());
    assert_eq!(listener.tls.client_auth, ClientAuth::Required { client_ca });
    assert_eq!(listener.tls.handshake_timeout, Duration::from_secs(10));
    let rules = listener.principal.rules(NameKind::Subject).unwrap();
    assert_eq!(rules.apply("CN=alice,O=x").unwrap(), "alice");
    assert_eq!(listener.address_mapping, Mapping::KeepHost { ports: BTreeMap::from([(9092, 9093)]) });
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
    assert_eq!(mapping("{ strategy: none }"), Mapping::None);
    let brokers = BTreeMap::from([(0, ("a".to_owned(), 9093)), (7, ("::1".to_owned(), 1))]);
    assert_eq!(
        mapping("{ strategy: table, brokers: { 0: \"a:9093\", 7: '[::1]:1' } }"),
        Mapping::Table { brokers: brokers.clone() }
    );
    // JSON has no keys but texts, and neither have Helm's values.
    assert_eq!(
        mapping("{ strategy: table, brokers: { '0': \"a:9093\", \"7\": '[::1]:1' } }"),
        Mapping::Table { brokers }
    );
    assert_eq!(
        mapping("{ strategy: keep_host, ports: { \"9092\": 9093 } }"),
        Mapping::KeepHost { ports: BTreeMap::from([(9092, 9093)]) }
    );
    let own_ports = Mapping::KeepHost { ports: BTreeMap::from([(9092, 9093)]) };
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
