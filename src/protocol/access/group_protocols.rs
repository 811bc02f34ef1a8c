//! Which of the newer protocols for groups are switched on at a broker.

use crate::protocol::messages::ApiVersionsResponse;

/// The newer protocols for groups. Where one is off, Kafka says so before it asks its authorizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupProtocol {
    /// Consumer groups of KIP-848.
    Consumer,
    /// Share groups (KIP-932).
    Share,
    /// Streams groups (KIP-1071).
    Streams,
}

/// Which of them are on; `None` is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GroupProtocols {
    consumer: Option<bool>,
    share: Option<bool>,
    streams: Option<bool>,
}

impl GroupProtocols {
    /// What a broker says of itself in ApiVersions, and with its setting `group.coordinator.rebalance.protocols`.
    ///
    /// `KafkaApis.isConsumerGroupProtocolEnabled` and its siblings: from Kafka 4.0 on, what the cluster has agreed on
    /// (`group.version`, `share.version`, `streams.version`) and that setting. Before, the setting alone; before 4.2,
    /// it could switch share groups on without the feature.
    pub fn new(answer: &ApiVersionsResponse, setting: Option<&str>) -> Self {
        let is_set = |protocol| {
            setting.map(|names| names.split(',').any(|name| name.trim().eq_ignore_ascii_case(protocol)))
        };
        let knows = |feature| answer.supported_features.iter().any(|known| &*known.name == feature);
        // An epoch is missing where the broker has not heard of the cluster's features, or keeps them to itself.
        let is_agreed = |feature| {
            let level = answer.finalized_features.iter().find(|agreed| &*agreed.name == feature);
            (answer.finalized_features_epoch >= 0)
                .then(|| level.is_some_and(|level| level.max_version_level >= 1))
        };
        let both = |set, agreed| match (set, agreed) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        };
        let consumer = match knows("group.version") {
            true => both(is_set("consumer"), is_agreed("group.version")),
            false => is_set("consumer"),
        };
        let share = match is_set("share") {
            Some(true) => Some(true),
            _ => is_agreed("share.version"),
        };
        Self { consumer, share, streams: both(is_set("streams"), is_agreed("streams.version")) }
    }

    /// Whether it is known that the protocol is off.
    pub fn is_off(&self, protocol: GroupProtocol) -> bool {
        let is_on = match protocol {
            GroupProtocol::Consumer => self.consumer,
            GroupProtocol::Share => self.share,
            GroupProtocol::Streams => self.streams,
        };
        is_on == Some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::GroupProtocol::{Consumer, Share, Streams};
    use super::*;
    use crate::protocol::messages::api_versions_response::{FinalizedFeatureKey, SupportedFeatureKey};

    fn off(supported: &[&str], agreed: Option<&[(&str, i16)]>, setting: Option<&str>) -> Vec<GroupProtocol> {
        let supported = supported.iter().map(|name| SupportedFeatureKey {
            name: (*name).into(),
            max_version: 1,
            ..Default::default()
        });
        let level = |(name, level): &(&str, i16)| FinalizedFeatureKey {
            name: (*name).into(),
            max_version_level: *level,
            ..Default::default()
        };
        let answer = ApiVersionsResponse {
            supported_features: supported.collect(),
            finalized_features_epoch: agreed.map_or(-1, |_| 7),
            finalized_features: agreed.unwrap_or_default().iter().map(level).collect(),
            ..Default::default()
        };
        let protocols = GroupProtocols::new(&answer, setting);
        [Consumer, Share, Streams].into_iter().filter(|protocol| protocols.is_off(*protocol)).collect()
    }

    const ALL: &[&str] = &["group.version", "share.version", "streams.version"];

    #[test]
    fn a_cluster_agrees_on_protocols_from_4_0_on() {
        let set = Some("classic,consumer,streams");
        let agreed: &[_] = &[("group.version", 1), ("share.version", 2), ("streams.version", 1)];
        assert_eq!(off(ALL, Some(agreed), set), []);
        assert_eq!(off(ALL, Some(&[]), set), [Consumer, Share, Streams]);
        assert_eq!(off(ALL, Some(&[("group.version", 0), ("streams.version", 1)]), set), [Consumer, Share]);
    }

    #[test]
    fn the_setting_switches_off_what_the_cluster_agreed_on() {
        let agreed: &[_] = &[("group.version", 1), ("share.version", 1), ("streams.version", 1)];
        assert_eq!(off(ALL, Some(agreed), Some("classic")), [Consumer, Streams]);
        assert_eq!(off(ALL, Some(agreed), Some("classic, Consumer")), [Streams]);
    }

    #[test]
    fn the_setting_alone_counts_before() {
        assert_eq!(off(&[], Some(&[]), Some("classic,consumer")), [Share, Streams]);
        assert_eq!(off(&[], Some(&[]), Some("classic,consumer,share")), [Streams]);
        assert_eq!(off(&[], Some(&[]), Some("classic")), [Consumer, Share, Streams]);
    }

    #[test]
    fn what_is_unknown_is_not_off() {
        assert_eq!(off(&[], None, None), []);
        assert_eq!(off(ALL, None, Some("classic,consumer,streams")), []);
        assert_eq!(off(ALL, Some(&[("group.version", 1), ("streams.version", 1)]), None), [Share]);
    }
}
