//! What has to be compiled for the product and for its tests: nothing twice.

use std::collections::BTreeSet;
use std::process::Command;

/// Each package of the product with its features, as they are when these kinds of dependencies are compiled.
fn features(kinds: &str) -> BTreeSet<String> {
    let mut tree = Command::new(env!("CARGO"));
    tree.args([
        "tree",
        "--locked",
        "--offline",
        "--no-dedupe",
        "--prefix",
        "none",
        "--edges",
        kinds,
        "--format",
        "{p} {f}",
    ]);
    let listed = tree.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    String::from_utf8(listed.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn tests_change_no_feature_of_what_the_product_depends_on() {
    let product = features("normal,build");
    assert!(product.iter().any(|package| package.starts_with("rustls v")), "{product:?}");
    let tested = features("normal,build,dev");
    let forked: Vec<_> = product.difference(&tested).collect();
    assert!(forked.is_empty(), "compiled once more for the tests, and the product with it: {forked:?}");
}
