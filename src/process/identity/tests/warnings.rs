//! What is warned of and taken into force all the same.

use rcgen::ExtendedKeyUsagePurpose;

use super::*;

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

/// As soon as the alert would, which is for whoever does not look here.
#[test]
fn what_ends_within_a_week_is_warned_of() {
    const RULES: &str = include_str!("../../../../helm/doorkeeper/alerts/doorkeeper.rules.yaml");
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
