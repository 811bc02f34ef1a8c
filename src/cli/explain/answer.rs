//! The answer to "may this principal do that?": what the ACLs say, what else is enough for the APIs that ask for it, and
//! which entry would change it.

use std::net::IpAddr;

use super::super::output::Paint;
use crate::model::acl::{
    Binding, CLUSTER_NAME, ClientView, Decision, Operation, PatternType, Permission, ResourceType, Rule,
    WILDCARD,
};
use crate::process::acl_store::file;
use crate::process::acl_store::file::serialize::file_of;
use crate::process::config::document::read_text;
use crate::process::config::{Acls, Config, Place};
use crate::process::nobody;
use crate::protocol::access::Ground;
use crate::protocol::api::Row;
use crate::protocol::api::rights::{ASKED, Asked, Instead, Right, asking};

mod json;
mod words;

use words::{either, in_words, listed, said};

/// What stands in an entry for a name that only the reader knows.
const SOME_NAME: &str = "NAME";

/// What is asked.
pub(super) struct Asking<'a> {
    pub(super) principal: &'a str,
    pub(super) host: IpAddr,
    pub(super) operation: Operation,
    pub(super) resource_type: ResourceType,
    pub(super) name: &'a str,
}

/// What comes of it.
pub(super) struct Answer {
    pub(super) allowed: bool,
    decision: Decided,
    /// Everybody may use what has no binding.
    is_open: bool,
    /// The APIs that ask for it.
    asked_by: Vec<&'static str>,
    /// What is enough instead for some of them.
    alternatives: Vec<Alternative>,
    /// For which APIs this right stands for another one, on one resource.
    stands_for: Option<(Right, Vec<&'static str>)>,
    /// Entries of the ACLs that would allow it, the one to prefer first.
    entries: Vec<String>,
    /// What 'check' would warn of in them.
    doubts: Vec<String>,
}

/// A decision, and the place of the binding that made it.
struct Decided {
    decision: Decision,
    file: Option<(String, Place)>,
}

/// A right that is enough for some APIs, and whether the client has it.
struct Alternative {
    enough: Ground,
    apis: Vec<&'static str>,
    decided: Decided,
}

impl Asking<'_> {
    fn right(&self) -> Right {
        (self.operation, self.resource_type)
    }

    /// Why an entry for this principal and resource would be for nobody, or for nothing.
    fn doubts(&self, config: &Config) -> Vec<String> {
        let principal = file::doubt_of_principal(self.principal);
        let principal = principal.or_else(|| nobody::why(&config.listeners, self.principal));
        principal.into_iter().chain(file::doubt_of_name(self.resource_type, self.name)).collect()
    }

    fn entry(&self, (operation, resource_type): Right, name: &str) -> String {
        let line = file_of(&[Binding {
            resource_type,
            resource_name: name.to_owned(),
            pattern_type: PatternType::Literal,
            principal: self.principal.to_owned(),
            host: WILDCARD.to_owned(),
            operation,
            permission: Permission::Allow,
        }]);
        line.trim_end().to_owned()
    }
}

impl Answer {
    /// Looks at what the client may do.
    pub(super) fn to(asking_for: &Asking<'_>, view: &ClientView, config: &Config) -> Self {
        let authorization = &config.authorization;
        let right = asking_for.right();
        let placed = |decision: Decision| Decided::new(decision, authorization.acls.as_ref());
        let decision = placed(view.decide(asking_for.operation, asking_for.resource_type, asking_for.name));
        let is_free = !view.is_reserved(asking_for.name) || asking_for.resource_type != ResourceType::Topic;
        let mut alternatives: Vec<Alternative> = Vec::new();
        for (instead, api) in asking(right).filter_map(|asked| Some((asked.instead_of(right)?, name(asked))))
        {
            match alternatives.iter_mut().find(|known| known.enough == instead.enough) {
                Some(known) => known.apis.push(api),
                None => {
                    let decided = placed(decide(instead, view));
                    alternatives.push(Alternative { enough: instead.enough, apis: vec![api], decided });
                }
            }
        }
        if !is_free {
            alternatives.clear();
        }
        let asked_by: Vec<&'static str> = asking(right).map(name).collect();
        let content: usize = alternatives.iter().filter(|one| one.has()).map(|one| one.apis.len()).sum();
        let is_content = content > 0 && content == asked_by.len();
        let mut answer = Self {
            allowed: decision.decision.allowed || is_content,
            decision,
            is_open: authorization.allow_everyone_if_no_acl_found,
            asked_by,
            alternatives,
            stands_for: stands_for(right),
            entries: Vec::new(),
            doubts: Vec::new(),
        };
        answer.entries = answer.entries(asking_for);
        if !answer.entries.is_empty() {
            answer.doubts = asking_for.doubts(config);
        }
        answer
    }

    /// The entries that would allow it, if nothing but their absence keeps the client from it.
    fn entries(&self, asking_for: &Asking<'_>) -> Vec<String> {
        let is_missing = matches!(self.decision.decision.rule, Rule::DefaultDeny | Rule::NoAclFound(false));
        if self.allowed || !is_missing || !is_meant(asking_for) {
            return Vec::new();
        }
        let own = asking_for.entry(asking_for.right(), asking_for.name);
        // A right on the one resource that is meant is less than one on all, or on the cluster.
        let lesser = self.alternatives.iter().find_map(|one| match one.enough {
            Ground::Any(operation, resource_type) => {
                Some(asking_for.entry((operation, resource_type), SOME_NAME))
            }
            _ => None,
        });
        let narrower = self.stands_for.as_ref().map(|(right, _)| asking_for.entry(*right, SOME_NAME));
        match lesser {
            Some(lesser) => vec![lesser],
            None => std::iter::once(own).chain(narrower).collect(),
        }
    }

    /// For people.
    pub(super) fn text(&self, asking_for: &Asking<'_>, paint: Paint) -> String {
        let Asking { principal, host, operation, resource_type, name } = asking_for;
        let verdict = if self.allowed { paint.good("allowed") } else { paint.bad("denied") };
        let mut lines =
            vec![format!("{verdict}: {principal} {operation} on {resource_type} {name} from {host}")];
        lines.extend(self.reasons(asking_for));
        if !is_meant(asking_for) {
            let rights = resource_type.operations().iter().map(|right| right.name());
            let rights = rights.collect::<Vec<_>>().join(", ");
            lines.push(format!("Kafka never asks for {operation} on a {resource_type}, only for {rights}"));
        }
        lines.extend(self.advice(asking_for));
        lines.join("\n") + "\n"
    }

    /// Why it is so.
    fn reasons(&self, asking_for: &Asking<'_>) -> Vec<String> {
        let mut lines = Vec::new();
        let decision = &self.decision.decision;
        if decision.allowed || !self.allowed {
            lines.push(format!("because {}", self.decision.reason(asking_for.operation, self.is_open)));
        }
        for one in self.alternatives.iter().filter(|_| !decision.allowed) {
            let (apis, enough) = (listed(&one.apis), in_words(one.enough));
            let Some(operation) = operation_of(one.enough) else { continue };
            lines.push(match (one.has(), self.allowed) {
                (true, true) => format!(
                    "because {enough} is enough for {apis}, and that is allowed because {}",
                    one.decided.reason(operation, self.is_open)
                ),
                (true, false) => format!(
                    "but {apis} is let through: {enough} is enough for that, and is allowed because {}",
                    one.decided.reason(operation, self.is_open)
                ),
                (false, _) => format!("for {apis}, {enough} is enough as well"),
            });
        }
        if let (false, Some((right, apis))) = (self.allowed, &self.stands_for) {
            lines.push(format!("for {}, {} is enough for one {} alone", listed(apis), said(*right), right.1));
        }
        if decision.allowed && decision.rule == Rule::NoAclFound(true) {
            lines.push(
                "the first binding on this resource, whoever it is for, ends that for everybody else".into(),
            );
        }
        lines
    }

    /// What would change it.
    fn advice(&self, asking_for: &Asking<'_>) -> Vec<String> {
        let Some((first, more)) = self.entries.split_first() else { return Vec::new() };
        let named = |entry: &str| match entry.contains(SOME_NAME) {
            true => format!("{entry} with its name for {SOME_NAME}"),
            false => entry.to_owned(),
        };
        let mut lines = vec![format!("this entry of the ACLs would allow it: {}", named(first))];
        lines.extend(more.iter().map(|entry| format!("or for one alone: {}", named(entry))));
        lines.extend(self.doubts.iter().map(|doubt| format!("but {doubt}")));
        let resource_type = asking_for.resource_type;
        let implying: Vec<&str> = asking_for
            .operation
            .implied_by()
            .filter(|operation| resource_type.operations().contains(operation))
            .map(Operation::name)
            .collect();
        if !implying.is_empty() {
            lines.push(format!("{} comes with {}, too", asking_for.operation, either(&implying)));
        }
        lines
    }
}

impl Alternative {
    fn has(&self) -> bool {
        self.decided.decision.allowed
    }
}

impl Decided {
    fn new(decision: Decision, acls: Option<&Acls>) -> Self {
        let file = match &decision.rule {
            Rule::Binding(binding) => acls.and_then(Acls::file).and_then(|acls| {
                let text = read_text(&acls.file, file::MAX_BYTES).ok()?;
                let place = file::place_of(&acls.file, &text, binding)?;
                Some((acls.file.display().to_string(), place))
            }),
            _ => None,
        };
        Self { decision, file }
    }

    fn reason(&self, asked: Operation, is_open: bool) -> String {
        match &self.decision.rule {
            Rule::SuperUser => "the principal is a super user".into(),
            Rule::ReservedTopic => {
                "doorkeeper keeps its ACLs in this topic, which only super users may touch".into()
            }
            Rule::Binding(binding) => {
                let place =
                    self.file.as_ref().map(|(file, at)| format!(" ({file}:{}:{})", at.line, at.column));
                let implied = match binding.permission {
                    Permission::Allow
                        if binding.operation != asked && binding.operation != Operation::All =>
                    {
                        format!(", and {} brings {asked} with it", binding.operation)
                    }
                    _ => String::new(),
                };
                format!("of {binding}{}{implied}", place.unwrap_or_default())
            }
            Rule::NoAclFound(allowed) => {
                format!("no binding is about this resource, and allow_everyone_if_no_acl_found is {allowed}")
            }
            Rule::DefaultDeny if is_open => {
                "none of the bindings about this resource is for this client and operation, and \
                 allow_everyone_if_no_acl_found counts only where there is none for anybody"
                    .into()
            }
            Rule::DefaultDeny => {
                "none of the bindings about this resource is for this client and operation".into()
            }
        }
    }
}

/// Whether Kafka asks for such a right at all.
fn is_meant(asking_for: &Asking<'_>) -> bool {
    asking_for.operation == Operation::All
        || asking_for.resource_type.operations().contains(&asking_for.operation)
}

fn decide(instead: Instead, view: &ClientView) -> Decision {
    match instead.enough {
        Ground::Named(operation, resource_type) => view.decide(operation, resource_type, CLUSTER_NAME),
        Ground::Any(operation, resource_type) => view.decide_by_resource_type(operation, resource_type),
        Ground::Every(operation, resource_type) => {
            Decision { allowed: view.allows_every(operation, resource_type), rule: Rule::DefaultDeny }
        }
        Ground::SuperUser => Decision { allowed: view.is_super_user(), rule: Rule::SuperUser },
    }
}

/// The right on one resource that this one, on the cluster, stands for, and where.
fn stands_for((operation, resource_type): Right) -> Option<(Right, Vec<&'static str>)> {
    let enough = Ground::Named(operation, resource_type);
    let fitting =
        || ASKED.iter().filter_map(|asked| Some((asked.instead.filter(|it| it.enough == enough)?, asked)));
    let (first, _) = fitting().find(|(instead, _)| instead.of.1 != resource_type)?;
    let apis = fitting().filter(|(instead, _)| instead.of == first.of).map(|(_, asked)| name(asked));
    Some((first.of, apis.collect()))
}

fn name(asked: &Asked) -> &'static str {
    Row::find(asked.key).map_or("", |row| row.name)
}

fn operation_of(ground: Ground) -> Option<Operation> {
    match ground {
        Ground::Named(operation, _) | Ground::Any(operation, _) | Ground::Every(operation, _) => {
            Some(operation)
        }
        Ground::SuperUser => None,
    }
}
