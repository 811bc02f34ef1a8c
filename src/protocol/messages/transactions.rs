//! Producer ids and transactions.

use crate::protocol::wire::messages;

messages! {
    InitProducerId (22, 0..=6, flexible 2);

    mod init_producer_id_request {
        InitProducerIdRequest {
            transactional_id: Option<Str>, = empty();
            transaction_timeout_ms: i32;
            producer_id: i64, in 3.., = -1;
            producer_epoch: i16, in 3.., = -1;
            enable2_pc: bool, in 6..;
            keep_prepared_txn: bool, in 6..;
        }
    }

    mod init_producer_id_response {
        InitProducerIdResponse {
            throttle_time_ms: i32;
            error_code: i16;
            producer_id: i64, = -1;
            producer_epoch: i16;
            ongoing_txn_producer_id: i64, in 6.., = -1;
            ongoing_txn_producer_epoch: i16, in 6.., = -1;
        }
    }
}

messages! {
    AddPartitionsToTxn (24, 0..=5, flexible 3);

    mod add_partitions_to_txn_request {
        AddPartitionsToTxnRequest {
            transactions: Vec<AddPartitionsToTxnTransaction>, in 4..;
            v3_and_below_transactional_id: Str, in ..=3;
            v3_and_below_producer_id: i64, in ..=3;
            v3_and_below_producer_epoch: i16, in ..=3;
            v3_and_below_topics: Vec<AddPartitionsToTxnTopic>, in ..=3;
        }
        AddPartitionsToTxnTransaction {
            transactional_id: Str;
            producer_id: i64;
            producer_epoch: i16;
            verify_only: bool;
            topics: Vec<AddPartitionsToTxnTopic>;
        }
        AddPartitionsToTxnTopic {
            name: Str;
            partitions: Vec<i32>;
        }
    }

    mod add_partitions_to_txn_response {
        AddPartitionsToTxnResponse {
            throttle_time_ms: i32;
            error_code: i16, in 4.., else drop;
            results_by_transaction: Vec<AddPartitionsToTxnResult>, in 4..;
            results_by_topic_v3_and_below: Vec<AddPartitionsToTxnTopicResult>, in ..=3;
        }
        AddPartitionsToTxnResult {
            transactional_id: Str;
            topic_results: Vec<AddPartitionsToTxnTopicResult>;
        }
        AddPartitionsToTxnTopicResult {
            name: Str;
            results_by_partition: Vec<AddPartitionsToTxnPartitionResult>;
        }
        AddPartitionsToTxnPartitionResult {
            partition_index: i32;
            partition_error_code: i16;
        }
    }
}

messages! {
    AddOffsetsToTxn (25, 0..=4, flexible 3);

    mod add_offsets_to_txn_request {
        AddOffsetsToTxnRequest {
            transactional_id: Str;
            producer_id: i64;
            producer_epoch: i16;
            group_id: Str;
        }
    }

    mod add_offsets_to_txn_response {
        AddOffsetsToTxnResponse {
            throttle_time_ms: i32;
            error_code: i16;
        }
    }
}

messages! {
    EndTxn (26, 0..=5, flexible 3);

    mod end_txn_request {
        EndTxnRequest {
            transactional_id: Str;
            producer_id: i64;
            producer_epoch: i16;
            committed: bool;
        }
    }

    mod end_txn_response {
        EndTxnResponse {
            throttle_time_ms: i32;
            error_code: i16;
            producer_id: i64, in 5.., else drop, = -1;
            producer_epoch: i16, in 5.., else drop, = -1;
        }
    }
}

messages! {
    WriteTxnMarkers (27, 0..=2, flexible 1);

    mod write_txn_markers_request {
        WriteTxnMarkersRequest {
            markers: Vec<WritableTxnMarker>;
        }
        WritableTxnMarker {
            producer_id: i64;
            producer_epoch: i16;
            transaction_result: bool;
            topics: Vec<WritableTxnMarkerTopic>;
            coordinator_epoch: i32;
            transaction_version: i8, in 2.., else drop;
        }
        WritableTxnMarkerTopic {
            name: Str;
            partition_indexes: Vec<i32>;
        }
    }

    mod write_txn_markers_response {
        WriteTxnMarkersResponse {
            markers: Vec<WritableTxnMarkerResult>;
        }
        WritableTxnMarkerResult {
            producer_id: i64;
            topics: Vec<WritableTxnMarkerTopicResult>;
        }
        WritableTxnMarkerTopicResult {
            name: Str;
            partitions: Vec<WritableTxnMarkerPartitionResult>;
        }
        WritableTxnMarkerPartitionResult {
            partition_index: i32;
            error_code: i16;
        }
    }
}

messages! {
    TxnOffsetCommit (28, 0..=6, flexible 3);

    mod txn_offset_commit_request {
        TxnOffsetCommitRequest {
            transactional_id: Str;
            group_id: Str;
            producer_id: i64;
            producer_epoch: i16;
            generation_id_or_member_epoch: i32, in 3.., = -1;
            member_id: Str, in 3..;
            group_instance_id: Option<Str>, in 3..;
            topics: Vec<TxnOffsetCommitRequestTopic>;
        }
        TxnOffsetCommitRequestTopic {
            name: Str, in ..=5, else drop;
            topic_id: Uuid, in 6.., else drop;
            partitions: Vec<TxnOffsetCommitRequestPartition>;
        }
        TxnOffsetCommitRequestPartition {
            partition_index: i32;
            committed_offset: i64;
            committed_leader_epoch: i32, in 2.., else drop, = -1;
            committed_metadata: Option<Str>, = empty();
        }
    }

    mod txn_offset_commit_response {
        TxnOffsetCommitResponse {
            throttle_time_ms: i32;
            topics: Vec<TxnOffsetCommitResponseTopic>;
        }
        TxnOffsetCommitResponseTopic {
            name: Str, in ..=5, else drop;
            topic_id: Uuid, in 6.., else drop;
            partitions: Vec<TxnOffsetCommitResponsePartition>;
        }
        TxnOffsetCommitResponsePartition {
            partition_index: i32;
            error_code: i16;
        }
    }
}

messages! {
    DescribeProducers (61, 0..=0, flexible 0);

    mod describe_producers_request {
        DescribeProducersRequest {
            topics: Vec<TopicRequest>;
        }
        TopicRequest {
            name: Str;
            partition_indexes: Vec<i32>;
        }
    }

    mod describe_producers_response {
        DescribeProducersResponse {
            throttle_time_ms: i32;
            topics: Vec<TopicResponse>;
        }
        TopicResponse {
            name: Str;
            partitions: Vec<PartitionResponse>;
        }
        PartitionResponse {
            partition_index: i32;
            error_code: i16;
            error_message: Option<Str>;
            active_producers: Vec<ProducerState>;
        }
        ProducerState {
            producer_id: i64;
            producer_epoch: i32;
            last_sequence: i32, = -1;
            last_timestamp: i64, = -1;
            coordinator_epoch: i32;
            current_txn_start_offset: i64, = -1;
        }
    }
}

messages! {
    DescribeTransactions (65, 0..=0, flexible 0);

    mod describe_transactions_request {
        DescribeTransactionsRequest {
            transactional_ids: Vec<Str>;
        }
    }

    mod describe_transactions_response {
        DescribeTransactionsResponse {
            throttle_time_ms: i32;
            transaction_states: Vec<TransactionState>;
        }
        TransactionState {
            error_code: i16;
            transactional_id: Str;
            transaction_state: Str;
            transaction_timeout_ms: i32;
            transaction_start_time_ms: i64;
            producer_id: i64;
            producer_epoch: i16;
            topics: Vec<TopicData>;
        }
        TopicData {
            topic: Str;
            partitions: Vec<i32>;
        }
    }
}

messages! {
    ListTransactions (66, 0..=2, flexible 0);

    mod list_transactions_request {
        ListTransactionsRequest {
            state_filters: Vec<Str>;
            producer_id_filters: Vec<i64>;
            duration_filter: i64, in 1.., = -1;
            transactional_id_pattern: Option<Str>, in 2..;
        }
    }

    mod list_transactions_response {
        ListTransactionsResponse {
            throttle_time_ms: i32;
            error_code: i16;
            unknown_state_filters: Vec<Str>;
            transaction_states: Vec<TransactionState>;
        }
        TransactionState {
            transactional_id: Str;
            producer_id: i64;
            transaction_state: Str;
        }
    }
}
