//! The answer for programs.

use serde::Serialize;

use super::{Answer, Asking, Decided};
use crate::cli::output::BindingShown;
use crate::model::acl::Rule;
use crate::protocol::access::Ground;

/// The answer in JSON.
#[derive(Serialize)]
pub(in crate::cli::explain) struct Shown<'a> {
    allowed: bool,
    principal: &'a str,
    host: String,
    operation: &'static str,
    resource_type: &'static str,
    resource_name: &'a str,
    reason: ReasonShown<'a>,
    asked_for_by: &'a [&'static str],
    alternatives: Vec<AlternativeShown<'a>>,
    entries: &'a [String],
    warnings: &'a [String],
    certificate: Option<&'a str>,
}

#[derive(Serialize)]
struct ReasonShown<'a> {
    rule: &'static str,
    binding: Option<BindingShown<'a>>,
    file: Option<&'a str>,
    line: Option<usize>,
    column: Option<usize>,
}

#[derive(Serialize)]
struct AlternativeShown<'a> {
    operation: &'static str,
    resource_type: &'static str,
    any_resource: bool,
    enough_for: &'a [&'static str],
    allowed: bool,
    reason: ReasonShown<'a>,
}

impl Answer {
    /// For programs.
    pub(in crate::cli::explain) fn shown<'a>(
        &'a self,
        asking_for: &'a Asking<'_>,
        certificate: Option<&'a str>,
    ) -> Shown<'a> {
        let alternatives = self.alternatives.iter().filter_map(|one| {
            let (operation, resource_type, any) = match one.enough {
                Ground::Named(operation, resource_type) => (operation, resource_type, false),
                Ground::Any(operation, resource_type) => (operation, resource_type, true),
                Ground::Every(..) | Ground::SuperUser => return None,
            };
            Some(AlternativeShown {
                operation: operation.constant(),
                resource_type: resource_type.constant(),
                any_resource: any,
                enough_for: &one.apis,
                allowed: one.has(),
                reason: one.decided.shown(),
            })
        });
        Shown {
            allowed: self.allowed,
            principal: asking_for.principal,
            host: asking_for.host.to_string(),
            operation: asking_for.operation.constant(),
            resource_type: asking_for.resource_type.constant(),
            resource_name: asking_for.name,
            reason: self.decision.shown(),
            asked_for_by: &self.asked_by,
            alternatives: alternatives.collect(),
            entries: &self.entries,
            warnings: &self.doubts,
            certificate,
        }
    }
}

impl Decided {
    fn shown(&self) -> ReasonShown<'_> {
        let (rule, binding) = match &self.decision.rule {
            Rule::SuperUser => ("SuperUser", None),
            Rule::ReservedTopic => ("ReservedTopic", None),
            Rule::Binding(binding) => ("MatchingAcl", Some(&**binding)),
            Rule::NoAclFound(true) => ("DefaultAllow", None),
            Rule::NoAclFound(false) | Rule::DefaultDeny => ("DefaultDeny", None),
        };
        ReasonShown {
            rule,
            binding: binding.map(BindingShown::from),
            file: self.file.as_ref().map(|(file, _)| file.as_str()),
            line: self.file.as_ref().map(|(_, place)| place.line),
            column: self.file.as_ref().map(|(_, place)| place.column),
        }
    }
}
