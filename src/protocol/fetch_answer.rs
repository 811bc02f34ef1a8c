//! The head of a Fetch answer, which names the session.

/// The part of a Fetch answer that says what became of the session, from version 7 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchAnswerHead {
    /// The top-level error.
    pub error_code: i16,
    /// The session; 0 is none.
    pub session_id: i32,
}

/// Length of the head: throttle time, error, session.
pub const HEAD: usize = 10;

impl FetchAnswerHead {
    /// Reads the head.
    pub fn read(head: &[u8; HEAD]) -> Self {
        let [_, _, _, _, e0, e1, s0, s1, s2, s3] = *head;
        Self { error_code: i16::from_be_bytes([e0, e1]), session_id: i32::from_be_bytes([s0, s1, s2, s3]) }
    }
}

/// The first version whose answers name brokers' addresses.
pub const NODE_ENDPOINTS: i16 = 16;
