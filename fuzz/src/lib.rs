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

// Inside a module of its folder: a file that is named by itself would look for its own modules beside it.
#[path = "../../tests/protocol"]
mod protocol {
    pub(crate) mod never_through;
}

use protocol::never_through;

pub use never_through::targets;
