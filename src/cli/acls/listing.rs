//! What `kafka-acls --list` prints, since Kafka 2.2:
//!
//! ```text
//! Current ACLs for resource `ResourcePattern(resourceType=TOPIC, name=orders, patternType=LITERAL)`:
//!         (principal=User:alice, host=*, operation=READ, permissionType=ALLOW)
//! ```

use std::path::Path;
use std::str::FromStr;

use crate::model::acl::{Binding, PatternType, ResourceType, UnknownWord};

const RESOURCE: &str = "Current ACLs for resource `ResourcePattern(resourceType=";
/// Above the ACLs of one principal, with `--principal`; they are listed all the same.
const PRINCIPAL: &str = "ACLs for principal `";

/// What bindings that follow are on.
type Resource = (ResourceType, String, PatternType);

/// The bindings of a list.
pub(super) fn read(path: &Path, text: String) -> Result<Vec<Binding>, String> {
    let mut bindings = Vec::new();
    let mut resource: Option<Resource> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let fault = |what: String| format!("{}:{number}: {what}", path.display());
        let words = line.trim();
        if let Some(rest) = words.strip_prefix(RESOURCE) {
            resource = Some(read_resource(rest).map_err(fault)?);
        } else if words.starts_with("(principal=") {
            let on = resource.as_ref().ok_or_else(|| {
                fault("no line 'Current ACLs for resource …' says what this is for".to_owned())
            })?;
            bindings.push(read_entry(words, on).map_err(fault)?);
        } else if !words.is_empty() && !words.starts_with(PRINCIPAL) {
            let what = "this is no line that kafka-acls --list prints since Kafka 2.2: give its standard output, as it is";
            return Err(fault(what.to_owned()));
        }
    }
    Ok(bindings)
}

fn read_resource(rest: &str) -> Result<Resource, String> {
    let parts = || {
        let (kind, rest) = rest.split_once(", name=")?;
        // A name may hold anything; the end of the line is the tool's.
        let (name, pattern) = rest.rsplit_once(", patternType=")?;
        Some((kind, name, pattern.trim_end_matches([':', ' ']).strip_suffix(")`")?))
    };
    let (kind, name, pattern) = parts().ok_or("the line about the resource has no end")?;
    if name.is_empty() {
        return Err("the resource has no name".to_owned());
    }
    Ok((word(kind)?, name.to_owned(), word(pattern)?))
}

fn read_entry(
    words: &str,
    (resource_type, resource_name, pattern_type): &Resource,
) -> Result<Binding, String> {
    let parts = || {
        let rest = words.strip_prefix("(principal=")?.strip_suffix(')')?;
        let (rest, permission) = rest.rsplit_once(", permissionType=")?;
        let (rest, operation) = rest.rsplit_once(", operation=")?;
        let (principal, host) = rest.rsplit_once(", host=")?;
        Some((principal, host, operation, permission))
    };
    let (principal, host, operation, permission) =
        parts().ok_or("write (principal=…, host=…, operation=…, permissionType=…), as kafka-acls does")?;
    if !principal.contains(':') {
        return Err(format!("the principal {principal:?} has no type: write it like User:alice"));
    }
    Ok(Binding {
        resource_type: *resource_type,
        resource_name: resource_name.clone(),
        pattern_type: *pattern_type,
        principal: principal.to_owned(),
        host: host.to_owned(),
        operation: word(operation)?,
        permission: word(permission)?,
    })
}

fn word<T: FromStr<Err = UnknownWord>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|unknown: UnknownWord| unknown.to_string())
}

/// The bindings as the tool lists them.
pub(super) fn written(bindings: &[&Binding]) -> Result<String, String> {
    let mut text = String::new();
    let on = |binding: &Binding| (binding.resource_type, binding.pattern_type, binding.resource_name.clone());
    for bindings in bindings.chunk_by(|a, b| on(a) == on(b)) {
        for (i, binding) in bindings.iter().enumerate() {
            let Binding {
                resource_type,
                resource_name,
                pattern_type,
                principal,
                host,
                operation,
                permission,
            } = binding;
            if [resource_name, principal, host].iter().any(|part| part.contains(['\n', '\r'])) {
                return Err(format!(
                    "{binding} has a line end in it, which the list of kafka-acls cannot show"
                ));
            }
            if i == 0 {
                text.push_str(&format!(
                    "{RESOURCE}{}, name={resource_name}, patternType={})`: \n ",
                    resource_type.constant(),
                    pattern_type.constant()
                ));
            }
            text.push_str(&format!(
                "\t(principal={principal}, host={host}, operation={}, permissionType={})\n",
                operation.constant(),
                permission.constant()
            ));
        }
        text.push_str(" \n");
    }
    Ok(text)
}
