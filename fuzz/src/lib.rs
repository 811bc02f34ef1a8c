//! What the fuzz targets do; `fuzz_targets/` hands each to libFuzzer, and `tests/fuzz_targets` runs all of them over the
//! seeds in every build, so that they do not rot. See CONTRIBUTING.md.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a panic is how a target fails")]
#![allow(dead_code, reason = "the parts are shared with tests, each of which uses some of them")]

#[path = "../../tests/acl_rule/mod.rs"]
mod acl_rule;
#[path = "../../tests/never_through/broker.rs"]
mod broker;
#[path = "../../tests/never_through/dice.rs"]
mod dice;
#[path = "../../tests/never_through/foreign.rs"]
mod foreign;
#[path = "../../tests/never_through/house.rs"]
mod house;
#[path = "../../tests/codec/layouts.rs"]
mod layouts;
#[path = "../../tests/never_through/played.rs"]
mod played;
#[path = "../../tests/never_through/records.rs"]
mod records;
#[path = "../../tests/never_through/requests.rs"]
mod requests;
#[path = "../../tests/never_through/rules.rs"]
mod rules;
#[path = "../../tests/codec/samples.rs"]
mod samples;
#[path = "../../tests/never_through/seen.rs"]
mod seen;
#[path = "../../tests/never_through/sessions.rs"]
mod sessions;
pub mod targets;
#[path = "../../tests/never_through/tree.rs"]
mod tree;
#[path = "../../tests/never_through/versions.rs"]
mod versions;
#[path = "../../tests/never_through/world.rs"]
mod world;
