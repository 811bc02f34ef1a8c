//! What a request names twice.

use super::super::pairs::Said::{Begins, Codes, Nothing, Null, Text};
use super::super::{Deviation, code, differs, pair};
use super::{AT_1_1, AT_2_8, NO_SUPER_USER, WITH_CLUSTER, WITHOUT_CLUSTER, ZOOKEEPER};
use crate::equivalence::world;

const REPEATED: &str = "what a request names twice an old Kafka refuses once; Kafka 4 refuses it as often as it \
     is named";
const DUPLICATES: &str = "what a request names twice Kafka 4 refuses in its own words, before it looks at rights \
     and once; old Kafkas refused it otherwise or not at all";
const SEVERAL_ENTRIES: &str = "Create topics request from client `rig` contains multiple entries for the following \
     topics: ";
const ALTERED_TWICE: &str = "A user credential cannot be altered twice in the same request";

/// The entries.
pub const DEVIATIONS: &[Deviation] = &[
    differs(
        "AddPartitionsToTxn",
        0..=3,
        ZOOKEEPER,
        &[pair("/resultsByTopicV3AndBelow", Nothing, Codes(53))],
        REPEATED,
    )
    .of(&["twice"])
    .at(&[2])
    .by(&["nobody", "ops"]),
    differs("DescribeUserScramCredentials", 0..=0, AT_2_8, &[pair("/results", Nothing, Codes(31))], REPEATED)
        .of(&["some", "twice"])
        .at(&[1])
        .by(WITHOUT_CLUSTER),
    differs("ElectLeaders", 0..=2, AT_2_8, &[pair("/replicaElectionResults", Nothing, Codes(31))], REPEATED)
        .of(&["twice"])
        .at(&[1])
        .by(WITHOUT_CLUSTER),
    differs("OffsetCommit", 0..=8, ZOOKEEPER, &[pair("/topics/partitions", Nothing, Codes(29))], REPEATED)
        .of(&["twice", "twice, of a group that alice may read"])
        .at(&[1])
        .by(&["alice", "bob"]),
    differs("OffsetCommit", 0..=8, AT_2_8, &[pair("/topics/partitions", Nothing, Codes(3))], REPEATED)
        .of(&["twice", "twice, of a group that alice may read"])
        .at(&[1])
        .by(&["alice", "bob"]),
    differs("TxnOffsetCommit", 0..=3, AT_2_8, &[pair("/topics/partitions", Nothing, Codes(3))], REPEATED)
        .of(&["twice"])
        .at(&[2])
        .by(&["alice", "bob"]),
    differs(
        "OffsetDelete",
        0..=0,
        AT_2_8,
        &[pair("/topics/partitions", Nothing, Codes(29)), pair("/topics/partitions", Nothing, Codes(3))],
        REPEATED,
    )
    .of(&["twice"])
    .at(&[2])
    .by(&["alice"]),
    differs("OffsetFetch", 0..=7, ZOOKEEPER, &[pair("/topics", Nothing, Codes(29))], REPEATED)
        .of(&["twice"])
        .at(&[1])
        .by(&["alice"]),
    differs("OffsetFetch", 0..=1, ZOOKEEPER, &[pair("/topics", Nothing, Codes(30))], REPEATED)
        .of(&["twice"])
        .at(&[1])
        .by(&["bob", "nobody", "ops"]),
    differs("TxnOffsetCommit", 0..=3, ZOOKEEPER, &[pair("/topics/partitions", Nothing, Codes(29))], REPEATED)
        .of(&["twice"])
        .at(&[2])
        .by(&["alice", "bob"]),
    differs("CreateTopics", 0..=7, AT_2_8, &[pair("/topics", Codes(42), Nothing)], DUPLICATES)
        .of(&["twice, validated only", "twice"])
        .at(&[1])
        .by(world::PRINCIPALS),
    differs(
        "CreateTopics",
        1..=7,
        AT_2_8,
        &[pair(
            "/topics/errorMessage",
            Text("Found multiple entries for this topic."),
            Text("Duplicate topic name."),
        )
        .beside(42)],
        DUPLICATES,
    )
    .of(&["twice, validated only", "twice"])
    .at(&[1])
    .by(world::PRINCIPALS),
    differs(
        "CreateTopics",
        5..=7,
        AT_2_8,
        &[code("/topics/topicConfigErrorCode", 29, 0).beside(42)],
        DUPLICATES,
    )
    .of(&["twice, validated only", "twice"])
    .at(&[1])
    .by(NO_SUPER_USER),
    differs(
        "CreatePartitions",
        0..=3,
        ZOOKEEPER,
        &[pair("/results/errorMessage", Text("Duplicate topic in request."), Text("Duplicate topic name."))
            .beside(42)],
        DUPLICATES,
    )
    .of(&["twice"])
    .at(&[1])
    .by(world::PRINCIPALS),
    differs("DeleteTopics", 0..=6, ZOOKEEPER, &[code("/responses/errorCode", 0, 42)], DUPLICATES)
        .of(&["twice", "twice, by id"])
        .at(&[2])
        .by(&["alice"]),
    differs("DeleteTopics", 0..=6, AT_2_8, &[pair("/responses", Codes(0), Nothing)], DUPLICATES)
        .of(&["twice", "twice, by id"])
        .at(&[2])
        .by(&["alice"]),
    differs("DeleteTopics", 0..=6, ZOOKEEPER, &[code("/responses/errorCode", 29, 42)], DUPLICATES)
        .of(&["twice", "twice, by id"])
        .at(&[2])
        .by(WITHOUT_CLUSTER),
    differs("DeleteTopics", 0..=6, AT_2_8, &[pair("/responses", Codes(29), Nothing)], DUPLICATES)
        .of(&["twice", "twice, by id"])
        .at(&[2])
        .by(WITHOUT_CLUSTER),
    differs(
        "DeleteTopics",
        5..=6,
        AT_2_8,
        &[pair("/responses/errorMessage", Null, Text("Duplicate topic name."))],
        DUPLICATES,
    )
    .of(&["twice", "twice, by id"])
    .at(&[2])
    .by(WITHOUT_CLUSTER),
    differs(
        "DeleteTopics",
        6..=6,
        AT_2_8,
        &[pair("/responses/errorMessage", Null, Text("Duplicate topic id."))],
        DUPLICATES,
    )
    .of(&["twice, by id"])
    .at(&[2])
    .by(WITHOUT_CLUSTER),
    differs("DeleteTopics", 6..=6, AT_2_8, &[pair("/responses/name", Text("p-1-$u"), Null)], DUPLICATES)
        .of(&["twice, by id"])
        .at(&[2])
        .by(&["alice"]),
    differs(
        "AlterUserScramCredentials",
        0..=0,
        AT_2_8,
        &[
            code("/results/errorCode", 92, 91),
            pair(
                "/results/errorMessage",
                Text(ALTERED_TWICE),
                Text("Attempt to delete a user credential that does not exist"),
            ),
        ],
        DUPLICATES,
    )
    .of(&["a user twice"])
    .at(&[1])
    .by(WITH_CLUSTER),
    differs("AlterConfigs", 0..=2, ZOOKEEPER, &[code("/responses/errorCode", 0, 42)], DUPLICATES)
        .of(&["a key twice", "a key twice where denied"])
        .at(&[1])
        .by(&["admin", "alice"]),
    differs("AlterConfigs", 0..=2, ZOOKEEPER, &[code("/responses/errorCode", 29, 42)], DUPLICATES)
        .of(&["a key twice", "a key twice where denied"])
        .at(&[1])
        .by(NO_SUPER_USER),
    differs(
        "AlterConfigs",
        0..=2,
        ZOOKEEPER,
        &[pair("/responses/errorMessage", Null, Text("Error due to duplicate config keys"))],
        DUPLICATES,
    )
    .of(&["a key twice", "a key twice where denied"])
    .at(&[1])
    .by(world::PRINCIPALS),
    differs("IncrementalAlterConfigs", 0..=1, AT_2_8, &[code("/responses/errorCode", 29, 42)], DUPLICATES)
        .of(&["a key twice", "a key twice where denied", "a resource twice"])
        .at(&[1])
        .by(NO_SUPER_USER),
    differs(
        "IncrementalAlterConfigs",
        0..=1,
        AT_2_8,
        &[pair("/responses/errorMessage", Null, Text("Error due to duplicate config keys"))],
        DUPLICATES,
    )
    .of(&["a key twice", "a key twice where denied"])
    .at(&[1])
    .by(NO_SUPER_USER),
    differs(
        "IncrementalAlterConfigs",
        0..=1,
        AT_2_8,
        &[pair(
            "/responses/errorMessage",
            Text("Error due to duplicate config keys : max.message.bytes"),
            Text("Error due to duplicate config keys"),
        )
        .beside(42)],
        DUPLICATES,
    )
    .of(&["a key twice", "a key twice where denied"])
    .at(&[1])
    .by(&["admin", "alice"]),
    differs("IncrementalAlterConfigs", 0..=1, AT_2_8, &[code("/responses/errorCode", 0, 42)], DUPLICATES)
        .of(&["a resource twice"])
        .at(&[1])
        .by(&["admin", "alice"]),
    differs(
        "IncrementalAlterConfigs",
        0..=1,
        AT_2_8,
        &[
            pair("/responses/errorMessage", Null, Text("Each resource must appear at most once.")),
            pair("/responses", Nothing, Codes(42)),
        ],
        DUPLICATES,
    )
    .of(&["a resource twice"])
    .at(&[1])
    .by(world::PRINCIPALS),
    differs("ListOffsets", 0..=2, AT_1_1, &[pair("/topics", Nothing, Codes(29))], REPEATED)
        .of(&["twice"])
        .at(&[1])
        .by(NO_SUPER_USER),
    differs("ListOffsets", 0..=2, AT_1_1, &[pair("/topics/partitions", Nothing, Codes(29))], REPEATED)
        .of(&["a partition twice"])
        .at(&[1])
        .by(NO_SUPER_USER),
    differs("OffsetForLeaderEpoch", 0..=0, AT_1_1, &[pair("/topics", Nothing, Codes(29))], REPEATED)
        .of(&["twice"])
        .at(&[1])
        .by(WITHOUT_CLUSTER),
    differs("OffsetCommit", 0..=3, AT_1_1, &[pair("/topics", Nothing, Codes(30))], REPEATED)
        .of(&["twice", "twice, of a group that alice may read"])
        .at(&[1])
        .by(&["bob", "nobody", "ops"]),
    differs("DescribeGroups", 0..=1, AT_1_1, &[pair("/groups", Nothing, Codes(30))], REPEATED)
        .of(&["twice"])
        .at(&[1])
        .by(NO_SUPER_USER),
    differs("TxnOffsetCommit", 0..=0, AT_1_1, &[pair("/topics", Nothing, Codes(53))], REPEATED)
        .of(&["twice"])
        .at(&[2])
        .by(&["nobody", "ops"]),
    differs("DescribeConfigs", 0..=1, AT_1_1, &[pair("/results", Nothing, Codes(29))], REPEATED)
        .of(&["twice", "twice, all keys", "twice, no keys"])
        .at(&[1])
        .by(NO_SUPER_USER),
    differs("AlterReplicaLogDirs", 0..=0, AT_1_1, &[pair("/results", Nothing, Codes(31))], REPEATED)
        .of(&["twice"])
        .at(&[1])
        .by(WITHOUT_CLUSTER),
    differs("CreateTopics", 0..=2, AT_1_1, &[code("/topics/errorCode", 31, 42)], DUPLICATES)
        .of(&["twice, validated only", "twice"])
        .at(&[1])
        .by(WITHOUT_CLUSTER),
    differs(
        "CreateTopics",
        1..=2,
        AT_1_1,
        &[pair("/topics/errorMessage", Null, Text("Duplicate topic name."))],
        DUPLICATES,
    )
    .of(&["twice, validated only", "twice"])
    .at(&[1])
    .by(WITHOUT_CLUSTER),
    differs(
        "CreateTopics",
        1..=2,
        AT_1_1,
        &[pair("/topics/errorMessage", Begins(SEVERAL_ENTRIES), Text("Duplicate topic name.")).beside(42)],
        DUPLICATES,
    )
    .of(&["twice, validated only", "twice"])
    .at(&[1])
    .by(WITH_CLUSTER),
];
