//! A door without a house: one client, its ACLs, and what doorkeeper knows of the broker, to try rules on.
//!
//! A test sends a request through a [`Door`] and looks at the [`Outcome`]: what reaches the broker, or what the client is
//! answered. It then plays the broker: [`Forwarded::answered`] and [`Asked::answered`] say what comes of its answer.
//! Everything passes as bytes in the client's version, so whatever cannot be written there fails the test.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::expect_used,
    clippy::panic,
    reason = "shared by several tests, each of which uses a part; a panic is how a test fails"
)]

pub mod commits;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Debug;
use std::ops::RangeInclusive;
use std::sync::Arc;

use doorkeeper::model::acl::{
    Authorizer, Binding, CLUSTER_NAME, Change, ChangeError, ChangeOutcome, ClientView, Operation,
    PatternType, Permission, ResourceType, Settings,
};
use doorkeeper::model::advertise::{Advertised, Mapping, Unmapped};
use doorkeeper::net::members::Members;
use doorkeeper::protocol::access::{
    Access, Broker, BrokerSettings, Checked, DecisionObserver, Grounds, TopicNames,
};
use doorkeeper::protocol::api::{
    AclChange, Action, Answer, AnswerWatch, Ask, PatternMatch, Row, Rule, encoded,
};
use doorkeeper::protocol::fetch_sessions::FetchSessions;
use doorkeeper::protocol::messages::api_versions_response::ApiVersion;
use doorkeeper::protocol::messages::metadata_response::{MetadataResponsePartition, MetadataResponseTopic};
use doorkeeper::protocol::messages::{ApiVersionsResponse, CATALOGUE, MetadataRequest, MetadataResponse};
use doorkeeper::protocol::share_sessions::ShareSessions;
use doorkeeper::protocol::subscriptions::Subscriptions;
use doorkeeper::protocol::waiting_members::WaitingMembers;
use doorkeeper::protocol::wire::{Bytes, Fault, Message, Request, Str, Uuid};

/// The client of every door, unless the test says otherwise.
pub const ALICE: &str = "User:alice";

/// A binding that lets alice do `operation` on one resource.
pub fn allow(operation: Operation, resource_type: ResourceType, name: &str) -> Binding {
    Binding {
        resource_type,
        resource_name: name.to_owned(),
        pattern_type: PatternType::Literal,
        principal: ALICE.to_owned(),
        host: "*".to_owned(),
        operation,
        permission: Permission::Allow,
    }
}

/// A binding that forbids it.
pub fn deny(operation: Operation, resource_type: ResourceType, name: &str) -> Binding {
    Binding { permission: Permission::Deny, ..allow(operation, resource_type, name) }
}

/// A binding that lets alice do `operation` on the cluster.
pub fn allow_cluster(operation: Operation) -> Binding {
    allow(operation, ResourceType::Cluster, CLUSTER_NAME)
}

/// The topic id that is made of `n`.
pub const fn id(n: u8) -> Uuid {
    Uuid([n; 16])
}

/// A decision that the rule made, as the audit trail hears of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    pub operation: Operation,
    pub resource_type: ResourceType,
    pub name: String,
    pub count: usize,
    pub allowed: bool,
    pub silent: bool,
}

/// One client before one broker.
pub struct Door {
    pub view: ClientView,
    pub advertised: Advertised,
    pub broker: Broker,
    pub topics: Names,
    pub members: Members,
    pub host: Arc<str>,
    pub fetch_sessions: FetchSessions,
    pub share_sessions: ShareSessions,
    pub subscriptions: Subscriptions,
    pub waiting: WaitingMembers,
    pub grounds: Grounds,
    pub client_id: String,
    pub principal: String,
    pub generation: u64,
    /// What was decided since the door was made.
    pub heard: Vec<Heard>,
    /// The nodes whose addresses could not be mapped.
    pub unmapped: Vec<i32>,
    /// The patterns that were matched, each time.
    pub matched: Vec<String>,
    /// There is no memory to match patterns.
    pub is_short: bool,
}

/// The topic ids whose names are known.
#[derive(Default)]
pub struct Names(RefCell<HashMap<Uuid, Str>>);

impl TopicNames for Names {
    fn name(&self, id: &Uuid) -> Option<Str> {
        self.0.borrow().get(id).cloned()
    }

    fn learn(&self, id: Uuid, name: &str) {
        self.0.borrow_mut().insert(id, Str::from(name));
    }
}

struct Ear<'a>(&'a mut Vec<Heard>, &'a mut Vec<i32>);

impl DecisionObserver for Ear<'_> {
    fn decided(&mut self, checked: &Checked<'_>) {
        self.0.push(Heard {
            operation: checked.operation,
            resource_type: checked.resource_type,
            name: checked.name.to_owned(),
            count: checked.count,
            allowed: checked.decision.allowed,
            silent: checked.silent,
        });
    }

    fn unmapped(&mut self, node: i32, _: &Unmapped) {
        self.1.push(node);
    }
}

impl Door {
    /// A door for alice, who may do what these bindings say. The broker serves every version that doorkeeper knows, its
    /// settings are unknown, and addresses pass as they are.
    pub fn new(bindings: impl IntoIterator<Item = Binding>) -> Self {
        Self::with_settings(bindings, Settings::default())
    }

    /// A door for a super user.
    pub fn for_super_user() -> Self {
        Self::with_settings([], Settings { super_users: vec![ALICE.to_owned()], ..Settings::default() })
    }

    pub fn with_settings(bindings: impl IntoIterator<Item = Binding>, settings: Settings) -> Self {
        Self {
            view: Authorizer::new(bindings.into_iter().collect(), settings)
                .client(ALICE, [10, 0, 0, 7].into()),
            advertised: Advertised::new(Mapping::None),
            broker: broker(|_, versions| Some(versions), BrokerSettings::default()),
            topics: Names::default(),
            members: Members::default(),
            host: "10.0.0.7".into(),
            fetch_sessions: FetchSessions::default(),
            share_sessions: ShareSessions::default(),
            subscriptions: Subscriptions::default(),
            waiting: WaitingMembers::default(),
            grounds: Grounds::default(),
            client_id: "test".to_owned(),
            principal: ALICE.to_owned(),
            generation: 1,
            heard: Vec::new(),
            unmapped: Vec::new(),
            matched: Vec::new(),
            is_short: false,
        }
    }

    /// The same door, which knows the names of these topic ids.
    #[must_use]
    pub fn knowing(self, topics: &[(Uuid, &str)]) -> Self {
        topics.iter().for_each(|(id, name)| self.topics.learn(*id, name));
        self
    }

    /// The same door before a broker with these settings.
    #[must_use]
    pub fn before(mut self, settings: BrokerSettings) -> Self {
        self.broker.settings = settings;
        self
    }

    /// Other bindings from now on.
    pub fn change(&mut self, bindings: impl IntoIterator<Item = Binding>) {
        self.view = Authorizer::new(bindings.into_iter().collect(), Settings::default())
            .client(ALICE, [10, 0, 0, 7].into());
        self.generation += 1;
    }

    /// What becomes of a request in this version.
    pub fn send<Q: Sendable>(&mut self, version: i16, request: &Q) -> Outcome<Q> {
        let row = Row::find(Q::KEY).expect("a key of the table");
        assert!(row.versions.contains(&version), "{} does not have version {version}", row.name);
        let Rule::Decided(rule) = row.rule else { panic!("{} has no rule", row.name) };
        let sent: Bytes = encoded(request, version).expect("a request that the version can carry").into();
        let action =
            self.access(version, |access| rule(&sent, access)).expect("a request that can be decided");
        let action = self.match_patterns(version, action);
        Outcome::new(version, sent, action)
    }

    /// Does the work that a rule waits for before it goes on.
    fn match_patterns(&mut self, version: i16, mut action: Action) -> Action {
        while let Action::Match(PatternMatch { matching, then }) = action {
            let covered = (!self.is_short).then(|| matching.work());
            if let Some(covered) = covered.clone() {
                self.subscriptions.keep_covered(&matching, covered);
            }
            self.matched.push(matching.pattern.to_string());
            action = self.access(version, |access| then(covered, access)).expect("a request that can go on");
        }
        action
    }

    /// The versions of the API that are served.
    pub fn versions<Q: Request>() -> RangeInclusive<i16> {
        Row::find(Q::KEY).expect("a key of the table").versions.clone()
    }

    /// What was denied loudly since the door was made: operation and name.
    pub fn denials(&self) -> Vec<(Operation, &str)> {
        let loud = self.heard.iter().filter(|heard| !heard.allowed && !heard.silent);
        loud.map(|heard| (heard.operation, heard.name.as_str())).collect()
    }

    /// Lets `f` look at what a rule is given.
    pub fn access<T>(&mut self, version: i16, f: impl FnOnce(&mut Access<'_>) -> T) -> T {
        let mut ear = Ear(&mut self.heard, &mut self.unmapped);
        f(&mut Access {
            version,
            client_id: &self.client_id,
            principal: &self.principal,
            view: &self.view,
            generation: self.generation,
            advertised: &self.advertised,
            host: &self.host,
            topics: &self.topics,
            members: &self.members,
            broker: &self.broker,
            fetch_sessions: &mut self.fetch_sessions,
            share_sessions: &mut self.share_sessions,
            subscriptions: &self.subscriptions,
            users: None,
            waiting: &self.waiting,
            grounds: &mut self.grounds,
            observer: &mut ear,
        })
    }
}

/// A broker that serves of each API what `serve` makes of the versions that doorkeeper knows.
pub fn broker(
    serve: impl Fn(i16, RangeInclusive<i16>) -> Option<RangeInclusive<i16>>,
    settings: BrokerSettings,
) -> Broker {
    let served = CATALOGUE.iter().filter_map(|api| Some((api.key, serve(api.key, api.versions.clone())?)));
    let api_keys = served.map(|(api_key, versions)| ApiVersion {
        api_key,
        min_version: *versions.start(),
        max_version: *versions.end(),
        ..Default::default()
    });
    Broker::new(&ApiVersionsResponse { api_keys: api_keys.collect(), ..Default::default() }, settings)
}

/// A request that a test can send.
pub trait Sendable: Request<Response: Debug> + Debug {}
impl<Q: Request<Response: Debug> + Debug> Sendable for Q {}

/// What became of a request.
#[derive(Debug)]
pub enum Outcome<Q: Sendable> {
    /// It reached the broker.
    Forwarded(Forwarded<Q>),
    /// The client was answered, and the broker heard nothing.
    Answered(Q::Response),
    /// The broker was asked something else first.
    Asked(Asked<Q>),
    /// The ACLs are to be changed first.
    Changing(Changing<Q>),
    /// The connection was closed.
    Closed(&'static str),
}

impl<Q: Sendable> Outcome<Q> {
    fn new(version: i16, sent: Bytes, action: Action) -> Self {
        match action {
            Action::Forward(answer) => Self::Forwarded(Forwarded::new(version, sent, false, answer)),
            Action::Replace(body, answer) => {
                let edited = sent != body;
                Self::Forwarded(Forwarded::new(version, body.into(), edited, answer))
            }
            Action::Ask(ask) => {
                Self::Asked(Asked { version, sent, ask, for_request: std::marker::PhantomData })
            }
            Action::Change(change) => {
                Self::Changing(Changing { version, sent, change, for_request: std::marker::PhantomData })
            }
            Action::ChangeUsers(_) => unreachable!("no users are kept behind this door"),
            Action::Match(_) => unreachable!("patterns are matched before"),
            Action::Reply(body) => Self::Answered(decoded(&body.into(), version)),
            Action::Close(reason) => Self::Closed(reason),
        }
    }

    /// What reached the broker.
    #[track_caller]
    pub fn forwarded(self) -> Forwarded<Q> {
        match self {
            Self::Forwarded(forwarded) => forwarded,
            other => panic!("not forwarded but {other:?}"),
        }
    }

    /// What reached the broker, which is what the client sent, and whose answer is the client's.
    #[track_caller]
    pub fn untouched(self) {
        let forwarded = self.forwarded();
        assert!(!forwarded.edited, "edited to {:?}", forwarded.request);
        assert!(matches!(forwarded.answer, Answer::Untouched), "the answer is rewritten");
    }

    /// What the client was answered, while the broker heard nothing.
    #[track_caller]
    pub fn reply(self) -> Q::Response {
        match self {
            Self::Answered(response) => response,
            other => panic!("not answered but {other:?}"),
        }
    }

    /// What the broker was asked.
    #[track_caller]
    pub fn asked(self) -> Asked<Q> {
        match self {
            Self::Asked(asked) => asked,
            other => panic!("nothing asked but {other:?}"),
        }
    }

    /// The change of the ACLs that is waited for.
    #[track_caller]
    pub fn changing(self) -> Changing<Q> {
        match self {
            Self::Changing(changing) => changing,
            other => panic!("no change but {other:?}"),
        }
    }

    /// Why the connection was closed.
    #[track_caller]
    pub fn closed(self) -> &'static str {
        match self {
            Self::Closed(reason) => reason,
            other => panic!("not closed but {other:?}"),
        }
    }
}

/// What reached the broker.
pub struct Forwarded<Q> {
    version: i16,
    /// The request as the broker reads it.
    pub request: Q,
    /// Whether that is not what the client sent, byte for byte.
    pub edited: bool,
    answer: Answer,
}

impl<Q: Debug> Debug for Forwarded<Q> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Forwarded v{} {:?}", self.version, self.request)
    }
}

impl<Q: Sendable> Forwarded<Q> {
    fn new(version: i16, body: Bytes, edited: bool, answer: Answer) -> Self {
        Self { version, request: decoded(&body, version), edited, answer }
    }

    /// What the client gets when the broker answers this.
    #[track_caller]
    pub fn answered(self, door: &mut Door, response: &Q::Response) -> Q::Response {
        let version = self.version;
        let body: Bytes = encoded(response, version).expect("an answer that the version can carry").into();
        let rewrite = match self.answer {
            Answer::Untouched => return decoded(&body, version),
            Answer::Rewritten(rewrite) => rewrite,
            Answer::Watched { whole, watch } if body.len() <= whole => {
                Box::new(move |body: &[u8], access: &mut Access<'_>| watch.whole(body, access))
            }
            Answer::Watched { mut watch, .. } => {
                // Of an odd length, as a network may cut them.
                let passed = door.access(version, |access| in_pieces(&mut *watch, &body, 7, access));
                return decoded(&passed.expect("an answer that can be watched").into(), version);
            }
            Answer::None { .. } => panic!("the broker does not answer this"),
        };
        let rewritten =
            door.access(version, |access| rewrite(&body, access)).expect("an answer that can be rewritten");
        rewritten.map_or_else(|| decoded(&body, version), |body| decoded(&body.into(), version))
    }

    /// For a request that the broker does not answer: whether the connection closes.
    #[track_caller]
    pub fn unanswered(self) -> bool {
        match self.answer {
            Answer::None { close } => close,
            _ => panic!("the broker answers this"),
        }
    }
}

/// What the broker was asked before the client's own request was decided.
pub struct Asked<Q> {
    version: i16,
    sent: Bytes,
    ask: Ask,
    for_request: std::marker::PhantomData<Q>,
}

impl<Q> Debug for Asked<Q> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Asked key {} v{} {:?}", self.ask.key, self.ask.version, self.ask.body)
    }
}

impl<Q: Sendable> Asked<Q> {
    /// The question, whose type the test knows.
    #[track_caller]
    pub fn question<T: Request>(&self) -> T {
        assert_eq!(self.ask.key, T::KEY, "another question");
        assert_eq!(self.ask.flexible, self.ask.version >= T::FLEXIBLE);
        decoded(&Bytes::copy_from_slice(&self.ask.body), self.ask.version)
    }

    /// The version in which the question was asked.
    pub fn version(&self) -> i16 {
        self.ask.version
    }

    /// What becomes of the client's request when the broker answers the question.
    #[track_caller]
    pub fn answered<T: Message>(self, door: &mut Door, response: &T) -> Outcome<Q> {
        assert_eq!(self.ask.key, T::KEY, "another question");
        let body = encoded(response, self.ask.version).expect("an answer that the version can carry").into();
        let action = door.access(self.version, |access| (self.ask.then)(&body, access));
        let action = door.match_patterns(self.version, action.expect("an answer that can be read"));
        Outcome::new(self.version, self.sent, action)
    }

    /// As [`answered`](Self::answered), for a Metadata question to a broker that has these topics.
    #[track_caller]
    pub fn answered_from(self, door: &mut Door, topics: &[Hosted<'_>]) -> Outcome<Q> {
        let answer = metadata(&self.question(), self.version(), topics);
        self.answered(door, &answer)
    }
}

/// A change of the ACLs that a request waits for.
pub struct Changing<Q> {
    version: i16,
    sent: Bytes,
    change: AclChange,
    for_request: std::marker::PhantomData<Q>,
}

impl<Q> Debug for Changing<Q> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Changing v{} {:?}", self.version, self.change.change)
    }
}

impl<Q: Sendable> Changing<Q> {
    /// What is to be changed.
    pub fn change(&self) -> &Change {
        &self.change.change
    }

    /// What the client is answered when the store says this.
    #[track_caller]
    pub fn came_to(self, door: &mut Door, outcome: Result<ChangeOutcome, ChangeError>) -> Q::Response {
        let action = door.access(self.version, |access| (self.change.then)(outcome, access));
        Outcome::<Q>::new(self.version, self.sent, action.expect("an answer that can be written")).reply()
    }
}

/// A topic that a broker has: name, id, number of partitions.
pub type Hosted<'a> = (&'a str, Uuid, i32);

/// What a broker that has these topics answers to a Metadata request that may not create any.
#[track_caller]
pub fn metadata(question: &MetadataRequest, version: i16, topics: &[Hosted<'_>]) -> MetadataResponse {
    assert!(version >= 4 && !question.allow_auto_topic_creation, "the question creates topics");
    let found = |(name, topic_id, partitions): &Hosted<'_>| MetadataResponseTopic {
        name: Some(Str::from(*name)),
        topic_id: *topic_id,
        partitions: (0..*partitions)
            .map(|partition_index| MetadataResponsePartition { partition_index, ..Default::default() })
            .collect(),
        ..Default::default()
    };
    let topics = match &question.topics {
        None => topics.iter().map(found).collect(),
        Some(wanted) => wanted
            .iter()
            .map(|wanted| {
                let by_id = !wanted.topic_id.is_zero();
                let is_wanted = |topic: &&Hosted<'_>| match by_id {
                    true => topic.1 == wanted.topic_id,
                    false => wanted.name.as_deref() == Some(topic.0),
                };
                topics.iter().find(is_wanted).map_or_else(
                    || MetadataResponseTopic {
                        error_code: if by_id { 100 } else { 3 },
                        name: wanted.name.clone(),
                        topic_id: wanted.topic_id,
                        ..Default::default()
                    },
                    found,
                )
            })
            .collect(),
    };
    MetadataResponse { topics, ..Default::default() }
}

/// Reads a message.
#[track_caller]
pub fn decoded<M: Message>(body: &Bytes, version: i16) -> M {
    M::decode(body, version).unwrap_or_else(|fault| panic!("{} version {version}: {fault}", M::NAME))
}

/// What comes of an answer that passes in pieces of this size, and the end of which is held back if it is wanted whole.
pub fn in_pieces(
    watch: &mut dyn AnswerWatch,
    body: &[u8],
    size: usize,
    access: &mut Access<'_>,
) -> Result<Vec<u8>, Fault> {
    let mut passed = body.to_vec();
    for at in (0..body.len()).step_by(size) {
        let next = body.len().min(at + size);
        let after = body.len() - next;
        if let Some(end) = watch.piece(&mut passed[at..next], after, access)? {
            watch.end(&mut passed[at + end..], access)?;
            break;
        }
    }
    Ok(passed)
}
