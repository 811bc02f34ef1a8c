//! `kcat`, the librdkafka client of the distribution.

use super::java::{Output, run};
use super::pki::Identity;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

/// Runs `kcat` as one client, against one address.
pub struct Kcat {
    /// What `kcat` is run by, itself included.
    program: Vec<String>,
    settings: Vec<String>,
}

/// Runs the rest of the command line where the file that comes first is `/etc/hosts`.
const WITH_HOSTS: [&str; 6] = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"];

impl Kcat {
    /// None, and a line that says so, where kcat is not installed.
    pub fn new(bootstrap: &str, identity: Option<&Identity>) -> Option<Kcat> {
        if let Err(error) = Command::new("kcat").arg("-V").output() {
            super::skipped(
                &super::test_name(),
                &format!("kcat cannot be run ({error}); the Debian package is kcat"),
            );
            return None;
        }
        let mut settings = vec!["-b".to_owned(), bootstrap.to_owned()];
        if let Some(identity) = identity {
            let options = [
                "security.protocol=ssl".to_owned(),
                format!("ssl.ca.location={}", identity.authority.display()),
                format!("ssl.certificate.location={}", identity.certificate.display()),
                format!("ssl.key.location={}", identity.key.display()),
            ];
            settings.extend(options.into_iter().flat_map(|option| ["-X".to_owned(), option]));
        }
        Some(Kcat { program: vec!["kcat".to_owned()], settings })
    }

    /// With further settings of librdkafka.
    pub fn with(mut self, settings: &[&str]) -> Kcat {
        self.settings.extend(settings.iter().flat_map(|setting| ["-X".to_owned(), (*setting).to_owned()]));
        self
    }

    /// With the names of this file. None, and a line that says so, where that takes rights that the test does not have.
    pub fn with_hosts(self, hosts: &Path) -> Option<Kcat> {
        let script = r#"mount --bind "$0" /etc/hosts && exec "$@""#.to_owned();
        let mut program: Vec<String> = WITH_HOSTS.map(str::to_owned).to_vec();
        program.extend([script, hosts.display().to_string()]);
        let tried = Command::new(&program[0]).args(&program[1..]).arg("true").output();
        if !tried.is_ok_and(|tried| tried.status.success()) {
            super::skipped(
                &super::test_name(),
                "no file can be mounted over /etc/hosts (unshare --user --mount)",
            );
            return None;
        }
        program.push("kcat".to_owned());
        Some(Kcat { program, ..self })
    }

    /// What the command line of every run begins with.
    pub fn command(&self) -> Vec<String> {
        [&self.program[..], &self.settings[..]].concat()
    }

    /// Runs it with these further arguments and this standard input.
    pub fn run(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = Command::new(&self.program[0]);
        run(command.args(&self.program[1..]).args(&self.settings).args(arguments), "kcat", input, LIMIT)
    }
}
