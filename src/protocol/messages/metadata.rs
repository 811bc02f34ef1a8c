//! The cluster as clients see it: brokers, topics, coordinators.

use crate::protocol::wire::messages;

messages! {
    Metadata (3, 0..=13, flexible 9);

    mod metadata_request {
        MetadataRequest {
            topics: Option<Vec<MetadataRequestTopic>>, null 1.., = empty();
            allow_auto_topic_creation: bool, in 4.., = true;
            include_cluster_authorized_operations: bool, in 8..=10;
            include_topic_authorized_operations: bool, in 8..;
        }
        MetadataRequestTopic {
            topic_id: Uuid, in 10.., else drop;
            name: Option<Str>, null 10.., = empty();
        }
    }

    mod metadata_response {
        MetadataResponse {
            throttle_time_ms: i32, in 3.., else drop;
            brokers: Vec<MetadataResponseBroker>;
            cluster_id: Option<Str>, in 2.., else drop;
            controller_id: i32, in 1.., else drop, = -1;
            topics: Vec<MetadataResponseTopic>;
            cluster_authorized_operations: i32, in 8..=10, = i32::MIN;
            error_code: i16, in 13.., else drop;
        }
        MetadataResponseBroker {
            node_id: i32;
            host: Str;
            port: i32;
            rack: Option<Str>, in 1.., else drop;
        }
        MetadataResponseTopic {
            error_code: i16;
            name: Option<Str>, null 12.., = empty();
            topic_id: Uuid, in 10.., else drop;
            is_internal: bool, in 1.., else drop;
            partitions: Vec<MetadataResponsePartition>;
            topic_authorized_operations: i32, in 8.., = i32::MIN;
        }
        MetadataResponsePartition {
            error_code: i16;
            partition_index: i32;
            leader_id: i32;
            leader_epoch: i32, in 7.., else drop, = -1;
            replica_nodes: Vec<i32>;
            isr_nodes: Vec<i32>;
            offline_replicas: Vec<i32>, in 5.., else drop;
        }
    }
}

messages! {
    DescribeCluster (60, 0..=2, flexible 0);

    mod describe_cluster_request {
        DescribeClusterRequest {
            include_cluster_authorized_operations: bool;
            endpoint_type: i8, in 1.., = 1;
            include_fenced_brokers: bool, in 2..;
        }
    }

    mod describe_cluster_response {
        DescribeClusterResponse {
            throttle_time_ms: i32;
            error_code: i16;
            error_message: Option<Str>;
            endpoint_type: i8, in 1.., = 1;
            cluster_id: Str;
            controller_id: i32, = -1;
            brokers: Vec<DescribeClusterBroker>;
            cluster_authorized_operations: i32, = i32::MIN;
        }
        DescribeClusterBroker {
            broker_id: i32;
            host: Str;
            port: i32;
            rack: Option<Str>;
            is_fenced: bool, in 2..;
        }
    }
}

messages! {
    DescribeTopicPartitions (75, 0..=0, flexible 0);

    mod describe_topic_partitions_request {
        DescribeTopicPartitionsRequest {
            topics: Vec<TopicRequest>;
            response_partition_limit: i32, = 2000;
            cursor: Option<Cursor>;
        }
        TopicRequest {
            name: Str;
        }
        Cursor {
            topic_name: Str;
            partition_index: i32;
        }
    }

    mod describe_topic_partitions_response {
        DescribeTopicPartitionsResponse {
            throttle_time_ms: i32;
            topics: Vec<DescribeTopicPartitionsResponseTopic>;
            next_cursor: Option<Cursor>;
        }
        DescribeTopicPartitionsResponseTopic {
            error_code: i16;
            name: Option<Str>, = empty();
            topic_id: Uuid;
            is_internal: bool;
            partitions: Vec<DescribeTopicPartitionsResponsePartition>;
            topic_authorized_operations: i32, = i32::MIN;
        }
        DescribeTopicPartitionsResponsePartition {
            error_code: i16;
            partition_index: i32;
            leader_id: i32;
            leader_epoch: i32, = -1;
            replica_nodes: Vec<i32>;
            isr_nodes: Vec<i32>;
            eligible_leader_replicas: Option<Vec<i32>>;
            last_known_elr: Option<Vec<i32>>;
            offline_replicas: Vec<i32>;
        }
        Cursor {
            topic_name: Str;
            partition_index: i32;
        }
    }
}

messages! {
    FindCoordinator (10, 0..=6, flexible 3);

    mod find_coordinator_request {
        FindCoordinatorRequest {
            key: Str, in ..=3;
            key_type: i8, in 1..;
            coordinator_keys: Vec<Str>, in 4..;
        }
    }

    mod find_coordinator_response {
        FindCoordinatorResponse {
            throttle_time_ms: i32, in 1.., else drop;
            error_code: i16, in ..=3;
            error_message: Option<Str>, in 1..=3, else drop, = empty();
            node_id: i32, in ..=3;
            host: Str, in ..=3;
            port: i32, in ..=3;
            coordinators: Vec<Coordinator>, in 4..;
        }
        Coordinator {
            key: Str;
            node_id: i32;
            host: Str;
            port: i32;
            error_code: i16;
            error_message: Option<Str>, = empty();
        }
    }
}
