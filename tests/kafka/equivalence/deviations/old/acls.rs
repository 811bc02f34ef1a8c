//! Bindings and filters of ACLs.

use super::super::pairs::Said::{Codes, Nothing, Null, Text};
use super::super::{Deviation, code, differs, pair};
use super::{AT_2_8, WITH_CLUSTER, ZOOKEEPER};

const WRONG_ACLS: &str = "bindings and filters that are wrong: doorkeeper keeps the ACLs itself and tells of \
     mistakes as Kafka 4 does; a Kafka with ZooKeeper told of them otherwise, took unknown codes for a \
     filter of nothing, and could not keep every name";
const OVERLAPPING: &str = "a binding that several filters of a request match is told for each of them, as by Kafka \
     4; a Kafka with ZooKeeper told it for one of them";
const LEFT_BY_WRONG_ACLS: &str = "finds a binding that an old Kafka had refused";
const NO_COLON: &str = "Could not parse principal from `carol` (no colon is present separating the principal \
     type from the principal name)";
const NO_PRINCIPAL: &str = "Could not parse principal from `` (no colon is present separating the principal type \
     from the principal name)";

/// The entries.
pub const DEVIATIONS: &[Deviation] = &[
    differs(
        "CreateAcls",
        0..=2,
        AT_2_8,
        &[
            code("/results/errorCode", 42, 0),
            pair("/results/errorMessage", Text("Failed to create ACL"), Text("")),
        ],
        WRONG_ACLS,
    )
    .of(&["any topic, for one operation that no topic has", "resource type 7"])
    .at(&[1])
    .by(WITH_CLUSTER),
    differs(
        "CreateAcls",
        0..=2,
        AT_2_8,
        &[code("/results/errorCode", -1, 0), pair("/results/errorMessage", Null, Text(""))],
        WRONG_ACLS,
    )
    .of(&["a name with everything in it", "right ones and wrong ones"])
    .at(&[1])
    .by(WITH_CLUSTER),
    differs("CreateAcls", 0..=2, AT_2_8, &[code("/results/errorCode", -1, 42)], WRONG_ACLS)
        .of(&["principal \"\"", "principal \"carol\"", "right ones and wrong ones"])
        .at(&[1])
        .by(WITH_CLUSTER),
    differs("CreateAcls", 0..=2, AT_2_8, &[pair("/results/errorMessage", Null, Text(NO_COLON))], WRONG_ACLS)
        .of(&["principal \"carol\"", "right ones and wrong ones"])
        .at(&[1])
        .by(WITH_CLUSTER),
    differs(
        "CreateAcls",
        0..=2,
        AT_2_8,
        &[pair("/results/errorMessage", Null, Text(NO_PRINCIPAL))],
        WRONG_ACLS,
    )
    .of(&["principal \"\""])
    .at(&[1])
    .by(WITH_CLUSTER),
    differs(
        "CreateAcls",
        0..=2,
        AT_2_8,
        &[pair("/results/errorMessage", Text("Failed to create ACL"), Text("Invalid operation UNKNOWN"))
            .beside(42)],
        WRONG_ACLS,
    )
    .of(&["operation -1", "operation 99", "right ones and wrong ones"])
    .at(&[1])
    .by(WITH_CLUSTER),
    differs(
        "CreateAcls",
        0..=2,
        AT_2_8,
        &[pair("/results/errorMessage", Text("Failed to create ACL"), Text("Invalid resourceType UNKNOWN"))
            .beside(42)],
        WRONG_ACLS,
    )
    .of(&["a wrong and a right resource type", "everything but the name wrong at once", "type -1", "type 99"])
    .at(&[1])
    .by(WITH_CLUSTER),
    differs(
        "CreateAcls",
        1..=2,
        AT_2_8,
        &[pair("/results/errorMessage", Text("Failed to create ACL"), Text("Invalid patternType UNKNOWN"))
            .beside(42)],
        WRONG_ACLS,
    )
    .of(&["pattern -1", "pattern 99"])
    .at(&[1])
    .by(WITH_CLUSTER),
    differs(
        "CreateAcls",
        0..=2,
        AT_2_8,
        &[pair(
            "/results/errorMessage",
            Text("Failed to create ACL"),
            Text("Invalid permissionType UNKNOWN"),
        )
        .beside(42)],
        WRONG_ACLS,
    )
    .of(&["permission -1", "permission 99"])
    .at(&[1])
    .by(WITH_CLUSTER),
    differs(
        "DeleteAcls",
        0..=2,
        ZOOKEEPER,
        &[pair("/filterResults/matchingAcls", Nothing, Codes(0))],
        OVERLAPPING,
    )
    .of(&[
        "the same twice",
        "operation -1 among right ones",
        "operation 99 among right ones",
        "permission -1 among right ones",
        "permission 99 among right ones",
        "type -1 among right ones",
        "type 99 among right ones",
    ])
    .at(&[2])
    .by(WITH_CLUSTER),
    differs(
        "DeleteAcls",
        0..=2,
        ZOOKEEPER,
        &[pair("/filterResults/matchingAcls", Nothing, Codes(0))],
        OVERLAPPING,
    )
    .of(&["pattern -1 among right ones", "pattern 99 among right ones"])
    .at(&[2])
    .by(WITH_CLUSTER),
    differs(
        "DeleteAcls",
        0..=0,
        ZOOKEEPER,
        &[pair("/filterResults/matchingAcls", Nothing, Codes(0))],
        OVERLAPPING,
    )
    .of(&["pattern 0 among right ones"])
    .at(&[2])
    .by(WITH_CLUSTER),
    differs(
        "DeleteAcls",
        1..=1,
        AT_2_8,
        &[pair("/filterResults/matchingAcls", Nothing, Codes(0))],
        LEFT_BY_WRONG_ACLS,
    )
    .of(&["a match"])
    .at(&[2])
    .by(&["admin"]),
    differs("DeleteAcls", 0..=2, ZOOKEEPER, &[code("/filterResults/errorCode", 0, 42)], WRONG_ACLS)
        .of(&[
            "operation -1 among right ones",
            "operation -1",
            "operation 99 among right ones",
            "operation 99",
            "permission -1 among right ones",
            "permission -1",
            "permission 99 among right ones",
            "permission 99",
            "type -1 among right ones",
            "type -1",
            "type 99 among right ones",
            "type 99",
        ])
        .at(&[2])
        .by(WITH_CLUSTER),
    differs(
        "DeleteAcls",
        1..=2,
        AT_2_8,
        &[
            code("/filterResults/errorCode", 0, 42),
            pair("/filterResults/errorMessage", Null, Text("Unknown patternFilter.")),
        ],
        WRONG_ACLS,
    )
    .of(&["pattern -1 among right ones", "pattern -1", "pattern 99 among right ones", "pattern 99"])
    .at(&[2])
    .by(WITH_CLUSTER),
    differs(
        "DeleteAcls",
        0..=2,
        ZOOKEEPER,
        &[pair("/filterResults/errorMessage", Null, Text("Unknown patternFilter."))],
        WRONG_ACLS,
    )
    .of(&["type -1 among right ones", "type -1", "type 99 among right ones", "type 99"])
    .at(&[2])
    .by(WITH_CLUSTER),
    differs(
        "DeleteAcls",
        0..=2,
        ZOOKEEPER,
        &[pair("/filterResults/errorMessage", Null, Text("Unknown entryFilter."))],
        WRONG_ACLS,
    )
    .of(&[
        "operation -1 among right ones",
        "operation -1",
        "operation 99 among right ones",
        "operation 99",
        "permission -1 among right ones",
        "permission -1",
        "permission 99 among right ones",
        "permission 99",
    ])
    .at(&[2])
    .by(WITH_CLUSTER),
];
