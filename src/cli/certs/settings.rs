//! What clients read: where doorkeeper is, what they trust, and what they show.

use std::path::Path;

use crate::model::sasl::Mechanism;

/// A client's folder, as its programs see it.
pub(in crate::cli) struct Settings<'a> {
    /// The name in the client's certificate.
    pub(in crate::cli) client: &'a str,
    /// Its folder, as an absolute path.
    pub(in crate::cli) folder: &'a Path,
    /// Host and port, as `bootstrap.servers` has it.
    pub(in crate::cli) bootstrap: &'a str,
    /// A topic for the example.
    pub(in crate::cli) topic: &'a str,
    /// The password that it logs in with, where it shows no certificate.
    pub(in crate::cli) login: Option<&'a str>,
}

/// By what clients log in that have a password.
pub(in crate::cli) const MECHANISM: Mechanism = Mechanism::ScramSha512;

impl Settings<'_> {
    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// `client.properties` of Java's clients and of Kafka's own tools. The stores are PKCS#12, which clients of every version read;
    /// PEM they read from Kafka 2.7 on.
    pub(in crate::cli) fn properties(&self, password: &str) -> String {
        let mut text = format!(
            "# For Java: {client} at doorkeeper. Kafka's own tools take it with --command-config, or --producer.config and\n\
             # --consumer.config. Where the folder lies elsewhere, so do the two stores.\n",
            client = self.client
        );
        let mut rows = vec![("bootstrap.servers", self.bootstrap.to_owned())];
        match self.login {
            None => rows.extend([
                ("security.protocol", "SSL".to_owned()),
                ("ssl.keystore.type", "PKCS12".to_owned()),
                ("ssl.keystore.location", self.path("client.p12")),
                ("ssl.keystore.password", password.to_owned()),
            ]),
            Some(login) => rows.extend([
                ("security.protocol", "SASL_SSL".to_owned()),
                ("sasl.mechanism", MECHANISM.name().to_owned()),
                (
                    "sasl.jaas.config",
                    // Both are letters and digits.
                    format!(
                        "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"{}\" password=\"{login}\";",
                        self.client
                    ),
                ),
            ]),
        }
        rows.extend([
            ("ssl.truststore.type", "PKCS12".to_owned()),
            ("ssl.truststore.location", self.path("truststore.p12")),
            ("ssl.truststore.password", password.to_owned()),
        ]);
        for (key, value) in rows {
            text += &format!("{key}={}\n", property(&value));
        }
        text
    }

    /// `kcat.conf` of kcat, and of whatever else reads librdkafka's settings from a file.
    pub(in crate::cli) fn kcat(&self) -> String {
        format!(
            "# For kcat and librdkafka: {client} at doorkeeper. Where the folder lies elsewhere, so do the three files.\n\
             bootstrap.servers={bootstrap}\n\
             ssl.ca.location={ca}\n\
             {shown}",
            client = self.client,
            bootstrap = self.bootstrap,
            ca = self.path("ca.crt"),
            shown = match self.login {
                None => format!(
                    "security.protocol=ssl\nssl.certificate.location={}\nssl.key.location={}\n",
                    self.path("client.crt"),
                    self.path("client.key")
                ),
                Some(login) => format!(
                    "security.protocol=sasl_ssl\nsasl.mechanism={MECHANISM}\nsasl.username={}\nsasl.password={login}\n",
                    self.client
                ),
            },
        )
    }

    /// `client.py`, a program that sends a record with confluent-kafka.
    pub(in crate::cli) fn python(&self) -> String {
        format!(
            r#"#!/usr/bin/env python3
"""Sends a record as {client}, with confluent-kafka: pip install confluent-kafka."""

from pathlib import Path

from confluent_kafka import Producer

here = Path(__file__).resolve().parent
settings = {{
    "bootstrap.servers": "{bootstrap}",
    "ssl.ca.location": str(here / "ca.crt"),
{shown}}}


def delivered(error, message):
    print(f"not delivered: {{error}}" if error else f"delivered to {{message.topic()}} at {{message.offset()}}")


producer = Producer(settings)
producer.produce("{topic}", b"hello", on_delivery=delivered)
producer.flush(30)
"#,
            client = self.client,
            bootstrap = self.bootstrap,
            topic = self.topic,
            shown = match self.login {
                None => r#"    "security.protocol": "ssl",
    "ssl.certificate.location": str(here / "client.crt"),
    "ssl.key.location": str(here / "client.key"),
"#
                .to_owned(),
                Some(login) => format!(
                    "    \"security.protocol\": \"sasl_ssl\",\n    \"sasl.mechanism\": \"{MECHANISM}\",\n    \
                     \"sasl.username\": \"{}\",\n    \"sasl.password\": \"{login}\",\n",
                    self.client
                ),
            },
        )
    }
}

/// A value as `java.util.Properties` reads it again: backslashes, a blank at the beginning, and whatever is not ASCII are written as
/// escapes.
fn property(value: &str) -> String {
    let mut text = String::new();
    for (at, c) in value.chars().enumerate() {
        match c {
            '\\' => text += "\\\\",
            ' ' if at == 0 => text += "\\ ",
            ' '..='~' => text.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    text += &format!("\\u{unit:04x}");
                }
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_written_as_java_reads_them() {
        for (value, text) in [
            ("/home/a b/c=d:e#", "/home/a b/c=d:e#"),
            (" x", "\\ x"),
            ("a\\b", "a\\\\b"),
            ("K\u{f6}ln\u{1f600}\n", "K\\u00f6ln\\ud83d\\ude00\\u000a"),
        ] {
            assert_eq!(property(value), text);
        }
    }
}
