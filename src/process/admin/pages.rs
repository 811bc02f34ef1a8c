//! What the admin endpoint answers.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{Method, Request, Response, StatusCode};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::probe::{Options, Outcome, evaluate};
use crate::model::text::printable;
use crate::observability::health::{CheckReport, Health};
use crate::observability::metrics::{self, Build, Check, Metrics};
use crate::process::addresses::AddressTable;

/// Scrapes encoded at a time: each holds a thread for some milliseconds. There is as long a pause after each, so that whoever
/// asks over and over does not take a processor from the clients of the broker.
const SCRAPES: usize = 1;

/// What others get in the place of a page that names principals, ACLs, certificates or addresses.
const FOR_THIS_HOST: &str = "403: this page is for this host alone: ask at a loopback address, as kubectl port-forward does, \
                             or configure 'admin: { pages: everyone }'\n";

const TEXT: &str = "text/plain; charset=utf-8";

#[derive(Debug, Clone, Copy)]
enum Page {
    Index,
    Metrics,
    Live,
    Ready,
    Started,
    Addresses,
}

/// Every page, with the line that the index has for it.
const PAGES: &[(&str, Page, &str)] = &[
    ("/", Page::Index, "this page"),
    ("/metrics", Page::Metrics, "metrics for Prometheus"),
    ("/livez", Page::Live, "the process is alive"),
    ("/healthz", Page::Live, "the same, by its older name"),
    ("/readyz", Page::Ready, "traffic may be sent; /readyz/NAME for a single check"),
    ("/startupz", Page::Started, "doorkeeper itself has started, whatever the broker does"),
    ("/addresses", Page::Addresses, "what clients are told for each broker, and whether it leads back here"),
];

/// What a start consists of. The broker is no part, and neither is what is read from it: a broker in the same pod starts
/// only after the sidecar's startup probe is passed.
const STARTED: &[Check] = &[Check::Configuration, Check::Listeners, Check::Certificates, Check::Acls];

/// A page on which another part of the process says how things are.
pub struct View {
    /// Where it is, such as `/acls`.
    pub path: &'static str,
    /// The line that the index has for it.
    pub meaning: &'static str,
    /// What stands on it now; quickly made, and nothing secret.
    pub text: Box<dyn Fn() -> String + Send + Sync>,
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The pages and what stands on them.
#[derive(Debug)]
pub(super) struct Pages {
    pub(super) views: Vec<View>,
    build: Build,
    metrics: Arc<Metrics>,
    health: Health,
    pub(super) addresses: AddressTable,
    /// Whether everyone may see all pages.
    pub(super) everyone: bool,
    scrapes: Arc<Semaphore>,
}

type Answer = Response<Full<Bytes>>;

impl Pages {
    pub(super) fn new(build: Build, metrics: Arc<Metrics>, health: Health) -> Self {
        Self {
            views: Vec::new(),
            build,
            metrics,
            health,
            addresses: AddressTable::default(),
            everyone: false,
            scrapes: Arc::new(Semaphore::new(SCRAPES)),
        }
    }

    /// Answers a request of somebody at this address; its body, if it has one, is not read.
    pub(super) async fn answer<B>(&self, request: &Request<B>, peer: IpAddr) -> Answer {
        let path = request.uri().path();
        let single = path.strip_prefix("/readyz/");
        let page = PAGES.iter().find(|(known, ..)| *known == path).map(|&(_, page, _)| page);
        let view = self.views.iter().find(|view| view.path == path);
        if page.is_none() && view.is_none() && single.is_none() {
            return text(StatusCode::NOT_FOUND, "404: no such page; / lists them\n");
        }
        if request.method() != Method::GET && request.method() != Method::HEAD {
            let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "405: pages are read with GET or HEAD\n");
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return answer;
        }

        let names_somebody = view.is_some() || matches!(page, Some(Page::Addresses));
        if names_somebody && !self.everyone && !peer.to_canonical().is_loopback() {
            return text(StatusCode::FORBIDDEN, FOR_THIS_HOST);
        }
        if let Some(view) = view {
            return text(StatusCode::OK, (view.text)());
        }
        let options = Options::parse(request.uri().query().unwrap_or_default());
        match page {
            None => self.single_check(single.unwrap_or_default()),
            Some(Page::Index) => text(StatusCode::OK, self.index()),
            Some(Page::Metrics) => self.scrape().await,
            Some(Page::Live) => probe("livez", &[], &options),
            Some(Page::Ready) => probe("readyz", &self.health.report(), &options),
            Some(Page::Addresses) => text(StatusCode::OK, self.addresses.page()),
            Some(Page::Started) => {
                let mut report = self.health.report();
                report.retain(|report| STARTED.contains(&report.check));
                probe("startupz", &report, &options)
            }
        }
    }

    fn index(&self) -> String {
        let Build { version, revision, .. } = self.build;
        let revision = match revision {
            "unknown" => String::new(),
            known => format!(" ({known})"),
        };
        let mut page = format!("doorkeeper {version}{revision}\n\n");
        let views = self.views.iter().map(|view| (view.path, view.meaning));
        for (path, meaning) in PAGES.iter().map(|&(path, _, meaning)| (path, meaning)).chain(views) {
            page.push_str(&format!("{path:<13} {meaning}\n"));
        }
        page.push_str("\nProbes take ?verbose and ?exclude=NAME. Checks of readiness:");
        for check in Check::ALL {
            page.push(' ');
            page.push_str(check.as_str());
        }
        page.push('\n');
        page
    }

    fn single_check(&self, name: &str) -> Answer {
        let report = self.health.report().into_iter().find(|report| report.check.as_str() == name);
        match report {
            None => text(
                StatusCode::NOT_FOUND,
                format!("404: no check named '{}'; /readyz?verbose lists them\n", printable(name)),
            ),
            Some(CheckReport { failure: None, warning: None, .. }) => text(StatusCode::OK, "ok"),
            Some(report) if report.failure.is_none() => text(StatusCode::OK, format!("{report}\n")),
            Some(report) => text(StatusCode::SERVICE_UNAVAILABLE, format!("{report}\n")),
        }
    }

    async fn scrape(&self) -> Answer {
        let failed = |error: &dyn std::fmt::Display| {
            text(StatusCode::INTERNAL_SERVER_ERROR, format!("500: the metrics cannot be written: {error}\n"))
        };
        let permit = match Arc::clone(&self.scrapes).acquire_owned().await {
            Ok(permit) => permit,
            Err(error) => return failed(&error),
        };
        let metrics = Arc::clone(&self.metrics);
        // The permit goes along: a scraper that leaves does not end the work on its scrape.
        let encoded = tokio::task::spawn_blocking(move || {
            let started = Instant::now();
            let encoded = metrics.encode();
            let took = started.elapsed();
            Handle::current().spawn(async move {
                sleep(took).await;
                drop(permit);
            });
            encoded
        });
        match encoded.await {
            Ok(Ok(scrape)) => answer(StatusCode::OK, metrics::CONTENT_TYPE, scrape),
            Ok(Err(error)) => failed(&error),
            Err(error) => failed(&error),
        }
    }
}

fn probe(name: &str, report: &[CheckReport], options: &Options<'_>) -> Answer {
    let Outcome { passed, text: body } = evaluate(name, report, options);
    text(if passed { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, body)
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    answer(status, TEXT, body)
}

fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[tokio::test]
    async fn what_names_somebody_is_for_this_host_alone() {
        let build = Build { version: "1", revision: "r", rustc: "c", tls_provider: "p" };
        let metrics = Arc::new(Metrics::new(build, UNIX_EPOCH, &[]).unwrap());
        let mut pages = Pages::new(build, metrics.clone(), Health::new(metrics));
        let view = |path| View { path, meaning: "", text: Box::new(|| "User:admin".to_owned()) };
        pages.views = vec![view("/acls"), view("/config"), view("/certificates")];
        let status = async |pages: &Pages, path: &str, peer: &str| {
            let request = Request::get(path).body(()).unwrap();
            pages.answer(&request, peer.parse().unwrap()).await.status().as_u16()
        };
        for path in ["/acls", "/config", "/certificates", "/addresses"] {
            for here in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
                assert_eq!(status(&pages, path, here).await, 200, "{path} {here}");
            }
            for elsewhere in ["10.0.0.7", "fd00::1", "::ffff:10.0.0.7"] {
                assert_eq!(status(&pages, path, elsewhere).await, 403, "{path} {elsewhere}");
            }
        }
        for path in ["/", "/metrics", "/livez", "/healthz"] {
            assert_eq!(status(&pages, path, "10.0.0.7").await, 200, "{path}");
        }
        assert_eq!(status(&pages, "/readyz", "10.0.0.7").await, 503);
        pages.everyone = true;
        assert_eq!(status(&pages, "/acls", "10.0.0.7").await, 200);
    }
}
