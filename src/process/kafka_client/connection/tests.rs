use std::net::SocketAddr;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream as ServerStream;

use super::*;
use crate::process::kafka_client::{Connection, Failure};

/// A server with a certificate for this host, which says a word to the first client, and a client that trusts its issuer.
async fn server<F: Future<Output = ()> + Send>(
    host: &str,
    serve: impl FnOnce(ServerStream<TcpStream>) -> F + Send + 'static,
) -> (SocketAddr, Arc<ClientConfig>) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new([host.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let provider = || Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let config =
        builder.unwrap().with_no_client_auth().with_single_cert(vec![own.der().clone()], key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        if let Ok(stream) = TlsAcceptor::from(Arc::new(config)).accept(socket).await {
            serve(stream).await;
        }
    });
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    (address, Arc::new(builder.unwrap().with_root_certificates(roots).with_no_client_auth()))
}

#[tokio::test]
async fn a_certificate_for_another_host_is_not_trusted() {
    let (address, config) = server("elsewhere.example", |_| async {}).await;
    let outcome = Connection::open_tls(&address.to_string(), config, "CN=us".to_owned()).await;
    let Err(Failure::Certificate(said)) = outcome else { panic!("{outcome:?}") };
    let expected = format!(
        "the doorkeeper at {address} is not trusted: invalid peer certificate: certificate not valid for name \"127.0.0.1\""
    );
    assert!(said.starts_with(&expected) && said.contains("elsewhere.example"), "{said}");
}

#[tokio::test]
async fn whoever_does_not_speak_tls_is_no_doorkeeper() {
    let (_, config) = server("127.0.0.1", |_| async {}).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.write_all(&[0, 0, 0, 9, 1, 2, 3, 4, 5]).await.unwrap();
        let _ = socket.read(&mut [0; 1000]).await;
    });
    let outcome = Connection::open_tls(&address.to_string(), config, "CN=us".to_owned()).await;
    let Err(Failure::Connection(said)) = outcome else { panic!("{outcome:?}") };
    assert!(said.starts_with(&format!("the doorkeeper at {address} cannot be reached: ")), "{said}");
}
