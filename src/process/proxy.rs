//! The running proxy: listeners, what is watched beside them, and the way to an end.

mod accept;
mod certificates;
mod distrust;
mod exposure;
mod gateway;
mod hold;
mod ports;
mod refusals;
mod reload;
mod run;
mod socket;
mod views;
mod watchers;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use accept::Admission;
use ports::{BoundPort, ServedAcls, listener_context, open};
use reload::{Live, Reloader, Sources};
use socket::Socket;
use watchers::{
    watch_acls, watch_certificates, watch_client, watch_clusters, watch_configuration, watch_hangup,
    watch_identity, watch_load, watch_token_keys, watch_upstream, watch_users,
};

pub use run::run;

use super::acl_store::AclStore;
use super::addresses::{AddressTable, watch_addresses, watch_nodes};
use super::admin::{self, AdminServer, BindError};
use super::config::{Acls, Audience, Config, Reaction, Shutdown};
use super::credentials::{AllCredentials, sasl_context};
use super::findings;
use super::identity::{Identity, IdentityStore, sha256};
use super::notify::Notifier;
use super::startup::Ready;
use super::telemetry::Levels;
use crate::model::advertise::Destination;
use crate::net::budget::MemoryBudget;
use crate::net::cluster::Clusters;
use crate::net::context::{ListenerContext, ProcessContext};
use crate::net::pattern_matching::PatternMatching;
use crate::observability::audit::AuditLog;
use crate::observability::health::Health;
use crate::observability::metrics::{ApiClass, Build, Check, Metrics, Reload};
use crate::protocol::api::TABLE;

/// What this binary was built from.
pub fn build() -> Build {
    Build {
        version: env!("CARGO_PKG_VERSION"),
        revision: option_env!("DOORKEEPER_REVISION").unwrap_or("unknown"),
        rustc: option_env!("DOORKEEPER_RUSTC").unwrap_or("unknown"),
        tls_provider: "aws-lc-rs",
    }
}

/// What keeps the proxy from starting.
#[derive(Debug)]
pub enum StartError {
    /// An address cannot be listened on.
    Bind(BindError),
    /// The system refuses something else.
    System(String),
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bind(error) => error.fmt(f),
            Self::System(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for StartError {}

/// The APIs that metrics tell apart.
pub fn apis() -> Vec<(i16, &'static str, ApiClass)> {
    TABLE.iter().map(|row| (row.key, row.name, row.class)).collect()
}

/// The proxy, with all its addresses bound.
pub struct Proxy {
    ports: Vec<BoundPort>,
    /// What each listener's broker is reached through, and what to do when others reach it.
    brokers: Vec<(Arc<ListenerContext>, Reaction)>,
    admin: Option<AdminServer>,
    reloader: Reloader,
    acls_interval: Option<Duration>,
    config_interval: Option<Duration>,
    manager: Notifier,
    metrics: Arc<Metrics>,
    health: Health,
    limits: Arc<Admission>,
    memory: MemoryBudget,
    audit: AuditLog,
    shutdown: Shutdown,
}

impl Proxy {
    /// Binds every address and prepares everything else.
    ///
    /// # Errors
    /// When an address cannot be listened on.
    pub async fn start(ready: Ready, metrics: Arc<Metrics>, audit: AuditLog) -> Result<Self, StartError> {
        let Ready { config, identities: loaded, clients, acls, credentials, warnings } = ready;
        let config = Arc::new(config);
        for warning in &warnings {
            tracing::warn!("{warning}");
        }
        if config.metrics.denials_by_principal > 0 {
            metrics
                .count_denials_by_principal(config.metrics.denials_by_principal as usize)
                .map_err(|error| StartError::System(error.to_string()))?;
        }
        let health = Health::new(metrics.clone());
        let admin = bind_admin(&config, &metrics, &health).await?;
        let memory = MemoryBudget::new(
            usize::try_from(config.limits.buffered_bytes).unwrap_or(usize::MAX),
            config.limits.max_frame_bytes as usize,
        );
        let process = Arc::new(ProcessContext {
            acls: Arc::new(ServedAcls { store: acls.clone(), metrics: metrics.clone() }),
            handshakes: Semaphore::new(config.limits.max_handshakes as usize),
            pattern_matching: PatternMatching::default(),
            memory: memory.clone(),
            metrics: metrics.clone(),
            audit: audit.clone(),
        });
        let Listeners { ports, brokers, identities } =
            bind_listeners(&config, (loaded, &credentials), &process, &acls)?;
        for listener in &config.listeners {
            health.set_part(Check::Upstream, &listener.name, Err("not asked yet".to_owned()));
            let not_yet = |check, reaction| {
                findings::show(&health, check, &listener.name, reaction, Some(findings::NOT_YET.to_owned()));
            };
            not_yet(Check::Addresses, listener.self_check);
            if listener.plaintext_exposed != Reaction::Ignore {
                not_yet(Check::PlaintextExposed, listener.plaintext_exposed);
            }
        }
        let admission = Arc::new(Admission::new(&config.limits));
        let contexts = brokers.iter().map(|(context, _)| context.clone()).collect();
        let live = Live { contexts, admission: admission.clone(), audit: audit.clone() };
        let sources = Sources { identities, clients, acls: acls.clone(), credentials };
        let reloader = Reloader::new(config.clone(), sources, live, metrics.clone(), health.clone());
        reloader.show_certificates();
        show_loaded(&metrics, &config, acls.is_loaded());
        if config.authorization.acls.as_ref().and_then(Acls::topic).is_none() {
            health.does_not_apply(Check::AclTopic);
        }
        if config.listeners.iter().all(|listener| listener.sasl.is_none()) {
            health.does_not_apply(Check::Credentials);
        }
        if config.listeners.iter().all(|listener| listener.plaintext_exposed == Reaction::Ignore) {
            health.does_not_apply(Check::PlaintextExposed);
        }
        acls.show(&metrics);
        health.set(Check::Configuration, Ok(()));
        health.set(Check::Listeners, Ok(()));
        health.set(Check::Acls, Ok(()));
        health.set(Check::Credentials, Ok(()));
        Ok(Self {
            ports,
            brokers,
            admin,
            reloader,
            acls_interval: config
                .authorization
                .acls
                .as_ref()
                .and_then(|acls| Some(acls.file()?.reload_interval)),
            config_interval: config.reload_interval,
            manager: Notifier::default(),
            metrics,
            health,
            limits: admission,
            memory,
            audit,
            shutdown: config.shutdown.clone(),
        })
    }

    /// Tells the service manager of reloads.
    #[must_use]
    pub fn with_manager(mut self, manager: Notifier) -> Self {
        self.manager = manager;
        self
    }

    /// Lets the log level follow the configuration when that is reloaded.
    #[must_use]
    pub fn with_levels(mut self, levels: Levels) -> Self {
        self.reloader.set_levels(levels);
        self
    }

    /// The addresses in use, in the order of the configuration, those for single brokers behind the listener's own: with
    /// port 0 the system chose one.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.ports.iter().filter_map(|port| port.socket.local_addr().ok()).collect()
    }

    /// The address of the admin endpoint.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().and_then(|admin| admin.local_addr().ok())
    }

    /// Serves until `stop`; then no connection is accepted any more, and those that are open get what they are owed.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let (drain, draining) = watch::channel(false);
        let (end, ended) = watch::channel(false);
        let mut watchers = JoinSet::new();
        let own: Vec<SocketAddr> = self.addresses();
        let reloader = Arc::new(self.reloader);
        let addresses = AddressTable::default();
        let clusters = Arc::<Clusters>::default();
        if let Some(admin) = self.admin {
            let admin = admin.with_addresses(addresses.clone()).with_views(views::all(&reloader));
            let mut ended = ended.clone();
            watchers.spawn(async move {
                admin.serve(async { drop(ended.wait_for(|ended| *ended).await) }).await;
            });
        }
        for port in self.ports.iter().filter(|port| port.destination == Destination::Any) {
            let (context, health) = (port.context.clone(), self.health.clone());
            watchers.spawn(watch_upstream(context.clone(), clusters.clone(), health.clone()));
            let (identity, table, acls) = (port.identity.clone(), addresses.clone(), reloader.acls.clone());
            let reaction = port.self_check;
            watchers.spawn(async move {
                // Before, nobody is let in.
                acls.loaded().await;
                watch_addresses(context, identity, table, reaction, health).await;
            });
            if port.context.advertised.is_gateway() {
                watchers.spawn(watch_nodes(port.context.clone()));
            }
        }
        watchers.spawn(watch_clusters(self.brokers.iter().map(|(context, _)| context.clone()).collect()));
        for (context, mode) in self.brokers {
            watchers.spawn(exposure::watch(context, own.clone(), mode, self.health.clone()));
        }
        for identity in &reloader.identities {
            watchers.spawn(watch_identity(reloader.clone(), identity.clone()));
        }
        let acls = reloader.acls.clone();
        let (followed, metrics, health) = (acls.clone(), self.metrics.clone(), self.health.clone());
        watchers.spawn(async move { followed.follow(metrics, health).await });
        watchers.spawn(watch_acls(reloader.clone(), self.acls_interval));
        watchers.spawn(watch_configuration(reloader.clone(), self.config_interval));
        watchers.spawn(watch_certificates(reloader.clone()));
        for (store, interval) in reloader.user_files() {
            watchers.spawn(watch_users(reloader.clone(), store, interval));
        }
        for keys in reloader.token_keys() {
            watchers.spawn(watch_token_keys(reloader.clone(), keys));
        }
        for client in &reloader.clients {
            watchers.spawn(watch_client(reloader.clone(), client.clone()));
        }
        watchers.spawn(watch_hangup(reloader, self.manager));
        watchers.spawn(watch_load(self.memory, self.audit, self.metrics));
        // One broker's end is no reason for the end of a gateway.
        let own = self.ports.iter().filter(|port| !port.context.advertised.is_gateway());
        let upstreams: Vec<String> = own.map(|port| port.context.upstream.address.clone()).collect();
        let mut ports = JoinSet::new();
        for port in self.ports {
            ports.spawn(open(port, acls.clone(), self.limits.clone(), draining.clone(), self.health.clone()));
        }
        stop.await;
        self.health.set(Check::NotDraining, Err("doorkeeper is stopping".to_owned()));
        let Shutdown { drain_timeout, hold_until_upstream_closed, hold_timeout } = self.shutdown;
        if hold_until_upstream_closed {
            hold::until_closed(&upstreams, hold_timeout).await;
        }
        tracing::info!("stopping: answers under way have {drain_timeout:?}");
        drain.send_replace(true);
        // Each connection keeps the deadline; this is for whatever does not.
        let all_gone = async { while ports.join_next().await.is_some() {} };
        if tokio::time::timeout(drain_timeout + Duration::from_secs(3), all_gone).await.is_err() {
            tracing::warn!("connections are left at the end of shutdown.drain_timeout and are cut off");
        }
        end.send_replace(true);
        watchers.shutdown().await;
        tracing::info!("stopped");
    }
}

/// Shows in the metrics what was read for the start.
fn show_loaded(metrics: &Metrics, config: &Config, acls_are_loaded: bool) {
    metrics.config_hash(&sha256(config.document.text().as_bytes()));
    metrics.connections_limit(config.limits.max_connections as usize);
    metrics.loaded(Reload::Config, SystemTime::now());
    metrics.loaded(Reload::Tls, SystemTime::now());
    // Where there are none, nothing of them has failed.
    metrics.loaded(Reload::Users, SystemTime::now());
    metrics.loaded(Reload::Jwks, SystemTime::now());
    if acls_are_loaded {
        metrics.loaded(Reload::Acls, SystemTime::now());
    }
}

/// The admin endpoint, if there is to be one.
async fn bind_admin(
    config: &Config,
    metrics: &Arc<Metrics>,
    health: &Health,
) -> Result<Option<AdminServer>, StartError> {
    let Some(admin) = &config.admin else { return Ok(None) };
    let (address, limits) = (admin.bind.to_string(), admin::Limits::default());
    let bound = AdminServer::bind(&address, build(), metrics.clone(), health.clone(), limits).await;
    let everyone = admin.pages == Audience::Everyone;
    Ok(Some(bound.map_err(StartError::Bind)?.with_pages_for_everyone(everyone)))
}

/// What there is for the listeners, in the order of the configuration.
struct Listeners {
    /// One or more for each listener.
    ports: Vec<BoundPort>,
    /// One for each listener, as [`Proxy::brokers`].
    brokers: Vec<(Arc<ListenerContext>, Reaction)>,
    /// One for each listener.
    identities: Vec<Arc<IdentityStore>>,
}

/// Binds the addresses of all listeners.
fn bind_listeners(
    config: &Arc<Config>,
    (loaded, credentials): (Vec<Identity>, &AllCredentials),
    process: &Arc<ProcessContext>,
    acls: &AclStore,
) -> Result<Listeners, StartError> {
    let (mut ports, mut brokers, mut identities) = (Vec::new(), Vec::new(), Vec::new());
    for (i, (listener, identity)) in config.listeners.iter().zip(loaded).enumerate() {
        let credentials = credentials.of_listeners.get(i).and_then(Option::as_ref);
        let sasl = listener.sasl.as_ref().zip(credentials);
        let sasl = sasl.map(|(sasl, credentials)| Arc::new(sasl_context(sasl, credentials)));
        if listener.sasl.is_some() && sasl.is_none() {
            return Err(StartError::System(format!("{}: the users were not read", listener.name)));
        }
        let context = Arc::new(listener_context(config, listener, process, sasl));
        let identity = Arc::new(IdentityStore::new(config.clone(), i, identity));
        brokers.push((context.clone(), listener.plaintext_exposed));
        for (address, destination) in gateway::ports(listener) {
            let (context, identity) = (context.clone(), identity.clone());
            ports.push(BoundPort {
                socket: Socket::bind(&listener.name, address, acls.is_loaded())?,
                context,
                identity,
                destination,
                self_check: listener.self_check,
            });
        }
        identities.push(identity);
    }
    Ok(Listeners { ports, brokers, identities })
}
