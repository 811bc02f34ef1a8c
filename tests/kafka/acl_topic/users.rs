//! Users in the topic: two doorkeepers before a Kafka, the stock tool at one, logins at the other.

use crate::support::client::Client;
use crate::support::cluster::{Cluster, Settings};
use crate::support::doorkeeper::{self, Doorkeeper};
use crate::support::java::{Java, Tool, run};
use crate::support::kafka::{Kafka, scratch};
use crate::support::pki::{MAPPING_RULES, Pki};
use crate::support::ports::free_port;
use crate::support::process::wait_for;
use serde_json::json;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use ::doorkeeper::model::sasl::scram::{Hash, ScramCredential};
use ::doorkeeper::model::sasl::users::{CredentialChange, CredentialKind};

use crate::acl_topic::keeper::{Keeper, LIMIT, cluster, runtime};

/// A doorkeeper whose users are in the topic with the ACLs.
fn start(cluster: &Cluster, pki: &Pki) -> Doorkeeper {
    let (address, upstream) = (SocketAddr::from(([127, 0, 0, 1], free_port())), cluster.brokers[0].plaintext);
    let identity = pki.server("doorkeeper");
    Doorkeeper::start_as(address, |_, admin| {
        format!(
            r#"version: 1
listeners:
  - name: clients
    bind: {address}
    upstream: {upstream}
    tls:
      certificate_chain: {certificate}
      private_key: {key}
      client_ca: {authority}
      client_auth: requested
    sasl:
      mechanisms: [SCRAM-SHA-512, PLAIN]
      required: without_certificate
      users: {{ topic: true }}
    principal_mapping_rules: "{MAPPING_RULES}"
    address_mapping: {{ strategy: keep_host, ports: {{ {from}: {to} }} }}
authorization:
  super_users: ["User:admin"]
  allow_everyone_if_no_acl_found: true
  acls: {{ topic: __doorkeeper_acls }}
admin: {{ bind: {admin} }}
"#,
            certificate = identity.certificate.display(),
            key = identity.key.display(),
            authority = identity.authority.display(),
            from = upstream.port(),
            to = address.port(),
        )
    })
}

/// Logs in by PLAIN; the error code.
fn log_in(client: &mut Client, user: &str, password: &str) -> i64 {
    client.call("SaslHandshake", 1, &json!({"mechanism": "PLAIN"})).body();
    let token = crate::support::schema::hex(format!("\0{user}\0{password}").as_bytes());
    let answer = client.call("SaslAuthenticate", 2, &json!({"authBytes": token})).body();
    answer["errorCode"].as_i64().unwrap()
}

/// Runs `doorkeeper users` for the users in the topic, with this on its standard input.
fn users_command(folder: &Path, arguments: &[&str], input: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorkeeper"));
    command.arg("users").args(arguments).arg("--config").arg(folder.join("doorkeeper.yaml"));
    run(&mut command, "doorkeeper users", input.as_bytes(), Duration::from_secs(60)).succeeded().text()
}

#[test]
fn users_of_the_topic_log_in_everywhere() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    let pki = Pki::new(&scratch("pki"));
    let cluster = Cluster::start(kafka, &Settings::plaintext(1));
    let (one, other) = (start(&cluster, &pki), start(&cluster, &pki));
    let admin = Java::new(kafka, &format!("localhost:{}", one.address.port()), Some(&pki.client("admin")));
    let entity = |arguments: &[&str]| {
        let arguments = [arguments, &["--entity-type", "users", "--entity-name", "erin"]].concat();
        admin.tool(Tool::Configs, &arguments, b"")
    };
    let nobody = pki.client("nobody");
    let connect = || Client::anonymous(&cluster.schemas, other.address, &nobody).unwrap();
    assert_eq!(log_in(&mut connect(), "erin", "erin-secret"), 58);
    let password = "SCRAM-SHA-512=[iterations=8192,password=erin-secret]";
    let altered = entity(&["--alter", "--add-config", password]).succeeded();
    assert!(altered.text().contains("Completed updating config for user erin"), "{}", altered.all());
    let described = entity(&["--describe"]).succeeded();
    assert!(described.text().contains("SCRAM-SHA-512=iterations=8192"), "{}", described.all());
    wait_for("erin's login at the other", LIMIT, || {
        (log_in(&mut connect(), "erin", "erin-secret") == 0).then_some(())
    });
    let mut erin = connect();
    assert_eq!(log_in(&mut erin, "erin", "erin-secret"), 0);
    let metadata = json!({"topics": [], "allowAutoTopicCreation": false});
    erin.call("Metadata", 4, &metadata).body();

    // Nothing of it is shown where ACLs are.
    for doorkeeper in [&one, &other] {
        let page = doorkeeper::get(doorkeeper.admin, "/credentials").unwrap();
        assert!(page.contains("users: topic __doorkeeper_acls") && page.contains("users: 1,"), "{page}");
        let acls = doorkeeper::get(doorkeeper.admin, "/acls").unwrap();
        assert!(!acls.contains("erin") && !acls.contains("stored_key"), "{acls}");
        assert!(!doorkeeper.process.output().contains("stored_key"));
    }

    // What would not be read again is not written, and the rest of the request is done.
    let mut super_user = Client::tls(&cluster.schemas, one.address, &pki.client("admin")).unwrap();
    let upsertion = |name: &str, salt: String| json!({"name": name, "mechanism": 2, "iterations": 4096, "salt": salt, "saltedPassword": "0304"});
    let upsertions = [
        upsertion("empty", String::new()),
        upsertion("long", "ab".repeat(1025)),
        upsertion("User:named", "0102".to_owned()),
        upsertion("kept", "ab".repeat(1024)),
    ];
    let asked = json!({"deletions": [], "upsertions": upsertions});
    let altered = super_user.call("AlterUserScramCredentials", 0, &asked).body();
    let codes: Vec<(&str, i64)> = altered["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|told| (told["user"].as_str().unwrap(), told["errorCode"].as_i64().unwrap()))
        .collect();
    let expected = [("kept", 0), ("User:named", 93), ("empty", 93), ("long", 93)];
    assert_eq!(codes, expected, "{altered}");
    let deletion = json!({"deletions": [{"name": "kept", "mechanism": 2}], "upsertions": []});
    let deleted = super_user.call("AlterUserScramCredentials", 0, &deletion).body();
    assert_eq!(deleted["results"][0]["errorCode"], 0, "{deleted}");

    // The command line writes and reads the same, and takes a file over.
    users_command(&other.folder, &["set", "dave", "--iterations", "4096"], "dave-secret");
    let file = scratch("users").join("users.yaml");
    let mut set = Command::new(env!("CARGO_BIN_EXE_doorkeeper"));
    set.args(["users", "set", "carol", "--mechanism", "PLAIN", "--file"]).arg(&file);
    run(&mut set, "doorkeeper users", b"carol-secret", Duration::from_secs(60)).succeeded();
    users_command(&one.folder, &["import", "--from", "file", file.to_str().unwrap()], "");
    let listed = users_command(&one.folder, &["list"], "");
    assert_eq!(
        listed,
        "carol\tPLAIN (hash)\ndave\tSCRAM-SHA-512 (iterations=4096)\nerin\tSCRAM-SHA-512 (iterations=8192)\n"
    );
    wait_for("the others' logins", LIMIT, || {
        let logged_in = ["carol", "dave"].map(|name| log_in(&mut connect(), name, &format!("{name}-secret")));
        (logged_in == [0, 0]).then_some(())
    });

    // Whoever is removed at one is out at the other.
    entity(&["--alter", "--delete-config", "SCRAM-SHA-512"]).succeeded();
    wait_for("the end of erin's connection", LIMIT, || {
        other.metrics().contains("reason=\"user_removed\"} 1\n").then_some(())
    });
    assert_eq!(log_in(&mut connect(), "erin", "erin-secret"), 58);
    assert_eq!(log_in(&mut connect(), "dave", "dave-secret"), 0);
}

/// Two doorkeepers that change a user at the same moment, each another credential, and both without a challenge secret so far.
#[test]
fn changes_at_once_are_both_kept_and_the_secret_is_the_same() {
    let Some(cluster) = cluster() else { return };
    let keepers = Keeper::in_front_of(cluster, "users-at-once");
    let in_force: Vec<_> = keepers.iter().map(|keeper| keeper.acls.serve_logins().unwrap()).collect();
    let change = |keeper: &Keeper, hash: Hash| {
        let credential = ScramCredential::from_password(hash, "pencil", b"salt".to_vec(), 4096);
        let (user, kind) = ("alice".to_owned(), CredentialKind::scram(hash));
        let change = CredentialChange { user, kind, text: Some(credential.to_string()) };
        runtime().spawn(keeper.acls.clone().change_credentials(vec![change]))
    };
    let changing = [change(&keepers[0], Hash::Sha256), change(&keepers[1], Hash::Sha512)];
    for changed in changing {
        assert_eq!(runtime().block_on(changed).unwrap(), Ok(()));
    }
    wait_for("the same users at all", LIMIT, || {
        let seen = in_force.iter().map(|users| {
            let users = users.users();
            let known = users.get("alice").cloned().unwrap_or_default();
            let both = known.scram_sha_256.is_some() && known.scram_sha_512.is_some();
            (both, users.candidate("nobody", Hash::Sha512).credential.salt)
        });
        let mut seen: Vec<_> = seen.collect();
        seen.dedup();
        matches!(&seen[..], [(true, _)]).then_some(())
    });
}
