//! Client metrics (KIP-714).

use crate::protocol::wire::messages;

messages! {
    GetTelemetrySubscriptions (71, 0..=0, flexible 0);

    mod get_telemetry_subscriptions_request {
        GetTelemetrySubscriptionsRequest {
            client_instance_id: Uuid;
        }
    }

    mod get_telemetry_subscriptions_response {
        GetTelemetrySubscriptionsResponse {
            throttle_time_ms: i32;
            error_code: i16;
            client_instance_id: Uuid;
            subscription_id: i32;
            accepted_compression_types: Vec<i8>;
            push_interval_ms: i32;
            telemetry_max_bytes: i32;
            delta_temporality: bool;
            requested_metrics: Vec<Str>;
        }
    }
}

messages! {
    PushTelemetry (72, 0..=0, flexible 0);

    mod push_telemetry_request {
        PushTelemetryRequest {
            client_instance_id: Uuid;
            subscription_id: i32;
            terminating: bool;
            compression_type: i8;
            metrics: Bytes;
        }
    }

    mod push_telemetry_response {
        PushTelemetryResponse {
            throttle_time_ms: i32;
            error_code: i16;
        }
    }
}
