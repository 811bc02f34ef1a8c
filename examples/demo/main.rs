//! Doorkeeper at work, with nothing else installed: three plaintext brokers, a doorkeeper in front of each, and
//! an account of who gets in.
//!
//! ```text
//! cargo run --example demo              stays up until Ctrl-C
//! cargo run --example demo -- --once    ends after the account; fails if anything went otherwise
//! cargo run --example demo -- --kafka   with a real Kafka, which needs Java and Maven
//! cargo run --example demo -- --once --record docs/demo.svg    makes the README's picture
//! ```

mod account;
mod by_hand;
mod client;
mod cluster;
mod doorkeepers;
mod frame;
mod kafka;
mod pki;
mod print;
mod real_kafka;
mod recording;

use account::Account;
use cluster::Program;
use doorkeepers::Doorkeepers;
use pki::Authority;
use print::Printer;
use recording::Recording;
use std::error::Error;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Each doorkeeper is this executable again, and so is whoever explains its ACLs: the library holds all commands.
    match arguments.first().map(String::as_str) {
        Some("run") => {
            std::thread::spawn(end_with_standard_input);
            return doorkeeper::cli::main();
        }
        Some("acls" | "check") => return doorkeeper::cli::main(),
        _ => {}
    }
    let Some(wanted) = Wanted::of(&arguments) else {
        eprintln!("usage: cargo run --example demo [-- [--once] [--kafka] [--record FILE.svg]]");
        return ExitCode::from(2);
    };
    match demo(&wanted) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\ndemo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What the command line asks for.
#[derive(Default)]
struct Wanted {
    once: bool,
    kafka: bool,
    record: Option<PathBuf>,
}

impl Wanted {
    fn of(arguments: &[String]) -> Option<Self> {
        let mut wanted = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--once" => wanted.once = true,
                "--kafka" => wanted.kafka = true,
                "--record" => wanted.record = Some(arguments.next()?.into()),
                _ => return None,
            }
        }
        Some(wanted)
    }
}

fn demo(wanted: &Wanted) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut printer = Printer::new(wanted.record.clone().map(Recording::new));
    printer.title("Doorkeeper: mutual TLS and ACLs in front of a Kafka that has neither");

    let folder = Folder::create()?;
    let program = Program::find();
    if !wanted.kafka {
        build(&program, &printer)?;
    }
    let start = Instant::now();
    let mut cluster = if wanted.kafka {
        let mut kafka = real_kafka::start(&printer, &folder.0)?;
        runtime.block_on(account::make_topics(&mut kafka, &TOPICS))?;
        kafka
    } else {
        program.start(&TOPICS.map(|(topic, partitions)| format!("{topic}:{partitions}")))?
    };
    let authority = Authority::new("Doorkeeper demo CA")?;
    authority.write(&folder.0)?;
    authority.sign("server")?.write(&folder.0, "server")?;
    let [alice, bob] = [authority.sign("alice")?, authority.sign("bob")?];
    alice.write(&folder.0, "alice")?;
    bob.write(&folder.0, "bob")?;

    runtime.block_on(account::without_doorkeeper(&mut printer, &cluster.brokers))?;

    printer.heading("A doorkeeper is put in front of each broker, which goes on as it is");
    let doorkeepers = Doorkeepers::start(&folder.0, &cluster.brokers)?;
    for name in ["alice", "bob"] {
        by_hand::write_client_files(&folder.0, name, &doorkeepers.bootstrap())?;
    }
    for (number, (broker, doorkeeper)) in (1..).zip(cluster.brokers.iter().zip(&doorkeepers.0)) {
        printer.row(
            &format!("broker {number}"),
            format!(
                "{broker:<15}  in plaintext  <---  doorkeeper {number}  {:<14}  mutual TLS",
                doorkeeper.address
            ),
        );
    }
    printer.row("files", format!("{}: configuration, ACLs, certificates, logs", folder.0.display()));

    let mut account = Account::new(&mut printer, &doorkeepers, &folder.0);
    let told = runtime.block_on(async {
        tokio::select! {
            told = account.tell(authority.certificate(), &alice, &bob) => told,
            ended = until_told_to_end() => Err(ended.map_or_else(Into::into, |()| "told to end".into())),
        }
    });
    told.map_err(|error| format!("{error}\n{}", doorkeepers.last_words()))?;
    if cluster.ended() {
        return Err("the brokers ended by themselves".into());
    }
    println!();
    printer.progress(format!("All as it should be, in {:.1} s.", start.elapsed().as_secs_f64()));
    printer.finish()?;

    if !wanted.once {
        by_hand::print_commands(&mut printer, &folder.0, &doorkeepers);
        println!();
        printer.progress("Up until Ctrl-C; the files go with it.");
        runtime.block_on(until_told_to_end())?;
    }
    Ok(())
}

/// The topics of the account, and how many partitions they have.
const TOPICS: [(&str, i32); 2] = [(account::TOPIC, 3), (account::HIDDEN, 1)];

fn build(program: &Program, printer: &Printer) -> Result<(), Box<dyn Error>> {
    let first = !program.is_built();
    if first {
        printer.progress("building librdkafka's mock cluster, this once; it takes about a minute ...");
    }
    let start = Instant::now();
    program.build()?;
    if first {
        printer.progress(format!("built in {:.0} s\n", start.elapsed().as_secs_f64()));
    }
    Ok(())
}

/// A folder of the demo's own, for its user alone (it holds private keys), deleted at the end.
struct Folder(PathBuf);

impl Folder {
    fn create() -> std::io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let path = std::env::temp_dir().join(format!("doorkeeper-demo-{}", std::process::id()));
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let path: &Path = &self.0;
        let _ = std::fs::remove_dir_all(path);
    }
}

async fn until_told_to_end() -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        done = tokio::signal::ctrl_c() => done,
        _ = terminate.recv() => Ok(()),
    }
}

/// Ends the process when whoever started it is gone.
fn end_with_standard_input() {
    let _ = std::io::stdin().lock().read_to_end(&mut Vec::new());
    std::process::exit(0);
}
