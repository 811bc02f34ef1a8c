//! `doorkeeper certs renew`: another key and certificate in the place of the old ones, which say the same.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use clap::value_parser;
use rcgen::CustomExtension;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::authority::{Authority, Issued, Request, Validity};
use super::files::Files;
use super::keys::KeyType;
use super::pkcs12;
use super::stores::{key_store, portable_password_in};
use super::{Issuer, MOST_DAYS, PASSWORD, names, until};
use crate::model::certificate::Certificate;
use crate::process::identity::{ProviderSignatures, certificates_in, private_key_in};

/// The most bytes of a PKCS#12 file.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// What a certificate says of its owner, by number: keyUsage, subjectAltName, extendedKeyUsage, nsCertType.
const KEPT: [&str; 4] = ["2.5.29.15", "2.5.29.17", "2.5.29.37", "2.16.840.1.113730.1.1"];
/// What is made anew: subjectKeyIdentifier, basicConstraints, authorityKeyIdentifier.
const MADE: [&str; 3] = ["2.5.29.14", "2.5.29.19", "2.5.29.35"];

/// Make certificates anew.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Renewal {
    /// The certificates, in PEM, each in a file that begins with it. Its key is in the file beside it that ends in .key; files beside
    /// it that end in .pem (both) and .p12 (PKCS#12) are made anew, too.
    #[arg(value_name = "FILE", required = true)]
    certificates: Vec<PathBuf>,
    #[command(flatten)]
    issuer: Issuer,
    /// The kind of the new keys; without it that of the old ones.
    #[arg(long, value_enum)]
    key: Option<KeyType>,
    /// How many days the certificates are good for; they end with the authority's at the latest.
    #[arg(long, default_value_t = 365, value_parser = value_parser!(u16).range(1..=MOST_DAYS))]
    days: u16,
    /// The file with the password of PKCS#12 files; without it the file password beside them.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// Makes each anew; what has been is said of before one that cannot be.
pub(super) fn renew(asked: &Renewal, now: SystemTime) -> Result<String, String> {
    let authority = asked.issuer.open(now)?;
    let mut text = String::new();
    for path in &asked.certificates {
        match one(asked, &authority, path, now) {
            Ok(line) => text += &line,
            Err(why) => return Err(text + &why),
        }
    }
    Ok(text)
}

fn one(asked: &Renewal, authority: &Authority, path: &Path, now: SystemTime) -> Result<String, String> {
    let name = path.display();
    let found = certificates_in(path)?;
    let der = found.first().ok_or(format!("{name}: there is no certificate in it"))?;
    let old = Old::read(der, authority).map_err(|why| format!("{name}: {why}"))?;
    let key_type = asked.key.or(KeyType::of(old.certificate.key())).ok_or_else(|| {
        format!(
            "{name}: its key ({}) is of a kind that is not made here: name another with --key",
            old.certificate.key().described()
        )
    })?;
    let key = path.with_extension("key");
    if key == path {
        return Err(format!("{name}: name the file with the certificate, such as tls/tls.crt"));
    }
    // A key elsewhere would stay, and fit no more.
    private_key_in(&key)
        .map_err(|why| format!("{why}; it would be replaced by the key of the new certificate"))?;
    let Old { certificate, extensions, left_out } = old;
    let subject = names::copied(certificate.subject_der()).map_err(|why| format!("{name}: {why}"))?;
    let issued =
        authority.issue(Request::Again { subject, extensions }, key_type, Validity::days(asked.days, now))?;
    let mut files = Files::default();
    let (both, store) = (path.with_extension("pem"), path.with_extension("p12"));
    if store.exists() {
        files.secret(store.clone(), &renewed_store(asked, &store, &issued, authority)?);
    }
    if both.exists() {
        files.secret(both, issued.both_pem().as_bytes());
    }
    files.secret(key, issued.key_pem.as_bytes());
    files.public(path.to_owned(), &issued.chain_pem);
    let made = files.names();
    files.replace()?;
    let left_out = match left_out.is_empty() {
        true => String::new(),
        false => format!("; left out: the extensions {}", left_out.join(", ")),
    };
    Ok(format!("{name}: renewed{}: {made}{left_out}\n", until(issued.own())))
}

/// A certificate that is to be made anew.
struct Old {
    certificate: Certificate,
    extensions: Vec<CustomExtension>,
    /// The numbers of extensions that are not taken over.
    left_out: Vec<String>,
}

impl Old {
    /// Reads one that `authority` has issued to somebody who is no authority.
    fn read(der: &CertificateDer<'_>, authority: &Authority) -> Result<Self, String> {
        let certificate = Certificate::read(der).map_err(|error| error.to_string())?;
        let signatures = ProviderSignatures::new(Arc::new(aws_lc_rs::default_provider()));
        let issuer = authority.certificate();
        if !certificate.may_be_issued_by(issuer) || certificate.check_signature(issuer, &signatures).is_err()
        {
            return Err(
                "the authority has not issued it: name the one that has, with --ca and --ca-key".to_owned()
            );
        }
        let (_, read) = X509Certificate::from_der(der).map_err(|_| "it cannot be read".to_owned())?;
        if read.is_ca() {
            return Err("it is an authority's own: make a new one with 'doorkeeper certs ca', and name both in client_ca until \
                        all have certificates of the new one"
                .to_owned());
        }
        let (mut extensions, mut left_out) = (Vec::new(), Vec::new());
        for extension in read.extensions() {
            let number = extension.oid.to_id_string();
            if MADE.contains(&number.as_str()) {
                continue;
            }
            match extension.oid.iter().filter(|_| KEPT.contains(&number.as_str())) {
                Some(parts) => {
                    let parts: Vec<u64> = parts.collect();
                    let mut kept = CustomExtension::from_oid_content(&parts, extension.value.to_vec());
                    kept.set_criticality(extension.critical);
                    extensions.push(kept);
                }
                None => left_out.push(number),
            }
        }
        Ok(Self { certificate, extensions, left_out })
    }
}

/// A PKCS#12 file with the new key, under the old one's alias and password.
fn renewed_store(
    asked: &Renewal,
    path: &Path,
    issued: &Issued,
    authority: &Authority,
) -> Result<Vec<u8>, String> {
    let name = path.display();
    let beside = path.with_file_name(PASSWORD);
    let password = portable_password_in(asked.password_file.as_deref().unwrap_or(&beside))?;
    let mut old = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MOST_BYTES).read_to_end(&mut old))
        .map_err(|error| format!("{name}: {error}"))?;
    let alias = pkcs12::alias(&old, &password)
        .map_err(|why| format!("{name}: {why}; a store that was made elsewhere is renewed there"))?;
    key_store(&alias, issued, authority.der(), &password)
}
