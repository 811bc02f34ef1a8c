//! What all connections of a listener share, and who a client is.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::brokers::Brokers;
use super::budget::Budget;
use super::cluster::Cluster;
use super::pattern_matching::PatternMatching;
use super::self_check::SelfCheck;
use super::wakers::Woken;
use crate::protocol::access::{BrokerSettings, Checked, Witness};
use crate::protocol::api::Row;
use crate::protocol::subscriptions::{Covered, Matching};
use crate::words::acl::{
    self, Change, Changed, ClientView, Known, Network, Operation, ResourceType, Unchanged,
};
use crate::words::advertise::{Advertised, Names, Unmapped};
use crate::words::audit::{AuditLog, Decided, Record, Request, printable};
use crate::words::metrics::{CloseReason, HandshakeResult, ListenerMetrics, MappingError, Metrics};
use crate::words::origin::Origin;
use crate::words::principal::MappingRules;
use crate::words::repeats::{Rate, Repeats};

/// What all connections of a listener share.
pub struct Gate {
    /// The listener's name.
    pub listener: Arc<str>,
    /// The broker, as configured: host and port.
    pub upstream: String,
    /// The broker, or those of the cluster, and where they are.
    pub brokers: Brokers,
    /// Something has shown that the broker may be away: it is to be looked at soon.
    pub doubted: tokio::sync::Notify,
    /// Whether clients on other hosts reach it: it is bound to more than loopback.
    pub serves_others: bool,
    /// The names by which clients say which broker they mean; `None` where the port says it.
    pub names: Option<Names>,
    /// Where balancers connect from, which begin with a PROXY protocol header.
    pub balancers: Vec<Network>,
    /// Greetings of our own, by which it shows whether an address leads here.
    pub self_check: SelfCheck,
    /// How certificates become principals; connections that are there keep theirs.
    pub mapping_rules: arc_swap::ArcSwap<MappingRules>,
    /// The ACLs in force.
    pub acls: Arc<dyn AclSource>,
    /// The addresses that clients are told.
    pub advertised: Advertised,
    /// What is known of the cluster, shared by all listeners before it.
    pub cluster: arc_swap::ArcSwap<Cluster>,
    /// The broker's settings, as far as they have been learnt.
    pub broker_settings: arc_swap::ArcSwap<BrokerSettings>,
    /// The bounds of a connection.
    pub limits: Limits,
    /// The handshakes that may go on at one time, in the whole process.
    pub handshakes: Arc<Semaphore>,
    /// Where patterns are matched, in the whole process.
    pub pattern_matching: Arc<PatternMatching>,
    /// Memory for what connections hold, shared by all of the process.
    pub memory: Budget,
    /// The process' metrics.
    pub metrics: Arc<Metrics>,
    /// The listener's own.
    pub listener_metrics: ListenerMetrics,
    /// Where decisions are recorded.
    pub audit: AuditLog,
    /// Holds back lines about the ends of connections, which whoever can connect could flood the log with.
    pub disconnects: Disconnects,
    /// Holds back repeated lines about one broker.
    pub withheld: Repeats<i32>,
}

/// How often the same is said in the log.
pub const SAID_AGAIN: Duration = Duration::from_secs(10);
/// Of how many addresses the same is said in that time.
const SAID_OF: u32 = 64;

/// Holds back repeated lines about the ends of connections: of one address, and of all of them, since some can have as
/// many addresses as they like.
#[derive(Debug)]
pub struct Disconnects {
    of_one: Repeats<(CloseReason, Option<HandshakeResult>, Origin)>,
    of_all: Rate<(CloseReason, Option<HandshakeResult>)>,
}

impl Default for Disconnects {
    fn default() -> Self {
        Self { of_one: Repeats::new(SAID_AGAIN), of_all: Rate::new(SAID_AGAIN, SAID_OF) }
    }
}

impl Disconnects {
    /// Whether a line about such an end may be written, and if so how many like it, of this address and of others, were
    /// not since the last.
    pub fn admit(
        &self,
        kind: (CloseReason, Option<HandshakeResult>),
        peer: IpAddr,
        now: Instant,
    ) -> Option<(u64, u64)> {
        // Addresses are remembered only as long as their lines may pass: those of one kind must not take the room of others.
        self.of_all.admit_if(kind, now, || self.of_one.admit((kind.0, kind.1, peer.into()), now))
    }
}

/// The bounds of a connection.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The longest frame, in bytes (`socket.request.max.bytes`).
    pub max_frame_bytes: usize,
    /// What all large frames may take together, in bytes; at least one of the longest.
    pub buffered_bytes: usize,
    /// How long a handshake may take.
    pub handshake_timeout: Duration,
    /// How long a connection may be silent (`connections.max.idle.ms`).
    pub idle_timeout: Duration,
    /// How long a connection may stand still while it holds memory that others wait for.
    pub stall_timeout: Duration,
    /// How long connecting to the broker may take.
    pub upstream_connect_timeout: Duration,
    /// How long owed answers may take when doorkeeper stops.
    pub drain_timeout: Duration,
}

/// The ACLs in force. They are replaced whole; whoever holds a view of the old ones sees it by the generation.
pub trait AclSource: Send + Sync {
    /// A number that changes with every change.
    fn generation(&self) -> u64;
    /// The ACLs as they matter for a client, and their generation.
    fn view(&self, principal: &str, address: IpAddr) -> (ClientView, u64);
    /// The task is woken by changes from now on, once the generation is another, while it is concerned and until what is
    /// returned is dropped.
    fn wake(&self, waker: &Waker) -> Woken;
    /// Changes the ACLs. Once begun, a change goes on whether or not anybody waits for its outcome; it ends within a time
    /// that the source sets.
    fn change(&self, change: Change) -> ChangeOutcome;
}

/// What comes of a change, when it is known.
pub type ChangeOutcome = Pin<Box<dyn Future<Output = Result<Changed, Unchanged>> + Send>>;

/// An authenticated client.
#[derive(Debug)]
pub struct Client {
    /// Who it is, as `User:alice`.
    pub principal: Arc<str>,
    /// Where it connects from.
    pub address: IpAddr,
    /// The address as Kafka prints it.
    pub host: Arc<str>,
}

impl Client {
    /// The client of this principal at this address.
    pub fn new(principal: &str, address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self { principal: principal.into(), address, host: acl::host_text(address).into() }
    }
}

impl Gate {
    /// The ACLs in force as they matter for a client, and their generation.
    pub fn view(&self, client: &Client) -> (ClientView, u64) {
        self.acls.view(&client.principal, client.address)
    }

    /// What the pattern covers that a client waits for; `None` if there is no memory to match it.
    pub async fn matched(&self, client: &Client, matching: Matching) -> Option<Covered> {
        let cluster = self.cluster.load_full();
        let memory = (&self.memory, matching.memory().min(self.limits.buffered_bytes));
        let (known, known_of) = (matching.clone(), cluster.clone());
        let known = move || known_of.subscriptions.covered(&known.pattern, &known.topics);
        let work = move || {
            let covered = matching.work();
            cluster.subscriptions.keep_covered(&matching, covered.clone());
            covered
        };
        self.pattern_matching.run(&client.principal, memory, known, work).await
    }

    /// What is known of a resource: from the ACLs, and of a topic from what the broker has told of.
    fn known(&self, checked: &Checked<'_>) -> Known {
        match checked.resource_type {
            ResourceType::Topic if self.cluster.load().topics.exists(checked.name) => Known::ByName,
            // There is but one.
            ResourceType::Cluster => Known::ByName,
            kind => checked.view.known(kind, checked.name),
        }
    }
}

/// Hears of the decisions on one request: audits and counts them.
pub struct Hearing<'a> {
    /// The listener.
    pub gate: &'a Gate,
    /// Who asks.
    pub client: &'a Client,
    /// What it calls itself.
    pub client_id: &'a str,
    /// Which API; `None` where nothing is decided.
    pub row: Option<&'static Row>,
    /// The request's version.
    pub version: i16,
    /// The request's correlation id.
    pub correlation_id: i32,
    /// What is heard.
    pub heard: &'a mut Heard,
    /// What the audit trail gets of it in the end.
    pub record: Option<Box<Record>>,
}

/// What was heard of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heard {
    /// Something was denied.
    pub denied: bool,
    /// So many bytes are kept until it is answered.
    pub keeps: usize,
}

impl Drop for Hearing<'_> {
    /// However the request's judgement ends, what was decided till then is on record.
    fn drop(&mut self) {
        if let Some(record) = self.record.take() {
            self.gate.audit.record(*record);
        }
    }
}

impl Witness for Hearing<'_> {
    fn decided(&mut self, checked: &Checked<'_>) {
        let allowed = checked.decision.allowed;
        if !allowed && checked.silent {
            // Other silent ones only ask whether a way that needs fewer permissions is open.
            if let Some(row) = self.row
                && checked.operation == Operation::Describe
                && checked.resource_type != ResourceType::Cluster
            {
                self.gate.metrics.api(row.key).filtered(checked.count as u64);
            }
            return;
        }
        self.heard.denied |= !allowed;
        self.gate.metrics.authorization(
            allowed,
            checked.operation,
            checked.resource_type,
            checked.count as u64,
        );
        if !allowed {
            self.gate.metrics.denied(&self.client.principal, checked.count as u64);
        }
        if !self.gate.audit.wants(allowed) {
            return;
        }
        let known = match allowed {
            true => Known::Nothing,
            false => self.gate.known(checked),
        };
        let record = self.record.get_or_insert_with(|| {
            Box::new(Record::new(Request {
                principal: self.client.principal.clone(),
                host: self.client.host.clone(),
                listener: self.gate.listener.clone(),
                client_id: (!self.client_id.is_empty()).then(|| self.client_id.into()),
                api: self.row.map_or("", |row| row.name),
                api_version: self.version,
                correlation_id: self.correlation_id,
            }))
        });
        record.add(&Decided {
            allowed,
            operation: checked.operation,
            resource_type: checked.resource_type,
            resource_name: checked.name,
            rule: &checked.decision.rule,
            count: u32::try_from(checked.count).unwrap_or(u32::MAX),
            known,
        });
    }

    fn keeps(&mut self, bytes: usize) {
        self.heard.keeps = self.heard.keeps.saturating_add(bytes);
    }

    fn unmapped(&mut self, node: i32, unmapped: &Unmapped) {
        let reason = match unmapped {
            Unmapped::Port(_) => MappingError::UnmappedPort,
            Unmapped::Node(_) | Unmapped::Undeclared(_) => MappingError::UnmappedNode,
        };
        self.gate.metrics.address_mapping_error(reason);
        if let Some(more) = self.gate.withheld.admit(node, Instant::now()) {
            tracing::warn!(
                listener = &*self.gate.listener,
                node,
                more,
                "a broker's address is withheld from clients: {}",
                printable(&unmapped.to_string())
            );
        }
    }
}
