//! The account on the terminal: numbered steps, labelled rows, colours only where somebody sees them.

use std::fmt::Display;
use std::io::IsTerminal;

/// Prints; holds what must be known for it.
pub(crate) struct Printer {
    colours: bool,
    step: usize,
}

const BOLD: &str = "1";
const DIM: &str = "2";

/// Columns of a line, and of a row's label.
const WIDTH: usize = 110;
const LABEL: usize = 12;

impl Printer {
    /// Colours on a terminal, unless NO_COLOR says otherwise (<https://no-color.org>).
    pub(crate) fn new() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { colours: wanted && std::io::stdout().is_terminal(), step: 0 }
    }

    /// A title on a line of its own.
    pub(crate) fn title(&self, text: &str) {
        println!("{}\n", self.paint(BOLD, text));
    }

    /// The next numbered step.
    pub(crate) fn step(&mut self, text: &str) {
        self.step += 1;
        println!("\n{}", self.paint(BOLD, &format!("{}  {text}", self.step)));
    }

    /// A step's row: what it is, and the thing itself, which goes on below when it is long.
    pub(crate) fn row(&self, label: &str, value: impl Display) {
        let mut label = label;
        for line in wrapped(&value.to_string(), WIDTH - LABEL - 5) {
            println!("   {}  {line}", self.paint(DIM, &format!("{label:<LABEL$}")));
            label = "";
        }
    }

    /// A heading of no step.
    pub(crate) fn heading(&self, text: &str) {
        println!("\n{}", self.paint(BOLD, text));
    }

    /// A command to copy, on a line of its own, so that it can be marked whole.
    pub(crate) fn command(&self, what: &str, command: &str) {
        println!("   {}\n      {command}", self.paint(DIM, what));
    }

    /// A plain line, indented as the rows are.
    pub(crate) fn line(&self, value: impl Display) {
        println!("   {value}");
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
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
