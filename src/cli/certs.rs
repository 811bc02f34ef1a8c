//! `doorkeeper certs`: an authority, and what it makes for servers and clients, for those who have none.

pub(super) mod authority;
pub(super) mod files;
mod inspect;
pub(super) mod keys;
pub(super) mod names;
mod pkcs12;
mod renew;
pub(super) mod settings;
pub(super) mod stores;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use clap::value_parser;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::print;
use crate::process::config::HostPort;
use crate::process::identity::{Role, facts};
use authority::{Authority, Issued, Request, Usage, Validity};
use files::Files;
use keys::KeyType;
use names::{host, name_part};
use settings::Settings;
use stores::{key_store, new_password, portable_password_in, trust_store};

/// The longest that a server or client is given a certificate for, in days: what browsers and other programs take at most.
pub(super) const MOST_DAYS: i64 = 397;

#[derive(Debug, clap::Subcommand)]
pub(super) enum CertsCommand {
    /// Make an authority: a key, and the certificate by which others believe what it signs.
    Ca(NewAuthority),
    /// Make a server's key and certificate.
    Server(NewServer),
    /// Make a client's key and certificate, as PEM and as PKCS#12, and the settings of its programs.
    Client(NewClient),
    /// Make a key and a certificate anew, with the same names, in the place of the old ones.
    Renew(renew::Renewal),
    /// Show what is in a certificate's file, or what a server shows, and what would be refused of it.
    Inspect(inspect::Inspection),
}

/// Make an authority.
#[derive(Debug, clap::Args)]
pub(super) struct NewAuthority {
    /// The authority's name, its subject's CN.
    #[arg(long, default_value = "Doorkeeper CA", value_parser = name_part)]
    name: String,
    /// The subject's O.
    #[arg(long, value_parser = name_part)]
    organization: Option<String>,
    /// The kind of its key.
    #[arg(long, value_enum, default_value_t = KeyType::P256)]
    key: KeyType,
    /// How many days it is good for.
    #[arg(long, default_value_t = AUTHORITY_DAYS, value_parser = value_parser!(u16).range(1..=i64::from(AUTHORITY_MOST_DAYS)))]
    days: u16,
    /// The folder for ca.crt and ca.key.
    #[arg(long, value_name = "FOLDER", default_value = "ca")]
    out: PathBuf,
    /// Overwrite what is there: the certificates that the old authority made are refused wherever the new one takes its place.
    #[arg(long)]
    force: bool,
}

/// Ten years.
pub(super) const AUTHORITY_DAYS: u16 = 3650;
/// Fifty years: above that, 32-bit programs lose count.
const AUTHORITY_MOST_DAYS: u16 = 18_250;

/// Whose authority makes certificates.
#[derive(Debug, clap::Args)]
struct Issuer {
    /// The authority's certificate, in PEM.
    #[arg(long, value_name = "FILE", default_value = "ca/ca.crt")]
    ca: PathBuf,
    /// The authority's key, in PEM.
    #[arg(long, value_name = "FILE", default_value = "ca/ca.key")]
    ca_key: PathBuf,
}

impl Issuer {
    fn open(&self, now: SystemTime) -> Result<Authority, String> {
        Authority::open(&self.ca, &self.ca_key, now)
    }
}

/// What all new certificates are asked for.
#[derive(Debug, clap::Args)]
struct Leaf {
    #[command(flatten)]
    issuer: Issuer,
    /// The subject's O.
    #[arg(long, value_parser = name_part)]
    organization: Option<String>,
    /// The kind of the key.
    #[arg(long, value_enum, default_value_t = KeyType::P256)]
    key: KeyType,
    /// How many days the certificate is good for; it ends with the authority's at the latest.
    #[arg(long, default_value_t = 365, value_parser = value_parser!(u16).range(1..=MOST_DAYS))]
    days: u16,
    /// The file with the password of the PKCS#12 files, in its first line; without it one is made up and written to the file
    /// password beside them.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Overwrite what is there.
    #[arg(long)]
    force: bool,
}

/// Make a server's certificate.
#[derive(Debug, clap::Args)]
pub(super) struct NewServer {
    /// A name or an IP address by which clients reach the server; may be given several times.
    #[arg(long = "host", value_name = "HOST", required = true, value_parser = host)]
    hosts: Vec<String>,
    #[command(flatten)]
    leaf: Leaf,
    /// Write tls.p12 and truststore.p12 as well.
    #[arg(long)]
    pkcs12: bool,
    /// The folder for tls.crt, tls.key and ca.crt.
    #[arg(long, value_name = "FOLDER", default_value = "tls")]
    out: PathBuf,
}

/// Make a client's certificate.
#[derive(Debug, clap::Args)]
pub(super) struct NewClient {
    /// The client's name, its subject's CN: letters, digits, `-`, `_`, `.` and `@`.
    #[arg(value_parser = client_name)]
    name: String,
    #[command(flatten)]
    leaf: Leaf,
    /// Where clients reach doorkeeper, as HOST:PORT: write client.properties, kcat.conf and client.py as well.
    #[arg(long, value_name = "HOST:PORT")]
    bootstrap: Option<HostPort>,
    /// The folder for the files; clients/NAME if none is named.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// A name that is a subject's, a principal's, a folder's, and stands in comments.
pub(super) fn client_name(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
    match text.chars().all(is_plain) && !text.starts_with(['.', '-']) {
        true => name_part(text),
        false => Err(
            "write a name of letters, digits, '-', '_', '.' and '@', that begins with one of the first two"
                .to_owned(),
        ),
    }
}

/// Does what is asked.
pub(super) fn certs(command: &CertsCommand, now: SystemTime) -> ExitCode {
    let made = match command {
        CertsCommand::Ca(asked) => ca(asked, now),
        CertsCommand::Server(asked) => server(asked, now),
        CertsCommand::Client(asked) => client(asked, now),
        CertsCommand::Renew(asked) => renew::renew(asked, now),
        CertsCommand::Inspect(asked) => return inspect::inspect(asked, now),
    };
    said(made)
}

/// Prints what was made, or why nothing was.
pub(super) fn said(made: Result<String, String>) -> ExitCode {
    match made {
        Ok(text) => print(&text),
        Err(why) => {
            drop(writeln!(std::io::stderr().lock(), "{why}"));
            ExitCode::FAILURE
        }
    }
}

fn ca(asked: &NewAuthority, now: SystemTime) -> Result<String, String> {
    let NewAuthority { name, organization, key, days, out, force } = asked;
    let authority = Authority::new(name, organization.as_deref(), *key, Validity::days(*days, now))?;
    let mut files = Files::default();
    authority_files(&mut files, out, &authority);
    written(files, *force)?;
    Ok(format!("{}: ca.crt and ca.key of the authority {name}{}\n", out.display(), until(authority.der())))
}

fn server(asked: &NewServer, now: SystemTime) -> Result<String, String> {
    let NewServer { hosts, leaf, pkcs12, out } = asked;
    let authority = leaf.issuer.open(now)?;
    let issued = new_server(
        &authority,
        hosts,
        leaf.organization.as_deref(),
        leaf.key,
        Validity::days(leaf.days, now),
    )?;
    let mut files = Files::default();
    server_files(&mut files, out, &issued, &authority);
    let mut names = "tls.crt, tls.key and ca.crt";
    if *pkcs12 {
        let password = leaf.password()?;
        files.secret(out.join("tls.p12"), &key_store("server", &issued, authority.der(), &password)?);
        files.secret(out.join("truststore.p12"), &trust_store(authority.der(), &password)?);
        files.secret(out.join(PASSWORD), Zeroizing::new(format!("{}\n", *password)).as_bytes());
        names = "tls.crt, tls.key, ca.crt, tls.p12, truststore.p12 and their password";
    }
    written(files, leaf.force)?;
    Ok(format!("{}: {names}, for {}{}\n", out.display(), hosts.join(", "), until(issued.own())))
}

fn client(asked: &NewClient, now: SystemTime) -> Result<String, String> {
    let NewClient { name, leaf, bootstrap, out } = asked;
    let authority = leaf.issuer.open(now)?;
    let folder = out.clone().unwrap_or_else(|| Path::new("clients").join(name));
    let new = Client { name, organization: leaf.organization.as_deref(), key: leaf.key };
    let issued = new.issue(&authority, Validity::days(leaf.days, now))?;
    let bootstrap = bootstrap.as_ref().map(ToString::to_string);
    let mut files = Files::default();
    client_files(&mut files, &folder, &issued, &authority, (name, bootstrap.as_deref()), &leaf.password()?)?;
    written(files, leaf.force)?;
    let settings = match bootstrap {
        Some(_) => ", with client.properties, kcat.conf and client.py",
        None => "; with --bootstrap the settings of its programs are written, too",
    };
    Ok(format!(
        "{}: PEM and PKCS#12 files of the client {name}{}{settings}\n",
        folder.display(),
        until(issued.own())
    ))
}

/// The file beside PKCS#12 files that has their password.
const PASSWORD: &str = "password";

impl Leaf {
    fn password(&self) -> Result<Zeroizing<String>, String> {
        self.password_file.as_deref().map_or_else(new_password, portable_password_in)
    }
}

/// A client that is to have a certificate.
pub(super) struct Client<'a> {
    pub(super) name: &'a str,
    pub(super) organization: Option<&'a str>,
    pub(super) key: KeyType,
}

impl Client<'_> {
    pub(super) fn issue(&self, authority: &Authority, validity: Validity) -> Result<Issued, String> {
        let subject = names::subject(self.name, self.organization);
        authority.issue(Request::New { subject, hosts: Vec::new(), usage: Usage::Client }, self.key, validity)
    }
}

/// Makes a certificate for a server with these hosts, the first of which is its CN if it is short enough.
pub(super) fn new_server(
    authority: &Authority,
    hosts: &[String],
    organization: Option<&str>,
    key: KeyType,
    validity: Validity,
) -> Result<Issued, String> {
    let first = hosts.first().filter(|host| name_part(host).is_ok()).map_or("doorkeeper", String::as_str);
    let subject = names::subject(first, organization);
    let hosts = names::alternative_names(hosts)?;
    authority.issue(Request::New { subject, hosts, usage: Usage::Server }, key, validity)
}

/// The files of an authority.
pub(super) fn authority_files(files: &mut Files, folder: &Path, authority: &Authority) {
    files.public(folder.join("ca.crt"), &authority.certificate_pem);
    files.secret(folder.join("ca.key"), authority.key_pem().as_bytes());
}

/// The files of a server, with the authority whose clients it trusts.
pub(super) fn server_files(files: &mut Files, folder: &Path, issued: &Issued, authority: &Authority) {
    files.public(folder.join("tls.crt"), &issued.chain_pem);
    files.secret(folder.join("tls.key"), issued.key_pem.as_bytes());
    files.public(folder.join("ca.crt"), &authority.certificate_pem);
}

/// The files of a client with this name, and of its programs if it is known where they reach doorkeeper.
pub(super) fn client_files(
    files: &mut Files,
    folder: &Path,
    issued: &Issued,
    authority: &Authority,
    (name, bootstrap): (&str, Option<&str>),
    password: &str,
) -> Result<(), String> {
    files.public(folder.join("ca.crt"), &authority.certificate_pem);
    files.public(folder.join("client.crt"), &issued.chain_pem);
    files.secret(folder.join("client.key"), issued.key_pem.as_bytes());
    files.secret(folder.join("client.pem"), issued.both_pem().as_bytes());
    files.secret(folder.join("client.p12"), &key_store(name, issued, authority.der(), password)?);
    files.secret(folder.join("truststore.p12"), &trust_store(authority.der(), password)?);
    files.secret(folder.join(PASSWORD), Zeroizing::new(format!("{password}\n")).as_bytes());
    match bootstrap {
        Some(bootstrap) => settings_files(files, folder, (name, None), bootstrap, password),
        None => Ok(()),
    }
}

/// The files of a client that logs in with a password.
pub(super) fn login_files(
    files: &mut Files,
    folder: &Path,
    authority: &Authority,
    (name, login): (&str, &str),
    bootstrap: &str,
    password: &str,
) -> Result<(), String> {
    files.public(folder.join("ca.crt"), &authority.certificate_pem);
    files.secret(folder.join("truststore.p12"), &trust_store(authority.der(), password)?);
    files.secret(folder.join(PASSWORD), Zeroizing::new(format!("{login}\n")).as_bytes());
    settings_files(files, folder, (name, Some(login)), bootstrap, password)
}

/// What a client's programs read. `password` is that of its stores, `login` what it logs in with.
fn settings_files(
    files: &mut Files,
    folder: &Path,
    (name, login): (&str, Option<&str>),
    bootstrap: &str,
    password: &str,
) -> Result<(), String> {
    let absolute = std::path::absolute(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let topic = format!("{name}.test");
    let settings = Settings { client: name, folder: &absolute, bootstrap, topic: &topic, login };
    files.secret(folder.join("client.properties"), Zeroizing::new(settings.properties(password)).as_bytes());
    let (kcat, python) = (Zeroizing::new(settings.kcat()), Zeroizing::new(settings.python()));
    for (file, text) in [("kcat.conf", kcat), ("client.py", python)] {
        match login {
            None => files.public(folder.join(file), &text),
            Some(_) => files.secret(folder.join(file), text.as_bytes()),
        }
    }
    Ok(())
}

fn written(files: Files, force: bool) -> Result<(), String> {
    if force { files.replace() } else { files.write_new() }
}

/// Until when a certificate is good, as the end of a sentence.
pub(super) fn until(der: &[u8]) -> String {
    let facts = facts(&CertificateDer::from(der), Role::Server);
    facts.map_or_else(|_| String::new(), |facts| format!(", good until {}", facts.expiry()))
}

/// Random bytes.
fn random<const N: usize>() -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    let filled = aws_lc_rs::default_provider().secure_random.fill(&mut bytes);
    filled.map(|()| bytes).map_err(|_| "the system gives no random numbers".to_owned())
}
