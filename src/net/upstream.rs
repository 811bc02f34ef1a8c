//! Reaching the broker, and asking it on a connection of our own what it is like.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::broker_client::BrokerClient;
use super::brokers::{Address, Brokers};
use super::close::Close;
use super::cluster::Cluster;
use super::frame::CLIENT_ID;
use crate::model::advertise::Destination;
use crate::observability::metrics::{CloseReason, ConnectResult, Metrics};
use crate::protocol::access::{Broker, BrokerSettings, GroupProtocols, StreamsSettings};
use crate::protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, DescribeConfigsRequest, DescribeQuorumRequest, MetadataRequest,
    MetadataResponse, describe_configs_request,
};
use crate::protocol::wire::Str;

mod verify;
mod versions;

pub use versions::{KnownVersions, versions};

pub(super) use verify::broker_resource;

/// The longest answer to a question of our own on a connection of our own.
const LONGEST_ANSWER: usize = 16 * 1024 * 1024;
/// `ConfigResource.Type.BROKER`
const BROKER: i8 = 4;
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
    /// What clients are told of versions before they are anybody.
    pub versions: KnownVersions,
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
            versions: KnownVersions::default(),
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
        return reach_any(upstream).await.map(BrokerClient::into_parts);
    };
    let tried = upstream.brokers.address(node);
    let failure = match reach_node(upstream, node, tried.as_ref()).await {
        Ok(client) => return Ok(client.into_parts()),
        Err(failure) => failure,
    };
    // It may have moved since the cluster was asked last.
    upstream.brokers.ask_again(ASK_AGAIN).await;
    let address = upstream.brokers.address(node);
    match address == tried {
        true => Err(failure),
        false => reach_node(upstream, node, address.as_ref()).await.map(BrokerClient::into_parts),
    }
}

/// The same with any broker that answers, for questions of our own.
pub(super) async fn reach_any(upstream: &Upstream) -> Result<BrokerClient<TcpStream>, Close> {
    negotiate(upstream, dial(upstream).await?, None).await
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
) -> Result<BrokerClient<TcpStream>, Close> {
    let Some(address) = address else {
        return Err(Close::new(
            CloseReason::UpstreamUnreachable,
            format!("the cluster at {} names no node {node}", upstream.address),
        ));
    };
    let socket = dial_address(upstream, address).await?;
    negotiate(upstream, socket, Some(node)).await
}

/// Learns what a broker serves, and whether it is the one that is meant, within the time that it has.
async fn negotiate(
    upstream: &Upstream,
    socket: TcpStream,
    node: Option<i32>,
) -> Result<BrokerClient<TcpStream>, Close> {
    let negotiated = timeout(upstream.connect_timeout, async {
        let mut client = ask_on(socket).await?;
        if let Some(node) = node {
            verify::verify(upstream, node, &mut client).await?;
        }
        Ok(client)
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

/// A client of whoever is at the other end of this socket, who has said which versions it serves.
///
/// # Errors
/// When it is no broker, or says nothing.
pub async fn ask_on(socket: TcpStream) -> Result<BrokerClient<TcpStream>, Close> {
    Ok(BrokerClient::open(socket, LONGEST_ANSWER).await?)
}

/// Whether whoever is there serves clients without authentication: versions are told to everybody, and not more where somebody must say first
/// who he is.
///
/// # Errors
/// When it is no broker, or says nothing.
pub async fn is_open(socket: TcpStream) -> Result<bool, Close> {
    let mut client = ask_on(socket).await?;
    let nothing = MetadataRequest { topics: Some(Vec::new()), ..Default::default() };
    let broker = client.broker();
    match (broker.newest::<MetadataRequest>(1..=9), broker.newest::<DescribeQuorumRequest>(0..=2)) {
        (Some(version), _) => drop(client.ask(&nothing, version).await?),
        // A controller.
        (None, Some(version)) => drop(client.ask(&DescribeQuorumRequest::default(), version).await?),
        (None, None) => {}
    }
    Ok(true)
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
    let socket = dial(upstream).await?;
    let limit = Duration::from_secs(10);
    let probe = timeout(limit, learn_settings(socket)).await;
    probe.unwrap_or_else(|_| {
        Err(Close::new(
            CloseReason::UpstreamTimeout,
            format!("the broker at {} accepts connections but does not answer", upstream.address),
        ))
    })
}

/// What the broker says of features, as far as it knows ApiVersions with such: older ones have none.
async fn learn_features(client: &mut BrokerClient<TcpStream>) -> Result<ApiVersionsResponse, Close> {
    let Some(version) = client.broker().newest::<ApiVersionsRequest>(3..=i16::MAX) else {
        return Ok(ApiVersionsResponse::default());
    };
    let request = ApiVersionsRequest {
        client_software_name: CLIENT_ID.into(),
        client_software_version: env!("CARGO_PKG_VERSION").into(),
        ..Default::default()
    };
    Ok(client.ask(&request, version).await?)
}

/// The broker's own settings. Which node it is, nothing on the wire says: it is the one of all nodes for which this
/// broker does not refuse to describe the configuration.
async fn learn_settings(socket: TcpStream) -> Result<Probe, Close> {
    let mut client = ask_on(socket).await?;
    if client.broker().newest::<MetadataRequest>(0..=i16::MAX).is_none() {
        let detail = "what is there serves no Metadata, as the listener of a KRaft controller does not: name the \
                      broker's plaintext listener";
        return Err(Close::upstream(detail));
    }
    let features = learn_features(&mut client).await?;
    let broker = client.broker();
    let (Some(metadata), Some(configs)) =
        (broker.newest::<MetadataRequest>(1..=9), broker.newest::<DescribeConfigsRequest>(0..=3))
    else {
        return Ok(Probe::default());
    };
    let no_topics = MetadataRequest { topics: Some(Vec::new()), ..Default::default() };
    let MetadataResponse { brokers: nodes, cluster_id, .. } = client.ask(&no_topics, metadata).await?;
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
    let answer = client.ask(&request, configs).await?;
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
