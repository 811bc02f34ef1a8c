//! Protocols for groups that are switched off at the broker: everybody is told so, whatever he may do.

use std::fmt::Debug;

use doorkeeper::model::acl::Binding;
use doorkeeper::model::acl::Operation::*;
use doorkeeper::model::acl::ResourceType::{Group, Topic};
use doorkeeper::protocol::access::{BrokerSettings, GroupProtocols};
use doorkeeper::protocol::messages::api_versions_response::{FinalizedFeatureKey, SupportedFeatureKey};
use doorkeeper::protocol::messages::describe_share_group_offsets_request::DescribeShareGroupOffsetsRequestGroup;
use doorkeeper::protocol::messages::*;
use doorkeeper::protocol::wire::Str;

use crate::support::door::*;

/// A broker that knows all protocols and has these on.
fn with(on: &[&str]) -> BrokerSettings {
    let all = ["group.version", "share.version", "streams.version"];
    let supported = all.map(|name| SupportedFeatureKey { name: name.into(), ..Default::default() });
    let level = |name: &&str| FinalizedFeatureKey {
        name: (*name).into(),
        max_version_level: 1,
        ..Default::default()
    };
    let answer = ApiVersionsResponse {
        supported_features: supported.into(),
        finalized_features_epoch: 1,
        finalized_features: on.iter().map(level).collect(),
        ..Default::default()
    };
    let group_protocols = GroupProtocols::new(&answer, Some("classic,consumer,streams"));
    BrokerSettings { group_protocols, ..Default::default() }
}

fn all() -> [Binding; 2] {
    [allow(All, Group, "*"), allow(All, Topic, "*")]
}

/// Whoever may do nothing hears of the protocol where it is off, and of his rights where it is on.
#[track_caller]
fn off_comes_first<Q: Sendable>(feature: &str, request: &Q, error_codes: fn(&Q::Response) -> Vec<i16>)
where
    Q::Response: Debug,
{
    for version in Door::versions::<Q>() {
        let mut door = Door::new([]).before(with(&[]));
        let answer = door.send(version, request).reply();
        let codes = error_codes(&answer);
        assert!(!codes.is_empty() && codes.iter().all(|code| *code == 35), "{answer:?}");
        assert!(door.heard.is_empty(), "nobody's rights are looked at");

        let mut door = Door::new([]).before(with(&[feature]));
        let answer = door.send(version, request).reply();
        assert!(error_codes(&answer).iter().all(|code| *code == 30), "{answer:?}");
        assert!(!door.denials().is_empty());
    }
}

#[test]
fn what_is_off_comes_before_what_is_denied() {
    let groups = || vec![Str::from("g"), Str::from("h")];
    off_comes_first(
        "group.version",
        &ConsumerGroupHeartbeatRequest { group_id: "g".into(), ..Default::default() },
        |answer| vec![answer.error_code],
    );
    off_comes_first(
        "group.version",
        &ConsumerGroupDescribeRequest { group_ids: groups(), ..Default::default() },
        |answer| answer.groups.iter().map(|group| group.error_code).collect(),
    );
    off_comes_first(
        "share.version",
        &ShareGroupHeartbeatRequest { group_id: "g".into(), member_id: "m".into(), ..Default::default() },
        |answer| vec![answer.error_code],
    );
    off_comes_first(
        "share.version",
        &ShareGroupDescribeRequest { group_ids: groups(), ..Default::default() },
        |answer| answer.groups.iter().map(|group| group.error_code).collect(),
    );
    off_comes_first(
        "share.version",
        &ShareFetchRequest { group_id: Some("g".into()), member_id: Some("m".into()), ..Default::default() },
        |answer| vec![answer.error_code],
    );
    off_comes_first(
        "share.version",
        &ShareAcknowledgeRequest {
            group_id: Some("g".into()),
            member_id: Some("m".into()),
            ..Default::default()
        },
        |answer| vec![answer.error_code],
    );
    let named = |name: Str| DescribeShareGroupOffsetsRequestGroup { group_id: name, ..Default::default() };
    off_comes_first(
        "share.version",
        &DescribeShareGroupOffsetsRequest {
            groups: groups().into_iter().map(named).collect(),
            ..Default::default()
        },
        |answer| answer.groups.iter().map(|group| group.error_code).collect(),
    );
    off_comes_first(
        "share.version",
        &AlterShareGroupOffsetsRequest { group_id: "g".into(), ..Default::default() },
        |answer| vec![answer.error_code],
    );
    off_comes_first(
        "share.version",
        &DeleteShareGroupOffsetsRequest { group_id: "g".into(), ..Default::default() },
        |answer| vec![answer.error_code],
    );
    off_comes_first(
        "streams.version",
        &StreamsGroupHeartbeatRequest { group_id: "g".into(), ..Default::default() },
        |answer| vec![answer.error_code],
    );
    off_comes_first(
        "streams.version",
        &StreamsGroupDescribeRequest { group_ids: groups(), ..Default::default() },
        |answer| answer.groups.iter().map(|group| group.error_code).collect(),
    );
    off_comes_first(
        "streams.version",
        &StreamsGroupTopologyDescriptionUpdateRequest { group_id: "g".into(), ..Default::default() },
        |answer| vec![answer.error_code],
    );
}

/// It may have been switched on a moment ago.
#[test]
fn the_broker_itself_tells_those_who_may() {
    let mut door = Door::new(all()).before(with(&[]));
    let heartbeat = ConsumerGroupHeartbeatRequest { group_id: "g".into(), ..Default::default() };
    door.send(0, &heartbeat).untouched();
    assert!(door.heard.is_empty());
}

/// A part of the groups alone would be told in another order.
#[test]
fn all_groups_of_a_request_are_told_the_same() {
    let mut door = Door::new([allow(Describe, Group, "g")]).before(with(&[]));
    let describe =
        ConsumerGroupDescribeRequest { group_ids: vec!["g".into(), "h".into()], ..Default::default() };
    let answer = door.send(0, &describe).reply();
    let told: Vec<_> = answer.groups.iter().map(|group| (&*group.group_id, group.error_code)).collect();
    assert_eq!(told, [("g", 35), ("h", 35)]);
}
