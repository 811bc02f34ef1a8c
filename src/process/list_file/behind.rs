//! Files whose name another one has taken, and what somebody writes into them all the same.
//!
//! `echo '- …' >> acls.yaml` opens the file that has the name at that moment and writes into it a little later. When a
//! change puts another file in its place in between, the line is in a file that nobody will read. So the files that had the
//! name are kept open for a while and looked at again: what was appended to one is appended to the file that has the name.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::time::{Duration, Instant};

use super::MAX_BYTES;
use super::inode::{Inode, inode_of};

/// How long a file that had the name is looked at.
const LOOKED_AT: Duration = Duration::from_secs(60);
/// The most of them that are kept open.
const MOST: usize = 64;
/// How much of a file is read at once.
const PIECE: usize = 64 * 1024;

/// A file that had the name.
#[derive(Debug)]
pub(in crate::process) struct Behind {
    file: File,
    inode: Inode,
    /// How much of it is known, and the hash of that.
    known: (u64, u64),
    /// Its length and the time of its last change, when it was looked at last.
    looked: (u64, i64, i64),
    since: Instant,
}

/// What became of a file after it had lost its name.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    /// These whole lines were appended.
    Appended(Vec<u8>),
    /// What it said is not in it any more.
    Rewritten,
}

impl Behind {
    /// The file, if it has this text behind this mark.
    pub(in crate::process) fn of(file: File, mark: &[u8], text: &str) -> io::Result<Option<Behind>> {
        let length = (mark.len() + text.len()) as u64;
        let inode = file.metadata().map(|metadata| (metadata.dev(), metadata.ino()))?;
        let looked = looked(&file)?;
        if looked.0 != length {
            return Ok(None);
        }
        let mut is_it = true;
        let mut rest = text.as_bytes();
        let mut mark = mark;
        let hash = hash_of(&file, length, |mut piece| {
            // The mark is shorter than a piece.
            is_it &= piece.starts_with(mark);
            piece = piece.get(std::mem::take(&mut mark).len()..).unwrap_or_default();
            let (expected, more) = rest.split_at_checked(piece.len()).unwrap_or_default();
            is_it &= piece == expected;
            rest = more;
        })?;
        Ok(is_it.then(|| Behind { file, inode, known: (length, hash), looked, since: Instant::now() }))
    }

    /// Looks at it again. Of a line that is not at its end nothing is taken unless this is the `last` look.
    fn look(&mut self, last: bool) -> io::Result<Found> {
        let now = looked(&self.file)?;
        if now == self.looked && !last {
            return Ok(Found::Nothing);
        }
        self.looked = now;
        let (length, hash) = self.known;
        // Nobody appends more than a file may have.
        let more = now.0.checked_sub(length).filter(|more| *more <= MAX_BYTES);
        let Some(more) = more.and_then(|more| usize::try_from(more).ok()) else {
            return Ok(Found::Rewritten);
        };
        if hash_of(&self.file, length, |_| ())? != hash {
            return Ok(Found::Rewritten);
        }
        let mut appended = vec![0; more];
        self.file.read_exact_at(&mut appended, length)?;
        if !last {
            appended.truncate(appended.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1));
        }
        if appended.is_empty() {
            return Ok(Found::Nothing);
        }
        let length = length + appended.len() as u64;
        self.known = (length, hash_of(&self.file, length, |_| ())?);
        Ok(Found::Appended(appended))
    }
}

/// Its length, and when it was changed last.
fn looked(file: &File) -> io::Result<(u64, i64, i64)> {
    file.metadata().map(|metadata| (metadata.len(), metadata.mtime(), metadata.mtime_nsec()))
}

/// The hash of the file up to this length, of which every piece is shown.
fn hash_of(file: &File, length: u64, mut show: impl FnMut(&[u8])) -> io::Result<u64> {
    let mut hasher = DefaultHasher::new();
    let mut piece = vec![0; PIECE];
    let mut at = 0;
    while at < length {
        let size = usize::try_from(length - at).unwrap_or(PIECE).min(PIECE);
        file.read_exact_at(&mut piece[..size], at)?;
        hasher.write(&piece[..size]);
        show(&piece[..size]);
        at += size as u64;
    }
    Ok(hasher.finish())
}

/// What became of the file.
#[derive(Debug)]
pub(in crate::process) struct Replaced {
    /// The file that has the name now.
    pub(in crate::process) inode: Inode,
    /// The one that had it before.
    pub(in crate::process) behind: Behind,
}

/// The files that had the name, the latest last.
#[derive(Debug, Default)]
pub(in crate::process) struct LeftBehind {
    files: VecDeque<Behind>,
    /// The file that got the name last.
    current: Option<Inode>,
}

impl LeftBehind {
    /// Another file has taken the name.
    pub(in crate::process) fn add(&mut self, replaced: Replaced) {
        if self.current.is_some_and(|current| current != replaced.behind.inode) {
            self.files.clear();
        }
        self.files.push_back(replaced.behind);
        self.current = Some(replaced.inode);
    }

    /// Appends what was appended to these files to the one that has the name.
    pub(in crate::process) fn gather(&mut self, path: &Path) {
        if self.files.is_empty() {
            return;
        }
        // Whoever put a file of his own there has decided what is in it.
        if inode_of(path) != self.current {
            self.files.clear();
            return;
        }
        let mut appended = Vec::new();
        let mut too_many = self.files.len().saturating_sub(MOST);
        self.files.retain_mut(|file| {
            let last = too_many > 0 || file.since.elapsed() >= LOOKED_AT;
            too_many = too_many.saturating_sub(1);
            match lines_of(file, last, path) {
                Some(lines) => appended.push(lines),
                None => return false,
            }
            !last
        });
        let appended: Vec<u8> = appended.concat();
        if let Err(error) = append(path, &appended) {
            tracing::error!(
                "{} could not be written ({error}); what was appended to it while a change of the ACLs was made is lost: {}",
                path.display(),
                String::from_utf8_lossy(&appended).escape_debug()
            );
        }
    }
}

/// What was appended to the file; `None`: there is nothing more to look for.
fn lines_of(file: &mut Behind, last: bool, path: &Path) -> Option<Vec<u8>> {
    match file.look(last) {
        Ok(Found::Appended(lines)) => {
            tracing::info!(
                "{} was appended to while a change of the ACLs was made: the lines are taken over",
                path.display()
            );
            Some(lines)
        }
        Ok(Found::Nothing) => Some(Vec::new()),
        Ok(Found::Rewritten) => {
            tracing::error!(
                "{} was rewritten in place while a change of the ACLs was made: what was written is lost. Write another file \
                 and rename it",
                path.display()
            );
            None
        }
        Err(error) => {
            tracing::warn!("what was {} before a change of the ACLs cannot be read: {error}", path.display());
            None
        }
    }
}

/// Appends to the file in one write, on a line of its own.
fn append(path: &Path, lines: &[u8]) -> io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let mut file = OpenOptions::new().read(true).append(true).open(path)?;
    let mut lines = lines.to_vec();
    let length = file.metadata()?.len();
    let mut last = [b'\n'];
    if length > 0 {
        file.read_exact_at(&mut last, length - 1)?;
    }
    if last != [b'\n'] {
        lines.insert(0, b'\n');
    }
    file.write_all(&lines)?;
    file.sync_data()
}

#[cfg(test)]
mod tests;
