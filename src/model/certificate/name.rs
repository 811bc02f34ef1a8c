//! Names as RFC 5280 compares them: without regard to string types, letter case, and how many blanks there are.

use crate::model::der::{Der, Element, NotDer, OBJECT_IDENTIFIER, SEQUENCE, SET};

/// An X.501 name, as far as it decides who has issued what, and what a directory constraint means.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Name(Vec<Vec<Attribute>>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Attribute {
    kind: Vec<u8>,
    value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Value {
    Text(String),
    /// What is no text, with its tag.
    Other(Vec<u8>),
}

const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];
/// `emailAddress` of PKCS #9.
const EMAIL: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01];

impl Name {
    /// Reads a name with its tag.
    pub(super) fn read(der: &[u8]) -> Result<Self, NotDer> {
        let mut rdns = Der(der).whole(SEQUENCE, "a name must be a SEQUENCE of RDNs")?;
        let mut name = Vec::new();
        while let Some(rdn) = rdns.next()? {
            let mut attributes = rdn.expect(SET, "an RDN must be a SET")?;
            let mut read = Vec::new();
            while let Some(attribute) = attributes.next()? {
                let mut attribute = attribute.expect(SEQUENCE, "an attribute must be a SEQUENCE")?;
                let kind = attribute.take(OBJECT_IDENTIFIER, "an attribute must begin with its type")?;
                let value = attribute.next()?.ok_or(NotDer("an attribute must have a value"))?;
                attribute.end("an attribute must be a type and a value")?;
                read.push(Attribute { kind: kind.content.to_vec(), value: Value::read(&value) });
            }
            read.sort_unstable();
            name.push(read);
        }
        Ok(Self(name))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this name lies in the subtree that `root` begins.
    pub(super) fn is_within(&self, root: &Name) -> bool {
        self.0.starts_with(&root.0)
    }

    /// The e-mail addresses in it.
    pub(super) fn emails(&self) -> impl Iterator<Item = &str> {
        self.texts(&EMAIL)
    }

    /// The most specific of its common names.
    pub(super) fn common_name(&self) -> Option<&str> {
        self.texts(&COMMON_NAME).last()
    }

    fn texts<'a>(&'a self, kind: &'a [u8]) -> impl Iterator<Item = &'a str> {
        self.0.iter().flatten().filter_map(move |attribute| match &attribute.value {
            Value::Text(text) if attribute.kind == kind => Some(text.as_str()),
            _ => None,
        })
    }
}

impl Value {
    fn read(element: &Element<'_>) -> Self {
        match text(element) {
            Some(text) => Value::Text(folded(&text)),
            None => Value::Other(element.whole.to_vec()),
        }
    }
}

/// What a string of ASN.1 says, whatever its type.
fn text(element: &Element<'_>) -> Option<String> {
    let bytes = element.content;
    let latin = || Some(bytes.iter().copied().map(char::from).collect());
    match element.tag {
        // UTF8, Numeric, Printable, IA5, Visible.
        0x0c | 0x12 | 0x13 | 0x16 | 0x1a => String::from_utf8(bytes.to_vec()).ok().or_else(latin),
        // T61, which everybody fills with Latin-1.
        0x14 => latin(),
        0x1c => {
            let (letters, rest) = bytes.as_chunks::<4>();
            let letter = |letter: &[u8; 4]| char::from_u32(u32::from_be_bytes(*letter));
            rest.is_empty().then(|| letters.iter().map(letter).collect()).flatten()
        }
        0x1e => {
            let (units, rest) = bytes.as_chunks::<2>();
            let units: Vec<u16> = units.iter().map(|unit| u16::from_be_bytes(*unit)).collect();
            rest.is_empty().then(|| String::from_utf16(&units).ok()).flatten()
        }
        _ => None,
    }
}

/// Lower case, and one blank wherever there are some, none at the ends.
fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.extend(word.chars().flat_map(char::to_lowercase));
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, u8::try_from(content.len()).unwrap()], content].concat()
    }

    fn rdn(attributes: &[(&[u8], u8, &[u8])]) -> Vec<u8> {
        let attributes: Vec<Vec<u8>> = attributes
            .iter()
            .map(|(kind, tag, value)| {
                element(SEQUENCE, &[element(OBJECT_IDENTIFIER, kind), element(*tag, value)].concat())
            })
            .collect();
        element(SET, &attributes.concat())
    }

    fn name(rdns: &[Vec<u8>]) -> Name {
        Name::read(&element(SEQUENCE, &rdns.concat())).unwrap()
    }

    fn common_name(tag: u8, value: &[u8]) -> Name {
        name(&[rdn(&[(&[0x55, 4, 3], tag, value)])])
    }

    #[test]
    fn string_types_letter_case_and_blanks_make_no_other_name() {
        let expected = common_name(0x0c, "Jürgen CA".as_bytes());
        for other in [
            common_name(0x0c, "  jÜRGEN \t  ca ".as_bytes()),
            common_name(0x14, b"J\xfcrgen CA"),
            common_name(0x1e, b"\0J\0\xfc\0r\0g\0e\0n\0 \0C\0A"),
            common_name(0x1c, b"\0\0\0J\0\0\0\xfc\0\0\0r\0\0\0g\0\0\0e\0\0\0n\0\0\0 \0\0\0C\0\0\0A"),
        ] {
            assert_eq!(other, expected);
        }
        for other in [
            common_name(0x0c, "JürgenCA".as_bytes()),
            common_name(0x04, "Jürgen CA".as_bytes()),
            common_name(0x1e, b"\0J\xfc"),
            Name::default(),
        ] {
            assert_ne!(other, expected);
        }
    }

    #[test]
    fn attributes_of_one_rdn_have_no_order_and_rdns_have() {
        type Attribute<'a> = (&'a [u8], u8, &'a [u8]);
        let cn: Attribute<'_> = (&[0x55, 4, 3], 0x0c, b"a");
        let ou: Attribute<'_> = (&[0x55, 4, 11], 0x13, b"b");
        assert_eq!(name(&[rdn(&[cn, ou])]), name(&[rdn(&[ou, cn])]));
        assert_ne!(name(&[rdn(&[cn]), rdn(&[ou])]), name(&[rdn(&[ou]), rdn(&[cn])]));
        assert!(name(&[rdn(&[ou]), rdn(&[cn])]).is_within(&name(&[rdn(&[ou])])));
        assert!(!name(&[rdn(&[ou])]).is_within(&name(&[rdn(&[ou]), rdn(&[cn])])));
        assert!(!name(&[rdn(&[cn, ou])]).is_within(&name(&[rdn(&[ou])])));
    }

    #[test]
    fn emails_are_found() {
        let name = name(&[rdn(&[(&[0x55, 4, 3], 0x0c, b"a")]), rdn(&[(&EMAIL, 0x16, b"A@Example")])]);
        assert_eq!(name.emails().collect::<Vec<_>>(), ["a@example"]);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for wrong in [&[][..], &[0x31, 0], &[0x30, 2, 0x30, 0], &[0x30, 1], &[0x30, 0, 0]] {
            assert!(Name::read(wrong).is_err(), "{wrong:?}");
        }
    }
}
