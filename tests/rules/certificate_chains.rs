//! Chains of certificates, held against the server side of Kafka's TLS: `tests/data/certificate-chains.tsv`, made by openssl,
//! keytool and `tests/tools/CertificateChains.java`.

use std::collections::HashMap;
use std::sync::Arc;

use base64::decoded;
use doorkeeper::model::certificate::{Anchors, Certificate, Purpose, Standing};
use doorkeeper::process::identity::ProviderSignatures;

const TABLE: &str = include_str!("../data/certificate-chains.tsv");
const PAGE: &str = include_str!("../../docs/certificates.md");

/// 2027-01-15, when what the tools made is valid.
const NOW: i64 = 1_800_000_000;

/// What Kafka lets in and doorkeeper does not, on purpose, with the sentence of `docs/certificates.md` that says so.
const REFUSED: [(&str, &[&str]); 7] = [
    ("A pinned certificate must be valid", &["pinned, expired", "pinned, not valid yet"]),
    ("Certificates of X.509 version 1 are refused", &OF_VERSION_1),
    (
        "What a trusted authority says of itself holds",
        &[
            "path length 0 of the anchor, exceeded",
            "constraints of the anchor, broken",
            "anchor: unknown critical extension",
        ],
    ),
    ("Policies are not judged", &["intermediate: requireExplicitPolicy, with policies"]),
    (
        "RSA keys of fewer than 2048 bits, DSA and Ed448 are not taken",
        &[
            "key: rsa1024",
            "signed by: rsa1024",
            "pinned, key: rsa1024",
            "key: ed448",
            "signed by: ed448",
            "pinned, key: ed448",
            "key: dsa, TLS 1.2",
            "signed by: dsa",
        ],
    ),
    (
        "Signatures with SHA-1 and SHA-224 are not taken",
        &["RSA with sha1", "RSA with sha224", "ECDSA with SHA-1", "intermediate: ECDSA with SHA-1"],
    ),
    (
        "RSA-PSS is taken with one hash and a salt of its length",
        &[
            "signed by: pss",
            "RSA-PSS with a salt of 20",
            "RSA-PSS with a salt of 64",
            "RSA-PSS with SHA-256 and a mask by SHA-1",
        ],
    ),
];

/// What `allow_x509_v1` lets in.
const OF_VERSION_1: [&str; 4] = [
    "version 1",
    "version 1 of an intermediate",
    "pinned, v1, signs another",
    "pinned, v1, signs another and is sent along",
];

/// What doorkeeper lets in and Kafka does not, in the same way.
const LET_IN: [(&str, &[&str]); 1] = [(
    "Issuers' names are compared whatever their string types",
    &["issuer in other strings, case and blanks"],
)];

struct Row {
    name: &'static str,
    anchors: Vec<&'static str>,
    chain: Vec<&'static str>,
    accepted: bool,
    /// Java's reason.
    why: &'static str,
}

fn table() -> (HashMap<&'static str, Vec<u8>>, Vec<Row>) {
    let (mut certificates, mut rows) = (HashMap::new(), Vec::new());
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        match fields.as_slice() {
            ["certificate", name, der] => {
                certificates.insert(*name, decoded(der));
            }
            ["row", name, anchors, chain, verdict, why] => rows.push(Row {
                name,
                anchors: anchors.split(' ').collect(),
                chain: chain.split(' ').collect(),
                accepted: *verdict == "accepted",
                why,
            }),
            other => panic!("{other:?}"),
        }
    }
    (certificates, rows)
}

mod base64 {
    /// Decodes Base64 with padding.
    pub(super) fn decoded(text: &str) -> Vec<u8> {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let digits = text.bytes().filter_map(|byte| LETTERS.iter().position(|letter| *letter == byte));
        let digits: Vec<u32> = digits.map(|digit| u32::try_from(digit).unwrap()).collect();
        let bytes = digits.chunks(4).flat_map(|group| {
            let bits = group.iter().fold(0, |bits, digit| bits << 6 | digit) << (6 * (4 - group.len()));
            bits.to_be_bytes()[1..group.len()].to_vec()
        });
        bytes.collect()
    }
}

fn signatures() -> ProviderSignatures {
    ProviderSignatures::new(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
}

/// What we make of a row: nothing, or why it is refused.
fn ours(row: &Row, certificates: &HashMap<&str, Vec<u8>>) -> Result<(), String> {
    judged(row, certificates, Anchors::default())
}

fn judged(row: &Row, certificates: &HashMap<&str, Vec<u8>>, mut anchors: Anchors) -> Result<(), String> {
    let signatures = signatures();
    for anchor in &row.anchors {
        anchors.add(Certificate::read(&certificates[anchor]).unwrap(), &signatures);
    }
    let chain: Vec<&[u8]> = row.chain.iter().map(|name| certificates[name].as_slice()).collect();
    let judged = anchors.judge(&chain, Purpose::Client, NOW, &signatures);
    judged.map(drop).map_err(|refusal| refusal.to_string())
}

#[test]
fn every_chain_is_judged_as_in_kafka() {
    let (certificates, rows) = table();
    assert!(rows.len() > 200, "the table is whole");
    let (mut refused, mut let_in) = (Vec::new(), Vec::new());
    for row in &rows {
        match (ours(row, &certificates), row.accepted) {
            (Ok(()), true) | (Err(_), false) => {}
            (Err(why), true) => refused.push((row.name, why)),
            (Ok(()), false) => let_in.push((row.name, row.why.to_owned())),
        }
    }
    for (found, expected) in [(refused, &REFUSED[..]), (let_in, &LET_IN[..])] {
        let expected: Vec<&str> = expected.iter().flat_map(|(_, rows)| rows.iter().copied()).collect();
        let unexpected: Vec<_> = found.iter().filter(|(name, _)| !expected.contains(name)).collect();
        assert!(unexpected.is_empty(), "{unexpected:#?}");
        let names: Vec<&str> = found.iter().map(|(name, _)| *name).collect();
        let missing: Vec<_> = expected.iter().filter(|name| !names.contains(name)).collect();
        assert!(missing.is_empty(), "these are judged as in Kafka: {missing:#?}");
    }
}

#[test]
fn every_difference_is_in_the_docs() {
    for (sentence, _) in REFUSED.iter().chain(&LET_IN) {
        assert!(PAGE.contains(sentence), "{sentence}");
    }
}

/// A refusal names the certificate that failed, and says what it is about in words.
#[test]
fn every_refusal_names_the_certificate_and_the_remedy() {
    let (certificates, rows) = table();
    let mut said: HashMap<&str, String> = HashMap::new();
    for row in &rows {
        let Err(why) = ours(row, &certificates) else { continue };
        assert!(why.starts_with("the certificate of ") && why.contains(", is refused: "), "{why}");
        for debris in ["Context", "Some(", "Err(", "{", "Other(", "webpki"] {
            assert!(!why.contains(debris), "{}: {why}", row.name);
        }
        said.insert(row.name, why);
    }
    let alice = "the certificate of CN=alice,O=rig, issued by";
    for (row, expected) in [
        (
            "leaf of an authority nobody trusts",
            format!("{alice} CN=Other,O=rig, is refused: no certificate in tls.client_ca has issued it: the client must show one of a trusted authority, with those between them, or tls.client_ca must name its authority"),
        ),
        (
            "leaf of an authority nobody trusts, which is sent along",
            format!("{alice} CN=Other,O=rig, is refused: in certificate 2 of its chain (CN=Other,O=rig, issued by CN=Other,O=rig): no certificate in tls.client_ca has issued it: tls.client_ca must name its issuer, or the client show another"),
        ),
        (
            "intermediate has expired",
            format!("{alice} CN=Old Intermediate,O=rig, is refused: in certificate 2 of its chain (CN=Old Intermediate,O=rig, issued by CN=Root,O=rig): it expired on 2001-01-01 00:00 UTC: the client must show its issuer's renewed one in its place"),
        ),
        (
            "leaf has expired",
            format!("{alice} CN=Root,O=rig, is refused: it expired on 2001-01-01 00:00 UTC: the client must renew it"),
        ),
        (
            "serverAuth",
            format!("{alice} CN=Root,O=rig, is refused: its extendedKeyUsage is without clientAuth: the client needs another, issued anew"),
        ),
        (
            "intermediate: ECDSA with SHA-1",
            format!("{alice} CN=Intermediate-SHA-1,O=rig, is refused: in certificate 2 of its chain (CN=Intermediate-SHA-1,O=rig, issued by CN=Root,O=rig): it is signed with ECDSA with SHA-1, which is not taken: its authority must issue it anew, and the client show that"),
        ),
        (
            "key: rsa1024",
            format!("{alice} CN=Root,O=rig, is refused: its key (RSA of 1024 bits) is none that is taken; those are RSA of 2048 to 8192 bits, EC on P-256, P-384 or P-521, Ed25519 and ML-DSA: the client needs another, issued anew"),
        ),
        (
            "path length 0, exceeded",
            format!("{alice} CN=Below,O=rig, is refused: in certificate 2 of its chain (CN=Below,O=rig, issued by CN=Intermediate of length 0,O=rig): there are more authorities below one above it than that one allows (pathLenConstraint): its authority must issue it anew, and the client show that"),
        ),
        (
            "another key of a pinned name",
            "the certificate of CN=pinned,O=rig, issued by CN=pinned,O=rig, is refused: no certificate in tls.client_ca has issued it: the client must show one of a trusted authority, with those between them, or tls.client_ca must name its authority".to_owned(),
        ),
    ] {
        assert_eq!(said.get(row), Some(&expected), "{row}");
    }
}

/// With `allow_x509_v1`, version 1 is judged as by Kafka, and whatever is of version 3 as without.
#[test]
fn version_1_is_judged_as_in_kafka_where_it_is_allowed() {
    let (certificates, rows) = table();
    for row in &rows {
        let allowed = judged(row, &certificates, Anchors::new(true, "tls.client_ca"));
        let is_of_version_1 = OF_VERSION_1.contains(&row.name);
        match is_of_version_1 {
            true => assert_eq!(allowed, Ok(()), "{}", row.name),
            false => assert_eq!(allowed.is_ok(), ours(row, &certificates).is_ok(), "{}", row.name),
        }
    }
}

/// What each trusted certificate may do is said beforehand, as it turns out later.
#[test]
fn what_an_anchor_vouches_for_is_known_beforehand() {
    let (certificates, _) = table();
    let signatures = signatures();
    let standing = |name: &str| {
        let mut anchors = Anchors::default();
        anchors.add(Certificate::read(&certificates[name]).unwrap(), &signatures).standing().clone()
    };
    for name in ["root", "pin_ca", "old_root", "root_0", "root_names", "root_sha1", "ca_ed25519"] {
        assert_eq!(standing(name), Standing::Authority, "{name}");
    }
    for name in
        ["pin_false", "pin_none", "pin_issued", "pin_no_sign", "pin_v1", "pin_expired", "root_critical"]
    {
        assert!(matches!(standing(name), Standing::Itself(_)), "{name}");
    }
    for name in ["ca_rsa1024", "ca_ed448", "ca_dsa"] {
        assert!(matches!(standing(name), Standing::Nothing(_)), "{name}");
    }
}
