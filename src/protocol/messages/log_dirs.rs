//! Where a broker keeps its replicas.

use crate::protocol::wire::messages;

messages! {
    AlterReplicaLogDirs (34, 0..=2, flexible 2);

    mod alter_replica_log_dirs_request {
        AlterReplicaLogDirsRequest {
            dirs: Vec<AlterReplicaLogDir>;
        }
        AlterReplicaLogDir {
            path: Str;
            topics: Vec<AlterReplicaLogDirTopic>;
        }
        AlterReplicaLogDirTopic {
            name: Str;
            partitions: Vec<i32>;
        }
    }

    mod alter_replica_log_dirs_response {
        AlterReplicaLogDirsResponse {
            throttle_time_ms: i32;
            results: Vec<AlterReplicaLogDirTopicResult>;
        }
        AlterReplicaLogDirTopicResult {
            topic_name: Str;
            partitions: Vec<AlterReplicaLogDirPartitionResult>;
        }
        AlterReplicaLogDirPartitionResult {
            partition_index: i32;
            error_code: i16;
        }
    }
}

messages! {
    DescribeLogDirs (35, 0..=5, flexible 2);

    mod describe_log_dirs_request {
        DescribeLogDirsRequest {
            topics: Option<Vec<DescribableLogDirTopic>>, = empty();
        }
        DescribableLogDirTopic {
            topic: Str;
            partitions: Vec<i32>;
        }
    }

    mod describe_log_dirs_response {
        DescribeLogDirsResponse {
            throttle_time_ms: i32;
            error_code: i16, in 3.., else drop;
            results: Vec<DescribeLogDirsResult>;
        }
        DescribeLogDirsResult {
            error_code: i16;
            log_dir: Str;
            topics: Vec<DescribeLogDirsTopic>;
            total_bytes: i64, in 4.., else drop, = -1;
            usable_bytes: i64, in 4.., else drop, = -1;
            is_cordoned: bool, in 5.., else drop;
        }
        DescribeLogDirsTopic {
            name: Str;
            partitions: Vec<DescribeLogDirsPartition>;
        }
        DescribeLogDirsPartition {
            partition_index: i32;
            partition_size: i64;
            offset_lag: i64;
            is_future_key: bool;
        }
    }
}

messages! {
    AssignReplicasToDirs (73, 0..=0, flexible 0);

    mod assign_replicas_to_dirs_request {
        AssignReplicasToDirsRequest {
            broker_id: i32;
            broker_epoch: i64, = -1;
            directories: Vec<DirectoryData>;
        }
        DirectoryData {
            id: Uuid;
            topics: Vec<TopicData>;
        }
        TopicData {
            topic_id: Uuid;
            partitions: Vec<PartitionData>;
        }
        PartitionData {
            partition_index: i32;
        }
    }

    mod assign_replicas_to_dirs_response {
        AssignReplicasToDirsResponse {
            throttle_time_ms: i32;
            error_code: i16;
            directories: Vec<DirectoryData>;
        }
        DirectoryData {
            id: Uuid;
            topics: Vec<TopicData>;
        }
        TopicData {
            topic_id: Uuid;
            partitions: Vec<PartitionData>;
        }
        PartitionData {
            partition_index: i32;
            error_code: i16;
        }
    }
}
