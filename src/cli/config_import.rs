//! `doorkeeper config import`: a broker's own configuration as doorkeeper's.

mod broker;
mod listener;
mod properties;
mod sasl;
mod tls;
mod untaken;
mod yaml;

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use zeroize::Zeroizing;

use super::certs::said;
use crate::process::config::document::read_failure;
use crate::process::config::text::duration_text;
use broker::Broker;
use yaml::{Text, list, plain};

/// The most bytes of a broker's configuration.
const MOST_BYTES: u64 = 1024 * 1024;

/// Turn a broker's configuration into doorkeeper's.
#[derive(Debug, clap::Args)]
pub(super) struct Import {
    /// The broker's configuration, such as server.properties.
    #[arg(value_name = "FILE")]
    properties: PathBuf,
    /// The file to write, which must not be there yet; without it the result is printed.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Prints or writes the configuration, with comments about what is to be done and what was left out.
pub(super) fn import(asked: &Import) -> ExitCode {
    said(imported(&asked.properties).and_then(|text| match &asked.output {
        None => Ok(text),
        Some(output) => {
            let new = OpenOptions::new().write(true).create_new(true).open(output);
            let written = new.and_then(|mut file| file.write_all(text.as_bytes()));
            match written {
                Ok(()) => Ok(format!("{}: see what is to be done, at its beginning\n", output.display())),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(format!(
                    "{}: the file is there already, and stays as it is: name another",
                    output.display()
                )),
                Err(error) => Err(format!("{}: the file cannot be written: {error}", output.display())),
            }
        }
    }))
}

fn imported(path: &Path) -> Result<String, String> {
    let name = path.display().to_string();
    // Passwords are among them.
    let mut bytes = Zeroizing::new(Vec::new());
    File::open(path)
        .and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("{name}: {}", read_failure(path, &error)))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(format!(
            "{name}: the file is larger than {} KiB: it is no broker's configuration",
            MOST_BYTES / 1024
        ));
    }
    let properties = properties::read(&Zeroizing::new(properties::decoded(&bytes)))
        .map_err(|fault| format!("{name}:{}: {}", fault.line, fault.what))?;
    if properties.is_empty() {
        return Err(format!("{name}: there are no properties in it: name the broker's server.properties"));
    }
    translated(&Broker::new(&name, &properties))
}

/// The whole file.
fn translated(broker: &Broker<'_>) -> Result<String, String> {
    let listeners = broker::listeners(broker)?;
    let mut text = Text::default();
    text.line(0, "version: 1");
    text.line(0, "");
    text.line(0, "listeners:");
    listener::write_all(&mut text, broker, &listeners);
    text.line(0, "");
    authorization(&mut text, broker);
    limits(&mut text, broker);
    text.line(0, "");
    text.line(0, "# /metrics, /livez and /readyz");
    text.line(0, "admin: { bind: 127.0.0.1:9901 }");
    for property in broker.provided() {
        text.todo(format!(
            "{} (line {}) is filled in by a config provider: write what it stands for in its place",
            property.key, property.line
        ));
    }
    let left = untaken::write(&mut text, broker);
    Ok(assembled(&text, broker.file, &left))
}

/// The comments around the file: what is to be done before it, what was left out behind it.
fn assembled(text: &Text, file: &str, left: &str) -> String {
    let file = plain(file);
    let mut whole = format!(
        "# Made by `doorkeeper config import` of {file}. What kafka-configs has changed in the running broker is not in\n\
         # there. `doorkeeper check` says what is still wrong; relative paths start at the folder of this file.\n#\n\
         # To be done:\n{}\n{}",
        text.todo_lines(),
        text.yaml
    );
    let mut not_taken = text.not_taken.clone();
    not_taken.sort();
    if !not_taken.is_empty() || !left.is_empty() {
        whole.push_str("\n# Not taken over:\n");
    }
    for (line, what) in not_taken {
        // What was never written is Kafka's default.
        let place = if line == 0 { "by default".to_owned() } else { format!("{file}:{line}") };
        whole.push_str(&format!("# {place}: {}\n", plain(&what)));
    }
    whole + left
}

fn authorization(text: &mut Text, broker: &Broker<'_>) {
    text.line(0, "authorization:");
    if let Some(found) = broker.get("super.users") {
        let (right, wrong): (Vec<&str>, Vec<&str>) =
            found.value.split(';').map(str::trim).filter(|user| !user.is_empty()).partition(|user| {
                user.split_once(':').is_some_and(|(kind, name)| !kind.is_empty() && !name.is_empty())
            });
        text.line(1, &format!("super_users: {}", list(&right)));
        if !wrong.is_empty() {
            text.not_taken(found.line, "super.users: an entry is not written as User:name".to_owned());
        }
    }
    let everyone = broker.get("allow.everyone.if.no.acl.found");
    let everyone = everyone.is_some_and(|found| found.value.eq_ignore_ascii_case("true"));
    text.line(1, &format!("allow_everyone_if_no_acl_found: {everyone}"));
    text.line(1, "acls: { file: acls.yaml }");
    let from = "'kafka-acls --list | doorkeeper acls import --from kafka-acls --config FILE'";
    match broker.get("authorizer.class.name") {
        Some(found) if !is_kafkas(found.value) => {
            text.not_taken(
                found.line,
                format!("{}: an authorizer that is not Kafka's decides, by rules that are not read here", found.key),
            );
            text.todo("acls.yaml: write who may do what, which the broker's authorizer knew".to_owned());
        }
        Some(_) => text.todo(format!("acls.yaml: take the ACLs over with {from}")),
        None => text.todo(
            "acls.yaml: write who may do what ('doorkeeper acls schema', docs/acls.md). The broker has no authorizer: everybody may do \
             everything there, and nobody but super users may do anything here until it is written"
                .to_owned(),
        ),
    }
}

/// Whether the class is one of Kafka's own authorizers, whose ACLs mean the same here.
fn is_kafkas(class: &str) -> bool {
    [
        "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "kafka.security.authorizer.AclAuthorizer",
        "kafka.security.auth.SimpleAclAuthorizer",
    ]
    .contains(&class)
}

/// A limit of Kafka's as a key of `limits`.
struct Limit {
    key: &'static str,
    own: &'static str,
    written: fn(u64) -> String,
    /// The least that ours takes.
    least: u64,
}

const LIMITS: [Limit; 4] = [
    Limit { key: "max.connections", own: "max_connections", written: |number| number.to_string(), least: 1 },
    Limit {
        key: "max.connections.per.ip",
        own: "max_connections_per_ip",
        written: |number| number.to_string(),
        least: 1,
    },
    Limit {
        key: "connections.max.idle.ms",
        own: "idle_timeout",
        written: |number| duration_text(Duration::from_millis(number)),
        least: 1,
    },
    Limit {
        key: "socket.request.max.bytes",
        own: "max_frame_bytes",
        written: |number| number.to_string(),
        least: 1024,
    },
];

fn limits(text: &mut Text, broker: &Broker<'_>) {
    let mut lines = Vec::new();
    for Limit { key, own, written, least } in LIMITS {
        let Some(found) = broker.get(key) else { continue };
        match found.value.parse::<u64>() {
            // Kafka's own way to say that there is no limit.
            Ok(number)
                if key.starts_with("max.connections") && number >= u64::from(i32::MAX.unsigned_abs()) => {}
            Ok(number) if number >= least => lines.push(format!("{own}: {}", written(number))),
            _ => text.not_taken(found.line, format!("{key}: {own} is at least {least}")),
        }
    }
    if !lines.is_empty() {
        text.line(0, "");
        text.line(0, "limits:");
        for line in lines {
            text.line(1, &line);
        }
    }
}

#[cfg(test)]
mod tests;
