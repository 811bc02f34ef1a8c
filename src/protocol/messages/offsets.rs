//! The offsets that groups commit.

use crate::protocol::wire::messages;

messages! {
    OffsetCommit (8, 0..=10, flexible 8);

    mod offset_commit_request {
        OffsetCommitRequest {
            group_id: Str;
            generation_id_or_member_epoch: i32, in 1.., else drop, = -1;
            member_id: Str, in 1.., else drop;
            group_instance_id: Option<Str>, in 7..;
            retention_time_ms: i64, in 2..=4, else drop, = -1;
            topics: Vec<OffsetCommitRequestTopic>;
        }
        OffsetCommitRequestTopic {
            name: Str, in ..=9, else drop;
            topic_id: Uuid, in 10.., else drop;
            partitions: Vec<OffsetCommitRequestPartition>;
        }
        OffsetCommitRequestPartition {
            partition_index: i32;
            committed_offset: i64;
            commit_timestamp: i64, in 1..=1, = -1;
            committed_leader_epoch: i32, in 6.., else drop, = -1;
            committed_metadata: Option<Str>, = empty();
        }
    }

    mod offset_commit_response {
        OffsetCommitResponse {
            throttle_time_ms: i32, in 3.., else drop;
            topics: Vec<OffsetCommitResponseTopic>;
        }
        OffsetCommitResponseTopic {
            name: Str, in ..=9, else drop;
            topic_id: Uuid, in 10.., else drop;
            partitions: Vec<OffsetCommitResponsePartition>;
        }
        OffsetCommitResponsePartition {
            partition_index: i32;
            error_code: i16;
        }
    }
}

messages! {
    OffsetFetch (9, 0..=10, flexible 6);

    mod offset_fetch_request {
        OffsetFetchRequest {
            group_id: Str, in ..=7;
            topics: Option<Vec<OffsetFetchRequestTopic>>, in ..=7, null 2.., = empty();
            groups: Vec<OffsetFetchRequestGroup>, in 8..;
            require_stable: bool, in 7..;
        }
        OffsetFetchRequestTopic {
            name: Str;
            partition_indexes: Vec<i32>;
        }
        OffsetFetchRequestGroup {
            group_id: Str;
            member_id: Option<Str>, in 9.., else drop;
            member_epoch: i32, in 9.., else drop, = -1;
            topics: Option<Vec<OffsetFetchRequestTopics>>, = empty();
        }
        OffsetFetchRequestTopics {
            name: Str, in 8..=9, else drop;
            topic_id: Uuid, in 10.., else drop;
            partition_indexes: Vec<i32>;
        }
    }

    mod offset_fetch_response {
        OffsetFetchResponse {
            throttle_time_ms: i32, in 3.., else drop;
            topics: Vec<OffsetFetchResponseTopic>, in ..=7;
            error_code: i16, in 2..=7, else drop;
            groups: Vec<OffsetFetchResponseGroup>, in 8..;
        }
        OffsetFetchResponseTopic {
            name: Str;
            partitions: Vec<OffsetFetchResponsePartition>;
        }
        OffsetFetchResponsePartition {
            partition_index: i32;
            committed_offset: i64;
            committed_leader_epoch: i32, in 5.., else drop, = -1;
            metadata: Option<Str>, = empty();
            error_code: i16;
        }
        OffsetFetchResponseGroup {
            group_id: Str;
            topics: Vec<OffsetFetchResponseTopics>;
            error_code: i16;
        }
        OffsetFetchResponseTopics {
            name: Str, in 8..=9, else drop;
            topic_id: Uuid, in 10.., else drop;
            partitions: Vec<OffsetFetchResponsePartitions>;
        }
        OffsetFetchResponsePartitions {
            partition_index: i32;
            committed_offset: i64;
            committed_leader_epoch: i32, = -1;
            metadata: Option<Str>, = empty();
            error_code: i16;
        }
    }
}

messages! {
    OffsetDelete (47, 0..=0);

    mod offset_delete_request {
        OffsetDeleteRequest {
            group_id: Str;
            topics: Vec<OffsetDeleteRequestTopic>;
        }
        OffsetDeleteRequestTopic {
            name: Str;
            partitions: Vec<OffsetDeleteRequestPartition>;
        }
        OffsetDeleteRequestPartition {
            partition_index: i32;
        }
    }

    mod offset_delete_response {
        OffsetDeleteResponse {
            error_code: i16;
            throttle_time_ms: i32;
            topics: Vec<OffsetDeleteResponseTopic>;
        }
        OffsetDeleteResponseTopic {
            name: Str;
            partitions: Vec<OffsetDeleteResponsePartition>;
        }
        OffsetDeleteResponsePartition {
            partition_index: i32;
            error_code: i16;
        }
    }
}
