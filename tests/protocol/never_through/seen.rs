//! What an answer shows: no name of a topic, group or transactional id, no topic's id and no record may reach a client that
//! may not see it, wherever in the answer's bytes it stands.

use std::collections::HashMap;

use doorkeeper::model::acl::Operation::{
    Alter, ClusterAction, Create, Delete, Describe, DescribeConfigs, Read,
};

use crate::never_through::world::{ID_MARK, NAME_LENGTH, NAME_MARK, RECORD_MARK, Rights, World};

/// What the bytes of an answer may hold.
enum Secret {
    Topic(usize),
    Group(usize),
    Transaction(usize),
    Id(usize),
}

/// Where each secret is found.
pub(crate) struct Secrets(HashMap<Vec<u8>, Secret>);

impl Secrets {
    pub(crate) fn of(world: &World) -> Self {
        let mut all = HashMap::new();
        for (n, topic) in world.topics.iter().enumerate() {
            all.insert(topic.name.clone().into_bytes(), Secret::Topic(n));
            all.insert(topic.id.to_vec(), Secret::Id(n));
        }
        let named = |names: &[crate::never_through::world::Named], secret: fn(usize) -> Secret| {
            let one = |(n, named): (usize, &crate::never_through::world::Named)| {
                (named.name.clone().into_bytes(), secret(n))
            };
            names.iter().enumerate().map(one).collect::<Vec<_>>()
        };
        all.extend(named(&world.groups, Secret::Group));
        all.extend(named(&world.transactional_ids, Secret::Transaction));
        Self(all)
    }

    /// What an answer to a request of this API shows, and must not. `is_replica`: of a Fetch that a follower makes.
    pub(crate) fn shown(
        &self,
        api: &str,
        is_replica: bool,
        answer: &[u8],
        world: &World,
        rights: &Rights,
    ) -> Result<(), String> {
        for at in 0..answer.len() {
            let rest = &answer[at..];
            let (found, is_record) = match rest[0] {
                b'z' if rest.starts_with(NAME_MARK) => (rest.get(..NAME_LENGTH), false),
                0xd0 if rest.starts_with(ID_MARK) => (rest.get(..16), false),
                b'r' if rest.starts_with(RECORD_MARK) => (rest[RECORD_MARK.len()..].get(..NAME_LENGTH), true),
                _ => continue,
            };
            if !is_record && answer[..at].ends_with(RECORD_MARK) {
                // The records themselves, which have been looked at.
                continue;
            }
            let Some(secret) = found.and_then(|found| self.0.get(found)) else { continue };
            let cluster = |operation| rights.cluster(operation);
            let (what, may) = match *secret {
                Secret::Topic(n) if is_record => {
                    let topic = &world.topics[n];
                    let may = rights.topic(Read, &topic.name) || is_replica && cluster(ClusterAction);
                    (format!("records of {}", topic.name), may)
                }
                Secret::Topic(n) => {
                    let topic = &world.topics[n];
                    let by_cluster = match api {
                        "DescribeLogDirs" | "ListPartitionReassignments" | "DescribeAcls" => {
                            cluster(Describe)
                        }
                        "CreateAcls" | "DeleteAcls" => cluster(Alter),
                        "ListConfigResources" => cluster(DescribeConfigs),
                        "DeleteTopics" => cluster(Delete),
                        // Which partitions the other members of its group serve; of that Kafka asks nobody.
                        "StreamsGroupHeartbeat" => true,
                        _ => false,
                    };
                    let may = topic.is_named || by_cluster || rights.topic(Describe, &topic.name);
                    (format!("topic {}", topic.name), may)
                }
                Secret::Id(n) => {
                    let topic = &world.topics[n];
                    let by_other = match api {
                        // What its group has been given; of that Kafka asks nobody.
                        "ConsumerGroupHeartbeat" | "ShareGroupHeartbeat" => true,
                        // Kafka tells the ids of the topics that it refuses.
                        "AlterShareGroupOffsets" => true,
                        "DeleteShareGroupOffsets" => rights.topic(Read, &topic.name),
                        "CreateTopics" => cluster(Create) || rights.topic(Create, &topic.name),
                        "DeleteTopics" => cluster(Delete),
                        _ => false,
                    };
                    let may = topic.is_identified || by_other || rights.topic(Describe, &topic.name);
                    (format!("the id of {}", topic.name), may)
                }
                Secret::Group(n) => {
                    let group = &world.groups[n];
                    let listed = match api {
                        "ListGroups" | "DescribeAcls" => cluster(Describe),
                        "CreateAcls" | "DeleteAcls" => cluster(Alter),
                        "ListConfigResources" => cluster(DescribeConfigs),
                        _ => false,
                    };
                    (
                        format!("group {}", group.name),
                        group.is_named || listed || rights.group(Describe, &group.name),
                    )
                }
                Secret::Transaction(n) => {
                    let id = &world.transactional_ids[n];
                    let listed = match api {
                        "DescribeAcls" => cluster(Describe),
                        "CreateAcls" | "DeleteAcls" => cluster(Alter),
                        _ => false,
                    };
                    let may = id.is_named || listed || rights.transaction(Describe, &id.name);
                    (format!("transactional id {}", id.name), may)
                }
            };
            if !may {
                return Err(format!("{what} is shown at byte {at}"));
            }
        }
        Ok(())
    }
}
