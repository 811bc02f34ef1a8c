use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use proptest::prelude::*;

use super::super::batch;
use super::super::record::tests::binding;
use super::super::record::{Pair, addition, removal};
use super::*;

fn orders(name: &str) -> Binding {
    use crate::model::acl::{Operation, PatternType, Permission, ResourceType};
    Binding {
        resource_type: ResourceType::Topic,
        resource_name: name.to_owned(),
        pattern_type: PatternType::Literal,
        principal: "User:alice".to_owned(),
        host: "*".to_owned(),
        operation: Operation::Read,
        permission: Permission::Allow,
    }
}

/// A log, as a broker keeps it: each batch gets the next offsets.
#[derive(Default, Clone)]
struct Log {
    bytes: Vec<u8>,
    next: i64,
}

impl Log {
    fn append(&mut self, pairs: Vec<Pair>) {
        let count = pairs.len() as i64;
        let mut batch = batch::write(&pairs, SystemTime::now()).unwrap().to_vec();
        batch[..8].copy_from_slice(&self.next.to_be_bytes());
        self.bytes.extend(batch);
        self.next += count;
    }

    fn replayed(&self) -> Replica {
        let mut replica = Replica::starting_at(0);
        replica.apply(batch::read(self.bytes.clone().into())).unwrap();
        replica
    }
}

fn raw(key: &str, value: Option<&str>) -> Pair {
    Pair { key: key.as_bytes().to_vec(), value: value.map(|value| value.as_bytes().to_vec()) }
}

proptest! {
    /// Changes of several writers, in whatever order the log has them, are the changes of a set.
    #[test]
    fn the_log_is_a_set(
        known in prop::collection::vec(binding(), 1..6),
        changes in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<prop::sample::Index>(), 1..4), 0..3u8), 0..40),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut log = Log::default();
        let mut model = HashSet::new();
        for (add, which, writer) in &changes {
            let bindings: Vec<_> = which.iter().map(|index| index.get(&known).clone()).collect();
            let pair = |binding: &Binding| match add {
                true => addition(binding, &writer.to_string(), UNIX_EPOCH).unwrap(),
                false => removal(binding).unwrap(),
            };
            log.append(bindings.iter().map(pair).collect());
            for binding in bindings {
                if *add { model.insert(Arc::new(binding)); } else { model.remove(&binding); }
            }
        }
        let replayed = log.replayed();
        prop_assert_eq!(replayed.bindings().unwrap(), &model);

        // Read in two parts, the second of which begins in the middle of a batch: a broker gives the whole batch again.
        let cut = cut.index(log.bytes.len() + 1);
        let mut replica = Replica::starting_at(0);
        replica.apply(batch::read(log.bytes[..cut].to_vec().into())).unwrap();
        replica.apply(batch::read(log.bytes.clone().into())).unwrap();
        prop_assert_eq!(replica.bindings().unwrap(), &model);
        prop_assert_eq!(replica.next, log.next);
    }
}

#[test]
fn what_cannot_be_understood_counts_until_it_is_taken_out() {
    let good = addition(&orders("a"), "x", UNIX_EPOCH).unwrap();
    let key = String::from_utf8(good.key.clone()).unwrap();
    for (bad, expected) in [
        (raw("nonsense", Some("{}")), "the record at offset 1: its key cannot be read"),
        (raw(&key, Some("{")), "the record at offset 1: its value cannot be read"),
        (raw(&key, Some(r#"{"version":9}"#)), "the record at offset 1: it is of format 9"),
        (raw(&key.replace(":1,", ":9,"), Some("?")), "the record at offset 1: it is of format 9"),
    ] {
        let mut log = Log::default();
        log.append(vec![good.clone()]);
        log.append(vec![bad.clone()]);
        log.append(vec![addition(&orders("b"), "x", UNIX_EPOCH).unwrap()]);
        let said = log.replayed().bindings().unwrap_err().to_string();
        assert!(said.starts_with(expected), "{said}");
        log.append(vec![Pair { value: None, ..bad.clone() }]);
        let mended = log.replayed();
        let expected: HashSet<_> = if bad.key == good.key { vec!["b"] } else { vec!["a", "b"] }
            .into_iter()
            .map(|who| Arc::new(orders(who)))
            .collect();
        assert_eq!(mended.bindings(), Ok(&expected));
    }
}

/// A doorkeeper that knows more than this one took something out of its own.
#[test]
fn the_end_of_something_unknown_is_no_fault() {
    let mut log = Log::default();
    log.append(vec![raw(r#"{"version":2,"role":"admin"}"#, None), raw("", None)]);
    assert_eq!(log.replayed().bindings(), Ok(&HashSet::new()));
}

/// Users are in the same log, and what is damaged of them counts as much as a binding.
#[test]
fn users_and_bindings_are_of_one_log() {
    use super::super::user_record::{challenge_secret, change};
    use crate::model::sasl::scram::{Hash, ScramCredential};
    use crate::model::sasl::users::{CredentialChange, CredentialKind};
    let credential = ScramCredential::from_password(Hash::Sha256, "pencil", b"salt".to_vec(), 4096);
    let with = |text: Option<String>| {
        let (user, kind) = ("alice".to_owned(), CredentialKind::ScramSha256);
        change(&CredentialChange { user, kind, text }, "x", UNIX_EPOCH).unwrap()
    };
    let mut log = Log::default();
    log.append(vec![addition(&orders("a"), "x", UNIX_EPOCH).unwrap()]);
    log.append(vec![
        with(Some(credential.to_string())),
        challenge_secret(&[7; 32], "x", UNIX_EPOCH).unwrap(),
    ]);
    let replayed = log.replayed();
    assert_eq!(replayed.bindings().unwrap().len(), 1);
    assert!(replayed.users().has_secret());
    assert_eq!(replayed.users().users().get("alice").unwrap().scram_sha_256, Some(credential));
    // By somebody else, as doorkeeper writes none.
    let damaged = br#"{"version":2,"secret":"nonsense","written_by":"x","written_at":""}"#;
    log.append(vec![Pair { value: Some(damaged.to_vec()), ..with(None) }]);
    let said = log.replayed().bindings().unwrap_err().to_string();
    assert!(said.starts_with("the record at offset 3: its value is no credential"), "{said}");
    log.append(vec![with(None)]);
    let mended = log.replayed();
    assert_eq!((mended.bindings().unwrap().len(), mended.users().len()), (1, 0));
}
