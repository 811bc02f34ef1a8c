//! Whom a certificate makes somebody: what stands in it, what an anchor vouches for, and whether a chain leads to one.
//!
//! The decision is RFC 5280's path validation with the choices that Java made, since that is what Kafka decides by; where it is
//! stricter, `docs/certificates.md` says so. [`Certificate`] is what one says of itself, [`Anchors`] what an operator trusts and what each of
//! that may do, [`Anchors::judge`] looks for a way from a leaf to an anchor, and [`Refusal`] says which certificate of the
//! chain stands in it and what is to be done. Signatures are checked by whoever asks ([`Signatures`]): there is no
//! cryptography and no clock here.

mod anchors;
mod constraints;
mod extensions;
mod key;
mod name;
mod path;
mod purpose;
mod refusal;
mod revocation;
mod signatures;

pub use anchors::{Anchor, Anchors, SignedBy, Standing};
pub use key::{Pss, PublicKey, algorithm_name};
pub use purpose::Purpose;
pub use refusal::{Kind, Refusal};
pub use revocation::{RevocationList, RevocationPolicy};
pub use signatures::{Signatures, Unverified};

use constraints::Form;
use extensions::Extensions;
use name::Name;

use crate::model::der::{
    BIT_STRING, Der, Element, INTEGER, NotDer, SEQUENCE, context, context_constructed, time, unsigned,
};

/// An X.509 certificate, read.
#[derive(Debug, Clone)]
pub struct Certificate {
    der: Vec<u8>,
    /// What is signed.
    body: Vec<u8>,
    /// 1 to 3.
    version: u64,
    /// The content of the INTEGER.
    serial: Vec<u8>,
    subject: Name,
    subject_der: Vec<u8>,
    issuer: Name,
    issuer_der: Vec<u8>,
    /// Seconds since 1970.
    not_before: i64,
    not_after: i64,
    key: PublicKey,
    /// The content of the AlgorithmIdentifier.
    signature_algorithm: Vec<u8>,
    signature: Vec<u8>,
    extensions: Extensions,
}

impl Certificate {
    /// Reads one certificate, and nothing behind it.
    ///
    /// # Errors
    /// What in it is not as X.509 wants it.
    pub fn read(der: &[u8]) -> Result<Self, NotDer> {
        let mut outer = Der(der).whole(SEQUENCE, "it is no SEQUENCE, or there are bytes after its end")?;
        let body = outer.take(SEQUENCE, "its body is no SEQUENCE")?;
        let algorithm = outer.take(SEQUENCE, "its signature's algorithm is no SEQUENCE")?;
        let signature = bits(&outer.take(BIT_STRING, "its signature is no BIT STRING")?)?;
        outer.end("there is more in it than a body and a signature")?;

        let mut fields = Der(body.content);
        let version = match fields.take_if(context_constructed(0))? {
            Some(version) => {
                unsigned(Der(version.content).only(INTEGER, "its version is no number")?.content)?
            }
            None => 0,
        };
        if version > 2 {
            return Err(NotDer("its version is none of 1 to 3"));
        }
        let serial = fields.take(INTEGER, "its serial number is no number")?.content;
        let inner = fields.take(SEQUENCE, "its body names no algorithm")?;
        if inner.whole != algorithm.whole {
            return Err(NotDer("its body and its signature name different algorithms"));
        }
        let issuer = fields.take(SEQUENCE, "its issuer is no name")?.whole;
        let mut validity = Der(fields.take(SEQUENCE, "it has no validity")?.content);
        let mut next_time = || match validity.next()? {
            Some(element) => time(&element),
            None => Err(NotDer("it has no validity")),
        };
        let (not_before, not_after) = (next_time()?, next_time()?);
        validity.end("its validity is more than two times")?;
        let subject = fields.take(SEQUENCE, "its subject is no name")?.whole;
        let key = PublicKey::read(fields.take(SEQUENCE, "its key is no SEQUENCE")?.whole)?;
        // The unique identifiers, which nobody uses.
        for number in [1, 2] {
            fields.take_if(context(number))?;
        }
        let extensions = extensions::of_body(&mut fields)?;
        fields.end("there is more in its body than X.509 knows")?;
        if extensions.is_some() && version != 2 {
            return Err(NotDer("it has extensions, and is not of version 3"));
        }
        Ok(Self {
            der: der.to_vec(),
            body: body.whole.to_vec(),
            version: version + 1,
            serial: serial.to_vec(),
            subject: Name::read(subject)?,
            subject_der: subject.to_vec(),
            issuer: Name::read(issuer)?,
            issuer_der: issuer.to_vec(),
            not_before,
            not_after,
            key,
            signature_algorithm: algorithm.content.to_vec(),
            signature: signature.to_vec(),
            extensions: extensions.unwrap_or_default(),
        })
    }

    /// All of it.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The subject's name, in DER.
    pub fn subject_der(&self) -> &[u8] {
        &self.subject_der
    }

    /// The URIs of its subjectAltName; one that cannot be read is empty.
    pub fn uris(&self) -> impl Iterator<Item = &str> {
        self.alternative_names(Form::Uri)
    }

    /// The hosts' names of its subjectAltName; one that cannot be read is empty.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        self.alternative_names(Form::Dns)
    }

    fn alternative_names(&self, form: Form) -> impl Iterator<Item = &str> {
        self.extensions.alternative_names.iter().filter_map(move |name| name.text(form))
    }

    /// The issuer's name, in DER.
    pub fn issuer_der(&self) -> &[u8] {
        &self.issuer_der
    }

    /// Its key.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// 1 to 3.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether that time, in seconds since 1970, is within its validity.
    pub fn is_valid_at(&self, now: i64) -> bool {
        (self.not_before..=self.not_after).contains(&now)
    }

    /// Seconds since 1970.
    pub fn not_after(&self) -> i64 {
        self.not_after
    }

    /// Whether issuer and subject are one.
    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    /// Whether that certificate's subject and key identifier are what this one says of its issuer.
    pub fn may_be_issued_by(&self, issuer: &Certificate) -> bool {
        self.issuer == issuer.subject && !self.names_another_key(issuer)
    }

    /// Whether it says that its issuer has another key than that one says it has.
    fn names_another_key(&self, issuer: &Certificate) -> bool {
        let (named, own) = (&self.extensions.authority_key_id, &issuer.extensions.subject_key_id);
        matches!((named, own), (Some(named), Some(own)) if named != own)
    }

    /// Whether both have the same name and key.
    pub fn is_twin_of(&self, other: &Certificate) -> bool {
        self.subject == other.subject && self.key == other.key
    }

    /// Whether `signatures` finds this signed by the key of that one.
    ///
    /// # Errors
    /// When it is not, or cannot be told.
    pub fn check_signature(
        &self,
        issuer: &Certificate,
        signatures: &dyn Signatures,
    ) -> Result<(), Unverified> {
        signatures.verify(&issuer.key, &self.signature_algorithm, &self.body, &self.signature)
    }
}

/// The bytes of a BIT STRING of whole bytes.
fn bits<'a>(element: &Element<'a>) -> Result<&'a [u8], NotDer> {
    match element.content {
        [0, bits @ ..] => Ok(bits),
        _ => Err(NotDer("a BIT STRING is not of whole bytes")),
    }
}

#[cfg(test)]
mod tests;
