use std::os::unix::fs::FileExt;

use super::*;
use crate::process::config::scratch::Scratch;
use crate::process::list_file::replace;

const TEXT: &str = "- one\n";

/// A file of which nothing but this is left: somebody has it open.
fn opened(text: &str) -> (Scratch, File, Behind) {
    let folder = Scratch::new();
    let path = folder.write("acls.yaml", text);
    let open = || OpenOptions::new().read(true).append(true).open(&path).unwrap();
    let behind = Behind::of(open(), &[], text).unwrap().unwrap();
    (folder, open(), behind)
}

#[test]
fn whole_lines_are_taken_once_and_half_ones_when_nothing_more_is_to_come() {
    let (_folder, mut writer, mut behind) = opened(TEXT);
    assert_eq!(behind.look(false).unwrap(), Found::Nothing);
    writer.write_all(b"- two\n- th").unwrap();
    assert_eq!(behind.look(false).unwrap(), Found::Appended(b"- two\n".to_vec()));
    assert_eq!(behind.look(false).unwrap(), Found::Nothing);
    writer.write_all(b"ree\n- four").unwrap();
    assert_eq!(behind.look(false).unwrap(), Found::Appended(b"- three\n".to_vec()));
    assert_eq!(behind.look(true).unwrap(), Found::Appended(b"- four".to_vec()));
    assert_eq!(behind.look(true).unwrap(), Found::Nothing);
}

#[test]
fn what_is_written_over_is_told_from_what_is_appended() {
    let long = "- one\n".repeat(40_000);
    let (_folder, writer, mut behind) = opened(&long);
    let file = OpenOptions::new().write(true).open(_folder.path().join("acls.yaml")).unwrap();
    file.write_all_at(b"x", 200_000).unwrap();
    (&writer).write_all(b"- two\n").unwrap();
    assert_eq!(behind.look(false).unwrap(), Found::Rewritten);
    let (_folder, writer, mut behind) = opened(&long);
    writer.set_len(3).unwrap();
    assert_eq!(behind.look(false).unwrap(), Found::Rewritten);
}

#[test]
fn only_the_text_that_was_meant_is_left_behind() {
    let folder = Scratch::new();
    let path = folder.write("acls.yaml", "\u{feff}- one\n");
    let of = |mark: &[u8], text: &str| Behind::of(File::open(&path).unwrap(), mark, text).unwrap().is_some();
    assert!(of("\u{feff}".as_bytes(), TEXT));
    assert!(!of("\u{feff}".as_bytes(), "- two\n") && !of(&[], "- one\n123") && !of(&[], TEXT));
}

/// Lines go to the file that has the name, and to none that somebody else has put there.
#[test]
fn lines_are_gathered_into_the_file_that_took_the_name() {
    let folder = Scratch::new();
    let path = folder.write("acls.yaml", "- one");
    let mut writer = OpenOptions::new().append(true).open(&path).unwrap();
    let mut left_behind = LeftBehind::default();
    left_behind.add(replace(&path, "- one", "- one\n- two").unwrap());
    left_behind.add(replace(&path, "- one\n- two", "- one\n- two\n- three").unwrap());
    writer.write_all(b"- four\n").unwrap();
    left_behind.gather(&path);
    let text = || std::fs::read_to_string(&path).unwrap();
    assert_eq!(text(), "- one\n- two\n- three\n- four\n");
    writer.write_all(b"- five\n").unwrap();
    folder.write("new", "- another\n");
    std::fs::rename(folder.path().join("new"), &path).unwrap();
    left_behind.gather(&path);
    assert_eq!((text().as_str(), left_behind.files.len()), ("- another\n", 0));
}

#[test]
fn no_more_files_are_kept_open_than_a_few() {
    let folder = Scratch::new();
    let path = folder.write("acls.yaml", "0");
    let mut left_behind = LeftBehind::default();
    for n in 0..2 * MOST {
        left_behind.add(replace(&path, &n.to_string(), &(n + 1).to_string()).unwrap());
        left_behind.gather(&path);
    }
    assert_eq!(left_behind.files.len(), MOST);
}
