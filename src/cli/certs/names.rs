//! Names of subjects, issuers and hosts, as they are written into certificates.

use rcgen::string::{BmpString, Ia5String, PrintableString, TeletexString, UniversalString};
use rcgen::{DistinguishedName, DnType, DnValue, SanType};

use crate::model::der::{Der, Element, NotDer, OBJECT_IDENTIFIER, SEQUENCE, SET, dotted};
use crate::process::config::document::quoted;
use crate::process::config::text::check_host;

/// The longest common name and organization (`ub-common-name` and `ub-organization-name` of RFC 5280, appendix A), in characters.
const LONGEST: usize = 64;

/// A text that a name may have.
pub(in crate::cli) fn name_part(text: &str) -> Result<String, String> {
    let length = text.chars().count();
    if text.trim() != text || text.is_empty() {
        return Err("write a name that is not empty, without blanks around it".to_owned());
    }
    if text.chars().any(char::is_control) {
        return Err("a name may not have control characters".to_owned());
    }
    match length <= LONGEST {
        true => Ok(text.to_owned()),
        false => Err(format!("{length} characters are too many: X.509 has room for {LONGEST}")),
    }
}

/// A host that a certificate can be for: a name, one with `*` for its first part, or an IP address.
pub(in crate::cli) fn host(text: &str) -> Result<String, String> {
    let wrong = || {
        format!(
            "{} is no host: write a name, such as broker.example.com, or an IP address; without a port",
            quoted(text)
        )
    };
    if text.parse::<std::net::IpAddr>().is_ok() {
        return Ok(text.to_owned());
    }
    let name = text.strip_prefix("*.").unwrap_or(text);
    let is_part =
        |part: &str| (1..=63).contains(&part.len()) && !part.starts_with('-') && !part.ends_with('-');
    // Four numbers that are no address are no name either.
    let is_number = |part: &str| part.chars().all(|c| c.is_ascii_digit());
    let parts = || name.split('.');
    match check_host(name).is_ok() && !name.contains(':') && parts().all(is_part) && !parts().all(is_number) {
        true => Ok(text.to_owned()),
        false => Err(wrong()),
    }
}

/// The hosts as subjectAltName has them.
pub(super) fn alternative_names(hosts: &[String]) -> Result<Vec<SanType>, String> {
    let name = |host: &String| match host.parse() {
        Ok(address) => Ok(SanType::IpAddress(address)),
        Err(_) => {
            let name = Ia5String::try_from(host.as_str());
            name.map(SanType::DnsName).map_err(|error| format!("{}: {error}", quoted(host)))
        }
    };
    hosts.iter().map(name).collect()
}

/// The name with this common name, below an organization if one is given.
pub(super) fn subject(common_name: &str, organization: Option<&str>) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    if let Some(organization) = organization {
        name.push(DnType::OrganizationName, organization);
    }
    name.push(DnType::CommonName, common_name);
    name
}

/// A name in DER as the library takes it, which has one attribute of a kind and one attribute in a place.
///
/// # Errors
/// What in it cannot be written again.
pub(super) fn copied(der: &[u8]) -> Result<DistinguishedName, String> {
    let mut name = DistinguishedName::new();
    let attributes = attributes(der).map_err(|error| error.to_string())?;
    let count = attributes.len();
    for (kind, value) in attributes {
        let numbers = dotted(kind).map_err(|error| error.to_string())?;
        let numbers: Option<Vec<u64>> = numbers.split('.').map(|number| number.parse().ok()).collect();
        let kind = numbers.ok_or("a kind of attribute in the name is unknown")?;
        let value = value_of(&value)
            .ok_or("a value in the name is of a string type that cannot be written again".to_owned())?;
        name.push(DnType::from_oid(&kind), value);
    }
    match name.iter().count() == count {
        true => Ok(name),
        false => Err("its name has several attributes of one kind, such as two OU or DC, which cannot be written again \
                      here: issue certificates with the tool that made it"
            .to_owned()),
    }
}

/// The type and the value of each attribute.
fn attributes(der: &[u8]) -> Result<Vec<(&[u8], Element<'_>)>, NotDer> {
    let mut rdns = Der(der).whole(SEQUENCE, "a name must be a SEQUENCE of RDNs")?;
    let mut found = Vec::new();
    while let Some(rdn) = rdns.next()? {
        let of_one = "a place in the name has several attributes";
        let rdn = rdn.expect(SET, "an RDN must be a SET")?;
        let mut attribute = rdn.whole(SEQUENCE, of_one)?;
        let kind = attribute.take(OBJECT_IDENTIFIER, "an attribute must begin with its type")?;
        let value = attribute.next()?.ok_or(NotDer("an attribute must have a value"))?;
        attribute.end("an attribute must be a type and a value")?;
        found.push((kind.content, value));
    }
    Ok(found)
}

/// A string with its type (X.680): UTF8String, PrintableString, T61String, IA5String, UniversalString, BMPString.
fn value_of(value: &Element<'_>) -> Option<DnValue> {
    let text = || std::str::from_utf8(value.content).ok();
    match value.tag {
        0x0c => Some(DnValue::Utf8String(text()?.to_owned())),
        0x13 => PrintableString::try_from(text()?).ok().map(DnValue::PrintableString),
        0x14 => TeletexString::try_from(text()?).ok().map(DnValue::TeletexString),
        0x16 => Ia5String::try_from(text()?).ok().map(DnValue::Ia5String),
        0x1c => UniversalString::from_utf32be(value.content.to_vec()).ok().map(DnValue::UniversalString),
        0x1e => BmpString::from_utf16be(value.content.to_vec()).ok().map(DnValue::BmpString),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::model::certificate::Certificate;

    use super::*;

    #[test]
    fn hosts_are_names_and_addresses() {
        for right in ["broker.example.com", "localhost", "*.example.com", "192.0.2.7", "2001:db8::7", "a_b"] {
            assert_eq!(host(right), Ok(right.to_owned()));
        }
        for wrong in [
            "",
            "broker:9443",
            "a..b",
            "300.1.1.1",
            "*",
            "*.*.com",
            "-a",
            "b\u{fc}cher.de",
            "https://a",
            "a b",
        ] {
            assert!(host(wrong).unwrap_err().contains("is no host: write a name"), "{wrong}");
        }
    }

    #[test]
    fn names_are_short_and_plain() {
        assert_eq!(name_part("alice"), Ok("alice".to_owned()));
        let long = "a".repeat(65);
        for (wrong, told) in [
            ("", "not empty"),
            (" a", "without blanks"),
            ("a\nb", "control characters"),
            (long.as_str(), "65 characters are too many: X.509 has room for 64"),
        ] {
            assert!(name_part(wrong).unwrap_err().contains(told), "{wrong:?}");
        }
    }

    #[test]
    fn a_name_is_copied_byte_by_byte_or_refused() {
        let of = |name: DistinguishedName| {
            let mut params = rcgen::CertificateParams::default();
            params.distinguished_name = name;
            let certificate = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
            Certificate::read(certificate.der()).unwrap().subject_der().to_vec()
        };
        let mut name = subject("alice", Some("Example"));
        name.push(DnType::CountryName, DnValue::PrintableString("DE".try_into().unwrap()));
        name.push(
            DnType::from_oid(&[0, 9, 2342, 19200300, 100, 1, 25]),
            DnValue::Ia5String("com".try_into().unwrap()),
        );
        name.push(DnType::LocalityName, DnValue::BmpString("K\u{f6}ln".try_into().unwrap()));
        name.push(DnType::StateOrProvinceName, DnValue::TeletexString("NRW".try_into().unwrap()));
        let der = of(name);
        assert_eq!(of(copied(&der).unwrap()), der);

        let unit =
            |text: &str| [&[0x31, 13, 0x30, 11, 6, 3, 0x55, 4, 11, 0x0c, 4][..], text.as_bytes()].concat();
        let two = [&[0x30, 30][..], &unit("onee"), &unit("twoo")].concat();
        assert!(copied(&two).unwrap_err().contains("several attributes of one kind"), "{:?}", copied(&two));
        let number = [0x30, 12, 0x31, 10, 0x30, 8, 6, 3, 0x55, 4, 11, 2, 1, 7];
        assert!(copied(&number).unwrap_err().contains("string type"));
        assert!(copied(&[0x30, 1]).is_err());
    }
}
