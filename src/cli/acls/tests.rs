use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::model::acl::{CLUSTER_NAME, Operation, PatternType, Permission, ResourceType};

/// What `kafka-acls --list` of Kafka 4.4 prints.
const LISTED: &str = "\
ACLs for principal `User:CN=dan,OU=\"a,b\",C=DE`
Current ACLs for resource `ResourcePattern(resourceType=TOPIC, name=orders, patternType=PREFIXED)`: \n\
 \t(principal=User:CN=dan,OU=\"a,b\",C=DE, host=10.0.0.0/8, operation=DESCRIBE_CONFIGS, permissionType=DENY)
\t(principal=User:*, host=*, operation=ALL, permissionType=ALLOW) \n\
 \n\
Current ACLs for resource `ResourcePattern(resourceType=TRANSACTIONAL_ID, name=a, patternType=LITERAL)`, patternType=LITERAL)`: \n\
 \t(principal=User:a, host=*, operation=WRITE, permissionType=ALLOW) \n";

fn form(name: &str) -> &'static Form {
    let parsed = clap::Command::new("test")
        .arg(clap::Arg::new("form").value_parser(forms::writable()))
        .try_get_matches_from(["test", name]);
    parsed.unwrap().get_one::<&'static Form>("form").unwrap()
}

#[test]
fn the_tools_list_is_read() {
    let read = form("kafka-acls").read(Path::new("list"), LISTED.to_owned()).unwrap();
    let lines: Vec<String> = read.iter().map(ToString::to_string).collect();
    let expected = [
        "TOPIC, resourceName=orders, patternType=PREFIXED, principal=User:CN=dan,OU=\"a,b\",C=DE, host=10.0.0.0/8, operation=DESCRIBE_CONFIGS, permissionType=DENY",
        "TOPIC, resourceName=orders, patternType=PREFIXED, principal=User:*, host=*, operation=ALL, permissionType=ALLOW",
        "TRANSACTIONAL_ID, resourceName=a, patternType=LITERAL)`, patternType=LITERAL, principal=User:a, host=*, operation=WRITE, permissionType=ALLOW",
    ];
    assert_eq!(lines, expected.map(|line| format!("StandardAcl[resourceType={line}]")));
}

#[test]
fn what_is_no_list_is_refused_with_its_line() {
    let resource =
        "Current ACLs for resource `ResourcePattern(resourceType=TOPIC, name=t, patternType=LITERAL)`:";
    for (text, told) in [
        ("[]", "list:1: this is no line that kafka-acls --list prints since Kafka 2.2: give its standard output, as it is".to_owned()),
        (
            "\n(principal=User:a, host=*, operation=READ, permissionType=ALLOW)",
            "list:2: no line 'Current ACLs for resource …' says what this is for".into(),
        ),
        (
            &format!("{resource}\n(principal=User:a, host=*)"),
            "list:2: write (principal=…, host=…, operation=…, permissionType=…), as kafka-acls does".into(),
        ),
        (
            &format!("{resource}\n(principal=a, host=*, operation=READ, permissionType=ALLOW)"),
            "list:2: the principal \"a\" has no type: write it like User:alice".into(),
        ),
        (
            &format!("{resource}\n(principal=User:a, host=*, operation=READ, permissionType=ANY)"),
            "list:2: unknown permission \"ANY\": use one of Deny, Allow".into(),
        ),
        (&resource.replace("name=t", "name="), "list:1: the resource has no name".into()),
        (&resource.replace(")`:", ""), "list:1: the line about the resource has no end".into()),
    ] {
        assert_eq!(form("kafka-acls").read(Path::new("list"), text.to_owned()), Err(told));
    }
}

#[test]
fn commands_are_those_of_a_shell() {
    let binding = |name: &str, operation, permission| Binding {
        resource_type: ResourceType::Topic,
        resource_name: name.to_owned(),
        pattern_type: PatternType::Prefixed,
        principal: "User:O'Neil, $HOME".to_owned(),
        host: "*".to_owned(),
        operation,
        permission,
    };
    let bindings = [
        binding("a", Operation::Read, Permission::Deny),
        binding("a", Operation::All, Permission::Deny),
        Binding {
            resource_type: ResourceType::Cluster,
            resource_name: CLUSTER_NAME.to_owned(),
            pattern_type: PatternType::Literal,
            ..binding("", Operation::Alter, Permission::Allow)
        },
    ];
    let written = form("kafka-acls-commands").written(&bindings.iter().collect::<Vec<_>>()).unwrap();
    let commands: Vec<&str> = written.lines().filter(|line| line.starts_with("\"${KAFKA_ACLS")).collect();
    let expected = [
        r"--deny-principal='User:O'\''Neil, $HOME' --deny-host='*' --operation=Read --operation=All --topic='a' --resource-pattern-type=prefixed",
        r"--allow-principal='User:O'\''Neil, $HOME' --allow-host='*' --operation=Alter --cluster",
    ];
    let head = "\"${KAFKA_ACLS:-kafka-acls.sh}\" --bootstrap-server \"$BOOTSTRAP_SERVER\" --command-config \"$COMMAND_CONFIG\" --add ";
    assert_eq!(commands, expected.map(|command| format!("{head}{command}")));

    // Nobody is asked for anything when the variables are not set.
    for (set, told) in [
        (None, "BOOTSTRAP_SERVER: set it to the address of a broker, such as kafka:9092"),
        (Some("a:9092"), "COMMAND_CONFIG: set it to a file with the settings of an administrator"),
    ] {
        let mut shell = std::process::Command::new("sh");
        shell
            .args(["-c", &written])
            .env("KAFKA_ACLS", "echo")
            .env_remove("BOOTSTRAP_SERVER")
            .env_remove("COMMAND_CONFIG");
        let ran = shell.envs(set.map(|server| ("BOOTSTRAP_SERVER", server))).output().unwrap();
        let said = String::from_utf8(ran.stderr).unwrap();
        assert!(!ran.status.success() && ran.stdout.is_empty() && said.contains(told), "{said}");
    }

    let senseless = binding("a", Operation::ClusterAction, Permission::Allow);
    let refused = form("kafka-acls-commands").written(&[&senseless]).unwrap_err();
    assert!(refused.starts_with("kafka-acls has no words for StandardAcl["), "{refused}");
}

fn bindings() -> impl Strategy<Value = Vec<Binding>> {
    let one = (
        proptest::sample::select(ResourceType::ALL),
        "[^\n\r]{1,9}",
        proptest::sample::select(PatternType::ALL),
        "[^\n\r]{0,9}:[^\n\r]{0,9}",
        proptest::sample::select(&["*", "10.0.0.1", "10.0.0.0/8", "0:0:0:0:0:0:0:1", "::1", "gateway"][..]),
        proptest::sample::select(Operation::ALL),
        proptest::sample::select(Permission::ALL),
    );
    let one = one.prop_map(|(resource_type, name, pattern_type, principal, host, operation, permission)| {
        let is_cluster = resource_type == ResourceType::Cluster;
        Binding {
            resource_name: if is_cluster { CLUSTER_NAME.to_owned() } else { name },
            resource_type,
            pattern_type,
            principal,
            host: host.to_owned(),
            operation,
            permission,
        }
    });
    prop::collection::vec(one, 0..300)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    /// From one form to the next and back, and nothing is lost.
    #[test]
    fn every_form_that_is_written_is_read(bindings in bindings()) {
        let expected: HashSet<&Binding> = bindings.iter().collect();
        let mut moved: Vec<Binding> = bindings.clone();
        for name in ["file", "kafka-acls", "file"] {
            let text = form(name).written(&moved.iter().collect::<Vec<_>>()).map_err(TestCaseError::fail)?;
            moved = form(name).read(Path::new("moved"), text).map_err(TestCaseError::fail)?;
            prop_assert_eq!(moved.iter().collect::<HashSet<_>>(), expected.clone(), "{}", name);
        }
    }
}
