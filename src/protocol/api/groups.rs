//! placeholder

use super::{Api, Verdict};
use crate::protocol::access::Access;
use crate::protocol::messages::{
    DeleteGroupsRequest, DeleteGroupsResponse, DescribeGroupsRequest, DescribeGroupsResponse,
    HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    LeaveGroupResponse, ListGroupsRequest, ListGroupsResponse, SyncGroupRequest, SyncGroupResponse,
};
use crate::protocol::wire::Fault;

impl Api for JoinGroupRequest {
    fn decide(&mut self, _access: &mut Access<'_>) -> Result<Verdict<JoinGroupResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}

impl Api for HeartbeatRequest {
    fn decide(&mut self, _access: &mut Access<'_>) -> Result<Verdict<HeartbeatResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}

impl Api for LeaveGroupRequest {
    fn decide(&mut self, _access: &mut Access<'_>) -> Result<Verdict<LeaveGroupResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}

impl Api for SyncGroupRequest {
    fn decide(&mut self, _access: &mut Access<'_>) -> Result<Verdict<SyncGroupResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}

impl Api for DescribeGroupsRequest {
    fn decide(&mut self, _access: &mut Access<'_>) -> Result<Verdict<DescribeGroupsResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}

impl Api for ListGroupsRequest {
    fn decide(&mut self, _access: &mut Access<'_>) -> Result<Verdict<ListGroupsResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}

impl Api for DeleteGroupsRequest {
    fn decide(&mut self, _access: &mut Access<'_>) -> Result<Verdict<DeleteGroupsResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}
