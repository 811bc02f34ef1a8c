//! What the README and the pages under `docs/` say is so.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::skipped;

const README: &str = include_str!("../../README.md");
const HOST: &str = include_str!("../../docs/host.md");
const CERTIFICATES: &str = include_str!("../../docs/certificates.md");
const CONFIGURATION: &str = include_str!("../../docs/configuration.md");

/// A front page is read whole: what is longer belongs on a page under `docs/`.
const LONGEST_README: usize = 9 * 1024;

/// The first block of a language on a page that contains `text`.
fn block(page: &str, language: &str, text: &str) -> String {
    let fence = format!("```{language}\n");
    let blocks = page.split(&fence).skip(1).filter_map(|rest| rest.split("```").next());
    let block = blocks.into_iter().find(|block| block.contains(text)).expect("a block with that text");
    // Blocks inside a list are indented.
    let indented = block.starts_with("   ");
    block
        .lines()
        .map(|line| line.strip_prefix("   ").filter(|_| indented).unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n")
}

fn doorkeeper(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_doorkeeper")).args(arguments).output().expect("the binary runs")
}

#[test]
fn the_table_of_keys_is_what_the_binary_prints() {
    let printed = doorkeeper(&["config", "reference"]).stdout;
    let (_, rest) = CONFIGURATION.split_once("<!-- config reference -->\n").expect("the table's beginning");
    let (table, _) = rest.split_once("<!-- end of config reference -->").expect("the table's end");
    assert_eq!(
        table,
        String::from_utf8(printed).unwrap(),
        "paste the output of `doorkeeper config reference`"
    );
}

/// A folder that is gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("doorkeeper-readme-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    /// Runs a command of a page as it stands there, but for the program's path.
    fn run(&self, command: &str) -> std::process::Output {
        let arguments = command.split_whitespace().skip_while(|word| *word != "doorkeeper").skip(1);
        let mut run = Command::new(env!("CARGO_BIN_EXE_doorkeeper"));
        run.args(arguments.take_while(|word| *word != "#"))
            .current_dir(&self.0)
            .output()
            .expect("the binary runs")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn yaml(text: &str) -> serde_yaml::Value {
    serde_yaml::from_str(text).unwrap()
}

#[test]
fn what_the_guide_makes_is_what_it_shows() {
    let folder = Folder::new("guide");
    let init = folder.run(&block(HOST, "", "doorkeeper init"));
    assert!(init.status.success(), "{init:?}");
    let door = folder.0.join("door");
    let written = fs::read_to_string(door.join("doorkeeper.yaml")).unwrap();
    assert_eq!(yaml(&block(HOST, "yaml", "version: 1")), yaml(&written));
    fs::write(door.join("acls.yaml"), block(HOST, "yaml", "User:alice")).unwrap();

    let shown = block(HOST, "", "$ doorkeeper check");
    let mut commands = shown.lines().filter(|line| line.starts_with("$ "));
    let check = folder.run(commands.next().unwrap());
    assert_eq!(String::from_utf8_lossy(&check.stderr), "", "not even a warning");
    let said = String::from_utf8(check.stdout).unwrap();
    // All but the date.
    let (before, after) = said.split_once(", on 2").expect("a date");
    let after = after.split_once('\n').expect("more lines").1;
    assert!(shown.contains(before) && shown.contains(after), "{said}");
    let denied = folder.run(commands.next().unwrap());
    assert!(shown.contains(&*String::from_utf8(denied.stdout).unwrap()), "the page shows another answer");
    assert_eq!(denied.status.code(), Some(1));
}

/// The front page shows all of both files, without comments.
#[test]
fn what_the_front_page_makes_is_what_it_shows() {
    let folder = Folder::new("front");
    let init = folder.run(&block(README, "", "doorkeeper init"));
    assert!(init.status.success(), "{init:?}");
    for (file, part) in [("doorkeeper.yaml", "version: 1"), ("acls.yaml", "User:alice")] {
        let written = fs::read_to_string(folder.0.join("door").join(file)).unwrap();
        assert_eq!(yaml(&block(README, "yaml", part)), yaml(&written), "{file}");
    }
    let check = block(README, "", "doorkeeper check");
    let check = folder.run(check.lines().next().unwrap());
    assert_eq!((check.status.code(), String::from_utf8_lossy(&check.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn certificates_by_openssl_and_by_certs_are_as_the_page_says() {
    let folder = Folder::new("certificates");
    let setup = folder.run("doorkeeper init . --host broker.example.com --client alice");
    assert!(setup.status.success(), "{setup:?}");
    let commands = block(CERTIFICATES, "", "doorkeeper certs client carol");
    for command in commands.lines().filter(|line| !line.contains("inspect broker.example.com:9443")) {
        let ran = folder.run(command);
        assert!(ran.status.success() && ran.stderr.is_empty(), "{command}: {ran:?}");
    }
    if Command::new("openssl").arg("version").output().is_err() {
        return skipped("certificates_by_openssl_and_by_certs_are_as_the_page_says", "there is no openssl");
    }
    let folder = Folder::new("openssl");
    let script = block(CERTIFICATES, "", "openssl req -newkey");
    let ran = Command::new("sh").args(["-ec", &script]).current_dir(&folder.0).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let judged = |file: &str, shown_as: &str| {
        let said = folder.run(&format!("doorkeeper certs inspect {file} --ca tls/ca.crt"));
        let said = String::from_utf8(said.stdout).unwrap();
        assert!(said.contains(&format!("as a {shown_as} by tls/ca.crt: accepted\n")), "{said}");
        said
    };
    assert!(judged("tls/tls.crt", "server").contains("DNS:broker.example.com"));
    assert!(
        judged("alice.crt", "client").contains("principal: User:CN=alice,O=Example, by the rule DEFAULT\n")
    );
}

#[test]
fn the_front_page_is_short() {
    assert!(README.len() <= LONGEST_README, "{} bytes: move something to docs/", README.len());
}

/// Every link on a page leads to a file of the repository, and to a heading in it where it names one.
#[test]
fn links_resolve() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages: Vec<PathBuf> =
        fs::read_dir(root.join("docs")).unwrap().map(|page| page.unwrap().path()).collect();
    let others = [
        "README.md",
        "SECURITY.md",
        "CODE_OF_CONDUCT.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "deploy/README.md",
        "deploy/compose/README.md",
    ];
    pages.extend(others.map(|page| root.join(page)));
    pages.extend(
        ["helm/README.md", "helm/doorkeeper/README.md", "helm/doorkeeper-lib/README.md"]
            .map(|page| root.join(page)),
    );
    let mut links = 0;
    let mut linked = BTreeSet::new();
    for page in &pages {
        let text = fs::read_to_string(page).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.contains("://") {
                continue;
            }
            links += 1;
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            let place = format!("{}: {target}", page.display());
            assert!(path.exists(), "{place}: there is no such file");
            if !heading.is_empty() {
                let text = fs::read_to_string(&path).unwrap();
                let headings: Vec<String> =
                    text.lines().filter(|line| line.starts_with('#')).map(anchor).collect();
                assert!(headings.iter().any(|known| known == heading), "{place}: there are {headings:?}");
            }
            linked.insert(path.canonicalize().unwrap());
        }
    }
    assert!(links > 50, "{links}");
    for page in pages.iter().filter(|page| page.starts_with(root.join("docs"))) {
        assert!(linked.contains(&page.canonicalize().unwrap()), "no page leads to {}", page.display());
    }
}

/// What a heading is called in a link: its letters and digits in lower case, with `-` for blanks.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}
