//! The second opinion: Prometheus' own tool, where it is installed.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::support::skipped;

/// Runs promtool with this on its standard input; an error is what it said. `None`: it is not there, which is said aloud.
pub(crate) fn run(arguments: &[&str], input: Option<&str>) -> Option<Result<String, String>> {
    let promtool = std::env::var_os("PROMTOOL").map_or_else(|| PathBuf::from("promtool"), PathBuf::from);
    let child = Command::new(promtool)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        let name = std::thread::current().name().unwrap_or("promtool").to_owned();
        skipped(&name, "there is no promtool (Debian package `prometheus`)");
        return None;
    };
    let mut stdin = child.stdin.take().unwrap();
    if let Some(input) = input {
        stdin.write_all(input.as_bytes()).unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said =
        [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    Some(if output.status.success() { Ok(said) } else { Err(said) })
}
