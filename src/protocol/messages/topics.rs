//! Topics, their partitions and replicas.

use crate::protocol::wire::messages;

messages! {
    CreateTopics (19, 0..=7, flexible 5);

    mod create_topics_request {
        CreateTopicsRequest {
            topics: Vec<CreatableTopic>;
            timeout_ms: i32, = 60_000;
            validate_only: bool, in 1..;
        }
        CreatableTopic {
            name: Str;
            num_partitions: i32;
            replication_factor: i16;
            assignments: Vec<CreatableReplicaAssignment>;
            configs: Vec<CreatableTopicConfig>;
        }
        CreatableReplicaAssignment {
            partition_index: i32;
            broker_ids: Vec<i32>;
        }
        CreatableTopicConfig {
            name: Str;
            value: Option<Str>, = empty();
        }
    }

    mod create_topics_response {
        CreateTopicsResponse {
            throttle_time_ms: i32, in 2.., else drop;
            topics: Vec<CreatableTopicResult>;
        }
        CreatableTopicResult {
            name: Str;
            topic_id: Uuid, in 7.., else drop;
            error_code: i16;
            error_message: Option<Str>, in 1.., else drop, = empty();
            topic_config_error_code: i16, in 5.., else drop, tag 0;
            num_partitions: i32, in 5.., else drop, = -1;
            replication_factor: i16, in 5.., else drop, = -1;
            configs: Option<Vec<CreatableTopicConfigs>>, in 5.., else drop, = empty();
        }
        CreatableTopicConfigs {
            name: Str;
            value: Option<Str>, = empty();
            read_only: bool;
            config_source: i8, = -1;
            is_sensitive: bool;
        }
    }
}

messages! {
    DeleteTopics (20, 0..=6, flexible 4);

    mod delete_topics_request {
        DeleteTopicsRequest {
            topics: Vec<DeleteTopicState>, in 6..;
            topic_names: Vec<Str>, in ..=5, else drop;
            timeout_ms: i32;
        }
        DeleteTopicState {
            name: Option<Str>;
            topic_id: Uuid;
        }
    }

    mod delete_topics_response {
        DeleteTopicsResponse {
            throttle_time_ms: i32, in 1.., else drop;
            responses: Vec<DeletableTopicResult>;
        }
        DeletableTopicResult {
            name: Option<Str>, null 6.., = empty();
            topic_id: Uuid, in 6.., else drop;
            error_code: i16;
            error_message: Option<Str>, in 5.., else drop;
        }
    }
}

messages! {
    CreatePartitions (37, 0..=3, flexible 2);

    mod create_partitions_request {
        CreatePartitionsRequest {
            topics: Vec<CreatePartitionsTopic>;
            timeout_ms: i32;
            validate_only: bool;
        }
        CreatePartitionsTopic {
            name: Str;
            count: i32;
            assignments: Option<Vec<CreatePartitionsAssignment>>, = empty();
        }
        CreatePartitionsAssignment {
            broker_ids: Vec<i32>;
        }
    }

    mod create_partitions_response {
        CreatePartitionsResponse {
            throttle_time_ms: i32;
            results: Vec<CreatePartitionsTopicResult>;
        }
        CreatePartitionsTopicResult {
            name: Str;
            error_code: i16;
            error_message: Option<Str>;
        }
    }
}

messages! {
    AlterPartitionReassignments (45, 0..=1, flexible 0);

    mod alter_partition_reassignments_request {
        AlterPartitionReassignmentsRequest {
            timeout_ms: i32, = 60_000;
            allow_replication_factor_change: bool, in 1.., = true;
            topics: Vec<ReassignableTopic>;
        }
        ReassignableTopic {
            name: Str;
            partitions: Vec<ReassignablePartition>;
        }
        ReassignablePartition {
            partition_index: i32;
            replicas: Option<Vec<i32>>;
        }
    }

    mod alter_partition_reassignments_response {
        AlterPartitionReassignmentsResponse {
            throttle_time_ms: i32;
            allow_replication_factor_change: bool, in 1.., else drop, = true;
            error_code: i16;
            error_message: Option<Str>, = empty();
            responses: Vec<ReassignableTopicResponse>;
        }
        ReassignableTopicResponse {
            name: Str;
            partitions: Vec<ReassignablePartitionResponse>;
        }
        ReassignablePartitionResponse {
            partition_index: i32;
            error_code: i16;
            error_message: Option<Str>, = empty();
        }
    }
}

messages! {
    ListPartitionReassignments (46, 0..=0, flexible 0);

    mod list_partition_reassignments_request {
        ListPartitionReassignmentsRequest {
            timeout_ms: i32, = 60_000;
            topics: Option<Vec<ListPartitionReassignmentsTopics>>;
        }
        ListPartitionReassignmentsTopics {
            name: Str;
            partition_indexes: Vec<i32>;
        }
    }

    mod list_partition_reassignments_response {
        ListPartitionReassignmentsResponse {
            throttle_time_ms: i32;
            error_code: i16;
            error_message: Option<Str>, = empty();
            topics: Vec<OngoingTopicReassignment>;
        }
        OngoingTopicReassignment {
            name: Str;
            partitions: Vec<OngoingPartitionReassignment>;
        }
        OngoingPartitionReassignment {
            partition_index: i32;
            replicas: Vec<i32>;
            adding_replicas: Vec<i32>;
            removing_replicas: Vec<i32>;
        }
    }
}

messages! {
    ElectLeaders (43, 0..=2, flexible 2);

    mod elect_leaders_request {
        ElectLeadersRequest {
            election_type: i8, in 1..;
            topic_partitions: Option<Vec<TopicPartitions>>, = empty();
            timeout_ms: i32, = 60_000;
        }
        TopicPartitions {
            topic: Str;
            partitions: Vec<i32>;
        }
    }

    mod elect_leaders_response {
        ElectLeadersResponse {
            throttle_time_ms: i32;
            error_code: i16, in 1..;
            replica_election_results: Vec<ReplicaElectionResult>;
        }
        ReplicaElectionResult {
            topic: Str;
            partition_result: Vec<PartitionResult>;
        }
        PartitionResult {
            partition_id: i32;
            error_code: i16;
            error_message: Option<Str>, = empty();
        }
    }
}
