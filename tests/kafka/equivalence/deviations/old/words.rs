//! What is the same and said in other words.

use super::super::pairs::Said::{NoElements, Null, Number, Text};
use super::super::{Deviation, code, differs, pair};
use super::{AT_1_1, AT_2_8, NO_SUPER_USER, WITH_CLUSTER, WITHOUT_CLUSTER, ZOOKEEPER};
use crate::equivalence::world;

const WORDS: &str = "the same refusal or error in the words of Kafka 4, whatever broker stands behind";
const NEW_ID: &str = "whoever may not describe the settings of the topic that it created learns its id since \
     Kafka 3";

/// The entries.
pub const DEVIATIONS: &[Deviation] = &[
    differs(
        "Fetch",
        4..=12,
        ZOOKEEPER,
        &[pair("/responses/partitions/abortedTransactions", Null, NoElements).beside(29)],
        WORDS,
    )
    .by(NO_SUPER_USER),
    differs(
        "AlterConfigs",
        0..=2,
        ZOOKEEPER,
        &[pair("/responses/errorMessage", Null, Text("Topic authorization failed.")).beside(29)],
        WORDS,
    )
    .by(NO_SUPER_USER),
    differs(
        "AlterConfigs",
        0..=2,
        ZOOKEEPER,
        &[pair("/responses/errorMessage", Null, Text("Cluster authorization failed.")).beside(31)],
        WORDS,
    )
    .by(WITHOUT_CLUSTER),
    differs(
        "IncrementalAlterConfigs",
        0..=1,
        AT_2_8,
        &[pair("/responses/errorMessage", Null, Text("Topic authorization failed.")).beside(29)],
        WORDS,
    )
    .by(NO_SUPER_USER),
    differs(
        "IncrementalAlterConfigs",
        0..=1,
        AT_2_8,
        &[pair("/responses/errorMessage", Null, Text("Cluster authorization failed.")).beside(31)],
        WORDS,
    )
    .by(WITHOUT_CLUSTER),
    differs(
        "DeleteTopics",
        5..=6,
        AT_2_8,
        &[pair("/responses/errorMessage", Null, Text("Topic authorization failed.")).beside(29)],
        WORDS,
    )
    .by(WITHOUT_CLUSTER),
    differs(
        "DeleteTopics",
        6..=6,
        AT_2_8,
        &[pair("/responses/errorMessage", Null, Text("This server does not host this topic ID."))
            .beside(100)],
        WORDS,
    )
    .by(NO_SUPER_USER),
    differs(
        "DeleteTopics",
        6..=6,
        AT_2_8,
        &[
            pair("/responses/errorMessage", Null, Text("Neither topic name nor id were specified."))
                .beside(42),
            pair("/responses/errorMessage", Null, Text("You may not specify both topic name and topic id."))
                .beside(42),
        ],
        WORDS,
    )
    .of(&["by name and id, and by neither"])
    .at(&[2])
    .by(WITHOUT_CLUSTER),
    differs(
        "DescribeProducers",
        0..=0,
        AT_2_8,
        &[pair("/topics/partitions/errorMessage", Null, Text("Topic authorization failed.")).beside(29)],
        WORDS,
    )
    .by(NO_SUPER_USER),
    differs(
        "CreatePartitions",
        0..=3,
        ZOOKEEPER,
        &[pair("/results/errorMessage", Text("The topic authorization is failed."), Null).beside(29)],
        WORDS,
    )
    .by(NO_SUPER_USER),
    differs(
        "ElectLeaders",
        0..=2,
        AT_2_8,
        &[pair("/replicaElectionResults/partitionResult/errorMessage", Null, Text("a sentence")).beside(31)],
        WORDS,
    )
    .by(WITHOUT_CLUSTER),
    differs(
        "AlterUserScramCredentials",
        0..=0,
        AT_2_8,
        &[pair("/results/errorMessage", Null, Text("a sentence")).beside(31)],
        WORDS,
    )
    .by(WITHOUT_CLUSTER),
    differs(
        "UpdateFeatures",
        0..=0,
        AT_2_8,
        &[pair("/errorMessage", Text("Cluster authorization failed."), Text("a sentence")).beside(31)],
        WORDS,
    )
    .by(WITHOUT_CLUSTER),
    differs(
        "CreateDelegationToken",
        0..=2,
        ZOOKEEPER,
        &[
            pair("/issueTimestampMs", Number(-1), Number(0)).beside(61),
            pair("/expiryTimestampMs", Number(-1), Number(0)).beside(61),
            pair("/maxTimestampMs", Number(-1), Number(0)).beside(61),
        ],
        WORDS,
    )
    .of(&["for oneself", "for alice"])
    .by(world::PRINCIPALS),
    differs(
        "RenewDelegationToken",
        0..=2,
        ZOOKEEPER,
        &[pair("/expiryTimestampMs", Number(-1), Number(0)).beside(61)],
        WORDS,
    )
    .by(world::PRINCIPALS),
    differs(
        "ExpireDelegationToken",
        0..=2,
        ZOOKEEPER,
        &[pair("/expiryTimestampMs", Number(-1), Number(0)).beside(61)],
        WORDS,
    )
    .by(world::PRINCIPALS),
    differs("CreateTopics", 5..=7, AT_2_8, &[code("/topics/topicConfigErrorCode", 29, 0).beside(29)], WORDS)
        .by(WITHOUT_CLUSTER),
    differs(
        "CreateTopics",
        7..=7,
        AT_2_8,
        &[pair("/topics/topicId", Text("00000000000000000000000000000000"), Text("a new id")).beside(0)],
        NEW_ID,
    )
    .by(NO_SUPER_USER),
    differs(
        "FindCoordinator",
        1..=1,
        AT_1_1,
        &[
            pair("/errorMessage", Null, Text("Group authorization failed.")).beside(30),
            pair("/errorMessage", Null, Text("Transactional Id authorization failed.")).beside(53),
        ],
        WORDS,
    )
    .by(NO_SUPER_USER),
    differs(
        "InitProducerId",
        0..=0,
        AT_1_1,
        &[pair("/producerEpoch", Number(0), Number(-1)).beside(31)],
        WORDS,
    )
    .of(&["without a transactional id", "without a transactional id, once more", "a right comes and goes"])
    .at(&[1, 2, 3, 10])
    .by(&["nobody"]),
    differs(
        "InitProducerId",
        0..=0,
        AT_1_1,
        &[pair("/producerEpoch", Number(0), Number(-1)).beside(53)],
        WORDS,
    )
    .at(&[1])
    .by(NO_SUPER_USER),
    differs(
        "DescribeConfigs",
        0..=1,
        AT_1_1,
        &[pair("/results/errorMessage", Null, Text("Topic authorization failed.")).beside(29)],
        WORDS,
    )
    .by(NO_SUPER_USER),
    differs(
        "DescribeConfigs",
        0..=1,
        AT_1_1,
        &[pair("/results/errorMessage", Null, Text("Cluster authorization failed.")).beside(31)],
        WORDS,
    )
    .by(WITHOUT_CLUSTER),
    differs("DescribeAcls", 0..=0, AT_1_1, &[pair("/errorMessage", Null, Text("")).beside(0)], WORDS)
        .by(WITH_CLUSTER),
    differs("CreateAcls", 0..=0, AT_1_1, &[pair("/results/errorMessage", Null, Text("")).beside(0)], WORDS)
        .by(WITH_CLUSTER),
];
