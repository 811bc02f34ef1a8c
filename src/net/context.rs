//! What connections share: with all of the process, and with those of the same listener.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;

use super::acl_source::AclSource;
use super::budget::MemoryBudget;
use super::client::Client;
use super::disconnects::Disconnects;
use super::pattern_matching::PatternMatching;
use super::sasl::SaslContext;
use super::self_check::SelfCheck;
use super::upstream::Upstream;
use crate::model::acl::{ClientView, Network};
use crate::model::advertise::{Advertised, Names};
use crate::model::principal::PrincipalBuilder;
use crate::observability::audit::AuditLog;
use crate::observability::metrics::{ListenerMetrics, Metrics};
use crate::observability::repeats::Repeats;
use crate::protocol::access::UserDirectory;
use crate::protocol::subscriptions::{Covered, Matching};

/// What all connections of the process share, through whichever listener they come.
pub struct ProcessContext {
    /// The ACLs in force.
    pub acls: Arc<dyn AclSource>,
    /// The handshakes that may go on at one time.
    pub handshakes: Semaphore,
    /// Where patterns are matched.
    pub pattern_matching: PatternMatching,
    /// Memory for what connections hold.
    pub memory: MemoryBudget,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// Where decisions are recorded.
    pub audit: AuditLog,
}

/// What all connections of a listener share.
pub struct ListenerContext {
    /// What they share with those of the other listeners.
    pub process: Arc<ProcessContext>,
    /// The broker or the brokers behind it.
    pub upstream: Upstream,
    /// The listener's name.
    pub name: Arc<str>,
    /// Whether clients on other hosts reach it: it is bound to more than loopback.
    pub serves_others: bool,
    /// The names by which clients say which broker they mean; `None` where the port says it.
    pub names: Option<Names>,
    /// Where balancers connect from, which begin with a PROXY protocol header.
    pub balancers: Vec<Network>,
    /// ClientHellos of our own, by which it shows whether an address leads here.
    pub self_check: SelfCheck,
    /// How certificates become principals; connections that are there keep theirs.
    pub principal: ArcSwap<PrincipalBuilder>,
    /// How clients log in, where they may.
    pub sasl: Option<Arc<SaslContext>>,
    /// The addresses that clients are told.
    pub advertised: Advertised,
    /// The bounds of a connection.
    pub limits: ConnectionLimits,
    /// The listener's metrics.
    pub metrics: ListenerMetrics,
    /// Holds back lines about the ends of connections.
    pub disconnects: Disconnects,
    /// Holds back repeated lines about one broker.
    pub withheld: Repeats<i32>,
}

/// The bounds of a connection.
#[derive(Debug, Clone)]
pub struct ConnectionLimits {
    /// The longest frame, in bytes (`socket.request.max.bytes`).
    pub max_frame_bytes: usize,
    /// What all large frames may take together, in bytes; at least one of the longest.
    pub buffered_bytes: usize,
    /// How long a handshake may take.
    pub handshake_timeout: Duration,
    /// How long a connection may be silent (`connections.max.idle.ms`).
    pub idle_timeout: Duration,
    /// How old a connection may become.
    pub max_age: Option<Duration>,
    /// How long a connection may stand still while it holds memory that others wait for.
    pub stall_timeout: Duration,
    /// How long pending responses may take when doorkeeper stops.
    pub drain_timeout: Duration,
}

impl ListenerContext {
    /// Who knows the users, where users are kept.
    pub fn users(&self) -> Option<&dyn UserDirectory> {
        let credentials = &self.sasl.as_ref()?.credentials;
        // Upcast: whoever decides knows nothing of verifying.
        credentials.keeps_users().then_some(&**credentials as &dyn UserDirectory)
    }

    /// The ACLs in force as they matter for a client, and their generation.
    pub fn view(&self, client: &Client) -> (ClientView, u64) {
        self.process.acls.view(&client.principal, client.address)
    }

    /// What the pattern covers that a client waits for; `None` if there is no memory to match it.
    pub async fn matched(&self, client: &Client, matching: Matching) -> Option<Covered> {
        let cluster = self.upstream.cluster.load_full();
        let memory = (&self.process.memory, matching.memory().min(self.limits.buffered_bytes));
        let (known, known_of) = (matching.clone(), cluster.clone());
        let known = move || known_of.subscriptions.covered(&known.pattern, &known.topics);
        let work = move || {
            let covered = matching.work();
            cluster.subscriptions.keep_covered(&matching, covered.clone());
            covered
        };
        self.process.pattern_matching.run(&client.principal, memory, known, work).await
    }
}
