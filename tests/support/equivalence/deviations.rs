//! Where doorkeeper answers otherwise than Kafka on purpose. Every entry must show in every request that it names.

use std::ops::RangeInclusive;

/// Answers that differ, and why that is right.
pub struct Deviation {
    pub api: &'static str,
    pub versions: RangeInclusive<i16>,
    /// Empty: all.
    pub shapes: &'static [&'static str],
    /// Empty: all.
    pub principals: &'static [&'static str],
    pub reason: &'static str,
}

/// The list.
pub const DEVIATIONS: &[Deviation] = &[];
