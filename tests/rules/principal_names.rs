//! Distinguished names, held against the JDK: `tests/data/distinguished-names.tsv`, made by
//! `tests/tools/DistinguishedNames.java`.

use doorkeeper::model::principal::distinguished_name;
use proptest::prelude::*;

const TABLE: &str = include_str!("../data/distinguished-names.tsv");

/// Names that Java takes and doorkeeper refuses, by their label in the table, each for the reason given here.
const REFUSED: [(&str, &str); 9] = [
    ("oid beyond 128 bits", "no registered object identifier has such a component"),
    ("no SEQUENCE", "is not an X.501 name; a certificate's subject always is a SEQUENCE"),
    ("no bytes", "is not an X.501 name"),
    ("bytes behind the name", "cannot be in a certificate"),
    ("length in long form without need", "is not DER"),
    ("value's length in long form without need", "is not DER"),
    ("value's length with a leading zero", "is not DER"),
    ("indefinite length", "is not DER"),
    ("damaged", "only where Java makes nothing of the damaged name: no bytes, or no SEQUENCE"),
];

struct Row {
    label: &'static str,
    der: Vec<u8>,
    /// Java's rendering, unless it throws.
    java: Option<String>,
}

fn rows() -> Vec<Row> {
    let mut label = "";
    let mut rows = Vec::new();
    for line in TABLE.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            label = comment;
            continue;
        }
        let (hex, java) = line.split_once('\t').unwrap();
        let der =
            (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect();
        let java = (java != "error").then(|| serde_json::from_str(java).unwrap());
        rows.push(Row { label, der, java });
    }
    rows
}

#[test]
fn every_name_reads_as_in_java() {
    let rows = rows();
    assert!(rows.len() > 600, "the table is whole");
    let mut refused = Vec::new();
    let mut wrong = Vec::new();
    for Row { label, der, java } in rows {
        match (distinguished_name(&der), java) {
            (Ok(ours), Some(java)) if ours == java => {}
            (Err(_), None) => {}
            (Err(_), Some(java)) if label != "damaged" || java.is_empty() => refused.push(label),
            (ours, java) => wrong.push(format!("{label} {der:02x?}: {ours:?} where Java has {java:?}")),
        }
    }
    assert_eq!(wrong, [] as [String; 0]);
    refused.dedup();
    assert_eq!(refused, REFUSED.map(|(label, _)| label));
}

#[test]
fn the_reason_of_a_refusal_names_the_place() {
    let error = distinguished_name(&[0x30, 0x05, 0x31]).unwrap_err().to_string();
    assert_eq!(error, "the certificate's subject is not a valid X.501 name in DER: an element is cut short");
}

#[test]
fn no_beginning_of_a_name_panics() {
    for Row { der, .. } in rows() {
        for end in 0..der.len() {
            let _ = distinguished_name(&der[..end]);
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = distinguished_name(&bytes);
    }

    #[test]
    fn no_damage_panics(row in 0usize..600, changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut der = rows().swap_remove(row).der;
        for (place, byte) in changes {
            if !der.is_empty() {
                let place = place.index(der.len());
                der[place] = byte;
            }
        }
        let _ = distinguished_name(&der);
    }
}
