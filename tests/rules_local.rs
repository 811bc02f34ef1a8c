//! The rules of APIs that need no broker's word, or none of the ACLs': telemetry, delegation tokens, SCRAM credentials.

mod support_rules;

use doorkeeper::protocol::messages::*;
use doorkeeper::protocol::wire::Bytes;

use support_rules::*;

#[test]
fn telemetry_is_open_to_everybody() {
    for version in Door::versions::<GetTelemetrySubscriptionsRequest>() {
        for client_instance_id in [id(0), id(7)] {
            let request = GetTelemetrySubscriptionsRequest { client_instance_id, ..Default::default() };
            let mut door = Door::new([]);
            door.send(version, &request).untouched();
            assert_eq!(door.heard, [], "nobody is asked");
        }
    }
    for version in Door::versions::<PushTelemetryRequest>() {
        for metrics in [Bytes::new(), Bytes::from_static(b"a metric")] {
            let request = PushTelemetryRequest { client_instance_id: id(7), metrics, ..Default::default() };
            let mut door = Door::new([]);
            door.send(version, &request).untouched();
            assert_eq!(door.heard, [], "nobody is asked");
        }
    }
}
