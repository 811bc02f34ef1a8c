//! The users in force, and the file that they come from.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use super::{MAX_BYTES, UserFile, check_name, edited, parse};
use crate::model::sasl::users::{User, Users, UsersChange, UsersChangeError};
use crate::net::wakers::Woken;
use crate::process::acl_store::Reload;
use crate::process::config::document::read_text;
use crate::process::config::{Fault, Faults};
use crate::process::list_file::{LeftBehind, NotReplaced, replace};
use crate::process::users_in_force::UsersInForce;

/// How often a change is begun again because somebody wrote the file meanwhile.
const ATTEMPTS: usize = 20;

/// The users of a file. Reading never waits.
#[derive(Debug)]
pub struct UserStore {
    path: PathBuf,
    in_force: UsersInForce,
    /// Whose change it is.
    turn: tokio::sync::Mutex<()>,
    /// Held while the file is looked at or written, which takes a moment.
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    /// The text in force.
    text: String,
    /// Why the file is refused, as long as it is.
    wrong: Option<Faults>,
    left_behind: LeftBehind,
}

impl UserStore {
    /// Reads the file; what in it is allowed but risky is told as well.
    ///
    /// # Errors
    /// Every fault in it.
    pub fn open(path: PathBuf) -> Result<(Self, Vec<Fault>), Faults> {
        let text = read_text(&path, MAX_BYTES)?;
        let file = parse(&path, &text)?;
        let warnings = warnings(&path, &file);
        let store = Self {
            path,
            in_force: UsersInForce::new(file.users),
            turn: tokio::sync::Mutex::default(),
            seen: Mutex::new(Seen { text, wrong: None, left_behind: LeftBehind::default() }),
        };
        Ok((store, warnings))
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The users.
    pub fn users(&self) -> Arc<Users> {
        self.in_force.users()
    }

    /// A number that changes with every change of them.
    pub fn generation(&self) -> u64 {
        self.in_force.generation()
    }

    /// Has a task woken when there are others.
    pub fn wake(&self, waker: &Waker) -> Woken {
        self.in_force.wake(waker)
    }

    /// What is in force of it.
    pub fn in_force(&self) -> &UsersInForce {
        &self.in_force
    }

    fn put(&self, users: Users) {
        self.in_force.replace(users);
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a change in the file, then puts it in force.
    ///
    /// # Errors
    /// When the file is not to be changed from here, or is wrong at present.
    pub async fn change(self: Arc<Self>, change: UsersChange) -> Result<(), UsersChangeError> {
        // One after another: those that wait take no thread.
        let this = self.clone();
        let _turn = self.turn.lock().await;
        let changing = tokio::task::spawn_blocking(move || this.change_now(|users| changed(users, &change)));
        changing
            .await
            .unwrap_or_else(|error| Err(UsersChangeError::Unavailable(format!("the change failed: {error}"))))
    }

    /// Makes a change in the file, then puts it in force: `change` says how users shall be, of those that there are. Blocks for
    /// as long as reading and writing take.
    ///
    /// # Errors
    /// When the file is not to be changed from here, or is wrong at present.
    pub fn change_now(
        &self,
        change: impl Fn(&Users) -> BTreeMap<String, User>,
    ) -> Result<(), UsersChangeError> {
        let mut seen = self.seen();
        seen.left_behind.gather(&self.path);
        for _ in 0..ATTEMPTS {
            if self.attempt(&change, &mut seen)? {
                return Ok(());
            }
        }
        let path = self.path.display();
        Err(UsersChangeError::Unavailable(format!("{path} is being written by somebody else; try again")))
    }

    /// False: somebody else wrote the file meanwhile.
    fn attempt(
        &self,
        change: impl Fn(&Users) -> BTreeMap<String, User>,
        seen: &mut Seen,
    ) -> Result<bool, UsersChangeError> {
        let wrong = |faults: &Faults| {
            let first = faults.0.first().map(ToString::to_string).unwrap_or_default();
            self.read_only(&format!("which is wrong at present and has to be put right first: {first}"))
        };
        let text = read_text(&self.path, MAX_BYTES).map_err(|fault| wrong(&fault.into()))?;
        let file = parse(&self.path, &text).map_err(|faults| wrong(&faults))?;
        let changed = change(&file.users);
        if changed.is_empty() {
            return Ok(true);
        }
        let unknown = || {
            self.read_only(
                "which is written in a way that cannot be changed without rewriting it: edit it by hand",
            )
        };
        let new = edited(&text, &file, &changed).ok_or_else(unknown)?;
        if new.len() as u64 > MAX_BYTES {
            return Err(self.read_only("which would become longer than what is read"));
        }
        // Whatever the text looks like, what counts is what it says.
        let read = parse(&self.path, &new).map_err(|_| unknown())?;
        let mut expected = file.users.by_name().clone();
        for (name, user) in changed {
            match user.is_empty() {
                true => drop(expected.remove(&name)),
                false => drop(expected.insert(name, user)),
            }
        }
        if *read.users.by_name() != expected {
            return Err(unknown());
        }
        match replace(&self.path, &text, &new) {
            Ok(replaced) => seen.left_behind.add(replaced),
            Err(NotReplaced::Changed) => return Ok(false),
            Err(NotReplaced::ReadOnly(why)) => {
                let why =
                    format!("which doorkeeper does not change, because {why}: edit it where it comes from");
                return Err(self.read_only(&why));
            }
            Err(NotReplaced::Failed(what)) => {
                let path = self.path.display();
                return Err(UsersChangeError::Unavailable(format!("{path} could not be written: {what}")));
            }
        }
        seen.left_behind.gather(&self.path);
        self.put(read.users);
        (seen.text, seen.wrong) = (new, None);
        Ok(true)
    }

    fn read_only(&self, why: &str) -> UsersChangeError {
        UsersChangeError::ReadOnly(format!("The users are kept in the file {}, {why}", self.path.display()))
    }

    /// Looks at the file now, and puts what it says in force.
    pub fn reload(&self) -> Reload {
        let mut seen = self.seen();
        seen.left_behind.gather(&self.path);
        let faults = match read_text(&self.path, MAX_BYTES) {
            Ok(text) if seen.wrong.is_none() && seen.text == text => return Reload::Unchanged,
            Ok(text) => match parse(&self.path, &text) {
                Ok(file) => {
                    let warnings = warnings(&self.path, &file);
                    self.put(file.users);
                    (seen.text, seen.wrong) = (text, None);
                    return Reload::Loaded(warnings);
                }
                Err(faults) => faults,
            },
            Err(fault) => fault.into(),
        };
        if seen.wrong.as_ref() == Some(&faults) {
            return Reload::StillRefused;
        }
        seen.wrong = Some(faults.clone());
        Reload::Refused(faults)
    }

    /// Makes an empty file that nobody else may read.
    ///
    /// # Errors
    /// When it is there already, or cannot be made.
    pub fn create(path: &Path) -> std::io::Result<()> {
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map(drop)
    }
}

/// How the users shall be whom a change is about.
fn changed(users: &Users, change: &UsersChange) -> BTreeMap<String, User> {
    let mut changed: BTreeMap<String, User> = BTreeMap::new();
    let of = |name: &String| users.get(name).cloned().unwrap_or_default();
    for (name, hash) in &change.remove {
        if users.get(name).is_some() {
            *changed.entry(name.clone()).or_insert_with(|| of(name)).scram_mut(*hash) = None;
        }
    }
    for (name, hash, credential) in change.set.iter().filter(|(name, ..)| check_name(name).is_ok()) {
        *changed.entry(name.clone()).or_insert_with(|| of(name)).scram_mut(*hash) = Some(credential.clone());
    }
    changed
}

/// What is allowed but risky.
fn warnings(path: &Path, file: &UserFile) -> Vec<Fault> {
    let mut warnings = Vec::new();
    let mut warn = |message: String| warnings.push(Fault { file: path.into(), place: None, message });
    if std::fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o004 != 0) {
        warn("everybody on this host may read what users are known by: chmod o-r".to_owned());
    }
    if file.names.is_empty() {
        warn("there are no users: 'doorkeeper users set NAME' or kafka-configs adds one".to_owned());
    }
    warnings
}
