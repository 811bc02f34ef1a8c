//! The clients' programs: built with the tools of their languages from pinned versions, into `target/matrix`.

use super::{Cell, kcat};
use crate::support::java::run;
use crate::support::kafka::Kafka;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

/// Building takes the longest: with empty caches half a minute.
const BUILD_LIMIT: Duration = Duration::from_secs(600);

/// A client that can be run.
#[derive(Clone)]
pub enum Program {
    /// A command line to which a cell's arguments are added.
    Command(Vec<String>),
    Kcat,
}

impl Program {
    /// Its command line, if it has one.
    pub fn command(&self) -> Option<Command> {
        let Program::Command(words) = self else { return None };
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        Some(command)
    }

    /// What it says on standard output, or how it failed.
    pub fn run(&self, cell: &Cell, limit: u32) -> Result<String, String> {
        let Program::Command(words) = self else { return kcat::run(cell, limit) };
        let mut command = limited(limit);
        command.args(words).arg(&cell.bootstrap);
        command.arg(cell.pki.map_or(Path::new("-"), |pki| &pki.folder));
        command.args([&cell.name, &cell.codecs.join(",")]).args(&cell.settings);
        let output = run(&mut command, &words[0], b"", BUILD_LIMIT);
        match output.code {
            Some(0) => Ok(output.text()),
            Some(124) => Err(format!("not done within {limit} s, after {:?}", output.text())),
            code => Err(format!("it ended with {code:?}: {}", tail(&output.all()))),
        }
    }
}

/// A program of this name with the Java client of this version.
pub fn java(kafka: &Kafka, name: &str) -> Result<Program, String> {
    let classes = folder(&format!("java-{}", kafka.version))?;
    let mut javac = Command::new("javac");
    javac
        .args(["-nowarn", "-cp", &kafka.class_path(), "-d"])
        .arg(&classes)
        .arg(source(&format!("java/{name}.java")));
    build(&mut javac, "javac")?;
    let mut words = vec!["java".to_owned()];
    words.extend(kafka.tool_arguments());
    let class_path = words.last_mut().ok_or("no class path")?;
    *class_path = format!("{class_path}:{}", classes.display());
    words.push(name.to_owned());
    Ok(Program::Command(words))
}

/// A Go client.
pub fn go(name: &str) -> Result<Program, String> {
    let binary = folder("go")?.join(name);
    let mut go = Command::new("go");
    go.current_dir(source("go")).env("GOTOOLCHAIN", "local").env("GOFLAGS", "-mod=readonly");
    go.args(["build", "-o"]).arg(&binary).arg(format!("./{name}"));
    build(&mut go, "go")?;
    Ok(Program::Command(vec![binary.display().to_string()]))
}

/// A Python client.
pub fn python(name: &str) -> Result<Program, String> {
    static INTERPRETER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let interpreter = INTERPRETER.get_or_init(python_environment).clone()?;
    let program = source("python").join(format!("{name}.py"));
    Ok(Program::Command(vec![interpreter.display().to_string(), program.display().to_string()]))
}

fn python_environment() -> Result<PathBuf, String> {
    let environment = folder("python")?;
    build(Command::new("python3").args(["-m", "venv"]).arg(&environment), "python3")?;
    let interpreter = environment.join("bin/python");
    let mut pip = Command::new(&interpreter);
    pip.args(["-m", "pip", "install", "--quiet", "--require-hashes", "--only-binary", ":all:", "-r"]);
    build(pip.arg(source("python/requirements.txt")), "pip")?;
    Ok(interpreter)
}

/// A program with kafkajs.
pub fn node(program: &str) -> Result<Program, String> {
    let program = installed_node("matrix/kafkajs", program)?;
    Ok(Program::Command(vec!["node".to_owned(), program.display().to_string()]))
}

/// A program of Node.js in this folder below `tests/kafka`, beside what its `package-lock.json` names.
pub fn installed_node(from: &str, program: &str) -> Result<PathBuf, String> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kafka").join(from);
    let folder = folder(&from.file_name().unwrap_or_default().to_string_lossy())?;
    for file in ["package.json", "package-lock.json", program] {
        std::fs::copy(from.join(file), folder.join(file)).map_err(|error| error.to_string())?;
    }
    build(Command::new("npm").current_dir(&folder).args(["ci", "--no-audit", "--no-fund"]), "npm")?;
    Ok(folder.join(program))
}

/// The distribution's kcat.
pub fn installed_kcat() -> Result<Program, String> {
    build(Command::new("kcat").arg("-V"), "kcat")?;
    Ok(Program::Kcat)
}

/// A command that is ended after so many seconds, with code 124.
pub fn limited(seconds: u32) -> Command {
    let mut command = Command::new("timeout");
    command.args(["-k", "5", &seconds.to_string()]);
    command
}

fn build(command: &mut Command, tool: &str) -> Result<(), String> {
    let program = command.get_program().to_owned();
    if Command::new(&program).arg("--version").output().is_err() {
        return Err(format!("{tool} is not installed"));
    }
    let output = run(command, tool, b"", BUILD_LIMIT);
    match output.code {
        Some(0) => Ok(()),
        _ => Err(format!("{tool} fails: {}", tail(&output.all()))),
    }
}

fn folder(name: &str) -> Result<PathBuf, String> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().ok_or("no target folder")?;
    let folder = target.join("matrix").join(name);
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    Ok(folder)
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kafka/matrix").join(name)
}

/// The end of what was said, on one line.
pub fn tail(said: &str) -> String {
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(4)..].join(" / ")
}
