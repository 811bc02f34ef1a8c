//! How commands say what they found: as text for people, coloured where a terminal shows it, or as JSON for programs.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::ValueEnum;
use serde::Serialize;

use super::{BAD_CONFIGURATION, print, refuse};
use crate::model::acl::Binding;
use crate::process::config::{Fault, Faults};

/// What a command prints, and how.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct Output {
    /// What is printed: text for people, or one JSON object on standard output, whatever comes of it.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    format: Format,
    /// Whether the words that matter have colours: on a terminal, unless NO_COLOR is set or CLICOLOR is 0; always; or never.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    color: Color,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

impl Output {
    /// Whether it is JSON.
    pub(super) fn is_json(self) -> bool {
        self.format == Format::Json
    }

    /// The colours on standard output.
    pub(super) fn paint(self) -> Paint {
        self.paint_on(io::stdout().is_terminal())
    }

    /// The colours on standard error.
    pub(super) fn paint_error(self) -> Paint {
        self.paint_on(io::stderr().is_terminal())
    }

    fn paint_on(self, is_terminal: bool) -> Paint {
        Paint(is_coloured(self.color, is_terminal, |name| {
            env::var(name).ok().filter(|value| !value.is_empty())
        }))
    }

    /// Says in either form that a command has no answer: the configuration is wrong.
    pub(super) fn refuse(self, faults: &Faults) -> ExitCode {
        match self.is_json() {
            true => refuse_in_json(faults),
            false => refuse(faults),
        }
    }

    /// Says in either form that a command has no answer, and why.
    pub(super) fn fail(self, why: &str) -> ExitCode {
        match self.is_json() {
            true => fail_in_json(why),
            false => {
                drop(writeln!(io::stderr().lock(), "{why}"));
                ExitCode::FAILURE
            }
        }
    }
}

/// Whether there are colours: what is asked for first, then <https://no-color.org> and <https://bixense.com/clicolors>.
fn is_coloured(color: Color, is_terminal: bool, variable: impl Fn(&str) -> Option<String>) -> bool {
    let is_on = |name| variable(name).is_some_and(|value| value != "0");
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if variable("NO_COLOR").is_some() => false,
        Color::Auto if is_on("CLICOLOR_FORCE") => true,
        Color::Auto if variable("CLICOLOR").as_deref() == Some("0") => false,
        Color::Auto => is_terminal && variable("TERM").as_deref() != Some("dumb"),
    }
}

/// Colours, or none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint(bool);

impl Paint {
    /// As it should be.
    pub(super) fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    /// As it should not be.
    pub(super) fn bad(self, text: &str) -> String {
        self.with("31", text)
    }

    /// To be looked at.
    pub(super) fn doubtful(self, text: &str) -> String {
        self.with("33", text)
    }

    fn with(self, color: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{color}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Says in JSON that the configuration is wrong.
pub(super) fn refuse_in_json(faults: &Faults) -> ExitCode {
    let faults = faults.0.iter().map(FaultShown::from).collect();
    print_json(&Failure { error: "the configuration is wrong", faults });
    ExitCode::from(BAD_CONFIGURATION)
}

/// Says in JSON why a command has no answer.
pub(super) fn fail_in_json(why: &str) -> ExitCode {
    print_json(&Failure { error: why, faults: Vec::new() });
    ExitCode::FAILURE
}

/// Prints one JSON object, for people who look at it too.
pub(super) fn print_json(value: &impl Serialize) -> ExitCode {
    match serde_json::to_string_pretty(value) {
        Ok(text) => print(&(text + "\n")),
        Err(error) => {
            drop(writeln!(io::stderr().lock(), "{error}"));
            ExitCode::FAILURE
        }
    }
}

#[derive(Serialize)]
struct Failure<'a> {
    error: &'a str,
    faults: Vec<FaultShown>,
}

/// A fault or a warning in JSON.
#[derive(Debug, Serialize)]
pub(super) struct FaultShown {
    file: String,
    line: Option<usize>,
    column: Option<usize>,
    message: String,
}

impl From<&Fault> for FaultShown {
    fn from(fault: &Fault) -> Self {
        Self {
            file: fault.file.display().to_string(),
            line: fault.place.map(|place| place.line),
            column: fault.place.map(|place| place.column),
            message: fault.message.clone(),
        }
    }
}

/// A binding in JSON, in the words of Kafka's `AclBinding`.
#[derive(Debug, Serialize)]
pub(super) struct BindingShown<'a> {
    principal: &'a str,
    host: &'a str,
    resource_type: &'static str,
    resource_name: &'a str,
    pattern_type: &'static str,
    operation: &'static str,
    permission_type: &'static str,
}

impl<'a> From<&'a Binding> for BindingShown<'a> {
    fn from(binding: &'a Binding) -> Self {
        Self {
            principal: &binding.principal,
            host: &binding.host,
            resource_type: binding.resource_type.constant(),
            resource_name: &binding.resource_name,
            pattern_type: binding.pattern_type.constant(),
            operation: binding.operation.constant(),
            permission_type: binding.permission.constant(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_wins_over_what_the_environment_says() {
        for (color, is_terminal, set, expected) in [
            (Color::Auto, true, &[][..], true),
            (Color::Auto, false, &[], false),
            (Color::Auto, true, &[("NO_COLOR", "1")], false),
            (Color::Auto, true, &[("CLICOLOR", "0")], false),
            (Color::Auto, true, &[("CLICOLOR", "1")], true),
            (Color::Auto, false, &[("CLICOLOR", "1")], false),
            (Color::Auto, false, &[("CLICOLOR_FORCE", "1")], true),
            (Color::Auto, false, &[("CLICOLOR_FORCE", "0")], false),
            (Color::Auto, true, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
            (Color::Auto, true, &[("TERM", "dumb")], false),
            (Color::Always, false, &[("NO_COLOR", "1")], true),
            (Color::Never, true, &[("CLICOLOR_FORCE", "1")], false),
        ] {
            let variable = |name: &str| {
                set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(
                is_coloured(color, is_terminal, variable),
                expected,
                "{color:?} {is_terminal} {set:?}"
            );
        }
    }
}
