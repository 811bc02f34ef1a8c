//! Translates `java.util.regex` into the syntax of fancy-regex, or refuses.
//!
//! The two dialects look alike and differ in what `\d`, `.`, `$`, `(?i)` and classes mean. So a pattern is parsed as
//! `java.util.regex.Pattern` parses it, and written anew in terms that mean the same to both: every class becomes a list
//! of code points, every letter that ignores case a class. What cannot be said faithfully is refused, and what is
//! faithful for some texts only is noted in [`Translated::limits`].

mod class;
mod escape;
mod group;

use class::Class;
use escape::Escape;

/// A pattern that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnsupportedPattern {
    /// In bytes from the start of the pattern.
    pub(super) offset: usize,
    pub(super) reason: String,
}

/// A pattern in fancy-regex's syntax.
#[derive(Debug)]
pub(super) struct Translated {
    pub(super) pattern: String,
    /// The names of the capturing groups that have one, with their numbers.
    pub(super) names: Vec<(String, usize)>,
    /// How many capturing groups there are, the whole match apart.
    pub(super) groups: usize,
    /// The pattern within each of them, without its parentheses.
    pub(super) inside: Vec<String>,
    pub(super) limits: MatchLimits,
}

/// The texts for which the translation may mean something else than the original.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct MatchLimits {
    /// Those that end in a line terminator, before which Java's `$` matches too.
    pub(super) no_final_line_end: bool,
    /// Those with characters outside ASCII: what `\b` makes of them depends on Java's version.
    pub(super) ascii_only: bool,
    /// Those with characters outside the basic plane: Java's look-behind may start in the middle of one.
    pub(super) basic_plane_only: bool,
}

pub(super) fn translate(pattern: &str) -> Result<Translated, UnsupportedPattern> {
    let mut parser = Parser { text: pattern, ..Parser::default() };
    let piece = parser.alternatives()?;
    match parser.peek() {
        None => Ok(Translated {
            pattern: piece.text,
            names: parser.names,
            groups: parser.groups.len(),
            inside: parser.inside,
            limits: parser.limits,
        }),
        Some(_) => parser.refuse(parser.at, "this parenthesis closes nothing"),
    }
}

const MOST_NESTING: usize = 50;
const MOST_REPETITIONS: u32 = 1000;

#[derive(Default)]
struct Parser<'a> {
    text: &'a str,
    at: usize,
    flags: Flags,
    /// Between `\Q` and `\E`.
    quoting: bool,
    depth: usize,
    in_look_around: bool,
    /// The capturing groups so far, and whether each is closed.
    groups: Vec<bool>,
    /// What is within each of them, once it is closed.
    inside: Vec<String>,
    names: Vec<(String, usize)>,
    limits: MatchLimits,
}

#[derive(Default, Clone, Copy)]
struct Flags {
    ignore_case: bool,
    dot_all: bool,
}

/// A translated part of a pattern.
struct Piece {
    text: String,
    may_be_empty: bool,
    /// The number of characters, if it is always the same.
    width: Option<usize>,
    /// Whether a quantifier may follow.
    repeatable: bool,
}

impl Piece {
    fn one(text: String) -> Piece {
        Piece { text, may_be_empty: false, width: Some(1), repeatable: true }
    }

    fn assertion(text: impl Into<String>) -> Piece {
        Piece { text: text.into(), may_be_empty: true, width: Some(0), repeatable: false }
    }
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn take(&mut self, text: &str) -> bool {
        let taken = self.rest().starts_with(text);
        if taken {
            self.at += text.len();
        }
        taken
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let taken = &rest[..rest.find(|c| !wanted(c)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    fn refuse<T>(&self, offset: usize, reason: impl Into<String>) -> Result<T, UnsupportedPattern> {
        Err(UnsupportedPattern { offset, reason: reason.into() })
    }

    fn alternatives(&mut self) -> Result<Piece, UnsupportedPattern> {
        let mut all = self.sequence()?;
        while self.take("|") {
            let other = self.sequence()?;
            all.text = all.text + "|" + &other.text;
            all.may_be_empty |= other.may_be_empty;
            all.width = all.width.filter(|&width| other.width == Some(width));
        }
        Ok(all)
    }

    fn sequence(&mut self) -> Result<Piece, UnsupportedPattern> {
        let mut all = Piece { text: String::new(), may_be_empty: true, width: Some(0), repeatable: true };
        while self.quoting || !matches!(self.peek(), None | Some('|' | ')')) {
            let start = self.at;
            let Some(atom) = self.atom()? else { continue };
            let piece = self.quantified(atom, start)?;
            all.text += &piece.text;
            all.may_be_empty &= piece.may_be_empty;
            all.width = all.width.zip(piece.width).map(|(a, b)| a + b);
        }
        Ok(all)
    }

    /// The next thing that stands for itself; nothing if it only changed how the rest is read.
    fn atom(&mut self) -> Result<Option<Piece>, UnsupportedPattern> {
        let start = self.at;
        if self.quoting {
            return Ok(self.quoted());
        }
        let Some(c) = self.next() else { return Ok(None) };
        Ok(Some(match c {
            '(' => return self.group(start),
            '[' => Piece::one(self.class(start)?.written()),
            '.' => Piece::one(Class::dot(self.flags.dot_all).written()),
            '^' => Piece::assertion("\\A"),
            '$' => self.end(),
            '*' | '+' | '?' => return self.refuse(start, "this quantifier follows nothing"),
            '{' => {
                return self.refuse(
                    start,
                    "this brace follows nothing that it could repeat; write \\{ for the character",
                );
            }
            '\\' => return self.escaped(start),
            c => self.literal(c),
        }))
    }

    fn quoted(&mut self) -> Option<Piece> {
        if self.take("\\E") {
            self.quoting = false;
            return None;
        }
        let Some(c) = self.next() else {
            self.quoting = false;
            return None;
        };
        if self.take("\\E") {
            // A quantifier that follows is for this character.
            self.quoting = false;
        }
        Some(self.literal(c))
    }

    fn escaped(&mut self, start: usize) -> Result<Option<Piece>, UnsupportedPattern> {
        Ok(Some(match self.escape(start)? {
            Escape::Character(c) => self.literal(c),
            Escape::Class(class) => Piece::one(class.written()),
            Escape::Other('Q') => {
                self.quoting = true;
                return Ok(None);
            }
            Escape::Other('A') => Piece::assertion("\\A"),
            Escape::Other('z') => Piece::assertion("\\z"),
            Escape::Other('Z') => self.end(),
            Escape::Other(boundary @ ('b' | 'B')) => {
                self.limits.ascii_only = true;
                Piece::assertion(format!("\\{boundary}"))
            }
            Escape::Other('k') => {
                let name = if self.take("<") { self.take_while(|c| c.is_ascii_alphanumeric()) } else { "" };
                if !self.take(">") {
                    return self.refuse(start, "a back-reference by name is written \\k<name>");
                }
                match self.names.iter().find(|(known, _)| known == name) {
                    Some(&(_, number)) => self.back_reference(start, number)?,
                    None => {
                        return self.refuse(start, format!("there is no group called {name:?} before this"));
                    }
                }
            }
            Escape::Other(digit @ '1'..='9') => {
                let number = self.group_number(digit);
                self.back_reference(start, number)?
            }
            Escape::Other(other) => {
                return self.refuse(start, format!("\\{other} is not supported here"));
            }
        }))
    }

    /// Takes digits as long as there is a group of that number, as Java does.
    fn group_number(&mut self, first: char) -> usize {
        let mut number = first.to_digit(10).unwrap_or_default() as usize;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            let longer = number * 10 + digit as usize;
            if longer > self.groups.len() {
                break;
            }
            number = longer;
            self.at += 1;
        }
        number
    }

    fn back_reference(&self, start: usize, number: usize) -> Result<Piece, UnsupportedPattern> {
        match self.groups.get(number - 1) {
            _ if self.flags.ignore_case => {
                self.refuse(start, "a back-reference that ignores case is not supported")
            }
            Some(true) => Ok(Piece {
                text: format!("(?:\\{number})"),
                may_be_empty: true,
                width: None,
                repeatable: true,
            }),
            _ => self.refuse(start, format!("there is no group {number} that ends before this")),
        }
    }

    fn end(&mut self) -> Piece {
        self.limits.no_final_line_end = true;
        Piece::assertion("\\z")
    }

    fn literal(&self, c: char) -> Piece {
        Piece::one(if self.flags.ignore_case && c.is_ascii_alphabetic() {
            format!("[{}{}]", c.to_ascii_uppercase(), c.to_ascii_lowercase())
        } else if c.is_ascii_alphanumeric() {
            c.to_string()
        } else {
            format!("\\x{{{:X}}}", u32::from(c))
        })
    }

    fn quantified(&mut self, atom: Piece, start: usize) -> Result<Piece, UnsupportedPattern> {
        let at = self.at;
        if self.quoting {
            return Ok(atom);
        }
        let Some((least, most)) = self.quantifier()? else { return Ok(atom) };
        if !atom.repeatable || atom.width == Some(0) {
            return self.refuse(at, "a quantifier on what never takes a character is not supported");
        }
        if atom.may_be_empty && most != Some(1) && most != Some(0) {
            return self.refuse(start, "repeating what may match nothing is not supported");
        }
        let times = match (least, most) {
            (0, None) => "*".to_owned(),
            (1, None) => "+".to_owned(),
            (0, Some(1)) => "?".to_owned(),
            (least, None) => format!("{{{least},}}"),
            (least, Some(most)) => format!("{{{least},{most}}}"),
        };
        let text = if self.take("?") {
            format!("{}{times}?", atom.text)
        } else if self.take("+") {
            format!("(?>{}{times})", atom.text)
        } else {
            format!("{}{times}", atom.text)
        };
        if matches!(self.peek(), Some('*' | '+' | '?' | '{')) {
            return self.refuse(self.at, "a quantifier on a quantifier is not supported");
        }
        Ok(Piece {
            text,
            may_be_empty: atom.may_be_empty || least == 0,
            width: atom.width.filter(|_| most == Some(least)).map(|width| width * least as usize),
            repeatable: true,
        })
    }

    /// The least and, if there is one, the greatest number of times.
    fn quantifier(&mut self) -> Result<Option<(u32, Option<u32>)>, UnsupportedPattern> {
        let start = self.at;
        let times = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                self.at += 1;
                let least = self.take_while(|c| c.is_ascii_digit());
                let most = if self.take(",") { self.take_while(|c| c.is_ascii_digit()) } else { least };
                let number = |digits: &str| digits.parse().ok().filter(|&number| number <= MOST_REPETITIONS);
                let times = match (number(least), number(most)) {
                    (Some(least), Some(most)) if least <= most => (least, Some(most)),
                    (Some(least), None) if most.is_empty() => (least, None),
                    _ => {
                        return self.refuse(
                            start,
                            format!("write {{n}}, {{n,}} or {{n,m}} with numbers up to {MOST_REPETITIONS}"),
                        );
                    }
                };
                return if self.take("}") {
                    Ok(Some(times))
                } else {
                    self.refuse(start, "this brace is not closed; write \\{ for the character")
                };
            }
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(times))
    }
}
