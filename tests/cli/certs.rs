//! `doorkeeper certs`: what it makes is taken by doorkeeper, OpenSSL and Java, and what it refuses.

mod inspect;
mod renew;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, date_time_ymd};
use serde_json::Value;

use super::commands::{Said, doorkeeper};
use crate::support::kafka::scratch;
use crate::support::skipped;

/// A new folder with an authority in `ca`.
fn folder() -> PathBuf {
    let folder = scratch("certs");
    made(&folder, &["ca"]);
    folder
}

/// Runs `certs` with these arguments, which must work.
fn made(folder: &Path, arguments: &[&str]) -> String {
    let said = certs(folder, arguments);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{arguments:?}: {said:?}");
    said.out
}

fn certs(folder: &Path, arguments: &[&str]) -> Said {
    doorkeeper(folder, &[&["certs"], arguments].concat())
}

/// What a foreign program says; nothing, said aloud, where there is no such program.
fn foreign(folder: &Path, program: &str, arguments: &[&str]) -> Option<String> {
    match Command::new(program).args(arguments).current_dir(folder).output() {
        Ok(ran) => {
            let said =
                [ran.stdout, ran.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
            assert!(ran.status.success(), "{program} {arguments:?}: {said}");
            Some(said)
        }
        Err(error) => {
            skipped(&crate::support::test_name(), &format!("{program} cannot be run ({error})"));
            None
        }
    }
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn openssl_takes_what_is_made_of_every_kind_of_key() {
    for key in ["p-256", "p-384", "p-521", "rsa-2048", "ed25519"] {
        let folder = scratch("certs");
        made(&folder, &["ca", "--key", key, "--name", "Example CA", "--organization", "Example"]);
        made(
            &folder,
            &["server", "--key", key, "--host", "broker.example.com", "--host", "192.0.2.7", "--pkcs12"],
        );
        made(&folder, &["client", "alice", "--key", key, "--organization", "Example"]);
        let Some(said) = foreign(
            &folder,
            "openssl",
            &["verify", "-x509_strict", "-CAfile", "ca/ca.crt", "tls/tls.crt", "clients/alice/client.crt"],
        ) else {
            return;
        };
        assert_eq!(said, "tls/tls.crt: OK\nclients/alice/client.crt: OK\n");
        for private in ["ca/ca.key", "tls/tls.key", "clients/alice/client.key", "clients/alice/client.pem"] {
            foreign(&folder, "openssl", &["pkey", "-in", private, "-noout", "-check"]);
        }
        let server = foreign(&folder, "openssl", &["x509", "-in", "tls/tls.crt", "-noout", "-text"]).unwrap();
        for part in [
            "DNS:broker.example.com, IP Address:192.0.2.7",
            "TLS Web Server Authentication",
            "Digital Signature",
            "Authority Key Identifier",
            "CA:FALSE",
        ] {
            assert!(server.contains(part), "{key}: {part}: {server}");
        }
        assert_eq!(server.contains("Key Encipherment"), key.starts_with("rsa"), "{server}");
        for (store, password) in
            [("tls/tls.p12", "tls/password"), ("clients/alice/client.p12", "clients/alice/password")]
        {
            let password = format!("file:{password}");
            foreign(&folder, "openssl", &["pkcs12", "-in", store, "-passin", &password, "-nodes"]);
        }
    }
}

#[test]
fn java_takes_the_stores() {
    for key in ["p-256", "rsa-2048", "ed25519"] {
        let folder = folder();
        made(&folder, &["client", "alice", "--key", key, "--organization", "Example"]);
        let password = text(&folder.join("clients/alice/password"));
        let list = |store: &str| {
            let arguments =
                ["-J-Duser.language=en", "-list", "-v", "-keystore", store, "-storepass", password.trim()];
            foreign(&folder, "keytool", &arguments)
        };
        let Some(own) = list("clients/alice/client.p12") else { return };
        for part in [
            "Alias name: alice",
            "PrivateKeyEntry",
            "Certificate chain length: 2",
            "Owner: CN=alice, O=Example",
        ] {
            assert!(own.contains(part), "{key}: {part}: {own}");
        }
        let trusted = list("clients/alice/truststore.p12").unwrap();
        assert!(
            trusted.contains("trustedCertEntry") && trusted.contains("Owner: CN=Doorkeeper CA"),
            "{trusted}"
        );
    }
}

#[test]
fn keys_and_passwords_are_for_their_owner_alone() {
    let folder = folder();
    made(&folder, &["server", "--host", "localhost", "--pkcs12"]);
    made(&folder, &["client", "alice", "--bootstrap", "broker.example.com:9443"]);
    let secret =
        ["client.key", "client.pem", "client.p12", "truststore.p12", "password", "client.properties"];
    let secret = secret.map(|name| format!("clients/alice/{name}"));
    for path in
        secret.iter().map(String::as_str).chain(["ca/ca.key", "tls/tls.key", "tls/tls.p12", "tls/password"])
    {
        assert_eq!(mode(&folder.join(path)), 0o600, "{path}");
    }
    for path in ["ca", "tls", "clients", "clients/alice"] {
        assert_eq!(mode(&folder.join(path)), 0o700, "{path}");
    }
    // What is public has no secret in it.
    let password = text(&folder.join("clients/alice/password"));
    for name in ["client.crt", "ca.crt", "kcat.conf", "client.py"] {
        let text = text(&folder.join("clients/alice").join(name));
        assert!(!text.contains(password.trim()) && !text.contains("PRIVATE KEY"), "{name}");
    }
    assert!(password.trim().len() == 24, "{}", password.len());
}

#[test]
fn a_password_may_come_from_a_file() {
    let folder = folder();
    fs::write(folder.join("secret"), "correct horse\nignored\n").unwrap();
    made(&folder, &["client", "alice", "--password-file", "secret"]);
    assert_eq!(text(&folder.join("clients/alice/password")), "correct horse\n");
    foreign(
        &folder,
        "openssl",
        &["pkcs12", "-in", "clients/alice/client.p12", "-passin", "file:secret", "-nodes"],
    );
    for (wrong, told) in [
        ("short\n", "secret: the password has fewer than 6 characters, which keytool refuses\n"),
        ("", "secret: the password has fewer than 6 characters, which keytool refuses\n"),
        (
            "gr\u{fc}\u{df}gott\n",
            "secret: the password has characters beyond ASCII, which programs read differently: use letters and digits\n",
        ),
    ] {
        fs::write(folder.join("secret"), wrong).unwrap();
        let said = certs(&folder, &["client", "bob", "--password-file", "secret"]);
        assert_eq!((said.code, said.err.as_str(), said.out.as_str()), (1, told, ""));
    }
    let said = certs(&folder, &["client", "bob", "--password-file", "nothing"]);
    assert!(said.code == 1 && said.err.starts_with("nothing: there is no such file"), "{said:?}");
    assert!(!folder.join("clients/bob").exists());
}

#[test]
fn what_cannot_be_made_is_wrong_usage() {
    let folder = folder();
    for (arguments, told) in [
        (&["client", "alice", "--days", "398"][..], "398 is not in 1..=397"),
        (&["server", "--host", "a", "--days", "0"], "0 is not in 1..=397"),
        (&["ca", "--days", "20000"], "20000 is not in 1..=18250"),
        (&["server"], "--host <HOST>"),
        (&["server", "--host", "broker.example.com:9443"], "'broker.example.com:9443' is no host"),
        (&["server", "--host", "a", "--key", "dsa"], "p-256"),
        (&["client", "al/ice"], "write a name of letters, digits"),
        (&["client", "-"], "write a name of letters, digits"),
        (&["client", "a", "--organization", ""], "write a name that is not empty"),
        (&["client", "a", "--bootstrap", "broker"], "'broker' names no port"),
        (&["inspect", "ca/ca.crt", "--rules", "RULE:x"], "the mapping rules are wrong"),
    ] {
        let said = certs(&folder, arguments);
        assert!(said.code == 2 && said.err.contains(told), "{arguments:?}: {said:?}");
    }
}

#[test]
fn nothing_is_overwritten_unless_that_is_meant() {
    let folder = folder();
    made(&folder, &["client", "alice"]);
    let before = text(&folder.join("clients/alice/client.crt"));
    let authority = text(&folder.join("ca/ca.crt"));
    for (arguments, first) in [(&["client", "alice"][..], "clients/alice/ca.crt"), (&["ca"], "ca/ca.crt")] {
        let said = certs(&folder, arguments);
        let told = format!("{first} is there already: name another folder, or overwrite it with --force\n");
        assert_eq!((said.code, said.err.as_str()), (1, told.as_str()));
    }
    assert_eq!(text(&folder.join("clients/alice/client.crt")), before);
    made(&folder, &["client", "alice", "--force"]);
    assert_ne!(text(&folder.join("clients/alice/client.crt")), before);
    made(&folder, &["ca", "--force"]);
    assert_ne!(text(&folder.join("ca/ca.crt")), authority);
}

/// An authority, or none, in `name.crt` and `name.key`.
fn other(folder: &Path, name: &str, change: impl FnOnce(&mut CertificateParams)) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    fs::write(folder.join(format!("{name}.crt")), params.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
}

#[test]
fn an_authority_must_be_one() {
    let folder = folder();
    other(&folder, "right", |_| {});
    other(&folder, "leaf", |params| params.is_ca = IsCa::ExplicitNoCa);
    other(&folder, "old", |params| params.not_after = date_time_ymd(2001, 1, 1));
    let two = text(&folder.join("ca/ca.crt")) + &text(&folder.join("right.crt"));
    fs::write(folder.join("two.crt"), two).unwrap();
    let client = |ca: &str, key: &str| certs(&folder, &["client", "alice", "--ca", ca, "--ca-key", key]);
    for (ca, key, told) in [
        (
            "leaf.crt",
            "leaf.key",
            "leaf.crt: it is no authority's certificate: its basicConstraints say that it is no authority's (CA:FALSE)\n",
        ),
        (
            "old.crt",
            "old.key",
            "old.crt: the authority's certificate is not valid now: make a new authority\n",
        ),
        ("right.crt", "ca/ca.key", "ca/ca.key: the key does not fit the certificate in right.crt\n"),
        (
            "two.crt",
            "right.key",
            "two.crt: there are 2 certificates in it: name a file with the authority's own alone\n",
        ),
        ("right.key", "right.key", "right.key: there is no certificate in it but 'PRIVATE KEY'\n"),
        ("right.crt", "right.crt", "right.crt: there is no private key in it but 'CERTIFICATE'\n"),
        ("nothing.crt", "right.key", "nothing.crt: there is no such file\n"),
    ] {
        let said = client(ca, key);
        assert_eq!((said.code, said.err.as_str(), said.out.as_str()), (1, told, ""), "{ca} {key}");
    }
    assert!(!folder.join("clients").exists());
    assert_eq!(client("right.crt", "right.key").code, 0, "one from elsewhere does as well");
    // It ends first: what it makes ends with it.
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let tomorrow = date_time_ymd(1970, 1, 1) + since + std::time::Duration::from_secs(86_400);
    other(&folder, "short", |params| params.not_after = tomorrow);
    made(&folder, &["server", "--host", "a", "--ca", "short.crt", "--ca-key", "short.key"]);
    let end = |file: &str| {
        let shown = made(&folder, &["inspect", file, "--format", "json"]);
        serde_json::from_str::<Value>(&shown).unwrap()["certificates"][0]["not_after"].clone()
    };
    assert_eq!(end("tls/tls.crt"), end("short.crt"));
}

#[test]
fn an_encrypted_key_and_a_name_that_cannot_be_copied_are_told_with_the_remedy() {
    let folder = folder();
    let script = "openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -passout pass:secret -out e.key
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout dc.key -out dc.crt \
            -subj '/DC=com/DC=example/CN=Example CA' -addext keyUsage=keyCertSign";
    if foreign(&folder, "sh", &["-ec", script]).is_none() {
        return;
    }
    let said = certs(&folder, &["client", "alice", "--ca-key", "e.key"]);
    assert!(
        said.err.contains("e.key: the private key is encrypted")
            && said.err.contains("openssl pkey -in e.key"),
        "{said:?}"
    );
    let said = certs(&folder, &["client", "alice", "--ca", "dc.crt", "--ca-key", "dc.key"]);
    assert!(said.err.starts_with("dc.crt: its name has several attributes of one kind"), "{said:?}");
}
