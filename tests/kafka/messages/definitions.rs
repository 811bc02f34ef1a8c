//! The definitions inside Kafka's jars are those that the tests know; the other tests hold the codec to them.

use super::java::{NEWEST, OLDEST, kafka_jars, run};

/// After raising `NEWEST`, the failure shows what the release added.
#[test]
fn kafka_defines_its_messages_as_we_know_them() {
    let (Some(old), Some(new)) = (kafka_jars(OLDEST), kafka_jars(NEWEST)) else { return };
    let jar = |folder: &std::path::Path, version| folder.join(format!("kafka-clients-{version}.jar"));
    let (old, new) = (jar(&old, OLDEST), (jar(&new, NEWEST), &new));
    let theirs = run(new.1, "MessageDefinitions.java", &[&old, &new.0]);
    let ours = include_str!("../../data/kafka-messages.txt");
    if theirs != ours {
        let lost: Vec<_> = ours.lines().filter(|line| !theirs.contains(line)).collect();
        let added: Vec<_> = theirs.lines().filter(|line| !ours.contains(line)).collect();
        panic!(
            "Kafka {NEWEST} has other messages. Write what tests/tools/MessageDefinitions.java prints into \
             tests/data/kafka-messages.txt; its diff is what to declare.\nlost: {lost:#?}\nadded: {added:#?}"
        );
    }
}
