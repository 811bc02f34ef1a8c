//! Kafka's own command line tools and small Java programs.

use super::kafka::{Kafka, scratch, support_file};
use super::pki::Identity;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A JVM start, a connection and a few round trips take two seconds; a loaded machine ten times that.
const LIMIT: Duration = Duration::from_secs(120);

/// What a finished program left behind.
pub struct Output {
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

/// Runs the tools of one Kafka version as one client, against one address.
pub struct Java<'a> {
    kafka: &'a Kafka,
    bootstrap: String,
    properties: PathBuf,
    /// Further arguments for the JVM.
    jvm: Vec<String>,
}

/// The tools, without the packages that they wander between.
#[derive(Clone, Copy, Debug)]
pub enum Tool {
    ConsoleProducer,
    ConsoleConsumer,
    ConsoleShareConsumer,
    Topics,
    Groups,
    Configs,
    Acls,
    ProducerPerformance,
}

impl Output {
    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Everything it said.
    pub fn all(&self) -> String {
        format!("{}\n{}", self.text(), self.stderr)
    }

    /// Fails the test, with what was said, unless the program ended with code 0.
    pub fn succeeded(self) -> Output {
        assert_eq!(self.code, Some(0), "{}", self.all());
        self
    }
}

impl<'a> Java<'a> {
    /// A client of `bootstrap`; without an identity it speaks plaintext.
    pub fn new(kafka: &'a Kafka, bootstrap: &str, identity: Option<&Identity>) -> Java<'a> {
        let properties = scratch("client").join("client.properties");
        std::fs::write(&properties, identity.map(client_properties).unwrap_or_default()).unwrap();
        Java { kafka, bootstrap: bootstrap.to_owned(), properties, jvm: Vec::new() }
    }

    /// A client with these settings.
    pub fn with_properties(kafka: &'a Kafka, bootstrap: &str, settings: &str) -> Java<'a> {
        let java = Java::new(kafka, bootstrap, None);
        std::fs::write(&java.properties, settings).unwrap();
        java
    }

    /// A client of `bootstrap` with the settings in this file.
    pub fn with(kafka: &'a Kafka, bootstrap: &str, properties: PathBuf) -> Java<'a> {
        Java { kafka, bootstrap: bootstrap.to_owned(), properties, jvm: Vec::new() }
    }

    /// With the names of this file (`/etc/hosts`) and no others.
    pub fn with_hosts(mut self, hosts: &Path) -> Java<'a> {
        self.jvm.push(format!("-Djdk.net.hosts.file={}", hosts.display()));
        self
    }

    /// With this further argument for the JVM.
    pub fn with_jvm(mut self, argument: &str) -> Java<'a> {
        self.jvm.push(argument.to_owned());
        self
    }

    /// Runs a tool with these further arguments and this standard input.
    pub fn tool(&self, tool: Tool, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = Command::new("java");
        command.args(self.kafka.tool_arguments()).args(&self.jvm).arg(self.class(tool));
        let old_option = if self.kafka.at_least(4, 2) { None } else { Some(()) };
        let properties_option = match (tool, old_option) {
            (Tool::ConsoleProducer | Tool::ProducerPerformance, Some(())) => "--producer.config",
            (Tool::ConsoleConsumer, Some(())) => "--consumer.config",
            _ => "--command-config",
        };
        command.args(["--bootstrap-server", &self.bootstrap]);
        command.arg(properties_option).arg(&self.properties).args(arguments);
        run(&mut command, &format!("{tool:?}"), input, LIMIT)
    }

    /// Runs the Java source file beside this module with the bootstrap address, the properties file and these arguments.
    pub fn program(&self, file: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new("java");
        command.args(self.kafka.tool_arguments()).args(&self.jvm).arg(support_file(file));
        command.arg(&self.bootstrap).arg(&self.properties).args(arguments);
        run(&mut command, file, b"", LIMIT)
    }

    fn class(&self, tool: Tool) -> &'static str {
        let newer = self.kafka.at_least(4, 0);
        match tool {
            Tool::ConsoleProducer if newer => "org.apache.kafka.tools.ConsoleProducer",
            Tool::ConsoleProducer => "kafka.tools.ConsoleProducer",
            Tool::ConsoleConsumer => "org.apache.kafka.tools.consumer.ConsoleConsumer",
            Tool::ConsoleShareConsumer => "org.apache.kafka.tools.consumer.ConsoleShareConsumer",
            Tool::Topics => "org.apache.kafka.tools.TopicCommand",
            Tool::Groups => "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
            Tool::Configs if self.kafka.at_least(4, 2) => "org.apache.kafka.tools.ConfigCommand",
            Tool::Configs => "kafka.admin.ConfigCommand",
            Tool::Acls if newer => "org.apache.kafka.tools.AclCommand",
            Tool::Acls => "kafka.admin.AclCommand",
            Tool::ProducerPerformance => "org.apache.kafka.tools.ProducerPerformance",
        }
    }
}

/// Kafka's client settings for this identity.
pub fn client_properties(identity: &Identity) -> String {
    format!(
        "security.protocol=SSL\nssl.keystore.type=PEM\nssl.keystore.location={}\nssl.truststore.type=PEM\nssl.truststore.location={}\n",
        identity.both.display(),
        identity.authority.display()
    )
}

/// Runs a program to its end, feeding and draining it at the same time.
pub fn run(command: &mut Command, name: &str, input: &[u8], limit: Duration) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
    let (mut stdin, mut stdout, mut stderr) =
        (child.stdin.take().unwrap(), child.stdout.take().unwrap(), child.stderr.take().unwrap());
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // A program that gives up early closes its input; that shows in its exit code.
            let _ = stdin.write_all(input);
        });
        let read = |stream: &mut dyn Read| {
            let mut bytes = Vec::new();
            let _ = stream.read_to_end(&mut bytes);
            bytes
        };
        let out = scope.spawn(move || read(&mut stdout));
        let err = scope.spawn(move || read(&mut stderr));
        let start = std::time::Instant::now();
        let code = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status.code();
            }
            if start.elapsed() > limit {
                let _ = child.kill();
                let _ = child.wait();
                let said = String::from_utf8_lossy(&err.join().unwrap()).into_owned();
                panic!("{name} did not end within {} s; it said {said}", limit.as_secs());
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let stderr = String::from_utf8_lossy(&err.join().unwrap()).into_owned();
        Output { code, stdout: out.join().unwrap(), stderr }
    })
}
