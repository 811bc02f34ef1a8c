//! Scenarios for the requests that name partitions by topic and are answered with a code for each: OffsetCommit,
//! TxnOffsetCommit, OffsetDelete.

use std::fmt::Debug;

use doorkeeper::model::acl::{Binding, Operation, ResourceType};
use doorkeeper::protocol::wire::Uuid;

use super::{Door, Sendable, allow, deny, id};

/// Topics and their partitions.
pub type Partitions<'a> = &'a [(&'a str, &'a [i32])];

/// Topics, their partitions, and the error code of each.
pub type Outcomes<'a> = &'a [(&'a str, &'a [(i32, i16)])];

/// Alice may read the first three, of which the broker does not have `gone`. Of `nowhere` nobody knows the id.
const TOPICS: [&str; 6] = ["a", "b", "gone", "x", "y", "nowhere"];

/// The id of a topic of these scenarios.
pub fn topic_id(name: &str) -> Uuid {
    let place = TOPICS.iter().position(|topic| *topic == name).expect("a topic of these scenarios");
    id(1 + u8::try_from(place).expect("a few topics"))
}

/// A door that knows the topics' ids, for an alice who may read what she may, and do this.
pub fn reader(bindings: impl IntoIterator<Item = Binding>) -> Door {
    let topics = TOPICS[..3].iter().map(|topic| allow(Operation::Read, ResourceType::Topic, topic));
    let more = [
        allow(Operation::Write, ResourceType::Topic, "x"),
        allow(Operation::Read, ResourceType::Topic, "y"),
        deny(Operation::Read, ResourceType::Topic, "y"),
    ];
    let known: Vec<_> = TOPICS[..5].iter().map(|name| (topic_id(name), *name)).collect();
    Door::new(topics.chain(more).chain(bindings)).knowing(&known)
}

/// What becomes of one request.
struct Scenario<'a> {
    asked: Partitions<'a>,
    /// What reaches the broker.
    forwarded: Partitions<'a>,
    /// What the broker answers.
    answered: Outcomes<'a>,
    /// What the client is answered.
    seen: Outcomes<'a>,
}

const SCENARIOS: &[Scenario<'_>] = &[
    // All of it is denied.
    Scenario {
        asked: &[("x", &[0, 1]), ("y", &[7]), ("x", &[1])],
        forwarded: &[],
        answered: &[],
        seen: &[("x", &[(0, 29), (1, 29), (1, 29)]), ("y", &[(7, 29)])],
    },
    // A topic without a partition has its entry.
    Scenario { asked: &[("x", &[])], forwarded: &[], answered: &[], seen: &[("x", &[])] },
    // Refusals come first.
    Scenario {
        asked: &[("a", &[0, 1]), ("x", &[0]), ("b", &[3]), ("y", &[2])],
        forwarded: &[("a", &[0, 1]), ("b", &[3])],
        answered: &[("a", &[(0, 0), (1, 12)]), ("b", &[(3, 0)])],
        seen: &[("x", &[(0, 29)]), ("y", &[(2, 29)]), ("a", &[(0, 0), (1, 12)]), ("b", &[(3, 0)])],
    },
    // So does what does not exist, in the order of the request; a topic keeps one entry.
    Scenario {
        asked: &[("x", &[0]), ("gone", &[0, 1]), ("y", &[0]), ("a", &[0, 9]), ("b", &[1])],
        forwarded: &[("gone", &[0, 1]), ("a", &[0, 9]), ("b", &[1])],
        answered: &[("gone", &[(0, 3), (1, 3)]), ("a", &[(9, 3), (0, 0)]), ("b", &[(1, 0)])],
        seen: &[
            ("x", &[(0, 29)]),
            ("gone", &[(0, 3), (1, 3)]),
            ("y", &[(0, 29)]),
            ("a", &[(9, 3), (0, 0)]),
            ("b", &[(1, 0)]),
        ],
    },
    // A topic that is named twice.
    Scenario {
        asked: &[("a", &[0]), ("x", &[0]), ("a", &[1]), ("x", &[0])],
        forwarded: &[("a", &[0]), ("a", &[1])],
        answered: &[("a", &[(0, 0)]), ("a", &[(1, 0)])],
        seen: &[("x", &[(0, 29), (0, 29)]), ("a", &[(0, 0), (1, 0)])],
    },
];

/// Runs the scenarios in every version.
///
/// `request` and `response` put topics into messages, by id if the flag says so. With `always_forwards` the broker is asked
/// even when nothing is left.
pub fn run<Q>(
    door: impl Fn() -> Door,
    first_with_ids: i16,
    always_forwards: bool,
    request: impl Fn(Partitions<'_>, bool) -> Q,
    response: impl Fn(Outcomes<'_>, bool) -> Q::Response,
) where
    Q: Sendable + PartialEq,
    Q::Response: PartialEq + Debug,
{
    for version in Door::versions::<Q>() {
        let by_id = version >= first_with_ids;
        let allowed: [Partitions<'_>; 5] = [
            &[("a", &[0, 1]), ("b", &[0])],
            &[("a", &[0]), ("a", &[0])],
            &[("a", &[])],
            &[("gone", &[0])],
            &[],
        ];
        for topics in allowed {
            door().send(version, &request(topics, by_id)).untouched();
        }
        for Scenario { asked, forwarded, answered, seen } in SCENARIOS {
            let mut door = door();
            let outcome = door.send(version, &request(asked, by_id));
            let got = if forwarded.is_empty() && !always_forwards {
                outcome.reply()
            } else {
                let reached = outcome.forwarded();
                assert_eq!(reached.request, request(forwarded, by_id), "version {version}");
                reached.answered(&mut door, &response(answered, by_id))
            };
            assert_eq!(got, response(seen, by_id), "version {version}, {asked:?}");
        }
        if by_id {
            unknown_ids(version, &door, &request, &response);
        }
    }
}

/// Ids that are not known are asked for. What is unknown then never reaches the broker.
fn unknown_ids<Q>(
    version: i16,
    door: &impl Fn() -> Door,
    request: &impl Fn(Partitions<'_>, bool) -> Q,
    response: &impl Fn(Outcomes<'_>, bool) -> Q::Response,
) where
    Q: Sendable + PartialEq,
    Q::Response: PartialEq + Debug,
{
    let hosted = [("a", topic_id("a"), 1), ("x", topic_id("x"), 1)];
    let asked = request(&[("x", &[0]), ("nowhere", &[0, 1]), ("a", &[0])], true);

    let mut first = door();
    let reached = first.send(version, &asked).asked().answered_from(&mut first, &hosted).forwarded();
    assert_eq!(reached.request, request(&[("a", &[0])], true));
    let seen = reached.answered(&mut first, &response(&[("a", &[(0, 0)])], true));
    let expected = response(&[("x", &[(0, 29)]), ("nowhere", &[(0, 100), (1, 100)]), ("a", &[(0, 0)])], true);
    assert_eq!(seen, expected);
    assert_eq!(first.denials(), [(Operation::Read, "x")], "an unknown id is nobody's topic");

    // Whoever may do everything may not read what nobody knows.
    let mut second = door();
    let types = [ResourceType::Topic, ResourceType::Group, ResourceType::TransactionalId];
    second.change(types.map(|resource_type| allow(Operation::All, resource_type, "*")));
    let reached = second.send(version, &asked).asked().answered_from(&mut second, &hosted).forwarded();
    assert_eq!(reached.request, request(&[("x", &[0]), ("a", &[0])], true));

    // An id that was learnt is not asked for again, and its name decides.
    let mut third = door();
    let topics: &[(&str, Uuid, i32)] = &[("y", topic_id("nowhere"), 2)];
    let answer =
        third.send(version, &request(&[("nowhere", &[0])], true)).asked().answered_from(&mut third, topics);
    assert_eq!(answer.reply(), response(&[("nowhere", &[(0, 29)])], true));
    let answer = third.send(version, &request(&[("nowhere", &[0])], true)).reply();
    assert_eq!(answer, response(&[("nowhere", &[(0, 29)])], true));

    // A broker that cannot tell names knows none.
    let mut fourth = door();
    fourth.broker = super::broker(|key, versions| (key != 3).then_some(versions), Default::default());
    let answer = fourth.send(version, &request(&[("nowhere", &[0])], true)).reply();
    assert_eq!(answer, response(&[("nowhere", &[(0, 100)])], true));
}
