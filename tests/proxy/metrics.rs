//! The scrape as a whole: it can be read, its names follow Prometheus' rules, and it stays small.

pub(crate) mod exposition;
pub(crate) mod promtool;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use doorkeeper::model::acl::{Operation, ResourceType};
use doorkeeper::observability::health::Health;
use doorkeeper::observability::metrics::{
    ApiClass, Build, Certificate, CertificateRole, Cipher, CloseReason, ConnectResult, HandshakeResult,
    MappingError, Mechanism, Metrics, RejectReason, Reload, RequestResult, Runtime, TlsVersion,
};

const BUILD: Build =
    Build { version: "0.1.0", revision: "unknown", rustc: "1.95.0", tls_provider: "aws-lc-rs" };

/// As many APIs as Kafka 4.4 has, with names as long.
const APIS: i16 = 95;
const LISTENERS: usize = 10;
/// APIs that leave something out of an answer.
const FILTERED: [i16; 4] = [3, 16, 66, 75];
/// What one sidecar may cost a Prometheus server.
const BUDGET: usize = 2_000;

fn apis() -> Vec<(i16, &'static str, ApiClass)> {
    let real = ["Produce", "Fetch", "ListOffsets", "Metadata", "JoinGroup", "EndTxn", "CreateTopics"];
    (0..APIS)
        .map(|key| match real.get(usize::try_from(key).unwrap()) {
            Some(name) => (key, *name, ApiClass::Group),
            None => (key, &*format!("DescribeSomething{key}").leak(), ApiClass::Admin),
        })
        .collect()
}

/// Counts one of everything that can be counted.
fn touch_everything(metrics: &Arc<Metrics>) {
    for key in -1..=APIS {
        let api = metrics.api(key);
        for &result in RequestResult::ALL {
            api.request(result);
        }
        api.request_bytes(100);
        api.response_bytes(1000);
        api.upstream_latency(Duration::from_millis(3));
        if FILTERED.contains(&key) {
            api.filtered(2);
        }
    }
    for allowed in [true, false] {
        for operation in OPERATIONS {
            for resource_type in RESOURCE_TYPES {
                metrics.authorization(allowed, operation, resource_type, 1);
            }
        }
    }
    let mut certificates = Vec::new();
    for listener in 0..LISTENERS {
        let name = format!("listener \"{listener}\" \\ of\nten");
        let handles = metrics.listener(&name);
        for &reason in CloseReason::ALL {
            handles.open().close(reason, Duration::from_secs(1));
        }
        for &reason in RejectReason::ALL {
            handles.reject(reason);
        }
        for &result in HandshakeResult::ALL {
            handles.handshake(result, Duration::from_millis(2));
        }
        // As many as a fleet of clients can agree on; a listener has all of them only if somebody tries.
        for &cipher in Cipher::ALL {
            handles.session(TlsVersion::Tls13, cipher, false);
        }
        handles.plaintext_exposed(Some(true));
        metrics.upstream_up(&format!("127.0.0.1:{listener}"), true);
        for &role in CertificateRole::ALL {
            certificates.push(Certificate {
                name: name.clone(),
                role,
                not_before: SystemTime::UNIX_EPOCH,
                not_after: SystemTime::now(),
                subject: format!("CN={listener}"),
                issuer: "CN=\u{fc}ber \"CA\"".to_owned(),
                serial: "0a".to_owned(),
                sha256: "ff".repeat(32),
            });
        }
    }
    metrics.certificates(certificates);
    for &result in ConnectResult::ALL {
        metrics.upstream_connect(result, Duration::from_millis(1));
    }
    for &reason in MappingError::ALL {
        metrics.address_mapping_error(reason);
    }
    for &what in Reload::ALL {
        metrics.reloaded(what, true, SystemTime::now());
        metrics.reloaded(what, false, SystemTime::now());
    }
    for &mechanism in Mechanism::ALL {
        metrics.authentication(mechanism, true);
    }
    metrics.runtime(&Runtime { workers: 2, ..Runtime::default() });
    metrics.config_hash(&"ab".repeat(32));
    metrics.connections_limit(10_000);
    metrics.audit_queue_length(3);
    metrics.acls(12, 3);
    metrics.buffered_bytes().add(4096);
    metrics.inflight_requests().inc();
    metrics.log_lines_dropped().inc();
    Health::new(Arc::clone(metrics));
}

const OPERATIONS: [Operation; 14] = [
    Operation::All,
    Operation::Read,
    Operation::Write,
    Operation::Create,
    Operation::Delete,
    Operation::Alter,
    Operation::Describe,
    Operation::ClusterAction,
    Operation::DescribeConfigs,
    Operation::AlterConfigs,
    Operation::IdempotentWrite,
    Operation::CreateTokens,
    Operation::DescribeTokens,
    Operation::TwoPhaseCommit,
];

const RESOURCE_TYPES: [ResourceType; 6] = [
    ResourceType::Topic,
    ResourceType::Group,
    ResourceType::Cluster,
    ResourceType::TransactionalId,
    ResourceType::DelegationToken,
    ResourceType::User,
];

fn metrics() -> Arc<Metrics> {
    Arc::new(Metrics::new(BUILD, SystemTime::now(), &apis()).unwrap())
}

#[test]
fn names_follow_the_rules_and_every_series_can_be_read() {
    let metrics = metrics();
    let idle = exposition::parse(&metrics.encode().unwrap()).unwrap();
    assert_eq!(exposition::lint(&idle), Vec::<String>::new());

    touch_everything(&metrics);
    let busy = exposition::parse(&metrics.encode().unwrap()).unwrap();
    assert_eq!(exposition::lint(&busy), Vec::<String>::new());

    let listener = &busy["doorkeeper_connections_total"].samples[0].labels["listener"];
    assert_eq!(listener, "listener \"0\" \\ of\nten", "label values come back as they went in");
}

#[test]
fn promtool_agrees() {
    let metrics = metrics();
    touch_everything(&metrics);
    let text = metrics.encode().unwrap();
    if let Some(said) = promtool::run(&["check", "metrics"], Some(&text)) {
        said.unwrap_or_else(|said| panic!("{said}"));
    }
}

#[test]
fn one_sidecar_stays_within_its_budget_of_series() {
    let metrics = metrics();
    let idle = exposition::series(&exposition::parse(&metrics.encode().unwrap()).unwrap());
    touch_everything(&metrics);
    let scrape = metrics.encode().unwrap();
    let busy = exposition::series(&exposition::parse(&scrape).unwrap());
    println!("series: {idle} idle, {busy} with everything touched; {} bytes", scrape.len());
    assert!(busy <= BUDGET, "{busy} series");
    assert!(idle <= BUDGET / 4, "{idle} series before anything happened");

    touch_everything(&metrics);
    let again = exposition::series(&exposition::parse(&metrics.encode().unwrap()).unwrap());
    assert_eq!(again, busy, "counting more makes no more series");
}

#[test]
fn nothing_is_lost_when_many_threads_count() {
    const EACH: u64 = 20_000;
    let metrics = metrics();
    let listener = metrics.listener("clients");
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..EACH {
                    let open = listener.open();
                    metrics.request(1, RequestResult::Forwarded);
                    metrics.authorization(true, Operation::Read, ResourceType::Topic, 2);
                    open.close(CloseReason::ClientClosed, Duration::ZERO);
                }
            });
        }
    });
    println!("{:?} for {} rounds of 6 counts", started.elapsed(), 4 * EACH);
    let families = exposition::parse(&metrics.encode().unwrap()).unwrap();
    let sum = |name: &str| families[name].samples.iter().map(|sample| sample.value).sum::<f64>();
    let expected = (4 * EACH) as f64;
    assert_eq!(sum("doorkeeper_requests_total"), expected);
    assert_eq!(sum("doorkeeper_authorizations_total"), 2.0 * expected);
    assert_eq!(sum("doorkeeper_connections_total"), expected);
    assert_eq!(sum("doorkeeper_connections_closed_total"), expected);
    assert_eq!(sum("doorkeeper_connections_active"), 0.0);
}

#[test]
fn the_reader_is_strict() {
    let head = "# HELP a_total A.\n# TYPE a_total counter\n";
    let refuses = |text: &str| exposition::parse(text).unwrap_err();
    assert!(exposition::parse(&format!("{head}a_total{{b=\"c\"}} 1\n")).is_ok());
    assert!(refuses(&format!("{head}a_total 1")).contains("no end"));
    assert!(refuses(&format!("{head}a_total 1\na_total 2\n")).contains("a series twice"));
    assert!(refuses(&format!("{head}a_total -1\n")).contains("below zero"));
    assert!(refuses(&format!("{head}a_total{{b=\"c\\d\"}} 1\n")).contains("bad escape"));
    assert!(refuses(&format!("{head}a_total{{b=\"c}} 1\n")).contains("without end"));
    assert!(refuses(&format!("{head}a_total{{1=\"c\"}} 1\n")).contains("bad label name"));
    assert!(refuses(&format!("{head}b_total 1\n")).contains("another family"));
    assert!(refuses(&format!("{head}a_total x\n")).contains("bad value"));
    assert!(refuses(head).contains("without samples"));
    assert!(refuses("a_total 1\n").contains("without a family"));
    let histogram = "# HELP h A.\n# TYPE h histogram\nh_bucket{le=\"1\"} 2\n";
    assert!(
        refuses(&format!("{histogram}h_bucket{{le=\"+Inf\"}} 1\nh_sum 1\nh_count 1\n"))
            .contains("do not rise")
    );
    assert!(refuses(&format!("{histogram}h_bucket{{le=\"+Inf\"}} 2\nh_count 2\n")).contains("incomplete"));

    let bad = "# HELP other_latency_ms Slow\n# TYPE other_latency_ms counter\nother_latency_ms 1\n";
    let faults = exposition::lint(&exposition::parse(bad).unwrap()).join("\n");
    for fault in ["another prefix", "_total is for counters", "no base unit", "no sentence"] {
        assert!(faults.contains(fault), "{fault} is not among: {faults}");
    }
}
