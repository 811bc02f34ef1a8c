//! Brokers whose listeners nobody reaches but the doorkeeper beside: what they name to clients leads nowhere.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use ::doorkeeper::model::acl::{Change, ChangeError, ChangeOutcome};
use serde_json::json;

use crate::acl_topic::keeper::{Keeper, LIMIT, addresses, binding, leader};
use crate::acl_topic::process::{acknowledged, sees};
use crate::support::client::Client;
use crate::support::cluster::{Cluster, Settings};
use crate::support::doorkeeper::{self, Doorkeeper};
use crate::support::java::{Java, Tool};
use crate::support::kafka::{Kafka, scratch};
use crate::support::pki::{Identity, Pki};
use crate::support::ports::free_port;
use crate::support::process::wait_for;

/// How the doorkeepers of such a cluster are started.
struct Doors {
    /// Where clients reach them, in the order of the brokers.
    ports: Vec<u16>,
    mapping: String,
    server: Identity,
    acls: String,
}

impl Doors {
    /// With ACLs in this topic, which they reach as this client; `server_ca` is whom they trust.
    fn new(cluster: &Cluster, pki: &Pki, topic: &str, client: &Identity, server_ca: &str) -> Doors {
        let ports: Vec<u16> = cluster.brokers.iter().map(|_| free_port()).collect();
        let pairs = cluster.brokers.iter().zip(&ports);
        let pairs: Vec<_> = pairs.map(|(broker, own)| format!("{}: {own}", broker.advertised)).collect();
        let servers: Vec<_> = ports.iter().map(|port| format!("'localhost:{port}'")).collect();
        let acls = format!(
            "topic: {topic}, bootstrap_servers: [{}], tls: {{ certificate_chain: {}, private_key: {}, server_ca: {server_ca} }}",
            servers.join(", "),
            client.certificate.display(),
            client.key.display(),
        );
        let mapping = format!("{{ strategy: keep_host, ports: {{ {} }} }}", pairs.join(", "));
        Doors { ports, mapping, server: pki.server("doorkeeper"), acls }
    }

    /// The same doorkeepers, but for what they show and whom they trust.
    fn with_tls_of(&self, other: &Doors) -> Doors {
        let servers = self.acls.split(", tls:").next().unwrap();
        let tls = other.acls.split(", tls:").nth(1).unwrap();
        Doors {
            ports: self.ports.clone(),
            mapping: self.mapping.clone(),
            server: self.server.clone(),
            acls: format!("{servers}, tls:{tls}"),
        }
    }

    fn launch(&self, cluster: &Cluster, index: usize) -> Doorkeeper {
        let settings = doorkeeper::Settings { identity: &self.server, acls: &self.acls, authorization: "" };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.ports[index]));
        Doorkeeper::launch(cluster.brokers[index].plaintext, address, &self.mapping, &settings)
    }

    /// All of them at one time.
    fn launch_all(&self, cluster: &Cluster) -> Vec<Doorkeeper> {
        (0..self.ports.len()).map(|index| self.launch(cluster, index)).collect()
    }
}

fn wait_until_ready(doors: &[Doorkeeper]) {
    for door in doors {
        wait_for("a doorkeeper that is ready", LIMIT, || {
            let page = doorkeeper::get(door.admin, "/readyz")?;
            page.starts_with("HTTP/1.1 200").then_some(())
        });
    }
}

/// The lines of its log that are warnings or worse and speak of the ACL topic's ways.
fn complaints(door: &Doorkeeper) -> Vec<String> {
    let output = door.process.output();
    let complains = |line: &&str| line.contains("ERROR") && !line.contains("ACLs were not changed");
    output.lines().filter(complains).map(str::to_owned).collect()
}

/// All start at one time, on a cluster without the topic. The stock tool at a doorkeeper that is not beside the leader; a change
/// there is in force everywhere; then everything ends at once and starts at once.
#[test]
fn changes_reach_a_leader_that_plaintext_does_not() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    let pki = Pki::new(&scratch("pki"));
    let mut cluster = Cluster::start(kafka, &Settings::plaintext(3).apart());
    cluster.create_topics(&["orders"], 1);
    let (alice, admin) = (pki.client("alice"), pki.client("admin"));
    let ca = pki.authority().display().to_string();
    let with = Doors::new(&cluster, &pki, "__doorkeeper_acls", &admin, &ca);
    let doors = with.launch_all(&cluster);
    wait_until_ready(&doors);

    let leads = leader(&cluster, "__doorkeeper_acls");
    let bootstrap = format!("localhost:{}", with.ports[(leads + 1) % 3]);
    let tool = |arguments: &[&str]| {
        Java::new(kafka, &bootstrap, Some(&admin)).tool(Tool::Acls, arguments, b"").succeeded().text()
    };
    let binding = ["--allow-principal", "User:alice", "--operation", "Describe", "--topic", "orders"];
    for (action, expected) in [(&["--add"][..], true), (&["--remove", "--force"][..], false)] {
        tool(&[action, &binding[..]].concat());
        for door in &doors {
            wait_for("the tool's word everywhere", LIMIT, || {
                (sees(&cluster, door, &alice, "orders") == Some(expected)).then_some(())
            });
        }
    }
    let (mut slowest_answer, mut slowest) = (Duration::ZERO, Duration::ZERO);
    for round in 0..20 {
        let asked = &doors[round % 3];
        let mut client = Client::tls(&cluster.schemas, asked.address, &admin).unwrap();
        let name = format!("exact-{round}");
        let began = Instant::now();
        assert!(
            acknowledged(&mut client, std::slice::from_ref(&name), None),
            "{}",
            asked.process.last_words()
        );
        slowest_answer = slowest_answer.max(began.elapsed());
        let answered = Instant::now();
        for door in &doors {
            wait_for("the change elsewhere", LIMIT, || {
                (sees(&cluster, door, &alice, &name) == Some(true)).then_some(())
            });
        }
        slowest = slowest.max(answered.elapsed());
    }
    println!(
        "through doorkeepers: CreateAcls answered after {slowest_answer:?}, in force at all three {slowest:?} after that, at the latest"
    );
    assert!(slowest < Duration::from_secs(10), "{slowest:?}");
    for door in &doors {
        assert_eq!(complaints(door), [""; 0]);
    }

    // Its broker's copy is enough to open, and the log says at once what will be in the way of changes.
    let mut doors: Vec<_> = doors.into_iter().map(Some).collect();
    let other = (leads + 1) % 3;
    doors[other] = None;
    let folder = scratch("own");
    let own = Identity { certificate: folder.join("own.crt"), key: folder.join("own.key"), ..alice.clone() };
    let show = |identity: &Identity| {
        std::fs::copy(&identity.certificate, &own.certificate).unwrap();
        std::fs::copy(&identity.key, &own.key).unwrap();
    };
    show(&alice);
    let no_super_user = with.with_tls_of(&Doors::new(&cluster, &pki, "__doorkeeper_acls", &own, &ca));
    let door = no_super_user.launch(&cluster, other);
    wait_until_ready(std::slice::from_ref(&door));
    let why =
        "the principal that CN=alice,OU=test,O=rig maps to must be one of authorization.super_users there";
    wait_for("its line in the log", LIMIT, || {
        let said = complaints(&door);
        let [line] = said.as_slice() else { return None };
        assert!(line.contains(why) && line.contains("localhost:"), "{line}");
        assert!(
            line.ends_with("ACLs can be changed only where the topic __doorkeeper_acls has its leader"),
            "{line}"
        );
        Some(())
    });
    let mut client = Client::tls(&cluster.schemas, door.address, &admin).unwrap();
    let began = Instant::now();
    assert!(!acknowledged(&mut client, &["refused".to_owned()], None));
    assert!(began.elapsed() < Duration::from_secs(10), "it is known at once: {:?}", began.elapsed());
    wait_for("the change's own line", LIMIT, || {
        let output = door.process.output();
        output
            .lines()
            .any(|line| line.contains("ACLs were not changed: ") && line.contains(why))
            .then_some(())
    });

    // A certificate that is renewed is used without a restart.
    show(&admin);
    let hangup = ["-HUP".to_owned(), door.process.id().to_string()];
    assert!(std::process::Command::new("kill").args(hangup).status().unwrap().success());
    wait_for("the other certificate", LIMIT, || {
        door.metrics()
            .lines()
            .find(|line| {
                let wanted = "doorkeeper_tls_certificate_info{";
                line.starts_with(wanted)
                    && line.contains(r#"name="authorization.acls""#)
                    && line.contains("admin")
            })
            .map(drop)
    });
    assert!(acknowledged(&mut client, &["renewed".to_owned()], None), "{}", door.process.last_words());

    drop((doors, door));
    cluster.brokers.iter_mut().for_each(|broker| broker.process.kill());
    let doors = with.launch_all(&cluster);
    cluster.brokers.iter_mut().for_each(crate::support::cluster::Broker::restart);
    let began = Instant::now();
    wait_until_ready(&doors);
    println!("all brokers and doorkeepers started at once: ready after {:?}", began.elapsed());
    for door in &doors {
        assert_eq!(sees(&cluster, door, &alice, "exact-7"), Some(true));
    }
    wait_for("a change after that", LIMIT, || {
        let mut client = Client::tls(&cluster.schemas, doors[0].address, &admin).ok()?;
        acknowledged(&mut client, &["afterwards".to_owned()], None).then_some(())
    });
    assert_eq!(sees(&cluster, &doors[0], &alice, "afterwards"), Some(true));
}

/// Only one broker has a copy: the two others' doorkeepers wait for that one's, and read through it. Without its certificate they
/// would not; with one that nobody trusts, or of somebody who is no super user, or with another's trust, there is one clear line.
#[test]
fn without_a_copy_it_is_read_through_another_doorkeeper() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    let pki = Pki::new(&scratch("pki"));
    let cluster = Cluster::start(kafka, &Settings::plaintext(3).apart());
    let (alice, admin) = (pki.client("alice"), pki.client("admin"));
    let ca = pki.authority().display().to_string();
    let mut with = Doors::new(&cluster, &pki, "alone", &admin, &ca);
    with.acls.push_str(", replication_factor: 1");
    let doors = with.launch_all(&cluster);
    wait_until_ready(&doors);
    let leads = leader(&cluster, "alone");
    let other = (leads + 1) % 3;
    let mut client = Client::tls(&cluster.schemas, doors[other].address, &admin).unwrap();
    assert!(acknowledged(&mut client, &["orders".to_owned()], None));
    for door in &doors {
        wait_for("the change elsewhere", LIMIT, || {
            (sees(&cluster, door, &alice, "orders") == Some(true)).then_some(())
        });
    }

    let mut doors: Vec<_> = doors.into_iter().map(Some).collect();
    let other_ca = pki.authority().with_file_name("other-ca.pem").display().to_string();
    for (client, server_ca, expected) in [
        (&admin, &other_ca, "is refused: no certificate in tls.server_ca has issued it"),
        (
            &pki.foreign_client("admin"),
            &ca,
            "does not trust this doorkeeper's certificate: received fatal alert: UnknownCA; see authorization.acls.tls",
        ),
        (
            &alice,
            &ca,
            "is refused with TOPIC_AUTHORIZATION_FAILED: the principal that CN=alice,OU=test,O=rig maps to must be one of authorization.super_users there",
        ),
    ] {
        let wrong = with.with_tls_of(&Doors::new(&cluster, &pki, "alone", client, server_ca));
        doors[other] = None;
        let door = wrong.launch(&cluster, other);
        wait_for("the reason", LIMIT, || {
            let page = doorkeeper::get(door.admin, "/readyz").unwrap_or_default();
            let from = page.find("acl-topic failed")?;
            page[from..].lines().next()?.contains(expected).then_some(())
        });
        wait_for("its line in the log", LIMIT, || {
            let said = complaints(&door);
            let [line] = said.as_slice() else { return None };
            assert!(
                line.contains(expected) && line.contains("doorkeeper") && line.contains("localhost:"),
                "{line}"
            );
            assert!(
                line.contains("no copy of the topic alone") && line.ends_with("no connection is accepted"),
                "{line}"
            );
            Some(())
        });
    }
}

/// Whoever comes without `tls` where the leader cannot be reached reads the copy of the broker beside (KIP-392). A copy that has
/// not caught up after a restart is not read: it would show rights that were taken away since.
#[test]
fn the_copy_of_the_broker_beside_is_read_if_it_is_in_sync() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    let mut cluster = Cluster::start(kafka, &Settings::plaintext(3).apart());
    let keepers = Keeper::in_front_of(&cluster, "copied");
    let leads = leader(&cluster, "copied");
    let (behind, third) = ((leads + 1) % 3, (leads + 2) % 3);
    let mut slowest = Duration::ZERO;
    for round in 0..5 {
        let name = format!("topic-{round}");
        keepers[leads].create(&[&name]).unwrap();
        let answered = Instant::now();
        for keeper in &keepers {
            wait_for("the change in the copy", LIMIT, || keeper.has(&name).then_some(()));
        }
        slowest = slowest.max(answered.elapsed());
    }
    println!("read from copies: in force {slowest:?} after the answer, at the latest");

    throttle(&cluster, "copied", "1");
    cluster.brokers[behind].process.kill();
    let fresh = std::thread::scope(|scope| {
        // Changes want the leader; it takes a while until that is given up.
        let refused = scope.spawn(|| keepers[third].create(&["elsewhere"]));
        for round in 0..3 {
            let some = (0..10_000).map(|i| binding(&format!("some-topic-with-a-name-{round}-{i}"))).collect();
            assert_eq!(keepers[leads].change(Change::Create(some)), Ok(ChangeOutcome::Created));
        }
        cluster.brokers[behind].restart();
        let fresh = Keeper::start("copied", addresses(&cluster)[behind]);
        fresh.wait_until_not_ready("has no copy of the topic copied that is in sync and can be read");
        assert!(
            !keepers[behind].has("some-topic-with-a-name-0-0"),
            "the old set stays, and no half of the new one"
        );
        let Err(ChangeError::Unavailable(said)) = refused.join().unwrap() else { panic!() };
        let reason =
            "takes no change now, nothing was changed: the leader of the topic copied is out of reach";
        assert!(said.contains(reason), "{said}");
        fresh
    });
    throttle(&cluster, "copied", "100000000");
    fresh.wait_until_loaded();
    for keeper in [&fresh, &keepers[behind], &keepers[third]] {
        wait_for("all of it", LIMIT, || (keeper.names() == keepers[leads].names()).then_some(()));
    }
    assert_eq!(fresh.names().len(), 30_005);
}

/// Holds up replicas of a topic that are not in sync: so many bytes a second and broker.
fn throttle(cluster: &Cluster, topic: &str, rate: &str) {
    let set = |name: &str, value: &str| json!({"name": name, "configOperation": 0, "value": value});
    let replicas = ["leader.replication.throttled.replicas", "follower.replication.throttled.replicas"];
    let rates = ["leader.replication.throttled.rate", "follower.replication.throttled.rate"];
    let all =
        json!({"resourceType": 2, "resourceName": topic, "configs": replicas.map(|name| set(name, "*"))});
    for broker in &cluster.brokers {
        let own = json!({"resourceType": 4, "resourceName": broker.id.to_string(), "configs": rates.map(|name| set(name, rate))});
        let request = json!({"resources": [own, all], "validateOnly": false});
        let mut client = Client::plaintext(&cluster.schemas, broker.plaintext).unwrap();
        let answer = client.call("IncrementalAlterConfigs", 0, &request).body();
        let all_set = answer["responses"].as_array().unwrap().iter().all(|one| one["errorCode"] == 0);
        assert!(all_set, "{answer}");
    }
}
