//! What is looked at from time to time beside the connections.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::link::gate::Gate;
use crate::link::upstream;
use crate::process::acl_store::{AclStore, Reload as AclReload};
use crate::words::health::Health;
use crate::words::metrics::{Certificate, Check, Metrics, Reload};

/// How often it is said how much memory is taken.
const MEMORY_INTERVAL: Duration = Duration::from_secs(1);
/// How often a broker that answers is asked again.
const PROBE_INTERVAL: Duration = Duration::from_secs(10);
/// How often a broker that does not answer is asked again, at first and at last.
const PROBE_RETRY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// How often it is looked whether certificates are still valid.
const CERTIFICATE_INTERVAL: Duration = Duration::from_secs(60);

/// Asks the broker from time to time whether it is there, and for its settings.
pub(super) async fn watch_upstream(gate: Arc<Gate>, health: Health) {
    let mut was_up = None;
    let mut retry = PROBE_RETRY.0;
    loop {
        gate.subscriptions.tick();
        let probe = upstream::probe(&gate).await;
        let up = probe.is_ok();
        gate.metrics.upstream_up(&gate.upstream, up);
        match probe {
            Ok(settings) => {
                if was_up != Some(true) {
                    tracing::info!(
                        listener = &*gate.listener,
                        upstream = gate.upstream,
                        "the broker answers"
                    );
                }
                gate.broker_settings.store(Arc::new(settings));
                health.set_part(Check::Upstream, &gate.listener, Ok(()));
            }
            Err(close) => {
                if was_up != Some(false) {
                    tracing::warn!(listener = &*gate.listener, "{}; trying again", close.detail);
                }
                health.set_part(Check::Upstream, &gate.listener, Err(close.detail.into_owned()));
            }
        }
        retry = if up { PROBE_RETRY.0 } else { (retry * 2).min(PROBE_RETRY.1) };
        was_up = Some(up);
        sleep(if up { PROBE_INTERVAL } else { retry }).await;
    }
}

/// Says from time to time how much of the shared budget is taken.
pub(super) async fn watch_memory((memory, budget): (Arc<Semaphore>, usize), metrics: Arc<Metrics>) {
    loop {
        let kib = budget.saturating_sub(memory.available_permits());
        metrics.buffered_bytes().set(i64::try_from(kib.saturating_mul(1024)).unwrap_or(i64::MAX));
        sleep(MEMORY_INTERVAL).await;
    }
}

/// Looks at the ACL file from time to time, and when told to by SIGHUP.
pub(super) async fn watch_acls(
    acls: Arc<AclStore>,
    interval: Option<Duration>,
    metrics: Arc<Metrics>,
    health: Health,
) {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangup = match signal(SignalKind::hangup()) {
        Ok(hangup) => hangup,
        Err(error) => {
            tracing::error!("SIGHUP cannot be listened to: {error}");
            return;
        }
    };
    loop {
        let due = async {
            match interval {
                Some(interval) => sleep(interval).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = due => {}
            _ = hangup.recv() => tracing::info!("told to reload"),
        }
        let store = acls.clone();
        let Ok(reload) = tokio::task::spawn_blocking(move || store.reload()).await else { continue };
        match reload {
            AclReload::Unchanged | AclReload::StillRefused => {}
            AclReload::Loaded(warnings) => {
                for warning in warnings {
                    tracing::warn!("{warning}");
                }
                let status = acls.status();
                metrics.reloaded(Reload::Acls, true, SystemTime::now());
                metrics.acls(status.bindings, status.generation);
                health.set(Check::Acls, Ok(()));
                tracing::info!(bindings = status.bindings, generation = status.generation, "ACLs reloaded");
            }
            AclReload::Refused(faults) => {
                metrics.reloaded(Reload::Acls, false, SystemTime::now());
                tracing::error!("the ACL file is wrong, the old ACLs stay in force: {faults}");
            }
        }
    }
}

/// Says when a certificate in use is no longer valid: clients refuse the server's, and no client is trusted by an
/// authority's.
pub(super) async fn watch_certificates(certificates: Vec<Certificate>, health: Health) {
    loop {
        let now = SystemTime::now();
        let expired = certificates.iter().find(|certificate| certificate.not_after < now);
        health.set(
            Check::Certificates,
            expired.map_or(Ok(()), |certificate| {
                Err(format!("{}: the certificate of {} has expired", certificate.name, certificate.subject))
            }),
        );
        sleep(CERTIFICATE_INTERVAL).await;
    }
}
