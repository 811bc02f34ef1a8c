//! Rights that were others, and requests that are none.

use super::super::pairs::Said::{About, Closed, Codes, Nothing, Number, Text};
use super::super::{Deviation, code, differs, pair};
use super::{AT_1_1, WITH_CLUSTER, WITHOUT_CLUSTER};
use crate::equivalence::world;

const OTHER_RIGHTS: &str = "the rights of Kafka 4: Describe on a topic answers OffsetForLeaderEpoch (Kafka 1 wanted \
     ClusterAction), ListGroups tells everybody of the groups that he may describe (KIP-231: Kafka 1 \
     wanted Describe on the cluster), and whoever may write any topic gets a producer id (KIP-679: Kafka \
     1 wanted IdempotentWrite)";
const NOT_CLOSED: &str = "a code that makes no sense is answered with an error, as by Kafka 4, where Kafka 1 \
     closed the connection";
const BROKEN_RECORDS: &str = "records that are none, for topics that may not be written: they are refused for the \
     topics' sake, as by Kafka 2 and later";

/// The entries.
pub const DEVIATIONS: &[Deviation] = &[
    differs("FindCoordinator", 1..=1, AT_1_1, &[pair("", Closed, Codes(42))], NOT_CLOSED)
        .of(&["a malformed share key", "a share group", "an unknown type"])
        .at(&[1])
        .by(world::PRINCIPALS),
    differs(
        "OffsetForLeaderEpoch",
        0..=0,
        AT_1_1,
        &[
            code("/topics/partitions/errorCode", 31, 0),
            pair("/topics/partitions/endOffset", Number(-1), Number(2)),
            code("/topics/partitions/errorCode", 31, 3),
            code("/topics/partitions/errorCode", 31, 29),
        ],
        OTHER_RIGHTS,
    )
    .at(&[1])
    .by(WITHOUT_CLUSTER),
    differs("Produce", 3..=5, AT_1_1, &[pair("", Closed, Codes(29))], BROKEN_RECORDS)
        .of(&["no records", "records cut short"])
        .at(&[1])
        .by(&["nobody", "ops"]),
    differs(
        "ListGroups",
        0..=1,
        AT_1_1,
        &[code("/errorCode", 31, 0), pair("/groups", Nothing, About("g-open"))],
        OTHER_RIGHTS,
    )
    .of(&["all", "of no known state", "of no known type", "the empty classic", "the stable"])
    .at(&[1])
    .by(WITHOUT_CLUSTER),
    differs("ListGroups", 0..=1, AT_1_1, &[pair("/groups", Nothing, About("gp-"))], OTHER_RIGHTS)
        .of(&["all", "of no known state", "of no known type", "the empty classic", "the stable"])
        .at(&[1])
        .by(&["alice", "bob"]),
    differs(
        "ListGroups",
        0..=1,
        AT_1_1,
        &[
            pair("/groups", Nothing, About("g-all")),
            pair("/groups", Nothing, About("g-delete")),
            pair("/groups", Nothing, About("g-describe")),
            pair("/groups", Nothing, About("g-read")),
        ],
        OTHER_RIGHTS,
    )
    .of(&["all", "of no known state", "of no known type", "the empty classic", "the stable"])
    .at(&[1])
    .by(&["alice"]),
    differs("ListGroups", 0..=1, AT_1_1, &[pair("/groups", Nothing, About("g-none"))], OTHER_RIGHTS)
        .of(&["all", "of no known state", "of no known type", "the empty classic", "the stable"])
        .at(&[1])
        .by(&["bob"]),
    differs(
        "InitProducerId",
        0..=0,
        AT_1_1,
        &[code("/errorCode", 31, 0), pair("/producerId", Number(-1), Text("some number"))],
        OTHER_RIGHTS,
    )
    .of(&["without a transactional id", "without a transactional id, once more", "a right comes and goes"])
    .at(&[1, 2, 3, 6, 10])
    .by(WITHOUT_CLUSTER),
    differs("CreateAcls", 0..=0, AT_1_1, &[pair("", Closed, Codes(-1))], NOT_CLOSED)
        .of(&["one for a filter among right ones", "operation 1", "permission 1"])
        .at(&[1])
        .by(WITH_CLUSTER),
    differs("CreateAcls", 0..=0, AT_1_1, &[pair("", Closed, Codes(31))], NOT_CLOSED)
        .of(&["one for a filter among right ones", "operation 1", "permission 1"])
        .at(&[1])
        .by(&["alice"]),
];
