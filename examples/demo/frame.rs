//! Kafka's framing on the client's side: length, header, body.

use bytes::Bytes;
use doorkeeper::protocol::wire::{Fault, Message, Request};

const CLIENT_ID: &str = "doorkeeper-demo";

/// A whole request frame, its length in front, with the header that the API has in that version.
pub(crate) fn request<Q: Request>(request: &Q, version: i16, correlation: i32) -> Result<Vec<u8>, Fault> {
    let mut frame = vec![0; 4];
    frame.extend(Q::KEY.to_be_bytes());
    frame.extend(version.to_be_bytes());
    frame.extend(correlation.to_be_bytes());
    frame.extend((CLIENT_ID.len() as u16).to_be_bytes());
    frame.extend(CLIENT_ID.as_bytes());
    if version >= Q::FLEXIBLE {
        frame.push(0); // no tagged fields
    }
    request.encode(version, &mut frame)?;
    let length = (frame.len() - 4) as u32;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    Ok(frame)
}

/// The body of an answer whose frame, without its length, is `frame`, if it is the one to `correlation`.
pub(crate) fn response_body<Q: Request>(frame: &Bytes, version: i16, correlation: i32) -> Option<Bytes> {
    const API_VERSIONS: i16 = 18;
    // The answer to ApiVersions has no tagged fields in its header: a client that speaks too new a version must
    // be able to read it (KIP-511).
    let tagged = version >= Q::Response::FLEXIBLE && Q::KEY != API_VERSIONS;
    let header = if tagged { 5 } else { 4 };
    let matches =
        frame.len() >= header && frame[..4] == correlation.to_be_bytes() && (!tagged || frame[4] == 0);
    matches.then(|| frame.slice(header..))
}
