mod trust;

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    PKCS_ECDSA_P256_SHA256, PKCS_ED25519,
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

/// As soon as the alert would, which is for whoever does not look here.
#[test]
fn what_ends_within_a_week_is_warned_of() {
    const RULES: &str = include_str!("../../../helm/doorkeeper/alerts/doorkeeper.rules.yaml");
    assert!(RULES.contains("_not_after_timestamp_seconds - time() < 7 * 86400\n"));
    let day = |(year, month, day): (i32, u8, u8)| rcgen::date_time_ymd(year, month, day);
    let pki = pki();
    for (from, to, expected) in [
        ((2029, 1, 1), (2030, 1, 7), Some("2030-01-07")),
        ((2029, 12, 30), (2030, 1, 7), Some("2030-01-07")),
        ((2029, 1, 1), (2030, 1, 8), None),
        // One that lasts a week is never older than that.
        ((2029, 12, 31), (2030, 1, 7), None),
    ] {
        let key = KeyPair::generate().unwrap();
        let mut params = named("broker-0", (2025, 2035));
        (params.not_before, params.not_after) = (day(from), day(to));
        let leaf = params.signed_by(&key, &pki.ca).unwrap();
        let folder = files(&leaf.pem(), &key.serialize_pem(), &pki.ca.pem());
        let warnings = load_from(&folder, "").unwrap().warnings;
        let told: Vec<_> =
            warnings.iter().map(|warning| warning.message.rsplit('/').next().unwrap()).collect();
        let warning = expected.map(|day| {
            format!("tls.crt: the certificate of broker-0 ends within a week, on {day} 00:00 UTC: renew it")
        });
        assert_eq!(told, Vec::from_iter(warning), "{from:?} {to:?}");
    }
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

#[test]
fn every_fault_is_one_sentence_that_names_the_file() {
    let pki = pki();
    let (chain, key, ca) = (pki.chain.as_str(), pki.key.as_str(), pki.ca.pem());
    let ca = ca.as_str();
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let old_encrypted = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    let request = "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n";
    let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let no_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let other_key = KeyPair::generate().unwrap().serialize_pem();
    let expired =
        named("broker-0", (2019, 2020)).signed_by(&KeyPair::from_pem(key).unwrap(), &pki.ca).unwrap().pem();
    let early =
        named("broker-0", (2031, 2032)).signed_by(&KeyPair::from_pem(key).unwrap(), &pki.ca).unwrap().pem();
    let leaf = chain[..chain.len() - ca.len()].to_owned();
    let turned = format!("{ca}{leaf}");
    let cut = chain[..100].to_owned();
    let damaged = chain.replacen("MII", "M?I", 1);
    let several = format!("{key}{other_key}");
    let large = "x".repeat(4 * 1024 * 1024 + 1);
    for (chain, key, ca, expected) in [
        ("", key, ca, "7:26: tls.crt: the file is empty"),
        ("hello", key, ca, "7:26: tls.crt: this is not PEM: there is no line '-----BEGIN …-----' in it"),
        (
            "0\u{2}hello",
            key,
            ca,
            "7:26: tls.crt: this is not PEM: there is no line '-----BEGIN …-----' in it",
        ),
        (
            large.as_str(),
            key,
            ca,
            "7:26: tls.crt: the file is larger than 4096 KiB: it cannot be a PEM file of certificates",
        ),
        (
            key,
            key,
            ca,
            "7:26: tls.crt: there is no certificate in it but 'PRIVATE KEY': name the file that begins with the server's certificate",
        ),
        (
            request,
            key,
            ca,
            "7:26: tls.crt: there is no certificate in it but 'CERTIFICATE REQUEST', which its issuer has yet to make a certificate of: name the file that begins with the server's certificate",
        ),
        (
            cut.as_str(),
            key,
            ca,
            "7:26: tls.crt: the file ends before '-----END CERTIFICATE-----': it was cut off, copy it again",
        ),
        (
            damaged.as_str(),
            key,
            ca,
            "7:26: tls.crt: what stands between the BEGIN and END lines is not Base64: it was damaged, copy it again",
        ),
        (
            no_certificate,
            key,
            ca,
            "7:26: tls.crt: certificate 1 in it cannot be read: it is not an X.509 certificate",
        ),
        (
            expired.as_str(),
            key,
            ca,
            "7:26: tls.crt: the certificate of broker-0 expired on 2020-01-01 00:00 UTC: renew it",
        ),
        (
            early.as_str(),
            key,
            ca,
            "7:26: tls.crt: the certificate of broker-0 is not valid before 2031-01-01 00:00 UTC: renew it",
        ),
        (
            VERSION_1,
            SEC1_KEY,
            ca,
            "7:26: tls.crt: the certificate of broker-1.example is of X.509 version 1, which has no place for host names: issue it as version 3, with a subjectAltName ('openssl x509 -req' needs -extfile for that)",
        ),
        (
            chain,
            chain,
            ca,
            "8:20: tls.key: there is no private key in it but 'CERTIFICATE': name the file with the server's key",
        ),
        (
            chain,
            encrypted,
            ca,
            "8:20: tls.key: the private key is encrypted, and no password is ever asked for: protect the file by its permissions, and name one that is made of it with: openssl pkey -in tls.key -out tls.new.key",
        ),
        (
            chain,
            old_encrypted,
            ca,
            "8:20: tls.key: the private key is encrypted, and no password is ever asked for: protect the file by its permissions, and name one that is made of it with: openssl pkey -in tls.key -out tls.new.key",
        ),
        (
            chain,
            no_key,
            ca,
            "8:20: tls.key: the key is damaged or of a kind that is not served here: use ECDSA (P-256, P-384, P-521), RSA (2048 bits or more) or Ed25519",
        ),
        (
            chain,
            several.as_str(),
            ca,
            "8:20: tls.key: there are 2 private keys in it: keep the one of the server's certificate",
        ),
        (
            chain,
            other_key.as_str(),
            ca,
            "8:20: tls.key: the key does not fit the certificate in tls.crt: name the key that the certificate was issued for",
        ),
        (
            turned.as_str(),
            key,
            ca,
            "8:20: tls.key: the key is that of certificate 2 in tls.crt: put the server's own certificate first, then its issuers",
        ),
        (chain, key, "", "9:18: ca.crt: the file is empty"),
        (
            chain,
            key,
            pki.ca_key.as_str(),
            "9:18: ca.crt: there is no certificate in it but 'PRIVATE KEY': name the file with the certificates of the issuers whose clients are trusted",
        ),
        (
            chain,
            key,
            no_certificate,
            "9:18: ca.crt: certificate 1 in it cannot be read: it is not an X.509 certificate",
        ),
    ] {
        let faults = load_from(&files(chain, key, ca), "").expect_err(expected);
        assert_eq!(faults, format!("doorkeeper.yaml:{expected}"));
    }
}

#[test]
fn binary_key_stores_are_recognised() {
    let pki = pki();
    let key = KeyPair::from_pem(&pki.key).unwrap().serialize_der();
    for (bytes, expected) in [
        (
            &[0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2][..],
            "this is a Java key store, not PEM: name a file that is made of it with: keytool -list -rfc -keystore ca.crt > ca.new.crt",
        ),
        (
            pki.ca.der(),
            "this is a certificate in DER, not PEM: name a file that is made of it with: openssl x509 -inform der -in ca.crt -out ca.new.crt",
        ),
        (&key[..], "this is a private key in DER: name the file with the certificates, in PEM"),
        // The outermost sequence, and the version of PFX.
        (
            &[0x30, 0x82, 0x04, 0x5b, 0x02, 0x01, 0x03, 0x30],
            "this is PKCS#12, not PEM: name a file that is made of it with: openssl pkcs12 -in ca.crt -nokeys -out ca.new.crt",
        ),
        // Of unknown length, as some writers of Java's do.
        (
            &[0x30, 0x80, 0x02, 0x01, 0x03, 0x30],
            "this is PKCS#12, not PEM: name a file that is made of it with: openssl pkcs12 -in ca.crt -nokeys -out ca.new.crt",
        ),
        (&[0x30, 0x82], "this is not PEM: there is no line '-----BEGIN …-----' in it"),
    ] {
        let folder = files(&pki.chain, &pki.key, "");
        folder.write("ca.crt", bytes);
        assert_eq!(load_from(&folder, "").unwrap_err(), format!("doorkeeper.yaml:9:18: ca.crt: {expected}"));
    }
}

#[test]
fn all_files_are_looked_at_before_anything_is_refused() {
    let folder = Scratch::new();
    folder.write("tls.key", "");
    std::fs::create_dir(folder.path().join("ca.crt")).unwrap();
    assert_eq!(
        load_from(&folder, "").unwrap_err(),
        "doorkeeper.yaml:7:26: tls.crt: there is no such file\n\
         doorkeeper.yaml:8:20: tls.key: the file is empty\n\
         doorkeeper.yaml:9:18: ca.crt: this is a folder: name a file in it"
    );
}

#[test]
fn an_expired_issuer_and_a_key_beside_issuers_are_warned_of() {
    let pki = pki();
    let old = issuer("Old CA", (2000, 2010));
    let folder = files(&pki.chain, &pki.key, &format!("{}{}{}", pki.ca.pem(), old.pem(), pki.ca_key));
    let identity = load_from(&folder, "").unwrap();
    let warnings: Vec<String> = identity.warnings.iter().map(|warning| warning.message.clone()).collect();
    let name = folder.path().join("ca.crt").display().to_string();
    assert_eq!(
        warnings,
        [
            format!(
                "{name}: there is a private key beside the certificates: it is not used, and should not be here"
            ),
            format!(
                "{name}: the certificate of Old CA expired on 2010-01-01 00:00 UTC, but clients that it issued certificates for are still accepted"
            ),
        ]
    );
    assert_eq!(identity.certificates.len(), 4);
}

#[test]
fn names_that_clients_are_told_and_the_certificate_does_not_have_are_warned_of() {
    let pki = pki();
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let names = ["kafka.example", "*.kafka.example", "10.0.0.1"].map(str::to_owned);
    let leaf = CertificateParams::new(names.to_vec()).unwrap().signed_by(&key, &pki.ca).unwrap();
    let folder = files(&leaf.pem(), &key.serialize_pem(), &pki.ca.pem());
    let sni = |pattern: &str, bootstrap: &str| {
        format!(
            "{{ strategy: sni, advertised_pattern: '{pattern}:9093', bootstrap_names: [{bootstrap}], node_ids: 0-2 }}"
        )
    };
    let by_port = |host: &str| {
        format!(
            "{{ strategy: port_per_broker, advertised_host: {host}, first_broker_port: 9200, node_ids: 0-2 }}"
        )
    };
    for (mapping, expected) in [
        (sni("b{node_id}.kafka.example", "KAFKA.example"), None),
        (by_port("10.0.0.1"), None),
        ("{ strategy: table, brokers: { 0: 'a.kafka.example:1', 1: 'kafka.example:1' } }".into(), None),
        ("{ strategy: keep_host, ports: { 9092: 9093 } }".into(), None),
        (sni("b{node_id}.kafka.example", "kafka"), Some("kafka")),
        (by_port("10.0.0.2"), Some("10.0.0.2")),
        (
            "{ strategy: table, brokers: { 0: 'x.a.kafka.example:1', 1: 'kafka.example:1' } }".into(),
            Some("x.a.kafka.example"),
        ),
        (
            sni("b{node_id}.example", "kafka.example"),
            Some("b0.example, nor for 2 other names that clients are told"),
        ),
    ] {
        let identity = load_from(&folder, &format!("    address_mapping: {mapping}\n")).unwrap();
        let warnings: Vec<&str> = identity.warnings.iter().map(|warning| warning.message.as_str()).collect();
        match expected {
            None => assert_eq!(warnings, [""; 0], "{mapping}"),
            Some(names) => {
                let named = format!("the certificate is not for {names}: clients that verify host names");
                assert!(warnings.len() == 1 && warnings[0].contains(&named), "{mapping}: {warnings:?}");
            }
        }
    }
}

#[test]
fn certificates_that_clients_or_their_issuers_cannot_mean_are_warned_of() {
    let pki = pki();
    let of_server = |change: fn(&mut CertificateParams)| {
        let mut params = named("broker-0", (2025, 2035));
        change(&mut params);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        (params.signed_by(&key, &pki.ca).unwrap().pem(), key.serialize_pem())
    };
    let (usual, key) = of_server(|_| {});
    let client_only =
        of_server(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    let both = of_server(|params| {
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    });
    let unnamed = of_server(|params| params.subject_alt_names.clear());
    let ca = pki.ca.pem();
    for (chain, key, client_ca, expected) in [
        (&client_only.0, &client_only.1, &ca, "without serverAuth"),
        (&both.0, &both.1, &ca, ""),
        (&unnamed.0, &unnamed.1, &ca, "no subjectAltName"),
        (&ca, &pki.ca_key, &ca, "an authority's own"),
        (&usual, &key, &usual, "no authority's"),
        (&usual, &key, &ca, ""),
    ] {
        let identity = load_from(&files(chain, key, client_ca), "").unwrap();
        match (&*identity.warnings, expected) {
            ([], "") => {}
            ([warning], expected) if !expected.is_empty() && warning.message.contains(expected) => {}
            (warnings, _) => panic!("{warnings:?} instead of {expected:?}"),
        }
    }
}
