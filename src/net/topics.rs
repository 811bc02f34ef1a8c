//! The names of topic ids, shared by all connections to one cluster.

use dashmap::{DashMap, DashSet};

use crate::protocol::access::TopicNames;
use crate::protocol::wire::{Str, Uuid};

/// How many topic ids are remembered. A cluster has far fewer; what is forgotten is asked for again.
const MOST: usize = 100_000;

/// The names of topic ids. An id is never used twice and a topic cannot be renamed: an entry never becomes wrong.
#[derive(Default)]
pub struct Topics {
    names: DashMap<Uuid, Str>,
    /// The same names, to find out whether there is a topic that is called so.
    existing: DashSet<Str>,
}

impl Topics {
    /// Whether the broker has told of a topic that is called so; it may have been deleted since.
    pub fn exists(&self, name: &str) -> bool {
        self.existing.contains(name)
    }
}

impl TopicNames for Topics {
    fn name(&self, id: &Uuid) -> Option<Str> {
        self.names.get(id).map(|name| name.clone())
    }

    fn learn(&self, id: Uuid, name: &str) {
        if id.is_zero() || self.names.contains_key(&id) {
            return;
        }
        if self.names.len() >= MOST {
            self.names.clear();
            self.existing.clear();
        }
        // A copy: a slice would keep the whole answer alive that it came in.
        let name = Str::from(name);
        self.existing.insert(name.clone());
        self.names.insert(id, name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zero_id_is_never_learnt_and_memory_is_bounded() {
        let topics = Topics::default();
        topics.learn(Uuid::ZERO, "none");
        assert_eq!(topics.name(&Uuid::ZERO), None);
        for n in 0..(MOST as u128 + 2) {
            topics.learn(Uuid((n + 1).to_be_bytes()), "t");
        }
        assert!(topics.names.len() <= MOST);
        assert!(topics.exists("t") && !topics.exists("none"));
        assert_eq!(topics.name(&Uuid((MOST as u128 + 2).to_be_bytes())).as_deref(), Some("t"));
    }
}
