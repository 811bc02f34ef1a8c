//! API versions and features.

use crate::protocol::wire::messages;

messages! {
    ApiVersions (18, 0..=5, flexible 3);

    mod api_versions_request {
        ApiVersionsRequest {
            client_software_name: Str, in 3.., else drop;
            client_software_version: Str, in 3.., else drop;
            cluster_id: Option<Str>, in 5.., else drop;
            node_id: i32, in 5.., else drop, = -1;
        }
    }

    mod api_versions_response {
        ApiVersionsResponse {
            error_code: i16;
            api_keys: Vec<ApiVersion>;
            throttle_time_ms: i32, in 1.., else drop;
            supported_features: Vec<SupportedFeatureKey>, in 3.., else drop, tag 0;
            finalized_features_epoch: i64, in 3.., else drop, tag 1, = -1;
            finalized_features: Vec<FinalizedFeatureKey>, in 3.., else drop, tag 2;
            zk_migration_ready: bool, in 3.., else drop, tag 3;
        }
        ApiVersion {
            api_key: i16;
            min_version: i16;
            max_version: i16;
        }
        SupportedFeatureKey {
            name: Str;
            min_version: i16;
            max_version: i16;
        }
        FinalizedFeatureKey {
            name: Str;
            max_version_level: i16;
            min_version_level: i16;
        }
    }
}

messages! {
    UpdateFeatures (57, 0..=2, flexible 0);

    mod update_features_request {
        UpdateFeaturesRequest {
            timeout_ms: i32, = 60_000;
            feature_updates: Vec<FeatureUpdateKey>;
            validate_only: bool, in 1..;
        }
        FeatureUpdateKey {
            feature: Str;
            max_version_level: i16;
            allow_downgrade: bool, in 0..=0;
            upgrade_type: i8, in 1.., = 1;
        }
    }

    mod update_features_response {
        UpdateFeaturesResponse {
            throttle_time_ms: i32;
            error_code: i16;
            error_message: Option<Str>, = empty();
            results: Vec<UpdatableFeatureResult>, in ..=1, else drop;
        }
        UpdatableFeatureResult {
            feature: Str;
            error_code: i16;
            error_message: Option<Str>, = empty();
        }
    }
}
