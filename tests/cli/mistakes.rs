//! What people mistake who set doorkeeper up, and what they are told.

use std::net::TcpListener;

use crate::commands::{CHECK, Folder};

#[test]
fn a_configuration_without_its_option_is_given_it() {
    let folder = Folder::new();
    for command in ["check", "run"] {
        let said = folder.doorkeeper(&[command, "doorkeeper.yaml"]);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
        let hint = "\nThe configuration file has an option before it: --config doorkeeper.yaml\n";
        assert!(said.err.ends_with(hint), "{said:?}");
    }
    let said = folder.doorkeeper(&["check", "--config", "doorkeeper.yaml", "--verbose"]);
    assert!(said.code == 2 && !said.err.contains("has an option before it"), "{said:?}");
}

/// Who forgets which command another one belongs to is told.
#[test]
fn a_command_without_the_one_that_it_belongs_to_is_given_it() {
    let folder = Folder::new();
    for (arguments, whole) in [
        (&["explain", "--config", "doorkeeper.yaml"][..], "doorkeeper acls explain"),
        (&["list"], "doorkeeper acls list or doorkeeper users list"),
        (&["example"], "doorkeeper config example"),
        (&["schema"], "doorkeeper acls schema or doorkeeper users schema or doorkeeper config schema"),
    ] {
        let said = folder.doorkeeper(arguments);
        let hint = format!("\nIt belongs to another command: {whole}\n");
        assert!(said.code == 2 && said.err.ends_with(&hint), "{said:?}");
    }
    assert!(!folder.doorkeeper(&["walk"]).err.contains("belongs to"));
}

#[test]
fn a_file_in_the_place_of_the_other_is_told_what_it_is() {
    let folder = Folder::new();
    let said = folder.doorkeeper(&["check", "--config", "acls.yaml"]);
    assert_eq!(said.code, 78);
    assert!(said.err.contains(": this is a list, as an ACL file is, and no configuration: "), "{said:?}");
    folder.edit("doorkeeper.yaml", "file: acls.yaml", "file: doorkeeper.yaml");
    let said = folder.doorkeeper(CHECK);
    assert_eq!(said.code, 78);
    assert!(said.err.contains(": this is a configuration file and no ACL file: "), "{said:?}");
}

/// YAML's own message about it says nothing to whoever has not read its specification.
#[test]
fn a_colon_with_a_space_in_a_value_is_named() {
    let folder = Folder::new();
    const QUOTES: &str =
        ": a value that has a colon with a space behind it goes in quotes, as in 'key: \"a: b\"'\n1 fault\n";
    for (entry, place) in [
        ("- { principal: User: alice, topic: t, operations: [Read] }\n", "acls.yaml:1:20: "),
        ("- { principal: User:CN=a: b, topic: t, operations: [Read] }\n", "acls.yaml:1:25: "),
        ("- principal: User:CN=a: b\n  topic: t\n  operations: [Read]\n", "acls.yaml:1:23: "),
    ] {
        folder.write("acls.yaml", entry);
        let said = folder.doorkeeper(CHECK);
        assert!(said.code == 78 && said.err.starts_with(place) && said.err.ends_with(QUOTES), "{said:?}");
    }
    // What is wrong otherwise is not told this.
    for entry in [
        "- principal: \"User:a\"\n    topic: t\n  operations: [Read]\n",
        "- { principal: \"User:a\" topic: t, operations: [Read] }\n",
        "- { principal: \"User:a\", topic: t, operations: [Read }\n",
    ] {
        folder.write("acls.yaml", entry);
        let said = folder.doorkeeper(CHECK);
        assert!(
            said.code == 78 && said.err.contains("not YAML") && !said.err.contains("goes in quotes"),
            "{said:?}"
        );
    }
}

#[test]
fn what_a_shell_would_have_replaced_is_named() {
    let folder = Folder::new();
    for (name, remedy) in [
        ("~/tls.crt", "a tilde is not replaced here, write the whole path"),
        ("${TLS}/tls.crt", "variables are not replaced here, write the path that is meant"),
        ("$TLS/tls.crt", "variables are not replaced here, write the path that is meant"),
    ] {
        folder.edit("doorkeeper.yaml", "tls/tls.crt", name);
        let said = folder.doorkeeper(CHECK);
        let expected = format!("doorkeeper.yaml:12:26: {name}: there is no such file: {remedy}\n1 fault\n");
        assert_eq!((said.code, said.err), (78, expected));
        folder.edit("doorkeeper.yaml", name, "tls/tls.crt");
    }
    folder.edit("doorkeeper.yaml", "acls.yaml", "~/acls.yaml");
    let said = folder.doorkeeper(CHECK);
    assert!(said.err.contains("~/acls.yaml: there is no such file: a tilde"), "{said:?}");
    let said = folder.doorkeeper(&["check", "--config", "-"]);
    assert_eq!(said.code, 78);
    assert!(
        said.err.starts_with(
            "-: there is no such file: standard input is not read, since the file is read again later"
        ),
        "{said:?}"
    );
}

#[test]
fn bindings_are_imported_into_a_file_that_is_not_there_yet() {
    let folder = Folder::new();
    std::fs::rename(folder.0.join("acls.yaml"), folder.0.join("old.yaml")).unwrap();
    let import = ["acls", "import", "--config", "doorkeeper.yaml", "--from", "file"];
    // What cannot be read leaves nothing behind.
    folder.write("wrong.yaml", "- { principal: alice }");
    let said = folder.doorkeeper(&[&import[..], &["wrong.yaml"]].concat());
    assert_eq!((said.code, folder.0.join("acls.yaml").exists()), (1, false), "{said:?}");

    let said = folder.doorkeeper(&[&import[..], &["old.yaml"]].concat());
    assert_eq!((said.code, said.out.as_str()), (0, "9 bindings added, 0 there already\n"), "{said:?}");
    let said = folder.doorkeeper(&[&import[..], &["old.yaml"]].concat());
    assert_eq!((said.code, said.out.as_str()), (0, "0 bindings added, 9 there already\n"), "{said:?}");

    folder.edit("doorkeeper.yaml", "acls.yaml", "nowhere/acls.yaml");
    let said = folder.doorkeeper(&[&import[..], &["old.yaml"]].concat());
    assert_eq!(said.code, 1);
    assert!(said.err.starts_with("nowhere/acls.yaml: the file cannot be created: "), "{said:?}");
}

/// Whoever reads the log as JSON reads why there is none.
#[test]
fn what_keeps_it_from_starting_has_the_form_of_the_log() {
    let folder = Folder::new();
    folder.edit("doorkeeper.yaml", "format: text", "format: json");
    let run = ["run", "--config", "doorkeeper.yaml"];
    let lines = |text: &str| -> Vec<String> {
        let line = |line: &str| {
            let line: serde_json::Value =
                serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"));
            assert_eq!(line["level"], "ERROR");
            assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
            line["message"].as_str().unwrap().to_owned()
        };
        text.lines().map(line).collect()
    };
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    folder.edit("doorkeeper.yaml", "0.0.0.0:9443", &address);
    folder.edit("doorkeeper.yaml", "127.0.0.1:9901", "127.0.0.1:0");
    let said = folder.doorkeeper(&run);
    let [line] = &lines(&said.err)[..] else { panic!("{said:?}") };
    assert!(line.starts_with("doorkeeper cannot start: listener \"clients\": cannot listen on "), "{line}");
    assert_eq!(said.code, 1);

    folder.edit("doorkeeper.yaml", &address, "everywhere");
    std::fs::remove_file(folder.0.join("tls/ca.crt")).unwrap();
    let said = folder.doorkeeper(&run);
    assert_eq!(said.code, 78);
    let told = lines(&said.err);
    assert!(
        told[0].starts_with("doorkeeper.yaml:9:11: 'everywhere' is not an IP address and a port"),
        "{told:?}"
    );
    assert_eq!(told[1], "doorkeeper.yaml:14:18: tls/ca.crt: there is no such file");
    assert_eq!(told.len(), 2);
}
