//! The codec against the kafka-protocol crate, in both directions, for every version that both know.

use bytes::{Bytes, BytesMut};
use doorkeeper::protocol::wire::FaultKind;
use kafka_protocol::messages::{ApiKey, RequestKind, ResponseKind};

use crate::support::layouts::{Layout, each_version};
use crate::support::samples::{Random, Style, hex, sample};

enum Theirs {
    Request(RequestKind),
    Response(ResponseKind),
}

impl Theirs {
    /// The message, and how many bytes were left.
    fn decode(layout: &Layout, version: i16, body: &Bytes) -> Result<(Self, usize), String> {
        let key = ApiKey::try_from(layout.key).map_err(|()| "no such key".to_owned())?;
        let mut rest = body.clone();
        let message = if layout.is_request {
            RequestKind::decode(key, &mut rest, version).map(Self::Request)
        } else {
            ResponseKind::decode(key, &mut rest, version).map(Self::Response)
        };
        message.map(|message| (message, rest.len())).map_err(|error| format!("{error:#}"))
    }

    fn encode(&self, version: i16) -> Result<Vec<u8>, String> {
        let mut out = BytesMut::new();
        match self {
            Self::Request(request) => request.encode(&mut out, version),
            Self::Response(response) => response.encode(&mut out, version),
        }
        .map(|()| out.to_vec())
        .map_err(|error| format!("{error:#}"))
    }
}

/// Whether kafka-protocol has the version at all.
fn is_shared(layout: &Layout, version: i16) -> bool {
    match Theirs::decode(layout, version, &Bytes::new()) {
        Ok(_) => true,
        Err(why) => !why.contains("not supported") && !why.contains("no such key"),
    }
}

#[test]
fn both_read_and_write_the_same() {
    let mut random = Random(81);
    let mut versions = 0;
    each_version(|layout, version, codec| {
        if !is_shared(layout, version) {
            return;
        }
        versions += 1;
        for _ in 0..20 {
            let body = sample(layout, version, &mut random, Style::Rich);
            let at = format!("{} v{version}: {}", layout.name(), hex(&body));
            let ours = Bytes::from((codec.recode)(&body, version, version).expect(&at));
            let (theirs, left) = Theirs::decode(layout, version, &ours).expect(&at);
            assert_eq!(left, 0, "{at}");
            let theirs = Bytes::from(theirs.encode(version).expect(&at));
            assert_eq!(theirs, ours, "{at}");
            assert_eq!((codec.recode)(&theirs, version, version).as_deref(), Ok(&*theirs), "{at}");
        }
    });
    // The crate lacks versions that only Kafka before 4.0 or after 4.1 has.
    assert!(versions >= 577, "{versions}");
}

#[test]
fn both_translate_versions_alike() {
    let mut random = Random(82);
    let (mut same, mut refused_by_us) = (0, 0);
    each_version(|layout, from, codec| {
        for to in layout.entry().versions.clone() {
            if !is_shared(layout, from) || !is_shared(layout, to) {
                continue;
            }
            for style in [Style::Rich, Style::Sparse, Style::Sparse] {
                let body = sample(layout, from, &mut random, style);
                let at = format!("{} v{from} to v{to}: {}", layout.name(), hex(&body));
                let theirs = Theirs::decode(layout, from, &body).expect(&at).0.encode(to);
                match ((codec.recode)(&body, from, to), theirs) {
                    (Ok(ours), theirs) => {
                        assert_eq!(theirs.as_ref(), Ok(&ours), "{at}");
                        same += 1;
                    }
                    // The crate leaves tagged fields out silently, and takes some nulls for empty.
                    (Err(fault), _) => {
                        assert!(matches!(fault.kind, FaultKind::Lost | FaultKind::Null), "{at}: {fault}");
                        refused_by_us += 1;
                    }
                }
            }
        }
    });
    assert!(same > 9_000 && refused_by_us > 1_000, "{same} same, {refused_by_us} refused");
}
