//! `doorkeeper users`: who logs in by SCRAM and PLAIN.

mod import;

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use aws_lc_rs::rand;
use clap::{Args, Subcommand};
use serde_json::json;
use zeroize::Zeroizing;

use super::acls::{follow, runtime};
use super::output::{Output, print_json};
use super::{CONFIG_VARIABLE, print, refuse};
use crate::model::acl::MAX_CHANGES;
use crate::model::sasl::Mechanism;
use crate::model::sasl::password::PasswordHash;
use crate::model::sasl::scram::{Hash, ScramCredential, check_iterations};
use crate::model::sasl::users::{CredentialChange, User, Users};
use crate::net::sasl::nonce;
use crate::process::acl_store::AclStore;
use crate::process::config::schema::printed;
use crate::process::config::{Acls, Config, Faults};
use crate::process::startup::open_acls;
use crate::process::users::{UserStore, check_name, users_schema};

/// The longest password, in bytes.
const LONGEST_PASSWORD: u64 = 1024;

/// The users that log in by SCRAM and PLAIN.
#[derive(Debug, Subcommand)]
pub(super) enum UsersCommand {
    /// Add a user, or change the password of one.
    Set(Set),
    /// Remove a user, or what it is known by for one mechanism. Its open connections end.
    Remove(Remove),
    /// Print the users, and by which mechanisms they log in.
    List(List),
    /// Take over SCRAM credentials from a Kafka, so that nobody changes a password.
    Import(import::Import),
    /// Print the JSON Schema of the file with the users.
    Schema,
}

/// Where the users are.
#[derive(Debug, Args)]
struct Place {
    /// The file with the users; it is made if it is not there.
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    file: Option<PathBuf>,
    /// The configuration file, whose listener names the file with the users, or has them in the topic with the ACLs.
    #[arg(short = 'c', long, value_name = "FILE", env = CONFIG_VARIABLE)]
    config: Option<PathBuf>,
    /// The listener, where several have users of their own.
    #[arg(long, value_name = "NAME", requires = "config")]
    listener: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Set {
    /// The user's name: the principal is `User:` and this.
    name: String,
    /// What it logs in by: SCRAM-SHA-512, SCRAM-SHA-256, or PLAIN with nothing but a hash of the password. PLAIN takes the
    /// password of SCRAM as well.
    #[arg(long, value_name = "NAME", default_value = "SCRAM-SHA-512", value_parser = mechanism)]
    mechanism: Mechanism,
    /// How often SCRAM hashes the password.
    #[arg(long, value_name = "N", default_value_t = 8192)]
    iterations: u32,
    /// A file with the password on its first line; `-` is standard input. Without it, standard input, unless that is a terminal.
    #[arg(long, value_name = "FILE", conflicts_with = "generate")]
    password_file: Option<PathBuf>,
    /// Make a password up, and print it.
    #[arg(long)]
    generate: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(super) struct Remove {
    /// The user's name.
    name: String,
    /// For this mechanism alone.
    #[arg(long, value_name = "NAME", value_parser = mechanism)]
    mechanism: Option<Mechanism>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: Output,
}

fn mechanism(text: &str) -> Result<Mechanism, String> {
    let with_users = Mechanism::ALL.into_iter().filter(|mechanism| *mechanism != Mechanism::OAuthBearer);
    let found = with_users.clone().find(|mechanism| mechanism.name().eq_ignore_ascii_case(text));
    let names: Vec<&str> = with_users.map(Mechanism::name).collect();
    found.ok_or_else(|| format!("one of {}", names.join(", ")))
}

/// Does what was asked for.
pub(super) fn users(command: &UsersCommand) -> ExitCode {
    match command {
        UsersCommand::Set(asked) => set(asked),
        UsersCommand::Remove(asked) => remove(asked),
        UsersCommand::List(asked) => list(asked),
        UsersCommand::Import(asked) => import::import(asked),
        UsersCommand::Schema => print(&printed(&users_schema())),
    }
}

fn set(asked: &Set) -> ExitCode {
    // Whoever has named no place is told so before a password is asked for.
    let at = match asked.place.found() {
        Ok(at) => at,
        Err(code) => return code,
    };
    let made = check_name(&asked.name).and_then(|()| check_iterations(asked.iterations)).and_then(|()| {
        let password = password(asked)?;
        let mut salt = [0; 16];
        rand::fill(&mut salt).map_err(|_| "the system has no random numbers".to_owned())?;
        Ok((password, salt))
    });
    let (password, salt) = match made {
        Ok(made) => made,
        Err(why) => return failed(&why),
    };
    let mut known = User::default();
    match asked.mechanism.hash() {
        Some(hash) => {
            let credential =
                ScramCredential::from_password(hash, &password, nonce().into_bytes(), asked.iterations);
            *known.scram_mut(hash) = Some(credential);
        }
        None => match PasswordHash::of(&password, &salt) {
            Ok(hash) => known.password = Some(hash),
            Err(why) => return failed(&why),
        },
    }
    let name = &asked.name;
    let changed = change(at, true, |users| {
        let mut user = users.get(name).cloned().unwrap_or_default();
        for hash in Hash::ALL {
            if let Some(credential) = known.scram(hash) {
                *user.scram_mut(hash) = Some(credential.clone());
            }
        }
        if let Some(password) = &known.password {
            user.password = Some(password.clone());
        }
        BTreeMap::from([(name.clone(), user)])
    });
    match changed {
        Ok(place) => {
            let generated =
                if asked.generate { format!("password: {}\n", password.as_str()) } else { String::new() };
            let mechanism = asked.mechanism;
            print(&format!("{place}: user '{name}' logs in by {mechanism}\n{generated}"))
        }
        Err(code) => code,
    }
}

/// The password that the user shall have.
fn password(asked: &Set) -> Result<Zeroizing<String>, String> {
    if asked.generate {
        return Ok(Zeroizing::new(nonce()));
    }
    let mut text = Zeroizing::new(String::new());
    match asked.password_file.as_deref().filter(|path| *path != Path::new("-")) {
        Some(path) => {
            let file = std::fs::File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
            let read = file.take(LONGEST_PASSWORD + 2).read_to_string(&mut text);
            read.map_err(|error| format!("{}: {error}", path.display()))?;
        }
        None if asked.password_file.is_none() && std::io::stdin().is_terminal() => {
            return Err("give the password with --password-file FILE or on standard input, or let --generate make one up: \
                        on the command line everybody could see it"
                .to_owned());
        }
        None => {
            let read = std::io::stdin().lock().take(LONGEST_PASSWORD + 2).read_to_string(&mut text);
            read.map_err(|error| format!("standard input: {error}"))?;
        }
    }
    let line = text.lines().next().unwrap_or_default();
    match line {
        "" => Err("the password is empty".to_owned()),
        _ if line.len() as u64 > LONGEST_PASSWORD => {
            Err(format!("the password is longer than {LONGEST_PASSWORD} bytes"))
        }
        _ if line.contains('\0') => Err("the password holds a NUL, which PLAIN cannot send".to_owned()),
        _ if text.lines().nth(1).is_some_and(|more| !more.is_empty()) => {
            Err("there is more than one line: the password is one line".to_owned())
        }
        line => Ok(Zeroizing::new(line.to_owned())),
    }
}

fn remove(asked: &Remove) -> ExitCode {
    let at = match asked.place.found() {
        Ok(at) => at,
        Err(code) => return code,
    };
    let is_there = std::cell::Cell::new(false);
    let changed = change(at, false, |users| {
        let Some(user) = users.get(&asked.name) else { return BTreeMap::new() };
        let mut left = match asked.mechanism {
            Some(_) => user.clone(),
            None => User::default(),
        };
        match asked.mechanism.map(Mechanism::hash) {
            Some(Some(hash)) => *left.scram_mut(hash) = None,
            Some(None) => left.password = None,
            None => {}
        }
        is_there.set(left != *user);
        match is_there.get() {
            true => BTreeMap::from([(asked.name.clone(), left)]),
            false => BTreeMap::new(),
        }
    });
    match changed {
        Ok(place) if is_there.get() => print(&format!("{place}: user '{}' removed\n", asked.name)),
        Ok(place) => failed(&format!("{place}: there is no such user as '{}'", asked.name)),
        Err(code) => code,
    }
}

fn list(asked: &List) -> ExitCode {
    let users = match asked.place.users() {
        Ok(users) => users,
        Err(Failure::Faults(faults)) => return asked.output.refuse(&faults),
        Err(Failure::Other(why)) => return asked.output.fail(&why),
    };
    let mechanisms = |user: &User| {
        let mut mechanisms: Vec<String> = [Mechanism::ScramSha256, Mechanism::ScramSha512]
            .into_iter()
            .filter_map(|mechanism| {
                let iterations = user.scram(mechanism.hash()?)?.iterations;
                Some(format!("{mechanism} (iterations={iterations})"))
            })
            .collect();
        mechanisms.extend(user.password.as_ref().map(|_| "PLAIN (hash)".to_owned()));
        mechanisms
    };
    let all = users.by_name().iter().map(|(name, user)| (name, mechanisms(user)));
    if asked.output.is_json() {
        let all: Vec<_> =
            all.map(|(name, mechanisms)| json!({"user": name, "mechanisms": mechanisms})).collect();
        return print_json(&json!({ "users": all }));
    }
    print(&all.map(|(name, mechanisms)| format!("{name}\t{}\n", mechanisms.join(", "))).collect::<String>())
}

/// Why it cannot be done.
enum Failure {
    /// The configuration or the file is wrong.
    Faults(Faults),
    /// Something else.
    Other(String),
}

impl Failure {
    fn say(self) -> ExitCode {
        match self {
            Self::Faults(faults) => refuse(&faults),
            Self::Other(why) => failed(&why),
        }
    }
}

impl Place {
    /// Where they are; otherwise why that cannot be said has been said.
    fn found(&self) -> Result<At, ExitCode> {
        self.at().map_err(Failure::say)
    }

    /// Where they are.
    fn at(&self) -> Result<At, Failure> {
        if let Some(file) = &self.file {
            return Ok(At::File(file.clone()));
        }
        let Some(config) = &self.config else {
            let message =
                "which users? Name their file with --file users.yaml, or the configuration with --config";
            return Err(Failure::Other(message.to_owned()));
        };
        let loaded = Config::load(config).map_err(Failure::Faults)?;
        let files = loaded
            .listeners
            .iter()
            .filter(|listener| self.listener.as_ref().is_none_or(|wanted| *wanted == listener.name));
        let places = files.filter_map(|listener| listener.sasl.as_ref()?.users.as_ref());
        // The topic is one place, whose name no file has.
        let mut files: Vec<Option<&PathBuf>> =
            places.map(|place| place.file().map(|file| &file.file)).collect();
        files.sort();
        files.dedup();
        match &files[..] {
            [Some(file)] => Ok(At::File((*file).clone())),
            [None] => {
                let topic = loaded.authorization.acls.as_ref().and_then(Acls::topic);
                let name = topic.map(|topic| topic.name.clone()).unwrap_or_default();
                let store = open_acls(&loaded, SystemTime::now()).map_err(Failure::Faults)?;
                Ok(At::Topic(Arc::new(store), name))
            }
            [] => Err(Failure::Other(format!("{}: no listener has users (sasl.users)", config.display()))),
            _ => Err(Failure::Other(format!(
                "{}: listeners have their users at different places: choose one with --listener",
                config.display()
            ))),
        }
    }
}

/// A place with users.
enum At {
    File(PathBuf),
    /// Who follows and writes the topic, and its name.
    Topic(Arc<AclStore>, String),
}

impl Place {
    /// The users as they are.
    fn users(&self) -> Result<Arc<Users>, Failure> {
        match self.at()? {
            At::File(path) => Ok(UserStore::open(path).map_err(Failure::Faults)?.0.users()),
            At::Topic(store, name) => {
                let users = store.serve_logins().ok_or_else(|| Failure::Other(no_topic(&name)))?;
                let read = runtime().and_then(|runtime| runtime.block_on(store.read_once()));
                read.map_err(Failure::Other)?;
                Ok(users.users())
            }
        }
    }
}

fn no_topic(name: &str) -> String {
    format!("the topic {name} is not followed here")
}

/// Changes the users of a topic. One that is missing is created.
fn change_topic(
    store: &Arc<AclStore>,
    name: &str,
    change: impl Fn(&Users) -> BTreeMap<String, User>,
) -> Result<(), String> {
    let in_force = store.serve_logins().ok_or_else(|| no_topic(name))?;
    runtime()?.block_on(async {
        follow(store).await?;
        let users = in_force.users();
        for changes in CredentialChange::between(&users, &change(&users)).chunks(MAX_CHANGES) {
            let changed = store.clone().change_credentials(changes.to_vec()).await;
            changed.map_err(|unchanged| unchanged.to_string())?;
        }
        Ok(())
    })
}

/// Changes the users; says where they are.
fn change(
    at: At,
    may_create: bool,
    change: impl Fn(&Users) -> BTreeMap<String, User>,
) -> Result<String, ExitCode> {
    let path = match at {
        At::File(path) => path,
        At::Topic(store, name) => {
            change_topic(&store, &name, change).map_err(|why| failed(&why))?;
            return Ok(format!("topic {name}"));
        }
    };
    if may_create && !path.exists() {
        UserStore::create(&path).map_err(|error| failed(&format!("{}: {error}", path.display())))?;
    }
    let (store, _) = UserStore::open(path.clone()).map_err(|faults| refuse(&faults))?;
    store.change_now(change).map_err(|why| failed(&why.to_string()))?;
    Ok(path.display().to_string())
}

fn failed(why: &str) -> ExitCode {
    drop(writeln!(std::io::stderr().lock(), "doorkeeper: {why}"));
    ExitCode::FAILURE
}
