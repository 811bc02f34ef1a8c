//! A certificate's subject as Java's `X500Principal.getName()` renders it: RFC 2253, with the JDK's own ideas of which
//! attribute types have a keyword, which values are text, and what is escaped.

use std::fmt;

use crate::model::der::{Der, Element, NotDer, OBJECT_IDENTIFIER, SEQUENCE, SET, dotted};

/// Why the bytes are no X.501 name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidName {
    reason: &'static str,
}

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the certificate's subject is not a valid X.501 name in DER: {}", self.reason)
    }
}

impl std::error::Error for InvalidName {}

impl From<NotDer> for InvalidName {
    fn from(NotDer(reason): NotDer) -> Self {
        Self { reason }
    }
}

/// Renders a subject, given in DER.
///
/// The most specific RDN comes first. Text is taken for UTF-8 whatever its string type, and bytes that are not UTF-8
/// become U+FFFD as they do in Java, so that names from old certificates (T61String in Latin-1) map to the principals that
/// Kafka's bindings were written for. Refused although Java takes it: lengths that are not DER, and an object identifier
/// with a component above 128 bits.
pub fn distinguished_name(subject_der: &[u8]) -> Result<String, InvalidName> {
    let mut rdns = Der(subject_der).whole(SEQUENCE, "it must be one SEQUENCE of RDNs")?;
    let mut names = Vec::new();
    while let Some(rdn) = rdns.next()? {
        names.push(relative_name(rdn)?);
    }
    names.reverse();
    Ok(names.join(","))
}

/// Whether a text may be what [`distinguished_name`] renders; `false` is certain. Between commas and plus signs that no
/// backslash stands before, each part is empty, or begins with an attribute's type and an equals sign.
pub fn may_be_subject(text: &str) -> bool {
    let mut escaped = false;
    let parts = text.split(|c| {
        let parts = matches!(c, ',' | '+') && !escaped;
        escaped = c == '\\' && !escaped;
        parts
    });
    let is_number = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    let is_type = |kind: &str| {
        KEYWORDS.iter().any(|(_, keyword)| *keyword == kind)
            || kind.contains('.') && kind.split('.').all(is_number)
    };
    let is_part = |part: &str| part.split_once('=').is_some_and(|(kind, _)| is_type(kind));
    parts.into_iter().all(|part| part.is_empty() || is_part(part))
}

/// The attribute types that have a keyword in RFC 2253; all others are written as numbers, and their values in hex.
const KEYWORDS: [(&[u8], &str); 9] = [
    (&[0x55, 0x04, 0x03], "CN"),
    (&[0x55, 0x04, 0x06], "C"),
    (&[0x55, 0x04, 0x07], "L"),
    (&[0x55, 0x04, 0x08], "ST"),
    (&[0x55, 0x04, 0x09], "STREET"),
    (&[0x55, 0x04, 0x0a], "O"),
    (&[0x55, 0x04, 0x0b], "OU"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19], "DC"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01], "UID"),
];

/// The string types that Java shows as text: UTF8, Printable, T61, IA5, General and BMP.
const TEXT: [u8; 6] = [0x0c, 0x13, 0x14, 0x16, 0x1b, 0x1e];

fn relative_name(rdn: Element<'_>) -> Result<String, InvalidName> {
    let mut attributes = rdn.expect(SET, "an RDN must be a SET")?;
    let mut parts = Vec::new();
    while let Some(attribute) = attributes.next()? {
        let mut attribute = attribute.expect(SEQUENCE, "an attribute must be a SEQUENCE")?;
        let (Some(kind), Some(value), None) = (attribute.next()?, attribute.next()?, attribute.next()?)
        else {
            return Err(NotDer("an attribute must be a type and a value").into());
        };
        let kind = kind.expect(OBJECT_IDENTIFIER, "an attribute's type must be an OBJECT IDENTIFIER")?.0;
        let numbers = dotted(kind)?;
        parts.push(match KEYWORDS.iter().find(|(keyed, _)| *keyed == kind) {
            Some((_, keyword)) if TEXT.contains(&value.tag) => {
                format!("{keyword}={}", escaped(&text(value.content)))
            }
            Some((_, keyword)) => format!("{keyword}=#{}", hex(value.whole)),
            None => format!("{numbers}=#{}", hex(value.whole)),
        });
    }
    Ok(parts.join("+"))
}

/// Decodes UTF-8, with Java's idea of how much of a faulty sequence one U+FFFD stands for. It is Rust's, but for encoded
/// surrogates: there Java takes the whole sequence, or what there is of it.
fn text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        let error = match std::str::from_utf8(rest) {
            Ok(valid) => {
                text.push_str(valid);
                return text;
            }
            Err(error) => error,
        };
        let (valid, faulty) = rest.split_at(error.valid_up_to());
        text.push_str(&String::from_utf8_lossy(valid));
        text.push(char::REPLACEMENT_CHARACTER);
        let length = match faulty {
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, ..] => 3,
            [0xed, 0xa0..=0xbf, ..] => 2,
            _ => error.error_len().unwrap_or(faulty.len()),
        };
        rest = &faulty[length..];
    }
}

/// Escapes as `sun.security.x509.AVA.toRFC2253String` does, which is more than RFC 2253 asks for: `=` and any `#` too,
/// and every blank and carriage return at either end.
fn escaped(value: &str) -> String {
    let is_blank = |c| c == ' ' || c == '\r';
    let inner = value.trim_start_matches(is_blank);
    let lead = value.len() - inner.len();
    let trail = lead + inner.trim_end_matches(is_blank).len();
    let mut out = String::with_capacity(value.len());
    for (at, c) in value.char_indices() {
        match c {
            ',' | '=' | '+' | '<' | '>' | '#' | ';' | '"' | '\\' => out.extend(['\\', c]),
            '\0' => out.push_str("\\00"),
            _ if at < lead || at >= trail => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
