//! What a shell and `man` want to know of the command line, made from its definition.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::Arguments;

/// What `doorkeeper completions` is asked for.
#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    /// The shell that they are for.
    shell: Shell,
}

/// What `doorkeeper man` is asked for.
#[derive(Debug, clap::Args)]
pub(super) struct Pages {
    /// Write a page for each command into this folder, which is made if it is not there; without it the first page is
    /// printed.
    #[arg(long, value_name = "FOLDER")]
    directory: Option<PathBuf>,
}

/// Prints the completions for a shell.
pub(super) fn completions(asked: &Completions) -> ExitCode {
    let mut text = Vec::new();
    clap_complete::generate(asked.shell, &mut Arguments::command(), "doorkeeper", &mut text);
    super::print(&String::from_utf8_lossy(&text))
}

/// Prints the first page of the manual, or writes all of them.
pub(super) fn manual(asked: &Pages) -> ExitCode {
    match &asked.directory {
        None => first_page()
            .map_or_else(|error| failed("cannot write the manual", &error), |page| super::print(&page)),
        Some(folder) => match all_pages(folder) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&format!("cannot write the manual into {}", folder.display()), &error),
        },
    }
}

/// The command line without `help`, which every command has as it is.
fn documented() -> Command {
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    command
}

fn first_page() -> io::Result<String> {
    let mut page = Vec::new();
    Man::new(documented()).render(&mut page)?;
    // The only thing that stands below the options, in the section where manuals have it.
    Ok(String::from_utf8_lossy(&page).replace("\n.SH EXTRA\n", "\n.SH \"EXIT STATUS\"\n"))
}

fn all_pages(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    clap_mangen::generate_to(documented(), folder)?;
    std::fs::write(folder.join("doorkeeper.1"), first_page()?)
}

fn failed(what: &str, why: &io::Error) -> ExitCode {
    drop(writeln!(io::stderr().lock(), "doorkeeper man: {what}: {why}"));
    ExitCode::FAILURE
}
