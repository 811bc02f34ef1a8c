//! Cuts the text of an ACL file into pieces, one for each entry, that can be read one by one.
//!
//! To read a file as one YAML document takes some sixty times its length in memory. Nearly all files are a list of entries
//! whose meaning does not depend on each other, and then it is enough to read a few of them at a time, and after a change
//! only what is new.
//!
//! A text is cut only where the pieces are known to mean together what the whole means. Between two pieces YAML's scanner is
//! always in the same state: within the list and within nothing else. For it reads a piece alone to its end without a fault,
//! and what ends a piece there, the end of the text, ends it in the whole as well: a dash that is indented no further than
//! the list, or a comma where all brackets within the list are closed. What could make a difference is not cut:
//! directives and the marks between documents; letters that end a line for YAML but not here, and those that it takes nowhere;
//! within brackets, comments. Aliases to another piece are found when the piece is read, see [`Pieces::is_alone`].

use std::ops::Range;

use crate::process::config::Place;
use crate::process::list_file::Layout;

/// How much of a text is read at once, in bytes, unless one entry is longer.
pub(super) const STRETCH: usize = 32 * 1024;

/// A text, cut.
#[derive(Debug)]
pub(super) struct Pieces<'a> {
    text: &'a str,
    in_brackets: bool,
    /// What belongs to each entry: of a list with dashes all up to the next dash, and to the first one what is before it.
    ranges: Vec<Range<usize>>,
}

/// Some pieces in a row, to be read as one YAML document: a list.
#[derive(Debug)]
pub(super) struct Stretch<'a> {
    /// Which.
    pub(super) entries: Range<usize>,
    /// The document.
    pub(super) text: String,
    /// What is before it in the file.
    before: &'a str,
    /// Whether a bracket was put in front of it.
    in_brackets: bool,
}

impl<'a> Pieces<'a> {
    /// Cuts the text, if it can be cut.
    pub(super) fn of(text: &'a str) -> Option<Pieces<'a>> {
        if !text.chars().all(is_plain) || text.split("\r\n").any(|part| part.contains('\r')) {
            return None;
        }
        let is_mark =
            |line: &str| line.starts_with("---") || line.starts_with("...") || line.starts_with('%');
        let layout = Layout::of(text)?;
        let begin = layout.entries().first()?.start;
        let head = match &layout {
            Layout::Dashes { .. } => &text[..begin],
            Layout::Brackets { list, .. } => &text[..list.start],
        };
        if head.lines().any(|line| line.starts_with('%')) || text[head.len()..].lines().any(is_mark) {
            return None;
        }
        let (in_brackets, ranges) = match layout {
            Layout::Dashes { entries, .. } => {
                let starts = std::iter::once(0).chain(entries.iter().skip(1).map(|entry| entry.start));
                let ends = entries.iter().skip(1).map(|entry| entry.start).chain([text.len()]);
                (false, starts.zip(ends).map(|(start, end)| start..end).collect())
            }
            Layout::Brackets { list, entries, .. } => {
                let is_mapping = |range: &Range<usize>| {
                    text[range.clone()].starts_with('{') && text[range.clone()].ends_with('}')
                };
                // The head is not read with any piece.
                let is_bare = |text: &str| text.chars().all(|letter| matches!(letter, ' ' | '\r' | '\n'));
                if !is_bare(head)
                    || text.contains('#')
                    || !is_bare(&text[list.end..])
                    || !entries.iter().all(is_mapping)
                {
                    return None;
                }
                (true, entries)
            }
        };
        Some(Pieces { text, in_brackets, ranges })
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ranges.len()
    }

    /// The text of one. In any file it says the same, if it [is alone](Self::is_alone).
    pub(super) fn text(&self, entry: usize) -> &'a str {
        &self.text[self.ranges[entry].clone()]
    }

    /// Whether the piece has nothing in it that could be an alias to something in another piece.
    pub(super) fn is_alone(&self, entry: usize) -> bool {
        let text = self.text(entry);
        text.match_indices('*').all(|(at, _)| {
            let before = &text[..at];
            let is_in_word = before.ends_with(|letter: char| !" \t\r\n[{,:".contains(letter));
            // `{"a":*b}` has an alias, and `"User:*"` has none.
            let is_in_text = before
                .strip_suffix(':')
                .is_some_and(|before| before.ends_with(|letter: char| !" \t\r\n[{,:]}\"'".contains(letter)));
            is_in_word || is_in_text
        })
    }

    /// Those that are wanted, in order, neighbours together up to so many bytes.
    pub(super) fn stretches(&self, most: usize, is_wanted: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
        let mut stretches: Vec<Range<usize>> = Vec::new();
        let mut length = 0;
        for entry in (0..self.len()).filter(|entry| is_wanted(*entry)) {
            let more = self.ranges[entry].len();
            match stretches.last_mut() {
                Some(last) if last.end == entry && length + more <= most => {
                    last.end += 1;
                    length += more;
                }
                _ => {
                    stretches.push(entry..entry + 1);
                    length = more;
                }
            }
        }
        stretches
    }

    /// These pieces as a document.
    pub(super) fn stretch(&self, entries: Range<usize>) -> Stretch<'a> {
        let (first, last) = (self.ranges[entries.start].start, self.ranges[entries.end - 1].end);
        let text = &self.text[first..last];
        let text = if self.in_brackets { format!("[{text}]") } else { text.to_owned() };
        Stretch { entries, text, before: &self.text[..first], in_brackets: self.in_brackets }
    }
}

impl<'a> Stretch<'a> {
    /// A text that cannot be cut.
    pub(super) fn whole(text: &'a str) -> Stretch<'a> {
        Stretch { entries: 0..usize::MAX, text: text.to_owned(), before: "", in_brackets: false }
    }

    /// A place in the document, as one in the file.
    pub(super) fn in_file(&self, place: Place) -> Place {
        let Stretch { before, in_brackets, .. } = self;
        let mut column = place.column;
        if *in_brackets && place.line == 1 {
            let on_line = before.rsplit('\n').next().unwrap_or_default().chars().count();
            // The bracket is one more.
            column = (column + on_line).saturating_sub(1);
        }
        Place { line: place.line + before.bytes().filter(|byte| *byte == b'\n').count(), column }
    }
}

/// What YAML takes and what neither it nor anybody else takes for the end of a line.
fn is_plain(letter: char) -> bool {
    matches!(letter, '\t' | '\r' | '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        && !matches!(letter, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

#[cfg(test)]
mod tests;
