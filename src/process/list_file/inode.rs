//! Which file a path leads to.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Which file it is, whatever it is called: the device, and the number there.
pub(in crate::process) type Inode = (u64, u64);

/// The file that a path leads to.
pub(in crate::process) fn inode_of(path: &Path) -> Option<Inode> {
    path.metadata().ok().map(|metadata| (metadata.dev(), metadata.ino()))
}
