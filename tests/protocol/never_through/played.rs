//! A house, and the life in it: clients send, the broker answers, rights come and go, and everything is judged.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use doorkeeper::net::close::Close;
use doorkeeper::net::context::ListenerContext;
use doorkeeper::observability::metrics::CloseReason;

use crate::never_through::dice::Dice;
use crate::never_through::house::{self, Passage};
use crate::never_through::requests::{self, Remembered};
use crate::never_through::seen::Secrets;
use crate::never_through::sessions::Sessions;
use crate::never_through::tree::{self, Node};
use crate::never_through::versions::{self, Served};
use crate::never_through::world::{ALICE, BOB, Rights, World, one_in, one_of};
use crate::support::layouts::{Layout, layouts};

#[path = "carried_out.rs"]
mod carried_out;
#[path = "given.rs"]
mod given;
#[path = "received.rs"]
mod received;

static LAYOUTS: LazyLock<HashMap<(i16, bool, i16), &'static Layout>> = LazyLock::new(|| {
    let versions = |layout: &'static Layout| {
        layout.versions.clone().map(move |version| ((layout.key, layout.is_request, version), layout))
    };
    layouts().iter().flat_map(versions).collect()
});

fn layout(key: i16, is_request: bool, version: i16) -> Option<&'static Layout> {
    LAYOUTS.get(&(key, is_request, version)).copied()
}

/// A request that a client has sent and that has not been answered.
struct Sent {
    correlation_id: i32,
    key: i16,
    version: i16,
    is_replica: bool,
    /// Of a share session, its place among those remembered.
    share: Option<(String, String, i64)>,
    has_answer: bool,
    /// What the client may do, and may have done since it sent it.
    rights: Rights,
}

struct Connection {
    principal: &'static str,
    address: IpAddr,
    /// What the client may do; before and after, where one of its own requests has just changed that.
    rights: Rights,
    passage: Passage,
    served: Served,
    correlation_id: i32,
    sent: VecDeque<Sent>,
    remembered: Remembered,
    /// What the client has still to send of a request.
    to_send: VecDeque<u8>,
    /// At the broker: a part of a request, and answers on their way.
    at_broker: Vec<u8>,
    answers: VecDeque<Vec<u8>>,
    /// For the client: a part of an answer, and what the client might do when it began to arrive.
    received: Vec<u8>,
    receiving: Option<Rights>,
}

pub(crate) struct House {
    random: Dice,
    world: World,
    secrets: Secrets,
    context: Arc<ListenerContext>,
    release: (&'static str, Served),
    auto_create: bool,
    sessions: Sessions,
    connections: Vec<Connection>,
    reached: BTreeMap<&'static str, usize>,
    kind: Kind,
    /// What went through, or was shown, without a right.
    found: Vec<String>,
}

/// What clients send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Anything,
    /// What has sessions.
    Fetches,
    /// Bytes that were not made here.
    Given,
}

impl House {
    pub(crate) fn new(mut random: Dice) -> Self {
        let world = World::new(&mut random);
        let auto_create = !one_in(&mut random, 3);
        let said = (!one_in(&mut random, 3)).then_some(auto_create);
        let context = house::context(&world.acls, said);
        let release = versions::brokers().swap_remove(random.below(versions::brokers().len()));
        let mut house = Self {
            secrets: Secrets::of(&world),
            random,
            world,
            context,
            release,
            auto_create,
            sessions: Sessions::default(),
            connections: Vec::new(),
            reached: BTreeMap::new(),
            kind: Kind::Anything,
            found: Vec::new(),
        };
        for principal in [ALICE, ALICE, BOB] {
            let connection = house.connect(principal);
            house.connections.push(connection);
        }
        house
    }

    /// A house whose clients send this.
    pub(crate) fn of(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// How often a request of each API has reached the broker.
    pub(crate) fn reached(&self) -> impl Iterator<Item = (&'static str, usize)> + '_ {
        self.reached.iter().map(|(api, count)| (*api, *count))
    }

    fn connect(&mut self, principal: &'static str) -> Connection {
        let address = IpAddr::from(if principal == ALICE { [10, 0, 0, 7] } else { [10, 0, 1, 8] });
        let broker = house::broker(&self.release.1);
        Connection {
            principal,
            address,
            rights: self.world.rights(principal, address),
            passage: Passage::new(self.context.clone(), &self.world.acls, principal, address, broker),
            served: self.release.1.clone(),
            correlation_id: 0,
            sent: VecDeque::new(),
            remembered: Remembered::default(),
            to_send: VecDeque::new(),
            at_broker: Vec::new(),
            answers: VecDeque::new(),
            received: Vec::new(),
            receiving: None,
        }
    }

    /// What went through, or was shown, without a right.
    pub(crate) fn found(&self) -> &[String] {
        &self.found
    }

    /// Lets so many requests be sent, in the midst of everything else. An error is something else than what is
    /// [found](Self::found).
    pub(crate) fn live(&mut self, requests: usize) -> Result<(), String> {
        let mut sent = 0;
        while sent < requests && !self.random.is_spent() {
            let at = self.random.below(self.connections.len());
            match self.random.below(12) {
                0..5 => {
                    if self.connections[at].to_send.is_empty() {
                        self.send(at);
                        sent += 1;
                    }
                    self.pass(at, None)?;
                }
                5..10 => self.answer(at)?,
                10 => {
                    self.world.change_acls(&mut self.random);
                    self.rights_changed()?;
                }
                _ if one_in(&mut self.random, 4) => {
                    let n = self.random.below(self.world.topics.len());
                    self.world.topics[n].exists = true;
                }
                _ if one_in(&mut self.random, 20) => self.reconnect(at),
                _ => {}
            }
        }
        Ok(())
    }

    /// Every connection hears of it before anything else happens.
    fn rights_changed(&mut self) -> Result<(), String> {
        (0..self.connections.len()).try_for_each(|at| self.pass(at, Some(&[])))
    }

    fn reconnect(&mut self, at: usize) {
        self.sessions.disconnected(at);
        let mut connection = self.connect(self.connections[at].principal);
        // Fetch sessions may be tried from elsewhere.
        connection.remembered.fetch = self.connections[at].remembered.fetch.clone();
        self.connections[at] = connection;
    }

    /// A client makes a request.
    fn send(&mut self, at: usize) {
        let random = &mut self.random;
        let of_kind = |(key, _): &&(i16, _)| self.kind != Kind::Fetches || matches!(key, 1 | 78 | 79);
        let apis: Vec<_> = self.release.1.iter().filter(of_kind).collect();
        let (key, versions) = (*one_of(random, &apis)).clone();
        // Sometimes what the broker does not serve.
        let version = match one_in(random, 200) {
            true => random.below(15) as i16,
            false => versions.start() + random.below(versions.clone().count()) as i16,
        };
        let Some(layout) = layout(key, true, version) else { return };
        let connection = &mut self.connections[at];
        let body = requests::request(layout, version, &self.world, &mut connection.remembered, random);
        connection.correlation_id += 1;
        let correlation_id = connection.correlation_id;
        let client_id = *one_of(random, &["app", "", "zqx"]);
        let mut frame = Vec::new();
        frame.extend(key.to_be_bytes());
        frame.extend(version.to_be_bytes());
        frame.extend(correlation_id.to_be_bytes());
        frame.extend((client_id.len() as i16).to_be_bytes());
        frame.extend(client_id.as_bytes());
        if version >= layout.flexible {
            match one_in(random, 40) {
                true => frame.extend([1, 9, 1, 0]),
                false => frame.push(0),
            }
        }
        frame.extend(tree::write(layout, version, &body));
        connection.to_send.extend((frame.len() as i32).to_be_bytes());
        connection.to_send.extend(frame);
        let replica = match (body.get("ReplicaId"), body.get("ReplicaState")) {
            (Node::Number(replica), _) => *replica,
            (_, state @ Node::Struct(_)) => state.number("ReplicaId"),
            _ => -1,
        };
        let share = (layout.api == "ShareFetch").then(|| {
            (
                body.text("GroupId").to_owned(),
                body.text("MemberId").to_owned(),
                body.number("ShareSessionEpoch"),
            )
        });
        connection.sent.push_back(Sent {
            correlation_id,
            key,
            version,
            is_replica: replica >= 0,
            share,
            has_answer: layout.api != "Produce" || body.number("Acks") != 0,
            rights: self.world.rights(connection.principal, connection.address),
        });
    }

    /// Moves a part of what the client sends, or of what the broker answers.
    fn pass(&mut self, at: usize, answer: Option<&[u8]>) -> Result<(), String> {
        let random = &mut self.random;
        let connection = &mut self.connections[at];
        connection.rights = self.world.rights(connection.principal, connection.address);
        let outcome = match answer {
            Some(bytes) => connection.passage.answered(bytes),
            None => {
                let all = connection.to_send.len();
                let is_cut = !random.is_spent() && one_in(random, 4);
                let length = if is_cut { random.below(all + 1) } else { all };
                let bytes: Vec<u8> = connection.to_send.drain(..length).collect();
                connection.passage.sent(&bytes)
            }
        };
        connection.rights.extend(&self.world.rights(connection.principal, connection.address));
        connection.sent.iter_mut().for_each(|sent| sent.rights.extend(&connection.rights));
        if let Err(close) = &outcome
            && close.reason == CloseReason::RightsRevoked
        {
            // A right has gone that is needed: what waits for the broker, or at it, dies with the connection.
            return self.closed(at, close);
        }
        // What was decided before the end is sent all the same.
        let to_broker = self.connections[at].passage.for_broker();
        self.connections[at].at_broker.extend(to_broker);
        self.take_requests(at)?;
        let down = self.connections[at].passage.for_client();
        self.connections[at].received.extend(down);
        self.take_answers(at)?;
        match outcome.and_then(|()| self.connections[at].passage.turn()) {
            Ok(()) => Ok(()),
            Err(close) => self.closed(at, &close),
        }
    }

    fn closed(&mut self, at: usize, close: &Close) -> Result<(), String> {
        match close.reason {
            CloseReason::InternalError | CloseReason::UpstreamProtocolError | CloseReason::Limit => {
                let sent = self.connections[at].sent.front().map(|sent| (sent.key, sent.version));
                Err(format!("closed v: {close}; the oldest request is {sent:?} at {}", self.release.0))
            }
            _ => {
                self.reconnect(at);
                Ok(())
            }
        }
    }
}
