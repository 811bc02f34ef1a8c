//! Changes the text of an ACL file and leaves alone what is not meant: other entries, comments, order, blank lines.

use std::collections::HashSet;
use std::ops::Range;

use super::read::Said;
use super::serialize::{Form, entries};
use crate::model::acl::Binding;
use crate::process::list_file::{Layout, comments};

/// The text with some bindings removed and others added.
///
/// `said` is what each entry of the text says. `None`: the text is laid out in a way that is not known here. Whoever puts
/// the result in the place of the text reads it first: what counts is what it says then.
pub(super) fn edited(
    text: &str,
    said: &[Said],
    removed: &HashSet<&Binding>,
    added: &[Binding],
) -> Option<String> {
    let layout = Layout::of(text)?;
    if layout.entries().len() != said.len() {
        return None;
    }
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut edits = Edits { text, edits: Vec::new() };
    let changed: Vec<(usize, Vec<&Binding>)> = said
        .iter()
        .enumerate()
        .filter(|(_, said)| said.iter().any(|binding| removed.contains(&**binding)))
        .map(|(i, said)| {
            let said = said.iter().map(AsRef::as_ref);
            (i, said.filter(|binding| !removed.contains(binding)).collect())
        })
        .collect();
    match layout {
        Layout::Dashes { indent, entries, end } => {
            let dashes = Dashes { text, newline, indent: " ".repeat(indent), entries: &entries };
            let is_empty = added.is_empty() && dashes.is_emptied(&changed);
            for (i, rest) in changed {
                edits.replace(entries[i].clone(), dashes.rewritten(i, &rest));
            }
            if is_empty {
                edits.replace(entries[0].start..entries[0].start, format!("{}[]{newline}", dashes.indent));
            }
            if !added.is_empty() {
                let form = dashes.form_of(entries.len() - 1);
                let mut new = dashes.written(added, form);
                if end > 0 && !text[..end].ends_with('\n') {
                    new.insert_str(0, newline);
                }
                edits.replace(end..end, new);
            }
        }
        // An empty list tells no form.
        Layout::Brackets { list, entries, .. } if entries.is_empty() && !added.is_empty() => {
            let dashes = Dashes { text, newline, indent: String::new(), entries: &[] };
            let mut new = dashes.written(added, Form::Line);
            new.truncate(new.trim_end().len());
            edits.replace(list, new);
        }
        Layout::Brackets { list, entries, commas } => {
            let brackets = Brackets { text, newline, list, entries: &entries, commas: &commas };
            brackets.edit(&changed, added, &mut edits);
        }
    }
    Some(edits.done())
}

/// Pieces of a text to be replaced.
struct Edits<'a> {
    text: &'a str,
    edits: Vec<(Range<usize>, String)>,
}

impl Edits<'_> {
    fn replace(&mut self, range: Range<usize>, new: String) {
        self.edits.push((range, new));
    }

    fn done(mut self) -> String {
        self.edits.sort_by_key(|(range, _)| (range.start, range.end));
        let mut result = String::with_capacity(self.text.len());
        let mut at = 0;
        for (range, new) in self.edits {
            result.push_str(self.text.get(at..range.start).unwrap_or_default());
            result.push_str(&new);
            at = range.end.max(at);
        }
        result.push_str(&self.text[at..]);
        result
    }
}

/// A list with dashes.
struct Dashes<'a> {
    text: &'a str,
    newline: &'a str,
    indent: String,
    entries: &'a [Range<usize>],
}

impl Dashes<'_> {
    fn is_emptied(&self, changed: &[(usize, Vec<&Binding>)]) -> bool {
        changed.len() == self.entries.len() && changed.iter().all(|(_, rest)| rest.is_empty())
    }

    fn form_of(&self, i: usize) -> Form {
        let entry = self.text[self.entries[i].clone()].trim_start();
        match entry.strip_prefix('-').is_some_and(|entry| entry.trim_start().starts_with('{')) {
            true => Form::Line,
            false => Form::Lines,
        }
    }

    /// What is left of an entry, with its comments if anything is.
    fn rewritten(&self, i: usize, rest: &[&Binding]) -> String {
        if rest.is_empty() {
            return String::new();
        }
        let entry = &self.text[self.entries[i].clone()];
        let mut written = self.written(rest.iter().copied(), self.form_of(i));
        let comments = comments(entry);
        if entry.trim_end().contains('\n') {
            // They stood between the lines, which are others now.
            let above: String =
                comments.iter().map(|comment| format!("{}{comment}{}", self.indent, self.newline)).collect();
            written.insert_str(0, &above);
        } else if let ([comment], Some(at)) = (comments.as_slice(), written.find(self.newline)) {
            written.insert_str(at, &format!("  {comment}"));
        }
        if !entry.ends_with('\n') {
            written.truncate(written.trim_end().len());
        }
        written
    }

    /// New entries, each with the end of its last line.
    fn written<'a>(&self, bindings: impl IntoIterator<Item = &'a Binding>, form: Form) -> String {
        let Dashes { newline, indent, .. } = self;
        let between = format!("{newline}{indent}  ");
        entries(bindings)
            .iter()
            .map(|entry| {
                format!(
                    "{indent}- {}{newline}",
                    entry.written(form).split('\n').collect::<Vec<_>>().join(&between)
                )
            })
            .collect()
    }
}

/// A list in brackets.
struct Brackets<'a> {
    text: &'a str,
    newline: &'a str,
    list: Range<usize>,
    entries: &'a [Range<usize>],
    commas: &'a [usize],
}

impl Brackets<'_> {
    fn edit(&self, changed: &[(usize, Vec<&Binding>)], added: &[Binding], edits: &mut Edits<'_>) {
        let form = if is_json(self.text) { Form::Json } else { Form::Element };
        let separator = self.separator();
        let written = |bindings: &mut dyn Iterator<Item = &Binding>| {
            let written: Vec<String> = entries(bindings).iter().map(|entry| entry.written(form)).collect();
            written.join(&format!(",{separator}"))
        };
        let mut kept = vec![true; self.entries.len()];
        for (i, rest) in changed {
            kept[*i] = !rest.is_empty();
            if kept[*i] {
                edits.replace(self.entries[*i].clone(), written(&mut rest.iter().copied()));
            }
        }
        let last_kept = kept.iter().rposition(|kept| *kept);
        for i in (0..self.entries.len()).filter(|i| !kept[*i]) {
            // With the comma behind it, and the blanks up to what follows.
            let end = self.commas.get(i).map_or(self.entries[i].end, |comma| comma + 1);
            edits.replace(self.whole_lines(self.entries[i].start..end), String::new());
        }
        // A comma in front of nothing is no JSON.
        let has_final_comma = self.commas.len() == self.entries.len();
        if let Some(last) = last_kept
            && last + 1 < self.entries.len()
            && !has_final_comma
        {
            let behind = &self.text[self.commas[last] + 1..];
            let blanks = behind.len() - behind.trim_start_matches(' ').len();
            // A comment needs its blank.
            let blanks = if behind[blanks..].starts_with('#') { 0 } else { blanks };
            edits.replace(self.commas[last]..self.commas[last] + 1 + blanks, String::new());
        }
        if added.is_empty() {
            return;
        }
        let new = written(&mut added.iter());
        match last_kept {
            Some(last) => {
                let at = self.entries[last].end;
                edits.replace(at..at, format!(",{separator}{new}"));
            }
            None => edits.replace(self.list.start + 1..self.list.start + 1, format!("{separator}{new}")),
        }
    }

    /// What stands between two entries.
    fn separator(&self) -> String {
        let Some(first) = self.entries.first() else { return self.newline.to_owned() };
        let line = self.text[..first.start].rfind('\n').map_or(0, |at| at + 1);
        let before = &self.text[line..first.start];
        match before.trim().is_empty() && line > self.list.start {
            true => format!("{}{before}", self.newline),
            false => " ".to_owned(),
        }
    }

    /// The range, or all of its lines when nothing else stands on them, or up to the next entry.
    fn whole_lines(&self, range: Range<usize>) -> Range<usize> {
        let line = self.text[..range.start].rfind('\n').map_or(0, |at| at + 1);
        let rest = &self.text[range.end..];
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '\r']).len();
        let ends_line = rest[blanks..].starts_with('\n');
        if ends_line && self.text[line..range.start].trim().is_empty() && line > self.list.start {
            return line..range.end + blanks + 1;
        }
        range.start..range.end + if ends_line { 0 } else { blanks }
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

#[cfg(test)]
mod tests;
