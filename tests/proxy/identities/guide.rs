//! The stores that come of the procedure in Kafka's own documentation, "Security: encryption and authentication using SSL", command by
//! command: its `openssl x509 -req` is without extensions, so that all certificates but the authority's are of X.509 version 1.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::rig::broker::Broker;
use crate::rig::door::{Door, Setup};
use crate::rig::until;
use crate::support::skipped;

const PASSWORD: &str = "test1234";

/// What the guide is typed as, for a broker and a client; `$STORE` is what keytool is told of the form of stores, and everything
/// that the guide's reader is asked for is answered.
const GUIDE: &str = r#"
set -e
answers="-storepass test1234 -keypass $KEYPASS -noprompt"
keytool -keystore key-store.jks -alias broker-server -validity 3650 -genkeypair -keyalg RSA $STORE $answers -dname CN=localhost
openssl req -new -x509 -keyout ca-key -out ca-cert -days 3650 -passout pass:test1234 -subj /CN=Guide
keytool -keystore client.truststore.jks -alias CARoot -import -file ca-cert $STORE -storepass test1234 -noprompt
keytool -keystore trust-store.jks -alias CARoot -import -file ca-cert $STORE -storepass test1234 -noprompt
keytool -keystore key-store.jks -alias broker-server -certreq -file cert-file -storepass test1234 -keypass $KEYPASS
openssl x509 -req -CA ca-cert -CAkey ca-key -in cert-file -out cert-signed -days 3650 -CAcreateserial -passin pass:test1234
keytool -keystore key-store.jks -alias CARoot -import -file ca-cert -storepass test1234 -noprompt
keytool -keystore key-store.jks -alias broker-server -import -file cert-signed $answers
keytool -keystore client.keystore.jks -alias alice -validity 3650 -genkeypair -keyalg RSA $STORE -storepass test1234 -keypass test1234 -dname CN=alice
keytool -keystore client.keystore.jks -alias alice -certreq -file client-file -storepass test1234
openssl x509 -req -CA ca-cert -CAkey ca-key -in client-file -out client-signed -days 3650 -CAcreateserial -passin pass:test1234
keytool -keystore client.keystore.jks -alias CARoot -import -file ca-cert -storepass test1234 -noprompt
keytool -keystore client.keystore.jks -alias alice -import -file client-signed -storepass test1234 -noprompt
keytool -importkeystore -srckeystore client.keystore.jks -srcstorepass test1234 -destkeystore client.p12 -deststoretype pkcs12 -deststorepass test1234 -noprompt
openssl pkcs12 -in client.p12 -passin pass:test1234 -nodes -out client.pem
printf '%s\n' test1234 > store
printf '%s\n' "$KEYPASS" > key
"#;

/// The folder with what the guide makes; `None`, said aloud, where a tool is missing.
fn followed(store: &str, key_password: &str) -> Option<PathBuf> {
    for tool in ["keytool", "java", "openssl"] {
        if Command::new(tool).arg("-version").output().is_err() {
            skipped("Kafka's guide to key stores", &format!("there is no {tool}"));
            return None;
        }
    }
    let name = format!("guide-{}{}", std::process::id(), store.replace(' ', ""));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    drop(std::fs::remove_dir_all(&folder));
    std::fs::create_dir_all(&folder).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", GUIDE]).env("STORE", store).env("KEYPASS", key_password).current_dir(&folder);
    let followed = shell.output().unwrap();
    assert!(followed.status.success(), "{followed:?}");
    Some(folder)
}

/// The keys of `tls` that name these files.
fn identity(folder: &Path, more: &str) -> String {
    let folder = folder.display();
    format!(
        "keystore: {{ file: {folder}/key-store.jks, password_file: {folder}/store, alias: broker-server, \
         key_password_file: {folder}/key }}, truststore: {{ file: {folder}/trust-store.jks, password_file: \
         {folder}/store }}{more}"
    )
}

async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// A Java client with the guide's stores.
async fn java(folder: &Path, address: SocketAddr, protocol: &str) -> Output {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/StoreClient.java");
    let mut java = Command::new("java");
    java.arg(program).arg(address.port().to_string());
    java.arg(folder.join("client.keystore.jks")).arg(folder.join("client.truststore.jks"));
    java.args([PASSWORD, protocol]);
    run(java).await
}

async fn openssl(folder: &Path, address: SocketAddr, version: &str) -> Output {
    let mut openssl = Command::new("openssl");
    openssl.args(["s_client", "-verify_return_error", version, "-connect", &address.to_string(), "-CAfile"]);
    openssl.arg(folder.join("ca-cert")).arg("-cert").arg(folder.join("client.pem"));
    openssl.arg("-key").arg(folder.join("client.pem")).stdin(std::process::Stdio::null());
    run(openssl).await
}

async fn start(identity: String) -> (Broker, Door) {
    let broker = Broker::usual().await;
    let door = Setup { identity, ..Setup::new(broker.address) }.start().await;
    (broker, door)
}

async fn serves(store: &str, key_password: &str) {
    let Some(folder) = followed(store, key_password) else { return };
    let (_broker, door) = start(identity(&folder, ", allow_x509_v1: true")).await;
    for protocol in ["TLSv1.3", "TLSv1.2"] {
        let output = java(&folder, door.address, protocol).await;
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("answered 7, the server is of version 1"), "{output:?}\n{}", door.said.text());
    }
    for version in ["-tls1_3", "-tls1_2"] {
        let before = door.count("tls_handshakes_total", "ok");
        let output = openssl(&folder, door.address, version).await;
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("Verify return code: 0 (ok)"), "{output:?}");
        until(|| door.count("tls_handshakes_total", "ok") == before + 1).await;
    }
    door.assert_sound();
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn the_guides_jks_serve_its_clients() {
    serves("-storetype JKS", "key1234").await;
}

/// Without `-storetype` keytool makes PKCS#12 since Java 9, whatever the file is called; its keys have the store's password.
#[tokio::test]
async fn the_guides_pkcs12_serve_its_clients() {
    serves("", PASSWORD).await;
}

/// Who has not read of version 1 is told, on both sides.
#[tokio::test]
async fn version_1_is_refused_in_words_that_name_the_key() {
    let Some(folder) = followed("-storetype jks", PASSWORD) else { return };
    let broker = Broker::usual().await;
    let refused = Setup { identity: identity(&folder, ""), ..Setup::new(broker.address) }.faults();
    let words = "key-store.jks: the certificate of localhost is of X.509 version 1, which has no place for host names: issue it \
                 as version 3, with a subjectAltName ('openssl x509 -req' needs -extfile for that), or allow it with \
                 'allow_x509_v1: true'";
    assert!(refused.contains(words), "{refused}");

    let trust = format!(
        "certificate_chain: tls.crt, private_key: tls.key, truststore: {{ file: {0}/trust-store.jks, password_file: {0}/store }}",
        folder.display()
    );
    let (_broker, door) = start(trust).await;
    let mut openssl = Command::new("openssl");
    openssl.args(["s_client", "-tls1_2", "-connect", &door.address.to_string(), "-cert"]);
    openssl.arg(folder.join("client.pem")).arg("-key").arg(folder.join("client.pem"));
    openssl.stdin(std::process::Stdio::null());
    assert!(!run(openssl).await.status.success());
    until(|| door.count("tls_handshakes_total", "bad_cert") == 1).await;
    let words = "the certificate of CN=alice, issued by CN=Guide, is refused: it is of X.509 version 1, which says nothing of \
                 what it is for: the client needs another, issued as version 3 ('openssl x509 -req' needs -extfile for that), or \
                 tls.allow_x509_v1 must be true";
    until(|| !door.said.lines(words).is_empty()).await;

    // Who has mistaken a password is told so at the key that names it.
    std::fs::write(folder.join("wrong"), "wrong").unwrap();
    let right = format!("key_password_file: {}/key", folder.display());
    let wrong = format!("key_password_file: {}/wrong", folder.display());
    for (instead, words) in [
        (wrong.as_str(), "key-store.jks: the password is not that of the key 'broker-server'"),
        (
            "key_password_env: NO_SUCH_NAME",
            "there is no environment variable NO_SUCH_NAME: give doorkeeper one",
        ),
    ] {
        let identity = identity(&folder, ", allow_x509_v1: true").replace(&right, instead);
        let column = 11 + identity.find(instead).unwrap() + instead.find(": ").unwrap() + 3;
        let refused = Setup { identity, ..Setup::new(broker.address) }.faults();
        assert!(refused.contains(&format!("doorkeeper.yaml:7:{column}: ")), "{column}: {refused}");
        assert!(refused.contains(words), "{refused}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}
