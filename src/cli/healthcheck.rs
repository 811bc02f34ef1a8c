//! `doorkeeper healthcheck`: the probe for an image that has neither a shell nor curl.

use std::io::{self, ErrorKind, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{ArgGroup, ValueEnum};
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::output::{Output, print_json};
use super::print;
use crate::model::text::printable;
use crate::process::config::text::parse_duration;
use crate::process::config::{Config, Faults, HostPort};

/// An answer of a probe has some hundred bytes; what is longer is not from doorkeeper.
const MAX_ANSWER: u64 = 64 * 1024;

/// What to ask, and whom.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("whom").required(true).multiple(true))]
pub(super) struct Probe {
    /// The configuration file of the doorkeeper to ask: `admin.bind` is its address.
    #[arg(short = 'c', long = "config", value_name = "FILE", env = super::CONFIG_VARIABLE, group = "whom")]
    path: Option<PathBuf>,
    /// The admin endpoint, such as http://127.0.0.1:9901; then no configuration file is read.
    #[arg(long, value_name = "URL", value_parser = endpoint, group = "whom")]
    url: Option<HostPort>,
    /// What to ask for.
    #[arg(long, value_enum, default_value_t = Check::Ready)]
    check: Check,
    /// How long the whole answer may take.
    #[arg(long, value_name = "DURATION", value_parser = patience, default_value = "3s")]
    timeout: Duration,
    #[command(flatten)]
    output: Output,
}

/// The pages of the admin endpoint that say yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Check {
    /// The process is alive (/livez).
    Live,
    /// Traffic may be sent: the broker answers, too (/readyz).
    Ready,
    /// Doorkeeper itself has started, whatever the broker does (/startupz).
    Startup,
}

impl Check {
    /// The page, and what doorkeeper is when it says yes.
    fn page(self) -> (&'static str, &'static str) {
        match self {
            Self::Live => ("/livez", "alive"),
            Self::Ready => ("/readyz", "ready"),
            Self::Startup => ("/startupz", "started"),
        }
    }
}

/// How long the answer may take.
fn patience(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|why| format!("{why}; write it like '3s'"))
}

/// Asks once: one line on standard output and code 0 if the answer is yes, one on standard error and code 1 if it is
/// no or does not come.
pub(super) fn healthcheck(probe: &Probe) -> ExitCode {
    let output = probe.output;
    let address = match (&probe.url, &probe.path) {
        (Some(address), _) => Ok(address.clone()),
        (None, Some(path)) => configured(path),
        // The command line parser lets nobody through without either.
        (None, None) => return ExitCode::from(2),
    };
    let address = match address {
        Ok(address) => address,
        Err(faults) => return output.refuse(&faults),
    };
    let (page, yes) = probe.check.page();
    let answer = asked(&address, page, probe.timeout);
    let is_yes = answer == Ok(Answer::Yes);
    if output.is_json() {
        let address = address.to_string();
        print_json(&match &answer {
            Ok(Answer::Yes) => Shown { ok: true, address, page, failed: &[], error: None },
            Ok(Answer::No(failed)) => Shown { ok: false, address, page, failed, error: None },
            Err(reason) => Shown { ok: false, address, page, failed: &[], error: Some(reason) },
        });
    } else {
        match answer {
            Ok(Answer::Yes) => {
                print(&format!("doorkeeper at {address} is {}\n", output.paint().good(yes)));
            }
            Ok(Answer::No(failed)) => {
                let no = output.paint_error().bad(&format!("not {yes}"));
                say(&format!("doorkeeper at {address} is {no}: {}", reasons(&failed)));
            }
            Err(reason) => {
                let no = output.paint_error().bad("no answer");
                say(&format!("{no} from doorkeeper at {address}: {reason}"));
            }
        }
    }
    if is_yes { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What a probe's page says.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Yes,
    No(Vec<Failed>),
}

/// A check that is not passed.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Failed {
    check: String,
    reason: String,
}

/// The answer in JSON.
#[derive(Serialize)]
struct Shown<'a> {
    ok: bool,
    address: String,
    page: &'static str,
    failed: &'a [Failed],
    /// Why there is no answer.
    error: Option<&'a str>,
}

impl Failed {
    /// `upstream failed: refused`
    fn read(line: &str) -> Self {
        let line = printable(line).to_string();
        let (check, reason) = line.split_once(" failed: ").unwrap_or((&line, ""));
        Self { check: check.to_owned(), reason: reason.to_owned() }
    }
}

fn reasons(failed: &[Failed]) -> String {
    let reasons = failed.iter().map(|Failed { check, reason }| match reason.as_str() {
        "" => check.clone(),
        reason => format!("{check} failed: {reason}"),
    });
    match failed {
        [] => "it gives no reason".to_owned(),
        _ => reasons.collect::<Vec<_>>().join("; "),
    }
}

fn say(line: &str) {
    drop(writeln!(io::stderr().lock(), "{line}"));
}

/// Where the doorkeeper that was started with this file has its admin endpoint. Faults elsewhere in the file are not
/// the probe's business: the running process has an older state of it.
fn configured(path: &Path) -> Result<HostPort, Faults> {
    let (config, faults) = Config::examine(path);
    // What is wrong is read as an example in its place, which nobody listens on.
    let Some(config) = config.filter(|config| !config.document.is_wrong("admin.bind")) else {
        return Err(Faults::sorted(faults));
    };
    let none = |at: &str, message: &str| Faults::sorted(vec![config.document.fault(at, message)]);
    let Some(admin) = &config.admin else {
        return Err(none(
            "",
            "there is no admin endpoint to ask: add one, as in 'admin: { bind: 127.0.0.1:9901 }'",
        ));
    };
    if admin.bind.port() == 0 {
        return Err(none(
            "admin.bind",
            "port 0 is any port: give a fixed one, or name the one in use with --url",
        ));
    }
    let host = match admin.bind.ip() {
        // Whoever listens everywhere listens on loopback.
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    Ok(HostPort { host: host.to_string(), port: admin.bind.port() })
}

/// Reads `http://host:port`, with or without a slash at the end.
fn endpoint(url: &str) -> Result<HostPort, String> {
    let Some(rest) = url.strip_prefix("http://") else {
        return Err("the admin endpoint speaks plain HTTP: write it like http://127.0.0.1:9901".to_owned());
    };
    match rest.strip_suffix('/').unwrap_or(rest) {
        rest if rest.contains(['/', '?', '#']) => {
            Err("give host and port alone, like http://127.0.0.1:9901: --check chooses the page".to_owned())
        }
        rest => rest.parse(),
    }
}

/// Asks for a page, all within `limit`.
fn asked(address: &HostPort, page: &str, limit: Duration) -> Result<Answer, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("the system refuses an event loop: {error}"))?;
    let outcome = runtime.block_on(async {
        match timeout(limit, get(address, page)).await {
            Ok(Ok(answer)) => read(&answer),
            Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => {
                Err("connection refused: it does not run, or has another admin.bind".to_owned())
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("nothing came within {limit:?}")),
        }
    });
    // A name that is still being looked up must not hold the end up.
    runtime.shutdown_background();
    outcome
}

/// One request on one connection: the endpoint closes after its answer.
async fn get(address: &HostPort, page: &str) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect((address.host.as_str(), address.port)).await?;
    let request = format!("GET {page} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer).await?;
    Ok(answer)
}

/// Takes the status for the answer, and the failed checks of the text for the reasons.
fn read(answer: &[u8]) -> Result<Answer, String> {
    let text = String::from_utf8_lossy(answer);
    let status = text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    match status {
        Some("200") => Ok(Answer::Yes),
        Some("503") => {
            let failed = text.lines().filter_map(|line| line.strip_prefix("[-]")).map(Failed::read);
            Ok(Answer::No(failed.collect()))
        }
        Some(status) if status.bytes().all(|byte| byte.is_ascii_digit()) => {
            Err(format!("it has status {status}: this is no admin endpoint of doorkeeper"))
        }
        _ if answer.is_empty() => Err("the connection was closed without a word".to_owned()),
        _ => Err("what came is not HTTP: this is no admin endpoint".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(answer: &str) -> Result<Answer, String> {
        read(answer.as_bytes())
    }

    fn reasons_of(answer: &str) -> String {
        match said(answer) {
            Ok(Answer::No(failed)) => reasons(&failed),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_status_is_the_answer() {
        assert_eq!(said("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"), Ok(Answer::Yes));
        let body = "[+]acls ok\n[-]upstream failed: refused\n[-]not-draining failed: stopping\nreadyz check failed\n";
        let reasons = "upstream failed: refused; not-draining failed: stopping";
        let head = "HTTP/1.1 503 Service Unavailable\r\n\r\n";
        assert_eq!(reasons_of(&format!("{head}{body}")), reasons);
        assert_eq!(reasons_of(head), "it gives no reason");
    }

    #[test]
    fn what_is_no_admin_endpoint_is_no_answer() {
        for (answer, reason) in [
            ("HTTP/1.1 404 Not Found\r\n\r\n", "status 404"),
            ("HTTP/1.1 \u{1b}[2", "not HTTP"),
            ("HTTP/1.1 20", "not HTTP"),
            ("HTTP/1.1 2\u{e9}\u{e9}", "not HTTP"),
            ("\u{15}\u{3}\u{3}", "not HTTP"),
            ("", "without a word"),
        ] {
            let said = said(answer).unwrap_err();
            assert!(said.contains(reason), "{answer:?}: {said}");
        }
    }

    #[test]
    fn reasons_steer_no_terminal() {
        let answer = "HTTP/1.1 503 x\r\n\r\n[-]upstream failed: \u{1b}[2J\u{202e}\n";
        assert_eq!(reasons_of(answer), "upstream failed: \\u{1b}[2J\\u{202e}");
    }

    #[test]
    fn an_endpoint_is_host_and_port() {
        let of = |url| endpoint(url).map(|address| address.to_string());
        assert_eq!(of("http://127.0.0.1:9901"), Ok("127.0.0.1:9901".to_owned()));
        assert_eq!(of("http://[::1]:9901/"), Ok("[::1]:9901".to_owned()));
        for (url, reason) in [
            ("https://127.0.0.1:9901", "plain HTTP"),
            ("127.0.0.1:9901", "plain HTTP"),
            ("http://127.0.0.1", "names no port"),
            ("http://127.0.0.1:9901/readyz", "--check chooses the page"),
            ("http://user@host:1", "is not a host"),
        ] {
            let said = of(url).unwrap_err();
            assert!(said.contains(reason), "{url}: {said}");
        }
    }
}
