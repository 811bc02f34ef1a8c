//! A request goes through its rule as bytes, with somebody who plays the broker.

use bytes::Bytes;
use doorkeeper::model::acl::{Change, ChangeOutcome};
use doorkeeper::protocol::api::{Action, Answer, PatternMatch, Row, Rule, TABLE};
use doorkeeper::protocol::wire::{Fault, FaultKind};

use crate::support::door::{self, Door};
use crate::support::layouts::{Layout, layouts};

/// What came of a request.
#[derive(Default)]
pub(crate) struct Played {
    /// Whether the client's own request reached the broker; then it may have been edited.
    pub(crate) forwarded: Option<Bytes>,
    /// Other questions that the broker was asked: key, version, body.
    pub(crate) asked: Vec<(i16, i16, Bytes)>,
    /// What the client got. Nothing if the connection closed, or if there is no answer.
    pub(crate) answer: Option<Bytes>,
    pub(crate) closed: Option<&'static str>,
}

/// The rows that decide, each with its key's layouts of requests.
pub(crate) fn decided() -> impl Iterator<Item = (&'static Row, &'static Layout)> {
    TABLE.iter().filter(|row| matches!(row.rule, Rule::Decided(_))).flat_map(|row| {
        let of_row = layouts().iter().filter(|layout| layout.is_request && layout.key == row.key);
        of_row.map(move |layout| (row, layout))
    })
}

/// Every version that a rule decides.
pub(crate) fn each_decided_version(mut f: impl FnMut(&'static Row, &'static Layout, i16)) {
    let mut seen = 0;
    for (row, layout) in decided() {
        for version in layout.versions.clone().filter(|version| row.versions.contains(version)) {
            f(row, layout, version);
            seen += 1;
        }
    }
    let versions = TABLE.iter().map(|row| row.versions.clone().count()).sum::<usize>();
    assert_eq!(seen, versions);
}

/// The layout of an API's response in a version.
pub(crate) fn response(key: i16, version: i16) -> &'static Layout {
    layouts()
        .iter()
        .find(|layout| !layout.is_request && layout.key == key && layout.versions.contains(&version))
        .expect("a response of the version")
}

/// Plays one request to the end. `broker` answers: key, version, body. `in_pieces`: an answer that may be watched passes piece
/// by piece.
pub(crate) fn play(
    door: &mut Door,
    row: &Row,
    version: i16,
    request: &Bytes,
    in_pieces: bool,
    broker: &mut dyn FnMut(i16, i16, &Bytes) -> Bytes,
) -> Played {
    let at = || format!("{} version {version}", row.name);
    let Rule::Decided(rule) = row.rule else { panic!("{} has no rule", row.name) };
    let mut action = door
        .access(version, |access| rule(request, access))
        .unwrap_or_else(|fault| panic!("{}: {fault}", at()));
    let mut played = Played::default();
    loop {
        let (body, answer) = match action {
            Action::Close(reason) => {
                played.closed = Some(reason);
                return played;
            }
            Action::Reply(body) => {
                played.answer = Some(body.into());
                return played;
            }
            // Nothing matches and everything is there already: the store's shortest way.
            Action::Change(change) => {
                let outcome = match &change.change {
                    Change::Create(_) => ChangeOutcome::Created,
                    Change::Delete(filters) => ChangeOutcome::Deleted(vec![Vec::new(); filters.len()]),
                };
                action = door
                    .access(version, |access| (change.then)(Ok(outcome), access))
                    .unwrap_or_else(|fault| panic!("{} after a change: {fault}", at()));
                continue;
            }
            Action::ChangeUsers(_) => unreachable!("no users are kept behind this door"),
            Action::Match(PatternMatch { matching, then }) => {
                action = door
                    .access(version, |access| then(Some(matching.work()), access))
                    .unwrap_or_else(|fault| panic!("{} after a match: {fault}", at()));
                continue;
            }
            Action::Ask(ask) => {
                assert!(played.asked.len() < 5, "{} does not stop to ask", at());
                let body = Bytes::from(ask.body);
                let answer = broker(ask.key, ask.version, &body);
                played.asked.push((ask.key, ask.version, body));
                action = door
                    .access(version, |access| (ask.then)(&answer, access))
                    .unwrap_or_else(|fault| panic!("{} after a question: {fault}", at()));
                continue;
            }
            Action::Forward(answer) => (request.clone(), answer),
            Action::Replace(body, answer) => (body.into(), answer),
        };
        if matches!(answer, Answer::None { .. }) {
            played.forwarded = Some(body);
            return played;
        }
        let theirs = broker(row.key, version, &body);
        played.forwarded = Some(body);
        let ours = door.access(version, |access| match answer {
            Answer::None { .. } | Answer::Untouched => Ok(None),
            Answer::Rewritten(rewrite) => rewrite(&theirs, access),
            Answer::Watched { watch, .. } if !in_pieces => watch.whole(&theirs, access),
            Answer::Watched { mut watch, .. } => door::in_pieces(&mut *watch, &theirs, 3, access).map(Some),
        });
        match ours {
            Ok(ours) => played.answer = Some(ours.map_or(theirs, Bytes::from)),
            Err(Fault { kind: FaultKind::Foreign, .. }) => played.closed = Some("the answer is for another"),
            Err(fault) => panic!("{}: the answer cannot be rewritten: {fault}", at()),
        }
        return played;
    }
}

/// Whether `bytes` hold `needle` anywhere.
pub(crate) fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}
