//! librdkafka's embedded Kafka cluster as a program.
//!
//! ```text
//! mock-cluster [--brokers N] [TOPIC[:PARTITIONS]]...
//! ```
//!
//! Starts N brokers (three when not said, numbered from 1) on free loopback ports, creates the topics,
//! partition P led by broker P mod N + 1, prints the bootstrap servers as one line (`127.0.0.1:1,127.0.0.1:2,...`), and ends when its standard
//! input does: whoever started it holds the other end, so the cluster cannot outlive them.

use rdkafka::mocking::MockCluster;
use std::error::Error;
use std::io::{Read, Write};
use std::process::ExitCode;

const USAGE: &str = "usage: mock-cluster [--brokers N] [TOPIC[:PARTITIONS]]...";

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mock-cluster: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let wanted = Wanted::parse(arguments)?;
    let cluster = MockCluster::new(wanted.brokers)?;
    for (topic, partitions) in &wanted.topics {
        cluster.create_topic(topic, *partitions, 1)?;
        for partition in 0..*partitions {
            cluster.partition_leader(topic, partition, Some(partition % wanted.brokers + 1))?;
        }
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", cluster.bootstrap_servers())?;
    out.flush()?;
    std::io::stdin().lock().read_to_end(&mut Vec::new())?;
    Ok(())
}

struct Wanted {
    brokers: i32,
    topics: Vec<(String, i32)>,
}

impl Wanted {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut wanted = Self { brokers: 3, topics: Vec::new() };
        while let Some(argument) = arguments.next() {
            if argument == "--brokers" {
                let count = arguments.next().ok_or_else(|| format!("--brokers needs a number; {USAGE}"))?;
                wanted.brokers = number(&count, "--brokers")?;
            } else if argument.starts_with('-') {
                return Err(format!("unknown option {argument}; {USAGE}").into());
            } else {
                let (topic, partitions) = argument.split_once(':').unwrap_or((&argument, "1"));
                wanted.topics.push((topic.to_owned(), number(partitions, &argument)?));
            }
        }
        Ok(wanted)
    }
}

fn number(text: &str, of: &str) -> Result<i32, Box<dyn Error>> {
    match text.parse() {
        Ok(number @ 1..=1000) => Ok(number),
        _ => Err(format!("{of}: {text} is not a number from 1 to 1000; {USAGE}").into()),
    }
}
