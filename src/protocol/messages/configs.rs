//! Configurations of topics, brokers, groups and client metrics.

use crate::protocol::wire::messages;

messages! {
    DescribeConfigs (32, 0..=4, flexible 4);

    mod describe_configs_request {
        DescribeConfigsRequest {
            resources: Vec<DescribeConfigsResource>;
            include_synonyms: bool, in 1..;
            include_documentation: bool, in 3..;
        }
        DescribeConfigsResource {
            resource_type: i8;
            resource_name: Str;
            configuration_keys: Option<Vec<Str>>, = empty();
        }
    }

    mod describe_configs_response {
        DescribeConfigsResponse {
            throttle_time_ms: i32;
            results: Vec<DescribeConfigsResult>;
        }
        DescribeConfigsResult {
            error_code: i16;
            error_message: Option<Str>, = empty();
            resource_type: i8;
            resource_name: Str;
            configs: Vec<DescribeConfigsResourceResult>;
        }
        DescribeConfigsResourceResult {
            name: Str;
            value: Option<Str>, = empty();
            read_only: bool;
            is_default: bool, in 0..=0;
            config_source: i8, in 1.., else drop, = -1;
            is_sensitive: bool;
            synonyms: Vec<DescribeConfigsSynonym>, in 1.., else drop;
            config_type: i8, in 3.., else drop;
            documentation: Option<Str>, in 3.., else drop, = empty();
        }
        DescribeConfigsSynonym {
            name: Str;
            value: Option<Str>, = empty();
            source: i8;
        }
    }
}

messages! {
    AlterConfigs (33, 0..=2, flexible 2);

    mod alter_configs_request {
        AlterConfigsRequest {
            resources: Vec<AlterConfigsResource>;
            validate_only: bool;
        }
        AlterConfigsResource {
            resource_type: i8;
            resource_name: Str;
            configs: Vec<AlterableConfig>;
        }
        AlterableConfig {
            name: Str;
            value: Option<Str>, = empty();
        }
    }

    mod alter_configs_response {
        AlterConfigsResponse {
            throttle_time_ms: i32;
            responses: Vec<AlterConfigsResourceResponse>;
        }
        AlterConfigsResourceResponse {
            error_code: i16;
            error_message: Option<Str>, = empty();
            resource_type: i8;
            resource_name: Str;
        }
    }
}

messages! {
    IncrementalAlterConfigs (44, 0..=1, flexible 1);

    mod incremental_alter_configs_request {
        IncrementalAlterConfigsRequest {
            resources: Vec<AlterConfigsResource>;
            validate_only: bool;
        }
        AlterConfigsResource {
            resource_type: i8;
            resource_name: Str;
            configs: Vec<AlterableConfig>;
        }
        AlterableConfig {
            name: Str;
            config_operation: i8;
            value: Option<Str>, = empty();
        }
    }

    mod incremental_alter_configs_response {
        IncrementalAlterConfigsResponse {
            throttle_time_ms: i32;
            responses: Vec<AlterConfigsResourceResponse>;
        }
        AlterConfigsResourceResponse {
            error_code: i16;
            error_message: Option<Str>, = empty();
            resource_type: i8;
            resource_name: Str;
        }
    }
}

messages! {
    ListConfigResources (74, 0..=1, flexible 0);

    mod list_config_resources_request {
        ListConfigResourcesRequest {
            resource_types: Vec<i8>, in 1..;
        }
    }

    mod list_config_resources_response {
        ListConfigResourcesResponse {
            throttle_time_ms: i32;
            error_code: i16;
            config_resources: Vec<ConfigResource>;
        }
        ConfigResource {
            resource_name: Str;
            resource_type: i8, in 1.., else drop, = 16;
        }
    }
}
