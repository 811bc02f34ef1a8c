//! The patterns by which members of consumer groups name topics: RE2, as `com.google.re2j.Pattern` reads it.
//!
//! They come from anybody who may read a group. So every
//! step is bounded: the length, the states that a pattern takes when repetitions are written out, and what may be spent on
//! matching. What these bounds refuse is answered as what is no pattern at all; Kafka, which has none, lets its broker do
//! the work.

mod automaton;
mod classes;
mod fault;
mod parts;
mod syntax;

use crate::protocol::wire::Str;
use automaton::{Automaton, TooMuch};
use fault::Fault;

/// The longest pattern, in bytes: brokers read no longer text.
const LONGEST: usize = i16::MAX as usize;
/// What reading one and matching it takes, in bytes, at most: its parts, the states that are worked out, and where each leads.
pub(super) const MOST_MEMORY: usize = 10 * 1024 * 1024;
const TOO_MUCH: &str = "expression takes too long to match";

/// A pattern that covers whole names.
pub struct Pattern(Automaton);

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in RE2's words.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        if text.len() > LONGEST {
            return Err(Fault::TooLarge.in_words());
        }
        syntax::parse(text).map(|node| Self(Automaton::new(&node))).map_err(Fault::in_words)
    }

    /// The places of the names that it covers.
    ///
    /// # Errors
    /// That it would take too long to tell, in words.
    pub fn covered(&self, names: &[Str]) -> Result<Vec<u32>, &'static str> {
        self.0.covered(names).map_err(|TooMuch| TOO_MUCH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 5] = ["orders", "orders-eu", "pxq", "p.q", "__x"];

    fn covered<'a>(pattern: &str, names: &[&'a str]) -> Vec<&'a str> {
        let texts: Vec<Str> = names.iter().copied().map(Str::from).collect();
        let pattern = Pattern::new(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        pattern.covered(&texts).unwrap().into_iter().map(|place| names[place as usize]).collect()
    }

    /// Made by `tests/tools/Re2Patterns.java` with the library that a broker has.
    const TABLE: &str = include_str!("../../../tests/data/re2-patterns.tsv");

    #[test]
    fn every_pattern_covers_what_it_covers_at_a_broker() {
        let names = TABLE.lines().find_map(|line| line.strip_prefix("names\t")).unwrap();
        let names: Vec<Str> = names.split(' ').map(Str::from).collect();
        let rows = TABLE.lines().filter_map(|line| line.strip_prefix('"')?.split_once("\"\t"));
        let mut count = 0;
        for (pattern, expected) in rows {
            let text: String = serde_json::from_str(&format!("\"{pattern}\"")).unwrap();
            let made = Pattern::new(&text).and_then(|pattern| pattern.covered(&names));
            let made = made.map_or_else(ToOwned::to_owned, |covered| {
                let is_covered = |place: u32| if covered.contains(&place) { '1' } else { '0' };
                (0..).zip(&names).map(|(place, _)| is_covered(place)).collect()
            });
            assert_eq!(made, expected, "{text}");
            count += 1;
        }
        assert!(count > 3000, "{count}");
    }

    #[test]
    fn a_pattern_covers_whole_names() {
        for (pattern, expected) in [
            ("orders", &["orders"][..]),
            ("orders.*", &["orders", "orders-eu"]),
            (r"orders-(eu|us)|p\.q", &["orders-eu", "p.q"]),
            ("a|orders", &["orders"]),
            (".*", &NAMES),
            ("^orders$", &["orders"]),
            ("orders|", &["orders"]),
            ("(?i)ORDERS", &["orders"]),
            ("(?i:ORD)ers", &["orders"]),
            ("(?i)ord(?-i)ERS", &[]),
            ("[[:alpha:]]+", &["orders", "pxq"]),
            ("[[:^alpha:]]+x", &["__x"]),
            (r"\w{2}\D", &["pxq", "__x"]),
            (r"\p{L}+", &["orders", "pxq"]),
            (r"\PL+x", &["__x"]),
            (r"(?P<first>\w+)-(?<second>\w+)", &["orders-eu"]),
            (r"\w+\b.\b\w+", &["orders-eu", "p.q"]),
            ("", &[]),
            ("[^]p]+", &["orders", "orders-eu", "__x"]),
            ("p.{0,1}q", &["pxq", "p.q"]),
            ("(p|x|q){3,}", &["pxq"]),
            ("(?:()*_?)*x", &["__x"]),
        ] {
            assert_eq!(covered(pattern, &NAMES), expected, "{pattern}");
        }
    }

    /// Where RE2 differs from what Rust's own expressions are.
    #[test]
    fn re2_has_no_operators_in_classes_and_quotes() {
        assert_eq!(covered(r"\Qp.q\E", &["p.q", "pxq"]), ["p.q"]);
        assert_eq!(covered(r"\Qp.q", &["p.q", "pxq"]), ["p.q"]);
        assert_eq!(covered("[a&&b]+", &["a", "b", "c"]), ["a", "b"]);
        assert_eq!(covered("[a~~b]+", &["a", "b", "c"]), ["a", "b"]);
        assert_eq!(covered("[a[b]+", &["a", "b", "c"]), ["a", "b"]);
        assert_eq!(covered(r"[\]a]+", &["a", "b"]), ["a"]);
        assert_eq!(covered(r"\141", &["a", "b"]), ["a"]);
        assert_eq!(covered(r"\x61|\x{62}", &["a", "b", "c"]), ["a", "b"]);
        assert_eq!(covered("a{,2}|b", &["a", "aa", "b"]), ["b"]);
        assert_eq!(covered("a{01}|b", &["a", "aa", "b"]), ["b"]);
        // The sign for kelvin is a k without its case, the dotless i no i.
        assert_eq!(covered("(?i)[\u{212a}\u{131}]", &["k", "K", "i"]), ["k", "K"]);
    }

    #[test]
    fn what_is_no_pattern_is_refused_in_the_words_of_re2() {
        for (wrong, why) in [
            ("(", "missing closing )"),
            ("a)(b", "regexp/syntax: internal error"),
            ("[a", "missing closing ]"),
            ("[[:alpha:", "missing closing ]"),
            ("[[:vowel:]]", "invalid character class range"),
            ("[z-a]", "invalid character class range"),
            (r"\p{Vowel}", "invalid character class range"),
            ("*", "missing argument to repetition operator"),
            ("a|*", "missing argument to repetition operator"),
            ("a**", "invalid nested repetition operator"),
            ("a{*", "invalid nested repetition operator"),
            ("(?=a)", "invalid or unsupported Perl syntax"),
            ("(?i-)", "invalid or unsupported Perl syntax"),
            (r"(a)\1", "invalid escape sequence"),
            (r"\x{110000}", "invalid escape sequence"),
            ("a{2,1}", "invalid repeat count"),
            ("a{1001}", "invalid repeat count"),
            ("a{99999999999}", "invalid repeat count"),
            ("\\", "trailing backslash at end of expression"),
            ("(?P<a>x)(?P<a>y)", "duplicate capture group name"),
            ("(?P<a-b>x)", "invalid named capture"),
        ] {
            assert_eq!(Pattern::new(wrong).err(), Some(why), "{wrong}");
        }
    }

    /// Each would take gigabytes, or seconds, or the stack. What is refused, and for what reason, shows that it was not even
    /// begun; what passes has few states, whatever it looks like.
    #[test]
    fn whatever_it_looks_like_it_takes_little() {
        let deep = format!("{}a{}", "(".repeat(8000), ")".repeat(8000));
        for (large, why) in [
            (&*"a".repeat(LONGEST + 1), "expression too large"),
            ("(((.{100}){100}){100}){100}", "expression too large"),
            ("((((((a{1000}){1000}){1000}){1000}){1000}){1000}){1000}", "expression too large"),
            ("((a?){1000}){1000}", "expression too large"),
            (&"()".repeat(8000).replace(")", "){9}"), "expression too large"),
            (&deep, "expression nests too deeply"),
            (&format!("a{}", "*(?i)".repeat(3000)), "expression nests too deeply"),
        ] {
            assert_eq!(Pattern::new(large).err(), Some(why), "{}", &large[..20]);
        }
        let wide = format!("(?i){}", r"[\x{100}-\x{10ffff}]".repeat(800));
        let letters = format!("(?i){}", r"\pL".repeat(2600));
        for hostile in [&*wide, &letters, &"[[:".repeat(5000), &r"\Q".repeat(8000), &"[^a]".repeat(4000)] {
            let memory = Pattern::new(hostile).map_or(0, |pattern| pattern.0.size());
            assert!(memory < 1024 * 1024, "{memory} for {}", &hostile[..20]);
        }
    }

    /// A number of steps bounds time and memory.
    #[test]
    fn what_takes_too_long_to_match_is_refused() {
        let names: Vec<Str> = (0..2000).map(|n: u64| format!("{n:b}").repeat(20).as_str().into()).collect();
        let pattern = Pattern::new("(0|1)*1(0|1){500}0.*").unwrap();
        assert_eq!(pattern.covered(&names), Err(TOO_MUCH));
    }

    #[test]
    fn large_patterns_of_real_use_pass() {
        let names: Vec<String> = (0..400).map(|n| format!("team-{}.orders-{n}.events.v1", n % 20)).collect();
        let texts: Vec<Str> = names.iter().map(|name| name.as_str().into()).collect();
        for (pattern, expected) in [
            (names.join("|"), 400),
            (names.iter().map(|name| format!("(^{name}$)")).collect::<Vec<_>>().join("|"), 400),
            (r"team-(1|2|3)\..*".to_owned(), 60),
            (r"(?i)TEAM-\d{1,2}\.[a-z0-9]{1,200}-\d+\.events\.v[1-9]".to_owned(), 400),
            ("[a-zA-Z0-9._-]{1,249}".to_owned(), 400),
            (r"team-1[0-9]?\.(.*)-(\d{2,3})\..*".to_owned(), 219),
        ] {
            let covered = Pattern::new(&pattern).and_then(|pattern| pattern.covered(&texts));
            assert_eq!(covered.map(|covered| covered.len()), Ok(expected), "{}", &pattern[..20]);
        }
    }
}
