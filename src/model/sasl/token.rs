//! JSON Web Tokens (RFC 7519) of an identity provider, and the keys that they are signed with (RFC 7517).
//!
//! The library verifies signatures. Which algorithms and keys count, and what the claims must say, is decided here.

use std::time::Duration;

use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value};

/// The algorithms that are taken: nobody who verifies with one of these can sign with the same key. Never `none` or `HS256`.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
/// The longest name of a user, in bytes.
const LONGEST_NAME: usize = 1024;
/// The most keys of one set.
const MOST_KEYS: usize = 256;

/// What a token must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRules {
    /// Who must have issued it (`iss`).
    pub issuer: String,
    /// For whom it must be, one of these (`aud`).
    pub audience: Vec<String>,
    /// The claim that names the user.
    pub principal_claim: String,
    /// By how much the clocks of issuer and doorkeeper may differ.
    pub clock_skew: Duration,
}

/// A token that is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedToken {
    /// Whom it names.
    pub principal: String,
    /// Until when it counts, in seconds since 1970.
    pub expires: u64,
}

/// Why a token is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenFault {
    /// It is signed with a key that is not in the set: the set may be an old one.
    UnknownKey(String),
    /// It is wrong.
    Wrong(String),
}

/// The keys of an issuer (a JSON Web Key Set).
#[derive(Clone, Default)]
pub struct KeySet {
    keys: Vec<Key>,
}

#[derive(Clone)]
struct Key {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

impl std::fmt::Debug for KeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids = self.keys.iter().map(|key| key.id.as_deref());
        f.debug_list().entries(ids).finish()
    }
}

impl KeySet {
    /// Reads a set. Keys that are for something else, or of a kind that is not taken, are left out, and told of.
    ///
    /// # Errors
    /// When it is no set, or none of its keys can be used.
    pub fn read(text: &[u8]) -> Result<(Self, Vec<String>), String> {
        let set: Value = serde_json::from_slice(text).map_err(|error| format!("it is no JSON: {error}"))?;
        let keys = set.get("keys").and_then(Value::as_array);
        let keys = keys.ok_or("it is no JSON Web Key Set: it has no list 'keys'")?;
        if keys.len() > MOST_KEYS {
            return Err(format!("it has {} keys, and {MOST_KEYS} are taken", keys.len()));
        }
        let (mut read, mut left_out) = (Vec::new(), Vec::new());
        for (place, value) in keys.iter().enumerate() {
            let name = value
                .get("kid")
                .and_then(Value::as_str)
                .map_or_else(|| format!("number {}", place + 1), |id| format!("'{id:.80}'"));
            match Key::read(value) {
                Ok(key) => read.push(key),
                Err(why) => left_out.push(format!("key {name}: {why}")),
            }
        }
        if read.is_empty() {
            let why = left_out.first().map_or_else(|| "it is empty".to_owned(), Clone::clone);
            return Err(format!("it has no key that tokens can be verified with: {why}"));
        }
        Ok((Self { keys: read }, left_out))
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Verifies a token: its signature first, then what it says. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn verify(&self, token: &str, rules: &TokenRules, now: u64) -> Result<VerifiedToken, TokenFault> {
        let wrong = |why: String| TokenFault::Wrong(why);
        let header = decode_header(token).map_err(|error| wrong(format!("it is no token: {error}")))?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(wrong(format!("its algorithm {:?} is not taken", header.alg)));
        }
        // What must be understood is not understood here (RFC 7515, section 4.1.11), and nothing is unpacked.
        if header.crit.is_some() || header.zip.is_some() || header.enc.is_some() {
            return Err(wrong("its header asks for what is not served (crit, zip or enc)".to_owned()));
        }
        let fits = |key: &&Key| key.algorithms.contains(&header.alg);
        let mut candidates: Vec<&Key> = match &header.kid {
            Some(id) => {
                let named: Vec<&Key> = self.keys.iter().filter(|key| key.id.as_ref() == Some(id)).collect();
                if named.is_empty() {
                    return Err(TokenFault::UnknownKey(id.clone()));
                }
                named
            }
            None => self.keys.iter().collect(),
        };
        candidates.retain(fits);
        let mut validation = Validation::new(header.alg);
        validation.required_spec_claims.clear();
        (validation.validate_exp, validation.validate_nbf, validation.validate_aud) = (false, false, false);
        let verified = candidates
            .into_iter()
            .find_map(|key| decode::<Map<String, Value>>(token, &key.key, &validation).ok());
        let claims =
            verified.ok_or_else(|| wrong("its signature is not by a key of the issuer".to_owned()))?.claims;
        judge(&claims, rules, now).map_err(TokenFault::Wrong)
    }
}

/// What the claims of a token say, if that is right.
fn judge(claims: &Map<String, Value>, rules: &TokenRules, now: u64) -> Result<VerifiedToken, String> {
    let skew = rules.clock_skew.as_secs();
    let time = |name: &str| match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let seconds = value.as_f64().filter(|seconds| (0.0..1e15).contains(seconds));
            // The range is that of whole numbers.
            seconds.map(|seconds| Some(seconds as u64)).ok_or(format!("its '{name}' is no time"))
        }
    };
    if claims.get("iss").and_then(Value::as_str) != Some(&rules.issuer) {
        return Err(format!("its issuer is {}, and not '{}'", shown(claims.get("iss")), rules.issuer));
    }
    let is_for_us =
        |value: &Value| value.as_str().is_some_and(|one| rules.audience.iter().any(|ours| ours == one));
    let is_for_us = match claims.get("aud") {
        Some(Value::Array(several)) => several.iter().any(is_for_us),
        Some(one) => is_for_us(one),
        None => false,
    };
    if !is_for_us {
        let ours = rules.audience.join("', '");
        return Err(format!("its audience is {}, and not '{ours}'", shown(claims.get("aud"))));
    }
    let expires = time("exp")?.ok_or("it does not say when it expires (exp)")?;
    if expires.saturating_add(skew) <= now {
        return Err(format!("it expired {} s ago", now - expires));
    }
    if let Some(begins) = time("nbf")?.filter(|begins| *begins > now.saturating_add(skew)) {
        return Err(format!("it counts from {} s on only", begins - now));
    }
    // One that was issued in the future is by a clock that is wrong.
    if let Some(issued) = time("iat")?.filter(|issued| *issued > now.saturating_add(skew)) {
        return Err(format!("it was issued {} s in the future", issued - now));
    }
    let claim = &rules.principal_claim;
    let principal = claims
        .get(claim)
        .and_then(Value::as_str)
        .filter(|name| !name.trim().is_empty() && name.len() <= LONGEST_NAME);
    let principal = principal.ok_or(format!("its claim '{claim}' names nobody"))?;
    Ok(VerifiedToken { principal: principal.to_owned(), expires })
}

fn shown(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => format!("'{text:.200}'"),
        Some(value) => format!("{:.200}", value.to_string()),
        None => "missing".to_owned(),
    }
}

impl Key {
    fn read(value: &Value) -> Result<Self, String> {
        let jwk: Jwk = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
        if jwk.common.public_key_use.as_ref().is_some_and(|used| *used != PublicKeyUse::Signature) {
            return Err("it is not for signatures (use)".to_owned());
        }
        let operations = jwk.common.key_operations.as_ref();
        if operations.is_some_and(|operations| !operations.contains(&KeyOperations::Verify)) {
            return Err("it is not for verifying (key_ops)".to_owned());
        }
        // A curve goes with one algorithm (RFC 7518, section 3.4).
        let curve = value.get("crv").and_then(Value::as_str);
        let fits = |algorithm: &Algorithm| match (&jwk.algorithm, algorithm.family()) {
            (AlgorithmParameters::RSA(_), AlgorithmFamily::Rsa) => true,
            (AlgorithmParameters::EllipticCurve(_), AlgorithmFamily::Ec) => {
                let expected = if *algorithm == Algorithm::ES256 { "P-256" } else { "P-384" };
                curve == Some(expected)
            }
            (AlgorithmParameters::OctetKeyPair(_), AlgorithmFamily::Ed) => curve == Some("Ed25519"),
            _ => false,
        };
        let mut algorithms: Vec<Algorithm> = ALGORITHMS.into_iter().filter(fits).collect();
        if let Some(only) = jwk.common.key_algorithm {
            algorithms.retain(|algorithm| only == (*algorithm).into());
        }
        if algorithms.is_empty() {
            return Err("its kind, curve or algorithm is not taken".to_owned());
        }
        let key = DecodingKey::from_jwk(&jwk).map_err(|error| error.to_string())?;
        Ok(Self { id: jwk.common.key_id, algorithms, key })
    }
}

#[cfg(test)]
mod tests;
