//! Taking a changed configuration file into force, as far as that goes without a restart.

use std::path::Path;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::time::sleep;

use super::{Reloader, SETTLE, one_line};
use crate::observability::metrics::Reload;
use crate::process::config::document::read_text;
use crate::process::config::effective::is_live;
use crate::process::config::{Config, Effective, Faults, MAX_BYTES};
use crate::process::identity::sha256;
use crate::process::nobody;
use crate::process::proxy::refusals::OnDisk;

/// The configuration file, as it was taken into force and as it was seen.
pub(super) struct Configs {
    /// What doorkeeper was started with.
    started: Effective,
    /// The file as it was accepted last.
    accepted: Arc<Config>,
    /// The file as it was looked at last, accepted or not.
    seen: String,
}

impl Configs {
    /// What doorkeeper is started with.
    pub(super) fn new(config: Arc<Config>) -> Self {
        let seen = sha256(config.document.text().as_bytes());
        Self { started: config.effective.clone(), accepted: config, seen }
    }
}

impl Reloader {
    /// The configuration file as it was accepted last, and which of its settings wait for a restart.
    pub(in crate::process::proxy) fn configuration(&self) -> (Arc<Config>, Vec<String>) {
        let configs = self.configs();
        (configs.accepted.clone(), self.pending(&configs, &configs.accepted))
    }

    /// Reads the configuration file again if it has changed, once for each change.
    pub(in crate::process::proxy) async fn configuration_if_changed(self: &Arc<Self>) {
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

    /// Takes the configuration file into force as far as that goes without a restart. Blocks while files are read.
    pub(super) fn read_configuration(&self) {
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

    /// Whether a configuration has the listeners that there are: other ones need a restart.
    fn has_these_listeners(&self, config: &Config) -> bool {
        let names = config.listeners.iter().map(|listener| listener.name.as_str());
        names.eq(self.identities.iter().map(|identity| identity.listener()))
    }

    /// Whether a setting of that configuration takes effect without a restart.
    fn is_live(&self, setting: &str, config: &Config) -> bool {
        is_live(setting) && (self.has_these_listeners(config) || !setting.starts_with("listeners."))
    }

    /// Puts the live settings of a configuration in force, all or none of them.
    fn put_in_force(&self, configs: &Configs, config: Arc<Config>) -> Result<Arc<Config>, Faults> {
        let old = &configs.accepted;
        let mut prepared = Vec::new();
        // Other listeners than before need a restart, and which is which would be a guess.
        if self.has_these_listeners(&config) {
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
        if self.has_these_listeners(new) {
            for (listener, context) in listeners() {
                context.principal.store(Arc::new(listener.principal.clone()));
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

    fn configs(&self) -> MutexGuard<'_, Configs> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// By what the contents of a file are told from others; a file that cannot be read has one as well.
fn fingerprint(path: &Path) -> String {
    read_text(path, MAX_BYTES).map_or_else(|fault| fault.to_string(), |text| sha256(text.as_bytes()))
}
