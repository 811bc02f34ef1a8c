//! Taking changed files into force while connections go on: certificates and keys, ACLs, and on SIGHUP the configuration.
//!
//! Each is read whole, judged whole and swapped in whole; what is wrong changes nothing, is logged once, and stands in
//! the metrics until it is mended.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::sleep;

use super::accept::Admission;
use super::certificates::{Expired, shown};
use super::refusals::{OnDisk, Refusals};
use crate::net::context::ListenerContext;
use crate::observability::audit::AuditLog;
use crate::observability::health::Health;
use crate::observability::metrics::{Certificate, Check, Metrics, Reload};
use crate::process::acl_store::{AclStore, Reload as AclReload};
use crate::process::config::document::read_text;
use crate::process::config::effective::is_live;
use crate::process::config::{Config, Effective, Faults, MAX_BYTES};
use crate::process::identity::{CertificateFacts, IdentityStore, Reload as TlsReload, Role, sha256};
use crate::process::nobody;
use crate::process::telemetry::Levels;

/// How long changed files must stay the same to be believed: whoever writes three of them needs a moment.
const SETTLE: Duration = Duration::from_millis(200);
/// How often SIGHUP tries files that keep changing.
const TRIES: usize = 5;

/// Where the certificates are used that other doorkeepers are shown.
pub(super) const OF_CLIENT: &str = "authorization.acls";

/// Everything that can be loaded anew.
pub(super) struct Reloader {
    /// One for each listener, in the order of the configuration.
    pub(super) identities: Vec<Arc<IdentityStore>>,
    pub(super) acls: Arc<AclStore>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) health: Health,
    /// What on disk is wrong.
    pub(super) refusals: Refusals,
    /// The names of the listeners; other ones need a restart.
    names: Vec<String>,
    live: Live,
    levels: Option<Levels>,
    config: Mutex<Configs>,
    expired: Mutex<Expired>,
}

/// What runs and takes other settings while it runs.
pub(super) struct Live {
    /// One for each listener, in the order of the configuration.
    pub(super) contexts: Vec<Arc<ListenerContext>>,
    pub(super) admission: Arc<Admission>,
    pub(super) audit: AuditLog,
}

struct Configs {
    /// What doorkeeper was started with.
    started: Effective,
    /// The file as it was accepted last.
    accepted: Arc<Config>,
    /// The file as it was looked at last, accepted or not.
    seen: String,
}

impl Reloader {
    pub(super) fn new(
        config: Arc<Config>,
        identities: Vec<Arc<IdentityStore>>,
        acls: Arc<AclStore>,
        live: Live,
        metrics: Arc<Metrics>,
        health: Health,
    ) -> Self {
        let names = names(&config);
        let started = config.effective.clone();
        let seen = sha256(config.document.text().as_bytes());
        let config = Mutex::new(Configs { started, accepted: config, seen });
        let expired = Mutex::default();
        let refusals = Refusals::new(health.clone());
        let reloader =
            Self { identities, acls, metrics, health, refusals, names, live, levels: None, config, expired };
        // Of what had expired before the start, the start has told.
        drop(reloader.newly_expired());
        reloader
    }

    /// Lets a changed log level take effect.
    pub(super) fn set_levels(&mut self, levels: Levels) {
        self.levels = Some(levels);
    }

    /// The configuration file as it was accepted last, and which of its settings wait for a restart.
    pub(super) fn configuration(&self) -> (Arc<Config>, Vec<String>) {
        let configs = self.configs();
        (configs.accepted.clone(), self.pending(&configs, &configs.accepted))
    }

    /// The listeners' names.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Reads everything again, as SIGHUP tells.
    pub(super) async fn everything(self: &Arc<Self>) {
        tracing::info!("told to reload");
        let this = self.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || this.read_configuration()).await {
            tracing::error!("the configuration cannot be reloaded: {error}");
        }
        for identity in &self.identities {
            for _ in 0..TRIES {
                if self.identity(identity, true).await {
                    break;
                }
            }
        }
        for _ in 0..TRIES {
            if self.client(true).await {
                break;
            }
        }
        self.acls().await;
    }

    /// Reads the configuration file again if it has changed, once for each change.
    pub(super) async fn configuration_if_changed(self: &Arc<Self>) {
        let (path, seen) = {
            let configs = self.configs();
            (configs.accepted.document.path().to_owned(), configs.seen.clone())
        };
        let now = move || fingerprint(&path);
        let Ok(changed) = tokio::task::spawn_blocking(now.clone()).await else { return };
        if changed == seen {
            return;
        }
        sleep(SETTLE).await;
        let this = self.clone();
        let read = move || {
            if now() == changed {
                tracing::info!("the configuration file has changed");
                this.read_configuration();
            }
        };
        if let Err(error) = tokio::task::spawn_blocking(read).await {
            tracing::error!("the configuration cannot be reloaded: {error}");
        }
    }

    /// Looks at what other doorkeepers are shown, if they are shown anything; false: look again.
    pub(super) async fn client(&self, at_once: bool) -> bool {
        let Some(client) = self.acls.client() else { return true };
        let store = client.clone();
        let reload = settled(move || store.reload(at_once, SystemTime::now())).await;
        self.files(reload, of_client(), || {
            let subject = client.subject();
            tracing::info!(subject, "certificates reloaded: new connections to other doorkeepers use them");
        })
    }

    /// Looks at the certificates and the key of a listener; false: look again.
    pub(super) async fn identity(&self, identity: &Arc<IdentityStore>, at_once: bool) -> bool {
        let Some(whose) = self.listener_of(identity) else { return true };
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

    /// Looks at the ACL file.
    pub(super) async fn acls(&self) {
        let store = self.acls.clone();
        let Ok(reload) = tokio::task::spawn_blocking(move || store.reload()).await else { return };
        match reload {
            AclReload::Unchanged | AclReload::StillRefused => {}
            AclReload::Loaded(mut warnings) => {
                let (store, config) = (self.acls.clone(), self.configs().accepted.clone());
                let nobody = tokio::task::spawn_blocking(move || nobody::of_acl_file(&config, &store)).await;
                warnings.extend(nobody.unwrap_or_default());
                for warning in warnings {
                    tracing::warn!("{warning}");
                }
                let status = self.acls.status();
                self.metrics.reloaded(Reload::Acls, true, SystemTime::now());
                self.health.set(Check::Acls, Ok(()));
                self.refusals.remove(&OnDisk::AclFile);
                tracing::info!(bindings = status.bindings, generation = status.generation, "ACLs reloaded");
            }
            AclReload::Refused(faults) => {
                self.metrics.reloaded(Reload::Acls, false, SystemTime::now());
                tracing::error!("the ACL file is wrong, the old ACLs stay in force: {faults}");
                self.refusals.add(OnDisk::AclFile, faults, SystemTime::now());
            }
        }
    }

    /// Takes the configuration file into force as far as that goes without a restart. Blocks while files are read.
    fn read_configuration(&self) {
        let mut configs = self.configs();
        let path = configs.accepted.document.path().to_owned();
        configs.seen = fingerprint(&path);
        let outcome = Config::load(&path).and_then(|config| self.put_in_force(&configs, Arc::new(config)));
        let config = match outcome {
            Ok(config) => config,
            Err(faults) => {
                self.metrics.reloaded(Reload::Config, false, SystemTime::now());
                tracing::error!(
                    "the configuration file is wrong, the old settings stay in force: {}",
                    one_line(&faults)
                );
                self.refusals.add(OnDisk::Configuration, faults, SystemTime::now());
                return;
            }
        };
        self.refusals.remove(&OnDisk::Configuration);
        for warning in config.warnings.iter().chain(&nobody::warnings(&config, &self.acls)) {
            tracing::warn!("{warning}");
        }
        let pending = self.pending(&configs, &config);
        let mut applied = configs.accepted.effective.changes(&config.effective);
        applied.retain(|setting| self.is_live(setting, &config));
        self.metrics.reloaded(Reload::Config, true, SystemTime::now());
        self.metrics.settings_pending(pending.len());
        self.metrics.config_hash(&sha256(config.document.text().as_bytes()));
        match (applied.is_empty(), pending.is_empty()) {
            (false, _) => tracing::info!(applied = applied.join(", "), "configuration reloaded"),
            (true, true) => tracing::info!("the configuration is as it was"),
            (true, false) => {}
        }
        if !pending.is_empty() {
            tracing::warn!(
                settings = pending.join(", "),
                "these settings have changed since the start and wait for a restart"
            );
        }
        configs.accepted = config;
    }

    /// Which settings have changed since the start and did not take effect.
    fn pending(&self, configs: &Configs, config: &Config) -> Vec<String> {
        let mut pending = configs.started.changes(&config.effective);
        pending.retain(|setting| !self.is_live(setting, config));
        pending
    }

    /// Whether a setting of that configuration takes effect without a restart.
    fn is_live(&self, setting: &str, config: &Config) -> bool {
        is_live(setting) && (names(config) == self.names || !setting.starts_with("listeners."))
    }

    /// Puts the live settings of a configuration in force, all or none of them.
    fn put_in_force(&self, configs: &Configs, config: Arc<Config>) -> Result<Arc<Config>, Faults> {
        let old = &configs.accepted;
        let mut prepared = Vec::new();
        // Other listeners than before need a restart, and which is which would be a guess.
        if names(&config) == self.names {
            for identity in &self.identities {
                prepared.push((identity, identity.prepare(&config, SystemTime::now())?));
            }
        }
        if let Some(levels) = &self.levels
            && old.log.level != config.log.level
        {
            levels
                .set(config.log.level.as_str())
                .map_err(|error| Faults::from(config.document.fault("log.level", error.to_string())))?;
        }
        // From here on nothing can go wrong.
        let mut changed = false;
        for (identity, prepared) in prepared {
            if let Some(warnings) = identity.commit(prepared) {
                changed = true;
                for warning in warnings {
                    tracing::warn!("{warning}");
                }
            }
        }
        if changed {
            self.certificates_changed();
        }
        self.judge_by(old, &config);
        Ok(config)
    }

    /// Puts the settings in force that say who a client is, what it may do, and what is told of it.
    fn judge_by(&self, old: &Config, new: &Config) {
        let listeners = || new.listeners.iter().zip(&self.live.contexts);
        if names(new) == self.names {
            for (listener, context) in listeners() {
                context.mapping_rules.store(Arc::new(listener.principal_mapping_rules.clone()));
            }
        }
        let judged = |config: &Config| {
            let authorization = &config.authorization;
            (authorization.super_users.clone(), authorization.allow_everyone_if_no_acl_found)
        };
        if judged(old) != judged(new) {
            self.acls.judge_by(&new.authorization);
        }
        self.live.admission.bound(&new.limits);
        self.metrics.connections_limit(new.limits.max_connections as usize);
        self.live.audit.want_allowed(new.audit.allowed);
    }

    fn certificates_changed(&self) {
        // Of what had expired already, whoever read it has told.
        drop(self.newly_expired());
        self.metrics.certificates(self.shown());
        self.metrics.reloaded(Reload::Tls, true, SystemTime::now());
        for (name, identity) in self.names.iter().zip(&self.identities) {
            if !identity.is_refused() {
                self.refusals.remove(&OnDisk::Certificates(name.clone()));
            }
        }
        // What is right for one listener does not make the others' right.
        let client_is_refused = self.acls.client().is_some_and(|client| client.is_refused());
        if client_is_refused || self.identities.iter().any(|identity| identity.is_refused()) {
            self.metrics.still_refused(Reload::Tls);
        }
        self.certificates_are_valid();
    }

    /// Says whether a listener's certificate in force is no longer valid: clients refuse the server's, and no client is
    /// trusted by an authority's.
    pub(super) fn certificates_are_valid(&self) {
        for (name, facts) in self.newly_expired() {
            let (subject, expired) = (&facts.subject, facts.expiry());
            match facts.consequence() {
                (true, what) => tracing::error!(name, subject, expired, "a certificate has expired: {what}"),
                (false, what) => tracing::warn!(name, subject, expired, "a certificate has expired: {what}"),
            }
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
    fn newly_expired(&self) -> Vec<(String, CertificateFacts)> {
        let client = self.acls.client().map(|client| (OF_CLIENT, client.certificates()));
        self.expired
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .look(self.of_listeners().chain(client), unix(SystemTime::now()))
    }

    /// The certificates in force, as metrics show them.
    pub(super) fn shown(&self) -> Vec<Certificate> {
        let client = self.acls.client().map(|client| (OF_CLIENT, client.certificates()));
        shown(self.of_listeners().chain(client))
    }

    /// Whose certificates these are.
    fn listener_of(&self, identity: &Arc<IdentityStore>) -> Option<OnDisk> {
        let place = self.identities.iter().position(|other| Arc::ptr_eq(other, identity))?;
        self.names.get(place).cloned().map(OnDisk::Certificates)
    }

    fn of_listeners(&self) -> impl Iterator<Item = (&str, Vec<CertificateFacts>)> {
        let names = self.names.iter().map(String::as_str);
        names.zip(self.identities.iter().map(|identity| identity.certificates()))
    }

    fn configs(&self) -> MutexGuard<'_, Configs> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
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

/// The certificates that other doorkeepers are shown.
fn of_client() -> OnDisk {
    OnDisk::Certificates(OF_CLIENT.to_owned())
}

/// Seconds since 1970.
fn unix(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// By what the contents of a file are told from others; a file that cannot be read has one as well.
fn fingerprint(path: &Path) -> String {
    read_text(path, MAX_BYTES).map_or_else(|fault| fault.to_string(), |text| sha256(text.as_bytes()))
}

fn names(config: &Config) -> Vec<String> {
    config.listeners.iter().map(|listener| listener.name.clone()).collect()
}

/// Faults in one line of the log.
fn one_line(faults: &Faults) -> String {
    faults.0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
