//! Decisions over resources, by what was asked for, and the words for that.

use std::sync::OnceLock;

use prometheus::{IntCounter, IntCounterVec, Result};

use super::families::Families;
use crate::model::acl::{Operation, ResourceType};

/// Decisions by their three labels. The pairs that Kafka never checks are only made when somebody counts one.
#[derive(Debug)]
pub(super) struct Authorizations {
    family: IntCounterVec,
    handles: Box<[OnceLock<IntCounter>; 2 * OPERATIONS * RESOURCE_TYPES]>,
}

/// More than the highest code of an operation.
const OPERATIONS: usize = 16;
/// More than the highest code of a resource type.
const RESOURCE_TYPES: usize = 8;

impl Authorizations {
    /// Series for what Kafka checks.
    pub(super) fn new(make: &Families<'_>) -> Result<Self> {
        let authorizations = Self {
            family: make.counters(
                "authorizations_total",
                "Decisions over resources; one request may need many.",
                &["decision", "operation", "resource_type"],
            )?,
            handles: Box::new([const { OnceLock::new() }; 2 * OPERATIONS * RESOURCE_TYPES]),
        };
        for &(resource_type, operations) in SUPPORTED_OPERATIONS {
            for &operation in operations {
                authorizations.get(true, operation, resource_type);
                authorizations.get(false, operation, resource_type);
            }
        }
        Ok(authorizations)
    }

    /// The counter of decisions of this kind.
    pub(super) fn get(
        &self,
        allowed: bool,
        operation: Operation,
        resource_type: ResourceType,
    ) -> &IntCounter {
        let place = (usize::from(allowed) * OPERATIONS + operation as usize) * RESOURCE_TYPES;
        self.handles[place + resource_type as usize].get_or_init(|| {
            self.family.with_label_values(&[
                decision(allowed),
                operation_label(operation),
                resource_type_label(resource_type),
            ])
        })
    }
}

/// `allowed` and `denied`.
fn decision(allowed: bool) -> &'static str {
    if allowed { "allowed" } else { "denied" }
}

/// An operation as a label; in capitals it is the name of Kafka's `AclOperation` constant.
pub(in crate::observability) const fn operation_label(operation: Operation) -> &'static str {
    match operation {
        Operation::All => "all",
        Operation::Read => "read",
        Operation::Write => "write",
        Operation::Create => "create",
        Operation::Delete => "delete",
        Operation::Alter => "alter",
        Operation::Describe => "describe",
        Operation::ClusterAction => "cluster_action",
        Operation::DescribeConfigs => "describe_configs",
        Operation::AlterConfigs => "alter_configs",
        Operation::IdempotentWrite => "idempotent_write",
        Operation::CreateTokens => "create_tokens",
        Operation::DescribeTokens => "describe_tokens",
        Operation::TwoPhaseCommit => "two_phase_commit",
    }
}

/// A resource type as a label.
pub(in crate::observability) const fn resource_type_label(resource_type: ResourceType) -> &'static str {
    match resource_type {
        ResourceType::Topic => "topic",
        ResourceType::Group => "group",
        ResourceType::Cluster => "cluster",
        ResourceType::TransactionalId => "transactional_id",
        ResourceType::DelegationToken => "delegation_token",
        ResourceType::User => "user",
    }
}

/// The operations that Kafka checks on each type (`kafka.security.authorizer.AclEntry.supportedOperations`):
/// their series exist from the start, so that a rate sees the first denial.
const SUPPORTED_OPERATIONS: &[(ResourceType, &[Operation])] = &[
    (
        ResourceType::Topic,
        &[
            Operation::Read,
            Operation::Write,
            Operation::Create,
            Operation::Describe,
            Operation::Delete,
            Operation::Alter,
            Operation::DescribeConfigs,
            Operation::AlterConfigs,
        ],
    ),
    (
        ResourceType::Group,
        &[
            Operation::Read,
            Operation::Describe,
            Operation::Delete,
            Operation::DescribeConfigs,
            Operation::AlterConfigs,
        ],
    ),
    (
        ResourceType::Cluster,
        &[
            Operation::Create,
            Operation::ClusterAction,
            Operation::DescribeConfigs,
            Operation::AlterConfigs,
            Operation::IdempotentWrite,
            Operation::Alter,
            Operation::Describe,
        ],
    ),
    (ResourceType::TransactionalId, &[Operation::Describe, Operation::Write, Operation::TwoPhaseCommit]),
    (ResourceType::DelegationToken, &[Operation::Describe]),
    (ResourceType::User, &[Operation::CreateTokens, Operation::DescribeTokens]),
];
