//! Whether a broker is the one that is meant.

use tokio::net::TcpStream;

use super::{BROKER, Upstream};
use crate::net::broker_client::BrokerClient;
use crate::net::close::Close;
use crate::protocol::error_code::{INVALID_REQUEST, NONE};
use crate::protocol::messages::DescribeConfigsRequest;
use crate::protocol::messages::describe_configs_request::DescribeConfigsResource;

/// Makes sure that the broker on this connection is this node: its clients must not end up at another one. One that has
/// shown so at the same address before is not asked again.
///
/// # Errors
/// When it says that it is another.
pub(super) async fn verify(
    upstream: &Upstream,
    node: i32,
    client: &mut BrokerClient<TcpStream>,
) -> Result<(), Close> {
    let peer = client.stream().peer_addr().ok();
    if peer.is_some_and(|peer| upstream.brokers.is_verified(node, peer)) {
        return Ok(());
    }
    let Some(version) = client.broker().newest::<DescribeConfigsRequest>(0..=3) else { return Ok(()) };
    let request =
        DescribeConfigsRequest { resources: vec![broker_resource(node, &[])], ..Default::default() };
    let results = client.ask(&request, version).await?.results;
    match results.first().map(|result| result.error_code) {
        Some(NONE) => {
            upstream.brokers.set_verified(node, peer);
            Ok(())
        }
        Some(INVALID_REQUEST) => {
            upstream.brokers.set_verified(node, None);
            let at = peer.map(|peer| format!(" at {peer}")).unwrap_or_default();
            Err(Close::upstream(format!(
                "the broker{at} should be node {node}, and says that it is another one"
            )))
        }
        // Whoever does not let its configuration be described cannot be asked.
        _ => Ok(()),
    }
}

/// What is asked of the configuration of this node.
pub(in crate::net) fn broker_resource(node: i32, keys: &[&str]) -> DescribeConfigsResource {
    DescribeConfigsResource {
        resource_type: BROKER,
        resource_name: node.to_string().into(),
        configuration_keys: Some(keys.iter().map(|key| (*key).into()).collect()),
        ..Default::default()
    }
}
