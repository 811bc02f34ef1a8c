//! What comes back to the client: each answer in its turn, and nothing in it that is hidden.

use super::{House, Kind, Sent, layout};
use crate::never_through::tree;
use crate::never_through::world::one_in;

impl House {
    /// The broker answers one request, in one piece or in several.
    pub(super) fn answer(&mut self, at: usize) -> Result<(), String> {
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
    pub(super) fn take_answers(&mut self, at: usize) -> Result<(), String> {
        loop {
            let connection = &mut self.connections[at];
            let length = connection.received.first_chunk::<4>();
            let length = length.map_or(4, |length| 4 + i32::from_be_bytes(*length) as usize);
            if connection.received.len() < length {
                if !connection.received.is_empty() && connection.receiving.is_none() {
                    connection.receiving = Some(connection.rights.clone());
                }
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
        // Of an answer that has begun to arrive, the rest comes too.
        let mut rights = connection.rights.clone();
        if let Some(begun) = connection.receiving.take() {
            rights.extend(&begun);
        }
        let rights = &rights;
        let read = tree::read(layout, sent.version, &answer[tags..]);
        let shown = self.secrets.shown(layout.api, sent.is_replica, answer, &self.world, rights);
        self.found
            .extend(shown.err().map(|why| format!("{name}: {why} to {}: {read:?}", connection.principal)));
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
