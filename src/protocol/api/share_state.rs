//! The state of share groups, which brokers keep at the coordinator of the group's state. Clients have no use for it, but
//! a broker's listener serves it to whoever may act for the cluster.

use super::cluster::{DENIED, default_text, guarded};
use super::{Api, RuleOutcome};
use crate::model::acl::Operation;
use crate::protocol::access::Access;
use crate::protocol::messages::*;
use crate::protocol::wire::Fault;

/// A denial is told of every partition (`toGlobalErrorResponse` of each response).
macro_rules! for_brokers {
    ($($handler:literal $request:ident => $response:ident, $module:ident :: $topic:ident;)*) => {$(
        #[doc = concat!("`KafkaApis.", $handler, "`")]
        impl Api for $request {
            fn decide(&mut self, access: &mut Access<'_>) -> Result<RuleOutcome<$response>, Fault> {
                use $module::{$topic, PartitionResult};
                Ok(guarded(Operation::ClusterAction, access, || {
                    let refuse = |partition| PartitionResult {
                        partition,
                        error_code: DENIED,
                        error_message: default_text(),
                        ..Default::default()
                    };
                    let results = self.topics.iter().map(|topic| $topic {
                        topic_id: topic.topic_id,
                        partitions: topic
                            .partitions
                            .iter()
                            .map(|partition| refuse(partition.partition))
                            .collect(),
                        ..Default::default()
                    });
                    $response { results: results.collect(), ..Default::default() }
                }))
            }
        }
    )*};
}

for_brokers! {
    "handleInitializeShareGroupStateRequest" InitializeShareGroupStateRequest
        => InitializeShareGroupStateResponse, initialize_share_group_state_response::InitializeStateResult;
    "handleReadShareGroupStateRequest" ReadShareGroupStateRequest
        => ReadShareGroupStateResponse, read_share_group_state_response::ReadStateResult;
    "handleWriteShareGroupStateRequest" WriteShareGroupStateRequest
        => WriteShareGroupStateResponse, write_share_group_state_response::WriteStateResult;
    "handleDeleteShareGroupStateRequest" DeleteShareGroupStateRequest
        => DeleteShareGroupStateResponse, delete_share_group_state_response::DeleteStateResult;
    "handleReadShareGroupStateSummaryRequest" ReadShareGroupStateSummaryRequest
        => ReadShareGroupStateSummaryResponse, read_share_group_state_summary_response::ReadStateSummaryResult;
}
