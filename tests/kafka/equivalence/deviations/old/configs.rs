//! Kinds of resources and values of settings that are none.

use super::super::pairs::Said::{About, Begins, Codes, Nothing, Null, Text};
use super::super::{Deviation, code, differs, pair};
use super::{AT_1_1, AT_2_8, NO_SUPER_USER, WITHOUT_CLUSTER};
use crate::equivalence::world;

const WRONG_CONFIGS: &str = "kinds of resources that the broker does not know and values that are none: Kafka 4 looks \
     at them resource by resource and tells of them in its own words; old ones refused the whole request";
const NO_LOGGERS: &str = "AlterConfigs is deprecated and does not support the resource type BROKER_LOGGER";

/// The entries.
pub const DEVIATIONS: &[Deviation] = &[
    differs(
        "AlterConfigs",
        0..=2,
        AT_2_8,
        &[
            pair(
                "/responses/errorMessage",
                Text("Unexpected resource type UNKNOWN"),
                Text("Unknown resource type 16"),
            )
            .beside(42),
            pair(
                "/responses/errorMessage",
                Text("Unexpected resource type UNKNOWN"),
                Text("Unknown resource type 32"),
            )
            .beside(42),
            pair(
                "/responses/errorMessage",
                Text("Unexpected resource type UNKNOWN"),
                Text("Unknown resource type 99"),
            )
            .beside(42),
        ],
        WRONG_CONFIGS,
    )
    .of(&[
        "resource 16 \"metrics-$u\"",
        "resource 32 \"g-all\"",
        "resource 32 \"g-none\"",
        "resource 99 \"thing\"",
    ])
    .at(&[1])
    .by(world::PRINCIPALS),
    differs(
        "AlterConfigs",
        0..=2,
        AT_2_8,
        &[
            code("/responses/errorCode", 42, 0),
            pair("/responses/errorMessage", Text("Unexpected resource type UNKNOWN"), Null),
        ],
        WRONG_CONFIGS,
    )
    .of(&[
        "resource 16 \"metrics-$u\"",
        "resource 32 \"g-all\"",
        "resource 32 \"g-none\"",
        "resource 99 \"thing\"",
    ])
    .at(&[1])
    .by(&["admin", "alice"]),
    differs(
        "AlterConfigs",
        0..=2,
        AT_2_8,
        &[
            code("/responses/errorCode", 42, 29),
            pair(
                "/responses/errorMessage",
                Text("Unexpected resource type UNKNOWN"),
                Text("Topic authorization failed."),
            ),
        ],
        WRONG_CONFIGS,
    )
    .of(&[
        "resource 16 \"metrics-$u\"",
        "resource 32 \"g-all\"",
        "resource 32 \"g-none\"",
        "resource 99 \"thing\"",
    ])
    .at(&[1])
    .by(&["bob", "nobody", "ops"]),
    differs(
        "IncrementalAlterConfigs",
        0..=1,
        AT_2_8,
        &[
            pair(
                "/responses/errorMessage",
                Text("Unexpected resource type UNKNOWN"),
                Text("Unknown resource type 16"),
            )
            .beside(42),
            pair(
                "/responses/errorMessage",
                Text("Unexpected resource type UNKNOWN"),
                Text("Unknown resource type 32"),
            )
            .beside(42),
            pair(
                "/responses/errorMessage",
                Text("Unexpected resource type UNKNOWN"),
                Text("Unknown resource type 99"),
            )
            .beside(42),
        ],
        WRONG_CONFIGS,
    )
    .of(&[
        "resource 16 \"metrics-$u\"",
        "resource 32 \"g-all\"",
        "resource 32 \"g-none\"",
        "resource 99 \"thing\"",
    ])
    .at(&[1])
    .by(world::PRINCIPALS),
    differs(
        "IncrementalAlterConfigs",
        0..=1,
        AT_2_8,
        &[
            code("/responses/errorCode", 42, 0),
            pair("/responses/errorMessage", Text("Unexpected resource type UNKNOWN"), Null),
        ],
        WRONG_CONFIGS,
    )
    .of(&[
        "resource 16 \"metrics-$u\"",
        "resource 32 \"g-all\"",
        "resource 32 \"g-none\"",
        "resource 99 \"thing\"",
    ])
    .at(&[1])
    .by(&["admin", "alice"]),
    differs(
        "IncrementalAlterConfigs",
        0..=1,
        AT_2_8,
        &[
            code("/responses/errorCode", 42, 29),
            pair(
                "/responses/errorMessage",
                Text("Unexpected resource type UNKNOWN"),
                Text("Topic authorization failed."),
            ),
        ],
        WRONG_CONFIGS,
    )
    .of(&[
        "resource 16 \"metrics-$u\"",
        "resource 32 \"g-all\"",
        "resource 32 \"g-none\"",
        "resource 99 \"thing\"",
    ])
    .at(&[1])
    .by(&["bob", "nobody", "ops"]),
    differs(
        "AlterConfigs",
        0..=2,
        AT_2_8,
        &[pair("/responses/errorMessage", Text(NO_LOGGERS), Text("Unknown resource type 8")).beside(42)],
        WRONG_CONFIGS,
    )
    .of(&["resource 8 \"1\"", "resource 8 \"9\""])
    .at(&[1])
    .by(world::PRINCIPALS),
    differs(
        "AlterConfigs",
        0..=2,
        AT_2_8,
        &[pair(
            "/responses/errorMessage",
            Text(NO_LOGGERS),
            Begins("Invalid config value for resource ConfigResource"),
        )
        .beside(42)],
        WRONG_CONFIGS,
    )
    .of(&["resource 8 \"1\"", "resource 8 \"9\""])
    .at(&[1])
    .by(&["admin", "alice"]),
    differs(
        "AlterConfigs",
        0..=2,
        AT_2_8,
        &[
            code("/responses/errorCode", 42, 29),
            pair("/responses/errorMessage", Text(NO_LOGGERS), Text("Topic authorization failed.")),
        ],
        WRONG_CONFIGS,
    )
    .of(&["resource 8 \"1\"", "resource 8 \"9\""])
    .at(&[1])
    .by(&["bob", "nobody", "ops"]),
    differs(
        "AlterConfigs",
        0..=2,
        AT_2_8,
        &[
            code("/responses/errorCode", -1, 42),
            pair("/responses/errorMessage", Null, Text("Null value not supported for : max.message.bytes")),
        ],
        WRONG_CONFIGS,
    )
    .of(&["null value", "null value where denied"])
    .at(&[1])
    .by(world::PRINCIPALS),
    differs(
        "IncrementalAlterConfigs",
        0..=1,
        AT_2_8,
        &[pair(
            "/responses/errorMessage",
            Text("Null value not supported for : SET:max.message.bytes"),
            Text("Null value not supported for : max.message.bytes"),
        )
        .beside(42)],
        WRONG_CONFIGS,
    )
    .of(&["null value", "null value where denied"])
    .at(&[1])
    .by(&["admin", "alice"]),
    differs(
        "IncrementalAlterConfigs",
        0..=1,
        AT_2_8,
        &[
            code("/responses/errorCode", 29, 42),
            pair("/responses/errorMessage", Null, Text("Null value not supported for : max.message.bytes")),
        ],
        WRONG_CONFIGS,
    )
    .of(&["null value", "null value where denied"])
    .at(&[1])
    .by(NO_SUPER_USER),
    differs(
        "DescribeConfigs",
        0..=1,
        AT_1_1,
        &[
            code("/results/errorCode", 42, 0),
            pair("/results/errorMessage", Begins("Unexpected resource type UNKNOWN for resource "), Null),
            pair("/results/configs", Nothing, About("max.message.bytes")),
        ],
        WRONG_CONFIGS,
    )
    .of(&["resource 8 \"1\"", "resource 8 \"9\""])
    .at(&[1])
    .by(&["alice"]),
    differs(
        "DescribeConfigs",
        0..=1,
        AT_1_1,
        &[
            code("/results/errorCode", 42, 29),
            pair(
                "/results/errorMessage",
                Begins("Unexpected resource type UNKNOWN for resource "),
                Text("Topic authorization failed."),
            ),
        ],
        WRONG_CONFIGS,
    )
    .of(&["resource 8 \"1\"", "resource 8 \"9\""])
    .at(&[1])
    .by(&["bob", "nobody", "ops"]),
    differs(
        "DescribeConfigs",
        0..=1,
        AT_1_1,
        &[pair("/results", Codes(42), Nothing), pair("/results", Nothing, Codes(31))],
        WRONG_CONFIGS,
    )
    .of(&["resource 8 \"1\"", "resource 8 \"9\""])
    .at(&[1])
    .by(WITHOUT_CLUSTER),
    differs(
        "DescribeConfigs",
        0..=1,
        AT_1_1,
        &[
            pair(
                "/results/errorMessage",
                Begins("Unexpected resource type UNKNOWN for resource "),
                Begins("This most likely occurs because of a request being malformed"),
            )
            .beside(42),
            pair("/results", Codes(42), Nothing),
            pair("/results", Nothing, Codes(42)),
        ],
        WRONG_CONFIGS,
    )
    .of(&[
        "resource 16 \"metrics-$u\"",
        "resource 32 \"g-all\"",
        "resource 32 \"g-none\"",
        "resource 99 \"thing\"",
        "all kinds",
    ])
    .at(&[1])
    .by(world::PRINCIPALS),
    differs(
        "AlterConfigs",
        0..=0,
        AT_1_1,
        &[pair("/responses", Codes(42), Nothing), pair("/responses", Nothing, Codes(42))],
        WRONG_CONFIGS,
    )
    .of(&[
        "resource 16 \"metrics-$u\"",
        "resource 32 \"g-all\"",
        "resource 32 \"g-none\"",
        "resource 99 \"thing\"",
        "resource 8 \"1\"",
        "resource 8 \"9\"",
    ])
    .at(&[1])
    .by(world::PRINCIPALS),
    differs(
        "AlterConfigs",
        0..=0,
        AT_1_1,
        &[
            code("/responses/errorCode", 42, 29),
            pair(
                "/responses/errorMessage",
                Text("Unexpected resource type UNKNOWN"),
                Text("Topic authorization failed."),
            ),
        ],
        WRONG_CONFIGS,
    )
    .of(&[
        "resource 16 \"metrics-$u\"",
        "resource 32 \"g-all\"",
        "resource 32 \"g-none\"",
        "resource 99 \"thing\"",
        "resource 8 \"1\"",
        "resource 8 \"9\"",
    ])
    .at(&[1])
    .by(&["bob", "nobody", "ops"]),
    differs(
        "AlterConfigs",
        0..=0,
        AT_1_1,
        &[
            code("/responses/errorCode", 42, 0),
            pair("/responses/errorMessage", Text("Unexpected resource type UNKNOWN"), Null),
        ],
        WRONG_CONFIGS,
    )
    .of(&[
        "resource 16 \"metrics-$u\"",
        "resource 32 \"g-all\"",
        "resource 32 \"g-none\"",
        "resource 99 \"thing\"",
    ])
    .at(&[1])
    .by(&["admin", "alice"]),
    differs(
        "AlterConfigs",
        0..=0,
        AT_1_1,
        &[pair(
            "/responses/errorMessage",
            Text("Unexpected resource type UNKNOWN"),
            Begins("Invalid config value for resource Resource(type=TOPIC"),
        )
        .beside(42)],
        WRONG_CONFIGS,
    )
    .of(&["resource 8 \"1\"", "resource 8 \"9\""])
    .at(&[1])
    .by(&["admin", "alice"]),
    differs("AlterConfigs", 0..=0, AT_1_1, &[code("/responses/errorCode", -1, 42)], WRONG_CONFIGS)
        .of(&["null value", "null value where denied"])
        .at(&[1])
        .by(&["admin", "alice"]),
    differs("AlterConfigs", 0..=0, AT_1_1, &[code("/responses/errorCode", 29, 42)], WRONG_CONFIGS)
        .of(&["null value", "null value where denied"])
        .at(&[1])
        .by(NO_SUPER_USER),
    differs(
        "AlterConfigs",
        0..=0,
        AT_1_1,
        &[pair("/responses/errorMessage", Null, Text("Null value not supported for : max.message.bytes"))],
        WRONG_CONFIGS,
    )
    .of(&["null value", "null value where denied"])
    .at(&[1])
    .by(world::PRINCIPALS),
];
