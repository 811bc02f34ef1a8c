//! The admin endpoint: metrics and probes over HTTP, for whoever may reach its address. Everything on it is
//! read-only, and what names principals, ACLs, certificates or addresses is for this host alone unless the configuration says
//! otherwise.
//!
//! A probe must get its answer whatever else knocks on the port. So a connection carries one request, lives for
//! some seconds, and when there are too many one of whoever has the most makes room ([`places`]): peers that send
//! nothing, slowly or garbage cost a place for a moment and nobody else's answer.

use std::convert::Infallible;
use std::fmt;
use std::fs::File;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::addresses::AddressTable;
use crate::observability::health::Health;
use crate::observability::metrics::{Build, Metrics};
use crate::observability::repeats::Repeats;

mod pages;
mod places;
mod probe;

use pages::Pages;
pub use pages::View;
use places::Places;

/// What a peer may take of the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time; one more takes the place of the oldest of the address with the most.
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
            connections: 256,
            request: Duration::from_secs(5),
            connection: Duration::from_secs(10),
            shutdown: Duration::from_secs(2),
        }
    }
}

/// The largest head of a request, in bytes, and the most header fields: scrapers send some hundred bytes.
const MAX_HEAD: usize = 8 * 1024;
const MAX_FIELDS: usize = 64;

/// Connections that wait to be accepted at most: the system cuts it to what it allows.
const BACKLOG: u32 = 4096;
/// How many are accepted before others have their turn on the thread, so that whoever has asked already is answered.
const AT_ONCE: usize = 32;
/// How many connections that have lost their place may still be open.
const ENDING: usize = 64;

/// How many files are kept for when there are none left.
const SPARE: usize = 4;

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
        let listener = listen(address).await.map_err(|error| BindError::new("admin.bind", address, error))?;
        Ok(Self { listener, pages: Pages::new(build, metrics, health), limits })
    }

    /// Serves these pages too.
    #[must_use]
    pub fn with_views(mut self, views: Vec<View>) -> Self {
        self.pages.views = views;
        self
    }

    /// Shows every page to everyone, and not only to this host.
    #[must_use]
    pub fn with_pages_for_everyone(mut self, everyone: bool) -> Self {
        self.pages.everyone = everyone;
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
        let mut at_once = 0;
        let refused = Repeats::new(Duration::from_secs(10));
        let mut shutdown = pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut shutdown => break,
            };
            let accepted = match accepted {
                Err(error) if is_out_of_files(&error) => {
                    accept_with_spare(&self.listener, &mut connections, error).await
                }
                accepted => accepted.map(Some),
            };
            match accepted {
                Ok(Some((stream, peer))) => {
                    let (pages, limits, stopping) = (Arc::clone(&pages), self.limits, stopping.clone());
                    let serve = |place| serve_connection(place, (stream, peer.ip()), pages, limits, stopping);
                    connections.add(peer.ip(), serve).await;
                    at_once += 1;
                    if at_once % AT_ONCE == 0 {
                        tokio::task::yield_now().await;
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    if let Some(suppressed) = refused.admit((), Instant::now()) {
                        warn!(suppressed, "the admin endpoint cannot accept a connection: {error}");
                    }
                    sleep(ACCEPT_PAUSE).await;
                    if is_out_of_files(&error) {
                        connections.end_oldest().await;
                    }
                }
            }
        }
        drop(self.listener);
        // Nobody to tell is as good: then no connection is open.
        let _ = stop.send(true);
        connections.finish(self.limits.shutdown).await;
    }
}

/// Listens on the first of the addresses that can be had.
async fn listen(address: &str) -> io::Result<TcpListener> {
    let mut refused = io::Error::new(io::ErrorKind::InvalidInput, "this is no address");
    for address in tokio::net::lookup_host(address).await? {
        let listen = || {
            let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            // A restart must not wait for old connections to time out.
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            socket.listen(BACKLOG)
        };
        match listen() {
            Ok(listener) => return Ok(listener),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

/// Accepts a connection, if somebody waits for that, with a file that was kept for it. The system says that there are
/// none left before it looks whether anybody waits.
async fn accept_with_spare(
    listener: &TcpListener,
    connections: &mut Connections,
    error: io::Error,
) -> io::Result<Option<(TcpStream, SocketAddr)>> {
    if !connections.give_up_spare() {
        return Err(error);
    }
    // At once: whoever accepts clients of the broker waits for a file, too.
    let accepted = tokio::select! {
        biased;
        accepted = listener.accept() => accepted.map(Some),
        () = std::future::ready(()) => Ok(None),
    };
    connections.keep_spare();
    accepted
}

/// Whether the process, or the system, has as many files open as it may have (EMFILE, ENFILE).
fn is_out_of_files(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(23 | 24))
}

/// The connections being served.
struct Connections {
    limit: usize,
    tasks: JoinSet<()>,
    kept: Arc<Mutex<Kept>>,
}

/// What connections give back when they end.
struct Kept {
    places: Places<AbortHandle>,
    /// Are given up for connections when the process can have no more files open: clients of the broker can bring that
    /// about, and a probe must be answered then, too.
    spare: Vec<File>,
}

impl Kept {
    fn keep_spare(&mut self) {
        while self.spare.len() < SPARE {
            match File::open("/dev/null") {
                Ok(file) => self.spare.push(file),
                Err(_) => break,
            }
        }
    }
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection's place, as long as it is open.
struct Place {
    kept: Arc<Mutex<Kept>>,
    number: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut kept = lock(&self.kept);
        kept.places.leave(self.number);
        kept.keep_spare();
    }
}

impl Connections {
    fn new(limit: usize) -> Self {
        let mut kept = Kept { places: Places::new(limit), spare: Vec::new() };
        kept.keep_spare();
        Self { limit, tasks: JoinSet::new(), kept: Arc::new(Mutex::new(kept)) }
    }

    /// Serves one more; another makes room if it must.
    async fn add<F>(&mut self, from: IpAddr, serve: impl FnOnce(Place) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        while self.tasks.try_join_next().is_some() {}
        // Whoever has lost its place is closed by its task, which may have to wait for its turn.
        while self.tasks.len() >= self.limit + ENDING {
            self.tasks.join_next().await;
        }
        let mut kept = lock(&self.kept);
        if let Some(ended) = kept.places.make_room() {
            ended.abort();
        }
        let number = kept.places.number();
        let task = self.tasks.spawn(serve(Place { kept: Arc::clone(&self.kept), number }));
        kept.places.fill(number, from.into(), task);
    }

    /// Gives a file up for the next connection; false when there is none to give.
    fn give_up_spare(&self) -> bool {
        lock(&self.kept).spare.pop().is_some()
    }

    fn keep_spare(&self) {
        lock(&self.kept).keep_spare();
    }

    /// Ends the oldest connection of whoever has the most, so that its file is free.
    async fn end_oldest(&mut self) {
        let ended = lock(&self.kept).places.give_back();
        if let Some(ended) = ended {
            ended.abort();
            self.tasks.join_next().await;
        }
        self.keep_spare();
    }

    /// Waits for all of them, for no longer than `patience`.
    async fn finish(mut self, patience: Duration) {
        let all = async { while self.tasks.join_next().await.is_some() {} };
        // Whoever is left when time is up ends with the set.
        let _ = timeout(patience, all).await;
    }
}

/// Answers one request. The place is given back last, when the connection is closed.
async fn serve_connection(
    _place: Place,
    (stream, peer): (TcpStream, IpAddr),
    pages: Arc<Pages>,
    limits: Limits,
    mut stopping: watch::Receiver<bool>,
) {
    let service = service_fn(move |request| {
        let pages = Arc::clone(&pages);
        async move { Ok::<_, Infallible>(pages.answer(&request, peer).await) }
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
