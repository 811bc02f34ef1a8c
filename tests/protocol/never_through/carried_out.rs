//! What reaches the broker: read in two ways, judged, and answered.

use doorkeeper::net::frame::CLIENT_ID;

use super::{House, Kind, layout};
use crate::never_through::broker::Answering;
use crate::never_through::foreign;
use crate::never_through::rules::{self, Case};
use crate::never_through::sessions::Fetched;
use crate::never_through::tree::{self, Node};
use crate::never_through::world::one_in;
use crate::support::layouts::Layout;

impl House {
    /// The broker carries out what has come whole, one request of a connection after the other has been answered.
    pub(super) fn take_requests(&mut self, at: usize) -> Result<(), String> {
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
        self.found.extend(judged.err());
        self.create_topics(layout, &request);
        if layout.api == "Produce" && request.number("Acks") == 0 {
            return Ok(());
        }
        let response = super::layout(key, false, version).ok_or("no response")?;
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
        let sent = connection.sent.iter().find(|sent| sent.correlation_id == correlation_id);
        if sent.is_none() && self.kind != Kind::Given {
            return Err(format!("{name}: nobody has sent it: {request:?}"));
        }
        // A Fetch that waits at the broker changes nothing there, nor does a question about a group: their answers are judged once
        // more.
        let only_reads = layout.api == "Fetch" || (is_own && layout.api == "StreamsGroupDescribe");
        let rights = match sent {
            Some(sent) if only_reads => &sent.rights,
            _ => &connection.rights,
        };
        let case = Case {
            world: &self.world,
            rights,
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
}
