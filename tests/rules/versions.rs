//! ApiVersions, and SASL on a connection that a certificate has authenticated.

use doorkeeper::protocol::access::BrokerSettings;
use doorkeeper::protocol::api::{Row, Rule, TABLE, unsupported_version};
use doorkeeper::protocol::error_code::*;
use doorkeeper::protocol::messages::api_versions_response::{ApiVersion, FinalizedFeatureKey};
use doorkeeper::protocol::messages::*;
use doorkeeper::protocol::wire::{Bytes, Message};

use crate::support::door::*;

fn served(key: i16, versions: std::ops::RangeInclusive<i16>) -> ApiVersion {
    ApiVersion {
        api_key: key,
        min_version: *versions.start(),
        max_version: *versions.end(),
        ..Default::default()
    }
}

/// What the client is told when the broker serves these.
fn told(version: i16, api_keys: Vec<ApiVersion>) -> Vec<ApiVersion> {
    let mut door = Door::new([]);
    let forwarded = door.send(version, &ApiVersionsRequest::default()).forwarded();
    assert!(!forwarded.edited);
    forwarded.answered(&mut door, &ApiVersionsResponse { api_keys, ..Default::default() }).api_keys
}

#[test]
fn what_is_served_is_what_both_serve() {
    for version in Door::versions::<ApiVersionsRequest>() {
        let ours = Row::find(MetadataRequest::KEY).unwrap().versions.clone();
        let answer = told(
            version,
            vec![
                served(MetadataRequest::KEY, 2..=99),
                served(FetchRequest::KEY, 4..=5),
                served(ListOffsetsRequest::KEY, 90..=99),
                served(12345, 0..=1),
                served(-1, 0..=1),
            ],
        );
        assert_eq!(answer, [served(MetadataRequest::KEY, 2..=*ours.end()), served(FetchRequest::KEY, 4..=5)]);
    }
}

#[test]
fn apis_that_are_never_served_are_left_out() {
    let everything = TABLE.iter().map(|row| served(row.key, 0..=99)).collect();
    let answer = told(0, everything);
    let expected: Vec<_> = TABLE
        .iter()
        .filter(|row| matches!(row.rule, Rule::Decided(_)))
        .map(|row| served(row.key, row.versions.clone()))
        .collect();
    assert_eq!(answer, expected);
    assert!(!answer.iter().any(|api| [4, 5, 6, 7, 52, 58, 63].contains(&api.api_key)));
}

/// KAFKA-18659: a librdkafka that is not told of Produce 0 stops compressing.
#[test]
fn produce_keeps_the_brokers_lowest_version() {
    let ours = *Row::find(ProduceRequest::KEY).unwrap().versions.end();
    for lowest in [0, 3] {
        let answer = told(3, vec![served(ProduceRequest::KEY, lowest..=99)]);
        assert_eq!(answer, [served(ProduceRequest::KEY, lowest..=ours)]);
    }
}

#[test]
fn features_and_errors_are_the_brokers() {
    let mut door = Door::new([]);
    for error_code in [NONE, INVALID_REQUEST, 129] {
        let forwarded = door.send(5, &ApiVersionsRequest::default()).forwarded();
        let finalized = FinalizedFeatureKey {
            name: "metadata.version".into(),
            max_version_level: 28,
            min_version_level: 28,
            ..Default::default()
        };
        let response = ApiVersionsResponse {
            error_code,
            finalized_features_epoch: 7,
            finalized_features: vec![finalized],
            ..Default::default()
        };
        assert_eq!(forwarded.answered(&mut door, &response), response);
    }
}

#[test]
fn an_unsupported_version_is_answered_in_version_0_with_what_is_supported() {
    for (theirs, told) in [(0..=3, 0..=3), (0..=99, Door::versions::<ApiVersionsRequest>())] {
        let broker = broker(
            |key, versions| Some(if key == ApiVersionsRequest::KEY { theirs.clone() } else { versions }),
            BrokerSettings::default(),
        );
        let body: Bytes = unsupported_version(&broker).unwrap().into();
        let answer: ApiVersionsResponse = decoded(&body, 0);
        assert_eq!(answer.error_code, UNSUPPORTED_VERSION);
        assert_eq!(answer.api_keys, [served(ApiVersionsRequest::KEY, told)]);
    }
}

#[test]
fn sasl_comes_too_late_on_an_authenticated_connection() {
    let mut door = Door::for_super_user();
    for version in Door::versions::<SaslHandshakeRequest>() {
        let request = SaslHandshakeRequest { mechanism: "PLAIN".into(), ..Default::default() };
        let answer = door.send(version, &request).reply();
        let expected = SaslHandshakeResponse { error_code: 34, ..Default::default() };
        assert_eq!(answer, expected);
    }
    for version in Door::versions::<SaslAuthenticateRequest>() {
        let request = SaslAuthenticateRequest { auth_bytes: "token".into(), ..Default::default() };
        let answer = door.send(version, &request).reply();
        let expected = SaslAuthenticateResponse {
            error_code: 34,
            error_message: Some("SaslAuthenticate request received after successful authentication".into()),
            ..Default::default()
        };
        assert_eq!(answer, expected);
    }
}
