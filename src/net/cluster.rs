//! What is known of a cluster, through whichever listener its clients come.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use arc_swap::ArcSwap;

use super::members::Members;
use super::topics::Topics;
use crate::protocol::subscriptions::Subscriptions;
use crate::protocol::waiting_members::WaitingMembers;

/// What all listeners before one cluster share. It knows no listener: a group's members may come through several, each
/// with other certificates and other names for the brokers, and are one group all the same.
#[derive(Default)]
pub struct Cluster {
    /// What the cluster calls itself, once it has been asked; brokers before 0.10.1 do not say.
    id: OnceLock<Box<str>>,
    /// The names of its topic ids.
    pub topics: Topics,
    /// Where the members of its groups connect from.
    pub members: Members,
    /// What members of its consumer groups have subscribed to by pattern.
    pub subscriptions: Subscriptions,
    /// Members of its streams groups that it has not heard of yet.
    pub waiting: WaitingMembers,
}

impl Cluster {
    fn called(id: &str) -> Self {
        Self { id: OnceLock::from(Box::from(id)), ..Self::default() }
    }
}

/// The clusters whose ids are known. One listener cannot tell by an address whether it stands before the
/// same cluster as another: a broker has many, and a cluster has many brokers.
#[derive(Default)]
pub struct Clusters(Mutex<HashMap<Box<str>, Weak<Cluster>>>);

impl Clusters {
    /// The cluster behind a listener says that it is called so: the listener shares what is known of it from now on. What
    /// only this listener had remembered of it may be forgotten with that, and is asked for again.
    pub fn join(&self, of_listener: &ArcSwap<Cluster>, id: &str) {
        let own = of_listener.load_full();
        if id.is_empty() || own.id.get().is_some_and(|own| **own == *id) {
            return;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, cluster| cluster.strong_count() > 0);
        if let Some(cluster) = known.get(id).and_then(Weak::upgrade) {
            of_listener.store(cluster);
            return;
        }
        // One that was called otherwise is another cluster's, which stands behind the same address now.
        let cluster = match own.id.set(id.into()) {
            Ok(()) => own,
            Err(_) => Arc::new(Cluster::called(id)),
        };
        known.insert(id.into(), Arc::downgrade(&cluster));
        of_listener.store(cluster);
    }
}

/// Each of the clusters once.
pub fn distinct(clusters: impl Iterator<Item = Arc<Cluster>>) -> Vec<Arc<Cluster>> {
    let mut distinct: Vec<Arc<Cluster>> = Vec::new();
    for cluster in clusters {
        if !distinct.iter().any(|known| Arc::ptr_eq(known, &cluster)) {
            distinct.push(cluster);
        }
    }
    distinct
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_share_what_is_known_of_the_cluster_that_they_stand_before() {
        let clusters = Clusters::default();
        let listeners: [ArcSwap<Cluster>; 3] = Default::default();
        let [first, second, other] = &listeners;
        let own = first.load_full();
        let count = || distinct(listeners.iter().map(ArcSwap::load_full)).len();
        clusters.join(first, "");
        assert!(own.id.get().is_none() && count() == 3);
        clusters.join(first, "a");
        assert!(Arc::ptr_eq(&own, &first.load_full()), "what it has remembered stays");
        clusters.join(other, "b");
        clusters.join(second, "a");
        assert!(Arc::ptr_eq(&own, &second.load_full()) && count() == 2);
        // Another cluster stands at the address of the first.
        clusters.join(first, "c");
        assert!(!Arc::ptr_eq(&own, &first.load_full()) && count() == 3);
        assert!(Arc::ptr_eq(&own, &second.load_full()));
        clusters.join(first, "b");
        assert!(Arc::ptr_eq(&other.load_full(), &first.load_full()) && count() == 2);
        clusters.join(second, "b");
        drop(own);
        clusters.join(first, "a");
        assert_eq!(clusters.0.lock().unwrap().len(), 2, "what no listener stands before is gone");
    }
}
