//! Where the entries stand in the text of such a file.
//!
//! This is no reader of YAML: it knows the ways in which people write a list, and whoever changes a text by it reads the
//! result with the real one.

use std::ops::Range;

/// Where the entries of a list stand.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::process) enum Layout {
    /// Each behind its dash, on lines of its own.
    Dashes {
        /// How many blanks stand before a dash.
        indent: usize,
        /// The lines of each entry: the blank lines and comments behind them are nobody's.
        entries: Vec<Range<usize>>,
        /// Where the next entry would begin.
        end: usize,
    },
    /// Between brackets, with commas.
    Brackets {
        /// From the opening bracket to behind the closing one.
        list: Range<usize>,
        /// Each without its comma.
        entries: Vec<Range<usize>>,
        /// The commas, each behind the entry of the same place.
        commas: Vec<usize>,
    },
}

impl Layout {
    /// The layout of `text`, if it is one that is known.
    pub(in crate::process) fn of(text: &str) -> Option<Layout> {
        let mut lines = lines(text).skip_while(|(_, line)| {
            let line = line.trim();
            line.is_empty() || line.starts_with(['#', '%']) || line == "---" || line.starts_with("--- #")
        });
        let (first, line) = lines.next()?;
        let indent = line.len() - line.trim_start_matches(' ').len();
        if line[indent..].starts_with('[') {
            return brackets(text, first.start + indent);
        }
        if !is_dash(line, indent) {
            return None;
        }
        let mut entries = vec![first];
        let mut end = text.len();
        for (range, line) in lines {
            if is_dash(line, indent) {
                entries.push(range);
            } else if line.starts_with("...") || line.starts_with("---") {
                end = range.start;
                break;
            } else if !is_comment(line)
                && let Some(last) = entries.last_mut()
            {
                last.end = range.end;
            }
        }
        Some(Layout::Dashes { indent, entries, end })
    }

    /// The entries.
    pub(in crate::process) fn entries(&self) -> &[Range<usize>] {
        match self {
            Layout::Dashes { entries, .. } | Layout::Brackets { entries, .. } => entries,
        }
    }
}

/// The comments in a piece of the text, without the blanks before and the end of the line behind them.
pub(in crate::process) fn comments(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut scanner = Scanner::new(text, 0);
    while let Some(token) = scanner.next_token() {
        if let Token::Comment(range) = token {
            found.push(text[range].trim_end());
        }
    }
    found
}

/// Each line with its end, and where it is.
fn lines(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |line| {
        let range = start..start + line.len();
        start = range.end;
        (range, line)
    })
}

fn is_dash(line: &str, indent: usize) -> bool {
    line.get(indent..).is_some_and(|rest| {
        line[..indent].bytes().all(|byte| byte == b' ')
            && rest
                .strip_prefix('-')
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
    })
}

fn is_comment(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

fn brackets(text: &str, open: usize) -> Option<Layout> {
    let (mut entries, mut commas) = (Vec::new(), Vec::new());
    let mut entry: Option<Range<usize>> = None;
    let mut depth = 0usize;
    let mut scanner = Scanner::new(text, open);
    while let Some(token) = scanner.next_token() {
        let range = match token {
            Token::Comment(_) => continue,
            Token::Other(range) => range,
        };
        match &text[range.clone()] {
            "[" | "{" => {
                depth += 1;
                if depth == 1 {
                    continue;
                }
            }
            "]" | "}" => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    entries.extend(entry);
                    let rest_is_empty = lines(&text[range.end..]).all(|(_, line)| is_comment(line));
                    return rest_is_empty.then_some(Layout::Brackets {
                        list: open..range.end,
                        entries,
                        commas,
                    });
                }
            }
            "," if depth == 1 => {
                entries.push(entry.take()?);
                commas.push(range.start);
                continue;
            }
            _ => {}
        }
        let begun = entry.get_or_insert(range.clone());
        begun.end = range.end;
    }
    None
}

enum Token {
    Comment(Range<usize>),
    /// A bracket, a comma, a text in quotes, or another letter that is no blank.
    Other(Range<usize>),
}

/// Knows quotes and comments, so that what stands in them is taken for nothing else.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// Whether a quotation mark here begins a text in quotes; in the middle of a word it is a letter.
    may_quote: bool,
    after_blank: bool,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str, at: usize) -> Scanner<'a> {
        Scanner { text, at, may_quote: true, after_blank: true }
    }

    fn next_token(&mut self) -> Option<Token> {
        loop {
            let letter = self.text[self.at..].chars().next()?;
            let start = self.at;
            self.at += letter.len_utf8();
            match letter {
                ' ' | '\t' | '\r' | '\n' => {
                    self.after_blank = true;
                    continue;
                }
                '#' if self.after_blank => {
                    let rest = &self.text[start..];
                    self.at = start + rest.find('\n').unwrap_or(rest.len());
                    return Some(Token::Comment(start..self.at));
                }
                '"' | '\'' if self.may_quote => {
                    self.at = self.closing(letter)?;
                    self.may_quote = false;
                }
                letter => self.may_quote = matches!(letter, '[' | '{' | ',' | ':' | '-'),
            }
            self.after_blank = false;
            return Some(Token::Other(start..self.at));
        }
    }

    /// Behind the quotation mark that closes the text that `self.at` is in.
    fn closing(&self, mark: char) -> Option<usize> {
        let mut letters = self.text[self.at..].char_indices().peekable();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' if mark == '"' => {
                    letters.next();
                }
                '\'' if mark == '\'' && letters.peek().is_some_and(|(_, next)| *next == '\'') => {
                    letters.next();
                }
                letter if letter == mark => return Some(self.at + at + 1),
                _ => {}
            }
        }
        None
    }
}
