//! The same requests to Kafka with its own authorizer and through doorkeeper to a Kafka without one; the answers must be equal.
//!
//! `cases` holds the tables: which API, which shape of input. A case runs in every version that both sides serve, as every
//! principal. `world` holds what the requests are about: topics, groups, transactional ids and the ACLs on them, the same on both
//! sides. `normalise` takes out of the answers what must differ, `report` counts, and `deviations` lists what may differ and why.

pub mod cases;
pub mod deviations;
pub mod differences;
pub mod normalise;
pub mod records;
pub mod report;
mod run;
pub mod side;
pub mod world;

use crate::support::acls::Acl;
use crate::support::client::Answer;
use crate::support::schema::Schemas;
use report::{Id, Report};
use serde_json::Value;
use side::Side;
use std::collections::BTreeMap;
use std::time::Instant;

/// What is sent, in the order of its steps, in each version, as each principal.
#[derive(Clone, Debug)]
pub struct Case {
    /// The API whose versions the case runs through.
    pub api: &'static str,
    /// What is particular about the input.
    pub shape: String,
    pub steps: Vec<Step>,
    /// The principals that send it.
    pub principals: &'static [&'static str],
    /// Versions make no difference: it runs in one alone.
    pub once: bool,
    /// The oldest Kafka that answers it.
    pub since: (u32, u32),
}

/// One thing that happens on both sides.
#[derive(Clone, Debug)]
pub enum Step {
    /// The super user prepares something at the broker itself, where no doorkeeper stands.
    Given { api: &'static str, version: i16, body: Value },
    /// The super user creates topics at the broker itself and waits until they have leaders.
    GivenTopics(&'static [&'static str]),
    /// The super user makes the share group `gp-$u`, which reads these topics, at the broker itself, and waits until all
    /// their partitions can be read.
    GivenShareGroup(&'static [&'static str]),
    /// Both brokers have heard of every change so far.
    Settle,
    /// The super user creates bindings at the doors, and they are in force. `$p` is the principal that the case runs as.
    Grant(Acl),
    /// The super user deletes them again.
    Revoke(Acl),
    /// The principal sends a request, and the answers are compared.
    Compare(Request),
    /// The principal sends a request that has no answer; what is compared is whether the connection lives on.
    CompareSilent(Request),
    /// The principal sends these bytes as a frame, and the bytes that come back are compared.
    CompareFrame(Vec<u8>),
}

/// A request as the principal sends it.
#[derive(Clone, Debug)]
pub struct Request {
    pub api: &'static str,
    /// None: the version that the case is run in.
    pub version: Option<i16>,
    /// Texts may hold `$u`, which becomes unique to the run of the case, and `$p`, the principal's name in ACLs; `$id:NAME` becomes the side's own id of a topic, and
    /// `$=NAME` what an earlier answer was kept as.
    pub body: Value,
    /// Names for parts of the answer, each by its JSON pointer, for later steps.
    pub keep: Vec<(&'static str, &'static str)>,
}

impl Step {
    /// What is sent, if it is a request.
    pub fn body(&self) -> Option<&Value> {
        match self {
            Step::Given { body, .. } => Some(body),
            Step::Compare(request) | Step::CompareSilent(request) => Some(&request.body),
            _ => None,
        }
    }
}

impl Case {
    /// A case of one request.
    pub fn new(api: &'static str, shape: impl Into<String>, body: Value) -> Case {
        Case::after(api, shape, vec![]).then(api, body)
    }

    /// A case that begins with something else than a request.
    pub fn after(api: &'static str, shape: impl Into<String>, steps: Vec<Step>) -> Case {
        Case { api, shape: shape.into(), steps, principals: world::PRINCIPALS, once: false, since: (0, 0) }
    }

    /// Runs in one version only.
    pub fn once(self) -> Case {
        Case { once: true, ..self }
    }

    /// Makes no sense before this Kafka.
    pub fn since(self, major: u32, minor: u32) -> Case {
        Case { since: (major, minor), ..self }
    }

    /// Is sent by these principals only.
    pub fn by(self, principals: &'static [&'static str]) -> Case {
        Case { principals, ..self }
    }

    /// Compares a further request. One of another API than the case's uses the highest version that both sides serve.
    pub fn then(self, api: &'static str, body: Value) -> Case {
        self.then_keep(api, body, &[])
    }

    /// The same, keeping parts of the answer.
    pub fn then_keep(
        mut self,
        api: &'static str,
        body: Value,
        keep: &[(&'static str, &'static str)],
    ) -> Case {
        self.steps.push(Step::Compare(Request { api, version: None, body, keep: keep.to_vec() }));
        self
    }

    /// Does something else between two requests.
    pub fn with(mut self, step: Step) -> Case {
        self.steps.push(step);
        self
    }

    /// Compares what a request without an answer does to the connection.
    pub fn then_silent(mut self, api: &'static str, body: Value) -> Case {
        self.steps.push(Step::CompareSilent(Request { api, version: None, body, keep: Vec::new() }));
        self
    }
}

/// In how many of its versions a case runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// In every one.
    Whole,
    /// In the oldest, the newest, and one between them that changes from case to case, so that the cases of an API together see
    /// each version.
    Sample,
}

impl Extent {
    fn versions(self, number: usize, (first, last): (i16, i16)) -> Vec<i16> {
        match self {
            Extent::Whole => (first..=last).collect(),
            Extent::Sample if last - first < 3 => (first..=last).collect(),
            Extent::Sample => {
                let between = usize::try_from(last - first - 1).unwrap();
                vec![first, first + 1 + i16::try_from(number % between).unwrap(), last]
            }
        }
    }
}

/// Runs all cases and tells what differed. The first of them has this number; no two cases of a run have the same.
pub fn run(
    (cases, extent): (&[Case], Extent),
    first: usize,
    judge: &mut Side,
    judged: &mut Side,
    mut report: Report,
) -> Report {
    let served = served_by_both(judge, judged);
    for (number, case) in (first..).zip(cases) {
        let Some(&(first, last)) = served.get(case.api) else {
            // Older Kafkas lack some; what Kafka has must be served, or be on the list.
            let listed = deviations::NOT_SERVED.iter().any(|(_, name, _)| *name == case.api);
            if !listed && judge.serves(case.api) {
                report.not_served(case.api);
            }
            continue;
        };
        let begun = Instant::now();
        let first = if case.once { last } else { first };
        let mut runs = extent
            .versions(number, (first, last))
            .into_iter()
            .flat_map(|version| case.principals.iter().map(move |name| (version, *name)));
        let silent = runs.any(|(version, principal)| {
            let unique = format!("{number}-{version}-{principal}");
            at_both((judge, judged), |side| side.begin(&unique, principal, case));
            case.steps.iter().enumerate().any(|(position, step)| {
                let id = Id { case, version, principal, position, unique: &unique };
                !run_step(step, &id, &served, (judge, judged), &mut report)
            })
        });
        if silent {
            report.not_answered(case);
        }
        report.took(case, begun.elapsed());
    }
    report
}

type Served = BTreeMap<&'static str, (i16, i16)>;

/// False when Kafka itself gives no answer: then there is nothing to be equal to.
fn run_step(
    step: &Step,
    id: &Id,
    served: &Served,
    sides: (&mut Side, &mut Side),
    report: &mut Report,
) -> bool {
    let version_of = |request: &Request| {
        let highest = || served.get(request.api).map_or(0, |(_, last)| *last);
        match request.version {
            Some(version) => version.min(highest()),
            None if request.api == id.case.api => id.version,
            None => highest(),
        }
    };
    match step {
        Step::Given { api, version, body } => {
            at_both(sides, |side| side.prepare(api, *version, body));
        }
        Step::GivenTopics(names) => {
            at_both(sides, |side| {
                let names: Vec<String> = names.iter().map(|name| side.unique(name)).collect();
                side.prepare_topics(&names);
            });
        }
        Step::GivenShareGroup(names) => {
            at_both(sides, |side| {
                let epoch = side.begin_share_group(names);
                side.wait_for_share_group(names.len(), epoch);
            });
        }
        Step::Settle => {
            at_both(sides, Side::settle);
        }
        Step::Grant(acl) => {
            at_both(sides, |side| side.grant(acl));
        }
        Step::Revoke(acl) => {
            at_both(sides, |side| side.revoke(acl));
        }
        Step::Compare(request) => {
            let version = version_of(request);
            let (expected, actual) = at_both(sides, |side| side.answer(id.principal, version, request));
            if expected == Answer::Silence {
                return false;
            }
            report.compare(id, request.api, version, expected, actual);
        }
        Step::CompareFrame(frame) => {
            let (expected, actual) = at_both(sides, |side| side.answer_to_frame(id.principal, frame));
            if expected == Answer::Silence {
                return false;
            }
            report.compare(id, deviations::FRAME, 0, expected, actual);
        }
        Step::CompareSilent(request) => {
            let version = version_of(request);
            let (expected, actual) = at_both(sides, |side| side.aftermath(id.principal, version, request));
            report.compare(id, request.api, version, expected, actual);
        }
    }
    true
}

/// Does the same at both sides at once: they have nothing in common, and most of the time is spent waiting for an answer.
pub fn at_both<T: Send>(sides: (&mut Side, &mut Side), act: impl Fn(&mut Side) -> T + Sync) -> (T, T) {
    let (judge, judged) = sides;
    std::thread::scope(|scope| {
        let first = scope.spawn(|| act(judge));
        let second = act(judged);
        (first.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), second)
    })
}

/// The versions that the case tables run through: what Kafka's definitions, Kafka and the other side have in common.
fn served_by_both(judge: &mut Side, judged: &mut Side) -> Served {
    let (left, right) = (judge.served(), judged.served());
    let schemas = judge.schemas();
    let mut served = BTreeMap::new();
    for name in cases::APIS {
        let Some(api) = schemas.find(name) else { continue };
        let (Some(left), Some(right)) = (left.get(&api.key), right.get(&api.key)) else { continue };
        let defined = api.request.versions;
        let first = left.0.max(right.0).max(defined.first);
        let last = left.1.min(right.1).min(defined.last);
        if first <= last {
            served.insert(*name, (first, last));
        }
    }
    served
}

/// A misspelt field would test nothing: every field that a case gives must exist in some version of the newest Kafka.
pub fn check_fields(cases: &[Case], schemas: &Schemas) {
    for case in cases {
        for step in &case.steps {
            let (api, body) = match step {
                Step::Given { api, body, .. } => (api, body),
                Step::Compare(request) | Step::CompareSilent(request) => (&request.api, &request.body),
                Step::GivenTopics(_)
                | Step::GivenShareGroup(_)
                | Step::Settle
                | Step::Grant(_)
                | Step::Revoke(_)
                | Step::CompareFrame(_) => continue,
            };
            let unknown = schemas.api(api).unknown_fields(body);
            assert!(unknown.is_empty(), "{api}, {}: Kafka knows no {unknown:?}", case.shape);
        }
    }
}
