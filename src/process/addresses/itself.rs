//! Whether the broker behind a sidecar reaches itself at the address that it advertises to other brokers.
//!
//! A broker sends transaction markers, the state of share groups and the verification of transactions to the leaders of
//! partitions, itself among them, through the network: to the advertised address of its inter-broker listener, whatever
//! clients are told. Where nobody answers there in plaintext, producing and consuming works, and transactions hang.

use std::net::IpAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::net::cluster_metadata::ClusterMetadata;
use crate::net::context::ListenerContext;
use crate::net::upstream::ask_on;
use crate::process::own_addresses;

/// How long whoever is there may take.
const LIMIT: Duration = Duration::from_secs(5);

/// What keeps the broker from reaching itself, as far as that can be seen: from its own host, where it says what it
/// advertises and speaks plaintext there.
pub(super) async fn fault(context: &ListenerContext, cluster: &ClusterMetadata) -> Option<String> {
    if !context.self_check.is_enabled()
        || context.advertised.is_gateway()
        || !is_beside(&context.upstream.address).await
    {
        return None;
    }
    let listeners = cluster.listeners.as_deref()?;
    let listener = listeners.iter().find(|listener| listener.between_brokers && listener.plaintext)?;
    // A broker that tells no host for it tells the same one as for the listener that was asked.
    let own =
        || cluster.nodes.iter().find(|(node, _)| Some(*node) == cluster.own).map(|(_, own)| own.clone());
    let (host, port) = match &listener.advertised {
        Some(advertised) => advertised.clone(),
        None => (own()?.0, listener.port),
    };
    let why = match timeout(LIMIT, asked(&host, port)).await {
        Ok(Ok(())) => return None,
        Ok(Err(why)) => why,
        Err(_) => format!("no answer within {LIMIT:?}"),
    };
    Some(format!(
        "the broker cannot reach itself: it sends transaction markers and the state of share groups to {host}:{port}, the \
         advertised address of its listener {}, where no plaintext broker answers ({why}), so transactions hang; give the \
         broker a second listener on loopback and name it in inter.broker.listener.name, or leave that address to it and \
         keep others away with a firewall",
        listener.name
    ))
}

/// Whether the broker is on this host.
async fn is_beside(upstream: &str) -> bool {
    let Ok(found) = lookup_host(upstream).await else { return false };
    let own = own_addresses::reachable().unwrap_or_default();
    found.into_iter().any(|place| place.ip().is_loopback() || own.contains(&place.ip()))
}

async fn asked(host: &str, port: u16) -> Result<(), String> {
    let socket = TcpStream::connect((host, port)).await.map_err(|error| error.to_string())?;
    ask_on(socket).await.map(drop).map_err(|close| close.detail.into_owned())
}

/// Whether a host is this one for whoever asks.
pub(super) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}
