//! What there is at the broker, and who may do what: topics, groups and transactional ids with names that nobody guesses,
//! and bindings that change.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Waker;

use doorkeeper::model::acl::{
    Authorizer, Binding, CLUSTER_NAME, Change, ChangeOutcome, ClientView, Operation, PatternType, Permission,
    ResourceType, Settings,
};
use doorkeeper::net::acl_source::{AclSource, PendingChange};
use doorkeeper::net::wakers::{Wakers, Woken};

use crate::never_through::dice::Dice;
use crate::support::acl_rule::Model;

/// How every name begins; and how long each is, in bytes.
pub(crate) const NAME_MARK: &[u8] = b"zqx";
pub(crate) const NAME_LENGTH: usize = 13;
/// How every topic id begins.
pub(crate) const ID_MARK: &[u8] = &[0xd0, 0x0e, 0x4b, 0xee];
/// How the records of a topic begin; its name follows.
pub(crate) const RECORD_MARK: &[u8] = b"record of ";

pub(crate) const ALICE: &str = "User:alice";
pub(crate) const BOB: &str = "User:bob";

/// A topic, at the broker or not yet.
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) id: [u8; 16],
    /// Whether clients say its name in requests; what a client says is no secret to it.
    pub(crate) is_named: bool,
    /// Whether clients say its id.
    pub(crate) is_identified: bool,
    pub(crate) exists: bool,
}

/// A group or a transactional id.
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) is_named: bool,
}

pub(crate) struct World {
    pub(crate) topics: Vec<Topic>,
    pub(crate) groups: Vec<Named>,
    pub(crate) transactional_ids: Vec<Named>,
    pub(crate) acls: Arc<Acls>,
}

/// The bindings in force, as doorkeeper's store would hold them.
pub(crate) struct Acls {
    bindings: Mutex<Arc<Vec<Binding>>>,
    authorizer: Mutex<Authorizer>,
    settings: Settings,
    generation: AtomicU64,
    wakers: Wakers,
}

impl AclSource for Acls {
    fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    fn view(&self, principal: &str, address: IpAddr) -> (ClientView, u64) {
        (self.authorizer.lock().unwrap().client(principal, address), self.generation())
    }

    fn wake(&self, waker: &Waker) -> Woken {
        self.wakers.add(waker)
    }

    fn change(&self, change: Change) -> PendingChange {
        let outcome = self.apply(&change);
        Box::pin(async move { Ok(outcome) })
    }
}

impl Acls {
    fn bindings(&self) -> Arc<Vec<Binding>> {
        self.bindings.lock().unwrap().clone()
    }

    pub(crate) fn apply(&self, change: &Change) -> ChangeOutcome {
        let mut bindings = self.bindings().to_vec();
        let outcome = match change {
            Change::Create(created) => {
                bindings.extend(created.iter().cloned());
                ChangeOutcome::Created
            }
            Change::Delete(filters) => {
                let all = self.authorizer.lock().unwrap().bindings().to_vec();
                let selected = |filter: &doorkeeper::model::acl::BindingFilter| {
                    all.iter().filter(|binding| filter.selects(binding)).cloned().collect()
                };
                bindings.retain(|binding| !filters.iter().any(|filter| filter.selects(binding)));
                ChangeOutcome::Deleted(filters.iter().map(selected).collect())
            }
        };
        self.set(bindings);
        outcome
    }

    pub(crate) fn set(&self, bindings: Vec<Binding>) {
        *self.authorizer.lock().unwrap() = Authorizer::new(bindings.clone(), self.settings.clone());
        *self.bindings.lock().unwrap() = Arc::new(bindings);
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}

/// What one client may do: now, or at any of several times.
#[derive(Clone)]
pub(crate) struct Rights {
    times: Vec<Arc<Vec<Binding>>>,
    settings: Settings,
    principal: &'static str,
    address: IpAddr,
}

impl Rights {
    pub(crate) fn allow(&self, operation: Operation, resource_type: ResourceType, name: &str) -> bool {
        self.any(|model| model.allows(operation, resource_type, name))
    }

    pub(crate) fn topic(&self, operation: Operation, name: &str) -> bool {
        self.allow(operation, ResourceType::Topic, name)
    }

    pub(crate) fn group(&self, operation: Operation, name: &str) -> bool {
        self.allow(operation, ResourceType::Group, name)
    }

    pub(crate) fn transaction(&self, operation: Operation, name: &str) -> bool {
        self.allow(operation, ResourceType::TransactionalId, name)
    }

    pub(crate) fn cluster(&self, operation: Operation) -> bool {
        self.allow(operation, ResourceType::Cluster, CLUSTER_NAME)
    }

    pub(crate) fn any_topic(&self, operation: Operation) -> bool {
        self.any(|model| model.allows_any(operation, ResourceType::Topic))
    }

    /// Where nothing is allowed that no binding allows.
    #[allow(dead_code, reason = "not for fuzzing")]
    pub(crate) fn closed(mut self) -> Self {
        self.settings.allow_everyone_if_no_acl_found = false;
        self
    }

    /// What it may do after a change as well.
    pub(crate) fn extend(&mut self, later: &Rights) {
        for time in &later.times {
            if !self.times.iter().any(|known| Arc::ptr_eq(known, time)) {
                self.times.push(time.clone());
            }
        }
    }

    fn any(&self, f: impl Fn(&Model<'_>) -> bool) -> bool {
        let Self { times, settings, principal, address } = self;
        times.iter().any(|bindings| f(&Model { bindings, settings, principal, address: *address }))
    }
}

/// One of these.
pub(crate) fn one_of<'a, T>(random: &mut Dice, values: &'a [T]) -> &'a T {
    &values[random.below(values.len())]
}

pub(crate) fn one_in(random: &mut Dice, n: usize) -> bool {
    random.below(n) == 0
}

impl World {
    pub(crate) fn new(random: &mut Dice) -> Self {
        // The names are the same in every world, so that a fuzzer's bytes can say them.
        let name = |kind: char, n: usize| {
            let area = ['a', 'b', 'c'][n % 3];
            format!("zqx{kind}{area}{:08x}", (n as u32 + 1).wrapping_mul(0x9e37_79b1))
        };
        let topics = (0..14).map(|n| {
            let mut id = [0; 16];
            id[..4].copy_from_slice(ID_MARK);
            id[4..12].copy_from_slice(&(n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
            let (is_named, is_identified) = (n / 2 % 2 == 0, n % 2 == 0);
            Topic { name: name('t', n), id, is_named, is_identified, exists: !one_in(random, 6) }
        });
        let topics = topics.collect();
        let named = |kind| (0..8).map(|n| Named { name: name(kind, n), is_named: n % 2 == 0 }).collect();
        let (groups, transactional_ids) = (named('g'), named('x'));
        let settings = Settings {
            super_users: Vec::new(),
            allow_everyone_if_no_acl_found: one_in(random, 8),
            ..Settings::default()
        };
        let acls = Arc::new(Acls {
            bindings: Mutex::default(),
            authorizer: Mutex::new(Authorizer::new(Vec::new(), settings.clone())),
            settings,
            generation: AtomicU64::new(1),
            wakers: Wakers::default(),
        });
        let world = Self { topics, groups, transactional_ids, acls };
        let many = random.below(40);
        let mut bindings: Vec<_> = (0..many).map(|_| world.binding(random)).collect();
        if one_in(random, 3) {
            // Most of what is asked for is allowed, until it is taken away.
            bindings.extend(ResourceType::ALL.iter().map(|&resource_type| Binding {
                resource_type,
                resource_name: match resource_type {
                    ResourceType::Cluster => CLUSTER_NAME.to_owned(),
                    _ => "*".to_owned(),
                },
                pattern_type: PatternType::Literal,
                principal: ALICE.to_owned(),
                host: "*".to_owned(),
                operation: Operation::All,
                permission: Permission::Allow,
            }));
        }
        world.acls.set(bindings);
        world
    }

    /// What the client may do now.
    pub(crate) fn rights(&self, principal: &'static str, address: IpAddr) -> Rights {
        let times = vec![self.acls.bindings()];
        Rights { times, settings: self.acls.settings.clone(), principal, address }
    }

    /// Grants or revokes something.
    pub(crate) fn change_acls(&self, random: &mut Dice) {
        let mut bindings = self.acls.bindings().to_vec();
        match random.below(10) {
            0 => bindings.clear(),
            1..4 => {
                let keep = random.below(4) + 1;
                bindings.retain(|_| random.below(5) < keep);
            }
            4..6 if !bindings.is_empty() => {
                bindings.remove(random.below(bindings.len()));
            }
            _ => {
                let more = 1 + random.below(6);
                bindings.extend((0..more).map(|_| self.binding(random)));
            }
        }
        if bindings.len() > 60 {
            bindings.drain(..bindings.len() - 40);
        }
        self.acls.set(bindings);
    }

    fn binding(&self, random: &mut Dice) -> Binding {
        let resource_type = *one_of(
            random,
            &[
                ResourceType::Topic,
                ResourceType::Topic,
                ResourceType::Topic,
                ResourceType::Group,
                ResourceType::Group,
                ResourceType::TransactionalId,
                ResourceType::Cluster,
            ],
        );
        let literal = |names: &[Named], random: &mut Dice| one_of(random, names).name.clone();
        let mut pattern_type = PatternType::Literal;
        let mut resource_name = match resource_type {
            ResourceType::Topic => one_of(random, &self.topics).name.clone(),
            ResourceType::Group => literal(&self.groups, random),
            ResourceType::TransactionalId => literal(&self.transactional_ids, random),
            _ => CLUSTER_NAME.to_owned(),
        };
        if resource_type != ResourceType::Cluster {
            match random.below(6) {
                0 => resource_name = "*".to_owned(),
                1 | 2 => {
                    pattern_type = PatternType::Prefixed;
                    resource_name.truncate(4 + random.below(3));
                }
                _ => {}
            }
        }
        let operation = match random.below(4) {
            0 => Operation::All,
            1 => {
                *one_of(random, &[Operation::Read, Operation::Write, Operation::Describe, Operation::Create])
            }
            _ => *one_of(random, Operation::ALL),
        };
        Binding {
            resource_type,
            resource_name,
            pattern_type,
            principal: (*one_of(random, &[ALICE, ALICE, BOB, "User:*", "User:carol"])).to_owned(),
            host: (*one_of(random, &["*", "*", "*", "10.0.0.7", "10.0.0.0/24", "10.9.9.9"])).to_owned(),
            operation,
            permission: if one_in(random, 4) { Permission::Deny } else { Permission::Allow },
        }
    }

    pub(crate) fn by_name(&self, name: &str) -> Option<&Topic> {
        self.topics.iter().find(|topic| topic.name == name)
    }

    /// The topic at the broker that has this id.
    pub(crate) fn by_id(&self, id: &[u8; 16]) -> Option<&Topic> {
        self.topics.iter().find(|topic| topic.exists && topic.id == *id)
    }

    /// A topic's name that a client says.
    pub(crate) fn said_topic(&self, random: &mut Dice) -> String {
        if one_in(random, 12) {
            return (*one_of(
                random,
                &["nowhere", "", "__consumer_offsets", "__transaction_state", "not valid"],
            ))
            .to_owned();
        }
        let named: Vec<_> = self.topics.iter().filter(|topic| topic.is_named).collect();
        one_of(random, &named).name.clone()
    }

    /// A topic's id that a client says.
    pub(crate) fn said_id(&self, random: &mut Dice) -> [u8; 16] {
        match random.below(12) {
            0 => [0; 16],
            1 => [9; 16],
            _ => {
                let known: Vec<_> = self.topics.iter().filter(|topic| topic.is_identified).collect();
                one_of(random, &known).id
            }
        }
    }

    pub(crate) fn said(names: &[Named], random: &mut Dice) -> String {
        match random.below(16) {
            0 => String::new(),
            _ => {
                let named: Vec<_> = names.iter().filter(|named| named.is_named).collect();
                one_of(random, &named).name.clone()
            }
        }
    }
}
