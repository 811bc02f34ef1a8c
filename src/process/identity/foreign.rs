//! What a file is that is no PEM, and the command that makes PEM of it.

use std::borrow::Cow;
use std::path::Path;

/// What of the file is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The own certificate, and its issuers'.
    Chain,
    /// The private key.
    Key,
    /// The certificates of the authorities that are trusted.
    Authorities,
    /// A key with its certificates, or trusted certificates.
    Store,
}

/// What a file without any PEM part seems to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    JavaKeyStore,
    Pkcs12,
    Pkcs7,
    Certificate,
    Request,
    Key,
    EncryptedKey,
    OtherDer,
    Other,
}

impl Kind {
    fn of(bytes: &[u8]) -> Self {
        /// The object identifiers signedData (RFC 2315) and PBES2 (RFC 8018).
        const SIGNED_DATA: [u8; 11] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
        const PBES2: [u8; 11] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 0x0d];
        if let [0xfe, 0xed, 0xfe, 0xed, ..] | [0xce, 0xce, 0xce, 0xce, ..] = bytes {
            return Self::JavaKeyStore;
        }
        let Some(content) = inside(bytes) else { return Self::Other };
        // A text may begin with a nought.
        if bytes.get(1).is_some_and(|length| *length < 0x80 && usize::from(*length) != content.len()) {
            return Self::Other;
        }
        match content {
            // A version and what it is the version of: PFX; the three forms of private keys.
            [2, 1, 3, 0x30, ..] => Self::Pkcs12,
            [2, 1, 0 | 1, 2 | 4 | 0x30, ..] => Self::Key,
            _ if content.starts_with(&SIGNED_DATA) => Self::Pkcs7,
            _ => match inside(content) {
                Some([0xa0, 3, 2, 1, ..]) => Self::Certificate,
                Some([2, 1, 0, 0x30, ..]) => Self::Request,
                Some(algorithm) if algorithm.starts_with(&PBES2) => Self::EncryptedKey,
                _ => Self::OtherDer,
            },
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::JavaKeyStore => "a Java key store",
            Self::Pkcs12 => "PKCS#12",
            Self::Pkcs7 => "PKCS#7 in DER",
            Self::Certificate => "a certificate in DER",
            Self::Request => "a certificate request in DER",
            Self::Key => "a private key in DER",
            Self::EncryptedKey => "an encrypted private key in DER",
            Self::OtherDer => "DER",
            Self::Other => "something else",
        }
    }
}

/// What is in the sequence with which the bytes begin, and behind it; its length may be left open (BER).
fn inside(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [0x30, length @ 0x80..=0x84, rest @ ..] => rest.get(usize::from(length & 0x0f)..),
        [0x30, 0..=0x7f, rest @ ..] => Some(rest),
        _ => None,
    }
}

/// Whether bytes begin as PKCS#12 does, in DER or BER.
pub(super) fn is_pkcs12(bytes: &[u8]) -> bool {
    Kind::of(bytes) == Kind::Pkcs12
}

/// What is said of a key store in the place of PEM where the configuration has a key for it, if it is one.
pub(super) fn store_key(bytes: &[u8], part: Part) -> Option<String> {
    let kind = Kind::of(bytes);
    let key = match (kind, part) {
        (Kind::JavaKeyStore | Kind::Pkcs12, Part::Authorities) => {
            "'truststore: { file: …, password_file: … }' in the place of client_ca"
        }
        (Kind::JavaKeyStore | Kind::Pkcs12, _) => {
            "'keystore: { file: …, password_file: … }' in the place of certificate_chain and private_key"
        }
        _ => return None,
    };
    Some(format!("this is {}, not PEM: name it by {key}", kind.name()))
}

/// What a file without any PEM part is, and what to do about it.
pub(super) fn remedy(bytes: &[u8], path: &Path, part: Part) -> String {
    if bytes.is_empty() {
        return "the file is empty".to_owned();
    }
    let kind = Kind::of(bytes);
    let (file, new, store) = (shell(path), beside(path, part), shell(&path.with_extension("p12")));
    let only = match part {
        Part::Chain | Part::Authorities => "-nokeys",
        Part::Key | Part::Store => "-nocerts -nodes",
    };
    let command = match (kind, part) {
        (Kind::Other, Part::Store) => {
            return "this is neither JKS, PKCS#12 nor PEM: name a key store or a trust store".to_owned();
        }
        (kind, Part::Store) => {
            let name = kind.name();
            return format!(
                "this is {name}, and neither JKS, PKCS#12 nor PEM: name a key store or a trust store"
            );
        }
        (Kind::JavaKeyStore, Part::Authorities) => format!("keytool -list -rfc -keystore {file} > {new}"),
        (Kind::JavaKeyStore, _) => format!(
            "keytool -importkeystore -srckeystore {file} -destkeystore {store} -deststoretype pkcs12 && openssl pkcs12 \
             -in {store} {only} -out {new}"
        ),
        (Kind::Pkcs12, _) => format!("openssl pkcs12 -in {file} {only} -out {new}"),
        (Kind::Pkcs7, Part::Chain | Part::Authorities) => {
            format!("openssl pkcs7 -inform der -print_certs -in {file} -out {new}")
        }
        (Kind::Certificate, Part::Chain | Part::Authorities) => {
            format!("openssl x509 -inform der -in {file} -out {new}")
        }
        (Kind::Key | Kind::EncryptedKey, Part::Key) => {
            format!("openssl pkey -inform der -in {file} -out {new}")
        }
        (Kind::OtherDer, _) => {
            return "this is DER, and neither PEM nor of a kind that is known here".to_owned();
        }
        (Kind::Other, _) => return "this is not PEM: there is no line '-----BEGIN …-----' in it".to_owned(),
        (kind, Part::Key) => {
            return format!("this is {}: name the file with the private key, in PEM", kind.name());
        }
        (kind, _) => return format!("this is {}: name the file with the certificates, in PEM", kind.name()),
    };
    format!("this is {}, not PEM: name a file that is made of it with: {command}", kind.name())
}

/// How to decrypt a private key that is in PEM.
pub(super) fn decrypting(path: &Path) -> String {
    format!("openssl pkey -in {} -out {}", shell(path), beside(path, Part::Key))
}

/// A name beside a file for what is made of it.
pub(super) fn beside(path: &Path, part: Part) -> String {
    let extension = match part {
        Part::Key => "key",
        Part::Store => "p12",
        Part::Chain | Part::Authorities => "crt",
    };
    let beside = match path.with_extension(extension) {
        same if same == path => path.with_extension(format!("new.{extension}")),
        other => other,
    };
    shell(&beside)
}

/// A path as a shell takes it for one word.
pub(super) fn shell(path: &Path) -> String {
    let text: Cow<'_, str> = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@,=".contains(c);
    match text.chars().all(plain) {
        true => text.into_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_take_paths_as_one_word_and_overwrite_nothing() {
        let store = [0x30, 0x82, 9, 9, 2, 1, 3, 0x30];
        let of = |path: &str, part| remedy(&store, Path::new(path), part);
        assert_eq!(
            of("/etc/tls/server.p12", Part::Key),
            "this is PKCS#12, not PEM: name a file that is made of it with: openssl pkcs12 -in /etc/tls/server.p12 \
             -nocerts -nodes -out /etc/tls/server.key"
        );
        assert!(of("a/tls.crt", Part::Chain).ends_with("-in a/tls.crt -nokeys -out a/tls.new.crt"));
        assert!(
            of("it's $(x).pfx", Part::Chain)
                .ends_with(r"-in 'it'\''s $(x).pfx' -nokeys -out 'it'\''s $(x).crt'")
        );
        assert_eq!(decrypting(Path::new("tls.key")), "openssl pkey -in tls.key -out tls.new.key");
    }

    #[test]
    fn what_is_in_der_is_told_apart_by_its_first_bytes() {
        for (bytes, part, told) in [
            (&[0x30, 0x80, 2, 1, 3, 0x30, 0x80][..], Part::Chain, "PKCS#12, not PEM: "),
            (&[0x30, 5, 2, 1, 0, 0x30, 5], Part::Key, "a private key in DER, not PEM: "),
            (&[0x30, 0x82, 4, 0xa3, 2, 1, 0, 2], Part::Key, "a private key in DER, not PEM: "),
            (
                &[0x30, 5, 2, 1, 1, 4, 0x20],
                Part::Chain,
                "a private key in DER: name the file with the certificates",
            ),
            (
                &[0x30, 0x82, 3, 1, 0x30, 0x82, 2, 1, 0xa0, 3, 2, 1, 2],
                Part::Key,
                "a certificate in DER: name the file with the private key",
            ),
            (
                &[0x30, 0x82, 3, 1, 0x30, 0x82, 2, 1, 2, 1, 0, 0x30],
                Part::Chain,
                "a certificate request in DER: ",
            ),
            (&[0xce, 0xce, 0xce, 0xce, 0, 0, 0, 2], Part::Chain, "a Java key store, not PEM: "),
            (&[0x30, 2, 4, 2], Part::Key, "DER, and neither PEM"),
            (b"0123456789", Part::Chain, "not PEM: there is no line"),
            (b"hello", Part::Chain, "not PEM: there is no line"),
            (&[0x30], Part::Chain, "not PEM: there is no line"),
        ] {
            let said = remedy(bytes, Path::new("file"), part);
            assert!(said.starts_with(&format!("this is {told}")), "{said}");
        }
        assert_eq!(remedy(&[], Path::new("file"), Part::Chain), "the file is empty");
    }
}
