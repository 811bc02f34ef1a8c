//! PKCS#12 (RFC 7292), written as Java and OpenSSL write it themselves: PBES2 with AES-256 and PBKDF2 (RFC 8018), and a MAC with
//! SHA-256. Of what others have written no more is read than whose it is and whether the password is right.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::{digest, hmac, pbkdf2};
use zeroize::Zeroizing;

use super::random;
use crate::model::der::{
    Der, Element, INTEGER, NotDer, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, SET, context_constructed,
    unsigned,
};

/// How often a password is hashed: as by the JDK (`keystore.pkcs12.keyPbeIterationCount`).
const ITERATIONS: u32 = 10_000;
/// The most that is hashed to look at a file; OpenSSL and Java write a few thousand.
const MOST_ITERATIONS: u64 = 1_000_000;

const SALT: usize = 20;

const BMP_STRING: u8 = 0x1e;
const NULL: [u8; 2] = [5, 0];

/// The contents of object identifiers.
mod number {
    pub(super) const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
    pub(super) const ENCRYPTED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 6];
    pub(super) const SHROUDED_KEY_BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1, 2];
    pub(super) const CERTIFICATE_BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1, 3];
    pub(super) const FRIENDLY_NAME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 20];
    pub(super) const LOCAL_KEY_ID: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 21];
    pub(super) const X509_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 22, 1];
    pub(super) const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 12];
    pub(super) const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13];
    pub(super) const HMAC_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 9];
    pub(super) const SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
    pub(super) const AES_256_CBC: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42];
    /// Oracle's `trustedKeyUsage`, without which Java takes no certificate for a trusted one.
    pub(super) const TRUSTED_KEY_USAGE: &[u8] =
        &[0x60, 0x86, 0x48, 1, 0x86, 0xf9, 0x66, 0xad, 0xca, 0x7b, 1, 1];
    pub(super) const ANY_EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25, 0];
}

/// A store with one entry.
pub(super) enum Entry<'a> {
    /// A private key in PKCS#8 with its certificate, the issuers' behind it.
    Key { key: &'a [u8], chain: &'a [Vec<u8>] },
    /// A certificate that is trusted.
    Trusted(&'a [u8]),
}

/// Writes it under this alias, which is ASCII as the password is.
///
/// # Errors
/// When the system gives no random numbers, or aws-lc fails.
pub(super) fn written(alias: &str, entry: &Entry<'_>, password: &str) -> Result<Vec<u8>, String> {
    // Java writes the time of the entry in its place; it only ties key and certificate together.
    let key_id = attribute(number::LOCAL_KEY_ID, &element(OCTET_STRING, &[alias.as_bytes()]));
    let name = attribute(number::FRIENDLY_NAME, &element(BMP_STRING, &[&utf16(alias)]));
    let mut parts = Vec::new();
    match entry {
        Entry::Key { key, chain } => {
            let bags: Vec<Vec<u8>> = chain
                .iter()
                .enumerate()
                .map(|(at, certificate)| certificate_bag(certificate, if at == 0 { &key_id } else { &[] }))
                .collect();
            parts.push(encrypted_part(&sequence(&slices(&bags)), password)?);
            let (algorithm, encrypted) = encrypted(key, password)?;
            let shrouded = sequence(&[&algorithm, &element(OCTET_STRING, &[&encrypted])]);
            let bag = bag(number::SHROUDED_KEY_BAG, &shrouded, &[name, key_id].concat());
            parts.push(content(number::DATA, &element(OCTET_STRING, &[&sequence(&[&bag])])));
        }
        Entry::Trusted(certificate) => {
            let any = identifier(number::ANY_EXTENDED_KEY_USAGE);
            let trusted = attribute(number::TRUSTED_KEY_USAGE, &any);
            let bag = certificate_bag(certificate, &[name, trusted].concat());
            parts.push(encrypted_part(&sequence(&[&bag]), password)?);
        }
    }
    let safe = sequence(&slices(&parts));
    let salt = random::<SALT>()?;
    let mac = mac(password, &salt, ITERATIONS, &safe);
    let algorithm = sequence(&[&identifier(number::SHA256), &NULL]);
    let mac = sequence(&[
        &sequence(&[&algorithm, &element(OCTET_STRING, &[mac.as_ref()])]),
        &element(OCTET_STRING, &[&salt]),
        &iterations(),
    ]);
    let version = [INTEGER, 1, 3];
    Ok(sequence(&[&version, &content(number::DATA, &element(OCTET_STRING, &[&safe])), &mac]))
}

/// The alias of the one key in a store that this password opens.
///
/// # Errors
/// Why it is another kind of store.
pub(super) fn alias(store: &[u8], password: &str) -> Result<String, NotDer> {
    const OTHER: NotDer = NotDer("it is no PKCS#12 file with a MAC by SHA-256");
    let mut outer = Der(store).whole(SEQUENCE, OTHER.0)?;
    outer.take(INTEGER, OTHER.0)?;
    let safe = data(outer.take(SEQUENCE, OTHER.0)?)?.ok_or(OTHER)?;
    let mut of_mac = Der(outer.take(SEQUENCE, OTHER.0)?.content);
    let mut digest = Der(of_mac.take(SEQUENCE, OTHER.0)?.content);
    let algorithm = Der(digest.take(SEQUENCE, OTHER.0)?.content).take(OBJECT_IDENTIFIER, OTHER.0)?;
    let expected = digest.take(OCTET_STRING, OTHER.0)?.content;
    let salt = of_mac.take(OCTET_STRING, OTHER.0)?.content;
    let count = unsigned(of_mac.take(INTEGER, OTHER.0)?.content)?;
    if algorithm.content != number::SHA256 {
        return Err(OTHER);
    }
    let count = u32::try_from(count).ok().filter(|count| (1..=MOST_ITERATIONS).contains(&u64::from(*count)));
    let count = count.ok_or(NotDer("its password is hashed too often"))?;
    if mac(password, salt, count, safe).as_ref() != expected {
        return Err(NotDer("the password is another"));
    }
    let mut aliases = Vec::new();
    let mut parts = Der(safe).whole(SEQUENCE, OTHER.0)?;
    while let Some(part) = parts.next()? {
        let Some(bags) = data(part)? else { continue };
        let mut bags = Der(bags).whole(SEQUENCE, OTHER.0)?;
        while let Some(bag) = bags.next()? {
            let mut fields = bag.expect(SEQUENCE, OTHER.0)?;
            if fields.take(OBJECT_IDENTIFIER, OTHER.0)?.content == number::SHROUDED_KEY_BAG {
                fields.next()?;
                aliases.push(friendly_name(fields).ok_or(NotDer("its key has no alias"))?);
            }
        }
    }
    match <[String; 1]>::try_from(aliases) {
        Ok([alias]) => Ok(alias),
        Err(_) => Err(NotDer("there is more or less in it than one encrypted key")),
    }
}

/// What is in a part that is not encrypted.
fn data(part: Element<'_>) -> Result<Option<&[u8]>, NotDer> {
    let wrong = "a part of it is no ContentInfo";
    let mut fields = part.expect(SEQUENCE, wrong)?;
    let kind = fields.take(OBJECT_IDENTIFIER, wrong)?;
    if kind.content != number::DATA {
        return Ok(None);
    }
    let inside = Der(fields.take(context_constructed(0), wrong)?.content);
    Ok(Some(inside.only(OCTET_STRING, wrong)?.content))
}

/// The name among a bag's attributes.
fn friendly_name(mut fields: Der<'_>) -> Option<String> {
    let mut attributes = Der(fields.take_if(SET).ok()??.content);
    while let Ok(Some(attribute)) = attributes.next() {
        let mut attribute = Der(attribute.content);
        if attribute.take(OBJECT_IDENTIFIER, "").ok()?.content == number::FRIENDLY_NAME {
            let values = Der(attribute.take(SET, "").ok()?.content);
            let units = values.only(BMP_STRING, "").ok()?.content.chunks(2);
            let units: Vec<u16> =
                units.map(|unit| unit.iter().fold(0, |sum, byte| sum << 8 | u16::from(*byte))).collect();
            return String::from_utf16(&units).ok();
        }
    }
    None
}

/// Bags of certificates, encrypted.
fn encrypted_part(bags: &[u8], password: &str) -> Result<Vec<u8>, String> {
    let (algorithm, encrypted) = encrypted(bags, password)?;
    // The tag is [0] IMPLICIT OCTET STRING.
    let inside = sequence(&[&identifier(number::DATA), &algorithm, &element(0x80, &[&encrypted])]);
    Ok(content(number::ENCRYPTED_DATA, &sequence(&[&[INTEGER, 1, 0], &inside])))
}

/// The AlgorithmIdentifier of PBES2, and what it makes of a text.
fn encrypted(plain: &[u8], password: &str) -> Result<(Vec<u8>, Vec<u8>), String> {
    let failed = |_| "aws-lc cannot encrypt".to_owned();
    let (salt, iv) = (random::<SALT>()?, random::<16>()?);
    let mut key = Zeroizing::new([0; 32]);
    let count = NonZeroU32::new(ITERATIONS).unwrap_or(NonZeroU32::MIN);
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, count, &salt, password.as_bytes(), &mut *key);
    let cipher = UnboundCipherKey::new(&AES_256, &*key).map_err(failed)?;
    let cipher = PaddedBlockEncryptingKey::cbc_pkcs7(cipher).map_err(failed)?;
    // With room for the padding, so that nothing is moved and left behind in plain.
    let mut text = Vec::with_capacity(plain.len() + 16);
    text.extend_from_slice(plain);
    cipher.less_safe_encrypt(&mut text, EncryptionContext::Iv128((&iv).into())).map_err(failed)?;
    let hash = sequence(&[&identifier(number::HMAC_SHA256), &NULL]);
    let derivation = sequence(&[&element(OCTET_STRING, &[&salt]), &iterations(), &hash]);
    let derivation = sequence(&[&identifier(number::PBKDF2), &derivation]);
    let cipher = sequence(&[&identifier(number::AES_256_CBC), &element(OCTET_STRING, &[&iv])]);
    Ok((sequence(&[&identifier(number::PBES2), &sequence(&[&derivation, &cipher])]), text))
}

/// RFC 7292, appendix B.2, for as many bytes as one hash has, and what HMAC makes of them.
fn mac(password: &str, salt: &[u8], count: u32, message: &[u8]) -> hmac::Tag {
    const BLOCK: usize = 64;
    /// For a MAC key.
    const PURPOSE: u8 = 3;
    let mut secret = Zeroizing::new(utf16(password));
    secret.extend_from_slice(&[0, 0]);
    let mut input = Zeroizing::new(vec![PURPOSE; BLOCK]);
    for part in [salt, &secret] {
        let length = part.len().div_ceil(BLOCK) * BLOCK;
        input.extend(part.iter().copied().cycle().take(length));
    }
    let mut hash = digest::digest(&digest::SHA256, &input);
    for _ in 1..count {
        hash = digest::digest(&digest::SHA256, hash.as_ref());
    }
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, hash.as_ref()), message)
}

fn certificate_bag(der: &[u8], attributes: &[u8]) -> Vec<u8> {
    let inside = element(context_constructed(0), &[&element(OCTET_STRING, &[der])]);
    bag(number::CERTIFICATE_BAG, &sequence(&[&identifier(number::X509_CERTIFICATE), &inside]), attributes)
}

fn bag(kind: &[u8], value: &[u8], attributes: &[u8]) -> Vec<u8> {
    let attributes = if attributes.is_empty() { Vec::new() } else { element(SET, &[attributes]) };
    sequence(&[&identifier(kind), &element(context_constructed(0), &[value]), &attributes])
}

fn attribute(kind: &[u8], value: &[u8]) -> Vec<u8> {
    sequence(&[&identifier(kind), &element(SET, &[value])])
}

/// A ContentInfo.
fn content(kind: &[u8], value: &[u8]) -> Vec<u8> {
    sequence(&[&identifier(kind), &element(context_constructed(0), &[value])])
}

fn iterations() -> Vec<u8> {
    // Neither the first byte's highest bit is set, nor is it zero.
    let [_, _, high, low] = ITERATIONS.to_be_bytes();
    element(INTEGER, &[&[high, low]])
}

fn identifier(number: &[u8]) -> Vec<u8> {
    element(OBJECT_IDENTIFIER, &[number])
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(SEQUENCE, parts)
}

/// An element with these parts for its content.
fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let bytes: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    let mut written = vec![tag];
    match (length, u8::try_from(bytes.len())) {
        (0..0x80, _) => written.extend(length.to_be_bytes().last()),
        (_, Ok(count)) => {
            written.push(0x80 | count);
            written.extend_from_slice(&bytes);
        }
        // A length has eight bytes at most.
        (_, Err(_)) => {}
    }
    parts.iter().for_each(|part| written.extend_from_slice(part));
    written
}

fn slices(parts: &[Vec<u8>]) -> Vec<&[u8]> {
    parts.iter().map(Vec::as_slice).collect()
}

/// UTF-16, the higher byte first.
fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_as_short_as_der_wants_them() {
        for (length, head) in [
            (0, &[4, 0][..]),
            (127, &[4, 127]),
            (128, &[4, 0x81, 128]),
            (256, &[4, 0x82, 1, 0]),
            (65_536, &[4, 0x83, 1, 0, 0]),
        ] {
            let written = element(OCTET_STRING, &[&vec![7; length]]);
            assert_eq!((&written[..head.len()], written.len()), (head, head.len() + length));
        }
        assert_eq!(iterations(), [INTEGER, 2, 0x27, 0x10]);
    }

    #[test]
    fn a_store_is_known_by_its_password() {
        let key = [0x30, 3, 2, 1, 0];
        let chain = [vec![0x30, 0]];
        let store = written("alice", &Entry::Key { key: &key, chain: &chain }, "right one").unwrap();
        assert_eq!(alias(&store, "right one"), Ok("alice".to_owned()));
        assert_eq!(alias(&store, "wrong one"), Err(NotDer("the password is another")));
        let trusted = written("ca", &Entry::Trusted(&[0x30, 0]), "right one").unwrap();
        assert_eq!(
            alias(&trusted, "right one"),
            Err(NotDer("there is more or less in it than one encrypted key"))
        );
        for end in [0, 1, 10, store.len() / 2, store.len() - 1] {
            assert!(alias(&store[..end], "right one").is_err(), "{end}");
        }
        // Two of the same are not the same.
        assert_ne!(store, written("alice", &Entry::Key { key: &key, chain: &chain }, "right one").unwrap());
        assert!(!store.windows(key.len()).any(|window| window == key), "the key is encrypted");
    }

    #[test]
    fn a_password_that_is_hashed_too_often_is_not_hashed() {
        let store = written("alice", &Entry::Key { key: &[0x30, 0], chain: &[] }, "password").unwrap();
        let last = store.len() - 2;
        // 10,000 at the end, as two bytes: 32,767 is another MAC, and a negative number none.
        let with = |high: u8, low: u8| [&store[..last], &[high, low]].concat();
        assert_eq!(alias(&with(0x27, 0x10), "password"), Ok("alice".to_owned()));
        assert_eq!(alias(&with(0x7f, 0xff), "password"), Err(NotDer("the password is another")));
        assert_eq!(alias(&with(0xff, 0xff), "password"), Err(NotDer("an integer is negative")));
    }
}
