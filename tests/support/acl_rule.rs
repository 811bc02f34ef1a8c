//! The rule of Kafka's authorizer over a list of bindings, for the tests that compare it with the index or judge by it.

#![allow(dead_code, reason = "shared by several tests, each of which uses a part")]

use std::net::IpAddr;

use doorkeeper::model::acl::{
    Binding, Operation, PatternType, Permission, ResourceType, Settings, host_text,
};

/// The rule as it is told in words, over all bindings, with no index.
pub(crate) struct Model<'a> {
    pub(crate) bindings: &'a [Binding],
    pub(crate) settings: &'a Settings,
    pub(crate) principal: &'a str,
    pub(crate) address: IpAddr,
}

impl Model<'_> {
    pub(crate) fn allows(&self, operation: Operation, resource_type: ResourceType, name: &str) -> bool {
        if self.settings.super_users.iter().any(|user| user == self.principal) {
            return true;
        }
        if resource_type == ResourceType::Topic && self.settings.reserved_topic.as_deref() == Some(name) {
            return false;
        }
        let matching: Vec<_> = self.matching(resource_type, name).collect();
        let applies = |permission| {
            matching.iter().any(|binding| {
                binding.permission == permission && self.is_for_client(binding) && covers(binding, operation)
            })
        };
        if applies(Permission::Deny) {
            false
        } else if applies(Permission::Allow) {
            true
        } else {
            matching.is_empty() && self.settings.allow_everyone_if_no_acl_found
        }
    }

    pub(crate) fn allows_any(&self, operation: Operation, resource_type: ResourceType) -> bool {
        if self.allows(operation, resource_type, "hardcode") {
            return true;
        }
        let of = |permission, pattern_type| {
            self.bindings
                .iter()
                .filter(move |binding| {
                    binding.resource_type == resource_type
                        && binding.permission == permission
                        && binding.pattern_type == pattern_type
                        && self.is_for_client(binding)
                        && (binding.operation == operation || binding.operation == Operation::All)
                })
                .map(|binding| binding.resource_name.as_str())
        };
        let denied_prefix =
            |name: &str| of(Permission::Deny, PatternType::Prefixed).any(|denied| name.starts_with(denied));
        let denied_literal =
            |name: &str| of(Permission::Deny, PatternType::Literal).any(|denied| name == denied);
        if denied_literal("*") {
            return false;
        }
        of(Permission::Allow, PatternType::Literal)
            .any(|name| name == "*" || !denied_literal(name) && !denied_prefix(name))
            || of(Permission::Allow, PatternType::Prefixed).any(|name| !denied_prefix(name))
    }

    pub(crate) fn matching(&self, resource_type: ResourceType, name: &str) -> impl Iterator<Item = &Binding> {
        self.bindings.iter().filter(move |binding| {
            binding.resource_type == resource_type
                && match (binding.pattern_type, binding.resource_name.as_str()) {
                    (PatternType::Prefixed, prefix) => name.starts_with(prefix),
                    (PatternType::Literal, "*") => name == "*" || !name.starts_with('*'),
                    (PatternType::Literal, literal) => name == literal,
                }
        })
    }

    pub(crate) fn is_for_client(&self, binding: &Binding) -> bool {
        let host = &binding.host;
        let network = || match (self.address.to_canonical(), host.split_once('/')) {
            (IpAddr::V4(address), Some((network, length))) if self.settings.cidr_hosts => {
                let (Ok(network), Ok(length)) =
                    (network.parse::<std::net::Ipv4Addr>(), length.parse::<u32>())
                else {
                    return false;
                };
                let differing = (address.to_bits() ^ network.to_bits()).leading_zeros();
                !address.is_unspecified() && length <= 32 && differing >= length
            }
            _ => false,
        };
        (binding.principal == self.principal || binding.principal == "User:*")
            && (host == "*" || *host == host_text(self.address) || network())
    }
}

pub(crate) fn covers(binding: &Binding, operation: Operation) -> bool {
    use Operation::{All, Alter, AlterConfigs, Delete, Describe, DescribeConfigs, Read, Write};
    binding.operation == All
        || binding.operation == operation
        || binding.permission == Permission::Allow
            && match operation {
                Describe => matches!(binding.operation, Read | Write | Delete | Alter),
                DescribeConfigs => binding.operation == AlterConfigs,
                _ => false,
            }
}
