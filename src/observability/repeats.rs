//! Keeping repeated warnings from filling a log.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Most keys remembered at a time.
const MAX_KEYS: usize = 1024;

/// Lets the first of many like warnings pass, then one each interval, which tells how many were held back.
///
/// ```
/// # use std::time::{Duration, Instant};
/// # use doorkeeper::observability::repeats::Repeats;
/// let repeats = Repeats::new(Duration::from_secs(10));
/// if let Some(suppressed) = repeats.admit("no certificate", Instant::now()) {
///     println!("a client showed no certificate ({suppressed} more like this before)");
/// }
/// ```
#[derive(Debug)]
pub struct Repeats<K> {
    interval: Duration,
    kinds: Mutex<Kinds<K>>,
}

#[derive(Debug)]
struct Kinds<K> {
    seen: HashMap<K, Seen>,
    /// When there are [`MAX_KEYS`]: the time before which looking for a stale one is in vain.
    full_until: Option<Instant>,
}

#[derive(Debug)]
struct Seen {
    last: Instant,
    suppressed: u64,
}

impl<K: Hash + Eq> Repeats<K> {
    /// One warning of a kind each `interval`.
    pub fn new(interval: Duration) -> Self {
        Self { interval, kinds: Mutex::new(Kinds { seen: HashMap::new(), full_until: None }) }
    }

    /// Whether a warning of this kind may pass now, and if so how many were held back since the last that did.
    ///
    /// Keys are best a closed set. If not, a thousand are told apart; while all of those are fresh the warnings
    /// of any further kind are held back.
    pub fn admit(&self, key: K, now: Instant) -> Option<u64> {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        if !kinds.seen.contains_key(&key) && !kinds.make_room(self.interval, now) {
            return None;
        }
        match kinds.seen.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert(Seen { last: now, suppressed: 0 });
                Some(0)
            }
            Entry::Occupied(mut entry) => {
                let kind = entry.get_mut();
                if now.saturating_duration_since(kind.last) < self.interval {
                    kind.suppressed += 1;
                    return None;
                }
                kind.last = now;
                Some(std::mem::take(&mut kind.suppressed))
            }
        }
    }
}

/// Lets only so many warnings of a kind pass in each interval, whatever else tells them apart.
///
/// The kinds are a closed set: each is remembered for good.
#[derive(Debug)]
pub struct Rate<K> {
    interval: Duration,
    most: u32,
    kinds: Mutex<HashMap<K, Passed>>,
}

#[derive(Debug)]
struct Passed {
    since: Instant,
    count: u32,
    suppressed: u64,
}

impl<K: Hash + Eq> Rate<K> {
    /// `most` warnings of a kind each `interval`.
    pub fn new(interval: Duration, most: u32) -> Self {
        Self { interval, most, kinds: Mutex::new(HashMap::new()) }
    }

    /// Whether one more may pass now, and if so how many were held back since the last that did.
    pub fn admit(&self, kind: K, now: Instant) -> Option<u64> {
        self.admit_if(kind, now, || Some(())).map(|((), suppressed)| suppressed)
    }

    /// As [`Rate::admit`], if `further` admits it too, which is asked only when one more may pass.
    pub fn admit_if<T>(
        &self,
        kind: K,
        now: Instant,
        further: impl FnOnce() -> Option<T>,
    ) -> Option<(T, u64)> {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = kinds.entry(kind).or_insert(Passed { since: now, count: 0, suppressed: 0 });
        if now.saturating_duration_since(passed.since) >= self.interval {
            (passed.since, passed.count) = (now, 0);
        }
        if passed.count >= self.most {
            passed.suppressed += 1;
            return None;
        }
        let further = further()?;
        passed.count += 1;
        Some((further, std::mem::take(&mut passed.suppressed)))
    }
}

impl<K: Hash + Eq> Kinds<K> {
    /// Whether there is room for one more key, after the stale ones have gone if need be.
    fn make_room(&mut self, interval: Duration, now: Instant) -> bool {
        if self.seen.len() < MAX_KEYS {
            return true;
        }
        if self.full_until.is_some_and(|until| now < until) {
            return false;
        }
        self.seen.retain(|_, kind| now.saturating_duration_since(kind.last) < interval);
        self.full_until = self.seen.values().map(|kind| kind.last + interval).min();
        self.seen.len() < MAX_KEYS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(10);

    #[test]
    fn one_passes_each_interval_and_tells_of_the_others() {
        let repeats = Repeats::new(INTERVAL);
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(repeats.admit("timeout", start), Some(0));
        assert_eq!(repeats.admit("timeout", after(1)), None);
        assert_eq!(repeats.admit("timeout", after(9)), None);
        assert_eq!(repeats.admit("expired", after(9)), Some(0), "kinds are apart");
        assert_eq!(repeats.admit("timeout", after(10)), Some(2));
        assert_eq!(repeats.admit("timeout", after(11)), None);
        assert_eq!(repeats.admit("timeout", after(30)), Some(1));
        assert_eq!(repeats.admit("timeout", start), None, "an older clock reading is no new interval");
    }

    #[test]
    fn only_so_many_of_a_kind_pass_in_an_interval() {
        let rate = Rate::new(INTERVAL, 3);
        let start = Instant::now();
        let passed = |seconds, count| {
            let now = start + Duration::from_secs(seconds);
            (0..count).filter_map(|_| rate.admit("eof", now)).collect::<Vec<u64>>()
        };
        assert_eq!(passed(0, 100), [0, 0, 0]);
        assert_eq!(rate.admit("timeout", start), Some(0), "kinds are apart");
        assert_eq!(passed(9, 5), [0; 0]);
        assert_eq!(passed(10, 5), [102, 0, 0]);
        assert_eq!(passed(30, 1), [2]);
    }

    #[test]
    fn a_flood_of_kinds_takes_no_more_memory_and_room_is_made_in_time() {
        let repeats = Repeats::new(INTERVAL);
        let start = Instant::now();
        let admitted = (0..100_000).filter(|&kind| repeats.admit(kind, start).is_some()).count();
        assert_eq!(admitted, MAX_KEYS);
        assert_eq!(repeats.admit(100_000, start + INTERVAL), Some(0));
        assert_eq!(repeats.kinds.lock().unwrap().seen.len(), 1);
    }
}
