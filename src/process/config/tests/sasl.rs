//! How clients log in.

use super::super::sasl::{Bearer, KeySource, Sasl, UserFile, UserPlace};
use super::*;
use crate::model::sasl::Mechanism;
use crate::model::sasl::token::TokenRules;

const REQUIRED: &str = "      client_auth: required                       # required | requested | none\n";

/// The configuration with these keys of the listener, where clients may show certificates.
fn with(keys: &str) -> String {
    assert!(DESIGNED.contains(REQUIRED));
    DESIGNED.replacen(REQUIRED, &format!("      client_auth: requested\n{keys}"), 1)
}

#[test]
fn all_of_it_is_read() {
    let text = with(
        "    sasl:
      mechanisms: [SCRAM-SHA-512, SCRAM-SHA-256, PLAIN, OAUTHBEARER]
      required: without_certificate            # always (as Kafka's SASL_SSL) | without_certificate
      users: { file: users.yaml }
      oauthbearer: { jwks: { file: jwks.json }, issuer: \"https://idp.example.com\", audience: [kafka], principal_claim: sub, clock_skew: 30s }
      max_reauth: 1h
    limits: { max_connection_age: 8h }
",
    );
    let config = parse(&text).unwrap();
    let rules = TokenRules {
        issuer: "https://idp.example.com".to_owned(),
        audience: vec!["kafka".to_owned()],
        principal_claim: "sub".to_owned(),
        clock_skew: Duration::from_secs(30),
    };
    let expected = Sasl {
        mechanisms: Mechanism::ALL.to_vec(),
        is_required_with_certificate: false,
        users: Some(UserPlace::File(UserFile {
            file: "etc/users.yaml".into(),
            reload_interval: Duration::from_secs(1),
        })),
        bearer: Some(Bearer {
            keys: KeySource::File("etc/jwks.json".into()),
            refresh_interval: Duration::from_secs(10),
            rules,
        }),
        max_reauth: Some(Duration::from_secs(3600)),
    };
    assert_eq!(config.listeners[0].sasl, Some(expected));
    assert_eq!(config.listeners[0].max_connection_age, Some(Duration::from_secs(8 * 3600)));
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
}

#[test]
fn keys_come_over_tls_or_from_this_host() {
    let keys = |jwks: &str| {
        let text = with(&format!(
            "    sasl: {{ mechanisms: [OAUTHBEARER], oauthbearer: {{ jwks: {{ {jwks} }}, issuer: i, audience: [a] }} }}\n"
        ));
        parse(&text).map(|config| config.listeners[0].sasl.clone().unwrap().bearer.unwrap().keys)
    };
    let url = |host: &str, port, path: &str, ca: Option<&str>| {
        Ok(KeySource::Url { host: host.to_owned(), port, path: path.to_owned(), ca: ca.map(Into::into) })
    };
    assert_eq!(
        keys("url: 'https://idp.example.com/realms/x/keys?a=1', ca: ca.crt, refresh_interval: 1h"),
        url("idp.example.com", 443, "/realms/x/keys?a=1", Some("etc/ca.crt"))
    );
    assert_eq!(keys("url: 'http://127.0.0.1:8080'"), url("127.0.0.1", 8080, "/", None));
    for (wrong, why) in [
        ("url: 'http://idp.example.com/keys'", "it must be https"),
        ("url: 'https://idp.example.com/keys'", "the key 'ca' is missing"),
        ("url: 'ldap://idp.example.com'", "it must begin with https://"),
        ("url: 'https://me:secret@idp.example.com', ca: ca.crt", "a name and a password in a URL"),
        ("url: 'https://idp.example.com', ca: ca.crt, refresh_interval: 1s", "every 10 s at most"),
        ("url: 'https://idp.example.com', ca: ca.crt, file: x", "keep one of 'file' and 'url'"),
        ("file: jwks.json, ca: ca.crt", "'ca' means nothing beside 'file'"),
        ("refresh_interval: 1h", "the place of the keys is missing"),
    ] {
        let told = keys(wrong).unwrap_err();
        assert!(told.contains(why) && told.contains("doorkeeper.yaml:"), "{wrong}: {told}");
    }
}

#[test]
fn what_lacks_or_is_of_no_use_is_told() {
    let faults = |sasl: &str| parse(&with(&format!("    sasl: {{ {sasl} }}\n"))).unwrap_err();
    for (wrong, why) in [
        ("mechanisms: [PLAIN]", "PLAIN needs users"),
        ("mechanisms: [OAUTHBEARER]", "OAUTHBEARER needs to know whose tokens are taken"),
        ("mechanisms: [], users: { file: u }", "the list needs at least 1 entry"),
        ("mechanisms: [GSSAPI], users: { file: u }", "GSSAPI"),
        (
            "mechanisms: [PLAIN], users: { topic: true }",
            "doorkeeper.yaml:11:50: the users would be in the topic with the ACLs",
        ),
        ("mechanisms: [PLAIN], users: { topic: false }", "the place of the users is missing"),
        ("mechanisms: [PLAIN], users: { topic: true, file: u }", "keep one of 'file' and 'topic'"),
        ("mechanisms: [PLAIN], users: { topic: true, reload_interval: 2s }", "means nothing beside 'topic'"),
        ("users: { file: u }", "mechanisms"),
    ] {
        let told = faults(wrong);
        assert!(told.contains(why), "{wrong}: {told}");
    }
    let in_topic = with("    sasl: { mechanisms: [PLAIN], users: { topic: true } }\n").replacen(
        "{ file: acls.yaml }",
        "{ topic: t }",
        1,
    );
    assert_eq!(parse(&in_topic).unwrap().listeners[0].sasl.clone().unwrap().users, Some(UserPlace::Topic));
    let warnings = |keys: &str| {
        let config = parse(&with(keys)).unwrap();
        config.warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let useless = "    sasl: { mechanisms: [PLAIN], users: { file: u }, oauthbearer: { jwks: { file: j }, issuer: i, audience: [a] } }\n";
    assert!(warnings(useless).contains("OAUTHBEARER is not one of the mechanisms"));
    let keys = "    sasl: { mechanisms: [PLAIN], users: { file: u }, required: without_certificate }\n";
    let told = parse(&DESIGNED.replacen(REQUIRED, &format!("{REQUIRED}{keys}"), 1)).unwrap().warnings;
    assert!(
        told.iter().any(|told| told.to_string().contains("nobody gets in without a certificate")),
        "{told:?}"
    );
}
