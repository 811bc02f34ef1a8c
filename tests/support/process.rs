//! Child processes that cannot outlive the test process.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The shell keeps a watcher that reads standard input and kills its successor once the other end is gone: it fires when the test
/// process is killed as well as when it returns. (The kernel's parent-death signal would follow the test's thread, not its process.)
const WATCHED: &str =
    r#"exec 3<&0; (cat <&3 >/dev/null; kill -9 $$) 2>/dev/null & exec "$@" </dev/null 3<&-"#;

/// A running child, killed when dropped. Both output streams go to one file.
pub struct Process {
    child: Child,
    name: String,
    log: PathBuf,
}

impl Process {
    /// Starts `program` with `arguments`, its output in `log`.
    pub fn start(name: &str, program: &Path, arguments: &[String], log: &Path) -> Process {
        let output = File::options().create(true).append(true).open(log).unwrap();
        let child = Command::new("sh")
            .args(["-c", WATCHED, "sh"])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        Process { child, name: name.to_owned(), log: log.to_owned() }
    }

    /// The process id; the shell has made way for the program, so it is the program's own.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Asks it to end with SIGTERM.
    pub fn terminate(&self) {
        let asked = Command::new("kill").args(["-TERM", &self.id().to_string()]).status().unwrap();
        assert!(asked.success(), "cannot signal {}", self.name);
    }

    /// Ends it without a word, as a power cut would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it has ended.
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        let name = self.name.clone();
        wait_for(&format!("{name} to end"), limit, || self.ended())
    }

    /// Everything it has written so far.
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// The last lines of its output, for the message of a failed test.
    pub fn last_words(&self) -> String {
        let output = self.output();
        let lines: Vec<&str> = output.lines().collect();
        format!("{} said last:\n{}", self.name, lines[lines.len().saturating_sub(30)..].join("\n"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Polls until `condition` gives a value; fails the test, naming what it waited for, when `limit` passes first.
pub fn wait_for<T>(what: &str, limit: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(start.elapsed() < limit, "waited {} s in vain for {what}", limit.as_secs());
        std::thread::sleep(Duration::from_millis(20));
    }
}
