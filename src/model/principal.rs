//! Who a client is, as Kafka says it: the principal, and how a certificate's subject becomes one.
//!
//! A verified certificate's subject is rendered by [`distinguished_name`] as the JDK does, and
//! `ssl.principal.mapping.rules` ([`MappingRules`]) turn that into the name of a `User` principal. A [`PrincipalBuilder`] may look
//! at other names of the certificate instead. Whoever shows no certificate is [`ANONYMOUS`], whatever the rules.

mod builder;
mod distinguished_name;
mod java_regex;
mod mapping_rules;
mod reach;
mod replacement;

pub use builder::{Built, CertificateNames, NameKind, PrincipalBuilder};
pub use distinguished_name::{InvalidName, distinguished_name, may_be_subject};
pub use mapping_rules::{InvalidRules, Mapped, MappingRules, NoMatch};

use std::fmt;
use std::str::FromStr;

/// The principal of a client that is not authenticated (`KafkaPrincipal.ANONYMOUS`).
pub const ANONYMOUS: &str = "User:ANONYMOUS";

/// The only kind of principal that Kafka itself makes (`KafkaPrincipal.USER_TYPE`).
pub const USER: &str = "User";

/// A principal, written `kind:name`; the kind ends at the first colon, so a name may have colons or be empty
/// (`org.apache.kafka.common.security.auth.KafkaPrincipal`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal {
    text: String,
    colon: usize,
}

impl Principal {
    /// The principal `User:name`.
    pub fn user(name: &str) -> Principal {
        Principal { text: format!("{USER}:{name}"), colon: USER.len() }
    }

    /// The principal of a client that is not authenticated.
    pub fn anonymous() -> Principal {
        Principal { text: ANONYMOUS.to_owned(), colon: USER.len() }
    }

    /// What stands before the first colon, in practice `User`.
    pub fn kind(&self) -> &str {
        &self.text[..self.colon]
    }

    /// What stands behind the first colon.
    pub fn name(&self) -> &str {
        &self.text[self.colon + 1..]
    }

    /// Both, as bindings and super users name it.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Principal {
    type Err = InvalidPrincipal;

    fn from_str(text: &str) -> Result<Principal, InvalidPrincipal> {
        match text.find(':') {
            Some(colon) => Ok(Principal { text: text.to_owned(), colon }),
            None => Err(InvalidPrincipal(text.to_owned())),
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// A text without a colon, which therefore names no principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidPrincipal(String);

impl fmt::Display for InvalidPrincipal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no principal: write its type, a colon and its name, as in \"User:alice\"", self.0)
    }
}

impl std::error::Error for InvalidPrincipal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_ends_at_the_first_colon() {
        let principal: Principal = "User:spiffe://a/b".parse().unwrap();
        assert_eq!((principal.kind(), principal.name()), ("User", "spiffe://a/b"));
        assert_eq!(principal, Principal::user("spiffe://a/b"));
        assert_eq!(principal.to_string(), "User:spiffe://a/b");
        assert_eq!("User:".parse(), Ok(Principal::user("")), "the principal of an empty subject");
        assert_eq!(ANONYMOUS.parse(), Ok(Principal::anonymous()));
    }

    #[test]
    fn a_principal_has_a_colon() {
        let error = "alice".parse::<Principal>().unwrap_err().to_string();
        assert_eq!(
            error,
            "\"alice\" is no principal: write its type, a colon and its name, as in \"User:alice\""
        );
    }
}
