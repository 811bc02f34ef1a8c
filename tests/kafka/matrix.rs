//! The version matrix: bare brokers of many versions, a doorkeeper in front of each, and through it the clients of many makers.
//!
//! A cell is one client at one broker. Each client has a program, and all programs are told and say the same:
//!
//! ```text
//! program BOOTSTRAP FOLDER CELL CODEC,CODEC… [key=value…]
//! ```
//!
//! FOLDER holds `ca.pem` and key and certificate of `alice`, `bob` and `carol`; `-` means plaintext. As alice it produces 20 records with each
//! codec to the topic `a-CELL`, reads them in the group `a-CELL` and commits. Bob may see that topic but neither write nor read it:
//! as him it produces to it, reads it in the group `b-CELL`, and reads `b-readable` in the group `a-CELL`, which is not his. Carol
//! may not even see the topic: as her it produces to it and reads it in the group `c-CELL`. It prints one line a step, `produce gzip: 20`, `denied read: …`, where the outcome is a count or the name of its library's own error.
//!
//! What works at the bare broker and not through doorkeeper is doorkeeper's fault: a cell that fails runs again without doorkeeper,
//! to tell. What is said not to be possible is tried without doorkeeper, and must fail there.

pub mod advertised;
pub mod clients;
pub mod kcat;
pub mod programs;
mod run;
pub mod segments;
pub mod table;

use crate::support::acls::Operation::{Describe, Read, Write};
use crate::support::acls::Resource::{Group, Topic};
use crate::support::acls::{self, Acl, allow};
use crate::support::bare::Bare;
use crate::support::doorkeeper::{self, Doorkeeper};
use crate::support::kafka::{Kafka, scratch};
use crate::support::pki::{Identity, Pki};
use crate::support::schema::Schemas;
use clients::Client;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

const ACLS: &[Acl] = &[
    allow("User:alice", Topic("a-"), &[Read, Write]).prefixed(),
    allow("User:alice", Group("a-"), &[Read]).prefixed(),
    allow("User:bob", Topic("a-"), &[Describe]).prefixed(),
    allow("User:bob", Topic("b-readable"), &[Read]),
    allow("User:bob", Topic("b-writable"), &[Write]),
    allow("User:bob", Group("b-"), &[Read]).prefixed(),
    allow("User:carol", Group("c-"), &[Read]).prefixed(),
    allow("User:carol", Topic("b-writable"), &[Write]),
];
/// The steps that must fail, in the order of a client's `denials`.
const DENIALS: [&str; 5] = ["denied write", "denied read", "denied group", "unseen write", "unseen read"];
/// What every program produces with each codec.
const RECORDS: usize = 20;

/// What came of a cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Ok,
    /// Not without doorkeeper either, and why.
    NotPossible(&'static str),
    Fail(String),
    /// The client cannot be had here.
    Skipped(String),
}

/// What a program is told.
pub struct Cell<'a> {
    pub bootstrap: String,
    /// None without TLS.
    pub pki: Option<&'a Certificates>,
    pub name: String,
    pub codecs: Vec<&'static str>,
    pub settings: Vec<String>,
}

/// The certificates of all doorkeepers and clients.
pub struct Certificates {
    pub folder: std::path::PathBuf,
    pub alice: Identity,
    pub bob: Identity,
    pub carol: Identity,
    pki: Pki,
    doorkeeper: Identity,
}

impl Certificates {
    /// Makes them.
    pub fn new() -> Certificates {
        let folder = scratch("matrix-pki");
        let pki = Pki::new(&folder);
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| pki.client(name));
        let doorkeeper = pki.server("doorkeeper");
        Certificates { folder, alice, bob, carol, pki, doorkeeper }
    }
}

/// Whether Kafka's own listener and authorizer take doorkeeper's place: that proves the test, and that it expects what is Kafka's.
pub fn against_kafka() -> bool {
    std::env::var("DOORKEEPER_CLIENTS_AGAINST").as_deref() == Ok("kafka")
}

/// All cells of one broker, by the client's name.
pub fn row(
    kafka: &Kafka,
    schemas: &Arc<Schemas>,
    certificates: &Certificates,
    clients: &[Client],
) -> BTreeMap<&'static str, Outcome> {
    let mut doorkeepers = Vec::new();
    let (bare, door) = if against_kafka() {
        let guarded = Bare::start_guarded(kafka, schemas, &certificates.pki, ACLS);
        let address = guarded.cluster().brokers[0].tls.unwrap();
        (guarded, format!("localhost:{}", address.port()))
    } else {
        let bare = Bare::start(kafka, schemas);
        let identity = &certificates.doorkeeper;
        let settings = doorkeeper::Settings { identity, acls: &acls::yaml(ACLS), authorization: "" };
        doorkeepers.extend(Doorkeeper::in_front_of(bare.cluster(), &settings));
        let door = doorkeeper::bootstrap(&doorkeepers);
        (bare, door)
    };
    bare.create_topics(&["b-readable"], 1);
    if let Some(doorkeeper) = doorkeepers.first() {
        match advertised::compare(&bare, doorkeeper.address, certificates) {
            Ok(said) => println!("  {said}"),
            Err(missing) => panic!("Kafka {}: {missing}", kafka.version),
        }
    }
    let mut outcomes = BTreeMap::new();
    for client in clients {
        let started = Instant::now();
        let outcome = cell(&bare, &door, certificates, client);
        println!(
            "  {:<28} {:>5.1} s  {}",
            client.name,
            started.elapsed().as_secs_f32(),
            table::in_words(&outcome)
        );
        outcomes.insert(client.name, outcome);
    }
    outcomes
}

fn cell(bare: &Bare, door: &str, certificates: &Certificates, client: &Client) -> Outcome {
    let program = match &client.program {
        Ok(program) => program,
        Err(why) => return Outcome::Skipped(why.clone()),
    };
    let codecs = client.codecs(bare.kafka);
    let name = client.name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-").to_lowercase();
    let through = |bootstrap: &str, pki, name: &str| Cell {
        bootstrap: bootstrap.to_owned(),
        pki,
        name: name.to_owned(),
        codecs: codecs.clone(),
        settings: client.settings(bare.kafka),
    };
    let plaintext = bare.cluster().bootstrap();
    let directly = through(&plaintext, None, &format!("{name}-direct"));
    if let Some(reason) = client.not_possible(bare.kafka) {
        prepare(bare, &directly);
        return match check(bare, client, &directly, &program.run(&directly, clients::QUICK)) {
            Ok(()) => {
                Outcome::Fail(format!("said not to be possible ({reason}), but works without doorkeeper"))
            }
            Err(_) => Outcome::NotPossible(reason),
        };
    }
    let cell = through(door, Some(certificates), &name);
    prepare(bare, &cell);
    let Err(fault) = check(bare, client, &cell, &program.run(&cell, clients::PATIENT)) else {
        return Outcome::Ok;
    };
    prepare(bare, &directly);
    let without = match check(bare, client, &directly, &program.run(&directly, clients::PATIENT)) {
        Ok(()) => "it works without doorkeeper".to_owned(),
        Err(fault) => format!("without doorkeeper: {fault}"),
    };
    Outcome::Fail(format!("{fault}; {without}"))
}

/// The topics that a cell's client uses.
fn prepare(bare: &Bare, cell: &Cell) {
    bare.create_topics(&[&format!("a-{}", cell.name)], 2);
    for version in cell
        .settings
        .iter()
        .filter_map(|setting| setting.strip_prefix("also="))
        .flat_map(|list| list.split(','))
    {
        bare.create_topics(&[&format!("a-{}-{version}", cell.name)], 1);
    }
}

/// Compares what a program said with what it should say, and looks at the broker for what it should have done there.
fn check(bare: &Bare, client: &Client, cell: &Cell, said: &Result<String, String>) -> Result<(), String> {
    let said = said.as_ref().map_err(Clone::clone)?;
    let mut expected: Vec<String> = client.first.iter().map(ToString::to_string).collect();
    expected.extend(cell.codecs.iter().map(|codec| format!("produce {codec}: {RECORDS}")));
    let count = RECORDS * cell.codecs.len();
    expected.push(format!("consume: {count}"));
    if cell.pki.is_some() {
        let denials = DENIALS.into_iter().zip(client.denials);
        expected.extend(denials.map(|(step, error)| format!("{step}: {error}")));
    }
    let lines: Vec<&str> = said.lines().collect();
    if let Some(wrong) = expected.iter().position(|line| !lines.contains(&line.as_str())) {
        let step = expected[wrong].split(':').next().unwrap_or_default();
        let instead = lines.iter().find(|line| line.starts_with(&format!("{step}:"))).copied();
        return Err(format!("'{}' instead of '{}'", instead.unwrap_or("nothing"), expected[wrong]));
    }
    if lines.len() != expected.len() {
        return Err(format!("it says more than it should: {said}"));
    }
    let topic = format!("a-{}", cell.name);
    let start = Instant::now();
    while bare.committed(&topic) != count as u64 {
        if start.elapsed() > Duration::from_secs(5) {
            return Err(format!("{} offsets are committed, not {count}", bare.committed(&topic)));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let written = segments::codecs(&bare.data(), &topic);
    match cell.codecs.iter().find(|codec| !written.contains(**codec)) {
        Some(codec) => Err(format!("the broker has nothing compressed with {codec}, only {written:?}")),
        None => Ok(()),
    }
}
