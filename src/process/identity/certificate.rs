//! What there is to say about a certificate.

use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{ASN1Time, FromDer, X509Certificate, X509Name};

use crate::model::certificate::Standing;

/// What a certificate is used for here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Shown to clients: the server's own, or one of its issuers.
    Server,
    /// An issuer whose clients are trusted.
    ClientCa,
    /// Shown to other doorkeepers: the client's own, or one of its issuers.
    Client,
    /// An issuer whose doorkeepers are trusted.
    ServerCa,
}

impl Role {
    /// The word in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Role::Server => "server",
            Role::ClientCa => "client_ca",
            Role::Client => "client",
            Role::ServerCa => "server_ca",
        }
    }
}

/// A certificate, as metrics and `doorkeeper check` show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// What it is used for.
    pub role: Role,
    /// Which of the server's own certificates it is, or is shown with: 0 for the first, then those of `additional_certificates`.
    pub number: usize,
    /// The last common name of the subject, or the whole subject where there is none; at most 200 characters.
    pub subject: String,
    /// The same of the issuer.
    pub issuer: String,
    /// In hexadecimal, with colons.
    pub serial: String,
    /// Seconds since 1970.
    pub not_before: i64,
    /// Seconds since 1970.
    pub not_after: i64,
    /// SHA-256 of the DER form, in hexadecimal.
    pub sha256: String,
    /// 1 or 3.
    pub version: u32,
    /// What it vouches for, where it is one that is trusted.
    pub standing: Option<Standing>,
    /// Whether those to whom it is shown need it; not so for a root, or a certificate that leads nowhere.
    pub needed: bool,
}

impl CertificateFacts {
    /// Where it is used, as metrics and `doorkeeper check` name it: the listener, and which of its additional certificates.
    pub fn used_by(&self, listener: &str) -> String {
        match self.number.checked_sub(1) {
            None => listener.to_owned(),
            Some(number) => format!("{listener}.additional_certificates.{number}"),
        }
    }

    /// When it expires, such as `2024-02-29 12:00 UTC`.
    pub fn expiry(&self) -> String {
        date(self.not_after)
    }

    /// What it means that it has expired, and whether somebody must see to it at once.
    pub fn consequence(&self) -> (bool, &'static str) {
        match (self.role, &self.standing) {
            (Role::Server | Role::Client, _) if !self.needed => {
                (false, "nobody needs it, leave it out of the chain")
            }
            (Role::Server, _) => (true, "clients refuse the server, renew it"),
            (Role::Client, _) => (true, "other doorkeepers refuse this one, renew it"),
            (_, Some(Standing::Authority)) => {
                (false, "those whom it has issued certificates for are still accepted")
            }
            _ => (false, "whoever shows it is refused"),
        }
    }

    /// Whether it is about to end at a time in seconds since 1970. One that was issued for no longer than that is renewed all
    /// the time, by something that needs no reminder.
    pub(super) fn ends_soon_at(&self, now: i64) -> bool {
        self.not_after.saturating_sub(now) < SOON && self.not_after.saturating_sub(self.not_before) > SOON
    }

    /// Why it is not valid at a time in seconds since 1970, such as `expired on 2024-02-29 12:00 UTC`.
    pub fn problem_at(&self, now: i64) -> Option<String> {
        if now > self.not_after {
            Some(format!("expired on {}", self.expiry()))
        } else if now < self.not_before {
            Some(format!("is not valid before {}", date(self.not_before)))
        } else {
            None
        }
    }
}

/// How long before its end a certificate is warned of, in seconds; the alert `DoorkeeperCertificateExpiresSoon` has the same.
pub(super) const SOON: i64 = 7 * 86_400;

/// Reads a certificate.
///
/// # Errors
/// Why it is none.
pub fn facts(der: &CertificateDer<'_>, role: Role) -> Result<CertificateFacts, String> {
    let (rest, certificate) =
        X509Certificate::from_der(der).map_err(|_| "it is not an X.509 certificate".to_owned())?;
    if !rest.is_empty() {
        return Err("there are bytes after its end".into());
    }
    Ok(CertificateFacts {
        role,
        number: 0,
        subject: name(certificate.subject()),
        issuer: name(certificate.issuer()),
        serial: certificate.raw_serial_as_string(),
        not_before: certificate.validity().not_before.timestamp(),
        not_after: certificate.validity().not_after.timestamp(),
        sha256: sha256(der),
        version: certificate.version().0 + 1,
        standing: None,
        needed: true,
    })
}

/// Why clients, or some of them, will refuse a server's own certificate.
pub fn doubt_of_server(der: &CertificateDer<'_>) -> Option<&'static str> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let usage = certificate.extended_key_usage().ok().flatten();
    if usage.is_some_and(|usage| !usage.value.server_auth && !usage.value.any) {
        return Some(
            "its extendedKeyUsage is without serverAuth: clients refuse it; issue it with that, or without any",
        );
    }
    if certificate.is_ca() {
        return Some(
            "it is an authority's own (CA:TRUE), which some clients refuse: issue the server one of its own",
        );
    }
    if !certificate.subject_alternative_name().is_ok_and(|names| names.is_some()) {
        return Some(
            "it has no subjectAltName: clients that verify host names refuse it, except some that fall back on the CN",
        );
    }
    None
}

/// The certificate's public key with its algorithm, in DER.
pub(super) fn public_key<'a>(der: &'a CertificateDer<'_>) -> Option<&'a [u8]> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(certificate.tbs_certificate.subject_pki.raw)
}

fn name(name: &X509Name<'_>) -> String {
    let common_name = name.iter_common_name().last().and_then(|part| part.as_str().ok()).map(str::to_owned);
    common_name.unwrap_or_else(|| name.to_string()).chars().filter(|c| !c.is_control()).take(200).collect()
}

/// SHA-256, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    let hash = TLS13_AES_128_GCM_SHA256.tls13().map(|suite| suite.common.hash_provider.hash(bytes));
    hash.iter().flat_map(AsRef::as_ref).map(|byte| format!("{byte:02x}")).collect()
}

/// A time in seconds since 1970, such as `2024-02-29 12:00 UTC`.
pub(super) fn date(seconds: i64) -> String {
    let Ok(time) = ASN1Time::from_timestamp(seconds).map(|time| time.to_datetime()) else {
        return seconds.to_string();
    };
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", time.hour(), time.minute())
}
