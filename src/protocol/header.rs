//! The headers of requests and responses (`RequestHeader.json`, `ResponseHeader.json`).

use super::wire::{Fault, FaultKind};

/// What stands before a request's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestHeader<'a> {
    /// Which API.
    pub key: i16,
    /// In which version.
    pub version: i16,
    /// What the answer must repeat.
    pub correlation_id: i32,
    /// The client's name for itself, as bytes: Kafka replaces what is not UTF-8.
    pub client_id: &'a [u8],
    /// Where the header's tagged fields begin, or the body where there are none.
    pub end: usize,
}

impl<'a> RequestHeader<'a> {
    /// The shortest header: key, version, correlation id, null client id.
    pub const SHORTEST: usize = 10;

    /// Reads the header of a frame (without its length). The client id has a two-byte length in every version.
    pub fn read(frame: &'a [u8]) -> Result<Self, Fault> {
        let short = Fault { field: "RequestHeader", kind: FaultKind::Short };
        let (fixed, rest) = frame.split_first_chunk::<8>().ok_or(short)?;
        let [k0, k1, v0, v1, c0, c1, c2, c3] = *fixed;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or(short)?;
        let client_id = match i16::from_be_bytes(*length) {
            -1 => &[],
            length => {
                let length = usize::try_from(length)
                    .map_err(|_| Fault { field: "RequestHeader.client_id", kind: FaultKind::Length })?;
                rest.get(..length).ok_or(short)?
            }
        };
        Ok(Self {
            key: i16::from_be_bytes([k0, k1]),
            version: i16::from_be_bytes([v0, v1]),
            correlation_id: i32::from_be_bytes([c0, c1, c2, c3]),
            client_id,
            end: Self::SHORTEST + client_id.len(),
        })
    }
}

/// Writes the header of a request of our own.
pub fn write_request(
    key: i16,
    version: i16,
    correlation_id: i32,
    client_id: &str,
    flexible: bool,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(&key.to_be_bytes());
    out.extend_from_slice(&version.to_be_bytes());
    out.extend_from_slice(&correlation_id.to_be_bytes());
    // A client id of ours is a few letters.
    out.extend_from_slice(&i16::try_from(client_id.len()).unwrap_or_default().to_be_bytes());
    out.extend_from_slice(client_id.as_bytes());
    if flexible {
        out.push(0);
    }
}

/// The length of a tagged section: `bytes` begins with it.
pub fn tagged_fields(bytes: &[u8]) -> Result<usize, Fault> {
    let fault = |kind| Fault { field: "header tags", kind };
    let mut at = 0;
    let count = varint(bytes, &mut at).ok_or(fault(FaultKind::Varint))?;
    for _ in 0..count {
        varint(bytes, &mut at).ok_or(fault(FaultKind::Varint))?;
        let size = varint(bytes, &mut at).ok_or(fault(FaultKind::Varint))?;
        at =
            at.checked_add(size as usize).filter(|end| *end <= bytes.len()).ok_or(fault(FaultKind::Short))?;
    }
    Ok(at)
}

/// Reads an unsigned varint of at most 32 bits at `at`.
pub fn varint(bytes: &[u8], at: &mut usize) -> Option<u32> {
    let mut value = 0u32;
    for shift in [0, 7, 14, 21, 28] {
        let byte = *bytes.get(*at)?;
        *at += 1;
        if shift == 28 && byte > 0x0f {
            return None;
        }
        value |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_and_a_cut_one_refused() {
        let mut frame = Vec::new();
        write_request(3, 12, 7, "kcat", true, &mut frame);
        let header = RequestHeader::read(&frame).unwrap();
        assert_eq!((header.key, header.version, header.correlation_id), (3, 12, 7));
        assert_eq!((header.client_id, header.end), (&b"kcat"[..], 14));
        assert_eq!(tagged_fields(&frame[header.end..]), Ok(1));
        for cut in 0..14 {
            assert!(RequestHeader::read(&frame[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn a_null_client_id_is_empty_and_a_negative_length_refused() {
        let frame = [0, 3, 0, 1, 0, 0, 0, 7, 0xff, 0xff];
        assert_eq!(RequestHeader::read(&frame).map(|h| (h.client_id.len(), h.end)), Ok((0, 10)));
        let frame = [0, 3, 0, 1, 0, 0, 0, 7, 0xff, 0xfe];
        assert_eq!(RequestHeader::read(&frame).map_err(|f| f.kind), Err(FaultKind::Length));
    }

    #[test]
    fn tags_may_not_reach_beyond_the_frame() {
        assert_eq!(tagged_fields(&[0]), Ok(1));
        assert_eq!(tagged_fields(&[1, 5, 2, 9, 9, 77]), Ok(5));
        assert!(tagged_fields(&[1, 5, 3, 9, 9]).is_err());
        assert!(tagged_fields(&[1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f]).is_err());
        assert!(tagged_fields(&[0xff, 0xff, 0xff, 0xff, 0x1f]).is_err());
        assert!(tagged_fields(&[]).is_err());
    }
}
