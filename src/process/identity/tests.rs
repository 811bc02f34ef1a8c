mod faults;
mod trust;
mod warnings;

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PKCS_ECDSA_P256_SHA256,
    PKCS_ED25519,
};

use super::*;
use crate::process::config::Config;
use crate::process::config::scratch::Scratch;

/// A P-256 key in its old form (RFC 5915), and an X.509 version 1 certificate for it, as `openssl x509 -req`
/// makes without -extfile. Valid from November 2026 to 2126.
const SEC1_KEY: &str = "-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIJEDvKSKEM72RlvqmmucZVNZelIsXcV8+n6tbEfEqeKXoAoGCCqGSM49
AwEHoUQDQgAEhnbpwTUQpWWqBaiyY1VY4JEdNBKKDW/7osIwalT0USfpgCOc7/uX
9Hn0GQa41kl/OBXG25+rXzckIl9GcE7bxQ==
-----END EC PRIVATE KEY-----
";
const VERSION_1: &str = "-----BEGIN CERTIFICATE-----
MIIBMzCB2QIUBFf5MgonqOYn5nrm0/skRSSHYHkwCgYIKoZIzj0EAwIwGzEZMBcG
A1UEAwwQYnJva2VyLTEuZXhhbXBsZTAgFw0yNjExMjUwMDM5MzBaGA8yMTI2MTEw
MTAwMzkzMFowGzEZMBcGA1UEAwwQYnJva2VyLTEuZXhhbXBsZTBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABIZ26cE1EKVlqgWosmNVWOCRHTQSig1v+6LCMGpU9FEn
6YAjnO/7l/R59BkGuNZJfzgVxtufq183JCJfRnBO28UwCgYIKoZIzj0EAwIDSQAw
RgIhAOgOqnym0Uy9LyW8Y1axKf6zdCky1jPkpOZIu++W6CiSAiEAz6VvTMo5yGz6
m3MOopAc3wBhYEKnATCuBHwmAMlbuxg=
-----END CERTIFICATE-----
";

/// 2030-01-01.
const NOW: Duration = Duration::from_secs(1_893_456_000);

struct Pki {
    ca: CertifiedIssuer<'static, KeyPair>,
    ca_key: String,
    chain: String,
    key: String,
}

fn named(name: &str, years: (i32, i32)) -> CertificateParams {
    let mut params = CertificateParams::new(vec!["localhost".into()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
    params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
    params
}

fn issuer(name: &str, years: (i32, i32)) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = named(name, years);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn pki() -> Pki {
    let ca = issuer("Test CA", (2020, 2040));
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let leaf = named("broker-0", (2025, 2035)).signed_by(&key, &ca).unwrap();
    Pki { ca_key: ca.key().serialize_pem(), chain: leaf.pem() + &ca.pem(), key: key.serialize_pem(), ca }
}

fn load_from(folder: &Scratch, tls: &str) -> Result<Identity, String> {
    let text = format!(
        "version: 1\nlisteners:\n  - name: a\n    bind: 127.0.0.1:9093\n    upstream: localhost:9092\n    tls:\n      certificate_chain: tls.crt\n      private_key: tls.key\n      client_ca: ca.crt\n{tls}authorization: {{}}\n"
    );
    let file = folder.path().join("doorkeeper.yaml");
    let config = Config::parse(&file, &text).unwrap();
    load(&config.document, &config.listeners[0], UNIX_EPOCH + NOW)
        .map_err(|faults| faults.to_string().replace(&format!("{}/", folder.path().display()), ""))
}

fn files(chain: &str, key: &str, ca: &str) -> Scratch {
    let folder = Scratch::new();
    folder.write("tls.crt", chain);
    folder.write("tls.key", key);
    folder.write("ca.crt", ca);
    folder
}

#[test]
fn sound_files_make_a_server_that_asks_for_certificates_and_resumes_nothing() {
    let pki = pki();
    let folder = files(&pki.chain, &pki.key, &pki.ca.pem());
    let identity = load_from(&folder, "").unwrap();
    let server = &identity.server_config;
    assert!(!server.session_storage.can_cache());
    assert_eq!(server.send_tls13_tickets, 0);
    assert!(!server.ticketer.enabled());
    assert_eq!(server.max_early_data_size, 0);
    assert!(server.alpn_protocols.is_empty());
    assert!(!server.key_log.will_log("CLIENT_RANDOM"));
    assert!(!server.ignore_client_order);
    assert_eq!(identity.warnings, []);

    let roles: Vec<_> =
        identity.certificates.iter().map(|facts| (facts.role.name(), facts.subject.as_str())).collect();
    assert_eq!(roles, [("server", "broker-0"), ("server", "Test CA"), ("client_ca", "Test CA")]);
    let leaf = &identity.certificates[0];
    assert_eq!((leaf.issuer.as_str(), leaf.version), ("Test CA", 3));
    assert_eq!((leaf.not_before, leaf.not_after), (1_735_689_600, 2_051_222_400));
    assert_eq!(leaf.sha256.len(), 64);
    assert_eq!(identity.certificates[1].sha256, identity.certificates[2].sha256);
}

#[test]
fn cipher_suites_and_the_oldest_version_are_kept_to() {
    let pki = pki();
    let folder = files(&pki.chain, &pki.key, &pki.ca.pem());
    let server = load_from(
        &folder,
        "      min_version: TLSv1.3\n      cipher_suites: [TLS_CHACHA20_POLY1305_SHA256]\n",
    )
    .unwrap()
    .server_config;
    let suites: Vec<_> =
        server.crypto_provider().cipher_suites.iter().map(rustls::SupportedCipherSuite::suite).collect();
    assert_eq!(suites, [rustls::CipherSuite::TLS13_CHACHA20_POLY1305_SHA256]);
    assert!(server.ignore_client_order);
    // Only suites of TLS 1.3, but TLS 1.2 is to be spoken as well.
    let served = load_from(&folder, "      cipher_suites: [TLS_CHACHA20_POLY1305_SHA256]\n");
    assert!(served.is_ok(), "{served:?}");
}

#[test]
fn without_client_certificates_the_ca_file_is_not_read() {
    let pki = pki();
    let folder = files(&pki.chain, &pki.key, "rubbish");
    let identity = load_from(&folder, "      client_auth: none\n").unwrap();
    assert_eq!(identity.certificates.len(), 2);
    assert!(load_from(&folder, "      client_auth: requested\n").is_err());
}

#[test]
fn keys_of_all_usual_forms_are_taken() {
    let pki = pki();
    let sec1 = KeyPair::from_pem(SEC1_KEY);
    for key in [
        KeyPair::generate_for(&PKCS_ED25519).unwrap(),
        KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap(),
    ] {
        let chain = named("broker-0", (2025, 2035)).signed_by(&key, &pki.ca).unwrap().pem();
        let loaded = load_from(&files(&chain, &key.serialize_pem(), &pki.ca.pem()), "");
        assert!(loaded.is_ok(), "{loaded:?}");
    }
    let sec1 = sec1.expect("rcgen reads RFC 5915");
    let chain = named("broker-0", (2025, 2035)).signed_by(&sec1, &pki.ca).unwrap().pem();
    let parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    // With text around the parts, a byte order mark and the line ends of Windows.
    let key = format!("\u{feff}{parameters}{SEC1_KEY}").replace('\n', "\r\n");
    let loaded = load_from(&files(&format!("subject: broker\n\n{chain}"), &key, &pki.ca.pem()), "");
    assert!(loaded.is_ok(), "{loaded:?}");
}
