//! Puts another text in the place of a file, whole or not at all, if it still is the text that was read.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::behind::{Behind, Replaced};
use super::inode::{Inode, inode_of};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why a file was not replaced.
#[derive(Debug)]
pub(in crate::process) enum NotReplaced {
    /// Somebody else has changed it.
    Changed,
    /// It is not to be changed from here: why, as the end of a sentence.
    ReadOnly(String),
    /// It should have been possible: what failed.
    Failed(String),
}

/// Replaces the text `old` of the file by `new`; when this returns, the new text lasts.
///
/// A new file is written beside the old one and takes its name, with its mode and its owner.
pub(in crate::process) fn replace(path: &Path, old: &str, new: &str) -> Result<Replaced, NotReplaced> {
    // The kubelet swaps the folder behind this link; what is written into it is gone with the next change.
    let is_projected = |link: PathBuf| link.components().any(|part| part.as_os_str() == "..data");
    if std::fs::read_link(path).is_ok_and(is_projected) {
        return Err(NotReplaced::ReadOnly("it is mounted from a ConfigMap or a Secret".to_owned()));
    }
    let target = path.canonicalize().map_err(failed)?;
    // Opened for writing to learn whether its owner lets us; that a folder lets us replace a file does not say so.
    let current = OpenOptions::new().read(true).write(true).open(&target);
    let metadata = target.metadata().map_err(failed)?;
    if metadata.permissions().readonly() {
        return Err(NotReplaced::ReadOnly("its mode allows nobody to write it".to_owned()));
    }
    let mut current = current.map_err(|error| refused("it cannot be written", &error))?;
    let byte_order_mark = mark_of(&mut current)?;
    let folder = target.parent().unwrap_or(Path::new("/"));
    let beside = Beside::create(folder, &target)?;
    let inode = beside.write(byte_order_mark, new, &metadata)?;
    // From here on nothing takes long: what is written after this look at the text is found by the one after the renaming.
    let behind = Behind::of(current, byte_order_mark, old).map_err(failed)?.ok_or(NotReplaced::Changed)?;
    if inode_of(&target) != Some((metadata.dev(), metadata.ino())) {
        return Err(NotReplaced::Changed);
    }
    std::fs::rename(&beside.path, &target)
        .map_err(|error| refused("it is a mount of its own and cannot be replaced", &error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(Replaced { inode, behind })
}

fn failed(error: io::Error) -> NotReplaced {
    NotReplaced::Failed(error.to_string())
}

/// The mark in front of the file's text, if there is one.
fn mark_of(file: &mut File) -> Result<&'static [u8], NotReplaced> {
    let mut first = Vec::with_capacity(BYTE_ORDER_MARK.len());
    file.take(BYTE_ORDER_MARK.len() as u64).read_to_end(&mut first).map_err(failed)?;
    Ok(if first == BYTE_ORDER_MARK { BYTE_ORDER_MARK } else { &[] })
}

/// The new file while it has a name of its own; it is removed if it keeps that.
struct Beside {
    path: PathBuf,
    file: File,
}

impl Beside {
    fn create(folder: &Path, target: &Path) -> Result<Beside, NotReplaced> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        // In a container every process is number 1.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let path = folder.join(format!(".{name}.{}-{}", std::process::id(), since.as_nanos()));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = file.map_err(|error| refused("no file can be made in its folder", &error))?;
        Ok(Beside { path, file })
    }

    fn write(&self, mark: &[u8], text: &str, like: &Metadata) -> Result<Inode, NotReplaced> {
        let mut file = &self.file;
        file.write_all(mark).and_then(|()| file.write_all(text.as_bytes())).map_err(failed)?;
        let own = file.metadata().map_err(failed)?;
        if (own.uid(), own.gid()) != (like.uid(), like.gid()) {
            chown(&self.path, Some(like.uid()), Some(like.gid()))
                .map_err(|error| refused("its owner would change", &error))?;
        }
        file.set_permissions(like.permissions()).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        Ok((own.dev(), own.ino()))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // After the rename nothing has this name.
        drop(std::fs::remove_file(&self.path));
    }
}

/// What a failure says of the file: that it is not to be changed, or that something broke.
fn refused(what: &str, error: &io::Error) -> NotReplaced {
    match error.kind() {
        ErrorKind::PermissionDenied
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::ResourceBusy
        | ErrorKind::CrossesDevices => NotReplaced::ReadOnly(format!("{what} ({error})")),
        _ => NotReplaced::Failed(format!("{what}: {error}")),
    }
}
