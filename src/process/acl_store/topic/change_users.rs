//! Changing what users are known by: as bindings are changed, one batch appended to the log.

use std::time::SystemTime;

use aws_lc_rs::rand;

use super::record::Pair;
use super::{TopicSource, user_record};
use crate::model::acl::MAX_CHANGES;
use crate::model::sasl::users::{CredentialChange, UsersChangeError, check_name};

/// The most users that a topic is filled with.
const MOST_USERS: usize = 100_000;

impl TopicSource {
    /// Whether the changes may be made: names are names, and there are not too many.
    pub(super) fn check_users(&self, changes: &[CredentialChange]) -> Result<(), UsersChangeError> {
        let refused = |why: String| Err(UsersChangeError::ReadOnly(why));
        if changes.len() > MAX_CHANGES {
            return refused(format!("more than {MAX_CHANGES} credentials in one request"));
        }
        let users = self.users.users();
        let added = changes.iter().filter(|change| change.text.is_some());
        let mut new: Vec<&str> = Vec::new();
        for change in added {
            if let Err(why) = check_name(&change.user) {
                return refused(format!("nobody can be called {:?}: {why}", change.user));
            }
            if users.get(&change.user).is_none() {
                new.push(&change.user);
            }
        }
        new.sort_unstable();
        new.dedup();
        if !new.is_empty() && users.by_name().len().saturating_add(new.len()) > MOST_USERS {
            return refused(format!("the topic {} holds up to {MOST_USERS} users", self.log.topic.name));
        }
        Ok(())
    }

    /// The records that make the changes: all of them, also those that are made already. Somebody may be changing them back now,
    /// and when the answer is given they must be there. Without a challenge secret so far, one more with that: where several
    /// doorkeepers write one at once, the last in the log is everybody's.
    pub(super) fn credentials(&self, changes: &[CredentialChange]) -> Result<Vec<Pair>, String> {
        let now = SystemTime::now();
        let records = changes.iter().map(|change| user_record::change(change, &self.name, now));
        let mut pairs = records.collect::<Result<Vec<_>, String>>()?;
        if !pairs.is_empty() && !self.state.borrow().has_challenge_secret {
            let mut secret = [0; 32];
            rand::fill(&mut secret).map_err(|_| "the system has no random numbers".to_owned())?;
            let pair = user_record::challenge_secret(&secret, &self.name, now);
            pairs.push(pair.map_err(|error| error.to_string())?);
        }
        Ok(pairs)
    }
}
