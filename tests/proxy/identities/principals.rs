//! Clients that are who another name of their certificate says.

use std::sync::Arc;

use rcgen::SanType;
use rustls::ClientConfig;

use crate::rig::broker::Broker;
use crate::rig::client::Client;
use crate::rig::door::{Door, Setup};
use crate::rig::pki::TRUSTED;
use crate::rig::requests::metadata;

const FROM: &str = "principal_from: [{ name: spiffe, rules: 'RULE:^spiffe:\\/\\/example\\.org\\/ns\\/([^\\/]+)\\/sa\\/([^\\/]+)$/$1.$2/' }, { name: dns }, { name: subject }]";

const ACLS: &str = "
- { principal: 'User:billing.App', topic: allowed, operations: [Describe] }
- { principal: 'User:bob.example', topic: allowed, operations: [Describe] }
- { principal: 'User:alice', topic: allowed, operations: [Describe] }
";

fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

fn dns(text: &str) -> SanType {
    SanType::DnsName(text.try_into().unwrap())
}

fn config(names: Vec<SanType>) -> Arc<ClientConfig> {
    TRUSTED.client_with(TRUSTED.issue_with("alice", names))
}

/// Whether the client is told of the topic, which the principals above may describe.
async fn sees(door: &Door, names: Vec<SanType>) -> bool {
    let mut client = Client::try_connect(door.address, config(names)).await.unwrap();
    client.ask(&metadata(&["allowed"]), 9).await.topics[0].error_code == 0
}

#[tokio::test]
async fn the_first_of_its_names_that_rules_take_says_who_a_client_is() {
    let broker = Broker::usual().await;
    let door = Setup { listener: FROM, acls: ACLS, ..Setup::new(broker.address) }.start().await;
    assert!(sees(&door, vec![uri("spiffe://example.org/ns/billing/sa/App"), dns("else.example")]).await);
    assert!(sees(&door, vec![dns("*.example"), dns("BOB.example")]).await);
    assert!(sees(&door, vec![uri("https://example.org/alice")]).await);
    assert!(!sees(&door, vec![dns("mallory.example")]).await);
    assert!(!sees(&door, vec![uri("spiffe://example.org/ns/billing/sa/app")]).await);

    let nobody = [
        vec![dns("a.example"), dns("b.example")],
        vec![uri("spiffe://example.org/a"), uri("https://example.org")],
        vec![uri("spiffe://Example.org/a")],
    ];
    for (i, names) in nobody.into_iter().enumerate() {
        let mut client = Client::try_connect(door.address, config(names)).await.unwrap();
        client.say(&metadata(&["allowed"]), 9).await;
        client.assert_closed().await;
        door.closes("no_principal", i as u64 + 1).await;
    }
    // Of one address there is a line only now and then.
    let told =
        "the certificate would be 'a.example' by its DNS name \"a.example\" and 'b.example' by its DNS name";
    assert_eq!(door.said.lines(told).len(), 1, "{}", door.said.text());
    door.assert_sound();
}
