//! Heartbeats of members that subscribe to a pattern (KIP-848, ConsumerGroupHeartbeat from version 1 on).
//!
//! Kafka matches a pattern against all topics and keeps those that the member may describe whose heartbeat made it look
//! (`TopicRegexResolver.resolveRegularExpressions`); all members of the group with this pattern share what was found. It
//! looks again when there are new topics, with whichever member's heartbeat comes first. So it is here. For a member that
//! may describe every topic the broker is told the pattern as it is. For any other it is matched here, and the broker is
//! told a pattern that covers what was found and nothing else: like any pattern, that is looked after beside the heartbeat.
//! See [`crate::protocol::subscriptions`]. Sooner than Kafka does, what was found by rights that have changed is found anew
//! with the member's next heartbeat, and what was found for a member that has left with anybody's.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{AfterMatch, Question, RuleOutcome, Step, metadata, trimmed};
use crate::model::acl::{Operation, ResourceType};
use crate::protocol::access::Access;
use crate::protocol::error_code::*;
use crate::protocol::messages::consumer_group_describe_response::Member as DescribedMember;
use crate::protocol::messages::{
    ConsumerGroupHeartbeatRequest as Heartbeat, ConsumerGroupHeartbeatResponse as Answer, MetadataRequest,
    MetadataResponse,
};
use crate::protocol::subscriptions::{
    Covered, Found, Matching, Member, Subscription, Telling, Topics, digest,
};
use crate::protocol::wire::{Fault, Str};

/// The first version with patterns.
const PATTERNS: i16 = 1;
/// The most that a member may name beside a pattern, in bytes: all of it is remembered.
const MOST_NAMED: usize = 64 * 1024;
/// A pattern that no broker takes. One that only ours refuses must not get there.
const NO_PATTERN: &str = "(";
/// A pattern that covers no topic: none may have this in its name.
const NOTHING: &str = "/";
/// The longest pattern that a broker reads, and the longest text that it writes.
const LONGEST: usize = i16::MAX as usize;

/// Decides a heartbeat of a member that may read its group and describe the topics that it names.
pub(super) fn beat(request: &mut Heartbeat, access: &mut Access<'_>) -> Result<RuleOutcome<Answer>, Fault> {
    if request.member_epoch < 0 {
        return Ok(leave(request, access));
    }
    if access.version < PATTERNS {
        return Ok(RuleOutcome::Forward);
    }
    let known = access.subscriptions.find(&request.group_id, &request.member_id, access.principal);
    // What is not repeated has not changed; whoever joins repeats everything.
    let is_joining = request.member_epoch == 0;
    let pattern = match &request.subscribed_topic_regex {
        Some(pattern) if pattern.is_empty() => None,
        Some(pattern) => Some(pattern.detached()),
        None if is_joining => None,
        None => match &known {
            Some(known) => known.pattern.clone(),
            None => return Ok(ask_to_repeat(request)),
        },
    };
    let names: Arc<[Str]> = match (&request.subscribed_topic_names, &known) {
        _ if pattern.is_none() => Arc::new([]),
        (Some(names), _) => names.iter().map(Str::detached).collect(),
        (None, Some(known)) => known.names.clone(),
        (None, None) => Arc::new([]),
    };
    let subscription = Subscription { principal: Arc::from(access.principal), pattern, names, told: None };
    let Some(pattern) = subscription.pattern.clone() else {
        return Ok(match known.is_some_and(|known| known.pattern.is_none()) {
            true => RuleOutcome::Forward,
            false => RuleOutcome::Amend(Box::new(remember(Member::of(request), subscription, None))),
        });
    };
    let named: usize = subscription.names.iter().map(|name| name.len()).sum();
    if named > MOST_NAMED {
        let why = "more than 64 KiB of names stand beside it";
        return Ok(RuleOutcome::Trim(Box::new(tell_that_it_is_none(request, &pattern, why))));
    }
    let is_repeated = request.subscribed_topic_regex.is_some() || request.subscribed_topic_names.is_some();
    let told = known.filter(|_| !is_repeated).and_then(|known| known.told);
    follow(request, Followed { pattern, subscription, told }, access)
}

impl Member {
    fn of(request: &Heartbeat) -> Self {
        Self::new(&request.group_id, &request.member_id)
    }
}

/// A member is forgotten when the broker says that it has left.
fn leave(request: &Heartbeat, access: &Access<'_>) -> RuleOutcome<Answer> {
    let member = Member::of(request);
    match access.subscriptions.look_up(&member.group_id, &member.member_id) {
        None => RuleOutcome::Forward,
        Some(_) => RuleOutcome::Amend(Box::new(move |answer, access| {
            if matches!(answer.error_code, NONE | UNKNOWN_MEMBER_ID) {
                access.subscriptions.forget(&member);
            }
        })),
    }
}

/// What a member has subscribed to that has a pattern.
struct Followed {
    pattern: Str,
    subscription: Subscription,
    /// What the broker was told before, unless the client says everything anew.
    told: Option<u64>,
}

fn follow(
    request: &mut Heartbeat,
    followed: Followed,
    access: &mut Access<'_>,
) -> Result<RuleOutcome<Answer>, Fault> {
    let sees_all = access.allows_every(Operation::Describe, ResourceType::Topic);
    let found = access.subscriptions.found(&request.group_id, &followed.pattern);
    let is_shared =
        found.as_ref().is_some_and(|(found, _)| found.is_shared || !followed.is_told_to_all(found));
    // As long as nobody with fewer rights has the pattern, which topics there are is the broker's business.
    let topics = match sees_all && !is_shared {
        true => None,
        false => match access.subscriptions.topics() {
            Some(topics) => Some(topics),
            None => return ask_for_topics(request, followed, access),
        },
    };
    Ok(match followed.choose(request, topics, None, access) {
        Chosen::Same => RuleOutcome::Forward,
        Chosen::Others(amend) => RuleOutcome::Trim(amend),
        Chosen::Unmatched(followed, matching) => {
            let (request, topics) = (request.clone(), matching.topics.clone());
            RuleOutcome::Match(matching, after_match(request, topics, *followed))
        }
    })
}

/// As [`follow`], when the topics are known and the pattern may have been matched against them.
fn go_on(
    mut request: Heartbeat,
    topics: Arc<Topics>,
    followed: Followed,
    covered: Option<Covered>,
    access: &mut Access<'_>,
) -> Step<Answer> {
    match followed.choose(&mut request, Some(topics.clone()), covered, access) {
        Chosen::Same => Step::Forward,
        Chosen::Others(amend) => trimmed(&request, access, amend),
        Chosen::Unmatched(followed, matching) => {
            Step::Match(matching, after_match(request, topics, *followed))
        }
    }
}

/// The client is to come again where there was no memory to match the pattern, as to a coordinator that is not ready.
fn after_match(request: Heartbeat, topics: Arc<Topics>, followed: Followed) -> AfterMatch<Step<Answer>> {
    Box::new(move |covered, access| match covered {
        Some(covered) => go_on(request, topics, followed, Some(covered), access),
        None => Step::Answer(refused(COORDINATOR_LOAD_IN_PROGRESS)),
    })
}

fn ask_for_topics(
    request: &Heartbeat,
    followed: Followed,
    access: &Access<'_>,
) -> Result<RuleOutcome<Answer>, Fault> {
    let everything = MetadataRequest { topics: None, allow_auto_topic_creation: false, ..Default::default() };
    // Whoever serves this API serves Metadata 12.
    let version = access.broker.newest::<MetadataRequest>(4..=i16::MAX).unwrap_or(12);
    let request = request.clone();
    let question = Question::new(&everything, version, move |answer: MetadataResponse, access| {
        metadata::learn_topic_names(&answer, access);
        let names = answer.topics.iter().filter_map(|topic| topic.name.as_deref());
        let topics = access.subscriptions.learn(names);
        go_on(request, topics, followed, None, access)
    });
    question.map(RuleOutcome::Ask)
}

/// What came of looking for what the broker is to be told.
enum Chosen {
    /// It knows.
    Same,
    /// The request has it now, and this is to be done with the answer.
    Others(super::Amend<Answer>),
    /// It takes matching the pattern first.
    Unmatched(Box<Followed>, Matching),
}

impl Followed {
    /// Puts what stands for the pattern into the request, unless the broker has it. Without topics it is the pattern itself;
    /// `covered` is what it covers of them, if it has been matched for this heartbeat.
    fn choose(
        mut self,
        request: &mut Heartbeat,
        topics: Option<Arc<Topics>>,
        covered: Option<Covered>,
        access: &mut Access<'_>,
    ) -> Chosen {
        let sees_all = access.allows_every(Operation::Describe, ResourceType::Topic);
        let known = access.subscriptions.found(&request.group_id, &self.pattern);
        let number = topics.as_ref().map(|topics| topics.number);
        let mut found = match known.clone() {
            Some((found, is_there)) if !self.is_due(&found, is_there, request, number, access) => found,
            _ => {
                let telling = match topics {
                    Some(topics) if !sees_all => {
                        match covered.or_else(|| access.subscriptions.covered(&self.pattern, &topics)) {
                            Some(Ok(covered)) => visible(&covered, &topics, access),
                            Some(Err(why)) => {
                                let tell = tell_that_it_is_none(request, &self.pattern, why);
                                return Chosen::Others(Box::new(tell));
                            }
                            None => {
                                let matching = Matching { pattern: self.pattern.clone(), topics };
                                return Chosen::Unmatched(Box::new(self), matching);
                            }
                        }
                    }
                    _ => Telling::Pattern(self.pattern.clone()),
                };
                Found {
                    member_id: request.member_id.detached(),
                    telling,
                    topics: number,
                    generation: access.generation,
                    is_shared: known.as_ref().is_some_and(|(known, _)| known.is_shared),
                    ..Found::by(access.principal)
                }
            }
        };
        found.is_shared |= !sees_all;
        found.topics = found.topics.or(number);
        let digest = digest(&found.telling, &self.subscription.names);
        if self.told == Some(digest) {
            if known.is_none_or(|(known, _)| known != found) {
                access.subscriptions.share(&request.group_id, &self.pattern, found);
            }
            return Chosen::Same;
        }
        let mut names = self.subscription.names.to_vec();
        request.subscribed_topic_regex = Some(match &found.telling {
            Telling::Pattern(pattern) => pattern.clone(),
            Telling::Names(found) => {
                names = found.iter().chain(&names).collect::<BTreeSet<_>>().into_iter().cloned().collect();
                Str::EMPTY
            }
        });
        request.subscribed_topic_names = Some(names);
        self.subscription.told = Some(digest);
        let remember = remember(Member::of(request), self.subscription, Some((self.pattern, found)));
        Chosen::Others(Box::new(remember))
    }

    /// Whether this heartbeat is one with which it is looked again.
    fn is_due(
        &self,
        found: &Found,
        is_there: bool,
        request: &Heartbeat,
        topics: Option<u64>,
        access: &Access<'_>,
    ) -> bool {
        let has_others = topics.zip(found.topics).is_some_and(|(now, then)| now != then);
        let is_own = found.member_id == request.member_id && *found.principal == *access.principal;
        has_others || !is_there || (is_own && found.generation != access.generation)
    }

    /// Whether the broker matches the pattern itself.
    fn is_told_to_all(&self, found: &Found) -> bool {
        matches!(&found.telling, Telling::Pattern(pattern) if *pattern == self.pattern)
    }
}

/// What stands for a pattern: the topics that it covers and the client may describe.
fn visible(covered: &[u32], topics: &Topics, access: &mut Access<'_>) -> Telling {
    let covered = covered.iter().filter_map(|place| topics.names.get(*place as usize));
    let names: Vec<Str> = covered
        .filter(|name| access.allows_silently(Operation::Describe, ResourceType::Topic, name))
        .cloned()
        .collect();
    match pattern_of(&names) {
        Some(pattern) => Telling::Pattern(pattern),
        None => Telling::Names(names.into()),
    }
}

/// A pattern that covers these topics and no others, if there is one that a broker would read.
fn pattern_of(names: &[Str]) -> Option<Str> {
    let mut pattern = String::new();
    for name in names {
        if !pattern.is_empty() {
            pattern.push('|');
        }
        for one in name.chars() {
            if one.is_ascii_punctuation() && !matches!(one, '-' | '_') {
                pattern.push('\\');
            }
            pattern.push(one);
        }
        if pattern.len() > LONGEST {
            return None;
        }
    }
    Some(if names.is_empty() { NOTHING.into() } else { pattern.into() })
}

/// Remembers what the broker was told, once it has taken it; a member that it does not know is none.
fn remember(
    member: Member,
    subscription: Subscription,
    found: Option<(Str, Found)>,
) -> impl FnOnce(&mut Answer, &mut Access<'_>) + Send + 'static {
    move |answer, access| {
        let known = access.subscriptions.look_up(&member.group_id, &member.member_id);
        let known = known.filter(|known| known.principal == subscription.principal);
        match (answer.error_code, known) {
            (NONE, _) => {
                access.subscriptions.remember(&member, subscription);
                if let Some((pattern, found)) = found {
                    access.subscriptions.share(&member.group_id, &pattern, found);
                }
            }
            (UNKNOWN_MEMBER_ID, Some(_)) => access.subscriptions.forget(&member),
            // It may have taken it or not.
            (_, Some(known)) => access.subscriptions.remember(&member, Subscription { told: None, ..known }),
            (_, None) => {}
        }
    }
}

/// Nothing is known of the member, as after a restart of doorkeeper, and it may have a pattern. Kafka's error of a
/// coordinator that has just moved makes clients say everything once more. It is told once, and not in the place of an
/// assignment.
fn ask_to_repeat(request: &Heartbeat) -> RuleOutcome<Answer> {
    let member = Member::of(request);
    RuleOutcome::Amend(Box::new(move |answer, access| {
        if answer.error_code != NONE || answer.assignment.is_some() {
            return;
        }
        access.subscriptions.remember(&member, Subscription::new(access.principal, None));
        *answer = refused(COORDINATOR_LOAD_IN_PROGRESS);
    }))
}

/// `Utils.throwIfRegularExpressionIsInvalid`, in the place of what the broker says of [`NO_PATTERN`].
fn tell_that_it_is_none(
    request: &mut Heartbeat,
    pattern: &Str,
    why: &str,
) -> impl FnOnce(&mut Answer, &mut Access<'_>) + Send + 'static {
    request.subscribed_topic_regex = Some(NO_PATTERN.into());
    let told = format!("SubscribedTopicRegex `{pattern}` is not a valid regular expression: {why}.");
    move |answer, _| match answer.error_code {
        // Kafka's own error where it cannot write what it would say.
        INVALID_REGULAR_EXPRESSION if told.len() > LONGEST => *answer = refused(UNKNOWN_SERVER_ERROR),
        INVALID_REGULAR_EXPRESSION => answer.error_message = Some(told.into()),
        _ => {}
    }
}

/// The answer to a heartbeat that is refused.
pub(super) fn refused(error_code: i16) -> Answer {
    Answer { error_code, ..Default::default() }
}

/// Shows the pattern of a member in the place of what the broker was told.
pub(super) fn restore(group_id: &str, described: &mut DescribedMember, access: &Access<'_>) {
    if let Some(Subscription { pattern: Some(pattern), names, told: Some(_), .. }) =
        access.subscriptions.look_up(group_id, &described.member_id)
    {
        described.subscribed_topic_names = names.to_vec();
        described.subscribed_topic_regex = Some(pattern);
    }
}
