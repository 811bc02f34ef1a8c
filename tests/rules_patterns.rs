//! Subscriptions to patterns (ConsumerGroupHeartbeat 1): what the broker is told of them, heartbeat by heartbeat.

mod support_rules;

use doorkeeper::protocol::messages::consumer_group_describe_response::{DescribedGroup, Member};
use doorkeeper::protocol::messages::consumer_group_heartbeat_response::Assignment;
use doorkeeper::protocol::messages::*;
use doorkeeper::protocol::wire::Str;
use doorkeeper::words::acl::Binding;
use doorkeeper::words::acl::Operation::*;
use doorkeeper::words::acl::ResourceType::{Group, Topic};

use support_rules::*;

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

/// The same heartbeat with these names in the place of its pattern.
fn naming(request: Beat, names: &[&str]) -> Beat {
    Beat {
        subscribed_topic_names: Some(names.iter().copied().map(Str::from).collect()),
        subscribed_topic_regex: Some(Str::EMPTY),
        ..request
    }
}

fn fine() -> Answer {
    Answer { member_id: Some("m".into()), member_epoch: 1, ..Default::default() }
}

fn failed(error_code: i16) -> Answer {
    Answer { error_code, ..Default::default() }
}

/// Sends it, has the broker tell all topics, and sees that it goes on with these names.
#[track_caller]
fn told_names(door: &mut Door, request: &Beat, hosted: &[Hosted<'_>], names: &[&str]) {
    let asked = door.send(1, request).asked();
    assert_eq!(asked.question::<MetadataRequest>().topics, None);
    let forwarded = asked.answered_from(door, hosted).forwarded();
    assert_eq!(forwarded.request, naming(request.clone(), names));
    assert_eq!(forwarded.answered(door, &fine()), fine());
}

#[test]
fn the_broker_is_told_the_names_that_may_be_seen() {
    let mut door = Door::new(some());
    told_names(&mut door, &join("[ac]-.*|b-1|x|__.*"), &HOSTED, &["a-1", "b-1"]);
    assert!(door.denials().is_empty(), "what a pattern covers besides is nobody's business");
    // Nothing has changed.
    door.send(1, &beat(1)).untouched();
    // Another pattern, at once.
    let changed = Beat { subscribed_topic_regex: Some("a.*".into()), ..beat(1) };
    let forwarded = door.send(1, &changed).forwarded();
    assert_eq!(forwarded.request, naming(beat(1), &["a-1"]));
    forwarded.answered(&mut door, &fine());
    // None any more.
    let named = Beat {
        subscribed_topic_names: Some(vec!["b-1".into()]),
        subscribed_topic_regex: Some(Str::EMPTY),
        ..beat(1)
    };
    door.send(1, &named).untouched();
    door.subscriptions.tick();
    door.send(1, &beat(1)).untouched();
}

#[test]
fn names_beside_the_pattern_stay() {
    let mut door = Door::new(some());
    let both = Beat { subscribed_topic_names: Some(vec!["b-1".into()]), ..join("a-.*") };
    told_names(&mut door, &both, &HOSTED, &["a-1", "b-1"]);
    // The names alone change.
    let changed = Beat { subscribed_topic_names: Some(vec!["a-1".into()]), ..beat(1) };
    let forwarded = door.send(1, &changed).forwarded();
    assert_eq!(forwarded.request, naming(beat(1), &["a-1"]));
    // One that may not be seen refuses all of it.
    let hidden = Beat { subscribed_topic_names: Some(vec!["a-2".into()]), ..join("a-.*") };
    assert_eq!(door.send(1, &hidden).reply().error_code, 29);
}

#[test]
fn new_topics_come_with_a_later_heartbeat() {
    let mut door = Door::new([allow(Read, Group, "g"), allow(Read, Topic, "a-2"), allow(Read, Topic, "a-1")]);
    told_names(&mut door, &join("a-.*"), &HOSTED[..1], &["a-1"]);
    door.subscriptions.tick();
    // Nothing new.
    door.send(1, &beat(1)).asked().answered_from(&mut door, &HOSTED[..1]).untouched();
    door.subscriptions.tick();
    told_names(&mut door, &beat(1), &HOSTED, &["a-1", "a-2"]);
    // New ones that it does not cover, or may not see.
    door.subscriptions.tick();
    let more = [&HOSTED[..], &[("a-9", id(9), 1), ("d", id(10), 1)]].concat();
    door.send(1, &beat(1)).asked().answered_from(&mut door, &more).untouched();
    door.send(1, &beat(1)).untouched();
}

#[test]
fn changed_rights_come_with_the_next_heartbeat() {
    let mut door = Door::new(some());
    told_names(&mut door, &join("a-.*|b-1"), &HOSTED, &["a-1", "b-1"]);
    door.change([allow(Read, Group, "g"), allow(Read, Topic, "b-1")]);
    let forwarded = door.send(1, &beat(1)).forwarded();
    assert_eq!(forwarded.request, naming(beat(1), &["b-1"]));
    forwarded.answered(&mut door, &fine());
    // Rights on others change nothing.
    door.change([allow(Read, Group, "g"), allow(Read, Topic, "b-1"), allow(Read, Topic, "c-1")]);
    door.send(1, &beat(1)).untouched();
    // Whoever may see everything is the broker's business.
    door.change(every());
    let forwarded = door.send(1, &beat(1)).forwarded();
    let expected = Beat {
        subscribed_topic_names: Some(Vec::new()),
        subscribed_topic_regex: Some("a-.*|b-1".into()),
        ..beat(1)
    };
    assert_eq!(forwarded.request, expected);
    forwarded.answered(&mut door, &fine());
    door.send(1, &beat(1)).untouched();
    door.change(some());
    let forwarded = door.send(1, &beat(1)).forwarded();
    assert_eq!(forwarded.request, naming(beat(1), &["a-1", "b-1"]));
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
    told_names(&mut door, &join("a-.*"), &HOSTED, &["a-2"]);
}

#[test]
fn what_the_broker_did_not_take_is_told_again() {
    let mut door = Door::new(some());
    let asked = door.send(1, &join("a-.*")).asked();
    let forwarded = asked.answered_from(&mut door, &HOSTED).forwarded();
    assert_eq!(forwarded.answered(&mut door, &failed(15)), failed(15));
    let forwarded = door.send(1, &beat(1)).forwarded();
    assert_eq!(forwarded.request, naming(beat(1), &["a-1"]));
}

#[test]
fn what_is_no_pattern_is_refused_by_the_broker_itself() {
    for pattern in ["(", "a)(b", r"a\1"] {
        let mut door = Door::new(some());
        let forwarded = door.send(1, &join(pattern)).forwarded();
        assert_eq!(forwarded.request.subscribed_topic_regex.as_deref(), Some("("));
        let answer = forwarded.answered(&mut door, &failed(128));
        let text = answer.error_message.unwrap();
        let expected = format!("SubscribedTopicRegex `{pattern}` is not a valid regular expression: ");
        assert!(answer.error_code == 128 && text.starts_with(&expected), "{text}");
        // Other errors come first.
        let forwarded = door.send(1, &join(pattern)).forwarded();
        assert_eq!(forwarded.answered(&mut door, &failed(42)), failed(42));
    }
    let mut door = Door::new(some());
    let names = Some(vec!["a-1".into(); 30_000]);
    let forwarded = door.send(1, &Beat { subscribed_topic_names: names, ..join("a") }).forwarded();
    assert_eq!(forwarded.request.subscribed_topic_regex.as_deref(), Some("("));
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
    told_names(&mut door, &Beat { member_epoch: 5, ..join("a-.*") }, &HOSTED, &["a-1"]);
    door.send(1, &beat(5)).untouched();
}

#[test]
fn members_that_leave_and_others_in_their_name() {
    let mut door = Door::new(some());
    told_names(&mut door, &join("a-.*"), &HOSTED, &["a-1"]);
    // Another principal has no part in it.
    door.principal = "User:mallory".to_owned();
    door.change([allow(Read, Group, "g"), allow(Read, Topic, "a-2")]);
    let forwarded = door.send(1, &beat(1)).forwarded();
    assert!(!forwarded.edited);
    door.principal = ALICE.to_owned();
    for epoch in [-1, -2] {
        door.send(1, &beat(epoch)).untouched();
        assert!(!door.send(1, &beat(1)).forwarded().edited);
    }
}

/// An older version has no patterns, and its members none that could be remembered.
#[test]
fn version_0_knows_nothing_of_it() {
    let mut door = Door::new(some());
    told_names(&mut door, &join("a-.*"), &HOSTED, &["a-1"]);
    door.change([allow(Read, Group, "g"), allow(Read, Topic, "b-1")]);
    door.send(0, &beat(1)).untouched();
}

#[test]
fn a_described_member_shows_what_it_said() {
    let mut door = Door::new([some(), vec![allow(Describe, Group, "*")]].concat());
    let both = Beat { subscribed_topic_names: Some(vec!["b-1".into()]), ..join("a-.*") };
    told_names(&mut door, &both, &HOSTED, &["a-1", "b-1"]);
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
            group("g", member("m", &["a-1", "b-1"], Some(""))),
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
