//! From the configuration of a gateway to the ports that it listens on and the brokers that it knows.

use std::net::SocketAddr;

use crate::model::advertise::{Destination, Mapping};
use crate::net::brokers::Brokers;
use crate::process::config::{Gateway, HostPort, Listener, ToldApart};

/// The addresses of a listener, its own first, and the brokers that they lead to.
pub(super) fn ports(listener: &Listener) -> Vec<(SocketAddr, Destination)> {
    let mut ports = vec![(listener.bind, Destination::Any)];
    if let (Mapping::Gateway { brokers }, Some(Gateway { told_apart: ToldApart::ByPort, .. })) =
        (&listener.address_mapping, &listener.gateway)
    {
        let port = |(node, (_, port)): (&i32, &(String, u16))| {
            (SocketAddr::new(listener.bind.ip(), *port), Destination::Node(*node))
        };
        ports.extend(brokers.iter().map(port));
    }
    ports
}

/// The brokers behind a listener: one, unless it is a gateway.
pub(super) fn brokers(listener: &Listener) -> Brokers {
    let address = |HostPort { host, port }: &HostPort| (host.clone(), *port);
    let upstream = address(&listener.upstream);
    let (Mapping::Gateway { brokers }, Some(gateway)) = (&listener.address_mapping, &listener.gateway) else {
        return Brokers::one(upstream);
    };
    let others = gateway.bootstrap_servers.iter().filter(|server| **server != listener.upstream);
    let bootstrap = std::iter::once(upstream).chain(others.map(address)).collect();
    let nodes = brokers.keys().map(|node| (*node, gateway.upstreams.get(node).map(address)));
    Brokers::cluster(bootstrap, nodes.collect())
}
