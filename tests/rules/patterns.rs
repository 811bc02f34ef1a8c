//! Subscriptions to patterns (ConsumerGroupHeartbeat 1): what the broker is told of them, heartbeat by heartbeat.

use doorkeeper::model::acl::Binding;
use doorkeeper::model::acl::Operation::*;
use doorkeeper::model::acl::PatternType;
use doorkeeper::model::acl::ResourceType::{Group, Topic};
use doorkeeper::protocol::messages::consumer_group_describe_response::{DescribedGroup, Member};
use doorkeeper::protocol::messages::consumer_group_heartbeat_response::Assignment;
use doorkeeper::protocol::messages::*;
use doorkeeper::protocol::wire::Str;

use crate::support::door::*;

type Beat = ConsumerGroupHeartbeatRequest;
type Answer = ConsumerGroupHeartbeatResponse;

const HOSTED: [Hosted<'_>; 5] = [
    ("a-1", id(1), 1),
    ("a-2", id(2), 1),
    ("b-1", id(3), 1),
    ("c-1", id(4), 1),
    ("__consumer_offsets", id(5), 1),
];

/// Alice may see `a-1` and `b-1`.
fn some() -> Vec<Binding> {
    vec![allow(Read, Group, "g"), allow(Describe, Topic, "a-1"), allow(Read, Topic, "b-1")]
}

fn every() -> Vec<Binding> {
    vec![allow(Read, Group, "g"), allow(Read, Topic, "*")]
}

fn beat(epoch: i32) -> Beat {
    Beat { group_id: "g".into(), member_id: "m".into(), member_epoch: epoch, ..Default::default() }
}

fn join(pattern: &str) -> Beat {
    Beat {
        subscribed_topic_names: Some(Vec::new()),
        subscribed_topic_regex: Some(pattern.into()),
        topic_partitions: Some(Vec::new()),
        ..beat(0)
    }
}

/// The same heartbeat with this pattern in the place of its own, and these names beside it.
fn telling(request: Beat, pattern: &str, names: &[&str]) -> Beat {
    Beat {
        subscribed_topic_names: Some(names.iter().copied().map(Str::from).collect()),
        subscribed_topic_regex: Some(pattern.into()),
        ..request
    }
}

fn fine() -> Answer {
    Answer { member_id: Some("m".into()), member_epoch: 1, ..Default::default() }
}

fn failed(error_code: i16) -> Answer {
    Answer { error_code, ..Default::default() }
}

/// Sends it, has the broker tell all topics, and sees that it goes on with this pattern and no names.
#[track_caller]
fn asked_and_told(door: &mut Door, request: &Beat, hosted: &[Hosted<'_>], pattern: &str) {
    let asked = door.send(1, request).asked();
    assert_eq!(asked.question::<MetadataRequest>().topics, None);
    let forwarded = asked.answered_from(door, hosted).forwarded();
    assert_eq!(forwarded.request, telling(request.clone(), pattern, &[]));
    assert_eq!(forwarded.answered(door, &fine()), fine());
}

/// Sends it, and sees that it goes on with this pattern and no names.
#[track_caller]
fn told(door: &mut Door, request: &Beat, pattern: &str) {
    let forwarded = door.send(1, request).forwarded();
    assert_eq!(forwarded.request, telling(request.clone(), pattern, &[]));
    assert_eq!(forwarded.answered(door, &fine()), fine());
}

/// Another client from now on, with these rights.
fn turn_to(door: &mut Door, principal: &str, bindings: Vec<Binding>) {
    let generation = door.generation;
    door.change(bindings);
    (door.generation, door.principal) = (generation, principal.to_owned());
}

#[test]
fn the_broker_is_told_a_pattern_that_covers_what_may_be_seen() {
    let mut door = Door::new(some());
    asked_and_told(&mut door, &join("[ac]-.*|b-1|x|__.*"), &HOSTED, "a-1|b-1");
    assert!(door.denials().is_empty(), "what a pattern covers besides is nobody's business");
    // Nothing has changed.
    door.send(1, &beat(1)).untouched();
    // Another pattern, at once.
    let changed = Beat { subscribed_topic_regex: Some("a.*".into()), ..beat(1) };
    told(&mut door, &changed, "a-1");
    door.send(1, &beat(1)).untouched();
    // None any more.
    let named = Beat {
        subscribed_topic_names: Some(vec!["b-1".into()]),
        subscribed_topic_regex: Some(Str::EMPTY),
        ..beat(1)
    };
    let forwarded = door.send(1, &named).forwarded();
    assert!(!forwarded.edited);
    assert_eq!(forwarded.answered(&mut door, &fine()), fine());
    door.subscriptions.tick();
    door.send(1, &beat(1)).untouched();
    door.send(1, &named).untouched();
}

#[test]
fn a_pattern_of_nothing_covers_nothing_and_dots_are_dots() {
    let mut door = Door::new(some());
    asked_and_told(&mut door, &join("c.*"), &HOSTED, "/");
    door.change([allow(Read, Group, "g"), allow(Describe, Topic, "a.b_c-d.e"), allow(Read, Topic, "axb")]);
    door.subscriptions.tick();
    let hosted = [("a.b_c-d.e", id(1), 1), ("axb_c-d.e", id(2), 1)];
    asked_and_told(&mut door, &join("a.*"), &hosted, r"a\.b_c-d\.e");
}

/// A broker reads no text of more than 32,767 bytes.
#[test]
fn what_no_pattern_can_hold_is_told_by_name() {
    let names: Vec<String> = (0..400).map(|n| format!("{}-{n:03}", "t".repeat(78))).collect();
    let hosted: Vec<Hosted<'_>> = names.iter().map(|name| (name.as_str(), id(1), 1)).collect();
    let prefix = Binding { pattern_type: PatternType::Prefixed, ..allow(Read, Topic, "t") };
    let mut door = Door::new([allow(Read, Group, "g"), allow(Describe, Topic, "b-1"), prefix]);
    let both = Beat { subscribed_topic_names: Some(vec!["b-1".into()]), ..join("t.*") };
    let forwarded = door.send(1, &both).asked().answered_from(&mut door, &hosted).forwarded();
    let expected: Vec<&str> = std::iter::once("b-1").chain(names.iter().map(String::as_str)).collect();
    assert_eq!(forwarded.request, telling(both, "", &expected));
    assert_eq!(forwarded.answered(&mut door, &fine()), fine());
    door.send(1, &beat(1)).untouched();
    door.subscriptions.tick();
    asked_and_told_both(&mut door, &hosted[..390], &names[..390].join("|"));
}

#[track_caller]
fn asked_and_told_both(door: &mut Door, hosted: &[Hosted<'_>], pattern: &str) {
    let forwarded = door.send(1, &beat(1)).asked().answered_from(door, hosted).forwarded();
    assert_eq!(forwarded.request, telling(beat(1), pattern, &["b-1"]));
}

#[test]
fn names_beside_the_pattern_stay() {
    let mut door = Door::new(some());
    let both = Beat { subscribed_topic_names: Some(vec!["b-1".into()]), ..join("a-.*") };
    let forwarded = door.send(1, &both).asked().answered_from(&mut door, &HOSTED).forwarded();
    assert_eq!(forwarded.request, telling(both, "a-1", &["b-1"]));
    forwarded.answered(&mut door, &fine());
    // The names alone change.
    let changed = Beat { subscribed_topic_names: Some(vec!["a-1".into()]), ..beat(1) };
    let forwarded = door.send(1, &changed).forwarded();
    assert_eq!(forwarded.request, telling(beat(1), "a-1", &["a-1"]));
    // One that may not be seen refuses all of it.
    let hidden = Beat { subscribed_topic_names: Some(vec!["a-2".into()]), ..join("a-.*") };
    assert_eq!(door.send(1, &hidden).reply().error_code, 29);
}

#[test]
fn new_topics_come_with_a_later_heartbeat() {
    let mut door = Door::new([allow(Read, Group, "g"), allow(Read, Topic, "a-2"), allow(Read, Topic, "a-1")]);
    asked_and_told(&mut door, &join("a-.*"), &HOSTED[..1], "a-1");
    door.subscriptions.tick();
    // Nothing new.
    door.send(1, &beat(1)).asked().answered_from(&mut door, &HOSTED[..1]).untouched();
    door.subscriptions.tick();
    asked_and_told(&mut door, &beat(1), &HOSTED, "a-1|a-2");
    // New ones that it does not cover, or may not see.
    door.subscriptions.tick();
    let more = [&HOSTED[..], &[("a-9", id(9), 1), ("d", id(10), 1)]].concat();
    door.send(1, &beat(1)).asked().answered_from(&mut door, &more).untouched();
    door.send(1, &beat(1)).untouched();
}

#[test]
fn changed_rights_come_with_the_next_heartbeat() {
    let mut door = Door::new(some());
    asked_and_told(&mut door, &join("a-.*|b-1"), &HOSTED, "a-1|b-1");
    door.change([allow(Read, Group, "g"), allow(Read, Topic, "b-1")]);
    told(&mut door, &beat(1), "b-1");
    // Rights on others change nothing.
    door.change([allow(Read, Group, "g"), allow(Read, Topic, "b-1"), allow(Read, Topic, "c-1")]);
    door.send(1, &beat(1)).untouched();
    // Whoever may see everything has the broker match.
    door.change(every());
    told(&mut door, &beat(1), "a-.*|b-1");
    door.send(1, &beat(1)).untouched();
    door.change(some());
    told(&mut door, &beat(1), "a-1|b-1");
}

#[test]
fn whoever_may_describe_every_topic_has_the_broker_match() {
    for mut door in [Door::new(every()), Door::for_super_user()] {
        let forwarded = door.send(1, &join("(?=never)")).forwarded();
        assert!(!forwarded.edited);
        assert_eq!(forwarded.answered(&mut door, &failed(128)), failed(128));
    }
    // One denial is enough.
    let mut door = Door::new([every(), vec![deny(Describe, Topic, "a-1")]].concat());
    asked_and_told(&mut door, &join("a-.*"), &HOSTED, "a-2");
}

/// As Kafka has it: what is found by the rights of one member goes for all that have the pattern, and it is looked again,
/// by whoever comes first, when there are new topics (AuthorizerIntegrationTest,
/// testConsumerGroupHeartbeatWithRegexWithDifferentMemberAcls).
#[test]
fn members_of_a_group_share_what_was_found_for_one_of_them() {
    let mut door = Door::new([]);
    let of_bob = |request: Beat| Beat { member_id: "n".into(), ..request };
    let few = || vec![allow(Read, Group, "g"), allow(Read, Topic, "b-1")];
    turn_to(&mut door, "User:alice", every());
    told(&mut door, &join("a-.*"), "a-.*");
    // Bob gets what alice may see ...
    turn_to(&mut door, "User:bob", few());
    asked_and_told(&mut door, &of_bob(join("a-.*")), &HOSTED[..1], "a-.*");
    door.send(1, &of_bob(beat(1))).untouched();
    // ... and what is new as long as she comes first.
    door.subscriptions.tick();
    turn_to(&mut door, "User:alice", every());
    door.send(1, &beat(1)).asked().answered_from(&mut door, &HOSTED[..2]).untouched();
    turn_to(&mut door, "User:bob", few());
    door.send(1, &of_bob(beat(1))).untouched();
    // Where he does, there is nothing for either.
    door.subscriptions.tick();
    asked_and_told(&mut door, &of_bob(beat(1)), &HOSTED, "/");
    turn_to(&mut door, "User:alice", every());
    told(&mut door, &beat(1), "/");
    told(&mut door, &Beat { subscribed_topic_regex: Some("a-.*".into()), ..beat(1) }, "/");
    // Her own pattern is her own, and another group's is another's.
    told(&mut door, &Beat { subscribed_topic_regex: Some("a-.+".into()), ..beat(1) }, "a-.+");
    turn_to(&mut door, "User:alice", [every(), vec![allow(Read, Group, "h")]].concat());
    let elsewhere = Beat { group_id: "h".into(), ..join("a-.*") };
    let forwarded = door.send(1, &elsewhere).forwarded();
    assert!(!forwarded.edited);
}

/// Sooner than Kafka does it: the rights of somebody who is gone go for nobody.
#[test]
fn what_was_found_for_a_member_that_has_left_is_found_anew() {
    for leaves in [true, false] {
        let mut door = Door::new([]);
        let of_bob = |request: Beat| Beat { member_id: "n".into(), ..request };
        turn_to(&mut door, "User:alice", every());
        told(&mut door, &join("a-.*"), "a-.*");
        turn_to(&mut door, "User:bob", some());
        asked_and_told(&mut door, &of_bob(join("a-.*")), &HOSTED, "a-.*");
        for _ in 0..7 {
            door.send(1, &of_bob(beat(1))).untouched();
            if leaves {
                turn_to(&mut door, "User:alice", every());
                let left = door.send(1, &beat(-1)).forwarded();
                left.answered(&mut door, &fine());
                turn_to(&mut door, "User:bob", some());
                break;
            }
            door.subscriptions.tick();
            door.send(1, &of_bob(beat(1))).asked().answered_from(&mut door, &HOSTED).untouched();
        }
        if !leaves {
            door.subscriptions.tick();
            asked_and_told(&mut door, &of_bob(beat(1)), &HOSTED, "a-1");
        } else {
            told(&mut door, &of_bob(beat(1)), "a-1");
        }
    }
}

#[test]
fn what_the_broker_did_not_take_is_told_again() {
    let mut door = Door::new(some());
    asked_and_told(&mut door, &join("a-.*"), &HOSTED, "a-1");
    door.change([allow(Read, Group, "g"), allow(Read, Topic, "a-2")]);
    let forwarded = door.send(1, &beat(1)).forwarded();
    assert_eq!(forwarded.answered(&mut door, &failed(15)), failed(15));
    told(&mut door, &beat(1), "a-2");
    door.send(1, &beat(1)).untouched();
}

/// A stranger could otherwise invent as many as it likes.
#[test]
fn members_that_the_broker_does_not_know_are_not_remembered() {
    let is_known = |door: &Door| door.subscriptions.look_up("g", "m").is_some();
    let mut door = Door::new(some());
    let named =
        Beat { subscribed_topic_names: Some(vec!["b-1".into()]), topic_partitions: Some(vec![]), ..beat(0) };
    for error in [15, 16, 25, 81, 110, 128] {
        let forwarded = door.send(1, &named).forwarded();
        assert_eq!(forwarded.answered(&mut door, &failed(error)), failed(error));
        let forwarded = door.send(1, &beat(1)).forwarded();
        assert_eq!(forwarded.answered(&mut door, &failed(error)), failed(error));
        door.subscriptions.learn(HOSTED.iter().map(|(name, ..)| *name));
        let forwarded = door.send(1, &join("a-.*")).forwarded();
        assert_eq!(forwarded.answered(&mut door, &failed(error)), failed(error));
        // Never answered.
        door.send(1, &join("a-.*")).forwarded();
        assert!(!is_known(&door), "{error}");
    }
    // One that it knew and does not know any more.
    told(&mut door, &join("a-.*"), "a-1");
    assert!(is_known(&door));
    let forwarded = door.send(1, &join("b-.*")).forwarded();
    forwarded.answered(&mut door, &failed(25));
    assert!(!is_known(&door));
}

#[test]
fn what_is_no_pattern_is_refused_by_the_broker_itself() {
    let large = format!("(a{{1000}}){{20}}{}", "b".repeat(16_000));
    for (pattern, why) in [
        ("(", "missing closing )"),
        ("a)(b", "regexp/syntax: internal error"),
        (r"a\1", "invalid escape sequence"),
        (&large, "expression too large"),
        ("((a{1000}){1000}){1000}", "expression too large"),
    ] {
        let mut door = Door::new(some());
        door.subscriptions.learn(HOSTED.iter().map(|(name, ..)| *name));
        let forwarded = door.send(1, &join(pattern)).forwarded();
        assert_eq!(forwarded.request.subscribed_topic_regex.as_deref(), Some("("));
        let answer = forwarded.answered(&mut door, &failed(128));
        let expected = format!("SubscribedTopicRegex `{pattern}` is not a valid regular expression: {why}.");
        assert_eq!((answer.error_code, answer.error_message.as_deref()), (128, Some(&*expected)));
        // Other errors come first.
        let forwarded = door.send(1, &join(pattern)).forwarded();
        assert_eq!(forwarded.answered(&mut door, &failed(42)), failed(42));
        assert_eq!(door.subscriptions.look_up("g", "m"), None);
    }
    // What Kafka answers where it cannot write all that it would say.
    for (length, told) in [(32_690, 128), (32_691, -1), (32_767, -1)] {
        let mut door = Door::new(some());
        door.subscriptions.learn(HOSTED.iter().map(|(name, ..)| *name));
        let wrong = format!("({}", "a".repeat(length - 1));
        let forwarded = door.send(1, &join(&wrong)).forwarded();
        assert_eq!(forwarded.answered(&mut door, &failed(128)).error_code, told, "{length}");
    }
    let mut door = Door::new(some());
    let names = Some(vec!["a-1".into(); 30_000]);
    let forwarded = door.send(1, &Beat { subscribed_topic_names: names, ..join("a") }).forwarded();
    assert_eq!(forwarded.request.subscribed_topic_regex.as_deref(), Some("("));
}

/// It may take long, so it is not done where other clients wait; and where there is no memory for it, later.
#[test]
fn a_pattern_is_matched_once_and_aside() {
    let mut door = Door::new(some());
    asked_and_told(&mut door, &join("a-.*"), &HOSTED, "a-1");
    assert_eq!(door.matched, ["a-.*"]);
    // Another group with the same pattern, and the same topics.
    let other = Beat { group_id: "h".into(), ..join("a-.*") };
    door.change(some().into_iter().chain([allow(Read, Group, "h")]));
    told(&mut door, &other, "a-1");
    door.subscriptions.tick();
    door.send(1, &beat(1)).asked().answered_from(&mut door, &HOSTED).untouched();
    assert_eq!(door.matched, ["a-.*"]);
    // Neither when the topics are known nor when they have to be asked for.
    door.is_short = true;
    assert_eq!(door.send(1, &join("b-.*")).reply(), failed(14));
    door.subscriptions.tick();
    assert_eq!(door.send(1, &join("b-.*")).asked().answered_from(&mut door, &HOSTED).reply(), failed(14));
    assert_eq!(door.matched.len(), 3);
    door.is_short = false;
    told(&mut door, &join("b-.*"), "b-1");
    // What is no pattern is known to be none.
    for _ in 0..2 {
        assert_eq!(door.send(1, &join("(")).forwarded().request, join("("));
    }
    assert_eq!(door.matched[3..], ["b-.*", "("]);
}

/// As after a restart: the client believes that its pattern is known.
#[test]
fn members_of_whom_nothing_is_known_are_asked_to_repeat_themselves_once() {
    let mut door = Door::new(some());
    for broken in [failed(25), Answer { assignment: Some(Assignment::default()), ..fine() }] {
        let forwarded = door.send(1, &beat(5)).forwarded();
        assert!(!forwarded.edited);
        assert_eq!(forwarded.answered(&mut door, &broken), broken);
    }
    let forwarded = door.send(1, &beat(5)).forwarded();
    assert_eq!(forwarded.answered(&mut door, &fine()), failed(14));
    door.send(1, &beat(5)).untouched();
    asked_and_told(&mut door, &Beat { member_epoch: 5, ..join("a-.*") }, &HOSTED, "a-1");
    door.send(1, &beat(5)).untouched();
}

#[test]
fn members_that_leave_and_others_in_their_name() {
    let mut door = Door::new(some());
    asked_and_told(&mut door, &join("a-.*"), &HOSTED, "a-1");
    // Another principal has no part in it.
    door.principal = "User:mallory".to_owned();
    door.change([allow(Read, Group, "g"), allow(Read, Topic, "a-2")]);
    let forwarded = door.send(1, &beat(1)).forwarded();
    assert!(!forwarded.edited);
    // Nor does a member leave that the broker lets no one else take away.
    let forwarded = door.send(1, &beat(-1)).forwarded();
    forwarded.answered(&mut door, &failed(110));
    assert!(door.subscriptions.look_up("g", "m").is_some());
    door.principal = ALICE.to_owned();
    for epoch in [-1, -2] {
        told(&mut door, &join("a-.*"), "a-2");
        let forwarded = door.send(1, &beat(epoch)).forwarded();
        assert!(!forwarded.edited);
        forwarded.answered(&mut door, &fine());
        assert!(door.subscriptions.look_up("g", "m").is_none());
        door.send(1, &beat(epoch)).untouched();
    }
}

/// An older version has no patterns, and its members none that could be remembered.
#[test]
fn version_0_knows_nothing_of_it() {
    let mut door = Door::new(some());
    asked_and_told(&mut door, &join("a-.*"), &HOSTED, "a-1");
    door.change([allow(Read, Group, "g"), allow(Read, Topic, "b-1")]);
    door.send(0, &beat(1)).untouched();
}

#[test]
fn a_described_member_shows_what_it_said() {
    let mut door = Door::new([some(), vec![allow(Describe, Group, "*")]].concat());
    let both = Beat { subscribed_topic_names: Some(vec!["b-1".into()]), ..join("a-.*") };
    let forwarded = door.send(1, &both).asked().answered_from(&mut door, &HOSTED).forwarded();
    forwarded.answered(&mut door, &fine());
    let member = |member_id: &str, names: &[&str], regex: Option<&str>| Member {
        member_id: member_id.into(),
        subscribed_topic_names: names.iter().copied().map(Str::from).collect(),
        subscribed_topic_regex: regex.map(Str::from),
        ..Default::default()
    };
    let group = |group_id: &str, member: Member| DescribedGroup {
        group_id: group_id.into(),
        members: vec![member],
        ..Default::default()
    };
    let describe = ConsumerGroupDescribeRequest {
        group_ids: ["g", "g", "h"].map(Str::from).to_vec(),
        ..Default::default()
    };
    for version in Door::versions::<ConsumerGroupDescribeRequest>() {
        let groups = vec![
            group("g", member("m", &["b-1"], Some("a-1"))),
            group("g", member("n", &["a-1"], None)),
            group("h", member("m", &["a-1"], None)),
        ];
        let answer = ConsumerGroupDescribeResponse { groups: groups.clone(), ..Default::default() };
        let seen = door.send(version, &describe).forwarded().answered(&mut door, &answer);
        let said = Member { client_host: "/10.0.0.7".into(), ..member("m", &["b-1"], Some("a-.*")) };
        let expected = [group("g", said), groups[1].clone(), groups[2].clone()];
        assert_eq!(seen.groups, expected);
    }
}
