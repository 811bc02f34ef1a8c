//! The ACL file: a YAML list of entries, each one a shorthand for bindings in Kafka's own words.
//!
//! ```yaml
//! - { principal: "User:alice", topic: orders, operations: [Write, Describe] }
//! - { principal: "User:mallory", topic: "*", operations: [All], permission: deny, hosts: ["10.0.0.7"] }
//! ```

mod doubts;
mod edit;
mod pieces;
mod read;
pub mod serialize;
pub(super) mod source;

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

use crate::model::acl::{
    Binding, CLUSTER_NAME, InvalidBinding, Operation, PatternType, Permission, ResourceType, WILDCARD,
    host_text,
};
use crate::model::text::nearest;
use crate::process::config::document::{Document, quoted};
use crate::process::config::schema::schema_of;
use crate::process::config::text;
use crate::process::config::{Fault, Faults, Place};

/// The most bytes of an ACL file: some forty thousand entries.
pub const MAX_BYTES: u64 = crate::process::list_file::MAX_BYTES;

/// The keys of an entry of which it must have one.
const RESOURCE_KEYS: [&str; 6] =
    ["topic", "group", "cluster", "transactional_id", "delegation_token", "user"];

/// What a file says.
#[derive(Debug, Default)]
pub struct Bindings {
    /// In the order of the file; the same binding is here once.
    pub bindings: Vec<Binding>,
    /// What is allowed but may be a mistake.
    pub warnings: Vec<Fault>,
}

/// The JSON schema of the ACL file.
pub fn acls_schema() -> Schema {
    schema_of::<Vec<Entry>>("ACLs of doorkeeper")
}

/// Reads the bindings from `text`, which stands in the file `path`.
///
/// # Errors
/// Every fault in it.
pub fn parse(path: &Path, text: &str) -> Result<Bindings, Faults> {
    let read::Read { bindings, said, warnings } = read::read(path, text)?;
    drop(said);
    Ok(Bindings { bindings: bindings.into_iter().map(Arc::unwrap_or_clone).collect(), warnings })
}

/// Where the entry begins that says `binding`, in a file that [`parse`] accepts.
pub fn place_of(path: &Path, text: &str, binding: &Binding) -> Option<Place> {
    read::place_of(path, text, binding)
}

/// Where each of these principals is named first, in a file that [`parse`] accepts.
pub fn places_of_principals(path: &Path, text: &str, principals: &[&str]) -> Vec<Option<Place>> {
    read::places_of_principals(path, text, principals)
}

/// Why nothing can have this name, which an entry gives a resource of this type.
pub fn doubt_of_name(resource_type: ResourceType, name: &str) -> Option<String> {
    match resource_type {
        ResourceType::Cluster => None,
        ResourceType::Topic => doubts::of_name("topic", name),
        _ => doubts::of_name("", name),
    }
}

/// Why nobody can be this principal of an entry, whatever the mapping rules.
pub fn doubt_of_principal(principal: &str) -> Option<String> {
    doubts::of_principal(principal)
}

/// Bindings of one principal on one resource: one for each operation and host.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Whom the bindings are for, as `User:name`; `User:*` is everybody.
    #[schemars(extend("format" = "acl-principal"))]
    principal: String,
    /// The name of a topic, `*` for all topics, or a prefix.
    topic: Option<String>,
    /// The id of a group, `*` for all groups, or a prefix.
    group: Option<String>,
    /// `true`: the cluster itself.
    cluster: Option<bool>,
    /// A transactional id, `*` for all, or a prefix.
    transactional_id: Option<String>,
    /// The id of a delegation token, `*` for all, or a prefix.
    delegation_token: Option<String>,
    /// The user whose delegation tokens may be made or described, as `User:name`, `*` for all, or a prefix.
    user: Option<String>,
    /// Whether the name must be the same, or only begin the same.
    #[serde(default)]
    pattern: Pattern,
    /// What is allowed or denied, in Kafka's words.
    #[schemars(with = "Vec<text::AclOperation>", length(min = 1))]
    operations: Vec<String>,
    /// Whether the operations are allowed or denied; a denial wins over everything.
    #[serde(default)]
    permission: Effect,
    /// From where: IP addresses, networks such as `10.0.0.0/8`, or `*`. Without this key and `host_texts`, from anywhere.
    #[schemars(length(min = 1))]
    hosts: Option<Vec<String>>,
    /// Hosts of bindings that Kafka's tools made and that are no addresses as Java writes them: they are kept as they are,
    /// and match nobody.
    #[schemars(length(min = 1))]
    host_texts: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Pattern {
    #[default]
    Literal,
    Prefixed,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Effect {
    #[default]
    Allow,
    Deny,
}

struct AclFileReader<'a> {
    document: &'a Document,
    faults: Vec<(u32, String)>,
    warnings: Vec<(u32, String)>,
}

impl AclFileReader<'_> {
    fn fault(&mut self, at: &str, message: impl Into<String>) {
        self.faults.push((self.document.id_at(at), message.into()));
    }

    fn warn(&mut self, at: &str, message: impl Into<String>) {
        self.warnings.push((self.document.id_at(at), message.into()));
    }

    /// The bindings that the entry is a shorthand for.
    fn entry(&mut self, i: usize, entry: &Entry) -> Vec<Binding> {
        let Some((resource_type, key, resource_name)) = self.resource(i, entry) else { return Vec::new() };
        let pattern_type = match entry.pattern {
            Pattern::Literal => PatternType::Literal,
            Pattern::Prefixed => PatternType::Prefixed,
        };
        if pattern_type == PatternType::Prefixed {
            if resource_type == ResourceType::Cluster {
                self.warn(
                    &format!("{i}.pattern"),
                    "the cluster has one name and no prefixes: leave 'pattern' out",
                );
            } else if resource_name == WILDCARD {
                let message =
                    "the prefix '*' is a star like any other letter: leave 'pattern' out to mean all";
                self.warn(&format!("{i}.{key}"), message);
            }
        }
        if let Some(message) = doubts::of_name(key, &resource_name) {
            self.warn(&format!("{i}.{key}"), message);
        }
        if let Some(message) = doubts::of_principal(&entry.principal) {
            self.warn(&format!("{i}.principal"), message);
        }
        let operations = self.operations(i, entry, resource_type);
        let hosts = self.hosts(i, entry);
        let mut bindings = Vec::new();
        for operation in operations {
            for host in &hosts {
                bindings.push(Binding {
                    resource_type,
                    resource_name: resource_name.clone(),
                    pattern_type,
                    principal: entry.principal.clone(),
                    host: host.clone(),
                    operation,
                    permission: match entry.permission {
                        Effect::Allow => Permission::Allow,
                        Effect::Deny => Permission::Deny,
                    },
                });
            }
        }
        bindings
    }

    /// The one resource that an entry must name: its type, its key in the file, and its name.
    fn resource(&mut self, i: usize, entry: &Entry) -> Option<(ResourceType, &'static str, String)> {
        let cluster = entry.cluster.map(|_| CLUSTER_NAME.to_owned());
        let names = [
            (ResourceType::Topic, entry.topic.clone()),
            (ResourceType::Group, entry.group.clone()),
            (ResourceType::Cluster, cluster),
            (ResourceType::TransactionalId, entry.transactional_id.clone()),
            (ResourceType::DelegationToken, entry.delegation_token.clone()),
            (ResourceType::User, entry.user.clone()),
        ];
        let named: Vec<_> = RESOURCE_KEYS
            .into_iter()
            .zip(names)
            .filter_map(|(key, (resource_type, name))| Some((resource_type, key, name?)))
            .collect();
        match named.as_slice() {
            [(_, "cluster", _)] if entry.cluster == Some(false) => {
                self.fault(
                    &format!("{i}.cluster"),
                    "'cluster: false' is no resource: write 'cluster: true' or name another one",
                );
                None
            }
            [(_, key, name)] if name.is_empty() => {
                self.fault(
                    &format!("{i}.{key}"),
                    format!("the name of the {} is empty: '*' means all", spaced(key)),
                );
                None
            }
            [resource] => Some(resource.clone()),
            [] => {
                // A misspelt or wrong one has been reported.
                let keys = || RESOURCE_KEYS.iter().copied();
                if !self.document.wrong_keys(&i.to_string()).any(|key| nearest(key, keys()).is_some()) {
                    let message =
                        format!("the entry names no resource: add one of {}", RESOURCE_KEYS.join(", "));
                    self.fault(&i.to_string(), message);
                }
                None
            }
            several => {
                let keys = several.iter().map(|(_, key, _)| *key).collect::<Vec<_>>().join(", ");
                self.fault(
                    &i.to_string(),
                    format!("the entry names several resources ({keys}): write one entry for each"),
                );
                None
            }
        }
    }

    fn operations(&mut self, i: usize, entry: &Entry, resource_type: ResourceType) -> Vec<Operation> {
        let mut operations = Vec::new();
        for (j, word) in entry.operations.iter().enumerate() {
            // The schema has refused every other word.
            let Ok(operation) = word.parse::<Operation>() else { continue };
            if operation != Operation::All && !resource_type.operations().contains(&operation) {
                let right = resource_type
                    .operations()
                    .iter()
                    .map(|right| right.name())
                    .collect::<Vec<_>>()
                    .join(", ");
                let message = format!(
                    "{operation} has no meaning for a resource of type {resource_type}: {right} have"
                );
                self.warn(&format!("{i}.operations.{j}"), message);
            }
            operations.push(operation);
        }
        operations
    }

    /// The hosts in Java's spelling, which Kafka compares as text: `::1` would match nobody.
    fn hosts(&mut self, i: usize, entry: &Entry) -> Vec<String> {
        let mut hosts = Vec::new();
        for (j, host) in entry.hosts.iter().flatten().enumerate() {
            match host_in_java(host) {
                Ok(host) => hosts.push(host),
                Err(message) => self.fault(&format!("{i}.hosts.{j}"), message),
            }
        }
        for (j, host) in entry.host_texts.iter().flatten().enumerate() {
            let message = match host_in_java(host) {
                Ok(address) if address == *host => {
                    format!("{} is a host like others: write it under 'hosts'", quoted(host))
                }
                _ => format!(
                    "{} is no address in Java's spelling, so that this holds for nobody",
                    quoted(host)
                ),
            };
            self.warn(&format!("{i}.host_texts.{j}"), message);
            hosts.push(host.clone());
        }
        match (&entry.hosts, &entry.host_texts) {
            (None, None) => vec![WILDCARD.to_owned()],
            _ => hosts,
        }
    }
}

/// A host in Java's spelling, or why it is none.
fn host_in_java(host: &str) -> Result<String, String> {
    if host == WILDCARD {
        return Ok(host.to_owned());
    }
    if host.contains('/') {
        // What makes a network is words::acl's to say.
        let binding = Binding {
            resource_type: ResourceType::Topic,
            resource_name: WILDCARD.into(),
            pattern_type: PatternType::Literal,
            principal: "User:*".into(),
            host: host.to_owned(),
            operation: Operation::All,
            permission: Permission::Allow,
        };
        return match binding.check() {
            Ok(()) => Ok(binding.host),
            Err(InvalidBinding::Network { reason, .. }) => {
                Err(format!("{} is not a network: {reason}", quoted(host)))
            }
            Err(other) => Err(other.to_string()),
        };
    }
    host.parse::<IpAddr>().map(host_text).map_err(|_| {
        format!(
            "{} is not an address: write an IP address, a network such as 10.0.0.0/8, or '*'",
            quoted(host)
        )
    })
}

fn spaced(key: &str) -> String {
    key.replace('_', " ")
}
