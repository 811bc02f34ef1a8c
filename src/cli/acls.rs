//! `doorkeeper acls import` and `doorkeeper acls export`: bindings move between the store of a configuration and the forms
//! that other tools read and write.

mod commands;
mod forms;
mod listing;

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::output::{fail_in_json, refuse_in_json};
use super::{ConfigFile, print, refuse};
use crate::model::acl::{Binding, Change, MAX_CHANGES};
use crate::observability::health::Health;
use crate::observability::metrics::Metrics;
use crate::process::acl_store::AclStore;
use crate::process::config::document::read_failure;
use crate::process::config::{AclFile, Acls, Config, Faults};
use crate::process::proxy::build;
use crate::process::startup;

use forms::Form;

/// How long it may take to read what is there.
const PATIENCE: Duration = Duration::from_secs(20);

/// The most bytes of an import.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Add bindings to the store that the configuration names.
#[derive(Debug, clap::Args)]
pub(super) struct Import {
    #[command(flatten)]
    config: ConfigFile,
    /// What the input is: an ACL file (file), or what `kafka-acls --list` prints (kafka-acls).
    #[arg(long, value_name = "FORM", value_parser = forms::readable())]
    from: &'static Form,
    /// The input; `-` is standard input.
    #[arg(default_value = "-")]
    input: PathBuf,
}

/// Print the bindings of the store that the configuration names.
#[derive(Debug, clap::Args)]
pub(super) struct Export {
    #[command(flatten)]
    config: ConfigFile,
    /// What to print: an ACL file (file), what `kafka-acls --list` prints (kafka-acls), the commands that create the
    /// bindings at a Kafka (kafka-acls-commands), or JSON for programs (json).
    #[arg(long, visible_alias = "format", value_name = "FORM", default_value = "file", value_parser = forms::writable())]
    to: &'static Form,
}

/// Adds what is not there yet, and says how much that was.
pub(super) fn import(import: &Import) -> ExitCode {
    let config = match Config::load(&import.config.path) {
        Ok(config) => config,
        Err(faults) => return refuse(&faults),
    };
    let (path, text) = match read(&import.input) {
        Ok(read) => read,
        Err(error) => {
            return failed(&format!("{}: {}", import.input.display(), read_failure(&import.input, &error)));
        }
    };
    if text.trim().is_empty() {
        return failed(&format!(
            "{}: there is nothing in it: give an ACL file, or what kafka-acls --list prints, and say with --from which of \
             these it is (file, kafka-acls)",
            path.display()
        ));
    }
    let bindings = match import.from.read(&path, text) {
        Ok(bindings) => bindings,
        Err(fault) => return failed(&fault),
    };
    if let Err(why) = begin(&config) {
        return failed(&why);
    }
    let store = match open(&config) {
        Ok(store) => store,
        Err(faults) => return refuse(&faults),
    };
    match add(&store, &bindings) {
        Ok(added) => print(&format!(
            "{} added, {} there already\n",
            counted(added),
            bindings.len().saturating_sub(added)
        )),
        Err(why) => failed(&why),
    }
}

/// Prints the bindings.
pub(super) fn export(export: &Export) -> ExitCode {
    let store = match Config::load(&export.config.path).and_then(|config| open(&config)) {
        Ok(store) => store,
        Err(faults) if export.to.is_json() => return refuse_in_json(&faults),
        Err(faults) => return refuse(&faults),
    };
    let failed = if export.to.is_json() { fail_in_json } else { failed };
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(why) => return failed(&why),
    };
    if let Err(why) = runtime.block_on(store.read_once()) {
        return failed(&why);
    }
    let current = store.current();
    let bindings: Vec<&Binding> = current.authorizer.bindings().iter().map(|binding| &**binding).collect();
    match export.to.written(&bindings) {
        Ok(text) => print(&text),
        Err(why) => failed(&why),
    }
}

fn open(config: &Config) -> Result<Arc<AclStore>, Faults> {
    startup::open_acls(config, SystemTime::now()).map(Arc::new)
}

/// Makes an ACL file without entries where there is none yet.
fn begin(config: &Config) -> Result<(), String> {
    let Some(AclFile { file, .. }) = config.authorization.acls.as_ref().and_then(Acls::file) else {
        return Ok(());
    };
    match OpenOptions::new().write(true).create_new(true).open(file) {
        Ok(mut new) => new.write_all(b"[]\n").map_err(|error| format!("{}: {error}", file.display())),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(format!("{}: the file cannot be created: {error}", file.display())),
    }
}

/// As many at a time as a store takes; how many were new.
fn add(store: &Arc<AclStore>, bindings: &[Binding]) -> Result<usize, String> {
    runtime()?.block_on(async {
        follow(store).await?;
        let count = || store.current().authorizer.bindings().len();
        let before = count();
        for bindings in bindings.chunks(MAX_CHANGES) {
            let change = Change::Create(bindings.to_vec());
            store.clone().change(change).await.map_err(|unchanged| unchanged.to_string())?;
        }
        Ok(count().saturating_sub(before))
    })
}

/// Follows a store that has to be followed to be changed, until this command ends. A topic that is missing is created.
pub(super) async fn follow(store: &Arc<AclStore>) -> Result<(), String> {
    let metrics = Metrics::new(build(), SystemTime::now(), &[]).map_err(|error| error.to_string())?;
    let (store, metrics) = (store.clone(), Arc::new(metrics));
    let (followed, health) = (store.clone(), Health::new(metrics.clone()));
    tokio::spawn(async move { followed.follow(metrics, health).await });
    match timeout(PATIENCE, store.loaded()).await {
        Ok(()) => Ok(()),
        Err(_) => store.read_once().await,
    }
}

pub(super) fn runtime() -> Result<Runtime, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| format!("no runtime can be made: {error}"))
}

/// The input's name for messages, and its text.
fn read(input: &Path) -> std::io::Result<(PathBuf, String)> {
    let mut text = String::new();
    let (name, read) = match input.to_str() {
        Some("-") => {
            ("standard input".into(), std::io::stdin().take(MAX_BYTES + 1).read_to_string(&mut text)?)
        }
        _ => (input.to_owned(), std::fs::File::open(input)?.take(MAX_BYTES + 1).read_to_string(&mut text)?),
    };
    if read as u64 > MAX_BYTES {
        return Err(std::io::Error::other(format!("longer than {} MiB", MAX_BYTES / 1024 / 1024)));
    }
    Ok((name, text))
}

fn counted(bindings: usize) -> String {
    if bindings == 1 { "1 binding".to_owned() } else { format!("{bindings} bindings") }
}

fn failed(why: &str) -> ExitCode {
    drop(writeln!(std::io::stderr().lock(), "{why}"));
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests;
