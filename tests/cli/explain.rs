//! `doorkeeper acls explain` where a right has an alternative: the answer is what becomes of the client's requests.

use crate::commands::Folder;

const HEAD: &[&str] = &["acls", "explain", "--config", "doorkeeper.yaml"];

/// The answer to whoever asks with these ACLs.
fn explained(acls: &str, open: bool, question: &[&str]) -> (i32, String) {
    let folder = Folder::new();
    folder.write("acls.yaml", acls);
    if open {
        folder.edit(
            "doorkeeper.yaml",
            "allow_everyone_if_no_acl_found: false",
            "allow_everyone_if_no_acl_found: true",
        );
    }
    let said = folder.doorkeeper(&[HEAD, question].concat());
    assert_eq!(said.err, "");
    (said.code, said.out)
}

/// As [`explained`], of alice.
fn of_alice(acls: &str, question: &[&str]) -> (i32, String) {
    explained(acls, false, &[&["--principal", "User:alice"], question].concat())
}

const WRITES: &str = "- { principal: \"User:alice\", topic: orders, operations: [Write] }\n";

/// KIP-679: a producer that may write to a topic gets its producer id.
#[test]
fn who_may_write_to_a_topic_may_write_idempotently() {
    let question = &["--operation", "IdempotentWrite", "--cluster"];
    let binding = "StandardAcl[resourceType=TOPIC, resourceName=orders, patternType=LITERAL, principal=User:alice, host=*, operation=WRITE, permissionType=ALLOW] (acls.yaml:1:3)";
    assert_eq!(
        of_alice(WRITES, question),
        (
            0,
            format!(
                "allowed: User:alice IdempotentWrite on Cluster kafka-cluster from 127.0.0.1\n\
                 because Write on any Topic is enough for InitProducerId, and that is allowed because of {binding}\n"
            )
        )
    );
    let (code, text) = of_alice("[]", question);
    assert_eq!(code, 1);
    assert!(text.contains("\nfor InitProducerId, Write on any Topic is enough as well\n"), "{text}");
    let entry = "this entry of the ACLs would allow it: - { principal: \"User:alice\", topic: NAME, operations: [Write] } with its name for NAME\n";
    assert!(text.ends_with(entry), "{text}");
    assert!(!text.contains("cluster: true"), "a right on the cluster is advised: {text}");
    // What is advised is enough.
    let advised = "- { principal: \"User:alice\", topic: NAME, operations: [Write] }";
    assert_eq!(of_alice(advised, question).0, 0);
    // A denial of the cluster's right alone keeps nobody from it who may write.
    let denied = format!(
        "{WRITES}- {{ principal: \"User:alice\", cluster: true, operations: [IdempotentWrite], permission: deny }}\n"
    );
    assert_eq!(of_alice(&denied, question).0, 0);
    // One of everything that it may write does.
    let nowhere = format!(
        "{WRITES}- {{ principal: \"User:alice\", topic: \"*\", operations: [Write], permission: deny }}\n"
    );
    let (code, text) = of_alice(&nowhere, question);
    assert_eq!(code, 1, "{text}");
}

#[test]
fn who_may_create_every_topic_may_create_one() {
    let question = &["--operation", "Create", "--topic", "orders"];
    let cluster = "- { principal: \"User:alice\", cluster: true, operations: [Create] }\n";
    let (code, text) = of_alice(cluster, question);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains(
            "\nbecause Create on the Cluster is enough for Metadata, CreateTopics and StreamsGroupHeartbeat, and that is allowed because of StandardAcl[resourceType=CLUSTER"
        ),
        "{text}"
    );
    let (code, text) = of_alice("[]", question);
    assert_eq!(code, 1);
    let entry = "this entry of the ACLs would allow it: - { principal: \"User:alice\", topic: orders, operations: [Create] }\n";
    assert!(text.ends_with(entry), "{text}");

    let (code, text) = of_alice("[]", &["--operation", "Create", "--cluster"]);
    assert_eq!(code, 1);
    for part in [
        "\nfor Metadata, CreateTopics and StreamsGroupHeartbeat, Create on the Topic is enough for one Topic alone\n",
        "would allow it: - { principal: \"User:alice\", cluster: true, operations: [Create] }\n",
        "or for one alone: - { principal: \"User:alice\", topic: NAME, operations: [Create] } with its name for NAME\n",
    ] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
}

/// What would be warned of in the file is said of a proposal for it.
#[test]
fn an_entry_that_would_hold_for_nobody_is_proposed_with_the_reason() {
    for (principal, topic, doubts) in [
        ("User:bob", "elsewhere", &[][..]),
        (
            "User:bob",
            "else*",
            &[
                "the star in 'else*' is a letter like any other: for all names that begin with 'else', leave it out and add 'pattern: prefixed'",
            ],
        ),
        (
            "User:CN=bob,O=Example",
            "elsewhere",
            &[
                "'User:CN=bob,O=Example' is nobody by the principal_mapping_rules: a client with the subject 'CN=bob,O=Example' is 'User:bob'",
            ],
        ),
        (
            "Group:ops",
            "else where",
            &[
                "'Group:ops' is nobody: the type of a principal from a certificate is 'User'",
                "'else where' is not a topic's name (1 to 249 of letters, digits, '_', '-' and '.')",
            ],
        ),
    ] {
        let question = ["--principal", principal, "--operation", "Write", "--topic", topic];
        let (code, text) = explained("[]", false, &question);
        assert_eq!(code, 1, "{text}");
        let told: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("but ")).collect();
        assert_eq!(told, doubts, "{text}");
        let folder = Folder::new();
        let said = folder.doorkeeper(&[HEAD, &question, &["--format", "json"]].concat());
        let answer: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!(answer["warnings"], serde_json::json!(doubts));
    }
}

/// Where only some of the requests are content with something else, the right itself is not there.
#[test]
fn what_is_enough_for_some_requests_alone_is_no_right() {
    let cluster = "- { principal: \"User:alice\", cluster: true, operations: [ClusterAction] }\n";
    let (code, text) = of_alice(cluster, &["--operation", "Describe", "--topic", "orders"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("\nbut OffsetForLeaderEpoch is let through: ClusterAction on the Cluster is enough for that, and is allowed because of "), "{text}");
    assert!(text.ends_with("\nDescribe comes with Read, Write, Delete or Alter, too\n"), "{text}");
}

#[test]
fn an_operation_that_brings_another_is_named() {
    let (code, text) = of_alice(WRITES, &["--operation", "Describe", "--topic", "orders"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.ends_with(" (acls.yaml:1:3), and Write brings Describe with it\n"), "{text}");
    let alters = "- { principal: \"User:alice\", topic: orders, operations: [AlterConfigs] }\n";
    let (code, text) = of_alice(alters, &["--operation", "DescribeConfigs", "--topic", "orders"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.ends_with("and AlterConfigs brings DescribeConfigs with it\n"), "{text}");
    let (_, text) = of_alice("[]", &["--operation", "DescribeConfigs", "--group", "g"]);
    assert!(text.ends_with("\nDescribeConfigs comes with AlterConfigs, too\n"), "{text}");
}

#[test]
fn what_is_open_to_everybody_is_said_to_close() {
    let bob = ["--principal", "User:bob", "--operation", "Read", "--topic"];
    let (code, text) = explained(WRITES, true, &[&bob[..], &["elsewhere"]].concat());
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("because no binding is about this resource, and allow_everyone_if_no_acl_found is true\nthe first binding on this resource, whoever it is for, ends that for everybody else\n"), "{text}");
    let (code, text) = explained(WRITES, true, &[&bob[..], &["orders"]].concat());
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains(", and allow_everyone_if_no_acl_found counts only where there is none for anybody\n"),
        "{text}"
    );
    // Kafka looks for a topic that nobody has named, and that is open.
    let idempotent = ["--principal", "User:bob", "--operation", "IdempotentWrite", "--cluster"];
    let closed = "- { principal: \"User:ops\", cluster: true, operations: [All] }\n";
    assert_eq!(explained(closed, true, &idempotent).0, 0);
    assert_eq!(explained(closed, false, &idempotent).0, 1);
}
