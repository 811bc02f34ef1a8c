//! The demo needs a C Kafka client for its cluster; nothing else may.

/// The packages of a lock file.
fn locked(lock: &str) -> impl Iterator<Item = &str> {
    lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
}

#[test]
fn no_c_kafka_client_is_built_for_the_product_or_its_tests() {
    let own: Vec<_> = locked(include_str!("../../Cargo.lock")).collect();
    assert!(own.contains(&"doorkeeper"), "the lock file is not read as it should be");
    assert!(!own.iter().any(|name| name.starts_with("rdkafka")), "librdkafka is among our own dependencies");
    assert!(locked(include_str!("../mock-cluster/Cargo.lock")).any(|name| name == "rdkafka-sys"));
}
