//! RE2's syntax, read as `com.google.re2j.Parser` reads it: what is no pattern there is none here, for the same reason.
//!
//! It takes time and memory in proportion to the pattern's length, whatever the pattern: classes are bits, and of what is
//! repeated it is only counted how large it would become.

use std::collections::HashSet;

use super::classes::{self, ALL, one};
use super::fault::Fault;
use super::parts::{DEEPEST, Node, Part, Place};

mod characters;

/// How often something can be repeated by numbers, as RE2 has it.
const MOST_TIMES: u32 = 1000;

/// What has been set by letters behind `(?`.
#[derive(Clone, Copy, Default)]
struct Flags {
    ignores_case: bool,
    dot_takes_all: bool,
}

/// What has been read since a parenthesis was opened, or since the beginning.
#[derive(Default)]
struct Group {
    /// The flags that are to hold behind it.
    flags: Flags,
    alternatives: Vec<Part>,
    sequence: Vec<Part>,
}

impl Group {
    fn end_alternative(&mut self) {
        self.alternatives.push(Part::of(std::mem::take(&mut self.sequence), Node::Sequence));
    }

    fn end(mut self) -> Part {
        self.end_alternative();
        Part::of(self.alternatives, Node::Alternatives)
    }
}

struct Parser<'a> {
    rest: Text<'a>,
    flags: Flags,
    /// Those that are not closed yet.
    outer: Vec<Group>,
    group: Group,
    names: HashSet<&'a str>,
    /// Behind here no class with a name ends.
    no_named_class: bool,
}

/// What is left of a pattern.
#[derive(Clone)]
struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    fn peek(&self) -> Option<char> {
        self.0.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut rest = self.0.chars();
        let next = rest.next();
        self.0 = rest.as_str();
        next
    }

    fn take(&mut self, text: &str) -> bool {
        let rest = self.0.strip_prefix(text);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// What stands before `end`, which is taken too.
    fn up_to(&mut self, end: &str) -> Option<&'a str> {
        let (before, rest) = self.0.split_once(end)?;
        self.0 = rest;
        Some(before)
    }
}

/// Reads a pattern.
pub(super) fn parse(text: &str) -> Result<Node, Fault> {
    let mut parser = Parser {
        rest: Text(text),
        flags: Flags::default(),
        outer: Vec::new(),
        group: Group::default(),
        names: HashSet::new(),
        no_named_class: false,
    };
    parser.everything()?;
    if !parser.outer.is_empty() {
        return Err(Fault::MissingParenthesis);
    }
    parser.group.end().bounded().map(|part| part.node)
}

impl Parser<'_> {
    fn everything(&mut self) -> Result<(), Fault> {
        // Whether a repetition that follows would be one of a repetition.
        let mut is_repeated = false;
        while let Some(first) = self.rest.peek() {
            is_repeated = match first {
                '*' | '+' | '?' => {
                    self.rest.next();
                    let (least, most) = match first {
                        '*' => (0, None),
                        '+' => (1, None),
                        _ => (0, Some(1)),
                    };
                    self.repeat(least, most, is_repeated)?;
                    true
                }
                '{' => {
                    match self.counted()? {
                        Some((least, most)) => self.repeat(least, most, is_repeated)?,
                        // RE2/J lets nothing repeat a brace that stands for itself.
                        None => self.literal(u32::from('{')),
                    }
                    true
                }
                _ => {
                    self.rest.next();
                    self.item(first)?;
                    false
                }
            };
        }
        Ok(())
    }

    /// Everything but repetitions.
    fn item(&mut self, first: char) -> Result<(), Fault> {
        match first {
            '(' if self.rest.take("?") => return self.perl_group(),
            '(' => return self.open(self.flags),
            '|' => self.group.end_alternative(),
            ')' => {
                let outer = self.outer.pop().ok_or(Fault::StrayParenthesis)?;
                let inner = std::mem::replace(&mut self.group, outer);
                self.flags = inner.flags;
                let part = inner.end().bounded()?;
                self.group.sequence.push(part);
            }
            '^' => self.push(Node::At(Place::Start)),
            '$' => self.push(Node::At(Place::End)),
            '.' if self.flags.dot_takes_all => self.push(Node::One(ALL)),
            '.' => self.push(Node::One(!one('\n'))),
            '[' => {
                let set = self.class()?;
                self.push(Node::One(set));
            }
            '\\' => return self.escaped(),
            literal => self.literal(literal.into()),
        }
        Ok(())
    }

    fn push(&mut self, node: Node) {
        self.group.sequence.push(Part::new(node));
    }

    fn literal(&mut self, literal: u32) {
        self.push(Node::One(classes::range(literal, literal, self.flags.ignores_case)));
    }

    fn open(&mut self, flags: Flags) -> Result<(), Fault> {
        if self.outer.len() >= DEEPEST {
            return Err(Fault::TooDeep);
        }
        let inner = Group { flags: self.flags, ..Group::default() };
        self.outer.push(std::mem::replace(&mut self.group, inner));
        self.flags = flags;
        Ok(())
    }

    fn repeat(&mut self, least: u32, most: Option<u32>, is_repeated: bool) -> Result<(), Fault> {
        // Whether it prefers more or less makes no difference to what is covered as a whole.
        self.rest.take("?");
        if is_repeated {
            return Err(Fault::NestedRepetition);
        }
        let part = self.group.sequence.pop().ok_or(Fault::NothingToRepeat)?;
        self.group.sequence.push(part.repeated(least, most).bounded()?);
        Ok(())
    }

    /// A number of times in braces; nothing if it is not written so, and the brace alone is taken then.
    fn counted(&mut self) -> Result<Option<(u32, Option<u32>)>, Fault> {
        self.rest.next();
        let behind = self.rest.clone();
        let counted = self.numbers();
        if counted.is_none() {
            self.rest = behind;
        }
        match counted {
            Some((least, most))
                if least > MOST_TIMES || most.is_some_and(|most| most > MOST_TIMES || most < least) =>
            {
                Err(Fault::RepeatCount)
            }
            counted => Ok(counted),
        }
    }

    fn numbers(&mut self) -> Option<(u32, Option<u32>)> {
        let least = self.number()?;
        let most = match self.rest.take(",") {
            false => Some(least),
            true if self.rest.peek() == Some('}') => None,
            true => Some(self.number()?),
        };
        self.rest.take("}").then_some((least, most))
    }

    /// A number without zeros before it; one that is too large anyway may have any value that is.
    fn number(&mut self) -> Option<u32> {
        let text = self.rest.0;
        let digits = text.len() - text.trim_start_matches(|one: char| one.is_ascii_digit()).len();
        let (digits, rest) = text.split_at(digits);
        self.rest.0 = rest;
        match digits {
            "" => None,
            digits if digits.len() > 1 && digits.starts_with('0') => None,
            digits => Some(digits.parse().unwrap_or(u32::MAX)),
        }
    }

    /// What stands behind `(?`: a name, or flags.
    fn perl_group(&mut self) -> Result<(), Fault> {
        if self.rest.take("P<") || self.rest.take("<") {
            let name = self.rest.up_to(">").ok_or(Fault::NamedCapture)?;
            if name.is_empty() || !name.bytes().all(|one| one == b'_' || one.is_ascii_alphanumeric()) {
                return Err(Fault::NamedCapture);
            }
            if !self.names.insert(name) {
                return Err(Fault::DuplicateName);
            }
            return self.open(self.flags);
        }
        let mut flags = self.flags;
        let mut on = true;
        // Behind a minus there must be one.
        let mut is_complete = true;
        while let Some(flag) = self.rest.next() {
            match flag {
                'i' => flags.ignores_case = on,
                's' => flags.dot_takes_all = on,
                // Names have one line, and what is covered as a whole is so in any order.
                'm' | 'U' => {}
                '-' if on => {
                    (on, is_complete) = (false, false);
                    continue;
                }
                ':' if is_complete => return self.open(flags),
                ')' if is_complete => {
                    self.flags = flags;
                    return Ok(());
                }
                _ => break,
            }
            is_complete = true;
        }
        Err(Fault::PerlSyntax)
    }

    /// What stands behind a backslash outside of a class.
    fn escaped(&mut self) -> Result<(), Fault> {
        let place = match self.rest.peek() {
            Some('A') => Some(Place::Start),
            Some('z') => Some(Place::End),
            Some('b') => Some(Place::WordBoundary),
            Some('B') => Some(Place::NoWordBoundary),
            _ => None,
        };
        if let Some(place) = place {
            self.rest.next();
            self.push(Node::At(place));
        } else if self.rest.take("Q") {
            let quoted = self.rest.up_to("\\E").unwrap_or_else(|| std::mem::take(&mut self.rest.0));
            quoted.chars().for_each(|one| self.literal(one.into()));
        } else {
            match self.escaped_class()? {
                Some(set) => self.push(Node::One(set)),
                None => {
                    let literal = self.character()?;
                    self.literal(literal);
                }
            }
        }
        Ok(())
    }
}
