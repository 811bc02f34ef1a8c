//! Several certificates, of which a client is shown the one with the name by which it calls the listener.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::rig::broker::Broker;
use crate::rig::door::{Door, Setup};
use crate::rig::pki::TRUSTED;
use crate::rig::{soon, until};

/// A certificate of these names and its key, as the files `NAME.crt` and `NAME.key`.
fn files(
    name: &'static [&'static str; 2],
    hosts: &[&str],
) -> (CertificateDer<'static>, [(&'static str, String); 2]) {
    let (certificate, key) = TRUSTED.issue_for(hosts[0], hosts, 1);
    (certificate.der().clone(), [(name[0], certificate.pem()), (name[1], key.serialize_pem())])
}

/// What a client is shown that calls the listener so.
async fn shown(door: &Door, config: Arc<ClientConfig>, name: &'static str) -> CertificateDer<'static> {
    let socket = soon(TcpStream::connect(door.address)).await.unwrap();
    let name = ServerName::try_from(name).unwrap();
    let mut config = (*config).clone();
    // By an address a client calls no name.
    config.enable_sni = !matches!(name, ServerName::IpAddress(_));
    let name = if config.enable_sni { name } else { "localhost".try_into().unwrap() };
    let tls = soon(TlsConnector::from(Arc::new(config)).connect(name, socket)).await.unwrap();
    tls.get_ref().1.peer_certificates().unwrap()[0].clone()
}

#[tokio::test]
async fn a_client_is_shown_the_certificate_that_has_the_name_it_calls() {
    let broker = Broker::usual().await;
    let (exact, exact_files) = files(&["a.crt", "a.key"], &["b0.kafka.example", "Broker.Example"]);
    let (wild, wild_files) = files(&["b.crt", "b.key"], &["*.kafka.example", "broker.example"]);
    let files: Vec<_> = exact_files.into_iter().chain(wild_files).collect();
    let additional = "additional_certificates: [{ certificate_chain: b.crt, private_key: b.key }, { certificate_chain: a.crt, private_key: a.key }], reload_interval: 20ms";
    let door = Setup { files, tls: additional, ..Setup::new(broker.address) }.start().await;
    let config = TRUSTED.client(Some("alice"));
    let own = shown(&door, config.clone(), "127.0.0.1").await;
    assert!(own != exact && own != wild);
    for (name, expected) in [
        ("localhost", &own),
        ("b0.kafka.example", &exact),
        ("B0.KAFKA.example", &exact),
        ("b1.kafka.example", &wild),
        // The first that has it.
        ("broker.example", &wild),
    ] {
        assert_eq!(&shown(&door, config.clone(), name).await, expected, "{name}");
    }

    // Each is told of where certificates are.
    let (_, page) = door.get("/certificates").await;
    assert!(
        page.contains(", additional_certificates.0") && page.contains(", additional_certificates.1"),
        "{page}"
    );
    for name in ["clients", "clients.additional_certificates.0", "clients.additional_certificates.1"] {
        assert!(door.count("tls_certificate_not_after_timestamp_seconds", name) > 0, "{name}");
    }

    // A changed one is shown, and no other is changed.
    let (renewed, key) = TRUSTED.issue_for("renewed", &["b0.kafka.example"], 2);
    door.write("a.crt", &renewed.pem());
    door.write("a.key", &key.serialize_pem());
    until(|| door.said.text().contains("certificates reloaded")).await;
    assert_eq!(&shown(&door, config.clone(), "b0.kafka.example").await, renewed.der());
    assert_eq!(shown(&door, config, "b1.kafka.example").await, wild);
    door.assert_sound();
}
