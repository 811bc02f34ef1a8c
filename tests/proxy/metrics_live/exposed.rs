//! A broker whose plaintext port others can reach. Needs a network of its own, with an address that is not loopback.

use std::process::Command;

use crate::rig::broker::{Act, Broker};
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
        let broker = Broker::at("127.0.0.1:0".parse().unwrap(), |_| Act::Usual).await;
        let bind = format!("{ADDRESS}:{}", broker.address.port()).leak();
        let door = Setup { bind, ..Setup::new(broker.address) }.start().await;
        until(|| !door.said.lines("plaintext port at 1 addresses of this host").is_empty()).await;
        assert_eq!(door.count("plaintext_exposed", "clients"), 0);
        assert!(door.said.lines("answers in plaintext").is_empty(), "{}", door.said.text());
    });
}
