//! Frames of our own making.

use std::sync::Arc;

use bytes::Bytes;

use super::{MemoryPermit, RequestId};

/// The frame, with the memory that it takes of the shared budget: that is free again when nobody holds a part of the
/// frame any more.
pub(super) fn holding(frame: Bytes, memory: Option<&Arc<MemoryPermit>>) -> Bytes {
    struct Holding(Bytes, #[expect(dead_code, reason = "it is kept, not used")] Arc<MemoryPermit>);
    impl AsRef<[u8]> for Holding {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    match memory {
        Some(memory) => Bytes::from_owner(Holding(frame, memory.clone())),
        None => frame,
    }
}

/// The frame of the answer to this request.
pub(super) fn answer_frame(request: RequestId, body: &[u8]) -> Vec<u8> {
    let tags = usize::from(request.row.has_answer_tags(request.version));
    let length = 4 + tags + body.len();
    let mut frame = Vec::with_capacity(4 + length);
    // Bodies come from our encoder, which keeps to 32 bits.
    frame.extend_from_slice(&(length as i32).to_be_bytes());
    frame.extend_from_slice(&request.correlation_id.to_be_bytes());
    frame.extend_from_slice(&[0][..tags]);
    frame.extend_from_slice(body);
    frame
}
