//! The process around the proxy: its metrics, log and threads, and the signals that end it.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use super::{Proxy, StartError, apis, build};
use crate::observability::metrics::Metrics;
use crate::process::config::Acls;
use crate::process::notify::Notifier;
use crate::process::startup::Ready;
use crate::process::telemetry::{self, Telemetry};

/// Runs the proxy until it is told to stop; says on standard error, in the form of the log, what keeps it from starting.
pub fn run(ready: Ready) -> ExitCode {
    let format = ready.config.log.format;
    match start(ready) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let message = format!("doorkeeper cannot start: {error}");
            eprint!("{}", telemetry::failure_line(&message, format, SystemTime::now()));
            ExitCode::FAILURE
        }
    }
}

fn start(ready: Ready) -> Result<(), StartError> {
    let config = &ready.config;
    let metrics = Metrics::new(build(), SystemTime::now(), &apis())
        .map_err(|error| StartError::System(error.to_string()))?;
    let metrics = Arc::new(metrics);
    let options = telemetry::Options {
        format: config.log.format,
        level: Some(config.log.level.as_str().to_owned()),
        audit_format: config.audit.format,
        audit_allowed: config.audit.allowed,
    };
    let telemetry =
        telemetry::start(&options, &metrics).map_err(|error| StartError::System(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("doorkeeper")
        .build()
        .map_err(system("the system gives no threads to work with"))?;
    let bindings = match ready.config.authorization.acls.as_ref().and_then(Acls::topic) {
        Some(_) => None,
        None => Some(ready.acls.status().bindings),
    };
    let file = std::path::absolute(config.document.path()).unwrap_or_else(|_| config.document.path().into());
    let version = build().version;
    tracing::info!(version, config = %file.display(), bindings, "doorkeeper starts");
    let outcome = runtime.block_on(async {
        let stop = until_told().map_err(system("signals cannot be listened to"))?;
        let proxy = Proxy::start(ready, metrics, telemetry.audit().clone()).await?;
        let manager = Notifier::from_environment();
        tokio::spawn(manager.clone().keep_telling(proxy.health.clone()));
        manager.ready();
        let told = manager.clone();
        let stop = async move {
            stop.await;
            told.stopping();
        };
        proxy.with_levels(telemetry.levels().clone()).with_manager(manager).serve(stop).await;
        Ok(())
    });
    // Connections that are left when the time is up are cut off.
    runtime.shutdown_background();
    let _: Telemetry = telemetry;
    outcome
}

/// SIGTERM or SIGINT. The second one ends the process at once.
fn until_told() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    // From here on SIGHUP does not end the process, also before anybody looks at what it asks for.
    drop(signal(SignalKind::hangup())?);
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

fn system(what: &'static str) -> impl Fn(io::Error) -> StartError {
    move |error| StartError::System(format!("{what}: {error}"))
}
