//! `doorkeeper init`: what lies in the folder, and what is left alone. What is served by it is tested in `tests/proxy`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::commands::{Said, doorkeeper};
use crate::support::kafka::scratch;

const INIT: [&str; 8] =
    ["init", "door", "--upstream", "127.0.0.1:9092", "--host", "broker.example.com", "--client", "alice"];

/// All files below a folder, with their modes.
fn tree(folder: &Path) -> Vec<(String, u32)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            found.push((path.strip_prefix(folder).unwrap().display().to_string(), mode));
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    found.sort();
    found
}

fn init(folder: &Path, more: &[&str]) -> Said {
    doorkeeper(folder, &[&INIT[..], more].concat())
}

fn all_texts(folder: &Path) -> Vec<Vec<u8>> {
    let files = tree(folder).into_iter().map(|(name, _)| folder.join(name)).filter(|path| path.is_file());
    files.map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn a_whole_setup_passes_the_check_without_a_warning() {
    let folder = scratch("init");
    let said = init(&folder, &["--client", "bob"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    let door = folder.join("door");
    let mut expected: Vec<(String, u32)> = vec![
        ("acls.yaml".into(), 0o644),
        ("ca".into(), 0o700),
        ("ca/ca.crt".into(), 0o644),
        ("ca/ca.key".into(), 0o600),
        ("clients".into(), 0o700),
        ("doorkeeper.yaml".into(), 0o644),
        ("tls".into(), 0o700),
        ("tls/ca.crt".into(), 0o644),
        ("tls/tls.crt".into(), 0o644),
        ("tls/tls.key".into(), 0o600),
    ];
    for name in ["admin", "alice", "bob"] {
        expected.push((format!("clients/{name}"), 0o700));
        for (file, mode) in [
            ("ca.crt", 0o644),
            ("client.crt", 0o644),
            ("client.key", 0o600),
            ("client.p12", 0o600),
            ("client.pem", 0o600),
            ("client.properties", 0o600),
            ("client.py", 0o644),
            ("kcat.conf", 0o644),
            ("password", 0o600),
            ("truststore.p12", 0o600),
        ] {
            expected.push((format!("clients/{name}/{file}"), mode));
        }
    }
    expected.sort();
    assert_eq!(tree(&door), expected);
    assert_eq!(fs::metadata(&door).unwrap().permissions().mode() & 0o777, 0o700);

    // The commands that it names, as they stand there.
    let commands: Vec<&str> = said.out.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    assert_eq!(
        commands,
        [
            "doorkeeper check --config door/doorkeeper.yaml",
            "doorkeeper run --config door/doorkeeper.yaml",
            "kcat -F door/clients/alice/kcat.conf -L",
        ]
    );
    let check = doorkeeper(
        &folder,
        &["check", "--config", "door/doorkeeper.yaml", "--client", "door/clients/bob/client.crt"],
    );
    assert_eq!((check.code, check.err.as_str()), (0, ""), "not even a warning: {check:?}");
    assert!(check.out.contains("ok: 1 listener, 2 certificates, 8 bindings, 1 super user\n"), "{check:?}");
    assert!(check.out.contains("the subject CN=bob is User:bob, and is let in"), "{check:?}");
    let may = |who: &str, operation: &str, topic: &str| {
        let question = ["--principal", who, "--operation", operation, "--topic", topic];
        doorkeeper(
            &folder,
            &[&["acls", "explain", "--config", "door/doorkeeper.yaml"], &question[..]].concat(),
        )
        .code
            == 0
    };
    assert!(may("User:alice", "Write", "alice.test") && may("User:alice", "Describe", "alice.test"));
    assert!(!may("User:alice", "Write", "bob.test") && !may("User:alice", "Write", "alice"));
    assert!(!may("User:alice", "Delete", "alice.test") && may("User:admin", "Delete", "alice.test"));
}

#[test]
fn a_second_init_changes_nothing_and_says_what_to_do() {
    let folder = scratch("init");
    assert_eq!(init(&folder, &[]).code, 0);
    let door = folder.join("door");
    let before = all_texts(&door);
    let said = init(&folder, &["--client", "carol"]);
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    let lines: Vec<&str> = said.err.lines().collect();
    assert_eq!(
        lines[0],
        "door: there is a setup already (doorkeeper.yaml, acls.yaml, ca, tls, clients), and nothing of it was changed"
    );
    assert_eq!(all_texts(&door), before);
    // What it says works as it stands there.
    let run = |line: &str| {
        let command = line.split_once(": doorkeeper ").expect("a command").1.replace("NAME", "carol");
        let said = doorkeeper(&folder, &command.split(' ').collect::<Vec<_>>());
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{command}: {said:?}");
    };
    run(lines[1]);
    run(lines[2]);
    assert_eq!(tree(&door.join("clients/carol")), tree(&door.join("clients/alice")));
    let check = ["check", "--config", "door/doorkeeper.yaml", "--client", "door/clients/carol/client.crt"];
    let check = doorkeeper(&folder, &check);
    assert!(check.code == 0 && check.out.contains("CN=carol is User:carol, and is let in"), "{check:?}");
}

#[test]
fn with_force_everything_is_anew_and_the_old_certificates_are_refused() {
    let folder = scratch("init");
    assert_eq!(init(&folder, &[]).code, 0);
    fs::copy(folder.join("door/clients/alice/client.crt"), folder.join("old.crt")).unwrap();
    let said = init(&folder, &["--force"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let check = |client: &str| {
        doorkeeper(&folder, &["check", "--config", "door/doorkeeper.yaml", "--client", client])
    };
    assert_eq!(check("door/clients/alice/client.crt").code, 0);
    let refused = check("old.crt");
    assert!(refused.code == 1 && refused.out.contains("is not let in"), "{refused:?}");
}

#[test]
fn a_part_of_a_setup_is_left_alone() {
    let folder = scratch("init");
    fs::create_dir_all(folder.join("door")).unwrap();
    fs::write(folder.join("door/acls.yaml"), "[]\n").unwrap();
    let said = init(&folder, &[]);
    assert!(said.code == 1 && said.err.starts_with("door: there is a setup already (acls.yaml)"), "{said:?}");
    assert_eq!(tree(&folder.join("door")).len(), 1);
    // A folder with something else in it is no setup.
    fs::rename(folder.join("door/acls.yaml"), folder.join("door/notes")).unwrap();
    assert_eq!(init(&folder, &[]).code, 0);
}

#[test]
fn without_clients_there_is_the_super_user_and_examples() {
    let folder = scratch("init");
    let said = doorkeeper(&folder, &["init", "door", "--host", "2001:db8::7", "--bind", "[::]:9444"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    let check = doorkeeper(&folder, &["check", "--config", "door/doorkeeper.yaml"]);
    assert!(check.err.is_empty() && check.out.contains(" 0 bindings, 1 super user"), "{check:?}");
    let kcat = fs::read_to_string(folder.join("door/clients/admin/kcat.conf")).unwrap();
    assert!(kcat.contains("bootstrap.servers=[2001:db8::7]:9444\n"), "{kcat}");
    // The examples are right once their signs are gone.
    let acls = folder.join("door/acls.yaml");
    let text = fs::read_to_string(&acls).unwrap().replace("# - {", "- {").replace("\n[]\n", "\n");
    fs::write(&acls, text).unwrap();
    let check = doorkeeper(&folder, &["check", "--config", "door/doorkeeper.yaml"]);
    assert!(check.err.is_empty() && check.out.contains(" 3 bindings, 1 super user"), "{check:?}");
}

#[test]
fn what_makes_no_setup_is_told() {
    let folder = scratch("init");
    fs::write(folder.join("file"), "").unwrap();
    let run = |arguments: &[&str]| doorkeeper(&folder, &[&["init"], arguments].concat());
    for (arguments, code, told) in [
        (&["door"][..], 2, "--host <HOST>"),
        (&["door", "--host", "*.example.com"], 2, "write a host that clients can connect to"),
        (&["door", "--host", "a", "--upstream", "PLAINTEXT://a:9092"], 2, "leave 'PLAINTEXT://' out"),
        (
            &["door", "--host", "a", "--client", "admin"],
            2,
            "admin is made anyway, as the super user: leave it out",
        ),
        (&["door", "--host", "a", "--client", "a.b"], 2, "write a name of letters, digits, '-' and '_'"),
        (&["door", "--host", "a", "--bind", "localhost:9443"], 2, "write an IP address and a port"),
        (&["door", "--host", "a", "--client", "a", "--client", "a"], 1, "the client a is named twice\n"),
        (&["file", "--host", "a"], 1, "file: this is a file: name a folder\n"),
        (&["file/door", "--host", "a"], 1, "file/door/ca/ca.crt: the file cannot be written: "),
    ] {
        let said = run(arguments);
        assert!(
            said.code == code && said.err.contains(told) && said.out.is_empty(),
            "{arguments:?}: {said:?}"
        );
    }
    assert_eq!(tree(&folder).len(), 1, "nothing was made");
}

#[test]
fn a_folder_with_odd_letters_is_found_again_by_java() {
    let folder = scratch("init").join("K\u{f6}ln und Umgebung");
    fs::create_dir_all(&folder).unwrap();
    assert_eq!(init(&folder, &[]).code, 0);
    let folder: PathBuf = folder.join("door/clients/alice");
    let properties = fs::read_to_string(folder.join("client.properties")).unwrap();
    assert!(
        properties.is_ascii()
            && properties.contains("K\\u00f6ln und Umgebung/door/clients/alice/client.p12\n"),
        "{properties}"
    );
}

#[test]
fn a_setup_with_passwords_passes_the_check_without_a_warning() {
    let folder = scratch("init");
    let said = init(&folder, &["--sasl"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    let door = folder.join("door");
    let alice: Vec<(String, u32)> = tree(&door.join("clients/alice"));
    let expected = [
        ("ca.crt", 0o644),
        ("client.properties", 0o600),
        ("client.py", 0o600),
        ("kcat.conf", 0o600),
        ("password", 0o600),
        ("truststore.p12", 0o600),
    ];
    assert_eq!(alice, expected.map(|(name, mode)| (name.to_owned(), mode)));
    assert!(door.join("clients/admin/client.crt").exists());
    assert_eq!(fs::metadata(door.join("users.yaml")).unwrap().permissions().mode() & 0o777, 0o600);
    let password = fs::read_to_string(door.join("clients/alice/password")).unwrap();
    for (file, line) in [
        ("client.properties", format!("username=\"alice\" password=\"{}\";", password.trim())),
        ("kcat.conf", format!("sasl.password={}", password.trim())),
        ("client.py", format!("\"sasl.password\": \"{}\"", password.trim())),
    ] {
        let text = fs::read_to_string(door.join("clients/alice").join(file)).unwrap();
        assert!(text.contains(&line), "{file}: {text}");
    }
    let checked = doorkeeper(&folder, &["check", "--config", "door/doorkeeper.yaml"]);
    assert!(checked.code == 0 && !checked.out.contains("warning"), "{checked:?}");
    let listed = doorkeeper(&folder, &["users", "list", "--config", "door/doorkeeper.yaml"]);
    assert_eq!(listed.out, "alice\tSCRAM-SHA-512 (iterations=8192)\n", "{listed:?}");
    // One more, whose password is on standard input.
    let one_more = ["users", "set", "bob", "--config", "door/doorkeeper.yaml", "--generate"];
    let said = doorkeeper(&folder, &one_more);
    assert!(
        said.code == 0 && said.out.contains("user 'bob' logs in by SCRAM-SHA-512\npassword: "),
        "{said:?}"
    );
}
