//! Kafka 3 with KRaft.

use super::super::pairs::Said::{Codes, Nothing, Text};
use super::super::{Deviation, code, differs, pair};
use super::{BEFORE_4, NO_SUPER_USER, WITHOUT_CLUSTER};

const NO_ZOOKEEPER: &str = "the versions of offsets in ZooKeeper: Kafka 4 has them no more, Kafka 3 refused them \
     whatever was asked; doorkeeper tells of the rights";
const OTHER_BROKERS: &str = "settings of a broker that is not the one asked: Kafka 3 told of that before it looked at \
     rights";
const PAGES: &str = "a page of Kafka 3 tells of refused topics beyond the number that was asked for";
const WORDS_OF_4: &str = "the same refusal in the words of Kafka 4";

/// The entries.
pub const DEVIATIONS: &[Deviation] = &[
    differs("OffsetCommit", 0..=0, BEFORE_4, &[code("/topics/partitions/errorCode", 35, 29)], NO_ZOOKEEPER)
        .at(&[1])
        .by(&["alice", "bob"]),
    differs(
        "OffsetCommit",
        0..=0,
        BEFORE_4,
        &[
            pair("/topics", Codes(35), Nothing),
            pair("/topics/partitions", Nothing, Codes(35)),
            pair("/topics/partitions", Nothing, Codes(29)),
        ],
        NO_ZOOKEEPER,
    )
    .of(&["twice", "twice, of a group that alice may read"])
    .at(&[1])
    .by(&["alice", "bob"]),
    differs("OffsetFetch", 0..=0, BEFORE_4, &[code("/topics/partitions/errorCode", 35, 29)], NO_ZOOKEEPER)
        .at(&[1])
        .by(NO_SUPER_USER),
    differs("OffsetFetch", 0..=0, BEFORE_4, &[pair("/topics", Nothing, Codes(29))], NO_ZOOKEEPER)
        .of(&["twice"])
        .at(&[1])
        .by(&["alice"]),
    differs("OffsetFetch", 0..=0, BEFORE_4, &[pair("/topics", Nothing, Codes(30))], NO_ZOOKEEPER)
        .of(&["twice"])
        .at(&[1])
        .by(&["bob", "nobody", "ops"]),
    differs(
        "AlterConfigs",
        0..=2,
        BEFORE_4,
        &[
            code("/responses/errorCode", 42, 31),
            pair(
                "/responses/errorMessage",
                Text("Unexpected broker id, expected 1, but received 9"),
                Text("Cluster authorization failed."),
            ),
        ],
        OTHER_BROKERS,
    )
    .of(&["resource 4 \"9\""])
    .at(&[1])
    .by(WITHOUT_CLUSTER),
    differs(
        "AlterConfigs",
        0..=2,
        BEFORE_4,
        &[
            code("/responses/errorCode", 42, 31),
            pair(
                "/responses/errorMessage",
                Text("Node id must be an integer, but it is: nonsense"),
                Text("Cluster authorization failed."),
            ),
        ],
        OTHER_BROKERS,
    )
    .of(&["resource 4 \"nonsense\""])
    .at(&[1])
    .by(WITHOUT_CLUSTER),
    differs(
        "IncrementalAlterConfigs",
        0..=1,
        BEFORE_4,
        &[
            code("/responses/errorCode", 42, 31),
            pair(
                "/responses/errorMessage",
                Text("Unexpected broker id, expected 1, but received 9"),
                Text("Cluster authorization failed."),
            ),
        ],
        OTHER_BROKERS,
    )
    .of(&["resource 4 \"9\""])
    .at(&[1])
    .by(WITHOUT_CLUSTER),
    differs(
        "IncrementalAlterConfigs",
        0..=1,
        BEFORE_4,
        &[
            code("/responses/errorCode", 42, 31),
            pair(
                "/responses/errorMessage",
                Text("Node id must be an integer, but it is: nonsense"),
                Text("Cluster authorization failed."),
            ),
        ],
        OTHER_BROKERS,
    )
    .of(&["resource 4 \"nonsense\""])
    .at(&[1])
    .by(WITHOUT_CLUSTER),
    differs("DescribeTopicPartitions", 0..=0, BEFORE_4, &[pair("/topics", Codes(29), Nothing)], PAGES)
        .of(&["every topic and two that are missing, one at a time"])
        .at(&[1])
        .by(&["alice", "nobody", "ops"]),
    differs("DescribeTopicPartitions", 0..=0, BEFORE_4, &[pair("/topics", Codes(29), Nothing)], PAGES)
        .of(&["one allowed, one denied, one at a time", "twice, one at a time"])
        .at(&[1])
        .by(&["alice"]),
    differs(
        "FindCoordinator",
        6..=6,
        BEFORE_4,
        &[pair("/coordinators/errorMessage", Text(""), Text("Cluster authorization failed.")).beside(31)],
        WORDS_OF_4,
    )
    .of(&["a share group", "a malformed share key"])
    .at(&[1])
    .by(WITHOUT_CLUSTER),
    differs(
        "UnregisterBroker",
        0..=0,
        BEFORE_4,
        &[pair("/errorMessage", Text(""), Text("a sentence")).beside(31)],
        WORDS_OF_4,
    )
    .of(&["a broker that nobody knows"])
    .at(&[1])
    .by(WITHOUT_CLUSTER),
];
