//! One client's conversation with one broker, in bytes: which requests go on, which responses are pending for them, and what
//! becomes of the broker's answers. No sockets and no TLS: [`super::relay`] brings the bytes and takes them away.
//!
//! Kafka answers the requests of a connection in order, so pending responses are a queue: refusals find their place
//! in it, and its length is the back-pressure.

mod access;
mod actions;
mod answers;
mod frames;
mod group_members;
mod login;
mod memory;
mod pending;
mod requests;
mod revocation;
mod work;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::budget::MemoryPermit;
use super::client::Client;
use super::close::Close;
use super::context::ListenerContext;
use super::request_audit::Observed;
use crate::protocol::access::Broker;
use crate::protocol::api::Row;

use access::AccessState;
use answers::AnswerReader;
use login::LoginState;
use pending::PendingResponses;
use requests::RequestReader;
use work::Waiting;
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
    /// The client's rights, and what else requests are decided by.
    access: AccessState,
    /// How far the client's current request has been read.
    requests: RequestReader,
    /// What the request that was read last waits for.
    waiting: Waiting,
    /// The answers that are still to come.
    pending: PendingResponses,
    /// How far the broker's current answer has been read.
    answers: AnswerReader,
    /// Memory of the shared budget that answers hold which have been handed on; it is free when they have been sent.
    handed_on: Vec<MemoryPermit>,
    /// The shared budget has nothing left for what the connection holds.
    is_short: bool,
    /// How the client logged in, where it did.
    login: Option<Box<LoginState>>,
    /// The client has asked for SASL.
    wants_sasl: bool,
    ending: Option<Close>,
}

/// Which request it is.
#[derive(Clone, Copy)]
struct RequestId {
    row: &'static Row,
    version: i16,
    correlation_id: i32,
}

/// A request that is here whole.
struct ReceivedRequest {
    id: RequestId,
    /// The whole frame, length included, and where in it the body begins.
    frame: Bytes,
    body: usize,
    /// What a large one holds of the shared budget: for the frame, and for deciding on it.
    memory: Option<Arc<MemoryPermit>>,
    deciding: Option<MemoryPermit>,
}

impl Session {
    /// A session of an authenticated client with a broker that has said which versions it serves.
    pub fn new(context: Arc<ListenerContext>, client: Arc<Client>, broker: Broker) -> Self {
        let login = client.login.clone().zip(context.sasl.clone());
        Self {
            login: login.map(|(login, sasl)| Box::new(LoginState::new(login, sasl))),
            access: AccessState::new(context, client, broker),
            requests: RequestReader::default(),
            waiting: Waiting::Nothing,
            pending: PendingResponses::default(),
            answers: AnswerReader::default(),
            handed_on: Vec::new(),
            is_short: false,
            wants_sasl: false,
            ending: None,
        }
    }

    /// What all connections of the listener share.
    pub fn context(&self) -> &Arc<ListenerContext> {
        &self.access.context
    }

    /// Who the client is.
    pub fn client(&self) -> &Arc<Client> {
        &self.access.client
    }

    /// Why the session ends, once no response is pending any more.
    pub fn ending(&self) -> Option<&Close> {
        self.ending.as_ref().filter(|_| self.is_idle())
    }

    /// Ends the session when no response is pending any more; no more requests are read.
    pub fn end(&mut self, close: Close) {
        self.ending.get_or_insert(close);
    }

    /// Whether no request and no answer is under way.
    pub fn is_idle(&self) -> bool {
        self.pending.is_empty()
            && self.waiting.is_nothing()
            && !self.requests.is_passing()
            && self.answers.is_between()
    }

    /// Whether the broker has been sent something behind what it still works on: Kafka leaves that where it is until it has
    /// answered.
    pub fn has_waiting_at_broker(&self) -> bool {
        let first = self.pending.iter().find(|pending| pending.number > 0);
        first.is_some_and(|first| self.access.grounds.last_sent() > first.number)
    }

    /// Whether the client has asked for SASL.
    pub fn wants_sasl(&self) -> bool {
        self.wants_sasl
    }

    /// Whether a part of the client's last request is still to come, of which the broker has the beginning.
    pub fn is_passing(&self) -> bool {
        self.requests.is_passing()
    }

    /// All that was handed on to the client has been sent.
    pub fn all_sent(&mut self) {
        self.handed_on.clear();
    }

    /// Gives the memory that [`Want::Memory`] asked for on the requests' side.
    pub fn grant_request_memory(&mut self, memory: MemoryPermit) {
        self.requests.memory = Some(memory);
    }

    /// Gives the memory that [`Want::Memory`] asked for on the answers' side.
    pub fn grant_answer_memory(&mut self, memory: MemoryPermit) {
        self.answers.memory = Some(memory);
    }

    /// Whether the next request is there, and long enough to keep a thread busy.
    pub fn is_next_heavy(&self, plain: &BytesMut) -> bool {
        (HEAVY..=plain.len()).contains(&self.wanted(plain))
    }

    /// Whether with so many bytes more an answer is there that is to be rewritten, and is long enough to keep a thread
    /// busy.
    pub fn is_answer_heavy(&self, more: usize) -> bool {
        self.answers.completes(more).is_some_and(|length| length > HEAVY)
    }

    /// How many bytes of plaintext it takes to go on, at least: a large frame is judged when it is whole.
    pub fn wanted(&self, plain: &BytesMut) -> usize {
        match plain.first_chunk::<4>() {
            Some(length) if !self.requests.is_passing() => 4 + i32::from_be_bytes(*length).max(0) as usize,
            _ => 0,
        }
    }
}
