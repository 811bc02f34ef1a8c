use super::*;

const APIS: &[(i16, &str, ApiClass)] = &[
    (0, "Produce", ApiClass::Produce),
    (1, "Fetch", ApiClass::Fetch),
    (3, "Metadata", ApiClass::Metadata),
    (18, "ApiVersions", ApiClass::Metadata),
];

fn metrics() -> Metrics {
    let build = Build { version: "1.2.3", revision: "abc", rustc: "1.95.0", tls_provider: "aws-lc-rs" };
    Metrics::new(build, at(1_000), APIS).unwrap()
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// The value of a series, written as in a scrape; `None` when there is no such series.
fn value(metrics: &Metrics, series: &str) -> Option<f64> {
    let text = metrics.encode().unwrap();
    let line = text.lines().find(|line| line.strip_prefix(series).is_some_and(|rest| rest.starts_with(' ')));
    line.map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

#[test]
fn the_process_introduces_itself() {
    let metrics = metrics();
    let build =
        r#"doorkeeper_build_info{revision="abc",rustc="1.95.0",tls_provider="aws-lc-rs",version="1.2.3"}"#;
    assert_eq!(value(&metrics, build), Some(1.0));
    assert_eq!(value(&metrics, "doorkeeper_start_time_seconds"), Some(1000.0));
    #[cfg(target_os = "linux")]
    assert!(value(&metrics, "process_resident_memory_bytes").unwrap() > 0.0);
}

#[test]
fn requests_are_counted_by_name_and_only_once_seen() {
    let metrics = metrics();
    let fetched = r#"doorkeeper_requests_total{api="Fetch",result="forwarded"}"#;
    assert_eq!(value(&metrics, fetched), None);
    assert_eq!(value(&metrics, r#"doorkeeper_requests_total{api="Fetch",result="denied"}"#), Some(0.0));
    metrics.request(1, RequestResult::Forwarded);
    metrics.request(1, RequestResult::Forwarded);
    assert_eq!(value(&metrics, fetched), Some(2.0));
    assert_eq!(value(&metrics, r#"doorkeeper_requests_total{api="Produce",result="forwarded"}"#), None);
}

#[test]
fn keys_out_of_the_list_are_one_unknown_api() {
    let metrics = metrics();
    for key in [2, 19, 999, i16::MAX, -1, i16::MIN] {
        metrics.request(key, RequestResult::Unsupported);
    }
    assert_eq!(
        value(&metrics, r#"doorkeeper_requests_total{api="unknown",result="unsupported"}"#),
        Some(6.0)
    );
}

#[test]
fn bytes_are_gathered_and_counted_once() {
    let metrics = metrics();
    let mut counts = ByteCounts { request: 10, response: 0 };
    counts.response += 70;
    counts.response += 5;
    counts.flush(metrics.api(1));
    assert_eq!(counts, ByteCounts::default());
    counts.flush(metrics.api(1));
    assert_eq!(value(&metrics, r#"doorkeeper_request_bytes_total{api="Fetch"}"#), Some(10.0));
    assert_eq!(value(&metrics, r#"doorkeeper_response_bytes_total{api="Fetch"}"#), Some(75.0));
}

#[test]
fn latency_goes_to_the_class_of_the_api() {
    let metrics = metrics();
    metrics.api(18).upstream_latency(Duration::from_millis(3));
    metrics.api(3).upstream_latency(Duration::from_millis(400));
    metrics.api(77).upstream_latency(Duration::from_secs(60));
    let class = |suffix: &str, labels: &str| {
        value(&metrics, &format!("doorkeeper_upstream_latency_seconds_{suffix}{{{labels}}}"))
    };
    assert_eq!(class("bucket", r#"api_class="metadata",le="0.0025""#), Some(0.0));
    assert_eq!(class("bucket", r#"api_class="metadata",le="0.005""#), Some(1.0));
    assert_eq!(class("count", r#"api_class="metadata""#), Some(2.0));
    assert_eq!(class("bucket", r#"api_class="other",le="30""#), Some(0.0));
    assert_eq!(class("count", r#"api_class="other""#), Some(1.0));
}

#[test]
fn connections_add_up_even_when_a_task_panics() {
    let metrics = metrics();
    let listener = metrics.listener("clients");
    let active = || value(&metrics, r#"doorkeeper_connections_active{listener="clients"}"#).unwrap();
    let closed = |reason: CloseReason| {
        let labels = format!(r#"{{listener="clients",reason="{reason}"}}"#);
        value(&metrics, &format!("doorkeeper_connections_closed_total{labels}")).unwrap()
    };

    let (first, second) = (listener.open(), metrics.listener("clients").open());
    assert_eq!(active(), 2.0);
    first.close(CloseReason::UpstreamError, Duration::from_secs(61));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _open = second;
        panic!("a fault of our own");
    }));
    assert!(panicked.is_err());

    assert_eq!(active(), 0.0);
    assert_eq!(closed(CloseReason::UpstreamError), 1.0);
    assert_eq!(closed(CloseReason::InternalError), 1.0);
    assert_eq!(CloseReason::ALL.iter().map(|&reason| closed(reason)).sum::<f64>(), 2.0);
    assert_eq!(value(&metrics, r#"doorkeeper_connections_total{listener="clients"}"#), Some(2.0));
    let lasted =
        |bound| value(&metrics, &format!("doorkeeper_connection_duration_seconds_bucket{{le=\"{bound}\"}}"));
    assert_eq!((lasted("60"), lasted("300")), (Some(0.0), Some(1.0)));
}

#[test]
fn ciphers_are_known_by_their_names_and_few_of_them_are_series() {
    let metrics = metrics();
    let listener = metrics.listener("clients");
    assert!(!metrics.encode().unwrap().contains("tls_sessions_total{"));
    listener.session(TlsVersion::Tls13, Cipher::of("TLS_AES_128_GCM_SHA256"), false);
    listener.session(TlsVersion::Other, Cipher::of("TLS_NULL_WITH_NULL_NULL"), true);
    let series = |cipher, resumed, version| {
        let labels =
            format!("cipher=\"{cipher}\",listener=\"clients\",resumed=\"{resumed}\",version=\"{version}\"");
        value(&metrics, &format!("doorkeeper_tls_sessions_total{{{labels}}}"))
    };
    assert_eq!(series("TLS_AES_128_GCM_SHA256", "false", "TLSv1.3"), Some(1.0));
    assert_eq!(series("other", "true", "other"), Some(1.0));
}

#[test]
fn denials_have_a_name_for_as_many_as_were_asked_for() {
    let metrics = metrics();
    metrics.denied("User:early", 1);
    assert!(!metrics.encode().unwrap().contains("by_principal"), "nobody has asked");
    metrics.count_denials_by_principal(2).unwrap();
    for (principal, count) in [("User:a", 1), ("User:b", 2), ("User:c", 3), ("User:a", 4), ("User:d", 5)] {
        metrics.denied(principal, count);
    }
    let of = |principal: &str| {
        let labels = format!("{{principal=\"{principal}\"}}");
        value(&metrics, &format!("doorkeeper_authorization_denials_by_principal_total{labels}"))
    };
    assert_eq!(
        [of("User:a"), of("User:b"), of("User:c"), of(OTHERS)],
        [Some(5.0), Some(2.0), None, Some(8.0)]
    );
}

#[test]
fn what_is_filtered_is_counted_where_something_is() {
    let metrics = metrics();
    metrics.request(3, RequestResult::Forwarded);
    assert!(!metrics.encode().unwrap().contains("responses_filtered_total{"));
    metrics.api(3).filtered(4);
    assert_eq!(value(&metrics, "doorkeeper_responses_filtered_total{api=\"Metadata\"}"), Some(4.0));
}

#[test]
fn there_is_one_configuration_and_its_hash_is_short() {
    let metrics = metrics();
    metrics.config_hash(&"a".repeat(64));
    metrics.config_hash(&"b".repeat(64));
    let text = metrics.encode().unwrap();
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("doorkeeper_config_hash_info")).collect();
    assert_eq!(lines, ["doorkeeper_config_hash_info{sha256=\"bbbbbbbbbbbbbbbb\"} 1"]);
}

#[test]
fn busy_time_only_grows() {
    let metrics = metrics();
    let busy = || value(&metrics, "doorkeeper_tokio_busy_seconds_total");
    for (now, expected) in [(2, 2.0), (5, 5.0), (4, 5.0), (6, 6.0)] {
        metrics.runtime(&Runtime { busy: Duration::from_secs(now), ..Runtime::default() });
        assert_eq!(busy(), Some(expected));
    }
}

#[test]
fn only_completed_handshakes_are_timed() {
    let metrics = metrics();
    let listener = metrics.listener("clients");
    listener.handshake(HandshakeResult::Ok, Duration::from_millis(2));
    listener.handshake(HandshakeResult::Timeout, Duration::from_secs(10));
    assert_eq!(value(&metrics, "doorkeeper_tls_handshake_duration_seconds_count"), Some(1.0));
    let timeouts = r#"doorkeeper_tls_handshakes_total{listener="clients",result="timeout"}"#;
    assert_eq!(value(&metrics, timeouts), Some(1.0));
}

#[test]
fn every_decision_has_its_series_and_the_usual_ones_exist_from_the_start() {
    let metrics = metrics();
    let write =
        r#"doorkeeper_authorizations_total{decision="denied",operation="write",resource_type="topic"}"#;
    let odd = r#"doorkeeper_authorizations_total{decision="allowed",operation="two_phase_commit",resource_type="user"}"#;
    assert_eq!((value(&metrics, write), value(&metrics, odd)), (Some(0.0), None));
    metrics.authorization(false, Operation::Write, ResourceType::Topic, 3);
    metrics.authorization(true, Operation::TwoPhaseCommit, ResourceType::User, 1);
    assert_eq!((value(&metrics, write), value(&metrics, odd)), (Some(3.0), Some(1.0)));
}

#[test]
fn a_renewed_certificate_takes_the_place_of_the_old_one() {
    let metrics = metrics();
    let certificate = |name: &str, serial: &str, until: u64| Certificate {
        name: name.to_owned(),
        role: CertificateRole::Server,
        not_before: at(5),
        not_after: at(until),
        subject: "CN=\"kafka\"\n".to_owned(),
        issuer: "CN=ca".to_owned(),
        serial: serial.to_owned(),
        sha256: "00ff".to_owned(),
    };
    let series = |name: &str| metrics.encode().unwrap().lines().filter(|line| line.starts_with(name)).count();
    let until = r#"doorkeeper_tls_certificate_not_after_timestamp_seconds{name="clients",role="server"}"#;

    metrics.certificates(vec![certificate("clients", "01", 100), certificate("inside", "02", 100)]);
    assert_eq!(value(&metrics, until), Some(100.0));
    assert_eq!(series("doorkeeper_tls_certificate_info{"), 2);

    metrics.certificates(vec![certificate("clients", "03", 200)]);
    assert_eq!(value(&metrics, until), Some(200.0));
    assert_eq!(series("doorkeeper_tls_certificate_info{"), 1);
    assert_eq!(series("doorkeeper_tls_certificate_not_after_timestamp_seconds{"), 1);
    assert_eq!(series("doorkeeper_tls_certificate_not_before_timestamp_seconds{"), 1);
    assert!(metrics.encode().unwrap().contains(r#"serial="03",sha256="00ff",subject="CN=\"kafka\"\n"} 1"#));
}

#[test]
fn a_failed_reload_leaves_the_time_of_the_last_good_one() {
    let metrics = metrics();
    let state = || {
        (
            value(&metrics, r#"doorkeeper_config_last_reload_successful{what="acls"}"#).unwrap(),
            value(&metrics, r#"doorkeeper_config_last_reload_success_timestamp_seconds{what="acls"}"#)
                .unwrap(),
        )
    };
    metrics.loaded(Reload::Acls, at(10));
    assert_eq!(state(), (1.0, 10.0));
    metrics.reloaded(Reload::Acls, false, at(20));
    assert_eq!(state(), (0.0, 10.0));
    metrics.reloaded(Reload::Acls, true, at(30));
    assert_eq!(state(), (1.0, 30.0));
    assert_eq!(value(&metrics, r#"doorkeeper_config_reloads_total{result="ok",what="acls"}"#), Some(1.0));
    assert_eq!(value(&metrics, r#"doorkeeper_config_reloads_total{result="error",what="acls"}"#), Some(1.0));
}

#[test]
fn connect_errors_have_their_label() {
    let label = |kind: std::io::ErrorKind| ConnectResult::of(&kind.into());
    assert_eq!(label(std::io::ErrorKind::ConnectionRefused), ConnectResult::Refused);
    assert_eq!(label(std::io::ErrorKind::TimedOut), ConnectResult::Timeout);
    assert_eq!(label(std::io::ErrorKind::NetworkUnreachable), ConnectResult::Other);
}

#[test]
fn times_before_1970_are_negative() {
    assert_eq!(unix_seconds(UNIX_EPOCH - Duration::from_secs(2)), -2);
}
