//! Whether others can reach the broker past doorkeeper: its plaintext listeners are looked for at this host's own addresses,
//! and where the broker tells others that they are.
//!
//! What is found is a hint. A firewall or a NetworkPolicy that keeps others away does not show from here, and one that is
//! missing shows only if the broker listens at more than loopback.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::model::broker_listeners::BrokerListener;
use crate::net::brokers::Address;
use crate::net::cluster_metadata::{ClusterMetadata, describe_cluster};
use crate::net::context::ListenerContext;
use crate::net::upstream::is_open;
use crate::observability::health::Health;
use crate::observability::metrics::Check;
use crate::process::config::Reaction;
use crate::process::{findings, own_addresses};

/// How often it is looked. Brokers that are away at the start are there by the second time.
const INTERVAL: Duration = Duration::from_secs(60);
const AT_FIRST: Duration = Duration::from_secs(5);
/// How long one address may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Addresses that are tried at a time.
const AT_A_TIME: usize = 32;

/// What one look has shown.
#[derive(Debug, Default, PartialEq, Eq)]
struct Look {
    /// Where it was looked.
    places: BTreeSet<SocketAddr>,
    /// Where the broker answers, with the name of the listener if that is known.
    exposed: Vec<(SocketAddr, Option<String>)>,
    /// What could not be looked at, and why.
    unseen: Vec<String>,
}

/// Looks from time to time, and says so in the log, the metrics and the checks when something has changed.
pub(super) async fn watch(
    context: Arc<ListenerContext>,
    own: Vec<SocketAddr>,
    mode: Reaction,
    health: Health,
) {
    if mode == Reaction::Ignore {
        return;
    }
    let show = |finding| findings::show(&health, Check::PlaintextExposed, &context.name, mode, finding);
    context.metrics.plaintext_exposed(None);
    let mut before = None;
    let mut pause = AT_FIRST;
    loop {
        match describe_cluster(&context.upstream).await {
            Ok(cluster) => {
                let look = look(&context, &cluster, &own).await;
                context.metrics.plaintext_exposed(look.is_exposed());
                if before.as_ref() != Some(&look) {
                    let finding = look.finding();
                    show(finding.clone());
                    match &finding {
                        Some(finding) => tracing::warn!(listener = &*context.name, "{finding}"),
                        None => tracing::info!(listener = &*context.name, "{}", look.all_well()),
                    }
                    before = Some(look);
                }
                sleep(pause).await;
                pause = INTERVAL;
            }
            Err(close) => {
                // What was seen last holds until the broker is back.
                if before.is_none() {
                    show(Some(format!("{}: {}", findings::NOT_YET, close.detail)));
                }
                sleep(AT_FIRST).await;
            }
        }
    }
}

impl Look {
    /// Whether the broker can be reached from elsewhere, as far as that is known.
    fn is_exposed(&self) -> Option<bool> {
        match (self.exposed.is_empty(), self.unseen.is_empty()) {
            (false, _) => Some(true),
            (true, true) => Some(false),
            (true, false) => None,
        }
    }

    fn finding(&self) -> Option<String> {
        let mut parts = Vec::new();
        if !self.exposed.is_empty() {
            let place = |(place, name): &(SocketAddr, Option<String>)| match name {
                Some(name) => format!("{place} ({name})"),
                None => place.to_string(),
            };
            let places = self.exposed.iter().map(place).collect::<Vec<_>>().join(", ");
            parts.push(format!(
                "the broker answers in plaintext at {places}: whoever reaches that is not asked for a certificate; bind \
                 its listener to 127.0.0.1, or keep others away with a NetworkPolicy or firewall"
            ));
        }
        parts.extend(self.unseen.iter().map(|unseen| format!("not looked at: {unseen}")));
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    fn all_well(&self) -> String {
        let places: Vec<String> = self.places.iter().map(ToString::to_string).collect();
        match places.is_empty() {
            true => "this host has no addresses at which others could reach the broker's plaintext listeners"
                .into(),
            false => format!("the broker does not answer in plaintext at {}", places.join(", ")),
        }
    }
}

/// Looks for the broker's plaintext listeners. `own` are doorkeeper's.
async fn look(context: &ListenerContext, cluster: &ClusterMetadata, own: &[SocketAddr]) -> Look {
    let unseen = |why: String| Look { unseen: vec![why], ..Look::default() };
    let addresses = match own_addresses::reachable() {
        Ok(addresses) => addresses,
        Err(why) => return unseen(why),
    };
    let found = match timeout(PATIENCE, lookup_host(&context.upstream.address)).await {
        Ok(Ok(found)) => found.collect::<Vec<_>>(),
        Ok(Err(error)) => return unseen(format!("{} cannot be resolved: {error}", context.upstream.address)),
        Err(_) => {
            return unseen(format!("{} cannot be resolved within {PATIENCE:?}", context.upstream.address));
        }
    };
    let is_here = |place: &SocketAddr| place.ip().is_loopback() || addresses.contains(&place.ip());
    let Some(port) = found.iter().find(|place| is_here(place)).map(SocketAddr::port) else {
        return unseen(format!(
            "the broker at {} is on another host, and who reaches it there does not show from here",
            context.upstream.address
        ));
    };
    let mut look = Look::default();
    if cluster.listeners.is_none() {
        look.unseen.push(format!(
            "the broker does not say which listeners it has (DescribeConfigs), only its port {port} was looked for"
        ));
    }
    let listeners = cluster.listeners.as_deref().unwrap_or_default();
    let mut places = places(&addresses, &ports(port, listeners));
    for (address, name) in told_by_the_broker(context, cluster, listeners) {
        // One that cannot be resolved here leads nobody here.
        if let Ok(Ok(found)) = timeout(PATIENCE, lookup_host((address.0.as_str(), address.1))).await {
            let elsewhere = found.filter(|place| !place.ip().is_loopback());
            places.extend(elsewhere.map(|place| (place, Some(name.clone()))));
        }
    }
    places.retain(|place, _| !own.iter().any(|bound| is_bound(*bound, *place, &addresses)));
    look.exposed = answering(&places).await;
    look.places = places.into_keys().collect();
    look
}

/// The ports at which the broker may listen in plaintext, with the names of the listeners.
fn ports(upstream: u16, listeners: &[BrokerListener]) -> BTreeMap<u16, Option<String>> {
    let mut ports = BTreeMap::from([(upstream, None)]);
    for listener in listeners.iter().filter(|listener| listener.plaintext) {
        let advertised = listener.advertised.as_ref().map(|(_, port)| *port);
        for port in [Some(listener.port), advertised].into_iter().flatten() {
            ports.entry(port).or_default().get_or_insert_with(|| listener.name.clone());
        }
    }
    ports
}

fn places(
    addresses: &[IpAddr],
    ports: &BTreeMap<u16, Option<String>>,
) -> BTreeMap<SocketAddr, Option<String>> {
    let at = |address: &IpAddr| {
        let address = *address;
        ports.iter().map(move |(port, name)| (SocketAddr::new(address, *port), name.clone()))
    };
    addresses.iter().flat_map(at).collect()
}

/// Where the broker tells others that its plaintext listeners are, but for what clients are told: that is doorkeeper.
fn told_by_the_broker(
    context: &ListenerContext,
    cluster: &ClusterMetadata,
    listeners: &[BrokerListener],
) -> Vec<(Address, String)> {
    let told = |(node, (host, port)): &(i32, Address)| {
        context
            .advertised
            .address(*node, host, (*port).into())
            .is_ok_and(|(to, at)| (to, at) == (host.as_str(), i32::from(*port)))
    };
    let ours: Vec<&Address> = cluster.nodes.iter().filter(|node| told(node)).map(|(_, own)| own).collect();
    let advertised = listeners.iter().filter(|listener| listener.plaintext).filter_map(|listener| {
        let address = listener.advertised.clone()?;
        (!ours.contains(&&address)).then(|| (address, listener.name.clone()))
    });
    advertised.collect()
}

/// Whether what is bound there is what is found at an address.
fn is_bound(bound: SocketAddr, place: SocketAddr, addresses: &[IpAddr]) -> bool {
    let everywhere = bound.ip().is_unspecified() && addresses.contains(&place.ip());
    bound.port() == place.port() && (bound.ip() == place.ip() || everywhere)
}

/// Those at which a broker answers.
async fn answering(places: &BTreeMap<SocketAddr, Option<String>>) -> Vec<(SocketAddr, Option<String>)> {
    let mut exposed = Vec::new();
    let all: Vec<_> = places.iter().collect();
    for some in all.chunks(AT_A_TIME) {
        let mut looks = JoinSet::new();
        for (place, name) in some {
            let (place, name) = (**place, (*name).clone());
            looks.spawn(async move { answers(place).await.then_some((place, name)) });
        }
        while let Some(looked) = looks.join_next().await {
            exposed.extend(looked.ok().flatten());
        }
    }
    exposed.sort();
    exposed
}

/// Whether a broker answers there whoever asks.
async fn answers(place: SocketAddr) -> bool {
    let asked = timeout(PATIENCE, async {
        let socket = TcpStream::connect(place).await.ok()?;
        is_open(socket).await.ok()
    });
    matches!(asked.await, Ok(Some(true)))
}
