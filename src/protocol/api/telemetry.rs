//! The metrics that clients send to their cluster (KIP-714). Kafka asks no ACL about them: what a client may send was
//! chosen by an administrator, as a configuration resource.
//!
//! A broker tells clients apart by client id, software and address as well; the address is doorkeeper's.

use super::{Api, RuleOutcome};
use crate::protocol::access::Access;
use crate::protocol::messages::{
    GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse, PushTelemetryRequest,
    PushTelemetryResponse,
};
use crate::protocol::wire::Fault;

/// `KafkaApis.handleGetTelemetrySubscriptionsRequest`
impl Api for GetTelemetrySubscriptionsRequest {
    fn decide(
        &mut self,
        _: &mut Access<'_>,
    ) -> Result<RuleOutcome<GetTelemetrySubscriptionsResponse>, Fault> {
        Ok(RuleOutcome::Forward)
    }
}

/// `KafkaApis.handlePushTelemetryRequest`
impl Api for PushTelemetryRequest {
    fn decide(&mut self, _: &mut Access<'_>) -> Result<RuleOutcome<PushTelemetryResponse>, Fault> {
        Ok(RuleOutcome::Forward)
    }
}
