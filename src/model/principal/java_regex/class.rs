//! Character classes, reckoned out into code points.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::escape::Escape;
use super::{Parser, UnsupportedPattern};

const LAST: u32 = 0x10_ffff;

/// A set of characters: code points and, beside them, general categories, which only the regex engine can reckon out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Class {
    /// Inclusive, ascending, neither touching nor overlapping.
    ranges: Vec<(u32, u32)>,
    categories: BTreeSet<&'static str>,
    /// Only ever true when there are categories: all characters but these.
    inverted: bool,
}

const DIGIT: &[(u32, u32)] = &[(0x30, 0x39)];
const LOWER: &[(u32, u32)] = &[(0x61, 0x7a)];
const UPPER: &[(u32, u32)] = &[(0x41, 0x5a)];
const ALPHA: &[(u32, u32)] = &[(0x41, 0x5a), (0x61, 0x7a)];
const ALNUM: &[(u32, u32)] = &[(0x30, 0x39), (0x41, 0x5a), (0x61, 0x7a)];
const WORD: &[(u32, u32)] = &[(0x30, 0x39), (0x41, 0x5a), (0x5f, 0x5f), (0x61, 0x7a)];
const SPACE: &[(u32, u32)] = &[(0x09, 0x0d), (0x20, 0x20)];
const LINE_END: &[(u32, u32)] = &[(0x0a, 0x0a), (0x0d, 0x0d), (0x85, 0x85), (0x2028, 0x2029)];

/// Java's `\d`, `\s`, `\w`, `\h` and `\v`; each upper-case letter is the opposite.
const PREDEFINED: [(char, &[(u32, u32)]); 5] = [
    ('d', DIGIT),
    ('s', SPACE),
    ('w', WORD),
    (
        'h',
        &[
            (0x09, 0x09),
            (0x20, 0x20),
            (0xa0, 0xa0),
            (0x1680, 0x1680),
            (0x180e, 0x180e),
            (0x2000, 0x200a),
            (0x202f, 0x202f),
            (0x205f, 0x205f),
            (0x3000, 0x3000),
        ],
    ),
    ('v', &[(0x0a, 0x0d), (0x85, 0x85), (0x2028, 0x2029)]),
];

/// The POSIX classes of `\p{...}`, which are ASCII in Java.
const POSIX: [(&str, &[(u32, u32)]); 13] = [
    ("Lower", LOWER),
    ("Upper", UPPER),
    ("ASCII", &[(0x00, 0x7f)]),
    ("Alpha", ALPHA),
    ("Digit", DIGIT),
    ("Alnum", ALNUM),
    ("Punct", &[(0x21, 0x2f), (0x3a, 0x40), (0x5b, 0x60), (0x7b, 0x7e)]),
    ("Graph", &[(0x21, 0x7e)]),
    ("Print", &[(0x20, 0x7e)]),
    ("Blank", &[(0x09, 0x09), (0x20, 0x20)]),
    ("Cntrl", &[(0x00, 0x1f), (0x7f, 0x7f)]),
    ("XDigit", &[(0x30, 0x39), (0x41, 0x46), (0x61, 0x66)]),
    ("Space", SPACE),
];

/// General categories; not those of C, which take in characters that one version of Unicode knows and another does not.
const CATEGORIES: [&str; 31] = [
    "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Ps",
    "Pe", "Pi", "Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp",
];

impl Class {
    fn of(ranges: &[(u32, u32)]) -> Class {
        let mut sorted = ranges.to_vec();
        sorted.sort_unstable();
        let mut class = Class { ranges: Vec::new(), categories: BTreeSet::new(), inverted: false };
        for (first, last) in sorted {
            match class.ranges.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => class.ranges.push((first, last)),
            }
        }
        class
    }

    /// `.`, which without `(?s)` matches no line terminator.
    pub(super) fn dot(matches_all: bool) -> Class {
        Class::of(if matches_all { &[] } else { LINE_END }).negated()
    }

    pub(super) fn predefined(letter: char) -> Option<Class> {
        let (_, ranges) = PREDEFINED.iter().find(|(known, _)| *known == letter.to_ascii_lowercase())?;
        let class = Class::of(ranges);
        Some(if letter.is_ascii_uppercase() { class.negated() } else { class })
    }

    pub(super) fn property(name: &str) -> Option<Class> {
        if let Some((_, ranges)) = POSIX.iter().find(|(known, _)| *known == name) {
            return Some(Class::of(ranges));
        }
        let category = CATEGORIES.iter().find(|known| **known == name)?;
        Some(Class { categories: BTreeSet::from([*category]), ..Class::of(&[]) })
    }

    pub(super) fn negated(self) -> Class {
        if !self.categories.is_empty() {
            return Class { inverted: !self.inverted, ..self };
        }
        let mut gaps = Vec::with_capacity(self.ranges.len() + 1);
        let mut next = 0;
        for (first, last) in self.ranges {
            if first > next {
                gaps.push((next, first - 1));
            }
            next = last + 1;
        }
        if next <= LAST {
            gaps.push((next, LAST));
        }
        Class::of(&gaps)
    }

    /// Nothing where the union cannot be written.
    fn united(mut self, other: Class) -> Option<Class> {
        if self.inverted || other.inverted {
            return None;
        }
        self.ranges.extend(other.ranges);
        self.categories.extend(other.categories);
        Some(Class { categories: self.categories, ..Class::of(&self.ranges) })
    }

    /// Nothing where the intersection cannot be written.
    fn intersected(self, other: Class) -> Option<Class> {
        if !self.categories.is_empty() || !other.categories.is_empty() {
            return None;
        }
        Some(self.negated().united(other.negated())?.negated())
    }

    fn is_empty(&self) -> bool {
        self.ranges.is_empty() && self.categories.is_empty()
    }

    /// In the syntax of fancy-regex.
    pub(super) fn written(&self) -> String {
        let mut text = String::from(if self.inverted { "[^" } else { "[" });
        for &(first, last) in &self.ranges {
            // Surrogates are no characters here.
            for (first, last) in [(first, last.min(0xd7ff)), (first.max(0xe000), last)] {
                if first <= last {
                    let _ = write!(text, "\\x{{{first:X}}}-\\x{{{last:X}}}");
                }
            }
        }
        for category in &self.categories {
            let _ = write!(text, "\\p{{{category}}}");
        }
        text.push(']');
        text
    }
}

impl Parser<'_> {
    /// Reads a class up to its closing bracket.
    pub(super) fn class(&mut self, start: usize) -> Result<Class, UnsupportedPattern> {
        let negated = self.take("^");
        let mut class = self.operand(start)?;
        if self.take("&&") {
            if self.rest().starts_with(']') {
                return self.refuse(self.at, "a class must have characters on both sides of &&");
            }
            let other = self.operand(start)?;
            if self.rest().starts_with("&&") || self.text[start..self.at].replace("&&", "").contains('&') {
                return self.refuse(
                    start,
                    "a class with more than one && or with a single & beside it is not supported",
                );
            }
            class = match class.intersected(other) {
                Some(class) => class,
                None => return self.refuse(start, "general categories beside && are not supported"),
            };
        }
        if !self.take("]") {
            return self.refuse(start, "this bracket is not closed");
        }
        let class = if negated { class.negated() } else { class };
        if class.is_empty() {
            return self.refuse(start, "this class matches nothing");
        }
        Ok(class)
    }

    /// Reads the items up to `&&` or the closing bracket.
    fn operand(&mut self, start: usize) -> Result<Class, UnsupportedPattern> {
        let mut class: Option<Class> = None;
        loop {
            let at = self.at;
            let item = match self.peek() {
                None => return self.refuse(start, "this bracket is not closed"),
                Some(']') if class.is_some() => break,
                Some('&') if self.rest().starts_with("&&") => break,
                Some('[') => {
                    if self.depth == super::MOST_NESTING {
                        return self.refuse(at, "classes are nested too deep");
                    }
                    self.at += 1;
                    self.depth += 1;
                    let inner = self.class(at)?;
                    self.depth -= 1;
                    inner
                }
                Some(_) => self.class_item()?,
            };
            class = match class {
                None => Some(item),
                Some(class) => match class.united(item) {
                    Some(class) => Some(class),
                    None => {
                        return self.refuse(
                            at,
                            "the opposite of a general category beside other characters is not supported",
                        );
                    }
                },
            };
        }
        match class {
            Some(class) => Ok(class),
            None => self.refuse(self.at, "a class must have characters on both sides of &&"),
        }
    }

    /// A character, a range, or an escape.
    fn class_item(&mut self) -> Result<Class, UnsupportedPattern> {
        let start = self.at;
        let first = match self.class_character()? {
            Ok(first) => first,
            Err(_) if self.rest().starts_with('-') && !self.rest().starts_with("-]") => {
                return self.refuse(start, "a range cannot start with a class");
            }
            Err(class) => return Ok(class),
        };
        let range =
            self.rest().starts_with('-') && !self.rest().starts_with("-]") && !self.rest().starts_with("-[");
        if !range {
            return Ok(self.cased(first, first));
        }
        self.at += 1;
        match self.class_character()? {
            Ok(last) if last >= first => Ok(self.cased(first, last)),
            _ => self.refuse(start, "this range does not ascend"),
        }
    }

    fn class_character(&mut self) -> Result<Result<u32, Class>, UnsupportedPattern> {
        let start = self.at;
        match self.next() {
            None => self.refuse(start, "a bracket is not closed"),
            Some('\\') => match self.escape(start)? {
                Escape::Character(c) => Ok(Ok(u32::from(c))),
                Escape::Class(class) => Ok(Err(class)),
                Escape::Other(c) => self.refuse(start, format!("\\{c} is not supported in a class")),
            },
            Some(c) => Ok(Ok(u32::from(c))),
        }
    }

    /// A range and, if case is ignored, the ASCII letters that differ from one in it by case alone.
    fn cased(&self, first: u32, last: u32) -> Class {
        let mut ranges = vec![(first, last)];
        if self.flags.ignore_case {
            for &(letters, end) in ALPHA {
                let (from, to) = (first.max(letters), last.min(end));
                if from <= to {
                    // Bit 5 tells ASCII's upper from its lower case.
                    ranges.push((from ^ 0x20, to ^ 0x20));
                }
            }
        }
        Class::of(&ranges)
    }
}
