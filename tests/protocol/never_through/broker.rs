//! A broker that answers plausibly: what it was asked about, in the order in which it was asked, with errors now and then;
//! and everything there is, where it was asked for everything.

use crate::never_through::dice::Dice;
use crate::never_through::sessions::{Fetched, Key};
use crate::never_through::tree::{Node, Struct};
use crate::never_through::world::{NAME_MARK, Named, RECORD_MARK, World, one_in, one_of};
use crate::support::layouts::{Field, Layout};

/// Makes one answer.
pub(crate) struct Answering<'a> {
    pub(crate) world: &'a World,
    pub(crate) random: &'a mut Dice,
    pub(crate) api: &'static str,
    pub(crate) version: i16,
    pub(crate) request: &'a Node,
    /// What comes of the request's session, if it is about one.
    pub(crate) fetched: Option<Fetched>,
}

/// A topic as an answer tells of it.
#[derive(Clone)]
struct Told {
    name: Option<String>,
    id: [u8; 16],
    partitions: Vec<i64>,
    error: Option<i64>,
}

/// What the element at hand is about.
#[derive(Clone)]
struct About<'a> {
    request: &'a Node,
    topic: Option<Told>,
    partition: i64,
    /// A group, a transactional id, the key of a coordinator, the name of a resource.
    name: String,
    kind: i64,
}

/// Errors that brokers answer with.
const ERRORS: &[i64] = &[-1, 1, 3, 6, 14, 15, 16, 22, 25, 27, 36, 41, 42, 69, 73, 79, 87, 100, 110, 113, 128];

impl<'a> Answering<'a> {
    pub(crate) fn answer(&mut self, layout: &'static Layout) -> Node {
        let about = About {
            request: self.request,
            topic: None,
            partition: 0,
            name: self.world.groups[0].name.clone(),
            kind: 0,
        };
        self.fields("", &layout.fields, &about)
    }

    fn fields(&mut self, path: &str, fields: &'static [Field], about: &About<'a>) -> Node {
        let version = self.version;
        let mut values = Vec::with_capacity(fields.len());
        for field in fields {
            let is_here =
                field.versions.contains(&version) && (field.tag.is_none() || one_in(self.random, 3));
            values.push(if is_here { self.field(path, field, about) } else { Node::Absent });
        }
        let mut inner = Struct { fields, values, unknown: Vec::new() };
        let failed = inner.fields.iter().position(|field| field.name == "ErrorCode");
        if failed.is_some_and(|at| !matches!(inner.values[at], Node::Number(0) | Node::Absent)) {
            // With an error comes nothing else.
            for value in &mut inner.values {
                match value {
                    Node::List(elements) => elements.clear(),
                    Node::Bytes(bytes) => bytes.clear(),
                    _ => {}
                }
            }
        }
        Node::Struct(inner)
    }

    fn field(&mut self, path: &str, field: &'static Field, about: &About<'a>) -> Node {
        let path = if path.is_empty() { field.name.to_owned() } else { format!("{path}.{}", field.name) };
        let nullable = field.null.as_ref().is_some_and(|null| null.contains(&self.version));
        if field.is_array {
            return match field.is_struct() {
                true => {
                    let elements = self.elements(&path, field, about);
                    Node::List(
                        elements.iter().map(|about| self.fields(&path, &field.fields, about)).collect(),
                    )
                }
                false => self.values(field, about),
            };
        }
        if field.is_struct() {
            if nullable && self.is_null(field) {
                return Node::Null;
            }
            let mut about = about.clone();
            // A page ends somewhere among what was asked for, or among all topics.
            if field.name == "NextCursor" {
                let asked: Vec<_> =
                    self.request.list("Topics").iter().map(|topic| topic.text("Name")).collect();
                let somewhere = match asked.is_empty() {
                    true => one_of(self.random, &self.world.topics).name.clone(),
                    false => (*one_of(self.random, &asked)).to_owned(),
                };
                about.topic = Some(self.told(somewhere));
            }
            return self.fields(&path, &field.fields, &about);
        }
        let topic = about.topic.as_ref();
        match (field.kind, field.name) {
            ("string", _) => match (field.entity, field.name) {
                (Some("topicName"), _) => topic
                    .and_then(|topic| topic.name.clone())
                    .map_or(if nullable { Node::Null } else { Node::Text(String::new()) }, Node::Text),
                (Some(_), _) | (None, "Key" | "ResourceName") => Node::Text(about.name.clone()),
                (None, "TopicName") => {
                    Node::Text(topic.and_then(|topic| topic.name.clone()).unwrap_or_default())
                }
                _ if nullable && one_in(self.random, 2) => Node::Null,
                _ => Node::Text((*one_of(self.random, &["x", "", "host", "Stable"])).to_owned()),
            },
            ("uuid", "TopicId") => Node::Uuid(topic.map_or([0; 16], |topic| topic.id)),
            ("uuid", _) => Node::Uuid([5; 16]),
            ("records", _) => self.records(topic),
            ("bytes", _) => Node::Bytes(vec![7; self.random.below(9)]),
            ("float64", _) => Node::Float([0; 8]),
            ("bool", _) => Node::Number(self.random.below(2) as i64),
            (_, "ErrorCode") if path == "ErrorCode" && self.fetched.is_some() => {
                Node::Number(self.fetched.as_ref().map_or(0, |fetched| fetched.error))
            }
            (_, "ErrorCode")
                if topic.is_some_and(|topic| topic.error.is_some()) && !path.contains("Partitions") =>
            {
                Node::Number(topic.and_then(|topic| topic.error).unwrap_or_default())
            }
            (_, name) if name.ends_with("ErrorCode") => {
                Node::Number(if one_in(self.random, 9) { *one_of(self.random, ERRORS) } else { 0 })
            }
            (_, "SessionId") => Node::Number(self.fetched.as_ref().map_or(0, |fetched| fetched.session_id)),
            (_, "PartitionIndex" | "Partition" | "Index") => Node::Number(about.partition),
            (_, "ResourceType" | "KeyType") => Node::Number(about.kind),
            (_, "PatternType" | "Operation" | "PermissionType") => Node::Number(3),
            (_, "PreferredReadReplica") => Node::Number(-1),
            (_, name) if name.ends_with("AuthorizedOperations") => {
                Node::Number(*one_of(self.random, &[3576, 8096, 3400, i64::from(i32::MIN)]))
            }
            _ => Node::Number(self.random.below(100) as i64),
        }
    }

    fn is_null(&mut self, field: &Field) -> bool {
        field.default == Some("null") && one_in(self.random, 2)
    }

    /// The elements of an array of numbers, texts or identifiers.
    fn values(&mut self, field: &'static Field, about: &About<'a>) -> Node {
        let count = self.random.below(3);
        let one = |this: &mut Self| match (field.kind, field.entity) {
            // What members of a group have subscribed to Kafka shows to whoever may describe the group.
            ("string", Some("topicName")) if field.name == "SubscribedTopicNames" => {
                let named: Vec<_> = this.world.topics.iter().filter(|topic| topic.is_named).collect();
                Node::Text(one_of(this.random, &named).name.clone())
            }
            ("string", Some("topicName")) => {
                // Of a group or a topology: the topics that it is about.
                let topic = about.topic.clone().and_then(|topic| topic.name);
                Node::Text(topic.unwrap_or_else(|| one_of(this.random, &this.world.topics).name.clone()))
            }
            ("string", _) => Node::Text("x".to_owned()),
            ("uuid", _) => Node::Uuid([5; 16]),
            ("bytes" | "records", _) => Node::Bytes(Vec::new()),
            _ => Node::Number(this.random.below(3) as i64),
        };
        Node::List((0..count).map(|_| one(self)).collect())
    }

    /// What the elements of an array of structs are about, each.
    fn elements(&mut self, path: &str, field: &'static Field, about: &About<'a>) -> Vec<About<'a>> {
        let version = self.version;
        let has = |f: &dyn Fn(&Field) -> bool| {
            field.fields.iter().any(|field| field.versions.contains(&version) && !field.is_array && f(field))
        };
        let with_name = |name: String| About { name, ..about.clone() };
        // Words for a plugin, which a member has said; Kafka shows them to whoever may describe the group's topics.
        if path.contains("TopologyDescription") {
            return Vec::new();
        }
        if has(&|field| field.entity == Some("topicName") || matches!(field.name, "TopicId" | "TopicName")) {
            let told = match self.fetched.is_some() {
                true => self.fetched(),
                false if self.lists(path, about) => self.everything(),
                false => self.asked_about(about.request),
            };
            return told
                .into_iter()
                .map(|(topic, request)| About {
                    topic: Some(topic),
                    request: request.unwrap_or(about.request),
                    ..about.clone()
                })
                .collect();
        }
        if has(&|field| field.entity == Some("groupId")) {
            let listed = self.api == "ListGroups";
            return self.named(about, "groupId", &self.world.groups, listed);
        }
        if has(&|field| field.entity == Some("transactionalId")) {
            let listed = self.api == "ListTransactions";
            return self.named(about, "transactionalId", &self.world.transactional_ids, listed);
        }
        if has(&|field| field.name == "Key") && self.api == "FindCoordinator" {
            let keys = self.request.list("CoordinatorKeys").iter();
            return keys.map(|key| with_name(key.as_text().to_owned())).collect();
        }
        if has(&|field| field.name == "ResourceName") {
            return match self.api {
                "ListConfigResources" => {
                    let names = self.world.topics.iter().map(|topic| topic.name.clone());
                    names.map(with_name).collect()
                }
                _ => {
                    let resources = self.request.list("Resources").iter();
                    resources
                        .map(|resource| About {
                            kind: resource.number("ResourceType"),
                            ..with_name(resource.text("ResourceName").to_owned())
                        })
                        .collect()
                }
            };
        }
        if has(&|field| matches!(field.name, "PartitionIndex" | "Partition" | "Index")) {
            let partitions = about.topic.as_ref().map_or(vec![0], |topic| topic.partitions.clone());
            return partitions.into_iter().map(|partition| About { partition, ..about.clone() }).collect();
        }
        (0..self.random.below(3)).map(|_| about.clone()).collect()
    }

    /// Groups or transactional ids that a request names, or all there are.
    fn named(&mut self, about: &About<'a>, entity: &str, all: &[Named], listed: bool) -> Vec<About<'a>> {
        let mut found = Vec::new();
        match listed {
            true => found.extend(all.iter().map(|named| (named.name.clone(), about.request))),
            false => find_names(about.request, entity, &mut found),
        }
        found.into_iter().map(|(name, request)| About { name, request, ..about.clone() }).collect()
    }

    /// Whether an array holds what there is, and not what was asked about.
    fn lists(&self, path: &str, about: &About<'_>) -> bool {
        let all = |name: &str| !matches!(about.request.get(name), Node::List(_));
        match self.api {
            "Metadata" => all("Topics") || self.version == 0 && self.request.list("Topics").is_empty(),
            "OffsetFetch" | "DescribeShareGroupOffsets" => all("Topics"),
            "DescribeLogDirs" | "ListPartitionReassignments" => all("Topics"),
            "DescribeTopicPartitions" => self.request.list("Topics").is_empty(),
            "DescribeTransactions"
            | "ConsumerGroupDescribe"
            | "ShareGroupDescribe"
            | "StreamsGroupDescribe" => true,
            "ConsumerGroupHeartbeat" | "ShareGroupHeartbeat" => true,
            "StreamsGroupHeartbeat" => path.contains("Partition"),
            _ => false,
        }
    }

    fn told(&mut self, name: String) -> Told {
        let topic = self.world.by_name(&name).filter(|topic| topic.exists);
        let partitions = (0..1 + self.random.below(2) as i64).collect();
        Told { id: topic.map_or([0; 16], |topic| topic.id), name: Some(name), partitions, error: None }
    }

    fn everything(&mut self) -> Vec<(Told, Option<&'a Node>)> {
        // A group has a few of them; a list has them all.
        let share = if matches!(self.api, "Metadata" | "DescribeTopicPartitions") { 1 } else { 4 };
        let there = self.world.topics.iter().filter(|topic| topic.exists);
        let names: Vec<_> = there.map(|topic| topic.name.clone()).collect();
        let chosen: Vec<_> = names.into_iter().filter(|_| one_in(self.random, share)).collect();
        let error = (self.api == "Metadata").then_some(0);
        chosen.into_iter().map(|name| (Told { error, ..self.told(name) }, None)).collect()
    }

    fn asked_about(&mut self, request: &'a Node) -> Vec<(Told, Option<&'a Node>)> {
        let mut found = Vec::new();
        find_topics(request, &mut found);
        let mut told = Vec::new();
        for (key, node) in found {
            let by_id = |id: [u8; 16]| self.world.by_id(&id).map(|topic| topic.name.clone());
            let (name, id) = match key {
                Key::Name(name) => (Some(name), None),
                Key::Id(id) => (by_id(id), Some(id)),
            };
            let is_there =
                name.as_deref().and_then(|name| self.world.by_name(name)).filter(|topic| topic.exists);
            let error = match (&name, is_there) {
                (_, Some(_)) => 0,
                (None, None) => 100,
                (Some(_), None) => 3,
            };
            let id = id.or(is_there.map(|topic| topic.id)).unwrap_or_default();
            let mut partitions = node.map(partitions_of).unwrap_or_default();
            if partitions.is_empty() {
                partitions.push(0);
            }
            let error = (self.api == "Metadata").then_some(error);
            told.push((Told { name, id, partitions, error }, node));
        }
        told
    }

    /// Of what the session fetches: all of it, or of an incremental one what is new.
    fn fetched(&mut self) -> Vec<(Told, Option<&'a Node>)> {
        let Some(fetched) = self.fetched.as_ref().filter(|fetched| fetched.error == 0) else {
            return Vec::new();
        };
        let partitions: Vec<_> = fetched.partitions.clone();
        let is_incremental = fetched.is_incremental;
        let mut told: Vec<(Told, Option<&'a Node>)> = Vec::new();
        for (key, partition) in partitions {
            if is_incremental && one_in(self.random, 3) {
                continue;
            }
            let name = key.name(self.world);
            let id = if let Key::Id(id) = key { id } else { [0; 16] };
            match told.iter_mut().find(|(one, _)| (&one.name, one.id) == (&name, id)) {
                Some((one, _)) => one.partitions.push(partition),
                None => told.push((Told { name, id, partitions: vec![partition], error: None }, None)),
            }
        }
        told
    }

    /// Records that show whose they are, of whatever topic is there.
    fn records(&mut self, topic: Option<&Told>) -> Node {
        let name = topic.and_then(|topic| topic.name.as_deref()).unwrap_or_default();
        match name.as_bytes().starts_with(NAME_MARK) && !one_in(self.random, 4) {
            true => Node::Bytes([RECORD_MARK, name.as_bytes()].concat()),
            false => Node::Bytes(Vec::new()),
        }
    }
}

fn find_names<'a>(node: &'a Node, entity: &str, found: &mut Vec<(String, &'a Node)>) {
    match node {
        Node::List(elements) => elements.iter().for_each(|element| find_names(element, entity, found)),
        Node::Struct(inner) => {
            for (field, value) in inner.fields.iter().zip(&inner.values) {
                match value {
                    Node::Text(name) if field.entity == Some(entity) => found.push((name.clone(), node)),
                    Node::List(names) if field.entity == Some(entity) => {
                        found.extend(names.iter().map(|name| (name.as_text().to_owned(), node)));
                    }
                    value => find_names(value, entity, found),
                }
            }
        }
        _ => {}
    }
}

fn find_topics<'a>(node: &'a Node, found: &mut Vec<(Key, Option<&'a Node>)>) {
    match node {
        Node::List(elements) => elements.iter().for_each(|element| find_topics(element, found)),
        Node::Struct(inner) => {
            let id = node.uuid("TopicId");
            if id != [0; 16] {
                found.push((Key::Id(id), Some(node)));
                return;
            }
            for (field, value) in inner.fields.iter().zip(&inner.values) {
                match value {
                    Node::Text(name) if field.entity == Some("topicName") => {
                        found.push((Key::Name(name.clone()), Some(node)));
                    }
                    Node::List(names) if field.entity == Some("topicName") && !field.is_struct() => {
                        found.extend(names.iter().map(|name| (Key::Name(name.as_text().to_owned()), None)));
                    }
                    value => find_topics(value, found),
                }
            }
        }
        _ => {}
    }
}

fn partitions_of(topic: &Node) -> Vec<i64> {
    let lists = ["Partitions", "PartitionData", "PartitionIndexes"].iter().flat_map(|name| topic.list(name));
    lists.map(Node::partition).collect()
}
