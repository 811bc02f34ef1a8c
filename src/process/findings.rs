//! What checks have found, and what becomes of it by the configuration.

use super::config::Reaction;
use crate::observability::health::Health;
use crate::observability::metrics::Check;

/// What a check has to say of a part until it has looked for the first time.
pub(super) const NOT_YET: &str = "not looked at yet";

/// Shows what was found of one part of a check, or that nothing was.
pub(super) fn show(health: &Health, check: Check, part: &str, reaction: Reaction, finding: Option<String>) {
    let (failure, warning) = match reaction {
        Reaction::Fail => (finding, None),
        Reaction::Warn | Reaction::Ignore => (None, finding),
    };
    health.warn_part(check, part, warning);
    health.set_part(check, part, failure.map_or(Ok(()), Err));
}
