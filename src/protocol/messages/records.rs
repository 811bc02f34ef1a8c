//! Records: appending, reading, deleting, and the offsets of a log.

use crate::protocol::wire::messages;

messages! {
    Produce (0, 0..=13, flexible 9);

    mod produce_request {
        ProduceRequest {
            transactional_id: Option<Str>, in 3..;
            acks: i16;
            timeout_ms: i32;
            topic_data: Vec<TopicProduceData>;
        }
        TopicProduceData {
            name: Str, in ..=12, else drop;
            topic_id: Uuid, in 13.., else drop;
            partition_data: Vec<PartitionProduceData>;
        }
        PartitionProduceData {
            index: i32;
            records: Option<Bytes>, = empty();
        }
    }

    mod produce_response {
        ProduceResponse {
            responses: Vec<TopicProduceResponse>;
            throttle_time_ms: i32, in 1.., else drop;
            node_endpoints: Vec<NodeEndpoint>, in 10.., tag 0;
        }
        TopicProduceResponse {
            name: Str, in ..=12, else drop;
            topic_id: Uuid, in 13.., else drop;
            partition_responses: Vec<PartitionProduceResponse>;
        }
        PartitionProduceResponse {
            index: i32;
            error_code: i16;
            base_offset: i64;
            log_append_time_ms: i64, in 2.., else drop, = -1;
            log_start_offset: i64, in 5.., else drop, = -1;
            record_errors: Vec<BatchIndexAndErrorMessage>, in 8.., else drop;
            error_message: Option<Str>, in 8.., else drop;
            current_leader: LeaderIdAndEpoch, in 10.., tag 0;
        }
        BatchIndexAndErrorMessage {
            batch_index: i32;
            batch_index_error_message: Option<Str>;
        }
        LeaderIdAndEpoch {
            leader_id: i32, = -1;
            leader_epoch: i32, = -1;
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
    Fetch (1, 0..=18, flexible 12);

    mod fetch_request {
        FetchRequest {
            cluster_id: Option<Str>, in 12.., else drop, tag 0;
            replica_id: i32, in ..=14, = -1;
            replica_state: ReplicaState, in 15.., tag 1;
            max_wait_ms: i32;
            min_bytes: i32;
            max_bytes: i32, in 3.., else drop, = i32::MAX;
            isolation_level: i8, in 4.., else drop;
            session_id: i32, in 7.., else drop;
            session_epoch: i32, in 7.., else drop, = -1;
            topics: Vec<FetchTopic>;
            forgotten_topics_data: Vec<ForgottenTopic>, in 7..;
            rack_id: Str, in 11.., else drop;
        }
        ReplicaState {
            replica_id: i32, = -1;
            replica_epoch: i64, = -1;
        }
        FetchTopic {
            topic: Str, in ..=12, else drop;
            topic_id: Uuid, in 13.., else drop;
            partitions: Vec<FetchPartition>;
        }
        FetchPartition {
            partition: i32;
            current_leader_epoch: i32, in 9.., else drop, = -1;
            fetch_offset: i64;
            last_fetched_epoch: i32, in 12.., = -1;
            log_start_offset: i64, in 5.., else drop, = -1;
            partition_max_bytes: i32;
            replica_directory_id: Uuid, in 17.., else drop, tag 0;
            high_watermark: i64, in 18.., else drop, tag 1, = i64::MAX;
        }
        ForgottenTopic {
            topic: Str, in 7..=12, else drop;
            topic_id: Uuid, in 13.., else drop;
            partitions: Vec<i32>;
        }
    }

    mod fetch_response {
        FetchResponse {
            throttle_time_ms: i32, in 1.., else drop;
            error_code: i16, in 7.., else drop;
            session_id: i32, in 7..;
            responses: Vec<FetchableTopicResponse>;
            node_endpoints: Vec<NodeEndpoint>, in 16.., tag 0;
        }
        FetchableTopicResponse {
            topic: Str, in ..=12, else drop;
            topic_id: Uuid, in 13.., else drop;
            partitions: Vec<PartitionData>;
        }
        PartitionData {
            partition_index: i32;
            error_code: i16;
            high_watermark: i64;
            last_stable_offset: i64, in 4.., else drop, = -1;
            log_start_offset: i64, in 5.., else drop, = -1;
            diverging_epoch: EpochEndOffset, in 12.., tag 0;
            current_leader: LeaderIdAndEpoch, in 12.., tag 1;
            snapshot_id: SnapshotId, in 12.., tag 2;
            aborted_transactions: Option<Vec<AbortedTransaction>>, in 4.., else drop, = empty();
            preferred_read_replica: i32, in 11.., = -1;
            records: Option<Bytes>, = empty();
        }
        EpochEndOffset {
            epoch: i32, = -1;
            end_offset: i64, = -1;
        }
        LeaderIdAndEpoch {
            leader_id: i32, = -1;
            leader_epoch: i32, = -1;
        }
        SnapshotId {
            end_offset: i64, = -1;
            epoch: i32, = -1;
        }
        AbortedTransaction {
            producer_id: i64;
            first_offset: i64;
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
    ListOffsets (2, 0..=11, flexible 6);

    mod list_offsets_request {
        ListOffsetsRequest {
            replica_id: i32;
            isolation_level: i8, in 2..;
            topics: Vec<ListOffsetsTopic>;
            timeout_ms: i32, in 10.., else drop;
        }
        ListOffsetsTopic {
            name: Str;
            partitions: Vec<ListOffsetsPartition>;
        }
        ListOffsetsPartition {
            partition_index: i32;
            current_leader_epoch: i32, in 4.., else drop, = -1;
            timestamp: i64;
            max_num_offsets: i32, in 0..=0, = 1;
        }
    }

    mod list_offsets_response {
        ListOffsetsResponse {
            throttle_time_ms: i32, in 2.., else drop;
            topics: Vec<ListOffsetsTopicResponse>;
        }
        ListOffsetsTopicResponse {
            name: Str;
            partitions: Vec<ListOffsetsPartitionResponse>;
        }
        ListOffsetsPartitionResponse {
            partition_index: i32;
            error_code: i16;
            old_style_offsets: Vec<i64>, in 0..=0;
            timestamp: i64, in 1.., = -1;
            offset: i64, in 1.., = -1;
            leader_epoch: i32, in 4.., = -1;
        }
    }
}

messages! {
    DeleteRecords (21, 0..=2, flexible 2);

    mod delete_records_request {
        DeleteRecordsRequest {
            topics: Vec<DeleteRecordsTopic>;
            timeout_ms: i32;
        }
        DeleteRecordsTopic {
            name: Str;
            partitions: Vec<DeleteRecordsPartition>;
        }
        DeleteRecordsPartition {
            partition_index: i32;
            offset: i64;
        }
    }

    mod delete_records_response {
        DeleteRecordsResponse {
            throttle_time_ms: i32;
            topics: Vec<DeleteRecordsTopicResult>;
        }
        DeleteRecordsTopicResult {
            name: Str;
            partitions: Vec<DeleteRecordsPartitionResult>;
        }
        DeleteRecordsPartitionResult {
            partition_index: i32;
            low_watermark: i64;
            error_code: i16;
        }
    }
}

messages! {
    OffsetForLeaderEpoch (23, 0..=4, flexible 4);

    mod offset_for_leader_epoch_request {
        OffsetForLeaderEpochRequest {
            replica_id: i32, in 3.., else drop, = -2;
            topics: Vec<OffsetForLeaderTopic>;
        }
        OffsetForLeaderTopic {
            topic: Str;
            partitions: Vec<OffsetForLeaderPartition>;
        }
        OffsetForLeaderPartition {
            partition: i32;
            current_leader_epoch: i32, in 2.., else drop, = -1;
            leader_epoch: i32;
        }
    }

    mod offset_for_leader_epoch_response {
        OffsetForLeaderEpochResponse {
            throttle_time_ms: i32, in 2.., else drop;
            topics: Vec<OffsetForLeaderTopicResult>;
        }
        OffsetForLeaderTopicResult {
            topic: Str;
            partitions: Vec<EpochEndOffset>;
        }
        EpochEndOffset {
            error_code: i16;
            partition: i32;
            leader_epoch: i32, in 1.., else drop, = -1;
            end_offset: i64, = -1;
        }
    }
}
