//! Which nodes a gateway stands before, and where they are: `0-2, 100-102` and `kafka-{node_id}.kafka:9092`.

use super::document::quoted;
use super::text::HostPort;

/// The most nodes that one listener stands before: each has an address to be told, and may have a port to listen on.
pub(crate) const MAX_NODES: usize = 256;

const PLACE: &str = "{node_id}";

/// Single ids and ranges of them, separated by commas, in ascending order.
pub(crate) fn node_ids(text: &str) -> Result<Vec<i32>, String> {
    let mut ids = Vec::new();
    for part in text.split(',').map(str::trim) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (node_id(first.trim())?, node_id(last.trim())?);
        if last < first {
            return Err(format!("{} runs backwards", quoted(part)));
        }
        // Before they are made: a range may have billions.
        let count = usize::try_from(last - first).unwrap_or(usize::MAX).saturating_add(1);
        if ids.len().saturating_add(count) > MAX_NODES {
            return Err(format!(
                "{} has more than {MAX_NODES} nodes, the most of one listener",
                quoted(text)
            ));
        }
        ids.extend(first..=last);
    }
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("{} has node {} twice", quoted(text), pair[0])),
        None => Ok(ids),
    }
}

fn node_id(text: &str) -> Result<i32, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let id = text.parse::<i32>().ok().filter(|_| digits);
    id.ok_or_else(|| format!("{} is not the id of a node (0 to 2147483647)", quoted(text)))
}

/// The address of any node: a host and a port, with `{node_id}` in the place of its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(String);

impl Pattern {
    /// Reads the pattern.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text.matches(PLACE).count() {
            0 => {
                return Err(format!("{} does not have {PLACE}, by which nodes are told apart", quoted(text)));
            }
            1 => {}
            _ => return Err(format!("{} has {PLACE} more than once", quoted(text))),
        }
        // What is right for the longest id is right for all; it is no port.
        text.replace(PLACE, &i32::MAX.to_string()).parse::<HostPort>()?;
        Ok(Self(text.to_owned()))
    }

    /// The address of this node.
    pub(crate) fn address(&self, node: i32) -> Option<HostPort> {
        self.0.replace(PLACE, &node.to_string()).parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_ranges_are_read() {
        assert_eq!(node_ids("0"), Ok(vec![0]));
        assert_eq!(node_ids("100-102,0-2 , 7"), Ok(vec![0, 1, 2, 7, 100, 101, 102]));
        assert_eq!(node_ids("0-255").map(|ids| ids.len()), Ok(MAX_NODES));
        assert_eq!(node_ids("2147483647"), Ok(vec![i32::MAX]));
        for (text, reason) in [
            ("", "'' is not the id of a node (0 to 2147483647)"),
            ("1,", "'' is not the id of a node (0 to 2147483647)"),
            ("-1", "'' is not the id of a node (0 to 2147483647)"),
            ("+1", "'+1' is not the id of a node (0 to 2147483647)"),
            ("a", "'a' is not the id of a node (0 to 2147483647)"),
            ("1-2-3", "'2-3' is not the id of a node (0 to 2147483647)"),
            ("2147483648", "'2147483648' is not the id of a node (0 to 2147483647)"),
            ("5-2", "'5-2' runs backwards"),
            ("0-3, 2", "'0-3, 2' has node 2 twice"),
            ("0-256", "'0-256' has more than 256 nodes, the most of one listener"),
            ("0-2147483647", "'0-2147483647' has more than 256 nodes, the most of one listener"),
        ] {
            assert_eq!(node_ids(text), Err(reason.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_pattern_has_one_place_for_the_id_in_its_host() {
        let pattern = Pattern::parse("kafka-{node_id}.kafka-headless:9092").unwrap();
        let address = |node| pattern.address(node).unwrap().to_string();
        assert_eq!(address(0), "kafka-0.kafka-headless:9092");
        assert_eq!(address(i32::MAX), "kafka-2147483647.kafka-headless:9092");
        for (text, reason) in [
            ("kafka:9092", "'kafka:9092' does not have {node_id}, by which nodes are told apart"),
            (
                "{node}.kafka:9092",
                "'{node}.kafka:9092' does not have {node_id}, by which nodes are told apart",
            ),
            ("{node_id}.{node_id}:9092", "'{node_id}.{node_id}:9092' has {node_id} more than once"),
            ("{node_id}.kafka", "'2147483647.kafka' names no port"),
            ("{node_id}.{kafka}:9092", "'2147483647.{kafka}' is not a host"),
            ("kafka:{node_id}", "'2147483647' is not a port (1 to 65535)"),
            ("kafka:9{node_id}", "'92147483647' is not a port (1 to 65535)"),
        ] {
            assert_eq!(Pattern::parse(text).unwrap_err(), reason, "{text}");
        }
    }
}
