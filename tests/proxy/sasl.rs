//! Clients that log in: what the broker hears of them, how long a login counts, and tokens by keys that change.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use doorkeeper::model::sasl::scram::{Hash, ScramCredential};
use doorkeeper::model::sasl::users::User;
use doorkeeper::process::users::entry_text;
use doorkeeper::protocol::messages::*;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::rig::broker::Broker;
use crate::rig::client::Client;
use crate::rig::door::{Door, Setup};
use crate::rig::pki::TRUSTED;
use crate::rig::until;
use crate::support::tokens::{TokenSigner, key_set};

const METADATA: i16 = 3;
const PLAIN: &str =
    "sasl: { mechanisms: [PLAIN, SCRAM-SHA-256], users: { file: users.yaml, reload_interval: 20ms } }";
const BRIEF: &str =
    "sasl: { mechanisms: [PLAIN], users: { file: users.yaml, reload_interval: 20ms }, max_reauth: 300ms }";

/// A file with these users, whose passwords are `pencil`.
fn users(names: &[&str]) -> String {
    let credential = ScramCredential::from_password(Hash::Sha256, "pencil", b"salt".to_vec(), 4096);
    let user = User { scram_sha_256: Some(credential), ..User::default() };
    names.iter().map(|name| format!("- {}\n", entry_text(name, &user))).collect()
}

async fn door(broker: &Broker, listener: &'static str) -> Door {
    let files = vec![("users.yaml", users(&["alice", "bob"]))];
    Setup { listener, files, ..Setup::new(broker.address) }.start().await
}

async fn connect(door: &Door) -> Client {
    Client::try_connect(door.address, TRUSTED.client(Some("somebody"))).await.unwrap()
}

/// Says what software it is, shakes hands, and says the token; the error code, and what is said of it.
async fn log_in(client: &mut Client, mechanism: &str, token: &[u8]) -> (i16, String) {
    let software = ApiVersionsRequest {
        client_software_name: "rig".into(),
        client_software_version: "1".into(),
        ..Default::default()
    };
    assert_eq!(client.ask(&software, 3).await.error_code, 0);
    let handshake = SaslHandshakeRequest { mechanism: mechanism.into(), ..Default::default() };
    assert_eq!(client.ask(&handshake, 1).await.error_code, 0);
    say_token(client, token).await
}

async fn say_token(client: &mut Client, token: &[u8]) -> (i16, String) {
    let auth_bytes = token.to_vec().into();
    let answer = client.ask(&SaslAuthenticateRequest { auth_bytes, ..Default::default() }, 2).await;
    (answer.error_code, answer.error_message.unwrap_or_default().to_string())
}

fn metadata() -> MetadataRequest {
    MetadataRequest { topics: Some(Vec::new()), ..Default::default() }
}

/// What clients said that the broker has heard.
fn heard(broker: &Broker) -> Vec<i16> {
    broker.seen().iter().filter(|seen| !seen.is_own()).map(|seen| seen.key).collect()
}

#[tokio::test]
async fn the_broker_hears_nothing_before_and_what_software_it_is_afterwards() {
    let broker = Broker::usual().await;
    let door = door(&broker, PLAIN).await;
    for token in [&b"\0alice\0wrong"[..], b"\0nobody\0pencil", b"nonsense"] {
        let mut client = connect(&door).await;
        assert_eq!(log_in(&mut client, "PLAIN", token).await.0, 58);
        client.assert_closed().await;
    }
    // A certificate alone is not enough here.
    let mut client = connect(&door).await;
    client.say(&metadata(), 4).await;
    client.assert_closed().await;
    door.closes("authentication_failed", 4).await;
    assert_eq!(heard(&broker), Vec::<i16>::new());
    assert_eq!(door.count("authentications_total", "plain"), 3);

    let mut client = connect(&door).await;
    assert_eq!(log_in(&mut client, "PLAIN", b"\0alice\0pencil").await, (0, String::new()));
    client.ask(&metadata(), 4).await;
    assert_eq!(heard(&broker), [18, 3]);
    let told: ApiVersionsRequest =
        broker.seen().iter().find(|seen| !seen.is_own()).unwrap().read::<ApiVersionsRequest>();
    assert_eq!(&*told.client_software_name, "rig");
    door.assert_sound();
}

#[tokio::test]
async fn a_login_that_is_not_renewed_ends_also_where_nothing_is_said() {
    let broker = Broker::usual().await;
    let door = door(&broker, BRIEF).await;
    let mut client = connect(&door).await;
    assert_eq!(log_in(&mut client, "PLAIN", b"\0alice\0pencil").await.0, 0);
    client.ask(&metadata(), 4).await;
    client.assert_closed().await;
    door.closes("session_expired", 1).await;

    // One that is renewed goes on; as somebody else it does not.
    let mut client = connect(&door).await;
    assert_eq!(log_in(&mut client, "PLAIN", b"\0alice\0pencil").await.0, 0);
    let handshake = SaslHandshakeRequest { mechanism: "PLAIN".into(), ..Default::default() };
    assert_eq!(client.ask(&handshake, 1).await.error_code, 0);
    assert_eq!(say_token(&mut client, b"\0bob\0pencil").await.0, 58);
    client.assert_closed().await;
    door.closes("authentication_failed", 1).await;
    door.assert_sound();
}

#[tokio::test]
async fn who_is_removed_is_out_and_nobody_else() {
    let broker = Broker::usual().await;
    let door = door(&broker, PLAIN).await;
    let (mut alice, mut bob) = (connect(&door).await, connect(&door).await);
    for (client, token) in [(&mut alice, b"\0alice\0pencil"), (&mut bob, b"\0bob\0pencil\0\0")] {
        let token = &token[..token.iter().rposition(|byte| *byte != 0).unwrap() + 1];
        assert_eq!(log_in(client, "PLAIN", token).await.0, 0);
        client.ask(&metadata(), 4).await;
    }
    door.write("users.yaml", "- nonsense\n");
    until(|| door.count("config_last_reload_successful", "users") == 0).await;
    alice.ask(&metadata(), 4).await;
    let (status, page) = door.get("/credentials").await;
    assert!(status == 200 && page.contains("users: 2") && page.contains("users.yaml:1:3"), "{page}");
    door.write("users.yaml", &users(&["bob", "carol"]));
    door.closes("user_removed", 1).await;
    alice.assert_closed().await;
    bob.ask(&metadata(), 4).await;
    let mut carol = connect(&door).await;
    assert_eq!(log_in(&mut carol, "PLAIN", b"\0carol\0pencil").await.0, 0);
    let mut again = connect(&door).await;
    assert_eq!(log_in(&mut again, "PLAIN", b"\0alice\0pencil").await.0, 58);
    assert_eq!(door.closed("user_removed"), 1);
    door.assert_sound();
}

/// The last message of a login by SCRAM-SHA-256 whose first was `n,,n=USER,r=client`, and the password `pencil`.
fn last_message(user: &str, challenge: &str) -> String {
    let (nonce, _) = challenge.split_once(',').unwrap();
    let without = format!("c=biws,{nonce}");
    let message = format!("n={user},r=client,{challenge},{without}");
    let mut salted = [0; 32];
    let times = std::num::NonZeroU32::new(4096).unwrap();
    aws_lc_rs::pbkdf2::derive(aws_lc_rs::pbkdf2::PBKDF2_HMAC_SHA256, times, b"salt", b"pencil", &mut salted);
    let mac = |key: &[u8], text: &[u8]| {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key);
        aws_lc_rs::hmac::sign(&key, text).as_ref().to_vec()
    };
    let key = mac(&salted, b"Client Key");
    let stored = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &key);
    let signature = mac(stored.as_ref(), message.as_bytes());
    let proof: Vec<u8> = key.iter().zip(&signature).map(|(key, signature)| key ^ signature).collect();
    format!("{without},p={}", BASE64.encode(proof))
}

/// Whoever is removed between the first and the last message of a login is out as well.
#[tokio::test]
async fn who_is_removed_in_the_middle_of_a_login_is_out() {
    let broker = Broker::usual().await;
    let door = door(&broker, PLAIN).await;
    let (mut alice, mut bob) = (connect(&door).await, connect(&door).await);
    let mut challenges = Vec::new();
    for (client, name) in [(&mut alice, "alice"), (&mut bob, "bob")] {
        let handshake = SaslHandshakeRequest { mechanism: "SCRAM-SHA-256".into(), ..Default::default() };
        assert_eq!(client.ask(&handshake, 1).await.error_code, 0);
        let auth_bytes = format!("n,,n={name},r=client").into_bytes().into();
        let answer = client.ask(&SaslAuthenticateRequest { auth_bytes, ..Default::default() }, 2).await;
        challenges.push(String::from_utf8(answer.auth_bytes.to_vec()).unwrap());
    }
    door.write("users.yaml", &users(&["bob"]));
    let removed = async || door.get("/credentials").await.1.contains("users: 1");
    while !removed().await {
        tokio::task::yield_now().await;
    }
    assert_eq!(say_token(&mut bob, last_message("bob", &challenges[1]).as_bytes()).await.0, 0);
    bob.ask(&metadata(), 4).await;
    say_token(&mut alice, last_message("alice", &challenges[0]).as_bytes()).await;
    alice.say(&metadata(), 4).await;
    alice.assert_closed().await;
    door.closes("user_removed", 1).await;
    assert_eq!(heard(&broker).iter().filter(|key| **key == METADATA).count(), 1);
    bob.ask(&metadata(), 4).await;
    door.assert_sound();
}

/// The message of a client with a token by this key that ends in a minute.
fn token(key: &TokenSigner, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut claims = json!({"iss": "https://idp.example.com", "aud": "kafka", "sub": "alice", "iat": now, "exp": now + 60});
    change(&mut claims);
    format!("n,,\u{1}auth=Bearer {}\u{1}\u{1}", key.token(&claims)).into_bytes()
}

/// A server with keys: what it says, how often it was asked, and whether it is well.
struct Issuer {
    keys: Arc<Mutex<String>>,
    asked: Arc<AtomicUsize>,
    is_well: Arc<AtomicBool>,
    port: u16,
}

impl Issuer {
    async fn start(keys: &[&TokenSigner]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = Self {
            keys: Arc::default(),
            asked: Arc::default(),
            is_well: Arc::new(AtomicBool::new(true)),
            port: listener.local_addr().unwrap().port(),
        };
        issuer.has(keys);
        let (keys, asked, is_well) = (issuer.keys.clone(), issuer.asked.clone(), issuer.is_well.clone());
        let port = issuer.port;
        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut request = [0; 1024];
                let read = socket.read(&mut request).await.unwrap();
                let request = String::from_utf8_lossy(&request[..read]).into_owned();
                assert!(request.starts_with("GET /keys HTTP/1.1\r\n"), "{request}");
                assert!(request.contains(&format!("host: 127.0.0.1:{port}\r\n")), "{request}");
                asked.fetch_add(1, Ordering::SeqCst);
                let text = keys.lock().unwrap().clone();
                let status = if is_well.load(Ordering::SeqCst) { "200 OK" } else { "503 Busy" };
                let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{text}", text.len());
                drop(socket.write_all(answer.as_bytes()).await);
            }
        });
        issuer
    }

    fn has(&self, keys: &[&TokenSigner]) {
        *self.keys.lock().unwrap() = key_set(keys).to_string();
    }
}

/// The outcome of a login with a token: a wrong one is told of first, and the client takes note of it.
async fn bearer(door: &Door, token: &[u8]) -> (i16, String) {
    let mut client = connect(door).await;
    let software = ApiVersionsRequest {
        client_software_name: "rig".into(),
        client_software_version: "1".into(),
        ..Default::default()
    };
    client.ask(&software, 3).await;
    let handshake = SaslHandshakeRequest { mechanism: "OAUTHBEARER".into(), ..Default::default() };
    client.ask(&handshake, 1).await;
    let auth_bytes = token.to_vec().into();
    let answer = client.ask(&SaslAuthenticateRequest { auth_bytes, ..Default::default() }, 2).await;
    if answer.auth_bytes.is_empty() {
        assert!((1..=60_000).contains(&answer.session_lifetime_ms), "{}", answer.session_lifetime_ms);
        client.ask(&metadata(), 4).await;
        return (answer.error_code, String::new());
    }
    assert_eq!((answer.error_code, &answer.auth_bytes[..]), (0, &br#"{"status":"invalid_token"}"#[..]));
    let told = say_token(&mut client, b"\x01").await;
    client.assert_closed().await;
    told
}

#[tokio::test]
async fn tokens_are_taken_by_the_keys_that_their_issuer_has_now() {
    let broker = Broker::usual().await;
    let key = |id| TokenSigner::new("ES256", id);
    let (old, new, foreign) = (key("old"), key("new"), key("new"));
    let issuer = Issuer::start(&[&old]).await;
    let listener = format!(
        "sasl: {{ mechanisms: [OAUTHBEARER], oauthbearer: {{ jwks: {{ url: 'http://127.0.0.1:{}/keys' }}, \
         issuer: 'https://idp.example.com', audience: [kafka] }} }}",
        issuer.port
    );
    let door = Setup { listener: listener.leak(), ..Setup::new(broker.address) }.start().await;
    until(|| door.count("config_reloads_total", "jwks") == 1).await;
    let refused = (58, r#"{"status":"invalid_token"}"#.to_owned());
    assert_eq!(bearer(&door, &token(&old, |_| {})).await, (0, String::new()));
    for wrong in [
        token(&old, |claims| claims["exp"] = json!(1000)),
        token(&old, |claims| claims["aud"] = json!("other")),
        token(&old, |claims| claims["iss"] = json!("https://evil.example.com")),
        token(&old, |claims| claims["sub"] = Value::Null),
    ] {
        assert_eq!(bearer(&door, &wrong).await, refused);
    }
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 1);
    // A key that is not known is asked for at once, and however often it is met, once.
    issuer.has(&[&old, &new]);
    assert_eq!(bearer(&door, &token(&new, |_| {})).await, (0, String::new()));
    for _ in 0..5 {
        assert_eq!(bearer(&door, &token(&key("unknown"), |_| {})).await, refused);
    }
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 2);
    assert_eq!(bearer(&door, &token(&foreign, |_| {})).await, refused);
    // An issuer that is away takes no keys with it.
    issuer.is_well.store(false, Ordering::SeqCst);
    assert_eq!(bearer(&door, &token(&old, |_| {})).await, (0, String::new()));
    assert_eq!(heard(&broker).iter().filter(|key| **key == 3).count(), 3);
    assert!(
        door.said.text().contains("which is not among the 2 of http://127.0.0.1"),
        "{}",
        door.said.text()
    );
    door.assert_sound();
}

#[tokio::test]
async fn a_connection_that_is_old_ends_when_its_requests_are_answered() {
    let broker = Broker::usual().await;
    let setup = Setup { listener: "limits: { max_connection_age: 300ms }", ..Setup::new(broker.address) };
    let door = setup.start().await;
    let mut client = Client::connect(door.address, "alice").await;
    client.ask(&metadata(), 4).await;
    client.assert_closed().await;
    door.closes("max_age", 1).await;
    door.assert_sound();
}
