//! Which names a mapping rule can make at all, as far as that can be known from its text.

use fancy_regex::{Regex, RegexBuilder};

use super::java_regex::Translated;
use super::replacement::Replacement;

/// Steps that the regex engine may go back; a name that takes more counts as one that can be made.
const MOST_BACKTRACKING: usize = 100_000;

const ANYTHING: &str = "(?s:.*)";

/// How the letters of what a rule makes are changed at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    AsIs,
    Lower,
    Upper,
}

/// The names that a rule makes are among those that this takes.
#[derive(Debug, Clone)]
pub(super) enum Reach {
    /// Nothing: the rule fails for each name that it matches.
    Nothing,
    /// Anything, as far as is known.
    Anything,
    /// What matches, in this case.
    Like(Box<Regex>, Case),
}

impl Reach {
    /// The replacement's text with what its groups can hold. A group holds what its own part of the pattern matches, or
    /// nothing where it took no part; where that depends on what stands around it, anything.
    pub(super) fn of(translated: &Translated, replacement: &Replacement, case: Case) -> Reach {
        let Some(parts) = replacement.parts() else { return Reach::Nothing };
        let mut like = "\\A".to_owned();
        for part in parts {
            match (part, case) {
                (Ok(text), Case::AsIs) => like += &fancy_regex::escape(text),
                (Ok(text), Case::Lower) => like += &fancy_regex::escape(&text.to_lowercase()),
                (Ok(text), Case::Upper) => like += &fancy_regex::escape(&text.to_uppercase()),
                (Err(group), Case::AsIs) => {
                    let inside = group.checked_sub(1).and_then(|at| translated.inside.get(at));
                    match inside.filter(|pattern| is_free_of_context(pattern)) {
                        Some(pattern) => like += &format!("(?:(?:{pattern})|)"),
                        None => like += ANYTHING,
                    }
                }
                // One letter may become several of another case.
                (Err(_), Case::Lower | Case::Upper) => like += ANYTHING,
            }
        }
        // Else there may be more matches in the name, or a rest that stays.
        if !matches_all_at_once(&translated.pattern) {
            like += ANYTHING;
        }
        like += "\\z";
        match RegexBuilder::new(&like).backtrack_limit(MOST_BACKTRACKING).build() {
            Ok(like) => Reach::Like(Box::new(like), case),
            Err(_) => Reach::Anything,
        }
    }

    /// Whether the rule may make this name; `false` is certain.
    pub(super) fn has(&self, name: &str) -> bool {
        match self {
            Reach::Nothing => false,
            Reach::Anything => true,
            Reach::Like(_, Case::Lower) if name.contains(|c: char| c.is_ascii_uppercase()) => false,
            Reach::Like(_, Case::Upper) if name.contains(|c: char| c.is_ascii_lowercase()) => false,
            Reach::Like(like, _) => like.is_match(name).unwrap_or(true),
        }
    }
}

/// Whether what a part of a translated pattern matches is the same wherever it stands: no assertion, no reference to a group,
/// nothing atomic. A character that would mean something is written as `\x{…}` there, a category as `\p{…}`.
fn is_free_of_context(pattern: &str) -> bool {
    let after =
        |mark: &'static str| pattern.match_indices(mark).map(move |(at, _)| &pattern[at + mark.len()..]);
    after("\\").all(|rest| rest.starts_with("x{") || rest.starts_with("p{"))
        && after("(?").all(|rest| rest.starts_with(':'))
}

/// Whether a translated pattern matches once in each name, and all of it: `^…$` without alternatives beside them.
fn matches_all_at_once(pattern: &str) -> bool {
    let mut depth = 0_usize;
    let has_alternatives = pattern.chars().any(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == '|' && depth == 0
    });
    pattern.starts_with("\\A") && pattern.ends_with("\\z") && !has_alternatives
}
