//! JSON Web Tokens (RFC 7519) of an identity provider, and the keys that they are signed with (RFC 7517).
//!
//! Which algorithms and keys count, and what the claims must say, is decided here; aws-lc verifies the signatures.

mod key;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use key::{Key, SignatureAlgorithm};

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

/// What a token says of itself (RFC 7515, section 4.1). The keys that it may bring along are not looked at.
#[derive(Deserialize)]
struct TokenHeader {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
    zip: Option<Value>,
    enc: Option<Value>,
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
        let no_token = || wrong("it is no token: it is not three parts in base64".to_owned());
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(no_token());
        };
        let signed = token.get(..header.len() + 1 + payload.len()).ok_or_else(no_token)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| no_token())?;
        let header: TokenHeader =
            part(header).ok_or_else(|| wrong("its header cannot be read".to_owned()))?;
        let Some(algorithm) = SignatureAlgorithm::of(&header.alg) else {
            return Err(wrong(format!("its algorithm '{:.40}' is not taken", header.alg)));
        };
        // What must be understood is not understood here (RFC 7515, section 4.1.11), and nothing is unpacked.
        if header.crit.is_some() || header.zip.is_some() || header.enc.is_some() {
            return Err(wrong("its header asks for what is not served (crit, zip or enc)".to_owned()));
        }
        let named = |key: &&Key| header.kid.is_none() || key.id == header.kid;
        let mut candidates = self.keys.iter().filter(named).peekable();
        if let (Some(id), None) = (&header.kid, candidates.peek()) {
            return Err(TokenFault::UnknownKey(id.clone()));
        }
        if !candidates.any(|key| key.is_signature(algorithm, signed.as_bytes(), &signature)) {
            return Err(wrong("its signature is not by a key of the issuer".to_owned()));
        }
        let claims: Map<String, Value> =
            part(payload).ok_or_else(|| wrong("its claims cannot be read".to_owned()))?;
        judge(&claims, rules, now).map_err(TokenFault::Wrong)
    }
}

/// What is in a part of a token: JSON in base64.
fn part<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
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
    // `BrokerJwtValidator` wants it to be there. One that was issued in the future is by a clock that is wrong.
    let issued = time("iat")?.ok_or("it does not say when it was issued (iat)")?;
    if issued > now.saturating_add(skew) {
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

#[cfg(test)]
mod tests;
