//! What a rule may look at while it decides a request: who asks, what the ACLs allow, what is known of the broker.

mod grounds;
mod group_protocols;

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::fetch_sessions::FetchSessions;
use super::messages::{
    ApiVersionsResponse, GetTelemetrySubscriptionsRequest, ListConfigResourcesRequest, PushTelemetryRequest,
};
use super::share_sessions::ShareSessions;
use super::subscriptions::Subscriptions;
use super::waiting_members::WaitingMembers;
use super::wire::{Message, Str, Uuid};
use crate::model::acl::{CLUSTER_NAME, ClientView, Decision, Operation, ResourceType};
use crate::model::advertise::{Advertised, Unmapped};

pub use super::streams_settings::StreamsSettings;
use crate::model::sasl::users::Users;
pub use grounds::{Ground, Grounds, Instead, Last, Number, Remedy, Right};
pub use group_protocols::{GroupProtocol, GroupProtocols};

/// The view of one client, while one of its requests is decided or its answer is looked at.
pub struct Access<'a> {
    /// The version of the request, which is that of its answer too.
    pub version: i16,
    /// The request's client id.
    pub client_id: &'a str,
    /// Who asks, as `User:alice`.
    pub principal: &'a str,
    /// Where from, as Kafka prints an address.
    pub host: &'a Arc<str>,
    /// The ACLs as they matter for this client.
    pub view: &'a ClientView,
    /// Which set of ACLs `view` was made from: a number that changes with every change.
    pub generation: u64,
    /// The addresses that clients are told.
    pub advertised: &'a Advertised,
    /// The names of topic ids.
    pub topics: &'a dyn TopicNames,
    /// Where the members of groups connect from.
    pub members: &'a dyn Members,
    /// What is known of the broker.
    pub broker: &'a Broker,
    /// The fetch sessions of this connection.
    pub fetch_sessions: &'a mut FetchSessions,
    /// The share sessions of this connection.
    pub share_sessions: &'a mut ShareSessions,
    /// What members of consumer groups have subscribed to by pattern.
    pub subscriptions: &'a Subscriptions,
    /// Who logs in here by SCRAM, where users are kept.
    pub users: Option<&'a dyn UserDirectory>,
    /// Members of streams groups that the broker has not heard of yet.
    pub waiting: &'a WaitingMembers,
    /// What the requests under way were allowed by.
    pub grounds: &'a mut Grounds,
    /// Hears of everything that is noteworthy.
    pub observer: &'a mut dyn DecisionObserver,
}

/// Who knows the users.
pub trait UserDirectory: Send + Sync {
    /// The users that there are.
    fn users(&self) -> Arc<Users>;
}

/// Hears of what happens while a request is decided: the audit trail and the metrics.
pub trait DecisionObserver {
    /// A decision was made, `count` times for the same resource of this request.
    fn decided(&mut self, checked: &Checked<'_>);
    /// What the rule keeps until the request is answered takes so many bytes, roughly: more than the request's length
    /// tells, since it is of what was said before.
    fn keeps(&mut self, _bytes: usize) {}
    /// A broker's address could not be mapped and was withheld.
    fn unmapped(&mut self, node: i32, unmapped: &Unmapped);
}

/// Hears of nothing.
struct NoObserver;

impl DecisionObserver for NoObserver {
    fn decided(&mut self, _: &Checked<'_>) {}
    fn unmapped(&mut self, _: i32, _: &Unmapped) {}
}

/// One decision.
pub struct Checked<'a> {
    /// What was asked for.
    pub operation: Operation,
    /// On what kind of resource.
    pub resource_type: ResourceType,
    /// The resource's name.
    pub name: &'a str,
    /// How often the request names the resource.
    pub count: usize,
    /// What was decided, and by which rule.
    pub decision: &'a Decision,
    /// Whether a denial is only a step on the way and not to be reported (`logIfDenied = false`).
    pub silent: bool,
    /// The ACLs that it was decided by.
    pub view: &'a ClientView,
}

impl Access<'_> {
    /// Whether the client may do `operation` on the resource; a denial is reported.
    pub fn allows(&mut self, operation: Operation, resource_type: ResourceType, name: &str) -> bool {
        self.check(operation, resource_type, name, 1, false)
    }

    /// As [`Access::allows`], for a resource that the request names `count` times.
    pub fn allows_all(
        &mut self,
        operation: Operation,
        resource_type: ResourceType,
        name: &str,
        count: usize,
    ) -> bool {
        self.check(operation, resource_type, name, count, false)
    }

    /// Whether the client may; a denial is only a step on the way and not reported.
    pub fn allows_silently(&mut self, operation: Operation, resource_type: ResourceType, name: &str) -> bool {
        self.check(operation, resource_type, name, 1, true)
    }

    /// Whether the client may do `operation` on the cluster.
    pub fn allows_cluster(&mut self, operation: Operation) -> bool {
        self.allows(operation, ResourceType::Cluster, CLUSTER_NAME)
    }

    /// As [`Access::allows_cluster`], without a report of the denial.
    pub fn allows_cluster_silently(&mut self, operation: Operation) -> bool {
        self.allows_silently(operation, ResourceType::Cluster, CLUSTER_NAME)
    }

    /// Whether the client may do `operation` on at least one resource of the type
    /// (`Authorizer.authorizeByResourceType`).
    pub fn allows_any(&mut self, operation: Operation, resource_type: ResourceType) -> bool {
        let allowed = self.view.decide_by_resource_type(operation, resource_type).allowed;
        if allowed {
            self.grounds.need(Ground::Any(operation, resource_type), "");
        }
        allowed
    }

    /// Whether the client has what is enough in the place of another right; nobody hears of it when not.
    pub fn has_instead(&mut self, instead: Instead) -> bool {
        match instead.enough {
            Ground::Named(operation, resource_type) => {
                self.allows_silently(operation, resource_type, CLUSTER_NAME)
            }
            Ground::Any(operation, resource_type) => self.allows_any(operation, resource_type),
            Ground::Every(operation, resource_type) => self.allows_every(operation, resource_type),
            Ground::SuperUser => self.is_super_user(),
        }
    }

    /// Whether the client may do `operation` on every resource of the type, whatever it is called.
    pub fn allows_every(&mut self, operation: Operation, resource_type: ResourceType) -> bool {
        let allowed = self.view.allows_every(operation, resource_type);
        if allowed {
            self.grounds.need(Ground::Every(operation, resource_type), "");
        }
        allowed
    }

    /// Whether the client is a super user.
    pub fn is_super_user(&mut self) -> bool {
        let is_super_user = self.view.is_super_user();
        if is_super_user {
            self.grounds.need(Ground::SuperUser, "");
        }
        is_super_user
    }

    /// Whether a topic is one that the client may not touch, whatever it may do to the cluster.
    pub fn is_reserved(&mut self, topic: &str) -> bool {
        !self.is_super_user() && self.view.is_reserved(topic)
    }

    /// The request reads a topic that it does not name, and that was found readable before.
    pub fn reads(&mut self, topic: &str) {
        self.grounds.need(Ground::Named(Operation::Read, ResourceType::Topic), topic);
    }

    /// The request reads what its fetch session holds, named or not.
    pub fn reads_session(&mut self) {
        self.grounds.need_session();
    }

    /// A fetch session holds a topic no longer. What was asked for before may still read it.
    pub fn leaves_session(&mut self, topic: &str) {
        self.grounds.leave_session(Ground::Named(Operation::Read, ResourceType::Topic), topic);
    }

    /// `upstream`, the operations that a broker without authorizer reports, less what the client may not do. Where the
    /// broker reports none, because nobody asked for them, none are.
    pub fn authorized_operations(&self, upstream: i32, resource_type: ResourceType, name: &str) -> i32 {
        match upstream {
            NOT_ASKED_FOR => NOT_ASKED_FOR,
            upstream => upstream & self.view.allowed_operations(resource_type, name),
        }
    }

    /// Lets `f` decide without anybody hearing of it.
    pub fn unobserved<T>(&mut self, f: impl FnOnce(&mut Access<'_>) -> T) -> T {
        f(&mut Access {
            fetch_sessions: self.fetch_sessions,
            share_sessions: self.share_sessions,
            grounds: self.grounds,
            observer: &mut NoObserver,
            ..*self
        })
    }

    /// The client takes part in a group as this member, if the broker says so.
    pub fn saw_member(&self, group: &str, member: &str) {
        self.members.saw(group, member, self.host);
    }

    /// Replaces a member's host in a description of its group, as `/10.0.0.7`, if it is known: the broker sees doorkeeper's.
    pub fn rehost(&self, group: &str, member: &str, client_host: &mut Str) {
        if let Some(host) = self.members.host(group, member) {
            *client_host = Str::from(format!("/{host}"));
        }
    }

    /// The name of a topic id, if it is known.
    pub fn topic_name(&self, id: &Uuid) -> Option<Str> {
        self.topics.name(id)
    }

    fn check(
        &mut self,
        operation: Operation,
        resource_type: ResourceType,
        name: &str,
        count: usize,
        silent: bool,
    ) -> bool {
        let (view, generation) = (self.view, self.generation);
        let decision = self.grounds.decide((view, generation), operation, resource_type, name);
        let checked = Checked { operation, resource_type, name, count, decision: &decision, silent, view };
        self.observer.decided(&checked);
        decision.allowed
    }
}

/// The value of an authorized-operations field that nobody asked for (`MetadataResponse.AUTHORIZED_OPERATIONS_OMITTED`).
pub const NOT_ASKED_FOR: i32 = i32::MIN;

/// The names of topic ids. An id is never used twice and a topic cannot be renamed, so an entry never becomes wrong.
pub trait TopicNames {
    /// The name of `id`.
    fn name(&self, id: &Uuid) -> Option<Str>;
    /// Remembers the name of `id`.
    fn learn(&self, id: Uuid, name: &str);
}

/// Where the members of groups connect from: the broker, which tells it to whoever describes a group, sees doorkeeper's
/// address only.
pub trait Members {
    /// A client at `host` takes part in a group as this member. Without a name the broker gives it one.
    fn saw(&self, group: &str, member: &str, host: &Arc<str>);
    /// Where the member was last seen.
    fn host(&self, group: &str, member: &str) -> Option<Arc<str>>;
}

/// What is known of the broker behind a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    /// The versions it serves, by API key; an empty range where it does not serve the API.
    versions: Vec<(i16, i16)>,
    /// Its settings, as far as they show in answers.
    pub settings: BrokerSettings,
}

/// What else of a broker changes what Kafka answers to somebody who may not do everything. Clients are not told of it;
/// it is asked for from time to time. `None` is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BrokerSettings {
    /// `auto.create.topics.enable`
    pub auto_create_topics: Option<bool>,
    /// `delete.topic.enable`
    pub delete_topics: Option<bool>,
    /// The protocols for groups that are on.
    pub group_protocols: GroupProtocols,
    /// What members of streams groups are told.
    pub streams: StreamsSettings,
}

impl Broker {
    const UNSERVED: (i16, i16) = (0, -1);

    /// What a broker says of itself in ApiVersions.
    pub fn new(answer: &ApiVersionsResponse, settings: BrokerSettings) -> Self {
        let highest = answer.api_keys.iter().map(|api| api.api_key).max().unwrap_or(-1).min(1023);
        let mut versions = vec![Self::UNSERVED; usize::try_from(highest + 1).unwrap_or_default()];
        for api in &answer.api_keys {
            if let Some(entry) = usize::try_from(api.api_key).ok().and_then(|key| versions.get_mut(key)) {
                *entry = (api.min_version, api.max_version);
            }
        }
        let mut broker = Self { versions, settings };
        broker.add_telemetry();
        broker
    }

    /// A broker without a receiver for clients' metrics does not tell that it knows of them, but answers whoever asks.
    fn add_telemetry(&mut self) {
        const TELEMETRY: [i16; 2] = [GetTelemetrySubscriptionsRequest::KEY, PushTelemetryRequest::KEY];
        if self.versions(ListConfigResourcesRequest::KEY).is_empty() {
            // What is subscribed to is a resource that came with the API which lists it (KIP-714).
            return;
        }
        for key in TELEMETRY {
            let entry = usize::try_from(key).ok().and_then(|key| self.versions.get_mut(key));
            if let Some(entry) = entry.filter(|entry| **entry == Self::UNSERVED) {
                *entry = (0, 0);
            }
        }
    }

    /// The versions of the API that the broker serves.
    pub fn versions(&self, key: i16) -> RangeInclusive<i16> {
        let served = usize::try_from(key).ok().and_then(|key| self.versions.get(key));
        let (low, high) = *served.unwrap_or(&Self::UNSERVED);
        low..=high
    }

    /// The newest version of `M` that both the broker and we speak, of those in `wanted`.
    pub fn newest<M: Message>(&self, wanted: RangeInclusive<i16>) -> Option<i16> {
        let served = self.versions(M::KEY);
        let newest = *served.end().min(M::VERSIONS.end()).min(wanted.end());
        (newest >= *served.start().max(M::VERSIONS.start()).max(wanted.start())).then_some(newest)
    }
}
