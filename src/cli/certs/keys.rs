//! Private keys: their kinds, and how they are made.

use clap::ValueEnum;
use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512, PKCS_ED25519,
    PKCS_RSA_SHA256, RsaKeySize,
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use zeroize::Zeroizing;

use crate::model::certificate::PublicKey;
use crate::model::der::{Der, INTEGER, NotDer, OCTET_STRING, SEQUENCE};

/// The kind of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum KeyType {
    /// EC on the curve P-256, which everybody takes.
    #[value(name = "p-256")]
    P256,
    /// EC on the curve P-384.
    #[value(name = "p-384")]
    P384,
    /// EC on the curve P-521.
    #[value(name = "p-521")]
    P521,
    /// RSA of 2048 bits.
    #[value(name = "rsa-2048")]
    Rsa2048,
    /// RSA of 3072 bits.
    #[value(name = "rsa-3072")]
    Rsa3072,
    /// RSA of 4096 bits, whose handshakes cost a server most.
    #[value(name = "rsa-4096")]
    Rsa4096,
    /// Ed25519, which Java takes from version 15 on.
    #[value(name = "ed25519")]
    Ed25519,
}

/// Each kind, as [`PublicKey::described`] has it.
const DESCRIBED: [(KeyType, &str); 7] = [
    (KeyType::P256, "EC on the curve P-256"),
    (KeyType::P384, "EC on the curve P-384"),
    (KeyType::P521, "EC on the curve P-521"),
    (KeyType::Rsa2048, "RSA of 2048 bits"),
    (KeyType::Rsa3072, "RSA of 3072 bits"),
    (KeyType::Rsa4096, "RSA of 4096 bits"),
    (KeyType::Ed25519, "Ed25519"),
];

impl KeyType {
    /// The kind of a certificate's key, if it is one that can be made here.
    pub(super) fn of(key: &PublicKey) -> Option<KeyType> {
        let described = key.described();
        DESCRIBED.iter().find(|(_, known)| *known == described).map(|(key_type, _)| *key_type)
    }

    /// Whether it is RSA, with which TLS 1.2 may also encrypt a secret (keyEncipherment).
    pub(super) fn is_rsa(self) -> bool {
        matches!(self, KeyType::Rsa2048 | KeyType::Rsa3072 | KeyType::Rsa4096)
    }

    /// Makes a key.
    pub(super) fn generate(self) -> Result<Zeroizing<KeyPair>, String> {
        let made = match self {
            KeyType::P256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
            KeyType::P384 => KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384),
            KeyType::P521 => KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512),
            KeyType::Rsa2048 => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048),
            KeyType::Rsa3072 => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_3072),
            KeyType::Rsa4096 => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_4096),
            KeyType::Ed25519 => return ed25519(),
        };
        made.map(Zeroizing::new).map_err(|error| unmade(&error))
    }
}

fn unmade(why: &dyn std::fmt::Display) -> String {
    format!("no key can be made: {why}")
}

/// A key of Ed25519 in the first version of PKCS#8 (RFC 5208), without the public key: OpenSSL 3.0 reads no other, and the
/// library writes the second (RFC 5958).
fn ed25519() -> Result<Zeroizing<KeyPair>, String> {
    let made = Zeroizing::new(KeyPair::generate_for(&PKCS_ED25519).map_err(|error| unmade(&error))?);
    let first = without_public_key(made.serialized_der()).map_err(|error| unmade(&error))?;
    let read =
        KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(first.as_slice()), &PKCS_ED25519);
    read.map(Zeroizing::new).map_err(|error| unmade(&error))
}

/// A short key in PKCS#8 as its first version has it: with that version, and with nothing behind the private key.
fn without_public_key(pkcs8: &[u8]) -> Result<Zeroizing<Vec<u8>>, NotDer> {
    let mut fields = Der(pkcs8).whole(SEQUENCE, "it is no SEQUENCE")?;
    fields.take(INTEGER, "it has no version")?;
    let algorithm = fields.take(SEQUENCE, "it names no algorithm")?.whole;
    let key = fields.take(OCTET_STRING, "it has no private key")?.whole;
    let version = [INTEGER, 1, 0];
    let length = version.len() + algorithm.len() + key.len();
    let Some(length) = u8::try_from(length).ok().filter(|length| *length < 0x80) else {
        return Err(NotDer("it is longer than such keys are"));
    };
    Ok(Zeroizing::new([&[SEQUENCE, length][..], &version, algorithm, key].concat()))
}

#[cfg(test)]
mod tests {
    use crate::model::certificate::Certificate;

    use super::*;

    #[test]
    fn a_key_is_of_the_kind_that_was_asked_for() {
        for key_type in [KeyType::P256, KeyType::P384, KeyType::P521, KeyType::Rsa2048, KeyType::Ed25519] {
            let key = key_type.generate().unwrap();
            let certificate = rcgen::CertificateParams::default().self_signed(&*key).unwrap();
            let read = Certificate::read(certificate.der()).unwrap();
            assert_eq!(KeyType::of(read.key()), Some(key_type));
        }
    }

    #[test]
    fn a_key_of_ed25519_has_the_first_version_of_pkcs8() {
        let key = KeyType::Ed25519.generate().unwrap();
        let der = key.serialized_der();
        assert_eq!((der.len(), &der[..5]), (48, &[0x30, 46, 2, 1, 0][..]));
        // The second version, and an RSA key, which is longer.
        let second = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        assert_eq!(without_public_key(second.serialized_der()).unwrap().len(), 48);
        let long = KeyType::Rsa2048.generate().unwrap();
        assert!(without_public_key(long.serialized_der()).is_err());
        assert!(without_public_key(&[0x30, 0]).is_err());
    }
}
