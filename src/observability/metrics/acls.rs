//! The ACLs in force, and the changes of them that clients ask for.

use prometheus::{IntCounter, IntGauge, Result};

use super::families::{Each, Families};
use super::labels::AclChange;

#[derive(Debug)]
pub(super) struct Acls {
    bindings: IntGauge,
    generation: IntGauge,
    pub(super) age_seconds: IntGauge,
    pub(super) topic_offset: IntGauge,
    changes: Each<AclChange, IntCounter>,
}

impl Acls {
    pub(super) fn new(families: &Families<'_>) -> Result<Self> {
        let changes = families.counters(
            "acl_changes_total",
            "Changes of the ACLs that clients asked for, by what came of them.",
            &["result"],
        )?;
        Ok(Self {
            bindings: families.gauge("acl_bindings", "ACL bindings in force.")?,
            generation: families.gauge("acl_generation", "How many ACL sets have been in force so far.")?,
            age_seconds: families.gauge(
                "acl_age_seconds",
                "Time since the ACLs in force were last known to be those of the ACL topic.",
            )?,
            topic_offset: families
                .gauge("acl_topic_offset", "Offset up to which the ACL topic is in force; without one, 0.")?,
            changes: Each::new(|result| changes.with_label_values(&[result])),
        })
    }

    pub(super) fn set(&self, bindings: usize, generation: u64) {
        self.bindings.set(i64::try_from(bindings).unwrap_or(i64::MAX));
        self.generation.set(i64::try_from(generation).unwrap_or(i64::MAX));
    }

    pub(super) fn changed(&self, result: AclChange) {
        self.changes[result].inc();
    }
}
