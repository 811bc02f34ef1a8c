//! `kcat`, the librdkafka client of the distribution.

use super::java::{Output, run};
use super::pki::Identity;
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

/// Runs `kcat` as one client, against one address.
pub struct Kcat {
    /// What comes before the arguments of every run.
    pub settings: Vec<String>,
}

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
        Some(Kcat { settings })
    }

    /// Runs it with these further arguments and this standard input.
    pub fn run(&self, arguments: &[&str], input: &[u8]) -> Output {
        run(Command::new("kcat").args(&self.settings).args(arguments), "kcat", input, LIMIT)
    }
}
