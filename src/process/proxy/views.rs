//! What the admin endpoint shows of a running proxy: nothing secret, for people.

use std::fmt::Write;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::reload::Reloader;
use crate::process::admin::View;
use crate::process::config::Acls;
use crate::process::identity::CertificateFacts;
use crate::words::audit::{Rfc3339, printable};
use crate::words::certificate::Standing;

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
    line(&mut text, format_args!("{}", config.effective));
    text
}

fn certificates(reloader: &Reloader) -> String {
    let now = unix(SystemTime::now());
    let mut text = String::new();
    for (name, identity) in reloader.names().iter().zip(&reloader.identities) {
        line(&mut text, format_args!("listener {name}"));
        for facts in identity.certificates() {
            let days = (facts.not_after - now) / 86_400;
            line(
                &mut text,
                format_args!(
                    "  {:<9} {} (issued by {}), serial {}, expires {} ({days} days), sha256 {}{}",
                    facts.role.name(),
                    printable(&facts.subject),
                    printable(&facts.issuer),
                    facts.serial,
                    facts.expiry(),
                    facts.sha256,
                    vouches(&facts)
                ),
            );
        }
        for fault in identity.refused().iter().flat_map(|faults| &faults.0) {
            line(&mut text, format_args!("  not taken from disk: {}", printable(&fault.to_string())));
        }
    }
    text
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
            "wrong on disk"
        }
        Some(Acls::Topic(topic)) => {
            line(&mut text, format_args!("topic: {}", printable(&topic.name)));
            "the topic cannot be read, the log says why"
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
    text
}

fn line(text: &mut String, content: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{content}");
}

fn unix(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
