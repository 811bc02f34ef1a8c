//! Frames that are not requests, or not any that a client may send.

use super::super::{Case, Step};

/// The header of a request with this key and version and the correlation id 7, of a client that gives no name.
fn header(key: i16, version: i16, flexible: bool) -> Vec<u8> {
    let mut frame = Vec::new();
    frame.extend(key.to_be_bytes());
    frame.extend(version.to_be_bytes());
    frame.extend(7i32.to_be_bytes());
    frame.extend((-1i16).to_be_bytes());
    if flexible {
        frame.push(0);
    }
    frame
}

fn frame(key: i16, version: i16, body: &[u8]) -> Vec<u8> {
    [header(key, version, false).as_slice(), body].concat()
}

pub fn cases() -> Vec<Case> {
    const METADATA: i16 = 3;
    const API_VERSIONS: i16 = 18;
    // Of clients' metrics a broker that wants none says nothing in ApiVersions.
    const TELEMETRY: i16 = 71;
    const INSTANCE: [u8; 16] = [7; 16];
    let push = |subscription: i32| {
        let mut frame = header(TELEMETRY + 1, 0, true);
        frame.extend(INSTANCE);
        frame.extend(subscription.to_be_bytes());
        // It goes on, is not compressed, holds nothing, and has no tagged fields.
        frame.extend([0, 0, 1, 0]);
        frame
    };
    let one_topic =
        |name: &[u8]| [&1i32.to_be_bytes()[..], &(name.len() as i16).to_be_bytes(), name].concat();
    let shapes: Vec<(&str, Vec<u8>)> = vec![
        ("an empty frame", vec![]),
        ("a frame of one byte", vec![0]),
        ("half a header", header(METADATA, 1, false)[..6].to_vec()),
        ("a key that no Kafka knows", frame(999, 0, &[])),
        ("a negative key", frame(-1, 0, &[])),
        ("a version that no Kafka knows", frame(METADATA, 99, &[])),
        ("a negative version", frame(METADATA, -1, &[])),
        ("LeaderAndIsr", frame(4, 0, &[0; 32])),
        ("Vote", [header(52, 0, true), vec![0; 8]].concat()),
        ("Envelope", [header(58, 0, true), vec![0; 8]].concat()),
        ("BrokerHeartbeat", [header(63, 0, true), vec![0; 32]].concat()),
        ("ApiVersions in a version to come", header(API_VERSIONS, 99, true)),
        ("ApiVersions in a negative version", frame(API_VERSIONS, -1, &[])),
        ("GetTelemetrySubscriptions", [header(TELEMETRY, 0, true), INSTANCE.to_vec(), vec![0]].concat()),
        (
            "GetTelemetrySubscriptions in a version to come",
            [header(TELEMETRY, 1, true), INSTANCE.to_vec(), vec![0]].concat(),
        ),
        ("PushTelemetry", push(4711)),
        ("PushTelemetry cut short", push(4711)[..28].to_vec()),
        ("no body", frame(METADATA, 1, &[])),
        ("a body cut short", frame(METADATA, 1, &one_topic(b"t-all")[..8])),
        ("more elements than bytes", frame(METADATA, 1, &i32::MAX.to_be_bytes())),
        ("a count below null", frame(METADATA, 1, &(-2i32).to_be_bytes())),
        ("a name below null", frame(METADATA, 1, &[0, 0, 0, 1, 0xff, 0xfe])),
        ("a null name", frame(METADATA, 1, &[0, 0, 0, 1, 0xff, 0xff])),
        ("bytes after the end", frame(METADATA, 1, &[one_topic(b"t-all").as_slice(), b"more"].concat())),
        ("a name that is no UTF-8", frame(METADATA, 1, &one_topic(b"t-\xff\xfe"))),
    ];
    let case = |(shape, frame)| {
        Case::after("ApiVersions", shape, vec![Step::CompareFrame(frame)]).once().by(&["nobody"])
    };
    shapes.into_iter().map(case).collect()
}
