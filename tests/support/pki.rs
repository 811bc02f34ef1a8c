//! Throw-away certificates as PEM files that Java, librdkafka and rustls read alike.

use super::kafka::Kafka;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason, RevokedCertParams, SerialNumber,
    date_time_ymd,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// What maps `/O=rig/OU=test/CN=alice` to `User:alice`, for Kafka and for doorkeeper.
pub const MAPPING_RULES: &str = "RULE:^CN=([^,]+),.*$/$1/,DEFAULT";

/// Of all stores.
pub const PASSWORD: &str = "changeit";

/// Whether a Kafka can map subjects. One that cannot names its clients by their distinguished names.
pub fn maps_subjects(kafka: &Kafka) -> bool {
    kafka.at_least(2, 2)
}

/// An identity and its authority as a Kafka wants them that reads no such PEM as is written here.
pub struct Stores {
    pub key: PathBuf,
    pub trust: PathBuf,
}

/// Writes the stores beside the identity.
pub fn stores(identity: &Identity) -> Stores {
    let stores =
        Stores { key: identity.both.with_extension("p12"), trust: identity.both.with_extension("trust.p12") };
    let run = |command: &mut Command| {
        let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        assert!(output.status.success(), "{command:?}: {output:?}");
    };
    run(Command::new("openssl")
        .args(["pkcs12", "-export", "-passout", &format!("pass:{PASSWORD}"), "-in"])
        .arg(&identity.both)
        .arg("-out")
        .arg(&stores.key));
    let _ = std::fs::remove_file(&stores.trust);
    run(Command::new("keytool")
        .args([
            "-importcert",
            "-noprompt",
            "-alias",
            "ca",
            "-storetype",
            "PKCS12",
            "-storepass",
            PASSWORD,
            "-file",
        ])
        .arg(&identity.authority)
        .arg("-keystore")
        .arg(&stores.trust));
    stores
}

/// Two certificate authorities, of which brokers and doorkeepers trust the first.
pub struct Pki {
    folder: PathBuf,
    trusted: Issuer<'static, KeyPair>,
    foreign: Issuer<'static, KeyPair>,
}

/// A key with its certificate, on disk.
#[derive(Clone)]
pub struct Identity {
    /// The certificate alone.
    pub certificate: PathBuf,
    /// The key alone, PKCS#8.
    pub key: PathBuf,
    /// Both in one file, as Kafka's PEM stores want it.
    pub both: PathBuf,
    /// The authority whose servers this identity trusts.
    pub authority: PathBuf,
}

impl Pki {
    /// Makes the authorities; their certificates lie in `folder`.
    pub fn new(folder: &Path) -> Pki {
        std::fs::create_dir_all(folder).unwrap();
        let authority = |name: &str| {
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
            let key = KeyPair::generate().unwrap();
            let certificate = params.self_signed(&key).unwrap();
            std::fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
            Issuer::new(params, key)
        };
        Pki { folder: folder.to_owned(), trusted: authority("ca"), foreign: authority("other-ca") }
    }

    /// The certificate of the authority that everybody here trusts.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// The certificate of the authority that is another.
    pub fn foreign_authority(&self) -> PathBuf {
        self.folder.join("other-ca.pem")
    }

    /// A list of this number by the authority that everybody trusts, with these revoked.
    pub fn revocation_list(&self, revoked: &[&Identity], number: u64) -> String {
        let revoked = revoked.iter().map(|identity| {
            let der = CertificateDer::from_pem_file(&identity.certificate).unwrap();
            let (_, certificate) = x509_parser::parse_x509_certificate(&der).unwrap();
            RevokedCertParams {
                serial_number: SerialNumber::from_slice(certificate.raw_serial()),
                revocation_time: date_time_ymd(2026, 1, 1),
                reason_code: Some(RevocationReason::KeyCompromise),
                invalidity_date: None,
            }
        });
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2000, 1, 1),
            next_update: date_time_ymd(2100, 1, 1),
            crl_number: number.into(),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.trusted).unwrap().pem().unwrap()
    }

    /// One that was made before, as it lies on the disk.
    pub fn identity(&self, name: &str) -> Identity {
        let file = |extension: &str| self.folder.join(format!("{name}.{extension}"));
        Identity {
            certificate: file("crt"),
            key: file("key"),
            both: file("pem"),
            authority: self.authority(),
        }
    }

    /// A server, good for `localhost` and 127.0.0.1.
    pub fn server(&self, name: &str) -> Identity {
        self.issue(name, &self.trusted, |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        })
    }

    /// A server, good for these names.
    pub fn server_for(&self, name: &str, hosts: &[&str]) -> Identity {
        self.issue(name, &self.trusted, |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            params.subject_alt_names =
                CertificateParams::new(hosts.iter().map(ToString::to_string).collect::<Vec<_>>())
                    .unwrap()
                    .subject_alt_names;
        })
    }

    /// A client with the subject `/O=rig/OU=test/CN=name`.
    pub fn client(&self, name: &str) -> Identity {
        self.issue(name, &self.trusted, |_| {})
    }

    /// A client whose authority nobody trusts.
    pub fn foreign_client(&self, name: &str) -> Identity {
        self.issue(&format!("foreign-{name}"), &self.foreign, |_| {})
    }

    /// A client whose time is over.
    pub fn expired_client(&self, name: &str) -> Identity {
        self.issue(&format!("expired-{name}"), &self.trusted, |params| {
            params.not_after = date_time_ymd(2001, 1, 1);
        })
    }

    /// A certificate that may only serve, held by a client.
    pub fn client_with_server_usage(&self, name: &str) -> Identity {
        let usage = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.issue(&format!("server-usage-{name}"), &self.trusted, |params| {
            params.extended_key_usages = usage;
        })
    }

    fn issue(
        &self,
        file: &str,
        issuer: &Issuer<'_, KeyPair>,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Identity {
        let mut params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let common_name = file.rsplit('-').next().unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "rig");
        params.distinguished_name.push(DnType::OrganizationalUnitName, "test");
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2100, 1, 1);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, issuer).unwrap();
        let (key, certificate) = (key.serialize_pem(), certificate.pem());
        let write = |extension: &str, text: &str| {
            let path = self.folder.join(format!("{file}.{extension}"));
            std::fs::write(&path, text).unwrap();
            path
        };
        Identity {
            certificate: write("crt", &certificate),
            key: write("key", &key),
            both: write("pem", &format!("{key}{certificate}")),
            authority: self.authority(),
        }
    }
}

impl Identity {
    /// A rustls client that shows this certificate.
    pub fn client_config(&self) -> Arc<rustls::ClientConfig> {
        let chain = vec![CertificateDer::from_pem_file(&self.certificate).unwrap()];
        let key = PrivateKeyDer::from_pem_file(&self.key).unwrap();
        Arc::new(self.trusting().with_client_auth_cert(chain, key).unwrap())
    }

    /// A rustls client that trusts the same authority and shows no certificate.
    pub fn anonymous_config(&self) -> Arc<rustls::ClientConfig> {
        Arc::new(self.trusting().with_no_client_auth())
    }

    fn trusting(&self) -> rustls::ConfigBuilder<rustls::ClientConfig, rustls::client::WantsClientCert> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&self.authority).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider);
        builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots)
    }
}
