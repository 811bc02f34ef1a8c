//! Where doorkeeper answers otherwise than Kafka on purpose. Every entry must show in every request that it names.

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
    pub reason: &'static str,
}

/// The list.
pub const DEVIATIONS: &[Deviation] = &[Deviation {
    api: "Fetch",
    versions: 7..=18,
    shapes: &["a session: opened anew"],
    steps: &[2],
    principals: &["nobody", "ops"],
    reason: "a session of nothing but refused partitions would have to be kept without the broker: none is opened, which \
             clients take for a broker whose session cache is full",
}];

/// APIs that doorkeeper does not serve and does not advertise, though Kafka's listener has them: key, name, reason.
pub const NOT_SERVED: &[(i16, &str, &str)] = &[
    (29, "DescribeAcls", ACLS),
    (30, "CreateAcls", ACLS),
    (31, "DeleteAcls", ACLS),
    (38, "CreateDelegationToken", CREDENTIALS),
    (39, "RenewDelegationToken", CREDENTIALS),
    (40, "ExpireDelegationToken", CREDENTIALS),
    (41, "DescribeDelegationToken", CREDENTIALS),
    (50, "DescribeUserScramCredentials", CREDENTIALS),
    (51, "AlterUserScramCredentials", CREDENTIALS),
    (71, "GetTelemetrySubscriptions", NO_RULE),
    (72, "PushTelemetry", NO_RULE),
    (76, "ShareGroupHeartbeat", NO_RULE),
    (77, "ShareGroupDescribe", NO_RULE),
    (78, "ShareFetch", NO_RULE),
    (79, "ShareAcknowledge", NO_RULE),
    (80, "AddRaftVoter", NO_RULE),
    (81, "RemoveRaftVoter", NO_RULE),
    (83, "InitializeShareGroupState", BROKERS),
    (84, "ReadShareGroupState", BROKERS),
    (85, "WriteShareGroupState", BROKERS),
    (86, "DeleteShareGroupState", BROKERS),
    (87, "ReadShareGroupStateSummary", BROKERS),
    (88, "StreamsGroupHeartbeat", NO_RULE),
    (89, "StreamsGroupDescribe", NO_RULE),
    (90, "DescribeShareGroupOffsets", NO_RULE),
    (91, "AlterShareGroupOffsets", NO_RULE),
    (92, "DeleteShareGroupOffsets", NO_RULE),
    (93, "StreamsGroupTopologyDescriptionUpdate", NO_RULE),
    (94, "UnregisterController", NO_RULE),
];

/// APIs that doorkeeper serves up to an older version than Kafka: key, name, highest version, reason.
pub const NOT_SERVED_ABOVE: &[(i16, &str, i16, &str)] = &[(
    68,
    "ConsumerGroupHeartbeat",
    0,
    "the broker would match a pattern of version 1 against topics that the client may not see",
)];

const ACLS: &str = "ACLs are kept in doorkeeper's own file";
const CREDENTIALS: &str =
    "the broker behind doorkeeper authenticates nobody, so it has no credentials to manage";
const BROKERS: &str = "spoken between brokers, which do not come through doorkeeper";
const NO_RULE: &str = "no rule yet: what has not been read is refused";
