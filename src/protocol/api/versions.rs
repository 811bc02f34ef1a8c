//! Which versions are served, and logging in once more.

use super::{Api, Row, Rule, RuleOutcome, encoded};
use crate::protocol::access::{Access, Broker};
use crate::protocol::error_code::{ILLEGAL_SASL_STATE, UNSUPPORTED_VERSION};
use crate::protocol::messages::api_versions_response::ApiVersion;
use crate::protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, ProduceRequest, SaslAuthenticateRequest,
    SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use crate::protocol::wire::{Fault, Message};

/// The broker answers, so that features, its word on the client's software name and, from version 5 on, on the cluster
/// that the client means to have reached are its own.
impl Api for ApiVersionsRequest {
    fn decide(&mut self, _: &mut Access<'_>) -> Result<RuleOutcome<ApiVersionsResponse>, Fault> {
        Ok(RuleOutcome::Amend(Box::new(|answer: &mut ApiVersionsResponse, _| reduce_versions(answer))))
    }
}

/// Reduces what a broker says it serves to what we serve too.
pub fn reduce_versions(answer: &mut ApiVersionsResponse) {
    answer.api_keys.retain_mut(reduce);
}

/// Reduces the versions that a broker serves to those that we serve too; false if there are none.
fn reduce(served: &mut ApiVersion) -> bool {
    let Some(row) = Row::find(served.api_key).filter(|row| matches!(row.rule, Rule::Decided(_))) else {
        return false;
    };
    let lowest = served.min_version.max(*row.versions.start());
    served.max_version = served.max_version.min(*row.versions.end());
    // A librdkafka that is not told of Produce 0 stops compressing without a word (KAFKA-18659): what the broker says
    // of it stays, though neither may serve it.
    if served.api_key != ProduceRequest::KEY {
        served.min_version = lowest;
    }
    lowest <= served.max_version
}

/// Whether the broker is Kafka 4.4 or later, which brought version 5 of ApiVersions.
pub(super) fn is_4_4(broker: &Broker) -> bool {
    *broker.versions(ApiVersionsRequest::KEY).end() >= 5
}

/// The answer, in version 0, to an ApiVersions request in a version that is not served
/// (`ApiVersionsRequest.getErrorResponse`).
///
/// # Errors
/// None: version 0 can carry it.
pub fn unsupported_version(broker: &Broker) -> Result<Vec<u8>, Fault> {
    let served = broker.versions(ApiVersionsRequest::KEY);
    let mut versions = ApiVersion {
        api_key: ApiVersionsRequest::KEY,
        min_version: *served.start(),
        max_version: *served.end(),
        ..Default::default()
    };
    reduce(&mut versions);
    let answer = ApiVersionsResponse {
        error_code: UNSUPPORTED_VERSION,
        api_keys: vec![versions],
        ..Default::default()
    };
    encoded(&answer, 0)
}

/// `KafkaApis.handleSaslHandshakeRequest`: whoever sends it here has been authenticated by certificate.
impl Api for SaslHandshakeRequest {
    fn decide(&mut self, _: &mut Access<'_>) -> Result<RuleOutcome<SaslHandshakeResponse>, Fault> {
        let error_code = ILLEGAL_SASL_STATE;
        Ok(RuleOutcome::Answer(SaslHandshakeResponse { error_code, ..Default::default() }))
    }
}

/// `KafkaApis.handleSaslAuthenticateRequest`
impl Api for SaslAuthenticateRequest {
    fn decide(&mut self, _: &mut Access<'_>) -> Result<RuleOutcome<SaslAuthenticateResponse>, Fault> {
        Ok(RuleOutcome::Answer(SaslAuthenticateResponse {
            error_code: ILLEGAL_SASL_STATE,
            error_message: Some("SaslAuthenticate request received after successful authentication".into()),
            ..Default::default()
        }))
    }
}
