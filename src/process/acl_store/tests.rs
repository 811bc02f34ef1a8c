use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;
use crate::model::acl::{Operation, PatternType, Permission, ResourceType};
use crate::process::config::scratch::Scratch;
use crate::process::config::{AclFile, Acls};

/// The ACL file that the product was designed around.
const DESIGNED: &str = r#"# acls.yaml: Kafka's own words; several operations and hosts in one entry are several bindings
- { principal: "User:alice", topic: orders, operations: [Write, Describe] }
- { principal: "User:alice", group: billing-, pattern: prefixed, operations: [Read] }
- { principal: "User:ops", cluster: true, operations: [Describe, AlterConfigs] }
- { principal: "User:mallory", topic: "*", operations: [All], permission: deny, hosts: ["10.0.0.7"] }
"#;

fn parse(text: &str) -> Result<file::Bindings, String> {
    file::parse(Path::new("acls.yaml"), text).map_err(|faults| faults.to_string())
}

fn warnings(text: &str) -> Vec<String> {
    parse(text).unwrap().warnings.iter().map(ToString::to_string).collect()
}

fn authorization(file: PathBuf) -> Authorization {
    Authorization {
        super_users: vec!["User:admin".into()],
        allow_everyone_if_no_acl_found: false,
        acls: Some(Acls::File(AclFile { file, reload_interval: Duration::from_millis(1) })),
    }
}

fn may_write(store: &AclStore, topic: &str) -> bool {
    let view = store.current().authorizer.client("User:alice", [127, 0, 0, 1].into());
    view.decide(Operation::Write, ResourceType::Topic, topic).allowed
}

#[test]
fn the_designed_file_is_these_bindings() {
    let read = parse(DESIGNED).unwrap();
    let lines: Vec<String> = read.bindings.iter().map(ToString::to_string).collect();
    let expected = [
        "TOPIC, resourceName=orders, patternType=LITERAL, principal=User:alice, host=*, operation=WRITE, permissionType=ALLOW",
        "TOPIC, resourceName=orders, patternType=LITERAL, principal=User:alice, host=*, operation=DESCRIBE, permissionType=ALLOW",
        "GROUP, resourceName=billing-, patternType=PREFIXED, principal=User:alice, host=*, operation=READ, permissionType=ALLOW",
        "CLUSTER, resourceName=kafka-cluster, patternType=LITERAL, principal=User:ops, host=*, operation=DESCRIBE, permissionType=ALLOW",
        "CLUSTER, resourceName=kafka-cluster, patternType=LITERAL, principal=User:ops, host=*, operation=ALTER_CONFIGS, permissionType=ALLOW",
        "TOPIC, resourceName=*, patternType=LITERAL, principal=User:mallory, host=10.0.0.7, operation=ALL, permissionType=DENY",
    ];
    assert_eq!(lines, expected.map(|line| format!("StandardAcl[resourceType={line}]")));
    assert_eq!(read.warnings, []);
}

#[test]
fn every_resource_spelling_and_host_is_understood() {
    let text = r#"
- { principal: "User:*", transactional_id: "t", operations: [write, TWO_PHASE_COMMIT, TwoPhaseCommit] }
- { principal: "User:a", delegation_token: "x", operations: [DESCRIBE] }
- { principal: "User:a", user: "User:b", operations: [createtokens], hosts: ["::1", "10.0.0.0/8", "2001:db8::/32", "::ffff:1.2.3.4", "*"] }
"#;
    let read = parse(text).unwrap();
    let types: Vec<_> =
        read.bindings.iter().map(|binding| (binding.resource_type, binding.operation)).collect();
    assert_eq!(
        types[..3],
        [
            (ResourceType::TransactionalId, Operation::Write),
            (ResourceType::TransactionalId, Operation::TwoPhaseCommit),
            (ResourceType::DelegationToken, Operation::Describe),
        ]
    );
    let hosts: Vec<_> = read.bindings[3..].iter().map(|binding| binding.host.as_str()).collect();
    assert_eq!(hosts, ["0:0:0:0:0:0:0:1", "10.0.0.0/8", "2001:db8::/32", "1.2.3.4", "*"]);
    assert!(read.bindings.iter().all(|binding| binding.permission == Permission::Allow));
    assert!(read.bindings.iter().all(|binding| binding.pattern_type == PatternType::Literal));
    let messages: Vec<_> = read.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(messages, ["acls.yaml:2:3: TwoPhaseCommit from * was said before, by entry 1"]);
}

#[test]
fn a_wrong_file_is_refused_with_place_cause_and_remedy() {
    let mut differences = Vec::new();
    let operations = "All, Read, Write, Create, Delete, Alter, Describe, ClusterAction, DescribeConfigs, AlterConfigs, IdempotentWrite, CreateTokens, DescribeTokens, TwoPhaseCommit";
    for (text, expected) in [
        ("", "acls.yaml: the file is empty: write [] for an empty list".to_owned()),
        ("a: [", "acls.yaml:2:1: not YAML: did not find expected node content: see how this line and the one before it are indented, and whether a quote or bracket is not closed".into()),
        ("principal: User:a", "acls.yaml:1:1: the file is a list of entries: write '- ' before each, as in '- principal: …'".into()),
        ("acls: []", "acls.yaml:1:1: a mapping is not a list: write '- …' for each entry, or [ … ]".into()),
        (
            "version: 1\nlisteners: []\nauthorization: {}",
            "acls.yaml:1:1: this is a configuration file and no ACL file: name a file with a list of entries, such as '- { principal: \"User:alice\", topic: orders, operations: [Read] }'".into(),
        ),
        ("- { principal: 'User:a', cluster: yes, operations: [Alter] }", "acls.yaml:1:35: 'yes' is neither true nor false here: write true".into()),
        ("- User:a", "acls.yaml:1:3: 'User:a' is not a mapping of cluster, delegation_token, group, host_texts, hosts, operations, pattern, permission, principal, topic, transactional_id, user: write 'key: value'".into()),
        ("- { principal: 'User:a', topic: t, operations: [Wirte] }", format!("acls.yaml:1:49: 'Wirte' is not an operation: it is one of {operations}; did you mean 'Write'?")),
        ("- { principal: 'User:a', topic: t, operations: [] }", "acls.yaml:1:48: the list needs at least 1 entry".into()),
        ("- { principal: 'User:a', topic: t, operations: Read }", "acls.yaml:1:48: 'Read' is not a list: write ['Read']".into()),
        ("- { principal: 'User:a', topic: t }", "acls.yaml:1:3: the key 'operations' is missing: add it, such as 'operations: [Read]'".into()),
        ("- { principal: alice, topic: t, operations: [Read] }", "acls.yaml:1:16: 'alice' is not a principal with its type; write it like 'User:alice'".into()),
        ("- { topic: t, operations: [Read] }", "acls.yaml:1:3: the key 'principal' is missing: add it, such as 'principal: User:alice'".into()),
        ("- { principal: 'User:a', operations: [Read] }", "acls.yaml:1:3: the entry names no resource: add one of topic, group, cluster, transactional_id, delegation_token, user".into()),
        ("- { principal: 'User:a', topic: t, group: g, operations: [Read] }", "acls.yaml:1:3: the entry names several resources (topic, group): write one entry for each".into()),
        ("- { principal: 'User:a', topics: t, operations: [Read] }", "acls.yaml:1:26: the key 'topics' is not known here; did you mean 'topic'?".into()),
        ("- { principal: 'User:a', topic: '', operations: [Read] }", "acls.yaml:1:33: the name of the topic is empty: '*' means all".into()),
        ("- { principal: 'User:a', topic: [a, b], operations: [Read] }", "acls.yaml:1:33: a list is not text: write one here, and an entry of its own for each of the others".into()),
        ("- { principal: ['User:a', 'User:b'], topic: t, operations: [Read] }", "acls.yaml:1:16: a list is not text: write one here, and an entry of its own for each of the others".into()),
        ("- { principal: 'User:a', topic: {name: t}, operations: [Read] }", "acls.yaml:1:33: a mapping is not text: write it alone, in quotes where it has braces".into()),
        ("- { principal: 'User:a', topic: 7, operations: [Read] }", "acls.yaml:1:33: the number 7 is not text: put it in quotes".into()),
        ("- { principal: 'User:a', topic: *, operations: [Read] }", "acls.yaml:1:34: not YAML: did not find expected alphabetic or numeric character: a star that stands for all goes in quotes, '*'".into()),
        ("- { principal: 'User:a', cluster: false, operations: [Alter] }", "acls.yaml:1:35: 'cluster: false' is no resource: write 'cluster: true' or name another one".into()),
        ("- { principal: 'User:a', topic: t, pattern: prefix, operations: [Read] }", "acls.yaml:1:45: 'prefix' is not known here: it is one of literal, prefixed; did you mean 'prefixed'?".into()),
        ("- { principal: 'User:a', topic: t, permission: refuse, operations: [Read] }", "acls.yaml:1:48: 'refuse' is not known here: it is one of allow, deny".into()),
        ("- { principal: 'User:a', topic: t, operations: [Read], hosts: [gateway] }", "acls.yaml:1:64: 'gateway' is not an address: write an IP address, a network such as 10.0.0.0/8, or '*'".into()),
        ("- { principal: 'User:a', topic: t, operations: [Read], hosts: [10.0.0.0/33] }", "acls.yaml:1:64: '10.0.0.0/33' is not a network: the length of the prefix must be 0 to 32".into()),
        ("- { principal: 'User:a', topic: t, topic: u, operations: [Read] }", "acls.yaml:1:36: the key 'topic' is written twice: keep one".into()),
    ] {
        let faults = parse(text).expect_err(text);
        if faults != expected {
            differences.push(format!("{text}\n  has      {faults}\n  expected {expected}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn all_faults_of_all_entries_come_at_once() {
    let text = "- { principal: a, topic: t, operations: [Read, Raed] }\n- { principal: 'User:a', topic: t, operations: [Read], hosts: [x] }\n- { principal: 'User:a', operations: [Read] }\n";
    let faults = parse(text).unwrap_err();
    let places: Vec<_> = faults.lines().filter_map(|line| line.split(": ").next()).collect();
    assert_eq!(places, ["acls.yaml:1:16", "acls.yaml:1:48", "acls.yaml:2:64", "acls.yaml:3:3"], "{faults}");
}

#[test]
fn what_is_probably_a_mistake_is_warned_of() {
    for (text, expected) in [
        (
            "- { principal: 'Group:a', topic: t, operations: [Read] }",
            "acls.yaml:1:16: 'Group:a' is nobody: the type of a principal from a certificate is 'User'",
        ),
        (
            "- { principal: 'User:a', topic: '*', pattern: prefixed, operations: [Read] }",
            "acls.yaml:1:33: the prefix '*' is a star like any other letter: leave 'pattern' out to mean all",
        ),
        (
            "- { principal: 'User:a', cluster: true, pattern: prefixed, operations: [Alter] }",
            "acls.yaml:1:50: the cluster has one name and no prefixes: leave 'pattern' out",
        ),
        (
            "- { principal: 'User:a', topic: t, operations: [Read], host_texts: ['::1'] }",
            "acls.yaml:1:69: '::1' is no address in Java's spelling, so that this holds for nobody",
        ),
        (
            "- { principal: 'User:a', topic: t, operations: [Read], host_texts: [10.0.0.1] }",
            "acls.yaml:1:69: '10.0.0.1' is a host like others: write it under 'hosts'",
        ),
        (
            "- { principal: 'User:a', group: g, operations: [Write] }",
            "acls.yaml:1:49: Write has no meaning for a resource of type Group: Read, Delete, Describe, DescribeConfigs, AlterConfigs have",
        ),
        (
            "- { principal: 'User:a', topic: t, operations: [Read] }\n- { principal: 'User:a', topic: t, operations: [Read] }",
            "acls.yaml:2:3: Read from * was said before, by entry 1",
        ),
    ] {
        assert_eq!(warnings(text), [expected]);
    }
    let same = "- { principal: 'User:a', topic: t, operations: [Read] }\n".repeat(100);
    let many = warnings(&same);
    assert_eq!(many.len(), 21);
    assert_eq!(many[20], "acls.yaml:22:3: 79 more from here on are not listed");
    assert_eq!(parse(&same).unwrap().bindings.len(), 1);
}

#[test]
fn a_changed_file_replaces_the_set_and_a_wrong_one_does_not() {
    let folder = Scratch::new();
    let file = folder.write("acls.yaml", DESIGNED);
    let store = AclStore::open(&authorization(file.clone()), None).unwrap();
    assert!(may_write(&store, "orders") && !may_write(&store, "bills"));
    let first = store.status();
    assert_eq!((first.bindings, first.generation, first.last_reload_ok), (6, 1, true));
    assert_eq!(store.reload(), Reload::Unchanged);

    folder.write("acls.yaml", DESIGNED.replace("orders", "bills"));
    assert_eq!(store.reload(), Reload::Loaded(Vec::new()));
    assert!(!may_write(&store, "orders") && may_write(&store, "bills"));
    assert_eq!((store.generation(), store.current().number), (2, 2));

    folder.write("acls.yaml", "- nonsense");
    let refused = store.reload();
    assert!(matches!(&refused, Reload::Refused(faults) if faults.0.len() == 1), "{refused:?}");
    assert_eq!(store.reload(), Reload::StillRefused);
    let status = store.status();
    assert_eq!((status.bindings, status.generation, status.last_reload_ok), (6, 2, false));
    assert!(may_write(&store, "bills"), "the old set stays");

    std::fs::remove_file(&file).unwrap();
    assert!(matches!(store.reload(), Reload::Refused(_)));
    assert_eq!(store.generation(), 2);

    // The text in force comes back: nothing was lost, and all is well again.
    folder.write("acls.yaml", DESIGNED.replace("orders", "bills"));
    assert_eq!(store.reload(), Reload::Loaded(Vec::new()));
    assert!(store.status().last_reload_ok);
    assert_eq!(store.generation(), 3);
}

#[test]
fn without_a_file_there_are_no_bindings_and_super_users_still_count() {
    let store = AclStore::open(&Authorization { acls: None, ..authorization(PathBuf::new()) }, None).unwrap();
    assert_eq!(store.status().bindings, 0);
    assert_eq!(store.reload(), Reload::Unchanged);
    let admin = store.current().authorizer.client("User:admin", [127, 0, 0, 1].into());
    assert!(admin.decide(Operation::Alter, ResourceType::Cluster, "kafka-cluster").allowed);
    assert!(!may_write(&store, "orders"));
}

#[test]
fn a_missing_or_oversized_file_is_refused_at_the_start() {
    let folder = Scratch::new();
    let missing =
        AclStore::open(&authorization(folder.path().join("acls.yaml")), None).unwrap_err().to_string();
    assert!(missing.ends_with("acls.yaml: there is no such file"), "{missing}");
    let file = folder.write("acls.yaml", "#".repeat(4 * 1024 * 1024 + 1));
    let large = AclStore::open(&authorization(file), None).unwrap_err().to_string();
    assert!(
        large.ends_with("acls.yaml: the file is larger than 4096 KiB, which is the most that is read"),
        "{large}"
    );
    let file = folder.write("acls.yaml", b"- \xff");
    let bytes = AclStore::open(&authorization(file), None).unwrap_err().to_string();
    assert!(bytes.ends_with("acls.yaml: byte 3 is not UTF-8: save the file as UTF-8 text"), "{bytes}");
}

/// As the kubelet updates a mounted ConfigMap: the file is a link through `..data`, which is swapped by a rename.
#[cfg(unix)]
#[test]
fn a_swapped_folder_is_followed_again_and_again() {
    use std::os::unix::fs::symlink;
    let folder = Scratch::new();
    let put = |name: &str, text: &str| {
        std::fs::create_dir(folder.path().join(name)).unwrap();
        folder.write(&format!("{name}/acls.yaml"), text);
        symlink(name, folder.path().join("..data_tmp")).unwrap();
        std::fs::rename(folder.path().join("..data_tmp"), folder.path().join("..data")).unwrap();
    };
    put("..1", DESIGNED);
    symlink("..data/acls.yaml", folder.path().join("acls.yaml")).unwrap();
    let store = AclStore::open(&authorization(folder.path().join("acls.yaml")), None).unwrap();
    for (swap, topic) in [(2, "second"), (3, "third"), (4, "fourth")] {
        put(&format!("..{swap}"), &DESIGNED.replace("orders", topic));
        std::fs::remove_dir_all(folder.path().join(format!("..{}", swap - 1))).unwrap();
        assert_eq!(store.reload(), Reload::Loaded(Vec::new()));
        assert!(may_write(&store, topic));
    }
}

#[test]
fn each_thing_that_is_wrong_is_news_once() {
    let folder = Scratch::new();
    let file = folder.write("acls.yaml", "[]");
    let store = AclStore::open(&authorization(file.clone()), None).unwrap();
    let look = |text: Option<&str>| {
        match text {
            Some(text) => drop(folder.write("acls.yaml", text)),
            None => drop(std::fs::remove_file(&file)),
        }
        match store.reload() {
            Reload::Unchanged => "unchanged",
            Reload::Loaded(_) => "loaded",
            Reload::Refused(_) => "refused",
            Reload::StillRefused => "still refused",
        }
    };
    for (text, expected) in [
        (Some("- 1"), "refused"),
        (Some("- 1"), "still refused"),
        // Another text, the same fault.
        (Some("- 1 # really"), "still refused"),
        (Some("- 2"), "refused"),
        (None, "refused"),
        (None, "still refused"),
        (Some("- 2"), "refused"),
        (Some("[]"), "loaded"),
        (Some("[]"), "unchanged"),
        (Some("- 2"), "refused"),
    ] {
        assert_eq!(look(text), expected, "{text:?}");
    }
}

#[test]
fn ten_thousand_bindings_are_read() {
    let text: String = (0..10_000)
        .map(|i| format!("- {{ principal: 'User:u{i}', topic: t{i}, operations: [Read] }}\n"))
        .collect();
    assert_eq!(parse(&text).unwrap().bindings.len(), 10_000);
}

mod changes;
