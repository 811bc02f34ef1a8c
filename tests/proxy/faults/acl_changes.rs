//! What a change of the ACLs costs the process.

use std::fmt::Write;

use doorkeeper::protocol::messages::create_acls_request::AclCreation;
use doorkeeper::protocol::messages::delete_acls_request::DeleteAclsFilter;
use doorkeeper::protocol::messages::{CreateAclsRequest, DeleteAclsRequest};

use crate::rig::broker::Broker;
use crate::rig::client::Client;
use crate::rig::door::{ACLS, Setup};
use crate::rig::requests::metadata;

const MIB: usize = 1 << 20;

/// Of a file with so many entries.
const ENTRIES: usize = 20_000;

fn many() -> &'static str {
    let mut text = ACLS.to_owned();
    for n in 0..ENTRIES {
        writeln!(text, "- {{ principal: 'User:service-{n}', topic: orders-of-service-{n}, operations: [Read, Describe] }}")
            .unwrap();
    }
    Box::leak(text.into_boxed_str())
}

/// Bindings for a literal topic, from anywhere.
fn creation(topic: &str) -> AclCreation {
    AclCreation {
        resource_type: 2,
        resource_name: topic.into(),
        resource_pattern_type: 3,
        principal: "User:alice".into(),
        host: "*".into(),
        operation: 3,
        permission_type: 3,
        ..Default::default()
    }
}

fn removal(topic: &str) -> DeleteAclsFilter {
    DeleteAclsFilter {
        resource_type_filter: 2,
        resource_name_filter: Some(topic.into()),
        pattern_type_filter: 3,
        principal_filter: None,
        host_filter: None,
        operation: 1,
        permission_type: 1,
        ..Default::default()
    }
}

/// What clients change in a file is counted as what they change in a topic is.
#[tokio::test]
async fn changes_of_a_file_are_counted() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).start().await;
    let mut admin = Client::connect(door.address, "admin").await;
    let mut create = async |count: usize| {
        let creations = (0..count).map(|n| creation(&format!("new-{n}"))).collect();
        admin.ask(&CreateAclsRequest { creations, ..Default::default() }, 2).await.results[0].error_code
    };
    assert_eq!(create(1).await, 0);
    assert_eq!((door.count("acl_changes_total", "made"), door.count("acl_changes_total", "refused")), (1, 0));
    // One of them is there already.
    assert_ne!(create(10_002).await, 0, "more new bindings than one request may make");
    assert_eq!((door.count("acl_changes_total", "made"), door.count("acl_changes_total", "refused")), (1, 1));
}

/// One binding more in a file of 20,000 entries takes the memory of a second set for a moment, and not of a third with the next.
#[tokio::test]
async fn a_change_of_a_large_file_costs_little() {
    let broker = Broker::usual().await;
    let door = Setup { acls: many(), ..Setup::new(broker.address) }.spawn();
    let mut admin = Client::connect(door.address, "admin").await;
    admin.ask(&metadata(&["allowed"]), 9).await;
    let (start, before) = (door.peak_memory(), door.resident_memory());
    for n in 0..10 {
        // Others have seen each of the sets.
        Client::connect(door.address, "alice").await.ask(&metadata(&["allowed"]), 9).await;
        let topic = format!("new-{n}");
        let created = admin
            .ask(&CreateAclsRequest { creations: vec![creation(&topic)], ..Default::default() }, 2)
            .await;
        assert_eq!(created.results[0].error_code, 0, "{:?}", created.results[0].error_message);
        if n % 2 == 0 {
            let filters = vec![removal(&topic)];
            let deleted = admin.ask(&DeleteAclsRequest { filters, ..Default::default() }, 2).await;
            assert_eq!(deleted.filter_results[0].matching_acls.len(), 1);
        }
    }
    let (peak, after) = (door.peak_memory(), door.resident_memory());
    println!(
        "started with {} KiB at most, then {} KiB; {} KiB at most while changes were made, {} KiB after them",
        start / 1024,
        before / 1024,
        peak / 1024,
        after / 1024
    );
    assert!(start < 128 * MIB, "{start} bytes to start with");
    assert!(peak < before + 96 * MIB, "{before} bytes before, and {peak} at most");
}
