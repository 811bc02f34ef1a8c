//! Streams groups (KIP-1071).

use crate::protocol::wire::messages;

messages! {
    StreamsGroupHeartbeat (88, 0..=1, flexible 0);

    mod streams_group_heartbeat_request {
        StreamsGroupHeartbeatRequest {
            group_id: Str;
            member_id: Str;
            member_epoch: i32;
            endpoint_information_epoch: i32;
            instance_id: Option<Str>;
            rack_id: Option<Str>;
            rebalance_timeout_ms: i32, = -1;
            topology: Option<Topology>;
            active_tasks: Option<Vec<TaskIds>>;
            standby_tasks: Option<Vec<TaskIds>>;
            warmup_tasks: Option<Vec<TaskIds>>;
            process_id: Option<Str>;
            user_endpoint: Option<Endpoint>;
            client_tags: Option<Vec<KeyValue>>;
            task_offsets: Option<Vec<TaskOffset>>;
            task_end_offsets: Option<Vec<TaskOffset>>;
            shutdown_application: bool;
        }
        Topology {
            epoch: i32;
            subtopologies: Vec<Subtopology>;
        }
        Subtopology {
            subtopology_id: Str;
            source_topics: Vec<Str>;
            source_topic_regex: Vec<Str>;
            state_changelog_topics: Vec<TopicInfo>;
            repartition_sink_topics: Vec<Str>;
            repartition_source_topics: Vec<TopicInfo>;
            copartition_groups: Vec<CopartitionGroup>;
        }
        TopicInfo {
            name: Str;
            partitions: i32;
            replication_factor: i16;
            topic_configs: Vec<KeyValue>;
        }
        KeyValue {
            key: Str;
            value: Str;
        }
        CopartitionGroup {
            source_topics: Vec<i16>;
            source_topic_regex: Vec<i16>;
            repartition_source_topics: Vec<i16>;
        }
        TaskIds {
            subtopology_id: Str;
            partitions: Vec<i32>;
        }
        Endpoint {
            host: Str;
            port: u16;
        }
        TaskOffset {
            subtopology_id: Str;
            partition: i32;
            offset: i64;
        }
    }

    mod streams_group_heartbeat_response {
        StreamsGroupHeartbeatResponse {
            throttle_time_ms: i32;
            error_code: i16;
            error_message: Option<Str>;
            member_id: Str;
            member_epoch: i32;
            heartbeat_interval_ms: i32;
            acceptable_recovery_lag_legacy: i32, in 0..=0;
            task_offset_interval_ms: i32;
            acceptable_recovery_lag: i64, in 1.., else drop, = -1;
            status: Option<Vec<Status>>, = empty();
            active_tasks: Option<Vec<TaskIds>>;
            standby_tasks: Option<Vec<TaskIds>>;
            warmup_tasks: Option<Vec<TaskIds>>;
            topology_description_required: bool, in 1..;
            endpoint_information_epoch: i32;
            partitions_by_user_endpoint: Option<Vec<EndpointToPartitions>>;
        }
        Status {
            status_code: i8;
            status_detail: Str;
        }
        TaskIds {
            subtopology_id: Str;
            partitions: Vec<i32>;
        }
        EndpointToPartitions {
            user_endpoint: Endpoint;
            active_partitions: Vec<TopicPartition>;
            standby_partitions: Vec<TopicPartition>;
        }
        Endpoint {
            host: Str;
            port: u16;
        }
        TopicPartition {
            topic: Str;
            partitions: Vec<i32>;
        }
    }
}

messages! {
    StreamsGroupDescribe (89, 0..=1, flexible 0);

    mod streams_group_describe_request {
        StreamsGroupDescribeRequest {
            group_ids: Vec<Str>;
            include_authorized_operations: bool;
            include_topology_description: bool, in 1..;
        }
    }

    mod streams_group_describe_response {
        StreamsGroupDescribeResponse {
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
            topology: Option<Topology>;
            members: Vec<Member>;
            authorized_operations: i32, = i32::MIN;
            topology_description: Option<TopologyDescription>, in 1..;
            topology_description_status: i8, in 1..;
            assignor_name: Option<Str>, in 1.., else drop;
        }
        Topology {
            epoch: i32;
            subtopologies: Option<Vec<Subtopology>>;
        }
        Subtopology {
            subtopology_id: Str;
            source_topics: Vec<Str>;
            repartition_sink_topics: Vec<Str>;
            state_changelog_topics: Vec<TopicInfo>;
            repartition_source_topics: Vec<TopicInfo>;
        }
        TopicInfo {
            name: Str;
            partitions: i32;
            replication_factor: i16;
            topic_configs: Vec<KeyValue>;
        }
        KeyValue {
            key: Str;
            value: Str;
        }
        Member {
            member_id: Str;
            member_epoch: i32;
            instance_id: Option<Str>;
            rack_id: Option<Str>;
            client_id: Str;
            client_host: Str;
            topology_epoch: i32;
            process_id: Str;
            user_endpoint: Option<Endpoint>;
            client_tags: Vec<KeyValue>;
            task_offsets: Vec<TaskOffset>;
            task_end_offsets: Vec<TaskOffset>;
            assignment: Assignment;
            target_assignment: Assignment;
            is_classic: bool;
        }
        Endpoint {
            host: Str;
            port: u16;
        }
        TaskOffset {
            subtopology_id: Str;
            partition: i32;
            offset: i64;
        }
        Assignment {
            active_tasks: Vec<TaskIds>;
            standby_tasks: Vec<TaskIds>;
            warmup_tasks: Vec<TaskIds>;
        }
        TaskIds {
            subtopology_id: Str;
            partitions: Vec<i32>;
        }
        TopologyDescription {
            subtopologies: Vec<TopologyDescriptionSubtopology>;
            global_stores: Vec<TopologyDescriptionGlobalStore>;
        }
        TopologyDescriptionSubtopology {
            subtopology_id: Str;
            nodes: Vec<TopologyDescriptionNode>;
        }
        TopologyDescriptionNode {
            name: Str;
            node_type: i8;
            source_topics: Vec<Str>;
            sink_topic: Option<Str>;
            stores: Vec<Str>;
            successors: Vec<Str>;
        }
        TopologyDescriptionGlobalStore {
            source: TopologyDescriptionNode;
            processor: TopologyDescriptionNode;
        }
    }
}

messages! {
    StreamsGroupTopologyDescriptionUpdate (93, 0..=0, flexible 0);

    mod streams_group_topology_description_update_request {
        StreamsGroupTopologyDescriptionUpdateRequest {
            group_id: Str;
            member_id: Str;
            topology_epoch: i32;
            topology_description: TopologyDescription;
        }
        TopologyDescription {
            subtopologies: Vec<TopologyDescriptionSubtopology>;
            global_stores: Vec<TopologyDescriptionGlobalStore>;
        }
        TopologyDescriptionSubtopology {
            subtopology_id: Str;
            nodes: Vec<TopologyDescriptionNode>;
        }
        TopologyDescriptionNode {
            name: Str;
            node_type: i8;
            source_topics: Vec<Str>;
            sink_topic: Option<Str>;
            stores: Vec<Str>;
            successors: Vec<Str>;
        }
        TopologyDescriptionGlobalStore {
            source: TopologyDescriptionNode;
            processor: TopologyDescriptionNode;
        }
    }

    mod streams_group_topology_description_update_response {
        StreamsGroupTopologyDescriptionUpdateResponse {
            throttle_time_ms: i32;
            error_code: i16;
            error_message: Option<Str>;
        }
    }
}
