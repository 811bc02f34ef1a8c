//! Key stores, trust stores, more certificates and revocation lists.

use super::*;

const OWN: &str = "      certificate_chain: tls/tls.crt\n      private_key: tls/tls.key\n";

#[test]
fn stores_and_lists_are_named_as_an_operator_has_them() {
    let given = "      keystore: { file: certs/key-store.jks, password_file: secrets/store, alias: broker-server, key_password_file: secrets/key }\n      truststore: { file: certs/trust-store.jks, password_file: secrets/store }\n      revocation: { crl_files: [tls/clients.crl], unknown: deny, expired: deny, close_connections: true }\n      allow_x509_v1: true\n      additional_certificates: [ { certificate_chain: tls/other.crt, private_key: tls/other.key, private_key_password_file: secrets/pem }, { keystore: { file: other.p12, password_env: OTHER_PASSWORD } } ]\n";
    let text = DESIGNED.replacen(OWN, given, 1).replacen("      client_ca: tls/ca.crt\n", "", 1);
    let config = parse(&text).unwrap();
    let tls = &config.listeners[0].tls;
    let file = |name: &str| Some(Password::File(name.into()));
    assert_eq!(
        tls.certificate,
        OwnCertificate::Store {
            file: "etc/certs/key-store.jks".into(),
            password: file("etc/secrets/store"),
            alias: Some("broker-server".into()),
            key_password: file("etc/secrets/key"),
        }
    );
    let client_ca = TrustedCertificates::Store {
        file: "etc/certs/trust-store.jks".into(),
        password: file("etc/secrets/store"),
    };
    assert_eq!(tls.client_auth, ClientAuth::Required { client_ca });
    assert!(tls.allow_x509_v1);
    assert_eq!(
        tls.additional_certificates,
        [
            OwnCertificate::Pem {
                certificate_chain: "etc/tls/other.crt".into(),
                private_key: "etc/tls/other.key".into(),
                password: file("etc/secrets/pem"),
            },
            OwnCertificate::Store {
                file: "etc/other.p12".into(),
                password: Some(Password::Environment("OTHER_PASSWORD".into())),
                alias: None,
                key_password: None,
            },
        ]
    );
    assert_eq!(
        tls.revocation,
        Some(Revocation {
            crl_files: vec!["etc/tls/clients.crl".into()],
            unknown: Verdict::Deny,
            expired: Verdict::Deny,
            close_connections: true,
        })
    );
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    // Who says nothing of it refuses.
    let short = text.replacen(", unknown: deny, expired: deny, close_connections: true", "", 1);
    let revocation = parse(&short).unwrap().listeners[0].tls.revocation.clone().unwrap();
    assert_eq!((revocation.unknown, revocation.expired), (Verdict::Deny, Verdict::Deny));
    assert!(!revocation.close_connections);
}

#[test]
fn keys_that_contradict_one_another_are_refused() {
    let store = "      keystore: { file: a.p12 }\n";
    for (old, new, expected) in [
        (
            OWN,
            "",
            "7:7: the key 'certificate_chain' is missing: add it and 'private_key', or a key store, such as 'keystore: { file: tls/server.p12, password_file: secrets/store }'",
        ),
        (
            "      private_key: tls/tls.key\n",
            "",
            "7:7: the key 'private_key' is missing: add it, such as 'private_key: tls/tls.key'",
        ),
        (
            "      certificate_chain: tls/tls.crt\n",
            "",
            "7:7: the key 'certificate_chain' is missing: add it, such as 'certificate_chain: tls/tls.crt'",
        ),
        (
            "      certificate_chain: tls/tls.crt\n",
            store,
            "8:20: private_key is not used with 'keystore', which holds the key and its certificates: leave one of the two out",
        ),
        (
            "      client_ca: tls/ca.crt\n",
            "      client_ca: tls/ca.crt\n      truststore: { file: a.p12 }\n",
            "10:19: client_ca is there as well: leave one of the two out",
        ),
        (
            OWN,
            "      keystore: { file: a.p12, password_file: b, password_env: C }\n",
            "7:64: there is password_file as well: leave one of the two out",
        ),
        (
            OWN,
            "      keystore: { file: a.p12, password_env: $C }\n",
            "7:46: '$C' is not the name of an environment variable; write it like 'STORE_PASSWORD'",
        ),
        (
            OWN,
            "      keystore: { password_file: b }\n",
            "7:17: the key 'file' is missing: add it, such as 'file: tls/tls.crt'",
        ),
        (
            OWN,
            "      keystore: { file: a.p12, password: secret }\n",
            "7:32: the key 'password' is not known here; did you mean 'password_env'?",
        ),
        (
            "      private_key: tls/tls.key\n",
            "      private_key: tls/tls.key\n      additional_certificates: [{ certificate_chain: a }]\n",
            "9:33: the key 'private_key' is missing: add it, such as 'private_key: tls/tls.key'",
        ),
        (
            "      private_key: tls/tls.key\n",
            "      private_key: tls/tls.key\n      revocation: { crl_files: [] }\n",
            "9:32: the list needs at least 1 entry",
        ),
        (
            "      private_key: tls/tls.key\n",
            "      private_key: tls/tls.key\n      revocation: { crl_files: [a], unknown: refuse }\n",
            "9:46: 'refuse' is not known here: it is one of allow, deny",
        ),
    ] {
        assert_eq!(faults_with(old, new), expected, "{new}");
    }
}

#[test]
fn what_nobody_looks_at_is_warned_of() {
    let warnings = warnings_with(
        "      client_ca: tls/ca.crt\n      client_auth: required ",
        "      truststore: { file: a }\n      revocation: { crl_files: [a] }\n      client_auth: none ",
    );
    assert_eq!(
        warnings,
        [
            "9:19: truststore is not used with 'client_auth: none'",
            "10:19: revocation is not used with 'client_auth: none'",
            "11:20: clients are not asked for certificates: each one is User:ANONYMOUS",
        ]
    );
}
