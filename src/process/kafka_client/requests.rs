//! The questions: one topic of one partition, found, created, described, read and written.

use std::time::Duration;

use super::{Connection, Failure};
use crate::protocol::error_code::{NONE, TOPIC_ALREADY_EXISTS, UNKNOWN_TOPIC_OR_PARTITION};
use crate::protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use crate::protocol::messages::describe_configs_request::DescribeConfigsResource;
use crate::protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use crate::protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use crate::protocol::messages::metadata_request::MetadataRequestTopic;
use crate::protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use crate::protocol::messages::{
    CreateTopicsRequest, DescribeConfigsRequest, FetchRequest, ListOffsetsRequest, MetadataRequest,
    ProduceRequest,
};
use crate::protocol::wire::{Bytes, Str, Uuid};

/// `ConfigResource.Type`
const TOPIC: i8 = 2;
const BROKER: i8 = 4;
/// The only partition.
const PARTITION: i32 = 0;
/// How many bytes of records one answer should have at most. A batch that is larger comes all the same, alone.
const FETCH_BYTES: i32 = 4 * 1024 * 1024;
/// How long the replicas may take to have what was written.
const APPEND_LIMIT: Duration = Duration::from_secs(8);
/// How long the controller may take to create a topic.
const CREATE_LIMIT: Duration = Duration::from_secs(15);

/// A broker as the cluster names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its id.
    pub id: i32,
    /// Host and port.
    pub address: String,
}

/// What a broker knows of the cluster and of one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The brokers that are there.
    pub nodes: Vec<Node>,
    /// The controller's id, or -1.
    pub controller: i32,
    /// The topic, unless there is none.
    pub topic: Option<FoundTopic>,
}

/// A topic as Metadata shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundTopic {
    /// Its id; zero from brokers before 2.8.
    pub id: Uuid,
    /// How many partitions it has.
    pub partitions: usize,
    /// The leader of partition 0, or -1 for none.
    pub leader: i32,
    /// The brokers whose copies of partition 0 have all that was acknowledged.
    pub in_sync: Vec<i32>,
}

/// A topic of one partition that is to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTopic<'a> {
    /// Its name.
    pub name: &'a str,
    /// How many brokers keep a copy.
    pub replication_factor: i16,
    /// Its settings.
    pub configs: &'a [(&'a str, &'a str)],
}

/// Who answers when records are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// The leader alone: Fetch up to version 10, which no follower answers.
    Leader,
    /// Any broker with a copy (KIP-392): Fetch from version 11 on, which knows of followers, but not by topic id.
    Replica,
}

/// One end of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The first offset that is still there.
    Earliest = -2,
    /// The offset after the last record that all replicas have.
    Latest = -1,
}

/// Records from a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Record batches; the last one may be cut off.
    pub records: Bytes,
    /// The offset after the last record that can be read.
    pub high_watermark: i64,
}

impl Connection {
    /// Finds a topic, without creating it.
    ///
    /// # Errors
    /// When the broker does not answer or does not tell.
    pub async fn find(&mut self, topic: &str) -> Result<Found, Failure> {
        let version = self.version::<MetadataRequest>(4..=12)?;
        let wanted = MetadataRequestTopic { name: Some(topic.into()), ..Default::default() };
        let question = MetadataRequest {
            topics: Some(vec![wanted]),
            allow_auto_topic_creation: false,
            ..Default::default()
        };
        let answer = self.ask(&question, version, Duration::ZERO).await?;
        let found = answer.topics.into_iter().find(|found| found.name.as_deref() == Some(topic));
        let topic = match found {
            None => None,
            Some(found) if found.error_code == UNKNOWN_TOPIC_OR_PARTITION => None,
            // A partition without a leader is an error of the whole topic in some versions: it has no leader then.
            Some(found) if found.error_code != NONE && found.partitions.is_empty() => {
                return Err(self.refused(&format!("Metadata of topic {topic}"), found.error_code, None));
            }
            Some(found) => {
                let only = found.partitions.iter().find(|partition| partition.partition_index == PARTITION);
                Some(FoundTopic {
                    id: found.topic_id,
                    partitions: found.partitions.len(),
                    leader: only.map_or(-1, |partition| partition.leader_id),
                    in_sync: only.map(|partition| partition.isr_nodes.clone()).unwrap_or_default(),
                })
            }
        };
        let address = |host: &str, port: i32| match host.contains(':') {
            true => format!("[{host}]:{port}"),
            false => format!("{host}:{port}"),
        };
        let nodes = answer
            .brokers
            .iter()
            .map(|node| Node { id: node.node_id, address: address(&node.host, node.port) })
            .collect();
        Ok(Found { nodes, controller: answer.controller_id, topic })
    }

    /// Creates a topic; whether it was this request that did, or somebody else before.
    ///
    /// # Errors
    /// When it cannot be created.
    pub async fn create(&mut self, topic: &NewTopic<'_>) -> Result<bool, Failure> {
        let version = self.version::<CreateTopicsRequest>(2..=7)?;
        let configs = topic.configs.iter().map(|(name, value)| CreatableTopicConfig {
            name: (*name).into(),
            value: Some((*value).into()),
            ..Default::default()
        });
        let wanted = CreatableTopic {
            name: topic.name.into(),
            num_partitions: 1,
            replication_factor: topic.replication_factor,
            configs: configs.collect(),
            ..Default::default()
        };
        let question = CreateTopicsRequest {
            topics: vec![wanted],
            timeout_ms: millis(CREATE_LIMIT),
            ..Default::default()
        };
        let answer = self.ask(&question, version, CREATE_LIMIT).await?;
        let Some(result) = answer.topics.first() else {
            return Err(self.said_nothing("CreateTopics"));
        };
        match result.error_code {
            NONE => Ok(true),
            TOPIC_ALREADY_EXISTS => Ok(false),
            code => {
                let what = format!("creating the topic {}", topic.name);
                Err(self.refused(&what, code, result.error_message.as_deref()))
            }
        }
    }

    /// Settings of a topic; those that the broker does not know are left out.
    ///
    /// # Errors
    /// When the broker does not answer or does not tell.
    pub async fn topic_configs(
        &mut self,
        topic: &str,
        names: &[&str],
    ) -> Result<Vec<(String, String)>, Failure> {
        let mut results = self.configs(vec![(TOPIC, topic.into())], names).await?;
        let Some(result) = results.pop() else {
            return Err(self.said_nothing("DescribeConfigs"));
        };
        match result.code {
            NONE => Ok(result.configs),
            code => {
                let what = format!("DescribeConfigs of topic {topic}");
                Err(self.refused(&what, code, result.message.as_deref()))
            }
        }
    }

    /// Which of `nodes` the broker that answers is, if it is one of them, and a setting of it. Nothing on the wire says who
    /// answers, but a broker refuses to speak of others' settings.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn own_config(
        &mut self,
        nodes: &[Node],
        name: &str,
    ) -> Result<Option<(i32, Option<String>)>, Failure> {
        let resources = nodes.iter().map(|node| (BROKER, node.id.to_string().into())).collect();
        let results = self.configs(resources, &[name]).await?;
        let own = results.into_iter().find(|result| result.code == NONE);
        Ok(own.and_then(|own| {
            let value = own.configs.into_iter().next().map(|(_, value)| value);
            Some((own.name.parse().ok()?, value))
        }))
    }

    /// One end of the topic's log.
    ///
    /// # Errors
    /// NOT_LEADER_OR_FOLLOWER from every broker but the leader, and whatever else keeps it from answering.
    pub async fn offset(&mut self, topic: &str, end: Start) -> Result<i64, Failure> {
        let version = self.version::<ListOffsetsRequest>(1..=7)?;
        let partition =
            ListOffsetsPartition { partition_index: PARTITION, timestamp: end as i64, ..Default::default() };
        let wanted =
            ListOffsetsTopic { name: topic.into(), partitions: vec![partition], ..Default::default() };
        let question = ListOffsetsRequest { replica_id: -1, topics: vec![wanted], ..Default::default() };
        let answer = self.ask(&question, version, Duration::ZERO).await?;
        let Some(partition) = answer.topics.first().and_then(|topic| topic.partitions.first()) else {
            return Err(self.said_nothing("ListOffsets"));
        };
        match partition.error_code {
            NONE => Ok(partition.offset),
            code => Err(self.refused(&format!("ListOffsets of topic {topic}"), code, None)),
        }
    }

    /// Records from `offset` on; when there are none, waits for some, for as long as `wait`.
    ///
    /// # Errors
    /// Whatever the broker has against it, such as OFFSET_OUT_OF_RANGE.
    pub async fn fetch(
        &mut self,
        topic: &str,
        offset: i64,
        wait: Duration,
        reader: Reader,
    ) -> Result<Fetched, Failure> {
        let version = self.version::<FetchRequest>(match reader {
            Reader::Leader => 4..=10,
            Reader::Replica => 11..=12,
        })?;
        let partition = FetchPartition {
            partition: PARTITION,
            fetch_offset: offset,
            partition_max_bytes: FETCH_BYTES,
            ..Default::default()
        };
        let wanted = FetchTopic { topic: topic.into(), partitions: vec![partition], ..Default::default() };
        let question = FetchRequest {
            max_wait_ms: millis(wait),
            min_bytes: 1,
            max_bytes: FETCH_BYTES,
            topics: vec![wanted],
            ..Default::default()
        };
        let mut answer = self.ask(&question, version, wait).await?;
        let refused = |code| self.refused(&format!("Fetch of topic {topic}"), code, None);
        if answer.error_code != NONE {
            return Err(refused(answer.error_code));
        }
        let partition = answer.responses.first_mut().and_then(|topic| topic.partitions.first_mut());
        match partition {
            None => Err(self.said_nothing("Fetch")),
            Some(partition) if partition.error_code != NONE => Err(refused(partition.error_code)),
            Some(partition) => Ok(Fetched {
                records: partition.records.take().unwrap_or_default(),
                high_watermark: partition.high_watermark,
            }),
        }
    }

    /// Appends record batches; returns the offset of the first record, when all replicas that are in sync have them.
    ///
    /// # Errors
    /// After [`Failure::Connection`] and [`Failure::Timeout`] it is unknown whether the records were appended.
    pub async fn append(&mut self, topic: &str, records: Bytes) -> Result<i64, Failure> {
        let version = self.version::<ProduceRequest>(3..=12)?;
        let partition =
            PartitionProduceData { index: PARTITION, records: Some(records), ..Default::default() };
        let data =
            TopicProduceData { name: topic.into(), partition_data: vec![partition], ..Default::default() };
        let question = ProduceRequest {
            acks: -1,
            timeout_ms: millis(APPEND_LIMIT),
            topic_data: vec![data],
            ..Default::default()
        };
        let answer = self.ask(&question, version, Duration::ZERO).await?;
        let partition = answer.responses.first().and_then(|topic| topic.partition_responses.first());
        let Some(partition) = partition else {
            return Err(self.said_nothing("Produce"));
        };
        match partition.error_code {
            NONE => Ok(partition.base_offset),
            code => {
                let what = format!("Produce to topic {topic}");
                Err(self.refused(&what, code, partition.error_message.as_deref()))
            }
        }
    }

    /// Settings of several resources.
    async fn configs(
        &mut self,
        resources: Vec<(i8, Str)>,
        names: &[&str],
    ) -> Result<Vec<ConfigResult>, Failure> {
        let version = self.version::<DescribeConfigsRequest>(0..=4)?;
        let keys: Vec<Str> = names.iter().map(|name| (*name).into()).collect();
        let resources = resources.into_iter().map(|(resource_type, resource_name)| DescribeConfigsResource {
            resource_type,
            resource_name,
            configuration_keys: Some(keys.clone()),
            ..Default::default()
        });
        let question = DescribeConfigsRequest { resources: resources.collect(), ..Default::default() };
        let answer = self.ask(&question, version, Duration::ZERO).await?;
        let read = |result: crate::protocol::messages::describe_configs_response::DescribeConfigsResult| {
            let configs = result
                .configs
                .into_iter()
                .filter_map(|config| Some((config.name.to_string(), config.value?.to_string())));
            ConfigResult {
                name: result.resource_name.to_string(),
                code: result.error_code,
                message: result.error_message.map(|message| message.to_string()),
                configs: configs.collect(),
            }
        };
        Ok(answer.results.into_iter().map(read).collect())
    }

    fn said_nothing(&self, what: &str) -> Failure {
        Failure::Protocol(format!(
            "{} answers {what}, but says nothing about what was asked for",
            self.peer()
        ))
    }
}

/// The settings of one resource.
struct ConfigResult {
    /// The resource's name.
    name: String,
    code: i16,
    message: Option<String>,
    /// Names with values.
    configs: Vec<(String, String)>,
}

fn millis(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX)
}
