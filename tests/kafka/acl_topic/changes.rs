//! Changes: who sees them and when, writers in conflict, compaction, sizes.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use doorkeeper::model::acl::{Change, ChangeError, ChangeOutcome, MAX_CHANGES};
use doorkeeper::process::kafka_client::{Connection, Reader};

use crate::acl_topic::keeper::{
    Keeper, LIMIT, addresses, append, binding, cluster, create_topic, filter, runtime,
};
use crate::support::process::wait_for;

/// Three that start at one time on a cluster without the topic: one of them creates it, all follow it.
#[test]
fn a_change_at_one_is_in_force_at_all() {
    let Some(cluster) = cluster() else { return };
    let keepers = Keeper::in_front_of(cluster, "changes");
    // The first broker may hear of the topic later than those that the doorkeepers asked.
    let settings = wait_for("the topic's settings", LIMIT, || {
        runtime().block_on(async {
            let mut connection = Connection::open(&addresses(cluster)[0].to_string()).await.unwrap();
            let names = ["cleanup.policy", "min.insync.replicas", "unclean.leader.election.enable"];
            let mut settings = connection.topic_configs("changes", &names).await.ok()?;
            settings.sort();
            Some(settings)
        })
    });
    let expected = [
        ("cleanup.policy", "compact"),
        ("min.insync.replicas", "2"),
        ("unclean.leader.election.enable", "false"),
    ];
    assert_eq!(settings, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));

    let (mut slowest_answer, mut slowest) = (Duration::ZERO, Duration::ZERO);
    let mut spread = |change: &dyn Fn(), done: &dyn Fn(&Keeper) -> bool| {
        let asked = Instant::now();
        change();
        let answered = Instant::now();
        slowest_answer = slowest_answer.max(asked.elapsed());
        for keeper in &keepers {
            wait_for("the change at every doorkeeper", LIMIT, || done(keeper).then_some(()));
        }
        slowest = slowest.max(answered.elapsed());
    };
    for round in 0..10 {
        for (i, keeper) in keepers.iter().enumerate() {
            let name = format!("topic-{round}-{i}");
            spread(
                &|| {
                    assert_eq!(keeper.create(&[&name]), Ok(ChangeOutcome::Created));
                    assert!(keeper.has(&name), "whoever made a change sees it");
                },
                &|other| other.has(&name),
            );
            if round % 2 == 0 {
                let another = &keepers[(i + 1) % 3];
                spread(&|| assert_eq!(another.delete(&name), std::slice::from_ref(&name)), &|other| {
                    !other.has(&name)
                });
            }
        }
    }
    println!(
        "slowest of 45 changes: answered after {slowest_answer:?}, in force at all three {slowest:?} after the answer"
    );
    assert!(slowest < Duration::from_secs(10), "{slowest:?}");
    let expected: BTreeSet<String> = (0..10)
        .step_by(2)
        .flat_map(|round| (0..3).map(move |i| format!("topic-{}-{i}", round + 1)))
        .collect();
    assert_eq!(keepers[0].names(), expected);
    wait_for("the metric", LIMIT, || (keepers[0].metric("acl_bindings") == 15).then_some(()));
    assert_eq!(keepers[0].metric("acl_age_seconds") / 10, 0);
}

/// A filter sees what was changed before, wherever that was; the answer tells what it selected; nothing selected is no change.
#[test]
fn filters_see_every_earlier_change() {
    let Some(cluster) = cluster() else { return };
    let keepers = Keeper::in_front_of(cluster, "filters");
    for round in 0..5 {
        let (a, b) = (format!("a-{round}"), format!("b-{round}"));
        keepers[0].create(&[&a]).unwrap();
        keepers[1].create(&[&b]).unwrap();
        let filters = vec![filter(Some(&a)), filter(Some("absent")), filter(None)];
        let Ok(ChangeOutcome::Deleted(selected)) = keepers[2].change(Change::Delete(filters)) else {
            panic!()
        };
        let names: Vec<BTreeSet<_>> = selected
            .iter()
            .map(|selected| selected.iter().map(|binding| binding.resource_name.clone()).collect())
            .collect();
        assert_eq!(names, [BTreeSet::from([a.clone()]), BTreeSet::new(), BTreeSet::from([a, b])]);
        assert_eq!(keepers[2].names(), BTreeSet::new());
    }
    let offset = keepers[2].metric("acl_topic_offset");
    assert_eq!(keepers[2].delete("absent"), [""; 0]);
    assert_eq!(keepers[2].metric("acl_topic_offset"), offset);
}

/// Several writers that add and remove the same few bindings at one time: all come to the same set, and it is the log's.
#[test]
fn writers_in_conflict_come_to_one_set() {
    let Some(cluster) = cluster() else { return };
    let keepers = Keeper::in_front_of(cluster, "conflicts");
    std::thread::scope(|scope| {
        for (writer, keeper) in keepers.iter().enumerate() {
            scope.spawn(move || {
                for i in 0..30usize {
                    let name = format!("t{}", (i * 7 + writer) % 4);
                    if (i + writer).is_multiple_of(2) {
                        keeper.create(&[&name]).unwrap();
                    } else {
                        keeper.delete(&name);
                    }
                }
            });
        }
    });
    keepers[0].create(&["last"]).unwrap();
    let expected = keepers[0].names();
    for keeper in &keepers {
        wait_for("one set", LIMIT, || (keeper.names() == expected).then_some(()));
    }
    let fresh = Keeper::start("conflicts", addresses(cluster)[1]);
    fresh.wait_until_loaded();
    assert_eq!(fresh.names(), expected);
}

/// As many bindings as Kafka takes in one request, in one batch: all or none; one more is refused.
#[test]
fn ten_thousand_are_one_change() {
    let Some(cluster) = cluster() else { return };
    let keepers = Keeper::in_front_of(cluster, "large");
    let some = |count: usize| {
        Change::Create((0..count).map(|i| binding(&format!("some-topic-with-a-name-{i}"))).collect())
    };
    assert_eq!(keepers[0].change(some(MAX_CHANGES + 1)), Err(ChangeError::TooMany));
    let began = Instant::now();
    assert_eq!(keepers[0].change(some(MAX_CHANGES)), Ok(ChangeOutcome::Created));
    let took = began.elapsed();
    wait_for("all of them elsewhere", LIMIT, || (keepers[1].names().len() == MAX_CHANGES).then_some(()));
    let began = Instant::now();
    let fresh = Keeper::start("large", addresses(cluster)[2]);
    fresh.wait_until_loaded();
    println!(
        "{MAX_CHANGES} bindings: changed in {took:?}, read by a new doorkeeper in {:?}",
        began.elapsed()
    );
    assert_eq!(fresh.names().len(), MAX_CHANGES);
    let Ok(ChangeOutcome::Deleted(selected)) = fresh.change(Change::Delete(vec![filter(None)])) else {
        panic!()
    };
    assert_eq!(selected[0].len(), MAX_CHANGES);
    keepers[1].wait_for_names(&[]);

    create_topic(cluster, "small", &[("cleanup.policy", "compact"), ("max.message.bytes", "2000")]);
    let keeper = Keeper::start("small", addresses(cluster)[0]);
    keeper.wait_until_loaded();
    let Err(ChangeError::Unavailable(said)) = keeper.change(some(50)) else { panic!() };
    assert!(said.contains("max.message.bytes of the topic small is 2000: raise it"), "{said}");
    keeper.create(&["one"]).unwrap();
    keeper.wait_for_names(&["one"]);
}

/// Kafka's own compaction takes old records out, and at last the ends too: what a new reader makes of the rest is the same set, and
/// so is what an old one has.
#[test]
fn compaction_changes_nothing() {
    let Some(cluster) = cluster() else { return };
    let eager = [
        ("cleanup.policy", "compact"),
        ("segment.ms", "300"),
        ("segment.bytes", "1048576"),
        ("min.cleanable.dirty.ratio", "0.01"),
        ("max.compaction.lag.ms", "300"),
        ("delete.retention.ms", "0"),
    ];
    create_topic(cluster, "compacted", &eager);
    let old = Keeper::start("compacted", addresses(cluster)[0]);
    old.wait_until_loaded();
    for i in 0..40 {
        old.create(&[&format!("gone-{i}"), "stays"]).unwrap();
        assert_eq!(old.delete(&format!("gone-{i}")).len(), 1);
    }
    old.create(&["stays-too"]).unwrap();
    // A segment is closed only by what follows it.
    let mut written = 0;
    wait_for("compaction", LIMIT, || {
        std::thread::sleep(Duration::from_millis(400));
        append(cluster, "compacted", &format!("{{\"version\":2,\"filler\":{written}}}"), None);
        written += 1;
        let left = records_at_the_beginning(cluster);
        (left < 40).then_some(())
    });
    let expected = BTreeSet::from(["stays".to_owned(), "stays-too".to_owned()]);
    let fresh = Keeper::start("compacted", addresses(cluster)[1]);
    fresh.wait_until_loaded();
    assert_eq!(fresh.names(), expected);
    assert_eq!(old.names(), expected);
    assert_eq!(fresh.delete("stays"), ["stays"]);
    old.wait_for_names(&["stays-too"]);
}

/// How many of the first 160 records are left.
fn records_at_the_beginning(cluster: &crate::support::cluster::Cluster) -> usize {
    let fetched = addresses(cluster).iter().find_map(|address| {
        runtime().block_on(async {
            let mut connection = Connection::open(&address.to_string()).await.ok()?;
            connection.fetch("compacted", 0, Duration::ZERO, Reader::Leader).await.ok()
        })
    });
    let Some(fetched) = fetched else { return usize::MAX };
    let batches = kafka_protocol::records::RecordBatchDecoder::decode_all(&mut fetched.records.clone());
    batches.unwrap().iter().flat_map(|batch| &batch.records).filter(|record| record.offset < 160).count()
}
