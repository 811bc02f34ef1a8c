//! The `tls` key of a listener, as [`super`] has the whole file.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::process::config::settings::{TlsVersion, Verdict};
use crate::process::config::text;

/// The TLS side of a listener. Files are PEM where nothing else is said; relative paths start at the folder of the configuration
/// file.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    /// The server's certificate, then the certificates of its issuers. Needed, with `private_key`, unless there is a
    /// `keystore`.
    #[schemars(extend("format" = "path"))]
    pub(crate) certificate_chain: Option<String>,
    /// The private key of the first certificate: PKCS#8, PKCS#1 or SEC1, or PKCS#8 encrypted by a password.
    #[schemars(extend("format" = "path"))]
    pub(crate) private_key: Option<String>,
    /// The file with the password of an encrypted `private_key`; a line end behind it is no part of it.
    #[schemars(extend("format" = "path"))]
    pub(crate) private_key_password_file: Option<String>,
    /// The environment variable with that password, in the place of a file.
    #[schemars(extend("format" = "variable"))]
    pub(crate) private_key_password_env: Option<String>,
    /// A key store with the server's key and certificates, in the place of `certificate_chain` and `private_key`.
    pub(crate) keystore: Option<KeyStore>,
    /// More certificates, each with its key: a client that calls this listener by a name (SNI) gets the first certificate that has
    /// it, exactly or by a wildcard, and otherwise the listener's own, which counts as the first of them.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub(crate) additional_certificates: Vec<AdditionalCertificate>,
    /// The certificates of the issuers whose clients are trusted. Needed, or a `truststore`, unless `client_auth` is `none`.
    #[schemars(extend("format" = "path"))]
    pub(crate) client_ca: Option<String>,
    /// A trust store with these certificates, in the place of `client_ca`.
    pub(crate) truststore: Option<TrustStore>,
    /// Whether clients must show a certificate, as Kafka's `ssl.client.auth`. With `requested`, a client without
    /// one is `User:ANONYMOUS`.
    #[serde(default)]
    pub(crate) client_auth: ClientAuthWord,
    /// Revocation lists that clients' certificates are looked up in; without the key they are not.
    pub(crate) revocation: Option<Revocation>,
    /// Whether certificates of X.509 version 1 are taken, as Kafka does: a client's, the server's own, and trusted ones that
    /// have signed themselves as those of authorities. `openssl x509 -req` without extensions makes such.
    #[serde(default)]
    pub(crate) allow_x509_v1: bool,
    /// How long a client may take from connecting to the end of the handshake.
    #[serde(default = "default_handshake_timeout", with = "text::duration")]
    #[schemars(with = "text::DurationText")]
    pub(crate) handshake_timeout: Duration,
    /// The oldest version of TLS that is spoken.
    #[serde(default)]
    pub(crate) min_version: TlsVersion,
    /// Cipher suites in order of preference, by their IANA names; without the key, the library's choice.
    #[serde(default)]
    #[schemars(with = "Vec<text::CipherSuite>")]
    pub(crate) cipher_suites: Vec<String>,
    /// How often all these files are looked at for a change, those of passwords as well. SIGHUP looks at once.
    #[serde(default = "default_reload_interval", with = "text::duration")]
    #[schemars(with = "text::DurationText")]
    pub(crate) reload_interval: Duration,
}

/// A key store: JKS, PKCS#12, or PEM with a key and its certificates. Which it is, its content tells and not its name.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyStore {
    /// The store, at most 1 MiB.
    #[schemars(extend("format" = "path"))]
    pub(crate) file: String,
    /// The file with the store's password; a line end behind it is no part of it.
    #[schemars(extend("format" = "path"))]
    pub(crate) password_file: Option<String>,
    /// The environment variable with the store's password, in the place of a file.
    #[schemars(extend("format" = "variable"))]
    pub(crate) password_env: Option<String>,
    /// Which key is meant where there are several; upper and lower case are the same.
    #[schemars(length(min = 1))]
    pub(crate) alias: Option<String>,
    /// The file with the key's password, where that is another than the store's.
    #[schemars(extend("format" = "path"))]
    pub(crate) key_password_file: Option<String>,
    /// The environment variable with the key's password, in the place of a file.
    #[schemars(extend("format" = "variable"))]
    pub(crate) key_password_env: Option<String>,
}

/// A trust store: JKS, PKCS#12, or PEM. Which it is, its content tells and not its name.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrustStore {
    /// The store, at most 1 MiB.
    #[schemars(extend("format" = "path"))]
    pub(crate) file: String,
    /// The file with the store's password; a line end behind it is no part of it. A JKS can be read without, and is then not
    /// looked at for changes that somebody made without knowing it.
    #[schemars(extend("format" = "path"))]
    pub(crate) password_file: Option<String>,
    /// The environment variable with the store's password, in the place of a file.
    #[schemars(extend("format" = "variable"))]
    pub(crate) password_env: Option<String>,
}

/// A certificate beside the listener's own, with its key.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdditionalCertificate {
    /// The certificate, then the certificates of its issuers. Needed, with `private_key`, unless there is a `keystore`.
    #[schemars(extend("format" = "path"))]
    pub(crate) certificate_chain: Option<String>,
    /// The private key of the first certificate, which may be encrypted.
    #[schemars(extend("format" = "path"))]
    pub(crate) private_key: Option<String>,
    /// The file with the password of an encrypted `private_key`; a line end behind it is no part of it.
    #[schemars(extend("format" = "path"))]
    pub(crate) private_key_password_file: Option<String>,
    /// The environment variable with that password, in the place of a file.
    #[schemars(extend("format" = "variable"))]
    pub(crate) private_key_password_env: Option<String>,
    /// A key store with the key and its certificates, in the place of `certificate_chain` and `private_key`.
    pub(crate) keystore: Option<KeyStore>,
}

/// Lists of revoked certificates (RFC 5280, section 5), and what follows where they do not tell.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Revocation {
    /// The lists, each in PEM or DER and at most 16 MiB; a PEM file may hold several. Each is signed by an authority that is trusted,
    /// or by one below it.
    #[schemars(with = "Vec<text::FileName>", length(min = 1, max = 100))]
    pub(crate) crl_files: Vec<String>,
    /// What becomes of a client where there is no list of the issuer of its certificate, or of one between that and a trusted
    /// authority.
    #[serde(default)]
    pub(crate) unknown: Verdict,
    /// What becomes of a client where each list of such an issuer is past its next update.
    #[serde(default)]
    pub(crate) expired: Verdict,
    /// Whether open connections are closed, too, when their client's certificate is revoked or no longer believed, or expires.
    #[serde(default)]
    pub(crate) close_connections: bool,
}

fn default_handshake_timeout() -> Duration {
    Duration::from_secs(10)
}

/// The kubelet itself brings a changed Secret within a minute or two.
pub(crate) fn default_reload_interval() -> Duration {
    Duration::from_secs(10)
}

/// Kafka's `ssl.client.auth`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ClientAuthWord {
    #[default]
    Required,
    Requested,
    None,
}
