//! Requests by API.

use std::sync::OnceLock;
use std::time::Duration;

use prometheus::{Histogram, IntCounter, IntCounterVec, Result};

use super::families::{Each, Families};
use super::labels::{ApiClass, RequestResult, UNKNOWN_API};

/// Bounds of the broker's latency, in seconds.
const LATENCY: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The handles of every API, found by its key.
#[derive(Debug)]
pub(super) struct Apis {
    by_key: Box<[Option<Slot>]>,
    unknown: Slot,
    families: ApiFamilies,
}

#[derive(Debug)]
struct ApiFamilies {
    requests: IntCounterVec,
    request_bytes: IntCounterVec,
    response_bytes: IntCounterVec,
    filtered: IntCounterVec,
    latency: Each<ApiClass, Histogram>,
}

/// An API's name, and its handles once it has been seen: of ninety APIs a client uses ten.
#[derive(Debug)]
struct Slot {
    name: &'static str,
    class: ApiClass,
    handles: OnceLock<Api>,
}

/// The handles of one API. Every method is one or two atomic additions.
#[derive(Debug)]
pub struct Api {
    requests: Each<RequestResult, IntCounter>,
    request_bytes: IntCounter,
    response_bytes: IntCounter,
    /// Made when it is first counted: a few APIs have answers from which something can be left out.
    filtered: OnceLock<IntCounter>,
    name: &'static str,
    all_filtered: IntCounterVec,
    latency: Histogram,
}

impl Api {
    /// Counts a request.
    pub fn request(&self, result: RequestResult) {
        self.requests[result].inc();
    }

    /// Counts bytes of requests as the client sent them, length prefix included.
    pub fn request_bytes(&self, bytes: u64) {
        self.request_bytes.inc_by(bytes);
    }

    /// Counts bytes of answers as the client got them, length prefix included.
    pub fn response_bytes(&self, bytes: u64) {
        self.response_bytes.inc_by(bytes);
    }

    /// Counts entries that were left out of an answer because the client may not know of them.
    pub fn filtered(&self, entries: u64) {
        self.filtered.get_or_init(|| self.all_filtered.with_label_values(&[self.name])).inc_by(entries);
    }

    /// The time from the last byte of a request to the broker until the first byte of its answer.
    pub fn upstream_latency(&self, elapsed: Duration) {
        self.latency.observe(elapsed.as_secs_f64());
    }
}

impl Apis {
    pub(super) fn new(families: &Families<'_>, apis: &[(i16, &'static str, ApiClass)]) -> Result<Self> {
        let requests = families.counters(
            "requests_total",
            "Requests of clients, by what became of them.",
            &["api", "result"],
        )?;
        let request_bytes = families.counters(
            "request_bytes_total",
            "Bytes of requests received from clients, before TLS.",
            &["api"],
        )?;
        let response_bytes = families.counters(
            "response_bytes_total",
            "Bytes of answers sent to clients, before TLS.",
            &["api"],
        )?;
        let filtered = families.counters(
            "responses_filtered_total",
            "Entries left out of answers because the client may not know of them, such as topics of a Metadata answer.",
            &["api"],
        )?;
        let latency = families.durations_by(
            "upstream_latency_seconds",
            "Time from a request sent to the broker until the first byte of its answer.",
            LATENCY,
            &["api_class"],
        )?;

        let slots =
            apis.iter().filter_map(|&(key, ..)| usize::try_from(key).ok()).max().map_or(0, |key| key + 1);
        let mut by_key: Vec<Option<Slot>> = std::iter::repeat_with(|| None).take(slots).collect();
        for &(key, name, class) in apis {
            // A rate must see an API's first denial, so that series is there from the start.
            requests.with_label_values(&[name, RequestResult::Denied.as_str()]);
            if let Some(slot) = usize::try_from(key).ok().and_then(|key| by_key.get_mut(key)) {
                *slot = Some(Slot::new(name, class));
            }
        }
        requests.with_label_values(&[UNKNOWN_API, RequestResult::Unsupported.as_str()]);

        let latency = Each::new(|class| latency.with_label_values(&[class]));
        Ok(Self {
            by_key: by_key.into(),
            unknown: Slot::new(UNKNOWN_API, ApiClass::Other),
            families: ApiFamilies { requests, request_bytes, response_bytes, filtered, latency },
        })
    }

    pub(super) fn get(&self, key: i16) -> &Api {
        let known = usize::try_from(key).ok().and_then(|key| self.by_key.get(key)).and_then(Option::as_ref);
        let slot = known.unwrap_or(&self.unknown);
        slot.handles.get_or_init(|| self.families.resolve(slot.name, slot.class))
    }
}

impl Slot {
    fn new(name: &'static str, class: ApiClass) -> Self {
        Self { name, class, handles: OnceLock::new() }
    }
}

impl ApiFamilies {
    fn resolve(&self, name: &'static str, class: ApiClass) -> Api {
        Api {
            requests: Each::new(|result| self.requests.with_label_values(&[name, result])),
            request_bytes: self.request_bytes.with_label_values(&[name]),
            response_bytes: self.response_bytes.with_label_values(&[name]),
            filtered: OnceLock::new(),
            name,
            all_filtered: self.filtered.clone(),
            latency: self.latency[class].clone(),
        }
    }
}

/// Bytes of one request and its answer, gathered by the connection that moves them and counted in one go.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct ByteCounts {
    /// Bytes received from the client.
    pub request: u64,
    /// Bytes sent to the client.
    pub response: u64,
}

impl ByteCounts {
    /// Counts what has been gathered and starts again from nothing.
    pub fn flush(&mut self, api: &Api) {
        let gathered = std::mem::take(self);
        if gathered.request > 0 {
            api.request_bytes(gathered.request);
        }
        if gathered.response > 0 {
            api.response_bytes(gathered.response);
        }
    }
}
