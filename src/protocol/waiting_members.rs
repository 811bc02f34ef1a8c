//! Members of streams groups that the broker must not hear of yet (KIP-1071).
//!
//! A broker that knows no ACLs would create for a member what the group's topology lacks, and no request that makes it a
//! member keeps it from that. So a member that may not create these topics joins here, and is told what Kafka tells one that
//! has joined and waits. What it said when it joined is remembered: with it the member joins at the broker, once nothing is
//! missing any more, or somebody lets it create. All of that is bounded by what each principal may have remembered.

mod members;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::messages::StreamsGroupHeartbeatRequest;
use super::messages::streams_group_heartbeat_request::Endpoint;
use super::streams_settings::StreamsSettings;
use super::wire::{Fault, Message, Str};
use members::Groups;

/// The members that wait, of all groups of a cluster.
#[derive(Default)]
pub struct WaitingMembers(Mutex<Groups>);

/// What a member said when it joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// Who said so; others cannot go on in its name.
    pub principal: Arc<str>,
    /// From where.
    pub host: Arc<str>,
    /// The client id.
    pub client_id: Box<str>,
    /// The instance id of a static member.
    pub instance_id: Option<Box<str>>,
    /// The epoch of the topology that it brought.
    pub topology_epoch: i32,
    /// Where its application is.
    pub endpoint: Option<(Box<str>, u16)>,
    /// What its group's members are told.
    pub settings: StreamsSettings,
    version: i16,
    body: Bytes,
}

impl Joined {
    /// What is to be remembered of a request with which a member joins.
    ///
    /// # Errors
    /// The request cannot be written in this version.
    pub fn new(
        request: &StreamsGroupHeartbeatRequest,
        version: i16,
        (principal, host, client_id): (&str, &Arc<str>, &str),
        settings: StreamsSettings,
    ) -> Result<Self, Fault> {
        let mut body = Vec::new();
        request.encode(version, &mut body)?;
        let endpoint = |at: &Endpoint| (Box::from(&*at.host), at.port);
        Ok(Self {
            principal: principal.into(),
            host: host.clone(),
            client_id: client_id.into(),
            instance_id: request.instance_id.as_deref().map(Box::from),
            topology_epoch: request.topology.as_ref().map_or(0, |topology| topology.epoch),
            endpoint: request.user_endpoint.as_ref().map(endpoint),
            settings,
            version,
            body: Bytes::from(body.into_boxed_slice()),
        })
    }

    /// How long the request is, in bytes.
    pub fn size(&self) -> usize {
        self.body.len()
    }

    /// The request.
    ///
    /// # Errors
    /// None in practice: it has been written here.
    pub fn request(&self) -> Result<StreamsGroupHeartbeatRequest, Fault> {
        StreamsGroupHeartbeatRequest::decode(&self.body, self.version)
    }
}

/// A member that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// What it said when it joined.
    pub joined: Arc<Joined>,
    /// The epoch that it was told, and the one before.
    pub epochs: (i32, i32),
}

/// A group of which members wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingGroup {
    /// Its epoch, and that of the assignment.
    pub epochs: (i32, i32),
    /// Who has brought the group's topology.
    pub first: Arc<Joined>,
    /// The members that wait, by their ids.
    pub members: Vec<(Str, Waiting)>,
}

/// What the broker knows of a group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AtBroker {
    /// The group's epoch; 0 where there is none.
    pub epoch: i32,
    /// The epoch of the assignment.
    pub assignment_epoch: i32,
    /// Whether it has members.
    pub has_members: bool,
}

/// What a member is told that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its epoch.
    pub epoch: i32,
    /// Whether others are waited for before tasks are assigned.
    pub is_delayed: bool,
    /// Which member has asked for the application's end.
    pub shutdown: Option<Str>,
    /// Which state of the endpoints it is.
    pub endpoint_epoch: i32,
}

/// Why a member cannot wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unable {
    /// As much is remembered of its principal as may be.
    NoRoom,
    /// Another member has its instance id.
    InstanceInUse(Str),
}

impl WaitingMembers {
    /// A member joins, or joins again.
    ///
    /// # Errors
    /// It cannot; if it has waited before it still does.
    pub fn join(
        &self,
        (group_id, member_id): (&str, &str),
        joined: Joined,
        at_broker: AtBroker,
        shutdown: bool,
    ) -> Result<Told, Unable> {
        self.groups().join((group_id, member_id), joined, at_broker, shutdown)
    }

    /// A member that waits is heard of.
    pub fn beat(&self, (group_id, member_id): (&str, &str), shutdown: bool) -> Option<Told> {
        self.groups().beat((group_id, member_id), shutdown)
    }

    /// The member that waits, if it is this principal's.
    pub fn find(&self, group_id: &str, member_id: &str, principal: &str) -> Option<Waiting> {
        self.groups().find(group_id, member_id).filter(|waiting| *waiting.joined.principal == *principal)
    }

    /// Who of those in a group who wait has brought its topology.
    pub fn first(&self, group_id: &str) -> Option<Arc<Joined>> {
        self.groups().first(group_id)
    }

    /// Those of a group who wait.
    pub fn of_group(&self, group_id: &str) -> Option<WaitingGroup> {
        self.groups().describe(group_id)
    }

    /// The groups of which somebody waits.
    pub fn group_ids(&self) -> Vec<Str> {
        self.groups().ids()
    }

    /// A member waits no longer, as long as it has not joined again since.
    pub fn forget(&self, group_id: &str, member_id: &str, joined: &Arc<Joined>) {
        self.groups().forget(group_id, member_id, joined);
    }

    /// A second has passed.
    pub fn tick(&self) {
        self.groups().tick();
    }

    fn groups(&self) -> MutexGuard<'_, Groups> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
