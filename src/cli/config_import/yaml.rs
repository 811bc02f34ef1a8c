//! YAML that is written line by line, with what is left to do.

/// The text so far.
#[derive(Default)]
pub(super) struct Text {
    pub(super) yaml: String,
    /// What somebody has to do before it is right, in the order in which it came up, each once.
    todo: Vec<String>,
    /// What was not taken over, and why, by line of the other file.
    pub(super) not_taken: Vec<(usize, String)>,
}

impl Text {
    /// A line, so many levels deep.
    pub(super) fn line(&mut self, depth: usize, text: &str) {
        self.yaml.push_str(&"  ".repeat(depth));
        self.yaml.push_str(text);
        self.yaml.push('\n');
    }

    /// Something to do.
    pub(super) fn todo(&mut self, what: impl Into<String>) {
        let what = what.into();
        if !self.todo.contains(&what) {
            self.todo.push(what);
        }
    }

    /// Something that is not taken over, which stands in that line.
    pub(super) fn not_taken(&mut self, line: usize, what: impl Into<String>) {
        let what = what.into();
        if !self.not_taken.iter().any(|(other, said)| *other == line && *said == what) {
            self.not_taken.push((line, what));
        }
    }

    /// What is to be done, as comments.
    pub(super) fn todo_lines(&self) -> String {
        self.todo.iter().map(|what| format!("# - {}\n", plain(what))).collect()
    }
}

/// A text in double quotation marks, which YAML reads as JSON does.
pub(super) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// A list of texts in one line.
pub(super) fn list<T: AsRef<str>>(texts: &[T]) -> String {
    format!("[{}]", texts.iter().map(|text| quoted(text.as_ref())).collect::<Vec<_>>().join(", "))
}

/// A text for a comment, which ends with its line.
pub(super) fn plain(text: &str) -> String {
    crate::model::text::printable(text).to_string()
}
