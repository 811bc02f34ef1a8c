//! What a broker lets members of streams groups know of its settings.

/// Settings of streams groups that show in the answers to their members. A group may have its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamsSettings {
    /// `streams.heartbeat.interval.ms`
    pub heartbeat_interval_ms: i32,
    /// `streams.initial.rebalance.delay.ms`: for so long the first members of a group wait for others.
    pub initial_rebalance_delay_ms: i32,
}

impl Default for StreamsSettings {
    /// Kafka's own.
    fn default() -> Self {
        Self { heartbeat_interval_ms: 5000, initial_rebalance_delay_ms: 3000 }
    }
}

const HEARTBEAT_INTERVAL: &str = "streams.heartbeat.interval.ms";
const INITIAL_DELAY: &str = "streams.initial.rebalance.delay.ms";

impl StreamsSettings {
    /// What they are called as a group's; a broker's have `group.` before that.
    pub const KEYS: [&str; 2] = [HEARTBEAT_INTERVAL, INITIAL_DELAY];

    /// Takes what the broker says of one of them. What is none, or no number, changes nothing.
    pub fn set(&mut self, key: &str, value: &str) {
        let Ok(millis) = value.parse() else { return };
        match key {
            HEARTBEAT_INTERVAL => self.heartbeat_interval_ms = millis,
            INITIAL_DELAY => self.initial_rebalance_delay_ms = millis,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_setting_changes_nothing() {
        let mut settings = StreamsSettings::default();
        for (key, value) in [(HEARTBEAT_INTERVAL, "x"), (HEARTBEAT_INTERVAL, ""), ("streams.else", "1")] {
            settings.set(key, value);
        }
        assert_eq!(settings, StreamsSettings::default());
        for (n, key) in StreamsSettings::KEYS.iter().enumerate() {
            settings.set(key, &n.to_string());
        }
        let expected = StreamsSettings { heartbeat_interval_ms: 0, initial_rebalance_delay_ms: 1 };
        assert_eq!(settings, expected);
    }
}
