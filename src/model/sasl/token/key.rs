//! One public key (RFC 7517), and the algorithms that it verifies (RFC 7518).

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

/// The lengths of RSA keys that are taken, in bits (`RSA_*_2048_8192_*`).
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// An algorithm for signatures, by its name in a token's `alg`.
pub(super) struct SignatureAlgorithm {
    name: &'static str,
    key: KeyKind,
    verification: &'static dyn VerificationAlgorithm,
}

/// Of what kind a key is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyKind {
    Rsa,
    /// On this curve, with coordinates of so many bytes. A curve goes with one algorithm (RFC 7518, section 3.4).
    EllipticCurve(&'static str, usize),
    /// `OKP` on this curve (RFC 8037).
    OctetKeyPair(&'static str),
}

const fn row(
    name: &'static str,
    key: KeyKind,
    verification: &'static dyn VerificationAlgorithm,
) -> SignatureAlgorithm {
    SignatureAlgorithm { name, key, verification }
}

/// The algorithms that are taken: nobody who verifies with one of these can sign with the same key. Never `none` or `HS256`.
static ALGORITHMS: [SignatureAlgorithm; 10] = [
    row("RS256", KeyKind::Rsa, &RSA_PKCS1_2048_8192_SHA256),
    row("RS384", KeyKind::Rsa, &RSA_PKCS1_2048_8192_SHA384),
    row("RS512", KeyKind::Rsa, &RSA_PKCS1_2048_8192_SHA512),
    row("PS256", KeyKind::Rsa, &RSA_PSS_2048_8192_SHA256),
    row("PS384", KeyKind::Rsa, &RSA_PSS_2048_8192_SHA384),
    row("PS512", KeyKind::Rsa, &RSA_PSS_2048_8192_SHA512),
    row("ES256", KeyKind::EllipticCurve("P-256", 32), &ECDSA_P256_SHA256_FIXED),
    row("ES384", KeyKind::EllipticCurve("P-384", 48), &ECDSA_P384_SHA384_FIXED),
    row("ES512", KeyKind::EllipticCurve("P-521", 66), &ECDSA_P521_SHA512_FIXED),
    row("EdDSA", KeyKind::OctetKeyPair("Ed25519"), &ED25519),
];

impl SignatureAlgorithm {
    /// The one of this name, if it is taken.
    pub(super) fn of(name: &str) -> Option<&'static Self> {
        ALGORITHMS.iter().find(|algorithm| algorithm.name == name)
    }
}

/// A key of an issuer.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) id: Option<String>,
    kind: KeyKind,
    /// The only algorithm that it is for, if it says so.
    only: Option<&'static str>,
    /// As aws-lc reads it: the `SubjectPublicKeyInfo` of RSA, the point of the others.
    bytes: Vec<u8>,
}

/// A key as it is written. Members that nobody reads here are ignored (RFC 7517, section 4).
#[derive(Deserialize)]
struct WrittenKey {
    kty: String,
    #[serde(rename = "use")]
    used: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Key {
    /// Reads a key.
    ///
    /// # Errors
    /// Why no token can be verified with it.
    pub(super) fn read(value: &Value) -> Result<Self, String> {
        let key = WrittenKey::deserialize(value).map_err(|error| error.to_string())?;
        if key.used.as_ref().is_some_and(|used| used != "sig") {
            return Err("it is not for signatures (use)".to_owned());
        }
        if key.key_ops.as_ref().is_some_and(|operations| !operations.iter().any(|one| one == "verify")) {
            return Err("it is not for verifying (key_ops)".to_owned());
        }
        let fits = |algorithm: &&SignatureAlgorithm| {
            algorithm.key.is_of(&key) && key.alg.as_ref().is_none_or(|only| only == algorithm.name)
        };
        let Some(algorithm) = ALGORITHMS.iter().find(fits) else {
            return Err("its kind, curve or algorithm is not taken".to_owned());
        };
        let bytes = algorithm.key.public_key(&key)?;
        // What cannot be a key is told of now and not with each token.
        ParsedPublicKey::new(algorithm.verification, &bytes)
            .map_err(|error| format!("it is no public key: {error}"))?;
        let only = key.alg.is_some().then_some(algorithm.name);
        Ok(Self { id: key.kid, kind: algorithm.key, only, bytes })
    }

    /// Whether this is what the key's owner signed, by this algorithm.
    pub(super) fn is_signature(
        &self,
        algorithm: &SignatureAlgorithm,
        signed: &[u8],
        signature: &[u8],
    ) -> bool {
        let fits = self.kind == algorithm.key && self.only.is_none_or(|only| only == algorithm.name);
        fits && UnparsedPublicKey::new(algorithm.verification, &self.bytes).verify(signed, signature).is_ok()
    }
}

impl KeyKind {
    fn is_of(self, key: &WrittenKey) -> bool {
        let (kind, curve) = match self {
            Self::Rsa => ("RSA", None),
            Self::EllipticCurve(curve, _) => ("EC", Some(curve)),
            Self::OctetKeyPair(curve) => ("OKP", Some(curve)),
        };
        key.kty == kind && (curve.is_none() || key.crv.as_deref() == curve)
    }

    /// The key in the form that aws-lc reads.
    fn public_key(self, key: &WrittenKey) -> Result<Vec<u8>, String> {
        match self {
            Self::Rsa => {
                // Whole numbers. Java's has a zero in front where the first bit is set, which many send along.
                let number = |name, value: &Option<String>| {
                    let bytes = member(name, value)?;
                    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                    Ok::<_, String>(bytes.get(zeros..).unwrap_or_default().to_vec())
                };
                let (n, e) = (number("n", &key.n)?, number("e", &key.e)?);
                let unused = n.first().map_or(0, |first| first.leading_zeros() as usize);
                let bits = (n.len() * 8).saturating_sub(unused);
                if !RSA_BITS.contains(&bits) {
                    let (least, most) = (RSA_BITS.start(), RSA_BITS.end());
                    return Err(format!("it has {bits} bits, and {least} to {most} are taken"));
                }
                let der: PublicKeyX509Der<'_> = RsaPublicKeyComponents { n, e }
                    .as_der()
                    .map_err(|error| format!("it is no public key: {error}"))?;
                Ok(der.as_ref().to_vec())
            }
            Self::EllipticCurve(_, length) => {
                let mut point = vec![4];
                for (name, value) in [("x", &key.x), ("y", &key.y)] {
                    let coordinate = member(name, value)?;
                    if coordinate.len() != length {
                        return Err(format!("its '{name}' has not {length} bytes"));
                    }
                    point.extend(coordinate);
                }
                Ok(point)
            }
            Self::OctetKeyPair(_) => member("x", &key.x),
        }
    }
}

fn member(name: &str, value: &Option<String>) -> Result<Vec<u8>, String> {
    let value = value.as_ref().ok_or_else(|| format!("it has no '{name}'"))?;
    URL_SAFE_NO_PAD.decode(value).map_err(|_| format!("its '{name}' is no base64"))
}
