//! The command line.

mod acls;
mod certs;
mod check;
mod config_import;
mod explain;
mod healthcheck;
mod init;
mod output;
mod shell;
mod users;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser, Subcommand};

use crate::process::acl_store::file::acls_schema;
use crate::process::config::schema::{config_schema, printed};
use crate::process::config::{Config, Faults, LogFormat, reference};
use crate::process::telemetry::failure_line;
use crate::process::{allocator, proxy, startup};

use output::Output;

/// The configuration is wrong (`EX_CONFIG` of sysexits.h).
const BAD_CONFIGURATION: u8 = 78;

/// Names the configuration file where `--config` does not: an image sets it once for every command.
const CONFIG_VARIABLE: &str = "DOORKEEPER_CONFIG";

/// The version, and the commit that this was built from where that is known.
const VERSION: &str = match option_env!("DOORKEEPER_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

/// What `config example` prints.
const EXAMPLE: &str = include_str!("../deploy/doorkeeper.yaml");

/// A transparent TLS and ACL sidecar proxy for Apache Kafka.
#[derive(Debug, Parser)]
#[command(
    name = "doorkeeper",
    version = VERSION,
    after_help = "Exit codes: 0 success; 1 failure at run time, not well (healthcheck), or access denied (acls explain); \
                  2 wrong usage; 78 bad configuration."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Stand in front of the broker.
    Run {
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Validate everything that `run` would load, and say all that is wrong with it.
    Check {
        #[command(flatten)]
        config: ConfigFile,
        /// The certificate of a client, in PEM, with its issuers' behind it: say who it is, and whether it would be let in.
        /// Exits with 1 if no listener lets it in.
        #[arg(long, value_name = "FILE", alias = "certificate")]
        client: Option<PathBuf>,
        #[command(flatten)]
        output: Output,
    },
    /// Make a whole setup in a folder: an authority, certificates, doorkeeper.yaml, acls.yaml, and what each client needs.
    Init(init::Setup),
    /// Make certificates, renew them, and look into them.
    #[command(subcommand)]
    Certs(certs::CertsCommand),
    /// Ask a running doorkeeper whether it is well. Exits with 0 if it is, with 1 if not or if no answer comes.
    Healthcheck(healthcheck::Probe),
    /// Look into the bindings, and move them.
    #[command(subcommand)]
    Acls(AclsCommand),
    /// Say who logs in by SCRAM and PLAIN.
    #[command(subcommand)]
    Users(users::UsersCommand),
    /// Describe the configuration file.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print completions of this command line for a shell.
    Completions(shell::Completions),
    /// Print the manual page, or write those of all commands into a folder.
    Man(shell::Pages),
    /// Print the version.
    Version,
}

#[derive(Debug, clap::Args)]
struct ConfigFile {
    /// The configuration file.
    #[arg(short = 'c', long = "config", value_name = "FILE", env = CONFIG_VARIABLE)]
    path: PathBuf,
}

#[derive(Debug, Subcommand)]
enum AclsCommand {
    /// Say whether a principal may do something, and which binding decides that. Exits with 0 if it may, with 1 if
    /// it may not.
    Explain(explain::Question),
    /// Add bindings from elsewhere to those that the configuration names; those that are there already stay.
    Import(acls::Import),
    /// Print the bindings that the configuration names.
    #[command(visible_alias = "list")]
    Export(acls::Export),
    /// Print the JSON Schema of the ACL file.
    Schema,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print the JSON Schema of the configuration file.
    Schema,
    /// Print a table of all keys, in Markdown.
    Reference,
    /// Print an example.
    Example,
    /// Turn a broker's server.properties into a configuration, with comments about what could not be taken over.
    Import(config_import::Import),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help goes to standard output and is no error.
            drop(error.print());
            if let Some(hint) = hint(&error) {
                drop(writeln!(std::io::stderr().lock(), "\n{hint}"));
            }
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match arguments.command {
        Command::Run { config } => run(&config.path),
        Command::Check { config, client, output } => {
            check::check(&config.path, client.as_deref(), output, SystemTime::now())
        }
        Command::Init(setup) => init::init(&setup, SystemTime::now()),
        Command::Certs(command) => certs::certs(&command, SystemTime::now()),
        Command::Healthcheck(probe) => healthcheck::healthcheck(&probe),
        Command::Acls(AclsCommand::Explain(question)) => explain::explain(&question),
        Command::Acls(AclsCommand::Import(import)) => acls::import(&import),
        Command::Acls(AclsCommand::Export(export)) => acls::export(&export),
        Command::Acls(AclsCommand::Schema) => print(&printed(&acls_schema())),
        Command::Users(command) => users::users(&command),
        Command::Config(ConfigCommand::Schema) => print(&printed(&config_schema())),
        Command::Config(ConfigCommand::Reference) => print(&reference::markdown(config_schema().as_value())),
        Command::Config(ConfigCommand::Example) => print(EXAMPLE),
        Command::Config(ConfigCommand::Import(asked)) => config_import::import(&asked),
        Command::Completions(asked) => shell::completions(&asked),
        Command::Man(asked) => shell::manual(&asked),
        Command::Version => print(&format!("doorkeeper {VERSION}\n")),
    }
}

/// What somebody meant who names the configuration file without its option, or a command without the one that it belongs to.
fn hint(error: &clap::Error) -> Option<String> {
    if let Some(ContextValue::String(name)) = error.get(ContextKind::InvalidSubcommand) {
        let whole = belonging(name);
        return (!whole.is_empty()).then(|| format!("It belongs to another command: {}", whole.join(" or ")));
    }
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else { return None };
    let is_file = argument.ends_with(".yaml") || argument.ends_with(".yml") || Path::new(argument).is_file();
    (error.kind() == ErrorKind::UnknownArgument && is_file)
        .then(|| format!("The configuration file has an option before it: --config {argument}"))
}

/// The commands that have one of this name.
fn belonging(name: &str) -> Vec<String> {
    let known = Arguments::command();
    let has = |command: &&clap::Command| {
        command
            .get_subcommands()
            .any(|one| one.get_name() == name || one.get_all_aliases().any(|alias| alias == name))
    };
    known
        .get_subcommands()
        .filter(has)
        .map(|command| format!("doorkeeper {} {name}", command.get_name()))
        .collect()
}

fn run(path: &Path) -> ExitCode {
    allocator::give_back_memory();
    match startup::load(path, SystemTime::now()) {
        Ok(ready) => proxy::run(ready),
        Err(faults) => {
            let (config, _) = Config::examine(path);
            let format = config.map_or(LogFormat::Text, |config| config.log.format);
            for fault in &faults.0 {
                let line = failure_line(&fault.to_string(), format, SystemTime::now());
                drop(std::io::stderr().lock().write_all(line.as_bytes()));
            }
            ExitCode::from(BAD_CONFIGURATION)
        }
    }
}

/// Says what is wrong with the configuration.
fn refuse(faults: &Faults) -> ExitCode {
    drop(writeln!(std::io::stderr().lock(), "{faults}"));
    ExitCode::from(BAD_CONFIGURATION)
}

/// Prints a result; a reader that has gone away, as in `… | head`, is no failure.
fn print(text: &str) -> ExitCode {
    drop(std::io::stdout().lock().write_all(text.as_bytes()));
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The words of a command, with quotation marks as a shell takes them.
    fn words(command: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut quote = None;
        for c in command.trim().chars() {
            match (c, quote) {
                ('"' | '\'', None) => quote = Some(c),
                (c, Some(open)) if c == open => quote = None,
                (' ', None) => words.push(String::new()),
                (c, _) => words.last_mut().unwrap().push(c),
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    /// Each line of each block, continued lines as one, without the text around it.
    fn lines_of_blocks(page: &str) -> Vec<String> {
        let page = page.replace("\\\n", " ");
        let mut is_in_block = false;
        let lines = page.lines().map(str::trim).filter(|line| {
            let is_mark = line.starts_with("```");
            is_in_block ^= is_mark;
            is_in_block && !is_mark
        });
        lines.map(str::to_owned).collect()
    }

    /// What a reader copies is understood, whatever the files are that it names.
    #[test]
    fn every_command_in_the_pages_is_one() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut pages = vec![
            root.join("README.md"),
            root.join("deploy/README.md"),
            root.join("helm/doorkeeper/README.md"),
        ];
        pages.extend(fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path()));
        pages.retain(|page| page.extension().is_some_and(|extension| extension == "md"));
        let mut seen = 0;
        for page in pages {
            for line in lines_of_blocks(&fs::read_to_string(&page).unwrap()) {
                let line = line.split(" #").next().unwrap_or_default();
                for command in line.split(['|', ';', '&']).map(|part| part.trim().trim_start_matches("$ ")) {
                    let command = command.split('>').next().unwrap_or_default();
                    if !command.starts_with("doorkeeper ") {
                        continue;
                    }
                    seen += 1;
                    let parsed = Arguments::try_parse_from(words(command));
                    let error = parsed.err().map(|error| error.to_string()).unwrap_or_default();
                    assert_eq!(error, "", "{}: {command}", page.display());
                }
            }
        }
        assert!(seen >= 14, "only {seen} commands were found");
    }
}
