//! One doorkeeper's store of ACLs, without the doorkeeper.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use doorkeeper::model::acl::{
    Binding, BindingFilter, Change, ChangeError, ChangeOutcome, Operation, PatternFilter, PatternType,
    Permission, ResourceType,
};
use doorkeeper::observability::health::Health;
use doorkeeper::observability::metrics::{Check, Metrics};
use doorkeeper::process::acl_store::AclStore;
use doorkeeper::process::config::{AclTopic, Acls, Authorization, HostPort};
use doorkeeper::process::kafka_client::{Connection, Failure, NewTopic};
use doorkeeper::process::proxy;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::support::cluster::{Cluster, Settings};
use crate::support::kafka::Kafka;
use crate::support::process::wait_for;

/// Far more than anything here takes on a machine that is busy otherwise.
pub(crate) const LIMIT: Duration = Duration::from_secs(90);

/// What all the stores run on.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap())
}

/// Three brokers for all tests that leave them alive; none where there is no Kafka.
pub(crate) fn cluster() -> Option<&'static Cluster> {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    let kafka = Kafka::of_this_run()?;
    let quick_cleaner = ["log.cleaner.backoff.ms=200"];
    Some(CLUSTER.get_or_init(|| Cluster::start(kafka, &Settings::plaintext(3).with(&quick_cleaner))))
}

/// The plaintext addresses of a cluster.
pub(crate) fn addresses(cluster: &Cluster) -> Vec<SocketAddr> {
    cluster.brokers.iter().map(|broker| broker.plaintext).collect()
}

/// A store that follows its topic; it ends when dropped.
pub(crate) struct Keeper {
    pub acls: Arc<AclStore>,
    pub metrics: Arc<Metrics>,
    pub health: Health,
    follower: JoinHandle<()>,
}

impl Keeper {
    /// Starts a store that asks this broker first.
    pub(crate) fn start(topic: &str, broker: SocketAddr) -> Keeper {
        let server = HostPort { host: broker.ip().to_string(), port: broker.port() };
        let topic = AclTopic {
            name: topic.to_owned(),
            bootstrap_servers: vec![server],
            doorkeepers: None,
            replication_factor: None,
        };
        let authorization = Authorization {
            super_users: vec!["User:admin".to_owned()],
            allow_everyone_if_no_acl_found: false,
            acls: Some(Acls::Topic(topic)),
        };
        let metrics = Arc::new(Metrics::new(proxy::build(), SystemTime::now(), &[]).unwrap());
        let health = Health::new(metrics.clone());
        let acls = Arc::new(AclStore::open(&authorization, None).unwrap());
        acls.show(&metrics);
        let (store, own_metrics, own_health) = (acls.clone(), metrics.clone(), health.clone());
        let follower = runtime().spawn(async move { store.follow(own_metrics, own_health).await });
        Keeper { acls, metrics, health, follower }
    }

    /// One for each broker, ready.
    pub(crate) fn in_front_of(cluster: &Cluster, topic: &str) -> Vec<Keeper> {
        let keepers: Vec<_> =
            addresses(cluster).iter().map(|address| Keeper::start(topic, *address)).collect();
        keepers.iter().for_each(Keeper::wait_until_loaded);
        keepers
    }

    pub(crate) fn wait_until_loaded(&self) {
        wait_for("the ACL topic to be read", LIMIT, || self.acls.is_loaded().then_some(()));
    }

    pub(crate) fn change(&self, change: Change) -> Result<ChangeOutcome, ChangeError> {
        runtime().block_on(self.acls.clone().change(change))
    }

    pub(crate) fn create(&self, names: &[&str]) -> Result<ChangeOutcome, ChangeError> {
        self.change(Change::Create(names.iter().map(|name| binding(name)).collect()))
    }

    /// Removes the binding of this name; the names that were removed.
    pub(crate) fn delete(&self, name: &str) -> Vec<String> {
        match self.change(Change::Delete(vec![filter(Some(name))])).unwrap() {
            ChangeOutcome::Deleted(selected) => {
                selected[0].iter().map(|binding| binding.resource_name.clone()).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    /// The names in force.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        let current = self.acls.current();
        current.authorizer.bindings().iter().map(|binding| binding.resource_name.clone()).collect()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        let current = self.acls.current();
        let view = current.authorizer.client("User:alice", [127, 0, 0, 1].into());
        view.decide(Operation::Read, ResourceType::Topic, name).allowed
    }

    pub(crate) fn wait_for_names(&self, expected: &[&str]) {
        let expected: BTreeSet<String> = expected.iter().map(ToString::to_string).collect();
        wait_for(&format!("{expected:?}, and not {:?}", self.names()), LIMIT, || {
            (self.names() == expected).then_some(())
        });
    }

    /// Why it is not ready.
    pub(crate) fn not_ready(&self) -> Option<String> {
        let report = self.health.report();
        report.into_iter().find(|report| report.check == Check::AclTopic).unwrap().failure
    }

    /// Waits until it says so; it is then not ready, and has no ACLs.
    pub(crate) fn wait_until_not_ready(&self, why: &str) {
        wait_for(&format!("\"{why}\""), LIMIT, || {
            let said = self.not_ready()?;
            said.contains(why).then_some(()).or_else(|| {
                assert!(!self.acls.is_loaded(), "it is ready");
                None
            })
        });
        assert!(!self.acls.is_loaded());
    }

    /// The value of a metric without labels.
    pub(crate) fn metric(&self, name: &str) -> i64 {
        let text = self.metrics.encode().unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("doorkeeper_{name} ")));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

/// Alice may read the topic of this name.
pub(crate) fn binding(name: &str) -> Binding {
    Binding {
        resource_type: ResourceType::Topic,
        resource_name: name.to_owned(),
        pattern_type: PatternType::Literal,
        principal: "User:alice".to_owned(),
        host: "*".to_owned(),
        operation: Operation::Read,
        permission: Permission::Allow,
    }
}

/// Every binding on the topic of this name, or on any.
pub(crate) fn filter(name: Option<&str>) -> BindingFilter {
    BindingFilter {
        resource_type: None,
        resource_name: name.map(str::to_owned),
        pattern: PatternFilter::Any,
        principal: None,
        host: None,
        operation: None,
        permission: None,
    }
}

/// Creates a topic with other settings than doorkeeper would give it, and waits for its leader.
pub(crate) fn create_topic(cluster: &Cluster, name: &str, configs: &[(&str, &str)]) {
    let address = cluster.brokers[0].plaintext.to_string();
    let replication_factor = i16::try_from(cluster.brokers.len().min(3)).unwrap();
    runtime().block_on(async {
        let mut connection = Connection::open(&address).await.unwrap();
        connection.create(&NewTopic { name, replication_factor, configs }).await.unwrap();
    });
    wait_for("a leader", LIMIT, || addresses(cluster).iter().find_map(|address| end_of(*address, name).ok()));
}

/// Which of the brokers leads the topic.
pub(crate) fn leader(cluster: &Cluster, name: &str) -> usize {
    wait_for("a leader", LIMIT, || {
        addresses(cluster).iter().position(|address| end_of(*address, name).is_ok())
    })
}

/// The end of the topic's log, at its leader.
fn end_of(address: SocketAddr, name: &str) -> Result<i64, Failure> {
    use doorkeeper::process::kafka_client::Start;
    runtime()
        .block_on(async { Connection::open(&address.to_string()).await?.offset(name, Start::Latest).await })
}

/// Appends one record to the topic behind everybody's back.
pub(crate) fn append(cluster: &Cluster, topic: &str, key: &str, value: Option<&str>) {
    use kafka_protocol::records::{
        Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
    };
    let record = Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: -1,
        producer_id: -1,
        producer_epoch: -1,
        timestamp_type: TimestampType::Creation,
        offset: 0,
        sequence: -1,
        timestamp: 1_795_000_000_000,
        key: Some(key.to_owned().into()),
        value: value.map(|value| value.to_owned().into()),
        headers: Default::default(),
    };
    let mut bytes = bytes::BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut bytes, [&record], &options).unwrap();
    append_batch(cluster, topic, &bytes.freeze());
}

/// Appends a batch as it is.
pub(crate) fn append_batch(cluster: &Cluster, topic: &str, batch: &bytes::Bytes) {
    let appended = |address: &SocketAddr| {
        runtime().block_on(async {
            let mut connection = Connection::open(&address.to_string()).await?;
            connection.append(topic, batch.clone()).await
        })
    };
    wait_for("a leader that takes a record", LIMIT, || {
        addresses(cluster).iter().find_map(|address| appended(address).ok())
    });
}
