//! One generation of bindings, the view of it that a connection keeps, and the decision.

use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::patterns::{Matches, Patterns, Place};
use super::{Binding, Known, Operation, PatternType, Permission, ResourceType, WILDCARD};

mod index;

use index::Index;

/// What the bindings do not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `super.users`: principals as `Type:name`, compared as whole strings.
    pub super_users: Vec<String>,
    /// `allow.everyone.if.no.acl.found`: the answer where no binding, whoever it is for, matches the resource.
    pub allow_everyone_if_no_acl_found: bool,
    /// Whether a host with a slash is a network, as from Kafka 4.4 on (KIP-1276), or a text that matches nobody.
    pub cidr_hosts: bool,
    /// A topic that is doorkeeper's own: nobody but super users may do anything to it, whatever the bindings say.
    pub reserved_topic: Option<String>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            super_users: Vec::new(),
            allow_everyone_if_no_acl_found: false,
            cidr_hosts: true,
            reserved_topic: None,
        }
    }
}

/// One immutable generation of bindings. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Authorizer {
    index: Arc<Index>,
}

/// What can matter for one principal at one address: kept for a connection, and made anew after the bindings changed.
#[derive(Debug, Clone)]
pub struct ClientView {
    index: Arc<Index>,
    is_super_user: bool,
    /// Places in [`Index::tables`].
    tables: Box<[usize]>,
}

/// The answer to "may this client do that?".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Yes or no.
    pub allowed: bool,
    /// What decided it.
    pub rule: Rule,
}

/// What decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// The client is a super user.
    SuperUser,
    /// The topic is the one that doorkeeper keeps for itself ([`Settings::reserved_topic`]).
    ReservedTopic,
    /// This binding, of those that decide the first denial or the last permission that Kafka's scan would meet.
    Binding(Arc<Binding>),
    /// No binding at all matches the resource: `allow.everyone.if.no.acl.found`, whose value this holds, decides.
    NoAclFound(bool),
    /// Bindings match the resource, but none of them applies to this client and operation.
    DefaultDeny,
}

impl fmt::Display for Rule {
    /// As at the end of a line of Kafka's audit log (`StandardAuthorizerData`, "based on rule ...").
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::SuperUser => f.write_str("SuperUser"),
            Rule::ReservedTopic => f.write_str("ReservedTopic"),
            Rule::Binding(binding) => write!(f, "MatchingAcl(acl={binding})"),
            Rule::NoAclFound(true) => f.write_str("DefaultAllow"),
            Rule::NoAclFound(false) | Rule::DefaultDeny => f.write_str("DefaultDeny"),
        }
    }
}

impl Authorizer {
    /// Indexes the bindings. Duplicates count once.
    pub fn new(bindings: Vec<Binding>, settings: Settings) -> Authorizer {
        Authorizer::sharing(bindings.into_iter().map(Arc::new).collect(), settings)
    }

    /// As [`Authorizer::new`], of bindings that others hold as well.
    pub fn sharing(bindings: Vec<Arc<Binding>>, settings: Settings) -> Authorizer {
        Authorizer { index: Arc::new(Index::new(bindings, settings)) }
    }

    /// All bindings, each once, in the order of Kafka's scan: by resource type, then by name from last to first.
    pub fn bindings(&self) -> &[Arc<Binding>] {
        &self.index.bindings
    }

    /// The view of a client, whose principal is written `Type:name`.
    pub fn client(&self, principal: &str, address: IpAddr) -> ClientView {
        let index = Arc::clone(&self.index);
        let is_super_user = index.super_users.contains(principal);
        let tables = if is_super_user { Box::default() } else { index.tables_for(principal, address) };
        ClientView { index, is_super_user, tables }
    }
}

impl ClientView {
    /// All bindings of the generation, whoever they are for; as [`Authorizer::bindings`].
    pub fn bindings(&self) -> &[Arc<Binding>] {
        &self.index.bindings
    }

    /// Decides as `StandardAuthorizer.authorize` does.
    pub fn decide(&self, operation: Operation, resource_type: ResourceType, name: &str) -> Decision {
        if self.is_super_user {
            return Decision { allowed: true, rule: Rule::SuperUser };
        }
        if self.index.is_reserved(resource_type, name) {
            return Decision { allowed: false, rule: Rule::ReservedTopic };
        }
        let bindings = &self.index.bindings;
        let (denied, allowed) = self.operations(resource_type, name);
        let place = if denied & operation.bit() != 0 {
            self.matches(resource_type, name)
                .filter_map(|found| found.first_denial(bindings, operation))
                .min()
        } else if allowed & operation.bit() != 0 {
            self.matches(resource_type, name)
                .filter_map(|found| found.last_permission(bindings, operation))
                .max()
        } else {
            None
        };
        match place {
            Some((_, place)) => self.decided_by(place),
            None => self.index.default_decision(resource_type, name),
        }
    }

    /// Whether [`decide`](Self::decide) allows, without saying why: the faster question.
    pub fn allows(&self, operation: Operation, resource_type: ResourceType, name: &str) -> bool {
        if self.is_super_user {
            return true;
        }
        if self.index.is_reserved(resource_type, name) {
            return false;
        }
        let (denied, allowed) = self.operations(resource_type, name);
        match (denied & operation.bit() != 0, allowed & operation.bit() != 0) {
            (true, _) => false,
            (false, true) => true,
            (false, false) => self.index.default_decision(resource_type, name).allowed,
        }
    }

    /// Whether the client may do this to at least one resource of the type, as the default method
    /// `Authorizer.authorizeByResourceType` of Kafka reckons it.
    pub fn decide_by_resource_type(&self, operation: Operation, resource_type: ResourceType) -> Decision {
        // Kafka's way to let super users and an open default in. It makes a binding on a topic of this name count.
        let plain = self.decide(operation, resource_type, "hardcode");
        if plain.allowed {
            return plain;
        }
        let bindings = &self.index.bindings;
        let on_any_name = |permission| {
            self.patterns(resource_type)
                .filter_map(move |found| found.on_any_name(bindings, permission, operation))
                .min()
        };
        if let Some(place) = on_any_name(Permission::Deny).or_else(|| on_any_name(Permission::Allow)) {
            return self.decided_by(place);
        }
        self.patterns(resource_type)
            .flat_map(Patterns::places)
            .copied()
            .filter(|&place| bindings[place].names(Permission::Allow, operation))
            .find(|&place| !self.is_dominated(&bindings[place], operation))
            .map_or(Decision { allowed: false, rule: Rule::DefaultDeny }, |place| self.decided_by(place))
    }

    /// Whether the client may do this to every resource of the type, whatever it is called (but for names that begin with
    /// an asterisk, which no topic has). Where only some names are denied, the answer is no though none of them may exist.
    pub fn allows_every(&self, operation: Operation, resource_type: ResourceType) -> bool {
        let places = self.patterns(resource_type).flat_map(Patterns::places);
        let mut bindings = places
            .map(|&place| &self.index.bindings[place])
            .filter(|binding| binding.operations() & operation.bit() != 0);
        let is_on_any_name = |binding: &Binding| {
            binding.pattern_type == PatternType::Literal && binding.resource_name == WILDCARD
        };
        // Of the topics, one is nobody's.
        let has_reserved = resource_type == ResourceType::Topic && self.index.reserved_topic.is_some();
        self.is_super_user
            || !has_reserved
                && bindings.try_fold(false, |every, binding| match binding.permission {
                    Permission::Allow => Some(every || is_on_any_name(binding)),
                    Permission::Deny => None,
                }) == Some(true)
    }

    /// Whether this client may do less by `newer` than by this view. Where that would take long to find out, the answer is
    /// yes; it is no only when nothing is lost.
    pub fn may_lose(&self, newer: &ClientView) -> bool {
        if newer.is_super_user || self.is_super_user {
            return !newer.is_super_user;
        }
        let (was_open, is_open) =
            (self.index.allow_everyone_if_no_acl_found, newer.index.allow_everyone_if_no_acl_found);
        let known: HashSet<&Binding> = self.index.bindings.iter().map(|binding| &**binding).collect();
        // Whatever a resource has the first binding for, whoever that is for, is open no longer.
        let is_closed = was_open && (!is_open || newer.bindings().iter().any(|it| !known.contains(&**it)));
        let (own, newer_own): (HashSet<_>, HashSet<_>) = (self.own().collect(), newer.own().collect());
        let is_allowed = |binding: &&&Binding| binding.permission == Permission::Allow;
        is_closed
            || own.iter().filter(is_allowed).any(|binding| !newer_own.contains(*binding))
            || newer_own.iter().filter(|binding| !is_allowed(binding)).any(|binding| !own.contains(*binding))
    }

    /// The bindings that can apply to the client.
    fn own(&self) -> impl Iterator<Item = &Binding> {
        let types = self.tables.iter().flat_map(|&table| self.index.tables[table].by_type.iter());
        types.flat_map(|(_, patterns)| patterns.places()).map(|&place| &*self.index.bindings[place])
    }

    /// The `authorized_operations` field of a resource: bit `n` is set when the client may do the operation of code `n`,
    /// for the operations that Kafka reports for the type. An older broker reports fewer: AND this with its own answer.
    pub fn allowed_operations(&self, resource_type: ResourceType, name: &str) -> i32 {
        let reported = resource_type.operations().iter().fold(0, |bits, operation| bits | operation.bit());
        let bits = if self.is_super_user {
            reported
        } else if self.index.is_reserved(resource_type, name) {
            0
        } else {
            let (denied, allowed) = self.operations(resource_type, name);
            match denied | allowed {
                0 if self.index.default_decision(resource_type, name).allowed => reported,
                _ => reported & allowed & !denied,
            }
        };
        bits.cast_signed()
    }

    /// Whether a topic is one that the client may not touch, whatever it may do to the cluster
    /// ([`Settings::reserved_topic`]).
    pub fn is_reserved(&self, topic: &str) -> bool {
        !self.is_super_user && self.index.is_reserved(ResourceType::Topic, topic)
    }

    /// What is known of a resource.
    pub fn known(&self, resource_type: ResourceType, name: &str) -> Known {
        match self.index.all.of(resource_type) {
            _ if self.index.is_reserved(resource_type, name) => Known::ByName,
            Some(patterns) => patterns.matching(name).known(),
            None => Known::Nothing,
        }
    }

    /// Whether the client's principal is a super user.
    pub fn is_super_user(&self) -> bool {
        self.is_super_user
    }

    fn patterns(&self, resource_type: ResourceType) -> impl Iterator<Item = &Patterns> {
        self.tables.iter().filter_map(move |&table| self.index.tables[table].of(resource_type))
    }

    fn matches<'a>(
        &'a self,
        resource_type: ResourceType,
        name: &'a str,
    ) -> impl Iterator<Item = Matches<'a>> {
        self.patterns(resource_type).map(|patterns| patterns.matching(name))
    }

    fn operations(&self, resource_type: ResourceType, name: &str) -> (u32, u32) {
        self.matches(resource_type, name)
            .map(|found| found.operations())
            .fold((0, 0), |(denied, allowed), (more_denied, more_allowed)| {
                (denied | more_denied, allowed | more_allowed)
            })
    }

    /// Whether denials take away all that the permission gives. A literal denial does not take away a prefix.
    fn is_dominated(&self, permission: &Binding, operation: Operation) -> bool {
        let is_literal = permission.pattern_type == PatternType::Literal;
        self.matches(permission.resource_type, &permission.resource_name).any(|found| {
            found.is_denied_by_prefix(operation) || is_literal && found.is_denied_by_literal(operation)
        })
    }

    fn decided_by(&self, place: Place) -> Decision {
        let binding = Arc::clone(&self.index.bindings[place]);
        Decision { allowed: binding.permission == Permission::Allow, rule: Rule::Binding(binding) }
    }
}
