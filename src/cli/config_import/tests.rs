use super::*;

fn of(properties: &str) -> String {
    let read = properties::read(properties).ok().unwrap();
    translated(&Broker::new("server.properties", &read)).unwrap()
}

fn refused(properties: &str) -> String {
    let read = properties::read(properties).ok().unwrap();
    translated(&Broker::new("server.properties", &read)).unwrap_err()
}

/// The result without comments, as a value.
fn value(properties: &str) -> serde_json::Value {
    serde_yaml::from_str(&of(properties)).unwrap()
}

const TLS: &str = "\
listeners=PLAINTEXT://127.0.0.1:9092,SSL://:9093
advertised.listeners=PLAINTEXT://broker.example.com:9092,SSL://broker.example.com:9093
ssl.keystore.location=/etc/kafka/keystore.jks
ssl.keystore.password=secret-one
ssl.key.password=secret-two
ssl.truststore.location=/etc/kafka/truststore.jks
ssl.truststore.password=secret-three
ssl.client.auth=required
ssl.principal.mapping.rules=RULE:^CN=(.*?),.*$/$1/L, DEFAULT
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:admin;User:CN=broker,O=Example
allow.everyone.if.no.acl.found=true
max.connections=500
max.connections.per.ip=20
connections.max.idle.ms=300000
log.dirs=/var/lib/kafka
num.io.threads=8
";

#[test]
fn a_listener_with_tls_is_taken_over_without_its_passwords() {
    let text = of(TLS);
    for secret in ["secret-one", "secret-two", "secret-three"] {
        assert!(!text.contains(secret), "{text}");
    }
    let expected = serde_json::json!({
        "version": 1,
        "listeners": [{
            "name": "ssl",
            "bind": "0.0.0.0:9093",
            "upstream": "127.0.0.1:9092",
            "tls": {
                "keystore": {
                    "file": "/etc/kafka/keystore.jks",
                    "password_file": "tls/ssl.keystore.password",
                    "key_password_file": "tls/ssl.key.password",
                },
                "truststore": { "file": "/etc/kafka/truststore.jks", "password_file": "tls/ssl.truststore.password" },
                "client_auth": "required",
            },
            "principal_mapping_rules": "RULE:^CN=(.*?),.*$/$1/L, DEFAULT",
            "address_mapping": { "strategy": "keep_host", "ports": { "9092": 9093 } },
        }],
        "authorization": {
            "super_users": ["User:admin", "User:CN=broker,O=Example"],
            "allow_everyone_if_no_acl_found": true,
            "acls": { "file": "acls.yaml" },
        },
        "limits": { "max_connections": 500, "max_connections_per_ip": 20, "idle_timeout": "5m" },
        "admin": { "bind": "127.0.0.1:9901" },
    });
    assert_eq!(value(TLS), expected);
    for line in [
        "# - tls/ssl.keystore.password: write the password there, from line 4; only doorkeeper may read it\n",
        "# - tls/ssl.key.password: write the password there, from line 5; only doorkeeper may read it\n",
        "# - take SSL out of the broker's listeners, so that its port is free for doorkeeper\n",
        "# - acls.yaml: take the ACLs over with 'kafka-acls --list | doorkeeper acls import --from kafka-acls --config FILE'\n",
        "# Left to the broker, since it is not about who comes in: log.dirs, num.io.threads.\n",
    ] {
        assert!(text.contains(line), "{line:?} in {text}");
    }
    // One password for store and key.
    let same = value(&TLS.replace("secret-two", "secret-one"));
    assert!(same["listeners"][0]["tls"]["keystore"].get("key_password_file").is_none(), "{same}");
}

#[test]
fn a_listeners_own_keys_win_as_in_kafka() {
    let own = "\
listeners=INTERNAL://127.0.0.1:9092,CLIENTS://10.0.0.7:9093,EDGE://[2001:db8::7]:9094,CONTROLLER://:9095
listener.security.protocol.map=INTERNAL:PLAINTEXT,CLIENTS:SSL,EDGE:SSL,CONTROLLER:SSL
controller.listener.names=CONTROLLER
inter.broker.listener.name=INTERNAL
ssl.keystore.type=PKCS12
ssl.keystore.location=/etc/kafka/all.p12
listener.name.edge.ssl.keystore.location=/etc/kafka/edge.p12
listener.name.edge.ssl.keystore.password=hidden
listener.name.edge.ssl.client.auth=requested
listener.name.controller.ssl.client.auth=required
listener.name.edge.ssl.principal.mapping.rules=RULE:^CN=(.*)$/$1/
ssl.truststore.location=/etc/kafka/trust.jks
";
    let value = value(own);
    let listeners = value["listeners"].as_array().unwrap();
    assert_eq!(listeners.len(), 2, "{value}");
    assert_eq!(
        listeners[0]["tls"],
        serde_json::json!({"keystore": {"file": "/etc/kafka/all.p12"}, "client_auth": "none"})
    );
    assert_eq!(
        (listeners[0]["bind"].as_str(), listeners[1]["bind"].as_str()),
        (Some("10.0.0.7:9093"), Some("[2001:db8::7]:9094"))
    );
    assert_eq!(
        listeners[1]["tls"],
        serde_json::json!({
            "keystore": {
                "file": "/etc/kafka/edge.p12",
                "password_file": "tls/listener.name.edge.ssl.keystore.password",
            },
            "truststore": { "file": "/etc/kafka/trust.jks" },
            "client_auth": "requested",
        })
    );
    assert!(listeners[0].get("principal_mapping_rules").is_none());
    assert_eq!(listeners[1]["principal_mapping_rules"], "RULE:^CN=(.*)$/$1/");
    let text = of(own);
    assert!(
        text.contains(
            "# - the listener CLIENTS asks nobody for a certificate, so that everybody is User:ANONYMOUS"
        ),
        "{text}"
    );
    let untaken = "# server.properties:10: listener.name.controller.ssl.client.auth: it is about a listener that was not taken over";
    assert!(text.contains(untaken), "{text}");
}

#[test]
fn pem_is_named_where_it_lies_and_written_to_files_where_it_stands_in_the_properties() {
    let in_files = value(
        "listeners=SSL://:9093\nssl.keystore.type=PEM\nssl.keystore.location=/k/both.pem\nssl.truststore.type=PEM\n\
         ssl.truststore.location=/k/ca.pem\nssl.client.auth=required\n",
    );
    assert_eq!(
        in_files["listeners"][0]["tls"],
        serde_json::json!({
            "certificate_chain": "/k/both.pem", "private_key": "/k/both.pem", "client_ca": "/k/ca.pem", "client_auth": "required",
        })
    );
    let inline = "listeners=SSL://:9093\nssl.keystore.type=PEM\nssl.keystore.certificate.chain=-----BEGIN ONE\n\
                  ssl.keystore.key=-----BEGIN TWO\nssl.key.password=hidden\nssl.client.auth=required\nssl.truststore.type=PEM\n\
                  ssl.truststore.certificates=-----BEGIN THREE\n";
    assert_eq!(
        value(inline)["listeners"][0]["tls"],
        serde_json::json!({
            "certificate_chain": "tls/tls.crt",
            "private_key": "tls/tls.key",
            "private_key_password_file": "tls/ssl.key.password",
            "client_ca": "tls/ca.crt",
            "client_auth": "required",
        })
    );
    let text = of(inline);
    for part in [
        "# - tls/tls.key: write the value of ssl.keystore.key there, from line 4\n",
        "# - tls/ssl.key.password: write the password there, from line 5; only doorkeeper may read it\n",
        "# - the broker has no listener without TLS for doorkeeper to connect to",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("BEGIN") && !text.contains("hidden"), "{text}");
}

const SASL: &str = "\
listeners=PLAINTEXT://:9092,SASL_SSL://:9094
ssl.keystore.location=/etc/kafka/keystore.jks
ssl.client.auth=required
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512,GSSAPI,OAUTHBEARER,PLAIN
connections.max.reauth.ms=3600000
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \\
  username=\"admin\" password=\"hidden-one\" user_admin=\"hidden-one\" user_alice=\"hidden-two\";
listener.name.sasl_ssl.oauthbearer.sasl.oauthbearer.jwks.endpoint.url=https://issuer.example.com/keys
sasl.oauthbearer.expected.issuer=https://issuer.example.com
sasl.oauthbearer.expected.audience=kafka, other
sasl.oauthbearer.sub.claim.name=client_id
sasl.oauthbearer.clock.skew.seconds=60
sasl.mechanism.inter.broker.protocol=PLAIN
";

#[test]
fn logins_are_taken_over_without_their_passwords() {
    let value = value(SASL);
    assert_eq!(
        value["listeners"][0]["sasl"],
        serde_json::json!({
            "mechanisms": ["SCRAM-SHA-512", "PLAIN", "OAUTHBEARER"],
            "required": "always",
            "users": { "file": "users.yaml" },
            "oauthbearer": {
                "jwks": { "url": "https://issuer.example.com/keys" },
                "issuer": "https://issuer.example.com",
                "audience": ["kafka", "other"],
                "principal_claim": "client_id",
                "clock_skew": "1m",
            },
            "max_reauth": "1h",
        })
    );
    // A broker's own ssl.client.auth is not for listeners with SASL.
    assert_eq!(value["listeners"][0]["tls"]["client_auth"], "none");
    let text = of(SASL);
    assert!(!text.contains("hidden"), "{text}");
    for part in [
        "# - users.yaml: the users admin, alice of PLAIN, with 'doorkeeper users'; their passwords stand in line 6\n",
        "# - users.yaml: the users of SCRAM, with their passwords, by 'doorkeeper users import' out of what",
        "# - sasl.oauthbearer.jwks.ca: the file with the authorities",
        "# server.properties:4: sasl.enabled.mechanisms: 'GSSAPI' is not spoken at the listener SASL_SSL",
        "# server.properties:13: sasl.mechanism.inter.broker.protocol: this is for logins at other brokers",
        "# server.properties:3: ssl.client.auth: every listener that was taken over has a value of its own, or has no use for it\n",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
}

#[test]
fn keys_in_a_file_are_taken_over_as_java_and_others_write_them() {
    for url in ["file:/etc/kafka/keys.json", "file:///etc/kafka/keys.json"] {
        let text = SASL.replace("https://issuer.example.com/keys", url);
        let keys = &value(&text)["listeners"][0]["sasl"]["oauthbearer"]["jwks"];
        assert_eq!(*keys, serde_json::json!({ "file": "/etc/kafka/keys.json" }));
        assert!(!of(&text).contains("jwks.ca"));
    }
}

#[test]
fn where_nobody_could_log_in_there_is_no_listener() {
    let text = of("listeners=PLAINTEXT://:9092,SASL_SSL://:9094,SASL_PLAINTEXT://:9095\n");
    assert!(text.contains("# by default: sasl.enabled.mechanisms: 'GSSAPI' is not spoken"), "{text}");
    assert!(text.contains("# server.properties:1: listeners: SASL_SSL: nobody could log in there"), "{text}");
    assert!(
        text.contains("# server.properties:1: listeners: SASL_PLAINTEXT takes logins without TLS"),
        "{text}"
    );
    assert!(!text.contains("sasl:"), "{text}");
    // Without the claims a token proves nothing.
    let half = of("listeners=SASL_SSL://:9094\nsasl.enabled.mechanisms=OAUTHBEARER\n\
                   sasl.oauthbearer.jwks.endpoint.url=https://a/keys\n");
    assert!(half.contains("OAUTHBEARER needs sasl.oauthbearer.jwks.endpoint.url"), "{half}");
    assert!(!half.contains("sasl:"), "{half}");
}

#[test]
fn a_broker_without_tls_gets_what_init_makes() {
    let value =
        value("listeners=PLAINTEXT://0.0.0.0:19092\nadvertised.listeners=PLAINTEXT://b.example.com:29092\n");
    assert_eq!(value["listeners"][0]["upstream"], "127.0.0.1:19092");
    assert_eq!(value["listeners"][0]["address_mapping"]["ports"], serde_json::json!({ "29092": 9443 }));
    assert_eq!(value["authorization"]["allow_everyone_if_no_acl_found"], false);
    let text = of("broker.id=1\n");
    for part in [
        "# - whoever reaches the broker's listener PLAINTEXT goes past doorkeeper",
        "# - the broker has no listener with TLS: 'doorkeeper init' makes the certificates",
        "The broker has no authorizer: everybody may do everything there",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn addresses_that_differ_become_a_table() {
    let listeners = "listeners=PLAINTEXT://:9092,SSL://:9093\nssl.keystore.location=/k\n\
                     advertised.listeners=PLAINTEXT://inside:9092,SSL://outside.example.com:443\n";
    let with_id = value(&format!("{listeners}node.id=7\n"));
    assert_eq!(
        with_id["listeners"][0]["address_mapping"],
        serde_json::json!({ "strategy": "table", "brokers": { "7": "outside.example.com:443" } })
    );
    let without = of(listeners);
    assert!(
        without.contains("# - clients of SSL must be told the host outside.example.com: write a table"),
        "{without}"
    );
}

#[test]
fn what_has_no_counterpart_is_named_with_its_line() {
    let text = of("listeners=PLAINTEXT://:9092,SSL://:9093\nssl.keystore.location=relative.jks\n\
                   ssl.engine.factory.class=com.example.Engine\nprincipal.builder.class=com.example.Builder\n\
                   ssl.enabled.protocols=TLSv1.1,TLSv1.3\nssl.cipher.suites=TLS_AES_128_GCM_SHA256,TLS_RSA_WITH_3DES\n\
                   ssl.principal.mapping.rules=RULE:x\nmax.connections.per.ip=0\nsuper.users=admin;User:a\n\
                   ssl.truststore.password=${file:/run/secrets:trust}\nssl.new.thing=1\n\
                   authorizer.class.name=com.example.Authorizer\nssl.client.auth=maybe\n");
    for part in [
        "# server.properties:3: ssl.engine.factory.class: a class of Java makes TLS",
        "# server.properties:4: principal.builder.class: ",
        "# server.properties:5: ssl.enabled.protocols: TLSv1.1 is not spoken",
        "# server.properties:6: ssl.cipher.suites: TLS_RSA_WITH_3DES are not served",
        "# server.properties:7: ssl.principal.mapping.rules: the mapping rules are wrong",
        "# server.properties:8: max.connections.per.ip: max_connections_per_ip is at least 1\n",
        "# server.properties:9: super.users: an entry is not written as User:name\n",
        "# server.properties:11: ssl.new.thing: doorkeeper has nothing like it: see whether you need it\n",
        "# server.properties:12: authorizer.class.name: an authorizer that is not Kafka's decides",
        "# - ssl.keystore.location (line 2) is relative to where Kafka was started",
        "# - ssl.truststore.password (line 10) is filled in by a config provider",
        "# - ssl.client.auth of the listener SSL is none of required, requested and none\n",
        "      min_version: TLSv1.3\n",
        "      cipher_suites: [\"TLS_AES_128_GCM_SHA256\"]\n",
        "  super_users: [\"User:a\"]\n",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    assert!(!text.contains("/run/secrets"), "{text}");
}

#[test]
fn what_is_no_brokers_configuration_is_refused_at_its_place() {
    for (properties, told) in [
        ("a=b\nlisteners=SSL:9093\n", "server.properties:2: listeners: 'SSL:9093' is not NAME://HOST:PORT"),
        ("listeners=SSL://:0\n", "server.properties:1: listeners: 'SSL://:0' is not NAME://HOST:PORT"),
        (
            "listeners=CLIENTS://:9093\n",
            "server.properties:1: listeners: 'CLIENTS' has no entry in listener.security.protocol.map, and is no protocol itself",
        ),
        (
            "listeners=A://:9093\nlistener.security.protocol.map=A:TLS\n",
            "server.properties:2: listener.security.protocol.map: 'A:TLS' is not NAME:PROTOCOL, with one of PLAINTEXT, SSL, \
             SASL_PLAINTEXT, SASL_SSL",
        ),
        (
            "advertised.listeners=x\n",
            "server.properties:1: advertised.listeners: 'x' is not NAME://HOST:PORT",
        ),
    ] {
        assert_eq!(refused(properties), told);
    }
}

#[test]
fn a_comment_ends_with_its_line() {
    let text = of("listeners=PLAINTEXT://:9092\nssl.x\\nversion: 2=a\nlog.d\\nadmin: x=1\n");
    assert!(
        text.lines().all(|line| !line.starts_with("version: 2") && !line.starts_with("admin: x")),
        "{text}"
    );
}
