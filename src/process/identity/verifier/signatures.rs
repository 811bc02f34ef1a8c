//! Signatures, checked by the provider of rustls: those in certificates, and those that a peer makes in a handshake.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm};
use rustls::{CertificateError, DigitallySignedStruct, Error, PeerMisbehaved, SignatureScheme};

use crate::model::certificate::{Certificate, Pss, PublicKey, Signatures, Unverified};

/// What rustls has no names for: RSA-PSS by keys that are for that alone (`rsa_pss_pss_*`), and what it calls the same
/// signature by a usual key.
const PSS: [(SignatureScheme, SignatureScheme); 3] = [
    (SignatureScheme::Unknown(0x0809), SignatureScheme::RSA_PSS_SHA256),
    (SignatureScheme::Unknown(0x080a), SignatureScheme::RSA_PSS_SHA384),
    (SignatureScheme::Unknown(0x080b), SignatureScheme::RSA_PSS_SHA512),
];
/// What is not taken, and asked for all the same: a client that has a key of such a kind, and could not use it, would show
/// no certificate. It would be told nothing of why, and where certificates are not required it would be nobody in particular.
/// Each is of one kind of keys, which has no other: Ed448, and brainpool's curves in TLS 1.3.
const TOLD_WHY: [SignatureScheme; 4] = [
    SignatureScheme::ED448,
    SignatureScheme::Unknown(0x081a),
    SignatureScheme::Unknown(0x081b),
    SignatureScheme::Unknown(0x081c),
];
/// What TLS 1.3 does not know any more.
const BEFORE_13: [SignatureScheme; 3] =
    [SignatureScheme::RSA_PKCS1_SHA256, SignatureScheme::RSA_PKCS1_SHA384, SignatureScheme::RSA_PKCS1_SHA512];

type Algorithm = &'static dyn SignatureVerificationAlgorithm;

/// Signatures as a provider of rustls checks them.
#[derive(Debug)]
pub struct ProviderSignatures(Arc<CryptoProvider>);

impl ProviderSignatures {
    /// With the algorithms of this provider.
    pub fn new(provider: Arc<CryptoProvider>) -> Self {
        Self(provider)
    }

    /// What peers may sign a handshake with.
    pub(super) fn taken(&self) -> Vec<SignatureScheme> {
        let mut schemes = self.0.signature_verification_algorithms.supported_schemes();
        schemes.extend(PSS.map(|(scheme, _)| scheme));
        schemes
    }

    /// What clients are asked to sign with.
    pub(super) fn asked_of_clients(&self) -> Vec<SignatureScheme> {
        let mut schemes = self.taken();
        schemes.extend(TOLD_WHY);
        schemes
    }

    pub(super) fn handshake_of_12(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        // The scheme tells the hash; the curve is the key's.
        self.handshake(message, certificate, signed, usize::MAX)
    }

    pub(super) fn handshake_of_13(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if BEFORE_13.contains(&signed.scheme) {
            return Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
        }
        // The scheme tells the curve, too: that of its first algorithm.
        self.handshake(message, certificate, signed, 1)
    }

    fn handshake(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
        most: usize,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = Certificate::read(certificate).map_err(|_| CertificateError::BadEncoding)?.key().clone();
        let of_pss_key = PSS.iter().find(|(scheme, _)| *scheme == signed.scheme);
        let scheme = of_pss_key.map_or(signed.scheme, |(_, usual)| *usual);
        let mapping = self.0.signature_verification_algorithms.mapping.iter();
        let algorithms =
            mapping.filter(|(known, _)| *known == scheme).flat_map(|(_, algorithms)| *algorithms);
        let fitting = |algorithm: &&Algorithm| {
            fits(**algorithm, &key) && of_pss_key.is_some() == key.is_for_pss_alone()
        };
        match algorithms.take(most).find(fitting) {
            Some(algorithm) => algorithm
                .verify_signature(key.bits(), message, signed.signature())
                .map(|()| HandshakeSignatureValid::assertion())
                .map_err(|_| CertificateError::BadSignature.into()),
            None => Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into()),
        }
    }
}

/// Whether signatures of that algorithm may be by that key.
fn fits(algorithm: Algorithm, key: &PublicKey) -> bool {
    let of_key = algorithm.public_key_alg_id();
    if of_key.as_ref() == key.algorithm() {
        return true;
    }
    // A key for RSA-PSS alone has a number of its own, and may say with what.
    key.is_for_pss_alone() && Pss::read(&algorithm.signature_alg_id()).is_some_and(|pss| key.allows(&pss))
}

impl Signatures for ProviderSignatures {
    fn verify(
        &self,
        key: &PublicKey,
        algorithm: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Unverified> {
        let pss = Pss::read(algorithm);
        let is_meant = |known: &&Algorithm| {
            let id = known.signature_alg_id();
            // The parameters of RSA-PSS can be written in several ways.
            id.as_ref() == algorithm || pss.is_some() && pss == Pss::read(&id)
        };
        let mut algorithms = self.0.signature_verification_algorithms.all.iter();
        let found = algorithms.find(|known| is_meant(known) && fits(**known, key));
        let found = found.ok_or(Unverified::Algorithm)?;
        found.verify_signature(key.bits(), message, signature).map_err(|_| Unverified::Wrong)
    }

    fn takes(&self, key: &PublicKey) -> bool {
        self.0.signature_verification_algorithms.all.iter().any(|algorithm| fits(*algorithm, key))
    }
}
