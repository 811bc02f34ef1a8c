//! What has to do with the connection alone: versions, SASL, the cluster.

use super::super::Case;
use serde_json::json;

pub fn cases() -> Vec<Case> {
    let software =
        |name: &str, version: &str| json!({"clientSoftwareName": name, "clientSoftwareVersion": version});
    let target = |cluster: &str, node: i32| json!({"clientSoftwareName": "rig", "clientSoftwareVersion": "1", "clusterId": cluster, "nodeId": node});
    let cluster = |operations: bool, endpoint: i8| json!({"includeClusterAuthorizedOperations": operations, "endpointType": endpoint, "includeFencedBrokers": true});
    vec![
        Case::new("ApiVersions", "a proper name", software("rig", "1.0")),
        Case::new("ApiVersions", "no name", software("", "")),
        Case::new("ApiVersions", "an improper name", software("not a name!", "1.0")),
        Case::new("ApiVersions", "this cluster and node", target("AAAAAAAAQACAAAAAAAAAAg", 1)),
        Case::new("ApiVersions", "another cluster", target("AAAAAAAAQACAAAAAAAAAAQ", 1)),
        Case::new("ApiVersions", "another node", target("AAAAAAAAQACAAAAAAAAAAg", 2)),
        Case::new("ApiVersions", "a cluster without a node", target("AAAAAAAAQACAAAAAAAAAAg", -1)),
        Case::new("SaslHandshake", "on a connection that needs none", json!({"mechanism": "PLAIN"})),
        Case::new("SaslAuthenticate", "on a connection that needs none", json!({"authBytes": "00"})),
        Case::new("DescribeCluster", "plain", cluster(false, 1)),
        Case::new("DescribeCluster", "with operations", cluster(true, 1)),
        Case::new("DescribeCluster", "the controllers", cluster(true, 2)),
        Case::new("DescribeCluster", "another endpoint", cluster(true, 3)),
    ]
}
