//! Doorkeeper in the middle, as far as its sessions go: bytes in, bytes out, no sockets.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use doorkeeper::model::advertise::{Advertised, Mapping};
use doorkeeper::model::principal::PrincipalBuilder;
use doorkeeper::net::brokers::Brokers;
use doorkeeper::net::budget::MemoryBudget;
use doorkeeper::net::buffer::Buf;
use doorkeeper::net::client::Client;
use doorkeeper::net::close::Close;
use doorkeeper::net::context::{ConnectionLimits, ListenerContext, ProcessContext};
use doorkeeper::net::disconnects::{Disconnects, SAID_AGAIN};
use doorkeeper::net::pattern_matching::PatternMatching;
use doorkeeper::net::self_check::SelfCheck;
use doorkeeper::net::session::{Done, Session, Sink, Want, Work};
use doorkeeper::net::upstream::Upstream;
use doorkeeper::observability::audit::AuditLog;
use doorkeeper::observability::metrics::{Build, Metrics};
use doorkeeper::observability::repeats::Repeats;
use doorkeeper::protocol::access::{Broker, BrokerSettings};
use doorkeeper::protocol::api::TABLE;
use doorkeeper::protocol::messages::ApiVersionsResponse;
use doorkeeper::protocol::messages::api_versions_response::ApiVersion;
use tokio::sync::Semaphore;

use crate::never_through::versions::Served;
use crate::never_through::world::Acls;

const BUFFERED: usize = 64 * 1024 * 1024;

static METRICS: LazyLock<Arc<Metrics>> = LazyLock::new(|| {
    let build = Build { version: "0", revision: "0", rustc: "0", tls_provider: "none" };
    let apis: Vec<_> = TABLE.iter().map(|row| (row.key, row.name, row.class)).collect();
    Arc::new(Metrics::new(build, SystemTime::UNIX_EPOCH, &apis).unwrap())
});

/// What all connections share, with these ACLs.
pub(crate) fn context(acls: &Arc<Acls>, auto_create_topics: Option<bool>) -> Arc<ListenerContext> {
    let (audit, _) = AuditLog::new(1, false, METRICS.clone(), || SystemTime::UNIX_EPOCH);
    let address = ("broker".to_owned(), 9092);
    let upstream = Upstream::new(
        "broker:9092".to_owned(),
        Brokers::one(address),
        Duration::from_secs(1),
        METRICS.clone(),
    );
    upstream.settings.store(Arc::new(BrokerSettings { auto_create_topics, ..BrokerSettings::default() }));
    Arc::new(ListenerContext {
        process: Arc::new(ProcessContext {
            acls: acls.clone(),
            handshakes: Semaphore::new(1),
            pattern_matching: PatternMatching::default(),
            memory: MemoryBudget::new(BUFFERED, 0),
            metrics: METRICS.clone(),
            audit,
        }),
        upstream,
        name: "test".into(),
        serves_others: false,
        names: None,
        balancers: Vec::new(),
        self_check: SelfCheck::new(false),
        principal: arc_swap::ArcSwap::from_pointee(PrincipalBuilder::default()),
        sasl: None,
        advertised: Advertised::new(Mapping::None),
        limits: ConnectionLimits {
            max_frame_bytes: 16 * 1024 * 1024,
            buffered_bytes: BUFFERED,
            handshake_timeout: Duration::from_secs(1),
            idle_timeout: Duration::from_secs(1),
            max_age: None,
            stall_timeout: Duration::from_secs(1),
            drain_timeout: Duration::from_secs(1),
        },
        metrics: METRICS.listener("test"),
        disconnects: Disconnects::default(),
        withheld: Repeats::new(SAID_AGAIN),
    })
}

/// What a broker says of itself.
pub(crate) fn broker(served: &Served) -> Broker {
    let api_keys = served.iter().map(|(api_key, versions)| ApiVersion {
        api_key: *api_key,
        min_version: *versions.start(),
        max_version: *versions.end(),
        ..ApiVersion::default()
    });
    let answer = ApiVersionsResponse { api_keys: api_keys.collect(), ..ApiVersionsResponse::default() };
    Broker::new(&answer, BrokerSettings::default())
}

/// One connection through doorkeeper: what is on its way in each direction.
pub(crate) struct Passage {
    session: Session,
    acls: Arc<Acls>,
    /// From the client, not judged yet.
    plain: BytesMut,
    /// Judged, and not written to the broker yet.
    to_broker: VecDeque<Bytes>,
    /// From the broker, not looked at yet.
    answers: Buf,
    out: Out,
}

#[derive(Default)]
struct Out(Vec<u8>);

impl Sink for Out {
    fn send(&mut self, plaintext: &[u8]) -> Result<(), Close> {
        self.0.extend_from_slice(plaintext);
        Ok(())
    }

    fn is_full(&self) -> bool {
        false
    }
}

impl Passage {
    pub(crate) fn new(
        context: Arc<ListenerContext>,
        acls: &Arc<Acls>,
        principal: &str,
        address: IpAddr,
        broker: Broker,
    ) -> Self {
        Self {
            session: Session::new(context, Arc::new(Client::new(principal, address)), broker),
            acls: acls.clone(),
            plain: BytesMut::new(),
            to_broker: VecDeque::new(),
            answers: Buf::default(),
            out: Out::default(),
        }
    }

    /// The client sends these bytes.
    pub(crate) fn sent(&mut self, bytes: &[u8]) -> Result<(), Close> {
        self.plain.extend_from_slice(bytes);
        self.turn()
    }

    /// The broker sends these bytes.
    pub(crate) fn answered(&mut self, bytes: &[u8]) -> Result<(), Close> {
        self.answers.reserve_exactly(bytes.len());
        self.answers.space()[..bytes.len()].copy_from_slice(bytes);
        self.answers.add(bytes.len());
        self.turn()
    }

    /// What the broker gets.
    pub(crate) fn for_broker(&mut self) -> Vec<u8> {
        self.to_broker.drain(..).flatten().collect()
    }

    /// What the client gets.
    pub(crate) fn for_client(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out.0)
    }

    /// Goes on as long as anything moves. The end of the connection is an error, as it is in a relay.
    pub(crate) fn turn(&mut self) -> Result<(), Close> {
        loop {
            self.session.renew()?;
            let before = (self.plain.len(), self.answers.len(), self.to_broker.len(), self.out.0.len());
            let now = Instant::now();
            let want = self.session.requests(&mut self.plain, &mut self.to_broker, &mut self.out, now)?;
            self.session.settle(&mut self.out)?;
            if let Want::Memory(bytes) = want {
                let share = self.session.context().process.memory.take(bytes).expect("there is enough");
                self.session.grant_request_memory(share);
                continue;
            }
            let want = self.session.answers(&mut self.answers, &mut self.to_broker, &mut self.out, now)?;
            self.session.settle(&mut self.out)?;
            if let Want::Memory(bytes) = want {
                let share = self.session.context().process.memory.take(bytes).expect("there is enough");
                self.session.grant_answer_memory(share);
                continue;
            }
            if let Some(work) = self.session.take_work() {
                let done = match work {
                    Work::Change(change) => Done::Changed(Ok(self.acls.apply(&change))),
                    Work::ChangeUsers(_) | Work::Verify(_) => unreachable!("nobody logs in here"),
                    Work::Match(matching) => Done::Matched(Some(matching.work())),
                };
                if let Err(close) = self.session.done(done, &mut self.to_broker, now) {
                    self.session.end(close);
                }
                self.session.settle(&mut self.out)?;
                continue;
            }
            self.session.all_sent();
            if (self.plain.len(), self.answers.len(), self.to_broker.len(), self.out.0.len()) == before {
                break;
            }
        }
        match self.session.ending() {
            Some(close) if self.to_broker.is_empty() => Err(close.clone()),
            _ => Ok(()),
        }
    }
}
