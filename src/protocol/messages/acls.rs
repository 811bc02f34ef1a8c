//! Access control lists.

use crate::protocol::wire::messages;

messages! {
    DescribeAcls (29, 0..=3, flexible 2);

    mod describe_acls_request {
        DescribeAclsRequest {
            resource_type_filter: i8;
            resource_name_filter: Option<Str>, = empty();
            pattern_type_filter: i8, in 1.., = 3;
            principal_filter: Option<Str>, = empty();
            host_filter: Option<Str>, = empty();
            operation: i8;
            permission_type: i8;
        }
    }

    mod describe_acls_response {
        DescribeAclsResponse {
            throttle_time_ms: i32;
            error_code: i16;
            error_message: Option<Str>, = empty();
            resources: Vec<DescribeAclsResource>;
        }
        DescribeAclsResource {
            resource_type: i8;
            resource_name: Str;
            pattern_type: i8, in 1.., = 3;
            acls: Vec<AclDescription>;
        }
        AclDescription {
            principal: Str;
            host: Str;
            operation: i8;
            permission_type: i8;
        }
    }
}

messages! {
    CreateAcls (30, 0..=3, flexible 2);

    mod create_acls_request {
        CreateAclsRequest {
            creations: Vec<AclCreation>;
        }
        AclCreation {
            resource_type: i8;
            resource_name: Str;
            resource_pattern_type: i8, in 1.., = 3;
            principal: Str;
            host: Str;
            operation: i8;
            permission_type: i8;
        }
    }

    mod create_acls_response {
        CreateAclsResponse {
            throttle_time_ms: i32;
            results: Vec<AclCreationResult>;
        }
        AclCreationResult {
            error_code: i16;
            error_message: Option<Str>, = empty();
        }
    }
}

messages! {
    DeleteAcls (31, 0..=3, flexible 2);

    mod delete_acls_request {
        DeleteAclsRequest {
            filters: Vec<DeleteAclsFilter>;
        }
        DeleteAclsFilter {
            resource_type_filter: i8;
            resource_name_filter: Option<Str>, = empty();
            pattern_type_filter: i8, in 1.., = 3;
            principal_filter: Option<Str>, = empty();
            host_filter: Option<Str>, = empty();
            operation: i8;
            permission_type: i8;
        }
    }

    mod delete_acls_response {
        DeleteAclsResponse {
            throttle_time_ms: i32;
            filter_results: Vec<DeleteAclsFilterResult>;
        }
        DeleteAclsFilterResult {
            error_code: i16;
            error_message: Option<Str>, = empty();
            matching_acls: Vec<DeleteAclsMatchingAcl>;
        }
        DeleteAclsMatchingAcl {
            error_code: i16;
            error_message: Option<Str>, = empty();
            resource_type: i8;
            resource_name: Str;
            pattern_type: i8, in 1.., = 3;
            principal: Str;
            host: Str;
            operation: i8;
            permission_type: i8;
        }
    }
}
