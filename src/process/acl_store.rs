//! The bindings in force, and where they come from.
//!
//! A new set replaces the old one as a whole, under the next generation number. A source that is wrong or gone
//! changes nothing: the set that was loaded last stays in force until there is a right one.

pub mod file;
mod in_force;
mod topic;

use std::sync::Arc;
use std::task::Waker;
use std::time::{SystemTime, UNIX_EPOCH};

use super::config::{Acls, Authorization, Fault, Faults};
use super::identity::ClientStore;
use super::users_in_force::UsersInForce;
use crate::model::acl::{Change, ChangeError, ChangeOutcome, Settings};
use crate::model::sasl::users::{CredentialChange, UsersChangeError};
use crate::net::wakers::Woken;
use crate::observability::health::Health;
use crate::observability::metrics::Metrics;

use file::source::{FileSource, Opened};
pub use in_force::Generation;
use in_force::InForce;
use topic::TopicSource;

/// What metrics and `/readyz` show of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// How many bindings are in force.
    pub bindings: usize,
    /// The number of the set that is in force.
    pub generation: u64,
    /// Whether the source was right when it was last looked at.
    pub last_reload_ok: bool,
    /// When the source was last found right, changed or not, in seconds since 1970.
    pub last_success_unix: i64,
}

/// What came of a look at the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reload {
    /// The source is as it was.
    Unchanged,
    /// A new set is in force; this in the source may be a mistake.
    Loaded(Vec<Fault>),
    /// The source is wrong or gone; the old set stays.
    Refused(Faults),
    /// The source is still wrong in the same way, or still gone.
    StillRefused,
}

/// The bindings in force. Reading never waits.
#[derive(Debug)]
pub struct AclStore {
    in_force: Arc<InForce>,
    source: Source,
    /// What the source of the start said that may be a mistake.
    warnings: Vec<Fault>,
}

/// Where bindings come from.
#[derive(Debug)]
enum Source {
    /// Nowhere: the first set, an empty one, is the last.
    None {
        /// When it was made, in seconds since 1970.
        since: i64,
    },
    /// A file, which is looked at from time to time.
    File(Arc<FileSource>),
    /// A topic, which is followed.
    Topic(Box<TopicSource>),
}

impl AclStore {
    /// Reads the bindings from where the configuration says that they are. `client` is what other doorkeepers are shown, where
    /// the topic with the bindings is reached through them.
    ///
    /// # Errors
    /// Every fault in them.
    pub fn open(authorization: &Authorization, client: Option<Arc<ClientStore>>) -> Result<AclStore, Faults> {
        let settings = Settings {
            super_users: authorization.super_users.clone(),
            allow_everyone_if_no_acl_found: authorization.allow_everyone_if_no_acl_found,
            reserved_topic: authorization.acls.as_ref().and_then(|acls| Some(acls.topic()?.name.clone())),
            ..Settings::default()
        };
        let (source, read) = match &authorization.acls {
            Some(Acls::Topic(topic)) => {
                let in_force = Arc::new(InForce::new(Vec::new(), settings));
                let source =
                    Source::Topic(Box::new(TopicSource::new(topic.clone(), client, in_force.clone())));
                return Ok(AclStore { in_force, source, warnings: Vec::new() });
            }
            Some(Acls::File(acls)) => {
                let (source, read) = FileSource::open(acls.file.clone())?;
                (Source::File(Arc::new(source)), read)
            }
            None => {
                (Source::None { since: unix_now() }, Opened { bindings: Vec::new(), warnings: Vec::new() })
            }
        };
        let in_force = Arc::new(InForce::new(read.bindings, settings));
        Ok(AclStore { in_force, source, warnings: read.warnings })
    }

    /// The set in force.
    pub fn current(&self) -> Arc<Generation> {
        self.in_force.current()
    }

    /// The number of the set in force: one load, to find out for each request whether a view is still good.
    pub fn generation(&self) -> u64 {
        self.in_force.number()
    }

    /// Has a task woken by changes, once they are in force.
    pub fn wake(&self, waker: &Waker) -> Woken {
        self.in_force.wake(waker)
    }

    /// Changes the bindings; returns when the change lasts and is in force here.
    ///
    /// # Errors
    /// When nothing was changed, or it is unknown whether it was.
    pub async fn change(self: Arc<Self>, change: Change) -> Result<ChangeOutcome, ChangeError> {
        match &self.source {
            Source::Topic(topic) => topic.change(change).await,
            Source::None { .. } => Err(ChangeError::ReadOnly(
                "this doorkeeper keeps no ACLs: name a place for them in its configuration, under authorization.acls"
                    .to_owned(),
            )),
            Source::File(file) => {
                // One after another: those that wait take no thread.
                let _turn = file.turn.lock().await;
                let (file, in_force) = (file.clone(), self.in_force.clone());
                tokio::task::spawn_blocking(move || file.change(&change, &in_force))
                    .await
                    .unwrap_or_else(|error| Err(ChangeError::Unavailable(format!("the change failed: {error}"))))
            }
        }
    }

    /// The users that the topic holds, by which clients log in from now on; `None` where there is no topic.
    pub fn serve_logins(&self) -> Option<Arc<UsersInForce>> {
        match &self.source {
            Source::None { .. } | Source::File(_) => None,
            Source::Topic(topic) => Some(topic.serve_logins()),
        }
    }

    /// Changes what users are known by, where the topic holds them; returns when the change lasts and is in force here.
    ///
    /// # Errors
    /// When nothing was changed, or it is unknown whether it was.
    pub async fn change_credentials(
        self: Arc<Self>,
        changes: Vec<CredentialChange>,
    ) -> Result<(), UsersChangeError> {
        match &self.source {
            Source::Topic(topic) => topic.change_credentials(&changes).await,
            Source::None { .. } | Source::File(_) => {
                Err(UsersChangeError::ReadOnly("users are in no topic: see authorization.acls".to_owned()))
            }
        }
    }

    /// Returns when there is a set to decide by: what [`open`](Self::open) could not read yet is there.
    pub async fn loaded(&self) {
        match &self.source {
            Source::None { .. } | Source::File(_) => {}
            Source::Topic(topic) => topic.loaded().await,
        }
    }

    /// Reads what [`open`](Self::open) could not read, once; for commands, which do not follow. Creates nothing.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub async fn read_once(&self) -> Result<(), String> {
        match &self.source {
            Source::None { .. } | Source::File(_) => Ok(()),
            Source::Topic(topic) => topic.read_once().await,
        }
    }

    /// Follows a source that tells of its changes itself; for another one this never ends.
    pub async fn follow(&self, metrics: Arc<Metrics>, health: Health) {
        match &self.source {
            Source::None { .. } | Source::File(_) => std::future::pending().await,
            Source::Topic(topic) => topic.follow(metrics, health).await,
        }
    }

    /// Whether the set has been read, which for a topic takes a broker.
    pub fn is_loaded(&self) -> bool {
        match &self.source {
            Source::None { .. } | Source::File(_) => true,
            Source::Topic(topic) => topic.is_loaded(),
        }
    }

    /// Judges by these super users, and by this rule for what has no binding, from the next request on. What else the
    /// configuration says of bindings stays as it was. Blocks for as long as indexing takes.
    pub fn judge_by(&self, authorization: &Authorization) {
        self.in_force.judge_by(|settings| {
            settings.super_users.clone_from(&authorization.super_users);
            settings.allow_everyone_if_no_acl_found = authorization.allow_everyone_if_no_acl_found;
        });
    }

    /// What in the source of the start may be a mistake.
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }

    /// What metrics and `/readyz` show.
    pub fn status(&self) -> Status {
        let current = self.current();
        let (last_reload_ok, last_success_unix) = match &self.source {
            Source::None { since } => (true, *since),
            Source::File(file) => file.status(),
            Source::Topic(topic) => topic.status(),
        };
        Status {
            bindings: current.authorizer.bindings().len(),
            generation: current.number,
            last_reload_ok,
            last_success_unix,
        }
    }

    /// Shows in the metrics from now on how many bindings are in force, and which set that is.
    pub fn show(&self, metrics: &Arc<Metrics>) {
        self.in_force.show(metrics);
    }

    /// Why a source that is followed cannot be followed now.
    pub fn trouble(&self) -> Option<String> {
        match &self.source {
            Source::None { .. } | Source::File(_) => None,
            Source::Topic(topic) => topic.trouble(),
        }
    }

    /// Looks at the source now. Blocks for as long as reading and indexing take.
    ///
    /// Each distinct fault is refused once and then only still refused, so that it is logged once.
    pub fn reload(&self) -> Reload {
        match &self.source {
            Source::None { .. } | Source::Topic(_) => Reload::Unchanged,
            Source::File(file) => file.reload(&self.in_force),
        }
    }
}

fn unix_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
