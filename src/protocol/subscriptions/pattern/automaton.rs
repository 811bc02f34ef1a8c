//! Matching names: a finite automaton, made of a pattern's parts, whose states are worked out as names need them.
//!
//! What may be worked out is bounded by a number of steps and of states, whatever the pattern and whatever the names.

use std::collections::HashMap;
use std::sync::Arc;

use super::classes::Set;
use super::parts::{Node, Place};
use crate::protocol::wire::Str;

/// How many steps may be taken to work out states: a millisecond or two, and a few megabytes.
const MOST_STEPS: usize = 500_000;
/// How many states there may be.
const MOST_STATES: usize = 8 * 1024;
/// The characters that the names of topics have (`Topic.LEGAL_CHARS`).
const CHARACTERS: &[u8; 65] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
/// A state that is not worked out yet.
const UNKNOWN: u32 = u32::MAX;

/// A pattern's parts in the order in which they follow each other.
pub(super) struct Automaton {
    steps: Vec<Step>,
    start: u32,
}

enum Step {
    /// One character of these.
    One(Set, u32),
    At(Place, u32),
    Any(Vec<u32>),
    Matched,
}

/// What stands beside a place in a name.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Beside {
    Word,
    NoWord,
    Nothing,
}

/// More would have to be worked out than may be.
#[derive(Debug)]
pub(super) struct TooMuch;

impl Automaton {
    /// The automaton of a pattern that covers whole names, made from its end to its beginning: each part has to know what
    /// follows.
    pub(super) fn new(node: &Node) -> Self {
        let mut automaton = Self { steps: vec![Step::Matched], start: 0 };
        automaton.start = automaton.before(node, 0);
        automaton
    }

    /// The places of the names that it covers.
    pub(super) fn covered(&self, names: &[Str]) -> Result<Vec<u32>, TooMuch> {
        let mut matching = Matching::new(self);
        let mut covered = Vec::new();
        for (place, name) in (0..).zip(names) {
            if matching.covers(name.as_bytes())? {
                covered.push(place);
            }
        }
        Ok(covered)
    }

    /// About how many bytes it takes.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        let more = self.steps.iter().map(|step| match step {
            Step::Any(steps) => size_of_val(&**steps),
            _ => 0,
        });
        size_of_val(&*self.steps) + more.sum::<usize>()
    }

    fn add(&mut self, step: Step) -> u32 {
        self.steps.push(step);
        u32::try_from(self.steps.len() - 1).unwrap_or(UNKNOWN)
    }

    /// Adds what a part takes before `next`, and says where it begins. How deep parts stand in each other is bounded.
    fn before(&mut self, node: &Node, next: u32) -> u32 {
        match node {
            Node::Empty => next,
            Node::One(set) => self.add(Step::One(*set, next)),
            Node::At(place) => self.add(Step::At(*place, next)),
            Node::Sequence(parts) => parts.iter().rev().fold(next, |next, part| self.before(part, next)),
            Node::Alternatives(parts) => {
                let starts = parts.iter().map(|part| self.before(part, next)).collect();
                self.add(Step::Any(starts))
            }
            Node::Repeated(part, least, Some(most)) => {
                let mut start = next;
                for _ in *least..*most {
                    let once = self.before(part, start);
                    start = self.add(Step::Any(vec![once, next]));
                }
                (0..*least).fold(start, |next, _| self.before(part, next))
            }
            Node::Repeated(part, least, None) => {
                let again = self.add(Step::Any(Vec::new()));
                let once = self.before(part, again);
                if let Some(step) = self.steps.get_mut(again as usize) {
                    *step = Step::Any(vec![once, next]);
                }
                let start = if *least == 0 { again } else { once };
                (1..*least).fold(start, |next, _| self.before(part, next))
            }
        }
    }
}

/// What has been worked out.
struct Matching<'a> {
    automaton: &'a Automaton,
    states: Vec<State>,
    known: HashMap<(Arc<[u32]>, Beside), u32>,
    /// For each state and character the next state.
    next: Vec<u32>,
    /// For each byte which character it is.
    characters: [u8; 256],
    taken: usize,
    /// The round in which a step was last seen, and the number of the round.
    seen: Vec<u32>,
    round: u32,
}

struct State {
    /// The steps at which it is, as the last character led to them.
    steps: Arc<[u32]>,
    /// What stands before.
    before: Beside,
    /// The steps that take a character or end, by what stands behind.
    ready: [Option<Arc<[u32]>>; 3],
}

impl<'a> Matching<'a> {
    fn new(automaton: &'a Automaton) -> Self {
        let mut characters = [u8::MAX; 256];
        (0..).zip(CHARACTERS).for_each(|(place, one)| characters[usize::from(*one)] = place);
        let mut matching = Self {
            automaton,
            states: Vec::new(),
            known: HashMap::new(),
            next: Vec::new(),
            characters,
            taken: 0,
            seen: vec![0; automaton.steps.len()],
            round: 0,
        };
        matching.state(vec![automaton.start], Beside::Nothing);
        matching
    }

    fn covers(&mut self, name: &[u8]) -> Result<bool, TooMuch> {
        let mut state = 0;
        for one in name {
            let character = usize::from(self.characters[usize::from(*one)]);
            if character >= CHARACTERS.len() {
                return Ok(false);
            }
            let place = state as usize * CHARACTERS.len() + character;
            state = match self.next[place] {
                UNKNOWN => {
                    let next = self.after(state, *one)?;
                    self.next[place] = next;
                    next
                }
                next => next,
            };
            if self.states[state as usize].steps.is_empty() {
                return Ok(false);
            }
        }
        let ready = self.ready(state, Beside::Nothing)?;
        Ok(ready.iter().any(|step| matches!(self.automaton.steps[*step as usize], Step::Matched)))
    }

    /// The state that a character leads to.
    fn after(&mut self, state: u32, character: u8) -> Result<u32, TooMuch> {
        let beside = match character {
            b'.' | b'-' => Beside::NoWord,
            _ => Beside::Word,
        };
        let ready = self.ready(state, beside)?;
        self.take(ready.len())?;
        self.round += 1;
        let mut steps = Vec::new();
        for step in ready.iter() {
            if let Step::One(set, next) = self.automaton.steps[*step as usize]
                && set & (1 << character) != 0
                && std::mem::replace(&mut self.seen[next as usize], self.round) != self.round
            {
                steps.push(next);
            }
        }
        steps.sort_unstable();
        if self.states.len() >= MOST_STATES {
            return Err(TooMuch);
        }
        Ok(self.state(steps, beside))
    }

    fn state(&mut self, steps: Vec<u32>, before: Beside) -> u32 {
        let steps: Arc<[u32]> = steps.into();
        let number = u32::try_from(self.states.len()).unwrap_or(UNKNOWN);
        let known = *self.known.entry((steps.clone(), before)).or_insert(number);
        if known == number {
            self.states.push(State { steps, before, ready: [None, None, None] });
            self.next.resize(self.states.len() * CHARACTERS.len(), UNKNOWN);
        }
        known
    }

    /// The steps of a state that take a character or end, where this stands behind.
    fn ready(&mut self, state: u32, behind: Beside) -> Result<Arc<[u32]>, TooMuch> {
        let State { steps, before, ready } = &self.states[state as usize];
        if let Some(ready) = &ready[behind as usize] {
            return Ok(ready.clone());
        }
        let (mut open, before): (Vec<u32>, _) = (steps.to_vec(), *before);
        self.round += 1;
        let mut ready = Vec::new();
        while let Some(step) = open.pop() {
            self.take(1)?;
            if std::mem::replace(&mut self.seen[step as usize], self.round) == self.round {
                continue;
            }
            match &self.automaton.steps[step as usize] {
                Step::One(..) | Step::Matched => ready.push(step),
                Step::At(place, next) if place.is_between(before, behind) => open.push(*next),
                Step::At(..) => {}
                Step::Any(steps) => {
                    self.taken += steps.len();
                    open.extend(steps);
                }
            }
        }
        let ready: Arc<[u32]> = ready.into();
        self.states[state as usize].ready[behind as usize] = Some(ready.clone());
        Ok(ready)
    }

    fn take(&mut self, steps: usize) -> Result<(), TooMuch> {
        self.taken += steps;
        if self.taken > MOST_STEPS { Err(TooMuch) } else { Ok(()) }
    }
}

impl Place {
    /// Names have one line.
    fn is_between(self, before: Beside, behind: Beside) -> bool {
        let is_boundary = (before == Beside::Word) != (behind == Beside::Word);
        match self {
            Self::Start => before == Beside::Nothing,
            Self::End => behind == Beside::Nothing,
            Self::WordBoundary => is_boundary,
            Self::NoWordBoundary => !is_boundary,
        }
    }
}
