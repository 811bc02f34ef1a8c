//! The list of deviations while a comparison runs: what of it has shown, and what has not.

use super::{Deviation, Shows};
use crate::equivalence::Case;
use crate::equivalence::differences::Difference;
use crate::equivalence::report::Id;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The entries for one Kafka.
#[derive(Default)]
pub struct Listed(Vec<Entry>);

struct Entry {
    deviation: &'static Deviation,
    /// The requests that it names.
    tried: Scope,
    /// Those that showed it.
    seen: Scope,
    /// The pairs of values that were met, by their place in the entry.
    met: BTreeSet<usize>,
}

/// Versions, shapes, steps and principals of some requests.
#[derive(Default)]
struct Scope {
    versions: BTreeSet<i16>,
    shapes: BTreeSet<String>,
    steps: BTreeSet<usize>,
    principals: BTreeSet<&'static str>,
}

/// What the list makes of two answers.
pub enum Judgement {
    Equal,
    Intended,
    /// What should not be.
    Unexpected(Vec<String>),
}

impl Listed {
    /// Nothing has been compared yet.
    pub fn new(deviations: Vec<&'static Deviation>) -> Listed {
        let entry = |deviation| Entry {
            deviation,
            tried: Scope::default(),
            seen: Scope::default(),
            met: BTreeSet::new(),
        };
        Listed(deviations.into_iter().map(entry).collect())
    }

    /// The list does not count where Kafka stands in doorkeeper's place.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether all that differs between two answers is on the list, and all shows that should.
    pub fn judge(&mut self, id: &Id, api: &str, version: i16, found: &[Difference]) -> Judgement {
        let mut covered = vec![false; found.len()];
        let mut missed = Vec::new();
        for entry in self.0.iter_mut().filter(|entry| entry.deviation.names(id, api, version)) {
            entry.tried.add(id, version);
            let shown = match &entry.deviation.shows {
                Shows::Always => {
                    covered.fill(true);
                    if found.is_empty() {
                        missed.push(format!("equal, though listed: {}", entry.deviation.reason));
                    }
                    !found.is_empty()
                }
                Shows::As(pairs) => {
                    let mut shown = false;
                    for (difference, covered) in found.iter().zip(&mut covered) {
                        let mut fitting =
                            pairs.iter().enumerate().filter(|(_, pair)| pair.fits(difference, id.unique));
                        if let Some((at, _)) = fitting.next() {
                            entry.met.insert(at);
                            *covered = true;
                            shown = true;
                        }
                    }
                    shown
                }
            };
            if shown {
                entry.seen.add(id, version);
            }
        }
        let uncovered = found.iter().zip(&covered).filter(|(_, covered)| !**covered);
        missed.extend(uncovered.map(|(difference, _)| difference.to_string()));
        match (missed.is_empty(), found.is_empty()) {
            (true, true) => Judgement::Equal,
            (true, false) => Judgement::Intended,
            _ => Judgement::Unexpected(missed),
        }
    }

    /// What is on the list and has not shown, though it was asked for.
    pub fn surplus(&self) -> String {
        let mut text = String::new();
        for Entry { deviation, tried, seen, met } in &self.0 {
            // What an old Kafka does not serve it cannot show.
            if tried.shapes.is_empty() {
                continue;
            }
            let mut idle = tried.less(seen, deviation);
            if let Shows::As(pairs) = &deviation.shows {
                let unmet = pairs.iter().enumerate().filter(|(at, _)| !met.contains(at));
                idle.extend(unmet.map(|(_, pair)| format!("{pair:?}")));
            }
            for one in idle {
                let (api, reason) = (deviation.api, deviation.reason);
                let _ =
                    writeln!(text, "{api}: this shows no more; strike it off the list: {one}, of: {reason}");
            }
        }
        text
    }
}

impl Scope {
    fn add(&mut self, id: &Id, version: i16) {
        self.versions.insert(version);
        self.shapes.insert(id.case.shape.clone());
        self.steps.insert(id.position + 1);
        self.principals.insert(id.principal);
    }

    /// What is here and not there, of what the entry names.
    fn less(&self, seen: &Scope, deviation: &Deviation) -> Vec<String> {
        let mut idle: Vec<String> =
            self.versions.difference(&seen.versions).map(|version| format!("version {version}")).collect();
        if !deviation.shapes.is_empty() {
            idle.extend(self.shapes.difference(&seen.shapes).map(|shape| format!("shape {shape:?}")));
        }
        if !deviation.steps.is_empty() {
            idle.extend(self.steps.difference(&seen.steps).map(|step| format!("step {step}")));
        }
        if !deviation.principals.is_empty() {
            idle.extend(self.principals.difference(&seen.principals).map(|name| format!("principal {name}")));
        }
        if seen.shapes.is_empty() {
            idle = vec!["all of it".to_owned()];
        }
        idle
    }
}

impl Deviation {
    fn names(&self, id: &Id, api: &str, version: i16) -> bool {
        let named = |names: &[&str], name: &str| names.is_empty() || names.contains(&name);
        self.api == api
            && self.versions.contains(&version)
            && named(self.shapes, &id.case.shape)
            && named(self.principals, id.principal)
            && (self.steps.is_empty() || self.steps.contains(&(id.position + 1)))
    }
}

/// A shape that is misspelt would name no request.
pub fn check_shapes(deviations: &[&Deviation], cases: &[Case]) {
    for deviation in deviations {
        for shape in deviation.shapes {
            let known = cases.iter().any(|case| case.shape == *shape);
            assert!(known, "{}: no case has the shape {shape:?}", deviation.api);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::pairs::Said::{Closed, Codes, Null, Text};
    use super::super::{code, differs, pair};
    use super::*;
    use crate::equivalence::differences::between;
    use crate::support::client::Answer;
    use serde_json::{Value, json};

    const LIST: &[Deviation] = &[
        differs(
            "Produce",
            0..=1,
            ((2, 8), (3, 0)),
            &[code("/topics/errorCode", 29, 53), pair("/topics/message", Null, Text("no, p-$u")).beside(29)],
            "for a test",
        )
        .of(&["one", "two"])
        .by(&["alice"]),
        differs("Produce", 0..=1, ((2, 8), (3, 0)), &[pair("", Closed, Codes(42))], "for a test, too")
            .of(&["closed"]),
    ];

    fn judged(listed: &mut Listed, shape: &str, kafka: &Answer, here: &Answer) -> Vec<String> {
        let case = Case::new("Produce", shape, Value::Null);
        let id = Id { case: &case, version: 0, principal: "alice", position: 0, unique: "7-0-alice" };
        match listed.judge(&id, "Produce", 0, &between(kafka, here)) {
            Judgement::Unexpected(missed) => missed,
            Judgement::Equal | Judgement::Intended => Vec::new(),
        }
    }

    fn answer(code: i64, message: Value) -> Answer {
        Answer::Body(json!({"topics": [{"name": "t", "errorCode": code, "message": message}]}))
    }

    #[test]
    fn nothing_differs_but_what_the_list_says() {
        let mut listed = Listed::new(LIST.iter().collect());
        let mut missed = |shape, kafka: &Answer, here: &Answer| judged(&mut listed, shape, kafka, here).len();
        assert_eq!(missed("one", &answer(29, Value::Null), &answer(53, Value::Null)), 0);
        assert_eq!(missed("one", &answer(29, Value::Null), &answer(29, json!("no, p-7-0-alice"))), 0);
        assert_eq!(missed("three", &answer(29, Value::Null), &answer(53, Value::Null)), 1, "another shape");
        assert_eq!(missed("one", &answer(29, Value::Null), &answer(0, Value::Null)), 1, "another code");
        assert_eq!(
            missed("one", &answer(53, Value::Null), &answer(29, Value::Null)),
            1,
            "the other way round"
        );
        assert_eq!(missed("one", &answer(3, Value::Null), &answer(3, json!("no, p-7-0-alice"))), 1);
        assert_eq!(missed("one", &answer(29, Value::Null), &answer(53, json!("yes"))), 1, "one of two");
        assert_eq!(missed("closed", &Answer::Closed, &answer(42, Value::Null)), 0);
        assert_eq!(missed("closed", &Answer::Closed, &answer(0, Value::Null)), 1);
    }

    #[test]
    fn what_does_not_show_is_told() {
        let mut listed = Listed::new(LIST.iter().collect());
        assert_eq!(listed.surplus(), "", "nothing was tried");
        judged(&mut listed, "one", &answer(29, Value::Null), &answer(53, Value::Null));
        judged(&mut listed, "two", &answer(29, Value::Null), &answer(29, Value::Null));
        judged(&mut listed, "closed", &answer(0, Value::Null), &answer(0, Value::Null));
        let surplus = listed.surplus();
        let told: Vec<&str> = surplus.lines().collect();
        assert_eq!(told.len(), 4, "{surplus}");
        assert!(told[0].contains("shape \"two\"") && told[1].contains("/topics/message"), "{surplus}");
        assert!(told[2].contains("all of it") && told[3].contains("Closed"), "{surplus}");
    }
}
