//! Who belongs to the controllers: the voters of the metadata quorum, and controllers that are gone.

use super::cluster::{DENIED, default_text, guarded, needs};
use super::{Api, Verdict};
use crate::protocol::access::Access;
use crate::protocol::messages::{
    AddRaftVoterRequest, AddRaftVoterResponse, RemoveRaftVoterRequest, RemoveRaftVoterResponse,
    UnregisterControllerRequest, UnregisterControllerResponse,
};
use crate::protocol::wire::Fault;
use crate::words::acl::Operation;

/// `ControllerApis.handleAddRaftVoter`
impl Api for AddRaftVoterRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<Verdict<AddRaftVoterResponse>, Fault> {
        Ok(guarded(Operation::Alter, access, || AddRaftVoterResponse {
            error_code: DENIED,
            error_message: default_text(),
            ..Default::default()
        }))
    }
}

/// `ControllerApis.handleRemoveRaftVoter`
impl Api for RemoveRaftVoterRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<Verdict<RemoveRaftVoterResponse>, Fault> {
        Ok(guarded(Operation::Alter, access, || RemoveRaftVoterResponse {
            error_code: DENIED,
            error_message: default_text(),
            ..Default::default()
        }))
    }
}

/// `ControllerApis.handleUnregisterController`
impl Api for UnregisterControllerRequest {
    fn decide(&mut self, access: &mut Access<'_>) -> Result<Verdict<UnregisterControllerResponse>, Fault> {
        Ok(guarded(Operation::Alter, access, || UnregisterControllerResponse {
            error_code: DENIED,
            error_message: needs(Operation::Alter),
            ..Default::default()
        }))
    }
}
