//! The `doorkeeper` command as a user runs it: what it prints where, and with which code it exits.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

const CONFIG: &str = include_str!("../../deploy/doorkeeper.yaml");
const ACLS: &str = include_str!("../../deploy/acls.yaml");

/// A folder with a complete configuration, gone with the test.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("cli-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = Folder(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name));
        std::fs::create_dir_all(folder.0.join("tls")).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "Test CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".into()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "broker-0");
        params.not_after = rcgen::date_time_ymd(2999, 1, 2);
        folder.write("tls/tls.crt", &params.signed_by(&key, &ca).unwrap().pem());
        folder.write("tls/tls.key", &key.serialize_pem());
        folder.write("tls/ca.crt", &ca.pem());
        folder.write("doorkeeper.yaml", CONFIG);
        folder.write("acls.yaml", ACLS);
        folder
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    /// Replaces a part of a file.
    pub(crate) fn edit(&self, name: &str, old: &str, new: &str) {
        let text = std::fs::read_to_string(self.0.join(name)).unwrap();
        assert!(text.contains(old), "{name} has no {old:?}");
        self.write(name, &text.replacen(old, new, 1));
    }

    /// Runs the command in this folder.
    pub(crate) fn doorkeeper(&self, arguments: &[&str]) -> Said {
        doorkeeper(&self.0, arguments)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn doorkeeper(folder: &Path, arguments: &[&str]) -> Said {
    doorkeeper_with(folder, arguments, &[])
}

/// The same with these variables set.
pub(crate) fn doorkeeper_with(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorkeeper"));
    for unset in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "DOORKEEPER_CONFIG"] {
        command.env_remove(unset);
    }
    let command = command.args(arguments).envs(variables.iter().copied()).current_dir(folder).output();
    let Output { status, stdout, stderr } = command.unwrap();
    Said {
        code: status.code().unwrap_or(-1),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}

pub(crate) const CHECK: &[&str] = &["check", "--config", "doorkeeper.yaml"];

#[test]
fn check_of_a_sound_configuration_says_what_it_found() {
    let said = Folder::new().doorkeeper(CHECK);
    assert_eq!(said.err, "");
    assert_eq!(
        said.out,
        "doorkeeper.yaml: ok: 1 listener, 2 certificates, 9 bindings, 1 super user\n\
         the first certificate to expire is that of broker-0, on 2999-01-02 00:00 UTC\n\
         client_ca of the listener clients: Test CA vouches for every client that it or an authority below it has issued one for\n"
    );
    assert_eq!(said.code, 0);
}

/// Of each trusted certificate it is said what it may do, and warned of what few mean.
#[test]
fn check_says_what_each_trusted_certificate_vouches_for() {
    let folder = Folder::new();
    let own = |name: &str, is_ca| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = is_ca;
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
    };
    let pinned = own("alice", IsCa::ExplicitNoCa);
    let ca = std::fs::read_to_string(folder.0.join("tls/ca.crt")).unwrap();
    folder.write("tls/ca.crt", &(ca + &pinned + &own("bob", IsCa::NoCa)));
    let said = folder.doorkeeper(CHECK);
    assert_eq!(said.code, 0);
    let (false_, none) = (
        "its basicConstraints say that it is no authority's (CA:FALSE)",
        "it is without basicConstraints, so no authority's",
    );
    for (name, why) in [("alice", false_), ("bob", none)] {
        let place = "client_ca of the listener clients";
        let vouches =
            format!("{place}: {name} vouches for the client alone that shows this very certificate: {why}\n");
        assert!(said.out.contains(&vouches), "{}", said.out);
        let warning = format!(
            "tls/ca.crt: the certificate of {name} vouches for nobody but the client that shows this very certificate: {why}\n"
        );
        assert!(said.err.contains(&warning), "{}", said.err);
    }
}

#[test]
fn check_lists_the_faults_of_all_files_at_once() {
    let folder = Folder::new();
    folder.edit("doorkeeper.yaml", "bind: 0.0.0.0:9443", "bind: everywhere");
    folder.edit("doorkeeper.yaml", "idle_timeout", "idle_timeuot");
    folder.edit("acls.yaml", "[Read]", "[Raed]");
    folder.write("tls/tls.key", &KeyPair::generate().unwrap().serialize_pem());
    folder.write("tls/ca.crt", "");
    let said = folder.doorkeeper(CHECK);
    assert_eq!((said.code, said.out.as_str()), (78, ""));
    let lines: Vec<&str> = said.err.lines().collect();
    assert_eq!(
        lines,
        [
            "acls.yaml:8:60: 'Raed' is not an operation: it is one of All, Read, Write, Create, Delete, Alter, Describe, ClusterAction, DescribeConfigs, AlterConfigs, IdempotentWrite, CreateTokens, DescribeTokens, TwoPhaseCommit; did you mean 'Read'?",
            "doorkeeper.yaml:9:11: 'everywhere' is not an IP address and a port; write it like '0.0.0.0:9443'",
            "doorkeeper.yaml:13:20: tls/tls.key: the key does not fit the certificate in tls/tls.crt: name the key that the certificate was issued for",
            "doorkeeper.yaml:14:18: tls/ca.crt: the file is empty",
            "doorkeeper.yaml:34:3: the key 'idle_timeuot' is not known here; did you mean 'idle_timeout'?",
            "5 faults",
        ]
    );
}

#[test]
fn check_of_files_that_are_not_there_names_where_they_are_asked_for() {
    let folder = Folder::new();
    std::fs::remove_dir_all(folder.0.join("tls")).unwrap();
    std::fs::remove_file(folder.0.join("acls.yaml")).unwrap();
    let said = folder.doorkeeper(CHECK);
    assert_eq!(said.code, 78);
    assert_eq!(
        said.err,
        "doorkeeper.yaml:12:26: tls/tls.crt: there is no such file\n\
         doorkeeper.yaml:13:20: tls/tls.key: there is no such file\n\
         doorkeeper.yaml:14:18: tls/ca.crt: there is no such file\n\
         doorkeeper.yaml:26:17: acls.yaml: there is no such file\n\
         4 faults\n"
    );
    let said = folder.doorkeeper(&["check", "--config", "nowhere.yaml"]);
    assert_eq!((said.code, said.err.as_str()), (78, "nowhere.yaml: there is no such file\n1 fault\n"));
}

#[test]
fn check_refuses_an_expired_certificate() {
    let folder = Folder::new();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".into()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "broker-0");
    params.not_after = rcgen::date_time_ymd(2020, 2, 29);
    folder.write("tls/tls.crt", &params.self_signed(&key).unwrap().pem());
    folder.write("tls/tls.key", &key.serialize_pem());
    let said = folder.doorkeeper(CHECK);
    assert_eq!(said.code, 78);
    assert_eq!(
        said.err,
        "doorkeeper.yaml:12:26: tls/tls.crt: the certificate of broker-0 expired on 2020-02-29 00:00 UTC: renew it\n1 fault\n"
    );
}

#[test]
fn check_warns_of_what_is_risky_and_exits_with_success() {
    let folder = Folder::new();
    folder.edit("doorkeeper.yaml", "127.0.0.1:9092", "kafka-0:9092");
    folder.edit("acls.yaml", "- { principal: \"User:mallory\"", "- { principal: \"Group:mallory\"");
    let said = folder.doorkeeper(CHECK);
    assert_eq!(
        said.err,
        "warning: acls.yaml:17:16: 'Group:mallory' is nobody: the type of a principal from a certificate is 'User'\n\
         warning: doorkeeper.yaml:10:15: plaintext to kafka-0:9092 leaves this host: anybody on the way can read and change it\n"
    );
    assert_eq!(said.code, 0);
}

/// A binding for somebody whom no rule makes never holds, also one that denies.
#[test]
fn check_warns_of_principals_that_no_certificate_becomes() {
    const CUT: &str = "\"RULE:^CN=([^,]+).*$/$1/, DEFAULT\"";
    let folder = Folder::new();
    folder.write(
        "acls.yaml",
        "- { principal: \"User:alice\", topic: orders, operations: [Write] }\n\
         - principal: \"User:CN=bob,O=Example\"\n  topic: orders\n  operations: [Read]\n\
         - { principal: \"User:CN=bob,O=Example\", topic: others, operations: [Read] }\n\
         - { principal: \"User:*\", topic: open, operations: [Read] }\n\
         - { principal: \"User:CN=mallory, O=Example\", topic: \"*\", operations: [All], permission: deny }\n",
    );
    let warned = |folder: &Folder| {
        let said = folder.doorkeeper(CHECK);
        assert_eq!(said.code, 0, "{said:?}");
        let lines = said.err.lines().map(|line| line.strip_prefix("warning: ").unwrap().to_owned());
        lines.collect::<Vec<_>>()
    };
    let spaces = "acls.yaml:7:16: 'User:CN=mallory, O=Example' has spaces after its commas, and the subject of a \
                  certificate as Java writes it has none: 'CN=alice,O=Example'";
    let nobody = |place: &str, name: &str, subject: &str, made: &str| {
        format!(
            "{place}: '{name}' is nobody by the principal_mapping_rules: a client with the subject '{subject}' is '{made}'"
        )
    };
    let bob = nobody("acls.yaml:2:14", "User:CN=bob,O=Example", "CN=bob,O=Example", "User:bob");
    assert_eq!(warned(&folder), [bob, spaces.to_owned()]);

    folder.edit("doorkeeper.yaml", CUT, "DEFAULT");
    let alice = nobody("acls.yaml:1:16", "User:alice", "CN=alice", "User:CN=alice");
    let admin = nobody("doorkeeper.yaml:24:17", "User:admin", "CN=admin", "User:CN=admin");
    assert_eq!(warned(&folder), [alice, spaces.to_owned(), admin]);

    let many = |i: usize| format!("- {{ principal: \"User:u{i}\", topic: orders, operations: [Read] }}\n");
    folder.write("acls.yaml", &(0..25).map(many).collect::<String>());
    let told = warned(&folder);
    assert_eq!(told.len(), 22, "{told:?}");
    assert_eq!(told[0], "acls.yaml: 5 more principals are nobody and are not listed");

    // Whoever shows no certificate is somebody only where nobody has to.
    folder.edit("doorkeeper.yaml", "DEFAULT", CUT);
    folder.edit("doorkeeper.yaml", "User:admin", "User:ANONYMOUS");
    folder.write("acls.yaml", "[]");
    assert_eq!(warned(&folder), [""; 0]);
    folder.edit("doorkeeper.yaml", CUT, "DEFAULT");
    assert_eq!(warned(&folder).len(), 1);
    folder.edit("doorkeeper.yaml", "client_auth: required", "client_auth: requested");
    folder.edit("doorkeeper.yaml", "\"User:ANONYMOUS\"", "\"User:ANONYMOUS\", \"User:admin\"");
    let told = warned(&folder);
    assert!(told.iter().any(|line| line.contains("'User:admin' is nobody by ")), "{told:?}");
    assert!(!told.iter().any(|line| line.contains("'User:ANONYMOUS'")), "{told:?}");
}

#[test]
fn run_refuses_what_check_refuses() {
    let folder = Folder::new();
    folder.edit("doorkeeper.yaml", "bind: 0.0.0.0:9443", "bind: 0.0.0.0");
    folder.edit("acls.yaml", "topic: orders", "topics: orders");
    let (run, check) = (folder.doorkeeper(&["run", "-c", "doorkeeper.yaml"]), folder.doorkeeper(CHECK));
    assert_eq!(run.code, 78);
    assert!(run.err.contains("doorkeeper.yaml:9:11: '0.0.0.0' is not an IP address and a port"), "{run:?}");
    assert!(
        run.err.contains("acls.yaml:7:30: the key 'topics' is not known here; did you mean 'topic'?"),
        "{run:?}"
    );
    assert_eq!(check.err, format!("{}{} faults\n", run.err, run.err.lines().count()));
}

#[test]
fn run_on_a_port_that_is_in_use_exits_with_1_and_names_it() {
    let folder = Folder::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    folder.edit("doorkeeper.yaml", "0.0.0.0:9443", &address);
    folder.edit("doorkeeper.yaml", "127.0.0.1:9901", "127.0.0.1:0");
    let said = folder.doorkeeper(&["run", "--config", "doorkeeper.yaml"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        said.err.contains(&format!("listener \"clients\": cannot listen on {address}: the port is in use")),
        "{said:?}"
    );
}

#[test]
fn explain_names_the_decision_and_the_binding_that_made_it() {
    let folder = Folder::new();
    let explain = |arguments: &[&str]| {
        let said =
            folder.doorkeeper(&[&["acls", "explain", "--config", "doorkeeper.yaml"], arguments].concat());
        assert_eq!(said.err, "");
        (said.code, said.out)
    };
    for (arguments, code, expected) in [
        (
            &["--principal", "User:alice", "--operation", "Write", "--topic", "orders"][..],
            0,
            "allowed: User:alice Write on Topic orders from 127.0.0.1\nbecause of StandardAcl[resourceType=TOPIC, resourceName=orders, patternType=LITERAL, principal=User:alice, host=*, operation=WRITE, permissionType=ALLOW] (acls.yaml:7:3)\n",
        ),
        (
            &["--principal", "User:billing", "--operation", "read", "--group", "billing-7"],
            0,
            "allowed: User:billing Read on Group billing-7 from 127.0.0.1\nbecause of StandardAcl[resourceType=GROUP, resourceName=billing-, patternType=PREFIXED, principal=User:billing, host=*, operation=READ, permissionType=ALLOW] (acls.yaml:9:3)\n",
        ),
        (
            &[
                "--principal",
                "User:mallory",
                "--operation",
                "Read",
                "--topic",
                "orders",
                "--host",
                "10.0.0.7",
            ],
            1,
            "denied: User:mallory Read on Topic orders from 10.0.0.7\nbecause of StandardAcl[resourceType=TOPIC, resourceName=*, patternType=LITERAL, principal=User:mallory, host=10.0.0.7, operation=ALL, permissionType=DENY] (acls.yaml:17:3)\n",
        ),
        (
            &["--principal", "User:ops", "--operation", "ALTER_CONFIGS", "--cluster", "--host", "10.1.2.3"],
            0,
            "allowed: User:ops AlterConfigs on Cluster kafka-cluster from 10.1.2.3\nbecause of StandardAcl[resourceType=CLUSTER, resourceName=kafka-cluster, patternType=LITERAL, principal=User:ops, host=10.0.0.0/8, operation=ALTER_CONFIGS, permissionType=ALLOW] (acls.yaml:15:3)\n",
        ),
        (
            &["--principal", "User:ops", "--operation", "Describe", "--cluster"],
            1,
            "denied: User:ops Describe on Cluster kafka-cluster from 127.0.0.1\nbecause none of the bindings about this resource is for this client and operation\nfor ListGroups, Describe on the Group is enough for one Group alone\nthis entry of the ACLs would allow it: - { principal: \"User:ops\", cluster: true, operations: [Describe] }\nor for one alone: - { principal: \"User:ops\", group: NAME, operations: [Describe] } with its name for NAME\nDescribe comes with Alter, too\n",
        ),
        (
            &["--principal", "User:bob", "--operation", "Write", "--transactional-id", "t"],
            1,
            "denied: User:bob Write on TransactionalId t from 127.0.0.1\nbecause no binding is about this resource, and allow_everyone_if_no_acl_found is false\nthis entry of the ACLs would allow it: - { principal: \"User:bob\", transactional_id: t, operations: [Write] }\n",
        ),
        (
            &["--principal", "User:admin", "--operation", "Write", "--group", "g"],
            0,
            "allowed: User:admin Write on Group g from 127.0.0.1\nbecause the principal is a super user\nKafka never asks for Write on a Group, only for Read, Delete, Describe, DescribeConfigs, AlterConfigs\n",
        ),
    ] {
        assert_eq!(explain(arguments), (code, expected.to_owned()), "{arguments:?}");
    }
}

#[test]
fn explain_needs_no_certificates_but_a_sound_configuration() {
    let folder = Folder::new();
    std::fs::remove_dir_all(folder.0.join("tls")).unwrap();
    let question = [
        "acls",
        "explain",
        "--config",
        "doorkeeper.yaml",
        "--principal",
        "User:alice",
        "--operation",
        "Write",
        "--topic",
        "orders",
    ];
    assert_eq!(folder.doorkeeper(&question).code, 0);
    folder.edit("acls.yaml", "orders", "");
    let said = folder.doorkeeper(&question);
    assert_eq!(said.code, 78);
    assert!(said.err.starts_with("acls.yaml:7:"), "{said:?}");
}

#[test]
fn wrong_usage_exits_with_2_and_says_what_is_right() {
    let here = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let question = ["acls", "explain", "--config", "x", "--principal", "User:a", "--operation"];
    for (arguments, expected) in [
        (vec![], "Usage: doorkeeper <COMMAND>"),
        (vec!["walk"], "unrecognized subcommand 'walk'"),
        (vec!["check"], "--config <FILE>"),
        ([&question[..], &["Wirte", "--topic", "t"]].concat(), "TwoPhaseCommit; did you mean Write?"),
        (
            [&question[..], &["Write", "--topic", "t", "--host", "gateway"]].concat(),
            "write an IP address, such as 10.0.0.7: ACLs know clients by their address, and no name is looked up",
        ),
        ([&question[..], &["Write"]].concat(), "--topic <TOPIC>|--group"),
        ([&question[..], &["Write", "--topic", "t", "--group", "g"]].concat(), "cannot be used with"),
        (
            vec![
                "acls",
                "explain",
                "--config",
                "x",
                "--principal",
                "alice",
                "--operation",
                "Read",
                "--topic",
                "t",
            ],
            "write it with its type, as User:alice",
        ),
    ] {
        let said = doorkeeper(here, &arguments);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{arguments:?}");
        assert!(said.err.contains(expected), "{arguments:?}: {}", said.err);
    }
}

#[test]
fn help_and_version_go_to_standard_output() {
    let here = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for arguments in [&["version"][..], &["--version"]] {
        let said = doorkeeper(here, arguments);
        // With the commit behind it, where that is known.
        let version = concat!("doorkeeper ", env!("CARGO_PKG_VERSION"));
        assert!(said.code == 0 && said.out.starts_with(version) && said.out.lines().count() == 1, "{said:?}");
        assert!(!said.out.contains("unknown"), "{said:?}");
    }
    let said = doorkeeper(here, &["--help"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    for part in ["run", "check", "acls", "config", "78 bad configuration"] {
        assert!(said.out.contains(part), "{part}");
    }
}

#[test]
fn what_describes_the_configuration_is_what_the_repository_has() {
    let here = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for (arguments, file) in [
        (&["config", "schema"], include_str!("../../deploy/doorkeeper.schema.json")),
        (&["acls", "schema"], include_str!("../../deploy/acls.schema.json")),
        (&["users", "schema"], include_str!("../../deploy/users.schema.json")),
        (&["config", "example"], CONFIG),
    ] {
        let said = doorkeeper(here, arguments);
        assert_eq!(said.code, 0);
        assert!(
            said.out == file,
            "deploy/ is behind 'doorkeeper {}': write its output there",
            arguments.join(" ")
        );
    }
    let table = doorkeeper(here, &["config", "reference"]).out;
    assert!(
        table.starts_with("| Key | Value | Default | Meaning |\n|---|---|---|---|\n| `version` |"),
        "{table}"
    );
}

/// What only a denial would tell otherwise.
#[test]
fn a_clients_certificate_is_told_who_it_makes_somebody() {
    let folder = Folder::new();
    let own = |name: &str| {
        let mut params = CertificateParams::new(vec![format!("{name}.example")]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::ExplicitNoCa;
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
    };
    let ca = std::fs::read_to_string(folder.0.join("tls/ca.crt")).unwrap();
    folder.write("alice.crt", &own("alice"));
    folder.write("mallory.crt", &own("mallory"));
    folder.write("tls/ca.crt", &(ca + &std::fs::read_to_string(folder.0.join("alice.crt")).unwrap()));

    let known = folder.doorkeeper(&[CHECK, &["--client", "alice.crt"]].concat());
    assert_eq!(known.code, 0, "{known:?}");
    let lines = "alice.crt at the listener clients: the subject CN=alice is User:alice, and is let in\n\
                 alice.crt at the listener clients: the principal is made by the rule RULE:^CN=([^,]+).*$/$1/\n";
    assert!(known.out.ends_with(lines), "{known:?}");
    for (rules, told) in [
        (
            "RULE:^O=([^,]+).*$/$1/, DEFAULT",
            "no rule matches the subject but DEFAULT, which takes it as it is",
        ),
        ("DEFAULT", "the rule DEFAULT takes the subject as it is"),
    ] {
        folder.write("doorkeeper.yaml", &CONFIG.replace("RULE:^CN=([^,]+).*$/$1/, DEFAULT", rules));
        let said = folder.doorkeeper(&[CHECK, &["--client", "alice.crt"]].concat());
        assert!(said.out.ends_with(&format!("clients: {told}\n")), "{said:?}");
    }
    let from = "principal_from: [{ name: spiffe }, { name: dns, rules: 'RULE:^([a-z]+)\\.example$/$1/' }]\n    principal_mapping_rules:";
    folder.write("doorkeeper.yaml", &CONFIG.replacen("principal_mapping_rules:", from, 1));
    let said = folder.doorkeeper(&[CHECK, &["--client", "alice.crt", "--format", "json"]].concat());
    let report: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let client = &report["client"][0];
    assert_eq!((&client["principal"], &client["made_of"]), (&"User:alice".into(), &"dns".into()), "{report}");
    let said = folder.doorkeeper(&[CHECK, &["--client", "alice.crt"]].concat());
    let lines = "alice.crt at the listener clients: the DNS name alice.example is User:alice, and is let in\n\
                 alice.crt at the listener clients: the principal is made by the rule RULE:^([a-z]+)\\.example$/$1/\n";
    assert!(said.out.ends_with(lines), "{said:?}");
    folder.write("doorkeeper.yaml", CONFIG);
    let stranger = folder.doorkeeper(&[CHECK, &["--client", "mallory.crt"]].concat());
    assert_eq!(stranger.code, 1, "{stranger:?}");
    assert!(
        stranger.out.contains("the subject CN=mallory would be User:mallory, and is not let in: "),
        "{stranger:?}"
    );
    let key = folder.doorkeeper(&[CHECK, &["--client", "tls/tls.key"]].concat());
    assert_eq!((key.code, key.err.contains("there is no certificate in it")), (1, true), "{key:?}");

    let explain =
        ["acls", "explain", "--config", "doorkeeper.yaml", "--operation", "Read", "--topic", "nothing"];
    let asked = folder.doorkeeper(&[&explain[..], &["--certificate", "alice.crt"]].concat());
    assert!(asked.out.contains("\ndenied: User:alice Read on Topic nothing from 127.0.0.1\n"), "{asked:?}");
    let refused = folder.doorkeeper(&[&explain[..], &["--certificate", "mallory.crt"]].concat());
    assert!(refused.code == 1 && refused.err.contains("is not let in: "), "{refused:?}");
    assert_eq!(folder.doorkeeper(&explain).code, 2);
    let both = ["--certificate", "alice.crt", "--principal", "User:alice"];
    assert_eq!(folder.doorkeeper(&[&explain[..], &both].concat()).code, 2);
}
