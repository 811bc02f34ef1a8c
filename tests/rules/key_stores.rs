//! Key stores and trust stores of every kind that keytool and openssl make, as `tests/tools/key-stores.sh` does: each is read, or
//! refused in one sentence.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use doorkeeper::process::identity::stores::{self, Passwords};
use rustls::crypto::aws_lc_rs;
use rustls::sign::CertifiedKey;
use zeroize::Zeroizing;

use super::support::skipped;

/// The folder with the stores, which are made once a run; `None`, said aloud, where a tool is missing.
fn made() -> Option<&'static Path> {
    static MADE: OnceLock<Option<PathBuf>> = OnceLock::new();
    MADE.get_or_init(make).as_deref()
}

fn make() -> Option<PathBuf> {
    for tool in [["keytool", "-help"], ["openssl", "version"]] {
        if Command::new(tool[0]).arg(tool[1]).output().is_err() {
            skipped("the table of key stores", &format!("there is no {}", tool[0]));
            return None;
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("key-stores");
    drop(std::fs::remove_dir_all(&folder));
    let made = Command::new(root.join("tests/tools/key-stores.sh")).arg(&folder).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Some(folder)
}

/// What a store comes to, in the words of the table.
fn outcome(folder: &Path, file: &str, passwords: &Passwords, alias: Option<&str>, wanted: &str) -> String {
    let bytes = std::fs::read(folder.join(file)).unwrap();
    let path = Path::new(file);
    let read = stores::read(&bytes, path, passwords);
    if wanted.starts_with("trusted") || wanted.contains("no trusted certificate") {
        return match read.and_then(|store| Ok(store.trusted()?.len())) {
            Ok(count) => format!("trusted {count}"),
            Err(fault) => format!("fault {fault}"),
        };
    }
    match read.and_then(|store| store.key(alias, passwords, path)) {
        Ok(found) => {
            let count = found.chain.len();
            let signer = aws_lc_rs::default_provider().key_provider.load_private_key(found.key).unwrap();
            let fits = CertifiedKey::new(found.chain, signer).keys_match();
            // Of version 1, whose key rustls does not look for.
            let fits = fits.is_ok() || file.starts_with("signed.");
            assert!(fits, "{file}: the key is not that of its certificate");
            format!("key {} {count}", found.alias)
        }
        Err(fault) => format!("fault {fault}"),
    }
}

#[test]
fn every_store_is_read_or_refused_in_one_sentence() {
    let Some(folder) = made() else { return };
    let rows = std::fs::read_to_string(folder.join("rows")).unwrap();
    let mut wrong = Vec::new();
    let mut count = 0;
    for row in rows.lines() {
        let fields: Vec<&str> = row.split('\t').collect();
        let [name, file, store, key, alias, wanted] = fields[..] else { panic!("{row}") };
        let given = |text: &str| (text != "-").then(|| Zeroizing::new(text.to_owned()));
        let passwords = Passwords { store: given(store), key: given(key) };
        let alias = (alias != "-").then_some(alias);
        let found = outcome(folder, file, &passwords, alias, wanted);
        let as_wanted = match wanted.strip_prefix("fault ") {
            Some(_) => found.starts_with(wanted) && !found.contains('\n'),
            None => found == wanted,
        };
        if !as_wanted {
            wrong.push(format!("{name}: {found}, and not {wanted}"));
        }
        count += 1;
    }
    assert!(count >= 90, "the table is whole: {count}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// No damage to a store makes anything but an error of it, or the same.
#[test]
fn no_damage_to_a_store_panics_or_is_believed() {
    let Some(folder) = made() else { return };
    for file in ["trust.jks", "imported.jks", "plain.p12", "open.p12", "nameless.p12"] {
        let whole = std::fs::read(folder.join(file)).unwrap();
        let password = (file != "trust.jks").then(|| Zeroizing::new("changeit".to_owned()));
        let passwords = Passwords { store: password, key: None };
        let key = |bytes: &[u8]| {
            let path = Path::new(file);
            let found = stores::read(bytes, path, &passwords)?.key(None, &passwords, path)?;
            Ok::<_, stores::StoreFault>(found.chain)
        };
        let step = (whole.len() / 200).max(1);
        for at in (0..whole.len()).step_by(step) {
            drop(key(&whole[..at]));
            let mut damaged = whole.clone();
            damaged[at] ^= 0x81;
            let found = key(&damaged);
            // Where there is a sum over all of it, whoever changes a byte is found out.
            assert!(!matches!(file, "imported.jks" | "nameless.p12") || found.is_err(), "{file}: byte {at}");
        }
    }
}
