//! SASL: logging in, and the credentials of SCRAM.

use crate::protocol::wire::messages;

messages! {
    SaslHandshake (17, 0..=1);

    mod sasl_handshake_request {
        SaslHandshakeRequest {
            mechanism: Str;
        }
    }

    mod sasl_handshake_response {
        SaslHandshakeResponse {
            error_code: i16;
            mechanisms: Vec<Str>;
        }
    }
}

messages! {
    SaslAuthenticate (36, 0..=2, flexible 2);

    mod sasl_authenticate_request {
        SaslAuthenticateRequest {
            auth_bytes: Bytes;
        }
    }

    mod sasl_authenticate_response {
        SaslAuthenticateResponse {
            error_code: i16;
            error_message: Option<Str>, = empty();
            auth_bytes: Bytes;
            session_lifetime_ms: i64, in 1.., else drop;
        }
    }
}

messages! {
    DescribeUserScramCredentials (50, 0..=0, flexible 0);

    mod describe_user_scram_credentials_request {
        DescribeUserScramCredentialsRequest {
            users: Option<Vec<UserName>>, = empty();
        }
        UserName {
            name: Str;
        }
    }

    mod describe_user_scram_credentials_response {
        DescribeUserScramCredentialsResponse {
            throttle_time_ms: i32;
            error_code: i16;
            error_message: Option<Str>, = empty();
            results: Vec<DescribeUserScramCredentialsResult>;
        }
        DescribeUserScramCredentialsResult {
            user: Str;
            error_code: i16;
            error_message: Option<Str>, = empty();
            credential_infos: Vec<CredentialInfo>;
        }
        CredentialInfo {
            mechanism: i8;
            iterations: i32;
        }
    }
}

messages! {
    AlterUserScramCredentials (51, 0..=0, flexible 0);

    mod alter_user_scram_credentials_request {
        AlterUserScramCredentialsRequest {
            deletions: Vec<ScramCredentialDeletion>;
            upsertions: Vec<ScramCredentialUpsertion>;
        }
        ScramCredentialDeletion {
            name: Str;
            mechanism: i8;
        }
        ScramCredentialUpsertion {
            name: Str;
            mechanism: i8;
            iterations: i32;
            salt: Bytes;
            salted_password: Bytes;
        }
    }

    mod alter_user_scram_credentials_response {
        AlterUserScramCredentialsResponse {
            throttle_time_ms: i32;
            results: Vec<AlterUserScramCredentialsResult>;
        }
        AlterUserScramCredentialsResult {
            user: Str;
            error_code: i16;
            error_message: Option<Str>, = empty();
        }
    }
}
