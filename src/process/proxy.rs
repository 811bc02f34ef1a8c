//! The running proxy: listeners, what is watched beside them, and the way to an end.

mod accept;
mod certificates;
mod hold;
mod reload;
mod watchers;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use accept::{Admission, accept};
use reload::Reloader;
use watchers::{watch_acls, watch_certificates, watch_hangup, watch_identity, watch_memory, watch_upstream};

use super::acl_store::AclStore;
use super::admin::{self, AdminServer, BindError};
use super::config::{AddressMapping, AuditFormat, Config, Listener, LogFormat, Shutdown};
use super::identity::IdentityStore;
use super::startup::Ready;
use super::telemetry::{self, Levels, Telemetry};
use crate::link::gate::{AclSource, ChangeOutcome, Gate, Limits, SAID_AGAIN};
use crate::link::members::Members;
use crate::link::topics::Topics;
use crate::protocol::access::BrokerSettings;
use crate::protocol::api::TABLE;
use crate::protocol::subscriptions::Subscriptions;
use crate::words::acl::{Change, ClientView, Unchanged};
use crate::words::advertise::{Advertised, Mapping};
use crate::words::audit::{AuditLog, Format};
use crate::words::health::Health;
use crate::words::metrics::{Build, Check, Metrics, Reload};
use crate::words::repeats::Repeats;

/// Connections that wait to be accepted at most.
const BACKLOG: u32 = 1024;

/// What this binary was built from.
pub fn build() -> Build {
    Build {
        version: env!("CARGO_PKG_VERSION"),
        revision: option_env!("DOORKEEPER_REVISION").unwrap_or("unknown"),
        rustc: option_env!("DOORKEEPER_RUSTC").unwrap_or("unknown"),
        tls_provider: "aws-lc-rs",
    }
}

/// Runs the proxy until it is told to stop; says on standard error what keeps it from starting.
pub fn run(ready: Ready) -> ExitCode {
    match start(ready) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("doorkeeper cannot start: {error}");
            ExitCode::FAILURE
        }
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

fn system(what: &'static str) -> impl Fn(io::Error) -> StartError {
    move |error| StartError::System(format!("{what}: {error}"))
}

fn start(ready: Ready) -> Result<(), StartError> {
    let config = &ready.config;
    let metrics = Metrics::new(build(), SystemTime::now(), &apis())
        .map_err(|error| StartError::System(error.to_string()))?;
    let metrics = Arc::new(metrics);
    let options = telemetry::Options {
        format: match config.log.format {
            LogFormat::Text => telemetry::LogFormat::Text,
            LogFormat::Json => telemetry::LogFormat::Json,
        },
        level: Some(config.log.level.as_str().to_owned()),
        audit_format: match config.audit.format {
            AuditFormat::Kafka => Format::Kafka,
            AuditFormat::Ecs => Format::Ecs,
        },
        audit_allowed: config.audit.allowed,
    };
    let telemetry =
        telemetry::start(&options, &metrics).map_err(|error| StartError::System(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("doorkeeper")
        .build()
        .map_err(system("the system gives no threads to work with"))?;
    let outcome = runtime.block_on(async {
        let stop = until_told().map_err(system("signals cannot be listened to"))?;
        let proxy = Proxy::start(ready, metrics, telemetry.audit().clone()).await?;
        proxy.with_levels(telemetry.levels().clone()).serve(stop).await;
        Ok(())
    });
    // Connections that are left when the time is up are cut off.
    runtime.shutdown_background();
    let _: Telemetry = telemetry;
    outcome
}

/// The APIs that metrics tell apart.
pub fn apis() -> Vec<(i16, &'static str)> {
    TABLE.iter().map(|row| (row.key, row.name)).collect()
}

/// SIGTERM or SIGINT. The second one ends the process at once.
fn until_told() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        let mut told = async || {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        told().await;
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::warn!("told twice to stop: connections are cut off");
            std::process::exit(1);
        });
    })
}

impl AclSource for Arc<AclStore> {
    fn generation(&self) -> u64 {
        AclStore::generation(self)
    }

    fn change(&self, change: Change) -> ChangeOutcome {
        // On its own, so that it goes on when the client leaves.
        let changed = tokio::spawn(self.clone().change(change));
        Box::pin(async move {
            changed
                .await
                .unwrap_or_else(|error| Err(Unchanged::Unavailable(format!("the change failed: {error}"))))
        })
    }

    fn view(&self, principal: &str, address: IpAddr) -> (ClientView, u64) {
        let current = self.current();
        (current.authorizer.client(principal, address), current.number)
    }
}

/// The proxy, with all its addresses bound.
pub struct Proxy {
    doors: Vec<Door>,
    admin: Option<AdminServer>,
    reloader: Reloader,
    acls_interval: Option<Duration>,
    metrics: Arc<Metrics>,
    health: Health,
    limits: Arc<Admission>,
    /// The shared budget, and how much of it there is.
    memory: (Arc<Semaphore>, usize),
    shutdown: Shutdown,
}

/// One listener.
struct Door {
    listener: TcpListener,
    gate: Arc<Gate>,
    identity: Arc<IdentityStore>,
}

impl Proxy {
    /// Binds every address and prepares everything else.
    ///
    /// # Errors
    /// When an address cannot be listened on.
    pub async fn start(ready: Ready, metrics: Arc<Metrics>, audit: AuditLog) -> Result<Self, StartError> {
        let Ready { config, identities, acls, warnings } = ready;
        let config = Arc::new(config);
        for warning in &warnings {
            tracing::warn!("{warning}");
        }
        let health = Health::new(metrics.clone());
        let admin = match &config.admin {
            Some(admin) => {
                let address = admin.bind.to_string();
                let limits = admin::Limits::default();
                let bound =
                    AdminServer::bind(&address, build(), metrics.clone(), health.clone(), limits).await;
                Some(bound.map_err(StartError::Bind)?)
            }
            None => None,
        };
        // In KiB. The largest frame always fits, or it would wait for ever.
        let budget = usize::try_from(config.limits.buffered_bytes.div_ceil(1024)).unwrap_or(usize::MAX);
        let largest = config.limits.max_frame_bytes as usize / 1024 + 1;
        let budget = budget.max(largest).min(Semaphore::MAX_PERMITS);
        let memory = Arc::new(Semaphore::new(budget));
        let handshakes = Arc::new(Semaphore::new(config.limits.max_handshakes as usize));
        let mut doors = Vec::new();
        for (i, (listener, identity)) in config.listeners.iter().zip(identities).enumerate() {
            let socket = bind(listener)?;
            let gate = gate(&config, listener, &acls, (&handshakes, &memory), &metrics, &audit);
            let identity = Arc::new(IdentityStore::new(config.clone(), i, identity));
            doors.push(Door { listener: socket, gate: Arc::new(gate), identity });
            health.set_part(Check::Upstream, &listener.name, Err("not asked yet".to_owned()));
        }
        let identities = doors.iter().map(|door| door.identity.clone()).collect();
        let reloader =
            Reloader::new(config.clone(), identities, acls.clone(), metrics.clone(), health.clone());
        metrics.certificates(reloader.shown());
        metrics.loaded(Reload::Config, SystemTime::now());
        metrics.loaded(Reload::Tls, SystemTime::now());
        metrics.loaded(Reload::Acls, SystemTime::now());
        let status = acls.status();
        metrics.acls(status.bindings, status.generation);
        health.set(Check::Listeners, Ok(()));
        health.set(Check::Acls, Ok(()));
        Ok(Self {
            doors,
            admin,
            reloader,
            acls_interval: config.authorization.acls.as_ref().map(|acls| acls.reload_interval),
            metrics,
            health,
            limits: Arc::new(Admission::new(&config.limits)),
            memory: (memory, budget),
            shutdown: config.shutdown.clone(),
        })
    }

    /// Lets the log level follow the configuration when that is reloaded.
    #[must_use]
    pub fn with_levels(mut self, levels: Levels) -> Self {
        self.reloader.set_levels(levels);
        self
    }

    /// The addresses in use, in the order of the configuration: with port 0 the system chose one.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.doors.iter().filter_map(|door| door.listener.local_addr().ok()).collect()
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
        if let Some(admin) = self.admin {
            let mut ended = ended.clone();
            watchers.spawn(async move {
                admin.serve(async { drop(ended.wait_for(|ended| *ended).await) }).await;
            });
        }
        for door in &self.doors {
            watchers.spawn(watch_upstream(door.gate.clone(), self.health.clone()));
        }
        let reloader = Arc::new(self.reloader);
        for identity in &reloader.identities {
            watchers.spawn(watch_identity(reloader.clone(), identity.clone()));
        }
        watchers.spawn(watch_acls(reloader.clone(), self.acls_interval));
        watchers.spawn(watch_certificates(reloader.clone()));
        watchers.spawn(watch_hangup(reloader));
        watchers.spawn(watch_memory(self.memory, self.metrics));
        let upstreams: Vec<String> = self.doors.iter().map(|door| door.gate.upstream.clone()).collect();
        let mut doors = JoinSet::new();
        for door in self.doors {
            let (name, address) = (door.gate.listener.clone(), door.listener.local_addr());
            tracing::info!(
                listener = &*name,
                address = address.map(|address| address.to_string()).unwrap_or_default(),
                upstream = door.gate.upstream,
                "listening"
            );
            doors.spawn(accept(door, self.limits.clone(), draining.clone()));
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
        let all_gone = async { while doors.join_next().await.is_some() {} };
        if tokio::time::timeout(drain_timeout + Duration::from_secs(3), all_gone).await.is_err() {
            tracing::warn!("connections are left at the end of shutdown.drain_timeout and are cut off");
        }
        end.send_replace(true);
        watchers.shutdown().await;
        tracing::info!("stopped");
    }
}

fn bind(listener: &Listener) -> Result<TcpListener, StartError> {
    let bound = || {
        let socket = match listener.bind {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        // A restart must not wait for old connections to time out.
        socket.set_reuseaddr(true)?;
        socket.bind(listener.bind)?;
        socket.listen(BACKLOG)
    };
    let place = format!("listener \"{}\"", listener.name);
    bound().map_err(|error| StartError::Bind(BindError::new(place, listener.bind.to_string(), error)))
}

fn gate(
    config: &Config,
    listener: &Listener,
    acls: &Arc<AclStore>,
    (handshakes, memory): (&Arc<Semaphore>, &Arc<Semaphore>),
    metrics: &Arc<Metrics>,
    audit: &AuditLog,
) -> Gate {
    let mapping = match listener.address_mapping.clone() {
        AddressMapping::None => Mapping::None,
        AddressMapping::KeepHost { ports } => Mapping::KeepHost { ports },
        AddressMapping::Table { brokers } => Mapping::Table { brokers },
    };
    Gate {
        listener: listener.name.as_str().into(),
        upstream: listener.upstream.to_string(),
        mapping_rules: listener.principal_mapping_rules.clone(),
        acls: Arc::new(acls.clone()),
        advertised: Advertised::new(mapping),
        topics: Topics::default(),
        subscriptions: Subscriptions::default(),
        members: Members::default(),
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
        handshakes: handshakes.clone(),
        memory: memory.clone(),
        metrics: metrics.clone(),
        listener_metrics: metrics.listener(&listener.name),
        audit: audit.clone(),
        disconnects: Repeats::new(SAID_AGAIN),
        withheld: Repeats::new(SAID_AGAIN),
    }
}
