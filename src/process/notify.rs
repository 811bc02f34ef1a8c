//! What systemd is told of this process (sd_notify(3)): that it serves, how it is, that it reloads or stops, that it is
//! alive.
//!
//! Where nobody listens, as outside of systemd, nothing is sent. Only systemd's text protocol is needed here, which is
//! lines of `NAME=value` in one datagram.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tracing::warn;

use crate::model::text::printable;
use crate::observability::health::Health;

/// How often it is looked whether the status has changed.
const STATUS_INTERVAL: Duration = Duration::from_secs(5);

/// The way to the service manager, if there is one; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Notifier {
    socket: Option<Arc<UnixDatagram>>,
    watchdog: Option<Duration>,
}

impl Notifier {
    /// As the service manager arranged it in this process's environment. What it wrote wrongly is logged and left off:
    /// no service should fail for it.
    pub fn from_environment() -> Self {
        let text = |name| std::env::var(name).ok();
        let watchdog = text("WATCHDOG_USEC").filter(|_| {
            // The variables may be a parent's.
            text("WATCHDOG_PID").is_none_or(|pid| pid == std::process::id().to_string())
        });
        let Some(address) = std::env::var_os("NOTIFY_SOCKET") else { return Self::default() };
        Self::connect(&address, watchdog.as_deref()).unwrap_or_else(|error| {
            warn!(
                "the service manager cannot be told anything at {}: {error}",
                printable(&address.to_string_lossy())
            );
            Self::default()
        })
    }

    /// `address` is that of `NOTIFY_SOCKET`: an absolute path, or a name that begins with `@`. `watchdog` is that of
    /// `WATCHDOG_USEC`: the microseconds without a sign of life after which the process is taken for hung.
    ///
    /// # Errors
    /// When nobody listens at the address, or it is of another kind.
    pub fn connect(address: &OsStr, watchdog: Option<&str>) -> io::Result<Self> {
        let address = match address.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            [b'/', ..] => SocketAddr::from_pathname(address)?,
            _ => return Err(io::Error::other("neither a path nor the name of an abstract socket")),
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        // A service manager that does not read must not hold the service up.
        socket.set_nonblocking(true)?;
        let watchdog = watchdog.and_then(|text| text.parse().ok()).filter(|&microseconds| microseconds > 0);
        Ok(Self { socket: Some(Arc::new(socket)), watchdog: watchdog.map(Duration::from_micros) })
    }

    /// The start is over, or a reload is.
    pub fn ready(&self) {
        self.send("READY=1");
    }

    /// The configuration is being read again; [`Self::ready`] says that it is in force or refused.
    pub fn reloading(&self) {
        self.send("RELOADING=1");
    }

    /// The end has begun.
    pub fn stopping(&self) {
        self.send("STOPPING=1\nSTATUS=stopping: answers under way are being finished");
    }

    /// Tells how the process is whenever that changes, and gives the watchdog its signs of life. It runs on the event
    /// loop that serves the clients: if that hangs, so does this.
    pub async fn keep_telling(self, health: Health) {
        if self.socket.is_none() {
            return;
        }
        let interval = self.interval();
        let mut told = String::new();
        let mut next = Instant::now();
        loop {
            let status = status(&health);
            if status != told {
                self.send(&format!("STATUS={status}"));
                told = status;
            }
            if self.watchdog.is_some() {
                self.send("WATCHDOG=1");
            }
            next += interval;
            sleep_until(next).await;
        }
    }

    /// Half the watchdog's time, as systemd advises, and no longer than the status may be late.
    fn interval(&self) -> Duration {
        self.watchdog.map_or(STATUS_INTERVAL, |watchdog| STATUS_INTERVAL.min(watchdog / 2))
    }

    fn send(&self, message: &str) {
        let Some(socket) = &self.socket else { return };
        if let Err(error) = socket.send(message.as_bytes()) {
            warn!("the service manager could not be told '{}': {error}", printable(message));
        }
    }
}

/// One line: a line break in it would begin another of systemd's assignments.
fn status(health: &Health) -> String {
    let failed: Vec<String> = health
        .report()
        .into_iter()
        .filter_map(|report| Some(format!("{}: {}", report.check, printable(&report.failure?))))
        .collect();
    if failed.is_empty() { "ready".to_owned() } else { format!("not ready: {}", failed.join("; ")) }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::observability::metrics::{Build, Check, Metrics};

    /// A service manager that listens at a path, gone with the test.
    struct Manager {
        path: PathBuf,
        socket: tokio::net::UnixDatagram,
    }

    impl Manager {
        fn listen() -> Manager {
            static COUNT: AtomicU32 = AtomicU32::new(0);
            let name =
                format!("doorkeeper-notify-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            let path = std::env::temp_dir().join(name);
            let socket = tokio::net::UnixDatagram::bind(&path).unwrap();
            Manager { path, socket }
        }

        async fn hears(&self) -> String {
            let mut message = vec![0; 4096];
            let length = self.socket.recv(&mut message).await.unwrap();
            String::from_utf8(message[..length].to_vec()).unwrap()
        }
    }

    impl Drop for Manager {
        fn drop(&mut self) {
            drop(std::fs::remove_file(&self.path));
        }
    }

    fn health() -> Health {
        let build = Build { version: "1", revision: "r", rustc: "c", tls_provider: "p" };
        Health::new(Arc::new(Metrics::new(build, UNIX_EPOCH, &[]).unwrap()))
    }

    #[tokio::test]
    async fn the_life_of_a_service() {
        let manager = Manager::listen();
        let notifier = Notifier::connect(manager.path.as_os_str(), None).unwrap();
        notifier.ready();
        notifier.reloading();
        notifier.stopping();
        assert_eq!(manager.hears().await, "READY=1");
        assert_eq!(manager.hears().await, "RELOADING=1");
        assert_eq!(
            manager.hears().await,
            "STOPPING=1\nSTATUS=stopping: answers under way are being finished"
        );
    }

    #[tokio::test]
    async fn a_name_without_a_file() {
        let name = format!("doorkeeper-notify-{}", std::process::id());
        let listener = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        Notifier::connect(OsStr::new(&format!("@{name}")), None).unwrap().ready();
        let mut message = [0; 16];
        let length = listener.recv(&mut message).unwrap();
        assert_eq!(&message[..length], b"READY=1");
    }

    #[tokio::test]
    async fn the_status_is_told_when_it_changes_and_the_watchdog_again_and_again() {
        let (manager, health) = (Manager::listen(), health());
        for &check in Check::ALL {
            health.set(check, Ok(()));
        }
        health.set(Check::Upstream, Err("clients: refused\nREADY=1".to_owned()));
        let notifier = Notifier::connect(manager.path.as_os_str(), Some("20000")).unwrap();
        let telling = tokio::spawn(notifier.keep_telling(health.clone()));
        assert_eq!(manager.hears().await, "STATUS=not ready: upstream: clients: refused\\u{a}READY=1");
        assert_eq!(manager.hears().await, "WATCHDOG=1");
        assert_eq!(manager.hears().await, "WATCHDOG=1");
        health.set(Check::Upstream, Ok(()));
        let mut heard = manager.hears().await;
        while heard == "WATCHDOG=1" {
            heard = manager.hears().await;
        }
        assert_eq!(heard, "STATUS=ready");
        assert_eq!(manager.hears().await, "WATCHDOG=1");
        telling.abort();
    }

    #[tokio::test]
    async fn the_watchdog_hears_twice_in_its_time() {
        let manager = Manager::listen();
        let interval = |watchdog| Notifier::connect(manager.path.as_os_str(), watchdog).unwrap().interval();
        assert_eq!(interval(Some("3000000")), Duration::from_millis(1500));
        assert_eq!(interval(Some("60000000")), STATUS_INTERVAL);
        assert_eq!(interval(None), STATUS_INTERVAL);
    }

    #[tokio::test]
    async fn without_a_manager_nothing_is_told_and_nothing_is_awaited() {
        Notifier::default().ready();
        Notifier::default().keep_telling(health()).await;
    }

    #[test]
    fn what_cannot_be_an_address_is_refused() {
        for address in ["", "vsock:2:1", "relative/path", "/nowhere/at/all"] {
            assert!(Notifier::connect(OsStr::new(address), None).is_err(), "{address}");
        }
    }

    #[tokio::test]
    async fn a_watchdog_that_makes_no_sense_is_none() {
        let manager = Manager::listen();
        for text in ["0", "-1", "soon", ""] {
            assert_eq!(
                Notifier::connect(manager.path.as_os_str(), Some(text)).unwrap().watchdog,
                None,
                "{text}"
            );
        }
    }
}
