//! placeholder

use super::{Api, Verdict};
use crate::protocol::access::Access;
use crate::protocol::messages::{
    AlterConfigsRequest, AlterConfigsResponse, DescribeConfigsRequest, DescribeConfigsResponse,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
};
use crate::protocol::wire::Fault;

impl Api for DescribeConfigsRequest {
    fn decide(&mut self, _access: &mut Access<'_>) -> Result<Verdict<DescribeConfigsResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}

impl Api for AlterConfigsRequest {
    fn decide(&mut self, _access: &mut Access<'_>) -> Result<Verdict<AlterConfigsResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}

impl Api for IncrementalAlterConfigsRequest {
    fn decide(
        &mut self,
        _access: &mut Access<'_>,
    ) -> Result<Verdict<IncrementalAlterConfigsResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}
