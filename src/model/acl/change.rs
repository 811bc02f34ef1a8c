//! What administrators ask for: which bindings a filter is for, and changes of the set of bindings.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::{Binding, Operation, PatternType, Permission, ResourceType, WILDCARD};

/// Selects bindings (`org.apache.kafka.common.acl.AclBindingFilter`). `None` is any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingFilter {
    /// The kind of resource.
    pub resource_type: Option<ResourceType>,
    /// The resource's name.
    pub resource_name: Option<String>,
    /// How name and pattern type are compared.
    pub pattern: PatternFilter,
    /// The principal as a whole string: `User:*` is only itself.
    pub principal: Option<String>,
    /// The host as a whole string: no address logic.
    pub host: Option<String>,
    /// The operation; `All` is only itself.
    pub operation: Option<Operation>,
    /// Allowed or denied.
    pub permission: Option<Permission>,
}

/// How a filter compares names (`org.apache.kafka.common.resource.ResourcePatternFilter`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternFilter {
    /// Any pattern type, and the same name.
    Any,
    /// What would match a resource of that name: the name itself, `*`, and its prefixes.
    Match,
    /// This pattern type, and the same name.
    Is(PatternType),
}

impl BindingFilter {
    /// Whether the binding is one of those that are meant.
    pub fn selects(&self, binding: &Binding) -> bool {
        fn fits<T: PartialEq>(wanted: Option<&T>, value: &T) -> bool {
            wanted.is_none_or(|wanted| wanted == value)
        }
        fits(self.resource_type.as_ref(), &binding.resource_type)
            && self.selects_pattern(binding)
            && fits(self.principal.as_ref(), &binding.principal)
            && fits(self.host.as_ref(), &binding.host)
            && fits(self.operation.as_ref(), &binding.operation)
            && fits(self.permission.as_ref(), &binding.permission)
    }

    fn selects_pattern(&self, binding: &Binding) -> bool {
        if let PatternFilter::Is(pattern_type) = self.pattern
            && pattern_type != binding.pattern_type
        {
            return false;
        }
        let Some(name) = &self.resource_name else { return true };
        if *name == binding.resource_name {
            return true;
        }
        match (self.pattern, binding.pattern_type) {
            (PatternFilter::Match, PatternType::Literal) => binding.resource_name == WILDCARD,
            (PatternFilter::Match, PatternType::Prefixed) => name.starts_with(&binding.resource_name),
            _ => false,
        }
    }
}

/// The most bindings that one request may add, or remove (`AclControlManager.MAX_RECORDS_PER_USER_OP`).
pub const MAX_CHANGES: usize = 10_000;

/// The most bindings that the answer to one removal may list, each as often as filters select it. Kafka has no such bound;
/// filters that select every binding once never come to it.
pub const MAX_LISTED: usize = 10 * MAX_CHANGES;

/// A change of the bindings. It is made as a whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Adds these, all of which are valid; those that are there already stay.
    Create(Vec<Binding>),
    /// Removes what any of these filters selects.
    Delete(Vec<BindingFilter>),
}

impl Change {
    /// What was done, for the log, if anything was: of many bindings the first ones. `None`: nothing was removed.
    pub fn done(&self, changed: &ChangeOutcome) -> Option<String> {
        match (self, changed) {
            (Change::Create(bindings), ChangeOutcome::Created) => {
                Some(format!("created, or there already: {}", listed(bindings.iter())))
            }
            (Change::Delete(_), ChangeOutcome::Deleted(selected))
                if selected.iter().any(|one| !one.is_empty()) =>
            {
                Some(format!("removed: {}", listed(selected.iter().flatten().map(|binding| &**binding))))
            }
            _ => None,
        }
    }
}

/// What each of the filters selects of these bindings. There may be as many filters as a request has room for.
///
/// # Errors
/// When that is more than may be removed, or listed.
pub fn select(
    filters: &[BindingFilter],
    bindings: &[Arc<Binding>],
) -> Result<Vec<Vec<Arc<Binding>>>, ChangeError> {
    let mut removed: HashSet<&Binding> = HashSet::new();
    let mut listed = 0;
    let mut selected = Vec::with_capacity(filters.len());
    for filter in filters {
        let mut of_filter = Vec::new();
        for binding in bindings.iter().filter(|binding| filter.selects(binding)) {
            // As Kafka, who does not look whether it is one of those (`AclControlManager.deleteAclsForFilter`).
            if removed.len() == MAX_CHANGES {
                return Err(ChangeError::TooMany);
            }
            if listed == MAX_LISTED {
                return Err(ChangeError::TooManyListed);
            }
            removed.insert(binding);
            listed += 1;
            of_filter.push(binding.clone());
        }
        selected.push(of_filter);
    }
    Ok(selected)
}

impl Change {
    /// Why bindings that it creates can never apply to a client.
    pub fn doubts(&self) -> impl Iterator<Item = String> {
        let created = match self {
            Change::Create(bindings) => bindings.as_slice(),
            Change::Delete(_) => &[],
        };
        created.iter().filter_map(Binding::doubt)
    }
}

/// The most bindings that one line of the log shows.
const SHOWN: usize = 10;

fn listed<'a>(bindings: impl Iterator<Item = &'a Binding> + Clone) -> String {
    let shown: Vec<String> = bindings.clone().take(SHOWN).map(ToString::to_string).collect();
    let mut text = shown.join(", ");
    let more = bindings.count().saturating_sub(SHOWN);
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

/// What a change did. It lasts, and whoever asks this doorkeeper sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeOutcome {
    /// The bindings are there.
    Created,
    /// What each filter selected, in the order of the filters, of the bindings as they were before.
    Deleted(Vec<Vec<Arc<Binding>>>),
}

/// Why nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeError {
    /// More than [`MAX_CHANGES`] bindings would have been added or removed.
    TooMany,
    /// The answer would list more than [`MAX_LISTED`] bindings, because many filters select the same ones.
    TooManyListed,
    /// This store cannot be changed by clients: why, and what to do.
    ReadOnly(String),
    /// The store does not take the change now, or it is unknown whether it did: why.
    Unavailable(String),
}

impl fmt::Display for ChangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChangeError::TooMany => write!(f, "more than {MAX_CHANGES} bindings in one request"),
            ChangeError::TooManyListed => write!(
                f,
                "the answer would list more than {MAX_LISTED} bindings: use filters that do not select the same ones"
            ),
            ChangeError::ReadOnly(why) | ChangeError::Unavailable(why) => f.write_str(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(pattern_type: PatternType, name: &str) -> Binding {
        Binding {
            resource_type: ResourceType::Topic,
            resource_name: name.to_owned(),
            pattern_type,
            principal: "User:alice".to_owned(),
            host: "*".to_owned(),
            operation: Operation::Read,
            permission: Permission::Allow,
        }
    }

    fn any() -> BindingFilter {
        BindingFilter {
            resource_type: None,
            resource_name: None,
            pattern: PatternFilter::Any,
            principal: None,
            host: None,
            operation: None,
            permission: None,
        }
    }

    #[test]
    fn names_are_compared_as_the_pattern_filter_says() {
        use PatternType::{Literal, Prefixed};
        let stored =
            [(Literal, "orders"), (Literal, "*"), (Prefixed, "ord"), (Prefixed, "orders"), (Literal, "x")];
        let cases = [
            (PatternFilter::Any, Some("orders"), vec![0, 3]),
            (PatternFilter::Match, Some("orders"), vec![0, 1, 2, 3]),
            (PatternFilter::Is(Literal), Some("orders"), vec![0]),
            (PatternFilter::Is(Prefixed), Some("orders"), vec![3]),
            (PatternFilter::Is(Literal), Some("*"), vec![1]),
            (PatternFilter::Is(Literal), None, vec![0, 1, 4]),
            (PatternFilter::Match, None, vec![0, 1, 2, 3, 4]),
        ];
        for (pattern, name, expected) in cases {
            let filter = BindingFilter { pattern, resource_name: name.map(str::to_owned), ..any() };
            let selected: Vec<usize> =
                (0..stored.len()).filter(|i| filter.selects(&binding(stored[*i].0, stored[*i].1))).collect();
            assert_eq!(selected, expected, "{pattern:?} {name:?}");
        }
    }

    #[test]
    fn what_was_done_is_told_in_a_line_of_bounded_length() {
        let binding = binding(PatternType::Literal, "orders");
        let one = Change::Create(vec![binding.clone()]).done(&ChangeOutcome::Created).unwrap();
        assert_eq!(one, format!("created, or there already: {binding}"));
        let many = Change::Create(vec![binding.clone(); 10_000]).done(&ChangeOutcome::Created).unwrap();
        assert!(many.ends_with(" and 9990 more") && many.len() < 3000, "{many}");
        let nowhere = Binding { host: "::1".to_owned(), ..binding.clone() };
        assert_eq!(
            Change::Create(vec![binding.clone(), nowhere.clone()]).doubts().collect::<Vec<_>>(),
            [nowhere.doubt().unwrap()]
        );
        let delete = Change::Delete(vec![any(), any()]);
        assert_eq!(delete.done(&ChangeOutcome::Deleted(vec![Vec::new(), Vec::new()])), None);
        let removed = ChangeOutcome::Deleted(vec![Vec::new(), vec![Arc::new(binding.clone())]]);
        assert_eq!(delete.done(&removed).unwrap(), format!("removed: {binding}"));
    }

    #[test]
    fn everything_but_names_is_compared_whole() {
        let binding = binding(PatternType::Literal, "orders");
        let with = |f: fn(&mut BindingFilter)| {
            let mut filter = any();
            f(&mut filter);
            filter.selects(&binding)
        };
        assert!(with(|filter| filter.principal = Some("User:alice".into())));
        assert!(!with(|filter| filter.principal = Some("User:*".into())));
        assert!(!with(|filter| filter.host = Some("10.0.0.1".into())));
        assert!(!with(|filter| filter.operation = Some(Operation::All)));
        assert!(!with(|filter| filter.permission = Some(Permission::Deny)));
        assert!(!with(|filter| filter.resource_type = Some(ResourceType::Group)));
        assert!(with(|filter| filter.resource_type = Some(ResourceType::Topic)));
    }
}
