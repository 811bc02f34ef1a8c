//! Brokers and doorkeepers that die.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};

use doorkeeper::model::acl::ChangeError;

use crate::acl_topic::keeper::{Keeper, LIMIT, addresses, leader};
use crate::support::cluster::{Cluster, Settings};
use crate::support::kafka::Kafka;
use crate::support::process::wait_for;

/// In the middle of 200 changes the leader is killed, and a doorkeeper: nothing that was acknowledged is lost, and the rest come to the
/// same set. What was not acknowledged may be there or not.
#[test]
fn nothing_acknowledged_is_lost() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    let mut cluster = Cluster::start(kafka, &Settings::plaintext(3));
    let mut keepers = Keeper::in_front_of(&cluster, "lasting");
    let (mut there, mut gone, mut unknown) = (BTreeSet::new(), BTreeSet::new(), 0);
    let leads = leader(&cluster, "lasting");
    for i in 0..200 {
        if i == 70 {
            cluster.brokers[leads].process.kill();
        }
        if i == 130 {
            drop(keepers.remove((leads + 1) % 3));
        }
        if i == 150 {
            cluster.brokers[leads].restart();
        }
        let keeper = &keepers[i % keepers.len()];
        let name = format!("topic-{i}");
        let acknowledged = match i % 5 {
            4 => {
                let victim = format!("topic-{}", i - 4);
                let filter = crate::acl_topic::keeper::filter(Some(&victim));
                let outcome = keeper.change(doorkeeper::model::acl::Change::Delete(vec![filter]));
                if outcome.is_ok() {
                    gone.insert(victim.clone());
                }
                // Whatever became of it, it is not known to be there any more.
                there.remove(&victim);
                outcome
            }
            _ => {
                let outcome = keeper.create(&[&name]);
                if outcome.is_ok() {
                    there.insert(name);
                }
                outcome
            }
        };
        match acknowledged {
            Ok(_) => {}
            Err(ChangeError::Unavailable(why)) => {
                println!("change {i} is not acknowledged: {why}");
                unknown += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    println!("{unknown} of 200 changes were not acknowledged");
    assert!(unknown < 100, "most changes must get through: {unknown} did not");
    let fresh = Keeper::start("lasting", addresses(&cluster)[leads]);
    fresh.wait_until_loaded();
    keepers.push(fresh);
    for keeper in &keepers {
        wait_for("what was acknowledged", LIMIT, || {
            let names = keeper.names();
            (there.is_subset(&names) && gone.is_disjoint(&names)).then_some(())
        });
    }
    keepers[0].create(&["last"]).unwrap();
    let expected = keepers[0].names();
    for keeper in &keepers {
        wait_for("one set", LIMIT, || (keeper.names() == expected).then_some(()));
    }
}

/// Nobody at the address at first, then a broker; then it dies, and comes back.
#[test]
fn a_broker_may_come_late_and_go() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let keeper = Keeper::start("late", nobody);
    keeper.wait_until_not_ready("cannot be reached: Connection refused");
    drop(keeper);

    let mut cluster = Cluster::start(kafka, &Settings::plaintext(1));
    let address = addresses(&cluster)[0];
    cluster.brokers[0].process.kill();
    let keeper = Keeper::start("late", address);
    keeper.wait_until_not_ready("cannot be reached: Connection refused");
    cluster.brokers[0].restart();
    keeper.wait_until_loaded();
    keeper.create(&["good"]).unwrap();

    cluster.brokers[0].process.kill();
    wait_for("the set to grow old", LIMIT, || (keeper.metric("acl_age_seconds") >= 3).then_some(()));
    assert!(keeper.has("good"));
    assert_eq!(keeper.not_ready(), None);
    let Err(ChangeError::Unavailable(said)) = keeper.create(&["b"]) else { panic!() };
    assert!(said.contains("takes no change now, nothing was changed"), "{said}");
    cluster.brokers[0].restart();
    wait_for("the set to be young", LIMIT, || (keeper.metric("acl_age_seconds") < 3).then_some(()));
    keeper.create(&["b"]).unwrap();
    keeper.wait_for_names(&["b", "good"]);
}
