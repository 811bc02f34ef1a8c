use std::time::{Duration, UNIX_EPOCH};

use super::*;

const KEY: &str = r#"{"version":2,"kind":"credential","user":"alice","credential":"scram_sha_512"}"#;

fn scram(password: &str) -> ScramCredential {
    ScramCredential::from_password(Hash::Sha512, password, b"salt".to_vec(), 4096)
}

fn set(user: &str, kind: CredentialKind, text: &str) -> Pair {
    let changed = CredentialChange { user: user.to_owned(), kind, text: Some(text.to_owned()) };
    change(&changed, "broker-1", UNIX_EPOCH + Duration::from_secs(1_795_000_000)).unwrap()
}

fn apply(users: &mut UserSet, pair: &Pair) -> Result<(), String> {
    users.apply(&pair.key, pair.value.as_deref()).map_err(|why| why.to_string())
}

/// What is written once must be read for ever.
#[test]
fn the_format_is_this() {
    let credential = scram("pencil").to_string();
    let pair = set("alice", CredentialKind::ScramSha512, &credential);
    assert_eq!(String::from_utf8(pair.key).unwrap(), KEY);
    assert_eq!(
        String::from_utf8(pair.value.unwrap()).unwrap(),
        r#"{"version":2,"secret":"CREDENTIAL","written_by":"broker-1","written_at":"2026-11-18T11:06:40.000000Z"}"#
            .replace("CREDENTIAL", &credential)
    );
    let secret = challenge_secret(&[7; 16], "b", UNIX_EPOCH).unwrap();
    assert_eq!(String::from_utf8(secret.key).unwrap(), r#"{"version":2,"kind":"challenge_secret"}"#);
}

/// A doorkeeper that knows bindings alone refuses it as a newer one's.
#[test]
fn who_knows_bindings_alone_reads_of_a_newer_format() {
    use super::super::record::read_key;
    assert_eq!(read_key(KEY.as_bytes()), Err(Corrupt::Newer(VERSION)));
}

#[test]
fn each_credential_comes_and_goes_by_itself() {
    let mut users = UserSet::default();
    let hash = PasswordHash::of("s3cret", &[7; 16]).unwrap();
    let alice = set("alice", CredentialKind::ScramSha512, &scram("pencil").to_string());
    for pair in [&alice, &set("alice", CredentialKind::PasswordHash, &hash.to_string())] {
        apply(&mut users, pair).unwrap();
    }
    let both = User { scram_sha_512: Some(scram("pencil")), password: Some(hash), ..User::default() };
    assert_eq!(users.users().get("alice"), Some(&both));
    // The later one counts, and the other kind stays.
    apply(&mut users, &set("alice", CredentialKind::ScramSha512, &scram("other").to_string())).unwrap();
    assert!(users.users().is_password("alice", "s3cret"));
    assert_eq!(users.users().get("alice").unwrap().scram_sha_512, Some(scram("other")));
    for kind in [CredentialKind::PasswordHash, CredentialKind::ScramSha512, CredentialKind::ScramSha256] {
        let end = CredentialChange { user: "alice".to_owned(), kind, text: None };
        apply(&mut users, &change(&end, "b", UNIX_EPOCH).unwrap()).unwrap();
    }
    assert_eq!((users.len(), users.users().get("alice")), (0, None));
}

/// Two doorkeepers that made one at once.
#[test]
fn of_challenge_secrets_the_last_in_the_log_is_everybodys() {
    let (one, other) = ([1; 32], [2; 32]);
    let record = |secret: &[u8]| challenge_secret(secret, "b", UNIX_EPOCH).unwrap();
    let (mut here, mut compacted) = (UserSet::default(), UserSet::default());
    assert!(!here.has_secret());
    apply(&mut here, &record(&one)).unwrap();
    apply(&mut here, &record(&other)).unwrap();
    apply(&mut compacted, &record(&other)).unwrap();
    assert!(here.has_secret());
    let salt = |users: &UserSet| users.users().candidate("nobody", Hash::Sha512).credential.salt;
    assert_eq!(salt(&here), salt(&compacted));
    let mut first = UserSet::default();
    apply(&mut first, &record(&one)).unwrap();
    assert_ne!(salt(&here), salt(&first));
}

#[test]
fn what_is_damaged_is_refused_without_its_secret() {
    let mut users = UserSet::default();
    let good = set("alice", CredentialKind::ScramSha512, &scram("pencil").to_string());
    apply(&mut users, &good).unwrap();
    let before = users.clone();
    let key = |text: &str| Pair { key: text.as_bytes().to_vec(), ..good.clone() };
    let value = |text: &str| Pair { value: Some(text.as_bytes().to_vec()), ..good.clone() };
    for (bad, why) in [
        (key(&KEY.replace("alice", "")), "a user has a name"),
        (key(&KEY.replace("alice", "User:alice")), "the name is what follows 'User:'"),
        (key(&KEY.replace("alice", r"\u0061lice")), "not spelled as doorkeeper spells it"),
        (
            key(&KEY.replace(r#""user""#, r#""only_on":"mondays","user""#)),
            "not spelled as doorkeeper spells it",
        ),
        (key(&KEY.replace("scram_sha_512", "scram_md5")), "unknown variant `scram_md5`"),
        (key(&KEY.replace("\"credential\",", "\"role\",")), "unknown variant `role`"),
        (value("\"s3cret\""), "its value is damaged at its byte"),
        (
            value(r#"{"version":2,"secret":["s3cret"],"written_by":"","written_at":""}"#),
            "its value is damaged",
        ),
        (value(r#"{"version":3,"secret":"s3cret","written_by":"","written_at":""}"#), "it is of format 3"),
        (
            value(r#"{"version":2,"secret":"s3cret","written_by":"","written_at":""}"#),
            "its value is no credential of this kind",
        ),
        (Pair { key: key(r#"{"version":2,"kind":"challenge_secret"}"#).key, ..value("{}") }, "damaged"),
        (
            Pair {
                key: key(r#"{"version":2,"kind":"challenge_secret"}"#).key,
                ..value(r#"{"version":2,"secret":"AAAA","written_by":"","written_at":""}"#)
            },
            "its value is no challenge secret",
        ),
    ] {
        let told = apply(&mut users, &bad).unwrap_err();
        assert!(told.contains(why) && !told.contains("s3cret"), "{why}: {told}");
        assert_eq!(users, before, "{told}");
    }
}

/// One that is written and not read again would be the end of the whole set.
#[test]
fn what_would_not_be_read_again_is_not_written() {
    let credential = |salt: Vec<u8>| {
        ScramCredential::from_salted_password(Hash::Sha512, b"salted", salt, 4096).to_string()
    };
    let change_to = |user: &str, text: String| {
        let (kind, user) = (CredentialKind::ScramSha512, user.to_owned());
        change(&CredentialChange { user, kind, text: Some(text) }, "b", UNIX_EPOCH)
    };
    assert!(
        change_to("alice", credential(vec![1])).is_ok()
            && change_to("alice", credential(vec![1; 1024])).is_ok()
    );
    for (user, text) in [
        ("alice", credential(Vec::new())),
        ("alice", credential(vec![1; 1025])),
        ("User:alice", credential(vec![1])),
        ("alice", "s3cret".to_owned()),
    ] {
        let why = change_to(user, text).unwrap_err();
        assert!(why.contains("would not be read again") && !why.contains("s3cret"), "{why}");
    }
}
