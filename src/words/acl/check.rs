//! What Kafka refuses when a binding is created.

use std::fmt;

use super::host::{Network, NetworkFault};
use super::{Binding, CLUSTER_NAME, ResourceType};

/// Why a binding cannot be created: INVALID_REQUEST (42) in Kafka's CreateAcls, with this text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvalidBinding {
    /// The cluster has one name only.
    ClusterName,
    /// The resource name is empty.
    EmptyName,
    /// The principal has no colon.
    Principal(String),
    /// The host is empty (refused from Kafka 4.4 on).
    EmptyHost,
    /// The host has a slash but is no network.
    Network {
        /// The host as it was written.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Binding {
    /// Checks what Kafka checks when a binding is created (`AclApis`, `AclControlManager.validateNewAcl`), in its order.
    ///
    /// Accepted, as in Kafka: a principal of any type, a host that is no address, an operation that makes no sense for
    /// the resource type.
    pub fn check(&self) -> Result<(), InvalidBinding> {
        if self.resource_type == ResourceType::Cluster && self.resource_name != CLUSTER_NAME {
            return Err(InvalidBinding::ClusterName);
        }
        if self.resource_name.is_empty() {
            return Err(InvalidBinding::EmptyName);
        }
        if !self.principal.contains(':') {
            return Err(InvalidBinding::Principal(self.principal.clone()));
        }
        if self.host.is_empty() {
            return Err(InvalidBinding::EmptyHost);
        }
        if self.host.contains('/') {
            let network = |fault: NetworkFault| InvalidBinding::Network {
                host: self.host.clone(),
                reason: fault.to_string(),
            };
            Network::parse(&self.host).map_err(network)?;
        }
        Ok(())
    }
}

impl fmt::Display for InvalidBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InvalidBinding::ClusterName => {
                write!(f, "The only valid name for the CLUSTER resource is {CLUSTER_NAME}")
            }
            InvalidBinding::EmptyName => f.write_str("Invalid empty resource name"),
            InvalidBinding::Principal(principal) => write!(
                f,
                "Could not parse principal from `{principal}` (no colon is present separating the principal type from the principal name)"
            ),
            InvalidBinding::EmptyHost => f.write_str("Host pattern cannot be null or empty"),
            InvalidBinding::Network { host, reason } => write!(f, "Invalid CIDR notation '{host}': {reason}"),
        }
    }
}

impl std::error::Error for InvalidBinding {}
