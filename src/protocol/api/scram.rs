//! SCRAM credentials. Clients of doorkeeper log in with certificates: there are no such users, and whoever would make one
//! is told so. At the broker behind, a credential would be kept without any effect.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::cluster::{DENIED, needs};
use super::{Api, RuleOutcome};
use crate::model::acl::Operation;
use crate::protocol::access::Access;
use crate::protocol::error_code::*;
use crate::protocol::messages::alter_user_scram_credentials_request::ScramCredentialUpsertion;
use crate::protocol::messages::alter_user_scram_credentials_response::AlterUserScramCredentialsResult;
use crate::protocol::messages::describe_user_scram_credentials_response::DescribeUserScramCredentialsResult;
use crate::protocol::messages::{
    AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse, DescribeUserScramCredentialsRequest,
    DescribeUserScramCredentialsResponse,
};
use crate::protocol::wire::{Fault, Str};

/// `org.apache.kafka.clients.admin.ScramMechanism`: SCRAM-SHA-256 and SCRAM-SHA-512.
const MECHANISMS: [i8; 2] = [1, 2];
/// `ScramMechanism.minIterations` of both, and `ScramControlManager.MAX_ITERATIONS`.
const ITERATIONS: std::ops::RangeInclusive<i32> = 4096..=16384;

/// `KafkaApis.handleDescribeUserScramCredentialsRequest` and `ScramImage.describe`
impl Api for DescribeUserScramCredentialsRequest {
    fn decide(
        &mut self,
        access: &mut Access<'_>,
    ) -> Result<RuleOutcome<DescribeUserScramCredentialsResponse>, Fault> {
        let users = self.users.take().unwrap_or_default();
        if !access.allows_cluster(Operation::Describe) {
            // One for each, but nobody's name.
            let refused = users.iter().map(|_| DescribeUserScramCredentialsResult {
                error_code: DENIED,
                error_message: None,
                ..Default::default()
            });
            return Ok(RuleOutcome::Answer(DescribeUserScramCredentialsResponse {
                error_code: DENIED,
                error_message: None,
                results: refused.collect(),
                ..Default::default()
            }));
        }
        let mut counts: BTreeMap<Str, usize> = BTreeMap::new();
        for user in users {
            *counts.entry(user.name).or_default() += 1;
        }
        let results = counts.into_iter().map(|(user, count)| {
            let (error_code, text) = match count {
                1 => (RESOURCE_NOT_FOUND, "Attempt to describe a user credential that does not exist: "),
                _ => (
                    DUPLICATE_RESOURCE,
                    "Cannot describe SCRAM credentials for the same user twice in a single request: ",
                ),
            };
            let error_message = Some(format!("{text}{}", &*user).into());
            DescribeUserScramCredentialsResult { user, error_code, error_message, ..Default::default() }
        });
        Ok(RuleOutcome::Answer(DescribeUserScramCredentialsResponse {
            results: results.collect(),
            ..Default::default()
        }))
    }
}

/// `ControllerApis.handleAlterUserScramCredentials` and `ScramControlManager.alterCredentials`
impl Api for AlterUserScramCredentialsRequest {
    fn decide(
        &mut self,
        access: &mut Access<'_>,
    ) -> Result<RuleOutcome<AlterUserScramCredentialsResponse>, Fault> {
        let answer = |results: Vec<_>| {
            Ok(RuleOutcome::Answer(AlterUserScramCredentialsResponse { results, ..Default::default() }))
        };
        let result = |user, error_code, error_message| AlterUserScramCredentialsResult {
            user,
            error_code,
            error_message,
            ..Default::default()
        };
        let deleted = self.deletions.iter().map(|deletion| &deletion.name);
        let users = deleted.chain(self.upsertions.iter().map(|upsertion| &upsertion.name)).cloned();
        if !access.allows_cluster(Operation::Alter) {
            let users: BTreeSet<Str> = users.collect();
            return answer(
                users.into_iter().map(|user| result(user, DENIED, needs(Operation::Alter))).collect(),
            );
        }
        let mut failed: BTreeMap<Str, (i16, &str)> = BTreeMap::new();
        for deletion in &self.deletions {
            // What fails fails once: that the user is named twice counts only where the first would have been done.
            let why = unacceptable(&deletion.name, deletion.mechanism)
                .unwrap_or((RESOURCE_NOT_FOUND, "Attempt to delete a user credential that does not exist"));
            failed.entry(deletion.name.clone()).or_insert(why);
        }
        let mut acceptable: HashSet<&Str> = HashSet::new();
        for upsertion in &self.upsertions {
            let name = &upsertion.name;
            if failed.contains_key(name) {
                continue;
            }
            if acceptable.remove(name) {
                let twice = "A user credential cannot be altered twice in the same request";
                failed.insert(name.clone(), (DUPLICATE_RESOURCE, twice));
            } else if let Some(why) = unacceptable_upsertion(upsertion) {
                failed.insert(name.clone(), why);
            } else {
                acceptable.insert(name);
            }
        }
        failed.extend(acceptable.into_iter().map(|name| (name.clone(), NO_SCRAM)));
        answer(failed.into_iter().map(|(user, (code, text))| result(user, code, Some(text.into()))).collect())
    }
}

/// What a cluster answers that cannot keep credentials, in words of our own.
const NO_SCRAM: (i16, &str) =
    (UNSUPPORTED_VERSION, "SCRAM is not supported here: clients authenticate with certificates.");

/// `ScramControlManager.validateScramUsernameAndMechanism`
fn unacceptable(user: &str, mechanism: i8) -> Option<(i16, &'static str)> {
    if user.is_empty() {
        return Some((UNACCEPTABLE_CREDENTIAL, "Username must not be empty"));
    }
    (!MECHANISMS.contains(&mechanism)).then_some((UNSUPPORTED_SASL_MECHANISM, "Unknown SCRAM mechanism"))
}

/// `ScramControlManager.validateUpsertion`
fn unacceptable_upsertion(upsertion: &ScramCredentialUpsertion) -> Option<(i16, &'static str)> {
    unacceptable(&upsertion.name, upsertion.mechanism).or_else(|| match upsertion.iterations {
        iterations if iterations < *ITERATIONS.start() => {
            Some((UNACCEPTABLE_CREDENTIAL, "Too few iterations"))
        }
        iterations if iterations > *ITERATIONS.end() => {
            Some((UNACCEPTABLE_CREDENTIAL, "Too many iterations"))
        }
        _ => None,
    })
}
