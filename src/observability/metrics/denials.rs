//! Denials by principal, for whoever asks for them: the one label that is not a closed set, and therefore bounded here.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use prometheus::{IntCounter, IntCounterVec, Result};

use super::families::Families;

/// Everybody for whom there was no room.
pub const OTHERS: &str = "__other__";
/// The longest name that is a label; longer ones are cut.
const LONGEST: usize = 200;

/// Counts denials of the principals that were denied first, and those of all others together.
#[derive(Debug)]
pub(super) struct Denials {
    family: IntCounterVec,
    most: usize,
    by_principal: Mutex<HashMap<String, IntCounter>>,
    others: IntCounter,
}

impl Denials {
    /// For so many principals.
    pub(super) fn new(families: &Families<'_>, most: usize) -> Result<Self> {
        let family = families.counters(
            "authorization_denials_by_principal_total",
            "Denied decisions by principal.",
            &["principal"],
        )?;
        let others = family.with_label_values(&[OTHERS]);
        Ok(Self { family, most, by_principal: Mutex::default(), others })
    }

    /// A principal that has its series keeps it: a counter that goes and comes again would count from nothing.
    pub(super) fn denied(&self, principal: &str, count: u64) {
        let mut by_principal = self.by_principal.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counter) = by_principal.get(principal) {
            counter.inc_by(count);
        } else if by_principal.len() < self.most {
            let label: String = principal.chars().take(LONGEST).collect();
            let counter = self.family.with_label_values(&[&label]);
            counter.inc_by(count);
            by_principal.insert(principal.to_owned(), counter);
        } else {
            self.others.inc_by(count);
        }
    }
}
