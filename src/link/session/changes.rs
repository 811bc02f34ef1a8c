//! Changes of the ACLs that clients ask for: begun by somebody else, told of here.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use super::{Close, Heard, Session};
use crate::words::acl::{Change, Changed, Unchanged};
use crate::words::audit::printable;

/// The most doubts that are logged of one change.
const DOUBTS: usize = 5;

impl Session {
    /// The change of the ACLs that a request waits for, if there is one that has not been begun.
    pub fn take_change(&mut self) -> Option<Change> {
        let change = self.change.take()?;
        self.changing = Some(change.clone());
        Some(change)
    }

    /// Whether a change has not been begun.
    pub fn waits_for_change(&self) -> bool {
        self.change.is_some()
    }

    /// The change that was taken has come to this.
    pub fn changed(
        &mut self,
        outcome: Result<Changed, Unchanged>,
        up: &mut VecDeque<Bytes>,
        now: Instant,
    ) -> Result<(), Close> {
        let (Some(request), Some(then)) = (self.held.take(), self.after_change.take()) else {
            return Err(Close::internal("nobody waits for a change of the ACLs"));
        };
        if let Some(change) = self.changing.take() {
            self.tell(&change, &outcome);
        }
        let mut heard = Heard::default();
        let ruling = self
            .with_held(&request, &mut heard, |access| then(outcome, access))
            .map_err(|fault| Close::internal(format!("the answer to {}: {fault}", request.row.name)))?;
        self.rule(ruling, request, heard, up, now)
    }

    /// Logs who changed what.
    fn tell(&self, change: &Change, outcome: &Result<Changed, Unchanged>) {
        let (listener, principal, host) = (&*self.gate.listener, &*self.client.principal, &*self.client.host);
        match outcome {
            Ok(changed) => {
                if let Some(done) = change.done(changed) {
                    tracing::info!(listener, principal, host, "ACLs {}", printable(&done));
                }
                for doubt in change.doubts().take(DOUBTS) {
                    tracing::warn!(listener, principal, host, "an ACL without effect: {}", printable(&doubt));
                }
            }
            Err(unchanged) => {
                tracing::warn!(
                    listener,
                    principal,
                    host,
                    "ACLs were not changed: {}",
                    printable(&unchanged.to_string())
                );
            }
        }
    }
}
