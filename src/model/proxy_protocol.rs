//! The header by which a balancer says whose connection it passes on: the PROXY protocol, version 1 (a line of text) and
//! version 2 (binary), as HAProxy's `proxy-protocol.txt` specifies them.
//!
//! Whether a header is to be believed is for others to know: whoever can connect can write one.

mod line;
mod packet;

use std::net::SocketAddr;

/// The most bytes of a header. A line has at most 107; the rest is for what balancers add in version 2, the client's
/// certificate among it.
pub const LONGEST: usize = 8 * 1024;

/// How a line begins.
const LINE: &[u8] = b"PROXY ";
/// How a packet begins. Nothing else that is spoken to a server begins like this, TLS and Kafka included.
const PACKET: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// What the first bytes of a connection are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed {
    /// All of them belong to a header of which more is to come.
    Incomplete,
    /// A header, so many bytes long.
    Header(usize, Passed),
    /// They are no header.
    Other,
    /// They are a header that cannot be taken, and why.
    Invalid(String),
}

/// Whose connection it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// That of a client at this address and port.
    Client(SocketAddr),
    /// The balancer's own, which mostly looks whether anybody is there.
    Own,
    /// Of somebody whom the balancer does not name.
    Unnamed,
}

/// Reads the header at the beginning of what has come.
pub fn parse(bytes: &[u8]) -> Parsed {
    if begins(bytes, LINE) {
        line::parse(bytes)
    } else if begins(bytes, PACKET) {
        packet::parse(bytes)
    } else {
        Parsed::Other
    }
}

/// Whether these first bytes are the beginning of a header. So many of them as a line's signature has are enough to tell.
pub fn is_header(first: &[u8]) -> bool {
    first.len() >= LINE.len() && (begins(first, LINE) || begins(first, PACKET))
}

/// Whether what has come of them agrees with the signature.
fn begins(bytes: &[u8], signature: &[u8]) -> bool {
    let known = bytes.len().min(signature.len());
    bytes[..known] == signature[..known]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(bytes: &[u8]) -> (usize, Passed) {
        match parse(bytes) {
            Parsed::Header(length, passed) => (length, passed),
            other => panic!("{other:?} of {bytes:?}"),
        }
    }

    #[test]
    fn a_header_is_whole_only_at_its_end_and_takes_nothing_behind_it() {
        let mut packet = PACKET.to_vec();
        packet.extend([0x21, 0x11, 0, 12, 192, 0, 2, 7, 10, 0, 0, 1, 0xd4, 0x31, 0x24, 0xe3]);
        for whole in [&b"PROXY TCP4 192.0.2.7 10.0.0.1 54321 9443\r\n"[..], &packet] {
            for end in 0..whole.len() {
                assert_eq!(parse(&whole[..end]), Parsed::Incomplete, "{end} of {whole:?}");
            }
            let client = Passed::Client("192.0.2.7:54321".parse().unwrap());
            assert_eq!(header(whole), (whole.len(), client));
            assert_eq!(header(&[whole, &[22, 3, 1]].concat()), (whole.len(), client));
        }
    }

    #[test]
    fn what_is_no_header_is_known_by_the_first_byte_that_is_not() {
        for other in
            [&[22, 3, 1][..], b"PRI * HTTP/2.0", b"PROXy", b"\r\nGET", b"\r\n\r\n\x01", &[0, 0, 0, 1]]
        {
            assert_eq!(parse(other), Parsed::Other, "{other:?}");
            assert!(!is_header(other));
        }
        assert!(is_header(b"PROXY ") && is_header(b"\r\n\r\n\0\r"));
        assert!(!is_header(b"PROXY") && !is_header(b"\r\n\r\n") && !is_header(b""));
    }

    /// Whatever comes, in whatever pieces: the verdict on a longer beginning never contradicts that on a shorter one, and
    /// nobody waits for more than the longest header.
    #[test]
    fn any_bytes_have_one_verdict() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for _ in 0..20_000 {
            let signature = if next() % 2 == 0 { LINE } else { PACKET };
            let mut bytes = signature.to_vec();
            let length = usize::try_from(next() % 160).unwrap();
            let text = b"TCP46UNKNOW 0123456789.:abcdef\r\n";
            bytes.extend((0..length).map(|_| match signature == LINE {
                true => text[usize::try_from(next()).unwrap_or_default() % text.len()],
                // Small numbers are the meaningful ones.
                false => u8::try_from(next() % if next() % 3 == 0 { 256 } else { 0x22 }).unwrap(),
            }));
            let mut known: Option<Parsed> = None;
            for end in 0..=bytes.len() {
                let parsed = parse(&bytes[..end]);
                if let Some(before) = &known {
                    assert_eq!(&parsed, before, "{end} of {bytes:?}");
                } else if parsed != Parsed::Incomplete {
                    if let Parsed::Header(length, _) = parsed {
                        assert_eq!(length, end);
                    }
                    known = Some(parsed);
                }
            }
        }
        for signature in [LINE, PACKET] {
            let endless = [signature, &[b' '; LONGEST][..]].concat();
            assert!(matches!(parse(&endless), Parsed::Invalid(_)), "{signature:?}");
        }
    }
}
