//! One list of ACLs in both spellings: doorkeeper's file and Kafka's CreateAcls request.

use super::client::Client;
use serde_json::{Value, json};

/// A set of bindings that differ in nothing but the operation.
#[derive(Clone, Copy, Debug)]
pub struct Acl {
    /// "User:alice".
    pub principal: &'static str,
    pub resource: Resource,
    pub operations: &'static [Operation],
    pub prefixed: bool,
    pub deny: bool,
    pub host: &'static str,
}

/// What a binding is about.
#[derive(Clone, Copy, Debug)]
pub enum Resource {
    Topic(&'static str),
    Group(&'static str),
    TransactionalId(&'static str),
    Cluster,
}

/// Kafka's operations, with their codes on the wire.
#[derive(Clone, Copy, Debug)]
#[repr(i8)]
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
}

/// Allows operations on the resource with exactly this name, from everywhere.
pub const fn allow(principal: &'static str, resource: Resource, operations: &'static [Operation]) -> Acl {
    Acl { principal, resource, operations, prefixed: false, deny: false, host: "*" }
}

impl Acl {
    /// For every name that begins with the resource's.
    pub const fn prefixed(self) -> Acl {
        Acl { prefixed: true, ..self }
    }

    /// Denies instead.
    pub const fn denied(self) -> Acl {
        Acl { deny: true, ..self }
    }

    /// Only for clients at this address.
    pub const fn from(self, host: &'static str) -> Acl {
        Acl { host, ..self }
    }
}

/// The text of doorkeeper's ACL file.
pub fn yaml(acls: &[Acl]) -> String {
    let line = |acl: &Acl| {
        let resource = match acl.resource {
            Resource::Topic(name) => format!("topic: \"{name}\""),
            Resource::Group(name) => format!("group: \"{name}\""),
            Resource::TransactionalId(name) => format!("transactional_id: \"{name}\""),
            Resource::Cluster => "cluster: true".to_owned(),
        };
        let operations: Vec<String> =
            acl.operations.iter().map(|operation| format!("{operation:?}")).collect();
        let mut line = format!(
            "- {{ principal: \"{}\", {resource}, operations: [{}]",
            acl.principal,
            operations.join(", ")
        );
        if acl.prefixed {
            line.push_str(", pattern: prefixed");
        }
        if acl.deny {
            line.push_str(", permission: deny");
        }
        if acl.host != "*" {
            line.push_str(&format!(", hosts: [\"{}\"]", acl.host));
        }
        line + " }\n"
    };
    acls.iter().map(line).collect()
}

const CREATE_ACLS: i16 = 30;

/// Creates them at a broker, through a client that may.
pub fn create(client: &mut Client, acls: &[Acl]) {
    let creations: Vec<Value> = acls.iter().flat_map(creations).collect();
    let served = client.call("ApiVersions", 0, &json!({})).body();
    let served = served["apiKeys"].as_array().unwrap().iter().find(|one| one["apiKey"] == CREATE_ACLS);
    let version = served.and_then(|one| one["maxVersion"].as_i64()).unwrap().min(2) as i16;
    let created = client.call("CreateAcls", version, &json!({"creations": creations})).body();
    for result in created["results"].as_array().unwrap() {
        assert_eq!(result["errorCode"], 0, "cannot create an ACL: {result}");
    }
}

/// As CreateAcls has them.
pub fn creations(acl: &Acl) -> Vec<Value> {
    acl.operations.iter().map(|operation| creation(acl, *operation)).collect()
}

/// Filters that select them and nothing else, as DescribeAcls and DeleteAcls have them.
pub fn filters(acl: &Acl) -> Vec<Value> {
    let filter = |creation: Value| {
        json!({
            "resourceTypeFilter": creation["resourceType"],
            "resourceNameFilter": creation["resourceName"],
            "patternTypeFilter": creation["resourcePatternType"],
            "principalFilter": creation["principal"],
            "hostFilter": creation["host"],
            "operation": creation["operation"],
            "permissionType": creation["permissionType"],
        })
    };
    creations(acl).into_iter().map(filter).collect()
}

fn creation(acl: &Acl, operation: Operation) -> Value {
    let (kind, name) = match acl.resource {
        Resource::Topic(name) => (2, name),
        Resource::Group(name) => (3, name),
        Resource::Cluster => (4, "kafka-cluster"),
        Resource::TransactionalId(name) => (5, name),
    };
    json!({
        "resourceType": kind,
        "resourceName": name,
        "resourcePatternType": if acl.prefixed { 4 } else { 3 },
        "principal": acl.principal,
        "host": acl.host,
        "operation": operation as i8,
        "permissionType": if acl.deny { 2 } else { 3 },
    })
}
