//! The commands of `kafka-acls` that create bindings at a Kafka, for a shell.

use crate::model::acl::{Binding, Operation, PatternType, Permission, ResourceType};
use crate::process::acl_store::file::serialize::entries;

const HEAD: &str = r#"# For a POSIX shell, with Kafka's tools on the PATH; where theirs is not called kafka-acls.sh, KAFKA_ACLS names it. Without
# these two variables nothing is done.
: "${BOOTSTRAP_SERVER:?set it to the address of a broker, such as kafka:9092}"
: "${COMMAND_CONFIG:?set it to a file with the settings of an administrator}"
"#;

/// One command for all operations of a principal on a resource from the same hosts.
pub(super) fn written(bindings: &[&Binding]) -> Result<String, String> {
    if let Some(binding) = bindings.iter().find(|binding| !can_be_said(binding)) {
        return Err(format!("kafka-acls has no words for {binding}"));
    }
    let mut text = HEAD.to_owned();
    for entry in entries(bindings.iter().copied()) {
        let (deny, subject) = (entry.permission == Permission::Deny, in_quotes(entry.principal));
        let side = if deny { "deny" } else { "allow" };
        let mut words = vec![format!("--{side}-principal={subject}")];
        words.extend(entry.hosts.iter().map(|host| format!("--{side}-host={}", in_quotes(host))));
        words.extend(entry.operations.iter().map(|operation| format!("--operation={operation}")));
        let option = match entry.resource_type {
            ResourceType::Topic => "topic",
            ResourceType::Group => "group",
            ResourceType::Cluster => "cluster",
            ResourceType::TransactionalId => "transactional-id",
            ResourceType::DelegationToken => "delegation-token",
            ResourceType::User => "user-principal",
        };
        words.push(match entry.resource_type {
            ResourceType::Cluster => format!("--{option}"),
            _ => format!("--{option}={}", in_quotes(entry.resource_name)),
        });
        if entry.pattern_type == PatternType::Prefixed {
            words.push("--resource-pattern-type=prefixed".to_owned());
        }
        text.push_str(&format!(
            "\"${{KAFKA_ACLS:-kafka-acls.sh}}\" --bootstrap-server \"$BOOTSTRAP_SERVER\" --command-config \"$COMMAND_CONFIG\" --add {}\n",
            words.join(" ")
        ));
    }
    Ok(text)
}

/// The tool refuses operations that a type does not have, takes blanks off both ends, and has one cluster.
fn can_be_said(binding: &Binding) -> bool {
    let is_meant = binding.operation == Operation::All
        || binding.resource_type.operations().contains(&binding.operation);
    let texts = [&binding.resource_name, &binding.principal, &binding.host];
    is_meant
        && texts.iter().all(|text| !text.is_empty() && text.trim() == text.as_str())
        && (binding.resource_type != ResourceType::Cluster || binding.pattern_type == PatternType::Literal)
}

/// One word of a POSIX shell.
fn in_quotes(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
