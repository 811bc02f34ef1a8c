//! Who may do what: the super users, and the place of the bindings.

use super::{Validator, is_loopback, leaves_this_host};
use crate::process::config::raw;
use crate::process::config::text::HostPort;
use crate::process::config::{AclFile, AclTopic, Acls, Authorization, ClientTls, Doorkeepers};

impl Validator<'_> {
    pub(super) fn authorization(
        &mut self,
        raw: raw::Authorization,
        upstream: Option<HostPort>,
    ) -> Authorization {
        for (i, name) in raw.super_users.iter().enumerate() {
            if let Some(message) = is_no_super_user(name) {
                self.warn(&format!("authorization.super_users.{i}"), message);
            }
        }
        if raw.acls.is_none() && !self.document.is_wrong("authorization.acls") {
            let message = match raw.allow_everyone_if_no_acl_found {
                true => {
                    "without 'acls' and with 'allow_everyone_if_no_acl_found: true' everybody may do everything"
                }
                false => "without 'acls' nobody but the super users may do anything",
            };
            self.warn("authorization", message);
        }
        Authorization {
            super_users: raw.super_users,
            allow_everyone_if_no_acl_found: raw.allow_everyone_if_no_acl_found,
            acls: raw.acls.and_then(|acls| self.acls(acls, upstream)),
        }
    }

    /// Where the bindings are, if that is one place.
    fn acls(&mut self, raw: raw::Acls, upstream: Option<HostPort>) -> Option<Acls> {
        const AT: &str = "authorization.acls";
        let foreign: &[&str] = match (&raw.file, &raw.topic) {
            (Some(_), None) => &["bootstrap_servers", "replication_factor", "tls"],
            (None, Some(_)) => &["reload_interval"],
            (Some(_), Some(_)) => {
                self.fault(
                    &format!("{AT}.topic"),
                    "the bindings are in a file already: keep one of 'file' and 'topic'",
                );
                return None;
            }
            (None, None) => {
                if ["file", "topic"].iter().all(|key| !self.document.is_wrong(&format!("{AT}.{key}"))) {
                    let message = "the place of the bindings is missing: add 'file: acls.yaml' or 'topic: __doorkeeper_acls'";
                    self.fault(AT, message);
                }
                return None;
            }
        };
        let place = if raw.file.is_some() { "file" } else { "topic" };
        for key in foreign.iter().filter(|key| self.document.has(&format!("{AT}.{key}"))) {
            self.fault(
                &format!("{AT}.{key}"),
                format!("'{key}' means nothing beside '{place}': leave it out"),
            );
        }
        if let Some(file) = &raw.file {
            let file = self.document.resolve(file);
            return Some(Acls::File(AclFile { file, reload_interval: raw.reload_interval }));
        }
        let (own, given) = (upstream.into_iter().collect(), raw.bootstrap_servers);
        let (bootstrap_servers, doorkeepers) = match (raw.tls, given) {
            (Some(tls), Some(bootstrap_servers)) => (own, Some(self.doorkeepers(tls, bootstrap_servers))),
            (Some(_), None) => {
                if !self.document.is_wrong(&format!("{AT}.bootstrap_servers")) {
                    let message = "with 'tls' the key 'bootstrap_servers' is needed: name doorkeepers as clients do, such \
                                   as [kafka-0.example.com:9443]";
                    self.fault(&format!("{AT}.tls"), message);
                }
                return None;
            }
            // A wrong way is not to be replaced by another one.
            (None, _) if self.document.is_wrong(&format!("{AT}.tls")) => return None,
            (None, Some(brokers)) => {
                for (i, server) in brokers.iter().enumerate().filter(|(_, server)| !is_loopback(&server.host))
                {
                    self.warn(&format!("{AT}.bootstrap_servers.{i}"), leaves_this_host(server));
                }
                (brokers, None)
            }
            (None, None) => (own, None),
        };
        let replication_factor = raw.replication_factor;
        raw.topic
            .map(|name| Acls::Topic(AclTopic { name, bootstrap_servers, doorkeepers, replication_factor }))
    }

    fn doorkeepers(&self, tls: raw::ClientTls, bootstrap_servers: Vec<HostPort>) -> Doorkeepers {
        let tls = ClientTls {
            certificate_chain: self.document.resolve(&tls.certificate_chain),
            private_key: self.document.resolve(&tls.private_key),
            server_ca: self.document.resolve(&tls.server_ca),
            reload_interval: tls.reload_interval,
        };
        Doorkeepers { bootstrap_servers, tls }
    }
}

/// Why nobody can be this super user, whatever the mapping rules.
pub(crate) fn is_no_super_user(principal: &str) -> Option<String> {
    let why = match principal.strip_prefix("User:") {
        None => "the type of a principal from a certificate is 'User'",
        Some("*") => "a super user is named in full, and '*' is no pattern here",
        Some(name) if name.contains(";User:") => "in this list each super user has an entry of its own",
        Some(name) if name.trim() != name => "it has blanks around its name",
        Some(_) => return None,
    };
    Some(format!("'{principal}' is nobody: {why}"))
}
