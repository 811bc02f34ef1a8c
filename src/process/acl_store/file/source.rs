//! The ACL file as the source of the bindings: read at the start and again when it changes, and written when a client
//! changes the ACLs.
//!
//! The path is opened anew for each look, so that Kubernetes' way of swapping a folder behind a symbolic link is seen
//! as well.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::MAX_BYTES;
use super::edit::edited;
use super::read::{Known, Read, read, read_after};
use crate::model::acl::{Binding, Change, ChangeError, ChangeOutcome, MAX_CHANGES, select};
use crate::process::acl_store::in_force::InForce;
use crate::process::acl_store::{Reload, unix_now};
use crate::process::config::document::read_text;
use crate::process::config::{Fault, Faults};
use crate::process::list_file::{LeftBehind, NotReplaced, replace};

/// How often a change is begun again because somebody wrote the file meanwhile.
const ATTEMPTS: usize = 20;

/// A file with bindings, as far as it is known.
#[derive(Debug)]
pub(in crate::process::acl_store) struct FileSource {
    path: PathBuf,
    /// Whose change it is.
    pub(in crate::process::acl_store) turn: tokio::sync::Mutex<()>,
    /// Held while the file is looked at or written, which takes a moment.
    seen: Mutex<Seen>,
    /// Whether the file was right when it was last looked at, and when it last was, in seconds since 1970.
    status: Mutex<(bool, i64)>,
}

/// What the last looks at the file gave.
#[derive(Debug)]
struct Seen {
    /// The text in force.
    known: Known,
    /// Why the file is refused, as long as it is.
    faults: Option<Faults>,
    /// The text that has these faults; `None` when there was none to read.
    wrong: Option<String>,
    /// What the operator wrote came into force by a change of a client's; the next look tells of it.
    is_news: bool,
    /// The files that were replaced by changes.
    left_behind: LeftBehind,
}

/// What the file of the start said.
pub(in crate::process::acl_store) struct Opened {
    pub(in crate::process::acl_store) bindings: Vec<Arc<Binding>>,
    pub(in crate::process::acl_store) warnings: Vec<Fault>,
}

impl FileSource {
    /// Reads the file.
    ///
    /// # Errors
    /// Every fault in it.
    pub(in crate::process::acl_store) fn open(path: PathBuf) -> Result<(FileSource, Opened), Faults> {
        let text = read_text(&path, MAX_BYTES)?;
        let Read { bindings, said, warnings } = read(&path, &text)?;
        let seen = Seen {
            known: Known { text, said },
            faults: None,
            wrong: None,
            is_news: false,
            left_behind: LeftBehind::default(),
        };
        let source = FileSource {
            path,
            turn: tokio::sync::Mutex::default(),
            seen: Mutex::new(seen),
            status: Mutex::new((true, unix_now())),
        };
        Ok((source, Opened { bindings, warnings }))
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
    ) -> Result<ChangeOutcome, ChangeError> {
        let mut seen = self.seen();
        seen.left_behind.gather(&self.path);
        for _ in 0..ATTEMPTS {
            if let Some(outcome) = self.attempt(change, in_force, &mut seen)? {
                return Ok(outcome);
            }
        }
        Err(ChangeError::Unavailable(format!(
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
    ) -> Result<Option<ChangeOutcome>, ChangeError> {
        let wrong = |faults: &Faults| {
            self.read_only(format!(
                "which is wrong at present and has to be put right first: {}",
                first(faults)
            ))
        };
        let text = read_text(&self.path, MAX_BYTES).map_err(|fault| wrong(&fault.into()))?;
        if seen.faults.is_some() || seen.known.text != text {
            let Read { bindings, said, .. } =
                read_after(&self.path, &text, &seen.known).map_err(|faults| wrong(&faults))?;
            in_force.replace(bindings);
            seen.is_right(Known { text, said });
            seen.is_news = true;
        }
        self.found(true);
        let generation = in_force.current();
        let Difference { removed, added, outcome } =
            Difference::of(change, generation.authorizer.bindings())?;
        if removed.is_empty() && added.is_empty() {
            return Ok(Some(outcome));
        }
        let Known { text, said } = &seen.known;
        let Some(new) = edited(text, said, &removed, &added) else { return Err(self.unknown_layout()) };
        if new.len() as u64 > MAX_BYTES {
            let most = MAX_BYTES / 1024;
            return Err(self.read_only(format!(
                "which would become longer than {most} KiB, the most that is read: nothing was changed. Remove what is not \
                 needed, or keep the ACLs in a topic"
            )));
        }
        // Whatever the text looks like, what counts is what it says.
        let Ok(Read { bindings, said, .. }) = read_after(&self.path, &new, &seen.known) else {
            return Err(self.unknown_layout());
        };
        let kept = generation.authorizer.bindings().iter().map(|binding| &**binding);
        let expected: HashSet<&Binding> =
            kept.filter(|binding| !removed.contains(binding)).chain(&added).collect();
        if bindings.len() != expected.len() || !bindings.iter().all(|binding| expected.contains(&**binding)) {
            return Err(self.unknown_layout());
        }
        match replace(&self.path, text, &new) {
            Ok(replaced) => seen.left_behind.add(replaced),
            Err(NotReplaced::Changed) => return Ok(None),
            Err(NotReplaced::ReadOnly(why)) => {
                return Err(self.read_only(format!(
                    "which doorkeeper does not change, because {why}: edit it where it comes from"
                )));
            }
            Err(NotReplaced::Failed(what)) => {
                return Err(ChangeError::Unavailable(format!(
                    "{} could not be written: {what}",
                    self.path.display()
                )));
            }
        }
        seen.left_behind.gather(&self.path);
        in_force.replace(bindings);
        seen.known = Known { text: new, said };
        Ok(Some(outcome))
    }

    fn read_only(&self, why: String) -> ChangeError {
        ChangeError::ReadOnly(format!("The ACLs are kept in the file {}, {why}", self.path.display()))
    }

    fn unknown_layout(&self) -> ChangeError {
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
        seen.left_behind.gather(&self.path);
        let reload = self.look(in_force, &mut seen);
        self.found(seen.faults.is_none());
        reload
    }

    fn look(&self, in_force: &InForce, seen: &mut Seen) -> Reload {
        let text = match read_text(&self.path, MAX_BYTES) {
            Ok(text) => text,
            Err(fault) => return seen.refuse(None, fault.into()),
        };
        match &seen.faults {
            Some(_) if seen.wrong.as_ref() == Some(&text) => return Reload::StillRefused,
            None if seen.known.text == text => {
                return match std::mem::take(&mut seen.is_news) {
                    true => Reload::Loaded(Vec::new()),
                    false => Reload::Unchanged,
                };
            }
            _ => {}
        }
        match read(&self.path, &text) {
            Ok(Read { bindings, said, warnings }) => {
                in_force.replace(bindings);
                seen.is_right(Known { text, said });
                Reload::Loaded(warnings)
            }
            Err(faults) => seen.refuse(Some(text), faults),
        }
    }
}

impl Seen {
    /// The file is right, and in force.
    fn is_right(&mut self, known: Known) {
        self.known = known;
        (self.faults, self.wrong, self.is_news) = (None, None, false);
    }

    fn refuse(&mut self, text: Option<String>, faults: Faults) -> Reload {
        self.wrong = text;
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
    outcome: ChangeOutcome,
}

impl<'a> Difference<'a> {
    fn of(change: &Change, bindings: &'a [Arc<Binding>]) -> Result<Difference<'a>, ChangeError> {
        match change {
            Change::Create(wanted) => {
                let mut known: HashSet<&Binding> = bindings.iter().map(|binding| &**binding).collect();
                let added: Vec<Binding> =
                    wanted.iter().filter(|binding| known.insert(binding)).cloned().collect();
                if added.len() > MAX_CHANGES {
                    return Err(ChangeError::TooMany);
                }
                Ok(Difference { removed: HashSet::new(), added, outcome: ChangeOutcome::Created })
            }
            Change::Delete(filters) => {
                let selected = select(filters, bindings)?;
                let chosen: HashSet<&Binding> = selected.iter().flatten().map(|binding| &**binding).collect();
                // By reference to the bindings there are, which live longer.
                let removed =
                    bindings.iter().map(|binding| &**binding).filter(|one| chosen.contains(one)).collect();
                Ok(Difference { removed, added: Vec::new(), outcome: ChangeOutcome::Deleted(selected) })
            }
        }
    }
}

fn first(faults: &Faults) -> String {
    faults.0.first().map(ToString::to_string).unwrap_or_default()
}
