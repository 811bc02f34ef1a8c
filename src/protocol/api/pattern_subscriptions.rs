//! Heartbeats of members that subscribe to a pattern (KIP-848, ConsumerGroupHeartbeat from version 1 on).
//!
//! Kafka matches a pattern against all topics and keeps those that the member may describe
//! (`TopicRegexResolver.resolveRegularExpressions`). A member that may describe every topic is left to the broker. For any
//! other the pattern is matched here, and the broker is told names; see [`crate::protocol::subscriptions`]. Kafka shares
//! what it finds among all members of the group with the same pattern, whoever's rights it was found by; here each has
//! its own.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Question, Step, Verdict, metadata, trimmed};
use crate::protocol::access::Access;
use crate::protocol::error_code::*;
use crate::protocol::messages::consumer_group_describe_response::Member as DescribedMember;
use crate::protocol::messages::{
    ConsumerGroupHeartbeatRequest as Heartbeat, ConsumerGroupHeartbeatResponse as Answer, MetadataRequest,
    MetadataResponse,
};
use crate::protocol::subscriptions::{Member, Pattern, Subscription, Told, Topics, digest};
use crate::protocol::wire::{Fault, Str};
use crate::words::acl::{Operation, ResourceType};

/// The first version with patterns.
const PATTERNS: i16 = 1;
/// The most that a member may name beside a pattern, in bytes: all of it is remembered.
const MOST_NAMED: usize = 64 * 1024;
/// A pattern that no broker takes. One that only ours refuses must not get there.
const NO_PATTERN: &str = "(";

/// Decides a heartbeat of a member that may read its group and describe the topics that it names.
pub(super) fn beat(request: &mut Heartbeat, access: &mut Access<'_>) -> Result<Verdict<Answer>, Fault> {
    let member = Member::new(&request.group_id, &request.member_id);
    if request.member_epoch < 0 {
        access.subscriptions.forget(&member);
        return Ok(Verdict::Forward);
    }
    if access.version < PATTERNS {
        return Ok(Verdict::Forward);
    }
    let known = access.subscriptions.find(&member);
    let known = known.filter(|known| *known.principal == *access.principal);
    // What is not repeated has not changed; whoever joins repeats everything.
    let is_joining = request.member_epoch == 0;
    let pattern = match &request.subscribed_topic_regex {
        Some(pattern) if pattern.is_empty() => None,
        Some(pattern) => Some(Str::from(&**pattern)),
        None if is_joining => None,
        None => match &known {
            Some(known) => known.pattern.clone(),
            None => return Ok(ask_to_repeat(member)),
        },
    };
    let names: Arc<[Str]> = match (&request.subscribed_topic_names, &known) {
        (Some(names), _) => names.iter().map(|name| Str::from(&**name)).collect(),
        (None, Some(known)) => known.names.clone(),
        (None, None) => Arc::new([]),
    };
    let is_repeated = request.subscribed_topic_regex.is_some() || request.subscribed_topic_names.is_some();
    let told = known.filter(|_| !is_repeated).map_or(Told::Nothing, |known| known.told);
    let principal = Arc::from(access.principal);
    match pattern {
        None => {
            let subscription =
                Subscription { principal, pattern: None, names: Arc::new([]), told: Told::Nothing };
            access.subscriptions.remember(member, subscription);
            Ok(Verdict::Forward)
        }
        Some(text) => {
            let subscription = Subscription { principal, pattern: Some(text.clone()), names, told };
            follow(request, Followed { member, subscription }, &text, access)
        }
    }
}

/// A member that has a pattern.
struct Followed {
    member: Member,
    subscription: Subscription,
}

fn follow(
    request: &mut Heartbeat,
    mut followed: Followed,
    text: &Str,
    access: &mut Access<'_>,
) -> Result<Verdict<Answer>, Fault> {
    let Subscription { told, names, .. } = &mut followed.subscription;
    if access.view.allows_every(Operation::Describe, ResourceType::Topic) {
        if *told == Told::Pattern {
            return Ok(Verdict::Forward);
        }
        request.subscribed_topic_regex = Some(text.clone());
        request.subscribed_topic_names = Some(names.to_vec());
        *told = Told::Pattern;
        return Ok(Verdict::Trim(Box::new(followed.remember())));
    }
    let named: usize = names.iter().map(|name| name.len()).sum();
    let pattern = match Pattern::new(text) {
        _ if named > MOST_NAMED => Err(format!("more than {MOST_NAMED} bytes of names stand beside it")),
        pattern => pattern,
    };
    let pattern = match pattern {
        Ok(pattern) => pattern,
        Err(why) => {
            request.subscribed_topic_regex = Some(NO_PATTERN.into());
            return Ok(Verdict::Trim(Box::new(tell_that_it_is_none(text, &why))));
        }
    };
    if let Some(topics) = access.subscriptions.topics() {
        return Ok(match followed.choose(request, &pattern, &topics, access) {
            Chosen::Same => Verdict::Forward,
            Chosen::Others => Verdict::Trim(Box::new(followed.remember())),
            Chosen::TooMuch => {
                request.subscribed_topic_regex = Some(NO_PATTERN.into());
                Verdict::Trim(Box::new(tell_that_it_is_none(text, TOO_MUCH)))
            }
        });
    }
    let everything = MetadataRequest { topics: None, allow_auto_topic_creation: false, ..Default::default() };
    // Whoever serves this API serves Metadata 12.
    let version = access.broker.newest::<MetadataRequest>(4..=i16::MAX).unwrap_or(12);
    let (mut request, text) = (request.clone(), text.clone());
    let question = Question::new(&everything, version, move |answer: MetadataResponse, access| {
        metadata::learn_topic_names(&answer, access);
        let names = answer.topics.iter().filter_map(|topic| topic.name.as_deref());
        let topics = access.subscriptions.learn(names);
        match followed.choose(&mut request, &pattern, &topics, access) {
            Chosen::Same => Step::Forward,
            Chosen::Others => trimmed(&request, access, followed.remember()),
            Chosen::TooMuch => {
                request.subscribed_topic_regex = Some(NO_PATTERN.into());
                trimmed(&request, access, tell_that_it_is_none(&text, TOO_MUCH))
            }
        }
    });
    question.map(Verdict::Ask)
}

const TOO_MUCH: &str = "it takes too long to match";

/// What came of matching a pattern.
enum Chosen {
    /// The broker knows the names.
    Same,
    /// The request has them now.
    Others,
    /// It would take too long.
    TooMuch,
}

impl Followed {
    /// Puts the names that the pattern covers and the client may describe into the request, unless the broker has them.
    fn choose(
        &mut self,
        request: &mut Heartbeat,
        pattern: &Pattern,
        topics: &Topics,
        access: &mut Access<'_>,
    ) -> Chosen {
        let (from, by) = (topics.number, access.generation);
        let subscription = &mut self.subscription;
        let before = match subscription.told {
            Told::Names { topics, generation, .. } if (topics, generation) == (from, by) => {
                return Chosen::Same;
            }
            Told::Names { digest, .. } => Some(digest),
            Told::Nothing | Told::Pattern => None,
        };
        let Some(covered) = pattern.covered(&topics.names) else { return Chosen::TooMuch };
        let describable =
            |name: &&Str| access.allows_silently(Operation::Describe, ResourceType::Topic, name);
        let chosen = covered.into_iter().filter(describable).chain(subscription.names.iter());
        let names: Vec<Str> = chosen.collect::<BTreeSet<_>>().into_iter().cloned().collect();
        let digest = digest(&names);
        subscription.told = Told::Names { digest, topics: from, generation: by };
        if before == Some(digest) {
            access.subscriptions.remember(self.member.clone(), subscription.clone());
            return Chosen::Same;
        }
        request.subscribed_topic_names = Some(names);
        request.subscribed_topic_regex = Some(Str::EMPTY);
        Chosen::Others
    }

    /// Remembers what the broker was told, once it has taken it.
    fn remember(self) -> impl FnOnce(&mut Answer, &mut Access<'_>) + Send + 'static {
        let Self { member, mut subscription } = self;
        move |answer, access| {
            if answer.error_code != NONE {
                subscription.told = Told::Nothing;
            }
            access.subscriptions.remember(member, subscription);
        }
    }
}

/// Nothing is known of the member, as after a restart of doorkeeper, and it may have a pattern. Kafka's error of a
/// coordinator that has just moved makes clients say everything once more. It is told once, and not in the place of an
/// assignment.
fn ask_to_repeat(member: Member) -> Verdict<Answer> {
    Verdict::Amend(Box::new(move |answer, access| {
        if answer.error_code != NONE || answer.assignment.is_some() {
            return;
        }
        let nothing = Subscription {
            principal: Arc::from(access.principal),
            pattern: None,
            names: Arc::new([]),
            told: Told::Nothing,
        };
        access.subscriptions.remember(member, nothing);
        *answer = refused(COORDINATOR_LOAD_IN_PROGRESS);
    }))
}

/// `Utils.throwIfRegularExpressionIsInvalid`, in the place of what the broker says of [`NO_PATTERN`].
fn tell_that_it_is_none(text: &Str, why: &str) -> impl FnOnce(&mut Answer, &mut Access<'_>) + Send + 'static {
    let told = format!("SubscribedTopicRegex `{text}` is not a valid regular expression: {why}.");
    move |answer, _| {
        if answer.error_code == INVALID_REGULAR_EXPRESSION {
            answer.error_message = Some(told.as_str().into());
        }
    }
}

/// The answer to a heartbeat that is refused.
pub(super) fn refused(error_code: i16) -> Answer {
    Answer { error_code, ..Default::default() }
}

/// Shows the pattern of a member in the place of the names that the broker was told.
pub(super) fn restore(group_id: &str, described: &mut DescribedMember, access: &Access<'_>) {
    let member = Member::new(group_id, &described.member_id);
    if let Some(Subscription { pattern: Some(pattern), names, told: Told::Names { .. }, .. }) =
        access.subscriptions.find(&member)
    {
        described.subscribed_topic_names = names.to_vec();
        described.subscribed_topic_regex = Some(pattern);
    }
}
