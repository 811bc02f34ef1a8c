//! A real Kafka in the place of the mock cluster: one broker, from Maven's jars, its storage in the demo's folder.

use crate::cluster::Cluster;
use crate::print::Printer;
use std::error::Error;
use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const VERSION: &str = "4.4.0";
/// Any 22 characters of a base64 UUID do.
const CLUSTER_ID: &str = "AAAAAAAAQACAAAAAAAAAAw";
/// The shell makes way for Kafka and leaves a watcher, which ends it when the demo, at the other end of standard input, is gone.
const WATCHED: &str =
    r#"exec 3<&0; (cat <&3 >/dev/null; kill -9 $$) 2>/dev/null & exec "$@" </dev/null 3<&-"#;
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Fetches the jars if need be, formats storage below `folder`, and starts the broker. It is not ready yet.
pub(crate) fn start(printer: &Printer, folder: &Path) -> Result<Cluster, Box<dyn Error>> {
    run(
        Command::new("java").arg("-version"),
        "--kafka needs Java 17 or newer (Debian: default-jdk-headless)",
    )?;
    let jars = jars(printer)?;
    let [broker, controller] = two_free_ports()?;
    let data = folder.join("kafka");
    std::fs::create_dir(&data)?;
    let properties = data.join("server.properties");
    std::fs::write(&properties, settings(broker, controller, &data.join("log")))?;

    let mut format = java(&jars);
    format
        .args(["kafka.tools.StorageTool", "format", "--cluster-id", CLUSTER_ID, "--config"])
        .arg(&properties);
    run(&mut format, "Kafka's storage cannot be formatted")?;
    let log = data.join("kafka.log");
    let output = File::create(&log)?;
    let kafka = java(&jars);
    let child = Command::new("sh")
        .args(["-c", WATCHED, "sh"])
        .arg(kafka.get_program())
        .args(kafka.get_args())
        .arg("kafka.Kafka")
        .arg(&properties)
        .stdin(Stdio::piped())
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()?;
    Ok(Cluster::of_process(child, vec![format!("127.0.0.1:{broker}")]).logging_to(log))
}

/// What any plaintext broker's file looks like: nothing in it is for doorkeeper.
fn settings(broker: u16, controller: u16, log: &Path) -> String {
    format!(
        "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@127.0.0.1:{controller}\n\
         listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{broker}\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
         controller.listener.names=CONTROLLER\nlog.dirs={}\n\
         offsets.topic.num.partitions=1\noffsets.topic.replication.factor=1\n\
         group.initial.rebalance.delay.ms=0\nlog.cleaner.dedupe.buffer.size=2097152\nauto.create.topics.enable=false\n",
        log.display()
    )
}

fn java(jars: &Path) -> Command {
    let mut java = Command::new("java");
    // A short life: what compiles and collects for the long run only costs.
    java.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx384m", "-cp"]).arg(jars.join("*"));
    let logging = Path::new(ROOT).join("tests/support/kafka/log4j2.xml");
    java.arg(format!("-Dlog4j2.configurationFile={}", logging.display()));
    java
}

/// The folder with the jars: the tests' own where they have run, or one that is filled once.
fn jars(printer: &Printer) -> Result<PathBuf, Box<dyn Error>> {
    let tests = Path::new(ROOT).join("target/kafka").join(VERSION);
    let own = Path::new(ROOT).join("target/demo-kafka").join(VERSION);
    if let Some(there) = [&tests, &own].into_iter().find(|folder| folder.exists()) {
        return Ok(there.clone());
    }
    printer.progress(format!("fetching Kafka {VERSION} with Maven, this once ..."));
    let new = own.with_extension(format!("{}.new", std::process::id()));
    std::fs::create_dir_all(&new)?;
    let mut maven = Command::new("mvn");
    maven.args(["-B", "-q", "-f"]).arg(Path::new(ROOT).join("tests/support/kafka/pom.xml"));
    maven.args([&format!("-Dkafka={VERSION}"), "-Dscala=2.13", "-Plog4j2", "-DincludeScope=runtime"]);
    maven.arg("org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies");
    maven.arg(format!("-DoutputDirectory={}", new.display()));
    let fetched =
        run(&mut maven, &format!("Kafka {VERSION} cannot be had; --kafka needs Maven (Debian: maven)"));
    // Only a whole folder gets the name by which it is found.
    let kept = fetched.and_then(|()| Ok(std::fs::rename(&new, &own)?));
    if kept.is_err() {
        let _ = std::fs::remove_dir_all(&new);
    }
    kept.map(|()| own)
}

fn two_free_ports() -> std::io::Result<[u16; 2]> {
    let [one, other] =
        [TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?, TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?];
    Ok([one.local_addr()?.port(), other.local_addr()?.port()])
}

fn run(command: &mut Command, trouble: &str) -> Result<(), Box<dyn Error>> {
    let output = command.output().map_err(|error| format!("{trouble}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(format!("{trouble}:\n{}", String::from_utf8_lossy(&said)).into())
}
