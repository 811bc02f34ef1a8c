//! The doors of the proxy: what stands behind each port of a listener, and when it opens.

use std::net::IpAddr;
use std::sync::Arc;
use std::task::Waker;

use tokio::sync::watch;

use super::accept::{Admission, accept};
use super::gateway;
use super::socket::Socket;
use crate::model::acl::{Change, ChangeError, ClientView};
use crate::model::advertise::{Advertised, Destination};
use crate::net::acl_source::{AclSource, PendingChange};
use crate::net::context::{ConnectionLimits, ListenerContext, ProcessContext};
use crate::net::disconnects::{Disconnects, SAID_AGAIN};
use crate::net::sasl::SaslContext;
use crate::net::self_check::SelfCheck;
use crate::net::upstream::Upstream;
use crate::net::wakers::Woken;
use crate::observability::health::Health;
use crate::observability::metrics::{AclChange, Check, Metrics};
use crate::observability::repeats::Repeats;
use crate::process::acl_store::AclStore;
use crate::process::config::{Config, Gateway, Listener, Reaction};
use crate::process::identity::IdentityStore;

/// One port of a listener.
pub(super) struct BoundPort {
    pub(super) socket: Socket,
    pub(super) context: Arc<ListenerContext>,
    pub(super) identity: Arc<IdentityStore>,
    /// The broker that it leads to.
    pub(super) destination: Destination,
    /// What to do when what clients are told does not lead back to it.
    pub(super) self_check: Reaction,
}

/// The ACLs as connections see them; what they change shows in the metrics.
pub(super) struct ServedAcls {
    pub(super) store: Arc<AclStore>,
    pub(super) metrics: Arc<Metrics>,
}

impl AclSource for ServedAcls {
    fn generation(&self) -> u64 {
        self.store.generation()
    }

    fn wake(&self, waker: &Waker) -> Woken {
        self.store.wake(waker)
    }

    fn change(&self, change: Change) -> PendingChange {
        let (store, metrics) = (self.store.clone(), self.metrics.clone());
        // On its own, so that it goes on when the client leaves.
        let changed = tokio::spawn(async move {
            let outcome = store.clone().change(change).await;
            metrics.acl_change(match &outcome {
                Ok(_) => AclChange::Made,
                Err(ChangeError::TooMany | ChangeError::TooManyListed | ChangeError::ReadOnly(_)) => {
                    AclChange::Refused
                }
                Err(ChangeError::Unavailable(_)) => AclChange::Failed,
            });
            outcome
        });
        Box::pin(async move {
            changed
                .await
                .unwrap_or_else(|error| Err(ChangeError::Unavailable(format!("the change failed: {error}"))))
        })
    }

    fn view(&self, principal: &str, address: IpAddr) -> (ClientView, u64) {
        let current = self.store.current();
        (current.authorizer.client(principal, address), current.number)
    }
}

/// Serves a listener from when there are ACLs to decide by.
pub(super) async fn open(
    port: BoundPort,
    acls: Arc<AclStore>,
    limits: Arc<Admission>,
    mut draining: watch::Receiver<bool>,
    health: Health,
) {
    tokio::select! {
        () = acls.loaded() => {}
        _ = draining.wait_for(|draining| *draining) => return,
    }
    let BoundPort { socket, context, identity, destination, .. } = port;
    let address = socket.local_addr().map(|address| address.to_string()).unwrap_or_default();
    match socket.listen() {
        Ok(listener) => {
            let upstream = &context.upstream.address;
            let name = &*context.name;
            match destination {
                Destination::Any => tracing::info!(listener = name, address, upstream, "listening"),
                // A gateway may have hundreds; one line says what clients are told.
                Destination::Node(node) => {
                    tracing::debug!(listener = name, address, node, "listening");
                }
            }
            accept(listener, (context, identity, destination), limits, draining).await;
        }
        Err(error) => {
            let why = format!("{address} cannot be listened on: {error}");
            tracing::error!(listener = &*context.name, "{why}; restart doorkeeper when the address is free");
            health.set_part(Check::Listeners, &context.name, Err(why));
        }
    }
}

/// What the connections of a listener share.
pub(super) fn listener_context(
    config: &Config,
    listener: &Listener,
    process: &Arc<ProcessContext>,
    sasl: Option<Arc<SaslContext>>,
) -> ListenerContext {
    ListenerContext {
        process: process.clone(),
        upstream: Upstream::new(
            listener.upstream.to_string(),
            gateway::brokers(listener),
            config.limits.upstream_connect_timeout,
            process.metrics.clone(),
        ),
        name: listener.name.as_str().into(),
        serves_others: !listener.bind.ip().to_canonical().is_loopback(),
        names: listener.gateway.as_ref().and_then(Gateway::names).cloned(),
        self_check: SelfCheck::new(listener.self_check != Reaction::Ignore),
        balancers: listener.balancers.clone(),
        principal: arc_swap::ArcSwap::from_pointee(listener.principal.clone()),
        sasl,
        advertised: Advertised::new(listener.address_mapping.clone()),
        limits: ConnectionLimits {
            max_frame_bytes: config.limits.max_frame_bytes as usize,
            buffered_bytes: usize::try_from(config.limits.buffered_bytes).unwrap_or(usize::MAX),
            handshake_timeout: listener.tls.handshake_timeout,
            idle_timeout: config.limits.idle_timeout,
            max_age: listener.max_connection_age,
            stall_timeout: config.limits.stall_timeout,
            drain_timeout: config.shutdown.drain_timeout,
        },
        metrics: process.metrics.listener(&listener.name),
        disconnects: Disconnects::default(),
        withheld: Repeats::new(SAID_AGAIN),
    }
}
