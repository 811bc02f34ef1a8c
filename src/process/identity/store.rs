//! The identity of a listener that is in force, and how the next one takes its place.
//!
//! The next one is built whole and then swapped in whole, with a TLS configuration of its own: rustls does not ask the
//! verifier again for a session that it resumes, so nothing of the old one may be taken along. Connections that exist
//! keep what they were made with. When changed files are believed is told by [`super::watched`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use tokio::sync::watch;

use super::files::Files;
use super::watched::{Reload, Watched};
use super::{CertificateFacts, Fingerprint, Identity, ListFacts, Trust, build};
use crate::process::config::{Config, Fault, Faults, Listener};

/// A listener's identity in force. Reading it never waits.
pub struct IdentityStore {
    /// The listener's name, which never changes.
    name: String,
    current: ArcSwap<ServerConfig>,
    /// Changes after `current` has.
    trust: watch::Sender<Trust>,
    seen: Mutex<Seen>,
}

struct Seen {
    /// The configuration, and which of its listeners this is.
    config: Arc<Config>,
    listener: usize,
    files: Watched<Fingerprint>,
    certificates: Vec<CertificateFacts>,
    lists: Vec<ListFacts>,
}

/// What a changed configuration means for a listener, ready to be put in force.
pub struct Prepared {
    config: Arc<Config>,
    /// None where the settings of TLS are as they were.
    identity: Option<Identity>,
}

impl IdentityStore {
    /// Begins with what the listener with this number was started with.
    pub fn new(config: Arc<Config>, listener: usize, identity: Identity) -> Self {
        Self {
            name: config.listeners.get(listener).map(|listener| listener.name.clone()).unwrap_or_default(),
            trust: watch::Sender::new(Trust::of(&identity)),
            current: ArcSwap::new(identity.server_config),
            seen: Mutex::new(Seen {
                config,
                listener,
                files: Watched::new(identity.fingerprint),
                certificates: identity.certificates,
                lists: identity.lists,
            }),
        }
    }

    /// The name of the listener whose identity it is.
    pub fn listener(&self) -> &str {
        &self.name
    }

    /// For the next connection.
    pub fn server_config(&self) -> Arc<ServerConfig> {
        self.current.load_full()
    }

    /// Whom the listener believes, and each change of that from now on. Who asks for this first, and for
    /// [`IdentityStore::server_config`] then, misses none.
    pub fn trust(&self) -> watch::Receiver<Trust> {
        self.trust.subscribe()
    }

    /// Every certificate in force, the server's own first.
    pub fn certificates(&self) -> Vec<CertificateFacts> {
        self.seen().certificates.clone()
    }

    /// The revocation lists in force.
    pub fn lists(&self) -> Vec<ListFacts> {
        self.seen().lists.clone()
    }

    /// How often the files are to be looked at.
    pub fn reload_interval(&self) -> Duration {
        self.seen().listener().map_or(Duration::MAX, |listener| listener.tls.reload_interval)
    }

    /// Whether the files on disk are wrong, and others therefore in force.
    pub fn is_refused(&self) -> bool {
        self.seen().files.is_refused()
    }

    /// Looks at the files, and puts others in force that are right and have not changed since the last look. With `at_once` a
    /// set that is wrong is refused at its first look. Blocks for as long as reading takes.
    pub fn reload(&self, at_once: bool, now: SystemTime) -> Reload {
        let mut seen = self.seen();
        let Seen { config, listener, files, certificates, lists } = &mut *seen;
        let Some(listener) = config.listeners.get(*listener) else { return Reload::Unchanged };
        let found = Files::read(&listener.tls);
        let build = || {
            let mut identity = build(&config.document, listener, &found, now)?;
            let warnings = std::mem::take(&mut identity.warnings);
            Ok((identity, warnings))
        };
        files.look(found.fingerprint(), at_once, build, |identity| {
            self.put(&identity);
            (*certificates, *lists) = (identity.certificates, identity.lists);
        })
    }

    /// Reads the files that a changed configuration names, which has the same listeners; nothing is put in force yet.
    ///
    /// # Errors
    /// Every fault in them.
    pub fn prepare(&self, config: &Arc<Config>, now: SystemTime) -> Result<Prepared, Faults> {
        let seen = self.seen();
        let identity = match (seen.listener(), config.listeners.get(seen.listener)) {
            (Some(old), Some(new)) if old.tls != new.tls => Some(super::load(&config.document, new, now)?),
            _ => None,
        };
        Ok(Prepared { config: config.clone(), identity })
    }

    /// Puts in force what was prepared; where that is another identity than before, what about it is allowed but risky.
    pub fn commit(&self, prepared: Prepared) -> Option<Vec<Fault>> {
        let mut seen = self.seen();
        seen.config = prepared.config;
        let identity = prepared.identity?;
        self.put(&identity);
        seen.files = Watched::new(identity.fingerprint);
        (seen.certificates, seen.lists) = (identity.certificates, identity.lists);
        Some(identity.warnings)
    }

    fn put(&self, identity: &Identity) {
        self.current.store(identity.server_config.clone());
        self.trust.send_replace(Trust::of(identity));
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn listener(&self) -> Option<&Listener> {
        self.config.listeners.get(self.listener)
    }
}

#[cfg(test)]
mod tests;
