//! Where doorkeeper answers otherwise than Kafka on purpose. Every entry must show in every request that it names.

use crate::support::kafka::Kafka;
use std::ops::RangeInclusive;

/// Answers that differ, and why that is right.
pub struct Deviation {
    pub api: &'static str,
    pub versions: RangeInclusive<i16>,
    /// Empty: all.
    pub shapes: &'static [&'static str],
    /// The steps of those shapes, counted from 1. Empty: all.
    pub steps: &'static [usize],
    /// Empty: all.
    pub principals: &'static [&'static str],
    /// Whether every request that the entry names differs; else some do, and the entry is kept short.
    pub always: bool,
    /// How the versions of Kafka begin that show it. Empty: all.
    pub kafka: &'static str,
    pub reason: &'static str,
}

/// The entries for this Kafka.
pub fn listed(kafka: &Kafka) -> Vec<&'static Deviation> {
    DEVIATIONS.iter().filter(|deviation| kafka.version.starts_with(deviation.kafka)).collect()
}

/// The list.
pub const DEVIATIONS: &[Deviation] = &[
    Deviation {
        api: "DescribeQuorum",
        versions: 2..=2,
        shapes: &["of the metadata"],
        steps: &[],
        principals: &["admin", "ops"],
        always: true,
        kafka: "",
        reason: "no doorkeeper stands before controllers, and the address of a listener without TLS is not told",
    },
    Deviation {
        api: "Metadata",
        versions: 12..=13,
        shapes: &["zero id"],
        steps: &[],
        principals: &["alice", "bob", "ops", "nobody"],
        always: true,
        kafka: "",
        reason: "Kafka's authorizer stumbles over a topic with neither name nor id and fails the whole request; it is \
                 refused here like any topic that the client may not describe",
    },
    Deviation {
        api: "ShareFetch",
        versions: 1..=2,
        shapes: &[NAMELESS_SHARE],
        steps: &[6, 7],
        principals: &["alice", "bob"],
        always: true,
        kafka: "4.",
        reason: NAMELESS,
    },
    Deviation {
        api: "ShareAcknowledge",
        versions: 1..=2,
        shapes: &[NAMELESS_SHARE],
        steps: &[8],
        principals: &["alice", "bob"],
        always: true,
        kafka: "4.",
        reason: NAMELESS,
    },
    Deviation {
        api: FRAME,
        versions: 0..=0,
        shapes: &["a count below null"],
        steps: &[],
        principals: &[],
        always: true,
        kafka: "",
        reason: "Kafka takes every negative count for null; no client sends any but -1",
    },
    Deviation {
        api: FRAME,
        versions: 0..=0,
        shapes: &["bytes after the end"],
        steps: &[],
        principals: &[],
        always: true,
        kafka: "",
        reason: "Kafka leaves them unread; what has not been read is not passed on here",
    },
    Deviation {
        api: FRAME,
        versions: 0..=0,
        shapes: &["a name that is no UTF-8"],
        steps: &[],
        principals: &[],
        always: true,
        kafka: "",
        reason: "Kafka replaces such bytes, so that different names become the same; no client sends them",
    },
    Deviation {
        api: "OffsetCommit",
        versions: 0..=0,
        shapes: &[],
        steps: &[],
        principals: &[],
        always: false,
        kafka: "3.",
        reason: BEFORE_4_0,
    },
    Deviation {
        api: "OffsetFetch",
        versions: 0..=0,
        shapes: &[],
        steps: &[],
        principals: &[],
        always: false,
        kafka: "3.",
        reason: BEFORE_4_0,
    },
    Deviation {
        api: "AlterConfigs",
        versions: 0..=2,
        shapes: &["resource 4 \"9\"", "resource 4 \"nonsense\""],
        steps: &[],
        principals: &[],
        always: false,
        kafka: "3.",
        reason: BEFORE_4_0,
    },
    Deviation {
        api: "IncrementalAlterConfigs",
        versions: 0..=1,
        shapes: &["resource 4 \"9\"", "resource 4 \"nonsense\""],
        steps: &[],
        principals: &[],
        always: false,
        kafka: "3.",
        reason: BEFORE_4_0,
    },
    Deviation {
        api: "DescribeTopicPartitions",
        versions: 0..=0,
        shapes: &[],
        steps: &[],
        principals: &[],
        always: false,
        kafka: "3.",
        reason: BEFORE_4_0,
    },
    Deviation {
        api: "FindCoordinator",
        versions: 6..=6,
        shapes: &["a share group", "a malformed share key"],
        steps: &[],
        principals: &[],
        always: false,
        kafka: "3.",
        reason: BEFORE_4_0,
    },
    Deviation {
        api: "UnregisterBroker",
        versions: 0..=0,
        shapes: &[],
        steps: &[],
        principals: &[],
        always: false,
        kafka: "3.",
        reason: BEFORE_4_0,
    },
];

/// APIs that doorkeeper does not serve and does not advertise, though Kafka's listener has them: key, name, reason.
pub const NOT_SERVED: &[(i16, &str, &str)] = &[];

const NAMELESS_SHARE: &str = "a share session: an id that nobody knows";
const NAMELESS: &str = "Kafka's authorizer stumbles over a topic id without a name and fails the whole request, with all other \
                        topics; that topic alone is answered with UNKNOWN_TOPIC_ID here, as by a Kafka without authorizer";

/// What stands for the API where a frame is none of any.
pub const FRAME: &str = "a frame";

const BEFORE_4_0: &str = "requests that are wrong and refused besides: Kafka 4 tells of the refusal where Kafka 3 told of the \
                          mistake, or with other words; doorkeeper does as Kafka 4 whatever broker it stands before";
