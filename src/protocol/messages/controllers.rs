//! What brokers and controllers say to each other.

use crate::protocol::wire::messages;

messages! {
    AlterPartition (56, 0..=3, flexible 0);

    mod alter_partition_request {
        AlterPartitionRequest {
            broker_id: i32;
            broker_epoch: i64, = -1;
            topics: Vec<TopicData>;
        }
        TopicData {
            topic_name: Str, in ..=1, else drop;
            topic_id: Uuid, in 2.., else drop;
            partitions: Vec<PartitionData>;
        }
        PartitionData {
            partition_index: i32;
            leader_epoch: i32;
            new_isr: Vec<i32>, in ..=2;
            new_isr_with_epochs: Vec<BrokerState>, in 3..;
            leader_recovery_state: i8, in 1..;
            partition_epoch: i32;
        }
        BrokerState {
            broker_id: i32;
            broker_epoch: i64, = -1;
        }
    }

    mod alter_partition_response {
        AlterPartitionResponse {
            throttle_time_ms: i32;
            error_code: i16;
            topics: Vec<TopicData>;
        }
        TopicData {
            topic_name: Str, in ..=1, else drop;
            topic_id: Uuid, in 2.., else drop;
            partitions: Vec<PartitionData>;
        }
        PartitionData {
            partition_index: i32;
            error_code: i16;
            leader_id: i32;
            leader_epoch: i32;
            isr: Vec<i32>;
            leader_recovery_state: i8, in 1.., else drop;
            partition_epoch: i32;
        }
    }
}

messages! {
    Envelope (58, 0..=0, flexible 0);

    mod envelope_request {
        EnvelopeRequest {
            request_data: Bytes;
            request_principal: Option<Bytes>, = empty();
            client_host_address: Bytes;
        }
    }

    mod envelope_response {
        EnvelopeResponse {
            response_data: Option<Bytes>;
            error_code: i16;
        }
    }
}

messages! {
    BrokerRegistration (62, 0..=4, flexible 0);

    mod broker_registration_request {
        BrokerRegistrationRequest {
            broker_id: i32;
            cluster_id: Str;
            incarnation_id: Uuid;
            listeners: Vec<Listener>;
            features: Vec<Feature>;
            rack: Option<Str>, = empty();
            is_migrating_zk_broker: bool, in 1..;
            log_dirs: Vec<Uuid>, in 2.., else drop;
            previous_broker_epoch: i64, in 3.., else drop, = -1;
        }
        Listener {
            name: Str;
            host: Str;
            port: u16;
            security_protocol: i16;
        }
        Feature {
            name: Str;
            min_supported_version: i16;
            max_supported_version: i16;
        }
    }

    mod broker_registration_response {
        BrokerRegistrationResponse {
            throttle_time_ms: i32;
            error_code: i16;
            broker_epoch: i64, = -1;
        }
    }
}

messages! {
    BrokerHeartbeat (63, 0..=2, flexible 0);

    mod broker_heartbeat_request {
        BrokerHeartbeatRequest {
            broker_id: i32;
            broker_epoch: i64, = -1;
            current_metadata_offset: i64;
            want_fence: bool;
            want_shut_down: bool;
            offline_log_dirs: Vec<Uuid>, in 1.., tag 0;
            cordoned_log_dirs: Option<Vec<Uuid>>, in 2.., tag 1;
        }
    }

    mod broker_heartbeat_response {
        BrokerHeartbeatResponse {
            throttle_time_ms: i32;
            error_code: i16;
            is_caught_up: bool;
            is_fenced: bool, = true;
            should_shut_down: bool;
        }
    }
}

messages! {
    UnregisterBroker (64, 0..=0, flexible 0);

    mod unregister_broker_request {
        UnregisterBrokerRequest {
            broker_id: i32;
        }
    }

    mod unregister_broker_response {
        UnregisterBrokerResponse {
            throttle_time_ms: i32;
            error_code: i16;
            error_message: Option<Str>, = empty();
        }
    }
}

messages! {
    AllocateProducerIds (67, 0..=0, flexible 0);

    mod allocate_producer_ids_request {
        AllocateProducerIdsRequest {
            broker_id: i32;
            broker_epoch: i64, = -1;
        }
    }

    mod allocate_producer_ids_response {
        AllocateProducerIdsResponse {
            throttle_time_ms: i32;
            error_code: i16;
            producer_id_start: i64;
            producer_id_len: i32;
        }
    }
}

messages! {
    ControllerRegistration (70, 0..=0, flexible 0);

    mod controller_registration_request {
        ControllerRegistrationRequest {
            controller_id: i32;
            incarnation_id: Uuid;
            zk_migration_ready: bool;
            listeners: Vec<Listener>;
            features: Vec<Feature>;
        }
        Listener {
            name: Str;
            host: Str;
            port: u16;
            security_protocol: i16;
        }
        Feature {
            name: Str;
            min_supported_version: i16;
            max_supported_version: i16;
        }
    }

    mod controller_registration_response {
        ControllerRegistrationResponse {
            throttle_time_ms: i32;
            error_code: i16;
            error_message: Option<Str>, = empty();
        }
    }
}

messages! {
    UnregisterController (94, 0..=0, flexible 0);

    mod unregister_controller_request {
        UnregisterControllerRequest {
            controller_id: i32;
        }
    }

    mod unregister_controller_response {
        UnregisterControllerResponse {
            throttle_time_ms: i32;
            error_code: i16;
            error_message: Option<Str>, = empty();
        }
    }
}
