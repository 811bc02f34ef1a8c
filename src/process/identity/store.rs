//! The identity of a listener that is in force, and how the next one takes its place.
//!
//! The next one is built whole and then swapped in whole, with a TLS configuration of its own: rustls does not ask the
//! verifier again for a session that it resumes, so nothing of the old one may be taken along. Connections that exist
//! keep what they were made with.
//!
//! Three files cannot be read in one step, and some writers change them one after the other. So a change is believed
//! when two readings agree, and a set that does not fit together is given one more look before it is called wrong.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::ServerConfig;

use super::files::Files;
use super::{CertificateFacts, Fingerprint, Identity, build};
use crate::process::config::{Config, Fault, Faults, Listener};

/// What a glance at the files shows.
#[derive(Debug, PartialEq, Eq)]
pub enum Look {
    /// They are those in force.
    Same,
    /// They are others, or were refused before.
    Changed(Fingerprint),
}

/// What came of an attempt to put other files in force.
#[derive(Debug, PartialEq, Eq)]
pub enum Reload {
    /// The files are still being written, or do not fit together yet: look again.
    Unsettled,
    /// They are in force; this about them is allowed but risky.
    Loaded(Vec<Fault>),
    /// They are wrong or gone; the old ones stay.
    Refused(Faults),
    /// They are still wrong in the same way.
    StillRefused,
}

/// A listener's identity in force. Reading it never waits.
pub struct IdentityStore {
    current: ArcSwap<ServerConfig>,
    seen: Mutex<Seen>,
}

struct Seen {
    /// The configuration, and which of its listeners this is.
    config: Arc<Config>,
    listener: usize,
    /// The files in force.
    fingerprint: Fingerprint,
    certificates: Vec<CertificateFacts>,
    /// Whether the last look found a wrong set for the first time.
    wrong_before: bool,
    /// Why the files are refused, as long as they are.
    faults: Option<Faults>,
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
            current: ArcSwap::new(identity.server_config),
            seen: Mutex::new(Seen {
                config,
                listener,
                fingerprint: identity.fingerprint,
                certificates: identity.certificates,
                wrong_before: false,
                faults: None,
            }),
        }
    }

    /// For the next connection.
    pub fn server_config(&self) -> Arc<ServerConfig> {
        self.current.load_full()
    }

    /// Every certificate in force, the server's own first.
    pub fn certificates(&self) -> Vec<CertificateFacts> {
        self.seen().certificates.clone()
    }

    /// How often the files are to be looked at.
    pub fn reload_interval(&self) -> Duration {
        self.seen().listener().map_or(Duration::MAX, |listener| listener.tls.reload_interval)
    }

    /// Why the files on disk are not those in force, if they are wrong.
    pub fn refused(&self) -> Option<Faults> {
        self.seen().faults.clone()
    }

    /// Reads the files to see whether they have changed. Blocks for as long as that takes.
    pub fn look(&self) -> Look {
        let mut seen = self.seen();
        let Some(listener) = seen.listener() else { return Look::Same };
        let fingerprint = Files::read(&listener.tls).fingerprint();
        if fingerprint == seen.fingerprint && seen.faults.is_none() {
            seen.wrong_before = false;
            return Look::Same;
        }
        Look::Changed(fingerprint)
    }

    /// Puts the files in force if they are still what [`IdentityStore::look`] saw a moment ago, and right. With
    /// `at_once` a set that is wrong is refused at the first look. Blocks for as long as reading takes.
    pub fn reload(&self, expected: &Fingerprint, at_once: bool, now: SystemTime) -> Reload {
        let mut seen = self.seen();
        let Some(listener) = seen.listener() else { return Reload::Unsettled };
        let files = Files::read(&listener.tls);
        if files.fingerprint() != *expected {
            return Reload::Unsettled;
        }
        match build(&seen.config.document, listener, &files, now) {
            Ok(identity) => {
                let warnings = identity.warnings.clone();
                self.put(&mut seen, identity);
                Reload::Loaded(warnings)
            }
            Err(faults) if seen.faults.as_ref() == Some(&faults) => Reload::StillRefused,
            Err(_) if !at_once && !seen.wrong_before => {
                seen.wrong_before = true;
                Reload::Unsettled
            }
            Err(faults) => {
                seen.faults = Some(faults.clone());
                Reload::Refused(faults)
            }
        }
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

    /// Puts in force what was prepared; whether that is another identity than before.
    pub fn commit(&self, prepared: Prepared) -> bool {
        let mut seen = self.seen();
        seen.config = prepared.config;
        let changed = prepared.identity.is_some();
        if let Some(identity) = prepared.identity {
            self.put(&mut seen, identity);
        }
        changed
    }

    fn put(&self, seen: &mut Seen, identity: Identity) {
        self.current.store(identity.server_config);
        seen.fingerprint = identity.fingerprint;
        seen.certificates = identity.certificates;
        seen.wrong_before = false;
        seen.faults = None;
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
