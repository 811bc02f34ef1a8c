//! `doorkeeper acls explain`.

mod answer;

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::ArgGroup;
use serde::Serialize;

use super::check::told;
use super::output::{Output, print_json};
use super::{ConfigFile, print};
use crate::model::acl::{CLUSTER_NAME, Operation, ResourceType};
use crate::process::acl_store::AclStore;
use crate::process::config::Config;
use crate::process::{identity, startup};

use answer::{Answer, Asking};

/// May this principal do that?
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("resource").required(true), group = ArgGroup::new("who").required(true))]
pub(super) struct Question {
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    output: Output,
    /// Who asks, as User:name.
    #[arg(long, value_parser = principal, group = "who")]
    principal: Option<String>,
    /// The certificate of who asks, in PEM: who that is by the rules of the first listener.
    #[arg(long, value_name = "FILE", group = "who", alias = "client")]
    certificate: Option<PathBuf>,
    /// What for, in Kafka's words, such as Read or Write.
    #[arg(long)]
    operation: Operation,
    /// A topic.
    #[arg(long, group = "resource")]
    topic: Option<String>,
    /// A group.
    #[arg(long, group = "resource")]
    group: Option<String>,
    /// A transactional id.
    #[arg(long, group = "resource")]
    transactional_id: Option<String>,
    /// The cluster.
    #[arg(long, group = "resource")]
    cluster: bool,
    /// A delegation token.
    #[arg(long, group = "resource")]
    delegation_token: Option<String>,
    /// The user whose delegation tokens it is about, as User:name.
    #[arg(long, group = "resource")]
    user: Option<String>,
    /// The address of the client.
    #[arg(long, value_name = "ADDRESS", value_parser = address, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
}

impl Question {
    fn resource(&self) -> (ResourceType, &str) {
        let named = [
            (ResourceType::Topic, &self.topic),
            (ResourceType::Group, &self.group),
            (ResourceType::TransactionalId, &self.transactional_id),
            (ResourceType::DelegationToken, &self.delegation_token),
            (ResourceType::User, &self.user),
        ];
        let named =
            named.into_iter().find_map(|(resource_type, name)| Some((resource_type, name.as_deref()?)));
        named.unwrap_or((ResourceType::Cluster, CLUSTER_NAME))
    }
}

/// Prints the decision and what made it; 0 is yes, 1 is no.
pub(super) fn explain(question: &Question) -> ExitCode {
    let output = question.output;
    let opened = Config::load(&question.config.path)
        .and_then(|config| startup::open_acls(&config, SystemTime::now()).map(|acls| (config, acls)));
    let (config, acls) = match opened {
        Ok(opened) => opened,
        Err(faults) => return output.refuse(&faults),
    };
    let (who, certificate) = match who(question, &config) {
        Ok(who) => who,
        Err(NoClient::Refused(line)) => return not_let_in(output, &line),
        Err(NoClient::Unknown(why)) => return output.fail(&why),
    };
    if let Err(error) = read(&acls) {
        return output.fail(&format!("the ACLs cannot be read: {error}"));
    }
    let (resource_type, name) = question.resource();
    let view = acls.current().authorizer.client(&who, question.host);
    let asking =
        Asking { principal: &who, host: question.host, operation: question.operation, resource_type, name };
    let answer = Answer::to(&asking, &view, &config);
    if output.is_json() {
        print_json(&answer.shown(&asking, certificate.as_deref()));
    } else {
        let certificate = certificate.map(|line| line + "\n").unwrap_or_default();
        print(&(certificate + &answer.text(&asking, output.paint())));
    }
    if answer.allowed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Why there is nobody who could ask.
enum NoClient {
    /// The listener does not let the certificate in.
    Refused(String),
    /// It is not known who asks.
    Unknown(String),
}

/// A client that is not let in may do nothing.
fn not_let_in(output: Output, certificate: &str) -> ExitCode {
    if !output.is_json() {
        return output.fail(certificate);
    }
    print_json(&NotLetIn { allowed: false, error: certificate, faults: [], certificate });
    ExitCode::FAILURE
}

#[derive(Serialize)]
struct NotLetIn<'a> {
    allowed: bool,
    error: &'a str,
    faults: [&'a str; 0],
    certificate: &'a str,
}

/// Who asks, and a line about the certificate if that says it. One that is not let in asks for nothing.
fn who(question: &Question, config: &Config) -> Result<(String, Option<String>), NoClient> {
    if let Some(principal) = &question.principal {
        return Ok((principal.clone(), None));
    }
    let (Some(path), Some(listener)) = (&question.certificate, config.listeners.first()) else {
        return Err(NoClient::Unknown("say who asks, with --principal or --certificate".to_owned()));
    };
    let now = SystemTime::now();
    let identity = identity::load(&config.document, listener, now)
        .map_err(|faults| NoClient::Unknown(faults.to_string()))?;
    let shown = identity::show(path, &identity, listener, now).map_err(NoClient::Unknown)?;
    let line = format!("{}: {}", path.display(), told(&shown));
    match (&shown.admitted, shown.principal) {
        (Ok(()), Ok(principal)) => Ok((principal, Some(line))),
        _ => Err(NoClient::Refused(line)),
    }
}

/// Reads the ACLs where they are not in a file.
fn read(acls: &AclStore) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(acls.read_once())
}

fn address(text: &str) -> Result<IpAddr, String> {
    let remedy =
        "write an IP address, such as 10.0.0.7: ACLs know clients by their address, and no name is looked up";
    text.parse().map_err(|_| remedy.to_owned())
}

fn principal(text: &str) -> Result<String, String> {
    match text.split_once(':') {
        Some((kind, name)) if !kind.is_empty() && !name.is_empty() => Ok(text.to_owned()),
        _ => Err("write it with its type, as User:alice".into()),
    }
}
