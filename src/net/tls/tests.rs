use std::io::Read;

use bytes::BytesMut;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::crypto::cipher::{MessageEncrypter, OutboundChunks, OutboundPlainMessage};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    ClientConfig, ClientConnection, ConnectionTrafficSecrets, ContentType, ProtocolVersion, RootCertStore,
};

use super::super::buffer::READ;
use super::*;

const SUITE: rustls::SupportedCipherSuite = aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;

/// Client and server that trust each other; the client shows a certificate or none.
pub(in crate::net) fn pair(with_certificate: bool) -> (ClientConnection, Tls) {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().der().clone();
    let issuer = Issuer::new(params, key);
    let identity = || -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        (vec![certificate.der().clone()], key.serialize_der().try_into().unwrap())
    };
    let mut roots = RootCertStore::empty();
    roots.add(authority).unwrap();

    let provider = Arc::new(rustls::crypto::CryptoProvider {
        cipher_suites: vec![SUITE],
        ..aws_lc_rs::default_provider()
    });
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots.clone()), provider.clone())
        .build()
        .unwrap();
    let (chain, key) = identity();
    let server = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots);
    let mut client = match with_certificate {
        true => {
            let (chain, key) = identity();
            client.with_client_auth_cert(chain, key).unwrap()
        }
        false => client.with_no_client_auth(),
    };
    client.enable_secret_extraction = true;
    client.resumption = Resumption::disabled();
    let client = ClientConnection::new(Arc::new(client), "localhost".try_into().unwrap()).unwrap();
    (client, Tls::new(Arc::new(server)).unwrap())
}

/// What a server has beside its TLS.
#[derive(Default)]
struct Buffers {
    incoming: Buf,
    plain: BytesMut,
    outgoing: Buf,
}

impl Buffers {
    fn receive(&mut self, bytes: &[u8]) {
        self.incoming.reserve(bytes.len());
        self.incoming.space()[..bytes.len()].copy_from_slice(bytes);
        self.incoming.add(bytes.len());
    }

    fn open(&mut self, tls: &mut Tls) -> Result<Opened, Error> {
        tls.open(&mut self.incoming, &mut self.plain, READ, &mut self.outgoing)
    }
}

fn sent(client: &mut ClientConnection) -> Vec<u8> {
    let mut bytes = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut bytes).unwrap();
    }
    bytes
}

/// Carries bytes both ways until neither side has anything to say, or the server has had enough.
fn converse(client: &mut ClientConnection, tls: &mut Tls, buffers: &mut Buffers) -> Result<(), Error> {
    loop {
        let bytes = sent(client);
        if bytes.is_empty() {
            return Ok(());
        }
        buffers.receive(&bytes);
        buffers.open(tls)?;
        let mut answer = buffers.outgoing.filled();
        while !answer.is_empty() {
            client.read_tls(&mut answer).unwrap();
            client.process_new_packets().unwrap();
        }
        buffers.outgoing.consume(buffers.outgoing.len());
    }
}

/// The client's Certificate and Finished come in one piece; the first is wrong and the second is never read.
#[test]
fn a_client_without_a_certificate_gets_its_alert() {
    let (mut client, mut tls) = pair(false);
    let mut buffers = Buffers::default();
    let refused = converse(&mut client, &mut tls, &mut buffers);
    assert_eq!(refused, Err(Error::NoCertificatesPresented));
    tls.close(&mut buffers.incoming, &mut buffers.outgoing);

    client.read_tls(&mut buffers.outgoing.filled()).unwrap();
    let told = client.process_new_packets().unwrap_err();
    assert_eq!(told, Error::AlertReceived(rustls::AlertDescription::CertificateRequired));
}

#[test]
fn a_hello_may_come_in_pieces_and_the_rest_may_never_come() {
    let (mut client, mut tls) = pair(true);
    let hello = sent(&mut client);
    let (header, content) = hello.split_at(5);
    let piece = |content: &[u8]| {
        [&header[..3], &u16::try_from(content.len()).unwrap().to_be_bytes(), content].concat()
    };
    let mut buffers = Buffers::default();
    buffers.receive(&piece(&content[..10]));
    assert_eq!(buffers.open(&mut tls), Ok(Opened::All));
    tls.close(&mut buffers.incoming, &mut buffers.outgoing);
    assert!(buffers.outgoing.is_empty());

    buffers.receive(&piece(&content[10..]));
    assert_eq!(buffers.open(&mut tls), Ok(Opened::All));
    client.read_tls(&mut buffers.outgoing.filled()).unwrap();
    client.process_new_packets().unwrap();
    buffers.outgoing.consume(buffers.outgoing.len());
    converse(&mut client, &mut tls, &mut buffers).unwrap();
    assert!(!tls.is_handshaking());
}

#[test]
fn a_key_update_is_answered_and_nothing_may_come_between_its_pieces() {
    let (mut client, mut tls) = pair(true);
    let mut buffers = Buffers::default();
    converse(&mut client, &mut tls, &mut buffers).unwrap();

    client.refresh_traffic_keys().unwrap();
    buffers.receive(&sent(&mut client));
    assert_eq!(buffers.open(&mut tls), Ok(Opened::All));
    tls.seal(b"answer", &mut buffers.incoming, &mut buffers.outgoing).unwrap();
    client.read_tls(&mut buffers.outgoing.filled()).unwrap();
    client.process_new_packets().unwrap();
    let mut said = [0; 6];
    client.reader().read_exact(&mut said).unwrap();
    assert_eq!(&said, b"answer");
    buffers.outgoing.consume(buffers.outgoing.len());

    // In two records: the first is a part that waits, and what is written meanwhile is written all the same.
    let (mut encrypter, sequence) = encrypter(client);
    let mut record = |place: u64, typ, payload: &[u8]| {
        let payload = OutboundChunks::Single(payload);
        let message = OutboundPlainMessage { typ, version: ProtocolVersion::TLSv1_3, payload };
        encrypter.encrypt(message, sequence + place).unwrap().encode()
    };
    buffers.receive(&record(0, ContentType::Handshake, &[24, 0]));
    assert_eq!(buffers.open(&mut tls), Ok(Opened::All));
    let before = buffers.outgoing.len();
    tls.seal(b"meanwhile", &mut buffers.incoming, &mut buffers.outgoing).unwrap();
    assert!(buffers.outgoing.len() > before);

    // Nothing but its rest may follow.
    buffers.receive(&record(1, ContentType::ApplicationData, b"between"));
    assert!(buffers.open(&mut tls).is_err());
    tls.close(&mut buffers.incoming, &mut buffers.outgoing);
}

/// What encrypts the client's next records, and the number of the first.
fn encrypter(client: ClientConnection) -> (Box<dyn MessageEncrypter>, u64) {
    let secrets = client.dangerous_extract_secrets().unwrap();
    let (sequence, ConnectionTrafficSecrets::Aes128Gcm { key, iv }) = secrets.tx else {
        panic!("another cipher")
    };
    (SUITE.tls13().unwrap().aead_alg.encrypter(key, iv), sequence)
}
