//! Changing the set: one batch appended to the log.
//!
//! A change that may or may not have been appended, because the connection broke, is made again on another one. That is
//! harmless: adding and removing a binding twice is the same as once, and whoever changes the same binding at the same time
//! through another doorkeeper could have come a moment later anyhow. After a *silence* it is not made again: a leader that is
//! only slow could append the first one much later, behind changes that were made in the meantime.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep, timeout_at};

use super::log::Reached;
use super::record::{self, Pair};
use super::trouble::Trouble;
use super::{TopicSource, batch};
use crate::model::acl::{Binding, BindingFilter, Change, ChangeError, ChangeOutcome, MAX_CHANGES, select};
use crate::model::sasl::users::{CredentialChange, UsersChangeError};
use crate::process::kafka_client::{Failure, Start};
use crate::protocol::error_code::{
    KAFKA_STORAGE_ERROR, LEADER_NOT_AVAILABLE, MESSAGE_TOO_LARGE, NOT_ENOUGH_REPLICAS,
    NOT_LEADER_OR_FOLLOWER, RECORD_LIST_TOO_LARGE, UNKNOWN_TOPIC_OR_PARTITION,
};

/// How long a change may take. Kafka's own clients wait 30 seconds for an answer.
const LIMIT: Duration = Duration::from_secs(20);
/// How long to wait before a change is tried again.
const RETRY: Duration = Duration::from_millis(100);

/// A change on its way.
#[derive(Debug, Default)]
struct Progress {
    /// Whether records were sent whose fate is unknown.
    sent: bool,
    /// Whether they were appended, and wait to be read.
    appended: bool,
    /// What the filters selected when the removal was first tried: the answer, even if that try removed them already.
    selected: Option<Vec<Vec<Arc<Binding>>>>,
    /// What was last in the way.
    trouble: Option<String>,
}

/// What is to be changed.
#[derive(Debug, Clone, Copy)]
enum Asked<'a> {
    Bindings(&'a Change),
    Credentials(&'a [CredentialChange]),
}

/// Whether it is worth trying again.
enum Stop {
    Again(String),
    Final(ChangeError),
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Stop {
        match trouble {
            Trouble::Away(text) => Stop::Again(text),
            Trouble::Wrong(text) => unavailable(text),
        }
    }
}

impl TopicSource {
    /// Makes a change: when this returns it is in the log, on as many brokers as the topic asks for, and in force here.
    pub(in crate::process::acl_store) async fn change(
        &self,
        change: Change,
    ) -> Result<ChangeOutcome, ChangeError> {
        self.within_the_limit(Asked::Bindings(&change)).await
    }

    /// The same for what users are known by.
    pub(in crate::process::acl_store) async fn change_credentials(
        &self,
        changes: &[CredentialChange],
    ) -> Result<(), UsersChangeError> {
        self.check_users(changes)?;
        match self.within_the_limit(Asked::Credentials(changes)).await {
            Ok(_) => Ok(()),
            Err(ChangeError::ReadOnly(why)) => Err(UsersChangeError::ReadOnly(why)),
            Err(unchanged) => Err(UsersChangeError::Unavailable(unchanged.to_string())),
        }
    }

    async fn within_the_limit(&self, asked: Asked<'_>) -> Result<ChangeOutcome, ChangeError> {
        let mut progress = Progress::default();
        match timeout_at(Instant::now() + LIMIT, self.make(asked, &mut progress)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(ChangeError::Unavailable(self.ran_out(&progress))),
        }
    }

    fn ran_out(&self, progress: &Progress) -> String {
        let trouble = progress.trouble.clone().or_else(|| self.state.borrow().trouble.clone());
        let trouble = trouble.map(|trouble| format!(": {trouble}")).unwrap_or_default();
        let topic = &self.log.topic.name;
        match progress {
            Progress { appended: true, .. } => format!(
                "the change is written to the topic {topic} and will be in force, but it is not yet after {LIMIT:?}{trouble}"
            ),
            Progress { sent: true, .. } => {
                format!("it is unknown whether the change was written to the topic {topic}{trouble}")
            }
            _ => format!("the topic {topic} takes no change now, nothing was changed{trouble}"),
        }
    }

    async fn make(&self, change: Asked<'_>, progress: &mut Progress) -> Result<ChangeOutcome, ChangeError> {
        let mut writer = self.writer.lock().await;
        self.loaded().await;
        loop {
            self.refuse_if_wrong()?;
            let trouble = match self.attempt(change, writer.take(), progress).await {
                Ok((changed, leader)) => {
                    *writer = Some(leader);
                    return Ok(changed);
                }
                Err(Stop::Final(unchanged)) => return Err(unchanged),
                Err(Stop::Again(trouble)) => trouble,
            };
            progress.trouble = Some(trouble);
            sleep(RETRY).await;
        }
    }

    async fn attempt(
        &self,
        change: Asked<'_>,
        leader: Option<Reached>,
        progress: &mut Progress,
    ) -> Result<(ChangeOutcome, Reached), Stop> {
        let mut leader = match leader {
            Some(leader) => leader,
            None => self.log.reach_leader().await?,
        };
        let end = self.end_of_the_same_log(&mut leader).await?;
        let pairs = match change {
            Asked::Bindings(Change::Create(bindings)) => self.additions(bindings),
            Asked::Bindings(Change::Delete(filters)) => {
                // What was changed before this request, anywhere, must be seen by its filters.
                self.in_force_up_to(end).await?;
                self.removals(filters, progress).await
            }
            Asked::Credentials(changes) => {
                // Whoever was first with a challenge secret must be seen.
                self.in_force_up_to(end).await?;
                self.credentials(changes).map_err(unavailable)
            }
        }?;
        if !pairs.is_empty() {
            let count = i64::try_from(pairs.len()).unwrap_or(i64::MAX);
            let first = self.append(&mut leader, pairs, progress).await?;
            self.in_force_up_to(first.saturating_add(count)).await?;
        }
        let changed = match change {
            Asked::Credentials(_) | Asked::Bindings(Change::Create(_)) => ChangeOutcome::Created,
            Asked::Bindings(Change::Delete(_)) => {
                ChangeOutcome::Deleted(progress.selected.take().unwrap_or_default())
            }
        };
        Ok((changed, leader))
    }

    /// The end of the log, if it is the one that is followed: to write to another one of the same name would be to lose what
    /// is written. Also the test whether a connection that was kept is alive, and still leads to the leader.
    async fn end_of_the_same_log(&self, leader: &mut Reached) -> Result<i64, Stop> {
        let topic = &self.log.topic.name;
        let stop = |failure: Failure| Stop::from(Trouble::from(failure));
        let found = leader.connection.find(topic).await.map_err(stop)?;
        let end = leader.connection.offset(topic, Start::Latest).await.map_err(stop)?;
        let (id, offset) = (self.state.borrow().id, self.state.borrow().offset);
        // Brokers before 2.8 have no ids.
        if found.topic.map(|topic| topic.id) != id || end < offset {
            return Err(Stop::Again(format!("the topic {topic} is not the one that was read")));
        }
        Ok(end)
    }

    /// The records that add the bindings: all of them, also those that are there. Somebody may be removing them now, and when
    /// the answer is given they must be there.
    fn additions(&self, bindings: &[Binding]) -> Result<Vec<Pair>, Stop> {
        let current = self.in_force.current();
        let there: HashSet<&Binding> = current.authorizer.bindings().iter().map(AsRef::as_ref).collect();
        let wanted: HashSet<&Binding> = bindings.iter().collect();
        if wanted.difference(&there).count() > MAX_CHANGES {
            return Err(Stop::Final(ChangeError::TooMany));
        }
        let now = SystemTime::now();
        let pairs = wanted.into_iter().map(|binding| record::addition(binding, &self.name, now));
        pairs.collect::<Result<_, _>>().map_err(|error| unavailable(error.to_string()))
    }

    async fn removals(&self, filters: &[BindingFilter], progress: &mut Progress) -> Result<Vec<Pair>, Stop> {
        let current = self.in_force.current();
        let selected = match progress.selected.take() {
            Some(selected) => selected,
            None => {
                // Every filter is held against every binding, and nobody else is to wait for that.
                let (current, filters) = (current.clone(), filters.to_vec());
                tokio::task::spawn_blocking(move || select(&filters, current.authorizer.bindings()))
                    .await
                    .map_err(|error| unavailable(format!("the change failed: {error}")))?
                    .map_err(Stop::Final)?
            }
        };
        let chosen: HashSet<&Arc<Binding>> = selected.iter().flatten().collect();
        let there: HashSet<&Arc<Binding>> = current.authorizer.bindings().iter().collect();
        let pairs = chosen.intersection(&there).map(|binding| record::removal(binding));
        let pairs = pairs.collect::<Result<_, _>>().map_err(|error| unavailable(error.to_string()));
        progress.selected = Some(selected);
        pairs
    }

    /// Appends the records as one batch; returns the offset of the first.
    async fn append(
        &self,
        leader: &mut Reached,
        pairs: Vec<Pair>,
        progress: &mut Progress,
    ) -> Result<i64, Stop> {
        let records = batch::write(&pairs, SystemTime::now()).map_err(unavailable)?;
        let (size, most) = (records.len(), leader.max_message_bytes);
        let too_large = || {
            unavailable(format!(
                "the change takes {size} bytes, and max.message.bytes of the topic {} is {most}: raise it, or change fewer bindings at a time; nothing was changed",
                self.log.topic.name
            ))
        };
        if size > most {
            return Err(too_large());
        }
        let before = std::mem::replace(&mut progress.sent, true);
        let failure = match leader.connection.append(&self.log.topic.name, records).await {
            Ok(first) => {
                progress.appended = true;
                return Ok(first);
            }
            Err(failure) => failure,
        };
        match (&failure, failure.code()) {
            (Failure::Connection(_), _) => Err(Stop::Again(failure.to_string())),
            // The leader looked and appended nothing.
            (
                _,
                Some(
                    NOT_LEADER_OR_FOLLOWER
                    | UNKNOWN_TOPIC_OR_PARTITION
                    | LEADER_NOT_AVAILABLE
                    | NOT_ENOUGH_REPLICAS
                    | KAFKA_STORAGE_ERROR,
                ),
            ) => {
                progress.sent = before;
                Err(Stop::Again(failure.to_string()))
            }
            (_, Some(MESSAGE_TOO_LARGE | RECORD_LIST_TOO_LARGE)) => Err(too_large()),
            // Not enough replicas have it, or nobody knows.
            _ => Err(unavailable(format!(
                "it is unknown whether the change was written to the topic {}: {failure}",
                self.log.topic.name
            ))),
        }
    }

    /// Returns when every record before `offset` is in force here.
    async fn in_force_up_to(&self, offset: i64) -> Result<(), Stop> {
        let mut state = self.state.subscribe();
        // The sender lives as long as this.
        let _ = state.wait_for(|state| state.offset >= offset || state.wrong).await;
        self.refuse_if_wrong().map_err(Stop::Final)
    }

    /// While the log cannot be understood nobody knows what a change would change.
    fn refuse_if_wrong(&self) -> Result<(), ChangeError> {
        let state = self.state.borrow();
        match &state.trouble {
            Some(trouble) if state.wrong => Err(ChangeError::Unavailable(trouble.clone())),
            _ => Ok(()),
        }
    }
}

fn unavailable(text: String) -> Stop {
    Stop::Final(ChangeError::Unavailable(text))
}
