//! Reaching the broker, and asking it on a connection of our own what it is like.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::brokers::{Address, Brokers};
use super::close::Close;
use super::cluster::Cluster;
use super::cluster_metadata;
use super::session::{CLIENT_ID, frame};
use crate::model::advertise::Destination;
use crate::observability::metrics::{CloseReason, ConnectResult, Metrics};
use crate::protocol::access::{Broker, BrokerSettings, GroupProtocols, StreamsSettings};
use crate::protocol::header;
use crate::protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, DescribeConfigsRequest, DescribeQuorumRequest, MetadataRequest,
    MetadataResponse, describe_configs_request,
};
use crate::protocol::wire::{Message, Request, Str};

/// The longest answer to a question of our own on a connection of our own.
const LONGEST_ANSWER: usize = 16 * 1024 * 1024;
/// `ConfigResource.Type.BROKER`
pub(super) const BROKER: i8 = 4;
const AUTO_CREATE_TOPICS: &str = "auto.create.topics.enable";
const DELETE_TOPICS: &str = "delete.topic.enable";
const REBALANCE_PROTOCOLS: &str = "group.coordinator.rebalance.protocols";
/// What a setting of groups begins with where it is the broker's for all of them.
const OF_GROUPS: &str = "group.";

/// How long to wait for the cluster to say where a node is by now.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// The broker or the brokers behind a listener, and what has been learnt of them. It knows no listener.
pub struct Upstream {
    /// Where it is, as configured: host and port.
    pub address: String,
    /// The broker, or those of the cluster, and where they are.
    pub brokers: Brokers,
    /// How long connecting to a broker may take.
    pub connect_timeout: Duration,
    /// Something has shown that the broker may be away: it is to be looked at soon.
    pub doubted: Notify,
    /// What is known of the cluster, shared by all listeners before it.
    pub cluster: ArcSwap<Cluster>,
    /// The broker's settings, as far as they have been learnt.
    pub settings: ArcSwap<BrokerSettings>,
    /// Where connecting is counted.
    pub metrics: Arc<Metrics>,
}

impl Upstream {
    /// Of which nothing has been learnt.
    pub fn new(address: String, brokers: Brokers, connect_timeout: Duration, metrics: Arc<Metrics>) -> Self {
        Self {
            address,
            brokers,
            connect_timeout,
            doubted: Notify::new(),
            cluster: ArcSwap::default(),
            settings: ArcSwap::from_pointee(BrokerSettings::default()),
            metrics,
        }
    }
}

/// Connects to a broker, learns which versions it serves, and makes sure that it is the one that is meant.
///
/// # Errors
/// When it cannot be reached, does not answer or is another one.
pub async fn reach(upstream: &Upstream, destination: Destination) -> Result<(TcpStream, Broker), Close> {
    let Destination::Node(node) = destination else {
        let mut socket = dial(upstream).await?;
        let broker = negotiate(upstream, &mut socket, None).await?;
        return Ok((socket, broker));
    };
    let tried = upstream.brokers.address(node);
    let failure = match reach_node(upstream, node, tried.as_ref()).await {
        Ok(reached) => return Ok(reached),
        Err(failure) => failure,
    };
    // It may have moved since the cluster was asked last.
    upstream.brokers.ask_again(ASK_AGAIN).await;
    let address = upstream.brokers.address(node);
    match address == tried {
        true => Err(failure),
        false => reach_node(upstream, node, address.as_ref()).await,
    }
}

/// Looks whether a node is where it is said to be, and is who it should be.
///
/// # Errors
/// When it cannot be reached, does not answer or is another one.
pub async fn verify_node(upstream: &Upstream, node: i32) -> Result<(), Close> {
    upstream.brokers.set_verified(node, None);
    reach_node(upstream, node, upstream.brokers.address(node).as_ref()).await.map(drop)
}

async fn reach_node(
    upstream: &Upstream,
    node: i32,
    address: Option<&Address>,
) -> Result<(TcpStream, Broker), Close> {
    let Some(address) = address else {
        return Err(Close::new(
            CloseReason::UpstreamUnreachable,
            format!("the cluster at {} names no node {node}", upstream.address),
        ));
    };
    let mut socket = dial_address(upstream, address).await?;
    let broker = negotiate(upstream, &mut socket, Some(node)).await?;
    Ok((socket, broker))
}

/// Learns what a broker serves, and whether it is the one that is meant, within the time that it has.
async fn negotiate(upstream: &Upstream, socket: &mut TcpStream, node: Option<i32>) -> Result<Broker, Close> {
    let negotiated = timeout(upstream.connect_timeout, async {
        let broker = learn_versions(socket).await?;
        if let Some(node) = node {
            cluster_metadata::verify(upstream, node, socket, &broker).await?;
        }
        Ok(broker)
    });
    negotiated.await.unwrap_or_else(|_| {
        Err(Close::new(
            CloseReason::UpstreamTimeout,
            format!("the broker at {} accepts connections but does not answer", upstream.address),
        ))
    })
}

/// Connects to the broker, or to any of a cluster; counts how that went.
pub async fn dial(upstream: &Upstream) -> Result<TcpStream, Close> {
    let mut failure = None;
    for (place, address) in upstream.brokers.bootstrap() {
        match dial_address(upstream, address).await {
            Ok(socket) => {
                upstream.brokers.answered(place);
                return Ok(socket);
            }
            Err(close) => failure = failure.or(Some(close)),
        }
    }
    Err(failure.unwrap_or_else(|| Close::internal("no broker is configured")))
}

async fn dial_address(upstream: &Upstream, (host, port): &Address) -> Result<TcpStream, Close> {
    let started = Instant::now();
    let connecting = TcpStream::connect((host.as_str(), *port));
    let connected = timeout(upstream.connect_timeout, connecting).await;
    let (result, outcome) = match connected {
        Ok(Ok(socket)) => {
            // Small answers must not wait for each other; failing to say so is harmless.
            let _ = socket.set_nodelay(true);
            (ConnectResult::Ok, Ok(socket))
        }
        Ok(Err(error)) => (ConnectResult::of(&error), Err(error.to_string())),
        Err(_) => {
            (ConnectResult::Timeout, Err("no answer within limits.upstream_connect_timeout".to_owned()))
        }
    };
    upstream.metrics.upstream_connect(result, started.elapsed());
    outcome.map_err(|error| {
        Close::new(
            CloseReason::UpstreamUnreachable,
            format!("the broker at {host}:{port} cannot be reached: {error}"),
        )
    })
}

/// Asks which versions the broker serves. Every broker answers version 0, and it may be asked at any time.
pub async fn learn_versions(socket: &mut TcpStream) -> Result<Broker, Close> {
    let answer: ApiVersionsResponse = ask(socket, &ApiVersionsRequest::default(), 0).await?;
    match answer.error_code {
        0 => Ok(Broker::new(&answer, BrokerSettings::default())),
        code => Err(Close::upstream(format!("the broker answers ApiVersions with error {code}"))),
    }
}

/// Whether whoever is there serves clients without authentication: versions are told to everybody, and not more where somebody must say first
/// who he is.
pub async fn is_open(socket: &mut TcpStream) -> Result<bool, Close> {
    let broker = learn_versions(socket).await?;
    let nothing = MetadataRequest { topics: Some(Vec::new()), ..Default::default() };
    match (broker.newest::<MetadataRequest>(1..=9), broker.newest::<DescribeQuorumRequest>(0..=2)) {
        (Some(version), _) => ask(socket, &nothing, version).await.map(|_| true),
        // A controller.
        (None, Some(version)) => ask(socket, &DescribeQuorumRequest::default(), version).await.map(|_| true),
        (None, None) => Ok(true),
    }
}

/// One question and its answer, on a socket where nothing else is on its way.
pub(super) async fn ask<Q: Request>(
    socket: &mut TcpStream,
    request: &Q,
    version: i16,
) -> Result<Q::Response, Close> {
    const CORRELATION_ID: i32 = 0;
    let io = |error: io::Error| {
        let why = match error.kind() {
            // What a TLS listener does, among others.
            io::ErrorKind::UnexpectedEof => {
                "it closes the connection; is this its plaintext listener?".to_owned()
            }
            _ => error.to_string(),
        };
        Close::new(CloseReason::UpstreamError, format!("the broker does not answer {}: {why}", Q::NAME))
    };
    let mut bytes = Vec::new();
    header::write_request(Q::KEY, version, CORRELATION_ID, CLIENT_ID, version >= Q::FLEXIBLE, &mut bytes);
    request.encode(version, &mut bytes).map_err(|fault| Close::internal(fault.to_string()))?;
    socket.write_all(&frame(&[&bytes])?).await.map_err(io)?;

    let mut head = [0; 4];
    socket.read_exact(&mut head).await.map_err(io)?;
    let length = i32::from_be_bytes(head);
    let length = usize::try_from(length)
        .ok()
        .filter(|length| (4..=LONGEST_ANSWER).contains(length))
        .ok_or_else(|| Close::upstream(no_frame(Q::NAME, head)))?;
    let mut answer = Vec::new();
    let read = socket.take(length as u64).read_to_end(&mut answer).await.map_err(io)?;
    if read < length {
        return Err(io(io::ErrorKind::UnexpectedEof.into()));
    }
    if answer.first_chunk() != Some(&CORRELATION_ID.to_be_bytes()) {
        return Err(Close::upstream(format!("the answer to {} has another correlation id", Q::NAME)));
    }
    let mut body = 4;
    if version >= Q::FLEXIBLE && Q::KEY != ApiVersionsRequest::KEY {
        body += header::tagged_fields(&answer[4..]).map_err(Close::answer)?;
    }
    Q::Response::decode(&Bytes::from(answer).slice(body..), version).map_err(Close::answer)
}

/// What begins like this is no answer of a broker; whose it seems to be instead.
fn no_frame(question: &str, head: [u8; 4]) -> String {
    const ELSE: &str = "name the broker's plaintext listener";
    match head {
        // A TLS alert, as of a server that cannot read the question.
        [21, 3, ..] => format!("what is there speaks TLS: {ELSE}"),
        [b'H', b'T', b'T', b'P'] | [b'<', ..] => format!("what is there speaks HTTP: {ELSE}"),
        [b'S', b'S', b'H', b'-'] => format!("what is there speaks SSH: {ELSE}"),
        _ if head.iter().all(|byte| matches!(byte, b' '..=b'~')) => {
            let text = String::from_utf8_lossy(&head);
            format!(
                "what is there does not speak Kafka's protocol, its answer begins with \"{text}\": {ELSE}"
            )
        }
        _ => format!("the answer to {question} has length {}", i32::from_be_bytes(head)),
    }
}

/// What a broker says of itself.
#[derive(Debug, Default)]
pub struct Probe {
    /// Its settings, as far as it tells them.
    pub settings: BrokerSettings,
    /// What its cluster is called.
    pub cluster_id: Option<Str>,
}

/// Asks the broker on a connection of our own whether it is there, for its settings, and for its cluster.
pub async fn probe(upstream: &Upstream) -> Result<Probe, Close> {
    let mut socket = dial(upstream).await?;
    let limit = Duration::from_secs(10);
    let probe = timeout(limit, learn_settings(&mut socket)).await;
    probe.unwrap_or_else(|_| {
        Err(Close::new(
            CloseReason::UpstreamTimeout,
            format!("the broker at {} accepts connections but does not answer", upstream.address),
        ))
    })
}

/// What the broker says of features, as far as it knows ApiVersions with such: older ones have none.
async fn learn_features(socket: &mut TcpStream, broker: &Broker) -> Result<ApiVersionsResponse, Close> {
    let Some(version) = broker.newest::<ApiVersionsRequest>(3..=i16::MAX) else {
        return Ok(ApiVersionsResponse::default());
    };
    let request = ApiVersionsRequest {
        client_software_name: CLIENT_ID.into(),
        client_software_version: env!("CARGO_PKG_VERSION").into(),
        ..Default::default()
    };
    ask(socket, &request, version).await
}

/// The broker's own settings. Which node it is, nothing on the wire says: it is the one of all nodes for which this
/// broker does not refuse to describe the configuration.
async fn learn_settings(socket: &mut TcpStream) -> Result<Probe, Close> {
    let broker = learn_versions(socket).await?;
    if broker.newest::<MetadataRequest>(0..=i16::MAX).is_none() {
        let detail = "what is there serves no Metadata, as the listener of a KRaft controller does not: name the \
                      broker's plaintext listener";
        return Err(Close::upstream(detail));
    }
    let features = learn_features(socket, &broker).await?;
    let (Some(metadata), Some(configs)) =
        (broker.newest::<MetadataRequest>(1..=9), broker.newest::<DescribeConfigsRequest>(0..=3))
    else {
        return Ok(Probe::default());
    };
    let no_topics = MetadataRequest { topics: Some(Vec::new()), ..Default::default() };
    let MetadataResponse { brokers: nodes, cluster_id, .. } = ask(socket, &no_topics, metadata).await?;
    let mut keys = [AUTO_CREATE_TOPICS, DELETE_TOPICS, REBALANCE_PROTOCOLS].map(Str::from).to_vec();
    keys.extend(StreamsSettings::KEYS.map(|key| Str::from(format!("{OF_GROUPS}{key}"))));
    let keys = Some(keys);
    let resources = nodes.iter().map(|node| describe_configs_request::DescribeConfigsResource {
        resource_type: BROKER,
        resource_name: node.node_id.to_string().into(),
        configuration_keys: keys.clone(),
        ..Default::default()
    });
    let request = DescribeConfigsRequest { resources: resources.collect(), ..Default::default() };
    let answer = ask(socket, &request, configs).await?;
    let mut settings = BrokerSettings::default();
    let mut protocols = None;
    for config in
        answer.results.iter().filter(|result| result.error_code == 0).flat_map(|result| &result.configs)
    {
        let value = config.value.as_deref();
        let is_true = value.map(|value| value == "true");
        match &*config.name {
            AUTO_CREATE_TOPICS => settings.auto_create_topics = is_true,
            DELETE_TOPICS => settings.delete_topics = is_true,
            REBALANCE_PROTOCOLS => protocols = value,
            name => {
                if let (Some(key), Some(value)) = (name.strip_prefix(OF_GROUPS), value) {
                    settings.streams.set(key, value);
                }
            }
        }
    }
    settings.group_protocols = GroupProtocols::new(&features, protocols);
    Ok(Probe { settings, cluster_id: cluster_id.as_ref().map(Str::detached) })
}
