//! The state of share groups, which brokers keep among themselves.

use crate::protocol::wire::messages;

messages! {
    InitializeShareGroupState (83, 0..=0, flexible 0);

    mod initialize_share_group_state_request {
        InitializeShareGroupStateRequest {
            group_id: Str;
            topics: Vec<InitializeStateData>;
        }
        InitializeStateData {
            topic_id: Uuid;
            partitions: Vec<PartitionData>;
        }
        PartitionData {
            partition: i32;
            state_epoch: i32;
            start_offset: i64;
        }
    }

    mod initialize_share_group_state_response {
        InitializeShareGroupStateResponse {
            results: Vec<InitializeStateResult>;
        }
        InitializeStateResult {
            topic_id: Uuid;
            partitions: Vec<PartitionResult>;
        }
        PartitionResult {
            partition: i32;
            error_code: i16;
            error_message: Option<Str>;
        }
    }
}

messages! {
    ReadShareGroupState (84, 0..=0, flexible 0);

    mod read_share_group_state_request {
        ReadShareGroupStateRequest {
            group_id: Str;
            topics: Vec<ReadStateData>;
        }
        ReadStateData {
            topic_id: Uuid;
            partitions: Vec<PartitionData>;
        }
        PartitionData {
            partition: i32;
            leader_epoch: i32;
        }
    }

    mod read_share_group_state_response {
        ReadShareGroupStateResponse {
            results: Vec<ReadStateResult>;
        }
        ReadStateResult {
            topic_id: Uuid;
            partitions: Vec<PartitionResult>;
        }
        PartitionResult {
            partition: i32;
            error_code: i16;
            error_message: Option<Str>;
            state_epoch: i32;
            start_offset: i64;
            state_batches: Vec<StateBatch>;
        }
        StateBatch {
            first_offset: i64;
            last_offset: i64;
            delivery_state: i8;
            delivery_count: i16;
        }
    }
}

messages! {
    WriteShareGroupState (85, 0..=1, flexible 0);

    mod write_share_group_state_request {
        WriteShareGroupStateRequest {
            group_id: Str;
            topics: Vec<WriteStateData>;
        }
        WriteStateData {
            topic_id: Uuid;
            partitions: Vec<PartitionData>;
        }
        PartitionData {
            partition: i32;
            state_epoch: i32;
            leader_epoch: i32;
            start_offset: i64;
            delivery_complete_count: i32, in 1.., else drop, = -1;
            state_batches: Vec<StateBatch>;
        }
        StateBatch {
            first_offset: i64;
            last_offset: i64;
            delivery_state: i8;
            delivery_count: i16;
        }
    }

    mod write_share_group_state_response {
        WriteShareGroupStateResponse {
            results: Vec<WriteStateResult>;
        }
        WriteStateResult {
            topic_id: Uuid;
            partitions: Vec<PartitionResult>;
        }
        PartitionResult {
            partition: i32;
            error_code: i16;
            error_message: Option<Str>;
        }
    }
}

messages! {
    DeleteShareGroupState (86, 0..=0, flexible 0);

    mod delete_share_group_state_request {
        DeleteShareGroupStateRequest {
            group_id: Str;
            topics: Vec<DeleteStateData>;
        }
        DeleteStateData {
            topic_id: Uuid;
            partitions: Vec<PartitionData>;
        }
        PartitionData {
            partition: i32;
        }
    }

    mod delete_share_group_state_response {
        DeleteShareGroupStateResponse {
            results: Vec<DeleteStateResult>;
        }
        DeleteStateResult {
            topic_id: Uuid;
            partitions: Vec<PartitionResult>;
        }
        PartitionResult {
            partition: i32;
            error_code: i16;
            error_message: Option<Str>;
        }
    }
}

messages! {
    ReadShareGroupStateSummary (87, 0..=1, flexible 0);

    mod read_share_group_state_summary_request {
        ReadShareGroupStateSummaryRequest {
            group_id: Str;
            topics: Vec<ReadStateSummaryData>;
        }
        ReadStateSummaryData {
            topic_id: Uuid;
            partitions: Vec<PartitionData>;
        }
        PartitionData {
            partition: i32;
            leader_epoch: i32;
        }
    }

    mod read_share_group_state_summary_response {
        ReadShareGroupStateSummaryResponse {
            results: Vec<ReadStateSummaryResult>;
        }
        ReadStateSummaryResult {
            topic_id: Uuid;
            partitions: Vec<PartitionResult>;
        }
        PartitionResult {
            partition: i32;
            error_code: i16;
            error_message: Option<Str>;
            state_epoch: i32;
            leader_epoch: i32;
            start_offset: i64;
            delivery_complete_count: i32, in 1.., else drop, = -1;
        }
    }
}
