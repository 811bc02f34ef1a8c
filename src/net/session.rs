//! One client's conversation with one broker, in bytes: which requests go on, what the client is owed for them, and what
//! becomes of the broker's answers. No sockets and no TLS: [`super::relay`] brings the bytes and takes them away.
//!
//! Kafka answers the requests of a connection in order, so what the client is owed is a queue: refusals find their place
//! in it, and its length is the back-pressure.

mod actions;
mod answers;
mod frames;
mod group_members;
mod memory;
mod requests;
mod revocation;
mod work;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use super::budget::MemoryPermit;
use super::client::Client;
use super::close::Close;
use super::context::{ListenerContext, ProcessContext};
use super::request_audit::{Observed, RequestAudit};
use crate::model::acl::ClientView;
use crate::protocol::access::{Access, Broker, Grounds, Number};
use crate::protocol::api::{Answer, AnswerWatch, Ask, RequestWatch, Row};
use crate::protocol::fetch_sessions::FetchSessions;
use crate::protocol::share_sessions::ShareSessions;

pub use frames::{CLIENT_ID, frame};
use group_members::{ClaimedMember, MemberObserver};
use memory::Reservation;
use work::AfterWork;
pub use work::{Done, Work};

/// A frame longer than this reserves memory from the budget that all connections share.
const LARGE: usize = 1024 * 1024;
/// How many times its length a request takes while it is decided: what it says, entry by entry, and what is refused. 40
/// times has been measured for the names of a Metadata request, and shorter names take more.
const DECIDING: usize = 64;
/// The same of a request with records, which are not taken apart: 29 times has been measured where there are none. A
/// long one takes no more than a few times its length and so much, since the reader of messages allows no more.
const DECIDING_RECORDS: usize = 32;
const BESIDE_RECORDS: usize = 64 * 1024 * 1024;
const LONG_RECORDS: usize = 2;
/// How long one connection may keep a thread busy before the others of the thread have their turn.
pub const SLICE: Duration = Duration::from_millis(2);
/// What a connection may hold without the shared budget standing for it, in bytes.
pub const SMALL: usize = 64 * 1024;
/// A request without records that is longer than this, or an answer that is rewritten, may take a thread for long.
const HEAVY: usize = 256 * 1024;
/// How many times its length an answer takes while it is rewritten.
const REWRITING: usize = 4;
/// The length, the correlation id.
const ANSWER_HEAD: usize = 8;

/// What a session waits for before it can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// More bytes.
    Bytes,
    /// That fewer responses are pending.
    Room,
    /// Memory for a frame of this many bytes, from the shared budget.
    Memory(usize),
    /// Nothing; it is others' turn.
    Turn,
}

/// Takes plaintext for the client.
pub trait Sink {
    /// Sends all of it.
    fn send(&mut self, plaintext: &[u8]) -> Result<(), Close>;
    /// Whether so much is on its way that nothing is to be added that can wait.
    fn is_full(&self) -> bool;
}

/// One client's conversation with one broker.
pub struct Session {
    context: Arc<ListenerContext>,
    client: Arc<Client>,
    view: ClientView,
    generation: u64,
    broker: Broker,
    pending: VecDeque<PendingResponse>,
    pending_bytes: usize,
    pinned: usize,
    /// What is owed holds so many bytes that the shared budget does not stand for.
    unreserved: usize,
    /// The shared budget has nothing left for what the connection holds.
    is_short: bool,
    /// The request that waits for the answer to a question of ours, or for work beside the session.
    held: Option<ReceivedRequest>,
    /// The work that it waits for, until somebody takes it to do it.
    work: Option<Work>,
    /// What the outcome of that work leads to.
    after_work: Option<AfterWork>,
    /// How many bytes of a request, already decided, are still to come.
    passing: usize,
    /// Who looks at them.
    watch: Option<Box<dyn RequestWatch>>,
    /// How much of the next request had come when its head was last looked at.
    looked_at: usize,
    answer_state: AnswerState,
    ending: Option<Close>,
    fetch_sessions: FetchSessions,
    share_sessions: ShareSessions,
    /// What the requests under way were allowed by.
    grounds: Box<Grounds>,
    /// The client has asked for SASL.
    wants_sasl: bool,
    /// The member of a group in whose name the request comes that is being decided.
    claimed_member: Option<Box<ClaimedMember>>,
    /// Memory of the shared budget that a large frame holds while it arrives: request, answer.
    request_memory: Option<MemoryPermit>,
    answer_memory: Option<MemoryPermit>,
    /// The same of answers that have been handed on; it is free when they have been sent.
    handed_on: Vec<MemoryPermit>,
}

/// A request on its way.
struct ReceivedRequest {
    row: &'static Row,
    version: i16,
    correlation_id: i32,
    /// The whole frame, length included, and where in it the body begins. A request that is passed on while it arrives
    /// is here only as far as it had come.
    frame: Bytes,
    body: usize,
    /// What a large one holds of the shared budget: for the frame, and for deciding on it.
    memory: Option<Arc<MemoryPermit>>,
    deciding: Option<MemoryPermit>,
}

/// What the client, or we ourselves, are owed.
struct PendingResponse {
    row: &'static Row,
    version: i16,
    correlation_id: i32,
    since: Instant,
    /// Its place in the order of what went to the broker; 0 if it did not.
    number: Number,
    kind: ResponseKind,
    /// The memory that `kind` takes.
    kept: Reservation,
    /// Counts the request as under way while the broker owes its answer.
    _under_way: Option<UnderWay>,
}

struct UnderWay(Arc<ProcessContext>);

impl UnderWay {
    fn new(process: &Arc<ProcessContext>) -> Self {
        process.metrics.inflight_requests().inc();
        Self(process.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.metrics.inflight_requests().dec();
    }
}

enum ResponseKind {
    /// Our own answer, a whole frame.
    Reply(Vec<u8>),
    /// The broker's answer to the client.
    Answer(Answer),
    /// The broker's answer to us.
    Own(Ask),
}

/// How far the broker's current answer has been read.
enum AnswerState {
    /// Its head, so many bytes of it.
    Head([u8; ANSWER_HEAD], usize),
    /// It passes: bytes left, whether the header's tags are still to come, and who watches it.
    Pass { left: usize, tags: bool, version: i16, watch: Option<Box<dyn AnswerWatch>> },
    /// It has passed but for its end, which its watch wants whole: the length of that, and what has come of it.
    End { length: usize, so_far: Vec<u8>, version: i16, watch: Box<dyn AnswerWatch> },
    /// It is taken whole: its length without the head, and what has come of it.
    Whole { length: usize, so_far: Vec<u8>, pending: Box<PendingResponse> },
}

impl AnswerState {
    /// Nothing has come of the next answer.
    const START: Self = Self::Head([0; ANSWER_HEAD], 0);

    fn is_complete(&self) -> bool {
        match self {
            Self::Head(..) => false,
            Self::Pass { left, .. } => *left == 0,
            Self::End { length, so_far, .. } | Self::Whole { length, so_far, .. } => so_far.len() == *length,
        }
    }
}

impl Session {
    /// A session of an authenticated client with a broker that has said which versions it serves.
    pub fn new(context: Arc<ListenerContext>, client: Arc<Client>, broker: Broker) -> Self {
        let (view, generation) = context.view(&client);
        Self {
            context,
            client,
            view,
            generation,
            broker,
            pending: VecDeque::new(),
            pending_bytes: 0,
            pinned: 0,
            unreserved: 0,
            is_short: false,
            held: None,
            work: None,
            after_work: None,
            passing: 0,
            watch: None,
            looked_at: 0,
            answer_state: AnswerState::START,
            ending: None,
            fetch_sessions: FetchSessions::default(),
            share_sessions: ShareSessions::default(),
            grounds: Box::default(),
            wants_sasl: false,
            claimed_member: None,
            request_memory: None,
            answer_memory: None,
            handed_on: Vec::new(),
        }
    }

    /// What all connections of the listener share.
    pub fn context(&self) -> &Arc<ListenerContext> {
        &self.context
    }

    /// Who the client is.
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Why the session ends, once nothing is owed any more.
    pub fn ending(&self) -> Option<&Close> {
        self.ending.as_ref().filter(|_| self.is_idle())
    }

    /// Ends the session when the client has what it is owed; no more requests are read.
    pub fn end(&mut self, close: Close) {
        self.ending.get_or_insert(close);
    }

    /// Whether no request and no answer is under way.
    pub fn is_idle(&self) -> bool {
        self.pending.is_empty()
            && self.held.is_none()
            && self.passing == 0
            && matches!(self.answer_state, AnswerState::Head(_, 0))
    }

    /// Whether the broker has been sent something behind what it still works on: Kafka leaves that where it is until it has
    /// answered.
    pub fn has_waiting_at_broker(&self) -> bool {
        let first = self.pending.iter().find(|pending| pending.number > 0);
        first.is_some_and(|first| self.grounds.last_sent() > first.number)
    }

    /// Whether the client has asked for SASL.
    pub fn wants_sasl(&self) -> bool {
        self.wants_sasl
    }

    /// Whether a part of the client's last request is still to come, of which the broker has the beginning.
    pub fn is_passing(&self) -> bool {
        self.passing > 0
    }

    /// All that was handed on to the client has been sent.
    pub fn all_sent(&mut self) {
        self.handed_on.clear();
    }

    /// Gives the memory that [`Want::Memory`] asked for on the requests' side.
    pub fn grant_request_memory(&mut self, memory: MemoryPermit) {
        self.request_memory = Some(memory);
    }

    /// Gives the memory that [`Want::Memory`] asked for on the answers' side.
    pub fn grant_answer_memory(&mut self, memory: MemoryPermit) {
        self.answer_memory = Some(memory);
    }

    /// Whether the next request is there, and long enough to keep a thread busy.
    pub fn is_next_heavy(&self, plain: &BytesMut) -> bool {
        (HEAVY..=plain.len()).contains(&self.wanted(plain))
    }

    /// Whether with so many bytes more an answer is there that is to be rewritten, and is long enough to keep a thread
    /// busy.
    pub fn is_answer_heavy(&self, more: usize) -> bool {
        matches!(&self.answer_state, AnswerState::Whole { length, so_far, .. }
            if *length > HEAVY && so_far.len() + more >= *length)
    }

    /// How many bytes of plaintext it takes to go on, at least: a large frame is judged when it is whole.
    pub fn wanted(&self, plain: &BytesMut) -> usize {
        match plain.first_chunk::<4>() {
            Some(length) if self.passing == 0 => 4 + i32::from_be_bytes(*length).max(0) as usize,
            _ => 0,
        }
    }

    /// Another request is decided from here on.
    fn begin(&mut self) {
        self.grounds.begin();
        self.claimed_member = None;
    }

    /// As [`Session::with_access`], for a request that is being decided: what is allowed is what it needs.
    fn deciding<T>(
        &mut self,
        version: i16,
        client_id: &[u8],
        correlation_id: i32,
        observed_of: (&'static Row, &mut Observed),
        f: impl FnOnce(&mut Access<'_>) -> T,
    ) -> T {
        self.grounds.set_deciding(true);
        let decided = self.with_access(version, client_id, correlation_id, Some(observed_of), f);
        self.grounds.set_deciding(false);
        decided
    }

    /// All that is looked at in one turn is looked at by the ACLs that were in force when it began; see
    /// [`Session::renew`].
    fn with_access<T>(
        &mut self,
        version: i16,
        client_id: &[u8],
        correlation_id: i32,
        observed_of: Option<(&'static Row, &mut Observed)>,
        f: impl FnOnce(&mut Access<'_>) -> T,
    ) -> T {
        self.broker.settings = **self.context.upstream.settings.load();
        let cluster = self.context.upstream.cluster.load();
        let client_id = String::from_utf8_lossy(client_id);
        let mut unobserved = Observed::default();
        let (row, observed) = match observed_of {
            Some((row, observed)) => (Some(row), observed),
            None => (None, &mut unobserved),
        };
        let members = MemberObserver::new(&cluster.members, row);
        let mut observer = RequestAudit {
            context: &self.context,
            client: &self.client,
            client_id: &client_id,
            row,
            version,
            correlation_id,
            observed,
            record: None,
        };
        let found = f(&mut Access {
            version,
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
