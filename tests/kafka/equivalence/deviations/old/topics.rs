//! Topics, and what is no topic.

use super::super::pairs::Said::{Closed, Codes, Json, Nothing, Null, Text};
use super::super::{Deviation, FRAME, STATE, code, differs, pair};
use super::{AT_1_1, AT_2_8, NO_SUPER_USER, WITH_CLUSTER, WITHOUT_CLUSTER, ZOOKEEPER};

const DELETE_ON_CLUSTER: &str = "Delete on the cluster is a right to delete every topic since KRaft; with ZooKeeper it \
     said nothing";
const CREATE_ON_CLUSTER: &str = "Kafka 1 created topics for those alone who may create in the cluster; since KIP-277 also \
     for those who may create this topic, and refuses the others with the topic's error";
const OWN_LOG: &str = "a topic with the name of KRaft's own log is refused whatever broker stands behind, since \
     a later version of it would take the topic for its log";
const INVALID_NAMES: &str = "a name that no topic can have is unknown to Kafka 4 before it looks at rights";
const SERVED_AMONG_BROKERS: &str = "what brokers with ZooKeeper tell each other is not served to clients: the connection is \
     closed";
const OWN_VERSIONS: &str = "a version of ApiVersions that nobody speaks is answered with the versions that there are \
     (KIP-511)";
const PROHIBITED: &str = "Creation of internal topic __cluster_metadata is prohibited.";

/// The entries.
pub const DEVIATIONS: &[Deviation] = &[
    differs("DeleteTopics", 0..=6, ZOOKEEPER, &[code("/responses/errorCode", 29, 0)], DELETE_ON_CLUSTER)
        .of(&[
            "by name and id, and by neither",
            "one by name and by id",
            "some of each",
            "some of each, by id",
            "twice",
            "twice, by id",
            "a right comes and goes",
        ])
        .at(&[2, 6])
        .by(&["ops"]),
    differs(
        "DeleteTopics",
        6..=6,
        AT_2_8,
        &[
            pair("/responses/name", Null, Text("p-1-$u")),
            pair("/responses/name", Null, Text("m-1-$u")),
            pair("/responses/name", Null, Text("p-2-$u")),
        ],
        DELETE_ON_CLUSTER,
    )
    .of(&["some of each, by id", "twice, by id", "one by name and by id"])
    .at(&[2])
    .by(&["ops"]),
    differs("DeleteTopics", 0..=6, ZOOKEEPER, &[code("/responses/errorCode", 29, 3)], DELETE_ON_CLUSTER)
        .of(&[
            "unknown",
            "unknown, by id",
            "unknown and denied",
            "unknown and denied, by id",
            "invalid names",
            "invalid names, by id",
        ])
        .at(&[1])
        .by(&["ops"]),
    differs("DeleteTopics", 6..=6, AT_2_8, &[code("/responses/errorCode", 0, 3)], DELETE_ON_CLUSTER)
        .of(&["a right comes and goes"])
        .at(&[11])
        .by(&["ops"]),
    differs(
        "Metadata",
        11..=11,
        AT_2_8,
        &[pair("/topics", Codes(0), Nothing), pair("/topics", Nothing, Codes(3))],
        DELETE_ON_CLUSTER,
    )
    .of(&["a right comes and goes"])
    .at(&[10])
    .by(&["ops"]),
    differs("CreateTopics", 0..=0, ZOOKEEPER, &[code("/topics/errorCode", 0, 42)], OWN_LOG)
        .of(&["Kafka's own log, validated only"])
        .at(&[1])
        .by(&["admin"]),
    differs("CreateTopics", 0..=7, ZOOKEEPER, &[code("/topics/errorCode", 36, 42)], OWN_LOG)
        .of(&["Kafka's own log", "Kafka's own log, validated only"])
        .at(&[1])
        .by(WITH_CLUSTER),
    differs(
        "CreateTopics",
        1..=7,
        ZOOKEEPER,
        &[pair("/topics/errorMessage", Text("Topic '__cluster_metadata' already exists."), Text(PROHIBITED))],
        OWN_LOG,
    )
    .of(&["Kafka's own log", "Kafka's own log, validated only"])
    .at(&[1])
    .by(WITH_CLUSTER),
    differs("CreateTopics", 0..=7, AT_2_8, &[code("/topics/errorCode", 29, 42)], OWN_LOG)
        .of(&["Kafka's own log", "Kafka's own log, validated only"])
        .at(&[1])
        .by(WITHOUT_CLUSTER),
    differs(
        "CreateTopics",
        1..=7,
        AT_2_8,
        &[pair("/topics/errorMessage", Text("Authorization failed."), Text(PROHIBITED))],
        OWN_LOG,
    )
    .of(&["Kafka's own log", "Kafka's own log, validated only"])
    .at(&[1])
    .by(WITHOUT_CLUSTER),
    differs("CreateTopics", 5..=7, AT_2_8, &[code("/topics/topicConfigErrorCode", 29, 0)], OWN_LOG)
        .of(&["Kafka's own log", "Kafka's own log, validated only"])
        .at(&[1])
        .by(WITHOUT_CLUSTER),
    differs(
        "DescribeProducers",
        0..=0,
        AT_2_8,
        &[code("/topics/partitions/errorCode", 29, 3)],
        INVALID_NAMES,
    )
    .of(&["invalid names"])
    .at(&[1])
    .by(NO_SUPER_USER),
    differs(FRAME, 0..=0, ZOOKEEPER, &[pair("", Text("00000007001f00000000"), Closed)], SERVED_AMONG_BROKERS)
        .of(&["LeaderAndIsr"]),
    differs("CreateTopics", 0..=2, AT_1_1, &[code("/topics/errorCode", 31, 29)], CREATE_ON_CLUSTER)
        .at(&[1, 3, 5])
        .by(WITHOUT_CLUSTER),
    differs(
        "CreateTopics",
        1..=2,
        AT_1_1,
        &[pair("/topics/errorMessage", Null, Text("Authorization failed."))],
        CREATE_ON_CLUSTER,
    )
    .at(&[1, 3, 5])
    .by(WITHOUT_CLUSTER),
    differs("CreateTopics", 2..=2, AT_1_1, &[code("/topics/errorCode", 31, 0)], CREATE_ON_CLUSTER)
        .of(&["a right comes and goes"])
        .at(&[3])
        .by(&["bob", "nobody"]),
    differs(
        "Metadata",
        5..=5,
        AT_1_1,
        &[code("/topics/errorCode", 3, 0), pair("/topics/partitions", Nothing, Codes(0))],
        CREATE_ON_CLUSTER,
    )
    .of(&["a right comes and goes"])
    .at(&[10])
    .by(&["bob", "nobody"]),
    differs("DeleteTopics", 1..=1, AT_1_1, &[code("/responses/errorCode", 3, 0)], CREATE_ON_CLUSTER)
        .of(&["a right comes and goes"])
        .at(&[11])
        .by(&["bob", "nobody"]),
    differs("DeleteTopics", 1..=1, AT_1_1, &[code("/responses/errorCode", 0, 3)], DELETE_ON_CLUSTER)
        .of(&["a right comes and goes"])
        .at(&[11])
        .by(&["ops"]),
    differs(
        "Metadata",
        5..=5,
        AT_1_1,
        &[code("/topics/errorCode", 0, 3), pair("/topics/partitions", Codes(0), Nothing)],
        DELETE_ON_CLUSTER,
    )
    .of(&["a right comes and goes"])
    .at(&[10])
    .by(&["ops"]),
    differs("CreateTopics", 0..=2, AT_1_1, &[code("/topics/errorCode", 31, 42)], OWN_LOG)
        .of(&["Kafka's own log", "Kafka's own log, validated only"])
        .at(&[1])
        .by(WITHOUT_CLUSTER),
    differs("CreateTopics", 1..=2, AT_1_1, &[pair("/topics/errorMessage", Null, Text(PROHIBITED))], OWN_LOG)
        .of(&["Kafka's own log", "Kafka's own log, validated only"])
        .at(&[1])
        .by(WITHOUT_CLUSTER),
    differs(
        FRAME,
        0..=0,
        AT_1_1,
        &[pair("", Text("00000007002300000000"), Text("00000007002300000001001200000001"))],
        OWN_VERSIONS,
    )
    .of(&["ApiVersions in a negative version", "ApiVersions in a version to come"]),
    differs(
        STATE,
        0..=0,
        ZOOKEEPER,
        &[pair("/__cluster_metadata", Json("{\"partitions\":2}"), Nothing)],
        OWN_LOG,
    ),
];
