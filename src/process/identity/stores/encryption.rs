//! What is encrypted by a password: the schemes of PKCS#12 (RFC 7292, appendices B and C) and of PKCS#5 (RFC 8018, PBES2).
//!
//! How often a password is hashed, whoever writes a file decides. So all that is done for one file is counted together
//! ([`Effort`]), before it is done.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, Algorithm, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::{digest, hmac, iv, pbkdf2};
use cbc::Decryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt, InnerIvInit, KeyInit};
use des::{TdesEde2, TdesEde3};
use rc2::Rc2;
use zeroize::Zeroizing;

use crate::model::der::{Der, INTEGER, NotDer, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, dotted, unsigned};

/// How much of a password's hashing one file may still ask for, in computations of a hash.
#[derive(Debug)]
pub(super) struct Effort(u64);

impl Effort {
    /// A second's work, even where nothing is optimised: Java's own stores took a fifth of it before 17, and take a sixtieth now.
    const MOST: u64 = 2_000_000;

    pub(super) fn of_a_file() -> Self {
        Self(Self::MOST)
    }

    /// All that is left, which is gone then.
    pub(super) fn take(&mut self) -> Self {
        Self(std::mem::take(&mut self.0))
    }

    fn spend(&mut self, iterations: u64, blocks: usize) -> Result<u32, Undecipherable> {
        let cost = iterations.saturating_mul(blocks as u64);
        self.0 = self.0.checked_sub(cost).ok_or(Undecipherable::Effort)?;
        u32::try_from(iterations).map_err(|_| Undecipherable::Effort)
    }
}

/// Why something stays encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Undecipherable {
    /// The password is not the one.
    Password,
    /// It is encrypted in this way, which is not served.
    Algorithm(String),
    /// It asks for more work than a file may cause.
    Effort,
    /// It is not what the standards want.
    Damaged(NotDer),
}

impl From<NotDer> for Undecipherable {
    fn from(error: NotDer) -> Self {
        Self::Damaged(error)
    }
}

/// pkcs-12PbeIds, without the last byte.
const PKCS12_PBE: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 1];
const PBES2: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13];
const PBKDF2: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 12];
/// digestAlgorithm of RSA, without the last byte: the numbers of HMACs.
const HMAC: [u8; 7] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2];
/// AES of NIST, without the last byte.
const AES: [u8; 8] = [0x60, 0x86, 0x48, 1, 101, 3, 4, 1];
const DES_EDE3: [u8; 8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 3, 7];
const SHA_1: [u8; 5] = [0x2b, 14, 3, 2, 26];
/// The SHA-2 of NIST, without the last byte.
const SHA_2: [u8; 8] = [0x60, 0x86, 0x48, 1, 101, 3, 4, 2];

/// What is not served, by its object identifier, for whoever has to convert it.
const NAMES: [(&str, &str); 9] = [
    ("1.2.840.113549.1.5.3", "PBE-MD5-DES"),
    ("1.2.840.113549.1.5.6", "PBE-MD5-RC2-64"),
    ("1.2.840.113549.1.5.10", "PBE-SHA1-DES"),
    ("1.2.840.113549.1.5.11", "PBE-SHA1-RC2-64"),
    ("1.2.840.113549.1.5.14", "PBMAC1"),
    ("1.2.840.113549.1.12.1.1", "PBE-SHA1-RC4-128"),
    ("1.2.840.113549.1.12.1.2", "PBE-SHA1-RC4-40"),
    ("1.3.14.3.2.7", "DES"),
    ("1.3.6.1.4.1.11591.4.11", "scrypt"),
];

fn not_served(number: &[u8]) -> Undecipherable {
    let number = match dotted(number) {
        Ok(number) => number,
        Err(error) => return error.into(),
    };
    let known = NAMES.iter().find(|(known, _)| *known == number);
    Undecipherable::Algorithm(known.map_or(number, |(_, name)| (*name).to_owned()))
}

/// Decrypts `data`, which is encrypted as this AlgorithmIdentifier (its content) says. Where padding comes out by chance with a
/// wrong password, the result is rubbish.
pub(super) fn decrypt(
    mut algorithm: Der<'_>,
    data: &[u8],
    password: &str,
    effort: &mut Effort,
) -> Result<Zeroizing<Vec<u8>>, Undecipherable> {
    let number = algorithm.take(OBJECT_IDENTIFIER, "an encryption has no number")?.content;
    if number == PBES2 {
        return pbes2(algorithm, data, password, effort);
    }
    let length = match number.strip_prefix(&PKCS12_PBE) {
        Some([3]) => 24,
        Some([4 | 5]) => 16,
        Some([6]) => 5,
        _ => return Err(not_served(number)),
    };
    let mut parameters = algorithm.whole(SEQUENCE, "an encryption is without its parameters")?;
    let salt = parameters.take(OCTET_STRING, "an encryption is without a salt")?.content;
    let iterations =
        unsigned(parameters.take(INTEGER, "an encryption is without a number of iterations")?.content)?;
    let hash = &digest::SHA1_FOR_LEGACY_USE_ONLY;
    let key = pkcs12_key(hash, 1, (password, salt, iterations), length, effort)?;
    let iv = pkcs12_key(hash, 2, (password, salt, iterations), 8, effort)?;
    match number.last() {
        Some(3) => cbc_of(TdesEde3::new_from_slice(&key).ok(), &iv, data),
        Some(4) => cbc_of(TdesEde2::new_from_slice(&key).ok(), &iv, data),
        _ => cbc_of(Rc2::new_from_slice(&key).ok(), &iv, data),
    }
}

fn cbc_of<C: BlockCipherDecrypt>(
    cipher: Option<C>,
    iv: &[u8],
    data: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Undecipherable> {
    const IV: NotDer = NotDer("an encryption has a key or a first block of another length");
    let decryptor = cipher.and_then(|cipher| Decryptor::inner_iv_slice_init(cipher, iv).ok()).ok_or(IV)?;
    let plain = decryptor.decrypt_padded_vec::<Pkcs7>(data).map_err(|_| Undecipherable::Password)?;
    Ok(Zeroizing::new(plain))
}

fn pbes2(
    algorithm: Der<'_>,
    data: &[u8],
    password: &str,
    effort: &mut Effort,
) -> Result<Zeroizing<Vec<u8>>, Undecipherable> {
    let mut parameters = algorithm.whole(SEQUENCE, "PBES2 is without its parameters")?;
    let mut derivation = Der(parameters.take(SEQUENCE, "PBES2 is without a key derivation")?.content);
    let mut cipher = Der(parameters.take(SEQUENCE, "PBES2 is without a cipher")?.content);
    let number = derivation.take(OBJECT_IDENTIFIER, "a key derivation has no number")?.content;
    if number != PBKDF2 {
        return Err(not_served(number));
    }
    let number = cipher.take(OBJECT_IDENTIFIER, "a cipher has no number")?.content;
    let iv = cipher.take(OCTET_STRING, "a cipher is without a first block")?.content;
    let (aes, length): (Option<&'static Algorithm>, usize) = match number.strip_prefix(&AES) {
        Some([2]) => (Some(&AES_128), 16),
        Some([22]) => (Some(&AES_192), 24),
        Some([42]) => (Some(&AES_256), 32),
        None if number == DES_EDE3 => (None, 24),
        _ => return Err(not_served(number)),
    };
    let key = pbkdf2_key(derivation, length, password, effort)?;
    let Some(aes) = aes else {
        return cbc_of(TdesEde3::new_from_slice(&key).ok(), iv, data);
    };
    const IV: NotDer = NotDer("a cipher has a first block of another length than 16 bytes");
    let iv: [u8; 16] = iv.try_into().map_err(|_| IV)?;
    let key = UnboundCipherKey::new(aes, &key).and_then(PaddedBlockDecryptingKey::cbc_pkcs7);
    let mut plain = Zeroizing::new(data.to_vec());
    let context = DecryptionContext::Iv128(iv::FixedLength::from(iv));
    let length = key.and_then(|key| Ok(key.decrypt(&mut plain, context)?.len()));
    plain.truncate(length.map_err(|_| Undecipherable::Password)?);
    Ok(plain)
}

/// A key of that length by PBKDF2 (RFC 8018, section 5.2); `parameters` are those of its AlgorithmIdentifier.
fn pbkdf2_key(
    parameters: Der<'_>,
    length: usize,
    password: &str,
    effort: &mut Effort,
) -> Result<Zeroizing<Vec<u8>>, Undecipherable> {
    let mut fields = parameters.whole(SEQUENCE, "PBKDF2 is without its parameters")?;
    let salt = fields.take(OCTET_STRING, "PBKDF2 is without a salt")?.content;
    let iterations = unsigned(fields.take(INTEGER, "PBKDF2 is without a number of iterations")?.content)?;
    fields.take_if(INTEGER)?;
    let (hmac, output) = match fields.take_if(SEQUENCE)? {
        // The default of the standard.
        None => (pbkdf2::PBKDF2_HMAC_SHA1, 20),
        Some(prf) => {
            let number = Der(prf.content).take(OBJECT_IDENTIFIER, "a hash has no number")?.content;
            match number.strip_prefix(&HMAC) {
                Some([7]) => (pbkdf2::PBKDF2_HMAC_SHA1, 20),
                Some([9]) => (pbkdf2::PBKDF2_HMAC_SHA256, 32),
                Some([10]) => (pbkdf2::PBKDF2_HMAC_SHA384, 48),
                Some([11]) => (pbkdf2::PBKDF2_HMAC_SHA512, 64),
                _ => return Err(not_served(number)),
            }
        }
    };
    let iterations = effort.spend(iterations, length.div_ceil(output))?;
    let iterations = NonZeroU32::new(iterations).ok_or(NotDer("PBKDF2 is to be done no time at all"))?;
    let mut key = Zeroizing::new(vec![0; length]);
    pbkdf2::derive(hmac, iterations, salt, password.as_bytes(), &mut key);
    Ok(key)
}

/// A hash by the number in an AlgorithmIdentifier (its content).
fn hash_of(mut algorithm: Der<'_>) -> Result<&'static digest::Algorithm, Undecipherable> {
    let number = algorithm.take(OBJECT_IDENTIFIER, "a hash has no number")?.content;
    match number.strip_prefix(&SHA_2) {
        Some([1]) => Ok(&digest::SHA256),
        Some([2]) => Ok(&digest::SHA384),
        Some([3]) => Ok(&digest::SHA512),
        Some([4]) => Ok(&digest::SHA224),
        None if number == SHA_1 => Ok(&digest::SHA1_FOR_LEGACY_USE_ONLY),
        _ => Err(not_served(number)),
    }
}

/// Whether `mac` is that of `message` (RFC 7292, section 4): the AlgorithmIdentifier's content, the code, the salt, and how often
/// the password is hashed.
pub(super) fn check_mac(
    (algorithm, mac, salt, iterations): (Der<'_>, &[u8], &[u8], u64),
    message: &[u8],
    password: &str,
    effort: &mut Effort,
) -> Result<(), Undecipherable> {
    let hash = hash_of(algorithm)?;
    let hmac = match hash.output_len() {
        20 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        28 => hmac::HMAC_SHA224,
        32 => hmac::HMAC_SHA256,
        48 => hmac::HMAC_SHA384,
        _ => hmac::HMAC_SHA512,
    };
    let key = pkcs12_key(hash, 3, (password, salt, iterations), hash.output_len(), effort)?;
    hmac::verify(&hmac::Key::new(hmac, &key), message, mac).map_err(|_| Undecipherable::Password)
}

/// The password as PKCS#12 and Java's own key stores hash it: in UTF-16, the high byte first.
pub(super) fn utf16(password: &str) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * password.len() + 2));
    bytes.extend(password.encode_utf16().flat_map(u16::to_be_bytes));
    bytes
}

/// The key of that length for a purpose: 1 encryption, 2 the first block, 3 a MAC (RFC 7292, appendix B.2).
fn pkcs12_key(
    hash: &'static digest::Algorithm,
    purpose: u8,
    (password, salt, iterations): (&str, &[u8], u64),
    length: usize,
    effort: &mut Effort,
) -> Result<Zeroizing<Vec<u8>>, Undecipherable> {
    let (block, output) = (hash.block_len(), hash.output_len());
    let iterations = effort.spend(iterations, length.div_ceil(output))?;
    if iterations == 0 {
        return Err(NotDer("a password is to be hashed no time at all").into());
    }
    let mut ended = utf16(password);
    ended.extend([0, 0]);
    let filled = |bytes: &[u8]| {
        let length = block * bytes.len().div_ceil(block);
        Zeroizing::new(bytes.iter().copied().cycle().take(length).collect::<Vec<u8>>())
    };
    let mut input = filled(salt);
    input.extend_from_slice(&filled(&ended));
    let mut key = Zeroizing::new(Vec::with_capacity(length + output));
    while key.len() < length {
        let mut context = digest::Context::new(hash);
        context.update(&vec![purpose; block]);
        context.update(&input);
        let mut hashed = context.finish();
        for _ in 1..iterations {
            hashed = digest::digest(hash, hashed.as_ref());
        }
        key.extend_from_slice(hashed.as_ref());
        // Each block of the input plus the hash, repeated, plus one.
        for part in input.chunks_mut(block) {
            let mut carry = 1;
            for (byte, at) in part.iter_mut().zip(0..block).rev() {
                let sum = u16::from(*byte) + u16::from(hashed.as_ref()[at % output]) + carry;
                [_, *byte] = sum.to_be_bytes();
                carry = sum >> 8;
            }
        }
    }
    key.truncate(length);
    Ok(key)
}
