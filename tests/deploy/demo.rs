//! The demo: its picture shows what it does today, and what it needs stays its own.

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

/// The picture is made by the demo itself (`make demo-picture`), and an old one would tell of steps that are no more.
#[test]
fn the_picture_shows_the_steps_of_the_demo() {
    let picture = include_str!("../../docs/demo.svg");
    let account = include_str!("../../examples/demo/account.rs");
    let steps: Vec<_> = account
        .split(".step(\"")
        .skip(1)
        .filter_map(|rest| rest.split_once("\")"))
        .map(|(step, _)| step)
        .collect();
    assert!(steps.len() > 5, "the steps are not read as they should be: {steps:?}");
    for (number, step) in (1..).zip(&steps) {
        assert!(
            picture.contains(step),
            "step {number}, {step:?}, is not in docs/demo.svg: make demo-picture"
        );
    }
    assert_eq!(
        picture.matches("class=\"bold\"").count(),
        steps.len() + 2,
        "headings, all of them steps but two"
    );
}
