//! Accepting connections, as many as there may be.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rustls::pki_types::CertificateDer;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::model::advertise::Destination;
use crate::net::connection::{self, AcceptedConnection, Distrust};
use crate::net::context::ListenerContext;
use crate::net::disconnects::SAID_AGAIN;
use crate::observability::metrics::RejectReason;
use crate::observability::repeats::Repeats;
use crate::process::config::Limits;
use crate::process::identity::{IdentityStore, Trust};

use super::distrust::distrusted;

/// How long to leave off accepting after the system refused to: no file descriptors are left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many connections there may be, and how many there are.
pub(super) struct Admission(Mutex<Counts>);

struct Counts {
    most: u32,
    most_per_address: u32,
    open: u32,
    /// Counted without a bound too: one may be set later.
    by_address: HashMap<IpAddr, u32>,
}

/// A connection's place among those that may be.
struct ConnectionSlot {
    admission: Arc<Admission>,
    /// Whose it is; not known of one from a balancer that has not said it yet.
    address: Option<IpAddr>,
    /// Whom the listener believes.
    trust: watch::Receiver<Trust>,
}

impl Admission {
    pub(super) fn new(limits: &Limits) -> Self {
        let admission =
            Self(Mutex::new(Counts { most: 0, most_per_address: 0, open: 0, by_address: HashMap::new() }));
        admission.bound(limits);
        admission
    }

    /// Sets other bounds. Connections that are there stay, also those that are too many now.
    pub(super) fn bound(&self, limits: &Limits) {
        let mut counts = self.counts();
        counts.most = limits.max_connections;
        counts.most_per_address = limits.max_connections_per_ip.unwrap_or(u32::MAX);
    }

    /// A place for a connection; `address` is whose it is, as far as that is known.
    fn admit(
        self: &Arc<Self>,
        address: Option<IpAddr>,
        trust: watch::Receiver<Trust>,
    ) -> Result<ConnectionSlot, RejectReason> {
        let mut counts = self.counts();
        if counts.open >= counts.most {
            return Err(RejectReason::Limit);
        }
        if let Some(address) = address {
            counts.take_for(address)?;
        }
        counts.open += 1;
        Ok(ConnectionSlot { admission: self.clone(), address, trust })
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn take_for(&mut self, address: IpAddr) -> Result<(), RejectReason> {
        if self.by_address.get(&address).is_some_and(|count| *count >= self.most_per_address) {
            return Err(RejectReason::PerIpLimit);
        }
        *self.by_address.entry(address).or_default() += 1;
        Ok(())
    }

    fn give_back(&mut self, address: IpAddr) {
        if let Some(count) = self.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
    }
}

impl connection::ConnectionSlot for ConnectionSlot {
    fn take_for(&mut self, client: IpAddr) -> Result<(), RejectReason> {
        let mut counts = self.admission.counts();
        counts.take_for(client)?;
        if let Some(before) = self.address.replace(client) {
            counts.give_back(before);
        }
        Ok(())
    }

    fn distrust(&self, chain: &[CertificateDer<'static>]) -> Option<Distrust> {
        if !self.trust.borrow().closes_connections() {
            return None;
        }
        Some(Box::pin(distrusted(self.trust.clone(), chain.to_vec(), SystemTime::now)))
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let mut counts = self.admission.counts();
        counts.open -= 1;
        if let Some(address) = self.address {
            counts.give_back(address);
        }
    }
}

/// Whose a connection from there is; a balancer is yet to say it.
fn whose(context: &ListenerContext, peer: IpAddr) -> Option<IpAddr> {
    let peer = peer.to_canonical();
    (!context.balancers.iter().any(|network| network.contains(peer))).then_some(peer)
}

/// Accepts connections until doorkeeper stops, then waits for those that are open.
pub(super) async fn accept(
    listener: TcpListener,
    (context, identity, destination): (Arc<ListenerContext>, Arc<IdentityStore>, Destination),
    admission: Arc<Admission>,
    mut draining: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    let refused = Repeats::new(SAID_AGAIN);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(ended) = connections.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(listener = &*context.name, "a connection's task failed: {error}");
                }
                continue;
            }
            _ = draining.wait_for(|draining| *draining) => break,
        };
        match accepted {
            Ok((socket, peer)) => match admission.admit(whose(&context, peer.ip()), identity.trust()) {
                Ok(place) => {
                    let (context, tls, draining) =
                        (context.clone(), identity.server_config(), draining.clone());
                    let arrival = AcceptedConnection { socket, peer, destination, place };
                    connections.spawn(connection::serve(context, tls, arrival, draining));
                }
                Err(reason) => {
                    context.metrics.reject(reason);
                    if let Some(more) = refused.admit(reason, Instant::now()) {
                        tracing::warn!(
                            listener = &*context.name, %peer, reason = reason.as_str(), more,
                            "a connection is turned away: raise limits.max_connections or max_connections_per_ip"
                        );
                    }
                }
            },
            Err(error) => {
                context.metrics.reject(RejectReason::AcceptError);
                if let Some(more) = refused.admit(RejectReason::AcceptError, Instant::now()) {
                    tracing::error!(
                        listener = &*context.name,
                        more,
                        "no connection can be accepted: {error}"
                    );
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}
