//! Files that are written together: none of them over another, unless that is meant, and keys for their owner alone.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Of folders.
const FOLDER: u32 = 0o700;
/// Of files with a key or a password.
const SECRET: u32 = 0o600;
/// Of all others.
const PUBLIC: u32 = 0o644;
/// What of a file's mode stays when another takes its place, if it holds a secret: a group may have been given the right to read.
const KEPT_OF_SECRETS: u32 = 0o640;

/// A file that is to be.
struct NewFile {
    path: PathBuf,
    content: Zeroizing<Vec<u8>>,
    is_secret: bool,
}

/// Files that are to be, in their order.
#[derive(Default)]
pub(in crate::cli) struct Files(Vec<NewFile>);

impl Files {
    /// One that everybody may read who reaches it.
    pub(in crate::cli) fn public(&mut self, path: PathBuf, text: &str) {
        self.0.push(NewFile { path, content: Zeroizing::new(text.as_bytes().to_vec()), is_secret: false });
    }

    /// One with a key or a password in it.
    pub(in crate::cli) fn secret(&mut self, path: PathBuf, content: &[u8]) {
        self.0.push(NewFile { path, content: Zeroizing::new(content.to_vec()), is_secret: true });
    }

    /// Their names, without their folders.
    pub(in crate::cli) fn names(&self) -> String {
        let names = self.0.iter().filter_map(|file| file.path.file_name());
        names.map(|name| name.to_string_lossy().into_owned()).collect::<Vec<_>>().join(", ")
    }

    /// Those whose place is taken.
    fn taken(&self) -> Vec<&Path> {
        let paths = self.0.iter().map(|file| file.path.as_path());
        paths.filter(|path| fs::symlink_metadata(path).is_ok()).collect()
    }

    /// Writes them all, unless one is there already.
    ///
    /// # Errors
    /// Which is there, or what cannot be written and what has been.
    pub(in crate::cli) fn write_new(self) -> Result<(), String> {
        if let Some(first) = self.taken().first() {
            return Err(format!(
                "{} is there already: name another folder, or overwrite it with --force",
                first.display()
            ));
        }
        self.write(false)
    }

    /// Writes them all in the place of those that are there.
    ///
    /// # Errors
    /// What cannot be written, and what has been.
    pub(in crate::cli) fn replace(self) -> Result<(), String> {
        self.write(true)
    }

    fn write(self, replace: bool) -> Result<(), String> {
        for (written, file) in self.0.iter().enumerate() {
            let result = folder_of(&file.path).and_then(|()| match replace {
                true => replaced(file),
                false => put(file, &file.path, if file.is_secret { SECRET } else { PUBLIC }).map(drop),
            });
            result.map_err(|error| {
                let before = match written {
                    0 => "nothing was written".to_owned(),
                    _ => format!("the {written} files before it were written"),
                };
                format!("{}: the file cannot be written: {error}; {before}", file.path.display())
            })?;
        }
        Ok(())
    }
}

/// Makes the folder of a file where there is none, for its owner alone.
fn folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => {
            DirBuilder::new().recursive(true).mode(FOLDER).create(folder)
        }
        _ => Ok(()),
    }
}

/// Writes a file where there is none; whatever is there is not followed if it is a link.
fn put(file: &NewFile, path: &Path, mode: u32) -> io::Result<File> {
    let mut new = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    new.write_all(&file.content)?;
    new.sync_all()?;
    Ok(new)
}

/// Writes it beside the one that is there and puts it in its place, so that whoever looks sees the one or the other whole. Owner
/// and group stay, and who may read it.
fn replaced(file: &NewFile) -> io::Result<()> {
    let old = fs::metadata(&file.path).ok();
    let mut name = file.path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside = file.path.with_file_name(name);
    let mode = match (file.is_secret, &old) {
        (true, Some(old)) => old.mode() & KEPT_OF_SECRETS | SECRET,
        (false, Some(old)) => old.mode() & 0o777,
        (true, None) => SECRET,
        (false, None) => PUBLIC,
    };
    let result = put(file, &beside, SECRET)
        .and_then(|new| as_before(&new, old.as_ref(), mode))
        .and_then(|()| fs::rename(&beside, &file.path));
    if result.is_err() {
        drop(fs::remove_file(&beside));
    }
    result
}

fn as_before(new: &File, old: Option<&Metadata>, mode: u32) -> io::Result<()> {
    let own = new.metadata()?;
    if let Some(old) = old.filter(|old| (old.uid(), old.gid()) != (own.uid(), own.gid())) {
        fchown(new, Some(old.uid()), Some(old.gid()))?;
    }
    new.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let folder = std::env::temp_dir().join(format!("doorkeeper-files-{}-{name}", std::process::id()));
            fs::create_dir_all(&folder).unwrap();
            Folder(folder)
        }

        fn mode(&self, name: &str) -> u32 {
            fs::metadata(self.0.join(name)).unwrap().mode() & 0o777
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    #[test]
    fn keys_are_for_their_owner_alone_and_nothing_is_overwritten() {
        let folder = Folder::new("new");
        let both = || {
            let mut files = Files::default();
            files.public(folder.0.join("a/b/tls.crt"), "certificate");
            files.secret(folder.0.join("a/b/tls.key"), b"key");
            files
        };
        both().write_new().unwrap();
        let modes = ["a", "a/b", "a/b/tls.key"].map(|name| folder.mode(name));
        assert_eq!(modes, [0o700, 0o700, 0o600]);
        fs::remove_file(folder.0.join("a/b/tls.crt")).unwrap();
        let refused = both().write_new().unwrap_err();
        assert!(
            refused.ends_with("tls.key is there already: name another folder, or overwrite it with --force"),
            "{refused}"
        );
        assert!(!folder.0.join("a/b/tls.crt").exists(), "all or none");
        // A link that leads nowhere is something, too.
        fs::remove_file(folder.0.join("a/b/tls.key")).unwrap();
        std::os::unix::fs::symlink("/nonexistent", folder.0.join("a/b/tls.key")).unwrap();
        assert!(both().write_new().is_err());
    }

    #[test]
    fn what_takes_anothers_place_may_be_read_by_the_same_group() {
        let folder = Folder::new("replace");
        for (name, before, after) in
            [("open.key", 0o644, 0o640), ("group.key", 0o640, 0o640), ("own.key", 0o400, 0o600)]
        {
            let path = folder.0.join(name);
            fs::write(&path, "old").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(before)).unwrap();
            let mut files = Files::default();
            files.secret(path.clone(), b"new");
            files.replace().unwrap();
            assert_eq!(
                (fs::read_to_string(&path).unwrap().as_str(), folder.mode(name)),
                ("new", after),
                "{name}"
            );
        }
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 3, "nothing is left beside them");
    }

    #[test]
    fn what_cannot_be_written_is_named() {
        let folder = Folder::new("no-folder");
        fs::write(folder.0.join("file"), "").unwrap();
        let mut files = Files::default();
        files.public(folder.0.join("file/tls.crt"), "certificate");
        let said = files.replace().unwrap_err();
        assert!(
            said.contains("file/tls.crt: the file cannot be written: ")
                && said.ends_with("nothing was written"),
            "{said}"
        );
    }
}
