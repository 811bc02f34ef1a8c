//! What the admin endpoint shows of a running proxy: nothing secret, for people.

use std::fmt::Write;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::refusals::OnDisk;
use super::reload::Reloader;
use crate::model::certificate::Standing;
use crate::model::sasl::Hash;
use crate::model::text::{Rfc3339, printable};
use crate::process::admin::View;
use crate::process::config::Acls;
use crate::process::identity::CertificateFacts;

/// Every page.
pub(super) fn all(reloader: &Arc<Reloader>) -> Vec<View> {
    let view = |path, meaning, text: fn(&Reloader) -> String| {
        let reloader = reloader.clone();
        View { path, meaning, text: Box::new(move || text(&reloader)) }
    };
    vec![
        view("/config", "every setting with its default, and those that wait for a restart", config),
        view("/certificates", "certificates in force, and why others on disk are not", certificates),
        view("/acls", "where the ACLs come from and which are in force", acls),
        view(
            "/credentials",
            "where the users and the keys of tokens come from, and how many there are",
            credentials,
        ),
    ]
}

fn config(reloader: &Reloader) -> String {
    let (config, pending) = reloader.configuration();
    let mut text = format!("# {}\n", printable(&config.document.path().display().to_string()));
    if !pending.is_empty() {
        line(
            &mut text,
            format_args!("# changed since the start and waiting for a restart: {}", pending.join(", ")),
        );
    }
    refused(&mut text, "# ", reloader, &OnDisk::Configuration);
    line(&mut text, format_args!("{}", config.effective));
    text
}

/// Why what is on disk is not in force, if it is not.
fn refused(text: &mut String, indent: &str, reloader: &Reloader, what: &OnDisk) {
    let Some(refusal) = reloader.refusals.of(what) else { return };
    for fault in &refusal.why.0 {
        line(
            text,
            format_args!(
                "{indent}not taken from disk (wrong since {}): {}",
                Rfc3339(refusal.since),
                printable(&fault.to_string())
            ),
        );
    }
}

fn certificates(reloader: &Reloader) -> String {
    let now = unix(SystemTime::now());
    let mut text = String::new();
    let listeners = reloader.identities.iter().map(|identity| {
        let name = identity.listener();
        (format!("listener {name}"), name, identity.certificates(), identity.lists())
    });
    let clients = reloader.clients.iter().map(|client| {
        let place = client.used_by();
        (format!("to other doorkeepers ({place})"), place, client.certificates(), Vec::new())
    });
    for (heading, name, certificates, lists) in listeners.chain(clients) {
        line(&mut text, format_args!("{heading}"));
        for facts in certificates {
            let days = (facts.not_after - now) / 86_400;
            line(
                &mut text,
                format_args!(
                    "  {:<9} {} (issued by {}), serial {}, expires {} ({days} days), sha256 {}{}{}",
                    facts.role.name(),
                    printable(&facts.subject),
                    printable(&facts.issuer),
                    facts.serial,
                    facts.expiry(),
                    facts.sha256,
                    which(&facts),
                    vouches(&facts)
                ),
            );
        }
        for list in lists {
            let (issuer, revoked, end) = (&list.issuer, list.revoked, list.end());
            line(&mut text, format_args!("  revoked   {revoked} of {issuer}, next update {end}"));
        }
        refused(&mut text, "  ", reloader, &OnDisk::Certificates(name.to_owned()));
    }
    text
}

/// Which of several certificates of a listener it is.
fn which(facts: &CertificateFacts) -> String {
    facts
        .number
        .checked_sub(1)
        .map_or_else(String::new, |number| format!(", additional_certificates.{number}"))
}

/// What a trusted certificate vouches for, unless that is what it has issued; that nobody needs one that is shown.
fn vouches(facts: &CertificateFacts) -> String {
    match &facts.standing {
        Some(Standing::Itself(why)) => format!(", vouches for itself alone: {}", printable(why)),
        Some(Standing::Nothing(why)) => format!(", vouches for nobody: {}", printable(why)),
        Some(Standing::Authority) => String::new(),
        None if facts.needed => String::new(),
        None => ", needed by nobody".to_owned(),
    }
}

fn acls(reloader: &Reloader) -> String {
    let status = reloader.acls.status();
    let (config, _) = reloader.configuration();
    let mut text = String::new();
    let wrong = match config.authorization.acls.as_ref() {
        Some(Acls::File(file)) => {
            line(&mut text, format_args!("file: {}", printable(&file.file.display().to_string())));
            "what is on disk is wrong"
        }
        Some(Acls::Topic(topic)) => {
            line(&mut text, format_args!("topic: {}", printable(&topic.name)));
            "the topic is not followed"
        }
        None => {
            line(&mut text, format_args!("no ACLs are configured"));
            "unknown"
        }
    };
    let seconds = u64::try_from(status.last_success_unix).unwrap_or_default();
    let checked = UNIX_EPOCH + std::time::Duration::from_secs(seconds);
    line(&mut text, format_args!("bindings: {}", status.bindings));
    line(&mut text, format_args!("generation: {}", status.generation));
    line(&mut text, format_args!("last found right: {}", Rfc3339(checked)));
    match status.last_reload_ok {
        true => line(&mut text, format_args!("state: in force")),
        false => line(&mut text, format_args!("state: {wrong}; the older ones stay in force")),
    }
    refused(&mut text, "", reloader, &OnDisk::AclFile);
    if let Some(why) = reloader.acls.trouble() {
        line(&mut text, format_args!("not followed: {}", printable(&why)));
    }
    text
}

fn credentials(reloader: &Reloader) -> String {
    let mut text = String::new();
    let mut show = |kind: &str, place: String, count: String| {
        line(&mut text, format_args!("{kind}: {}", printable(&place)));
        line(&mut text, format_args!("  {count}"));
        refused(&mut text, "  ", reloader, &OnDisk::Credentials(place));
    };
    let files = reloader.credentials.users.iter();
    let files = files.map(|store| (store.path().display().to_string(), store.users()));
    let topic = reloader.credentials.topic.as_ref().map(|topic| {
        let (config, _) = reloader.configuration();
        let name = config.authorization.acls.as_ref().and_then(|acls| Some(acls.topic()?.name.clone()));
        (format!("topic {}", name.unwrap_or_default()), topic.in_force.users())
    });
    for (place, users) in files.chain(topic) {
        let count = |hash| users.by_name().values().filter(|user| user.scram(hash).is_some()).count();
        let hashes = users.by_name().values().filter(|user| user.password.is_some()).count();
        let count = format!(
            "users: {}, with SCRAM-SHA-256: {}, with SCRAM-SHA-512: {}, with a password's hash: {hashes}",
            users.by_name().len(),
            count(Hash::Sha256),
            count(Hash::Sha512)
        );
        show("users", place, count);
    }
    for keys in &reloader.credentials.tokens {
        show("keys of tokens", keys.place(), format!("keys: {}", keys.count()));
    }
    if text.is_empty() {
        line(&mut text, format_args!("nobody logs in by SASL here"));
    }
    text
}

fn line(text: &mut String, content: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{content}");
}

fn unix(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
