//! `doorkeeper check`.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::output::{FaultShown, Output, Paint, print_json};
use super::{BAD_CONFIGURATION, print, refuse};
use crate::model::certificate::Standing;
use crate::model::text::{Rfc3339, printable};
use crate::process::config::{Acls, Faults, TrustedCertificates};
use crate::process::identity::{CertificateFacts, Identity, ListFacts, Made, Shown, show};
use crate::process::startup::{self, Ready};

/// Loads all that `run` would load: warnings and faults to standard error, a summary to standard output, and what becomes of
/// the client whose certificate is in the file `client`.
pub(super) fn check(path: &Path, client: Option<&Path>, output: Output, now: SystemTime) -> ExitCode {
    let ready = match startup::load(path, now) {
        Ok(ready) => ready,
        Err(faults) => return faulty(path, &faults, output),
    };
    let paint = output.paint_error();
    if !output.is_json() {
        for warning in &ready.warnings {
            drop(writeln!(std::io::stderr().lock(), "{} {warning}", paint.doubtful("warning:")));
        }
    }
    let admissions = match client.map(|client| admissions(client, &ready, now)).transpose() {
        Ok(admissions) => admissions,
        Err(why) => return output.fail(&why),
    };
    let is_admitted = admissions.as_ref().is_none_or(|all| all.iter().any(Admission::is_admitted));
    if output.is_json() {
        print_json(&Report::of(path, &ready, admissions.as_deref()));
    } else {
        let lines = client.zip(admissions.as_ref()).map_or_else(String::new, |(client, admissions)| {
            admissions.iter().map(|one| one.line(client, output.paint())).collect()
        });
        print(&(summary(path, &ready, output.paint()) + &lines));
    }
    if is_admitted { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn faulty(path: &Path, faults: &Faults, output: Output) -> ExitCode {
    if output.is_json() {
        let faults = faults.0.iter().map(FaultShown::from).collect();
        print_json(&Report { faults, ..Report::empty(path) });
        return ExitCode::from(BAD_CONFIGURATION);
    }
    let code = refuse(faults);
    let count = counted(faults.0.len(), "fault");
    drop(writeln!(std::io::stderr().lock(), "{}", output.paint_error().bad(&count)));
    code
}

/// Who the client is at a listener, and whether it is let in.
struct Admission<'a> {
    listener: &'a str,
    shown: Shown,
}

impl Admission<'_> {
    fn is_admitted(&self) -> bool {
        self.shown.admitted.is_ok() && self.shown.principal.is_ok()
    }

    fn line(&self, client: &Path, paint: Paint) -> String {
        let told = told(&self.shown);
        let told = if self.is_admitted() { paint.good(&told) } else { paint.bad(&told) };
        let place = format!("{} at the listener {}", client.display(), self.listener);
        let rule = self.rule().map(|rule| format!("{place}: {rule}\n")).unwrap_or_default();
        format!("{place}: {told}\n{rule}")
    }

    /// How the principal came of that name.
    fn rule(&self) -> Option<String> {
        let Made { kind, rule, passed_over, .. } = self.shown.made.as_ref()?;
        Some(match (rule.as_str(), passed_over) {
            ("DEFAULT", 0) => format!("the rule DEFAULT takes the {kind} as it is"),
            ("DEFAULT", _) => format!("no rule matches the {kind} but DEFAULT, which takes it as it is"),
            (rule, _) => format!("the principal is made by the rule {}", printable(rule)),
        })
    }
}

fn admissions<'a>(client: &Path, ready: &'a Ready, now: SystemTime) -> Result<Vec<Admission<'a>>, String> {
    let listeners = ready.config.listeners.iter().zip(&ready.identities);
    let admission = |(listener, identity)| {
        let listener: &crate::process::config::Listener = listener;
        let shown = show(client, identity, listener, now)?;
        Ok(Admission { listener: &listener.name, shown })
    };
    listeners.map(admission).collect()
}

/// Who a certificate makes somebody, in a line.
pub(super) fn told(shown: &Shown) -> String {
    let name = match &shown.made {
        Some(made) => format!("the {} {}", made.kind, printable(&made.of)),
        None => format!("the subject {}", printable(&shown.subject)),
    };
    match (&shown.admitted, &shown.principal) {
        (Ok(()), Ok(principal)) => format!("{name} is {}, and is let in", printable(principal)),
        (Err(why), Ok(principal)) => {
            format!("{name} would be {}, and is not let in: {}", printable(principal), printable(why))
        }
        (_, Err(why)) => format!("{name} is nobody: {}", printable(why)),
    }
}

/// Every certificate, with the place in the configuration that it is for, and whom it is shown to or trusted for.
fn certificates(ready: &Ready) -> Vec<(String, Vec<CertificateFacts>)> {
    let listeners = ready.config.listeners.iter().zip(&ready.identities);
    let listeners =
        listeners.map(|(listener, identity)| (listener.name.clone(), identity.certificates.clone()));
    let clients = ready.clients.iter().map(|client| (client.used_by().to_owned(), client.certificates()));
    listeners.chain(clients).collect()
}

fn summary(path: &Path, ready: &Ready, paint: Paint) -> String {
    let places = certificates(ready);
    let certificates: Vec<_> = places.iter().flat_map(|(_, certificates)| certificates).collect();
    let mut text = format!(
        "{}: {}: {}, {}, {}, {}\n",
        path.display(),
        paint.good("ok"),
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
    for (listener, identity) in ready.config.listeners.iter().zip(&ready.identities) {
        let key = match listener.tls.client_auth.trusted() {
            Some(TrustedCertificates::Store { .. }) => "truststore",
            _ => "client_ca",
        };
        let name = &listener.name;
        text.push_str(&vouching(&format!("{key} of the listener {name}"), "client", &identity.certificates));
        for list in &identity.lists {
            let (issuer, revoked) = (&list.issuer, counted(list.revoked, "certificate"));
            let end = list.end();
            text.push_str(&format!(
                "crl_files of the listener {name}: {issuer} has revoked {revoked}; the next update is on {end}\n"
            ));
        }
    }
    for client in &ready.clients {
        let place = format!("server_ca of {}", client.used_by());
        text.push_str(&vouching(&place, "doorkeeper", &client.certificates()));
    }
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

/// The summary in JSON.
#[derive(Serialize)]
struct Report {
    ok: bool,
    file: String,
    faults: Vec<FaultShown>,
    warnings: Vec<FaultShown>,
    listeners: Vec<ListenerShown>,
    certificates: Vec<CertificateShown>,
    revocation_lists: Vec<ListShown>,
    /// How many there are; unknown where they are in a topic.
    bindings: Option<usize>,
    acl_topic: Option<String>,
    super_users: Vec<String>,
    /// Who the client is at each listener, if one was named.
    client: Option<Vec<AdmissionShown>>,
}

#[derive(Serialize)]
struct ListenerShown {
    name: String,
    bind: String,
    upstream: String,
}

#[derive(Serialize)]
struct CertificateShown {
    /// A listener, or `authorization.acls`.
    used_by: String,
    role: &'static str,
    subject: String,
    issuer: String,
    serial: String,
    sha256: String,
    not_before: String,
    not_after: String,
    /// Of those that are trusted: `all_that_it_issues`, `itself` or `nobody`.
    vouches_for: Option<&'static str>,
}

#[derive(Serialize)]
struct ListShown {
    /// A listener.
    used_by: String,
    issuer: String,
    revoked: usize,
    this_update: String,
    next_update: Option<String>,
}

impl ListShown {
    fn of(used_by: &str, list: &ListFacts) -> Self {
        Self {
            used_by: used_by.to_owned(),
            issuer: list.issuer.clone(),
            revoked: list.revoked,
            this_update: time(list.this_update),
            next_update: list.next_update.map(time),
        }
    }
}

fn listeners_of(ready: &Ready) -> impl Iterator<Item = (&str, &Identity)> {
    ready.config.listeners.iter().map(|listener| listener.name.as_str()).zip(&ready.identities)
}

#[derive(Serialize)]
struct AdmissionShown {
    listener: String,
    subject: String,
    principal: Option<String>,
    /// The kind of name that it was made of: `subject`, `spiffe` or `dns`.
    made_of: Option<&'static str>,
    /// The mapping rule that made it.
    rule: Option<String>,
    admitted: bool,
    /// Why it is not let in.
    reason: Option<String>,
}

impl Report {
    /// Of a file in which nothing could be read.
    fn empty(path: &Path) -> Self {
        Self {
            ok: false,
            file: path.display().to_string(),
            faults: Vec::new(),
            warnings: Vec::new(),
            listeners: Vec::new(),
            certificates: Vec::new(),
            revocation_lists: Vec::new(),
            bindings: None,
            acl_topic: None,
            super_users: Vec::new(),
            client: None,
        }
    }

    fn of(path: &Path, ready: &Ready, admissions: Option<&[Admission<'_>]>) -> Self {
        let authorization = &ready.config.authorization;
        let acl_topic = authorization.acls.as_ref().and_then(Acls::topic).map(|topic| topic.name.clone());
        let listeners = ready.config.listeners.iter().map(|listener| ListenerShown {
            name: listener.name.clone(),
            bind: listener.bind.to_string(),
            upstream: listener.upstream.to_string(),
        });
        let certificates = certificates(ready);
        let certificates = certificates.iter().flat_map(|(used_by, certificates)| {
            certificates.iter().map(|facts| CertificateShown::of(used_by, facts))
        });
        Self {
            ok: true,
            warnings: ready.warnings.iter().map(FaultShown::from).collect(),
            listeners: listeners.collect(),
            certificates: certificates.collect(),
            revocation_lists: listeners_of(ready)
                .flat_map(|(used_by, identity)| {
                    identity.lists.iter().map(move |list| ListShown::of(used_by, list))
                })
                .collect(),
            bindings: acl_topic.is_none().then(|| ready.acls.status().bindings),
            acl_topic,
            super_users: authorization.super_users.clone(),
            client: admissions.map(|all| all.iter().map(AdmissionShown::from).collect()),
            ..Self::empty(path)
        }
    }
}

impl CertificateShown {
    fn of(used_by: &str, facts: &CertificateFacts) -> Self {
        Self {
            used_by: facts.used_by(used_by),
            role: facts.role.name(),
            subject: facts.subject.clone(),
            issuer: facts.issuer.clone(),
            serial: facts.serial.clone(),
            sha256: facts.sha256.clone(),
            not_before: time(facts.not_before),
            not_after: time(facts.not_after),
            vouches_for: facts.standing.as_ref().map(|standing| match standing {
                Standing::Authority => "all_that_it_issues",
                Standing::Itself(_) => "itself",
                Standing::Nothing(_) => "nobody",
            }),
        }
    }
}

impl From<&Admission<'_>> for AdmissionShown {
    fn from(admission: &Admission<'_>) -> Self {
        let Shown { subject, principal, made, admitted } = &admission.shown;
        Self {
            listener: admission.listener.to_owned(),
            subject: subject.clone(),
            principal: principal.as_ref().ok().cloned(),
            made_of: made.as_ref().map(|made| made.kind.name()),
            rule: made.as_ref().map(|made| made.rule.clone()),
            admitted: admission.is_admitted(),
            reason: principal.as_ref().err().or(admitted.as_ref().err()).cloned(),
        }
    }
}

/// As RFC 3339 has it, from seconds since 1970.
fn time(seconds: i64) -> String {
    let since = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
    Rfc3339(UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH)).to_string()
}
