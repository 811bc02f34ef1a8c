//! placeholder

use super::{Api, Verdict};
use crate::protocol::access::Access;
use crate::protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, SaslAuthenticateRequest, SaslAuthenticateResponse,
    SaslHandshakeRequest, SaslHandshakeResponse,
};
use crate::protocol::wire::Fault;

impl Api for ApiVersionsRequest {
    fn decide(&mut self, _access: &mut Access<'_>) -> Result<Verdict<ApiVersionsResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}

impl Api for SaslHandshakeRequest {
    fn decide(&mut self, _access: &mut Access<'_>) -> Result<Verdict<SaslHandshakeResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}

impl Api for SaslAuthenticateRequest {
    fn decide(&mut self, _access: &mut Access<'_>) -> Result<Verdict<SaslAuthenticateResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}

/// placeholder
pub fn unsupported_version(_broker: &crate::protocol::access::Broker) -> Result<Vec<u8>, Fault> {
    Ok(Vec::new())
}
