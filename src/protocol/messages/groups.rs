//! Groups, and the classic protocol of their members.

use crate::protocol::wire::messages;

messages! {
    JoinGroup (11, 0..=9, flexible 6);

    mod join_group_request {
        JoinGroupRequest {
            group_id: Str;
            session_timeout_ms: i32;
            rebalance_timeout_ms: i32, in 1.., else drop, = -1;
            member_id: Str;
            group_instance_id: Option<Str>, in 5..;
            protocol_type: Str;
            protocols: Vec<JoinGroupRequestProtocol>;
            reason: Option<Str>, in 8.., else drop;
        }
        JoinGroupRequestProtocol {
            name: Str;
            metadata: Bytes;
        }
    }

    mod join_group_response {
        JoinGroupResponse {
            throttle_time_ms: i32, in 2.., else drop;
            error_code: i16;
            generation_id: i32, = -1;
            protocol_type: Option<Str>, in 7.., else drop;
            protocol_name: Option<Str>, null 7.., = empty();
            leader: Str;
            skip_assignment: bool, in 9..;
            member_id: Str;
            members: Vec<JoinGroupResponseMember>;
        }
        JoinGroupResponseMember {
            member_id: Str;
            group_instance_id: Option<Str>, in 5.., else drop;
            metadata: Bytes;
        }
    }
}

messages! {
    Heartbeat (12, 0..=4, flexible 4);

    mod heartbeat_request {
        HeartbeatRequest {
            group_id: Str;
            generation_id: i32;
            member_id: Str;
            group_instance_id: Option<Str>, in 3..;
        }
    }

    mod heartbeat_response {
        HeartbeatResponse {
            throttle_time_ms: i32, in 1.., else drop;
            error_code: i16;
        }
    }
}

messages! {
    LeaveGroup (13, 0..=5, flexible 4);

    mod leave_group_request {
        LeaveGroupRequest {
            group_id: Str;
            member_id: Str, in ..=2;
            members: Vec<MemberIdentity>, in 3..;
        }
        MemberIdentity {
            member_id: Str;
            group_instance_id: Option<Str>;
            reason: Option<Str>, in 5.., else drop;
        }
    }

    mod leave_group_response {
        LeaveGroupResponse {
            throttle_time_ms: i32, in 1.., else drop;
            error_code: i16;
            members: Vec<MemberResponse>, in 3..;
        }
        MemberResponse {
            member_id: Str;
            group_instance_id: Option<Str>, = empty();
            error_code: i16;
        }
    }
}

messages! {
    SyncGroup (14, 0..=5, flexible 4);

    mod sync_group_request {
        SyncGroupRequest {
            group_id: Str;
            generation_id: i32;
            member_id: Str;
            group_instance_id: Option<Str>, in 3..;
            protocol_type: Option<Str>, in 5.., else drop;
            protocol_name: Option<Str>, in 5.., else drop;
            assignments: Vec<SyncGroupRequestAssignment>;
        }
        SyncGroupRequestAssignment {
            member_id: Str;
            assignment: Bytes;
        }
    }

    mod sync_group_response {
        SyncGroupResponse {
            throttle_time_ms: i32, in 1.., else drop;
            error_code: i16;
            protocol_type: Option<Str>, in 5.., else drop;
            protocol_name: Option<Str>, in 5.., else drop;
            assignment: Bytes;
        }
    }
}

messages! {
    DescribeGroups (15, 0..=6, flexible 5);

    mod describe_groups_request {
        DescribeGroupsRequest {
            groups: Vec<Str>;
            include_authorized_operations: bool, in 3..;
        }
    }

    mod describe_groups_response {
        DescribeGroupsResponse {
            throttle_time_ms: i32, in 1.., else drop;
            groups: Vec<DescribedGroup>;
        }
        DescribedGroup {
            error_code: i16;
            error_message: Option<Str>, in 6..;
            group_id: Str;
            group_state: Str;
            protocol_type: Str;
            protocol_data: Str;
            members: Vec<DescribedGroupMember>;
            authorized_operations: i32, in 3.., = i32::MIN;
        }
        DescribedGroupMember {
            member_id: Str;
            group_instance_id: Option<Str>, in 4.., else drop;
            client_id: Str;
            client_host: Str;
            member_metadata: Bytes;
            member_assignment: Bytes;
        }
    }
}

messages! {
    ListGroups (16, 0..=5, flexible 3);

    mod list_groups_request {
        ListGroupsRequest {
            states_filter: Vec<Str>, in 4..;
            types_filter: Vec<Str>, in 5..;
        }
    }

    mod list_groups_response {
        ListGroupsResponse {
            throttle_time_ms: i32, in 1.., else drop;
            error_code: i16;
            groups: Vec<ListedGroup>;
        }
        ListedGroup {
            group_id: Str;
            protocol_type: Str;
            group_state: Str, in 4.., else drop;
            group_type: Str, in 5.., else drop;
        }
    }
}

messages! {
    DeleteGroups (42, 0..=3, flexible 2);

    mod delete_groups_request {
        DeleteGroupsRequest {
            groups_names: Vec<Str>;
        }
    }

    mod delete_groups_response {
        DeleteGroupsResponse {
            throttle_time_ms: i32;
            results: Vec<DeletableGroupResult>;
        }
        DeletableGroupResult {
            group_id: Str;
            error_code: i16;
            error_message: Option<Str>, in 3.., else drop;
        }
    }
}
