//! The offsets of share groups, for administrators.

use crate::protocol::wire::messages;

messages! {
    DescribeShareGroupOffsets (90, 0..=1, flexible 0);

    mod describe_share_group_offsets_request {
        DescribeShareGroupOffsetsRequest {
            groups: Vec<DescribeShareGroupOffsetsRequestGroup>;
        }
        DescribeShareGroupOffsetsRequestGroup {
            group_id: Str;
            topics: Option<Vec<DescribeShareGroupOffsetsRequestTopic>>, = empty();
        }
        DescribeShareGroupOffsetsRequestTopic {
            topic_name: Str;
            partitions: Vec<i32>;
        }
    }

    mod describe_share_group_offsets_response {
        DescribeShareGroupOffsetsResponse {
            throttle_time_ms: i32;
            groups: Vec<DescribeShareGroupOffsetsResponseGroup>;
        }
        DescribeShareGroupOffsetsResponseGroup {
            group_id: Str;
            topics: Vec<DescribeShareGroupOffsetsResponseTopic>;
            error_code: i16;
            error_message: Option<Str>;
        }
        DescribeShareGroupOffsetsResponseTopic {
            topic_name: Str;
            topic_id: Uuid;
            partitions: Vec<DescribeShareGroupOffsetsResponsePartition>;
        }
        DescribeShareGroupOffsetsResponsePartition {
            partition_index: i32;
            start_offset: i64;
            leader_epoch: i32;
            lag: i64, in 1.., else drop, = -1;
            error_code: i16;
            error_message: Option<Str>;
        }
    }
}

messages! {
    AlterShareGroupOffsets (91, 0..=0, flexible 0);

    mod alter_share_group_offsets_request {
        AlterShareGroupOffsetsRequest {
            group_id: Str;
            topics: Vec<AlterShareGroupOffsetsRequestTopic>;
        }
        AlterShareGroupOffsetsRequestTopic {
            topic_name: Str;
            partitions: Vec<AlterShareGroupOffsetsRequestPartition>;
        }
        AlterShareGroupOffsetsRequestPartition {
            partition_index: i32;
            start_offset: i64;
        }
    }

    mod alter_share_group_offsets_response {
        AlterShareGroupOffsetsResponse {
            throttle_time_ms: i32;
            error_code: i16;
            error_message: Option<Str>;
            responses: Vec<AlterShareGroupOffsetsResponseTopic>;
        }
        AlterShareGroupOffsetsResponseTopic {
            topic_name: Str;
            topic_id: Uuid;
            partitions: Vec<AlterShareGroupOffsetsResponsePartition>;
        }
        AlterShareGroupOffsetsResponsePartition {
            partition_index: i32;
            error_code: i16;
            error_message: Option<Str>;
        }
    }
}

messages! {
    DeleteShareGroupOffsets (92, 0..=0, flexible 0);

    mod delete_share_group_offsets_request {
        DeleteShareGroupOffsetsRequest {
            group_id: Str;
            topics: Vec<DeleteShareGroupOffsetsRequestTopic>;
        }
        DeleteShareGroupOffsetsRequestTopic {
            topic_name: Str;
        }
    }

    mod delete_share_group_offsets_response {
        DeleteShareGroupOffsetsResponse {
            throttle_time_ms: i32;
            error_code: i16;
            error_message: Option<Str>;
            responses: Vec<DeleteShareGroupOffsetsResponseTopic>;
        }
        DeleteShareGroupOffsetsResponseTopic {
            topic_name: Str;
            topic_id: Uuid;
            error_code: i16;
            error_message: Option<Str>;
        }
    }
}
