//! New certificates, keys and authorities.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::house::{House, Way, set};
use crate::rig::broker::Broker;
use crate::rig::pki::{TRUSTED, UNKNOWN};
use crate::rig::requests::metadata;
use crate::rig::{soon, until};

const OFTEN: &str = "reload_interval: 20ms";

/// Clients that never stop asking, old connections and new ones: none of them may notice twenty rotations.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_rotations_under_load_drop_no_connection() {
    let broker = Broker::usual().await;
    let mut in_force = set(&TRUSTED.pem());
    let house = Arc::new(House::start(broker.address, &in_force, Way::Swap, OFTEN));
    let (stop, asked, opened) =
        (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (house, stop, asked) = (house.clone(), stop.clone(), asked.clone());
        clients.spawn(async move {
            let mut client = house.client(TRUSTED.client(Some("alice"))).await.expect("let in");
            while !stop.load(Ordering::SeqCst) {
                client.ask(&metadata(&["allowed"]), 9).await;
                asked.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
    }
    let (newcomers, stopped, opening) = (house.clone(), stop.clone(), opened.clone());
    clients.spawn(async move {
        let config = TRUSTED.client(Some("alice"));
        while !stopped.load(Ordering::SeqCst) {
            newcomers.client(config.clone()).await.expect("a new connection is let in at any time");
            opening.fetch_add(1, Ordering::SeqCst);
        }
    });

    for rotation in 1..=20 {
        let next = set(&TRUSTED.pem());
        // Now and then a set that does not fit together comes in between.
        if rotation % 5 == 0 {
            house.bring(&[next[0].clone(), in_force[1].clone(), next[2].clone()], Way::Swap);
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        house.bring(&next, Way::Swap);
        in_force = next;
        soon(async {
            while house.reloads("tls").await.0 < rotation {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
    let before = (asked.load(Ordering::SeqCst), opened.load(Ordering::SeqCst));
    until(|| asked.load(Ordering::SeqCst) > before.0 && opened.load(Ordering::SeqCst) > before.1).await;
    stop.store(true, Ordering::SeqCst);
    while let Some(ended) = soon(clients.join_next()).await {
        ended.unwrap();
    }
    assert!(asked.load(Ordering::SeqCst) > 100, "{asked:?}");
    let shown = house.shown(TRUSTED.client(Some("alice"))).await;
    assert_eq!(shown, der(&in_force[0]));
}

#[tokio::test]
async fn every_way_of_writing_files_is_seen() {
    let broker = Broker::usual().await;
    for way in [Way::Swap, Way::Rename, Way::InPlace] {
        let house = House::start(broker.address, &set(&TRUSTED.pem()), way, OFTEN);
        for _ in 0..3 {
            let next = set(&TRUSTED.pem());
            house.bring(&next, way);
            soon(async { while house.shown(TRUSTED.client(Some("alice"))).await != der(&next[0]) {} }).await;
        }
        assert_eq!(house.metric("config_last_reload_successful{what=\"tls\"}").await, 1.0, "{way:?}");
    }
}

/// Even a client that could resume its session.
#[tokio::test]
async fn clients_of_an_authority_that_is_gone_are_refused_and_those_who_are_in_stay() {
    let broker = Broker::usual().await;
    let house = House::start(broker.address, &set(&TRUSTED.pem()), Way::Swap, OFTEN);
    let versions = [&rustls::version::TLS12, &rustls::version::TLS13];
    let old = versions.map(|version| TRUSTED.client_of(Some("alice"), &[version]));
    let new = versions.map(|version| UNKNOWN.client_of(Some("alice"), &[version]));
    let mut inside = Vec::new();
    for (old, new) in old.iter().zip(&new) {
        inside.push(house.client(old.clone()).await.expect("let in"));
        assert!(house.client(new.clone()).await.is_none());
    }

    house.bring(&set(&format!("{}{}", TRUSTED.pem(), UNKNOWN.pem())), Way::Swap);
    house.reloaded("tls", (1, 0)).await;
    for (old, new) in old.iter().zip(&new) {
        assert!(house.client(old.clone()).await.is_some(), "both authorities' clients are let in");
        assert!(house.client(new.clone()).await.is_some(), "both authorities' clients are let in");
    }

    house.bring(&set(&UNKNOWN.pem()), Way::Swap);
    house.reloaded("tls", (2, 0)).await;
    for (old, new) in old.iter().zip(&new) {
        assert!(house.client(old.clone()).await.is_none());
        assert!(house.client(new.clone()).await.is_some());
    }
    for client in &mut inside {
        client.ask(&metadata(&["allowed"]), 9).await;
    }
}

#[tokio::test]
async fn a_wrong_set_is_told_once_and_the_old_one_serves_on() {
    let broker = Broker::usual().await;
    let good = set(&TRUSTED.pem());
    let house = House::start(broker.address, &good, Way::InPlace, OFTEN);
    let (other, alice) = (set(&TRUSTED.pem()), TRUSTED.client(Some("alice")));
    let loaded_at = "config_last_reload_success_timestamp_seconds{what=\"tls\"}";
    let (at_start, expiry) = (
        house.metric(loaded_at).await,
        "tls_certificate_not_after_timestamp_seconds{name=\"clients\",role=\"server\"}",
    );
    let expires = house.metric(expiry).await;

    house.bring(&[other[0].clone(), good[1].clone(), good[2].clone()], Way::InPlace);
    house.reloaded("tls", (0, 1)).await;
    // It is looked at again and again, with the same outcome: once more at least before the ACLs.
    house.write("acls.yaml", "[]\n");
    house.hang_up();
    house.reloaded("acls", (1, 0)).await;
    let told = house.said.lines("the certificates on disk are wrong, the old ones stay in force");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("the key does not fit the certificate in"), "{told:?}");
    assert_eq!(house.reloads("tls").await, (0, 1));
    assert_eq!(house.metric("config_last_reload_successful{what=\"tls\"}").await, 0.0);
    assert_eq!(house.metric(loaded_at).await, at_start);
    assert_eq!(house.metric(expiry).await, expires);
    assert_eq!(house.shown(alice.clone()).await, der(&good[0]));
    assert_eq!(house.get("/readyz").await.0, 200, "the certificate that is in force is good");

    house.bring(&[other[0].clone(), other[1].clone(), "rubbish".to_owned()], Way::InPlace);
    house.reloaded("tls", (0, 2)).await;
    house.says("this is not PEM").await;
    assert!(house.client(alice.clone()).await.is_some());

    house.bring(&other, Way::InPlace);
    house.reloaded("tls", (1, 2)).await;
    assert_eq!(house.shown(alice).await, der(&other[0]));
    assert_eq!(house.metric("config_last_reload_successful{what=\"tls\"}").await, 1.0);
    assert!(house.metric(loaded_at).await >= at_start);
    let (_, metrics) = house.get("/metrics").await;
    let infos = metrics.lines().filter(|line| {
        line.starts_with("doorkeeper_tls_certificate_info{") && line.contains("role=\"server\"")
    });
    assert_eq!(infos.count(), 1, "the old certificate's series is gone");
}

fn der(pem: &str) -> Vec<u8> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec()
}
