//! Why a chain is not believed: which certificate of it, what about it, and what is to be done by whom.

use std::fmt;

use super::Certificate;
use super::constraints::Unnamed;
use super::purpose::Purpose;
use crate::model::principal::distinguished_name;
use crate::model::text::printable;

/// The most characters of a name that a stranger's certificate gives.
const LONGEST_NAME: usize = 200;

/// The keys that are taken.
pub(super) const KEYS: &str =
    "those are RSA of 2048 to 8192 bits, EC on P-256, P-384 or P-521, Ed25519 and ML-DSA";

/// What stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// It cannot be read as a certificate.
    Unreadable(&'static str),
    /// It is of X.509 version 1, which is not taken.
    Version1,
    /// Nobody who is trusted has issued it.
    UnknownIssuer,
    /// It has expired, at this time.
    Expired(i64),
    /// It is not valid before this time.
    NotYetValid(i64),
    /// It has issued another and may not, for this reason.
    NoAuthority(String),
    /// More authorities stand below it, or below the anchor above it, than it or that one allows.
    PathTooLong,
    /// It has a name that an authority above it may not give.
    Name(String),
    /// It has a critical extension that is unknown, by its number.
    UnknownCritical(String),
    /// An extension that decides cannot be read.
    Damaged(&'static str),
    /// Somebody above it demands policies, which are not judged.
    Policy,
    /// Its key is of this kind, which is not taken.
    Key(String),
    /// It is signed with this algorithm, which is not taken.
    Algorithm(String),
    /// Its signature is not its issuer's.
    Signature,
    /// Its keyUsage is without digitalSignature.
    KeyUsage,
    /// Its extendedKeyUsage is without the purpose.
    ExtendedKeyUsage,
    /// Its nsCertType is without the purpose.
    NetscapeType,
    /// Its issuer has revoked it, at this time.
    Revoked(i64),
    /// No revocation list is of its issuer.
    RevocationUnknown,
    /// Each revocation list of its issuer has ended, the last at this time.
    RevocationExpired(i64),
    /// To look for a way through such a chain would take too long.
    TooMuch,
}

/// Why a chain is refused. The names in it are what strangers' certificates say, made printable and short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What stands in the way.
    pub kind: Kind,
    purpose: Purpose,
    /// The key of the configuration that names what is trusted.
    trusted: &'static str,
    /// The leaf's subject and issuer, where they can be read.
    leaf: Option<(String, String)>,
    /// Where the certificate stands in the chain as it was sent, the leaf first; an anchor of ours stands nowhere.
    place: Option<usize>,
    /// That certificate's subject and issuer.
    who: Option<(String, String)>,
}

impl Refusal {
    pub(super) fn new(
        kind: Kind,
        purpose: Purpose,
        leaf: Option<&Certificate>,
        place: Option<usize>,
        certificate: Option<&Certificate>,
    ) -> Self {
        let names =
            |certificate: &Certificate| (name(&certificate.subject_der), name(&certificate.issuer_der));
        let trusted = purpose.anchors();
        Self { kind, purpose, trusted, leaf: leaf.map(names), place, who: certificate.map(names) }
    }

    /// With what the configuration calls the trusted certificates, where that is another key than usual.
    pub(super) fn trusted_by(self, key: Option<&'static str>) -> Self {
        Self { trusted: key.unwrap_or(self.trusted), ..self }
    }

    /// What is wrong, said of the certificate that it is about.
    fn what(&self) -> String {
        match &self.kind {
            Kind::Unreadable(why) => format!("it cannot be read: {why}"),
            Kind::Version1 => "it is of X.509 version 1, which says nothing of what it is for".into(),
            Kind::UnknownIssuer => format!("no certificate in {} has issued it", self.trusted),
            Kind::Expired(at) => format!("it expired on {}", date(*at)),
            Kind::NotYetValid(at) => format!("it is not valid before {}", date(*at)),
            Kind::NoAuthority(why) => format!("{why}, and it has issued another"),
            Kind::PathTooLong => {
                "there are more authorities below one above it than that one allows (pathLenConstraint)"
                    .into()
            }
            Kind::Name(what) => format!("{what}, says an authority above it (nameConstraints)"),
            Kind::UnknownCritical(number) => format!("its critical extension {number} is unknown"),
            Kind::Damaged(name) => format!("its {name} cannot be read"),
            Kind::Policy => "its policyConstraints demand policies, which are not judged here".into(),
            Kind::Key(key) => format!("its key ({key}) is none that is taken; {KEYS}"),
            Kind::Algorithm(algorithm) => {
                format!("it is signed with {algorithm}, which is not taken")
            }
            Kind::Signature => "its signature is not by the key of its issuer".into(),
            Kind::KeyUsage => "its keyUsage is without digitalSignature".into(),
            Kind::ExtendedKeyUsage => {
                format!("its extendedKeyUsage is without {}", self.purpose.extended_key_usage())
            }
            Kind::NetscapeType => format!("its nsCertType is without that of a {}", self.purpose.whose()),
            Kind::Revoked(at) => format!("its issuer revoked it on {}", date(*at)),
            Kind::RevocationUnknown => "no list in tls.revocation.crl_files is of its issuer".into(),
            Kind::RevocationExpired(at) => {
                format!("the revocation list of its issuer has ended, on {}", date(*at))
            }
            Kind::TooMuch => "its chain is too long or too tangled to look for a way through it".into(),
        }
    }

    /// What is to be done, and by whom.
    fn remedy(&self) -> String {
        let (whose, anchors) = (self.purpose.whose(), self.trusted);
        match &self.kind {
            Kind::Version1 => format!(
                "the {whose} needs another, issued as version 3 ('openssl x509 -req' needs -extfile for that), or \
                 tls.allow_x509_v1 must be true"
            ),
            Kind::RevocationUnknown => {
                "name its list there, or set tls.revocation.unknown to allow".to_owned()
            }
            Kind::RevocationExpired(_) => {
                "put a newer one in its place, or set tls.revocation.expired to allow".to_owned()
            }
            Kind::UnknownIssuer if self.is_of_leaf() => format!(
                "the {whose} must show one of a trusted authority, with those between them, or {anchors} must name its \
                 authority"
            ),
            Kind::UnknownIssuer => format!("{anchors} must name its issuer, or the {whose} show another"),
            Kind::Expired(_) if self.is_of_leaf() => format!("the {whose} must renew it"),
            Kind::Expired(_) => format!("the {whose} must show its issuer's renewed one in its place"),
            Kind::NotYetValid(_) => "compare the clocks".to_owned(),
            Kind::TooMuch | Kind::Unreadable(_) => {
                format!("the {whose} must show its own and those of its issuers")
            }
            Kind::Signature => format!(
                "the {whose} or {anchors} has another certificate of its issuer, with the same name and another key"
            ),
            _ if self.is_of_leaf() => format!("the {whose} needs another, issued anew"),
            _ => format!("its authority must issue it anew, and the {whose} show that"),
        }
    }

    fn is_of_leaf(&self) -> bool {
        self.place == Some(0)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.leaf {
            Some((subject, issuer)) => {
                write!(f, "the certificate of {subject}, issued by {issuer}, is refused: ")?;
            }
            None => write!(f, "the {}'s certificate is refused: ", self.purpose.whose())?,
        }
        match (self.place, &self.who) {
            (Some(0), _) => {}
            (Some(place), Some((subject, issuer))) => {
                write!(f, "in certificate {} of its chain ({subject}, issued by {issuer}): ", place + 1)?;
            }
            (Some(place), None) => write!(f, "in certificate {} of its chain: ", place + 1)?,
            (None, _) => {}
        }
        write!(f, "{}: {}", self.what(), self.remedy())
    }
}

impl std::error::Error for Refusal {}

impl From<Unnamed> for Kind {
    fn from(unnamed: Unnamed) -> Self {
        Kind::Name(match unnamed {
            Unnamed::NotPermitted(name) => format!("{} is not among the permitted", shown(&name)),
            Unnamed::Excluded(name) => format!("{} is excluded", shown(&name)),
            Unnamed::Unjudged(name) => format!("{} cannot be judged", shown(&name)),
            Unnamed::TooMany => return Kind::TooMuch,
        })
    }
}

/// A certificate's name for a message.
fn name(der: &[u8]) -> String {
    match distinguished_name(der) {
        Ok(name) if name.is_empty() => "nobody".to_owned(),
        Ok(name) => shown(&name),
        Err(_) => "a name that cannot be read".to_owned(),
    }
}

fn shown(text: &str) -> String {
    printable(&text.chars().take(LONGEST_NAME).collect::<String>()).to_string()
}

/// A time in seconds since 1970, such as `2024-02-29 12:00 UTC`.
fn date(seconds: i64) -> String {
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Counted in years that begin with March, in eras of 400 years.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", of_day / 3_600, of_day / 60 % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_399, "2000-02-28 23:59 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (1_709_208_000, "2024-02-29 12:00 UTC"),
            (253_402_300_799, "9999-12-31 23:59 UTC"),
            (-62_167_219_200, "0000-01-01 00:00 UTC"),
        ] {
            assert_eq!(date(seconds), text);
        }
    }
}
