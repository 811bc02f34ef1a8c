//! Certificates, made anew for each run.

use std::sync::{Arc, LazyLock};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType, IsCa,
    KeyIdMethod, KeyPair, PKCS_ECDSA_P256_SHA256, RevocationReason, RevokedCertParams, SanType,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

/// An authority whose clients are let in.
pub static TRUSTED: LazyLock<Authority> = LazyLock::new(|| Authority::new("Trusted"));
/// An authority that nobody knows.
pub static UNKNOWN: LazyLock<Authority> = LazyLock::new(|| Authority::new("Unknown"));

/// Issues certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its own certificate.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// The same in DER.
    pub fn der(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// A certificate and its key, for `CN=name`.
    pub fn issue(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    /// A certificate for these hosts with that serial number, and its key.
    pub fn issue_for(&self, name: &str, hosts: &[&str], serial: u64) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut params = CertificateParams::new(hosts).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.serial_number = Some(serial.into());
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    /// A certificate with these further names, and its key.
    pub fn issue_with(&self, name: &str, names: Vec<SanType>) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.subject_alt_names = names;
        params.distinguished_name.push(DnType::CommonName, name);
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    /// A list that revokes the certificates with these serial numbers, and is good until that year.
    pub fn revoking(&self, serials: &[u64], until: i32) -> String {
        let revoked = serials.iter().map(|serial| RevokedCertParams {
            serial_number: (*serial).into(),
            revocation_time: rcgen::date_time_ymd(2026, 1, 1),
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2000, 1, 1),
            next_update: rcgen::date_time_ymd(until, 1, 1),
            crl_number: 1.into(),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.0).unwrap().pem().unwrap()
    }

    /// TLS for a client that shows this certificate.
    pub fn client_with(&self, (certificate, key): (rcgen::Certificate, KeyPair)) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(TRUSTED.0.der().clone()).unwrap();
        let key: PrivateKeyDer<'static> = key.serialize_der().try_into().unwrap();
        let config = ClientConfig::builder().with_root_certificates(roots);
        Arc::new(config.with_client_auth_cert(vec![certificate.der().clone()], key).unwrap())
    }

    /// TLS for a client that shows this authority's certificate for `CN=name`, or none.
    pub fn client(&self, name: Option<&str>) -> Arc<ClientConfig> {
        self.client_of(name, rustls::ALL_VERSIONS)
    }

    /// TLS for a client that trusts servers of this authority only, and shows nothing.
    pub fn believer(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
    }

    /// As [`Authority::client`], with these versions of TLS.
    pub fn client_of(
        &self,
        name: Option<&str>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(TRUSTED.0.der().clone()).unwrap();
        let config = ClientConfig::builder_with_protocol_versions(versions).with_root_certificates(roots);
        Arc::new(match name {
            Some(name) => {
                let (certificate, key) = self.issue(name);
                let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
                let key: PrivateKeyDer<'static> = key.serialize_der().try_into().unwrap();
                config.with_client_auth_cert(chain, key).unwrap()
            }
            None => config.with_no_client_auth(),
        })
    }
}
