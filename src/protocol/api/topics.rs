//! placeholder

use super::{Api, Verdict};
use crate::protocol::access::Access;
use crate::protocol::messages::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest, CreateTopicsResponse,
    DeleteTopicsRequest, DeleteTopicsResponse,
};
use crate::protocol::wire::Fault;

impl Api for CreateTopicsRequest {
    fn decide(&mut self, _access: &mut Access<'_>) -> Result<Verdict<CreateTopicsResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}

impl Api for DeleteTopicsRequest {
    fn decide(&mut self, _access: &mut Access<'_>) -> Result<Verdict<DeleteTopicsResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}

impl Api for CreatePartitionsRequest {
    fn decide(&mut self, _access: &mut Access<'_>) -> Result<Verdict<CreatePartitionsResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}
