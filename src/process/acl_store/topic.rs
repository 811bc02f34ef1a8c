//! Bindings, and users, in a compacted topic of the protected cluster, which every doorkeeper follows.
//!
//! The topic is a log of changes ([`record`]), one batch a change ([`batch`]), in one partition: so all doorkeepers see the
//! same changes in the same order, and each change as a whole. [`follow`] reads it from its beginning and puts the set that
//! it makes ([`replica`]) in force; [`change`] appends to it; [`user_record`] and [`change_users`] are the same for users. [`log`] knows where it lies.
//!
//! - **Start.** Until the log was read to its end once, doorkeeper is not ready and listens nowhere. A missing topic is created.
//! - **Later.** Whatever happens, the set that was read last stays in force: a broker away, a record that cannot be understood,
//!   settings by which records get lost, a topic that is gone or is another one under the same name. It does not make
//!   doorkeeper unready, which would turn such a fault into an outage of every broker at once: it is one line in the log, and
//!   the age of the set is a metric. Nothing is changed meanwhile.
//! - **A new connection** begins the log anew, and the set is swapped when the end is reached. So nothing that happened in
//!   between (compaction beyond the place that was reached, an unclean election that cut the log) can leave a binding behind.

mod batch;
mod change;
mod change_users;
mod follow;
mod log;
mod record;
mod replica;
mod settings;
mod trouble;
mod user_record;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Mutex, watch};

use super::in_force::InForce;
use crate::model::sasl::users::Users;
use crate::process::config::AclTopic;
use crate::process::identity::ClientStore;
use crate::process::users_in_force::UsersInForce;
use crate::protocol::wire::Uuid;
use log::{Log, Reached};

/// The topic, followed and written.
#[derive(Debug)]
pub(super) struct TopicSource {
    log: Log,
    in_force: Arc<InForce>,
    users: Arc<UsersInForce>,
    /// Whether clients log in by them.
    serves_logins: AtomicBool,
    state: watch::Sender<State>,
    /// The connection for changes, of which one is made at a time.
    writer: Mutex<Option<Reached>>,
    /// This doorkeeper, as the records that it writes name it.
    name: String,
}

/// How far the log was followed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct State {
    /// The topic that was read as a whole once; zero from brokers before 2.8, which have no ids.
    id: Option<Uuid>,
    /// Every record before this one is in force.
    offset: i64,
    /// When the set was last known to be up to date, in seconds since 1970; 0 for never.
    confirmed: i64,
    /// Whether there is a challenge secret among them.
    has_challenge_secret: bool,
    /// Why the log cannot be followed now.
    trouble: Option<String>,
    /// Whether that is something which somebody must mend.
    wrong: bool,
}

impl State {
    fn is_loaded(&self) -> bool {
        self.id.is_some()
    }
}

impl TopicSource {
    pub(super) fn new(
        topic: AclTopic,
        client: Option<Arc<ClientStore>>,
        in_force: Arc<InForce>,
    ) -> TopicSource {
        // What the container or the host is called; it only tells people who wrote a record.
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        TopicSource {
            log: Log::new(topic, client),
            in_force,
            users: Arc::new(UsersInForce::new(Users::default())),
            serves_logins: AtomicBool::new(false),
            state: watch::Sender::new(State::default()),
            writer: Mutex::new(None),
            name: name.trim().to_owned(),
        }
    }

    /// The users of the topic, by which clients log in from now on.
    pub(super) fn serve_logins(&self) -> Arc<UsersInForce> {
        self.serves_logins.store(true, Ordering::Relaxed);
        self.users.clone()
    }

    fn serves_logins(&self) -> bool {
        self.serves_logins.load(Ordering::Relaxed)
    }

    /// Returns when a set was read as a whole.
    pub(super) async fn loaded(&self) {
        // The sender lives as long as this.
        let _ = self.state.subscribe().wait_for(State::is_loaded).await;
    }

    /// Whether a set was read as a whole.
    pub(super) fn is_loaded(&self) -> bool {
        self.state.borrow().is_loaded()
    }

    /// Why the log cannot be followed now.
    pub(super) fn trouble(&self) -> Option<String> {
        self.state.borrow().trouble.clone()
    }

    /// Whether the log is followed, and when the set was last known to be up to date, in seconds since 1970.
    pub(super) fn status(&self) -> (bool, i64) {
        let state = self.state.borrow();
        (state.is_loaded() && state.trouble.is_none(), state.confirmed)
    }
}
