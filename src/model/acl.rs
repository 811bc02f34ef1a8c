//! Kafka's ACL model: bindings, and the decision of `StandardAuthorizer` over them.
//!
//! An [`Authorizer`] is one immutable generation of bindings with its index. For each connection it gives a
//! [`ClientView`], which holds what can matter for that principal at that address and answers in well under a
//! microsecond. The rule is that of Kafka 4.4 (`StandardAuthorizerData.authorize`):
//!
//! 1. A super user may do everything.
//! 2. A binding *matches* when its resource type is the same and its pattern covers the name. It *applies* when
//!    principal, host and operation fit as well. An applying denial wins over every permission.
//! 3. If nothing applies, the answer is no; only if nothing even matches, whoever it is for, does
//!    `allow.everyone.if.no.acl.found` count.
//!
//! Where Kafka's own scan departs from its rule, this module follows the scan when that is harmless (a literal `*` does
//! not cover names that begin with an asterisk and go on) and the rule where the scan hangs or throws (names that begin
//! with one of ``space ! " # $ % & ' ( )`` beside bindings that share their first characters; a client that is itself
//! called `User:*`). An IPv6 client's scope is unknown here, so a host with one, as in `fe80:0:0:0:0:0:0:1%3`, matches nobody.

mod authorizer;
mod change;
mod check;
mod host;
mod patterns;
mod vocabulary;

pub use authorizer::{Authorizer, ClientView, Decision, Rule, Settings};
pub use change::{
    BindingFilter, Change, ChangeError, ChangeOutcome, MAX_CHANGES, MAX_LISTED, PatternFilter, select,
};
pub use check::InvalidBinding;
pub use host::{Network, host_text};
pub use vocabulary::{Operation, PatternType, Permission, ResourceType, UnknownWord};

use std::fmt;

/// The only name that the cluster resource has (`org.apache.kafka.common.resource.Resource.CLUSTER_NAME`).
pub const CLUSTER_NAME: &str = "kafka-cluster";

/// As a literal resource name: any name. As a host: any address.
pub const WILDCARD: &str = "*";

/// The principal of a binding that is for everybody.
pub const EVERYBODY: &str = "User:*";

/// What is known of a resource from the names in bindings, whoever they are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Known {
    /// No binding names it: it may be invented.
    Nothing,
    /// Its name begins as a binding says.
    ByPrefix,
    /// A binding is on this very name.
    ByName,
}

/// The seven fields of an ACL binding; two bindings are the same when all seven are
/// (`org.apache.kafka.common.acl.AclBinding`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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

impl fmt::Display for Binding {
    /// As the audit log shows it (`org.apache.kafka.metadata.authorizer.StandardAcl`, a record since 4.4).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "StandardAcl[resourceType={}, resourceName={}, patternType={}, principal={}, host={}, operation={}, permissionType={}]",
            self.resource_type.constant(),
            self.resource_name,
            self.pattern_type.constant(),
            self.principal,
            self.host,
            self.operation.constant(),
            self.permission.constant(),
        )
    }
}
