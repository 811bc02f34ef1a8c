//! SCRAM (RFC 5802) as `ScramSaslServer` and `ScramMessages` have it.

use std::fmt;

use aws_lc_rs::{constant_time, digest, hmac, pbkdf2};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use zeroize::Zeroizing;

use super::Rejection;

/// The fewest iterations that count as a credential (`ScramMechanism.minIterations`).
pub const FEWEST_ITERATIONS: u32 = 4096;
/// The most; clients of Kafka refuse more (`ScramMechanism.maxIterations`).
pub const MOST_ITERATIONS: u32 = 16384;
/// How many bytes a salt may have.
pub const SALT_LENGTHS: std::ops::RangeInclusive<usize> = 1..=1024;

/// The hash function of a SCRAM mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hash {
    /// SHA-256
    Sha256,
    /// SHA-512
    Sha512,
}

impl Hash {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Sha256, Self::Sha512];

    /// The length of its values, in bytes.
    pub const fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    fn digest(self, bytes: &[u8]) -> digest::Digest {
        digest::digest(
            match self {
                Self::Sha256 => &digest::SHA256,
                Self::Sha512 => &digest::SHA512,
            },
            bytes,
        )
    }

    /// HMAC of all parts, one behind the other.
    pub(super) fn hmac(self, key: &[u8], parts: &[&[u8]]) -> hmac::Tag {
        let algorithm = match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha512 => hmac::HMAC_SHA512,
        };
        let mut context = hmac::Context::with_key(&hmac::Key::new(algorithm, key));
        parts.iter().for_each(|part| context.update(part));
        context.sign()
    }

    fn salted_password(self, password: &str, salt: &[u8], iterations: u32) -> Zeroizing<Vec<u8>> {
        let algorithm = match self {
            Self::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Self::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        };
        let mut out = Zeroizing::new(vec![0; self.length()]);
        let iterations = std::num::NonZeroU32::new(iterations).unwrap_or(std::num::NonZeroU32::MIN);
        pbkdf2::derive(algorithm, iterations, salt, password.as_bytes(), &mut out);
        out
    }
}

/// What a server keeps of a password for SCRAM (`ScramCredential`): enough to recognise it, too little to log in with it.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramCredential {
    /// How often the password is hashed.
    pub iterations: u32,
    /// What is hashed with it.
    pub salt: Vec<u8>,
    stored_key: Vec<u8>,
    server_key: Vec<u8>,
}

impl fmt::Debug for ScramCredential {
    /// Without the keys: whoever has the server key can pretend to be the server.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramCredential").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

impl ScramCredential {
    /// Of a password. Takes a millisecond for 4,096 iterations.
    pub fn from_password(hash: Hash, password: &str, salt: Vec<u8>, iterations: u32) -> Self {
        let salted = hash.salted_password(password, &salt, iterations);
        Self::from_salted_password(hash, &salted, salt, iterations)
    }

    /// Of the salted password, which is what `kafka-configs` sends (`ScramFormatter.clientKey` and `serverKey`).
    pub fn from_salted_password(hash: Hash, salted: &[u8], salt: Vec<u8>, iterations: u32) -> Self {
        let client_key = hash.hmac(salted, &[b"Client Key"]);
        Self {
            iterations,
            salt,
            stored_key: hash.digest(client_key.as_ref()).as_ref().to_vec(),
            server_key: hash.hmac(salted, &[b"Server Key"]).as_ref().to_vec(),
        }
    }

    /// Whether it was made of this password. Takes a millisecond for 4,096 iterations.
    pub fn is_of(&self, hash: Hash, password: &str) -> bool {
        let same = Self::from_password(hash, password, self.salt.clone(), self.iterations);
        constant_time::verify_slices_are_equal(&same.stored_key, &self.stored_key).is_ok()
    }

    /// One that nobody has the password of: for users that are none.
    pub(super) fn of_nobody(iterations: u32, salt: Vec<u8>, keys: Vec<u8>) -> Self {
        Self { iterations, salt, stored_key: keys.clone(), server_key: keys }
    }

    /// Reads what [`fmt::Display`] writes, in any order, as `ScramCredentialUtils.credentialFromString` does.
    ///
    /// # Errors
    /// What is wrong with it, and how it should look.
    pub fn parse(hash: Hash, text: &str) -> Result<Self, String> {
        const SHAPE: &str =
            "it is 'iterations=8192,salt=…,stored_key=…,server_key=…', the last three in base64";
        let mut parts: [Option<&str>; 4] = [None; 4];
        const KEYS: [&str; 4] = ["iterations", "salt", "stored_key", "server_key"];
        // What is wrong is never repeated: it may be a password.
        for (number, part) in text.split(',').enumerate() {
            let number = number + 1;
            let (key, value) =
                part.split_once('=').ok_or_else(|| format!("part {number} of it has no '=': {SHAPE}"))?;
            let place = KEYS.iter().position(|known| *known == key.trim());
            let place = place.ok_or_else(|| format!("part {number} is none of these: {SHAPE}"))?;
            if parts[place].replace(value.trim()).is_some() {
                return Err(format!("'{}' is there twice", KEYS[place]));
            }
        }
        let part = |place: usize| parts[place].ok_or(format!("'{}' is missing: {SHAPE}", KEYS[place]));
        let bytes =
            |place: usize| BASE64.decode(part(place)?).map_err(|_| format!("'{}' is no base64", KEYS[place]));
        let iterations: u32 = part(0)?.parse().map_err(|_| "'iterations' is no whole number".to_owned())?;
        check_iterations(iterations)?;
        let credential = Self { iterations, salt: bytes(1)?, stored_key: bytes(2)?, server_key: bytes(3)? };
        if !SALT_LENGTHS.contains(&credential.salt.len()) {
            let (least, most) = (SALT_LENGTHS.start(), SALT_LENGTHS.end());
            return Err(format!("'salt' must have {least} to {most} bytes"));
        }
        for (key, length) in
            [("stored_key", credential.stored_key.len()), ("server_key", credential.server_key.len())]
        {
            if length != hash.length() {
                let needed = hash.length();
                return Err(format!("'{key}' has {length} bytes, and one of this mechanism has {needed}"));
            }
        }
        Ok(credential)
    }
}

/// Whether a credential may have so many iterations.
///
/// # Errors
/// Why not.
pub fn check_iterations(iterations: u32) -> Result<(), String> {
    match iterations {
        FEWEST_ITERATIONS..=MOST_ITERATIONS => Ok(()),
        _ => Err(format!(
            "{iterations} iterations: Kafka takes {FEWEST_ITERATIONS} to {MOST_ITERATIONS}, and clients refuse others"
        )),
    }
}

impl fmt::Display for ScramCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { iterations, salt, stored_key, server_key } = self;
        let [salt, stored, server] = [salt, stored_key, server_key].map(|bytes| BASE64.encode(bytes));
        write!(f, "iterations={iterations},salt={salt},stored_key={stored},server_key={server}")
    }
}

/// A credential to compare a client's proof with.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Compared with the proof.
    pub credential: ScramCredential,
    /// There is such a user. Where there is none the proof is wrong in any case.
    pub is_real: bool,
}

/// One exchange, from the server's side.
#[derive(Debug)]
pub struct Exchange {
    hash: Hash,
    begun: Option<Box<Begun>>,
}

#[derive(Debug)]
struct Begun {
    user: String,
    candidate: Candidate,
    /// As `ScramFormatter.authMessage` puts it together.
    client_first_bare: String,
    server_first: String,
    nonce: String,
}

/// What comes of a message of the client's.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// The client is sent this, and goes on.
    Challenge(Vec<u8>),
    /// The client is this user, and is sent this.
    Done(String, Vec<u8>),
}

impl Exchange {
    /// Before the client's first message.
    pub fn new(hash: Hash) -> Self {
        Self { hash, begun: None }
    }

    /// Takes the client's next message. `find` gives the credential of a user, or one in its place; `nonce` is made of printable
    /// characters that nobody can foresee, without a comma.
    ///
    /// # Errors
    /// When it is not what the mechanism asks for, or the proof is wrong.
    pub fn step(
        &mut self,
        message: &[u8],
        find: impl FnOnce(&str) -> Candidate,
        nonce: impl FnOnce() -> String,
    ) -> Result<Progress, Rejection> {
        let untold = |why: &str| Rejection::Untold(why.to_owned());
        // Java reads what is not UTF-8 with replacements, which no part of a message may hold.
        let text = std::str::from_utf8(message).map_err(|_| untold("a message of SCRAM is not text"))?;
        match self.begun.take() {
            None => {
                let first =
                    ClientFirst::read(text).ok_or(untold("the first message of SCRAM cannot be read"))?;
                if first.is_token {
                    return Err(untold("the client has a delegation token, and none are issued here"));
                }
                let candidate = find(&first.user);
                if first.authorization.is_some_and(|authorization| authorization != first.user) {
                    let why = "Authentication failed: Client requested an authorization id that is different from username";
                    return Err(Rejection::Told(why.to_owned()));
                }
                let nonce = format!("{}{}", first.nonce, nonce());
                let ScramCredential { salt, iterations, .. } = &candidate.credential;
                let server_first = format!("r={nonce},s={},i={iterations}", BASE64.encode(salt));
                let answer = server_first.clone().into_bytes();
                let client_first_bare = first.bare();
                let user = first.user;
                self.begun =
                    Some(Box::new(Begun { user, candidate, client_first_bare, server_first, nonce }));
                Ok(Progress::Challenge(answer))
            }
            Some(begun) => begun.finish(self.hash, text),
        }
    }
}

impl Begun {
    fn finish(self, hash: Hash, text: &str) -> Result<Progress, Rejection> {
        let untold = |why: String| Rejection::Untold(why);
        let last = ClientFinal::read(text)
            .ok_or_else(|| untold("the last message of SCRAM cannot be read".into()))?;
        if !last.nonce.ends_with(&self.nonce) {
            return Err(untold("the last message of SCRAM has another nonce".into()));
        }
        let auth_message =
            format!("{},{},{}", self.client_first_bare, self.server_first, last.without_proof());
        let ScramCredential { stored_key, server_key, .. } = &self.candidate.credential;
        let signature = hash.hmac(stored_key, &[auth_message.as_bytes()]);
        if last.proof.len() != signature.as_ref().len() {
            // `ScramFormatter.xor` throws what nobody expects.
            return Err(Rejection::Silent("the proof of SCRAM has a wrong length".into()));
        }
        let client_key: Zeroizing<Vec<u8>> =
            Zeroizing::new(signature.as_ref().iter().zip(&last.proof).map(|(a, b)| a ^ b).collect());
        let is_proved =
            constant_time::verify_slices_are_equal(hash.digest(&client_key).as_ref(), stored_key).is_ok();
        match (is_proved, self.candidate.is_real) {
            (true, true) => {
                let signature = hash.hmac(server_key, &[auth_message.as_bytes()]);
                let answer = format!("v={}", BASE64.encode(signature.as_ref()));
                Ok(Progress::Done(self.user, answer.into_bytes()))
            }
            (_, true) => Err(untold(format!("the password of user '{}' is another", self.user))),
            (_, false) => Err(untold(format!("there is no user '{}' with this mechanism", self.user))),
        }
    }
}

/// `ScramMessages.ClientFirstMessage`
struct ClientFirst<'a> {
    authorization: Option<&'a str>,
    sasl_name: &'a str,
    user: String,
    nonce: &'a str,
    /// Without the comma before the first.
    extensions: &'a str,
    is_token: bool,
}

impl<'a> ClientFirst<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix("n,")?;
        let (authorization, rest) = rest.split_once(',')?;
        let authorization = match authorization {
            "" => None,
            name => Some(name.strip_prefix("a=").filter(|name| is_sasl_name(name))?),
        };
        // Something reserved for later may come first; it is not looked at.
        let rest = match rest.strip_prefix("m=") {
            Some(reserved) => {
                let (value, rest) = reserved.split_once(',')?;
                is_value(value).then_some(rest)?
            }
            None => rest,
        };
        let (name, rest) = rest.split_once(',')?;
        let sasl_name = name.strip_prefix("n=").filter(|name| is_sasl_name(name))?;
        let (nonce, extensions) = match rest.split_once(',') {
            Some((nonce, extensions)) => (nonce, Some(extensions)),
            None => (rest, None),
        };
        let nonce = nonce.strip_prefix("r=").filter(|nonce| is_printable(nonce))?;
        let mut is_token = false;
        for extension in extensions.into_iter().flat_map(|extensions| extensions.split(',')) {
            let (key, value) = read_extension(extension)?;
            is_token |= key == "tokenauth" && value.eq_ignore_ascii_case("true");
        }
        let user = sasl_name.replace("=2C", ",").replace("=3D", "=");
        Some(Self { authorization, sasl_name, user, nonce, extensions: extensions.unwrap_or(""), is_token })
    }

    /// `clientFirstMessageBare`
    fn bare(&self) -> String {
        let Self { sasl_name, nonce, extensions, .. } = self;
        match extensions.is_empty() {
            true => format!("n={sasl_name},r={nonce}"),
            false => format!("n={sasl_name},r={nonce},{extensions}"),
        }
    }
}

/// `ScramMessages.ClientFinalMessage`
struct ClientFinal<'a> {
    channel_binding: Vec<u8>,
    nonce: &'a str,
    proof: Vec<u8>,
}

impl<'a> ClientFinal<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (channel, rest) = text.split_once(',')?;
        let channel_binding = BASE64.decode(channel.strip_prefix("c=")?).ok()?;
        let (before, proof) = rest.rsplit_once(',')?;
        let proof = BASE64.decode(proof.strip_prefix("p=")?).ok()?;
        let mut parts = before.split(',');
        let nonce = parts.next()?.strip_prefix("r=").filter(|nonce| is_printable(nonce))?;
        for extension in parts {
            read_extension(extension)?;
        }
        Some(Self { channel_binding, nonce, proof })
    }

    /// `clientFinalMessageWithoutProof`, which leaves extensions out.
    fn without_proof(&self) -> String {
        format!("c={},r={}", BASE64.encode(&self.channel_binding), self.nonce)
    }
}

fn read_extension(text: &str) -> Option<(&str, &str)> {
    let (key, value) = text.split_once('=')?;
    let is_key = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphabetic());
    (is_key && is_value(value)).then_some((key, value))
}

/// `VALUE`: `[\x01-\x7F&&[^,]]+`
fn is_value(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, 1..=0x7f) && byte != b',')
}

/// `PRINTABLE`: `[\x21-\x7E&&[^,]]+`
fn is_printable(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
}

/// `SASLNAME`: `(?:[\x01-\x7F&&[^=,]]|=2C|=3D)+`
pub(super) fn is_sasl_name(text: &str) -> bool {
    let is_plain = |text: &str| is_value(text) && !text.contains('=');
    let rest = text.replace("=2C", "x").replace("=3D", "x");
    is_plain(&rest)
}

#[cfg(test)]
mod tests;
