//! The bindings in force: read from the ACL file, and read again when the file changes.
//!
//! A new set replaces the old one as a whole, under the next generation number. A file that is wrong or gone
//! changes nothing: the set that was loaded last stays in force until there is a right one. The path is opened
//! anew for each look, so that Kubernetes' way of swapping a folder behind a symbolic link is seen as well.

pub mod file;
mod in_force;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::config::document::read_text;
use super::config::{Authorization, Fault, Faults};
use crate::words::acl::{Change, Changed, Settings, Unchanged};

pub use in_force::Generation;
use in_force::InForce;

/// What metrics and `/readyz` show of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// How many bindings are in force.
    pub bindings: usize,
    /// The number of the set that is in force.
    pub generation: u64,
    /// Whether the file was right when it was last looked at.
    pub last_reload_ok: bool,
    /// When the file was last found right, changed or not, in seconds since 1970.
    pub last_success_unix: i64,
}

/// What came of a look at the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reload {
    /// The file is as it was.
    Unchanged,
    /// A new set is in force; this in the file may be a mistake.
    Loaded(Vec<Fault>),
    /// The file is wrong or gone; the old set stays.
    Refused(Faults),
    /// The file is still wrong in the same way, or still gone.
    StillRefused,
}

/// The bindings in force. Reading never waits.
#[derive(Debug)]
pub struct AclStore {
    /// Without a file the first set, an empty one, is the last.
    path: Option<PathBuf>,
    in_force: InForce,
    seen: Mutex<Seen>,
    /// What the file of the start said that may be a mistake.
    warnings: Vec<Fault>,
}

/// What the last looks at the file gave.
#[derive(Debug)]
struct Seen {
    /// The text that was read last, right or wrong; `None` when there was none to read.
    text: Option<String>,
    /// Why the file is refused, as long as it is.
    faults: Option<Faults>,
    last_success_unix: i64,
}

impl AclStore {
    /// Reads the ACL file that the configuration names, if it names one.
    ///
    /// # Errors
    /// Every fault in the file.
    pub fn open(authorization: &Authorization) -> Result<AclStore, Faults> {
        let settings = Settings {
            super_users: authorization.super_users.clone(),
            allow_everyone_if_no_acl_found: authorization.allow_everyone_if_no_acl_found,
            ..Settings::default()
        };
        let path = authorization.acls.as_ref().map(|acls| acls.file.clone());
        let (text, read) = match &path {
            Some(path) => {
                let text = read_text(path, file::MAX_BYTES)?;
                (Some(text.clone()), file::parse(path, text)?)
            }
            None => (None, file::Bindings::default()),
        };
        Ok(AclStore {
            path,
            in_force: InForce::new(read.bindings, settings),
            seen: Mutex::new(Seen { text, faults: None, last_success_unix: unix_now() }),
            warnings: read.warnings,
        })
    }

    /// The set in force.
    pub fn current(&self) -> Arc<Generation> {
        self.in_force.current()
    }

    /// The number of the set in force: one load, to find out for each request whether a view is still good.
    pub fn generation(&self) -> u64 {
        self.in_force.number()
    }

    /// Changes the bindings; returns when the change lasts and is in force here.
    ///
    /// # Errors
    /// When nothing was changed, or it is unknown whether it was.
    pub async fn change(self: Arc<Self>, _change: Change) -> Result<Changed, Unchanged> {
        Err(Unchanged::ReadOnly("the ACLs of this doorkeeper are read from a file: change that".to_owned()))
    }

    /// What in the file of the start may be a mistake.
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }

    /// What metrics and `/readyz` show.
    pub fn status(&self) -> Status {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.current();
        Status {
            bindings: current.authorizer.bindings().len(),
            generation: current.number,
            last_reload_ok: seen.faults.is_none(),
            last_success_unix: seen.last_success_unix,
        }
    }

    /// Looks at the file now. Blocks for as long as reading and indexing take.
    ///
    /// Each distinct fault is refused once and then only still refused, so that it is logged once.
    pub fn reload(&self) -> Reload {
        let Some(path) = &self.path else { return Reload::Unchanged };
        // Held to the end: of two looks at one time the later one must not put the older text in force.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let text = match read_text(path, file::MAX_BYTES) {
            Ok(text) => text,
            Err(fault) => {
                seen.text = None;
                return seen.refuse(fault.into());
            }
        };
        if seen.text.as_ref() == Some(&text) {
            if seen.faults.is_some() {
                return Reload::StillRefused;
            }
            seen.last_success_unix = unix_now();
            return Reload::Unchanged;
        }
        seen.text = Some(text.clone());
        let read = match file::parse(path, text) {
            Ok(read) => read,
            Err(faults) => return seen.refuse(faults),
        };
        self.in_force.replace(read.bindings);
        seen.faults = None;
        seen.last_success_unix = unix_now();
        Reload::Loaded(read.warnings)
    }
}

impl Seen {
    fn refuse(&mut self, faults: Faults) -> Reload {
        if self.faults.as_ref() == Some(&faults) {
            return Reload::StillRefused;
        }
        self.faults = Some(faults.clone());
        Reload::Refused(faults)
    }
}

fn unix_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
