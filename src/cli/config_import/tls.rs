//! `ssl.*` of a listener as the keys of `tls`.

use super::broker::{Broker, Found, Listener, Protocol};
use super::yaml::{Text, list, quoted};
use crate::process::config::text::cipher_suite;

/// Where the parts are expected that are not in files yet.
const CHAIN: &str = "tls/tls.crt";
const KEY: &str = "tls/tls.key";
const CA: &str = "tls/ca.crt";

/// Kafka's own default of `ssl.keystore.type` and `ssl.truststore.type`.
const DEFAULT_TYPE: &str = "JKS";

/// Writes the keys of `tls`, so many levels deep.
pub(super) fn write(text: &mut Text, depth: usize, broker: &Broker<'_>, listener: &Listener) {
    let of = |key: &str| broker.of_listener(&listener.name, key);
    own(text, depth, &of);
    let client_auth = client_auth(text, broker, listener);
    if client_auth != "none" {
        trusted(text, depth, &of);
    }
    text.line(depth, &format!("client_auth: {client_auth}"));
    if let Some(found) = of("ssl.enabled.protocols") {
        let versions: Vec<&str> = found.value.split(',').map(str::trim).collect();
        if versions.contains(&"TLSv1.3") && !versions.contains(&"TLSv1.2") {
            text.line(depth, "min_version: TLSv1.3");
        }
        if let Some(old) = versions.iter().find(|version| !["TLSv1.2", "TLSv1.3"].contains(version)) {
            text.not_taken(
                found.line,
                format!(
                    "{}: {old} is not spoken: clients that know nothing newer than that are refused",
                    found.key
                ),
            );
        }
    }
    if let Some(found) = of("ssl.cipher.suites") {
        let (known, unknown): (Vec<&str>, Vec<&str>) =
            found.value.split(',').map(str::trim).partition(|name| cipher_suite(name).is_ok());
        if !known.is_empty() {
            text.line(depth, &format!("cipher_suites: {}", list(&known)));
        }
        if !unknown.is_empty() {
            text.not_taken(
                found.line,
                format!(
                    "{}: {} are not served: clients that have no other are refused",
                    found.key,
                    unknown.join(", ")
                ),
            );
        }
    }
}

/// The listener's own certificate and key.
fn own<'a>(text: &mut Text, depth: usize, of: &dyn Fn(&str) -> Option<Found<'a>>) {
    let is_pem = is_pem(of("ssl.keystore.type"));
    let (location, password) = (of("ssl.keystore.location"), of("ssl.keystore.password"));
    let key_password = of("ssl.key.password");
    let inline = (of("ssl.keystore.certificate.chain"), of("ssl.keystore.key"));
    match (is_pem, location, inline) {
        (true, Some(file), _) => {
            absolute(text, file);
            text.line(depth, &format!("certificate_chain: {}", quoted(file.value)));
            text.line(depth, &format!("private_key: {}", quoted(file.value)));
        }
        (true, None, (Some(chain), Some(key))) => {
            text.line(depth, &format!("certificate_chain: {CHAIN}"));
            text.line(depth, &format!("private_key: {KEY}"));
            to_file(text, chain, CHAIN);
            to_file(text, key, KEY);
        }
        (false, Some(file), _) => {
            absolute(text, file);
            let mut parts = vec![format!("file: {}", quoted(file.value))];
            parts.extend(password.map(|password| password_file(text, "password_file", password)));
            // Most keys have the password of their store.
            let own = key_password.filter(|own| password.is_none_or(|password| password.value != own.value));
            parts.extend(own.map(|own| password_file(text, "key_password_file", own)));
            text.line(depth, &format!("keystore: {{ {} }}", parts.join(", ")));
        }
        _ => {
            text.line(depth, &format!("certificate_chain: {CHAIN}"));
            text.line(depth, &format!("private_key: {KEY}"));
            text.todo(format!(
                "{CHAIN} and {KEY}: the broker has no key store there; 'doorkeeper certs server' makes both"
            ));
        }
    }
    if let Some(found) = key_password.filter(|_| is_pem) {
        let line = password_file(text, "private_key_password_file", found);
        text.line(depth, &line);
    }
}

/// The authorities whose clients are trusted.
fn trusted<'a>(text: &mut Text, depth: usize, of: &dyn Fn(&str) -> Option<Found<'a>>) {
    let is_pem = is_pem(of("ssl.truststore.type"));
    let (location, password) = (of("ssl.truststore.location"), of("ssl.truststore.password"));
    match (is_pem, location, of("ssl.truststore.certificates")) {
        (true, Some(file), _) => {
            absolute(text, file);
            text.line(depth, &format!("client_ca: {}", quoted(file.value)));
        }
        (true, None, Some(certificates)) => {
            text.line(depth, &format!("client_ca: {CA}"));
            to_file(text, certificates, CA);
        }
        (false, Some(file), _) => {
            absolute(text, file);
            let mut parts = vec![format!("file: {}", quoted(file.value))];
            parts.extend(password.map(|password| password_file(text, "password_file", password)));
            text.line(depth, &format!("truststore: {{ {} }}", parts.join(", ")));
        }
        _ => {
            text.line(depth, &format!("client_ca: {CA}"));
            text.todo(format!(
                "{CA}: the broker names no trust store, so that Java's public authorities are trusted; name the authority of your \
                 clients instead"
            ));
        }
    }
}

fn is_pem(found: Option<Found<'_>>) -> bool {
    found.map_or(DEFAULT_TYPE, |found| found.value).eq_ignore_ascii_case("PEM")
}

/// A key that names the file for a password, which is never copied.
fn password_file(text: &mut Text, key: &str, password: Found<'_>) -> String {
    let file = format!("tls/{}", password.key);
    text.todo(format!(
        "{file}: write the password there, from line {}; only doorkeeper may read it",
        password.line
    ));
    format!("{key}: {file}")
}

fn to_file(text: &mut Text, found: Found<'_>, file: &str) {
    text.todo(format!("{file}: write the value of {} there, from line {}", found.key, found.line));
}

/// Relative paths start elsewhere here.
fn absolute(text: &mut Text, found: Found<'_>) {
    if !found.value.starts_with('/') {
        text.todo(format!(
            "{} (line {}) is relative to where Kafka was started: here paths start at the folder of this file",
            found.key, found.line
        ));
    }
}

/// `ssl.client.auth`, which a broker's own does not decide for listeners with SASL (KIP-684).
fn client_auth(text: &mut Text, broker: &Broker<'_>, listener: &Listener) -> &'static str {
    const KEY: &str = "ssl.client.auth";
    let found = match listener.protocol {
        Protocol::SaslSsl => broker.only_of_listener(&listener.name, KEY),
        _ => broker.of_listener(&listener.name, KEY),
    };
    let word = match found.map(|found| found.value.to_lowercase()).as_deref() {
        None | Some("none") => "none",
        Some("required") => "required",
        Some("requested") => "requested",
        Some(_) => {
            text.todo(format!(
                "{KEY} of the listener {} is none of required, requested and none",
                listener.name
            ));
            "required"
        }
    };
    if word == "none" && listener.protocol == Protocol::Ssl {
        text.todo(format!(
            "the listener {} asks nobody for a certificate, so that everybody is User:ANONYMOUS: 'client_auth: required' with \
             client_ca makes clients somebody",
            listener.name
        ));
    }
    word
}
