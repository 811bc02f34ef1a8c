//! Members of streams groups that may not create what their topologies lack: nothing is created for them, and they wait as with
//! Kafka. What they are told was compared with Kafka 4.4.

use doorkeeper::model::acl::ResourceType::{Group, Topic};
use doorkeeper::model::acl::{Binding, Operation};
use doorkeeper::protocol::access::{BrokerSettings, StreamsSettings};
use doorkeeper::protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult,
};
use doorkeeper::protocol::messages::list_groups_response::ListedGroup;
use doorkeeper::protocol::messages::streams_group_describe_response::{self as described, DescribedGroup};
use doorkeeper::protocol::messages::streams_group_heartbeat_response::Status;
use doorkeeper::protocol::messages::*;
use doorkeeper::protocol::wire::Str;

use super::streams::*;
use crate::support::door::*;

type Beat = StreamsGroupHeartbeatRequest;
type Told = StreamsGroupHeartbeatResponse;

const IN: Hosted<'_> = ("in", id(9), 2);
const RE: Hosted<'_> = ("re", id(1), 2);
const LOG: Hosted<'_> = ("log", id(2), 2);

/// A door for somebody who may read the group, and create one of the two internal topics.
fn may() -> Door {
    with(member(&["in", "re", "log"]), [allow(Operation::Create, Topic, "re")])
}

fn beating(member_epoch: i32) -> Beat {
    Beat {
        member_epoch,
        rebalance_timeout_ms: -1,
        active_tasks: None,
        standby_tasks: None,
        warmup_tasks: None,
        ..heartbeat(None)
    }
}

/// What the broker says of the settings of a group.
fn settings(of_group: &[(&str, &str)]) -> DescribeConfigsResponse {
    let config = |(name, value): &(&str, &str)| DescribeConfigsResourceResult {
        name: (*name).into(),
        value: Some((*value).into()),
        ..Default::default()
    };
    let result =
        DescribeConfigsResult { configs: of_group.iter().map(config).collect(), ..Default::default() };
    DescribeConfigsResponse { results: vec![result], ..Default::default() }
}

/// A member joins where these topics are, and nothing is known of its group's settings.
#[track_caller]
fn join(door: &mut Door, version: i16, request: &Beat, topics: &[Hosted<'_>]) -> Told {
    let asked = beat(door, version, request, &no_group()).asked().answered_from(door, topics).asked();
    asked.answered(door, &settings(&[])).reply()
}

/// A member is heard of again.
#[track_caller]
fn again(door: &mut Door, version: i16, request: &Beat, topics: &[Hosted<'_>]) -> Beating {
    beat(door, version, request, &no_group()).asked().answered_from(door, topics)
}

fn statuses(told: &Told) -> Vec<(i8, &str)> {
    let status = |status: &Status| (status.status_code, status.status_detail.to_string());
    let told = told.status.iter().flatten().map(status);
    told.map(|(code, text)| (code, &*Box::leak(text.into_boxed_str()))).collect()
}

const DELAYED: (i8, &str) = (5, "Assignment delayed due to the configured initial rebalance delay.");
const MISSING: (i8, &str) =
    (3, "Internal topics are missing: re, log; Unauthorized to CREATE on topics log.");

#[test]
fn a_member_waits_for_what_it_may_not_create() {
    for version in versions() {
        let mut door = may();
        let asked = beat(&mut door, version, &joining(), &no_group()).asked();
        let question: MetadataRequest = asked.question();
        let names: Vec<_> = question.topics.unwrap().into_iter().map(|topic| topic.name.unwrap()).collect();
        assert_eq!(names, strs(&["in", "log", "re"]));
        let asked = asked.answered_from(&mut door, &[IN]).asked();
        let question: DescribeConfigsRequest = asked.question();
        assert_eq!((question.resources[0].resource_type, &*question.resources[0].resource_name), (32, "g"));
        let of_group =
            [("streams.heartbeat.interval.ms", "7000"), ("streams.initial.rebalance.delay.ms", "9")];
        let told = asked.answered(&mut door, &settings(&of_group)).reply();
        let nothing = Some(Vec::new());
        let expected = Told {
            member_id: "m".into(),
            member_epoch: 1,
            heartbeat_interval_ms: 7000,
            task_offset_interval_ms: 60_000,
            acceptable_recovery_lag: if version >= 1 { 10_000 } else { -1 },
            active_tasks: nothing.clone(),
            standby_tasks: nothing.clone(),
            warmup_tasks: nothing,
            status: told.status.clone(),
            ..Default::default()
        };
        assert_eq!(told, expected);
        assert_eq!(statuses(&told), [DELAYED, MISSING]);
        assert_eq!(door.denials(), [(Operation::Create, "log")]);

        // It is heard of again: at once, later, once with the epoch that it had before.
        let told = again(&mut door, version, &beating(1), &[IN]).reply();
        assert_eq!((told.member_epoch, statuses(&told)), (1, vec![DELAYED, MISSING]));
        (0..4).for_each(|_| door.waiting.tick());
        for epoch in [1, 1, 2] {
            let told = again(&mut door, version, &beating(epoch), &[IN]).reply();
            assert_eq!((told.error_code, told.member_epoch, told.heartbeat_interval_ms), (0, 2, 7000));
            assert_eq!(statuses(&told), [MISSING]);
            assert_eq!((told.active_tasks, told.standby_tasks, told.warmup_tasks), (None, None, None));
        }
        for (epoch, how) in [(9, "greater"), (1, "smaller")] {
            if how == "smaller" {
                // Another member moves the group's epoch twice.
                for epoch in [3, 4] {
                    let other = Beat {
                        member_id: "n".into(),
                        process_id: Some(epoch.to_string().into()),
                        ..joining()
                    };
                    assert_eq!(join(&mut door, version, &other, &[IN]).member_epoch, epoch);
                }
                assert_eq!(again(&mut door, version, &beating(2), &[IN]).reply().member_epoch, 4);
            }
            let current = if how == "smaller" { 4 } else { 2 };
            let text = format!(
                "The streams group member has a {how} member epoch ({epoch}) than the one known by the group \
                 coordinator ({current}). The member must abandon all its partitions and rejoin."
            );
            let told = again(&mut door, version, &beating(epoch), &[IN]).reply();
            assert_eq!(told, failed(110, Some(&text)));
        }
    }
}

#[test]
fn a_source_that_is_missing_comes_first_and_nobody_is_asked() {
    for version in versions() {
        let mut door = may();
        let told = join(&mut door, version, &joining(), &[]);
        assert_eq!(statuses(&told), [DELAYED, (1, "Source topics in are missing.")]);
        assert_eq!(door.denials(), []);
        (0..4).for_each(|_| door.waiting.tick());
        let told = again(&mut door, version, &beating(1), &[RE]).reply();
        assert_eq!(statuses(&told), [(1, "Source topics in are missing.")]);
        let told = again(&mut door, version, &beating(2), &[IN, RE]).reply();
        let alone = "Internal topics are missing: log; Unauthorized to CREATE on topics log.";
        assert_eq!(statuses(&told), [(3, alone)]);
    }
}

#[test]
fn settings_are_the_groups_the_brokers_and_kafkas() {
    let streams = StreamsSettings { heartbeat_interval_ms: 1, initial_rebalance_delay_ms: 0 };
    for version in versions() {
        let mut door = may().before(BrokerSettings { streams, ..Default::default() });
        let told = join(&mut door, version, &joining(), &[IN]);
        assert_eq!(told.heartbeat_interval_ms, 1);
        assert_eq!((told.member_epoch, statuses(&told)), (2, vec![MISSING]), "nobody is waited for");
    }
}

#[test]
fn a_member_joins_at_the_broker_when_nothing_is_missing() {
    for version in versions() {
        let request = Beat { process_id: Some("p".into()), ..joining() };
        let ways: [fn(&mut Door) -> &'static [Hosted<'static>]; 2] =
            [
                |_| &[LOG],
                |door| {
                    door.change(member(&["in", "re", "log"]).into_iter().chain([
                        allow(Operation::Create, Topic, "re"),
                        allow(Operation::Create, Topic, "log"),
                    ]));
                    &[]
                },
            ];
        for way in ways {
            let mut door = may();
            join(&mut door, version, &request, &[IN]);
            let topics = way(&mut door);
            for error_code in [14, 15, 16, 0] {
                let sent = Beat { endpoint_information_epoch: 7, ..beating(1) };
                let outcome = beat(&mut door, version, &sent, &no_group());
                let outcome = match topics {
                    [] => outcome,
                    topics => outcome.asked().answered_from(&mut door, topics),
                };
                let forwarded = outcome.forwarded();
                assert_eq!(
                    forwarded.request,
                    Beat { endpoint_information_epoch: 7, ..request.clone() },
                    "it says what it said when it joined"
                );
                let answer =
                    Told { error_code, member_id: "m".into(), member_epoch: 5, ..Default::default() };
                assert_eq!(forwarded.answered(&mut door, &answer), answer);
            }
            // From now on it is the broker's member.
            let outcome = beat(&mut door, version, &beating(5), &group_with(&["re"], &["log"]));
            match topics {
                [] => outcome.untouched(),
                topics => outcome.asked().answered_from(&mut door, topics).untouched(),
            }
        }
        // With a right to create everything the broker is not even asked.
        let mut door = may();
        join(&mut door, version, &request, &[IN]);
        door.change(member(&["in", "re", "log"]).into_iter().chain([allow_cluster(Operation::Create)]));
        let forwarded = door.send(version, &beating(1)).forwarded();
        assert_eq!(forwarded.request, request);
        forwarded.answered(&mut door, &Told::default());
        door.send(version, &beating(1)).untouched();
        // Who joins again says everything itself.
        let mut door = may();
        join(&mut door, version, &request, &[IN]);
        let other = Beat { process_id: Some("q".into()), ..request.clone() };
        let forwarded = again(&mut door, version, &other, &[LOG]).forwarded();
        assert_eq!(forwarded.request, other);
    }
}

#[test]
fn what_is_hidden_since_is_neither_joined_with_nor_told() {
    for version in versions() {
        let hide = |door: &mut Door, name: &str| {
            let others: Vec<&str> = ["in", "re", "log"].into_iter().filter(|other| *other != name).collect();
            door.change(member(&others));
        };
        let mut door = may();
        join(&mut door, version, &joining(), &[IN]);
        hide(&mut door, "log");
        (0..4).for_each(|_| door.waiting.tick());
        let told = again(&mut door, version, &beating(1), &[IN]).reply();
        let text = "Internal topics are missing: re; Unauthorized to CREATE on topics re.";
        assert_eq!(statuses(&told), [(3, text)]);
        let told = again(&mut door, version, &beating(2), &[LOG, RE]).reply();
        assert_eq!(told.error_code, 110, "it is to join again, and be refused");
        assert_eq!(door.send(version, &joining()).reply(), failed(29, None));
        let mut door = may();
        hide(&mut door, "in");
        let group = group_with(&["re"], &["log"]);
        let asked = beat(&mut door, version, &beating(4), &group).asked();
        assert_eq!(asked.answered_from(&mut door, &[]).reply().error_code, 25, "nor to strangers");
    }
}

#[test]
fn members_leave() {
    for version in versions() {
        for (answered, is_gone) in [(0, true), (25, true), (69, true), (14, false)] {
            let mut door = may();
            join(&mut door, version, &joining(), &[IN]);
            let forwarded = door.send(version, &beating(-1)).forwarded();
            assert_eq!(forwarded.request, beating(-1), "the broker may know it from before");
            let told = forwarded.answered(&mut door, &failed(answered, None));
            let left = Told { member_id: "m".into(), member_epoch: -1, ..Default::default() };
            assert_eq!(told, if is_gone { left } else { failed(answered, None) });
            match is_gone {
                true => beat(&mut door, version, &beating(1), &no_group()).untouched(),
                false => assert_eq!(again(&mut door, version, &beating(1), &[IN]).reply().error_code, 0),
            }
        }
        // Nobody waits, or the other member.
        let mut door = may();
        door.send(version, &beating(-1)).untouched();
        join(&mut door, version, &joining(), &[IN]);
        door.send(version, &Beat { member_id: "n".into(), ..beating(-1) }).untouched();
        door.send(version, &Beat { instance_id: Some("i".into()), ..beating(-1) }).untouched();
        // Without a word.
        (0..60).for_each(|_| door.waiting.tick());
        assert_eq!(again(&mut door, version, &beating(1), &[IN]).reply().error_code, 0);
        (0..80).for_each(|_| door.waiting.tick());
        beat(&mut door, version, &beating(2), &no_group()).untouched();
    }
}

#[test]
fn nobody_goes_on_in_anothers_name() {
    for version in versions() {
        let mut door = may();
        join(&mut door, version, &joining(), &[IN]);
        door.principal = "User:bob".to_owned();
        again_as_stranger(&mut door, version);
        door.send(version, &beating(-1)).untouched();
        door.principal = "User:alice".to_owned();
        assert_eq!(again(&mut door, version, &beating(1), &[IN]).reply().error_code, 0);
    }
}

/// A heartbeat of somebody who has not joined, while others wait.
#[track_caller]
fn again_as_stranger(door: &mut Door, version: i16) {
    beat(door, version, &beating(1), &no_group()).untouched();
    let asked = beat(door, version, &beating(1), &group_with(&["re"], &["log"])).asked();
    let text = "Member m is not a member of group g.";
    assert_eq!(asked.answered_from(door, &[IN]).reply(), failed(25, Some(text)));
}

#[test]
fn members_of_the_broker_are_told_the_same() {
    let known = |tasks: bool| {
        let active_tasks = if tasks { vec![described::TaskIds::default()] } else { Vec::new() };
        let member = described::Member {
            member_id: "m".into(),
            member_epoch: 4,
            instance_id: Some("i".into()),
            assignment: described::Assignment { active_tasks, ..Default::default() },
            ..Default::default()
        };
        let mut answer = group_with(&["re"], &["log"]);
        answer.groups[0].members.push(member);
        answer
    };
    for version in versions() {
        for tasks in [false, true] {
            let mut door = may();
            let asked = beat(&mut door, version, &beating(4), &known(tasks)).asked();
            let told = asked.answered_from(&mut door, &[IN]).reply();
            assert_eq!((told.error_code, told.member_epoch, statuses(&told)), (0, 4, vec![MISSING]));
            assert_eq!(told.active_tasks.is_some(), tasks, "nobody has a task");
        }
        let wrong = |request: &Beat| {
            let mut door = may();
            let asked = beat(&mut door, version, request, &known(false)).asked();
            let told = asked.answered_from(&mut door, &[IN]).reply();
            (told.error_code, told.error_message.unwrap_or_default().to_string())
        };
        let instance = |id: &str, member_id: &str| Beat {
            instance_id: Some(id.into()),
            member_id: member_id.into(),
            ..beating(4)
        };
        assert_eq!(wrong(&beating(5)).0, 110);
        assert_eq!(wrong(&instance("j", "m")), (25, "Instance id j is unknown.".to_owned()));
        let fenced = "Static member n with instance id i was fenced by member m.";
        assert_eq!(wrong(&instance("i", "n")), (82, fenced.to_owned()));
    }
}

#[test]
fn a_group_keeps_its_topology_and_its_instances() {
    let other = |epoch: i32| {
        let mut request =
            Beat { member_id: "n".into(), ..heartbeat(Some(vec![part(&["in"], &[], &[], &["log"])])) };
        request.topology.as_mut().unwrap().epoch = epoch;
        request
    };
    for version in versions() {
        let mut door = may();
        let first = Beat { instance_id: Some("i".into()), ..joining() };
        join(&mut door, version, &first, &[IN]);
        let refused = |door: &mut Door, request: &Beat| {
            let outcome = again(door, version, request, &[IN]).asked();
            let told = outcome.answered(door, &settings(&[])).reply();
            (told.error_code, told.error_message.unwrap_or_default().to_string())
        };
        let updates = "Topology updates are not supported yet.".to_owned();
        assert_eq!(refused(&mut door, &other(0)), (42, updates.clone()));
        assert_eq!(refused(&mut door, &other(1)), (42, updates));
        let told = join(&mut door, version, &other(-1), &[IN]);
        let stale = "The member's topology epoch -1 is behind the group's topology epoch 0.";
        assert_eq!(statuses(&told), [(0, stale), DELAYED, MISSING]);
        let same = Beat { member_id: "o".into(), ..first.clone() };
        let text = "Static member o with instance id i cannot join the group because the instance id is owned by m \
                    member.";
        assert_eq!(refused(&mut door, &same), (111, text.to_owned()));
        let empty = Beat { member_id: "e".into(), ..heartbeat(Some(vec![part(&[], &[], &[], &["log"])])) };
        let text = "No source topics found for subtopology ".to_owned();
        assert_eq!(refused(&mut may(), &empty), (130, text));
    }
}

#[test]
fn a_request_that_says_too_little_does_not_wait() {
    let empty = Some(Str::EMPTY);
    let cases = [
        (Beat { member_id: " ".into(), ..joining() }, "MemberId can't be empty."),
        (Beat { instance_id: empty.clone(), ..joining() }, "InstanceId can't be empty."),
        (Beat { rack_id: empty, ..joining() }, "RackId can't be empty."),
        (
            Beat { rebalance_timeout_ms: -1, ..joining() },
            "RebalanceTimeoutMs must be provided in first request.",
        ),
        (Beat { active_tasks: None, ..joining() }, "ActiveTasks must be empty when (re-)joining."),
        (Beat { standby_tasks: None, ..joining() }, "StandbyTasks must be empty when (re-)joining."),
        (Beat { warmup_tasks: None, ..joining() }, "WarmupTasks must be empty when (re-)joining."),
        (
            Beat { topology: joining().topology, ..beating(1) },
            "Topology can only be provided when (re-)joining.",
        ),
        (
            Beat { topology: joining().topology, active_tasks: Some(Vec::new()), ..beating(1) },
            "If one task-type is non-null, all must be non-null.",
        ),
    ];
    for version in versions() {
        for (request, text) in &cases {
            let told = again(&mut may(), version, request, &[IN]).reply();
            assert_eq!(told, failed(42, Some(text)));
        }
        let mut request = joining();
        let parts = &mut request.topology.as_mut().unwrap().subtopologies;
        parts[1].state_changelog_topics[0].partitions = 2;
        let text = "Changelog topic log must have an undefined partition count, but it is set to 2.";
        assert_eq!(again(&mut may(), version, &request, &[IN]).reply(), failed(130, Some(text)));
        let mut request = joining();
        request.topology.as_mut().unwrap().subtopologies[0].source_topic_regex = strs(&[".*"]);
        let text = "Regular expressions for source topics are not supported yet.";
        assert_eq!(again(&mut may(), version, &request, &[IN]).reply(), failed(42, Some(text)));
    }
}

#[test]
fn who_asks_for_too_much_memory_is_refused() {
    for version in versions() {
        let mut door = may();
        let large = |member_id: String, length: usize| Beat {
            member_id: member_id.into(),
            client_tags: Some(vec![
                streams_group_heartbeat_request::KeyValue {
                    value: "v".repeat(32_000).into(),
                    ..Default::default()
                };
                length
            ]),
            ..joining()
        };
        let text = MISSING.1;
        // One of 96 KB, and many of 32 KB.
        assert_eq!(join(&mut door, version, &large("m".into(), 3), &[IN]), failed(29, Some(text)));
        let told: Vec<i16> = (0..140)
            .map(|n| join(&mut door, version, &large(format!("m{n}"), 1), &[IN]).error_code)
            .collect();
        assert_eq!((told[0], told[100], told[139]), (0, 0, 29));
        // Others are not disturbed, and whoever leaves makes room.
        door.principal = "User:bob".to_owned();
        assert_eq!(join(&mut door, version, &large("b".into(), 1), &[IN]).error_code, 0);
        door.principal = "User:alice".to_owned();
        let forwarded = door.send(version, &Beat { member_id: "m0".into(), ..beating(-1) }).forwarded();
        forwarded.answered(&mut door, &failed(25, None));
        assert_eq!(join(&mut door, version, &large("m139".into(), 1), &[IN]).error_code, 0);
    }
}

/// What somebody may do who looks at groups.
fn looking() -> Vec<Binding> {
    let describe = allow(Operation::Describe, Group, "g");
    member(&["in", "re", "log"]).into_iter().chain([describe]).collect()
}

/// A short request may name a group any number of times, and what is remembered of it is long.
#[test]
fn an_answer_shows_so_much_of_those_who_wait_and_no_more() {
    let version = *versions().end();
    let mut door = may();
    let tag =
        streams_group_heartbeat_request::KeyValue { value: "v".repeat(30_000).into(), ..Default::default() };
    join(&mut door, version, &Beat { client_tags: Some(vec![tag]), ..joining() }, &[IN]);
    door.change(looking());
    let group_ids = strs(&["g"; 1000]);
    let version = *Door::versions::<StreamsGroupDescribeRequest>().end();
    let request = StreamsGroupDescribeRequest { group_ids, ..Default::default() };
    let mut unknown = no_group();
    unknown.groups = vec![unknown.groups[0].clone(); 1000];
    let told = door.send(version, &request).forwarded().answered(&mut door, &unknown);
    let shown = told.groups.iter().filter(|group| group.error_code == 0).count();
    assert_eq!((shown, told.groups.len()), (4, 1000), "256 KiB");
}

#[test]
fn those_who_wait_are_described_and_listed() {
    let version = *versions().end();
    let mut door = may();
    let request = Beat { process_id: Some("p".into()), rack_id: Some("r".into()), ..joining() };
    join(&mut door, version, &request, &[IN]);
    door.change(looking());
    let describe = |groups: &[&str], include_authorized_operations| StreamsGroupDescribeRequest {
        group_ids: strs(groups),
        include_authorized_operations,
        ..Default::default()
    };
    for version in Door::versions::<StreamsGroupDescribeRequest>() {
        for operations in [false, true] {
            let forwarded = door.send(version, &describe(&["g"], operations)).forwarded();
            let told = forwarded.answered(&mut door, &no_group());
            let [group] = &*told.groups else { panic!("{told:?}") };
            assert_eq!((group.error_code, &*group.group_state, group.group_epoch), (0, "NotReady", 2));
            assert_eq!(group.authorized_operations, if operations { 1 << 3 | 1 << 8 } else { i32::MIN });
            let [member] = &*group.members else { panic!("{group:?}") };
            assert_eq!((&*member.member_id, member.member_epoch, &*member.process_id), ("m", 1, "p"));
            assert_eq!((&*member.client_id, &*member.client_host), ("test", "/10.0.0.7"));
            assert_eq!(group.topology.as_ref().unwrap().subtopologies.as_ref().unwrap().len(), 2);
        }
        if version >= 1 {
            let wanted =
                StreamsGroupDescribeRequest { include_topology_description: true, ..describe(&["g"], false) };
            let told = door.send(version, &wanted).forwarded().answered(&mut door, &no_group());
            assert_eq!(told.groups[0].topology_description_status, 1, "it has none");
        }
        // Beside those that the broker knows of.
        let mut known = group_with(&["re"], &["log"]);
        let of_broker = described::Member { member_id: "k".into(), ..Default::default() };
        known.groups[0].members.push(of_broker);
        let told = door.send(version, &describe(&["g"], false)).forwarded().answered(&mut door, &known);
        let ids: Vec<&str> = told.groups[0].members.iter().map(|member| &*member.member_id).collect();
        assert_eq!(ids, ["k", "m"]);
        // What there is of others stays so.
        let failure =
            answer_of(DescribedGroup { group_id: "g".into(), error_code: 16, ..Default::default() });
        let told = door.send(version, &describe(&["g"], false)).forwarded().answered(&mut door, &failure);
        assert_eq!(told, failure);
    }
    for version in Door::versions::<ListGroupsRequest>() {
        let told = |door: &mut Door, request: &ListGroupsRequest, groups: Vec<ListedGroup>| {
            let answer = ListGroupsResponse { groups, ..Default::default() };
            let told = door.send(version, request).forwarded().answered(door, &answer);
            told.groups.iter().map(|group| group.group_id.to_string()).collect::<Vec<_>>()
        };
        let none: [&str; 0] = [];
        assert_eq!(told(&mut door, &ListGroupsRequest::default(), Vec::new()), ["g"]);
        let listed = ListedGroup { group_id: "g".into(), ..Default::default() };
        assert_eq!(told(&mut door, &ListGroupsRequest::default(), vec![listed]), ["g"]);
        if version >= 5 {
            let filtered = |states: &[&str], types: &[&str]| ListGroupsRequest {
                states_filter: strs(states),
                types_filter: strs(types),
                ..Default::default()
            };
            assert_eq!(told(&mut door, &filtered(&["notready"], &["Streams"]), Vec::new()), ["g"]);
            assert_eq!(told(&mut door, &filtered(&["Stable"], &[]), Vec::new()), none);
            assert_eq!(told(&mut door, &filtered(&[], &["share"]), Vec::new()), none);
        }
        let mut blind = Door::new([]);
        std::mem::swap(&mut blind.waiting, &mut door.waiting);
        assert_eq!(told(&mut blind, &ListGroupsRequest::default(), Vec::new()), none);
        std::mem::swap(&mut blind.waiting, &mut door.waiting);
    }
    // Not to those from whom its topics are hidden.
    door.change(member(&["in", "re"]).into_iter().chain([allow(Operation::Describe, Group, "g")]));
    let told = door.send(0, &describe(&["g"], false)).forwarded().answered(&mut door, &no_group());
    assert_eq!((told.groups[0].error_code, told.groups[0].members.len()), (29, 0));
}

#[test]
fn what_the_broker_says_of_the_group_counts_too() {
    for version in versions() {
        // A broker that does not speak of it has not said that it is there.
        let mut door = may();
        let asked = beat(&mut door, version, &joining(), &no_group()).asked();
        let asked = asked.answered(&mut door, &MetadataResponse::default()).asked();
        let told = asked.answered(&mut door, &settings(&[])).reply();
        assert_eq!(statuses(&told).last(), Some(&(1, "Source topics in are missing.")));
        // It is there.
        let mut door = may();
        again(&mut door, version, &joining(), &[LOG]).untouched();
        assert_eq!(door.denials(), []);
        // The topology of the group lacks something that the member's has not.
        let group = group_with(&["re"], &["old", "log"]);
        for request in [beating(3), joining()] {
            let mut door = may();
            let asked = beat(&mut door, version, &request, &group).asked();
            asked.answered_from(&mut door, &[LOG, ("old", id(3), 1)]).untouched();
            let mut door = may();
            let asked = beat(&mut door, version, &request, &group).asked();
            assert!(!matches!(asked.answered_from(&mut door, &[LOG, RE]), Outcome::Forwarded(_)));
        }
        // The member's lacks something that the group's has not.
        let mut door = may();
        let asked = beat(&mut door, version, &joining(), &group_with(&["old"], &[])).asked();
        assert!(!matches!(asked.answered_from(&mut door, &[("old", id(3), 1)]), Outcome::Forwarded(_)));
        // Neither has any.
        let none = answer_of(DescribedGroup { group_id: "g".into(), ..Default::default() });
        beat(&mut may(), version, &beating(3), &none).untouched();
        beat(&mut may(), version, &beating(3), &group_with(&[], &[])).untouched();
    }
}
