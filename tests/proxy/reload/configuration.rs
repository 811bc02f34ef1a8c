//! SIGHUP: everything is read again, and the configuration as far as it can change while doorkeeper runs.

use tokio::net::TcpStream;

use super::house::{House, Way, set};
use crate::rig::broker::Broker;
use crate::rig::client::Client;
use crate::rig::pki::{TRUSTED, UNKNOWN};
use crate::rig::requests::metadata;

/// Nothing is looked at but by SIGHUP.
const NEVER: &str = "reload_interval: 2h";

#[tokio::test]
async fn sighup_reads_certificates_and_acls_at_once() {
    let broker = Broker::usual().await;
    let house = House::start(broker.address, &set(&TRUSTED.pem()), Way::Swap, NEVER);
    let mut alice = house.client(TRUSTED.client(Some("alice"))).await.unwrap();
    assert_eq!(alice.ask(&metadata(&["bobs"]), 9).await.topics[0].error_code, 29);

    house.bring(&set(&UNKNOWN.pem()), Way::Swap);
    house.write("acls.yaml", "- { principal: 'User:alice', topic: bobs, operations: [Describe] }\n");
    house.hang_up();
    house.reloaded("tls", (1, 0)).await;
    house.reloaded("acls", (1, 0)).await;
    assert!(house.client(TRUSTED.client(Some("alice"))).await.is_none());
    assert_eq!(alice.ask(&metadata(&["bobs"]), 9).await.topics[0].error_code, 0);
    assert_eq!(house.reloads("config").await, (1, 0));

    // A wrong set is refused at the first look, each SIGHUP is answered, and the ACLs are looked at all the same.
    let torn = [set("")[0].clone(), set("")[1].clone(), UNKNOWN.pem()];
    house.bring(&torn, Way::Swap);
    house.write("acls.yaml", "[]\n");
    house.hang_up();
    house.reloaded("acls", (2, 0)).await;
    assert_eq!(house.reloads("tls").await, (1, 1));
    assert!(house.client(UNKNOWN.client(Some("alice"))).await.is_some());
}

#[tokio::test]
async fn sighup_applies_what_can_be_applied_and_names_what_waits_for_a_restart() {
    let broker = Broker::usual().await;
    let house = House::start(broker.address, &set(&TRUSTED.pem()), Way::Swap, NEVER);
    let (old_way, new_way) = (
        TRUSTED.client_of(Some("alice"), &[&rustls::version::TLS12]),
        TRUSTED.client_of(Some("alice"), &[&rustls::version::TLS13]),
    );
    let mut inside = house.client(old_way.clone()).await.unwrap();

    house.edit(NEVER, "reload_interval: 2h, min_version: TLSv1.3");
    house.edit("level: info", "level: debug");
    house.edit("authorization:", "limits: { idle_timeout: 7m }\nauthorization:");
    house.edit("{ file: acls.yaml, reload_interval: 1h }", "{ file: acls.yaml, reload_interval: 2h }");
    house.hang_up();
    house.reloaded("config", (1, 0)).await;
    house.says("configuration reloaded applied=\"listeners.0.tls.min_version, log.level\"").await;
    house
        .says("wait for a restart settings=\"authorization.acls.reload_interval, limits.idle_timeout\"")
        .await;
    assert_eq!(house.metric("config_settings_pending").await, 2.0);
    assert!(house.client(old_way).await.is_none());
    assert!(house.client(new_way.clone()).await.is_some());
    inside.ask(&metadata(&["allowed"]), 9).await;
    house.says("DEBUG").await;

    // Taken back, nothing waits any more.
    house.edit("{ file: acls.yaml, reload_interval: 2h }", "{ file: acls.yaml, reload_interval: 1h }");
    house.edit("limits: { idle_timeout: 7m }\n", "");
    house.hang_up();
    house.reloaded("config", (2, 0)).await;
    assert_eq!(house.metric("config_settings_pending").await, 0.0);

    // Other files are other settings.
    let other = set(&UNKNOWN.pem());
    house.write("tls/other.crt", &other[2]);
    house.edit("client_ca: tls/ca.crt", "client_ca: tls/other.crt");
    house.hang_up();
    house.reloaded("config", (3, 0)).await;
    assert!(house.client(new_way).await.is_none());
    assert!(house.client(UNKNOWN.client(Some("alice"))).await.is_some());
}

/// As at the start, whichever of the two files has changed.
#[tokio::test]
async fn a_principal_that_no_certificate_becomes_is_named() {
    let broker = Broker::usual().await;
    let house = House::start(broker.address, &set(&TRUSTED.pem()), Way::Swap, NEVER);
    house.write("acls.yaml", "- { principal: 'User:CN=alice', topic: bobs, operations: [Read] }\n");
    house.hang_up();
    house.says("acls.yaml:1:16: 'User:CN=alice' is nobody by the principal_mapping_rules").await;
    assert!(house.said.lines("'User:admin' is nobody").is_empty(), "{}", house.said.text());
    house.edit("RULE:^CN=([a-z]+)$/$1/", "DEFAULT");
    house.hang_up();
    house.says("'User:admin' is nobody by the principal_mapping_rules").await;
}

#[tokio::test]
async fn who_may_do_what_changes_at_once() {
    let broker = Broker::usual().await;
    let house = House::start(broker.address, &set(&TRUSTED.pem()), Way::Swap, NEVER);
    house.write("acls.yaml", "- { principal: 'User:carol', topic: bobs, operations: [Describe] }\n");
    house.hang_up();
    house.reloaded("acls", (1, 0)).await;
    let mut alice = house.client(TRUSTED.client(Some("alice"))).await.unwrap();
    let of = async |client: &mut Client, topic: &str| {
        client.ask(&metadata(&[topic]), 9).await.topics[0].error_code
    };
    assert_eq!((of(&mut alice, "bobs").await, of(&mut alice, "allowed").await), (29, 29));

    // Connections that are open feel it with their next request, what has been read of ACLs stays.
    house.edit(
        "super_users: ['User:admin']",
        "super_users: ['User:alice']\n  allow_everyone_if_no_acl_found: true",
    );
    house.edit("log:", "audit: { allowed: true }\nlog:");
    house.hang_up();
    house.reloaded("config", (2, 0)).await;
    assert_eq!((of(&mut alice, "bobs").await, of(&mut alice, "allowed").await), (0, 0));
    house.says("Principal = User:alice is Allowed operation = DESCRIBE").await;
    let mut bob = house.client(TRUSTED.client(Some("bob"))).await.unwrap();
    assert_eq!((of(&mut bob, "bobs").await, of(&mut bob, "allowed").await), (29, 0));
    assert_eq!(house.metric("acl_bindings").await, 1.0);

    // The old rules are back for those who are there.
    house.edit(
        "super_users: ['User:alice']\n  allow_everyone_if_no_acl_found: true",
        "super_users: ['User:bob']",
    );
    house.edit("audit: { allowed: true }\n", "");
    house.hang_up();
    house.reloaded("config", (3, 0)).await;
    assert_eq!((of(&mut alice, "allowed").await, of(&mut bob, "allowed").await), (29, 0));
    assert_eq!(house.metric("config_settings_pending").await, 0.0);

    // Who somebody is, is found out when he connects, also where his handshake takes until after the change.
    let slow = TcpStream::connect(house.address).await.unwrap();
    house.measures("connections_active{listener=\"clients\"}", 3.0).await;
    house.edit("'RULE:^CN=([a-z]+)$/$1/'", "'RULE:^CN=([a-z]+)$/carol/'");
    house.hang_up();
    house.reloaded("config", (4, 0)).await;
    let mut carol = house.client(TRUSTED.client(Some("bob"))).await.unwrap();
    assert_eq!((of(&mut carol, "bobs").await, of(&mut carol, "allowed").await), (0, 29));
    assert_eq!(of(&mut bob, "allowed").await, 0);
    let mut slow = Client::try_over(slow, TRUSTED.client(Some("bob"))).await.unwrap();
    assert_eq!((of(&mut slow, "bobs").await, of(&mut slow, "allowed").await), (0, 0));
    let applied = house.said.lines("configuration reloaded applied=");
    let last = applied.last().unwrap();
    assert!(last.contains("applied=\"listeners.0.principal_mapping_rules\""), "{applied:?}");
}

#[tokio::test]
async fn how_many_may_connect_changes_at_once() {
    let broker = Broker::usual().await;
    let house = House::start(broker.address, &set(&TRUSTED.pem()), Way::Swap, NEVER);
    let alice = || house.client(TRUSTED.client(Some("alice")));
    let mut first = alice().await.unwrap();
    for (round, limits) in (1..).zip(["max_connections: 1", "max_connections_per_ip: 1"]) {
        house.edit("authorization:", &format!("limits: {{ {limits} }}\nauthorization:"));
        house.hang_up();
        house.reloaded("config", (2 * round - 1, 0)).await;
        assert!(alice().await.is_none(), "{limits}");
        // Who is there stays.
        first.ask(&metadata(&["allowed"]), 9).await;
        house.edit(&format!("limits: {{ {limits} }}\n"), "");
        house.hang_up();
        house.reloaded("config", (2 * round, 0)).await;
        assert!(alice().await.is_some(), "{limits}");
        house.measures("connections_active{listener=\"clients\"}", 1.0).await;
    }
    assert_eq!(house.metric("connections_limit").await, 10_000.0);
}

#[tokio::test]
async fn a_file_that_says_so_is_looked_at_without_a_signal() {
    let broker = Broker::usual().await;
    let own = "reload_interval: 50ms\n";
    let house = House::start_with(broker.address, &set(&TRUSTED.pem()), Way::Swap, NEVER, own);
    house.edit("super_users: ['User:admin']", "super_users: ['User:alice']");
    house.reloaded("config", (1, 0)).await;
    house.says("configuration reloaded applied=\"authorization.super_users\"").await;
    // Refused once, not each time that somebody looks.
    house.edit("level: info", "level: loud");
    house.reloaded("config", (1, 1)).await;
    house.edit("level: loud", "level: debug");
    house.reloaded("config", (2, 1)).await;
}

#[tokio::test]
async fn a_wrong_configuration_changes_nothing_not_even_in_part() {
    let broker = Broker::usual().await;
    let house = House::start(broker.address, &set(&TRUSTED.pem()), Way::Swap, NEVER);
    let alice = TRUSTED.client_of(Some("alice"), &[&rustls::version::TLS12]);
    house.edit(NEVER, "reload_interval: 2h, min_version: TLSv1.3");
    house.edit("level: info", "level: debug");
    house.edit("client_ca: tls/ca.crt", "client_ca: tls/missing.crt");
    house.hang_up();
    house.reloaded("config", (0, 1)).await;
    house.says("the configuration file is wrong, the old settings stay in force").await;
    let said = house.said.lines("the configuration file is wrong");
    assert!(said[0].contains("doorkeeper.yaml:6:") && said[0].contains("tls/missing.crt: "), "{said:?}");
    assert!(house.client(alice.clone()).await.is_some(), "TLS 1.2 is still spoken");
    assert_eq!(house.metric("config_last_reload_successful{what=\"config\"}").await, 0.0);

    house.edit("level: debug", "level: loud");
    house.hang_up();
    house.reloaded("config", (0, 2)).await;
    house.write("doorkeeper.yaml", "");
    house.hang_up();
    house.reloaded("config", (0, 3)).await;
    assert!(house.client(alice).await.is_some());
    assert!(house.said.lines("DEBUG").is_empty());
}

#[tokio::test]
async fn another_list_of_listeners_waits_for_a_restart_as_a_whole() {
    let broker = Broker::usual().await;
    let house = House::start(broker.address, &set(&TRUSTED.pem()), Way::Swap, NEVER);
    let alice = TRUSTED.client_of(Some("alice"), &[&rustls::version::TLS12]);
    house.edit("name: clients", "name: others");
    house.edit(NEVER, "reload_interval: 2h, min_version: TLSv1.3");
    house.hang_up();
    house.reloaded("config", (1, 0)).await;
    house.says("wait for a restart settings=\"listeners.0.name, listeners.0.tls.min_version\"").await;
    assert!(house.client(alice).await.is_some());
}

#[tokio::test]
async fn the_admin_endpoint_shows_what_is_in_force_and_what_waits() {
    let broker = Broker::usual().await;
    let good = set(&TRUSTED.pem());
    let house = House::start(broker.address, &good, Way::Swap, NEVER);
    let (status, config) = house.get("/config").await;
    assert_eq!(status, 200);
    for line in ["drain_timeout: 20s", "reload_interval: 2h", "- User:admin"] {
        assert!(config.contains(line), "{config}");
    }
    assert!(!config.contains("waiting for a restart"), "{config}");
    let hash = |metrics: &str| {
        let line = metrics.lines().find(|line| line.starts_with("doorkeeper_config_hash_info"));
        line.unwrap().to_owned()
    };
    let before = hash(&house.get("/metrics").await.1);

    house.edit("super_users: ['User:admin']", "super_users: ['User:root']");
    house.edit("authorization:", "limits: { idle_timeout: 7m }\nauthorization:");
    house.bring(&["torn".to_owned(), good[1].clone(), good[2].clone()], Way::Swap);
    house.write("acls.yaml", "- { nonsense: here }\n");
    house.hang_up();
    house.reloaded("acls", (0, 1)).await;
    let (_, config) = house.get("/config").await;
    assert!(config.contains("waiting for a restart: limits.idle_timeout\n"), "{config}");
    assert!(config.contains("- User:root"), "{config}");
    assert_ne!(hash(&house.get("/metrics").await.1), before);
    let (_, certificates) = house.get("/certificates").await;
    assert!(
        certificates.starts_with("listener clients\n  server    localhost (issued by Trusted)"),
        "{certificates}"
    );
    assert!(certificates.contains("\n  client_ca Trusted (issued by Trusted)"), "{certificates}");
    assert!(
        certificates.contains("\n  not taken from disk (wrong since 2")
            && certificates.contains("this is not PEM"),
        "{certificates}"
    );
    let (_, acls) = house.get("/acls").await;
    assert!(
        acls.contains("bindings: ") && acls.contains("state: what is on disk is wrong; the older ones"),
        "{acls}"
    );
    let why: Vec<&str> =
        acls.lines().filter(|line| line.starts_with("not taken from disk (wrong since 2")).collect();
    assert!(why.iter().any(|line| line.contains("acls.yaml:1:5: the key 'nonsense' is not known")), "{acls}");
    // Probes are for everybody: they say that there is something, and nothing that is written there.
    let (status, probe) = house.get("/readyz?verbose").await;
    assert_eq!(status, 200, "{probe}");
    for told in [
        "[+]acls ok, but: what is on disk is wrong since 2",
        "[+]certificates ok, but: clients: what is on disk is wrong since 2",
    ] {
        assert!(probe.contains(told), "{probe}");
    }
    assert!(probe.contains("and not in force: /acls says why") && !probe.contains("nonsense"), "{probe}");
    assert_eq!(house.get("/readyz").await, (200, "ok".to_owned()));

    house.edit("level: info", "level: loud");
    house.hang_up();
    house.reloaded("config", (1, 1)).await;
    let (_, config) = house.get("/config").await;
    assert!(config.contains("# not taken from disk (wrong since 2") && config.contains("loud"), "{config}");
    let told = house.get("/readyz/configuration").await.1;
    assert!(told.contains("[+]configuration ok, but: what is on disk is wrong since"), "{told}");
    assert!(!house.get("/readyz/listeners").await.1.contains("but"));

    house.edit("level: loud", "level: info");
    house.bring(&good, Way::Swap);
    house.write("acls.yaml", "[]\n");
    house.hang_up();
    house.reloaded("acls", (1, 1)).await;
    // A configuration that is as it was is nothing new, and no reload.
    house.is_content().await;
    for page in ["/config", "/certificates", "/acls"] {
        let text = house.get(page).await.1;
        assert!(!text.contains("not taken from disk"), "{page}: {text}");
    }

    let (_, index) = house.get("/").await;
    for page in ["/config", "/certificates", "/acls"] {
        assert!(index.contains(page), "{index}");
    }
}
