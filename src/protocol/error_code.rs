//! The error codes that doorkeeper answers with, or understands when it asks a broker itself
//! (`org.apache.kafka.common.protocol.Errors`).

#![allow(missing_docs)]

/// One line a code: its constant and its number.
macro_rules! codes {
    ($($name:ident = $code:literal;)+) => {
        $(pub const $name: i16 = $code;)+

        /// The name of a code, or its number.
        pub fn name(code: i16) -> std::borrow::Cow<'static, str> {
            match code {
                $($name => stringify!($name).into(),)+
                other => format!("error {other}").into(),
            }
        }
    };
}

codes! {
    UNKNOWN_SERVER_ERROR = -1;
    NONE = 0;
    OFFSET_OUT_OF_RANGE = 1;
    UNKNOWN_TOPIC_OR_PARTITION = 3;
    LEADER_NOT_AVAILABLE = 5;
    NOT_LEADER_OR_FOLLOWER = 6;
    REQUEST_TIMED_OUT = 7;
    REPLICA_NOT_AVAILABLE = 9;
    MESSAGE_TOO_LARGE = 10;
    NETWORK_EXCEPTION = 13;
    COORDINATOR_LOAD_IN_PROGRESS = 14;
    COORDINATOR_NOT_AVAILABLE = 15;
    NOT_COORDINATOR = 16;
    INVALID_TOPIC_EXCEPTION = 17;
    RECORD_LIST_TOO_LARGE = 18;
    NOT_ENOUGH_REPLICAS = 19;
    NOT_ENOUGH_REPLICAS_AFTER_APPEND = 20;
    INCONSISTENT_GROUP_PROTOCOL = 23;
    UNKNOWN_MEMBER_ID = 25;
    TOPIC_AUTHORIZATION_FAILED = 29;
    GROUP_AUTHORIZATION_FAILED = 30;
    CLUSTER_AUTHORIZATION_FAILED = 31;
    UNSUPPORTED_SASL_MECHANISM = 33;
    ILLEGAL_SASL_STATE = 34;
    UNSUPPORTED_VERSION = 35;
    TOPIC_ALREADY_EXISTS = 36;
    INVALID_REPLICATION_FACTOR = 38;
    NOT_CONTROLLER = 41;
    INVALID_REQUEST = 42;
    POLICY_VIOLATION = 44;
    TRANSACTIONAL_ID_AUTHORIZATION_FAILED = 53;
    SECURITY_DISABLED = 54;
    OPERATION_NOT_ATTEMPTED = 55;
    KAFKA_STORAGE_ERROR = 56;
    SASL_AUTHENTICATION_FAILED = 58;
    DELEGATION_TOKEN_AUTH_DISABLED = 61;
    DELEGATION_TOKEN_REQUEST_NOT_ALLOWED = 64;
    DELEGATION_TOKEN_AUTHORIZATION_FAILED = 65;
    INVALID_PRINCIPAL_TYPE = 67;
    GROUP_ID_NOT_FOUND = 69;
    FETCH_SESSION_ID_NOT_FOUND = 70;
    INVALID_FETCH_SESSION_EPOCH = 71;
    TOPIC_DELETION_DISABLED = 73;
    OFFSET_NOT_AVAILABLE = 78;
    FENCED_INSTANCE_ID = 82;
    RESOURCE_NOT_FOUND = 91;
    DUPLICATE_RESOURCE = 92;
    UNACCEPTABLE_CREDENTIAL = 93;
    UNKNOWN_TOPIC_ID = 100;
    FETCH_SESSION_TOPIC_ID_ERROR = 106;
    FENCED_MEMBER_EPOCH = 110;
    UNRELEASED_INSTANCE_ID = 111;
    SHARE_SESSION_NOT_FOUND = 122;
    INVALID_SHARE_SESSION_EPOCH = 123;
    INVALID_REGULAR_EXPRESSION = 128;
    STREAMS_INVALID_TOPOLOGY = 130;
    SHARE_SESSION_LIMIT_REACHED = 133;
}

/// The text that Kafka sends with an error when the handler has none of its own (`Errors.message()`).
pub fn message(code: i16) -> &'static str {
    match code {
        UNKNOWN_SERVER_ERROR => "The server experienced an unexpected error when processing the request.",
        UNKNOWN_TOPIC_OR_PARTITION => "This server does not host this topic-partition.",
        INVALID_TOPIC_EXCEPTION => "The request attempted to perform an operation on an invalid topic.",
        TOPIC_AUTHORIZATION_FAILED => "Topic authorization failed.",
        GROUP_AUTHORIZATION_FAILED => "Group authorization failed.",
        CLUSTER_AUTHORIZATION_FAILED => "Cluster authorization failed.",
        TRANSACTIONAL_ID_AUTHORIZATION_FAILED => "Transactional Id authorization failed.",
        UNSUPPORTED_VERSION => "The version of API is not supported.",
        INVALID_REQUEST => {
            "This most likely occurs because of a request being malformed by the client library or the message was sent to an incompatible broker. See the broker logs for more details."
        }
        UNKNOWN_TOPIC_ID => "This server does not host this topic ID.",
        SECURITY_DISABLED => "Security features are disabled.",
        _ => "",
    }
}
