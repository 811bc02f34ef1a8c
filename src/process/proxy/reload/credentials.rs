//! Users and keys of tokens that have changed.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{OnDisk, Reloader, one_line};
use crate::observability::metrics::Reload;
use crate::process::acl_store::Reload as Outcome;
use crate::process::config::sasl::UserPlace;
use crate::process::token_keys::TokenKeys;
use crate::process::users::UserStore;

impl Reloader {
    /// The files with users, and how often each is looked at.
    pub(in crate::process::proxy) fn user_files(&self) -> Vec<(Arc<UserStore>, Duration)> {
        let config = self.configuration().0;
        let interval = |store: &Arc<UserStore>| {
            let files = config
                .listeners
                .iter()
                .filter_map(|listener| listener.sasl.as_ref()?.users.as_ref().and_then(UserPlace::file));
            files.filter(|file| file.file == store.path()).map(|file| file.reload_interval).min()
        };
        let stores = self.credentials.users.iter();
        stores.filter_map(|store| Some((store.clone(), interval(store)?))).collect()
    }

    /// The keys of tokens.
    pub(in crate::process::proxy) fn token_keys(&self) -> Vec<Arc<TokenKeys>> {
        self.credentials.tokens.clone()
    }

    /// Looks at a file with users.
    pub(in crate::process::proxy) async fn users(&self, store: &Arc<UserStore>) {
        let looked = store.clone();
        let Ok(outcome) = tokio::task::spawn_blocking(move || looked.reload()).await else { return };
        let (users, place) = (store.users().by_name().len(), store.path().display().to_string());
        if self.told(Reload::Users, &place, outcome) {
            tracing::info!(users, file = place, "users reloaded");
        }
    }

    /// Looks at keys of tokens; says how soon they are to be looked at again.
    pub(in crate::process::proxy) async fn keys(&self, keys: &Arc<TokenKeys>) -> Duration {
        let outcome = keys.reload().await;
        let interval = keys.interval(&outcome);
        if outcome == Outcome::Unchanged {
            // Their age is what a metric shows.
            self.metrics.loaded(Reload::Jwks, SystemTime::now());
        }
        if self.told(Reload::Jwks, &keys.place(), outcome) {
            tracing::info!(keys = keys.count(), place = keys.place(), "keys of tokens loaded");
        }
        interval
    }

    /// Tells what has come of a look; whether there is something new.
    fn told(&self, what: Reload, place: &str, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Unchanged | Outcome::StillRefused => false,
            Outcome::Loaded(warnings) => {
                for warning in warnings {
                    tracing::warn!("{warning}");
                }
                self.metrics.reloaded(what, true, SystemTime::now());
                self.refusals.remove(&OnDisk::Credentials(place.to_owned()));
                true
            }
            Outcome::Refused(faults) => {
                tracing::error!("{}: what was loaded before stays in force", one_line(&faults));
                self.refusals.add(OnDisk::Credentials(place.to_owned()), faults, SystemTime::now());
                self.metrics.reloaded(what, false, SystemTime::now());
                false
            }
        }
    }
}
