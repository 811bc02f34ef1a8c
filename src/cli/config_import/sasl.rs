//! `sasl.*` of a listener as the key `sasl`.

use std::time::Duration;

use super::broker::{Broker, Found, Listener};
use super::yaml::{Text, list, quoted};
use crate::process::config::document;
use crate::process::config::text::duration_text;

/// What doorkeeper logs in by, and whether users are in a file.
const MECHANISMS: [(&str, bool); 4] =
    [("SCRAM-SHA-512", true), ("SCRAM-SHA-256", true), ("PLAIN", true), ("OAUTHBEARER", false)];

/// Kafka's own default of `sasl.enabled.mechanisms`.
const DEFAULT: &str = "GSSAPI";

/// How the clients of a listener log in.
pub(super) struct Sasl<'a> {
    mechanisms: Vec<&'static str>,
    token: Option<Token<'a>>,
    max_reauth: Option<Duration>,
}

/// Whose tokens are taken.
struct Token<'a> {
    keys: &'a str,
    issuer: &'a str,
    audience: Vec<&'a str>,
    claim: Option<&'a str>,
    skew: Option<Duration>,
    refresh: Option<Duration>,
}

impl<'a> Sasl<'a> {
    /// What of it can be taken over; nothing if nobody could log in.
    pub(super) fn of(text: &mut Text, broker: &Broker<'a>, listener: &Listener) -> Option<Self> {
        let name = listener.name.as_str();
        let enabled = broker.of_listener(name, "sasl.enabled.mechanisms");
        let line = enabled.map_or(0, |found| found.line);
        let mut mechanisms = Vec::new();
        let mut token = None;
        for word in enabled.map_or(DEFAULT, |found| found.value).split(',').map(str::trim) {
            match MECHANISMS.iter().find(|(known, _)| *known == word.to_uppercase()) {
                Some(("OAUTHBEARER", _)) => {
                    token = Token::of(text, broker, name, line);
                    mechanisms.extend(token.as_ref().map(|_| "OAUTHBEARER"));
                }
                Some((known, _)) => {
                    users(text, broker, name, known);
                    mechanisms.push(*known);
                }
                None => text.not_taken(
                    line,
                    format!(
                        "sasl.enabled.mechanisms: {} is not spoken at the listener {name}: its clients need a certificate, or one of {}",
                        document::quoted(word),
                        MECHANISMS.map(|(known, _)| known).join(", ")
                    ),
                ),
            }
        }
        // One that is named twice would be there twice.
        mechanisms = MECHANISMS
            .map(|(known, _)| known)
            .into_iter()
            .filter(|known| mechanisms.contains(known))
            .collect();
        let max_reauth = milliseconds(text, broker.of_listener(name, "connections.max.reauth.ms"));
        (!mechanisms.is_empty()).then_some(Self { mechanisms, token, max_reauth })
    }

    /// Writes the key, so many levels deep.
    pub(super) fn write(&self, text: &mut Text, depth: usize) {
        text.line(depth, "sasl:");
        let depth = depth + 1;
        text.line(depth, &format!("mechanisms: [{}]", self.mechanisms.join(", ")));
        text.line(depth, "required: always");
        let has_users =
            |mechanism: &&str| MECHANISMS.iter().any(|(known, users)| known == mechanism && *users);
        if self.mechanisms.iter().any(has_users) {
            text.line(depth, "users: { file: users.yaml }");
        }
        if let Some(token) = &self.token {
            text.line(depth, "oauthbearer:");
            token.write(text, depth + 1);
        }
        if let Some(span) = self.max_reauth {
            text.line(depth, &format!("max_reauth: {}", duration_text(span)));
        }
    }
}

impl<'a> Token<'a> {
    fn of(text: &mut Text, broker: &Broker<'a>, listener: &str, line: usize) -> Option<Self> {
        let of = |key: &str| broker.of_mechanism(listener, "OAUTHBEARER", key);
        let keys = of("sasl.oauthbearer.jwks.endpoint.url");
        let issuer = of("sasl.oauthbearer.expected.issuer");
        let audience = of("sasl.oauthbearer.expected.audience");
        let seconds = of("sasl.oauthbearer.clock.skew.seconds");
        let refresh = milliseconds(text, of("sasl.oauthbearer.jwks.endpoint.refresh.ms"));
        let claim = of("sasl.oauthbearer.sub.claim.name");
        let (Some(keys), Some(issuer), Some(audience)) = (keys, issuer, audience) else {
            text.not_taken(
                line,
                "sasl.enabled.mechanisms: OAUTHBEARER needs sasl.oauthbearer.jwks.endpoint.url, .expected.issuer and \
                 .expected.audience, without which a token proves nothing: write the key 'oauthbearer' yourself",
            );
            return None;
        };
        Some(Self {
            keys: keys.value,
            issuer: issuer.value,
            audience: audience.value.split(',').map(str::trim).collect(),
            claim: claim.map(|found| found.value),
            skew: seconds.and_then(|found| found.value.parse().ok()).map(Duration::from_secs),
            refresh,
        })
    }

    fn write(&self, text: &mut Text, depth: usize) {
        // As Java writes it, `file:/keys.json`, and as everybody else does.
        let file = self.keys.strip_prefix("file:").map(|path| path.strip_prefix("//").unwrap_or(path));
        let keys = match file {
            Some(file) => format!("file: {}", quoted(file)),
            None => format!("url: {}", quoted(self.keys)),
        };
        if self.keys.starts_with("https:") {
            text.todo(
                "sasl.oauthbearer.jwks.ca: the file with the authorities that the certificate of this server may be from, such as \
                 /etc/ssl/certs/ca-certificates.crt",
            );
        }
        let refresh = self.refresh.map(|span| format!(", refresh_interval: {}", duration_text(span)));
        text.line(depth, &format!("jwks: {{ {keys}{} }}", refresh.unwrap_or_default()));
        text.line(depth, &format!("issuer: {}", quoted(self.issuer)));
        text.line(depth, &format!("audience: {}", list(&self.audience)));
        if let Some(claim) = self.claim {
            text.line(depth, &format!("principal_claim: {}", quoted(claim)));
        }
        if let Some(skew) = self.skew {
            text.line(depth, &format!("clock_skew: {}", duration_text(skew)));
        }
    }
}

/// Says where the users of a mechanism are to come from.
fn users(text: &mut Text, broker: &Broker<'_>, listener: &str, mechanism: &str) {
    let jaas = broker.of_mechanism(listener, mechanism, "sasl.jaas.config");
    match (mechanism, jaas) {
        ("PLAIN", Some(found)) => {
            let names = plain_users(found.value);
            text.todo(match names.is_empty() {
                true => "users.yaml: the users of PLAIN, which the broker asks elsewhere, with 'doorkeeper users'".to_owned(),
                false => format!(
                    "users.yaml: the users {} of PLAIN, with 'doorkeeper users'; their passwords stand in line {}",
                    names.join(", "),
                    found.line
                ),
            });
        }
        ("PLAIN", None) => text.todo(
            "users.yaml: the users of PLAIN, with 'doorkeeper users'; they stand in the JAAS file that KAFKA_OPTS names",
        ),
        _ => text.todo(
            "users.yaml: the users of SCRAM, with their passwords, by 'doorkeeper users import' out of what \
             'kafka-dump-log --cluster-metadata-decoder' or ZooKeeper says",
        ),
    }
    if let Some(found) = broker.of_mechanism(listener, mechanism, "sasl.server.callback.handler.class") {
        text.not_taken(
            found.line,
            format!("{}: a class of Java decides who logs in, which is not asked here: put the users into users.yaml", found.key),
        );
    }
}

/// The names in `user_alice="…"` of `PlainLoginModule`; the passwords behind them are left where they are.
fn plain_users(jaas: &str) -> Vec<String> {
    let options = jaas.split_whitespace().filter_map(|option| option.strip_prefix("user_"));
    let names = options
        .filter_map(|option| option.split_once('=').map(|(name, _)| name.trim_matches('"').to_owned()));
    names.take(100).collect()
}

/// A span in milliseconds; 0 is none.
fn milliseconds(text: &mut Text, found: Option<Found<'_>>) -> Option<Duration> {
    let found = found?;
    match found.value.parse::<u64>() {
        Ok(0) => None,
        Ok(number) => Some(Duration::from_millis(number)),
        Err(_) => {
            text.not_taken(found.line, format!("{}: this is no number of milliseconds", found.key));
            None
        }
    }
}
