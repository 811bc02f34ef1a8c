//! The parts of a pattern, and what they would take.

use super::classes::Set;
use super::fault::Fault;

/// How deep expressions can stand in each other. RE2/J has no such bound and ends with its stack.
pub(super) const DEEPEST: usize = 250;
/// How many states a pattern may have when all that is repeated is written out: whatever a broker reads has fewer unless
/// something is repeated by numbers. RE2/J knows no bound.
const MOST_STATES: usize = 40 * 1024;

/// A part of a pattern.
#[derive(Debug)]
pub(super) enum Node {
    /// Nothing at all.
    Empty,
    /// One character of these.
    One(Set),
    /// No character, at a certain place.
    At(Place),
    Sequence(Vec<Node>),
    Alternatives(Vec<Node>),
    Repeated(Box<Node>, u32, Option<u32>),
}

/// Where something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Start,
    End,
    WordBoundary,
    NoWordBoundary,
}

/// A part of a pattern, and what it would take.
pub(super) struct Part {
    pub(super) node: Node,
    states: usize,
    depth: usize,
}

impl Part {
    pub(super) fn new(node: Node) -> Self {
        let ranges = match node {
            Node::One(set) => (set & !(set << 1)).count_ones() as usize,
            _ => 0,
        };
        Self { node, states: 1 + ranges / 4, depth: 1 }
    }

    /// All of these together.
    pub(super) fn of(parts: Vec<Part>, node: fn(Vec<Node>) -> Node) -> Self {
        let states = parts.iter().fold(1_usize, |sum, part| sum.saturating_add(part.states));
        let depth = parts.iter().map(|part| part.depth).max().unwrap_or_default() + 1;
        let mut nodes: Vec<Node> = parts.into_iter().map(|part| part.node).collect();
        match (nodes.len(), nodes.pop()) {
            (0, _) | (_, None) => Self::new(Node::Empty),
            (1, Some(only)) => Self { node: only, states, depth: depth - 1 },
            (_, Some(last)) => {
                nodes.push(last);
                Self { node: node(nodes), states, depth }
            }
        }
    }

    pub(super) fn repeated(self, least: u32, most: Option<u32>) -> Self {
        let times = most.unwrap_or(least + 1).max(1) as usize;
        Self {
            states: self.states.saturating_add(1).saturating_mul(times),
            depth: self.depth + 1,
            node: Node::Repeated(Box::new(self.node), least, most),
        }
    }
    /// The same, unless it is too large.
    pub(super) fn bounded(self) -> Result<Self, Fault> {
        match self {
            Self { depth: DEEPEST.., .. } => Err(Fault::TooDeep),
            Self { states: MOST_STATES.., .. } => Err(Fault::TooLarge),
            part => Ok(part),
        }
    }
}
