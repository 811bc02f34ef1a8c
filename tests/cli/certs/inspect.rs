//! `doorkeeper certs inspect` of files; of servers in `tests/proxy`.

use super::*;

#[test]
fn inspect_shows_what_stands_in_a_file_and_who_refuses_it() {
    let folder = folder();
    made(&folder, &["client", "alice", "--organization", "Example"]);
    let shown = made(
        &folder,
        &["inspect", "clients/alice/client.crt", "--rules", "RULE:^CN=([^,]+).*$/$1/, DEFAULT"],
    );
    for line in [
        "clients/alice/client.crt: certificate 1 of 1\n",
        "  subject      CN=alice,O=Example\n",
        "  issuer       CN=Doorkeeper CA\n",
        "  names        none\n",
        " days left\n",
        "  key          EC on the curve P-256, signed with ECDSA with SHA-256\n",
        "  usage        digitalSignature, clientAuth\n",
        "as a server by clients/alice/ca.crt: the certificate of CN=alice,O=Example, issued by CN=Doorkeeper CA, is refused: its extendedKeyUsage is without serverAuth: ",
        "as a client by clients/alice/ca.crt: accepted\n",
        "principal: User:alice, by the rule RULE:^CN=([^,]+).*$/$1/\n",
    ] {
        assert!(shown.contains(line), "{line:?} in {shown}");
    }
    // The whole subject without rules; nobody by rules that do not match.
    assert!(
        made(&folder, &["inspect", "clients/alice/client.crt"])
            .ends_with("principal: User:CN=alice,O=Example, by the rule DEFAULT\n")
    );
    let nobody = made(&folder, &["inspect", "clients/alice/client.crt", "--rules", "RULE:^OU=(.*)$/$1/"]);
    assert!(nobody.contains("principal: principal_mapping_rules, subject"), "{nobody}");

    let json =
        made(&folder, &["inspect", "clients/alice/client.crt", "--ca", "ca/ca.crt", "--format", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["certificates"][0]["subject"], "CN=alice,O=Example");
    assert_eq!(json["certificates"][0]["extended_key_usage"], serde_json::json!(["clientAuth"]));
    assert_eq!(json["judgements"][1]["accepted"], true);
    assert_eq!(json["judgements"][1]["by"], "ca/ca.crt");
    assert_eq!(json["principal"]["name"], "User:CN=alice,O=Example");
}

#[test]
fn inspect_finds_what_is_wrong() {
    let folder = scratch("certs");
    other(&folder, "right", |_| {});
    other(&folder, "old", |params| params.not_after = date_time_ymd(2001, 1, 1));
    other(&folder, "early", |params| params.not_before = date_time_ymd(2999, 1, 1));
    // Nothing to judge by.
    let alone = made(&folder, &["inspect", "right.crt"]);
    assert!(
        alone.contains("as a client: not judged: name the authorities that are trusted with --ca\n"),
        "{alone}"
    );
    assert!(alone.contains("  authority    yes\n"), "{alone}");
    let strange = made(&folder, &["inspect", "right.crt", "--ca", "old.crt"]);
    assert!(
        strange.contains(
            "as a client by old.crt: the certificate of CN=right, issued by CN=right, is refused: "
        ),
        "{strange}"
    );
    let expired = made(&folder, &["inspect", "old.crt", "--ca", "old.crt"]);
    assert!(
        expired.contains("2001-01-01 00:00 UTC: expired\n") && expired.contains("it expired on 2001-01-01"),
        "{expired}"
    );
    let early = made(&folder, &["inspect", "early.crt", "--ca", "early.crt"]);
    assert!(early.contains(": not yet\n") && early.contains("it is not valid before 2999-01-01"), "{early}");
    // Accepted, and doubtful as a server's all the same.
    let pinned = made(&folder, &["inspect", "right.crt", "--ca", "right.crt"]);
    assert!(
        pinned.contains("as a server by right.crt: accepted, but it is an authority's own (CA:TRUE)"),
        "{pinned}"
    );
}

#[test]
fn inspect_judges_by_the_listeners_of_a_configuration() {
    let folder = scratch("certs");
    let init = doorkeeper(&folder, &["init", "door", "--host", "localhost", "--client", "alice"]);
    assert_eq!(init.code, 0, "{init:?}");
    let by = |file: &str| made(&folder, &["inspect", file, "--config", "door/doorkeeper.yaml"]);
    let alice = by("door/clients/alice/client.crt");
    assert!(alice.contains("as a client, who is User:alice by the listener clients: accepted\n"), "{alice}");
    let server = by("door/tls/tls.crt");
    assert!(server.contains(" by the listener clients: the certificate of CN=localhost"), "{server}");
    assert!(server.contains("is without clientAuth"), "{server}");
    fs::write(folder.join("door/doorkeeper.yaml"), "version: 2\n").unwrap();
    let said = certs(&folder, &["inspect", "door/tls/tls.crt", "--config", "door/doorkeeper.yaml"]);
    assert_eq!(said.code, 78, "{said:?}");
}

#[test]
fn what_cannot_be_inspected_is_told_in_a_sentence() {
    let folder = folder();
    fs::write(folder.join("store.jks"), [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2]).unwrap();
    fs::write(folder.join("empty"), "").unwrap();
    for (target, told) in [
        (
            "nothing",
            "nothing: there is no such file, and it is not HOST:PORT either, such as broker.example.com:9443\n",
        ),
        ("empty", "empty: the file is empty\n"),
        ("ca/ca.key", "ca/ca.key: there is no certificate in it but 'PRIVATE KEY'\n"),
        ("store.jks", "store.jks: "),
    ] {
        let said = certs(&folder, &["inspect", target]);
        assert!(said.code == 1 && said.out.is_empty() && said.err.starts_with(told), "{said:?}");
    }
    let said = certs(&folder, &["inspect", "nothing", "--format", "json"]);
    let json: Value = serde_json::from_str(&said.out).unwrap();
    assert!(said.code == 1 && json["error"].as_str().unwrap().contains("there is no such file"), "{said:?}");
}

#[test]
fn inspect_reads_stores_with_their_password() {
    let folder = folder();
    made(&folder, &["client", "alice"]);
    let password = &["--password-file", "clients/alice/password"][..];
    let store = made(&folder, &[&["inspect", "clients/alice/client.p12"], password].concat());
    assert!(store.contains("client.p12: certificate 1 of 2") && store.contains("CN=alice"), "{store}");
    let trusted = made(&folder, &[&["inspect", "clients/alice/truststore.p12"], password].concat());
    assert!(trusted.contains("truststore.p12: certificate 1 of 1"), "{trusted}");
    let wrong = certs(&folder, &["inspect", "clients/alice/client.p12", "--password-file", "ca/ca.crt"]);
    assert!(wrong.code == 1 && wrong.err.contains("password"), "{wrong:?}");
}
