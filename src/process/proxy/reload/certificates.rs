//! Taking changed certificates and keys into force, of listeners and of what other doorkeepers are shown; and saying which of
//! those in force have expired.

use std::sync::{Arc, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::sleep;

use super::{Reloader, SETTLE, one_line};
use crate::observability::metrics::{Check, Reload, RevocationList};
use crate::process::identity::{CertificateFacts, ClientStore, IdentityStore, Reload as TlsReload, Role};
use crate::process::proxy::certificates::{shown, shown_lists};
use crate::process::proxy::refusals::OnDisk;

impl Reloader {
    /// Looks at what other servers are shown; false: look again.
    pub(in crate::process::proxy) async fn client(&self, client: &Arc<ClientStore>, at_once: bool) -> bool {
        let store = client.clone();
        let reload = settled(move || store.reload(at_once, SystemTime::now())).await;
        self.files(reload, OnDisk::Certificates(client.used_by().to_owned()), || {
            let subject = client.subject();
            tracing::info!(subject, "certificates reloaded: new connections to other doorkeepers use them");
        })
    }

    /// Looks at the certificates and the key of a listener; false: look again.
    pub(in crate::process::proxy) async fn identity(
        &self,
        identity: &Arc<IdentityStore>,
        at_once: bool,
    ) -> bool {
        let whose = OnDisk::Certificates(identity.listener().to_owned());
        let store = identity.clone();
        let reload = settled(move || store.reload(at_once, SystemTime::now())).await;
        self.files(reload, whose, || {
            let certificates = identity.certificates();
            let first = certificates.first();
            tracing::info!(
                subject = first.map_or("", |facts| &facts.subject),
                serial = first.map_or("", |facts| &facts.serial),
                expires = first.map(CertificateFacts::expiry).unwrap_or_default(),
                certificates = certificates.len(),
                "certificates reloaded: new connections use them"
            );
        })
    }

    /// Tells what a look at certificates and a key came to; false: look again.
    fn files(&self, reload: TlsReload, whose: OnDisk, loaded: impl FnOnce()) -> bool {
        match reload {
            TlsReload::Unsettled => return false,
            TlsReload::Unchanged | TlsReload::StillRefused => {}
            TlsReload::Loaded(warnings) => {
                for warning in warnings {
                    tracing::warn!("{warning}");
                }
                loaded();
                self.refusals.remove(&whose);
                self.certificates_changed();
            }
            TlsReload::Refused(faults) => {
                self.metrics.reloaded(Reload::Tls, false, SystemTime::now());
                tracing::error!(
                    "the certificates on disk are wrong, the old ones stay in force: {}",
                    one_line(&faults)
                );
                self.refusals.add(whose, faults, SystemTime::now());
            }
        }
        true
    }

    /// Others are in force than before.
    pub(super) fn certificates_changed(&self) {
        // Of what had expired already, whoever read it has told.
        drop((self.newly_expired(), self.newly_ended()));
        self.show_certificates();
        self.metrics.reloaded(Reload::Tls, true, SystemTime::now());
        for identity in &self.identities {
            if !identity.is_refused() {
                self.refusals.remove(&OnDisk::Certificates(identity.listener().to_owned()));
            }
        }
        // What is right for one listener does not make the others' right.
        let client_is_refused = self.clients.iter().any(|client| client.is_refused());
        if client_is_refused || self.identities.iter().any(|identity| identity.is_refused()) {
            self.metrics.still_refused(Reload::Tls);
        }
        self.certificates_are_valid();
    }

    /// Says whether a listener's certificate in force is no longer valid: clients refuse the server's, and no client is
    /// trusted by an authority's.
    pub(in crate::process::proxy) fn certificates_are_valid(&self) {
        for (name, facts) in self.newly_expired() {
            let (subject, expired) = (&facts.subject, facts.expiry());
            match facts.consequence() {
                (true, what) => tracing::error!(name, subject, expired, "a certificate has expired: {what}"),
                (false, what) => tracing::warn!(name, subject, expired, "a certificate has expired: {what}"),
            }
        }
        for RevocationList { name, issuer, .. } in self.newly_ended() {
            tracing::warn!(
                name,
                issuer,
                "a revocation list has ended: clients that it is about are refused until there is a newer one, unless \
                 revocation.expired allows them"
            );
        }
        let now = unix(SystemTime::now());
        let mut servers = self.of_listeners().flat_map(|(name, certificates)| {
            let servers = certificates.into_iter().filter(|facts| facts.role == Role::Server && facts.needed);
            servers.map(move |facts| (name, facts))
        });
        let expired = servers.find(|(_, facts)| facts.not_after < now);
        self.health.set(
            Check::Certificates,
            expired.map_or(Ok(()), |(name, facts)| {
                Err(format!("{name}: the certificate of {} has expired", facts.subject))
            }),
        );
    }

    /// The certificates in force that have expired since this was asked last, and where they are used.
    pub(super) fn newly_expired(&self) -> Vec<(String, CertificateFacts)> {
        let mut expired = self.expired.lock().unwrap_or_else(PoisonError::into_inner);
        expired.look(self.of_listeners().chain(self.of_clients()), unix(SystemTime::now()))
    }

    /// The revocation lists in force that have ended since this was asked last.
    pub(super) fn newly_ended(&self) -> Vec<RevocationList> {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.look(self.lists(), SystemTime::now())
    }

    /// Says in the metrics which certificates and revocation lists are in force.
    pub(in crate::process::proxy) fn show_certificates(&self) {
        self.metrics.certificates(shown(self.of_listeners().chain(self.of_clients())));
        self.metrics.revocation_lists(self.lists());
    }

    fn lists(&self) -> Vec<RevocationList> {
        shown_lists(self.identities.iter().map(|identity| (identity.listener(), identity.lists())))
    }

    fn of_listeners(&self) -> impl Iterator<Item = (&str, Vec<CertificateFacts>)> {
        self.identities.iter().map(|identity| (identity.listener(), identity.certificates()))
    }

    fn of_clients(&self) -> impl Iterator<Item = (&str, Vec<CertificateFacts>)> {
        self.clients.iter().map(|client| (client.used_by(), client.certificates()))
    }
}

/// Looks at files, and once more after a moment if they are others than at the last look.
async fn settled(look: impl Fn() -> TlsReload + Clone + Send + 'static) -> TlsReload {
    let again = look.clone();
    match tokio::task::spawn_blocking(look).await {
        Ok(TlsReload::Unsettled) => {}
        Ok(reload) => return reload,
        Err(_) => return TlsReload::Unchanged,
    }
    sleep(SETTLE).await;
    tokio::task::spawn_blocking(again).await.unwrap_or(TlsReload::Unchanged)
}

/// Seconds since 1970.
fn unix(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
