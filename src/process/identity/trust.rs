//! Whom a listener believes at the moment, for the clients that it has let in already.

use std::sync::Arc;
use std::time::SystemTime;

use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;

use super::{Identity, unix};
use crate::model::certificate::Certificate;
use crate::net::verification_failure;

/// Whom a listener believes.
#[derive(Clone)]
pub struct Trust {
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    closes_connections: bool,
}

impl Trust {
    pub(super) fn of(identity: &Identity) -> Self {
        let Identity { client_verifier, closes_connections, .. } = identity;
        Self { verifier: client_verifier.clone(), closes_connections: *closes_connections }
    }

    /// Whether open connections are closed when their client is no longer believed.
    pub fn closes_connections(&self) -> bool {
        self.closes_connections
    }

    /// Judges a chain again, its own certificate first.
    ///
    /// # Errors
    /// Why the client that has shown it is no longer believed.
    pub fn judge(&self, chain: &[CertificateDer<'_>], now: SystemTime) -> Result<(), String> {
        let Some(verifier) = &self.verifier else {
            return Err(
                "clients are not asked for certificates any more, and this one is nobody else's".to_owned()
            );
        };
        let Some((own, issuers)) = chain.split_first() else { return Ok(()) };
        let seconds = u64::try_from(unix(now)).unwrap_or_default();
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        let judged = verifier.verify_client_cert(own, issuers, now);
        judged.map(drop).map_err(|error| {
            verification_failure::take().map_or_else(|| error.to_string(), |refusal| refusal.to_string())
        })
    }
}

/// Until when a certificate is valid, in seconds since 1970.
pub fn end_of(certificate: &CertificateDer<'_>) -> i64 {
    Certificate::read(certificate).map_or(0, |certificate| certificate.not_after())
}
