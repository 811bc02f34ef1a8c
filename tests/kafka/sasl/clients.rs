//! Clients of many makers that log in: by each mechanism that they have, with the right secret and with a wrong one.
//!
//! Each has a program in `../matrix`, and all are told and say the same:
//!
//! ```text
//! program BOOTSTRAP AUTHORITY TOPIC CLIENT MECHANISM:USER:RIGHT:WRONG…
//! ```
//!
//! With each secret it produces the record `CLIENT MECHANISM` and reads until it comes back. It says `MECHANISM right: ok`, and
//! `MECHANISM wrong: …` in the words of its library.

use super::Behind;
use crate::matrix::programs::{self, Program};
use crate::support::java::run;
use crate::support::kafka::Kafka;
use crate::support::{skipped, test_name};
use std::time::Duration;

const SCRAM_512: &str = "SCRAM-SHA-512";
const SCRAM_256: &str = "SCRAM-SHA-256";
const PLAIN: &str = "PLAIN";
const BEARER: &str = "OAUTHBEARER";
const ALL: &[&str] = &[SCRAM_512, SCRAM_256, PLAIN, BEARER];
const LIMIT: Duration = Duration::from_secs(180);

/// A client, by what it can log in, and what it says when that fails.
struct Row {
    name: &'static str,
    program: Result<Program, String>,
    mechanisms: &'static [&'static str],
    refused: &'static str,
    /// Where a token is refused, if it says something else.
    refused_token: &'static str,
}

fn rows(kafka: &Kafka) -> Vec<Row> {
    let older = Kafka::of_version("3.9.2").and_then(|older| programs::java(&older, "SaslClient"));
    let refused = "SaslAuthenticationException: Authentication failed";
    let refused_token = r#"SaslAuthenticationException: {"status":"invalid_token"}"#;
    let java = |name, program| Row { name, program, mechanisms: ALL, refused, refused_token };
    let row = |name, program, mechanisms, refused| Row {
        name,
        program,
        mechanisms,
        refused,
        refused_token: refused,
    };
    vec![
        java("java", programs::java(kafka, "SaslClient")),
        java("java-3.9", older),
        row("confluent-kafka", programs::python("confluent_kafka_sasl"), ALL, "_AUTHENTICATION"),
        Row {
            // This one and kafkajs take the first answer to a token for the last, whatever it says, and go on with Metadata.
            refused_token: "Unable to update metadata from []",
            ..row("aiokafka", programs::python("aiokafka_sasl"), ALL, "SaslAuthenticationFailed")
        },
        row("franz-go", programs::go("franz-go-sasl"), ALL, "SASL_AUTHENTICATION_FAILED"),
        row("sarama", programs::go("sarama-sasl"), &[PLAIN, BEARER], "SASL Authentication failed"),
        Row {
            refused_token: "not valid given the current SASL state",
            ..row("kafkajs", programs::node("sasl.js"), ALL, "KafkaJSSASLAuthenticationError")
        },
    ]
}

/// One doorkeeper for all, which are many at once. kcat is in `stock_clients_log_in`.
#[test]
fn clients_of_many_makers_log_in() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    let behind = Behind::start(kafka, "always");
    behind.cluster.create_topics(&["sasl"], 1);
    let rows = rows(kafka);
    let faults: Vec<String> = std::thread::scope(|scope| {
        let behind = &behind;
        let threads: Vec<_> = rows.iter().map(|row| scope.spawn(move || faults(behind, row))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let last_words = behind.doorkeeper.process.last_words();
    assert!(faults.is_empty(), "{}\n{last_words}", faults.join("\n"));
}

/// What a client said that it should not have said.
fn faults(behind: &Behind, row: &Row) -> Vec<String> {
    let name = row.name;
    let mut command = match row.program.as_ref().map(Program::command) {
        Ok(Some(command)) => command,
        Ok(None) => return vec![format!("{name} has no program")],
        Err(why) => {
            skipped(&test_name(), &format!("{name}: {why}"));
            return Vec::new();
        }
    };
    command.arg(behind.bootstrap()).arg(behind.pki.authority()).args(["sasl", name]);
    command.args(row.mechanisms.iter().map(|mechanism| match *mechanism {
        BEARER => {
            format!("{BEARER}:alice:{}:{}", behind.issuer.token_of("alice"), behind.issuer.expired())
        }
        PLAIN => format!("{PLAIN}:bob:s3cret:wrong"),
        scram => format!("{scram}:alice:pencil:wrong"),
    }));
    let output = run(&mut command, name, b"", LIMIT);
    let said = output.text();
    println!("{name}:\n{said}");
    let mut faults = Vec::new();
    for mechanism in row.mechanisms {
        let refused = if *mechanism == BEARER { row.refused_token } else { row.refused };
        for (which, words) in [("right", "ok"), ("wrong", refused)] {
            let begin = format!("{mechanism} {which}: ");
            let line = said.lines().find_map(|line| line.strip_prefix(&begin));
            let is_as_expected =
                line.is_some_and(|line| if words == "ok" { line == words } else { line.contains(words) });
            if !is_as_expected {
                faults.push(format!("{name}: {begin}{line:?} instead of '{words}'; {}", output.stderr));
            }
        }
    }
    faults
}
