//! `doorkeeper certs inspect`: what certificates say, whom they make somebody, and what would be refused of them.

mod judged;
mod presented;
mod read;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use rustls::pki_types::CertificateDer;
use serde::Serialize;

use super::super::output::{Output, Paint, print_json};
use super::super::print;
use super::authority::unix;
use super::stores::password_in;
use crate::model::principal::MappingRules;
use crate::model::text::printable;
use crate::process::config::document::quoted;
use crate::process::config::text::mapping_rules;
use crate::process::config::{Config, HostPort};
use crate::process::identity::{self, certificates_of_any};
use judged::{Judgement, Named};
use read::CertificateShown;

/// Look into certificates.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Inspection {
    /// A file with certificates, in PEM; or HOST:PORT of a server: what it shows is looked at and nobody is believed.
    #[arg(value_name = "FILE|HOST:PORT")]
    target: String,
    /// Rules that make a principal of the subject, as `ssl.principal.mapping.rules` has them.
    #[arg(long, value_parser = mapping_rules, group = "who")]
    rules: Option<MappingRules>,
    /// The configuration whose listeners judge the certificate as a client's.
    #[arg(short = 'c', long = "config", value_name = "FILE", group = "who")]
    config: Option<PathBuf>,
    /// The authorities that are trusted, in PEM. Without it they are those in the file ca.crt beside FILE, or else the last of
    /// several certificates.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// A file with the password of a key store or a trust store.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

/// What was looked at.
struct Source {
    name: String,
    chain: Vec<CertificateDer<'static>>,
    /// Of a server: its host, and what else the handshake told.
    server: Option<presented::Presented>,
}

/// All that there is to say.
#[derive(Serialize)]
struct Report {
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<TlsShown>,
    certificates: Vec<CertificateShown>,
    judgements: Vec<Judgement>,
    /// Who the first certificate makes its owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<Named>,
}

#[derive(Serialize)]
struct TlsShown {
    version: Option<String>,
    cipher_suite: Option<String>,
    /// Why the handshake did not come to its end, if it did not.
    failure: Option<String>,
}

/// Shows it. 1 if it cannot be looked at.
pub(super) fn inspect(asked: &Inspection, now: SystemTime) -> ExitCode {
    match report(asked, now) {
        Ok(report) if asked.output.is_json() => print_json(&report),
        Ok(report) => print(&report.text(asked.output.paint())),
        Err(Failure::Configuration(faults)) => asked.output.refuse(&faults),
        Err(Failure::Other(why)) => asked.output.fail(&why),
    }
}

enum Failure {
    Configuration(crate::process::config::Faults),
    Other(String),
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Failure::Other(why)
    }
}

fn report(asked: &Inspection, now: SystemTime) -> Result<Report, Failure> {
    let source = look_at(&asked.target, asked.password_file.as_deref())?;
    let seconds = unix(now);
    let certificates: Result<Vec<_>, String> = source
        .chain
        .iter()
        .enumerate()
        .map(|(at, der)| {
            let told = CertificateShown::read(der, seconds);
            told.map_err(|why| {
                format!("{}: certificate {} of {}: {why}", source.name, at + 1, source.chain.len())
            })
        })
        .collect();
    let certificates = certificates?;
    let trusted = judged::Trusted::find(asked.ca.as_deref(), &asked.target, &source.chain)?;
    let mut judgements = Vec::new();
    let is_server = source.server.is_some();
    judgements.push(trusted.as_server(&source.chain, seconds));
    if let Some(server) = &source.server {
        judgements.push(judged::for_host(&source.chain, &server.host));
    }
    match &asked.config {
        Some(config) if !is_server => judgements.extend(by_listeners(config, Path::new(&asked.target), now)?),
        Some(_) => {
            return Err(Failure::Other(
                "--config judges a client's certificate: name its file, not a server".to_owned(),
            ));
        }
        None if !is_server => judgements.push(trusted.as_client(&source.chain, seconds)),
        None => {}
    }
    let default = MappingRules::default();
    let principal = match (&asked.config, is_server) {
        (None, false) => Some(Named::by(asked.rules.as_ref().unwrap_or(&default), &source.chain)),
        _ => None,
    };
    Ok(Report {
        source: source.name,
        tls: source.server.map(TlsShown::from),
        certificates,
        judgements,
        principal,
    })
}

fn look_at(target: &str, password_file: Option<&Path>) -> Result<Source, String> {
    let path = Path::new(target);
    if path.exists() {
        let password = password_file.map(password_in).transpose()?;
        let chain = certificates_of_any(path, password, "--password-file")?;
        return Ok(Source { name: target.to_owned(), chain, server: None });
    }
    let Ok(address) = target.parse::<HostPort>() else {
        return Err(format!(
            "{target}: there is no such file, and it is not HOST:PORT either, such as broker.example.com:9443"
        ));
    };
    let mut server = presented::by(&address).map_err(|why| format!("{address}: {why}"))?;
    let chain = std::mem::take(&mut server.chain);
    Ok(Source { name: address.to_string(), chain, server: Some(server) })
}

/// What each listener of a configuration makes of it.
fn by_listeners(config: &Path, certificate: &Path, now: SystemTime) -> Result<Vec<Judgement>, Failure> {
    let config = Config::load(config).map_err(Failure::Configuration)?;
    let mut judgements = Vec::new();
    for listener in &config.listeners {
        let identity = identity::load(&config.document, listener, now).map_err(Failure::Configuration)?;
        let shown = identity::show(certificate, &identity, listener, now)?;
        judgements.push(Judgement::of_listener(&listener.name, &shown));
    }
    Ok(judgements)
}

impl From<presented::Presented> for TlsShown {
    fn from(server: presented::Presented) -> Self {
        Self { version: server.version, cipher_suite: server.cipher_suite, failure: server.failure }
    }
}

impl Report {
    fn text(&self, paint: Paint) -> String {
        let mut text = String::new();
        for (at, certificate) in self.certificates.iter().enumerate() {
            text += &format!("{}: certificate {} of {}\n", self.source, at + 1, self.certificates.len());
            for (label, value) in certificate.rows() {
                text += &format!("  {label:<13}{}\n", printable(&value));
            }
        }
        if let Some(TlsShown { version, cipher_suite, failure }) = &self.tls {
            let spoken =
                [version.as_deref(), cipher_suite.as_deref()].into_iter().flatten().collect::<Vec<_>>();
            if !spoken.is_empty() {
                text += &format!("TLS: {}\n", spoken.join(", "));
            }
            if let Some(failure) = failure {
                text += &format!("TLS: {}\n", paint.doubtful(&printable(failure).to_string()));
            }
        }
        for judgement in &self.judgements {
            text += &judgement.line(paint);
        }
        if let Some(principal) = &self.principal {
            text += &principal.line(paint);
        }
        text
    }
}

/// A name in a message.
fn shown(text: &str) -> String {
    quoted(text)
}
