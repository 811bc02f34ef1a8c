//! Keys of a real OpenID server, which change while clients log in.

use super::dialogues::bearer_login;
use super::{ACLS, ALLOWED_URLS};
use crate::matrix::programs;
use crate::support::acls;
use crate::support::client::Client;
use crate::support::cluster::{Cluster, Settings};
use crate::support::doorkeeper::{Doorkeeper, get};
use crate::support::java::{Java, Tool};
use crate::support::kafka::{Kafka, scratch};
use crate::support::pki::{Identity, Pki};
use crate::support::ports::free_port;
use crate::support::process::{Process, wait_for};
use crate::support::{skipped, test_name};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// A server's keys are asked for every ten seconds here.
const LIMIT: Duration = Duration::from_secs(60);

/// The OpenID server.
struct OpenId {
    port: u16,
    control: SocketAddr,
    process: Process,
}

impl OpenId {
    fn start(program: &Path, identity: &Identity) -> OpenId {
        let (port, control) = (free_port(), SocketAddr::from(([127, 0, 0, 1], free_port())));
        let arguments = [
            program.display().to_string(),
            port.to_string(),
            control.port().to_string(),
            identity.key.display().to_string(),
            identity.certificate.display().to_string(),
        ];
        let log = scratch("openid").join("log");
        let process = Process::start("oidc-provider", Path::new("node"), &arguments, &log);
        let server = OpenId { port, control, process };
        wait_for("the OpenID server", LIMIT, || get(control, "/token"));
        let token = server.ask("/token");
        assert_eq!(token.split('.').count(), 3, "{token}; {}", server.process.last_words());
        server
    }

    fn ask(&self, path: &str) -> String {
        let answer = get(self.control, path).unwrap_or_default();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        assert!(
            head.starts_with("HTTP/1.1 200") && !body.is_empty(),
            "{answer} {}",
            self.process.last_words()
        );
        body.to_owned()
    }
}

/// Doorkeeper before a broker, with the tokens of this server.
fn door(cluster: &Cluster, pki: &Pki, server: &OpenId) -> Doorkeeper {
    let (address, upstream) = (SocketAddr::from(([127, 0, 0, 1], free_port())), cluster.brokers[0].plaintext);
    let identity = pki.server("doorkeeper");
    Doorkeeper::start_as(address, |folder, admin| {
        std::fs::write(folder.join("acls.yaml"), acls::yaml(ACLS)).unwrap();
        format!(
            r#"version: 1
listeners:
  - name: clients
    bind: {address}
    upstream: {upstream}
    tls: {{ certificate_chain: {certificate}, private_key: {key}, client_auth: none }}
    sasl:
      mechanisms: [OAUTHBEARER]
      oauthbearer:
        jwks: {{ url: "https://localhost:{port}/jwks", ca: {authority}, refresh_interval: 10s }}
        issuer: "https://localhost:{port}"
        audience: [kafka]
    address_mapping: {{ strategy: keep_host, ports: {{ {from}: {to} }} }}
authorization:
  super_users: ["User:admin"]
  acls: {{ file: acls.yaml }}
admin: {{ bind: {admin} }}
"#,
            certificate = identity.certificate.display(),
            key = identity.key.display(),
            authority = identity.authority.display(),
            port = server.port,
            from = upstream.port(),
            to = address.port(),
        )
    })
}

#[test]
fn keys_of_an_openid_server_change_while_clients_log_in() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    let program = match programs::installed_node("sasl/openid", "server.mjs") {
        Ok(program) => program,
        Err(why) => return skipped(&test_name(), &why),
    };
    let pki = Pki::new(&scratch("pki"));
    let server = OpenId::start(&program, &pki.server("issuer"));
    let cluster = Cluster::start(kafka, &Settings::plaintext(1));
    cluster.create_topics(&["sasl"], 1);
    let door = door(&cluster, &pki, &server);
    let identity = pki.client("nobody");
    let is_taken = |token: &str| {
        let mut client = Client::anonymous(&cluster.schemas, door.address, &identity).unwrap();
        bearer_login(&mut client, token)
    };
    let first = server.ask("/token");
    wait_for("the first keys", LIMIT, || is_taken(&first).then_some(()));

    let (current, stop, logins) = (Mutex::new(first.clone()), AtomicBool::new(false), AtomicUsize::new(0));
    let refused = std::thread::scope(|scope| {
        let others = scope.spawn(|| {
            let mut refused = 0;
            while !stop.load(Ordering::Relaxed) {
                let token = current.lock().unwrap().clone();
                refused += usize::from(!is_taken(&token));
                logins.fetch_add(1, Ordering::Relaxed);
            }
            refused
        });
        // A key that is not known yet is asked for at once.
        server.ask("/sign?second");
        let second = server.ask("/token");
        assert!(is_taken(&second), "{}", door.process.last_words());
        assert!(is_taken(&first), "the old one is there still");
        *current.lock().unwrap() = second.clone();
        // One that is gone is gone when the keys have been asked for again.
        server.ask("/drop?first");
        wait_for("the end of the first key", LIMIT, || (!is_taken(&first)).then_some(()));
        assert!(is_taken(&second));
        let before = logins.load(Ordering::Relaxed);
        wait_for("more logins", LIMIT, || (logins.load(Ordering::Relaxed) > before + 5).then_some(()));
        stop.store(true, Ordering::Relaxed);
        others.join().unwrap()
    });
    assert_eq!(refused, 0, "of {} logins; {}", logins.load(Ordering::Relaxed), door.process.last_words());

    // Kafka's own client asks the server for its token itself.
    let security = "org.apache.kafka.common.security.oauthbearer";
    let (authority, port) = (pki.authority().display().to_string(), server.port);
    let settings = format!(
        "security.protocol=SASL_SSL\nssl.truststore.type=PEM\nssl.truststore.location={authority}\n\
         sasl.mechanism=OAUTHBEARER\nsasl.login.callback.handler.class={security}.OAuthBearerLoginCallbackHandler\n\
         sasl.oauthbearer.token.endpoint.url=https://localhost:{port}/token\n\
         sasl.jaas.config={security}.OAuthBearerLoginModule required clientId=\"alice\" clientSecret=\"alice-secret\" \
         ssl.truststore.type=\"PEM\" ssl.truststore.location=\"{authority}\";\n"
    );
    let java = Java::with_properties(kafka, &format!("localhost:{}", door.address.port()), &settings)
        .with_jvm(&format!("{ALLOWED_URLS}=https://localhost:{port}/token"));
    // It warns of the place of its settings, which has moved in 4.1.
    java.tool(Tool::ConsoleProducer, &["--topic", "sasl"], b"by a server's token\n").succeeded();
    let arguments = ["--topic", "sasl", "--partition", "0", "--offset", "earliest", "--max-messages", "1"];
    let consumed = java.tool(Tool::ConsoleConsumer, &arguments, b"").succeeded();
    assert!(consumed.text().contains("by a server's token"), "{}", consumed.all());
}
