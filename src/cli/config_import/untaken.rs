//! What of a broker's configuration doorkeeper has no key for: why, and what to do.

use super::broker::Broker;
use super::properties::Property;
use super::yaml::{Text, plain};

/// Keys, or what they begin with if they end in a dot, and what is said of them.
const SAID: &[(&str, &str)] = &[
    ("authorizer.", "settings of the authorizer that are not Kafka's own"),
    (
        "connection.failed.authentication.delay.ms",
        "a login that failed is not held back: limit connections by limits.max_connections_per_ip",
    ),
    ("delegation.token.", "delegation tokens are not taken: give their clients certificates"),
    ("early.start.listeners", "doorkeeper listens when it is ready"),
    (
        "max.connection.creation.rate",
        "there is no limit of how many connections are accepted in a second: limits.max_handshakes holds back those that come at once",
    ),
    (
        "max.connections.per.ip.overrides",
        "one limit holds for all addresses: choose limits.max_connections_per_ip by the largest",
    ),
    ("password.encoder.", "passwords in the cluster's metadata are not read"),
    (
        "principal.builder.class",
        "a class of Java makes principals, which is not asked here: principal_mapping_rules make them of a certificate's subject",
    ),
    ("sasl.kerberos.", "Kerberos is not spoken"),
    ("sasl.login.", "this is for logins at other brokers, which doorkeeper does not do"),
    ("sasl.mechanism.", "this is for logins at other brokers, which doorkeeper does not do"),
    ("sasl.server.authn.async.", "this is about the broker's threads"),
    ("sasl.server.max.receive.size", "what is read of a login is bounded here"),
    ("security.providers", "Java's providers have no meaning here: the cryptography is aws-lc's"),
    ("ssl.allow.", "certificates are taken into force when their files change"),
    (
        "ssl.endpoint.identification.algorithm",
        "this is for connections to other brokers; names of clients' hosts are not looked up",
    ),
    (
        "ssl.engine.factory.class",
        "a class of Java makes TLS, which is not asked here: name the files in 'tls'",
    ),
    ("ssl.keymanager.algorithm", "Java's algorithms have no meaning here"),
    ("ssl.protocol", "min_version says which versions are spoken"),
    ("ssl.provider", "Java's providers have no meaning here: the cryptography is aws-lc's"),
    ("ssl.secure.random.implementation", "the system's random numbers are used"),
    ("ssl.trustmanager.algorithm", "Java's algorithms have no meaning here"),
    ("zookeeper.ssl.", "this is between the broker and ZooKeeper"),
    ("zookeeper.set.acl", "this is between the broker and ZooKeeper"),
];

/// What the keys begin with that say who may come in, and how.
const FAMILIES: [&str; 11] = [
    "authorizer.",
    "connection.failed.",
    "delegation.token.",
    "early.start.",
    "listener.name.",
    "max.connection",
    "password.encoder.",
    "principal.",
    "sasl.",
    "security.",
    "ssl.",
];

/// Says of each property that has not been asked for why not; those that are not about clients are only counted up.
pub(super) fn write(text: &mut Text, broker: &Broker<'_>) -> String {
    let mut left = Vec::new();
    for property in broker.unused() {
        match said(property) {
            Some(what) => text.not_taken(property.line, format!("{}: {what}", property.key)),
            None => left.push(property.key.as_str()),
        }
    }
    if left.is_empty() {
        return String::new();
    }
    left.sort_unstable();
    format!("#\n# Left to the broker, since it is not about who comes in: {}.\n", plain(&left.join(", ")))
}

fn said(property: &Property) -> Option<&'static str> {
    let key = property.key.as_str();
    // Behind a listener's name, and a mechanism's.
    let bare = key
        .strip_prefix("listener.name.")
        .and_then(|rest| rest.split_once('.'))
        .map_or(key, |(_, rest)| rest);
    let row = SAID.iter().find(|(known, _)| match known.ends_with('.') {
        true => bare.starts_with(known),
        false => bare == *known,
    });
    match row {
        Some((_, what)) => Some(what),
        None if key.starts_with("listener.name.") => Some(
            "it is about a listener that was not taken over, or doorkeeper has no such key for a single listener",
        ),
        None if is_for_all(bare) => {
            Some("every listener that was taken over has a value of its own, or has no use for it")
        }
        None if FAMILIES.iter().any(|family| bare.starts_with(family)) || bare.starts_with("zookeeper.s") => {
            Some("doorkeeper has nothing like it: see whether you need it")
        }
        None => None,
    }
}

/// Keys that are taken over where a listener uses them.
fn is_for_all(key: &str) -> bool {
    const USED: [&str; 6] = [
        "ssl.keystore.",
        "ssl.truststore.",
        "ssl.key.password",
        "ssl.client.auth",
        "sasl.enabled.",
        "sasl.oauthbearer.",
    ];
    USED.iter().any(|used| key.starts_with(used))
        || ["sasl.jaas.config", "ssl.enabled.protocols", "ssl.cipher.suites"].contains(&key)
}
