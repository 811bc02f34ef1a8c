//! Where doorkeeper answers otherwise than Kafka on purpose. Nothing else may differ, and every entry must show.

mod listed;
mod old;
mod pairs;

use crate::support::kafka::Kafka;
pub use listed::{Judgement, Listed, check_shapes};
use pairs::{Pair, code, pair};
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
    pub kafka: Kafkas,
    pub shows: Shows,
    pub reason: &'static str,
}

/// An entry of which it is known in which values it shows.
const fn differs(
    api: &'static str,
    versions: RangeInclusive<i16>,
    kafka: Kafkas,
    pairs: &'static [Pair],
    reason: &'static str,
) -> Deviation {
    let shows = Shows::As(pairs);
    Deviation { api, versions, shapes: &[], steps: &[], principals: &[], kafka, shows, reason }
}

impl Deviation {
    /// In these shapes.
    const fn of(self, shapes: &'static [&'static str]) -> Deviation {
        Deviation { shapes, ..self }
    }

    /// In these steps.
    const fn at(self, steps: &'static [usize]) -> Deviation {
        Deviation { steps, ..self }
    }

    /// For these principals.
    const fn by(self, principals: &'static [&'static str]) -> Deviation {
        Deviation { principals, ..self }
    }
}

/// How a deviation shows.
pub enum Shows {
    /// In every request that the entry names, in whatever way.
    Always,
    /// In nothing but these pairs of values: each of them somewhere, and in each version, shape, step and principal that the entry
    /// names some of them.
    As(&'static [Pair]),
}

/// The Kafkas that show it: the oldest, and the first that does not any more.
pub type Kafkas = ((u32, u32), (u32, u32));

const ALL: Kafkas = ((0, 0), (u32::MAX, 0));
const SINCE_4: Kafkas = ((4, 0), (u32::MAX, 0));

fn covers((first, beyond): Kafkas, kafka: &Kafka) -> bool {
    kafka.at_least(first.0, first.1) && !kafka.at_least(beyond.0, beyond.1)
}

/// The entries for this Kafka.
pub fn listed(kafka: &Kafka) -> Vec<&'static Deviation> {
    let own = DEVIATIONS.iter().chain(old::LISTS.iter().copied().flatten());
    own.filter(|deviation| covers(deviation.kafka, kafka)).collect()
}

/// The list.
pub const DEVIATIONS: &[Deviation] = &[
    Deviation {
        api: "DescribeQuorum",
        versions: 2..=2,
        shapes: &["of the metadata"],
        steps: &[],
        principals: &["admin", "ops"],
        kafka: ALL,
        shows: Shows::Always,
        reason: "no doorkeeper stands before controllers, and the address of a listener without TLS is not told",
    },
    Deviation {
        api: "Metadata",
        versions: 12..=13,
        shapes: &["zero id"],
        steps: &[],
        principals: &["alice", "bob", "ops", "nobody"],
        kafka: ALL,
        shows: Shows::Always,
        reason: "Kafka's authorizer stumbles over a topic with neither name nor id and fails the whole request; it is \
                 refused here like any topic that the client may not describe",
    },
    Deviation {
        api: "ShareFetch",
        versions: 1..=2,
        shapes: &[NAMELESS_SHARE],
        steps: &[6, 7],
        principals: &["alice", "bob"],
        kafka: SINCE_4,
        shows: Shows::Always,
        reason: NAMELESS,
    },
    Deviation {
        api: "ShareAcknowledge",
        versions: 1..=2,
        shapes: &[NAMELESS_SHARE],
        steps: &[8],
        principals: &["alice", "bob"],
        kafka: SINCE_4,
        shows: Shows::Always,
        reason: NAMELESS,
    },
    Deviation {
        api: FRAME,
        versions: 0..=0,
        shapes: &["a count below null"],
        steps: &[],
        principals: &[],
        kafka: ALL,
        shows: Shows::Always,
        reason: "Kafka takes every negative count for null; no client sends any but -1",
    },
    Deviation {
        api: FRAME,
        versions: 0..=0,
        shapes: &["bytes after the end"],
        steps: &[],
        principals: &[],
        kafka: ALL,
        shows: Shows::Always,
        reason: "Kafka leaves them unread; what has not been read is not passed on here",
    },
    Deviation {
        api: FRAME,
        versions: 0..=0,
        shapes: &["a name that is no UTF-8"],
        steps: &[],
        principals: &[],
        kafka: ALL,
        shows: Shows::Always,
        reason: "Kafka replaces such bytes, so that different names become the same; no client sends them",
    },
];

/// APIs that doorkeeper does not serve and does not advertise, though Kafka's listener has them: key, name, reason.
pub const NOT_SERVED: &[(i16, &str, &str)] = &[
    (4, "LeaderAndIsr", AMONG_BROKERS),
    (5, "StopReplica", AMONG_BROKERS),
    (6, "UpdateMetadata", AMONG_BROKERS),
    (7, "ControlledShutdown", AMONG_BROKERS),
    (56, "AlterPartition", AMONG_BROKERS),
];

const AMONG_BROKERS: &str = "what brokers with a ZooKeeper tell each other, on a listener of their own; newer ones have it no more, or \
                             list it for controllers alone";

const NAMELESS_SHARE: &str = "a share session: an id that nobody knows";
const NAMELESS: &str = "Kafka's authorizer stumbles over a topic id without a name and fails the whole request, with all other \
                        topics; that topic alone is answered with UNKNOWN_TOPIC_ID here, as by a Kafka without authorizer";

/// What stands for the API where a frame is none of any.
pub const FRAME: &str = "a frame";
/// What stands for it where the brokers' state is compared.
pub const STATE: &str = "the state";
