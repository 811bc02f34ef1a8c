//! What a connection remembers of the sessions that were made on it: some of them, by the names by which they are found; and what
//! fetch sessions and share sessions have in common.

mod division;

pub use division::{Division, Kind, Moved, Partitions};

/// A session that can be remembered.
pub trait Session {
    /// How many bytes it takes, roughly.
    fn size(&self) -> usize;
}

/// Sessions by their keys, in the order in which they were last used. A connection has few, so they are looked for one by one.
pub struct Sessions<K, S> {
    /// Each with the size that it had when it was put in.
    entries: Vec<(K, S, usize)>,
    most: usize,
    size: usize,
}

impl<K: PartialEq, S: Session> Sessions<K, S> {
    /// Room for so many.
    pub fn of_at_most(most: usize) -> Self {
        Self { entries: Vec::new(), most, size: 0 }
    }

    /// The session of this key. That is no use of it: a request takes its session out and puts it in again.
    pub fn get(&self, key: &K) -> Option<&S> {
        self.entries.iter().find(|(known, ..)| known == key).map(|(_, session, _)| session)
    }

    /// Puts a session in. What was there under its key is returned, or else the one that makes room where there was none: the one
    /// that was used the longest time ago, as in Kafka's caches (`FetchSessionCache`).
    pub fn insert(&mut self, key: K, session: S) -> Option<S> {
        let mut lost = self.remove(&key);
        if lost.is_none() && self.entries.len() >= self.most {
            lost = self.take(0);
        }
        let size = session.size();
        self.size += size;
        self.entries.push((key, session, size));
        lost
    }

    /// Takes a session out.
    pub fn remove(&mut self, key: &K) -> Option<S> {
        let place = self.entries.iter().position(|(known, ..)| known == key)?;
        self.take(place)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &S> {
        self.entries.iter().map(|(_, session, _)| session)
    }

    /// How many bytes they take, roughly.
    pub fn size(&self) -> usize {
        self.size
    }

    fn take(&mut self, place: usize) -> Option<S> {
        if place >= self.entries.len() {
            return None;
        }
        let (_, session, size) = self.entries.remove(place);
        self.size -= size;
        Some(session)
    }
}

/// `FetchMetadata.nextEpoch` and `ShareRequestMetadata.nextEpoch`: after the highest epoch comes 1.
pub fn next_epoch(epoch: i32) -> i32 {
    if epoch == i32::MAX { 1 } else { epoch + 1 }
}

#[cfg(test)]
mod tests {
    use super::{Session, Sessions};

    impl Session for &str {
        fn size(&self) -> usize {
            self.len()
        }
    }

    #[test]
    fn the_one_that_was_not_used_for_longest_makes_room() {
        let mut sessions = Sessions::of_at_most(3);
        for (key, session) in [(1, "one"), (2, "two"), (3, "three")] {
            assert_eq!(sessions.insert(key, session), None);
        }
        let used = sessions.remove(&1).unwrap();
        assert_eq!(sessions.insert(1, used), None);
        assert_eq!(sessions.insert(4, "four"), Some("two"), "the first is used more recently");
        assert_eq!(sessions.insert(4, "IV"), Some("four"), "its own place, and nobody else's");
        assert_eq!(sessions.size(), "one".len() + "three".len() + "IV".len());
        assert_eq!((sessions.get(&2), sessions.get(&1)), (None, Some(&"one")));
        for key in [1, 3, 4] {
            sessions.remove(&key);
        }
        assert_eq!((sessions.size(), sessions.remove(&1)), (0, None));
        assert_eq!(Sessions::of_at_most(0).insert(1, "kept all the same"), None);
    }
}
