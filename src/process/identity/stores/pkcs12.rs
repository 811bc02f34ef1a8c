//! PKCS#12 (RFC 7292): the key store of Java since 9, of openssl, and of others.
//!
//! Read is what is in DER and has a password, or none, as its integrity; bags in bags are left aside, as secret keys and revocation lists
//! are.

use rustls::pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::encryption::{Effort, check_mac, decrypt};
use super::{Contents, Entry, Sealed, Trusted, Unread};
use crate::model::certificate::Certificate;
use crate::model::der::{
    Der, Element, INTEGER, NotDer, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, SET, context_constructed,
    unsigned,
};

const DATA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
const ENCRYPTED_DATA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 6];
/// The bags, without the last byte.
const BAG: [u8; 10] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1];
const X509_CERTIFICATE: [u8; 10] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 22, 1];
const FRIENDLY_NAME: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 20];
const LOCAL_KEY_ID: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 21];
/// Oracle's trustedKeyUsage, 2.16.840.1.113894.746875.1.1: what makes a certificate a trusted one of Java.
const TRUSTED_KEY_USAGE: [u8; 11] = [0x60, 0x86, 0x48, 1, 0x86, 0xf9, 0x66, 0xad, 0xca, 0x7b, 1];
const BMP_STRING: u8 = 0x1e;

/// Reads a PKCS#12.
pub(super) fn read(bytes: &[u8], password: Option<&str>, effort: &mut Effort) -> Result<Contents, Unread> {
    let mut fields = Der(bytes).whole(SEQUENCE, "it is no SEQUENCE, or there are bytes behind it")?;
    fields.take(INTEGER, "it is without a version")?;
    let safes = Der(fields.take(SEQUENCE, "it is without contents")?.content);
    let safes = data_of(safes)?;
    if let Some(mac) = fields.take_if(SEQUENCE)? {
        let password = password.ok_or(Unread::NoPassword)?;
        integrity(Der(mac.content), safes, password, effort)?;
    }
    let mut found = Found::default();
    let mut safes = Der(safes).whole(SEQUENCE, "its contents are no SEQUENCE")?;
    while let Some(safe) = safes.next()? {
        let mut safe = safe.expect(SEQUENCE, "a part of it is no SEQUENCE")?;
        let kind = safe.take(OBJECT_IDENTIFIER, "a part of it has no kind")?.content;
        let content = safe.take(context_constructed(0), "a part of it is empty")?.content;
        if kind == DATA {
            let bags = Der(content).only(OCTET_STRING, "a part of it is no OCTET STRING")?.content;
            found.bags(Der(bags))?;
        } else if kind == ENCRYPTED_DATA {
            let bags = decrypted(Der(content), password.ok_or(Unread::NoPassword)?, effort)?;
            // What a wrong password lets through is no DER.
            found.bags(Der(&bags)).map_err(|_| Unread::Password)?;
        } else {
            return Err(Unread::Damaged(NotDer(
                "a part of it is encrypted in another way than by a password",
            )));
        }
    }
    Ok(found.contents())
}

/// The bytes of a ContentInfo of the kind "data".
fn data_of(mut content: Der<'_>) -> Result<&[u8], Unread> {
    let kind = content.take(OBJECT_IDENTIFIER, "its contents have no kind")?.content;
    if kind != DATA {
        return Err(Unread::Damaged(NotDer("its integrity is by a signature, and not by a password")));
    }
    let inner = content.take(context_constructed(0), "its contents are missing")?.content;
    Ok(Der(inner).only(OCTET_STRING, "its contents are no OCTET STRING")?.content)
}

fn integrity(mut mac: Der<'_>, safes: &[u8], password: &str, effort: &mut Effort) -> Result<(), Unread> {
    let mut digest = Der(mac.take(SEQUENCE, "its MAC is missing")?.content);
    let algorithm = Der(digest.take(SEQUENCE, "its MAC is without an algorithm")?.content);
    let code = digest.take(OCTET_STRING, "its MAC is missing")?.content;
    let salt = mac.take(OCTET_STRING, "its MAC is without a salt")?.content;
    let iterations = match mac.take_if(INTEGER)? {
        Some(iterations) => unsigned(iterations.content)?,
        None => 1,
    };
    Ok(check_mac((algorithm, code, salt, iterations), safes, password, effort)?)
}

/// What is in an EncryptedData (RFC 5652, section 8).
fn decrypted(content: Der<'_>, password: &str, effort: &mut Effort) -> Result<Zeroizing<Vec<u8>>, Unread> {
    let mut fields = content.whole(SEQUENCE, "an encrypted part of it is no SEQUENCE")?;
    fields.take(INTEGER, "an encrypted part of it has no version")?;
    let mut info = Der(fields.take(SEQUENCE, "an encrypted part of it is empty")?.content);
    info.take(OBJECT_IDENTIFIER, "an encrypted part of it has no kind")?;
    let algorithm = Der(info.take(SEQUENCE, "an encrypted part of it names no algorithm")?.content);
    const PLACE: u8 = crate::model::der::context(0);
    let data = info.take(PLACE, "an encrypted part of it is not in one piece")?.content;
    Ok(decrypt(algorithm, data, password, effort)?)
}

/// The bags, before keys have their certificates.
#[derive(Default)]
struct Found {
    keys: Vec<(Attributes, Sealed)>,
    certificates: Vec<(Attributes, CertificateDer<'static>)>,
}

#[derive(Default)]
struct Attributes {
    name: Option<String>,
    key_id: Option<Vec<u8>>,
    /// Whether Java takes the certificate for a trusted one.
    is_trusted: bool,
}

impl Found {
    fn bags(&mut self, bags: Der<'_>) -> Result<(), NotDer> {
        let mut bags = bags.whole(SEQUENCE, "a part of it is no SEQUENCE of bags")?;
        while let Some(bag) = bags.next()? {
            let mut bag = bag.expect(SEQUENCE, "a bag in it is no SEQUENCE")?;
            let kind = bag.take(OBJECT_IDENTIFIER, "a bag in it has no kind")?.content;
            let value = Der(bag.take(context_constructed(0), "a bag in it is empty")?.content);
            let attributes = match bag.take_if(SET)? {
                Some(set) => Attributes::read(Der(set.content))?,
                None => Attributes::default(),
            };
            match kind.strip_prefix(&BAG) {
                Some([1]) => {
                    let key = value.only(SEQUENCE, "a key in it is no SEQUENCE")?.whole.to_vec();
                    self.keys.push((attributes, Sealed::Plain(Zeroizing::new(key))));
                }
                Some([2]) => {
                    let key = value.only(SEQUENCE, "an encrypted key in it is no SEQUENCE")?.whole.to_vec();
                    self.keys.push((attributes, Sealed::Encrypted(key)));
                }
                Some([3]) => {
                    let mut fields = value.whole(SEQUENCE, "a certificate in it is no SEQUENCE")?;
                    let kind = fields.take(OBJECT_IDENTIFIER, "a certificate in it has no kind")?.content;
                    let inner = fields.take(context_constructed(0), "a certificate in it is empty")?.content;
                    if kind != X509_CERTIFICATE {
                        return Err(NotDer("a certificate in it is none of X.509"));
                    }
                    let der = Der(inner).only(OCTET_STRING, "a certificate in it is no OCTET STRING")?;
                    self.certificates.push((attributes, CertificateDer::from(der.content.to_vec())));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Keys with their certificates, and what is trusted: what Java has marked so, and where nothing is marked, whatever is not a key's.
    fn contents(self) -> Contents {
        let certificates: Vec<(Attributes, CertificateDer<'static>, Option<Certificate>)> = self
            .certificates
            .into_iter()
            .map(|(attributes, der)| {
                let read = Certificate::read(&der).ok();
                (attributes, der, read)
            })
            .collect();
        let key_count = self.keys.len();
        let mut is_used = vec![false; certificates.len()];
        let mut contents = Contents::default();
        for (i, (attributes, sealed)) in self.keys.into_iter().enumerate() {
            let of_key = |other: &Attributes| match (&attributes.key_id, &other.key_id) {
                (Some(own), Some(other)) => own == other,
                _ => attributes.name.is_some() && attributes.name == other.name,
            };
            let own = certificates.iter().position(|(other, ..)| of_key(other));
            let own = own.or_else(|| (key_count == 1).then(|| leaf(&certificates)).flatten());
            let chain = own.map(|own| way(own, &certificates)).unwrap_or_default();
            for at in &chain {
                is_used[*at] = true;
            }
            let alias = attributes.name.unwrap_or_else(|| (i + 1).to_string());
            let chain = chain.into_iter().map(|at| certificates[at].1.clone()).collect();
            contents.keys.push(Entry { alias, sealed, chain });
        }
        let is_marked = certificates.iter().any(|(attributes, ..)| attributes.is_trusted);
        for (i, (attributes, certificate, _)) in certificates.into_iter().enumerate() {
            if if is_marked { attributes.is_trusted } else { !is_used[i] } {
                let alias = attributes.name.unwrap_or_else(|| (i + 1).to_string());
                contents.trusted.push(Trusted { alias, certificate });
            }
        }
        contents
    }
}

type Read = (Attributes, CertificateDer<'static>, Option<Certificate>);

/// The one that has issued none of the others.
fn leaf(certificates: &[Read]) -> Option<usize> {
    let has_issued = |issuer: &Certificate| {
        let mut others = certificates.iter().filter_map(|(.., other)| other.as_ref());
        others.any(|other| other.der() != issuer.der() && other.may_be_issued_by(issuer))
    };
    certificates.iter().position(|(.., read)| read.as_ref().is_some_and(|read| !has_issued(read)))
}

/// The most certificates of a chain, which is far above what TLS takes of anybody.
const LONGEST_CHAIN: usize = 10;

/// From one certificate to those of its issuers, as Java builds the chain of a key (`PKCS12KeyStore`).
fn way(own: usize, certificates: &[Read]) -> Vec<usize> {
    let mut way = vec![own];
    while way.len() < LONGEST_CHAIN
        && let Some((.., Some(last))) = way.last().and_then(|at| certificates.get(*at))
        && !last.is_self_issued()
    {
        let is_issuer = |at: &usize| {
            let other = certificates.get(*at).and_then(|(.., read)| read.as_ref());
            !way.contains(at) && other.is_some_and(|other| last.may_be_issued_by(other))
        };
        match (0..certificates.len()).find(is_issuer) {
            Some(issuer) => way.push(issuer),
            None => break,
        }
    }
    way
}

impl Attributes {
    fn read(mut set: Der<'_>) -> Result<Self, NotDer> {
        let mut attributes = Self::default();
        while let Some(attribute) = set.next()? {
            let mut attribute = attribute.expect(SEQUENCE, "an attribute in it is no SEQUENCE")?;
            let kind = attribute.take(OBJECT_IDENTIFIER, "an attribute in it has no number")?.content;
            let mut values = Der(attribute.take(SET, "an attribute in it has no values")?.content);
            let Some(value) = values.next()? else { continue };
            if kind == FRIENDLY_NAME {
                attributes.name = bmp(&value);
            } else if kind == LOCAL_KEY_ID {
                attributes.key_id = Some(value.content.to_vec());
            } else if kind.starts_with(&TRUSTED_KEY_USAGE) {
                attributes.is_trusted = true;
            }
        }
        Ok(attributes)
    }
}

fn bmp(value: &Element<'_>) -> Option<String> {
    let (units, rest) = value.content.as_chunks::<2>();
    let units: Vec<u16> = units.iter().map(|unit| u16::from_be_bytes(*unit)).collect();
    (value.tag == BMP_STRING && rest.is_empty()).then(|| String::from_utf16_lossy(&units))
}
