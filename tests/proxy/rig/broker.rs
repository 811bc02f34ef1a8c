//! A broker in plaintext that answers as usual, or as it is told.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use doorkeeper::protocol::api::{Row, Rule, TABLE, encoded};
use doorkeeper::protocol::header::{self, RequestHeader};
use doorkeeper::protocol::messages::api_versions_response::ApiVersion;
use doorkeeper::protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use doorkeeper::protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use doorkeeper::protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use doorkeeper::protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use doorkeeper::protocol::messages::*;
use doorkeeper::protocol::wire::{Bytes, Message};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::requests::{topic_id, topic_name};
use super::{pattern, until};

/// The session that is made by every Fetch that may make one.
pub const SESSION: i32 = 77;
/// What doorkeeper calls itself when it asks something of its own.
pub const OWN: &str = "doorkeeper";

/// The most bytes that it has of a partition: a random request may ask for gigabytes.
const MOST: usize = 64 << 20;

/// A request as the broker saw it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub key: i16,
    pub version: i16,
    pub correlation_id: i32,
    pub client_id: String,
    /// What follows the header.
    pub body: Bytes,
}

impl Seen {
    /// Reads it.
    pub fn read<M: Message>(&self) -> M {
        assert_eq!(self.key, M::KEY);
        M::decode(&self.body, self.version).unwrap()
    }

    /// Whether it is one of doorkeeper's own.
    pub fn is_own(&self) -> bool {
        self.client_id == OWN
    }

    /// An answer with this body, as a frame.
    pub fn answer(&self, body: &[u8]) -> Vec<u8> {
        let mut answer = vec![0; 4];
        answer.extend_from_slice(&self.correlation_id.to_be_bytes());
        if Row::find(self.key).unwrap().has_answer_tags(self.version) {
            answer.push(0);
        }
        answer.extend_from_slice(body);
        super::client::with_length(answer)
    }

    /// The usual answer, as a frame; none where none is expected.
    pub fn usual(&self) -> Option<Vec<u8>> {
        let body = match self.key {
            ApiVersionsRequest::KEY => self.encoded(&versions()),
            MetadataRequest::KEY => self.encoded(&metadata(&self.read())),
            ProduceRequest::KEY => {
                let request: ProduceRequest = self.read();
                if request.acks == 0 {
                    return None;
                }
                self.encoded(&produced(&request))
            }
            FetchRequest::KEY => self.encoded(&fetched(&self.read())),
            ListOffsetsRequest::KEY => self.encoded(&offsets(&self.read())),
            DescribeConfigsRequest::KEY => self.encoded(&DescribeConfigsResponse::default()),
            DeleteRecordsRequest::KEY => self.encoded(&DeleteRecordsResponse::default()),
            key => panic!("the broker knows no answer to API {key}"),
        };
        Some(self.answer(&body))
    }

    fn encoded(&self, answer: &impl Message) -> Vec<u8> {
        encoded(answer, self.version).unwrap()
    }
}

/// What the broker does about a request.
pub enum Act {
    /// It answers.
    Usual,
    /// It does these one after the other.
    These(Vec<Step>),
}

/// One thing that a broker does.
pub enum Step {
    /// It sends this.
    Bytes(Vec<u8>),
    /// It waits until this becomes true.
    When(watch::Receiver<bool>),
    /// It closes the connection in order.
    Close,
    /// It resets the connection.
    Reset,
}

impl Act {
    /// It sends these bytes.
    pub fn bytes(bytes: Vec<u8>) -> Self {
        Self::These(vec![Step::Bytes(bytes)])
    }
}

type Script = dyn Fn(&Seen) -> Act + Send + Sync;

/// The broker.
pub struct Broker {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    script: Box<Script>,
    seen: Mutex<Vec<Seen>>,
    connections: AtomicUsize,
    /// How many bytes have been read from clients.
    read: AtomicUsize,
    /// How many connections are open.
    open: AtomicUsize,
    reading: watch::Sender<bool>,
}

impl Broker {
    /// A broker that answers everything as usual.
    pub async fn usual() -> Self {
        Self::new(|_| Act::Usual).await
    }

    /// A broker that does what the script says about each request that a client sent. Doorkeeper's own are answered as
    /// usual.
    pub async fn new(script: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        Self::hearing_all(move |seen| if seen.is_own() { Act::Usual } else { script(seen) }).await
    }

    /// A broker that does what the script says about each request, doorkeeper's own too.
    pub async fn hearing_all(script: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), script).await
    }

    /// As [`Broker::hearing_all`], at this address.
    pub async fn at(address: SocketAddr, script: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(address).unwrap();
        let listener = socket.listen(1024).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Box::new(script),
            seen: Mutex::default(),
            connections: AtomicUsize::new(0),
            read: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            reading: watch::Sender::new(true),
        });
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Self { address, shared, accepting }
    }

    /// The requests of clients so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().iter().filter(|seen| !seen.is_own()).cloned().collect()
    }

    /// Waits until so many requests of clients have come.
    pub async fn sees(&self, count: usize) -> Vec<Seen> {
        until(|| self.seen().len() >= count).await;
        self.seen()
    }

    /// How many bytes it has read.
    pub fn bytes_read(&self) -> usize {
        self.shared.read.load(Ordering::SeqCst)
    }

    /// How many connections it has accepted.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.shared.open.load(Ordering::SeqCst)
    }

    /// From now on it reads nothing, or reads again.
    pub fn read(&self, reading: bool) {
        self.shared.reading.send_replace(reading);
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut serving = tokio::task::JoinSet::new();
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        socket.set_nodelay(true).unwrap();
        shared.connections.fetch_add(1, Ordering::SeqCst);
        let shared = shared.clone();
        serving.spawn(async move {
            shared.open.fetch_add(1, Ordering::SeqCst);
            drop(serve(socket, &shared).await);
            shared.open.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

async fn serve(socket: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let (reader, mut writer) = socket.into_split();
    let (acts, mut to_do) = mpsc::unbounded_channel();
    let reading = async move {
        let mut reader = BufReader::with_capacity(64 * 1024, reader);
        let mut may_read = shared.reading.subscribe();
        loop {
            drop(may_read.wait_for(|reading| *reading).await);
            let length = reader.read_i32().await?;
            let mut frame = Vec::new();
            let length = usize::try_from(length).unwrap();
            shared.read.fetch_add(4, Ordering::SeqCst);
            while frame.len() < length {
                let mut piece = (&mut reader).take(((length - frame.len()) as u64).min(64 * 1024));
                let n = piece.read_to_end(&mut frame).await?;
                shared.read.fetch_add(n, Ordering::SeqCst);
                if n == 0 {
                    return std::io::Result::Ok(());
                }
            }
            let seen = seen(frame);
            shared.seen.lock().unwrap().push(seen.clone());
            if acts.send(seen).is_err() {
                return Ok(());
            }
        }
    };
    let writing = async {
        while let Some(seen) = to_do.recv().await {
            let steps = match (shared.script)(&seen) {
                Act::Usual => seen.usual().map(Step::Bytes).into_iter().collect(),
                Act::These(steps) => steps,
            };
            for step in steps {
                match step {
                    Step::Bytes(bytes) => writer.write_all(&bytes).await?,
                    Step::When(mut condition) => drop(condition.wait_for(|now| *now).await),
                    Step::Close => return Ok(true),
                    Step::Reset => {
                        writer.as_ref().set_zero_linger()?;
                        return std::io::Result::Ok(true);
                    }
                }
            }
        }
        Ok(false)
    };
    tokio::select! {
        read = reading => read,
        written = async {
            match writing.await {
                // The reader has ended, and all is answered.
                Ok(false) => std::future::pending().await,
                Ok(true) => Ok(()),
                Err(error) => Err(error),
            }
        } => written,
    }
}

fn seen(frame: Vec<u8>) -> Seen {
    let frame = Bytes::from(frame);
    let header = RequestHeader::read(&frame).unwrap();
    let mut body = header.end;
    if Row::find(header.key).unwrap().is_flexible(header.version) {
        body += header::tagged_fields(&frame[body..]).unwrap();
    }
    Seen {
        key: header.key,
        version: header.version,
        correlation_id: header.correlation_id,
        client_id: String::from_utf8_lossy(header.client_id).into_owned(),
        body: frame.slice(body..),
    }
}

fn versions() -> ApiVersionsResponse {
    let served = TABLE.iter().filter(|row| matches!(row.rule, Rule::Decided(_)));
    let api_keys = served.map(|row| ApiVersion {
        api_key: row.key,
        min_version: *row.versions.start(),
        max_version: *row.versions.end(),
        ..Default::default()
    });
    ApiVersionsResponse { api_keys: api_keys.collect(), ..Default::default() }
}

fn metadata(request: &MetadataRequest) -> MetadataResponse {
    let topics = request.topics.iter().flatten().map(|topic| {
        let name = match &topic.name {
            Some(name) if !name.is_empty() => name.to_string(),
            _ => topic_name(&topic.topic_id),
        };
        MetadataResponseTopic {
            topic_id: topic_id(&name),
            name: Some(name.into()),
            partitions: vec![MetadataResponsePartition { leader_id: 1, ..Default::default() }],
            ..Default::default()
        }
    });
    MetadataResponse {
        brokers: vec![MetadataResponseBroker {
            node_id: 1,
            host: "broker.internal".into(),
            port: 9092,
            ..Default::default()
        }],
        cluster_id: Some("cluster".into()),
        controller_id: 1,
        topics: topics.collect(),
        ..Default::default()
    }
}

fn produced(request: &ProduceRequest) -> ProduceResponse {
    let responses = request.topic_data.iter().map(|topic| TopicProduceResponse {
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        partition_responses: topic
            .partition_data
            .iter()
            .map(|partition| PartitionProduceResponse {
                index: partition.index,
                base_offset: partition.records.as_ref().map_or(0, Bytes::len) as i64,
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    });
    ProduceResponse { responses: responses.collect(), ..Default::default() }
}

/// Each partition has as many bytes as are asked of it.
pub fn fetched(request: &FetchRequest) -> FetchResponse {
    let responses = request.topics.iter().map(|topic| FetchableTopicResponse {
        topic: topic.topic.clone(),
        topic_id: topic.topic_id,
        partitions: topic
            .partitions
            .iter()
            .map(|partition| PartitionData {
                partition_index: partition.partition,
                high_watermark: 1,
                records: Some(
                    pattern(
                        partition.partition,
                        usize::try_from(partition.partition_max_bytes).unwrap().min(MOST),
                    )
                    .into(),
                ),
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    });
    FetchResponse {
        session_id: if request.session_epoch >= 0 { SESSION } else { 0 },
        responses: responses.collect(),
        ..Default::default()
    }
}

fn offsets(request: &ListOffsetsRequest) -> ListOffsetsResponse {
    let topics = request.topics.iter().map(|topic| ListOffsetsTopicResponse {
        name: topic.name.clone(),
        partitions: topic
            .partitions
            .iter()
            .map(|partition| ListOffsetsPartitionResponse {
                partition_index: partition.partition_index,
                offset: partition.timestamp + 1000,
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    });
    ListOffsetsResponse { topics: topics.collect(), ..Default::default() }
}
