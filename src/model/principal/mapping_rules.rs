//! `ssl.principal.mapping.rules`, as `org.apache.kafka.common.security.ssl.SslPrincipalMapper` reads and applies them.

use std::fmt;

use fancy_regex::{Regex, RegexBuilder};

use super::java_regex::{self, MatchLimits};
use super::reach::{Case, Reach};
use super::replacement::Replacement;

/// Rules that make a principal's name of a distinguished name: the first that matches decides.
#[derive(Debug, Clone)]
pub struct MappingRules {
    rules: Vec<Rule>,
}

/// Rules that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidRules {
    /// Where in the setting the fault is, in bytes from its start.
    pub offset: usize,
    /// What is wrong there, and what would be right.
    pub reason: String,
}

/// Why a distinguished name gives no principal. Kafka closes the connection at the first request then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoMatch {
    /// No rule matches the whole name.
    NoRule,
    /// A rule matches, but cannot be carried out.
    Failed {
        /// The rule, as it was written.
        rule: String,
        /// What is wrong with it, or with it and this name.
        reason: String,
    },
}

impl Default for MappingRules {
    /// Kafka's default, which leaves names as they are. An empty setting is something else: no name matches it.
    fn default() -> MappingRules {
        MappingRules { rules: vec![Rule::Default] }
    }
}

impl MappingRules {
    /// Reads the setting: a list with commas of `DEFAULT` and `RULE:pattern/replacement/` with an optional `L` or `U`.
    ///
    /// The pattern is Java's. What this module cannot match exactly as Java does is refused here.
    pub fn parse(setting: &str) -> Result<MappingRules, InvalidRules> {
        let mut rules = Vec::new();
        let mut reader = RuleReader { setting, at: 0 };
        loop {
            reader.skip_space();
            if let Some(rule) = reader.rule()? {
                rules.push(rule);
            }
            reader.skip_space();
            match reader.rest().chars().next() {
                None => return Ok(MappingRules { rules }),
                Some(',') => reader.at += 1,
                Some(_) => return Err(reader.fault(reader.at, "a comma must follow the rule")),
            }
        }
    }

    /// The name that the rules make of a distinguished name, without the `User:` before it.
    pub fn apply(&self, name: &str) -> Result<String, NoMatch> {
        apply(&self.rules, name).map(|mapped| mapped.name)
    }

    /// As [`apply`](Self::apply), with the rule that decided.
    ///
    /// # Errors
    /// When the distinguished name gives no principal.
    pub fn explain(&self, name: &str) -> Result<Mapped<'_>, NoMatch> {
        apply(&self.rules, name)
    }

    /// Whether a name that rules are asked about may be mapped to this one, which stands without `User:`. `may_be` tells which
    /// names rules are asked about. `false` is certain; `true` is not.
    pub(super) fn can_make(&self, name: &str, may_be: impl Fn(&str) -> bool) -> bool {
        for (at, rule) in self.rules.iter().enumerate() {
            match rule {
                // It leaves the name as it is, and no rule behind it is ever asked; those before it were.
                Rule::Default => {
                    return may_be(name) && matches!(apply(&self.rules[..at], name), Err(NoMatch::NoRule));
                }
                Rule::Rewrite(rewrite) if rewrite.reach.has(name) => return true,
                Rule::Rewrite(_) => {}
            }
        }
        false
    }
}

/// What became of a distinguished name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped<'a> {
    /// The principal's name, without the `User:` before it.
    pub name: String,
    /// The rule that matched, as it was written.
    pub rule: &'a str,
    /// How many rules before it did not match.
    pub passed_over: usize,
}

fn apply<'a>(rules: &'a [Rule], name: &str) -> Result<Mapped<'a>, NoMatch> {
    for (passed_over, rule) in rules.iter().enumerate() {
        match rule {
            Rule::Default => return Ok(Mapped { name: name.to_owned(), rule: "DEFAULT", passed_over }),
            Rule::Rewrite(rewrite) => {
                let result = rewrite.apply(name);
                let failed = |reason| NoMatch::Failed { rule: rewrite.written.clone(), reason };
                if let Some(mapped) = result.map_err(failed)? {
                    return Ok(Mapped { name: mapped, rule: &rewrite.written, passed_over });
                }
            }
        }
    }
    Err(NoMatch::NoRule)
}

/// As in Java's `\s` and `String.trim`, taken together.
const SPACE: [char; 6] = [' ', '\t', '\n', '\u{b}', '\u{c}', '\r'];

/// Steps that the regex engine may go back, so that no name can keep it busy for long; Java knows no limit.
const MOST_BACKTRACKING: usize = 250_000;
/// The longest name, in bytes, that rules are tried on: each step may look at all of it.
const LONGEST_NAME: usize = 16 * 1024;
/// How many matches in a name are replaced: each has steps of its own.
const MOST_REPLACED: usize = 1000;

#[derive(Debug, Clone)]
enum Rule {
    Default,
    Rewrite(Box<Rewrite>),
}

#[derive(Debug, Clone)]
struct Rewrite {
    written: String,
    /// The pattern, which must match the whole name ...
    gate: Regex,
    /// ... and the same free of that, whose every match is replaced.
    pattern: Regex,
    limits: MatchLimits,
    replacement: Replacement,
    case: Case,
    reach: Reach,
}

struct RuleReader<'a> {
    setting: &'a str,
    at: usize,
}

impl<'a> RuleReader<'a> {
    fn rest(&self) -> &'a str {
        &self.setting[self.at..]
    }

    fn fault(&self, offset: usize, reason: impl Into<String>) -> InvalidRules {
        InvalidRules { offset, reason: reason.into() }
    }

    fn skip_space(&mut self) {
        self.at = self.setting.len() - self.rest().trim_start_matches(SPACE).len();
    }

    fn take(&mut self, text: &str) -> bool {
        let taken = self.rest().starts_with(text);
        if taken {
            self.at += text.len();
        }
        taken
    }

    /// The next rule, if there is one before the comma or the end.
    fn rule(&mut self) -> Result<Option<Rule>, InvalidRules> {
        let start = self.at;
        if matches!(self.rest().chars().next(), None | Some(',')) {
            return Ok(None);
        }
        if self.take("DEFAULT") {
            return Ok(Some(Rule::Default));
        }
        if !self.take("RULE:") {
            return Err(self.fault(
                start,
                "a rule must be DEFAULT or RULE:pattern/replacement/, or that with L or U behind it",
            ));
        }
        let pattern_at = self.at;
        let pattern = self.up_to_slash(start, "pattern")?;
        let replacement = self.up_to_slash(start, "replacement")?;
        let case = match (self.take("L"), self.take("U")) {
            (false, false) => Case::AsIs,
            (true, false) => Case::Lower,
            (false, true) => Case::Upper,
            (true, true) => return Err(self.fault(self.at - 1, "a rule can have L or U, but not both")),
        };
        let written = &self.setting[start..self.at];
        let rewrite = Rewrite::new(written, pattern, replacement, case).map_err(|(offset, reason)| {
            self.fault(pattern_at + offset, format!("in the rule's pattern: {reason}"))
        })?;
        Ok(Some(Rule::Rewrite(Box::new(rewrite))))
    }

    /// Takes everything up to the next slash without a backslash before it, and the slash. Backslashes stay.
    fn up_to_slash(&mut self, start: usize, what: &str) -> Result<&'a str, InvalidRules> {
        let from = self.at;
        let mut escaped = false;
        for (offset, c) in self.rest().char_indices() {
            match c {
                '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' if escaped => {
                    return Err(
                        self.fault(from + offset, format!("a backslash ends a line in the rule's {what}"))
                    );
                }
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '/' => {
                    self.at = from + offset + 1;
                    return Ok(&self.setting[from..from + offset]);
                }
                _ => {}
            }
        }
        Err(self.fault(
            start,
            format!("the rule's {what} must end with a slash; a slash within it is written \\/"),
        ))
    }
}

impl Rewrite {
    fn new(written: &str, pattern: &str, replacement: &str, case: Case) -> Result<Rewrite, (usize, String)> {
        let translated =
            java_regex::translate(pattern).map_err(|refused| (refused.offset, refused.reason))?;
        let compiled = |pattern: &str| {
            RegexBuilder::new(pattern)
                // With them, fancy-regex 0.20.2 lets a lazy `?` between two greedy loops take a character.
                .optimize(false)
                .seek(false)
                .backtrack_limit(MOST_BACKTRACKING)
                .build()
                .map_err(|error| (0, format!("it cannot be compiled: {error}")))
        };
        let groups = Replacement::new(replacement, translated.groups, &translated.names);
        Ok(Rewrite {
            written: written.to_owned(),
            gate: compiled(&format!("\\A(?:{})\\z", translated.pattern))?,
            pattern: compiled(&translated.pattern)?,
            limits: translated.limits,
            reach: Reach::of(&translated, &groups, case),
            replacement: groups,
            case,
        })
    }

    /// The new name, if the rule matches.
    fn apply(&self, name: &str) -> Result<Option<String>, String> {
        self.check_limits(name)?;
        if !self.gate.is_match(name).map_err(|error| error.to_string())? {
            return Ok(None);
        }
        let replaced = self.replace_all(name)?;
        Ok(Some(match self.case {
            Case::AsIs => replaced,
            Case::Lower if replaced.contains('Σ') => {
                return Err("what becomes of the letter Σ in lower case depends on its neighbours".to_owned());
            }
            Case::Lower => replaced.to_lowercase(),
            Case::Upper => replaced.to_uppercase(),
        }))
    }

    /// `String.replaceAll`: unlike Rust's, it also replaces an empty match right behind the last one.
    fn replace_all(&self, name: &str) -> Result<String, String> {
        let mut out = String::new();
        let mut copied = 0;
        let mut from = 0;
        let mut matches = 0;
        while from <= name.len() {
            matches += 1;
            if matches > MOST_REPLACED {
                return Err(format!("the pattern matches more than {MOST_REPLACED} times"));
            }
            let Some(found) =
                self.pattern.captures_from_pos(name, from).map_err(|error| error.to_string())?
            else {
                break;
            };
            let Some(whole) = found.get(0) else { break };
            out += scanned(&name[copied..whole.start()])?;
            self.replacement.expand(|number| found.get(number).map(|group| group.as_str()), &mut out)?;
            copied = whole.end();
            from = match name[copied..].chars().next() {
                Some(next) if whole.start() == whole.end() => copied + next.len_utf8(),
                None if whole.start() == whole.end() => break,
                _ => copied,
            };
        }
        out += scanned(&name[copied..])?;
        Ok(out)
    }

    fn check_limits(&self, name: &str) -> Result<(), String> {
        let MatchLimits { no_final_line_end, ascii_only, basic_plane_only } = self.limits;
        let ends_a_line = name.ends_with(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']);
        let reason = if name.len() > LONGEST_NAME {
            "the name is longer than 16 KiB"
        } else if no_final_line_end && ends_a_line {
            "the name ends in a line terminator, and the pattern uses $ or \\Z"
        } else if ascii_only && !name.is_ascii() {
            "the name is not ASCII, and the pattern uses \\b or \\B, which mean different things in different versions of Java"
        } else if basic_plane_only && name.chars().any(is_supplementary) {
            "the name has characters above U+FFFF, and the pattern uses look-behind"
        } else {
            return Ok(());
        };
        Err(reason.to_owned())
    }
}

/// Text between matches. Java also looks for a match between the two halves of a character above U+FFFF.
fn scanned(text: &str) -> Result<&str, &'static str> {
    if text.chars().any(is_supplementary) {
        return Err("the name has characters above U+FFFF outside of what the pattern matches");
    }
    Ok(text)
}

fn is_supplementary(c: char) -> bool {
    u32::from(c) > 0xffff
}

impl fmt::Display for InvalidRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid principal mapping rules at byte {}: {}", self.offset, self.reason)
    }
}

impl std::error::Error for InvalidRules {}

impl fmt::Display for NoMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoMatch::NoRule => f.write_str("no principal mapping rule matches it"),
            NoMatch::Failed { rule, reason } => {
                write!(f, "the principal mapping rule {rule:?} cannot be applied to it: {reason}")
            }
        }
    }
}

impl std::error::Error for NoMatch {}
