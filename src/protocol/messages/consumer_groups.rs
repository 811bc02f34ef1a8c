//! The consumer group protocol of KIP-848.

use crate::protocol::wire::messages;

messages! {
    ConsumerGroupHeartbeat (68, 0..=1, flexible 0);

    mod consumer_group_heartbeat_request {
        ConsumerGroupHeartbeatRequest {
            group_id: Str;
            member_id: Str;
            member_epoch: i32;
            instance_id: Option<Str>;
            rack_id: Option<Str>;
            rebalance_timeout_ms: i32, = -1;
            subscribed_topic_names: Option<Vec<Str>>;
            subscribed_topic_regex: Option<Str>, in 1..;
            server_assignor: Option<Str>;
            topic_partitions: Option<Vec<TopicPartitions>>;
        }
        TopicPartitions {
            topic_id: Uuid;
            partitions: Vec<i32>;
        }
    }

    mod consumer_group_heartbeat_response {
        ConsumerGroupHeartbeatResponse {
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
    ConsumerGroupDescribe (69, 0..=1, flexible 0);

    mod consumer_group_describe_request {
        ConsumerGroupDescribeRequest {
            group_ids: Vec<Str>;
            include_authorized_operations: bool;
        }
    }

    mod consumer_group_describe_response {
        ConsumerGroupDescribeResponse {
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
            instance_id: Option<Str>;
            rack_id: Option<Str>;
            member_epoch: i32;
            client_id: Str;
            client_host: Str;
            subscribed_topic_names: Vec<Str>;
            subscribed_topic_regex: Option<Str>;
            assignment: Assignment;
            target_assignment: Assignment;
            member_type: i8, in 1.., else drop, = -1;
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
