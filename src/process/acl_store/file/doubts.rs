//! Names that Kafka takes in a binding and that nothing and nobody has: mostly mistakes.

use crate::model::acl::WILDCARD;
use crate::model::principal::USER;
use crate::process::config::document::quoted;
use crate::process::config::text::check_topic_name;

/// Why no resource may have this name, though Kafka takes it for one in a binding.
pub(super) fn of_name(key: &str, name: &str) -> Option<String> {
    match name.strip_suffix(WILDCARD) {
        Some("") => None,
        Some(prefix) => Some(format!(
            "the star in {} is a letter like any other: for all names that begin with {}, leave it out and add \
             'pattern: prefixed'",
            quoted(name),
            quoted(prefix)
        )),
        None if key == "topic" => check_topic_name(name).err(),
        None => None,
    }
}

/// Why nobody may be this principal.
pub(super) fn of_principal(principal: &str) -> Option<String> {
    let (kind, name) = principal.split_once(':')?;
    if kind != USER {
        let principal = quoted(principal);
        return Some(format!(
            "{principal} is nobody: the type of a principal from a certificate is '{USER}'"
        ));
    }
    if name.is_empty() {
        return Some(format!("{} is nobody: its name is empty", quoted(principal)));
    }
    if name.trim() != name {
        let (name, right) = (quoted(principal), name.trim());
        return Some(format!(
            "{name} has blanks around its name, and no certificate gives such a one: write 'User:{right}'"
        ));
    }
    if name.len() > 1 && name.contains(WILDCARD) {
        let name = quoted(principal);
        return Some(format!("the star in {name} is a letter like any other: only 'User:*' is everybody"));
    }
    // `, OU=` and the like, but for a comma that belongs to a value.
    let is_type = |text: &str| {
        let (kind, _) = text.split_once('=').unwrap_or_default();
        !kind.is_empty() && kind.chars().all(|c| c.is_ascii_alphanumeric() || c == '.')
    };
    let spaced = name
        .match_indices(", ")
        .any(|(at, comma)| !name[..at].ends_with('\\') && is_type(name[at + comma.len()..].trim_start()));
    spaced.then(|| {
        format!(
            "{} has spaces after its commas, and the subject of a certificate as Java writes it has none: \
             'CN=alice,O=Example'",
            quoted(principal)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_within_a_name_is_doubted() {
        let doubt = of_name("topic", "orders*").unwrap();
        assert!(doubt.contains("begin with 'orders'") && doubt.contains("pattern: prefixed"), "{doubt}");
        assert!(of_name("group", "billing-*").is_some());
        assert!(of_principal("User:ali*").unwrap().contains("only 'User:*' is everybody"));
        assert_eq!((of_name("topic", "*"), of_principal("User:*")), (None, None));
    }

    #[test]
    fn a_topic_that_cannot_be_is_doubted_and_other_names_are_free() {
        assert!(of_name("topic", "or ders").is_some());
        assert_eq!((of_name("topic", "or_de.rs-1"), of_name("group", "any thing: at all")), (None, None));
    }

    #[test]
    fn a_name_that_is_empty_or_has_blanks_around_it_is_doubted() {
        assert!(of_principal("User:").unwrap().contains("its name is empty"));
        for doubted in ["User: alice", "User:alice "] {
            assert!(of_principal(doubted).unwrap().ends_with("write 'User:alice'"), "{doubted}");
        }
    }

    #[test]
    fn spaces_between_the_parts_of_a_subject_are_doubted_and_those_within_are_not() {
        for doubted in ["User:CN=alice, O=Example", "User:CN=a,OU=b,  2.5.4.5=1"] {
            assert!(of_principal(doubted).unwrap().contains("has none"), "{doubted}");
        }
        for right in [
            "User:CN=alice,O=Example\\, Inc=1",
            "User:CN=Alice the First,O=Example Ltd",
            "User:a, b",
            "alice",
        ] {
            assert_eq!(of_principal(right), None, "{right}");
        }
    }
}
