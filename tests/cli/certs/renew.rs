//! `doorkeeper certs renew`.

use super::*;

/// The parts of two certificates that must be the same, and those that must not.
fn parts(folder: &Path, file: &str) -> Option<(Vec<String>, Vec<String>)> {
    let shown = foreign(folder, "openssl", &["x509", "-in", file, "-noout", "-text", "-nameopt", "RFC2253"])?;
    let after = |label: &str| {
        let mut lines = shown.lines().skip_while(|line| !line.contains(label));
        lines.by_ref().take(2).map(|line| line.trim().to_owned()).collect::<String>()
    };
    let same =
        ["Subject:", "Alternative Name", "X509v3 Key Usage", "Extended Key Usage", "Public Key Algorithm"];
    Some((same.map(after).to_vec(), ["Serial Number", "Subject Key Identifier"].map(after).to_vec()))
}

#[test]
fn a_renewed_certificate_says_the_same_with_another_key() {
    let folder = folder();
    made(
        &folder,
        &[
            "server",
            "--host",
            "broker.example.com",
            "--host",
            "2001:db8::7",
            "--key",
            "rsa-2048",
            "--days",
            "1",
        ],
    );
    made(&folder, &["client", "alice", "--organization", "Example", "--key", "p-384", "--days", "1"]);
    let (server, client) = ("tls/tls.crt", "clients/alice/client.crt");
    let Some(before) = parts(&folder, server) else { return };
    let before = [before, parts(&folder, client).unwrap()];
    let password = text(&folder.join("clients/alice/password"));
    let said = made(&folder, &["renew", server, client]);
    let lines: Vec<&str> = said.lines().collect();
    assert!(
        lines[0].starts_with("tls/tls.crt: renewed, good until ") && lines[0].ends_with(": tls.key, tls.crt"),
        "{said}"
    );
    assert!(lines[1].ends_with(": client.p12, client.pem, client.key, client.crt"), "{said}");
    for (file, before) in [server, client].into_iter().zip(before) {
        let after = parts(&folder, file).unwrap();
        assert_eq!(after.0, before.0);
        assert!(after.1.iter().zip(&before.1).all(|(new, old)| new != old), "{after:?} {before:?}");
    }
    // Key and certificate fit each other in all three forms, and the password is the same.
    let modulus = |arguments: &[&str]| foreign(&folder, "openssl", arguments).unwrap();
    let key = modulus(&["pkey", "-in", "clients/alice/client.key", "-pubout"]);
    assert_eq!(modulus(&["x509", "-in", client, "-noout", "-pubkey"]), key);
    assert_eq!(modulus(&["x509", "-in", "clients/alice/client.pem", "-noout", "-pubkey"]), key);
    assert_eq!(text(&folder.join("clients/alice/password")), password);
    let store = "openssl pkcs12 -in clients/alice/client.p12 -passin file:clients/alice/password -nodes -nocerts | openssl pkey -pubout";
    assert_eq!(foreign(&folder, "sh", &["-ec", store]).unwrap(), key);
    assert_eq!([mode(&folder.join("tls/tls.key")), mode(&folder.join(server))], [0o600, 0o644]);
    // Another kind of key where it is asked for.
    made(&folder, &["renew", server, "--key", "p-256"]);
    assert!(parts(&folder, server).unwrap().0[4].contains("id-ecPublicKey"));
}

#[test]
fn what_cannot_be_renewed_stays_as_it_is() {
    let folder = folder();
    made(&folder, &["client", "alice"]);
    other(&folder, "right", |_| {});
    let certificate = folder.join("clients/alice/client.crt");
    let before = text(&certificate);
    let file = "clients/alice/client.crt";
    let said = certs(&folder, &["renew", file, "--ca", "right.crt", "--ca-key", "right.key"]);
    let told =
        format!("{file}: the authority has not issued it: name the one that has, with --ca and --ca-key\n");
    assert_eq!((said.code, said.err), (1, told));
    let said = certs(&folder, &["renew", "ca/ca.crt"]);
    assert!(
        said.code == 1 && said.err.starts_with("ca/ca.crt: it is an authority's own: make a new one"),
        "{said:?}"
    );

    let hidden = folder.join("password");
    fs::rename(folder.join("clients/alice/password"), &hidden).unwrap();
    let said = certs(&folder, &["renew", file]);
    assert!(
        said.code == 1 && said.err.starts_with("clients/alice/password: there is no such file"),
        "{said:?}"
    );
    fs::write(folder.join("wrong"), "another password").unwrap();
    let said = certs(&folder, &["renew", file, "--password-file", "wrong"]);
    assert!(
        said.err.starts_with("clients/alice/client.p12: the password is another; a store that was made elsewhere is renewed there"),
        "{said:?}"
    );
    assert!(!said.err.contains("another password"), "{said:?}");
    fs::rename(folder.join("clients/alice/client.key"), folder.join("elsewhere")).unwrap();
    let said = certs(&folder, &["renew", file, "--password-file", "password"]);
    assert!(
        said.err.starts_with("clients/alice/client.key: there is no such file; it would be replaced"),
        "{said:?}"
    );
    assert_eq!(text(&certificate), before);

    // What has been renewed before one that cannot be is said.
    made(&folder, &["server", "--host", "a"]);
    let said = certs(&folder, &["renew", "tls/tls.crt", file]);
    assert!(said.code == 1 && said.err.starts_with("tls/tls.crt: renewed, "), "{said:?}");
}
