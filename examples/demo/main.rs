//! Doorkeeper at work, with nothing else installed: three plaintext brokers, a doorkeeper in front of each, and
//! an account of who gets in.
//!
//! ```text
//! cargo run --example demo              stays up until Ctrl-C
//! cargo run --example demo -- --once    ends after the account; fails if anything went otherwise
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

use account::Account;
use cluster::Program;
use doorkeepers::Doorkeepers;
use pki::Authority;
use print::Printer;
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
        Some("acls") => return doorkeeper::cli::main(),
        _ => {}
    }
    let once = match arguments.as_slice() {
        [] => false,
        [only] if only == "--once" => true,
        _ => {
            eprintln!("usage: cargo run --example demo [-- --once]");
            return ExitCode::from(2);
        }
    };
    match demo(once) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\ndemo: {error}");
            ExitCode::FAILURE
        }
    }
}

fn demo(once: bool) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut printer = Printer::new();
    printer.title("Doorkeeper: mutual TLS and ACLs in front of a Kafka that has neither");

    let program = Program::find();
    let first = !program.is_built();
    if first {
        printer.line("building librdkafka's mock cluster, this once; it takes about a minute ...");
    }
    let start = Instant::now();
    program.build()?;
    if first {
        printer.line(format!("built in {:.0} s\n", start.elapsed().as_secs_f64()));
    }

    let start = Instant::now();
    let cluster = program.start(&["orders:3", "payroll:1"])?;
    let folder = Folder::create()?;
    let authority = Authority::new("Doorkeeper demo CA")?;
    authority.write(&folder.0)?;
    authority.sign("server")?.write(&folder.0, "server")?;
    let [alice, bob] = [authority.sign("alice")?, authority.sign("bob")?];
    alice.write(&folder.0, "alice")?;
    bob.write(&folder.0, "bob")?;
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
    printer.row("topics", "orders, of three partitions, and payroll");
    printer.row("files", format!("{}: configuration, ACLs, certificates, logs", folder.0.display()));

    let mut account = Account::new(&mut printer, &doorkeepers);
    let told = runtime.block_on(async {
        tokio::select! {
            told = account.tell(authority.certificate(), &alice, &bob) => told,
            ended = until_told_to_end() => Err(ended.map_or_else(Into::into, |()| "told to end".into())),
        }
    });
    told.map_err(|error| format!("{error}\n{}", doorkeepers.last_words()))?;
    println!();
    printer.line(format!("All as it should be, in {:.1} s.", start.elapsed().as_secs_f64()));

    if !once {
        by_hand::print_commands(&printer, &folder.0, &doorkeepers);
        println!();
        printer.line("Up until Ctrl-C; the files go with it.");
        runtime.block_on(until_told_to_end())?;
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
