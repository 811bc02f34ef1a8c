//! What the keys of `tls` mean for one another.

use std::path::PathBuf;

use super::Validator;
use crate::process::config::raw::{self, ClientAuthWord};
use crate::process::config::text;
use crate::process::config::{
    ClientAuth, OwnCertificate, Password, Revocation, Tls, TlsVersion, TrustedCertificates,
};

/// The keys that name the server's own certificate, of the listener or of an additional one.
struct OwnKeys<'a> {
    at: &'a str,
    certificate_chain: Option<&'a str>,
    private_key: Option<&'a str>,
    password_file: Option<&'a str>,
    password_env: Option<&'a str>,
    keystore: Option<&'a raw::KeyStore>,
}

impl Validator<'_> {
    /// `logs_in`: whoever has no certificate logs in.
    pub(super) fn tls(&mut self, at: &str, raw: &raw::Tls, logs_in: bool) -> Option<Tls> {
        let certificate = self.own_certificate(&OwnKeys {
            at,
            certificate_chain: raw.certificate_chain.as_deref(),
            private_key: raw.private_key.as_deref(),
            password_file: raw.private_key_password_file.as_deref(),
            password_env: raw.private_key_password_env.as_deref(),
            keystore: raw.keystore.as_ref(),
        });
        let mut additional = Vec::new();
        for (i, other) in raw.additional_certificates.iter().enumerate() {
            additional.push(self.own_certificate(&OwnKeys {
                at: &format!("{at}.additional_certificates.{i}"),
                certificate_chain: other.certificate_chain.as_deref(),
                private_key: other.private_key.as_deref(),
                password_file: other.private_key_password_file.as_deref(),
                password_env: other.private_key_password_env.as_deref(),
                keystore: other.keystore.as_ref(),
            }));
        }
        let client_auth = self.client_auth(at, raw, logs_in);
        let mut cipher_suites = Vec::new();
        for (i, name) in raw.cipher_suites.iter().enumerate() {
            match text::cipher_suite(name) {
                Ok(suite) => cipher_suites.push(suite),
                Err(message) => self.fault(&format!("{at}.cipher_suites.{i}"), message),
            }
        }
        let all_older =
            !cipher_suites.is_empty() && cipher_suites.iter().all(|suite| suite.tls13().is_none());
        if raw.min_version == TlsVersion::Tls13 && all_older {
            let message = "none of the cipher suites is of TLSv1.3, the oldest version that is spoken: add \
                           TLS_AES_128_GCM_SHA256 or leave the key out";
            self.fault(&format!("{at}.cipher_suites"), message);
        }
        Some(Tls {
            certificate: certificate?,
            additional_certificates: additional.into_iter().collect::<Option<_>>()?,
            client_auth: client_auth?,
            revocation: self.revocation(raw.revocation.as_ref()),
            allow_x509_v1: raw.allow_x509_v1,
            handshake_timeout: raw.handshake_timeout,
            min_version: raw.min_version,
            cipher_suites,
            reload_interval: raw.reload_interval,
        })
    }

    fn own_certificate(&mut self, keys: &OwnKeys<'_>) -> Option<OwnCertificate> {
        let at = keys.at;
        if let Some(store) = keys.keystore {
            let others = [
                ("certificate_chain", keys.certificate_chain),
                ("private_key", keys.private_key),
                ("private_key_password_file", keys.password_file),
                ("private_key_password_env", keys.password_env),
            ];
            if let Some((other, _)) = others.iter().find(|(_, given)| given.is_some()) {
                let message = format!(
                    "{other} is not used with 'keystore', which holds the key and its certificates: leave one of the two out"
                );
                self.fault(&format!("{at}.{other}"), message);
            }
            let place = format!("{at}.keystore");
            let password = self.password(
                &place,
                ["password_file", "password_env"],
                store.password_file.as_deref(),
                store.password_env.as_deref(),
            );
            let key_password = self.password(
                &place,
                ["key_password_file", "key_password_env"],
                store.key_password_file.as_deref(),
                store.key_password_env.as_deref(),
            );
            let file = self.document.resolve(&store.file);
            return Some(OwnCertificate::Store { file, password, alias: store.alias.clone(), key_password });
        }
        if self.document.is_wrong(&format!("{at}.keystore")) {
            return None;
        }
        let given = keys.certificate_chain.is_some() || keys.private_key.is_some();
        let wrong = |key: &str| self.document.is_wrong(&format!("{at}.{key}"));
        if !given && !wrong("certificate_chain") && !wrong("private_key") {
            let message = "the key 'certificate_chain' is missing: add it and 'private_key', or a key store, such as \
                           'keystore: { file: tls/server.p12, password_file: secrets/store }'";
            self.fault(at, message);
            return None;
        }
        let certificate_chain = self.needed(at, "certificate_chain", keys.certificate_chain);
        let private_key = self.needed(at, "private_key", keys.private_key);
        let password = self.password(
            at,
            ["private_key_password_file", "private_key_password_env"],
            keys.password_file,
            keys.password_env,
        );
        Some(OwnCertificate::Pem {
            certificate_chain: certificate_chain?,
            private_key: private_key?,
            password,
        })
    }

    /// A path that must be there. Where it was written and is wrong, which has been said, a stand-in.
    fn needed(&mut self, at: &str, key: &str, given: Option<&str>) -> Option<PathBuf> {
        let place = format!("{at}.{key}");
        match given {
            Some(path) => Some(self.document.resolve(path)),
            None if self.document.is_wrong(&place) => Some(PathBuf::new()),
            None => {
                let example = if key == "private_key" { "tls/tls.key" } else { "tls/tls.crt" };
                self.fault(at, format!("the key '{key}' is missing: add it, such as '{key}: {example}'"));
                None
            }
        }
    }

    fn password(
        &mut self,
        at: &str,
        [file_key, variable_key]: [&str; 2],
        file: Option<&str>,
        variable: Option<&str>,
    ) -> Option<Password> {
        match (file, variable) {
            (Some(file), None) => Some(Password::File(self.document.resolve(file))),
            (None, Some(variable)) => Some(Password::Environment(variable.to_owned())),
            (None, None) => None,
            (Some(_), Some(_)) => {
                let message = format!("there is {file_key} as well: leave one of the two out");
                self.fault(&format!("{at}.{variable_key}"), message);
                None
            }
        }
    }

    fn client_auth(&mut self, at: &str, raw: &raw::Tls, logs_in: bool) -> Option<ClientAuth> {
        let trusted = match (&raw.client_ca, &raw.truststore) {
            (Some(_), Some(_)) => {
                let message = "client_ca is there as well: leave one of the two out";
                self.fault(&format!("{at}.truststore"), message);
                return None;
            }
            (Some(path), None) => Some(TrustedCertificates::Pem(self.document.resolve(path))),
            (None, Some(store)) => {
                let password = self.password(
                    &format!("{at}.truststore"),
                    ["password_file", "password_env"],
                    store.password_file.as_deref(),
                    store.password_env.as_deref(),
                );
                Some(TrustedCertificates::Store { file: self.document.resolve(&store.file), password })
            }
            (None, None) => None,
        };
        match (raw.client_auth, trusted) {
            (ClientAuthWord::Required, Some(client_ca)) => Some(ClientAuth::Required { client_ca }),
            (ClientAuthWord::Requested, Some(client_ca)) => Some(ClientAuth::Requested { client_ca }),
            (ClientAuthWord::None, _) => {
                let given = [
                    ("client_ca", raw.client_ca.is_some()),
                    ("truststore", raw.truststore.is_some()),
                    ("revocation", raw.revocation.is_some()),
                ];
                for (key, _) in given.iter().filter(|(_, given)| *given) {
                    let message = format!("{key} is not used with 'client_auth: none'");
                    self.warn(&format!("{at}.{key}"), message);
                }
                if !logs_in {
                    let message = "clients are not asked for certificates: each one is User:ANONYMOUS";
                    self.warn(&format!("{at}.client_auth"), message);
                }
                Some(ClientAuth::None)
            }
            (_, None) => {
                let is_wrong = |key: &str| self.document.is_wrong(&format!("{at}.{key}"));
                if !is_wrong("client_ca") && !is_wrong("truststore") {
                    let message = "the key 'client_ca' is missing: name the file with the certificates of the issuers \
                                   whose clients are trusted, or write 'client_auth: none'";
                    self.fault(at, message);
                }
                None
            }
        }
    }

    fn revocation(&self, raw: Option<&raw::Revocation>) -> Option<Revocation> {
        let raw = raw?;
        Some(Revocation {
            crl_files: raw.crl_files.iter().map(|path| self.document.resolve(path)).collect(),
            unknown: raw.unknown,
            expired: raw.expired,
            close_connections: raw.close_connections,
        })
    }
}
