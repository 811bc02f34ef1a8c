//! What doorkeeper counts.
//!
//! One [`Metrics`] is made at start and shared. Every series is found without a look-up: by position in an
//! array for the closed sets of labels, through a handle taken once for what has a configured name. Counting
//! is an atomic addition; the scrape does the rest.

use std::fmt;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus::{IntCounter, IntGauge, IntGaugeVec, Registry, TextEncoder};

use crate::model::acl::{Operation, ResourceType};

mod acls;
mod apis;
pub(in crate::observability) mod authorizations;
mod certificates;
mod denials;
mod families;
mod fault;
mod labels;
mod listener;
mod outputs;
mod reloads;
mod runtime;
#[cfg(test)]
mod tests;
mod upstreams;

pub use apis::{Api, ByteCounts};
pub use certificates::{Certificate, RevocationList};
pub use denials::OTHERS;
pub use labels::{
    AclChange, ApiClass, CertificateRole, Check, Cipher, CloseReason, ConnectResult, Fault, HandshakeResult,
    MappingError, Mechanism, RejectReason, Reload, RequestResult, TlsVersion, UNKNOWN_API,
};
pub use listener::{ListenerMetrics, OpenConnection};
pub use runtime::Runtime;

use acls::Acls;
use apis::Apis;
use authorizations::Authorizations;
use certificates::Certificates;
use denials::Denials;
use families::{Each, Families};
use listener::ListenerFamilies;
use outputs::Outputs;
use reloads::Reloads;
use runtime::RuntimeFamilies;
use upstreams::Upstreams;

/// The `Content-Type` of [`Metrics::encode`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What this binary was built from, for `doorkeeper_build_info`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Build {
    /// Doorkeeper's version.
    pub version: &'static str,
    /// The commit, or `unknown`.
    pub revision: &'static str,
    /// The compiler's version, or `unknown`.
    pub rustc: &'static str,
    /// What TLS is done with.
    pub tls_provider: &'static str,
}

/// A metric could not be made or written: a fault in doorkeeper's own table of metrics.
#[derive(Debug)]
pub struct MetricsError(prometheus::Error);

impl fmt::Display for MetricsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "metrics: {}", self.0)
    }
}

impl std::error::Error for MetricsError {}

impl From<prometheus::Error> for MetricsError {
    fn from(error: prometheus::Error) -> Self {
        Self(error)
    }
}

/// All metrics of the process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    apis: Apis,
    listeners: ListenerFamilies,
    certificates: Certificates,
    authorizations: Authorizations,
    denials: OnceLock<Denials>,
    authentications: Each<Mechanism, Outcome>,
    runtime: RuntimeFamilies,
    ready: Each<Check, IntGauge>,
    upstreams: Upstreams,
    mapping_errors: Each<MappingError, IntCounter>,
    self_checks: IntGaugeVec,
    acls: Acls,
    reloads: Reloads,
    connections_limit: IntGauge,
    outputs: Outputs,
    buffered_bytes: IntGauge,
    inflight_requests: IntGauge,
}

#[derive(Debug)]
struct Outcome {
    ok: IntCounter,
    error: IntCounter,
}

impl Metrics {
    /// Makes every family. `apis` are the keys and names of the APIs that can be told apart; any other key is
    /// counted as [`UNKNOWN_API`].
    ///
    /// # Errors
    /// When two families have one name or a name is not allowed, which a test of this module would find first.
    pub fn new(
        build: Build,
        started: SystemTime,
        apis: &[(i16, &'static str, ApiClass)],
    ) -> Result<Self, MetricsError> {
        let registry = Registry::new();
        #[cfg(target_os = "linux")]
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        let make = Families(&registry);

        make.gauges(
            "build_info",
            "What this binary was built from.",
            &["version", "revision", "rustc", "tls_provider"],
        )?
        .with_label_values(&[build.version, build.revision, build.rustc, build.tls_provider])
        .set(1);
        make.gauge("start_time_seconds", "When the process began its work.")?.set(unix_seconds(started));

        let ready = make.gauges("ready", "Whether a check of readiness is passed.", &["check"])?;
        let authentications = make.counters(
            "authentications_total",
            "Clients whose principal was asked for after the handshake, by how they say it.",
            &["mechanism", "result"],
        )?;
        let mapping_errors = make.counters(
            "address_mapping_errors_total",
            "Broker addresses withheld from clients because nothing says what to put in their place.",
            &["reason"],
        )?;

        Ok(Self {
            apis: Apis::new(&make, apis)?,
            listeners: ListenerFamilies::new(&make)?,
            certificates: Certificates::new(&make)?,
            authorizations: Authorizations::new(&make)?,
            denials: OnceLock::new(),
            authentications: Each::new(|mechanism| Outcome {
                ok: authentications.with_label_values(&[mechanism, labels::outcome(true)]),
                error: authentications.with_label_values(&[mechanism, labels::outcome(false)]),
            }),
            runtime: RuntimeFamilies::new(&make)?,
            ready: Each::new(|check| ready.with_label_values(&[check])),
            upstreams: Upstreams::new(&make)?,
            mapping_errors: Each::new(|reason| mapping_errors.with_label_values(&[reason])),
            self_checks: make.gauges(
                "address_self_check_successful",
                "Whether the addresses that clients are told lead back here, as far as can be seen from here.",
                &["listener"],
            )?,
            acls: Acls::new(&make)?,
            reloads: Reloads::new(&make)?,
            connections_limit: make.gauge("connections_limit", "The most connections at one time.")?,
            outputs: Outputs::new(&make)?,
            buffered_bytes: make.gauge("buffered_bytes", "Bytes held in connection buffers.")?,
            inflight_requests: make
                .gauge("inflight_requests", "Requests sent to the broker and not yet answered.")?,
            registry,
        })
    }

    /// The handles of an API, by its key.
    pub fn api(&self, key: i16) -> &Api {
        self.apis.get(key)
    }

    /// Counts a request.
    pub fn request(&self, api: i16, result: RequestResult) {
        self.api(api).request(result);
    }

    /// The handles of the listener with this configured name.
    pub fn listener(&self, name: &str) -> ListenerMetrics {
        self.listeners.resolve(name)
    }

    /// Counts `count` decisions, all alike: a request that names a hundred topics asks a hundred times.
    pub fn authorization(
        &self,
        allowed: bool,
        operation: Operation,
        resource_type: ResourceType,
        count: u64,
    ) {
        self.authorizations.get(allowed, operation, resource_type).inc_by(count);
    }

    /// Counts denials by principal from now on, for so many of them and [`OTHERS`].
    ///
    /// # Errors
    /// When the family cannot be made.
    pub fn count_denials_by_principal(&self, most: usize) -> Result<(), MetricsError> {
        let denials = Denials::new(&Families(&self.registry), most)?;
        drop(self.denials.set(denials));
        Ok(())
    }

    /// Counts denied decisions of a principal, if that was asked for.
    pub fn denied(&self, principal: &str, count: u64) {
        if let Some(denials) = self.denials.get() {
            denials.denied(principal, count);
        }
    }

    /// Counts a client whose principal was asked for.
    pub fn authentication(&self, mechanism: Mechanism, ok: bool) {
        let Outcome { ok: yes, error } = &self.authentications[mechanism];
        if ok { yes.inc() } else { error.inc() }
    }

    /// Says how busy the process is.
    pub fn runtime(&self, now: &Runtime) {
        self.runtime.set(now);
    }

    /// Says which configuration file was accepted, by its SHA-256.
    pub fn config_hash(&self, sha256: &str) {
        self.reloads.set_config_hash(sha256);
    }

    /// Says how many connections there may be.
    pub fn connections_limit(&self, most: usize) {
        self.connections_limit.set(i64::try_from(most).unwrap_or(i64::MAX));
    }

    /// Says how many audit events wait.
    pub fn audit_queue_length(&self, length: usize) {
        self.outputs.set_audit_queue_length(length);
    }

    /// Counts an attempt to connect to the broker, and its time when it succeeded.
    pub fn upstream_connect(&self, result: ConnectResult, elapsed: Duration) {
        self.upstreams.connected(result, elapsed);
    }

    /// Says whether the broker at this configured address answers.
    pub fn upstream_up(&self, upstream: &str, up: bool) {
        self.upstreams.set_up(upstream, up);
    }

    /// Counts a broker address that was withheld from a client.
    pub fn address_mapping_error(&self, reason: MappingError) {
        self.mapping_errors[reason].inc();
    }

    /// Says whether the addresses that clients of a listener are told lead back here.
    pub fn address_self_check(&self, listener: &str, successful: bool) {
        self.self_checks.with_label_values(&[listener]).set(i64::from(successful));
    }

    /// Says which ACL set is in force: how many bindings, and the how-manieth set since the start.
    pub fn acls(&self, bindings: usize, generation: u64) {
        self.acls.set(bindings, generation);
    }

    /// Time since the ACLs in force were last known to be those of the ACL topic, in seconds.
    pub fn acl_age_seconds(&self) -> &IntGauge {
        &self.acls.age_seconds
    }

    /// The offset up to which the ACL topic is in force.
    pub fn acl_topic_offset(&self) -> &IntGauge {
        &self.acls.topic_offset
    }

    /// Counts a change of the ACLs that a client asked for.
    pub fn acl_change(&self, result: AclChange) {
        self.acls.changed(result);
    }

    /// Replaces the certificates in use; the series of those that are gone go with them.
    pub fn certificates(&self, certificates: Vec<Certificate>) {
        self.certificates.set(certificates);
    }

    /// Replaces the revocation lists in force, likewise.
    pub fn revocation_lists(&self, lists: Vec<RevocationList>) {
        self.certificates.set_lists(lists);
    }

    /// Says that `what` was loaded at start; no reload is counted.
    pub fn loaded(&self, what: Reload, at: SystemTime) {
        self.reloads.loaded(what, at);
    }

    /// Counts an attempt to load `what` anew.
    pub fn reloaded(&self, what: Reload, ok: bool, at: SystemTime) {
        self.reloads.reloaded(what, ok, at);
    }

    /// Says that a part of `what` is still wrong, although another part was loaded.
    pub fn still_refused(&self, what: Reload) {
        self.reloads.still_refused(what);
    }

    /// Says how many changed settings wait for a restart.
    pub fn settings_pending(&self, count: usize) {
        self.reloads.set_settings_pending(count);
    }

    /// Says whether a check of readiness is passed; [`crate::observability::health::Health`] does.
    pub(in crate::observability) fn ready(&self, check: Check, ready: bool) {
        self.ready[check].set(i64::from(ready));
    }

    /// Counts audit events that were written.
    pub(in crate::observability) fn audit_events(&self, count: u64) {
        self.outputs.audit_events.inc_by(count);
    }

    /// Counts audit events that were lost.
    pub(in crate::observability) fn audit_dropped(&self, count: u64) {
        self.outputs.audit_dropped.inc_by(count);
    }

    /// The counter of log lines that were lost.
    pub fn log_lines_dropped(&self) -> &IntCounter {
        &self.outputs.log_lines_dropped
    }

    /// Bytes held in connection buffers, for whoever takes and returns them.
    pub fn buffered_bytes(&self) -> &IntGauge {
        &self.buffered_bytes
    }

    /// Requests sent to the broker and not yet answered, for whoever sends and receives them.
    pub fn inflight_requests(&self) -> &IntGauge {
        &self.inflight_requests
    }

    /// Writes everything in Prometheus' text format ([`CONTENT_TYPE`]). Some milliseconds of work: not for a
    /// thread that serves connections.
    ///
    /// # Errors
    /// When a family breaks the format, which a test of this module would find first.
    pub fn encode(&self) -> Result<String, MetricsError> {
        let mut text = String::with_capacity(64 * 1024);
        TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

/// Whole seconds since 1970, as `_timestamp_seconds` gauges have them.
fn unix_seconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |seconds| -seconds),
    }
}
