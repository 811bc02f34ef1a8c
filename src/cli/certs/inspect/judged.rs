//! What would be refused, by whom, and why: by the judgement that doorkeeper's own TLS uses, and Java's clients agree with.

use std::path::Path;
use std::sync::Arc;

use rustls::client::verify_server_name;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use serde::Serialize;

use super::super::super::output::Paint;
use super::shown;
use crate::model::certificate::{Anchors, Certificate, Purpose};
use crate::model::principal::{MappingRules, PrincipalBuilder};
use crate::model::text::printable;
use crate::net::authentication;
use crate::process::identity::{ProviderSignatures, Shown, certificates_in, doubt_of_server};

/// What somebody makes of the first certificate.
#[derive(Debug, Serialize)]
pub(super) struct Judgement {
    /// What the certificate is shown as: `server`, `client`, or for a host.
    shown_as: String,
    /// Whose judgement it is: authorities in a file, or a listener.
    by: Option<String>,
    /// Whether it is accepted; unknown where there is nobody to judge it by.
    accepted: Option<bool>,
    /// Why not, or what some would have against it all the same.
    reason: Option<String>,
}

impl Judgement {
    /// What a listener makes of a client.
    pub(super) fn of_listener(name: &str, shown: &Shown) -> Self {
        let reason = shown.principal.as_ref().err().or(shown.admitted.as_ref().err()).cloned();
        Self {
            shown_as: match &shown.principal {
                Ok(principal) => format!("client, who is {principal}"),
                Err(_) => "client".to_owned(),
            },
            by: Some(format!("the listener {name}")),
            accepted: Some(reason.is_none()),
            reason,
        }
    }

    /// As a line of text.
    pub(super) fn line(&self, paint: Paint) -> String {
        let by = self.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        let reason = self.reason.as_ref().map(|reason| printable(reason).to_string());
        let verdict = match (self.accepted, reason) {
            (Some(true), None) => paint.good("accepted"),
            (Some(true), Some(but)) => format!("{}, but {}", paint.good("accepted"), paint.doubtful(&but)),
            // A judgement of a chain says itself what is refused.
            (Some(false), Some(why)) if why.contains(" is refused: ") => paint.bad(&why),
            (Some(false), why) => paint.bad(&format!("refused: {}", why.unwrap_or_default())),
            (None, reason) => paint.doubtful(&reason.unwrap_or_default()),
        };
        format!("as a {}{}: {verdict}\n", printable(&self.shown_as), printable(&by))
    }
}

/// Whom to judge by.
pub(super) struct Trusted {
    by: String,
    anchors: Option<Anchors>,
    signatures: ProviderSignatures,
}

impl Trusted {
    /// Those in the file that is named; or in ca.crt beside the target; or the last of several certificates.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(super) fn find(
        ca: Option<&Path>,
        target: &str,
        chain: &[CertificateDer<'static>],
    ) -> Result<Self, String> {
        let beside = Path::new(target).with_file_name("ca.crt");
        let is_other = Path::new(target).is_file() && beside.is_file() && Path::new(target) != beside;
        let file = ca.or(is_other.then_some(beside.as_path()));
        let (by, found) = match (file, chain) {
            (Some(file), _) => (file.display().to_string(), certificates_in(file)?),
            (None, [_, .., last]) => ("the last of its certificates".to_owned(), vec![last.clone()]),
            (None, _) => (String::new(), Vec::new()),
        };
        let signatures = ProviderSignatures::new(Arc::new(aws_lc_rs::default_provider()));
        let mut anchors = Anchors::default();
        for der in &found {
            anchors.add(Certificate::read(der).map_err(|error| format!("{by}: {error}"))?, &signatures);
        }
        Ok(Self { by, anchors: (!found.is_empty()).then_some(anchors), signatures })
    }

    /// As a client would judge a server.
    pub(super) fn as_server(&self, chain: &[CertificateDer<'_>], now: i64) -> Judgement {
        let doubt = chain.first().and_then(doubt_of_server).map(str::to_owned);
        let judgement = self.judge(chain, Purpose::Server, "server", now);
        match judgement.reason {
            Some(_) => judgement,
            None => Judgement { reason: doubt, ..judgement },
        }
    }

    /// As doorkeeper would judge a client.
    pub(super) fn as_client(&self, chain: &[CertificateDer<'_>], now: i64) -> Judgement {
        self.judge(chain, Purpose::Client, "client", now)
    }

    fn judge(&self, chain: &[CertificateDer<'_>], purpose: Purpose, shown_as: &str, now: i64) -> Judgement {
        let shown_as = shown_as.to_owned();
        let Some(anchors) = &self.anchors else {
            let reason = Some("not judged: name the authorities that are trusted with --ca".to_owned());
            return Judgement { shown_as, by: None, accepted: None, reason };
        };
        let chain: Vec<&[u8]> = chain.iter().map(AsRef::as_ref).collect();
        let judged = anchors.judge(&chain, purpose, now, &self.signatures);
        let reason = judged.err().map(|refusal| refusal.to_string());
        Judgement { shown_as, by: Some(self.by.clone()), accepted: Some(reason.is_none()), reason }
    }
}

/// Whether clients that connect to that host find it in the certificate.
pub(super) fn for_host(chain: &[CertificateDer<'_>], host: &str) -> Judgement {
    let leaf = chain.first().and_then(|leaf| ParsedCertificate::try_from(leaf).ok());
    let name = ServerName::try_from(host).ok();
    let fits = leaf.zip(name).is_some_and(|(leaf, name)| verify_server_name(&leaf, &name).is_ok());
    Judgement {
        shown_as: format!("server with the name {}", shown(host)),
        by: None,
        accepted: Some(fits),
        reason: (!fits).then(|| {
            "the certificate is for other names: clients that verify host names refuse it".to_owned()
        }),
    }
}

/// Who a subject is by rules.
#[derive(Debug, Serialize)]
pub(super) struct Named {
    name: Option<String>,
    /// The rule that made it.
    rule: Option<String>,
    reason: Option<String>,
}

impl Named {
    /// By these rules.
    pub(super) fn by(rules: &MappingRules, chain: &[CertificateDer<'_>]) -> Self {
        let Some(leaf) = chain.first() else { return Self { name: None, rule: None, reason: None } };
        let builder = PrincipalBuilder::from(rules.clone());
        let read = Certificate::read(leaf).ok();
        let built = read.as_ref().and_then(|read| builder.build(&authentication::names(read)).ok());
        let rule = built.map(|built| built.rule.to_owned());
        match authentication::principal_of(&builder, leaf) {
            Ok(name) => Self { name: Some(name), rule, reason: None },
            Err(close) => Self { name: None, rule: None, reason: Some(close.detail.into_owned()) },
        }
    }

    /// As a line of text.
    pub(super) fn line(&self, paint: Paint) -> String {
        match (&self.name, &self.rule) {
            (Some(name), Some(rule)) => {
                format!(
                    "principal: {}, by the rule {}\n",
                    paint.good(&printable(name).to_string()),
                    printable(rule)
                )
            }
            _ => format!(
                "principal: {}\n",
                paint.bad(&printable(self.reason.as_deref().unwrap_or("nobody")).to_string())
            ),
        }
    }
}
