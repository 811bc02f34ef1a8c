//! Share groups (KIP-932) as their members use them.

use crate::protocol::wire::messages;

messages! {
    ShareGroupHeartbeat (76, 1..=1, flexible 0);

    mod share_group_heartbeat_request {
        ShareGroupHeartbeatRequest {
            group_id: Str;
            member_id: Str;
            member_epoch: i32;
            rack_id: Option<Str>;
            subscribed_topic_names: Option<Vec<Str>>;
        }
    }

    mod share_group_heartbeat_response {
        ShareGroupHeartbeatResponse {
            throttle_time_ms: i32;
            error_code: i16;
            error_message: Option<Str>;
            member_id: Option<Str>;
            member_epoch: i32;
            heartbeat_interval_ms: i32;
            assignment: Option<Assignment>;
        }
        Assignment {
            topic_partitions: Vec<TopicPartitions>;
        }
        TopicPartitions {
            topic_id: Uuid;
            partitions: Vec<i32>;
        }
    }
}

messages! {
    ShareGroupDescribe (77, 1..=1, flexible 0);

    mod share_group_describe_request {
        ShareGroupDescribeRequest {
            group_ids: Vec<Str>;
            include_authorized_operations: bool;
        }
    }

    mod share_group_describe_response {
        ShareGroupDescribeResponse {
            throttle_time_ms: i32;
            groups: Vec<DescribedGroup>;
        }
        DescribedGroup {
            error_code: i16;
            error_message: Option<Str>;
            group_id: Str;
            group_state: Str;
            group_epoch: i32;
            assignment_epoch: i32;
            assignor_name: Str;
            members: Vec<Member>;
            authorized_operations: i32, = i32::MIN;
        }
        Member {
            member_id: Str;
            rack_id: Option<Str>;
            member_epoch: i32;
            client_id: Str;
            client_host: Str;
            subscribed_topic_names: Vec<Str>;
            assignment: Assignment;
        }
        Assignment {
            topic_partitions: Vec<TopicPartitions>;
        }
        TopicPartitions {
            topic_id: Uuid;
            topic_name: Str;
            partitions: Vec<i32>;
        }
    }
}

messages! {
    ShareFetch (78, 1..=2, flexible 0);

    mod share_fetch_request {
        ShareFetchRequest {
            group_id: Option<Str>;
            member_id: Option<Str>, = empty();
            share_session_epoch: i32;
            max_wait_ms: i32;
            min_bytes: i32;
            max_bytes: i32, = i32::MAX;
            max_records: i32;
            batch_size: i32;
            share_acquire_mode: i8, in 2.., else drop;
            is_renew_ack: bool, in 2..;
            topics: Vec<FetchTopic>;
            forgotten_topics_data: Vec<ForgottenTopic>;
        }
        FetchTopic {
            topic_id: Uuid;
            partitions: Vec<FetchPartition>;
        }
        FetchPartition {
            partition_index: i32;
            acknowledgement_batches: Vec<AcknowledgementBatch>;
        }
        AcknowledgementBatch {
            first_offset: i64;
            last_offset: i64;
            acknowledge_types: Vec<i8>;
        }
        ForgottenTopic {
            topic_id: Uuid;
            partitions: Vec<i32>;
        }
    }

    mod share_fetch_response {
        ShareFetchResponse {
            throttle_time_ms: i32;
            error_code: i16;
            error_message: Option<Str>;
            acquisition_lock_timeout_ms: i32;
            responses: Vec<ShareFetchableTopicResponse>;
            node_endpoints: Vec<NodeEndpoint>;
        }
        ShareFetchableTopicResponse {
            topic_id: Uuid;
            partitions: Vec<PartitionData>;
        }
        PartitionData {
            partition_index: i32;
            error_code: i16;
            error_message: Option<Str>;
            acknowledge_error_code: i16;
            acknowledge_error_message: Option<Str>;
            current_leader: LeaderIdAndEpoch;
            records: Bytes;
            acquired_records: Vec<AcquiredRecords>;
        }
        LeaderIdAndEpoch {
            leader_id: i32;
            leader_epoch: i32;
        }
        AcquiredRecords {
            first_offset: i64;
            last_offset: i64;
            delivery_count: i16;
        }
        NodeEndpoint {
            node_id: i32;
            host: Str;
            port: i32;
            rack: Option<Str>;
        }
    }
}

messages! {
    ShareAcknowledge (79, 1..=2, flexible 0);

    mod share_acknowledge_request {
        ShareAcknowledgeRequest {
            group_id: Option<Str>;
            member_id: Option<Str>, = empty();
            share_session_epoch: i32;
            is_renew_ack: bool, in 2..;
            topics: Vec<AcknowledgeTopic>;
        }
        AcknowledgeTopic {
            topic_id: Uuid;
            partitions: Vec<AcknowledgePartition>;
        }
        AcknowledgePartition {
            partition_index: i32;
            acknowledgement_batches: Vec<AcknowledgementBatch>;
        }
        AcknowledgementBatch {
            first_offset: i64;
            last_offset: i64;
            acknowledge_types: Vec<i8>;
        }
    }

    mod share_acknowledge_response {
        ShareAcknowledgeResponse {
            throttle_time_ms: i32;
            error_code: i16;
            error_message: Option<Str>;
            acquisition_lock_timeout_ms: i32, in 2.., else drop;
            responses: Vec<ShareAcknowledgeTopicResponse>;
            node_endpoints: Vec<NodeEndpoint>;
        }
        ShareAcknowledgeTopicResponse {
            topic_id: Uuid;
            partitions: Vec<PartitionData>;
        }
        PartitionData {
            partition_index: i32;
            error_code: i16;
            error_message: Option<Str>;
            current_leader: LeaderIdAndEpoch;
        }
        LeaderIdAndEpoch {
            leader_id: i32;
            leader_epoch: i32;
        }
        NodeEndpoint {
            node_id: i32;
            host: Str;
            port: i32;
            rack: Option<Str>;
        }
    }
}
