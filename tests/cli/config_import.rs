//! `doorkeeper config import`, as a user runs it: its result is a configuration.

use std::fs;

use super::commands::doorkeeper;
use crate::support::kafka::scratch;

#[test]
fn what_is_made_of_a_broker_with_pem_passes_the_check() {
    let folder = scratch("import");
    let init = doorkeeper(&folder, &["init", "door", "--host", "broker.example.com", "--client", "alice"]);
    assert_eq!(init.code, 0, "{init:?}");
    let tls = folder.join("door/tls");
    // As Kafka wants it: key and certificate in one file.
    let both =
        fs::read_to_string(tls.join("tls.key")).unwrap() + &fs::read_to_string(tls.join("tls.crt")).unwrap();
    fs::write(tls.join("both.pem"), both).unwrap();
    let properties = format!(
        "listeners = PLAINTEXT://localhost:9092, SSL://:9443\n\
         advertised.listeners = PLAINTEXT://broker.example.com:9092, SSL://broker.example.com:9443\n\
         ssl.keystore.type = PEM\nssl.keystore.location = {tls}/both.pem\nssl.truststore.type = PEM\n\
         ssl.truststore.location = {tls}/ca.crt\nssl.client.auth = required\n\
         ssl.principal.mapping.rules = RULE:^CN=([^,]+).*$/$1/, DEFAULT\nsuper.users = User:admin\n\
         connections.max.idle.ms = 600000\nmax.connections = 2147483647\nlog.dirs = /tmp/logs\n",
        tls = tls.display()
    );
    fs::write(folder.join("server.properties"), properties).unwrap();

    let said =
        doorkeeper(&folder, &["config", "import", "server.properties", "--output", "door/imported.yaml"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert_eq!(said.out, "door/imported.yaml: see what is to be done, at its beginning\n");
    let written = fs::read_to_string(folder.join("door/imported.yaml")).unwrap();
    let printed = doorkeeper(&folder, &["config", "import", "server.properties"]);
    assert_eq!((printed.code, printed.out.as_str()), (0, written.as_str()));

    let check = ["check", "--config", "door/imported.yaml", "--client", "door/clients/alice/client.crt"];
    let check = doorkeeper(&folder, &check);
    assert_eq!((check.code, check.err.as_str()), (0, ""), "{written}\n{check:?}");
    assert!(
        check.out.contains("at the listener ssl: the subject CN=alice is User:alice, and is let in\n"),
        "{check:?}"
    );

    let again =
        doorkeeper(&folder, &["config", "import", "server.properties", "--output", "door/imported.yaml"]);
    let told = "door/imported.yaml: the file is there already, and stays as it is: name another\n";
    assert_eq!((again.code, again.err.as_str()), (1, told));
    assert_eq!(fs::read_to_string(folder.join("door/imported.yaml")).unwrap(), written);
}

#[test]
fn what_is_no_properties_file_is_told_in_a_line() {
    let folder = scratch("import");
    fs::write(folder.join("empty"), "# nothing\n").unwrap();
    fs::write(folder.join("escape"), "a=b\nlisteners=\\u12\n").unwrap();
    fs::write(folder.join("large"), vec![b'a'; 1024 * 1024 + 1]).unwrap();
    for (file, told) in [
        ("nothing", "nothing: there is no such file\n"),
        ("empty", "empty: there are no properties in it: name the broker's server.properties\n"),
        ("escape", "escape:2: behind \\u there must be four hexadecimal digits\n"),
        ("large", "large: the file is larger than 1024 KiB: it is no broker's configuration\n"),
        (".", ".: this is a folder: name a file in it\n"),
    ] {
        let said = doorkeeper(&folder, &["config", "import", file]);
        assert_eq!((said.code, said.err.as_str(), said.out.as_str()), (1, told, ""));
    }
    let said = doorkeeper(&folder, &["config", "import", "escape", "--output", "no/such/folder"]);
    assert_eq!(said.code, 1);
}
