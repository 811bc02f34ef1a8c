//! The program of kcat, which is a command for each step.

use super::programs::{limited, tail};
use super::{Cell, RECORDS};
use crate::support::java::{self, Output};
use crate::support::kcat::Kcat;
use crate::support::pki::Identity;
use std::collections::BTreeSet;
use std::time::Duration;

const DENIALS: [&str; 2] = ["Topic authorization failed", "Group authorization failed"];

/// All steps of a cell.
pub fn run(cell: &Cell, limit: u32) -> Result<String, String> {
    let own = format!("a-{}", cell.name);
    let alice = cell.pki.map(|pki| &pki.alice);
    let mut said = String::new();
    let mut sent = BTreeSet::new();
    for codec in &cell.codecs {
        let line = |number| format!("{codec} {number} {}", "x".repeat(200));
        let lines: Vec<String> = (0..RECORDS).map(line).collect();
        let produced = kcat(cell, alice, limit, &["-P", "-t", &own, "-z", codec], &lines.join("\n"));
        let outcome = if produced.code == Some(0) { RECORDS.to_string() } else { tail(&produced.stderr) };
        said.push_str(&format!("produce {codec}: {outcome}\n"));
        sent.extend(lines);
    }
    let count = sent.len().to_string();
    let from_the_beginning = ["-X", "auto.offset.reset=earliest", "-c"];
    let arguments = [&["-G", own.as_str()], &from_the_beginning[..], &[&count, &own]].concat();
    let consumed = kcat(cell, alice, limit, &arguments, "");
    let received: BTreeSet<String> = consumed.text().lines().map(str::to_owned).collect();
    let outcome = if received == sent { count } else { tail(&consumed.stderr) };
    said.push_str(&format!("consume: {outcome}\n"));
    let Some(pki) = cell.pki else { return Ok(said) };
    let groups = [format!("b-{}", cell.name), format!("c-{}", cell.name)];
    let from_the_beginning = |group, topic| [&["-G", group], &from_the_beginning[..], &["1", topic]].concat();
    for (what, who, arguments) in [
        ("denied write", &pki.bob, vec!["-P", "-t", &own]),
        ("denied read", &pki.bob, from_the_beginning(&groups[0], &own)),
        ("denied group", &pki.bob, from_the_beginning(&own, "b-readable")),
        ("unseen write", &pki.carol, vec!["-P", "-t", &own]),
        ("unseen read", &pki.carol, from_the_beginning(&groups[1], &own)),
    ] {
        let denied = kcat(cell, Some(who), limit, &arguments, "no\n");
        let error = DENIALS.into_iter().find(|error| denied.stderr.contains(error));
        let outcome =
            error.map_or_else(|| format!("{:?} {}", denied.code, tail(&denied.stderr)), str::to_owned);
        said.push_str(&format!("{what}: {outcome}\n"));
    }
    Ok(said)
}

fn kcat(cell: &Cell, who: Option<&Identity>, limit: u32, arguments: &[&str], input: &str) -> Output {
    let words = Kcat::new(&cell.bootstrap, who).map(|kcat| kcat.command()).unwrap_or_default();
    let mut command = limited(limit);
    command.args(words).args(arguments);
    java::run(&mut command, "kcat", input.as_bytes(), Duration::from_secs(u64::from(limit) + 30))
}
