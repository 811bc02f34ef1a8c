//! The configuration file as a person writes it: what serde reads and what the JSON schema is made from.
//!
//! The comments here are what users read, as in [`settings`](super::settings). Written out again, it is the file with every
//! default filled in.

pub(super) mod sasl;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::settings::{Admin, Audit, Counted, Limits, Log, Reaction, Shutdown};
use super::text::{self, HostPort};

mod tls;

use tls::default_reload_interval as default_tls_reload_interval;
pub(super) use tls::{ClientAuthWord, KeyStore, Revocation, Tls};

/// The configuration of doorkeeper.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Root {
    /// The version of this file's format: 1.
    #[serde(rename = "version")]
    #[schemars(extend("const" = 1))]
    pub(super) _version: u32,
    /// How often this file is looked at for a change, which then does what SIGHUP does. Without the key only SIGHUP does it:
    /// an editor may save a file before it is finished.
    #[serde(default, with = "text::optional_duration", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<text::DurationText>")]
    pub(super) reload_interval: Option<Duration>,
    /// The addresses that clients connect to.
    #[schemars(length(min = 1))]
    pub(super) listeners: Vec<Listener>,
    /// Who may do what.
    pub(super) authorization: Authorization,
    /// The endpoint for metrics and health; without the key there is none.
    pub(super) admin: Option<Admin>,
    #[serde(default)]
    pub(super) metrics: Counted,
    #[serde(default)]
    pub(super) limits: Limits,
    #[serde(default)]
    pub(super) shutdown: Shutdown,
    #[serde(default)]
    pub(super) log: Log,
    #[serde(default)]
    pub(super) audit: Audit,
}

/// One address that clients connect to, with the broker behind it.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Listener {
    /// The listener's name in logs and metrics: letters, digits, `_`, `-` and `.`.
    #[schemars(extend("format" = "name"))]
    pub(super) name: String,
    /// The address and port that clients connect to.
    #[schemars(with = "text::SocketAddress")]
    pub(super) bind: SocketAddr,
    /// Host and port of the broker's plaintext listener, which should be reachable from here only.
    pub(super) upstream: HostPort,
    /// What to do when a plaintext listener of the broker, whichever, answers at an address of this host that others can
    /// reach: warn in the log and in `/readyz`, fail `/readyz`, or not look. What could not be looked at counts as found.
    #[serde(default)]
    pub(super) plaintext_exposed: Reaction,
    /// Balancers before this listener that say by a PROXY protocol header whose connection they pass on, version 1 or 2.
    /// Without the key nobody is believed who says so.
    pub(super) proxy_protocol: Option<ProxyProtocol>,
    /// Certificates and what is asked of clients.
    pub(super) tls: Tls,
    /// How clients log in by SASL. Without the key nobody does: certificates say who clients are.
    pub(super) sasl: Option<sasl::Sasl>,
    /// How a certificate's subject becomes a principal, in the grammar of Kafka's `ssl.principal.mapping.rules`.
    #[serde(default = "default_rules")]
    #[schemars(extend("format" = "principal-mapping-rules"))]
    pub(super) principal_mapping_rules: String,
    /// Which of a certificate's names becomes a principal: these are looked at in their order, and the first of which its rules
    /// make a name decides. Several names of a kind that would be different principals are nobody.
    #[serde(default = "subject_alone")]
    #[schemars(length(min = 1, max = 3))]
    pub(super) principal_from: Vec<PrincipalSource>,
    /// What the listener's clients may use up, beside what the `limits` of all say.
    #[serde(default)]
    pub(super) limits: ListenerLimits,
    /// How the broker's addresses are replaced in answers. Without the key: `keep_host`, with the port of
    /// `upstream` mapped to the port of `bind`.
    pub(super) address_mapping: Option<AddressMapping>,
    /// What to do when the address that clients are told for the broker does not lead back here, is withheld or is
    /// loopback, or when the broker cannot reach itself at its own: warn in the log and in `/readyz`, fail `/readyz`, or
    /// not look.
    #[serde(default)]
    pub(super) self_check: Reaction,
}

/// What clients of one listener may use up.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ListenerLimits {
    /// How old a connection may become: then no more of its requests are read, and it is closed when those before have been
    /// answered, so that its client connects anew. Each has a tenth less or so, by chance, lest all do it at once. Without the
    /// key they may become as old as they like.
    #[serde(with = "text::optional_duration", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<text::DurationText>")]
    pub(super) max_connection_age: Option<Duration>,
}

/// Who is believed to be a balancer.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProxyProtocol {
    /// The addresses from which the balancers connect. From there each connection must begin with a header, and the client
    /// that it names is the one that hosts of ACLs, `max_connections_per_ip`, audit and log go by. From elsewhere none is
    /// taken.
    #[schemars(with = "Vec<text::NetworkText>", length(min = 1))]
    pub(super) from: Vec<String>,
}

/// A kind of name that a certificate may have.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PrincipalSource {
    /// `subject`: as Kafka does it, by `principal_mapping_rules`. `spiffe`: the SPIFFE ID, a URI in the subjectAltName. `dns`: a
    /// host's name there, in lower case; one with a wildcard is nobody's.
    pub(super) name: NameKind,
    /// How this kind of name becomes that of a principal, in the grammar of `principal_mapping_rules`. Without the key a name
    /// stays as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "principal-mapping-rules"))]
    pub(super) rules: Option<String>,
}

/// A kind of name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum NameKind {
    Subject,
    Spiffe,
    Dns,
}

/// As Kafka does it.
fn subject_alone() -> Vec<PrincipalSource> {
    vec![PrincipalSource { name: NameKind::Subject, rules: None }]
}

/// Kafka's own default of `ssl.principal.mapping.rules`.
pub(super) fn default_rules() -> String {
    "DEFAULT".into()
}

/// How the broker's addresses are replaced in answers. One without an entry is withheld: no client ever sees it.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "strategy", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum AddressMapping {
    /// The broker advertises this listener's address itself: nothing is replaced.
    None {},
    /// The broker's host stays, its port is replaced: for a doorkeeper beside every broker.
    KeepHost {
        /// From the port that the broker advertises to the port that clients use. Without the key: from the
        /// port of `upstream` to the port of `bind`. A broker with another port is withheld from clients.
        #[schemars(with = "Option<text::Ports>")]
        ports: Option<BTreeMap<u16, u16>>,
    },
    /// Host and port by broker id.
    Table {
        /// From the broker's id to the host and port that clients use. Any other broker is withheld from clients.
        #[schemars(with = "text::Brokers")]
        brokers: BTreeMap<i32, HostPort>,
    },
    /// One doorkeeper for a whole cluster, with a port for each broker: the port of `bind` leads to any of them.
    PortPerBroker {
        /// The host that clients use for every broker.
        #[schemars(with = "text::Host")]
        advertised_host: String,
        /// The port of the broker with the lowest id of `node_ids`; that of any other is as far above it as its id is.
        /// Doorkeeper listens on these ports at the IP address of `bind`.
        #[schemars(range(min = 1, max = 65535))]
        first_broker_port: u16,
        /// The ids of the brokers, at most 256. Any other broker is withheld from clients.
        #[schemars(extend("format" = "node-ids"))]
        node_ids: String,
        /// Where each broker's plaintext listener is. Without the key: where the brokers themselves say, when they are
        /// asked at `upstream`.
        #[schemars(extend("format" = "node-pattern"))]
        upstream_pattern: Option<String>,
        /// Brokers to turn to when `upstream` does not answer.
        #[serde(default)]
        bootstrap_servers: Vec<HostPort>,
    },
    /// One doorkeeper for a whole cluster, with one port and a name for each broker: clients say in their TLS greeting
    /// (SNI) which one they mean.
    Sni {
        /// The name and port that clients use for each broker; all names must lead to `bind`.
        #[schemars(extend("format" = "node-pattern"))]
        advertised_pattern: String,
        /// Names that lead to any broker, for `bootstrap.servers`.
        #[schemars(with = "Vec<text::Host>", length(min = 1))]
        bootstrap_names: Vec<String>,
        /// What becomes of clients that say no name; ones that say another name are refused.
        #[serde(default)]
        unnamed_clients: UnnamedClients,
        /// The ids of the brokers, at most 256. Any other broker is withheld from clients.
        #[schemars(extend("format" = "node-ids"))]
        node_ids: String,
        /// Where each broker's plaintext listener is. Without the key: where the brokers themselves say, when they are
        /// asked at `upstream`.
        #[schemars(extend("format" = "node-pattern"))]
        upstream_pattern: Option<String>,
        /// Brokers to turn to when `upstream` does not answer.
        #[serde(default)]
        bootstrap_servers: Vec<HostPort>,
    },
}

/// What becomes of clients that say no name in their TLS greeting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum UnnamedClients {
    #[default]
    Refuse,
    Bootstrap,
}

/// Who may do what.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Authorization {
    /// Principals that may do everything, as Kafka's `super.users`.
    #[serde(default)]
    #[schemars(with = "Vec<text::Principal>")]
    pub(super) super_users: Vec<String>,
    /// Whether everybody may use a resource that has no binding at all, as Kafka's
    /// `allow.everyone.if.no.acl.found`.
    #[serde(default)]
    pub(super) allow_everyone_if_no_acl_found: bool,
    /// Where the bindings are; without the key there are none.
    pub(super) acls: Option<Acls>,
}

/// Where the bindings are: in a file, or in a topic of the cluster that is protected.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Acls {
    /// The YAML file with the bindings; a relative path starts at the folder of the configuration file. Exactly one
    /// of `file` and `topic` is needed.
    #[schemars(extend("format" = "path"))]
    pub(super) file: Option<String>,
    /// With `file`: how often the file is looked at for a change. SIGHUP looks at once.
    #[serde(default = "default_reload_interval", with = "text::duration")]
    #[schemars(with = "text::DurationText")]
    pub(super) reload_interval: Duration,
    /// The topic with the bindings, such as `__doorkeeper_acls`, on the cluster behind the listeners. It is created
    /// when it is missing, and only super users may touch it.
    #[schemars(extend("format" = "topic-name"))]
    pub(super) topic: Option<String>,
    /// With `topic`: brokers to ask first, in plaintext. Without the key: the `upstream` of the first listener. With `tls`
    /// it must be there, and names doorkeepers as clients do.
    #[schemars(length(min = 1))]
    pub(super) bootstrap_servers: Option<Vec<HostPort>>,
    /// With `topic`: how many brokers are to keep a copy, when the topic is created. Without the key: all, but at
    /// most 3.
    #[schemars(range(min = 1, max = 32767))]
    pub(super) replication_factor: Option<i16>,
    /// With `topic`: how to reach the other brokers where their plaintext listeners cannot be reached, which is through
    /// their doorkeepers. The topic is read from the broker at the first listener's `upstream`, if that has a copy.
    pub(super) tls: Option<ClientTls>,
}

/// How doorkeeper speaks to other doorkeepers: as a client, with a certificate of its own.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientTls {
    /// The certificate that is shown to other doorkeepers, then those of its issuers. It must be good for clients, and
    /// its principal one of the `super_users` there.
    #[schemars(extend("format" = "path"))]
    pub(super) certificate_chain: String,
    /// The private key of the first certificate, not encrypted.
    #[schemars(extend("format" = "path"))]
    pub(super) private_key: String,
    /// The certificates of the issuers whose doorkeepers are trusted; the name by which one is reached must be in its
    /// certificate.
    #[schemars(extend("format" = "path"))]
    pub(super) server_ca: String,
    /// How often the three files are looked at for a change. SIGHUP looks at once.
    #[serde(default = "default_tls_reload_interval", with = "text::duration")]
    #[schemars(with = "text::DurationText")]
    pub(super) reload_interval: Duration,
}

fn default_reload_interval() -> Duration {
    Duration::from_secs(5)
}
