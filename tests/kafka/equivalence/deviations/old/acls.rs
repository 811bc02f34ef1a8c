//! Bindings and filters of ACLs.

use super::super::pairs::Said::{Begins, Closed, Codes, Nothing, Null, Number, Text};
use super::super::{Deviation, code, differs, pair};
use super::{AT_1_1, AT_2_8, WITH_CLUSTER, ZOOKEEPER};

const WRONG_ACLS: &str = "bindings and filters that are wrong: doorkeeper keeps the ACLs itself and tells of \
     mistakes as Kafka 4 does; a Kafka with ZooKeeper told of them otherwise, took unknown codes for a \
     filter of nothing, and could not keep every name";
const ZERO_CODES: &str = "a request about ACLs with the code of an unknown kind closes the connection, as with \
     Kafka 4, whose requests cannot hold one";
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
    differs("DescribeAcls", 0..=0, AT_1_1, &[pair("", Codes(0), Closed)], ZERO_CODES)
        .of(&["operation 0", "permission 0", "type 0"])
        .at(&[1])
        .by(WITH_CLUSTER),
    differs("DescribeAcls", 0..=0, AT_1_1, &[pair("", Codes(31), Closed)], ZERO_CODES)
        .of(&["operation 0", "permission 0", "type 0"])
        .at(&[1])
        .by(&["alice"]),
    differs("CreateAcls", 0..=0, AT_1_1, &[pair("", Codes(42), Closed)], ZERO_CODES)
        .of(&["operation 0", "permission 0", "type 0"])
        .at(&[1])
        .by(WITH_CLUSTER),
    differs("CreateAcls", 0..=0, AT_1_1, &[pair("", Codes(31), Closed)], ZERO_CODES)
        .of(&["operation 0", "permission 0", "type 0"])
        .at(&[1])
        .by(&["alice"]),
    differs("DeleteAcls", 0..=0, AT_1_1, &[pair("", Codes(0), Closed)], ZERO_CODES)
        .of(&[
            "operation 0",
            "permission 0",
            "type 0",
            "operation 0 among right ones",
            "permission 0 among right ones",
            "type 0 among right ones",
        ])
        .at(&[2])
        .by(WITH_CLUSTER),
    differs("DeleteAcls", 0..=0, AT_1_1, &[pair("", Codes(31), Closed)], ZERO_CODES)
        .of(&[
            "operation 0",
            "permission 0",
            "type 0",
            "operation 0 among right ones",
            "permission 0 among right ones",
            "type 0 among right ones",
        ])
        .at(&[2])
        .by(&["alice"]),
    differs(
        "DeleteAcls",
        0..=0,
        AT_1_1,
        &[pair("/filterResults/matchingAcls", Nothing, Codes(0))],
        ZERO_CODES,
    )
    .of(&["operation 0 among right ones", "permission 0 among right ones", "type 0 among right ones"])
    .at(&[3])
    .by(WITH_CLUSTER),
    differs("CreateAcls", 0..=0, AT_1_1, &[code("/results/errorCode", 42, 0)], WRONG_ACLS)
        .of(&["any topic, for one operation that no topic has", "resource type 7"])
        .at(&[1])
        .by(WITH_CLUSTER),
    differs(
        "CreateAcls",
        0..=0,
        AT_1_1,
        &[pair("/results/errorMessage", Begins("UNKNOWN not a valid operation name."), Text(""))],
        WRONG_ACLS,
    )
    .of(&["any topic, for one operation that no topic has"])
    .at(&[1])
    .by(WITH_CLUSTER),
    differs(
        "CreateAcls",
        0..=0,
        AT_1_1,
        &[pair("/results/errorMessage", Begins("UNKNOWN not a valid resourceType name."), Text(""))],
        WRONG_ACLS,
    )
    .of(&["resource type 7"])
    .at(&[1])
    .by(WITH_CLUSTER),
    differs(
        "CreateAcls",
        0..=0,
        AT_1_1,
        &[
            code("/results/errorCode", -1, 0),
            pair("/results/errorMessage", Begins("Invalid path string"), Text("")),
        ],
        WRONG_ACLS,
    )
    .of(&["a name with everything in it"])
    .at(&[1])
    .by(WITH_CLUSTER),
    differs(
        "CreateAcls",
        0..=0,
        AT_1_1,
        &[pair(
            "/results/errorMessage",
            Text("expected a string in format principalType:principalName but got carol"),
            Text(NO_COLON),
        )
        .beside(42)],
        WRONG_ACLS,
    )
    .of(&["principal \"carol\"", "right ones and wrong ones"])
    .at(&[1])
    .by(WITH_CLUSTER),
    differs(
        "CreateAcls",
        0..=0,
        AT_1_1,
        &[pair(
            "/results/errorMessage",
            Text("expected a string in format principalType:principalName but got "),
            Text(NO_PRINCIPAL),
        )
        .beside(42)],
        WRONG_ACLS,
    )
    .of(&["principal \"\""])
    .at(&[1])
    .by(WITH_CLUSTER),
    differs(
        "CreateAcls",
        0..=0,
        AT_1_1,
        &[pair(
            "/results/errorMessage",
            Begins("UNKNOWN not a valid operation name."),
            Text("Invalid operation UNKNOWN"),
        )
        .beside(42)],
        WRONG_ACLS,
    )
    .of(&["operation -1", "operation 99", "right ones and wrong ones"])
    .at(&[1])
    .by(WITH_CLUSTER),
    differs(
        "CreateAcls",
        0..=0,
        AT_1_1,
        &[pair(
            "/results/errorMessage",
            Begins("UNKNOWN not a valid resourceType name."),
            Text("Invalid empty resource name"),
        )
        .beside(42)],
        WRONG_ACLS,
    )
    .of(&["everything wrong at once"])
    .at(&[1])
    .by(WITH_CLUSTER),
    differs(
        "CreateAcls",
        0..=0,
        AT_1_1,
        &[pair(
            "/results/errorMessage",
            Begins("UNKNOWN not a valid resourceType name."),
            Text("Invalid resourceType UNKNOWN"),
        )
        .beside(42)],
        WRONG_ACLS,
    )
    .of(&["a wrong and a right resource type", "everything but the name wrong at once", "type -1", "type 99"])
    .at(&[1])
    .by(WITH_CLUSTER),
    differs(
        "CreateAcls",
        0..=0,
        AT_1_1,
        &[
            code("/results/errorCode", 42, -1),
            pair("/results/errorMessage", Begins("ANY not a valid resourceType name."), Null),
        ],
        WRONG_ACLS,
    )
    .of(&["type 1"])
    .at(&[1])
    .by(WITH_CLUSTER),
    differs(
        "CreateAcls",
        0..=0,
        AT_1_1,
        &[pair(
            "/results/errorMessage",
            Begins("UNKNOWN not a valid permissionType name."),
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
        0..=0,
        AT_1_1,
        &[
            pair("/filterResults/matchingAcls/operation", Number(3), Number(4)),
            pair("/filterResults/matchingAcls/permissionType", Number(2), Number(3)),
            pair("/filterResults/matchingAcls", Codes(0), Nothing),
        ],
        OVERLAPPING,
    )
    .of(&["the same twice"])
    .at(&[2])
    .by(WITH_CLUSTER),
];
