//! Frames as Kafka has them: a length, and what is behind it.

use bytes::Bytes;

use super::close::Close;

/// The client id of requests of our own.
pub const CLIENT_ID: &str = "doorkeeper";

/// A frame of these parts, with its length in front.
pub fn frame(parts: &[&[u8]]) -> Result<Bytes, Close> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let prefix = i32::try_from(length).map_err(|_| Close::internal("a frame of over 2 GiB"))?;
    let mut frame = Vec::with_capacity(4 + length);
    frame.extend_from_slice(&prefix.to_be_bytes());
    parts.iter().for_each(|part| frame.extend_from_slice(part));
    Ok(frame.into())
}
