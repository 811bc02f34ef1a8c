//! The TLS side of a listener, and of doorkeeper as a client; the paths are complete.

use std::path::PathBuf;
use std::time::Duration;

use rustls::SupportedCipherSuite;

use super::settings::{TlsVersion, Verdict};

/// The TLS side of a listener.
#[derive(Debug, Clone, PartialEq)]
pub struct Tls {
    /// What clients are shown unless they call for another.
    pub certificate: OwnCertificate,
    /// What those are shown who call the listener by a name that is in it.
    pub additional_certificates: Vec<OwnCertificate>,
    /// Whether clients show a certificate, and who may have issued it.
    pub client_auth: ClientAuth,
    /// Where revoked certificates of clients are looked up, if they are.
    pub revocation: Option<Revocation>,
    /// Whether certificates of X.509 version 1 are taken.
    pub allow_x509_v1: bool,
    /// From the accepted connection to the end of the handshake.
    pub handshake_timeout: Duration,
    /// The oldest version that is spoken.
    pub min_version: TlsVersion,
    /// In order of preference; empty for the library's own choice.
    pub cipher_suites: Vec<SupportedCipherSuite>,
    /// How often the files are looked at for a change.
    pub reload_interval: Duration,
}

/// A certificate with its key and its issuers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnCertificate {
    /// Two files of PEM.
    Pem {
        /// The certificate, then its issuers.
        certificate_chain: PathBuf,
        /// The key of the first certificate.
        private_key: PathBuf,
        /// What the key is encrypted with, if it is.
        password: Option<Password>,
    },
    /// A key store.
    Store {
        /// JKS, PKCS#12 or PEM.
        file: PathBuf,
        /// The store's.
        password: Option<Password>,
        /// Which key, where there are several.
        alias: Option<String>,
        /// The key's, where it is another.
        key_password: Option<Password>,
    },
}

/// The certificates of those who are trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustedCertificates {
    /// A file of PEM.
    Pem(PathBuf),
    /// A trust store.
    Store {
        /// JKS, PKCS#12 or PEM.
        file: PathBuf,
        /// The store's.
        password: Option<Password>,
    },
}

/// Where a password is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Password {
    /// In a file.
    File(PathBuf),
    /// In an environment variable.
    Environment(String),
}

/// Kafka's `ssl.client.auth`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientAuth {
    /// No client without a valid certificate.
    Required {
        /// The certificates of the issuers that are trusted.
        client_ca: TrustedCertificates,
    },
    /// A client without a certificate is `User:ANONYMOUS`; one that shows a certificate must show a valid one.
    Requested {
        /// The certificates of the issuers that are trusted.
        client_ca: TrustedCertificates,
    },
    /// Clients are not asked; every one is `User:ANONYMOUS`.
    None,
}

impl ClientAuth {
    /// Who is trusted, where anybody is.
    pub fn trusted(&self) -> Option<&TrustedCertificates> {
        match self {
            Self::Required { client_ca } | Self::Requested { client_ca } => Some(client_ca),
            Self::None => None,
        }
    }
}

/// Where revoked certificates are looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// PEM or DER; at least one.
    pub crl_files: Vec<PathBuf>,
    /// Where no list tells.
    pub unknown: Verdict,
    /// Where only lists tell that are past their next update.
    pub expired: Verdict,
    /// Whether what is open is closed as well.
    pub close_connections: bool,
}

/// The TLS side of a client; the paths are complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientTls {
    /// PEM: the client's certificate, then its issuers.
    pub certificate_chain: PathBuf,
    /// PEM: the key of the first certificate.
    pub private_key: PathBuf,
    /// PEM: the certificates of the issuers whose servers are trusted.
    pub server_ca: PathBuf,
    /// How often the files are looked at for a change.
    pub reload_interval: Duration,
}
