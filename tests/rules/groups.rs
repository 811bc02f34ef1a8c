//! The rules of groups: what reaches the broker, and what the client is answered.

use std::fmt::Debug;

use doorkeeper::model::acl::{Operation, ResourceType::Group};
use doorkeeper::protocol::messages::delete_groups_response::DeletableGroupResult;
use doorkeeper::protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use doorkeeper::protocol::messages::leave_group_request::MemberIdentity;
use doorkeeper::protocol::messages::list_groups_response::ListedGroup;
use doorkeeper::protocol::messages::*;
use doorkeeper::protocol::wire::{Bytes, Request, Str};

use crate::support::door::*;

const GROUP_AUTHORIZATION_FAILED: i16 = 30;

/// Every version, for a request about one group: forwarded with READ, answered without, whatever else is allowed.
fn needs_read<Q>(request: impl Fn(i16) -> Q, refusal: impl Fn(i16) -> Q::Response)
where
    Q: Sendable + PartialEq,
    Q::Response: PartialEq + Debug,
{
    for version in Door::versions::<Q>() {
        let request = request(version);
        Door::new([allow(Operation::Read, Group, "g")]).send(version, &request).untouched();
        Door::new([allow(Operation::All, Group, "*")]).send(version, &request).untouched();
        Door::for_super_user().send(version, &request).untouched();

        let others = [Operation::Describe, Operation::Delete, Operation::Write];
        let mut door = Door::new(others.map(|operation| allow(operation, Group, "g")));
        assert_eq!(door.send(version, &request).reply(), refusal(version), "version {version}");
        assert_eq!(door.denials(), [(Operation::Read, "g")]);
        let mut door = Door::new([allow(Operation::Read, Group, "*"), deny(Operation::Read, Group, "g")]);
        assert_eq!(door.send(version, &request).reply(), refusal(version), "version {version}");
    }
}

#[test]
fn joining_needs_read() {
    needs_read(
        |_| JoinGroupRequest {
            group_id: "g".into(),
            session_timeout_ms: 10_000,
            protocol_type: "consumer".into(),
            ..Default::default()
        },
        |version| JoinGroupResponse {
            error_code: GROUP_AUTHORIZATION_FAILED,
            generation_id: -1,
            protocol_name: (version < 7).then(Str::default),
            ..Default::default()
        },
    );
}

#[test]
fn a_heartbeat_needs_read() {
    needs_read(
        |_| HeartbeatRequest { group_id: "g".into(), member_id: "m".into(), ..Default::default() },
        |_| HeartbeatResponse { error_code: GROUP_AUTHORIZATION_FAILED, ..Default::default() },
    );
}

#[test]
fn leaving_needs_read() {
    needs_read(
        |version| {
            let member = MemberIdentity { member_id: "m".into(), ..Default::default() };
            let (member_id, members) = match version {
                ..=2 => ("m".into(), Vec::new()),
                _ => (Str::EMPTY, vec![member]),
            };
            LeaveGroupRequest { group_id: "g".into(), member_id, members, ..Default::default() }
        },
        |_| LeaveGroupResponse { error_code: GROUP_AUTHORIZATION_FAILED, ..Default::default() },
    );
}

fn sync_group() -> SyncGroupRequest {
    SyncGroupRequest {
        group_id: "g".into(),
        protocol_type: Some("consumer".into()),
        protocol_name: Some("range".into()),
        ..Default::default()
    }
}

#[test]
fn syncing_needs_read() {
    let refusal = SyncGroupResponse {
        error_code: GROUP_AUTHORIZATION_FAILED,
        assignment: Bytes::new(),
        ..Default::default()
    };
    needs_read(|_| sync_group(), |_| refusal.clone());
}

#[test]
fn syncing_without_a_protocol_fails_before_the_permission_is_looked_at() {
    for (protocol_type, protocol_name) in [(None, None), (Some(Str::EMPTY), None), (None, Some(Str::EMPTY))] {
        let request = SyncGroupRequest { protocol_type, protocol_name, ..sync_group() };
        for door in [&mut Door::new([]), &mut Door::for_super_user()] {
            let answer = door.send(5, &request).reply();
            assert_eq!(answer, SyncGroupResponse { error_code: 23, ..Default::default() });
            assert_eq!(door.heard, []);
        }
        // Before version 5 nobody sends them.
        Door::for_super_user().send(4, &request).untouched();
    }
}

fn described(group_id: &str, error_code: i16) -> DescribedGroup {
    DescribedGroup { group_id: group_id.into(), error_code, ..Default::default() }
}

fn describe_groups(groups: &[&str]) -> DescribeGroupsRequest {
    DescribeGroupsRequest { groups: groups.iter().copied().map(Str::from).collect(), ..Default::default() }
}

#[test]
fn groups_are_described_to_those_who_may_with_the_refusals_in_front() {
    let may = || Door::new([allow(Operation::Describe, Group, "a"), allow(Operation::Read, Group, "b")]);
    for version in Door::versions::<DescribeGroupsRequest>() {
        for whole in [&["a", "b", "a"][..], &[]] {
            let forwarded = may().send(version, &describe_groups(whole)).forwarded();
            assert_eq!(forwarded.request, describe_groups(whole));
        }

        let mut door = may();
        let answer = door.send(version, &describe_groups(&["x", "y", "x"])).reply();
        assert_eq!(answer.groups, ["x", "y", "x"].map(|group| described(group, 30)));
        assert_eq!(door.denials().len(), 2);

        let forwarded = door.send(version, &describe_groups(&["x", "a", "y", "b", "a"])).forwarded();
        assert_eq!(forwarded.request, describe_groups(&["a", "b", "a"]));
        let found = DescribedGroup { group_state: "Stable".into(), ..described("a", 0) };
        let answer = DescribeGroupsResponse {
            throttle_time_ms: if version >= 1 { 5 } else { 0 },
            groups: vec![found.clone(), described("b", 15), found.clone()],
            ..Default::default()
        };
        let seen = forwarded.answered(&mut door, &answer);
        assert_eq!(seen.throttle_time_ms, answer.throttle_time_ms);
        let expected = [described("x", 30), described("y", 30), found.clone(), described("b", 15), found];
        assert_eq!(seen.groups, expected, "version {version}");
    }
}

#[test]
fn a_member_is_shown_where_it_connects_from_and_not_where_doorkeeper_does() {
    let member = |id: &str, host: &str| DescribedGroupMember {
        member_id: id.into(),
        client_host: host.into(),
        ..Default::default()
    };
    for version in Door::versions::<DescribeGroupsRequest>() {
        let mut door = Door::new([allow(Operation::Read, Group, "g")]);
        let heartbeat = |group: &str, id: &str| HeartbeatRequest {
            group_id: group.into(),
            member_id: id.into(),
            ..Default::default()
        };
        door.send(0, &heartbeat("g", "m1")).untouched();
        // Who may not read a group is no member of it, whatever it says.
        door.send(0, &heartbeat("h", "m2")).reply();
        let forwarded = door.send(version, &describe_groups(&["g"])).forwarded();
        let broker = "/127.0.0.1";
        let answer = DescribeGroupsResponse {
            groups: vec![DescribedGroup {
                members: vec![member("m1", broker), member("m2", broker)],
                ..described("g", 0)
            }],
            ..Default::default()
        };
        let seen = forwarded.answered(&mut door, &answer);
        assert_eq!(seen.groups[0].members, [member("m1", "/10.0.0.7"), member("m2", broker)]);
    }
}

#[test]
fn of_the_operations_on_a_group_only_those_that_the_client_may_do_are_told() {
    // What a broker without an authorizer reports: READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS and ALTER_CONFIGS.
    const ALL: i32 = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11;
    for version in 3..=*Door::versions::<DescribeGroupsRequest>().end() {
        let mut door = Door::new([allow(Operation::Read, Group, "g"), allow(Operation::Delete, Group, "h")]);
        for (groups, expected) in [
            (vec!["g", "h"], vec![described("g", 0), described("h", 0)]),
            (vec!["g", "no", "h"], vec![described("no", 30), described("g", 0), described("h", 0)]),
        ] {
            let request =
                DescribeGroupsRequest { include_authorized_operations: true, ..describe_groups(&groups) };
            let forwarded = door.send(version, &request).forwarded();
            assert!(forwarded.request.include_authorized_operations);
            let told = |name: &str| DescribedGroup { authorized_operations: ALL, ..described(name, 0) };
            let failed = DescribedGroup { authorized_operations: i32::MIN, ..described("f", 15) };
            let answer = DescribeGroupsResponse {
                groups: vec![told("g"), told("h"), failed.clone()],
                ..Default::default()
            };
            let mut expected = expected;
            for group in &mut expected {
                group.authorized_operations = match &*group.group_id {
                    "g" => 1 << 3 | 1 << 8,
                    "h" => 1 << 6 | 1 << 8,
                    _ => i32::MIN,
                };
            }
            expected.push(failed);
            assert_eq!(forwarded.answered(&mut door, &answer).groups, expected, "version {version}");
        }
        // A broker of 3.9 does not report operations on configurations, and nothing is invented.
        let request =
            DescribeGroupsRequest { include_authorized_operations: true, ..describe_groups(&["g"]) };
        let mut door = Door::new([allow(Operation::All, Group, "g")]);
        let old = DescribedGroup { authorized_operations: 1 << 3 | 1 << 8, ..described("g", 0) };
        let answer = DescribeGroupsResponse { groups: vec![old.clone()], ..Default::default() };
        let seen = door.send(version, &request).forwarded().answered(&mut door, &answer);
        assert_eq!(seen.groups, [old]);
    }
}

#[test]
fn groups_are_listed_to_those_who_may_describe_the_cluster_or_the_group() {
    let listed = |group_id: &str| ListedGroup { group_id: group_id.into(), ..Default::default() };
    for version in Door::versions::<ListGroupsRequest>() {
        let request = ListGroupsRequest::default();
        Door::new([allow_cluster(Operation::Describe)]).send(version, &request).untouched();
        Door::for_super_user().send(version, &request).untouched();

        let mut door = Door::new([allow(Operation::Read, Group, "a"), deny(Operation::Describe, Group, "b")]);
        let forwarded = door.send(version, &request).forwarded();
        assert!(!forwarded.edited);
        let answer = ListGroupsResponse {
            error_code: 15,
            groups: vec![listed("b"), listed("a"), listed("c")],
            ..Default::default()
        };
        let seen = forwarded.answered(&mut door, &answer);
        assert_eq!(seen, ListGroupsResponse { groups: vec![listed("a")], ..answer });
        assert_eq!(door.denials(), [], "hiding a group is no denial");
        assert_eq!(door.heard.iter().filter(|heard| !heard.allowed).count(), 3);
    }
}

#[test]
fn groups_are_deleted_for_those_who_may_with_the_refusals_behind() {
    let delete = |groups: &[&str]| DeleteGroupsRequest {
        groups_names: groups.iter().copied().map(Str::from).collect(),
        ..Default::default()
    };
    let result = |group_id: &str, error_code| DeletableGroupResult {
        group_id: group_id.into(),
        error_code,
        ..Default::default()
    };
    let may = || Door::new([allow(Operation::Delete, Group, "a"), allow(Operation::Read, Group, "b")]);
    for version in Door::versions::<DeleteGroupsRequest>() {
        may().send(version, &delete(&["a", "a"])).untouched();
        may().send(version, &delete(&[])).untouched();
        let answer = may().send(version, &delete(&["b", "x", "b"])).reply();
        assert_eq!(answer.results, [result("b", 30), result("x", 30)], "each once");

        let mut door = may();
        let forwarded = door.send(version, &delete(&["x", "a", "b", "a", "x"])).forwarded();
        assert_eq!(forwarded.request, delete(&["a"]));
        let answer = DeleteGroupsResponse {
            throttle_time_ms: 7,
            results: vec![result("a", 69)],
            ..Default::default()
        };
        let seen = forwarded.answered(&mut door, &answer);
        assert_eq!(seen.results, [result("a", 69), result("x", 30), result("b", 30)]);
        assert_eq!(seen.throttle_time_ms, 7);
        let mut denials = door.denials();
        denials.sort_unstable();
        assert_eq!(denials, [(Operation::Delete, "b"), (Operation::Delete, "x")]);
    }
}

/// The harness counts on it: a group API without a version would be tested by nothing.
#[test]
fn every_group_api_has_versions() {
    fn count<Q: Request>() -> usize {
        Door::versions::<Q>().count()
    }
    let counts = [
        count::<JoinGroupRequest>(),
        count::<HeartbeatRequest>(),
        count::<LeaveGroupRequest>(),
        count::<SyncGroupRequest>(),
        count::<DescribeGroupsRequest>(),
        count::<ListGroupsRequest>(),
        count::<DeleteGroupsRequest>(),
    ];
    assert_eq!(counts, [10, 5, 6, 6, 7, 6, 4]);
}
