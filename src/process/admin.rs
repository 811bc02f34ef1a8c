//! The admin endpoint: metrics and probes over HTTP, for whoever may reach its address. Everything on it is
//! read-only.
//!
//! A probe must get its answer whatever else knocks on the port. So a connection carries one request, lives for
//! some seconds, and when there are too many the oldest makes room: peers that send nothing, slowly or garbage
//! cost a slot for a moment and nobody else's answer.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::addresses::AddressTable;
use crate::words::health::Health;
use crate::words::metrics::{Build, Metrics};
use crate::words::repeats::Repeats;

mod pages;
mod probe;

use pages::Pages;
pub use pages::View;

/// What a peer may take of the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time; one more takes the place of the oldest.
    pub connections: usize,
    /// Time for a request's head to arrive.
    pub request: Duration,
    /// Time for the whole connection, answer included.
    pub connection: Duration,
    /// Time for the connections that are open at the end to get their answers.
    pub shutdown: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 32,
            request: Duration::from_secs(5),
            connection: Duration::from_secs(10),
            shutdown: Duration::from_secs(2),
        }
    }
}

/// The largest head of a request, in bytes, and the most header fields: scrapers send some hundred bytes.
const MAX_HEAD: usize = 8 * 1024;
const MAX_FIELDS: usize = 64;

/// How long to leave off accepting after the system refused to.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// An address cannot be listened on.
#[derive(Debug)]
pub struct BindError {
    place: String,
    address: String,
    error: io::Error,
}

impl BindError {
    /// `place` is where the configuration gives the address, as `admin.bind`.
    pub fn new(place: impl Into<String>, address: impl Into<String>, error: io::Error) -> Self {
        Self { place: place.into(), address: address.into(), error }
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, address, error } = self;
        write!(f, "{place}: cannot listen on {address}: ")?;
        match error.kind() {
            io::ErrorKind::AddrInUse => f.write_str(
                "the port is in use; stop the process that has it (`ss -ltnp` names it) or choose another port",
            ),
            io::ErrorKind::PermissionDenied => f.write_str(
                "permission denied; choose a port from 1024 on, or give the process CAP_NET_BIND_SERVICE",
            ),
            io::ErrorKind::AddrNotAvailable => f.write_str(
                "this machine has no such address; give one of its own, or 0.0.0.0 or [::] for all of them",
            ),
            _ => write!(f, "{error}; give an address and port such as 127.0.0.1:9901"),
        }
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// The endpoint, bound and not yet serving.
#[derive(Debug)]
pub struct AdminServer {
    listener: TcpListener,
    pages: Pages,
    limits: Limits,
}

impl AdminServer {
    /// Takes the address (`host:port`), so that a wrong one is known before anything else starts.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn bind(
        address: &str,
        build: Build,
        metrics: Arc<Metrics>,
        health: Health,
        limits: Limits,
    ) -> Result<Self, BindError> {
        let listener =
            TcpListener::bind(address).await.map_err(|error| BindError::new("admin.bind", address, error))?;
        Ok(Self { listener, pages: Pages::new(build, metrics, health), limits })
    }

    /// Serves these pages too.
    #[must_use]
    pub fn with_views(mut self, views: Vec<View>) -> Self {
        self.pages.views = views;
        self
    }

    /// Shows the addresses that clients are told.
    #[must_use]
    pub fn with_addresses(mut self, addresses: AddressTable) -> Self {
        self.pages.addresses = addresses;
        self
    }

    /// The address in use: with port 0 the system chose one.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `shutdown` is done, then lets the connections that are open have their answers.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let (stop, stopping) = watch::channel(false);
        let pages = Arc::new(self.pages);
        let mut connections = Connections::new(self.limits.connections);
        let refused = Repeats::new(Duration::from_secs(10));
        let mut shutdown = pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut shutdown => break,
            };
            match accepted {
                Ok((stream, _)) => connections.add(serve_connection(
                    stream,
                    Arc::clone(&pages),
                    self.limits,
                    stopping.clone(),
                )),
                Err(error) => {
                    if let Some(suppressed) = refused.admit((), Instant::now()) {
                        warn!(suppressed, "the admin endpoint cannot accept a connection: {error}");
                    }
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self.listener);
        // Nobody to tell is as good: then no connection is open.
        let _ = stop.send(true);
        connections.finish(self.limits.shutdown).await;
    }
}

/// The connections being served, the oldest first.
struct Connections {
    limit: usize,
    tasks: JoinSet<()>,
    by_age: VecDeque<AbortHandle>,
}

impl Connections {
    fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), tasks: JoinSet::new(), by_age: VecDeque::new() }
    }

    /// Serves one more; the oldest makes room if it must.
    fn add(&mut self, connection: impl Future<Output = ()> + Send + 'static) {
        while self.tasks.try_join_next().is_some() {}
        self.by_age.retain(|task| !task.is_finished());
        while self.by_age.len() >= self.limit {
            if let Some(oldest) = self.by_age.pop_front() {
                oldest.abort();
            }
        }
        self.by_age.push_back(self.tasks.spawn(connection));
    }

    /// Waits for all of them, for no longer than `patience`.
    async fn finish(mut self, patience: Duration) {
        let all = async { while self.tasks.join_next().await.is_some() {} };
        // Whoever is left when time is up ends with the set.
        let _ = timeout(patience, all).await;
    }
}

/// Answers one request.
async fn serve_connection(
    stream: TcpStream,
    pages: Arc<Pages>,
    limits: Limits,
    mut stopping: watch::Receiver<bool>,
) {
    let service = service_fn(move |request| {
        let pages = Arc::clone(&pages);
        async move { Ok::<_, Infallible>(pages.answer(&request).await) }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.request)
            .max_buf_size(MAX_HEAD)
            .max_headers(MAX_FIELDS)
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), service)
    );
    let served = timeout(limits.connection, async {
        tokio::select! {
            served = connection.as_mut() => return served,
            // An error means that the server itself is gone.
            _ = stopping.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
        }
        connection.await
    });
    match served.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!("an admin connection failed: {error}"),
        Err(_) => debug!("an admin connection was cut: its time was up"),
    }
}
