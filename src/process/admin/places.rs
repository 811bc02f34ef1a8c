//! Who may have a connection to the admin endpoint, and whose ends when there are too many.
//!
//! A probe comes from an address that nobody knows beforehand, and which page a connection wants is known only after it
//! has spoken. So places are shared out by address: when all are taken, the address with the most of them gives its oldest
//! back. Whoever has one or two is not touched while others have more.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::origin::Origin;

/// The connections there are, by where they come from; `T` is what ends one.
#[derive(Debug)]
pub(super) struct Places<T> {
    most: usize,
    next: u64,
    all: BTreeMap<u64, (Origin, T)>,
    /// The numbers of each origin's connections, the oldest first.
    origins: HashMap<Origin, BTreeSet<u64>>,
    /// The origins, by how many they have and since when they have the oldest: the last is the first to give one back.
    by_count: BTreeSet<(usize, std::cmp::Reverse<u64>, Origin)>,
}

impl<T> Places<T> {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            next: 0,
            all: BTreeMap::new(),
            origins: HashMap::new(),
            by_count: BTreeSet::new(),
        }
    }

    /// Makes room for one more if there is none; what this gives is to be ended.
    pub(super) fn make_room(&mut self) -> Option<T> {
        (self.all.len() >= self.most).then(|| self.give_back()).flatten()
    }

    /// Takes a place back from whoever has the most of them; what this gives is to be ended.
    pub(super) fn give_back(&mut self) -> Option<T> {
        let (_, _, origin) = self.by_count.last()?;
        let oldest = *self.origins.get(origin)?.first()?;
        self.leave(oldest)
    }

    /// The number of the next connection.
    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// The connection of this number has a place.
    pub(super) fn fill(&mut self, number: u64, origin: Origin, end: T) {
        self.all.insert(number, (origin, end));
        self.change(origin, |numbers| {
            numbers.insert(number);
        });
    }

    /// The connection has ended.
    pub(super) fn leave(&mut self, number: u64) -> Option<T> {
        let (origin, end) = self.all.remove(&number)?;
        self.change(origin, |numbers| {
            numbers.remove(&number);
        });
        Some(end)
    }

    fn change(&mut self, origin: Origin, f: impl FnOnce(&mut BTreeSet<u64>)) {
        let numbers = self.origins.entry(origin).or_default();
        let key = |numbers: &BTreeSet<u64>| {
            numbers.first().map(|oldest| (numbers.len(), std::cmp::Reverse(*oldest), origin))
        };
        if let Some(before) = key(numbers) {
            self.by_count.remove(&before);
        }
        f(numbers);
        match key(numbers) {
            Some(after) => {
                self.by_count.insert(after);
            }
            None => {
                self.origins.remove(&origin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn origin(text: &str) -> Origin {
        text.parse::<IpAddr>().unwrap().into()
    }

    struct Door(Places<String>);

    impl Door {
        /// Lets one in; says who has to leave.
        fn open(&mut self, from: &str) -> Option<String> {
            let ended = self.0.make_room();
            let number = self.0.number();
            self.0.fill(number, origin(from), format!("{from}#{number}"));
            ended
        }
    }

    #[test]
    fn who_has_few_places_keeps_them_however_many_others_want() {
        let mut door = Door(Places::new(8));
        assert_eq!(door.open("10.0.0.1"), None);
        for number in 0..8000 {
            let ended = door.open(["10.0.0.2", "10.0.0.3"][number % 2]);
            assert!(!ended.is_some_and(|ended| ended.starts_with("10.0.0.1#")), "{number}");
        }
        assert_eq!(door.0.all.len(), 8);
        assert!(door.0.origins.len() == 3 && door.0.by_count.len() == 3);
    }

    #[test]
    fn one_address_has_all_places_until_somebody_else_wants_one() {
        let mut door = Door(Places::new(3));
        let ended: Vec<_> = (0..5).map(|_| door.open("10.0.0.2")).collect();
        assert_eq!(ended, [None, None, None, Some("10.0.0.2#1".to_owned()), Some("10.0.0.2#2".to_owned())]);
        assert_eq!(door.open("10.0.0.1"), Some("10.0.0.2#3".to_owned()));
    }

    #[test]
    fn among_equals_the_oldest_leaves() {
        let mut door = Door(Places::new(3));
        for from in ["10.0.0.3", "10.0.0.1", "10.0.0.2"] {
            assert_eq!(door.open(from), None);
        }
        assert_eq!(door.open("10.0.0.4"), Some("10.0.0.3#1".to_owned()));
        assert_eq!(door.open("10.0.0.5"), Some("10.0.0.1#2".to_owned()));
        assert_eq!(door.0.leave(3), Some("10.0.0.2#3".to_owned()));
        assert_eq!(door.0.leave(3), None, "once");
        assert_eq!(door.open("10.0.0.6"), None);
    }
}
