//! The configuration file: YAML in, a [`Config`] that cannot be wrong out, or every fault with its place.
//!
//! 1. [`document`] reads the YAML into a tree that can tell where each value stands.
//! 2. [`schema_check`] holds the tree against the JSON schema, which is made from the types in [`raw`] and [`settings`].
//! 3. serde turns what is left into those types.
//! 4. [`validate`] checks what no schema can say, and builds the [`Config`].
//!
//! Step 4 runs even when step 2 found faults, on the parts that are sound, so that all faults come at once.

pub mod document;
pub mod effective;
pub mod fault;
mod formats;
mod gateway;
pub(crate) mod nodes;
mod raw;
pub mod reference;
pub mod sasl;
pub mod schema;
pub(crate) mod schema_check;
#[cfg(test)]
pub(crate) mod scratch;
pub mod settings;
pub(crate) mod text;
mod tls;
mod validate;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::acl::Network;
use crate::model::advertise::{Mapping, Names};
use crate::model::principal::PrincipalBuilder;

pub use document::Document;
pub use effective::Effective;
pub use fault::{Fault, Faults, Place};
pub(crate) use validate::is_no_super_user;

pub use settings::{
    Admin, Audience, Audit, Counted, Limits, Log, LogFormat, LogLevel, Reaction, Shutdown, TlsVersion,
    Verdict,
};
pub use text::HostPort;
pub use tls::{ClientAuth, ClientTls, OwnCertificate, Password, Revocation, Tls, TrustedCertificates};

/// The most bytes of a configuration file.
pub const MAX_BYTES: u64 = 1024 * 1024;

/// A valid configuration. Files that it names have not been looked at.
#[derive(Debug, Clone)]
pub struct Config {
    /// How often the file itself is looked at for a change; `None` for never.
    pub reload_interval: Option<Duration>,
    /// At least one; names and addresses are distinct.
    pub listeners: Vec<Listener>,
    /// Who may do what.
    pub authorization: Authorization,
    /// The endpoint for metrics and health, if there is one.
    pub admin: Option<Admin>,
    /// What is counted besides.
    pub metrics: Counted,
    /// What peers may use up.
    pub limits: Limits,
    /// How the process ends.
    pub shutdown: Shutdown,
    /// The process log.
    pub log: Log,
    /// The audit log.
    pub audit: Audit,
    /// What is allowed but risky, for the log and for `doorkeeper check`.
    pub warnings: Vec<Fault>,
    /// Every setting as it was written or by default.
    pub effective: Effective,
    /// The file, so that a fault that is found later can name its place.
    pub document: Document,
}

/// One address that clients connect to, with the broker behind it.
#[derive(Debug, Clone)]
pub struct Listener {
    /// The name in logs and metrics.
    pub name: String,
    /// Where clients connect.
    pub bind: SocketAddr,
    /// The plaintext listener of the broker.
    pub upstream: HostPort,
    /// Whether it matters that others can reach that.
    pub plaintext_exposed: Reaction,
    /// Where balancers connect from that say by a PROXY protocol header who their client is; empty for nowhere.
    pub balancers: Vec<Network>,
    /// The TLS side.
    pub tls: Tls,
    /// How clients log in, if they may.
    pub sasl: Option<sasl::Sasl>,
    /// How old a connection may become.
    pub max_connection_age: Option<Duration>,
    /// From a certificate's names to that of a principal.
    pub principal: PrincipalBuilder,
    /// From the broker's advertised address to ours.
    pub address_mapping: Mapping,
    /// What more there is of a listener before a whole cluster.
    pub gateway: Option<Gateway>,
    /// Whether it matters that the broker's address, as clients are told it, does not lead back here.
    pub self_check: Reaction,
    /// Where it stands in the document, such as `listeners.0`.
    pub place: String,
}

impl Listener {
    /// The hosts that clients are told, as far as the configuration knows them: each once, in order.
    pub fn advertised_hosts(&self) -> Vec<&str> {
        let names = self.gateway.as_ref().and_then(Gateway::names).map(Names::all);
        let told = self.address_mapping.brokers().map(|(host, _)| host.as_str());
        let mut hosts: Vec<&str> = names.into_iter().flatten().chain(told).collect();
        hosts.sort_unstable_by_key(|host| host.to_ascii_lowercase());
        hosts.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
        hosts
    }
}

/// A listener before a whole cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// How a client's connection shows which broker it is for.
    pub told_apart: ToldApart,
    /// From the broker's id to where its plaintext listener is, as far as the configuration says.
    pub upstreams: BTreeMap<i32, HostPort>,
    /// Brokers to turn to when the listener's `upstream` does not answer.
    pub bootstrap_servers: Vec<HostPort>,
}

impl Gateway {
    /// The names by which clients say which broker they mean, where the port does not say it.
    pub fn names(&self) -> Option<&Names> {
        match &self.told_apart {
            ToldApart::ByPort => None,
            ToldApart::ByName(names) => Some(names),
        }
    }
}

/// How a client's connection shows which broker it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToldApart {
    /// By the port that it comes to: one for each broker, at the IP address of `bind`.
    ByPort,
    /// By the name in its TLS greeting.
    ByName(Names),
}

/// Who may do what.
#[derive(Debug, Clone)]
pub struct Authorization {
    /// Kafka's `super.users`, as `Type:name`.
    pub super_users: Vec<String>,
    /// Kafka's `allow.everyone.if.no.acl.found`.
    pub allow_everyone_if_no_acl_found: bool,
    /// Where the bindings come from; from nowhere there are none.
    pub acls: Option<Acls>,
}

/// Where the bindings come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acls {
    /// A file beside the configuration.
    File(AclFile),
    /// A topic of the cluster.
    Topic(AclTopic),
}

/// The file with the bindings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclFile {
    /// The complete path of the YAML file.
    pub file: PathBuf,
    /// How often the file is looked at for a change.
    pub reload_interval: Duration,
}

/// The topic with the bindings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclTopic {
    /// Its name, which Kafka takes.
    pub name: String,
    /// Brokers to ask first, in plaintext; at least one.
    pub bootstrap_servers: Vec<HostPort>,
    /// The way to all other brokers, where that is not plaintext too.
    pub doorkeepers: Option<Doorkeepers>,
    /// How many copies it is created with; `None` for as many as there are brokers, at most 3.
    pub replication_factor: Option<i16>,
}

/// The doorkeepers before the brokers of the topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doorkeepers {
    /// Those to ask first, by the addresses that clients use; at least one.
    pub bootstrap_servers: Vec<HostPort>,
    /// How to speak to them.
    pub tls: ClientTls,
}

impl Acls {
    /// The file, if it is one.
    pub fn file(&self) -> Option<&AclFile> {
        match self {
            Acls::File(file) => Some(file),
            Acls::Topic(_) => None,
        }
    }

    /// The topic, if it is one.
    pub fn topic(&self) -> Option<&AclTopic> {
        match self {
            Acls::Topic(topic) => Some(topic),
            Acls::File(_) => None,
        }
    }
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// Every fault in it.
    pub fn load(path: &Path) -> Result<Config, Faults> {
        faultless(Config::examine(path))
    }

    /// Takes `text` for what stands in the file `path`.
    ///
    /// # Errors
    /// Every fault in it.
    pub fn parse(path: &Path, text: &str) -> Result<Config, Faults> {
        faultless(match Document::parse(path, text.to_owned()) {
            Ok(document) => Config::sound_part(document),
            Err(fault) => (None, vec![fault]),
        })
    }

    /// Reads a configuration file and makes do with what is sound in it, so that the files which that names can be
    /// examined as well. The configuration may be served only if there are no faults.
    pub fn examine(path: &Path) -> (Option<Config>, Vec<Fault>) {
        match Document::read(path, MAX_BYTES) {
            Ok(document) => Config::sound_part(document),
            Err(fault) => (None, vec![fault]),
        }
    }

    fn sound_part(mut document: Document) -> (Option<Config>, Vec<Fault>) {
        let mut faults = schema_check::check(&mut document, schema::config_schema().as_value());
        let raw: Option<raw::Root> = schema_check::typed(&document, &mut faults);
        let config = raw.map(|raw| validate::config(raw, document, &mut faults));
        (config, faults)
    }
}

fn faultless(examined: (Option<Config>, Vec<Fault>)) -> Result<Config, Faults> {
    match examined {
        (Some(config), faults) if faults.is_empty() => Ok(config),
        (_, faults) => Err(Faults::sorted(faults)),
    }
}

#[cfg(test)]
mod tests;
