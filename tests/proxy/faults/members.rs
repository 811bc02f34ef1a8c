//! Where the members of groups connect from is believed when the broker has taken them for members, and as Kafka keeps it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use doorkeeper::protocol::api::encoded;
use doorkeeper::protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use doorkeeper::protocol::messages::metadata_response::MetadataResponseTopic;
use doorkeeper::protocol::messages::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, DescribeGroupsRequest,
    DescribeGroupsResponse, HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse,
    MetadataRequest, MetadataResponse, ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse,
};
use doorkeeper::protocol::wire::Message;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};

use crate::rig::broker::{Act, Broker, Seen};
use crate::rig::client::Client;
use crate::rig::door::{Door, Setup};
use crate::rig::pki::TRUSTED;
use crate::rig::soon;

const ACLS: &str = "
- { principal: 'User:*', group: g, operations: [Read, Describe] }
";
/// The generation, or the epoch, with which a member is none.
const WRONG: i32 = 99;
const UNKNOWN_MEMBER_ID: i16 = 25;
/// What the broker sees.
const DOORKEEPERS: &str = "/192.0.2.1";

/// A coordinator that knows every member but those with the wrong generation.
fn coordinator(seen: &Seen) -> Act {
    let code = |generation: i32| if generation == WRONG { UNKNOWN_MEMBER_ID } else { 0 };
    let answer = |message: &dyn Fn(i16) -> Vec<u8>| Act::bytes(seen.answer(&message(seen.version)));
    match seen.key {
        JoinGroupRequest::KEY => {
            let request: JoinGroupRequest = seen.read();
            let refused = &*request.protocol_type == "wrong";
            let told = JoinGroupResponse {
                error_code: if refused { UNKNOWN_MEMBER_ID } else { 0 },
                member_id: if request.member_id.is_empty() { "given".into() } else { request.member_id },
                protocol_name: Some("range".into()),
                ..Default::default()
            };
            answer(&|version| encoded(&told, version).unwrap())
        }
        HeartbeatRequest::KEY => {
            let error_code = code(seen.read::<HeartbeatRequest>().generation_id);
            let told = HeartbeatResponse { error_code, ..Default::default() };
            answer(&|version| encoded(&told, version).unwrap())
        }
        ConsumerGroupHeartbeatRequest::KEY => {
            let error_code = code(seen.read::<ConsumerGroupHeartbeatRequest>().member_epoch);
            let told = ConsumerGroupHeartbeatResponse { error_code, ..Default::default() };
            answer(&|version| encoded(&told, version).unwrap())
        }
        ShareGroupHeartbeatRequest::KEY => {
            let error_code = code(seen.read::<ShareGroupHeartbeatRequest>().member_epoch);
            let told = ShareGroupHeartbeatResponse { error_code, ..Default::default() };
            answer(&|version| encoded(&told, version).unwrap())
        }
        DescribeGroupsRequest::KEY => {
            let member = |id: &str| DescribedGroupMember {
                member_id: id.into(),
                client_host: DOORKEEPERS.into(),
                ..Default::default()
            };
            let group = DescribedGroup {
                group_id: "g".into(),
                members: ["given", "classic", "consumer", "share"].map(member).into(),
                ..Default::default()
            };
            let told = DescribeGroupsResponse { groups: vec![group], ..Default::default() };
            answer(&|version| encoded(&told, version).unwrap())
        }
        _ => Act::Usual,
    }
}

/// A client at this address of the loopback.
async fn client_at(door: SocketAddr, last: u8, name: &str) -> Client {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)), 0).into()).unwrap();
    let socket = soon(socket.connect(door)).await.unwrap();
    Client::try_over(socket, TRUSTED.client(Some(name))).await.unwrap()
}

/// Where the members are said to be.
async fn hosts(client: &mut Client) -> Vec<String> {
    let request = DescribeGroupsRequest { groups: vec!["g".into()], ..Default::default() };
    let answer = client.ask(&request, 4).await;
    answer.groups[0].members.iter().map(|member| member.client_host.to_string()).collect()
}

async fn start() -> (Broker, Door) {
    let broker = Broker::new(coordinator).await;
    let door = Setup { acls: ACLS, ..Setup::new(broker.address) }.start().await;
    (broker, door)
}

#[tokio::test]
async fn a_member_behind_a_balancer_is_where_the_balancer_says() {
    let broker = Broker::new(coordinator).await;
    let listener = "proxy_protocol: { from: [127.0.0.1] }";
    let door = Setup { acls: ACLS, listener, ..Setup::new(broker.address) }.start().await;
    let mut socket = soon(TcpStream::connect(door.address)).await.unwrap();
    soon(socket.write_all(b"PROXY TCP4 192.0.2.77 127.0.0.1 54321 9443\r\n")).await.unwrap();
    let mut alice = Client::try_over(socket, TRUSTED.client(Some("alice"))).await.unwrap();
    alice.ask(&heartbeat("classic", 1), 4).await;
    assert!(hosts(&mut alice).await.contains(&"/192.0.2.77".to_owned()));
}

fn heartbeat(member: &str, generation_id: i32) -> HeartbeatRequest {
    HeartbeatRequest { group_id: "g".into(), generation_id, member_id: member.into(), ..Default::default() }
}

fn join(member: &str, protocol_type: &str) -> JoinGroupRequest {
    JoinGroupRequest {
        group_id: "g".into(),
        member_id: member.into(),
        protocol_type: protocol_type.into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_member_is_where_it_joined_and_nobody_else_moves_it() {
    let (_broker, door) = start().await;
    let mut alice = client_at(door.address, 1, "alice").await;
    let mut mallory = client_at(door.address, 2, "mallory").await;
    for version in [0, 4] {
        mallory.ask(&heartbeat("classic", WRONG), version).await;
        mallory.ask(&join("classic", "wrong"), 5).await;
    }
    assert_eq!(hosts(&mut alice).await[..2], [DOORKEEPERS; 2]);
    // The coordinator gives it a name.
    alice.ask(&join("", "consumer"), 5).await;
    // And this one is known already, as after a restart of doorkeeper.
    alice.ask(&heartbeat("classic", 1), 4).await;
    for generation in [WRONG, 1] {
        for member in ["given", "classic"] {
            mallory.ask(&heartbeat(member, generation), 4).await;
            mallory.ask(&join(member, "consumer"), 9).await;
        }
        assert_eq!(hosts(&mut alice).await[..2], ["/127.0.0.1"; 2]);
    }
    door.assert_sound();
}

#[tokio::test]
async fn members_of_newer_groups_are_where_their_last_heartbeat_came_from() {
    let (_broker, door) = start().await;
    let mut alice = client_at(door.address, 1, "alice").await;
    let mut moved = client_at(door.address, 2, "alice").await;
    async fn beat(client: &mut Client, member_epoch: i32) {
        let (group_id, topics) = ("g".into(), Some(Vec::new()));
        let consumer = ConsumerGroupHeartbeatRequest {
            group_id,
            member_id: "consumer".into(),
            member_epoch,
            subscribed_topic_names: topics.clone(),
            ..Default::default()
        };
        client.ask(&consumer, 0).await;
        let share = ShareGroupHeartbeatRequest {
            group_id: "g".into(),
            member_id: "share".into(),
            member_epoch,
            subscribed_topic_names: topics,
            ..Default::default()
        };
        client.ask(&share, 1).await;
    }
    beat(&mut alice, WRONG).await;
    assert_eq!(hosts(&mut alice).await[2..], [DOORKEEPERS; 2]);
    beat(&mut alice, 1).await;
    assert_eq!(hosts(&mut alice).await[2..], ["/127.0.0.1"; 2]);
    beat(&mut moved, WRONG).await;
    assert_eq!(hosts(&mut alice).await[2..], ["/127.0.0.1"; 2]);
    beat(&mut moved, 1).await;
    assert_eq!(hosts(&mut alice).await[2..], ["/127.0.0.2"; 2]);
    door.assert_sound();
}

/// Brokers know no listeners: whom a group has for members, and what is found for its patterns, is one for all of them.
#[tokio::test]
async fn a_group_is_one_whichever_listeners_its_members_come_through() {
    let named = |name: &str| MetadataResponseTopic { name: Some(name.into()), ..Default::default() };
    let broker = Broker::hearing_all(move |seen| match seen.key {
        MetadataRequest::KEY if seen.read::<MetadataRequest>().topics.is_none() => {
            let topics = ["hers", "his"].map(named).into();
            let told = MetadataResponse { topics, ..Default::default() };
            Act::bytes(seen.answer(&encoded(&told, seen.version).unwrap()))
        }
        _ => coordinator(seen),
    })
    .await;
    let acls = "
- { principal: 'User:*', group: g, operations: [Read, Describe] }
- { principal: 'User:alice', topic: hers, operations: [Describe] }
- { principal: 'User:bob', topic: '*', operations: [Describe] }
";
    let door = Setup { acls, others: &["others"], ..Setup::new(broker.address) }.start().await;
    // It has asked the broker behind either which cluster it belongs to.
    let ready = async {
        while door.ready().await.0 != 200 {
            tokio::task::yield_now().await;
        }
    };
    soon(ready).await;
    let mut alice = client_at(door.address, 1, "alice").await;
    let mut bob = client_at(door.others[0], 2, "bob").await;
    alice.ask(&join("classic", "consumer"), 5).await;
    assert_eq!(hosts(&mut bob).await[1], "/127.0.0.1");
    for (client, member) in [(&mut alice, "hers"), (&mut bob, "his")] {
        let request = ConsumerGroupHeartbeatRequest {
            group_id: "g".into(),
            member_id: member.into(),
            subscribed_topic_names: Some(Vec::new()),
            subscribed_topic_regex: Some("h.*".into()),
            topic_partitions: Some(Vec::new()),
            ..Default::default()
        };
        assert_eq!(client.ask(&request, 1).await.error_code, 0);
    }
    let beats = broker.seen().into_iter().filter(|seen| seen.key == ConsumerGroupHeartbeatRequest::KEY);
    let told: Vec<_> = beats
        .filter_map(|seen| seen.read::<ConsumerGroupHeartbeatRequest>().subscribed_topic_regex)
        .map(|pattern| pattern.to_string())
        .collect();
    assert_eq!(told, ["hers", "hers"], "members with one pattern share what was found for the first");
    door.assert_sound();
}
