//! SASL as a person writes it.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::sasl::Mechanism;
use crate::process::config::text;

/// How clients log in by SASL, over TLS, as with Kafka's `SASL_SSL`.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::process::config) struct Sasl {
    /// The mechanisms that clients may choose from, as `sasl.enabled.mechanisms`.
    #[schemars(length(min = 1, max = 4), extend("uniqueItems" = true))]
    pub(in crate::process::config) mechanisms: Vec<Mechanism>,
    /// Who must log in: everybody, as with Kafka's `SASL_SSL`, where a certificate says nothing of who somebody is; or whoever
    /// has not shown a certificate. Somebody with a certificate who logs in all the same is who the login says.
    #[serde(default)]
    pub(in crate::process::config) required: SaslRequired,
    /// The users of SCRAM and PLAIN.
    pub(in crate::process::config) users: Option<Users>,
    /// Whose tokens are taken with OAUTHBEARER.
    pub(in crate::process::config) oauthbearer: Option<OAuthBearer>,
    /// How long a login counts, as `connections.max.reauth.ms` (KIP-368): after that a client must have logged in again on the
    /// same connection, or it ends. A token that ends sooner counts until then. Without the key, only tokens end.
    #[serde(default, with = "text::optional_duration", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<text::DurationText>")]
    pub(in crate::process::config) max_reauth: Option<Duration>,
}

/// Who must log in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::process::config) enum SaslRequired {
    #[default]
    Always,
    WithoutCertificate,
}

/// Where the users are.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::process::config) struct Users {
    /// The file with the users; it is written when `kafka-configs` or `doorkeeper users` changes them. Exactly one of `file` and
    /// `topic` is needed.
    #[schemars(extend("format" = "path"))]
    pub(in crate::process::config) file: Option<String>,
    /// `true`: the users are in the topic that `authorization.acls.topic` names, the same for all doorkeepers.
    #[serde(default)]
    pub(in crate::process::config) topic: bool,
    /// With `file`: how often the file is looked at for a change.
    #[serde(default = "often", with = "text::duration")]
    #[schemars(with = "text::DurationText")]
    pub(in crate::process::config) reload_interval: Duration,
}

/// Whose tokens are taken.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::process::config) struct OAuthBearer {
    /// The keys that tokens are signed with, a JSON Web Key Set.
    pub(in crate::process::config) jwks: Jwks,
    /// Who must have issued a token (`iss`), as `sasl.oauthbearer.expected.issuer`.
    #[schemars(length(min = 1))]
    pub(in crate::process::config) issuer: String,
    /// For whom a token must be (`aud`), one of these, as `sasl.oauthbearer.expected.audience`.
    #[schemars(length(min = 1))]
    pub(in crate::process::config) audience: Vec<String>,
    /// The claim that names the user, as `sasl.oauthbearer.sub.claim.name`.
    #[serde(default = "subject")]
    #[schemars(length(min = 1))]
    pub(in crate::process::config) principal_claim: String,
    /// By how much the issuer's clock and this one may differ, as `sasl.oauthbearer.clock.skew.seconds`.
    #[serde(default = "skew", with = "text::duration")]
    #[schemars(with = "text::DurationText")]
    pub(in crate::process::config) clock_skew: Duration,
}

/// Where the keys are.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::process::config) struct Jwks {
    /// A file with the keys.
    #[schemars(extend("format" = "path"))]
    pub(in crate::process::config) file: Option<String>,
    /// The address that the issuer publishes its keys at, as `sasl.oauthbearer.jwks.endpoint.url`; `https`, or `http` on this host.
    #[schemars(length(min = 1))]
    pub(in crate::process::config) url: Option<String>,
    /// PEM: the certificates of the issuers that the server at `url` may have its own from.
    #[schemars(extend("format" = "path"))]
    pub(in crate::process::config) ca: Option<String>,
    /// How often the keys are looked at for a change, as `sasl.oauthbearer.jwks.endpoint.refresh.ms`. Without the key: a file every
    /// 10 s, a URL every hour. A key that is not known is asked for at once, at most every 30 s.
    #[serde(default, with = "text::optional_duration", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<text::DurationText>")]
    pub(in crate::process::config) refresh_interval: Option<Duration>,
}

fn often() -> Duration {
    Duration::from_secs(1)
}

fn subject() -> String {
    "sub".to_owned()
}

fn skew() -> Duration {
    Duration::from_secs(30)
}
