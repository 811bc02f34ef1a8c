//! The codec against the classes that Kafka generates for itself.

use std::path::Path;

use doorkeeper::protocol::wire::{Fault, FaultKind};

use super::java::{NEWEST, OLDEST, kafka_jars, run};
use crate::support::layouts::{Layout, each_version};
use crate::support::samples::{Random, Style, hex, sample};

struct Question {
    layout: &'static Layout,
    from: i16,
    to: i16,
    body: bytes::Bytes,
}

impl Question {
    fn ours(&self) -> Result<Vec<u8>, Fault> {
        (self.layout.codec().recode)(&self.body, self.from, self.to)
    }
}

impl std::fmt::Display for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let direction = if self.layout.is_request { "request" } else { "response" };
        write!(f, "{} {direction} {} {} {}", self.layout.key, self.from, self.to, hex(&self.body))
    }
}

/// What Kafka answers, in the order of the questions.
fn ask(version: &str, jars: &Path, name: &str, questions: &[Question]) -> Vec<String> {
    let file = |what| Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{version}-{what}.txt"));
    let (asked, answered) = (file("questions"), file("answers"));
    let text: String = questions.iter().map(|question| format!("{question}\n")).collect();
    std::fs::write(&asked, text).unwrap();
    run(jars, "MessageOracle.java", &[&asked, &answered]);
    let answers: Vec<_> = std::fs::read_to_string(&answered).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(answers.len(), questions.len());
    answers
}

/// The versions that Kafka 4 dropped are a matter for the last release before.
fn knows(kafka: &str, layout: &Layout, to: i16) -> bool {
    let is_old = !layout.is_current() || !layout.versions.contains(&to);
    is_old == (kafka == OLDEST)
}

fn hold_to_kafka(
    name: &str,
    questions: impl Fn(&mut Random) -> Vec<Question>,
    mut check: impl FnMut(&Question, &str),
) {
    for kafka in [NEWEST, OLDEST] {
        let Some(jars) = kafka_jars(kafka) else { return };
        let mut questions = questions(&mut Random(83));
        questions.retain(|question| knows(kafka, question.layout, question.to));
        for (question, answer) in questions.iter().zip(ask(kafka, &jars, name, &questions)) {
            // The last release before Kafka 4 lacks versions, too: the newest.
            if kafka == NEWEST || answer != "unknown" {
                check(question, &answer);
            }
        }
    }
}

/// Messages of every version, written in every version: the same bytes, or refused for the same reason. Values
/// that a version cannot carry, defaults of what another version lacks, and nulls are all in this.
#[test]
fn kafka_reads_and_writes_the_same() {
    let questions = |random: &mut Random| {
        let mut questions = Vec::new();
        each_version(|layout, from, _| {
            for to in layout.entry().versions.clone() {
                let styles = [Style::Rich, Style::Sparse, Style::Sparse];
                let count = if to == from { 9 } else { 3 };
                for style in styles.into_iter().cycle().take(count) {
                    questions.push(Question { layout, from, to, body: sample(layout, from, random, style) });
                }
            }
        });
        questions
    };
    let (mut written, mut refused) = (0, 0);
    hold_to_kafka("versions", questions, |question, theirs| {
        match question.ours() {
            Ok(bytes) => assert_eq!(theirs, format!("ok {}", hex(&bytes)), "{question}"),
            Err(fault) => {
                // Kafka looks for values to lose before it looks for nulls.
                let reasons: &[_] = match fault.kind {
                    FaultKind::Lost => &["unwritten UnsupportedVersionException"],
                    FaultKind::Null => {
                        &["unwritten NullPointerException", "unwritten UnsupportedVersionException"]
                    }
                    _ => panic!("{question}: {fault}"),
                };
                assert!(reasons.contains(&theirs), "{question}: {fault}, but {theirs}");
            }
        }
        if theirs.starts_with("ok") { written += 1 } else { refused += 1 }
    });
    assert!(written > 10_000 && refused > 1_000, "{written} written, {refused} refused");
}

/// Where Kafka reads what we refuse, it is one of the things in which we mean to be stricter.
#[test]
fn what_we_accept_kafka_accepts_as_the_same() {
    let questions = |random: &mut Random| {
        let mut questions = Vec::new();
        each_version(|layout, version, _| {
            let body = sample(layout, version, random, Style::Rich);
            for _ in 0..body.len().min(40) {
                let mut changed = body.to_vec();
                changed[random.below(body.len())] = [0x00, 0x01, 0x02, 0x7f, 0x80, 0xff][random.below(6)];
                questions.push(Question { layout, from: version, to: version, body: changed.into() });
            }
        });
        questions
    };
    let (mut same, mut stricter, mut refused) = (0, 0, 0);
    hold_to_kafka("changes", questions, |question, theirs| match question.ours() {
        Ok(bytes) => {
            // Bytes behind an answer are left unread, by Kafka too.
            let read = match question.layout.is_request {
                true => theirs.strip_prefix("ok "),
                false => theirs.strip_prefix("trailing ").or(theirs.strip_prefix("ok ")),
            };
            assert_eq!(read, Some(&*hex(&bytes)), "{question}: {theirs}");
            same += 1;
        }
        Err(_) if theirs.starts_with("unread") => refused += 1,
        Err(fault) => {
            let meant = match fault.kind {
                FaultKind::Utf8 | FaultKind::Length | FaultKind::Tag | FaultKind::Trailing => true,
                // Kafka does not look at the size of a tagged field that it knows.
                FaultKind::Short => fault.field.ends_with(".unknown_tags"),
                _ => false,
            };
            assert!(meant, "{question}: {fault}, but {theirs}");
            stricter += 1;
        }
    });
    let total = same + stricter + refused;
    assert!(same > total / 3 && refused > total / 10, "{same} same, {stricter} stricter, {refused} refused");
}
