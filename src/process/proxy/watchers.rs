//! What is looked at from time to time beside the connections.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::reload::Reloader;
use crate::net::budget::MemoryBudget;
use crate::net::cluster::{Clusters, distinct};
use crate::net::context::ListenerContext;
use crate::net::upstream::{self, Probe};
use crate::observability::audit::AuditLog;
use crate::observability::health::Health;
use crate::observability::metrics::{Check, Metrics, Runtime};
use crate::process::identity::{ClientStore, IdentityStore};
use crate::process::notify::Notifier;
use crate::process::token_keys::TokenKeys;
use crate::process::users::UserStore;

/// How often it is said how much is in use.
const LOAD_INTERVAL: Duration = Duration::from_secs(1);
/// How often a broker that answers is asked again.
const PROBE_INTERVAL: Duration = Duration::from_secs(10);
/// How soon it is asked again when a connection to it has failed.
const PROBE_PAUSE: Duration = Duration::from_millis(200);
/// How often a broker that does not answer is asked again, at first and at last.
const PROBE_RETRY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// How often what is remembered of a cluster is told that time passes, and every which time subscriptions are.
const CLUSTER_TICK: Duration = Duration::from_secs(1);
const SUBSCRIPTIONS_TICKS: u64 = 10;
/// How soon certificates that do not fit together are looked at again.
const UNSETTLED_INTERVAL: Duration = Duration::from_secs(1);
/// How often it is looked whether certificates are still valid.
const CERTIFICATE_INTERVAL: Duration = Duration::from_secs(60);

/// Tells what is remembered of the clusters that time passes, each once however many listeners stand before it.
pub(super) async fn watch_clusters(contexts: Vec<Arc<ListenerContext>>) {
    for tick in 1_u64.. {
        sleep(CLUSTER_TICK).await;
        for cluster in distinct(contexts.iter().map(|context| context.upstream.cluster.load_full())) {
            cluster.waiting.tick();
            if tick.is_multiple_of(SUBSCRIPTIONS_TICKS) {
                cluster.subscriptions.tick();
            }
        }
    }
}

/// Asks the broker from time to time whether it is there, for its settings, and which of the clusters it belongs to.
pub(super) async fn watch_upstream(context: Arc<ListenerContext>, clusters: Arc<Clusters>, health: Health) {
    let mut was_up = None;
    let mut retry = PROBE_RETRY.0;
    loop {
        let probe = upstream::probe(&context.upstream).await;
        let up = probe.is_ok();
        context.process.metrics.upstream_up(&context.upstream.address, up);
        match probe {
            Ok(Probe { settings, cluster_id }) => {
                if was_up != Some(true) {
                    tracing::info!(
                        listener = &*context.name,
                        upstream = context.upstream.address,
                        "the broker answers"
                    );
                }
                context.upstream.settings.store(Arc::new(settings));
                clusters.join(&context.upstream.cluster, cluster_id.as_deref().unwrap_or_default());
                health.set_part(Check::Upstream, &context.name, Ok(()));
            }
            Err(close) => {
                if was_up != Some(false) {
                    let upstream = context.upstream.address.as_str();
                    tracing::warn!(listener = &*context.name, upstream, "{}; trying again", close.detail);
                }
                health.set_part(Check::Upstream, &context.name, Err(close.detail.into_owned()));
            }
        }
        retry = if up { PROBE_RETRY.0 } else { (retry * 2).min(PROBE_RETRY.1) };
        was_up = Some(up);
        if up {
            // However many connections are lost, so often and no more.
            sleep(PROBE_PAUSE).await;
            let _ = timeout(PROBE_INTERVAL - PROBE_PAUSE, context.upstream.doubted.notified()).await;
        } else {
            sleep(retry).await;
        }
    }
}

/// Says from time to time how much is in use: of the shared budget, of the threads, of the audit queue.
pub(super) async fn watch_load(memory: MemoryBudget, audit: AuditLog, metrics: Arc<Metrics>) {
    let runtime = tokio::runtime::Handle::current().metrics();
    loop {
        metrics.buffered_bytes().set(i64::try_from(memory.in_use()).unwrap_or(i64::MAX));
        metrics.audit_queue_length(audit.pending());
        let workers = runtime.num_workers();
        metrics.runtime(&Runtime {
            workers,
            alive_tasks: runtime.num_alive_tasks(),
            queued_tasks: runtime.global_queue_depth(),
            busy: (0..workers).map(|worker| runtime.worker_total_busy_duration(worker)).sum(),
        });
        sleep(LOAD_INTERVAL).await;
    }
}

/// Looks at the ACL file from time to time.
pub(super) async fn watch_acls(reloader: Arc<Reloader>, interval: Option<Duration>) {
    let Some(interval) = interval else { return };
    loop {
        sleep(interval).await;
        reloader.acls().await;
    }
}

/// Looks at the configuration file from time to time, where it says so.
pub(super) async fn watch_configuration(reloader: Arc<Reloader>, interval: Option<Duration>) {
    let Some(interval) = interval else { return };
    loop {
        sleep(interval).await;
        reloader.configuration_if_changed().await;
    }
}

/// Looks at a listener's certificates and key from time to time.
pub(super) async fn watch_identity(reloader: Arc<Reloader>, identity: Arc<IdentityStore>) {
    let mut settled = true;
    loop {
        let interval = identity.reload_interval();
        sleep(if settled { interval } else { interval.min(UNSETTLED_INTERVAL) }).await;
        settled = reloader.identity(&identity, false).await;
    }
}

/// Looks from time to time at what other servers are shown.
pub(super) async fn watch_client(reloader: Arc<Reloader>, client: Arc<ClientStore>) {
    let (interval, mut settled) = (client.reload_interval(), true);
    loop {
        sleep(if settled { interval } else { interval.min(UNSETTLED_INTERVAL) }).await;
        settled = reloader.client(&client, false).await;
    }
}

/// Looks at a file with users from time to time.
pub(super) async fn watch_users(reloader: Arc<Reloader>, store: Arc<UserStore>, interval: Duration) {
    loop {
        sleep(interval).await;
        reloader.users(&store).await;
    }
}

/// Looks at the keys of tokens from time to time, and at those of a server at once.
pub(super) async fn watch_token_keys(reloader: Arc<Reloader>, keys: Arc<TokenKeys>) {
    loop {
        let interval = reloader.keys(&keys).await;
        sleep(interval).await;
    }
}

/// Looks at everything when told to by SIGHUP.
pub(super) async fn watch_hangup(reloader: Arc<Reloader>, manager: Notifier) {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangup = match signal(SignalKind::hangup()) {
        Ok(hangup) => hangup,
        Err(error) => {
            tracing::error!("SIGHUP cannot be listened to: {error}");
            return;
        }
    };
    while hangup.recv().await.is_some() {
        manager.reloading();
        reloader.everything().await;
        manager.ready();
    }
}

/// Looks from time to time whether the certificates in force are still valid.
pub(super) async fn watch_certificates(reloader: Arc<Reloader>) {
    loop {
        reloader.certificates_are_valid();
        sleep(CERTIFICATE_INTERVAL).await;
    }
}
