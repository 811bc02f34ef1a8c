//! An authority: its certificate and its key, and what it makes of a request.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData as _, SanType, SerialNumber, date_time_ymd,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, ParsedExtension, X509Certificate};
use zeroize::Zeroizing;

use super::keys::KeyType;
use super::names;
use crate::model::certificate::{Anchors, Certificate, Standing};
use crate::process::identity::{ProviderSignatures, certificates_in, private_key_in};

/// How long before it is made a certificate is good: the clocks of others may be behind.
const BACK: Duration = Duration::from_secs(3600);

const SECONDS_OF_A_DAY: u64 = 86_400;

/// From when to when a certificate is good, in seconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Validity {
    not_before: u64,
    not_after: u64,
}

impl Validity {
    /// So many days from now.
    pub(in crate::cli) fn days(days: u16, now: SystemTime) -> Self {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self {
            not_before: now.saturating_sub(BACK.as_secs()),
            not_after: now.saturating_add(u64::from(days) * SECONDS_OF_A_DAY),
        }
    }

    fn put_into(self, params: &mut CertificateParams) {
        params.not_before = date_time_ymd(1970, 1, 1) + Duration::from_secs(self.not_before);
        params.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(self.not_after);
    }
}

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    /// A server, which in doorkeeper's case is nobody's client.
    Server,
    /// A client.
    Client,
}

/// What a certificate is asked to say of its owner.
pub(super) enum Request {
    /// A new one.
    New { subject: DistinguishedName, hosts: Vec<SanType>, usage: Usage },
    /// What another one said: its name and these extensions, as they are.
    Again { subject: DistinguishedName, extensions: Vec<CustomExtension> },
}

/// A key with the certificate that was made for it.
pub(in crate::cli) struct Issued {
    /// The key, in PKCS#8.
    pub(in crate::cli) key: Zeroizing<Vec<u8>>,
    /// The key, in PEM.
    pub(in crate::cli) key_pem: Zeroizing<String>,
    /// The certificate, and those of its issuers as far as they are no roots, in DER.
    pub(in crate::cli) chain: Vec<Vec<u8>>,
    /// The same in PEM.
    pub(in crate::cli) chain_pem: String,
}

impl Issued {
    /// The certificate, in DER.
    pub(in crate::cli) fn own(&self) -> &[u8] {
        self.chain.first().map_or(&[], Vec::as_slice)
    }

    /// Key and certificates in one text, as `ssl.keystore.type=PEM` wants them.
    pub(super) fn both_pem(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{}{}", *self.key_pem, self.chain_pem))
    }
}

/// An authority.
pub(in crate::cli) struct Authority {
    certificate: Certificate,
    /// In PEM.
    pub(in crate::cli) certificate_pem: String,
    /// Its name, and what its key is called by.
    params: CertificateParams,
    key: Zeroizing<KeyPair>,
}

impl Authority {
    /// Makes one that vouches for clients and servers, and for no authority below it.
    pub(in crate::cli) fn new(
        name: &str,
        organization: Option<&str>,
        key_type: KeyType,
        validity: Validity,
    ) -> Result<Self, String> {
        let key = key_type.generate()?;
        let mut params = blank(validity)?;
        params.distinguished_name = names::subject(name, organization);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.use_authority_key_identifier_extension = false;
        let made = params.self_signed(&*key).map_err(|error| unmade(&error))?;
        let certificate = Certificate::read(made.der()).map_err(|error| unmade(&error))?;
        Ok(Self { certificate, certificate_pem: made.pem(), params, key })
    }

    /// Takes one from its files, both in PEM.
    ///
    /// # Errors
    /// Why it can make no certificates that would be believed.
    pub(in crate::cli) fn open(certificate: &Path, key: &Path, now: SystemTime) -> Result<Self, String> {
        let (at, of_key) = (certificate.display(), key.display());
        let found = certificates_in(certificate)?;
        let [der] = found.as_slice() else {
            return Err(format!(
                "{at}: there are {} certificates in it: name a file with the authority's own alone",
                found.len()
            ));
        };
        let read = Certificate::read(der).map_err(|error| format!("{at}: {error}"))?;
        let signatures = ProviderSignatures::new(Arc::new(aws_lc_rs::default_provider()));
        match Anchors::default().add(read.clone(), &signatures).standing() {
            Standing::Authority => {}
            Standing::Itself(why) | Standing::Nothing(why) => {
                return Err(format!("{at}: it is no authority's certificate: {why}"));
            }
        }
        if !read.is_valid_at(unix(now)) {
            return Err(format!("{at}: the authority's certificate is not valid now: make a new authority"));
        }
        let pair = KeyPair::try_from(&private_key_in(key)?).map(Zeroizing::new);
        let pair =
            pair.map_err(|_| format!("{of_key}: the key is damaged, or of a kind that signs nothing here"))?;
        if pair.subject_public_key_info() != read.key().der() {
            return Err(format!("{of_key}: the key does not fit the certificate in {at}"));
        }
        let mut params = CertificateParams::default();
        params.distinguished_name =
            names::copied(read.subject_der()).map_err(|why| format!("{at}: {why}"))?;
        if let Some(key_id) = key_id(der) {
            params.key_identifier_method = KeyIdMethod::PreSpecified(key_id);
        }
        Ok(Self { certificate: read, certificate_pem: pem("CERTIFICATE", der), params, key: pair })
    }

    /// Its certificate.
    pub(super) fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Its key, in PEM.
    pub(in crate::cli) fn key_pem(&self) -> Zeroizing<String> {
        Zeroizing::new(self.key.serialize_pem())
    }

    /// Makes a key, and a certificate for it that is good for no longer than the authority's own.
    pub(super) fn issue(
        &self,
        request: Request,
        key_type: KeyType,
        validity: Validity,
    ) -> Result<Issued, String> {
        let key = key_type.generate()?;
        let last = u64::try_from(self.certificate.not_after()).unwrap_or_default();
        let validity = Validity { not_after: validity.not_after.min(last), ..validity };
        let mut params = blank(validity)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        match request {
            Request::New { subject, hosts, usage } => {
                params.distinguished_name = subject;
                params.subject_alt_names = hosts;
                params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
                if usage == Usage::Server && key_type.is_rsa() {
                    params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
                }
                params.extended_key_usages = vec![match usage {
                    Usage::Server => ExtendedKeyUsagePurpose::ServerAuth,
                    Usage::Client => ExtendedKeyUsagePurpose::ClientAuth,
                }];
            }
            Request::Again { subject, extensions } => {
                params.distinguished_name = subject;
                params.custom_extensions = extensions;
            }
        }
        let issuer = Issuer::from_params(&self.params, &*self.key);
        let made = params.signed_by(&*key, &issuer).map_err(|error| unmade(&error))?;
        self.check(made.der())?;
        let mut chain = vec![made.der().to_vec()];
        let mut chain_pem = made.pem();
        if !self.certificate.is_self_issued() {
            chain.push(self.certificate.der().to_vec());
            chain_pem += &self.certificate_pem;
        }
        Ok(Issued {
            key: Zeroizing::new(key.serialize_der()),
            key_pem: Zeroizing::new(key.serialize_pem()),
            chain,
            chain_pem,
        })
    }

    /// Whether others will find that this authority has issued it, Java among them, which compares names byte by byte.
    fn check(&self, der: &[u8]) -> Result<(), String> {
        let made = Certificate::read(der).map_err(|error| unmade(&error))?;
        let signatures = ProviderSignatures::new(Arc::new(aws_lc_rs::default_provider()));
        let is_named =
            made.issuer_der() == self.certificate.subject_der() && made.may_be_issued_by(&self.certificate);
        match is_named && made.check_signature(&self.certificate, &signatures).is_ok() {
            true => Ok(()),
            false => Err("the authority's name cannot be written again as it is: issue certificates with the tool that \
                          made it"
                .to_owned()),
        }
    }

    /// Its certificate, in DER.
    pub(in crate::cli) fn der(&self) -> &[u8] {
        self.certificate.der()
    }
}

/// What all certificates have.
fn blank(validity: Validity) -> Result<CertificateParams, String> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.serial_number = Some(serial()?);
    validity.put_into(&mut params);
    Ok(params)
}

/// 127 random bits, with none before them that would make the number shorter or negative (RFC 5280, 4.1.2.2: positive, at most
/// 20 bytes).
fn serial() -> Result<SerialNumber, String> {
    let mut number = super::random::<16>()?;
    if let Some(first) = number.first_mut() {
        *first = *first & 0x7f | 0x40;
    }
    Ok(SerialNumber::from_slice(&number))
}

/// The subjectKeyIdentifier of a certificate.
fn key_id(der: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
        _ => None,
    })
}

fn unmade(why: &dyn std::fmt::Display) -> String {
    format!("no certificate can be made: {why}")
}

/// Seconds since 1970.
pub(super) fn unix(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// RFC 7468: Base64 in lines of 64 characters between two marks.
pub(super) fn pem(label: &str, der: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for (at, three) in der.chunks(3).enumerate() {
        if at % 16 == 0 {
            text.push('\n');
        }
        let bits =
            three.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let letter = LETTERS.get((bits >> (18 - 6 * place) & 0x3f) as usize);
            text.push(if place <= three.len() {
                letter.map_or('=', |letter| char::from(*letter))
            } else {
                '='
            });
        }
    }
    format!("-----BEGIN {label}-----{text}\n-----END {label}-----\n")
}
