//! What stands in a certificate.

use std::net::IpAddr;

use rustls::pki_types::CertificateDer;
use serde::Serialize;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::model::certificate::{Certificate, algorithm_name};
use crate::model::principal::distinguished_name;
use crate::model::text::Rfc3339;
use crate::process::identity::{Role, facts};

/// The most names that are shown of a certificate.
const MOST_NAMES: usize = 200;

const SECONDS_OF_A_DAY: i64 = 86_400;

/// A certificate, for people and programs.
#[derive(Debug, Serialize)]
pub(super) struct CertificateShown {
    /// As Java renders it, and as mapping rules see it (RFC 2253).
    subject: String,
    issuer: String,
    serial: String,
    sha256: String,
    not_before: String,
    not_after: String,
    /// Whole days from now to its end; negative after it.
    days_left: i64,
    /// Whether its time has not come yet.
    is_early: bool,
    /// The subjectAltName, each with its kind, such as `DNS:broker.example.com`.
    names: Vec<String>,
    key: String,
    signature_algorithm: String,
    key_usage: Vec<&'static str>,
    extended_key_usage: Vec<String>,
    /// Whether it says that it is an authority's.
    authority: bool,
}

impl CertificateShown {
    /// Reads it at a time in seconds since 1970.
    pub(super) fn read(der: &CertificateDer<'_>, now: i64) -> Result<Self, String> {
        let facts = facts(der, Role::Server)?;
        let model = Certificate::read(der).map_err(|error| error.to_string())?;
        let (_, read) =
            X509Certificate::from_der(der).map_err(|_| "it is not an X.509 certificate".to_owned())?;
        let name = |der: &[u8]| distinguished_name(der).map_err(|error| error.to_string());
        let time = |seconds: i64| {
            let since = std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
            Rfc3339(std::time::UNIX_EPOCH.checked_add(since).unwrap_or(std::time::UNIX_EPOCH)).to_string()
        };
        Ok(Self {
            subject: name(model.subject_der())?,
            issuer: name(model.issuer_der())?,
            serial: facts.serial.clone(),
            sha256: facts.sha256.clone(),
            not_before: time(facts.not_before),
            not_after: time(facts.not_after),
            days_left: facts.not_after.saturating_sub(now).div_euclid(SECONDS_OF_A_DAY),
            is_early: now < facts.not_before,
            names: alternative_names(&read),
            key: model.key().described(),
            signature_algorithm: algorithm_name(signature_algorithm(der)),
            key_usage: key_usage(&read),
            extended_key_usage: extended_key_usage(&read),
            authority: read.is_ca(),
        })
    }

    /// What is said of it, in rows.
    pub(super) fn rows(&self) -> Vec<(&'static str, String)> {
        let date =
            |time: &str| time.get(..16).map_or(time.to_owned(), |time| time.replace('T', " ") + " UTC");
        let left = match self.days_left {
            _ if self.is_early => "not yet".to_owned(),
            days if days < 0 => "expired".to_owned(),
            1 => "1 day left".to_owned(),
            days => format!("{days} days left"),
        };
        let usage = self.key_usage.iter().map(|usage| (*usage).to_owned());
        let usage: Vec<String> = usage.chain(self.extended_key_usage.iter().cloned()).collect();
        let or_none = |list: &[String]| if list.is_empty() { "none".to_owned() } else { list.join(", ") };
        vec![
            ("subject", self.subject.clone()),
            ("issuer", self.issuer.clone()),
            ("names", or_none(&self.names)),
            ("valid", format!("{} to {}: {left}", date(&self.not_before), date(&self.not_after))),
            ("key", format!("{}, signed with {}", self.key, self.signature_algorithm)),
            ("usage", or_none(&usage)),
            ("authority", if self.authority { "yes" } else { "no" }.to_owned()),
            ("serial", self.serial.clone()),
            ("sha256", self.sha256.clone()),
        ]
    }
}

/// The content of the AlgorithmIdentifier behind what is signed.
fn signature_algorithm<'a>(der: &'a CertificateDer<'_>) -> &'a [u8] {
    use crate::model::der::{Der, SEQUENCE};
    let algorithm = Der(der).whole(SEQUENCE, "it is no SEQUENCE").and_then(|mut outer| {
        outer.take(SEQUENCE, "its body is no SEQUENCE")?;
        outer.take(SEQUENCE, "its signature's algorithm is no SEQUENCE")
    });
    algorithm.map_or(&[], |algorithm| algorithm.content)
}

fn alternative_names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let found = certificate.subject_alternative_name().ok().flatten();
    let names = found.iter().flat_map(|extension| &extension.value.general_names);
    let text = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => format!("DNS:{name}"),
        GeneralName::IPAddress(bytes) => address(bytes),
        GeneralName::URI(uri) => format!("URI:{uri}"),
        GeneralName::RFC822Name(mailbox) => format!("email:{mailbox}"),
        GeneralName::DirectoryName(name) => format!("directory:{name}"),
        _ => "another kind of name".to_owned(),
    };
    names.take(MOST_NAMES).map(text).collect()
}

fn address(bytes: &[u8]) -> String {
    let address = match (<[u8; 4]>::try_from(bytes), <[u8; 16]>::try_from(bytes)) {
        (Ok(four), _) => IpAddr::from(four),
        (_, Ok(sixteen)) => IpAddr::from(sixteen),
        _ => return "IP of a wrong length".to_owned(),
    };
    format!("IP:{address}")
}

fn key_usage(certificate: &X509Certificate<'_>) -> Vec<&'static str> {
    let Ok(Some(usage)) = certificate.key_usage() else { return Vec::new() };
    let usage = usage.value;
    let named = [
        (usage.digital_signature(), "digitalSignature"),
        (usage.non_repudiation(), "nonRepudiation"),
        (usage.key_encipherment(), "keyEncipherment"),
        (usage.data_encipherment(), "dataEncipherment"),
        (usage.key_agreement(), "keyAgreement"),
        (usage.key_cert_sign(), "keyCertSign"),
        (usage.crl_sign(), "cRLSign"),
        (usage.encipher_only(), "encipherOnly"),
        (usage.decipher_only(), "decipherOnly"),
    ];
    named.into_iter().filter(|(is_set, _)| *is_set).map(|(_, name)| name).collect()
}

fn extended_key_usage(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(usage)) = certificate.extended_key_usage() else { return Vec::new() };
    let usage = usage.value;
    let named = [
        (usage.any, "anyExtendedKeyUsage"),
        (usage.server_auth, "serverAuth"),
        (usage.client_auth, "clientAuth"),
        (usage.code_signing, "codeSigning"),
        (usage.email_protection, "emailProtection"),
        (usage.time_stamping, "timeStamping"),
        (usage.ocsp_signing, "OCSPSigning"),
    ];
    let named = named.into_iter().filter(|(is_set, _)| *is_set).map(|(_, name)| name.to_owned());
    named
        .chain(usage.other.iter().take(MOST_NAMES).map(x509_parser::oid_registry::Oid::to_id_string))
        .collect()
}
