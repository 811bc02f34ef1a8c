//! SCRAM credentials as a Kafka keeps them, which nobody can be asked for but whoever has its ZooKeeper or its metadata.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::{Place, change, failed, print, refuse};
use crate::model::sasl::Mechanism;
use crate::model::sasl::scram::{Hash, ScramCredential};
use crate::model::sasl::users::User;
use crate::process::users::{self, check_name};

/// The most bytes of an import.
const LONGEST: u64 = 256 * 1024 * 1024;

/// Take over users: the SCRAM credentials of a Kafka, or a file with users.
///
/// From one with KRaft: what `kafka-dump-log --cluster-metadata-decoder --files 0…0.log,….checkpoint` prints. From one with a
/// ZooKeeper: one user a line, as `/config/users/alice {"version":1,"config":{"SCRAM-SHA-512":"…"}}`, the second half of which
/// `zookeeper-shell … get /config/users/alice` prints.
#[derive(Debug, Args)]
pub(in crate::cli) struct Import {
    #[command(flatten)]
    place: Place,
    /// What the input is.
    #[arg(long, value_name = "FORM", value_enum, default_value_t = Form::Kafka)]
    from: Form,
    /// The input; `-` is standard input.
    #[arg(default_value = "-")]
    input: PathBuf,
}

/// What an input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// What a Kafka's tools print.
    Kafka,
    /// A file with users, as `users set` writes it; so it is moved into a topic.
    File,
}

/// What the input says: the last word on each credential counts, as with Kafka. `None`: it was removed.
type Said = BTreeMap<(String, Hash), Option<ScramCredential>>;

pub(super) fn import(asked: &Import) -> ExitCode {
    let name = asked.input.display();
    let text = match read(&asked.input) {
        Ok(text) => text,
        Err(error) => return failed(&format!("{name}: {error}")),
    };
    if asked.from == Form::File {
        return import_file(asked, &text);
    }
    let said = match said(&text) {
        Ok(said) if said.is_empty() => {
            return failed(&format!(
                "{name}: there is no SCRAM credential in it: give what kafka-dump-log --cluster-metadata-decoder prints, or \
                 lines as '/config/users/alice {{\"config\":{{\"SCRAM-SHA-512\":\"…\"}}}}'"
            ));
        }
        Ok(said) => said,
        Err(why) => return failed(&format!("{name}: {why}")),
    };
    let count = said.values().flatten().count();
    let at = match asked.place.found() {
        Ok(at) => at,
        Err(code) => return code,
    };
    let changed = change(at, true, |users| {
        let mut changed: BTreeMap<String, User> = BTreeMap::new();
        for ((user, hash), credential) in &said {
            let Some(credential) = credential else { continue };
            let of = || users.get(user).cloned().unwrap_or_default();
            *changed.entry(user.clone()).or_insert_with(of).scram_mut(*hash) = Some(credential.clone());
        }
        changed
    });
    match changed {
        Ok(place) => print(&format!("{place}: {count} credentials taken over\n")),
        Err(code) => code,
    }
}

/// Takes over the users of a file. Users of the same names are as the file has them, others stay.
fn import_file(asked: &Import, text: &str) -> ExitCode {
    if text.len() as u64 > users::MAX_BYTES {
        return failed(&format!("{}: longer than {} bytes", asked.input.display(), users::MAX_BYTES));
    }
    let file = match users::parse(&asked.input, text) {
        Ok(file) => file,
        Err(faults) => return refuse(&faults),
    };
    let count = file.users.by_name().len();
    let at = match asked.place.found() {
        Ok(at) => at,
        Err(code) => return code,
    };
    match change(at, true, |_| file.users.by_name().clone()) {
        Ok(place) => print(&format!("{place}: {count} users taken over\n")),
        Err(code) => code,
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut text = Vec::new();
    match path == Path::new("-") {
        true => std::io::stdin().lock().take(LONGEST).read_to_end(&mut text)?,
        false => std::fs::File::open(path)?.take(LONGEST).read_to_end(&mut text)?,
    };
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn said(text: &str) -> Result<Said, String> {
    let mut said = Said::new();
    for (number, line) in text.lines().enumerate() {
        let fault = |why: String| format!("line {}: {why}", number + 1);
        let Some(at) = line.find('{') else { continue };
        if line.contains("USER_SCRAM_CREDENTIAL_RECORD") {
            let found = record(&line[at..]).map_err(fault)?;
            said.insert((found.0, found.1), found.2);
        } else if let Some(user) = line[..at].trim().strip_prefix("/config/users/") {
            for (hash, credential) in zookeeper(&line[at..]).map_err(fault)? {
                check_name(user).map_err(fault)?;
                said.insert((user.to_owned(), hash), Some(credential));
            }
        }
    }
    Ok(said)
}

/// A record of KRaft's (`UserScramCredentialRecord`, `RemoveUserScramCredentialRecord`).
fn record(line: &str) -> Result<(String, Hash, Option<ScramCredential>), String> {
    // The tool prints more behind it.
    let value = serde_json::Deserializer::from_str(line).into_iter::<Value>().next();
    let value = value.and_then(Result::ok).ok_or("the record is no JSON")?;
    let data = &value["data"];
    let user = data["name"].as_str().ok_or("the record names nobody")?;
    check_name(user)?;
    let hash = match data["mechanism"].as_i64() {
        Some(1) => Hash::Sha256,
        Some(2) => Hash::Sha512,
        _ => return Err(format!("the mechanism of '{user}' is unknown")),
    };
    if value["type"].as_str().is_some_and(|kind| kind.starts_with("REMOVE_")) {
        return Ok((user.to_owned(), hash, None));
    }
    let text = |key: &str| data[key].as_str().ok_or(format!("'{key}' of '{user}' is missing"));
    let iterations = data["iterations"].as_u64().ok_or(format!("'iterations' of '{user}' is missing"))?;
    let (salt, stored, server) = (text("salt")?, text("storedKey")?, text("serverKey")?);
    let credential = format!("iterations={iterations},salt={salt},stored_key={stored},server_key={server}");
    let credential = ScramCredential::parse(hash, &credential).map_err(|why| format!("'{user}': {why}"))?;
    Ok((user.to_owned(), hash, Some(credential)))
}

/// What a ZooKeeper has of a user.
fn zookeeper(text: &str) -> Result<Vec<(Hash, ScramCredential)>, String> {
    let value: Value =
        serde_json::from_str(text.trim()).map_err(|error| format!("it is no JSON: {error}"))?;
    let config = value["config"].as_object().ok_or("it has no 'config'")?;
    let mut found = Vec::new();
    for (key, value) in config {
        // Quotas stand there as well.
        let Some(hash) = Mechanism::of(key).and_then(Mechanism::hash) else { continue };
        let text = value.as_str().ok_or(format!("'{key}' is no text"))?;
        found.push((hash, ScramCredential::parse(hash, text).map_err(|why| format!("{key}: {why}"))?));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_kafka_keeps_is_taken_over_and_the_last_word_counts() {
        let credential = ScramCredential::from_password(Hash::Sha512, "pencil", b"salt".to_vec(), 4096);
        let text = credential.to_string();
        let part = |key: &str| text.split(',').find_map(|part| part.strip_prefix(key)).unwrap().to_owned();
        let (salt, stored, server) = (part("salt="), part("stored_key="), part("server_key="));
        let record = |kind: &str, name: &str| {
            format!(
                r#"| offset: 7 CreateTime: 1 keySize: -1 valueSize: 9 sequence: -1 headerKeys: [] payload: {{"type":"{kind}","version":0,"data":{{"name":"{name}","mechanism":2,"salt":"{salt}","storedKey":"{stored}","serverKey":"{server}","iterations":4096}}}}"#
            )
        };
        let (set, removed) = ("USER_SCRAM_CREDENTIAL_RECORD", "REMOVE_USER_SCRAM_CREDENTIAL_RECORD");
        let log = [
            "Dumping 00000000000000000000.log".to_owned(),
            record(set, "alice"),
            record(set, "gone"),
            record(removed, "gone"),
            format!(
                r#"/config/users/bob {{"version":1,"config":{{"SCRAM-SHA-512":"{text}","consumer_byte_rate":"1"}}}}"#
            ),
        ];
        let found = said(&log.join("\n")).unwrap();
        let expected = [("alice", true), ("bob", true), ("gone", false)];
        let found: Vec<(&str, bool)> =
            found.iter().map(|((name, _), one)| (name.as_str(), one.as_ref() == Some(&credential))).collect();
        assert_eq!(found, expected);
        assert!(said(&record(set, "").replace("4096", "1")).unwrap_err().starts_with("line 1: "));
        assert_eq!(said("nothing here").unwrap(), Said::new());
    }
}
