//! What one request costs to understand and to decide, without any I/O.
//!
//! ```text
//! cargo bench --bench decide
//! ```
//!
//! Nanoseconds depend on the machine; the last column, in copies of 4 KiB of memory, much less.

use bytes::Bytes;
use doorkeeper::protocol::messages::{
    FetchRequest, MetadataRequest, MetadataResponse, ProduceRequest, fetch_request, metadata_request,
    metadata_response, produce_request,
};
use doorkeeper::protocol::wire::{Fault, Message};
use doorkeeper::words::acl::{
    Authorizer, Binding, Operation, PatternType, Permission, ResourceType, Settings,
};
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;
use std::time::{Duration, Instant};

const BINDINGS: usize = 10_000;
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7));

/// How long each batch of calls lasts at least, and how many there are; the quickest counts, since whatever
/// disturbs a batch makes it slower.
const BATCH: Duration = Duration::from_millis(20);
const BATCHES: usize = 9;

fn main() -> ExitCode {
    // Cargo says --bench when it benchmarks; it also runs this under `cargo test --all-targets`.
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("run by: cargo bench --bench decide");
        return ExitCode::SUCCESS;
    }
    match bench() {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("decide: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn bench() -> Result<(), Fault> {
    let (from, mut to) = (vec![7_u8; 4096], vec![0_u8; 4096]);
    let copy = nanoseconds(|| black_box(&mut to).copy_from_slice(black_box(&from)));
    println!("{:<48} {:>12} {:>14}", "", "ns", "copies of 4 KiB");
    let report = |name: &str, ns: f64| println!("{name:<48} {ns:>12.0} {:>14.2}", ns / copy);
    report("copy 4 KiB", copy);

    let authorizer = Authorizer::new(bindings(), Settings::default());
    let view = authorizer.client("User:alice", ADDRESS);
    let decide = |operation, name: &'static str| {
        nanoseconds(|| view.decide(black_box(operation), ResourceType::Topic, black_box(name)))
    };
    println!("\ndecisions, {BINDINGS} bindings");
    report("allowed by a literal binding", decide(Operation::Write, "team-7.topic-77"));
    report("allowed by a prefixed binding", decide(Operation::Read, "shared-7.anything"));
    report("denied by a binding", decide(Operation::Write, "shared-13.anything"));
    report("denied, nothing matches", decide(Operation::Write, "somewhere-else"));
    report(
        "by resource type (idempotent producers)",
        nanoseconds(|| view.decide_by_resource_type(black_box(Operation::Write), ResourceType::Topic)),
    );
    report("a new connection's view", nanoseconds(|| authorizer.client(black_box("User:alice"), ADDRESS)));

    println!("\nreading and writing messages");
    let decode_produce = |bytes| -> Result<f64, Fault> { decode(&produce(bytes), 9) };
    report("read Produce v9, 1 KiB", decode_produce(1024)?);
    report("read Produce v9, 64 KiB", decode_produce(64 * 1024)?);
    report("read Fetch v12, 50 partitions", decode(&fetch(50), 12)?);
    report("read Metadata v12 request, 10 topics", decode(&metadata_request(10), 12)?);
    let metadata = metadata_response(100);
    report("read Metadata v12 response, 100 topics of 6", decode(&metadata, 12)?);
    let mut out = Vec::new();
    report(
        "write Metadata v12 response, 100 topics of 6",
        nanoseconds(|| {
            out.clear();
            metadata.encode(12, &mut out)
        }),
    );
    Ok(())
}

/// The cost of one call.
fn nanoseconds<T>(mut call: impl FnMut() -> T) -> f64 {
    let mut time = |calls: u32| {
        let start = Instant::now();
        for _ in 0..calls {
            black_box(call());
        }
        start.elapsed()
    };
    let mut calls = 1;
    while time(calls) < BATCH {
        calls *= 2;
    }
    let quickest = (0..BATCHES).map(|_| time(calls)).min().unwrap_or_default();
    quickest.as_secs_f64() * 1e9 / f64::from(calls)
}

fn decode<M: Message>(message: &M, version: i16) -> Result<f64, Fault> {
    let mut body = Vec::new();
    message.encode(version, &mut body)?;
    let body = Bytes::from(body);
    M::decode(&body, version)?;
    Ok(nanoseconds(|| M::decode(black_box(&body), version)))
}

/// A cluster of a hundred teams: each owns topics by name; some are shared by prefix, with denials among them.
fn bindings() -> Vec<Binding> {
    let binding = |name: String, pattern_type, principal: &str, operation, permission| Binding {
        resource_type: ResourceType::Topic,
        resource_name: name,
        pattern_type,
        principal: principal.to_owned(),
        host: "*".to_owned(),
        operation,
        permission,
    };
    (0..BINDINGS)
        .map(|n| {
            let (team, topic) = (n % 100, n / 100);
            let member = if team == 7 { "User:alice".to_owned() } else { format!("User:member-{team}") };
            match n % 10 {
                0 => binding(
                    format!("shared-{topic}."),
                    PatternType::Prefixed,
                    "User:*",
                    Operation::Read,
                    Permission::Allow,
                ),
                1 => binding(
                    format!("shared-{topic}."),
                    PatternType::Prefixed,
                    "User:*",
                    Operation::Write,
                    Permission::Deny,
                ),
                _ => binding(
                    format!("team-{team}.topic-{topic}"),
                    PatternType::Literal,
                    &member,
                    Operation::Write,
                    Permission::Allow,
                ),
            }
        })
        .collect()
}

fn produce(bytes: usize) -> ProduceRequest {
    let records = Some(vec![7; bytes].into());
    let partition_data = vec![produce_request::PartitionProduceData { records, ..Default::default() }];
    let topic = produce_request::TopicProduceData {
        name: "team-7.topic-77".into(),
        partition_data,
        ..Default::default()
    };
    ProduceRequest { acks: -1, topic_data: vec![topic], ..Default::default() }
}

fn fetch(partitions: i32) -> FetchRequest {
    let partition = |partition| fetch_request::FetchPartition { partition, ..Default::default() };
    let topic = fetch_request::FetchTopic {
        topic: "team-7.topic-77".into(),
        partitions: (0..partitions).map(partition).collect(),
        ..Default::default()
    };
    FetchRequest { topics: vec![topic], ..Default::default() }
}

fn metadata_request(topics: usize) -> MetadataRequest {
    let topic = |n| metadata_request::MetadataRequestTopic {
        name: Some(format!("team-7.topic-{n}").as_str().into()),
        ..Default::default()
    };
    MetadataRequest { topics: Some((0..topics).map(topic).collect()), ..Default::default() }
}

fn metadata_response(topics: usize) -> MetadataResponse {
    let broker = |node_id| metadata_response::MetadataResponseBroker {
        node_id,
        host: "broker.example".into(),
        port: 9092,
        ..Default::default()
    };
    let partition = |partition_index| metadata_response::MetadataResponsePartition {
        partition_index,
        leader_id: partition_index % 3,
        replica_nodes: vec![0, 1, 2],
        isr_nodes: vec![0, 1, 2],
        ..Default::default()
    };
    let topic = |n| metadata_response::MetadataResponseTopic {
        name: Some(format!("team-7.topic-{n}").as_str().into()),
        partitions: (0..6).map(partition).collect(),
        ..Default::default()
    };
    MetadataResponse {
        brokers: (0..3).map(broker).collect(),
        topics: (0..topics).map(topic).collect(),
        ..Default::default()
    }
}
