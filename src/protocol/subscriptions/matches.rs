//! What patterns cover, so that it is not worked out with every heartbeat.

use std::collections::HashMap;
use std::mem::take;
use std::sync::Arc;

use crate::protocol::wire::Str;

/// What may be kept of patterns that were asked for lately, in bytes; as much again of those before.
const MOST: usize = 2 * 1024 * 1024;
/// What one takes besides, in bytes, roughly.
const ENTRY: usize = 128;

/// The places of the topics that a pattern covers, or why it is no pattern that can be matched, in words.
pub type Covered = Result<Arc<[u32]>, &'static str>;

/// Patterns asked for lately, and before. Whatever nobody asks for is gone when twice as much as fits was new. To push out
/// another's costs no more than to work it out again.
#[derive(Default)]
pub(super) struct Matches {
    lately: HashMap<Str, (u64, Covered)>,
    before: HashMap<Str, (u64, Covered)>,
    held: usize,
}

impl Matches {
    /// What the pattern covers of the topics of this number.
    pub(super) fn find(&mut self, pattern: &str, topics: u64) -> Option<Covered> {
        if let Some((of, covered)) = self.lately.get(pattern) {
            return (*of == topics).then(|| covered.clone());
        }
        let (pattern, (of, covered)) = self.before.remove_entry(pattern)?;
        if of != topics {
            return None;
        }
        self.keep(pattern, topics, covered.clone());
        Some(covered)
    }

    pub(super) fn keep(&mut self, pattern: Str, topics: u64, covered: Covered) {
        let size = size(&pattern, &covered);
        if size > MOST {
            return;
        }
        if self.held + size > MOST {
            (self.before, self.held) = (take(&mut self.lately), 0);
        }
        self.held += size;
        // A key that is there already stays the one that it was.
        if let Some((_, old)) = self.lately.insert(pattern.clone(), (topics, covered)) {
            self.held = self.held.saturating_sub(self::size(&pattern, &old));
        }
    }
}

fn size(pattern: &str, covered: &Covered) -> usize {
    ENTRY + pattern.len() + covered.as_ref().map_or(0, |places| size_of_val(&**places))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays_and_memory_is_bounded() {
        let mut matches = Matches::default();
        let places: Covered = Ok((0..1000).collect());
        matches.keep("wanted".into(), 1, places.clone());
        for n in 0..10_000 {
            matches.keep(format!("{n}").into(), 1, places.clone());
            assert_eq!(matches.find("wanted", 1), Some(places.clone()));
            assert!(matches.held <= MOST && matches.lately.len() + matches.before.len() <= 2 * MOST / 4000);
        }
        assert_eq!(matches.find("0", 1), None);
        assert_eq!(matches.find("wanted", 2), None, "of other topics");
        matches.keep("wanted".into(), 2, Err("not now"));
        assert_eq!(matches.find("wanted", 2), Some(Err("not now")));
        matches.keep("large".into(), 2, Ok((0..1_000_000).collect()));
        assert_eq!(matches.find("large", 2), None);
    }
}
