//! Frames of our own making.

use std::sync::Arc;

use bytes::Bytes;

use super::{Close, MemoryPermit, RequestId};

/// The client id of requests of our own.
pub const CLIENT_ID: &str = "doorkeeper";

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

/// A frame of these parts, with its length in front.
pub fn frame(parts: &[&[u8]]) -> Result<Bytes, Close> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let prefix = i32::try_from(length).map_err(|_| Close::internal("a frame of over 2 GiB"))?;
    let mut frame = Vec::with_capacity(4 + length);
    frame.extend_from_slice(&prefix.to_be_bytes());
    parts.iter().for_each(|part| frame.extend_from_slice(part));
    Ok(frame.into())
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
