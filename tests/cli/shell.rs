//! Completions and the manual: what shells and `man` make of them.

use crate::support::kafka::scratch;
use crate::support::skipped;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn doorkeeper(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_doorkeeper")).args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The completions for a shell, in a file.
fn completions(shell: &str) -> PathBuf {
    let printed = doorkeeper(&["completions", shell]);
    assert!(printed.status.success() && printed.stderr.is_empty(), "{printed:?}");
    let file = scratch("completions").join(shell);
    fs::write(&file, printed.stdout).unwrap();
    file
}

/// What a shell prints for a script; nothing, said aloud, where there is no such shell.
fn said_by(shell: &str, script: &str) -> Option<String> {
    match Command::new(shell).args(["-c", script]).env_remove("DOORKEEPER_CONFIG").output() {
        Ok(ran) => {
            assert!(ran.status.success() && ran.stderr.is_empty(), "{shell}: {script}: {ran:?}");
            Some(text(&ran))
        }
        Err(error) => {
            skipped(&format!("completions for {shell}"), &format!("{shell} cannot be run ({error})"));
            None
        }
    }
}

#[test]
fn bash_completes_commands_options_and_their_values() {
    let file = completions("bash").display().to_string();
    let after = |line: &[&str]| {
        let words: Vec<String> = line.iter().map(|word| format!("'{word}'")).collect();
        let (last, previous) = (words.last().unwrap(), &words[words.len() - 2]);
        let script = format!(
            "source '{file}'; COMP_WORDS=({}); COMP_CWORD={}; _doorkeeper doorkeeper {last} {previous}; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            words.join(" "),
            words.len() - 1
        );
        said_by("bash", &script).map(|said| said.lines().map(str::to_owned).collect::<Vec<_>>())
    };
    let Some(commands) = after(&["doorkeeper", ""]) else { return };
    for command in ["run", "check", "acls", "completions", "man"] {
        assert!(commands.iter().any(|known| known == command), "{commands:?}");
    }
    assert_eq!(after(&["doorkeeper", "acls", "exp"]).unwrap(), ["explain", "export"]);
    assert_eq!(after(&["doorkeeper", "acls", "explain", "--princ"]).unwrap(), ["--principal"]);
    assert_eq!(after(&["doorkeeper", "healthcheck", "--check", "st"]).unwrap(), ["startup"]);
}

#[test]
fn fish_completes_commands_and_options() {
    let file = completions("fish").display().to_string();
    let after = |line: &str| said_by("fish", &format!("source '{file}'; complete --do-complete '{line}'"));
    let Some(commands) = after("doorkeeper ch") else { return };
    assert!(commands.starts_with("check\t"), "{commands}");
    let options = after("doorkeeper acls explain --princ").unwrap();
    assert!(options.starts_with("--principal\t"), "{options}");
}

#[test]
fn zsh_loads_its_function() {
    let file = completions("zsh");
    assert!(fs::read_to_string(&file).unwrap().starts_with("#compdef doorkeeper\n"));
    let file = file.display();
    let script = format!("autoload -U compinit; compinit -D -u; source '{file}'; print $_comps[doorkeeper]");
    let Some(said) = said_by("zsh", &script) else { return };
    assert_eq!(said, "_doorkeeper\n");
}

/// All pages, in a new folder.
fn pages() -> (PathBuf, Vec<String>) {
    let folder = scratch("manual").join("man1");
    let written = doorkeeper(&["man", "--directory", folder.to_str().unwrap()]);
    assert!(written.status.success() && written.stdout.is_empty(), "{written:?}");
    let mut names: Vec<String> =
        fs::read_dir(&folder).unwrap().map(|page| page.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    (folder, names)
}

/// The subcommands that the help of a command lists.
fn listed(command: &[&str]) -> Vec<String> {
    let help = text(&doorkeeper(&[command, &["--help"]].concat()));
    let Some((_, rest)) = help.split_once("\nCommands:\n") else { return Vec::new() };
    let lines = rest.lines().take_while(|line| !line.is_empty());
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_command_has_a_page() {
    let mut expected = vec!["doorkeeper.1".to_owned()];
    let commands = listed(&[]);
    assert!(commands.len() >= 8, "{commands:?}");
    for command in &commands {
        expected.push(format!("doorkeeper-{command}.1"));
        expected.extend(listed(&[command]).iter().map(|below| format!("doorkeeper-{command}-{below}.1")));
    }
    expected.sort();
    let (folder, names) = pages();
    assert_eq!(names, expected);
    let page = fs::read_to_string(folder.join("doorkeeper-acls-explain.1")).unwrap();
    assert!(page.contains(r"\fB\-\-principal\fR"), "{page}");
    // The first page is also what is printed.
    let page = fs::read_to_string(folder.join("doorkeeper.1")).unwrap();
    assert!(page.contains(".SH \"EXIT STATUS\"\nExit codes: 0 success"), "{page}");
    assert_eq!(text(&doorkeeper(&["man"])), page);
}

#[test]
fn man_has_nothing_against_the_pages() {
    let (folder, names) = pages();
    for name in names {
        let mut man = Command::new("man");
        man.args(["--warnings", "--local-file"])
            .arg(folder.join(&name))
            .env("MANWIDTH", "100")
            .env("LC_ALL", "C.UTF-8");
        let Ok(shown) = man.output() else {
            return skipped(
                "man_has_nothing_against_the_pages",
                "man cannot be run; the Debian package is man-db",
            );
        };
        assert!(shown.status.success(), "{name}: {shown:?}");
        assert_eq!(String::from_utf8_lossy(&shown.stderr), "", "{name}");
        let shown = text(&shown);
        assert!(shown.contains("NAME") && shown.contains("SYNOPSIS"), "{name}: {shown}");
    }
}

#[test]
fn what_stands_in_the_environment_is_not_in_the_pages() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorkeeper"));
    let folder = scratch("manual");
    command.args(["man", "--directory"]).arg(&folder).env("DOORKEEPER_CONFIG", "/etc/of-this-machine.yaml");
    assert!(command.status().unwrap().success());
    let page = fs::read_to_string(folder.join("doorkeeper-run.1")).unwrap();
    assert!(page.contains("DOORKEEPER_CONFIG") && !page.contains("of-this-machine"), "{page}");
}

#[test]
fn a_folder_that_cannot_be_made_is_one_clear_error() {
    let file = scratch("manual").join("file");
    fs::write(&file, "").unwrap();
    let folder: &Path = &file.join("man1");
    let refused = doorkeeper(&["man", "--directory", folder.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        said.starts_with(&format!("doorkeeper man: cannot write the manual into {}: ", folder.display())),
        "{said}"
    );
}
