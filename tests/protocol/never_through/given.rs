//! A house that is given what it hears: bytes that were not made here, such as a fuzzer's.

use doorkeeper::observability::metrics::CloseReason;

use super::{House, Kind};

impl House {
    /// A client sends these bytes, and the broker answers what reaches it.
    pub(crate) fn hear(mut self, bytes: &[u8]) -> Result<(), String> {
        self.kind = Kind::Given;
        self.connections[0].to_send.extend(bytes);
        loop {
            self.pass(0, None)?;
            let is_at_rest = |house: &Self| {
                house.connections[0].to_send.is_empty() && house.connections[0].answers.is_empty()
            };
            if is_at_rest(&self) {
                return self.found.pop().map_or(Ok(()), Err);
            }
            self.answer(0)?;
        }
    }

    /// A client sends a request, and the broker answers these bytes: the connection may end, and not by a fault of
    /// doorkeeper's.
    pub(crate) fn be_answered(mut self, bytes: &[u8]) -> Result<(), String> {
        self.kind = Kind::Given;
        self.send(0);
        self.pass(0, None)?;
        let Some(answer) = self.connections[0].answers.pop_front() else { return Ok(()) };
        let (cut, bytes) = bytes.split_first().unwrap_or((&0, &[]));
        let mut answer = answer[4..8].to_vec();
        answer.extend(bytes);
        answer.splice(0..0, (answer.len() as i32).to_be_bytes());
        let cut = answer.len().min(usize::from(*cut) + 1);
        let (first, rest) = answer.split_at(cut);
        for piece in [first, rest].into_iter().filter(|piece| !piece.is_empty()) {
            if let Err(close) = self.connections[0].passage.answered(piece) {
                return match close.reason {
                    CloseReason::InternalError => Err(close.to_string()),
                    _ => Ok(()),
                };
            }
        }
        Ok(())
    }
}
