//! One client's connection, from its first byte to its last: one task owns TLS, both sockets and the session, and drives
//! both directions.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time;

use super::accepted_client::AcceptedClient;
use super::authentication::{
    Authentication, CertificateAuthentication, Identity, Patience, SaslAuthentication, authenticate,
    principal_of,
};
use super::client::Client;
use super::close::Close;
use super::context::ListenerContext;
use super::handshake::{self, HandshakeTerms, Route};
use super::proxy_header::{self, Behind};
use super::relay::Relay;
use super::session::Session;
use super::tls::Tls;
use super::transport::Transport;
use super::upstream;
use crate::model::advertise::Destination;
use crate::model::principal::PrincipalBuilder;
use crate::model::text::printable;
use crate::observability::metrics::{CloseReason, Fault, HandshakeResult, Mechanism, RejectReason};

/// A connection that has been accepted.
pub struct AcceptedConnection<P> {
    /// The accepted socket.
    pub socket: TcpStream,
    /// Where it comes from.
    pub peer: SocketAddr,
    /// The broker that the port leads to.
    pub destination: Destination,
    /// Its place among those that may be, until it has ended.
    pub place: P,
}

/// One of the connections that limits allow.
pub trait ConnectionSlot {
    /// Counts the connection as one of this address, once it is known whose it is.
    ///
    /// # Errors
    /// When that address has as many as it may have.
    fn take_for(&mut self, client: IpAddr) -> Result<(), RejectReason>;

    /// What ends when the client that has shown this chain, its own certificate first, is no longer believed; `None` where its
    /// connection then stays open.
    fn distrust(&self, chain: &[CertificateDer<'static>]) -> Option<Distrust>;
}

/// Ends when a client is no longer believed, with why.
pub type Distrust = Pin<Box<dyn Future<Output = Close> + Send>>;

/// Where a connection comes from.
struct Origins {
    client: SocketAddr,
    /// The balancer, if the client is behind one.
    balancer: Option<SocketAddr>,
}

/// Serves one accepted connection to its end; `drain` turns true when doorkeeper stops.
pub async fn serve<P: ConnectionSlot>(
    context: Arc<ListenerContext>,
    config: Arc<ServerConfig>,
    arrival: AcceptedConnection<P>,
    mut drain: watch::Receiver<bool>,
) {
    let (open, accepted) = (context.metrics.open(), Instant::now());
    let AcceptedConnection { socket, peer, destination, mut place } = arrival;
    let mut origins = Origins { client: peer, balancer: None };
    // Apart, since the handshake needs most of the memory of this future and lasts the least.
    let establishing =
        establish(&context, config, (socket, destination), (&mut origins, &mut place), &mut drain);
    let close = match Box::pin(establishing).await {
        Ok((mut relay, distrust)) => {
            let close = match distrust {
                None => relay.run(&mut drain).await,
                Some(distrust) => tokio::select! {
                    biased;
                    close = distrust => close,
                    close = relay.run(&mut drain) => close,
                },
            };
            relay.into_closing(&close).close().await;
            close
        }
        Err(close) => close,
    };
    open.close(close.reason, accepted.elapsed());
    report(&context, &origins, &close);
    drop(place);
}

/// One line for a connection's end: loud when something is to be done about it. `unlogged` is how many of the same peer's
/// have ended alike since the last such line, `elsewhere` how many of other peers.
fn report(context: &ListenerContext, origins: &Origins, close: &Close) {
    // It may have words of the peer's in it, such as a certificate's subject.
    let (listener, reason, detail) = (&*context.name, close.reason.as_str(), printable(&close.detail));
    let peer = origins.client;
    let balancer = origins.balancer.map(tracing::field::display);
    let fault = close.reason.fault();
    if close.reason == CloseReason::UpstreamClosed {
        context.upstream.doubted.notify_one();
    }
    let is_told = matches!(close.reason, CloseReason::RightsRevoked | CloseReason::UserRemoved);
    if fault == Fault::None && !is_told {
        tracing::debug!(listener, %peer, balancer, reason, "connection closed: {detail}");
        return;
    }
    if fault == Fault::Broker {
        context.upstream.doubted.notify_one();
    }
    let kind = (close.reason, close.handshake);
    let Some((unlogged, elsewhere)) = context.disconnects.admit(kind, peer.ip(), Instant::now()) else {
        return;
    };
    let some = |count| (count > 0).then_some(count);
    let (unlogged, elsewhere) = (some(unlogged), some(elsewhere));
    let handshake = close.handshake.map(HandshakeResult::as_str);
    match fault {
        Fault::None | Fault::Client => {
            tracing::info!(
                listener, %peer, balancer, reason, handshake, unlogged, elsewhere,
                "connection closed: {detail}"
            );
        }
        Fault::Broker | Fault::Doorkeeper => {
            tracing::warn!(
                listener, %peer, balancer, reason, unlogged, elsewhere, upstream = context.upstream.address,
                "connection lost: {detail}"
            );
        }
    }
}

/// The way to a relay: TLS, then who the client is, then the broker.
async fn establish(
    context: &Arc<ListenerContext>,
    config: Arc<ServerConfig>,
    (mut socket, destination): (TcpStream, Destination),
    (origins, place): (&mut Origins, &mut impl ConnectionSlot),
    drain: &mut watch::Receiver<bool>,
) -> Result<(Relay, Option<Distrust>), Close> {
    let _ = socket.set_nodelay(true);
    let deadline = time::Instant::now() + context.limits.handshake_timeout;
    let mut terms = HandshakeTerms { deadline, route: Route::Direct };
    if context.balancers.iter().any(|network| network.contains(origins.client.ip())) {
        let balancer = origins.client.ip().to_canonical();
        let behind = tokio::select! {
            // On the heap: few connections come from balancers.
            behind = Box::pin(proxy_header::read(context, (&mut socket, balancer), deadline)) => behind?,
            _ = drain.wait_for(|drain| *drain) => return Err(Close::new(CloseReason::Drain, "doorkeeper is stopping")),
        };
        terms.route = Route::Balanced;
        match behind {
            Behind::Client(client) => {
                *origins = Origins { client, balancer: Some(origins.client) };
                if let Err(reason) = place.take_for(client.ip().to_canonical()) {
                    context.metrics.reject(reason);
                    let detail = "the client's address has as many connections as limits.max_connections_per_ip allows";
                    return Err(Close::new(CloseReason::Limit, detail));
                }
            }
            Behind::Balancer => {}
            Behind::Unknown(why) => terms.route = Route::Unannounced(why),
        }
    }
    // Those that go with this TLS: both may change before the handshake is over, and the client of an authority that is no
    // longer trusted must not become somebody by rules that were made for another one's.
    let builder = context.principal.load_full();
    let mut accepted = tokio::select! {
        accepted = handshake::establish_tls(context, config, socket, destination, &terms) => accepted?,
        _ = drain.wait_for(|drain| *drain) => return Err(Close::new(CloseReason::Drain, "doorkeeper is stopping")),
    };
    let distrust = match accepted.transport.established().map(Tls::client_chain) {
        None | Some([]) => None,
        Some(chain) => place.distrust(chain),
    };
    let mut authentication = authentication(context, &builder, &accepted, origins.client.ip());
    let patience = Patience { each: context.limits.idle_timeout, whole: context.limits.handshake_timeout };
    let authenticated = tokio::select! {
        authenticated = authenticate(&mut accepted, &mut *authentication, patience) => authenticated,
        _ = drain.wait_for(|drain| *drain) => Err(Close::new(CloseReason::Drain, "doorkeeper is stopping")),
    };
    let (client, introduction) = match authenticated {
        Ok(Identity { principal, login, introduction }) => {
            (Arc::new(Client::new(&principal, origins.client.ip()).with_login(login)), introduction)
        }
        Err(close) => {
            accepted.transport.close().await;
            return Err(close);
        }
    };
    let broker = tokio::select! {
        broker = upstream::reach(&context.upstream, accepted.destination) => broker,
        _ = drain.wait_for(|drain| *drain) => Err(Close::new(CloseReason::Drain, "doorkeeper is stopping")),
    };
    match broker {
        Ok((socket, broker)) => {
            let mut session = Session::new(context.clone(), client, broker);
            let mut to_broker = VecDeque::new();
            if let Some(introduction) = introduction {
                session.introduce(&introduction, &mut to_broker, Instant::now())?;
            }
            Ok((Relay::new(accepted, Transport::plaintext(socket), session, to_broker), distrust))
        }
        Err(close) => {
            accepted.transport.close().await;
            Err(close)
        }
    }
}

/// How it is found out who a client is: by its certificate, or by SASL where the listener has that.
fn authentication(
    context: &Arc<ListenerContext>,
    builder: &PrincipalBuilder,
    accepted: &AcceptedClient,
    address: IpAddr,
) -> Box<dyn Authentication> {
    let certificate = accepted.transport.established().and_then(Tls::client_certificate);
    let Some(sasl) = &context.sasl else {
        return Box::new(CertificateAuthentication::new(context, builder, certificate));
    };
    let mut otherwise = None;
    if let (Some(certificate), false) = (certificate, sasl.is_required_with_certificate) {
        let principal = principal_of(builder, certificate);
        context.process.metrics.authentication(Mechanism::Mtls, principal.is_ok());
        // One that makes nobody is no certificate that is enough.
        otherwise = principal.ok().map(|principal| Identity { principal, ..Identity::default() });
    }
    Box::new(SaslAuthentication::new(context, sasl, (address, accepted.destination), otherwise))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an idle connection costs is mostly its task.
    #[test]
    fn a_connections_task_is_small() {
        struct Anywhere;
        impl ConnectionSlot for Anywhere {
            fn take_for(&mut self, _: IpAddr) -> Result<(), RejectReason> {
                Ok(())
            }

            fn distrust(&self, _: &[CertificateDer<'static>]) -> Option<Distrust> {
                None
            }
        }
        fn size<A, B, C, D, E: Future>(_: fn(A, B, C, D) -> E) -> usize {
            size_of::<E>()
        }
        let bytes = size(serve::<Anywhere>);
        assert!(bytes <= 4096, "{bytes} bytes");
    }
}
