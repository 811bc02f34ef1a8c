//! Accepting connections, as many as there may be.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use crate::link::connection;
use crate::link::gate::{Gate, SAID_AGAIN};
use crate::process::config::Limits;
use crate::process::identity::IdentityStore;
use crate::words::advertise::Destination;
use crate::words::metrics::RejectReason;
use crate::words::repeats::Repeats;

/// How long to leave off accepting after the system refused to: no file descriptors are left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many connections there may be, and how many there are.
pub(super) struct Admission {
    connections: Arc<Semaphore>,
    per_address: Option<u32>,
    by_address: Mutex<HashMap<IpAddr, u32>>,
}

/// A connection's place among those that may be.
struct Place {
    admission: Arc<Admission>,
    address: IpAddr,
    _connection: OwnedSemaphorePermit,
}

impl Admission {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            connections: Arc::new(Semaphore::new(limits.max_connections as usize)),
            per_address: limits.max_connections_per_ip,
            by_address: Mutex::default(),
        }
    }

    fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Place, RejectReason> {
        let connection = self.connections.clone().try_acquire_owned().map_err(|_| RejectReason::Limit)?;
        if let Some(most) = self.per_address {
            let mut by_address = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
            let count = by_address.entry(address).or_default();
            if *count >= most {
                return Err(RejectReason::PerIpLimit);
            }
            *count += 1;
        }
        Ok(Place { admission: self.clone(), address, _connection: connection })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.admission.per_address.is_none() {
            return;
        }
        let mut by_address = self.admission.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&self.address);
            }
        }
    }
}

/// Accepts connections until doorkeeper stops, then waits for those that are open.
pub(super) async fn accept(
    listener: TcpListener,
    (gate, identity, destination): (Arc<Gate>, Arc<IdentityStore>, Destination),
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
                    tracing::error!(listener = &*gate.listener, "a connection's task failed: {error}");
                }
                continue;
            }
            _ = draining.wait_for(|draining| *draining) => break,
        };
        match accepted {
            Ok((socket, peer)) => match admission.admit(peer.ip().to_canonical()) {
                Ok(place) => {
                    let (gate, tls, draining) = (gate.clone(), identity.server_config(), draining.clone());
                    connections.spawn(async move {
                        // Made here: a future that is handed in would be stored twice in each connection's task.
                        connection::serve(gate, tls, socket, peer, destination, draining).await;
                        drop(place);
                    });
                }
                Err(reason) => {
                    gate.listener_metrics.reject(reason);
                    if let Some(more) = refused.admit(reason, Instant::now()) {
                        tracing::warn!(
                            listener = &*gate.listener, %peer, reason = reason.as_str(), more,
                            "a connection is turned away: raise limits.max_connections or max_connections_per_ip"
                        );
                    }
                }
            },
            Err(error) => {
                gate.listener_metrics.reject(RejectReason::AcceptError);
                if let Some(more) = refused.admit(RejectReason::AcceptError, Instant::now()) {
                    tracing::error!(
                        listener = &*gate.listener,
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
