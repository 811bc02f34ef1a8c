//! The topic that doorkeeper keeps for itself is out of the reach of whoever may do everything else.

use std::cell::RefCell;
use std::collections::BTreeSet;

use bytes::Bytes;
use doorkeeper::model::acl::{CLUSTER_NAME, Operation, ResourceType, Settings};
use doorkeeper::protocol::wire::Uuid;

use crate::support::door::{ALICE, Door, allow, id};
use crate::support::filled::{Filling, filled};
use crate::support::layouts::{Field, Layout};
use crate::support::samples::{Random, Style, sample};
use crate::table::played::{each_decided_version, holds, play, response};

const RESERVED: &str = "the-reserved-topic";

/// Alice, who may do everything but be a super user; or as one.
fn door(super_user: bool) -> Door {
    let bindings = ResourceType::ALL.iter().map(|&resource_type| {
        allow(
            Operation::All,
            resource_type,
            if resource_type == ResourceType::Cluster { CLUSTER_NAME } else { "*" },
        )
    });
    let settings = Settings {
        super_users: if super_user { vec![ALICE.to_owned()] } else { Vec::new() },
        reserved_topic: Some(RESERVED.to_owned()),
        ..Settings::default()
    };
    Door::with_settings(bindings, settings).knowing(&[(id(7), RESERVED)])
}

/// A request that names the topic wherever it can name one: or every second time, some other one beside it.
fn request(layout: &Layout, version: i16, random: &RefCell<Random>) -> Bytes {
    let below = |limit| random.borrow_mut().below(limit);
    let text = |path: &str, field: &Field| {
        let names_topic = field.entity == Some("topicName") || path == "Resources.ResourceName";
        (names_topic && below(2) == 0)
            .then(|| RESERVED.to_owned())
            .or_else(|| Some(format!("t-{}", below(99))))
    };
    let number = |path: &str, _: &Field| match path {
        "Acks" => Some(1),
        // Of configurations: those of topics.
        "Resources.ResourceType" => Some(2),
        _ => None,
    };
    let count = |_: &str| below(3) as u32;
    let null = |_: &str| below(4) == 0;
    let uuid = |path: &str| if path.ends_with("TopicId") && below(3) != 0 { id(7) } else { Uuid::ZERO };
    filled(
        layout,
        version,
        &Filling { text: &text, number: &number, uuid: &uuid, count: &count, null: &null, unknown_tags: 0 },
    )
}

/// The APIs in which the broker hears the name all the same, and why that does no harm.
const HEARD: &[(&str, &str)] = &[
    ("Fetch", "what is no longer wanted"),
    ("ShareFetch", "as well"),
    ("AddPartitionsToTxn", "without partitions"),
    ("AlterShareGroupOffsets", "without partitions, and whether it exists"),
    ("DescribeLogDirs", "whoever may describe the cluster learns where the copies are"),
    ("ListPartitionReassignments", "as well"),
    ("DescribeQuorum", "the broker speaks of its own topic only"),
    ("ConsumerGroupHeartbeat", "what a member says that it owns"),
    ("InitializeShareGroupState", "the state of groups"),
    ("ReadShareGroupState", "the state of groups"),
    ("WriteShareGroupState", "the state of groups"),
    ("DeleteShareGroupState", "the state of groups"),
    ("ReadShareGroupStateSummary", "the state of groups"),
    ("StreamsGroupTopologyDescriptionUpdate", "words for a plugin"),
];

#[test]
fn every_right_is_not_a_right_to_the_reserved_topic() {
    let random = RefCell::new(Random(47));
    let (mut heard, mut by_super_user) = (BTreeSet::new(), BTreeSet::new());
    each_decided_version(|row, layout, version| {
        for round in 0..60 {
            let request = request(layout, version, &random);
            let super_user = round % 10 == 0;
            let mut broker = |key, version, _: &Bytes| {
                sample(response(key, version), version, &mut random.borrow_mut(), Style::Rich)
            };
            let played = play(&mut door(super_user), row, version, &request, false, &mut broker);
            let asked = played.asked.iter().map(|(.., body)| body);
            // What the broker is asked about ids on the way is no more than their names.
            let names = asked.clone().any(|body| holds(body, RESERVED.as_bytes()));
            let forwarded = played.forwarded.iter();
            let reaches = names
                || forwarded.clone().any(|body| holds(body, RESERVED.as_bytes()) || holds(body, &id(7).0));
            if reaches {
                if super_user { &mut by_super_user } else { &mut heard }.insert(row.name);
            }
        }
    });
    let expected: BTreeSet<_> = HEARD.iter().map(|(api, _)| *api).collect();
    assert_eq!(heard, expected);
    assert!(
        by_super_user
            .is_superset(&["Produce", "Fetch", "CreateTopics", "DeleteTopics", "AlterConfigs"].into())
    );
}
