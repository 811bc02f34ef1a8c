//! placeholder

use super::{Api, Verdict};
use crate::protocol::access::Access;
use crate::protocol::messages::{
    OffsetCommitRequest, OffsetCommitResponse, OffsetDeleteRequest, OffsetDeleteResponse, OffsetFetchRequest,
    OffsetFetchResponse,
};
use crate::protocol::wire::Fault;

impl Api for OffsetCommitRequest {
    fn decide(&mut self, _access: &mut Access<'_>) -> Result<Verdict<OffsetCommitResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}

impl Api for OffsetFetchRequest {
    fn decide(&mut self, _access: &mut Access<'_>) -> Result<Verdict<OffsetFetchResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}

impl Api for OffsetDeleteRequest {
    fn decide(&mut self, _access: &mut Access<'_>) -> Result<Verdict<OffsetDeleteResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}
