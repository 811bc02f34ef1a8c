//! placeholder

use super::{Api, Verdict};
use crate::protocol::access::Access;
use crate::protocol::messages::{
    DeleteRecordsRequest, DeleteRecordsResponse, ListOffsetsRequest, ListOffsetsResponse,
    OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, ProduceRequest, ProduceResponse,
};
use crate::protocol::wire::Fault;

impl Api for ProduceRequest {
    fn decide(&mut self, _access: &mut Access<'_>) -> Result<Verdict<ProduceResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}

impl Api for ListOffsetsRequest {
    fn decide(&mut self, _access: &mut Access<'_>) -> Result<Verdict<ListOffsetsResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}

impl Api for OffsetForLeaderEpochRequest {
    fn decide(&mut self, _access: &mut Access<'_>) -> Result<Verdict<OffsetForLeaderEpochResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}

impl Api for DeleteRecordsRequest {
    fn decide(&mut self, _access: &mut Access<'_>) -> Result<Verdict<DeleteRecordsResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}

/// placeholder
pub(super) fn judge_head(_head: &[u8], _access: &mut Access<'_>) -> Option<super::Answer> {
    None
}
