//! Taking changed files into force while connections go on: certificates and keys (`certificates`), the configuration as far as
//! that goes without a restart (`configuration`), ACLs, and on SIGHUP all of them.
//!
//! Each is read whole, judged whole and swapped in whole; what is wrong changes nothing, is logged once, and stands in
//! the metrics until it is mended.

mod certificates;
mod configuration;
mod credentials;

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use super::accept::Admission;
use super::certificates::{Ended, Expired};
use super::refusals::{OnDisk, Refusals};
use crate::net::context::ListenerContext;
use crate::observability::audit::AuditLog;
use crate::observability::health::Health;
use crate::observability::metrics::{Check, Metrics, Reload};
use crate::process::acl_store::{AclStore, Reload as AclReload};
use crate::process::config::{Config, Faults};
use crate::process::credentials::AllCredentials;
use crate::process::identity::{ClientStore, IdentityStore};
use crate::process::nobody;
use crate::process::telemetry::Levels;

use configuration::Configs;

/// How long changed files must stay the same to be believed: whoever writes three of them needs a moment.
const SETTLE: Duration = Duration::from_millis(200);
/// How often SIGHUP tries files that keep changing.
const TRIES: usize = 5;

/// Everything that can be loaded anew.
pub(super) struct Reloader {
    /// One for each listener, in the order of the configuration.
    pub(super) identities: Vec<Arc<IdentityStore>>,
    /// What is shown to other servers.
    pub(super) clients: Vec<Arc<ClientStore>>,
    pub(super) acls: Arc<AclStore>,
    pub(super) credentials: AllCredentials,
    pub(super) metrics: Arc<Metrics>,
    pub(super) health: Health,
    /// What on disk is wrong.
    pub(super) refusals: Refusals,
    live: Live,
    levels: Option<Levels>,
    config: Mutex<Configs>,
    expired: Mutex<Expired>,
    ended: Mutex<Ended>,
}

/// What was read from files at the start, and is read again.
pub(super) struct Sources {
    pub(super) identities: Vec<Arc<IdentityStore>>,
    pub(super) clients: Vec<Arc<ClientStore>>,
    pub(super) acls: Arc<AclStore>,
    pub(super) credentials: AllCredentials,
}

/// What runs and takes other settings while it runs.
pub(super) struct Live {
    /// One for each listener, in the order of the configuration.
    pub(super) contexts: Vec<Arc<ListenerContext>>,
    pub(super) admission: Arc<Admission>,
    pub(super) audit: AuditLog,
}

impl Reloader {
    pub(super) fn new(
        config: Arc<Config>,
        Sources { identities, clients, acls, credentials }: Sources,
        live: Live,
        metrics: Arc<Metrics>,
        health: Health,
    ) -> Self {
        let config = Mutex::new(Configs::new(config));
        let (expired, ended) = (Mutex::default(), Mutex::default());
        let refusals = Refusals::new(health.clone());
        let reloader = Self {
            identities,
            clients,
            acls,
            credentials,
            metrics,
            health,
            refusals,
            live,
            levels: None,
            config,
            expired,
            ended,
        };
        // Of what had expired before the start, the start has told.
        drop((reloader.newly_expired(), reloader.newly_ended()));
        reloader
    }

    /// Lets a changed log level take effect.
    pub(super) fn set_levels(&mut self, levels: Levels) {
        self.levels = Some(levels);
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
        for client in &self.clients {
            for _ in 0..TRIES {
                if self.client(client, true).await {
                    break;
                }
            }
        }
        self.acls().await;
        for store in &self.credentials.users {
            self.users(store).await;
        }
        for keys in &self.credentials.tokens {
            self.keys(keys).await;
        }
    }

    /// Looks at the ACL file.
    pub(super) async fn acls(&self) {
        let store = self.acls.clone();
        let Ok(reload) = tokio::task::spawn_blocking(move || store.reload()).await else { return };
        match reload {
            AclReload::Unchanged | AclReload::StillRefused => {}
            AclReload::Loaded(mut warnings) => {
                let (store, config) = (self.acls.clone(), self.configuration().0);
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
}

/// Faults in one line of the log.
fn one_line(faults: &Faults) -> String {
    faults.0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
