//! The patterns by which members of consumer groups name topics (RE2, as `com.google.re2j.Pattern` reads it).

use regex_automata::hybrid::dfa::{Config, DFA};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};

use crate::protocol::wire::Str;

/// The longest pattern, in bytes.
const LONGEST: usize = 8 * 1024;
/// What a compiled pattern may take, in bytes.
const LARGEST: usize = 256 * 1024;
/// What matching may take, in bytes.
const CACHE: usize = 1024 * 1024;
/// How often it may begin anew.
const CLEARINGS: usize = 2;

/// A pattern that covers whole names.
pub struct Pattern(DFA);

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("it is longer than {LONGEST} bytes"));
        }
        let text = translated(text);
        // As it stands, lest a parenthesis too many end the group that is put around it.
        compiled(&text)?;
        compiled(&format!(r"\A(?:{text})\z")).map(Self)
    }

    /// Those of the names that it covers; none at all if it would take too long to tell.
    pub fn covered<'a>(&self, names: &'a [Str]) -> Option<Vec<&'a Str>> {
        let mut cache = self.0.create_cache();
        let mut covered = Vec::new();
        for name in names {
            let input = Input::new(name.as_bytes()).anchored(Anchored::Yes);
            if self.0.try_search_fwd(&mut cache, &input).ok()?.is_some() {
                covered.push(name);
            }
        }
        Some(covered)
    }
}

/// Topic names are ASCII, and so are the classes of RE2 but for those by Unicode's names.
fn compiled(text: &str) -> Result<DFA, String> {
    let build = |unicode| {
        let dfa = DFA::builder()
            .configure(Config::new().cache_capacity(CACHE).minimum_cache_clear_count(Some(CLEARINGS)))
            .syntax(syntax::Config::new().unicode(unicode).utf8(false).octal(true))
            .thompson(thompson::Config::new().utf8(false).nfa_size_limit(Some(LARGEST)))
            .build(text);
        dfa.map_err(|error| what_is_wrong(&error))
    };
    build(false).or_else(|_| build(true))
}

fn what_is_wrong(error: &dyn std::error::Error) -> String {
    let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    // The parser draws the pattern, with an arrow, before it says what is wrong.
    cause.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

/// The same pattern in the words of the `regex` crate: it takes a bracket, `&&` and `~~` in a class for operators, and
/// knows no quoting with `\Q`.
fn translated(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    let mut in_class = false;
    while let Some(first) = rest.chars().next() {
        let mut taken = first.len_utf8();
        if let (false, Some(quoted)) = (in_class, rest.strip_prefix(r"\Q")) {
            let (quoted, after) = quoted.split_once(r"\E").unwrap_or((quoted, ""));
            quoted.chars().for_each(|one| push_literally(one, &mut out));
            rest = after;
            continue;
        }
        match first {
            // One digit is a reference to a group, which neither has; more are a character.
            '\\' if is_reference(&rest[taken..]) => out.push_str(r"\8"),
            '\\' => {
                taken += rest[taken..].chars().next().map_or(0, char::len_utf8);
                out.push_str(&rest[..taken]);
            }
            '[' if !in_class => {
                in_class = true;
                taken += usize::from(rest[taken..].starts_with('^'));
                out.push_str(&rest[..taken]);
                // A bracket that closes right away is one of the class.
                if rest[taken..].starts_with(']') {
                    taken += 1;
                    out.push_str(r"\]");
                }
            }
            '[' if rest.starts_with("[:") && rest.contains(":]") => {
                taken = rest.find(":]").map_or(taken, |end| end + 2);
                out.push_str(&rest[..taken]);
            }
            '[' | '&' | '~' if in_class => push_literally(first, &mut out),
            _ => {
                in_class &= first != ']';
                out.push(first);
            }
        }
        rest = &rest[taken..];
    }
    out
}

fn is_reference(escaped: &str) -> bool {
    let mut digits = escaped.bytes().map(|one| one.is_ascii_digit().then(|| one - b'0'));
    let (first, second) = (digits.next().flatten(), digits.next().flatten());
    matches!(first, Some(1..=7)) && !matches!(second, Some(0..=7))
}

fn push_literally(one: char, out: &mut String) {
    if one.is_ascii_punctuation() {
        out.push('\\');
    }
    out.push(one);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(pattern: &str, names: &[&str]) -> Vec<String> {
        let names: Vec<Str> = names.iter().copied().map(Str::from).collect();
        let pattern = Pattern::new(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        pattern.covered(&names).unwrap().into_iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_pattern_covers_whole_names() {
        for (pattern, expected) in [
            ("orders", &["orders"][..]),
            ("orders.*", &["orders", "orders-eu"]),
            (r"orders-(eu|us)|p\.q", &["orders-eu", "p.q"]),
            ("a|orders", &["orders"]),
            (".*", &["orders", "orders-eu", "pxq", "p.q", "__x"]),
            ("^orders$", &["orders"]),
            ("(?i)ORDERS", &["orders"]),
            ("[[:alpha:]]+", &["orders", "pxq"]),
            (r"\w{2}\D", &["pxq", "__x"]),
            (r"\p{L}+", &["orders", "pxq"]),
            ("", &[]),
            ("[^]p]+", &["orders", "orders-eu", "__x"]),
        ] {
            assert_eq!(
                covered(pattern, &["orders", "orders-eu", "pxq", "p.q", "__x"]),
                expected,
                "{pattern}"
            );
        }
    }

    /// What the two libraries write differently.
    #[test]
    fn re2_has_no_operators_in_classes_and_quotes() {
        assert_eq!(covered(r"\Qp.q\E", &["p.q", "pxq"]), ["p.q"]);
        assert_eq!(covered(r"\Qp.q", &["p.q", "pxq"]), ["p.q"]);
        assert_eq!(covered("[a&&b]+", &["a", "b", "a&b", "c"]), ["a", "b", "a&b"]);
        assert_eq!(covered("[a~~b]+", &["a", "a~b", "c"]), ["a", "a~b"]);
        assert_eq!(covered("[a[b]+", &["a[", "b", "c"]), ["a[", "b"]);
        assert_eq!(covered(r"[\]a]+", &["a]", "b"]), ["a]"]);
        assert_eq!(covered(r"\141", &["a", "b"]), ["a"]);
    }

    #[test]
    fn what_is_no_pattern_is_refused_in_one_line() {
        for wrong in ["(", "a)(b", "[", "*", "(?=a)", r"(a)\1", "a{2,1}", "\\"] {
            let error = Pattern::new(wrong).err().unwrap_or_else(|| panic!("{wrong} is taken"));
            assert!(!error.is_empty() && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn what_takes_too_much_is_refused() {
        assert!(Pattern::new(&"a".repeat(LONGEST + 1)).is_err());
        assert!(Pattern::new("(((.{100}){100}){100}){100}").is_err());
        let names: Vec<Str> = (0..2000).map(|n: u64| format!("{n:b}").repeat(20).as_str().into()).collect();
        assert!(Pattern::new("(0|1)*1(0|1){500}0.*").unwrap().covered(&names).is_none());
    }
}
