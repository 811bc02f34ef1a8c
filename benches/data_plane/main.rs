//! The cost of the data plane: CPU and memory of doorkeeper, beside Envoy's TLS `tcp_proxy` in the same run.
//!
//! ```text
//! cargo bench --bench data_plane              about two minutes
//! cargo bench --bench data_plane -- --quick   does it work at all; the figures mean nothing
//! cargo bench --bench data_plane -- --instructions   doorkeeper's own instructions, counted by valgrind
//! ```
//!
//! Sink and load generator share this process and one core; each proxy is a process on the other core. Only the
//! proxy's own CPU time counts. `docs/performance.md` says how to read the table.

#[path = "../../examples/demo/pki.rs"]
mod pki;

mod frames;
mod instructions;
mod load;
mod measure;
mod proxies;
mod sink;

use load::{Client, Shape};
use pki::Authority;
use proxies::Proxy;
use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// What ends a run.
type Failure = Box<dyn std::error::Error + Send + Sync>;

const KIB: usize = 1024;
const GIB: f64 = (1_u64 << 30) as f64;

/// How much of everything.
struct Size {
    /// Rounds of each scenario at each proxy; their median counts.
    rounds: usize,
    /// Of every scenario's requests, one in so many is sent.
    one_in: usize,
}

const FULL: Size = Size { rounds: 5, one_in: 1 };
const QUICK: Size = Size { rounds: 1, one_in: 50 };

/// A scenario: its name, the frame that it sends, its shape, and how its CPU time is shared out.
struct Scenario {
    name: &'static str,
    frame: Vec<u8>,
    shape: Shape,
    per: Per,
}

enum Per {
    /// CPU seconds per GiB of frames, both ways together.
    Gibibyte,
    /// CPU microseconds per request.
    Request,
    /// CPU microseconds per connection that is made, asked one thing and closed.
    Connection,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Cargo says --bench when it benchmarks; it also runs this under `cargo test --all-targets`.
    if !arguments.iter().any(|argument| argument == "--bench") {
        println!("run by: cargo bench --bench data_plane");
        return ExitCode::SUCCESS;
    }
    let size = if arguments.iter().any(|argument| argument == "--quick") { QUICK } else { FULL };
    let counts = arguments.iter().any(|argument| argument == "--instructions");
    match bench(&size, counts) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("data_plane: {error}");
            ExitCode::FAILURE
        }
    }
}

fn bench(size: &Size, counts: bool) -> Result<(), Failure> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("data_plane-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    // Before the runtime starts its threads, which inherit the core.
    if !proxies::pin_self() {
        println!(
            "this machine has one core or no taskset: nothing is pinned, and the figures scatter more\n"
        );
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = tokio::task::LocalSet::new();
    let result = match counts {
        true => runtime.block_on(local.run_until(instructions::count(&folder))),
        false => runtime.block_on(local.run_until(scenarios(size, &folder))),
    };
    if result.is_err() {
        print_logs(&folder)?;
    }
    std::fs::remove_dir_all(&folder)?;
    result
}

/// The last lines of what the proxies said, for whoever wonders why a run failed.
fn print_logs(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            let text = std::fs::read_to_string(&path)?;
            let lines: Vec<&str> = text.lines().collect();
            eprintln!("{}:\n{}", path.display(), lines[lines.len().saturating_sub(20)..].join("\n"));
        }
    }
    Ok(())
}

async fn scenarios(size: &Size, folder: &Path) -> Result<(), Failure> {
    let authority = Authority::new("bench CA")?;
    authority.write(folder)?;
    authority.sign("server")?.write(folder, "server")?;
    let client = Client::new(&authority, &authority.sign("alice")?)?;
    let sink = sink::start(Rc::new(frames::Answers::new(256 * KIB)?)).await?;

    let mut proxies = vec![Proxy::doorkeeper(folder, sink, &[])?];
    match proxies::find_envoy(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("envoy")) {
        Ok(envoy) => proxies.push(Proxy::envoy(&envoy, folder, sink)?),
        Err(reason) => println!("no Envoy, hence no ratios: {reason}\n"),
    }
    heading(&proxies);

    // First, while the proxies' heaps are as small as they will ever be.
    let idle = 1000 / size.one_in;
    let mut kib = Vec::new();
    for proxy in &proxies {
        kib.push(vec![idle_kib(&client, proxy, idle).await?]);
    }
    row("idle connection", "KiB", &kib);
    let mut kib = Vec::new();
    for proxy in &proxies {
        kib.push(vec![busy_kib(&client, proxy, size).await?]);
    }
    row("busy connection", "KiB", &kib);

    for scenario in table(size)? {
        // Alternately, so that whatever else the machine does meets both.
        let mut rounds = vec![Vec::new(); proxies.len()];
        for _ in 0..size.rounds {
            for (proxy, rounds) in proxies.iter().zip(&mut rounds) {
                rounds.push(round(&client, proxy, &scenario).await?);
            }
        }
        row(scenario.name, scenario.per.unit(), &rounds);
    }
    Ok(())
}

fn table(size: &Size) -> Result<Vec<Scenario>, Failure> {
    let shape = |connections: usize, in_flight: usize, requests: usize| Shape {
        connections,
        in_flight,
        requests: (requests / size.one_in).max(connections),
    };
    Ok(vec![
        Scenario {
            name: "produce 64 KiB",
            frame: frames::produce(64 * KIB)?,
            shape: shape(4, 5, 16 * KIB),
            per: Per::Gibibyte,
        },
        Scenario {
            name: "fetch 256 KiB",
            frame: frames::fetch()?,
            shape: shape(4, 2, 4 * KIB),
            per: Per::Gibibyte,
        },
        Scenario {
            name: "produce 1 KiB",
            frame: frames::produce(KIB)?,
            shape: shape(16, 1, 80_000),
            per: Per::Request,
        },
        Scenario { name: "connect", frame: Vec::new(), shape: shape(2000, 0, 0), per: Per::Connection },
    ])
}

/// The cost of one round at one proxy, in the scenario's unit.
async fn round(client: &Client, proxy: &Proxy, scenario: &Scenario) -> Result<f64, Failure> {
    let process = proxy.process();
    if let Per::Connection = scenario.per {
        let before = measure::cpu_seconds(process)?;
        for _ in 0..scenario.shape.connections.div_ceil(10) {
            drop(load::open(client, proxy.address, 10, 4 * KIB).await?);
        }
        let used = measure::cpu_seconds(process)? - before;
        return Ok(used * 1e6 / scenario.shape.connections as f64);
    }
    let mut before = Ok(0.0);
    let started = || before = measure::cpu_seconds(process);
    let bytes = load::run(client, proxy.address, &scenario.frame, scenario.shape, started).await?;
    let used = measure::cpu_seconds(process)? - before?;
    Ok(match scenario.per {
        Per::Gibibyte => used * GIB / bytes as f64,
        Per::Request | Per::Connection => used * 1e6 / scenario.shape.requests as f64,
    })
}

/// Resident memory per connection that has said hello and is silent since.
async fn idle_kib(client: &Client, proxy: &Proxy, count: usize) -> Result<f64, Failure> {
    // What the first connections allocate once is not theirs.
    drop(load::open(client, proxy.address, 20, KIB).await?);
    let before = settled_kib(proxy).await?;
    let connections = load::open(client, proxy.address, count, KIB).await?;
    let after = settled_kib(proxy).await?;
    drop(connections);
    Ok((after - before) / count as f64)
}

/// The most resident memory per connection while all of them read long answers, one after the other.
async fn busy_kib(client: &Client, proxy: &Proxy, size: &Size) -> Result<f64, Failure> {
    let connections = 400 / size.one_in;
    let shape = Shape { connections, in_flight: 1, requests: 20 * connections };
    let frame = frames::fetch()?;
    let before = settled_kib(proxy).await?;
    let mut most = before;
    let load = load::run(client, proxy.address, &frame, shape, || ());
    tokio::pin!(load);
    loop {
        tokio::select! {
            done = &mut load => {
                done?;
                return Ok((most - before) / connections as f64);
            }
            () = tokio::time::sleep(Duration::from_millis(20)) => {
                most = most.max(measure::resident_kib(proxy.process())?);
            }
        }
    }
}

/// Resident memory once it stands still, at most after five seconds.
async fn settled_kib(proxy: &Proxy) -> Result<f64, Failure> {
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut last = measure::resident_kib(proxy.process())?;
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let now = measure::resident_kib(proxy.process())?;
        if now == last || Instant::now() > deadline {
            return Ok(now);
        }
        last = now;
    }
}

impl Per {
    fn unit(&self) -> &'static str {
        match self {
            Self::Gibibyte => "CPU s/GiB",
            Self::Request => "CPU us/request",
            Self::Connection => "CPU us/connection",
        }
    }
}

fn heading(proxies: &[Proxy]) {
    print!("{:<16} {:<18}", "", "");
    for proxy in proxies {
        print!(" {:>11}", proxy.name);
    }
    println!("{}", if proxies.len() > 1 { "       ratio   of all rounds" } else { "" });
}

/// Prints the median of each proxy's rounds, and of the ratios of rounds that ran one after the other: what slows
/// the machine down for a while slows both.
fn row(name: &str, unit: &str, rounds: &[Vec<f64>]) {
    print!("{name:<16} {unit:<18}");
    for rounds in rounds {
        print!(" {:>11.3}", sorted(rounds)[rounds.len() / 2]);
    }
    if let [own, other] = rounds {
        let ratios: Vec<f64> = own.iter().zip(other).map(|(own, other)| own / other).collect();
        let ratios = sorted(&ratios);
        print!(" {:>11.2}", ratios[ratios.len() / 2]);
        if ratios.len() > 1 {
            print!("   {:.2} to {:.2}", ratios[0], ratios[ratios.len() - 1]);
        }
    }
    println!();
}

fn sorted(figures: &[f64]) -> Vec<f64> {
    let mut figures = figures.to_vec();
    figures.sort_by(f64::total_cmp);
    figures
}
