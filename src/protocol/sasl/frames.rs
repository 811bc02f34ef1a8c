//! The frames of a login.

use bytes::Bytes;

use super::{Reaction, refused, silent};
use crate::protocol::api::Row;
use crate::protocol::error_code::ILLEGAL_SASL_STATE;
use crate::protocol::header::{self, RequestHeader};
use crate::protocol::messages::metadata_response::MetadataResponseTopic;
use crate::protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, MetadataRequest, MetadataResponse, SaslAuthenticateRequest,
    SaslHandshakeRequest, SaslHandshakeResponse,
};
use crate::protocol::wire::Message;

/// To which SaslAuthenticate request the answer goes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Framed {
    pub(super) version: i16,
    pub(super) correlation_id: i32,
}

/// The token in a SaslAuthenticate request.
pub(super) fn unwrap(frame: &Bytes, framed: &mut Framed) -> Result<Bytes, Reaction> {
    let header =
        RequestHeader::read(frame).map_err(|fault| silent(format!("a request cannot be read: {fault}")))?;
    let Some(row) = Row::find(header.key) else {
        return Err(silent(format!("API key {} is unknown", header.key)));
    };
    let (id, name) = ((header.version, header.correlation_id), row.name);
    if !row.versions.contains(&header.version) {
        return Err(silent(format!("{name} version {} is not served", header.version)));
    }
    let why = format!("the client sent {name} in the middle of a login");
    match header.key {
        SaslAuthenticateRequest::KEY => {
            *framed = Framed { version: header.version, correlation_id: header.correlation_id };
            let body = body(row, &header, frame);
            let request =
                body.and_then(|body| SaslAuthenticateRequest::decode_declared(&body, header.version).ok());
            let (request, _) = request.ok_or_else(|| silent(format!("{name} cannot be read")))?;
            Ok(request.auth_bytes)
        }
        SaslHandshakeRequest::KEY => {
            let answer = SaslHandshakeResponse { error_code: ILLEGAL_SASL_STATE, ..Default::default() };
            Err(refused(encoded(row, id, &answer), why, None))
        }
        ApiVersionsRequest::KEY => {
            let answer = ApiVersionsResponse { error_code: ILLEGAL_SASL_STATE, ..Default::default() };
            Err(refused(encoded(row, id, &answer), why, None))
        }
        // Clients that take a refused token for an accepted one go on with this.
        MetadataRequest::KEY => {
            let request = body(row, &header, frame)
                .and_then(|body| MetadataRequest::decode_declared(&body, header.version).ok());
            let (request, _) = request.ok_or_else(|| silent(format!("{name} cannot be read")))?;
            Err(refused(encoded(row, id, &refused_metadata(request)), why, None))
        }
        // Kafka has an answer of its own for each API, and closes as well.
        _ => Err(silent(why)),
    }
}

/// `MetadataRequest.getErrorResponse`
fn refused_metadata(request: MetadataRequest) -> MetadataResponse {
    let topics = request.topics.unwrap_or_default().into_iter().map(|topic| MetadataResponseTopic {
        error_code: ILLEGAL_SASL_STATE,
        name: Some(topic.name.unwrap_or_default()),
        topic_id: topic.topic_id,
        ..Default::default()
    });
    MetadataResponse { topics: topics.collect(), error_code: ILLEGAL_SASL_STATE, ..Default::default() }
}

/// The body of a request.
pub(super) fn body(row: &Row, header: &RequestHeader<'_>, frame: &Bytes) -> Option<Bytes> {
    let tags = match row.is_flexible(header.version) {
        true => header::tagged_fields(frame.get(header.end..)?).ok()?,
        false => 0,
    };
    Some(frame.slice(header.end + tags..))
}

/// `ApiVersionsRequest.isValid`: `[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?`
pub(super) fn is_software(name: &str) -> bool {
    let is_end = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    let mut bytes = name.bytes();
    is_end(name.bytes().next())
        && is_end(name.bytes().last())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

pub(super) fn encoded(row: &Row, id: (i16, i32), answer: &impl Message) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    answer.encode(id.0, &mut body).ok()?;
    Some(answer_frame(row, id, &body))
}

/// The frame of an answer in this version to a request with this correlation id.
pub(super) fn answer_frame(row: &Row, (version, correlation_id): (i16, i32), body: &[u8]) -> Vec<u8> {
    let tags = usize::from(row.has_answer_tags(version));
    // Bodies come from our encoder, and are short.
    let length = (4 + tags + body.len()) as i32;
    [&length.to_be_bytes()[..], &correlation_id.to_be_bytes(), &[0][..tags], body].concat()
}
