//! What a certificate in `client_ca` vouches for: what it issues, or nobody but itself.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ClientConfig, RootCertStore};

use crate::rig::broker::Broker;
use crate::rig::client::Client;
use crate::rig::door::{Door, Setup};
use crate::rig::pki::{TRUSTED, UNKNOWN};
use crate::rig::requests::metadata;
use crate::rig::until;

/// A certificate with what is needed to sign others in its name.
struct Signer {
    certificate: Certificate,
    params: CertificateParams,
    key: KeyPair,
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new([]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

impl Signer {
    fn self_signed(params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        Self { certificate: params.self_signed(&key).unwrap(), params, key }
    }

    fn sign(&self, params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::from_params(&self.params, &self.key);
        Self { certificate: params.signed_by(&key, &issuer).unwrap(), params, key }
    }

    /// TLS for a client that shows this certificate, and these behind it.
    fn client(&self, behind: &[&Signer]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(TRUSTED.der()).unwrap();
        let chain = std::iter::once(self).chain(behind.iter().copied());
        let chain = chain.map(|signer| signer.certificate.der().clone()).collect();
        let key: PrivateKeyDer<'static> = self.key.serialize_der().try_into().unwrap();
        let config = ClientConfig::builder().with_root_certificates(roots);
        Arc::new(config.with_client_auth_cert(chain, key).unwrap())
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// Certificates that no authority is, each of `CN=alice`.
fn pinned() -> Vec<(&'static str, Signer)> {
    let no_authority = |is_ca| {
        let mut params = params("alice");
        params.is_ca = is_ca;
        Signer::self_signed(params)
    };
    let mut no_key_cert_sign = authority("alice");
    no_key_cert_sign.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::CrlSign];
    let foreign = Signer::self_signed(authority("Foreign"));
    vec![
        ("CA:FALSE", no_authority(IsCa::ExplicitNoCa)),
        ("without basicConstraints", no_authority(IsCa::NoCa)),
        ("issued by another authority", foreign.sign(params("alice"))),
        ("without keyCertSign", Signer::self_signed(no_key_cert_sign)),
    ]
}

async fn start(client_ca: String) -> (Broker, Door) {
    let broker = Broker::usual().await;
    let door = Setup { client_ca, ..Setup::new(broker.address) }.start().await;
    (broker, door)
}

async fn assert_let_in(door: &Door, config: Arc<ClientConfig>, what: &str) {
    let mut client = Client::try_connect(door.address, config).await.unwrap();
    let answer = client.ask(&metadata(&["allowed"]), 9).await;
    assert_eq!(answer.topics.len(), 1, "{what}");
}

/// Nothing that such a client asks is answered.
async fn assert_kept_out(door: &Door, config: Arc<ClientConfig>, what: &str) {
    let before = door.count("tls_handshakes_total", "ok");
    let refused = door.closed("handshake_failed");
    if let Ok(mut client) = Client::try_connect(door.address, config).await {
        let _ = client.try_say(&metadata(&["allowed"]), 9).await;
        client.assert_gone().await;
    }
    until(|| door.closed("handshake_failed") == refused + 1).await;
    assert_eq!(door.count("tls_handshakes_total", "ok"), before, "{what}");
}

#[tokio::test]
async fn a_pinned_certificate_is_let_in_and_lets_nobody_in() {
    for (what, pinned) in pinned() {
        let (_broker, door) = start(pinned.certificate.pem()).await;
        assert_let_in(&door, pinned.client(&[]), what).await;
        // Whatever it shows behind itself does not matter.
        assert_let_in(&door, pinned.client(&[&pinned]), what).await;

        let admin = pinned.sign(params("admin"));
        let intermediate = pinned.sign(authority("Intermediate"));
        let below = intermediate.sign(params("admin"));
        // The same name and another key; the same name and key, and another certificate.
        let namesake = Signer::self_signed(params("alice"));
        let mut renewed = pinned.params.clone();
        renewed.serial_number = Some(77u64.into());
        let renewed = Signer {
            certificate: renewed.self_signed(&pinned.key).unwrap(),
            params: renewed,
            key: KeyPair::from_pem(&pinned.key.serialize_pem()).unwrap(),
        };
        for (how, config) in [
            ("signed by it", admin.client(&[])),
            ("signed by it, which is sent along", admin.client(&[&pinned])),
            ("through an intermediate", below.client(&[&intermediate])),
            ("through an intermediate, and it is sent along", below.client(&[&intermediate, &pinned])),
            ("of the same name", namesake.client(&[])),
            ("of the same name, and it is sent along", namesake.client(&[&pinned])),
            ("of the same name and key", renewed.client(&[])),
        ] {
            assert_kept_out(&door, config, &format!("{what}: {how}")).await;
        }
        door.assert_sound();
    }
}

#[tokio::test]
async fn an_authority_beside_pinned_certificates_lets_in_whom_it_has_issued() {
    let pinned = pinned();
    let all: String = pinned.iter().map(|(_, signer)| signer.certificate.pem()).collect();
    let (_broker, door) = start(TRUSTED.pem() + &all).await;
    assert_let_in(&door, TRUSTED.client(Some("alice")), "the authority's").await;
    for (what, pinned) in &pinned {
        assert_let_in(&door, pinned.client(&[]), what).await;
        assert_kept_out(&door, pinned.sign(params("admin")).client(&[pinned]), what).await;
    }
    assert_kept_out(&door, UNKNOWN.client(Some("admin")), "nobody's").await;
}

/// Below an authority, too, only authorities have issued anything.
#[tokio::test]
async fn what_is_no_authority_has_issued_nothing_wherever_it_stands() {
    let root = Signer::self_signed(authority("Root"));
    let (_broker, door) = start(root.certificate.pem()).await;
    let mut no_key_cert_sign = authority("Intermediate");
    no_key_cert_sign.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    for (what, intermediate) in [("a client's", params("alice")), ("without keyCertSign", no_key_cert_sign)] {
        let intermediate = root.sign(intermediate);
        let admin = intermediate.sign(params("admin"));
        assert_kept_out(&door, admin.client(&[&intermediate]), what).await;
        assert_kept_out(&door, admin.client(&[&intermediate, &root]), what).await;
    }
    let intermediate = root.sign(authority("Intermediate"));
    assert_let_in(&door, intermediate.sign(params("alice")).client(&[&intermediate]), "right").await;
}
/// A client's own `openssl req -x509` says CA:TRUE: it is let in as itself, and may issue others, as in Java.
#[tokio::test]
async fn a_pinned_authority_is_itself_and_an_authority() {
    let own = Signer::self_signed(authority("alice"));
    let (_broker, door) = start(own.certificate.pem()).await;
    assert_let_in(&door, own.client(&[]), "itself").await;
    assert_let_in(&door, own.sign(params("alice")).client(&[]), "issued").await;
}
