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
        /// What is wrong with it, and what would be right.
        reason: String,
    },
}

impl Binding {
    /// Checks what Kafka checks when a binding is created (`AclApis`, `AclControlManager.validateNewAcl`), in its order.
    ///
    /// Accepted, as in Kafka: a principal of any type, a host that is no address, an operation that makes no sense for
    /// the resource type.
    pub fn check(&self) -> Result<(), InvalidBinding> {
        InvalidBinding::by_name(Some(self.resource_type), &self.resource_name)?;
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

impl InvalidBinding {
    /// The checks that come first and look at the name alone (`AclApis.handleCreateAcls`); they are made of a resource of
    /// unknown type too.
    pub fn by_name(resource_type: Option<ResourceType>, name: &str) -> Result<(), InvalidBinding> {
        if resource_type == Some(ResourceType::Cluster) && name != CLUSTER_NAME {
            return Err(InvalidBinding::ClusterName);
        }
        if name.is_empty() {
            return Err(InvalidBinding::EmptyName);
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
            InvalidBinding::Network { host, .. } => {
                write!(f, "Invalid CIDR notation '{host}': {}", fault_in_java(host))
            }
        }
    }
}

impl std::error::Error for InvalidBinding {}

/// What Kafka's libraries (Apache Commons Net's `SubnetUtils` and `SubnetUtils6`) say of a host that is no network.
fn fault_in_java(host: &str) -> String {
    let (address, length) = host.split_once('/').unwrap_or((host, ""));
    if host.contains(':') {
        return match length.parse::<i32>() {
            Err(_) => format!("Could not parse [{host}] - invalid prefix length"),
            Ok(0..=128) if Network::parse(host) == Err(NetworkFault::Mapped) => {
                format!("Could not parse [{address}] - not an IPv6 address")
            }
            Ok(0..=128) => format!("Could not parse [{address}]"),
            Ok(_) => format!("Could not parse [{host}] - prefix length must be between 0 and 128"),
        };
    }
    let number = |digits: &str, most: usize| {
        let is_number = digits.len() <= most && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u32>().ok().filter(|_| is_number)
    };
    let octets: Option<Vec<u32>> = address.split('.').map(|octet| number(octet, 3)).collect();
    match (octets.filter(|octets| octets.len() == 4), number(length, 2)) {
        (Some(octets), Some(length)) => match octets.iter().find(|octet| **octet > 255) {
            Some(octet) => format!("Value [{octet}] not in range [0,255]"),
            None => format!("Value [{length}] not in range [0,32]"),
        },
        _ => format!("Could not parse [{host}]"),
    }
}

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
                "Invalid CIDR notation '10.0.0.0/33': Value [33] not in range [0,32]",
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
    fn what_is_no_network_is_told_in_the_words_of_kafkas_libraries() {
        for (host, told) in [
            ("10.0.0.0/33", "Value [33] not in range [0,32]"),
            ("10.0.0.999/99", "Value [999] not in range [0,255]"),
            ("10.0.0.0/", "Could not parse [10.0.0.0/]"),
            ("/", "Could not parse [/]"),
            ("a/8", "Could not parse [a/8]"),
            ("10.0.0.0/8/8", "Could not parse [10.0.0.0/8/8]"),
            ("10.0.0.0/100", "Could not parse [10.0.0.0/100]"),
            ("10.0.0.0/-1", "Could not parse [10.0.0.0/-1]"),
            ("::/129", "Could not parse [::/129] - prefix length must be between 0 and 128"),
            ("::/-1", "Could not parse [::/-1] - prefix length must be between 0 and 128"),
            ("::/x", "Could not parse [::/x] - invalid prefix length"),
            ("::/8/8", "Could not parse [::/8/8] - invalid prefix length"),
            (":/8", "Could not parse [:]"),
            ("[::/8", "Could not parse [[::]"),
            ("::ffff:10.0.0.0/104", "Could not parse [::ffff:10.0.0.0] - not an IPv6 address"),
        ] {
            let fault = binding(ResourceType::Topic, "t", "User:a", host).check().unwrap_err();
            assert_eq!(fault.to_string(), format!("Invalid CIDR notation '{host}': {told}"));
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
