//! Passwords that are kept as hashes, for PLAIN: argon2 (RFC 9106) and bcrypt, as `htpasswd -B` writes it.

use std::fmt;

use argon2::password_hash::{PasswordHash as Parsed, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};

/// The most memory that one comparison may take, in KiB.
const MOST_MEMORY: u32 = 64 * 1024;
/// The most passes over it.
const MOST_PASSES: u32 = 16;
/// The most lanes.
const MOST_LANES: u32 = 8;
/// The highest cost of bcrypt: some 5 s.
const HIGHEST_COST: u32 = 14;

/// What is kept of a password.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    text: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Argon2,
    Bcrypt,
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PasswordHash {
    /// Reads `$argon2id$…` or `$2b$…`.
    ///
    /// # Errors
    /// What it is instead, and what makes one.
    pub fn parse(text: &str) -> Result<Self, String> {
        const HELP: &str =
            "'doorkeeper users set NAME --mechanism PLAIN' writes one, and so does htpasswd -nB";
        let kind = match text {
            _ if text.starts_with("$argon2") => {
                let parsed = Parsed::new(text)
                    .map_err(|error| format!("it is no hash of argon2 ({error}): {HELP}"))?;
                let params = Params::try_from(&parsed)
                    .map_err(|error| format!("it is no hash of argon2 ({error}): {HELP}"))?;
                if parsed.hash.is_none() || Algorithm::try_from(parsed.algorithm).is_err() {
                    return Err(format!("it is no hash of argon2: {HELP}"));
                }
                if params.m_cost() > MOST_MEMORY
                    || params.t_cost() > MOST_PASSES
                    || params.p_cost() > MOST_LANES
                {
                    return Err(format!(
                        "comparing it takes too much: at most m={MOST_MEMORY}, t={MOST_PASSES} and p={MOST_LANES} are taken"
                    ));
                }
                Kind::Argon2
            }
            _ if ["$2a$", "$2b$", "$2y$"].iter().any(|kind| text.starts_with(kind)) => {
                let cost = text.get(4..6).and_then(|cost| cost.parse::<u32>().ok());
                let is_whole = text.len() == 60 && text.is_ascii() && text.as_bytes().get(6) == Some(&b'$');
                match cost {
                    Some(4..=HIGHEST_COST) if is_whole => Kind::Bcrypt,
                    Some(15..=31) => {
                        return Err(format!(
                            "comparing it takes too long: a cost of at most {HIGHEST_COST} is taken"
                        ));
                    }
                    _ => return Err(format!("it is no hash of bcrypt: {HELP}")),
                }
            }
            _ if text.starts_with('$') => {
                return Err(format!("it is of another kind than argon2 and bcrypt: {HELP}"));
            }
            _ => return Err(format!("it is no hash, and a password itself must not be here: {HELP}")),
        };
        Ok(Self { text: text.to_owned(), kind })
    }

    /// Of a password, by argon2id with 19 MiB and two passes (OWASP's recommendation). Takes some 20 ms.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn of(password: &str, salt: &[u8; 16]) -> Result<Self, String> {
        let failed = |error: &dyn fmt::Display| format!("the password cannot be hashed: {error}");
        let params = Params::new(19 * 1024, 2, 1, None).map_err(|error| failed(&error))?;
        let salt = SaltString::encode_b64(salt).map_err(|error| failed(&error))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash = argon2.hash_password(password.as_bytes(), &salt).map_err(|error| failed(&error))?;
        Ok(Self { text: hash.to_string(), kind: Kind::Argon2 })
    }

    /// Whether it is of this password. Takes some 20 ms, and up to seconds.
    pub fn is_of(&self, password: &str) -> bool {
        match self.kind {
            Kind::Argon2 => Parsed::new(&self.text)
                .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()),
            // It looks at no more than 72 bytes, as everybody's does.
            Kind::Bcrypt => bcrypt::verify(password, &self.text).unwrap_or(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_of_its_password_alone() {
        let hash = PasswordHash::of("s3cret", &[7; 16]).unwrap();
        assert!(hash.to_string().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_eq!(PasswordHash::parse(&hash.to_string()), Ok(hash.clone()));
        assert!(hash.is_of("s3cret") && !hash.is_of("S3cret") && !hash.is_of(""));
        // htpasswd -nbBC 4 bob s3cret
        let bcrypt =
            bcrypt::hash_with_salt("s3cret", 4, [7; 16]).unwrap().format_for_version(bcrypt::Version::TwoB);
        for text in [bcrypt.clone(), bcrypt.replace("$2b$", "$2y$")] {
            let hash = PasswordHash::parse(&text).unwrap();
            assert!(hash.is_of("s3cret") && !hash.is_of("s3cres"), "{text}");
        }
    }

    #[test]
    fn what_is_no_hash_or_costs_too_much_is_refused_in_words() {
        let fault = |text: &str| PasswordHash::parse(text).unwrap_err();
        assert!(fault("s3cret").contains("a password itself must not be here"));
        assert!(fault("$1$x").contains("another kind than argon2 and bcrypt"));
        assert!(fault("$2b$10$short").contains("no hash of bcrypt"));
        assert!(fault(&format!("$2b$31${}", "a".repeat(53))).contains("a cost of at most"));
        assert!(fault("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA").contains("no hash of argon2"));
        let much = PasswordHash::of("x", &[7; 16]).unwrap().to_string().replace("m=19456", "m=1048576");
        assert!(fault(&much).contains("comparing it takes too much"));
        assert!(
            fault("$argon2x$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
                .contains("no hash of argon2")
        );
    }
}
