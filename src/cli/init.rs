//! `doorkeeper init`: certificates, a configuration, ACLs and the settings of clients, in one folder.

mod texts;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use clap::value_parser;

use super::certs::authority::{Authority, Validity};
use super::certs::files::Files;
use super::certs::keys::KeyType;
use super::certs::names::{host, name_part};
use super::certs::stores::new_password;
use super::certs::{
    AUTHORITY_DAYS, Client, MOST_DAYS, authority_files, client_files, client_name, login_files, new_server,
    said, server_files, until,
};
use crate::model::sasl::Hash;
use crate::model::sasl::scram::ScramCredential;
use crate::model::sasl::users::User;
use crate::net::sasl::nonce;
use crate::process::config::HostPort;
use crate::process::users::{UserFile, edited};

/// The hash function of the mechanism that clients with a password have, and how often it is used.
const LOGIN: Hash = Hash::Sha512;
const ITERATIONS: u32 = 8192;
/// The super user's name.
const ADMIN: &str = "admin";

/// Make a whole setup: an authority, certificates, doorkeeper.yaml, acls.yaml, and a folder for each client.
#[derive(Debug, clap::Args)]
pub(super) struct Setup {
    /// The folder for everything; it is made if it is not there.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Host and port of the broker's plaintext listener.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9092")]
    upstream: HostPort,
    /// A name or an IP address by which clients reach doorkeeper, which is the host that the broker advertises; may be given several
    /// times.
    #[arg(long = "host", value_name = "HOST", required = true, value_parser = concrete_host)]
    hosts: Vec<String>,
    /// A client; may be given several times. The super user admin is made anyway.
    #[arg(long = "client", value_name = "NAME", value_parser = plain_client)]
    clients: Vec<String>,
    /// The address and port that clients connect to.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:9443", value_parser = socket_address)]
    bind: SocketAddr,
    /// The address and port of metrics and health.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9901", value_parser = socket_address)]
    admin_bind: SocketAddr,
    /// The O of all subjects.
    #[arg(long, value_parser = name_part)]
    organization: Option<String>,
    /// The kind of all keys.
    #[arg(long, value_enum, default_value_t = KeyType::P256)]
    key: KeyType,
    /// How many days the certificates of the server and the clients are good for.
    #[arg(long, default_value_t = 365, value_parser = value_parser!(u16).range(1..=MOST_DAYS))]
    days: u16,
    /// Let the clients log in with a password (SASL, SCRAM-SHA-512) instead of a certificate; admin keeps its certificate.
    #[arg(long)]
    sasl: bool,
    /// Overwrite what is there, with an authority of its own: what the old one has made is refused from then on.
    #[arg(long)]
    force: bool,
}

fn concrete_host(text: &str) -> Result<String, String> {
    match text.starts_with("*.") {
        true => Err(
            "write a host that clients can connect to; 'doorkeeper certs server' makes certificates for '*.'"
                .to_owned(),
        ),
        false => host(text),
    }
}

/// Names of topics and groups begin with it and a dot, so that a dot in it would let one client into what is another's.
fn plain_client(text: &str) -> Result<String, String> {
    if text == ADMIN {
        return Err("admin is made anyway, as the super user: leave it out".to_owned());
    }
    match text.contains(['.', '@']) {
        true => {
            Err("write a name of letters, digits, '-' and '_'; 'doorkeeper certs client' takes others"
                .to_owned())
        }
        false => client_name(text),
    }
}

fn socket_address(text: &str) -> Result<SocketAddr, String> {
    match text.parse::<SocketAddr>() {
        Ok(address) if address.port() != 0 => Ok(address),
        _ => Err("write an IP address and a port, such as 0.0.0.0:9443".to_owned()),
    }
}

/// Makes it, and says what to type next.
pub(super) fn init(setup: &Setup, now: SystemTime) -> ExitCode {
    said(make(setup, now))
}

fn make(setup: &Setup, now: SystemTime) -> Result<String, String> {
    let folder = setup.folder.as_path();
    let names = || std::iter::once(ADMIN).chain(setup.clients.iter().map(String::as_str));
    if let Some(twice) = names().enumerate().find(|(at, name)| names().take(*at).any(|other| other == *name))
    {
        return Err(format!("the client {} is named twice", twice.1));
    }
    let first = setup.hosts.first().ok_or("name a host, with --host")?;
    let bootstrap = HostPort { host: first.clone(), port: setup.bind.port() }.to_string();
    if !setup.force {
        is_free(folder, &bootstrap)?;
    }
    let organization = setup.organization.as_deref();
    let authority =
        Authority::new(&authority_name(first), organization, setup.key, Validity::days(AUTHORITY_DAYS, now))?;
    let validity = Validity::days(setup.days, now);
    let mut files = Files::default();
    authority_files(&mut files, &folder.join("ca"), &authority);
    let server = new_server(&authority, &setup.hosts, organization, setup.key, validity)?;
    server_files(&mut files, &folder.join("tls"), &server, &authority);
    let mut users = BTreeMap::new();
    for name in names() {
        let of_client = folder.join("clients").join(name);
        if setup.sasl && name != ADMIN {
            let (login, password) = (new_password()?, new_password()?);
            let credential = ScramCredential::from_password(LOGIN, &login, nonce().into_bytes(), ITERATIONS);
            let mut user = User::default();
            *user.scram_mut(LOGIN) = Some(credential);
            users.insert(name.to_owned(), user);
            login_files(&mut files, &of_client, &authority, (name, &login), &bootstrap, &password)?;
            continue;
        }
        let issued = Client { name, organization, key: setup.key }.issue(&authority, validity)?;
        client_files(
            &mut files,
            &of_client,
            &issued,
            &authority,
            (name, Some(&bootstrap)),
            &new_password()?,
        )?;
    }
    files.public(folder.join("acls.yaml"), &texts::acls(&setup.clients));
    if setup.sasl {
        let text = edited("", &UserFile::default(), &users).ok_or("the users cannot be written")?;
        files.secret(folder.join("users.yaml"), text.as_bytes());
    }
    files.public(
        folder.join("doorkeeper.yaml"),
        &texts::configuration(&setup.upstream, (setup.bind, setup.admin_bind), setup.sasl),
    );
    match setup.force {
        true => files.replace()?,
        false => files.write_new()?,
    }
    Ok(told(setup, &bootstrap, &until(server.own())))
}

/// Short enough for a CN, whatever the host.
fn authority_name(host: &str) -> String {
    let name = format!("Doorkeeper CA of {host}");
    name_part(&name).unwrap_or_else(|_| "Doorkeeper CA".to_owned())
}

/// Refuses a folder in which there is a setup, and says what to do about it.
fn is_free(folder: &Path, bootstrap: &str) -> Result<(), String> {
    if folder.is_file() {
        return Err(format!("{}: this is a file: name a folder", folder.display()));
    }
    let parts = ["doorkeeper.yaml", "acls.yaml", "users.yaml", "ca", "tls", "clients"];
    let there: Vec<&str> =
        parts.into_iter().filter(|part| folder.join(part).symlink_metadata().is_ok()).collect();
    if there.is_empty() {
        return Ok(());
    }
    let of = |name: &str| folder.join(name).display().to_string();
    let authority = format!("--ca {} --ca-key {}", of("ca/ca.crt"), of("ca/ca.key"));
    Err(format!(
        "{}: there is a setup already ({}), and nothing of it was changed\n\
         to add a client: doorkeeper certs client NAME {authority} --bootstrap {bootstrap} --out {}\n\
         to renew a certificate: doorkeeper certs renew {} {authority}\n\
         to make everything anew, the authority included, so that all old certificates are refused: --force",
        folder.display(),
        there.join(", "),
        of("clients/NAME"),
        of("tls/tls.crt"),
    ))
}

/// What was made, and the next three commands.
fn told(setup: &Setup, bootstrap: &str, until: &str) -> String {
    let folder = setup.folder.display();
    let clients: String = setup.clients.iter().map(|name| format!(", {name}")).collect();
    let shown = setup.clients.first().map_or(ADMIN, String::as_str);
    format!(
        "{folder}: doorkeeper.yaml, and acls.yaml with examples to edit\n\
         {folder}/tls: the certificate of {hosts}{until}\n\
         {folder}/clients: a folder for each of {ADMIN} (super user){clients}; give it to that client alone\n\
         {folder}/ca: the authority's key, which makes everybody somebody: keep it elsewhere\n\
         next, with {bootstrap} leading here:\n  \
         doorkeeper check --config {folder}/doorkeeper.yaml\n  \
         doorkeeper run --config {folder}/doorkeeper.yaml\n  \
         kcat -F {folder}/clients/{shown}/kcat.conf -L\n",
        hosts = setup.hosts.join(", "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_has_a_name_that_fits() {
        assert_eq!(authority_name("broker.example.com"), "Doorkeeper CA of broker.example.com");
        assert_eq!(authority_name(&"a".repeat(60)), "Doorkeeper CA");
    }
}
