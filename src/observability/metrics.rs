//! What doorkeeper counts.
//!
//! One [`Metrics`] is made at start and shared. Every series is found without a look-up: by position in an
//! array for the closed sets of labels, through a handle taken once for what has a configured name. Counting
//! is an atomic addition; the scrape does the rest.

use std::fmt;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus::{Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry, TextEncoder};

use crate::model::acl::{Operation, ResourceType};

mod apis;
mod certificates;
mod denials;
mod families;
pub(in crate::observability) mod labels;
mod listener;
mod runtime;
#[cfg(test)]
mod tests;

pub use apis::{Api, ByteCounts};
pub use certificates::Certificate;
pub use denials::OTHERS;
pub use labels::{
    AclChange, ApiClass, CertificateRole, Check, Cipher, CloseReason, ConnectResult, Fault, HandshakeResult,
    MappingError, Mechanism, RejectReason, Reload, RequestResult, TlsVersion, UNKNOWN_API,
};
pub use listener::{ListenerMetrics, OpenConnection};
pub use runtime::Runtime;

use apis::Apis;
use certificates::Certificates;
use denials::Denials;
use families::{Each, Families};
use listener::ListenerFamilies;
use runtime::RuntimeFamilies;

/// The `Content-Type` of [`Metrics::encode`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Bounds of the time to connect to the broker, in seconds.
const CONNECT: &[f64] = &[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

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
    upstream_connects: Each<ConnectResult, IntCounter>,
    upstream_connect_duration: Histogram,
    upstream_up: IntGaugeVec,
    mapping_errors: Each<MappingError, IntCounter>,
    self_checks: IntGaugeVec,
    acl_bindings: IntGauge,
    acl_generation: IntGauge,
    acl_age_seconds: IntGauge,
    acl_topic_offset: IntGauge,
    acl_changes: Each<AclChange, IntCounter>,
    reloads: Each<Reload, ReloadHandles>,
    settings_pending: IntGauge,
    config_hash: IntGaugeVec,
    connections_limit: IntGauge,
    audit_events: IntCounter,
    audit_dropped: IntCounter,
    audit_queue_length: IntGauge,
    log_lines_dropped: IntCounter,
    buffered_bytes: IntGauge,
    inflight_requests: IntGauge,
}

#[derive(Debug)]
struct ReloadHandles {
    ok: IntCounter,
    error: IntCounter,
    last_successful: IntGauge,
    last_success: IntGauge,
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
        let connects = make.counters(
            "upstream_connect_total",
            "Attempts to connect to the broker, by how they ended.",
            &["result"],
        )?;
        let mapping_errors = make.counters(
            "address_mapping_errors_total",
            "Broker addresses withheld from clients because nothing says what to put in their place.",
            &["reason"],
        )?;
        let reloads = make.counters(
            "config_reloads_total",
            "Attempts to load something anew while running.",
            &["what", "result"],
        )?;
        let acl_changes = make.counters(
            "acl_changes_total",
            "Changes of the ACLs that clients asked for, by what came of them.",
            &["result"],
        )?;
        let last_successful = make.gauges(
            "config_last_reload_successful",
            "Whether the last attempt to load it succeeded.",
            &["what"],
        )?;
        let last_success = make.gauges(
            "config_last_reload_success_timestamp_seconds",
            "When it was last loaded.",
            &["what"],
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
            upstream_connects: Each::new(|result| connects.with_label_values(&[result])),
            upstream_connect_duration: make.durations(
                "upstream_connect_duration_seconds",
                "Time of successful connects to the broker.",
                CONNECT,
            )?,
            upstream_up: make.gauges("upstream_up", "Whether the broker answers.", &["upstream"])?,
            mapping_errors: Each::new(|reason| mapping_errors.with_label_values(&[reason])),
            self_checks: make.gauges(
                "address_self_check_successful",
                "Whether the addresses that clients are told lead back here, as far as can be seen from here.",
                &["listener"],
            )?,
            acl_bindings: make.gauge("acl_bindings", "ACL bindings in force.")?,
            acl_generation: make.gauge("acl_generation", "How many ACL sets have been in force so far.")?,
            acl_age_seconds: make.gauge(
                "acl_age_seconds",
                "Time since the ACLs in force were last known to be those of the ACL topic.",
            )?,
            acl_topic_offset: make
                .gauge("acl_topic_offset", "Offset up to which the ACL topic is in force; without one, 0.")?,
            acl_changes: Each::new(|result| acl_changes.with_label_values(&[result])),
            reloads: Each::new(|what| ReloadHandles {
                ok: reloads.with_label_values(&[what, labels::outcome(true)]),
                error: reloads.with_label_values(&[what, labels::outcome(false)]),
                last_successful: last_successful.with_label_values(&[what]),
                last_success: last_success.with_label_values(&[what]),
            }),
            settings_pending: make.gauge(
                "config_settings_pending",
                "Settings that have changed in the file since the start and wait for a restart.",
            )?,
            config_hash: make.gauges(
                "config_hash_info",
                "The beginning of the SHA-256 of the configuration file that was accepted last.",
                &["sha256"],
            )?,
            connections_limit: make.gauge("connections_limit", "The most connections at one time.")?,
            audit_events: make.counter("audit_events_total", "Audit events written.")?,
            audit_dropped: make
                .counter("audit_dropped_total", "Audit events lost because the output did not take them.")?,
            audit_queue_length: make.gauge("audit_queue_length", "Audit events that wait for the output.")?,
            log_lines_dropped: make
                .counter("log_lines_dropped_total", "Log lines lost because the output did not take them.")?,
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
        let beginning: String = sha256.chars().take(16).collect();
        self.config_hash.reset();
        self.config_hash.with_label_values(&[&beginning]).set(1);
    }

    /// Says how many connections there may be.
    pub fn connections_limit(&self, most: usize) {
        self.connections_limit.set(i64::try_from(most).unwrap_or(i64::MAX));
    }

    /// Says how many audit events wait.
    pub fn audit_queue_length(&self, length: usize) {
        self.audit_queue_length.set(i64::try_from(length).unwrap_or(i64::MAX));
    }

    /// Counts an attempt to connect to the broker, and its time when it succeeded.
    pub fn upstream_connect(&self, result: ConnectResult, elapsed: Duration) {
        self.upstream_connects[result].inc();
        if result == ConnectResult::Ok {
            self.upstream_connect_duration.observe(elapsed.as_secs_f64());
        }
    }

    /// Says whether the broker at this configured address answers.
    pub fn upstream_up(&self, upstream: &str, up: bool) {
        self.upstream_up.with_label_values(&[upstream]).set(i64::from(up));
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
        self.acl_bindings.set(i64::try_from(bindings).unwrap_or(i64::MAX));
        self.acl_generation.set(i64::try_from(generation).unwrap_or(i64::MAX));
    }

    /// Time since the ACLs in force were last known to be those of the ACL topic, in seconds.
    pub fn acl_age_seconds(&self) -> &IntGauge {
        &self.acl_age_seconds
    }

    /// The offset up to which the ACL topic is in force.
    pub fn acl_topic_offset(&self) -> &IntGauge {
        &self.acl_topic_offset
    }

    /// Counts a change of the ACLs that a client asked for.
    pub fn acl_change(&self, result: AclChange) {
        self.acl_changes[result].inc();
    }

    /// Replaces the certificates in use; the series of those that are gone go with them.
    pub fn certificates(&self, certificates: Vec<Certificate>) {
        self.certificates.set(certificates);
    }

    /// Says that `what` was loaded at start; no reload is counted.
    pub fn loaded(&self, what: Reload, at: SystemTime) {
        let handles = &self.reloads[what];
        handles.last_successful.set(1);
        handles.last_success.set(unix_seconds(at));
    }

    /// Counts an attempt to load `what` anew.
    pub fn reloaded(&self, what: Reload, ok: bool, at: SystemTime) {
        let handles = &self.reloads[what];
        if ok {
            handles.ok.inc();
            self.loaded(what, at);
        } else {
            handles.error.inc();
            handles.last_successful.set(0);
        }
    }

    /// Says that a part of `what` is still wrong, although another part was loaded.
    pub fn still_refused(&self, what: Reload) {
        self.reloads[what].last_successful.set(0);
    }

    /// Says how many changed settings wait for a restart.
    pub fn settings_pending(&self, count: usize) {
        self.settings_pending.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Says whether a check of readiness is passed; [`crate::observability::health::Health`] does.
    pub(in crate::observability) fn ready(&self, check: Check, ready: bool) {
        self.ready[check].set(i64::from(ready));
    }

    /// Counts audit events that were written.
    pub(in crate::observability) fn audit_events(&self, count: u64) {
        self.audit_events.inc_by(count);
    }

    /// Counts audit events that were lost.
    pub(in crate::observability) fn audit_dropped(&self, count: u64) {
        self.audit_dropped.inc_by(count);
    }

    /// The counter of log lines that were lost.
    pub fn log_lines_dropped(&self) -> &IntCounter {
        &self.log_lines_dropped
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

/// Decisions by their three labels. The pairs that Kafka never checks are only made when somebody counts one.
#[derive(Debug)]
struct Authorizations {
    family: IntCounterVec,
    handles: Box<[OnceLock<IntCounter>; 2 * OPERATIONS * RESOURCE_TYPES]>,
}

/// More than the highest code of an operation.
const OPERATIONS: usize = 16;
/// More than the highest code of a resource type.
const RESOURCE_TYPES: usize = 8;

impl Authorizations {
    fn new(make: &Families<'_>) -> Result<Self, prometheus::Error> {
        let authorizations = Self {
            family: make.counters(
                "authorizations_total",
                "Decisions over resources; one request may need many.",
                &["decision", "operation", "resource_type"],
            )?,
            handles: Box::new([const { OnceLock::new() }; 2 * OPERATIONS * RESOURCE_TYPES]),
        };
        for &(resource_type, operations) in labels::SUPPORTED_OPERATIONS {
            for &operation in operations {
                authorizations.get(true, operation, resource_type);
                authorizations.get(false, operation, resource_type);
            }
        }
        Ok(authorizations)
    }

    fn get(&self, allowed: bool, operation: Operation, resource_type: ResourceType) -> &IntCounter {
        let place = (usize::from(allowed) * OPERATIONS + operation as usize) * RESOURCE_TYPES;
        self.handles[place + resource_type as usize].get_or_init(|| {
            self.family.with_label_values(&[
                labels::decision(allowed),
                labels::operation(operation),
                labels::resource_type(resource_type),
            ])
        })
    }
}

/// Whole seconds since 1970, as `_timestamp_seconds` gauges have them.
fn unix_seconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |seconds| -seconds),
    }
}
