//! Serving on after the signal to stop, as long as the broker does.
//!
//! Containers of one pod are told to stop at the same moment, and a broker that shuts down in order goes on serving
//! while it hands over its partitions. Its clients must reach it until then.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// How often it is looked whether the broker is still there, and how long a look may take.
const INTERVAL: Duration = Duration::from_millis(250);
const PATIENCE: Duration = Duration::from_secs(2);

/// Returns when none of the addresses takes connections any more, or the time is up.
pub(super) async fn until_closed(upstreams: &[String], limit: Duration) {
    tracing::info!("told to stop: serving on until the broker's port is closed, for {limit:?} at most");
    let all_closed = async {
        for upstream in upstreams {
            while !is_closed(upstream).await {
                sleep(INTERVAL).await;
            }
        }
    };
    match timeout(limit, all_closed).await {
        Ok(()) => tracing::info!("the broker has gone"),
        Err(_) => tracing::warn!(
            "the broker still takes connections at the end of shutdown.hold_timeout; stopping all the same"
        ),
    }
}

/// A broker that takes its time is still there; only the system knows that nobody listens.
async fn is_closed(upstream: &str) -> bool {
    let connected = timeout(PATIENCE, TcpStream::connect(upstream)).await;
    matches!(connected, Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused)
}
