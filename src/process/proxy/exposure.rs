//! Whether others can reach the broker past doorkeeper: its plaintext port is looked for at this host's own addresses.
//!
//! What is found is a hint. A firewall or a NetworkPolicy that keeps others away does not show from here, and one that is
//! missing shows only if the broker listens at more than loopback.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::{sleep, timeout};

use crate::link::gate::Gate;
use crate::link::upstream::learn_versions;
use crate::process::config::PlaintextExposed;
use crate::process::own_addresses;
use crate::words::health::Health;
use crate::words::metrics::Check;

/// How often it is looked. Brokers that are away at the start are there by the second time.
const INTERVAL: Duration = Duration::from_secs(60);
const AT_FIRST: Duration = Duration::from_secs(5);
/// How long one address may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Looks from time to time, and says so in the log, the metrics and the checks when something has changed.
pub(super) async fn watch(gate: Arc<Gate>, own: Vec<SocketAddr>, mode: PlaintextExposed, health: Health) {
    if mode == PlaintextExposed::Ignore {
        return;
    }
    let mut before = Vec::new();
    let mut pause = AT_FIRST;
    loop {
        let addresses = own_addresses::reachable();
        let exposed = exposed_at(&gate.upstream, &addresses, &own).await;
        tracing::debug!(
            listener = &*gate.listener,
            exposed = exposed.len(),
            "looked for the broker's plaintext port at {} addresses of this host",
            addresses.len()
        );
        gate.listener_metrics.plaintext_exposed(!exposed.is_empty());
        if exposed != before {
            say(&gate.listener, &exposed, mode, &health);
            before = exposed;
        }
        sleep(pause).await;
        pause = INTERVAL;
    }
}

fn say(listener: &str, exposed: &[SocketAddr], mode: PlaintextExposed, health: &Health) {
    let check = Check::PlaintextExposed;
    if exposed.is_empty() {
        tracing::info!(listener, "the broker's plaintext port is no longer reachable from elsewhere");
        health.warn_part(check, listener, None);
        health.set_part(check, listener, Ok(()));
        return;
    }
    let places = exposed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let reason = format!(
        "the broker answers in plaintext at {places}: whoever reaches that is not asked for a certificate; bind its \
         listener to 127.0.0.1, or keep others away with a NetworkPolicy or firewall"
    );
    tracing::warn!(listener, "{reason}");
    match mode {
        PlaintextExposed::Fail => health.set_part(check, listener, Err(reason)),
        PlaintextExposed::Warn | PlaintextExposed::Ignore => health.warn_part(check, listener, Some(reason)),
    }
}

/// At which of this host's `addresses` a broker answers in plaintext at the port of `upstream`, which is on this host.
/// `own` are doorkeeper's listeners.
async fn exposed_at(upstream: &str, addresses: &[IpAddr], own: &[SocketAddr]) -> Vec<SocketAddr> {
    let Ok(Ok(found)) = timeout(PATIENCE, lookup_host(upstream)).await else { return Vec::new() };
    let found: Vec<SocketAddr> = found.collect();
    // A broker elsewhere is reached over the network in any case, which the configuration warns of.
    let is_here = |place: &SocketAddr| place.ip().is_loopback() || addresses.contains(&place.ip());
    let Some(port) = found.iter().find(|place| is_here(place)).map(SocketAddr::port) else {
        return Vec::new();
    };
    let mut exposed = Vec::new();
    for place in addresses.iter().map(|address| SocketAddr::new(*address, port)) {
        let ours = |bound: &SocketAddr| {
            bound.port() == port && (bound.ip() == place.ip() || bound.ip().is_unspecified())
        };
        if !own.iter().any(ours) && answers(place).await {
            exposed.push(place);
        }
    }
    exposed
}

/// Whether a broker answers there.
async fn answers(place: SocketAddr) -> bool {
    let asked = timeout(PATIENCE, async {
        let mut socket = TcpStream::connect(place).await.ok()?;
        learn_versions(&mut socket).await.ok()
    });
    matches!(asked.await, Ok(Some(_)))
}
