//! Files that are looked at from time to time, and what of them is in force.
//!
//! Several files cannot be read in one step, and some writers change them one after the other. So other files are believed
//! when two looks agree, and a set that is wrong is given one more look before it is called so. It is called so once, and
//! judged again with every look: what is not valid yet will be.

use crate::process::config::{Fault, Faults};

/// What a look at the files came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Reload {
    /// They are those in force.
    Unchanged,
    /// They are still being written, or do not fit together yet: look again soon.
    Unsettled,
    /// They are in force; this about them is allowed but risky.
    Loaded(Vec<Fault>),
    /// They are wrong or gone; the old ones stay.
    Refused(Faults),
    /// They are still wrong in the same way.
    StillRefused,
}

/// What is known of the files: `F` tells their contents from others.
#[derive(Debug)]
pub(super) struct Watched<F> {
    in_force: F,
    /// Others, which the last look found.
    next: Option<F>,
    /// The last look found a set that is wrong for the first time.
    wrong_before: bool,
    /// Why what is on disk is not in force, as long as it is wrong.
    faults: Option<Faults>,
}

impl<F: PartialEq> Watched<F> {
    /// Files that are in force, and stand on disk.
    pub(super) fn new(in_force: F) -> Self {
        Self { in_force, next: None, wrong_before: false, faults: None }
    }

    /// A look has found these files, of which `build` makes what `put` puts in force. With `at_once` a set that is wrong is
    /// refused at its first look.
    pub(super) fn look<T>(
        &mut self,
        found: F,
        at_once: bool,
        build: impl FnOnce() -> Result<(T, Vec<Fault>), Faults>,
        put: impl FnOnce(T),
    ) -> Reload {
        if found == self.in_force && self.faults.is_none() {
            (self.next, self.wrong_before) = (None, false);
            return Reload::Unchanged;
        }
        if self.next.as_ref() != Some(&found) {
            self.next = Some(found);
            return Reload::Unsettled;
        }
        match build() {
            Ok((built, warnings)) => {
                put(built);
                *self = Self::new(found);
                Reload::Loaded(warnings)
            }
            Err(faults) if self.faults.as_ref() == Some(&faults) => Reload::StillRefused,
            Err(_) if !at_once && !self.wrong_before => {
                self.wrong_before = true;
                Reload::Unsettled
            }
            Err(faults) => {
                self.faults = Some(faults.clone());
                Reload::Refused(faults)
            }
        }
    }

    /// Whether what is on disk is wrong, and something else therefore in force.
    pub(super) fn is_refused(&self) -> bool {
        self.faults.is_some()
    }
}
