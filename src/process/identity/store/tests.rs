use std::fs;
use std::os::unix::fs::symlink;
use std::time::UNIX_EPOCH;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use super::*;
use crate::process::config::scratch::Scratch;

/// 2030-01-01.
const NOW: Duration = Duration::from_secs(1_893_456_000);
const NAMES: [&str; 3] = ["tls.crt", "tls.key", "ca.crt"];

/// A certificate, its key and the issuer's certificate, good from 2025 until that year.
fn set(until: i32) -> [String; 3] {
    set_between(2025, until)
}

fn set_between(from: i32, until: i32) -> [String; 3] {
    let named = |name: &str, from: i32, until: i32| {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        params
    };
    let mut authority = named("CA", 2020, 2050);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = named("broker", from, until).signed_by(&key, &authority).unwrap();
    [leaf.pem(), key.serialize_pem(), authority.pem()]
}

fn file(more: &str) -> String {
    format!(
        "version: 1
listeners:
  - name: a
    bind: 127.0.0.1:9093
    upstream: localhost:9092
    tls: {{ certificate_chain: tls.crt, private_key: tls.key, client_ca: ca.crt, {more} }}
authorization: {{}}
"
    )
}

struct Door {
    folder: Scratch,
    store: IdentityStore,
}

impl Door {
    fn new(set: &[String; 3], more: &str) -> Self {
        let door = Self::prepared(more, |folder| {
            for (name, text) in NAMES.iter().zip(set) {
                folder.write(name, text);
            }
        });
        assert_eq!(door.poll(), None);
        door
    }

    fn prepared(more: &str, write: impl FnOnce(&Scratch)) -> Self {
        let folder = Scratch::new();
        write(&folder);
        let path = folder.path().join("doorkeeper.yaml");
        let config = Arc::new(Config::parse(&path, &file(more)).unwrap());
        let identity =
            crate::process::identity::load(&config.document, &config.listeners[0], UNIX_EPOCH + NOW);
        Self { store: IdentityStore::new(config, 0, identity.unwrap()), folder }
    }

    fn write(&self, set: &[String; 3], which: &[usize]) {
        for &i in which {
            self.folder.write(NAMES[i], &set[i]);
        }
    }

    /// One look at the files, as the poll does.
    fn poll(&self) -> Option<Reload> {
        self.poll_at(NOW, false)
    }

    fn poll_at(&self, now: Duration, at_once: bool) -> Option<Reload> {
        let look = || self.store.reload(at_once, UNIX_EPOCH + now);
        match look() {
            Reload::Unchanged => None,
            Reload::Unsettled => Some(look()),
            settled => Some(settled),
        }
    }

    fn refusal(&self) -> String {
        match self.poll() {
            Some(Reload::Refused(faults)) => {
                faults.to_string().replace(&format!("{}/", self.folder.path().display()), "")
            }
            other => panic!("not refused: {other:?}"),
        }
    }

    fn serial(&self) -> String {
        self.store.certificates()[0].serial.clone()
    }
}

#[test]
fn a_sound_set_is_put_in_force_whole() {
    let (old, new) = (set(2035), set(2036));
    let door = Door::new(&old, "");
    let (before, serial) = (door.store.server_config(), door.serial());
    door.write(&new, &[0, 1, 2]);
    assert_eq!(door.poll(), Some(Reload::Loaded(Vec::new())));
    assert!(!Arc::ptr_eq(&before, &door.store.server_config()));
    assert_ne!(door.serial(), serial);
    assert_eq!(door.poll(), None);
}

#[test]
fn a_torn_set_changes_nothing_and_is_told_once() {
    let (old, new) = (set(2035), set(2036));
    let door = Door::new(&old, "");
    let before = door.store.server_config();
    door.write(&new, &[0]);
    assert_eq!(door.poll(), Some(Reload::Unsettled), "the key may be on its way");
    let said = door.refusal();
    assert!(said.contains("tls.key: the key does not fit the certificate in tls.crt"), "{said}");
    for _ in 0..3 {
        assert_eq!(door.poll(), Some(Reload::StillRefused));
    }
    assert!(Arc::ptr_eq(&before, &door.store.server_config()));
    assert!(door.store.is_refused());
    door.write(&new, &[1]);
    assert_eq!(door.poll(), Some(Reload::Loaded(Vec::new())));
    assert!(!door.store.is_refused());
}

#[test]
fn a_set_that_is_torn_for_a_moment_is_never_told() {
    let (old, new) = (set(2035), set(2036));
    let door = Door::new(&old, "");
    for _ in 0..3 {
        door.write(&new, &[1]);
        assert_eq!(door.poll(), Some(Reload::Unsettled));
        door.write(&old, &[1]);
        assert_eq!(door.poll(), None);
    }
    door.write(&new, &[1]);
    assert_eq!(door.poll(), Some(Reload::Unsettled));
    door.write(&new, &[0]);
    assert_eq!(door.poll(), Some(Reload::Loaded(Vec::new())));
}

#[test]
fn another_fault_is_told_too_and_the_old_files_mend_it() {
    let old = set(2035);
    let door = Door::new(&old, "");
    door.folder.write("ca.crt", "");
    assert_eq!(door.poll(), Some(Reload::Unsettled));
    assert!(door.refusal().contains("ca.crt: the file is empty"));
    fs::remove_file(door.folder.path().join("tls.crt")).unwrap();
    let said = door.refusal();
    assert!(said.contains("ca.crt: ") && said.contains("tls.crt: "), "{said}");
    door.write(&old, &[0, 2]);
    assert_eq!(door.poll(), Some(Reload::Loaded(Vec::new())));
    assert_eq!((door.poll(), door.store.is_refused()), (None, false));
}

#[test]
fn whoever_asks_gets_the_refusal_at_once() {
    let (old, new) = (set(2035), set(2036));
    let door = Door::new(&old, "");
    door.write(&new, &[1]);
    assert!(matches!(door.poll_at(NOW, true), Some(Reload::Refused(_))));
    assert_eq!(door.poll_at(NOW, true), Some(Reload::StillRefused));
}

#[test]
fn files_that_still_change_are_not_believed() {
    let (old, new, newer) = (set(2035), set(2036), set(2037));
    let door = Door::new(&old, "");
    door.write(&new, &[0, 1, 2]);
    assert_eq!(door.store.reload(true, UNIX_EPOCH + NOW), Reload::Unsettled);
    door.write(&newer, &[2]);
    assert_eq!(door.store.reload(true, UNIX_EPOCH + NOW), Reload::Unsettled);
    assert!(!door.store.is_refused());
}

#[test]
fn a_certificate_is_taken_when_its_time_has_come_and_not_when_it_is_over() {
    let door = Door::new(&set(2035), "");
    door.write(&set_between(2031, 2040), &[0, 1, 2]);
    assert_eq!(door.poll(), Some(Reload::Unsettled));
    assert!(door.refusal().contains("is not valid before 2031-01-01"));
    let two_years = Duration::from_secs(2 * 366 * 86_400);
    assert_eq!(door.poll_at(NOW + two_years, false), Some(Reload::Loaded(Vec::new())));
    door.write(&set_between(2025, 2029), &[0, 1, 2]);
    assert_eq!(door.poll(), Some(Reload::Unsettled));
    assert!(door.refusal().contains("expired on 2029-01-01"));
}

#[test]
fn kubernetes_swaps_a_folder_behind_a_link() {
    let (old, new) = (set(2035), set(2036));
    let generation = |folder: &Scratch, name: &str, set: &[String; 3]| {
        let path = folder.path().join(name);
        fs::create_dir(&path).unwrap();
        for (name, text) in NAMES.iter().zip(set) {
            fs::write(path.join(name), text).unwrap();
        }
        let link = folder.path().join("..data_tmp");
        symlink(name, &link).unwrap();
        fs::rename(&link, folder.path().join("..data")).unwrap();
    };
    let door = Door::prepared("", |folder| {
        generation(folder, "..2026_01", &old);
        for name in NAMES {
            symlink(format!("..data/{name}"), folder.path().join(name)).unwrap();
        }
    });
    let mut serials = vec![door.serial()];
    for (name, set, gone) in [("..2026_02", &new, "..2026_01"), ("..2026_03", &old, "..2026_02")] {
        generation(&door.folder, name, set);
        fs::remove_dir_all(door.folder.path().join(gone)).unwrap();
        assert_eq!(door.poll(), Some(Reload::Loaded(Vec::new())));
        assert_eq!(door.poll(), None);
        serials.push(door.serial());
    }
    assert_ne!(serials[0], serials[1]);
    assert_eq!(serials[0], serials[2]);
}

#[test]
fn nothing_by_which_sessions_are_resumed_is_taken_along() {
    let door = Door::new(&set(2035), "client_auth: none");
    let before = door.store.server_config();
    assert!(before.session_storage.can_cache());
    door.write(&set(2036), &[0, 1]);
    assert_eq!(door.poll(), Some(Reload::Loaded(Vec::new())));
    let after = door.store.server_config();
    assert!(!Arc::ptr_eq(&before.session_storage, &after.session_storage));
    assert!(!after.ticketer.enabled());
}

#[test]
fn settings_of_a_changed_configuration_are_prepared_first_and_committed_after() {
    let door = Door::new(&set(2035), "");
    let path = door.folder.path().join("doorkeeper.yaml");
    let prepare =
        |text: &str| door.store.prepare(&Arc::new(Config::parse(&path, text).unwrap()), UNIX_EPOCH + NOW);
    let before = door.store.server_config();

    let same = prepare(&format!("# said anew\n{}", file(""))).unwrap();
    assert_eq!(door.store.commit(same), None);
    assert!(Arc::ptr_eq(&before, &door.store.server_config()));

    assert!(prepare(&file("").replace("tls.key", "gone.key")).is_err());

    // What is risky about it is told, as at the start.
    let pinned = prepare(&file("").replace("ca.crt", "tls.crt")).unwrap();
    let warnings = door.store.commit(pinned).unwrap();
    assert!(matches!(&*warnings, [one] if one.message.contains("vouches for nobody but")), "{warnings:?}");

    let before = door.store.server_config();
    let other = prepare(&file("client_auth: none, reload_interval: 3s")).unwrap();
    assert!(Arc::ptr_eq(&before, &door.store.server_config()));
    assert_eq!(door.store.commit(other), Some(Vec::new()));
    assert!(!Arc::ptr_eq(&before, &door.store.server_config()));
    assert_eq!(door.store.reload_interval(), Duration::from_secs(3));
    door.folder.write("ca.crt", "not read any more");
    assert_eq!(door.poll(), None);
}
