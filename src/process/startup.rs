//! Everything that is read before anything is served: the same for `run` as for `check`, by being one function.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use super::acl_store::AclStore;
use super::config::{Acls, Config, Fault, Faults};
use super::credentials::AllCredentials;
use super::identity::{self, ClientStore, Identity};
use super::nobody;

/// What a proxy is run with.
#[derive(Debug)]
pub struct Ready {
    /// The configuration.
    pub config: Config,
    /// One for each listener, in the same order.
    pub identities: Vec<Identity>,
    /// What is shown to other servers, each with the place where it is used.
    pub clients: Vec<Arc<ClientStore>>,
    /// The bindings.
    pub acls: Arc<AclStore>,
    /// By what clients log in.
    pub credentials: AllCredentials,
    /// What is allowed but risky, of all files; to be logged.
    pub warnings: Vec<Fault>,
}

/// Reads the configuration and every file that it names.
///
/// # Errors
/// Every fault in all of them.
pub fn load(path: &Path, now: SystemTime) -> Result<Ready, Faults> {
    let (config, mut faults) = Config::examine(path);
    let Some(config) = config else { return Err(Faults::sorted(faults)) };
    let mut warnings = config.warnings.clone();
    let mut identities = Vec::new();
    for listener in &config.listeners {
        match identity::load(&config.document, listener, now) {
            Ok(identity) => {
                warnings.extend(identity.warnings.iter().cloned());
                identities.push(identity);
            }
            Err(more) => faults.extend(more.0),
        }
    }
    let acls = match config.document.is_wrong("authorization.acls.file") {
        true => None,
        false => match open_clients(&config, now)
            .and_then(|clients| Ok((Arc::new(read_acls(&config, &clients)?), clients)))
        {
            Ok(opened) => Some(opened),
            Err(more) => {
                faults.extend(more.0);
                None
            }
        },
    };
    let credentials = match AllCredentials::open(&config, acls.as_ref().map(|(acls, _)| acls)) {
        Ok((credentials, more)) => {
            warnings.extend(more);
            credentials
        }
        Err(more) => {
            faults.extend(more.0);
            AllCredentials::default()
        }
    };
    match acls {
        Some((acls, clients)) if faults.is_empty() => {
            warnings.extend(clients.iter().flat_map(|client| client.warnings()).cloned());
            warnings.extend(acls.warnings().iter().cloned());
            warnings.extend(nobody::warnings(&config, &acls));
            let warnings = Faults::sorted(warnings).0;
            Ok(Ready { config, identities, clients, acls, credentials, warnings })
        }
        _ => Err(Faults::sorted(faults)),
    }
}

/// Reads the ACL file that the configuration names, if it names one, or the files with which a topic is reached.
///
/// # Errors
/// Every fault in it; one that is the file itself, such as that it is missing, is at the place that names it.
pub fn open_acls(config: &Config, now: SystemTime) -> Result<AclStore, Faults> {
    read_acls(config, &open_clients(config, now)?)
}

/// Where the doorkeepers are named that a topic with bindings is reached through.
const ACLS: &str = "authorization.acls";

/// Reads what is shown to other servers.
fn open_clients(config: &Config, now: SystemTime) -> Result<Vec<Arc<ClientStore>>, Faults> {
    let topic = config.authorization.acls.as_ref().and_then(Acls::topic);
    let doorkeepers = topic.and_then(|topic| topic.doorkeepers.as_ref());
    let opened = doorkeepers
        .map(|doorkeepers| ClientStore::open(&config.document, ACLS, &doorkeepers.tls, now).map(Arc::new));
    Ok(opened.transpose()?.into_iter().collect())
}

fn read_acls(config: &Config, clients: &[Arc<ClientStore>]) -> Result<AclStore, Faults> {
    let client = clients.iter().find(|client| client.used_by() == ACLS).cloned();
    AclStore::open(&config.authorization, client).map_err(|Faults(faults)| {
        let placed = |fault: Fault| match fault.place {
            Some(_) => fault,
            None => config
                .document
                .fault("authorization.acls.file", format!("{}: {}", fault.file.display(), fault.message)),
        };
        Faults(faults.into_iter().map(placed).collect())
    })
}
