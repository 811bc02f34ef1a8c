//! One client's connection, from its first byte to its last: one task owns TLS, both sockets and the session, and drives
//! both directions.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::close::Close;
use super::gate::{Client, Gate};
use super::handshake;
use super::relay::Relay;
use super::session::Session;
use super::upstream;
use crate::words::advertise::Destination;
use crate::words::audit::printable;
use crate::words::metrics::{CloseReason, Fault, HandshakeResult};

/// Serves one accepted connection to its end. `destination` is the broker that the port leads to; `drain` turns true
/// when doorkeeper stops.
pub async fn serve(
    gate: Arc<Gate>,
    config: Arc<ServerConfig>,
    socket: TcpStream,
    peer: SocketAddr,
    destination: Destination,
    mut drain: watch::Receiver<bool>,
) {
    let (open, accepted) = (gate.listener_metrics.open(), Instant::now());
    // Apart, since the handshake needs most of the memory of this future and lasts the least.
    let close = match Box::pin(greet(&gate, config, socket, (peer, destination), &mut drain)).await {
        Ok(mut relay) => {
            let close = relay.run(&mut drain).await;
            relay.leave(&close).farewell().await;
            close
        }
        Err(close) => close,
    };
    open.close(close.reason, accepted.elapsed());
    report(&gate, peer, &close);
}

/// One line for a connection's end: loud when something is to be done about it. `unlogged` is how many of the same peer's
/// have ended alike since the last such line, `elsewhere` how many of other peers.
fn report(gate: &Gate, peer: SocketAddr, close: &Close) {
    // It may have words of the peer's in it, such as a certificate's subject.
    let (listener, reason, detail) = (&*gate.listener, close.reason.as_str(), printable(&close.detail));
    let fault = close.reason.fault();
    if close.reason == CloseReason::UpstreamClosed {
        gate.doubted.notify_one();
    }
    if fault == Fault::None && close.reason != CloseReason::RightsRevoked {
        tracing::debug!(listener, %peer, reason, "connection closed: {detail}");
        return;
    }
    if fault == Fault::Broker {
        gate.doubted.notify_one();
    }
    let kind = (close.reason, close.handshake);
    let Some((unlogged, elsewhere)) = gate.disconnects.admit(kind, peer.ip(), Instant::now()) else { return };
    let some = |count| (count > 0).then_some(count);
    let (unlogged, elsewhere) = (some(unlogged), some(elsewhere));
    let handshake = close.handshake.map(HandshakeResult::as_str);
    match fault {
        Fault::None | Fault::Client => {
            tracing::info!(listener, %peer, reason, handshake, unlogged, elsewhere, "connection closed: {detail}");
        }
        Fault::Broker | Fault::Doorkeeper => {
            tracing::warn!(
                listener, %peer, reason, unlogged, elsewhere, upstream = gate.upstream,
                "connection lost: {detail}"
            );
        }
    }
}

/// The way to a relay: TLS, then who the client is, then the broker.
async fn greet(
    gate: &Arc<Gate>,
    config: Arc<ServerConfig>,
    socket: TcpStream,
    (peer, destination): (SocketAddr, Destination),
    drain: &mut watch::Receiver<bool>,
) -> Result<Relay, Close> {
    let _ = socket.set_nodelay(true);
    // Those that go with this TLS: both may change before the handshake is over, and the client of an authority that is no
    // longer trusted must not become somebody by rules that were made for another one's.
    let rules = gate.mapping_rules.load_full();
    let mut greeted = tokio::select! {
        greeted = handshake::shake_hands(gate, config, socket, destination) => greeted?,
        _ = drain.wait_for(|drain| *drain) => return Err(Close::new(CloseReason::Drain, "doorkeeper is stopping")),
    };
    let client = match handshake::principal(gate, &rules, &greeted.tls) {
        Ok(principal) => Arc::new(Client::new(&principal, peer.ip())),
        Err(close) => {
            // As Kafka does: the handshake is fine, the first request is the end.
            tokio::select! {
                () = greeted.wait_for_request(gate.limits.idle_timeout) => {}
                _ = drain.wait_for(|drain| *drain) => {}
            }
            greeted.farewell().await;
            return Err(close);
        }
    };
    let broker = tokio::select! {
        broker = upstream::reach(gate, greeted.destination) => broker,
        _ = drain.wait_for(|drain| *drain) => Err(Close::new(CloseReason::Drain, "doorkeeper is stopping")),
    };
    match broker {
        Ok((socket, broker)) => Ok(Relay::new(greeted, socket, Session::new(gate.clone(), client, broker))),
        Err(close) => {
            greeted.farewell().await;
            Err(close)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an idle connection costs is mostly its task.
    #[test]
    fn a_connections_task_is_small() {
        fn size<A, B, C, D, E, F, G: Future>(_: fn(A, B, C, D, E, F) -> G) -> usize {
            size_of::<G>()
        }
        let bytes = size(serve);
        assert!(bytes <= 4096, "{bytes} bytes");
    }
}
