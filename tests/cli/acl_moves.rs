//! `doorkeeper acls import` and `export`, as an administrator runs them.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const ACLS: &str = "\
# ours
- { principal: \"User:alice\", topic: orders, operations: [Write, Describe] } # she fills it
- { principal: \"User:bob\", group: billing-, pattern: prefixed, operations: [Read], hosts: [\"10.0.0.0/8\", \"::1\"] }
- { principal: \"User:*\", cluster: true, operations: [All], permission: deny, host_texts: [gateway] }
";

/// A folder with a configuration and an ACL file; it goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, acls: &str) -> Folder {
        let folder =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("moves-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("doorkeeper.yaml"), include_str!("../../deploy/doorkeeper.yaml")).unwrap();
        std::fs::write(folder.join("acls.yaml"), acls).unwrap();
        Folder(folder)
    }

    fn acls(&self) -> String {
        std::fs::read_to_string(self.0.join("acls.yaml")).unwrap()
    }

    fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorkeeper"));
        command.current_dir(&self.0).arg("acls").args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || drop(stdin.write_all(input.as_bytes())));
            child.wait_with_output().unwrap()
        })
    }

    fn export(&self, form: &str) -> String {
        let output = self.run(&["export", "--config", "doorkeeper.yaml", "--to", form], "");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What it says to the import of this text.
    fn import(&self, form: &str, text: &str) -> String {
        let output = self.run(&["import", "--config", "doorkeeper.yaml", "--from", form], text);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Every binding, a line for each.
    fn bindings(&self) -> BTreeSet<String> {
        let mut resource = String::new();
        let mut bindings = BTreeSet::new();
        for line in self.export("kafka-acls").lines() {
            match line.trim() {
                line if line.starts_with("Current ACLs") => line.clone_into(&mut resource),
                line if line.starts_with('(') => drop(bindings.insert(format!("{resource} {line}"))),
                _ => {}
            }
        }
        bindings
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

#[test]
fn bindings_move_from_form_to_form_and_nothing_is_lost() {
    let from = Folder::new("from", ACLS);
    assert_eq!(from.bindings().len(), 5);
    for form in ["file", "kafka-acls"] {
        let to = Folder::new(form, "[]\n");
        assert_eq!(to.import(form, &from.export(form)), "5 bindings added, 0 there already\n");
        assert_eq!(to.bindings(), from.bindings());
        assert_eq!(to.import(form, &from.export(form)), "0 bindings added, 5 there already\n");
    }
}

#[test]
fn an_import_adds_to_the_file_as_it_stands() {
    let folder = Folder::new("adds", ACLS);
    let listed = "\
Current ACLs for resource `ResourcePattern(resourceType=TOPIC, name=orders, patternType=LITERAL)`: \n\
 \t(principal=User:alice, host=*, operation=WRITE, permissionType=ALLOW)\n\
\t(principal=User:carol, host=*, operation=READ, permissionType=ALLOW) \n \n";
    assert_eq!(folder.import("kafka-acls", listed), "1 binding added, 1 there already\n");
    let added = "- { principal: \"User:carol\", topic: orders, operations: [Read] }\n";
    assert_eq!(folder.acls(), format!("{ACLS}{added}"));
}

#[test]
fn a_large_set_moves_at_once() {
    let list: String = (0..12_000)
        .map(|i| {
            format!(
                "Current ACLs for resource `ResourcePattern(resourceType=GROUP, name=group-{i}, patternType=LITERAL)`: \n \t(principal=User:{i}, host=*, operation=READ, permissionType=ALLOW) \n \n"
            )
        })
        .collect();
    let folder = Folder::new("large", "[]\n");
    assert_eq!(folder.import("kafka-acls", &list), "12000 bindings added, 0 there already\n");
    assert_eq!(folder.bindings().len(), 12_000);
}

#[test]
fn what_is_wrong_is_said_and_changes_nothing() {
    let folder = Folder::new("wrong", ACLS);
    for (arguments, input, code, told) in [
        (
            &["import", "--config", "doorkeeper.yaml", "--from", "kafka-acls"][..],
            "nonsense\n",
            1,
            "standard input:1: this is no line that kafka-acls --list prints",
        ),
        (
            &["import", "--config", "doorkeeper.yaml", "--from", "file"],
            "- { principal: User:a, topics: t, operations: [Read] }",
            1,
            "standard input:1:24: the key 'topics' is not known here; did you mean 'topic'?",
        ),
        (
            &["import", "--config", "doorkeeper.yaml", "--from", "file", "nowhere.yaml"],
            "",
            1,
            "nowhere.yaml: ",
        ),
        (
            &["import", "--config", "nowhere.yaml", "--from", "file"],
            "",
            78,
            "nowhere.yaml: there is no such file",
        ),
        (
            &["import", "--config", "doorkeeper.yaml", "--from", "kafka-acls-commands"],
            "",
            2,
            "[possible values: file, kafka-acls",
        ),
        (
            // As when the command before the pipe has failed.
            &["import", "--config", "doorkeeper.yaml", "--from", "kafka-acls"],
            "\n",
            1,
            "standard input: there is nothing in it: give an ACL file, or what kafka-acls --list prints, and say with --from \
             which of these it is (file, kafka-acls)",
        ),
        (
            &["export", "--config", "doorkeeper.yaml", "--to", "excel"],
            "",
            2,
            "[possible values: file, kafka-acls, kafka-acls-commands",
        ),
    ] {
        let output = folder.run(arguments, input);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(told), "{arguments:?}: {said}");
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(code), &b""[..]), "{arguments:?}");
        assert_eq!(folder.acls(), ACLS);
    }
}
