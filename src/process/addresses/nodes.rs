//! Where the nodes of a cluster are, and whether each is there.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::net::cluster_metadata::describe_cluster;
use crate::net::context::ListenerContext;
use crate::net::upstream::verify_node;

/// How often a cluster is asked where its nodes are, and each node who it is.
const INTERVAL: Duration = Duration::from_secs(10);
/// The shortest time between two such questions, however many clients want to know.
const PAUSE: Duration = Duration::from_millis(500);
/// Nodes that are asked at a time.
const AT_A_TIME: usize = 8;

/// Keeps up with the nodes of a cluster: where they are, and whether each is there and is the one that it should be.
pub(in crate::process) async fn watch_nodes(context: Arc<ListenerContext>) {
    tokio::join!(keep_asking(&context), keep_looking(&context));
}

/// Asks where the nodes are, from time to time and when a client finds one gone.
async fn keep_asking(context: &ListenerContext) {
    loop {
        // Whether the cluster answers at all, the watcher of the upstream says.
        if let Ok(cluster) = describe_cluster(&context.upstream).await {
            context.upstream.brokers.learn(cluster.nodes);
        }
        sleep(PAUSE).await;
        // Somebody who wants to know ends the wait early.
        let _ = timeout(INTERVAL, context.upstream.brokers.wanted()).await;
    }
}

/// Looks whether each node answers, and as itself.
async fn keep_looking(context: &Arc<ListenerContext>) {
    let mut up: HashMap<i32, bool> = HashMap::new();
    loop {
        let mut looks = JoinSet::new();
        let turns = Arc::new(Semaphore::new(AT_A_TIME));
        for (node, address) in context.upstream.brokers.nodes() {
            // One of which nothing has ever been heard may be yet to come.
            if address.is_none() {
                continue;
            }
            let (context, turns) = (context.clone(), turns.clone());
            looks.spawn(async move {
                let _turn = turns.acquire().await;
                (node, verify_node(&context.upstream, node).await)
            });
        }
        while let Some(looked) = looks.join_next().await {
            let Ok((node, outcome)) = looked else { continue };
            let is_up = outcome.is_ok();
            context.process.metrics.upstream_up(&format!("{}/{node}", context.name), is_up);
            if up.insert(node, is_up) == Some(is_up) {
                continue;
            }
            let listener = &*context.name;
            match outcome {
                Ok(()) => tracing::info!(listener, node, "the broker answers"),
                Err(close) => tracing::warn!(listener, node, "{}; trying again", close.detail),
            }
        }
        // At first soon again: the cluster may not have been asked yet.
        sleep(if up.is_empty() { PAUSE } else { INTERVAL }).await;
    }
}
