//! Principals that the configuration or the ACLs name, and that no client can be by the mapping rules of the listeners: a
//! binding for one of them never holds, also where it denies.

use std::collections::HashSet;

use super::acl_store::AclStore;
use super::acl_store::file;
use super::config::document::{quoted, read_text};
use super::config::{Acls, ClientAuth, Config, Fault, Listener, is_no_super_user};
use crate::model::principal::{ANONYMOUS, MappingRules, NameKind, Principal, USER, may_be_subject};

/// The most warnings of the ACL file.
const MOST: usize = 20;

/// What there is to say of the super users, and of the bindings in force where they are in a file.
pub(super) fn warnings(config: &Config, acls: &AclStore) -> Vec<Fault> {
    let mut warnings = of_super_users(config);
    warnings.extend(of_acl_file(config, acls));
    warnings
}

fn of_super_users(config: &Config) -> Vec<Fault> {
    let super_users = config.authorization.super_users.iter().enumerate();
    // Of some it has been said when the configuration was read.
    let sound = super_users.filter(|(_, name)| is_no_super_user(name).is_none());
    let warning = |(i, name): (usize, &String)| {
        let place = format!("authorization.super_users.{i}");
        Some(config.document.fault(&place, why(&config.listeners, name)?))
    };
    sound.filter_map(warning).collect()
}

/// What there is to say of the bindings in force, where they are in a file.
pub(super) fn of_acl_file(config: &Config, acls: &AclStore) -> Vec<Fault> {
    let Some(source) = config.authorization.acls.as_ref().and_then(Acls::file) else { return Vec::new() };
    let current = acls.current();
    let mut seen = HashSet::new();
    let principals = current.authorizer.bindings().iter().map(|binding| binding.principal.as_str());
    // Of some it has been said when the file was read.
    let sound = principals.filter(|name| seen.insert(*name) && file::doubt_of_principal(name).is_none());
    let (mut names, mut reasons): (Vec<&str>, Vec<String>) =
        sound.filter_map(|name| Some((name, why(&config.listeners, name)?))).unzip();
    if names.is_empty() {
        return Vec::new();
    }
    let left_out = names.len().saturating_sub(MOST);
    names.truncate(MOST);
    reasons.truncate(MOST);
    let text = read_text(&source.file, file::MAX_BYTES).unwrap_or_default();
    let places = file::places_of_principals(&source.file, &text, &names);
    let fault = |(message, place)| Fault { file: source.file.clone(), place, message };
    let more =
        (left_out > 0).then(|| (format!("{left_out} more principals are nobody and are not listed"), None));
    reasons.into_iter().zip(places).chain(more).map(fault).collect()
}

/// Why no client of these listeners can be this principal, if that is certain.
pub(crate) fn why(listeners: &[Listener], principal: &str) -> Option<String> {
    let known: Principal = principal.parse().ok()?;
    if known.kind() != USER || known.name() == "*" {
        return None;
    }
    if principal == ANONYMOUS
        && listeners.iter().any(|one| !matches!(one.tls.client_auth, ClientAuth::Required { .. }))
    {
        return None;
    }
    // Who logs in may have any name: users come and go while it runs, and tokens are others' to make.
    if listeners.iter().any(|one| one.sasl.is_some()) {
        return None;
    }
    let named = quoted(principal);
    let asking: Vec<&Listener> =
        listeners.iter().filter(|one| one.tls.client_auth != ClientAuth::None).collect();
    let Some(first) = asking.first() else {
        return Some(format!(
            "{named} is nobody: no listener asks clients for a certificate, so that each of them is {ANONYMOUS}"
        ));
    };
    if asking.iter().any(|one| one.principal.can_make(known.name())) {
        return None;
    }
    let of_any = if asking.len() > 1 { " of any listener" } else { "" };
    // What a certificate has beside its subject is not to be guessed.
    let is_by_subject = asking.iter().all(|one| one.principal.kinds().eq([NameKind::Subject]));
    let (setting, example) = match (is_by_subject, first.principal.rules(NameKind::Subject)) {
        (true, Some(rules)) => ("the principal_mapping_rules", example(rules, known.name())),
        _ => ("principal_from and the rules", LOOK.to_owned()),
    };
    Some(format!("{named} is nobody by {setting}{of_any}: {example}"))
}

const LOOK: &str = "'doorkeeper check --client FILE' says who a certificate makes somebody";

/// What becomes of a client whose certificate somebody may have had in mind for that name.
fn example(rules: &MappingRules, name: &str) -> String {
    let is_plain =
        name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | '/' | ':'));
    let subject = match (may_be_subject(name), is_plain) {
        (true, _) => name.to_owned(),
        (false, true) => format!("CN={name}"),
        (false, false) => return LOOK.to_owned(),
    };
    match rules.apply(&subject) {
        Ok(made) => format!(
            "a client with the subject {} is {}",
            quoted(&subject),
            quoted(Principal::user(&made).as_str())
        ),
        Err(why) => format!("of the subject {} they make nobody: {why}", quoted(&subject)),
    }
}
