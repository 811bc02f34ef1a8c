//! The account on the terminal: numbered steps, labelled rows, colours only where somebody sees them.

use crate::recording::Recording;
use std::fmt::Display;
use std::io::{IsTerminal, Write};

/// Prints; holds what must be known for it.
pub(crate) struct Printer {
    colours: bool,
    step: usize,
    recording: Option<Recording>,
}

/// How a piece of text looks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    /// Titles.
    Bold,
    /// Labels.
    Dim,
    /// What was allowed.
    Allowed,
    /// What was refused.
    Refused,
    /// What nobody would want to be allowed.
    Alarming,
}

impl Style {
    /// The numbers of the terminal's escape sequence (ECMA-48, SGR).
    fn sgr(self) -> &'static str {
        match self {
            Style::Plain => "0",
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Allowed => "32",
            Style::Refused => "31",
            Style::Alarming => "1;33",
        }
    }
}

/// Columns of a line, and of a row's label.
pub(crate) const WIDTH: usize = 110;
const LABEL: usize = 12;

impl Printer {
    /// Colours on a terminal, unless NO_COLOR says otherwise (<https://no-color.org>).
    pub(crate) fn new(recording: Option<Recording>) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { colours: wanted && std::io::stdout().is_terminal(), step: 0, recording }
    }

    /// Ends the recording, if there is one, and writes it.
    pub(crate) fn finish(&mut self) -> std::io::Result<()> {
        self.recording.take().map_or(Ok(()), Recording::write)
    }

    /// A title on a line of its own.
    pub(crate) fn title(&mut self, text: &str) {
        self.put(&[(Style::Bold, text)]);
    }

    /// The next numbered step.
    pub(crate) fn step(&mut self, text: &str) {
        self.step += 1;
        self.heading(&format!("{}  {text}", self.step));
    }

    /// A step's row: what it is, and the thing itself, which goes on below when it is long.
    pub(crate) fn row(&mut self, label: &str, value: impl Display) {
        self.styled(label, Style::Plain, &value.to_string());
    }

    /// A row that says how something ended.
    pub(crate) fn styled(&mut self, label: &str, style: Style, value: &str) {
        let mut label = label;
        for line in value.lines().flat_map(|line| wrapped(line, WIDTH - LABEL - 5)) {
            self.put(&[
                (Style::Plain, "   "),
                (Style::Dim, &format!("{label:<LABEL$}")),
                (Style::Plain, "  "),
                (style, &line),
            ]);
            label = "";
        }
    }

    /// A heading of no step.
    pub(crate) fn heading(&mut self, text: &str) {
        self.put(&[]);
        self.put(&[(Style::Bold, text)]);
    }

    /// A command to copy, on a line of its own, so that it can be marked whole.
    pub(crate) fn command(&mut self, what: &str, command: &str) {
        self.put(&[(Style::Plain, "   "), (Style::Dim, what)]);
        self.put(&[(Style::Plain, "      "), (Style::Plain, command)]);
    }

    /// A line of what is going on that is not part of the account.
    pub(crate) fn progress(&self, value: impl Display) {
        println!("   {value}");
    }

    fn put(&mut self, pieces: &[(Style, &str)]) {
        let mut line = String::new();
        for (style, text) in pieces {
            if self.colours && *style != Style::Plain {
                line += &format!("\x1b[{}m{text}\x1b[0m", style.sgr());
            } else {
                line += text;
            }
        }
        println!("{}", line.trim_end());
        // Into a pipe the lines would come in one piece at the end.
        let _ = std::io::stdout().flush();
        if let Some(recording) = &mut self.recording {
            recording.line(pieces);
        }
    }
}

/// Breaks a text between its words into lines of at most `width` characters, unless a word is longer.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
