//! Which of a certificate's names becomes the principal: its subject, as with Kafka's `DefaultKafkaPrincipalBuilder`, or one of
//! its other names.

use std::fmt;

use super::distinguished_name::{distinguished_name, may_be_subject};
use super::mapping_rules::{Mapped, MappingRules, NoMatch};

/// A kind of name that a certificate may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameKind {
    /// The subject, rendered as Java does.
    Subject,
    /// The SPIFFE ID: the one URI of the subjectAltName, with the scheme `spiffe` (X.509-SVID, section 2).
    Spiffe,
    /// A host's name in the subjectAltName, in lower case. One with a wildcard is nobody's.
    Dns,
}

impl NameKind {
    /// As settings name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Spiffe => "spiffe",
            Self::Dns => "dns",
        }
    }

    /// What a person calls it.
    fn called(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Spiffe => "SPIFFE ID",
            Self::Dns => "DNS name",
        }
    }

    /// The setting that has its rules.
    fn setting(self) -> &'static str {
        match self {
            Self::Subject => "principal_mapping_rules",
            Self::Spiffe => "principal_from, spiffe",
            Self::Dns => "principal_from, dns",
        }
    }

    /// Whether a certificate may have this name. `false` is certain.
    fn may_be(self, name: &str) -> bool {
        match self {
            Self::Subject => may_be_subject(name),
            Self::Spiffe => check_spiffe_id(name).is_ok(),
            Self::Dns => is_host_name(name) && !name.contains(|c: char| c.is_ascii_uppercase()),
        }
    }
}

impl fmt::Display for NameKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.called())
    }
}

/// The names of a certificate.
#[derive(Debug, Clone, Default)]
pub struct CertificateNames<'a> {
    /// The subject, in DER.
    pub subject: &'a [u8],
    /// The URIs of the subjectAltName; one that cannot be read is empty.
    pub uris: Vec<&'a str>,
    /// The hosts' names of the subjectAltName; one that cannot be read is empty.
    pub hosts: Vec<&'a str>,
}

/// Makes a principal of the names of a certificate: kinds of names are looked at in a given order, each with rules of its own,
/// and the first of which the rules make a name decides.
#[derive(Debug, Clone)]
pub struct PrincipalBuilder {
    sources: Vec<(NameKind, MappingRules)>,
}

/// What a certificate's names came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built<'a> {
    /// The principal's name, without the `User:` before it.
    pub name: String,
    /// The kind of name that it was made of.
    pub kind: NameKind,
    /// That name.
    pub of: String,
    /// The rule that matched, as it was written.
    pub rule: &'a str,
    /// How many rules before it did not match.
    pub passed_over: usize,
}

impl From<MappingRules> for PrincipalBuilder {
    /// Of the subject alone, as with Kafka.
    fn from(rules: MappingRules) -> Self {
        Self { sources: vec![(NameKind::Subject, rules)] }
    }
}

impl Default for PrincipalBuilder {
    fn default() -> Self {
        MappingRules::default().into()
    }
}

impl PrincipalBuilder {
    /// Of these kinds of names, in this order.
    pub fn new(sources: Vec<(NameKind, MappingRules)>) -> Self {
        Self { sources }
    }

    /// The name of the principal, and what it was made of.
    ///
    /// # Errors
    /// Why the certificate is nobody's: rules that match none of its names, several names that would be different principals, a
    /// name that cannot be read.
    pub fn build(&self, names: &CertificateNames<'_>) -> Result<Built<'_>, String> {
        let mut unmatched = Vec::new();
        for (kind, rules) in &self.sources {
            let found = found(*kind, names)?;
            let mut built: Option<Built<'_>> = None;
            for of in &found {
                let Mapped { name, rule, passed_over } = match rules.explain(of) {
                    Ok(mapped) => mapped,
                    Err(NoMatch::NoRule) => continue,
                    Err(failed) => return Err(format!("{}, {kind} \"{of}\": {failed}", kind.setting())),
                };
                match &built {
                    Some(before) if before.name != name => {
                        return Err(format!(
                            "the certificate would be '{}' by its {kind} \"{}\" and '{name}' by its {kind} \"{of}\": let rules in \
                             principal_from take one of them",
                            before.name, before.of
                        ));
                    }
                    Some(_) => {}
                    None => built = Some(Built { name, kind: *kind, of: of.clone(), rule, passed_over }),
                }
            }
            if let Some(built) = built {
                return Ok(built);
            }
            unmatched.push(match found.first() {
                None => format!("the certificate has no {kind}"),
                Some(first) => {
                    let more = match found.len() {
                        1 => String::new(),
                        count => format!(" nor the {} others", count - 1),
                    };
                    format!("{}, {kind} \"{first}\"{more}: {}", kind.setting(), NoMatch::NoRule)
                }
            });
        }
        Err(unmatched.join("; "))
    }

    /// Whether some certificate may be this principal, whose name stands without `User:`. `false` is certain; `true` is not.
    pub fn can_make(&self, name: &str) -> bool {
        self.sources.iter().any(|(kind, rules)| rules.can_make(name, |name| kind.may_be(name)))
    }

    /// The kinds of names that are looked at.
    pub fn kinds(&self) -> impl Iterator<Item = NameKind> {
        self.sources.iter().map(|(kind, _)| *kind)
    }

    /// The rules for this kind of name, if it is looked at.
    pub fn rules(&self, kind: NameKind) -> Option<&MappingRules> {
        self.sources.iter().find(|(looked_at, _)| *looked_at == kind).map(|(_, rules)| rules)
    }
}

/// The certificate's names of a kind, as rules see them.
fn found(kind: NameKind, names: &CertificateNames<'_>) -> Result<Vec<String>, String> {
    match kind {
        NameKind::Subject => {
            let subject = distinguished_name(names.subject);
            Ok(vec![subject.map_err(|error| format!("the subject of the client's certificate: {error}"))?])
        }
        NameKind::Spiffe => {
            let Some(id) = names.uris.iter().find(|uri| is_spiffe(uri)) else { return Ok(Vec::new()) };
            if names.uris.len() > 1 {
                return Err(format!(
                    "the certificate has {} URIs, of which one is a SPIFFE ID: then it may have no other (X.509-SVID)",
                    names.uris.len()
                ));
            }
            check_spiffe_id(id)
                .map_err(|why| format!("the certificate's SPIFFE ID \"{id}\" is none: {why}"))?;
            Ok(vec![(*id).to_owned()])
        }
        NameKind::Dns => {
            if names.hosts.len() > MOST_HOSTS {
                return Err(format!(
                    "the certificate has {} DNS names: more than {MOST_HOSTS} are not looked at",
                    names.hosts.len()
                ));
            }
            let lower =
                names.hosts.iter().filter(|host| is_host_name(host)).map(|host| host.to_ascii_lowercase());
            let mut hosts: Vec<String> = Vec::new();
            for host in lower {
                if !hosts.contains(&host) {
                    hosts.push(host);
                }
            }
            Ok(hosts)
        }
    }
}

/// The most hosts' names of a certificate: rules are tried on each.
const MOST_HOSTS: usize = 100;

/// Whether the scheme is SPIFFE's, in whatever letters: one that means to be a SPIFFE ID and is not is not passed over.
fn is_spiffe(uri: &str) -> bool {
    uri.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("spiffe:"))
}

/// The longest SPIFFE ID, in bytes (SPIFFE-ID, section 2.3).
const LONGEST_SPIFFE_ID: usize = 2048;

/// SPIFFE-ID, section 2.
fn check_spiffe_id(id: &str) -> Result<(), &'static str> {
    if id.len() > LONGEST_SPIFFE_ID {
        return Err("it is longer than 2048 bytes");
    }
    let rest = id.strip_prefix("spiffe://").ok_or("it must begin with spiffe://")?;
    let (domain, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    };
    let is_of_domain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
    if domain.is_empty() || domain.len() > 255 || !domain.chars().all(is_of_domain) {
        return Err("its trust domain must be up to 255 of lower-case letters, digits, '.', '-' and '_'");
    }
    let is_of_segment = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let is_segment =
        |segment: &str| !matches!(segment, "" | "." | "..") && segment.chars().all(is_of_segment);
    // A leaf's has a path (X.509-SVID, section 4.1).
    match path.split('/').nth(1) {
        None => Err("it is that of a whole trust domain: a workload's has a path"),
        Some(_) if path.split('/').skip(1).all(is_segment) => Ok(()),
        Some(_) => {
            Err("the segments of its path must be letters, digits, '.', '-' and '_', and none '.' or '..'")
        }
    }
}

/// Whether it is a host's name, without a wildcard.
fn is_host_name(name: &str) -> bool {
    let is_of_label = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let is_label = |label: &str| (1..=63).contains(&label.len()) && label.chars().all(is_of_label);
    name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `CN=alice`.
    const ALICE: &[u8] = b"\x30\x10\x31\x0e\x30\x0c\x06\x03\x55\x04\x03\x0c\x05alice";

    fn names<'a>(uris: &[&'a str], hosts: &[&'a str]) -> CertificateNames<'a> {
        CertificateNames { subject: ALICE, uris: uris.to_vec(), hosts: hosts.to_vec() }
    }

    fn builder(sources: &[(NameKind, &str)]) -> PrincipalBuilder {
        let sources = sources.iter().map(|(kind, rules)| (*kind, MappingRules::parse(rules).unwrap()));
        PrincipalBuilder::new(sources.collect())
    }

    fn name(builder: &PrincipalBuilder, names: &CertificateNames<'_>) -> Result<String, String> {
        builder.build(names).map(|built| built.name)
    }

    const IDENTITY: &str = "spiffe://example.org/ns/billing/sa/App";

    #[test]
    fn the_first_kind_that_the_certificate_has_decides() {
        use NameKind::{Dns, Spiffe, Subject};
        let all = builder(&[(Spiffe, "DEFAULT"), (Dns, "DEFAULT"), (Subject, "DEFAULT")]);
        assert_eq!(name(&all, &names(&[IDENTITY], &["a.example"])), Ok(IDENTITY.to_owned()));
        assert_eq!(name(&all, &names(&[], &["A.Example"])), Ok("a.example".to_owned()));
        assert_eq!(name(&all, &names(&["https://example.org/a"], &[])), Ok("CN=alice".to_owned()));
        let built = all.build(&names(&[], &["b.example"])).unwrap();
        assert_eq!((built.kind, &*built.of, built.rule), (Dns, "b.example", "DEFAULT"));
        assert_eq!(name(&PrincipalBuilder::default(), &names(&[IDENTITY], &[])), Ok("CN=alice".to_owned()));
    }

    #[test]
    fn rules_choose_among_names() {
        use NameKind::{Dns, Spiffe, Subject};
        let spiffe = "RULE:^spiffe:\\/\\/example\\.org\\/ns\\/([^\\/]+)\\/sa\\/([^\\/]+)$/$1.$2/L";
        let chosen = builder(&[(Spiffe, spiffe), (Dns, "RULE:^([a-z]+)\\.kafka\\.svc$/$1/")]);
        assert_eq!(name(&chosen, &names(&[IDENTITY], &[])), Ok("billing.app".to_owned()));
        assert_eq!(
            name(&chosen, &names(&[], &["x.example", "bob.kafka.svc", "BOB.kafka.svc"])),
            Ok("bob".into())
        );
        let other = names(&["spiffe://elsewhere.org/ns/billing/sa/app"], &["x.example", "y.example"]);
        assert_eq!(
            name(&chosen, &other),
            Err("principal_from, spiffe, SPIFFE ID \"spiffe://elsewhere.org/ns/billing/sa/app\": no principal mapping rule matches it; \
                 principal_from, dns, DNS name \"x.example\" nor the 1 others: no principal mapping rule matches it"
                .to_owned())
        );
        // Another trust domain goes on to the next kind, as its rules say nothing of it.
        let with_subject = builder(&[(Spiffe, spiffe), (Subject, "DEFAULT")]);
        assert_eq!(name(&with_subject, &other), Ok("CN=alice".to_owned()));
    }

    #[test]
    fn what_is_ambiguous_or_malformed_is_nobody() {
        use NameKind::{Dns, Spiffe, Subject};
        let all = builder(&[(Spiffe, "DEFAULT"), (Dns, "DEFAULT"), (Subject, "DEFAULT")]);
        for (uris, hosts, told) in [
            (&[][..], &["a.example", "b.example"][..], "would be 'a.example'"),
            (&[IDENTITY, "https://example.org"], &[], "has 2 URIs"),
            (&[IDENTITY, ""], &[], "has 2 URIs"),
            (&[IDENTITY, IDENTITY], &[], "has 2 URIs"),
            (&["SPIFFE://example.org/a"], &[], "it must begin with spiffe://"),
            (&["spiffe:example.org"], &[], "it must begin with spiffe://"),
            (&["spiffe://Example.org/a"], &[], "its trust domain"),
            (&["spiffe://user@example.org/a"], &[], "its trust domain"),
            (&["spiffe://example.org:80/a"], &[], "its trust domain"),
            (&["spiffe:///a"], &[], "its trust domain"),
            (&["spiffe://example.org"], &[], "a whole trust domain"),
            (&["spiffe://example.org/"], &[], "the segments"),
            (&["spiffe://example.org/a/"], &[], "the segments"),
            (&["spiffe://example.org//a"], &[], "the segments"),
            (&["spiffe://example.org/a/../b"], &[], "the segments"),
            (&["spiffe://example.org/a%2fb"], &[], "the segments"),
            (&["spiffe://example.org/a?b"], &[], "the segments"),
            (&["spiffe://example.org/a#b"], &[], "the segments"),
        ] {
            let why = name(&all, &names(uris, hosts)).unwrap_err();
            assert!(why.contains(told), "{uris:?} {hosts:?}: {why}");
        }
        let long = format!("spiffe://example.org/{}", "a".repeat(LONGEST_SPIFFE_ID));
        assert!(name(&all, &names(&[&long], &[])).unwrap_err().contains("2048"));
    }

    #[test]
    fn a_wildcard_is_nobodys_name() {
        let dns = builder(&[(NameKind::Dns, "DEFAULT")]);
        for host in ["*", "*.example.com", "", "a b", "a..b", "a.", "a:b"] {
            assert_eq!(
                name(&dns, &names(&[], &[host])),
                Err("the certificate has no DNS name".to_owned()),
                "{host}"
            );
        }
        assert_eq!(name(&dns, &names(&[], &["*.example.com", "a.example.com"])), Ok("a.example.com".into()));
        let many: Vec<String> = (0..=MOST_HOSTS).map(|i| format!("a{i}.example")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(name(&dns, &names(&[], &many)).unwrap_err().contains("has 101 DNS names"));
    }

    #[test]
    fn it_is_known_which_principals_cannot_be() {
        use NameKind::{Dns, Spiffe};
        let both = builder(&[(Spiffe, "RULE:^spiffe:\\/\\/example\\.org\\/(.*)$/sa-$1/"), (Dns, "DEFAULT")]);
        for (name, can) in [
            ("sa-billing", true),
            ("host.example", true),
            ("billing", true),
            ("spiffe://example.org/billing", false),
            ("Host.Example", false),
            ("CN=alice", false),
        ] {
            assert_eq!(both.can_make(name), can, "{name}");
        }
        assert!(builder(&[(Spiffe, "DEFAULT")]).can_make(IDENTITY));
        assert!(!builder(&[(Spiffe, "DEFAULT")]).can_make("alice"));
    }
}
