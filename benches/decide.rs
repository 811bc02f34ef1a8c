//! What one request costs to read and to judge, without any I/O: `cargo bench --bench decide`.
//!
//! Nanoseconds depend on the machine; the last column, in copies of 4 KiB of memory, much less. What the ACLs alone
//! cost is the subject of the bench `acl`.

use bytes::Bytes;
use doorkeeper::model::acl::{
    Authorizer, Binding, ClientView, Operation, PatternType, Permission, ResourceType, Settings,
};
use doorkeeper::model::advertise::{Advertised, Mapping, Unmapped};
use doorkeeper::net::members::Members;
use doorkeeper::net::topics::Topics;
use doorkeeper::protocol::access::{
    Access, Broker, BrokerSettings, Checked, DecisionObserver, Grounds, Remedy,
};
use doorkeeper::protocol::api::{Action, Row, Rule};
use doorkeeper::protocol::fetch_sessions::FetchSessions;
use doorkeeper::protocol::messages::{
    FetchRequest, MetadataRequest, MetadataResponse, ProduceRequest, fetch_request, metadata_request,
    metadata_response, produce_request,
};
use doorkeeper::protocol::share_sessions::ShareSessions;
use doorkeeper::protocol::subscriptions::Subscriptions;
use doorkeeper::protocol::waiting_members::WaitingMembers;
use doorkeeper::protocol::wire::{Fault, Message};
use std::error::Error;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

const BINDINGS: usize = 10_000;
const ALICE: &str = "User:alice";
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
        Err(error) => {
            eprintln!("decide: {error}");
            ExitCode::FAILURE
        }
    }
}

fn bench() -> Result<(), Box<dyn Error>> {
    let (from, mut to) = (vec![7_u8; 4096], vec![0_u8; 4096]);
    let copy = nanoseconds(|| black_box(&mut to).copy_from_slice(black_box(&from)));
    println!("{:<48} {:>12} {:>14}", "", "ns", "copies of 4 KiB");
    let report = |name: &str, ns: f64| println!("{name:<48} {ns:>12.0} {:>14.2}", ns / copy);
    report("copy 4 KiB", copy);

    println!("\nread and judged, {BINDINGS} bindings");
    let mut door = Door::new();
    report("Produce v9, 1 KiB", door.judge(&produce(1024), 9)?);
    report("Produce v9, 64 KiB", door.judge(&produce(64 * 1024), 9)?);
    report("Fetch v12, 50 partitions of one topic", door.judge(&fetch(50), 12)?);
    report("Metadata v12, 10 topics", door.judge(&metadata_request(10), 12)?);

    println!("\nread or written alone");
    report("read Produce v9, 64 KiB", read(&produce(64 * 1024), 9)?);
    report("read Fetch v12, 50 partitions of one topic", read(&fetch(50), 12)?);
    report("read Metadata v12, 10 topics", read(&metadata_request(10), 12)?);
    let metadata = metadata_response(100);
    report("read the answer to Metadata v12, 100 topics of 6", read(&metadata, 12)?);
    let mut out = Vec::new();
    report(
        "write the answer to Metadata v12, 100 topics of 6",
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

fn read<M: Message>(message: &M, version: i16) -> Result<f64, Fault> {
    let body = written(message, version)?;
    M::decode(&body, version)?;
    Ok(nanoseconds(|| M::decode(black_box(&body), version)))
}

fn written<M: Message>(message: &M, version: i16) -> Result<Bytes, Fault> {
    let mut body = Vec::new();
    message.encode(version, &mut body)?;
    Ok(body.into())
}

/// All that a rule may look at.
struct Door {
    view: ClientView,
    advertised: Advertised,
    topics: Topics,
    members: Members,
    host: Arc<str>,
    broker: Broker,
    fetch_sessions: FetchSessions,
    share_sessions: ShareSessions,
    subscriptions: Subscriptions,
    waiting: WaitingMembers,
    grounds: Grounds,
}

impl Door {
    fn new() -> Self {
        let authorizer = Authorizer::new(bindings(), Settings::default());
        Self {
            view: authorizer.client(ALICE, ADDRESS),
            advertised: Advertised::new(Mapping::None),
            topics: Topics::default(),
            members: Members::default(),
            host: "10.0.0.7".into(),
            broker: Broker::new(&Default::default(), BrokerSettings::default()),
            fetch_sessions: FetchSessions::default(),
            share_sessions: ShareSessions::default(),
            subscriptions: Subscriptions::default(),
            waiting: WaitingMembers::default(),
            grounds: Grounds::default(),
        }
    }

    /// The cost of judging a request that alice may send.
    fn judge<M: Message>(&mut self, message: &M, version: i16) -> Result<f64, Box<dyn Error>> {
        let body = written(message, version)?;
        let Some(Rule::Decided(decide)) = Row::find(M::KEY).map(|row| row.rule) else {
            return Err(format!("{} has no rule", M::NAME).into());
        };
        let mut access = Access {
            version,
            client_id: "bench",
            principal: ALICE,
            view: &self.view,
            generation: 1,
            advertised: &self.advertised,
            host: &self.host,
            topics: &self.topics,
            members: &self.members,
            broker: &self.broker,
            fetch_sessions: &mut self.fetch_sessions,
            share_sessions: &mut self.share_sessions,
            subscriptions: &self.subscriptions,
            users: None,
            waiting: &self.waiting,
            grounds: &mut self.grounds,
            observer: &mut NoObserver,
        };
        access.grounds.set_deciding(true);
        match decide(&body, &mut access)? {
            Action::Forward(_) | Action::Replace(..) => {}
            _ => return Err(format!("{} is not passed on", M::NAME).into()),
        }
        // And what it was allowed by is remembered, as of a request that goes to the broker.
        Ok(nanoseconds(|| {
            access.grounds.begin();
            let action = decide(black_box(&body), &mut access);
            access.grounds.sent(Remedy::Nothing);
            action
        }))
    }
}

/// Hears nothing: what counting and auditing cost is not measured here.
struct NoObserver;

impl DecisionObserver for NoObserver {
    fn decided(&mut self, _: &Checked<'_>) {}
    fn unmapped(&mut self, _: i32, _: &Unmapped) {}
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
            let member = if team == 7 { ALICE.to_owned() } else { format!("User:member-{team}") };
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
                    Operation::All,
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
