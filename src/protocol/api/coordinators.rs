//! Which broker keeps the state of a group or of a transaction: FindCoordinator.

use std::collections::HashSet;

use super::metadata::readdress;
use super::{Api, Readdress, RuleOutcome, take_denied};
use crate::model::acl::{Operation, ResourceType};
use crate::protocol::access::Access;
use crate::protocol::error_code::*;
use crate::protocol::messages::find_coordinator_response::Coordinator;
use crate::protocol::messages::{FindCoordinatorRequest, FindCoordinatorResponse};
use crate::protocol::wire::{Fault, Str};

/// `FindCoordinatorRequest.CoordinatorType`
const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;
const SHARE: i8 = 2;

/// `KafkaApis.handleFindCoordinatorRequest`. A denied key must not reach the broker: the lookup creates the internal
/// topic behind it.
impl Api for FindCoordinatorRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<FindCoordinatorResponse>, Fault> {
        let batched = access.version >= 4;
        let resource_type = match self.key_type {
            GROUP => ResourceType::Group,
            TRANSACTION => ResourceType::TransactionalId,
            SHARE if access.version >= 6 => {
                return Ok(match access.allows_cluster(Operation::ClusterAction) {
                    true => RuleOutcome::Forward,
                    false => RuleOutcome::Answer(self.failed(CLUSTER_AUTHORIZATION_FAILED, batched)),
                });
            }
            // Too new for the version, which Kafka finds out key by key, and without a word.
            SHARE if batched => {
                let keys = self.coordinator_keys.drain(..);
                let coordinators = keys.map(|key| no_coordinator(key, INVALID_REQUEST)).collect();
                return Ok(RuleOutcome::Answer(FindCoordinatorResponse {
                    coordinators,
                    ..Default::default()
                }));
            }
            // Kafka does not know it either.
            _ => return Ok(RuleOutcome::Answer(self.failed(INVALID_REQUEST, batched))),
        };
        let code = match resource_type {
            ResourceType::Group => GROUP_AUTHORIZATION_FAILED,
            _ => TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        };
        if !batched {
            return Ok(match access.allows(Operation::Describe, resource_type, &self.key) {
                true => RuleOutcome::Forward,
                false => RuleOutcome::Answer(self.failed(code, false)),
            });
        }
        let keys = self.coordinator_keys.clone();
        let denied: HashSet<Str> =
            take_denied(&mut self.coordinator_keys, Operation::Describe, resource_type, access, |key| key)
                .into_iter()
                .collect();
        if denied.is_empty() {
            return Ok(RuleOutcome::Forward);
        }
        let all_denied = self.coordinator_keys.is_empty();
        let place = move |found: Vec<Coordinator>| {
            let mut found = found.into_iter();
            keys.into_iter()
                .filter_map(|key| match denied.contains(&key) {
                    true => Some(no_coordinator(key, code)),
                    false => found.next(),
                })
                .collect()
        };
        Ok(match all_denied {
            true => RuleOutcome::Answer(FindCoordinatorResponse {
                coordinators: place(Vec::new()),
                ..Default::default()
            }),
            false => RuleOutcome::Trim(Box::new(move |answer: &mut FindCoordinatorResponse, _| {
                answer.coordinators = place(std::mem::take(&mut answer.coordinators));
            })),
        })
    }

    const READDRESS: Option<(i16, Readdress<FindCoordinatorResponse>)> = Some((0, |answer, access| {
        if access.version <= 3 {
            if answer.error_code == NONE
                && readdress(answer.node_id, &mut answer.host, &mut answer.port, access).is_none()
            {
                answer.error_code = COORDINATOR_NOT_AVAILABLE;
                (answer.node_id, answer.host, answer.port) = (-1, Str::EMPTY, -1);
            }
            return;
        }
        for found in answer.coordinators.iter_mut().filter(|found| found.error_code == NONE) {
            if readdress(found.node_id, &mut found.host, &mut found.port, access).is_none() {
                *found = no_coordinator(found.key.clone(), COORDINATOR_NOT_AVAILABLE);
            }
        }
    }));
}

trait Failed {
    /// `FindCoordinatorRequest.getErrorResponse`
    fn failed(&self, error_code: i16, batched: bool) -> FindCoordinatorResponse;
}

impl Failed for FindCoordinatorRequest {
    fn failed(&self, error_code: i16, batched: bool) -> FindCoordinatorResponse {
        let error_message = Some(Str::from(message(error_code)));
        if !batched {
            let (node_id, port) = (-1, -1);
            return FindCoordinatorResponse {
                error_code,
                error_message,
                node_id,
                port,
                ..Default::default()
            };
        }
        let coordinators = self.coordinator_keys.iter().map(|key| Coordinator {
            error_message: error_message.clone(),
            ..no_coordinator(key.clone(), error_code)
        });
        FindCoordinatorResponse { coordinators: coordinators.collect(), ..Default::default() }
    }
}

fn no_coordinator(key: Str, error_code: i16) -> Coordinator {
    Coordinator { key, error_code, node_id: -1, port: -1, ..Default::default() }
}
