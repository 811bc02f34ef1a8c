//! What clients read: where doorkeeper is, what they trust, and what they show.

use std::path::Path;

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
}

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
        let rows = [
            ("bootstrap.servers", self.bootstrap.to_owned()),
            ("security.protocol", "SSL".to_owned()),
            ("ssl.keystore.type", "PKCS12".to_owned()),
            ("ssl.keystore.location", self.path("client.p12")),
            ("ssl.keystore.password", password.to_owned()),
            ("ssl.truststore.type", "PKCS12".to_owned()),
            ("ssl.truststore.location", self.path("truststore.p12")),
            ("ssl.truststore.password", password.to_owned()),
        ];
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
             security.protocol=ssl\n\
             ssl.ca.location={ca}\n\
             ssl.certificate.location={certificate}\n\
             ssl.key.location={key}\n",
            client = self.client,
            bootstrap = self.bootstrap,
            ca = self.path("ca.crt"),
            certificate = self.path("client.crt"),
            key = self.path("client.key"),
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
    "security.protocol": "ssl",
    "ssl.ca.location": str(here / "ca.crt"),
    "ssl.certificate.location": str(here / "client.crt"),
    "ssl.key.location": str(here / "client.key"),
}}


def delivered(error, message):
    print(f"not delivered: {{error}}" if error else f"delivered to {{message.topic()}} at {{message.offset()}}")


producer = Producer(settings)
producer.produce("{topic}", b"hello", on_delivery=delivered)
producer.flush(30)
"#,
            client = self.client,
            bootstrap = self.bootstrap,
            topic = self.topic,
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
