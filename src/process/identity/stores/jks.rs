//! Java's own key store, JKS (`sun.security.provider.JavaKeyStore`), and the protection of the keys in it (`KeyProtector`).
//!
//! Nothing is allocated by a length that the file only claims: whatever is taken is a part of what is there.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA1_OUTPUT_LEN};
use rustls::pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::encryption::utf16;
use super::{Contents, Entry, Sealed, Trusted, Unread};
use crate::model::der::{Der, NotDer, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE};

/// The first bytes of a JKS.
pub(super) const MAGIC: [u8; 4] = [0xfe, 0xed, 0xfe, 0xed];
/// What is hashed between the password and the store.
const WHITENER: &[u8] = b"Mighty Aphrodite";
const KEY: u32 = 1;
const TRUSTED: u32 = 2;
/// The algorithm of `KeyProtector`, 1.3.6.1.4.1.42.2.17.1.1.
const KEY_PROTECTOR: [u8; 10] = [0x2b, 6, 1, 4, 1, 42, 2, 17, 1, 1];

const CUT: Unread = Unread::Damaged(NotDer("it ends too early"));

/// Reads a JKS. Without a password it is read without a look at its integrity, as Java does.
pub(super) fn read(bytes: &[u8], password: Option<&str>) -> Result<Contents, Unread> {
    let (body, sum) = bytes.split_last_chunk::<SHA1_OUTPUT_LEN>().ok_or(CUT)?;
    if let Some(password) = password {
        let own = sha1(&[&utf16(password), WHITENER, body]);
        verify_slices_are_equal(own.as_slice(), sum).map_err(|_| Unread::Password)?;
    }
    let mut reader = Reader(body);
    reader.take(MAGIC.len())?;
    let version = reader.number()?;
    if !matches!(version, 1 | 2) {
        return Err(Unread::Damaged(NotDer("it is of a version that is none of 1 and 2")));
    }
    let count = reader.number()?;
    let mut contents = Contents::default();
    for _ in 0..count {
        let tag = reader.number()?;
        let alias = reader.text()?;
        // When it was made.
        reader.take(8)?;
        match tag {
            KEY => {
                let sealed = Sealed::ByKeyProtector(reader.long_bytes()?.to_vec());
                let length = reader.number()?;
                let mut chain = Vec::new();
                for _ in 0..length {
                    chain.push(reader.certificate(version)?);
                }
                contents.keys.push(Entry { alias, sealed, chain });
            }
            TRUSTED => contents.trusted.push(Trusted { alias, certificate: reader.certificate(version)? }),
            _ => return Err(Unread::Damaged(NotDer("an entry is neither a key nor a certificate"))),
        }
    }
    match reader.0 {
        [] => Ok(contents),
        _ => Err(Unread::Damaged(NotDer("there are bytes behind its last entry"))),
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Unread> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(CUT)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u32, Unread> {
        let (number, rest) = self.0.split_first_chunk().ok_or(CUT)?;
        self.0 = rest;
        Ok(u32::from_be_bytes(*number))
    }

    fn long_bytes(&mut self) -> Result<&'a [u8], Unread> {
        let length = self.number()?;
        self.take(usize::try_from(length).map_err(|_| CUT)?)
    }

    fn text(&mut self) -> Result<String, Unread> {
        let (length, rest) = self.0.split_first_chunk().ok_or(CUT)?;
        self.0 = rest;
        modified_utf8(self.take(u16::from_be_bytes(*length).into())?)
    }

    fn certificate(&mut self, version: u32) -> Result<CertificateDer<'static>, Unread> {
        if version == 2 && self.text()? != "X.509" {
            return Err(Unread::Damaged(NotDer("a certificate in it is none of X.509")));
        }
        Ok(CertificateDer::from(self.long_bytes()?.to_vec()))
    }
}

/// Java's modified UTF-8 (`DataInput.readUTF`): UTF-16, each unit of it in one to three bytes.
fn modified_utf8(bytes: &[u8]) -> Result<String, Unread> {
    let mut units = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        let tail = |byte: u8| u16::from(byte & 0x3f);
        (units, rest) = match rest {
            [] => break,
            [a @ 1..=0x7f, rest @ ..] => (pushed(units, (*a).into()), rest),
            [a @ 0xc0..=0xdf, b @ 0x80..=0xbf, rest @ ..] => {
                (pushed(units, u16::from(a & 0x1f) << 6 | tail(*b)), rest)
            }
            [a @ 0xe0..=0xef, b @ 0x80..=0xbf, c @ 0x80..=0xbf, rest @ ..] => {
                (pushed(units, u16::from(a & 0x0f) << 12 | tail(*b) << 6 | tail(*c)), rest)
            }
            _ => return Err(Unread::Damaged(NotDer("a name in it is not text"))),
        };
    }
    Ok(String::from_utf16_lossy(&units))
}

fn pushed(mut units: Vec<u16>, unit: u16) -> Vec<u16> {
    units.push(unit);
    units
}

fn sha1(parts: &[&[u8]]) -> Zeroizing<[u8; SHA1_OUTPUT_LEN]> {
    let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    for part in parts {
        context.update(part);
    }
    let mut hash = Zeroizing::new([0; SHA1_OUTPUT_LEN]);
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// Takes a key out of its protection, an EncryptedPrivateKeyInfo: a salt, the key under a stream of hashes, and a hash of it.
pub(super) fn unseal(protected: &[u8], password: &str) -> Result<Zeroizing<Vec<u8>>, Unread> {
    let mut fields = Der(protected).whole(SEQUENCE, "a protected key is no SEQUENCE")?;
    let mut algorithm = Der(fields.take(SEQUENCE, "a protected key is without its algorithm")?.content);
    let number = algorithm.take(OBJECT_IDENTIFIER, "the protection of a key has no number")?.content;
    if number != KEY_PROTECTOR {
        return Err(Unread::Damaged(NotDer("a key in it is not protected in the way of JKS")));
    }
    let octets = fields.take(OCTET_STRING, "a protected key is without its bytes")?.content;
    let (salt, rest) = octets.split_first_chunk::<SHA1_OUTPUT_LEN>().ok_or(CUT)?;
    let (sealed, check) = rest.split_last_chunk::<SHA1_OUTPUT_LEN>().ok_or(CUT)?;
    let password = utf16(password);
    let mut stream = sha1(&[&password, salt]);
    let mut key = Zeroizing::new(Vec::with_capacity(sealed.len()));
    for part in sealed.chunks(SHA1_OUTPUT_LEN) {
        key.extend(part.iter().zip(stream.iter()).map(|(byte, mask)| byte ^ mask));
        stream = sha1(&[&password, stream.as_slice()]);
    }
    let own = sha1(&[&password, &key]);
    verify_slices_are_equal(own.as_slice(), check).map_err(|_| Unread::KeyPassword)?;
    Ok(key)
}
