//! The brokers behind a listener: where each is, and which of them have shown who they are.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::timeout;

/// Host and port.
pub type Address = (String, u16);

/// The brokers behind a listener: one, or a cluster of which the configuration names the nodes. No other node is ever
/// remembered, whatever the brokers say.
pub struct Brokers {
    bootstrap: Vec<Address>,
    is_cluster: bool,
    /// Which of `bootstrap` answered last.
    answered: AtomicUsize,
    /// Empty where there is one broker only.
    nodes: Mutex<BTreeMap<i32, Node>>,
    /// Somebody wants to know where a node is by now.
    wanted: Notify,
    /// How often the cluster has said where its nodes are.
    told: watch::Sender<u64>,
}

#[derive(Default)]
struct Node {
    /// Where the configuration says that it is.
    fixed: Option<Address>,
    /// Where the cluster said last that it is.
    learnt: Option<Address>,
    /// Where it has answered as itself.
    verified: Option<SocketAddr>,
}

impl Brokers {
    /// The one broker at this address.
    pub fn one(address: Address) -> Self {
        Self { is_cluster: false, ..Self::cluster(vec![address], BTreeMap::new()) }
    }

    /// A cluster: whom to ask about it, in turn, and its nodes with their addresses as far as they are configured.
    pub fn cluster(bootstrap: Vec<Address>, nodes: BTreeMap<i32, Option<Address>>) -> Self {
        let nodes = nodes.into_iter().map(|(id, fixed)| (id, Node { fixed, ..Node::default() }));
        Self {
            bootstrap,
            is_cluster: true,
            answered: AtomicUsize::new(0),
            nodes: Mutex::new(nodes.collect()),
            wanted: Notify::new(),
            told: watch::Sender::new(0),
        }
    }

    /// Whether it is a cluster, any of whose brokers may answer.
    pub fn is_cluster(&self) -> bool {
        self.is_cluster
    }

    /// Whom to ask for any broker, with its place for [`Brokers::answered`]: who answered last comes first.
    pub fn bootstrap(&self) -> impl Iterator<Item = (usize, &Address)> {
        let first = self.answered.load(Ordering::Relaxed);
        let count = self.bootstrap.len();
        (first..first + count).filter_map(move |place| {
            let place = place % count;
            Some((place, self.bootstrap.get(place)?))
        })
    }

    /// The one at this place has answered.
    pub fn answered(&self, place: usize) {
        self.answered.store(place, Ordering::Relaxed);
    }

    /// The nodes of the cluster, and where they are as far as that is known.
    pub fn nodes(&self) -> Vec<(i32, Option<Address>)> {
        self.lock().iter().map(|(id, node)| (*id, node.address().cloned())).collect()
    }

    /// Where a node is, as far as that is known.
    pub fn address(&self, node: i32) -> Option<Address> {
        self.lock().get(&node)?.address().cloned()
    }

    /// The cluster says where its nodes are. One that it leaves out keeps its place: it may be starting anew.
    pub fn learn(&self, nodes: impl IntoIterator<Item = (i32, Address)>) {
        {
            let mut known = self.lock();
            for (id, address) in nodes {
                if let Some(node) = known.get_mut(&id) {
                    node.learnt = Some(address);
                }
            }
        }
        self.told.send_modify(|round| *round = round.wrapping_add(1));
    }

    /// Has the cluster asked where its nodes are, and waits for the answer; not for longer than `limit`.
    pub async fn ask_again(&self, limit: Duration) {
        let mut told = self.told.subscribe();
        told.mark_unchanged();
        self.wanted.notify_one();
        // Without an answer, what was known is known.
        let _ = timeout(limit, told.changed()).await;
    }

    /// Waits until somebody wants to know where a node is.
    pub async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// Whether the node has answered as itself at this address.
    pub fn is_verified(&self, node: i32, at: SocketAddr) -> bool {
        self.lock().get(&node).is_some_and(|node| node.verified == Some(at))
    }

    /// The node has answered as itself at this address; `None`: it has not, and is asked again at the next occasion.
    pub fn set_verified(&self, node: i32, at: Option<SocketAddr>) {
        if let Some(node) = self.lock().get_mut(&node) {
            node.verified = at;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<i32, Node>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Node {
    fn address(&self) -> Option<&Address> {
        self.fixed.as_ref().or(self.learnt.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(host: &str) -> Address {
        (host.to_owned(), 9092)
    }

    #[test]
    fn only_declared_nodes_are_learnt_and_what_is_configured_stands() {
        let nodes = [(1, None), (2, Some(at("two")))];
        let brokers = Brokers::cluster(vec![at("any")], nodes.into());
        assert_eq!(brokers.nodes(), [(1, None), (2, Some(at("two")))]);
        brokers.learn((0..1000).map(|node| (node, at("learnt"))));
        assert_eq!(brokers.nodes(), [(1, Some(at("learnt"))), (2, Some(at("two")))]);
        assert_eq!(brokers.address(3), None);
        brokers.learn([(1, at("moved"))]);
        brokers.learn([]);
        assert_eq!(brokers.address(1), Some(at("moved")));
        let one = Brokers::one(at("any"));
        one.learn([(1, at("learnt"))]);
        assert_eq!(one.nodes(), []);
    }

    #[test]
    fn whoever_answered_is_asked_first() {
        let brokers = Brokers::cluster(vec![at("a"), at("b"), at("c")], BTreeMap::new());
        let order = || brokers.bootstrap().map(|(_, (host, _))| host.as_str()).collect::<Vec<_>>();
        assert_eq!(order(), ["a", "b", "c"]);
        brokers.answered(2);
        assert_eq!(order(), ["c", "a", "b"]);
    }

    #[test]
    fn a_node_is_verified_at_one_address_until_it_is_not() {
        let brokers = Brokers::cluster(vec![at("any")], [(1, None)].into());
        let (here, there) = ("127.0.0.1:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap());
        assert!(!brokers.is_verified(1, here));
        brokers.set_verified(1, Some(here));
        assert!(
            brokers.is_verified(1, here) && !brokers.is_verified(1, there) && !brokers.is_verified(2, here)
        );
        brokers.set_verified(1, None);
        assert!(!brokers.is_verified(1, here));
    }
}
