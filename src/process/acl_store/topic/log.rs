//! The topic as it lies on the cluster: found, created, held to what it must be, and reached.
//!
//! Without `tls` every broker is reached in plaintext, at the address that it advertises. With it only the broker beside this
//! doorkeeper is, and all others are reached through the doorkeepers before them ([`Way`]). A doorkeeper opens when it has read
//! the topic, so the way to the first reading must not lead through doorkeepers that wait for theirs: it is the broker's own
//! copy, if it has one that is in sync. Those whose brokers have none wait for one of the others.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::process::config::AclTopic;
use crate::process::identity::ClientStore;
use crate::process::kafka_client::{Connection, Failure, Found, Node, Reader, Start};
use crate::protocol::error_code::{NOT_LEADER_OR_FOLLOWER, UNKNOWN_TOPIC_OR_PARTITION};
use crate::protocol::wire::Uuid;

use super::settings::{COPIES, MAX_MESSAGE_BYTES, create, hold_to_its_settings};
use super::trouble::Trouble;

/// A connection to a broker that answers for the topic's one partition.
#[derive(Debug)]
pub(super) struct Reached {
    pub(super) connection: Connection,
    /// The leader, or a broker with a copy.
    pub(super) reader: Reader,
    /// The id of a broker that is read from as long as its copy is in sync.
    copy_at: Option<i32>,
    /// Where the log begins.
    pub(super) start: i64,
    /// Where it ended at least, for a reader that wants to have seen all of it. A new leader says so only when it knows
    /// (KIP-207), while its answers to Fetch end where it knows that the others are, which may be earlier.
    pub(super) end: i64,
    /// The topic's id; zero from brokers before 2.8.
    pub(super) id: Uuid,
    /// The most bytes of one batch.
    pub(super) max_message_bytes: usize,
}

/// Whether a topic that is missing is to be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Create,
    /// It was there before: an empty one in its place would take all rights away.
    Report,
}

/// Who must be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// Whoever has the records.
    Reader,
    /// Who alone knows the end of the log and takes records.
    Leader,
}

/// How brokers are reached.
#[derive(Debug, Clone, Copy)]
enum Way<'a> {
    /// In plaintext, each of them.
    Brokers,
    /// In plaintext, and only the one beside this doorkeeper.
    OwnBroker,
    /// Through the doorkeepers before them.
    Doorkeepers(&'a ClientStore),
}

impl Way<'_> {
    async fn connect(self, address: &str) -> Result<Connection, Failure> {
        match self {
            Way::Brokers | Way::OwnBroker => Connection::open(address).await,
            Way::Doorkeepers(client) => {
                Connection::open_tls(address, client.client_config(), client.subject()).await
            }
        }
    }
}

/// The topic, and where to ask for it.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) topic: AclTopic,
    /// What is shown to the doorkeepers before the other brokers, if these are reached through them.
    pub(super) client: Option<Arc<ClientStore>>,
    /// The brokers that the cluster named last, for when those of the configuration are away: by the addresses that lead to
    /// them, which are those of the doorkeepers where there is a `client`.
    nodes: Mutex<Vec<Node>>,
}

impl Log {
    pub(super) fn new(topic: AclTopic, client: Option<Arc<ClientStore>>) -> Log {
        Log { topic, client, nodes: Mutex::default() }
    }

    /// Finds the topic, and reaches a broker to read it from.
    pub(super) async fn reach(&self, missing: Missing) -> Result<Reached, Trouble> {
        let Some(client) = &self.client else {
            return self.reach_by(Way::Brokers, missing, Wanted::Reader).await;
        };
        let own = match self.reach_by(Way::OwnBroker, missing, Wanted::Reader).await {
            Ok(reached) => return Ok(reached),
            Err(trouble) => trouble,
        };
        // Nothing is created from afar: it is not known that it is missing.
        let others = self.reach_by(Way::Doorkeepers(client), missing, Wanted::Reader).await;
        others.map_err(|trouble| trouble.after(own))
    }

    /// As [`reach`](Self::reach), but only the leader will do.
    pub(super) async fn reach_leader(&self) -> Result<Reached, Trouble> {
        let Some(client) = &self.client else {
            return self.reach_by(Way::Brokers, Missing::Report, Wanted::Leader).await;
        };
        match self.reach_by(Way::OwnBroker, Missing::Report, Wanted::Leader).await {
            Ok(reached) => Ok(reached),
            Err(_) => self.reach_by(Way::Doorkeepers(client), Missing::Report, Wanted::Leader).await,
        }
    }

    /// Whether the topic can be seen through another doorkeeper. Nothing to find out where none is needed.
    pub(super) async fn try_doorkeepers(&self) -> Result<(), Trouble> {
        let Some(client) = &self.client else { return Ok(()) };
        let way = Way::Doorkeepers(client);
        let mut trouble = None;
        for server in self.servers(way) {
            let seen = async { way.connect(&server).await?.find(&self.topic.name).await };
            match seen.await {
                Ok(_) => return Ok(()),
                Err(failure) => trouble = worse(trouble, failure.into()),
            }
        }
        Err(trouble.unwrap_or_else(nobody))
    }

    /// Reaches it by one way, through the first of its servers that helps.
    async fn reach_by(&self, way: Way<'_>, missing: Missing, wanted: Wanted) -> Result<Reached, Trouble> {
        let mut trouble = None;
        for server in self.servers(way) {
            match self.reach_through(way, &server, missing, wanted).await {
                Ok(reached) => return Ok(reached),
                // Also where it is wrong: a broker may not know yet of a new topic, or after its start of any, and one
                // doorkeeper's certificate is not another's.
                Err(another) => trouble = worse(trouble, another),
            }
        }
        Err(trouble.unwrap_or_else(nobody))
    }

    fn servers(&self, way: Way<'_>) -> Vec<String> {
        let configured = match (way, &self.topic.doorkeepers) {
            (Way::Doorkeepers(_), Some(doorkeepers)) => &doorkeepers.bootstrap_servers,
            _ => &self.topic.bootstrap_servers,
        };
        let mut servers: Vec<_> = configured.iter().map(ToString::to_string).collect();
        if !matches!(way, Way::OwnBroker) {
            let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
            let others = nodes.iter().map(|node| &node.address).filter(|address| !servers.contains(address));
            let others: Vec<_> = others.cloned().collect();
            servers.extend(others);
        }
        servers
    }

    async fn reach_through(
        &self,
        way: Way<'_>,
        server: &str,
        missing: Missing,
        wanted: Wanted,
    ) -> Result<Reached, Trouble> {
        let topic = &self.topic;
        let mut connection = way.connect(server).await?;
        let mut found = connection.find(&topic.name).await?;
        let creates = missing == Missing::Create && !matches!(way, Way::Doorkeepers(_));
        if found.topic.is_none() && creates {
            create(topic, &mut connection, &found, matches!(way, Way::Brokers)).await?;
            found = connection.find(&topic.name).await?;
        }
        if !matches!(way, Way::OwnBroker) {
            self.nodes.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&found.nodes);
        }
        let Some(on_cluster) = &found.topic else {
            return Err(match missing {
                Missing::Create => Trouble::Away(format!("the topic {} is being created", topic.name)),
                Missing::Report => Trouble::Wrong(format!(
                    "the topic {} does not exist: a doorkeeper that starts creates it, one that has read it before does not",
                    topic.name
                )),
            });
        };
        let max_message_bytes = hold_to_its_settings(topic, &mut connection, on_cluster).await?;
        let mut reached = connect_reader(topic, way, connection, &found, wanted).await?;
        (reached.id, reached.max_message_bytes) = (on_cluster.id, max_message_bytes);
        Ok(reached)
    }
}

impl Trouble {
    /// This trouble, which came when there was that one already.
    fn after(self, first: Trouble) -> Trouble {
        let both = format!("{first}, and {self}");
        match (first, self) {
            (Trouble::Away(_), Trouble::Away(_)) => Trouble::Away(both),
            _ => Trouble::Wrong(both),
        }
    }
}

/// Of two troubles the one to tell of: the first, but before all what somebody must mend.
fn worse(first: Option<Trouble>, second: Trouble) -> Option<Trouble> {
    match (first, second) {
        (Some(first @ Trouble::Wrong(_)), _) | (Some(first), Trouble::Away(_)) => Some(first),
        (_, second) => Some(second),
    }
}

fn nobody() -> Trouble {
    Trouble::Away("there is no broker to ask".to_owned())
}

/// Looks at the topic again through the same broker.
pub(super) async fn look_again(topic: &AclTopic, reached: &mut Reached) -> Result<(), Trouble> {
    let found = reached.connection.find(&topic.name).await?;
    let Some(on_cluster) = &found.topic else {
        return Err(Trouble::Away(format!("the topic {} is not found", topic.name)));
    };
    if on_cluster.id != reached.id {
        return Err(Trouble::Away(format!("the topic {} is another one now", topic.name)));
    }
    if reached.copy_at.is_some_and(|own| !on_cluster.in_sync.contains(&own)) {
        return Err(no_copy(topic, &reached.connection));
    }
    hold_to_its_settings(topic, &mut reached.connection, on_cluster).await.map(drop)
}

/// The broker that was asked, if it leads; else the leader; if that is out of reach, the one that was asked all the same. The
/// broker beside this doorkeeper is not asked for others.
async fn connect_reader(
    topic: &AclTopic,
    way: Way<'_>,
    asked: Connection,
    found: &Found,
    wanted: Wanted,
) -> Result<Reached, Trouble> {
    // Which of the nodes it is, the broker does not say. Only the leader knows the offsets.
    let asked = match ask_leader(topic, asked).await {
        Ok(reached) => return Ok(reached),
        Err((refused, asked)) if is_not_leader(&refused) => asked,
        Err((failure, _)) => return Err(failure.into()),
    };
    if matches!(way, Way::OwnBroker) {
        return match wanted {
            Wanted::Reader => read_copy(topic, asked, found).await,
            Wanted::Leader => Err(Trouble::Away(format!("{} is not the leader", asked.address()))),
        };
    }
    let leader = found.topic.as_ref().map(|topic| topic.leader);
    let Some(Node { address, .. }) = found.nodes.iter().find(|node| Some(node.id) == leader) else {
        return Err(Trouble::Away(format!("the topic {} has no leader now", topic.name)));
    };
    let failure = match way.connect(address).await {
        Ok(connection) => match ask_leader(topic, connection).await {
            Ok(reached) => return Ok(reached),
            Err((failure, _)) => failure,
        },
        Err(failure) => failure,
    };
    // Where brokers cannot reach each other's listener, a copy is nearly as good for reading.
    let is_away = matches!(failure, Failure::Connection(_));
    let trouble = Trouble::from(failure);
    match (way, wanted) {
        (Way::Brokers, Wanted::Reader) if is_away => {
            let copy = read_copy(topic, asked, found).await;
            copy.map_err(|no_copy| no_copy.after(trouble))
        }
        _ => Err(match trouble {
            Trouble::Away(why) => {
                Trouble::Away(format!("the leader of the topic {} is out of reach: {why}", topic.name))
            }
            wrong @ Trouble::Wrong(_) => wrong,
        }),
    }
}

/// The broker that was asked, if it has a copy with all that was acknowledged: one that has not caught up after a restart would
/// show rights that were taken away since.
async fn read_copy(topic: &AclTopic, mut asked: Connection, found: &Found) -> Result<Reached, Trouble> {
    let own = asked.own_config(&found.nodes, COPIES).await?.map(|(id, _)| id);
    let in_sync = |id: &i32| found.topic.as_ref().is_some_and(|topic| topic.in_sync.contains(id));
    let Some(own) = own.filter(in_sync) else { return Err(no_copy(topic, &asked)) };
    // The log of a compacted topic begins at 0. Brokers before 2.4 answer consumers only where they lead.
    match asked.fetch(&topic.name, 0, Duration::ZERO, Reader::Replica).await {
        Ok(_) => Ok(Reached { reader: Reader::Replica, copy_at: Some(own), ..Reached::leader(asked, 0, 0) }),
        Err(_) => Err(no_copy(topic, &asked)),
    }
}

fn no_copy(topic: &AclTopic, asked: &Connection) -> Trouble {
    Trouble::Away(format!(
        "the broker at {} has no copy of the topic {} that is in sync and can be read",
        asked.address(),
        topic.name
    ))
}

/// Asks where the log begins and ends, which only the leader says.
async fn ask_leader(topic: &AclTopic, mut connection: Connection) -> Result<Reached, (Failure, Connection)> {
    let start = match connection.offset(&topic.name, Start::Earliest).await {
        Ok(start) => start,
        Err(failure) => return Err((failure, connection)),
    };
    match connection.offset(&topic.name, Start::Latest).await {
        Ok(end) => Ok(Reached::leader(connection, start, end)),
        Err(failure) => Err((failure, connection)),
    }
}

impl Reached {
    fn leader(connection: Connection, start: i64, end: i64) -> Reached {
        Reached {
            connection,
            reader: Reader::Leader,
            copy_at: None,
            start,
            end,
            id: Uuid::ZERO,
            max_message_bytes: MAX_MESSAGE_BYTES,
        }
    }
}

fn is_not_leader(failure: &Failure) -> bool {
    // A broker without any copy knows of no such partition.
    matches!(failure.code(), Some(NOT_LEADER_OR_FOLLOWER | UNKNOWN_TOPIC_OR_PARTITION))
}
