//! From the file as it was written to a configuration that can be run: what one value means for another.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::document::Document;
use super::effective::Effective;
use super::fault::Fault;
use super::gateway;
use super::raw;
use super::text::HostPort;
use super::{Config, Gateway, Listener};
use crate::model::acl::Network;
use crate::model::advertise::Mapping;

mod authorization;
mod principal;
mod sasl;
mod tls;

pub(crate) use authorization::is_no_super_user;

/// The configuration, without the listeners that have faults.
pub(super) fn config(raw: raw::Root, document: Document, faults: &mut Vec<Fault>) -> Config {
    let effective = Effective::of(&raw);
    let mut validator = Validator { document: &document, faults, warnings: Vec::new() };
    let mut listeners = Vec::new();
    for (i, listener) in raw.listeners.iter().enumerate() {
        listeners.extend(validator.listener(format!("listeners.{i}"), listener));
    }
    validator.addresses(&raw);
    validator.limits(&raw);
    let upstream = raw.listeners.first().map(|listener| listener.upstream.clone());
    let authorization = validator.authorization(raw.authorization, upstream);
    Config {
        reload_interval: raw.reload_interval,
        listeners,
        authorization,
        admin: raw.admin,
        metrics: raw.metrics,
        limits: raw.limits,
        shutdown: raw.shutdown,
        log: raw.log,
        audit: raw.audit,
        warnings: validator.warnings,
        effective,
        document,
    }
}

struct Validator<'a> {
    document: &'a Document,
    faults: &'a mut Vec<Fault>,
    warnings: Vec<Fault>,
}

impl Validator<'_> {
    fn fault(&mut self, at: &str, message: impl Into<String>) {
        self.faults.push(self.document.fault(at, message));
    }

    fn warn(&mut self, at: &str, message: impl Into<String>) {
        self.warnings.push(self.document.fault(at, message));
    }

    fn listener(&mut self, at: String, raw: &raw::Listener) -> Option<Listener> {
        if !is_loopback(&raw.upstream.host) {
            self.warn(&format!("{at}.upstream"), leaves_this_host(&raw.upstream));
        }
        let tls = self.tls(&format!("{at}.tls"), &raw.tls, raw.sasl.is_some());
        let sasl = self.sasl(&format!("{at}.sasl"), raw);
        let mapping = self.address_mapping(&format!("{at}.address_mapping"), raw);
        let principal = self.principal(&at, raw);
        let (address_mapping, gateway) = mapping?;
        Some(Listener {
            name: raw.name.clone(),
            bind: raw.bind,
            upstream: raw.upstream.clone(),
            plaintext_exposed: raw.plaintext_exposed,
            balancers: self.balancers(&format!("{at}.proxy_protocol.from"), raw.proxy_protocol.as_ref()),
            tls: tls?,
            sasl: sasl?,
            max_connection_age: raw.limits.max_connection_age,
            principal: principal?,
            address_mapping,
            gateway,
            self_check: raw.self_check,
            place: at,
        })
    }

    /// What is no network has been reported by the schema's check.
    fn balancers(&mut self, at: &str, raw: Option<&raw::ProxyProtocol>) -> Vec<Network> {
        let mut networks = Vec::new();
        for (i, text) in raw.iter().flat_map(|raw| &raw.from).enumerate() {
            let Ok(network) = Network::of(text) else { continue };
            if network.is_everywhere() {
                let message = "anybody may say by a PROXY protocol header that they connect from any address, and hosts of \
                               ACLs and max_connections_per_ip go by that: name the balancers alone";
                self.warn(&format!("{at}.{i}"), message);
            }
            networks.push(network);
        }
        networks
    }

    fn address_mapping(&mut self, at: &str, listener: &raw::Listener) -> Option<(Mapping, Option<Gateway>)> {
        match &listener.address_mapping {
            Some(raw::AddressMapping::None {}) => Some((Mapping::None, None)),
            Some(raw::AddressMapping::KeepHost { ports: Some(ports), .. }) => {
                let (upstream, bind) = (listener.upstream.port, listener.bind.port());
                let known = ["upstream", "bind"].map(|key| format!("{}.{key}", listener_of(at)));
                let turned = ports.values().any(|port| *port == upstream) || ports.contains_key(&bind);
                let sound = known.iter().all(|at| !self.document.is_wrong(at));
                // Where the two are one, something else is wrong, which is said.
                if sound && upstream != bind && !ports.contains_key(&upstream) {
                    let (at, message) =
                        (format!("{at}.ports"), no_upstream_port(ports, upstream, bind, turned));
                    match turned {
                        true => self.fault(&at, message),
                        // A broker may advertise another port than it listens on, as all those do that share a map.
                        false if ports.len() == 1 => self.warn(&at, message),
                        false => {}
                    }
                }
                Some((Mapping::KeepHost { ports: ports.clone() }, None))
            }
            Some(raw::AddressMapping::KeepHost { ports: None, .. }) | None => match listener.bind.port() {
                0 => {
                    let message = "with port 0 in bind the port that clients use is not known: write the ports, such as \
                                   '{ strategy: keep_host, ports: { 9092: 9443 } }'";
                    self.fault(at, message);
                    None
                }
                port => {
                    let ports = BTreeMap::from([(listener.upstream.port, port)]);
                    Some((Mapping::KeepHost { ports }, None))
                }
            },
            Some(raw::AddressMapping::Table { brokers, .. }) => {
                let mut seen: BTreeMap<String, i32> = BTreeMap::new();
                for (id, address) in brokers {
                    if let Some(other) = seen.insert(address.to_string(), *id) {
                        let message = format!(
                            "brokers {other} and {id} have the same address {address}: clients could not reach \
                             one of them, give each its own"
                        );
                        self.fault(&format!("{at}.brokers.{id}"), message);
                    }
                }
                let brokers =
                    brokers.iter().map(|(id, HostPort { host, port })| (*id, (host.clone(), *port)));
                Some((Mapping::Table { brokers: brokers.collect() }, None))
            }
            Some(raw @ (raw::AddressMapping::PortPerBroker { .. } | raw::AddressMapping::Sni { .. })) => {
                let mut gateway = gateway::Reading::new(raw);
                let read = gateway.gateway();
                for (key, message) in gateway.faults {
                    self.fault(&format!("{at}.{key}"), message);
                }
                for (key, message) in gateway.warnings {
                    self.warn(&format!("{at}.{key}"), message);
                }
                read.map(|(brokers, gateway)| (Mapping::Gateway { brokers }, Some(gateway)))
            }
        }
    }

    /// Names and addresses that must be distinct.
    fn addresses(&mut self, raw: &raw::Root) {
        let sound = |at: &str| !self.document.is_wrong(at);
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        let mut binds: Vec<(SocketAddr, String)> = Vec::new();
        let mut found = Vec::new();
        for (i, listener) in raw.listeners.iter().enumerate() {
            let at = format!("listeners.{i}");
            let (name, bind, upstream) =
                (format!("{at}.name"), format!("{at}.bind"), format!("{at}.upstream"));
            if sound(&name) && names.insert(&listener.name, i).is_some() {
                let message =
                    format!("another listener is called '{}' already: give each its own name", listener.name);
                found.push((name, message));
            }
            if sound(&bind) {
                let own =
                    std::iter::once((bind.clone(), listener.bind, format!("listener '{}'", listener.name)));
                let first = format!("{at}.address_mapping.first_broker_port");
                let ports = listener.address_mapping.iter().flat_map(gateway::broker_ports);
                let brokers = ports.map(|(node, port)| {
                    let by = format!("listener '{}', for node {node},", listener.name);
                    (first.clone(), SocketAddr::new(listener.bind.ip(), port), by)
                });
                for (place, address, by) in own.chain(brokers) {
                    if let Some((taken, other)) = binds.iter().find(|(other, _)| overlap(*other, address)) {
                        let whose = if place == bind {
                            String::new()
                        } else {
                            format!("the {by} needs {address}, but ")
                        };
                        found.push((
                            place,
                            format!("{whose}the {other} has {taken} already: choose another port"),
                        ));
                        // One is enough to see where two ranges meet.
                        break;
                    }
                    binds.push((address, by));
                }
            }
            if sound(&bind) && sound(&upstream) && is_same(&listener.upstream, listener.bind) {
                let message = format!(
                    "{} is this listener itself: name the broker's plaintext listener",
                    listener.upstream
                );
                found.push((upstream, message));
            }
        }
        if let Some(admin) = &raw.admin
            && sound("admin.bind")
            && let Some((taken, by)) = binds.iter().find(|(other, _)| overlap(*other, admin.bind))
        {
            let message = format!("the {by} has {taken} already: choose another port");
            found.push(("admin.bind".into(), message));
        }
        for (at, message) in found {
            self.fault(&at, message);
        }
    }

    fn limits(&mut self, raw: &raw::Root) {
        let limits = &raw.limits;
        let known = !self.document.is_wrong("limits.max_frame_bytes")
            && !self.document.is_wrong("limits.buffered_bytes");
        if known && limits.buffered_bytes < limits.max_frame_bytes.into() {
            let message = format!(
                "buffered_bytes is {}, less than one request of max_frame_bytes ({}): make it at least as large",
                limits.buffered_bytes, limits.max_frame_bytes
            );
            self.fault("limits.buffered_bytes", message);
        }
    }
}

/// The listener that a place such as `listeners.0.address_mapping` is in.
fn listener_of(at: &str) -> &str {
    at.rsplit_once('.').map_or(at, |(listener, _)| listener)
}

/// A map of ports that does not have the broker's own.
fn no_upstream_port(ports: &BTreeMap<u16, u16>, upstream: u16, bind: u16, turned: bool) -> String {
    let told = match (bind, ports.values().next()) {
        (0, Some(port)) => *port,
        (0, None) => 9443,
        (port, _) => port,
    };
    let why = match turned {
        true => "the broker's port comes first, and then the one that clients use",
        false => "unless the broker advertises one of the others, it is withheld from clients",
    };
    format!("there is no entry for {upstream}, the port of upstream: {why}; write '{upstream}: {told}'")
}

fn leaves_this_host(address: &HostPort) -> String {
    format!("plaintext to {address} leaves this host: anybody on the way can read and change it")
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether a connection to `upstream` would arrive at `bind`.
fn is_same(upstream: &HostPort, bind: SocketAddr) -> bool {
    let to_bind = match upstream.host.parse::<IpAddr>() {
        Ok(ip) => ip.is_loopback() && (ip == bind.ip() || bind.ip().is_unspecified()),
        Err(_) => upstream.host == "localhost" && (bind.ip().is_loopback() || bind.ip().is_unspecified()),
    };
    to_bind && upstream.port == bind.port()
}

/// Whether the second cannot be bound beside the first. Port 0 is a different one each time.
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    let same_ip = a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified();
    a.port() == b.port() && a.port() != 0 && same_ip
}
