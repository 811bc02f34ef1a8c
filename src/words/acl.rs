//! Kafka's ACL model: bindings, and the decision of `StandardAuthorizer` over them.

/// The seven fields of an ACL binding; two bindings are the same when all seven are
/// (`org.apache.kafka.common.acl.AclBinding`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Binding {
    /// What kind of resource the binding is on.
    pub resource_type: ResourceType,
    /// The resource's name, a prefix of it, or `*`.
    pub resource_name: String,
    /// How `resource_name` is compared.
    pub pattern_type: PatternType,
    /// Whom it is for, as `Type:name`; `User:*` is everybody.
    pub principal: String,
    /// The client's address as Java prints it, `*`, or (Kafka 4.4, KIP-1276) a network in CIDR form.
    pub host: String,
    /// What is allowed or denied.
    pub operation: Operation,
    /// Allowed or denied.
    pub permission: Permission,
}

/// `org.apache.kafka.common.resource.ResourceType`, without UNKNOWN and ANY, with the codes of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i8)]
#[allow(missing_docs)]
pub enum ResourceType {
    Topic = 2,
    Group = 3,
    Cluster = 4,
    TransactionalId = 5,
    DelegationToken = 6,
    User = 7,
}

/// `org.apache.kafka.common.resource.PatternType`, as far as a stored binding can have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i8)]
#[allow(missing_docs)]
pub enum PatternType {
    Literal = 3,
    Prefixed = 4,
}

/// `org.apache.kafka.common.acl.AclOperation`, without UNKNOWN and ANY.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i8)]
#[allow(missing_docs)]
pub enum Operation {
    All = 2,
    Read = 3,
    Write = 4,
    Create = 5,
    Delete = 6,
    Alter = 7,
    Describe = 8,
    ClusterAction = 9,
    DescribeConfigs = 10,
    AlterConfigs = 11,
    IdempotentWrite = 12,
    CreateTokens = 13,
    DescribeTokens = 14,
    TwoPhaseCommit = 15,
}

/// `org.apache.kafka.common.acl.AclPermissionType`, without UNKNOWN and ANY.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i8)]
#[allow(missing_docs)]
pub enum Permission {
    Deny = 2,
    Allow = 3,
}
