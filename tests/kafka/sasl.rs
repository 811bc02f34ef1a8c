//! SASL: the same bytes to Kafka's own `SASL_SSL` listener and to doorkeeper, and stock clients that log in.

mod clients;
mod dialogues;
mod imported;
mod openid;
mod rotation;

use dialogues::Issuer;

use crate::support::acls::Operation::{Describe, Read, Write};
use crate::support::acls::Resource::{Group, Topic};
use crate::support::acls::{self, Acl, allow};
use crate::support::client::Client;
use crate::support::cluster::{Cluster, Settings};
use crate::support::doorkeeper::Doorkeeper;
use crate::support::java::{Java, Tool, run};
use crate::support::kafka::{Kafka, scratch};
use crate::support::kcat::Kcat;
use crate::support::pki::{Identity, MAPPING_RULES, Pki};
use crate::support::ports::free_port;
use crate::support::process::wait_for;
use crate::support::{skipped, test_name};
use serde_json::json;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How long a login counts on both sides, in milliseconds.
pub const LIFETIME: i64 = 3_600_000;

/// The property of a JVM that says which addresses Kafka may ask for keys and tokens.
const ALLOWED_URLS: &str = "-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls";

const ACLS: &[Acl] = &[
    allow("User:alice", Topic("sasl"), &[Read, Write, Describe]),
    allow("User:alice", Group("sasl"), &[Read]),
    allow("User:bob", Topic("sasl"), &[Read, Write, Describe]),
    allow("User:bob", Group("sasl"), &[Read]),
    allow("User:carol", Topic("sasl"), &[Describe]),
    allow("User:mtls", Topic("sasl"), &[Describe]),
];

/// Users of both sides, their passwords, and for what mechanism.
pub const USERS: &[(&str, &str, &str)] = &[
    ("alice", "pencil", "SCRAM-SHA-256"),
    ("alice", "pencil", "SCRAM-SHA-512"),
    ("carol", "c4rol,=x", "SCRAM-SHA-512"),
    ("bob", "s3cret", "PLAIN"),
    ("dora", "dora-secret", "PLAIN"),
];

/// Kafka's own listener with SASL.
fn oracle(kafka: &Kafka, pki: &Pki, issuer: &Issuer) -> Cluster {
    let scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
    let plain = "org.apache.kafka.common.security.plain.PlainLoginModule required user_bob=\"s3cret\" user_dora=\"dora-secret\";";
    let oauth = "org.apache.kafka.common.security.oauthbearer";
    let keys = format!("file:{}", issuer.keys.display());
    let settings = Settings::oracle(pki).with_jvm(&format!("{ALLOWED_URLS}={keys}")).with(&[
        "listener.security.protocol.map=SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "sasl.enabled.mechanisms=SCRAM-SHA-512,SCRAM-SHA-256,PLAIN,OAUTHBEARER",
        &format!("listener.name.ssl.scram-sha-256.sasl.jaas.config={scram}"),
        &format!("listener.name.ssl.scram-sha-512.sasl.jaas.config={scram}"),
        &format!("listener.name.ssl.plain.sasl.jaas.config={plain}"),
        &format!("listener.name.ssl.oauthbearer.sasl.jaas.config={oauth}.OAuthBearerLoginModule required;"),
        &format!(
            "listener.name.ssl.oauthbearer.sasl.server.callback.handler.class={oauth}.OAuthBearerValidatorCallbackHandler"
        ),
        &format!("sasl.oauthbearer.jwks.endpoint.url={keys}"),
        &format!("sasl.oauthbearer.expected.issuer={}", dialogues::ISSUER),
        &format!("sasl.oauthbearer.expected.audience={}", dialogues::AUDIENCE),
        &format!("connections.max.reauth.ms={LIFETIME}"),
        "connection.failed.authentication.delay.ms=1",
    ]);
    let cluster = Cluster::start(kafka, &settings);
    acls::create(&mut cluster.client(), ACLS);
    for (user, password, mechanism) in USERS {
        let Some((number, function)) = scram_of(mechanism) else { continue };
        let salt = b"salt of a test";
        let salted = dialogues::salted(function, password, salt, 4096);
        let upsertion = json!({"name": user, "mechanism": number, "iterations": 4096,
            "salt": crate::support::schema::hex(salt), "saltedPassword": crate::support::schema::hex(&salted)});
        let altered = cluster
            .client()
            .call("AlterUserScramCredentials", 0, &json!({"deletions": [], "upsertions": [upsertion]}))
            .body();
        assert_eq!(altered["results"][0]["errorCode"], 0, "{altered}");
        wait_for("the user", Duration::from_secs(30), || {
            let asked = json!({"users": [{"name": user}]});
            let told = cluster.client().call("DescribeUserScramCredentials", 0, &asked).body();
            let infos = told["results"][0]["credentialInfos"].as_array().cloned().unwrap_or_default();
            infos.iter().any(|info| info["mechanism"] == number).then_some(())
        });
    }
    cluster
}

fn scram_of(mechanism: &str) -> Option<(i64, dialogues::Function)> {
    match mechanism {
        "SCRAM-SHA-256" => Some((1, dialogues::SHA_256)),
        "SCRAM-SHA-512" => Some((2, dialogues::SHA_512)),
        _ => None,
    }
}

/// A bare Kafka, and doorkeeper with the same users before it.
struct Behind {
    cluster: Cluster,
    doorkeeper: Doorkeeper,
    pki: Pki,
    issuer: Issuer,
}

/// Runs `doorkeeper users`, with this on its standard input.
fn users_command(folder: &Path, arguments: &[&str], input: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorkeeper"));
    command.arg("users").args(arguments).arg("--file").arg(folder.join("users.yaml"));
    run(&mut command, "doorkeeper users", input.as_bytes(), Duration::from_secs(60)).succeeded().text()
}

impl Behind {
    fn start(kafka: &Kafka, required: &str) -> Behind {
        let (pki, issuer) = (Pki::new(&scratch("pki")), Issuer::new());
        let cluster = Cluster::start(kafka, &Settings::plaintext(1));
        let (address, upstream) =
            (SocketAddr::from(([127, 0, 0, 1], free_port())), cluster.brokers[0].plaintext);
        let identity = pki.server("doorkeeper");
        let doorkeeper = Doorkeeper::start_as(address, |folder, admin| {
            std::fs::write(folder.join("acls.yaml"), acls::yaml(ACLS)).unwrap();
            for (user, password, mechanism) in USERS {
                let arguments = ["set", user, "--mechanism", mechanism, "--iterations", "4096"];
                users_command(folder, &arguments, password);
            }
            format!(
                r#"version: 1
listeners:
  - name: clients
    bind: {address}
    upstream: {upstream}
    tls:
      certificate_chain: {certificate}
      private_key: {key}
      client_ca: {authority}
      client_auth: requested
    sasl:
      mechanisms: [SCRAM-SHA-512, SCRAM-SHA-256, PLAIN, OAUTHBEARER]
      required: {required}
      oauthbearer: {{ jwks: {{ file: {keys} }}, issuer: "{issuer}", audience: [{audience}] }}
      users: {{ file: users.yaml }}
      max_reauth: 1h
    principal_mapping_rules: "{MAPPING_RULES}"
    address_mapping: {{ strategy: keep_host, ports: {{ {from}: {to} }} }}
authorization:
  super_users: ["User:admin"]
  acls: {{ file: acls.yaml }}
admin: {{ bind: {admin} }}
"#,
                keys = issuer.keys.display(),
                issuer = dialogues::ISSUER,
                audience = dialogues::AUDIENCE,
                certificate = identity.certificate.display(),
                key = identity.key.display(),
                authority = identity.authority.display(),
                from = upstream.port(),
                to = address.port(),
            )
        });
        Behind { cluster, doorkeeper, pki, issuer }
    }

    fn bootstrap(&self) -> String {
        format!("localhost:{}", self.doorkeeper.address.port())
    }

    fn properties(&self, mechanism: &str, user: &str, password: &str) -> String {
        client_properties(&self.pki.authority(), mechanism, user, password)
    }

    fn kcat(&self, mechanism: &str, user: &str, password: &str) -> Option<Kcat> {
        let settings = [
            "security.protocol=sasl_ssl".to_owned(),
            format!("ssl.ca.location={}", self.pki.authority().display()),
            format!("sasl.mechanism={mechanism}"),
            format!("sasl.username={user}"),
            format!("sasl.password={password}"),
        ];
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        Some(Kcat::new(&self.bootstrap(), None)?.with(&settings))
    }

    fn anonymous(&self) -> Client {
        let identity: Identity = self.pki.client("nobody");
        Client::anonymous(&self.cluster.schemas, self.doorkeeper.address, &identity).unwrap()
    }
}

/// What a Java client needs to log in.
fn client_properties(authority: &Path, mechanism: &str, user: &str, password: &str) -> String {
    let module = match mechanism {
        "PLAIN" => "org.apache.kafka.common.security.plain.PlainLoginModule",
        _ => "org.apache.kafka.common.security.scram.ScramLoginModule",
    };
    format!(
        "security.protocol=SASL_SSL\nssl.truststore.type=PEM\nssl.truststore.location={}\nsasl.mechanism={mechanism}\n\
         sasl.jaas.config={module} required username=\"{user}\" password=\"{password}\";\n",
        authority.display()
    )
}

/// Every dialogue comes to the same at both; those that may differ say so.
#[test]
fn the_same_bytes_come_to_the_same() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    // The tools and the wire of before are the matrix' business.
    if kafka.at_least(3, 9) {
        compare(kafka);
    }
}

/// The line of Kafka before 4 judges as well, and is what is behind doorkeeper.
#[test]
fn the_same_bytes_come_to_the_same_at_kafka_3_9() {
    match Kafka::of_version("3.9.2") {
        Ok(kafka) => compare(&kafka),
        Err(why) => skipped(&test_name(), &why),
    }
}

/// Holds every dialogue with Kafka's own listener, and with doorkeeper before a bare Kafka of the same version.
fn compare(kafka: &Kafka) {
    let behind = Behind::start(kafka, "always");
    let pki = Pki::new(&scratch("pki"));
    let oracle = oracle(kafka, &pki, &behind.issuer);
    oracle.create_topics(&["sasl"], 1);
    behind.cluster.create_topics(&["sasl"], 1);
    let certificate = pki.client("nobody");
    let at_kafka = || {
        let identity = &certificate;
        Client::tls(&oracle.schemas, oracle.brokers[0].tls.unwrap(), identity).unwrap()
    };
    let compare = |dialogue: &dialogues::Dialogue| {
        let expected = dialogue.hold(&mut at_kafka());
        let found = dialogue.hold(&mut behind.anonymous());
        let name = &dialogue.name;
        let as_intended = match &dialogue.here {
            Some(here) => found.last().is_some_and(|last| last.contains(here)) && expected != found,
            None => expected == found,
        };
        (!as_intended).then(|| format!("{name}:\n  Kafka {expected:#?}\n  here  {found:#?}"))
    };
    // Many at once: both hold the answer to a failed login back.
    let (all, next) = (dialogues::all(&behind.issuer), AtomicUsize::new(0));
    let take = || {
        let taken = std::iter::from_fn(|| all.get(next.fetch_add(1, Ordering::Relaxed)));
        taken.filter_map(&compare).collect::<Vec<_>>()
    };
    let different: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(take)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    println!("{} dialogues with Kafka {}", all.len(), kafka.version);
    let last_words = behind.doorkeeper.process.last_words();
    assert!(different.is_empty(), "{} differ\n{}\n{last_words}", different.len(), different.join("\n"));
}

/// Kafka's own client logs in by a token that it reads from where it is told, and says itself when it is refused.
#[test]
fn java_logs_in_by_token() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    let behind = Behind::start(kafka, "always");
    behind.cluster.create_topics(&["sasl"], 1);
    let java = |token: &str| {
        let file = scratch("token").join("token.jwt");
        std::fs::write(&file, token).unwrap();
        let module = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule";
        let handler = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler";
        let settings = format!(
            "security.protocol=SASL_SSL\nssl.truststore.type=PEM\nssl.truststore.location={}\nsasl.mechanism=OAUTHBEARER\n\
             sasl.jaas.config={module} required;\nsasl.login.callback.handler.class={handler}\n\
             sasl.oauthbearer.token.endpoint.url=file:{}\n",
            behind.pki.authority().display(),
            file.display(),
        );
        Java::with_properties(kafka, &behind.bootstrap(), &settings)
            .with_jvm(&format!("{ALLOWED_URLS}=file:{}", file.display()))
            .with_jvm(&format!("-Dorg.apache.kafka.sasl.oauthbearer.allowed.files={}", file.display()))
    };
    let alice = java(&behind.issuer.token_of("alice"));
    let produced = alice.tool(Tool::ConsoleProducer, &["--topic", "sasl"], b"by token\n");
    assert_eq!(produced.stderr.trim(), "", "the producer complains");
    let arguments = ["--topic", "sasl", "--group", "sasl", "--from-beginning", "--max-messages", "1"];
    let consumed = alice.tool(Tool::ConsoleConsumer, &arguments, b"").succeeded();
    assert!(consumed.text().contains("by token"), "{}", consumed.all());
    let refused = java(&behind.issuer.expired()).tool(Tool::Topics, &["--list"], b"");
    let told = r#"SaslAuthenticationException: {"status":"invalid_token"}"#;
    assert!(refused.all().contains(told), "{}", refused.all());
}

/// Java's and librdkafka's clients log in by each mechanism, do what they may, and say themselves what is wrong.
#[test]
fn stock_clients_log_in() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    let behind = Behind::start(kafka, "without_certificate");
    behind.cluster.create_topics(&["sasl"], 1);
    let bootstrap = behind.bootstrap();
    let mut count = 0;
    for (user, password, mechanism) in [
        ("alice", "pencil", "SCRAM-SHA-512"),
        ("alice", "pencil", "SCRAM-SHA-256"),
        ("bob", "s3cret", "PLAIN"),
    ] {
        let line = format!("by {mechanism}\n");
        let java = Java::with_properties(kafka, &bootstrap, &behind.properties(mechanism, user, password));
        let produced = java.tool(Tool::ConsoleProducer, &["--topic", "sasl"], line.as_bytes());
        assert_eq!(produced.stderr.trim(), "", "the producer complains");
        count += 1;
        let most = count.to_string();
        let arguments =
            ["--topic", "sasl", "--partition", "0", "--offset", "earliest", "--max-messages", &most];
        let consumed = java.tool(Tool::ConsoleConsumer, &arguments, b"").succeeded();
        assert!(consumed.text().contains(line.trim()), "{mechanism}: {}", consumed.all());
        let wrong = Java::with_properties(kafka, &bootstrap, &behind.properties(mechanism, user, "wrong"));
        let refused = wrong.tool(Tool::Topics, &["--list"], b"");
        assert!(refused.all().contains("SaslAuthenticationException"), "{mechanism}: {}", refused.all());
        if let Some(kcat) = behind.kcat(mechanism, user, password) {
            let line = format!("kcat by {mechanism}\n");
            kcat.run(&["-P", "-t", "sasl"], line.as_bytes()).succeeded();
            count += 1;
            let consumed = kcat.run(&["-C", "-t", "sasl", "-o", "-1", "-c", "1", "-e"], b"").succeeded();
            assert_eq!(consumed.text(), line, "{mechanism}");
            let wrong = behind.kcat(mechanism, user, "wrong").unwrap();
            let refused = wrong.run(&["-L", "-m", "5"], b"");
            assert!(refused.all().contains("authentication"), "{mechanism}: {}", refused.all());
        }
    }
    // Whoever has a certificate need not log in here, and is who it says.
    let certificate = Java::new(kafka, &bootstrap, Some(&behind.pki.client("mtls")));
    let listed = certificate.tool(Tool::Topics, &["--list"], b"").succeeded();
    assert_eq!(listed.text().trim(), "sasl", "{}", listed.all());
}

/// The stock tool makes a user, who logs in at once, and takes it away again, which ends its connection.
#[test]
fn kafka_configs_keeps_the_users() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    let behind = Behind::start(kafka, "without_certificate");
    behind.cluster.create_topics(&["sasl"], 1);
    let admin = Java::new(kafka, &behind.bootstrap(), Some(&behind.pki.client("admin")));
    let entity = |arguments: &[&str]| {
        let arguments = [arguments, &["--entity-type", "users", "--entity-name", "erin"]].concat();
        admin.tool(Tool::Configs, &arguments, b"")
    };
    let password = "SCRAM-SHA-512=[iterations=8192,password=erin-secret]";
    let altered = entity(&["--alter", "--add-config", password]).succeeded();
    assert!(altered.text().contains("Completed updating config for user erin"), "{}", altered.all());
    let described = entity(&["--describe"]).succeeded();
    assert!(described.text().contains("SCRAM-SHA-512=iterations=8192"), "{}", described.all());
    let text = std::fs::read_to_string(behind.doorkeeper.folder.join("users.yaml")).unwrap();
    assert!(text.contains("user: \"erin\"") && !text.contains("erin-secret"), "{text}");

    let mut erin = behind.anonymous();
    let logged_in = dialogues::log_in(&mut erin, dialogues::SHA_512, "SCRAM-SHA-512", "erin", "erin-secret");
    assert!(logged_in.last().unwrap().contains("\"errorCode\":0"), "{logged_in:?}");
    let metadata = json!({"topics": [], "allowAutoTopicCreation": false});
    erin.call("Metadata", 4, &metadata).body();
    let deleted = entity(&["--alter", "--delete-config", "SCRAM-SHA-512"]).succeeded();
    assert!(deleted.text().contains("Completed updating config for user erin"), "{}", deleted.all());
    wait_for("the end of erin's connection", Duration::from_secs(10), || {
        behind.doorkeeper.metrics().contains("reason=\"user_removed\"} 1\n").then_some(())
    });
    let again = dialogues::log_in(
        &mut behind.anonymous(),
        dialogues::SHA_512,
        "SCRAM-SHA-512",
        "erin",
        "erin-secret",
    );
    assert!(again.last().unwrap().contains("\"errorCode\":58"), "{again:?}");
    let gone = entity(&["--alter", "--delete-config", "SCRAM-SHA-512"]);
    assert!(gone.all().contains("does not exist") || gone.all().contains("invalid"), "{}", gone.all());
}
