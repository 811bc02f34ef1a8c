//! A listener of the broker as one of doorkeeper's.

use std::net::IpAddr;

use super::broker::{Broker, Listener, Protocol};
use super::sasl::Sasl;
use super::tls;
use super::yaml::{Text, quoted};
use crate::process::config::HostPort;
use crate::process::config::text::mapping_rules;

/// The broker's listener without TLS, which doorkeeper is to stand before.
pub(super) struct Upstream {
    address: HostPort,
    /// The host and port under which clients that connect there are told to find the broker.
    advertised: (String, u16),
}

impl Upstream {
    /// The first plaintext listener; what it should be where there is none.
    pub(super) fn of(text: &mut Text, listeners: &[Listener]) -> Self {
        let Some(plaintext) = listeners.iter().find(|listener| listener.protocol == Protocol::Plaintext)
        else {
            text.todo(
                "the broker has no listener without TLS for doorkeeper to connect to: add PLAINTEXT://127.0.0.1:9092 to its \
                 listeners and, with the host's name, to its advertised.listeners",
            );
            let address = HostPort { host: "127.0.0.1".to_owned(), port: 9092 };
            return Self { address, advertised: (String::new(), 9092) };
        };
        if !is_loopback(&plaintext.host) {
            text.todo(format!(
                "whoever reaches the broker's listener {} goes past doorkeeper: docs/host.md says how this door is shut",
                plaintext.name
            ));
        }
        let host = if is_everywhere(&plaintext.host) { "127.0.0.1" } else { &plaintext.host };
        let address = HostPort { host: host.to_owned(), port: plaintext.port };
        Self { address, advertised: plaintext.advertised.clone() }
    }
}

fn is_everywhere(host: &str) -> bool {
    host.is_empty() || host.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified())
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Writes those that doorkeeper can take over; how many that were.
pub(super) fn write_all(text: &mut Text, broker: &Broker<'_>, listeners: &[Listener]) -> usize {
    let upstream = Upstream::of(text, listeners);
    let line = broker.get("listeners").map_or(0, |found| found.line);
    let mut written = 0;
    for listener in listeners {
        let name = &listener.name;
        let sasl = match listener.protocol {
            // It is the upstream, or one like it.
            Protocol::Plaintext => continue,
            Protocol::SaslPlaintext => {
                text.not_taken(
                    line,
                    format!(
                        "listeners: {name} takes logins without TLS, which doorkeeper does not: add a listener with 'tls' and \
                         'sasl', and give its clients security.protocol=SASL_SSL"
                    ),
                );
                continue;
            }
            Protocol::Ssl => None,
            Protocol::SaslSsl => match Sasl::of(text, broker, listener) {
                Some(sasl) => Some(sasl),
                None => {
                    text.not_taken(
                        line,
                        format!("listeners: {name}: nobody could log in there, so that it is left out"),
                    );
                    continue;
                }
            },
        };
        if listener.is_between_brokers {
            text.todo(format!(
                "brokers talk to each other at {name}, which doorkeeper is not for: give them a listener of their own \
                 (inter.broker.listener.name)"
            ));
        }
        text.todo(format!(
            "take {name} out of the broker's listeners, so that its port is free for doorkeeper"
        ));
        write(text, broker, listener, sasl.as_ref(), &upstream);
        written += 1;
    }
    if written == 0 {
        first(text, broker, &upstream);
    }
    written
}

fn write(
    text: &mut Text,
    broker: &Broker<'_>,
    listener: &Listener,
    sasl: Option<&Sasl<'_>>,
    upstream: &Upstream,
) {
    text.line(1, &format!("- name: {}", quoted(&listener.name.to_lowercase())));
    let bind = bind(text, listener);
    text.line(2, &format!("bind: {}", quoted(&bind)));
    text.line(2, &format!("upstream: {}", quoted(&upstream.address.to_string())));
    text.line(2, "tls:");
    tls::write(text, 3, broker, listener);
    if let Some(sasl) = sasl {
        sasl.write(text, 2);
    }
    if let Some(found) = broker.of_listener(&listener.name, "ssl.principal.mapping.rules") {
        match mapping_rules(found.value) {
            Ok(_) => text.line(2, &format!("principal_mapping_rules: {}", quoted(found.value))),
            Err(why) => text.not_taken(found.line, format!("{}: {why}", found.key)),
        }
    }
    mapping(text, broker, listener, upstream);
}

/// The address that is bound, which is a number here.
fn bind(text: &mut Text, listener: &Listener) -> String {
    let host = match listener.host.parse::<IpAddr>() {
        Ok(address) => address,
        Err(_) => {
            if !listener.host.is_empty() {
                text.todo(format!(
                    "the listener {} is bound to the name {}: write its IP address in the place of 0.0.0.0, unless all will do",
                    listener.name, listener.host
                ));
            }
            IpAddr::from([0, 0, 0, 0])
        }
    };
    std::net::SocketAddr::new(host, listener.port).to_string()
}

/// What clients are told in the place of what the broker says at the upstream.
fn mapping(text: &mut Text, broker: &Broker<'_>, listener: &Listener, upstream: &Upstream) {
    let (host, port) = &listener.advertised;
    let (own, from) = &upstream.advertised;
    let is_same = own.eq_ignore_ascii_case(host) || is_everywhere(host) || own.is_empty();
    let id = broker.get("node.id").or_else(|| broker.get("broker.id"));
    match id.filter(|_| !is_same) {
        None => {
            if !is_same {
                text.todo(format!(
                    "clients of {} must be told the host {host}: write a table of brokers",
                    listener.name
                ));
            }
            text.line(2, &format!("address_mapping: {{ strategy: keep_host, ports: {{ {from}: {port} }} }}"));
        }
        Some(id) => {
            let told = HostPort { host: host.clone(), port: *port }.to_string();
            let entry = format!("{}: {}", id.value, quoted(&told));
            text.line(2, &format!("address_mapping: {{ strategy: table, brokers: {{ {entry} }} }}"));
            text.todo("address_mapping needs an entry for each of the other brokers, whose addresses are not in this file");
        }
    }
}

/// For a broker that knows no TLS: what `doorkeeper init` makes.
fn first(text: &mut Text, broker: &Broker<'_>, upstream: &Upstream) {
    text.line(1, "- name: clients");
    text.line(2, "bind: \"0.0.0.0:9443\"");
    text.line(2, &format!("upstream: {}", quoted(&upstream.address.to_string())));
    text.line(2, "tls:");
    text.line(3, "certificate_chain: tls/tls.crt");
    text.line(3, "private_key: tls/tls.key");
    text.line(3, "client_ca: tls/ca.crt");
    text.line(3, "client_auth: required");
    text.line(2, &format!("principal_mapping_rules: {}", quoted("RULE:^CN=([^,]+).*$/$1/, DEFAULT")));
    text.line(
        2,
        &format!("address_mapping: {{ strategy: keep_host, ports: {{ {}: 9443 }} }}", upstream.advertised.1),
    );
    text.todo("the broker has no listener with TLS: 'doorkeeper init' makes the certificates that are named here, and clients'");
    // What would be said of them otherwise is that there is no listener for them.
    for property in ["ssl.principal.mapping.rules", "ssl.client.auth"] {
        broker.get(property);
    }
}
