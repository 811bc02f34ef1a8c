//! Following the log.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::time::sleep;

use super::log::{self, Missing, Reached};
use super::replica::{Refused, Replica};
use super::trouble::Trouble;
use super::user_record::UserSet;
use super::{TopicSource, batch};
use crate::model::acl::Binding;
use crate::observability::health::Health;
use crate::observability::metrics::{Check, Metrics, Reload};
use crate::process::acl_store::unix_now;
use crate::protocol::wire::Uuid;

/// How long a broker holds a fetch when there is nothing new: so often, at least, is the set known to be up to date.
const WAIT: Duration = Duration::from_secs(1);
/// How often it is looked whether the topic is still the same and still kept as it must be.
const LOOK_AGAIN: Duration = Duration::from_secs(15);
/// How long to wait before the next try, at first and at last.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// The same at last before anything was read: clients wait.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// After how long a log that ends before what was read is believed to have been cut.
const CUT: Duration = Duration::from_secs(10);
/// How often the age of the set is said.
const SAY_AGE: Duration = Duration::from_secs(1);

impl TopicSource {
    /// Follows the log for ever.
    pub(in crate::process::acl_store) async fn follow(&self, metrics: Arc<Metrics>, health: Health) {
        let mut follower =
            Follower { source: self, metrics: &metrics, health: &health, in_force: None, users: None };
        tokio::join!(follower.follow(), self.say_age(&metrics), self.try_doorkeepers());
    }

    /// Says at the start what will be in the way of changes: with a copy of its own, reading would not show it.
    async fn try_doorkeepers(&self) {
        self.loaded().await;
        let mut said = None;
        while let Err(trouble) = self.log.try_doorkeepers().await {
            if let Trouble::Wrong(why) = trouble
                && said.as_ref() != Some(&why)
            {
                tracing::error!(
                    "{why}: ACLs can be changed only where the topic {} has its leader",
                    self.log.topic.name
                );
                said = Some(why);
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Reads the log to its end once, and creates nothing.
    pub(in crate::process::acl_store) async fn read_once(&self) -> Result<(), String> {
        let read = async {
            let mut reached = self.log.reach(Missing::Report).await?;
            let mut replica = Replica::starting_at(reached.start);
            while !read_more(&self.log.topic.name, &mut reached, &mut replica, Duration::ZERO).await?
                || replica.next < reached.end
            {}
            let bindings =
                replica.bindings().map_err(|refused| not_understood(&self.log.topic.name, refused))?;
            self.in_force.replace(bindings.iter().cloned().collect());
            self.users.replace(replica.users().users());
            Ok(())
        };
        read.await.map_err(|trouble: Trouble| trouble.to_string())
    }

    async fn say_age(&self, metrics: &Metrics) {
        loop {
            let confirmed = self.state.borrow().confirmed;
            if confirmed != 0 {
                metrics.acl_age_seconds().set(unix_now().saturating_sub(confirmed).max(0));
            }
            sleep(SAY_AGE).await;
        }
    }
}

struct Follower<'a> {
    source: &'a TopicSource,
    metrics: &'a Metrics,
    health: &'a Health,
    /// The set that was put in force last.
    in_force: Option<HashSet<Arc<Binding>>>,
    /// The users that were put in force last.
    users: Option<UserSet>,
}

impl Follower<'_> {
    async fn follow(&mut self) {
        let mut retry = RETRY.0;
        loop {
            let began = Instant::now();
            let Err(trouble) = self.read_on().await;
            // Whoever got far begins again at once.
            if began.elapsed() > RETRY.1 {
                retry = RETRY.0;
            }
            self.report(&trouble);
            sleep(retry).await;
            retry = (retry * 2).min(if self.source.is_loaded() { RETRY.1 } else { FIRST_RETRY });
        }
    }

    /// Reads the log from its beginning, and on, until something is in the way.
    async fn read_on(&mut self) -> Result<std::convert::Infallible, Trouble> {
        let topic = &self.source.log.topic;
        let missing = if self.source.is_loaded() { Missing::Report } else { Missing::Create };
        let mut reached = self.source.log.reach(missing).await?;
        self.same_topic(&reached)?;
        if reached.start > 0 {
            tracing::warn!(
                topic = topic.name,
                start = reached.start,
                "the beginning of the ACL topic was deleted, and perhaps ACLs with it"
            );
        }
        let mut replica = Replica::starting_at(reached.start);
        let (began, mut looked, mut wait) = (Instant::now(), Instant::now(), Duration::ZERO);
        loop {
            if read_more(&topic.name, &mut reached, &mut replica, wait).await? {
                wait = WAIT;
                if self.is_all(&replica, &reached, began)? {
                    self.caught_up(&replica, reached.id).await?;
                }
            }
            if looked.elapsed() >= LOOK_AGAIN {
                log::look_again(topic, &mut reached).await?;
                looked = Instant::now();
            }
        }
    }

    /// Whether the set has all that there was, and all that is in force. A new leader may show less for a moment; a log that
    /// stays shorter was cut.
    fn is_all(&self, replica: &Replica, reached: &Reached, began: Instant) -> Result<bool, Trouble> {
        let (id, offset) = (self.source.state.borrow().id, self.source.state.borrow().offset);
        let topic = &self.source.log.topic.name;
        if replica.next >= reached.end.max(offset) {
            return Ok(true);
        }
        if replica.next < reached.end || began.elapsed() < CUT {
            return Ok(false);
        }
        // Brokers before 2.8 have no ids by which to tell one topic from another.
        if id == Some(Uuid::ZERO) {
            return Err(Trouble::Wrong(another_topic(topic, "its log is shorter than what was read")));
        }
        tracing::error!(
            topic,
            offset = replica.next,
            read_before = offset,
            "the log of the ACL topic was cut, as by an unclean leader election: changes are lost"
        );
        Ok(true)
    }

    /// Refuses another topic of the same name: whoever made it may not have meant to take everybody's rights away.
    fn same_topic(&self, reached: &Reached) -> Result<(), Trouble> {
        match self.source.state.borrow().id {
            Some(id) if id != reached.id => {
                let why = format!("its id was {id} and is {}", reached.id);
                Err(Trouble::Wrong(another_topic(&self.source.log.topic.name, &why)))
            }
            _ => Ok(()),
        }
    }

    /// Puts the set in force, if it is another one, and says that it is up to date.
    async fn caught_up(&mut self, replica: &Replica, id: Uuid) -> Result<(), Trouble> {
        let source = self.source;
        let bindings = match replica.bindings() {
            Ok(bindings) => bindings,
            Err(refused) => {
                self.report(&not_understood(&source.log.topic.name, refused));
                return Ok(());
            }
        };
        let first = !source.state.borrow().is_loaded();
        if self.in_force.as_ref() != Some(bindings) {
            let (in_force, set) = (source.in_force.clone(), bindings.iter().cloned().collect());
            let replaced = tokio::task::spawn_blocking(move || in_force.replace(set)).await;
            replaced.map_err(|error| Trouble::Away(format!("the ACLs cannot be indexed: {error}")))?;
            self.in_force = Some(bindings.clone());
            if !first {
                self.metrics.reloaded(Reload::Acls, true, SystemTime::now());
            }
        }
        self.put_users(replica.users(), first);
        let had_trouble = source.state.borrow().trouble.is_some();
        // Before the state, which whoever waits for a change looks at: the metrics show what is answered.
        self.metrics.acl_topic_offset().set(replica.next);
        self.metrics.loaded(Reload::Acls, SystemTime::now());
        source.state.send_modify(|state| {
            state.id = Some(id);
            state.offset = replica.next;
            state.has_challenge_secret = replica.users().has_secret();
            state.confirmed = unix_now();
            state.trouble = None;
            state.wrong = false;
        });
        if first || had_trouble {
            self.health.set(Check::AclTopic, Ok(()));
            self.health.warn_part(Check::AclTopic, "", None);
            tracing::info!(
                topic = source.log.topic.name,
                offset = replica.next,
                bindings = bindings.len(),
                users = replica.users().len(),
                "the ACL topic is read to its end"
            );
        }
        Ok(())
    }

    /// Puts the users in force, if they are others.
    fn put_users(&mut self, users: &UserSet, first: bool) {
        let source = self.source;
        let is_new = self.users.as_ref() != Some(users);
        if is_new {
            source.users.replace(users.users());
            self.users = Some(users.clone());
        }
        if source.serves_logins() {
            match is_new && !first {
                true => self.metrics.reloaded(Reload::Users, true, SystemTime::now()),
                false => self.metrics.loaded(Reload::Users, SystemTime::now()),
            }
        }
    }

    /// Says once what is in the way.
    fn report(&self, trouble: &Trouble) {
        let text = trouble.to_string();
        let state = &self.source.state;
        if state.borrow().trouble.as_ref() == Some(&text) {
            return;
        }
        let loaded = state.borrow().is_loaded();
        let wrong = matches!(trouble, Trouble::Wrong(_));
        state.send_modify(|state| {
            state.trouble = Some(text.clone());
            state.wrong = wrong;
        });
        let consequence = match loaded {
            true => "the ACLs that were read last stay in force",
            false => "no connection is accepted",
        };
        match trouble {
            Trouble::Wrong(_) => tracing::error!("{text}: {consequence}"),
            Trouble::Away(_) => tracing::warn!("{text}; trying again, {consequence}"),
        }
        if loaded {
            self.metrics.reloaded(Reload::Acls, false, SystemTime::now());
            if self.source.serves_logins() {
                self.metrics.reloaded(Reload::Users, false, SystemTime::now());
            }
            let warning =
                "it is not followed, and the ACLs that were read last stay in force: /acls says why";
            self.health.warn_part(Check::AclTopic, "", Some(warning.to_owned()));
        } else {
            self.health.set(Check::AclTopic, Err(text));
        }
    }
}

fn another_topic(topic: &str, why: &str) -> String {
    format!(
        "the topic {topic} was deleted and created anew ({why}): its ACLs can be changed again when doorkeeper is restarted, which takes what is in the new one"
    )
}

/// Reads what comes next; whether that was the end.
async fn read_more(
    topic: &str,
    reached: &mut Reached,
    replica: &mut Replica,
    wait: Duration,
) -> Result<bool, Trouble> {
    let from = replica.next;
    let fetched = reached.connection.fetch(topic, from, wait, reached.reader).await?;
    replica.apply(batch::read(fetched.records)).map_err(|bad| {
        Trouble::Wrong(format!(
            "the topic {topic}, partition 0, has a batch of records at offset {} that cannot be read: {}",
            bad.offset, bad.why
        ))
    })?;
    match replica.next {
        next if next >= fetched.high_watermark => Ok(true),
        next if next > from => Ok(false),
        _ => Err(Trouble::Away(format!(
            "the broker at {} gives no records of the topic {topic} from offset {from} on, and there must be some up to {}",
            reached.connection.address(),
            fetched.high_watermark
        ))),
    }
}

fn not_understood(topic: &str, refused: &Refused) -> Trouble {
    Trouble::Wrong(format!(
        "the topic {topic}, partition 0, holds what cannot be understood, {refused}; a record with the same key and no value takes it out"
    ))
}
