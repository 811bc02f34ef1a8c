//! Name constraints (RFC 5280, section 4.2.1.10): which names an authority may give to others.
//!
//! Judged are names of hosts, mailboxes, URIs, addresses and directories. A constraint on another kind of name refuses the
//! certificates that have one of that kind. Constraints of several authorities in a row hold one by one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::name::Name;
use crate::model::der::{Der, Element, NotDer, SEQUENCE, context_constructed};

/// The kinds of names, in the order of their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Other,
    Email,
    Dns,
    X400,
    Directory,
    Edi,
    Uri,
    Ip,
    Registered,
}

impl Form {
    const ALL: [Form; 9] = [
        Form::Other,
        Form::Email,
        Form::Dns,
        Form::X400,
        Form::Directory,
        Form::Edi,
        Form::Uri,
        Form::Ip,
        Form::Registered,
    ];

    fn called(self) -> &'static str {
        match self {
            Form::Other => "otherName",
            Form::Email => "mailbox",
            Form::Dns => "host name",
            Form::X400 => "x400Address",
            Form::Directory => "directory name",
            Form::Edi => "ediPartyName",
            Form::Uri => "URI",
            Form::Ip => "IP address",
            Form::Registered => "registeredID",
        }
    }
}

/// A name of a certificate, or the base of a subtree of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GeneralName {
    form: Form,
    value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Text(String),
    Bytes(Vec<u8>),
    Name(Name),
    /// Of a form that is not judged, or not what its form wants.
    Unreadable,
}

/// Reads the names of a subjectAltName.
pub(super) fn general_names(value: Der<'_>) -> Result<Vec<GeneralName>, NotDer> {
    let mut list = value.whole(SEQUENCE, "names must be a SEQUENCE")?;
    let mut names = Vec::new();
    while let Some(name) = list.next()? {
        names.push(GeneralName::read(&name)?);
    }
    Ok(names)
}

impl GeneralName {
    fn read(element: &Element<'_>) -> Result<Self, NotDer> {
        let form = Form::ALL.get(usize::from(element.tag & 0x1f)).copied();
        let form =
            form.filter(|_| element.tag & 0xc0 == 0x80).ok_or(NotDer("a name is of an unknown form"))?;
        let text = || match std::str::from_utf8(element.content) {
            Ok(text) if text.is_ascii() => Value::Text(text.to_owned()),
            _ => Value::Unreadable,
        };
        let value = match form {
            Form::Email | Form::Dns | Form::Uri => text(),
            Form::Ip => Value::Bytes(element.content.to_vec()),
            Form::Directory => Name::read(element.content).map_or(Value::Unreadable, Value::Name),
            Form::Other | Form::X400 | Form::Edi | Form::Registered => Value::Unreadable,
        };
        Ok(Self { form, value })
    }

    /// What a name of this form says; empty where it cannot be read.
    pub(super) fn text(&self, form: Form) -> Option<&str> {
        let text = match &self.value {
            Value::Text(text) => text.as_str(),
            _ => "",
        };
        (self.form == form).then_some(text)
    }

    fn described(&self) -> String {
        match &self.value {
            Value::Text(text) => format!("the {} {text}", self.form.called()),
            Value::Bytes(bytes) => match (<[u8; 4]>::try_from(&**bytes), <[u8; 16]>::try_from(&**bytes)) {
                (Ok(octets), _) => format!("the IP address {}", Ipv4Addr::from(octets)),
                (_, Ok(octets)) => format!("the IP address {}", Ipv6Addr::from(octets)),
                _ => "an IP address".to_owned(),
            },
            Value::Name(_) => "its subject or another directory name".to_owned(),
            Value::Unreadable => format!("a name of the form {}", self.form.called()),
        }
    }

    /// Whether the name lies in the subtree of that base, which is of the same form; none where it cannot be told. A wildcard
    /// lies in what it may stand for if `generous`.
    fn is_within(&self, base: &GeneralName, generous: bool) -> Option<bool> {
        Some(match (&self.value, &base.value) {
            (Value::Text(name), Value::Text(base)) => {
                let (name, base) = (name.to_ascii_lowercase(), base.to_ascii_lowercase());
                match self.form {
                    Form::Dns => is_host_within(&name, &base, generous),
                    Form::Email => is_mailbox_within(&name, &base)?,
                    _ => is_uri_within(&name, &base)?,
                }
            }
            (Value::Bytes(address), Value::Bytes(base)) => is_address_within(address, base)?,
            (Value::Name(name), Value::Name(root)) => name.is_within(root),
            _ => return None,
        })
    }
}

/// `example.com` holds itself and everything below, `.example.com` everything below.
fn is_host_within(host: &str, base: &str, generous: bool) -> bool {
    let (host, base) = (host.strip_suffix('.').unwrap_or(host), base.strip_suffix('.').unwrap_or(base));
    if base.is_empty() || host == base {
        return true;
    }
    if is_below(host, base) {
        return true;
    }
    match host.strip_prefix('*') {
        Some(domain) if generous => base.ends_with(domain),
        _ => false,
    }
}

fn is_below(host: &str, base: &str) -> bool {
    let Some(rest) = host.strip_suffix(base) else { return false };
    !rest.is_empty() && (rest.ends_with('.') || base.starts_with('.'))
}

/// A base is a mailbox, a host, or with a dot before it all hosts of a domain.
fn is_mailbox_within(mailbox: &str, base: &str) -> Option<bool> {
    let (_, host) = mailbox.rsplit_once('@')?;
    Some(match base {
        _ if base.contains('@') => mailbox == base,
        _ if base.starts_with('.') => is_below(host, base),
        _ => base.is_empty() || host == base,
    })
}

/// A base is a host, or with a dot before it all hosts of a domain. A URI without a host's name lies nowhere.
fn is_uri_within(uri: &str, base: &str) -> Option<bool> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.split(':').next()?;
    if host.is_empty() || host.starts_with('[') || host.parse::<Ipv4Addr>().is_ok() {
        return None;
    }
    Some(if base.starts_with('.') { is_below(host, base) } else { base.is_empty() || host == base })
}

/// A base is an address and a mask, of the address's own length.
fn is_address_within(address: &[u8], base: &[u8]) -> Option<bool> {
    let length = address.len();
    if !matches!(length, 4 | 16) || !matches!(base.len(), 8 | 32) {
        return None;
    }
    if base.len() != 2 * length {
        return Some(false);
    }
    let (network, mask) = base.split_at(length);
    let masked = address.iter().zip(network).zip(mask);
    Some(masked.fold(true, |within, ((address, network), mask)| within && address & mask == network & mask))
}

/// What an authority may and may not name.
#[derive(Debug, Clone)]
pub(super) struct NameConstraints {
    permitted: Vec<GeneralName>,
    excluded: Vec<GeneralName>,
}

/// Why a certificate's names are not within the constraints of its authorities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unnamed {
    NotPermitted(String),
    Excluded(String),
    /// It cannot be told whether they are.
    Unjudged(String),
    /// To compare them all would take too long.
    TooMany,
}

impl NameConstraints {
    pub(super) fn read(value: Der<'_>) -> Result<Self, NotDer> {
        let mut fields = value.whole(SEQUENCE, "")?;
        let permitted = fields.take_if(context_constructed(0))?;
        let excluded = fields.take_if(context_constructed(1))?;
        fields.end("")?;
        let subtrees = |list: Option<Element<'_>>| match list {
            Some(list) => subtrees(Der(list.content)),
            None => Ok(Vec::new()),
        };
        Ok(Self { permitted: subtrees(permitted)?, excluded: subtrees(excluded)? })
    }

    /// Whether a certificate may have these names; each comparison is one less `left`.
    pub(super) fn judge(&self, names: &[&GeneralName], left: &mut usize) -> Result<(), Unnamed> {
        for name in names {
            if let Some(rest) = left.checked_sub(self.permitted.len() + self.excluded.len()) {
                *left = rest;
            } else {
                return Err(Unnamed::TooMany);
            }
            let of_form = |list: &'_ [GeneralName]| -> Vec<GeneralName> {
                list.iter().filter(|base| base.form == name.form).cloned().collect()
            };
            for base in of_form(&self.excluded) {
                match name.is_within(&base, true) {
                    Some(false) => {}
                    Some(true) => return Err(Unnamed::Excluded(name.described())),
                    None => return Err(Unnamed::Unjudged(name.described())),
                }
            }
            let permitted = of_form(&self.permitted);
            let mut found = permitted.is_empty();
            for base in &permitted {
                match name.is_within(base, false) {
                    Some(within) => found |= within,
                    None => return Err(Unnamed::Unjudged(name.described())),
                }
            }
            if !found {
                return Err(Unnamed::NotPermitted(name.described()));
            }
        }
        Ok(())
    }
}

/// Subtrees with a depth are of no profile of X.509, and refused with the certificate.
fn subtrees(mut list: Der<'_>) -> Result<Vec<GeneralName>, NotDer> {
    let mut subtrees = Vec::new();
    while let Some(subtree) = list.next()? {
        let mut subtree = subtree.expect(SEQUENCE, "")?;
        let base = subtree.next()?.ok_or(NotDer("a subtree must have a base"))?;
        subtree.end("a subtree must have a base alone")?;
        subtrees.push(GeneralName::read(&base)?);
    }
    Ok(subtrees)
}

/// The names of a certificate that constraints apply to: its subject and its other names; of a subject without any of the kind
/// beside it the mailboxes, and the common name if it is a host's or an address, as Java has it.
pub(super) fn constrained_names(subject: &Name, others: &[GeneralName]) -> Vec<GeneralName> {
    let mut names = Vec::new();
    let is_missing = |form| !others.iter().any(|name| name.form == form);
    let text = |form, text: &str| GeneralName { form, value: Value::Text(text.to_owned()) };
    if !subject.is_empty() {
        names.push(GeneralName { form: Form::Directory, value: Value::Name(subject.clone()) });
    }
    if is_missing(Form::Email) {
        names.extend(subject.emails().map(|email| text(Form::Email, email)));
    }
    if let Some(common_name) = subject.common_name() {
        match common_name.parse::<IpAddr>() {
            Ok(address) if is_missing(Form::Ip) => {
                let octets = match address {
                    IpAddr::V4(address) => address.octets().to_vec(),
                    IpAddr::V6(address) => address.octets().to_vec(),
                };
                names.push(GeneralName { form: Form::Ip, value: Value::Bytes(octets) });
            }
            Err(_) if is_missing(Form::Dns) && is_host(common_name) => {
                names.push(text(Form::Dns, common_name));
            }
            _ => {}
        }
    }
    names.extend_from_slice(others);
    names
}

/// Whether this is written as hosts are.
fn is_host(text: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    text.split('.').all(|label| {
        label.starts_with(|first: char| first.is_ascii_alphanumeric()) && label.chars().all(is_letter)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_lie_below_their_domains() {
        for (host, base, within) in [
            ("a.example.com", "example.com", true),
            ("example.com", "example.com", true),
            ("example.com.", "example.com", true),
            ("anexample.com", "example.com", false),
            ("a.example.com", ".example.com", true),
            ("example.com", ".example.com", false),
            ("anything", "", true),
            ("*.example.com", "example.com", true),
            ("*.example.com", "a.example.com", false),
            ("com", "example.com", false),
        ] {
            assert_eq!(is_host_within(host, base, false), within, "{host} {base}");
        }
        assert!(is_host_within("*.example.com", "a.example.com", true));
        assert!(!is_host_within("*.example.com", "a.example.org", true));
    }

    #[test]
    fn mailboxes_and_uris_lie_at_hosts() {
        for (mailbox, base, within) in [
            ("a@example.com", "example.com", Some(true)),
            ("a@b.example.com", "example.com", Some(false)),
            ("a@b.example.com", ".example.com", Some(true)),
            ("a@example.com", ".example.com", Some(false)),
            ("a@example.com", "a@example.com", Some(true)),
            ("b@example.com", "a@example.com", Some(false)),
            ("nobody", "example.com", None),
        ] {
            assert_eq!(is_mailbox_within(mailbox, base), within, "{mailbox} {base}");
        }
        for (uri, base, within) in [
            ("spiffe://example.com/a/b", "example.com", Some(true)),
            ("https://u@example.com:8443/?q", "example.com", Some(true)),
            ("https://a.example.com", "example.com", Some(false)),
            ("https://a.example.com#f", ".example.com", Some(true)),
            ("urn:a:b", "example.com", None),
            ("https://10.0.0.1/", "example.com", None),
            ("https://[::1]/", "example.com", None),
            ("https:///", "example.com", None),
            ("https://evil.com\\@example.com/", "evil.com", Some(false)),
        ] {
            assert_eq!(is_uri_within(uri, base), within, "{uri} {base}");
        }
    }

    #[test]
    fn addresses_lie_in_networks_of_their_family() {
        let (ten, mask) = ([10, 0, 0, 0], [255, 0, 0, 0]);
        let base = [ten, mask].concat();
        assert_eq!(is_address_within(&[10, 1, 2, 3], &base), Some(true));
        assert_eq!(is_address_within(&[11, 1, 2, 3], &base), Some(false));
        assert_eq!(is_address_within(&[0; 16], &base), Some(false));
        assert_eq!(is_address_within(&[10, 1, 2], &base), None);
        assert_eq!(is_address_within(&[10, 1, 2, 3], &ten), None);
    }
}
