//! Delegation tokens.

use crate::protocol::wire::messages;

messages! {
    CreateDelegationToken (38, 0..=3, flexible 2);

    mod create_delegation_token_request {
        CreateDelegationTokenRequest {
            owner_principal_type: Option<Str>, in 3.., = empty();
            owner_principal_name: Option<Str>, in 3.., = empty();
            renewers: Vec<CreatableRenewers>;
            max_lifetime_ms: i64;
        }
        CreatableRenewers {
            principal_type: Str;
            principal_name: Str;
        }
    }

    mod create_delegation_token_response {
        CreateDelegationTokenResponse {
            error_code: i16;
            principal_type: Str;
            principal_name: Str;
            token_requester_principal_type: Str, in 3..;
            token_requester_principal_name: Str, in 3..;
            issue_timestamp_ms: i64;
            expiry_timestamp_ms: i64;
            max_timestamp_ms: i64;
            token_id: Str;
            hmac: Bytes;
            throttle_time_ms: i32;
        }
    }
}

messages! {
    RenewDelegationToken (39, 0..=2, flexible 2);

    mod renew_delegation_token_request {
        RenewDelegationTokenRequest {
            hmac: Bytes;
            renew_period_ms: i64;
        }
    }

    mod renew_delegation_token_response {
        RenewDelegationTokenResponse {
            error_code: i16;
            expiry_timestamp_ms: i64;
            throttle_time_ms: i32;
        }
    }
}

messages! {
    ExpireDelegationToken (40, 0..=2, flexible 2);

    mod expire_delegation_token_request {
        ExpireDelegationTokenRequest {
            hmac: Bytes;
            expiry_time_period_ms: i64;
        }
    }

    mod expire_delegation_token_response {
        ExpireDelegationTokenResponse {
            error_code: i16;
            expiry_timestamp_ms: i64;
            throttle_time_ms: i32;
        }
    }
}

messages! {
    DescribeDelegationToken (41, 0..=3, flexible 2);

    mod describe_delegation_token_request {
        DescribeDelegationTokenRequest {
            owners: Option<Vec<DescribeDelegationTokenOwner>>, = empty();
        }
        DescribeDelegationTokenOwner {
            principal_type: Str;
            principal_name: Str;
        }
    }

    mod describe_delegation_token_response {
        DescribeDelegationTokenResponse {
            error_code: i16;
            tokens: Vec<DescribedDelegationToken>;
            throttle_time_ms: i32;
        }
        DescribedDelegationToken {
            principal_type: Str;
            principal_name: Str;
            token_requester_principal_type: Str, in 3..;
            token_requester_principal_name: Str, in 3..;
            issue_timestamp: i64;
            expiry_timestamp: i64;
            max_timestamp: i64;
            token_id: Str;
            hmac: Bytes;
            renewers: Vec<DescribedDelegationTokenRenewer>;
        }
        DescribedDelegationTokenRenewer {
            principal_type: Str;
            principal_name: Str;
        }
    }
}
