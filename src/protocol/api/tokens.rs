//! Delegation tokens, which a cluster has when `delegation.token.secret.key` is set. The broker behind would refuse them
//! for its plaintext listener, so doorkeeper answers as a secured Kafka does that has none.

use super::{Api, RuleOutcome};
use crate::model::acl::{Operation, ResourceType};
use crate::model::principal::{ANONYMOUS, USER};
use crate::protocol::access::Access;
use crate::protocol::error_code::*;
use crate::protocol::messages::{
    CreateDelegationTokenRequest, CreateDelegationTokenResponse, DescribeDelegationTokenRequest,
    DescribeDelegationTokenResponse, ExpireDelegationTokenRequest, ExpireDelegationTokenResponse,
    RenewDelegationTokenRequest, RenewDelegationTokenResponse,
};
use crate::protocol::wire::{Fault, Str};

/// The first version with an owner other than the client.
const OWNER: i16 = 3;
/// `DelegationTokenManager.ERROR_TIMESTAMP`: what the broker itself refuses.
const REFUSED: i64 = -1;
/// The timestamps of what the controller refuses, which has no such constant.
const TURNED_OFF: i64 = 0;

/// `KafkaApis.allowTokenRequests`: nobody may without a certificate.
fn may_ask(access: &Access<'_>) -> bool {
    access.principal != ANONYMOUS
}

/// `KafkaApis.handleCreateTokenRequest`
impl Api for CreateDelegationTokenRequest {
    fn decide(
        &mut self,
        access: &mut Access<'_>,
    ) -> Result<RuleOutcome<CreateDelegationTokenResponse>, Fault> {
        let (requester, version) = (access.principal, access.version);
        let answer = |error_code, owner: &str, requester: &str, timestamp| {
            let (principal_type, principal_name) = parts(owner);
            let (token_requester_principal_type, token_requester_principal_name) = match version {
                OWNER.. => parts(requester),
                _ => (Str::EMPTY, Str::EMPTY),
            };
            RuleOutcome::Answer(CreateDelegationTokenResponse {
                error_code,
                principal_type,
                principal_name,
                token_requester_principal_type,
                token_requester_principal_name,
                issue_timestamp_ms: timestamp,
                expiry_timestamp_ms: timestamp,
                max_timestamp_ms: timestamp,
                ..Default::default()
            })
        };
        let owner = match (&self.owner_principal_type, self.owner_principal_name.as_deref()) {
            (_, None | Some("")) => requester.to_owned(),
            (Some(kind), Some(name)) => format!("{kind}:{name}", kind = &**kind),
            // A principal without a type cannot even be thought of.
            (None, Some(_)) => {
                return Ok(answer(UNKNOWN_SERVER_ERROR, ANONYMOUS, ANONYMOUS, REFUSED));
            }
        };
        if !may_ask(access) {
            return Ok(answer(DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, &owner, requester, REFUSED));
        }
        let is_own = owner == requester;
        let mut refusal = (DELEGATION_TOKEN_AUTH_DISABLED, TURNED_OFF);
        if !is_own && !access.allows(Operation::CreateTokens, ResourceType::User, &owner) {
            refusal = (DELEGATION_TOKEN_AUTHORIZATION_FAILED, REFUSED);
        } else if self.renewers.iter().any(|renewer| &*renewer.principal_type != USER) {
            refusal = (INVALID_PRINCIPAL_TYPE, REFUSED);
        }
        Ok(answer(refusal.0, &owner, requester, refusal.1))
    }
}

/// Type and name of a principal. The type ends at the first colon.
fn parts(principal: &str) -> (Str, Str) {
    let (kind, name) = principal.split_once(':').unwrap_or((USER, principal));
    (kind.into(), name.into())
}

/// The refusal of an existing token, and its timestamp. Nobody comes so far as to look for it.
fn refusal(access: &Access<'_>) -> (i16, i64) {
    match may_ask(access) {
        true => (DELEGATION_TOKEN_AUTH_DISABLED, TURNED_OFF),
        false => (DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, REFUSED),
    }
}

/// `KafkaApis.handleRenewTokenRequest`
impl Api for RenewDelegationTokenRequest {
    fn decide(
        &mut self,
        access: &mut Access<'_>,
    ) -> Result<RuleOutcome<RenewDelegationTokenResponse>, Fault> {
        let (error_code, expiry_timestamp_ms) = refusal(access);
        let answer = RenewDelegationTokenResponse { error_code, expiry_timestamp_ms, ..Default::default() };
        Ok(RuleOutcome::Answer(answer))
    }
}

/// `KafkaApis.handleExpireTokenRequest`
impl Api for ExpireDelegationTokenRequest {
    fn decide(
        &mut self,
        access: &mut Access<'_>,
    ) -> Result<RuleOutcome<ExpireDelegationTokenResponse>, Fault> {
        let (error_code, expiry_timestamp_ms) = refusal(access);
        let answer = ExpireDelegationTokenResponse { error_code, expiry_timestamp_ms, ..Default::default() };
        Ok(RuleOutcome::Answer(answer))
    }
}

/// `KafkaApis.handleDescribeTokensRequest`
impl Api for DescribeDelegationTokenRequest {
    fn decide(
        &mut self,
        access: &mut Access<'_>,
    ) -> Result<RuleOutcome<DescribeDelegationTokenResponse>, Fault> {
        let (error_code, _) = refusal(access);
        Ok(RuleOutcome::Answer(DescribeDelegationTokenResponse { error_code, ..Default::default() }))
    }
}
