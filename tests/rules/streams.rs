//! Streams groups: what a member may do, what a broker may create for it, and what is told of a group.

use doorkeeper::model::acl::ResourceType::{Group, Topic};
use doorkeeper::model::acl::{Binding, Operation};
use doorkeeper::model::advertise::{Advertised, Mapping};
use doorkeeper::protocol::messages::streams_group_describe_response as described;
use doorkeeper::protocol::messages::streams_group_describe_response::DescribedGroup;
use doorkeeper::protocol::messages::streams_group_heartbeat_request::{Subtopology, TopicInfo, Topology};
use doorkeeper::protocol::messages::streams_group_heartbeat_response as told;
use doorkeeper::protocol::messages::*;
use doorkeeper::protocol::wire::Str;

use crate::support::door::*;

const DENIED: i16 = 29;
const GROUP_DENIED: i16 = 30;
const INVALID_TOPOLOGY: i16 = 130;

pub(super) fn strs(names: &[&str]) -> Vec<Str> {
    names.iter().copied().map(Str::from).collect()
}

fn info(name: &str) -> TopicInfo {
    TopicInfo { name: name.into(), ..Default::default() }
}

/// Sources, sinks and sources that are repartitioned, changelogs.
pub(super) fn part(
    sources: &[&str],
    sinks: &[&str],
    repartitioned: &[&str],
    changelogs: &[&str],
) -> Subtopology {
    Subtopology {
        source_topics: strs(sources),
        repartition_sink_topics: strs(sinks),
        repartition_source_topics: repartitioned.iter().copied().map(info).collect(),
        state_changelog_topics: changelogs.iter().copied().map(info).collect(),
        ..Default::default()
    }
}

pub(super) fn heartbeat(topology: Option<Vec<Subtopology>>) -> StreamsGroupHeartbeatRequest {
    StreamsGroupHeartbeatRequest {
        group_id: "g".into(),
        member_id: "m".into(),
        rebalance_timeout_ms: 1000,
        active_tasks: Some(Vec::new()),
        standby_tasks: Some(Vec::new()),
        warmup_tasks: Some(Vec::new()),
        topology: topology.map(|subtopologies| Topology { subtopologies, ..Default::default() }),
        ..Default::default()
    }
}

pub(super) fn joining() -> StreamsGroupHeartbeatRequest {
    heartbeat(Some(vec![part(&["in"], &["re"], &[], &[]), part(&[], &[], &["re"], &["log"])]))
}

/// Who may read the group and describe these topics.
pub(super) fn member(topics: &[&str]) -> Vec<Binding> {
    let topics = topics.iter().map(|name| allow(Operation::Describe, Topic, name));
    topics.chain([allow(Operation::Read, Group, "g")]).collect()
}

pub(super) fn with(mut bindings: Vec<Binding>, more: impl IntoIterator<Item = Binding>) -> Door {
    bindings.extend(more);
    Door::new(bindings)
}

pub(super) fn failed(error_code: i16, text: Option<&str>) -> StreamsGroupHeartbeatResponse {
    StreamsGroupHeartbeatResponse { error_code, error_message: text.map(Str::from), ..Default::default() }
}

/// What a broker says of a group with these internal topics.
pub(super) fn group_with(repartitioned: &[&str], changelogs: &[&str]) -> StreamsGroupDescribeResponse {
    let info = |name: &&str| described::TopicInfo { name: (*name).into(), ..Default::default() };
    let part = described::Subtopology {
        repartition_source_topics: repartitioned.iter().map(info).collect(),
        state_changelog_topics: changelogs.iter().map(info).collect(),
        ..Default::default()
    };
    let topology = described::Topology { subtopologies: Some(vec![part]), ..Default::default() };
    answer_of(DescribedGroup { group_id: "g".into(), topology: Some(topology), ..Default::default() })
}

pub(super) fn answer_of(group: DescribedGroup) -> StreamsGroupDescribeResponse {
    StreamsGroupDescribeResponse { groups: vec![group], ..Default::default() }
}

pub(super) fn no_group() -> StreamsGroupDescribeResponse {
    answer_of(DescribedGroup { group_id: "g".into(), error_code: 69, ..Default::default() })
}

pub(super) type Beating = Outcome<StreamsGroupHeartbeatRequest>;

/// Sends a heartbeat, of which the broker is first asked for the group.
#[track_caller]
pub(super) fn beat(
    door: &mut Door,
    version: i16,
    request: &StreamsGroupHeartbeatRequest,
    group: &StreamsGroupDescribeResponse,
) -> Beating {
    let asked = door.send(version, request).asked();
    let question: StreamsGroupDescribeRequest = asked.question();
    assert_eq!(question.group_ids, strs(&["g"]));
    asked.answered(door, group)
}

pub(super) fn versions() -> std::ops::RangeInclusive<i16> {
    Door::versions::<StreamsGroupHeartbeatRequest>()
}

#[test]
fn a_member_reads_the_group() {
    for version in versions() {
        for request in [joining(), heartbeat(None), heartbeat(Some(Vec::new()))] {
            let mut door =
                Door::new([allow(Operation::All, Topic, "*"), allow(Operation::Delete, Group, "g")]);
            assert_eq!(door.send(version, &request).reply(), failed(GROUP_DENIED, None));
            assert_eq!(door.denials(), [(Operation::Read, "g")]);
            Door::for_super_user().send(version, &request).untouched();
        }
    }
}

/// `GroupCoordinatorService.throwIfStreamsGroupHeartbeatRequestIsInvalid`: no broker has such a group, and none is asked.
#[test]
fn a_group_has_a_name() {
    let anybody = || with(member(&["in", "re", "log"]), [allow(Operation::Read, Group, "*")]);
    for (group_id, member_epoch) in [("", 0), ("", 1), ("", -1), (" ", 0)] {
        for version in versions() {
            let mut door = anybody();
            let request =
                StreamsGroupHeartbeatRequest { group_id: group_id.into(), member_epoch, ..joining() };
            let answer = door.send(version, &request).reply();
            assert_eq!(answer, failed(42, Some("GroupId can't be empty.")), "{group_id:?} {member_epoch}");
        }
    }
}

#[test]
fn a_topology_has_no_topics_that_cannot_be_used() {
    let internal = "Use of Kafka internal topics __consumer_offsets,__transaction_state in a Kafka Streams \
                    topology is prohibited.";
    let invalid = "Topic names a/b,.. are not valid topic names.";
    let of = |names: [&str; 4]| {
        heartbeat(Some(vec![
            part(&names[..1], &names[1..2], &names[2..3], &names[3..]),
            part(&names, &[], &[], &[]),
        ]))
    };
    for version in versions() {
        for (names, text) in [
            (["__consumer_offsets", "a/b", "__transaction_state", "in"], internal),
            (["in", "__consumer_offsets", "in", "__transaction_state"], internal),
            (["a/b", "in", "..", "in"], invalid),
            (["in", "in", "a/b", ".."], invalid),
        ] {
            let mut door = with(member(&["in"]), [allow_cluster(Operation::Create)]);
            let answer = door.send(version, &of(names)).reply();
            assert_eq!(answer, failed(INVALID_TOPOLOGY, Some(text)));
            assert_eq!(door.denials(), [], "before anybody is asked");
            let answer = Door::new([]).send(version, &of(names)).reply();
            assert_eq!(answer, failed(GROUP_DENIED, None));
        }
    }
}

#[test]
fn every_topic_of_a_topology_may_be_described() {
    for version in versions() {
        let all = ["in", "re", "log"];
        let creator = || [allow_cluster(Operation::Create)];
        with(member(&all), creator()).send(version, &joining()).untouched();
        for hidden in all {
            let others: Vec<&str> = all.into_iter().filter(|name| *name != hidden).collect();
            let mut door = with(member(&others), creator());
            assert_eq!(door.send(version, &joining()).reply(), failed(DENIED, None));
            assert_eq!(door.denials(), [(Operation::Describe, hidden)]);
        }
        let mut door = with(member(&[]), creator());
        assert_eq!(door.send(version, &joining()).reply(), failed(DENIED, None));
        assert_eq!(door.denials().len(), 3, "each once");
        // Patterns are resolved by members.
        let mut patterns = part(&[], &[], &[], &[]);
        patterns.source_topic_regex = strs(&[".*"]);
        with(member(&[]), creator()).send(version, &heartbeat(Some(vec![patterns]))).untouched();
    }
}

#[test]
fn whoever_may_create_topics_is_not_asked_about() {
    for version in versions() {
        let mut door = with(member(&[]), [allow_cluster(Operation::Create)]);
        door.send(version, &heartbeat(None)).untouched();
        // Those who leave.
        for request in [
            StreamsGroupHeartbeatRequest { member_epoch: -1, ..heartbeat(None) },
            StreamsGroupHeartbeatRequest { member_epoch: -2, ..heartbeat(None) },
        ] {
            with(member(&[]), []).send(version, &request).untouched();
        }
        // By topic, all of them: the broker need not be asked which exist.
        let mut door = with(
            member(&["in"]),
            [
                allow(Operation::Create, Topic, "re"),
                allow(Operation::All, Topic, "re"),
                allow(Operation::All, Topic, "log"),
            ],
        );
        beat(&mut door, version, &joining(), &no_group()).untouched();
        assert_eq!(door.denials(), [], "the cluster is only one way to the right");
    }
}

#[test]
fn without_a_coordinator_there_is_no_heartbeat() {
    for version in versions() {
        for (error_code, text) in [(14, None), (15, None), (16, Some("elsewhere")), (35, None)] {
            let unready = answer_of(DescribedGroup {
                group_id: "g".into(),
                error_code,
                error_message: text.map(Str::from),
                ..Default::default()
            });
            let mut door = with(member(&[]), []);
            let answer = beat(&mut door, version, &heartbeat(None), &unready).reply();
            assert_eq!(answer, failed(error_code, text));
        }
    }
}

#[test]
fn endpoints_are_those_of_applications() {
    for version in versions() {
        let mut door = with(member(&[]), [allow_cluster(Operation::Create)]);
        door.advertised =
            Advertised::new(Mapping::Table { brokers: [(1, ("door".to_owned(), 9093))].into() });
        let user_endpoint = told::Endpoint { host: "app".into(), port: 9092, ..Default::default() };
        let mine = told::EndpointToPartitions { user_endpoint, ..Default::default() };
        let answer = StreamsGroupHeartbeatResponse {
            partitions_by_user_endpoint: Some(vec![mine]),
            ..Default::default()
        };
        let forwarded = door.send(version, &heartbeat(None)).forwarded();
        assert_eq!(forwarded.answered(&mut door, &answer), answer);
    }
}

fn describe(groups: &[&str], include_authorized_operations: bool) -> StreamsGroupDescribeRequest {
    StreamsGroupDescribeRequest {
        group_ids: strs(groups),
        include_authorized_operations,
        ..Default::default()
    }
}

/// A group that uses a topic in each place there is for one.
fn using(group_id: &str, topics: [&str; 4]) -> DescribedGroup {
    let info = |name: &str| vec![described::TopicInfo { name: name.into(), ..Default::default() }];
    let part = described::Subtopology {
        source_topics: strs(&topics[..1]),
        repartition_sink_topics: strs(&topics[1..2]),
        repartition_source_topics: info(topics[2]),
        state_changelog_topics: info(topics[3]),
        ..Default::default()
    };
    DescribedGroup {
        group_id: group_id.into(),
        group_state: "Stable".into(),
        topology: Some(described::Topology { subtopologies: Some(vec![part]), ..Default::default() }),
        members: vec![described::Member::default()],
        ..Default::default()
    }
}

#[test]
fn groups_are_described_unless_they_use_hidden_topics() {
    const ALL: i32 = 1 << 3 | 1 << 6 | 1 << 8;
    let refused = |group: &str| DescribedGroup {
        group_id: group.into(),
        error_code: GROUP_DENIED,
        ..Default::default()
    };
    let withheld = |group: &str| DescribedGroup {
        group_id: group.into(),
        error_code: DENIED,
        error_message: Some(
            "The described group uses topics that the client is not authorized to describe.".into(),
        ),
        ..Default::default()
    };
    let seen = ["seen"; 4];
    for version in Door::versions::<StreamsGroupDescribeRequest>() {
        let mut door = Door::new([
            allow(Operation::Describe, Group, "a"),
            allow(Operation::Delete, Group, "b"),
            allow(Operation::Describe, Topic, "seen"),
        ]);
        let answer = door.send(version, &describe(&["x", "y", "x"], true)).reply();
        assert_eq!(answer.groups, ["x", "y", "x"].map(refused));
        assert!(!door.send(version, &describe(&[], false)).forwarded().edited);

        for operations in [false, true] {
            let forwarded = door.send(version, &describe(&["a", "x", "b"], operations)).forwarded();
            assert_eq!(forwarded.request, describe(&["a", "b"], operations));
            let asked_for = if operations { ALL } else { i32::MIN };
            let mut mine = using("b", seen);
            mine.authorized_operations = asked_for;
            if version >= 1 {
                // What it tells besides, nobody looks at.
                let node = described::TopologyDescriptionNode {
                    sink_topic: Some("hidden".into()),
                    ..Default::default()
                };
                let part =
                    described::TopologyDescriptionSubtopology { nodes: vec![node], ..Default::default() };
                mine.topology_description =
                    Some(described::TopologyDescription { subtopologies: vec![part], ..Default::default() });
                mine.assignor_name = Some("sticky".into());
            }
            let absent = DescribedGroup { error_code: 69, topology: None, ..using("a", seen) };
            let mut groups = vec![mine.clone(), absent.clone()];
            for place in 0..4 {
                let mut topics = seen;
                topics[place] = "hidden";
                groups.push(DescribedGroup { authorized_operations: asked_for, ..using("a", topics) });
            }
            let answer = StreamsGroupDescribeResponse { throttle_time_ms: 3, groups, ..Default::default() };
            let seen = forwarded.answered(&mut door, &answer);
            let told = if operations { 1 << 6 | 1 << 8 } else { i32::MIN };
            let mine = DescribedGroup { authorized_operations: told, ..mine };
            let hidden = ["a"; 4].map(withheld);
            assert_eq!(seen.groups[..3], [refused("x"), mine, absent]);
            assert_eq!(seen.groups[3..], hidden);
            assert_eq!(seen.throttle_time_ms, 3);
        }
    }
}

#[test]
fn a_topology_is_described_to_the_broker_by_those_who_read_the_group() {
    type Update = StreamsGroupTopologyDescriptionUpdateRequest;
    for version in Door::versions::<Update>() {
        for group_id in ["g", ""] {
            let request = Update { group_id: group_id.into(), member_id: "m".into(), ..Default::default() };
            Door::new([allow(Operation::Read, Group, "*")]).send(version, &request).untouched();
            let mut door = Door::new([allow(Operation::Describe, Group, "*")]);
            let answer = door.send(version, &request).reply();
            let expected = StreamsGroupTopologyDescriptionUpdateResponse {
                error_code: GROUP_DENIED,
                ..Default::default()
            };
            assert_eq!(answer, expected);
            assert_eq!(door.denials(), [(Operation::Read, group_id)]);
        }
    }
}
