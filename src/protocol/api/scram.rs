//! SCRAM credentials: those of the users that are kept here. Where none are, there are no such users, and whoever would make one
//! is told so. At the broker behind, a credential would be kept without any effect.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::cluster::{DENIED, needs};
use super::{Api, RuleOutcome};
use crate::model::acl::Operation;
use crate::model::sasl::scram::{Hash, SALT_LENGTHS, ScramCredential};
use crate::model::sasl::users::{User, Users, UsersChange, UsersChangeError, check_name};
use crate::protocol::access::{Access, UserDirectory};
use crate::protocol::error_code::*;
use crate::protocol::messages::alter_user_scram_credentials_request::{
    ScramCredentialDeletion, ScramCredentialUpsertion,
};
use crate::protocol::messages::alter_user_scram_credentials_response::AlterUserScramCredentialsResult;
use crate::protocol::messages::describe_user_scram_credentials_response::{
    CredentialInfo, DescribeUserScramCredentialsResult,
};
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
        let known = access.users.map(UserDirectory::users).unwrap_or_default();
        let mut counts: BTreeMap<Str, usize> = BTreeMap::new();
        for user in &users {
            *counts.entry(user.name.clone()).or_default() += 1;
        }
        if users.is_empty() {
            // No names are all names.
            let all = known
                .by_name()
                .iter()
                .filter(|(_, user)| Hash::ALL.iter().any(|hash| user.scram(*hash).is_some()));
            counts.extend(all.map(|(name, _)| (Str::from(name.as_str()), 1)));
        }
        let results = counts.into_iter().map(|(user, count)| {
            let credential_infos = known.get(&user).map(infos).unwrap_or_default();
            let (error_code, text) = match count {
                1 if !credential_infos.is_empty() => {
                    return DescribeUserScramCredentialsResult {
                        user,
                        error_message: None,
                        credential_infos,
                        ..Default::default()
                    };
                }
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
        let known = access.users.map(UserDirectory::users);
        let (mut failed, acceptable) = self.judge(known.as_deref());
        let refused = |failed: BTreeMap<Str, (i16, &str)>| {
            failed
                .into_iter()
                .map(|(user, (code, text))| result(user, code, Some(text.into())))
                .collect::<Vec<_>>()
        };
        if known.is_none() {
            failed.extend(acceptable.into_iter().map(|name| (name, NO_SCRAM)));
            return answer(refused(failed));
        }
        if acceptable.is_empty() {
            return answer(refused(failed));
        }
        let change = self.change(&acceptable);
        let failed = refused(failed);
        Ok(RuleOutcome::ChangeUsers(
            change,
            Box::new(move |outcome, _| {
                let (code, text) = match &outcome {
                    Ok(()) => (0, None),
                    Err(UsersChangeError::ReadOnly(why)) => (POLICY_VIOLATION, Some(why.as_str())),
                    Err(UsersChangeError::Unavailable(why)) => (UNKNOWN_SERVER_ERROR, Some(why.as_str())),
                };
                let mut names: Vec<Str> = acceptable.into_iter().collect();
                names.sort();
                let done = names.into_iter().map(|name| result(name, code, text.map(Into::into)));
                let results = done.chain(failed).collect();
                AlterUserScramCredentialsResponse { results, ..Default::default() }
            }),
        ))
    }
}

impl AlterUserScramCredentialsRequest {
    /// Which users cannot be altered, and which can, of those that there are.
    fn judge(&self, known: Option<&Users>) -> (BTreeMap<Str, (i16, &'static str)>, HashSet<Str>) {
        let is_there = |deletion: &ScramCredentialDeletion| {
            let user = known.and_then(|known| known.get(&deletion.name));
            hash_of(deletion.mechanism)
                .is_some_and(|hash| user.is_some_and(|user| user.scram(hash).is_some()))
        };
        let gone = "Attempt to delete a user credential that does not exist";
        let deletions = self.deletions.iter().map(|deletion| {
            let why = unacceptable(&deletion.name, deletion.mechanism);
            (&deletion.name, why.or_else(|| (!is_there(deletion)).then_some((RESOURCE_NOT_FOUND, gone))))
        });
        let upsertions = self.upsertions.iter().map(|upsertion| {
            let why = unacceptable_upsertion(upsertion);
            // Where nothing is kept at all, that is what is told.
            (&upsertion.name, why.or_else(|| known.and_then(|_| not_kept(upsertion))))
        });
        let mut failed = BTreeMap::new();
        let mut acceptable: HashSet<Str> = HashSet::new();
        for (name, why) in deletions.chain(upsertions) {
            // What fails fails once: that the user is named twice counts only where the first would have been done.
            if failed.contains_key(name) {
                continue;
            }
            if acceptable.remove(name) {
                let twice = "A user credential cannot be altered twice in the same request";
                failed.insert(name.clone(), (DUPLICATE_RESOURCE, twice));
            } else if let Some(why) = why {
                failed.insert(name.clone(), why);
            } else {
                acceptable.insert(name.clone());
            }
        }
        (failed, acceptable)
    }

    /// What is to be changed of these users.
    fn change(&self, users: &HashSet<Str>) -> UsersChange {
        let deletions = self.deletions.iter().filter(|deletion| users.contains(&deletion.name));
        let upsertions = self.upsertions.iter().filter(|upsertion| users.contains(&upsertion.name));
        UsersChange {
            remove: deletions
                .filter_map(|one| Some((one.name.to_string(), hash_of(one.mechanism)?)))
                .collect(),
            set: upsertions
                .filter_map(|one| {
                    let hash = hash_of(one.mechanism)?;
                    let iterations = u32::try_from(one.iterations).ok()?;
                    let (salted, salt) = (&one.salted_password, one.salt.to_vec());
                    let credential = ScramCredential::from_salted_password(hash, salted, salt, iterations);
                    Some((one.name.to_string(), hash, credential))
                })
                .collect(),
        }
    }
}

/// The hash function of a mechanism by its number (`ScramMechanism.type`).
fn hash_of(mechanism: i8) -> Option<Hash> {
    let place = MECHANISMS.iter().position(|known| *known == mechanism)?;
    Hash::ALL.get(place).copied()
}

/// What is told of a user's credentials.
fn infos(user: &User) -> Vec<CredentialInfo> {
    let info = |(mechanism, hash): (&i8, &Hash)| {
        let iterations = i32::try_from(user.scram(*hash)?.iterations).ok()?;
        Some(CredentialInfo { mechanism: *mechanism, iterations, ..Default::default() })
    };
    MECHANISMS.iter().zip(&Hash::ALL).filter_map(info).collect()
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

/// What is not kept here, and Kafka keeps: whatever is written must be read again.
fn not_kept(upsertion: &ScramCredentialUpsertion) -> Option<(i16, &'static str)> {
    if check_name(&upsertion.name).is_err() {
        let text = "Username must have at most 255 bytes, no control characters, no blanks around it, and no 'User:' before it";
        return Some((UNACCEPTABLE_CREDENTIAL, text));
    }
    let is_kept = SALT_LENGTHS.contains(&upsertion.salt.len());
    (!is_kept).then_some((UNACCEPTABLE_CREDENTIAL, "Salt must have 1 to 1024 bytes"))
}
