//! The topics of a session, divided into what the broker's session holds and what is refused.
//!
//! A session's membership is access to data: a request that names no topic gets the records of all that the session holds. So
//! what the client may not read is kept out of the broker's session, and stands here to be answered with errors.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::hash::Hash;

/// How many partitions a session may have. A broker leads some thousands; and a broker too may decline to make a session.
const MOST_PARTITIONS: usize = 100_000;
/// The most bytes that a session may take.
const MOST_HELD: usize = 16 * 1024 * 1024;

/// A kind of session.
pub trait Kind {
    /// How it names a topic.
    type Topic: Clone + Ord + Hash + Debug;
    /// What is kept of a topic that the client may read.
    type Name: Debug;
    /// What the client last asked of a partition.
    type Asked: Debug;
    /// Why a topic's partitions are refused.
    type Refusal: Debug;
    /// What a topic takes in memory, and each of its partitions, in bytes, roughly.
    const COSTS: (usize, usize);

    /// A copy that holds on to nothing of the request.
    fn kept_topic(topic: &Self::Topic) -> Self::Topic;
    /// The same of a name.
    fn kept_name(name: &Self::Name) -> Self::Name;
}

/// Partitions by their index.
pub type Partitions<K> = BTreeMap<i32, <K as Kind>::Asked>;

/// The topics of a session.
#[derive(Debug)]
pub struct Division<K: Kind> {
    /// What the broker's session holds.
    held: HashMap<K::Topic, (K::Name, Partitions<K>)>,
    /// What the client believes to be in its session, and gets an error for.
    refused: BTreeMap<K::Topic, (K::Refusal, Partitions<K>)>,
    /// How many partitions are in both: counted along, since it is asked for with every request.
    partitions: usize,
}

/// What has moved when a session was divided anew.
#[derive(Debug)]
pub struct Moved<K: Kind> {
    /// What the broker's session must hold from now on.
    pub again: Vec<(K::Topic, Vec<i32>)>,
    /// What it must not hold any more.
    pub denied: Vec<(K::Topic, Vec<i32>)>,
}

impl<K: Kind> Moved<K> {
    /// Whether nothing has.
    pub fn is_empty(&self) -> bool {
        self.again.is_empty() && self.denied.is_empty()
    }
}

impl<K: Kind> Default for Division<K> {
    fn default() -> Self {
        Self { held: HashMap::new(), refused: BTreeMap::new(), partitions: 0 }
    }
}

impl<K: Kind> Division<K> {
    /// Adds partitions of a topic, or updates what was asked of them, by what is said of it: its name if the client may read it.
    /// What was refused of it stays so until [`Division::divide`] finds otherwise. Whether none of them was there before.
    pub fn add(
        &mut self,
        topic: &K::Topic,
        judged: Result<&K::Name, K::Refusal>,
        partitions: impl Iterator<Item = (i32, K::Asked)>,
    ) -> bool {
        let there = match judged {
            Ok(name) => match self.held.get_mut(topic) {
                Some((_, held)) => held,
                None => {
                    let none = || (K::kept_name(name), Partitions::<K>::new());
                    &mut self.held.entry(K::kept_topic(topic)).or_insert_with(none).1
                }
            },
            Err(refusal) => match self.refused.get_mut(topic) {
                Some((known, refused)) => {
                    *known = refusal;
                    refused
                }
                None => {
                    let none = || (refusal, Partitions::<K>::new());
                    &mut self.refused.entry(K::kept_topic(topic)).or_insert_with(none).1
                }
            },
        };
        let before = there.len();
        let mut all_new = true;
        for (index, asked) in partitions {
            all_new &= there.insert(index, asked).is_none();
        }
        self.partitions += there.len() - before;
        all_new
    }

    /// Takes partitions out of what is refused of a topic: they are asked for anew.
    pub fn ask_anew(&mut self, topic: &K::Topic, partitions: impl Iterator<Item = i32>) {
        let Some((_, refused)) = self.refused.get_mut(topic) else { return };
        self.partitions -= partitions.filter(|index| refused.remove(index).is_some()).count();
    }

    /// Removes partitions that the client forgets.
    pub fn forget(&mut self, topic: &K::Topic, partitions: &[i32]) {
        let mut removed = 0;
        let mut gone = |left: &mut Partitions<K>| {
            removed += partitions.iter().filter(|index| left.remove(index).is_some()).count();
            left.is_empty()
        };
        let held_gone = self.held.get_mut(topic).is_some_and(|(_, held)| gone(held));
        let refused_gone = self.refused.get_mut(topic).is_some_and(|(_, refused)| gone(refused));
        self.partitions -= removed;
        if held_gone {
            self.held.remove(topic);
        }
        if refused_gone {
            self.refused.remove(topic);
        }
    }

    /// Divides the session anew by what `judge` says of each topic, whose name it gets if it is known, and the number of its
    /// partitions: of all topics when `all` is set, else of those that were refused.
    pub fn divide(
        &mut self,
        all: bool,
        mut judge: impl FnMut(&K::Topic, Option<&K::Name>, usize) -> Result<K::Name, K::Refusal>,
    ) -> Moved<K> {
        let mut moved = Moved { again: Vec::new(), denied: Vec::new() };
        if all {
            let no_more = |(topic, (name, partitions)): (&K::Topic, &(K::Name, Partitions<K>))| {
                let refusal = judge(topic, Some(name), partitions.len()).err()?;
                Some((topic.clone(), refusal))
            };
            let no_more: Vec<_> = self.held.iter().filter_map(no_more).collect();
            for (topic, refusal) in no_more {
                let held = self.held.remove(&topic).map(|(_, held)| held).unwrap_or_default();
                moved.denied.push((topic.clone(), held.keys().copied().collect()));
                let none = || (refusal, Partitions::<K>::new());
                let (_, refused) = self.refused.entry(topic).or_insert_with(none);
                // What the client asked for in this request is newer.
                for (index, asked) in held {
                    refused.entry(index).or_insert(asked);
                }
            }
        }
        for (topic, (_, partitions)) in std::mem::take(&mut self.refused) {
            match judge(&topic, None, partitions.len()) {
                Err(refusal) => drop(self.refused.insert(topic, (refusal, partitions))),
                Ok(_) if partitions.is_empty() => {}
                Ok(name) => {
                    moved.again.push((topic.clone(), partitions.keys().copied().collect()));
                    let none = || (name, Partitions::<K>::new());
                    self.held.entry(topic).or_insert_with(none).1.extend(partitions);
                }
            }
        }
        // A partition of both is one now.
        if !moved.is_empty() {
            self.partitions = self.count();
        }
        moved
    }

    /// What the broker's session holds.
    pub fn held(&self) -> impl Iterator<Item = (&K::Topic, &K::Name, &Partitions<K>)> {
        self.held.iter().map(|(topic, (name, partitions))| (topic, name, partitions))
    }

    /// What the broker's session holds of a topic.
    pub fn held_of(&self, topic: &K::Topic) -> Option<&Partitions<K>> {
        self.held.get(topic).map(|(_, partitions)| partitions)
    }

    /// What is refused, and why.
    pub fn refused(&self) -> impl Iterator<Item = (&K::Topic, &K::Refusal, &Partitions<K>)> {
        self.refused.iter().map(|(topic, (refusal, partitions))| (topic, refusal, partitions))
    }

    /// Whether the broker's session holds nothing.
    pub fn holds_nothing(&self) -> bool {
        self.held.is_empty()
    }

    /// Whether anything is refused.
    pub fn has_refusals(&self) -> bool {
        !self.refused.is_empty()
    }

    /// Whether it has more partitions than one may have.
    pub fn is_too_large(&self) -> bool {
        self.partitions > MOST_PARTITIONS || self.size() > MOST_HELD
    }

    /// How many bytes it takes, roughly.
    pub fn size(&self) -> usize {
        debug_assert_eq!(self.partitions, self.count());
        let (topic, partition) = K::COSTS;
        (self.held.len() + self.refused.len()) * topic + self.partitions * partition
    }

    fn count(&self) -> usize {
        let held = self.held.values().map(|(_, held)| held.len());
        held.chain(self.refused.values().map(|(_, refused)| refused.len())).sum()
    }
}
