//! placeholder

use super::{Api, Verdict};
use crate::protocol::access::Access;
use crate::protocol::messages::{
    AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, AddPartitionsToTxnRequest, AddPartitionsToTxnResponse,
    EndTxnRequest, EndTxnResponse, InitProducerIdRequest, InitProducerIdResponse, TxnOffsetCommitRequest,
    TxnOffsetCommitResponse,
};
use crate::protocol::wire::Fault;

impl Api for InitProducerIdRequest {
    fn decide(&mut self, _access: &mut Access<'_>) -> Result<Verdict<InitProducerIdResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}

impl Api for AddPartitionsToTxnRequest {
    fn decide(&mut self, _access: &mut Access<'_>) -> Result<Verdict<AddPartitionsToTxnResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}

impl Api for AddOffsetsToTxnRequest {
    fn decide(&mut self, _access: &mut Access<'_>) -> Result<Verdict<AddOffsetsToTxnResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}

impl Api for EndTxnRequest {
    fn decide(&mut self, _access: &mut Access<'_>) -> Result<Verdict<EndTxnResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}

impl Api for TxnOffsetCommitRequest {
    fn decide(&mut self, _access: &mut Access<'_>) -> Result<Verdict<TxnOffsetCommitResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}
