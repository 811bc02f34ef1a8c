//! A broker whose plaintext port others can reach. Needs a network of its own, with an address that is not loopback.

use std::process::Command;

use doorkeeper::protocol::api::encoded;
use doorkeeper::protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult,
};
use doorkeeper::protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};
use doorkeeper::protocol::wire::Message;

use crate::rig::broker::{Act, Broker, Seen};
use crate::rig::door::Setup;
use crate::rig::until;
use crate::support::skipped;

/// Tells the test that it runs inside.
const INSIDE: &str = "DOORKEEPER_TEST_OWN_NETWORK";
const ADDRESS: &str = "10.77.0.1";

/// Runs the test of this name again in a network namespace with that address; whether that is where it runs.
fn is_inside(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let network = format!("ip link set lo up && ip addr add {ADDRESS}/32 dev lo");
    let unshare = |command: &str| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--net", "--map-root-user", "sh", "-c", command]);
        unshare
    };
    if !unshare(&network).output().is_ok_and(|tried| tried.status.success()) {
        skipped(test, "no network namespace can be made here (unshare, ip)");
        return false;
    }
    let itself = std::env::current_exe().unwrap();
    let inside = unshare(&format!("{network} && exec {} --exact {test} --nocapture", itself.display()))
        .env(INSIDE, "yes")
        .output()
        .unwrap();
    let said =
        [inside.stdout, inside.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    assert!(inside.status.success() && said.contains("1 passed"), "{said}");
    false
}

/// A broker that says of itself that it has these listeners.
fn with_listeners(listeners: String) -> impl Fn(&Seen) -> Act {
    move |seen| {
        if seen.key != DescribeConfigsRequest::KEY {
            return Act::Usual;
        }
        let config = DescribeConfigsResourceResult {
            name: "listeners".into(),
            value: Some(listeners.as_str().into()),
            ..Default::default()
        };
        let own = DescribeConfigsResult {
            resource_name: "1".into(),
            configs: vec![config],
            ..DescribeConfigsResult::default()
        };
        let answer = DescribeConfigsResponse { results: vec![own], ..Default::default() };
        Act::bytes(seen.answer(&encoded(&answer, seen.version).unwrap()))
    }
}

fn run(test: &str, inside: impl Future<Output = ()>) {
    if is_inside(test) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(inside);
    }
}

#[test]
fn a_broker_at_all_addresses_is_warned_of() {
    run("metrics_live::exposed::a_broker_at_all_addresses_is_warned_of", async {
        let broker = Broker::at("0.0.0.0:0".parse().unwrap(), |_| Act::Usual).await;
        let upstream = ([127, 0, 0, 1], broker.address.port()).into();
        let door = Setup::new(upstream).start().await;
        let place = format!("{ADDRESS}:{}", broker.address.port());
        until(|| door.count("plaintext_exposed", "clients") == 1).await;
        until(|| !door.said.lines(&format!("answers in plaintext at {place}:")).is_empty()).await;
        until(|| door.count("upstream_up", "") == 1).await;
        let (status, said) = door.get("/readyz?verbose").await;
        assert_eq!(status, 200);
        let line =
            format!("[+]plaintext-exposed ok, but: clients: the broker answers in plaintext at {place}:");
        assert!(said.contains(&line), "{said}");

        let strict = Setup { listener: "plaintext_exposed: fail", ..Setup::new(upstream) }.start().await;
        until(|| strict.count("plaintext_exposed", "clients") == 1).await;
        let failed = async || strict.get("/readyz").await;
        let line =
            format!("[-]plaintext-exposed failed: clients: the broker answers in plaintext at {place}:");
        while !failed().await.1.contains(&line) {}
        assert_eq!(failed().await.0, 503);
    });
}

/// Nor is doorkeeper itself taken for the broker, which listens at that address with the broker's port.
#[test]
fn a_broker_at_loopback_is_not_warned_of() {
    run("metrics_live::exposed::a_broker_at_loopback_is_not_warned_of", async {
        let broker = Broker::at(
            "127.0.0.1:0".parse().unwrap(),
            with_listeners("PLAINTEXT://127.0.0.1:9092".to_owned()),
        );
        let broker = broker.await;
        let bind = format!("{ADDRESS}:{}", broker.address.port()).leak();
        let door = Setup { bind, ..Setup::new(broker.address) }.start().await;
        until(|| !door.said.lines("the broker does not answer in plaintext at").is_empty()).await;
        let scrape = door.metrics.encode().unwrap();
        assert!(scrape.contains("doorkeeper_plaintext_exposed{listener=\"clients\"} 0\n"), "{scrape}");
        let (_, said) = door.get("/readyz?verbose").await;
        assert!(said.contains("[+]plaintext-exposed ok\n"), "{said}");
        assert!(door.said.lines("answers in plaintext").is_empty(), "{}", door.said.text());
    });
}

/// A broker whose listener for clients is bound to loopback, and another one is not.
#[test]
fn every_plaintext_listener_is_looked_at() {
    run("metrics_live::exposed::every_plaintext_listener_is_looked_at", async {
        let internal = Broker::at("0.0.0.0:0".parse().unwrap(), |_| Act::Usual).await;
        // Without a map of protocols a listener's name is its protocol.
        let listeners = format!("SSL://127.0.0.1:9093,PLAINTEXT://0.0.0.0:{}", internal.address.port());
        let broker = Broker::at("127.0.0.1:0".parse().unwrap(), with_listeners(listeners)).await;
        let door = Setup::new(broker.address).start().await;
        let place = format!("answers in plaintext at {ADDRESS}:{} (PLAINTEXT)", internal.address.port());
        until(|| door.count("plaintext_exposed", "clients") == 1).await;
        until(|| !door.said.lines(&place).is_empty()).await;
    });
}

/// Where the broker does not say which listeners it has, nobody says that all is well.
#[test]
fn what_could_not_be_looked_at_is_not_well() {
    run("metrics_live::exposed::what_could_not_be_looked_at_is_not_well", async {
        let broker = Broker::at("127.0.0.1:0".parse().unwrap(), |_| Act::Usual).await;
        let door = Setup::new(broker.address).start().await;
        until(|| !door.said.lines("not looked at: the broker does not say").is_empty()).await;
        let (_, said) = door.get("/readyz?verbose").await;
        assert!(said.contains("[+]plaintext-exposed ok, but: clients: not looked at: "), "{said}");
        assert!(!door.metrics.encode().unwrap().contains("doorkeeper_plaintext_exposed{"));
    });
}
