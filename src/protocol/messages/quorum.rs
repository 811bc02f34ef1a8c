//! The Raft quorum of the controllers.

use crate::protocol::wire::messages;

messages! {
    Vote (52, 0..=2, flexible 0);

    mod vote_request {
        VoteRequest {
            cluster_id: Option<Str>;
            voter_id: i32, in 1.., else drop, = -1;
            topics: Vec<TopicData>;
        }
        TopicData {
            topic_name: Str;
            partitions: Vec<PartitionData>;
        }
        PartitionData {
            partition_index: i32;
            replica_epoch: i32;
            replica_id: i32;
            replica_directory_id: Uuid, in 1.., else drop;
            voter_directory_id: Uuid, in 1.., else drop;
            last_offset_epoch: i32;
            last_offset: i64;
            pre_vote: bool, in 2..;
        }
    }

    mod vote_response {
        VoteResponse {
            error_code: i16;
            topics: Vec<TopicData>;
            node_endpoints: Vec<NodeEndpoint>, in 1.., tag 0;
        }
        TopicData {
            topic_name: Str;
            partitions: Vec<PartitionData>;
        }
        PartitionData {
            partition_index: i32;
            error_code: i16;
            leader_id: i32;
            leader_epoch: i32;
            vote_granted: bool;
        }
        NodeEndpoint {
            node_id: i32;
            host: Str;
            port: u16;
        }
    }
}

messages! {
    BeginQuorumEpoch (53, 0..=1, flexible 1);

    mod begin_quorum_epoch_request {
        BeginQuorumEpochRequest {
            cluster_id: Option<Str>;
            voter_id: i32, in 1.., else drop, = -1;
            topics: Vec<TopicData>;
            leader_endpoints: Vec<LeaderEndpoint>, in 1.., else drop;
        }
        TopicData {
            topic_name: Str;
            partitions: Vec<PartitionData>;
        }
        PartitionData {
            partition_index: i32;
            voter_directory_id: Uuid, in 1.., else drop;
            leader_id: i32;
            leader_epoch: i32;
        }
        LeaderEndpoint {
            name: Str;
            host: Str;
            port: u16;
        }
    }

    mod begin_quorum_epoch_response {
        BeginQuorumEpochResponse {
            error_code: i16;
            topics: Vec<TopicData>;
            node_endpoints: Vec<NodeEndpoint>, in 1.., tag 0;
        }
        TopicData {
            topic_name: Str;
            partitions: Vec<PartitionData>;
        }
        PartitionData {
            partition_index: i32;
            error_code: i16;
            leader_id: i32;
            leader_epoch: i32;
        }
        NodeEndpoint {
            node_id: i32;
            host: Str;
            port: u16;
        }
    }
}

messages! {
    EndQuorumEpoch (54, 0..=1, flexible 1);

    mod end_quorum_epoch_request {
        EndQuorumEpochRequest {
            cluster_id: Option<Str>;
            topics: Vec<TopicData>;
            leader_endpoints: Vec<LeaderEndpoint>, in 1.., else drop;
        }
        TopicData {
            topic_name: Str;
            partitions: Vec<PartitionData>;
        }
        PartitionData {
            partition_index: i32;
            leader_id: i32;
            leader_epoch: i32;
            preferred_successors: Vec<i32>, in 0..=0, else drop;
            preferred_candidates: Vec<ReplicaInfo>, in 1.., else drop;
        }
        ReplicaInfo {
            candidate_id: i32;
            candidate_directory_id: Uuid;
        }
        LeaderEndpoint {
            name: Str;
            host: Str;
            port: u16;
        }
    }

    mod end_quorum_epoch_response {
        EndQuorumEpochResponse {
            error_code: i16;
            topics: Vec<TopicData>;
            node_endpoints: Vec<NodeEndpoint>, in 1.., tag 0;
        }
        TopicData {
            topic_name: Str;
            partitions: Vec<PartitionData>;
        }
        PartitionData {
            partition_index: i32;
            error_code: i16;
            leader_id: i32;
            leader_epoch: i32;
        }
        NodeEndpoint {
            node_id: i32;
            host: Str;
            port: u16;
        }
    }
}

messages! {
    DescribeQuorum (55, 0..=2, flexible 0);

    mod describe_quorum_request {
        DescribeQuorumRequest {
            topics: Vec<TopicData>;
        }
        TopicData {
            topic_name: Str;
            partitions: Vec<PartitionData>;
        }
        PartitionData {
            partition_index: i32;
        }
    }

    mod describe_quorum_response {
        DescribeQuorumResponse {
            error_code: i16;
            error_message: Option<Str>, in 2.., else drop, = empty();
            topics: Vec<TopicData>;
            nodes: Vec<Node>, in 2..;
        }
        TopicData {
            topic_name: Str;
            partitions: Vec<PartitionData>;
        }
        PartitionData {
            partition_index: i32;
            error_code: i16;
            error_message: Option<Str>, in 2.., else drop, = empty();
            leader_id: i32;
            leader_epoch: i32;
            high_watermark: i64;
            current_voters: Vec<ReplicaState>;
            observers: Vec<ReplicaState>;
        }
        ReplicaState {
            replica_id: i32;
            replica_directory_id: Uuid, in 2..;
            log_end_offset: i64;
            last_fetch_timestamp: i64, in 1.., else drop, = -1;
            last_caught_up_timestamp: i64, in 1.., else drop, = -1;
        }
        Node {
            node_id: i32;
            listeners: Vec<Listener>;
        }
        Listener {
            name: Str;
            host: Str;
            port: u16;
        }
    }
}

messages! {
    FetchSnapshot (59, 0..=1, flexible 0);

    mod fetch_snapshot_request {
        FetchSnapshotRequest {
            cluster_id: Option<Str>, tag 0;
            replica_id: i32, = -1;
            max_bytes: i32, = i32::MAX;
            topics: Vec<TopicSnapshot>;
        }
        TopicSnapshot {
            name: Str;
            partitions: Vec<PartitionSnapshot>;
        }
        PartitionSnapshot {
            partition: i32;
            current_leader_epoch: i32;
            snapshot_id: SnapshotId;
            position: i64;
            replica_directory_id: Uuid, in 1.., else drop, tag 0;
        }
        SnapshotId {
            end_offset: i64;
            epoch: i32;
        }
    }

    mod fetch_snapshot_response {
        FetchSnapshotResponse {
            throttle_time_ms: i32;
            error_code: i16;
            topics: Vec<TopicSnapshot>;
            node_endpoints: Vec<NodeEndpoint>, in 1.., tag 0;
        }
        TopicSnapshot {
            name: Str;
            partitions: Vec<PartitionSnapshot>;
        }
        PartitionSnapshot {
            index: i32;
            error_code: i16;
            snapshot_id: SnapshotId;
            current_leader: LeaderIdAndEpoch, tag 0;
            size: i64;
            position: i64;
            unaligned_records: Bytes;
        }
        SnapshotId {
            end_offset: i64;
            epoch: i32;
        }
        LeaderIdAndEpoch {
            leader_id: i32;
            leader_epoch: i32;
        }
        NodeEndpoint {
            node_id: i32;
            host: Str;
            port: u16;
        }
    }
}

messages! {
    AddRaftVoter (80, 0..=1, flexible 0);

    mod add_raft_voter_request {
        AddRaftVoterRequest {
            cluster_id: Option<Str>, = empty();
            timeout_ms: i32;
            voter_id: i32;
            voter_directory_id: Uuid;
            listeners: Vec<Listener>;
            ack_when_committed: bool, in 1.., = true;
        }
        Listener {
            name: Str;
            host: Str;
            port: u16;
        }
    }

    mod add_raft_voter_response {
        AddRaftVoterResponse {
            throttle_time_ms: i32;
            error_code: i16;
            error_message: Option<Str>, = empty();
        }
    }
}

messages! {
    RemoveRaftVoter (81, 0..=0, flexible 0);

    mod remove_raft_voter_request {
        RemoveRaftVoterRequest {
            cluster_id: Option<Str>, = empty();
            voter_id: i32;
            voter_directory_id: Uuid;
        }
    }

    mod remove_raft_voter_response {
        RemoveRaftVoterResponse {
            throttle_time_ms: i32;
            error_code: i16;
            error_message: Option<Str>, = empty();
        }
    }
}

messages! {
    UpdateRaftVoter (82, 0..=0, flexible 0);

    mod update_raft_voter_request {
        UpdateRaftVoterRequest {
            cluster_id: Option<Str>, = empty();
            current_leader_epoch: i32;
            voter_id: i32;
            voter_directory_id: Uuid;
            listeners: Vec<Listener>;
            kraft_version_feature: KRaftVersionFeature;
        }
        Listener {
            name: Str;
            host: Str;
            port: u16;
        }
        KRaftVersionFeature {
            min_supported_version: i16;
            max_supported_version: i16;
        }
    }

    mod update_raft_voter_response {
        UpdateRaftVoterResponse {
            throttle_time_ms: i32;
            error_code: i16;
            current_leader: CurrentLeader, tag 0;
        }
        CurrentLeader {
            leader_id: i32, = -1;
            leader_epoch: i32, = -1;
            host: Str;
            port: i32;
        }
    }
}
