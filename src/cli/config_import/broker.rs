//! What a broker's configuration says of its listeners, looked up as Kafka does.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::properties::Property;
use crate::process::config::document::quoted;

/// A broker's configuration, which knows what of it has been asked for.
pub(super) struct Broker<'a> {
    /// The file's name.
    pub(super) file: &'a str,
    properties: &'a [Property],
    used: RefCell<BTreeSet<&'a str>>,
}

/// A value and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) key: &'a str,
    pub(super) value: &'a str,
    pub(super) line: usize,
}

impl<'a> Broker<'a> {
    pub(super) fn new(file: &'a str, properties: &'a [Property]) -> Self {
        Self { file, properties, used: RefCell::default() }
    }

    /// A property of the broker; one that is empty is none.
    pub(super) fn get(&self, key: &str) -> Option<Found<'a>> {
        let found = self.properties.iter().find(|property| property.key == key)?;
        self.used.borrow_mut().insert(&found.key);
        let value = found.value.trim();
        (!value.is_empty()).then_some(Found { key: &found.key, value, line: found.line })
    }

    /// A property of a listener: its own, or else the broker's (`AbstractConfig.valuesWithPrefixOverride`).
    pub(super) fn of_listener(&self, listener: &str, key: &str) -> Option<Found<'a>> {
        self.only_of_listener(listener, key).or_else(|| self.get(key))
    }

    /// A listener's own property, whatever the broker's.
    pub(super) fn only_of_listener(&self, listener: &str, key: &str) -> Option<Found<'a>> {
        self.get(&format!("{}{key}", prefix(listener)))
    }

    /// A property of a mechanism at a listener: its own there, or else the listener's, or else the broker's.
    pub(super) fn of_mechanism(&self, listener: &str, mechanism: &str, key: &str) -> Option<Found<'a>> {
        let own = format!("{}{}.{key}", prefix(listener), mechanism.to_lowercase());
        self.get(&own).or_else(|| self.of_listener(listener, key))
    }

    /// What nobody has asked for.
    pub(super) fn unused(&self) -> impl Iterator<Item = &'a Property> {
        let used = self.used.borrow().clone();
        self.properties.iter().filter(move |property| !used.contains(property.key.as_str()))
    }

    /// What has been asked for and stands for something else (`config.providers`, KIP-297).
    pub(super) fn provided(&self) -> impl Iterator<Item = &'a Property> {
        let used = self.used.borrow().clone();
        let is_provided =
            move |property: &&Property| used.contains(property.key.as_str()) && property.value.contains("${");
        self.properties.iter().filter(is_provided)
    }
}

/// What the keys of a listener begin with (`ListenerName.configPrefix`).
pub(super) fn prefix(listener: &str) -> String {
    format!("listener.name.{}.", listener.to_lowercase())
}

/// How a listener is spoken to (`SecurityProtocol`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Plaintext,
    Ssl,
    SaslPlaintext,
    SaslSsl,
}

impl Protocol {
    fn of(name: &str) -> Option<Self> {
        Some(match name.to_uppercase().as_str() {
            "PLAINTEXT" => Self::Plaintext,
            "SSL" => Self::Ssl,
            "SASL_PLAINTEXT" => Self::SaslPlaintext,
            "SASL_SSL" => Self::SaslSsl,
            _ => return None,
        })
    }
}

/// A listener of the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listener {
    pub(super) name: String,
    pub(super) protocol: Protocol,
    /// Empty for all addresses.
    pub(super) host: String,
    pub(super) port: u16,
    /// What clients are told.
    pub(super) advertised: (String, u16),
    /// Whether brokers talk to each other there.
    pub(super) is_between_brokers: bool,
}

/// The listeners for clients, in the order of the file; those of controllers are left out.
///
/// # Errors
/// What in them Kafka would not take either, with its place.
pub(super) fn listeners(broker: &Broker<'_>) -> Result<Vec<Listener>, String> {
    let written = broker.get("listeners");
    let bound = match written {
        Some(found) => endpoints(broker, found)?,
        None => vec![("PLAINTEXT".to_owned(), String::new(), 9092)],
    };
    let advertised = match broker.get("advertised.listeners") {
        Some(found) => endpoints(broker, found)?,
        None => Vec::new(),
    };
    let protocols = protocols(broker)?;
    let controllers: Vec<String> = broker
        .get("controller.listener.names")
        .map(|found| found.value.split(',').map(|name| name.trim().to_uppercase()).collect())
        .unwrap_or_default();
    let between = between_brokers(broker);
    let mut listeners = Vec::new();
    for (name, host, port) in bound {
        if controllers.contains(&name) {
            continue;
        }
        let protocol = protocols.get(&name).copied().or_else(|| Protocol::of(&name)).ok_or_else(|| {
            let line = written.map_or(0, |found| found.line);
            format!(
                "{}:{line}: listeners: {} has no entry in listener.security.protocol.map, and is no protocol itself",
                broker.file,
                quoted(&name)
            )
        })?;
        let told = advertised.iter().find(|(other, ..)| *other == name);
        let told = told.map_or((host.clone(), port), |(_, host, port)| (host.clone(), *port));
        let is_between_brokers = between.is_between(&name, protocol);
        listeners.push(Listener { name, protocol, host, port, advertised: told, is_between_brokers });
    }
    Ok(listeners)
}

/// By what the listener between brokers is told: its name, or its protocol.
struct BetweenBrokers {
    name: Option<String>,
    protocol: Protocol,
}

impl BetweenBrokers {
    fn is_between(&self, name: &str, protocol: Protocol) -> bool {
        self.name.as_ref().map_or(protocol == self.protocol, |own| own == name)
    }
}

fn between_brokers(broker: &Broker<'_>) -> BetweenBrokers {
    let name = broker.get("inter.broker.listener.name").map(|found| found.value.to_uppercase());
    let protocol = broker.get("security.inter.broker.protocol").and_then(|found| Protocol::of(found.value));
    BetweenBrokers { name, protocol: protocol.unwrap_or(Protocol::Plaintext) }
}

/// `NAME:PROTOCOL` with commas between.
fn protocols(broker: &Broker<'_>) -> Result<BTreeMap<String, Protocol>, String> {
    let Some(found) = broker.get("listener.security.protocol.map") else { return Ok(BTreeMap::new()) };
    let entry = |part: &str| {
        let (name, protocol) = part.trim().split_once(':')?;
        Some((name.trim().to_uppercase(), Protocol::of(protocol.trim())?))
    };
    let parts = found.value.split(',').filter(|part| !part.trim().is_empty());
    let read = |part: &str| {
        entry(part).ok_or_else(|| {
            format!(
                "{}:{}: {}: {} is not NAME:PROTOCOL, with one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL",
                broker.file,
                found.line,
                found.key,
                quoted(part)
            )
        })
    };
    parts.map(read).collect()
}

/// `NAME://HOST:PORT` with commas between; the host may be empty, and an IPv6 address has brackets.
fn endpoints(broker: &Broker<'_>, found: Found<'_>) -> Result<Vec<(String, String, u16)>, String> {
    let endpoint = |part: &str| {
        let (name, address) = part.trim().split_once("://")?;
        let (host, port) = address.rsplit_once(':')?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let is_host = host.chars().all(|c| c.is_ascii_alphanumeric() || "-%._:".contains(c));
        let port = port.parse().ok().filter(|port| *port != 0)?;
        (is_host && !name.is_empty()).then(|| (name.to_uppercase(), host.to_owned(), port))
    };
    let parts = found.value.split(',').filter(|part| !part.trim().is_empty());
    let read = |part: &str| {
        endpoint(part).ok_or_else(|| {
            let place = format!("{}:{}: {}", broker.file, found.line, found.key);
            format!("{place}: {} is not NAME://HOST:PORT", quoted(part))
        })
    };
    parts.map(read).collect()
}
