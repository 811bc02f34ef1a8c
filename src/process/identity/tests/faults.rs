//! What keeps files from being taken into force, and in which words that is said.

use super::*;

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
            "7:26: tls.crt: the certificate of broker-1.example is of X.509 version 1, which has no place for host names: issue it as version 3, with a subjectAltName ('openssl x509 -req' needs -extfile for that), or allow it with 'allow_x509_v1: true'",
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
            "8:20: tls.key: the private key is encrypted: name the file with its password as private_key_password_file",
        ),
        (
            chain,
            old_encrypted,
            ca,
            "8:20: tls.key: the private key is encrypted in the traditional way (Proc-Type: 4,ENCRYPTED), which is not read: name a file that is made of it with: openssl pkcs8 -topk8 -v2 aes-256-cbc -in tls.key -out tls.new.key",
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
            "this is a Java key store, not PEM: name it by 'truststore: { file: …, password_file: … }' in the place of client_ca",
        ),
        (
            pki.ca.der(),
            "this is a certificate in DER, not PEM: name a file that is made of it with: openssl x509 -inform der -in ca.crt -out ca.new.crt",
        ),
        (&key[..], "this is a private key in DER: name the file with the certificates, in PEM"),
        // The outermost sequence, and the version of PFX.
        (
            &[0x30, 0x82, 0x04, 0x5b, 0x02, 0x01, 0x03, 0x30],
            "this is PKCS#12, not PEM: name it by 'truststore: { file: …, password_file: … }' in the place of client_ca",
        ),
        // Of unknown length, as some writers of Java's do.
        (
            &[0x30, 0x80, 0x02, 0x01, 0x03, 0x30],
            "this is PKCS#12, not PEM: name it by 'truststore: { file: …, password_file: … }' in the place of client_ca",
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
