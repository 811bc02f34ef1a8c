//! No answer of any API, in any version, carries the broker's own address.

use std::collections::BTreeSet;

use bytes::Bytes;
use doorkeeper::model::acl::{Operation, ResourceType};
use doorkeeper::model::advertise::{Advertised, Mapping};
use doorkeeper::protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse, MetadataRequest};
use doorkeeper::protocol::wire::{Message, Uuid};

use crate::support::door::{Door, allow, id};
use crate::support::filled::{Filling, filled};
use crate::support::layouts::{Field, Layout};
use crate::table::played::{each_decided_version, holds, play, response};

/// Where the broker is, and where its sidecar is.
const HOST: &str = "own-broker.example";
const PORT: u16 = 0x7a5a;
const SIDECAR: &str = "sidecar.example";
const SIDECAR_PORT: u16 = 0x6b4b;
const NODE: i32 = 1;

/// The settings of a broker that hold an address.
const SETTINGS: [&str; 10] = [
    "listeners",
    "advertised.listeners",
    "listener.security.protocol.map",
    "controller.quorum.voters",
    "controller.quorum.bootstrap.servers",
    "zookeeper.connect",
    "host.name",
    "port",
    "advertised.host.name",
    "advertised.port",
];

/// A request that a super user's broker answers in full.
fn request(layout: &Layout, version: i16) -> Bytes {
    let text = |_: &str, _: &Field| Some(NODE.to_string());
    let number = |path: &str, _: &Field| match path {
        "Acks" => Some(1),
        // Of configurations: those of brokers.
        "Resources.ResourceType" => Some(4),
        // Of ACLs: with a code of 0 they are not parsed.
        _ if layout.api.ends_with("Acls") => Some(3),
        _ => None,
    };
    // A share session does not begin with acknowledgements.
    let count = |path: &str| u32::from(!path.ends_with("AcknowledgementBatches"));
    filled(layout, version, &Filling { text: &text, number: &number, count: &count, ..Filling::default() })
}

/// Whether an address is that of an application, which nobody changes.
fn is_applications(path: &str) -> bool {
    path.contains("UserEndpoint")
}

/// An answer with the broker's address in every place that there is for one.
fn answer(layout: &Layout, version: i16, setting: &str) -> Bytes {
    let text = |path: &str, field: &Field| match (layout.key, path, field.name) {
        (_, path, "Host") if !is_applications(path) => Some(HOST.to_owned()),
        (DescribeConfigsRequest::KEY, _, "Name") => Some(setting.to_owned()),
        (DescribeConfigsRequest::KEY, _, "Value") => Some(format!("PLAINTEXT://{HOST}:{PORT}")),
        _ => Some(NODE.to_string()),
    };
    let number = |path: &str, field: &Field| match (layout.key, path, field.name) {
        (_, path, "Port") if !is_applications(path) => Some(PORT.into()),
        (DescribeConfigsRequest::KEY, "Results.ResourceType", _) => Some(4),
        _ => (field.entity == Some("brokerId") || field.name == "NodeId").then_some(NODE.into()),
    };
    filled(layout, version, &Filling { text: &text, number: &number, ..Filling::default() })
}

fn holds_host(body: &[u8]) -> bool {
    holds(body, HOST.as_bytes())
}

fn holds_port(body: &[u8]) -> bool {
    holds(body, &PORT.to_be_bytes()) || holds(body, PORT.to_string().as_bytes())
}

fn table(node: i32) -> Mapping {
    Mapping::Table { brokers: [(node, (SIDECAR.to_owned(), SIDECAR_PORT))].into() }
}

fn keep_host(port: u16) -> Mapping {
    Mapping::KeepHost { ports: [(port, SIDECAR_PORT)].into() }
}

#[test]
fn no_answer_carries_the_brokers_address() {
    let mut with_address = BTreeSet::new();
    each_decided_version(|row, layout, version| {
        let settings = if row.key == DescribeConfigsRequest::KEY { &SETTINGS[..] } else { &SETTINGS[..1] };
        for setting in settings {
            // The sidecar is known by node, by port, or not at all.
            for (mapping, is_known, keeps_host) in [
                (table(NODE), true, false),
                (keep_host(PORT), true, true),
                (table(NODE + 1), false, false),
                (keep_host(PORT + 1), false, false),
            ] {
                for in_pieces in [false, true] {
                    let mut door = Door::for_super_user().knowing(&[(id(7), "topic")]);
                    door.advertised = Advertised::new(mapping.clone());
                    let request = request(layout, version);
                    let mut asked = Bytes::new();
                    let mut broker = |key, version, _: &Bytes| {
                        asked = answer(response(key, version), version, setting);
                        asked.clone()
                    };
                    let played = play(&mut door, row, version, &request, in_pieces, &mut broker);
                    let Some(told) = played.answer else { panic!("{} has no answer", row.name) };
                    let case = format!("{} version {version}, {mapping:?}", row.name);
                    assert!(!holds_port(&told), "{case} tells the port");
                    assert!(keeps_host || !holds_host(&told), "{case} tells the host");
                    if holds_host(&asked) {
                        with_address.insert((row.name, version));
                        let tells_sidecar = holds(&told, &SIDECAR_PORT.to_be_bytes())
                            || holds(&told, SIDECAR_PORT.to_string().as_bytes());
                        assert!(is_known || !tells_sidecar, "{case} tells another's sidecar");
                    }
                }
            }
        }
    });
    // So many places there are.
    let apis: BTreeSet<_> = with_address.iter().map(|(api, _)| *api).collect();
    let expected = [
        "DescribeCluster",
        "DescribeConfigs",
        "DescribeQuorum",
        "Fetch",
        "FindCoordinator",
        "Metadata",
        "Produce",
        "ShareFetch",
    ];
    assert_eq!(apis, expected.into());
    let first = |api| with_address.iter().find(|(name, _)| *name == api).map(|(_, version)| *version);
    assert_eq!(
        expected.map(first),
        [Some(0), Some(0), Some(2), Some(16), Some(0), Some(0), Some(10), Some(1)]
    );
}

/// An answer of our own has the broker's addresses from a question of our own.
#[test]
fn no_answer_of_our_own_carries_the_brokers_address() {
    let mut asked = 0;
    each_decided_version(|row, layout, version| {
        if row.key != MetadataRequest::KEY {
            return;
        }
        for (mapping, told_sidecar) in [(table(NODE), true), (table(NODE + 1), false)] {
            let mut door =
                Door::new([allow(Operation::Describe, ResourceType::Topic, "1")]).knowing(&[(id(7), "1")]);
            door.advertised = Advertised::new(mapping);
            let mut broker = |key, version, _: &Bytes| answer(response(key, version), version, "");
            let by_name =
                Filling { text: &|_, _| Some("1".to_owned()), uuid: &|_| Uuid::ZERO, ..Filling::default() };
            let request = filled(layout, version, &by_name);
            let played = play(&mut door, row, version, &request, false, &mut broker);
            asked += usize::from(played.asked.len() == 1);
            let told = played.answer.unwrap();
            assert!(!holds_host(&told) && !holds_port(&told), "version {version}");
            assert_eq!(holds(&told, SIDECAR.as_bytes()), told_sidecar, "version {version}");
        }
    });
    // Two of each version.
    assert_eq!(asked, 28);
}

#[test]
fn the_search_finds_an_address() {
    let layout = response(MetadataRequest::KEY, 9);
    let body = answer(layout, 9, "");
    assert!(holds_host(&body) && holds_port(&body));
    let layout = response(DescribeConfigsRequest::KEY, 4);
    let body = answer(layout, 4, "listeners");
    let decoded = DescribeConfigsResponse::decode(&body, 4).unwrap();
    assert_eq!(decoded.results[0].configs[0].name, "listeners");
    assert!(holds_host(&body) && holds_port(&body));
}
