//! What clients are told for each broker, for people to read.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::text::printable;
use crate::net::brokers::Address;

/// The brokers that a line of the log names at most.
const IN_A_LINE: usize = 16;
/// The brokers that the page names at most of one listener.
const ON_THE_PAGE: usize = 1000;

/// The addresses of all listeners; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct AddressTable(Arc<Mutex<BTreeMap<String, Vec<Row>>>>);

/// One broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its node id.
    pub node: i32,
    /// Where it is, by the configuration or by its own word; `None`: it has not been heard of.
    pub broker: Option<Address>,
    /// What clients are told, or why it is withheld from them.
    pub told: Result<(String, i32), String>,
    /// What came of connecting to what clients are told; `None`: it was not tried.
    pub check: Option<Result<(), String>>,
}

impl AddressTable {
    /// Replaces the rows of a listener.
    pub fn set(&self, listener: &str, rows: Vec<Row>) {
        self.lock().insert(listener.to_owned(), rows);
    }

    /// The table as a page of text.
    pub fn page(&self) -> String {
        let head = ["listener", "node", "broker", "told to clients", "leads here"].map(str::to_owned);
        let mut lines = vec![head];
        for (listener, rows) in &*self.lock() {
            for row in rows.iter().take(ON_THE_PAGE) {
                let check = match &row.check {
                    None => "not looked at".to_owned(),
                    Some(Ok(())) => "yes".to_owned(),
                    Some(Err(why)) => format!("no: {}", printable(why)),
                };
                lines.push([listener.clone(), row.node.to_string(), row.broker(), row.told(), check]);
            }
        }
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths = [width(0), width(1), width(2), width(3)];
        let mut page = String::new();
        for [listener, node, broker, told, check] in &lines {
            let [a, b, c, d] = widths;
            // Writing to a string does not fail.
            let _ = writeln!(page, "{listener:<a$}  {node:>b$}  {broker:<c$}  {told:<d$}  {check}");
        }
        page
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Row>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Row {
    fn broker(&self) -> String {
        let known = self.broker.as_ref().map(|(host, port)| printable(&format!("{host}:{port}")).to_string());
        known.unwrap_or_else(|| "not heard of".to_owned())
    }

    fn told(&self) -> String {
        match &self.told {
            Ok((host, port)) => printable(&format!("{host}:{port}")).to_string(),
            Err(_) => "withheld".to_owned(),
        }
    }
}

/// The rows in one line, for the log.
pub(super) fn in_a_line(rows: &[Row]) -> String {
    let mut parts: Vec<String> = rows
        .iter()
        .take(IN_A_LINE)
        .map(|row| format!("{}: {} -> {}", row.node, row.broker(), row.told()))
        .collect();
    if rows.len() > IN_A_LINE {
        parts.push(format!("and {} more, on the admin page /addresses", rows.len() - IN_A_LINE));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(node: i32, check: Option<Result<(), String>>) -> Row {
        let broker = Some((format!("kafka-{node}"), 9092));
        Row { node, broker, told: Ok((format!("kafka-{node}"), 9093)), check }
    }

    #[test]
    fn the_page_has_a_line_for_each_broker() {
        let table = AddressTable::default();
        let withheld = Row { told: Err("no entry".into()), ..row(10, None) };
        let unobserved = Row { broker: None, ..row(2, Some(Err("Connection refused\n".into()))) };
        table.set("clients", vec![row(1, Some(Ok(()))), unobserved, withheld]);
        assert_eq!(
            table.page(),
            "listener  node  broker         told to clients  leads here\n\
             clients      1  kafka-1:9092   kafka-1:9093     yes\n\
             clients      2  not heard of   kafka-2:9093     no: Connection refused\\u{a}\n\
             clients     10  kafka-10:9092  withheld         not looked at\n"
        );
        table.set("clients", (0..5000).map(|node| row(node, None)).collect());
        assert_eq!(table.page().lines().count(), 1 + ON_THE_PAGE);
    }

    #[test]
    fn a_line_names_so_many_brokers_at_most() {
        assert_eq!(in_a_line(&[row(1, None)]), "1: kafka-1:9092 -> kafka-1:9093");
        let many: Vec<Row> = (0..20).map(|node| row(node, None)).collect();
        assert!(in_a_line(&many).ends_with("-> kafka-15:9093, and 4 more, on the admin page /addresses"));
    }
}
