//! A throw-away certificate authority: made in memory at start, good for a day, gone at the end.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const HOUR: Duration = Duration::from_secs(3600);

/// The authority, and what it takes to sign.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: rcgen::Certificate,
}

/// A certificate of the authority's and the key to it.
pub(crate) struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    /// Makes an authority with that common name.
    pub(crate) fn new(name: &str) -> Result<Self, rcgen::Error> {
        let mut params = with_validity(CertificateParams::new([])?);
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.self_signed(&key)?;
        Ok(Self { issuer: Issuer::new(params, key), certificate })
    }

    /// Signs a certificate `CN=name,O=demo` that is good as a server at localhost and as a client.
    pub(crate) fn sign(&self, name: &str) -> Result<Identity, rcgen::Error> {
        let hosts = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let mut params = with_validity(CertificateParams::new(hosts)?);
        // rcgen begins with a name of its own. The order counts: Java shows the last part first.
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "demo");
        params.distinguished_name.push(DnType::CommonName, name);
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        Ok(Identity { certificate: params.signed_by(&key, &self.issuer)?, key })
    }

    /// Writes `ca.crt` into a folder.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        std::fs::write(folder.join("ca.crt"), self.certificate.pem())
    }

    /// The authority's certificate.
    pub(crate) fn certificate(&self) -> CertificateDer<'static> {
        self.certificate.der().clone()
    }
}

impl Identity {
    /// Writes `NAME.crt`, `NAME.key` (PKCS#8), and `NAME.pem`, both in one as a Java keystore of type PEM wants
    /// them, into a folder.
    pub(crate) fn write(&self, folder: &Path, name: &str) -> io::Result<()> {
        let (certificate, key) = (self.certificate.pem(), self.key.serialize_pem());
        std::fs::write(folder.join(format!("{name}.pem")), format!("{key}{certificate}"))?;
        std::fs::write(folder.join(format!("{name}.crt")), certificate)?;
        std::fs::write(folder.join(format!("{name}.key")), key)
    }

    /// Certificate chain and key as rustls takes them.
    pub(crate) fn for_rustls(
        &self,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), &'static str> {
        let key = PrivateKeyDer::try_from(self.key.serialize_der())?;
        Ok((vec![self.certificate.der().clone()], key))
    }
}

fn with_validity(mut params: CertificateParams) -> CertificateParams {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // An hour back: clocks differ.
    params.not_before = date_time_ymd(1970, 1, 1) + now.saturating_sub(HOUR);
    params.not_after = date_time_ymd(1970, 1, 1) + now + 24 * HOUR;
    params
}
