//! `doorkeeper acls explain`.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::ArgGroup;

use super::check::told;
use super::{ConfigFile, print, refuse};
use crate::process::acl_store::file::written::file_of;
use crate::process::acl_store::{AclStore, file};
use crate::process::config::document::read_text;
use crate::process::config::{Acls, Config};
use crate::process::{identity, startup};
use crate::words::acl::{
    Binding, CLUSTER_NAME, Decision, Operation, PatternType, Permission, ResourceType, Rule, WILDCARD,
};

/// May this principal do that?
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("resource").required(true), group = ArgGroup::new("who").required(true))]
pub(super) struct Question {
    #[command(flatten)]
    config: ConfigFile,
    /// Who asks, as User:name.
    #[arg(long, value_parser = principal, group = "who")]
    principal: Option<String>,
    /// The certificate of who asks, in PEM: who that is by the rules of the first listener.
    #[arg(long, value_name = "FILE", group = "who")]
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
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
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

    /// The line of an ACL file that makes the answer yes where nothing makes it no.
    fn entry(&self, principal: &str) -> String {
        let (resource_type, name) = self.resource();
        file_of(&[Binding {
            resource_type,
            resource_name: name.to_owned(),
            pattern_type: PatternType::Literal,
            principal: principal.to_owned(),
            host: WILDCARD.to_owned(),
            operation: self.operation,
            permission: Permission::Allow,
        }])
    }
}

/// Prints the decision and what made it; 0 is yes, 1 is no.
pub(super) fn explain(question: &Question) -> ExitCode {
    let opened = Config::load(&question.config.path)
        .and_then(|config| startup::open_acls(&config, SystemTime::now()).map(|acls| (config, acls)));
    let (config, acls) = match opened {
        Ok(opened) => opened,
        Err(faults) => return refuse(&faults),
    };
    let (who, mut text) = match who(question, &config) {
        Ok(who) => who,
        Err(why) => {
            drop(writeln!(std::io::stderr().lock(), "{why}"));
            return ExitCode::FAILURE;
        }
    };
    if let Err(error) = read(&acls) {
        drop(writeln!(std::io::stderr().lock(), "the ACLs cannot be read: {error}"));
        return ExitCode::FAILURE;
    }
    let (resource_type, name) = question.resource();
    let view = acls.current().authorizer.client(&who, question.host);
    let decision = view.decide(question.operation, resource_type, name);
    let answer = if decision.allowed { "allowed" } else { "denied" };
    text.push_str(&format!(
        "{answer}: {who} {} on {resource_type} {name} from {}\n",
        question.operation, question.host
    ));
    text.push_str(&reason(&decision, config.authorization.acls.as_ref()));
    let asked_for =
        question.operation == Operation::All || resource_type.operations().contains(&question.operation);
    if asked_for && matches!(decision.rule, Rule::DefaultDeny | Rule::NoAclFound(false)) {
        text.push_str(&format!("this entry of the ACLs would allow it: {}", question.entry(&who)));
    }
    if !asked_for {
        let right =
            resource_type.operations().iter().map(|right| right.name()).collect::<Vec<_>>().join(", ");
        text.push_str(&format!(
            "Kafka never asks for {} on a {resource_type}, only for {right}\n",
            question.operation
        ));
    }
    print(&text);
    if decision.allowed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Who asks, and a line about the certificate if that says it. One that is not let in asks for nothing.
fn who(question: &Question, config: &Config) -> Result<(String, String), String> {
    if let Some(principal) = &question.principal {
        return Ok((principal.clone(), String::new()));
    }
    let (Some(path), Some(listener)) = (&question.certificate, config.listeners.first()) else {
        return Err("say who asks, with --principal or --certificate".to_owned());
    };
    let now = SystemTime::now();
    let identity = identity::load(&config.document, listener, now).map_err(|faults| faults.to_string())?;
    let shown = identity::show(path, &identity, &listener.principal_mapping_rules, now)?;
    let line = format!("{}: {}", path.display(), told(&shown));
    match (&shown.admitted, shown.principal) {
        (Ok(()), Ok(principal)) => Ok((principal, line + "\n")),
        _ => Err(line),
    }
}

/// Reads the ACLs where they are not in a file.
fn read(acls: &AclStore) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(acls.read_once())
}

fn reason(decision: &Decision, acls: Option<&Acls>) -> String {
    match &decision.rule {
        Rule::SuperUser => "because the principal is a super user\n".into(),
        Rule::ReservedTopic => {
            "because doorkeeper keeps its ACLs in this topic, which only super users may touch\n".into()
        }
        Rule::Binding(binding) => {
            let place = acls.and_then(Acls::file).and_then(|acls| {
                let text = read_text(&acls.file, file::MAX_BYTES).ok()?;
                let place = file::place_of(&acls.file, &text, binding)?;
                Some(format!(" ({}:{}:{})", acls.file.display(), place.line, place.column))
            });
            format!("because of {binding}{}\n", place.unwrap_or_default())
        }
        Rule::NoAclFound(allowed) => {
            format!(
                "because no binding is about this resource, and allow_everyone_if_no_acl_found is {allowed}\n"
            )
        }
        Rule::DefaultDeny => {
            "because none of the bindings about this resource is for this client and operation\n".into()
        }
    }
}

fn principal(text: &str) -> Result<String, String> {
    match text.split_once(':') {
        Some((kind, name)) if !kind.is_empty() && !name.is_empty() => Ok(text.to_owned()),
        _ => Err("write it with its type, as User:alice".into()),
    }
}
