//! A client's rights, and all else that the rules look at when they decide its requests.

use std::sync::Arc;

use super::group_members::{ClaimedMember, MemberObserver};
use super::{ReceivedRequest, RequestId, SMALL};
use crate::model::acl::ClientView;
use crate::net::client::Client;
use crate::net::context::ListenerContext;
use crate::net::request_audit::{Observed, RequestAudit};
use crate::protocol::access::{Access, Broker, Grounds};
use crate::protocol::fetch_sessions::FetchSessions;
use crate::protocol::header::RequestHeader;
use crate::protocol::share_sessions::ShareSessions;

/// What an [`Access`] is made of: it lives as long as the connection.
pub(super) struct AccessState {
    pub(super) context: Arc<ListenerContext>,
    pub(super) client: Arc<Client>,
    /// The ACLs as they matter for the client, and their generation.
    pub(super) view: ClientView,
    pub(super) generation: u64,
    pub(super) broker: Broker,
    pub(super) fetch_sessions: FetchSessions,
    pub(super) share_sessions: ShareSessions,
    /// What the requests under way were allowed by.
    pub(super) grounds: Box<Grounds>,
    /// The member of a group in whose name the request comes that is being decided.
    claimed_member: Option<Box<ClaimedMember>>,
}

impl AccessState {
    pub(super) fn new(context: Arc<ListenerContext>, client: Arc<Client>, broker: Broker) -> Self {
        let (view, generation) = context.view(&client);
        Self {
            context,
            client,
            view,
            generation,
            broker,
            fetch_sessions: FetchSessions::default(),
            share_sessions: ShareSessions::default(),
            grounds: Box::default(),
            claimed_member: None,
        }
    }

    /// Another request is decided from here on.
    pub(super) fn begin(&mut self) {
        self.grounds.begin();
        self.claimed_member = None;
    }

    /// The member in whose name the request came that has been decided, unless that has been asked for.
    pub(super) fn take_claimed_member(&mut self) -> Option<Box<ClaimedMember>> {
        self.claimed_member.take()
    }

    /// Whether a right is gone that the request was allowed by which is being decided, or waits.
    pub(super) fn has_lost_noted(&self) -> bool {
        self.grounds.has_lost_noted(&self.view)
    }

    /// How many bytes it holds beyond the few that nearly all clients need for as long as they live.
    pub(super) fn memory(&self) -> usize {
        let lasting = self.fetch_sessions.size() + self.share_sessions.size() + self.grounds.size();
        lasting.saturating_sub(SMALL)
    }

    /// As [`AccessState::with`], for a request that is being decided: what is allowed is what it needs.
    pub(super) fn decide<T>(
        &mut self,
        request: RequestId,
        client_id: &[u8],
        observed: &mut Observed,
        f: impl FnOnce(&mut Access<'_>) -> T,
    ) -> T {
        self.grounds.set_deciding(true);
        let decided = self.with(request, client_id, Some(observed), f);
        self.grounds.set_deciding(false);
        decided
    }

    /// As [`AccessState::decide`], for a request that has waited.
    pub(super) fn decide_waiting<T>(
        &mut self,
        request: &ReceivedRequest,
        observed: &mut Observed,
        f: impl FnOnce(&mut Access<'_>) -> T,
    ) -> T {
        let frame = request.frame.clone();
        let client_id = RequestHeader::read(frame.get(4..).unwrap_or_default())
            .map(|header| header.client_id)
            .unwrap_or_default();
        self.decide(request.id, client_id, observed, f)
    }

    /// All that is looked at in one turn is looked at by the ACLs that were in force when it began; see
    /// [`super::Session::renew`]. Without `observed` nothing is decided: nobody is told of what was asked.
    pub(super) fn with<T>(
        &mut self,
        request: RequestId,
        client_id: &[u8],
        observed: Option<&mut Observed>,
        f: impl FnOnce(&mut Access<'_>) -> T,
    ) -> T {
        self.broker.settings = **self.context.upstream.settings.load();
        let cluster = self.context.upstream.cluster.load();
        let client_id = String::from_utf8_lossy(client_id);
        let row = observed.is_some().then_some(request.row);
        let mut unobserved = Observed::default();
        let members = MemberObserver::new(&cluster.members, row);
        let mut observer = RequestAudit {
            context: &self.context,
            client: &self.client,
            client_id: &client_id,
            row,
            version: request.version,
            correlation_id: request.correlation_id,
            observed: observed.unwrap_or(&mut unobserved),
            record: None,
        };
        let found = f(&mut Access {
            version: request.version,
            client_id: &client_id,
            principal: &self.client.principal,
            view: &self.view,
            generation: self.generation,
            advertised: &self.context.advertised,
            host: &self.client.host,
            topics: &cluster.topics,
            members: &members,
            broker: &self.broker,
            fetch_sessions: &mut self.fetch_sessions,
            share_sessions: &mut self.share_sessions,
            subscriptions: &cluster.subscriptions,
            users: self.context.users(),
            waiting: &cluster.waiting,
            grounds: &mut self.grounds,
            observer: &mut observer,
        });
        if let Some(seen) = members.into_seen() {
            self.claimed_member = Some(seen);
        }
        found
    }
}
