//! Client quotas.

use crate::protocol::wire::messages;

messages! {
    DescribeClientQuotas (48, 0..=1, flexible 1);

    mod describe_client_quotas_request {
        DescribeClientQuotasRequest {
            components: Vec<ComponentData>;
            strict: bool;
        }
        ComponentData {
            entity_type: Str;
            match_type: i8;
            r#match: Option<Str>, = empty();
        }
    }

    mod describe_client_quotas_response {
        DescribeClientQuotasResponse {
            throttle_time_ms: i32;
            error_code: i16;
            error_message: Option<Str>, = empty();
            entries: Option<Vec<EntryData>>, = empty();
        }
        EntryData {
            entity: Vec<EntityData>;
            values: Vec<ValueData>;
        }
        EntityData {
            entity_type: Str;
            entity_name: Option<Str>, = empty();
        }
        ValueData {
            key: Str;
            value: f64;
        }
    }
}

messages! {
    AlterClientQuotas (49, 0..=1, flexible 1);

    mod alter_client_quotas_request {
        AlterClientQuotasRequest {
            entries: Vec<EntryData>;
            validate_only: bool;
        }
        EntryData {
            entity: Vec<EntityData>;
            ops: Vec<OpData>;
        }
        EntityData {
            entity_type: Str;
            entity_name: Option<Str>, = empty();
        }
        OpData {
            key: Str;
            value: f64;
            remove: bool;
        }
    }

    mod alter_client_quotas_response {
        AlterClientQuotasResponse {
            throttle_time_ms: i32;
            entries: Vec<EntryData>;
        }
        EntryData {
            error_code: i16;
            error_message: Option<Str>, = empty();
            entity: Vec<EntityData>;
        }
        EntityData {
            entity_type: Str;
            entity_name: Option<Str>, = empty();
        }
    }
}
