//! How clients log in.

use std::time::Duration;

use super::{Validator, is_loopback};
use crate::model::sasl::Mechanism;
use crate::model::sasl::token::TokenRules;
use crate::process::config::raw::sasl as raw;
use crate::process::config::raw::{ClientAuthWord, Listener};
use crate::process::config::sasl::{Bearer, KeySource, Sasl, UserFile, UserPlace};

/// The longest that a clock may be wrong.
const MOST_SKEW: Duration = Duration::from_secs(600);
/// The most often that a server is asked for keys.
const LEAST_INTERVAL: Duration = Duration::from_secs(10);

impl Validator<'_> {
    /// `None` where it is wrong.
    pub(super) fn sasl(&mut self, at: &str, listener: &Listener) -> Option<Option<Sasl>> {
        let Some(raw) = &listener.sasl else { return Some(None) };
        let before = self.faults.len();
        let with_certificate = raw.required == raw::SaslRequired::Always;
        if !with_certificate && listener.tls.client_auth == ClientAuthWord::Required {
            let message = "nobody gets in without a certificate, and whoever has one need not log in: with \
                           'tls.client_auth: requested' those without one can";
            self.warn(&format!("{at}.required"), message);
        }
        let needs = |wanted: fn(Mechanism) -> bool| {
            raw.mechanisms.iter().copied().find(|mechanism| wanted(*mechanism))
        };
        let of_users = needs(|mechanism| mechanism != Mechanism::OAuthBearer);
        match (of_users, &raw.users) {
            (Some(mechanism), None) if !self.document.is_wrong(&format!("{at}.users")) => {
                let message = format!("{mechanism} needs users: add 'users: {{ file: users.yaml }}'");
                self.fault(at, message);
            }
            (None, Some(_)) => {
                self.warn(&format!("{at}.users"), "no mechanism here has users: OAUTHBEARER has tokens");
            }
            _ => {}
        }
        let of_tokens = needs(|mechanism| mechanism == Mechanism::OAuthBearer);
        match (of_tokens, &raw.oauthbearer) {
            (Some(mechanism), None) if !self.document.is_wrong(&format!("{at}.oauthbearer")) => {
                let message = format!(
                    "{mechanism} needs to know whose tokens are taken: add 'oauthbearer', with 'jwks', 'issuer' and 'audience'"
                );
                self.fault(at, message);
            }
            (None, Some(_)) => {
                self.warn(
                    &format!("{at}.oauthbearer"),
                    "it is of no use: OAUTHBEARER is not one of the mechanisms",
                );
            }
            _ => {}
        }
        let bearer = match &raw.oauthbearer {
            Some(bearer) => self.bearer(&format!("{at}.oauthbearer"), bearer),
            None => None,
        };
        let users = raw.users.as_ref().and_then(|users| self.users(&format!("{at}.users"), users));
        (self.faults.len() == before).then(|| {
            Some(Sasl {
                mechanisms: raw.mechanisms.clone(),
                is_required_with_certificate: with_certificate,
                users,
                bearer,
                max_reauth: raw.max_reauth,
            })
        })
    }

    fn users(&mut self, at: &str, raw: &raw::Users) -> Option<UserPlace> {
        let is_wrong = |key: &str| self.document.is_wrong(&format!("{at}.{key}"));
        match (&raw.file, raw.topic) {
            (Some(_), true) => {
                self.fault(
                    &format!("{at}.topic"),
                    "the users are in a file already: keep one of 'file' and 'topic'",
                );
                None
            }
            (None, false) => {
                if !is_wrong("file") && !is_wrong("topic") {
                    let message =
                        "the place of the users is missing: add 'file: users.yaml' or 'topic: true'";
                    self.fault(at, message);
                }
                None
            }
            (Some(file), false) => {
                let (file, reload_interval) = (self.document.resolve(file), raw.reload_interval);
                Some(UserPlace::File(UserFile { file, reload_interval }))
            }
            (None, true) => {
                let interval = format!("{at}.reload_interval");
                if self.document.has(&interval) {
                    self.fault(&interval, "'reload_interval' means nothing beside 'topic': leave it out");
                }
                const TOPIC: &str = "authorization.acls.topic";
                if !self.document.has(TOPIC) && !self.document.is_wrong("authorization.acls") {
                    let message = "the users would be in the topic with the ACLs, and there is none: add \
                                   'acls: { topic: __doorkeeper_acls }' under 'authorization', or keep users in a 'file'";
                    self.fault(&format!("{at}.topic"), message);
                }
                Some(UserPlace::Topic)
            }
        }
    }

    fn bearer(&mut self, at: &str, raw: &raw::OAuthBearer) -> Option<Bearer> {
        if raw.clock_skew > MOST_SKEW {
            self.fault(
                &format!("{at}.clock_skew"),
                "clocks that differ by more than ten minutes are wrong: set them right",
            );
        }
        let interval = raw.jwks.refresh_interval;
        let at_jwks = format!("{at}.jwks");
        let keys = match (&raw.jwks.file, &raw.jwks.url) {
            (Some(file), None) => {
                if raw.jwks.ca.is_some() {
                    self.fault(&format!("{at_jwks}.ca"), "'ca' means nothing beside 'file': leave it out");
                }
                Some((
                    KeySource::File(self.document.resolve(file)),
                    interval.unwrap_or(Duration::from_secs(10)),
                ))
            }
            (None, Some(url)) => {
                if interval.is_some_and(|interval| interval < LEAST_INTERVAL) {
                    let message =
                        "a server is asked every 10 s at most; a key that is not known is asked for at once";
                    self.fault(&format!("{at_jwks}.refresh_interval"), message);
                }
                let ca = raw.jwks.ca.as_ref().map(|ca| self.document.resolve(ca));
                match key_url(url, ca) {
                    Ok(keys) => Some((keys, interval.unwrap_or(Duration::from_secs(3600)))),
                    Err((key, message)) => {
                        self.fault(&format!("{at_jwks}{key}"), message);
                        None
                    }
                }
            }
            (Some(_), Some(_)) => {
                self.fault(
                    &format!("{at_jwks}.url"),
                    "the keys are in a file already: keep one of 'file' and 'url'",
                );
                None
            }
            (None, None) => {
                self.fault(
                    &at_jwks,
                    "the place of the keys is missing: add 'file: jwks.json' or 'url: https://…'",
                );
                None
            }
        };
        let (keys, refresh_interval) = keys?;
        let rules = TokenRules {
            issuer: raw.issuer.clone(),
            audience: raw.audience.clone(),
            principal_claim: raw.principal_claim.clone(),
            clock_skew: raw.clock_skew,
        };
        Some(Bearer { keys, refresh_interval, rules })
    }
}

/// Reads the address of keys; a fault has the key it is about.
fn key_url(url: &str, ca: Option<std::path::PathBuf>) -> Result<KeySource, (&'static str, String)> {
    let fault = |message: &str| Err((".url", message.to_owned()));
    let uri: hyper::Uri = match url.parse() {
        Ok(uri) => uri,
        Err(error) => return Err((".url", format!("it is no URL: {error}"))),
    };
    let Some(host) = uri.host().filter(|host| !host.is_empty()) else { return fault("it names no host") };
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return fault("a name and a password in a URL are not served");
    }
    let host = host.trim_matches(['[', ']']).to_owned();
    let (tls, default) = match uri.scheme_str() {
        Some("https") => (true, 443),
        Some("http") if is_loopback(&host) => (false, 80),
        Some("http") => {
            return fault(
                "whoever stands between could give keys of their own: it must be https, unless it is this host",
            );
        }
        _ => return fault("it must begin with https://"),
    };
    let ca = match (tls, ca) {
        (true, Some(ca)) => Some(ca),
        (true, None) => {
            let message = "the key 'ca' is missing: name the file with the certificates of the issuers that this server's \
                           certificate may be from, such as /etc/ssl/certs/ca-certificates.crt";
            return Err(("", message.to_owned()));
        }
        (false, Some(_)) => return Err((".ca", "'ca' means nothing without https: leave it out".to_owned())),
        (false, None) => None,
    };
    let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    Ok(KeySource::Url { host, port: uri.port_u16().unwrap_or(default), path, ca })
}
