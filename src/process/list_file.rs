//! YAML files with a list of entries that people write and doorkeeper changes: where the entries stand, and another text in the
//! place of one.

mod behind;
mod inode;
mod layout;
mod replace;

/// The most bytes of such a file.
pub(super) const MAX_BYTES: u64 = 4 * 1024 * 1024;

pub(super) use behind::LeftBehind;
pub(super) use layout::{Layout, comments};
pub(super) use replace::{NotReplaced, replace};
