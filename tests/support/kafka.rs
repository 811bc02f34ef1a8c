//! One version of Apache Kafka on disk: jars, message definitions, formatted storage, class data archive.

use super::process::Process;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

const DEFAULT_VERSION: &str = "4.4.0";
/// Any 22 characters of a base64 UUID do; a constant lets formatted storage be copied.
pub const CLUSTER_ID: &str = "AAAAAAAAQACAAAAAAAAAAg";
/// Short runs gain nothing from the optimising compiler and a parallel collector.
const QUICK_JVM: [&str; 2] = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];

/// The jars of one Kafka version, ready to run.
pub struct Kafka {
    /// As in Maven's coordinates: "4.4.0".
    pub version: String,
    jars: PathBuf,
}

impl Kafka {
    /// The version that this run tests against, from the variable DOORKEEPER_KAFKA; none, and a line that says so, where Java,
    /// Maven or the jars cannot be had.
    pub fn of_this_run() -> Option<&'static Kafka> {
        static KAFKA: OnceLock<Result<Kafka, String>> = OnceLock::new();
        let version = || std::env::var("DOORKEEPER_KAFKA").unwrap_or_else(|_| DEFAULT_VERSION.to_owned());
        match KAFKA.get_or_init(|| Kafka::of_version(&version())) {
            Ok(kafka) => Some(kafka),
            Err(why) => {
                super::skipped(&super::test_name(), why);
                None
            }
        }
    }

    /// Any other version, old ones included, or why it cannot be had.
    pub fn of_version(version: &str) -> Result<Kafka, String> {
        Kafka::fetch(version)
    }

    /// Whether its brokers keep their metadata in ZooKeeper: those that cannot do without, or not for everything yet.
    pub fn needs_zookeeper(&self) -> bool {
        !self.at_least(3, 3)
    }

    /// Whether this version is `major.minor` or newer.
    pub fn at_least(&self, major: u32, minor: u32) -> bool {
        let mut parts = self.version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (major, minor)
    }

    /// The folder with the message definitions of kafka-clients.
    pub fn messages(&self) -> PathBuf {
        self.jars.join("common/message")
    }

    /// Every jar, as the JVM's class path.
    pub fn class_path(&self) -> String {
        self.jars.join("*").display().to_string()
    }

    /// Arguments for `java` up to and without the main class, with a broker's log format.
    pub fn broker_arguments(&self) -> Vec<String> {
        let mut arguments: Vec<String> = QUICK_JVM.iter().map(ToString::to_string).collect();
        arguments.push("-Xmx128m".to_owned());
        arguments.push(self.logging("log4j"));
        arguments.extend(self.classes());
        arguments
    }

    /// The same for a client or a tool: warnings go to standard error.
    pub fn tool_arguments(&self) -> Vec<String> {
        let mut arguments: Vec<String> = QUICK_JVM.iter().map(ToString::to_string).collect();
        arguments.push("-Xmx256m".to_owned());
        arguments.push(self.logging("tools-log4j"));
        arguments.extend(self.classes());
        arguments
    }

    /// The class path, and what has been made of it beforehand.
    fn classes(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        if self.archive().exists() {
            arguments.push(format!("-XX:SharedArchiveFile={}", self.archive().display()));
        }
        arguments.extend(["-cp".to_owned(), self.class_path()]);
        arguments
    }

    /// Writes freshly formatted storage for the node `id` into `folder`.
    pub fn format_storage(&self, folder: &Path, id: usize) {
        copy_tree(&self.jars.join("formatted"), folder);
        let meta = format!("version=1\ncluster.id={CLUSTER_ID}\nnode.id={id}\n");
        std::fs::write(folder.join("meta.properties"), meta).unwrap();
    }

    fn fetch(version: &str) -> Result<Kafka, String> {
        // Tests run side by side: one fetches a version, the others find it.
        static FETCHING: Mutex<()> = Mutex::new(());
        let _one = FETCHING.lock().unwrap_or_else(PoisonError::into_inner);
        run(Command::new("java").arg("-version"), "Java")?;
        let made = |jars: &Path| Kafka { version: version.to_owned(), jars: jars.to_owned() };
        let kafka = made(&whole_folder(version, |new| made(new).make())?);
        if !kafka.archive().exists() && !kafka.needs_zookeeper() {
            kafka.make_archive();
        }
        Ok(kafka)
    }

    fn make(&self) -> Result<(), String> {
        let mut choices = vec![format!("-Dscala={}", self.scala())];
        if self.at_least(4, 0) {
            choices.push("-Plog4j2".to_owned());
        } else if !self.at_least(1, 0) {
            choices.push("-Pjaxb".to_owned());
        }
        if let Some(zookeeper) = self.other_zookeeper() {
            choices.extend(["-Pzookeeper".to_owned(), format!("-Dzookeeper={zookeeper}")]);
        }
        copy_dependencies(&support_file("kafka/pom.xml"), &self.version, &choices, &self.jars)?;
        if self.needs_zookeeper() {
            return Ok(());
        }
        let clients = self.jars.join(format!("kafka-clients-{}.jar", self.version));
        run(Command::new("jar").current_dir(&self.jars).arg("xf").arg(clients).arg("common/message"), "jar")?;
        self.make_formatted()
    }

    /// The newest Scala that this version was published for.
    fn scala(&self) -> &'static str {
        match (self.at_least(0, 11), self.at_least(2, 4)) {
            (false, _) => "2.11",
            (true, false) => "2.12",
            (true, true) => "2.13",
        }
    }

    /// The ZooKeeper in the place of 3.4.13, which does not work with newer Javas.
    fn other_zookeeper(&self) -> Option<&'static str> {
        (self.at_least(2, 0) && !self.at_least(2, 4)).then_some("3.4.12")
    }

    /// Formatting takes a second of JVM for a few hundred bytes that are always the same: done once, copied from then on.
    fn make_formatted(&self) -> Result<(), String> {
        let formatted = self.jars.join("formatted");
        let properties = self.jars.join("format.properties");
        let settings = format!(
            "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@127.0.0.1:1\n\
             listeners=PLAINTEXT://127.0.0.1:2,CONTROLLER://127.0.0.1:1\ncontroller.listener.names=CONTROLLER\n\
             listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\nlog.dirs={}\n",
            formatted.display()
        );
        std::fs::write(&properties, settings).map_err(|error| error.to_string())?;
        let mut format = Command::new("java");
        format.args(self.tool_arguments()).arg("kafka.tools.StorageTool");
        format.args(["format", "-t", CLUSTER_ID, "-c"]).arg(&properties);
        run(&mut format, "kafka.tools.StorageTool")?;
        std::fs::remove_file(formatted.join("meta.properties")).map_err(|error| error.to_string())
    }

    fn archive(&self) -> PathBuf {
        self.jars.with_file_name(format!("{}.jsa", self.version))
    }

    /// A class data archive halves the start of every later broker and spares tools a third. Nothing depends on it, so it may fail.
    fn make_archive(&self) {
        let folder = scratch("archive");
        let partial = folder.join("archive.jsa");
        let mut arguments =
            vec![format!("-XX:ArchiveClassesAtExit={}", partial.display()), "-Xlog:disable".to_owned()];
        arguments.extend(self.broker_arguments());
        let mut broker = super::cluster::single_node(self, &folder, &arguments);
        broker.process.terminate();
        broker.process.wait(Duration::from_secs(60));
        let _ = std::fs::rename(&partial, self.archive());
        let _ = std::fs::remove_dir_all(&folder);
    }

    fn logging(&self, prefix: &str) -> String {
        let (key, file) = if self.at_least(4, 0) {
            ("log4j2.configurationFile=", format!("kafka/{prefix}2.xml"))
        } else {
            ("log4j.configuration=file:", format!("kafka/{prefix}.properties"))
        };
        format!("-D{key}{}", support_file(&file).display())
    }
}

/// The folder with all jars that this pom names for one Kafka version, fetched once under this name; or why it cannot be had.
pub fn jars_of(pom: &Path, name: &str, version: &str) -> Result<PathBuf, String> {
    run(Command::new("java").arg("-version"), "Java")?;
    whole_folder(&format!("{name}-{version}"), |new| copy_dependencies(pom, version, &[], new))
}

/// The folder of this name below `target/kafka`, made if it is not there. Only whole folders get the name by which they are found.
fn whole_folder(name: &str, make: impl FnOnce(&Path) -> Result<(), String>) -> Result<PathBuf, String> {
    let home = target().join("kafka");
    let folder = home.join(name);
    if !folder.exists() {
        let new = home.join(format!("{name}.{}", std::process::id()));
        std::fs::create_dir_all(&new).map_err(|error| error.to_string())?;
        let made = make(&new);
        // Whoever comes second throws his away.
        if made.is_err() || std::fs::rename(&new, &folder).is_err() {
            let _ = std::fs::remove_dir_all(&new);
        }
        made?;
    }
    Ok(folder)
}

fn copy_dependencies(pom: &Path, version: &str, choices: &[String], folder: &Path) -> Result<(), String> {
    let mut maven = Command::new("mvn");
    maven.args(["-B", "-q", "-f"]).arg(pom).arg(format!("-Dkafka={version}")).args(choices);
    maven.arg("org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies");
    maven.arg("-DincludeScope=runtime").arg(format!("-DoutputDirectory={}", folder.display()));
    run(&mut maven, &format!("Kafka {version} from Maven"))
}

/// A new, empty folder for this run. What earlier runs left behind goes first.
pub fn scratch(name: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let runs = Path::new(env!("CARGO_TARGET_TMPDIR")).join("runs");
    for run in std::fs::read_dir(&runs).into_iter().flatten().flatten() {
        if !Path::new("/proc").join(run.file_name()).exists() {
            let _ = std::fs::remove_dir_all(run.path());
        }
    }
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = runs.join(std::process::id().to_string()).join(format!("{count}-{name}"));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The path of a file beside this module.
pub fn support_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support").join(name)
}

/// Starts a broker with these JVM arguments.
pub fn start_broker(name: &str, jvm: &[String], properties: &Path, log: &Path) -> Process {
    let mut arguments = jvm.to_vec();
    arguments.extend(["kafka.Kafka".to_owned(), properties.display().to_string()]);
    Process::start(name, Path::new("java"), &arguments, log)
}

fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap()
}

fn run(command: &mut Command, what: &str) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{what} cannot be had: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(format!("{what} cannot be had: {}", said.lines().take(3).collect::<Vec<_>>().join(" / ")))
}

/// Copies with the right to write: the storage tool leaves its files read-only.
fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let copy = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &copy);
        } else {
            std::fs::write(&copy, std::fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}
