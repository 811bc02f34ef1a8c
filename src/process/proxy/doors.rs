//! The doors of the proxy: what stands behind each port of a listener, and when it opens.

use std::net::IpAddr;
use std::sync::Arc;
use std::task::Waker;

use tokio::sync::{Semaphore, watch};

use super::accept::{Admission, accept};
use super::gateway;
use super::socket::Socket;
use crate::link::budget::Budget;
use crate::link::gate::{AclSource, ChangeOutcome, Disconnects, Gate, Limits, SAID_AGAIN};
use crate::link::pattern_matching::PatternMatching;
use crate::link::self_check::SelfCheck;
use crate::link::wakers::Woken;
use crate::process::acl_store::AclStore;
use crate::process::config::{AddressMapping, Config, Gateway, Listener, Reaction, ToldApart};
use crate::process::identity::IdentityStore;
use crate::protocol::access::BrokerSettings;
use crate::words::acl::{Change, ClientView, Unchanged};
use crate::words::advertise::{Advertised, Destination, Mapping};
use crate::words::audit::AuditLog;
use crate::words::health::Health;
use crate::words::metrics::{AclChange, Check, Metrics};
use crate::words::repeats::Repeats;

/// One port of a listener.
pub(super) struct Door {
    pub(super) socket: Socket,
    pub(super) gate: Arc<Gate>,
    pub(super) identity: Arc<IdentityStore>,
    /// The broker that it leads to.
    pub(super) destination: Destination,
    /// What to do when what clients are told does not lead back to it.
    pub(super) self_check: Reaction,
}

/// The ACLs as connections see them; what they change shows in the metrics.
struct ServedAcls {
    store: Arc<AclStore>,
    metrics: Arc<Metrics>,
}

impl AclSource for ServedAcls {
    fn generation(&self) -> u64 {
        self.store.generation()
    }

    fn wake(&self, waker: &Waker) -> Woken {
        self.store.wake(waker)
    }

    fn change(&self, change: Change) -> ChangeOutcome {
        let (store, metrics) = (self.store.clone(), self.metrics.clone());
        // On its own, so that it goes on when the client leaves.
        let changed = tokio::spawn(async move {
            let outcome = store.clone().change(change).await;
            metrics.acl_change(match &outcome {
                Ok(_) => AclChange::Made,
                Err(Unchanged::TooMany | Unchanged::TooManyListed | Unchanged::ReadOnly(_)) => {
                    AclChange::Refused
                }
                Err(Unchanged::Unavailable(_)) => AclChange::Failed,
            });
            let status = store.status();
            metrics.acls(status.bindings, status.generation);
            outcome
        });
        Box::pin(async move {
            changed
                .await
                .unwrap_or_else(|error| Err(Unchanged::Unavailable(format!("the change failed: {error}"))))
        })
    }

    fn view(&self, principal: &str, address: IpAddr) -> (ClientView, u64) {
        let current = self.store.current();
        (current.authorizer.client(principal, address), current.number)
    }
}

/// Serves a listener from when there are ACLs to decide by.
pub(super) async fn open(
    door: Door,
    acls: Arc<AclStore>,
    limits: Arc<Admission>,
    mut draining: watch::Receiver<bool>,
    health: Health,
) {
    tokio::select! {
        () = acls.loaded() => {}
        _ = draining.wait_for(|draining| *draining) => return,
    }
    let Door { socket, gate, identity, destination, .. } = door;
    let address = socket.local_addr().map(|address| address.to_string()).unwrap_or_default();
    match socket.listen() {
        Ok(listener) => {
            let upstream = &gate.upstream;
            let name = &*gate.listener;
            match destination {
                Destination::Any => tracing::info!(listener = name, address, upstream, "listening"),
                // A gateway may have hundreds; one line says what clients are told.
                Destination::Node(node) => {
                    tracing::debug!(listener = name, address, node, "listening");
                }
            }
            accept(listener, (gate, identity, destination), limits, draining).await;
        }
        Err(error) => {
            let why = format!("{address} cannot be listened on: {error}");
            tracing::error!(listener = &*gate.listener, "{why}; restart doorkeeper when the address is free");
            health.set_part(Check::Listeners, &gate.listener, Err(why));
        }
    }
}

/// What all connections of the process share.
pub(super) struct Shared {
    pub(super) handshakes: Arc<Semaphore>,
    pub(super) pattern_matching: Arc<PatternMatching>,
    pub(super) memory: Budget,
}

/// What the connections of a listener share.
pub(super) fn gate(
    config: &Config,
    listener: &Listener,
    acls: &Arc<AclStore>,
    shared: &Shared,
    metrics: &Arc<Metrics>,
    audit: &AuditLog,
) -> Gate {
    let mapping = match listener.address_mapping.clone() {
        AddressMapping::None => Mapping::None,
        AddressMapping::KeepHost { ports } => Mapping::KeepHost { ports },
        AddressMapping::Table { brokers } => Mapping::Table { brokers },
        AddressMapping::Gateway(Gateway { brokers, .. }) => Mapping::Gateway { brokers },
    };
    Gate {
        listener: listener.name.as_str().into(),
        upstream: listener.upstream.to_string(),
        brokers: gateway::brokers(listener),
        doubted: tokio::sync::Notify::new(),
        serves_others: !listener.bind.ip().to_canonical().is_loopback(),
        names: match &listener.address_mapping {
            AddressMapping::Gateway(Gateway { told_apart: ToldApart::ByName(names), .. }) => {
                Some(names.clone())
            }
            _ => None,
        },
        self_check: SelfCheck::new(listener.self_check != Reaction::Ignore),
        balancers: listener.balancers.clone(),
        mapping_rules: arc_swap::ArcSwap::from_pointee(listener.principal_mapping_rules.clone()),
        acls: Arc::new(ServedAcls { store: acls.clone(), metrics: metrics.clone() }),
        advertised: Advertised::new(mapping),
        cluster: arc_swap::ArcSwap::default(),
        broker_settings: arc_swap::ArcSwap::from_pointee(BrokerSettings::default()),
        limits: Limits {
            max_frame_bytes: config.limits.max_frame_bytes as usize,
            buffered_bytes: usize::try_from(config.limits.buffered_bytes).unwrap_or(usize::MAX),
            handshake_timeout: listener.tls.handshake_timeout,
            idle_timeout: config.limits.idle_timeout,
            stall_timeout: config.limits.stall_timeout,
            upstream_connect_timeout: config.limits.upstream_connect_timeout,
            drain_timeout: config.shutdown.drain_timeout,
        },
        handshakes: shared.handshakes.clone(),
        pattern_matching: shared.pattern_matching.clone(),
        memory: shared.memory.clone(),
        metrics: metrics.clone(),
        listener_metrics: metrics.listener(&listener.name),
        audit: audit.clone(),
        disconnects: Disconnects::default(),
        withheld: Repeats::new(SAID_AGAIN),
    }
}
