//! The matrix as a table, printed and in docs/compatibility.md.

use super::Outcome;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const BEGIN: &str = "<!-- versions -->\n";
const END: &str = "<!-- end of versions -->";

/// Brokers down, clients across, and below the reasons of what is not possible.
pub fn markdown(columns: &[&str], rows: &[(String, BTreeMap<&'static str, Outcome>)]) -> String {
    let mut reasons: Vec<&str> = Vec::new();
    let mut text = format!("| broker | {} |\n|{}\n", columns.join(" | "), "---|".repeat(columns.len() + 1));
    for (broker, outcomes) in rows {
        let _ = write!(text, "| {broker} |");
        for column in columns {
            let cell = match &outcomes[column] {
                Outcome::Ok => "ok".to_owned(),
                Outcome::NotPossible(reason) => {
                    let number = reasons.iter().position(|known| known == reason).unwrap_or_else(|| {
                        reasons.push(reason);
                        reasons.len() - 1
                    });
                    format!("– ({})", number + 1)
                }
                Outcome::Fail(_) => "**FAIL**".to_owned(),
                Outcome::Skipped(_) => "skipped".to_owned(),
            };
            let _ = write!(text, " {cell} |");
        }
        text.push('\n');
    }
    for (index, reason) in reasons.iter().enumerate() {
        let _ = write!(text, "\n({}) Not possible without doorkeeper either: {reason}.\n", index + 1);
    }
    text
}

/// One cell for a line of its own.
pub fn in_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Ok => "ok".to_owned(),
        Outcome::NotPossible(reason) => format!("not possible: {reason}"),
        Outcome::Fail(fault) => format!("FAIL: {fault}"),
        Outcome::Skipped(why) => format!("skipped: {why}"),
    }
}

/// The table in `docs/compatibility.md`.
pub fn in_docs() -> String {
    parts(&std::fs::read_to_string(page()).unwrap())[1].clone()
}

/// Replaces it.
pub fn write_docs(table: &str) {
    let [before, _, after] = parts(&std::fs::read_to_string(page()).unwrap());
    std::fs::write(page(), before + table + &after).unwrap();
}

/// What stands before the table, the table, and what stands behind it; the markers belong to what is around.
fn parts(text: &str) -> [String; 3] {
    let from = text.find(BEGIN).expect("the page has the table's beginning") + BEGIN.len();
    let to = from + text[from..].find(END).expect("the page has the table's end");
    [text[..from].to_owned(), text[from..to].to_owned(), text[to..].to_owned()]
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/compatibility.md")
}
