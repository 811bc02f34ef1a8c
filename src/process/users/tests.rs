use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use super::*;
use crate::model::sasl::users::{UsersChange, UsersChangeError};
use crate::process::acl_store::Reload;
use crate::process::config::scratch::Scratch;

fn credential(password: &str) -> ScramCredential {
    ScramCredential::from_password(Hash::Sha512, password, b"salt".to_vec(), 4096)
}

fn user(password: &str) -> User {
    User { scram_sha_512: Some(credential(password)), ..User::default() }
}

fn read(text: &str) -> Result<UserFile, Vec<String>> {
    parse(Path::new("users.yaml"), text).map_err(|faults| faults.0.iter().map(ToString::to_string).collect())
}

fn file(scratch: &Scratch, text: &str) -> PathBuf {
    let path = scratch.write("users.yaml", text);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

#[test]
fn a_file_says_who_there_is() {
    let (scram, hash) = (credential("pencil"), PasswordHash::of("s3cret", &[7; 16]).unwrap());
    let text = format!(
        "# ours\n- {{ challenge_secret: \"MDEyMzQ1Njc4OTAxMjM0NQ==\" }}\n- user: alice\n  scram_sha_512: \"{scram}\"\n- {{ user: bob, password_hash: \"{hash}\" }}\n"
    );
    let read = read(&text).unwrap();
    assert_eq!(read.names, [None, Some("alice".to_owned()), Some("bob".to_owned())]);
    assert!(read.has_secret && read.users.get("alice") == Some(&user("pencil")));
    assert_eq!(read.users.get("bob").unwrap().password, Some(hash));
    for nobody in ["", "# nobody yet\n", "[]\n"] {
        assert!(
            super::parse(Path::new("users.yaml"), nobody).unwrap().users.by_name().is_empty(),
            "{nobody:?}"
        );
    }
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let scram = credential("pencil");
    for (text, fault) in [
        (format!("- {{ user: alice, scram_sha_256: \"{scram}\" }}"), "users.yaml:1:33: stored_key"),
        (
            format!(
                "- {{ user: a, scram_sha_512: \"{scram}\" }}\n- {{ user: a, scram_sha_512: \"{scram}\" }}"
            ),
            "users.yaml:2:11: this user is in entry 1 already",
        ),
        ("- { user: bob }".to_owned(), "users.yaml:1:3: the user is known by nothing"),
        ("- { user: bob, password_hash: s3cret }".to_owned(), "a password itself must not be here"),
        (format!("- {{ user: \"User:a\", scram_sha_512: \"{scram}\" }}"), "the name is what follows 'User:'"),
        (format!("- {{ scram_sha_512: \"{scram}\" }}"), "the name is missing"),
        ("- { challenge_secret: AAAA }".to_owned(), "it has 3 bytes, and needs 16"),
        ("- { user: a, challenge_secret: AAAA }".to_owned(), "give it an entry of its own"),
        ("- { user: a, pasword_hash: x }".to_owned(), "pasword_hash"),
        ("users: []".to_owned(), "users.yaml:1:1"),
    ] {
        let faults = read(&text).unwrap_err();
        let fault = fault.replace("stored_key", "'stored_key' has 64 bytes");
        assert!(faults.iter().any(|told| told.contains(&fault)), "{text}: {faults:?}");
        assert!(
            !faults.iter().any(|told| told.contains("s3cret") || told.contains("stored_key=")),
            "{faults:?}"
        );
    }
}

#[test]
fn a_change_keeps_what_it_is_not_about() {
    let alice = format!("- {{ user: alice, scram_sha_512: \"{}\" }} # the first\n", credential("pencil"));
    let text = format!(
        "# ours\n- {{ challenge_secret: \"MDEyMzQ1Njc4OTAxMjM0NQ==\" }}\n{alice}# and\n- {}\n",
        entry_text("bob", &user("x"))
    );
    let changed = |name: &str, user: User| {
        let new = edited(&text, &read(&text).unwrap(), &BTreeMap::from([(name.to_owned(), user)])).unwrap();
        let read = read(&new).unwrap();
        (new, read)
    };
    let (new, found) = changed("alice", user("other"));
    assert!(new.contains(" # the first\n# and\n") && new.starts_with("# ours\n"), "{new}");
    assert_eq!(found.users.get("alice"), Some(&user("other")));
    let (new, found) = changed("alice", User::default());
    assert!(found.users.get("alice").is_none() && new.contains("# and\n- { user: \"bob\""), "{new}");
    let (new, found) = changed("carol \"x\": #", user("x"));
    assert!(new.starts_with(&text) && found.users.by_name().len() == 3, "{new}");
    // The first entry of a file, which gets a secret with it.
    for empty in ["", "# nobody yet", "[]\n", "# c\n[] # d\n"] {
        let file = read(empty).unwrap();
        let new = edited(empty, &file, &BTreeMap::from([("a".to_owned(), user("x"))])).unwrap();
        let found = read(&new).unwrap();
        assert!(found.has_secret && found.users.get("a") == Some(&user("x")), "{empty:?}: {new}");
        assert!(
            empty.lines().all(|line| line.trim_start_matches("[]").trim().is_empty()
                || new.contains(line.trim_start_matches("[] "))),
            "{new}"
        );
    }
}

#[tokio::test]
async fn a_store_is_changed_by_clients_and_by_hand() {
    let scratch = Scratch::new();
    let path = file(&scratch, "");
    let (store, warnings) = UserStore::open(path.clone()).unwrap();
    assert!(warnings.len() == 1 && warnings[0].to_string().contains("there are no users"), "{warnings:?}");
    let store = std::sync::Arc::new(store);
    let set = |name: &str| UsersChange {
        set: vec![(name.to_owned(), Hash::Sha512, credential("pencil"))],
        ..UsersChange::default()
    };
    let before = store.generation();
    store.clone().change(set("alice")).await.unwrap();
    assert!(store.users().get("alice").is_some() && store.generation() > before);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(store.reload(), Reload::Unchanged);
    // By hand, wrong and right again.
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}- nonsense\n")).unwrap();
    assert!(matches!(store.reload(), Reload::Refused(_)) && store.reload() == Reload::StillRefused);
    let refused = store.clone().change(set("bob")).await.unwrap_err();
    assert!(
        matches!(&refused, UsersChangeError::ReadOnly(why) if why.contains("has to be put right first")),
        "{refused:?}"
    );
    fs::write(&path, format!("{text}- {}\n", entry_text("dave", &user("y")))).unwrap();
    assert!(matches!(store.reload(), Reload::Loaded(_)));
    assert!(store.users().get("dave").is_some() && store.users().get("alice").is_some());
    let removed = UsersChange { remove: vec![("alice".to_owned(), Hash::Sha512)], ..UsersChange::default() };
    store.clone().change(removed).await.unwrap();
    assert!(store.users().get("alice").is_none());
    // What the kubelet mounts is nobody's to change.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    let refused = store.change(set("carol")).await.unwrap_err();
    assert!(
        matches!(&refused, UsersChangeError::ReadOnly(why) if why.contains("edit it where it comes from")),
        "{refused:?}"
    );
}
