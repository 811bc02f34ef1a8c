//! Both directions of an established connection, driven by its one task.

mod io;
mod reservation;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use tokio::sync::watch;

use reservation::IdleReservation;

use super::accepted_client::AcceptedClient;
use super::budget::{MemoryBudget, MemoryPermit};
use super::buffer::{Buf, release_plain};
use super::close::Close;
use super::session::{Done, SLICE, Session, Work};
use super::transport::Transport;
use super::wakers::Woken;
use crate::observability::metrics::CloseReason;

/// How many turns of one connection before the other connections of the thread get theirs.
const TURNS: usize = 16;

/// Both directions of an established connection.
pub(super) struct Relay {
    client: Transport,
    broker: Transport,
    session: Session,
    idle_timeout: Duration,
    /// From the client, not judged yet.
    plain: BytesMut,
    /// For the broker.
    to_broker: VecDeque<Bytes>,
    /// From the broker, not looked at yet.
    answers: Buf,
    /// There may be a request in `plain` that has not been looked at.
    unjudged: bool,
    /// Memory that a large request, or a large answer, waits for.
    wants: (Option<usize>, Option<usize>),
    memory: MemoryBudget,
    reservation: IdleReservation,
    /// Work that a request waits for.
    work: Option<Pin<Box<dyn Future<Output = Done> + Send>>>,
    /// It is woken when the ACLs change.
    woken: Option<Woken>,
    /// It is woken when the users change, where the client is one of them.
    told_of_users: Option<Box<Woken>>,
    active: Instant,
    /// The time of this turn. The clock is read once a turn: it costs as much as judging a request.
    now: Instant,
}

impl Relay {
    /// `to_broker` is what the broker is sent first.
    pub(super) fn new(
        accepted: AcceptedClient,
        broker: Transport,
        session: Session,
        to_broker: VecDeque<Bytes>,
    ) -> Self {
        let (context, now) = (session.context().clone(), Instant::now());
        let AcceptedClient { transport: client, plain, destination: _ } = accepted;
        Self {
            client,
            broker,
            session,
            idle_timeout: context.limits.idle_timeout,
            plain,
            to_broker,
            answers: Buf::default(),
            unjudged: true,
            wants: (None, None),
            memory: context.process.memory.clone(),
            reservation: IdleReservation::default(),
            work: None,
            woken: None,
            told_of_users: None,
            active: now,
            now,
        }
    }

    /// Relays until one of the three ends it; says who and why.
    pub(super) async fn run(&mut self, drain: &mut watch::Receiver<bool>) -> Close {
        let mut draining: Option<tokio::time::Instant> = None;
        let mut looked = self.active;
        let mut too_old = self.session.context().limits.max_age.map(|most| self.active + share_of(most));
        let stalled = self.session.context().limits.stall_timeout;
        loop {
            // Memory that others may wait for is looked after more often.
            let silent_until = match self.holds_memory() {
                true => (self.active + self.idle_timeout).min(self.active.max(looked) + stalled),
                false => self.active + self.idle_timeout,
            };
            let ends = [self.session.ends_at(), too_old].into_iter().flatten();
            let silent_until = ends.fold(silent_until, Instant::min);
            let silent_until = tokio::time::Instant::from_std(silent_until);
            let deadline = draining.map_or(silent_until, |drained| drained.min(silent_until));
            let (request_wants, answer_wants) = self.wants;
            let memory = self.memory.clone();
            tokio::select! {
                biased;
                close = poll_fn(|cx| self.poll(cx)) => match close {
                    Some(close) => return close,
                    None => continue,
                },
                granted = acquire(&memory, request_wants), if request_wants.is_some() => {
                    let Some(granted) = granted else { return Close::internal("the memory budget is gone") };
                    self.session.grant_request_memory(granted);
                    self.wants.0 = None;
                }
                granted = acquire(&memory, answer_wants), if answer_wants.is_some() => {
                    let Some(granted) = granted else { return Close::internal("the memory budget is gone") };
                    self.session.grant_answer_memory(granted);
                    self.wants.1 = None;
                }
                _ = drain.wait_for(|drain| *drain), if draining.is_none() => {
                    self.session.end(Close::new(CloseReason::Drain, "doorkeeper is stopping"));
                    draining = Some(tokio::time::Instant::now() + self.session.context().limits.drain_timeout);
                }
                () = tokio::time::sleep_until(deadline) => {
                    if draining.is_some_and(|drained| drained <= tokio::time::Instant::now()) {
                        return Close::new(CloseReason::Drain, "answers were still owed at shutdown.drain_timeout");
                    }
                    looked = Instant::now();
                    if too_old.take_if(|end| *end <= looked).is_some() {
                        self.session.end(Close::new(
                            CloseReason::MaxAge,
                            "the connection is as old as limits.max_connection_age of its listener allows",
                        ));
                        continue;
                    }
                    if self.session.ends_at().is_some_and(|end| end <= looked) {
                        return self.session.expired();
                    }
                    let silence = looked.saturating_duration_since(self.active);
                    let others_wait = || self.memory.is_wanted();
                    if silence >= self.idle_timeout
                        || (silence >= stalled && self.holds_memory() && others_wait())
                    {
                        return self.silent();
                    }
                }
            }
        }
    }

    /// Whether the broker has all that it is to get.
    fn is_broker_served(&self) -> bool {
        self.to_broker.is_empty() && self.broker.unwritten() == 0
    }

    /// Whether memory may be held that others need.
    fn holds_memory(&self) -> bool {
        self.session.holds_memory() || self.reservation.is_held() || !self.is_broker_served()
    }

    /// Whose silence it was.
    fn silent(&self) -> Close {
        if self.client.unwritten() > 0 {
            Close::new(CloseReason::ClientTimeout, "the client does not read its answers")
        } else if !self.is_broker_served() {
            Close::new(CloseReason::UpstreamTimeout, "the broker does not read its requests")
        } else if self.wants != (None, None) {
            Close::new(CloseReason::Limit, "limits.buffered_bytes left no room for a frame")
        } else if self.session.is_passing() || (!self.plain.is_empty() && !self.unjudged) {
            Close::new(CloseReason::ClientTimeout, "the client stopped in the middle of a request")
        } else if self.work.is_some() {
            Close::new(CloseReason::Limit, "the work that a request waits for has not come to its turn")
        } else if !self.session.is_idle() {
            Close::new(CloseReason::UpstreamTimeout, "the broker does not answer")
        } else {
            Close::new(CloseReason::Idle, "nothing was sent for limits.idle_timeout")
        }
    }

    /// Ready with the end, or with nothing when `run` has to look at what is waited for anew.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Close>> {
        if !self.woken.as_ref().is_some_and(|woken| woken.is(cx.waker())) {
            self.woken = Some(self.session.context().process.acls.wake(cx.waker()));
            self.told_of_users = self.session.sasl().map(|sasl| {
                let woken = sasl.credentials.wake(cx.waker());
                // What has changed before is looked at in this turn.
                woken.set_concerned(true);
                Box::new(woken)
            });
        }
        let (wants, begun) = (self.wants, Instant::now());
        self.now = begun;
        for _ in 0..TURNS {
            // What the client itself has changed is in force for its next request.
            match self.work(cx).and_then(|()| self.session.renew()).and_then(|()| self.turn(cx)) {
                Ok(_) if self.wants != wants => return Poll::Ready(None),
                // Requests of many words may take long.
                Ok(true) if self.now.saturating_duration_since(begun) >= SLICE => break,
                Ok(true) => {}
                Ok(false) if self.has_missed_a_change() => {}
                Ok(false) => {
                    return match self.stand() {
                        Ok(()) => Poll::Pending,
                        Err(close) => Poll::Ready(Some(close)),
                    };
                }
                Err(close) => return Poll::Ready(Some(close)),
            }
        }
        // Not just woken: a thread that always has something to do looks after its sockets once in 61 tasks only. This
        // wakes the connection when it has.
        let _ = pin!(tokio::task::yield_now()).as_mut().poll(cx);
        Poll::Pending
    }

    /// Whether the ACLs have changed in the moment before this connection was to be told of it.
    fn has_missed_a_change(&mut self) -> bool {
        let is_under_way = self.session.is_under_way();
        let is_new = self.woken.as_ref().is_some_and(|woken| woken.set_concerned(is_under_way));
        is_new && self.session.is_outdated()
    }

    /// One turn of both directions; whether another can do more.
    fn turn(&mut self, cx: &mut Context<'_>) -> Result<bool, Close> {
        let mut moved = self.upward(cx)?;
        moved |= self.downward(cx)?;
        if moved {
            self.now = Instant::now();
            self.active = self.now;
        }
        if self.client.unwritten() == 0 {
            self.session.all_sent();
        }
        self.client.release();
        self.broker.release();
        self.answers.release();
        if self.is_broker_served() {
            release_plain(&mut self.plain);
            if self.client.unwritten() == 0 {
                if let Some(close) = self.session.ending() {
                    return Err(close.clone());
                }
                if let Some(close) = self.client_closed() {
                    return Err(close);
                }
            }
        }
        Ok(moved || self.session.waits_for_work())
    }

    /// The end, if the client is gone and no response to it is pending. It may have said goodbye in one breath with its last
    /// requests: those come first.
    fn client_closed(&self) -> Option<Close> {
        if !self.client.is_ended() || self.unjudged {
            None
        } else if self.session.is_passing() {
            // The broker will never have the whole of it, and never answer.
            Some(Close::new(CloseReason::ClientError, "the client left in the middle of a request"))
        } else if !self.session.is_idle() {
            None
        } else if self.plain.is_empty() && self.session.wants_sasl() {
            let why = match self.session.context().sasl {
                None => {
                    "the client wants to say by SASL who it is, and left when it was refused; here its certificate says it: \
                     security.protocol must be SSL, and sasl.* is of no use"
                }
                Some(_) => {
                    "the client wanted to log in after it had been served by its certificate, and left when it was refused"
                }
            };
            Some(Close::new(CloseReason::Sasl, why))
        } else if self.plain.is_empty() {
            Some(Close::new(CloseReason::ClientClosed, "the client closed the connection"))
        } else {
            Some(Close::new(CloseReason::ClientError, "the client left in the middle of a request"))
        }
    }

    /// Begins the work that a request waits for, and hands on its outcome.
    fn work(&mut self, cx: &mut Context<'_>) -> Result<(), Close> {
        if let Some(work) = self.session.take_work() {
            self.work = Some(match work {
                Work::Change(change) => {
                    let changing = self.session.context().process.acls.change(change);
                    Box::pin(async move { Done::Changed(changing.await) })
                }
                Work::ChangeUsers(change) => {
                    let Some(sasl) = &self.session.context().sasl else {
                        return Err(Close::internal("no users are kept here"));
                    };
                    let changing = sasl.credentials.change(change);
                    Box::pin(async move { Done::UsersChanged(changing.await) })
                }
                Work::Verify(credentials) => {
                    let Some(sasl) = self.session.sasl() else {
                        return Err(Close::internal("nobody logs in here"));
                    };
                    let verifying = sasl.credentials.verify(credentials);
                    Box::pin(async move { Done::Verified(verifying.await) })
                }
                Work::Match(matching) => {
                    let (context, client) = (self.session.context().clone(), self.session.client().clone());
                    Box::pin(async move { Done::Matched(context.matched(&client, matching).await) })
                }
            });
        }
        let Some(work) = &mut self.work else { return Ok(()) };
        let Poll::Ready(done) = work.as_mut().poll(cx) else { return Ok(()) };
        self.work = None;
        self.active = Instant::now();
        if let Err(close) = self.session.done(done, &mut self.to_broker, self.active) {
            self.session.end(close);
        }
        self.session.settle(&mut self.client)
    }

    /// What is left of it after it has ended like this.
    pub(super) fn into_closing(self, close: &Close) -> Closing {
        let Self { mut client, broker, session, .. } = self;
        client.queue_goodbye();
        // What waits at the broker for its turn must not have it when nobody is left to judge it. A broker cannot write the
        // answer to what it works on to a connection that has been reset, and then leaves the rest alone (`Selector.close`
        // without the requests that it has received); from one that was closed in order it goes on reading.
        let is_judged_anew =
            matches!(close.reason, CloseReason::RightsRevoked | CloseReason::NoLongerTrusted);
        if is_judged_anew || session.has_waiting_at_broker() {
            broker.reset();
            return Closing { client, broker: None };
        }
        Closing { client, broker: Some(broker) }
    }
}

/// What is left of a connection that has ended: the last bytes for the client.
pub(super) struct Closing {
    client: Transport,
    /// The broker may still work on what it was sent: then it shall not be reset.
    broker: Option<Transport>,
}

impl Closing {
    pub(super) async fn close(mut self) {
        match &mut self.broker {
            Some(broker) => {
                tokio::join!(self.client.close_socket(), broker.close());
            }
            None => self.client.close_socket().await,
        }
    }
}

/// Nine tenths of it and a part of the last, by chance.
fn share_of(most: Duration) -> Duration {
    let mut byte = [0];
    // Without random numbers all have the whole.
    let part = aws_lc_rs::rand::fill(&mut byte).map_or(255, |()| u32::from(byte[0]));
    most - most / 10 * part / 255
}

async fn acquire(memory: &MemoryBudget, bytes: Option<usize>) -> Option<MemoryPermit> {
    memory.acquire(bytes?).await
}
