//! The ACL file as the source of the bindings: read at the start, and again when it changes.
//!
//! The path is opened anew for each look, so that Kubernetes' way of swapping a folder behind a symbolic link is seen
//! as well.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::{Bindings, MAX_BYTES, parse};
use crate::process::acl_store::in_force::InForce;
use crate::process::acl_store::{Reload, unix_now};
use crate::process::config::Faults;
use crate::process::config::document::read_text;

/// A file with bindings, as far as it is known.
#[derive(Debug)]
pub(in crate::process::acl_store) struct FileSource {
    path: PathBuf,
    seen: Mutex<Seen>,
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

impl FileSource {
    /// Reads the file.
    ///
    /// # Errors
    /// Every fault in it.
    pub(in crate::process::acl_store) fn open(path: PathBuf) -> Result<(FileSource, Bindings), Faults> {
        let text = read_text(&path, MAX_BYTES)?;
        let read = parse(&path, text.clone())?;
        let seen = Mutex::new(Seen { text: Some(text), faults: None, last_success_unix: unix_now() });
        Ok((FileSource { path, seen }, read))
    }

    /// Whether the file was right when it was last looked at, and when it last was, in seconds since 1970.
    pub(in crate::process::acl_store) fn status(&self) -> (bool, i64) {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        (seen.faults.is_none(), seen.last_success_unix)
    }

    /// Looks at the file now, and puts what it says in force.
    pub(in crate::process::acl_store) fn reload(&self, in_force: &InForce) -> Reload {
        // Held to the end: of two looks at one time the later one must not put the older text in force.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let text = match read_text(&self.path, MAX_BYTES) {
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
        let read = match parse(&self.path, text) {
            Ok(read) => read,
            Err(faults) => return seen.refuse(faults),
        };
        in_force.replace(read.bindings);
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
