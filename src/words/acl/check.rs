//! What Kafka refuses when a binding is created.

use std::fmt;

use super::host::{Network, NetworkFault, host_text};
use super::{Binding, CLUSTER_NAME, ResourceType, WILDCARD};

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

impl Binding {
    /// Why the binding, though Kafka takes it, can never apply to a client; for a denial that is a hole.
    pub fn doubt(&self) -> Option<String> {
        let Binding { principal, host, .. } = self;
        if !principal.starts_with("User:") {
            return Some(format!(
                "no client is {principal:?}: the type of a client's principal is always User"
            ));
        }
        if host == WILDCARD || host.contains('/') {
            return None;
        }
        match host.parse() {
            Ok(address) if host_text(address) == *host => None,
            Ok(address) => {
                let text = host_text(address);
                Some(format!("no client's host is {host:?}: the same address is compared as {text:?}"))
            }
            Err(_) => Some(format!(
                "no client's host is {host:?}: hosts are compared with IP addresses, not with names"
            )),
        }
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

#[cfg(test)]
mod tests {
    use super::super::{Operation, PatternType, Permission};
    use super::*;

    fn binding(resource_type: ResourceType, name: &str, principal: &str, host: &str) -> Binding {
        Binding {
            resource_type,
            resource_name: name.to_owned(),
            pattern_type: PatternType::Literal,
            principal: principal.to_owned(),
            host: host.to_owned(),
            operation: Operation::Read,
            permission: Permission::Deny,
        }
    }

    #[test]
    fn what_kafka_refuses_is_refused_in_its_words() {
        use ResourceType::{Cluster, Topic, TransactionalId};
        for (resource_type, name, principal, host, told) in [
            (Cluster, "", "alice", "", "The only valid name for the CLUSTER resource is kafka-cluster"),
            (Cluster, "*", "User:a", "*", "The only valid name for the CLUSTER resource is kafka-cluster"),
            (Topic, "", "alice", "", "Invalid empty resource name"),
            (
                Topic,
                "t",
                "alice",
                "",
                "Could not parse principal from `alice` (no colon is present separating the principal type from the principal name)",
            ),
            (Topic, "t", "User:a", "", "Host pattern cannot be null or empty"),
            (
                TransactionalId,
                "t",
                "User:a",
                "10.0.0.0/33",
                "Invalid CIDR notation '10.0.0.0/33': the length of the prefix must be 0 to 32",
            ),
        ] {
            let error = binding(resource_type, name, principal, host).check().unwrap_err();
            assert_eq!(error.to_string(), told);
        }
    }

    #[test]
    fn what_kafka_takes_is_taken() {
        for binding in [
            binding(ResourceType::Cluster, CLUSTER_NAME, "User:a", "*"),
            binding(ResourceType::Group, " ", ":", "no address"),
            binding(ResourceType::Topic, "no/such:topic", "Team:a", "::1"),
            binding(ResourceType::DelegationToken, "*", "User:", "10.1.2.3/8"),
        ] {
            assert_eq!(binding.check(), Ok(()));
        }
    }

    #[test]
    fn a_binding_that_can_never_apply_is_doubted() {
        let doubt = |principal, host| binding(ResourceType::Topic, "t", principal, host).doubt();
        for host in ["*", "10.0.0.7", "0:0:0:0:0:0:0:1", "10.0.0.0/8"] {
            assert_eq!(doubt("User:*", host), None);
        }
        assert_eq!(
            doubt("User:a", "::1").unwrap(),
            "no client's host is \"::1\": the same address is compared as \"0:0:0:0:0:0:0:1\""
        );
        assert_eq!(
            doubt("User:a", "localhost").unwrap(),
            "no client's host is \"localhost\": hosts are compared with IP addresses, not with names"
        );
        assert!(doubt("Group:*", "*").unwrap().starts_with("no client is \"Group:*\""));
    }
}
