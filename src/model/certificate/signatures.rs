//! What is asked of whoever checks signatures.

use super::PublicKey;

/// Why a signature says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unverified {
    /// The algorithm, or it with such a key, is not taken.
    Algorithm,
    /// It is not by that key, or not over that message.
    Wrong,
}

/// Whatever checks signatures.
pub trait Signatures {
    /// Whether `signature` is by `key` over `message`, with the algorithm of that AlgorithmIdentifier (its content).
    ///
    /// # Errors
    /// When it is not, or cannot be told.
    fn verify(
        &self,
        key: &PublicKey,
        algorithm: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Unverified>;

    /// Whether signatures by such a key can be checked at all.
    fn takes(&self, key: &PublicKey) -> bool;
}
