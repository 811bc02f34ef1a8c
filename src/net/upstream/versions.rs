//! What a broker serves, for clients that are nobody yet: asked on connections of our own, and only now and then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Mutex as AsyncMutex;

use super::{Upstream, reach_any, reach_node};
use crate::model::advertise::Destination;
use crate::net::close::Close;
use crate::net::frame::CLIENT_ID;
use crate::protocol::access::Broker;
use crate::protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use crate::protocol::wire::Message as _;

/// For how long what a broker has said counts. One that is upgraded behind the same address is asked anew that soon.
const COUNTS: Duration = Duration::from_secs(10);
/// For how long it counts that it could not be asked: strangers must not have it dialled as often as they like.
const FAILURE_COUNTS: Duration = Duration::from_secs(1);

/// What brokers have said of their versions: by the one that is meant and the version that was asked for.
#[derive(Default)]
pub struct KnownVersions(Mutex<HashMap<(Destination, i16), Shared>>);

/// Whoever asks holds it meanwhile.
type Shared = Arc<AsyncMutex<Known>>;

/// When and what it was.
type Known = Option<(Instant, Answer)>;

type Answer = Result<(Broker, Option<ApiVersionsResponse>), Close>;

/// Which versions the broker serves, and its own answer in this version of ApiVersions, if both sides speak that.
///
/// # Errors
/// When it cannot be asked.
pub async fn versions(upstream: &Upstream, destination: Destination, version: i16) -> Answer {
    // Whoever speaks a version that we do not is told the same.
    let version = version.clamp(-1, *ApiVersionsRequest::VERSIONS.end() + 1);
    let known = {
        // There are as many as brokers and versions.
        let mut all = upstream.versions.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry((destination, version)).or_default().clone()
    };
    // Whoever is first asks, and all others wait for what it hears.
    let mut known = known.lock().await;
    if let Some((since, answer)) = &*known {
        let counts = if answer.is_ok() { COUNTS } else { FAILURE_COUNTS };
        if since.elapsed() < counts {
            return answer.clone();
        }
    }
    let answer = ask(upstream, destination, version).await;
    *known = Some((Instant::now(), answer.clone()));
    answer
}

async fn ask(upstream: &Upstream, destination: Destination, version: i16) -> Answer {
    let mut client = match destination {
        Destination::Any => reach_any(upstream).await?,
        Destination::Node(node) => {
            reach_node(upstream, node, upstream.brokers.address(node).as_ref()).await?
        }
    };
    let broker = client.broker().clone();
    if client.broker().newest::<ApiVersionsRequest>(version..=version).is_none() {
        return Ok((broker, None));
    }
    let request = ApiVersionsRequest {
        client_software_name: CLIENT_ID.into(),
        client_software_version: env!("CARGO_PKG_VERSION").into(),
        ..Default::default()
    };
    let asked = tokio::time::timeout(upstream.connect_timeout, client.ask(&request, version)).await;
    let answer = asked.map_err(|_| Close::upstream("the broker does not answer ApiVersions"))??;
    match answer.error_code {
        0 => Ok((broker, Some(answer))),
        code => Err(Close::upstream(format!("the broker answers ApiVersions with error {code}"))),
    }
}
