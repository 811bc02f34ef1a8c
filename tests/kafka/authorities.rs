//! Files of many authorities: however many a doorkeeper trusts, stock clients shake hands with it and work.

use crate::support::acls::Operation::{Describe, IdempotentWrite, Read, Write};
use crate::support::acls::Resource::{Cluster as TheCluster, Topic};
use crate::support::acls::{self, Acl, allow};
use crate::support::cluster::{Cluster, Settings};
use crate::support::doorkeeper::{self, Doorkeeper};
use crate::support::java::{Java, Tool, run};
use crate::support::kafka::{Kafka, scratch};
use crate::support::kcat::Kcat;
use crate::support::pki::{Identity, Pki};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose};
use std::process::Command;
use std::time::Duration;

const ACLS: &[Acl] = &[
    allow("User:alice", Topic("a-"), &[Read, Write, Describe]).prefixed(),
    allow("User:alice", TheCluster, &[IdempotentWrite]),
];

/// The certificates of so many authorities, whose names are as long as companies give them.
fn authorities(count: usize) -> String {
    let authority = |number: usize| {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::OrganizationName, "A company with several departments, Limited");
        params
            .distinguished_name
            .push(DnType::CommonName, format!("Authority for clients of department {number}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
    };
    (0..count).map(authority).collect()
}

#[test]
fn a_thousand_authorities_keep_nobody_out() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    let pki = Pki::new(&scratch("pki"));
    let client = pki.client("alice");
    let cluster = Cluster::start(kafka, &Settings::plaintext(1));
    // Before 64 KiB of names, which is all that TLS 1.2 has room for, and beyond.
    for count in [1, 100, 1000] {
        let trusted = scratch("authorities").join("ca.pem");
        // The one that issued the client's certificate comes last.
        let own = std::fs::read_to_string(pki.authority()).unwrap();
        std::fs::write(&trusted, authorities(count - 1) + &own).unwrap();
        let identity = Identity { authority: trusted, ..pki.server("doorkeeper") };
        let acls = acls::yaml(ACLS);
        let settings = doorkeeper::Settings { identity: &identity, acls: &acls, authorization: "" };
        let doorkeepers = Doorkeeper::in_front_of(&cluster, &settings);
        let bootstrap = doorkeeper::bootstrap(&doorkeepers);
        let topic = format!("a-{count}");
        cluster.create_topics(&[&topic], 1);
        let mut expected = "of Java\n".to_owned();

        let java = Java::new(kafka, &bootstrap, Some(&client));
        let produced = java.tool(Tool::ConsoleProducer, &["--topic", &topic], b"of Java\n");
        // It ends with 0 even when every record was refused; only its log tells.
        assert_eq!(produced.stderr.trim(), "", "{count} authorities");
        if let Some(kcat) = Kcat::new(&bootstrap, Some(&client)) {
            kcat.run(&["-P", "-t", &topic], b"of librdkafka\n").succeeded();
            expected.push_str("of librdkafka\n");
        }
        let read = [
            "--topic",
            &topic,
            "--partition",
            "0",
            "--offset",
            "earliest",
            "--max-messages",
            &expected.lines().count().to_string(),
        ];
        let consumed = java.tool(Tool::ConsoleConsumer, &read, b"").succeeded();
        assert_eq!(consumed.text(), expected, "{count} authorities");
        for version in ["-tls1_2", "-tls1_3"] {
            let mut openssl = Command::new("openssl");
            openssl.args(["s_client", "-brief", "-verify_return_error", version, "-connect", &bootstrap]);
            openssl.arg("-CAfile").arg(&client.authority);
            openssl.arg("-cert").arg(&client.certificate).arg("-key").arg(&client.key);
            let said = run(&mut openssl, "openssl s_client", b"", Duration::from_secs(60)).succeeded();
            assert!(said.all().contains("CONNECTION ESTABLISHED"), "{count} authorities: {}", said.all());
        }
    }
}
