//! Tokens as an identity provider signs them (RFC 7515), right ones and any other, and the public keys that go with them (RFC 7517).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
    RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// A key of an issuer.
pub struct TokenSigner {
    pub id: String,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    EllipticCurve(EcdsaKeyPair, &'static str),
    Ed25519(Ed25519KeyPair),
}

/// The algorithms of RSA, the first of which is what a key of RSA signs by unless it is told otherwise.
pub const RSA: [&str; 6] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];

impl TokenSigner {
    /// A new key of this id for this algorithm.
    pub fn new(algorithm: &str, id: &str) -> TokenSigner {
        let random = SystemRandom::new();
        let on_curve = |curve, signing| {
            let made = EcdsaKeyPair::generate_pkcs8(signing, &random).unwrap();
            Pair::EllipticCurve(EcdsaKeyPair::from_pkcs8(signing, made.as_ref()).unwrap(), curve)
        };
        let pair = match algorithm {
            "ES256" => on_curve("P-256", &ECDSA_P256_SHA256_FIXED_SIGNING),
            "ES384" => on_curve("P-384", &ECDSA_P384_SHA384_FIXED_SIGNING),
            "ES512" => on_curve("P-521", &ECDSA_P521_SHA512_FIXED_SIGNING),
            "EdDSA" => Pair::Ed25519(Ed25519KeyPair::generate().unwrap()),
            _ => Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()),
        };
        TokenSigner { id: id.to_owned(), pair }
    }

    /// The algorithms that the key signs by.
    pub fn algorithms(&self) -> &'static [&'static str] {
        match &self.pair {
            Pair::Rsa(_) => &RSA,
            Pair::EllipticCurve(_, "P-256") => &["ES256"],
            Pair::EllipticCurve(_, "P-384") => &["ES384"],
            Pair::EllipticCurve(..) => &["ES512"],
            Pair::Ed25519(_) => &["EdDSA"],
        }
    }

    /// Its public half, as in a set of keys.
    pub fn public(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut key = match &self.pair {
            Pair::Rsa(pair) => {
                // RSAPublicKey (RFC 8017, appendix A.1.1) of 2048 bits and the exponent 65537 has always this shape.
                let der = pair.public_key().as_ref();
                assert_eq!((der.len(), &der[..9]), (270, &[0x30, 0x82, 1, 10, 2, 0x82, 1, 1, 0][..]));
                json!({"kty": "RSA", "n": text(&der[9..265]), "e": text(&der[267..])})
            }
            Pair::EllipticCurve(pair, curve) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                json!({"kty": "EC", "crv": curve, "x": text(x), "y": text(y)})
            }
            Pair::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref())})
            }
        };
        key["kid"] = json!(self.id);
        key
    }

    /// A token that says this, with the key's id and its first algorithm.
    pub fn token(&self, claims: &Value) -> String {
        self.token_with(&json!({"alg": self.algorithms()[0], "kid": self.id}), claims)
    }

    /// A token with this header, whose `alg` decides how it is signed, as far as the key can.
    pub fn token_with(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", encoded(header), encoded(claims));
        let signature = self.sign(header["alg"].as_str().unwrap_or_default(), signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn sign(&self, algorithm: &str, signed: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let padding: &'static dyn RsaEncoding = match algorithm {
                    "RS384" => &RSA_PKCS1_SHA384,
                    "RS512" => &RSA_PKCS1_SHA512,
                    "PS256" => &RSA_PSS_SHA256,
                    "PS384" => &RSA_PSS_SHA384,
                    "PS512" => &RSA_PSS_SHA512,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, signed, &mut signature).unwrap();
                signature
            }
            Pair::EllipticCurve(pair, _) => pair.sign(&random, signed).unwrap().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.sign(signed).as_ref().to_vec(),
        }
    }
}

/// The set of these keys.
pub fn key_set(keys: &[&TokenSigner]) -> Value {
    json!({ "keys": keys.iter().map(|key| key.public()).collect::<Vec<_>>() })
}

/// JSON as in a part of a token.
pub fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}
