//! `doorkeeper check`.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use super::{print, refuse};
use crate::process::config::Acls;
use crate::process::identity::{CertificateFacts, Shown, show};
use crate::process::startup::{self, Ready};
use crate::words::audit::printable;
use crate::words::certificate::Standing;

/// Loads all that `run` would load: warnings and faults to standard error, a summary to standard output, and what becomes of
/// the client whose certificate is in the file `client`.
pub(super) fn check(path: &Path, client: Option<&Path>, now: SystemTime) -> ExitCode {
    match startup::load(path, now) {
        Ok(ready) => {
            for warning in &ready.warnings {
                drop(writeln!(std::io::stderr().lock(), "warning: {warning}"));
            }
            let told = client.map(|client| admission(client, &ready, now)).transpose();
            match told {
                Ok(told) => {
                    let (admitted, text) = told.unwrap_or((true, String::new()));
                    let code = print(&(summary(path, &ready) + &text));
                    if admitted { code } else { ExitCode::FAILURE }
                }
                Err(why) => {
                    drop(writeln!(std::io::stderr().lock(), "{why}"));
                    ExitCode::FAILURE
                }
            }
        }
        Err(faults) => {
            let code = refuse(&faults);
            drop(writeln!(std::io::stderr().lock(), "{}", counted(faults.0.len(), "fault")));
            code
        }
    }
}

/// Who the client is at each listener; whether one lets it in.
fn admission(client: &Path, ready: &Ready, now: SystemTime) -> Result<(bool, String), String> {
    let (mut admitted, mut text) = (false, String::new());
    for (listener, identity) in ready.config.listeners.iter().zip(&ready.identities) {
        let shown = show(client, identity, &listener.principal_mapping_rules, now)?;
        admitted |= shown.admitted.is_ok() && shown.principal.is_ok();
        text.push_str(&format!("{} at the listener {}: {}\n", client.display(), listener.name, told(&shown)));
    }
    Ok((admitted, text))
}

/// Who a certificate makes somebody, in a line.
pub(super) fn told(shown: &Shown) -> String {
    let subject = printable(&shown.subject);
    match (&shown.admitted, &shown.principal) {
        (Ok(()), Ok(principal)) => {
            format!("the subject {subject} is {}, and is let in", printable(principal))
        }
        (Err(why), Ok(principal)) => {
            format!(
                "the subject {subject} would be {}, and is not let in: {}",
                printable(principal),
                printable(why)
            )
        }
        (_, Err(why)) => format!("the subject {subject} is nobody: {}", printable(why)),
    }
}

fn summary(path: &Path, ready: &Ready) -> String {
    let client = ready.acls.client().map(|client| client.certificates()).unwrap_or_default();
    let listeners = ready.identities.iter().flat_map(|identity| &identity.certificates);
    let certificates: Vec<_> = listeners.chain(&client).collect();
    let mut text = format!(
        "{}: ok: {}, {}, {}, {}\n",
        path.display(),
        counted(ready.config.listeners.len(), "listener"),
        counted(certificates.len(), "certificate"),
        match ready.config.authorization.acls.as_ref().and_then(Acls::topic) {
            Some(topic) => format!("ACLs in the topic {}", topic.name),
            None => counted(ready.acls.status().bindings, "binding"),
        },
        counted(ready.config.authorization.super_users.len(), "super user"),
    );
    if let Some(first) = certificates.iter().min_by_key(|facts| facts.not_after) {
        text.push_str(&format!(
            "the first certificate to expire is that of {}, on {}\n",
            first.subject,
            first.expiry()
        ));
    }
    for (name, identity) in
        ready.config.listeners.iter().map(|listener| &listener.name).zip(&ready.identities)
    {
        text.push_str(&vouching(
            &format!("client_ca of the listener {name}"),
            "client",
            &identity.certificates,
        ));
    }
    text.push_str(&vouching("server_ca of authorization.acls", "doorkeeper", &client));
    text
}

/// What each trusted certificate may do.
fn vouching(place: &str, other: &str, certificates: &[CertificateFacts]) -> String {
    let line = |facts: &CertificateFacts| {
        let vouches = match facts.standing.as_ref()? {
            Standing::Authority => {
                format!("every {other} that it or an authority below it has issued one for")
            }
            Standing::Itself(why) => format!("the {other} alone that shows this very certificate: {why}"),
            Standing::Nothing(why) => format!("nobody: {why}"),
        };
        Some(format!("{place}: {} vouches for {vouches}\n", facts.subject))
    };
    certificates.iter().filter_map(line).collect()
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
