//! From bytes to a typed request, through its rule, and back to bytes.

use bytes::Bytes;

use super::{
    AclChange, Action, AfterMatch, Amend, Answer, Api, Ask, PatternMatch, Question, Readdress, RuleOutcome,
    Step, Unsupported, UserChange, metadata,
};
use crate::protocol::access::Access;
use crate::protocol::subscriptions::Matching;
use crate::protocol::wire::{Fault, Message, Uuid};

/// Decides a request's body by the rule of its type.
pub(super) fn decide<A: Api>(body: &Bytes, access: &mut Access<'_>) -> Result<Action, Fault> {
    let (request, is_reduced) = A::decode_declared(body, access.version)?;
    let unresolved: Vec<Uuid> = request
        .topic_ids(access)
        .into_iter()
        .filter(|id| !id.is_zero() && access.topics.name(id).is_none())
        .collect();
    if unresolved.is_empty() {
        return judge(request, is_reduced, access);
    }
    match metadata::resolve(unresolved, access)? {
        Some(mut ask) => {
            // Whatever is still unknown then is unknown to the broker.
            let version = ask.version;
            ask.then = Box::new(move |answer, access| {
                metadata::learn(answer, version, access)?;
                judge(request, is_reduced, access)
            });
            Ok(Action::Ask(ask))
        }
        None => judge(request, is_reduced, access),
    }
}

/// `is_reduced`: the client sent more than was read, and only what was read may go on.
fn judge<A: Api>(mut request: A, is_reduced: bool, access: &mut Access<'_>) -> Result<Action, Fault> {
    let version = access.version;
    let edited = |request: &A| encoded(request, version);
    let forward = |request: &A, answer| match is_reduced {
        true => Ok(Action::Replace(edited(request)?, answer)),
        false => Ok(Action::Forward(answer)),
    };
    let outcome = match A::PROTOCOL {
        Some((protocol, answer)) if access.broker.settings.group_protocols.is_off(protocol) => {
            decide_while_off(&mut request, answer, access)?
        }
        _ => request.decide(access)?,
    };
    Ok(match outcome {
        RuleOutcome::Forward => forward(&request, answer::<A>(None, access))?,
        RuleOutcome::Amend(amend) => forward(&request, answer::<A>(Some(amend), access))?,
        RuleOutcome::Trim(amend) => Action::Replace(edited(&request)?, answer::<A>(Some(amend), access)),
        RuleOutcome::Answer(answer) => reply::<A>(answer, access)?,
        RuleOutcome::Ask(question) => {
            let reduced = is_reduced.then(|| edited(&request)).transpose()?;
            Action::Ask(ask::<A>(question, reduced))
        }
        RuleOutcome::Change(change, then) => {
            let then = Box::new(move |outcome, access: &mut Access<'_>| {
                let answer = then(outcome, access);
                reply::<A>(answer, access)
            });
            Action::Change(AclChange { change, then })
        }
        RuleOutcome::ChangeUsers(change, then) => {
            let then = Box::new(move |outcome, access: &mut Access<'_>| {
                let answer = then(outcome, access);
                reply::<A>(answer, access)
            });
            Action::ChangeUsers(UserChange { change, then })
        }
        RuleOutcome::Match(matching, then) => {
            let reduced = is_reduced.then(|| edited(&request)).transpose()?;
            Action::Match(after_match::<A>(matching, then, reduced))
        }
        RuleOutcome::ForwardUnanswered => forward(&request, Answer::None { close: false })?,
        RuleOutcome::TrimUnanswered => Action::Replace(edited(&request)?, Answer::None { close: true }),
        RuleOutcome::Raw(None, answer) => forward(&request, answer)?,
        RuleOutcome::Raw(Some(body), answer) => Action::Replace(body, answer),
        RuleOutcome::Close(reason) => Action::Close(reason),
    })
}

/// Where the protocol is off, everybody has the same answer, and nobody's rights are looked at. But it may have been
/// switched on a moment ago: nothing reaches the broker that would not otherwise.
fn decide_while_off<A: Api>(
    request: &mut A,
    unsupported: Unsupported<A>,
    access: &mut Access<'_>,
) -> Result<RuleOutcome<A::Response>, Fault> {
    let answer = unsupported(request);
    Ok(match access.unobserved(|access| request.decide(access))? {
        RuleOutcome::Trim(_) | RuleOutcome::Answer(_) => RuleOutcome::Answer(answer),
        outcome => outcome,
    })
}

/// How the broker's answer is treated: amended, then readdressed, or neither.
pub(super) fn answer<A: Api>(amend: Option<Amend<A::Response>>, access: &Access<'_>) -> Answer {
    let readdress = readdress::<A>(access);
    if amend.is_none() && readdress.is_none() {
        return Answer::Untouched;
    }
    Answer::Rewritten(Box::new(move |body, access| {
        let mut answer = A::Response::decode(&Bytes::copy_from_slice(body), access.version)?;
        if let Some(amend) = amend {
            amend(&mut answer, access);
        }
        if let Some(readdress) = readdress {
            readdress(&mut answer, access);
        }
        encoded(&answer, access.version).map(Some)
    }))
}

/// `reduced`: the client's own request, if it may not go on as it came.
fn ask<A: Api>(question: Question<A::Response>, reduced: Option<Vec<u8>>) -> Ask {
    let Question { key, version, flexible, body, then } = question;
    let then = Box::new(move |answer: &Bytes, access: &mut Access<'_>| {
        let step = then(answer, access)?;
        go_on::<A>(step, reduced, access)
    });
    Ask { key, version, flexible, body, then }
}

/// `reduced`: as for [`ask`].
fn after_match<A: Api>(
    matching: Matching,
    then: AfterMatch<Step<A::Response>>,
    reduced: Option<Vec<u8>>,
) -> PatternMatch {
    let then = Box::new(move |covered, access: &mut Access<'_>| {
        let step = then(covered, access);
        go_on::<A>(step, reduced, access)
    });
    PatternMatch { matching, then }
}

fn go_on<A: Api>(
    step: Step<A::Response>,
    reduced: Option<Vec<u8>>,
    access: &mut Access<'_>,
) -> Result<Action, Fault> {
    Ok(match step {
        Step::Answer(answer) => reply::<A>(answer, access)?,
        Step::Trim(body, amend) => Action::Replace(body, answer::<A>(Some(amend), access)),
        Step::Ask(question) => Action::Ask(ask::<A>(question, reduced)),
        Step::Match(matching, then) => Action::Match(after_match::<A>(matching, then, reduced)),
        Step::Forward => {
            let answer = answer::<A>(None, access);
            match reduced {
                Some(body) => Action::Replace(body, answer),
                None => Action::Forward(answer),
            }
        }
    })
}

/// What is left of a request goes to the broker, in the client's own name.
pub(super) fn trimmed<A: Api<Response: Default>>(
    request: &A,
    access: &Access<'_>,
    amend: impl FnOnce(&mut A::Response, &mut Access<'_>) + Send + 'static,
) -> Step<A::Response> {
    // What was read in this version can be written in it.
    encoded(request, access.version)
        .map_or_else(|_| Step::Answer(Default::default()), |body| Step::Trim(body, Box::new(amend)))
}

/// An answer of ours. Addresses in it came from the broker all the same.
fn reply<A: Api>(mut answer: A::Response, access: &mut Access<'_>) -> Result<Action, Fault> {
    if let Some(readdress) = readdress::<A>(access) {
        readdress(&mut answer, access);
    }
    encoded(&answer, access.version).map(Action::Reply)
}

fn readdress<A: Api>(access: &Access<'_>) -> Option<Readdress<A::Response>> {
    let (from, readdress) = A::READDRESS?;
    (access.advertised.rewrites() && access.version >= from).then_some(readdress)
}

/// The bytes of a message.
pub fn encoded(message: &impl Message, version: i16) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    message.encode(version, &mut out)?;
    Ok(out)
}
