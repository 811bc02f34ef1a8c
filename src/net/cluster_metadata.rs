//! What a broker says of its cluster: which nodes there are, where they are, and whether it is the one that it should be.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::broker_client::BrokerClient;
use super::brokers::Address;
use super::close::Close;
use super::upstream::{Upstream, broker_resource, reach_any};
use crate::model::broker_listeners::{self, BrokerListener};
use crate::observability::metrics::CloseReason;
use crate::protocol::error_code::NONE;
use crate::protocol::messages::{DescribeConfigsRequest, MetadataRequest};

/// How long the answers to a survey may take.
const LIMIT: Duration = Duration::from_secs(10);
/// The most nodes that are listened to; Kafka's own clusters are far smaller.
const MOST: usize = 10_000;

/// The nodes of a cluster with the addresses that they advertise, and which of them was asked, as far as it says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClusterMetadata {
    /// By id.
    pub nodes: Vec<(i32, Address)>,
    /// The id of the broker that was asked; `None` where it is not in the cluster yet, or is too old to tell.
    pub own: Option<i32>,
    /// The listeners of the broker that was asked; `None` where it does not say.
    pub listeners: Option<Vec<BrokerListener>>,
}

/// Asks the broker, or any broker of the cluster.
///
/// # Errors
/// When none answers.
pub async fn describe_cluster(upstream: &Upstream) -> Result<ClusterMetadata, Close> {
    let answered = timeout(LIMIT, async {
        let mut client = reach_any(upstream).await?;
        let nodes = nodes(&mut client).await?;
        let (own, listeners) = own(&mut client, &nodes).await?;
        let own = own.filter(|_| !upstream.brokers.is_cluster());
        Ok(ClusterMetadata { nodes, own, listeners })
    });
    answered.await.unwrap_or_else(|_| {
        Err(Close::new(
            CloseReason::UpstreamTimeout,
            format!("the broker at {} does not answer", upstream.address),
        ))
    })
}

async fn nodes(client: &mut BrokerClient<TcpStream>) -> Result<Vec<(i32, Address)>, Close> {
    let version = client
        .broker()
        .newest::<MetadataRequest>(1..=9)
        .ok_or_else(|| Close::upstream("the broker does not serve Metadata from version 1 on"))?;
    let no_topics = MetadataRequest { topics: Some(Vec::new()), ..Default::default() };
    let brokers = client.ask(&no_topics, version).await?.brokers;
    let sound = brokers.iter().filter_map(|broker| {
        let port = u16::try_from(broker.port).ok().filter(|port| *port != 0)?;
        let sound = broker.node_id >= 0 && (1..=253).contains(&broker.host.len());
        sound.then(|| (broker.node_id, (broker.host.to_string(), port)))
    });
    let mut nodes: Vec<_> = sound.take(MOST).collect();
    nodes.sort();
    Ok(nodes)
}

/// Which node a broker is, nothing on the wire says: it is the one of all for which it does not refuse to describe the
/// configuration (`ConfigHelper.describeConfigs`, "Unexpected broker id").
async fn own(
    client: &mut BrokerClient<TcpStream>,
    nodes: &[(i32, Address)],
) -> Result<(Option<i32>, Option<Vec<BrokerListener>>), Close> {
    let Some(version) = client.broker().newest::<DescribeConfigsRequest>(0..=3) else {
        return Ok((None, None));
    };
    let resources = nodes.iter().map(|(id, _)| broker_resource(*id, &broker_listeners::KEYS)).collect();
    let request = DescribeConfigsRequest { resources, ..Default::default() };
    let results = client.ask(&request, version).await?.results;
    let Some(own) = results.iter().find(|result| result.error_code == NONE) else { return Ok((None, None)) };
    let value = |key: &str| own.configs.iter().find(|config| &*config.name == key)?.value.as_deref();
    Ok((own.resource_name.parse().ok(), broker_listeners::read(value)))
}
