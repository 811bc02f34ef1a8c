//! A house, and the life in it: clients send, the broker answers, rights come and go, and everything is judged.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::{Arc, LazyLock};

use doorkeeper::link::close::Close;
use doorkeeper::link::gate::Gate;
use doorkeeper::link::session::CLIENT_ID;
use doorkeeper::words::metrics::CloseReason;

use crate::broker::Answering;
use crate::dice::Dice;
use crate::foreign;
use crate::house::{self, Passage};
use crate::layouts::{Layout, layouts};
use crate::requests::{self, Remembered};
use crate::rules::{self, Case};
use crate::seen::Secrets;
use crate::sessions::{Fetched, Sessions};
use crate::tree::{self, Node};
use crate::versions::{self, Served};
use crate::world::{ALICE, BOB, Rights, World, one_in, one_of};

#[path = "given.rs"]
mod given;

/// Whether what was allowed when the client sent it may still be carried out and answered after a change.
const IS_LENIENT: bool = true;

/// What is known to reach the broker, or to be shown: API, how old, and why. Whoever mends it takes it out of here.
const KNOWN: &[(&str, RangeInclusive<i16>, &str)] = &[
    ("FindCoordinator", 0..=5, "of share groups: it is left to the broker to refuse them"),
    ("Metadata", 10..=11, "an id beside a name: it is left to the broker to refuse it"),
    ("AddPartitionsToTxn", 0..=3, "of Kafka's own topics: it is left to the broker to refuse them"),
    ("Produce", 0..=2, "more than one batch, of which only the first is looked at"),
    ("Produce", 3..=13, "a long one without a transactional id: its records are not looked at"),
];

fn is_known(api: &str, version: i16) -> bool {
    KNOWN.iter().any(|(known, versions, _)| *known == api && versions.contains(&version))
}

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
    /// What the client may do, and may have done since.
    rights: Rights,
}

struct Connection {
    principal: &'static str,
    address: IpAddr,
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
    /// For the client: a part of an answer.
    received: Vec<u8>,
}

pub(crate) struct House {
    random: Dice,
    world: World,
    secrets: Secrets,
    gate: Arc<Gate>,
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
        let gate = house::gate(&world.acls, said);
        let release = versions::brokers().swap_remove(random.below(versions::brokers().len()));
        let mut house = Self {
            secrets: Secrets::of(&world),
            random,
            world,
            gate,
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
            passage: Passage::new(self.gate.clone(), &self.world.acls, principal, address, broker),
            served: self.release.1.clone(),
            correlation_id: 0,
            sent: VecDeque::new(),
            remembered: Remembered::default(),
            to_send: VecDeque::new(),
            at_broker: Vec::new(),
            answers: VecDeque::new(),
            received: Vec::new(),
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
                    self.rights_changed();
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

    fn rights_changed(&mut self) {
        for connection in &mut self.connections {
            let now = self.world.rights(connection.principal, connection.address);
            connection.sent.iter_mut().for_each(|sent| sent.rights.extend(&now));
        }
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
        let acls_changed = self.world.rights(connection.principal, connection.address);
        connection.sent.iter_mut().for_each(|sent| sent.rights.extend(&acls_changed));
        // What was decided before the end is sent all the same.
        let up = self.connections[at].passage.for_broker();
        self.connections[at].at_broker.extend(up);
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

    /// The broker carries out what has come whole, one request of a connection after the other has been answered.
    fn take_requests(&mut self, at: usize) -> Result<(), String> {
        loop {
            let connection = &mut self.connections[at];
            if !connection.answers.is_empty() {
                return Ok(());
            }
            let Some(length) = connection.at_broker.first_chunk::<4>() else { return Ok(()) };
            let length = 4 + i32::from_be_bytes(*length) as usize;
            if connection.at_broker.len() < length {
                return Ok(());
            }
            let frame: Vec<u8> = connection.at_broker.drain(..length).skip(4).collect();
            self.carry_out(at, &frame)?;
        }
    }

    fn carry_out(&mut self, at: usize, frame: &[u8]) -> Result<(), String> {
        let short = |n: usize| i16::from_be_bytes([frame[n], frame[n + 1]]);
        let (key, version) = (short(0), short(2));
        let correlation_id = i32::from_be_bytes(frame[4..8].try_into().unwrap());
        let client_id = usize::try_from(short(8)).unwrap_or_default();
        let mut body = 10 + client_id;
        let is_own = &frame[10..body] == CLIENT_ID.as_bytes();
        let layout = layout(key, true, version).ok_or_else(|| format!("key {key} v{version} is unknown"))?;
        let served = self.connections[at].served.iter().find(|(served, _)| *served == key);
        let name =
            format!("{}{} v{version} at {}", if is_own { "own " } else { "" }, layout.api, self.release.0);
        if !served.is_some_and(|(_, versions)| versions.contains(&version)) {
            return Err(format!("{name} is not served"));
        }
        if version >= layout.flexible {
            if frame[body] != 0 {
                return Err(format!("{name} has tagged fields in its header"));
            }
            body += 1;
        }
        let body = &frame[body..];
        let request = tree::read(layout, version, body).map_err(|why| format!("{name}: {why}"))?;
        if request.has_unknown() {
            return Err(format!("{name} has tagged fields that nobody declared: {request:?}"));
        }
        foreign::reads_the_same(layout, version, body, &request)
            .map_err(|why| format!("{name}: {why}: {request:?}"))?;
        *self.reached.entry(layout.api).or_default() += 1;
        let fetched = match layout.api {
            "Fetch" => {
                let makes_sessions = !one_in(&mut self.random, 6);
                Some(self.sessions.fetch(version, &request, makes_sessions))
            }
            "ShareFetch" => Some(self.sessions.share_fetch(at, &request)),
            _ => None,
        };
        if layout.api == "ShareAcknowledge" {
            self.sessions.acknowledge(at, &request);
        }
        let judged =
            self.judge(at, layout, (correlation_id, is_own), version, &request, fetched.as_ref(), &name);
        self.found.extend(judged.err().filter(|_| !is_known(layout.api, version)));
        self.create_topics(layout, &request);
        if layout.api == "Produce" && request.number("Acks") == 0 {
            return Ok(());
        }
        let response = crate::played::layout(key, false, version).ok_or("no response")?;
        let world = &self.world;
        let mut answering = Answering {
            world,
            random: &mut self.random,
            api: layout.api,
            version,
            request: &request,
            fetched,
        };
        let answer = answering.answer(response);
        let mut frame = Vec::new();
        frame.extend(correlation_id.to_be_bytes());
        if version >= response.flexible && layout.api != "ApiVersions" {
            frame.push(0);
        }
        frame.extend(tree::write(response, version, &answer));
        frame.splice(0..0, (frame.len() as i32).to_be_bytes());
        self.connections[at].answers.push_back(frame);
        Ok(())
    }

    #[allow(clippy::too_many_arguments, reason = "what there is to know of a request")]
    fn judge(
        &self,
        at: usize,
        layout: &Layout,
        (correlation_id, is_own): (i32, bool),
        version: i16,
        request: &Node,
        fetched: Option<&Fetched>,
        name: &str,
    ) -> Result<(), String> {
        let connection = &self.connections[at];
        let now = self.world.rights(connection.principal, connection.address);
        let sent = connection.sent.iter().find(|sent| sent.correlation_id == correlation_id);
        if sent.is_none() && self.kind != Kind::Given {
            return Err(format!("{name}: nobody has sent it: {request:?}"));
        }
        let case = Case {
            world: &self.world,
            rights: sent.filter(|_| IS_LENIENT).map_or(&now, |sent| &sent.rights),
            version,
            body: request,
            session: &fetched.map(|fetched| fetched.topics(&self.world)).unwrap_or_default(),
            auto_create: self.auto_create,
        };
        rules::judge(layout.api, is_own, &case).map_err(|why| {
            format!("{name} reached the broker, and {} lacks {why}: {request:?}", connection.principal)
        })
    }

    /// The broker creates topics for whoever asks.
    fn create_topics(&mut self, layout: &Layout, request: &Node) {
        let creates = match layout.api {
            "CreateTopics" => !request.flag("ValidateOnly"),
            "Metadata" => self.auto_create && request.flag("AllowAutoTopicCreation"),
            _ => false,
        };
        let names: Vec<String> =
            request.list("Topics").iter().map(|topic| topic.text("Name").to_owned()).collect();
        for topic in self.world.topics.iter_mut().filter(|topic| creates && names.contains(&topic.name)) {
            topic.exists = true;
        }
    }

    /// The broker answers one request, in one piece or in several.
    fn answer(&mut self, at: usize) -> Result<(), String> {
        let Some(answer) = self.connections[at].answers.front_mut() else { return Ok(()) };
        let all = answer.len();
        let is_cut = !self.random.is_spent() && one_in(&mut self.random, 5);
        let length = if is_cut { 1 + self.random.below(all) } else { all };
        let piece: Vec<u8> = answer.drain(..length).collect();
        if length == all {
            self.connections[at].answers.pop_front();
        }
        self.pass(at, Some(&piece))
    }

    /// The client reads its answers.
    fn take_answers(&mut self, at: usize) -> Result<(), String> {
        loop {
            let connection = &mut self.connections[at];
            let Some(length) = connection.received.first_chunk::<4>() else { return Ok(()) };
            let length = 4 + i32::from_be_bytes(*length) as usize;
            if connection.received.len() < length {
                return Ok(());
            }
            let answer: Vec<u8> = connection.received.drain(..length).skip(4).collect();
            if self.kind == Kind::Given {
                continue;
            }
            let correlation_id = i32::from_be_bytes(answer[..4].try_into().unwrap());
            while connection
                .sent
                .front()
                .is_some_and(|sent| !sent.has_answer && sent.correlation_id != correlation_id)
            {
                connection.sent.pop_front();
            }
            let sent = connection.sent.pop_front().filter(|sent| sent.correlation_id == correlation_id);
            let sent =
                sent.ok_or_else(|| format!("answer v: {correlation_id} is not the one whose turn it is"))?;
            self.read_answer(at, &sent, &answer[4..])?;
        }
    }

    fn read_answer(&mut self, at: usize, sent: &Sent, answer: &[u8]) -> Result<(), String> {
        let Some(layout) = layout(sent.key, false, sent.version) else { return Ok(()) };
        let connection = &mut self.connections[at];
        let name = format!("answer to {} v{} at {}", layout.api, sent.version, self.release.0);
        let tags = usize::from(sent.version >= layout.flexible && layout.api != "ApiVersions");
        let now = self.world.rights(connection.principal, connection.address);
        let rights = if IS_LENIENT { &sent.rights } else { &now };
        let read = tree::read(layout, sent.version, &answer[tags..]);
        let shown = self.secrets.shown(layout.api, sent.is_replica, answer, &self.world, rights);
        let shown = shown.err().filter(|_| !is_known(layout.api, sent.version));
        self.found.extend(shown.map(|why| format!("{name}: {why} to {}: {read:?}", connection.principal)));
        // Of an unsupported version, what is served is told in the oldest.
        let Ok(read) = read else {
            return if layout.api == "ApiVersions" {
                Ok(())
            } else {
                Err(format!("{name} cannot be read: {read:?}"))
            };
        };
        if layout.api == "Fetch" && read.number("SessionId") != 0 {
            let (id, by_id) = (read.number("SessionId"), sent.version >= 13);
            if !connection.remembered.fetch.iter().any(|(known, ..)| *known == id) {
                // Everybody tries the sessions of everybody.
                for connection in &mut self.connections {
                    connection.remembered.fetch.push((id, 1, by_id));
                    let many = connection.remembered.fetch.len();
                    connection.remembered.fetch.drain(..many.saturating_sub(4));
                }
            }
        } else if let (Some((group, member, 0)), 0) = (&sent.share, read.number("ErrorCode")) {
            connection.remembered.share.push((group.clone(), member.clone(), 1));
            let many = connection.remembered.share.len();
            connection.remembered.share.drain(..many.saturating_sub(3));
        }
        Ok(())
    }
}
