//! What the fuzz targets do; `fuzz_targets/` hands each to libFuzzer, and `tests/protocol/never_through/seeds.rs` runs all of them over the
//! seeds in every build, so that they do not rot. See CONTRIBUTING.md.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a panic is how a target fails")]
#![allow(dead_code, reason = "the parts are shared with tests, each of which uses some of them")]

#[path = "../../tests/support"]
mod support {
    pub(crate) mod acl_rule;
    pub(crate) mod layouts;
    pub(crate) mod samples;
}

#[path = "../../tests/protocol/never_through.rs"]
mod never_through;

pub use never_through::targets;
