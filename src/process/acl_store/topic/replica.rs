//! The sets, of bindings and of users, that the records up to some offset make.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use super::batch::{BadBatch, Batch, Read};
use super::record::{self, Corrupt};
use super::user_record::{self, UserSet};
use crate::model::acl::Binding;

/// A set that grows with the log. It begins empty at the log's beginning.
///
/// A record that cannot be understood counts for as long as no later one has the same key: so an operator can mend the topic
/// by writing a record with that key and no value. Until then there is no set, for half of one could allow what all of it
/// denies.
#[derive(Debug, Default)]
pub(super) struct Replica {
    bindings: HashSet<Arc<Binding>>,
    users: UserSet,
    refused: BTreeMap<Box<[u8]>, Refused>,
    /// The offset after the last record.
    pub(super) next: i64,
}

/// A record that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) offset: i64,
    pub(super) why: Corrupt,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the record at offset {}: {}", self.offset, self.why)
    }
}

impl Replica {
    /// The empty set, before the record at `start`.
    pub(super) fn starting_at(start: i64) -> Replica {
        Replica { next: start, ..Replica::default() }
    }

    /// Adds what comes next.
    ///
    /// # Errors
    /// A batch that cannot be read; nothing after it is.
    pub(super) fn apply(
        &mut self,
        batches: impl Iterator<Item = Result<Batch, BadBatch>>,
    ) -> Result<(), BadBatch> {
        for batch in batches {
            let batch = batch?;
            for record in &batch.records {
                // What is asked for from within a batch comes as the whole batch.
                if record.offset >= self.next {
                    self.apply_record(record);
                }
            }
            self.next = self.next.max(batch.next);
        }
        Ok(())
    }

    /// The set, or the first of the records that keep it from being one.
    ///
    /// # Errors
    /// A record that cannot be understood.
    pub(super) fn bindings(&self) -> Result<&HashSet<Arc<Binding>>, &Refused> {
        match self.refused.values().min_by_key(|refused| refused.offset) {
            None => Ok(&self.bindings),
            Some(first) => Err(first),
        }
    }

    /// The users; they count where [`bindings`](Self::bindings) are a set.
    pub(super) fn users(&self) -> &UserSet {
        &self.users
    }

    fn apply_record(&mut self, record: &Read) {
        let key = record.key.as_deref().unwrap_or_default();
        self.refused.remove(key);
        if record::version(key) == Some(user_record::VERSION) {
            match self.users.apply(key, record.value.as_deref()) {
                Err(why) if record.value.is_some() => self.refuse(key, record.offset, why),
                _ => {}
            }
            return;
        }
        match (record::read_key(key), &record.value) {
            (Ok(binding), None) => drop(self.bindings.remove(&binding)),
            // The end of what is not in the set, such as of a newer doorkeeper's binding.
            (Err(_), None) => {}
            (Ok(binding), Some(value)) => match record::read_value(value) {
                Ok(()) => drop(self.bindings.insert(Arc::new(binding))),
                Err(why) => self.refuse(key, record.offset, why),
            },
            (Err(why), Some(_)) => self.refuse(key, record.offset, why),
        }
    }

    fn refuse(&mut self, key: &[u8], offset: i64, why: Corrupt) {
        self.refused.insert(key.into(), Refused { offset, why });
    }
}

#[cfg(test)]
mod tests;
