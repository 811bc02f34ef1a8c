use std::time::UNIX_EPOCH;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use super::*;
use crate::process::config::scratch::Scratch;

/// 2030-01-01.
const NOW: Duration = Duration::from_secs(1_893_456_000);
const NAMES: [&str; 3] = ["own.crt", "own.key", "ca.crt"];

/// A client's certificate of this name, good until that year, its key and its issuer's certificate.
fn set(name: &str, until: i32) -> [String; 3] {
    let named = |name: &str, until: i32| {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "rig");
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        params
    };
    let mut authority = named("CA", 2050);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = named(name, until).signed_by(&key, &authority).unwrap();
    [leaf.pem(), key.serialize_pem(), authority.pem()]
}

fn write(folder: &Scratch, set: &[String; 3], which: &[usize]) {
    for &i in which {
        folder.write(NAMES[i], &set[i]);
    }
}

fn open(folder: &Scratch) -> Result<ClientStore, String> {
    let file = folder.path().join("doorkeeper.yaml");
    let text =
        "acls:\n  tls:\n    certificate_chain: own.crt\n    private_key: own.key\n    server_ca: ca.crt\n";
    let document = Document::parse(&file, text.to_owned()).unwrap();
    let path = |name: &str| folder.path().join(name);
    let tls = ClientTls {
        certificate_chain: path(NAMES[0]),
        private_key: path(NAMES[1]),
        server_ca: path(NAMES[2]),
        reload_interval: Duration::from_secs(1),
    };
    ClientStore::open(&document, "acls", &tls, UNIX_EPOCH + NOW)
        .map_err(|faults| faults.to_string().replace(&format!("{}/", folder.path().display()), ""))
}

fn look(store: &ClientStore) -> Reload {
    store.reload(false, UNIX_EPOCH + NOW)
}

#[test]
fn faults_are_at_the_keys_that_name_the_files() {
    let (one, other) = (set("doorkeeper", 2040), set("other", 2040));
    for (files, expected) in [
        (
            [&one[1], &one[1], &one[2]],
            "doorkeeper.yaml:3:24: own.crt: there is no certificate in it but 'PRIVATE KEY': name the file that begins with the client's certificate",
        ),
        (
            [&one[0], &other[1], &one[2]],
            "doorkeeper.yaml:4:18: own.key: the key does not fit the certificate in own.crt: name the key that the certificate was issued for",
        ),
        (
            [&one[0], &one[1], &one[1]],
            "doorkeeper.yaml:5:16: ca.crt: there is no certificate in it but 'PRIVATE KEY': name the file with the certificates of the issuers whose servers are trusted",
        ),
    ] {
        let folder = Scratch::new();
        write(&folder, &files.map(Clone::clone), &[0, 1, 2]);
        assert_eq!(open(&folder).unwrap_err(), expected);
    }
}

/// What it is for can wait; the clients of this broker cannot.
#[test]
fn an_expired_certificate_is_a_warning() {
    let folder = Scratch::new();
    write(&folder, &set("doorkeeper", 2029), &[0, 1, 2]);
    let store = open(&folder).unwrap();
    assert_eq!(store.subject(), "CN=doorkeeper,O=rig");
    let [warning] = store.warnings() else { panic!("{:?}", store.warnings()) };
    assert!(
        warning.message.ends_with("the certificate of doorkeeper expired on 2029-01-01 00:00 UTC: renew it")
    );
}

/// Two looks that agree, and a set that fits: else the old one stays, and what is wrong is said once.
#[test]
fn other_files_are_taken_when_they_are_whole() {
    let (old, new) = (set("old", 2040), set("new", 2040));
    let folder = Scratch::new();
    write(&folder, &old, &[0, 1, 2]);
    let store = open(&folder).unwrap();
    assert_eq!(look(&store), Reload::Unchanged);
    let before = store.client_config();

    write(&folder, &new, &[0]);
    assert_eq!(look(&store), Reload::Unsettled);
    assert_eq!(look(&store), Reload::Unsettled, "the key may be on its way");
    assert!(matches!(look(&store), Reload::Refused(_)));
    assert_eq!(look(&store), Reload::StillRefused);
    assert!(store.is_refused());
    assert_eq!(store.subject(), "CN=old,O=rig");

    write(&folder, &new, &[1]);
    assert_eq!(look(&store), Reload::Unsettled);
    write(&folder, &new, &[2]);
    assert_eq!(look(&store), Reload::Unsettled);
    assert_eq!(look(&store), Reload::Loaded(Vec::new()));
    assert_eq!(store.subject(), "CN=new,O=rig");
    assert!(!store.is_refused());
    assert!(!Arc::ptr_eq(&before, &store.client_config()));
    let roles: Vec<_> = store.certificates().iter().map(|facts| facts.role).collect();
    assert_eq!(roles, [Role::Client, Role::ServerCa]);
    assert_eq!(look(&store), Reload::Unchanged);
}
