//! The ACL file as the source of the bindings: read at the start and again when it changes, and written when a client
//! changes the ACLs.
//!
//! The path is opened anew for each look, so that Kubernetes' way of swapping a folder behind a symbolic link is seen
//! as well.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::edit::edited;
use super::replace::{NotReplaced, replace};
use super::{Bindings, MAX_BYTES, Read, parse, read};
use crate::process::acl_store::in_force::InForce;
use crate::process::acl_store::{Reload, unix_now};
use crate::process::config::Faults;
use crate::process::config::document::read_text;
use crate::words::acl::{Binding, Change, Changed, MAX_CHANGES, Unchanged, select};

/// How often a change is begun again because somebody wrote the file meanwhile.
const ATTEMPTS: usize = 5;

/// A file with bindings, as far as it is known.
#[derive(Debug)]
pub(in crate::process::acl_store) struct FileSource {
    path: PathBuf,
    /// Held while the file is looked at or written, which takes a moment.
    seen: Mutex<Seen>,
    /// Whether the file was right when it was last looked at, and when it last was, in seconds since 1970.
    status: Mutex<(bool, i64)>,
}

/// What the last looks at the file gave.
#[derive(Debug)]
struct Seen {
    /// The text that was read last, right or wrong; `None` when there was none to read.
    text: Option<String>,
    /// Why the file is refused, as long as it is.
    faults: Option<Faults>,
    /// What the operator wrote came into force by a change of a client's; the next look tells of it.
    is_news: bool,
}

impl FileSource {
    /// Reads the file.
    ///
    /// # Errors
    /// Every fault in it.
    pub(in crate::process::acl_store) fn open(path: PathBuf) -> Result<(FileSource, Bindings), Faults> {
        let text = read_text(&path, MAX_BYTES)?;
        let read = parse(&path, text.clone())?;
        let seen = Mutex::new(Seen::right(text));
        Ok((FileSource { path, seen, status: Mutex::new((true, unix_now())) }, read))
    }

    /// Whether the file was right when it was last looked at, and when it last was, in seconds since 1970.
    pub(in crate::process::acl_store) fn status(&self) -> (bool, i64) {
        *self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a change in the file, then puts it in force. What the operator has written since the last look is kept, and in
    /// force then as well. Blocks for as long as reading, writing and indexing take.
    ///
    /// # Errors
    /// When the file is not to be changed from here, or is wrong at present.
    pub(in crate::process::acl_store) fn change(
        &self,
        change: &Change,
        in_force: &InForce,
    ) -> Result<Changed, Unchanged> {
        let mut seen = self.seen();
        for _ in 0..ATTEMPTS {
            if let Some(outcome) = self.attempt(change, in_force, &mut seen)? {
                return Ok(outcome);
            }
        }
        Err(Unchanged::Unavailable(format!(
            "{} is being written by somebody else; try again",
            self.path.display()
        )))
    }

    /// `None`: somebody else wrote the file meanwhile.
    fn attempt(
        &self,
        change: &Change,
        in_force: &InForce,
        seen: &mut Seen,
    ) -> Result<Option<Changed>, Unchanged> {
        let wrong = |faults: &Faults| {
            self.read_only(format!(
                "which is wrong at present and has to be put right first: {}",
                first(faults)
            ))
        };
        let text = read_text(&self.path, MAX_BYTES).map_err(|fault| wrong(&fault.into()))?;
        let Read { bindings, said, .. } = read(&self.path, text.clone()).map_err(|faults| wrong(&faults))?;
        if seen.faults.is_some() || seen.text.as_ref() != Some(&text) {
            in_force.replace(bindings);
            *seen = Seen { is_news: true, ..Seen::right(text.clone()) };
        }
        self.found(true);
        let generation = in_force.current();
        let Difference { removed, added, outcome } =
            Difference::of(change, generation.authorizer.bindings())?;
        if removed.is_empty() && added.is_empty() {
            return Ok(Some(outcome));
        }
        let Some(new) = edited(&text, &said, &removed, &added) else { return Err(self.unknown_layout()) };
        if new.len() as u64 > MAX_BYTES {
            let most = MAX_BYTES / 1024;
            return Err(
                self.read_only(format!("which would become longer than {most} KiB, the most that is read"))
            );
        }
        // Whatever the text looks like, what counts is what it says.
        let Ok(read) = read(&self.path, new.clone()) else { return Err(self.unknown_layout()) };
        let kept = generation.authorizer.bindings().iter().map(|binding| &**binding);
        let expected: HashSet<&Binding> =
            kept.filter(|binding| !removed.contains(binding)).chain(&added).collect();
        if read.bindings.len() != expected.len()
            || !read.bindings.iter().all(|binding| expected.contains(binding))
        {
            return Err(self.unknown_layout());
        }
        match replace(&self.path, &text, &new) {
            Ok(()) => {}
            Err(NotReplaced::Changed) => return Ok(None),
            Err(NotReplaced::ReadOnly(why)) => {
                return Err(self.read_only(format!(
                    "which doorkeeper does not change, because {why}: edit it where it comes from"
                )));
            }
            Err(NotReplaced::Failed(what)) => {
                return Err(Unchanged::Unavailable(format!(
                    "{} could not be written: {what}",
                    self.path.display()
                )));
            }
        }
        in_force.replace(read.bindings);
        *seen = Seen { is_news: seen.is_news, ..Seen::right(new) };
        Ok(Some(outcome))
    }

    fn read_only(&self, why: String) -> Unchanged {
        Unchanged::ReadOnly(format!("The ACLs are kept in the file {}, {why}", self.path.display()))
    }

    fn unknown_layout(&self) -> Unchanged {
        self.read_only(
            "which is written in a way that cannot be changed without rewriting it: edit it by hand"
                .to_owned(),
        )
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes whether the file was found right.
    fn found(&self, right: bool) {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        *status = (right, if right { unix_now() } else { status.1 });
    }

    /// Looks at the file now, and puts what it says in force.
    pub(in crate::process::acl_store) fn reload(&self, in_force: &InForce) -> Reload {
        // Held to the end: of two looks at one time the later one must not put the older text in force.
        let mut seen = self.seen();
        let reload = self.look(in_force, &mut seen);
        self.found(seen.faults.is_none());
        reload
    }

    fn look(&self, in_force: &InForce, seen: &mut Seen) -> Reload {
        let text = match read_text(&self.path, MAX_BYTES) {
            Ok(text) => text,
            Err(fault) => {
                seen.text = None;
                return seen.refuse(fault.into());
            }
        };
        if seen.text.as_ref() == Some(&text) {
            return match (&seen.faults, std::mem::take(&mut seen.is_news)) {
                (Some(_), _) => Reload::StillRefused,
                (None, true) => Reload::Loaded(Vec::new()),
                (None, false) => Reload::Unchanged,
            };
        }
        let read = match parse(&self.path, text.clone()) {
            Ok(read) => read,
            Err(faults) => {
                seen.text = Some(text);
                return seen.refuse(faults);
            }
        };
        in_force.replace(read.bindings);
        *seen = Seen::right(text);
        Reload::Loaded(read.warnings)
    }
}

impl Seen {
    /// A right text, which is in force.
    fn right(text: String) -> Seen {
        Seen { text: Some(text), faults: None, is_news: false }
    }

    fn refuse(&mut self, faults: Faults) -> Reload {
        if self.faults.as_ref() == Some(&faults) {
            return Reload::StillRefused;
        }
        self.faults = Some(faults.clone());
        Reload::Refused(faults)
    }
}

/// What a change means for the bindings that there are.
struct Difference<'a> {
    removed: HashSet<&'a Binding>,
    /// Those that are not there already, each once.
    added: Vec<Binding>,
    outcome: Changed,
}

impl<'a> Difference<'a> {
    fn of(change: &Change, bindings: &'a [Arc<Binding>]) -> Result<Difference<'a>, Unchanged> {
        match change {
            Change::Create(wanted) => {
                let mut known: HashSet<&Binding> = bindings.iter().map(|binding| &**binding).collect();
                let added: Vec<Binding> =
                    wanted.iter().filter(|binding| known.insert(binding)).cloned().collect();
                if added.len() > MAX_CHANGES {
                    return Err(Unchanged::TooMany);
                }
                Ok(Difference { removed: HashSet::new(), added, outcome: Changed::Created })
            }
            Change::Delete(filters) => {
                let selected = select(filters, bindings)?;
                let chosen: HashSet<&Binding> = selected.iter().flatten().map(|binding| &**binding).collect();
                // By reference to the bindings there are, which live longer.
                let removed =
                    bindings.iter().map(|binding| &**binding).filter(|one| chosen.contains(one)).collect();
                Ok(Difference { removed, added: Vec::new(), outcome: Changed::Deleted(selected) })
            }
        }
    }
}

fn first(faults: &Faults) -> String {
    faults.0.first().map(ToString::to_string).unwrap_or_default()
}
