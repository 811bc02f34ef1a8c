//! The topology of a streams group, as far as it says which topics there have to be (`StreamsTopology`,
//! `InternalTopicManager`).

use std::collections::BTreeSet;

use crate::protocol::messages::streams_group_describe_response as described;
use crate::protocol::messages::streams_group_heartbeat_request as sent;
use crate::protocol::wire::Str;

/// What a topology is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Topology {
    pub(super) epoch: i32,
    /// By their ids. An id that is there twice has both its parts here: a broker that does not refuse that may take either.
    parts: Vec<(Str, Part)>,
}

/// The topics of a subtopology, sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    sources: Vec<Str>,
    sinks: Vec<Str>,
    repartitioned: Vec<Str>,
    changelogs: Vec<Str>,
}

impl Part {
    fn new(
        (sources, sinks): (&[Str], &[Str]),
        repartitioned: impl Iterator<Item = Str>,
        changelogs: impl Iterator<Item = Str>,
    ) -> Self {
        let sorted = |mut names: Vec<Str>| {
            names.sort_unstable();
            names
        };
        Self {
            sources: sorted(sources.to_vec()),
            sinks: sorted(sinks.to_vec()),
            repartitioned: sorted(repartitioned.collect()),
            changelogs: sorted(changelogs.collect()),
        }
    }
}

impl From<&sent::Topology> for Topology {
    fn from(topology: &sent::Topology) -> Self {
        let names = |topics: &[sent::TopicInfo]| {
            topics.iter().map(|topic| topic.name.clone()).collect::<Vec<_>>().into_iter()
        };
        let part = |part: &sent::Subtopology| {
            let plain = (&*part.source_topics, &*part.repartition_sink_topics);
            Part::new(plain, names(&part.repartition_source_topics), names(&part.state_changelog_topics))
        };
        let parts = topology.subtopologies.iter().map(|one| (one.subtopology_id.clone(), part(one)));
        Self::new(topology.epoch, parts)
    }
}

impl From<&described::Topology> for Topology {
    fn from(topology: &described::Topology) -> Self {
        let names = |topics: &[described::TopicInfo]| {
            topics.iter().map(|topic| topic.name.clone()).collect::<Vec<_>>().into_iter()
        };
        let part = |part: &described::Subtopology| {
            let plain = (&*part.source_topics, &*part.repartition_sink_topics);
            Part::new(plain, names(&part.repartition_source_topics), names(&part.state_changelog_topics))
        };
        let parts = topology.subtopologies.iter().flatten();
        Self::new(topology.epoch, parts.map(|one| (one.subtopology_id.clone(), part(one))))
    }
}

impl Topology {
    fn new(epoch: i32, parts: impl Iterator<Item = (Str, Part)>) -> Self {
        let mut parts: Vec<_> = parts.collect();
        parts.sort_by(|(one, _), (other, _)| one.cmp(other));
        Self { epoch, parts }
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().map(|(_, part)| part)
    }

    /// The topics that have to be there already.
    pub(super) fn sources(&self) -> BTreeSet<&Str> {
        self.parts().flat_map(|part| &part.sources).collect()
    }

    /// The topics that the coordinator creates, in the order in which it names them.
    pub(super) fn internal(&self) -> Vec<Str> {
        let one = |part: &Part| [in_java_order(&part.repartitioned), in_java_order(&part.changelogs)];
        let all: Vec<Str> = self.parts().flat_map(one).flatten().collect();
        in_java_order(&all)
    }

    /// A subtopology that keeps something but reads nothing.
    pub(super) fn without_sources(&self) -> Option<&Str> {
        let is_without = |part: &Part| {
            part.sources.is_empty() && part.repartitioned.is_empty() && !part.changelogs.is_empty()
        };
        self.parts.iter().find(|(_, part)| is_without(part)).map(|(id, _)| id)
    }
}

/// Names in the order in which Java's `HashMap` has them, each once. Kafka names missing topics in this order.
fn in_java_order(names: &[Str]) -> Vec<Str> {
    let mut seen = BTreeSet::new();
    let mut names: Vec<Str> = names.iter().filter(|name| seen.insert(*name)).cloned().collect();
    // It is never filled by more than three quarters.
    let mut buckets = 16_usize;
    while names.len() * 4 > buckets * 3 {
        buckets *= 2;
    }
    names.sort_by_cached_key(|name| {
        let hash =
            name.encode_utf16().fold(0_u32, |hash, unit| hash.wrapping_mul(31).wrapping_add(unit.into()));
        (hash ^ (hash >> 16)) as usize & (buckets - 1)
    });
    names
}

/// The first of these names, and how many more there are.
pub(super) fn summary(names: &[&str]) -> String {
    const SHOWN: usize = 3;
    match names.len() {
        0 => "<none>".to_owned(),
        1..=SHOWN => names.join(", "),
        all => format!("{} and {} additional topics", names[..SHOWN].join(", "), all - SHOWN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strs(names: &[&str]) -> Vec<Str> {
        names.iter().copied().map(Str::from).collect()
    }

    #[test]
    fn internal_topics_are_named_in_kafkas_order() {
        // As Kafka 4.4 said it.
        let told = ["zz", "rep-2", "store-changelog", "rep-1", "log-e", "x1", "log-b", "log-a", "log-d"];
        let info = |name: &str| sent::TopicInfo { name: name.into(), ..Default::default() };
        let logs = ["log-a", "log-b", "log-d", "log-e", "may-c", "store-changelog", "x1", "zz"];
        let part = sent::Subtopology {
            repartition_source_topics: ["rep-1", "rep-2"].map(info).to_vec(),
            state_changelog_topics: logs.map(info).to_vec(),
            ..Default::default()
        };
        let topology = sent::Topology { subtopologies: vec![part], ..Default::default() };
        let mut internal = Topology::from(&topology).internal();
        internal.retain(|name| name != "may-c");
        assert_eq!(internal, strs(&told));
    }

    #[test]
    fn a_java_map_grows_with_what_it_holds() {
        // As `java.util.HashMap.keySet` has them, in 16 buckets and in 32.
        let twelve = ["t4", "t5", "t6", "t10", "t7", "t8", "t9", "t11", "t0", "t1", "t2", "t3"];
        let thirteen = ["t4", "t5", "t6", "t7", "t8", "t9", "t10", "t12", "t11", "t0", "t1", "t2", "t3"];
        let numbered = |count: usize| (0..count).map(|n| Str::from(format!("t{n}"))).collect::<Vec<_>>();
        assert_eq!(in_java_order(&numbered(12)), strs(&twelve));
        assert_eq!(in_java_order(&numbered(13)), strs(&thirteen));
        let twice = [numbered(13), numbered(13)].concat();
        assert_eq!(in_java_order(&twice), strs(&thirteen));
    }

    #[test]
    fn no_part_is_left_out() {
        let part = |name: &str| sent::Subtopology {
            subtopology_id: "0".into(),
            state_changelog_topics: vec![sent::TopicInfo { name: name.into(), ..Default::default() }],
            ..Default::default()
        };
        let topology = sent::Topology { subtopologies: vec![part("a"), part("b")], ..Default::default() };
        assert_eq!(Topology::from(&topology).internal(), strs(&["a", "b"]));
    }

    #[test]
    fn of_many_names_three_are_told() {
        assert_eq!(summary(&[]), "<none>");
        assert_eq!(summary(&["a", "b", "c"]), "a, b, c");
        assert_eq!(summary(&["a", "b", "c", "d", "e"]), "a, b, c and 2 additional topics");
    }
}
