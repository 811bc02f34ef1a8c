//! Public keys and algorithms, and what they are called.

use super::bits;
use crate::model::der::{
    BIT_STRING, Der, INTEGER, NotDer, OBJECT_IDENTIFIER, SEQUENCE, context_constructed, dotted, unsigned,
};

/// The key in a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// The whole SubjectPublicKeyInfo.
    der: Vec<u8>,
    /// The content of its AlgorithmIdentifier.
    algorithm: Vec<u8>,
    bits: Vec<u8>,
}

/// The shortest and the longest RSA key that is taken, in bits.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// What algorithms are called, by their object identifiers.
const NAMES: [(&str, &str); 34] = [
    ("1.2.840.113549.1.1.1", "RSA"),
    ("1.2.840.113549.1.1.2", "RSA with MD2"),
    ("1.2.840.113549.1.1.4", "RSA with MD5"),
    ("1.2.840.113549.1.1.5", "RSA with SHA-1"),
    ("1.2.840.113549.1.1.10", "RSA-PSS"),
    ("1.2.840.113549.1.1.11", "RSA with SHA-256"),
    ("1.2.840.113549.1.1.12", "RSA with SHA-384"),
    ("1.2.840.113549.1.1.13", "RSA with SHA-512"),
    ("1.2.840.113549.1.1.14", "RSA with SHA-224"),
    ("1.2.840.10040.4.1", "DSA"),
    ("1.2.840.10040.4.3", "DSA with SHA-1"),
    ("2.16.840.1.101.3.4.3.1", "DSA with SHA-224"),
    ("2.16.840.1.101.3.4.3.2", "DSA with SHA-256"),
    ("1.2.840.10045.2.1", "EC"),
    ("1.2.840.10045.4.1", "ECDSA with SHA-1"),
    ("1.2.840.10045.4.3.1", "ECDSA with SHA-224"),
    ("1.2.840.10045.4.3.2", "ECDSA with SHA-256"),
    ("1.2.840.10045.4.3.3", "ECDSA with SHA-384"),
    ("1.2.840.10045.4.3.4", "ECDSA with SHA-512"),
    ("1.3.101.110", "X25519"),
    ("1.3.101.112", "Ed25519"),
    ("1.3.101.113", "Ed448"),
    ("2.16.840.1.101.3.4.3.17", "ML-DSA-44"),
    ("2.16.840.1.101.3.4.3.18", "ML-DSA-65"),
    ("2.16.840.1.101.3.4.3.19", "ML-DSA-87"),
    ("1.2.840.10045.3.1.1", "P-192"),
    ("1.2.840.10045.3.1.7", "P-256"),
    ("1.3.132.0.10", "secp256k1"),
    ("1.3.132.0.33", "P-224"),
    ("1.3.132.0.34", "P-384"),
    ("1.3.132.0.35", "P-521"),
    ("1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1"),
    ("1.3.36.3.3.2.8.1.1.11", "brainpoolP384r1"),
    ("1.3.36.3.3.2.8.1.1.13", "brainpoolP512r1"),
];

/// What the algorithm with this AlgorithmIdentifier (its content) is called.
pub fn algorithm_name(content: &[u8]) -> String {
    let number = Der(content)
        .next()
        .ok()
        .flatten()
        .filter(|first| first.tag == OBJECT_IDENTIFIER)
        .and_then(|first| dotted(first.content).ok());
    match number {
        Some(number) => called(&number),
        None => "an algorithm that cannot be read".to_owned(),
    }
}

fn called(number: &str) -> String {
    match NAMES.iter().find(|(known, _)| *known == number) {
        Some((_, name)) => (*name).to_owned(),
        None => format!("the unknown algorithm {number}"),
    }
}

impl PublicKey {
    pub(super) fn read(der: &[u8]) -> Result<Self, NotDer> {
        let mut fields = Der(der).whole(SEQUENCE, "its key is no SEQUENCE")?;
        let algorithm = fields.take(SEQUENCE, "its key names no algorithm")?.content;
        let key = bits(&fields.take(BIT_STRING, "its key is no BIT STRING")?)?;
        fields.end("there is more in its key than an algorithm and the key")?;
        Ok(Self { der: der.to_vec(), algorithm: algorithm.to_vec(), bits: key.to_vec() })
    }

    /// The whole SubjectPublicKeyInfo.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The content of the key's AlgorithmIdentifier.
    pub fn algorithm(&self) -> &[u8] {
        &self.algorithm
    }

    /// The key itself.
    pub fn bits(&self) -> &[u8] {
        &self.bits
    }

    /// The key's kind and size, for people.
    pub fn described(&self) -> String {
        let name = algorithm_name(&self.algorithm);
        match name.as_str() {
            "RSA" | "RSA-PSS" => match self.rsa_bits() {
                Some(bits) => format!("{name} of {bits} bits"),
                None => format!("{name}, damaged"),
            },
            "EC" => match self.curve() {
                Some(curve) => format!("EC on the curve {curve}"),
                None => "EC on a curve without a name".to_owned(),
            },
            _ => name,
        }
    }

    /// Whether it is an RSA key of a length that is not taken.
    pub fn has_bad_length(&self) -> bool {
        matches!(algorithm_name(&self.algorithm).as_str(), "RSA" | "RSA-PSS")
            && !self.rsa_bits().is_some_and(|bits| RSA_BITS.contains(&bits))
    }

    /// Whether it says that it is for RSA-PSS and nothing else.
    pub fn is_for_pss_alone(&self) -> bool {
        Der(&self.algorithm).next().ok().flatten().is_some_and(|number| number.content == RSASSA_PSS)
    }

    /// Whether a key for RSA-PSS alone may be used in this way.
    pub fn allows(&self, used: &Pss) -> bool {
        let mut fields = Der(&self.algorithm);
        match (fields.next(), fields.0) {
            // Without parameters it may be used in every way.
            (Ok(Some(_)), []) => true,
            _ => Pss::read(&self.algorithm).is_some_and(|own| {
                own.hash == used.hash && own.mask_hash == used.mask_hash && own.salt <= used.salt
            }),
        }
    }

    fn rsa_bits(&self) -> Option<usize> {
        let mut fields = Der(&self.bits).whole(SEQUENCE, "").ok()?;
        let modulus = fields.take(INTEGER, "").ok()?.content;
        let modulus = modulus.strip_prefix(&[0]).unwrap_or(modulus);
        Some(modulus.len() * 8 - modulus.first()?.leading_zeros() as usize)
    }

    fn curve(&self) -> Option<String> {
        let mut fields = Der(&self.algorithm);
        fields.next().ok()??;
        let curve = fields.next().ok()?.filter(|curve| curve.tag == OBJECT_IDENTIFIER)?;
        let number = dotted(curve.content).ok()?;
        Some(
            NAMES
                .iter()
                .find(|(known, _)| *known == number)
                .map_or(number.clone(), |(_, name)| (*name).into()),
        )
    }
}

/// How RSA-PSS is used (RFC 4055).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pss {
    hash: Vec<u8>,
    mask_hash: Vec<u8>,
    salt: u64,
}

const RSASSA_PSS: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const MGF1: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08];
const SHA_1: [u8; 5] = [0x2b, 0x0e, 0x03, 0x02, 0x1a];

impl Pss {
    /// Reads an AlgorithmIdentifier (its content), if it is of RSA-PSS with parameters.
    pub fn read(algorithm: &[u8]) -> Option<Self> {
        let mut fields = Der(algorithm);
        let number = fields.take(OBJECT_IDENTIFIER, "").ok()?;
        if number.content != RSASSA_PSS {
            return None;
        }
        let mut parameters = fields.whole(SEQUENCE, "").ok()?;
        let mut pss = Self { hash: SHA_1.to_vec(), mask_hash: SHA_1.to_vec(), salt: 20 };
        if let Some(hash) = parameters.take_if(context_constructed(0)).ok()? {
            pss.hash = hash_of(Der(hash.content))?;
        }
        if let Some(mask) = parameters.take_if(context_constructed(1)).ok()? {
            let mut mask = Der(mask.content).whole(SEQUENCE, "").ok()?;
            if mask.take(OBJECT_IDENTIFIER, "").ok()?.content != MGF1 {
                return None;
            }
            pss.mask_hash = hash_of(mask)?;
        }
        if let Some(salt) = parameters.take_if(context_constructed(2)).ok()? {
            pss.salt = unsigned(Der(salt.content).only(INTEGER, "").ok()?.content).ok()?;
        }
        if let Some(trailer) = parameters.take_if(context_constructed(3)).ok()?
            && unsigned(Der(trailer.content).only(INTEGER, "").ok()?.content).ok()? != 1
        {
            return None;
        }
        parameters.end("").ok()?;
        Some(pss)
    }
}

/// The number of a hash in an AlgorithmIdentifier whose parameters are NULL or are not there.
fn hash_of(algorithm: Der<'_>) -> Option<Vec<u8>> {
    let mut fields = algorithm.whole(SEQUENCE, "").ok()?;
    let number = fields.take(OBJECT_IDENTIFIER, "").ok()?.content;
    matches!(fields.0, [] | [0x05, 0]).then(|| number.to_vec())
}
